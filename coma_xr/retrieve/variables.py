"""Columns as variables of a Dataset: scalars scattered over the cells, lists and arrays unfolded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from coma_xr.errors import LayoutError, warn
from coma_xr.exports.external import is_deferred, revived
from coma_xr.retrieve.arrays import Array, Attrs, as_objects, scatter
from coma_xr.retrieve.columns import AS_NEEDED, MISSING
from coma_xr.retrieve.unfold import Folded, measure
from coma_xr.text import listing
from coma_xr.tree import is_typed
from coma_xr.values.plain import from_plain

if TYPE_CHECKING:
    from coma_xr.retrieve.layout import Layout

__all__ = ["Item", "assemble", "variable"]

_SCALARS = frozenset({str, int, float, bool, complex, type(None), type(MISSING)})

# What makes a cell more than a scalar.
_CONTAINERS = (
    list,
    dict,
    np.ndarray,
    xr.DataArray,
    xr.Dataset,
    pd.Series,
    pd.Index,
    pd.DataFrame,
    pd.Categorical,
)


@dataclass
class Item:
    """A column on its way to a variable."""

    name: str
    values: list[Any]
    layout: Layout
    attrs: Attrs
    dims: Sequence[str] | None = ()
    is_coord: bool = False
    fill: Any = AS_NEEDED
    folded: Folded | None = field(init=False, default=None)
    whole: bool = field(init=False, default=False)
    reason: str | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if set(map(type, self.values)) <= _SCALARS or not self._has_containers():
            if self.dims:
                self._refuse_dims("has no lists")
            return
        if self.dims is None:
            self.whole = True
            return
        if {type(value) for value in self.values if value is not MISSING} == {dict}:
            # Parameters that are dictionaries: nothing was lost that anybody would miss.
            self.whole = True
            return
        folded = measure(self.values)
        if folded is None:
            files = any(map(is_deferred, self.values))
            self.reason = (
                f"has {'arrays of unequal shapes in files' if files else 'values of different kinds'}"
            )
        elif folded.wasteful:
            self.reason = f"would be padded to {' x '.join(map(str, folded.shape))}, under 10 % full"
        else:
            self.folded = folded
            self.attrs = folded.attrs | self.attrs
            if len(self.dims) > len(folded.shape):
                self._refuse_dims(f"has lists of {len(folded.shape)} levels")
        self.whole = self.reason is not None

    def _has_containers(self) -> bool:
        self.values = [revived(value) if is_typed(value) else value for value in self.values]
        return any(isinstance(value, _CONTAINERS) for value in self.values)

    def _refuse_dims(self, why: str) -> None:
        raise LayoutError(
            f"'{self.name}' was given the dims {listing(self.dims or ())}, but {why}.",
            ways=[f"Name no more dims than there are, in unfold= or annotate({self.name!r}, dims=...)."],
        )

    def unfolded(self, free: Callable[[str], str]) -> tuple[str, ...]:
        """Return the names of the dims that its lists make."""
        if self.folded is None or self.dims is None:
            return ()
        levels = len(self.folded.shape)
        own = [free(f"{self.name}_index" + (f"_{level + 1}" if level else "")) for level in range(levels)]
        own = list(self.folded.dims) or own
        return (*self.dims[:levels], *own[len(self.dims) :])


def variable(dims: Sequence[str], array: Array, attrs: Mapping[str, Any] | None = None) -> xr.Variable:
    """Return a variable that holds an array as it is.

    xarray makes NaN of None in object arrays of text; so these are put in afterwards.
    """
    if array.dtype != object:
        return xr.Variable(dims, array, attrs)
    new = xr.Variable(dims, np.empty(array.shape, dtype=object), attrs)
    new.data[...] = array
    return new


def assemble(
    items: Sequence[Item], free: Callable[[str], str]
) -> tuple[dict[str, xr.Variable], dict[str, xr.Variable]]:
    """Return the data variables and the coordinates of some items."""
    dims = {item.name: item.unfolded(free) for item in items}
    extents: dict[str, int] = {}
    numbered: set[str] = set()
    for item in items:
        for dim, size in zip(dims[item.name], item.folded.shape if item.folded else (), strict=True):
            extents[dim] = max(size, extents.get(dim, 0))
            if item.folded and item.folded.labelled:
                numbered.add(dim)
    data: dict[str, xr.Variable] = {}
    coords: dict[str, xr.Variable] = {}
    lengths: dict[str, xr.Variable] = {}
    for item in items:
        (coords if item.is_coord else data)[item.name] = _variable(item, dims[item.name], extents)
        lengths |= _lengths(item, dims[item.name], extents, free)
    for dim, extent in extents.items():
        if dim in numbered and dim not in coords:
            coords[dim] = xr.Variable((dim,), np.arange(1, extent + 1))
    _say_objects(items)
    _say_units(items)
    return data, coords | lengths


def _variable(item: Item, dims: Sequence[str], extents: Mapping[str, int]) -> xr.Variable:
    layout = item.layout
    if item.folded:
        extent = [extents[dim] for dim in dims]
        if item.folded.lazy and item.folded.shape == tuple(extent):
            stack, attrs = item.folded.stack(layout.cells, layout.shape, item.fill)
            return stack.variable((*layout.dims, *dims), item.attrs | attrs)
        array, attrs = item.folded.fill(layout.cells, layout.size, extent, item.fill)
        array = array.reshape(*layout.shape, *extent)
        return variable((*layout.dims, *dims), array, item.attrs | attrs)
    if item.whole:
        array = np.empty(layout.size, dtype=object)
        there = [row for row, value in enumerate(item.values) if value is not MISSING]
        array[layout.cells[there]] = as_objects([from_plain(item.values[row]) for row in there])
        return variable(layout.dims, array.reshape(layout.shape), item.attrs)
    array, attrs = scatter(item.values, layout.cells, layout.size, full=layout.full, fill=item.fill)
    return variable(layout.dims, array.reshape(layout.shape), item.attrs | attrs)


def _lengths(
    item: Item, dims: Sequence[str], extents: Mapping[str, int], free: Callable[[str], str]
) -> dict[str, xr.Variable]:
    """Return how long the lists of an item are, for the levels where they are padded."""
    folded, layout, lengths = item.folded, item.layout, {}
    if folded is None:
        return {}
    extent = [extents[dim] for dim in dims]
    for level, ragged in enumerate(folded.ragged):
        if ragged or folded.shape[level] < extent[level]:
            counts = folded.counts(level, layout.cells, layout.size, extent)
            name = free(f"{item.name}_length" + (f"_{level + 1}" if level else ""))
            above = tuple(dims[: counts.ndim - 1])
            lengths[name] = variable((*layout.dims, *above), counts.reshape(*layout.shape, *counts.shape[1:]))
    return lengths


def _say_objects(items: Sequence[Item]) -> None:
    reasons = [f"'{item.name}' {item.reason}" for item in items if item.reason]
    if reasons:
        warn(f"Each cell holds one object of what cannot be one array: {listing(reasons)}.")


def _say_units(items: Sequence[Item]) -> None:
    texts = [
        f"'{item.name}' is in {listing(map(repr, item.folded.units))}"
        for item in items
        if item.folded and len(item.folded.units) > 1
    ]
    warn_of_units(texts)


def warn_of_units(texts: Sequence[str]) -> None:
    """Warn of columns whose values are in several units."""
    if texts:
        warn(f"Units differ between measurements, and no value was converted: {listing(texts, 3)}.")

"""Lists and arrays in cells become dims: measured first, then filled into one array, padded where ragged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from coma_xr.exports.external import BARE, Stack, is_deferred
from coma_xr.retrieve.arrays import Array, Attrs, as_array, place, with_holes
from coma_xr.retrieve.columns import AS_NEEDED, MISSING
from coma_xr.same import equal
from coma_xr.tree import is_typed
from coma_xr.values.plain import from_plain
from coma_xr.values.times import alike_times

__all__ = ["Folded", "flat_columns", "measure"]

# Padding that leaves less than this of the cells full is a waste.
_THINNEST = 0.1


@dataclass(frozen=True)
class Folded:
    """Lists or arrays of one column, measured."""

    values: Any
    lengths: list[Array]
    there: Array
    labelled: bool
    stacked: bool
    dims: tuple[str, ...] = ()
    coords: dict[str, tuple[tuple[str, ...], list[Any], Attrs]] = field(default_factory=dict)
    attrs: Attrs = field(default_factory=dict)
    lazy: bool = False
    units: tuple[Any, ...] = ()

    @property
    def arrays(self) -> Sequence[Array]:
        """What is `stacked`; what may not be read yet is read now."""
        return [np.asarray(variable.values) for variable in self.values] if self.lazy else self.values

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes that hold the longest list of each level."""
        return tuple(int(length.max(initial=0)) for length in self.lengths)

    @property
    def ragged(self) -> list[bool]:
        """For each level whether its lists are of unequal length."""
        return [bool(length.size) and bool(length.min() != length.max()) for length in self.lengths]

    @property
    def wasteful(self) -> bool:
        """Whether padding would be almost all of the array."""
        if self.stacked:
            items = sum(array.size for array in self.values)
        else:
            items = len(self.values)
        return bool(items < _THINNEST * math.prod(self.shape) * len(self.there))

    def fill(
        self, cells: Array, size: int, shape: Sequence[int], fill: Any = AS_NEEDED
    ) -> tuple[Array, Attrs]:
        """Return one array of all values."""
        cells = cells[self.there]
        if self.stacked:
            return _stack(self.arrays, cells, size, shape, fill)
        if not any(self.ragged) and self.shape == tuple(shape):
            # Nothing is padded, so that whole lists go to their cells, without a number for each item.
            array, attrs = as_array(self.values)
            whole = array.reshape(len(cells), *shape)
            return place(whole, cells, size, attrs, full=len(np.unique(cells)) == size, fill=fill)
        at = cells
        for length, extent in zip(self.lengths, shape, strict=True):
            at = np.repeat(at * extent, length) + _counting(length)
        array, attrs = as_array(self.values)
        total = size * math.prod(shape)
        full = len(at) == total and len(np.unique(at)) == total
        out, attrs = place(array, at, total, attrs, full=full, fill=fill)
        return out.reshape(size, *shape), attrs

    def stack(self, cells: Array, shape: Sequence[int], fill: Any = AS_NEEDED) -> tuple[Stack, Attrs]:
        """Return one array of all values, if `lazy`, that reads of them only what is looked at."""
        numbers = np.full(math.prod(shape), -1, dtype=np.intp)
        numbers[cells[self.there]] = np.arange(len(self.there))
        empty: Array = np.empty(0, dtype=np.result_type(*(variable.dtype for variable in self.values)))
        hole, attrs = empty.dtype.type(), dict[str, Any]()
        if (numbers < 0).any():
            empty, hole, attrs = with_holes(empty, attrs, fill)
        return Stack(self.values, numbers.reshape(shape), empty.dtype, hole), attrs

    def counts(self, level: int, cells: Array, size: int, shape: Sequence[int]) -> Array:
        """Return the lengths of one level in the cells of all dims above it; 0 where there is none."""
        at = cells[self.there]
        above: tuple[int, ...] = ()
        if not self.stacked:
            above = tuple(shape[:level])
            for length, extent in zip(self.lengths[:level], above, strict=True):
                at = np.repeat(at * extent, length) + _counting(length)
        out = np.zeros(size * math.prod(above), dtype=np.int64)
        out[at] = self.lengths[level]
        return out.reshape(size, *above)


def _counting(lengths: Array) -> Array:
    """Return 0, 1, ... for each length, one after another."""
    ends = np.cumsum(lengths)
    counting: Array = np.arange(ends[-1] if ends.size else 0) - np.repeat(ends - lengths, lengths)
    return counting


def _stack(
    arrays: Sequence[Array], cells: Array, size: int, shape: Sequence[int], fill: Any
) -> tuple[Array, Attrs]:
    arrays = _alike(arrays)
    items, attrs = np.concatenate([array.ravel() for array in arrays]), dict[str, Any]()
    equal = all(array.shape == tuple(shape) for array in arrays)
    if equal and len(np.unique(cells)) == size:
        out = np.empty((size, *shape), dtype=items.dtype)
    else:
        items, hole, attrs = with_holes(items, attrs, fill)
        out = np.full((size, *shape), hole, dtype=items.dtype)
    for cell, array in zip(cells, arrays, strict=True):
        out[(cell, *map(slice, array.shape))] = array
    return out, attrs


def _alike(arrays: Sequence[Array]) -> Sequence[Array]:
    """Return arrays of dtypes that NumPy may join without changing what values are."""
    if all(array.dtype.kind in "mM" for array in arrays):
        return alike_times(arrays)
    return arrays if _joinable(arrays) else [array.astype(object) for array in arrays]


def _joinable(arrays: Sequence[Array] | Sequence[xr.DataArray]) -> bool:
    kinds = {array.dtype.kind for array in arrays}
    if kinds & set("mM"):
        return len({array.dtype for array in arrays}) == 1
    return len(kinds) == 1 or kinds <= set("iuf")


def measure(values: Sequence[Any]) -> Folded | None:
    """Measure the lists or arrays of a column.

    Examples
    --------
    >>> folded = measure([[1, 2], [3]])
    >>> folded.shape, folded.ragged
    ((2,), [True])
    """
    there = np.fromiter((i for i, value in enumerate(values) if value is not MISSING), dtype=np.intp)
    present = [value for value in values if value is not MISSING] if len(there) < len(values) else values
    present = [_bare(from_plain(value)) if is_typed(value) else _bare(value) for value in present]
    kinds = set(map(type, present))
    if kinds == {xr.DataArray}:
        return _measure_labelled(present, there)
    if kinds == {np.ndarray}:
        return _measure_arrays(present, there)
    level: Sequence[Any] = _as_lists(present)
    lengths = []
    while level and set(map(type, level)) == {list}:
        lengths.append(np.fromiter(map(len, level), dtype=np.intp, count=len(level)))
        level = _as_lists(list(chain.from_iterable(level)))
    if not lengths or set(map(type, level)) & {list, dict}:
        return None
    return Folded(level, lengths, there, kinds == {list}, stacked=False)


def _bare(value: Any) -> Any:
    """Return what pandas has as what NumPy and xarray have for it."""
    if isinstance(value, pd.Series):
        name = "index" if value.index.name is None else str(value.index.name)
        return xr.DataArray(value.to_numpy(), {name: value.index.to_numpy()}, [name])
    if isinstance(value, (pd.Index, pd.Categorical)):
        return np.asarray(value)
    return value


def _as_lists(values: Sequence[Any]) -> Sequence[Any]:
    """Return values with arrays as lists, and what else was stored in a form of its own as it was."""
    if not set(map(type, values)) & {dict, np.ndarray}:
        return values
    values = [from_plain(value) if is_typed(value) else value for value in values]
    return [value.tolist() if isinstance(value, np.ndarray) else value for value in values]


def _measure_arrays(arrays: Sequence[Array], there: Array) -> Folded | None:
    if len({array.ndim for array in arrays}) > 1:
        return None
    shapes = np.array([array.shape for array in arrays], dtype=np.intp)
    return Folded(arrays, list(shapes.T), there, labelled=False, stacked=True)


def _measure_labelled(arrays: Sequence[xr.DataArray], there: Array) -> Folded | None:
    """Measure DataArrays; None when they do not share their dims."""
    dims = arrays[0].dims
    if any(set(array.dims) != set(dims) for array in arrays):
        return None
    arrays = [array if array.dims == dims else array.transpose(*dims) for array in arrays]
    shapes = np.array([array.shape for array in arrays], dtype=np.intp).reshape(len(arrays), len(dims))
    coords: dict[str, tuple[tuple[str, ...], list[Any], Attrs]] = {}
    for name in dict.fromkeys(name for array in arrays for name in array.coords):
        found = [array.coords.get(name) for array in arrays]
        there_are = [coord for coord in found if coord is not None]
        if all(coord.dims == there_are[0].dims for coord in there_are):
            coords[str(name)] = (
                tuple(map(str, there_are[0].dims)),
                [MISSING if coord is None else coord.values[()] for coord in found],
                _common(there_are),
            )
    own_dims = () if all(BARE in array.encoding for array in arrays) else tuple(map(str, dims))
    # What has a dtype of pandas was read with its file.
    lazy = any(map(is_deferred, arrays)) and all(isinstance(array.dtype, np.dtype) for array in arrays)
    if lazy and not (_same(shapes) and _joinable(arrays)):
        return None
    values = [array.variable if lazy else array.values for array in arrays]
    units = tuple(dict.fromkeys(str(array.attrs["units"]) for array in arrays if "units" in array.attrs))
    return Folded(values, list(shapes.T), there, False, True, own_dims, coords, _common(arrays), lazy, units)


def _same(shapes: Array) -> bool:
    return bool((shapes == shapes[0]).all())


def _common(arrays: Sequence[xr.DataArray]) -> Attrs:
    """Return the attributes that all have."""
    return {
        str(key): value
        for key, value in arrays[0].attrs.items()
        if all(key in array.attrs and equal(array.attrs[key], value) for array in arrays)
    }


def flat_columns(name: str, values: Sequence[Any], stem: str | None = None) -> dict[str, list[Any]]:
    """Unfold lists into columns as Coma does: ``Es_1``, ``Es_2``; nested ones ``Es_1_1``; or with another stem.

    Examples
    --------
    >>> flat_columns("Es", [[1, 2], [3], 4])
    {'Es': [MISSING, MISSING, 4], 'Es_1': [1, 3, MISSING], 'Es_2': [2, MISSING, MISSING]}
    """
    if list not in set(map(type, values)):
        return {name: list(values)}
    columns: dict[str, list[Any]] = {}
    rest = [MISSING if type(value) is list else value for value in values]
    if any(value is not MISSING for value in rest):
        columns[name] = rest
    lists = [value if type(value) is list else [] for value in values]
    for number in range(max(map(len, lists))):
        items = [items[number] if number < len(items) else MISSING for items in lists]
        columns |= flat_columns(f"{stem or name}_{number + 1}", items)
    return columns

"""Dims and coordinates that DataArrays bring along: 1-D where equal in all measurements, else over their dims too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from coma_xr.errors import warn
from coma_xr.retrieve.columns import MISSING
from coma_xr.retrieve.variables import Item
from coma_xr.same import equal
from coma_xr.tree import is_typed
from coma_xr.values.plain import from_plain

if TYPE_CHECKING:
    from coma_xr.retrieve.arrays import Attrs
    from coma_xr.retrieve.layout import Layout

__all__ = ["bring", "constant_or_not"]


# Coordinates that differ by less than this part of their spacing are equal but for rounding errors.
NOISE = 1e-9

# In units of the last place of the largest number, for what is far away from 0.
_LAST_DIGITS = 8


class _Brought:
    """Coordinates that were brought so far, by name: what a second one of the name must equal."""

    def __init__(self, taken: Callable[[str, str], str]) -> None:
        self.taken = taken
        self._values: dict[str, tuple[tuple[str, ...], list[Any]]] = {}

    def name(self, name: str, owner: str, dims: tuple[str, ...], values: list[Any]) -> str:
        """Return the name that a coordinate gets: its own, if that is free or means the same already."""
        name = self.taken(name, owner)
        while name in self._values and not _same(self._values[name], (dims, values), _equal):
            if _same(self._values[name], (dims, values), nearly_equal):
                _warn_of_noise(name, "variables")
                break
            name = f"{owner}_{name}"
        return name

    def add(self, name: str, dims: tuple[str, ...], values: list[Any]) -> bool:
        """Remember a coordinate; return whether it is new."""
        new = name not in self._values
        self._values.setdefault(name, (dims, values))
        return new


def bring(items: Sequence[Item], taken: Callable[[str, str], str]) -> list[Item]:
    """Return the coordinates that the DataArrays in some items bring, and name their dims."""
    brought = _Brought(taken)
    coords: list[Item] = []
    for item in items:
        if item.folded is not None and (item.folded.dims or item.folded.coords):
            coords += _bring(item, brought)
    return coords


def _bring(item: Item, brought: _Brought) -> list[Item]:
    folded, given = item.folded, list(item.dims or ())
    assert folded is not None
    values = {name: _on_rows(item, column) for name, (_, column, _) in folded.coords.items()}
    dims: dict[str, str] = {}
    for place, dim in enumerate(folded.dims):
        if place < len(given):
            dims[dim] = given[place]
        elif dim in folded.coords:
            dims[dim] = brought.name(dim, item.name, (dim,), values[dim])
        else:
            dims[dim] = brought.taken(dim, item.name)
    item.dims = [dims[dim] for dim in folded.dims]
    coords = []
    for name, (own, _, attrs) in folded.coords.items():
        renamed = tuple(dims[dim] for dim in own)
        new = dims[name] if name in dims else brought.name(name, item.name, renamed, values[name])
        if brought.add(new, (name,) if name in dims else renamed, values[name]):
            coords.append(constant_or_not(new, values[name], item.layout, attrs, list(renamed)))
    return coords


def constant_or_not(name: str, values: list[Any], layout: Layout, attrs: Attrs, dims: Sequence[str]) -> Item:
    """Return a coordinate: over its own dims when all measurements agree on it, else over theirs too."""
    there = [value for value in values if value is not MISSING]
    is_noise = False
    for value in there[1:]:
        if not _equal(there[0], value):
            if not nearly_equal(there[0], value):
                return Item(name, values, layout, attrs, dims, is_coord=True)
            is_noise = True
    if is_noise:
        _warn_of_noise(name, "measurements")
    return Item(name, there[:1], layout.single(), attrs, dims, is_coord=True)


def _warn_of_noise(name: str, owners: str) -> None:
    warn(
        f"The coordinate '{name}' differs between {owners} by rounding errors only (less than {NOISE:g} of its spacing). "
        f"The Dataset has that of the first of these {owners}."
    )


def _on_rows(item: Item, column: Sequence[Any]) -> list[Any]:
    """Return what the arrays have, in the rows of the item."""
    assert item.folded is not None
    values: list[Any] = [MISSING] * len(item.values)
    for row, value in zip(item.folded.there, column, strict=True):
        values[row] = value
    return values


def _same(
    first: tuple[tuple[str, ...], list[Any]],
    second: tuple[tuple[str, ...], list[Any]],
    compare: Callable[[Any, Any], bool],
) -> bool:
    """Whether two coordinates have the same dims and values; what a measurement lacks is no difference."""
    pairs = zip(first[1], second[1], strict=False)
    return first[0] == second[0] and all(a is MISSING or b is MISSING or compare(a, b) for a, b in pairs)


def nearly_equal(a: Any, b: Any) -> bool:
    """Whether two arrays of floats differ by no more than rounding errors: `NOISE` of their spacing, or some last digits.

    Examples
    --------
    >>> nearly_equal(np.array([0.1, 0.3]), np.array([0.1, 0.1 + 0.2]))
    True
    >>> nearly_equal(np.array([0.1, 0.3]), np.array([0.1, 0.3000001]))
    False
    """
    a, b = (from_plain(value) if is_typed(value) else value for value in (a, b))
    if type(a) is list or type(b) is list:
        if not (type(a) is type(b) is list and set(map(type, (*a, *b))) <= {int, float}):
            return False
    elif not isinstance(a, (np.ndarray, np.generic)):
        return False
    one, other = np.asarray(a), np.asarray(b)
    if one.dtype != other.dtype or one.dtype.kind not in "fc" or one.shape != other.shape or not one.size:
        return False
    numbers = np.unique(one[np.isfinite(one)])
    spacing = np.abs(np.diff(numbers)).min(initial=np.inf)
    digits = _LAST_DIGITS * np.finfo(one.dtype).eps * np.abs(numbers).max(initial=0)
    most = max(NOISE * spacing if len(numbers) > 1 else 0.0, min(digits, spacing / 1000))
    return bool(np.allclose(one, other, rtol=0, atol=most, equal_nan=True))


def _equal(a: Any, b: Any) -> bool:
    """Whether two values, plain or decoded, are the same; NaN equals NaN."""
    if (
        isinstance(a, np.ndarray)
        and isinstance(b, np.ndarray)
        and a.dtype == b.dtype
        and a.dtype.kind in "iufmM"
    ):
        # Coordinates may be long, and NumPy compares arrays of one dtype exactly.
        return bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fmM"))
    return equal(a, b)

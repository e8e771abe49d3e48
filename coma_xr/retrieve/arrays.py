"""Plain values as NumPy arrays that keep their types, and as labels.

What each kind of value becomes: bool, int, float, complex and text their own dtypes; int and float
together float, where no digit gets lost; None among numbers NaN; all else, and ints beyond 64 bits,
object. Where an array has holes, int becomes float with NaN (object beyond 53 bits), bool and text object
with None; attributes then say what the files have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from coma_xr.retrieve.columns import MISSING
from coma_xr.trees import json
from coma_xr.trees.plain import from_plain
from coma_xr.trees.typed import is_typed

__all__ = [
    "Array",
    "Attrs",
    "as_array",
    "as_objects",
    "factorize",
    "numbered",
    "place",
    "scatter",
    "with_holes",
]

Array = npt.NDArray[Any]
Attrs = dict[str, Any]

_NUMBERS = frozenset({int, float, complex})
_SCALARS = frozenset({str, int, float, bool, type(None), complex})

# Beyond this, a float does not tell two ints apart.
_EXACT = 2**53

# A fixed width for all texts is a waste where one of them is long.
_MAX_TEXT_BYTES = 1 << 26


def as_objects(values: Sequence[Any]) -> Array:
    """Return an object array, one item for each value, whatever these are."""
    return np.fromiter(values, dtype=object, count=len(values))


def as_array(values: Sequence[Any]) -> tuple[Array, Attrs]:
    """Return scalars as an array of one dimension, and attributes that say what was converted.

    Examples
    --------
    >>> as_array([1, 2])
    (array([1, 2]), {})
    >>> as_array([1, None])
    (array([ 1., nan]), {'type': 'int or None', 'fill': 'NaN'})
    >>> as_array([True, 1])
    (array([True, 1], dtype=object), {})
    """
    kinds = set(map(type, values))
    if not kinds:
        return np.zeros(0), {}
    if kinds == {str}:
        return _texts(values), {}
    if kinds == {bool}:
        return np.array(values, dtype=bool), {}
    if type(None) in kinds and kinds - {type(None)} and kinds - {type(None)} <= _NUMBERS:
        array = _numbers([np.nan if value is None else value for value in values], kinds | {float})
        names = sorted(kind.__name__ for kind in kinds - {type(None)})
        return array, _said(array, f"{' or '.join(names)} or None")
    if kinds and kinds <= _NUMBERS:
        return _numbers(values, kinds), {}
    return as_objects([value if type(value) in _SCALARS else from_plain(value) for value in values]), {}


def _said(array: Array, kind: str) -> Attrs:
    return {"type": kind, "fill": "None" if array.dtype == object else "NaN"}


def _texts(values: Sequence[str]) -> Array:
    size = 4 * len(values) * max(map(len, values))
    # NumPy takes zero characters off the end of a text.
    if size > _MAX_TEXT_BYTES or any(value.endswith("\0") for value in values):
        return as_objects(values)
    return np.array(values, dtype=str)


def _numbers(values: Sequence[Any], kinds: set[type]) -> Array:
    try:
        if kinds == {int}:
            return np.array(values, dtype=np.int64)
        if int in kinds and any(type(value) is int and abs(value) > _EXACT for value in values):
            return as_objects(values)
        return np.array(values, dtype=np.complex128 if complex in kinds else np.float64)
    except OverflowError:
        return as_objects(values)


def scatter(values: Sequence[Any], cells: Array, size: int, *, full: bool) -> tuple[Array, Attrs]:
    """Put scalars into the cells of an array.

    Parameters
    ----------
    values : sequence
        Plain scalars or MISSING.
    cells : ndarray of int
        The cell of each value.
    size : int
        The number of cells.
    full : bool
        Whether `cells` has every cell.

    Returns
    -------
    ndarray, shape (size,)
    dict
        Attributes that say what was converted.
    """
    if MISSING in values:
        there = np.fromiter((value is not MISSING for value in values), dtype=bool, count=len(values))
        values, cells = [value for value in values if value is not MISSING], cells[there]
        full = len(np.unique(cells)) == size
    array, attrs = as_array(values)
    return place(array, cells, size, attrs, full=full)


def place(array: Array, cells: Array, size: int, attrs: Attrs, *, full: bool) -> tuple[Array, Attrs]:
    """Put the items of an array into the cells of another one; the other cells stay holes."""
    if full:
        out = np.empty(size, dtype=array.dtype)
    else:
        array, fill, attrs = with_holes(array, attrs)
        out = np.full(size, fill, dtype=array.dtype)
    out[cells] = array
    return out, attrs


def with_holes(array: Array, attrs: Attrs) -> tuple[Array, Any, Attrs]:
    """Return an array that can hold what stands in holes, and this."""
    kind = array.dtype.kind
    if kind in "fc":
        return array, np.nan, attrs
    if kind in "iu" and (not array.size or (array.max() <= _EXACT and array.min() >= -_EXACT)):
        return array.astype(np.float64), np.nan, {"type": "int", "fill": "NaN", **attrs}
    said = {"i": "int", "u": "int", "b": "bool", "U": "str"}.get(kind)
    return array.astype(object), None, {"type": said, "fill": "None", **attrs} if said else attrs


def factorize(values: Sequence[Any]) -> tuple[Array, Array]:
    """Number the distinct ones of some values.

    Parameters
    ----------
    values : sequence
        Plain values or MISSING. Lists, arrays and dictionaries count as their JSON text.

    Returns
    -------
    codes : ndarray of int
        The number of each value.
    labels : ndarray
        The distinct values: numbers sorted, all else in the order of first appearance.

    Examples
    --------
    >>> factorize([3, 1.0, 1, float("nan")])
    (array([1, 0, 0, 2]), array([ 1.,  3., nan]))
    """
    kinds = set(map(type, values))
    if not kinds <= _SCALARS | {type(MISSING)}:
        values = [value if type(value) in _SCALARS or value is MISSING else _text(value) for value in values]
    keys = _keys(values, kinds)
    firsts: dict[Any, Any] = {}
    for key in dict.fromkeys(keys):
        firsts[key] = key[1] if isinstance(key, tuple) else key
    if kinds <= {int, float, bool} and (bool not in kinds or len(kinds) == 1):
        firsts = dict(sorted(firsts.items(), key=lambda pair: (pair[1] != pair[1], pair[1])))
    numbers = dict(zip(firsts, range(len(firsts)), strict=True))
    codes = np.fromiter(map(numbers.__getitem__, keys), dtype=np.intp, count=len(keys))
    labels = list(firsts.values())
    return codes, as_objects(labels) if None in labels else as_array(labels)[0]


def _keys(values: Sequence[Any], kinds: set[type]) -> Sequence[Any]:
    """Return values that are equal exactly where the parameters are the same."""
    if float in kinds and any(value != value for value in set(values)):  # noqa: PLR0124
        nan = float("nan")
        values = [nan if value != value else value for value in values]  # noqa: PLR0124
    if bool in kinds and len(kinds) > 1:
        return [(True, value) if type(value) is bool else value for value in values]
    return values


def _text(value: Any) -> str:
    if is_typed(value):
        value = from_plain(value).tolist()
    return json.encode(value, pretty=False).decode()


def numbered(keys: Iterable[Array], sizes: Iterable[int]) -> tuple[Array, int]:
    """Combine numbers into one: return the number of each row's combination, and how many could be.

    Parameters
    ----------
    keys : iterable of ndarray of int
        One array for each thing, with a number for each row.
    sizes : iterable of int
        Above the largest number of each.
    """
    out, total = None, 1
    for key, size in zip(keys, sizes, strict=True):
        if out is not None and total * size >= 1 << 62:
            out = np.unique(out, return_inverse=True)[1]
            total = int(out.max(initial=-1)) + 1
        out = key if out is None else out * size + key
        total *= size
    return (np.zeros(0, dtype=np.intp) if out is None else out), total

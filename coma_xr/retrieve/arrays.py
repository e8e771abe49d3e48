"""Plain values as NumPy arrays that keep their types, and as labels.

What each kind of value becomes: bool, int, float, complex, text, dates and durations their own dtypes; int
and float together float, where no digit gets lost; None among numbers NaN, among dates NaT; all else, and
ints beyond 64 bits, object. Where an array has holes, int becomes float with NaN (object beyond 53 bits),
bool and text object with None, unless `fill` says what stands there; attributes then say what the files have.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from coma_xr.encoding import json
from coma_xr.retrieve.columns import AS_NEEDED, MISSING, lacks
from coma_xr.same import in_order, keys
from coma_xr.tree import is_typed
from coma_xr.values.plain import from_plain, to_plain
from coma_xr.values.times import time_array

__all__ = [
    "Array",
    "Attrs",
    "as_array",
    "as_objects",
    "decoded",
    "factorize",
    "numbered",
    "place",
    "scatter",
    "utc",
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
        fill = "None" if array.dtype == object else "NaN"
        return array, {"type": f"{' or '.join(names)} or None", "fill": fill}
    if kinds and kinds <= _NUMBERS:
        return _numbers(values, kinds), {}
    if kinds <= _SCALARS:
        return as_objects(values), {}
    return _others(decoded(values))


def decoded(values: Sequence[Any]) -> list[Any]:
    """Return plain values with what they stand for: arrays, dates, Datasets, ..."""
    return [from_plain(value) if is_typed(value) or type(value) is list else value for value in values]


def _others(values: Sequence[Any]) -> tuple[Array, Attrs]:
    """Return values of other types as an array: dates, durations and NumPy's own scalars, or objects."""
    times = time_array(values)
    if times is not None:
        there = [value for value in values if value is not None]
        is_date = any(type(value) is dt.date for value in there)
        if times.dtype == object or (len(there) == len(values) and not is_date):
            return times, {}
        lacking = {} if len(there) == len(values) else {"fill": "NaT"}
        name = "date" if is_date else f"{type(there[0]).__name__} or None"
        return times, {"type": name, **lacking}
    # NumPy joins durations in months with others by their mean length.
    if (
        len({type(value) for value in values}) == 1
        and isinstance(values[0], np.generic)
        and values[0].dtype.kind not in "mM"
    ):
        return np.array(values), {}
    if set(map(type, values)) <= _SCALARS:
        # Stored in a form of their own, but plain: an int of any size, NaN.
        return as_array(values)
    return as_objects(values), {}


def utc(values: Sequence[Any]) -> list[Any] | None:
    """Return texts such as ``2026-11-22T13:20:07Z`` as dates, without a zone; None when one is no date."""
    try:
        dates = [dt.datetime.fromisoformat(value) for value in values]
    except (TypeError, ValueError):
        return None
    return [date.astimezone(dt.UTC).replace(tzinfo=None) if date.tzinfo else date for date in dates]


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


def scatter(
    values: Sequence[Any], cells: Array, size: int, *, full: bool, fill: Any = AS_NEEDED
) -> tuple[Array, Attrs]:
    """Put scalars into the cells of an array."""
    if lacks(values):
        there = np.fromiter((value is not MISSING for value in values), dtype=bool, count=len(values))
        values, cells = [value for value in values if value is not MISSING], cells[there]
        full = len(np.unique(cells)) == size
    array, attrs = as_array(values)
    return place(array, cells, size, attrs, full=full, fill=fill)


def place(
    array: Array, cells: Array, size: int, attrs: Attrs, *, full: bool, fill: Any = AS_NEEDED
) -> tuple[Array, Attrs]:
    """Put the items of an array, along its first axis, into the cells of another one; the others stay holes."""
    if full:
        out = np.empty((size, *array.shape[1:]), dtype=array.dtype)
    else:
        array, hole, attrs = with_holes(array, attrs, fill)
        out = np.full((size, *array.shape[1:]), hole, dtype=array.dtype)
    out[cells] = array
    return out, attrs


def with_holes(array: Array, attrs: Attrs, fill: Any = AS_NEEDED) -> tuple[Array, Any, Attrs]:
    """Return an array that can hold what stands in holes, and this."""
    kind = array.dtype.kind
    if fill is not AS_NEEDED:
        return _with_fill(array, attrs, fill)
    if kind in "fc":
        return array, np.nan, attrs
    if kind in "mM":
        return array, np.array("NaT", dtype=array.dtype)[()], attrs
    if kind in "iu" and (not array.size or (array.max() <= _EXACT and array.min() >= -_EXACT)):
        return array.astype(np.float64), np.nan, {"type": "int", "fill": "NaN", **attrs}
    said = _CALLED.get(kind)
    return array.astype(object), None, {"type": said, "fill": "None", **attrs} if said else attrs


def _with_fill(array: Array, attrs: Attrs, fill: Any) -> tuple[Array, Any, Attrs]:
    """Return an array that can hold what the user wants in holes; the type changes only if it must."""
    kind, hole = array.dtype.kind, np.asarray(fill)
    if fill is None or kind + hole.dtype.kind not in _FILLABLE:
        dtype = np.dtype(object)
    elif kind in "iu" and hole.dtype.kind in "iu":
        # An int keeps its width, unless the fill does not go into it.
        dtype = np.result_type(array.dtype, np.min_scalar_type(fill))
    elif kind in "mMfc" and hole.dtype.kind != "c":
        dtype = array.dtype
    else:
        dtype = np.result_type(array.dtype, hole.dtype)
    shown = fill if isinstance(fill, (bool, int, str)) else "NaN" if fill != fill else str(fill)  # noqa: PLR0124
    said = {"type": _CALLED[kind]} if dtype.kind != kind and kind in _CALLED else {}
    return array.astype(dtype), fill, {**said, **attrs, "fill": shown}


# Kinds of arrays, each with a kind of fill that does not make objects of them.
_FILLABLE = {"UU", "bb", "mm", "MM", *(a + b for a in "biuf" for b in "iuf"), "cf", "ci", "cu", "cc", "fc"}

_CALLED = {"i": "int", "u": "int", "b": "bool", "U": "str", "f": "float", "c": "complex"}


def factorize(values: Sequence[Any]) -> tuple[Array, Array]:
    """Number the distinct ones of some values.

    Examples
    --------
    >>> factorize([3, 1.0, 1, float("nan")])
    (array([1, 0, 0, 2]), array([ 1.,  3., nan]))
    """
    parts = keys(values)
    firsts: dict[Any, Any] = {}
    for part, value in zip(parts, values, strict=True):
        if part not in firsts:
            firsts[part] = value
    order = in_order(firsts)
    numbers = dict(zip(order, range(len(order)), strict=True))
    codes = np.fromiter(map(numbers.__getitem__, parts), dtype=np.intp, count=len(parts))
    return codes, _labels([firsts[part] for part in order])


def _labels(values: Sequence[Any]) -> Array:
    """Return distinct values as an array of distinct labels."""
    kinds = set(map(type, values))
    if kinds <= _SCALARS:
        return as_objects(values) if type(None) in kinds else as_array(values)[0]
    labels = [value if type(value) in _SCALARS or value is MISSING else _label(value) for value in values]
    if len(set(map(type, labels))) > 1:
        # NumPy compares its narrow numbers with Python's as if these were narrow too.
        labels = [label.item() if isinstance(label, np.floating) else label for label in labels]
    array = as_array(labels)[0]
    if any(label is None for label in labels) or len(set(keys(list(array)))) < len(labels):
        return as_objects(labels)
    return array


def _label(value: Any) -> Any:
    """Return what labels a dim for a value that is no plain scalar: itself, or its text."""
    meant = from_plain(value) if is_typed(value) else value
    if isinstance(meant, Hashable):
        return meant
    if isinstance(meant, np.ndarray):
        meant = (meant.astype(str) if meant.dtype.kind in "mM" else meant).tolist()
    return json.encode(to_plain(meant), pretty=False).decode()


def numbered(keys: Iterable[Array], sizes: Iterable[int]) -> tuple[Array, int]:
    """Combine numbers into one: return the number of each row's combination, and how many could be."""
    out, total = None, 1
    for key, size in zip(keys, sizes, strict=True):
        if out is not None and total * size >= 1 << 62:
            out = np.unique(out, return_inverse=True)[1]
            total = int(out.max(initial=-1)) + 1
        out = key if out is None else out * size + key
        total *= size
    return (np.zeros(0, dtype=np.intp) if out is None else out), total

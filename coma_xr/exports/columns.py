"""Arrays of any dtype as arrays that every format can hold, with notes of what was changed.

An array is *plain* when it holds bool, integers, single or double precision floats, dates, durations, or
text. Where a format can mark cells as empty, the plain array may be one of objects: None, and text, bool,
int or float beside it.

===================  ===================================================================================
``dtype``            the dtype, when it is another one in the file: a name; for categories
                     ``{"categories": ..., "ordered": ...}``, for text of pandas ``{"text": ..., "na": ...}``
``cells: "json"``    every cell is the JSON text of its value
``arrays``           the dtype of arrays, which are lists in these texts
``hole``             the cells that are None, NaN, NA or NaT: ``[text in the file, kind]``
``complex: true``    real and imaginary part stand along one more dimension, the last
===================  ===================================================================================
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import ExtensionArray

from coma_xr.errors import DataFileError
from coma_xr.exports.tagged import tag, text, untag, untext

__all__ = [
    "Array",
    "Note",
    "Values",
    "array_of",
    "as_objects",
    "hole",
    "index_of",
    "index_tree",
    "plain",
    "real",
]

Array = npt.NDArray[Any]
Values = Array | ExtensionArray
Note = dict[str, Any]

_INT64 = range(-(2**63), 2**63)
_HOLES = {"None": None, "NA": pd.NA, "NaN": float("nan"), "NaT": pd.NaT}


def as_objects(cells: Sequence[Any]) -> Array:
    """Return an object array, one item for each cell, whatever these are."""
    return np.fromiter(cells, dtype=object, count=len(cells))


def hole(cell: Any) -> str:
    """Return what kind of hole a cell is; nothing for a value."""
    if cell is None:
        return "None"
    if cell is pd.NA:
        return "NA"
    if cell is pd.NaT:
        return "NaT"
    return "NaN" if type(cell) is float and cell != cell else ""  # noqa: PLR0124


# -------------------------------------------------------------------------------------------- writing


def plain(values: Values, where: str, *, empty: bool = False) -> tuple[Array, Note]:
    """Return an array that every format can hold, and the notes that lead back.

    Parameters
    ----------
    values : ndarray or ExtensionArray
    where : str
        What messages call it.
    empty : bool, default False
        Whether the format has empty cells, also among text and bool.

    Raises
    ------
    SerializationError
        When a cell holds what there is no form for.

    Examples
    --------
    >>> plain(as_objects(["a", None]), "'model'")
    (array(['a', ''], dtype=object), {'dtype': 'object', 'hole': ['', 'None']})
    >>> plain(np.array([1 + 2j]), "'z'")
    (array([[1., 2.]]), {'dtype': 'complex128', 'complex': True})
    """
    if not isinstance(values, np.ndarray):
        return _plain_extension(values, where, empty)
    kind, dtype = values.dtype.kind, values.dtype
    if kind == "O":
        array, note = _plain_objects(values, where, empty)
        return array, {"dtype": "object", **note}
    if kind == "T":
        array, note = _plain_objects(values.astype(object), where, empty)
        return array, {"dtype": "StringDType", **note}
    if kind == "c":
        array, inner = plain(np.stack([values.real, values.imag], axis=-1), where)
        name = "clongdouble" if dtype == np.clongdouble else dtype.name if dtype.isnative else dtype.str
        note = {"cells": "json"} if "cells" in inner else {}
        return array, {"dtype": name, "complex": True, **note}
    if kind == "f" and dtype.itemsize not in {4, 8}:
        return _plain_float(values)
    if kind == "U":
        return _plain_text(values, where)
    if kind in "biuf":
        return (
            (values, {}) if dtype.isnative else (values.astype(dtype.newbyteorder("=")), {"dtype": dtype.str})
        )
    if kind in "Mm" and np.datetime_data(dtype)[0] in {"s", "ms", "us", "ns"} and dtype.isnative:
        return values, {} if dtype.name.endswith("[ns]") else {"dtype": dtype.name}
    return _texts(as_objects(list(values.ravel())), where).reshape(values.shape), {
        "cells": "json",
        "dtype": dtype.str,
    }


def _plain_float(values: Array) -> tuple[Array, Note]:
    """Half precision fits into single; long double, another thing on every machine, into double at times."""
    if values.dtype.itemsize < 4:
        return values.astype(np.float32), {
            "dtype": values.dtype.name if values.dtype.isnative else values.dtype.str
        }
    doubles = values.astype(np.float64)
    if np.array_equal(doubles, values, equal_nan=True):
        return doubles, {"dtype": "longdouble"}
    cells = as_objects([str(value) for value in values.ravel()])
    return cells.reshape(values.shape), {"dtype": "longdouble", "cells": "json"}


def _plain_text(values: Array, where: str) -> tuple[Array, Note]:
    cells = values.ravel().tolist()
    note = {} if values.dtype == _natural(cells) else {"dtype": values.dtype.str}
    if _is_clean(cells):
        return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("=")), note
    texts = _texts(as_objects(cells), where).reshape(values.shape)
    return texts, {"dtype": values.dtype.str, "cells": "json"}


def _natural(cells: Sequence[str]) -> np.dtype[Any]:
    """Return the narrowest dtype for texts, which NumPy gives them."""
    return np.dtype(f"<U{max(map(len, cells), default=1) or 1}").newbyteorder("=")


def _is_clean(cells: Sequence[str]) -> bool:
    """Whether every format can hold these texts: no zero characters, no lone surrogates."""
    joined = "".join(cells)
    try:
        joined.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in joined


def _plain_extension(values: ExtensionArray, where: str, empty: bool) -> tuple[Array, Note]:
    dtype = values.dtype
    name: Any = str(dtype)
    if isinstance(dtype, pd.DatetimeTZDtype):
        stamps = pd.Series(values).dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
        return stamps, {"dtype": name}
    if isinstance(dtype, pd.StringDtype):
        name = {"text": dtype.storage, "na": "NA" if dtype.na_value is pd.NA else "NaN"}
    if isinstance(dtype, pd.CategoricalDtype):
        name = {"categories": index_tree(dtype.categories, where), "ordered": bool(dtype.ordered)}
    missing = np.asarray(values.isna())
    cells = np.asarray(values.astype(object), dtype=object)
    objects = as_objects([None if gone else cell for cell, gone in zip(cells, missing, strict=True)])
    array, note = _plain_objects(objects, where, empty)
    return array, {**note, "dtype": name}


def _plain_objects(values: Array, where: str, empty: bool) -> tuple[Array, Note]:
    cells = values.ravel().tolist()
    holes = [hole(cell) for cell in cells]
    kinds = set(holes) - {""}
    whole = [cell for cell, gap in zip(cells, holes, strict=True) if not gap] if kinds else cells
    types = set(map(type, whole))
    may_be_empty = empty and len(kinds) == 1
    note: Note = {}
    if types == {str} and len(kinds) < 2 and _is_clean(whole):
        if kinds:
            token = None if empty else _token(whole)
            note = {"hole": [token, *kinds]}
            cells = [token if gap else cell for cell, gap in zip(cells, holes, strict=True)]
    elif (not kinds or may_be_empty) and _is_native(types, whole):
        if not kinds:
            return np.array(cells).reshape(values.shape), note
        note = {"hole": [None, *kinds]}
        cells = [None if gap else cell for cell, gap in zip(cells, holes, strict=True)]
    else:
        note = {"cells": "json"} | ({"hole": [None, *kinds]} if may_be_empty and whole else {})
        if alike := _dtype_of_arrays(whole):
            note["arrays"] = alike
        cells = [
            None
            if gap and "hole" in note
            else json.dumps(cell.tolist())
            if alike and not gap
            else text(cell, where)
            for cell, gap in zip(cells, holes, strict=True)
        ]
    return as_objects(cells).reshape(values.shape) if cells else np.zeros(values.shape, "<U1"), note


def _dtype_of_arrays(cells: Sequence[Any]) -> str | None:
    """Return the one dtype of arrays that are nothing more than lists of numbers."""
    first = cells[0] if cells else None
    if type(first) is not np.ndarray or first.dtype.name not in {"bool", "int64", "float64"}:
        return None
    dtype: np.dtype[Any] = first.dtype
    alike = all(
        type(c) is np.ndarray and c.dtype == dtype and (c.ndim == 1 or c.size > 0 < c.ndim) for c in cells
    )
    return dtype.name if alike else None


def _token(whole: Sequence[str]) -> str:
    token, there = "", set(whole)
    while token in there:
        token = f"<{token or 'missing'}>"
    return token


def _is_native(types: set[type], whole: Sequence[Any]) -> bool:
    """Whether cells are all bool, all float, or all int that 64 bits hold."""
    return types in ({bool}, {float}) or (types == {int} and min(whole) in _INT64 and max(whole) in _INT64)


def _texts(cells: Array, where: str) -> Array:
    return as_objects([text(cell, where) for cell in cells])


# -------------------------------------------------------------------------------------------- reading


def real(values: Array, note: Mapping[str, Any]) -> Values:
    """Return the array that a plain one was.

    Parameters
    ----------
    values : ndarray
        As the format gave it back: text may be of any dtype that NumPy has for it.
    note : mapping

    Examples
    --------
    >>> real(np.array(["a", ""]), {"dtype": "object", "hole": ["", "None"]})
    array(['a', None], dtype=object)
    """
    dtype = note.get("dtype")
    if values.dtype.kind in "OTU":
        cells = [str(cell) if isinstance(cell, np.str_) else cell for cell in values.ravel().tolist()]
        return _real_cells(cells, values.shape, note)
    if note.get("complex"):
        return _joined(values).astype(_dtype(dtype))
    if dtype is None:
        return _nanoseconds(values)
    if "hole" in note or dtype == "object" or not isinstance(dtype, str) or not _is_numpy(dtype):
        if isinstance(dtype, str) and dtype.startswith("datetime64"):
            return _zoned(values, dtype)
        return _real_cells(values.ravel().tolist(), values.shape, note)
    return values.astype(_dtype(dtype))


def _joined(parts: Array) -> Array:
    joined = np.empty(parts.shape[:-1], dtype=np.result_type(parts.dtype, np.complex64))
    joined.real, joined.imag = parts[..., 0], parts[..., 1]
    return joined


def _nanoseconds(values: Array) -> Array:
    """Dates and durations are in nanoseconds where nothing else is noted, and they can be."""
    if values.dtype.kind not in "Mm" or values.dtype.name.endswith("[ns]"):
        return values
    kind = values.dtype.name.partition("[")[0]
    fine = values.astype(f"{kind}[ns]")
    same = np.array_equal(fine.astype(values.dtype), values, equal_nan=True)
    return fine if same else values


def _zoned(values: Array, dtype: str) -> ExtensionArray:
    stamps: Any = pd.DatetimeIndex(values).tz_localize("UTC").astype(dtype)
    array: ExtensionArray = stamps.array
    return array


def _real_cells(cells: list[Any], shape: tuple[int, ...], note: Mapping[str, Any]) -> Values:
    dtype = note.get("dtype")
    token, kind = note.get("hole", [None, ""])
    gap = _HOLES.get(kind)
    if note.get("cells") == "json":
        numbers = dtype in ("longdouble", "clongdouble")
        read: Any = np.longdouble if numbers else untext
        if alike := note.get("arrays"):
            read = functools.partial(_array_of_list, dtype=alike)
        cells = [gap if kind and _is_token(cell, token) else read(cell) for cell in cells]
    elif kind:
        cells = [gap if _is_token(cell, token) else cell for cell in cells]
    if dtype is None:
        return np.array(cells, dtype=_natural(cells)).reshape(shape)
    if isinstance(dtype, str) and _is_numpy(dtype):
        return _real_numpy(cells, shape, dtype, note)
    return _real_extension(cells, dtype)


def _array_of_list(line: str, dtype: str) -> Any:
    value = json.loads(line)
    return np.array(value, dtype=_dtype(dtype)) if isinstance(value, list) else untag(value)


def _is_token(cell: Any, token: Any) -> bool:
    return hole(cell) != "" if token is None else bool(cell == token)


def _real_numpy(cells: list[Any], shape: tuple[int, ...], dtype: str, note: Mapping[str, Any]) -> Array:
    if dtype == "object":
        return as_objects(cells).reshape(shape)
    if note.get("complex"):
        parts = np.array(cells, dtype=np.longdouble).reshape(shape)
        return _joined(parts).astype(_dtype(dtype))
    return np.array(cells, dtype=_dtype(dtype)).reshape(shape)


def _is_numpy(name: str) -> bool:
    try:
        _dtype(name)
    except TypeError:
        return False
    return True


def _dtype(name: Any) -> np.dtype[Any]:
    if name == "StringDType":
        return np.dtypes.StringDType()
    dtype = np.dtype(str(name))
    if dtype.kind == "V":
        raise DataFileError(f"an array of dtype {name!r}, which this version does not know")
    return dtype


def _real_extension(cells: list[Any], dtype: Any) -> ExtensionArray:
    if isinstance(dtype, str):
        known: Any = pd.api.types.pandas_dtype(dtype)
    elif "categories" in dtype:
        known = pd.CategoricalDtype(index_of(dtype["categories"]), ordered=dtype["ordered"])
    else:
        known = _text_dtype(dtype)
    array: ExtensionArray = pd.array([None if hole(cell) else cell for cell in cells], dtype=known)
    return array


def _text_dtype(dtype: Mapping[str, Any]) -> Any:
    gap: Any = pd.NA if dtype["na"] == "NA" else np.nan
    try:
        return pd.StringDtype(dtype["text"], na_value=gap)
    except (ImportError, TypeError):
        # Without pyarrow, or with a pandas that is too old for this one: the one that is there.
        return pd.StringDtype("python")


# ------------------------------------------------------------------------------------------- indexes


def array_tree(values: Values, where: str) -> Any:
    """Return an array as a tree that JSON can hold."""
    array, note = plain(values, where, empty=True)
    return {"values": tag(array, where), "note": note}


def array_of(tree: Mapping[str, Any]) -> Values:
    """Return the array of a tree."""
    return real(untag(tree["values"]), tree["note"])


def index_tree(index: pd.Index[Any], where: str) -> Any:
    """Return an index of pandas as a tree that JSON can hold.

    Examples
    --------
    >>> index_tree(pd.RangeIndex(3), "the index")
    {'name': None, 'range': [0, 3, 1]}
    """
    if isinstance(index, pd.MultiIndex):
        levels = [index_tree(index.get_level_values(i), where) for i in range(index.nlevels)]
        return {"levels": levels}
    tree: dict[str, Any] = {"name": tag(index.name, where)}
    if isinstance(index, pd.RangeIndex):
        return {**tree, "range": [index.start, index.stop, index.step]}
    if (
        freq := getattr(index, "freqstr", None)
        if isinstance(index, (pd.DatetimeIndex, pd.TimedeltaIndex))
        else None
    ):
        tree["freq"] = freq
    values = index.to_numpy() if isinstance(index.dtype, np.dtype) else index.array
    return {**tree, **array_tree(values, where)}


def index_of(tree: Mapping[str, Any]) -> pd.Index[Any]:
    """Return the index of a tree."""
    if "levels" in tree:
        levels = [index_of(level) for level in tree["levels"]]
        return pd.MultiIndex.from_arrays(levels, names=[level.name for level in levels])
    name = untag(tree["name"])
    if "range" in tree:
        start, stop, step = tree["range"]
        return pd.RangeIndex(start, stop, step, name=name)
    return make_index(array_of(tree), name, tree.get("freq"))


def make_index(values: Values, name: Any, freq: str | None = None) -> pd.Index[Any]:
    """Return an index of pandas that has the dtype of its values."""
    index: pd.Index[Any] = pd.Index(values, dtype=values.dtype, name=name, copy=False)
    if freq is not None:
        dates: Any = index
        dates.freq = freq
    return index

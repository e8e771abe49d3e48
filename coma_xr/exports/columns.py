"""Arrays of any dtype as arrays that every format can hold, with notes of what was changed.

An array is *plain* when it holds bool, integers, single or double precision floats, dates, durations, or
text. Where a format can mark cells as empty, the plain array may be one of objects: None, and text, bool,
int or float next to it.

===================  ===================================================================================
``dtype``            the dtype, when it is another one in the file: a name; for categories
                     ``{"categories": ..., "ordered": ...}``, for text of pandas ``{"text": ..., "na": ...}``
``cells``            every cell is the JSON text of its contents; ``contents`` where a format has lists of its own
``arrays`` etc.      how the cells come back from that, see `coma_xr.exports.cells`
``hole``             the cells that are None, NaN, NA or NaT: ``[text in the file, kind]``
``flags``            bool as 1 and 0, and the hole as another number
``complex: true``    real and imaginary part stand along one more dimension, the last
===================  ===================================================================================
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import ExtensionArray

from coma_xr.exports.cells import decode_cells, encode_cells
from coma_xr.exports.codec import of_tree, to_text, to_tree
from coma_xr.same import same_items

Array = npt.NDArray[Any]
Values = Array | ExtensionArray
Note = dict[str, Any]

_INT64 = range(-(2**63), 2**63)
_UNITS = frozenset({"s", "ms", "us", "ns"})
FLAG = np.int8(-1)

# Notes of contents that may be bare text or numbers.
_READABLE = frozenset({"each", "exact"})
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


def plain(
    values: Values, where: str, *, empty: bool = False, for_readers: bool = False
) -> tuple[Array, Note]:
    """Return an array that every format can hold, and the notes that lead back.

    Raises
    ------
    SerializationError
        When a cell holds a value that has no stored form.

    Examples
    --------
    >>> plain(as_objects(["a", None]), "'model'")
    (array(['a', ''], dtype=object), {'dtype': 'object', 'hole': ['', 'None']})
    >>> plain(np.array([1 + 2j]), "'z'")
    (array([[1., 2.]]), {'dtype': 'complex128', 'complex': True})
    """
    if not isinstance(values, np.ndarray):
        return _plain_extension(values, where, empty, for_readers)
    kind, dtype = values.dtype.kind, values.dtype
    if kind == "c":
        array, inner = plain(np.stack([values.real, values.imag], axis=-1), where)
        name = "clongdouble" if dtype == np.clongdouble else dtype.name if dtype.isnative else dtype.str
        note = {"cells": "json"} if "cells" in inner else {}
        return array, {"dtype": name, "complex": True, **note}
    if kind == "f" and dtype.itemsize not in {4, 8}:
        return _plain_float(values)
    if kind == "U":
        return _plain_text(values)
    is_time = kind in "Mm" and np.datetime_data(dtype)[0] in _UNITS and np.datetime_data(dtype)[1] == 1
    if kind in "biuf" or is_time:
        usual = dtype.isnative and (not is_time or dtype.name.endswith("[ns]"))
        note = {} if usual else {"dtype": dtype.name if dtype.isnative else dtype.str}
        return values.astype(dtype.newbyteorder("="), copy=False), note
    name = _dtype_note(values)
    array, note = _plain_objects(_as_cells(values), where, empty, for_readers)
    return array, {"dtype": name, **note}


def _as_cells(values: Array) -> Array:
    """Return an array with an object for each item, of NumPy's type where Python has none."""
    return values if values.dtype == object else as_objects(list(values.ravel())).reshape(values.shape)


def _dtype_note(values: Array) -> Any:
    """Return what is noted of a dtype that no format has."""
    dtype: Any = values.dtype
    if dtype.kind == "T":
        if not hasattr(dtype, "na_object"):
            return "StringDType"
        return {"text": "numpy", "na": hole(dtype.na_object) or to_tree(dtype.na_object, "a missing value")}
    if dtype.kind == "V":
        return {"fields": to_tree(np.zeros(0, dtype), "an array")}
    return "object" if dtype == object else dtype.str


def _plain_float(values: Array) -> tuple[Array, Note]:
    """Half precision fits into single; long double, another thing on every machine, into double at times."""
    if values.dtype.itemsize < 4:
        return values.astype(np.float32), {
            "dtype": values.dtype.name if values.dtype.isnative else values.dtype.str
        }
    doubles = values.astype(np.float64)
    if same_items(doubles, values):
        return doubles, {"dtype": "longdouble"}
    cells = as_objects([str(value) for value in values.ravel()])
    return cells.reshape(values.shape), {"dtype": "longdouble", "cells": "json"}


def _plain_text(values: Array) -> tuple[Array, Note]:
    cells = values.ravel().tolist()
    note = {} if values.dtype == _natural(cells) else {"dtype": values.dtype.str}
    if _is_clean(cells):
        return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("=")), note
    texts = _texts(as_objects(cells)).reshape(values.shape)
    return texts, {"dtype": values.dtype.str, "cells": "json"}


def _natural(cells: Sequence[str]) -> np.dtype[Any]:
    """Return the narrowest dtype for strings, which NumPy gives them."""
    return np.dtype(f"<U{max(map(len, cells), default=1) or 1}").newbyteorder("=")


def _is_clean(cells: Sequence[str]) -> bool:
    """Whether every format can hold these strings: no zero characters, no lone surrogates."""
    joined = "".join(cells)
    try:
        joined.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in joined


def _plain_extension(
    values: ExtensionArray, where: str, empty: bool, for_readers: bool
) -> tuple[Array, Note]:
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
    array, note = _plain_objects(objects, where, empty, for_readers)
    return array, {"dtype": name, **note}


def _plain_objects(values: Array, where: str, empty: bool, for_readers: bool) -> tuple[Array, Note]:
    """Return an array of objects as plain ones: text, numbers or bool with at most one kind of hole, or JSON."""
    cells = values.ravel().tolist()
    holes = [hole(cell) for cell in cells]
    kinds = set(holes) - {""}
    if for_readers and _are_complex(cells):
        return _plain_complex(cells, values.shape, where, empty)
    found = _simple(cells, holes, kinds, empty)
    form = {"cells": "contents" if for_readers else "json"}
    if found is None and len(kinds) < 2:
        whole = [cell for cell, gap in zip(cells, holes, strict=True) if not gap]
        contents, note = encode_cells(whole, where, for_readers=for_readers)
        filled = _filled(contents, cells, holes)
        if note.keys() & _READABLE and (simple := _simple(filled, holes, kinds, empty)) is not None:
            found = simple[0], {**simple[1], **note}
        elif not kinds or (whole and (empty or "arrays" in note)):
            gaps = {"hole": [None, *kinds]} if kinds and empty else {}
            texts = contents if for_readers else [to_text(content) for content in contents]
            rest = iter(texts)
            filled = [
                next(rest) if not gap else None if empty else to_text(to_tree(cell, where))
                for cell, gap in zip(cells, holes, strict=True)
            ]
            found = as_objects(filled), {**form, **note, **gaps}
    if found is None:
        contents, note = encode_cells(cells, where, for_readers=for_readers)
        texts = contents if for_readers else [to_text(content) for content in contents]
        found = as_objects(texts), {**form, **note}
    array, note = found
    return (array.reshape(values.shape) if cells else np.zeros(values.shape, "<U1")), note


def _filled(contents: Sequence[Any], cells: Sequence[Any], holes: Sequence[str]) -> list[Any]:
    """Return contents with the holes of the cells among them."""
    rest = iter(contents)
    return [cell if gap else next(rest) for cell, gap in zip(cells, holes, strict=True)]


def _simple(
    cells: Sequence[Any], holes: Sequence[str], kinds: set[str], empty: bool
) -> tuple[Array, Note] | None:
    """Return text, bool or numbers with at most one kind of hole; None for other cells."""
    whole = [cell for cell, gap in zip(cells, holes, strict=True) if not gap] if kinds else cells
    types = set(map(type, whole))
    if len(kinds) > 1:
        return None
    if types == {str} and _is_clean(whole):
        token = None if empty else _token(whole)
        return _with_token(cells, holes, kinds, token)
    if types == {bool} and kinds and not empty:
        # As the CF conventions tell bool with holes.
        flags = [FLAG if gap else np.int8(cell) for cell, gap in zip(cells, holes, strict=True)]
        return np.array(flags, dtype=np.int8), {"hole": [int(FLAG), *kinds], "flags": True}
    if not _is_native(types, whole) or (kinds and not empty):
        return None
    return _with_token(cells, holes, kinds, None) if kinds else (np.array(cells), {})


def _with_token(
    cells: Sequence[Any], holes: Sequence[str], kinds: set[str], token: str | None
) -> tuple[Array, Note]:
    note: Note = {"hole": [token, *kinds]} if kinds else {}
    return as_objects([token if gap else cell for cell, gap in zip(cells, holes, strict=True)]), note


def _are_complex(cells: Sequence[Any]) -> bool:
    """Whether all cells are arrays of complex numbers of one dtype, which lists of two columns make again."""
    first = cells[0] if cells else None
    if type(first) is not np.ndarray or first.dtype.name not in {"complex64", "complex128"}:
        return False
    return all(
        type(c) is np.ndarray and c.dtype == first.dtype and (c.ndim == 1 or c.size > 0 < c.ndim)
        for c in cells
    )


def _plain_complex(
    cells: Sequence[Any], shape: tuple[int, ...], where: str, empty: bool
) -> tuple[Array, Note]:
    parts = [as_objects([getattr(cell, part) for cell in cells]) for part in ("real", "imag")]
    (real, note), (imag, _) = [_plain_objects(part, where, empty, for_readers=True) for part in parts]
    return np.stack([real, imag], axis=-1).reshape(*shape, 2), {**note, "complex": True}


def _token(whole: Sequence[str]) -> str:
    token, there = "", set(whole)
    while token in there:
        token = f"<{token or 'missing'}>"
    return token


def _is_native(types: set[type], whole: Sequence[Any]) -> bool:
    """Whether cells are all bool, all float, or all int that 64 bits hold."""
    return types in ({bool}, {float}) or (types == {int} and min(whole) in _INT64 and max(whole) in _INT64)


def _texts(cells: Array) -> Array:
    return as_objects([to_text(cell) for cell in cells])


# -------------------------------------------------------------------------------------------- reading


def real(values: Array, note: Mapping[str, Any]) -> Values:
    """Return the array that a plain one was.

    Examples
    --------
    >>> real(np.array(["a", ""]), {"dtype": "object", "hole": ["", "None"]})
    array(['a', None], dtype=object)
    """
    dtype = note.get("dtype")
    # zarr brings dtypes that name the byte order of the machine.
    if values.dtype.kind in "iufcmM" and values.dtype.isnative:
        values = values.view(np.dtype(values.dtype.str))
    if values.dtype.kind in "OTU":
        cells = [str(cell) if isinstance(cell, np.str_) else cell for cell in values.ravel().tolist()]
        return _real_cells(cells, values.shape, note)
    if note.get("complex"):
        return _joined(values).astype(_dtype(dtype))
    if dtype is None:
        return _nanoseconds(values)
    if note.keys() & {"hole", *_READABLE} or dtype == "object" or not _is_numpy(dtype):
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
    return fine if same_items(fine.astype(values.dtype), values) else values


def _zoned(values: Array, dtype: str) -> ExtensionArray:
    stamps: Any = pd.DatetimeIndex(values).tz_localize("UTC").astype(dtype)
    array: ExtensionArray = stamps.array
    return array


def _real_cells(cells: list[Any], shape: tuple[int, ...], note: Mapping[str, Any]) -> Values:
    dtype = note.get("dtype")
    token, kind = note.get("hole", [None, ""])
    gaps = [bool(kind) and _is_token(cell, token) for cell in cells]
    whole = [cell for cell, gap in zip(cells, gaps, strict=True) if not gap]
    if "cells" in note:
        numbers = dtype in ("longdouble", "clongdouble")
        whole = [np.longdouble(cell) for cell in whole] if numbers else list(map(_content, whole))
    if "flags" in note:
        whole = list(map(bool, whole))
    if note.keys() & {"cells", *_READABLE}:
        whole = whole if dtype in ("longdouble", "clongdouble") else decode_cells(whole, note)
    rest = iter(whole)
    cells = [_HOLES[kind] if gap else next(rest) for gap in gaps]
    if dtype is None:
        return np.array(cells, dtype=_natural(cells)).reshape(shape)
    if _is_numpy(dtype):
        return _real_numpy(cells, shape, dtype, note)
    return _real_extension(cells, dtype)


def _content(cell: Any) -> Any:
    """Return what a cell holds; formats with lists of their own give these and no JSON text."""
    return json.loads(cell) if isinstance(cell, str) else cell


def _is_token(cell: Any, token: Any) -> bool:
    return hole(cell) != "" or (token is not None and bool(cell == token))


def _real_numpy(cells: list[Any], shape: tuple[int, ...], dtype: Any, note: Mapping[str, Any]) -> Array:
    if note.get("complex"):
        if dtype == "object":
            pairs = zip(cells[::2], cells[1::2], strict=True)
            return as_objects([_joined(np.stack(pair, axis=-1)) for pair in pairs]).reshape(shape[:-1])
        parts = np.array(cells, dtype=np.longdouble).reshape(shape)
        return _joined(parts).astype(_dtype(dtype))
    if dtype == "object":
        return as_objects(cells).reshape(shape)
    return np.array(cells, dtype=_dtype(dtype)).reshape(shape)


def _is_numpy(name: Any) -> bool:
    """Whether a noted dtype is NumPy's."""
    try:
        _dtype(name)
    except TypeError:
        return False
    return True


def _dtype(name: Any) -> np.dtype[Any]:
    """Return the dtype of a note; TypeError when it is pandas'."""
    if isinstance(name, dict):
        if "fields" in name:
            dtype: np.dtype[Any] = of_tree(name["fields"]).dtype
            return dtype
        if name.get("text") == "numpy":
            gap: Any = name["na"]
            return np.dtypes.StringDType(na_object=_HOLES[gap] if gap in _HOLES else of_tree(gap))
        raise TypeError("a dtype of pandas")
    if name == "StringDType":
        return np.dtypes.StringDType()
    if not re.fullmatch(r"[<>=|]?[A-Za-z]+\d*(\[\w*\])?", name):
        raise TypeError(f"{name!r} is not a dtype")
    known: np.dtype[Any] = np.dtype(name)
    return known


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
    return {"values": to_tree(array, where), "note": note}


def array_of(tree: Mapping[str, Any]) -> Values:
    """Return the array of a tree."""
    return real(of_tree(tree["values"]), tree["note"])


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
    tree: dict[str, Any] = {"name": to_tree(index.name, where)}
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
    name = of_tree(tree["name"])
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

"""Arrays and single values in the forms that exported files hold, with notes of what was changed, and back.

An array is *plain* when it holds bool, integers, single or double precision floats, dates, durations, or
text. Where a format can mark cells as empty, the plain array may be one of objects: None, and text, bool,
int or float next to it.

===================  ===================================================================================
``dtype``            the dtype, when it is another one in the file: a name; for categories
                     ``{"categories": ..., "ordered": ...}``, for text of pandas ``{"text": ..., "na": ...}``
``cells``            every cell is the JSON text of its contents; ``contents`` where a format has lists of its
                     own. Without one of the next three, the contents are stored forms.
``arrays``           the contents are the lists of arrays of this dtype; a list of dtypes where they differ
``each``             the contents are one part of stored forms that are otherwise equal: ``[the rest, the part]``
``exact``            the contents are for readers only; these are the stored forms
``hole``             the cells that are None, NaN, NA or NaT: ``[text in the file, kind]``
``flags``            bool as 1 and 0, and the hole as another number
``complex: true``    real and imaginary part stand along one more dimension, the last
===================  ===================================================================================

Version 1 wrote tags in place of stored forms: ``tuple``, ``dict`` and the like, and ``numpy.ndarray`` with other
items for complex numbers, bytes and objects. A dictionary of the user's never looked like one, so that a tag is
recognised by its name and keys.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import ExtensionArray

from coma_xr.encoding.json import without_long_ints
from coma_xr.errors import DataFileError
from coma_xr.same import same_items
from coma_xr.tree import OURS, TYPE, looks_registered
from coma_xr.values.numpy import dtype_of
from coma_xr.values.plain import from_plain, to_plain

Node = dict[str, Any]
Note = dict[str, Any]


def to_tree(value: Any, where: str) -> Any:
    """Return a value as a tree that JSON can hold; `where` names it in messages.

    Raise SerializationError when it has no stored form.

    >>> to_tree((1, None), "'E'")
    {'__type__': 'coma.tuple', 'items': [1, None]}
    """
    if (type(value) is str and value.isascii()) or value is None or type(value) is bool:
        return value
    return without_long_ints(to_plain(value, exact=True, at=(where,)))


def to_trees(values: Iterable[Any], where: str) -> list[Any]:
    """Return several values as trees; see `to_tree`."""
    return [to_tree(value, where) for value in values]


def attrs_trees(attrs: Mapping[Any, Any], where: str) -> list[list[Any]]:
    """Return attributes as pairs of trees; see `to_tree`."""
    return [to_trees(pair, f"the attribute {pair[0]!r} of {where}") for pair in attrs.items()]


def of_tree(tree: Any) -> Any:
    """Return the value of a tree."""
    return from_plain(_modern(tree))


def to_text(tree: Any) -> str:
    """Return the JSON text of a tree, in plain ASCII so that no tool can read it wrongly."""
    return json.dumps(tree)


def is_bare(tree: Any) -> bool:
    """Whether a tree is its own value: no stored form is in it."""
    if type(tree) is dict:
        return TYPE not in tree and all(map(is_bare, tree.values()))
    return type(tree) is not list or all(map(is_bare, tree))


def readable(tree: Any) -> Any:
    """Return what other programs may read of a tree: values and lists, without the names of types.

    >>> readable({"__type__": "coma.decimal", "value": "1.10"})
    '1.10'
    >>> readable({"a": {"__type__": "numpy.ndarray", "shape": [1, 2], "list": [1, 2], "dtype": "int64"}})
    {'a': [[1, 2]]}
    """
    if type(tree) is list:
        return [readable(item) for item in tree]
    if type(tree) is not dict:
        return tree
    if TYPE not in tree:
        return {key: readable(child) for key, child in tree.items()}
    if tree[TYPE] in _STRING_FORMS or _TIME.match(str(tree.get("dtype"))):
        value = of_tree(tree)
        return value.astype(str).tolist() if hasattr(value, "astype") else str(value)
    if "shape" in tree:
        return readable(_nested(tree))
    if tree[TYPE] == "coma.dict":
        return {str(readable(key)): readable(child) for key, child in tree["items"]}
    if tree[TYPE] in _AS_READ:
        return _AS_READ[tree[TYPE]](tree)
    parts = {key: readable(child) for key, child in tree.items() if key != TYPE}
    part = next((key for key in ("value", "tree", "items", "list", "base64", "hex") if key in parts), None)
    return parts[part] if part else parts


def _nested(tree: Node) -> Any:
    """Return the items of an array as lists in lists; complex numbers as text."""
    if "fields" in tree:
        return {name: _nested(field) for name, field in tree["fields"]}
    items = (
        tree["list"]
        if "list" in tree
        # Long floats are decimal strings.
        else [
            f"{re}{'' if str(im)[0] == '-' else '+'}{im}j"
            for re, im in zip(tree["real"], tree["imag"], strict=True)
        ]
    )
    for size in reversed(tree["shape"][1:]):
        items = (
            [items[at : at + size] for at in range(0, len(items), size)]
            if size
            else [[] for _ in range(tree["shape"][0])]
        )
    return items if tree["shape"] else items[0]


def _frame_columns(tree: Node) -> Any:
    labels = readable(tree["columns"])
    labels = list(labels) if isinstance(labels, list) else [str(i) for i in range(len(tree["values"]))]
    return {str(label): readable(column) for label, column in zip(labels, tree["values"], strict=True)}


# What a text tells better than the parts of the stored form.
_STRING_FORMS = frozenset(
    {"coma.fraction", "coma.timedelta"}
    | {f"coma.pandas.{name}" for name in ("Interval", "Period", "Timedelta", "Timestamp")}
)
_TIME = re.compile(r"datetime64|timedelta64|[<>=|]?[mM]8")

_AS_READ: dict[str, Callable[[Node], Any]] = {
    "coma.complex": lambda tree: f"{tree['real']}{tree['imag']:+}j",
    "coma.pandas.NA": lambda _tree: None,
    "coma.pandas.NaT": lambda _tree: None,
    "coma.pandas.DataFrame": _frame_columns,
    "coma.pandas.Series": lambda tree: readable(tree["values"]),
    "coma.pandas.Index": lambda tree: readable(tree["values"]),
    "coma.pandas.RangeIndex": lambda tree: list(range(tree["start"], tree["stop"], tree["step"])),
    "coma.xarray.DataArray": lambda tree: readable(tree["values"]),
    "coma.xarray.Dataset": lambda tree: {
        str(readable(entry["name"])): readable(entry["values"]) for entry in tree["data_vars"]
    },
}


# ------------------------------------------------------------------------------------------- version 1


def _modern(tree: Any) -> Any:
    """Return a tree with stored forms in place of the tags of version 1."""
    if type(tree) is list:
        return [_modern(item) for item in tree]
    if type(tree) is not dict:
        return tree
    name = tree.get(TYPE)
    keys, convert = _TAGS.get(name, (None, None)) if type(name) is str else (None, None)
    if convert is not None and keys == tree.keys() - {TYPE, "zone"}:
        return convert(tree)
    if type(name) is str and not name.startswith(OURS) and not looks_registered(tree):
        raise DataFileError(
            f"a value of type {name[:80]!r}, which this version does not know",
            ways=["Read it with the version of coma_xr that wrote it, or a newer one."],
        )
    return {key: _modern(child) for key, child in tree.items()}


def _renamed(name: str, **parts: str) -> Callable[[Node], Node]:
    """Return a function that makes a stored form of a tag with other names for its parts."""
    return lambda tree: {TYPE: name, **{new: _modern(tree[old]) for new, old in parts.items()}}


def _modern_array(tree: Node) -> Node:
    kind, items = tree["dtype"].lstrip("<>=|")[:1], tree["list"]
    if kind == "O":
        return {TYPE: "coma.objects", "shape": tree["shape"], "list": _modern(items)}
    if kind == "c":
        real, imag = ([pair[part] for pair in items] for part in (0, 1))
        return {
            TYPE: "coma.ndarray",
            "shape": tree["shape"],
            "real": real,
            "imag": imag,
            "dtype": tree["dtype"],
        }
    return {**tree, "list": [_latin(item) for item in items]} if kind == "S" else tree


def _scalar(tree: Node) -> Node:
    array = _modern_array({"shape": [], "list": [tree["value"]], "dtype": tree["dtype"]})
    names = {"list": "value", "real": "real", "imag": "imag"}
    return {
        TYPE: "coma.scalar",
        "dtype": tree["dtype"],
        **{new: array[old][0] for old, new in names.items() if old in array},
    }


def _latin(text: str) -> str:
    return bytes.fromhex(text).decode("latin-1")


def _timestamp(tree: Node) -> Node:
    return {**tree, TYPE: "coma.pandas.Timestamp"}


def _period(tree: Node) -> Any:
    return to_plain(pd.Period(tree["text"], freq=tree["freq"]))


_TAGS: dict[str, tuple[set[str], Callable[[Node], Any]]] = {
    "numpy.ndarray": ({"shape", "list", "dtype"}, _modern_array),
    "numpy.generic": ({"value", "dtype"}, _scalar),
    "tuple": ({"items"}, _renamed("coma.tuple", items="items")),
    "dict": ({"items"}, _renamed("coma.dict", items="items")),
    "complex": ({"real", "imag"}, _renamed("coma.complex", real="real", imag="imag")),
    "bytes": (
        {"hex"},
        lambda tree: {TYPE: "coma.bytes", "base64": base64.b64encode(bytes.fromhex(tree["hex"])).decode()},
    ),
    **{kind: ({"iso"}, _renamed(f"coma.{kind}", value="iso")) for kind in ("datetime", "date", "time")},
    "timedelta": (
        {"days", "seconds", "microseconds"},
        _renamed("coma.timedelta", days="days", seconds="seconds", microseconds="microseconds"),
    ),
    "pandas.NA": (set(), _renamed("coma.pandas.NA")),
    "pandas.NaT": (set(), _renamed("coma.pandas.NaT")),
    "pandas.Timestamp": ({"value", "unit"}, _timestamp),
    "pandas.Timedelta": ({"value", "unit"}, _renamed("coma.pandas.Timedelta", value="value", unit="unit")),
    "pandas.Period": ({"text", "freq"}, _period),
    "pandas.Interval": (
        {"left", "right", "closed"},
        _renamed("coma.pandas.Interval", left="left", right="right", closed="closed"),
    ),
}


# The parts of stored forms that are one thing by themselves.
_PARTS = ("value", "tree", "items", "base64")


def encode_cells(cells: Sequence[Any], where: str, *, for_readers: bool) -> tuple[list[Any], Note]:
    """Return the contents of cells, and the note that leads back.

    Raise SerializationError when a cell has no stored form.

    >>> from decimal import Decimal
    >>> encode_cells([Decimal("1.10"), Decimal("2")], "'price'", for_readers=True)
    (['1.10', '2'], {'each': [{'__type__': 'coma.decimal'}, 'value']})
    >>> encode_cells([np.array([1, 2])], "'n'", for_readers=True)
    ([[1, 2]], {'arrays': 'int64'})
    >>> encode_cells([1, (1, 2)], "'n'", for_readers=True)
    ([1, [1, 2]], {'exact': [1, {'__type__': 'coma.tuple', 'items': [1, 2]}]})
    """
    if cells and all(map(_is_listable, cells)):
        names = [_name(cell.dtype) for cell in cells]
        return [_listed(cell) for cell in cells], {"arrays": names[0] if len(set(names)) == 1 else names}
    trees = [to_tree(cell, where) for cell in cells]
    if all(map(is_bare, trees)):
        return trees, {}
    varying = _varying(trees)
    if varying is not None:
        return [tree[varying] for tree in trees], {"each": [_without(trees[0], varying), varying]}
    return ([readable(tree) for tree in trees], {"exact": trees}) if for_readers else (trees, {})


def decode_cells(contents: Sequence[Any], note: Mapping[str, Any]) -> list[Any]:
    """Return the cells of contents."""
    exact = note.get("exact")
    if exact is not None and len(exact) == len(contents):
        return [of_tree(tree) for tree in exact]
    if "each" in note:
        names_left, key = note["each"]
        return [of_tree({**names_left, key: content}) for content in contents]
    if "arrays" in note:
        names = note["arrays"]
        names_left = repeat(names) if isinstance(names, str) else iter(names)
        # Holes are not lists where a format has no empty cells; version 1 tagged other arrays too.
        return [
            np.array(content, dtype=dtype_of(next(names_left)))
            if isinstance(content, (list, np.ndarray))
            else of_tree(content)
            for content in contents
        ]
    return [of_tree(content) for content in contents]


def _varying(trees: Sequence[Any]) -> str | None:
    """Return the one part of stored forms that differs between them; None unless it is a value alone."""
    first = trees[0]
    if type(first) is not dict or not all(
        type(tree) is dict and tree.keys() == first.keys() for tree in trees
    ):
        return None
    key = next((name for name in _PARTS if name in first), None)
    if key is None or TYPE not in first or readable(first) != readable(first[key]):
        return None
    others = _without(first, key)
    alike = all(
        tree[key] is not None and is_bare(tree[key]) and _without(tree, key) == others for tree in trees
    )
    return key if alike else None


def _without(tree: Mapping[str, Any], key: str) -> Note:
    return {name: part for name, part in tree.items() if name != key}


def _is_listable(cell: Any) -> bool:
    """Whether a cell is an array that its lists and its dtype make again."""
    if type(cell) is not np.ndarray or not (cell.ndim == 1 or cell.size > 0 < cell.ndim):
        return False
    kind, size = cell.dtype.kind, cell.dtype.itemsize
    return kind in "biuMm" or (kind == "f" and size <= 8) or (kind == "U" and size > 0)


def _name(dtype: np.dtype[Any]) -> str:
    return dtype.name if dtype.isnative and dtype.kind != "U" else dtype.str


def _listed(array: np.ndarray[Any, Any]) -> Any:
    if array.dtype.kind == "M":
        # NumPy takes no notice of the order of the bytes here.
        texts = np.datetime_as_string(array.astype(array.dtype.newbyteorder("="))).astype(object)
        texts[np.isnat(array)] = None
        return texts.tolist()
    if array.dtype.kind == "m":
        ticks = array.astype(array.dtype.newbyteorder("=")).view("i8").astype(object)
        ticks[np.isnat(array)] = None
        return ticks.tolist()
    return array.tolist()


Array = npt.NDArray[Any]
Values = Array | ExtensionArray

INT64 = range(-(2**63), 2**63)
_UNITS = frozenset({"s", "ms", "us", "ns"})
FLAG = np.int8(-1)

# Of this machine's byte order, unlike their names.
_COMPLEX = (np.dtype(np.complex64), np.dtype(np.complex128))

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

    Raise SerializationError when a cell holds a value that has no stored form.

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
    objects = as_objects(
        [None if is_missing else cell for cell, is_missing in zip(cells, missing, strict=True)]
    )
    array, note = _plain_objects(objects, where, empty, for_readers)
    return array, {"dtype": name, **note}


def _plain_objects(values: Array, where: str, empty: bool, for_readers: bool) -> tuple[Array, Note]:
    """Return an array of objects as plain ones: text, numbers or bool with at most one kind of hole, or JSON."""
    cells = values.ravel().tolist()
    holes = [hole(cell) for cell in cells]
    kinds = set(holes) - {""}
    if for_readers and _are_complex(cells):
        return _plain_complex(cells, values.shape, where, empty)
    encoded = _simple(cells, holes, kinds, empty)
    form = {"cells": "contents" if for_readers else "json"}
    if encoded is None and len(kinds) < 2:
        present = [cell for cell, gap in zip(cells, holes, strict=True) if not gap]
        contents, note = encode_cells(present, where, for_readers=for_readers)
        filled = _filled(contents, cells, holes)
        if note.keys() & _READABLE and (simple := _simple(filled, holes, kinds, empty)) is not None:
            encoded = simple[0], {**simple[1], **note}
        elif not kinds or (present and (empty or "arrays" in note)):
            gaps = {"hole": [None, *kinds]} if kinds and empty else {}
            texts = contents if for_readers else [to_text(content) for content in contents]
            strings = iter(texts)
            filled = [
                next(strings) if not gap else None if empty else to_text(to_tree(cell, where))
                for cell, gap in zip(cells, holes, strict=True)
            ]
            encoded = as_objects(filled), {**form, **note, **gaps}
    if encoded is None:
        contents, note = encode_cells(cells, where, for_readers=for_readers)
        texts = contents if for_readers else [to_text(content) for content in contents]
        encoded = as_objects(texts), {**form, **note}
    array, note = encoded
    return (array.reshape(values.shape) if cells else np.zeros(values.shape, "<U1")), note


def _filled(contents: Sequence[Any], cells: Sequence[Any], holes: Sequence[str]) -> list[Any]:
    """Return contents with the holes of the cells among them."""
    remaining = iter(contents)
    return [cell if gap else next(remaining) for cell, gap in zip(cells, holes, strict=True)]


def _simple(
    cells: Sequence[Any], holes: Sequence[str], kinds: set[str], empty: bool
) -> tuple[Array, Note] | None:
    """Return text, bool or numbers with at most one kind of hole; None for other cells."""
    present = [cell for cell, gap in zip(cells, holes, strict=True) if not gap] if kinds else cells
    types = set(map(type, present))
    if len(kinds) > 1:
        return None
    if types == {str} and _is_clean(present):
        token = None if empty else _token(present)
        return _with_token(cells, holes, kinds, token)
    if types == {bool} and kinds and not empty:
        # As the CF conventions tell bool with holes.
        flags = [FLAG if gap else np.int8(cell) for cell, gap in zip(cells, holes, strict=True)]
        return np.array(flags, dtype=np.int8), {"hole": [int(FLAG), *kinds], "flags": True}
    if not _is_native(types, present) or (kinds and not empty):
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
    if type(first) is not np.ndarray or first.dtype not in _COMPLEX:
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


def _token(strings: Sequence[str]) -> str:
    token, used = "", set(strings)
    while token in used:
        token = f"<{token or 'missing'}>"
    return token


def _is_native(types: set[type], cells: Sequence[Any]) -> bool:
    """Whether cells are all bool, all float, or all int that 64 bits hold."""
    return types in ({bool}, {float}) or (types == {int} and min(cells) in INT64 and max(cells) in INT64)


def _texts(cells: Array) -> Array:
    return as_objects([to_text(cell) for cell in cells])


# -------------------------------------------------------------------------------------------- reading


def real(values: Array, note: Mapping[str, Any]) -> Values:
    """Return the array that a plain one was.

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
    present = [cell for cell, gap in zip(cells, gaps, strict=True) if not gap]
    if "cells" in note:
        numbers = dtype in ("longdouble", "clongdouble")
        present = [np.longdouble(cell) for cell in present] if numbers else list(map(_content, present))
    if "flags" in note:
        present = list(map(bool, present))
    if note.keys() & {"cells", *_READABLE}:
        present = present if dtype in ("longdouble", "clongdouble") else decode_cells(present, note)
    remaining = iter(present)
    cells = [_HOLES[kind] if gap else next(remaining) for gap in gaps]
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

"""Values inside exported files: their stored forms, and the tags that version 1 wrote in their place.

The tags of version 1 were ``tuple``, ``dict`` and the like, and ``numpy.ndarray`` with other items for complex numbers, bytes
and objects. A dictionary of the user's never looked like one, so that a tag is recognised by its name and keys.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pandas as pd

from coma_xr.encoding.json import without_long_ints
from coma_xr.errors import DataFileError
from coma_xr.tree import OURS, TYPE, looks_registered
from coma_xr.values.plain import from_plain, to_plain

Node = dict[str, Any]


def to_tree(value: Any, where: str) -> Any:
    """Return a value as a tree that JSON can hold; `where` names it in messages.

    Raises
    ------
    SerializationError
        When it has no stored form.

    Examples
    --------
    >>> to_tree((1, None), "'E'")
    {'__type__': 'coma.tuple', 'items': [1, None]}
    """
    if (type(value) is str and value.isascii()) or value is None or type(value) is bool:
        return value
    return without_long_ints(to_plain(value, exact=True, at=(where,)))


def of_tree(tree: Any) -> Any:
    """Return the value of a tree."""
    return from_plain(_modern(tree))


def to_text(tree: Any) -> str:
    """Return the JSON text of a tree, in plain ASCII so that no tool can read it wrongly."""
    return json.dumps(tree)


def of_text(line: str) -> Any:
    """Return the value of a JSON text.

    Examples
    --------
    >>> of_text('{"__type__": "coma.complex", "real": 1.0, "imag": -2.0}')
    (1-2j)
    """
    return of_tree(json.loads(line))


def is_bare(tree: Any) -> bool:
    """Whether a tree is its own value: no stored form is in it."""
    if type(tree) is dict:
        return TYPE not in tree and all(map(is_bare, tree.values()))
    return type(tree) is not list or all(map(is_bare, tree))


def readable(tree: Any) -> Any:
    """Return what other programs may read of a tree: values and lists, without the names of types.

    Examples
    --------
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
    if tree[TYPE] in _AS_TEXT or _TIME.match(str(tree.get("dtype"))):
        value = of_tree(tree)
        return value.astype(str).tolist() if hasattr(value, "astype") else str(value)
    if "shape" in tree:
        return readable(_nested(tree))
    if tree[TYPE] == "coma.dict":
        return {str(readable(key)): readable(child) for key, child in tree["items"]}
    if tree[TYPE] in _READABLE:
        return _READABLE[tree[TYPE]](tree)
    parts = {key: readable(child) for key, child in tree.items() if key != TYPE}
    one = next((key for key in ("value", "tree", "items", "list", "base64", "hex") if key in parts), None)
    return parts[one] if one else parts


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


def _columns(tree: Node) -> Any:
    labels = readable(tree["columns"])
    labels = list(labels) if isinstance(labels, list) else [str(i) for i in range(len(tree["values"]))]
    return {str(label): readable(column) for label, column in zip(labels, tree["values"], strict=True)}


# What a text tells better than the parts of the stored form.
_AS_TEXT = frozenset(
    {"coma.fraction", "coma.timedelta"}
    | {f"coma.pandas.{name}" for name in ("Interval", "Period", "Timedelta", "Timestamp")}
)
_TIME = re.compile(r"datetime64|timedelta64|[<>=|]?[mM]8")

_READABLE: dict[str, Callable[[Node], Any]] = {
    "coma.complex": lambda tree: f"{tree['real']}{tree['imag']:+}j",
    "coma.pandas.NA": lambda _tree: None,
    "coma.pandas.NaT": lambda _tree: None,
    "coma.pandas.DataFrame": _columns,
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


def _array(tree: Node) -> Node:
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
    array = _array({"shape": [], "list": [tree["value"]], "dtype": tree["dtype"]})
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
    "numpy.ndarray": ({"shape", "list", "dtype"}, _array),
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

"""Python values as JSON trees that say their types, and back.

Text, numbers, bool, None, lists and dictionaries with text keys are themselves. Everything else is a
dictionary with the key ``__type__``:

==================================  ============================================================================
``numpy.ndarray``                   ``shape``, ``list`` in C order, ``dtype``; dates and durations are numbers
                                    of their unit, complex numbers ``[real, imag]``, bytes hexadecimal
``numpy.generic``                   a NumPy scalar: ``value`` and ``dtype``, as in an array
``tuple``                           ``items``
``dict``                            ``items``: pairs, where keys are no text
``complex``                         ``real``, ``imag``
``bytes``                           ``hex``
``datetime``, ``date``, ``time``    ``iso``
``timedelta``                       ``days``, ``seconds``, ``microseconds``
``pandas.NA``, ``pandas.NaT``       nothing more
``pandas.Timestamp``, ``.Timedelta``  ``value``, ``unit``, and ``zone`` of the first if it has one
``pandas.Period``                   ``text``, ``freq``
``pandas.Interval``                 ``left``, ``right``, ``closed``
==================================  ============================================================================
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from coma_xr.errors import DataFileError, SerializationError

__all__ = ["TYPE", "tag", "text", "untag", "untext"]

TYPE = "__type__"

Array = npt.NDArray[Any]

_BARE = (str, bool, int, float)


def text(value: Any, where: str) -> str:
    """Return the JSON text of a value; `where` names it in messages.

    Raises
    ------
    SerializationError
        When there is no form for it.

    Examples
    --------
    >>> text([1, None, {"a": (1.5,)}], "'E'")
    '[1, null, {"a": {"__type__": "tuple", "items": [1.5]}}]'
    """
    # Escapes keep the text plain ASCII, so that no tool can read it wrongly.
    return json.dumps(tag(value, where))


def untext(line: str) -> Any:
    """Return the value of a JSON text.

    Examples
    --------
    >>> untext('{"__type__": "complex", "real": 1.0, "imag": -2.0}')
    (1-2j)
    """
    return untag(json.loads(line))


def tag(value: Any, where: str) -> Any:
    """Return a value as a tree that JSON can hold.

    Raises
    ------
    SerializationError
        When there is no form for it, or it contains itself.
    """
    try:
        return _tag(value, where)
    except RecursionError:
        raise SerializationError(f"{where} is nested too deep to be exported, or contains itself.") from None


def _tag(value: Any, where: str) -> Any:
    if value is None or type(value) in _BARE:
        return value
    if isinstance(value, np.ndarray):
        return {TYPE: "numpy.ndarray", **_array(value, where)}
    if isinstance(value, np.generic):
        array = _array(np.asarray(value), where)
        return {TYPE: "numpy.generic", "value": array["list"][0], "dtype": array["dtype"]}
    for kind, form in _LEAVES:
        if isinstance(value, kind):
            return form(value)
    if isinstance(value, list):
        return [_tag(item, where) for item in value]
    if isinstance(value, tuple):
        return {TYPE: "tuple", "items": [_tag(item, where) for item in value]}
    if isinstance(value, Mapping):
        return _dictionary(value, where)
    if isinstance(value, pd.Interval):
        ends = {"left": _tag(value.left, where), "right": _tag(value.right, where)}
        return {TYPE: "pandas.Interval", **ends, "closed": value.closed}
    raise _refusal(value, where)


def _refusal(value: Any, where: str) -> SerializationError:
    kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    return SerializationError(
        f"{where} holds a {kind}, which cannot be exported. Exported are numbers, text, bool, None, dates, "
        f"arrays, and lists, tuples and dictionaries of these; {_ways(kind)}."
    )


def _ways(kind: str) -> str:
    if kind.startswith("xarray."):
        return (
            "leave it out by naming the others, e.to_dataset(['y', ...]) or e.to_dataframe(['y', ...]), and export these by "
            "coma_xr.export(); or put its values in its place"
        )
    return "convert or drop it first"


def _dictionary(value: Mapping[Any, Any], where: str) -> Any:
    if TYPE not in value and all(type(key) is str for key in value):
        return {key: _tag(item, where) for key, item in value.items()}
    return {TYPE: "dict", "items": [[_tag(key, where), _tag(item, where)] for key, item in value.items()]}


def _timestamp(value: pd.Timestamp) -> Any:
    zone = {} if value.tz is None else {"zone": str(value.tz)}
    stamp = value.tz_convert("UTC").tz_localize(None) if zone else value
    return {TYPE: "pandas.Timestamp", "value": int(stamp.asm8.view("i8")), "unit": value.unit, **zone}


def _timedelta(value: pd.Timedelta) -> Any:
    return {TYPE: "pandas.Timedelta", "value": int(value.asm8.view("i8")), "unit": value.unit}


def _dt_timedelta(value: dt.timedelta) -> Any:
    parts = {"days": value.days, "seconds": value.seconds, "microseconds": value.microseconds}
    return {TYPE: "timedelta", **parts}


# In this order: a Timestamp is a datetime too, and a datetime a date.
_LEAVES: list[tuple[type, Callable[[Any], Any]]] = [
    (type(pd.NA), lambda _: {TYPE: "pandas.NA"}),
    (type(pd.NaT), lambda _: {TYPE: "pandas.NaT"}),
    (pd.Timestamp, _timestamp),
    (pd.Timedelta, _timedelta),
    (pd.Period, lambda value: {TYPE: "pandas.Period", "text": str(value), "freq": value.freqstr}),
    (dt.datetime, lambda value: {TYPE: "datetime", "iso": value.isoformat()}),
    (dt.date, lambda value: {TYPE: "date", "iso": value.isoformat()}),
    (dt.time, lambda value: {TYPE: "time", "iso": value.isoformat()}),
    (dt.timedelta, _dt_timedelta),
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
    (complex, lambda value: {TYPE: "complex", "real": value.real, "imag": value.imag}),
    (bytes, lambda value: {TYPE: "bytes", "hex": value.hex()}),
]


def _array(array: Array, where: str) -> dict[str, Any]:
    dtype = array.dtype
    name = dtype.name if dtype.isnative and dtype.kind in "biufc" else dtype.str
    if dtype in (np.longdouble, np.clongdouble) and dtype.itemsize > np.dtype(complex).itemsize // 2:
        name = "longdouble" if dtype.kind == "f" else name
    return {"shape": list(array.shape), "list": _items(array.ravel(), where), "dtype": name}


def _items(flat: Array, where: str) -> list[Any]:
    kind = flat.dtype.kind
    if kind == "O":
        return [_tag(item, where) for item in flat]
    if kind in "Mm":
        items: list[Any] = flat.view("i8" if flat.dtype.isnative else flat.dtype.str[0] + "i8").tolist()
        return items
    if kind == "c":
        return [list(pair) for pair in zip(_items(flat.real, where), _items(flat.imag, where), strict=True)]
    if kind == "S":
        return [item.hex() for item in flat.tolist()]
    if kind == "f" and flat.dtype.itemsize > 8:
        # Python has no number that is as exact.
        return list(map(str, flat))
    if kind not in "biufU":
        raise _refusal(flat[0] if flat.size else flat, where)
    return list(flat.tolist())


def untag(tree: Any) -> Any:
    """Return the value of a tree.

    Raises
    ------
    DataFileError
        When the tree contradicts itself, or has a type that is not known here.
    """
    if isinstance(tree, list):
        return [untag(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if TYPE not in tree:
        return {key: untag(item) for key, item in tree.items()}
    value = _VALUES.get(str(tree[TYPE]))
    if value is None:
        raise DataFileError(f"a value of type {tree[TYPE]!r}, which this version does not know")
    return value(tree)


def _untag_array(tree: Mapping[str, Any]) -> Array:
    shape, items = tree["shape"], tree["list"]
    if not all(type(n) is int and n >= 0 for n in shape) or math.prod(shape) != len(items):
        raise DataFileError(f"an array of shape {shape} cannot have {len(items)} items")
    dtype = np.dtype(str(tree["dtype"]))
    if dtype.kind == "O":
        array = np.empty(len(items), dtype=object)
        array[:] = [untag(item) for item in items]
    elif dtype.kind in "Mm":
        array = np.array(items, dtype="i8").astype(dtype)
    elif dtype.kind == "c":
        array = np.zeros(len(items), dtype=dtype)
        array.real, array.imag = (np.array(part) for part in (list(zip(*items, strict=True)) or [(), ()]))
    elif dtype.kind == "S":
        array = np.array([bytes.fromhex(item) for item in items], dtype=dtype)
    elif dtype.kind in "biufU":
        array = np.array(items, dtype=dtype)
    else:
        raise DataFileError(f"an array of dtype {dtype}, which this version does not know")
    return array.reshape(shape)


def _untag_timestamp(tree: Mapping[str, Any]) -> Any:
    stamp = pd.Timestamp(np.int64(tree["value"]).view(f"M8[{tree['unit']}]"))
    return stamp.tz_localize("UTC").tz_convert(str(tree["zone"])) if "zone" in tree else stamp


_VALUES: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "numpy.ndarray": _untag_array,
    "numpy.generic": lambda tree: _untag_array({**tree, "shape": [1], "list": [tree["value"]]})[0],
    "tuple": lambda tree: tuple(untag(item) for item in tree["items"]),
    "dict": lambda tree: {untag(key): untag(item) for key, item in tree["items"]},
    "complex": lambda tree: complex(tree["real"], tree["imag"]),
    "bytes": lambda tree: bytes.fromhex(tree["hex"]),
    "datetime": lambda tree: dt.datetime.fromisoformat(tree["iso"]),
    "date": lambda tree: dt.date.fromisoformat(tree["iso"]),
    "time": lambda tree: dt.time.fromisoformat(tree["iso"]),
    "timedelta": lambda tree: dt.timedelta(tree["days"], tree["seconds"], tree["microseconds"]),
    "pandas.NA": lambda _: pd.NA,
    "pandas.NaT": lambda _: pd.NaT,
    "pandas.Timestamp": _untag_timestamp,
    "pandas.Timedelta": lambda tree: pd.Timedelta(np.int64(tree["value"]).view(f"m8[{tree['unit']}]")),
    "pandas.Period": lambda tree: pd.Period(tree["text"], freq=tree["freq"]),
    "pandas.Interval": lambda tree: pd.Interval(untag(tree["left"]), untag(tree["right"]), tree["closed"]),
}

"""Stored forms of what Python itself brings: complex, dates, Decimal, Path, sets and the like.

Each is a small dictionary: ``{"__type__": "coma.decimal", "value": "1.10"}``.
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import fractions
import pathlib
import re
import uuid
import zoneinfo
from collections.abc import Callable, Sequence
from typing import Any

from coma_xr.errors import DataFileError
from coma_xr.tree import TYPE, ToTree, ToValue, cannot, hashable, part

Node = dict[str, Any]

# A key of the time zone database; no dots, so that it cannot lead out of the database's directory.
_ZONE = re.compile(r"[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,3}", re.ASCII)

# From here on a set of items that all have one hash would take long.
_MANY = 1000

_SOME_DAY = "2000-01-01T00:00:00"


def encode(value: Any, plain: ToTree) -> Node | None:
    """Return the stored form of a value; None when its type has none here."""
    encoder = _ENCODERS.get(type(value))
    if encoder is None:
        return None
    name, function = encoder
    return {TYPE: f"coma.{name}", **function(value, plain)}


def _parts(*names: str) -> Callable[[Any, ToTree], Node]:
    return lambda value, _plain: {name: getattr(value, name) for name in names}


def _text(value: Any, _plain: ToTree) -> Node:
    return {"value": str(value)}


def _path(value: pathlib.PurePath, _plain: ToTree) -> Node:
    return {"value": str(value), "kind": "Path" if isinstance(value, pathlib.Path) else type(value).__name__}


def _clock(value: dt.datetime | dt.time, _plain: ToTree) -> Node:
    """Return the form of a point in time: with an offset as ISO 8601 has it, or with a named zone next to it."""
    node: Node = {"value": value.isoformat()}
    if value.tzinfo is not None:
        zone = zone_of(value.tzinfo)
        if type(zone) is not str or not zone.startswith(("+", "-")):
            node = {"value": value.replace(tzinfo=None).isoformat(), "zone": zone}
    if value.fold:
        node["fold"] = value.fold
    return node


def zone_of(tzinfo: Any) -> str | list[str]:
    """Return what is stored of a time zone: ``+01:00``, such with its name, or the key ``Europe/Berlin``.

    Raise SerializationError for any other kind of time zone.

    >>> zone_of(dt.timezone.utc)
    '+00:00'
    """
    if type(tzinfo) is dt.timezone:
        offset = dt.datetime(2000, 1, 1, tzinfo=tzinfo).isoformat()[len(_SOME_DAY) :]
        name = tzinfo.tzname(None)
        return offset if name == dt.timezone(tzinfo.utcoffset(None)).tzname(None) else [offset, name]
    # pytz calls the key `zone`; only pandas, which makes such zones itself, brings one here.
    key = getattr(tzinfo, "key", None) or getattr(tzinfo, "zone", None)
    if type(key) is str and _ZONE.fullmatch(key):
        return key
    what = f"a time zone of type {type(tzinfo).__module__}.{type(tzinfo).__qualname__}"
    raise cannot(what, "Use datetime.timezone, or zoneinfo.ZoneInfo with a key.")


def tzinfo_of(zone: Any) -> dt.tzinfo:
    """Return the time zone that `zone_of` stored.

    Raise DataFileError when there is no such zone, here or anywhere.
    """
    if type(zone) is str and not zone.startswith(("+", "-")):
        if not _ZONE.fullmatch(zone):
            raise DataFileError(
                f"{zone[:40]!r} is not a name of a time zone", expected="a name such as 'Europe/Zurich'"
            )
        try:
            return zoneinfo.ZoneInfo(zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise DataFileError(
                f"the time zone {zone!r} is not known on this machine", ways=["Install tzdata."]
            ) from error
    offset, *name = zone if type(zone) is list else [zone]
    if type(offset) is not str or len(name) > 1 or not all(type(text) is str for text in name):
        raise DataFileError(
            "a stored time zone is neither an offset nor a name",
            expected="an offset such as '+01:00', or a name",
        )
    tzinfo = dt.datetime.fromisoformat(_SOME_DAY + offset).tzinfo
    if tzinfo is None:
        raise DataFileError(
            f"{offset[:40]!r} is not an offset of a time zone", expected="an offset such as '+01:00'"
        )
    return dt.timezone(tzinfo.utcoffset(None) or dt.timedelta(), *name) if name else tzinfo


def _set(value: set[Any] | frozenset[Any], plain: ToTree) -> Node:
    items = [plain(item, "items", i) for i, item in enumerate(value)]
    # The order of a set differs from one process to the next, its file should not.
    texts = {repr(_compared(item)): item for item in items}
    if len(texts) < len(items):
        raise cannot("a set", "Two of its items would be the same after reading; use a list.")
    return {"items": [texts[text] for text in sorted(texts)]}


def _compared(item: Any) -> Any:
    """Return a plain item of a set as it is compared after reading: a member of an Enum is its value."""
    if type(item) is list:
        return [_compared(part) for part in item]
    if type(item) is not dict:
        return item
    if TYPE not in item:
        raise cannot("a set of objects", "Their state is a dictionary, which no set can hold; use a list.")
    return item["value"] if item[TYPE] == "coma.enum" else item


def _read_path(node: Node, _value: ToValue) -> pathlib.PurePath:
    kind = part(node, "kind", str)
    if kind not in _PATHS:
        raise DataFileError(f"a stored path is {kind[:40]!r}", expected=f"one of {', '.join(_PATHS)}")
    return _PATHS[kind](part(node, "value", str))


def _read_clock(kind: type[Any]) -> Callable[[Node, ToValue], Any]:
    def read(node: Node, _value: ToValue) -> Any:
        clock = kind.fromisoformat(part(node, "value", str))
        if "zone" in node:
            clock = clock.replace(tzinfo=tzinfo_of(node["zone"]))
        return clock.replace(fold=part(node, "fold", int)) if "fold" in node else clock

    return read


def _read_set(kind: Callable[[Any], Any]) -> Callable[[Node, ToValue], Any]:
    def read(node: Node, value: ToValue) -> Any:
        items = _hashables([value(item) for item in part(node, "items", list)])
        restored = kind(items)
        if len(restored) != len(items):
            raise DataFileError("a stored set has an item twice", expected="each item once")
        return restored

    return read


def _hashables(values: list[Any]) -> list[Any]:
    """Return values as items of a set or keys of a dictionary; DataFileError when most have one hash."""
    items = [hashable(value) for value in values]
    if len(items) > _MANY and len(set(map(hash, items))) < len(items) // 2:
        raise DataFileError("the items of a set or dictionary were chosen to make it slow")
    return items


def _read_parts(
    kind: Callable[..., Any], types: Sequence[type], *names: str
) -> Callable[[Node, ToValue], Any]:
    return lambda node, _value: kind(*[part(node, name, *types) for name in names])


def _read_text(kind: Callable[[str], Any]) -> Callable[[Node, ToValue], Any]:
    return lambda node, _value: kind(part(node, "value", str))


def _read_float(node: Node, _value: ToValue) -> float:
    text = part(node, "value", str)
    if text not in ("nan", "inf", "-inf"):
        raise DataFileError(f"a stored coma.float is {text[:40]!r}", expected="nan, inf or -inf")
    return float(text)


def _read_dict(node: Node, value: ToValue) -> dict[Any, Any]:
    items = part(node, "items", list)
    if not all(type(pair) is list and len(pair) == 2 for pair in items):
        raise DataFileError(
            "a stored coma.dict has items that are not pairs", expected="pairs of a key and a value"
        )
    keys = _hashables([value(key) for key, _ in items])
    return {key: value(child) for key, (_, child) in zip(keys, items, strict=True)}


def _read_enum(node: Node, value: ToValue) -> Any:
    if "value" not in node:
        raise DataFileError("a stored coma.enum has no 'value'", expected="the value of the member")
    return value(node["value"])


_PATHS: dict[str, type[pathlib.PurePath]] = {
    "Path": pathlib.Path,
    "PurePosixPath": pathlib.PurePosixPath,
    "PureWindowsPath": pathlib.PureWindowsPath,
}

# The attributes that are the parts of a stored form, in the order of the constructor's arguments.
_COMPLEX = ("real", "imag")
_DURATION = ("days", "seconds", "microseconds")
_FRACTION = ("numerator", "denominator")
_RANGE = ("start", "stop", "step")

_ENCODERS: dict[type, tuple[str, Callable[[Any, ToTree], Node]]] = {
    complex: ("complex", _parts(*_COMPLEX)),
    bytes: ("bytes", lambda value, _plain: {"base64": base64.b64encode(value).decode("ascii")}),
    dt.datetime: ("datetime", _clock),
    dt.date: ("date", lambda value, _plain: {"value": value.isoformat()}),
    dt.time: ("time", _clock),
    dt.timedelta: ("timedelta", _parts(*_DURATION)),
    decimal.Decimal: ("decimal", _text),
    fractions.Fraction: ("fraction", _parts(*_FRACTION)),
    uuid.UUID: ("uuid", _text),
    range: ("range", _parts(*_RANGE)),
    set: ("set", _set),
    frozenset: ("frozenset", _set),
    **dict.fromkeys(
        [pathlib.PosixPath, pathlib.WindowsPath, pathlib.PurePosixPath, pathlib.PureWindowsPath],
        ("path", _path),
    ),
}

DECODERS: dict[str, Callable[[Node, ToValue], Any]] = {
    "coma.bytes": lambda node, _value: base64.b64decode(part(node, "base64", str), validate=True),
    "coma.complex": _read_parts(complex, (float, int), *_COMPLEX),
    "coma.date": _read_text(dt.date.fromisoformat),
    "coma.datetime": _read_clock(dt.datetime),
    "coma.decimal": _read_text(decimal.Decimal),
    "coma.dict": _read_dict,
    "coma.enum": _read_enum,
    "coma.float": _read_float,
    "coma.fraction": _read_parts(fractions.Fraction, (int,), *_FRACTION),
    "coma.frozenset": _read_set(frozenset),
    "coma.int": lambda node, _value: int(part(node, "hex", str), 16),
    "coma.path": _read_path,
    "coma.range": _read_parts(range, (int,), *_RANGE),
    "coma.set": _read_set(set),
    "coma.time": _read_clock(dt.time),
    "coma.timedelta": _read_parts(dt.timedelta, (int,), *_DURATION),
    "coma.tuple": lambda node, value: tuple([value(item) for item in part(node, "items", list)]),
    "coma.uuid": _read_text(uuid.UUID),
}

"""Stored forms of what pandas brings: Series, DataFrame, every Index, Timestamp and its kin."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from coma_xr.errors import DataFileError
from coma_xr.tree import TYPE
from coma_xr.values.builtin import zone_of
from coma_xr.values.forms import ToTree, ToValue, hashable, part, whole_numbers
from coma_xr.values.pandas_arrays import (
    ARRAY,
    UNITS,
    decode,
    decode_column,
    encode_column,
    frequency,
    pandas_zone,
    period_frequency,
)
from coma_xr.values.pandas_arrays import encode as encode_array

if TYPE_CHECKING:
    import pandas as pd


Node = dict[str, Any]

_PREFIX = "coma.pandas."


def encode(value: Any, plain: ToTree) -> Node | None:
    """Return the stored form of a value; None when its type has none here."""
    import pandas as pd

    kind = type(value)
    if isinstance(value, pd.Index):
        return _index(value, plain)
    if isinstance(value, pd.api.extensions.ExtensionArray):
        return encode_array(value, plain)
    encoders: dict[type, Callable[[Any, ToTree], Node]] = {
        pd.Series: _series,
        pd.DataFrame: _frame,
        pd.Timestamp: _timestamp,
        pd.Timedelta: _timedelta,
        pd.Period: _period,
        pd.Interval: _interval,
        type(pd.NaT): lambda _value, _plain: {},
        type(pd.NA): lambda _value, _plain: {},
    }
    if kind not in encoders:
        return None
    name = {type(pd.NaT): "NaT", type(pd.NA): "NA"}.get(kind, kind.__name__)
    return {TYPE: _PREFIX + name, **encoders[kind](value, plain)}


def _deeper(plain: ToTree, *segments: str | int) -> ToTree:
    return lambda value, *more: plain(value, *segments, *more)


def _series(value: pd.Series[Any], plain: ToTree) -> Node:
    attrs = {"attrs": plain(value.attrs, "attrs")} if value.attrs else {}
    return {
        "name": plain(value.name, "name"),
        "index": plain(value.index, "index"),
        "values": encode_column(value.array, _deeper(plain, "values")),
        **attrs,
    }


def _frame(value: pd.DataFrame, plain: ToTree) -> Node:
    columns = [value.iloc[:, i].array for i in range(value.shape[1])]
    attrs = {"attrs": plain(value.attrs, "attrs")} if value.attrs else {}
    return {
        "index": plain(value.index, "index"),
        "columns": plain(value.columns, "columns"),
        "values": [encode_column(column, _deeper(plain, "values", i)) for i, column in enumerate(columns)],
        **attrs,
    }


def _index(value: Any, plain: ToTree) -> Node | None:
    import pandas as pd

    kind = type(value)
    if kind is pd.MultiIndex:
        names = [plain(name, "names", i) for i, name in enumerate(value.names)]
        levels = [plain(level.rename(None), "levels", i) for i, level in enumerate(value.levels)]
        codes = [code.tolist() for code in value.codes]
        return {TYPE: f"{_PREFIX}MultiIndex", "names": names, "levels": levels, "codes": codes}
    name = {"name": plain(value.name, "name")}
    if kind is pd.RangeIndex:
        bounds = {"start": value.start, "stop": value.stop, "step": value.step}
        return {TYPE: f"{_PREFIX}RangeIndex", **name, **bounds}
    if kind not in _INDEXES():
        return None
    node = {TYPE: f"{_PREFIX}Index", **name, "values": encode_column(value.array, _deeper(plain, "values"))}
    freq = getattr(value, "freq", None)
    if freq is not None and kind is not pd.PeriodIndex:
        node["freq"] = frequency(freq)
    return node


def _INDEXES() -> set[type]:
    import pandas as pd

    plain = {pd.Index, pd.CategoricalIndex, pd.DatetimeIndex}
    return {*plain, pd.TimedeltaIndex, pd.PeriodIndex, pd.IntervalIndex}


def _timestamp(value: pd.Timestamp, _plain: ToTree) -> Node:
    zone = {} if value.tzinfo is None else {"zone": zone_of(value.tzinfo)}
    return {"value": int(value.asm8.view("int64")), "unit": value.unit, **zone}


def _timedelta(value: pd.Timedelta, _plain: ToTree) -> Node:
    return {"value": int(value.asm8.view("int64")), "unit": value.unit}


def _period(value: pd.Period, _plain: ToTree) -> Node:
    import pandas as pd

    freq: Any = value.freq
    return {"ordinal": value.ordinal, "freq": period_frequency(pd.PeriodDtype(freq))}


def _interval(value: pd.Interval[Any], plain: ToTree) -> Node:
    return {"left": plain(value.left, "left"), "right": plain(value.right, "right"), "closed": value.closed}


def _read_index_part(node: Any, value: ToValue) -> pd.Index[Any]:
    import pandas as pd

    index = value(node) if isinstance(node, dict) else None
    if not isinstance(index, pd.Index):
        raise DataFileError("an index is stored as one of pandas' Index")
    return index


def _read_attrs(node: Node, value: ToValue) -> dict[str, Any]:
    attrs = value(part(node, "attrs", dict)) if "attrs" in node else {}
    if type(attrs) is not dict:
        raise DataFileError("attributes are stored as a dictionary")
    return attrs


def _read_column(node: Any, index: pd.Index[Any], value: ToValue, name: Any = None) -> pd.Series[Any]:
    import pandas as pd

    column = decode_column(node, value)
    if column.ndim != 1 or len(column) != len(index):
        raise DataFileError(f"a column of shape {column.shape} does not fit an index of {len(index)}")
    # Without the dtype pandas would look for a better one than object.
    series: pd.Series[Any] = pd.Series(column, index=index, dtype=column.dtype, name=name)
    return series


def _read_series(node: Node, value: ToValue) -> Any:
    index = _read_index_part(node.get("index"), value)
    series = _read_column(node.get("values"), index, value, hashable(value(node.get("name"))))
    series.attrs.update(_read_attrs(node, value))
    return series


def _read_frame(node: Node, value: ToValue) -> Any:
    import pandas as pd

    index, labels = (_read_index_part(node.get(name), value) for name in ("index", "columns"))
    columns = part(node, "values", list)
    if len(columns) != len(labels):
        raise DataFileError(f"a table of {len(columns)} columns cannot have {len(labels)} names of columns")
    series = {i: _read_column(column, index, value) for i, column in enumerate(columns)}
    frame = pd.DataFrame(series, index=index)
    frame.columns = labels
    frame.attrs.update(_read_attrs(node, value))
    return frame


def _read_plain_index(node: Node, value: ToValue) -> Any:
    import pandas as pd

    array = decode_column(node.get("values"), value, hashable)
    if array.ndim != 1:
        raise DataFileError("an index has one dimension")
    name = hashable(value(node.get("name")))
    if "freq" not in node:
        return pd.Index(array, dtype=array.dtype, name=name, tupleize_cols=False)
    freq: Any = part(node, "freq", str)
    kind: Any = pd.TimedeltaIndex if array.dtype.kind == "m" else pd.DatetimeIndex
    return kind(array, name=name, freq=freq)


def _read_range(node: Node, value: ToValue) -> Any:
    import pandas as pd

    start, stop, step = (part(node, name, int) for name in ("start", "stop", "step"))
    return pd.RangeIndex(start, stop, step, name=hashable(value(node.get("name"))))


def _read_multi(node: Node, value: ToValue) -> Any:
    import pandas as pd

    names = [hashable(value(name)) for name in part(node, "names", list)]
    levels: list[Any] = [_read_index_part(level, value) for level in part(node, "levels", list)]
    codes = [whole_numbers({"codes": code}, "codes") for code in part(node, "codes", list)]
    return pd.MultiIndex(levels=levels, codes=codes, names=names, verify_integrity=True)


def _unit(node: Node) -> Any:
    unit = part(node, "unit", str)
    if unit not in UNITS:
        raise DataFileError(f"pandas has no times in {unit[:40]!r}")
    return unit


def _read_timestamp(node: Node, _value: ToValue) -> Any:
    import numpy as np
    import pandas as pd

    stamp = pd.Timestamp(np.datetime64(part(node, "value", int), _unit(node)))
    return stamp.tz_localize("UTC").tz_convert(pandas_zone(node["zone"])) if "zone" in node else stamp


def _read_timedelta(node: Node, _value: ToValue) -> Any:
    import numpy as np
    import pandas as pd

    return pd.Timedelta(np.timedelta64(part(node, "value", int), _unit(node)))


def _read_period(node: Node, _value: ToValue) -> Any:
    import pandas as pd

    return pd.Period(ordinal=part(node, "ordinal", int), freq=part(node, "freq", str))


def _read_interval(node: Node, value: ToValue) -> Any:
    import pandas as pd

    left, right = value(node.get("left")), value(node.get("right"))
    return pd.Interval(left, right, closed=part(node, "closed", str))


def _read_nat(_node: Node, _value: ToValue) -> Any:
    import pandas as pd

    return pd.NaT


def _read_na(_node: Node, _value: ToValue) -> Any:
    import pandas as pd

    return pd.NA


DECODERS: dict[str, Callable[[Node, ToValue], Any]] = {
    ARRAY: decode,
    "coma.pandas.DataFrame": _read_frame,
    "coma.pandas.Index": _read_plain_index,
    "coma.pandas.Interval": _read_interval,
    "coma.pandas.MultiIndex": _read_multi,
    "coma.pandas.NA": _read_na,
    "coma.pandas.NaT": _read_nat,
    "coma.pandas.Period": _read_period,
    "coma.pandas.RangeIndex": _read_range,
    "coma.pandas.Series": _read_series,
    "coma.pandas.Timedelta": _read_timedelta,
    "coma.pandas.Timestamp": _read_timestamp,
}

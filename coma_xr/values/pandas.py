"""Stored forms of what pandas brings: Series, DataFrame, every Index, Timestamp and its kin, and one-dimensional arrays.

Columns that are NumPy's are stored as its arrays, objects one by one, pandas' own dtypes as
``{"__type__": "coma.pandas.array", "dtype": "Int64", "list": [1, null]}``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from coma_xr.errors import DataFileError
from coma_xr.tree import TYPE, ToTree, ToValue, cannot, deeper, hashable, part, whole_numbers
from coma_xr.values import numpy as numpy_types
from coma_xr.values.builtin import tzinfo_of, zone_of

Node = dict[str, Any]

_PREFIX = "coma.pandas."

ARRAY = "coma.pandas.array"
UNITS = ("s", "ms", "us", "ns")

_MASKED = (
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "Float32",
    "Float64",
    "boolean",
)
_NAT = -(2**63)


def encode(value: Any, plain: ToTree) -> Node | None:
    """Return the stored form of a value; None when its type has none here."""
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


def column_of(values: Sequence[Any], index: Any = None) -> pd.Series[Any]:
    """Return values as a column; as objects if one is None, or if pandas has no column for them.

    >>> column_of([1, None]).tolist()
    [1, None]
    """
    if not any(value is None for value in values):
        try:
            return pd.Series(values, index=index)
        except (OverflowError, ValueError):
            # Durations of months, or of more than 292 years, and halves of surrogate pairs.
            pass
    return pd.Series(list(values), index=index, dtype=object)


def table_of(columns: Mapping[str, Sequence[Any] | pd.Series[Any]], index: Any = None) -> pd.DataFrame:
    """Return columns of any values and names as a DataFrame.

    >>> table_of({"x": [1, None], chr(0xD800): ["a", chr(0xD800)]}).shape
    (2, 2)
    """
    series = {
        name: values if isinstance(values, pd.Series) else column_of(values, index)
        for name, values in columns.items()
    }
    try:
        return pd.DataFrame(series, index=index)
    except UnicodeEncodeError:
        # pandas takes halves of surrogate pairs as objects only.
        frame = pd.DataFrame(dict(enumerate(series.values())), index=index)
        frame.columns = pd.Index(list(series), dtype=object)
        return frame


def _series(value: pd.Series[Any], plain: ToTree) -> Node:
    attrs = {"attrs": plain(value.attrs, "attrs")} if value.attrs else {}
    return {
        "name": plain(value.name, "name"),
        "index": plain(value.index, "index"),
        "values": encode_column(value.array, deeper(plain, "values")),
        **attrs,
    }


def _frame(value: pd.DataFrame, plain: ToTree) -> Node:
    columns = [value.iloc[:, i].array for i in range(value.shape[1])]
    attrs = {"attrs": plain(value.attrs, "attrs")} if value.attrs else {}
    return {
        "index": plain(value.index, "index"),
        "columns": plain(value.columns, "columns"),
        "values": [encode_column(column, deeper(plain, "values", i)) for i, column in enumerate(columns)],
        **attrs,
    }


def _index(value: Any, plain: ToTree) -> Node | None:
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
    node = {TYPE: f"{_PREFIX}Index", **name, "values": encode_column(value.array, deeper(plain, "values"))}
    freq = getattr(value, "freq", None)
    if freq is not None and kind is not pd.PeriodIndex:
        node["freq"] = frequency(freq)
    return node


def _INDEXES() -> set[type]:
    plain = {pd.Index, pd.CategoricalIndex, pd.DatetimeIndex}
    return {*plain, pd.TimedeltaIndex, pd.PeriodIndex, pd.IntervalIndex}


def _timestamp(value: pd.Timestamp, _plain: ToTree) -> Node:
    zone = {} if value.tzinfo is None else {"zone": zone_of(value.tzinfo)}
    return {"value": int(value.asm8.view("int64")), "unit": value.unit, **zone}


def _timedelta(value: pd.Timedelta, _plain: ToTree) -> Node:
    return {"value": int(value.asm8.view("int64")), "unit": value.unit}


def _period(value: pd.Period, _plain: ToTree) -> Node:
    freq: Any = value.freq
    return {"ordinal": value.ordinal, "freq": period_frequency(pd.PeriodDtype(freq))}


def _interval(value: pd.Interval[Any], plain: ToTree) -> Node:
    return {"left": plain(value.left, "left"), "right": plain(value.right, "right"), "closed": value.closed}


def _read_index_part(node: Any, value: ToValue) -> pd.Index[Any]:
    index = value(node) if isinstance(node, dict) else None
    if not isinstance(index, pd.Index):
        raise DataFileError("an index has another type", expected="one of pandas' Index")
    return index


def _read_attrs(node: Node, value: ToValue) -> dict[str, Any]:
    attrs = value(part(node, "attrs", dict)) if "attrs" in node else {}
    if type(attrs) is not dict:
        raise DataFileError("attributes have another type", expected="a dictionary")
    return attrs


def _read_column(node: Any, index: pd.Index[Any], value: ToValue, name: Any = None) -> pd.Series[Any]:
    column = decode_column(node, value)
    if column.ndim != 1 or len(column) != len(index):
        raise DataFileError(
            f"a column of shape {column.shape} does not fit an index of {len(index)}",
            expected=f"{len(index)} values",
        )
    # Without the dtype pandas would look for a better one than object.
    series: pd.Series[Any] = pd.Series(column, index=index, dtype=column.dtype, name=name)
    return series


def _read_series(node: Node, value: ToValue) -> Any:
    index = _read_index_part(node.get("index"), value)
    series = _read_column(node.get("values"), index, value, hashable(value(node.get("name"))))
    series.attrs.update(_read_attrs(node, value))
    return series


def _read_frame(node: Node, value: ToValue) -> Any:
    index, labels = (_read_index_part(node.get(name), value) for name in ("index", "columns"))
    columns = part(node, "values", list)
    if len(columns) != len(labels):
        raise DataFileError(
            f"a table of {len(columns)} columns cannot have {len(labels)} names of columns",
            expected=f"{len(columns)} names",
        )
    series = {i: _read_column(column, index, value) for i, column in enumerate(columns)}
    frame = pd.DataFrame(series, index=index)
    frame.columns = labels
    frame.attrs.update(_read_attrs(node, value))
    return frame


def _read_plain_index(node: Node, value: ToValue) -> Any:
    array = decode_column(node.get("values"), value, hashable)
    if array.ndim != 1:
        raise DataFileError(f"an index has {array.ndim} dimensions", expected="one dimension")
    name = hashable(value(node.get("name")))
    if "freq" not in node:
        return pd.Index(array, dtype=array.dtype, name=name, tupleize_cols=False)
    freq: Any = part(node, "freq", str)
    kind: Any = pd.TimedeltaIndex if array.dtype.kind == "m" else pd.DatetimeIndex
    return kind(array, name=name, freq=freq)


def _read_range(node: Node, value: ToValue) -> Any:
    start, stop, step = (part(node, name, int) for name in ("start", "stop", "step"))
    return pd.RangeIndex(start, stop, step, name=hashable(value(node.get("name"))))


def _read_multi(node: Node, value: ToValue) -> Any:
    names = [hashable(value(name)) for name in part(node, "names", list)]
    levels: list[Any] = [_read_index_part(level, value) for level in part(node, "levels", list)]
    codes = [whole_numbers({"codes": code}, "codes") for code in part(node, "codes", list)]
    return pd.MultiIndex(levels=levels, codes=codes, names=names, verify_integrity=True)


def _unit(node: Node) -> Any:
    unit = part(node, "unit", str)
    if unit not in UNITS:
        raise DataFileError(f"pandas has no times in {unit[:40]!r}", name=unit, available=UNITS)
    return unit


def _read_timestamp(node: Node, _value: ToValue) -> Any:
    stamp = pd.Timestamp(np.datetime64(part(node, "value", int), _unit(node)))
    return stamp.tz_localize("UTC").tz_convert(pandas_zone(node["zone"])) if "zone" in node else stamp


def _read_interval(node: Node, value: ToValue) -> Any:
    left, right = value(node.get("left")), value(node.get("right"))
    return pd.Interval(left, right, closed=part(node, "closed", str))


def encode_column(array: Any, plain: ToTree) -> Node:
    """Return the stored form of a NumPy array, of any number of dims, or of an array of pandas."""
    if not _is_numpy(array):
        return encode_array(array, plain)
    array = np.asarray(array)
    if array.dtype.kind == "O":
        return numpy_types.encode_objects(array, plain)
    node = numpy_types.encode_array(array)
    if node is None:
        raise cannot(f"values of dtype {array.dtype}", "There is no stored form for this dtype.")
    return node


def _is_numpy(array: Any) -> bool:
    """Whether the values of an array are NumPy's, also where pandas wraps them."""
    # Pandas' own arrays of texts are a subclass of its wrapper.
    return isinstance(array.dtype, np.dtype) or type(array) is pd.arrays.NumpyExtensionArray


def decode_column(node: Any, value: ToValue, items: Callable[[Any], Any] = lambda item: item) -> Any:
    """Return what `encode_column` stored; `items` is applied to each object.

    Raise DataFileError when it is the stored form of anything else.
    """
    name = node.get(TYPE) if isinstance(node, dict) else None
    if name == numpy_types.OBJECTS:
        return numpy_types.decode_objects(node, value, items)
    if name in (numpy_types.ARRAY, numpy_types.OTHER_ARRAY, numpy_types.STRUCTURED):
        return numpy_types.decode(node, value)
    if name == ARRAY:
        return decode_array(node, value)
    raise DataFileError("a column has another type", expected="an array")


def encode_array(array: Any, plain: ToTree) -> Node:
    """Return the stored form of an array of one of pandas' own dtypes."""
    dtype: Any = array.dtype
    parts: Node
    if _is_numpy(array):
        values = encode_column(array, lambda item, *segments: plain(item, "values", *segments))
        parts = {"dtype": "numpy", "values": values}
    elif isinstance(dtype, pd.CategoricalDtype):
        parts = {
            "dtype": "category",
            "categories": plain(array.categories, "categories"),
            "ordered": bool(array.ordered),
            "codes": array.codes.tolist(),
        }
    elif isinstance(dtype, pd.DatetimeTZDtype):
        parts = {"dtype": f"datetime64[{dtype.unit}]", "zone": zone_of(dtype.tz), "list": _numbers(array)}
    elif isinstance(dtype, pd.PeriodDtype):
        parts = {"dtype": "period", "freq": period_frequency(dtype), "list": _numbers(array)}
    elif isinstance(dtype, pd.IntervalDtype):
        ends = {name: encode_column(getattr(array, name).array, plain) for name in ("left", "right")}
        parts = {"dtype": "interval", "closed": array.closed, **ends}
    elif isinstance(dtype, pd.StringDtype):
        gap = "NA" if dtype.na_value is pd.NA else "NaN"
        parts = {"dtype": "string", "storage": dtype.storage, "na": gap, "list": _with_gaps(array)}
    elif dtype.name in _MASKED:
        parts = {"dtype": dtype.name, "list": _masked(array)}
    else:
        raise cannot(f"values of dtype {dtype}", "Convert them with astype() to a dtype of NumPy.")
    return {TYPE: ARRAY, **parts}


def frequency(freq: Any) -> str:
    """Return the text of an index's frequency.

    Raise SerializationError when pandas would not make the same of it again.
    """
    text: str = freq.freqstr
    try:
        if pd.tseries.frequencies.to_offset(text) == freq:
            return text
    except ValueError:
        pass
    raise cannot(f"the frequency {freq!r}", "pandas cannot restore it from a string. Set index.freq = None.")


def period_frequency(dtype: Any) -> str:
    """Return the frequency of periods, in pandas' own words: ``2M`` of ``period[2M]``."""
    text: str = dtype.name
    return text.removeprefix("period[").removesuffix("]")


def _numbers(array: Any) -> list[int | None]:
    numbers = array.asi8.tolist()
    return [None if n == _NAT else n for n in numbers] if _NAT in numbers else numbers


def _with_gaps(array: Any) -> list[Any]:
    """Return strings with None in the gaps; NumPy's strings as Python's."""
    return [None if gap else str(item) for item, gap in zip(array, array.isna(), strict=True)]


def _masked(array: Any) -> list[Any]:
    """Return the numbers with None in the gaps; a NaN that was computed is not a gap."""
    numbers: list[Any] = array.to_numpy(dtype=object, na_value=None).tolist()
    return numbers


def decode_array(node: Node, value: ToValue) -> Any:
    """Return the array of pandas that a node stores."""
    name = part(node, "dtype", str)
    if name in _MASKED:
        return _read_masked(node, name)
    if name.startswith("datetime64["):
        return _read_times(node, name)
    if name not in _READERS:
        raise DataFileError(
            f"an array has the dtype {name[:40]!r}, which is not known", expected="a dtype of pandas"
        )
    return _READERS[name](node, value)


def _read_masked(node: Node, name: str) -> Any:
    items = part(node, "list", list)
    kinds: dict[str, set[type]] = {"F": {float, int}, "b": {bool}}
    wanted = kinds.get(name[0], {int})
    if not set(map(type, items)) <= wanted | {type(None)}:
        raise DataFileError(
            f"an array of dtype {name!r} has items of another type", expected="items of its dtype, or null"
        )
    mask = np.fromiter((item is None for item in items), dtype=bool, count=len(items))
    numbers = [0 if item is None else item for item in items]
    dtype = name.lower().replace("boolean", "bool")
    with np.errstate(over="raise"):
        data = np.array(numbers, dtype=dtype)
    arrays: dict[str, Any] = {"F": pd.arrays.FloatingArray, "b": pd.arrays.BooleanArray}
    return arrays.get(name[0], pd.arrays.IntegerArray)(data, mask)


def _read_numbers(node: Node) -> np.ndarray[Any, Any]:
    items = part(node, "list", list)
    if not set(map(type, items)) <= {int, type(None)}:
        raise DataFileError("times have items of another type", expected="integers or null")
    return np.array([_NAT if n is None else n for n in items], dtype=np.int64)


def pandas_zone(zone: Any) -> Any:
    """Return a time zone as pandas makes it of a name; before version 3 those were of pytz.

    Raise DataFileError when there is no such zone.
    """
    tzinfo = tzinfo_of(zone)
    named = type(zone) is str and not zone.startswith(("+", "-"))
    return zone if named and int(pd.__version__.partition(".")[0]) < 3 else tzinfo


def _read_times(node: Node, name: str) -> Any:
    unit = name.removeprefix("datetime64[").removesuffix("]")
    if unit not in UNITS:
        raise DataFileError(f"pandas has no times of dtype {name[:40]!r}", name=unit, available=UNITS)
    times = pd.DatetimeIndex(_read_numbers(node).view(f"datetime64[{unit}]"))
    return times.tz_localize("UTC").tz_convert(pandas_zone(node.get("zone"))).array


def _read_category(node: Node, value: ToValue) -> Any:
    categories = value(part(node, "categories", dict))
    if not isinstance(categories, pd.Index):
        raise DataFileError("categories have another type", expected="an index")
    dtype = pd.CategoricalDtype(categories, ordered=part(node, "ordered", bool))
    return pd.Categorical.from_codes(whole_numbers(node, "codes"), dtype=dtype)


def _read_periods(node: Node, _value: ToValue) -> Any:
    dtype = pd.PeriodDtype(part(node, "freq", str))
    return pd.arrays.PeriodArray(_read_numbers(node), dtype=dtype)


def _read_intervals(node: Node, value: ToValue) -> Any:
    left, right = (decode_column(node.get(name), value) for name in ("left", "right"))
    return pd.arrays.IntervalArray.from_arrays(
        pd.Index(left), pd.Index(right), closed=part(node, "closed", str)
    )


def _read_string(node: Node, _value: ToValue) -> Any:
    items = part(node, "list", list)
    if not set(map(type, items)) <= {str, type(None)}:
        raise DataFileError("an array of strings has items of another type", expected="strings or null")
    storage = part(node, "storage", str)
    if storage not in ("python", "pyarrow"):
        raise DataFileError(
            f"pandas stores no strings in {storage[:40]!r}", name=storage, available=("python", "pyarrow")
        )
    gap: Any = np.nan if part(node, "na", str) == "NaN" else pd.NA
    return pd.array(items, dtype=_string_dtype(storage, gap))


def _string_dtype(storage: str, gap: Any) -> Any:
    # Older versions of pandas know no other gap than NA.
    arguments = {} if gap is pd.NA else {"na_value": gap}
    try:
        return pd.StringDtype(storage, **arguments)
    except ImportError:
        # Written where pyarrow was installed; the texts are the same without.
        return pd.StringDtype("python", **arguments)


def _read_numpy(node: Node, value: ToValue) -> Any:
    column = decode_column(node.get("values"), value)
    return pd.array(column, dtype=column.dtype)


_READERS: dict[str, Callable[[Node, ToValue], Any]] = {
    "category": _read_category,
    "interval": _read_intervals,
    "numpy": _read_numpy,
    "period": _read_periods,
    "string": _read_string,
}


DECODERS: dict[str, Callable[[Node, ToValue], Any]] = {
    ARRAY: decode_array,
    "coma.pandas.DataFrame": _read_frame,
    "coma.pandas.Index": _read_plain_index,
    "coma.pandas.Interval": _read_interval,
    "coma.pandas.MultiIndex": _read_multi,
    "coma.pandas.NA": lambda _node, _value: pd.NA,
    "coma.pandas.NaT": lambda _node, _value: pd.NaT,
    "coma.pandas.Period": lambda node, _value: pd.Period(
        ordinal=part(node, "ordinal", int), freq=part(node, "freq", str)
    ),
    "coma.pandas.RangeIndex": _read_range,
    "coma.pandas.Series": _read_series,
    "coma.pandas.Timedelta": lambda node, _value: pd.Timedelta(
        np.timedelta64(part(node, "value", int), _unit(node))
    ),
    "coma.pandas.Timestamp": _read_timestamp,
}

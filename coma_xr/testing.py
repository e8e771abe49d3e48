"""For your own tests: everything that an experiment stores, as strategies, and a strict comparison.

The strategies are hypothesis', which is needed only to call them: ``pip install hypothesis``.
"""

from __future__ import annotations

import datetime as dt
import decimal
import math
import pathlib
import zoneinfo
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    Strategy = SearchStrategy[Any]

__all__ = ["assert_same", "trees", "values"]

_DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", ">i4", ">u2"),
    *("float16", "float32", "float64", ">f8", "complex64", "complex128", ">c8", "<U3", ">U2", "S3"),
    *("datetime64[ns]", "datetime64[D]", ">M8[s]", "timedelta64[us]", "timedelta64[25s]"),
)
_LONG = ("longdouble", "clongdouble")
_UNITS = ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as")
_STRUCTURED = (
    (("n", "i4"), ("E", "f8")),
    (("name", "<U3"), ("when", "M8[D]"), ("z", "c16")),
    (("x", "f4", (2,)), ("inner", [("a", "?"), ("b", ">u2")])),
)
_MASKED = {"Int64": "int64", "UInt8": "uint8", "Float32": "float32", "Float64": "float64", "boolean": "bool"}
_TIMES = ("datetime64[ns]", "datetime64[s]", "timedelta64[ns]", "timedelta64[s]")
_LABELS = ("bool", "int16", "int64", "uint8", "float32", "float64", "<U3")
_ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC")
_DIMS = ("x", "y")

_MARKERS = ("numpy.ndarray", "coma.complex", "coma.dict", "coma.no such", "wire")


def trees() -> Strategy:
    """Return a strategy for measurement trees: dictionaries of what `values` makes.

    Returns
    -------
    hypothesis.strategies.SearchStrategy

    Examples
    --------
    >>> from hypothesis import find
    >>> find(trees(), lambda tree: tree == {})
    {}
    """
    from hypothesis import strategies as st

    return st.dictionaries(_keys(), values(), max_size=4)


def values(*, changed: bool = False) -> Strategy:
    """Return a strategy for nested values that can be stored and are read back unchanged.

    Python's own types, NumPy's, pandas' and xarray's; dictionaries and lists of these.

    Parameters
    ----------
    changed : bool, default False
        Also values that a result gives back as another type: tuples, scalars of NumPy that become Python's, and masked
        arrays.

    Returns
    -------
    hypothesis.strategies.SearchStrategy

    Examples
    --------
    >>> from hypothesis import find
    >>> find(values(), lambda value: type(value) is list)
    []
    """
    from hypothesis import strategies as st

    leaves = st.one_of(_bare(), _built_in(), _arrays(), _scalars(), _pandas(), _xarray())
    if changed:
        leaves = (
            leaves
            | _masked()
            | st.sampled_from(("bool", "int64", "uint8", "float64", "<U3")).flatmap(_scalar)
        )

    def nested(inner: Strategy) -> Strategy:
        marked = st.fixed_dictionaries(
            {"__type__": st.sampled_from(_MARKERS) | inner}, optional={"tree": inner, "items": inner}
        )
        # No path leads through an empty key; what is in a list comes back with it.
        items = inner | st.dictionaries(_texts(), inner, max_size=4)
        lists = st.lists(items, max_size=4)
        return (
            (lists | lists.map(tuple) if changed else lists)
            | st.dictionaries(_keys(), inner, max_size=4)
            | marked
        )

    return st.recursive(leaves, nested, max_leaves=6)


@cache
def _texts() -> Strategy:
    from hypothesis import strategies as st

    odd = st.sampled_from(["", "a/b", "*", "1", "__type__", "__class__", "\ud800", "a\0", "null", "NaN"])
    return odd | st.text(st.characters(codec=None, exclude_categories=()), max_size=8)


@cache
def _keys() -> Strategy:
    # The class of a stored object has a key of its own.
    return _texts().filter(lambda key: key not in ("", "__class__"))


@cache
def _bare() -> Strategy:
    from hypothesis import strategies as st

    great = st.integers(-5000, 5000).map(lambda n: (1 if n > 0 else -1) << abs(4 * n))
    return st.none() | st.booleans() | st.integers() | great | st.floats() | _texts()


@cache
def _zones() -> Strategy:
    from hypothesis import strategies as st

    minutes = st.integers(-1439, 1439).map(lambda n: dt.timezone(dt.timedelta(minutes=n)))
    return st.sampled_from([zoneinfo.ZoneInfo(key) for key in _ZONES]) | minutes


@cache
def _hashables() -> Strategy:
    from hypothesis import strategies as st

    # The strategies of these types draw folds and all that may be odd about a date.
    times = st.datetimes(timezones=st.none() | _zones()) | st.times(timezones=st.none() | _zones())
    paths = st.text(st.characters(codec="utf-8"), max_size=8).map(pathlib.PurePosixPath)
    return st.one_of(
        st.complex_numbers(),
        times,
        st.dates(),
        st.timedeltas(),
        st.binary(max_size=8),
        st.decimals(),
        st.fractions(),
        paths | paths.map(pathlib.Path) | paths.map(pathlib.PureWindowsPath),
        st.uuids(),
        st.builds(range, st.integers(), st.integers(), st.integers(1)),
    )


@cache
def _built_in() -> Strategy:
    from hypothesis import strategies as st

    # A signalling NaN of Decimal cannot be hashed.
    plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _texts()
    items = plain | st.tuples(plain, plain) | st.dates() | st.fractions() | st.uuids()
    frozen = st.frozensets(items, max_size=3)
    return _hashables() | st.sets(items | frozen, max_size=4) | frozen


@cache
def _arrays() -> Strategy:
    import numpy as np
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as extra

    shapes = extra.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
    common = st.sampled_from(_DTYPES).flatmap(lambda dtype: extra.arrays(dtype, shapes))
    doubles = extra.arrays("float64", shapes)
    long = st.tuples(doubles, st.sampled_from(_LONG)).map(lambda pair: _thirds(*pair))
    times = st.tuples(st.sampled_from("mM"), st.sampled_from(_UNITS)).flatmap(
        lambda pair: extra.arrays(f"{pair[0]}8[{pair[1]}]", shapes)
    )
    fields = st.sampled_from(_STRUCTURED).flatmap(lambda dtype: extra.arrays(np.dtype(list(dtype)), shapes))
    return common | long | times | fields | common.map(lambda array: array.T)


@cache
def _masked() -> Strategy:
    """Return a strategy for masked arrays."""
    import numpy as np
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as extra

    shapes = extra.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=3)
    dtypes = st.sampled_from(
        ("bool", "int8", "int64", "float32", "float64", "complex128", "<U3", "M8[D]", "m8[ps]")
    )
    return st.tuples(dtypes, shapes).flatmap(
        lambda pair: st.tuples(extra.arrays(*pair), extra.arrays("bool", pair[1])).map(
            lambda parts: np.ma.MaskedArray(*parts)
        )
    )


@cache
def _variables(shape: tuple[int, ...], dtypes: tuple[str, ...] = _DTYPES) -> Strategy:
    """Return a strategy for the values of a variable of xarray, which knows times of fewer units."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as extra

    kept = [dtype for dtype in dtypes if not any(unit in dtype for unit in ("64[", "M8"))]
    times = extra.arrays("int32", shape).map(lambda array: array.astype("int64"))
    return st.one_of(
        st.sampled_from(kept).flatmap(lambda dtype: extra.arrays(dtype, shape)),
        st.tuples(times, st.sampled_from(_TIMES)).map(lambda pair: pair[0].view(pair[1])),
        extra.arrays(object, shape, elements=st.none() | st.text(max_size=3)),
    )


@cache
def _scalars() -> Strategy:
    from hypothesis import strategies as st

    kept = [dtype for dtype in (*_DTYPES, *_LONG) if _keeps_scalar(dtype)]
    return st.sampled_from(kept).flatmap(_scalar)


@cache
def _scalar(dtype: str) -> Strategy:
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as extra

    if dtype in _LONG:
        return st.floats().map(lambda x: _thirds(x, dtype)[()])
    return extra.from_dtype(_native(dtype))


def _native(dtype: str) -> Any:
    import numpy as np

    return np.dtype(dtype).newbyteorder("=")


def _thirds(array: Any, dtype: str) -> Any:
    """Return numbers that 64 bits do not hold."""
    import numpy as np

    with np.errstate(all="ignore"):
        return np.asarray(array).astype(dtype) / 3


def _keeps_scalar(dtype: str) -> bool:
    """Whether scalars of a dtype come back as such; others come back as Python's."""
    import numpy as np

    kind = np.dtype(dtype).kind
    return kind in "cmMS" or (kind == "f" and np.dtype(dtype).newbyteorder("=") != np.float64)


@cache
def _columns(size: int) -> Strategy:
    """Return a strategy for what a column of a frame may be, of one length."""
    import pandas as pd
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as extra

    def listed(items: Strategy) -> Strategy:
        return st.lists(items, min_size=size, max_size=size)

    def gaps(dtype: str) -> Strategy:
        items = extra.from_dtype(_native(_MASKED[dtype]))
        # Some versions of pandas take NaN for a gap.
        items = items.filter(lambda x: x == x)  # noqa: PLR0124
        return listed(st.none() | items).map(lambda numbers: pd.array(numbers, dtype=dtype))

    texts = st.text(st.characters(codec="utf-8"), max_size=4)
    numpy = ["bool", "int8", "int64", "uint64", "float32", "float64", "complex128"]
    times = extra.arrays("datetime64[ns]", size) | extra.arrays("datetime64[s]", size)
    days = st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)).map(pd.Timestamp)
    zoned = st.tuples(listed(days), st.sampled_from(_ZONES[:3]))
    return st.one_of(
        st.sampled_from(numpy).flatmap(lambda dtype: extra.arrays(dtype, size)),
        times.filter(_within_pandas),
        st.sampled_from(sorted(_MASKED)).flatmap(gaps),
        listed(st.none() | texts).map(lambda items: pd.array(items, dtype="string")),
        listed(st.none() | texts).map(lambda items: pd.array(items, dtype="str")),
        listed(st.sampled_from([None, "a", "b"])).map(lambda items: pd.Categorical(items, ["b", "a"])),
        listed(st.none() | texts | st.dates() | st.integers()).map(_objects),
        zoned.map(lambda pair: pd.DatetimeIndex(pair[0]).tz_localize("UTC").tz_convert(pair[1]).array),
        listed(st.none() | days).map(lambda items: pd.PeriodIndex(items, freq="D").array),
        listed(st.integers(-9, 9)).map(lambda items: pd.arrays.IntervalArray.from_arrays(items, [9] * size)),
    )


def _within_pandas(array: Any) -> bool:
    """Whether pandas has times that far from the present."""
    import pandas as pd

    try:
        list(pd.DatetimeIndex(array))
    except (ValueError, OverflowError):
        return False
    return True


def _objects(items: list[Any]) -> Any:
    import numpy as np

    return np.fromiter(items, dtype=object, count=len(items))


@cache
def _names() -> Strategy:
    from hypothesis import strategies as st

    return st.none() | _texts() | st.integers() | st.tuples(_texts(), st.integers())


@cache
def _indexes(size: int) -> Strategy:
    import pandas as pd
    from hypothesis import strategies as st

    values = _columns(size).map(lambda array: pd.Index(array, dtype=array.dtype))
    dates = st.sampled_from(["D", "2h", "ME"]).map(
        lambda freq: pd.date_range("2024", periods=size, freq=freq)
    )
    pairs = st.tuples(values, values)
    multi = pairs.map(lambda two: pd.MultiIndex.from_arrays(two, names=["a", "b"]))
    ranges = st.integers(1, 3).map(lambda step: pd.RangeIndex(0, size * step, step))
    return st.tuples(values | dates | ranges, _names()).map(lambda two: two[0].rename(two[1])) | multi


@cache
def _pandas() -> Strategy:
    import pandas as pd
    from hypothesis import strategies as st

    sizes = st.integers(0, 3)
    days = st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)).map(pd.Timestamp)
    # Some zones have skipped a midnight.
    stamps = days | st.tuples(days, st.sampled_from(_ZONES)).map(
        lambda pair: pair[0].tz_localize(pair[1], ambiguous=False, nonexistent="shift_forward")
    )
    ends = st.tuples(st.integers(-9, 0), st.integers(1, 9)) | st.tuples(days, st.just(pd.Timestamp("2200")))
    closed = st.sampled_from(["left", "right", "both", "neither"])
    singles = st.one_of(
        stamps,
        st.timedeltas(dt.timedelta(-9999), dt.timedelta(9999)).map(pd.Timedelta),
        st.tuples(days, st.sampled_from(["D", "M", "2Q"])).map(lambda pair: pd.Period(*pair)),
        st.tuples(ends, closed).map(lambda pair: _interval(*pair)),
    )
    indexes = sizes.flatmap(_indexes)
    return st.one_of(
        sizes.flatmap(_series), sizes.flatmap(_frames), indexes, singles, st.sampled_from([pd.NaT, pd.NA])
    )


def _interval(ends: tuple[Any, Any], closed: Any) -> Any:
    import pandas as pd

    return pd.Interval(ends[0], ends[1], closed=closed)


@cache
def _series(size: int) -> Strategy:
    import pandas as pd
    from hypothesis import strategies as st

    return st.tuples(_columns(size), _indexes(size), _names()).map(
        lambda parts: pd.Series(parts[0], index=parts[1], dtype=parts[0].dtype, name=parts[2])
    )


@cache
def _frames(size: int) -> Strategy:
    import pandas as pd
    from hypothesis import strategies as st

    def frame(parts: tuple[Any, ...]) -> Any:
        columns, index, labels = parts
        series = {i: pd.Series(c, index=index, dtype=c.dtype) for i, c in enumerate(columns)}
        table = pd.DataFrame(series, index=index)
        table.columns = labels
        return table

    return st.integers(0, 2).flatmap(
        lambda width: st.tuples(
            st.lists(_columns(size), min_size=width, max_size=width), _indexes(size), _indexes(width)
        ).map(frame)
    )


@cache
def _xarray() -> Strategy:
    import xarray as xr
    from hypothesis import strategies as st

    attrs = st.dictionaries(_texts(), _bare() | st.complex_numbers() | _arrays(), max_size=2)
    sizes = st.tuples(st.integers(1, 3), st.integers(1, 3))

    def variables(size: tuple[int, int]) -> Strategy:
        dims = st.sampled_from([(), ("x",), ("y",), ("x", "y")])
        shape = dict(zip(_DIMS, size, strict=True))
        return dims.flatmap(
            lambda d: st.tuples(st.just(d), _variables(tuple(shape[n] for n in d)), attrs)
        ).map(lambda parts: xr.Variable(*parts))

    def datasets(size: tuple[int, int]) -> Strategy:
        names = st.sampled_from(["v", "w"])
        parts = st.dictionaries(names, variables(size), max_size=2), _coords(size, variables(size)), attrs
        return st.tuples(*parts).map(lambda three: xr.Dataset(three[0], coords=three[1], attrs=three[2]))

    sets = sizes.flatmap(datasets)
    arrays = sets.filter(lambda ds: len(ds.data_vars) > 0).map(lambda ds: ds[next(iter(ds.data_vars))])
    return sets | arrays


def _within_xarray(index: Any) -> bool:
    """Whether xarray shows the levels of an index without a warning of pandas."""
    import numpy as np

    levels = getattr(index, "levels", [])
    return all(isinstance(level.dtype, np.dtype) for level in levels)


def _coords(size: tuple[int, int], others: Strategy) -> Strategy:
    """Return a strategy for coordinates: along dims, with one or several levels or without an index, others."""
    import pandas as pd
    import xarray as xr
    from hypothesis import strategies as st

    def coords(parts: tuple[Any, ...]) -> Any:
        index, along_y, other, bare = parts
        made = {} if other is None else {"other": other}
        if along_y is not None:
            made["y"] = along_y
        ds = xr.Dataset(coords=made)
        if isinstance(index, pd.MultiIndex):
            ds = ds.assign_coords(xr.Coordinates.from_pandas_multiindex(index, "x"))
        elif index is not None:
            ds = ds.assign_coords(x=index.rename(None))
        return ds.drop_indexes("y").coords if bare and "y" in ds.coords else ds.coords

    indexes = st.none() | _indexes(size[0]).filter(_within_xarray)
    along_y = st.none() | _variables((size[1],), _LABELS).map(lambda array: ("y", array))
    return st.tuples(indexes, along_y, st.none() | others, st.booleans()).map(coords)


def assert_same(one: Any, other: Any) -> None:
    """Raise AssertionError unless two values are equal in value, type and dtype, at every depth.

    NaN is the same as NaN, 0.0 is not the same as -0.0, and the order of a dictionary counts; the order of
    axes in memory does not.

    Parameters
    ----------
    one, other : object
        Values of the strategy `values`, or dictionaries, lists and tuples of them.

    Raises
    ------
    AssertionError
        With the path at which they differ, and how.

    Examples
    --------
    >>> assert_same({"a": [1, float("nan")]}, {"a": [1, float("nan")]})
    >>> assert_same({"a": [1]}, {"a": [1.0]})
    Traceback (most recent call last):
    ...
    AssertionError: a/0: int is not float: 1 and 1.0
    """
    _same(one, other, ())


def _same(one: Any, other: Any, path: tuple[str, ...]) -> None:
    kinds = type(one), type(other)
    if kinds[0] is not kinds[1]:
        names = [kind.__name__ for kind in kinds]
        raise _differ(path, f"{names[0]} is not {names[1]}: {_show(one)} and {_show(other)}")
    parts, others = _parts(one), _parts(other)
    if parts is None or others is None:
        if not _is_same(one, other):
            raise _differ(path, f"{_show(one)} is not {_show(other)}")
        return
    if list(parts) != list(others):
        raise _differ(path, f"the parts {_show(list(parts))} are not {_show(list(others))}")
    for key, part in parts.items():
        _same(part, others[key], (*path, str(key)))


def _differ(path: tuple[str, ...], how: str) -> AssertionError:
    return AssertionError(f"{'/'.join(path) or 'the value'}: {how}")


def _show(value: Any) -> str:
    # Python shows no int of more than 4300 digits in decimals.
    return hex(value)[:200] if type(value) is int and abs(value) >= 1 << 256 else repr(value)[:200]


def _parts(value: Any) -> Mapping[Any, Any] | None:
    """Return what a value is made of; None when it is compared as a whole."""
    if isinstance(value, dict):
        return value
    if isinstance(value, (list, tuple)):
        return dict(enumerate(value))
    if isinstance(value, complex) and type(value) is complex:
        return {"real": value.real, "imag": value.imag}
    if isinstance(value, (dt.datetime, dt.time)) and type(value) in (dt.datetime, dt.time):
        return {"clock": _Whole(value.replace(tzinfo=None)), "fold": value.fold, "zone": _zone(value.tzinfo)}
    if isinstance(value, (set, frozenset)):
        return {"items": sorted(map(_text, value))}
    root = type(value).__module__.partition(".")[0]
    if root == "numpy":
        return _parts_of_numpy(value)
    if root == "pandas":
        return _parts_of_pandas(value)
    if root == "xarray":
        return _parts_of_xarray(value)
    return None


class _Whole:
    """A value that is compared by its text."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return repr(self.value)

    def __eq__(self, other: object) -> bool:
        return repr(self) == repr(other)

    __hash__ = None  # type: ignore[assignment]


def _zone(tzinfo: Any) -> tuple[str, str]:
    return type(tzinfo).__name__, repr(tzinfo)


def _text(item: Any) -> str:
    """Return a string that is the same for equal items of sets, whatever their order is."""
    if isinstance(item, (frozenset, tuple)):
        texts = [_text(part) for part in item]
        return f"{type(item).__name__}{sorted(texts) if isinstance(item, frozenset) else texts}"
    return f"{type(item).__name__} {item!r}"


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, float):
        same = (math.isnan(one) and math.isnan(other)) or one == other
        return same and (math.isnan(one) or math.copysign(1, one) == math.copysign(1, other))
    if isinstance(one, (decimal.Decimal, _Whole)):
        return repr(one) == repr(other)
    if isinstance(one, range):
        return (one.start, one.stop, one.step) == (other.start, other.stop, other.step)
    return one is other or bool(one == other)


def _parts_of_numpy(value: Any) -> dict[str, Any] | None:
    """Return dtype, shape and bits of an array or scalar, where all NaN are one; None for a ufunc or dtype."""
    import numpy as np

    if not isinstance(value, (np.ndarray, np.generic)):
        return None
    if isinstance(value, np.ma.MaskedArray):
        return {"mask": np.ma.getmaskarray(value), "data": np.asarray(value.data)}
    array = np.asarray(value)
    head = {"dtype": _Whole(array.dtype), "shape": array.shape}
    if array.dtype.kind in "OT":
        return {**head, "items": array.ravel().tolist()}
    if array.dtype.kind in "fc":
        parts = (array.real, array.imag) if array.dtype.kind == "c" else (array,)
        gone = [np.isnan(part).ravel().tolist() for part in parts]
        numbers = [np.where(np.isnan(part), 0, part) for part in parts]
        bits = [(part.ravel().tolist(), np.signbit(part).ravel().tolist()) for part in numbers]
        return {**head, "nan": gone, "numbers": [[[_Whole(x) for x in pair[0]], pair[1]] for pair in bits]}
    if array.dtype.kind in "mM":
        return {**head, "items": array.astype(array.dtype.newbyteorder("=")).view("int64").ravel().tolist()}
    return {**head, "items": array.ravel().tolist()}


def _parts_of_pandas(value: Any) -> dict[str, Any] | None:
    import pandas as pd

    if isinstance(value, pd.MultiIndex):
        levels = [value.get_level_values(i) for i in range(value.nlevels)]
        return {"names": list(value.names), "levels": levels}
    if isinstance(value, pd.Index):
        freq = getattr(value, "freq", None)
        return {"name": value.name, "freq": _Whole(freq), **_parts_of_column(value.array)}
    if isinstance(value, pd.Series):
        return {
            "name": value.name,
            "index": value.index,
            "attrs": value.attrs,
            **_parts_of_column(value.array),
        }
    if isinstance(value, pd.DataFrame):
        columns = [_parts_of_column(value.iloc[:, i].array) for i in range(value.shape[1])]
        return {"index": value.index, "labels": value.columns, "attrs": value.attrs, "columns": columns}
    if isinstance(value, pd.api.extensions.ExtensionArray):
        return _parts_of_column(value)
    if isinstance(value, (pd.Timestamp, pd.Timedelta)):
        # Of pandas' zones the name counts: older versions make those of pytz.
        return {"value": _Whole(value), "unit": value.unit, "zone": str(getattr(value, "tzinfo", None))}
    if isinstance(value, pd.Interval):
        return {"left": value.left, "right": value.right, "closed": value.closed}
    return None


def _parts_of_column(array: Any) -> dict[str, Any]:
    import pandas as pd

    parts: dict[str, Any] = {"dtype": _Whole(array.dtype), "items": list(array)}
    if isinstance(array, pd.Categorical):
        return {"categories": array.categories, "ordered": array.ordered, "codes": array.codes.tolist()}
    if isinstance(array.dtype, pd.StringDtype):
        parts["gap"] = _Whole(array.dtype.na_value)
    return parts


def _parts_of_xarray(value: Any) -> dict[str, Any] | None:
    import xarray as xr

    if not isinstance(value, (xr.DataArray, xr.Dataset)):
        return None
    indexes = {name: index.index for name, index in value.xindexes.items()}
    parts: dict[str, Any] = {"indexes": indexes, "attrs": dict(value.attrs)}
    parts["coords"] = {name: _parts_of_variable(coord) for name, coord in value.coords.items()}
    if isinstance(value, xr.Dataset):
        parts["variables"] = {name: _parts_of_variable(v) for name, v in value.data_vars.items()}
    else:
        parts.update(name=value.name, variable=_parts_of_variable(value))
    return parts


def _parts_of_variable(array: Any) -> dict[str, Any]:
    return {"dims": list(array.dims), "data": array.variable.data, "attrs": dict(array.attrs)}

"""Stored forms of pandas' one-dimensional arrays: columns of frames, values of an index.

Columns that are NumPy's are stored as its arrays, objects one by one, pandas' own dtypes as
``{"__type__": "coma.pandas.array", "dtype": "Int64", "list": [1, null]}``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from coma_xr.errors import DataFileError
from coma_xr.tree import TYPE
from coma_xr.values import numpy as numpy_types
from coma_xr.values.builtin import tzinfo_of, zone_of
from coma_xr.values.forms import ToTree, ToValue, cannot, part, whole_numbers

if TYPE_CHECKING:
    import numpy as np


Node = dict[str, Any]

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


def encode_column(array: Any, plain: ToTree) -> Node:
    """Return the stored form of a NumPy array, of any number of dims, or of an array of pandas."""
    import numpy as np

    if not _is_numpy(array):
        return encode(array, plain)
    array = np.asarray(array)
    if array.dtype.kind == "O":
        return numpy_types.encode_objects(array, plain)
    node = numpy_types.encode_array(array)
    if node is None:
        raise cannot(f"values of dtype {array.dtype}", "There is no stored form for this dtype.")
    return node


def _is_numpy(array: Any) -> bool:
    """Whether the values of an array are NumPy's, also where pandas wraps them."""
    import numpy as np
    import pandas as pd

    # Pandas' own arrays of texts are a subclass of its wrapper.
    return isinstance(array.dtype, np.dtype) or type(array) is pd.arrays.NumpyExtensionArray


def decode_column(node: Any, value: ToValue, items: Callable[[Any], Any] = lambda item: item) -> Any:
    """Return what `encode_column` stored; `items` is applied to each object.

    Raises
    ------
    DataFileError
        When it is the stored form of anything else.
    """
    name = node.get(TYPE) if isinstance(node, dict) else None
    if name == numpy_types.OBJECTS:
        return numpy_types.decode_objects(node, value, items)
    if name in (numpy_types.ARRAY, numpy_types.OTHER_ARRAY, numpy_types.STRUCTURED):
        return numpy_types.decode(node, value)
    if name == ARRAY:
        return decode(node, value)
    raise DataFileError("a column is stored as an array")


def encode(array: Any, plain: ToTree) -> Node:
    """Return the stored form of an array of one of pandas' own dtypes."""
    import pandas as pd

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

    Raises
    ------
    SerializationError
        When pandas would not make the same of it again.
    """
    import pandas as pd

    text: str = freq.freqstr
    try:
        if pd.tseries.frequencies.to_offset(text) == freq:
            return text
    except ValueError:
        pass
    raise cannot(
        f"the frequency {freq!r}", "It has no text for pandas to make it again; set index.freq = None."
    )


def period_frequency(dtype: Any) -> str:
    """Return the frequency of periods, in pandas' own words: ``2M`` of ``period[2M]``."""
    text: str = dtype.name
    return text.removeprefix("period[").removesuffix("]")


def _numbers(array: Any) -> list[int | None]:
    numbers = array.asi8.tolist()
    return [None if n == _NAT else n for n in numbers] if _NAT in numbers else numbers


def _with_gaps(array: Any) -> list[Any]:
    """Return texts with None in the gaps; NumPy's texts as Python's."""
    return [None if gap else str(item) for item, gap in zip(array, array.isna(), strict=True)]


def _masked(array: Any) -> list[Any]:
    """Return the numbers with None in the gaps; a NaN that was computed is no gap."""
    numbers: list[Any] = array.to_numpy(dtype=object, na_value=None).tolist()
    return numbers


def decode(node: Node, value: ToValue) -> Any:
    """Return the array of pandas that a node stores."""
    name = part(node, "dtype", str)
    if name in _MASKED:
        return _read_masked(node, name)
    if name.startswith("datetime64["):
        return _read_times(node, name)
    if name not in _READERS:
        raise DataFileError(f"pandas has no array of dtype {name[:40]!r} here")
    return _READERS[name](node, value)


def _read_masked(node: Node, name: str) -> Any:
    import numpy as np
    import pandas as pd

    items = part(node, "list", list)
    kinds: dict[str, set[type]] = {"F": {float, int}, "b": {bool}}
    wanted = kinds.get(name[0], {int})
    if not set(map(type, items)) <= wanted | {type(None)}:
        raise DataFileError(f"an array of dtype {name!r} has items of another type")
    mask = np.fromiter((item is None for item in items), dtype=bool, count=len(items))
    numbers = [0 if item is None else item for item in items]
    dtype = name.lower().replace("boolean", "bool")
    with np.errstate(over="raise"):
        data = np.array(numbers, dtype=dtype)
    arrays: dict[str, Any] = {"F": pd.arrays.FloatingArray, "b": pd.arrays.BooleanArray}
    return arrays.get(name[0], pd.arrays.IntegerArray)(data, mask)


def _read_numbers(node: Node) -> np.ndarray[Any, Any]:
    import numpy as np

    items = part(node, "list", list)
    if not set(map(type, items)) <= {int, type(None)}:
        raise DataFileError("times are stored as whole numbers or null")
    return np.array([_NAT if n is None else n for n in items], dtype=np.int64)


def pandas_zone(zone: Any) -> Any:
    """Return a time zone as pandas makes it of a name; before version 3 those were of pytz.

    Raises
    ------
    DataFileError
        When there is no such zone.
    """
    import pandas as pd

    tzinfo = tzinfo_of(zone)
    named = type(zone) is str and not zone.startswith(("+", "-"))
    return zone if named and int(pd.__version__.partition(".")[0]) < 3 else tzinfo


def _read_times(node: Node, name: str) -> Any:
    import pandas as pd

    unit = name.removeprefix("datetime64[").removesuffix("]")
    if unit not in UNITS:
        raise DataFileError(f"pandas has no times of dtype {name[:40]!r}")
    times = pd.DatetimeIndex(_read_numbers(node).view(f"datetime64[{unit}]"))
    return times.tz_localize("UTC").tz_convert(pandas_zone(node.get("zone"))).array


def _read_category(node: Node, value: ToValue) -> Any:
    import pandas as pd

    categories = value(part(node, "categories", dict))
    if not isinstance(categories, pd.Index):
        raise DataFileError("categories are stored as an index")
    dtype = pd.CategoricalDtype(categories, ordered=part(node, "ordered", bool))
    return pd.Categorical.from_codes(whole_numbers(node, "codes"), dtype=dtype)


def _read_period(node: Node, _value: ToValue) -> Any:
    import pandas as pd

    dtype = pd.PeriodDtype(part(node, "freq", str))
    return pd.arrays.PeriodArray(_read_numbers(node), dtype=dtype)


def _read_interval(node: Node, value: ToValue) -> Any:
    import pandas as pd

    left, right = (decode_column(node.get(name), value) for name in ("left", "right"))
    return pd.arrays.IntervalArray.from_arrays(
        pd.Index(left), pd.Index(right), closed=part(node, "closed", str)
    )


def _read_string(node: Node, _value: ToValue) -> Any:
    import numpy as np
    import pandas as pd

    items = part(node, "list", list)
    if not set(map(type, items)) <= {str, type(None)}:
        raise DataFileError("an array of texts has items of another type")
    storage = part(node, "storage", str)
    if storage not in ("python", "pyarrow"):
        raise DataFileError(f"pandas stores no texts in {storage[:40]!r}")
    gap: Any = np.nan if part(node, "na", str) == "NaN" else pd.NA
    return pd.array(items, dtype=_string_dtype(storage, gap))


def _string_dtype(storage: str, gap: Any) -> Any:
    import pandas as pd

    # Older versions of pandas know no other gap than NA.
    arguments = {} if gap is pd.NA else {"na_value": gap}
    try:
        return pd.StringDtype(storage, **arguments)
    except ImportError:
        # Written where pyarrow was installed; the texts are the same without.
        return pd.StringDtype("python", **arguments)


def _read_numpy(node: Node, value: ToValue) -> Any:
    import pandas as pd

    column = decode_column(node.get("values"), value)
    return pd.array(column, dtype=column.dtype)


_READERS: dict[str, Callable[[Node, ToValue], Any]] = {
    "category": _read_category,
    "interval": _read_interval,
    "numpy": _read_numpy,
    "period": _read_period,
    "string": _read_string,
}

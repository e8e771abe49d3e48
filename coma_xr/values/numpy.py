"""Stored forms of NumPy's arrays and scalars.

Arrays of bool, int, float and text are as Coma 2 wrote them, with the dtype added:
``{"__type__": "numpy.ndarray", "shape": [2, 2], "list": [1, 2, 3, 4], "dtype": "int64"}``. All other dtypes are
``coma.ndarray``, which Coma 2 treats as a dictionary: complex numbers as two lists, times as integers in
the dtype's unit, long floats and bytes as text. An array with fields is ``coma.structured``, with an array for each
field; one of objects, which only exported files hold, ``coma.objects``. The order of axes in memory is not kept.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from coma_xr.errors import DataFileError
from coma_xr.text import as_clause
from coma_xr.tree import TYPE, ToTree, ToValue, cannot, part, whole_numbers

Node = dict[str, Any]

ARRAY = "numpy.ndarray"
OTHER_ARRAY = "coma.ndarray"
SCALAR = "coma.scalar"
STRUCTURED = "coma.structured"
OBJECTS = "coma.objects"
MASKED = "coma.masked"

# All dtypes that a file may ask for; NumPy's own parser would also make objects and structures.
_DTYPE = re.compile(
    r"bool|u?int(8|16|32|64)|float(16|32|64)|complex(64|128)|c?longdouble|string"
    r"|(datetime64|timedelta64)(\[[0-9]{0,9}(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?"
    r"|[<>=|]?([biufc][0-9]{1,2}|[USV][0-9]{1,10}|[mM]8(\[[0-9]{0,9}(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?)",
    re.ASCII,
)

_DOUBLE = 8
_COMPLEX = 16
_WIDTH = 4  # bytes of one character in an array of texts
_NAT = -(2**63)
_REGISTERED = 2  # what `dtype.isbuiltin` is for dtypes that another library made known to NumPy

# A text array gives each item the room of the longest; an array that wastes more than this is not a measurement.
_MAX_PADDING = 1 << 28
_MAX_AXES = 64
_MAX_SIZE = 1 << 62


def encode(value: Any, _plain: object = None) -> Any:
    """Return the plain form of an array or scalar; None when its type or dtype has none."""
    kind = type(value)
    if kind is np.ndarray or kind is np.memmap or (kind is np.recarray and value.dtype.names):
        return encode_array(np.asarray(value))
    if isinstance(value, np.ma.MaskedArray):
        return None
    if isinstance(value, np.void):
        node = encode_array(np.asarray(value))
        return node and {**node, "scalar": True}
    if isinstance(value, np.str_):
        return str.__str__(value)
    if isinstance(value, (np.bool_, np.integer, np.float64)) and not isinstance(value, np.timedelta64):
        return value.item()
    if isinstance(value, np.bytes_):
        return {TYPE: SCALAR, "dtype": "bytes", "value": bytes(value).decode("latin-1")}
    if isinstance(value, np.generic):
        array = encode_array(np.asarray(value))
        return None if array is None else _of_one(array)
    return None


def encode_exactly(value: Any, plain: ToTree) -> Any:
    """Return the plain form of an array or scalar, with the type of every scalar, and with arrays of objects."""
    if isinstance(value, np.ma.MaskedArray):
        return {
            TYPE: MASKED,
            "data": plain(value.data, "data"),
            "mask": plain(np.ma.getmaskarray(value), "mask"),
        }
    if isinstance(value, np.ndarray) and value.dtype.kind == "O":
        return encode_objects(value, plain)
    if isinstance(value, (np.bool_, np.integer, np.float64, np.str_)):
        return _of_one(encode_array(np.asarray(value)) or {})
    return encode(value)


def encode_objects(array: Array, plain: ToTree) -> Node:
    """Return the stored form of an array of objects; each item is stored separately."""
    items = [plain(item, "list", i) for i, item in enumerate(array.ravel().tolist())]
    return {TYPE: OBJECTS, "shape": list(array.shape), "list": items}


def _of_one(array: Node) -> Node:
    parts = {
        "value" if name == "list" else name: array[name][0]
        for name in ("list", "real", "imag")
        if name in array
    }
    return {TYPE: SCALAR, "dtype": array["dtype"], **parts}


def encode_array(array: Array) -> Node | None:
    """Return the stored form of an array; None for a dtype that has none."""
    dtype = array.dtype
    if dtype.isbuiltin == _REGISTERED:
        return encode_array(_widened(array))
    kind, shape = dtype.kind, list(array.shape)
    if kind in "biu" or (kind == "f" and dtype.itemsize <= _DOUBLE):
        return {TYPE: ARRAY, "shape": shape, "list": array.ravel().tolist(), "dtype": _name(dtype)}
    if kind == "U":
        texts = _texts(array)
        if _padding(texts, dtype.itemsize // _WIDTH) > _MAX_PADDING:
            raise cannot(
                "an array of strings", "Few of them are long, so most of it is empty; make it a list."
            )
        return {TYPE: ARRAY, "shape": shape, "list": texts, "dtype": dtype.str}
    if dtype.names is not None:
        return _encode_structured(array)
    parts = _PARTS[kind](array.ravel()) if kind in _PARTS else None
    return parts and {TYPE: OTHER_ARRAY, "shape": shape, **parts, "dtype": _name(dtype)}


def _widened(array: Array) -> Array:
    """Return an array of a dtype that another library registered, such as bfloat16, in the smallest of NumPy that holds it."""
    for dtype in (np.int8, np.uint8, np.float32, np.float64, np.complex64):
        if np.can_cast(array.dtype, dtype):
            return array.astype(dtype)
    raise cannot(f"an array of dtype {array.dtype.name}", "Convert it with astype() to a dtype of NumPy.")


def _encode_structured(array: Array) -> Node | None:
    dtype = array.dtype
    names: tuple[str, ...] = dtype.names or ()
    nodes = [encode_array(array[name]) for name in names]
    if any(node is None for node in nodes):
        return None
    node: Node = {
        TYPE: STRUCTURED,
        "shape": list(array.shape),
        "fields": list(map(list, zip(names, nodes, strict=True))),
    }
    kinds: Any = dtype.fields
    if np.dtype([(name, kinds[name][0]) for name in names]) == dtype:
        return node
    return {**node, "offsets": [kinds[name][1] for name in names], "itemsize": dtype.itemsize}


def _name(dtype: np.dtype[Any]) -> str:
    """Return the text for a dtype that means the same on every machine."""
    if dtype.kind == "T":
        return "string"
    if dtype.kind in "SV" or not dtype.isnative:
        return dtype.str
    return {"g": "longdouble", "G": "clongdouble"}.get(dtype.char, dtype.name)


def _texts(array: Array) -> list[str]:
    try:
        texts: list[str] = array.ravel().tolist()
    except ValueError as error:
        raise cannot("an array of strings", f"One is not a string: {as_clause(error)}.") from error
    return texts


def _padding(texts: list[str], width: int) -> int:
    """Return the bytes of an array of strings that hold nothing."""
    return _WIDTH * (width * len(texts) - sum(map(len, texts)))


def _parts_of_complex(array: Array) -> Node:
    if array.dtype.itemsize <= _COMPLEX:
        return {"real": array.real.tolist(), "imag": array.imag.tolist()}
    return {"real": _exact(array.real), "imag": _exact(array.imag)}


def _exact(array: Array) -> list[str]:
    """Return floats beyond 64 bits as strings that give back every bit."""
    return [np.format_float_scientific(x, trim="-") for x in array.astype(array.dtype.newbyteorder("="))]


def _parts_of_times(array: Array) -> Node:
    numbers = array.astype(array.dtype.newbyteorder("="), copy=False).view("int64").tolist()
    return {"list": [None if n == _NAT else n for n in numbers] if _NAT in numbers else numbers}


def _parts_of_bytes(array: Array) -> Node:
    return {"list": [bytes(item).decode("latin-1") for item in array.tolist()]}


def _parts_of_strings(array: Array) -> Node | None:
    """Return the parts of an array of `numpy.dtypes.StringDType`, with nothing or None in its gaps."""
    if array.dtype == np.dtypes.StringDType():
        return {"list": array.tolist()}
    if array.dtype == np.dtypes.StringDType(na_object=None):
        return {"list": array.tolist(), "na": None}
    return None


_PARTS: dict[str, Callable[[Array], Node | None]] = {
    "f": lambda array: {"list": _exact(array)},
    "c": _parts_of_complex,
    "M": _parts_of_times,
    "m": _parts_of_times,
    "S": _parts_of_bytes,
    "V": _parts_of_bytes,
    "T": _parts_of_strings,
}


def decode(node: Node, _value: object) -> Any:
    """Return the array or scalar of a stored form.

    Raise DataFileError when its parts do not belong together; nothing is allocated before that is known.
    """
    try:
        # Numbers too great for a narrow dtype would become infinite.
        with np.errstate(over="raise"):
            if node[TYPE] == SCALAR:
                return decode_scalar(node)
            return decode_array(node)[()] if node.get("scalar") is True else decode_array(node)
    except DataFileError:
        raise
    except (TypeError, ValueError, OverflowError, FloatingPointError, MemoryError) as error:
        dtype = str(node.get("dtype"))[:40]
        raise DataFileError(f"an array of dtype {dtype!r} cannot be made: {error}") from error


def decode_scalar(node: Node) -> Any:
    """Return a scalar, which is stored like an array of one item."""
    if node.get("dtype") == "bytes":
        return np.bytes_(part(node, "value", str).encode("latin-1"))
    names = {"value": "list", "real": "real", "imag": "imag"}
    parts = {names[name]: [node[name]] for name in names if name in node}
    return decode_array({TYPE: SCALAR, "shape": [], "dtype": part(node, "dtype", str), **parts})[()]


def decode_array(node: Node) -> Array:
    """Return an array; its parts are checked before anything is allocated."""
    if node[TYPE] == STRUCTURED:
        return _read_structured(node)
    shape = _shape(node)
    name = node.get("dtype")
    if name is None and node[TYPE] == ARRAY:
        return _undeclared(_items(node, "list", shape), shape)
    if name == "string":
        return _strings(node, shape)
    dtype = dtype_of(name)
    if dtype.kind == "c":
        return _complex(node, shape, dtype)
    items = _items(node, "list", shape)
    kinds = set(map(type, items))
    if dtype.kind == "f" and dtype.itemsize > _DOUBLE:
        return _long(items, dtype).reshape(shape)
    if not kinds <= _ITEMS[dtype.kind]:
        raise DataFileError(
            f"an array of dtype {name!r} cannot have items of {_listed(kinds)}",
            expected=f"items of {_listed(_ITEMS[dtype.kind])}",
        )
    if dtype.kind in "mM":
        numbers = [_NAT if n is None else n for n in items] if type(None) in kinds else items
        return np.array(numbers, dtype="int64").view(dtype.newbyteorder("=")).astype(dtype).reshape(shape)
    if dtype.kind in "USV":
        return _fixed(items, dtype).reshape(shape)
    return np.array(items, dtype=dtype).reshape(shape)


def dtype_of(name: Any) -> np.dtype[Any]:
    """Return the dtype that a file names.

    Raise DataFileError when it is none that arrays are stored with.
    """
    if type(name) is not str or not _DTYPE.fullmatch(name) or name == "string":
        raise DataFileError(f"an array has the unknown dtype {str(name)[:40]!r}", expected="a dtype of NumPy")
    return np.dtype(name)


def _listed(kinds: set[type]) -> str:
    return ", ".join(sorted(kind.__name__ for kind in kinds))


def _read_structured(node: Node) -> Array:
    shape = _shape(node)
    pairs = part(node, "fields", list)
    if not all(type(pair) is list and len(pair) == 2 and type(pair[0]) is str for pair in pairs):
        raise DataFileError(
            "an array with fields has fields that are not pairs", expected="pairs of a name and an array"
        )
    arrays = {name: decode_array(array) for name, array in pairs}
    if any(array.shape[: len(shape)] != shape for array in arrays.values()) or len(arrays) < len(pairs):
        raise DataFileError(
            "an array with fields has fields of another shape or the same name",
            expected="its shape, and different names",
        )
    layout: dict[str, Any] = {
        "names": list(arrays),
        "formats": [(array.dtype, array.shape[len(shape) :]) for array in arrays.values()],
    }
    if "itemsize" in node:
        layout |= {"offsets": whole_numbers(node, "offsets"), "itemsize": part(node, "itemsize", int)}
        if layout["itemsize"] * math.prod(shape) > _MAX_PADDING + sum(
            array.nbytes for array in arrays.values()
        ):
            raise DataFileError("an array with fields would be mostly padding")
    dtype: Any = layout
    out = np.zeros(shape, dtype=dtype)
    for name, array in arrays.items():
        out[name] = array
    return out


def _shape(node: Node) -> tuple[int, ...]:
    shape = node.get("shape")
    if (
        type(shape) is not list
        or len(shape) > _MAX_AXES
        or not all(type(n) is int and 0 <= n <= _MAX_SIZE for n in shape)
    ):
        raise DataFileError(
            "an array has no 'shape' of integers or no 'list'",
            expected="a 'shape' of integers and a 'list' of items",
        )
    return tuple(shape)


def _items(node: Node, name: str, shape: tuple[int, ...]) -> list[Any]:
    items = node.get(name)
    if type(items) is not list:
        raise DataFileError(
            f"an array has no list {name!r}", expected=f"a 'shape' of integers and a {name!r} of items"
        )
    if math.prod(shape) != len(items):
        raise DataFileError(
            f"an array of shape {shape} cannot have {len(items)} items", expected=f"{math.prod(shape)} items"
        )
    if not {list, dict}.isdisjoint(map(type, items)):
        raise DataFileError(f"the {name!r} of an array holds lists or dictionaries", expected="plain values")
    return items


def _undeclared(items: list[Any], shape: tuple[int, ...]) -> Array:
    """Return an array as Coma 2 stored it: NumPy finds the dtype again."""
    texts = [item for item in items if type(item) is str]
    if texts and _WIDTH * (max(map(len, texts)) * len(items) - sum(map(len, texts))) > _MAX_PADDING:
        raise DataFileError("an array of strings would be mostly padding")
    return np.array(items).reshape(shape)


def _fixed(items: list[str], dtype: np.dtype[Any]) -> Array:
    """Return strings or bytes of fixed width."""
    width = dtype.itemsize // (_WIDTH if dtype.kind == "U" else 1)
    if max(map(len, items), default=0) > width:
        raise DataFileError(
            f"an array of dtype {dtype.str!r} cannot have an item of {max(map(len, items))} characters",
            expected=f"at most {width}",
        )
    if _padding(items, width) > _MAX_PADDING:
        raise DataFileError(f"an array of dtype {dtype.str!r} would be mostly padding")
    if not width:
        # NumPy takes a width of 0 for a wish to find it.
        return np.zeros(len(items), dtype=[("item", dtype)])["item"]
    if dtype.kind in "SV":
        return np.array([item.encode("latin-1") for item in items], dtype=dtype)
    return np.array(items, dtype=dtype)


def _long(texts: list[Any], dtype: np.dtype[Any]) -> Array:
    if not all(type(text) is str for text in texts):
        raise DataFileError(
            f"an array of dtype {dtype.name!r} has numbers that are not written as strings",
            expected="strings",
        )
    with warnings.catch_warnings():
        # NumPy makes infinities of numbers that this machine's long floats do not hold.
        warnings.simplefilter("error", RuntimeWarning)
        try:
            return np.array([np.longdouble(text) for text in texts], dtype=dtype)
        except RuntimeWarning as error:
            raise DataFileError(
                f"an array of dtype {dtype.name!r} has a number out of its range: {error}"
            ) from None


def _complex(node: Node, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    real, imag = _items(node, "real", shape), _items(node, "imag", shape)
    array = np.empty(len(real), dtype=dtype)
    if dtype.itemsize > _COMPLEX:
        array.real, array.imag = (_long(items, np.dtype("longdouble")) for items in (real, imag))
    elif set(map(type, real)) | set(map(type, imag)) <= _ITEMS["f"]:
        array.real, array.imag = real, imag
    else:
        raise DataFileError(
            f"an array of dtype {dtype.name!r} has other items than numbers in 'real' and 'imag'",
            expected="numbers",
        )
    return array.reshape(shape)


def _strings(node: Node, shape: tuple[int, ...]) -> Array:
    items = _items(node, "list", shape)
    gaps = "na" in node
    if not set(map(type, items)) <= ({str, type(None)} if gaps else {str}):
        raise DataFileError("an array of strings has other items", expected="strings")
    dtype: Any = np.dtypes.StringDType(na_object=None) if gaps else np.dtypes.StringDType()
    return np.array(items, dtype=dtype).reshape(shape)


# What the items of each kind of array are in a file.
_ITEMS: dict[str, set[type]] = {
    "b": {bool},
    "i": {int},
    "u": {int},
    "f": {float, int},
    "U": {str},
    "S": {str},
    "V": {str},
    "M": {int, type(None)},
    "m": {int, type(None)},
}


def decode_objects(node: Node, value: ToValue, items: Callable[[Any], Any] = lambda item: item) -> Array:
    """Return an array of objects whose items were stored separately."""
    parts = part(node, "list", list)
    shape = whole_numbers(node, "shape")
    if len(shape) > 64 or any(not 0 <= n <= 1 << 62 for n in shape) or math.prod(shape) != len(parts):
        raise DataFileError(
            f"an array of shape {str(tuple(shape))[:80]} cannot have {len(parts)} items",
            expected="as many items as the shape says",
        )
    array = np.empty(len(parts), dtype=object)
    for i, item in enumerate(parts):
        array[i] = items(value(item))
    return array.reshape(shape)


def _read_masked(node: Node, value: ToValue) -> Any:
    return np.ma.MaskedArray(value(node.get("data")), value(node.get("mask")))


DECODERS: dict[str, Callable[[Node, ToValue], Any]] = {
    ARRAY: decode,
    OTHER_ARRAY: decode,
    SCALAR: decode,
    STRUCTURED: decode,
    OBJECTS: decode_objects,
    MASKED: _read_masked,
}


Array = npt.NDArray[Any]

# The units of xarray and pandas, in seconds as a pair of numerator and denominator; the finest first.
UNITS = ("ns", "us", "ms", "s")
_ATTOSECONDS: dict[str, int] = {
    "W": 7 * 86400 * 10**18,
    "D": 86400 * 10**18,
    "h": 3600 * 10**18,
    "m": 60 * 10**18,
} | {unit: 10 ** (18 - 3 * power) for power, unit in enumerate(["s", "ms", "us", "ns", "ps", "fs", "as"])}
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001  a time without a zone
_LARGEST = 2**63 - 1
_NAT = -(2**63)


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaT or NA, of whatever library."""
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(value))
    return value is None or type(value).__name__ in ("NaTType", "NAType")


def time_array(values: Sequence[Any]) -> Array | None:
    """Return dates and times, or durations, as an array; None when they are something else, or several kinds.

    The unit is the finest of nanoseconds, microseconds, milliseconds and seconds that holds each value exactly. None, NaT
    and NA become NaT. The array has objects if no unit holds all values.

    >>> time_array([dt.date(2024, 1, 1), None])
    array(['2024-01-01T00:00:00.000000000',                           'NaT'],
          dtype='datetime64[ns]')
    >>> time_array([dt.timedelta(days=10**6)]).dtype
    dtype('<m8[us]')
    >>> time_array([np.timedelta64(1500, "ps")])
    array([np.timedelta64(1500,'ps')], dtype=object)
    """
    kinds = {_kind(value) for value in values if not is_missing(value)} or {_kind_of_missing(values)}
    if len(kinds) > 1 or None in kinds:
        return None
    letter = "m" if kinds == {"duration"} else "M"
    ticks = [None if is_missing(value) else _attoseconds(value) for value in values]
    for unit in UNITS:
        size = _ATTOSECONDS[unit]
        if all(tick is None or (tick % size == 0 and abs(tick // size) <= _LARGEST) for tick in ticks):
            numbers = [_NAT if tick is None else tick // size for tick in ticks]
            return np.array(numbers, dtype=np.int64).view(f"{letter}8[{unit}]")
    return np.fromiter(values, dtype=object, count=len(values))


def _kind(value: Any) -> str | None:
    """Return what a value is a kind of; times with a zone, and durations in months, are none of these."""
    if isinstance(value, dt.datetime):
        return "datetime" if value.tzinfo is None else None
    if isinstance(value, dt.date):
        return "date"
    if isinstance(value, np.datetime64):
        return "datetime"
    if isinstance(value, np.timedelta64):
        return "duration" if np.datetime_data(value.dtype)[0] in _ATTOSECONDS else None
    return "duration" if isinstance(value, dt.timedelta) else None


def _kind_of_missing(values: Sequence[Any]) -> str | None:
    """Return the kind of missing values alone: NaT is a time, unless NumPy's is a duration."""
    if any(isinstance(value, np.timedelta64) for value in values):
        return "duration"
    is_time = any(isinstance(value, np.datetime64) or type(value).__name__ == "NaTType" for value in values)
    return "datetime" if is_time else None


def _attoseconds(value: Any) -> int:
    """Return a duration, or a time since 1970, as an integer of attoseconds."""
    if hasattr(value, "asm8"):
        # pandas knows finer units than Python, whose classes its own ones are.
        value = value.asm8
    if isinstance(value, (np.datetime64, np.timedelta64)):
        unit, count = np.datetime_data(value.dtype)
        number: int = int(value.view(np.int64)) * count
        return _days(number, unit) * _ATTOSECONDS["D"] if unit in "YM" else number * _ATTOSECONDS[unit]
    if isinstance(value, dt.date):
        value = value - (_EPOCH if isinstance(value, dt.datetime) else _EPOCH.date())
    microseconds: int = value // dt.timedelta(microseconds=1)
    return microseconds * _ATTOSECONDS["us"]


def _days(number: int, unit: str) -> int:
    """Return the days from 1970 on to the first of a year or month, of any size."""
    months = number * 12 if unit == "Y" else number
    year, month = 1970 + months // 12, months % 12 + 1
    # The calendar repeats after 400 years.
    cycles, year = divmod(year - 1, 400)
    return cycles * 146097 + (dt.date(year + 1, month, 1) - _EPOCH.date()).days


def exact_times(array: Array) -> Array:
    """Return an array of dates or durations in a unit of xarray's and pandas'; one of objects where there is none.

    >>> exact_times(np.array(["2024-01-01"], "M8[D]")).dtype
    dtype('<M8[s]')
    >>> exact_times(np.array([1500], "m8[ps]"))
    array([np.timedelta64(1500,'ps')], dtype=object)
    """
    unit, count = np.datetime_data(array.dtype)
    if unit in UNITS and count == 1:
        return array
    if np.isnat(array).all():
        return array.astype(f"{array.dtype.kind}8[ns]")
    if unit in _ATTOSECONDS or array.dtype.kind == "M":
        native = array.astype(array.dtype.newbyteorder("="), copy=False)
        wanted = (unit,) if unit in UNITS else ("s",) if unit in "YMWDhm" else UNITS
        for candidate in wanted:
            cast = _cast(native, candidate)
            if cast is not None:
                return cast
    return np.fromiter(list(array.ravel()), dtype=object, count=array.size).reshape(array.shape)


def alike_times(arrays: Sequence[Array]) -> Sequence[Array]:
    """Return arrays of dates, or of durations, in one unit that holds all of them; as arrays of objects where there is none."""
    arrays = [exact_times(array) for array in arrays]
    dtypes = {array.dtype for array in arrays}
    if len(dtypes) == 1:
        return arrays
    if all(array.dtype.kind in "mM" for array in arrays):
        for unit in UNITS:
            casts = [_cast(array, unit) for array in arrays]
            if not any(cast is None for cast in casts):
                return [cast for cast in casts if cast is not None]
    return [
        np.fromiter(list(array.ravel()), dtype=object, count=array.size).reshape(array.shape)
        for array in arrays
    ]


def _cast(array: Array, unit: str) -> Array | None:
    """Return an array in another unit; None when that would change a value."""
    try:
        cast = array.astype(f"{array.dtype.kind}8[{unit}]")
        # What wraps around does not come back.
        same = np.array_equal(cast.astype(array.dtype).view("i8"), array.view("i8"))
    except OverflowError:
        return None
    return cast if same else None

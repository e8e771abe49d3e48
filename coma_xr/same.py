"""When two values are the same, when they are near, and when one is missing.

All comparisons of parameter values use this module: `run`, labels of Datasets, `sel`, `where=`, `merge` and `verify`.

- Numbers are the same if Python calls them equal: ``1``, ``1.0``, ``Fraction(1)``, ``Decimal(1)`` and ``1+0j`` are.
  ``True`` is not a number. Scalars of NumPy count by their exact value, so ``np.float32(0.1)`` is not ``0.1``.
- ``datetime``, ``Timestamp`` and ``datetime64`` are the same at the same instant, and durations of the same length are.
  Naive times, aware times, and times in months or years are different kinds, and a date is not a time.
- Lists, tuples and arrays are the same if their shapes and items are. A member of an Enum is its value.
- NaN, NaT and NA are one missing value, and None is another.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import fractions
import hashlib
import itertools
import json
import math
import operator
import pathlib
import re
import secrets
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, ClassVar, Final, Self

from coma_xr.errors import DataFileError, SerializationError
from coma_xr.text import near_names
from coma_xr.tree import TYPE, Numbers
from coma_xr.values.plain import from_plain, to_plain


class Mark:
    """A value that equals nothing but itself, also in a copy from another process; there is one of each name."""

    __slots__ = ("_name",)
    _known: ClassVar[dict[str, Any]] = {}
    _name: str

    def __new__(cls, name: str) -> Self:
        """Return the mark of a name."""
        mark: Self = cls._known.setdefault(name, super().__new__(cls))
        mark._name = name
        return mark

    def __repr__(self) -> str:
        return self._name

    def __reduce__(self) -> tuple[type[Mark], tuple[str]]:
        return Mark, (self._name,)


_TRUE: Final = Mark("_TRUE")
_FALSE: Final = Mark("_FALSE")
_NAN: Final = Mark("_NAN")
_DICT: Final = Mark("_DICT")
_EMPTY: Final = Mark("_EMPTY")
_SET: Final = Mark("_SET")
_RANGE: Final = Mark("_RANGE")
_BYTES: Final = Mark("_BYTES")
_PATH: Final = Mark("_PATH")
_DATE: Final = Mark("_DATE")
_CLOCK: Final = Mark("_CLOCK")
_NAIVE: Final = Mark("_NAIVE")
_AWARE: Final = Mark("_AWARE")
_DURATION: Final = Mark("_DURATION")
_CALENDAR: Final = Mark("_CALENDAR")

# Python compares these as this module does. A float that is NaN is not equal to itself.
COMPARED = frozenset({str, int, float, type(None)})
_REAL = (int, float, fractions.Fraction, decimal.Decimal)
_ORDERED_NUMBERS = frozenset(_REAL)
_ORDERED_TIMES = frozenset({_DATE, _NAIVE, _AWARE, _DURATION})

# Stored forms with a rule of their own; all others are compared as dictionaries.
_DECODED = frozenset(
    {"numpy.ndarray", "coma.ndarray", "coma.scalar", "coma.int", "coma.float", "coma.complex", "coma.decimal"}
    | {
        "coma.fraction",
        "coma.date",
        "coma.datetime",
        "coma.time",
        "coma.timedelta",
        "coma.bytes",
        "coma.path",
    }
    | {"coma.range", "coma.set", "coma.frozenset"}
)
_MISSING_FORMS = ("coma.pandas.NaT", "coma.pandas.NA")
_TIMES = ("coma.pandas.Timestamp", "coma.pandas.Timedelta")

# Attoseconds, the finest unit that NumPy has, in each of its units of fixed length.
_SECOND = 10**18
_UNITS: Final[dict[str, int]] = {
    "W": 604_800 * _SECOND,
    "D": 86_400 * _SECOND,
    "h": 3_600 * _SECOND,
    "m": 60 * _SECOND,
    "s": _SECOND,
    **{unit: 10 ** (15 - 3 * place) for place, unit in enumerate(("ms", "us", "ns", "ps", "fs", "as"))},
}
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001

# Numbers closer than this, relative to the greater, are hardly meant to differ.
_NEAR = 1e-9

# No spacing of single precision is wider than this, relative to the greater.
_FAR = 1.2e-7

# Numbers of single precision show at most this many digits, where doubles of the same value show up to 17.
_SINGLE_DIGITS = 9


def key(value: Any) -> Any:
    """Return what can be hashed, and is equal for two values exactly when they are the same.

    Raise SerializationError for an object that cannot be stored.

    >>> key([1, 0.5, [1, 2]]) == key([1.0, fractions.Fraction(1, 2), (1.0, 2.0)])
    True
    >>> key(True) == key(1)
    False
    """
    kind = type(value)
    if kind in COMPARED:
        return value if value == value else _NAN  # noqa: PLR0124
    if kind is list or kind is tuple:
        return tuple([v if type(v) in COMPARED and v == v else key(v) for v in value])  # noqa: PLR0124
    if kind is bool:
        return _TRUE if value else _FALSE
    if kind is dict:
        return _key_of_dict(value)
    rule = _RULES.get(kind)
    if rule is not None:
        return rule(value)
    return _key_of_object(value)


def keys(values: Sequence[Any]) -> Sequence[Any]:
    """Return the keys of many values.

    >>> len(set(keys([1, 1.0, True, float("nan"), float("nan")])))
    3
    """
    if type(values) is Numbers:
        return values
    kinds = set(map(type, values))
    if not kinds <= COMPARED:
        return [key(value) for value in values]
    # The sum of floats is a number unless one is NaN, or some are infinite.
    has_nan = float in kinds and (kinds != {float} or (total := sum(values)) != total)
    if has_nan and any(value != value for value in set(values)):  # noqa: PLR0124
        return [value if value == value else _NAN for value in values]  # noqa: PLR0124
    return values


def in_order(parts: Iterable[Any]) -> list[Any]:
    """Return keys of numbers, or of times of one kind, in ascending order with NaN last; others as they are.

    >>> in_order(map(key, [2, float("nan"), fractions.Fraction(1, 2)])), in_order(["b", "a"])
    ([Fraction(1, 2), 2, _NAN], ['b', 'a'])
    """
    parts = list(parts)
    values = [part for part in parts if part is not _NAN]
    kinds = {part[0] if type(part) is tuple and part else type(part) for part in values}
    if not (kinds <= _ORDERED_NUMBERS or (len(kinds) == 1 and kinds <= _ORDERED_TIMES) or kinds == {Mark}):
        return parts
    ordered = sorted(values, key=repr if kinds == {Mark} else None)
    return ordered + [_NAN] * (len(parts) - len(values))


def equal(a: Any, b: Any) -> bool:
    """Return whether two values are the same; objects that cannot be stored are, if they are one object.

    >>> equal(1, 1.0), equal(float("nan"), float("nan")), equal(0.1 + 0.2, 0.3)
    (True, True, False)
    """
    try:
        return bool(key(a) == key(b))
    except SerializationError:
        return a is b


def _key_of_dict(node: dict[str, Any]) -> Any:
    name = node.get(TYPE)
    if type(name) is str and name.startswith(("coma.", "numpy.")):
        try:
            return _key_of_form(name, node)
        except (DataFileError, KeyError, TypeError, ValueError):
            # A form that contradicts itself is reported when its value is read.
            pass
    return _key_of_pairs(node.items())


def _key_of_pairs(pairs: Iterable[tuple[str, Any]]) -> Any:
    # The form is that of version 1, because seeds are made of keys.
    return _DICT, frozenset([(label, key((child,))) for label, child in pairs])


def _key_of_form(name: str, node: dict[str, Any]) -> Any:
    """Return the key of a stored form; ValueError when it counts as a dictionary."""
    if name == "numpy.ndarray":
        return _key_of_items(node["list"], tuple(node["shape"]))
    if name in _DECODED:
        return key(from_plain(node))
    if name == "coma.enum":
        return key(node["value"])
    if name == "coma.dict":
        return _key_of_pairs(node["items"])
    if name in _MISSING_FORMS:
        return _NAN
    if name in _TIMES and type(node["value"]) is int:
        # The value itself would need pandas.
        kind = _DURATION if name.endswith("delta") else _AWARE if "zone" in node else _NAIVE
        return kind, node["value"] * _UNITS[node["unit"]]
    raise ValueError(name)


def _key_of_items(items: list[Any], shape: tuple[int, ...]) -> Any:
    """Return the key of an array, which is that of nested lists."""
    if math.prod(shape) != len(items):
        raise ValueError(shape)
    if not shape:
        return key(items[0])
    if len(shape) == 1:
        return key(items)
    if not shape[0]:
        # Nested lists do not have the dims below an empty one.
        return _EMPTY, shape
    size = math.prod(shape[1:])
    return tuple([_key_of_items(items[i * size : (i + 1) * size], shape[1:]) for i in range(shape[0])])


def _key_of_object(value: Any) -> Any:
    """Return the key of an object by what it is; of one without a rule by how it is stored."""
    if isinstance(value, enum.Enum):
        return key(value.value)
    if type(value).__name__ in {"NaTType", "NAType"}:
        return _NAN
    if isinstance(value, dt.datetime):
        return _key_of_time(value)
    if isinstance(value, dt.timedelta):
        return _key_of_duration(value)
    if isinstance(value, pathlib.PurePath):
        return _PATH, value
    dtype = getattr(value, "dtype", None)
    if dtype is not None and hasattr(dtype, "kind") and hasattr(value, "ndim"):
        return _key_of_array(value)
    return key(to_plain(value))


def _key_of_array(value: Any) -> Any:
    """Return the key of an array or scalar of NumPy, or of an array of any library that has no dims."""
    import numpy as np

    if isinstance(value, np.generic):
        return _key_of_scalar(value)
    if not value.ndim:
        return key(np.asarray(value)[()])
    if value.dtype.kind == "V":
        return _key_of_pairs(to_plain(value).items())
    if type(value) not in (np.ndarray, np.memmap):
        return key(to_plain(value))
    items = value.ravel()
    bare = value.dtype.kind in "biufcUSTO" and value.dtype.char not in "gG"
    return _key_of_items(items.tolist() if bare else list(items), value.shape)


def _key_of_scalar(value: Any) -> Any:
    """Return the key of a scalar of NumPy."""
    import numpy as np

    if isinstance(value, (np.datetime64, np.timedelta64)):
        return _key_of_numpy_time(value)
    if isinstance(value, np.longdouble):
        finite = np.isfinite(value)
        return fractions.Fraction(*value.as_integer_ratio()) if finite else key(float(value))
    if isinstance(value, np.clongdouble):
        real, imag = key(value.real), key(value.imag)
        exact = complex(value)
        if _NAN in (real, imag):
            return _NAN
        return exact if exact.real == real and exact.imag == imag else (real, imag) if imag else real
    return _key_of_pairs(to_plain(value).items()) if isinstance(value, np.void) else key(value.item())


def _key_of_numpy_time(value: Any) -> Any:
    import numpy as np

    if np.isnat(value):
        return _NAN
    unit, step = np.datetime_data(value.dtype)
    number = int(value.view(np.int64)) * step
    is_time = isinstance(value, np.datetime64)
    if unit not in _UNITS:
        return _CALENDAR, is_time, unit, number
    return _NAIVE if is_time else _DURATION, number * _UNITS[unit]


def _key_of_time(value: dt.datetime) -> Any:
    """Return the key of a datetime or Timestamp: its instant."""
    stamp = getattr(value, "asm8", None)
    if stamp is not None:
        instant = _key_of_numpy_time(stamp)[1]
    else:
        offset = value.utcoffset() or dt.timedelta()
        instant = _attoseconds(value.replace(tzinfo=None) - _EPOCH - offset)
    return _NAIVE if value.tzinfo is None else _AWARE, instant


def _key_of_duration(value: dt.timedelta) -> Any:
    stamp = getattr(value, "asm8", None)
    return _key_of_numpy_time(stamp) if stamp is not None else (_DURATION, _attoseconds(value))


def _attoseconds(value: dt.timedelta) -> int:
    return (value.days * 86_400 + value.seconds) * _SECOND + value.microseconds * _UNITS["us"]


def _key_of_clock(value: dt.time) -> Any:
    offset = value.utcoffset()
    since = dt.timedelta(
        hours=value.hour, minutes=value.minute, seconds=value.second, microseconds=value.microsecond
    )
    return _CLOCK, offset is not None, _attoseconds(since - (offset or dt.timedelta()))


def _key_of_range(value: range) -> Any:
    # Python's own length ends at 2**63.
    size = max((value.stop - value.start + value.step - (1 if value.step > 0 else -1)) // value.step, 0)
    return _RANGE, size, value.start if size else None, value.step if size > 1 else None


def _key_of_set(value: Iterable[Any]) -> Any:
    return _SET, frozenset(map(key, value))


_RULES: Final[dict[type, Callable[[Any], Any]]] = {
    complex: lambda value: value if value == value else _NAN,  # noqa: PLR0124
    fractions.Fraction: lambda value: value,
    decimal.Decimal: lambda value: _NAN if value.is_nan() else value,
    dt.date: lambda value: (_DATE, value.toordinal()),
    dt.datetime: _key_of_time,
    dt.timedelta: _key_of_duration,
    dt.time: _key_of_clock,
    bytes: lambda value: (_BYTES, value),
    range: _key_of_range,
    set: _key_of_set,
    frozenset: _key_of_set,
    Mark: lambda value: value,
}


def text_of(part: Any) -> str:
    """Return a key as text that is equal for equal keys, in every process.

    >>> text_of(key([1, "a"])), text_of(key(fractions.Fraction(1, 2))) == text_of(key(0.5))
    ('(1,"a")', True)
    """
    if isinstance(part, tuple):
        return f"({','.join(map(text_of, part))})"
    if isinstance(part, frozenset):
        return f"{{{','.join(sorted(map(text_of, part)))}}}"
    if isinstance(part, str):
        return json.dumps(part)
    if isinstance(part, complex):
        return text_of(part.real) if not part.imag else f"{text_of(part.real)}+{text_of(part.imag)}j"
    return repr(_shortest(part)) if isinstance(part, _REAL) else repr(part)


def _shortest(number: Any) -> Any:
    """Return the int or float that equals a number; its hash, which is the same everywhere, if there is none."""
    double = _double(number)
    if double is not None and math.isfinite(double) and number == int(number):
        return int(number)
    return double if double == number else f"#{hash(number)}"


def same_items(a: Any, b: Any) -> bool:
    """Return whether two arrays of NumPy have the same shape and items; NaN and NaT are equal to themselves.

    >>> import numpy as np
    >>> same_items(np.array([0.5, np.nan]), np.array([0.5, np.nan])), same_items(np.array([1]), np.array([1, 2]))
    (True, False)
    """
    import numpy as np

    return bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fcmM"))


def is_missing(value: Any) -> bool:
    """Return whether a value is NaN, NaT or NA, plain or not.

    >>> is_missing(float("nan")), is_missing(None), is_missing(decimal.Decimal("nan"))
    (True, False, True)
    """
    kind = type(value)
    if kind in COMPARED:
        return bool(value != value)  # noqa: PLR0124
    if kind in (list, tuple, bool) or getattr(value, "ndim", False):
        return False
    try:
        return key(value) is _NAN
    except SerializationError:
        return False


def is_null(value: Any) -> bool:
    """Return whether a value is missing or None."""
    return value is None or is_missing(value)


# Comparisons of conditions and of sel, where dates and texts stand for times.

ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

# A date, perhaps with a time, as text; NumPy reads all of it but the zone.
_ISO = re.compile(
    r"(\d{4}(?:-\d\d(?:-\d\d(?:[T ]\d\d(?::\d\d(?::\d\d(?:\.\d{1,18})?)?)?)?)?)?)(Z|[+-]\d\d:\d\d)?"
)


def compare(sign: str, a: Any, b: Any) -> bool:
    """Return whether a comparison of two values holds.

    A date next to a time is its midnight. A text next to either is all of the time that it names: ``"2020-01"`` is the
    whole month. A missing value and None are equal to themselves, and neither smaller nor greater than anything.

    Raise TypeError when the values have no order.

    >>> compare("==", dt.date(2020, 1, 5), "2020-01"), compare(">", dt.datetime(2020, 1, 5), dt.date(2020, 1, 5))
    (True, False)
    """
    if sign in ("==", "!="):
        return _matches(a, b) is (sign == "==")
    first, second = _bare(a), _bare(b)
    if is_null(first) or is_null(second):
        return False
    if is_real(first) and is_real(second):
        return ORDER[sign](first, second)
    if type(first) is type(second) is str:
        return ORDER[sign](first, second)
    spans = _spans(first, second)
    if spans is None:
        zones = lacks_zone(first, second) or lacks_zone(second, first)
        raise TypeError("only one of these times has a time zone" if zones else "these values have no order")
    (begin, end), (other_begin, other_end) = spans
    # A value is before a month if it is before its first moment, and after it if it is after its last one.
    if sign in ("<", ">="):
        return (end < other_begin) is (sign == "<")
    return (begin > other_end) is (sign == ">")


def _matches(a: Any, b: Any) -> bool:
    if equal(a, b):
        return True
    if type(a) in COMPARED and type(b) in COMPARED:
        return False
    spans = _spans(_bare(a), _bare(b))
    return spans is not None and spans[0][0] <= spans[1][1] and spans[1][0] <= spans[0][1]


def _bare(value: Any) -> Any:
    """Return the Python value of a stored form, a scalar of NumPy or a member of an Enum."""
    if type(value) in COMPARED:
        return value
    if type(value) is dict and TYPE in value:
        value = from_plain(value)
    if isinstance(value, enum.Enum):
        value = value.value
    dtype = getattr(value, "dtype", None)
    if getattr(dtype, "kind", "") in "biufcUS" and not getattr(value, "ndim", True):
        part = key(value)
        return value.item() if type(part) is Mark else part
    return value


def is_real(value: Any) -> bool:
    """Return whether a Python value is a real number, which True is not."""
    return isinstance(value, _REAL) and type(value) is not bool


def lacks_zone(a: Any, b: Any) -> bool:
    """Return whether a time has no time zone and another one has one, so that they are never the same and have no order.

    >>> lacks_zone("2020-01", "2020-01-01T00:00Z"), lacks_zone("2020-01", "2020-02")
    (True, False)
    """
    first, second = _span(_bare(a)), _span(_bare(b))
    return first is not None and second is not None and (first[0], second[0]) == (_NAIVE, _AWARE)


def _spans(a: Any, b: Any) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Return the first and last moments of two times of one kind; None if they are not."""
    if isinstance(a, str) and isinstance(b, str):
        return None
    first, second = _span(a), _span(b)
    if first is None or second is None or first[0] is not second[0]:
        return None
    return first[1:], second[1:]


def _span(value: Any) -> tuple[Mark, int, int] | None:
    """Return the kind of a time or duration, and its first and last moment; None for anything else."""
    if isinstance(value, str):
        return _span_of_text(value)
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if not isinstance(value, (dt.date, dt.timedelta)) and (kind not in ("m", "M") or value.ndim):
        return None
    part = key(value)
    if part is _NAN:
        return None
    if part[0] is _DATE:
        midnight = (part[1] - _EPOCH.toordinal()) * _UNITS["D"]
        return _NAIVE, midnight, midnight
    if part[0] is _CALENDAR:
        # Only text stands for all of a month; a value is its first moment.
        begin = _span_of_numpy(value)[1] if part[1] else None
        return None if begin is None else (_NAIVE, begin, begin)
    return part[0], part[1], part[1]


def _span_of_numpy(value: Any) -> tuple[Mark, int, int]:
    """Return the moments from the beginning of a time of NumPy to that of the next one."""
    import numpy as np

    days = np.datetime_data(value.dtype)[0] in ("Y", "M")
    step = np.array(1, value.dtype.str.replace("M8", "m8"))
    moments = [moment.astype("M8[D]") if days else moment for moment in (value, value + step)]
    begin, end = (_key_of_numpy_time(moment)[1] for moment in moments)
    return _NAIVE, begin, end - 1


def _span_of_text(text: str) -> tuple[Mark, int, int] | None:
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    import numpy as np

    try:
        kind, begin, end = _span_of_numpy(np.datetime64(match[1]))
        if match[2] is None:
            return kind, begin, end
        offset = dt.datetime.fromisoformat(f"2000-01-01T00:00:00{match[2]}").utcoffset() or dt.timedelta()
    except ValueError:
        return None
    return _AWARE, begin - _attoseconds(offset), end - _attoseconds(offset)


def period_text(value: Any) -> Any:
    """Return a year or month of NumPy as the text that stands for all of its days; any other time as it is.

    >>> import numpy as np
    >>> period_text(np.datetime64("2026-01")), period_text(np.datetime64("2026-01-31"))
    ('2026-01', np.datetime64('2026-01-31'))
    """
    text = str(value)
    return text if len(text) < len("2026-01-31") and _ISO.fullmatch(text) else value


# Values that are not the same, but probably were meant to be.


def near(a: Any, b: Any) -> bool:
    """Return whether two numbers differ, but by so little that the same was probably meant.

    They do if they differ by less than a billionth, or by no more than single precision where one of them has it.

    >>> near(0.1 + 0.2, 0.3), near(0.3, 0.3), near(1.0, 1.00000001)
    (True, False, False)
    >>> import numpy as np
    >>> near(np.float32(0.1), 0.1), near(decimal.Decimal("0.1"), 0.1)
    (True, True)
    """
    first, second = _bare(a), _bare(b)
    if not (_is_number(first) and _is_number(second)) or equal(first, second):
        return False
    if isinstance(first, complex) or isinstance(second, complex):
        return bool(abs(first - complex(second)) < _NEAR * max(abs(first), abs(second)))
    return _near_reals(first, second)


def _near_reals(a: Any, b: Any) -> bool:
    """Return whether two different numbers are near each other."""
    if isinstance(a, int) and isinstance(b, int):
        return False
    x, y = _double(a), _double(b)
    if x is None or y is None or not (math.isfinite(x) and math.isfinite(y)):
        return False
    off = abs(x - y)
    greater = max(abs(x), abs(y))
    if off < _NEAR * greater or not off:
        return True
    return off <= _FAR * greater and off <= max(_spacing(x), _spacing(y))


def _spacing(x: float) -> float:
    """Return the spacing of single precision at a number that has it; 0 for those that doubles say as briefly."""
    import numpy as np

    if abs(x) > 3.4e38 or len(repr(x)) <= _SINGLE_DIGITS + 3:
        return 0.0
    single = np.float32(x)
    return float(np.spacing(np.abs(single))) if float(single) == x else 0.0


def _is_number(value: Any) -> bool:
    return isinstance(value, (*_REAL, complex)) and type(value) is not bool and not is_missing(value)


def _double(number: Any) -> float | None:
    """Return a number in double precision; None for one beyond that."""
    try:
        return float(number)
    except OverflowError:
        return None


def _reals(keys: Iterable[Any]) -> set[Any]:
    """Return the real numbers among some keys."""
    different = set(keys)
    if _ORDERED_NUMBERS.issuperset(map(type, different)):
        return different
    return {part for part in different if type(part) in _REAL}


def near_pairs(keys: Iterable[Any], others: Iterable[Any] = ()) -> list[tuple[Any, Any]]:
    """Return pairs of numbers that are near each other, the smaller one first, one of them among some keys.

    >>> near_pairs([0.1 + 0.2, 0.3, 0.4, "a"]), near_pairs([0.5], [0.3, 0.1 + 0.2])
    ([(0.3, 0.30000000000000004)], [])
    """
    new, numbers = _reals(keys), _reals(others)
    numbers |= new
    if {int}.issuperset(map(type, numbers)):
        return []
    ordered = sorted(numbers)
    pairs: Iterable[tuple[Any, Any]] = itertools.pairwise(ordered)
    if len(new) < len(numbers):
        places = {
            place for number in new for place in (bisect_left(ordered, number), bisect_right(ordered, number))
        }
        pairs = ((ordered[place - 1], ordered[place]) for place in sorted(places) if 0 < place < len(ordered))
    return [
        (a, b)
        for a, b in pairs
        # Most neighbours are doubles that are far from each other.
        if not (type(a) is type(b) is float and b - a > _FAR * max(b, -a)) and _near_reals(a, b)
    ]


def nearest(value: Any, values: Iterable[Any]) -> Any:
    """Return the one of some values that is nearest to a number, a time or a string; None if none is like it.

    >>> nearest(0.3, [1.0, 0.1 + 0.2]), nearest("isin", ["Ising", "Bond"]), nearest(1, ["a"])
    (0.30000000000000004, 'Ising', None)
    """
    wanted = _bare(value)
    if isinstance(wanted, str):
        values = list(values)
        close = near_names(wanted, [text for text in values if isinstance(text, str)])
        if close:
            return close[0]
    distances = [(off, other) for other in values if (off := _distance(wanted, _bare(other))) is not None]
    return min(distances, key=operator.itemgetter(0))[1] if distances else None


def _distance(a: Any, b: Any) -> Any:
    """Return how far two values are from each other; None for those that are not alike."""
    if _is_number(a) and _is_number(b):
        x, y = (v if isinstance(v, complex) else _double(v) for v in (a, b))
        return None if x is None or y is None else abs(x - y)
    spans = _spans(a, b)
    if spans is None:
        return None
    return max(spans[0][0] - spans[1][1], spans[1][0] - spans[0][1], 0)


# Measurements that record one event, which count once.

MADE_BY: Final = ("info", "made_by")
SEED: Final = ("info", "seed")

# Where the number of a repeat stands, for parameter sets that were run several times.
REPEAT: Final = ("info", "repeat")

# The repeat of a measurement without a number.
FIRST_REPEAT: Final = 0

# What `info/made_by` begins with. A name follows that no other run, and no other measurement by hand, has.
_RUN, _HAND = "run ", "hand "

# The event of a measurement by `run` without a seed: no other run of its parameter set and repeat is told from it.
UNSEEDED: Final = (_RUN, None)


def maker(*, by_hand: bool = False) -> str:
    """Return what `info/made_by` is for the measurements of a new run, or for one that is saved by hand."""
    return f"{_HAND if by_hand else _RUN}{secrets.token_hex(8)}"


def event_of(tree: dict[str, Any]) -> Hashable | None:
    """Return what a measurement's event has in common with its copies; None for an independent sample.

    Only `run` makes the same event twice: of one parameter set and repeat with one seed. A measurement saved by hand has a
    name for its event, or is a sample of its own, as everything from Coma 2 and other programs is.
    """
    info = tree.get("info")
    return event(info.get("made_by"), info.get("seed")) if type(info) is dict else None


def event(made_by: Any, seed: Any) -> Hashable | None:
    """Return the event for what a measurement has in ``info``, see `event_of`."""
    by = str(made_by) if type(made_by) is str else ""
    if by.startswith(_HAND):
        return by
    seed = seed if type(seed) is int else None
    # Version 1 did not write who made a measurement, but gave seeds in `run` only.
    is_run = by.startswith(_RUN) or (seed is not None and not by)
    return (_RUN, seed) if is_run else None


def repeat_of(tree: dict[str, Any]) -> int:
    """Return the number of a measurement's repeat; one without a number is the first."""
    info = tree.get("info")
    repeat = info.get("repeat") if type(info) is dict else None
    return repeat if type(repeat) is int else FIRST_REPEAT


def content_of(tree: dict[str, Any]) -> str:
    """Return what is equal for measurements whose trees without ``info`` are the same."""
    branches = {name: child for name, child in tree.items() if name != "info"}
    return hashlib.sha256(text_of(key(branches)).encode("utf-8", "surrogatepass")).hexdigest()


def doubles(
    trees: Iterable[tuple[int, dict[str, Any]]], identity: Callable[[dict[str, Any]], Hashable] | None = None
) -> dict[int, int]:
    """Return the measurements whose event an earlier one records too, with the id of that one.

    >>> tree = {"info": {"made_by": "run 1f0c"}, "parameters": {"x": 1}, "results": {"y": 2.0}}
    >>> doubles([(1, tree), (2, {**tree, "parameters": {"x": 1.0}}), (3, {**tree, "info": {}})])
    {2: 1}
    """
    first: dict[Hashable, int] = {}
    contents: dict[tuple[Hashable, Hashable, int], set[str]] = {}
    copies: dict[int, tuple[int, Hashable]] = {}
    for id, tree in trees:
        this = event_of(tree)
        if this is None:
            continue
        name = this, key(tree.get("parameters")) if identity is None else identity(tree), repeat_of(tree)
        content = content_of(tree)
        contents.setdefault(name, set()).add(content)
        earlier = first.setdefault((name, content), id)
        if earlier != id:
            copies[id] = earlier, this
    # Where `run` without seeds made unequal results of one parameter set and repeat, the function is random, and equal
    # results are not evidence of one event.
    is_random = any(name[0] == UNSEEDED and len(some) > 1 for name, some in contents.items())
    return {id: earlier for id, (earlier, this) in copies.items() if not (is_random and this == UNSEEDED)}


def replaced(trees: Iterable[tuple[int, dict[str, Any]]]) -> dict[int, int]:
    """Return the measurements that others take the place of, with the ids of these.

    >>> replaced([(1, {"info": {}}), (2, {"info": {"replaces": [1]}})])
    {1: 2}
    """
    found: dict[int, int] = {}
    for id, tree in trees:
        info = tree.get("info")
        olds = info.get("replaces") if type(info) is dict else None
        found |= {old: id for old in olds if type(old) is int} if type(olds) is list else {}
    return found

"""The operations of conditions on values: one by one, or of whole arrays by the same rules.

Every operation of a condition is a function of single values in `OPERATIONS`. `Single` applies it to the values of
one measurement, `Arrays` to each item of arrays, except where NumPy gives the same answers faster.
"""

from __future__ import annotations

import functools
import math
import operator
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from coma_xr import same
from coma_xr.define.values import NOTHING
from coma_xr.errors import ConditionError, warn
from coma_xr.text import shortened, with_article
from coma_xr.tree import is_typed
from coma_xr.values.plain import from_plain

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

Lookup = Callable[[str], Any]
Operation = Callable[..., Any]

COMPARISONS: Final = ("<", "<=", ">", ">=", "==", "!=")
_ARITHMETIC: Final[dict[str, Operation]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}
DIVISIONS: Final = frozenset({"/", "//", "%"})
_DIVIDED = "A condition divides by zero, which gives inf or NaN."
_UNARY: Final[dict[str, Operation]] = {"negative": operator.neg, "abs": operator.abs}

_DOUBLES = frozenset({int, float})
_NUMBERS = frozenset({int, float, Decimal, Fraction})
_KINDS: Final = {
    **dict.fromkeys(_NUMBERS, "a number"),
    complex: "a complex number",
    str: "text",
    bool: "a bool",
    list: "a list",
    dict: "a dictionary",
}

_ZONED = "2026-01-31T12:00+01:00"

# Doubles represent every int up to here.
_EXACT: Final = 2**53

MAX_BITS: Final = 3000
"""An int with more bits has more digits than the text of a condition may have."""

# A list with at most this many choices is compared item by item with a whole array.
_FEW = 16


# Operations on single values


def plain(value: Any) -> Any:
    """Return a value as one of Python's where it is in the form of a file, or a scalar of NumPy or xarray."""
    if type(value) in _KINDS or value is None or value is NOTHING:
        return from_plain(value) if type(value) is dict and is_typed(value) else value
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    return value.item() if kind and kind in "biufcUO" and not value.ndim else value


def _compare(sign: str, a: Any, b: Any) -> bool:
    if type(a) in _DOUBLES and type(b) in _DOUBLES and sign in same.ORDER:
        return bool(same.ORDER[sign](a, b))
    if a is NOTHING or b is NOTHING:
        return sign == "!="
    try:
        return same.compare(sign, a, b)
    except TypeError:
        alike = "numbers with numbers, text with text, or dates with dates such as '2026-01-31'"
        zones = f"two times with a time zone, such as '{_ZONED}', or two without one"
        raise ConditionError(
            f"{described(a)} and {described(b)} cannot be put in order.",
            expected=zones if expected_zone(a, b) else alike,
            ways=_ways(a, b),
        ) from None


def expected_zone(wanted: Any, value: Any) -> str | None:
    """Return what is expected in the place of a time if only one of it and another one has a time zone.

    >>> expected_zone("2026-01-31", "2026-01-31T12:00Z")
    "a time with a time zone, such as '2026-01-31T12:00+01:00'"
    """
    if same.lacks_zone(wanted, value):
        return f"a time with a time zone, such as '{_ZONED}'"
    return "a time without a time zone" if same.lacks_zone(value, wanted) else None


def _is_in(a: Any, choices: Choices) -> bool:
    if type(a) in choices.hashed and a == a:  # noqa: PLR0124
        return a in choices.hashed[type(a)]
    return any(_compare("==", a, choice) for choice in choices.values)


def _is_null(a: Any) -> bool:
    return a is NOTHING or same.is_null(a)


def arithmetic(sign: str, a: Any, b: Any) -> Any:
    """Return what two numbers make, in double precision; `NOTHING` where one is missing or None.

    >>> arithmetic("/", 1, 2), arithmetic("+", 1, None)
    (0.5, NOTHING)
    """
    x, y = _double(a, sign), _double(b, sign)
    if x is None or y is None:
        return NOTHING
    try:
        result = _ARITHMETIC[sign](x, y)
    except (ZeroDivisionError, OverflowError) as error:
        if isinstance(error, ZeroDivisionError):
            warn(_DIVIDED)
        import numpy as np

        with np.errstate(all="ignore"):
            return float(_ARITHMETIC[sign](np.float64(x), np.float64(y)))
    # A root of a negative number is complex in Python.
    return result if type(result) is float else math.nan


def calculate(sign: str, a: float, b: float) -> float:
    """Return what two written numbers make: exactly of ints, else in double precision.

    Raise ConditionError where that has no such number.

    >>> calculate("+", 2**53, 1), calculate("/", 1, 2)
    (9007199254740993, 0.5)
    """
    if type(a) is type(b) is int and sign != "/" and not (sign == "**" and b < 0):
        if sign != "**" or abs(a) < 2 or a.bit_length() * b <= MAX_BITS:
            return int(_ARITHMETIC[sign](a, b))
    else:
        with suppress(ArithmeticError):
            result = _ARITHMETIC[sign](float(a), float(b))
            # A root of a negative number is complex in Python.
            if type(result) is float and (math.isfinite(result) or not (_is_finite(a) and _is_finite(b))):
                return result
    raise ConditionError(
        f"{sign} of {shortened(a)} and {shortened(b)} is too large, or not a real number.",
        expected=f"a float up to 1.8e308, or an int of at most {MAX_BITS} bits",
    )


def _is_finite(number: float) -> bool:
    return type(number) is int or math.isfinite(number)


def _unary(name: str, a: Any) -> Any:
    x = _double(a, "-" if name == "negative" else "abs()")
    return NOTHING if x is None else _UNARY[name](x)


def _double(value: Any, sign: str) -> float | None:
    value = plain(value)
    if type(value) in _NUMBERS:
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    if _is_null(value):
        return None
    raise ConditionError(
        f"{sign} cannot be applied to {described(value)}.", expected="a number", ways=_ways(value)
    )


def _is_close(a: Any, b: Any, rtol: float, atol: float) -> bool:
    x, y = _double(a, ".close()"), _double(b, ".close()")
    return x is not None and y is not None and math.isclose(x, y, rel_tol=rtol, abs_tol=atol)


def _of_text(method: str, missing: Any, function: Operation, a: Any, *options: Any) -> Any:
    a = plain(a)
    if type(a) is str:
        return function(a, *options)
    if _is_null(a):
        return missing
    raise ConditionError(f".{method}() cannot be applied to {described(a)}.", expected="text")


def _is_true(a: Any) -> bool:
    a = plain(a)
    if type(a) is bool:
        return a
    if _is_null(a):
        return False
    raise ConditionError(
        f"A name alone is a condition only where it is True or False; here it is {described(a)}.",
        ways=["Compare it, as in a > 0."],
    )


OPERATIONS: Final[dict[str, Operation]] = {
    **{sign: functools.partial(_compare, sign) for sign in COMPARISONS},
    **{sign: functools.partial(arithmetic, sign) for sign in _ARITHMETIC},
    **{name: functools.partial(_unary, name) for name in _UNARY},
    "in": _is_in,
    "close": _is_close,
    "isnull": _is_null,
    "startswith": functools.partial(_of_text, "startswith", False, str.startswith),
    "endswith": functools.partial(_of_text, "endswith", False, str.endswith),
    "contains": functools.partial(_of_text, "contains", False, operator.contains),
    "lower": functools.partial(_of_text, "lower", NOTHING, str.lower),
    "upper": functools.partial(_of_text, "upper", NOTHING, str.upper),
    "true": _is_true,
    # All parts are asked, as they are of arrays: an error does not depend on the form of the data.
    "and": lambda *parts: all(parts),
    "or": lambda *parts: any(parts),
    "not": operator.not_,
}
"""The function of each operation of a condition on single values."""

# The operations that do not answer with true or false.
_VALUES = frozenset({*_ARITHMETIC, *_UNARY, "lower", "upper"})


@dataclass(frozen=True, eq=False)
class Choices:
    """The values of `in`; numbers and strings among them are found by their hash."""

    values: list[Any]
    hashed: Mapping[type, frozenset[Any]] = field(init=False)

    def __post_init__(self) -> None:
        # Text may also stand for the date that a value is, but a text is never the date.
        numbers = frozenset(value for value in self.values if type(value) in _NUMBERS)
        texts = frozenset(value for value in self.values if type(value) is str)
        dates = any(type(value) not in _KINDS and value is not None for value in self.values)
        hashed = {int: numbers, float: numbers} | ({} if dates else {str: texts})
        object.__setattr__(self, "hashed", hashed)


def described(value: Any) -> str:
    """Return a value with its kind, for a message.

    >>> described("Ising"), described(3)
    ("'Ising' (text)", '3 (a number)')
    """
    value = from_plain(value) if type(value) in (list, dict) else plain(value)
    return f"{shortened(value, 40)} ({_KINDS.get(type(value)) or with_article(type(value).__name__)})"


def _ways(*values: Any) -> list[str]:
    kinds = [type(plain(value)) for value in values]
    if list in kinds or any(getattr(plain(value), "ndim", 0) for value in values):
        return ["Name one item of a list by its path: `results/E/0`, in Python P['results/E/0']."]
    if dict in kinds:
        return ["Name a value in a branch by its path: `layout/N`, in Python P['layout/N']."]
    return []


# The two evaluators


class Single:
    """The values of one measurement or parameter set."""

    def __init__(self, lookup: Lookup, subject: Any = None) -> None:
        self._lookup, self._subject = lookup, subject

    def name(self, name: str) -> Any:
        """Return the value of a name."""
        try:
            return self._lookup(name)
        except KeyError:
            return NOTHING

    def constant(self, value: Any) -> Any:
        """Return a constant."""
        return value

    def apply(self, operation: str, *values: Any) -> Any:
        """Return what an operation makes of values."""
        return OPERATIONS[operation](*values)

    def function(self, function: Callable[[Any], Any]) -> bool:
        """Return what a function returns for the measurement or parameter set, as true or false."""
        if self._subject is None:
            raise ConditionError(
                "A function of a measurement cannot be applied to values alone.",
                expected="a measurement or a parameter set",
            )
        answer = plain(function(self._subject))
        hint = "."
        try:
            # A function that lacks a `return` returns None, and bool(nan) is True.
            if not same.is_null(answer):
                return bool(answer)
            if answer is None:
                hint = "; check whether a return is missing, and put a value that may be None into bool(...)."
        except (TypeError, ValueError):
            pass
        raise ConditionError(
            f"The function returned {shortened(answer)}{hint}", expected="one answer, True or False"
        )


class Arrays:
    """The values of many measurements, or of the cells of an array."""

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self._columns = columns

    def name(self, name: str) -> Array:
        """Return the array of a name."""
        column: Array = self._columns[name]
        return column

    def constant(self, value: Any) -> Array:
        """Return a constant as an array without dims."""
        return _cell(value)

    def apply(self, operation: str, *arrays: Array) -> Array:
        """Return what an operation makes of arrays."""
        import numpy as np

        with np.errstate(all="ignore"):
            quick = _quick(operation, *arrays)
            if quick is not None:
                return quick
            out = np.empty(np.broadcast_shapes(*[array.shape for array in arrays]), dtype=object)
            # NumPy looks at the processor's flags for the NaN that Python's own numbers leave behind.
            np.frompyfunc(OPERATIONS[operation], len(arrays), 1)(*arrays, out=out)
        return out if operation in _VALUES else out.astype(bool)

    def function(self, function: Callable[[Any], Any]) -> Array:
        """Raise: arrays have no measurement to call a function with."""
        name = getattr(function, "__name__", repr(function))
        raise ConditionError(
            f"The function '{name}' needs one measurement or parameter set at a time; it was given arrays.",
            ways=["Write the condition with P or as text."],
        )


def answer(node: Any, values: Single | Arrays) -> Any:
    """Return what a node of a condition makes of values."""
    operation, arguments = node._operation, node._arguments
    if operation == "name":
        return values.name(*arguments)
    if operation == "constant":
        return values.constant(*arguments)
    try:
        if operation == "function":
            return values.function(*arguments)
        return values.apply(operation, *[answer(argument, values) for argument in arguments])
    except ConditionError as error:
        # The innermost operation is the one that failed.
        error.excerpt = error.excerpt or node._excerpt()
        raise


def _cell(value: Any) -> Array:
    import numpy as np

    array = np.array(value) if type(value) in _DOUBLES else np.empty((), dtype=object)
    array[()] = value
    return array


def _quick(operation: str, *arrays: Array) -> Array | None:
    """Return what NumPy makes of arrays where it follows the same rules; None where it does not."""
    import numpy as np

    a = arrays[0]
    if operation in ("and", "or"):
        joined: Array = functools.reduce(operator.and_ if operation == "and" else operator.or_, arrays)
        return joined
    if operation == "not":
        return ~a
    if operation == "true" and a.dtype.kind == "b":
        return a
    if operation == "isnull" and a.dtype.kind in "fc":
        return np.isnan(a)
    if operation == "in" and _is_numeric(a):
        choices: list[Any] = arrays[1].item().values
        equal = [Arrays({}).apply("==", a, _cell(choice)) for choice in choices[: _FEW + 1]]
        return np.asarray(np.logical_or.reduce(equal)) if 0 < len(choices) <= _FEW else None
    if not all(map(_is_numeric, arrays)):
        return None
    if operation in _ARITHMETIC or operation in _UNARY:
        doubles = [array.astype(np.float64) for array in arrays]
        if operation in DIVISIONS and not doubles[1].all():
            warn(_DIVIDED)
        return np.asarray((_ARITHMETIC.get(operation) or _UNARY[operation])(*doubles))
    if operation not in COMPARISONS or not _are_exact(arrays):
        return None
    if operation in same.ORDER:
        return np.asarray(same.ORDER[operation](*arrays))
    b = arrays[1]
    same_values: Array = np.asarray(a == b) | ((a != a) & (b != b))  # noqa: PLR0124
    return same_values if operation == "==" else ~same_values


def _is_numeric(array: Array) -> bool:
    return array.dtype.kind in "iuf"


def _are_exact(arrays: Sequence[Array]) -> bool:
    """Whether NumPy compares two arrays of numbers exactly."""
    ints = [array for array in arrays if array.dtype.kind != "f"]
    return len(ints) != 1 or bool(ints[0].max(initial=0) <= _EXACT and ints[0].min(initial=0) >= -_EXACT)


def _as_column(values: Any) -> Array:
    """Return values of any kind of array as an array of NumPy."""
    import numpy as np

    if isinstance(values, (list, tuple)):
        is_double = set(map(type, values)) == {float}
        return np.array(values) if is_double else np.fromiter(values, dtype=object, count=len(values))
    if values is NOTHING:
        return _cell(NOTHING)
    if hasattr(values, "to_numpy") and not isinstance(values.dtype, np.dtype):
        # One of pandas' own types, which have a missing value of their own.
        return np.asarray(values.to_numpy(dtype=object, na_value=math.nan))
    array: Array = np.asarray(values)
    if array.dtype.kind == "f" and array.dtype.itemsize <= 8:
        return array.astype(np.float64, copy=False)
    if array.dtype.kind in "fmMV":
        # As objects of Python, times of nanoseconds would become ints, and items with fields tuples.
        return np.fromiter(array.ravel(), dtype=object, count=array.size).reshape(array.shape)
    return array


def over_columns(kernel: Callable[..., Array], columns: Sequence[Any]) -> Any:
    """Return what a function of NumPy arrays makes of columns, as a DataArray, Series or array like these.

    Chunked DataArrays stay lazy.
    """
    import numpy as np

    def call(*arrays: Any) -> Array:
        return np.asarray(kernel(*map(_as_column, arrays)))

    # Only something that imported xarray or pandas can have made one of their arrays.
    xarray: Any = sys.modules.get("xarray")
    if xarray is not None and any(isinstance(column, xarray.DataArray) for column in columns):
        # xarray would read a missing column as one that has dims.
        wrapped = [xarray.DataArray(_cell(c)) if c is NOTHING else c for c in columns]
        options = {"dask": "parallelized", "output_dtypes": [bool], "keep_attrs": False}
        return xarray.apply_ufunc(call, *wrapped, **options).rename(None)
    pandas: Any = sys.modules.get("pandas")
    series = [c for c in columns if pandas is not None and isinstance(c, pandas.Series)]
    if not series:
        return call(*columns)
    index = series[0].index
    if not all(other.index.equals(index) for other in series):
        raise ConditionError("The columns have different indexes.", expected="columns of one DataFrame")
    return pandas.Series(call(*columns), index=index)

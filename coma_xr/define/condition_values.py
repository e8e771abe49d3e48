"""What conditions do with values: one by one (`Scalars`) or with whole arrays (`Arrays`), by the same rules.

Nodes of a condition ask one of the two, which have the same methods; arrays of numbers are compared by
NumPy, all else item by item with the functions that single values are compared with.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import math
import operator
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from coma_xr.define.values import NOTHING
from coma_xr.same import equal, key
from coma_xr.tree import is_typed
from coma_xr.values.plain import from_plain

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

__all__ = [
    "Algebra",
    "Arrays",
    "Lookup",
    "Mismatch",
    "Scalars",
    "arithmetic",
    "over_columns",
]

Lookup = Callable[[str], Any]


class Mismatch(TypeError):
    """Values that cannot be compared or calculated with."""


_KINDS: Final = {
    int: "a number",
    float: "a number",
    str: "text",
    bool: "a bool",
    list: "a list",
    dict: "a branch",
}
_NUMBERS = frozenset({int, float})
_SINGLE = frozenset({int, float, str})

_ORDER: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ARITHMETIC: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}
_UNARY: Final[dict[str, Callable[[Any], Any]]] = {"-": operator.neg, "abs": operator.abs}

# Beyond this, a float does not tell two ints apart.
_EXACT = 2**53

# So few choices are compared one after the other.
_FEW = 16


def _plain(value: Any) -> Any:
    """Return a value without NumPy's and pandas' clothes, and without those of a file."""
    if type(value) in _KINDS or value is None or value is NOTHING:
        return from_plain(value) if is_typed(value) else value
    if type(value).__name__ in {"NAType", "NaTType"}:
        return None
    dtype = getattr(value, "dtype", None)
    if getattr(value, "ndim", None) == 0 and getattr(dtype, "kind", "") in "biufU":
        return value.item()
    return value


def _described(value: Any) -> str:
    text = repr(value)
    kind = _KINDS.get(type(value), f"of type {type(value).__name__}")
    return f"{text if len(text) <= 40 else text[:37] + '...'} ({kind})"


def _hint(*values: Any) -> str:
    if any(isinstance(value, list) or getattr(value, "ndim", 0) for value in values):
        return " One item of a list is named by its place, as in P['results/E/0']."
    if any(isinstance(value, dict) for value in values):
        return " A value in a branch is named by its path, as in P['layout/N']."
    return ""


def _is_null(value: Any) -> bool:
    value = _plain(value)
    if value is None or value is NOTHING:
        return True
    return bool(type(value) in {float, complex} and value != value)  # noqa: PLR0124


def _same(a: Any, b: Any) -> bool:
    if type(a) in _SINGLE and type(b) in _SINGLE:
        return bool(a == b or (a != a and b != b))  # noqa: PLR0124
    a, b = _plain(a), _plain(b)
    if a is NOTHING or b is NOTHING:
        return False
    if _is_plain(a) and _is_plain(b):
        return equal(a, b)
    # Such as dates and complex numbers.
    a, b = _as_dates(a, b)
    alike = a == b or (a != a and b != b)  # noqa: PLR0124
    return alike if type(alike) is bool else False


def _is_plain(value: Any) -> bool:
    """Whether a value can be a parameter or, as an array, be made one."""
    return type(value) in _KINDS or value is None or type(value) is tuple or hasattr(value, "dtype")


def _as_dates(a: Any, b: Any) -> tuple[Any, Any]:
    """Return a date, or date and time, and a text beside it as two of the same type, where it says one."""
    try:
        if type(b) is str and isinstance(a, dt.date):
            return a, type(a).fromisoformat(b)
        if type(a) is str and isinstance(b, dt.date):
            return type(b).fromisoformat(a), b
    except ValueError:
        pass
    return a, b


def _compare(sign: str, a: Any, b: Any) -> bool:
    if sign == "==":
        return _same(a, b)
    if sign == "!=":
        return not _same(a, b)
    a, b = _plain(a), _plain(b)
    if _is_null(a) or _is_null(b):
        return False
    if (type(a) in _NUMBERS and type(b) in _NUMBERS) or type(a) is type(b) is str:
        return bool(_ORDER[sign](a, b))
    first, second = _as_dates(a, b)
    if isinstance(first, dt.date) and isinstance(second, dt.date):
        # Python does not compare a day with a time, nor local time with that of a zone.
        with contextlib.suppress(TypeError):
            return bool(_ORDER[sign](first, second))
    raise Mismatch(
        f"{_described(a)} and {_described(b)} have no order. Numbers are compared with numbers, "
        f"text with text, dates with dates such as '2026-01-31'.{_hint(a, b)}"
    )


def _double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _operand(value: Any, sign: str) -> float | None:
    value = _plain(value)
    if type(value) in _NUMBERS:
        return _double(value)
    if value is None or value is NOTHING:
        return None
    raise Mismatch(f"{sign} is for numbers, not for {_described(value)}.{_hint(value)}")


def arithmetic(sign: str, a: Any, b: Any) -> Any:
    """Return what two numbers make, in double precision; `NOTHING` where one is missing or None.

    Raises
    ------
    Mismatch
        For what is no number.

    Examples
    --------
    >>> arithmetic("/", 1, 0), arithmetic("+", 1, None)
    (inf, NOTHING)
    """
    x, y = _operand(a, sign), _operand(b, sign)
    if x is None or y is None:
        return NOTHING
    try:
        result = _ARITHMETIC[sign](x, y)
    except (ZeroDivisionError, OverflowError):
        return _as_numpy(sign, x, y)
    # A root of a negative number is complex in Python.
    return result if type(result) is float else math.nan


def _as_numpy(sign: str, x: float, y: float) -> float:
    import numpy as np

    with np.errstate(all="ignore"):
        return float(_ARITHMETIC[sign](np.float64(x), np.float64(y)))


def _unary(sign: str, a: Any) -> Any:
    x = _operand(a, sign)
    return NOTHING if x is None else _UNARY[sign](x)


def _text(a: Any, method: str) -> str | None:
    a = _plain(a)
    if type(a) is str:
        return a
    if _is_null(a):
        return None
    raise Mismatch(f".{method}() is for text, not for {_described(a)}.")


def _text_of(method: str, a: Any) -> Any:
    text = _text(a, method)
    if text is None:
        return NOTHING
    return text.lower() if method == "lower" else text.upper()


def _text_test(method: str, part: str, a: Any) -> bool:
    text = _text(a, method)
    if text is None:
        return False
    if method == "startswith":
        return text.startswith(part)
    return text.endswith(part) if method == "endswith" else part in text


def _one_of(choices: Sequence[Any], keys: frozenset[Any], a: Any) -> bool:
    a = _plain(a)
    if a is NOTHING:
        return False
    return key((a,))[0] in keys if _is_plain(a) else any(_same(a, choice) for choice in choices)


def _close(rtol: float, atol: float, a: Any, b: Any) -> bool:
    x, y = _operand(a, ".close()"), _operand(b, ".close()")
    return x is not None and y is not None and math.isclose(x, y, rel_tol=rtol, abs_tol=atol)


def _truth(a: Any) -> bool:
    a = _plain(a)
    if type(a) is bool:
        return a
    if _is_null(a):
        return False
    raise Mismatch(
        f"a name alone is a condition where it is True or False, not where it is {_described(a)}; compare it."
    )


class Scalars:
    """The values of one measurement or parameter set.

    Parameters
    ----------
    lookup : callable
        Returns the value of a name or path; `NOTHING`, or a KeyError, when there is none.
    subject : Measurement or ParameterSet, optional
        What functions are called with.
    """

    def __init__(self, lookup: Lookup, subject: Any = None) -> None:
        self._lookup, self._subject = lookup, subject

    def value(self, name: str) -> Any:
        """Return the value of a name."""
        try:
            return self._lookup(name)
        except KeyError:
            return NOTHING

    def constant(self, value: Any) -> Any:
        """Return a constant."""
        return value

    arithmetic = staticmethod(arithmetic)
    unary = staticmethod(_unary)
    text_of = staticmethod(_text_of)
    compare = staticmethod(_compare)
    is_null = staticmethod(_is_null)
    truth = staticmethod(_truth)
    negation = staticmethod(operator.not_)

    def one_of(self, a: Any, choices: Sequence[Any], keys: frozenset[Any]) -> bool:
        """Whether a value is one of some."""
        return _one_of(choices, keys, a)

    def close(self, a: Any, b: Any, rtol: float, atol: float) -> bool:
        """Whether two numbers hardly differ."""
        return _close(rtol, atol, a, b)

    def text_test(self, method: str, a: Any, part: str) -> bool:
        """Whether a text has a part at its start, at its end or anywhere."""
        return _text_test(method, part, a)

    def function(self, function: Callable[[Any], Any]) -> bool:
        """Return what a user's function says of the measurement or parameter set."""
        if self._subject is None:
            raise Mismatch("a function needs the measurement or parameter set itself, not only values.")
        answer = _plain(function(self._subject))
        hint = ", which is neither true nor false."
        try:
            # What a function returns that lacks a `return` is no answer.
            if answer is not None:
                return bool(answer)
            hint = ". Is a return missing? What may be None goes into bool(...)."
        except (TypeError, ValueError):
            pass
        raise Mismatch(f"the function returns True or False, here it returned {_described(answer)}{hint}")


class Arrays:
    """The values of many measurements, or of the cells of an array.

    Parameters
    ----------
    columns : mapping of str to array
        NumPy arrays of shapes that broadcast, by name.
    """

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self._columns = columns

    def value(self, name: str) -> Array:
        """Return the array of a name."""
        column: Array = self._columns[name]
        return column

    def constant(self, value: Any) -> Array:
        """Return a constant as an array without dims."""
        import numpy as np

        if type(value) in _NUMBERS:
            return np.array(value)
        array = np.empty((), dtype=object)
        array[()] = value
        return array

    def arithmetic(self, sign: str, a: Array, b: Array) -> Array:
        """Return what numbers make, in double precision."""
        import numpy as np

        if _is_numeric(a) and _is_numeric(b):
            with np.errstate(all="ignore"):
                result: Array = np.asarray(_ARITHMETIC[sign](a.astype(np.float64), b.astype(np.float64)))
            return result
        return _each(functools.partial(arithmetic, sign), a, b)

    def unary(self, sign: str, a: Array) -> Array:
        """Return negative or absolute numbers, in double precision."""
        import numpy as np

        if _is_numeric(a):
            return np.asarray(_UNARY[sign](a.astype(np.float64)))
        return _each(functools.partial(_unary, sign), a)

    def text_of(self, method: str, a: Array) -> Array:
        """Return texts in lower or upper case."""
        return _each(functools.partial(_text_of, method), a)

    def compare(self, sign: str, a: Array, b: Array) -> Array:
        """Return where a comparison holds."""
        import numpy as np

        if not _compare_as_numpy(a, b):
            return _where(functools.partial(_compare, sign), a, b)
        if sign in _ORDER:
            return np.asarray(_ORDER[sign](a, b))
        same: Array = np.asarray(a == b) | ((a != a) & (b != b))  # noqa: PLR0124
        return same if sign == "==" else ~same

    def one_of(self, a: Array, choices: Sequence[Any], keys: frozenset[Any]) -> Array:
        """Return where values are one of some."""
        if _is_numeric(a) and 0 < len(choices) <= _FEW:
            found = [self.compare("==", a, self.constant(choice)) for choice in choices]
            same: Array = functools.reduce(operator.or_, found)
            return same
        return _where(functools.partial(_one_of, choices, keys), a)

    def close(self, a: Array, b: Array, rtol: float, atol: float) -> Array:
        """Return where numbers hardly differ."""
        import numpy as np

        if not (_is_numeric(a) and _is_numeric(b)):
            return _where(functools.partial(_close, rtol, atol), a, b)
        x, y = a.astype(np.float64), b.astype(np.float64)
        with np.errstate(all="ignore"):
            near = np.abs(x - y) <= np.maximum(rtol * np.maximum(np.abs(x), np.abs(y)), atol)
        return np.asarray((near & np.isfinite(x) & np.isfinite(y)) | (x == y))

    def is_null(self, a: Array) -> Array:
        """Return where values are missing, None or NaN."""
        import numpy as np

        if a.dtype.kind in "fc":
            return np.isnan(a)
        return _where(_is_null, a)

    def text_test(self, method: str, a: Array, part: str) -> Array:
        """Return where texts have a part."""
        return _where(functools.partial(_text_test, method, part), a)

    def truth(self, a: Array) -> Array:
        """Return where values are True."""
        return a if a.dtype.kind == "b" else _where(_truth, a)

    def negation(self, a: Array) -> Array:
        """Return where a condition does not hold."""
        return ~a

    def function(self, function: Callable[[Any], Any]) -> Array:
        """Raise: whole arrays have no measurement to call a function with."""
        raise Mismatch(
            f"the function '{getattr(function, '__name__', function)}' is called with one measurement or "
            "parameter set at a time, not with arrays; write the condition with P or as text."
        )


# What the nodes of a condition ask.
Algebra = Scalars | Arrays


def _is_numeric(array: Array) -> bool:
    return array.dtype.kind in "iuf"


def _compare_as_numpy(a: Array, b: Array) -> bool:
    """Whether NumPy compares two arrays exactly."""
    if not (_is_numeric(a) and _is_numeric(b)):
        return False
    if (a.dtype.kind == "f") == (b.dtype.kind == "f"):
        return True
    ints = b if a.dtype.kind == "f" else a
    return bool(ints.max(initial=0) <= _EXACT and ints.min(initial=0) >= -_EXACT)


def _each(function: Callable[..., Any], *arrays: Array) -> Array:
    """Return the values that a function makes of the items of arrays."""
    import numpy as np

    out = np.empty(np.broadcast_shapes(*[array.shape for array in arrays]), dtype=object)
    # NumPy looks at the processor's flags for the NaN that Python's own numbers leave behind.
    with np.errstate(all="ignore"):
        np.frompyfunc(function, len(arrays), 1)(*arrays, out=out)
    return out


def _where(function: Callable[..., bool], *arrays: Array) -> Array:
    return _each(function, *arrays).astype(bool)


def _as_column(values: Any) -> Array:
    """Return values of any kind of array as an array of NumPy."""
    import numpy as np

    if isinstance(values, (list, tuple)):
        kinds = set(map(type, values))
        if kinds == {float}:
            return np.array(values)
        return np.fromiter(values, dtype=object, count=len(values))
    if values is NOTHING:
        return Arrays({}).constant(NOTHING)
    if hasattr(values, "to_numpy") and not isinstance(values.dtype, np.dtype):
        # One of pandas' own types, which have a missing value of their own.
        return np.asarray(values.to_numpy(dtype=object, na_value=None))
    array: Array = np.asarray(values)
    if array.dtype.kind == "f":
        return array.astype(np.float64, copy=False)
    if array.dtype.kind in "mM":
        # Times of nanoseconds would become ints.
        return array.astype(f"{array.dtype.kind}8[us]").astype(object)
    return array


def over_columns(kernel: Callable[..., Array], columns: Sequence[Any]) -> Any:
    """Return what a function of NumPy arrays makes of columns, in the form of these.

    Parameters
    ----------
    kernel : callable
        Gets one NumPy array for each column; their shapes broadcast. Returns an array of bool.
    columns : sequence
        DataArrays (chunked ones stay lazy), Series of one index, arrays or lists.

    Returns
    -------
    DataArray, Series or ndarray of bool
    """
    import numpy as np

    def call(*arrays: Any) -> Array:
        return np.asarray(kernel(*map(_as_column, arrays)))

    # An array of xarray or pandas can only be there when something imported it.
    xarray: Any = sys.modules.get("xarray")
    if xarray is not None and any(isinstance(column, xarray.DataArray) for column in columns):
        return _over_data_arrays(call, columns)
    pandas: Any = sys.modules.get("pandas")
    series = [c for c in columns if pandas is not None and isinstance(c, pandas.Series)]
    if not series:
        return call(*columns)
    index = series[0].index
    if not all(other.index.equals(index) for other in series):
        raise Mismatch("the columns have different indexes.")
    return pandas.Series(call(*columns), index=index)


def _over_data_arrays(kernel: Callable[..., Array], columns: Sequence[Any]) -> Any:
    import xarray as xr

    # A missing column would be taken for one with dims.
    wrapped = [xr.DataArray(_as_column(c)) if c is NOTHING else c for c in columns]
    return xr.apply_ufunc(
        kernel, *wrapped, dask="parallelized", output_dtypes=[bool], keep_attrs=False
    ).rename(None)

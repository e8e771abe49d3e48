"""Dates and durations as arrays whose unit is chosen from the values, so that none of them is cut off or wraps around."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

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
    and NA become NaT. Where no unit holds all values, the array has objects.

    Examples
    --------
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

    Examples
    --------
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

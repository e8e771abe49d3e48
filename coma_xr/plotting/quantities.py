"""The values of a variable as numbers on an axis or in a palette, and what the numbers mean."""

from __future__ import annotations

import datetime as dt
import math
import numbers
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from coma_xr.errors import LayoutError, Way
from coma_xr.plotting.arguments import is_moment
from coma_xr.same import equal, near
from coma_xr.text import listing
from coma_xr.text import numbers as text_of_numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

Type = Literal["number", "date", "name"]

# In ns, the longest first.
DURATION_UNITS = {"d": 86400e9, "h": 3600e9, "min": 60e9, "s": 1e9, "ms": 1e6, "µs": 1e3, "ns": 1.0}

DATES = (dt.date, np.datetime64, pd.Period)
DURATIONS = (dt.timedelta, np.timedelta64)

# Labels that are not numbers; a column of codes holds places in this list, 0 for ordinary values.
NO_NUMBERS: tuple[Any, ...] = ("", None, math.nan, pd.NaT, pd.NA, math.inf, -math.inf)
NO_NUMBER_TEXTS = ("", "None", "NaN", "NaT", "NA", "inf", "-inf")

# Steps and margins of larger numbers are beyond the range of floats.
LARGEST = 1e307

# A linear axis of smaller numbers shows them as zeros.
SMALLEST = 1e-286


@dataclass(frozen=True)
class Quantity:
    """A variable as numbers, of dates matplotlib's days and of names their places in `categories`, and what they mean."""

    name: str
    type: Type
    values: xr.Variable
    categories: tuple[Any, ...] = ()
    # Those that the conversion gave: of differences of times, and UTC of times with a zone.
    units: str | None = None
    # For each value the place in `NO_NUMBERS`; None when all are ordinary.
    codes: xr.Variable | None = None
    # Places that were given to labels that are not numbers, with their place in `NO_NUMBERS`.
    places: tuple[tuple[float, int], ...] = ()
    # What the names are, if they have distances that no axis of matplotlib can show.
    fault: str = ""

    def value(self, number: float) -> Any:
        """Return what a number stands for."""
        if number in dict(self.places):
            return NO_NUMBERS[dict(self.places)[number]]
        if self.type == "name":
            return self.categories[int(number)]
        if self.type == "date":
            from matplotlib.dates import num2date

            return num2date(number).replace(tzinfo=None)  # type: ignore[no-untyped-call]
        return number

    def number(self, value: Any) -> float:
        """Return the number that stands for a value.

        Raise TypeError or ValueError when there is none.
        """
        if self.type == "date":
            from matplotlib.dates import date2num

            if not isinstance(value, (dt.date, np.datetime64, str)):
                raise TypeError(value)
            stamp = pd.to_datetime(value, utc=True).tz_localize(None)
            number = float(date2num(stamp))  # type: ignore[no-untyped-call]
        elif isinstance(value, DURATIONS) and self.units in DURATION_UNITS:
            number = float(_seconds(value)) * 1e9 / DURATION_UNITS[str(self.units)]
        elif is_moment(value):
            raise TypeError(value)
        else:
            number = float(value)
        if not math.isfinite(number):
            raise ValueError(number)
        return number

    def values_at(self, levels: Sequence[float]) -> list[Any]:
        """Return what numbers stand for."""
        return [self.value(level) for level in levels]

    @property
    def contents(self) -> str:
        """The kind of these values, in the plural."""
        if self.type == "date":
            return "dates with a time zone" if self.units == "UTC" else "dates"
        return "durations" if self.units in DURATION_UNITS else f"{self.type}s"

    @property
    def is_bool(self) -> bool:
        """Whether the names are False and True."""
        return self.categories[:2] == (False, True) and isinstance(self.categories[0], bool)

    def as_number(self) -> Quantity:
        """Return 0 and 1 instead of the names False and True; others as they are."""
        return replace(self, type="number", categories=()) if self.is_bool else self

    def as_names(self) -> Quantity:
        """Return numbers and dates as names, in ascending order."""
        if self.type == "name":
            return self
        finite = np.isfinite(self.values.values)
        levels, inverse = np.unique(self.values.values[finite], return_inverse=True)
        places = np.full(self.values.shape, np.nan)
        places[finite] = inverse
        categories = tuple(self.value(level) for level in levels.tolist())
        return replace(self, type="name", values=xr.Variable(self.values.dims, places), categories=categories)

    def in_order(self, order: Sequence[Any]) -> Quantity:
        """Return names in the order given, those that it lacks behind the others."""
        names = self.as_names()
        places = [place for value in order if (place := names.place_of(value)) is not None]
        first = [names.categories[int(place)] for place in places]
        return names.within(tuple(dict.fromkeys([*first, *names.categories])))

    def place_of(self, value: Any, levels: Sequence[float] | None = None) -> float | None:
        """Return the one of some numbers, by default the places of all names, that stands for a value of the user's.

        Return None when none does.
        """
        levels = range(len(self.categories)) if levels is None else levels
        if code := _code_of(value):
            places = {_code_of(category): float(at) for at, category in enumerate(self.categories)}
            places |= {other: place for place, other in self.places}
            # NaN, NaT and NA are one missing value.
            codes = (code, 2, 3, 4) if code in {2, 3, 4} else (code,)
            return next((places[code] for code in codes if places.get(code) in levels), None)
        if self.type != "name":
            return self._nearest(value, {level: level for level in levels if level not in dict(self.places)})
        ordinary = {at: self.value(at) for at in levels if not _code_of(self.value(at))}
        for kind, type in (("date", dt.datetime), ("number", float)):
            if ordinary and all(isinstance(category, type) for category in ordinary.values()):
                scale = replace(self, type=kind)  # type: ignore[arg-type]
                return scale._nearest(value, {at: scale.number(label) for at, label in ordinary.items()})
        exact = [at for at, category in ordinary.items() if equal(category, value)]
        if not exact and not isinstance(value, (bool, np.bool_)):
            exact = [at for at, category in ordinary.items() if str(category) == str(_name_of(value))]
        return exact[0] if exact else None

    def _nearest(self, value: Any, numbers_at: Mapping[float, float]) -> float | None:
        """Return where a number or date is among some, apart from rounding."""
        is_zoned = getattr(value, "tzinfo", None) is not None
        is_text = isinstance(value, str) and (self.type == "number" or value[:1].isdigit())
        if isinstance(value, (bool, np.bool_)) or (isinstance(value, str) and not is_text):
            return None
        if isinstance(value, dt.datetime) and self.type == "date" and is_zoned is not (self.units == "UTC"):
            return None
        try:
            wanted = self.number(value)
        except (TypeError, ValueError, OverflowError):
            return None
        if (
            exact := next((at for at, level in numbers_at.items() if equal(level, wanted)), None)
        ) is not None:
            return exact
        is_near = _is_near_date if self.type == "date" else near
        nearby = {at: abs(level - wanted) for at, level in numbers_at.items() if is_near(level, wanted)}
        return min(nearby, key=nearby.__getitem__, default=None)

    def texts(self) -> list[str]:
        """Return the values as messages name them, in their order."""
        names = self.as_names()
        return names.texts_at(range(len(names.categories)))

    def texts_at(self, levels: Sequence[float]) -> list[str]:
        """Return what numbers stand for as messages name it."""
        values = self.values_at(levels)
        floats = [value for value in values if isinstance(value, float)]
        texts: dict[Any, str] = dict(zip(floats, text_of_numbers(floats), strict=True))
        texts |= texts_of_dates(values)
        return [texts.get(value) or _text_of_label(value) for value in values]

    def labels(self) -> tuple[list[str], str]:
        """Return the text of each value, in their order, and the units that they have."""
        values = self.values.values.tolist()
        codes = [0] * len(values) if self.codes is None else self.codes.values.tolist()
        levels = sorted({value for value, code in zip(values, codes, strict=True) if not code})
        texts = dict(zip(levels, self.texts_at(levels), strict=True))
        labels = [
            NO_NUMBER_TEXTS[code] if code else texts[value] for value, code in zip(values, codes, strict=True)
        ]
        return labels, self.units or ""

    def within(self, categories: tuple[Any, ...]) -> Quantity:
        """Return names with their places in other categories, which include their own."""
        places = np.array([*(categories.index(value) for value in self.categories), np.nan])
        codes = np.where(np.isnan(self.values.values), -1, self.values.values).astype(np.intp)
        return replace(self, values=xr.Variable(self.values.dims, places[codes]), categories=categories)

    def in_units(self, units: str) -> Quantity:
        """Return durations in other units."""
        factor = DURATION_UNITS[str(self.units)] / DURATION_UNITS[units]
        places = tuple((place * factor, code) for place, code in self.places)
        return replace(self, values=self.values * factor, units=units, places=places)

    def in_short_units(self) -> Quantity:
        """Return durations that are labels in the longest units in which none has more than two decimals."""
        known = list(DURATION_UNITS)
        for units in known[known.index(self.units) :] if self.units in known else ():
            durations = self.in_units(units)
            values = durations.values.values[np.isfinite(durations.values.values)]
            if np.allclose(values, np.round(values, 2), rtol=1e-9, atol=0):
                return durations
        return self


# The axis of a histogram that shows no variable.
COUNT = Quantity("count", "number", xr.Variable((), math.nan))


def quantity(name: str, variable: xr.Variable) -> Quantity:
    """Return the values of a variable as numbers.

    Raise LayoutError when they have no place on an axis or in a palette.
    """
    dims, dtype = variable.dims, variable.dtype
    array = np.asarray(variable.values)
    if isinstance(dtype, pd.CategoricalDtype):
        return _names(name, dims, array.astype(object), dtype.categories.tolist())
    kind = array.dtype.kind
    if kind in "iuf":
        floats = array.astype(np.float64)
        if array.dtype.itemsize < 8 and kind == "f":
            # The nearest short decimal, which is what was meant: 0.1 and not 0.10000000149.
            floats = np.array([float(str(value)) for value in array.ravel()]).reshape(array.shape)
        return Quantity(name, "number", xr.Variable(dims, floats), codes=_codes(dims, floats))
    if kind == "M":
        return _dates(name, dims, array)
    if kind == "m":
        return _durations(name, dims, np.asarray(_seconds(array)), _codes(dims, array))
    return _of_objects(name, dims, array.astype(object))


def together(quantities: Sequence[Quantity]) -> list[Quantity]:
    """Return quantities that share an axis, with the same categories.

    Raise LayoutError when one axis cannot hold them all.
    """
    if len({quantity.type for quantity in quantities} | {quantity.units for quantity in quantities}) > 2:
        quantities = [quantity.as_number() for quantity in quantities]
    types = {quantity.name: quantity.type for quantity in quantities}
    if len(set(types.values())) > 1:
        contents = listing(f"{name} holds {type}s" for name, type in types.items())
        raise LayoutError(
            f"One axis cannot show all variables: {contents}.",
            ways=[
                Way(
                    "Draw each in a panel of its own: row='variable'. Or plot them one by one, with ax=.",
                    "Draw each in a panel of its own: --row variable. Or plot them one by one.",
                )
            ],
        )
    units = {quantity.units for quantity in quantities}
    if len(units) > 1 and units <= {*DURATION_UNITS}:
        longest = next(name for name in DURATION_UNITS if name in units)
        quantities = [quantity.in_units(longest) for quantity in quantities]
    elif len(units) > 1:
        is_dates = "UTC" in units
        kinds = ("dates with a time zone", "dates without one") if is_dates else ("durations", "numbers")
        contents = listing(
            f"{quantity.name} holds {kinds[quantity.units is None]}" for quantity in quantities
        )
        way = (
            "Give all dates a time zone, or none."
            if is_dates
            else "Divide durations by np.timedelta64(1, 's')."
        )
        raise LayoutError(f"One axis cannot show all variables: {contents}.", ways=[way])
    categories = tuple(dict.fromkeys(value for quantity in quantities for value in quantity.categories))
    return [quantity.within(categories) for quantity in quantities] if categories else list(quantities)


def _of_objects(name: str, dims: Any, array: NDArray[Any]) -> Quantity:
    """Return objects by what they are, all of them."""
    existing = [value for value in array.ravel().tolist() if not _code_of(value)]
    if all(isinstance(value, (bool, np.bool_)) for value in existing) and existing:
        return _names(name, dims, array, [False, True])
    if any(isinstance(value, (complex, np.complexfloating)) for value in existing):
        ways = [Way(f"Plot a part of it: ds.assign(part=ds[{name!r}].real), or .imag, or abs().", "")]
        raise LayoutError(f"{name!r} is complex.", ways=ways)
    is_index = all(isinstance(value, tuple) for value in existing)
    if any(isinstance(value, (list, tuple, dict, set, np.ndarray)) for value in existing) and not is_index:
        ways = [
            Way(
                f"Make them a dim: to_dataset(unfold={{{name!r}: ...}}).",
                f"Make them a dim: coma-xr annotate DIR {name} --dims NAME.",
            )
        ]
        raise LayoutError(f"The cells of {name!r} hold lists or dictionaries.", ways=ways)
    codes = _codes(dims, array)
    unitless = [_is_number(value) for value in existing]
    if all(unitless):
        floats = [_float(name, value) for value in array.ravel().tolist()]
        return Quantity(name, "number", xr.Variable(dims, np.reshape(floats, array.shape)), codes=codes)
    if all(isinstance(value, DATES) for value in existing):
        zoned = {getattr(value, "tzinfo", None) is not None for value in existing}
        if len(zoned) > 1:
            fault = f"{name!r} holds dates with a time zone and dates without one."
            raise LayoutError(fault, ways=["Give all dates a time zone, or none."])
        units = "UTC" if True in zoned else None
        return replace(_dates(name, dims, _stamps(array)), codes=codes, units=units)
    if all(isinstance(value, DURATIONS) for value in existing) and not any(unitless):
        seconds = [np.nan if _code_of(value) else _seconds(value) for value in array.ravel().tolist()]
        return _durations(name, dims, np.reshape(seconds, array.shape), codes)
    fault = _without_scale(existing)
    return replace(_names(name, dims, array, sorted({*existing}) if fault else ()), fault=fault)


def _without_scale(values: Sequence[Any]) -> str:
    """Return what values are that have an order and distances, but no axis; empty for others."""
    if values and all(isinstance(value, dt.time) and value.tzinfo is None for value in values):
        return "times of day"
    calendars = {getattr(value, "calendar", None) for value in values}
    # The dates of cftime.
    return (
        f"dates of the calendar {calendars.pop()!r}" if len(calendars) == 1 and None not in calendars else ""
    )


def _is_number(value: Any) -> bool:
    """Return whether a value is drawn as a number; NumPy counts each duration as one."""
    is_duration = isinstance(value, np.timedelta64)
    return is_unitless(value) if is_duration else isinstance(value, (numbers.Real, Decimal))


def is_unitless(value: Any) -> bool:
    """Return whether a value is a duration without a unit, which pandas and xarray do not know."""
    return isinstance(value, np.timedelta64) and value.dtype == "m8"


def _is_near_date(a: float, b: float) -> bool:
    """Return whether two dates of matplotlib are the same to a microsecond, or as far as floats have it."""
    return math.isclose(a, b, rel_tol=1e-15, abs_tol=1e-11)


def texts_of_dates(values: Iterable[Any]) -> dict[Any, str]:
    """Return the dates among some values as text, with times where one has a time."""
    dates = [value for value in values if isinstance(value, dt.datetime) and not _code_of(value)]
    if all(date.time() == dt.time() for date in dates):
        return {date: date.date().isoformat() for date in dates}
    precision = "seconds" if all(date.microsecond == 0 for date in dates) else "auto"
    return {date: date.isoformat(sep=" ", timespec=precision) for date in dates}


def _code_of(value: Any) -> int:
    """Return the place of a label that is not a number in `NO_NUMBERS`, and 0 of others."""
    if value is None or value is pd.NaT or value is pd.NA:
        return 1 if value is None else 3 if value is pd.NaT else 4
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return 3 if np.isnat(value) else 0
    if isinstance(value, Decimal) and value.is_snan():
        return 2
    if isinstance(value, (float, np.floating, Decimal)) and not math.isfinite(value):
        return 2 if math.isnan(value) else 5 if value > 0 else 6
    return 0


def _codes(dims: Any, array: NDArray[Any]) -> xr.Variable | None:
    if array.dtype.kind == "f":
        codes = np.select([np.isnan(array), array == np.inf, array == -np.inf], [2, 5, 6], 0)
    elif array.dtype.kind in "mM":
        codes = np.where(np.isnat(array), 3, 0)
    else:
        codes = np.array([_code_of(value) for value in array.ravel().tolist()], int).reshape(array.shape)
    return xr.Variable(dims, codes) if codes.any() else None


def _float(name: str, value: Any) -> float:
    try:
        return math.nan if _code_of(value) in {1, 2, 3, 4} else float(value)
    except OverflowError:
        raise too_large(name, f"{len(str(abs(int(value))))} digits") from None


def too_large(name: str, size: str) -> LayoutError:
    """Return the error for a number that an axis cannot show."""
    return LayoutError(
        f"{name!r} has a number of {size}, which is beyond the range of axes.",
        expected=f"numbers below {LARGEST:.0e}",
        ways=["Plot a logarithm of it."],
    )


def _names(name: str, dims: Any, array: NDArray[Any], order: Sequence[Any] = ()) -> Quantity:
    """Return names as their places; in order of appearance, if no other is known."""
    items = array.ravel().tolist()
    others = {_text_of_label(value) for value in items if not isinstance(value, str)}
    places = {_name_of(value): at for at, value in enumerate(order)}
    values = np.full(array.size, np.nan)
    for at, value in enumerate(items):
        if not _code_of(value):
            values[at] = places.setdefault(_name_of(value, others), len(places))
    codes = _codes(dims, array)
    return Quantity(name, "name", xr.Variable(dims, values.reshape(array.shape)), tuple(places), codes=codes)


def label_of(name: str, variable: xr.Variable, *, on_axis: bool = False) -> Quantity:
    """Return values that distinguish groups or rows: numbers that are equal as floats, or on an axis, and differ, as names."""
    numbers_or_names = quantity(name, variable)
    kind, sizes = variable.dtype.kind, np.abs(numbers_or_names.values.values)
    if (
        numbers_or_names.type != "number"
        or kind not in "iuO"
        or (kind != "O" and sizes.max(initial=0) < _EXACT)
    ):
        return numbers_or_names
    items = [value for value in np.asarray(variable.values).ravel().tolist() if not _code_of(value)]
    if not all(map(_is_number, items)):
        return numbers_or_names
    # NumPy has no hash of a duration without a unit.
    items = [value.item() if isinstance(value, np.timedelta64) else value for value in items]
    ordered = sorted({(isinstance(value, bool), value) for value in items})
    floats = {float(value) for value in items}
    low, high = min(floats, default=0.0), max(floats, default=0.0)
    is_narrow = on_axis and len(ordered) > 1 and high - low < _FINEST * np.spacing(max(abs(low), abs(high)))
    if len(ordered) <= len(floats) and not is_narrow:
        return numbers_or_names
    array = np.asarray(variable.values).astype(object)
    named = _names(name, variable.dims, array, [value for _, value in ordered])
    # Labels that go up in equal steps have their distances also as names; bools have none.
    integers = [value for is_bool, value in ordered if not is_bool]
    steps = {after - before for before, after in pairwise(integers if len(integers) == len(ordered) else [])}
    return replace(named, fault="integers closer together than an axis can show" if len(steps) > 1 else "")


def _text_of_label(value: Any) -> str:
    code = _code_of(value)
    return NO_NUMBER_TEXTS[code] if code else str(_name_of(value))


def _name_of(value: Any, others: Collection[str] = ()) -> Any:
    """Return what a value is called: a string in quotes, if it is the same as the text of another value."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        if value in others:
            return repr(value)
        # Matplotlib cannot draw halves of surrogate pairs.
        return value.encode("utf-8", "backslashreplace").decode()
    return ", ".join(str(part) for part in value) if isinstance(value, tuple) else str(value)


def _stamps(array: NDArray[Any]) -> NDArray[Any]:
    """Return dates of several classes, in UTC where they have a time zone, as NumPy's."""
    stamps = [
        pd.NaT
        if _code_of(value)
        else pd.to_datetime(value.to_timestamp() if isinstance(value, pd.Period) else value, utc=True)
        for value in array.ravel().tolist()
    ]
    return pd.DatetimeIndex(stamps, tz="UTC").tz_localize(None).to_numpy().reshape(array.shape)


# The days that matplotlib draws, from the beginning of the year 1 to the end of 9999, and the part of a range
# that an axis adds on both sides.
_DAYS, _MARGIN = (-719_162.0, 2_932_896.0), 0.1

# The least number of steps between floats over which dates differ, or they coincide on an axis.
_FINEST = 100

# Smaller integers differ by that many steps.
_EXACT = 2**46


def _dates(name: str, dims: Any, array: NDArray[Any]) -> Quantity:
    """Return dates as numbers; as names, in ascending order, if matplotlib cannot draw an axis that holds or distinguishes them."""
    from matplotlib.dates import date2num

    dated = ~np.isnat(array)
    days = np.where(dated, np.asarray(date2num(array), dtype=np.float64), np.nan)  # type: ignore[no-untyped-call]
    low, high = (days[dated].min(), days[dated].max()) if dated.any() else (0.0, 0.0)
    margin = _MARGIN * (high - low) + 1
    is_beyond = low - margin < _DAYS[0] or high + margin > _DAYS[1]
    if is_beyond or (high - low < _FINEST * np.spacing(high) and len(np.unique(array[dated])) > 1):
        texts = array.astype(str).astype(object)
        texts[~dated] = None
        named = _names(name, dims, texts, np.unique(array[dated]).astype(str).tolist())
        fault = (
            "dates near or beyond the years 1 and 9999, at which axes end"
            if is_beyond
            else "dates closer together than an axis can show"
        )
        return replace(named, codes=_codes(dims, array), fault=fault)
    return Quantity(name, "date", xr.Variable(dims, days), codes=_codes(dims, array))


def _seconds(durations: Any) -> Any:
    """Return one or more differences of times in seconds; a month counts as its mean length."""
    if isinstance(durations, dt.timedelta):
        return durations.total_seconds()
    unit, step = np.datetime_data(durations.dtype)
    if unit in ("Y", "M"):
        durations = durations.astype("m8[s]")
    if unit == "as":
        # NumPy does not divide them by seconds.
        return np.where(np.isnat(durations), np.nan, durations.astype(np.int64) * (step * 1e-18))[()]
    return durations / np.timedelta64(1, "s")


def _durations(name: str, dims: Any, seconds: NDArray[Any], codes: xr.Variable | None) -> Quantity:
    """Return differences of times in the longest unit that the largest difference reaches."""
    ns = seconds * 1e9
    most = float(np.nanmax(np.abs(ns))) if np.isfinite(ns).any() else 0.0
    units, size = next(((units, size) for units, size in DURATION_UNITS.items() if most >= size), ("s", 1e9))
    return Quantity(name, "number", xr.Variable(dims, ns / size), units=units, codes=codes)


def error_of(error: Quantity, y: Quantity) -> Quantity:
    """Return an error in the units of its variable, of dates in days.

    Raise LayoutError when one is a duration and the other is a number.
    """
    units = "d" if y.type == "date" else y.units
    if error.type != "number" or error.units == units or (y.type == "date" and error.units is None):
        return error
    if error.units is None or units is None:
        durations, plain = (error, y) if units is None else (y, error)
        raise LayoutError(
            f"{error.name!r} cannot be the error of {y.name!r}: {durations.name!r} holds durations, and "
            f"{plain.name!r} holds numbers.",
            ways=["Divide the durations by np.timedelta64(1, 's')."],
        )
    return error.in_units(units)

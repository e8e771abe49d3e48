"""Values of any type as the numbers that a plot is made of."""

from __future__ import annotations

import datetime as dt
import math
import numbers
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from coma_xr.errors import LayoutError
from coma_xr.text import listing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Kind", "Quantity", "quantity", "together"]

Kind = Literal["number", "date", "name"]

# In ns, the longest first.
TIMES = {"d": 86400e9, "h": 3600e9, "min": 60e9, "s": 1e9, "ms": 1e6, "µs": 1e3, "ns": 1.0}

DATES = (dt.date, np.datetime64, pd.Period)
DURATIONS = (dt.timedelta, np.timedelta64)


@dataclass(frozen=True)
class Quantity:
    """A variable as numbers, and what they mean.

    Parameters
    ----------
    name : str
        The variable's.
    kind : "number", "date" or "name"
        Of dates the numbers are matplotlib's days, of names their places in `categories`.
    values : Variable
        Floats; NaN where there is nothing.
    categories : tuple, default ()
        The names, each once.
    units : str, optional
        Those that the conversion gave: of differences of times.
    """

    name: str
    kind: Kind
    values: xr.Variable
    categories: tuple[Any, ...] = ()
    units: str | None = None

    def value(self, number: float) -> Any:
        """Return what a number stands for."""
        if self.kind == "name":
            return self.categories[int(number)]
        if self.kind == "date":
            from matplotlib.dates import num2date

            return num2date(number).replace(tzinfo=None)  # type: ignore[no-untyped-call]
        return number

    @property
    def is_bool(self) -> bool:
        """Whether the names are False and True."""
        return self.categories == (False, True)

    def as_number(self) -> Quantity:
        """Return 0 and 1 instead of the names False and True; others as they are."""
        return replace(self, kind="number", categories=()) if self.is_bool else self


def quantity(name: str, variable: xr.Variable) -> Quantity:
    """Return the values of a variable as numbers.

    Raises
    ------
    LayoutError
        When they have no place on an axis or in a palette. The message says what to do.
    """
    dims, dtype = variable.dims, variable.dtype
    array = np.asarray(variable.values)
    if isinstance(dtype, pd.CategoricalDtype):
        return _names(name, dims, array.astype(object), dtype.categories.tolist())
    kind = array.dtype.kind
    if kind in "iuf":
        return Quantity(name, "number", xr.Variable(dims, array.astype(np.float64)))
    if kind == "M":
        return _dates(name, dims, array)
    if kind == "m":
        return _durations(name, dims, array)
    return _of_objects(name, dims, array.astype(object))


def together(quantities: Sequence[Quantity]) -> list[Quantity]:
    """Return quantities that share an axis, with the same categories.

    Raises
    ------
    LayoutError
        When one axis cannot hold them all.
    """
    if len({one.kind for one in quantities} | {one.units for one in quantities}) > 2:
        quantities = [one.as_number() for one in quantities]
    kinds = {one.name: one.kind for one in quantities}
    if len(set(kinds.values())) > 1:
        said = listing(f"{name} holds {kind}s" for name, kind in kinds.items())
        raise LayoutError(
            f"One axis cannot hold them all: {said}. Plot them one by one, with ax= if need be."
        )
    if len({one.units for one in quantities}) > 1:
        said = listing(f"{one.name} in {one.units}" for one in quantities)
        raise LayoutError(f"One axis cannot hold them all: {said}. Divide each by np.timedelta64(1, 's').")
    categories = tuple(dict.fromkeys(value for one in quantities for value in one.categories))
    return [_within(one, categories) for one in quantities] if categories else list(quantities)


def _within(one: Quantity, categories: tuple[Any, ...]) -> Quantity:
    places = np.array([*(categories.index(value) for value in one.categories), np.nan])
    codes = np.where(np.isnan(one.values.values), -1, one.values.values).astype(np.intp)
    return replace(one, values=xr.Variable(one.values.dims, places[codes]), categories=categories)


def _of_objects(name: str, dims: Any, array: NDArray[Any]) -> Quantity:
    """Return objects by what they are, all of them."""
    there = [value for value in array.ravel().tolist() if not _is_nothing(value)]
    if all(isinstance(value, (bool, np.bool_)) for value in there) and there:
        return _names(name, dims, array, [False, True])
    if any(isinstance(value, (complex, np.complexfloating)) for value in there):
        raise LayoutError(
            f"{name!r} is complex. Plot a part of it: ds.assign(part=ds[{name!r}].real), or .imag, or abs()."
        )
    if any(isinstance(value, (list, tuple, dict, set, np.ndarray)) for value in there) and not _is_index(
        there
    ):
        raise LayoutError(
            f"The cells of {name!r} hold lists or dictionaries. Make them a dim: to_dataset(unfold={{{name!r}: ...}})."
        )
    if all(isinstance(value, (numbers.Real, Decimal)) for value in there):
        floats = [np.nan if _is_nothing(value) else float(value) for value in array.ravel().tolist()]
        return Quantity(name, "number", xr.Variable(dims, np.reshape(floats, array.shape)))
    if all(isinstance(value, DATES) for value in there):
        return _dates(name, dims, _stamps(array))
    if all(isinstance(value, DURATIONS) for value in there):
        return _durations(name, dims, pd.to_timedelta(array.ravel()).to_numpy().reshape(array.shape))
    return _names(name, dims, array)


def _is_index(values: list[Any]) -> bool:
    """Whether these are the labels of an index of several levels."""
    return all(isinstance(value, tuple) for value in values)


def _is_nothing(value: Any) -> bool:
    return (
        value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))
    )


def _names(name: str, dims: Any, array: NDArray[Any], order: Sequence[Any] = ()) -> Quantity:
    """Return names as their places; in order of appearance, if no other is known."""
    texts = [value if isinstance(value, (str, bool)) else _text(value) for value in order]
    places = {value: at for at, value in enumerate(texts)}
    codes = np.full(array.size, np.nan)
    for at, value in enumerate(array.ravel().tolist()):
        if not _is_nothing(value):
            known = value if isinstance(value, (str, bool)) else _text(value)
            codes[at] = places.setdefault(known, len(places))
    return Quantity(name, "name", xr.Variable(dims, codes.reshape(array.shape)), tuple(places))


def _text(value: Any) -> str:
    return ", ".join(str(part) for part in value) if isinstance(value, tuple) else str(value)


def _stamps(array: NDArray[Any]) -> NDArray[Any]:
    """Return dates of several classes, in UTC where they have a time zone, as NumPy's."""
    stamps = [
        pd.NaT
        if _is_nothing(value)
        else pd.to_datetime(value.to_timestamp() if isinstance(value, pd.Period) else value, utc=True)
        for value in array.ravel().tolist()
    ]
    return pd.DatetimeIndex(stamps, tz="UTC").tz_localize(None).to_numpy().reshape(array.shape)


def _dates(name: str, dims: Any, array: NDArray[Any]) -> Quantity:
    from matplotlib.dates import date2num

    days = np.asarray(date2num(array), dtype=np.float64)  # type: ignore[no-untyped-call]
    return Quantity(name, "date", xr.Variable(dims, np.where(np.isnat(array), np.nan, days)))


def _durations(name: str, dims: Any, array: NDArray[Any]) -> Quantity:
    """Return differences of times in the longest unit of which the largest is at least one."""
    ns = array.astype("m8[ns]")
    floats = np.where(np.isnat(ns), np.nan, ns.astype(np.int64).astype(np.float64))
    most = float(np.nanmax(np.abs(floats))) if np.isfinite(floats).any() else 0.0
    units, size = next(((units, size) for units, size in TIMES.items() if most >= size), ("s", 1e9))
    return Quantity(name, "number", xr.Variable(dims, floats / size), units=units)

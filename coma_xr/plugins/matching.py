"""Where the values of a variable are those that a user asks for."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from coma_xr.encoding import json
from coma_xr.errors import ConditionError, PathError
from coma_xr.same import equal
from coma_xr.text import listing, near_names
from coma_xr.values.plain import to_plain

__all__ = ["matches"]

Mask = npt.NDArray[np.bool_]

# A label that is off by less than this part of the distance to its neighbour is meant, also near zero.
_OF_STEP = 1e-6


def matches(name: str, values: npt.NDArray[Any], wanted: Any, tolerance: float) -> Mask:
    """Return where values are what is wanted.

    Parameters
    ----------
    name : str
        Of the variable, for messages.
    values : ndarray
    wanted : scalar, list or slice
        A value, several, or a range with both ends. A member of an Enum is its value; dates may be texts, of which
        ``"2020-01"`` is all of a month.
    tolerance : float
        How far numbers may be off, relative to the larger one.

    Raises
    ------
    PathError
        When one of them is nowhere. The message names the nearest values.
    ConditionError
        When values have no order for a range.

    Examples
    --------
    >>> matches("x", np.array([0.1, 0.3]), 0.1 + 0.2, 1e-9)
    array([False,  True])
    """
    if isinstance(wanted, enum.Enum):
        wanted = wanted.value
    if isinstance(wanted, slice):
        try:
            found = _between(values, wanted.start, wanted.stop, tolerance)
        except (TypeError, ValueError) as error:
            raise ConditionError(
                f"{name} has no range {_shown(wanted)}: {error}. {_there_is(values, wanted)}"
            ) from None
    elif isinstance(wanted, (list, tuple, np.ndarray, range)):
        whole = _as_label(values, wanted)
        if whole is not None:
            return whole
        parts = [matches(name, values, one, tolerance) for one in wanted]
        return np.logical_or.reduce(parts) if parts else np.zeros(values.shape, dtype=bool)
    else:
        found = _equal(values, wanted, tolerance)
    if not found.any():
        raise PathError(f"Nothing has {name} = {_shown(wanted)}. {_there_is(values, wanted)}")
    return found


def _equal(values: npt.NDArray[Any], wanted: Any, tolerance: float) -> Mask:
    if _is_number(wanted) and values.dtype.kind in "iuf":
        return _close(values, wanted, tolerance)
    if values.dtype.kind == "M" and isinstance(wanted, (str, dt.date, np.datetime64)):
        try:
            date = np.datetime64(wanted)
        except ValueError:
            return np.zeros(values.shape, dtype=bool)
        # A day, say, is all of its times.
        return np.asarray(values.astype(date.dtype) == date)
    if values.dtype.kind == "m" and isinstance(wanted, (dt.timedelta, np.timedelta64)):
        return np.asarray(values == np.timedelta64(wanted))
    return np.fromiter(
        (_same(value, wanted, tolerance) for value in values.ravel().tolist()), dtype=bool, count=values.size
    ).reshape(values.shape)


def _same(value: Any, wanted: Any, tolerance: float) -> bool:
    if _is_number(value) and _is_number(wanted):
        return bool(value == wanted or abs(value - wanted) <= tolerance * max(abs(value), abs(wanted)))
    return equal(value, wanted)


def _close(values: npt.NDArray[Any], wanted: Any, tolerance: float) -> Mask:
    exact = np.asarray(values == wanted)
    if wanted != wanted:  # noqa: PLR0124
        return np.isnan(values) if values.dtype.kind == "f" else exact
    if exact.any():
        return exact
    off = np.abs(values - np.asarray(wanted, dtype=np.float64))
    with np.errstate(invalid="ignore"):
        found = np.asarray(off <= tolerance * np.maximum(np.abs(values), abs(wanted)))
    if found.any() or values.dtype.kind != "f":
        return found
    labels = np.unique(values[np.isfinite(values)])
    step = np.diff(labels).min(initial=np.inf)
    return np.asarray(off <= _OF_STEP * step) if np.isfinite(step) and tolerance > 0 else found


def _between(values: npt.NDArray[Any], low: Any, high: Any, tolerance: float) -> Mask:
    found = np.ones(values.shape, dtype=bool)
    if values.dtype == object:
        # None has no order, and lies in no range.
        found = np.fromiter((value is not None for value in values.ravel()), bool, values.size)
        found = found.reshape(values.shape)
    if low is not None:
        there, end = _ordered(values[found], low, -tolerance)
        found[found] = there >= end
    if high is not None:
        there, end = _ordered(values[found], high, tolerance)
        found[found] = there <= end
    return found


def _ordered(values: npt.NDArray[Any], end: Any, tolerance: float) -> tuple[npt.NDArray[Any], Any]:
    """Return values and the end of a range such that they can be compared."""
    kind = values.dtype.kind
    if kind == "M":
        date = np.datetime64(end)
        return values.astype(date.dtype), date
    if kind == "m":
        return values, np.timedelta64(end)
    return values, end + tolerance * abs(end) if kind in "iuf" else end


def _as_label(values: npt.NDArray[Any], wanted: Any) -> Mask | None:
    """Return where a list as a whole is the label, as its text; None when it is nowhere."""
    if values.dtype.kind not in "UO":
        return None
    text = json.encode(to_plain(list(wanted)), pretty=False).decode()
    found = np.asarray(values == text)
    return found if found.shape == values.shape and found.any() else None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(
        value, (bool, np.bool_)
    )


def _shown(value: Any) -> str:
    if isinstance(value, slice):
        return f"{value.start!r} ... {value.stop!r}"
    return repr(value.item() if isinstance(value, np.generic) else value)


def _there_is(values: npt.NDArray[Any], wanted: Any) -> str:
    """Return what there is instead, the nearest apart."""
    known: Sequence[Any] = list(dict.fromkeys(map(str, _legible(values).ravel().tolist())))
    text = f"Available: {listing(known)}."
    if isinstance(wanted, str) and values.dtype.kind in "iufcb":
        return f"{text} These are {'true or false' if values.dtype.kind == 'b' else 'numbers'}, and {wanted!r} is a text."
    if isinstance(wanted, str):
        hints = near_names(wanted, known)
        return text + (f" Did you mean {' or '.join(map(repr, hints))}?" if hints else "")
    if _is_number(wanted) and values.dtype.kind in "iuf" and np.isfinite(wanted) and values.size:
        nearest = values.ravel()[np.nanargmin(np.abs(values.ravel() - np.float64(wanted)))].item()
        return f"{text} The nearest is {nearest!r}."
    return text


def _legible(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return dates as such a text as says all of them, durations without the nanoseconds that are numbers to Python."""
    if values.dtype.kind == "M":
        return np.datetime_as_string(values, unit="auto")
    return values.astype("timedelta64[us]") if values.dtype.kind == "m" else values

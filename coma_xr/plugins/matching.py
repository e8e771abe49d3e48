"""Where the values of a variable are those that a user asks for."""

from __future__ import annotations

import enum
import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from coma_xr.define.values import is_too_long
from coma_xr.encoding import json
from coma_xr.errors import ConditionError, DataFileError, PathError
from coma_xr.same import compare, equal, is_null, is_real, key, near, nearest, period_text
from coma_xr.text import as_clause, items_of, label
from coma_xr.values.objects import fields_of, has_state
from coma_xr.values.plain import from_plain, to_plain

_CONTAINERS = frozenset({list, dict, set, frozenset, range, np.ndarray, xr.Dataset})

Mask = npt.NDArray[np.bool_]

# Relative to the larger of two numbers.
_TOLERANCE = 1e-9

# Nothing is relatively near zero. Labels and values are zero except for rounding errors if they are less than this part of
# the largest label, and than that part of the smallest distance between labels.
_ROUNDING, _OF_STEP = 1e-12, 1e-6


def matches(name: str, values: npt.NDArray[Any], wanted: Any, tolerance: float | None = None) -> Mask:
    """Return where values are what is wanted.

    Raise PathError when one of them is nowhere, and ConditionError when values have no order for a range. The
    message names the nearest value. A tolerance that is given holds as it is; by default it is 1e-9, with more room for
    numbers of single precision and near zero.

    >>> matches("x", np.array([0.1, 0.3]), 0.1 + 0.2)
    array([False,  True])
    """
    if isinstance(wanted, enum.Enum):
        return matches(name, values, wanted.value, tolerance)
    wanted = _asked(wanted)
    if isinstance(wanted, slice):
        mask = _between(name, values, wanted, tolerance)
    elif getattr(wanted, "ndim", 0) and type(wanted) is not np.ndarray:
        # A table, or an array with labels, units or masked items.
        mask = _each(container_labels(values), lambda value: equal(value, wanted))
        if not mask.any() and wanted.ndim == 1:
            return matches(name, values, list(wanted), tolerance)
    elif isinstance(wanted, (list, tuple, np.ndarray, range)):
        mask = _labelled(values, wanted)
        if not is_too_long(wanted):
            mask |= _labelled(values, list(wanted))
        if isinstance(wanted, np.ndarray) and wanted.dtype.kind in "mM":
            # The label of an array of times has each of them as text.
            mask |= _labelled(values, wanted.astype(str).tolist())
        if isinstance(wanted, np.ndarray) and wanted.dtype.names:
            mask |= _labelled(values, wanted.tolist())
        if not mask.any():
            parts = [matches(name, values, part, tolerance) for part in wanted]
            return np.logical_or.reduce(parts) if parts else np.zeros(values.shape, dtype=bool)
    elif isinstance(wanted, (Mapping, set, frozenset)):
        mask = _labelled(values, wanted)
    else:
        mask = _equal(values, wanted, tolerance)
    if not mask.any():
        raise _nothing(name, values, wanted)
    return mask


def _asked(wanted: Any) -> Any:
    """Return a value as labels have it: an object with fields as a dictionary, a month of NumPy as text."""
    if isinstance(wanted, slice):
        return slice(_asked(wanted.start), _asked(wanted.stop))
    if fields_of(wanted) is not None or has_state(wanted):
        return to_plain(wanted)
    if isinstance(wanted, np.ma.MaskedArray) and not wanted.ndim:
        return np.nan if wanted.mask else wanted.item()
    if isinstance(wanted, np.ndarray) and not wanted.ndim:
        return _asked(wanted[()])
    return period_text(wanted) if isinstance(wanted, np.datetime64) else wanted


def _equal(values: npt.NDArray[Any], wanted: Any, tolerance: float | None) -> Mask:
    part = key(wanted)
    if values.dtype.kind not in "iuf" or type(part) not in (int, float):
        exact = _each(values, lambda value: compare("==", value, wanted))
        if exact.any() or not is_real(part):
            return exact
        return _each(values, lambda value: is_real(value) and _close(value, part, tolerance))
    exact = (
        _each(values, lambda value: value == part)
        if values.dtype.kind in "iu"
        else values.astype(float) == part
    )
    if exact.any():
        return exact
    with np.errstate(invalid="ignore"):
        off = np.abs(values - np.float64(part))
        relative = _TOLERANCE if tolerance is None else tolerance
        mask = np.asarray(off <= relative * np.maximum(np.abs(values), abs(part)))
    if mask.any() or tolerance is not None:
        return mask
    mask = _each(values, lambda value: near(value, part))
    if mask.any() or values.dtype.kind != "f":
        return mask
    labels = np.unique(values[np.isfinite(values)])
    step = np.diff(labels).min(initial=np.inf)
    zero = min(_ROUNDING * np.abs(labels).max(initial=0), _OF_STEP * step)
    return np.asarray((np.abs(values) <= zero) & (abs(part) <= zero))


def _close(value: Any, wanted: Any, tolerance: float | None) -> bool:
    if tolerance is None:
        return math.isclose(value, wanted, rel_tol=_TOLERANCE) or near(value, wanted)
    return math.isclose(value, wanted, rel_tol=tolerance)


def _each(values: npt.NDArray[Any], holds: Callable[[Any], bool]) -> Mask:
    """Return for which items something holds; times keep all their digits, numbers become Python's."""
    items = items_of(values)
    return np.fromiter(map(holds, items), dtype=bool, count=values.size).reshape(values.shape)


def _between(name: str, values: npt.NDArray[Any], wanted: slice, tolerance: float | None) -> Mask:
    """Return which values lie in a range; those that are missing, or None, lie in none."""
    mask = _each(values, lambda value: not is_null(value))
    relative = _TOLERANCE if tolerance is None else tolerance
    for sign, end, room in ((">=", wanted.start, -relative), ("<=", wanted.stop, relative)):
        if end is None:
            continue
        bound = end + room * abs(end) if values.dtype.kind in "iuf" and is_real(end) else end
        try:
            mask[mask] = _each(values[mask], functools.partial(_is_beyond, sign, bound))
        except TypeError as error:
            raise ConditionError(
                f"{name} has no range {_shown(wanted)}: {as_clause(error)}.",
                available=_known(values),
                expected=_expected(values, end),
            ) from None
    return mask


def _is_beyond(sign: str, bound: Any, value: Any) -> bool:
    return compare(sign, value, bound)


def _labelled(values: npt.NDArray[Any], wanted: Any) -> Mask:
    """Return where a list, dictionary, set or range as a whole is the label, which may be its text."""
    if values.dtype.kind not in "UO":
        return np.zeros(values.shape, dtype=bool)
    return _each(container_labels(values), lambda value: type(value) in _CONTAINERS and equal(value, wanted))


def container_labels(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return labels with lists and dictionaries in the place of the text that stands for them."""

    def decoded(value: Any) -> Any:
        if type(value) is not str or not value.startswith(("[", "{")):
            return value
        try:
            # The stored form of a member, such as a date, is kept as a dictionary of its own.
            return from_plain(json.decode(value.encode()))
        except DataFileError:
            return value

    items = map(decoded, values.ravel().tolist())
    return np.fromiter(items, dtype=object, count=values.size).reshape(values.shape)


def _shown(value: Any) -> str:
    if isinstance(value, slice):
        return f"{value.start!r} ... {value.stop!r}"
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return label(value)
    return repr(value.item() if isinstance(value, np.generic) else value)


def _nothing(name: str, values: npt.NDArray[Any], wanted: Any) -> PathError:
    items = (
        [] if isinstance(wanted, (slice, Mapping, list, tuple, np.ndarray, range)) else list(values.ravel())
    )
    other = nearest(wanted, items)
    known = _known(values)
    near_text = "" if other is None or isinstance(wanted, str) else f" The nearest is {label(other)}."
    return PathError(
        f"Nothing has {name} = {_shown(wanted)}.{near_text}",
        name=wanted if isinstance(wanted, str) and values.dtype.kind in "UO" else None,
        available=known,
        expected=_expected(values, wanted),
    )


def _expected(values: npt.NDArray[Any], wanted: Any) -> str | None:
    """Return what kind of values a variable has, if a string was asked for and it has none."""
    kinds = {"b": "True or False", **dict.fromkeys("iufc", "a number")}
    return kinds.get(values.dtype.kind) if isinstance(wanted, str) else None


def _known(values: npt.NDArray[Any]) -> list[str]:
    return list(dict.fromkeys(map(label, values.ravel())))

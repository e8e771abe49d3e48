"""Masks of the cells of a Dataset with values that a user asks for, and Datasets without the other cells."""

from __future__ import annotations

import enum
import functools
import math
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from coma_xr.define.condition_values import expected_zone
from coma_xr.define.values import is_too_long
from coma_xr.encoding import json
from coma_xr.errors import ConditionError, DataFileError, PathError
from coma_xr.retrieve.columns import with_holes
from coma_xr.retrieve.dims import FLAGS
from coma_xr.same import compare, equal, is_null, is_real, key, near, nearest, period_text
from coma_xr.text import as_clause, items_of, label
from coma_xr.tree import measurement_ids
from coma_xr.values.objects import fields_of, has_state
from coma_xr.values.plain import from_plain, to_plain
from coma_xr.values.xarray import variable

_CONTAINERS = frozenset({list, dict, set, frozenset, range, np.ndarray, xr.Dataset})

Mask = npt.NDArray[np.bool_]

# Relative to the larger of two numbers.
_TOLERANCE = 1e-9

# Nothing is relatively near zero. Labels and values are zero except for rounding errors if they are less than this part of
# the largest label, and than that part of the smallest distance between labels.
_ROUNDING, _OF_STEP = 1e-12, 1e-6

_NOT_ASKED = FLAGS.index("not_asked")
_MEANINGS = " ".join(FLAGS)


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
            mask[mask] = _each(values[mask], functools.partial(compare, sign, b=bound))
        except TypeError as error:
            raise ConditionError(
                f"{name} has no range {_shown(wanted)}: {as_clause(error)}.",
                available=_known(values),
                expected=_expected(values, end),
            ) from None
    return mask


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
    """Return what kind of values a variable has, if text, or a time with or without a time zone, was asked for and it has none."""
    zones = (expected_zone(wanted, value) for value in values.ravel())
    if values.dtype.kind in "MO" and (zone := next(filter(None, zones), None)):
        return zone
    kinds = {"b": "True or False", **dict.fromkeys("iufc", "a number")}
    return kinds.get(values.dtype.kind) if isinstance(wanted, str) else None


def _known(values: npt.NDArray[Any]) -> list[str]:
    return list(dict.fromkeys(map(label, values.ravel())))


def status_of(ds: xr.Dataset) -> xr.DataArray | None:
    """Return the coordinate `measurement_status`, under the name that it has here; None when there is none."""
    for name in ("coma_status", "measurement_status"):
        if name in ds.coords and ds.coords[name].attrs.get("flag_meanings") == _MEANINGS:
            return ds.coords[name]
    return None


def _occupied(ds: xr.Dataset) -> xr.DataArray | None:
    """Return which cells have a measurement or were asked for; None when that is unknown."""
    status, ids = status_of(ds), measurement_ids(ds)
    if status is not None:
        return status != _NOT_ASKED
    return None if ids is None else ids != 0


def cut(ds: xr.Dataset, mask: xr.DataArray) -> xr.Dataset:
    """Return the Dataset with only the cells of a mask, without the labels that nothing is left of."""
    mask = mask.drop_vars(list(mask.coords))
    for dim in mask.dims:
        places = _places_along(mask, dim)
        if len(places) < mask.sizes[dim]:
            mask, ds = mask.isel({dim: places}), ds.isel({dim: places})
    return _without_empty_labels(masked(ds, mask))


def _places_along(mask: xr.DataArray, dim: Hashable) -> npt.NDArray[np.intp]:
    """Return the places on a dim where a mask holds anywhere."""
    return np.flatnonzero(mask.any([other for other in mask.dims if other != dim]).values)


def _without_empty_labels(ds: xr.Dataset) -> xr.Dataset:
    """Return the Dataset without the labels of measurements that no cell has."""
    full = _occupied(ds)
    if full is None or full.size == 0:
        return ds
    for dim in full.dims:
        places = _places_along(full, dim)
        if len(places) < full.sizes[dim]:
            ds = ds.isel({dim: places})
    return ds


def masked(ds: xr.Dataset, mask: xr.DataArray) -> xr.Dataset:
    """Return the Dataset with holes in the cells where a mask does not hold; types stay where there are none.

    A variable that lacks dims of the mask keeps the cells that have any.
    """
    if bool(mask.all()):
        return ds
    ours = {coord.name for coord in (measurement_ids(ds), status_of(ds)) if coord is not None}
    data: dict[Hashable, xr.Variable] = {}
    coords: dict[Hashable, xr.Variable] = {}
    for name in [*ds.data_vars, *ours]:
        array = ds[name]
        keep = _over(mask, array)
        if not keep.all():
            values, hole, notes = (array.values, 0, {}) if name in ours else with_holes(array.values, {})
            values = values.copy()
            values[~keep] = hole
            new = variable([str(dim) for dim in array.dims], values, {**array.attrs, **notes})
            (coords if name in ours else data)[name] = new
    return ds.assign(data).assign_coords(coords)


def _over(mask: xr.DataArray, array: xr.DataArray) -> Mask:
    """Return a mask over the dims of a variable."""
    if not set(mask.dims) & set(array.dims):
        return np.ones(array.shape, dtype=bool)
    shared = mask.any([dim for dim in mask.dims if dim not in array.dims])
    shared = shared.transpose(*(dim for dim in array.dims if dim in shared.dims))
    shape = [shared.sizes.get(dim, 1) for dim in array.dims]
    return np.broadcast_to(shared.values.reshape(shape), array.shape)

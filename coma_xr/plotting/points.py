"""The points of a plot: values of any type as numbers, one row for each point."""

from __future__ import annotations

import datetime as dt
import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from coma_xr.errors import LayoutError, warn
from coma_xr.plotting.spec import VARIABLE, Data, Plan
from coma_xr.text import available, listing

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
    texts = [value if isinstance(value, (str, bool)) else _name_text(value) for value in order]
    places = {value: at for at, value in enumerate(texts)}
    codes = np.full(array.size, np.nan)
    for at, value in enumerate(array.ravel().tolist()):
        if not _is_nothing(value):
            known = value if isinstance(value, (str, bool)) else _name_text(value)
            codes[at] = places.setdefault(known, len(places))
    return Quantity(name, "name", xr.Variable(dims, codes.reshape(array.shape)), tuple(places))


def _name_text(value: Any) -> str:
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


NO_VALUE = "no value"
MISSING = "missing"
DONE = "done"
NOT_ASKED = "not_asked"


@dataclass(frozen=True)
class Status:
    """What is known of each point.

    Parameters
    ----------
    codes : Variable
        Places in `names`.
    names : tuple of str
        Among them ``"done"``.
    foreign : str, optional
        The name of what nobody asked for: a hole that belongs to no curve.
    """

    codes: xr.Variable
    names: tuple[str, ...]
    foreign: str | None

    def of_holes(self, codes: NDArray[Any]) -> NDArray[Any]:
        """Return what is to be said of points without a value."""
        said = np.array([NO_VALUE if name == DONE else name for name in self.names], dtype=object)
        return np.asarray(said[codes.astype(np.intp)])

    def belongs(self, codes: NDArray[Any]) -> NDArray[np.bool_]:
        """Whether a hole belongs to the curve that it is in, so that the curve breaks there."""
        ours = np.array([name != self.foreign for name in self.names])
        return np.asarray(ours[codes.astype(np.intp)])


def status_of(data: Data, dims: Sequence[str], averaged: Sequence[str]) -> Status | None:
    """Return the status of points over `dims`, or None where nothing tells it.

    A coord with the attrs `flag_values` and `flag_meanings` of the CF conventions goes before ``measurement_id``,
    which is 0 where there is no measurement.
    """
    for name, variable in data.ds.variables.items():
        if "flag_values" in variable.attrs and "flag_meanings" in variable.attrs:
            names = str(variable.attrs["flag_meanings"]).split()
            if DONE in names and (codes := _fitting(data.variable(str(name)), dims, averaged)) is not None:
                flags = np.atleast_1d(variable.attrs["flag_values"]).tolist()
                return Status(codes.copy(data=_places(codes.values, flags, names)), tuple(names), NOT_ASKED)
    if "measurement_id" in data.ds.variables:
        ids = _fitting(data.variable("measurement_id"), dims, averaged)
        if ids is not None and ids.dtype.kind in "iuf":
            return Status(ids.copy(data=(ids.values > 0).astype(np.intp)), (MISSING, DONE), MISSING)
    return None


def _places(codes: NDArray[Any], flags: list[Any], names: list[str]) -> NDArray[np.intp]:
    """Return where flags stand among all; what is none of them counts as done."""
    places = dict(zip(flags, range(len(names)), strict=False))
    done = names.index(DONE)
    return np.reshape([places.get(code, done) for code in codes.ravel().tolist()], codes.shape).astype(
        np.intp
    )


def _fitting(variable: xr.Variable, dims: Sequence[str], averaged: Sequence[str]) -> xr.Variable | None:
    """Return a variable over `dims`; of several that a mean was taken of, what is farthest from not asked."""
    variable = variable.max([dim for dim in averaged if dim in variable.dims])
    return variable if set(variable.dims) <= set(dims) else None


def wanted(status: Any, there: Sequence[str]) -> list[str]:
    """Return the statuses that are to be drawn.

    Raises
    ------
    LayoutError
        When one is unknown.
    """
    if status is True:
        return [name for name in there if name != NOT_ASKED]
    names = [status] if isinstance(status, str) else list(status or ())
    known = list(
        dict.fromkeys([*there, MISSING, "failed", "timeout", "died", "excluded", NOT_ASKED, NO_VALUE])
    )
    for name in names:
        if name not in known:
            raise LayoutError(f"status={name!r} is unknown. {available(str(name), known)}")
    return [name for name in names if name in there]


def mean_over(values: xr.Variable, dims: Sequence[str]) -> tuple[xr.Variable, xr.Variable, NDArray[Any]]:
    """Return the mean over dims of what is there, its standard error, and of how many values it is.

    Of one value the standard error is NaN.
    """
    over = [dim for dim in dims if dim in values.dims]
    left = [dim for dim in values.dims if dim not in over]
    array = values.transpose(*left, *over).values.reshape(*(values.sizes[dim] for dim in left), -1)
    there = ~np.isnan(array)
    count = there.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(there, array, 0.0).sum(axis=-1) / count
        squares = np.where(there, array - mean[..., None], 0.0) ** 2
        error = np.sqrt(squares.sum(axis=-1) / np.where(count > 1, count - 1, np.nan) / count)
    return xr.Variable(left, mean), xr.Variable(left, error), count


def mean_over_rows(
    rows: pd.DataFrame, roles: Sequence[str], value: str, *, spread: bool
) -> tuple[pd.DataFrame, list[NDArray[Any]]]:
    """Return rows with one for all that are equal but for their value, and of how many each mean is."""
    keys = [*(role for role in roles if role not in {value, "error"}), "variable"]
    groups = rows.groupby(keys, sort=False, dropna=False)
    averaged = groups.first().reset_index()
    averaged[value] = groups[value].mean().to_numpy()
    if spread:
        averaged["error"] = groups[value].sem().to_numpy()
    return averaged, [groups[value].count().to_numpy()]


# More points would take minutes and show nothing but a filled area.
MOST = 5_000_000

# Columns of the places along dims; no role has such a name.
PLACE = "place along "


@dataclass(frozen=True)
class Table:
    """What is drawn.

    Parameters
    ----------
    plan : Plan
        What goes where.
    rows : DataFrame
        Floats `x`, `y`, `z`, `error`, `hue`, `style`, `row`, `col` as far as the plan has them; `curve`, a number
        for each curve; `own`, whether a value that is lacking belongs to this curve; `status`, what is said of
        it; and the place along each of the plan's dims.
    quantities : mapping
        For each axis, colour and panel what its numbers mean; several where several variables share an axis.
    count : tuple of int, optional
        The least and the most values in a mean.
    """

    plan: Plan
    rows: pd.DataFrame
    quantities: Mapping[str, tuple[Quantity, ...]]
    count: tuple[int, int] | None = None

    def one(self, role: str) -> Quantity:
        """Return what the numbers of a role mean, the first variable's where it has several."""
        return self.quantities[role][0]

    def levels(self, role: str) -> list[float]:
        """Return the different numbers of a role that occur with something to draw, sorted."""
        if role not in self.quantities:
            return []
        drawn = [axis for axis in ("x", "y", "z") if axis in self.quantities]
        there = self.rows[self.rows[drawn].notna().all(axis=1)]
        some = there[role].dropna()
        return sorted((some if len(some) else self.rows[role].dropna()).unique().tolist())

    @property
    def value(self) -> str:
        """The column without which a point is not drawn."""
        return next(role for role in ("z", "y", "x") if role in self.quantities)

    @property
    def places(self) -> list[str]:
        """The columns of the places along the plan's dims."""
        return [f"{PLACE}{dim}" for dim in self.plan.along if f"{PLACE}{dim}" in self.rows]


def table(data: Data, plan: Plan) -> Table:
    """Return the points of a plot.

    Raises
    ------
    LayoutError
        When there are too many, or values that have no place in a plot.
    """
    names = dict.fromkeys([*plan.measured, *plan.grouping])
    found = {name: quantity(name, data.variable(name)) for name in names}
    roles = _by_role(plan, found)
    left = {dim: data.ds.sizes[dim] for dim in data.dims(*names) if dim not in plan.averaged}
    parts = max(len(plan.x), len(plan.y), 1)
    points = parts * int(np.prod([data.ds.sizes[dim] for dim in data.dims(*names)]))
    if points > MOST:
        raise LayoutError(
            f"{points:,} points are more than a figure can show. Select some, or average over a dim."
        )
    shared = _groups(plan, roles, left)
    rows, counts = [], []
    for at in range(parts):
        values, counted = _values(plan, roles, at, left)
        rows.append(pd.DataFrame({**shared, **values, VARIABLE: float(at)}))
        counts += counted
    made = Table(plan, pd.concat(rows, ignore_index=True), roles)
    for role in [role for role, name in plan.roles.items() if name == VARIABLE]:
        made.rows[role] = made.rows[VARIABLE]
    _add_status(data, made, left, parts)
    if plan.rows:
        averaged, counts = mean_over_rows(made.rows, [*made.quantities], made.value, spread=plan.spread)
        made = replace(made, rows=averaged)
    there = np.concatenate([np.ravel(one) for one in counts]) if counts else np.array([])
    there = there[there > 0]
    return replace(made, count=(int(there.min()), int(there.max())) if there.size else None)


def _by_role(plan: Plan, found: Mapping[str, Quantity]) -> dict[str, tuple[Quantity, ...]]:
    """Return the quantities of each axis, in one kind, and of each group."""
    roles = {
        role: tuple(together([found[name] for name in getattr(plan, role)])) for role in ("x", "y", "error")
    }
    roles["z"] = (found[plan.z],) if plan.z else ()
    for role, name in plan.roles.items():
        variables = Quantity(VARIABLE, "name", xr.Variable((), 0.0), plan.x if len(plan.x) > 1 else plan.y)
        roles[role] = (variables if name == VARIABLE else found[name],)
    for role, what in (("error", "an error"), ("z", "the colours of a map")):
        roles[role] = tuple(one.as_number() for one in roles[role])
        for one in roles[role]:
            if one.kind != "number":
                raise LayoutError(f"{one.name!r} holds {one.kind}s and cannot be {what}.")
    if plan.averaged or plan.rows:
        for role in ("x", "y"):
            roles[role] = tuple(_averageable(plan, one) for one in roles[role])
    return {role: quantities for role, quantities in roles.items() if quantities}


def _averageable(plan: Plan, one: Quantity) -> Quantity:
    if not plan.rows and not set(one.values.dims) & set(plan.averaged):
        return one
    one = one.as_number()
    if one.kind == "name" and not plan.rows:
        raise LayoutError(
            f"{one.name!r} holds names, and there is no mean of them over {plan.averaged[0]!r}."
        )
    return one


def _flat(values: xr.Variable, sizes: Mapping[str, int]) -> NDArray[Any]:
    """Return a variable over all dims of the points, in one row."""
    return np.broadcast_to(_beside(values, sizes), tuple(sizes.values())).ravel()


def _beside(values: xr.Variable, sizes: Mapping[str, int]) -> NDArray[Any]:
    """Return the values of a variable with its dims in the order of `sizes`, and of size 1 where it has them not."""
    own = values.transpose(*(dim for dim in sizes if dim in values.dims))
    return np.asarray(own.values).reshape([size if dim in values.dims else 1 for dim, size in sizes.items()])


def _groups(
    plan: Plan, roles: Mapping[str, tuple[Quantity, ...]], sizes: Mapping[str, int]
) -> dict[str, Any]:
    """Return the columns that are the same for all variables: groups, curves, places along dims."""
    columns: dict[str, Any] = {
        role: _flat(roles[role][0].values, sizes) for role, name in plan.roles.items() if name != VARIABLE
    }
    shape = tuple(sizes.values())
    curve = np.zeros(int(np.prod(shape)), dtype=np.intp)
    for at, dim in enumerate(sizes):
        place = np.broadcast_to(
            np.arange(shape[at]).reshape([-1] + [1] * (len(shape) - at - 1)), shape
        ).ravel()
        if dim in plan.along:
            columns[f"{PLACE}{dim}"] = place
        else:
            curve = curve * shape[at] + place
    return {**columns, "curve": curve}


def _values(
    plan: Plan, roles: Mapping[str, tuple[Quantity, ...]], at: int, sizes: Mapping[str, int]
) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """Return the columns of one of the variables, and how many values each mean is of."""
    columns, counts = {}, []
    for role in ("x", "y", "z", "error"):
        if role not in roles:
            continue
        values = roles[role][min(at, len(roles[role]) - 1)].values
        if set(plan.averaged) & set(values.dims):
            values, error, count = mean_over(values, plan.averaged)
            if role == ("z" if "z" in roles else "y"):
                counts.append(count)
                if plan.spread:
                    columns["error"] = _flat(error, sizes)
        columns[role] = _flat(values, sizes)
    return columns, counts


def _add_status(data: Data, made: Table, sizes: Mapping[str, int], parts: int) -> None:
    """Say of each point without a value whose it is and why it lacks."""
    rows, empty = made.rows, made.rows[made.value].isna().to_numpy()
    status = status_of(data, list(sizes), made.plan.averaged)
    if status is None:
        rows["own"], rows["status"] = False, np.where(empty, MISSING, "")
        return
    codes = np.tile(_flat(status.codes, sizes), parts)
    rows["own"] = empty & status.belongs(codes)
    rows["status"] = np.where(empty, status.of_holes(codes), "")


# What tells one curve from another.
CURVE = ("row", "col", "hue", "style", VARIABLE, "curve")


COLOR_SCALES = ("linear", "log", "symlog")
SCALES = (*COLOR_SCALES, "asinh", "logit")


def check_scales(table: Table, scales: Mapping[str, str | None]) -> None:
    """Raise when an axis cannot have the scale that it is given.

    Raises
    ------
    LayoutError
        When there is no such scale, or names or dates are to be on one that is not linear.
    """
    for role, scale in scales.items():
        if scale is None:
            continue
        known = COLOR_SCALES if role == "z" else SCALES
        if scale not in known:
            raise LayoutError(f"{role}scale={scale!r} is unknown. {available(str(scale), known)}")
        if role == "z" and "z" not in table.quantities:
            raise LayoutError("zscale is for the colours of z, and there is no z.")
        kind = table.one(role).kind if role in table.quantities else "number"
        if kind != "number" and scale != "linear":
            name = table.one(role).name
            raise LayoutError(
                f"{name!r} holds {kind}s and cannot be on a {scale} axis. Leave out {role}scale."
            )


def drawable(table: Table, scales: Mapping[str, str | None]) -> Table:
    """Return the table without values that have no place on their axis; warn of them."""
    rows, said = table.rows.copy(), []
    for role in ("x", "y", "z"):
        if role not in rows or table.one(role).kind != "number":
            continue
        values = rows[role].to_numpy()
        lost = np.isinf(values)
        if lost.any():
            said.append(f"{int(lost.sum())} infinite values of {_variable_names(table, role)}")
        if scales.get(role) == "log":
            below = (values <= 0) & ~lost
            if below.any():
                said.append(
                    f"{int(below.sum())} values of {_variable_names(table, role)} that are 0 or less, on a log scale"
                )
            lost |= below
        rows[role] = np.where(lost, np.nan, values)
    if said:
        warn(f"Not drawn: {listing(said)}.")
    return replace(table, rows=rows) if said else table


def _variable_names(table: Table, role: str) -> str:
    return listing(dict.fromkeys(one.name for one in table.quantities[role]))

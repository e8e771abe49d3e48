"""The points of a plot: a table of numbers with one row for each point."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from coma_xr.checks import naming, setting
from coma_xr.errors import LayoutError, warn
from coma_xr.plotting.arguments import is_moment
from coma_xr.plotting.averages import mean_over, summary_of, warn_of_correlation
from coma_xr.plotting.data import GROUPS, REPEAT, VARIABLE, Data, Plan, given_axes
from coma_xr.plotting.quantities import (
    COUNT,
    DURATION_UNITS,
    DURATIONS,
    LARGEST,
    NO_NUMBER_TEXTS,
    NO_NUMBERS,
    SMALLEST,
    Quantity,
    error_of,
    label_of,
    quantity,
    together,
    too_large,
)
from coma_xr.plotting.repeats import codes_of
from coma_xr.text import count, listing, near_names

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Arguments whose values may be None, for the end of the data.
LIMITS = ("xlim", "ylim")

# More points would take minutes and show nothing but a filled area.
MOST = 5_000_000

# What distinguishes one curve from another.
CURVE = ("row", "col", "hue", "style", VARIABLE, "curve")

# Columns of the places along dims, and of labels that are not numbers; no role has such a name.
PLACE = "place along "
CODE = "code of "

# Columns of what distinguishes points of a table and is not drawn.
APART = "number of "

# A sample spans at least this factor, and its median is this near to the middle of the logarithms, for a log axis.
DECADES, CENTRAL, SAMPLED = 100.0, 0.15, 16


# ------------------------------------------------------------------------------------------ status

NO_VALUE = "no value"
MISSING = "missing"
DONE = "done"
NOT_ASKED = "not_asked"


@dataclass(frozen=True)
class Status:
    """The status of each point: places in `names`, among them "done" and, where nobody asked for it, `foreign`."""

    codes: xr.Variable
    names: tuple[str, ...]
    foreign: str | None

    def of_holes(self, codes: NDArray[Any]) -> NDArray[Any]:
        """Return why points have no value."""
        reasons = np.array([NO_VALUE if name == DONE else name for name in self.names], dtype=object)
        return np.asarray(reasons[codes.astype(np.intp)])

    def belongs(self, codes: NDArray[Any]) -> NDArray[np.bool_]:
        """Return whether a hole belongs to the curve that it is in, so that the curve breaks there."""
        ours = np.array([name != self.foreign for name in self.names])
        return np.asarray(ours[codes.astype(np.intp)])


def status_of(data: Data, dims: Sequence[str], averaged: Sequence[str]) -> Status | None:
    """Return the status of points over `dims`, or None where it is not recorded.

    A coord with the attrs `flag_values` and `flag_meanings` of the CF conventions goes before ``measurement_id``,
    which is 0 where there is no measurement.
    """
    for name, variable in data.ds.variables.items():
        if "flag_values" in variable.attrs and "flag_meanings" in variable.attrs:
            names = str(variable.attrs["flag_meanings"]).split()
            if DONE in names and (codes := _fitting(data.variable(str(name)), dims, averaged)) is not None:
                flags = np.atleast_1d(variable.attrs["flag_values"]).tolist()
                return Status(
                    codes.copy(data=_flag_places(codes.values, flags, names)), tuple(names), NOT_ASKED
                )
    if "measurement_id" in data.ds.variables:
        ids = _fitting(data.variable("measurement_id"), dims, averaged)
        if ids is not None and ids.dtype.kind in "iuf":
            return Status(ids.copy(data=(ids.values > 0).astype(np.intp)), (MISSING, DONE), MISSING)
    return None


def _flag_places(codes: NDArray[Any], flags: list[Any], names: list[str]) -> NDArray[np.intp]:
    """Return where flags stand among all; what is none of them counts as done."""
    places = dict(zip(flags, range(len(names)), strict=False))
    default = names.index(DONE)
    flat = [places.get(code, default) for code in codes.ravel().tolist()]
    return np.reshape(flat, codes.shape).astype(np.intp)


def _fitting(variable: xr.Variable, dims: Sequence[str], averaged: Sequence[str]) -> xr.Variable | None:
    """Return a variable over `dims`; of several that a mean was taken of, what is farthest from not asked."""
    variable = variable.max([dim for dim in averaged if dim in variable.dims])
    return variable if set(variable.dims) <= set(dims) else None


def statuses_to_draw(status: Any, present: Sequence[str]) -> list[str]:
    """Return the statuses that are to be drawn.

    Raise LayoutError when one is unknown.
    """
    if status is True:
        return [name for name in present if name != NOT_ASKED]
    names = [status] if isinstance(status, str) else list(status or ())
    usual = (MISSING, "failed", "timeout", "died", "excluded", NOT_ASKED, NO_VALUE)
    known = list(dict.fromkeys([*present, *usual]))
    for name in names:
        if name not in known:
            raise LayoutError(f"status={name!r} is unknown.", name=str(name), available=known)
    return [name for name in names if name in present]


# ------------------------------------------------------------------------------------------ table


@dataclass(frozen=True)
class Table:
    """The drawn values.

    The columns of `rows` are floats `x`, `y`, `z`, `low`, `high`, `hue`, `style`, `row`, `col` as far as the plan has
    them; `curve`, a number for each curve; `own`, whether a value that is missing belongs to this curve, which breaks
    there; `status`, why it is; and the place along each of the plan's dims. `count` is the least and the most values in a mean.
    """

    plan: Plan
    rows: pd.DataFrame
    quantities: Mapping[str, tuple[Quantity, ...]]
    count: tuple[int, int] | None = None
    scales: Mapping[str, str] = field(default_factory=dict)

    def quantity(self, role: str) -> Quantity:
        """Return what the numbers of a role mean, the first variable's where it has several."""
        return self.quantities[role][0]

    def types(self, role: str) -> set[str]:
        """Return what kinds of values an axis has. Panels of their own may show different ones."""
        return {quantity.type for quantity in self.quantities.get(role, ())}

    def levels(self, role: str) -> list[float]:
        """Return the different numbers of a role that occur with something to draw, sorted."""
        if role not in self.quantities:
            return []
        some = self.drawn[role].dropna()
        return sorted((some if len(some) else self.rows[role].dropna()).unique().tolist())

    @functools.cached_property
    def drawn(self) -> pd.DataFrame:
        """The rows with something to draw."""
        axes = [axis for axis in ("x", "y", "z") if axis in self.quantities]
        return self.rows[self.rows[axes].notna().all(axis=1)]

    @property
    def value(self) -> str:
        """The column without which a point is not drawn."""
        return next(role for role in ("z", "y", "x") if role in self.quantities)

    @property
    def places(self) -> list[str]:
        """The columns of the places along the plan's dims."""
        return [f"{PLACE}{dim}" for dim in self.plan.along if f"{PLACE}{dim}" in self.rows]

    def scale(self, role: str) -> str:
        """Return the scale of x, y, z or hue."""
        return self.scales.get(role, "linear")


def table(data: Data, plan: Plan) -> Table:
    """Return the points of a plot.

    Raise LayoutError when there are too many, or values that have no place in a plot.
    """
    names = dict.fromkeys([*plan.measured, *plan.grouping])
    on_axes = {*(plan.x if plan.y else ()), *data.ds.dims} & {*plan.x, *plan.y}
    roles = _by_role(
        data,
        plan,
        {
            name: label_of(name, variable, on_axis=name in on_axes)
            if name in on_axes or name in plan.grouping
            else quantity(name, variable)
            for name, variable in data.variables(names).items()
        },
    )
    averaged = () if plan.layout == "samples" else plan.averaged
    dims = data.dims(*names)
    sizes = {dim: data.ds.sizes[dim] for dim in dims if dim not in averaged}
    parts = max(len(plan.x), len(plan.y), 1)
    points = parts * math.prod(data.ds.sizes[dim] for dim in dims)
    if points > MOST:
        ways = ["Select some, or average over a dim."]
        raise LayoutError(f"{points:,} points are more than a figure can show.", ways=ways)
    shared = _groups(plan, roles, sizes)
    for name in plan.apart:
        variable = data.variable(name)
        shared[f"{APART}{name}"] = _flat(variable.copy(data=codes_of(variable)), sizes)
    rows, counts = [], []
    for at in range(parts):
        values, number = _values(data, plan, roles, at, sizes, averaged)
        rows.append(pd.DataFrame({**shared, **values, VARIABLE: float(at)}))
        counts += number
    points_table = Table(plan, pd.concat(rows, ignore_index=True), roles)
    for role in [role for role, name in plan.roles.items() if name == VARIABLE]:
        points_table.rows[role] = points_table.rows[VARIABLE]
    _add_status(data, points_table, sizes, parts)
    points_table = replace(points_table, scales=_scales(data, points_table))
    points_table = _with_label_places(data, points_table)
    if plan.rows and not (averaged or plan.layout == "samples"):
        averaged_rows, counts = _mean_over_rows(points_table)
        points_table = replace(points_table, rows=averaged_rows)
    numbers = np.concatenate([np.ravel(array) for array in counts]) if counts else np.array([])
    numbers = numbers[numbers > 0]
    return replace(points_table, count=(int(numbers.min()), int(numbers.max())) if numbers.size else None)


def _by_role(data: Data, plan: Plan, quantity_of: Mapping[str, Quantity]) -> dict[str, tuple[Quantity, ...]]:
    """Return the quantities of each axis, in one type, and of each group."""
    roles = {}
    for role in ("x", "y"):
        quantities = [quantity_of[name] for name in getattr(plan, role)]
        roles[role] = tuple(quantities if plan.has_own_axes(role) else together(quantities))
    for shown in [*roles["x"], *roles["y"]]:
        if shown.fault and plan.layout != "samples":
            warn(f"{shown.name!r} holds {shown.fault}. They are drawn as names, at equal distances.")
    errors = [quantity_of[name] for name in plan.error]
    roles["error"] = tuple(
        error_of(error, roles["y"][min(at, len(roles["y"]) - 1)]) for at, error in enumerate(errors)
    )
    roles["z"] = (quantity_of[plan.z],) if plan.z else ()
    for role, name in plan.roles.items():
        variables = Quantity(VARIABLE, "name", xr.Variable((), 0.0), plan.x if len(plan.x) > 1 else plan.y)
        roles[role] = (variables if name == VARIABLE else quantity_of[name].in_short_units(),)
    roles["error"] = tuple(quantity.as_number() for quantity in roles["error"])
    if plan.kind == "contour" or plan.averaged:
        roles["z"] = tuple(quantity.as_number() for quantity in roles["z"])
    if plan.layout == "samples":
        roles["x"] = tuple(quantity.as_names() for quantity in roles["x"])
        roles["y"] = tuple(quantity.as_number() for quantity in roles["y"])
    needed = {"error": "an error", **({"z": "the levels of a contour"} if plan.kind == "contour" else {})}
    needed |= {"y": f"the values of a {plan.kind}"} if plan.layout == "samples" else {}
    for role, noun in needed.items():
        for shown in roles[role]:
            if shown.type != "number":
                raise LayoutError(
                    f"{shown.name!r} holds {shown.type}s and cannot be {noun}.", expected="numbers"
                )
    for role in ("x", "y", "z") if plan.averaged else ():
        roles[role] = tuple(_averageable(plan, quantity) for quantity in roles[role])
    if plan.rows:
        role = "z" if plan.z else "y"
        roles[role] = tuple(quantity.as_number() for quantity in roles[role])
    _put_in_order(data, plan, roles)
    return {role: quantities for role, quantities in roles.items() if quantities}


def _averageable(plan: Plan, quantity: Quantity) -> Quantity:
    if plan.layout == "samples" or not set(quantity.values.dims) & set(plan.averaged):
        return quantity
    quantity = quantity.as_number()
    if quantity.type == "name":
        raise _no_mean(quantity, plan.averaged[0])
    return quantity


def _no_mean(quantity: Quantity, dim: str) -> LayoutError:
    return LayoutError(f"{quantity.name!r} holds names, which have no mean over {dim!r}.", expected="numbers")


def _put_in_order(data: Data, plan: Plan, roles: dict[str, tuple[Quantity, ...]]) -> None:
    """Give names the order that the user asked for.

    Raise LayoutError when the order has none of the values.
    """
    order = plan.spec.order
    if order is None:
        return
    by_name = (
        {data.find(name, "order"): _listed(order, values) for name, values in order.items()}
        if isinstance(order, Mapping)
        else None
    )
    is_ordered = False
    for role in (*GROUPS, "x", "y"):
        if role not in roles or len(roles[role]) != 1:
            continue
        (quantity,) = roles[role]
        wanted = _listed(order, order) if by_name is None else by_name.get(quantity.name, [])
        if not wanted:
            continue
        names = quantity.as_names()
        values, places = quantity.texts(), [names.place_of(value) for value in wanted]
        unknown = [str(value) for value, place in zip(wanted, places, strict=True) if place is None]
        others = {*values} - {values[int(place)] for place in places if place is not None}
        is_misspelt = any(near_names(value, others) for value in unknown)
        if role in {"x", "y"} and is_ordered and by_name is None and (unknown or quantity.type != "name"):
            # The list is meant for a group, and an axis of numbers has some of them by chance.
            continue
        if len(unknown) < len(wanted) and not is_misspelt:
            roles[role], is_ordered = (quantity.in_order(wanted),), True
        elif by_name is not None:
            message = f"order: {quantity.name!r} has none of these values."
            if len(unknown) < len(wanted):
                message = f"order: {quantity.name!r} has no value {unknown[0]!r}."
            raise LayoutError(message, name=unknown[0], available=values)
    if not is_ordered and by_name is None:
        raise LayoutError(
            setting("order", _listed(order, order), "has no value of anything in this plot."),
            expected="values of the plotted variables",
        )


def _listed(order: Any, values: Any) -> list[Any]:
    """Return the values of an order in a list.

    Raise LayoutError when they are none.
    """
    values = values.values if isinstance(values, (xr.DataArray, xr.Variable)) else values
    is_listed = isinstance(
        values, (Sequence, np.ndarray, pd.Index, pd.Series, pd.api.extensions.ExtensionArray)
    )
    if isinstance(values, (str, bytes)) or not is_listed or not np.ndim(values):
        raise LayoutError(
            setting("order", order, "cannot be used."),
            expected="a list, or a mapping such as {'model': ['a', 'b']}",
        )
    return list(values)


def _flat(values: xr.Variable, sizes: Mapping[str, int]) -> NDArray[Any]:
    """Return a variable over all dims of the points, in one row."""
    ordered = values.transpose(*(dim for dim in sizes if dim in values.dims))
    shape = [size if dim in values.dims else 1 for dim, size in sizes.items()]
    return np.broadcast_to(np.asarray(ordered.values).reshape(shape), tuple(sizes.values())).ravel()


def _groups(
    plan: Plan, roles: Mapping[str, tuple[Quantity, ...]], sizes: Mapping[str, int]
) -> dict[str, Any]:
    """Return the columns that are the same for all variables: groups, curves, places along dims."""
    columns: dict[str, Any] = {}
    for role in [role for role, name in plan.roles.items() if name != VARIABLE]:
        columns[role] = _flat(roles[role][0].values, sizes)
        codes = roles[role][0].codes
        if codes is not None:
            columns[f"{CODE}{role}"] = _flat(codes, sizes)
    shape = tuple(sizes.values())
    curve = np.zeros(int(np.prod(shape)), dtype=np.intp)
    for at, dim in enumerate(sizes):
        along = np.arange(shape[at]).reshape([-1] + [1] * (len(shape) - at - 1))
        place = np.broadcast_to(along, shape).ravel()
        if dim in plan.along:
            columns[f"{PLACE}{dim}"] = place
        else:
            curve = curve * shape[at] + place
    return {**columns, "curve": curve}


def _values(
    data: Data,
    plan: Plan,
    roles: Mapping[str, tuple[Quantity, ...]],
    at: int,
    sizes: Mapping[str, int],
    averaged: Sequence[str],
) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """Return the columns of one of the variables, and how many values each mean is of."""
    columns: dict[str, Any] = {}
    counts = []
    for role in [role for role in ("x", "y", "z", "error") if role in roles]:
        quantity = roles[role][min(at, len(roles[role]) - 1)]
        values = quantity.values
        if set(averaged) & set(values.dims):
            is_value = role == ("z" if "z" in roles else "y")
            if is_value:
                warn_of_correlation(data, plan, values)
            summary = mean_over(values, averaged, plan.spread if is_value else None)
            values = summary["centre"]
            if is_value:
                counts.append(summary["count"].values)
                columns |= {name: _flat(summary[name], sizes) for name in ("low", "high") if name in summary}
        elif quantity.codes is not None and role != "error":
            columns[f"{CODE}{role}"] = _flat(quantity.codes, sizes)
        columns[role] = _flat(values, sizes)
    if "error" in columns:
        error = columns.pop("error")
        # An error is a distance; negative ones are reported as not drawn.
        columns["negative"] = error < 0
        error = np.where(error < 0, np.nan, error)
        columns |= {"low": columns["y"] - error, "high": columns["y"] + error}
    return columns, counts


def _mean_over_rows(table: Table) -> tuple[pd.DataFrame, list[NDArray[Any]]]:
    """Return rows with one for all that are equal except for their value, and of how many each mean is."""
    keys = [*(role for role in table.quantities if role not in {table.value, "error"}), VARIABLE]
    keys += [f"{APART}{name}" for name in table.plan.apart]
    groups = table.rows.groupby(keys, sort=False, dropna=False)
    averaged = groups.first().reset_index()
    if table.quantity(table.value).type == "name" and len(averaged) < len(table.rows):
        raise _no_mean(table.quantity(table.value), REPEAT)
    number = groups.ngroup().to_numpy()
    values = np.full((len(averaged), int(groups.size().max()) if len(averaged) else 0), np.nan)
    values[number, groups.cumcount().to_numpy()] = table.rows[table.value].to_numpy()
    summary = summary_of(values, table.plan.spread)
    averaged = averaged.drop(columns=f"{CODE}{table.value}", errors="ignore")
    averaged[table.value] = summary["centre"]
    for name in ("low", "high"):
        if name in summary:
            averaged[name] = summary[name]
    return averaged, [summary["count"]]


def _add_status(data: Data, table: Table, sizes: Mapping[str, int], parts: int) -> None:
    """Record for each point without a value whose it is, why it has none, and whether no measurement has one."""
    rows, empty = table.rows, table.rows[table.value].isna().to_numpy()
    status = status_of(data, list(sizes), table.plan.averaged)
    if status is None:
        # A hole where others have a value can be from joining lines with different x.
        rows["status"], rows["hole"] = np.where(empty, MISSING, ""), False
        rows["own"] = empty & ~rows["x"].isin(rows.loc[~empty, "x"]) if "x" in rows else False
        return
    codes = np.tile(_flat(status.codes, sizes), parts)
    rows["own"] = empty & status.belongs(codes)
    rows["status"] = np.where(empty, status.of_holes(codes), "")
    rows["hole"] = empty & (rows["status"] != NO_VALUE)


# ------------------------------------------------------------------------------------------ axes


def beside(table: Table, role: str, earlier: Quantity) -> Table:
    """Return a table with the places and units that an axis has from an earlier plot.

    Raise LayoutError when one axis cannot show both.
    """
    quantities, rows = table.quantities[role], table.rows
    contents = {earlier.contents, quantities[0].contents}
    if contents == {"names", "numbers"} and (earlier.is_bool or quantities[0].is_bool):
        quantities = tuple(quantity.as_number() for quantity in quantities)
    elif len(contents) > 1:
        raise LayoutError(
            f"The axis {role} of these axes shows {earlier.name!r}, which holds {earlier.contents}, and "
            f"{quantities[0].name!r} holds {quantities[0].contents}.",
            ways=["Plot it in other axes."],
        )
    elif quantities[0].type == "name":
        categories = tuple(dict.fromkeys([*earlier.categories, *quantities[0].categories]))
        places = np.array([categories.index(value) for value in quantities[0].categories], dtype=np.float64)
        is_placed = rows[role].notna()
        rows = rows.assign(**{role: rows[role].mask(is_placed, places[rows[role].fillna(0).astype(int)])})
        quantities = tuple(quantity.within(categories) for quantity in quantities)
    elif quantities[0].contents == "durations":
        table = _in_units(table, role, str(earlier.units))
        quantities, rows = table.quantities[role], table.rows
    quantities = tuple(
        replace(quantity, places=(*earlier.places, *quantity.places)) for quantity in quantities
    )
    return replace(table, rows=rows, quantities={**table.quantities, role: quantities})


def _in_units(table: Table, role: str, units: str) -> Table:
    """Return a table with the durations of an axis in other units."""
    quantities, rows = table.quantities[role], table.rows
    factor = DURATION_UNITS[str(quantities[0].units)] / DURATION_UNITS[units]
    columns = [role, "low", "high"] if role == "y" else [role]
    rows = rows.assign(**{name: rows[name] * factor for name in columns if name in rows})
    return replace(
        table,
        rows=rows,
        quantities={**table.quantities, role: tuple(each.in_units(units) for each in quantities)},
    )


def _in_units_of_limits(table: Table) -> Table:
    """Return a table with durations in the units of the limits, which a part of the axis has."""
    spec = table.plan.spec
    for role, limits in (("x", spec.xlim), ("y", spec.ylim)):
        ends = [end for end in (() if limits is None else limits) if isinstance(end, DURATIONS)]
        if len(ends) < 2 or spec.ax is not None:
            continue
        if table.quantities.get(role, (COUNT,))[0].contents == "durations":
            units = quantity("limits", xr.Variable(("end",), np.array(ends, dtype="m8[ns]"))).units
            table = _in_units(table, role, str(units))
    return table


def in_numbers(table: Table) -> Table:
    """Return a table whose limits, edges of bins and levels are numbers of its axes and colours.

    Raise LayoutError when one is none.
    """
    table = _in_units_of_limits(table)
    plan, spec = table.plan, table.plan.spec
    color = "z" if "z" in table.quantities else "hue"
    x, y, z = (table.quantities.get(role, (COUNT,))[0] for role in ("x", "y", color))
    bins = (
        tuple(_in_numbers(axis, "bins", steps) for axis, steps in zip((x, y), spec.bins, strict=True))
        if plan.z is not None and isinstance(spec.bins, tuple) and len(spec.bins) == 2
        else _in_numbers(x, "bins", spec.bins)
    )
    quantities = {"xlim": x, "ylim": y, "vmin": z, "vmax": z, "levels": z}
    changed = {name: _in_numbers(axis, name, getattr(spec, name)) for name, axis in quantities.items()}
    for name in LIMITS:
        _check_limits(name, getattr(spec, name), changed[name], table.scale(name[0]))
    return replace(table, plan=replace(plan, spec=replace(spec, bins=bins, **changed)))


def _check_limits(name: str, given: Any, limits: Any, scale: str) -> None:
    """Raise LayoutError when limits are equal, or have no place on the scale of their axis."""
    ends = np.array([end for end in limits or () if end is not None], dtype=np.float64)
    if _outside(ends, scale)[0].any():
        expected = "limits above 0, or None" if scale == "log" else "limits between 0 and 1, or None"
        fault = f"has no place on a {scale} scale."
        raise LayoutError(setting(name, given, fault), expected=expected)
    if len(ends) == 2 and ends[0] == ends[1]:
        raise LayoutError(setting(name, given, "leaves no room."), expected="two limits that differ")


def _in_numbers(quantity: Quantity, argument: str, value: Any) -> Any:
    """Return a value, or each of several, as a number; None, and a number of bins or levels, as they are."""
    if value is None or (isinstance(value, (int, np.integer)) and not is_moment(value)):
        return value
    try:
        if isinstance(value, (str, float)) or is_moment(value):
            return quantity.number(value)
        return [None if part is None and argument in LIMITS else quantity.number(part) for part in value]
    except (TypeError, ValueError):
        by_type = {"date": "dates", "number": quantity.contents}
        expected = by_type.get(quantity.type, "numbers")
        raise LayoutError(setting(argument, value, "cannot be used."), expected=expected) from None


# ------------------------------------------------------------------------------------------ scales and labels


def _scales(data: Data, table: Table) -> dict[str, str]:
    """Return the scales of the axes: those given, and logarithmic ones for samples that were drawn on such a scale.

    Raise LayoutError when names or dates are to be on a scale that is not linear, or there is nothing to be
    on it.
    """
    chosen, scales = table.plan.spec.scales(), {}
    for role, scale in chosen.items():
        quantities = table.quantities.get(role)
        argument = "hue_scale" if role == "hue" else f"{role}scale"
        if scale is not None:
            if quantities is None and role in {"z", "hue"}:
                raise LayoutError(
                    naming(f"{{}} applies to the colours of {role}, which is not given.", argument),
                    ways=[naming("Name a variable for {}, or leave out {}.", role, argument)],
                )
            other = next((each for each in quantities or () if each.type != "number"), None)
            if other is not None and scale != "linear":
                message = f"{other.name!r} holds {other.type}s and cannot be on a {scale} scale."
                if table.plan.layout == "samples" and role == "x":
                    message = (
                        f"A {table.plan.kind} has its places on x side by side, and not on a {scale} scale."
                    )
                raise LayoutError(message, ways=[naming("Leave out {}.", argument)])
            scales[role] = scale
        elif role in {"x", "y"} and quantities is not None:
            given = _scale_of_axes(table, role)
            scales[role] = "log" if given == "linear" and _is_log_sample(data, table, role) else given
    return scales


def _scale_of_axes(table: Table, role: str) -> str:
    """Return the scale that the user's axes have already.

    Raise LayoutError when it has no place for names or dates.
    """
    axes = [getattr(ax, f"{role}axis") for ax in given_axes(table.plan.spec) if hasattr(ax, f"{role}axis")]
    scale = next((axis.get_scale() for axis in axes if axis.get_scale() != "linear"), "linear")
    shown = table.quantity(role)
    if scale != "linear" and shown.type != "number":
        raise LayoutError(
            f"The axis {role} of these axes is on a {scale} scale, and {shown.name!r} holds {shown.contents}.",
            ways=["Plot it in other axes."],
        )
    return str(scale)


def _is_log_sample(data: Data, table: Table, role: str) -> bool:
    """Return whether a parameter of points was sampled evenly on a logarithmic scale."""
    names = getattr(table.plan, role)
    if len(names) != 1 or table.quantity(role).type != "number" or not data.is_points(names[0]):
        return False
    values = np.unique(table.rows[role].dropna())
    if data.is_table or not data.is_parameter(names[0]) or len(values) < SAMPLED:
        return False
    if not values[0] > 0 or not values[-1] >= DECADES * values[0] or not np.isfinite(values[-1]):
        return False
    logs = np.log(values)
    return bool(abs((np.median(logs) - logs[0]) / (logs[-1] - logs[0]) - 0.5) < CENTRAL)


def _with_label_places(data: Data, table: Table) -> Table:
    """Return the table with places, next to the numbers, for labels that are none: None, NaN, infinity."""
    rows, quantities = table.rows, dict(table.quantities)
    for role in [role for role in (*GROUPS, "x", "y") if f"{CODE}{role}" in rows]:
        codes = rows[f"{CODE}{role}"].fillna(0).to_numpy().astype(int)
        names = [quantity.name for quantity in quantities[role]]
        if role in {"x", "y"} and (len(table.types(role)) > 1 or not _are_labels(data, table, role)):
            continue
        used = (codes > 0) & (_others_present(table, role) | rows["own"].to_numpy(dtype=bool))
        if any(name in data.ds.dims for name in names):
            used = codes > 0
        if not used.any():
            continue
        order = [code for code in (6, 5, 4, 3, 2, 1) if (codes[used] == code).any()]
        numbers = rows[role].to_numpy()[codes == 0]
        places = _places_beside(quantities[role][0], numbers[~np.isnan(numbers)], order, table.scale(role))
        rows.loc[used, role] = [places[code] for code in codes[used]]
        rows.loc[~used & (codes > 0), role] = np.nan
        quantities[role] = tuple(_with_places(quantity, places) for quantity in quantities[role])
    return replace(table, quantities=quantities)


def _others_present(table: Table, role: str) -> NDArray[np.bool_]:
    """Return which points have a place on the axes other than that of a role."""
    present = np.ones(len(table.rows), dtype=bool)
    for axis in [axis for axis in ("x", "y", "z") if axis in table.quantities and axis != role]:
        is_label = (
            table.rows[f"{CODE}{axis}"].to_numpy() > 0
            if f"{CODE}{axis}" in table.rows and axis != table.value
            else False
        )
        present &= table.rows[axis].notna().to_numpy() | is_label
    return present


def _are_labels(data: Data, table: Table, role: str) -> bool:
    """Return whether what is not a number on an axis is a label, and not a result that is missing."""
    names = getattr(table.plan, role)
    is_name = table.quantity(role).type == "name"
    if not is_name and role == table.value == "y" and (data.is_table or table.plan.layout == "samples"):
        # A label has a place, which would be an invented value, and count in means and boxes.
        return False
    if data.is_table:
        # NaN in a column of numbers is what pandas has for a missing result.
        dtypes = {name: getattr(data.ds[name].dtype, "kind", "O") for name in names}
        return all(data.is_parameter(name) or kind not in "iufmM" for name, kind in dtypes.items())
    return all(map(data.is_parameter, names))


def _places_beside(
    quantity: Quantity, values: NDArray[Any], order: Sequence[int], scale: str
) -> dict[int, float]:
    """Return places for labels: infinity at its side of the numbers, the others behind all."""
    if quantity.type == "name":
        return {code: float(len(quantity.categories) + at) for at, code in enumerate(order)}
    is_log = scale == "log" and bool((values > 0).any())
    levels = np.unique(np.log10(values[values > 0]) if is_log else values)
    low, high = (levels[0], levels[-1]) if len(levels) else (0.0, 0.0)
    step = (
        max(float(np.median(np.diff(levels))), 0.08 * (high - low)) if len(levels) > 1 else abs(high) or 1.0
    )
    places, behind = {}, high
    for code in order:
        if code == 6:
            places[code] = low - step
        else:
            behind += step
            places[code] = behind
    return {code: float(10.0**place if is_log else place) for code, place in places.items()}


def _with_places(quantity: Quantity, places: Mapping[int, float]) -> Quantity:
    if quantity.type == "name":
        return replace(quantity, categories=(*quantity.categories, *(NO_NUMBERS[code] for code in places)))
    return replace(quantity, places=tuple((place, code) for code, place in places.items()))


def drawable(data: Data, table: Table) -> Table:
    """Return the table without values that have no place on their axis; warn of them.

    Raise LayoutError when numbers are too large for axes.
    """
    rows, lost_parts = table.rows.copy(), []
    for role in [role for role in ("x", "y", "z") if role in rows and "number" in table.types(role)]:
        values = rows[role].to_numpy()
        lost = np.isinf(values)
        if (largest := _largest(values)) >= LARGEST:
            raise too_large(_names_of(table, role), f"size {largest:.1e}")
        if 0 < largest < SMALLEST and table.scale(role) == "linear" and role != "z":
            raise LayoutError(
                f"{_names_of(table, role)!r} has numbers up to {largest:.1e}, which an axis shows as zeros.",
                expected=f"numbers above {SMALLEST:.0e}",
                ways=["Multiply them by a power of ten."],
            )
        if lost.any():
            lost_parts.append(f"{count(int(lost.sum()), 'infinite value')} of {_names_of(table, role)}")
        outside, why = _outside(values, table.scale(role))
        outside &= ~lost
        if outside.any():
            lost_parts.append(f"{count(int(outside.sum()), 'value')} of {_names_of(table, role)} {why}")
        rows[role] = np.where(lost | outside, np.nan, values)
        # A line does not connect the points on both sides of a pole.
        rows["own"] |= lost | outside
    lost_parts += _missing_values(data, table)
    if data.is_table and table.value == "y":
        without = int((rows["x"].isna() & table.rows["x"].isna() & rows["y"].notna()).sum())
        if without:
            lost_parts.append(f"{count(without, 'point')} without {listing(table.plan.x)}")
    endless = np.zeros(len(rows), dtype=bool)
    if "low" in rows:
        endless = rows["y"].notna().to_numpy() & np.isinf(rows[["low", "high"]].to_numpy()).any(axis=1)
        if (largest := _largest(rows.loc[rows["y"].notna(), ["low", "high"]].to_numpy())) >= LARGEST:
            raise too_large(_names_of(table, "y"), f"size {largest:.1e} with its error")
        if endless.any():
            lost_parts.append(f"{count(int(endless.sum()), 'infinite error')} of {_names_of(table, 'y')}")
    if "negative" in rows and (negative := int((rows["negative"] & rows["y"].notna()).sum())):
        lost_parts.append(f"{count(negative, 'negative error')} of {_names_of(table, 'y')}")
    if lost_parts:
        warn(f"Not drawn: {listing(lost_parts)}.")
    if "low" in rows:
        scale = table.scale("y")
        ends = [_outside(rows[end].to_numpy(), scale)[0] for end in ("low", "high")]
        cut = int((rows["y"].notna() & ~endless & (ends[0] | ends[1])).sum())
        if cut:
            message = f"{count(cut, 'error')} of {listing(table.plan.y)} reach"
            end = "0 or less" if scale == "log" else "0 or 1"
            warn(f"{message} {end} and are cut off by the {scale} scale.")
    return replace(table, rows=rows)


def _missing_values(data: Data, table: Table) -> list[str]:
    """Return how many results are no value and have no place: None, and NaN or NA among names."""
    parts = []
    for role in [role for role in ("x", "y", "z") if f"{CODE}{role}" in table.rows]:
        quantity, codes = table.quantity(role), table.rows[f"{CODE}{role}"]
        # A point without x is counted as such in a table, and numbers that are NaN are missing results.
        if data.is_table and role == "x" and table.value == "y":
            continue
        reported = (1, 2, 3, 4) if quantity.type == "name" else (1, 4)
        is_lost = table.rows[role].isna() & ~table.rows["hole"]
        for code in reported:
            number = int((is_lost & (codes == code)).sum())
            if number:
                noun = f"value {NO_NUMBER_TEXTS[code]}", f"values {NO_NUMBER_TEXTS[code]}"
                parts.append(f"{count(number, *noun)} of {_names_of(table, role)}")
    return parts


def _largest(values: NDArray[Any]) -> float:
    """Return the size of the largest finite number, or 0 where there is none."""
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0))


def _names_of(table: Table, role: str) -> str:
    return listing(dict.fromkeys(quantity.name for quantity in table.quantities[role]))


def _outside(values: NDArray[Any], scale: str) -> tuple[NDArray[np.bool_], str]:
    """Return which values a scale has no place for, and why."""
    with np.errstate(invalid="ignore"):
        if scale == "log":
            return values <= 0, "that are 0 or less, on a log scale"
        if scale == "logit":
            return (values <= 0) | (values >= 1), "that are not between 0 and 1, on a logit scale"
    return np.zeros(values.shape, dtype=bool), ""

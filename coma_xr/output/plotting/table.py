"""The points of a plot as one table: a row for each, a column for each axis, colour, panel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from coma_xr.errors import LayoutError
from coma_xr.output.plotting.data import VARIABLE, Data
from coma_xr.output.plotting.means import mean_over, mean_over_rows
from coma_xr.output.plotting.quantities import Quantity, quantity, together
from coma_xr.output.plotting.status import MISSING, status_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from coma_xr.output.plotting.plan import Plan

__all__ = ["Table", "table"]

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

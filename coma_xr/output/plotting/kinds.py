"""Where only the values tell: whether points make lines, and a map."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from coma_xr.errors import LayoutError
from coma_xr.output.plotting.data import VARIABLE, Data
from coma_xr.output.plotting.grids import grid_of

if TYPE_CHECKING:
    import pandas as pd

    from coma_xr.output.plotting.table import Table

__all__ = ["CURVE", "decided", "in_order"]

# What tells one curve from another.
CURVE = ("row", "col", "hue", "style", VARIABLE, "curve")


def decided(table: Table) -> Table:
    """Return the table with the kind that its values ask for, where none was given.

    Raises
    ------
    LayoutError
        When a map is wanted, and the points are on no grid.
    """
    plan = table.plan
    if plan.is_surface and plan.kind != "scatter":
        on_grid = all(grid_of(table, panel) is not None for _, panel in panels(table))
        if not on_grid and plan.kind == "heatmap":
            x, y = plan.x[0], plan.y[0]
            ways = "Draw them as they are, kind='scatter', or take kind='contour', which connects them."
            raise LayoutError(
                f"The points of {x!r} and {y!r} are on no grid, and a heatmap needs one. {ways}"
            )
        return replace(table, plan=replace(plan, kind=plan.kind or ("heatmap" if on_grid else "scatter")))
    if plan.kind:
        return table
    return replace(table, plan=replace(plan, kind="line" if _are_lines(table) else "scatter"))


def panels(table: Table) -> list[tuple[tuple[float, ...], pd.DataFrame]]:
    """Return the points of each panel, with its row and column."""
    keys = [role for role in ("row", "col") if role in table.rows]
    if not keys:
        return [((), table.rows)]
    return [(tuple(map(float, key)), part) for key, part in table.rows.groupby(keys, sort=True)]  # type: ignore[arg-type]


def in_order(data: Data, table: Table) -> Table:
    """Return the table with lines sorted by x.

    A result on x is a curve in the plane, which runs in the order of its dim; in a table nothing has an order.
    """
    if table.plan.kind != "line" or any(_is_path(data, name) for name in table.plan.x):
        return table
    return replace(table, rows=table.rows.sort_values("x", kind="stable"))


def _is_path(data: Data, name: str) -> bool:
    return data.is_variable(name) and not data.is_points(name)


def _are_lines(table: Table) -> bool:
    """Whether x goes only up, or only down, in every curve."""
    if "name" in {table.one("x").kind, table.one("y").kind}:
        return False
    rows = table.rows.dropna(subset=["x", "y"])
    for _, curve in rows.groupby([key for key in CURVE if key in rows], sort=False, dropna=False):
        steps = np.diff(curve["x"].to_numpy())
        if not ((steps > 0).all() or (steps < 0).all()):
            return False
    return True

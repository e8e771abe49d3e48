"""Maps: a third variable as colour over a plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from coma_xr.errors import LayoutError
from coma_xr.output.plotting.colors import color_map, color_scale, is_diverging
from coma_xr.output.plotting.grids import Grid, corners, grid_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable

    from coma_xr.output.plotting.table import Table

__all__ = ["draw_contour", "draw_heatmap", "scale_of"]

# What lies under a map: where nothing was measured it is seen, and is no colour of a value.
HOLE = "0.88"

LEVELS = 12

# A map of more cells is a picture inside of a PDF, where it would be slow to show.
CELLS = 20_000


def scale_of(table: Table, zscale: str | None) -> ScalarMappable:
    """Return what gives a value its colour, the same in all panels."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import BoundaryNorm

    values = table.rows["z"].dropna().to_numpy()
    scale = zscale or "linear"
    diverging = scale != "log" and bool(values.size) and is_diverging(values)
    colors = color_map(diverging=diverging, whole=table.plan.kind != "scatter")
    norm = color_scale(values, scale, diverging=diverging)
    if table.plan.kind == "contour":
        norm = BoundaryNorm(_levels(norm), colors.N)
    return ScalarMappable(norm, colors)


def draw_heatmap(
    ax: Axes, table: Table, panel: pd.DataFrame, colors: ScalarMappable, logs: dict[str, bool]
) -> None:
    """Draw a cell for each point, half-way to its neighbours."""
    grid = grid_of(table, panel)
    if grid is None or not grid.z.size:
        return
    x, y, values = corners(grid, log_x=logs["x"], log_y=logs["y"])
    if np.isnan(grid.z).any():
        ax.set_facecolor(HOLE)
    z = np.ma.masked_invalid(values)
    how: dict[str, Any] = {"cmap": colors.cmap, "norm": colors.norm}
    ax.pcolormesh(x, y, z, shading="flat", rasterized=z.size > CELLS, **how)


def draw_contour(ax: Axes, table: Table, panel: pd.DataFrame, colors: ScalarMappable) -> None:
    """Draw filled contours, through points on no grid by triangles between them.

    Raises
    ------
    LayoutError
        When there are too few points to lie in a plane.
    """
    norm: Any = colors.norm
    levels = norm.boundaries
    drawn: dict[str, Any] = {"levels": levels, "cmap": colors.cmap, "norm": colors.norm}
    lines: dict[str, Any] = {"levels": levels, "colors": "k", "linewidths": 0.4, "alpha": 0.5}
    there = panel.dropna(subset=["x", "y", "z"])
    if there.empty:
        return
    grid = grid_of(table, panel)
    if grid is None:
        _check_plane(table, there)
        points = (there["x"].to_numpy(), there["y"].to_numpy(), there["z"].to_numpy())
        ax.tricontourf(*points, **drawn)
        ax.tricontour(*points, **lines)
        ax.plot(*points[:2], "k.", markersize=2, alpha=0.5)
        return
    _check_size(table, grid)
    z = np.ma.masked_invalid(grid.z)
    if np.ma.getmaskarray(z).any():
        ax.set_facecolor(HOLE)
    ax.contourf(grid.x, grid.y, z, **drawn)
    if np.ptp(z.compressed()) > 0:
        ax.contour(grid.x, grid.y, z, **lines)


def _check_size(table: Table, grid: Grid) -> None:
    if min(grid.z.shape) < 2:
        rows, columns = grid.z.shape
        raise LayoutError(
            f"A contour needs at least 2 x 2 points, {table.plan.z!r} has {columns} x {rows}. Take kind='heatmap'."
        )


def _check_plane(table: Table, points: pd.DataFrame) -> None:
    plane = points[["x", "y"]].drop_duplicates().to_numpy()
    if len(plane) < 3 or np.linalg.matrix_rank(plane - plane[0]) < 2:
        said = f"{len(plane)} points of {table.plan.z!r} lie on one line"
        raise LayoutError(f"A contour needs points in a plane; {said}. Take kind='scatter'.")


def _levels(norm: Any) -> Any:
    """Return round values between the colours."""
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import LogLocator, MaxNLocator

    low, high = float(norm.vmin), float(norm.vmax)
    if low == high:
        return [low - 0.5, low + 0.5]
    if isinstance(norm, LogNorm):
        decades = np.log10(high / low)
        subs = (1.0,) if decades > LEVELS / 2 else (1.0, 2.0, 5.0)
        ticks = LogLocator(subs=subs, numticks=10 * LEVELS).tick_values(low, high)
    else:
        ticks = MaxNLocator(LEVELS).tick_values(low, high)
    first, last = np.searchsorted(ticks, low, side="right") - 1, np.searchsorted(ticks, high)
    return np.asarray(ticks)[max(first, 0) : last + 1]

"""Maps: a third variable as colour over a plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coma_xr.errors import LayoutError
from coma_xr.plotting.styling import color_map, color_scale, is_diverging

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable

    from coma_xr.plotting.points import Table

Array = NDArray[Any]

# Of the cells between all x and all y of a table, so many must be there for it to be a grid.
FULL = 0.5


@dataclass(frozen=True)
class Grid:
    """Values over a plane.

    Parameters
    ----------
    x, y, z : array, shape (rows, columns)
        The centres of the cells, and their values; x goes along the columns.
    """

    x: Array
    y: Array
    z: Array


def grid_of(table: Table, panel: pd.DataFrame) -> Grid | None:
    """Return the points of a panel as a grid, or None when they are on none."""
    if len(table.places) == 2:
        codes = [pd.factorize(panel[name], sort=True) for name in table.places]
        return _ordered(_scattered(panel, codes[0][0], codes[1][0]))
    points = panel.dropna(subset=["x", "y"])
    y, ys = pd.factorize(points["y"], sort=True)
    x, xs = pd.factorize(points["x"], sort=True)
    cells = len(xs) * len(ys)
    if len(np.unique(y * len(xs) + x)) < len(points) or len(points) < FULL * cells:
        return None
    grid = _scattered(points, y, x)
    centres = np.meshgrid(np.asarray(xs), np.asarray(ys))
    return Grid(centres[0], centres[1], grid.z)


def _scattered(points: pd.DataFrame, row: Array, column: Array) -> Grid:
    shape = (int(row.max(initial=-1)) + 1, int(column.max(initial=-1)) + 1)
    arrays = [np.full(shape, np.nan) for _ in "xyz"]
    for array, name in zip(arrays, "xyz", strict=True):
        array[row, column] = points[name].to_numpy()
    return Grid(arrays[0], arrays[1], arrays[2])


def _ordered(grid: Grid) -> Grid:
    """Turn a grid so that x goes along the columns, fill its centres, and sort both."""
    x, y, z = grid.x, grid.y, grid.z
    if _variation(x, 0) + _variation(y, 1) > _variation(x, 1) + _variation(y, 0):
        x, y, z = x.T, y.T, z.T
    x, y, z = _placed(x, y, z)
    x, y = _filled(x), _filled(y.T).T
    if not _variation(y, 1):
        order = np.argsort(x, axis=1, kind="stable")
        x, z = np.take_along_axis(x, order, 1), np.take_along_axis(z, order, 1)
    if not _variation(x, 0):
        order = np.argsort(y, axis=0, kind="stable")
        y, z = np.take_along_axis(y, order, 0), np.take_along_axis(z, order, 0)
    return Grid(x, y, z)


def _placed(x: Array, y: Array, z: Array) -> tuple[Array, Array, Array]:
    """Return arrays without the rows and columns of which not a single cell has a place."""
    there = ~(np.isnan(x) | np.isnan(y))
    cells = np.ix_(there.any(axis=1), there.any(axis=0))
    return x[cells], y[cells], z[cells]


def _variation(array: Array, axis: int) -> float:
    """Return how much of the range of an array its steps along an axis are."""
    if array.shape[axis] < 2 or not np.isfinite(array).any():
        return 0.0
    reach = np.nanmax(array) - np.nanmin(array)
    steps = np.abs(np.diff(array, axis=axis))
    there = steps[np.isfinite(steps)]
    return float(there.max() / reach) if reach and there.size else 0.0


def _filled(array: Array) -> Array:
    """Return centres without holes: continued along their row, else taken from the rows beside."""
    if not np.isnan(array).any():
        return array
    filled = np.array([_line(row) for row in array])
    rows = np.arange(len(filled))
    good = ~np.isnan(filled).any(axis=1)
    nearest = rows[good][np.abs(rows[:, None] - rows[good]).argmin(axis=1)] if good.any() else rows
    return np.asarray(filled[nearest])


def _line(row: Array) -> Array:
    """Return a row with its holes filled, and its ends continued with the last step."""
    there = np.flatnonzero(~np.isnan(row))
    if not there.size or there.size == row.size:
        return row
    at = np.arange(row.size)
    line = np.interp(at, there, row[there])
    if there.size > 1:
        first, last = there[:2], there[-2:]
        before = row[first[0]] + (at - first[0]) * (row[first[1]] - row[first[0]]) / (first[1] - first[0])
        after = row[last[1]] + (at - last[1]) * (row[last[1]] - row[last[0]]) / (last[1] - last[0])
        line = np.where(at < first[0], before, np.where(at > last[1], after, line))
    return np.asarray(line)


def corners(grid: Grid, *, log_x: bool, log_y: bool) -> tuple[Array, Array, Array]:
    """Return the corners of the cells, half-way between the centres on the scale that is drawn, and their values.

    Where one coordinate depends on the other, each row (or column) of cells is a strip of its own.
    """
    x = _logarithm(grid.x) if log_x else grid.x
    y = _logarithm(grid.y) if log_y else grid.y
    z = grid.z
    if _variation(x, 0) and not _variation(y, 1):
        x, y, z = _strips(x, y, z)
    elif _variation(y, 1) and not _variation(x, 0):
        y, x, z = (array.T for array in _strips(y.T, x.T, z.T))
    else:
        x = _edges(_edges(x, 1, own=True), 0, own=False)
        y = _edges(_edges(y, 0, own=True), 1, own=False)
    return (10.0**x if log_x else x), (10.0**y if log_y else y), z


def _logarithm(centres: Array) -> Array:
    """Return logarithms; centres that were filled in and are no more than 0 are as small as the smallest."""
    return np.asarray(np.log10(np.maximum(centres, centres[centres > 0].min())))


def _strips(x: Array, y: Array, z: Array) -> tuple[Array, Array, Array]:
    """Return corners and values of rows that each have their own x, with rows of no height between them."""
    edges = _edges(y[:, 0], 0, own=True)
    bounds = np.column_stack([edges[:-1], edges[1:]]).ravel()
    values = np.repeat(z, 2, axis=0)[:-1]
    values[1::2] = np.nan
    xs = np.repeat(_edges(x, 1, own=True), 2, axis=0)
    return xs, np.broadcast_to(bounds[:, None], xs.shape), values


def _edges(centres: Array, axis: int, *, own: bool) -> Array:
    """Return what lies between the centres along an axis, and half a step beyond the ends."""
    array = np.moveaxis(centres, axis, 0)
    if len(array) > 1:
        middle = (array[1:] + array[:-1]) / 2
        edges = np.concatenate([[2 * array[0] - middle[0]], middle, [2 * array[-1] - middle[-1]]])
    else:
        # A single cell is as wide as one step of names, or a tenth of its value.
        whole = array == np.round(array)
        half = np.where(whole, 0.5, np.abs(array) * 0.05) if own else np.zeros_like(array)
        edges = np.concatenate([array - half, array + half])
    return np.asarray(np.moveaxis(edges, 0, axis))


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

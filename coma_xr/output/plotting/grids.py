"""Points in a plane as the cells of a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from coma_xr.output.plotting.table import Table

__all__ = ["Grid", "corners", "grid_of"]

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

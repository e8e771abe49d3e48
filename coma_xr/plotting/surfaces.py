"""Maps: a third variable as colour over a plane, on the scales of its axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap, LogNorm
from matplotlib.ticker import LogLocator, MaxNLocator
from matplotlib.tri import LinearTriInterpolator, Triangulation
from numpy.typing import NDArray

from coma_xr.errors import LayoutError, Way, warn
from coma_xr.plotting.styling import (
    Hue,
    Look,
    chosen_map,
    color_norm,
    cycle,
    extension,
    hue_of_names,
    line_map,
    map_of,
    shade,
)
from coma_xr.text import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from coma_xr.plotting.arguments import PlotSpec
    from coma_xr.plotting.points import Table

Array = NDArray[Any]

# Of the cells between all x and all y of a table, so many must be there for it to be a grid.
FULL = 0.5

# A row or column of a map that takes less of the axis cannot be seen, when the map has no more of them than can be.
THIN, VISIBLE = 1 / 500, 250


@dataclass(frozen=True)
class Grid:
    """Values over a plane."""

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
    """Return arrays without the rows and columns that have no cell with a place."""
    present = ~(np.isnan(x) | np.isnan(y))
    cells = np.ix_(present.any(axis=1), present.any(axis=0))
    return x[cells], y[cells], z[cells]


def _variation(array: Array, axis: int) -> float:
    """Return how much of the range of an array its steps along an axis are."""
    if array.shape[axis] < 2 or not np.isfinite(array).any():
        return 0.0
    reach = np.nanmax(array) - np.nanmin(array)
    steps = np.abs(np.diff(array, axis=axis))
    present = steps[np.isfinite(steps)]
    return float(present.max() / reach) if reach and present.size else 0.0


def _filled(array: Array) -> Array:
    """Return centres without holes: continued along their row, else taken from the rows next to."""
    if not np.isnan(array).any():
        return array
    filled = np.array([_line(row) for row in array])
    rows = np.arange(len(filled))
    good = ~np.isnan(filled).any(axis=1)
    nearest = rows[good][np.abs(rows[:, None] - rows[good]).argmin(axis=1)] if good.any() else rows
    return np.asarray(filled[nearest])


def _line(row: Array) -> Array:
    """Return a row with its holes filled, and its ends continued with the last step."""
    present = np.flatnonzero(~np.isnan(row))
    if not present.size or present.size == row.size:
        return row
    at = np.arange(row.size)
    line = np.interp(at, present, row[present])
    if present.size > 1:
        first, last = present[:2], present[-2:]
        before = row[first[0]] + (at - first[0]) * (row[first[1]] - row[first[0]]) / (first[1] - first[0])
        after = row[last[1]] + (at - last[1]) * (row[last[1]] - row[last[0]]) / (last[1] - last[0])
        line = np.where(at < first[0], before, np.where(at > last[1], after, line))
    return np.asarray(line)


def corners(grid: Grid, ax: Axes) -> tuple[Array, Array, Array]:
    """Return the corners of the cells, half-way between the centres on the scales of the axes, and their values.

    Where one coordinate depends on the other, each row (or column) of cells is a strip of its own.
    """
    x, y, z = forward(ax.xaxis, grid.x), forward(ax.yaxis, grid.y), grid.z
    if _variation(x, 0) and not _variation(y, 1):
        x, y, z = _strips(x, y, z)
    elif _variation(y, 1) and not _variation(x, 0):
        y, x, z = (array.T for array in _strips(y.T, x.T, z.T))
    else:
        x = _edges(_edges(x, 1, has_width=True), 0, has_width=False)
        y = _edges(_edges(y, 0, has_width=True), 1, has_width=False)
    return backward(ax.xaxis, x), backward(ax.yaxis, y), z


def forward(axis: Any, values: Array) -> Array:
    """Return values on the scale of an axis; those that were filled in and have no place there are the least that has."""
    with np.errstate(all="ignore"):
        scaled = np.asarray(axis.get_transform().transform_non_affine(np.asarray(values, float)), float)
    placed = (values > 0) | (axis.get_scale() != "log")
    return np.where(placed, scaled, scaled[placed].min() if placed.any() else np.nan)


def backward(axis: Any, values: Array) -> Array:
    """Return the values at places on the scale of an axis."""
    return np.asarray(axis.get_transform().inverted().transform_non_affine(np.asarray(values, float)), float)


def _strips(x: Array, y: Array, z: Array) -> tuple[Array, Array, Array]:
    """Return corners and values of rows that each have their own x, with rows of no height between them."""
    edges = _edges(y[:, 0], 0, has_width=True)
    bounds = np.column_stack([edges[:-1], edges[1:]]).ravel()
    values = np.repeat(z, 2, axis=0)[:-1]
    values[1::2] = np.nan
    xs = np.repeat(_edges(x, 1, has_width=True), 2, axis=0)
    return xs, np.broadcast_to(bounds[:, None], xs.shape), values


def _edges(centres: Array, axis: int, *, has_width: bool) -> Array:
    """Return what lies between the centres along an axis, and half a step beyond the ends."""
    array = np.moveaxis(centres, axis, 0)
    if len(array) > 1:
        middle = (array[1:] + array[:-1]) / 2
        edges = np.concatenate([[2 * array[0] - middle[0]], middle, [2 * array[-1] - middle[-1]]])
    else:
        # A single cell is as wide as one step of names, or a tenth of its value.
        is_integer = array == np.round(array)
        half = np.where(is_integer, 0.5, np.abs(array) * 0.05) if has_width else np.zeros_like(array)
        edges = np.concatenate([array - half, array + half])
    return np.asarray(np.moveaxis(edges, 0, axis))


# Values on both sides of zero, the smaller side at least this part of the larger, are shown from zero.
DIVERGING, BOTH_SIDES = "RdBu_r", 0.1

# Cells that nothing was measured in have a grey that no value has.
HOLE = 0.12

# A map of more cells is a picture inside of a PDF, where it would be slow to show.
CELLS = 20_000

# Cells along each axis of a map that is interpolated.
FINE = 200


def surface_hue(table: Table) -> Hue:
    """Return the colours of z, the same in all panels; names have a legend in place of a colour bar."""
    quantity, spec = table.quantity("z"), table.plan.spec
    if quantity.type != "name":
        return Hue(mappable=_mappable(table))
    levels, number = table.levels("z"), len(quantity.categories)
    if quantity.is_bool and spec.palette is None:
        colors = [shade(0.25), cycle()[0], shade(0.6)][:number]
    elif spec.palette is None and number > len(cycle()):
        colors = [tuple(color) for color in map_of("turbo")(np.linspace(0, 1, number))]
    else:
        hue = hue_of_names(quantity, spec, [float(at) for at in range(number)], ())
        colors = [hue.color(float(at)) for at in range(number)]
    mappable = ScalarMappable(
        BoundaryNorm(np.arange(number + 1) - 0.5, max(number, 1)), ListedColormap(colors)
    )
    return Hue(levels, lambda level: colors[int(level)], mappable, max(number, 1))


def _mappable(table: Table) -> ScalarMappable:
    """Return what gives a value of z its colour, the same in all panels."""
    spec, values = table.plan.spec, table.rows["z"].dropna().to_numpy()
    scale, chosen = table.scale("z"), chosen_map(spec)
    is_centred = (
        scale == "linear"
        and chosen is None
        and spec.vmin is None
        and spec.vmax is None
        and is_diverging(values)
    )
    if is_centred or (scale == "symlog" and chosen is None):
        colors = map_of(DIVERGING)
    elif table.plan.layout == "points":
        colors = line_map(spec)
    else:
        colors = chosen or map_of(rcParams["image.cmap"])
    norm = color_norm(values, scale, spec, centred=is_centred)
    if table.plan.kind == "contour":
        levels = _contour_levels(norm, spec)
        norm = BoundaryNorm(levels, colors.N, extend=extension(values, levels[0], levels[-1]))
    return ScalarMappable(norm, colors)


def is_diverging(values: Any) -> bool:
    """Return whether values lie on both sides of zero."""
    if not np.size(values):
        return False
    low, high = -float(np.min(values)), float(np.max(values))
    return low > 0 and high > 0 and min(low, high) >= BOTH_SIDES * max(low, high)


def _contour_levels(norm: Any, spec: PlotSpec) -> Any:
    """Return the levels that were given, or round values between the colours."""
    if spec.levels is not None and not isinstance(spec.levels, (int, np.integer)):
        return np.asarray(spec.levels, float)
    most = 12 if spec.levels is None else int(spec.levels)
    low, high = float(norm.vmin), float(norm.vmax)
    if low == high:
        return np.array([low - 0.5, low + 0.5])
    if isinstance(norm, LogNorm):
        subs = (1.0,) if np.log10(high / low) > most / 2 else (1.0, 2.0, 5.0)
        ticks = LogLocator(subs=subs, numticks=10 * most).tick_values(low, high)
    else:
        ticks = MaxNLocator(most).tick_values(low, high)
    first, last = np.searchsorted(ticks, low, side="right") - 1, np.searchsorted(ticks, high)
    return np.asarray(ticks)[max(first, 0) : last + 1]


def draw_heatmap(ax: Axes, points: pd.DataFrame, look: Look) -> None:
    """Draw a cell for each point, half-way to its neighbours; for points on no grid, triangles between them or bins."""
    keywords = {**_colors(look), **look.spec.keywords("map_kw")}
    if look.spec.bins is None:
        _warn_of_equal_places(look, points)
    grid = grid_of(look.table, points) if look.spec.bins is None else None
    if grid is not None:
        if grid.z.size:
            x, y, values = corners(grid, ax)
            _warn_of_thin(look, "x", ax.xaxis, x)
            _warn_of_thin(look, "y", ax.yaxis, y.T)
            _draw_cells(ax, x, y, values, bool(np.isnan(grid.z).any()), keywords)
        return
    present = points.dropna(subset=["x", "y", "z"])
    if look.table.quantity("z").type == "name":
        message = f"The points of {look.table.plan.z!r} are on no grid, and names cannot be averaged or interpolated."
        raise LayoutError(
            message,
            ways=[Way("Draw them as they are: kind='scatter'.", "Draw them as they are: --kind scatter.")],
        )
    if look.spec.bins is not None:
        _draw_cells(ax, *_binned(ax, present, look.spec.bins), True, keywords)
        return
    _check_plane(look.table, present)
    x, y, z = (present[name].to_numpy() for name in "xyz")
    plane, back = _plane(ax, x, y)
    edges = np.linspace(0, 1, FINE + 1)
    centres = np.meshgrid(*[(edges[1:] + edges[:-1]) / 2] * 2)
    columns, rows = back(np.column_stack([edges, edges])).T
    _draw_cells(ax, columns, rows, LinearTriInterpolator(plane, z)(*centres), False, keywords)
    ax.plot(x, y, ".", color=shade(1), markersize=2, alpha=0.5)


def _warn_of_equal_places(look: Look, points: pd.DataFrame) -> None:
    """Warn of values at the place of another value, since one of them is not seen."""
    hidden = int(points.dropna(subset=["x", "y", "z"]).duplicated(["x", "y"]).sum())
    if hidden:
        names = [look.table.quantity(role).name for role in ("z", "x", "y")]
        means = Way("Draw means: kind='heatmap', bins=20.", "Draw means: --kind heatmap --bins 20.")
        way = means if look.table.quantity("z").type == "number" else None
        warn(
            f"Hidden: {count(hidden, 'value')} of {names[0]} at {names[1]} and {names[2]} of another.",
            way=way,
        )


def _warn_of_thin(look: Look, role: str, axis: Any, edges: Array) -> None:
    """Warn of rows or columns of cells that are too thin to be seen."""
    places = forward(axis, edges)
    widths = np.abs(np.diff(places, axis=1)).max(axis=0)
    # Rows that have x of their own have rows of no height between them.
    thin = int(((widths > 0) & (widths < THIN * np.ptp(places))).sum())
    if not thin or len(widths) > VISIBLE or getattr(look.spec, f"{role}lim") is not None:
        return
    quantity, way = look.table.quantity(role), None
    if axis.get_scale() == "linear" and quantity.type == "number":
        scale = "log" if (look.table.rows[role] > 0).all() else "symlog"
        way = Way(f"Use {role}scale={scale!r}.", f"Use --{role}scale {scale}.")
    warn(f"Too thin to be seen: the cells of {count(thin, 'value')} of {quantity.name}.", way=way)


def _colors(look: Look) -> dict[str, Any]:
    mappable = look.hue.mappable
    return {} if mappable is None else {"cmap": mappable.cmap, "norm": mappable.norm}


def _draw_cells(
    ax: Axes, x: Array, y: Array, values: Array, has_holes: bool, keywords: dict[str, Any]
) -> None:
    if has_holes:
        ax.set_facecolor(shade(HOLE))
    ax.pcolormesh(
        x,
        y,
        np.ma.masked_invalid(values),
        **{"shading": "flat", "rasterized": values.size > CELLS, **keywords},
    )


def _binned(ax: Axes, points: pd.DataFrame, bins: Any) -> tuple[Array, Array, Array]:
    """Return the corners of bins, equal on the scales of the axes, and the mean of the values in each."""
    each = bins if isinstance(bins, tuple) and len(bins) == 2 else (bins, bins)
    edges = []
    for name, axis, steps_or_edges in (("x", ax.xaxis, each[0]), ("y", ax.yaxis, each[1])):
        values = forward(axis, points[name].to_numpy())
        steps = (
            steps_or_edges
            if np.ndim(steps_or_edges) == 0
            else forward(axis, np.asarray(steps_or_edges, float))
        )
        edges.append(backward(axis, np.histogram_bin_edges(values, steps)))
    x, y, z = (points[name].to_numpy() for name in "xyz")
    sums, _, _ = np.histogram2d(y, x, bins=(edges[1], edges[0]), weights=z)
    number, _, _ = np.histogram2d(y, x, bins=(edges[1], edges[0]))
    with np.errstate(invalid="ignore"):
        return edges[0], edges[1], sums / number


def draw_contour(ax: Axes, points: pd.DataFrame, look: Look) -> None:
    """Draw filled contours, through points on no grid by triangles between them.

    Raise LayoutError when there are too few points to lie in a plane.
    """
    mappable: Any = look.hue.mappable
    levels = mappable.norm.boundaries
    filled = {
        "levels": levels,
        "extend": mappable.norm.extend,
        **_colors(look),
        **look.spec.keywords("map_kw"),
    }
    lines: dict[str, Any] = {"levels": levels, "colors": "k", "linewidths": 0.4, "alpha": 0.5}
    present = points.dropna(subset=["x", "y", "z"])
    if present.empty:
        return
    _warn_of_equal_places(look, points)
    grid = grid_of(look.table, points)
    if grid is None:
        _check_plane(look.table, present)
        x, y, z = (present[name].to_numpy() for name in "xyz")
        plane, back = _plane(ax, x, y)
        _draw_scaled(ax, lambda: ax.tricontourf(plane, z, **filled), (x, y), back)
        _draw_scaled(ax, lambda: ax.tricontour(plane, z, **lines), (x, y), back)
        ax.plot(x, y, "k.", markersize=2, alpha=0.5)
        return
    if min(grid.z.shape) < 2 or not (np.ptp(grid.x) and np.ptp(grid.y)):
        rows, columns = len(np.unique(grid.y)), len(np.unique(grid.x))
        message = f"A contour needs at least 2 x 2 points, {look.table.plan.z!r} has {columns} x {rows}."
        raise LayoutError(message, ways=[Way("Use kind='heatmap'.", "Use --kind heatmap.")])
    values = np.ma.masked_invalid(grid.z)
    if np.ma.getmaskarray(values).any():
        ax.set_facecolor(shade(HOLE))
    u, v, back = _scaled(ax, grid.x, grid.y)
    _draw_scaled(ax, lambda: ax.contourf(u, v, values, **filled), (grid.x, grid.y), back)
    if np.ptp(values.compressed()) > 0:
        _draw_scaled(ax, lambda: ax.contour(u, v, values, **lines), (grid.x, grid.y), back)


def _scaled(ax: Axes, x: Array, y: Array) -> tuple[Array, Array, Callable[[Array], Array]]:
    """Return coordinates between 0 and 1 on the scales of the axes, and the way back of points."""
    u, v = forward(ax.xaxis, x), forward(ax.yaxis, y)
    low, span = np.array([u.min(), v.min()]), np.array([np.ptp(u) or 1.0, np.ptp(v) or 1.0])

    def back(points: Array) -> Array:
        scaled = points * span + low
        return np.column_stack([backward(ax.xaxis, scaled[:, 0]), backward(ax.yaxis, scaled[:, 1])])

    return (u - low[0]) / span[0], (v - low[1]) / span[1], back


def _plane(ax: Axes, x: Array, y: Array) -> tuple[Triangulation, Callable[[Array], Array]]:
    """Return triangles between points, as they lie in the picture, and the way back of points."""
    u, v, back = _scaled(ax, x, y)
    return Triangulation(u, v), back


def _draw_scaled(
    ax: Axes, draw: Callable[[], Any], place: tuple[Array, Array], back: Callable[[Array], Array]
) -> None:
    """Draw contours of scaled coordinates, so that they are interpolated on the scales of the axes, and put them back."""
    limits = ax.dataLim.get_points().copy()
    contours = draw()
    for path in contours.get_paths():
        if len(path.vertices):
            path.vertices = back(path.vertices)
    ax.dataLim.set_points(limits)
    x, y = place
    contours.sticky_edges.x[:], contours.sticky_edges.y[:] = [np.min(x), np.max(x)], [np.min(y), np.max(y)]
    ax.update_datalim([(np.min(x), np.min(y)), (np.max(x), np.max(y))])
    ax.autoscale_view(tight=True)


def _check_plane(table: Table, points: pd.DataFrame) -> None:
    plane = points[["x", "y"]].drop_duplicates().to_numpy()
    if len(plane) < 3 or np.linalg.matrix_rank(plane - plane[0]) < 2:
        message = f"A {table.plan.kind} needs points in a plane; {len(plane)} points of {table.plan.z!r} lie on one line."
        raise LayoutError(message, ways=[Way("Use kind='scatter'.", "Use --kind scatter.")])

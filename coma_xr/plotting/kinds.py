"""The kinds of plots, and how each draws the points of one panel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from coma_xr.errors import LayoutError
from coma_xr.plotting.points import CURVE, Table
from coma_xr.plotting.styling import BROKEN, LINE, Hue, Look, Style
from coma_xr.plotting.surfaces import grid_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from coma_xr.plotting.spec import Data


def decided(data: Data, table: Table) -> Table:
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
    return replace(table, plan=replace(plan, kind="line" if _are_lines(data, table) else "scatter"))


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


def _are_lines(data: Data, table: Table) -> bool:
    """Whether x goes only up, or only down, in every curve."""
    if "name" in {table.one("x").kind, table.one("y").kind}:
        return False
    if len(table.plan.x) == len(table.plan.y) == 1 and table.plan.x[0] in data.ds.dims:
        return True
    rows = table.rows.dropna(subset=["x", "y"])
    for _, curve in rows.groupby([key for key in CURVE if key in rows], sort=False, dropna=False):
        steps = np.diff(curve["x"].to_numpy())
        if not ((steps > 0).all() or (steps < 0).all()):
            return False
    return True


# The points of a curve are marked up to so many.
MARKED = 30

# Error bars up to so many points, beyond that a band.
BARS = 9

# Points of which there are more are small and let each other through.
CROWD = 1500

# So that points in the middle of a palette, which is white, are seen.
EDGE = 0.3


def look_of(table: Table, hue: Hue, style: Style | None, err_style: str | None) -> Look:
    """Return how the groups of a table look, by how many points their curves have."""
    rows = table.rows.dropna(subset=["x", "y"])
    lengths = rows.groupby([key for key in CURVE if key in rows], dropna=False, sort=False).size()
    longest = int(lengths.max()) if len(lengths) else 0
    is_line = table.plan.kind == "line"
    band = is_line and longest > BARS if err_style is None else err_style == "band"
    return Look(hue, style, markers=longest <= MARKED, band=band)


def draw_lines(ax: Axes, panel: pd.DataFrame, look: Look) -> None:
    """Draw a line for each curve of a panel, each through its own points."""
    for (hue, style), curve in _curves(panel):
        there = curve[curve["x"].notna() & (curve["y"].notna() | curve["own"])]
        x, y = there["x"].to_numpy(), there["y"].to_numpy()
        if not (~np.isnan(y)).any():
            continue
        alone = _alone(y)
        color = look.hue.color(hue)
        ax.plot(
            x,
            y,
            color=color,
            linestyle=look.dash(hue, style),
            markevery=None if look.markers else np.flatnonzero(alone).tolist(),
            **(look.marker(style) if look.markers or alone.any() else {}),
            **LINE,
        )
        if "error" in there:
            _draw_error(ax, there, color, look)


def _curves(panel: pd.DataFrame) -> Iterator[tuple[tuple[float, float], pd.DataFrame]]:
    """Yield the points of each curve, with its hue and style, in the order of the legend."""
    keys = [key for key in CURVE if key in panel]
    for _, curve in panel.groupby(keys, sort=True, dropna=False):
        first = curve.iloc[0]
        yield (first.get("hue", np.nan), first.get("style", np.nan)), curve


def _alone(y: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which points have no neighbour that a line could go to."""
    lacking = np.concatenate([[True], np.isnan(y), [True]])
    return np.asarray(~lacking[1:-1] & lacking[:-2] & lacking[2:])


def _draw_error(ax: Axes, there: pd.DataFrame, color: Any, look: Look) -> None:
    x, y, error = (there[name].to_numpy() for name in ("x", "y", "error"))
    if look.band:
        ax.fill_between(x, y - error, y + error, color=color, alpha=0.2, linewidth=0)
    elif np.isfinite(error).any():
        ax.errorbar(x, y, np.abs(error), fmt="none", ecolor=color, elinewidth=1.2, capsize=2.5)


def draw_points(ax: Axes, panel: pd.DataFrame, look: Look) -> None:
    """Draw each point of a panel, whatever lies beside it."""
    bar = look.hue.mappable
    there = panel[panel["x"].notna() & panel["y"].notna()]
    there = there if bar is None else there[there["hue"].notna()]
    crowd = len(there) > CROWD
    for group in _point_groups(there, ["style"] if bar is not None else ["hue", "style"]):
        first = group.iloc[0]
        hue = {"color": look.hue.color(first.get("hue", np.nan))}
        ax.scatter(
            group["x"].to_numpy(),
            group["y"].to_numpy(),
            marker=look.marker(first.get("style", np.nan))["marker"],
            s=6 if crowd else 22,
            alpha=0.6 if crowd else None,
            linewidths=EDGE if "z" in group else 0,
            edgecolors="0.5" if "z" in group else None,
            rasterized=crowd,
            **(
                {"c": group["hue"].to_numpy(), "cmap": bar.cmap, "norm": bar.norm} if bar is not None else hue
            ),
        )
    if "error" in there:
        for group in _point_groups(there, ["hue"]):
            _draw_error(ax, group, look.hue.color(group.iloc[0].get("hue", np.nan)), Look())


def _point_groups(rows: pd.DataFrame, roles: Sequence[str]) -> list[pd.DataFrame]:
    keys = [role for role in roles if role in rows]
    return [group for _, group in rows.groupby(keys, dropna=False)] if keys else [rows] if len(rows) else []


MOST_BINS = 100

# Whole numbers over no larger a range have a bin each.
WHOLE_BINS = 40


def bins_of(table: Table, *, log: bool) -> NDArray[Any]:
    """Return the edges of the bins that all panels and groups share."""
    values = table.rows["x"].dropna().to_numpy()
    if table.one("x").kind == "name":
        return np.arange(len(table.one("x").categories) + 1) - 0.5
    if not values.size:
        return np.array([0.0, 1.0])
    if not log and (values == np.round(values)).all() and np.ptp(values) <= WHOLE_BINS:
        return np.arange(values.min(), values.max() + 2) - 0.5
    values = np.log10(values) if log else values
    edges = np.histogram_bin_edges(values, "auto")
    if len(edges) - 1 > MOST_BINS:
        edges = np.linspace(edges[0], edges[-1], MOST_BINS + 1)
    return np.asarray(10.0**edges if log else edges)


def draw_counts(ax: Axes, panel: pd.DataFrame, bins: NDArray[Any], hue: Hue, *, apart: bool) -> None:
    """Draw the counts of each group: steps over each other, or bars side by side where they are `apart`."""
    groups = list(panel.groupby("hue", sort=True)) if "hue" in panel else [(np.nan, panel)]
    for place, (number, group) in enumerate(groups):
        counts, _ = np.histogram(group["x"].dropna().to_numpy(), bins)
        color: Any = hue.color(float(number))  # type: ignore[arg-type]
        if apart:
            width = 0.8 / len(groups)
            left = (bins[:-1] + bins[1:]) / 2 - 0.4 + place * width
            ax.bar(left, counts, width, align="edge", color=color)
            continue
        alpha = 0.85 if len(groups) == 1 else 0.15
        ax.stairs(counts, bins, fill=True, color=color, alpha=alpha)
        if len(groups) > 1:
            ax.stairs(counts, bins, color=color, linewidth=1.3)


# Above the lower edge of a panel, as a part of its height.
FLOOR = 0.03


def draw_marks(ax: Axes, panel: pd.DataFrame, hue: Hue, statuses: Sequence[str], *, on_surface: bool) -> None:
    """Mark points without a value: in a map at their place, else at the lower edge over their x."""
    lacking = panel[panel["x"].notna() & panel["status"].isin(statuses)]
    for _, points in lacking.groupby([key for key in ("status", "hue") if key in panel], dropna=False):
        first = points.iloc[0]
        number = np.nan if on_surface else float(first.get("hue", np.nan))
        how: dict[str, Any] = {
            "linestyle": "none",
            "color": "0.25" if np.isnan(number) else hue.color(number),
            "marker": BROKEN.get(str(first["status"]), "x"),
            "clip_on": False,
        }
        if on_surface:
            ax.plot(points["x"], points["y"], markersize=5, **how)
        else:
            floor = np.full(len(points), FLOOR)
            ax.plot(points["x"], floor, transform=ax.get_xaxis_transform(), markersize=6, **how)

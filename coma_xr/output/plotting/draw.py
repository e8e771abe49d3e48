"""A whole figure: panels, what is in them, what explains them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coma_xr.output.plotting.axes import dress, say_nothing_there, set_scale
from coma_xr.output.plotting.colors import Hue, hue_of, style_of
from coma_xr.output.plotting.curves import Look, draw_lines, draw_points, look_of
from coma_xr.output.plotting.histograms import bins_of, draw_counts
from coma_xr.output.plotting.kinds import panels
from coma_xr.output.plotting.legends import add_color_bar, add_legend
from coma_xr.output.plotting.marks import draw_marks
from coma_xr.output.plotting.notes import add_note
from coma_xr.output.plotting.panels import panels_of
from coma_xr.output.plotting.status import wanted
from coma_xr.output.plotting.surfaces import draw_contour, draw_heatmap, scale_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from coma_xr.output.plotting.labels import Labels
    from coma_xr.output.plotting.table import Table

__all__ = ["draw"]


def draw(
    table: Table,
    labels: Labels,
    *,
    scales: Mapping[str, str | None],
    err_style: str | None,
    status: Any,
    where: Mapping[str, Any],
) -> Figure | SubFigure:
    """Draw a table, and return the figure.

    Parameters
    ----------
    table : Table
        Its kind is decided.
    labels : Labels
        What is written.
    scales : mapping
        Of `x`, `y` and `z`.
    err_style, status
        The arguments of `coma_xr.plot`.
    where : mapping
        Its arguments `ax`, `col_wrap`, `height` and `aspect`.
    """
    statuses = wanted(status, _statuses(table)) if status else []
    made = panels_of(table, labels, **where)
    look = _look(table, scales, err_style)
    points = dict(panels(table))
    paint = _Painter(table, look, scales)
    for panel in made.panels:
        set_scale(panel.ax, scales)
    for panel in made.panels:
        part = points.get(panel.key, table.rows[:0])
        if part[[role for role in ("x", "y", "z") if role in part]].notna().all(axis=1).any():
            paint(panel.ax, part)
        else:
            say_nothing_there(panel.ax)
        if statuses:
            draw_marks(panel.ax, part, look.hue, statuses, on_surface=table.plan.is_surface)
        dress(panel, table, labels)
    if look.hue.mappable is not None:
        add_color_bar(made, table, "z" if table.plan.is_surface else "hue", look.hue.mappable, labels)
    add_legend(made, table, look, labels, statuses)
    add_note(made, table, labels)
    return made.figure


def _statuses(table: Table) -> list[str]:
    return [str(name) for name in table.rows["status"].unique() if name]


def _look(table: Table, scales: Mapping[str, str | None], err_style: str | None) -> Look:
    """Return what colours, dashes and markers the groups have."""
    plan, hue, style = table.plan, Hue(), None
    if plan.is_surface:
        hue = Hue(mappable=scale_of(table, scales["z"]))
    elif plan.hue:
        hue = hue_of(table.one("hue"), table.levels("hue"))
    if plan.style:
        style = style_of(table.one("style"), table.levels("style"))
    if plan.is_surface or plan.kind == "hist":
        return Look(hue, style)
    return look_of(table, hue, style, err_style)


class _Painter:
    """Draws the points of one panel in the way of the plot's kind."""

    def __init__(self, table: Table, look: Look, scales: Mapping[str, str | None]) -> None:
        self.table, self.look = table, look
        self.logs = {role: scale == "log" for role, scale in scales.items()}
        self.bins = bins_of(table, log=self.logs["x"]) if table.plan.kind == "hist" else None

    def __call__(self, ax: Axes, part: pd.DataFrame) -> None:
        kind, hue = self.table.plan.kind, self.look.hue
        if kind == "line":
            draw_lines(ax, part, self.look)
        elif self.bins is not None:
            draw_counts(ax, part, self.bins, hue, apart=self.table.one("x").kind == "name")
        elif kind == "scatter":
            points = part.assign(hue=part["z"]) if self.table.plan.is_surface else part
            draw_points(ax, points, self.look)
        elif hue.mappable is not None and kind == "heatmap":
            draw_heatmap(ax, self.table, part, hue.mappable, self.logs)
        elif hue.mappable is not None:
            draw_contour(ax, self.table, part, hue.mappable)

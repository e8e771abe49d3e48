"""The panels of a figure: how many, how large, with which titles."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from coma_xr.errors import LayoutError
from coma_xr.output.plotting.data import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from coma_xr.output.plotting.labels import Labels
    from coma_xr.output.plotting.table import Table

__all__ = ["Panel", "Panels", "panels_of"]

# Inches, and width to height: of one panel, and of each of several.
ALONE, SEVERAL = (3.6, 1.4), (2.7, 1.15)

# More columns than this are wrapped, into a block about as wide as high.
COLUMNS = 4

MOST = 100

TITLE: dict[str, Any] = {"fontsize": "medium"}


@dataclass(frozen=True)
class Panel:
    """One of the panels.

    Parameters
    ----------
    ax : Axes
        Where it is drawn.
    key : tuple of float
        Its numbers of row and col, as far as there are any.
    left, bottom : bool
        Whether the labels of the axes stand here.
    """

    ax: Axes
    key: tuple[float, ...] = ()
    left: bool = True
    bottom: bool = True


@dataclass(frozen=True)
class Panels:
    """All panels of a plot.

    Parameters
    ----------
    figure : Figure
        What they are part of.
    panels : sequence of Panel
        Row by row.
    own : bool
        Whether the figure was made here, and not given by the user.
    """

    figure: Figure | SubFigure
    panels: Sequence[Panel]
    own: bool

    @property
    def axes(self) -> list[Axes]:
        """The axes of all panels."""
        return [panel.ax for panel in self.panels]


def panels_of(
    table: Table, labels: Labels, *, ax: Any, col_wrap: int | None, height: float | None, aspect: float | None
) -> Panels:
    """Return the panels for a table, empty but for their titles.

    Raises
    ------
    LayoutError
        When there are too many, or the axes given do not fit.
    """
    rows = table.levels("row") or ([math.nan] if "row" in table.quantities else [])
    cols = table.levels("col") or ([math.nan] if "col" in table.quantities else [])
    keys = [(*((r,) if rows else ()), *((c,) if cols else ())) for r in rows or [0.0] for c in cols or [0.0]]
    if len(keys) > MOST:
        raise LayoutError(f"These would be {len(keys)} panels; {MOST} are the most. Select some, or use hue.")
    _check_size("height", height, "a number of inches, such as 3")
    _check_size("aspect", aspect, "a number, such as 1.5")
    _check_size("col_wrap", col_wrap, "a number of panels, such as 3", numbers.Integral)
    if col_wrap is not None and (rows or not cols):
        raise LayoutError("col_wrap breaks the panels of col into lines, when there is no row. Leave it out.")
    if ax is not None:
        return _given(table, labels, keys, ax)
    shape = (max(len(rows), 1), max(len(cols), 1))
    if cols and not rows:
        wide = col_wrap or (len(cols) if len(cols) <= COLUMNS else math.ceil(math.sqrt(len(cols))))
        shape = (math.ceil(len(cols) / wide), min(wide, len(cols)))
    size = SEVERAL if len(keys) > 1 else ALONE
    high = height or size[0]
    return _made(table, labels, keys, shape, (high * (aspect or size[1]), high))


def _check_size(name: str, given: Any, wanted: str, kind: type = numbers.Real) -> None:
    number = isinstance(given, kind) and not isinstance(given, bool)
    if given is not None and not (number and given > 0):
        raise LayoutError(f"{name}={given!r} must be more than 0: {wanted}.")


def _made(
    table: Table,
    labels: Labels,
    keys: list[tuple[float, ...]],
    shape: tuple[int, int],
    size: tuple[float, float],
) -> Panels:
    from coma_xr.output.plotting.figures import new_figure

    figure = new_figure(figsize=(shape[1] * size[0], shape[0] * size[1] + 0.25 * (len(keys) > 1)))
    share = _sharing(table)
    grid = figure.subplots(*shape, squeeze=False, **share)
    panels = []
    for at, ax in enumerate(grid.ravel().tolist()):
        if at >= len(keys):
            ax.remove()
            continue
        line, column = divmod(at, shape[1])
        left, bottom = column == 0, at + shape[1] >= len(keys)
        ax.tick_params(
            labelbottom=bottom or not share["sharex"], labelleft=left or share["sharey"] in {False, "col"}
        )
        ax.spines[["top", "right"]].set_visible(table.plan.is_surface and table.plan.kind != "scatter")
        apart = VARIABLE in table.plan.roles.values()
        several = {role: apart and share[f"share{role}"] is not True for role in "xy"}
        panels.append(Panel(ax, keys[at], left or several["y"], bottom or several["x"]))
        _title(ax, table, labels, keys[at], line=line, last=column == shape[1] - 1)
    return Panels(figure, panels, own=True)


def _sharing(table: Table) -> dict[str, Any]:
    """Return which panels share an axis: all, but for those that show different variables."""
    share: dict[str, Any] = {"sharex": True, "sharey": True}
    for role, axis in (("row", "row"), ("col", "col")):
        if table.plan.roles.get(role) == VARIABLE:
            share["sharex" if len(table.plan.x) > 1 else "sharey"] = (
                axis if "row" in table.quantities else False
            )
    return share


def _given(table: Table, labels: Labels, keys: list[tuple[float, ...]], ax: Any) -> Panels:
    """Return the user's own axes as panels."""
    from matplotlib.axes import Axes

    axes = list(np.ravel(np.asarray(ax, dtype=object)).tolist())
    if not all(isinstance(one, Axes) for one in axes):
        kinds = ", ".join(sorted({type(one).__name__ for one in axes}))
        raise LayoutError(f"ax takes matplotlib's Axes, one for each panel; this is: {kinds}.")
    if len(axes) != len(keys):
        there = f"ax={len(axes)} Axes" if len(axes) > 1 else "ax is one Axes"
        ways = "Leave out ax, or give as many" if len(keys) > 1 else "Give one"
        said = f"row and col make {len(keys)} panels" if len(keys) > 1 else "this plot has one panel"
        raise LayoutError(f"{there}, and {said}. {ways}: fig.subplots(rows, columns).")
    panels = [Panel(one, key) for one, key in zip(axes, keys, strict=True)]
    if len(keys) > 1:
        for panel in panels:
            panel.ax.set_title(" | ".join(_texts(table, labels, panel.key).values()), **TITLE)
    return Panels(axes[0].figure, panels, own=False)


def _texts(table: Table, labels: Labels, key: tuple[float, ...]) -> dict[str, str]:
    """Return what the row and the column of a panel are."""
    roles = [role for role in ("row", "col") if role in table.quantities]
    return {
        role: labels.equation(table.one(role), number, among=table.levels(role))
        if not math.isnan(number)
        else ""
        for role, number in zip(roles, key, strict=True)
    }


def _title(ax: Axes, table: Table, labels: Labels, key: tuple[float, ...], *, line: int, last: bool) -> None:
    texts = _texts(table, labels, key)
    # What differs from panel to panel stands at the axis already.
    texts = {role: text for role, text in texts.items() if table.plan.roles[role] != VARIABLE}
    if "col" in texts and (line == 0 or "row" not in table.quantities):
        ax.set_title(texts["col"], **TITLE)
    if "row" in texts and "col" not in table.quantities:
        ax.set_title(texts["row"], **TITLE)
    elif "row" in texts and "col" in table.quantities and last:
        place: dict[str, Any] = {"xycoords": "axes fraction", "rotation": -90, "ha": "left", "va": "center"}
        ax.annotate(texts["row"], (1.03, 0.5), **place, **TITLE)

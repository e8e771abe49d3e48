"""The figure of a plot and its panels, new ones or the user's axes."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from matplotlib import get_backend, rc_context, rcParams, rcParamsDefault
from matplotlib._pylab_helpers import Gcf
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.registry import BackendFilter, backend_registry
from matplotlib.figure import Figure, SubFigure

from coma_xr.checks import naming
from coma_xr.errors import LayoutError
from coma_xr.plotting.data import VARIABLE, given_axes
from coma_xr.plotting.ticks import fitted, font_size

if TYPE_CHECKING:
    from coma_xr.plotting.points import Table
    from coma_xr.plotting.styling import Labels

# Inches, and width to height: of one panel, and of each of several.
ALONE, SEVERAL = (3.6, 1.4), (2.7, 1.15)

# More columns than this are wrapped, into a block about as wide as high.
COLUMNS = 4

MOST_PANELS = 100


# ------------------------------------------------------------------------------------------ figures


class PlotFigure(Figure):
    """A figure that a notebook shows once, and that is saved with fonts that journals accept."""

    def savefig(self, fname: Any, **kwargs: Any) -> None:
        """Save the figure as matplotlib does, with outlines of fonts in place of bitmaps, and no date in an SVG."""
        settings = {"pdf.fonttype": 42, "ps.fonttype": 42, "svg.hashsalt": "coma_xr"}
        now: Any = rcParams
        default: Any = rcParamsDefault
        settings = {name: value for name, value in settings.items() if now[name] == default[name]}
        name = str(getattr(fname, "name", fname)).lower()
        if kwargs.get("format") == "svg" or (
            kwargs.get("format") is None and name.endswith((".svg", ".svgz"))
        ):
            kwargs["metadata"] = {"Date": None, **(kwargs.get("metadata") or {})}
        with rc_context(settings):  # type: ignore[arg-type]
            super().savefig(fname, **kwargs)

    def _ipython_display_(self) -> None:
        show_once(self)


def show_once(figure: Figure) -> None:
    """Show a figure in a notebook, unless it has a window, or is shown again by pyplot at the end of the cell."""
    from IPython.core.pylabtools import retina_figure
    from IPython.display import display

    is_open = figure.canvas.manager in Gcf.figs.values()
    interactive = backend_registry.list_builtin(BackendFilter.INTERACTIVE)  # type: ignore[no-untyped-call]
    if is_open and get_backend().lower() in [name.lower() for name in interactive]:
        return
    shown = is_open and getattr(figure, "_shown_in_cell", False)
    figure._shown_in_cell = not shown  # type: ignore[attr-defined]
    if not shown:
        png, size = retina_figure(figure)  # type: ignore[no-untyped-call]
        display({"image/png": png}, metadata={"image/png": size}, raw=True)  # type: ignore[no-untyped-call]


def png_of(figure: Figure) -> tuple[bytes, dict[str, int]]:
    """Return a figure as PNG, sharp on fine screens, and its size in points of a page."""
    picture = _Memory()
    figure.canvas.print_figure(picture, format="png", dpi=2 * figure.dpi)  # type: ignore[arg-type]
    width, height = figure.get_size_inches() * figure.dpi
    return bytes(picture), {"width": round(width), "height": round(height)}


class _Memory(bytearray):
    """A canvas that keeps its output in memory."""

    def write(self, data: bytes) -> int:
        self.extend(data)
        return len(data)


def _new_figure(size: tuple[float, float], *, pyplot: bool) -> Figure:
    if pyplot:
        from matplotlib import pyplot as plt

        open_figure: Figure = plt.figure(FigureClass=PlotFigure, figsize=size, layout="constrained")
        return open_figure
    figure = PlotFigure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


# ------------------------------------------------------------------------------------------ panels


@dataclass(frozen=True)
class Panel:
    """One of the panels: its axes, its numbers of row and col, whether the labels of the axes stand here."""

    ax: Axes
    key: tuple[float, ...] = ()
    left: bool = True
    bottom: bool = True
    # Whether it is in the first line, and the last of its line.
    first: bool = True
    last: bool = True


@dataclass(frozen=True)
class Panels:
    """All panels of a plot, row by row, in a figure made here or given by the user, of a size that is fixed or not."""

    figure: Figure | SubFigure
    panels: Sequence[Panel]
    new: bool
    fixed: bool = True
    # Inches of a panel.
    size: tuple[float, float] = ALONE

    @functools.cached_property
    def axes(self) -> list[Axes]:
        """The axes of all panels."""
        return [panel.ax for panel in self.panels]

    @functools.cached_property
    def root(self) -> Figure:
        """The whole figure."""
        figure: Figure = self.figure.get_figure(root=True)
        return figure


@dataclass(frozen=True)
class Layout:
    """How many panels there are, how large, with which titles."""

    table: Table
    labels: Labels
    rows: Sequence[float]
    cols: Sequence[float]

    @classmethod
    def of(cls, table: Table, labels: Labels) -> Layout:
        """Return the panels of a table.

        Raise LayoutError when there are too many, or `col_wrap` has no use.
        """
        rows, cols = (
            (table.levels(role) or [math.nan]) if role in table.quantities else [] for role in ("row", "col")
        )
        layout = cls(table, labels, rows, cols)
        if len(layout.keys) > MOST_PANELS:
            message = f"These would be {len(layout.keys)} panels, more than {MOST_PANELS}."
            raise LayoutError(message, ways=["Select some values, or use hue."])
        if table.plan.spec.col_wrap is not None and (rows or not cols):
            fault = naming("{} breaks the panels of col into lines, when there is no row.", "col_wrap")
            raise LayoutError(fault, ways=[naming("Leave out {}.", "col_wrap")])
        return layout

    @property
    def keys(self) -> list[tuple[float, ...]]:
        """The numbers of row and col of each panel."""
        rows: list[tuple[float, ...]] = [(number,) for number in self.rows] or [()]
        cols: list[tuple[float, ...]] = [(number,) for number in self.cols] or [()]
        return [(*row, *col) for row in rows for col in cols]

    @property
    def shape(self) -> tuple[int, int]:
        """How many lines and columns of panels there are."""
        if self.cols and not self.rows:
            number = len(self.cols)
            wide = self.table.plan.spec.col_wrap or (
                number if number <= COLUMNS else math.ceil(math.sqrt(number))
            )
            return math.ceil(number / wide), min(wide, number)
        return max(len(self.rows), 1), max(len(self.cols), 1)

    def sharing(self) -> dict[str, Any]:
        """Return which panels share an axis: what was asked for, or all, except those that show different variables."""
        share: dict[str, Any] = {"sharex": True, "sharey": True}
        for role in ("row", "col"):
            if self.table.plan.roles.get(role) == VARIABLE:
                axis = "sharex" if len(self.table.plan.x) > 1 else "sharey"
                share[axis] = role if "row" in self.table.quantities else False
        chosen = {name: getattr(self.table.plan.spec, name) for name in share}
        return share | {name: value for name, value in chosen.items() if value is not None}

    def texts(self, key: tuple[float, ...]) -> dict[str, str]:
        """Return what the row and the column of a panel are."""
        roles = [role for role in ("row", "col") if role in self.table.quantities]
        pairs = [pair for pair in zip(roles, key, strict=True) if not math.isnan(pair[1])]
        quantity, levels = self.table.quantity, self.table.levels
        return {role: self.labels.equation(quantity(role), number, levels(role)) for role, number in pairs}


def new_panels(layout: Layout, *, pyplot: bool) -> Panels:
    """Return the panels of a new figure, empty except for their titles."""
    spec, (lines, columns), keys = layout.table.plan.spec, layout.shape, layout.keys
    high, aspect = SEVERAL if len(keys) > 1 else ALONE
    high = spec.height or high
    size = spec.figsize
    if size is None and len(keys) == 1 and spec.height is None and spec.aspect is None:
        default: Any = rcParams["figure.figsize"]
        size = tuple(default) if default != rcParamsDefault["figure.figsize"] else None
    panel = (
        (high * (spec.aspect or aspect), high)
        if size is None
        else (0.8 * size[0] / columns, 0.8 * size[1] / lines)
    )
    inches = (columns * panel[0], lines * panel[1] + 0.25 * (len(keys) > 1)) if size is None else size
    figure = _new_figure((float(inches[0]), float(inches[1])), pyplot=pyplot)
    share = layout.sharing()
    grid = figure.subplots(lines, columns, squeeze=False, **share)
    panels = []
    for at, ax in enumerate(grid.ravel().tolist()):
        if at >= len(keys):
            ax.remove()
            continue
        line, column = divmod(at, columns)
        bottom, left = at + columns >= len(keys), column == 0
        ax.tick_params(labelbottom=bottom or share["sharex"] in {False, "none", "row"})
        ax.tick_params(labelleft=left or share["sharey"] in {False, "none", "col"})
        own_axes = {axis: _has_own_axis(layout, role, axis) for role, axis in (("col", "y"), ("row", "x"))}
        edges = (line == 0, column == columns - 1)
        panels.append(Panel(ax, keys[at], left or own_axes["y"], bottom or own_axes["x"], *edges))
    return Panels(figure, panels, True, size is not None, panel)


def _has_own_axis(layout: Layout, role: str, axis: str) -> bool:
    """Return whether each panel along a role shows a variable of its own on an axis."""
    plan = layout.table.plan
    return plan.roles.get(role) == VARIABLE and len(plan.x if axis == "x" else plan.y) > 1


def set_titles(panel: Panel, layout: Layout, size: tuple[float, float], *, is_new: bool) -> None:
    """Write at a panel which values it shows."""
    roles, ax = layout.table.plan.roles, panel.ax
    texts = layout.texts(panel.key)
    fonts = ("axes.titlesize", "axes.labelsize")
    if not is_new:
        title, points = fitted(" | ".join(texts.values()), 0.9 * size[0], *fonts)
        ax.set_title(title, fontsize=points)
        return
    # What differs from panel to panel stands at the axis already.
    texts = {role: title for role, title in texts.items() if roles[role] != VARIABLE}
    role = "col" if "col" in roles else "row"
    if role in texts and (panel.first or "row" not in roles or role == "row"):
        title, points = fitted(texts[role], 0.9 * size[0], *fonts)
        # Above the factor of the y axis, at the same height in all panels.
        factor = 1.3 * font_size("ytick.labelsize") if ax.yaxis.get_offset_text().get_text() else 0.0
        ax.set_title(title, fontsize=points, y=1.0, pad=rcParams["axes.titlepad"] + factor)
    if "row" in texts and "col" in roles and panel.last:
        place: dict[str, Any] = {"xycoords": "axes fraction", "rotation": -90, "ha": "left", "va": "center"}
        title, points = fitted(texts["row"], 0.85 * size[1], *fonts)
        ax.annotate(title, (1.03, 0.5), fontsize=points, **place)


def overlaid(ax: Axes) -> list[Axes]:
    """Return axes and all others at the same place, such as those of `twinx`."""
    place = ax.get_position(original=True).bounds
    return [other for other in ax.figure.axes if other.get_position(original=True).bounds == place] or [ax]


def given_panels(layout: Layout) -> Panels:
    """Return the user's own axes as panels.

    Raise LayoutError when they are not axes, or not one for each panel.
    """
    keys, axes = layout.keys, given_axes(layout.table.plan.spec)
    if not all(isinstance(ax, Axes) for ax in axes):
        kinds = ", ".join(sorted({type(ax).__name__ for ax in axes}))
        raise LayoutError(f"ax={kinds} cannot be drawn on.", expected="matplotlib's Axes, one for each panel")
    for ax in axes:
        if hasattr(ax, "zaxis") or [axis.axis_name for axis in (ax.xaxis, ax.yaxis)] != ["x", "y"]:
            fault = f"Axes with the projection {ax.name!r} cannot be drawn on."
            way = "Draw with methods of matplotlib: ax.plot(ds.x, ds.y)."
            raise LayoutError(fault, expected="axes with x and y at right angles", ways=[way])
    if len(axes) != len(keys):
        found = f"ax={len(axes)} Axes" if len(axes) > 1 else "ax is one Axes"
        needed = f"row and col make {len(keys)} panels" if len(keys) > 1 else "this plot has one panel"
        ways = ["Leave out ax, or pass one Axes for each panel: fig.subplots(rows, columns)."]
        raise LayoutError(f"{found}, and {needed}.", ways=ways)
    box = axes[0].get_window_extent()
    dpi = axes[0].figure.get_figure(root=True).dpi
    grid = Panels(axes[0].figure, [Panel(ax, key) for ax, key in zip(axes, keys, strict=True)], False)
    grid = replace(grid, size=(box.width / dpi, box.height / dpi))
    if not isinstance(grid.root, PlotFigure):
        # A cell that ends with the figure shows it once too.
        grid.root._ipython_display_ = functools.partial(show_once, grid.root)  # type: ignore[attr-defined]
    return grid

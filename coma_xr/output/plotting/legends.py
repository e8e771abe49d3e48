"""What colours, dashes and markers mean: legends and colour bars, outside the data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coma_xr.output.plotting.axes import write_out
from coma_xr.output.plotting.colors import BROKEN
from coma_xr.output.plotting.curves import LINE, Look
from coma_xr.output.plotting.data import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.cm import ScalarMappable
    from matplotlib.legend import Legend

    from coma_xr.output.plotting.labels import Labels
    from coma_xr.output.plotting.panels import Panels
    from coma_xr.output.plotting.table import Table

__all__ = ["add_color_bar", "add_legend"]

# More entries go into a second column.
ENTRIES = 20

GREY = "0.35"


@dataclass(frozen=True)
class Section:
    """The entries for one variable.

    Parameters
    ----------
    title : str
        What the variable is called; empty where the entries say it.
    handles : list of Artist
        An example of each entry, labelled.
    """

    title: str
    handles: list[Artist] = field(default_factory=list)


def add_legend(panels: Panels, table: Table, look: Look, labels: Labels, statuses: Sequence[str]) -> None:
    """Add one legend for all panels, if there is anything to say."""
    sections = [section for section in _sections(table, look, labels, statuses) if section.handles]
    if not sections:
        return
    handles: list[Artist] = []
    headings = []
    for section in sections if len(sections) > 1 else []:
        for text in (" " if handles else "", section.title):
            headings += [len(handles)] if text else []
            handles += [_heading(text)] if text else []
        handles += section.handles
    handles = handles or sections[0].handles
    title = sections[0].title if len(sections) == 1 else None
    how: dict[str, Any] = {"handles": handles, "title": title or None, "frameon": False, "alignment": "left"}
    how |= {"fontsize": "small", "title_fontsize": "small", "ncols": 1 + (len(handles) - 1) // ENTRIES}
    legend = _placed(panels, how)
    _outdent(legend, headings)
    if panels.own:
        _widen(panels, legend)


def _sections(table: Table, look: Look, labels: Labels, statuses: Sequence[str]) -> list[Section]:
    plan, found = table.plan, []
    if plan.hue and look.hue.levels:
        both = plan.hue == plan.style
        found.append(_section(table, "hue", look, labels, styled=both))
    if plan.style and plan.style != plan.hue:
        found.append(_section(table, "style", look, labels, styled=True))
    if statuses:
        found.append(Section("measurement", [_mark(table, name) for name in statuses]))
    return found


def _section(table: Table, role: str, look: Look, labels: Labels, *, styled: bool) -> Section:
    quantity, levels = table.one(role), table.levels(role)
    title = "" if quantity.name == VARIABLE else labels.axis([quantity])
    handles = []
    for level in levels:
        color = look.hue.color(level) if role == "hue" else GREY
        hue = level if role == "hue" else float("nan")
        text = labels.value(quantity, level, among=levels)
        text += _own_units(table, level, labels) if quantity.name == VARIABLE else ""
        style = level if styled else float("nan")
        handles.append(
            _example(table, look, text, color, (hue, style), styled=styled or table.plan.style is None)
        )
    return Section(title, handles)


def _own_units(table: Table, level: float, labels: Labels) -> str:
    """Return the units of one of several variables, where the axis cannot say them for all."""
    names = [one.name for one in table.quantities["x" if len(table.plan.x) > 1 else "y"]]
    units = labels.units(names[int(level)])
    return f" [{units}]" if units and not labels.units(*names) else ""


def _example(
    table: Table, look: Look, text: str, color: Any, group: tuple[float, float], *, styled: bool
) -> Artist:
    """Return an example of one group."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    if table.plan.kind == "hist":
        return Patch(color=color, label=text)
    hue, style = group
    how: dict[str, Any] = {"color": color, "label": text, **LINE}
    if table.plan.kind == "scatter":
        marker = look.marker(style)["marker"] if styled else "o"
        return Line2D([], [], linestyle="none", marker=marker, markeredgewidth=0, **how)
    how |= look.marker(style) if look.markers and styled else {}
    return Line2D([], [], linestyle=look.dash(hue, style) if styled else "-", **how)


def _mark(table: Table, name: str) -> Artist:
    from matplotlib.lines import Line2D

    count = int((table.rows["status"] == name).sum())
    marker = BROKEN.get(name, "x")
    return Line2D(
        [], [], linestyle="none", marker=marker, color=GREY, label=f"{name.replace('_', ' ')} ({count})"
    )


def _heading(text: str) -> Artist:
    """Return an entry without an example."""
    from matplotlib.lines import Line2D

    return Line2D([], [], linestyle="none", label=text)


def _outdent(legend: Legend, headings: Sequence[int]) -> None:
    """Take away the room that headings leave for an example."""
    from matplotlib.offsetbox import DrawingArea, HPacker

    examples = {id(legend.legend_handles[at]) for at in headings}
    for row in legend.findobj(HPacker):
        box, *rest = row.get_children()
        if rest and isinstance(box, DrawingArea) and examples & {id(child) for child in box.get_children()}:
            box.width = 0
            row.sep = 0


def _placed(panels: Panels, how: dict[str, Any]) -> Legend:
    """Put the legend beside the panels, or into the user's axes where nothing would make room for it."""
    if panels.own:
        return panels.figure.legend(loc="outside right upper", **how)
    ax = panels.axes[-1]
    if ax.figure.get_figure(root=True).get_layout_engine() is None:
        return ax.legend(loc="best", **how)
    return ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), **how)


def _widen(panels: Panels, legend: Legend) -> None:
    """Make the figure wider by its legend, so that the panels keep their size."""
    figure = panels.figure.get_figure(root=True)
    if figure is None:
        return
    width = legend.get_window_extent().width / figure.dpi
    figure.set_figwidth(figure.get_figwidth() + width)


def add_color_bar(panels: Panels, table: Table, role: str, mappable: ScalarMappable, labels: Labels) -> None:
    """Add one colour bar for all panels."""
    quantity = table.one(role)
    bar = panels.figure.colorbar(mappable, ax=panels.axes, label=labels.axis([quantity]), aspect=25)
    bar.outline.set_visible(False)
    if quantity.kind == "date":
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        locator = AutoDateLocator(minticks=3, maxticks=6)  # type: ignore[no-untyped-call]
        bar.ax.yaxis.set_major_locator(locator)
        bar.ax.yaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    elif bar.ax.get_yscale() == "log":
        write_out(bar.ax.yaxis, [mappable.norm.vmin, mappable.norm.vmax])
    figure = panels.figure.get_figure(root=True)
    if panels.own and figure is not None:
        figure.set_figwidth(figure.get_figwidth() + 0.8)

"""The legend of a figure, and of several plots in the same axes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

import numpy as np
from matplotlib.colors import to_rgba_array
from matplotlib.lines import Line2D
from matplotlib.offsetbox import DrawingArea, HPacker
from matplotlib.patches import Patch

from coma_xr.errors import Way, warn
from coma_xr.plotting.data import VARIABLE
from coma_xr.plotting.kinds import broken_marker
from coma_xr.plotting.panels import overlaid
from coma_xr.plotting.styling import Labels, Look, shade
from coma_xr.plotting.ticks import font_size, text_width, wrapped
from coma_xr.text import listing

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.legend import Legend

    from coma_xr.plotting.arguments import PlotSpec
    from coma_xr.plotting.panels import Panels
    from coma_xr.plotting.points import Table

# The width of the entries of a legend [inch].
ENTRY = 1.8

# More entries than this are in one line each, more than twice as many smaller too.
SEVERAL_ENTRIES = 14

# The parts of a figure of a given size that a legend may take at its side and below.
BESIDE, BELOW = 0.35, 0.33

SMALLEST = 5.0


# Those that were made here, which a second plot in the same axes may replace.
_legends: WeakSet[Legend] = WeakSet()


@dataclass(frozen=True)
class Section:
    """The entries of a legend for one variable, under its name."""

    title: str
    handles: list[Artist] = field(default_factory=list)
    # What holds for all of its entries, by the name of the variable: `T = 300 K`.
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The title, or without one the label of a single entry."""
        return self.title or (str(self.handles[0].get_label()) if len(self.handles) == 1 else "")


# The entries of earlier plots in axes, and the label and colour of all that they drew.
_explained: WeakKeyDictionary[Axes, list[Section]] = WeakKeyDictionary()
_drawn: WeakKeyDictionary[Axes, set[tuple[str, Any]]] = WeakKeyDictionary()


def forget(ax: Axes) -> None:
    """Forget the entries of axes that were cleared."""
    _explained.pop(ax, None)
    _drawn.pop(ax, None)


def sections_of(table: Table, look: Look, labels: Labels, statuses: Sequence[str]) -> list[Section]:
    """Return the entries of a plot."""
    plan, sections = table.plan, []
    if plan.z is not None and table.quantity("z").type == "name":
        sections.append(_section(table, "z", look, labels, styled=False))
    if plan.hue and look.hue.levels:
        sections.append(_section(table, "hue", look, labels, styled=plan.hue == plan.style))
    if plan.style and plan.style != plan.hue:
        sections.append(_section(table, "style", look, labels, styled=True))
    if statuses:
        sections.append(Section("measurement", [_mark(table, name, statuses) for name in statuses]))
    if not sections and look.hue.mappable is None:
        # Alone it needs no legend, but shares one with what is in the axes already.
        sections.append(
            Section(
                "",
                [_example(look, look.label(np.nan, np.nan), look.hue.color(np.nan), (np.nan, np.nan), True)],
            )
        )
    facts = labels.facts()
    return [replace(section, facts=facts) for section in sections if section.handles]


def _section(table: Table, role: str, look: Look, labels: Labels, *, styled: bool) -> Section:
    quantity = table.quantity(role)
    levels = [*(look.hue.levels if role in {"hue", "z"} else table.levels(role))]
    title = "" if quantity.name == VARIABLE else labels.axis([quantity])
    handles = []
    for level, text in ((level, look.texts[role][level]) for level in levels):
        color = look.hue.color(level) if role in {"hue", "z"} else shade(0.7)
        hue, style = level if role in {"hue", "z"} else np.nan, level if styled else np.nan
        units = _own_units(table, level, labels) if quantity.name == VARIABLE else ""
        handles.append(_example(look, text + units, color, (hue, style), styled or table.plan.style is None))
    return Section(title, handles)


def _own_units(table: Table, level: float, labels: Labels) -> str:
    """Return the units of one of several variables, where the axis cannot have them for all."""
    names = [quantity.name for quantity in table.quantities["x" if len(table.plan.x) > 1 else "y"]]
    units = labels.units(names[int(level)])
    return f" [{units}]" if units and not labels.units(*names) else ""


def _example(look: Look, label: str | None, color: Any, group: tuple[float, float], styled: bool) -> Artist:
    """Return an example of one group, with what the user wants of all."""
    layout, user_color = look.table.plan.layout, look.user_color
    color = color if user_color is None else user_color
    user: dict[str, Any] = look.user_keywords
    own: dict[str, Any] = {name: user[name] for name in ("alpha", "marker") if name in user}
    if layout not in {"curve", "points"}:
        return Patch(**{"facecolor": color, "edgecolor": "none", "label": label, **own})
    hue, style = group
    if layout == "points":
        marker = look.marker(hue, style)["marker"] if styled else "o"
        keywords: dict[str, Any] = {"linestyle": "none", "marker": marker, "markeredgewidth": 0, **own}
    else:
        keywords = look.curve(hue, style, marked=look.markers and styled)
        keywords |= {} if styled else {"linestyle": "-"}
    return Line2D([], [], **{**keywords, "color": color, "label": label})


def _mark(table: Table, name: str, statuses: Sequence[str]) -> Artist:
    number = int((table.rows["status"] == name).sum())
    keywords: dict[str, Any] = {
        "linestyle": "none",
        "color": shade(0.75),
        "label": f"{name.replace('_', ' ')} ({number})",
    }
    return Line2D([], [], marker=broken_marker(name, statuses), **keywords)


def entries_before(grid: Panels) -> list[Section]:
    """Return the entries of all that the user's axes show already: of earlier plots, and of the user."""
    sections: list[Section] = []
    for ax in overlaid(grid.axes[0]) if not grid.new and len(grid.panels) == 1 else ():
        drawn = _drawn.get(ax, set())
        pairs = zip(*ax.get_legend_handles_labels(), strict=True)
        handles = [handle for handle, label in pairs if (label, _color_of(handle)) not in drawn]
        sections += [*(_explained.get(ax, []) if ax.has_data() else []), Section("", handles)]
    return [section for section in sections if section.handles]


def remember(grid: Panels, sections: Sequence[Section]) -> None:
    """Keep the entries of a plot for later plots in the same axes."""
    for ax in grid.axes:
        _explained.setdefault(ax, []).extend(sections)
        pairs = zip(*ax.get_legend_handles_labels(), strict=True)
        _drawn.setdefault(ax, set()).update((label, _color_of(handle)) for handle, label in pairs)


def add_legend(
    grid: Panels, sections: list[Section], earlier: Sequence[Section], spec: PlotSpec, *, has_bar: bool
) -> tuple[float, float]:
    """Add one legend for all panels, if there is anything to explain, and return the room that it takes [inch]."""
    is_alone = len(sections) == 1 and not sections[0].title and len(sections[0].handles) == 1
    if not earlier and (not sections or (is_alone and not has_bar)):
        return 0.0, 0.0
    if earlier:
        _warn_of_alike(sections, earlier)
        sections = _unexplained(sections, earlier)
        if not sections:
            # The legend that is there explains all.
            return 0.0, 0.0
        _remove_legends(grid)
    entries = _entries(_combined([*earlier, *sections]), spec.keywords("legend_kw"))
    ax = grid.axes[0] if grid.new else grid.axes[-1]
    if "loc" in entries.user_keywords or spec.legend == "inside" or not grid.new:
        place: dict[str, Any] = {"loc": "best"}
        if not grid.new and spec.legend != "inside" and grid.root.get_layout_engine() is not None:
            place = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
        entries.legend(ax, ENTRY, **place)
        return 0.0, 0.0
    legend = _beside(grid, entries) if spec.legend != "bottom" else None
    box = (legend or _below(grid, entries)).get_window_extent()
    width, height = box.width / grid.root.dpi + 0.1, box.height / grid.root.dpi + 0.1
    if not grid.fixed and legend is not None:
        grid.root.set_figwidth(grid.root.get_figwidth() + width)
    elif not grid.fixed:
        grid.root.set_figheight(grid.root.get_figheight() + height)
    return (width, 0.0) if legend is not None else (0.0, height)


def _remove_legends(grid: Panels) -> None:
    """Remove the legends of earlier plots in the same axes, which a new one replaces."""
    place = overlaid(grid.axes[0])
    legends = [
        *(grid.root.legends if {*grid.root.axes} <= {*place} else ()),
        *(ax.get_legend() for ax in place),
    ]
    for legend in [legend for legend in legends if legend in _legends]:
        legend.remove()


def _entries(sections: Sequence[Section], user_keywords: dict[str, Any]) -> _Entries:
    """Return the entries of a legend, under headings if there are several sections."""
    handles: list[Artist] = []
    texts: list[str] = []
    headings: list[int] = []
    has_heading = False
    for section, facts in zip(sections, _told_apart(sections), strict=True):
        heading = ", ".join(filter(None, (section.title, facts))) if section.title else ""
        if len(sections) > 1:
            for text in (" " if handles and (heading or has_heading) else "", heading):
                headings += [len(handles)] if text else []
                handles += [Line2D([], [], linestyle="none")] if text else []
                texts += [text] if text else []
        handles += section.handles
        labels = [str(handle.get_label()) for handle in section.handles]
        texts += labels if section.title else [", ".join(filter(None, (label, facts))) for label in labels]
        has_heading = bool(heading)
    title = sections[0].title if len(sections) == 1 else ""
    return _Entries(handles, texts, headings, title, user_keywords)


def _combined(sections: Sequence[Section]) -> list[Section]:
    """Return sections with the entries of one variable in one of them."""
    combined: list[Section] = []
    for section in sections:
        for at, other in enumerate(combined):
            if section.title and (section.title, section.facts) == (other.title, other.facts):
                new = _unexplained([section], [other])
                combined[at] = replace(other, handles=[*other.handles, *(new[0].handles if new else ())])
                break
        else:
            combined.append(section)
    return combined


def _told_apart(sections: Sequence[Section]) -> list[str]:
    """Return for each section what distinguishes it from others of the same name."""
    return [
        _difference(section, [other for other in sections if section.name and other.name == section.name])
        for section in sections
    ]


def _difference(section: Section, others: Sequence[Section]) -> str:
    """Return what holds for a section alone among others."""
    return ", ".join(
        fact for name, fact in section.facts.items() if any(other.facts.get(name) != fact for other in others)
    )


def _unexplained(sections: Sequence[Section], earlier: Sequence[Section]) -> list[Section]:
    """Return the sections of a legend with the entries that it does not have already."""
    new = [
        replace(section, handles=[handle for handle in section.handles if not _is_explained(handle, earlier)])
        for section in sections
    ]
    return [section for section in new if section.handles]


def _is_explained(handle: Artist, earlier: Sequence[Section]) -> bool:
    """Return whether a legend has an entry with this label and colour already."""
    others = chain.from_iterable(section.handles for section in earlier)
    colors = [_color_of(other) for other in others if other.get_label() == handle.get_label()]
    return _color_of(handle) in colors or None in colors


def _pairs(sections: Sequence[Section]) -> Iterator[tuple[Section, Artist]]:
    return ((section, handle) for section in sections for handle in section.handles)


def _warn_of_alike(sections: Sequence[Section], earlier: Sequence[Section]) -> None:
    """Warn of lines that look like those of an earlier plot, which have other labels, or hold for something else."""
    known = {_line_of(handle): (section, str(handle.get_label())) for section, handle in _pairs(earlier)}
    for section, handle in _pairs(sections):
        line, label = _line_of(handle), str(handle.get_label())
        if line is None or line not in known:
            continue
        other, other_label = known[line]
        names = [repr(other_label), repr(label)]
        if label == other_label:
            names = [_difference(other, [section]), _difference(section, [other])]
        if all(names):
            way = Way("Pass palette= with other colours.", "")
            warn(f"Lines of two plots in the same axes look alike: {listing(names)}.", way=way)
            return


def _line_of(handle: Any) -> tuple[Any, ...] | None:
    """Return colour, dashes and marker of an entry that is a line."""
    if not isinstance(handle, Line2D):
        return None
    return _color_of(handle), handle.get_linestyle(), handle.get_marker()


def _color_of(handle: Any) -> tuple[float, ...] | None:
    """Return the colour of an entry without its transparency; None where it has several, or none of its own."""
    is_outline = isinstance(handle, Patch) and not handle.get_fill()
    names = ("get_edgecolor",) if is_outline else ("get_color", "get_facecolor")
    color = next((getattr(handle, name) for name in names if hasattr(handle, name)), None)
    colors = to_rgba_array(color() if color else "none")
    return tuple(colors[0][:3].tolist()) if len(colors) == 1 else None


@dataclass(frozen=True)
class _Entries:
    """The entries of a legend: examples with their strings, some of them headings, under a title."""

    handles: list[Artist]
    # Before they are broken into lines.
    texts: list[str]
    headings: list[int]
    title: str
    user_keywords: dict[str, Any]

    @property
    def size(self) -> float:
        """The size of the font to begin with."""
        size = self.user_keywords.get("fontsize")
        return float(size) if isinstance(size, (int, float)) else font_size("legend.fontsize")

    def legend(
        self, place: Any, widest: float, size: float | None = None, most: int | None = None, **keywords: Any
    ) -> Legend:
        """Return a legend of the first entries, in lines of this many inches and a font of this many points."""
        size = self.size if size is None else size
        shown = self.handles[:most]
        texts = [wrapped(text, widest, size) for text in self.texts[:most]]
        if len(shown) < len(self.handles):
            texts.append(f"and {len(self.handles) - len(shown)} more")
            shown = [*shown, Line2D([], [], linestyle="none")]
        keywords |= {"handles": shown, "labels": texts, "alignment": "left", "fontsize": size}
        if self.title:
            keywords |= {"title": wrapped(self.title, max(widest, ENTRY), size), "title_fontsize": size}
        options = {name: value for name, value in self.user_keywords.items() if name != "fontsize"}
        legend: Legend = place.legend(**keywords | options)
        _outdent(legend, [at for at in self.headings if at < len(shown)])
        _legends.add(legend)
        return legend


def _outdent(legend: Legend, headings: Sequence[int]) -> None:
    """Take away the room that headings leave for an example."""
    examples = {id(legend.legend_handles[at]) for at in headings}
    for row in legend.findobj(HPacker):
        box, *labels = row.get_children()
        if labels and isinstance(box, DrawingArea) and examples & {id(child) for child in box.get_children()}:
            box.width = 0
            row.sep = 0


def _beside(grid: Panels, entries: _Entries) -> Legend | None:
    """Return a legend at the right of the panels, or None where it would leave too little of the figure to them."""
    root, number, size = grid.root, len(entries.handles), entries.size
    widest = max(1.0, BESIDE * root.get_figwidth() - 0.5) if grid.fixed else ENTRY
    if number > SEVERAL_ENTRIES and not grid.fixed:
        widest, size = 2 * ENTRY, size * (0.7 if number > 2 * SEVERAL_ENTRIES else 1.0)
    for columns in range(1, number + 1):
        legend = entries.legend(grid.figure, widest, size, loc="outside right upper", ncols=columns)
        box = legend.get_window_extent()
        if grid.fixed and box.width > (BESIDE + 0.05) * root.bbox.width:
            break
        if box.height <= 0.97 * root.bbox.height or columns == number:
            return legend
        legend.remove()
    legend.remove()
    return None


def _below(grid: Panels, entries: _Entries) -> Legend:
    """Return a legend below the panels, in columns, smaller where it has to be, and cut with a count at the last."""
    root, size, most = grid.root, entries.size, len(entries.handles)
    width = root.get_figwidth() - 0.3
    while True:
        widest = min(max(text_width(label, size) for label in entries.texts), max(width / 2, 1.2))
        columns = max(1, min(most, int(width / (widest + 4.5 * size / 72))))
        legend = entries.legend(grid.figure, widest, size, most, loc="outside lower center", ncols=columns)
        is_low = legend.get_window_extent().height <= BELOW * root.bbox.height
        if is_low or not grid.fixed or (size <= SMALLEST and most < 2):
            return legend
        legend.remove()
        if size > SMALLEST:
            size = max(SMALLEST, 0.85 * size)
        else:
            most = max(1, int(0.8 * most))

"""Colours, markers, texts, ticks and legends."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from coma_xr.errors import LayoutError, warn
from coma_xr.plotting.spec import VARIABLE, Data
from coma_xr.text import available, listing

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.legend import Legend

    from coma_xr.plotting.points import Quantity, Table

# Of Okabe and Ito's colours, which those who confuse red and green tell apart, the ones that show on white.
NAME_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8A6D3B")

# The end of viridis is too bright for a line on white.
SEQUENTIAL, DARKER = "viridis", 0.85
DIVERGING = "RdBu_r"

# Colours of so many values can be told apart and listed; of more there is a colour bar.
LISTED = 8

# Values on both sides of zero, the smaller side at least this part of the larger, are shown from zero.
BOTH_SIDES = 0.1

# The largest is so many times the smallest: equal steps of colour are then equal factors.
MANY_DECADES = 1e3

DASHES: tuple[Any, ...] = ("-", "--", ":", "-.", (0, (6, 1.5, 1, 1.5, 1, 1.5)), (0, (1.5, 1.5, 4, 1.5)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

# Of failed and missing points; all others are crosses.
BROKEN = {"missing": "|", "failed": "x", "timeout": "1", "died": "+", "excluded": "2"}


@dataclass(frozen=True)
class Hue:
    """The colours of a variable.

    Parameters
    ----------
    levels : sequence of float
        The numbers that have an entry in the legend; none with a colour bar.
    color : callable
        Returns the colour of a number.
    mappable : ScalarMappable, optional
        What a colour bar is made of.
    """

    levels: Sequence[float] = ()
    color: Callable[[float], Any] = field(default=lambda _: NAME_COLORS[0])
    mappable: ScalarMappable | None = None

    def dash(self, number: float) -> Any:
        """Return the dashes where there is no style: others when the colours of names begin again."""
        place = list(self.levels).index(number) if number in self.levels else 0
        return DASHES[place // len(NAME_COLORS) % len(DASHES)]


@dataclass(frozen=True)
class Style:
    """The dashes and markers of a variable.

    Parameters
    ----------
    levels : sequence of float
        Its numbers.
    """

    levels: Sequence[float] = ()

    def dash(self, number: float) -> Any:
        """Return the dashes of a number."""
        return DASHES[self._place(number) % len(DASHES)]

    def marker(self, number: float) -> str:
        """Return the marker of a number."""
        return MARKERS[self._place(number) % len(MARKERS)]

    def is_open(self, number: float) -> bool:
        """Whether the marker of a number is not filled, so that one below it is seen."""
        return self._place(number) % 2 == 1

    def _place(self, number: float) -> int:
        return list(self.levels).index(number) if number in self.levels else 0


def hue_of(quantity: Quantity, levels: Sequence[float]) -> Hue:
    """Return the colours of a variable: of names ones that differ, of numbers ones in sequence.

    Parameters
    ----------
    quantity : Quantity
        The variable.
    levels : sequence of float
        Its numbers, sorted.
    """
    if quantity.kind == "name":
        place = {level: at for at, level in enumerate(levels)}
        return Hue(levels, lambda number: NAME_COLORS[place.get(number, 0) % len(NAME_COLORS)])
    finite = [level for level in levels if np.isfinite(level)]
    if len(finite) > LISTED:
        from matplotlib.cm import ScalarMappable

        mappable = ScalarMappable(color_scale(np.array(finite), _hue_scale(finite)), color_map())
        return Hue((), lambda number: tuple(mappable.to_rgba(np.array([number]))[0]), mappable)
    shades = color_map()(np.linspace(0, 1, max(len(finite), 2)))
    shown = {level: tuple(shade) for level, shade in zip(finite, shades, strict=False)}
    return Hue(finite, lambda number: shown.get(number, "0.5"))


def _hue_scale(levels: Sequence[float]) -> str:
    """Return "log" for numbers that go over decades in equal factors."""
    steps = np.diff(levels)
    if min(levels) <= 0 or max(levels) < MANY_DECADES * min(levels):
        return "linear"
    factors = np.diff(np.log(levels))
    return "log" if factors.std() / factors.mean() < steps.std() / steps.mean() else "linear"


def color_map(*, diverging: bool = False, whole: bool = False) -> Colormap:
    """Return the colours of numbers; `whole` for areas, which may be bright."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    if diverging or whole:
        return colormaps[DIVERGING if diverging else SEQUENTIAL]
    return ListedColormap(colormaps[SEQUENTIAL](np.linspace(0, DARKER, 256)), f"{SEQUENTIAL}, darker")


def is_diverging(values: Any) -> bool:
    """Whether values lie on both sides of zero."""
    low, high = -float(np.min(values)), float(np.max(values))
    return low > 0 and high > 0 and min(low, high) >= BOTH_SIDES * max(low, high)


def color_scale(values: Any, scale: str, *, diverging: bool = False) -> Normalize:
    """Return what places values between 0 and 1.

    Parameters
    ----------
    values : array
        Finite, and positive for a log scale; none at all is fine.
    scale : "linear", "log", "symlog", ...
        As for the scale of an axis.
    diverging : bool, default False
        Whether 0 is in the middle.

    Raises
    ------
    LayoutError
        When the scale is unknown.
    """
    from matplotlib.colors import CenteredNorm, LogNorm, Normalize, SymLogNorm

    low, high = (float(np.min(values)), float(np.max(values))) if np.size(values) else (0.1, 1.0)
    if scale == "log":
        return LogNorm(low, high)
    if scale == "symlog":
        most = max(abs(low), abs(high)) or 1.0
        return SymLogNorm(most / 1e3, vmin=-most, vmax=most)
    if scale != "linear":
        raise LayoutError(f"zscale={scale!r} is unknown. Available: linear, log, symlog.")
    return CenteredNorm(0.0, max(-low, high)) if diverging else Normalize(low, high)


def style_of(quantity: Quantity, levels: Sequence[float]) -> Style:
    """Return the dashes and markers of a variable.

    Raises
    ------
    LayoutError
        When it has more values than there are dashes that can be told apart.
    """
    if len(levels) > len(DASHES):
        raise LayoutError(
            f"style={quantity.name!r} has {len(levels)} values, and only {len(DASHES)} dashes can be told apart. "
            f"Give it to hue, row or col, or select some."
        )
    return Style(levels)


LINE: dict[str, Any] = {"linewidth": 1.5, "markersize": 4.5}


@dataclass(frozen=True)
class Look:
    """How groups look.

    Parameters
    ----------
    hue : Hue
        Their colours.
    style : Style, optional
        Their dashes and markers.
    markers : bool
        Whether each point of a line is marked.
    band : bool
        Whether errors are drawn as bands.
    """

    hue: Hue = field(default_factory=Hue)
    style: Style | None = None
    markers: bool = True
    band: bool = False

    def dash(self, hue: float, style: float) -> Any:
        """Return the dashes of a curve."""
        return self.style.dash(style) if self.style else self.hue.dash(hue)

    def marker(self, style: float) -> dict[str, Any]:
        """Return the marker of a curve's points."""
        if self.style is None:
            return {"marker": "o", "markeredgewidth": 0}
        if self.style.is_open(style):
            return {"marker": self.style.marker(style), "markeredgewidth": 1.0, "markerfacecolor": "none"}
        return {"marker": self.style.marker(style), "markeredgewidth": 0}


MINUS, TIMES_SIGN = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"

# With so many letters several names still fit at one axis.
FITTING = 32


@dataclass(frozen=True)
class Labels:
    """The texts of one plot.

    Parameters
    ----------
    data : Data
        Gives long names and units.
    given : mapping, default {}
        The user's text for a name or a value; goes before all others.
    """

    data: Data
    given: Mapping[Any, str] = field(default_factory=dict)

    def check_given(self) -> None:
        """Warn of texts for names that neither a variable nor a value in the data has."""
        ds = self.data.ds
        names = [str(name) for name in dict.fromkeys([*ds.dims, *ds.variables])]
        unknown = [key for key in self.given if isinstance(key, str) and key not in {VARIABLE, *names}]
        if unknown:
            values = {value for v in ds.variables.values() for value in _texts(v)}
            unknown = [key for key in unknown if key not in values]
        if unknown:
            called = listing(map(repr, unknown))
            warn(f"labels: nothing in this data is called {called}. {available(unknown[0], names)}")

    def name(self, name: str) -> str:
        """Return what a variable is called, without units."""
        return _printable(str(self.given.get(name) or self._attrs(name).get("long_name") or name))

    def units(self, *names: str) -> str:
        """Return the units that variables have in common, or no text."""
        units = {str(self._attrs(name).get("units") or "") for name in names}
        return _printable(units.pop()) if len(units) == 1 else ""

    def axis(self, quantities: Sequence[Quantity]) -> str:
        """Return the label of an axis, colour bar or legend that shows these."""
        names = list(dict.fromkeys(one.name for one in quantities))
        units = quantities[0].units or self.units(*names)
        if len(names) > 1:
            return _with_units(self.given.get(VARIABLE, self._common(names)), units)
        return _with_units(self.name(names[0]), units)

    def value(self, quantity: Quantity, number: float, *, among: Sequence[float] = ()) -> str:
        """Return the text of one value, with no more digits than tell it from the others."""
        value = quantity.value(number)
        for key in (value, number):
            if key in self.given and not isinstance(value, bool):
                return _printable(str(self.given[key]))
        if quantity.name == VARIABLE:
            return self.name(str(value))
        if quantity.kind == "number":
            return _number(number, among)
        if quantity.kind == "date":
            return _date(value, [quantity.value(one) for one in among])
        return _printable(str(value))

    def equation(self, quantity: Quantity, number: float, *, among: Sequence[float] = ()) -> str:
        """Return the title of what has one value: `T = 300 K`."""
        text = self.value(quantity, number, among=among)
        if quantity.name == VARIABLE:
            return text
        units = (quantity.units or self.units(quantity.name)) if quantity.kind == "number" else ""
        return f"{self.name(quantity.name)} = {text} {units}".rstrip()

    def _attrs(self, name: str) -> Mapping[str, Any]:
        """Return a variable's attrs, but not those that arithmetic took over from another one."""
        attrs: Mapping[str, Any] = self.data.ds[name].attrs if name in self.data.ds.variables else {}
        # A coord is not what arithmetic makes; those of a returned DataArray have no name in their attrs.
        if "name" in attrs or not self.data.is_ours or name in self.data.ds.coords:
            return attrs if attrs.get("shown_as", attrs.get("name", name)) == name else {}
        # Arithmetic with two variables keeps what both have: units alone, say, of a ratio that has none.
        others = [v.attrs.get("long_name") for n, v in self.data.ds.variables.items() if n != name]
        return attrs if attrs.get("long_name") not in [None, *others] else {}

    def _common(self, names: Sequence[str]) -> str:
        """Return the words that all names begin with, or all names if they are short, or nothing."""
        texts = [self.name(name) for name in names]
        words = [re.findall(r"[^\s,:;()]+", text) for text in texts]
        shared = []
        for word in zip(*words, strict=False):
            if len(set(word)) > 1:
                break
            shared.append(word[0])
        joined = ", ".join(texts)
        return " ".join(shared) or (joined if len(joined) <= FITTING else "")


def _texts(variable: xr.Variable) -> set[str]:
    """Return the texts among the values of a variable."""
    if isinstance(variable.dtype, np.dtype) and variable.dtype.kind not in "OTU":
        return set()
    return {value for value in np.ravel(variable.values).tolist() if isinstance(value, str)}


def _printable(text: str) -> str:
    """Return a text as it is when matplotlib can set its formulas, else with its dollars as they are."""
    if text.count("$") < 2:
        return text
    from matplotlib.mathtext import MathTextParser

    try:
        MathTextParser("path").parse(text)
    except ValueError:
        return text.replace("$", r"\$")
    return text


def _with_units(text: str, units: str) -> str:
    return f"{text} [{units}]".lstrip() if units and not text.endswith(("]", ")")) else text


def _number(number: float, among: Sequence[float]) -> str:
    """Return a number with as few digits as tell it from its neighbours, at least four."""
    others = [one for one in among if np.isfinite(one)]
    for digits in range(4, 17):
        if len({f"{one:.{digits}g}" for one in others}) == len(set(others)):
            break
    text = str(int(number)) if number == round(number) and abs(number) < 1e6 else f"{number:.{digits}g}"
    mantissa, _, exponent = text.partition("e")
    if exponent:
        sign = MINUS if exponent.startswith("-") else ""
        text = rf"{mantissa} {TIMES_SIGN} 10$^{{{sign}{exponent.lstrip('+-0')}}}$"
    return text.replace("-", MINUS)


def _date(value: dt.datetime, among: Sequence[dt.datetime]) -> str:
    if all(one.time() == dt.time() for one in [value, *among]):
        return value.date().isoformat()
    whole = all(one.microsecond == 0 for one in [value, *among])
    return value.isoformat(sep=" ", timespec="auto" if not whole else "seconds")


# So many names fit below one another, and so many letters on an inch beside one another.
MOST_NAMES, LETTERS = 40, 11

# Whole numbers over no larger a range get no ticks between them.
WHOLE_RANGE = 30

# Numbers on a log scale are written out, 0.5 or 20, between these and over no more than so many times the least.
SHORT, FEW = (1e-3, 1e5), 100


def set_scale(ax: Axes, scales: Mapping[str, str | None]) -> None:
    """Give the axes their scales, before anything is drawn on them."""
    for role in ("x", "y"):
        scale = scales[role]
        if scale is not None:
            getattr(ax, f"set_{role}scale")(scale)


def dress(panel: Panel, table: Table, labels: Labels) -> None:
    """Give the axes of a panel their ticks and labels."""
    from matplotlib.ticker import MaxNLocator

    for role, shown in (("x", panel.bottom), ("y", panel.left)):
        axis: Axis = getattr(panel.ax, f"{role}axis")
        quantities = table.quantities.get(role)
        if quantities is None:
            axis.set_label_text("count" if shown else "")
            axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
            continue
        if shown:
            axis.set_label_text(labels.axis(_in_panel(table, role, panel)))
        _ticks(axis, panel.ax, table, role, labels)


def _in_panel(table: Table, role: str, panel: Panel) -> list[Quantity]:
    """Return the quantities on an axis of this panel: one, where each panel shows a variable of its own."""
    quantities = list(table.quantities[role])
    roles = [name for name in ("row", "col") if name in table.quantities]
    for facet, number in zip(roles, panel.key, strict=True):
        if table.plan.roles[facet] == "variable" and len(quantities) > 1 and not np.isnan(number):
            return [quantities[int(number)]]
    return quantities


def _ticks(axis: Axis, ax: Axes, table: Table, role: str, labels: Labels) -> None:
    one = table.one(role)
    if one.kind == "name":
        _named_ticks(axis, ax, one, role, labels)
    elif one.kind == "date":
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        locator = AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
        axis.set_major_locator(locator)
        axis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    elif axis.get_scale() == "linear":
        from matplotlib.ticker import MaxNLocator

        values = table.rows[role].dropna().to_numpy()
        if values.size and (values == np.round(values)).all() and np.ptp(values) <= WHOLE_RANGE:
            axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
    elif axis.get_scale() == "log":
        write_out(axis, table.rows[role])


def write_out(axis: Axis, values: Any) -> None:
    """Write 2, 3, 4 at a log scale that is too short for powers of ten."""
    from matplotlib.ticker import LogFormatter

    class WrittenOut(LogFormatter):
        def __call__(self, x: float, pos: int | None = None) -> str:
            return f"{x:g}" if super().__call__(x, pos) else ""

    there = np.asarray(values, float)
    there = there[np.isfinite(there)]
    low, high = there.min(initial=np.inf), there.max(initial=0.0)
    if SHORT[0] <= low <= high <= min(SHORT[1], FEW * low):
        axis.set_major_formatter(WrittenOut())
        axis.set_minor_formatter(WrittenOut())


def _named_ticks(axis: Axis, ax: Axes, one: Quantity, role: str, labels: Labels) -> None:
    """Put each name at its place; some, where there is no room for all."""
    count = len(one.categories)
    places = np.arange(0, count, max(1, -(-count // MOST_NAMES)))
    texts = [labels.value(one, float(place)) for place in places]
    axis.set_ticks(places, texts)
    axis.set_tick_params(which="minor", length=0)
    if count:
        getattr(ax, f"set_{role}lim")(-0.5, count - 0.5)
    if role != "x" or not texts:
        return
    width = ax.get_position().width * float(ax.figure.get_figure(root=True).get_figwidth())
    room = LETTERS * width / len(texts)
    widest = max(len(one) + len(other) for one, other in zip(texts, [*texts[1:], ""], strict=True)) / 2
    if widest + 2 > room:
        steep = len(texts) > 4 * width
        how: dict[str, Any] = (
            {"rotation": 90} if steep else {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
        )
        for text in axis.get_ticklabels():
            text.set(**how)


def say_nothing_there(ax: Axes) -> None:
    """Say in an empty panel that it is empty on purpose."""
    place: dict[str, Any] = {"transform": ax.transAxes, "ha": "center", "va": "center"}
    ax.text(0.5, 0.5, "no values", color="0.5", fontsize="small", **place)


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

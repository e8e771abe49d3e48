"""Colours, markers and strings."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from matplotlib import colormaps, rcParams, rcParamsDefault
from matplotlib.cbook import normalize_kwargs
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PathCollection
from matplotlib.colors import (
    CSS4_COLORS,
    CenteredNorm,
    Colormap,
    LinearSegmentedColormap,
    ListedColormap,
    LogNorm,
    Normalize,
    SymLogNorm,
    is_color_like,
    to_rgb,
    to_rgba_array,
)
from matplotlib.lines import Line2D
from matplotlib.mathtext import MathTextParser
from matplotlib.patches import Patch
from pandas.api.types import infer_dtype

from coma_xr.checks import setting
from coma_xr.errors import LayoutError, warn
from coma_xr.plotting.data import VARIABLE, Data
from coma_xr.plotting.quantities import (
    NO_NUMBER_TEXTS,
    NO_NUMBERS,
    Quantity,
    is_unitless,
    label_of,
    texts_of_dates,
)
from coma_xr.text import count, has_formulas, listing, numbers, visible

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from coma_xr.plotting.arguments import PlotSpec
    from coma_xr.plotting.points import Table

# Of Okabe and Ito's colours, which those who confuse red and green tell apart, the ones that show on white.
NAME_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8A6D3B")

# Colours of so many values can be told apart and listed; of more there is a colour bar.
LISTED = 8

# Numbers that go over this factor in even ratios have colours on a logarithmic scale.
WIDE = 30.0

# A line or point must differ that much from what it lies on, by WCAG's ratio of luminances.
CONTRAST, CONTRAST_ON_DARK = 1.5, 2.2

DASHES: tuple[Any, ...] = ("-", "--", ":", "-.", (0, (6, 1.5, 1, 1.5, 1, 1.5)), (0, (1.5, 1.5, 4, 1.5)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

# The part of values at each end that robust colours leave out [%].
ROBUST = 2

# Markers on lines are smaller than the points of a cloud.
ON_LINES = 0.75

MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"

# Lines are broken as they are.
CONTROLS = {at: repr(chr(at))[1:-1] for at in (*range(32), *range(127, 160)) if at != ord("\n")}

# Kinds of values, as pandas calls them, that can tell plots apart.
SINGLE = {
    "string",
    "boolean",
    "integer",
    "floating",
    "datetime64",
    "datetime",
    "date",
    "timedelta64",
    "timedelta",
}

# Colours that are no further apart, of 1 for each of red, green and blue, look the same.
ALIKE = 0.2

# With so many letters several names still fit at one axis.
FITTING = 32


# ------------------------------------------------------------------------------------------ colours


def background() -> Any:
    """Return the colour that is drawn on."""
    return rcParams["axes.facecolor"]


def shade(part: float) -> tuple[float, float, float]:
    """Return a grey between the background, 0, and the colour of text, 1."""
    low, high = np.array(to_rgb(background())), np.array(to_rgb(rcParams["text.color"]))
    red, green, blue = (low + part * (high - low)).tolist()
    return red, green, blue


def contrast(colors: Any, other: Any = None) -> NDArray[Any]:
    """Return by how much colours differ from the background or another colour, by WCAG's ratio of luminances."""

    def luminance(color: Any) -> NDArray[Any]:
        rgb = to_rgba_array(color)[:, :3]
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return np.asarray(linear @ [0.2126, 0.7152, 0.0722])

    ours, ground = luminance(colors), luminance(background() if other is None else other)
    return np.asarray((np.maximum(ours, ground) + 0.05) / (np.minimum(ours, ground) + 0.05))


def cycle() -> list[Any]:
    """Return the colours of names: those of the style, or the default ones where it has none."""
    default = rcParamsDefault["axes.prop_cycle"]
    is_user_cycle = rcParams["axes.prop_cycle"] != default and "color" in rcParams["axes.prop_cycle"].keys
    colors = rcParams["axes.prop_cycle"].by_key()["color"] if is_user_cycle else NAME_COLORS
    return [
        color if ratio >= 1.2 else shade(1) for color, ratio in zip(colors, contrast(colors), strict=True)
    ]


def palette_of(palette: Any) -> Colormap | Sequence[Any] | Mapping[Any, Any] | None:
    """Return a palette as a colour map, or as colours by place or value.

    Raise LayoutError when it is none of these, or has something else than a colour.
    """
    if palette is None or isinstance(palette, (str, Colormap)):
        return None if palette is None else map_of(palette, "palette")
    palette = palette.tolist() if isinstance(palette, np.ndarray) else palette
    if not isinstance(palette, (list, tuple, Mapping)) or not palette:
        raise LayoutError(
            setting("palette", palette, "cannot be used."),
            expected="a colour map, a list of colours, or a mapping such as {'Ising': 'red'}",
        )
    for color in palette.values() if isinstance(palette, Mapping) else palette:
        if not is_color_like(color):
            raise LayoutError(
                f"palette: {color!r} is not a colour.", name=str(color), available=[*CSS4_COLORS]
            )
    return palette


def next_color(used_colors: Sequence[Any], spec: PlotSpec) -> Any:
    """Return the first colour that is not taken: of a palette, else of the cycle."""
    colors = list(spec.palette) if isinstance(spec.palette, (list, tuple)) else cycle()
    return colors[_first_free(colors, used_colors)]


@dataclass(frozen=True)
class Hue:
    """The colours of a variable: `levels` have entries in the legend, a `mappable` has a colour bar."""

    levels: Sequence[float] = ()
    color: Callable[[float], Any] = field(default=lambda _: cycle()[0])
    mappable: ScalarMappable | None = None
    # How many colours there are; then they begin again.
    period: int = 1

    def dash(self, number: float) -> Any:
        """Return the dashes where there is no style: others when the colours of names begin again."""
        return DASHES[self._round(number) % len(DASHES)]

    def marker(self, number: float) -> str:
        """Return the marker where there is no style: others when the colours of names begin again."""
        return MARKERS[self._round(number) % len(MARKERS)]

    def _round(self, number: float) -> int:
        place = list(self.levels).index(number) if number in self.levels else 0
        return place // self.period


@dataclass(frozen=True)
class Style:
    """The dashes and markers of the levels of a variable."""

    levels: Sequence[float] = ()

    def dash(self, number: float) -> Any:
        """Return the dashes of a number."""
        return DASHES[self._place(number) % len(DASHES)]

    def marker(self, number: float) -> str:
        """Return the marker of a number."""
        return MARKERS[self._place(number) % len(MARKERS)]

    def is_open(self, number: float) -> bool:
        """Return whether the marker of a number is not filled, so that one below it is seen."""
        return self._place(number) % 2 == 1

    def _place(self, number: float) -> int:
        return list(self.levels).index(number) if number in self.levels else 0


@dataclass(frozen=True)
class Look:
    """How the groups of a table look: colours, dashes, markers on each point or on lone ones, bands or bars of errors."""

    table: Table
    hue: Hue = field(default_factory=Hue)
    style: Style | None = None
    markers: bool = True
    band: bool = False
    # Edges of bins that all panels and groups share.
    bins: Any = None
    # What the levels of hue and style are called in a legend.
    texts: Mapping[str, Mapping[float, str]] = field(default_factory=dict)

    @property
    def spec(self) -> PlotSpec:
        """The arguments of the plot."""
        return self.table.plan.spec

    def dash(self, hue: float, style: float) -> Any:
        """Return the dashes of a curve."""
        return self.style.dash(style) if self.style else self.hue.dash(hue)

    def marker(self, hue: float, style: float) -> dict[str, Any]:
        """Return the marker of a curve's points."""
        if self.style is None:
            return {"marker": self.hue.marker(hue), "markeredgewidth": 0}
        if self.style.is_open(style):
            return {"marker": self.style.marker(style), "markeredgewidth": 1.0, "markerfacecolor": "none"}
        return {"marker": self.style.marker(style), "markeredgewidth": 0}

    def curve(self, hue: float, style: float, *, marked: bool) -> dict[str, Any]:
        """Return the colour, dashes, markers and name of a curve, and what the user wants of lines."""
        keywords = {
            "color": self.hue.color(hue),
            "linestyle": self.dash(hue, style),
            "label": self.label(hue, style),
        }
        keywords |= {"markersize": ON_LINES * rcParams["lines.markersize"]}
        keywords |= self.marker(hue, style) if marked else {}
        return {**keywords, **self.user_keywords}

    @functools.cached_property
    def user_keywords(self) -> dict[str, Any]:
        """The user's keywords for lines, points or bars, under the names that matplotlib's artists have first."""
        artist, kind = {"curve": ("line", Line2D), "points": ("scatter", PathCollection)}.get(
            self.table.plan.layout, ("hist", Patch)
        )
        return dict(normalize_kwargs(self.spec.keywords(f"{artist}_kw"), kind))

    @property
    def user_color(self) -> Any:
        """The one colour that the user wants for all; None where it wants none."""
        colors = [self.user_keywords.get(name) for name in ("color", "facecolor", "c")]
        return next((color for color in colors if color is not None and is_color_like(color)), None)

    def label(self, hue: float, style: float) -> str | None:
        """Return what a group is called in a legend; None where a colour bar explains it."""
        if self.hue.mappable is not None and hue not in self.hue.levels:
            return None
        texts = [self.texts.get("hue", {}).get(hue), self.texts.get("style", {}).get(style)]
        names = list(dict.fromkeys(text for text in texts if text))
        return ", ".join(names) or self.texts.get("", {}).get(0.0, "")


def hue_of(table: Table, levels: Sequence[float], used_colors: Sequence[Any] = ()) -> Hue:
    """Return the colours of what is on hue: of names ones that differ, of numbers ones in sequence.

    `used_colors` are used by what was drawn before into the same axes.
    """
    quantity, spec = table.quantity("hue"), table.plan.spec
    special = dict(quantity.places)
    ordinary = [level for level in levels if level not in special]
    if quantity.type == "name" or isinstance(spec.palette, Mapping):
        return hue_of_names(quantity, spec, levels, used_colors)
    greys = {
        level: shade(part)
        for level, part in zip(special, np.linspace(0.45, 0.8, max(len(special), 1)), strict=False)
    }
    scale = table.scales.get("hue") or _hue_scale(ordinary)
    if len(ordinary) > LISTED:
        norm = color_norm(np.array(ordinary), scale, spec)
        outside = sum(level <= 0 for level in ordinary) if scale == "log" else 0
        if outside:
            name = quantity.name
            warn(f"Drawn in grey: {count(outside, 'value')} of {name} that are 0 or less, on a log scale.")
        mappable = ScalarMappable(norm, line_map(spec).with_extremes(bad=shade(0.5)))
        shown = [level for level in levels if level in special]
        return Hue(shown, lambda number: greys.get(number) or _rgba(mappable, number), mappable)
    shades: Any = line_map(spec)(np.linspace(0, 1, len(ordinary)) if len(ordinary) > 1 else [0.5])
    period = max(len(levels), 1)
    if isinstance(spec.palette, (list, tuple)):
        period = len(spec.palette)
        shades = [spec.palette[at % period] for at in range(len(ordinary))]
    colors = {
        level: tuple(color) if not isinstance(color, str) else color
        for level, color in zip(ordinary, shades, strict=False)
    }
    return Hue(levels, lambda number: colors.get(number) or greys.get(number) or shade(0.5), period=period)


def _rgba(mappable: ScalarMappable, number: float) -> Any:
    return tuple(mappable.to_rgba(np.array([number]))[0])


def hue_of_names(
    quantity: Quantity, spec: PlotSpec, levels: Sequence[float], used_colors: Sequence[Any]
) -> Hue:
    """Return colours that differ, those given in a palette first.

    Raise LayoutError when a palette has no colour for a value, or is none.
    """
    palette = spec.palette
    if isinstance(palette, Mapping):
        keys = {quantity.place_of(key, levels): key for key in reversed([*palette])}
        lacking = quantity.texts_at([level for level in levels if level not in keys])
        if lacking:
            message = f"palette does not have a colour for {listing(lacking)}."
            raise LayoutError(message, name=lacking[0], available=map(str, palette))
        return Hue(levels, lambda number: palette[keys[number]], period=max(len(levels), 1))
    if isinstance(palette, Colormap):
        colors: Sequence[Any] = [tuple(color) for color in palette(np.linspace(0, 1, max(len(levels), 2)))]
    elif palette is not None:
        colors = list(palette)
    else:
        colors = cycle()
        at = _first_free(colors, used_colors)
        colors = [*colors[at:], *colors[:at]]
    place = {level: at for at, level in enumerate(levels)}
    return Hue(levels, lambda number: colors[place.get(number, 0) % len(colors)], period=len(colors))


def _first_free(colors: Sequence[Any], used_colors: Sequence[Any]) -> int:
    """Return the place of the first colour unlike those that are used, else of the first that differs, else 0."""
    used = to_rgba_array(list(used_colors))[:, :3]
    distances = [np.linalg.norm(used - to_rgb(color), axis=1).min(initial=np.inf) for color in colors]
    places = range(len(colors))
    return next((at for least in (ALIKE, 0.0) for at in places if distances[at] > least), 0)


def _hue_scale(levels: Sequence[float]) -> str:
    """Return "log" for numbers that are spaced geometrically."""
    levels = [level for level in levels if np.isfinite(level)]
    if len(levels) < 3 or min(levels) <= 0 or max(levels) < WIDE * min(levels):
        return "linear"
    steps, factors = np.diff(levels), np.diff(np.log(levels))
    return "log" if factors.std() / factors.mean() < 0.5 * steps.std() / steps.mean() else "linear"


def map_of(name: Any, argument: str = "cmap") -> Colormap:
    """Return a colour map by its name.

    Raise LayoutError when there is none of this name.
    """
    if isinstance(name, Colormap):
        return name
    if not isinstance(name, str) or name not in colormaps:
        raise LayoutError(f"{argument}={name!r} is not a colour map.", name=str(name), available=colormaps)
    return colormaps[name]


def chosen_map(spec: PlotSpec) -> Colormap | None:
    """Return the colours of numbers that the user chose; a list of colours has others between them."""
    if spec.cmap is not None or isinstance(spec.palette, Colormap):
        return map_of(spec.palette if spec.cmap is None else spec.cmap)
    if isinstance(spec.palette, (list, tuple)):
        colors = to_rgba_array(list(spec.palette))
        return LinearSegmentedColormap.from_list("palette", colors if len(colors) > 1 else [*colors, *colors])
    return None


def line_map(spec: PlotSpec) -> Colormap:
    """Return the colours of numbers for lines and points: the part of the default map that shows on the background."""
    if (chosen := chosen_map(spec)) is not None:
        return chosen
    colors = map_of(rcParams["image.cmap"])(np.linspace(0, 1, 256))
    is_dark = float(contrast("white")[0]) > float(contrast("black")[0])
    shown = np.flatnonzero(contrast(colors) >= (CONTRAST_ON_DARK if is_dark else CONTRAST))
    if len(shown) < 64:
        shown = np.arange(256)
    return ListedColormap(colors[shown[0] : shown[-1] + 1], f"{rcParams['image.cmap']}, part")


def color_norm(values: Any, scale: str, spec: PlotSpec, *, centred: bool = False) -> Normalize:
    """Return what places values between 0 and 1, within the limits that were given.

    Raise LayoutError when the limits do not fit the scale.
    """
    values = np.asarray(values, float)
    values = values[np.isfinite(values) & ((values > 0) | (scale != "log"))]
    low, high = (float(values.min()), float(values.max())) if values.size else (0.1, 1.0)
    if spec.robust and values.size:
        low, high = np.percentile(values, [ROBUST, 100 - ROBUST]).tolist()
    low = low if spec.vmin is None else float(spec.vmin)
    high = high if spec.vmax is None else float(spec.vmax)
    if scale == "log":
        if low <= 0:
            raise LayoutError(
                setting("vmin", spec.vmin, "is not above 0, on a logarithmic scale of colours."),
                expected="a number above 0",
            )
        return LogNorm(low, max(low, high))
    if scale == "symlog":
        most = max(abs(low), abs(high)) or 1.0
        limits = (-most, most) if spec.vmin is None and spec.vmax is None else (low, high)
        return SymLogNorm(threshold(values), vmin=limits[0], vmax=limits[1])
    return CenteredNorm(0.0, max(-low, high)) if centred else Normalize(low, max(low, high))


def threshold(values: Any) -> float:
    """Return up to where a symlog scale is linear: a power of ten below most of the values, at most six decades down."""
    sizes = np.abs(np.asarray(values, float))
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    if not sizes.size:
        return 1.0
    return float(10.0 ** np.floor(np.log10(max(np.percentile(sizes, 5), sizes.max() * 1e-6))))


def extension(values: Any, low: float, high: float) -> Any:
    """Return at which ends of a colour bar there are values beyond."""
    below, above = bool(np.any(values < low)), bool(np.any(values > high))
    return ("both" if above else "min") if below else "max" if above else "neither"


def style_of(quantity: Quantity, levels: Sequence[float]) -> Style:
    """Return the dashes and markers of a variable.

    Raise LayoutError when it has more values than there are dashes that can be distinguished.
    """
    if len(levels) > len(DASHES):
        fault = f"has {len(levels)} values, and only {len(DASHES)} dashes can be distinguished."
        raise LayoutError(
            setting("style", quantity.name, fault),
            ways=["Use it for hue, row or col, or select some values."],
        )
    return Style(levels)


# ------------------------------------------------------------------------------------------ texts


@dataclass(frozen=True)
class Labels:
    """The strings of one plot: those that the user gave for names and values go before all others."""

    data: Data
    strings: Mapping[Any, str] = field(default_factory=dict)

    @classmethod
    def of(cls, data: Data, given: Mapping[Any, str]) -> Labels:
        """Return the strings that were given for names, paths and values.

        Raise PathError when one is for the misspelling of a name.
        """
        return cls(data, {data.name_or_value(key, given): text for key, text in given.items()})

    def name(self, name: str) -> str:
        """Return what a variable is called, without units."""
        return printable(str(self.strings.get(name) or self._attrs(name).get("long_name") or name))

    def units(self, *names: str) -> str:
        """Return the units that variables have in common, or an empty string."""
        units = {str(self._attrs(name).get("units") or "") for name in names}
        return printable(units.pop()) if len(units) == 1 else ""

    def axis(self, quantities: Sequence[Quantity]) -> str:
        """Return the label of an axis, colour bar or legend that shows these."""
        names = list(dict.fromkeys(quantity.name for quantity in quantities))
        units = quantities[0].units or self.units(*names)
        if len(names) > 1:
            return _with_units(self.strings.get(VARIABLE, self._common(names)), units)
        return _with_units(self.name(names[0]), units)

    def values(self, quantity: Quantity, levels: Sequence[float]) -> list[str]:
        """Return the strings of values, in one notation and with the digits that distinguish them."""
        if not levels:
            return []
        known = quantity.values_at(levels)
        ordinary = [level for level in levels if level not in dict(quantity.places)]
        if quantity.type == "name":
            floats = [value for value in known if isinstance(value, float)]
            texts: dict[Any, str] = dict(zip(floats, map(written, numbers(floats)), strict=True))
            texts |= texts_of_dates(known)
        elif quantity.type == "number":
            texts = dict(zip(ordinary, map(written, numbers(ordinary)), strict=True))
        else:
            by_date = texts_of_dates(known)
            texts = {level: by_date[quantity.value(level)] for level in ordinary}
        given = self._given(quantity, levels)
        return [
            printable(str(given[level])) if level in given else self._value(quantity, level, value, texts)
            for level, value in zip(levels, known, strict=True)
        ]

    def _given(self, quantity: Quantity, levels: Sequence[float]) -> dict[float | None, str]:
        """Return the strings that the user gave for values, by their numbers."""
        if not self.strings:
            return {}
        # A string is a value of names alone; others with it are names of variables.
        has_strings = any(isinstance(quantity.value(level), str) for level in levels)
        given = [(key, text) for key, text in self.strings.items() if has_strings or not isinstance(key, str)]
        return {quantity.place_of(key, levels): text for key, text in reversed(given)}

    def _value(self, quantity: Quantity, level: float, value: Any, texts: Mapping[Any, str]) -> str:
        if quantity.name == VARIABLE:
            return self.name(str(value))
        for special, text in zip(NO_NUMBERS[1:], NO_NUMBER_TEXTS[1:], strict=True):
            if value is special:
                return text.replace("-", MINUS)
        return texts.get(level if quantity.type != "name" else value) or printable(visible(str(value)))

    def equation(self, quantity: Quantity, number: float, among: Sequence[float]) -> str:
        """Return the title of what has one value: `T = 300 K`."""
        text = self.values(quantity, among)[list(among).index(number)]
        if quantity.name == VARIABLE:
            return text
        is_label = quantity.type == "name" or number in dict(quantity.places)
        units = "" if is_label else quantity.units or self.units(quantity.name)
        return f"{self.name(quantity.name)} = {text} {units}".rstrip()

    def facts(self) -> dict[str, str]:
        """Return what all values have in common, by the name of the variable: `T = 300 K`."""
        data, facts = self.data, {}
        for name, variable in data.ds.variables.items():
            is_label = data.is_table or (not variable.dims and data.is_parameter(str(name)))
            items = variable.values.ravel()
            if not (is_label and items.size):
                continue
            first = items[0]
            # Lists and other values that are no labels are not compared.
            if (is_unitless(first) or infer_dtype(items, skipna=False) in SINGLE) and (items == first).all():
                label = xr.Variable((), first.item() if is_unitless(first) else first)
                shown = label_of(str(name), label).in_short_units()
                number = float(shown.values)
                facts[str(name)] = self.equation(shown, number, [number])
        return facts

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


def printable(text: str) -> str:
    """Return a string with its formulas, if matplotlib can set them, else with its dollars as they are.

    Control characters, which no font has, are written as in Python.
    """
    text = text.translate(CONTROLS)
    if "$" not in text:
        return text
    try:
        if has_formulas(text):
            MathTextParser("path").parse(text)
            return text
    except ValueError:
        pass
    # A single one would be half of a formula together with that of another string, such as that of the units.
    return text.replace(r"\$", "$").replace("$", r"\$")


def _with_units(text: str, units: str) -> str:
    return f"{text} [{units}]".lstrip() if units and not text.endswith(("]", ")")) else text


def written(text: str) -> str:
    """Return a number of `coma_xr.text.numbers` as it is printed: `1.5e-9` with a superscript and a true minus sign."""
    mantissa, _, exponent = text.partition("e")
    if exponent:
        factor = {"1": "", "-1": MINUS}.get(mantissa, f"{mantissa} {TIMES} ")
        text = rf"{factor}10$^{{{exponent.replace('-', MINUS)}}}$"
    return text.replace("-", MINUS)

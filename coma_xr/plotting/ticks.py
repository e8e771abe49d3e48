"""Strings and ticks that fit: lines no wider than their place, and as many ticks as axes and colour bars have room for."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rcParams
from matplotlib.cbook import is_math_text
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import (
    Formatter,
    Locator,
    LogitLocator,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    ScalarFormatter,
    SymmetricalLogLocator,
)

from coma_xr.plotting.styling import MINUS, written
from coma_xr.text import numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from coma_xr.plotting.points import Table
    from coma_xr.plotting.quantities import Quantity
    from coma_xr.plotting.styling import Labels

MOST_TICKS = 9

# Between labels next to one another, as a part of their size.
GAP = 0.8

# An axis that becomes longer by less than this factor keeps its ticks.
ALTERNATING = 1.1

# Whole numbers over no larger a range get no ticks between them.
WHOLE_RANGE = 30

# Ticks of a log axis are written as powers of ten when they span this factor.
POWERS = 1e3

# Over this factor the ticks of a log axis are powers of ten alone.
MANY_DECADES = 1e3

# The longest line of a name at a y axis, or upright [inch].
LONGEST_NAME = 2.0

# Names are at least this large [points], before some of them are left out.
SMALLEST_NAME = 5.0


# Lines of labels and titles, before they are made smaller.
MOST_LINES = 3


# ------------------------------------------------------------------------------------------- text


def text_width(text: str, size: float) -> float:
    """Return the width of a string [inch], the longest of its lines, in a font of this many points."""
    return text_widths([text], size)[0]


def text_widths(texts: Iterable[str], size: float) -> list[float]:
    """Return the widths of strings as `text_width` does."""
    family = rcParams["font.family"]
    families = tuple(family) if isinstance(family, list) else (family,)
    return [_width(text, size, families) for text in texts]


@functools.lru_cache(maxsize=4096)
def _width(text: str, size: float, family: tuple[str, ...]) -> float:
    font = FontProperties(family=list(family), size=size)
    lines = [line for line in text.split("\n") if line]
    widths = [text_to_path.get_text_width_height_descent(line, font, is_math_text(line))[0] for line in lines]
    return max(widths, default=0.0) / 72


def font_size(name: str) -> float:
    """Return a size in points that rcParams have as a number or as a word."""
    sizes: Any = rcParams
    return float(FontProperties(size=sizes.get(name, name)).get_size_in_points())


def wrapped(text: str, width: float, size: float) -> str:
    """Return a string in lines no wider than this many inches; names without spaces break at underscores, or anywhere."""
    if text_width(text, size) <= width:
        return text
    lines = [""]
    for word in re.findall(r"\$(?:\\\$|[^$])*\$\S*\s*|(?:\\\$|[^\s$])+\s*", text):
        if lines[-1] and text_width((lines[-1] + word).rstrip(), size) > width:
            lines.append("")
        for part in _parts(word, width, size):
            if lines[-1] and text_width((lines[-1] + part).rstrip(), size) > width:
                lines.append("")
            lines[-1] += part
    return "\n".join(line.rstrip() for line in lines if line)


def fitted(text: str, width: float, *sizes: str) -> tuple[str, float]:
    """Return a string in a few lines no wider than this many inches, and the size of its font.

    That is the smallest of the named settings, and smaller where there would be many lines or broken words.
    """
    size = min(map(font_size, sizes))
    for factor in (1.0, 0.85, 0.7):
        lines = wrapped(text, width, factor * size)
        if lines.count("\n") < MOST_LINES and not is_cut([lines], [text]):
            return lines, factor * size
    return lines, 0.7 * size


def _parts(word: str, width: float, size: float) -> list[str]:
    """Return the parts of a word between which it may be broken."""
    if "$" in word or text_width(word.rstrip(), size) <= width:
        return [word]
    parts = []
    for piece in re.findall(r".+?(?:[_./,:;-]+|$)\s*", word):
        tail = piece
        while text_width(tail.rstrip(), size) > width and len(tail) > 1:
            cut = max(1, int(len(tail) * width / text_width(tail, size)))
            parts.append(tail[:cut])
            tail = tail[cut:]
        parts.append(tail)
    return parts


def is_cut(flat: Sequence[str], texts: Sequence[str]) -> bool:
    """Return whether words were broken, not only lines."""
    return any(drawn.replace("\n", " ") != other for drawn, other in zip(flat, texts, strict=True))


# ------------------------------------------------------------------------------------------ ticks


def fits(axis: Any, ticks: Sequence[float], texts: Sequence[str]) -> bool:
    """Return whether the labels of ticks have room next to or above one another."""
    if len(ticks) < 2:
        return True
    is_x = axis.axis_name == "x"
    axes: Any = axis.axes
    figure = axes.get_figure(root=True)
    length = (axes.bbox.width if is_x else axes.bbox.height) / figure.dpi
    # Labels at the ends change the length a little. The least one stays, or layouts with more and fewer ticks alternate.
    least = getattr(axis, "_least_length", length)
    length = axis._least_length = min(length, least) if length < ALTERNATING * least else length
    transform = axis.get_transform()
    low, high = transform.transform(np.asarray(axis.get_view_interval(), float))
    places = np.asarray(transform.transform(np.asarray(ticks, float)), float)
    steps = np.abs(np.diff(places)) / (abs(high - low) or 1.0) * length
    size = font_size(f"{axis.axis_name}tick.labelsize")
    if is_x:
        widths = np.array(text_widths(texts, size))
        needed = (widths[1:] + widths[:-1]) / 2 + GAP * size / 72
    else:
        needed = np.full(len(steps), 1.25 * size / 72)
    return bool((steps >= needed).all())


def _fit_within(axis: Any, ticks: Any, low: float, high: float) -> bool:
    """Return whether the labels of those ticks fit that can be seen."""
    low, high = min(low, high), max(low, high)
    margin = 1e-9 * (high - low)
    inside = [tick for tick in np.asarray(ticks, float).tolist() if low - margin <= tick <= high + margin]
    return fits(axis, inside, axis.major.formatter.format_ticks(inside))


class LinearTicks(MaxNLocator):
    """Ticks at round numbers, as many as there is room for."""

    def __init__(self, *, whole: bool = False) -> None:
        super().__init__(nbins=MOST_TICKS, steps=[1, 2, 2.5, 5, 10], integer=whole, min_n_ticks=1)

    def tick_values(self, vmin: float, vmax: float) -> Any:
        """Return the ticks between two numbers."""
        ticks: Any = []
        for bins in range(MOST_TICKS, 0, -1):
            self.set_params(nbins=bins)
            ticks = super().tick_values(vmin, vmax)
            if _fit_within(self.axis, ticks, vmin, vmax):
                break
        return ticks


def _first_fitting(axis: Any, candidates: Iterable[NDArray[Any]], low: float, high: float) -> NDArray[Any]:
    """Return the first ticks with at least two that are visible and fit; else round numbers."""
    ticks = np.array([])
    for candidate in chain(candidates, _round_candidates(low, high)):
        # The notation depends on all numbers, so that those out of sight are left out.
        ticks = candidate[(candidate >= low) & (candidate <= high)]
        if len(ticks) > 1 and _fit_within(axis, ticks, low, high):
            return ticks
    return ticks[:1]


def _round_candidates(low: float, high: float) -> Iterator[NDArray[Any]]:
    """Yield round numbers between two numbers, the most first, and at last two of them."""
    locators = [MaxNLocator(bins, steps=[1, 2, 2.5, 5, 10]) for bins in range(MOST_TICKS, 0, -1)]
    several = [np.asarray(locator.tick_values(low, high)) for locator in locators]
    inside = [ticks[(ticks >= low) & (ticks <= high)] for ticks in several]
    yield from inside
    yield from (ticks[[0, -1]] for ticks in inside if len(ticks) > 2)
    yield inside[-1]


class LogTicks(LogLocator):
    """Ticks of a logarithmic axis: as many between powers of ten, or powers, as there is room for."""

    def tick_values(self, vmin: float, vmax: float) -> Any:
        """Return the ticks between two numbers."""
        if not 0 < vmin < vmax < np.inf:
            return super().tick_values(vmin, vmax)
        return _first_fitting(self.axis, _log_candidates(vmin, vmax), vmin, vmax)


def _log_candidates(low: float, high: float) -> Iterator[NDArray[Any]]:
    """Yield ticks between two numbers, the most first."""
    first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
    powers = 10.0 ** np.arange(first, last + 1)
    # Between powers of ten there are no ticks where there are many of them.
    many = ((1,),) if high > MANY_DECADES * low else (range(1, 10), (1, 2, 3, 5), (1, 2, 5), (1, 3), (1,))
    for subs in many:
        ticks = np.multiply.outer(powers, np.array(subs, float)).ravel()
        if ((ticks >= low) & (ticks <= high)).sum() <= MOST_TICKS + 1:
            yield ticks
    for step in range(1, len(powers)):
        # Powers that are multiples of the step, so that 1 is one of them where it can be.
        yield powers[(np.arange(first, last + 1) % step) == 0]


class SymlogTicks(SymmetricalLogLocator):
    """Ticks of a symlog or asinh axis: zero, and powers of ten at both sides, as many as there is room for."""

    def tick_values(self, vmin: float, vmax: float) -> Any:
        """Return the ticks between two numbers."""
        low, high = min(vmin, vmax), max(vmin, vmax)
        width = float(self._linthresh)  # type: ignore[attr-defined]
        most = max(abs(low), abs(high), 10 * width)
        return _first_fitting(self.axis, _on_both_sides(width, most), low, high)


def _on_both_sides(low: float, high: float) -> Iterator[NDArray[Any]]:
    """Yield zero with ticks between two sizes at both sides of it, the most first."""
    for candidates in _log_candidates(low, high):
        sizes = candidates[(candidates >= low * (1 - 1e-9)) & (candidates <= high * (1 + 1e-9))]
        for part in (sizes, sizes[1:]):
            yield np.concatenate([-part[::-1], [0.0], part])


class LogitTicks(LogitLocator):
    """Ticks of a logit axis: a half, and powers of ten from 0 and from 1, as many as there is room for."""

    def tick_values(self, vmin: float, vmax: float) -> Any:
        """Return the ticks between two numbers."""
        low, high = min(vmin, vmax), max(vmin, vmax)
        return _first_fitting(self.axis, _logit_candidates(min(low, 1 - high)), low, high)


def _logit_candidates(least: float) -> Iterator[NDArray[Any]]:
    """Yield ticks down to a distance from 0 and from 1, the most first."""
    last = min(int(np.ceil(-np.log10(max(least, 1e-15)))), 15)
    for powers in ((1, 2, 3), (1, 2), (1,)):
        for step in range(1, last + 1) if powers == (1,) else (1,):
            sizes = np.multiply.outer(10.0 ** -np.arange(last, 0, -step), np.array(powers, float)).ravel()
            for middle in ([0.5], []):
                yield np.concatenate([sizes, middle, 1 - sizes[::-1]])


class DateTicks(AutoDateLocator):
    """Ticks at round dates, as many as there is room for."""

    def __call__(self) -> Any:
        """Return the ticks of the axis."""
        ticks: Any = []
        axis: Any = self.axis
        # Steps of 12 h or 21 d, the longest of their kind, must be enough for fewer than `least` of the next longer kind.
        for least, most in ((3, 8), (2, 6), (2, 5), (1, 4), (1, 3)):
            self.minticks, self.maxticks = least, dict.fromkeys(self.maxticks, most)
            ticks = super().__call__()  # type: ignore[no-untyped-call]
            if _fit_within(axis, ticks, *axis.get_view_interval()):
                return ticks
        return ticks[::2] if _fit_within(axis, ticks[::2], *axis.get_view_interval()) else ticks[:1]


class Powers(Formatter):
    """Numbers of a logarithmic axis: written out, or as powers of ten where they span many decades."""

    def __call__(self, x: float, pos: int | None = None) -> str:  # noqa: ARG002
        """Return the text of one number."""
        return self.format_ticks([x])[0]

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Return the strings of numbers."""
        sizes = [abs(value) for value in values if value]
        if not sizes or max(sizes) < POWERS * min(sizes):
            return [written(text) for text in numbers(values)]
        return [written(self._power(float(value))) if value else "0" for value in values]

    def _power(self, value: float) -> str:
        exponent = int(np.floor(np.log10(abs(value)) + 1e-9))
        return f"{numbers([value / 10.0**exponent])[0]}e{exponent}"


class Probabilities(Powers):
    """Numbers of a logit axis: written out, or as powers of ten and what they leave of 1 where some are very near."""

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Return the strings of numbers."""
        if min((min(value, 1 - value) for value in values), default=1.0) > 0.9 / POWERS:
            return [written(text) for text in numbers(values)]
        return [
            written(self._power(value)) if value < 0.1 else self._near_one(float(value)) for value in values
        ]

    def _near_one(self, value: float) -> str:
        if value <= 0.9:
            return written(numbers([value])[0])
        return f"1 {MINUS} {written(self._power(1 - value))}"


class LabelTicks(Locator):
    """The ticks of another locator among numbers, and one for each label that is not a number."""

    def __init__(self, inner: Locator, special: Mapping[float, str], values: NDArray[Any]) -> None:
        self.inner, self.special = inner, special
        low, high = (float(values.min()), float(values.max())) if values.size else (np.nan, np.nan)
        above = min((place for place in special if place > high), default=np.inf)
        below = max((place for place in special if place < low), default=-np.inf)
        # Up to where there are ordinary ticks.
        self.low = low - 0.3 * (low - below) if np.isfinite(below) else -np.inf
        self.high = high + 0.3 * (above - high) if np.isfinite(above) else np.inf
        if not values.size:
            self.low, self.high = np.inf, -np.inf

    def set_axis(self, axis: Any) -> None:
        """Set the axis of both."""
        super().set_axis(axis)
        self.inner.set_axis(axis)

    def nonsingular(self, v0: float, v1: float) -> tuple[float, float]:
        """Return limits that are not equal, as the scale wants them."""
        return self.inner.nonsingular(v0, v1)

    def __call__(self) -> Any:
        """Return the ticks of the axis."""
        ticks = [tick for tick in np.asarray(self.inner()).tolist() if self.low <= tick <= self.high]
        for step in range(1, len(ticks) + 1):
            shown = sorted([*ticks[::step], *self.special])
            if fits(self.axis, shown, self.axis.major.formatter.format_ticks(shown)):  # type: ignore[union-attr]
                break
        else:
            shown = sorted(self.special)
        return np.array(shown)

    def tick_values(self, vmin: float, vmax: float) -> Any:
        """Return the ticks between two numbers."""
        return np.array([*self.inner.tick_values(vmin, vmax), *self.special])


class LabelFormatter(Formatter):
    """The strings of another formatter, and those of labels that are not numbers."""

    def __init__(self, inner: Formatter, special: Mapping[float, str]) -> None:
        self.inner, self.special = inner, special

    def set_axis(self, axis: Any) -> None:
        """Set the axis of both."""
        super().set_axis(axis)
        self.inner.set_axis(axis)

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Return the text of one number."""
        return self.special.get(x) or self.inner(x, pos)

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Return the strings of numbers and labels."""
        others = [value for value in values if value not in self.special]
        # matplotlib's formatter of dates fails without ticks.
        texts = iter(self.inner.format_ticks(others) if others else [])
        return [self.special.get(value) or next(texts) for value in values]

    def get_offset(self) -> str:
        """Return what all numbers are multiplied with."""
        return self.inner.get_offset()


def tickers(type: str, scale: str, values: NDArray[Any], width: float | None = None) -> tuple[Any, Any]:
    """Return locator and formatter of an axis or colour bar; `width` is where a symlog or asinh scale is linear."""
    locator: Any = None
    if type == "date":
        locator = DateTicks()  # type: ignore[no-untyped-call]
        return locator, ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
    if scale == "log":
        return LogTicks(), Powers()
    if scale in {"symlog", "asinh"}:
        return SymlogTicks(base=10, linthresh=width), Powers()
    if scale == "logit":
        return LogitTicks(), Probabilities()
    whole = values.size > 0 and bool((values == np.round(values)).all()) and np.ptp(values) <= WHOLE_RANGE
    return LinearTicks(whole=whole), ScalarFormatter(useMathText=True)


def set_ticks(axis: Any, type: str, values: NDArray[Any], special: Mapping[float, str] | None = None) -> None:
    """Give an axis ticks for its scale, and one for each label that is not a number."""
    scale, transform = axis.get_scale(), axis.get_transform()
    width = getattr(transform, "linthresh", getattr(transform, "linear_width", None))
    locator, formatter = tickers(type, scale, values, width)
    if special:
        locator, formatter = LabelTicks(locator, special, values), LabelFormatter(formatter, special)
    axis.set_major_locator(locator)
    axis.set_major_formatter(formatter)
    if scale != "linear":
        axis.set_minor_formatter(NullFormatter())
    # The layout needs to know the factor or date at the end of the axis before it is drawn.
    formatter.format_ticks(list(locator()))
    axis.get_offset_text().set_text(formatter.get_offset())
    if axis.axis_name == "x" and formatter.get_offset():
        # It stands in a line of its own, above the label.
        axis.labelpad = rcParams["axes.labelpad"] + 1.3 * font_size("xtick.labelsize")


def dress_axis(axis: Any, table: Table, role: str, labels: Labels, room: float) -> None:
    """Give an axis of about this many inches its ticks: as many as there is room for, with true numbers."""
    quantity = table.quantity(role)
    if quantity.type == "name":
        _set_names(axis, quantity, labels, room)
        return
    values = table.rows[role].dropna().to_numpy()
    values = values[~np.isin(values, [place for place, _ in quantity.places])]
    texts = labels.values(quantity, [place for place, _ in quantity.places])
    set_ticks(
        axis,
        quantity.type,
        values,
        {place: text for (place, _), text in zip(quantity.places, texts, strict=True)},
    )


def _set_names(axis: Any, quantity: Quantity, labels: Labels, room: float) -> None:
    """Put each name at its place, wrapped, upright or smaller where there is little room; some, where there is none for all."""
    size = font_size(f"{axis.axis_name}tick.labelsize")
    slot = room / max(len(quantity.categories), 1)
    texts = labels.values(quantity, [float(at) for at in range(len(quantity.categories))])
    rotation = 0
    if axis.axis_name == "x":
        flat = [wrapped(text, slot - size / 72, size) for text in texts]
        if (
            slot < 3 * size / 72
            or max((text.count("\n") for text in flat), default=0) > 2
            or is_cut(flat, texts)
        ):
            rotation = 90
    if rotation or axis.axis_name == "y":
        flat, size = _names_beside(axis, texts)
        lines = max((1 + text.count("\n") for text in flat), default=1)
        # The layout may leave less room than expected.
        fitting = 0.8 * 72 * slot / (1.25 * lines)
        size = min(size, fitting) if fitting >= SMALLEST_NAME else size
        step = max(1, int(np.ceil(1.25 * size / 72 * lines / slot - 1e-9)))
    else:
        step = 1
    places = np.arange((step - 1) // 2, len(texts), step)
    axis.set_ticks(places, [flat[at] for at in places], fontsize=size, rotation=rotation)
    axis.set_tick_params(which="minor", length=0)
    if texts:
        getattr(axis.axes, f"set_{axis.axis_name}lim")(-0.5, len(texts) - 0.5)


def _names_beside(axis: Any, texts: Sequence[str]) -> tuple[list[str], float]:
    """Return names at a y axis, or upright, in few lines, and the size of their font."""
    sides = axis.axes.get_figure(root=True).get_size_inches()
    longest = min(LONGEST_NAME, 0.3 * sides[0 if axis.axis_name == "y" else 1])
    full = font_size(f"{axis.axis_name}tick.labelsize")
    for size in (full, 0.85 * full, 0.7 * full):
        flat = [wrapped(text, longest, size) for text in texts]
        if max((text.count("\n") for text in flat), default=0) < 2 and not is_cut(flat, texts):
            break
    return flat, size


def name_room(axis: Any, table: Table, labels: Labels) -> float:
    """Return the width [inch] that names at a y axis take."""
    quantity = table.quantities["y"][0] if "y" in table.quantities else None
    if quantity is None or quantity.type != "name":
        return 0.0
    flat, size = _names_beside(
        axis, labels.values(quantity, [float(at) for at in range(len(quantity.categories))])
    )
    return max(text_widths(flat, size), default=0.0)

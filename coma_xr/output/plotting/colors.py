"""What tells groups apart: colours for hue, dashes and markers for style."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from coma_xr.errors import LayoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Colormap, Normalize

    from coma_xr.output.plotting.quantities import Quantity

__all__ = ["BROKEN", "Hue", "Style", "color_map", "color_scale", "hue_of", "is_diverging", "style_of"]

# Of Okabe and Ito's colours, which those who confuse red and green tell apart, the ones that show on white.
NAMES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8A6D3B")

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
    color: Callable[[float], Any] = field(default=lambda _: NAMES[0])
    mappable: ScalarMappable | None = None

    def dash(self, number: float) -> Any:
        """Return the dashes where there is no style: others when the colours of names begin again."""
        place = list(self.levels).index(number) if number in self.levels else 0
        return DASHES[place // len(NAMES) % len(DASHES)]


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
        return Hue(levels, lambda number: NAMES[place.get(number, 0) % len(NAMES)])
    finite = [level for level in levels if np.isfinite(level)]
    if len(finite) > LISTED:
        from matplotlib.cm import ScalarMappable

        mappable = ScalarMappable(color_scale(np.array(finite), _scale(finite)), color_map())
        return Hue((), lambda number: tuple(mappable.to_rgba(np.array([number]))[0]), mappable)
    shades = color_map()(np.linspace(0, 1, max(len(finite), 2)))
    shown = {level: tuple(shade) for level, shade in zip(finite, shades, strict=False)}
    return Hue(finite, lambda number: shown.get(number, "0.5"))


def _scale(levels: Sequence[float]) -> str:
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

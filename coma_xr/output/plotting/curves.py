"""Lines, points and bars of one panel."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from coma_xr.output.plotting.colors import Hue, Style
from coma_xr.output.plotting.kinds import CURVE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from coma_xr.output.plotting.table import Table

__all__ = ["Look", "draw_lines", "draw_points", "look_of"]

# The points of a curve are marked up to so many.
MARKED = 30

# Error bars up to so many points, beyond that a band.
BARS = 9

# Points of which there are more are small and let each other through.
CROWD = 1500

# So that points in the middle of a palette, which is white, are seen.
EDGE = 0.3

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
    for group in _groups(there, ["style"] if bar is not None else ["hue", "style"]):
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
        for group in _groups(there, ["hue"]):
            _draw_error(ax, group, look.hue.color(group.iloc[0].get("hue", np.nan)), Look())


def _groups(rows: pd.DataFrame, roles: Sequence[str]) -> list[pd.DataFrame]:
    keys = [role for role in roles if role in rows]
    return [group for _, group in rows.groupby(keys, dropna=False)] if keys else [rows] if len(rows) else []

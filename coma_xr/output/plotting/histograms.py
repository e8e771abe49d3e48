"""How often values occur, in one panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from coma_xr.output.plotting.colors import Hue
    from coma_xr.output.plotting.table import Table

__all__ = ["bins_of", "draw_counts"]

MOST_BINS = 100

# Whole numbers over no larger a range have a bin each.
WHOLE = 40


def bins_of(table: Table, *, log: bool) -> NDArray[Any]:
    """Return the edges of the bins that all panels and groups share."""
    values = table.rows["x"].dropna().to_numpy()
    if table.one("x").kind == "name":
        return np.arange(len(table.one("x").categories) + 1) - 0.5
    if not values.size:
        return np.array([0.0, 1.0])
    if not log and (values == np.round(values)).all() and np.ptp(values) <= WHOLE:
        return np.arange(values.min(), values.max() + 2) - 0.5
    values = np.log10(values) if log else values
    edges = np.histogram_bin_edges(values, "auto")
    if len(edges) - 1 > MOST_BINS:
        edges = np.linspace(edges[0], edges[-1], MOST_BINS + 1)
    return np.asarray(10.0**edges if log else edges)


def draw_counts(ax: Axes, panel: pd.DataFrame, bins: NDArray[Any], hue: Hue, *, apart: bool) -> None:
    """Draw the counts of each group: steps over each other, or bars side by side where they are `apart`."""
    groups = list(panel.groupby("hue", sort=True)) if "hue" in panel else [(np.nan, panel)]
    for place, (number, group) in enumerate(groups):
        counts, _ = np.histogram(group["x"].dropna().to_numpy(), bins)
        color: Any = hue.color(float(number))  # type: ignore[arg-type]
        if apart:
            width = 0.8 / len(groups)
            left = (bins[:-1] + bins[1:]) / 2 - 0.4 + place * width
            ax.bar(left, counts, width, align="edge", color=color)
            continue
        alpha = 0.85 if len(groups) == 1 else 0.15
        ax.stairs(counts, bins, fill=True, color=color, alpha=alpha)
        if len(groups) > 1:
            ax.stairs(counts, bins, color=color, linewidth=1.3)

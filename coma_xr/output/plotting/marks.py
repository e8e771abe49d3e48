"""Failed and missing points, drawn where they would have been."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from coma_xr.output.plotting.colors import BROKEN, Hue

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["draw_marks"]

# Above the lower edge of a panel, as a part of its height.
FLOOR = 0.03


def draw_marks(ax: Axes, panel: pd.DataFrame, hue: Hue, statuses: Sequence[str], *, on_surface: bool) -> None:
    """Mark points without a value: in a map at their place, else at the lower edge over their x."""
    lacking = panel[panel["x"].notna() & panel["status"].isin(statuses)]
    for _, points in lacking.groupby([key for key in ("status", "hue") if key in panel], dropna=False):
        first = points.iloc[0]
        number = np.nan if on_surface else float(first.get("hue", np.nan))
        how: dict[str, Any] = {
            "linestyle": "none",
            "color": "0.25" if np.isnan(number) else hue.color(number),
            "marker": BROKEN.get(str(first["status"]), "x"),
            "clip_on": False,
        }
        if on_surface:
            ax.plot(points["x"], points["y"], markersize=5, **how)
        else:
            floor = np.full(len(points), FLOOR)
            ax.plot(points["x"], floor, transform=ax.get_xaxis_transform(), markersize=6, **how)

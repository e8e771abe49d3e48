"""What a figure says about itself: that what it shows are means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coma_xr.errors import warn
from coma_xr.output.plotting.plan import REPEAT

if TYPE_CHECKING:
    from coma_xr.output.plotting.labels import Labels
    from coma_xr.output.plotting.panels import Panels
    from coma_xr.output.plotting.table import Table

__all__ = ["add_note"]

NOTE: dict[str, Any] = {"fontsize": "small", "color": "0.4"}


def add_note(panels: Panels, table: Table, labels: Labels) -> None:
    """Say over the panels that they show means, of how many values, and what the errors are."""
    plan = table.plan
    if table.count is None or not (plan.averaged or plan.rows):
        return
    over = ", ".join(labels.name(dim) for dim in plan.averaged or (REPEAT,))
    least, most = table.count
    count = f"n = {least}" if least == most else f"n = {least} to {most}"
    text = f"mean{' ± standard error' if plan.spread else ''} over {over} ({count})"
    if panels.own and len(panels.panels) > 1:
        panels.figure.suptitle(text, x=0.01, horizontalalignment="left", **NOTE)
    elif panels.own or panels.axes[0].get_title(loc="left") in {"", text}:
        panels.axes[0].set_title(text, loc="left", **NOTE)
    else:
        warn(f"The figure has no room to say that it shows the {text}.")

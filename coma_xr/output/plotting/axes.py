"""Scales, ticks and labels of the axes of a panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

    from coma_xr.output.plotting.labels import Labels
    from coma_xr.output.plotting.panels import Panel
    from coma_xr.output.plotting.quantities import Quantity
    from coma_xr.output.plotting.table import Table

__all__ = ["dress", "say_nothing_there", "set_scale", "write_out"]

# So many names fit below one another, and so many letters on an inch beside one another.
NAMES, LETTERS = 40, 11

# Whole numbers over no larger a range get no ticks between them.
WHOLE = 30

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
        if values.size and (values == np.round(values)).all() and np.ptp(values) <= WHOLE:
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
    places = np.arange(0, count, max(1, -(-count // NAMES)))
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

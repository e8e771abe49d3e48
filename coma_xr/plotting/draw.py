"""From a Dataset to a figure that can be printed, in one line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from coma_xr.checks import check_integer, check_positive
from coma_xr.errors import LayoutError, warn
from coma_xr.plotting.kinds import (
    bins_of,
    decided,
    draw_counts,
    draw_lines,
    draw_marks,
    draw_points,
    in_order,
    look_of,
    panels,
)
from coma_xr.plotting.points import Table, check_scales, drawable, table, wanted
from coma_xr.plotting.spec import REPEAT, VARIABLE, Data, plan
from coma_xr.plotting.styling import (
    Hue,
    Labels,
    Look,
    Panel,
    Panels,
    add_color_bar,
    add_legend,
    dress,
    hue_of,
    say_nothing_there,
    set_scale,
    style_of,
)
from coma_xr.plotting.surfaces import draw_contour, draw_heatmap, scale_of
from coma_xr.text import available

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

ARGUMENTS = (
    *(
        "x",
        "y",
        "z",
        "hue",
        "style",
        "row",
        "col",
        "error",
        "kind",
        "labels",
        "ax",
        "xscale",
        "yscale",
        "zscale",
    ),
    *("err_style", "status", "col_wrap", "height", "aspect"),
)

# What the same is called elsewhere.
OTHERS = {
    **dict.fromkeys(("color", "colour", "c", "group", "by"), "hue"),
    **dict.fromkeys(("yerr", "err", "errorbar", "aggregate"), "error"),
    **dict.fromkeys(("cols", "column"), "col"),
    **dict.fromkeys(("size", "figsize"), "height"),
    **dict.fromkeys(("axes", "axis"), "ax"),
    "rows": "row",
    "logx": "xscale",
    "logy": "yscale",
    "logz": "zscale",
    "norm": "zscale",
    "wrap": "col_wrap",
}

# What is done otherwise.
WAYS = {
    **dict.fromkeys(
        ("marker", "markers", "linestyle", "ls", "dashes"),
        "What differs in dashes and markers is given by style='a', where a is a name in the data; one look for all is "
        "set afterwards: figure.axes[0].lines[0].set_marker('s').",
    ),
    **dict.fromkeys(
        ("xlabel", "ylabel", "label", "legend_title"), "Texts for names are given by labels={'a': '...'}."
    ),
    **dict.fromkeys(("title", "suptitle"), "The figure that it returns has it: figure.suptitle('...')."),
}


def plot(
    data: xr.Dataset | xr.DataArray | pd.DataFrame,
    x: str | Sequence[str] | None = None,
    y: str | Sequence[str] | None = None,
    *,
    z: str | None = None,
    hue: str | None = None,
    style: str | None = None,
    row: str | None = None,
    col: str | None = None,
    error: str | Sequence[str] | None = None,
    kind: str | None = None,
    labels: Mapping[Any, str] | None = None,
    ax: Axes | Sequence[Axes] | None = None,
    xscale: str | None = None,
    yscale: str | None = None,
    zscale: str | None = None,
    err_style: str | None = None,
    status: bool | str | Sequence[str] = False,
    col_wrap: int | None = None,
    height: float | None = None,
    aspect: float | None = None,
    **unknown: Any,
) -> Figure:
    """Plot variables of a Dataset or table: lines, points, maps or counts, in one panel or many.

    Any dim, coord or variable can be on `x`, `y`, `hue`, `style`, `row` and `col`. Every dim must be on one of
    them, so that nothing is drawn over each other unseen. Only a dim ``"repeat"`` that nothing uses is averaged over,
    which the figure says, and ``kind="scatter"`` draws the points of all dims.

    Parameters
    ----------
    data : Dataset, DataArray or DataFrame
        What `Experiment.to_dataset` or `Experiment.to_dataframe` returned, or any other.
    x, y : str or list of str, optional
        Names, or paths such as ``"results/t"``, of what is on the axes. One of them may be a list: these variables are
        then told apart as ``"variable"``, by colour and dashes unless `hue`, `style`, `row` or `col` is that. What is
        not given is chosen from the dims; `x` alone, a variable, is counted.
    z : str, optional
        What a map shows as colour over `x` and `y`, which may vary over two dims each.
    hue, style, row, col : str, optional
        What differs in colour, in dashes and markers, and from panel to panel. Many numbers of `hue` get a colour
        bar, few of them and names a legend.
    error : str or list of str, optional
        A dim: mean and standard error over it. A variable: this error of `y`, one for each where `y` is a list.
    kind : {"line", "scatter", "heatmap", "contour", "hist"}, optional
        Chosen when not given: a map for `z` on a grid, points where `x` are names or have no order, else lines.
    labels : mapping, optional
        Texts for names and values, wherever they stand: ``{"doa": "$d/a$", "QcaBond": "Bond"}``. Without one, a
        variable's `long_name` is taken. Units are added, unless the text ends in a bracket.
    ax : Axes or sequence of Axes, optional
        Where to draw, one for each panel; otherwise a new figure is made.
    xscale, yscale, zscale : {"linear", "log", "symlog", ...}, optional
        Scales of the axes, and of the colours of `z`.
    err_style : {"band", "bars"}, optional
        How errors are drawn; bars for few points.
    status : bool, str or list of str, default False
        Mark points without a value: all that were asked for, or those ``"failed"``, ``"missing"``, ...
    col_wrap : int, optional
        How many panels of `col` stand in a line.
    height : float, optional
        The height of a panel [inch].
    aspect : float, optional
        Its width divided by its height.
    **unknown
        There are no others; a wrong name is answered with the right one.

    Returns
    -------
    matplotlib.figure.Figure
        For all else: ``figure.axes[0].set_xlim(0, 1)``, ``figure.savefig("pendulum.pdf")``. It is none of pyplot's
        open figures, unless `ax` is part of one. A notebook shows it when it is a cell's last value, a script saves it;
        for a window, ``plot(..., ax=plt.figure().add_subplot())`` and ``plt.show()``.

    Raises
    ------
    PathError
        When a name is unknown.
    LayoutError
        When arguments do not fit together, a dim is used by nothing, values cannot be drawn, or there are none.
    ExperimentError
        When `data` is something else.
    TypeError
        When there is no such argument.

    Warns
    -----
    ComaWarning
        Of values that are not drawn: infinite ones, and those of 0 or less on a log scale. Of `labels` for what is not
        in the data.

    Examples
    --------
    >>> import coma_xr as coma
    >>> import xarray as xr
    >>> t = xr.DataArray([[0.0, 1.0, 2.0], [0.0, 1.1, 2.3]], dims=("amplitude", "n"), attrs={"units": "s"})
    >>> ds = xr.Dataset({"t": t}, coords={"amplitude": [-5, -60]})
    >>> figure = coma.plot(ds, x="n", y="t", hue="amplitude")
    >>> axes = figure.axes[0]
    >>> axes.get_ylabel(), len(axes.lines)
    ('t [s]', 2)
    """
    if unknown:
        raise TypeError(_no_such(next(iter(unknown))))
    if err_style not in {None, "band", "bars"}:
        raise LayoutError(f"err_style={err_style!r} is unknown. Available: band, bars.")
    if not isinstance(labels, Mapping | None):
        raise LayoutError(
            f"labels maps names and values to texts, such as {{'t': 'time'}}; this is {labels!r}."
        )
    known = Data.of(data)
    known.check_not_empty()
    asked = plan(known, x=x, y=y, z=z, hue=hue, style=style, row=row, col=col, error=error, kind=kind)
    known.check_not_empty(*(asked.y or asked.measured))
    scales = {"x": xscale, "y": yscale, "z": zscale}
    points = table(known, asked)
    check_scales(points, scales)
    points = in_order(known, decided(known, drawable(points, scales)))
    texts = Labels(known, dict(labels or {}))
    texts.check_given()
    where = {"ax": ax, "col_wrap": col_wrap, "height": height, "aspect": aspect}
    figure = draw(points, texts, scales=scales, err_style=err_style, status=status, where=where)
    return figure.get_figure(root=True)


def _no_such(name: str) -> str:
    if name in OTHERS:
        value = "='log'" if name.startswith("log") else ""
        return f"plot() has no argument {name!r}. Here it is {OTHERS[name]}{value}."
    if name in WAYS:
        return f"plot() has no argument {name!r}. {WAYS[name]}"
    hint = available(name, ARGUMENTS).replace("Available: ", "")
    return (
        f"plot() has no argument {name!r}. Available: {', '.join(ARGUMENTS)}."
        + hint.partition(".")[2]
        + (" All else is done with the figure that it returns.")
    )


# Inches, and width to height: of one panel, and of each of several.
ALONE, SEVERAL = (3.6, 1.4), (2.7, 1.15)

# More columns than this are wrapped, into a block about as wide as high.
COLUMNS = 4

MOST_PANELS = 100

TITLE: dict[str, Any] = {"fontsize": "medium"}


def panels_of(
    table: Table, labels: Labels, *, ax: Any, col_wrap: int | None, height: float | None, aspect: float | None
) -> Panels:
    """Return the panels for a table, empty but for their titles.

    Raises
    ------
    LayoutError
        When there are too many, or the axes given do not fit.
    """
    rows = table.levels("row") or ([math.nan] if "row" in table.quantities else [])
    cols = table.levels("col") or ([math.nan] if "col" in table.quantities else [])
    keys = [(*((r,) if rows else ()), *((c,) if cols else ())) for r in rows or [0.0] for c in cols or [0.0]]
    if len(keys) > MOST_PANELS:
        raise LayoutError(
            f"These would be {len(keys)} panels; {MOST_PANELS} are the most. Select some, or use hue."
        )
    height, aspect = check_positive("height", height, "inches"), check_positive("aspect", aspect)
    col_wrap = check_integer("col_wrap", col_wrap, 1, optional=True)
    if col_wrap is not None and (rows or not cols):
        raise LayoutError("col_wrap breaks the panels of col into lines, when there is no row. Leave it out.")
    if ax is not None:
        return _given(table, labels, keys, ax)
    shape = (max(len(rows), 1), max(len(cols), 1))
    if cols and not rows:
        wide = col_wrap or (len(cols) if len(cols) <= COLUMNS else math.ceil(math.sqrt(len(cols))))
        shape = (math.ceil(len(cols) / wide), min(wide, len(cols)))
    size = SEVERAL if len(keys) > 1 else ALONE
    high = height or size[0]
    return _made(table, labels, keys, shape, (high * (aspect or size[1]), high))


def _made(
    table: Table,
    labels: Labels,
    keys: list[tuple[float, ...]],
    shape: tuple[int, int],
    size: tuple[float, float],
) -> Panels:
    from coma_xr.plotting.figures import new_figure

    figure = new_figure(figsize=(shape[1] * size[0], shape[0] * size[1] + 0.25 * (len(keys) > 1)))
    share = _sharing(table)
    grid = figure.subplots(*shape, squeeze=False, **share)
    panels = []
    for at, ax in enumerate(grid.ravel().tolist()):
        if at >= len(keys):
            ax.remove()
            continue
        line, column = divmod(at, shape[1])
        left, bottom = column == 0, at + shape[1] >= len(keys)
        ax.tick_params(
            labelbottom=bottom or not share["sharex"], labelleft=left or share["sharey"] in {False, "col"}
        )
        ax.spines[["top", "right"]].set_visible(table.plan.is_surface and table.plan.kind != "scatter")
        apart = VARIABLE in table.plan.roles.values()
        several = {role: apart and share[f"share{role}"] is not True for role in "xy"}
        panels.append(Panel(ax, keys[at], left or several["y"], bottom or several["x"]))
        _title(ax, table, labels, keys[at], line=line, last=column == shape[1] - 1)
    return Panels(figure, panels, own=True)


def _sharing(table: Table) -> dict[str, Any]:
    """Return which panels share an axis: all, but for those that show different variables."""
    share: dict[str, Any] = {"sharex": True, "sharey": True}
    for role, axis in (("row", "row"), ("col", "col")):
        if table.plan.roles.get(role) == VARIABLE:
            share["sharex" if len(table.plan.x) > 1 else "sharey"] = (
                axis if "row" in table.quantities else False
            )
    return share


def _given(table: Table, labels: Labels, keys: list[tuple[float, ...]], ax: Any) -> Panels:
    """Return the user's own axes as panels."""
    from matplotlib.axes import Axes

    axes = list(np.ravel(np.asarray(ax, dtype=object)).tolist())
    if not all(isinstance(one, Axes) for one in axes):
        kinds = ", ".join(sorted({type(one).__name__ for one in axes}))
        raise LayoutError(f"ax takes matplotlib's Axes, one for each panel; this is: {kinds}.")
    if len(axes) != len(keys):
        there = f"ax={len(axes)} Axes" if len(axes) > 1 else "ax is one Axes"
        ways = "Leave out ax, or give as many" if len(keys) > 1 else "Give one"
        said = f"row and col make {len(keys)} panels" if len(keys) > 1 else "this plot has one panel"
        raise LayoutError(f"{there}, and {said}. {ways}: fig.subplots(rows, columns).")
    panels = [Panel(one, key) for one, key in zip(axes, keys, strict=True)]
    if len(keys) > 1:
        for panel in panels:
            panel.ax.set_title(" | ".join(_panel_texts(table, labels, panel.key).values()), **TITLE)
    return Panels(axes[0].figure, panels, own=False)


def _panel_texts(table: Table, labels: Labels, key: tuple[float, ...]) -> dict[str, str]:
    """Return what the row and the column of a panel are."""
    roles = [role for role in ("row", "col") if role in table.quantities]
    return {
        role: labels.equation(table.one(role), number, among=table.levels(role))
        if not math.isnan(number)
        else ""
        for role, number in zip(roles, key, strict=True)
    }


def _title(ax: Axes, table: Table, labels: Labels, key: tuple[float, ...], *, line: int, last: bool) -> None:
    texts = _panel_texts(table, labels, key)
    # What differs from panel to panel stands at the axis already.
    texts = {role: text for role, text in texts.items() if table.plan.roles[role] != VARIABLE}
    if "col" in texts and (line == 0 or "row" not in table.quantities):
        ax.set_title(texts["col"], **TITLE)
    if "row" in texts and "col" not in table.quantities:
        ax.set_title(texts["row"], **TITLE)
    elif "row" in texts and "col" in table.quantities and last:
        place: dict[str, Any] = {"xycoords": "axes fraction", "rotation": -90, "ha": "left", "va": "center"}
        ax.annotate(texts["row"], (1.03, 0.5), **place, **TITLE)


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


def draw(
    table: Table,
    labels: Labels,
    *,
    scales: Mapping[str, str | None],
    err_style: str | None,
    status: Any,
    where: Mapping[str, Any],
) -> Figure | SubFigure:
    """Draw a table, and return the figure.

    Parameters
    ----------
    table : Table
        Its kind is decided.
    labels : Labels
        What is written.
    scales : mapping
        Of `x`, `y` and `z`.
    err_style, status
        The arguments of `coma_xr.plot`.
    where : mapping
        Its arguments `ax`, `col_wrap`, `height` and `aspect`.
    """
    statuses = wanted(status, _statuses(table)) if status else []
    made = panels_of(table, labels, **where)
    look = _look(table, scales, err_style)
    points = dict(panels(table))
    paint = _Painter(table, look, scales)
    for panel in made.panels:
        set_scale(panel.ax, scales)
    for panel in made.panels:
        part = points.get(panel.key, table.rows[:0])
        if part[[role for role in ("x", "y", "z") if role in part]].notna().all(axis=1).any():
            paint(panel.ax, part)
        else:
            say_nothing_there(panel.ax)
        if statuses:
            draw_marks(panel.ax, part, look.hue, statuses, on_surface=table.plan.is_surface)
        dress(panel, table, labels)
    if look.hue.mappable is not None:
        add_color_bar(made, table, "z" if table.plan.is_surface else "hue", look.hue.mappable, labels)
    add_legend(made, table, look, labels, statuses)
    add_note(made, table, labels)
    return made.figure


def _statuses(table: Table) -> list[str]:
    return [str(name) for name in table.rows["status"].unique() if name]


def _look(table: Table, scales: Mapping[str, str | None], err_style: str | None) -> Look:
    """Return what colours, dashes and markers the groups have."""
    plan, hue, style = table.plan, Hue(), None
    if plan.is_surface:
        hue = Hue(mappable=scale_of(table, scales["z"]))
    elif plan.hue:
        hue = hue_of(table.one("hue"), table.levels("hue"))
    if plan.style:
        style = style_of(table.one("style"), table.levels("style"))
    if plan.is_surface or plan.kind == "hist":
        return Look(hue, style)
    return look_of(table, hue, style, err_style)


class _Painter:
    """Draws the points of one panel in the way of the plot's kind."""

    def __init__(self, table: Table, look: Look, scales: Mapping[str, str | None]) -> None:
        self.table, self.look = table, look
        self.logs = {role: scale == "log" for role, scale in scales.items()}
        self.bins = bins_of(table, log=self.logs["x"]) if table.plan.kind == "hist" else None

    def __call__(self, ax: Axes, part: pd.DataFrame) -> None:
        kind, hue = self.table.plan.kind, self.look.hue
        if kind == "line":
            draw_lines(ax, part, self.look)
        elif self.bins is not None:
            draw_counts(ax, part, self.bins, hue, apart=self.table.one("x").kind == "name")
        elif kind == "scatter":
            points = part.assign(hue=part["z"]) if self.table.plan.is_surface else part
            draw_points(ax, points, self.look)
        elif hue.mappable is not None and kind == "heatmap":
            draw_heatmap(ax, self.table, part, hue.mappable, self.logs)
        elif hue.mappable is not None:
            draw_contour(ax, self.table, part, hue.mappable)

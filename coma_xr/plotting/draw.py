"""From a Dataset to a figure that can be printed, in one line."""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm, SymLogNorm, to_rgba_array
from matplotlib.contour import ContourSet
from matplotlib.lines import Line2D
from matplotlib.offsetbox import DrawingArea, HPacker
from matplotlib.patches import Patch
from matplotlib.ticker import NullFormatter

from coma_xr.errors import ComaError, ParameterError, Way, warn
from coma_xr.plotting.arguments import ARTISTS, PlotSpec, signature_of
from coma_xr.plotting.data import REPEAT, VARIABLE, Data, plan
from coma_xr.plotting.kinds import KINDS, bins_of, broken_marker, decided, draw_marks, look_of, panels
from coma_xr.plotting.panels import (
    ALONE,
    Layout,
    Panel,
    Panels,
    given_axes,
    given_panels,
    new_panels,
    set_titles,
)
from coma_xr.plotting.points import Table, beside, drawable, in_numbers, statuses_to_draw, table
from coma_xr.plotting.styling import (
    Hue,
    Labels,
    Look,
    extension,
    hue_of,
    next_color,
    palette_of,
    printable,
    shade,
    style_of,
    threshold,
)
from coma_xr.plotting.surfaces import surface_hue
from coma_xr.plotting.ticks import (
    dress_axis,
    fitted,
    font_size,
    name_room,
    set_ticks,
    text_width,
    tickers,
    wrapped,
)
from coma_xr.text import listing

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

    from coma_xr.plotting.quantities import Quantity

# The width of the entries of a legend, and the room that a colour bar and the labels of a y axis take [inch].
ENTRY, BAR, LABELS = 1.8, 0.9, 0.8

# More entries than this are in one line each, more than twice as many smaller too.
SEVERAL_ENTRIES = 14

# The parts of a figure of a given size that a legend may take at its side and below.
BESIDE, BELOW = 0.35, 0.33

SMALLEST = 5.0


def plot(
    data: xr.Dataset | xr.DataArray | pd.DataFrame, x: Any = None, y: Any = None, **options: Any
) -> Figure:
    """Plot a Dataset or DataFrame: lines, scatter plots, heatmaps, contours, histograms or box plots.

    Any dimension, coordinate or variable can be assigned to `x`, `y`, `hue`, `style`, `row` and `col`. Every dimension
    (dim) must be assigned to one of them, so that no values hide others. There are two exceptions. A dim ``"repeat"`` is
    averaged by default, which the figure states; assign it to draw all repeats, such as ``hue="repeat"``. And
    ``kind="scatter"`` draws the points of all other dims. In a DataFrame the same is true for a column ``"repeat"``, and for
    the columns that distinguish rows of one repeat.

    Parameters
    ----------
    data : Dataset, DataArray or DataFrame
        The data, for example from `Experiment.to_dataset` or `Experiment.to_dataframe`.
    x, y : str or list of str, optional
        Names or paths, such as ``"results/t"``, of the variables on the axes. One of the two arguments may be a list.
        Its variables differ in colour and dashes, unless ``"variable"`` is assigned to `hue`, `style`, `row` or `col`.
        By default the axes are chosen from the dims. With `x` alone, a histogram is drawn. If both results are lists of
        equal length, such as times and positions, one is drawn over the other.
    z : str, optional
        The variable shown by the colours of a heatmap or contour plot over `x` and `y`. Each axis may vary over two
        dims. Strings and bools get a legend instead of a colour bar.
    hue, style, row, col : str, optional
        The variables that select the colour, the dashes and markers, and the panel. If `hue` has many different numbers,
        the figure has a colour bar, otherwise a legend. None, NaN and infinity are labels like other values.
    error : str, list of str or tuple, optional
        For a dim, the mean and standard error over it are drawn. A variable has the errors of `y`; if `y` is a list,
        pass a list of such variables. A tuple selects another error of the mean over ``"repeat"``, or over the dim at
        the end of the tuple: ``("sd",)`` is the standard deviation, ``("ci", 95)`` a confidence interval by Student's
        distribution, ``("percentile", 90)`` the median and 90 % of the values, and ``("binned", "sweep")`` the standard
        error of correlated samples by binning (see References).
    kind : {"line", "scatter", "heatmap", "contour", "hist", "box", "violin"}, optional
        By default, a heatmap is drawn for `z` on a grid, points if `x` has strings or no order, and lines otherwise. In
        a heatmap, points that form no grid are interpolated in triangles, or averaged in `bins`.
    labels : mapping, optional
        Labels for names and values on axes, in legends and titles: ``{"doa": "$d/a$", "QcaBond": "Bond"}``. By default,
        the `long_name` of a variable is used. Units are added, unless the label ends in a bracket.
    order : list or mapping, optional
        The order of values in legends, in panels and on axes: ``{"model": ["Ising", "Bond"]}``.
    palette : str, Colormap, list or mapping, optional
        The colours of `hue`: a colormap, a list of colours, or a mapping with a colour for each value. When colours repeat,
        the dashes and markers change. By default, the colours of the matplotlib style are used.
    ax : Axes or sequence of Axes, optional
        The axes to draw in, one for each panel. By default, a new figure is created. A second plot in the same axes takes the
        next colour, shares legend and labels, and puts names and durations where the first one has them.
    xscale, yscale, zscale, hue_scale : {"linear", "log", "symlog", ...}, optional
        The scales of the axes, and of the colours of `z` and `hue`. By default, scales are linear, except that an axis
        is logarithmic for samples that spread evenly on a logarithmic scale over a factor of 100 or more, and colours are
        logarithmic for numbers with geometric spacing.
    xlim, ylim : tuple, optional
        The limits of the axes: numbers, dates or durations. None is the end of the data.
    cmap : str or Colormap, optional
        The colormap of `z`, or of numbers on `hue`, such as ``"magma"``.
    vmin, vmax : float, date or duration, optional
        The limits of the colours. Pointed ends of the colour bar show that values lie beyond.
    robust : bool, default False
        Ignore the lowest and highest 2 % of the values when choosing the limits of the colours.
    levels : int or sequence, optional
        The number of levels of a contour, or the levels: numbers or durations.
    bins : int or sequence, optional
        The number of bins of a histogram, or their edges: numbers, dates or durations. For a heatmap, a tuple of two of these.
    density : bool, default False
        Draw a density instead of counts.
    err_style : {"band", "bars"}, optional
        How errors are drawn. By default, few points get bars, and many points get a band.
    status : bool, str or list of str, default False
        Mark points without a value: all requested ones, or those with the status ``"failed"``, ``"missing"``, ...
    sharex, sharey : bool or {"all", "row", "col", "none"}, optional
        The panels that share an axis. By default all panels share it, except those of different variables.
    col_wrap : int, optional
        The number of panels of `col` in a row.
    height : float, optional
        The height of a panel [inch].
    aspect : float, optional
        Its width divided by its height.
    figsize : tuple of float, optional
        Width and height of the whole figure [inch], instead of `height` and `aspect`.
    legend : bool or {"right", "bottom", "inside"}, default True
        Whether there is a legend or colour bar, and where the legend is.
    title : str, optional
        The title of the figure.
    line_kw, scatter_kw, map_kw, hist_kw, box_kw, error_kw, legend_kw : mapping, optional
        Keyword arguments for matplotlib's artists: ``line_kw={"linewidth": 3}``.

    Returns
    -------
    matplotlib.figure.Figure
        The current figure of pyplot: ``plt.savefig``, ``plt.title`` and ``plt.show`` act on it, a notebook shows it
        once, and ``plt.close(figure)`` frees its memory. With `ax`, and in threads other than the main thread, pyplot is
        not used.

    Raises
    ------
    PathError
        If a name is unknown, or a key of `labels` is misspelt.
    LayoutError
        If arguments do not fit together, a dim is not used, or values cannot be drawn or are missing.
    ExperimentError
        If `data` has another type.
    ParameterError, ArgumentError
        If an argument is unknown or has an invalid value.

    Warns
    -----
    ComaWarning
        About values and errors that are not drawn, or drawn in grey (None, infinite, negative errors, or not positive on a log
        scale), values or maps that hide each other, the same colours for other values in the same axes, errors in other units
        than their variable, and errors that treat correlated samples as independent.

    References
    ----------
    H. Flyvbjerg and H. G. Petersen, "Error estimates on averages of correlated data", J. Chem. Phys. 91, 461
    (1989), https://doi.org/10.1063/1.457480.

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
    is_main = threading.current_thread() is threading.main_thread()
    return _figure(data, PlotSpec.of({"x": x, "y": y, **options}), pyplot=is_main)


plot.__signature__ = signature_of(plot)  # type: ignore[attr-defined]


def draw(data: Any, **arguments: Any) -> Figure:
    """Return the figure that `plot` makes, without pyplot: for reports, files and other threads."""
    return _figure(data, PlotSpec.of(arguments), pyplot=False)


def _figure(data: Any, spec: PlotSpec, *, pyplot: bool) -> Figure:
    spec = replace(spec, palette=palette_of(spec.palette))
    known = Data.of(data).with_items(
        spec.x, spec.y, spec.z, spec.hue, spec.style, spec.row, spec.col, spec.error
    )
    known.check_not_empty()
    known, plot_plan = plan(known, spec, KINDS)
    points = decided(known, drawable(known, in_numbers(_as_before(table(known, plot_plan)))))
    labels = Labels.of(known, spec.labels or {})
    statuses = [str(name) for name in points.rows["status"].unique() if name]
    statuses = statuses_to_draw(spec.status, statuses) if spec.status else []
    layout = Layout.of(points, labels)
    grid = given_panels(layout) if spec.ax is not None else new_panels(layout, pyplot=pyplot)
    try:
        _draw(grid, layout, statuses)
    except BaseException as error:
        if grid.new and pyplot:
            from matplotlib import pyplot as plt

            plt.close(grid.root)
        keywords = [name for name in (f"{artist}_kw" for artist in ARTISTS) if getattr(spec, name)]
        if keywords and isinstance(error, Exception) and not isinstance(error, (ComaError, Warning)):
            # What artists accept is known to them alone.
            raise ParameterError(
                f"matplotlib refused {listing(keywords)}: {str(error).rstrip('.')}.",
                expected="keywords and values that its artists accept",
            ) from error
        raise
    return grid.root


# What the axes of earlier plots show and in which units, for later plots in the same axes.
_shown: WeakKeyDictionary[Axes, dict[str, tuple[Quantity, str]]] = WeakKeyDictionary()


def _as_before(table: Table) -> Table:
    """Return a table whose names and durations go where the user's axes have them already."""
    for ax in given_axes(table.plan.spec):
        earlier = _earlier(ax)
        for role in [role for role in ("x", "y") if role in earlier and role in table.quantities]:
            table = beside(table, role, earlier[role][0])
    return table


def _earlier(ax: Any) -> dict[str, tuple[Quantity, str]]:
    """Return what a plot has drawn on each axis; nothing for axes that were cleared since."""
    if not isinstance(ax, Axes):
        return {}
    if not ax.has_data():
        for record in (_shown, _labels, _bars):
            record.pop(ax, None)
    return _shown.get(ax, {})


def _warn_of_units(table: Table, labels: Labels, panels: Sequence[Panel]) -> None:
    """Warn of numbers in different units on one axis, which has one scale for all."""
    pairs = []
    for at, error in enumerate(table.plan.error):
        y = table.plan.y[min(at, len(table.plan.y) - 1)]
        pairs.append((error, f"{y!r}, whose error it is,", labels.units(y)))
    for panel in panels:
        for role, (quantity, units) in _earlier(panel.ax).items():
            for name in getattr(table.plan, role):
                pairs.append((name, f"{quantity.name!r} on the same axis", units))
    for name, other, units in pairs:
        own = labels.units(name)
        if own and units and own != units:
            warn(f"Drawn without a conversion: {name!r} is in {own}, and {other} is in {units}.")
            return


# The label of each axis and its parts, for later plots in the same axes.
_labels: WeakKeyDictionary[Axes, dict[str, tuple[str, tuple[str, ...]]]] = WeakKeyDictionary()


def _set_label(ax: Axes, role: str, label: str, room: float) -> None:
    """Give an axis its label, behind those of earlier plots unless the user has changed them."""
    axis: Any = getattr(ax, f"{role}axis")
    text, parts = _labels.get(ax, {}).get(role, ("", ()))
    parts = tuple(dict.fromkeys([*(parts if text == axis.get_label_text() else ()), label]))
    text, points = fitted(", ".join(filter(None, parts)), 0.8 * room, "axes.labelsize")
    axis.set_label_text(text, fontsize=points)
    _labels.setdefault(ax, {})[role] = text, parts


# The colour bars of axes: their label, colours and scale.
_bars: WeakKeyDictionary[Axes, list[tuple[str, Colormap, list[Any]]]] = WeakKeyDictionary()


def _has_bar(ax: Axes, label: str, mappable: ScalarMappable) -> bool:
    """Return whether axes have the same colour bar already; warn of the same colours for other values."""
    norm: Any = mappable.norm
    scale = [type(norm), norm.vmin, norm.vmax, *getattr(norm, "boundaries", ())]
    earlier = _bars.get(ax, [])
    _bars[ax] = [*earlier, (label, mappable.cmap, scale)]
    same = [bar for bar in earlier if bar[1] == mappable.cmap]
    if any(bar[0] == label and bar[2] == scale for bar in same):
        return True
    if same:
        names = listing(dict.fromkeys([same[0][0], label]))
        way = Way("Pass another cmap=, or the same vmin= and vmax= to both.", "")
        warn(f"Two colour bars have the same colours for different values of {names}.", way=way)
    return False


def _is_covered(ax: Axes, x: pd.Series, y: pd.Series) -> bool:
    """Return whether axes have a map already where another one will be."""
    if any(isinstance(part, ContourSet) for part in ax.collections):
        return True
    for mesh in (part for part in ax.collections if isinstance(part, QuadMesh)):
        (left, low), (right, high) = mesh.get_datalim(ax.transData).get_points()
        if x.min() < right and x.max() > left and y.min() < high and y.max() > low:
            return True
    return False


# ------------------------------------------------------------------------------------------ drawing


def _draw(grid: Panels, layout: Layout, statuses: Sequence[str]) -> None:
    """Draw a table into its panels, and what explains them."""
    table, labels = layout.table, layout.labels
    spec, kind = table.plan.spec, KINDS[table.plan.kind]
    earlier = grid.axes[0].get_legend_handles_labels() if not grid.new and len(grid.panels) == 1 else ([], [])
    for panel in grid.panels:
        _set_scales(panel.ax, table)
    _warn_of_units(table, labels, grid.panels)
    _warn_of_limits(table)
    look = _look(table, labels, grid)
    points = dict(panels(table))
    parts = ((panel.ax, points.get(panel.key, table.rows[:0])) for panel in grid.panels)
    if table.plan.layout == "map" and any(_is_covered(ax, part["x"], part["y"]) for ax, part in parts):
        warn(f"The map of {table.plan.z} covers another map in the same axes.")
    for panel in grid.panels:
        part = points.get(panel.key, table.rows[:0])
        if part[[role for role in ("x", "y", "z") if role in part]].notna().all(axis=1).any():
            kind.draw(panel.ax, part, look)
        else:
            place: dict[str, Any] = {"transform": panel.ax.transAxes, "ha": "center", "va": "center"}
            panel.ax.text(0.5, 0.5, "no values", color=shade(0.5), fontsize="small", **place)
        if statuses:
            draw_marks(panel.ax, part, look, statuses)
    role = "z" if table.plan.z is not None else "hue"
    has_bar = (
        spec.legend is not False and look.hue.mappable is not None and table.quantity(role).type != "name"
    )
    if has_bar:
        has_bar = _add_color_bar(grid, table, role, look.hue, labels)
    legend_room = (
        _add_legend(grid, _sections(table, look, labels, statuses), earlier, spec)
        if spec.legend is not False
        else (0.0, 0.0)
    )
    inches = grid.root.get_size_inches()
    width, height = max(inches[0] - legend_room[0] - BAR * has_bar, 0.8), max(inches[1] - legend_room[1], 0.8)
    if grid.new and grid.fixed:
        grid = replace(grid, size=(grid.size[0] * width / inches[0], grid.size[1] * height / inches[1]))
    for panel in grid.panels:
        _dress(panel, table, labels, grid.size)
        for role in [role for role in ("x", "y") if role in table.quantities]:
            quantity = replace(table.quantity(role), values=xr.Variable((), np.nan))
            units = labels.units(*getattr(table.plan, role))
            _shown.setdefault(panel.ax, {})[role] = quantity, units
        if len(grid.panels) > 1 or grid.new:
            room = (width - LABELS - name_room(grid.axes[0].yaxis, table, labels)) / layout.shape[1]
            set_titles(panel, layout, (room if grid.new else grid.size[0], grid.size[1]), is_new=grid.new)
    _add_title(grid, table, labels, width)
    grid.root.sca(grid.axes[0])


def _warn_of_limits(table: Table) -> None:
    """Warn of limits beyond which all values lie, on one side."""
    for role in [role for role in ("x", "y") if role in table.quantities and len(table.drawn)]:
        limits = getattr(table.plan.spec, f"{role}lim") or (None, None)
        first, last = limits
        low, high = sorted([-np.inf if first is None else first, np.inf if last is None else last])
        values = table.drawn[role]
        if values.max() < low or values.min() > high:
            text = f"Nothing is visible: all values of {table.quantity(role).name} are beyond "
            warn(Way(f"{text}{role}lim.", f"{text}--{role}lim."))


def _look(table: Table, labels: Labels, grid: Panels) -> Look:
    """Return what colours, dashes and markers the groups have, and what they are called."""
    plan, style = table.plan, None
    used_colors = _taken_colors(grid.axes[0]) if not grid.new else []
    z_names = "z" in table.quantities and table.quantity("z").type == "name"
    named = ("hue", "style", *(["z"] if z_names else []))
    groups = {role: table.levels(role) for role in named if role in table.quantities}
    if plan.z is not None:
        hue = surface_hue(table)
    elif plan.hue:
        hue = hue_of(table, groups["hue"], used_colors)
    else:
        color = next_color(used_colors, plan.spec)
        hue = Hue(color=lambda _: color)
    if plan.style:
        style = style_of(table.quantity("style"), groups["style"])
    look = look_of(table, hue, style) if plan.layout in {"curve", "points"} else Look(table, hue, style)
    texts = {
        role: dict(zip(levels, labels.values(table.quantity(role), levels), strict=True))
        for role, levels in groups.items()
    }
    texts[""] = {0.0: labels.axis(table.quantities[table.value])}
    bins = bins_of(table, grid.axes[0].xaxis) if plan.layout == "counts" else None
    return replace(look, texts=texts, bins=bins)


def _taken_colors(ax: Axes) -> list[Any]:
    """Return the colours of what was drawn before."""
    lines = [line.get_color() for line in ax.lines]
    areas: list[Any] = [
        *(part.get_facecolor() for part in ax.collections),
        *(part.get_facecolor() for part in ax.patches),
    ]
    return [*lines, *(tuple(np.atleast_2d(color)[0][:3]) for color in areas if np.size(color))]


def _set_scales(ax: Axes, table: Table) -> None:
    """Give the axes their scales, before anything is drawn on them."""
    for role in ("x", "y"):
        scale = table.scales.get(role)
        # A scale that is there already keeps its settings.
        if scale is not None and scale != getattr(ax, f"get_{role}scale")():
            if scale == "log" and ax.has_data() and getattr(ax.dataLim, f"{role}min") <= 0:
                warn(f"Hidden: what was drawn before at {role} of 0 or less, by the log scale.")
            values = table.rows[role].to_numpy() if role in table.rows else np.array([])
            width = {"symlog": "linthresh", "asinh": "linear_width"}.get(scale)
            options = {width: threshold(values)} if width else {}
            getattr(ax, f"set_{role}scale")(scale, **options)
    if table.plan.z is not None and table.plan.layout != "points":
        ax.grid(False, which="both")


def _dress(panel: Panel, table: Table, labels: Labels, size: tuple[float, float]) -> None:
    """Give the axes of a panel their ticks, labels and limits."""
    spec = table.plan.spec
    for role, shown, room in (("x", panel.bottom, size[0]), ("y", panel.left, size[1])):
        axis: Any = getattr(panel.ax, f"{role}axis")
        quantities = table.quantities.get(role)
        if quantities is None:
            if shown:
                _set_label(panel.ax, role, "density" if spec.density else "count", room)
            set_ticks(axis, "number", np.array([]) if spec.density else np.array([0.0, 1.0]))
            continue
        if shown:
            _set_label(panel.ax, role, labels.axis(_in_panel(table, role, panel)), room)
        dress_axis(axis, table, role, labels, 0.85 * room)
        limits = getattr(spec, f"{role}lim")
        if limits is not None:
            getattr(panel.ax, f"set_{role}lim")(limits)


def _in_panel(table: Table, role: str, panel: Panel) -> list[Quantity]:
    """Return the quantities on an axis of this panel: one, where each panel shows a variable of its own."""
    quantities = list(table.quantities[role])
    roles = [name for name in ("row", "col") if name in table.quantities]
    for facet, number in zip(roles, panel.key, strict=True):
        if table.plan.roles[facet] == VARIABLE and len(quantities) > 1 and not np.isnan(number):
            return [quantities[int(number)]]
    return quantities


def _add_title(grid: Panels, table: Table, labels: Labels, width: float) -> None:
    """Write the title, and that the panels show means, of how many values, and what the errors are."""
    plan, ax = table.plan, grid.axes[0]
    note = _note(table, labels)
    title = printable(plan.spec.title or "")
    if not title and not note:
        return
    small: dict[str, Any] = {"color": shade(0.6)}
    if grid.new and (len(grid.panels) > 1 or ax.get_title()):
        # Above the panels, and not above what stands next to them.
        part = width / grid.root.get_figwidth()
        largest = "figure.titlesize" if width > ALONE[0] else "axes.labelsize"
        title, size = fitted(title, 0.9 * width, largest)
        note, fine = fitted(note, 0.9 * width, "small")
        if title:
            grid.figure.suptitle(
                "\n".join(filter(None, (title, note))),
                x=0.5 * part,
                fontsize=min(size, fine) if note else size,
            )
        elif note:
            grid.figure.suptitle(note, x=0.01, ha="left", fontsize=fine, **small)
        return
    title, size = fitted(title, 0.8 * grid.size[0], "axes.titlesize")
    note, fine = fitted(note, 0.8 * grid.size[0], "small")
    if title and note:
        ax.set_title(f"{title}\n{note}", fontsize=min(size, fine))
    elif title:
        ax.set_title(title, fontsize=size)
    elif note and (grid.new or ax.get_title(loc="left") in {"", note}):
        ax.set_title(note, loc="left", fontsize=fine, **small)
    elif note:
        warn(f"The figure has no room for its note: {note}.")


def _note(table: Table, labels: Labels) -> str:
    """Return of what the means are, or an empty string where there are none."""
    plan = table.plan
    if table.count is None or not (plan.averaged or plan.rows):
        return ""
    over = ", ".join(labels.name(dim) for dim in plan.averaged or (REPEAT,))
    least, most = table.count
    number = f"n = {least}" if least == most else f"n = {least} to {most}"
    return f"{'mean' if plan.spread is None else plan.spread} over {over} ({number})"


# ------------------------------------------------------------------------------------------ legends


# Those that were made here, which a second plot in the same axes may replace.
_legends: WeakSet[Legend] = WeakSet()


@dataclass(frozen=True)
class Section:
    """The entries of a legend for one variable, under its name."""

    title: str
    handles: list[Artist] = field(default_factory=list)


def _sections(table: Table, look: Look, labels: Labels, statuses: Sequence[str]) -> list[Section]:
    plan, sections = table.plan, []
    if plan.z is not None and table.quantity("z").type == "name":
        sections.append(_section(table, "z", look, labels, styled=False))
    if plan.hue and look.hue.levels:
        sections.append(_section(table, "hue", look, labels, styled=plan.hue == plan.style))
    if plan.style and plan.style != plan.hue:
        sections.append(_section(table, "style", look, labels, styled=True))
    if statuses:
        sections.append(Section("measurement", [_mark(table, name, statuses) for name in statuses]))
    if not sections and look.hue.mappable is None:
        # Alone it needs no legend, but shares one with what is in the axes already.
        sections.append(
            Section(
                "",
                [_example(look, look.label(np.nan, np.nan), look.hue.color(np.nan), (np.nan, np.nan), True)],
            )
        )
    return [section for section in sections if section.handles]


def _section(table: Table, role: str, look: Look, labels: Labels, *, styled: bool) -> Section:
    quantity = table.quantity(role)
    levels = [*(look.hue.levels if role in {"hue", "z"} else table.levels(role))]
    title = "" if quantity.name == VARIABLE else labels.axis([quantity])
    handles = []
    for level, text in ((level, look.texts[role][level]) for level in levels):
        color = look.hue.color(level) if role in {"hue", "z"} else shade(0.7)
        hue, style = level if role in {"hue", "z"} else np.nan, level if styled else np.nan
        units = _own_units(table, level, labels) if quantity.name == VARIABLE else ""
        handles.append(_example(look, text + units, color, (hue, style), styled or table.plan.style is None))
    return Section(title, handles)


def _own_units(table: Table, level: float, labels: Labels) -> str:
    """Return the units of one of several variables, where the axis cannot have them for all."""
    names = [quantity.name for quantity in table.quantities["x" if len(table.plan.x) > 1 else "y"]]
    units = labels.units(names[int(level)])
    return f" [{units}]" if units and not labels.units(*names) else ""


def _example(look: Look, label: str | None, color: Any, group: tuple[float, float], styled: bool) -> Artist:
    """Return an example of one group, with what the user wants of all."""
    layout, user_color = look.table.plan.layout, look.user_color
    color = color if user_color is None else user_color
    user: dict[str, Any] = look.user_keywords
    own: dict[str, Any] = {name: user[name] for name in ("alpha", "marker") if name in user}
    if layout not in {"curve", "points"}:
        return Patch(**{"facecolor": color, "edgecolor": "none", "label": label, **own})
    hue, style = group
    if layout == "points":
        marker = look.marker(hue, style)["marker"] if styled else "o"
        keywords: dict[str, Any] = {"linestyle": "none", "marker": marker, "markeredgewidth": 0, **own}
    else:
        keywords = look.curve(hue, style, marked=look.markers and styled)
        keywords |= {} if styled else {"linestyle": "-"}
    return Line2D([], [], **{**keywords, "color": color, "label": label})


def _mark(table: Table, name: str, statuses: Sequence[str]) -> Artist:
    number = int((table.rows["status"] == name).sum())
    keywords: dict[str, Any] = {
        "linestyle": "none",
        "color": shade(0.75),
        "label": f"{name.replace('_', ' ')} ({number})",
    }
    return Line2D([], [], marker=broken_marker(name, statuses), **keywords)


def _add_legend(
    grid: Panels, sections: list[Section], earlier: tuple[list[Any], list[str]], spec: PlotSpec
) -> tuple[float, float]:
    """Add one legend for all panels, if there is anything to explain, and return the room that it takes [inch]."""
    handles: list[Artist] = list(earlier[0])
    is_alone = len(sections) == 1 and not sections[0].title and len(sections[0].handles) == 1
    if not handles and (not sections or (is_alone and not _bars.get(grid.axes[0]))):
        return 0.0, 0.0
    if handles:
        sections = _unexplained(sections, earlier)
        if not sections:
            # The legend that is there explains all.
            return 0.0, 0.0
        _warn_of_alike(sections, earlier)
        for other in [other for other in grid.root.legends if other in _legends]:
            if grid.root.axes == grid.axes:
                other.remove()
    headings = []
    for section in sections:
        if len(sections) > 1 or earlier[0]:
            for label in (" " if handles and len(sections) > 1 else "", section.title):
                headings += [len(handles)] if label else []
                handles += [Line2D([], [], linestyle="none", label=label)] if label else []
        handles += section.handles
    title = sections[0].title if len(sections) == 1 and not earlier[0] else ""
    entries = _Entries(handles, headings, title, spec.keywords("legend_kw"))
    ax = grid.axes[0] if grid.new else grid.axes[-1]
    if "loc" in entries.user_keywords or spec.legend == "inside" or not grid.new:
        place: dict[str, Any] = {"loc": "best"}
        if not grid.new and spec.legend != "inside" and grid.root.get_layout_engine() is not None:
            place = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
        entries.legend(ax, ENTRY, **place)
        return 0.0, 0.0
    legend = _beside(grid, entries) if spec.legend != "bottom" else None
    box = (legend or _below(grid, entries)).get_window_extent()
    width, height = box.width / grid.root.dpi + 0.1, box.height / grid.root.dpi + 0.1
    if not grid.fixed and legend is not None:
        grid.root.set_figwidth(grid.root.get_figwidth() + width)
    elif not grid.fixed:
        grid.root.set_figheight(grid.root.get_figheight() + height)
    return (width, 0.0) if legend is not None else (0.0, height)


def _unexplained(sections: Sequence[Section], earlier: tuple[list[Any], list[str]]) -> list[Section]:
    """Return the sections of a legend with the entries that it does not have already."""
    new = [
        replace(section, handles=[handle for handle in section.handles if not _is_explained(handle, earlier)])
        for section in sections
    ]
    return [section for section in new if section.handles]


def _is_explained(handle: Artist, earlier: tuple[list[Any], list[str]]) -> bool:
    """Return whether a legend has an entry with this label and colour already."""
    colors = [_color_of(other) for other, label in zip(*earlier, strict=True) if label == handle.get_label()]
    return _color_of(handle) in colors or None in colors


def _warn_of_alike(sections: Sequence[Section], earlier: tuple[list[Any], list[str]]) -> None:
    """Warn of lines that look like those of an earlier plot, whose entries have other labels."""
    labels = {_line_of(other): label for other, label in zip(*earlier, strict=True)}
    for handle in chain.from_iterable(section.handles for section in sections):
        line, label = _line_of(handle), str(handle.get_label())
        if line is not None and labels.get(line, label) != label:
            names = listing([repr(labels[line]), repr(label)])
            way = Way("Pass palette= with other colours.", "")
            warn(f"Lines of two plots in the same axes look alike: {names}.", way=way)
            return


def _line_of(handle: Any) -> tuple[Any, ...] | None:
    """Return colour, dashes and marker of an entry that is a line."""
    if not isinstance(handle, Line2D):
        return None
    return _color_of(handle), handle.get_linestyle(), handle.get_marker()


def _color_of(handle: Any) -> tuple[float, ...] | None:
    """Return the colour of an entry without its transparency; None where it has several, or none of its own."""
    is_outline = isinstance(handle, Patch) and not handle.get_fill()
    names = ("get_edgecolor",) if is_outline else ("get_color", "get_facecolor")
    color = next((getattr(handle, name) for name in names if hasattr(handle, name)), None)
    colors = to_rgba_array(color() if color else "none")
    return tuple(colors[0][:3].tolist()) if len(colors) == 1 else None


@dataclass(frozen=True)
class _Entries:
    """What a legend lists: examples with their strings, some of them headings, under a title."""

    handles: list[Artist]
    headings: list[int]
    title: str
    user_keywords: dict[str, Any]

    @functools.cached_property
    def texts(self) -> list[str]:
        """The strings before they are broken into lines."""
        return [str(handle.get_label()) for handle in self.handles]

    @property
    def size(self) -> float:
        """The size of the font to begin with."""
        size = self.user_keywords.get("fontsize")
        return float(size) if isinstance(size, (int, float)) else font_size("legend.fontsize")

    def legend(
        self, place: Any, widest: float, size: float | None = None, most: int | None = None, **keywords: Any
    ) -> Legend:
        """Return a legend of the first entries, in lines of this many inches and a font of this many points."""
        size = self.size if size is None else size
        for handle, label in zip(self.handles, self.texts, strict=True):
            handle.set_label(wrapped(label, widest, size))
        shown = self.handles[:most]
        if len(shown) < len(self.handles):
            shown = [
                *shown,
                Line2D([], [], linestyle="none", label=f"and {len(self.handles) - len(shown)} more"),
            ]
        keywords |= {"handles": shown, "alignment": "left", "fontsize": size}
        if self.title:
            keywords |= {"title": wrapped(self.title, max(widest, ENTRY), size), "title_fontsize": size}
        options = {name: value for name, value in self.user_keywords.items() if name != "fontsize"}
        legend: Legend = place.legend(**keywords | options)
        _outdent(legend, [at for at in self.headings if at < len(shown)])
        _legends.add(legend)
        return legend


def _outdent(legend: Legend, headings: Sequence[int]) -> None:
    """Take away the room that headings leave for an example."""
    examples = {id(legend.legend_handles[at]) for at in headings}
    for row in legend.findobj(HPacker):
        box, *labels = row.get_children()
        if labels and isinstance(box, DrawingArea) and examples & {id(child) for child in box.get_children()}:
            box.width = 0
            row.sep = 0


def _beside(grid: Panels, entries: _Entries) -> Legend | None:
    """Return a legend at the right of the panels, or None where it would leave too little of the figure to them."""
    root, number, size = grid.root, len(entries.handles), entries.size
    widest = max(1.0, BESIDE * root.get_figwidth() - 0.5) if grid.fixed else ENTRY
    if number > SEVERAL_ENTRIES and not grid.fixed:
        widest, size = 2 * ENTRY, size * (0.7 if number > 2 * SEVERAL_ENTRIES else 1.0)
    for columns in range(1, number + 1):
        legend = entries.legend(grid.figure, widest, size, loc="outside right upper", ncols=columns)
        box = legend.get_window_extent()
        if grid.fixed and box.width > (BESIDE + 0.05) * root.bbox.width:
            break
        if box.height <= 0.97 * root.bbox.height or columns == number:
            return legend
        legend.remove()
    legend.remove()
    return None


def _below(grid: Panels, entries: _Entries) -> Legend:
    """Return a legend below the panels, in columns, smaller where it has to be, and cut with a count at the last."""
    root, size, most = grid.root, entries.size, len(entries.handles)
    width = root.get_figwidth() - 0.3
    while True:
        widest = min(max(text_width(label, size) for label in entries.texts), max(width / 2, 1.2))
        columns = max(1, min(most, int(width / (widest + 4.5 * size / 72))))
        legend = entries.legend(grid.figure, widest, size, most, loc="outside lower center", ncols=columns)
        is_low = legend.get_window_extent().height <= BELOW * root.bbox.height
        if is_low or not grid.fixed or (size <= SMALLEST and most < 2):
            return legend
        legend.remove()
        if size > SMALLEST:
            size = max(SMALLEST, 0.85 * size)
        else:
            most = max(1, int(0.8 * most))


def _add_color_bar(grid: Panels, table: Table, role: str, hue: Hue, labels: Labels) -> bool:
    """Add one colour bar for all panels, and return whether there was none like it."""
    quantity, mappable = table.quantity(role), hue.mappable
    if _has_bar(grid.axes[0], labels.axis([quantity]), mappable):  # type: ignore[arg-type]
        return False
    values = table.drawn[role].dropna().to_numpy()
    values = values[~np.isin(values, [place for place, _ in quantity.places])]
    norm: Any = mappable.norm  # type: ignore[union-attr]
    label, points = fitted(labels.axis([quantity]), 0.8 * grid.root.get_figheight(), "axes.labelsize")
    keywords: dict[str, Any] = {"ax": grid.axes, "aspect": 25}
    scale = "log" if isinstance(norm, LogNorm) else "symlog" if isinstance(norm, SymLogNorm) else "linear"
    values = values[values > 0] if scale == "log" else values
    if table.plan.kind == "contour":
        keywords["format"] = tickers("number", table.scale(role), values, 1.0)[1]
    else:
        locator, formatter = tickers(quantity.type, scale, values, getattr(norm, "linthresh", None))
        keywords |= {"extend": extension(values, norm.vmin, norm.vmax), "ticks": locator, "format": formatter}
    bar = grid.figure.colorbar(mappable, **keywords)  # type: ignore[arg-type]
    # matplotlib labels some minor ticks of a narrow logarithmic range, in another notation.
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    bar.set_label(label, fontsize=points)
    bar.outline.set_visible(False)
    bar.ax.grid(False)
    if grid.new and not grid.fixed:
        grid.root.set_figwidth(grid.root.get_figwidth() + BAR)
    return True

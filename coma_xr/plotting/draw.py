"""From a Dataset to a figure that can be printed, in one line."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm, SymLogNorm
from matplotlib.contour import ContourSet
from matplotlib.ticker import NullFormatter

from coma_xr.errors import ComaError, ParameterError, Way, warn
from coma_xr.plotting.arguments import ARTISTS, PlotSpec, signature_of
from coma_xr.plotting.data import REPEAT, VARIABLE, Data, given_axes, plan
from coma_xr.plotting.kinds import KINDS, bins_of, decided, draw_marks, look_of, panels
from coma_xr.plotting.legends import add_legend, entries_before, forget, remember, sections_of
from coma_xr.plotting.panels import (
    ALONE,
    Layout,
    Panel,
    Panels,
    given_panels,
    new_panels,
    overlaid,
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
    name_room,
    set_ticks,
    tickers,
)
from coma_xr.text import listing

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

    from coma_xr.plotting.quantities import Quantity

# The room that a colour bar and the labels of a y axis take [inch].
BAR, LABELS = 0.9, 0.8


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
        forget(ax)
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
    earlier = entries_before(grid)
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
    sections = sections_of(table, look, labels, statuses)
    legend_room = (0.0, 0.0)
    if spec.legend is not False:
        legend_room = add_legend(grid, sections, earlier, spec, has_bar=bool(_bars.get(grid.axes[0])))
    remember(grid, sections)
    inches = grid.root.get_size_inches()
    width, height = max(inches[0] - legend_room[0] - BAR * has_bar, 0.8), max(inches[1] - legend_room[1], 0.8)
    if grid.new and grid.fixed:
        grid = replace(grid, size=(grid.size[0] * width / inches[0], grid.size[1] * height / inches[1]))
    for panel in grid.panels:
        _dress(panel, table, labels, grid.size)
        for role in [role for role in ("x", "y") if role in table.quantities]:
            quantity = replace(_in_panel(table, role, panel)[0], values=xr.Variable((), np.nan))
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
    """Return the colours of what was drawn before in axes, and in others at the same place."""
    place = overlaid(ax)
    lines = [line.get_color() for other in place for line in other.lines]
    parts: list[Any] = [part for other in place for part in (*other.collections, *other.patches)]
    areas = [part.get_facecolor() for part in parts]
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
        dress_axis(axis, _of_panel(table, role, panel), role, labels, 0.85 * room)
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


def _of_panel(table: Table, role: str, panel: Panel) -> Table:
    """Return a table with the one variable of a panel on an axis, where those of others are of another kind."""
    quantities = _in_panel(table, role, panel)
    if len(table.types(role)) < 2 or len(quantities) > 1:
        return table
    names = [quantity.name for quantity in table.quantities[role]]
    rows = table.rows[table.rows[VARIABLE] == names.index(quantities[0].name)]
    return replace(table, rows=rows, quantities={**table.quantities, role: tuple(quantities)})


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
    # A table without numbers of repeats has means of rows that are at one place.
    has_repeats = REPEAT in labels.data.ds.variables
    over = ", ".join(map(labels.name, plan.averaged or (REPEAT if has_repeats else "rows",)))
    least, most = table.count
    number = f"n = {least}" if least == most else f"n = {least} to {most}"
    return f"{'mean' if plan.spread is None else plan.spread} over {over} ({number})"


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
    artist = {"curve": "line_kw", "points": "scatter_kw"}.get(table.plan.layout, "map_kw")
    alpha: Any = table.plan.spec.keywords(artist).get("alpha")
    # Cells may have one each.
    keywords |= {"alpha": alpha} if np.ndim(alpha) == 0 else {}
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

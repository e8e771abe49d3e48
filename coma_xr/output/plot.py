"""From a Dataset to a figure that can be printed, in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from coma_xr.errors import LayoutError
from coma_xr.output.plotting.data import Data
from coma_xr.output.plotting.draw import draw
from coma_xr.output.plotting.kinds import decided, in_order
from coma_xr.output.plotting.labels import Labels
from coma_xr.output.plotting.losses import check_scales, drawable
from coma_xr.output.plotting.plan import plan
from coma_xr.output.plotting.table import table
from coma_xr.text import available

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot"]

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
    points = in_order(known, decided(drawable(points, scales)))
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

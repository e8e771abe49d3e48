"""The arguments of `coma_xr.plot`: one table with their defaults and checks, and the options of ``coma-xr plot``."""

from __future__ import annotations

import datetime as dt
import functools
import inspect
import math
import numbers
from argparse import ArgumentTypeError
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

from coma_xr.checks import (
    check_choice,
    check_flag,
    check_integer,
    check_positive,
    check_string,
    is_listed,
    naming,
    option,
    setting,
    unknown_argument,
)
from coma_xr.errors import ArgumentError, LayoutError, ParameterError
from coma_xr.text import shortened

# ruff: noqa: RUF009
# The defaults of fields are those of `dataclasses.field`. NumPy and pandas are not imported here, since each command of the terminal reads this table when it starts.

COLOR_SCALES = ("linear", "log", "symlog")
SCALES = (*COLOR_SCALES, "asinh", "logit")

KIND_NAMES = ("line", "scatter", "heatmap", "contour", "hist", "box", "violin")

# What keyword arguments can be given for, as in line_kw.
ARTISTS = ("line", "scatter", "map", "hist", "box", "error", "legend")


def _read_list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def _read_words(text: str) -> Any:
    """Return one word as a string, several as a tuple in which numbers are numbers."""
    words = _read_list(text)
    return text if len(words) < 2 else tuple(map(_read_number, words))


def _read_number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def _read_steps(text: str) -> Any:
    try:
        return int(text) if text.isdecimal() else [float(part) for part in _read_list(text)]
    except ValueError:
        expected = "an integer, or numbers separated by commas"
        raise ArgumentTypeError(f"expected {expected}, found {shortened(text)}") from None


def _read_legend(text: str) -> Any:
    return {"none": False}.get(text, text)


@dataclass(frozen=True)
class PlotSpec:
    """The arguments of `coma_xr.plot`, where they are explained, and their defaults."""

    x: Any = option("variable on the x axis", short="-x", metavar="NAME")
    y: Any = option(
        "variable on the y axis; several times for several in one panel",
        short="-y",
        metavar="NAME",
        action="append",
    )
    z: Any = option("variable shown as the colour of a map", short="-z", metavar="NAME")
    hue: Any = option("variable that differs in colour", metavar="NAME")
    style: Any = option("variable that differs in dashes and markers", metavar="NAME")
    row: Any = option("variable that differs from row to row of panels", metavar="NAME")
    col: Any = option("variable that differs from column to column of panels", metavar="NAME")
    error: Any = option(
        "dim of repeats, variable of errors, or such as ci,95", metavar="NAME", type=_read_words
    )
    kind: str | None = option("line, scatter, heatmap, contour, hist, box or violin")
    labels: Mapping[Any, str] | None = None
    order: Mapping[str, Sequence[Any]] | Sequence[Any] | None = option(
        "values in the order of legends and axes, as a,b,c", metavar="VALUES", type=_read_list
    )
    palette: Any = option("colour map, or colours as red,blue", metavar="COLOURS", type=_read_words)
    ax: Any = None
    xscale: str | None = option("linear, log, symlog, asinh or logit", metavar="SCALE")
    yscale: str | None = option("linear, log, symlog, asinh or logit", metavar="SCALE")
    zscale: str | None = option("linear, log or symlog colours of z", metavar="SCALE")
    hue_scale: str | None = option("linear, log or symlog colours of hue", metavar="SCALE")
    xlim: Any = option("limits of the x axis", nargs=2, metavar=("LOW", "HIGH"))
    ylim: Any = option("limits of the y axis", nargs=2, metavar=("LOW", "HIGH"))
    cmap: Any = option("colour map of numbers", metavar="NAME")
    vmin: float | None = option("lower limit of the colours", type=float, metavar="NUMBER")
    vmax: float | None = option("upper limit of the colours", type=float, metavar="NUMBER")
    robust: bool = option("leave out extreme values for these limits", action="store_true", default=False)
    levels: int | Sequence[float] | None = option(
        "number of levels of a contour, or levels as 0,1,2", type=_read_steps, metavar="NUMBERS"
    )
    bins: Any = option("number of bins, or their edges as 0,1,2", type=_read_steps, metavar="NUMBERS")
    density: bool = option("draw a density in place of counts", action="store_true", default=False)
    err_style: str | None = option("band or bars", metavar="STYLE")
    status: bool | str | Sequence[str] = option(
        "mark points without a value", action="store_true", default=False
    )
    sharex: bool | str | None = option("panels that share this axis: all, row, col or none", metavar="PANELS")
    sharey: bool | str | None = option("panels that share this axis: all, row, col or none", metavar="PANELS")
    col_wrap: int | None = option("number of panels in a line", type=int, metavar="NUMBER")
    height: float | None = option("height of a panel in inches", type=float, metavar="INCHES")
    aspect: float | None = option("width of a panel divided by its height", type=float, metavar="NUMBER")
    figsize: tuple[float, float] | None = option(
        "size of the figure in inches", type=float, nargs=2, metavar=("WIDTH", "HEIGHT")
    )
    legend: bool | str = option(
        "right, bottom, inside or none", type=_read_legend, metavar="PLACE", default=True
    )
    title: str | None = option("title of the figure", metavar="TEXT")
    line_kw: Mapping[str, Any] | None = None
    scatter_kw: Mapping[str, Any] | None = None
    map_kw: Mapping[str, Any] | None = None
    hist_kw: Mapping[str, Any] | None = None
    box_kw: Mapping[str, Any] | None = None
    error_kw: Mapping[str, Any] | None = None
    legend_kw: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> PlotSpec:
        """Return the arguments of a call.

        Raise ArgumentError when there is no such argument, and ParameterError when one has a value that it
        cannot have.
        """
        known = [argument.name for argument in fields(cls)]
        checked = {}
        for name, value in arguments.items():
            if name not in known:
                raise _unknown_argument(name, known)
            checked[name] = _CHECKS[name](name, value) if name in _CHECKS and value is not None else value
        spec = cls(**checked)
        if spec.figsize is not None and (spec.height is not None or spec.aspect is not None):
            names = ("figsize", "height", "aspect")
            sizes = naming("{} is the size of the whole figure, {} and {} are those of a panel.", *names)
            raise LayoutError(sizes, ways=[naming("Leave out {}, or {} and {}.", *names)])
        if spec.vmin is not None and spec.vmax is not None and not _is_ascending((spec.vmin, spec.vmax)):
            raise LayoutError(
                setting("vmin", spec.vmin, f"is not below the upper limit {spec.vmax!r}."),
                expected="vmin below vmax",
            )
        return spec

    def scales(self) -> dict[str, str | None]:
        """Return the scales that were given for x, y, z and hue."""
        return {"x": self.xscale, "y": self.yscale, "z": self.zscale, "hue": self.hue_scale}

    def keywords(self, name: str) -> dict[str, Any]:
        """Return the keyword arguments given for artists, such as `line_kw`."""
        return dict(getattr(self, name) or {})


def _is_number(value: Any) -> bool:
    # NumPy's differences of times are integers to Python.
    if isinstance(value, bool) or is_moment(value):
        return False
    return isinstance(value, numbers.Real) and math.isfinite(value)


def is_moment(value: Any) -> bool:
    """Return whether a value is a date or a difference of dates."""
    return isinstance(value, (dt.date, dt.timedelta)) or type(value).__name__ in ("datetime64", "timedelta64")


def _is_place(value: Any) -> bool:
    return is_moment(value) or _is_number(value)


def _is_ascending(places: Iterable[Any]) -> bool:
    """Return whether numbers, dates or differences of dates ascend; False where they are of several kinds."""
    try:
        return all(low < high for low, high in pairwise(places))
    except TypeError:
        return False


def _is_listed(value: Any) -> bool:
    return isinstance(value, Collection) and is_listed(value) and not isinstance(value, AbstractSet)


def _is_pair(value: Any) -> bool:
    return _is_listed(value) and len(value) == 2


def _is_steps(value: Any) -> bool:
    """Return whether a value is a number of steps, or their edges in ascending order."""
    if not _is_listed(value):
        return isinstance(value, numbers.Integral) and _is_number(value) and int(value) > 0
    return len(value) > 1 and all(map(_is_place, value)) and _is_ascending(value)


def _is_bins(value: Any) -> bool:
    return _is_steps(value) or (_is_pair(value) and all(map(_is_steps, value)))


def _is_size(value: Any) -> bool:
    return _is_pair(value) and all(_is_number(side) and side > 0 for side in value)


def _length(name: str, value: Any, unit: str = "") -> Any:
    """Return a length, or a ratio, that is none of a figure too large for matplotlib."""
    length = check_positive(name, value, unit)
    if length is not None and length > _LARGEST:
        raise ParameterError(setting(name, value, "is too large."), expected=f"a number up to {_LARGEST}")
    return length


# In inches.
_LARGEST = 1000


def _is_status(value: Any) -> bool:
    are_words = isinstance(value, (list, tuple, set)) and all(isinstance(word, str) for word in value)
    return are_words or isinstance(value, (bool, str))


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _that(fits: Callable[[Any], bool], expected: str) -> Callable[[str, Any], Any]:
    """Return a check that a value fits."""

    def check(name: str, value: Any) -> Any:
        if not fits(value):
            raise ParameterError(setting(name, value, "cannot be used."), expected=expected)
        return value

    return check


def _choice(*choices: Any) -> Callable[[str, Any], Any]:
    return functools.partial(check_choice, choices=choices)


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(("xscale", "yscale"), _choice(*SCALES)),
    **dict.fromkeys(("zscale", "hue_scale"), _choice(*COLOR_SCALES)),
    **dict.fromkeys(("sharex", "sharey"), _choice(True, False, "all", "row", "col", "none")),
    **dict.fromkeys(("robust", "density"), check_flag),
    **dict.fromkeys(("vmin", "vmax"), _that(_is_place, "a number")),
    **dict.fromkeys(("xlim", "ylim"), _that(_is_pair, "two values, such as (0, 1)")),
    **{f"{artist}_kw": _that(_is_mapping, "a mapping such as {'alpha': 0.5}") for artist in ARTISTS},
    "labels": _that(_is_mapping, "a mapping such as {'t': 'time'}"),
    "levels": _that(_is_steps, "a number of levels, or the levels in ascending order"),
    "bins": _that(_is_bins, "a number of bins, or their edges in ascending order"),
    "legend": _choice(True, False, "right", "bottom", "inside"),
    "err_style": _choice("band", "bars"),
    "kind": functools.partial(check_choice, choices=KIND_NAMES, error=LayoutError),
    "col_wrap": functools.partial(check_integer, lowest=1),
    "height": functools.partial(_length, unit="inches"),
    "aspect": _length,
    "status": _that(_is_status, "True, False, a status, or a list of these"),
    "figsize": _that(_is_size, "width and height in inches, such as (3.4, 2.4)"),
    "title": check_string,
}


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of a function of data and the arguments of a `PlotSpec`."""
    signature = inspect.signature(function)
    by_place = ("x", "y")
    parameters = [next(iter(signature.parameters.values()))]
    for argument in fields(PlotSpec):
        kind = (
            inspect.Parameter.POSITIONAL_OR_KEYWORD
            if argument.name in by_place
            else inspect.Parameter.KEYWORD_ONLY
        )
        parameters.append(
            inspect.Parameter(argument.name, kind, default=argument.default, annotation=argument.type)
        )
    return signature.replace(parameters=parameters)


# What the same is called elsewhere.
_OTHERS = {
    **dict.fromkeys(("color", "colour", "c", "group", "by"), "hue"),
    **dict.fromkeys(("yerr", "err", "errorbar", "aggregate"), "error"),
    **dict.fromkeys(("cols", "column"), "col"),
    **dict.fromkeys(("axes", "axis"), "ax"),
    **dict.fromkeys(("hue_order", "style_order", "row_order", "col_order"), "order"),
    **dict.fromkeys(("colormap", "colourmap"), "cmap"),
    **dict.fromkeys(("hue_norm", "huescale", "hscale"), "hue_scale"),
    "colors": "palette",
    "size": "figsize",
    "suptitle": "title",
    "rows": "row",
    "logx": "xscale",
    "logy": "yscale",
    "logz": "zscale",
    "norm": "zscale",
    "wrap": "col_wrap",
    "clim": "vmin and vmax",
}

# What is done otherwise.
_WAYS = {
    **dict.fromkeys(
        ("marker", "markers", "linestyle", "ls", "dashes", "linewidth", "lw", "alpha", "markersize", "ms"),
        "Keyword arguments for lines go into line_kw, such as line_kw={'marker': 's'}, those for points into scatter_kw. "
        "To tell values apart by dashes and markers, pass style='a', where a is a name in the data.",
    ),
    **dict.fromkeys(
        ("xlabel", "ylabel", "label", "legend_title"), "Pass labels={'a': '...'} to name what is in the data."
    ),
}


def _unknown_argument(name: str, known: Sequence[str]) -> ArgumentError:
    if name not in _OTHERS and name not in _WAYS:
        return unknown_argument("plot", name, known)
    value = "='log'" if name.startswith("log") else ""
    way = f"Use {_OTHERS[name]}{value}." if name in _OTHERS else _WAYS[name]
    return ArgumentError(f"plot() has no argument '{name}'.", ways=[way])

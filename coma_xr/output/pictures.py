"""The figures of a report: for each variable what goes where, chosen from its dims, drawn and put into the page."""

from __future__ import annotations

import base64
import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib import rc_context, rcParams, rcParamsDefault

from coma_xr.errors import ComaWarning, LayoutError, warning_once
from coma_xr.html import Html, tag, text_of
from coma_xr.plotting.data import Data
from coma_xr.plotting.draw import draw
from coma_xr.plotting.panels import png_of
from coma_xr.plotting.quantities import quantity
from coma_xr.same import is_null
from coma_xr.text import items_of, listing, ordinal

if TYPE_CHECKING:
    import xarray as xr


# Of a dim on hue so many values are distinguished; with more, and many on x, a map is drawn.
_HUES = 9
_PANELS = 4
_THINNED = 7
_VECTOR = 8
_TOGETHER = 3

# More points than this are thinned out; one does not see them all.
_POINTS = 100_000

# Arrays may lie in files, be read when they are used, and not fit into memory.
_BYTES = 2**28

_REPEAT = "repeat"
_MEASUREMENT = "measurement"
_NUMBERS = "biufmM"


@dataclass(frozen=True)
class Choice:
    """One figure."""

    variables: tuple[str, ...]
    arguments: Mapping[str, Any]
    at: Mapping[str, int] = field(default_factory=dict)
    every: Mapping[str, int] = field(default_factory=dict)
    # Why these parameters were chosen, where it does not follow from the dims.
    why: str = ""
    # Dims along which nothing changes, so that curves would be identical.
    same: Sequence[str] = ()

    def part(self, ds: xr.Dataset) -> xr.Dataset:
        """Return what is drawn of a Dataset."""
        steps = {dim: slice(None, None, step) for dim, step in self.every.items()}
        return ds.isel({**self.at, **steps})


@dataclass(frozen=True)
class DefinedFigure:
    """A figure that the user keeps with the experiment; an error in place of its Dataset when there is none."""

    name: str
    dataset: xr.Dataset | Exception
    arguments: Mapping[str, Any]
    where: str | None = None


def choose(ds: xr.Dataset, most: int = 6) -> tuple[list[Choice], dict[str, str]]:
    """Return the figures that sum a Dataset up, and why variables are in none of them.

    >>> import xarray as xr
    >>> t = xr.DataArray(np.arange(40.0).reshape(2, 20), dims=("theta_0", "theta"))
    >>> ds = xr.Dataset({"t": t, "model": "Ising"}, coords={"theta_0": [-5, -60]})
    >>> choose(ds)
    ([Choice(variables=('t',), arguments={'x': 'theta', 'y': 't', 'hue': 'theta_0'}, at={}, every={}, why='', same=())],
     {'model': 'is text'})
    """
    reasons: dict[str, str] = {}
    figures: list[Choice] = []
    groups = _groups(ds, reasons)
    for number, names in enumerate(groups):
        if len(figures) == most:
            reasons |= {name: f"is one of more than {most}" for group in groups[number:] for name in group}
            break
        choice = _choice(ds, names)
        if choice is None:
            reasons |= dict.fromkeys(names, "has no parameter to be drawn over")
        else:
            figures.append(choice)
    return figures, reasons


def _groups(ds: xr.Dataset, reasons: dict[str, str]) -> list[tuple[str, ...]]:
    """Return the variables that can be drawn, together those of the same dims and units."""
    groups: dict[Any, list[str]] = {}
    for name, variable in ds.data_vars.items():
        why = _not_drawn(variable)
        if why:
            reasons[str(name)] = why
            continue
        units = variable.attrs.get("units")
        key = (variable.dims, str(units), _dates(variable)) if units else name
        groups.setdefault(key, []).append(str(name))
    return [
        tuple(names[first : first + _TOGETHER])
        for names in groups.values()
        for first in range(0, len(names), _TOGETHER)
    ]


def _dates(variable: xr.DataArray) -> bool:
    return variable.dtype.kind in "mM"


def _not_drawn(variable: xr.DataArray) -> str:
    """Return why a variable is in no figure; nothing when it can be."""
    kind = variable.dtype.kind
    if kind == "c":
        return "is complex; plot its real part or its absolute value"
    if kind not in _NUMBERS:
        return "is text" if kind in "UST" else _not_numbers(variable.values)
    if max(variable.shape, default=0) < 2:
        return "is a single value"
    if variable.nbytes > _BYTES:
        return f"has {variable.nbytes / 2**20:,.0f} MiB, which are not read for a report; plot a part of it"
    present = variable.values[_there(variable)]
    if present.size < 2:
        return "has no values" if not present.size else "has one value only"
    if not (present == present.flat[0]).all():
        return ""
    has_ends = kind == "f" and np.isinf(variable.values).any()
    return "is the same everywhere" + (", except where it is infinite" if has_ends else "")


def _not_numbers(values: Any) -> str:
    """Return why objects are not drawn, by the types of those that are not missing."""
    types = {type(value) for value in values.flat if not is_null(value)}
    if not types:
        return "has no values"
    if types <= {str}:
        return "is text"
    if types <= {bool, np.bool_}:
        return "is True, False and missing; plot it as numbers, with astype(float)"
    if types <= {str, bool, np.bool_, int, float}:
        return f"has values of different types: {listing(sorted(kind.__name__ for kind in types))}"
    return "has cells that are not single numbers"


def _there(variable: xr.DataArray) -> Any:
    values = variable.values
    return np.isfinite(values) if values.dtype.kind in "fmM" else np.ones(values.shape, dtype=bool)


def _choice(ds: xr.Dataset, names: tuple[str, ...]) -> Choice | None:
    """Return the figure of variables with the same dims; None when they vary with nothing that could be on x."""
    variable = ds[names[0]]
    if _MEASUREMENT in variable.dims and _MEASUREMENT not in ds.variables:
        return _of_points(ds, names)
    return _of_grid(ds, names)


def _of_grid(ds: xr.Dataset, names: tuple[str, ...]) -> Choice | None:
    """Choose what goes where for variables over dims."""
    variable = ds[names[0]]
    dims = [str(dim) for dim in variable.dims if ds.sizes[dim] > 1 and dim != _REPEAT]
    if not dims:
        return None
    same = [dim for dim in dims if all(_is_same_along(ds[name], dim) for name in names)]
    if 0 < len(same) < len(dims):
        at = _fullest(variable, same)
        choice = _of_grid(ds.isel({dim: [place] for dim, place in at.items()}), names)
        return choice and replace(choice, at={**at, **choice.at}, same=same)
    data = Data.of(ds)
    x = max(dims, key=lambda dim: _suits_x(ds, dim))
    # What was scanned is told apart before the items of lists.
    free_dims = sorted(
        (dim for dim in dims if dim != x), key=lambda dim: (_is_inner(ds, dim), -ds.sizes[dim])
    )
    arguments: dict[str, Any] = {"x": data.labelling(x), "y": _one_or_all(names)}
    every: dict[str, int] = {}
    repeats = _REPEAT in variable.dims
    wide = [dim for dim in (x, *free_dims) if ds.sizes[dim] > _HUES and _is_numeric(ds, dim)]
    along = _along(ds, x, str(arguments["x"]))
    if len(wide) > 1 and x in wide and len(names) == 1 and not repeats:
        arguments |= {"y": data.labelling(wide[1]), "z": names[0]}
        free_dims.remove(wide[1])
    elif along and len(names) == 1:
        arguments["hue"] = along
    elif free_dims and len(names) == 1:
        hue = next((dim for dim in free_dims if ds.sizes[dim] <= _HUES), free_dims[0])
        every = {hue: math.ceil(ds.sizes[hue] / _THINNED)} if ds.sizes[hue] > _HUES else {}
        arguments["hue"] = hue
        free_dims.remove(hue)
    for dim in [dim for dim in free_dims if ds.sizes[dim] <= _PANELS][:1]:
        arguments["col"] = dim
        free_dims.remove(dim)
    if repeats:
        arguments["error"] = _REPEAT
    return _thinned(variable, Choice(names, arguments, _fullest(variable, free_dims), every), x)


def _is_same_along(variable: xr.DataArray, dim: str) -> bool:
    """Whether the values of a variable do not depend on a dim; missing ones do not count."""
    axis, is_present = variable.get_axis_num(dim), _there(variable)
    first = np.take_along_axis(variable.values, np.expand_dims(is_present.argmax(axis), axis), axis)
    return bool(((variable.values == first) | ~is_present).all())


def _along(ds: xr.Dataset, dim: str, x: str) -> str | None:
    """Return a parameter that has few values along a dim, so that several curves lie along it."""
    for name in _parameters(ds):
        if name != x and ds[name].dims == (dim,) and 1 < _distinct(ds[name]) <= min(_HUES, ds.sizes[dim] / 3):
            return name
    return None


def _one_or_all(names: tuple[str, ...]) -> Any:
    return names[0] if len(names) == 1 else list(names)


def _is_numeric(ds: xr.Dataset, dim: str) -> bool:
    return dim not in ds.variables or ds[dim].dtype.kind in "iufmM"


def _suits_x(ds: xr.Dataset, dim: str) -> tuple[bool, bool, int, bool]:
    """Return how well a dim suits the x axis: best a vector with labels, such as the time, else what has most values.

    Items of a list without labels are on x only when they are more than the values of each parameter.
    """
    size, is_inner = ds.sizes[dim], _is_inner(ds, dim)
    counts = dim not in ds.variables or (ds[dim].dtype.kind in "iu" and bool((np.diff(ds[dim]) == 1).all()))
    has_labels = is_inner and not counts and size >= _VECTOR
    return _is_numeric(ds, dim), has_labels, size if size >= _VECTOR or not is_inner else 1, not is_inner


def _is_inner(ds: xr.Dataset, dim: str) -> bool:
    """Whether a dim is one of the lists and arrays in measurements, and not of the measurements themselves."""
    return not any(dim in ds[name].dims for name in _parameters(ds))


def _parameters(ds: xr.Dataset) -> list[str]:
    return [
        str(name)
        for name, coord in ds.coords.items()
        if str(coord.attrs.get("path", "")).startswith("parameters/")
    ]


def _of_points(ds: xr.Dataset, names: tuple[str, ...]) -> Choice | None:
    """Choose what goes where for variables over points that lie on no grid."""
    variable = ds[names[0]]
    inner = [str(dim) for dim in variable.dims if dim != _MEASUREMENT and ds.sizes[dim] > 1]
    vectors = [dim for dim in inner if ds.sizes[dim] >= _VECTOR and _is_numeric(ds, dim)]
    if vectors and len(names) == 1:
        x, size = vectors[0], ds.sizes[_MEASUREMENT]
        at = _fullest(variable, [dim for dim in inner if dim != x])
        every = {_MEASUREMENT: math.ceil(size / _THINNED)} if size > _HUES else {}
        arguments = {"x": Data.of(ds).labelling(x), "y": names[0], "hue": _MEASUREMENT}
        return _thinned(variable, Choice(names, arguments, at, every), x)
    distinct = {name: _distinct(ds[name]) for name in _parameters(ds) if ds[name].dims == (_MEASUREMENT,)}
    numeric = [name for name in distinct if ds[name].dtype.kind in "iuf" and distinct[name] > 1]
    if not numeric:
        return None
    at = _fullest(variable, inner)
    correlations = {name: _rank_correlations(ds[name].values, variable.isel(at).values) for name in numeric}
    influence = {name: max(map(abs, pair)) for name, pair in correlations.items()}
    numeric.sort(key=lambda name: (-round(influence[name], 2), -distinct[name]))
    why = ""
    if len(numeric) > 1:
        first = ", ".join(_correlation_text(name, *correlations[name]) for name in numeric[:3])
        why = f"chosen by Spearman's rank correlation with {names[0]}: {first}"
    if len(numeric) > 1 and min(distinct[name] for name in numeric[:2]) > _HUES and len(names) == 1:
        arguments = {"x": numeric[0], "y": numeric[1], "z": names[0], "kind": "scatter"}
    else:
        x = max(numeric[:2], key=lambda name: distinct[name] > _HUES)
        arguments = {"x": x, "y": _one_or_all(names), "kind": "scatter"}
        few = [name for name in distinct if 1 < distinct[name] <= _HUES and name != x]
        if few and len(names) == 1:
            arguments["hue"] = max(few, key=lambda name: (influence.get(name, 0.0), distinct[name]))
    return _thinned(variable, Choice(names, arguments, at, why=why), _MEASUREMENT)


def _rank_correlations(x: Any, y: Any) -> tuple[float, float]:
    """Return Spearman's correlation of y with x, and with the distance of x from its median, where y has an extreme.

    These are Pearson's correlations of the ranks: C. Spearman, American Journal of Psychology 15, 72 (1904).
    """
    is_finite = np.isfinite(x) & np.isfinite(y.astype(float))
    if is_finite.sum() < 3:
        return 0.0, 0.0
    ranks, other = pd.Series(x[is_finite]).rank(), pd.Series(y[is_finite].astype(float)).rank()
    distance = (ranks - ranks.mean()).abs().rank()
    rho, of_distance = (
        float(part.corr(other)) if part.std() > 0 and other.std() > 0 else 0.0 for part in (ranks, distance)
    )
    return rho, of_distance


def _correlation_text(name: str, rho: float, of_distance: float) -> str:
    """Return a correlation with its sign; also that of the distance from the median, where this decided."""
    # Adding 0.0 removes the sign of -0.0.
    text = f"{name} {round(rho, 2) + 0.0:.2f}"
    decided = abs(of_distance) > abs(rho)
    return f"{text} ({of_distance:.2f} with the distance from its median)" if decided else text


def _distinct(coord: xr.DataArray) -> int:
    return len(set(map(str, coord.values.tolist())))


def _fullest(variable: xr.DataArray, dims: Sequence[str]) -> dict[str, int]:
    """Return the positions along dims with the most values, preferably values that are not all equal."""
    at = {}
    for dim in dims:
        ordered = variable.transpose(dim, ...)
        values, is_present = (array.reshape(len(array), -1) for array in (ordered.values, _there(ordered)))
        first = np.take_along_axis(values, is_present.argmax(1)[:, None], 1)
        varies = ((values != first) & is_present).any(axis=1)
        at[dim] = int((2 * is_present.sum(axis=1) + varies).argmax())
        # xarray refuses to take some labels out of their array.
        variable = variable.drop_vars(dim, errors="ignore").isel({dim: at[dim]})
    return at


def _thinned(variable: xr.DataArray, choice: Choice, dim: str) -> Choice:
    """Leave out points along a dim where there are too many to be seen."""
    sizes = {
        str(name): math.ceil(size / choice.every.get(str(name), 1))
        for name, size in variable.sizes.items()
        if name not in choice.at
    }
    number = math.prod(sizes.values())
    if number <= _POINTS:
        return choice
    return replace(choice, every={**choice.every, dim: math.ceil(number / _POINTS)})


_HEIGHT = 3.0

# The colours of figures on a dark page: of the ground, and of text and lines on it.
DARK_GROUND, DARK_TEXT = "#1d232b", "#e3e7ec"
DARK: Any = {
    **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), DARK_GROUND),
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), DARK_TEXT
    ),
    "grid.color": "#4a5462",
}


@dataclass(frozen=True)
class Pictures:
    """The figures of a report."""

    figures: list[Html]
    left: dict[str, str]


def draw_all(ds: xr.Dataset, call: str) -> Pictures:
    """Draw the figures that sum a Dataset up."""
    choices, reasons = choose(_with_numbers(ds))
    figures = []
    for choice in choices:
        try:
            figures.append(_figure(ds, choice, call))
        except Exception as error:  # noqa: BLE001  one that cannot be drawn, whatever it holds, spoils no report
            reason = f"cannot be drawn: {type(error).__name__}: {str(error)[:300]}"
            reasons |= dict.fromkeys(choice.variables, reason)
    return Pictures(figures, reasons)


def _with_numbers(ds: xr.Dataset) -> xr.Dataset:
    """Return a Dataset with numbers for objects that a figure draws as such: Decimals, times with a zone, None."""
    numbers = {}
    for name, variable in ds.data_vars.items():
        if variable.dtype.kind == "O":
            with suppress(LayoutError):
                found = quantity(str(name), variable.variable)
                if found.type != "name":
                    numbers[name] = variable.copy(data=found.values.values)
    return ds.assign(numbers)


def draw_defined(defined: DefinedFigure) -> Html:
    """Draw a figure that is kept with the experiment, or state why it cannot be drawn."""
    caption = [tag("b", defined.name), f"; only {defined.where}" if defined.where else ""]
    code = f"e.plot({defined.name!r})"
    try:
        if isinstance(defined.dataset, Exception):
            raise defined.dataset
        picture, warned = _picture(defined.dataset, defined.arguments, defined.name)
    except Exception as error:  # noqa: BLE001  one that cannot be drawn, whatever it holds, spoils no report
        return tag("p", *caption, f" cannot be drawn: {str(error)[:300]}", class_="coma-bad")
    return _framed(picture, [*caption, *(f"; {note}" for note in warned), "."], code)


def _figure(ds: xr.Dataset, choice: Choice, call: str) -> Html:
    names = " and ".join(choice.variables)
    over = choice.arguments["x"] + (f" and {choice.arguments['y']}" if "z" in choice.arguments else "")
    arguments = {"height": _HEIGHT, **choice.arguments}
    picture, warned = _picture(choice.part(ds), arguments, f"{names} over {over}")
    notes = [*_notes(ds, choice), *(f"{note[:1].lower()}{note[1:].rstrip('.')}" for note in warned)]
    caption = [tag("b", names), f" over {over}", *(f"; {note}" for note in notes), "."]
    return _framed(picture, caption, _code(choice, call))


def _picture(ds: xr.Dataset, arguments: Mapping[str, Any], alt: str) -> tuple[Html, list[str]]:
    """Return a figure as an image, a light and a dark one, and the warnings that came with it."""
    with warning_once(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        png, size = png_of(draw(ds, **arguments))
    notes = [str(warning.message) for warning in caught if issubclass(warning.category, ComaWarning)]
    image = tag("img", src=_source(png), alt=alt, **size)
    if rcParams["axes.facecolor"] != rcParamsDefault["axes.facecolor"]:
        # A style of the user's decides the colours.
        return image, notes
    with warning_once(), warnings.catch_warnings(), rc_context(DARK):
        warnings.simplefilter("ignore")
        png, _ = png_of(draw(ds, **arguments))
    source = tag("source", media="screen and (prefers-color-scheme: dark)", srcset=_source(png))
    return tag("picture", source, image), notes


def _source(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def _framed(picture: Html, caption: Iterable[object], code: str) -> Html:
    return tag(
        "figure",
        tag("div", picture, class_="coma-card", tabindex=0, role="group", aria_label="Figure"),
        tag("figcaption", *caption),
        tag("details", tag("summary", "Code"), tag("pre", code, tabindex=0)),
    )


def _notes(ds: xr.Dataset, choice: Choice) -> Iterable[str]:
    """Yield why its parameters were chosen, and what the figure does not show of its variables."""
    if choice.why:
        yield choice.why
    if choice.same:
        yield f"identical for all values of {' and '.join(choice.same)}"
    at = {dim: place for dim, place in choice.at.items() if dim not in choice.same}
    if at:
        places = ", ".join(f"{dim} = {_label(ds, dim, place)}" for dim, place in at.items())
        yield f"at {places} (of {', '.join(f'{ds.sizes[dim]:,}' for dim in at)} values)"
    for dim, step in choice.every.items():
        yield f"only every {ordinal(step)} value of {dim} is drawn"


def _label(ds: xr.Dataset, dim: str, place: int) -> str:
    return text_of(items_of(ds[dim].values[place : place + 1])[0]) if dim in ds.variables else str(place)


def _code(choice: Choice, call: str) -> str:
    parts = [f"{dim!r}: {place}" for dim, place in choice.at.items()]
    parts += [f"{dim!r}: slice(None, None, {step})" for dim, step in choice.every.items()]
    data = f"ds.isel({{{', '.join(parts)}}})" if parts else "ds"
    arguments = "".join(f", {key}={value!r}" for key, value in choice.arguments.items())
    return f"ds = {call}\ncoma.plot({data}{arguments})"

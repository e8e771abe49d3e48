"""The plan of a plot: what goes where, made from its arguments and the names in the data."""

from __future__ import annotations

import functools
import numbers
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from coma_xr.checks import setting
from coma_xr.errors import LayoutError, Way
from coma_xr.plotting.data import REPEAT, VARIABLE, Data
from coma_xr.text import count, listing

if TYPE_CHECKING:
    from coma_xr.plotting.arguments import PlotSpec

GROUPS = ("hue", "style", "row", "col")


# ------------------------------------------------------------------------------------------ kinds and errors


@dataclass(frozen=True)
class Kind:
    """A kind of plot: one entry in the table of kinds."""

    draw: Callable[..., None]
    layout: Literal["curve", "points", "map", "counts", "samples"]
    takes: tuple[str, ...]
    settings: tuple[str, ...] = ()


# What an error is, as the figure words it; `{}` is the level.
SPREADS = {
    "se": "mean ± standard error",
    "sd": "mean ± standard deviation",
    "ci": "mean and {} % confidence interval",
    "percentile": "median and {} % of the values",
    "binned": "mean ± standard error from binning",
}
DEFAULT_LEVELS = {"ci": 95.0, "percentile": 90.0}


@dataclass(frozen=True)
class Spread:
    """How the error of a mean is computed: one of `SPREADS`, with a part in percent or two percentiles."""

    how: str = "se"
    level: float | tuple[float, float] | None = None

    def __str__(self) -> str:
        level = self.level
        if isinstance(level, tuple):
            return f"median and percentiles {level[0]:g} to {level[1]:g}"
        return SPREADS[self.how].format("" if level is None else f"{level:g}")


def _spread_of(data: Data, error: Any) -> tuple[Spread, tuple[Any, ...]] | None:
    """Return how an error is computed and the dims named for it, or None when it is names alone."""
    words = (error,) if isinstance(error, str) else error
    if not isinstance(words, tuple) or not words or words[0] not in SPREADS or data.has(words[0]):
        return None
    how, *more = words
    levels = [part for part in more if not isinstance(part, str)]
    level: Any = levels[0] if levels else DEFAULT_LEVELS.get(how)
    if len(levels) > 1 or (level is not None and how not in DEFAULT_LEVELS):
        raise LayoutError(
            setting("error", error, "cannot be used."),
            expected=Way(f"error=({how!r}, dim)", f"--error {how},DIM"),
        )
    if isinstance(level, (tuple, list)) and how == "percentile" and len(level) == 2:
        level = (float(level[0]), float(level[1]))
        parts: tuple[float, ...] = level
    else:
        parts = () if level is None else (level,)
    for part in parts:
        if not isinstance(part, numbers.Real) or isinstance(part, bool) or not 0 <= part <= 100:
            raise LayoutError(
                setting("error", error, "cannot be used."),
                expected=Way(
                    f"a part in percent, such as ({how!r}, 95)", f"a part in percent, such as {how},95"
                ),
            )
    return Spread(how, level), tuple(part for part in more if isinstance(part, str))


# ------------------------------------------------------------------------------------------ plan


@dataclass(frozen=True)
class Plan:
    """What goes where: names of variables for each argument, and what becomes of the dims."""

    spec: PlotSpec
    kinds: Mapping[str, Kind]
    # Empty where only the values can tell a line from points or a map.
    kind: str = ""
    x: tuple[str, ...] = ()
    y: tuple[str, ...] = ()
    error: tuple[str, ...] = ()
    z: str | None = None
    hue: str | None = None
    style: str | None = None
    row: str | None = None
    col: str | None = None
    # The dims that one curve runs along, or that a map lies over.
    along: tuple[str, ...] = ()
    # The dims over which the mean is taken, or whose values a box sums up.
    averaged: tuple[str, ...] = ()
    spread: Spread | None = None
    # Whether the mean is taken over rows of a table that are equal in all else that is drawn.
    rows: bool = False

    @functools.cached_property
    def layout(self) -> str:
        """What the kind makes of the values: "curve", "points", "map", "counts" or "samples"; empty without a kind."""
        return self.kinds[self.kind].layout if self.kind else ""

    @functools.cached_property
    def roles(self) -> dict[str, str]:
        """The arguments that distinguish groups, with their variables."""
        pairs = {role: getattr(self, role) for role in GROUPS}
        return {role: name for role, name in pairs.items() if name is not None}

    @functools.cached_property
    def grouping(self) -> tuple[str, ...]:
        """The variables of the Dataset that distinguish groups."""
        return tuple(name for name in self.roles.values() if name != VARIABLE)

    @functools.cached_property
    def measured(self) -> tuple[str, ...]:
        """The variables that are drawn."""
        return (*self.x, *self.y, *self.error, *((self.z,) if self.z else ()))

    @functools.cached_property
    def several(self) -> bool:
        """Whether an axis shows several variables."""
        return len(self.x) > 1 or len(self.y) > 1

    @functools.cached_property
    def is_surface(self) -> bool:
        """Whether a third variable is shown as a colour over x and y."""
        return self.z is not None


def plan(data: Data, spec: PlotSpec, kinds: Mapping[str, Kind]) -> tuple[Data, Plan]:
    """Return what goes where, and the data with lists of equal lengths along one dim.
    Raise PathError or LayoutError when a name is unknown, the arguments do not fit together, or a dim is used
    by nothing.
    """
    data, new = planned(data, spec, kinds)
    _check_used(data, new)
    return data, new


def planned(data: Data, spec: PlotSpec, kinds: Mapping[str, Kind]) -> tuple[Data, Plan]:
    """Return the plan of a plot, and its data, where dims may be left that nothing uses."""
    if spec.kind is not None and spec.kind not in kinds:
        raise LayoutError(setting("kind", spec.kind, "is unknown."), name=str(spec.kind), available=kinds)
    several = any(isinstance(names, (list, tuple)) for names in (spec.x, spec.y))
    singles = {role: _single(data, getattr(spec, role), role, several) for role in ("z", *GROUPS)}
    new = Plan(spec, kinds, spec.kind or "", _names(data, spec.x, "x"), _names(data, spec.y, "y"), **singles)  # type: ignore[arg-type]
    if len(new.x) == len(new.y) == 1:
        data = data.aligned(new.x[0], new.y[0])
    new = _with_error(data, new)
    _check_lists(new)
    new = _with_axes(data, new)
    _check_kind(new)
    new = _with_variable(new)
    new = _with_along(data, new)
    return data, new


def _names(data: Data, names: Any, role: str) -> tuple[str, ...]:
    if names is None:
        return ()
    if isinstance(names, (list, tuple)):
        if not names:
            raise LayoutError(f"{role}=[] is empty.", available=data.choices())
        found = tuple(data.find(name, role) for name in names)
        if len(set(found)) < len(found):
            raise LayoutError(
                setting(role, list(found), "names a variable twice."), expected="different variables"
            )
        return found
    return (data.find(names, role),)


def _single(data: Data, name: Any, role: str, several: bool) -> str | None:
    if name is None:
        return None
    if isinstance(name, (list, tuple)):
        ways = ["Give one name, or give several to y, which are distinguished as 'variable'."]
        raise LayoutError(f"{role}={list(name)!r}: only x and y take several variables.", ways=ways)
    if name == VARIABLE and several and role != "z" and VARIABLE not in data.ds.variables:
        return VARIABLE
    return data.find(name, role)


def _with_error(data: Data, new: Plan) -> Plan:
    """Add the dims over which the mean is taken, and where the error comes from."""
    given = _spread_of(data, new.spec.error)
    spread, words = given if given is not None else (Spread(), new.spec.error)
    names = _names(data, words or None, "error")
    over = tuple(name for name in names if name in data.ds.dims)
    if len(over) < len(names) and (over or given is not None) and not data.is_table:
        raise LayoutError(
            setting("error", new.spec.error, "mixes dims and variables."), ways=["Give dims or variables."]
        )
    taken = {name: role for role, name in new.roles.items()} | dict.fromkeys(new.x, "x")
    taken |= dict.fromkeys((name for name in new.y if not data.is_variable(name)), "y")
    if new.layout == "counts":
        return replace(new, error=names, spread=spread if given or over else None)
    in_rows = _repeats_in_rows(data, {*taken, *new.y, new.z})
    if in_rows and new.layout != "samples" and (names in {(), (REPEAT,)}):
        return replace(new, rows=True, spread=spread if given or names else None)
    for dim in over:
        if dim in taken:
            raise LayoutError(
                f"The dim {dim!r} is on {taken[dim]} and cannot be averaged over as well.",
                ways=[f"Leave {dim!r} out of error or off {taken[dim]}."],
            )
    if over:
        return replace(new, averaged=over, spread=spread)
    if given is not None or new.layout == "samples":
        left = (REPEAT,) if REPEAT in data.ds.dims and REPEAT not in taken else _left(data, new, *new.y)
        if not left and not data.is_table:
            way = Way(
                f"Name the dim: error=({spread.how!r}, ..., dim).", f"Name the dim: --error {spread.how},DIM."
            )
            raise LayoutError(setting("error", new.spec.error, "needs a dim, and none is left."), ways=[way])
        return replace(new, averaged=left, spread=spread, rows=data.is_table)
    # y of a map is an axis like x; a dim or coord is one in every plot.
    axes = [name for name in (*new.y, new.z) if name and not data.is_variable(name)]
    used = data.dims(*new.grouping, *new.x, *axes, *(new.y if new.z else ()))
    mean = (REPEAT,) if REPEAT in data.ds.dims and REPEAT not in used else ()
    return replace(new, error=names, averaged=mean)


def _repeats_in_rows(data: Data, used: set[str | None]) -> bool:
    """Return whether a table has a column of repeats that nothing uses."""
    is_column = REPEAT in data.ds.variables and REPEAT not in data.ds.dims
    return is_column and REPEAT not in used and data.is_points(REPEAT)


def _check_lists(new: Plan) -> None:
    if len(new.x) > 1 and len(new.y) > 1:
        ways = [Way("Plot pair by pair, with ax=.", "Plot pair by pair.")]
        raise LayoutError("x and y both name several variables; only one of them can.", ways=ways)
    wanted = max(len(new.x), len(new.y), 1)
    if new.error and len(new.error) != wanted:
        said = f"error names {count(len(new.error), 'variable')} for {wanted}."
        raise LayoutError(said, ways=["Give one error for each variable, in the same order."])


def _with_axes(data: Data, new: Plan) -> Plan:
    """Choose x, y and z where they were not given."""
    only = data.only if data.only not in {*new.x, *new.y, *new.grouping, *new.error, new.z} else None
    if new.layout == "map" or new.z:
        return _with_plane(data, replace(new, z=new.z or only))
    if new.layout == "counts":
        return replace(new, x=new.x or ((only,) if only else ()))
    if not new.y and only and new.x and not _is_over(data, new.x[0], only):
        return new if data.is_variable(new.x[0]) else replace(new, y=(only,))
    if not new.y and only:
        left = _left(data, new, only)
        if len(left) == 2 and not new.kind and not new.hue and not new.style and not new.error:
            return _with_plane(data, replace(new, z=only))
        new = replace(new, y=(only,))
    elif new.x and new.y and only and not new.kind and _is_plane(data, new):
        return replace(new, z=only)
    if new.x and not new.y and (new.kind or not data.is_variable(new.x[0])):
        ways = ["Give y."]
        raise LayoutError(
            f"Which variable is plotted over {new.x[0]!r}?", available=data.choices(), ways=ways
        )
    if not new.x and not new.y:
        raise LayoutError("Neither x nor y is given.", available=data.choices(), ways=["Give y, and x."])
    if not new.x:
        new = replace(new, x=(_default_x(data, new),))
    if new.x and not new.y:
        return replace(new, kind=new.kind or "hist")
    return new


def _is_over(data: Data, x: str, y: str) -> bool:
    return not data.is_variable(x) and (not data.dims(y) or bool({*data.dims(x)} & {*data.dims(y)}))


def _is_plane(data: Data, new: Plan) -> bool:
    """Return whether x and y are dims that a map could lie over."""
    given = (*new.x, *new.y)
    if len(given) != 2 or any(data.is_variable(name) for name in given) or new.hue or new.style:
        return False
    return len(data.dims(*given)) == 2 and set(data.dims(*given)) <= set(data.dims(str(data.only)))


def _left(data: Data, new: Plan, *names: str) -> tuple[str, ...]:
    """Return the dims of variables that nothing uses yet."""
    used = {*data.dims(*new.grouping, *new.x), *new.averaged}
    return tuple(dim for dim in data.long_dims(*names) if dim not in used)


def _with_plane(data: Data, new: Plan) -> Plan:
    """Choose the axes of a map among the dims of z."""
    if new.z is None:
        raise LayoutError("Which variable gives the colours?", available=data.choices(), ways=["Give z."])
    used = {*data.dims(*new.grouping, *new.x, *new.y), *new.averaged}
    free = [dim for dim in data.dims(new.z) if dim not in used]
    wanted = 2 - bool(new.x) - bool(new.y)
    long = [dim for dim in free if data.ds.sizes[dim] != 1]
    free = long if len(long) >= wanted else free
    if len(free) != wanted and wanted:
        dims = listing(data.dims(new.z))
        raise LayoutError(f"A map of {new.z!r} (over {dims}) needs two axes.", ways=["Give x and y."])
    # Rows are drawn upwards and columns to the right, as xarray does.
    y = new.y or (data.labelling(free.pop(0)),)
    return replace(new, y=y, x=new.x or (data.labelling(free.pop(0)),))


def _default_x(data: Data, new: Plan) -> str:
    left = _left(data, new, new.y[0])
    if len(left) == 1:
        return data.labelling(left[0])
    dims = [dim for dim in data.dims(new.y[0]) if dim not in {*data.dims(*new.grouping), *new.averaged}]
    if not left and len(dims) == 1:
        return data.labelling(dims[0])
    if not left and set(dims) <= {*new.averaged} and new.averaged:
        raise LayoutError(
            f"{new.y[0]!r} varies over {listing(new.averaged)} alone, and nothing is left for x.",
            ways=["Leave out error, or name x."],
        )
    varied = next((name for name in new.y if data.dims(name)), None)
    if varied is None:
        are = "is one value" if len(new.y) == 1 else "are one value each"
        said = f"{listing(map(repr, new.y))} {are}, with no dim to draw over."
        raise LayoutError(said, available=data.choices())
    dims = list(_left(data, new, varied) or data.dims(varied))
    raise LayoutError(
        f"What is on x? {varied!r} varies over {listing(dims)}.", ways=["Give one of them to x."]
    )


def _check_kind(new: Plan) -> None:
    """Raise where a kind of plot has no use for an argument."""
    given = {"y": new.y, "z": new.z, "hue": new.hue, "style": new.style, "error": new.error or new.spread}
    used = [role for role, names in given.items() if names]
    if new.layout == "counts" and not new.x:
        raise LayoutError(f"A {new.kind} counts the values of x.", ways=["Give x."])
    if new.is_surface and new.several:
        raise LayoutError(
            "A map has one x and one y.", ways=[Way("Plot map by map, with ax=.", "Plot map by map.")]
        )
    if new.is_surface:
        in_map = {"y", "z", *(("style",) if new.layout == "points" else ())}
        for role in used:
            if role not in in_map:
                way: str | Way = "Give it to row or col."
                if role == "error":
                    way = Way("Map the error itself: z='..._err'.", "Map the error itself: -z NAME_err.")
                raise LayoutError(f"In a map the colour shows z ({new.z!r}), there is no {role}.", ways=[way])
    takes = new.kinds[new.kind].takes if new.kind else ()
    for role in used if new.kind else ():
        if role not in takes:
            ways = [f"Leave out {role}, or the kind."]
            raise LayoutError(setting("kind", new.kind, f"has no {role}."), ways=ways)


def _with_variable(new: Plan) -> Plan:
    """Tell several variables apart by what is not used yet."""
    if not new.several or VARIABLE in new.roles.values():
        return new
    has_style = new.layout in {"", "curve", "points"}
    if new.hue is None and new.style is None:
        return replace(new, hue=VARIABLE, style=VARIABLE if has_style else None)
    for role in ("style", "hue", "row", "col"):
        if getattr(new, role) is None and (role != "style" or has_style):
            return replace(new, **{role: VARIABLE})  # type: ignore[arg-type]
    raise LayoutError(
        "hue, style, row and col are all in use, and nothing is left to tell the variables apart.",
        ways=["Free one of them, or plot one variable."],
    )


def _with_along(data: Data, new: Plan) -> Plan:
    """Find the dims that a curve runs along, or that a map or cloud of points lies over."""
    if new.is_surface or new.layout not in {"", "curve"}:
        return replace(new, along=_over(data, new))
    candidates = [dim for dim in data.dims(*new.x) if dim not in {*data.dims(*new.grouping), *new.averaged}]
    candidates = [dim for dim in candidates if data.ds.sizes[dim] != 1] or candidates
    if not candidates:
        # What tells groups apart varies along the curve itself, as in a table.
        candidates = [dim for dim in data.long_dims(*new.x) if dim not in new.averaged][-1:]
    if len(candidates) > 1 and not new.kind and all(data.is_variable(name) for name in new.x):
        return replace(new, kind="scatter", along=_over(data, new))
    if len(candidates) > 1:
        unlabelled = [dim for dim in candidates if dim not in data.ds.variables]
        candidates = unlabelled[-1:] or candidates[-1:]
    return replace(new, along=tuple(candidates))


def _over(data: Data, new: Plan) -> tuple[str, ...]:
    """Return the dims along which the points themselves move."""
    # Asked for points, all of them are drawn: none hides another, as a curve would.
    points = new.is_surface or new.layout == "points"
    names = [*new.x, *(name for name in new.y if points or not data.is_variable(name))]
    return tuple(dim for dim in data.dims(*names) if dim not in new.averaged)


def unused_dims(data: Data, new: Plan) -> list[str]:
    """Return the dims of what is drawn that nothing in the plot uses."""
    used = {*data.dims(*new.grouping), *new.along, *new.averaged}
    return [dim for dim in data.long_dims(*new.measured) if dim not in used]


def _check_used(data: Data, new: Plan) -> None:
    """Raise when a dim is used by nothing, or a name has nothing to do with what is drawn."""
    unused = unused_dims(data, new)
    if unused:
        raise _unused(data, new, unused)
    values = [new.z] if new.z else [*new.y] if new.y else [*new.x]
    connected = {*data.long_dims(*values)}
    others = [*new.roles.items(), *(("x", name) for name in new.x), *(("y", name) for name in new.y)]
    over = {name: {*data.long_dims(name)} for _, name in others if name != VARIABLE}
    others = [(role, name) for role, name in others if over.get(name)]
    while others and connected:
        near = [over[name] for _, name in others if connected & over[name]]
        if not near:
            role, name = others[0]
            said = (
                f"{listing(values)} (over {listing(data.dims(*values))}) does not vary with {role}={name!r}"
            )
            ways = [f"Leave {role} out, or plot another variable."]
            raise LayoutError(f"{said} (over {listing(data.long_dims(name))}).", ways=ways)
        connected = connected.union(*near)
        others = [(role, name) for role, name in others if not over[name] <= connected]
    for dim in new.averaged if new.spread is not None else ():
        if dim not in data.dims(*new.y):
            said = f"{listing(new.y)} does not vary over {dim!r}, over which error is taken."
            raise LayoutError(said, name=dim, available=data.dims(*new.y))


def _unused(data: Data, new: Plan, unused: Sequence[str]) -> LayoutError:
    """Return the error for dims that nothing uses, with what can be done with them."""
    described = []
    for dim in unused:
        size, labels = data.ds.sizes[dim], dim in data.ds.variables
        some = f": {listing(data.variable(dim).values[:3].tolist())}" if labels else ""
        described.append(f"{dim!r} ({size} values{some}{', ...' if labels and size > 3 else ''})")
    first = unused[0]
    label = data.variable(first).values[:1].tolist()[0]
    is_label = first in data.ds.variables
    select = f"ds.sel({first}={label!r})" if is_label else f"ds.isel({first}=0)"
    what = [name for name in dict.fromkeys(new.measured) if {*data.dims(name)} & {*unused}]
    roles = ["row", "col"] if new.is_surface else ["hue", "style", "row", "col"]
    free = [role for role in roles if getattr(new, role) is None]
    ways: list[str | Way] = []
    if free:
        ways += [
            Way(
                f"Give it to {' or '.join(free)}: {free[0]}={first!r}.",
                f"Give it to --{' or --'.join(free)}: --{free[0]} {first}.",
            )
        ]
    where = f'Select one value: --where "{first} == {label!r}".' if is_label else ""
    ways += [Way(f"Select one value: {select}.", where)]
    if new.is_surface or new.layout == "counts":
        ways += [Way(f"Average over it: ds.mean({first!r}).", "")]
    else:
        ways += [Way(f"Average over it: error={first!r}.", f"Average over it: --error {first}.")]
    if not new.is_surface and set(unused) <= {*data.dims(*new.x, *new.y)}:
        ways += [Way("Draw all points: kind='scatter'.", "Draw all points: --kind scatter.")]
    dims = "the dim" if len(unused) == 1 else "the dims"
    vary = "varies" if len(what) == 1 else "vary"
    said = f"Nothing in this plot uses {dims} {' and '.join(described)}, over which {listing(what)} {vary}."
    return LayoutError(said, ways=ways)

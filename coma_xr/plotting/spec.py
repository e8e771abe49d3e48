"""What goes where in a plot: its arguments, the names in the data, and the plan made from both."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from coma_xr.errors import ExperimentError, LayoutError, PathError
from coma_xr.text import available, listing

# The name of what several variables on one axis differ in; hue, style, row and col know it.
VARIABLE = "variable"

UNNAMED = "value"
ROW = "row"

# Coords that describe a measurement or a list: never what a plot is about, unless named.
ABOUT = ("measurement_id", "measurement_status", "coma_status")


@dataclass(frozen=True)
class Data:
    """A Dataset, and what is known of where it came from.

    Parameters
    ----------
    ds : Dataset
        Its names are text.
    only : str, optional
        The variable that is meant when none is named.
    is_table : bool, default False
        Whether it was a table: nothing in it tells parameters from results.
    """

    ds: xr.Dataset
    only: str | None = None
    is_table: bool = False
    _paths: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, data: Any) -> Data:
        """Return a Dataset, DataArray or DataFrame in one form.

        Raises
        ------
        ExperimentError
            When it is anything else.
        """
        is_table = isinstance(data, pd.DataFrame)
        if isinstance(data, pd.Series):
            data = data.to_frame(UNNAMED if data.name is None else data.name)
            is_table = True
        if isinstance(data, pd.DataFrame):
            ds = _of_frame(data)
        elif isinstance(data, xr.DataArray):
            name = UNNAMED if data.name is None else data.name
            ds = data.to_dataset(name=name) if name not in data.coords else data.to_dataset(name=UNNAMED)
        elif isinstance(data, xr.Dataset):
            ds = data
        else:
            hint = " Use .to_dataset() or .to_dataframe()." if hasattr(data, "to_dataset") else ""
            kind = type(data).__name__
            raise ExperimentError(
                f"A Dataset, DataArray or DataFrame can be plotted, this is a {kind}.{hint}"
            )
        odd = {name: str(name) for name in {*ds.variables, *ds.dims} if not isinstance(name, str)}
        ds = ds.rename(odd) if odd else ds
        variables = [str(name) for name in ds.data_vars]
        paths = {str(v.attrs["path"]): str(n) for n, v in ds.variables.items() if "path" in v.attrs}
        return cls(ds, variables[0] if len(variables) == 1 else None, is_table, paths)

    def check_not_empty(self, *names: str) -> None:
        """Raise LayoutError when variables, by default all, have not one value."""
        over = [self.dims(name) for name in names or self.choices()]
        short = [next((dim for dim in dims if not self.ds.sizes[dim]), None) for dims in over]
        if not self.ds.variables or (short and None not in short):
            what = f"the dim {short[0]!r} has no values" if short else "there are no variables"
            raise LayoutError(
                f"There is nothing to plot: {what}. Was everything left out by a condition or selection?"
            )

    def find(self, name: Any, argument: str) -> str:
        """Return the name of a dim, coord or variable; it may have been given as a path.

        Raises
        ------
        PathError
            When there is no such thing.
        """
        if isinstance(name, str):
            if name in self.ds.variables or name in self.ds.dims:
                return name
            if name in self._paths:
                return self._paths[name]
        elif isinstance(name, Hashable) and str(name) in self.ds.variables:
            return str(name)
        names = [*self.ds.dims, *(name for name in self.ds.variables if name not in self.ds.dims)]
        there = available(str(name), [str(name) for name in names])
        raise PathError(f"{argument}={name!r} is no dim, coord or variable of what is plotted. {there}")

    def variable(self, name: str) -> xr.Variable:
        """Return a variable; a dim without labels counts from 0."""
        if name in self.ds.variables:
            return self.ds[name].variable
        return xr.Variable((name,), np.arange(self.ds.sizes[name]))

    def dims(self, *names: str) -> tuple[str, ...]:
        """Return the dims of variables, in the order of the Dataset."""
        found = {dim for name in names for dim in self.variable(name).dims}
        return tuple(str(dim) for dim in self.ds.dims if dim in found)

    def long_dims(self, *names: str) -> tuple[str, ...]:
        """Return those dims of variables that have not just one value."""
        return tuple(dim for dim in self.dims(*names) if self.ds.sizes[dim] != 1)

    def is_variable(self, name: str) -> bool:
        """Whether a name is a data variable's: a result, as far as that is known."""
        return name in self.ds.data_vars

    @property
    def is_ours(self) -> bool:
        """Whether variables say in their attrs which ones they are."""
        return any("name" in v.attrs and "path" in v.attrs for v in self.ds.variables.values())

    def is_points(self, name: str) -> bool:
        """Whether a variable lies along one dim that is nothing but a row of measurements."""
        dims = self.dims(name)
        return len(dims) == 1 and (self.is_table or dims[0] in {"measurement", ROW})

    def labelling(self, dim: str) -> str:
        """Return what tells best where on a dim one is: its labels, else the one coord that goes along it."""
        if dim in self.ds.variables:
            return dim
        along = [name for name, coord in self.ds.coords.items() if dim in coord.dims and _is_telling(name)]
        return str(along[0]) if len(along) == 1 else dim

    def choices(self) -> Sequence[str]:
        """Return the names of the data variables."""
        return [str(name) for name in self.ds.data_vars]


def _is_telling(name: Hashable) -> bool:
    return name not in ABOUT and not str(name).endswith("_length")


def _of_frame(frame: pd.DataFrame) -> xr.Dataset:
    """Return a table as variables along one dim."""
    named = [name for name in frame.index.names if name is not None and name not in frame.columns]
    frame = frame.reset_index(level=named, drop=False) if named else frame
    columns = [_column_name(name) for name in frame.columns]
    if len(set(columns)) < len(columns):
        double = next(name for name in columns if columns.count(name) > 1)
        raise ExperimentError(f"Two columns of the table have the name {double!r}. Give each its own.")
    dim = _free(ROW, columns)
    return xr.Dataset(
        {
            name: xr.Variable((dim,), frame.iloc[:, at].array, {**frame.iloc[:, at].attrs})
            for at, name in enumerate(columns)
        },
        attrs=dict(frame.attrs),
    )


def _column_name(name: Hashable) -> str:
    return " ".join(str(part) for part in name if part != "") if isinstance(name, tuple) else str(name)


def _free(name: str, taken: Iterable[str]) -> str:
    taken = set(taken)
    while name in taken:
        name += "_"
    return name


KINDS = ("line", "scatter", "heatmap", "contour", "hist")
SURFACES = ("heatmap", "contour")

# The dim of several measurements with equal parameters.
REPEAT = "repeat"


@dataclass(frozen=True)
class Plan:
    """What goes where.

    Parameters
    ----------
    kind : str
        One of `KINDS`; empty where only the values can tell a line from points or a map.
    x, y, error : tuple of str
        Names of variables; one of `x` and `y` may have several, `error` as many or none.
    z, hue, style, row, col : str, optional
        Names of variables; the last four may be ``"variable"``.
    along : tuple of str
        The dims that one curve runs along, or that a map lies over.
    averaged : tuple of str
        The dims over which the mean is taken.
    spread : bool
        Whether the standard error of that mean is drawn.
    rows : bool
        Whether the mean is taken over rows of a table that are equal in all else that is drawn.
    """

    kind: str
    x: tuple[str, ...] = ()
    y: tuple[str, ...] = ()
    error: tuple[str, ...] = ()
    z: str | None = None
    hue: str | None = None
    style: str | None = None
    row: str | None = None
    col: str | None = None
    along: tuple[str, ...] = ()
    averaged: tuple[str, ...] = ()
    spread: bool = False
    rows: bool = False

    @property
    def roles(self) -> dict[str, str]:
        """The arguments that tell groups apart, with their variables."""
        pairs = {"hue": self.hue, "style": self.style, "row": self.row, "col": self.col}
        return {role: name for role, name in pairs.items() if name is not None}

    @property
    def grouping(self) -> tuple[str, ...]:
        """The variables of the Dataset that tell groups apart."""
        return tuple(name for name in self.roles.values() if name != VARIABLE)

    @property
    def measured(self) -> tuple[str, ...]:
        """The variables that are drawn."""
        return (*self.x, *self.y, *self.error, *((self.z,) if self.z else ()))

    @property
    def several(self) -> bool:
        """Whether an axis shows several variables."""
        return len(self.x) > 1 or len(self.y) > 1

    @property
    def is_surface(self) -> bool:
        """Whether a third variable is shown as a colour over x and y."""
        return self.z is not None


def plan(data: Data, *, error: Any = None, kind: str | None = None, **asked: Any) -> Plan:
    """Return what goes where.

    Parameters
    ----------
    data : Data
        What is plotted.
    error, kind, **asked
        The arguments of `coma_xr.plot`.

    Raises
    ------
    PathError
        When a name is unknown.
    LayoutError
        When the arguments do not fit together, or a dim is used by nothing. The message says why, and the ways out.
    """
    if kind is not None and kind not in KINDS:
        raise LayoutError(f"kind={kind!r} is unknown. {available(str(kind), KINDS)}")
    several = [role for role in ("x", "y") if isinstance(asked[role], (list, tuple))]
    lists = {role: _names(data, asked.pop(role), role) for role in ("x", "y")}
    single = {role: _single(data, name, role, bool(several)) for role, name in asked.items()}
    new = replace(Plan(kind or "", x=lists["x"], y=lists["y"]), **single)  # type: ignore[arg-type]
    new = _with_error(data, new, error)
    _check_lists(new)
    new = _with_axes(data, new)
    _check_kind(new)
    new = _with_variable(new)
    new = _with_along(data, new)
    _check_used(data, new)
    return new


def _names(data: Data, names: Any, role: str) -> tuple[str, ...]:
    if names is None:
        return ()
    if isinstance(names, (list, tuple)):
        if not names:
            raise LayoutError(f"{role}=[] names nothing. {available('', data.choices())}")
        found = tuple(data.find(name, role) for name in names)
        if len(set(found)) < len(found):
            raise LayoutError(f"{role}={list(found)} names a variable twice.")
        return found
    return (data.find(names, role),)


def _single(data: Data, name: Any, role: str, several: bool) -> str | None:
    if name is None:
        return None
    if isinstance(name, (list, tuple)):
        ways = "Give one name; or several to y, which are told apart as 'variable'."
        raise LayoutError(f"{role}={list(name)!r}: only x and y take several variables. {ways}")
    if name == VARIABLE and several and role != "z" and VARIABLE not in data.ds.variables:
        return VARIABLE
    return data.find(name, role)


def _with_error(data: Data, new: Plan, error: Any) -> Plan:
    """Add the dims over which the mean is taken, and where the error comes from."""
    names = _names(data, error, "error")
    over = tuple(name for name in names if name in data.ds.dims)
    if over and len(over) < len(names):
        raise LayoutError(f"error={list(names)} mixes dims and variables. Give either.")
    taken = {name: role for role, name in new.roles.items()} | dict.fromkeys(new.x, "x")
    if _repeats_in_rows(data, {*taken, *new.y, new.z}) and new.kind != "hist" and names in {(), (REPEAT,)}:
        return replace(new, rows=True, spread=bool(names))
    for dim in over:
        if dim in taken:
            raise LayoutError(
                f"The dim {dim!r} is on {taken[dim]} and cannot be averaged over by error= too."
            )
    if over:
        return replace(new, averaged=over, spread=True)
    used = data.dims(*new.grouping, *new.x)
    mean = (REPEAT,) if REPEAT in data.ds.dims and REPEAT not in used and new.kind != "hist" else ()
    return replace(new, error=names, averaged=mean)


def _repeats_in_rows(data: Data, used: set[str | None]) -> bool:
    """Whether a table has several rows for equal parameters, and says so."""
    return (
        REPEAT in data.ds.variables
        and REPEAT not in data.ds.dims
        and REPEAT not in used
        and data.is_points(REPEAT)
    )


def _check_lists(new: Plan) -> None:
    if len(new.x) > 1 and len(new.y) > 1:
        raise LayoutError(
            "x and y both name several variables; only one of them can. Plot pair by pair, with ax=."
        )
    if new.error and len(new.error) != max(len(new.x), len(new.y), 1):
        wanted = max(len(new.x), len(new.y), 1)
        raise LayoutError(
            f"error names {len(new.error)} variables for {wanted}. Give one for each, in the same order."
        )


def _with_axes(data: Data, new: Plan) -> Plan:
    """Choose x, y and z where they were not given."""
    only = data.only if data.only not in {*new.x, *new.y, *new.grouping, *new.error, new.z} else None
    if new.kind in SURFACES or new.z:
        return _with_plane(data, replace(new, z=new.z or only))
    if new.kind == "hist":
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
        raise LayoutError(
            f"Which variable is plotted over {new.x[0]!r}? Give y. {available('', data.choices())}"
        )
    if not new.x and not new.y:
        raise LayoutError(f"What is plotted? Give y, and x. {available('', data.choices())}")
    if not new.x:
        new = replace(new, x=(_default_x(data, new),))
    if new.x and not new.y:
        return replace(new, kind=new.kind or "hist")
    return new


def _is_over(data: Data, x: str, y: str) -> bool:
    return not data.is_variable(x) and (not data.dims(y) or bool({*data.dims(x)} & {*data.dims(y)}))


def _is_plane(data: Data, new: Plan) -> bool:
    """Whether x and y are dims that a map could lie over."""
    given = (*new.x, *new.y)
    if len(given) != 2 or any(data.is_variable(name) for name in given) or new.hue or new.style:
        return False
    return len(data.dims(*given)) == 2 and set(data.dims(*given)) <= set(data.dims(str(data.only)))


def _left(data: Data, new: Plan, name: str) -> tuple[str, ...]:
    """Return the dims of a variable that nothing uses yet."""
    used = {*data.dims(*new.grouping, *new.x), *new.averaged}
    return tuple(dim for dim in data.long_dims(name) if dim not in used)


def _with_plane(data: Data, new: Plan) -> Plan:
    """Choose the axes of a map among the dims of z."""
    if new.z is None:
        raise LayoutError(f"Which variable gives the colours? Give z. {available('', data.choices())}")
    used = {*data.dims(*new.grouping, *new.x, *new.y), *new.averaged}
    free = [dim for dim in data.dims(new.z) if dim not in used]
    wanted = 2 - bool(new.x) - bool(new.y)
    long = [dim for dim in free if data.ds.sizes[dim] != 1]
    free = long if len(long) >= wanted else free
    if len(free) != wanted and wanted:
        dims = listing(data.dims(new.z))
        raise LayoutError(f"Give x and y: a map of {new.z!r} (over {dims}) needs two axes.")
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
            f"{new.y[0]!r} varies over {listing(new.averaged)} alone, and nothing is left for x."
        )
    varied = next((name for name in new.y if data.dims(name)), None)
    if varied is None:
        alone = f"{listing(map(repr, new.y))} {'is one value' if len(new.y) == 1 else 'are one value each'}"
        raise LayoutError(f"{alone}, with no dim to draw over. {available('', data.choices())}")
    there = listing(_left(data, new, varied) or data.dims(varied))
    raise LayoutError(f"What is on x? {varied!r} varies over: {there}. Give one of them to x.")


def _check_kind(new: Plan) -> None:
    """Raise where a kind of plot has no use for an argument."""
    if new.kind == "hist":
        for role, names in (
            ("y", new.y),
            ("z", new.z),
            ("error", new.error or new.spread),
            ("style", new.style),
        ):
            if names:
                raise LayoutError(
                    f"A hist counts the values of x and has no {role}. Leave {role} out, or kind='hist'."
                )
        if not new.x:
            raise LayoutError("What does the hist count? Give x.")
    if new.is_surface:
        if new.several:
            raise LayoutError("A map has one x and one y. Plot map by map, with ax=.")
        for role, names in (("hue", new.hue), ("style", new.style), ("error", new.error or new.spread)):
            if names and not (role != "error" and new.kind == "scatter"):
                ways = "Give it to row or col" if role != "error" else "Map the error itself: z='..._err'"
                raise LayoutError(f"In a map the colour shows z ({new.z!r}), there is no {role}. {ways}.")
        if new.kind in {"line", "hist"}:
            raise LayoutError(f"kind={new.kind!r} has no z. Leave out z, or give it to hue.")
        if new.hue:
            raise LayoutError(
                f"The colour shows z ({new.z!r}) and cannot show hue={new.hue!r} too. Leave out one."
            )


def _with_variable(new: Plan) -> Plan:
    """Tell several variables apart by what is not used yet."""
    if not new.several or VARIABLE in new.roles.values():
        return new
    if new.hue is None and new.style is None:
        return replace(new, hue=VARIABLE, style=None if new.kind == "hist" else VARIABLE)
    for role in ("style", "hue", "row", "col"):
        if getattr(new, role) is None and not (new.kind == "hist" and role == "style"):
            return replace(new, **{role: VARIABLE})  # type: ignore[arg-type]
    raise LayoutError("hue, style, row and col are all in use: nothing is left to tell the variables apart.")


def _with_along(data: Data, new: Plan) -> Plan:
    """Find the dims that a curve runs along, or that a map or cloud of points lies over."""
    if new.is_surface or new.kind == "hist":
        return replace(new, along=_over(data, new))
    candidates = [dim for dim in data.dims(*new.x) if dim not in {*data.dims(*new.grouping), *new.averaged}]
    candidates = [dim for dim in candidates if data.ds.sizes[dim] != 1] or candidates
    if new.kind == "scatter":
        return replace(new, along=_over(data, new))
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
    points = new.is_surface or new.kind == "scatter"
    names = [*new.x, *(name for name in new.y if points or not data.is_variable(name))]
    return tuple(dim for dim in data.dims(*names) if dim not in new.averaged)


def _check_used(data: Data, new: Plan) -> None:
    """Raise when a dim is used by nothing, or a name has nothing to do with what is drawn."""
    used = {*data.dims(*new.grouping), *new.along, *new.averaged}
    unused = [dim for dim in data.long_dims(*new.measured) if dim not in used]
    if unused:
        raise LayoutError(_unused(data, new, unused))
    values = [new.z] if new.z else [*new.y] if new.y else [*new.x]
    over = {*data.dims(*values), *(data.dims(*new.x) if data.is_variable(new.x[0]) else ())}
    for role, name in [
        *new.roles.items(),
        *(("x", name) for name in new.x),
        *(("y", name) for name in new.y),
    ]:
        dims = data.long_dims(name) if name != VARIABLE else ()
        if dims and over and not over & {*dims} and data.long_dims(*values):
            said = (
                f"{listing(values)} (over {listing(data.dims(*values))}) does not vary with {role}={name!r}"
            )
            raise LayoutError(f"{said} (over {listing(dims)}). Leave it out, or plot another variable.")
    if new.spread:
        _check_spread(data, new)


def _check_spread(data: Data, new: Plan) -> None:
    for dim in new.averaged:
        if dim not in data.dims(*new.y):
            there = available(dim, data.dims(*new.y))
            raise LayoutError(f"{listing(new.y)} does not vary over error={dim!r}. {there}")


def _unused(data: Data, new: Plan, unused: Sequence[str]) -> str:
    """Say which dims nothing uses, and what can be done with them."""
    said = []
    for dim in unused:
        size, labels = data.ds.sizes[dim], dim in data.ds.variables
        some = f": {listing(data.variable(dim).values[:3].tolist())}" if labels else ""
        said.append(f"{dim!r} ({size} values{some}{', ...' if labels and size > 3 else ''})")
    first = unused[0]
    one = data.variable(first).values[0]
    select = f"ds.sel({first}={one.item() if hasattr(one, 'item') else one!r})"
    select = select if first in data.ds.variables else f"ds.isel({first}=0)"
    what = [name for name in dict.fromkeys(new.measured) if {*data.dims(name)} & {*unused}]
    vary = "varies" if len(what) == 1 else "vary"
    roles = ["row", "col"] if new.is_surface else ["hue", "style", "row", "col"]
    free = [role for role in roles if getattr(new, role) is None]
    ways = [f"give it to {' or '.join(free)} ({free[0]}={first!r})"] if free else []
    ways += [f"take one value ({select})"]
    mean = f"ds.mean({first!r})" if new.is_surface or new.kind == "hist" else f"error={first!r}"
    ways += [f"average over it ({mean})"]
    if not new.is_surface and set(unused) <= {*data.dims(*new.x, *new.y)}:
        ways += ["draw all points (kind='scatter')"]
    dims = "the dim" if len(unused) == 1 else "the dims"
    return f"Nothing in this plot uses {dims} {' and '.join(said)}, over which {listing(what)} {vary}. Ways out: {'; '.join(ways)}."

"""The plotted data in one form, with the meaning of its names, and the plan of a plot: what goes where."""

from __future__ import annotations

import functools
import json
import numbers
import shlex
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from itertools import chain
from string import digits as DIGITS
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from coma_xr.checks import setting
from coma_xr.errors import ExperimentError, LayoutError, PathError, Way
from coma_xr.plotting.repeats import Rows
from coma_xr.text import count, listing, shortened
from coma_xr.tree import find_variable, variable_at

if TYPE_CHECKING:
    from coma_xr.plotting.arguments import PlotSpec


# The name of what several variables on one axis differ in; hue, style, row and col know it.
VARIABLE = "variable"

# The dim of several measurements with equal parameters.
REPEAT = "repeat"

UNNAMED = "value"
ROW = "row"
MEASUREMENT = "measurement"

# Coords that describe a measurement or a list: never what a plot is about, unless named.
ABOUT = ("measurement_id", "measurement_status", "coma_status")


@dataclass(frozen=True)
class Data:
    """A Dataset whose names are strings, and what is known of where it came from."""

    ds: xr.Dataset
    # The variable that is meant when none is named.
    only: str | None = None
    # Nothing in a table distinguishes parameters from results.
    is_table: bool = False
    _items: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, data: Any) -> Data:
        """Return a Dataset, DataArray, DataFrame or Series in one form.

        Raise ExperimentError when it is anything else.
        """
        is_table = isinstance(data, (pd.DataFrame, pd.Series))
        if isinstance(data, pd.Series):
            data = data.to_frame(UNNAMED if data.name is None else data.name)
        if isinstance(data, pd.DataFrame):
            ds = _of_frame(data)
        elif isinstance(data, xr.DataArray):
            name = UNNAMED if data.name is None else data.name
            ds = data.to_dataset(name=name) if name not in data.coords else data.to_dataset(name=UNNAMED)
        elif isinstance(data, xr.Dataset):
            ds = data
        else:
            ways = ["Use .to_dataset() or .to_dataframe()."] if hasattr(data, "to_dataset") else []
            raise ExperimentError(
                f"{type(data).__name__} cannot be plotted.",
                expected="a Dataset, DataArray or DataFrame",
                ways=ways,
            )
        odd = {name: str(name) for name in {*ds.variables, *ds.dims} if not isinstance(name, str)}
        ds = ds.rename(odd) if odd else ds
        variables = [str(name) for name in ds.data_vars]
        return cls(ds, variables[0] if len(variables) == 1 else None, is_table)

    def with_items(self, *wanted: Any) -> Data:
        """Return the data with those items of lists as variables that some arguments name.

        Raise PathError when a list has no such item.
        """
        ds, items = self.ds, dict(self._items)
        flat = chain.from_iterable(w if isinstance(w, (list, tuple)) else [w] for w in wanted)
        for text in (text for text in flat if isinstance(text, str) and not self._is_literal(text)):
            places: tuple[int, ...] = ()
            with suppress(PathError):
                name, places = find_variable(self.ds, text)
            if places:
                variable = variable_at(self.ds, text)
                items[text] = "_".join([name, *(str(n + 1 if n >= 0 else n) for n in places)])
                path = "/".join([str(variable.attrs.get("path", name)), *map(str, places)])
                ds = ds.assign({items[text]: variable.assign_attrs(path=path, name=items[text])})
        return replace(self, ds=ds, _items=items)

    def check_not_empty(self, *names: str) -> None:
        """Raise LayoutError when one of the variables has no values; without names, when all variables have none."""
        over = [self.dims(name) for name in names or self.choices()]
        empty_dims = [next((dim for dim in dims if not self.ds.sizes[dim]), None) for dims in over]
        empty = next((dim for dim in empty_dims if dim is not None), None)
        if not self.ds.variables or (empty is not None and (names or None not in empty_dims)):
            fault = "there are no variables" if empty is None else f"the dim {empty!r} has no values"
            raise LayoutError(
                f"The data is empty: {fault}.", ways=["Check the condition or selection that it comes from."]
            )

    def find(self, name: Any, argument: str) -> str:
        """Return the name of a dim, coord or variable; it may have been given as a path.

        Raise PathError when there is no such thing.
        """
        literal = name if isinstance(name, str) or not isinstance(name, Hashable) else str(name)
        if self._is_literal(literal):
            return str(literal)
        try:
            return self._items.get(literal) or find_variable(self.ds, literal)[0]
        except (PathError, TypeError) as error:
            noun = "dimension, coordinate or variable of the plotted data"
            noun = "column of the table" if self.is_table else noun
            if argument == "error":
                noun = f"kind of error{' or' if self.is_table else ','} {noun}"
            fault: str | Way = setting(argument, name, f"is not a {noun}.")
            known = tuple(self._known())
            if isinstance(error, PathError):
                fault, known = error.what if error.expected else fault, error.available or ()
            if self.is_table:
                known = tuple(name for name in known if name in self.ds.variables)
            known = (*SPREADS, *known) if argument == "error" else known
            raise PathError(fault, name=str(name), available=dict.fromkeys(known)) from None

    def name_or_value(self, key: Any, others: Collection[Any]) -> Any:
        """Return a key of `labels`, a name in the data for its path.

        A key that the data does not have is for other figures, unless it is a misspelling of a name in the data.

        Raise PathError when it is a misspelling.
        """
        if not isinstance(key, str) or key == VARIABLE or self._is_literal(key):
            return key
        if self.has(key):
            return self.find(key, "labels")
        if key not in self._strings:
            known = [name for name in self._known() if name not in others]
            # Names that differ in a number alone, such as t_1 and t_2, are two names.
            if any(near.strip(DIGITS) != key.strip(DIGITS) for near in get_close_matches(key, known, 1, 0.8)):
                raise PathError(f"labels: {key!r} is not in the plotted data.", name=key, available=known)
        return key

    def _known(self) -> list[str]:
        """Return the names that an error lists: of a table those of its columns."""
        return [str(name) for name in [*(() if self.is_table else self.ds.dims), *self.ds.variables]]

    @functools.cached_property
    def _strings(self) -> set[str]:
        """The strings among the values."""
        dtypes = {name: getattr(variable.dtype, "kind", "O") for name, variable in self.ds.variables.items()}
        values = (np.ravel(self.ds[name].values).tolist() for name, kind in dtypes.items() if kind in "OTU")
        return {value for some in values for value in some if isinstance(value, str)}

    def _is_literal(self, name: Any) -> bool:
        return isinstance(name, str) and (name in self.ds.variables or name in self.ds.dims)

    def has(self, name: Any) -> bool:
        """Return whether a name or path is one of the data."""
        with suppress(PathError):
            return isinstance(name, str) and bool(find_variable(self.ds, name))
        return False

    def variable(self, name: str) -> xr.Variable:
        """Return a variable; a dim without labels counts from 0, one of measurements has their ids."""
        if name in self.ds.variables:
            return self.ds[name].variable
        if (
            name == MEASUREMENT
            and "measurement_id" in self.ds.variables
            and self.dims("measurement_id") == (name,)
        ):
            return self.ds["measurement_id"].variable
        return xr.Variable((name,), np.arange(self.ds.sizes[name]))

    def variables(self, names: Iterable[str]) -> dict[str, xr.Variable]:
        """Return variables by their names."""
        return {name: self.variable(name) for name in names}

    def dims(self, *names: str) -> tuple[str, ...]:
        """Return the dims of variables, in the order of the Dataset."""
        dims = {
            dim for name in names for dim in (self.ds[name].dims if name in self.ds.variables else (name,))
        }
        return tuple(str(dim) for dim in self.ds.dims if dim in dims)

    def long_dims(self, *names: str) -> tuple[str, ...]:
        """Return those dims of variables that have not just one value."""
        return tuple(dim for dim in self.dims(*names) if self.ds.sizes[dim] != 1)

    def is_variable(self, name: str) -> bool:
        """Return whether a name is that of a data variable: a result, as far as that is known."""
        return name in self.ds.data_vars

    @property
    def is_ours(self) -> bool:
        """Whether the attrs of variables record which ones they are."""
        return any("name" in v.attrs and "path" in v.attrs for v in self.ds.variables.values())

    def is_points(self, name: str) -> bool:
        """Return whether a variable lies along one dim that is nothing but a row of measurements."""
        dims = self.dims(name)
        return len(dims) == 1 and (self.is_table or dims[0] in {MEASUREMENT, ROW})

    def is_parameter(self, name: str) -> bool:
        """Return whether the values of a name are labels, so that None, NaN and infinity are labels too."""
        path = str(self.ds[name].attrs.get("path", "")) if name in self.ds.variables else ""
        return path.startswith("parameters/") or (
            name not in self.ds.data_vars and not path.startswith("results/")
        )

    def is_inner(self, dim: str) -> bool:
        """Return whether a dim lies within one result, such as a list: no parameter varies along it."""
        if not self.is_ours or dim in {REPEAT, ROW, MEASUREMENT}:
            return False
        paths = ((v.dims, str(v.attrs.get("path", ""))) for v in self.ds.variables.values())
        return not any(dim in dims and path.startswith("parameters/") for dims, path in paths)

    def aligned(self, x: str, y: str) -> Data:
        """Return the data with one dim for two lists of equal lengths, so that one can be drawn over the other."""
        first, second = (self.long_dims(name) for name in (x, y))
        mine, other = (
            [dim for dim in dims if dim not in shared] for dims, shared in ((first, second), (second, first))
        )
        if len(mine) != 1 or len(other) != 1 or self.ds.sizes[mine[0]] != self.ds.sizes[other[0]]:
            return self
        if not (self.is_inner(mine[0]) and self.is_inner(other[0])) or not self._have_equal_lengths(x, y):
            return self
        variable = self.ds[y].variable
        dims = [mine[0] if dim == other[0] else dim for dim in variable.dims]
        moved = xr.Variable(dims, variable.values, variable.attrs)
        ds = self.ds.assign({y: moved}) if self.is_variable(y) else self.ds.assign_coords({y: moved})
        return replace(self, ds=ds)

    def _have_equal_lengths(self, *names: str) -> bool:
        lengths = [self.ds[f"{name}_length"] for name in names if f"{name}_length" in self.ds.variables]
        return len(lengths) < 2 or bool((lengths[0] == lengths[1]).all())

    def labelling(self, dim: str) -> str:
        """Return what best describes a place on a dim: its labels, else the one coord that goes along it."""
        if dim in self.ds.variables:
            return dim
        coords = [name for name, coord in self.ds.coords.items() if dim in coord.dims]
        along = [name for name in coords if name not in ABOUT and not str(name).endswith("_length")]
        return str(along[0]) if len(along) == 1 else dim

    def choices(self) -> Sequence[str]:
        """Return the names of the data variables."""
        return [str(name) for name in self.ds.data_vars]


def _of_frame(frame: pd.DataFrame) -> xr.Dataset:
    """Return a table as variables along one dim."""
    named = [name for name in frame.index.names if name is not None and name not in frame.columns]
    frame = frame.reset_index(level=named, drop=False) if named else frame
    columns = [_column_name(name) for name in frame.columns]
    if len(set(columns)) < len(columns):
        double = next(name for name in columns if columns.count(name) > 1)
        raise ExperimentError(
            f"Two columns of the table have the name {double!r}.", ways=["Rename one of them."]
        )
    dim = ROW
    while dim in columns:
        dim += "_"
    variables = {}
    for at, name in enumerate(columns):
        column = frame.iloc[:, at]
        variables[name] = xr.Variable((dim,), column.array, _attrs_of(frame.columns[at], column))
    return xr.Dataset(variables, attrs=dict(frame.attrs))


def _attrs_of(name: Hashable, column: pd.Series[Any]) -> dict[str, Any]:
    """Return the attrs of a column of a table: its own part of those that are given by column."""
    # pandas gives the attrs of the table to each column.
    attrs = {
        str(key): value.get(name, value.get(_column_name(name))) if isinstance(value, Mapping) else value
        for key, value in column.attrs.items()
    }
    return {key: value for key, value in attrs.items() if value is not None}


def _column_name(name: Hashable) -> str:
    return " ".join(str(part) for part in name if part != "") if isinstance(name, tuple) else str(name)


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

    method: str = "se"
    level: float | tuple[float, float] | None = None

    def __str__(self) -> str:
        level = self.level
        if isinstance(level, tuple):
            return f"median and percentiles {level[0]:g} to {level[1]:g}"
        return SPREADS[self.method].format("" if level is None else f"{level:g}")


def _spread_of(data: Data, error: Any) -> tuple[Spread, tuple[Any, ...]] | None:
    """Return how an error is computed and the dims named for it, or None when it is names alone."""
    words = (error,) if isinstance(error, str) else error
    if not isinstance(words, (tuple, list)) or not words:
        return None
    methods = [word for word in words if isinstance(word, str) and word in SPREADS and not data.has(word)]
    if not methods:
        return None
    method, more = methods[0], words[1:]
    levels = [part for part in more if not isinstance(part, str)]
    level: Any = levels[0] if levels else DEFAULT_LEVELS.get(method)
    is_taken = method in DEFAULT_LEVELS or level is None
    if words[0] != method or isinstance(words, list) or len(levels) > 1 or not is_taken:
        raise LayoutError(
            setting("error", error, "cannot be used."),
            expected=Way(f"error=({method!r}, dim)", f"--error {method},DIM"),
        )
    if isinstance(level, list):
        level = tuple(level)
    if level is not None:
        _check_level(error, method, level)
    return Spread(method, level), tuple(part for part in more if isinstance(part, str))


def _check_level(error: Any, method: str, level: Any) -> None:
    """Raise LayoutError when a level is no part in percent, or two percentiles do not ascend."""
    parts: tuple[Any, ...] = level if isinstance(level, tuple) else (level,)
    are_numbers = all(isinstance(part, numbers.Real) and not isinstance(part, bool) for part in parts)
    is_pair = method == "percentile" and len(parts) == 2
    if are_numbers and is_pair and 0 <= parts[0] < parts[1] <= 100 and parts[1] >= 1:
        return
    # An interval for all values is infinite, one for none has no length.
    highest = 100 if method == "percentile" else np.nextafter(100, 0)
    if are_numbers and len(parts) == 1 and 1 <= parts[0] <= highest:
        return
    expected: str | Way = Way(
        f"a part in percent, such as ({method!r}, 95)", f"a part in percent, such as {method},95"
    )
    if is_pair:
        expected = "two percentiles in ascending order, such as ('percentile', (5, 95))"
    ways: list[str] = []
    if are_numbers and (is_pair or len(parts) == 1) and all(0 <= part < 1 for part in parts) and any(parts):
        percent = ", ".join(f"{100 * part:g}" for part in parts)
        ways = [f"Did you mean {f'({percent})' if is_pair else percent}?"]
    raise LayoutError(setting("error", error, "cannot be used."), expected=expected, ways=ways)


# ------------------------------------------------------------------------------------------ plan


@dataclass(frozen=True)
class Plan:
    """The plan of a plot: names of variables for each argument, and what becomes of the dims."""

    spec: PlotSpec
    kinds: Mapping[str, Kind]
    # Empty where only the values can tell a line from points or a map.
    kind: str = ""
    x: tuple[str, ...] = ()
    y: tuple[str, ...] = ()
    error: tuple[str, ...] = ()
    # Shown as colours over x and y.
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
    # Whether the mean is taken over rows of a table that are equal in all else that is drawn, and in `apart`.
    rows: bool = False
    # The columns of a table that distinguish points, and are not drawn.
    apart: tuple[str, ...] = ()

    @functools.cached_property
    def layout(self) -> str:
        """The kind's use of the values: "curve", "points", "map", "counts" or "samples"; empty without a kind."""
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

    def has_own_axes(self, role: str) -> bool:
        """Return whether each panel shows one of several variables on an axis that it does not share."""
        is_apart = VARIABLE in {self.roles.get("row"), self.roles.get("col")}
        is_own = getattr(self.spec, f"share{role}") in (None, False, "none")
        return is_apart and is_own and self.layout in {"", "curve", "points"} and len(getattr(self, role)) > 1


def plan(data: Data, spec: PlotSpec, kinds: Mapping[str, Kind]) -> tuple[Data, Plan]:
    """Return what goes where, and the data with lists of equal lengths along one dim.

    Raise PathError or LayoutError when a name is unknown, the arguments do not fit together, or a dim is used
    by nothing.
    """
    data, new = planned(data, spec, kinds)
    data.check_not_empty(*new.measured)
    _check_used(data, new)
    return data, new


def planned(data: Data, spec: PlotSpec, kinds: Mapping[str, Kind]) -> tuple[Data, Plan]:
    """Return the plan of a plot, and its data, where dims may be left that nothing uses."""
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
    return data, _with_repeats_apart(data, new)


def _names(data: Data, names: Any, role: str) -> tuple[str, ...]:
    if names is None:
        return ()
    if isinstance(names, (list, tuple)):
        if not names:
            raise LayoutError(f"{role}=[] is empty.", available=data.choices())
        resolved = tuple(data.find(name, role) for name in names)
        if len(set(resolved)) < len(resolved):
            raise LayoutError(
                setting(role, list(resolved), "names a variable twice."), expected="different variables"
            )
        return resolved
    return (data.find(names, role),)


def _single(data: Data, name: Any, role: str, several: bool) -> str | None:
    if name is None:
        return None
    if isinstance(name, (list, tuple)) or not isinstance(name, Hashable):
        ways = ["Pass one name, or several to y, which are distinguished as 'variable'."]
        raise LayoutError(f"{role}={shortened(name)}: only x and y take several variables.", ways=ways)
    if name == VARIABLE and several and role != "z" and VARIABLE not in data.ds.variables:
        return VARIABLE
    return data.find(name, role)


def _with_error(data: Data, new: Plan) -> Plan:
    """Add the dims over which the mean is taken, and where the error comes from."""
    spread_and_dims = _spread_of(data, new.spec.error)
    spread, words = spread_and_dims if spread_and_dims is not None else (Spread(), new.spec.error)
    names = _names(data, None if isinstance(words, (str, list, tuple)) and not words else words, "error")
    over = tuple(name for name in names if name in data.ds.dims)
    if len(over) < len(names) and (over or spread_and_dims is not None) and not data.is_table:
        raise LayoutError(
            setting("error", new.spec.error, "mixes dims and variables."),
            ways=["Name either dims or variables."],
        )
    role_of = {name: role for role, name in new.roles.items()} | dict.fromkeys(new.x, "x")
    role_of |= dict.fromkeys((name for name in new.y if not data.is_variable(name)), "y")
    if new.layout == "counts":
        return replace(new, error=names, spread=spread if spread_and_dims or over else None)
    in_rows = _repeats_in_rows(data, {*role_of, *new.y, new.z})
    if in_rows and new.layout != "samples" and (names in {(), (REPEAT,)}):
        return replace(new, rows=True, spread=spread if spread_and_dims or names else None)
    for dim in over:
        if dim in role_of:
            raise LayoutError(
                f"The dim {dim!r} is on {role_of[dim]} and cannot be averaged over as well.",
                ways=[f"Leave {dim!r} out of error or off {role_of[dim]}."],
            )
    if over:
        return replace(new, averaged=over, spread=spread)
    if spread_and_dims is not None or new.layout == "samples":
        free_dims = (
            (REPEAT,) if REPEAT in data.ds.dims and REPEAT not in role_of else _free_dims(data, new, *new.y)
        )
        if not free_dims and not data.is_table:
            way = Way(
                f"Name the dim: error=({spread.method!r}, ..., dim).",
                f"Name the dim: --error {spread.method},DIM.",
            )
            if new.spec.error is None:
                fault = setting("kind", new.kind, "needs a dim of samples, and none is left.")
                raise LayoutError(fault, ways=["Leave a dim off x, hue, style, row and col."])
            raise LayoutError(setting("error", new.spec.error, "needs a dim, and none is left."), ways=[way])
        return replace(new, averaged=free_dims, spread=spread, rows=data.is_table)
    # y of a map is an axis like x; a dim or coord is one in every plot.
    axes = [name for name in (*new.y, new.z) if name and not data.is_variable(name)]
    used = data.dims(*new.grouping, *new.x, *axes, *(new.y if new.z else ()))
    mean = (REPEAT,) if REPEAT in data.ds.dims and REPEAT not in used else ()
    return replace(new, error=names, averaged=mean)


def _repeats_in_rows(data: Data, used: set[str | None]) -> bool:
    """Return whether a table has a column of repeats that nothing uses."""
    is_column = REPEAT in data.ds.variables and REPEAT not in data.ds.dims
    return is_column and REPEAT not in used and data.is_points(REPEAT)


def _with_repeats_apart(data: Data, new: Plan) -> Plan:
    """Add the columns of a table that distinguish points; take no mean where rows are no repeats of one point."""
    axes = (*new.x, *(new.y if new.z else ()), *new.grouping)
    if not new.rows or not _repeats_in_rows(data, {*axes, *new.measured}):
        return new
    if new.layout == "counts":
        return replace(new, rows=False)
    values = {*new.measured, *ABOUT} - {*axes}
    rows = Rows(data.ds, REPEAT)
    if new.layout != "samples" and new.spread is None and rows.vary(axes, values):
        # A result on an axis has a value of its own for each repeat.
        return replace(new, rows=False)
    apart = rows.other_columns(axes, values)
    # Without a column that distinguishes them, rows of one repeat are points as any others.
    return replace(new, rows=apart != (), apart=apart or ())


def _check_lists(new: Plan) -> None:
    if len(new.x) > 1 and len(new.y) > 1:
        ways = [Way("Plot pair by pair, with ax=.", "Plot pair by pair.")]
        raise LayoutError("x and y both name several variables; only one of them can.", ways=ways)
    number = max(len(new.x), len(new.y), 1)
    if new.error and len(new.error) != number:
        fault = f"error names {count(len(new.error), 'variable')} for {number}."
        raise LayoutError(fault, ways=["Name one error for each variable, in the same order."])


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
        free_dims = _free_dims(data, new, only)
        if len(free_dims) == 2 and not new.kind and not new.hue and not new.style and not new.error:
            return _with_plane(data, replace(new, z=only))
        new = replace(new, y=(only,))
    elif new.x and new.y and only and not new.kind and _is_plane(data, new):
        return replace(new, z=only)
    if new.x and not new.y and (new.kind or not data.is_variable(new.x[0])):
        ways = ["Choose a variable for y."]
        raise LayoutError(
            f"No variable is given to be plotted over {new.x[0]!r}.", available=data.choices(), ways=ways
        )
    if not new.x and not new.y:
        raise LayoutError(
            "Neither x nor y is given.", available=data.choices(), ways=["Choose variables for y and x."]
        )
    if not new.x:
        new = replace(new, x=(_default_x(data, new),))
    if new.x and not new.y:
        return replace(new, kind=new.kind or "hist")
    return new


def _is_over(data: Data, x: str, y: str) -> bool:
    return not data.is_variable(x) and (not data.dims(y) or bool({*data.dims(x)} & {*data.dims(y)}))


def _is_plane(data: Data, new: Plan) -> bool:
    """Return whether x and y are dims that a map could lie over."""
    axes = (*new.x, *new.y)
    if len(axes) != 2 or any(data.is_variable(name) for name in axes) or new.hue or new.style:
        return False
    return len(data.dims(*axes)) == 2 and set(data.dims(*axes)) <= set(data.dims(str(data.only)))


def _free_dims(data: Data, new: Plan, *names: str) -> tuple[str, ...]:
    """Return the dims of variables that nothing uses yet."""
    used = {*data.dims(*new.grouping, *new.x), *new.averaged}
    return tuple(dim for dim in data.long_dims(*names) if dim not in used)


def _with_plane(data: Data, new: Plan) -> Plan:
    """Choose the axes of a map among the dims of z."""
    if new.z is None:
        raise LayoutError(
            "No variable is given for the colours.", available=data.choices(), ways=["Choose one for z."]
        )
    used = {*data.dims(*new.grouping, *new.x, *new.y), *new.averaged}
    free = [dim for dim in data.dims(new.z) if dim not in used]
    number = 2 - bool(new.x) - bool(new.y)
    long = [dim for dim in free if data.ds.sizes[dim] != 1]
    free = long if len(long) >= number else free
    if len(free) != number and number:
        dims = listing(data.dims(new.z))
        raise LayoutError(
            f"A map of {new.z!r} (over {dims}) needs two axes.", ways=["Choose dims for x and y."]
        )
    # Rows are drawn upwards and columns to the right, as xarray does.
    y = new.y or (data.labelling(free.pop(0)),)
    return replace(new, y=y, x=new.x or (data.labelling(free.pop(0)),))


def _default_x(data: Data, new: Plan) -> str:
    free_dims = _free_dims(data, new, new.y[0])
    if len(free_dims) == 1:
        return data.labelling(free_dims[0])
    dims = [dim for dim in data.dims(new.y[0]) if dim not in {*data.dims(*new.grouping), *new.averaged}]
    if not free_dims and len(dims) == 1:
        return data.labelling(dims[0])
    if not dims and {*data.dims(new.y[0])} & {*new.averaged}:
        raise LayoutError(
            f"{new.y[0]!r} varies over {listing(new.averaged)} alone, so that no dim is left for x.",
            ways=["Leave out error, or name x."],
        )
    varied = next((name for name in new.y if data.dims(name)), None)
    if varied is None:
        verb = "is one value" if len(new.y) == 1 else "are one value each"
        fault = f"{listing(map(repr, new.y))} {verb}, with no dim to draw over."
        raise LayoutError(fault, available=data.choices())
    dims = list(_free_dims(data, new, varied) or data.dims(varied))
    raise LayoutError(
        f"x is not given, and {varied!r} varies over {listing(dims)}.", ways=["Choose one of them for x."]
    )


def _check_kind(new: Plan) -> None:
    """Raise where a kind of plot has no use for an argument."""
    names_by_role = {
        "y": new.y,
        "z": new.z,
        "hue": new.hue,
        "style": new.style,
        "error": new.error or new.spread,
    }
    used = [role for role, names in names_by_role.items() if names]
    if new.layout == "counts" and not new.x:
        raise LayoutError(
            f"A {new.kind} counts the values of x, which is not given.", ways=["Choose a variable for x."]
        )
    if new.z is not None and new.several:
        raise LayoutError(
            "A map has one x and one y.", ways=[Way("Plot map by map, with ax=.", "Plot map by map.")]
        )
    if new.z is not None:
        in_map = {"y", "z", *(("style",) if new.layout == "points" else ())}
        for role in used:
            if role not in in_map:
                way: str | Way = "Use it for row or col."
                if role == "error":
                    way = Way("Map the error itself: z='..._err'.", "Map the error itself: -z NAME_err.")
                raise LayoutError(
                    f"A map shows z ({new.z!r}) by its colours and takes no {role}.", ways=[way]
                )
    takes = new.kinds[new.kind].takes if new.kind else ()
    for role in used if new.kind else ():
        if role not in takes:
            ways = [f"Leave out {role}, or choose another kind."]
            raise LayoutError(setting("kind", new.kind, f"takes no {role}."), ways=ways)


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
        "hue, style, row and col are all in use, so none of them can distinguish the variables.",
        ways=["Free one of them, or plot one variable."],
    )


def _with_along(data: Data, new: Plan) -> Plan:
    """Find the dims that a curve runs along, or that a map or cloud of points lies over."""
    if new.z is not None or new.layout not in {"", "curve"}:
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
    points = new.z is not None or new.layout == "points"
    names = [*new.x, *(name for name in new.y if points or not data.is_variable(name))]
    return tuple(dim for dim in data.dims(*names) if dim not in new.averaged)


def unused_dims(data: Data, new: Plan) -> list[str]:
    """Return the dims of what is drawn that nothing in the plot uses."""
    used = {*data.dims(*new.grouping), *new.along, *new.averaged}
    return [dim for dim in data.long_dims(*new.measured) if dim not in used]


def _check_used(data: Data, new: Plan) -> None:
    """Raise when a dim or column is used by nothing, or a name has nothing to do with what is drawn."""
    if new.apart and new.layout != "points":
        raise _unused_columns(data, new)
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
            fault = (
                f"{listing(values)} (over {listing(data.dims(*values))}) does not vary with {role}={name!r}"
            )
            ways = [f"Leave {role} out, or plot another variable."]
            raise LayoutError(f"{fault} (over {listing(data.long_dims(name))}).", ways=ways)
        connected = connected.union(*near)
        others = [(role, name) for role, name in others if not over[name] <= connected]
    for dim in new.averaged if new.spread is not None else ():
        if dim not in data.dims(*new.y):
            fault = f"{listing(new.y)} does not vary over {dim!r}, over which error is taken."
            raise LayoutError(fault, name=dim, available=data.dims(*new.y))


def _unused(data: Data, new: Plan, unused: Sequence[str]) -> LayoutError:
    """Return the error for dims that nothing uses, with what can be done with them."""
    described = []
    for dim in unused:
        size, labels = data.ds.sizes[dim], dim in data.ds.variables
        described.append(_described(dim, size, data.variable(dim).values[:3].tolist() if labels else []))
    first = unused[0]
    label = data.variable(first).values[:1].tolist()[0]
    is_label = first in data.ds.variables
    select = f"ds.{'sel' if is_label else 'isel'}({_argument(first, label if is_label else 0)})"
    where = f"Select one value: --where {_condition(first, label)}." if is_label else ""
    ways = [*_use(new, first), Way(f"Select one value: {select}.", where)]
    if new.z is not None or new.layout == "counts":
        ways += [Way(f"Average over it: ds.mean({first!r}).", "")]
    else:
        option = shlex.quote(first)
        ways += [Way(f"Average over it: error={first!r}.", f"Average over it: --error {option}.")]
    if new.z is None and set(unused) <= {*data.dims(*new.x, *new.y)}:
        ways += [Way("Draw all points: kind='scatter'.", "Draw all points: --kind scatter.")]
    varying = [name for name in dict.fromkeys(new.measured) if {*data.dims(name)} & {*unused}]
    dims = "the dim" if len(unused) == 1 else "the dims"
    vary = "varies" if len(varying) == 1 else "vary"
    fault = f"This plot does not use {dims} {' and '.join(described)}, over which {listing(varying)} {vary}."
    return LayoutError(fault, ways=ways)


def _unused_columns(data: Data, new: Plan) -> LayoutError:
    """Return the error for columns of a table that distinguish points and that nothing uses."""
    described = []
    for name in new.apart:
        values = pd.unique(np.asarray(data.variable(name).values))
        described.append(_described(name, len(values), values[:3].tolist()))
    first, varying = new.apart[0], [new.z] if new.z else [*new.y]
    label = np.asarray(data.variable(first).values)[:1].tolist()[0]
    ways = [*_use(new, first), f"Select one value: df[df[{first!r}] == {label!r}]."]
    if new.layout != "samples":
        keys = [*dict.fromkeys([*new.x, *(new.y if new.z else ()), *new.grouping, REPEAT])]
        ways += [f"Average over it: df.groupby({keys}, dropna=False)[{varying}].mean()."]
    if new.z is None:
        ways += ["Draw all points: kind='scatter'."]
    columns = "the column" if len(new.apart) == 1 else "the columns"
    vary = "varies" if len(varying) == 1 else "vary"
    fault = (
        f"This plot does not use {columns} {' and '.join(described)}, over which {listing(varying)} {vary}."
    )
    return LayoutError(fault, ways=ways)


def _described(name: str, size: int, values: Sequence[Any]) -> str:
    """Return a dim or column with its number of values and the first of them."""
    some = f": {listing(values)}" if values else ""
    return f"{name!r} ({size} values{some}{', ...' if values and size > len(values) else ''})"


def _use(new: Plan, name: str) -> list[str | Way]:
    """Return the advice to use a dim or column for what is free."""
    roles = ["row", "col"] if new.z is not None else ["hue", "style", "row", "col"]
    free = [role for role in roles if getattr(new, role) is None]
    if not free:
        return []
    return [
        Way(
            f"Use it for {' or '.join(free)}: {free[0]}={name!r}.",
            f"Use it for --{' or --'.join(free)}: --{free[0]} {shlex.quote(name)}.",
        )
    ]


def _argument(name: str, value: Any) -> str:
    """Return a keyword argument, or the dictionary that stands for it where its name is no identifier."""
    return f"{name}={value!r}" if name.isidentifier() else f"{{{name!r}: {value!r}}}"


def _condition(name: str, value: Any) -> str:
    """Return the condition that selects a value, quoted for the shell, in which backticks call programs."""
    if name.isidentifier():
        return f'"{name} == {value!r}"'
    literal = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
    return shlex.quote(f"`{name.replace('`', '``')}` == {literal}")


def given_axes(spec: PlotSpec) -> list[Any]:
    """Return what the user gave to draw in, one for each panel."""
    return [] if spec.ax is None else list(np.ravel(np.asarray(spec.ax, dtype=object)).tolist())

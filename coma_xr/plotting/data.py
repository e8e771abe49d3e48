"""The plotted data: a Dataset or table in one form, and the meaning of its names."""

from __future__ import annotations

import functools
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from itertools import chain
from string import digits as DIGITS
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from coma_xr.checks import setting
from coma_xr.errors import ExperimentError, LayoutError, PathError, Way
from coma_xr.names import find_variable, variable_at

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
        """Return the data with those items of lists as variables that some arguments name."""
        ds, items = self.ds, dict(self._items)
        flat = chain.from_iterable(w if isinstance(w, (list, tuple)) else [w] for w in wanted)
        for text in (text for text in flat if isinstance(text, str) and not self._is_literal(text)):
            with suppress(PathError):
                name, places = find_variable(self.ds, text)
                if places:
                    item = variable_at(self.ds, text)
                    items[text] = "_".join([name, *(str(n + 1 if n >= 0 else n) for n in places)])
                    path = "/".join([str(item.attrs.get("path", name)), *map(str, places)])
                    ds = ds.assign({items[text]: item.assign_attrs(path=path, name=items[text])})
        return replace(self, ds=ds, _items=items)

    def check_not_empty(self, *names: str) -> None:
        """Raise LayoutError when variables, by default all, have not one value."""
        over = [self.dims(name) for name in names or self.choices()]
        short = [next((dim for dim in dims if not self.ds.sizes[dim]), None) for dims in over]
        if not self.ds.variables or (short and None not in short):
            what = f"the dim {short[0]!r} has no values" if short else "there are no variables"
            raise LayoutError(
                f"The data is empty: {what}.", ways=["Check the condition or selection that it comes from."]
            )

    def find(self, name: Any, argument: str) -> str:
        """Return the name of a dim, coord or variable; it may have been given as a path.
        Raise PathError when there is no such thing.
        """
        text = name if isinstance(name, str) or not isinstance(name, Hashable) else str(name)
        if self._is_literal(text):
            return str(text)
        try:
            return self._items.get(text) or find_variable(self.ds, text)[0]
        except (PathError, TypeError) as error:
            thing = (
                "column of the table"
                if self.is_table
                else "dimension, coordinate or variable of the plotted data"
            )
            what: str | Way = setting(argument, name, f"is not a {thing}.")
            known = tuple(self._known())
            if isinstance(error, PathError):
                what, known = error.what if error.expected else what, error.available or ()
            if self.is_table:
                known = tuple(name for name in known if name in self.ds.variables)
            raise PathError(what, name=str(name), available=dict.fromkeys(known)) from None

    def name_or_value(self, key: Any, argument: str, others: Collection[Any]) -> Any:
        """Return a key of a mapping, a name in the data for its path.

        A key that the data does not have is for other figures, unless it is a misspelling of a name in the data.

        Raise PathError when it is a misspelling.
        """
        if not isinstance(key, str) or key == VARIABLE or self._is_literal(key):
            return key
        if self.has(key):
            return self.find(key, argument)
        if key not in self._strings:
            known = [name for name in self._known() if name not in others]
            # Names that differ in a number alone, such as t_1 and t_2, are two names.
            if any(near.strip(DIGITS) != key.strip(DIGITS) for near in get_close_matches(key, known, 1, 0.8)):
                raise PathError(f"{argument}: {key!r} is not in the plotted data.", name=key, available=known)
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
        found = {
            dim for name in names for dim in (self.ds[name].dims if name in self.ds.variables else (name,))
        }
        return tuple(str(dim) for dim in self.ds.dims if dim in found)

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
            [dim for dim in dims if dim not in both] for dims, both in ((first, second), (second, first))
        )
        if len(mine) != 1 or len(other) != 1 or self.ds.sizes[mine[0]] != self.ds.sizes[other[0]]:
            return self
        if not (self.is_inner(mine[0]) and self.is_inner(other[0])) or not self._have_equal_lengths(x, y):
            return self
        was = self.ds[y].variable
        dims = [mine[0] if dim == other[0] else dim for dim in was.dims]
        moved = xr.Variable(dims, was.values, was.attrs)
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
    return xr.Dataset(
        {
            name: xr.Variable((dim,), frame.iloc[:, at].array, {**frame.iloc[:, at].attrs})
            for at, name in enumerate(columns)
        },
        attrs=dict(frame.attrs),
    )


def _column_name(name: Hashable) -> str:
    return " ".join(str(part) for part in name if part != "") if isinstance(name, tuple) else str(name)

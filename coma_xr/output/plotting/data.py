"""What is plotted as one Dataset, and the names in it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from coma_xr.errors import ExperimentError, LayoutError, PathError
from coma_xr.text import available

__all__ = ["VARIABLE", "Data"]

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
    columns = [_text(name) for name in frame.columns]
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


def _text(name: Hashable) -> str:
    return " ".join(str(part) for part in name if part != "") if isinstance(name, tuple) else str(name)


def _free(name: str, taken: Iterable[str]) -> str:
    taken = set(taken)
    while name in taken:
        name += "_"
    return name

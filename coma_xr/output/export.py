"""Datasets and DataFrames into files that other programs read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from coma_xr import files
from coma_xr.errors import ExperimentError, StorageError, there_is
from coma_xr.output.encoding import cell_text, encode

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

__all__ = ["export", "wants_table"]


def export(data: xr.Dataset | pd.DataFrame, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    r"""Write a Dataset or DataFrame into a file, in the format that the file's name asks for.

    Parameters
    ----------
    data : Dataset or DataFrame
        What `Experiment.to_dataset` or `Experiment.to_dataframe` returned, or any other.
    path : str or path-like
        ``.nc`` makes a netCDF file: variables, coords and attributes. ``.csv`` makes a table in UTF-8 with
        one header row; of a Dataset, a row for each cell. Lists and dictionaries are JSON text in either.
    overwrite : bool, default False
        Replace a file that is there.

    Returns
    -------
    Path
        The file's, as soon as all of it is there: nothing half-written ever has this name.

    Raises
    ------
    ExperimentError
        When the name ends in anything else, or `data` is something else.
    SerializationError
        When a value has no form in such a file. The message names the variable.
    StorageError
        When the file is there, or cannot be written.

    Examples
    --------
    >>> ds = xr.Dataset({"t": ("theta", [0.1, 0.2])}, coords={"theta": [-5.0, 5.0]})
    >>> export(ds, "pendulum.csv").read_text()
    'theta,t\n-5.0,0.1\n5.0,0.2\n'
    >>> import coma_xr as coma
    >>> coma.export(ds, "pendulum.nc").name
    'pendulum.nc'
    """
    if not isinstance(data, (xr.Dataset, pd.DataFrame)):
        name = type(data).__name__
        hint = " Use .to_dataset()." if isinstance(data, xr.DataArray) else ""
        raise ExperimentError(f"A Dataset or a DataFrame can be exported, this is a {name}.{hint}")
    path = Path(path)
    write = _WRITERS[_kind(path)]
    try:
        with files.placing(str(path), overwrite=overwrite) as temporary:
            write(data, Path(temporary))
    except FileExistsError as error:
        text = "there is a file of this name already; take another name, or replace it with overwrite=True"
        raise StorageError(error.errno, text, str(path)) from None
    return path


def wants_table(path: str | os.PathLike[str]) -> bool:
    """Whether the format that a file's name asks for holds a table, and no arrays of many dims.

    Raises
    ------
    ExperimentError
        When the name asks for no format that is known.

    Examples
    --------
    >>> wants_table("pendulum.csv"), wants_table("pendulum.nc")
    (True, False)
    """
    return _kind(Path(path)) in _TABLES


def _kind(path: Path) -> str:
    kind = path.suffix.lower()
    if kind not in _WRITERS:
        raise ExperimentError(
            f"'{path}': the end of a file's name says what to write, and '{path.suffix}' is not known. "
            f"{there_is(kind, _WRITERS)}"
        )
    return kind


def _write_netcdf(data: xr.Dataset | pd.DataFrame, path: Path) -> None:
    ds = data if isinstance(data, xr.Dataset) else data.to_xarray()
    encode(ds).to_netcdf(path, engine="netcdf4", format="NETCDF4")


def _write_csv(data: xr.Dataset | pd.DataFrame, path: Path) -> None:
    frame = _frame_of(data) if isinstance(data, xr.Dataset) else data
    columns = {name: _csv_column(frame.iloc[:, i]) for i, name in enumerate(frame.columns)}
    if len(columns) == frame.shape[1]:
        frame = pd.DataFrame(columns, index=frame.index)
    # An index without a name is the number of the row, which the row says by itself.
    named = any(name is not None for name in frame.index.names)
    frame.to_csv(path, index=named, encoding="utf-8", lineterminator="\n")


def _frame_of(ds: xr.Dataset) -> pd.DataFrame:
    if ds.dims:
        return ds.to_dataframe()
    return pd.DataFrame({name: _one_cell(variable.values) for name, variable in ds.variables.items()})


def _one_cell(value: Any) -> np.ndarray[Any, Any]:
    cell = np.empty(1, dtype=value.dtype)
    cell[0] = value[()]
    return cell


def _csv_column(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column in which lists, dictionaries and arrays are JSON text."""
    if column.dtype != object:
        return column
    where = f"the column '{column.name}'"
    return column.map(lambda cell: _csv_cell(cell, where))


def _csv_cell(cell: Any, where: str) -> Any:
    if isinstance(cell, np.ndarray):
        return cell_text(cell.tolist(), where)
    return cell_text(cell, where) if isinstance(cell, (list, tuple, dict)) else cell


_WRITERS: dict[str, Callable[[xr.Dataset | pd.DataFrame, Path], None]] = {
    ".csv": _write_csv,
    ".nc": _write_netcdf,
}

_TABLES = frozenset({".csv"})

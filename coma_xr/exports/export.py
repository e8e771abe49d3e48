"""Datasets and DataFrames into files that other programs read."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import xarray as xr

from coma_xr import files
from coma_xr.checks import check_flag
from coma_xr.errors import REPLACE, ExperimentError, StorageError
from coma_xr.exports.datasets import dataset_of
from coma_xr.exports.formats import format_of
from coma_xr.keywords import checks_keywords

if TYPE_CHECKING:
    import os

__all__ = ["export", "wants_table"]


@checks_keywords
def export(
    data: xr.Dataset | xr.DataArray | pd.DataFrame, path: str | os.PathLike[str], *, overwrite: bool = False
) -> Path:
    r"""Write a Dataset or DataFrame into a file, in the format that the file's name asks for.

    `load` reads the identical Dataset or DataFrame back. What a format has no form for is written in another
    one, and noted in the file; everything else is as other programs expect it.

    Parameters
    ----------
    data : Dataset, DataArray or DataFrame
        What `Experiment.to_dataset` or `Experiment.to_dataframe` returned, or any other. A DataArray is written as a
        Dataset with one variable, of its name or else ``values``.
    path : str or path-like
        ``.nc`` is netCDF, by the CF conventions; ``.zarr`` a directory; ``.json`` what `xarray.Dataset.from_dict` reads.
        ``.csv`` and ``.parquet`` are tables; of a Dataset, with a row for each cell that has a value. Lists and
        dictionaries in cells are JSON in CSV, and lists and structs in Parquet. The types of ``x.csv`` are in
        ``x.csv-metadata.json`` next to it.
    overwrite : bool, default False
        Replace a file, or zarr directory, that is there.

    Returns
    -------
    Path
        The file's, as soon as all of it is there: nothing half-written ever has this name.

    Raises
    ------
    ExperimentError
        When the name ends in anything else, its format needs a package that is not installed, or `data` is
        something else.
    SerializationError
        When a value has no form in such a file. The message names the variable.
    LayoutError
        When a table would have more than ten million rows.
    StorageError
        When the file is there, or cannot be written.

    Notes
    -----
    Everything that a measurement can store can be exported and comes back, a class that was given to `coma_xr.register`
    too. These come back changed: an index of a kind other than pandas' is dropped; subclasses of Python's types become
    these; a member of an Enum becomes its value, and a dataclass or named tuple the dictionary of its fields.

    Examples
    --------
    >>> ds = xr.Dataset({"t": ("theta", [0.1, 0.2])}, coords={"theta": [-5.0, 5.0]})
    >>> export(ds, "pendulum.csv").read_text()
    'theta,t\n-5.0,0.1\n5.0,0.2\n'
    >>> import coma_xr as coma
    >>> coma.export(ds, "pendulum.nc").name
    'pendulum.nc'
    """
    if isinstance(data, xr.DataArray):
        data = dataset_of(data, "values")[0]
    if not isinstance(data, (xr.Dataset, pd.DataFrame)):
        name = type(data).__name__
        hint = " Use .to_frame()." if isinstance(data, pd.Series) else ""
        hint = (
            f" Use .export('{path}')." if hasattr(data, "to_dataframe") and hasattr(data, "export") else hint
        )
        raise ExperimentError(f"A Dataset, DataArray or DataFrame can be exported, this is a {name}.{hint}")
    overwrite = check_flag("overwrite", overwrite)
    path = Path(files.local_path(path))
    chosen = format_of(path)
    if not files.is_directory(str(path.parent)):
        text = f"there is no directory {path.parent} to write into; make it first"
        raise StorageError(errno.ENOENT, text, str(path))
    try:
        chosen.module.write(data, path, overwrite)
    except FileExistsError as error:
        raise StorageError(error.errno, "this file exists already", str(path), ways=[REPLACE]) from None
    return path


def wants_table(path: str | os.PathLike[str]) -> bool:
    """Whether the format that a file's name asks for holds a table, and no arrays of many dims.

    Raises
    ------
    ExperimentError
        When the name asks for no format that is known, or for one that needs a package.

    Examples
    --------
    >>> wants_table("pendulum.csv"), wants_table("pendulum.nc")
    (True, False)
    """
    return format_of(Path(path)).is_table

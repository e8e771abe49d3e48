"""Exported files back into Datasets and DataFrames."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING

from coma_xr import files
from coma_xr.errors import ComaError, DataFileError, ExperimentError, StorageError
from coma_xr.exports.formats import FORMATS, format_of
from coma_xr.keywords import checks_keywords
from coma_xr.text import available, listing

if TYPE_CHECKING:
    import os

    import pandas as pd
    import xarray as xr

__all__ = ["UNREADABLE", "load"]

# What the readers of the formats raise for files that are none, or contradict themselves.
UNREADABLE = (
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    OSError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
)


@checks_keywords
def load(path: str | os.PathLike[str]) -> xr.Dataset | pd.DataFrame:
    """Read what `export` wrote: the identical Dataset or DataFrame, with the same types and attributes.

    Other files of these formats are read as xarray and pandas do.

    Parameters
    ----------
    path : str or path-like
        A file, or a zarr directory. A ``.csv`` that was changed since then, or has lost the
        ``.csv-metadata.json`` beside it, is read like any other table.

    Returns
    -------
    Dataset or DataFrame
        All of it in memory; the file is closed.

    Raises
    ------
    ExperimentError
        When the name ends in anything else, or its format needs a package that is not installed.
    StorageError
        When there is no such file, or it cannot be read.
    DataFileError
        When it is not what its name says.

    Examples
    --------
    >>> import coma_xr as coma
    >>> import xarray as xr
    >>> ds = xr.Dataset({"results/t": ("theta", [0.1, 0.2])}, attrs={"tags": ["pendulum"]})
    >>> coma.load(coma.export(ds, "pendulum.nc")).identical(ds)
    True
    """
    path = Path(files.local_path(path))
    if path.suffix.lower() not in FORMATS and files.is_directory(str(path)):
        raise ExperimentError(
            f"'{path}' is a directory; coma.Experiment('{path}', mode='r').to_dataset() reads one that is an experiment."
        )
    chosen = format_of(path)
    if not files.exists(str(path)):
        # The name of the file follows behind a colon.
        raise StorageError(errno.ENOENT, f"there is no such file.{_beside(path)}".rstrip("."), str(path))
    try:
        return chosen.module.read(path)
    except ComaError as error:
        if type(error) is DataFileError and str(path) not in str(error):
            raise DataFileError(f"{path}: cannot be read: {error}.") from error
        raise
    except PermissionError as error:
        raise files.refusal(error, "read", str(path)) from error
    except UNREADABLE as error:
        said = str(error).partition("\n")[0]
        raise DataFileError(
            f"{path}: cannot be read as {path.suffix}: {type(error).__name__}: {said}"
        ) from error


def _beside(path: Path) -> str:
    try:
        names = files.names(str(path.parent))
    except FileNotFoundError:
        return f" There is no directory '{path.parent}' either."
    known = sorted(
        name for name in names if Path(name).suffix.lower() in FORMATS and not name.startswith(".")
    )
    return f" {available(path.name, known)}" if known else f" None beside it ends in {listing(FORMATS)}."

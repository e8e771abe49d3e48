"""zarr directories."""

from __future__ import annotations

import errno
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import xarray as xr

from coma_xr import files
from coma_xr.errors import DataFileError, StorageError
from coma_xr.exports.datasets import ZARR
from coma_xr.exports.frames import from_file, to_file

if TYPE_CHECKING:
    import pandas as pd


_MARKS = {"zarr.json", ".zgroup", ".zarray"}


def write(data: xr.Dataset | pd.DataFrame, path: Path, overwrite: bool) -> None:
    """Write a Dataset or DataFrame; FileExistsError when the name is taken."""
    if overwrite and files.is_directory(str(path)) and not _MARKS & {*files.names(str(path))}:
        text = "this directory holds no zarr data, so it is not replaced; take another name"
        raise StorageError(errno.EEXIST, text, str(path))
    encoded = to_file(data, ZARR)
    with files.placing(str(path), overwrite=overwrite, directory=True) as temporary, _quiet():
        # Text, and all metadata in one place, are part of the second version of the format alone.
        encoded.to_zarr(temporary, mode="w-", consolidated=True, zarr_format=2)


def read(path: Path) -> xr.Dataset | pd.DataFrame:
    """Read what `write` wrote, or any other zarr group."""
    coder = xr.coders.CFDatetimeCoder(time_unit="s")
    with _quiet():
        _refuse_code(path)
        with xr.open_zarr(str(path), consolidated=False, chunks=None, decode_times=coder) as ds:
            return from_file(ds.load())


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep older zarrs from warning of their text, which became part of the format later."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"The (codec|dtype) .* is currently not part in the Zarr")
        yield


def _refuse_code(path: Path) -> None:
    """Raise DataFileError for arrays of format 2 that would be unpickled, which can run any code."""
    import zarr

    for name, array in zarr.open_group(str(path), mode="r").members(max_depth=None):
        steps = [getattr(array.metadata, part, None) for part in ("filters", "compressor")]
        if "pickle" in str(steps).lower():
            raise DataFileError(
                f"{path}: the array '{name}' is stored as Python pickles, which are not read."
            )

"""netCDF files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import xarray as xr

from coma_xr import files
from coma_xr.output.arrays import from_file, to_file
from coma_xr.output.encoding import NETCDF

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["opened", "read", "write"]


def write(data: xr.Dataset | pd.DataFrame, path: Path, overwrite: bool) -> None:
    """Write a Dataset or DataFrame; FileExistsError when the name is taken."""
    encoded = to_file(data, NETCDF)
    with files.placing(str(path), overwrite=overwrite) as temporary:
        encoded.to_netcdf(temporary, engine="netcdf4", format="NETCDF4")


def read(path: Path) -> xr.Dataset | pd.DataFrame:
    """Read what `write` wrote, or any other netCDF file."""
    with opened(path) as raw:
        return from_file(raw.load())


def opened(path: Path | str) -> xr.Dataset:
    """Return a file as it is, to be closed; nothing but its coordinates is read yet."""
    # The coarsest unit that tells all dates is exact for each of them.
    coder = xr.coders.CFDatetimeCoder(time_unit="s")
    return xr.open_dataset(path, engine="netcdf4", decode_times=coder, cache=False)

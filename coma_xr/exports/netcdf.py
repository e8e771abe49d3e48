"""netCDF files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr

from coma_xr import files
from coma_xr.exports.arrays import from_file, to_file
from coma_xr.exports.datasets import NETCDF

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["opened", "read", "save", "write"]

# The library below is not made for threads, not even when each has a file of its own, and xarray locks only a part
# of what it does with it.
_ONE_AT_A_TIME = threading.RLock()


def write(data: xr.Dataset | pd.DataFrame, path: Path, overwrite: bool) -> None:
    """Write a Dataset or DataFrame; FileExistsError when the name is taken."""
    encoded = to_file(data, NETCDF)
    with files.placing(str(path), overwrite=overwrite) as temporary:
        save(encoded, temporary)


def save(encoded: xr.Dataset, path: str) -> None:
    """Write a Dataset that netCDF can hold as it is."""
    with _ONE_AT_A_TIME:
        encoded.to_netcdf(path, engine="netcdf4", format="NETCDF4")


def read(path: Path) -> xr.Dataset | pd.DataFrame:
    """Read what `write` wrote, or any other netCDF file."""
    with opened(path) as raw:
        return from_file(raw.load())


@contextmanager
def opened(path: Path | str) -> Iterator[xr.Dataset]:
    """Yield a file as it is, without indexes; nothing is read yet. Other threads wait until the block is left."""
    # The coarsest unit that tells all dates is exact for each of them.
    coder = xr.coders.CFDatetimeCoder(time_unit="s")
    as_it_is: Any = {"decode_times": coder, "cache": False, "create_default_indexes": False}
    with _ONE_AT_A_TIME, xr.open_dataset(path, engine="netcdf4", **as_it_is) as raw:
        yield raw

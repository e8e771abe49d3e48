"""netCDF files."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from coma_xr import files
from coma_xr.exports.arrays import from_file, to_file
from coma_xr.exports.datasets import NETCDF

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["opened", "read", "save", "write"]

_CONVENTIONS, _HISTORY = "Conventions", "history"
_LINE = re.compile(r"\S+ exported by coma_xr, which added (Conventions and )?history")

# The library below is not made for threads, not even when each has a file of its own, and xarray locks only a part
# of what it does with it.
_ONE_AT_A_TIME = threading.RLock()


def write(data: xr.Dataset | pd.DataFrame, path: Path, overwrite: bool) -> None:
    """Write a Dataset or DataFrame; FileExistsError when the name is taken."""
    encoded = _described(to_file(data, NETCDF))
    with files.placing(str(path), overwrite=overwrite) as temporary:
        save(encoded, temporary)


def _described(encoded: xr.Dataset) -> xr.Dataset:
    """Return a Dataset with the global attributes that the CF conventions ask for."""
    attrs = dict(encoded.attrs)
    lines = [attrs[_HISTORY]] if isinstance(attrs.get(_HISTORY), str) else []
    if _HISTORY in attrs and not lines:
        return encoded
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    added = _HISTORY if _CONVENTIONS in attrs else f"{_CONVENTIONS} and {_HISTORY}"
    attrs.setdefault(_CONVENTIONS, "CF-1.8")
    lines.append(f"{now} exported by coma_xr, which added {added}")
    return encoded.assign_attrs(attrs | {_HISTORY: "\n".join(lines)})


def _undescribed(raw: xr.Dataset) -> xr.Dataset:
    """Return a Dataset without what `_described` added, unless another program has changed it."""
    before, _, line = str(raw.attrs.get(_HISTORY, "")).rpartition("\n")
    ours = _LINE.fullmatch(line)
    if ours is not None:
        gone = {_CONVENTIONS if ours[1] else "", "" if before else _HISTORY}
        attrs = raw.attrs | {_HISTORY: before}
        raw.attrs = {key: value for key, value in attrs.items() if key not in gone}
    return raw


def save(encoded: xr.Dataset, path: str) -> None:
    """Write a Dataset that netCDF can hold as it is."""
    for name, coord in encoded.coords.variables.items():
        # The CF conventions know no missing values of what labels a dim.
        if coord.dtype.kind == "f" and (coord.dims == (name,) or not np.isnan(coord.values).any()):
            coord.encoding["_FillValue"] = None
    with _ONE_AT_A_TIME:
        encoded.to_netcdf(path, engine="netcdf4", format="NETCDF4")


def read(path: Path) -> xr.Dataset | pd.DataFrame:
    """Read what `write` wrote, or any other netCDF file."""
    with opened(path) as raw:
        return from_file(_undescribed(raw.load()))


@contextmanager
def opened(path: Path | str) -> Iterator[xr.Dataset]:
    """Yield a file as it is, without indexes; nothing is read yet. Other threads wait until the block is left."""
    # The coarsest unit that tells all dates is exact for each of them.
    coder = xr.coders.CFDatetimeCoder(time_unit="s")
    as_it_is: Any = {"decode_times": coder, "cache": False, "create_default_indexes": False}
    with _ONE_AT_A_TIME, xr.open_dataset(path, engine="netcdf4", **as_it_is) as raw:
        yield raw

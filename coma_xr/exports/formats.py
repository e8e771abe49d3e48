"""The formats that files are exported in, known by the end of a file's name."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from coma_xr.errors import ExperimentError
from coma_xr.exports import csv, json, netcdf, parquet, zarr
from coma_xr.text import available

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["FORMATS", "Format", "format_of"]


class _Module(Protocol):
    """What the module of a format has."""

    def write(self, data: xr.Dataset | pd.DataFrame, path: Path, overwrite: bool) -> None: ...

    def read(self, path: Path) -> xr.Dataset | pd.DataFrame: ...


@dataclass(frozen=True)
class Format:
    """A format.

    Attributes
    ----------
    module : module
        Its functions `write` and `read`.
    is_table : bool
        Whether it holds a table, and no arrays of many dims.
    package, extra : str
        The package that it needs besides those of coma_xr, and the extra that brings it.
    """

    module: _Module
    is_table: bool = False
    package: str = ""
    extra: str = ""


FORMATS = {
    ".csv": Format(csv, is_table=True),
    ".json": Format(json),
    ".nc": Format(netcdf),
    ".parquet": Format(parquet, is_table=True, package="pyarrow", extra="parquet"),
    ".zarr": Format(zarr, package="zarr", extra="zarr"),
}


def format_of(path: Path) -> Format:
    """Return the format that the end of a file's name asks for.

    Raises
    ------
    ExperimentError
        When it is not known, or needs a package that is not installed.
    """
    kind = path.suffix.lower()
    if kind not in FORMATS:
        raise ExperimentError(
            f"'{path}': the end of a file's name says its format, and '{path.suffix}' is not known. "
            f"{available(kind, FORMATS)}"
        )
    found = FORMATS[kind]
    if found.package and not _is_installed(found.package):
        raise ExperimentError(
            f"'{path}': {kind} needs the package {found.package}, which is not installed. "
            f'Install it: pip install "coma_xr[{found.extra}]"'
        )
    return found


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ValueError:
        return False

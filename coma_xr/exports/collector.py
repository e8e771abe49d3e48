"""Arrays into the bytes of netCDF files, with the reference that the tree keeps."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from coma_xr import files
from coma_xr.errors import SerializationError
from coma_xr.scratch import scratch_directory
from coma_xr.tree import join
from coma_xr.values.external import Reference

if TYPE_CHECKING:
    import xarray as xr

    from coma_xr.values.plain import Tree


_RESULTS = "results"
_LONGEST = 80
_LARGEST = 2**62


class Collector:
    """Takes the arrays that a function returned marked by `coma_xr.external`, and notes what was masked in others."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.masked: list[str] = []

    def __call__(self, value: Any, path: tuple[str, ...]) -> Tree:
        """Take one array and return what the tree keeps of it.

        Raise SerializationError when netCDF cannot hold it. The message names the path.
        """
        stem = _stem(path)
        number, file = 1, f"{stem}.nc"
        # Case counts in a path, and not in the names of files everywhere.
        while file.lower() in map(str.lower, self.files):
            number += 1
            file = f"{stem}_{number}.nc"
        try:
            ds, variable, name = _dataset(value, stem)
            data = _bytes(ds)
        except SerializationError as error:
            raise error.at(join(path)) from error
        self.files[file] = data
        is_dataset = variable is None
        return Reference(
            file,
            f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}",
            tuple(value.sizes.values()) if is_dataset else value.shape,
            None if is_dataset else value.dtype.str,
            len(data),
            hashlib.sha256(data).hexdigest(),
            variable,
            name,
        ).to_tree()


def _stem(path: tuple[str, ...]) -> str:
    """Return what a file is called after a path in a tree.

    >>> _stem(("results", "psi")), _stem(("results", "states", "0"))
    ('psi', 'states.0')
    """
    keys = path[1:] if path[:1] == (_RESULTS,) and len(path) > 1 else path
    return re.sub(r"[^A-Za-z0-9_.-]", "_", ".".join(keys))[-_LONGEST:]


def _dataset(value: Any, stem: str) -> tuple[xr.Dataset, str | None, str | None]:
    """Return a Dataset that holds the value, the name that an array has in it, and that it had itself."""
    import numpy as np
    import xarray as xr

    from coma_xr.exports.datasets import NETCDF, dataset_of, file_name, variable_of
    from coma_xr.values.numpy import exact_times

    most = (
        max((v.ndim for v in value.variables.values()), default=0)
        if isinstance(value, xr.Dataset)
        else value.ndim
    )
    if most > (NETCDF.most_dims or most):
        raise SerializationError(
            f"it has {most} dims, more than netCDF holds",
            expected=f"at most {NETCDF.most_dims}",
            ways=["Return it without coma.external()."],
        )
    if isinstance(value, xr.Dataset):
        return value, None, None
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "V":
            raise SerializationError(
                "netCDF has no structured arrays", ways=["Return an array for each field."]
            )
        if value.dtype.kind in "mM":
            value = exact_times(value)
        dims = [f"dim_{axis}" for axis in range(value.ndim)]
        # A variable of a dim's name would be its coordinate.
        variable = f"{stem}_values" if stem in dims else file_name(stem)
        return xr.Dataset({variable: variable_of(dims, value)}), variable, None
    name = value.name
    if not (name is None or type(name) is str):
        raise SerializationError(f"the name of a DataArray is {name!r}", expected="a str or None")
    ds, label = dataset_of(value, stem)
    return ds, str(label), name


def _bytes(ds: xr.Dataset) -> bytes:
    from coma_xr.exports.datasets import NETCDF, to_file
    from coma_xr.exports.netcdf import save

    encoded = to_file(ds, NETCDF)
    with scratch_directory() as directory:
        path = files.inside(directory, "data.nc")
        save(encoded, path)
        return files.read(path, _LARGEST)

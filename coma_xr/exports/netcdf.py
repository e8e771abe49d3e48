"""netCDF files."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from coma_xr import files
from coma_xr.errors import DataFileError
from coma_xr.exports.datasets import (
    NETCDF,
    Decoded,
    assembled,
    decode_attrs,
    decode_parts,
    decode_variable,
    from_file,
    to_file,
)

if TYPE_CHECKING:
    import pandas as pd


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
    # The first version with integers of 64 bits, which Datasets have.
    attrs.setdefault(_CONVENTIONS, "CF-1.9")
    lines.append(f"{now} exported by coma_xr, which added {added}")
    return encoded.assign_attrs(attrs | {_HISTORY: "\n".join(lines)})


def _undescribed(raw: xr.Dataset) -> xr.Dataset:
    """Return a Dataset without what `_described` added, unless another program has changed it."""
    before, _, line = str(raw.attrs.get(_HISTORY, "")).rpartition("\n")
    ours = _LINE.fullmatch(line)
    if ours is not None:
        added = {_CONVENTIONS if ours[1] else "", "" if before else _HISTORY}
        attrs = raw.attrs | {_HISTORY: before}
        raw.attrs = {key: value for key, value in attrs.items() if key not in added}
    return raw


def save(encoded: xr.Dataset, path: str) -> None:
    """Write a Dataset that netCDF can hold as it is."""
    for name, coord in encoded.coords.variables.items():
        # The CF conventions know no missing values of what labels a dim.
        if coord.dtype.kind == "f" and (coord.dims == (name,) or not np.isnan(coord.values).any()):
            coord.encoding["_FillValue"] = None
    with _ONE_AT_A_TIME, files.reasons_of_refusals("netCDF", path, encoded.nbytes):
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
    with _ONE_AT_A_TIME:
        _refuse_other_files(path)
        with xr.open_dataset(path, engine="netcdf4", **as_it_is) as raw:
            yield raw


def _refuse_other_files(path: Path | str) -> None:
    """Raise DataFileError for an HDF5 file that would show the content of other files to whoever reads it."""
    if not h5py.is_hdf5(path):
        return
    outside: list[str] = []

    def note_link(name: str, link: Any) -> None:
        if isinstance(link, h5py.ExternalLink):
            outside.append(f"'{name}' is a link to {link.filename!r}")

    def note_storage(name: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset):
            return
        others = [source.file_name for source in item.virtual_sources()] if item.is_virtual else []
        others = [other for other in others if other != "."] + [other for other, *_ in item.external or ()]
        outside.extend(f"the data of '{name}' are in {other!r}" for other in others)

    try:
        with h5py.File(path, locking=False) as file:
            file.visititems_links(note_link)
            file.visititems(note_storage)
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise DataFileError(f"damaged: {error}", where=str(path), expected="an HDF5 file") from error
    if outside:
        raise DataFileError(
            f"{path}: {outside[0]}. Nothing was read.",
            expected="a file that refers to no other files",
            ways=["If you trust the file, read it with xarray.open_dataset."],
        )


# Notes of a variable with which each part of it is decoded as the whole is.
_EACH_BY_ITSELF = {"attrs", "complex", "dtype"}


class LazyArray(BackendArray):
    """One variable of a file that was written by `coma_xr.exports.netcdf`."""

    def __init__(
        self, path: str, name: str, shape: Sequence[int], dtype: Any, check: Callable[[], object]
    ) -> None:
        self.path, self.name, self.check = path, name, check
        self.shape, self.dtype = tuple(shape), np.dtype(dtype)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        """Return a part."""
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> Any:
        self.check()
        with _opened(self.path) as raw:
            variable = raw.variables.get(self.name)
            if variable is None or variable.shape[: _outer(variable)] != self.shape:
                raise self._otherwise()
            # With all dims, so that the one of complex numbers stays the last.
            values: Any = decode_variable(variable[tuple(map(_as_range, key))])[1]
        if values.dtype.newbyteorder("=") != self.dtype.newbyteorder("="):
            raise self._otherwise()
        return values[tuple(0 if isinstance(k, (int, np.integer)) else slice(None) for k in key)]

    def _otherwise(self) -> DataFileError:
        shape = " by ".join(map(str, self.shape))
        return DataFileError(
            f"no array '{self.name}' of {self.dtype}, {shape}, is in it",
            where=str(self.path),
            expected="the array that the measurement refers to",
        )


@contextmanager
def _opened(path: str) -> Iterator[xr.Dataset]:
    """Yield a file as it is; DataFileError when it would fill more memory than one that coma_xr wrote, which is not packed."""
    stamp = files.stamp(path)
    size = stamp[1] if stamp else 0
    with opened(path) as raw:
        for name, variable in raw.variables.items():
            if variable.size > size:
                fault = f"'{name}' claims {variable.size:,} values, more than the file has bytes, {size:,}"
                raise DataFileError(f"{fault}. Nothing was read", where=str(path))
        yield raw


def _outer(variable: xr.Variable) -> int:
    """Return the number of dims without the one of the two parts of complex numbers."""
    return variable.ndim - ("complex" in decode_attrs(variable.attrs)[1])


def _as_range(key: Any) -> Any:
    return slice(key, key + 1) if isinstance(key, (int, np.integer)) else key


def lazy(dims: Sequence[str], array: BackendArray, attrs: dict[Any, Any] | None = None) -> xr.Variable:
    """Return a variable that reads an array when its values are looked at."""
    return xr.Variable(tuple(dims), indexing.LazilyIndexedArray(array), attrs)


def open_lazily(path: str, check: Callable[[], object]) -> xr.Dataset:
    """Return the Dataset that a file holds: its arrays of numbers are read when they are used, the rest now."""
    with _opened(path) as raw:
        data = set(raw.data_vars)
        if not all(_can_wait(raw.variables[name]) for name in data) or not data:
            check()

        def decode(variable: xr.Variable, name: str) -> Decoded:
            if name not in data or not _can_wait(variable):
                return decode_variable(variable)
            # An empty part: the dims, dtype and attributes are needed, not the values.
            dims, values, attrs = decode_variable(variable[(slice(0, 0),) * _outer(variable)])
            shape = [variable.sizes[dim] for dim in variable.dims[: len(dims)]]
            array: Any = indexing.LazilyIndexedArray(LazyArray(path, name, shape, values.dtype, check))
            return dims, array, attrs

        return assembled(decode_parts(raw, decode))


def _can_wait(variable: xr.Variable) -> bool:
    """Whether a variable is made of numbers, and each part of it can be decoded alone."""
    note = decode_attrs(variable.attrs)[1]
    numbers = variable.ndim > 0 and variable.dtype.kind in "biuf" and note.get("dtype") != "object"
    return numbers and set(note) <= _EACH_BY_ITSELF

"""netCDF files whose variables are read when they are looked at, and only the part that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from coma_xr import files
from coma_xr.errors import DataFileError
from coma_xr.exports.attrs import decode_attrs
from coma_xr.exports.datasets import Decoded, assembled, decode_parts, decode_variable
from coma_xr.exports.netcdf import opened

__all__ = ["LazyArray", "lazy", "open_lazily"]

# Notes of a variable with which each part of it is decoded as the whole is.
_EACH_BY_ITSELF = {"attrs", "complex", "dtype"}


class LazyArray(BackendArray):
    """One variable of a file that was written by `coma_xr.exports.netcdf`.

    Parameters
    ----------
    path : str
        Of the file.
    name : str
        Of the variable in it.
    shape, dtype
        Of its values; DataFileError is raised when they turn out to be others.
    check : callable
        Called before the file is read; raises what is wrong with it.
    """

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
            f"{self.path}: expected an array '{self.name}' of {self.dtype}, {shape}, which it has not."
        )


@contextmanager
def _opened(path: str) -> Iterator[xr.Dataset]:
    """Yield a file as it is; DataFileError when it would fill more memory than one that coma_xr wrote, which is not packed."""
    stamp = files.stamp(path)
    size = stamp[1] if stamp else 0
    with opened(path) as raw:
        for name, variable in raw.variables.items():
            if variable.size > size:
                text = f"'{name}' is said to have {variable.size:,} values, more than the file has bytes, {size:,}"
                raise DataFileError(f"{path}: {text}. Nothing was read.")
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
    """Return the Dataset that a file holds: its arrays of numbers are read when they are used, the rest now.

    Parameters
    ----------
    path : str
    check : callable
        Called before each reading of values, but not of those of coordinates.
    """
    with _opened(path) as raw:
        data = set(raw.data_vars)
        if not all(_can_wait(raw.variables[name]) for name in data) or not data:
            check()

        def decode(variable: xr.Variable, name: str) -> Decoded:
            if name not in data or not _can_wait(variable):
                return decode_variable(variable)
            # Nothing but the two parts of complex numbers, of which there are none.
            dims, values, attrs = decode_variable(variable[(slice(0, 0),) * _outer(variable)])
            shape = [variable.sizes[dim] for dim in variable.dims[: len(dims)]]
            array: Any = indexing.LazilyIndexedArray(LazyArray(path, name, shape, values.dtype, check))
            return dims, array, attrs

        return assembled(decode_parts(raw, decode))


def _can_wait(variable: xr.Variable) -> bool:
    """Whether a variable is made of numbers, and each part of it can be decoded by itself."""
    note = decode_attrs(variable.attrs)[1]
    numbers = variable.ndim > 0 and variable.dtype.kind in "biuf" and note.get("dtype") != "object"
    return numbers and set(note) <= _EACH_BY_ITSELF

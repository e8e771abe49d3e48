"""References in trees into the arrays that they stand for: read when they are used, after a look at their files."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from coma_xr import files
from coma_xr.errors import DataFileError, ExperimentError, warn
from coma_xr.exports.formats import UNREADABLE
from coma_xr.exports.netcdf import LazyArray, lazy, open_lazily
from coma_xr.tree import TYPE
from coma_xr.values import external
from coma_xr.values.array_likes import QUANTITY
from coma_xr.values.external import Reference
from coma_xr.values.plain import from_plain

if TYPE_CHECKING:
    from coma_xr.values.plain import Tree


# Who locates files wants to read them, and this module sets how.
located = external.located

FILE = "coma_xr_file"
"""In the encoding of an array from a file of its own: the path of the file."""

BARE = "coma_xr_bare"
"""In the encoding of a DataArray that stands for an array of NumPy, whose dims have no names."""

_AXIS = "dim_{}"


def check(reference: Reference) -> str:
    """Return the path of a file that was checked completely.

    Raise DataFileError when it is gone, or not what was written with the measurement.
    """
    path, stamp = _look(reference)
    digest, expected = _digest(path, stamp), reference.sha256
    if digest != expected:
        raise _another(path, f"its SHA-256 is {digest[:12]}..., expected {expected[:12]}...")
    return path


def _look(reference: Reference) -> tuple[str, tuple[int, int, int]]:
    """Return path and stamp of a file that exists and has its size; nothing of it was read. Errors as of `check`."""
    path = str(reference.path)
    stamp = files.stamp(path)
    if stamp is None:
        raise DataFileError(
            f"the file is missing; it holds the {reference.type} that the measurement refers to",
            where=path,
            ways=["Copy it next to the measurement from where the measurement was copied."],
        )
    if stamp[1] != reference.size:
        raise _another(path, f"it has {stamp[1]} bytes, expected {reference.size}")
    return path, stamp


def _another(path: str, why: str) -> DataFileError:
    return DataFileError(
        f"not the file that was written with the measurement: {why}",
        where=path,
        ways=["Put the right file back, or remove the measurement."],
    )


@lru_cache(maxsize=100_000)
def _digest(path: str, stamp: tuple[int, int, int]) -> str:
    return files.sha256(path, stamp[1])


def value_of(reference: Reference) -> Any:
    """Return what a reference stands for: an array of NumPy read, others to be read when their values are used."""
    value = _deferred(reference)
    if reference.type != "numpy.ndarray":
        return value
    # netCDF keeps no order of bytes.
    return np.asarray(value.values).astype(_dtype(reference), copy=False)


def deferred(node: Tree) -> Any:
    """Return the value of a node of a tree; arrays in separate files are not read yet.

    One of NumPy becomes a DataArray whose encoding has the key `BARE`, all have `FILE`.
    """
    if external.is_external(node):
        reference = Reference.of(node)
        if reference.path is not None:
            return _deferred(reference)
    value = from_plain(node)
    if type(node) is dict and node.get(TYPE) == QUANTITY:
        value.encoding[BARE] = True
    return value


def revived(node: Tree) -> Any:
    """Return the value of a stored form as `deferred` does; the form itself where that is a plain tree again.

    Such a dictionary or list is read when its cell is filled, so that nothing in it counts as a stored form.
    An array without dims is its one item, so that it can stand in one column with numbers.
    """
    value = deferred(node)
    if type(value) is np.ndarray and not value.ndim:
        value = value[()]
        is_bare = isinstance(value, (np.bool_, np.integer, np.float64, np.str_))
        return value.item() if is_bare and not isinstance(value, np.timedelta64) else value
    return node if type(value) in (dict, list) else value


def is_deferred(value: Any) -> bool:
    """Whether a value is an array from a file of its own, which may not be read yet."""
    return isinstance(value, xr.DataArray) and FILE in value.encoding


def _deferred(reference: Reference) -> xr.DataArray | xr.Dataset:
    path, read = _look(reference)[0], partial(check, reference)
    is_array = reference.type == "numpy.ndarray"
    dtype = _dtype(reference) if is_array else None
    if dtype is not None and dtype.kind in "biufc" and reference.shape:
        array = LazyArray(path, str(reference.variable), reference.shape, dtype.newbyteorder("="), read)
        dims = [_AXIS.format(axis) for axis in range(len(reference.shape))]
        da = xr.DataArray(lazy(dims, array))
        da.encoding = {FILE: path, BARE: True}
        return da
    try:
        ds = open_lazily(path, read)
        for variable in ds.data_vars:
            ds[variable].encoding[FILE] = path
        if reference.variable is None:
            return ds
        da = ds[reference.variable].rename(reference.name)
    except DataFileError:
        raise
    except UNREADABLE as error:
        check(reference)
        raise DataFileError(f"cannot be read: {type(error).__name__}: {error}", where=path) from error
    if is_array:
        da.encoding[BARE] = True
    return da


def _dtype(reference: Reference) -> np.dtype[Any]:
    try:
        return np.dtype(str(reference.dtype))
    except (TypeError, ValueError) as error:
        raise DataFileError(
            f"a stored {external.EXTERNAL} has the dtype {str(reference.dtype)[:80]!r}: {error}",
            expected="a dtype of NumPy",
        ) from error


external.open_with(value_of)


# Where xarray looks for the sizes of chunks that suit a file.
_PREFERRED = "preferred_chunks"

# What a float of double precision tells apart.
_EXACT = 2**53


class Stack(BackendArray):
    """Variables of one shape as one array; only those are read that are looked at."""

    def __init__(self, variables: Sequence[xr.Variable], cells: Any, dtype: Any, filler: Any) -> None:
        self.variables, self.cells, self.filler = list(variables), cells, filler
        self.shape, self.dtype = (*cells.shape, *self.variables[0].shape), np.dtype(dtype)

    def variable(self, dims: Sequence[str], attrs: dict[Any, Any]) -> xr.Variable:
        """Return a variable that reads when its values are looked at."""
        variable = xr.Variable(tuple(dims), indexing.LazilyIndexedArray(self), attrs)
        # What dask computes at a time by default is one file.
        sizes = [*(1 for _ in self.cells.shape), *self.variables[0].shape]
        variable.encoding = {_PREFERRED: dict(zip(dims, sizes, strict=True))}
        return variable

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        """Return a part."""
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> Any:
        numbers, inner = self.cells, key[self.cells.ndim :]
        for axis in reversed(range(numbers.ndim)):
            numbers = numbers[(*[slice(None)] * axis, key[axis])]
        # How much of each variable is wanted, found on one that takes no space.
        shape = self.variables[0].shape
        selected = np.broadcast_to(np.False_, shape)
        for axis in reversed(range(len(shape))):
            selected = selected[(*[slice(None)] * axis, inner[axis])]
        filled = partial(np.full, (*np.shape(numbers), *selected.shape), self.filler, dtype=self.dtype)
        out = None
        for place, number in np.ndenumerate(numbers):
            if number >= 0:
                part = self.variables[number][inner].values
                # Only now it is known that there is so much in the file as the measurement says.
                out = filled() if out is None else out
                if part.dtype.kind in "iu" and self.dtype.kind == "f" and part.size:
                    _say_rounded(part)
                out[place] = part
        return filled() if out is None else out


def chunked(ds: xr.Dataset, chunks: Any) -> xr.Dataset:
    """Return a Dataset in which arrays of separate files are computed by dask.

    Raise ExperimentError when dask is not installed.
    """
    if importlib.util.find_spec("dask") is None:
        raise ExperimentError(
            "chunks= needs dask, which is not installed.", ways=['Install it: pip install "coma_xr[dask]".']
        )
    arrays = {name: array for name, array in ds.data_vars.items() if _PREFERRED in array.encoding}
    return ds.assign({name: array.chunk(_chunks_of(array, chunks)) for name, array in arrays.items()})


def _chunks_of(array: xr.DataArray, chunks: Any) -> Any:
    if not isinstance(chunks, Mapping):
        return chunks
    dim_chunks = {dim: size for dim, size in chunks.items() if dim in array.dims}
    return {**array.encoding[_PREFERRED], **dim_chunks}


def _say_rounded(ints: Any) -> None:
    if max(abs(int(ints.max())), abs(int(ints.min()))) > _EXACT:
        warn("Integers beyond 2**53 were rounded to floats, because missing values need NaN.")

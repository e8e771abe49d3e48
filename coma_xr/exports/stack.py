"""Arrays of many files as one, of which only those files are read that are looked at."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from coma_xr.errors import ExperimentError, warn

__all__ = ["Stack", "chunked"]

# Where xarray looks for the sizes of chunks that suit a file.
_PREFERRED = "preferred_chunks"

# What a float of double precision tells apart.
_EXACT = 2**53


class Stack(BackendArray):
    """Variables of one shape as one array; only those are read that are looked at.

    Parameters
    ----------
    variables : sequence of Variable
        Of the same shape.
    cells : ndarray of int
        For each place of the outer dims the number of its variable, -1 where there is none.
    dtype : dtype
        In which all of them, and the filler, fit.
    filler : scalar
        Stands where there is none.
    """

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
        wanted = np.broadcast_to(np.False_, shape)
        for axis in reversed(range(len(shape))):
            wanted = wanted[(*[slice(None)] * axis, inner[axis])]
        whole = partial(np.full, (*np.shape(numbers), *wanted.shape), self.filler, dtype=self.dtype)
        out = None
        for place, number in np.ndenumerate(numbers):
            if number >= 0:
                part = self.variables[number][inner].values
                # Only now it is known that there is so much in the file as the measurement says.
                out = whole() if out is None else out
                if part.dtype.kind in "iu" and self.dtype.kind == "f" and part.size:
                    _say_rounded(part)
                out[place] = part
        return whole() if out is None else out


def chunked(ds: xr.Dataset, chunks: Any) -> xr.Dataset:
    """Return a Dataset in which what lies in files of its own is computed by dask.

    Parameters
    ----------
    ds : Dataset
    chunks : int, "auto" or mapping
        As for `xarray.open_dataset`; an empty mapping means one chunk for each file.

    Raises
    ------
    ExperimentError
        When dask is not installed.
    """
    if importlib.util.find_spec("dask") is None:
        raise ExperimentError('chunks= needs dask, which is not installed: pip install "coma_xr[dask]"')
    arrays = {name: array for name, array in ds.data_vars.items() if _PREFERRED in array.encoding}
    return ds.assign({name: array.chunk(_chunks_of(array, chunks)) for name, array in arrays.items()})


def _chunks_of(array: xr.DataArray, chunks: Any) -> Any:
    if not isinstance(chunks, Mapping):
        return chunks
    own = {dim: size for dim, size in chunks.items() if dim in array.dims}
    return {**array.encoding[_PREFERRED], **own}


def _say_rounded(ints: Any) -> None:
    if max(abs(int(ints.max())), abs(int(ints.min()))) > _EXACT:
        warn(
            "Whole numbers beyond 2**53 were rounded to floats, for the sake of NaN where there is no value."
        )

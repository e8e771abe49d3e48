"""zarr directories."""

from __future__ import annotations

import errno
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr

from coma_xr import files
from coma_xr.errors import DataFileError, StorageError
from coma_xr.exports.datasets import ZARR, from_file, to_file
from coma_xr.text import listing

if TYPE_CHECKING:
    import pandas as pd


# Each of them makes numbers or text of bytes, and nothing else.
_CODECS = {
    *(
        "adler32",
        "astype",
        "base64",
        "bitround",
        "blosc",
        "bytes",
        "bz2",
        "cast_value",
        "crc32",
        "crc32c",
        "delta",
    ),
    *(
        "fixedscaleoffset",
        "fletcher32",
        "gzip",
        "jenkins_lookup3",
        "json2",
        "lz4",
        "lzma",
        "packbits",
        "quantize",
    ),
    *("scale_offset", "sharding_indexed", "shuffle", "transpose", "vlen-bytes", "vlen-utf8", "zlib", "zstd"),
}

_MARKS = {"zarr.json", ".zgroup", ".zarray"}


def write(data: xr.Dataset | pd.DataFrame, path: Path, overwrite: bool) -> None:
    """Write a Dataset or DataFrame; FileExistsError when the name is taken."""
    if overwrite and files.is_directory(str(path)) and not _MARKS & {*files.names(str(path))}:
        fault = "this directory has no zarr data, so it is not replaced; choose another name"
        raise StorageError(errno.EEXIST, fault, str(path))
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
    """Raise DataFileError for arrays whose codecs are not known to be harmless: one of them unpickles, which runs any code."""
    import zarr

    # Consolidated metadata may say something else than those that are used.
    group = zarr.open_group(str(path), mode="r", use_consolidated=False)
    for name, array in group.members(max_depth=None):
        unknown = sorted({*_codecs(array.metadata.to_dict())} - _CODECS)
        if unknown:
            raise DataFileError(
                f"{path}: the array '{name}' is stored with {listing(map(repr, unknown))}, which coma_xr does not read.",
                expected="only codecs that cannot run code",
                ways=["If you trust the file, read it with xarray.open_zarr."],
            )


def _codecs(metadata: Any) -> Iterator[str]:
    """Yield the names of all codecs, filters and compressors in the metadata of an array, nested ones too.

    >>> [*_codecs({"compressor": {"id": "zlib"}, "filters": [{"id": "delta"}], "attributes": {"id": "x"}})]
    ['zlib', 'delta']
    >>> [*_codecs({"codecs": [{"name": "sharding_indexed", "configuration": {"codecs": [{"name": "numcodecs.zlib"}]}}]})]
    ['sharding_indexed', 'zlib']
    """
    for key in ("compressor", "filters", "codecs", "index_codecs", "storage_transformers"):
        steps = metadata.get(key) or ()
        for step in steps if isinstance(steps, (list, tuple)) else [steps]:
            config = step if isinstance(step, dict) else step.get_config()
            yield str(config.get("id") or config.get("name")).removeprefix("numcodecs.")
            yield from _codecs(config.get("configuration") or {})

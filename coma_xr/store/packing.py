"""Compressed files, as gzip makes them. Coma 2 does not read these."""

from __future__ import annotations

import zlib

from coma_xr.errors import DataFileError

__all__ = ["GZ", "pack", "unpack"]

GZ = ".gz"

# With the header of gzip.
_GZIP = 16 + zlib.MAX_WBITS
_LEVEL = 6


def pack(data: bytes) -> bytes:
    """Return the content of a compressed file; of the same data it is always the same.

    Examples
    --------
    >>> unpack(pack(b"t" * 1000), 1000) == b"t" * 1000
    True
    """
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    return packer.compress(data) + packer.flush()


def unpack(data: bytes, limit: int) -> bytes:
    """Return what a compressed file holds.

    Raises
    ------
    DataFileError
        It is damaged or cut off, or holds more than `limit` bytes, of which no more are made.
    """
    unpacker = zlib.decompressobj(_GZIP)
    try:
        unpacked = unpacker.decompress(data, limit + 1)
    except zlib.error as error:
        raise DataFileError(f"no valid gzip: {error}") from None
    if len(unpacked) > limit:
        raise DataFileError(f"holds more than the {limit} bytes that are read")
    if not unpacker.eof:
        raise DataFileError("no valid gzip: it is cut off" if data else "empty")
    if unpacker.unused_data.strip(b"\0"):
        raise DataFileError("no valid gzip: more follows behind its end")
    return unpacked

"""Compressed files, as gzip makes them. Coma 2 does not read these."""

from __future__ import annotations

import zlib

from coma_xr.errors import DataFileError

__all__ = ["GZ", "pack", "unpack"]

GZ = ".gz"

# With the header of gzip.
_GZIP = 16 + zlib.MAX_WBITS
_LEVEL = 6

# A small file must not fill the memory: what is unpacked may be this many times its size, from so many bytes on.
_MOST = 100
_FREE = 4 * 2**20


def pack(data: bytes) -> bytes:
    """Return the content of a compressed file; of the same data it is always the same.

    Data that could be packed to less than a hundredth are packed less well, so that they are read again.

    Examples
    --------
    >>> unpack(pack(b"t" * 1000), 1000) == b"t" * 1000
    True
    """
    packed = _pack(data, zlib.Z_DEFAULT_STRATEGY)
    return packed if len(data) <= _most(packed) else _pack(data, zlib.Z_HUFFMAN_ONLY)


def _pack(data: bytes, strategy: int) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP, strategy=strategy)
    return packer.compress(data) + packer.flush()


def _most(packed: bytes) -> int:
    """Return the number of bytes that a file may hold."""
    return max(_FREE, _MOST * len(packed))


def unpack(data: bytes, limit: int) -> bytes:
    """Return what a compressed file holds.

    Raises
    ------
    DataFileError
        It is damaged or cut off, or holds more than `limit` bytes, or more than 4 MiB and 100 times its own size;
        no more are made.
    """
    unpacker = zlib.decompressobj(_GZIP)
    most = _most(data)
    try:
        unpacked = unpacker.decompress(data, min(limit, most) + 1)
    except zlib.error as error:
        raise DataFileError(f"no valid gzip: {error}") from None
    if len(unpacked) > most:
        raise DataFileError(
            f"holds more than {_MOST} times its {len(data)} bytes, as files do that are made to fill the memory. If "
            "it is sound, unpack it with gunzip; then it is read"
        )
    if len(unpacked) > limit:
        raise DataFileError(f"holds more than the {limit} bytes that are read")
    if not unpacker.eof:
        raise DataFileError("no valid gzip: it is cut off" if data else "empty")
    if unpacker.unused_data.strip(b"\0"):
        raise DataFileError("no valid gzip: more follows behind its end")
    return unpacked

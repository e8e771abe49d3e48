"""The cache of measurements: what their files, or an experiment file, held, in columns, and the stamps of these files.

It is derived and can be deleted at any time. A file counts as unchanged as long as its size, its times and its inode are
the same. The files of the cache are only created and deleted, never changed, so that processes need no lock.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from coma_xr import files
from coma_xr.checks import local_path
from coma_xr.encoding.columns import Block, StoredPiece, blocks, encode_trees
from coma_xr.errors import DataFileError, StorageError
from coma_xr.store import documents
from coma_xr.tree import no_collection

if TYPE_CHECKING:
    from coma_xr.store.config import Config
    from coma_xr.values.plain import Tree

FOLDER = "measurements"
ARCHIVES = "archives"
CODE_FOLDER = "code"

# Ids from here on are in no column.
_HIGHEST = 2**63

# The setting of `cache_dir` that turns the cache off.
OFF = "off"

# The first bytes of a file; another version is another file.
_MAGIC = b"coma_xr cache 1\n"
_CODE_MAGIC = b"coma_xr code cache 1\n"
_SUFFIX = ".columns"
_CHECKSUM = 4

# Fewer new measurements are read again at each look, since writing costs more.
_FEWEST = 100

# Trees of a piece.
_ROWS = 4096

# A file whose time is this close to the look, in nanoseconds, may change without getting another stamp. Times with more
# digits than milliseconds come from a clock that is finer than the second limit; what counts by that stays in memory.
_FRESH = 2_000_000_000
_FINE_FRESH, _FINE = 100_000_000, 1_000_000

# Files from which on, and the part of rows out of date from which on, all are written again as one.
_MANY_FILES = 8
_SLACK = 2

LIMIT = 2**30

# Versions of sources, each of some kilobytes, before the cache of them begins anew.
_MOST_FILES = 1_000

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[memoryview]).decode


class Found:
    """The part of some measurements that the cache has: as blocks in the order of their first ids; and the ids of the others."""

    def __init__(self, found: list[Block], others: list[int]) -> None:
        self.blocks = [block for block in found if not block.is_loose]
        self.loose = [block for block in found if block.is_loose]
        self.others = others
        # Whether the blocks of columns are all that there is.
        self.is_all = False

    def __len__(self) -> int:
        return sum(map(len, (*self.blocks, *self.loose)))


_is_for_readers: ContextVar[bool] = ContextVar("is_for_readers", default=False)


@contextmanager
def written_by_readers() -> Iterator[None]:
    """Let the experiments that are opened meanwhile write their cache although they are only read."""
    token = _is_for_readers.set(True)
    try:
        yield
    finally:
        _is_for_readers.reset(token)


def is_written(mode: str) -> bool:
    """Whether an experiment that is opened now with a mode writes its cache."""
    return mode != "r" or _is_for_readers.get()


class CacheFolder:
    """A folder of the cache, whose files have a checksum; those that are damaged, or of another version, are ignored."""

    def __init__(self, home: str, name: str, magic: bytes, *, writes: bool = True) -> None:
        self.home = home
        self.path = files.inside(files.inside(home, files.CACHE), name) if home else ""
        self._name = name
        self._magic = magic
        self._writes = writes

    def names(self) -> list[str]:
        """Return the names of all files."""
        try:
            return files.names(self.path) if self.path else []
        except (FileNotFoundError, StorageError):
            return []

    def read(self, name: str) -> memoryview | None:
        """Return what a file holds; None of one that is damaged, of another version, or gone."""
        if not self.path:
            return None
        try:
            data = memoryview(files.read(files.inside(self.path, name), LIMIT))
        except (FileNotFoundError, DataFileError, StorageError):
            return None
        start = len(self._magic) + _CHECKSUM
        body = data[start:]
        is_whole = data[: len(self._magic)] == self._magic and data[len(self._magic) : start] == _checksum(
            body
        )
        return body if is_whole else None

    def create(self, name: str, body: bytes) -> None:
        """Write a new file, and delete what writers that were killed have left."""
        files.make_cache(self.home, self._name)
        files.create(files.inside(self.path, name), self._with_checksum(body), sync=False)
        files.remove_leftovers(self.path)

    def write(self, name: str, body: bytes) -> None:
        """Write a file in the place of any other of its name, if that is possible; all others go when they are many."""
        if not (self._writes and self.path):
            return
        with suppress(StorageError, OSError):
            names = self.names()
            if len(names) >= _MOST_FILES:
                self.remove(names)
            files.make_cache(self.home, self._name)
            files.replace(files.inside(self.path, name), self._with_checksum(body), sync=False)
            files.remove_leftovers(self.path, listed=names)

    def forget(self) -> None:
        """Delete all files if that is possible, since what they are of is no more."""
        with suppress(StorageError, OSError):
            self.remove(self.names() if self._writes else ())

    def _with_checksum(self, body: bytes) -> bytes:
        return self._magic + _checksum(body) + body

    def remove(self, names: Iterable[str]) -> None:
        """Delete files, unless another process has."""
        for name in names:
            with suppress(FileNotFoundError):
                files.remove(files.inside(self.path, name))


class ArchiveCache:
    """The cache of experiment files with measurements: of each, as one file, all that is in it except the digests."""

    def __init__(self, directory: str, config: Config, *, writes: bool) -> None:
        self._directory = directory
        self._is_ours = writes
        self._writes = writes or bool(config.cache_dir)
        self.folder = CacheFolder(_home_of(directory, config), ARCHIVES, _MAGIC, writes=self._writes)

    @no_collection()
    def find(self, path: str) -> tuple[Tree, list[StoredPiece]] | None:
        """Return what an experiment file holds, the measurements in columns; None when it may have changed."""
        stamp = files.own_stamp(path)
        body = self.folder.read(_name_of(path)) if stamp[0] >= documents.LONG else None
        if body is None:
            return None
        try:
            first, *rest = _decode(body)
            head = StoredPiece(first)
            if head.stamps.tolist() != [[*stamp]]:
                return None
            head.check()
            pieces = [*map(_checked, rest)]
        except (msgspec.MsgspecError, DataFileError, ValueError):
            return None
        # The head is a tree under the number of measurements.
        ((number, tree),) = blocks([(head, None)])[0].trees()
        return (tree, pieces) if _number(pieces) == number else None

    @no_collection()
    def take(
        self, path: str, stamp: files.Stamp, head: Tree, entries: Iterable[Tree]
    ) -> list[StoredPiece] | None:
        """Return measurements of an experiment file in columns, and write them with its `head` if that is possible.

        `stamp` is what the file had before it was read. None for few bytes, and where columns do not hold all of them.
        """
        if stamp[0] < documents.LONG:
            return None
        rows, last = _Pieces(), 0
        try:
            for tree in entries:
                id = tree["info"]["measurement_id"]
                if type(id) is not int or not last < id < _HIGHEST:
                    return None
                rows.take(id, stamp, tree)
                last = id
        except (KeyError, TypeError, DataFileError):
            return None
        found = [*map(StoredPiece, rows.finish())]
        if not found or _number(found) != rows.number:
            return None
        # What a link leads to has another stamp than the link.
        if self._writes and stamp == files.own_stamp(path) and self._is_old(stamp):
            first = encode_trees([(rows.number, stamp, head)])
            if first:
                self.folder.write(_name_of(path), _encode([*first, *(piece.data for piece in found)]))
        return found

    def _is_old(self, stamp: files.Stamp) -> bool:
        return max(stamp[1], stamp[2]) < _now(self._directory, is_ours=self._is_ours) - _FRESH


def code_cache(directory: str, config: Config, *, writes: bool) -> CacheFolder:
    """Return the cache of what was found out about sources."""
    home = _home_of(directory, config)
    return CacheFolder(home, CODE_FOLDER, _CODE_MAGIC, writes=writes or bool(config.cache_dir))


class MeasurementCache:
    """The cache of the measurement files of one directory, in memory and in a folder.

    Where nothing can be written, or `writes` is False, it is in memory only.
    """

    def __init__(self, directory: str, config: Config, *, writes: bool) -> None:
        self._directory = directory
        self.folder = CacheFolder(_home_of(directory, config), FOLDER, _MAGIC)
        # A cache somewhere else is written of experiments that are only read too.
        self._writes = bool(self.folder.home) and (writes or bool(config.cache_dir))
        self._is_ours = writes
        self._files: dict[str, list[StoredPiece]] = {}
        self._memory: list[StoredPiece] = []

    def keep_in_memory(self) -> None:
        """Write nothing from now on."""
        self._writes = False

    # --------------------------------------------------------------------------------------------- reading

    @no_collection()
    def find(self, ids: Sequence[int], stamps_of: Callable[[Sequence[int]], Any]) -> Found:
        """Return what is known of measurements whose files have not changed, given a function for their stamps."""
        pieces = self._known()
        if not pieces or not ids:
            return Found([], list(ids))
        import numpy as np

        wanted, stamps = np.array(ids, dtype=np.int64), stamps_of(ids)
        free = np.ones(len(wanted), dtype=bool)
        taken: list[tuple[StoredPiece, Any]] = []
        for piece in reversed(pieces):
            rows = np.minimum(np.searchsorted(wanted, piece.ids), len(wanted) - 1)
            same = (wanted[rows] == piece.ids) & free[rows] & (stamps[rows] == piece.stamps).all(axis=1)
            free[rows[same]] = False
            if same.all():
                taken.append((piece, None))
            elif same.any():
                taken.append((piece, np.flatnonzero(same)))
        return Found(blocks(taken), wanted[free].tolist())

    def _known(self) -> list[StoredPiece]:
        """Return all pieces, the oldest first; new files of other processes are read."""
        listed = sorted(name for name in self.folder.names() if name.endswith(_SUFFIX))
        known = self._files
        self._files = {name: known.get(name) or self._load(name) for name in listed}
        return [piece for some in (*self._files.values(), self._memory) for piece in some]

    def _load(self, name: str) -> list[StoredPiece]:
        """Return the pieces of a file; none of one that is damaged, altered, of another version, or gone."""
        body = self.folder.read(name)
        try:
            return [] if body is None else [_checked(piece) for piece in _decode(body)]
        except (msgspec.MsgspecError, DataFileError):
            return []

    # --------------------------------------------------------------------------------------------- writing

    def collector(self, number: int) -> Collector | None:
        """Return what takes the trees of measurements that are read, before the first is; None for too few of them."""
        if number < _FEWEST:
            return None
        return Collector(self, _now(self._directory, is_ours=self._is_ours))

    def add(self, new: Sequence[bytes], recent: Sequence[bytes], found: Found) -> None:
        """Keep pieces of measurements that were read, next to those found; all that is out of date goes when it is much.

        `recent` pieces are kept in memory only.
        """
        known = [*self._files.values(), self._memory]
        live = len(found)
        is_much = sum(len(piece) for some in known for piece in some) > _SLACK * live + _FEWEST
        if is_much or len(self._files) >= _MANY_FILES:
            kept = [piece for block in (*found.blocks, *found.loose) for piece in block.pieces()]
            self._memory = []
            if not self._write([*kept, *new], replaced=list(self._files)):
                self._files, self._memory = {}, [StoredPiece(piece) for piece in (*kept, *new)]
        elif new and not self._write(new):
            self._memory = [*self._memory, *map(StoredPiece, new)]
        self._memory = [*self._memory, *map(StoredPiece, recent)]

    def _write(self, pieces: Sequence[memoryview | bytes], replaced: Sequence[str] = ()) -> bool:
        """Write pieces to a new file, and delete those that it replaces; return whether that was possible."""
        if not (self._writes and pieces):
            return False
        body = _encode(pieces)
        name = f"{time.time_ns():020}-{secrets.token_hex(4)}{_SUFFIX}"
        with suppress(StorageError, FileExistsError, OSError):
            folder = self.folder
            kept = 0 if replaced else sum(files.size(files.inside(folder.path, file)) for file in self._files)
            if kept + len(body) > LIMIT:
                return False
            folder.create(name, body)
            # What could not be used is of no use later either.
            gone = [file for file, known in self._files.items() if file in replaced or not known]
            kept_files = {file: known for file, known in self._files.items() if file not in gone}
            self._files = {**kept_files, name: [*map(StoredPiece, pieces)]}
            folder.remove(gone)
            return True
        return False


def _now(directory: str, *, is_ours: bool) -> int:
    """Return the time by the clock of the directory's file system if that can be asked, in nanoseconds."""
    now = files.clock(directory) if is_ours else None
    return time.time_ns() if now is None else now


def _name_of(path: str) -> str:
    return path.rpartition(os.sep)[2] + _SUFFIX


def _number(pieces: Sequence[StoredPiece]) -> int:
    """Return the number of measurements in pieces, 0 when an id is in two of them."""
    import numpy as np

    ids = np.sort(np.concatenate([piece.ids for piece in pieces])) if pieces else np.empty(0)
    return len(ids) if (ids[1:] > ids[:-1]).all() else 0


class Collector:
    """Takes the trees of measurements as they are read, and puts them into a cache at the end."""

    def __init__(self, cache: MeasurementCache, now: int) -> None:
        self._cache = cache
        self._now = now
        self._old, self._recent = _Pieces(), _Pieces()

    def take(self, id: int, stamp: files.Stamp, tree: Tree) -> None:
        """Take the tree of a measurement with the stamp that its file had before it was read."""
        latest = max(stamp[1], stamp[2])
        if latest < self._now - _FRESH:
            self._old.take(id, stamp, tree)
        elif latest < self._now - _FINE_FRESH and stamp[1] % _FINE and stamp[2] % _FINE:
            self._recent.take(id, stamp, tree)

    def finish(self, found: Found) -> None:
        """Put what was taken into the cache, next to what was found there, if it is enough."""
        old, recent = (part.finish() if part.number >= _FEWEST else [] for part in (self._old, self._recent))
        if old or recent:
            self._cache.add(old, recent, found)


class _Pieces:
    """Takes trees, and makes pieces of them."""

    def __init__(self) -> None:
        self.number = 0
        self._rows: list[tuple[int, files.Stamp, Tree]] = []
        self._pieces: list[bytes] = []

    def take(self, id: int, stamp: files.Stamp, tree: Tree) -> None:
        self.number += 1
        self._rows.append((id, stamp, tree))
        if len(self._rows) == _ROWS:
            self.finish()

    def finish(self) -> list[bytes]:
        self._pieces += encode_trees(self._rows)
        self._rows = []
        return self._pieces


def _checked(data: memoryview) -> StoredPiece:
    """Return a piece of a file; DataFileError when it holds what measurement files cannot hold."""
    piece = StoredPiece(data)
    piece.check()
    for block in blocks([(piece, None)]):
        ids = block.column(("info", "measurement_id"))
        if block.is_loose:
            infos = [tree.get("info") for _, tree in block.trees()]
            ids = [info.get("measurement_id") if isinstance(info, dict) else None for info in infos]
        if ids != block.ids:
            raise DataFileError("no piece of measurements: their ids are other ones")
    return piece


def _checksum(data: memoryview | bytes) -> bytes:
    return zlib.crc32(data).to_bytes(_CHECKSUM, "little")


def _home(directory: str, cache_dir: str) -> str:
    """Return the directory that the cache of an experiment is in: its own, or one of its name in `cache_dir`."""
    if not cache_dir:
        return directory
    path = Path(directory).absolute()
    name = f"{path.name}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"
    return files.inside(local_path(cache_dir), name)


def _home_of(directory: str, config: Config) -> str:
    return "" if config.cache_dir == OFF else _home(directory, config.cache_dir)


def clear_cache(directory: str, config: Config) -> bool:
    """Delete the cache of an experiment; return whether there was one."""
    return files.discard_cache(_home(directory, "" if config.cache_dir == OFF else config.cache_dir))

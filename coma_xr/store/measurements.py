"""Measurements by their ids, as files of a directory or in an experiment file."""

from __future__ import annotations

import heapq
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from coma_xr import files
from coma_xr.encoding.columns import StoredPiece, blocks
from coma_xr.encoding.formats import FORMATS
from coma_xr.errors import ComaError, DataFileError, InactiveError, PathError, Way
from coma_xr.store import documents as own_files
from coma_xr.store.cache import Found
from coma_xr.store.documents import load_measurement, same, warn_of_ids
from coma_xr.text import listing

if TYPE_CHECKING:
    from coma_xr.encoding.columns import Block
    from coma_xr.files import Stamp
    from coma_xr.store.cache import MeasurementCache
    from coma_xr.store.config import Names
    from coma_xr.values.plain import Tree

_NEAREST = 3


class MeasurementStore(ABC):
    """Measurement trees by their ids.

    A measurement tree is a dictionary with ``info`` first, in which ``measurement_id`` comes first. A tree
    that a store hands out may be shared: whoever changes it makes a copy first.
    """

    # Whether measurements can be added.
    active: ClassVar[bool]

    def __init__(self) -> None:
        self.problems: list[DataFileError] = []
        self.other_ids: dict[int, Tree] = {}

    @abstractmethod
    def ids(self) -> list[int]:
        """Return the ids, sorted. No file is read for it, so that one of a bad file is among them."""

    @abstractmethod
    def read(self, id: int) -> Tree:
        """Return the tree of one measurement.

        Raise PathError when there is no measurement of this id, and DataFileError when its file cannot be read.
        """

    @abstractmethod
    def _read_all(self) -> tuple[Found, Iterator[tuple[int, Tree]]]:
        """Return what is in columns, and an iterator over all other measurements; bad ones are noted in `problems`."""

    def trees(self, branches: Collection[str] | None = None) -> Iterator[tuple[int, Tree]]:
        """Yield id and tree of every measurement, in the order of the ids.

        Bad files are skipped and noted in `problems`. Of a tree that is built of columns only the given
        `branches` are built.
        """
        found, others = self._read_all()
        parts = [block.trees(branches) for block in found.blocks]
        # With nothing else to read the order of one block is that of all.
        yield from parts[0] if found.is_all and len(parts) == 1 else merged([others, *parts])

    def parts(self) -> Iterator[Block | tuple[int, Tree]]:
        """Yield every measurement: blocks of columns, and ids with trees; in the order of the (first) ids."""
        found, others = self._read_all()
        waiting = found.blocks[::-1]
        for id, tree in others:
            while waiting and waiting[-1].ids[0] < id:
                yield waiting.pop()
            yield id, tree
        yield from waiting[::-1]

    @abstractmethod
    def add(
        self,
        info: Mapping[str, Any],
        rest: bytes,
        *,
        id: int | None = None,
        sync: bool = False,
        beside: Mapping[str, bytes] | None = None,
    ) -> int:
        """Store one measurement.

        Raise InactiveError when nothing can be added to an inactive experiment, and StorageError when the
        operating system refused; nothing was stored.
        """

    @abstractmethod
    def remove(self, id: int) -> None:
        """Delete one measurement; PathError when there is none of this id."""

    def _unknown(self, id: object) -> PathError:
        ids = self.ids()
        text = "" if ids else " There are none."
        if len(ids) > _NEAREST:
            near = sorted(ids, key=lambda known: abs(known - id)) if type(id) is int else ids
            text = f" The nearest of {len(ids)} are {listing(sorted(near[:_NEAREST]))}."
        return PathError(
            f"There is no measurement {id!r}.{text}",
            expected=None if type(id) is int else "an integer",
            available=map(str, ids) if 0 < len(ids) <= _NEAREST else None,
        )


def with_id(info: Mapping[str, Any], id: int) -> dict[str, Any]:
    """Return `info` with the id in front."""
    numbered = {"measurement_id": id, **info}
    numbered["measurement_id"] = id
    return numbered


class DirectoryStore(MeasurementStore):
    """The measurement files of a directory. Every file of a measurement's name counts, under the id in its name.

    With `listed`, the names in the directory, only files that have one of them are found.

    Files of two formats may stand side by side. Equal ones of one id count once; of different ones that in the
    format of new files counts, and the other is noted in `problems`.
    """

    active = True

    def __init__(
        self,
        directory: str,
        names: Names,
        foreign: Names | None = None,
        *,
        pretty: bool = True,
        strict: bool = False,
        floor: int = 0,
        refusal: ComaError | None = None,
        elsewhere: Callable[[], MeasurementStore | None] = lambda: None,
        listed: list[str] | None = None,
        cache: MeasurementCache | None = None,
    ) -> None:
        super().__init__()
        self._cache = cache
        self._prefix = directory.rstrip(os.sep) + os.sep
        self._names = names
        self._foreign = foreign
        self._foreign_suffix = foreign.suffix if foreign else ""
        self._prepend_info = FORMATS[names.suffix].prepend_info
        self._style = {"pretty": pretty, "strict": strict}
        self._floor = floor
        self._refusal = refusal
        self._elsewhere = elsewhere
        self._listed = listed
        # The ids among the listed names, once they were looked for.
        self._known: tuple[list[int], list[int]] | None = None
        # The ids in the listed names in the order of these, and these names.
        self._named: tuple[list[int], list[str]] = [], []
        # The ids whose files were looked at last, and their stamps.
        self._stamped: tuple[Sequence[int], Any] = ((), None)

    def path(self, id: int) -> str:
        """Return the path of a measurement's file, that of a new one when there is none."""
        return next(iter(self._there(id)), self._prefix + self._names.name(id))

    def _paths(self, id: int) -> list[str]:
        kinds = [self._names, self._foreign] if self._foreign else [self._names]
        return [self._prefix + kind.name(id) for kind in kinds]

    def _there(self, id: int) -> Iterator[str]:
        return filter(files.exists, self._paths(id))

    def ids(self) -> list[int]:
        """Return the ids, sorted."""
        own, foreign = self._found()
        return sorted({*own, *foreign}) if foreign else own

    def files(self) -> dict[int, list[str]]:
        """Return the paths of the files of each id, those in the format of new files first."""
        own, foreign = self._found()
        found: dict[int, list[str]] = {id: [self._prefix + self._names.name(id)] for id in own}
        for id in foreign:
            found.setdefault(id, []).append(self._paths(id)[1])
        return {id: found[id] for id in sorted(found)}

    def last_id(self) -> int:
        """Return the highest id that is taken, 0 if none is."""
        taken = self.ids()
        return taken[-1] if taken else self._floor

    def _found(self) -> tuple[list[int], list[int]]:
        """Return the ids of the files in the format of new ones, sorted, and of the others."""
        if self._listed is None:
            return self._ids_in(self._listing())
        if self._known is None:
            self._known = self._ids_in(self._listed)
        return self._known

    def _ids_in(self, listed: list[str]) -> tuple[list[int], list[int]]:
        self._named = self._names.find(listed)
        own = sorted(self._above_floor(self._named[0]))
        if self._foreign is None or len(own) == len(listed):
            return own, []
        suffix = self._foreign_suffix
        if f"{suffix}\n" not in "\n".join((*listed, "")):
            return own, []
        return own, self._above_floor(self._foreign.ids_of(name for name in listed if name.endswith(suffix)))

    def _above_floor(self, ids: list[int]) -> list[int]:
        return [id for id in ids if id > self._floor] if self._floor else ids

    def _listing(self) -> list[str]:
        try:
            return files.names(self._prefix)
        except FileNotFoundError:
            return []

    def read(self, id: int) -> Tree:
        """Return the tree of one measurement."""
        if type(id) is not int or id <= self._floor:
            raise self._unknown(id)
        self.other_ids.pop(id, None)
        try:
            tree = self._load(id, self._names.name(id))
        except FileNotFoundError:
            archive = self._elsewhere()
            if archive is None:
                raise self._unknown(id) from None
            return archive.read(id)
        if id in self.other_ids:
            warn_of_ids(self._prefix.rstrip("/"), {id: self.other_ids[id]})
        return tree

    def _load(self, id: int, name: str, stamps: list[Stamp] | None = None) -> Tree:
        """Return a tree from the first file that can be read; else raise what is wrong with the first there is."""
        try:
            return load_measurement(self._prefix + name, id, self.other_ids, stamps)
        except (FileNotFoundError, DataFileError) as error:
            if self._foreign is None:
                raise
            first = error
        try:
            return load_measurement(self._prefix + self._foreign.name(id), id, self.other_ids)
        except FileNotFoundError:
            raise first from first.__cause__
        except DataFileError:
            if isinstance(first, DataFileError):
                raise first from first.__cause__
            raise

    def _read_all(self) -> tuple[Found, Iterator[tuple[int, Tree]]]:
        """Return what the cache has in columns, and an iterator over all other measurements."""
        self.problems, self.other_ids = [], {}
        own, foreign = self._found()
        # Asked after listing: an archiving that comes later is noticed by the first file that is gone.
        archive = self._elsewhere() if self._listed is None else None
        if archive is not None:
            return Found([], []), self._archived(archive)
        cached = own if not foreign else sorted(set(own).difference(foreign))
        found = Found([], cached) if self._cache is None else self._cache.find(cached, self._stamps)
        found.is_all = not (foreign or found.others or found.loose)
        others = self._read(
            found.others if not foreign else sorted({*found.others, *foreign}), own, foreign, found
        )
        return found, merged([others, *(block.trees() for block in found.loose)])

    def _stamps(self, ids: Sequence[int]) -> Any:
        """Return the stamps of the files of some ids; of one look they are taken once."""
        if self._stamped[0] is not ids:
            named, names = self._named
            if len(named) == len(ids):
                import numpy as np

                stamps = files.stamps(self._prefix, names)[np.argsort(named)]
            else:
                stamps = files.stamps(self._prefix, self._names.names(ids))
            self._stamped = ids, stamps
        return self._stamped[1]

    def _archived(self, archive: MeasurementStore) -> Iterator[tuple[int, Tree]]:
        yield from archive.trees()
        self.problems = archive.problems

    def _read(
        self, ids: list[int], own: list[int], foreign: list[int], found: Found
    ) -> Iterator[tuple[int, Tree]]:
        """Yield what is read of files, and put it into the cache when all were read."""
        twice = set(own).intersection(foreign) if foreign else set()
        collector = self._cache and self._cache.collector(len(ids))
        stamps: list[Stamp] | None = [] if collector else None
        for id, name in zip(ids, self._names.names(ids), strict=True):
            if id in twice:
                self._compare(id)
            try:
                tree = self._load(id, name, stamps)
            except DataFileError as error:
                if id not in twice:
                    self.problems.append(error)
            except FileNotFoundError:
                yield from self._gone(id)
            else:
                if collector and stamps and len(stamps) == 1 and id not in self.other_ids and not foreign:
                    collector.take(id, stamps[0], tree)
                yield id, tree
            if stamps:
                stamps.clear()
        if collector:
            collector.finish(found)

    def _compare(self, id: int) -> None:
        """Note what is wrong with two files of one id."""
        found = []
        for path in self._paths(id):
            try:
                found.append(load_measurement(path, id))
            except DataFileError as error:
                self.problems.append(error)
            except FileNotFoundError:
                return
        if len(found) == 2 and not same(*found):
            one, other = self._paths(id)
            self.problems.append(
                DataFileError(
                    f"differs from {one}, which counts",
                    where=other,
                    ways=["Move one of them out of the directory."],
                )
            )

    def _gone(self, id: int) -> Iterator[tuple[int, Tree]]:
        """Yield a measurement whose file is gone since the directory was listed, if it was archived."""
        archive = self._elsewhere()
        for path in self._there(id):
            self.problems.append(DataFileError("a symbolic link that leads nowhere", where=path))
            return
        if archive is not None and id in archive.ids():
            yield id, archive.read(id)

    def stem(self, id: int) -> str:
        """Return the path of a measurement's file without its ending: that of the names of files next to it."""
        return self._prefix + self._names.stem(id)

    def add(
        self,
        info: Mapping[str, Any],
        rest: bytes,
        *,
        id: int | None = None,
        sync: bool = False,
        beside: Mapping[str, bytes] | None = None,
    ) -> int:
        """Store one measurement in a file of its own; never in the place of another."""
        if self._refusal is not None:
            raise self._refusal
        if id is None:
            self._listed = None
            id = self.last_id() + 1
        while True:
            text = self._prepend_info(with_id(info, id), rest, **self._style)
            path = self._prefix + self._names.name(id)
            try:
                if self._foreign and files.exists(self._prefix + self._foreign.name(id)):
                    raise FileExistsError
                if beside:
                    own_files.create(path, text, self.stem(id), beside, sync=sync)
                else:
                    files.create(path, text, sync=sync)
                return id
            except FileExistsError:
                self._listed = None  # others add files too
                id = max(id, self.last_id()) + 1

    def remove(self, id: int) -> None:
        """Delete the files of one measurement."""
        if self._refusal is not None:
            raise self._refusal
        if type(id) is not int or id <= self._floor:
            raise self._unknown(id)
        paths = list(self._there(id))
        if not paths:
            raise self._unknown(id)
        for path in paths:
            with suppress(FileNotFoundError):
                files.remove(path)


def merged(parts: Sequence[Iterator[tuple[int, Tree]]]) -> Iterator[tuple[int, Tree]]:
    """Return several iterators over measurements as one, in the order of the ids."""
    return parts[0] if len(parts) == 1 else heapq.merge(*parts, key=itemgetter(0))


class _TreesInColumns(Mapping[int, "Tree"]):
    """Measurement trees by their ids, of pieces of columns without those up to an id."""

    def __init__(self, pieces: Sequence[StoredPiece], floor: int) -> None:
        self._parts = [part for part in (_above(piece, floor) for piece in pieces) if len(part[0])]
        self.found = Found(blocks([(piece, rows) for _, piece, rows in self._parts]), [])
        self.found.is_all = not self.found.loose
        self._ids = sorted(
            chain.from_iterable(block.ids for block in (*self.found.blocks, *self.found.loose))
        )
        # The trees of the piece that was asked for last.
        self._recent: dict[int, Tree] = {}

    def __getitem__(self, id: int) -> Tree:
        if id not in self._recent:
            pairs = [
                (piece, rows) for ids, piece, rows in self._parts if ids[0] <= id <= ids[-1] and id in ids
            ]
            self._recent = {id: tree for block in blocks(pairs) for id, tree in block.trees()}
        return self._recent[id]

    def __iter__(self) -> Iterator[int]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


def _above(piece: StoredPiece, floor: int) -> tuple[Any, StoredPiece, Any]:
    """Return the ids of a piece above another id, the piece, and their rows if these are not all."""
    is_above = piece.ids > floor
    return (piece.ids, piece, None) if is_above.all() else (piece.ids[is_above], piece, is_above.nonzero()[0])


class ArchiveStore(MeasurementStore):
    """The measurements of an experiment file, as trees or in columns, and measurement files that still lie next to it."""

    active = False

    def __init__(
        self,
        path: str,
        entries: list[Tree],
        beside: DirectoryStore | None = None,
        *,
        floor: int = 0,
        pieces: Sequence[StoredPiece] | None = None,
    ) -> None:
        super().__init__()
        self._path = path
        self._beside = beside
        self._found = Found([], [])
        found, self._bad = entries_by_id(entries, path)
        ids = sorted(id for id in found if id > floor)
        self._trees: Mapping[int, Tree] = found if ids == list(found) else {id: found[id] for id in ids}
        if pieces is not None:
            self._trees = in_columns = _TreesInColumns(pieces, floor)
            self._found = in_columns.found

    def ids(self) -> list[int]:
        """Return the ids, sorted."""
        beside = self._beside.ids() if self._beside else []
        return sorted(self._trees.keys() | beside) if beside else list(self._trees)

    def read(self, id: int) -> Tree:
        """Return the tree of one measurement."""
        if type(id) is int and id in self._trees:
            return self._trees[id]
        if self._beside is None or id not in self._beside.ids():
            raise self._unknown(id)
        return self._beside.read(id)

    def _read_all(self) -> tuple[Found, Iterator[tuple[int, Tree]]]:
        """Return what is in columns, and an iterator over all other measurements."""
        self.problems = list(self._bad)
        more = dict(self._beside.trees()) if self._beside else {}
        if self._beside:
            self.problems += self._beside.problems
            self.other_ids = self._beside.other_ids
        if more:
            return Found([], []), self._with(self._beside, more)
        if self._found:
            return self._found, merged([block.trees() for block in self._found.loose])
        return self._found, iter(self._trees.items())

    def _with(self, beside: DirectoryStore | None, more: Mapping[int, Tree]) -> Iterator[tuple[int, Tree]]:
        """Yield all measurements and those of files; note files that differ from the archive."""
        trees = dict(self._trees)
        for id in sorted(trees.keys() | more.keys()):
            tree = trees.get(id, more.get(id))
            if beside and id in more and not same(tree, more[id]):
                self.problems.append(differs(beside.path(id), self._path))
            yield id, tree

    def add(self, *_: Any, **__: Any) -> NoReturn:
        """Raise InactiveError."""
        raise inactive(self._path)

    def remove(self, *_: Any, **__: Any) -> NoReturn:
        """Raise InactiveError."""
        raise inactive(self._path)


def inactive(path: str) -> InactiveError:
    """Return the error for changing what is archived."""
    return InactiveError(
        f"The experiment is inactive. Its measurements are stored in {path}.",
        ways=[Way("Call activate() before adding to it.", "Run `coma-xr activate` before adding to it.")],
    )


def differs(path: str, archive: str) -> DataFileError:
    """Return the error for a file that is not what the archive has under its id."""
    return DataFileError(
        f"differs from the measurement of this id in {archive}",
        where=path,
        ways=["Move one of them out of the directory."],
    )


def entries_by_id(entries: list[Tree], path: str) -> tuple[dict[int, Tree], list[DataFileError]]:
    """Return the measurement trees of an archive by their ids, and errors for what is none."""
    quickly = _numbered(entries)
    if quickly is not None:
        return quickly, []
    found: dict[int, Tree] = {}
    bad = []
    for number, tree in enumerate(entries):
        info = tree.get("info") if isinstance(tree, dict) else None
        id = info.get("measurement_id") if isinstance(info, dict) else None
        where = f"{path}: experiment/measurements/{number}"
        if type(id) is not int or id < 1:
            bad.append(
                DataFileError(found=repr(id), where=where, expected="a measurement with an id from 1 on")
            )
        elif id not in found:
            found[id] = tree
        elif not same(found[id], tree):
            bad.append(DataFileError(f"a second, different measurement with the id {id}", where=where))
    return found, bad


def _numbered(entries: list[Tree]) -> dict[int, Tree] | None:
    """Return measurement trees by their ids; None where one has no proper id, or two have the same."""
    try:
        ids = [tree["info"]["measurement_id"] for tree in entries]
    except (KeyError, TypeError):
        return None
    if not set(map(type, ids)) <= {int} or min(ids, default=1) < 1:
        return None
    found = dict(zip(ids, entries, strict=True))
    return found if len(found) == len(entries) else None

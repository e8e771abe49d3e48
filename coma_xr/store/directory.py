"""Measurements in a directory, one file each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from coma_xr import files
from coma_xr.encoding.formats import JSON, format_of
from coma_xr.errors import ComaError, DataFileError
from coma_xr.store import beside as own_files
from coma_xr.store.contract import MeasurementStore, with_id
from coma_xr.store.documents import load_measurement, same, warn_of_ids

if TYPE_CHECKING:
    from coma_xr.store.names import Names
    from coma_xr.values.plain import Tree

__all__ = ["DirectoryStore"]


class DirectoryStore(MeasurementStore):
    """The measurement files of a directory. Every file of a measurement's name counts, under the id in its name.

    With `listed`, the names in the directory, only files that have one of them are found.

    Files of two formats may stand side by side. Equal ones of one id count once; of different ones that in the
    format of new files counts, and the other is noted in `problems`.
    """

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
    ) -> None:
        super().__init__()
        self._prefix = files.inside(directory, "")
        self._names = names
        self._foreign = foreign
        self._foreign_suffix = _suffix(foreign) if foreign else ""
        self._prepend_info = (format_of(names.name(1)) or JSON).prepend_info
        self._style = {"pretty": pretty, "strict": strict}
        self._floor = floor
        self._refusal = refusal
        self._elsewhere = elsewhere
        self._listed = listed

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
        listed = self._listing() if self._listed is None else self._listed
        own = sorted(self._above_floor(self._names.ids_of(listed)))
        if self._foreign is None or len(own) == len(listed):
            return own, []
        suffix = self._foreign_suffix
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
            tree = self._load(id)
        except FileNotFoundError:
            archive = self._elsewhere()
            if archive is None:
                raise self._unknown(id) from None
            return archive.read(id)
        if id in self.other_ids:
            warn_of_ids(self._prefix.rstrip("/"), {id: self.other_ids[id]})
        return tree

    def _load(self, id: int) -> Tree:
        """Return a tree from the first file that can be read; else raise what is wrong with the first there is."""
        try:
            return load_measurement(self._prefix + self._names.name(id), id, self.other_ids)
        except (FileNotFoundError, DataFileError) as error:
            if self._foreign is None:
                raise
            first = error
        try:
            return load_measurement(self._prefix + self._foreign.name(id), id, self.other_ids)
        except FileNotFoundError:
            raise first from None
        except DataFileError:
            if isinstance(first, DataFileError):
                raise first from None
            raise

    def trees(self) -> Iterator[tuple[int, Tree]]:
        """Yield id and tree of every measurement, in the order of the ids."""
        self.problems, self.other_ids = [], {}
        own, foreign = self._found()
        ids = sorted({*own, *foreign}) if foreign else own
        twice = set(own).intersection(foreign) if foreign else set()
        # Asked after listing: an archiving that comes later is noticed by the first file that is gone.
        archive = self._elsewhere() if self._listed is None else None
        if archive is not None:
            yield from archive.trees()
            self.problems = archive.problems
            return
        for id in ids:
            if id in twice:
                self._compare(id)
            try:
                tree = self._load(id)
            except DataFileError as error:
                if id not in twice:
                    self.problems.append(error)
            except FileNotFoundError:
                yield from self._gone(id)
            else:
                yield id, tree

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
                    f"{other}: differs from {one}, which counts. Move one of them out of the directory."
                )
            )

    def _gone(self, id: int) -> Iterator[tuple[int, Tree]]:
        """Yield a measurement whose file is gone since the directory was listed, if it was archived."""
        archive = self._elsewhere()
        for path in self._there(id):
            self.problems.append(DataFileError(f"{path}: a symbolic link that leads nowhere."))
            return
        if archive is not None and id in archive.ids():
            yield id, archive.read(id)

    def stem(self, id: int) -> str:
        """Return the path of a measurement's file without its ending: that of the names of files beside it."""
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
            try:
                if self._foreign and files.exists(self._prefix + self._foreign.name(id)):
                    raise FileExistsError
                path = self._prefix + self._names.name(id)
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


def _suffix(names: Names) -> str:
    return (format_of(names.name(1)) or JSON).suffix

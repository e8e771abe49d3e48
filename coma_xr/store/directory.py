"""Measurements in a directory, one file each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from coma_xr import files
from coma_xr.errors import ComaError, DataFileError
from coma_xr.store.contract import MeasurementStore, with_id
from coma_xr.store.documents import NO_XML, load_measurement
from coma_xr.trees import json

if TYPE_CHECKING:
    from coma_xr.store.names import Names
    from coma_xr.trees.plain import Tree

__all__ = ["DirectoryStore"]


class DirectoryStore(MeasurementStore):
    """The measurement files of a directory. Every file of a measurement's name counts, under the id in its name.

    Parameters
    ----------
    directory : str
        Must exist when measurements are added.
    names : Names
        The names of the files.
    foreign : Names, optional
        The names of measurement files in a format that is not read; their ids are taken.
    pretty : bool, default True
        Indent new files. What is added must have been encoded so too.
    floor : int, default 0
        Measurements up to this id are being deleted and do not count.
    refusal : ComaError, optional
        Raised when something is to be added or removed.
    elsewhere : callable, optional
        Returns the store in which the measurements are now if another process archived them, else None.
    """

    def __init__(
        self,
        directory: str,
        names: Names,
        foreign: Names | None = None,
        *,
        pretty: bool = True,
        floor: int = 0,
        refusal: ComaError | None = None,
        elsewhere: Callable[[], MeasurementStore | None] = lambda: None,
    ) -> None:
        super().__init__()
        self._prefix = files.inside(directory, "")
        self._names = names
        self._foreign = foreign
        self._pretty = pretty
        self._floor = floor
        self._refusal = refusal
        self._elsewhere = elsewhere

    def path(self, id: int) -> str:
        """Return the path of a measurement's file."""
        return self._prefix + self._names.name(id)

    def ids(self) -> list[int]:
        """Return the ids, sorted."""
        id_of, floor = self._names.id_of, self._floor
        return sorted(id for name in self._listing() if (id := id_of(name)) is not None and id > floor)

    def last_id(self) -> int:
        """Return the highest id that is taken, 0 if none is."""
        taken = self.ids()
        return max(taken[-1] if taken else self._floor, max(self._foreign_ids(), default=0))

    def _listing(self) -> list[str]:
        try:
            return files.names(self._prefix)
        except FileNotFoundError:
            return []

    def _foreign_ids(self) -> list[int]:
        if self._foreign is None:
            return []
        found = map(self._foreign.id_of, self._listing())
        return sorted(id for id in found if id is not None and id > self._floor)

    def read(self, id: int) -> Tree:
        """Return the tree of one measurement."""
        if type(id) is not int or id <= self._floor:
            raise self._unknown(id)
        try:
            return load_measurement(self.path(id), id)
        except FileNotFoundError:
            archive = self._elsewhere()
            if archive is None:
                raise self._unknown(id) from None
            return archive.read(id)

    def trees(self) -> Iterator[tuple[int, Tree]]:
        """Yield id and tree of every measurement, in the order of the ids."""
        self.problems = [
            DataFileError(f"{self._prefix}{self._foreign.name(id)}: {NO_XML}.")
            for id in self._foreign_ids()
            if self._foreign
        ]
        ids = self.ids()
        # Asked after listing: an archiving that comes later is noticed by the first file that is gone.
        archive = self._elsewhere()
        if archive is not None:
            yield from archive.trees()
            self.problems = archive.problems
            return
        for id in ids:
            try:
                tree = load_measurement(self.path(id), id)
            except DataFileError as error:
                self.problems.append(error)
            except FileNotFoundError:
                yield from self._gone(id)
            else:
                yield id, tree

    def _gone(self, id: int) -> Iterator[tuple[int, Tree]]:
        """Yield a measurement whose file is gone since the directory was listed, if it was archived."""
        archive = self._elsewhere()
        if files.exists(self.path(id)):
            self.problems.append(DataFileError(f"{self.path(id)}: a symbolic link that leads nowhere."))
        elif archive is not None and id in archive.ids():
            yield id, archive.read(id)

    def add(self, info: Mapping[str, Any], rest: bytes, *, id: int | None = None, sync: bool = False) -> int:
        """Store one measurement in a file of its own; never in the place of another."""
        if self._refusal is not None:
            raise self._refusal
        if id is None:
            id = self.last_id() + 1
        while True:
            text = json.prepend_info(with_id(info, id), rest, pretty=self._pretty)
            try:
                files.create(self.path(id), text, sync=sync)
                return id
            except FileExistsError:
                id = max(id, self.last_id()) + 1

    def remove(self, id: int) -> None:
        """Delete the file of one measurement."""
        if self._refusal is not None:
            raise self._refusal
        if type(id) is not int or id <= self._floor:
            raise self._unknown(id)
        try:
            files.remove(self.path(id))
        except FileNotFoundError:
            raise self._unknown(id) from None

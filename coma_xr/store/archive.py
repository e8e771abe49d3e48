"""Measurements of an inactive experiment, in its experiment file. They can only be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

from coma_xr.errors import DataFileError, InactiveError, Way
from coma_xr.store.contract import MeasurementStore
from coma_xr.store.documents import same

if TYPE_CHECKING:
    from coma_xr.store.directory import DirectoryStore
    from coma_xr.values.plain import Tree

__all__ = ["ArchiveStore", "entries_by_id"]


class ArchiveStore(MeasurementStore):
    """The measurements of an experiment file, and measurement files that still lie beside it."""

    def __init__(
        self, path: str, entries: list[Tree], beside: DirectoryStore | None = None, *, floor: int = 0
    ) -> None:
        super().__init__()
        self._path = path
        self._beside = beside
        found, self._bad = entries_by_id(entries, path)
        ids = sorted(id for id in found if id > floor)
        self._trees = found if ids == list(found) else {id: found[id] for id in ids}

    def ids(self) -> list[int]:
        """Return the ids, sorted."""
        beside = self._beside.ids() if self._beside else []
        return sorted(self._trees.keys() | beside) if beside else list(self._trees)

    def read(self, id: int) -> Tree:
        """Return the tree of one measurement."""
        if id in self._trees:
            return self._trees[id]
        if self._beside is None or id not in self._beside.ids():
            raise self._unknown(id)
        return self._beside.read(id)

    def trees(self) -> Iterator[tuple[int, Tree]]:
        """Yield id and tree of every measurement, in the order of the ids."""
        self.problems = list(self._bad)
        more = dict(self._beside.trees()) if self._beside else {}
        if self._beside:
            self.problems += self._beside.problems
            self.other_ids = self._beside.other_ids
        if not more:
            yield from self._trees.items()
            return
        for id in sorted(self._trees.keys() | more.keys()):
            tree = self._trees.get(id, more.get(id))
            if self._beside and id in more and not same(tree, more[id]):
                self.problems.append(differs(self._beside.path(id), self._path))
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
        f"{path}: differs from the measurement of this id in {archive}. Move one of them out of the directory."
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
            bad.append(DataFileError(f"{where}: expected a measurement with an id from 1 on, found {id!r}."))
        elif id not in found:
            found[id] = tree
        elif not same(found[id], tree):
            bad.append(DataFileError(f"{where}: a second, different measurement with the id {id}."))
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

"""``removed/``: what was taken out of an experiment, one folder for each operation, from where it is put back.

::

    removed/2026-11-29T182400Z-remove/removed.json              when and why, and which marks `exclude` had made
    removed/2026-11-29T182400Z-remove/measurement.000002.json   under the name that it had

A measurement is moved by renaming its file. The files next to it have both names while that is done, so that it
is complete wherever it is.
"""

from __future__ import annotations

import datetime as dt
import errno
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from coma_xr import files
from coma_xr.encoding.formats import JSON, format_of
from coma_xr.errors import DataFileError, DataFileWarning, PathError, StorageError, warn
from coma_xr.store import documents
from coma_xr.store.documents import candidates, contents, lacking, paths_of, sound_state
from coma_xr.store.layout import REMOVED
from coma_xr.text import listing

if TYPE_CHECKING:
    from coma_xr.store.layout import Layout
    from coma_xr.values.plain import Tree

RECORD = "removed.json"

# Operations that put files aside when they are no longer measurements.
REPAIR = "repair"

# Where version 1 put everything, with a number in names that were taken.
OLD_REMOVED = ".coma.removed"
_NUMBERED = re.compile(r"\.[0-9]+(\.[a-z]+)$")


@dataclass(frozen=True)
class Folder:
    """The measurements that one operation took away."""

    path: str
    date: str | None = None
    operation: str = "remove"
    reason: str | None = None
    marks: dict[str, Tree] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The path from the experiment's directory on."""
        return "/".join(PurePath(self.path).parts[-2:]) if self.date else OLD_REMOVED

    def inside(self, path: str) -> str:
        """Return the path of a file when it is in the folder."""
        return files.inside(self.path, PurePath(path).name)


@dataclass(frozen=True)
class Removed:
    """A measurement that was taken away: its tree, and its files in a folder."""

    id: int
    tree: Tree
    paths: tuple[str, ...]
    folder: Folder

    @property
    def stem(self) -> str:
        """The path of its file without the ending."""
        return self.paths[0].removesuffix((format_of(self.paths[0]) or JSON).suffix)

    @property
    def beside(self) -> list[str]:
        """The paths of files of its own in the folder."""
        return [path for path in paths_of(self.tree, self.stem) if files.exists(path)]


# --------------------------------------------------------------------------------------------- taking away


def new_folder(
    layout: Layout, operation: str, reason: str | None = None, marks: Mapping[str, Tree] | None = None
) -> Folder:
    """Make a folder for what one operation takes away."""
    # Operations within a second are distinguished by the fraction, their folders by a number.
    now = dt.datetime.now(dt.UTC)
    date = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    about = {"date": date, "operation": operation, "reason": reason, "excluded": dict(marks or {})}
    text = layout.text("removed", {name: value for name, value in about.items() if value}, JSON)
    first = files.inside(layout.path(REMOVED), f"{now:%Y-%m-%dT%H%M%SZ}-{operation}")
    for path in itertools.chain([first], (f"{first}-{number}" for number in itertools.count(2))):
        with suppress(FileExistsError):
            files.create_directory(path, RECORD, text, layout.directory)
            break
    return Folder(path, date, operation, reason, dict(marks or {}))


def remove(
    layout: Layout, ids: Iterable[int], reason: str | None = None, marks: Mapping[str, Tree] | None = None
) -> Folder:
    """Move the files of measurements to a new folder.

    Raise PathError when one of the ids has no measurement; nothing was changed.
    """
    paths = layout.store().files()
    wanted = sorted(set(ids))
    unknown = [id for id in wanted if id not in paths]
    if unknown:
        raise PathError(
            f"{layout.directory} has no measurement {listing(unknown)}. Nothing was removed.",
            name=str(unknown[0]),
            available=map(str, paths),
        )
    # An id that is not on the disk any more is not given again.
    layout.raise_index()
    own_marks = {str(id): marks[str(id)] for id in wanted if str(id) in (marks or {})} if marks else {}
    folder = new_folder(layout, "remove", reason, own_marks)
    move_measurements(layout, {id: paths[id] for id in wanted}, folder)
    return folder


def move_measurements(
    layout: Layout,
    paths: Mapping[int, Sequence[str]],
    folder: Folder,
    archived: Mapping[int, Tree] = MappingProxyType({}),
) -> None:
    """Move measurement files, by their ids, to a folder, with the files next to them, and next to archived ones."""
    beside = _beside(layout, paths, archived)
    for id, own_paths in paths.items():
        _carry(own_paths, beside.get(id, ()), folder.path)
    _sync(folder.path, layout.directory)


def _beside(layout: Layout, ids: Iterable[int], archived: Mapping[int, Tree]) -> dict[int, list[str]]:
    """Return the paths of the files that measurements have of their own."""
    store, paths_by_id = layout.store(), candidates(layout.directory, layout.config.measurements())
    beside = {}
    for id in paths_by_id.keys() & set(ids):
        try:
            tree = archived[id] if id in archived else store.read(id)
        except (PathError, FileNotFoundError):
            continue
        except DataFileError as error:
            # What is damaged lists none; where the disk fails for a moment, all that may belong to it go along.
            if documents.refused(error):
                beside[id] = paths_by_id[id]
            continue
        beside[id] = [path for path in paths_of(tree, store.stem(id)) if path in paths_by_id[id]]
    return beside


def _carry(paths: Sequence[str], beside: Sequence[str], directory: str) -> None:
    """Move the files of one measurement; FileExistsError, with nothing moved, when a name is taken."""
    for path in beside:
        files.link(path, files.inside(directory, PurePath(path).name))
    if beside:
        files.sync_directory(directory)
    for path in paths:
        with suppress(FileNotFoundError):  # somebody else took it away
            files.move(path, files.inside(directory, PurePath(path).name))
    _let_go(beside)


def _let_go(beside: Sequence[str]) -> None:
    """Delete the old names of files next to a measurement once its own old name is gone for good."""
    for directory in {str(PurePath(path).parent) for path in beside}:
        files.sync_directory(directory)
    for path in beside:
        with suppress(FileNotFoundError):
            files.remove(path)


def _sync(*directories: str) -> None:
    for directory in directories:
        files.sync_directory(directory)


def set_aside(layout: Layout, paths: Iterable[str], reason: str, folder: Folder | None = None) -> Folder:
    """Move files that are not used to a folder, by default a new one; return it."""
    folder = folder or new_folder(layout, REPAIR, reason)
    _carry(list(paths), (), folder.path)
    _sync(folder.path, layout.directory)
    return folder


def keep(layout: Layout, name: str, data: bytes) -> str:
    """Keep the content of a file that is about to be rewritten in a new folder; return the path there."""
    folder = new_folder(layout, REPAIR, f"{name} was damaged")
    files.create(folder.inside(name), data, sync=True)
    return folder.inside(name)


# -------------------------------------------------------------------------------------------- what is there


def folders(layout: Layout) -> list[Folder]:
    """Return the folders of all operations, the earliest first."""
    directory = layout.path(REMOVED)
    paths = [files.inside(directory, name) for name in files.names_if_any(directory)]
    numbered = [folder for path in paths if (folder := _load_folder(path)) is not None]
    numbered.sort(key=lambda folder: folder.date or "")
    old = layout.path(OLD_REMOVED)
    return [Folder(old, reason="by version 1"), *numbered] if files.is_directory(old) else numbered


def _load_folder(path: str) -> Folder | None:
    """Return a folder; None for what is none, StorageError for one that the disk does not give out."""
    try:
        return _folder(path, documents.load(files.inside(path, RECORD), "removed"))
    except (FileNotFoundError, DataFileError, StorageError) as error:
        refusal = documents.refused(error)
        if refusal is not None and refusal.errno != errno.ENOTDIR:
            raise refusal from None
        return None


def _folder(path: str, about: dict[str, Tree]) -> Folder:
    texts = {name: str(about[name]) for name in ("operation", "reason") if about.get(name)}
    marks = sound_state({"excluded": about.get("excluded", {})})[0].get("excluded", {})
    return Folder(path, str(about.get("date") or "unknown"), marks=marks, **texts)


def removed(layout: Layout) -> Iterator[Removed]:
    """Yield the measurements that were removed, the earliest first; a warning names those that cannot be read."""
    problems: list[str] = []
    for folder in folders(layout):
        if folder.operation == REPAIR:
            continue
        for id, paths in _files(layout, folder):
            try:
                yield Removed(id, documents.load_measurement(paths[0], id), tuple(paths), folder)
            except DataFileError as error:
                problems.append(error.line())
            except FileNotFoundError:
                pass
    if problems:
        warn(
            f"{len(problems)} removed measurements cannot be read and are skipped: {listing(problems, 3)}.",
            DataFileWarning,
        )


def _files(layout: Layout, folder: Folder) -> Iterator[tuple[int, list[str]]]:
    """Yield the ids of the measurements in a folder with the paths of their files."""
    kinds = layout.config.all_measurements()
    paths_by_name: dict[tuple[int, str], list[str]] = {}
    for name in sorted(files.names(folder.path)):
        # Version 1 gave a name that was taken a number; the same id may then have been removed several times.
        numbered = "" if folder.date or any(kind.id_of(name) for kind in kinds) else name
        plain = _NUMBERED.sub(r"\1", numbered) if numbered else name
        for kind in kinds:
            if id := kind.id_of(plain):
                paths_by_name.setdefault((id, numbered), []).append(files.inside(folder.path, name))
    yield from ((id, paths) for (id, _), paths in sorted(paths_by_name.items()))


def failures(layout: Layout) -> Iterator[tuple[int, str, Folder]]:
    """Yield the ids of the records of failures in all folders, with their paths."""
    names = layout.config.failures()
    for folder in folders(layout):
        for name in sorted(files.names(folder.path)):
            if id := names.id_of(name):
                yield id, files.inside(folder.path, name), folder


# --------------------------------------------------------------------------------------------- putting back


def restore(
    layout: Layout, wanted: Sequence[Removed], mark: Callable[[Mapping[int, Removed]], None]
) -> dict[int, int]:
    """Put measurements back, under a new id where theirs was given again; return the ids, old and new.

    `mark` gets the measurements by their ids, before their files leave the folder with the marks that they had.
    Repeated after it was cut off, it puts back what is left.

    Raise DataFileError when a file next to one of the measurements is missing; nothing was changed.
    """
    gone = [path for removed in wanted for path in lacking(removed.tree, removed.stem)]
    if gone:
        raise DataFileError(
            f"{listing(gone)}: missing next to the measurements that are to be restored; nothing was changed.",
            ways=["Put the files back from where they were copied to, or leave these measurements out."],
        )
    taken, given = set(layout.store().ids()), dict[int, int]()
    names = {kind.name(removed.id) for removed in wanted for kind in layout.config.all_measurements()}
    free: dict[int, Removed] = {}
    for removed in wanted:
        if removed.id not in taken and names.issuperset(PurePath(path).name for path in removed.paths):
            free.setdefault(removed.id, removed)
    others = [removed for removed in wanted if free.get(removed.id) is not removed]
    mark(free)
    for id, removed in free.items():
        try:
            _carry(removed.paths, removed.beside, layout.directory)
            given[id] = id
        except FileExistsError:  # also by a file beside it
            others.append(removed)
    if others:
        events = {_event(tree): id for id, tree in layout.store().trees()}
        last = max(id for folder in folders(layout) for id, _ in _files(layout, folder))
        copies = [(_copy_under_another_id(layout, removed, events, last), removed) for removed in others]
        mark(dict(copies))
        for id, removed in copies:
            given[removed.id] = id
            for path in removed.paths:
                with suppress(FileNotFoundError):
                    files.remove(path)
            _let_go(removed.beside)
    _sync(layout.directory, *{removed.folder.path for removed in wanted})
    layout.raise_index()
    return given


def _copy_under_another_id(layout: Layout, removed: Removed, events: Mapping[str, int], last: int) -> int:
    """Write a measurement under the next free id, unless an earlier try did."""
    tree: dict[str, Any] = dict(removed.tree)
    beside = contents(tree, removed.stem)
    id = events.get(_event(tree))
    if id is None:
        config, format = layout.config, layout.config.format
        info = {key: value for key, value in tree.pop("info").items() if key != "measurement_id"}
        encoded = format.encode_rest(
            tree, pretty=config.archive_pretty_print, strict=config.archive_strict_json
        )
        store = layout.store()
        first = max(layout.load_index(), store.last_id(), last) + 1
        id = store.add(info, encoded, id=first, beside=beside, sync=True)
    return id


def _event(tree: Tree) -> str:
    """Return what is equal for one measurement under two ids."""
    info = {key: value for key, value in tree.get("info", {}).items() if key != "measurement_id"}
    return documents.digest({**tree, "info": info})


def restore_failures(layout: Layout, ids: Iterable[int] | None) -> None:
    """Put records of failures back, by default all; one whose name was given again stays where it is."""
    wanted = None if ids is None else set(ids)
    paths = [(id, path) for id, path, _ in failures(layout) if wanted is None or id in wanted]
    for id, path in paths:
        with suppress(FileExistsError, FileNotFoundError):
            files.move(path, layout.failure_file(id))
    if paths:
        _sync(layout.directory)


def discard_empty(layout: Layout) -> None:
    """Delete the folders that hold nothing any more except their record."""
    for folder in folders(layout):
        if all(name == RECORD or name.startswith(files.TEMPORARY) for name in files.names(folder.path)):
            files.discard_directory(folder.path, layout.directory)
    files.discard_if_empty(layout.path(REMOVED))


def discard(layout: Layout) -> dict[str, Any]:
    """Delete all folders; return how many measurements and failures they held, and how many bytes."""
    number = {"measurements": 0, "failures": len(list(failures(layout))), "bytes": 0}
    for folder in folders(layout):
        number["measurements"] += len(list(_files(layout, folder)))
        number["bytes"] += files.size(folder.path)
        files.discard_directory(folder.path, layout.directory)
    files.discard_if_empty(layout.path(REMOVED))
    return number

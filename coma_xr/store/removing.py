"""Taking files out of an experiment without deleting them: they are moved to ``.coma.removed``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import PurePath
from typing import TYPE_CHECKING

from coma_xr import files
from coma_xr.errors import DataFileError, PathError
from coma_xr.store.beside import candidates, paths_of
from coma_xr.text import listing

if TYPE_CHECKING:
    from coma_xr.store.layout import Layout

__all__ = ["REMOVED", "keep_copy", "remove", "set_aside"]

REMOVED = ".coma.removed"


def remove(layout: Layout, ids: Iterable[int]) -> list[str]:
    """Move the files of measurements to ``.coma.removed``.

    Parameters
    ----------
    layout : Layout
        Where.
    ids : iterable of int
        Of the measurements.

    Returns
    -------
    list of str
        The new paths.

    Raises
    ------
    PathError
        One of the ids has no measurement. Nothing was changed.
    """
    there = layout.store().files()
    wanted = sorted(set(ids))
    lacking = [id for id in wanted if id not in there]
    if lacking:
        raise PathError(
            f"{layout.directory} has no measurement {listing(lacking)}. Nothing was removed; give ids of "
            "measurements that there are."
        )
    # An id that is not on the disk any more is not given again.
    layout.save_index(max(layout.load_index(), layout.store().last_id()))
    beside = _beside(layout, wanted)
    return set_aside(layout, [path for id in wanted for path in [*there[id], *beside.get(id, ())]])


def _beside(layout: Layout, ids: Iterable[int]) -> dict[int, list[str]]:
    """Return the paths of the files that measurements have of their own."""
    store, there = layout.store(), candidates(layout.directory, layout.config.measurements())
    found = {}
    for id in there.keys() & set(ids):
        with suppress(DataFileError, FileNotFoundError):  # what cannot be read lists none
            found[id] = [path for path in paths_of(store.read(id), store.stem(id)) if path in there[id]]
    return found


def set_aside(layout: Layout, paths: Iterable[str]) -> list[str]:
    """Move files to ``.coma.removed`` under their names, with a number in them that are taken; return the new paths.

    At every instant each file has one of its names, or both.
    """
    directory = layout.path(REMOVED)
    files.make_directory(directory)
    moved = {path: target for path in paths if (target := _linked(path, directory)) is not None}
    files.sync_directory(directory)
    for path in moved:
        with suppress(FileNotFoundError):
            files.remove(path)
    files.sync_directory(layout.directory)
    return list(moved.values())


def keep_copy(layout: Layout, path: str) -> str | None:
    """Give a file a second name in ``.coma.removed``, before it is replaced; return that, None when it is gone."""
    directory = layout.path(REMOVED)
    files.make_directory(directory)
    copy = _linked(path, directory)
    files.sync_directory(directory)
    return copy


def _linked(path: str, directory: str) -> str | None:
    for name in _names(PurePath(path).name):
        target = files.inside(directory, name)
        try:
            files.link(path, target)
        except FileExistsError:
            continue
        except FileNotFoundError:  # somebody else took it away
            return None
        return target
    return None


def _names(name: str) -> Iterator[str]:
    yield name
    stem, dot, suffix = name.rpartition(".")
    number = 1
    while True:
        yield f"{stem}.{number}{dot}{suffix}"
        number += 1

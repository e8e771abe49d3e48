"""Files of a measurement's own, beside it: ``measurement.000012.psi.nc``. Its ``info`` lists them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from coma_xr import files
from coma_xr.values.external import files_of, references

if TYPE_CHECKING:
    from coma_xr.store.names import Names
    from coma_xr.values.plain import Tree

_LARGEST = 2**62


def create(path: str, data: bytes, stem: str, contents: Mapping[str, bytes], *, sync: bool) -> None:
    """Write a measurement with files beside it, these first, so that it counts only when all are there.

    Raises
    ------
    FileExistsError
        One of the names is taken; nothing was changed.
    """
    made: list[str] = []
    try:
        for file, content in contents.items():
            files.create(f"{stem}.{file}", content, sync=sync)
            made.append(f"{stem}.{file}")
        files.create(path, data, sync=sync)
    except FileExistsError:
        _discard(made)
        raise
    except BaseException:
        # A measurement that has its name already counts, whatever came then, and needs them.
        if not files.exists(path):
            _discard(made)
        raise


def paths_of(tree: Tree, stem: str) -> list[str]:
    """Return the paths of the files that a measurement lists."""
    return [f"{stem}.{file}" for file in files_of(tree)]


def lacking(tree: Tree, stem: str) -> list[str]:
    """Return those paths where there is no file."""
    return [path for path in paths_of(tree, stem) if not files.exists(path)]


def contents(tree: Tree, stem: str) -> dict[str, bytes]:
    """Return what is in the files that a measurement lists, by the last part of their names."""
    return {file: files.read(f"{stem}.{file}", _LARGEST) for file in files_of(tree)}


def remove(tree: Tree, stem: str) -> None:
    """Delete the files that a measurement lists, as far as they are there."""
    _discard(paths_of(tree, stem))


def candidates(directory: str, names: Names) -> dict[int, list[str]]:
    """Return the paths of all files in a directory whose names are those of files beside measurements, by their ids."""
    found: dict[int, list[str]] = {}
    for name, id in names.beside(files.names(directory)):
        found.setdefault(id, []).append(files.inside(directory, name))
    return {id: sorted(found[id]) for id in sorted(found)}


def digests_of(tree: Tree, stem: str) -> dict[str, tuple[int, str]]:
    """Return the size and SHA-256 that each file had when it was written, by its path."""
    return {
        f"{stem}.{reference.file}": (reference.size, reference.sha256)
        for reference in references(tree)
        if reference.file in files_of(tree)
    }


def _discard(paths: Iterable[str]) -> None:
    for path in paths:
        with suppress(FileNotFoundError):
            files.remove(path)

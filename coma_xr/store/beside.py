"""Files of a measurement's own, beside it: ``measurement.000012.psi.nc``. Its ``info`` lists them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from coma_xr import files
from coma_xr.trees.external import files_of, references

if TYPE_CHECKING:
    from coma_xr.store.names import Names
    from coma_xr.trees.plain import Tree

__all__ = ["candidates", "contents", "created", "digest", "digests_of", "lacking", "paths_of", "remove"]


_LARGEST = 2**62


@contextmanager
def created(stem: str, contents: Mapping[str, bytes], *, sync: bool) -> Iterator[None]:
    """Write the files of a measurement, and delete them again when the block, which makes it count, fails.

    Raises
    ------
    FileExistsError
        One of the names is taken.
    """
    made: list[str] = []
    try:
        for file, data in contents.items():
            path = f"{stem}.{file}"
            files.create(path, data, sync=sync)
            made.append(path)
        yield
    except BaseException:
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


def digests_of(tree: Tree, stem: str) -> dict[str, str]:
    """Return what the SHA-256 of each file was when it was written, by its path."""
    return {
        f"{stem}.{reference.file}": reference.sha256
        for reference in references(tree)
        if reference.file in files_of(tree)
    }


def digest(path: str) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(files.read(path, _LARGEST)).hexdigest()


def _discard(paths: Iterable[str]) -> None:
    for path in paths:
        with suppress(FileNotFoundError):
            files.remove(path)

"""Find the experiments that a path means, and print text as a terminal shows it."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from coma_xr import files
from coma_xr.encoding import json
from coma_xr.errors import ExperimentError, StorageError
from coma_xr.experiment import Experiment
from coma_xr.store.config import Config
from coma_xr.store.documents import GZ
from coma_xr.store.layout import Wanted, find, without_own_folders
from coma_xr.text import available, clean, listing, near_names
from coma_xr.values.plain import to_plain

# How many experiments an error names, and how far below it looks for them.
_MOST = 10
_DEPTH = 3


def opened(path: str, *, write: bool = False) -> Experiment:
    """Return an experiment that is there.

    Raises
    ------
    ExperimentError
        When there is none. The message names what is near, or below.
    """
    check_exists(path)
    if find(Wanted.of(path, "r", None, Config.of(None))) is None:
        found = experiments_below(path, lambda _: None, depth=_DEPTH)
        below = [os.path.normpath(one) for one in islice(found, _MOST + 1)]
        hint = (
            f" Below it: {listing(below, _MOST)}." if below else " `coma-xr ls` lists where there are some."
        )
        # A dot before the full stop would be read as two.
        where = os.path.normpath(Path.cwd() / path) if path.endswith(".") else path
        raise ExperimentError(f"There is no experiment in {where}.{hint}")
    return Experiment(path, "a" if write else "r")


def check_exists(path: str) -> None:
    """Raise ExperimentError when there is nothing of this name; the message names directories and experiments beside it."""
    if files.exists(path) or files.exists(path + GZ):
        return
    parent, name = os.path.split(os.path.normpath(path))
    if not files.is_directory(parent or "."):
        raise ExperimentError(f"There is no {path!r}, nor the directory {parent!r}.")
    names = [one for one in files.names(parent or ".") if not one.startswith(".")]
    directories = {one for one in names if files.is_directory(str(Path(parent, one)))}
    there = sorted(directories.union(_Names(Config.of(None)).experiments(names)))
    hint = available(name, there) if there and (near_names(name, there) or len(there) <= _MOST) else ""
    raise ExperimentError(f"There is no {path!r}. {hint}".strip())


def measurement_of(path: str) -> tuple[str, int] | None:
    """Return directory and id when a path is that of a measurement file, as a shell completes it."""
    directory, name = os.path.split(path)
    for names in Config.of(None).all_measurements():
        id = names.id_of(name.removesuffix(GZ))
        if id is not None and files.exists(path) and not files.is_directory(path):
            return directory or ".", id
    return None


class _Names:
    """Which names in a directory are those of experiments and of what belongs to them."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._experiments = config.all_experiments()
        self._measurements = config.all_measurements()
        self._failures = config.failures()

    def experiments(self, names: list[str]) -> list[str]:
        stems = {name.removesuffix(GZ) for name in names}
        return sorted(name for name in stems if any(kind.owns(name) for kind in self._experiments))

    def is_measurement(self, name: str) -> bool:
        return any(kind.id_of(name) is not None for kind in self._measurements)

    def is_failure(self, name: str) -> bool:
        return self._failures.id_of(name) is not None


def experiments_below(
    path: str, problem: Callable[[str], None], *, depth: int | None = None
) -> Iterator[str]:
    """Yield the paths of the experiments in a directory and below it, sorted."""
    yield from _below(path, _Names(Config.of(None)), problem, set(), math.inf if depth is None else depth)


def _below(
    path: str, kinds: _Names, problem: Callable[[str], None], seen: set[object], depth: float
) -> Iterator[str]:
    # A link may lead back up.
    identity = files.identity(path)
    if identity in seen:
        return
    seen.add(identity)
    try:
        names = files.names(path)
    except (StorageError, FileNotFoundError) as error:
        problem(str(error))
        return
    own = kinds.experiments(names)
    # Thousands of files need not be looked at.
    measurements = {name for name in names if kinds.is_measurement(name)}
    others = {name for name in without_own_folders(names, kinds.config) if not kinds.is_failure(name)}
    others -= measurements
    if len(own) > 1:
        yield from (_joined(path, name) for name in own)
    elif own or measurements:
        yield path
    for name in sorted(others.difference(own)):
        below = _joined(path, name)
        if depth > 0 and not name.startswith(".") and files.is_directory(below):
            yield from _below(below, kinds, problem, seen, depth - 1)


def _joined(directory: str, name: str) -> str:
    return name if directory == "." else str(Path(directory, name))


_LONGEST = 80


def said(text: str) -> None:
    """Print a line on standard error, where people look and no program reads."""
    print(f"coma-xr: {text}", file=sys.stderr)


def short(value: object) -> str:
    """Return a value for the cell of a table.

    Examples
    --------
    >>> short(0.1 + 0.2), short(None), short(True), short("Ising")
    ('0.3', '', 'True', 'Ising')
    """
    if value is None:
        return ""
    text = f"{value:.6g}" if isinstance(value, float) else clean(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ..."


def number_of(number: int, what: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> number_of(1, "measurement"), number_of(0, "measurement")
    ('1 measurement', '0 measurements')
    """
    return f"{number} {what}{'s' * (number != 1)}"


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table: numbers to the right, text to the left, None as nothing."""
    rows = [tuple(row) for row in rows]
    cells = [tuple(map(clean, columns)), *(tuple(map(short, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    right = [_is_number(column) for column in zip(*rows, strict=True)] or [False] * len(columns)
    for line in cells:
        padded = [
            cell.rjust(width) if numeric else cell.ljust(width)
            for cell, width, numeric in zip(line, widths, right, strict=True)
        ]
        print(fitting("  ".join(padded).rstrip()))


def _is_number(column: Sequence[Any]) -> bool:
    return all(value is None or isinstance(value, (int, float)) for value in column)


def fitting(line: str) -> str:
    """Return a line cut to the width of the terminal that shows standard output; whole for a file or pipe."""
    try:
        width = os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        return line
    return line if not width or len(line) <= width else f"{line[: max(width - 3, 0)]}..."


def print_json(value: Any) -> None:
    """Print something for a program: strictly legal JSON; what JSON has no form for as in measurement files."""
    print(json.encode(to_plain(value), strict=True).decode())

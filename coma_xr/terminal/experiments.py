"""Find the experiment at a path, or those below it."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from coma_xr import files
from coma_xr.checks import absolute_path
from coma_xr.errors import ExperimentError, StorageError, wrong_usage
from coma_xr.experiment import Experiment
from coma_xr.store.cache import written_by_readers
from coma_xr.store.config import Config
from coma_xr.store.documents import GZ
from coma_xr.store.layout import Wanted, experiment_files, find, without_own_folders
from coma_xr.text import listing, near_names

# How many experiments an error names, and how far below it looks for them.
_MOST = 10
_DEPTH = 3


def opened(path: str, *, write: bool = False) -> Experiment:
    """Return an experiment that exists.

    Raise ExperimentError when there is none. The message names what is near, or below.
    """
    check_exists(path)
    # Only opened to be read it is not made where there is none.
    if write and not is_experiment(path):
        raise _no_experiment(path)
    try:
        # The next command of a terminal is another process, which finds in the cache what this one has read.
        with written_by_readers():
            return Experiment(path, "a" if write else "r")
    except ExperimentError:
        if is_experiment(path):
            raise
        raise _no_experiment(path) from None


def _no_experiment(path: str) -> ExperimentError:
    experiments = experiments_below(path, lambda _: None, depth=_DEPTH)
    below = [os.path.normpath(path_below) for path_below in islice(experiments, _MOST + 1)]
    hint = (
        f"Below it: {listing(below, _MOST)}."
        if below
        else "`coma-xr ls DIR` lists the experiments below a directory."
    )
    # A path that ends in a dot would put two dots in a row.
    where = os.path.normpath(absolute_path(path)) if path.endswith(".") else path
    return ExperimentError(f"There is no experiment in {where}.", ways=[hint])


def here_if_missing(path: str, word: str | None) -> tuple[str, str | None]:
    """Return path and word of a command whose path was left out, since the working directory is the experiment.

    Then the first argument is not a path but the word, such as the id in ``coma-xr show 12``.
    """
    is_left_out = word is None and path != "." and not files.exists(path) and not files.exists(path + GZ)
    return (".", path) if is_left_out and is_experiment(".") else (path, word)


def here_if_id(path: str, ids: Sequence[int]) -> tuple[str, list[int]]:
    """Return path and ids of a command whose path was left out, as in ``coma-xr remove 12 13``."""
    if path.isdecimal() and not files.exists(path) and is_experiment("."):
        return ".", [int(path), *ids]
    return path, list(ids)


def check_named(path: str, last: str, command: str, lacking: str) -> None:
    """Raise ExperimentError when the last word of a command is the experiment, and what belongs behind it is missing."""
    if path == "." and is_experiment(last) and not is_experiment("."):
        with wrong_usage():
            raise ExperimentError(
                f"{lacking} is missing.", expected=f"coma-xr {command} {shlex.quote(last)} {lacking}"
            )


def is_experiment(path: str) -> bool:
    """Whether there is an experiment at a path."""
    return find(Wanted.of(path, "r", None, Config.of(None))) is not None


def check_exists(path: str) -> None:
    """Raise ExperimentError when there is nothing of this name; the message names directories and experiments next to it."""
    if files.exists(path) or files.exists(path + GZ):
        return
    parent, name = os.path.split(os.path.normpath(path))
    if not files.is_directory(parent or "."):
        raise ExperimentError(f"{path!r} does not exist, nor does the directory {parent!r}.")
    names = [sibling for sibling in files.names(parent or ".") if not sibling.startswith((".", "__"))]
    directories = {sibling for sibling in names if files.is_directory(str(Path(parent, sibling)))}
    existing = sorted(directories.union(experiment_files(names, Config.of(None))))
    are_few = existing and (near_names(name, existing) or len(existing) <= _MOST)
    raise ExperimentError(f"{path!r} does not exist.", name=name, available=existing if are_few else None)


def measurement_of(path: str) -> tuple[str, int] | None:
    """Return directory and id when a path is that of a measurement file, as a shell completes it."""
    directory, name = os.path.split(path)
    for names in Config.of(None).all_measurements():
        id = names.id_of(name.removesuffix(GZ))
        if id is not None and files.exists(path) and not files.is_directory(path):
            return directory or ".", id
    return None


def experiments_below(
    path: str, problem: Callable[[str], None], *, depth: int | None = None
) -> Iterator[str]:
    """Yield the paths of the experiments in a directory and below it, sorted."""
    yield from _below(path, Config.of(None), problem, set(), math.inf if depth is None else depth)


def _below(
    path: str, config: Config, problem: Callable[[str], None], seen: set[object], depth: float
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
    here = experiment_files(names, config)
    # Thousands of files need not be looked at.
    measurements = {name for kind in config.all_measurements() for name in kind.find(names)[1]}
    others = {*without_own_folders(names, config)}.difference(measurements, config.failures().find(names)[1])
    if len(here) > 1:
        yield from (_joined(path, name) for name in here)
    elif here or measurements:
        yield path
    for name in sorted(others.difference(here)):
        below = _joined(path, name)
        if depth > 0 and not name.startswith(".") and files.is_directory(below):
            yield from _below(below, config, problem, seen, depth - 1)


def _joined(directory: str, name: str) -> str:
    return name if directory == "." else str(Path(directory, name))

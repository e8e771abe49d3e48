"""Finding the experiment that a path means, and making a new one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coma_xr import files
from coma_xr.checks import check_choice, check_integer
from coma_xr.encoding.formats import JSON, format_of
from coma_xr.errors import DataFileError, DataFileWarning, ExperimentError, StorageError, Way, warn
from coma_xr.store import documents
from coma_xr.store.layout import CODE, LOCK, NO_DATES, ExperimentDocument, Layout
from coma_xr.store.locks import lock
from coma_xr.store.packing import GZ
from coma_xr.store.removing import REMOVED
from coma_xr.text import listing, near_names

if TYPE_CHECKING:
    from coma_xr.store.config import Config

_WAIT = 60.0
_HIGHEST_ID = 10**9


@dataclass(frozen=True)
class Wanted:
    """What is to be opened: the arguments of `coma_xr.Experiment`, checked."""

    path: str
    mode: str
    id: int | None
    config: Config

    @classmethod
    def of(cls, path: str | os.PathLike[str], mode: str, id: int | None, config: Config) -> Wanted:
        """Return the arguments, checked; ExperimentError for those that make no sense."""
        mode = check_choice("mode", mode, ("a", "r", "x"))
        id = check_integer("id", id, optional=True)
        if id is not None and id > _HIGHEST_ID:
            raise ExperimentError(f"id={id} is too large.", expected=f"an integer up to {_HIGHEST_ID}")
        # Made absolute once, so that a function that changes the current directory does no harm.
        return cls(str(Path.cwd() / files.local_path(path)), mode, id, config)


def no_experiment(path: str) -> ExperimentError:
    """Return the error for a path without an experiment that is only to be read; it names what a misspelt part may mean."""
    parent, name = os.path.split(os.path.normpath(path))
    if files.exists(path):
        return ExperimentError(f"There is no experiment in {path}; mode='a' makes a new one.")
    while not files.exists(parent) and name:
        parent, name = os.path.split(parent)
    return ExperimentError(
        f"There is no experiment in {path}, since {files.inside(parent, name)} does not exist; mode='a' makes a new one.",
        name=name,
        available=sorted(_directories(parent)) or None,
    )


def near_experiments(path: str, config: Config) -> list[str]:
    """Return the names of experiments next to a path that it may be a misspelling of."""
    parent, name = os.path.split(os.path.normpath(path))
    kinds = [*config.all_experiments(), *config.all_measurements()]
    return [
        near
        for near in near_names(name, (other for other in _directories(parent) if other != name))
        if any(kind.owns(file) for kind in kinds for file in files.names(files.inside(parent, near)))
    ]


def without_own_folders(names: Sequence[str], config: Config) -> list[str]:
    """Return the names in a directory without the folders that belong to an experiment in it, which hold no others."""
    kinds = [*config.all_experiments(), *config.all_measurements()]
    folders = {REMOVED, CODE}
    if folders.isdisjoint(names) or not any(
        kind.owns(name.removesuffix(GZ)) for kind in kinds for name in names
    ):
        return list(names)
    return [name for name in names if name not in folders]


def _directories(parent: str) -> list[str]:
    try:
        names = [name for name in files.names(parent) if not name.startswith(".")]
    except (OSError, StorageError):
        return []
    return [name for name in names if files.is_directory(files.inside(parent, name))]


@dataclass(frozen=True)
class Found:
    """An experiment that was found; `others` are the further experiment files beside its own."""

    layout: Layout
    others: Sequence[str] = ()


def find(wanted: Wanted) -> Found | None:
    """Return the experiment that a path means, None when there is none yet.

    Raises
    ------
    ExperimentError
        The path is a file of another kind, the directory holds several experiments or another one.
    DataFileError
        The experiment file, whose name does not say its id, cannot be read.
    """
    if not files.exists(wanted.path) and not _is_packed(wanted.path):
        return None
    chosen: str | None
    if files.is_directory(wanted.path):
        directory, chosen = wanted.path, None
    else:
        directory, _, chosen = wanted.path.rpartition(os.sep)
        chosen = chosen.removesuffix(GZ)
        if format_of(chosen) is None:
            raise ExperimentError(
                f"{wanted.path} is a file; expected the directory of an experiment, or its experiment file."
            )
    names = files.names(directory)
    candidates = _experiment_files(names, wanted.config)
    if chosen is None:
        chosen = _choose(directory, candidates, wanted)
        if chosen is None:
            return _without_experiment_file(directory, names, wanted)
    layout = Layout(directory, chosen, wanted.config)
    _check_id(layout, wanted)
    return Found(layout, [name for name in candidates if name != chosen])


def _is_packed(path: str) -> bool:
    return format_of(path) is not None and files.exists(path + GZ)


def _experiment_files(names: Sequence[str], config: Config) -> list[str]:
    kinds = config.all_experiments()
    heads = tuple(kind.head for kind in kinds)
    stems = {name.removesuffix(GZ) for name in names if name.startswith(heads)}
    return sorted(name for name in stems if any(kind.owns(name) for kind in kinds))


def _choose(directory: str, candidates: list[str], wanted: Wanted) -> str | None:
    if wanted.id is not None:
        wanted_names = {kind.name(wanted.id) for kind in wanted.config.all_experiments()}
        fitting = [name for name in candidates if name in wanted_names]
        if candidates and not fitting:
            raise ExperimentError(
                f"{directory} holds no experiment with the id {wanted.id}, but {listing(candidates)}. "
                "Leave id out to open what is there, or choose another directory."
            )
        candidates = fitting
    if len(candidates) > 1:
        raise ExperimentError(
            f"{directory} holds several experiments: {listing(candidates)}.",
            ways=[
                Way("Pass id= or the path of the experiment file.", "Pass the path of the experiment file.")
            ],
        )
    return candidates[0] if candidates else None


def _check_id(layout: Layout, wanted: Wanted) -> None:
    if wanted.id is None:
        return
    named = any(names.owns(layout.experiment_name) for names in wanted.config.all_experiments())
    id = layout.id_in_name({} if named else layout.load_experiment().info)
    if id != wanted.id:
        raise ExperimentError(
            f"{layout.experiment_file} is experiment {id}, not {wanted.id}, which was asked for."
        )


def _without_experiment_file(directory: str, names: Sequence[str], wanted: Wanted) -> Found | None:
    kinds = wanted.config.all_measurements()
    count = sum(len(kind.ids_of(names)) for kind in kinds)
    if not count:
        return None
    layout = Layout(directory, wanted.config.experiments().name(wanted.id), wanted.config)
    warn(
        f"{directory} has {count} measurement files but no experiment file; opened without description, tags and "
        f"dates. {layout.experiment_name} will be written with the next change.",
        DataFileWarning,
    )
    return Found(layout)


# --------------------------------------------------------------------------------------- new experiments


def create(wanted: Wanted, info: dict[str, Any]) -> Found:
    """Make a new experiment, or return the one that another process made meanwhile."""
    if not files.is_directory(wanted.path):
        files.make_directory(wanted.path)
    with lock(files.inside(wanted.path, LOCK), wait=_WAIT):
        found = find(wanted)
        if found is not None:
            return found
        id = take_experiment_id(wanted.config) if wanted.id is None else wanted.id
        layout = Layout(wanted.path, wanted.config.experiments().name(id), wanted.config)
        layout.save_index(0)
        document = ExperimentDocument({"experiment_id": id, **info, **NO_DATES})
        try:
            files.create(layout.experiment_file, layout.experiment_text(document), sync=True)
        except FileExistsError:
            # Where a file system has no locks, another process was faster.
            found = find(wanted)
            if found is None:
                raise
            return found
    return Found(layout)


def take_experiment_id(config: Config) -> int | None:
    """Return the next id of the index of experiments and note it there; None when there is no index."""
    path = config.experiment_index_path()
    if not files.exists(path):
        return None
    directory, _, name = path.rpartition(os.sep)
    with lock(files.inside(directory, f".coma.{name}.lock"), wait=_WAIT):
        index = documents.load(path, "experiments")
        last = index.get("last_experiment_id")
        if not documents.whole_number(last):
            raise DataFileError(
                f"{path}: expected a whole number 'last_experiment_id', found {last!r}. Correct it, or give id=."
            )
        index["last_experiment_id"] = last + 1
        text = documents.text(
            "experiments",
            index,
            pretty=config.archive_pretty_print,
            strict=config.archive_strict_json,
            format=format_of(path) or JSON,
        )
        files.replace(path, text)
    return int(last) + 1

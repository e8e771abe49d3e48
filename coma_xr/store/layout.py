"""The files of one experiment directory: where each is, what it holds, how it is found, made, read and written.

::

    experiment.000001.json    info; when inactive, measurements too, and what `deactivate` took along
    measurement.000001.json   one for each measurement, while active
    measurement.index.json    the highest id given; a hint; in the format of the experiment file
    failure.000002.json       one for each parameter set that failed
    code/                     one file for each state of the code that made measurements
    coma.json                 what was defined, annotated, excluded and run; see `coma_xr.store.state`
    removed/                  what was taken away; see `coma_xr.store.removing`
"""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coma_xr import files
from coma_xr.checks import absolute_path, check_choice, check_integer, local_path
from coma_xr.encoding.formats import FORMATS, JSON, XML, Format, format_of
from coma_xr.errors import DataFileError, DataFileWarning, ExperimentError, StorageError, Way, warn
from coma_xr.store import documents
from coma_xr.store.documents import EXCLUDED, GZ, pack, sound_state, unpack
from coma_xr.store.locks import lock
from coma_xr.store.measurements import DirectoryStore
from coma_xr.text import beginning_with, listing, near_names

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from coma_xr.encoding.columns import StoredPiece
    from coma_xr.store.cache import ArchiveCache, MeasurementCache
    from coma_xr.store.config import Config
    from coma_xr.store.measurements import MeasurementStore
    from coma_xr.values.plain import Tree

LOCK = ".coma.lock"
REMOVED = "removed"

# What Coma 2 has no place for, in the `info` of an experiment file.
EXTRA = "coma_xr"
DIGESTS = "sha256"
CODE = "code"

# The records of code states, named by their hash.
_CODE_NAME = re.compile(r"[0-9A-Za-z_-]{1,100}\.json")

NO_DATES = {"start_date": None, "end_date": None}


def failure_id(tree: Tree) -> int:
    """Return the id in the record of a failure, 0 when there is none."""
    info = tree.get("info") if isinstance(tree, dict) else None
    id = info.get("measurement_id") if isinstance(info, dict) else None
    return id if type(id) is int and id > 0 else 0


def _sound_state(state: Tree, path: str) -> dict[str, Any] | None:
    """Return what of a state can be used, with a warning about the rest."""
    if not isinstance(state, dict):
        return None
    sound, faults = sound_state(state)
    if faults:
        warn(f"{path}: {'; '.join(faults)}. This is not used.", DataFileWarning)
    return sound


def _is_code(name: str) -> bool:
    """Whether a name is that of a record of code, which cannot lead out of its folder."""
    return _CODE_NAME.fullmatch(name) is not None


def without_marks(state: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a state without its entries on single measurements."""
    return state and {key: value for key, value in state.items() if key != EXCLUDED}


@dataclass
class ExperimentDocument:
    """The content of an experiment file; `measurements` and `digests` only when the experiment is inactive.

    `state` and `code` are copies of ``coma.json`` and of the files in ``code/``, by their names.
    `digests` are the SHA-256 of the measurements, in their order, as the file has them. `compressed`: the
    file is, or is to be, a compressed one; that of an active experiment never is. With `pieces`, which are the
    measurements in columns, `measurements` and `digests` are not those of the file.
    """

    info: dict[str, Any]
    active: bool = True
    measurements: list[Tree] = field(default_factory=list)
    state: dict[str, Any] | None = None
    failures: list[Tree] = field(default_factory=list)
    digests: list[Any] | None = None
    compressed: bool = False
    code: dict[str, Tree] = field(default_factory=dict)
    pieces: list[StoredPiece] | None = None

    def digest_of(self) -> dict[int, str]:
        """Return the digests by the ids of the measurements."""
        digests = self.digests or []
        if len(self.measurements) != len(digests):
            return {}
        digest_by_id: dict[int, str] = {}
        for tree, digest in zip(self.measurements, digests, strict=True):
            if id := failure_id(tree):
                digest_by_id.setdefault(id, digest)
        return digest_by_id


@dataclass(frozen=True)
class Layout:
    """The paths of an experiment's files, and reading and writing those that are there once."""

    directory: str
    experiment_name: str
    config: Config

    def path(self, name: str) -> str:
        """Return the path of a name in the directory."""
        return f"{self.directory.rstrip(os.sep)}{os.sep}{name}"

    @property
    def experiment_file(self) -> str:
        """The path of the experiment file when it is not compressed."""
        return self.path(self.experiment_name)

    @property
    def packed_file(self) -> str:
        """The path of the experiment file when it is compressed."""
        return self.experiment_file + GZ

    def file_of(self, document: ExperimentDocument) -> str:
        """Return the path of the file that holds, or is to hold, a document."""
        return self.packed_file if document.compressed and not document.active else self.experiment_file

    @property
    def format(self) -> Format:
        """The format of the experiment file, its index, and of measurements that come out of it."""
        return XML if self.experiment_name.endswith(XML.suffix) else JSON

    @property
    def index_file(self) -> str:
        """The path of the index that numbers measurements."""
        return self._index_file(self.format.suffix)

    def _index_file(self, suffix: str) -> str:
        return self.path(self.config.measurement_index + suffix)

    def index_files(self) -> list[str]:
        """Return the paths of the indices that there are, in any format."""
        return [path for suffix in FORMATS if files.exists(path := self._index_file(suffix))]

    def text(self, root: str, tree: Tree, format: Format | None = None) -> bytes:
        """Return the text of a file as the configuration wants it, in the format of the experiment file by default."""
        config = self.config
        return documents.text(
            root,
            tree,
            pretty=config.archive_pretty_print,
            strict=config.archive_strict_json,
            format=format or self.format,
        )

    def id_in_name(self, info: dict[str, Any]) -> int | None:
        """Return the id of the experiment: that in the file's name, or in `info` if the name has none."""
        names = self.config.experiments(self.format.suffix)
        id = names.id_of(self.experiment_name)
        return info.get("experiment_id") if id is None else id

    def other_id(self, info: dict[str, Any]) -> str:
        """Return, as the end of a sentence, that the file has another id inside than in its name; empty if it has not."""
        inside, id = info.get("experiment_id"), self.id_in_name(info)
        if inside is None or inside == id:
            return ""
        return (
            f"has the id {inside!r} inside and the id {id} in its name; the name counts, and what is inside stays. Rename the "
            "file, or correct it"
        )

    # --------------------------------------------------------------------------------- experiment file

    def load_experiment(self, cache: ArchiveCache | None = None) -> ExperimentDocument:
        """Return what the experiment file holds; FileNotFoundError when it does not exist.

        With a `cache` many measurements are in columns. It is not used for a file that is to be written again.

        Of a compressed file and another that is not, the one with measurements counts; DataFileError when both
        have some, and different ones.
        """
        try:
            return self._load_either(cache)
        except FileNotFoundError:
            # The one may have taken the other's place meanwhile.
            return self._load_either(cache)
        except DataFileError as error:
            error.ways = error.ways or self._ways(error)
            raise

    def _ways(self, error: DataFileError) -> tuple[str, ...]:
        """Return what to do about an experiment file that cannot be read."""
        if any(kind.id_of(Path(self.experiment_file).name) for kind in self.config.all_measurements()):
            return ("Pass the directory of an experiment, or its experiment file.",)
        if not error.is_damaged:
            return ()
        has_measurements = bool(self.store().ids())
        return (
            "Put a copy of this file back.",
            "Without a copy, move it away: the measurement files are read without it."
            if has_measurements
            else "Only this file holds the measurements of an inactive experiment.",
        )

    def _load_either(self, cache: ArchiveCache | None) -> ExperimentDocument:
        try:
            packed = self._load_experiment(self.packed_file, cache)
        except FileNotFoundError:
            return self._load_experiment(self.experiment_file, cache)
        packed.compressed = True
        if packed.pieces is not None and files.exists(self.experiment_file):
            return self._load_either(None)
        try:
            plain = self._load_experiment(self.experiment_file)
        except FileNotFoundError:
            return packed
        if not (plain.active or packed.active or documents.same(plain.measurements, packed.measurements)):
            raise DataFileError(
                f"holds other measurements than {self.experiment_file}",
                where=self.packed_file,
                ways=["Move one of them out of the directory."],
            )
        return packed if plain.active and not packed.active else plain

    def _load_experiment(self, path: str, cache: ArchiveCache | None = None) -> ExperimentDocument:
        known = None if cache is None else cache.find(path) or self._read_into(cache, path)
        tree, pieces = known or (documents.load(path, "experiment", limit=documents.ARCHIVE_LIMIT), None)
        info = tree.get("info", {})
        measurements = tree.get("measurements")
        if not isinstance(info, dict) or not isinstance(measurements, list | None):
            raise DataFileError(
                "has no dictionary 'info', or 'measurements' that are not a list",
                where=path,
                expected="a dictionary 'info' and a list 'measurements', if any",
            )
        extra = info.pop(EXTRA, None)
        if not isinstance(extra, dict):
            extra = {}
        failures, digests, code = extra.get("failures"), extra.get(DIGESTS), extra.get(CODE)
        return ExperimentDocument(
            info,
            active=measurements is None and pieces is None,
            measurements=measurements or [],
            state=_sound_state(extra.get("state"), path),
            failures=[tree for tree in failures if failure_id(tree)] if isinstance(failures, list) else [],
            digests=digests if isinstance(digests, list) else None,
            code={name: tree for name, tree in code.items() if _is_code(name)}
            if isinstance(code, dict)
            else {},
            pieces=pieces,
        )

    def _read_into(self, cache: ArchiveCache, path: str) -> tuple[Tree, list[StoredPiece] | None] | None:
        """Read an experiment file, and put many measurements into columns; None where these do not hold all of them."""
        stamps: list[files.Stamp] = []
        load = partial(documents.load, path, "experiment", limit=documents.ARCHIVE_LIMIT, stamps=stamps)
        tree = load(as_archive=True)
        entries, info = tree.get("measurements"), tree.get("info")
        if entries is None or not isinstance(info, dict):
            return tree, None
        extra = info.get(EXTRA)
        if isinstance(extra, dict):
            extra = {name: part for name, part in extra.items() if name != DIGESTS}
            info = {**info, EXTRA: extra}
        pieces = cache.take(path, stamps[0], {"info": info}, entries)
        if pieces is not None:
            return {"info": info}, pieces
        return (tree, None) if isinstance(entries, list) else None

    def save_experiment(self, document: ExperimentDocument) -> None:
        """Write the experiment file; it is read back before it takes the place of the old one."""
        self.write_experiment(document, self.experiment_text(document))

    def write_experiment(self, document: ExperimentDocument, text: bytes) -> None:
        """Write the experiment file from its text, then delete what it takes the place of."""
        path = self.file_of(document)
        if path == self.packed_file:
            packed = pack(text)
            if unpack(packed, len(text)) != text:
                raise StorageError(errno.EIO, "what was compressed reads back differently", path)
            files.replace(path, packed, verify=True)
            other = self.experiment_file
        else:
            files.replace(path, text, verify=True)
            other = self.packed_file
        try:
            files.remove(other)
        except FileNotFoundError:
            return
        files.sync_directory(self.directory)

    def entries_text(self, trees: list[Tree]) -> bytes:
        """Return the text of measurements in the experiment file."""
        config = self.config
        return self.format.encode_entries(
            trees, pretty=config.archive_pretty_print, strict=config.archive_strict_json
        )

    def experiment_text(
        self, document: ExperimentDocument, number: int = 0, entries: Sequence[bytes] | None = None
    ) -> bytes:
        """Return the text of an experiment file; `entries` are encoded measurements that are not in the document."""
        extra: dict[str, Any] = {"state": document.state, "failures": document.failures}
        if not document.active:
            extra |= {DIGESTS: document.digests, CODE: document.code}
        extra = {key: value for key, value in extra.items() if value}
        tree: dict[str, Any] = {"info": {**document.info, EXTRA: extra} if extra else document.info}
        if document.active:
            return self.text("experiment", tree)
        if entries is None:
            number, entries = len(document.measurements), [self.entries_text(document.measurements)]
        config = self.config
        return self.format.encode_archive(
            tree,
            number,
            entries,
            pretty=config.archive_pretty_print,
            strict=config.archive_strict_json,
        )

    # -------------------------------------------------------------------------------------------- code

    def code_names(self) -> list[str]:
        """Return the names of the files in ``code/``, sorted; a warning reports that the disk does not list them."""
        try:
            return [*filter(_is_code, files.names_if_any(self.path(CODE)))]
        except StorageError as error:
            warn(f"{error.line()}. The records of code are not used.", DataFileWarning)
            return []

    def load_code(self, names: Sequence[str] | None = None) -> dict[str, Tree]:
        """Return what is in files of ``code/``, by default in all, by their names; one that cannot be read stays where it is."""
        trees = {}
        for name in self.code_names() if names is None else names:
            path = files.inside(self.path(CODE), name)
            with suppress(FileNotFoundError):
                try:
                    trees[name] = JSON.decode(files.read(path))
                except (DataFileError, StorageError) as error:
                    warn(f"{path}: {documents.reason(error, path)}. It is not copied.", DataFileWarning)
        return trees

    def save_code(self, code: dict[str, Tree]) -> None:
        """Write the files of ``code/`` that do not exist yet."""
        directory = self.path(CODE)
        if code:
            files.make_directory(directory)
        for name, tree in code.items():
            with suppress(FileExistsError):
                text = JSON.encode(tree, pretty=self.config.archive_pretty_print)
                files.create(files.inside(directory, name), text, sync=True)

    # ------------------------------------------------------------------------------------------- index

    def load_index(self, names: Collection[str] | None = None) -> int:
        """Return the highest id that the index knows, 0 when it is missing, also among `names`, or makes no sense.

        Raise StorageError when the disk does not give it out: what is written in its place could be lower.
        """
        indices = [self.config.measurement_index + suffix for suffix in FORMATS]
        paths = [self.path(name) for name in indices if names is None or name in names]
        return max(map(self._load_index, paths), default=0)

    def _load_index(self, path: str) -> int:
        try:
            last = documents.load(path, "measurements").get("last_measurement_id")
        except FileNotFoundError:
            return 0
        except DataFileError as error:
            if refusal := documents.refused(error):
                raise refusal from None
            reason = error.line()
        else:
            if documents.whole_number(last):
                return int(last)
            reason = f"{path}: expected an integer 'last_measurement_id', found {last!r}"
        warn(f"{reason}. The ids of the measurement files are used.")
        return 0

    def raise_index(self, last_id: int | None = None) -> None:
        """Write the index for the last of the measurement files; it is never lowered."""
        last = self.store().last_id() if last_id is None else last_id
        self.save_index(max(self.load_index(), last))

    def save_index(self, last_id: int) -> None:
        """Write the index; one in another format goes."""
        tree: Tree = {"last_measurement_id": last_id}
        files.replace(self.index_file, self.text("measurements", tree))
        self._forget_indices(format.suffix for format in FORMATS.values() if format is not self.format)

    def remove_index(self) -> None:
        """Delete the index, in whatever format it is."""
        self._forget_indices(FORMATS)

    def _forget_indices(self, suffixes: Iterable[str]) -> None:
        for suffix in suffixes:
            self._forget(self._index_file(suffix))

    def _forget(self, path: str) -> None:
        with suppress(FileNotFoundError):
            files.remove(path)

    # -------------------------------------------------------------------------- measurements, failures

    def store(
        self,
        floor: int = 0,
        refusal: StorageError | None = None,
        elsewhere: Callable[[], MeasurementStore | None] = lambda: None,
        names: list[str] | None = None,
        cache: MeasurementCache | None = None,
    ) -> DirectoryStore:
        """Return the measurement files as a store; see there."""
        return DirectoryStore(
            self.directory,
            *self.config.all_measurements(),
            pretty=self.config.archive_pretty_print,
            strict=self.config.archive_strict_json,
            floor=floor,
            refusal=refusal,
            elsewhere=elsewhere,
            listed=names,
            cache=cache,
        )

    def failure_file(self, id: int) -> str:
        """Return the path of the file that records a failure."""
        return self.path(self.config.failures().name(id))

    def failure_ids(self, floor: int = 0, names: list[str] | None = None) -> list[int]:
        """Return the ids of the recorded failures, sorted, by default of those that there are now."""
        ids = self.config.failures().ids_of(files.names(self.directory) if names is None else names)
        return sorted(id for id in ids if id > floor)

    def load_failure(self, id: int) -> Tree:
        """Return a recorded failure, with the id of the file's name."""
        try:
            tree = documents.load(self.failure_file(id), "failure")
        except FileNotFoundError:
            if files.exists(self.failure_file(id)):
                raise DataFileError(
                    "a symbolic link that leads nowhere", where=self.failure_file(id)
                ) from None
            raise
        info = tree.get("info")
        if not isinstance(info, dict):
            raise DataFileError(
                found=documents._kind(info),
                where=self.failure_file(id),
                expected="a dictionary 'failure/info'",
            )
        info["measurement_id"] = id
        return tree

    def failure_text(self, tree: Tree) -> bytes:
        """Return the text of a file that records a failure."""
        return self.text("failure", tree, JSON)


_WAIT = 60.0
_HIGHEST_ID = 10**9


@dataclass(frozen=True)
class Wanted:
    """The experiment to open: the arguments of `coma_xr.Experiment`, checked."""

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
        return cls(absolute_path(local_path(path)), mode, id, config)


def no_experiment(path: str, config: Config) -> ExperimentError:
    """Return the error for a path without an experiment that is only to be read; it names what a misspelt part may mean."""
    parent, name = os.path.split(os.path.normpath(path))
    if files.exists(path):
        return ExperimentError(
            f"There is no experiment in {path}.", ways=[Way("Pass mode='a' to make a new one.", "")]
        )
    known = _experiments(parent, _directories(parent), config)
    while not files.exists(parent) and name:
        parent, name = os.path.split(parent)
        # Directories on the way to experiments.
        known = [other for other in _directories(parent) if not other.endswith(".zarr")]
    return ExperimentError(
        f"There is no experiment in {path}, since {files.inside(parent, name)} does not exist; mode='a' makes a new one.",
        name=name,
        available=sorted(known) or None,
    )


def near_experiments(path: str, config: Config) -> list[str]:
    """Return the names of experiments next to a path that it may be a misspelling of."""
    parent, name = os.path.split(os.path.normpath(path))
    near = near_names(name, (other for other in _directories(parent) if other != name))
    return _experiments(parent, near, config)


def _experiments(parent: str, names: Iterable[str], config: Config) -> list[str]:
    """Return which directories in another one have files of experiments."""
    kinds = [*config.all_experiments(), *config.all_measurements()]
    return [
        name
        for name in names
        if any(kind.owns(file) for kind in kinds for file in _names(files.inside(parent, name)))
    ]


def _names(directory: str) -> list[str]:
    try:
        return files.names(directory)
    except (OSError, StorageError):
        return []


def without_own_folders(names: Sequence[str], config: Config) -> list[str]:
    """Return the names in a directory without the folders that belong to an experiment in it, which hold no others."""
    folders = {REMOVED, CODE}
    is_one = not folders.isdisjoint(names) and (
        experiment_files(names, config) or any(kind.find(names)[0] for kind in config.all_measurements())
    )
    if not is_one:
        return list(names)
    return [name for name in names if name not in folders]


def _directories(parent: str) -> list[str]:
    names = [name for name in _names(parent) if not name.startswith(".")]
    return [name for name in names if files.is_directory(files.inside(parent, name))]


# What lists a directory again: an age in seconds, since the times that show a change may be old ones of a network's cache;
# and names that changed so many nanoseconds ago that they may have changed again without getting another time.
_LISTED, _SETTLED = 1.0, 2_000_000_000


class Listing:
    """The names in a directory, in no order, and what shows whether they are still all.

    Raise FileNotFoundError when the directory does not exist.
    """

    def __init__(self, directory: str) -> None:
        self._directory, self._changed, self._at = directory, files.changed(directory), time.monotonic()
        self._is_settled = self._changed is not None and max(self._changed) < time.time_ns() - _SETTLED
        self.names = files.names(directory)

    def holds(self) -> bool:
        """Whether the directory was listed just now, and its names have not changed since."""
        is_new = time.monotonic() - self._at < _LISTED
        return self._is_settled and is_new and files.changed(self._directory) == self._changed


@dataclass(frozen=True)
class Found:
    """An experiment that was found; `others` are the further experiment files next to its own.

    `listing` are the names in its directory, if they were asked for.
    """

    layout: Layout
    others: Sequence[str] = ()
    listing: Listing | None = None


def find(wanted: Wanted) -> Found | None:
    """Return the experiment that a path means, None when there is none yet.

    Raise ExperimentError when the path is a file of another kind, or the directory holds several experiments or another
    one, and DataFileError when the experiment file, whose name does not say its id, cannot be read.
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
                f"{wanted.path} is a file.", expected="the directory of an experiment, or its experiment file"
            )
    listing = Listing(directory)
    candidates = experiment_files(listing.names, wanted.config)
    if chosen is None:
        chosen = _choose(directory, candidates, wanted)
        if chosen is None:
            return _without_experiment_file(directory, listing.names, wanted)
    layout = Layout(directory, chosen, wanted.config)
    _check_id(layout, wanted)
    return Found(layout, [name for name in candidates if name != chosen], listing)


def _is_packed(path: str) -> bool:
    return format_of(path) is not None and files.exists(path + GZ)


def experiment_files(names: Sequence[str], config: Config) -> list[str]:
    """Return the names of experiment files among some names, sorted, each without the ending of a compressed one."""
    kinds = config.all_experiments()
    stems = {name.removesuffix(GZ) for kind in kinds for name in beginning_with(kind.head, names)}
    return sorted(name for name in stems if any(kind.owns(name) for kind in kinds))


def _choose(directory: str, candidates: list[str], wanted: Wanted) -> str | None:
    if wanted.id is not None:
        wanted_names = {kind.name(wanted.id) for kind in wanted.config.all_experiments()}
        fitting = [name for name in candidates if name in wanted_names]
        if candidates and not fitting:
            raise ExperimentError(
                f"{directory} holds no experiment with the id {wanted.id}, but {listing(candidates)}.",
                ways=["Leave out id to open the existing one, or choose another directory."],
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
    named = any(names.id_of(layout.experiment_name) is not None for names in wanted.config.all_experiments())
    id = layout.id_in_name({} if named else layout.load_experiment().info)
    if id != wanted.id:
        raise ExperimentError(
            f"{layout.experiment_file} is experiment {id}.", expected=f"experiment {wanted.id}, as asked for"
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
        existing = find(wanted)
        if existing is not None:
            return existing
        id = take_experiment_id(wanted.config) if wanted.id is None else wanted.id
        layout = Layout(wanted.path, wanted.config.experiments().name(id), wanted.config)
        layout.save_index(0)
        document = ExperimentDocument({"experiment_id": id, **info, **NO_DATES})
        try:
            files.create(layout.experiment_file, layout.experiment_text(document), sync=True)
        except FileExistsError:
            # Where a file system has no locks, another process was faster.
            existing = find(wanted)
            if existing is None:
                raise
            return existing
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
                found=repr(last),
                where=path,
                expected="an integer 'last_experiment_id'",
                ways=["Correct it, or pass id=."],
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

"""The directory of an experiment: what the rest of coma_xr knows of where measurements lie."""

from __future__ import annotations

import copy
import dataclasses
import errno
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from coma_xr import files
from coma_xr.encoding import json
from coma_xr.errors import (
    DataFileError,
    DataFileWarning,
    ExperimentError,
    PathError,
    StorageError,
    warn,
)
from coma_xr.store import documents, opening, protocols, removing, state
from coma_xr.store.archive import ArchiveStore, inactive
from coma_xr.store.config import Config
from coma_xr.store.documents import warn_of_ids
from coma_xr.store.durability import Durable, Saver, create_failure, saving
from coma_xr.store.hints import ASKED, EXCLUDED, OF, REASON, SCANS
from coma_xr.store.layout import LOCK, NO_DATES, ExperimentDocument, Layout, failure_id
from coma_xr.store.locks import Shard, live_runs, lock, refuse_while_running, run_lock, warn_of_runs
from coma_xr.store.merging import Key, MergePlan, add_new, plan_merge
from coma_xr.store.state import OLD_STATE, STATE, StateDocument
from coma_xr.store.verify import Inspection
from coma_xr.text import listing, shortened

if TYPE_CHECKING:
    from coma_xr.store.contract import MeasurementStore
    from coma_xr.store.findings import Finding
    from coma_xr.values.plain import Tree

# Bytes of a measurement's parameters beyond which a mark has their digest.
_LONG = 1000

# Seconds to wait for a lock that is held for seconds.
_WAIT = 60.0


class ExperimentDirectory:
    """The directory of one experiment.

    Raises
    ------
    ExperimentError
        The path is no directory, the experiment is there or is not there against the mode, it has another id,
        or there are several.
    DataFileError
        The experiment file cannot be read.

    Examples
    --------
    >>> place = ExperimentDirectory("pendulum", description="Half a period", config={})
    >>> place.active, place.number(), place.next_id()
    (True, 0, 1)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        mode: str = "a",
        id: int | None = None,
        description: str | None = None,
        tags: Sequence[str] = (),
        config: Config | Mapping[str, Any] | None = None,
    ) -> None:
        self.config = Config.of(config)
        wanted = opening.Wanted.of(path, mode, id, self.config)
        found = opening.find(wanted)
        if found is not None and mode == "x":
            raise ExperimentError(f"{wanted.path} holds an experiment already; mode='a' opens it.")
        if found is None:
            if mode == "r":
                raise opening.no_experiment(wanted.path)
            found = opening.create(wanted, {"description": description, "tags": list(tags)})
        self._layout: Layout = found.layout
        self._others = list(found.others)
        self._mode = mode
        self.path = self._layout.directory
        self._stamps: Any = "never read"
        self._document = ExperimentDocument({})
        self._state = StateDocument()
        self._store: MeasurementStore = self._layout.store()
        self._refresh()
        if other := self._layout.other_id(self._document.info):
            warn(f"{self.experiment_file} {other}.", DataFileWarning)

    def __repr__(self) -> str:
        return f"ExperimentDirectory({self.experiment_file!r})"

    @property
    def experiment_file(self) -> str:
        """The path of the experiment file."""
        return self._layout.file_of(self._document)

    @property
    def pretty(self) -> bool:
        """Whether new files are indented; what is added is encoded so."""
        return self.config.archive_pretty_print

    @property
    def strict(self) -> bool:
        """Whether new files are strictly legal JSON; what is added is encoded so."""
        return self.config.archive_strict_json

    @property
    def suffix(self) -> str:
        """The suffix of new measurement files: what is added is encoded by ``FORMATS[suffix]``."""
        return self.config.format.suffix

    # ------------------------------------------------------------------------------------ what is there

    def _refresh(self) -> None:
        """Read experiment file and state again when another process, or we, changed them."""
        layout = self._layout
        stamps = (files.stamp(layout.experiment_file), files.stamp(layout.packed_file), self._state_stamp())
        if stamps != self._stamps:
            if not any(stamps) and not files.is_directory(self.path):
                gone = "the experiment's directory is not there any more; it was moved, deleted, or its disk is gone"
                raise StorageError(errno.ENOENT, gone, self.path)
            with suppress(FileNotFoundError):
                self._document = self._layout.load_experiment()
            self._state = state.load(self._layout)
            self._complete_info()
            self._store = self._make_store()
            self._stamps = stamps

    def _state_stamp(self) -> Any:
        """Return what is equal as long as the state is the same; that of version 1 counts while there is no other."""
        return files.stamp(self._layout.path(STATE)) or files.stamp(self._layout.path(OLD_STATE))

    def _complete_info(self) -> None:
        info = self._document.info
        known: dict[str, Any] = {"experiment_id": None, "description": None, "tags": [], **NO_DATES}
        info = {**known, **info}
        if info["experiment_id"] is None:
            info["experiment_id"] = self._layout.id_in_name(info)
        if self._state.reset:
            info |= NO_DATES
        self._document.info = info

    def _make_store(self) -> MeasurementStore:
        floor = self._state.measurement_floor
        if self._document.measurements is None:
            return self._layout.store(floor, self._refusal(), self._archive)
        # Where several experiments share a directory, nobody knows whose the measurement files are.
        beside = None if self._others else self._layout.store(floor)
        return ArchiveStore(self.experiment_file, self._document.measurements, beside, floor=floor)

    def _archive(self) -> MeasurementStore | None:
        return None if self.active else self._store

    @property
    def read_only(self) -> bool:
        """Whether nothing may be written: by the mode, or because several experiments share the directory."""
        return self._refusal() is not None

    def _refusal(self) -> StorageError | None:
        if self._mode == "r":
            text = "the experiment was opened with mode='r', to be read only; open it with mode='a'"
        elif self._others:
            text = (
                f"the directory also holds {listing(self._others)}, so that its experiments can only be read; "
                "move this experiment file to a directory of its own"
            )
        else:
            return None
        return StorageError(errno.EROFS, text, self._layout.experiment_file)

    @property
    def active(self) -> bool:
        """Whether measurements are files of their own, and can be added."""
        self._refresh()
        return self._document.measurements is None

    @property
    def info(self) -> dict[str, Any]:
        """A copy of experiment_id, description, tags, start_date, end_date and what else the file has there."""
        self._refresh()
        info = copy.deepcopy(self._document.info)
        # The file keeps another id that is in it.
        return {**info, "experiment_id": self._layout.id_in_name(info)}

    @property
    def measurements(self) -> MeasurementStore:
        """The measurements; read-only when the experiment is inactive."""
        self._refresh()
        return self._store

    def trees(self, *, strict: bool = False) -> Iterator[tuple[int, Tree]]:
        """Yield id and tree of every measurement that can be read, in the order of the ids."""
        store = self.measurements
        yield from store.trees()
        warn_of_ids(self.path, store.other_ids)
        if store.problems and strict:
            raise store.problems[0]
        if store.problems:
            number = len(store.problems)
            first = listing((str(problem).rstrip(".") for problem in store.problems), 3)
            warn(
                f"{number} measurement{'s' * (number > 1)} of {self.path} cannot be read and "
                f"{'were' if number > 1 else 'was'} passed over: {first}.",
                DataFileWarning,
            )

    def stem(self, id: int) -> str:
        """Return the path of a measurement's file without its ending; files beside it are named after it."""
        return self._layout.path(self.config.measurements().stem(id))

    def number(self) -> int:
        """Return the number of measurements; no measurement file is read for it."""
        return len(self.measurements.ids())

    def next_id(self) -> int:
        """Return the id that the next measurement gets: above all ids in the index, of measurements and failures."""
        self._refresh()
        pending = self._state.reset is not None
        index = 0 if pending else self._layout.load_index()
        last = self._layout.store(self._state.measurement_floor).last_id()
        ids = self._store.ids()
        failures = [failure_id(tree) for tree in self._document.failures]
        failures += self._layout.failure_ids(self._state.failure_floor)
        return max(index, last, max(ids, default=0), max(failures, default=0)) + 1

    # ------------------------------------------------------------------------------------ small writing

    @contextmanager
    def _changing(self, *, mend: bool = True) -> Iterator[None]:
        """Hold the lock of the experiment, with what is on the disk read and a cut off reset finished."""
        refusal = self._refusal()
        if refusal is not None:
            raise refusal
        with lock(self._layout.path(LOCK), wait=_WAIT):
            self._refresh()
            if self._state.damaged and mend:
                self._save_what_is_left()
            if self._state.reset is not None:
                protocols.finish_reset(self._layout, self._document, self._state)
                self._refresh()
            yield
            self._refresh()

    def _save_what_is_left(self) -> None:
        """Write a damaged state anew, of what could be read, and keep the damaged file."""
        base = self._state
        kept = f"in {removing.REMOVED}"
        if base.damaged == STATE and base.data is not None:
            kept = f"as {removing.keep(self._layout, STATE, base.data)}"
        state.save(self._layout, base, base)
        self._refresh()
        warn(
            f"{self._layout.path(base.damaged)} was damaged and is written anew, with what could be read of it. The damaged "
            f"file is kept {kept}: definition, annotations, exclusions and the root of seeds can be looked up there.",
            DataFileWarning,
        )

    def save_info(self, **changes: Any) -> None:
        """Change entries of `info`, such as ``description=``, in the experiment file.

        Raises
        ------
        ExperimentError
            For the id, which belongs to the file's name.
        StorageError
            Nothing may be written, or the operating system refused.
        """
        if changes.pop("experiment_id", self.info["experiment_id"]) != self.info["experiment_id"]:
            raise ExperimentError("experiment_id: the id of an experiment cannot be changed.")
        with self._changing():
            info = self._document.info | changes
            self._layout.save_experiment(dataclasses.replace(self._document, info=info))

    def write_index(self) -> None:
        """Write the index for Coma 2, which counts no measurement above it; without it nothing is lost."""
        try:
            with self._changing():
                if self._document.measurements is None:
                    self._layout.save_index(max(self._layout.load_index(), self._layout.store().last_id()))
        except StorageError as error:
            if self.read_only:
                raise
            warn(f"The measurements are saved, but their index is not, which only Coma 2 needs: {error}")

    def _sections(self) -> dict[str, Any]:
        """Return the state; what is missing in ``coma.json`` is taken from the copy in the experiment file."""
        copied = self._document.state or {}
        if copied and self._others:
            return copied  # coma.json of a shared directory may belong to another experiment
        return {**copied, **self._state.sections}

    def state(self) -> dict[str, Any]:
        """Return a copy of the state, other than the scans: what was defined, annotated, excluded and the like."""
        self._refresh()
        sections = self._sections()
        return copy.deepcopy(
            {name: section for name, section in sections.items() if name not in (SCANS, ASKED)}
        )

    def change_state(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the state, a plain tree: what was defined, annotated, and the like.

        What another process changes at the same time is kept too.

        Raises
        ------
        ExperimentError
            ``coma.json`` is a file of another program's.
        """
        with self._changing():
            # One look at what there is: where locks do not hold, a second one may differ.
            base, before = self._state, self._sections()
            scans = {name: section for name, section in before.items() if name in (SCANS, ASKED)}
            notes = {name: section for name, section in before.items() if name not in scans}
            changed = copy.deepcopy(notes)
            change(changed)
            if not documents.same(changed, notes):
                state.save(self._layout, dataclasses.replace(base, sections=changed | scans), base)

    def scan(self) -> dict[str, Any] | None:
        """Return what was asked for, as `save_scan` recorded it, None without it; it may be shared."""
        self._refresh()
        return dataclasses.replace(self._state, sections=self._sections()).scan

    def scan_records(self) -> dict[str, Any]:
        """Return the structures of all scans, by their names; they may be shared."""
        self._refresh()
        records: dict[str, Any] = self._sections().get(SCANS, {})
        return records

    def save_scan(
        self,
        asked: dict[str, Any] | None = None,
        change_records: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    ) -> None:
        """Record what is asked for, and the structures of all scans, given those that there are; None changes nothing."""
        with self._changing():
            base, sections = self._state, self._sections()
            new = {} if asked is None else {ASKED: asked}
            if change_records is not None:
                new[SCANS] = change_records(sections.get(SCANS, {}))
            if any(
                name not in sections or not documents.same(sections[name], tree) for name, tree in new.items()
            ):
                state.save(self._layout, dataclasses.replace(base, sections={**sections, **new}), base)

    # ----------------------------------------------------------------------------------------- failures

    def failures(self) -> list[Tree]:
        """Return the recorded failures, each a tree with ``info/measurement_id``, in the order of the ids.

        A record that cannot be read is passed over with a warning.
        """
        self._refresh()
        floor = self._state.failure_floor
        found = {failure_id(tree): tree for tree in self._document.failures if failure_id(tree) > floor}
        for id in self._layout.failure_ids(floor):
            try:
                found[id] = self._layout.load_failure(id)
            except FileNotFoundError:
                pass  # removed since the directory was listed
            except DataFileError as error:
                warn(f"{error} It is passed over.", DataFileWarning)
        return [found[id] for id in sorted(found)]

    def number_of_failures(self) -> int:
        """Return the number of recorded failures; none of their files is read for it."""
        self._refresh()
        floor = self._state.failure_floor
        ids = {failure_id(tree) for tree in self._document.failures}
        return len({id for id in ids if id > floor}.union(self._layout.failure_ids(floor)))

    def add_failure(self, tree: Tree, id: int, *, sync: bool = False) -> int:
        """Record a failure under an id, or the next free one when it is taken; return the id."""
        self._check_active()
        return create_failure(self._layout, tree, id, sync=sync)

    def remove_failures(self, ids: Iterable[int]) -> None:
        """Delete the records of failures; those that are not there are passed over."""
        self._check_active()
        for id in ids:
            with suppress(FileNotFoundError):
                files.remove(self._layout.failure_file(id))

    # ---------------------------------------------------------------------------------------------- runs

    def _check_active(self) -> None:
        refusal = self._refusal()
        if refusal is not None:
            raise refusal
        if not self.active:
            raise inactive(self.experiment_file)

    def check_writable(self) -> None:
        """Raise InactiveError or StorageError when measurements cannot be added, before anything is computed."""
        self._check_active()
        try:
            files.probe(self.path)
        except StorageError as error:
            text = f"{error.strerror}; nothing was computed"
            raise StorageError(error.errno, text, error.filename) from error

    @contextmanager
    def running(self, shard: Shard | None = None) -> Iterator[None]:
        """Hold the lock of a run; a warning tells when another run works on the experiment.

        Raises
        ------
        ExperimentBusyError
            This process runs the experiment already.
        InactiveError, StorageError
            As `check_writable`.
        """
        self.check_writable()
        with ExitStack() as stack:
            with self._changing():
                self._check_active()
                others = live_runs(self.path)
                files.remove_leftovers(self.path, [(run.host, run.pid) for run in others])
                stack.enter_context(run_lock(self.path, shard))
            in_the_way = [run for run in others if shard is None or not shard.apart(run.shard)]
            if in_the_way:
                warn_of_runs(self.path, in_the_way)
            yield

    def saving(self, durable: Durable = "auto") -> AbstractContextManager[Saver]:
        """Return a context that gives a `Saver`, which adds measurements and failures."""
        self._check_active()
        return saving(self.measurements, self._layout, durable)

    # ----------------------------------------------------------------------------------------- life cycle

    def deactivate(self, *, compress: bool = False) -> None:
        """Move all measurements and failures into the experiment file, with a copy of the state."""
        with self._alone("deactivated"):
            protocols.deactivate(self._layout, self._document, self._state, compress=compress)

    def activate(self) -> None:
        """Write the measurements of the experiment file to files of their own again, under the same ids."""
        with self._alone("activated"):
            protocols.activate(self._layout, self._document, self._state)

    def reset(self, *, delete: bool = False) -> dict[str, Any]:
        """Move all measurements and failures to ``removed/``, or delete them; return numbers, bytes and folder."""
        with self._alone("reset"):
            return protocols.reset(self._layout, self._document, self._state, delete=delete)

    # ------------------------------------------------------------------------------- single measurements

    def remove(self, ids: Iterable[int], reason: str | None = None) -> str:
        """Move the files of measurements to ``removed/``, from where `restore` puts them back; return the new folder.

        Raises
        ------
        PathError
            One of the ids has no measurement. Nothing was changed.
        InactiveError
            The measurements are archived.
        """
        wanted = list(ids)
        with self._changing():
            self._check_active()
            folder = removing.remove(self._layout, wanted, reason, self._marks())
        self.include(wanted)
        return folder.name

    def removed(self) -> Iterator[removing.Removed]:
        """Yield the measurements that `remove` and `reset` took away, the earliest first."""
        return removing.removed(self._layout)

    def restore(
        self, choose: Callable[[list[removing.Removed]], list[removing.Removed]] | None = None
    ) -> dict[int, int]:
        """Put removed measurements back, by default all, with the records of failures of their ids."""
        with self._changing():
            self._check_active()
            removed = list(self.removed())
            wanted = removed if choose is None else choose(removed)
            given = removing.restore(self._layout, wanted)
            removing.restore_failures(self._layout, None if choose is None else given)
            removing.discard_empty(self._layout)
        marks = {str(given[one.id]): one.folder.marks.get(str(one.id)) for one in wanted}
        marks = {id: mark for id, mark in marks.items() if mark}
        if marks:
            self.change_state(lambda state: state.update({EXCLUDED: {**state.get(EXCLUDED, {}), **marks}}))
        return given

    def empty_removed(self) -> dict[str, Any]:
        """Delete all that was removed; return how many measurements and failures, and how many bytes."""
        with self._changing():
            return removing.discard(self._layout)

    def exclude(self, ids: Iterable[int], reason: str) -> None:
        """Mark measurements as not to be used; they stay where they are.

        Raises
        ------
        PathError
            One of the ids has no measurement. Nothing was changed.
        """
        wanted = list(ids)
        known = self.measurements.ids()
        unknown = sorted(set(wanted).difference(known))
        if unknown:
            raise PathError(
                f"{self.path} has no measurement {listing(unknown)}. Nothing was excluded.",
                name=str(unknown[0]),
                available=map(str, known),
            )
        marks = {str(id): {REASON: reason, OF: _identity(self._store.read(id))} for id in wanted}
        self.change_state(lambda state: state.update({EXCLUDED: {**state.get(EXCLUDED, {}), **marks}}))

    def include(self, ids: Iterable[int]) -> None:
        """Take the marks of `exclude` away; there need not be any."""
        unmarked = {str(id) for id in ids}
        if not unmarked.isdisjoint(self._marks()):
            self.change_state(
                lambda state: state.update(
                    {
                        EXCLUDED: {
                            id: mark for id, mark in state.get(EXCLUDED, {}).items() if id not in unmarked
                        }
                    }
                )
            )

    def _marks(self) -> dict[str, Any]:
        self._refresh()
        marks: dict[str, Any] = self._sections().get(EXCLUDED, {})
        return marks

    def excluded(self) -> dict[int, str]:
        """Return the reasons of what is excluded, by the ids; a warning names marks that fit no measurement."""
        marks = self._marks()
        unfit = self._unfit_marks(marks)
        if unfit:
            warn(f"{self.path}: {'; '.join(unfit.values())}. Nothing is excluded by that.", DataFileWarning)
        return {
            int(id): mark if isinstance(mark, str) else mark[REASON]
            for id, mark in sorted(marks.items(), key=lambda item: int(item[0]))
            if id not in unfit
        }

    def _unfit_marks(self, marks: Mapping[str, Any]) -> dict[str, str]:
        """Return by id the marks that were made on another measurement than the one of this id, each as a sentence."""
        unfit = {}
        known = set(self.measurements.ids()) if marks else ()
        for id, mark in marks.items():
            if isinstance(mark, str) or OF not in mark or int(id) not in known:
                continue  # version 1 noted no more than the id
            with suppress(DataFileError, PathError):
                if not documents.same(_identity(self._store.read(int(id))), mark[OF]):
                    unfit[id] = (
                        f"measurement {id} was excluded ({mark[REASON]}) when it had other parameters "
                        f"({shortened(mark[OF])})"
                    )
        return unfit

    def merge(
        self, other: ExperimentDirectory, key: Key, *, keep_both: bool = False, append: bool = False
    ) -> tuple[MergePlan, dict[int, int]]:
        """Add the measurements of another experiment under new ids; copies are skipped.

        Repeated after it was cut off, it adds what is left.

        Raises
        ------
        ExperimentError
            There are conflicts. The message lists them. Nothing was changed.
        ExperimentBusyError, InactiveError, StorageError
            As for a run.
        """
        if other.path == self.path:
            raise ExperimentError(f"{self.path} cannot be merged into itself.")
        self.check_writable()
        with self._alone("merged into"):
            plan = plan_merge(self.trees(), other.trees(), key, append=append)
            if not keep_both:
                plan.check(self.path, other.path)
            given = add_new(
                self._store,
                other.measurements,
                plan,
                first=self.next_id(),
                format=self.config.format,
                pretty=self.pretty,
                strict=self.strict,
                stem_of=other.stem,
            )
            name = self.config.measurements().name
            files.sync_everything(self.path, [name(id) for id in given.values()])
            self._layout.save_index(max(self._layout.load_index(), self._layout.store().last_id()))
        here = dict(plan.equal) | given
        for id, reason in other.excluded().items():
            if here.get(id, 0) not in {0, *self.excluded()}:
                self.exclude([here[id]], reason)
        return plan, given

    # -------------------------------------------------------------------------------------------- verify

    def verify(self, *, repair: bool = False) -> list[Finding]:
        """Check every file of the experiment.

        Raises
        ------
        ExperimentBusyError
            With `repair`, while the experiment is being run.
        StorageError
            With `repair`, when nothing may be written.
        """
        first = self._inspect().findings
        if not repair or not any(finding.repair for finding in first):
            return first
        # What moves damaged files away does so with the state too.
        with self._alone("repaired", mend=False):
            self._inspect().repair()
        after = self._inspect().findings
        mended = [
            dataclasses.replace(finding, done=bool(finding.repair) and finding not in after)
            for finding in first
        ]
        return mended + [finding for finding in after if finding not in first]

    def _inspect(self) -> Inspection:
        self._refresh()
        unfit = self._unfit_marks(self._sections().get(EXCLUDED, {}))
        return Inspection(
            self._layout, self._document, self._state, alone=not self._others, unfit=list(unfit.values())
        )

    @contextmanager
    def _alone(self, what: str, *, mend: bool = True) -> Iterator[None]:
        with self._changing(mend=mend):
            refuse_while_running(self.path, what)
            files.remove_leftovers(self.path)
            yield


def _identity(tree: Tree) -> Tree:
    """Return what tells a measurement from another one of the same id: all of it except its results and `info`."""
    kept = {name: child for name, child in sorted(tree.items()) if name not in ("info", "results")}
    if "repeat" in tree.get("info", {}):
        kept["repeat"] = tree["info"]["repeat"]
    return kept if len(json.encode(kept, pretty=False)) <= _LONG else documents.digest(kept)

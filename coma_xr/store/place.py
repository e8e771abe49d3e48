"""The directory of an experiment: what the rest of coma_xr knows of where measurements lie."""

from __future__ import annotations

import dataclasses
import errno
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal

from coma_xr import files
from coma_xr.errors import (
    ComaError,
    DataFileWarning,
    ExperimentBusyError,
    ExperimentError,
    StorageError,
    Way,
    warn,
)
from coma_xr.same import replaced
from coma_xr.store import documents, layout, removing, state, upkeep
from coma_xr.store.cache import OFF, ArchiveCache, CacheFolder, MeasurementCache, code_cache, is_written
from coma_xr.store.config import Config
from coma_xr.store.documents import ASKED, EXCLUDED, GZ, SCANS
from coma_xr.store.layout import LOCK, NO_DATES, REMOVED, ExperimentDocument, Layout
from coma_xr.store.locks import Shard, live_runs, lock, own_run, refuse_while_running, run_lock, warn_of_runs
from coma_xr.store.measurements import ArchiveStore, with_id
from coma_xr.store.merging import Differing, Key, MergePlan, add_new, check_beside, plan_merge
from coma_xr.store.snapshot import Snapshot, gone
from coma_xr.store.state import OLD_STATE, STATE, StateDocument
from coma_xr.store.upkeep import Inspection
from coma_xr.text import listing

if TYPE_CHECKING:
    from coma_xr.define.parameters import Past
    from coma_xr.store.measurements import MeasurementStore
    from coma_xr.store.upkeep import Finding
    from coma_xr.values.plain import Tree

# To list more names than this takes more time than to look for the small files.
_MANY_NAMES = 200

# Seconds to wait for a lock that is held for seconds.
_WAIT = 60.0


class ExperimentDirectory:
    """The directory of one experiment.

    Raise ExperimentError when the path is not a directory, the experiment exists or is missing against the mode, it has
    another id, or there are several, and DataFileError when the experiment file cannot be read.

    >>> place = ExperimentDirectory("pendulum", description="Half a period", config={})
    >>> now = place.look()
    >>> now.active, now.number(), now.next_id()
    (True, 0, 1)
    """

    # The words of the command of the terminal that opened it for a run, which records them.
    command: list[str] | None = None

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
        wanted = layout.Wanted.of(path, mode, id, self.config)
        found = layout.find(wanted)
        if found is not None and mode == "x":
            raise ExperimentError(
                f"{wanted.path} holds an experiment already.", ways=["Pass mode='a' to open it."]
            )
        if found is None:
            if mode == "r":
                raise layout.no_experiment(wanted.path, wanted.config)
            found = layout.create(wanted, {"description": description, "tags": list(tags)})
        self._layout: Layout = found.layout
        self._others = list(found.others)
        self._listing = found.listing
        self._mode = mode
        self.path = self._layout.directory
        # Together these tell whether anything changed; the state of version 1 counts while there is no other.
        self._small_files = {
            "experiment": {self._layout.experiment_name: self._layout.experiment_file},
            "packed": {self._layout.experiment_name + GZ: self._layout.packed_file},
            "state": {name: self._layout.path(name) for name in (STATE, OLD_STATE)},
        }
        self._stamps: dict[str, tuple[int, ...] | None] = {}
        writes = is_written(mode) and not self._others
        self._cache = MeasurementCache(self.path, self.config, writes=writes)
        self._archives = (
            None if self.config.cache_dir == OFF else ArchiveCache(self.path, self.config, writes=writes)
        )
        self._holder: int | None = None
        self._written: set[str] = set()
        self._gathers = False
        # What the directory was like when its ids were last known, and the id after these.
        self._numbered: Any = None
        self._next = 1
        self._index_due = 0.0
        self._late: weakref.finalize[Any, ExperimentDirectory] | None = None
        self._now = self._held = self.last = self._snapshot(ExperimentDocument({}), StateDocument())
        now = self.look()
        if other := self._layout.other_id(now.document.info):
            warn(f"{now.experiment_file} {other}.", DataFileWarning)

    def __repr__(self) -> str:
        return f"ExperimentDirectory({self._now.experiment_file!r})"

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

    def keep_cache_in_memory(self) -> None:
        """Do not write the cache any more; one of many processes must not, since all would do so at the same time."""
        self._cache.keep_in_memory()

    def code_cache(self, *, writes: bool) -> CacheFolder | None:
        """Return the cache of what was found out about sources; None where no sources are to be stored."""
        if self.config.record_code != "full":
            return None
        return code_cache(self.path, self.config, writes=writes and self._refusal() is None)

    # ----------------------------------------------------------------------------------------- looking

    def look(self, *, listed: bool | None = False) -> Snapshot:
        """Look at the directory, and read again what this or another process changed in experiment file and state.

        With `listed` all names in the directory are taken too: a look at more than a few measurements needs them. With
        None they are taken where they are few, which takes less time there than to look for the small files.
        Within `changing` the look that was taken when it began is returned, with what was changed since.
        """
        if self._holder == threading.get_ident():
            return self._held
        layout = self._layout
        if listed is None:
            listed = self._listing is None or len(self._listing.names) < _MANY_NAMES
        names = self._names() if listed else None
        # Listed before the stamps are taken: where these are of an active experiment, the names are of all its files.
        stamps = self._look_at_stamps(names)
        if stamps != self._stamps:
            if not any(stamps.values()) and not files.is_directory(self.path):
                raise gone(self.path)
            document = self._now.document
            with suppress(FileNotFoundError):
                document = layout.load_experiment(self._archives)
            kept = state.load(layout)
            info = self._complete(document.info, kept)
            self._now = self._snapshot(dataclasses.replace(document, info=info), kept)
            # What the disk does not give out now, it may the next time.
            self._stamps = stamps if kept.refusal is None else {}
        self.last = self._now if names is None else self._with_names(self._now, names)
        return self.last

    def _names(self) -> list[str]:
        """Return all names in the directory; StorageError when it does not exist any more."""
        if self._listing is None or not self._listing.holds():
            try:
                self._listing = layout.Listing(self.path)
            except FileNotFoundError:
                raise gone(self.path) from None
        return self._listing.names

    def _look_at_stamps(self, names: list[str] | None) -> dict[str, tuple[int, ...] | None]:
        """Return what is equal as long as the small files are the same; of two names the first that exists counts."""
        return {
            kind: _first_stamp([path for name, path in paths.items() if names is None or name in names])
            for kind, paths in self._small_files.items()
        }

    def _complete(self, info: dict[str, Any], kept: StateDocument) -> dict[str, Any]:
        """Return the `info` of an experiment file with all entries that it should have."""
        info = {"experiment_id": None, "description": None, "tags": [], **NO_DATES, **info}
        if info["experiment_id"] is None:
            info["experiment_id"] = self._layout.id_in_name(info)
        return info | NO_DATES if kept.reset else info

    def _snapshot(self, document: ExperimentDocument, kept: StateDocument) -> Snapshot:
        floor, layout = kept.measurement_floor, self._layout
        store: MeasurementStore
        if document.active:
            store = layout.store(floor, self._refusal(), self._archive, cache=self._cache)
        else:
            # Where several experiments share a directory, nobody knows whose the measurement files are.
            beside = None if self._others else layout.store(floor)
            path, pieces = layout.file_of(document), document.pieces
            store = ArchiveStore(path, document.measurements, beside, floor=floor, pieces=pieces)
        return Snapshot(layout, document, kept, store, tuple(self._others), self._refusal())

    def _with_names(self, now: Snapshot, names: list[str]) -> Snapshot:
        """Return a snapshot whose measurement files are those with the names that were listed."""
        if not now.active:
            return dataclasses.replace(now, names=names)
        store = self._layout.store(now.kept.measurement_floor, now.refusal, self._archive, names, self._cache)
        return dataclasses.replace(now, names=names, measurements=store)

    def _archive(self) -> MeasurementStore | None:
        """Return the archived measurements, None while the experiment is active."""
        now = self.look()
        return None if now.active else now.measurements

    def _refusal(self) -> StorageError | None:
        if self._mode == "r":
            text = "the experiment was opened with mode='r', to be read only; open it with mode='a'"
        elif self._others:
            text = (
                f"the directory also holds {listing(self._others)}, so its experiments are read-only; "
                "move this experiment file to its own directory"
            )
        else:
            return None
        return StorageError(errno.EROFS, text, self._layout.experiment_file)

    # ------------------------------------------------------------------------------------ small writing

    @contextmanager
    def changing(self, *, repair: bool = True, listed: bool | None = False) -> Iterator[Snapshot]:
        """Hold the lock of the experiment, with what is on the disk read and a cut off reset finished.

        What is changed within, by this thread, is one operation: it looks at the directory once.
        """
        if self._holder == threading.get_ident():
            yield self._held
            return
        refusal = self._refusal()
        if refusal is not None:
            raise refusal
        with lock(self._layout.path(LOCK), wait=_WAIT):
            now = self.look(listed=listed)
            now.kept.check_known()
            if now.kept.damaged and repair:
                self._save_what_is_left(now.kept)
                now = self.look(listed=listed)
            if now.kept.reset is not None:
                upkeep.finish_reset(self._layout, self._whole(now).document, now.kept)
                now = self.look(listed=listed)
            self._held, self._holder, self._written = now, threading.get_ident(), set()
            try:
                yield now
                self._keep_written()
            finally:
                self._holder = None

    def _keep_written(self) -> None:
        """Let the next look not read the state again that was written."""
        if self._written == {"state"}:
            self._stamps = {**self._stamps, "state": _first_stamp(self._small_files["state"].values())}
            self._now = dataclasses.replace(self._held, names=None, measurements=self._now.measurements)

    def _save_what_is_left(self, base: StateDocument) -> None:
        """Write a damaged state again, from what could be read, and keep the damaged file."""
        kept = f"in {REMOVED}"
        if base.damaged == STATE and base.data is not None:
            kept = f"as {removing.keep(self._layout, STATE, base.data)}"
        state.save(self._layout, base, base)
        warn(
            f"{self._layout.path(base.damaged)} was damaged and is written again with the readable parts. The damaged "
            f"file is kept {kept}: definition, annotations, exclusions and the root of seeds can be looked up there.",
            DataFileWarning,
        )

    def save_info(self, **changes: Any) -> None:
        """Change entries of `info`, such as ``description=``, in the experiment file.

        Raise ExperimentError for the id, which belongs to the file's name, and StorageError when nothing may be written.
        """
        with self.changing() as now:
            id = now.info["experiment_id"]
            if changes.pop("experiment_id", id) != id:
                raise ExperimentError("The id of an experiment cannot be changed.", where="experiment_id")
            document = self._whole(now).document
            document = dataclasses.replace(document, info=document.info | changes)
            self._layout.save_experiment(document)
            self._held = self.last = dataclasses.replace(now, document=document)
            self._written.add("experiment")

    def write_index(self, last_id: int | None = None) -> None:
        """Write the index for Coma 2, which counts no measurement above it; without it nothing is lost.

        A `last_id` that is known saves looking for the ids in all names.
        """
        try:
            with self.changing(listed=last_id is None) as now:
                if now.active:
                    last_id = max(now.measurements.ids()[-1:], default=0) if last_id is None else last_id
                    self._layout.raise_index(last_id)
        except (StorageError, ExperimentBusyError) as error:
            if self._refusal() is not None:
                raise
            warn(
                f"The measurements are saved, but their index is not, which only Coma 2 needs: {error.line()}."
            )

    def write_index_soon(self, last_id: int) -> None:
        """Write the index, but not more often than twice a second; the last one is written when the process ends."""
        now = time.monotonic()
        if now >= self._index_due:
            self.write_index(last_id)
            self.note_saved(last_id)
            self._index_due = now + INTERVAL
        elif self._late is None:
            self._late = weakref.finalize(self, _write_late_index, self._layout)

    def write_late_index(self) -> None:
        """Write the index now if it is to be written soon."""
        if self._late is not None:
            self._late()
            self._late = None

    def next_id(self) -> int:
        """Return an id for a measurement that can be added now; the directory is listed again if it has changed."""
        changed = files.changed(self.path)
        if changed and self._numbered == (self._stamps, changed):
            self._now.check_writable()
        else:
            now = self.look(listed=True)
            self.check_writable(now)
            self._next = now.next_id()
        return self._next

    def note_saved(self, id: int) -> None:
        """Take into account that a measurement was added, so that `next_id` does not list the directory for it."""
        self._next = max(self._next, id + 1)
        self._numbered = self._stamps, files.changed(self.path)

    def change_state(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the state, a plain tree: what was defined, annotated, and the like.

        What another process changes at the same time is kept too.

        Raise ExperimentError when ``coma.json`` is a file of another program's.
        """
        with self.changing() as now:
            changed = now.state()
            change(changed)
            if not documents.same(changed, now.state()):
                scans = {name: now.sections[name] for name in (SCANS, ASKED) if name in now.sections}
                self._save_sections(now, changed | scans)

    def save_scan(
        self,
        asked: dict[str, Any] | None = None,
        change_records: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    ) -> None:
        """Record what is asked for, and the structures of all scans, given those that there are; None changes nothing."""
        with self.changing() as now:
            sections = now.sections
            new = {} if asked is None else {ASKED: asked}
            if change_records is not None:
                new[SCANS] = change_records(now.scan_records())
            if any(
                name not in sections or not documents.same(sections[name], tree) for name, tree in new.items()
            ):
                self._save_sections(now, {**sections, **new})

    def _save_sections(self, now: Snapshot, sections: dict[str, Any]) -> None:
        kept = dataclasses.replace(now.kept, sections=sections)
        if not self._gathers:
            kept = state.save(self._layout, kept, now.kept)
        self._held = self.last = dataclasses.replace(now, kept=kept)
        self._written.add("state")

    def _save_together(self, record: Callable[[], None]) -> None:
        """Write the state once, with all that a function changes in it."""
        before, self._gathers = self._held, True
        try:
            record()
        finally:
            self._gathers = False
        if self._held is not before:
            self._save_sections(before, self._held.kept.sections)

    def save_code(self, code: dict[str, Tree]) -> None:
        """Write the records of code states, by the names of their files, that do not exist yet."""
        self.last.check_writable()
        self._layout.save_code(code)

    # ----------------------------------------------------------------------------------------- failures

    def add_failure(self, tree: Tree, id: int, *, sync: bool = False) -> int:
        """Record a failure under an id, or the next free one when it is taken; return the id."""
        self.look().check_writable()
        return create_failure(self._layout, tree, id, sync=sync)

    def remove_failures(self, ids: Iterable[int]) -> None:
        """Delete the records of failures; those that do not exist are skipped."""
        self.look().check_writable()
        for id in ids:
            with suppress(FileNotFoundError):
                files.remove(self._layout.failure_file(id))

    # ---------------------------------------------------------------------------------------------- runs

    def check_writable(self, now: Snapshot | None = None) -> None:
        """Raise InactiveError or StorageError when measurements cannot be added, before anything is computed."""
        (now or self.look()).check_writable()
        try:
            files.probe(self.path)
        except StorageError as error:
            text = f"{error.strerror}; nothing was computed"
            raise StorageError(error.errno, text, error.filename) from error

    @contextmanager
    def running(
        self, shard: Shard | None = None, record: Callable[[], None] | None = None
    ) -> Iterator[Snapshot]:
        """Hold the lock of a run, and record its request; warn when another run works on the experiment.

        Raise ExperimentBusyError when this process runs the experiment already. `check_writable` comes before it.
        """
        with ExitStack() as stack:
            with self.changing(listed=True) as now:
                now.check_writable()
                others = live_runs(self.path, now.names)
                files.remove_leftovers(self.path, [(run.host, run.pid) for run in others], now.names)
                stack.enter_context(run_lock(self.path, shard))
                in_the_way = [run for run in others if shard is None or not shard.apart(run.shard)]
                if in_the_way:
                    warn_of_runs(self.path, in_the_way)
                if record is not None:
                    self._save_together(record)
                recorded = self.look()
            yield recorded

    def saving(
        self, durable: Durable = "auto", now: Snapshot | None = None, *, in_turns: bool = True
    ) -> AbstractContextManager[Saver]:
        """Return a context that gives a `Saver`, which adds measurements and failures."""
        now = now or self.look()
        now.check_writable()
        return saving(now.measurements, self._layout, durable, in_turns=in_turns)

    # ----------------------------------------------------------------------------------------- life cycle

    def deactivate(self, *, compress: bool = False, code: bool = True) -> None:
        """Move all measurements and failures into the experiment file, with a copy of the state and of the code."""
        with self._alone("deactivated", looks=False) as now:
            upkeep.deactivate(self._layout, now.document, now.kept, now.names, compress=compress, code=code)
        self._cache.folder.forget()

    def activate(self) -> None:
        """Write the measurements of the experiment file to files of their own again, under the same ids."""
        with self._alone("activated") as now:
            upkeep.activate(self._layout, now.document, now.kept)
        if self._archives is not None:
            self._archives.folder.forget()

    def reset(self, *, delete: bool = False) -> dict[str, Any]:
        """Move all measurements and failures to ``removed/``, or delete them; return numbers, bytes and folder."""
        with self._alone("reset") as now:
            return upkeep.reset(self._layout, now.document, now.kept, delete=delete)

    def discard_unused(self) -> None:
        """Delete the files of the experiment if nothing was recorded in it since it was created."""
        with self._alone("deleted"):
            files.discard_cache(self.path)
            own = {
                LOCK,
                self._layout.experiment_name,
                *(path.rpartition(os.sep)[2] for path in self._layout.index_files()),
            }
            if not own.issuperset(files.names(self.path)):
                return
            for name in own - {LOCK}:
                files.remove(self._layout.path(name))
        files.remove(self._layout.path(LOCK))

    # ------------------------------------------------------------------------------- single measurements

    def remove(self, ids: Iterable[int], reason: str | None = None) -> str:
        """Move the files of measurements to ``removed/``, from where `restore` puts them back; return the new folder.

        Raise PathError when one of the ids has no measurement, InactiveError when they are archived; nothing was changed.
        """
        wanted = list(ids)
        with self.changing() as now:
            now.check_writable()
            folder = removing.remove(self._layout, wanted, reason, now.marks())
            self.include(wanted)
        return folder.name

    def removed(self) -> Iterator[removing.Removed]:
        """Yield the measurements that `remove` and `reset` took away, the earliest first."""
        return removing.removed(self._layout)

    def restore(
        self, choose: Callable[[list[removing.Removed]], list[removing.Removed]] | None = None
    ) -> dict[int, int]:
        """Put removed measurements back, by default all, with the records of failures of their ids."""
        with self.changing() as now:
            now.check_writable()
            removed = list(self.removed())
            wanted = removed if choose is None else choose(removed)
            newer = replaced([*((one.id, one.tree) for one in wanted), *now.measurements.trees()])
            in_use = {one.id: newer[one.id] for one in wanted if one.id in newer}
            if in_use:
                self._report_replaced(in_use, {one.id for one in wanted}, skip=choose is None)
            wanted = [one for one in wanted if one.id not in newer]
            given = removing.restore(self._layout, wanted, self._mark_again)
            removing.restore_failures(self._layout, None if choose is None else given)
            removing.discard_empty(self._layout)
        return given

    def _report_replaced(self, newer: Mapping[int, int], chosen: Container[int], *, skip: bool) -> None:
        """Report removed measurements that newer ones replace; raise ExperimentError unless they are skipped."""
        (old, new), ids = next(iter(newer.items())), sorted(set(newer.values()))
        some = f"the newer one{'s' * (len(ids) > 1)} first"
        first = Way(
            f"Remove {some}: remove({ids}).",
            f"Remove {some}: `coma-xr remove {self.path} {' '.join(map(str, ids))}`.",
        )
        if skip:
            removed, were, stay = (
                ("measurement", "was", "stays") if len(newer) == 1 else ("measurements", "were", "stay")
            )
            warn(
                f"{len(newer)} removed {removed} of {self.path} {were} replaced and {stay} in removed/: "
                f"{listing((f'{old} by {new}' for old, new in newer.items()), 3)}.",
                way=first,
            )
            return
        both = Way(
            f"Restore one of them: restore([{old}]).",
            f"Restore one of them: `coma-xr restore {self.path} {old}`.",
        )
        raise ExperimentError(
            f"Measurement {old} was replaced by measurement {new}. Nothing was restored.",
            ways=[both if new in chosen else first],
        )

    def _mark_again(self, restored: Mapping[int, removing.Removed]) -> None:
        """Give measurements the marks that they had before they were removed."""
        marks = {str(id): one.folder.marks.get(str(one.id)) for id, one in restored.items()}
        self._add_marks({id: mark for id, mark in marks.items() if mark})

    def empty_removed(self) -> dict[str, Any]:
        """Delete all that was removed; return how many measurements and failures, and how many bytes."""
        with self.changing():
            return removing.discard(self._layout)

    def exclude(self, ids: Iterable[int], reason: str) -> None:
        """Mark measurements as not to be used; they stay where they are.

        Raise PathError when one of the ids has no measurement; nothing was changed.
        """
        self._add_marks(self.look().new_marks(ids, reason))

    def _add_marks(self, marks: Mapping[str, Any]) -> None:
        if marks:
            self.change_state(lambda state: state.update({EXCLUDED: {**state.get(EXCLUDED, {}), **marks}}))

    def include(self, ids: Iterable[int]) -> None:
        """Take the marks of `exclude` away; there need not be any."""
        unmarked, marks = {str(id) for id in ids}, self.look().marks()
        if not unmarked.isdisjoint(marks):
            self.change_state(
                lambda state: state.update(
                    {EXCLUDED: {id: m for id, m in state.get(EXCLUDED, {}).items() if id not in unmarked}}
                )
            )

    def merge(
        self,
        other: ExperimentDirectory,
        key: Key,
        *,
        past: Past | None = None,
        change: Callable[[dict[str, Any]], None] | None = None,
        keep_both: bool = False,
        append: bool = False,
    ) -> tuple[MergePlan, dict[int, int]]:
        """Add the measurements of another experiment under new ids; copies are skipped.

        Measurements are compared with what they count as having by `past`. `change` records what they mean, before the
        first one is added.

        Repeated after it was cut off, it adds what is left.

        Raise ExperimentError when there are conflicts, which the message lists; nothing was changed.
        """
        if other.path == self.path:
            raise ExperimentError(f"{self.path} cannot be merged into itself.", expected="another experiment")
        self.check_writable()
        theirs = other.look(listed=True)
        with self._alone("merged into") as now:
            applied: Callable[[Tree], Tree] = past.applied if past else lambda tree: tree
            own, added = (((id, applied(tree)) for id, tree in look.trees()) for look in (now, theirs))
            plan = plan_merge(own, added, key, append=append)
            if not keep_both:
                mine, others = now.measurements, theirs.measurements
                pairs = [(others.read(a), mine.read(b)) for a, b in (plan.conflicts or plan.ensembles)[:100]]
                plan.check(self.path, other.path, Differing.of((applied(a), applied(b)) for a, b in pairs))
            check_beside(theirs.measurements, plan, theirs.stem)
            if change is not None:
                self.change_state(change)
            given = add_new(
                now.measurements,
                theirs.measurements,
                plan,
                first=now.next_id(),
                format=self.config.format,
                pretty=self.pretty,
                strict=self.strict,
                stem_of=theirs.stem,
            )
            name = self.config.measurements().name
            files.sync_everything(self.path, [name(id) for id in given.values()])
            self._layout.raise_index()
        here = dict(plan.equal) | given
        for id, reason in theirs.excluded().items():
            if here.get(id, 0) not in {0, *self.look().excluded()}:
                self.exclude([here[id]], reason)
        return plan, given

    # -------------------------------------------------------------------------------------------- verify

    def verify(self, *, repair: bool = False) -> list[Finding]:
        """Check every file of the experiment.

        With `repair`, raise ExperimentBusyError while the experiment is being run, StorageError when nothing may be written.
        """
        self.write_late_index()
        first = self._inspect().findings
        if not repair or not any(finding.repair for finding in first):
            return first
        # What moves damaged files away does so with the state too.
        with self._alone("repaired", repair=False):
            self._inspect().repair()
        after = self._inspect().findings
        repaired = [
            dataclasses.replace(finding, done=bool(finding.repair) and finding not in after)
            for finding in first
        ]
        return repaired + [finding for finding in after if finding not in first]

    def _whole(self, now: Snapshot) -> Snapshot:
        """Return a look with all that the experiment file holds, read from there, which is to be written or checked."""
        if now.document.pieces is None:
            return now
        document = dataclasses.replace(self._layout.load_experiment(), info=now.document.info)
        return dataclasses.replace(self._snapshot(document, now.kept), names=now.names)

    def _inspect(self) -> Inspection:
        now = self._whole(self.look())
        unfit = list(now.unfit_marks().values())
        return Inspection(self._layout, now.document, now.kept, alone=not self._others, unfit=unfit)

    @contextmanager
    def _alone(self, what: str, *, repair: bool = True, looks: bool = True) -> Iterator[Snapshot]:
        with self.changing(repair=repair, listed=True) as now:
            refuse_while_running(self.path, what, now.names)
            files.remove_leftovers(self.path, listed=now.names)
            yield self._whole(now)
        if looks:
            self.look()


def _first_stamp(paths: Iterable[str]) -> tuple[int, ...] | None:
    """Return the stamp of the first path that exists, None without any."""
    return next(filter(None, map(files.stamp, paths)), None)


def _write_late_index(layout: Layout) -> None:
    """Write the index of a directory, if it is not written yet and the measurements are still files."""
    with suppress(ComaError, OSError):
        last_id = layout.store().last_id()
        if last_id > layout.load_index():
            # Whoever holds the lock may be this very thread, interrupted by the garbage collector.
            with lock(layout.path(LOCK), wait=0):
                layout.raise_index()


# Saving during a run: what was expensive is synced to disk immediately, what was cheap within a second.

Durable = bool | Literal["auto"]

# Seconds of computing from which a measurement is worth the wait of a sync.
EXPENSIVE = 0.02

# Seconds after which cheap measurements are synced in bulk; with the sync itself they stay below one.
INTERVAL = 0.5


class Saver:
    """Adds measurements and failures to an experiment; made by `saving`.

    What is closed within a second needs no syncing `in_turns`, for which a thread is started.
    """

    def __init__(
        self, store: MeasurementStore, layout: Layout, durable: Durable, *, in_turns: bool = True
    ) -> None:
        self._store = store
        self._layout = layout
        self._durable = durable
        self._in_turns = in_turns
        # Ids, and what gives their names: most systems sync without these.
        self._unsynced: deque[tuple[int, Callable[[int], str]]] = deque()
        self._name_of = layout.config.measurements().name
        self._failure_name_of = layout.config.failures().name
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._run, self._identity = own_run(layout.directory)

    def add(
        self,
        info: Mapping[str, Any],
        rest: bytes,
        *,
        id: int,
        seconds: float,
        beside: Mapping[str, bytes] | None = None,
    ) -> int:
        """Store one measurement and return its id; see `MeasurementStore.add`."""
        # Big files are as dear as long computing.
        sync = self._at_once(seconds) or (bool(beside) and self._durable is not False)
        id = self._store.add(info, rest, id=id, sync=sync, beside=beside)
        if not sync:
            self._later(id, self._name_of)
        return id

    def add_failure(self, tree: Tree, *, id: int, seconds: float) -> int:
        """Record one failure and return its id."""
        sync = self._at_once(seconds)
        id = create_failure(self._layout, tree, id, sync=sync)
        if not sync:
            self._later(id, self._failure_name_of)
        return id

    def _at_once(self, seconds: float) -> bool:
        if self._error is not None:
            # What was to be synced may be lost: nothing is saved any more, also not at a second try.
            raise self._error
        if seconds >= EXPENSIVE:
            self._check_directory()
        return self._durable is True or (self._durable == "auto" and seconds >= EXPENSIVE)

    def _check_directory(self) -> None:
        """Raise StorageError when another directory has taken the place of the experiment's."""
        directory = self._layout.directory
        found = files.identity(directory)
        if self._run is None or found in (None, self._identity) or files.exists(self._run):
            return  # one that is gone is noticed in writing; some file systems change the numbers of what they hold
        reason = (
            "another directory took the place of the experiment's during the run, and nothing is saved there"
        )
        raise StorageError(errno.ESTALE, reason, directory)

    def _later(self, id: int, name_of: Callable[[int], str]) -> None:
        if self._durable is False:
            return
        self._unsynced.append((id, name_of))
        if not self._in_turns:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._sync_in_turns, name="coma_xr sync", daemon=True)
            self._thread.start()
        # While it is set, the thread has yet to look; setting it takes a lock each time.
        if not self._wake.is_set():
            self._wake.set()

    def _sync_in_turns(self) -> None:
        while not self._stop.is_set():
            self._wake.wait()
            self._stop.wait(INTERVAL)
            self._wake.clear()
            try:
                if not self._stop.is_set():
                    self._check_directory()
                self._sync()
            except BaseException as error:  # noqa: BLE001 (raised where the measurements come from)
                self._error = error
                return

    def _sync(self) -> None:
        # More may come in meanwhile; they have their turn next.
        new = [self._unsynced.popleft() for _ in range(len(self._unsynced))]
        if new:
            files.sync_everything(self._layout.directory, (name_of(id) for id, name_of in new))

    def close(self) -> None:
        """Sync what is not yet; StorageError when it, or an earlier sync, could not be done."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error
        self._sync()


@contextmanager
def saving(
    store: MeasurementStore, layout: Layout, durable: Durable, *, in_turns: bool = True
) -> Iterator[Saver]:
    """Yield a Saver; when the block is left, all that it stored is on the disk for good (unless `durable` is False)."""
    saver = Saver(store, layout, durable, in_turns=in_turns)
    with ending(saver.close):
        yield saver


@contextmanager
def ending(close: Callable[[], None]) -> Iterator[None]:
    """Call a function when the block is left; its own error becomes a note of the one that ends the block."""
    try:
        yield
    except BaseException as error:
        try:
            close()
        except ComaError as second:
            if second is not error:
                error.add_note(str(second))
        raise
    close()


def create_failure(layout: Layout, tree: Tree, id: int, *, sync: bool) -> int:
    """Write the record of a failure under an id, the next free one when it is taken; return the id."""
    while True:
        numbered = {**tree, "info": with_id(tree.get("info", {}), id)}
        try:
            files.create(layout.failure_file(id), layout.failure_text(numbered), sync=sync)
            return id
        except FileExistsError:
            id = max([id, *layout.failure_ids()]) + 1

"""The directory of an experiment at one moment; only its measurements and failures are read later."""

from __future__ import annotations

import copy
import errno
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from coma_xr.define.scan_records import Asked
from coma_xr.encoding import json
from coma_xr.errors import DataFileError, DataFileWarning, PathError, StorageError, warn
from coma_xr.store import documents
from coma_xr.store.documents import ASKED, EXCLUDED, OF, REASON, SCANS, warn_of_ids
from coma_xr.store.layout import ExperimentDocument, Layout, failure_id
from coma_xr.store.measurements import inactive
from coma_xr.text import listing, shortened

if TYPE_CHECKING:
    from coma_xr.encoding.columns import Block
    from coma_xr.store.config import Config
    from coma_xr.store.measurements import MeasurementStore
    from coma_xr.store.state import StateDocument
    from coma_xr.values.plain import Tree

# Bytes of a measurement's parameters beyond which a mark has their digest.
_LONG = 1000


@dataclass(frozen=True)
class Snapshot:
    """An experiment as its directory was when it was looked at; what it returns may be shared and is not changed.

    `names` are all names in the directory, if they were asked for.
    """

    layout: Layout
    document: ExperimentDocument
    kept: StateDocument
    measurements: MeasurementStore
    others: tuple[str, ...] = ()
    refusal: StorageError | None = None
    names: list[str] | None = None
    sections: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        copied = self.document.state or {}
        # What is missing in ``coma.json``, which in a shared directory may be another experiment's, is in the copy.
        sections = copied if copied and self.others else {**copied, **self.kept.sections}
        object.__setattr__(self, "sections", sections)

    @property
    def path(self) -> str:
        """The experiment's directory."""
        return self.layout.directory

    @property
    def config(self) -> Config:
        """The configuration."""
        return self.layout.config

    @property
    def experiment_file(self) -> str:
        """The path of the experiment file."""
        return self.layout.file_of(self.document)

    @property
    def active(self) -> bool:
        """Whether measurements are files of their own, and can be added."""
        return self.measurements.active

    @property
    def read_only(self) -> bool:
        """Whether nothing may be written: by the mode, or because several experiments share the directory."""
        return self.refusal is not None

    @property
    def info(self) -> dict[str, Any]:
        """A copy of experiment_id, description, tags, start_date, end_date and what else the file has there."""
        info = copy.deepcopy(self.document.info)
        # The file keeps another id that is in it.
        return {**info, "experiment_id": self.layout.id_in_name(info)}

    def check_writable(self) -> None:
        """Raise StorageError or InactiveError when measurements cannot be added."""
        if self.refusal is not None:
            raise self.refusal
        if not self.active:
            raise inactive(self.experiment_file)
        self.kept.check_known()

    # ------------------------------------------------------------------------------------- measurements

    def trees(
        self, *, strict: bool = False, branches: Collection[str] | None = None
    ) -> Iterator[tuple[int, Tree]]:
        """Return an iterator over id and tree of every measurement that can be read, in the order of the ids.

        With `branches` trees may lack all others, such as results.
        """
        return chain(self.measurements.trees(branches), self._report(strict=strict))

    def parts(self, *, strict: bool = False) -> Iterator[Block | tuple[int, Tree]]:
        """Return an iterator over all that can be read: blocks of columns, and ids with trees, by their (first) ids."""
        return chain(self.measurements.parts(), self._report(strict=strict))

    def _report(self, *, strict: bool) -> Iterator[Any]:
        """Yield nothing; report measurements that could not be read, or have other ids inside."""
        yield from ()
        store = self.measurements
        warn_of_ids(self.path, store.other_ids)
        if store.problems and strict:
            raise store.problems[0]
        if store.problems:
            number = len(store.problems)
            first = listing((problem.line() for problem in store.problems), 3)
            warn(
                f"{number} measurement{'s' * (number > 1)} of {self.path} cannot be read and "
                f"{'were' if number > 1 else 'was'} skipped: {first}.",
                DataFileWarning,
            )

    def stem(self, id: int) -> str:
        """Return the path of a measurement's file without its ending; files next to it are named after it."""
        return self.layout.path(self.config.measurements().stem(id))

    def number(self) -> int:
        """Return the number of measurements; no measurement file is read for it."""
        return len(self.measurements.ids())

    def next_id(self) -> int:
        """Return the id that the next measurement gets: above all ids in the index, of measurements and failures."""
        kept, layout = self.kept, self.layout
        index = 0 if kept.reset is not None else layout.load_index(self.names)
        # Files may still lie next to an archive.
        beside = () if self.active else layout.store(kept.measurement_floor, names=self.names).ids()
        ids: list[int] = [kept.measurement_floor, *self.measurements.ids()[-1:], *beside[-1:]]
        failures: list[int] = [failure_id(tree) for tree in self.document.failures]
        failures += layout.failure_ids(kept.failure_floor, self.names)
        return max(index, *ids, *failures) + 1

    # --------------------------------------------------------------------------------------------- code

    def code(self) -> dict[str, Tree]:
        """Return the records of code states, by the names of their files."""
        return {**self.document.code, **self.layout.load_code()}

    def code_names(self) -> set[str]:
        """Return the names of the records of code states; none of the files is read for it."""
        return {*self.document.code, *self.layout.code_names()}

    # ----------------------------------------------------------------------------------------- failures

    def failures(self) -> list[Tree]:
        """Return the recorded failures, each a tree with ``info/measurement_id``, in the order of the ids.

        A record that cannot be read is skipped with a warning.
        """
        floor = self.kept.failure_floor
        trees = {failure_id(tree): tree for tree in self.document.failures if failure_id(tree) > floor}
        for id in self.layout.failure_ids(floor, self.names):
            try:
                trees[id] = self.layout.load_failure(id)
            except FileNotFoundError:
                pass  # removed since the directory was listed
            except DataFileError as error:
                warn(f"{error.line()}. It is skipped.", DataFileWarning)
        return [trees[id] for id in sorted(trees)]

    def has_failure(self, id: int) -> bool:
        """Whether a failure is recorded under an id; none of their files is read for it."""
        return type(id) is int and id in self._failure_ids()

    def number_of_failures(self) -> int:
        """Return the number of recorded failures; none of their files is read for it."""
        return len(self._failure_ids())

    def _failure_ids(self) -> set[int]:
        floor = self.kept.failure_floor
        ids = {failure_id(tree) for tree in self.document.failures}
        return {id for id in ids if id > floor}.union(self.layout.failure_ids(floor, self.names))

    # -------------------------------------------------------------------------------------------- state

    def state(self) -> dict[str, Any]:
        """Return a copy of the state, other than the scans: what was defined, annotated, excluded and the like."""
        return copy.deepcopy(
            {name: section for name, section in self.sections.items() if name not in (SCANS, ASKED)}
        )

    def changed(self, change: Callable[[dict[str, Any]], None]) -> Snapshot:
        """Return how this will look when a change of the state is written."""
        state = self.state()
        change(state)
        sections = {**self.sections, **state}
        document, kept = replace(self.document, state=sections), replace(self.kept, sections=sections)
        return replace(self, document=document, kept=kept)

    def asked(self) -> Asked | None:
        """Return what the last run was asked for, None without one."""
        return Asked.from_state(self.sections[ASKED]) if ASKED in self.sections else None

    def scan_records(self) -> dict[str, Any]:
        """Return the structures of all scans, by their names."""
        records: dict[str, Any] = self.sections.get(SCANS, {})
        return records

    def marks(self) -> dict[str, Any]:
        """Return the marks of excluded measurements, by their ids as strings."""
        marks: dict[str, Any] = self.sections.get(EXCLUDED, {})
        return marks

    def excluded(self) -> dict[int, str]:
        """Return the reasons of what is excluded, by the ids; a warning names marks that fit no measurement."""
        marks, unfit = self.marks(), self.unfit_marks()
        if unfit:
            warn(f"{self.path}: {'; '.join(unfit.values())}. Nothing is excluded by that.", DataFileWarning)
        return {
            int(id): mark if isinstance(mark, str) else mark[REASON]
            for id, mark in sorted(marks.items(), key=lambda item: int(item[0]))
            if id not in unfit
        }

    def unfit_marks(self) -> dict[str, str]:
        """Return by id the marks that were made on another measurement than the one of this id, each as a sentence."""
        unfit, marks = {}, self.marks()
        known = set(self.measurements.ids()) if marks else ()
        for id, mark in marks.items():
            if isinstance(mark, str) or OF not in mark or int(id) not in known:
                continue  # version 1 noted no more than the id
            with suppress(DataFileError, PathError):
                if not documents.same(_identity(self.measurements.read(int(id))), mark[OF]):
                    unfit[id] = (
                        f"measurement {id} was excluded ({mark[REASON]}) when it had other parameters "
                        f"({shortened(mark[OF])})"
                    )
        return unfit

    def new_marks(self, ids: Iterable[int], reason: str) -> dict[str, Any]:
        """Return the marks that exclude measurements; PathError when one of the ids has none."""
        wanted, known = list(ids), self.measurements.ids()
        unknown = sorted(set(wanted).difference(known))
        if unknown:
            raise PathError(
                f"{self.path} has no measurement {listing(unknown)}. Nothing was excluded.",
                name=str(unknown[0]),
                available=map(str, known),
            )
        return {str(id): {REASON: reason, OF: _identity(self.measurements.read(id))} for id in wanted}


def gone(path: str) -> StorageError:
    """Return the error for a directory that does not exist any more."""
    reason = "the experiment's directory no longer exists; it was moved or deleted, or its disk is missing"
    return StorageError(errno.ENOENT, reason, path)


def _identity(tree: Tree) -> Tree:
    """Return what tells a measurement from another one of the same id: all of it except its results and `info`."""
    kept = {name: child for name, child in sorted(tree.items()) if name not in ("info", "results")}
    if "repeat" in tree.get("info", {}):
        kept["repeat"] = tree["info"]["repeat"]
    return kept if len(json.encode(kept, pretty=False)) <= _LONG else documents.digest(kept)

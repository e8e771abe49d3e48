"""Suite P: what a power cut leaves at any moment of any operation, for any order in which a file system writes."""

from __future__ import annotations

import random
import re
import shutil
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from coma_xr import files
from coma_xr.errors import ComaWarning
from tests.reliability.disk import ROOT, Image, Log, Recorder, guard
from tests.reliability.operations import OPERATIONS, Expected, Operation, everywhere, observed, prepared

pytestmark = [pytest.mark.ci, pytest.mark.leaves_files]

ORDERS = ("ext4", "xfs", "careless")
SEED = 20261130

# First cuts of an operation whose repetition is cut too.
SECOND_IN_CI, SECOND = 3, 40

DATE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z?")


class Bench:
    """Records one operation, and tries what power cuts leave of it."""

    def __init__(self, operation: Operation, path: Path, monkeypatch: Any, deaths: Any) -> None:
        self.operation, self.path = operation, path / "cut"
        self.monkeypatch, self.deaths = monkeypatch, deaths
        base = path / "recorded"
        prepared(operation, base)
        before, saved = observed(base), everywhere(base)
        self.log = self.record(base)
        after = observed(base)
        assert after is not None
        self.expected = Expected(operation, before, after, saved, everywhere(base))

    def record(self, base: Path) -> Log:
        """Do the operation, and return the log of it."""
        self.deaths.reborn()
        recorder = Recorder(base)
        with self.monkeypatch.context() as patch, warnings.catch_warnings():
            warnings.simplefilter("ignore", ComaWarning)
            patch.setattr(files, "os", recorder)
            patch.setattr(files, "shutil", recorder)
            patch.setattr(files, "_rename", recorder.rename_with_condition)
            patch.setattr(files, "_sync_file_system", recorder.sync_file_system)
            self.operation.run(base, recorder.done)
            recorder.done()
        self.deaths.reborn()
        return Log(recorder.start, recorder.events)

    def cuts(self, log: Log, orders: Sequence[str] = ORDERS) -> list[tuple[Image, int, str]]:
        return list(log.cuts(random.Random(SEED), orders).values())

    def check(self, log: Log, image: Image, at: int, acknowledged: frozenset[Any] | None = None) -> None:
        """Check a state of the disk; with `acknowledged`, by an earlier try, it is that of a repetition."""
        image.write(self.path)
        told = log.acknowledged(at)
        self.expected.check(
            self.path,
            {what for what in told if what is not None} | (acknowledged or set()),
            is_done=None in told,
            again=acknowledged is not None,
        )
        self.expected.finish(self.path)

    def second(self, number: int) -> Iterator[tuple[Log, Image, int, frozenset[Any]]]:
        """Yield states after a second cut, which comes in the repetition after one of some first cuts."""
        cuts = self.cuts(self.log)
        for image, at, _ in cuts[:: -(-len(cuts) // number)]:
            base = self.path.with_name("second")
            image.write(base)
            log = self.record(base)
            told = frozenset(what for what in self.log.acknowledged(at) if what is not None)
            for again, then, _ in self.cuts(log, ("careless",)):
                yield log, again, then, told


def shape(image: Image) -> int:
    """Return what is equal for two states of the disk that differ in dates and temporary files at most."""
    return hash(DATE.sub("", repr(image.key())))


@pytest.fixture
def bench(quick_path, monkeypatch, deaths):
    """Returns a Bench for an operation, in an empty directory."""

    def made(operation: Operation) -> Bench:
        shutil.rmtree(quick_path / "bench", ignore_errors=True)
        return Bench(operation, quick_path / "bench", monkeypatch, deaths)

    return made


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_a_power_cut_at_any_moment_loses_nothing(bench, operation, request, report_line, tally):
    it, first, again = bench(operation), tally("power cuts"), tally("second power cuts")
    states = it.cuts(it.log)
    for image, at, _ in states:
        with first:
            it.check(it.log, image, at)
    counts = Counter(order for _, _, order in states)
    report_line(f"power cuts in {operation}: {', '.join(f'{n} as {order}' for order, n in counts.items())}")
    seen = {shape(image) for image, _, _ in states}
    for log, image, at, told in it.second(SECOND if request.config.getoption("--full") else SECOND_IN_CI):
        if (known := shape(image)) not in seen:
            seen.add(known)
            with again:
                it.check(log, image, at, told)


# Each sync of the source, and an operation of which a power cut loses something without it.
NEEDED = {
    "store/documents.create > create: data": "save with files",
    "store/documents.create > create: names": "save with files",
    "store/layout.create > create: data": "create",
    "store/layout.create > make_directory: names": "create",
    "store/layout.save_code > create: data": "run of other code",
    "store/layout.save_code > create: names": "run of other code",
    "store/layout.save_index > replace: data": "remove with files",
    "store/layout.write_experiment > replace: data": "create",
    "store/layout.write_experiment > replace: names": "create",
    "store/layout.write_experiment > sync_directory: names": "activate, compressed",
    "store/measurements.add > create: data": "first run",
    "store/measurements.add > create: names": "first run",
    "store/place._sync > sync_everything: names": "cheap run",
    "store/place.create_failure > create: data": "first run",
    "store/place.merge > sync_everything: names": "merge",
    "store/removing._carry > sync_directory: names": "remove and restore with files",
    "store/removing._let_go > sync_directory: names": "remove with files",
    "store/removing._sync > sync_directory: names": "remove",
    "store/removing.new_folder > create_directory: data": "remove and restore with files",
    "store/removing.new_folder > create_directory: names": "remove",
    "store/state.save > swap: data": "first run",
    "store/state.save > swap: names": "first run",
    "store/upkeep._move_away > sync_everything: names": "reset of an archive",
    "store/upkeep.activate > sync_everything: names": "activate",
    "store/upkeep.deactivate > sync_directory: names": "deactivate",
    "store/upkeep.finish_reset > sync_directory: names": "reset of half an archive, delete",
}

# Syncs without which a power cut loses nothing, with the reason.
EQUIVALENT = {
    "store/layout.create > create: names": "the index, which is written next, syncs the same directory",
    "store/layout.save_code > make_directory: names": "the measurements, which are written next, sync the same directory",
    "store/layout.save_index > replace: names": "what follows in each operation syncs the same directory",
    "store/place.create_failure > create: names": "what ends the run syncs the same directory",
    "store/upkeep._move_away > sync_directory: names": "needed only where the two ends of a move are written apart",
}


def of(name: str) -> Operation:
    return next(operation for operation in OPERATIONS if operation.name == name)


def guards(log: Log) -> set[str]:
    return {guard(event) for event in log.events if event.kind.startswith("sync")}


def without(it: Bench, lost: str) -> Iterator[tuple[Log, Image, int]]:
    """Yield the states that a power cut can leave only if a sync is missing."""
    log = it.log.without({lost})
    known = it.log.cuts(random.Random(SEED), ("careless",))
    for key, (image, at, _) in log.cuts(random.Random(SEED), ("careless",)).items():
        if key not in known or len(log.acknowledged(at)) > len(it.log.acknowledged(known[key][1])):
            yield log, image, at


def is_noticed(it: Bench, lost: str) -> bool:
    """Whether a power cut shows that a sync is missing."""
    for log, image, at in without(it, lost):
        try:
            it.check(log, image, at)
        except Exception:  # noqa: BLE001 (whatever fails shows it)
            return True
    return False


@pytest.mark.parametrize("lost", NEEDED)
def test_without_a_sync_a_power_cut_loses_something(bench, tally, lost):
    it = bench(of(NEEDED[lost]))
    assert lost in guards(it.log)
    with tally("syncs left out"):
        assert is_noticed(it, lost)


def test_no_sync_is_without_a_test_or_a_reason(bench):
    seen = set().union(*(guards(bench(operation).log) for operation in OPERATIONS))
    assert seen == NEEDED.keys() | EQUIVALENT.keys()


NEW, OLD = b"new" * 20, b"old" * 10


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("lost", ["", "data", "names"])
def test_an_exported_file_is_whole_after_a_power_cut(quick_path, monkeypatch, tally, overwrite, lost):
    """Without the sync of the file, or of its directory, it is not."""
    path = quick_path / "table.csv"
    if overwrite:
        path.write_bytes(OLD)
    recorder = Recorder(quick_path)
    with monkeypatch.context() as patch:
        patch.setattr(files, "os", recorder)
        patch.setattr(files, "_rename", recorder.rename_with_condition)
        with files.placing(str(path), overwrite=overwrite) as temporary:
            Path(temporary).write_bytes(NEW)
        recorder.done()
    kept = [
        e
        for e in recorder.events
        if not (e.kind == "sync" and (e.what == ROOT) == (lost == "names") and lost)
    ]
    log = Log(recorder.start, kept)
    before = [OLD] if overwrite else [None]
    held = []
    for image, at, _ in log.cuts(random.Random(SEED), ORDERS).values():
        number = image.names.get((ROOT, path.name))
        content = None if number is None else image.contents[number]
        held.append(content in ([NEW] if log.acknowledged(at) else [*before, NEW]))
    if lost:
        with tally("syncs left out"):
            assert not all(held)
        return
    counted = tally("power cuts")
    for whole in held:
        with counted:
            assert whole

"""A process that dies at any system call of any operation loses nothing, and leaves nothing to be repaired.

Suite K: every operation is killed before, after and (writes) half-way through each of its calls that change
files. Suite K2: what is done next is killed at each of its calls as well.
"""

from __future__ import annotations

import datetime as dt
import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from coma_xr.encoding.formats import FORMATS
from coma_xr.errors import InactiveError
from coma_xr.store import removing
from coma_xr.store.place import ExperimentDirectory

pytestmark = [pytest.mark.ci, pytest.mark.leaves_files]

Visible = tuple[dict[int, Any], list[Any]]
FAILURE = {
    "info": {"date": "2026-11-22T11:02:50Z"},
    "parameters": {"a": 7},
    "exception": {"type": "ValueError"},
}

OTHER_FAILURE = {**FAILURE, "parameters": {"a": 8}}


# Of the experiments that are opened here, and of archives.
CONFIG: dict[str, str] = {}
ARCHIVE: dict[str, bool] = {}


def rest(value: Any) -> bytes:
    return FORMATS[f".{CONFIG.get('archive_default_format', 'json')}"].encode_rest(
        {"results": {"value": value}}
    )


def opened(path: Path, mode: str = "a") -> ExperimentDirectory:
    return ExperimentDirectory(path, config=CONFIG, mode=mode)


@dataclass
class Operation:
    """Something that is done to an experiment.

    `run` does it and notes in `Run` what was acknowledged; repeated, it does what is left. `all_or_nothing`: what
    is visible is that before or that after it; otherwise it is what was acknowledged, and perhaps one more.
    `shows` says what is visible after it: "the same" as before, "more", "fewer", "nothing".
    """

    name: str
    run: Callable[[ExperimentDirectory, Run], None]
    all_or_nothing: bool = True
    needs_active: bool | None = None
    needs_measurements: bool = False
    shows: str = "the same"


@dataclass
class Run:
    """What one run of an operation, with its repetitions, has acknowledged."""

    acknowledged: dict[int, Any] = field(default_factory=dict)
    values: Iterator[int] = field(default_factory=lambda: itertools.count(100))
    in_flight: int = 0


def add(number: int, sync: bool) -> Callable[[ExperimentDirectory, Run], None]:
    def run(place: ExperimentDirectory, run: Run) -> None:
        while len(run.acknowledged) < number:
            run.in_flight = next(run.values)
            id = place.look().measurements.add({}, rest(run.in_flight), id=place.look().next_id(), sync=sync)
            run.acknowledged[id] = run.in_flight

    return run


def a_whole_run(place: ExperimentDirectory, run: Run) -> None:
    with place.running(), place.saving(True) as saver:
        id = place.look().next_id()
        while len(run.acknowledged) < 2:
            run.in_flight = next(run.values)
            used = saver.add({}, rest(run.in_flight), id=id, seconds=1.0)
            run.acknowledged[used] = run.in_flight
            id = used + 1
        place.write_index()


def fail(place: ExperimentDirectory, run: Run) -> None:
    if OTHER_FAILURE["parameters"] not in [failure["parameters"] for failure in place.look().failures()]:
        place.add_failure(OTHER_FAILURE, place.look().next_id(), sync=True)


def forget_failures(place: ExperimentDirectory, run: Run) -> None:
    place.remove_failures([failure["info"]["measurement_id"] for failure in place.look().failures()])


def deactivate(place: ExperimentDirectory, run: Run) -> None:
    try:
        place.deactivate(**ARCHIVE)
    except InactiveError:
        assert not place.look().active


def activate(place: ExperimentDirectory, run: Run) -> None:
    if not place.look().active:
        place.activate()


OPERATIONS = [
    Operation("add one, synced", add(1, True), all_or_nothing=False, needs_active=True, shows="more"),
    Operation("add three, synced", add(3, True), all_or_nothing=False, needs_active=True, shows="more"),
    Operation("add three", add(3, False), all_or_nothing=False, needs_active=True, shows="more"),
    Operation("a whole run", a_whole_run, all_or_nothing=False, needs_active=True, shows="more"),
    Operation("record a failure", fail, needs_active=True, shows="more"),
    Operation("remove failures", forget_failures, needs_active=True, needs_measurements=True, shows="fewer"),
    Operation("deactivate", deactivate, needs_active=True),
    Operation("activate", activate, needs_active=False),
    Operation("reset", lambda place, run: place.reset(), shows="nothing"),
    Operation("reset and delete", lambda place, run: place.reset(delete=True), shows="nothing"),
    Operation("write the index", lambda place, run: place.write_index(), needs_active=True),
    Operation("save the info", lambda place, run: place.save_info(description="other")),
    Operation(
        "save the state",
        lambda place, run: place.change_state(
            lambda state: state.update({"definition": [["a", "parameters/a"]], "more": 1})
        ),
    ),
    Operation(
        "save the scan",
        lambda place, run: place.save_scan({"parameters": [["a", "parameters/a"]], "sets": []}),
    ),
]


@dataclass
class Case:
    """An operation and what there is when it starts: so many measurements, and a failure if there are any."""

    operation: Operation
    number: int
    active: bool

    def __str__(self) -> str:
        return f"{self.operation.name}, {self.number} {'active' if self.active else 'inactive'}"


CASES = [
    Case(operation, number, active)
    for operation in OPERATIONS
    for number in (0, 1, 3)
    for active in (True, False)
    if operation.needs_active in (None, active) and (number or not operation.needs_measurements)
]


def prepared(path: Path, number: int, active: bool) -> None:
    place = opened(path)
    for value in range(number):
        place.look().measurements.add({}, rest(value), id=place.look().next_id())
    if number:
        place.add_failure(FAILURE, place.look().next_id())
    place.change_state(lambda state: state.update({"definition": [["a", "parameters/a"]]}))
    place.write_index()
    if not active:
        place.deactivate(**ARCHIVE)


def visible(place: ExperimentDirectory) -> Visible:
    """Return all that an experiment shows; whatever is there is whole."""
    found = dict(place.look().measurements.trees())
    assert not place.look().measurements.problems
    assert place.look().number() == len(found)
    assert place.look().state()["definition"] == [["a", "parameters/a"]]
    assert place.look().info["description"] in (None, "other")
    return {id: tree["results"]["value"] for id, tree in found.items()}, place.look().failures()


def change(before: Visible, after: Visible) -> str:
    if before == after:
        return "the same"
    if not any(after):
        return "nothing"
    return "more" if len(after[0]) + len(after[1]) > len(before[0]) + len(before[1]) else "fewer"


def snapshot(path: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in path.rglob("*") if file.is_file()}


class Bench:
    """Kills one operation in copies of one experiment."""

    def __init__(self, path: Path, deaths: Any, case: Case) -> None:
        self.deaths, self.operation = deaths, case.operation
        self.original, self.second = path / "original", path / "second"
        prepared(self.original, case.number, case.active)
        self.before = visible(opened(self.original))
        done = shutil.copytree(self.original, path / "done")
        deaths.run(lambda: self.operation.run(opened(done), Run()))
        self.after = visible(opened(done))
        nothing_to_lose = case.operation.shows == "nothing" and not any(self.before)
        assert change(self.before, self.after) == ("the same" if nothing_to_lose else case.operation.shows)

    def killed(self, path: Path, values: int) -> Iterator[tuple[Path, str, Run]]:
        """Kill the operation at each point in a fresh copy of an experiment, and yield each state."""
        copy = path.with_name(f"{path.name}-killed")

        def attempt(at: int, how: str) -> tuple[Any, Run]:
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(path, copy)
            run = Run(values=itertools.count(values))
            return self.deaths.run(lambda: self.operation.run(opened(copy), run), at, how), run

        calls = attempt(0, "")[0].log
        # After a kill behind the last call that matters, the repetition finds nothing to do.
        assert calls or path == self.second
        for at, call in enumerate(calls, 1):
            for how in ("before", "after", "half") if call == "write" else ("before", "after"):
                dying, run = attempt(at, how)
                assert dying.dead
                yield copy, how if at > 1 else "", run

    def check(self, path: Path, kept: dict[int, Any], run: Run) -> None:
        """Check that what a dead process left is all there, as it was; reading changes nothing."""
        left = snapshot(path)
        measurements, failures = visible(opened(path, "r"))
        assert snapshot(path) == left
        if self.operation.all_or_nothing:
            assert (measurements, failures) in (self.before, self.after)
            return
        more = {id: value for id, value in measurements.items() if id not in kept}
        assert {id: measurements[id] for id in kept} == kept
        assert list(more.values()) in ([], [run.in_flight])
        assert failures == self.before[1]

    def finish(self, path: Path, kept: dict[int, Any], run: Run) -> None:
        """Repeat what was cut off, then go on working; nothing is in the way."""
        self.deaths.run(lambda: self.finish_at_leisure(path, kept, run))

    def finish_at_leisure(self, path: Path, kept: dict[int, Any], run: Run) -> None:
        found = visible(opened(path))[0]
        run.acknowledged |= {id: value for id, value in found.items() if id not in kept}
        self.operation.run(opened(path), run)
        place = opened(path)
        measurements, failures = visible(place)
        if self.operation.all_or_nothing:
            assert (measurements, failures) == self.after
        else:
            assert (measurements, failures) == (kept | run.acknowledged, self.before[1])
        if not place.look().active:
            place.activate()
        with place.running():
            id = place.look().measurements.add({}, rest("fresh"), id=place.look().next_id(), sync=False)
        assert id not in measurements
        assert visible(opened(path))[0] == measurements | {id: "fresh"}
        assert not list(path.glob(".coma-tmp-*"))


# Of the operations in the other ways to lie on the disk: those whose files differ, in one start each.
SAMPLE = [
    case
    for case in CASES
    if case.number == 1
    and case.operation.name
    in {
        *("add one, synced", "deactivate", "activate", "reset", "reset and delete", "write the index"),
        "save the info",
    }
]


@pytest.fixture(autouse=True)
def standing_clock(monkeypatch):
    """The names of folders in removed/, and thereby the calls, do not depend on how long a test takes."""
    now = dt.datetime.now(dt.UTC)
    standing = SimpleNamespace(UTC=dt.UTC, datetime=SimpleNamespace(now=lambda _: now))
    monkeypatch.setattr(removing, "dt", standing)


@pytest.mark.parametrize("format", ["json", "xml"])
@pytest.mark.parametrize("compress", [False, True])
def test_a_kill_at_any_call_loses_nothing(
    quick_path, deaths, subtests, request, tally, monkeypatch, format, compress
):
    monkeypatch.setitem(CONFIG, "archive_default_format", format)
    monkeypatch.setitem(ARCHIVE, "compress", compress)
    full = request.config.getoption("--full") or (format, compress) == ("json", False)
    cases, counted = CASES if full else SAMPLE, tally("kill points")
    for case in cases:
        with subtests.test(case=str(case)):
            bench = Bench(quick_path / str(case), deaths, case)
            for path, _, run in bench.killed(bench.original, 100):
                kept = bench.before[0] | run.acknowledged
                with counted:
                    bench.check(path, kept, run)
                    bench.finish(path, kept, run)


# It kills some 10,000 times, which takes minutes next to other work.
@pytest.mark.timeout(900)
def test_a_second_kill_during_the_repetition_loses_nothing(quick_path, deaths, subtests, request, tally):
    full = request.config.getoption("--full")
    cases = [case for case in CASES if full or (case.number == 1 and "three" not in case.operation.name)]
    counted = tally("second kills")
    for case in cases:
        with subtests.test(case=str(case)):
            bench = Bench(quick_path / str(case), deaths, case)
            for killed, how, first in bench.killed(bench.original, 100):
                # What lies on the disk before a call is what lay there after the one before it.
                if how == "before":
                    continue
                shutil.rmtree(bench.second, ignore_errors=True)
                shutil.copytree(killed, bench.second)
                survivors = visible(opened(bench.second, "r"))[0]
                assert survivors.items() >= first.acknowledged.items() or bench.operation.all_or_nothing
                for path, then, second in bench.killed(bench.second, 200):
                    if then == "before":
                        continue
                    kept = survivors | second.acknowledged
                    with counted:
                        bench.check(path, kept, second)
                        bench.finish(path, kept, second)


def test_creating_an_experiment_can_be_killed(quick_path, deaths, tally):
    path = quick_path / "new"
    calls = deaths.run(lambda: ExperimentDirectory(path, config={}, description="d")).log
    assert calls[0] == "makedirs"
    counted = tally("kill points")
    for at, call in enumerate(calls, 1):
        for how in ("before", "after", "half") if call == "write" else ("before", "after"):
            shutil.rmtree(path, ignore_errors=True)
            dying = deaths.run(lambda: ExperimentDirectory(path, config={}, description="d"), at, how)
            assert dying.dead
            with counted:
                place = ExperimentDirectory(path, config={}, description="d")
                assert place.look().info["description"] == "d"
                assert place.look().measurements.add({}, rest(1), id=place.look().next_id()) == 1

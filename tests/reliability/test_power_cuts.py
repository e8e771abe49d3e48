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
from tests.reliability.disk import Image, Log, Recorder
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

"""Suite C: Ctrl-C in any line of an operation; nothing is lost, and the same process goes on at once."""

from __future__ import annotations

import shutil
import signal
import sys
import warnings
from contextlib import suppress
from contextvars import copy_context
from pathlib import Path
from types import FrameType
from typing import Any, Self

import pytest

import coma_xr
from coma_xr.errors import ComaWarning
from coma_xr.store import layout, place
from tests.reliability.operations import OPERATIONS, Expected, everywhere, observed, prepared

pytestmark = [pytest.mark.ci, pytest.mark.leaves_files]

OURS = str(Path(coma_xr.__file__).parent)

# So many lines of each operation, spread over all that it goes through.
LINES, LINES_IN_FULL = 12, 150


class Interrupt:
    """Traces what is called within it, and presses Ctrl-C at one line of coma_xr."""

    def __init__(self, at: int, function: str | None = None) -> None:
        self.at, self.count, self.where = at, 0, ""
        # By default any one.
        self.function = function

    def __enter__(self) -> Self:
        self.before = sys.gettrace()
        sys.settrace(self.trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self.before)

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(OURS):
            return None
        if event == "line" and self.function in (None, frame.f_code.co_name):
            self.count += 1
            if self.count == self.at:
                self.where = f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"
                # The second one is for a run, which the first one asks to end.
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)
        return self.trace


class Interrupted:
    """An operation that is interrupted in copies of what it starts from."""

    def __init__(self, operation: Any, path: Path, deaths: Any) -> None:
        self.operation, self.deaths = operation, deaths
        self.original, self.copy = path / "original", path / "copy"
        prepared(operation, self.original)
        before, saved = observed(self.original), everywhere(self.original)
        self.attempt(0)
        self.lines = self.attempt(0)[0].count
        after = observed(self.copy)
        assert after is not None
        self.expected = Expected(operation, before, after, saved, everywhere(self.copy))

    def attempt(self, at: int) -> tuple[Interrupt, set[Any]]:
        shutil.rmtree(self.copy, ignore_errors=True)
        shutil.copytree(self.original, self.copy)
        told = set[Any]()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ComaWarning)
            try:
                with Interrupt(at) as interrupt:
                    # The line that sets a variable of the context back is one, too; a real Ctrl-C comes after it.
                    copy_context().run(self.operation.run, self.copy, told.add)
            except KeyboardInterrupt:
                pass
        self.deaths.reborn()
        return interrupt, told

    def check(self, at: int) -> None:
        interrupt, told = self.attempt(at)
        try:
            self.expected.check(self.copy, told, is_done=False, again=True)
            self.expected.finish(self.copy)
        except Exception as error:
            error.add_note(f"line {at} of {self.lines}, {interrupt.where}")
            raise


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_an_interrupt_in_any_line_loses_nothing(quick_path, monkeypatch, deaths, operation, request, tally):
    monkeypatch.setattr(place, "_WAIT", 0.05)
    monkeypatch.setattr(layout, "_WAIT", 0.05)
    it, counted = Interrupted(operation, quick_path, deaths), tally("interrupts")
    many = LINES_IN_FULL if request.config.getoption("--full") else LINES
    for number in range(many):
        with counted:
            it.check(1 + number * it.lines // many)


@pytest.mark.timeout(60)
def test_an_interrupt_in_any_line_that_locks_a_run_leaves_no_lock(quick_path):
    e, interrupt, lines = coma_xr.Experiment(quick_path / "e"), Interrupt(0, "run_lock"), []

    def function(a):
        lines.append(interrupt.count)
        return {"y": a}

    with interrupt:
        e.run(function, {"a": [0]}, progress=False)
    assert lines[0] > 8
    for at in range(1, lines[0] + 1):
        with suppress(KeyboardInterrupt), Interrupt(at, "run_lock"):
            e.run(function, {"a": [at]}, progress=False)
        assert e.run(function, {"a": [at]}, progress=False).saved == 1

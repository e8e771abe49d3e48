"""``coma-xr status`` and ``watch``: how far an experiment is, and whoever runs it."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from coma_xr.terminal.finding import opened
from coma_xr.terminal.text import fitting, number_of, print_json
from coma_xr.text import clean, time_text

if TYPE_CHECKING:
    from coma_xr.experiment import Experiment
    from coma_xr.store.locks import LiveRun

__all__ = ["status", "watch"]


def status(path: str, *, as_json: bool) -> None:
    """Print how many measurements, failures and missing parameter sets there are, and who is running it."""
    experiment = opened(path)
    found = experiment.status()
    if as_json:
        print_json({**found, "runs": [_tree(run) for run in found["runs"]]})
        return
    print(_counts(found))
    for run in found["runs"]:
        print(_line(run))


def _counts(found: dict[str, Any]) -> str:
    done = number_of(found["measurements"], "measurement")
    both = " (what failed is missing too)" if found["failed"] and found["missing"] else ""
    return f"{done}, {found['failed']} failed, {found['missing']} missing{both}"


def _tree(run: LiveRun) -> dict[str, Any]:
    names = ("host", "pid", "since", "alive", "certain", "silence", "todo", "done", "failed", "rate", "left")
    return {name: getattr(run, name) for name in names}


def _line(run: LiveRun) -> str:
    word = "running" if run.alive else "perhaps running"
    return f"{word}: {_progress([run])} ({clean(run)}{_doubt(run)})"


def _doubt(run: LiveRun) -> str:
    if run.certain:
        return ""
    return (
        f"; last heard of {time_text(run.silence)} ago, its lock cannot be seen from this machine"
        + "; it may be dead" * (not run.alive)
    )


def _progress(runs: Sequence[LiveRun]) -> str:
    """Return how far runs are together."""
    known = [run for run in runs if run.todo is not None]
    if not known:
        return "nothing told yet"
    todo, done, failed = (
        sum(getattr(run, name) or 0 for run in known) for name in ("todo", "done", "failed")
    )
    text = f"{done} of {todo} done, {failed} failed"
    rates = [run.rate for run in known if run.rate is not None]
    left = [run.left for run in known]
    if rates:
        text += f", {sum(rates):.3g} a second"
    if None not in left:
        text += f", about {time_text(max(seconds for seconds in left if seconds is not None))} left"
    return text


def watch(path: str, *, interval: float) -> None:
    """Print how far the runs of an experiment are, again and again, until there is none; Ctrl-C ends it sooner."""
    experiment = opened(path)
    try:
        _follow(experiment, interval)
    except KeyboardInterrupt:
        # It is looking on that was interrupted, not the run.
        print()


def _follow(experiment: Experiment, interval: float) -> None:
    line = _Line()
    seen = False
    while runs := [run for run in experiment.runs() if run.alive]:
        seen = True
        several = f"{len(runs)} runs: " if len(runs) > 1 else ""
        line.show(f"{several}{_progress(runs)}")
        time.sleep(interval)
    line.end()
    print("The run has ended:" if seen else "Nobody is running it:", _counts(experiment.status()))


class _Line:
    """A line that changes in a terminal; elsewhere a line whenever there is something new."""

    def __init__(self) -> None:
        self._last = ""
        self._terminal = sys.stdout.isatty()

    def show(self, text: str) -> None:
        if self._terminal:
            # One that the terminal breaks in two could not be written over.
            text = fitting(text)
            print(f"\r{text.ljust(len(self._last))}", end="", flush=True)
        elif text != self._last:
            print(text, flush=True)
        self._last = text

    def end(self) -> None:
        if self._terminal and self._last:
            print()

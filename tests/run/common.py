"""What the tests of running share."""

from __future__ import annotations

import signal
import warnings

from coma_xr.define.scans import grid
from coma_xr.errors import ComaWarning
from coma_xr.run.options import RunOptions
from coma_xr.run.plan import plan
from coma_xr.run.runner import run_plan
from coma_xr.run.worker import prepare


class Kept:
    """Takes what a run gives, as an experiment would."""

    def __init__(self, first=1):
        self.first = first
        self.saved, self.failed = {}, {}

    def save(self, outcome):
        number = self.first + outcome.task.position
        assert number not in self.saved, "saved twice"
        self.saved[number] = outcome
        return number

    def record_failure(self, outcome):
        number = self.first + outcome.task.position
        assert number not in self.failed, "recorded twice"
        self.failed[number] = outcome
        return number

    def values(self):
        "What was saved, by the value of the only parameter, in the order of the ids."
        return [self.saved[number].task.values[0] for number in sorted(self.saved)]

    def statuses(self):
        "For each failure, by the value of the parameter, its status and exception."
        return {
            outcome.task.values[0]: (outcome.failure["info"]["status"], outcome.failure["exception"]["type"])
            for outcome in self.failed.values()
        }


def run(function, values, kept, *, planned=None, seed=None, **more):
    """Run a function of `a` over values (a number: a range)."""
    scan = grid(a=range(values) if isinstance(values, int) else values)
    planned = plan(scan.rows()) if planned is None else planned
    work = prepare(function, scan.definition, "keywords", seed=seed)
    extra = {name: more.pop(name) for name in ("ever_succeeded", "versions", "tell") if name in more}
    options = RunOptions(**{"progress": False, **more})
    return run_plan(work, planned, options, save=kept.save, record_failure=kept.record_failure, **extra)


def quietly(function, *args, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ComaWarning)
        return function(*args, **more)


def interrupt_at(kept, number):
    """Let Ctrl-C come when so many are saved and the next one is about to be."""
    save = kept.save

    def interrupted(outcome):
        if len(kept.saved) == number:
            signal.raise_signal(signal.SIGINT)
        return save(outcome)

    kept.save = interrupted


def accounted_for(report, kept, number):
    """Check that every parameter set is saved, failed or not run."""
    assert report.saved == len(kept.saved)
    assert report.failed == len(kept.failed)
    assert report.saved + report.failed + report.not_run == report.asked == number
    assert not set(kept.saved) & set(kept.failed)

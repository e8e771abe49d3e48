"""All parameter sets of a plan: run one by one, each saved as soon as it is there."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Literal, get_args

from coma_xr.errors import ParameterError, RunError, StorageError, warn
from coma_xr.run.interrupts import Interrupts
from coma_xr.run.progress import Progress
from coma_xr.run.report import RunReport, failure_text
from coma_xr.run.worker import Outcome, Work, call

if TYPE_CHECKING:
    from coma_xr.run.plan import Plan, Task
    from coma_xr.trees.plain import Tree

__all__ = ["Keep", "OnError", "run_serially"]

OnError = Literal["auto", "continue", "stop"]

# Writes what came of one parameter set; returns the id under which it did.
Keep = Callable[[Outcome], int]

# So many failures, all alike, before the first success end a run.
_HOPELESS = 10


def run_serially(
    work: Work,
    plan: Plan,
    *,
    save: Keep,
    record_failure: Keep,
    on_error: OnError = "auto",
    ever_succeeded: bool = False,
    progress: bool | None = None,
) -> RunReport:
    """Run parameter sets one after the other in this process.

    Parameters
    ----------
    work : Work
        What to do for each; from `coma_xr.run.worker.prepare`.
    plan : Plan
        For which; from `coma_xr.run.plan.plan`.
    save : function
        Called with each `Outcome` that has a result, at once; returns the id of the measurement.
    record_failure : function
        The same for those that have a failure.
    on_error : {"auto", "continue", "stop"}, default "auto"
        "stop" ends at the first failure. "auto" ends when nothing has ever succeeded and ten failures are the same
        exception at the same line. "continue" never ends early.
    ever_succeeded : bool, default False
        Whether the experiment has any measurement.
    progress : bool or None, default None
        As `show` of `coma_xr.run.progress.Progress`.

    Returns
    -------
    RunReport
        One ComaWarning says it when sets failed.

    Raises
    ------
    RunError
        At the first failure with ``on_error="stop"``, from its cause; has a `report`.
    KeyboardInterrupt
        After Ctrl-C; has a `report`. At the first Ctrl-C the running set is finished and kept, at the second it is
        dropped.
    StorageError
        When a result cannot be written, also at a second try. Has the `Outcome` in the list `unsaved`, and a
        `report`.
    """
    if on_error not in get_args(OnError):
        raise ParameterError(f"on_error is 'auto', 'continue' or 'stop', not {on_error!r}.")
    with Progress(len(plan.todo), progress) as bar:
        course = _Course(plan, bar, save, record_failure, on_error)
        course.hopeful = ever_succeeded
        interrupts = Interrupts(course.tell_interruption)
        try:
            with interrupts:
                course.follow(_serially(work, plan.todo, interrupts), interrupts)
        except interrupts.through:
            interrupts.asked = True
    report = course.report()
    if interrupts.asked:
        interruption = KeyboardInterrupt(f"{report} Run again to go on.")
        interruption.report = report  # type: ignore[attr-defined]
        raise interruption from None
    if report.failed:
        warn(f"{report.failed_text()} {course.advice()}")
    return report


def _serially(work: Work, todo: Iterable[Task], interrupts: Interrupts) -> Iterator[Outcome]:
    for task in todo:
        if interrupts.asked:
            return
        yield call(work, task, interrupts.through)


class _Course:
    """The course of a run: what was saved, what failed, whether it goes on."""

    def __init__(
        self, plan: Plan, bar: Progress, save: Keep, record_failure: Keep, on_error: OnError
    ) -> None:
        self._plan = plan
        self._bar = bar
        self._save = save
        self._record_failure = record_failure
        self._on_error = on_error
        self._begin = time.perf_counter()
        self._saved = 0
        self._failures: list[Tree] = []
        self._alike: Counter[tuple[str, str]] = Counter()
        self.hopeful = False

    def follow(self, outcomes: Iterable[Outcome], interrupts: Interrupts) -> None:
        for outcome in outcomes:
            if outcome.failure is None:
                self._keep(self._save, outcome)
                self._saved += 1
                self.hopeful = True
            elif interrupts.asked:
                # Ctrl-C also reaches programs that the function has started, which then fail.
                return
            else:
                self._take_failure(outcome, outcome.failure)
                if self._is_hopeless():
                    return
            self._bar.step(failed=outcome.failure is not None)

    def _take_failure(self, outcome: Outcome, failure: Tree) -> None:
        number = self._keep(self._record_failure, outcome)
        self._failures.append({**failure, "info": {"measurement_id": number, **failure["info"]}})
        text = failure_text(failure)
        self._bar.warn(text)
        exception = failure["exception"]
        self._alike[exception["type"], exception["line"]] += 1
        if self._on_error == "stop":
            error = RunError(f"{text}. {self._saved} of {self._plan.asked} were saved.", self._failures)
            error.report = self.report()  # type: ignore[attr-defined]
            raise error from outcome.error

    def _is_hopeless(self) -> bool:
        return self._on_error == "auto" and not self.hopeful and max(self._alike.values()) >= _HOPELESS

    def _keep(self, keep: Keep, outcome: Outcome) -> int:
        try:
            return keep(outcome)
        except StorageError:
            # What was computed is worth another try; the first may have made room.
            pass
        try:
            return keep(outcome)
        except StorageError as error:
            error.unsaved = [outcome]  # type: ignore[attr-defined]
            error.report = self.report()  # type: ignore[attr-defined]
            error.add_note(
                f"{self._saved} of {self._plan.asked} parameter sets are saved; the outcome of the one after them "
                "is in the list `unsaved` of this error. Run again when there is room."
            )
            raise

    def tell_interruption(self) -> None:
        self._bar.say(
            f"Ctrl-C: {self._saved} of {self._plan.asked} parameter sets were saved. The running one is finished and "
            "kept; Ctrl-C again stops at once."
        )

    def advice(self) -> str:
        more = "failures() tells them in full; the next run tries them again."
        if self._is_hopeless():
            return f"The run was ended since all was alike and nothing has ever succeeded; on_error='continue' goes on. {more}"
        return more

    def report(self) -> RunReport:
        plan = self._plan
        return RunReport(
            self._saved,
            plan.asked,
            skipped=plan.skipped,
            failed=len(self._failures),
            left=plan.left,
            duplicates=plan.duplicates,
            not_run=len(plan.todo) - self._saved - len(self._failures),
            duration=time.perf_counter() - self._begin,
            failures=self._failures,
        )

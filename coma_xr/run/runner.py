"""All parameter sets of a plan: run here or by workers, each saved as soon as it is available."""

from __future__ import annotations

import logging
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Generator, Hashable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, Self, cast

from coma_xr.errors import ComaError, RunError, StorageError, Way, warn
from coma_xr.run.plan import Durations, Outlook, Versions
from coma_xr.run.report import RunReport, failure_text, next_step
from coma_xr.run.schedule import Health, Interrupts, Queue, TimeLimit
from coma_xr.run.worker import PARTIAL, Outcome, Work, call
from coma_xr.text import clean_lines, count, progress_text

if TYPE_CHECKING:
    from coma_xr.run.options import RunOptions
    from coma_xr.run.plan import Plan, Survey
    from coma_xr.run.pools import Pool
    from coma_xr.values.plain import Tree


logger = logging.getLogger("coma_xr")
# Without it Python prints warnings of a library on stderr when nobody asked for a log.
logger.addHandler(logging.NullHandler())

# Seconds: a run that is over sooner shows no bar; the time between two lines in the log.
_PATIENCE = 0.5
_INTERVAL = 5.0
_LINES = 50

# Seconds at least between two words to other processes.
_BETWEEN = 1.0

# Of hundreds of failures nobody reads the lines.
_MOST_LINES = 20
_MOST_ALIKE = 5

_BAR = "{percentage:3.0f}%|{bar:10}| {line}"

_LATER = "The summary counts all of them."

# Tells other processes how far a run is: todo, done, failed, seconds.
Tell = Callable[[Mapping[str, float]], None]


class Progress:
    """Counts parameter sets that are done, and shows it while it is entered."""

    def __init__(
        self,
        total: int,
        show: bool | None = None,
        tell: Tell | None = None,
        left: Callable[[float], float | None] | None = None,
        workers: int | None = None,
    ) -> None:
        self.done = self.failed = self._warned = 0
        self.has_hidden = False
        self._total = total
        self._tell = tell
        self._alike: Counter[Hashable] = Counter()
        self._left = left
        self._workers = workers
        self._bar: Any = None
        self._timer: threading.Timer | None = None
        self._notebook = type(sys.stderr).__module__.startswith("ipykernel")
        self._shown = total > 0 and (_is_watched(self._notebook) if show is None else show)
        self._logged = show is None and not self._shown
        self._begin = self._last = self._told = time.monotonic()

    def __enter__(self) -> Self:
        self._tell_others(self._begin)
        if self._shown and self._notebook:
            # A notebook knows where to show things only in its own thread.
            self._open()
        elif self._shown:
            # By a timer, not at the first set that is done: that one may take hours.
            self._timer = threading.Timer(_PATIENCE, self._open)
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
        if self._bar is not None:
            self._bar.close()

    def _open(self) -> None:
        with warnings.catch_warnings():
            # In a notebook without ipywidgets the bar is made of text, which is not a reason for a warning.
            warnings.simplefilter("ignore")
            import tqdm

            if self._notebook:
                import tqdm.auto
        kind: Any = tqdm.auto.tqdm if self._notebook else tqdm.tqdm
        # The thread with which tqdm looks after bars whose steps it counts in dozens would outlive the run.
        kind = type(
            "Bar", (kind,), {"monitor_interval": 0, "format_dict": property(partial(self._fields, kind))}
        )
        bar = kind(total=self._total, miniters=1, bar_format=_BAR)
        # It came late, but the time counts from the start.
        bar.start_t = bar.last_print_t = bar.start_t - (time.monotonic() - self._begin)
        bar.update(self.done)
        self._bar = bar

    def step(self, *, failed: bool = False) -> None:
        """Count one more parameter set as done."""
        self.done += 1
        self.failed += failed
        if self._bar is not None:
            self._bar.update(self.done - self._bar.n)
        now = time.monotonic()
        # Of a night's run nobody reads thousands of lines.
        if self._logged and now - self._last > max(_INTERVAL, (now - self._begin) / _LINES):
            self._last = now
            self._note(self._line(now - self._begin))
        if now - self._told > _BETWEEN:
            self._tell_others(now)

    def take_back(self, failures: int) -> None:
        """Count failures as not done, since others will try them."""
        self.done -= failures
        self.failed -= failures

    def _tell_others(self, now: float) -> None:
        self._told = now
        if self._tell is None:
            return
        counts = {"todo": self._total, "done": self.done, "failed": self.failed}
        counts |= {} if self._workers is None else {"workers": self._workers}
        try:
            self._tell({**counts, "seconds": round(now - self._begin, 3)})
        except StorageError as error:
            # Nobody's work is to end because others cannot look on.
            logger.debug("could not report the progress of the run: %s", error)

    def _line(self, seconds: float) -> str:
        rate = self.done / max(seconds, 1e-9)
        left = self._seconds_left(seconds) if self.done < self._total else None
        return progress_text(self._total, self.done, self.failed, rate, left)

    def _seconds_left(self, seconds: float) -> float | None:
        left = None if self._left is None else self._left(seconds)
        if left is None and self.done:
            left = seconds / self.done * (self._total - self.done)
        return left

    def _fields(self, kind: Any, bar: Any) -> dict[str, Any]:
        """Return the fields of the bar, with the line next to it."""
        return {**kind.format_dict.fget(bar), "line": self._line(time.monotonic() - self._begin)}

    def _note(self, text: str) -> None:
        """Write a line to the log, and to stderr where no log is kept."""
        logger.info("%s", text)
        if not _log_is_kept():
            self.say(text)

    def say(self, text: str) -> None:
        """Write a line to stderr, next to the bar."""
        try:
            if self._bar is not None:
                self._bar.write(text, file=sys.stderr)
            elif sys.stderr is not None:
                sys.stderr.write(f"{text}\n")
                sys.stderr.flush()
        except (OSError, ValueError, RuntimeError):
            # A closed stderr, or a signal in the middle of another line: no reason to end a run.
            logger.debug("could not write to stderr: %s", text)

    def warn(self, text: str, kind: Hashable = None) -> None:
        """Write a line to the log and to stderr; there only the first ones, of each kind and in all."""
        logger.warning("%s", text)
        if _log_is_on_terminal():
            return
        self._alike[kind] += 1
        if kind is not None and self._alike[kind] > _MOST_ALIKE:
            self.has_hidden = True
            if self._alike[kind] == _MOST_ALIKE + 1:
                self.say(f"Further failures of this kind are not printed. {_LATER}")
            return
        self._warned += 1
        if self._warned <= _MOST_LINES:
            self.say(text)
        elif self._warned == _MOST_LINES + 1:
            self.has_hidden = True
            self.say(f"Further failures are not printed. {_LATER}")


def _is_watched(notebook: bool) -> bool:
    try:
        return notebook or (sys.stderr is not None and sys.stderr.isatty())
    except ValueError:
        return False


def _log_is_kept() -> bool:
    """Whether what goes to the log at the level INFO is kept by anybody."""
    if not logger.isEnabledFor(logging.INFO):
        return False
    kept, one = [*logger.handlers], logger
    while one.propagate and one.parent is not None:
        one = one.parent
        kept += one.handlers
    return any(handler.level <= logging.INFO and type(handler) is not logging.NullHandler for handler in kept)


def _log_is_on_terminal() -> bool:
    at: logging.Logger | None = logger
    while at is not None:
        for handler in at.handlers:
            stream = getattr(handler, "stream", None)
            if stream is not None and stream in {sys.stderr, sys.__stderr__, sys.stdout, sys.__stdout__}:
                return logger.isEnabledFor(logging.WARNING) and handler.level <= logging.WARNING
        at = at.parent if at.propagate else None
    return False


# Writes what came of one parameter set; returns the id under which it did.
Keep = Callable[[Outcome], int]

# So many failures, all alike, before the first success end a run; or two for each worker.
_HOPELESS = 10


def run_plan(
    work: Work,
    plan: Plan,
    options: RunOptions,
    *,
    save: Keep,
    record_failure: Keep,
    ever_succeeded: bool = False,
    versions: Versions | None = None,
    durations: Durations | None = None,
    tell: Tell | None = None,
) -> RunReport:
    """Run parameter sets, in this process one after the other or by workers.

    Raises
    ------
    RunError
        At the first failure with ``on_error="stop"``, from its cause; and when workers cannot be started or the
        executor fails. Has a `report`.
    KeyboardInterrupt
        After Ctrl-C; has a `report`. At the first Ctrl-C what is running is finished and kept, at the second it
        is dropped.
    StorageError
        When a result cannot be written, also at a second try. Has the `Outcome` in the list `unsaved`, with others
        that were computed by then, and a `report`.
    """
    pool = pool_of(work, len(plan.todo), options)
    workers = 1 if pool is None else pool.size
    todo = [task.values for task in plan.todo]
    outlook = Outlook(durations or Durations(), todo, workers)
    queue = Queue(plan.todo, outlook, TimeLimit(cast("float | None", options.max_time)))
    with Progress(len(plan.todo), options.progress, tell, outlook.left, workers) as bar:
        course = _Course(
            plan, queue, outlook, bar, save, record_failure, options, pool, versions or Versions()
        )
        course.hopeful = ever_succeeded
        interrupts = Interrupts(course.tell_interruption, terminable=pool is not None)
        try:
            source = _source(work, queue, pool, interrupts, course.patience)
            with interrupts, closing(source):
                course.follow(source, interrupts)
        except interrupts.through:
            interrupts.asked = True
        except (ComaError, MemoryError) as error:
            error.report = course.report()  # type: ignore[union-attr]
            raise
        course.tell_stop()
    return _ended(course, interrupts)


def _ended(course: _Course, interrupts: Interrupts) -> RunReport:
    report = course.report()
    if interrupts.asked:
        interruption = KeyboardInterrupt(f"{report} Run again to continue.")
        interruption.report = report  # type: ignore[attr-defined]
        raise interruption from None
    if report.failed:
        warn(course.failed_text(report), way=course.advice())
    mixed = course.versions.warning() if report.saved else None
    if mixed is not None:
        warn(mixed)
    return report


def dry_run(plan: Plan, there: Survey, options: RunOptions, names: Sequence[str] = ()) -> RunReport:
    """Return what a run would have to do, and about how long it would take."""
    return RunReport(
        0,
        plan.asked,
        skipped=plan.skipped,
        left=plan.left,
        duplicates=plan.duplicates,
        not_run=len(plan.todo) + plan.beyond,
        dry_run=True,
        estimate=there.estimate(plan, workers_of(options)),
        durations=there.durations.by_value(names, [task.values for task in plan.todo]),
    )


def _source(
    work: Work, queue: Queue, pool: Pool | None, interrupts: Interrupts, patience: int
) -> Generator[Outcome]:
    if pool is None:
        return _serially(work, queue, interrupts)
    from coma_xr.run.pools import outcomes

    return outcomes(work, queue, pool, interrupts, suspects_at_once=patience)


def _serially(work: Work, queue: Queue, interrupts: Interrupts) -> Generator[Outcome]:
    while not interrupts.stops and (task := queue.next()) is not None:
        yield call(work, task, interrupts.through)


class _Course:
    """The course of a run: what was saved, what failed, whether it goes on."""

    def __init__(
        self,
        plan: Plan,
        queue: Queue,
        outlook: Outlook,
        bar: Progress,
        save: Keep,
        record_failure: Keep,
        options: RunOptions,
        pool: Pool | None,
        versions: Versions,
    ) -> None:
        self._plan = plan
        self._queue = queue
        self._outlook = outlook
        self._bar = bar
        self._save = save
        self._record_failure = record_failure
        self._options = options
        self._pool = pool
        self._hopeless = _HOPELESS if pool is None else max(_HOPELESS, 2 * pool.size)
        self._health = Health()
        self.versions = versions
        self._begin = time.perf_counter()
        self._saved = 0
        # By the positions of their tasks.
        self._failures: dict[int, Tree] = {}
        self._alike: Counter[tuple[str, str]] = Counter()
        # Those that had failures, as far as they are known.
        self._workers: set[int] = set()
        # The last failures of those that wait for another attempt.
        self._waiting: dict[int, Outcome] = {}
        self._first: tuple[str, BaseException | None] | None = None
        self.hopeful = False

    @property
    def patience(self) -> int:
        """So many parameter sets under suspicion wait for the end of the run."""
        return 1 if self._options.on_error == "stop" else self._hopeless

    def follow(self, outcomes: Iterator[Outcome], interrupts: Interrupts) -> None:
        """Keep what comes; RunError for the first failure when that is to stop the run."""
        for outcome in outcomes:
            try:
                self._take(outcome, interrupts)
            except (StorageError, MemoryError) as error:
                interrupts.now = True
                error.unsaved = [outcome, *outcomes]  # type: ignore[union-attr]
                need = "room" if isinstance(error, StorageError) else "more memory"
                error.add_note(
                    f"{self._saved} of {count(self._plan.asked, 'parameter set')} are saved; what was computed after "
                    f"them is in the list `unsaved` of this error. Run again when there is {need}."
                )
                raise
            if outcome.failure is None:
                continue
            if self._is_over():
                # What other workers have finished by now still comes.
                interrupts.now = True
            interrupts.enough = interrupts.enough or self._has_failed_enough()
        for outcome in self._waiting.values():
            self._take_failure(outcome, is_told=True)
        if self._first is not None and self._options.on_error == "stop":
            text, cause = self._first
            message = (
                f"{text}. {self._saved} of {self._plan.asked} {'was' if self._saved == 1 else 'were'} saved."
            )
            raise RunError(message, [*self._failures.values()]) from cause

    def _take(self, outcome: Outcome, interrupts: Interrupts) -> None:
        task = outcome.task
        if task.attempt > 1:
            self._waiting.pop(task.position, None)
            about = outcome.info if outcome.failure is None else outcome.failure["info"]
            about["attempts"] = task.attempt
        if outcome.failure is None:
            number = self._keep(self._save, outcome)
            self.versions.note(outcome.info, number)
            self._saved += 1
            self.hopeful = True
        elif interrupts.asked:
            # Ctrl-C also reaches programs that the function has started, which then fail.
            return
        elif task.attempt <= self._options.retries and self._options.on_error != "stop":
            self._note_failure(outcome.failure, f" Attempt {task.attempt} of {self._options.retries + 1}.")
            self._waiting[task.position] = outcome
            self._queue.append(task._replace(attempt=task.attempt + 1, avoid=outcome.worker))
            self._watch(outcome)
            return
        else:
            self._take_failure(outcome)
        self._outlook.note(task.values, outcome.seconds, failed=outcome.failure is not None)
        self._bar.step(failed=outcome.failure is not None)
        self._watch(outcome)

    def _watch(self, outcome: Outcome) -> None:
        """End a worker that fails where others succeed, and let others try what failed on it."""
        if self._pool is None or outcome.worker is None or self._options.on_error == "stop":
            return
        self._workers |= {outcome.worker} if outcome.failure is not None else set()
        broken = self._health.note(outcome.worker, outcome.task, failed=outcome.failure is not None)
        if broken is None:
            return
        worker, tasks = broken
        again = [task for task in tasks if self._failures.pop(task.position, None) is not None]
        self._pool.retire(worker)
        for task in again:
            self._queue.append(task._replace(attempt=task.attempt + 1, avoid=worker))
        self._bar.take_back(len(again))
        self._bar.say(
            f"All points fail on worker {worker} while others succeed, so it was stopped. Other workers try "
            f"{count(len(again), 'parameter set')} again."
        )

    def _note_failure(self, failure: Tree, attempt: str = "") -> str:
        text = failure_text(failure)
        kind = failure["exception"]["type"], failure["exception"]["line"]
        self._bar.warn(f"{text}{attempt}", kind)
        self._alike[kind] += 1
        return text

    def _take_failure(self, outcome: Outcome, *, is_told: bool = False) -> None:
        failure: Tree = outcome.failure
        number = self._keep(self._record_failure, outcome)
        self._failures[outcome.task.position] = {
            **failure,
            "info": {"measurement_id": number, **failure["info"]},
        }
        text = failure_text(failure) if is_told else self._note_failure(failure)
        if self._first is None:
            self._first = text, outcome.error or _Traceback.of(failure["exception"])

    def _is_over(self) -> bool:
        return self._is_hopeless() or (self._options.on_error == "stop" and self._first is not None)

    def _has_failed_enough(self) -> bool:
        most = self._options.max_failures
        return most is not None and len(self._failures) >= most

    def _is_hopeless(self) -> bool:
        if self.hopeful or self._options.on_error != "auto":
            return False
        alike = max(self._alike.values(), default=0)
        if alike < self._hopeless or len(self._workers) != 1 or self._pool is None or self._pool.size == 1:
            return alike >= self._hopeless
        # It may be this worker that is to blame.
        return alike >= 3 * self._hopeless and not self._pool.is_working_besides(*self._workers)

    def _keep(self, keep: Keep, outcome: Outcome) -> int:
        try:
            return keep(outcome)
        except StorageError as error:
            if error.written:
                # A second one would be a double.
                raise
            # What was computed is worth another try; the first may have made room.
            return keep(outcome)

    def tell_interruption(self, signal: str) -> None:
        """Say immediately what is saved."""
        saved = f"{signal}: {self._saved} of {count(self._plan.asked, 'parameter set')} were saved."
        if signal == "Ctrl-C":
            self._bar.say(
                f"{saved} Running points are finished and kept. Press Ctrl-C again to stop immediately."
            )
        else:
            self._bar.say(f"{saved} Run again to continue.")

    def failed_text(self, report: RunReport) -> Way:
        """Return what failed; a user of the terminal has just read the lines of the failures, if all were printed."""
        text = report.failed_text()
        return Way(text, text if self._bar.has_hidden else f"{report.failed_count()}.")

    def advice(self) -> Way:
        """Return what to do about the failures."""
        most = self._options.max_failures
        stop = Way("", "")
        if self._has_failed_enough() and self.report().not_run:
            stop = Way(
                f"The run stopped after max_failures={most}. ",
                f"The run stopped after --max-failures {most}. ",
            )
        elif self._is_hopeless():
            reason = "The run stopped because nothing has ever succeeded and all failures are alike. "
            stop = Way(
                f"{reason}Pass on_error='continue' to go on. ", f"{reason}Pass --on-error continue to go on. "
            )
        partial = ""
        if any(PARTIAL in failure for failure in self._failures.values()):
            partial = " What could be stored of a result is in failure(id).partial."
        step = next_step([*self._failures.values()])
        return Way(f"{stop.python}{step.python}{partial}", f"{stop.terminal}{step.terminal}")

    def tell_stop(self) -> None:
        """Report the parameter sets that were not begun because the time was too short."""
        number = self._queue.too_long
        if number:
            sets = count(number, "parameter set")
            self._bar.say(f"{sets} not begun: no time before {self._queue.limit}. Run again for the rest.")

    def report(self) -> RunReport:
        """Return what has come of the run by now."""
        plan = self._plan
        return RunReport(
            self._saved,
            plan.asked,
            skipped=plan.skipped,
            failed=len(self._failures),
            left=plan.left,
            duplicates=plan.duplicates,
            not_run=plan.beyond + len(plan.todo) - self._saved - len(self._failures),
            too_long=self._queue.too_long,
            duration=time.perf_counter() - self._begin,
            failures=[*self._failures.values()],
        )


class _Traceback(Exception):
    """The traceback of an exception that was raised in another process."""

    @classmethod
    def of(cls, exception: Tree) -> _Traceback | None:
        return cls(f"\n{clean_lines(exception['traceback'])}") if exception["traceback"] else None


def check_sendable(work: Work, options: RunOptions) -> None:
    """Raise SerializationError when workers are asked for and the function cannot be sent to another process."""
    if options.needs_processes:
        from coma_xr.run import remote

        remote.pack(work)


def workers_of(options: RunOptions) -> int:
    """Return how many workers a run would have."""
    if options.executor is not None:
        from coma_xr.run.pools import capacity

        return capacity(options.executor)
    if options.max_workers is None:
        from coma_xr.run.pools import cores

        return cores()
    return options.max_workers


def pool_of(work: Work, number: int, options: RunOptions) -> Pool | None:
    """Return who computes; None for this process itself.

    Raise SerializationError when the function cannot be sent to another process.
    """
    if options.executor is not None:
        from coma_xr.run.pools import foreign_pool

        return foreign_pool(work, options.executor, None if options.max_workers == 1 else options.max_workers)
    if not number or not options.needs_processes:
        return None
    from coma_xr.run.pools import own_pool

    # One more than there are parameter sets, for another attempt elsewhere.
    wanted = number + (options.retries > 0)
    return own_pool(work, min(workers_of(options), wanted), cast("float | None", options.timeout))

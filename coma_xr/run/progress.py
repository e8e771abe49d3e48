"""The progress of a run: a bar in a terminal or notebook, else lines in the log."""

from __future__ import annotations

import logging
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any, Self

from coma_xr.errors import StorageError
from coma_xr.text import progress_text

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
            if self._alike[kind] == _MOST_ALIKE + 1:
                self.say(f"Further failures of this kind are not printed. {_LATER}")
            return
        self._warned += 1
        if self._warned <= _MOST_LINES:
            self.say(text)
        elif self._warned == _MOST_LINES + 1:
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

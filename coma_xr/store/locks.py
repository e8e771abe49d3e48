"""Locks of an experiment, and who is running it.

A lock is one of the operating system, gone with its process. Its file may stay and means nothing. What
has to be right does not rest on locks: they prevent double work and give clear errors.
"""

from __future__ import annotations

import datetime as dt
import errno
import hashlib
import itertools
import os
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from coma_xr import files
from coma_xr.checks import checks_keywords
from coma_xr.encoding import json
from coma_xr.errors import DataFileError, ExperimentBusyError, Way, warn
from coma_xr.html import fragment, tag
from coma_xr.text import beginning_with, progress_text

if TYPE_CHECKING:
    from filelock import BaseFileLock

    from coma_xr.values.plain import Tree

RUN = ".coma.run."

# Seconds after which a run of another host, whose lock cannot be seen, is taken for dead.
_SILENCE = 600.0

# Bytes: what a run tells fills one such block, or several when the path is long; what is read of it at most.
_BLOCK = 512
_LONGEST = 2**16

# No run has so many parameter sets, or takes so many seconds.
_MOST = 10**12


@dataclass
class _OwnRun:
    """A run of this process: its thread, its lock with the file's path, and what it writes there."""

    thread: int
    path: str | None = None
    held: BaseFileLock | None = None
    about: dict[str, Any] = field(default_factory=dict)

    def note(self, counts: Mapping[str, float]) -> None:
        """Write what the run is, and how far, into its lock file."""
        if self.path is not None:
            # Of one length, so that what a reader sees is never a mixture of an older text and a newer one.
            text = json.encode({**self.about, **counts}, pretty=False)
            files.note(self.path, text.ljust(len(text) // _BLOCK * _BLOCK + _BLOCK - 1) + b"\n")


# By the lock files that they have, or would have without a namesake.
_own_runs: dict[str, _OwnRun] = {}

# What directories were when a lock in them was last taken.
_identities: dict[str, tuple[int, int] | None] = {}

# So many processes of one host name and number can run an experiment at the same time, each in another container.
_NAMESAKES = 9

# How a file system without locks answers.
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


@contextmanager
def lock(path: str, *, wait: float) -> Iterator[None]:
    """Hold a lock.

    Raise ExperimentBusyError when another process, or another part of this one, held it all that time, and
    StorageError when the lock file cannot be made.
    """
    held = _acquired(path, wait)
    try:
        yield
    finally:
        _release(held)


def _release(held: BaseFileLock | None) -> None:
    """Let a lock go; the system frees it with the descriptor, also where closing that reports an error."""
    if held is not None:
        with suppress(OSError):
            held.release()


def _acquired(path: str, wait: float, *, is_inside_lock: bool = False) -> BaseFileLock | None:
    from filelock import FileLock, Timeout

    directory = path.rpartition(os.sep)[0]
    if not is_inside_lock:
        identity = _identities[directory] = files.identity(directory)
        if identity is None:
            # FileLock would recreate the directory of an experiment that was moved away.
            raise files.refusal(FileNotFoundError(errno.ENOENT, ""), "lock", path)
    try:
        held = FileLock(path, fallback_to_soft=False)
        held.acquire(timeout=wait)
    except Timeout as error:
        raise ExperimentBusyError(
            f"{path} is held by another process, or another part of this one; waited {wait:g} s for it.",
            ways=["Try again when the other one has ended."],
        ) from error
    except NotImplementedError:
        held = None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise files.refusal(error, "lock", path) from error
        held = None
    if held is None:
        files.warn_once(
            f"The file system of {directory} has no locks; two runs at the same time are not detected there."
        )
    return held


def is_locked(path: str) -> bool:
    """Whether somebody holds the lock of a lock file."""
    try:
        with lock(path, wait=0):
            return False
    except ExperimentBusyError:
        return True


@dataclass(frozen=True)
class Shard:
    """The part of a scan that a run works on."""

    number: int
    of: int
    scan: str

    @classmethod
    def of_scan(cls, shard: tuple[int, int], scan: Tree) -> Shard:
        """Return the part (i, n) of a scan, which is a plain tree."""
        number, of = shard
        return cls(int(number), int(of), hashlib.sha256(json.encode(scan, pretty=False)).hexdigest()[:16])

    def apart(self, other: Shard | None) -> bool:
        """Whether no parameter set is in both parts for certain."""
        return (
            other is not None
            and (self.of, self.scan) == (other.of, other.scan)
            and self.number != other.number
        )


@checks_keywords
@dataclass(frozen=True)
class LiveRun:
    """A current run of an experiment.

    Parameters
    ----------
    host, pid
        Its process.
    since : str
        Its start (UTC), or "unknown".
    certain : bool, default True
        Whether the lock is known to be held. False for a run on another host whose lock is not visible here.
    silence : float, default 0.0
        Seconds since its last report.
    todo, done, failed : int, optional
        How many parameter sets it has to run, has run, and how many of these failed; None before it reports.
    seconds : float, optional
        How long that took.
    workers : int, optional
        How many processes or threads compute; None before it reports.
    shard : Shard, optional
        The part of a scan that it works on; None when it works on all of it.

    Examples
    --------
    >>> import coma_xr as coma
    >>> coma.Experiment("idle").runs()
    []
    """

    host: str
    pid: int
    since: str
    certain: bool = True
    silence: float = 0.0
    todo: int | None = None
    done: int | None = None
    failed: int | None = None
    seconds: float | None = None
    workers: int | None = None
    shard: Shard | None = None

    def __str__(self) -> str:
        return f"pid {self.pid} on {self.host} since {self.since}"

    @property
    def alive(self) -> bool:
        """Whether the run is in progress; if its lock cannot be seen, whether it reported in the last ten minutes."""
        return self.certain or self.silence < _SILENCE

    @property
    def rate(self) -> float | None:
        """Parameter sets in a second; None before the first."""
        return self.done / self.seconds if self.done and self.seconds else None

    @property
    def left(self) -> float | None:
        """About how many seconds are left; None if it cannot be estimated."""
        if self.rate is None or self.todo is None or self.done is None:
            return None
        return (self.todo - self.done) / self.rate

    def _repr_html_(self) -> str:
        about = tag("span", f" {self}{'' if self.certain else ', perhaps'}", class_="coma-muted")
        bar = tag("progress", value=self.done, max=self.todo, aria_label="Progress") if self.todo else None
        return fragment(bar, tag("span", f" {progress_of([self])}"), tag("div", about))


def progress_of(runs: Sequence[LiveRun]) -> str:
    """Return how far runs are together."""
    known = [run for run in runs if run.todo is not None]
    if not known:
        return "no progress reported yet"
    todo, done, failed = (
        sum(getattr(run, name) or 0 for run in known) for name in ("todo", "done", "failed")
    )
    rates = [run.rate for run in known if run.rate is not None]
    times = [run.left for run in known if run.left is not None]
    return progress_text(
        todo, done, failed, sum(rates) if rates else None, max(times) if len(times) == len(known) else None
    )


def live_runs(directory: str, names: Collection[str] | None = None) -> list[LiveRun]:
    """Return the runs that work on an experiment, and delete the lock files of dead ones."""
    runs = []
    for host, pid in noted_runs(directory, names):
        path = files.inside(directory, f"{RUN}{host}.{pid}")
        if is_locked(path):
            runs.append(_described(path, host, pid, certain=True))
        elif host == files.host() or _silence(path) > _SILENCE:
            _forget(path)
    return runs


def seen_runs(directory: str, names: Collection[str] | None = None) -> list[LiveRun]:
    """Return the runs that work on an experiment, as somebody sees it who only reads: nothing is written or deleted.

    A run of this host lives as long as its lock is held. One of another host is also returned when its lock cannot
    be seen from here, not as certain.
    """
    runs = []
    for host, pid in noted_runs(directory, names):
        path = files.inside(directory, f"{RUN}{host}.{pid}")
        stamp = files.stamp(path)
        # An empty one is about to be locked, and this look at the lock could be in its way.
        if stamp is None or not stamp[1]:
            continue
        held = files.is_held(path)
        if held or (held is None or host != files.host()):
            runs.append(_described(path, host, pid, certain=bool(held)))
    return runs


def noted_runs(directory: str, names: Collection[str] | None = None) -> list[tuple[str, int]]:
    """Return host and number of the processes that have, or had, the lock of a run."""
    processes, names = [], files.names(directory) if names is None else names
    for name in sorted(beginning_with(RUN, names)):
        host, _, pid = name.removeprefix(RUN).rpartition(".")
        if host and pid.isascii() and pid.isdigit() and str(int(pid)) == pid:
            processes.append((host, int(pid)))
    return processes


def _described(path: str, host: str, pid: int, *, certain: bool) -> LiveRun:
    """Return a run with the content of its file, which may be anything."""
    try:
        about = json.decode(files.read(path, limit=_LONGEST))
    except (DataFileError, OSError):
        about = None
    about = about if isinstance(about, dict) else {}
    since = about.get("start")
    counts: dict[str, Any] = {name: about.get(name) for name in ("todo", "done", "failed", "seconds")}
    workers = about.get("workers")
    told = all(type(count) in (int, float) and 0 <= count < _MOST for count in counts.values())
    return LiveRun(
        host,
        pid,
        since if isinstance(since, str) else "unknown",
        certain=certain,
        silence=_silence(path),
        shard=_shard_of(about),
        workers=workers if type(workers) is int and 0 < workers < _MOST else None,
        **(counts if told else {}),
    )


def _shard_of(about: Mapping[str, Any]) -> Shard | None:
    shard = about.get("shard")
    match shard if isinstance(shard, dict) else {}:
        case {"number": int(number), "of": int(of), "scan": str(scan)}:
            return Shard(number, of, scan)
    return None


def _silence(path: str) -> float:
    """Return the seconds since a lock file was written."""
    stamp = files.stamp(path)
    return 0.0 if stamp is None else max(0.0, time.time() - stamp[2] / 1e9)


def _forget(path: str) -> None:
    try:
        files.remove(path)
    except FileNotFoundError:
        pass


def refuse_while_running(directory: str, what: str, names: Collection[str] | None) -> None:
    """Raise ExperimentBusyError when a run works on the experiment, given the names in its directory."""
    if runs := live_runs(directory, names):
        running = ", ".join(str(run) for run in runs)
        raise ExperimentBusyError(
            f"{directory} cannot be {what} while it is being run: {running}.",
            ways=["Wait for it, or stop it."],
        )


@contextmanager
def run_lock(directory: str, shard: Shard | None = None) -> Iterator[None]:
    """Hold this process's lock of a run, with a word about it in its file; called within the lock of the experiment.

    Raise ExperimentBusyError when this process runs the experiment already.
    """
    file, run = _own_file(directory), _OwnRun(threading.get_ident())
    try:
        # In one step, since Ctrl-C can come after each; a lock around several steps could stay locked.
        other = _own_runs.setdefault(file, run)
        if other is not run:
            raise _is_running(directory, in_this_thread=other.thread == run.thread)
        run.path, run.held = _acquired_for_run(directory)
        start = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        run.about = {"pid": os.getpid(), "host": files.host(), "start": start, "path": directory}
        if shard is not None:
            run.about["shard"] = asdict(shard)
        run.note({})
        yield
    finally:
        # First, and without a call, after which Ctrl-C could come.
        if file in _own_runs and _own_runs[file] is run:
            del _own_runs[file]
        if run.path is not None:
            _release(run.held)
            _forget(run.path)


def _is_running(directory: str, *, in_this_thread: bool) -> ExperimentBusyError:
    if in_this_thread:
        return ExperimentBusyError(
            f"{directory} is already being run; the function of a run cannot run its own experiment.",
            ways=["Use another experiment in the function."],
        )
    return ExperimentBusyError(
        f"Another thread of this process is running {directory}.",
        ways=["Wait until it ends, or call run once with max_workers= or executor=."],
    )


def _acquired_for_run(directory: str) -> tuple[str, BaseFileLock | None]:
    """Hold a lock of a run; a process of another container can have the same host name and number."""
    for namesake in itertools.count(1):
        path = _own_file(directory, "" if namesake == 1 else f"~{namesake}")
        try:
            return path, _acquired(path, 0, is_inside_lock=True)
        except ExperimentBusyError:
            if namesake == _NAMESAKES:
                raise
    raise AssertionError


def tell(directory: str, counts: Mapping[str, float]) -> None:
    """Write into the lock file of this process's run how far it is; StorageError when that cannot be done."""
    run = _own_runs.get(_own_file(directory))
    if run is not None:
        run.note(counts)


def own_run(directory: str) -> tuple[str | None, tuple[int, int] | None]:
    """Return the path of the lock file of this process's run of an experiment, and what the directory was; None without it."""
    run = _own_runs.get(_own_file(directory))
    return None if run is None else run.path, _identities.get(directory)


def _own_file(directory: str, suffix: str = "") -> str:
    return files.inside(directory, f"{RUN}{files.host()}{suffix}.{os.getpid()}")


def warn_of_runs(directory: str, runs: list[LiveRun]) -> None:
    """Warn that other runs work on the experiment."""
    running = ", ".join(str(run) for run in runs)
    warn(
        f"{directory} is being run already: {running}. Nothing gets lost, but points may be computed twice.",
        way=Way(
            "Jobs that share a scan by run(..., shard=(i, n)), each with another i, do not compute the same points.",
            "Jobs that share a scan by --shard I/N, each with another I, do not compute the same points.",
        ),
    )

"""Locks of an experiment, and who is running it.

A lock is one of the operating system, gone with its process. Its file may stay and means nothing. What
has to be right does not rest on locks: they prevent double work and give clear errors.
"""

from __future__ import annotations

import datetime as dt
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coma_xr import files
from coma_xr.errors import DataFileError, ExperimentBusyError, warn
from coma_xr.trees import json

if TYPE_CHECKING:
    from filelock import BaseFileLock

__all__ = [
    "LiveRun",
    "is_locked",
    "live_runs",
    "lock",
    "noted_runs",
    "refuse_while_running",
    "run_lock",
    "warn_of_runs",
]

RUN = ".coma.run."

# How a file system without locks answers.
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


@contextmanager
def lock(path: str, *, wait: float) -> Iterator[None]:
    """Hold a lock.

    Parameters
    ----------
    path : str
        A file for the lock alone.
    wait : float
        Seconds to wait for another holder.

    Raises
    ------
    ExperimentBusyError
        Another process, or another part of this one, held it all that time.
    StorageError
        The lock file cannot be made.
    """
    held = _acquired(path, wait)
    try:
        yield
    finally:
        if held is not None:
            held.release()


def _acquired(path: str, wait: float) -> BaseFileLock | None:
    from filelock import FileLock, Timeout

    directory = path.rpartition(os.sep)[0]
    if not files.is_directory(directory):
        # FileLock would make the directory of an experiment that was moved away anew.
        raise files.refusal(FileNotFoundError(errno.ENOENT, ""), "lock", path)
    try:
        held = FileLock(path, fallback_to_soft=False)
        held.acquire(timeout=wait)
    except Timeout as error:
        raise ExperimentBusyError(
            f"{path} is held by another process, or another part of this one; waited {wait:g} s for it."
        ) from error
    except NotImplementedError:
        held = None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise files.refusal(error, "lock", path) from error
        held = None
    if held is None:
        files.warn_once(
            f"The file system of {directory} has no locks; two runs at once are not noticed there."
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
class LiveRun:
    """A run that holds its lock.

    Parameters
    ----------
    host, pid
        Its process.
    since : str
        Its start (UTC), or "unknown".
    """

    host: str
    pid: int
    since: str

    def __str__(self) -> str:
        return f"pid {self.pid} on {self.host} since {self.since}"


def live_runs(directory: str) -> list[LiveRun]:
    """Return the runs that work on an experiment, and delete the lock files of dead ones."""
    found = []
    for host, pid in noted_runs(directory):
        path = files.inside(directory, f"{RUN}{host}.{pid}")
        if is_locked(path):
            found.append(LiveRun(host, pid, _since(path)))
        else:
            _forget(path)
    return found


def noted_runs(directory: str) -> list[tuple[str, int]]:
    """Return host and number of the processes that have, or had, the lock of a run."""
    found = []
    for name in sorted(name for name in files.names(directory) if name.startswith(RUN)):
        host, _, pid = name.removeprefix(RUN).rpartition(".")
        if host and pid.isascii() and pid.isdigit() and str(int(pid)) == pid:
            found.append((host, int(pid)))
    return found


def _since(path: str) -> str:
    try:
        since = json.decode(files.read(path)).get("start")
    except (DataFileError, AttributeError, OSError):
        since = None
    return since if isinstance(since, str) else "unknown"


def _forget(path: str) -> None:
    try:
        files.remove(path)
    except FileNotFoundError:
        pass


def refuse_while_running(directory: str, what: str) -> None:
    """Raise ExperimentBusyError when a run works on the experiment."""
    if runs := live_runs(directory):
        running = ", ".join(str(run) for run in runs)
        raise ExperimentBusyError(
            f"{directory} cannot be {what} while it is being run: {running}. Wait for it, or stop it."
        )


@contextmanager
def run_lock(directory: str) -> Iterator[None]:
    """Hold this process's lock of a run, with a word about it in its file.

    Raises
    ------
    ExperimentBusyError
        This process runs the experiment already.
    """
    path = files.inside(directory, f"{RUN}{files.host()}.{os.getpid()}")
    try:
        held = _acquired(path, 0)
    except ExperimentBusyError:
        raise ExperimentBusyError(
            f"{directory} is being run by this process already; a function that is run cannot run its own experiment."
        ) from None
    try:
        start = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        about: dict[str, Any] = {"pid": os.getpid(), "host": files.host(), "start": start, "path": directory}
        files.note(path, json.encode(about) + b"\n")
        yield
    finally:
        if held is not None:
            held.release()
        _forget(path)


def warn_of_runs(directory: str, runs: list[LiveRun]) -> None:
    """Warn that other runs work on the experiment."""
    running = ", ".join(str(run) for run in runs)
    warn(f"{directory} is being run already: {running}. Nothing gets lost, but points may be computed twice.")

"""Suite I: each system call of each operation fails with each error, once or from then on; nothing is lost."""

from __future__ import annotations

import errno
import functools
import gc
import itertools
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from coma_xr import files
from coma_xr.errors import ComaError, ComaWarning
from coma_xr.store import layout, place
from tests.reliability.operations import OPERATIONS, Expected, everywhere, observed, prepared

fcntl = pytest.importorskip("fcntl")

pytestmark = [pytest.mark.ci, pytest.mark.leaves_files]

CALLS = {
    *("access", "close", "fstat", "fsync", "ftruncate", "link", "listdir", "lstat", "makedirs", "mkdir"),
    *("open", "read", "rename", "replace", "rmdir", "scandir", "stat", "unlink", "write"),
}
SHORT = 0
ERRORS = [
    *(errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EMFILE, errno.EINTR),
    SHORT,
]


# These answer no where the system refuses.
ASKING = {"exists", "isdir", "isfile", "islink", "lexists"}


class FailingPath:
    """Stands for `os.path` in `coma_xr.files`."""

    def __init__(self, failing: FailingOs) -> None:
        self.failing = failing

    def __getattr__(self, name: str) -> Any:
        real = getattr(os.path, name)
        return functools.partial(self.ask, name, real) if name in ASKING else real

    def ask(self, name: str, real: Callable[..., bool], path: str) -> bool:
        return not self.failing.fails(name) and real(path)


class FailingOs:
    """Stands for `os` in `coma_xr.files`: one call fails, or all from one on; a short write writes half."""

    def __init__(self, at: int, number: int, *, lasting: bool) -> None:
        self.at, self.number, self.lasting = at, number, lasting
        self.count = 0
        self.failed = False
        self.path = FailingPath(self)
        self.real_rename, self.real_sync = files._rename, files._sync_file_system

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        return functools.partial(self.call, name, real) if name in CALLS else real

    def fails(self, name: str) -> bool:
        self.count += 1
        now = self.count >= self.at if self.lasting else self.count == self.at
        now = now and (self.number != SHORT or name == "write")
        self.failed = self.failed or now
        return now

    def call(self, name: str, real: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        if not self.fails(name):
            return real(*arguments, **keywords)
        if self.number == SHORT:
            return real(arguments[0], bytes(arguments[1])[: max(1, len(arguments[1]) // 2)])
        if name == "close":
            real(*arguments)
        raise OSError(self.number, os.strerror(self.number), arguments[0] if arguments else None)

    def rename_with_condition(self, source: str, target: str, how: int) -> int:
        return self.number if self.fails("renameat2") else self.real_rename(source, target, how)

    def sync_file_system(self, descriptor: int) -> int:
        return self.number if self.fails("syncfs") else self.real_sync(descriptor)


class FailingFcntl:
    """Stands for `fcntl` in filelock."""

    def __init__(self, failing: FailingOs) -> None:
        self.failing = failing

    def __getattr__(self, name: str) -> Any:
        real = getattr(fcntl, name)
        return functools.partial(self.failing.call, name, real) if name == "flock" else real


def locking(name: str) -> list[Any]:
    """Return the modules of filelock that use a module."""
    modules = [module for path, module in sys.modules.items() if path.startswith("filelock.")]
    return [module for module in modules if name in vars(module)]


def open_files(path: Path) -> Iterator[int]:
    """Yield what this process has open in a directory."""
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            if os.readlink(link).startswith(str(path)):
                yield int(link.name)


def close_all(path: Path) -> None:
    """Close the files in a directory, as the end of the process does."""
    if any(open_files(path)):
        gc.collect()
        for number in list(open_files(path)):
            os.close(number)


class Attempts:
    """Tries an operation in copies of what it starts from."""

    def __init__(self, operation: Any, path: Path, monkeypatch: Any, deaths: Any) -> None:
        self.operation, self.monkeypatch, self.deaths = operation, monkeypatch, deaths
        self.original, self.copy = path / "original", path / "copy"
        prepared(operation, self.original)
        before, saved = observed(self.original), everywhere(self.original)
        self.calls = self.attempt(0, errno.EIO, lasting=False)[0].count
        after = observed(self.copy)
        assert after is not None
        self.expected = Expected(operation, before, after, saved, everywhere(self.copy))

    def attempt(self, at: int, number: int, *, lasting: bool) -> tuple[FailingOs, set[Any]]:
        shutil.rmtree(self.copy, ignore_errors=True)
        shutil.copytree(self.original, self.copy)
        self.deaths.reborn()
        failing, told = FailingOs(at, number, lasting=lasting), set[Any]()
        with self.monkeypatch.context() as patch, warnings.catch_warnings():
            warnings.simplefilter("ignore", ComaWarning)
            patch.setattr(files, "os", failing)
            patch.setattr(files, "_rename", failing.rename_with_condition)
            patch.setattr(files, "_sync_file_system", failing.sync_file_system)
            # Some errors are to filelock what a held lock is, for which one waits.
            patch.setattr(place, "_WAIT", 0.05)
            patch.setattr(layout, "_WAIT", 0.05)
            for module in locking("os"):
                patch.setattr(module, "os", failing)
            for module in locking("fcntl"):
                patch.setattr(module, "fcntl", FailingFcntl(failing))
            try:
                self.operation.run(self.copy, told.add)
            except ComaError:
                assert failing.failed
        self.deaths.reborn()
        close_all(self.copy)
        return failing, told

    def check(self, at: int, number: int, *, lasting: bool) -> None:
        _, told = self.attempt(at, number, lasting=lasting)
        self.expected.check(self.copy, told, is_done=False, again=True)
        self.expected.finish(self.copy, doubles=True)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_an_error_of_any_system_call_loses_nothing(
    quick_path, monkeypatch, deaths, operation, request, tally
):
    it, counted = Attempts(operation, quick_path, monkeypatch, deaths), tally("I/O errors")
    full = request.config.getoption("--full")
    turn = itertools.cycle(ERRORS)
    for at in range(1, it.calls + 1):
        # Of few errors each comes in its turn, so that every call meets one and every error many calls.
        errors = ERRORS if full else [next(turn)]
        for index, number in enumerate(errors):
            with counted:
                try:
                    it.check(at, number, lasting=(at + index) % 2 == 0)
                except Exception as error:
                    error.add_note(f"call {at} of {it.calls}, {errno.errorcode.get(number, 'short write')}")
                    raise

"""What the tests of the storage share: an `os` under which a process dies, and real child processes."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import coma_xr
from coma_xr import files
from coma_xr.trees import json

ROOT = str(Path(coma_xr.__file__).parents[1])
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class Killed(BaseException):
    """The process died; no except clause or finally block has an effect on files any more."""


class DyingOs:
    """Stands for `os` in `coma_xr.files`: logs the calls that change files, and dies at one of them.

    `at` counts from 1; `how` is "before", "after" or, for a write, "half". Syncs are logged and not done,
    since a kill, other than a power cut, loses nothing that was written.
    """

    changing = ("open", "write", "link", "unlink", "replace", "rename", "makedirs", "fsync")

    def __init__(self, at: int = 0, how: str = "before") -> None:
        self.at, self.how = at, how
        self.log: list[str] = []
        self.dead = False

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        return functools.partial(self.call, name, real) if name in self.changing else real

    def call(self, name: str, real: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        if name == "open" and not arguments[1] & WRITING:
            return real(*arguments, **keywords)
        if self.dead:
            raise Killed
        self.log.append(name)
        if len(self.log) != self.at:
            return None if name == "fsync" else real(*arguments, **keywords)
        self.dead = True
        if self.how == "after" and name != "fsync":
            self.done = real(*arguments, **keywords)
            if name == "open":
                os.close(self.done)
        if self.how == "half":
            real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
        raise Killed

    def sync_file_system(self, descriptor: int) -> int:
        self.call("fsync", os.fsync, descriptor)
        return 0


class Deaths:
    """Runs operations in this process as if it were one that dies."""

    Killed = Killed

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.count = 0

    def run(self, operation: Callable[[], Any], at: int = 0, how: str = "before") -> DyingOs:
        """Run an operation; the returned `DyingOs` tells what it did and whether it died."""
        dying = DyingOs(at, how)
        self.reborn()
        with self.monkeypatch.context() as patch:
            patch.setattr(files, "os", dying)
            patch.setattr(files, "_sync_file_system", dying.sync_file_system)
            try:
                operation()
            except Killed:
                pass
        self.reborn()
        return dying

    def reborn(self) -> None:
        """Make what this process wrote before the work of another one, which is dead."""
        self.count += 1
        self.monkeypatch.setattr(files, "_token", f"life{self.count}x")
        self.monkeypatch.setattr(files, "_free", [])


@pytest.fixture
def deaths(monkeypatch: pytest.MonkeyPatch) -> Deaths:
    return Deaths(monkeypatch)


@pytest.fixture
def quick_path(tmp_path: Path) -> Iterator[Path]:
    """An empty directory in memory where there is such a thing; kills, other than power cuts, are the same there."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as directory:
        yield Path(directory)


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> DyingOs:
    """The log of what is done to files from here on."""
    recorder = DyingOs()
    monkeypatch.setattr(files, "os", recorder)
    monkeypatch.setattr(files, "_sync_file_system", recorder.sync_file_system)
    return recorder


@pytest.fixture
def child() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a Python process that runs a script; it is dead when the test ends."""
    started: list[subprocess.Popen[str]] = []

    def start(script: str, *arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", textwrap.dedent(script), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": ROOT},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()


@pytest.fixture
def rest() -> Callable[[Any], bytes]:
    """Returns the encoded rest of a measurement with one result."""
    return lambda value: json.encode_rest({"parameters": {"a": 1}, "results": {"value": value}})

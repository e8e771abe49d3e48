"""An `os` under which a process dies, and operations that die at any of their calls."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

import pytest

from coma_xr import files

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class Killed(BaseException):
    """The process died; no except clause or finally block has an effect on files any more."""


class DyingOs:
    """Stands for `os` in `coma_xr.files`: logs the calls that change files, and dies at one of them.

    `at` counts from 1; `how` is "before", "after" or, for a write, "half". Syncs are logged and not done,
    since a kill, other than a power cut, loses nothing that was written.
    """

    changing = ("open", "write", "link", "unlink", "replace", "rename", "makedirs", "mkdir", "rmdir", "fsync")

    def __init__(self, at: int = 0, how: str = "before") -> None:
        self.at, self.how = at, how
        self.log: list[str] = []
        self.dead = False
        self.real_rename = files._rename

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

    def rename_with_condition(self, source: str, target: str, how: int) -> int:
        name = "exchange" if how == files._EXCHANGE else "rename"
        number: int = self.call(name, self.real_rename, source, target, how)
        return number

    def sync_file_system(self, descriptor: int) -> int:
        self.call("fsync", os.fsync, descriptor)
        return 0


class Deaths:
    """Runs operations in this process as if it were one that dies."""

    Killed = Killed
    dying = DyingOs

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.count = 0

    def run(self, operation: Callable[[], Any], at: int = 0, how: str = "before") -> DyingOs:
        """Run an operation; the returned `DyingOs` tells what it did and whether it died."""
        dying = self.dying(at, how)
        self.reborn()
        with self.monkeypatch.context() as patch:
            for name, stand_in in self.stand_ins(dying).items():
                patch.setattr(files, name, stand_in)
            try:
                operation()
            except Killed:
                pass
        self.reborn()
        return dying

    def stand_ins(self, dying: Any) -> dict[str, Any]:
        """Return by name what stands in `coma_xr.files` for what is there."""
        return {
            "os": dying,
            "_sync_file_system": dying.sync_file_system,
            "_rename": dying.rename_with_condition,
        }

    def reborn(self) -> None:
        """Make what this process wrote before the work of another one, which is dead."""
        self.count += 1
        self.monkeypatch.setattr(files, "_token", f"life{self.count}x")
        self.monkeypatch.setattr(files, "_free", [])

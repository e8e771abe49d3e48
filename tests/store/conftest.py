"""What the tests of the storage share: a log of what is done to files, and real child processes."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import coma_xr
from coma_xr import files
from coma_xr.encoding import json
from tests.deaths import DyingOs

ROOT = str(Path(coma_xr.__file__).parents[1])


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> DyingOs:
    """The log of what is done to files from here on."""
    recorder = DyingOs()
    monkeypatch.setattr(files, "os", recorder)
    monkeypatch.setattr(files, "_rename", recorder.rename_with_condition)
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

"""What the tests of the terminal share: an experiment, and commands that are run in this process."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import coma_xr as coma
from coma_xr import cli


class Said(NamedTuple):
    """What a command said: its exit code, its lines, and those on standard error."""

    code: int
    out: list[str]
    err: list[str]

    @property
    def json(self) -> Any:
        return json.loads("\n".join(self.out), parse_constant=pytest.fail)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs a command in this process."""

    def run(*words: object) -> Said:
        capsys.readouterr()
        try:
            code = cli.main([str(word) for word in words])
        except SystemExit as end:
            code = end.code
        out, err = capsys.readouterr()
        return Said(code, out.splitlines(), err.splitlines())

    return run


def inverse(a, name, scale=1.0):
    return {"y": scale / a, "both": [a, -a]}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of the test: empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def e(here: Path) -> coma.Experiment:
    """An experiment ``inverse`` in the working directory: six parameter sets, of which two have failed."""
    e = coma.Experiment("inverse", description="One over a", tags=["test", "small"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", coma.ComaWarning)
        e.run(inverse, {"a": [0, 1, 2], "name": ["left", "right"]}, progress=False)
    e.annotate("results/y", units="m", long_name="height")
    return e

"""Runs tests with one check, lock or rename of the source left out: ``mutants.py`` reads a list of them from its input.

Each is tried in a process of its own, forked from one that has imported everything.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import os
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# How pytest ends when a test failed.
FAILED = 1


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A function of the source, a text in it, what stands there instead, and tests of which one must fail then."""

    where: str
    text: str
    instead: str
    tests: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.where}: {self.text.splitlines()[0].strip()[:70]}"


def found(where: str) -> Any:
    """Return a function by its name, such as ``store.place:ExperimentDirectory.look``."""
    module, _, path = where.partition(":")
    node: Any = importlib.import_module(f"coma_xr.{module}")
    for name in path.split("."):
        node = inspect.getattr_static(node, name)
    node = getattr(node, "__func__", node)
    return inspect.unwrap(node)


def apply(mutant: Mutant) -> None:
    """Put other code into a function, wherever it is known."""
    function = found(mutant.where)
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(mutant.text) == 1, f"{mutant}: the text is there {source.count(mutant.text)} times"
    lines = source.replace(mutant.text, mutant.instead)
    namespace: dict[str, Any] = {}
    begin = lines.index("def ")
    exec(
        compile(f"from __future__ import annotations\n{lines[begin:]}", mutant.where, "exec"),
        function.__globals__,
        namespace,
    )
    function.__code__ = namespace[function.__name__].__code__


def outcome(mutant: Mutant) -> int:
    """Return how pytest ends for the tests of a mutant."""
    import pytest

    pid = os.fork()
    if not pid:
        code = 99
        try:
            sys.stdout.flush()
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            apply(mutant)
            code = int(pytest.main(["-x", "-q", "--ci", "-p", "no:cacheprovider", *mutant.tests]))
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main() -> None:
    for name in ("coma_xr", "pandas", "xarray"):
        importlib.import_module(name)
    for line in sys.stdin:
        print(outcome(Mutant(*json.loads(line))), flush=True)


def outcomes(mutants: Sequence[Mutant], root: Path) -> list[int]:
    """Return how pytest ends for the tests of each mutant."""
    import subprocess

    lines = "".join(json.dumps(dataclasses.astuple(mutant)) + "\n" for mutant in mutants)
    done = subprocess.run(
        [sys.executable, "-m", "tests.reliability.mutants"],
        input=lines,
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
    )
    return [int(line) for line in done.stdout.split()]


if __name__ == "__main__":
    main()

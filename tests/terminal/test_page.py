"""The page about the terminal: its commands, run in their order, say what stands there."""

import doctest
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import coma_xr as coma
from coma_xr.store.locks import seen_runs
from tests.test_cli import COMMANDS

ROOT = Path(coma.__file__).parents[1]
PAGE = (ROOT / "docs" / "terminal.md").read_text("utf-8")

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def examples():
    """Yield the commands of the page with what they say."""
    for language, body in BLOCK.findall(PAGE):
        if language == "console":
            for example in body.removeprefix("$ ").split("\n$ "):
                command, _, said = example.partition("\n")
                yield command, said.strip("\n")


@pytest.fixture
def in_background(here):
    """Starts the script of the page, and returns when it has told how far it is."""
    [script] = [body for language, body in BLOCK.findall(PAGE) if language == "python"]
    (here / "night.py").write_text(script)
    started = []

    def start():
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "night.py"]
        started.append(subprocess.Popen(command, cwd=here, env=environment, stderr=subprocess.DEVNULL))
        while not ((here / "ising").exists() and any(run.rate for run in seen_runs(str(here / "ising")))):
            assert started[0].poll() is None
            time.sleep(0.02)

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_every_command_is_on_the_page_and_says_what_stands_there(run, in_background, empty_configuration):
    empty_configuration.rmdir()
    checker, seen = doctest.OutputChecker(), set()
    for command, expected in examples():
        words = shlex.split(command)
        if command == "python night.py &":
            in_background()
        elif words[0] == "cp":
            shutil.copytree(words[-2], words[-1])
        else:
            assert words[0] == "coma-xr"
            seen.add(words[1])
            said = run(*words[1:])
            got = "\n".join([*said.out, *said.err])
            if not checker.check_output(f"{expected}\n", f"{got}\n", doctest.ELLIPSIS):
                pytest.fail(f"{command}\nexpected:\n{expected}\ngot:\n{got}")
    assert seen >= set(COMMANDS)

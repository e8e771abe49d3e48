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


def alike(text, words):
    """Return a text without what differs from run to run: dates, the host, and how far a run is."""
    text = re.sub(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", "DATE", text)
    text = re.sub(r"(?<=DATE  )\S+$|(?<=on )\S+(?= since)", "HOST", text, flags=re.MULTILINE)
    if words[-1] == "ising" and words[1] in {"status", "watch"}:
        lines = re.sub(r"\d[\d.]*", "N", text.replace(" (missing includes failed)", "")).splitlines()
        text = "\n".join(dict.fromkeys(lines))
    return text


@pytest.fixture
def in_background(here):
    """Starts the script of the page, and returns when it has told how far it is."""
    for language, body in BLOCK.findall(PAGE):
        if language in {"python", "toml"}:
            name = body.partition("\n")[0].removeprefix("# ")
            (here / name).write_text(body)
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


@pytest.mark.ci
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
            home = {str(empty_configuration): "/home/user/.config/coma", os.getcwd(): "/home/user"}
            for there, on_page in home.items():
                got = got.replace(there, on_page)
            pair = [f"{alike(text, words)}\n" for text in (expected, got)]
            # How wide the columns of paths are depends on how long the run took.
            widths = doctest.NORMALIZE_WHITESPACE if words[1] == "paths" else 0
            if not checker.check_output(*pair, doctest.ELLIPSIS | widths):
                pytest.fail(f"{command}\nexpected:\n{expected}\ngot:\n{got}")
    assert seen >= set(COMMANDS)

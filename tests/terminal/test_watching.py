"""``coma-xr status`` and ``watch``, of runs that are alive in other processes."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import coma_xr as coma
from coma_xr import files

ROOT = str(Path(coma.__file__).parents[1])

# Each parameter set waits for a line; a number above 0 fails.
RUN = """
import sys
import coma_xr as coma
from coma_xr.run import runner

runner._BETWEEN = 0.0

def wait(a):
    print(a, flush=True)
    sys.stdin.readline()
    return {"y": 1 / (a - 1)}

coma.Experiment(sys.argv[1]).run(wait, {"a": [0, 1, 2, 3]}, progress=False, on_error="continue")
"""

WATCH = [sys.executable, "-m", "coma_xr", "watch", "e", "--interval", "0.05"]


@pytest.fixture
def running(here):
    """A process that runs the experiment ``e``, one parameter set for each line that it gets."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, "e"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": ROOT},
    )
    assert process.stdout.readline() == "0\n"
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def step(process):
    process.stdin.write("\n")
    process.stdin.flush()


def forth(process, number):
    """Let a process run sets up to this one, which it begins."""
    step(process)
    assert process.stdout.readline() == f"{number}\n"


def watched(here, **more):
    return subprocess.Popen(
        WATCH,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=here,
        env={**os.environ, "PYTHONPATH": ROOT},
        **more,
    )


def test_the_status_of_what_nobody_runs(e, run):
    assert run("status", "inverse") == (
        0,
        ["4 measurements, 2 failed, 2 missing (missing includes failed)"],
        [],
    )
    assert run("status", "inverse", "--json").json == {
        "measurements": 4,
        "failed": 2,
        "missing": 2,
        "excluded": 0,
        "runs": [],
    }
    assert run("watch", "inverse") == (
        1,
        ["Nothing is running: 4 measurements, 2 failed, 2 missing (missing includes failed)"],
        [],
    )


def test_the_status_tells_how_far_a_run_of_another_process_is(running, run):
    first = run("status", "e").out
    assert first[0] == "0 measurements, 4 missing"
    assert re.fullmatch(rf"running: 0 of 4 done \(pid {running.pid} on \S+ since 20\d\d-.*Z\)", first[1])
    forth(running, 1)
    forth(running, 2)
    second = run("status", "e").out
    assert second[0] == "1 measurement, 1 failed, 3 missing (missing includes failed)"
    assert re.match(
        r"running: 2 of 4 done, 1 failed, [\d.,]+ (a second|a minute|an hour), about [\d.]+ s left \(pid",
        second[1],
    )
    [told] = run("status", "e", "--json").json["runs"]
    assert (told["host"], told["pid"], told["certain"], told["alive"]) == (
        files.host(),
        running.pid,
        True,
        True,
    )
    assert (told["todo"], told["done"], told["failed"]) == (4, 2, 1)
    assert told["left"] == pytest.approx(2 / told["rate"])
    assert run("ls", "--json").json[0]["state"] == "running"


def test_a_run_is_watched_until_it_ends(running, here):
    with watched(here) as watching:
        assert watching.stdout.readline() == "0 of 4 done\n"
        forth(running, 1)
        assert watching.stdout.readline().startswith("1 of 4 done, ")
        forth(running, 2)
        assert watching.stdout.readline().startswith("2 of 4 done, 1 failed, ")
        forth(running, 3)
        step(running)
        out, err = watching.communicate(timeout=20)
    assert (
        out.splitlines()[-1]
        == "The run has ended: 3 measurements, 1 failed, 1 missing (missing includes failed)"
    )
    assert err == ""
    assert watching.returncode == 1


@pytest.mark.ci
def test_a_run_that_is_killed_has_ended(running, here, run):
    with watched(here) as watching:
        watching.stdout.readline()
        running.kill()
        out, _ = watching.communicate(timeout=20)
    assert out == "The run has ended: 0 measurements, 4 missing\n"
    assert watching.returncode == 1
    assert run("status", "e", "--json").json["runs"] == []


@pytest.mark.ci
def test_ctrl_c_ends_the_watching_and_not_the_run(running, here):
    with watched(here) as watching:
        watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        out, err = watching.communicate(timeout=20)
    assert (watching.returncode, out, err) == (0, "\n", "")
    forth(running, 1)


def test_in_a_terminal_progress_runs_and_failures_change_in_place(running, run, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("sys.stdout.fileno", lambda: 1)
    monkeypatch.setattr(os, "get_terminal_size", lambda number: os.terminal_size((80, 24)))
    monkeypatch.setenv("TERM", "xterm")
    for number in (1, 2):
        forth(running, number)
    timer = threading.Timer(0.3, running.kill)
    timer.start()
    said = run("watch", "e", "--interval", 0.05)
    timer.join()
    lines = [re.sub(r"\x1b\[\d*[mJF]", "", line) for line in said.out]
    assert lines[0].startswith("2 of 4 done, 1 failed, ")
    assert (lines[1], lines[2]) == ("█" * 15 + "─" * 15, "")
    assert lines[3].split() == ["run", "workers", "done", "of", "failed", "rate", "left"]
    assert lines[4].split()[:2] == ["pid", str(running.pid)]
    assert lines[6] == "failures"
    assert "(a=1): ZeroDivisionError: division by zero" in lines[7]
    assert max(map(len, lines[:-1])) <= 80
    # The next look begins where the first one did.
    assert said.out[8].startswith(f"\x1b[{8}F\x1b[J2 of 4 done")
    # The end is in their place.
    assert any(line.startswith(f"\x1b[{8}F\x1b[JThe run has ended: ") for line in said.out)
    assert said.out[-1] == "`coma-xr failures e` lists what failed."


def other_host(e, age, **told):
    text = {"start": "2026-01-01T00:00:00Z", "todo": 30, "done": 10, "failed": 0, "seconds": 20, **told}
    path = e.path / ".coma.run.node7.12"
    path.write_text(str(text).replace("'", '"'))
    os.utime(path, (time.time() - age,) * 2)


def test_a_run_on_another_machine_is_told_with_its_age(e, run):
    other_host(e, 30)
    [line] = run("status", "inverse").out[1:]
    assert line.startswith("running: 10 of 30 done, 30 a minute, about 40.0 s left (pid 12 on node7 since ")
    assert re.search(r"; last heard of 3\d\.\d s ago, its lock cannot be seen from this machine\)$", line)
    other_host(e, 7200)
    [line] = run("status", "inverse").out[1:]
    assert line.startswith("perhaps running: 10 of 30 done")
    assert line.endswith(
        "; last heard of 2.0 h ago, its lock cannot be seen from this machine; it may be dead)"
    )
    assert run("watch", "inverse").out[0].startswith("Nothing is running")


@pytest.mark.ci
def test_several_runs_are_watched_as_one(e, running, run, here):
    "Shards, for example: what is done is added up, the slowest says what is left."
    other_host(coma.Experiment("e", "r"), 0)
    with watched(here) as watching:
        first = watching.stdout.readline()
        os.utime(here / "e" / ".coma.run.node7.12", (0, 0))
        running.kill()
        watching.communicate(timeout=20)
    assert first == "2 runs: 10 of 34 done, 30 a minute\n"


@pytest.mark.parametrize("interval", ["0", "-1", "x", "nan", "1e9"])
def test_an_interval_that_makes_no_sense_is_wrong_usage(e, run, interval):
    said = run("watch", "inverse", f"--interval={interval}")
    assert said.code == 2
    assert said.err[-1].startswith("coma-xr: argument --interval: expected seconds")


@pytest.mark.parametrize(
    "words", [["ls"], ["status", "inverse"], ["watch", "inverse"], ["show", "inverse", "3"], ["--help"]]
)
def test_a_look_loads_nothing_heavy(e, words):
    "So that it costs as little as three words."
    assert not {"numpy", *HEAVY} & loaded_by(words)


@pytest.mark.parametrize("command", ["show", "paths", "failures"])
def test_what_there_is_is_shown_without_pandas(e, command):
    assert not {*HEAVY, *UNUSED} & loaded_by([command, "inverse"])


HEAVY = {"pandas", "xarray", "matplotlib", "netCDF4", "loky", "tqdm"}

# Modules that take long to import, and that only other commands use.
UNUSED = {"coma_xr.collection", "coma_xr.define.conditions", "coma_xr.plotting.arguments"}


def loaded_by(words):
    script = f"import sys; from coma_xr.cli import main\ntry: main({words})\nfinally: print(*sys.modules)"
    done = subprocess.run(  # noqa: PLW1510  --help leaves with SystemExit
        [sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ROOT}
    )
    names = done.stdout.splitlines()[-1].split()
    return {*names, *(name.partition(".")[0] for name in names)}


def test_failures_of_an_earlier_scan_are_not_called_missing(here, run):
    def inverse(a):
        return {"y": 1 / (a - 1)}

    def counts():
        numbers = coma.Experiment("inverse", "r").status()
        return run("status", "inverse").out[0], numbers["failed"], numbers["missing"]

    e = coma.Experiment("inverse")
    with pytest.warns(coma.ComaWarning, match="1 of 2 parameter sets failed"):
        e.run(inverse, {"a": [1, 2]}, progress=False)
    assert counts() == ("1 measurement, 1 failed, 1 missing (missing includes failed)", 1, 1)
    e.run(inverse, {"a": [5, 6]}, limit=1, progress=False)
    text = "2 measurements, 1 failed, 1 missing (the failed are of an earlier scan)"
    assert counts() == (text, 1, 1)
    assert list(e.missing()) == [{"a": 6}]
    with pytest.warns(coma.ComaWarning, match="2 of 4 parameter sets failed"):
        e.run(
            lambda a: 1 / (a - 8 if a > 7 else a),
            {"a": [8, 0, 9, 10]},
            limit=3,
            code="accept",
            progress=False,
        )
    text = "3 measurements, 3 failed, 3 missing (missing includes 2 of the failed)"
    assert counts() == (text, 3, 3)

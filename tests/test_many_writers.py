"""Many processes that save into one experiment at once, which they also make at once: nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings

import pytest

import coma_xr as coma

pytestmark = pytest.mark.ci

PROCESSES, SAVES = 8, 500

# As on a file system of a cluster that knows no locks.
WITHOUT_LOCKS = """
import errno, fcntl
def flock(descriptor, how):
    raise OSError(errno.ENOTSUP, "no locks here")
fcntl.flock = flock
"""

WRITER = """
import sys, warnings
import coma_xr as coma
warnings.simplefilter("ignore", coma.ComaWarning)
path, process, saves = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
e = coma.Experiment(path, config={})
report = e.run(lambda process, x: {"y": process * 1000 + x}, {"process": [process], "x": range(saves)}, progress=False)
assert report == (saves, saves), report
"""


@pytest.fixture
def writers(quick_path):
    """Processes that wait for a line before they begin."""
    started = []

    def start(prelude):
        for process in range(PROCESSES):
            command = [
                sys.executable,
                "-c",
                prelude + WRITER,
                str(quick_path / "e"),
                str(process),
                str(SAVES),
            ]
            started.append(
                subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
                )
            )
        for writer in started:
            assert writer.stdout.readline() == "ready\n"
        for writer in started:
            writer.stdin.write("\n")
            writer.stdin.flush()
        return started

    yield start
    for writer in started:
        writer.kill()
        writer.communicate()


@pytest.mark.parametrize("prelude", ["", WITHOUT_LOCKS], ids=["locks", "no locks"])
def test_all_measurements_of_all_processes_are_there(writers, quick_path, report_line, prelude):
    path, seen, looks = quick_path / "e", 0, 0
    started = writers(prelude)
    with warnings.catch_warnings():
        # A look may find the directory before there is anything in it.
        warnings.simplefilter("ignore", coma.ComaWarning)
        while any(writer.poll() is None for writer in started):
            if path.exists() and list(path.glob("experiment.*")):
                found = [m["results/y"] for m in coma.Experiment(path, "r", config={}).measurements()]
                assert len(set(found)) == len(found) >= seen
                seen, looks = len(found), looks + 1
            time.sleep(0.1)
    for writer in started:
        said = writer.communicate()[1]
        assert writer.returncode == 0, said
    e = coma.Experiment(path, config={})
    ids = [m.id for m in e.measurements()]
    assert len(ids) == len(set(ids)) == PROCESSES * SAVES
    expected = {process * 1000 + x for process in range(PROCESSES) for x in range(SAVES)}
    assert {m["results/y"] for m in e.measurements()} == expected
    assert [finding for finding in e.verify() if finding.kind != "index"] == []
    assert not list(path.glob(".coma-tmp-*"))
    assert looks
    report_line(
        f"{PROCESSES} processes x {SAVES} saves, {'without' if prelude else 'with'} locks: "
        f"{len(ids):,} measurements, {looks} looks meanwhile"
    )


FORKED = """
import os, sys
import coma_xr as coma
e = coma.Experiment(sys.argv[1], config={})
e.run(lambda x: {"y": x}, {"x": [0]}, progress=False)
m = e.measurement(1)
child = os.fork()
numbers = range(1, 21) if child else range(21, 41)
e.run(lambda x: {"y": x}, {"x": list(numbers)}, progress=False)
e.annotate("results/y", **({"units": "m"} if child else {"long_name": "height"}))
assert m["results/y"] == 0
assert set(numbers) <= {m["results/y"] for m in e.measurements()}
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) if child else 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_an_experiment_is_used_on_both_sides_of_a_fork(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED, tmp_path / "e"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    e = coma.Experiment(tmp_path / "e", config={})
    assert sorted(m["results/y"] for m in e.measurements()) == list(range(41))
    assert e.annotations["results/y"] == {"units": "m", "long_name": "height"}
    assert [finding for finding in e.verify() if finding.kind != "index"] == []

"""Locks between real processes: a run is not disturbed, two runs lose nothing, a dead one is in nobody's way."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading

import pytest

from coma_xr import files
from coma_xr.errors import ComaWarning, ExperimentBusyError, StorageError
from coma_xr.store import locks
from coma_xr.store.place import ExperimentDirectory

RUNNING = """
    import sys
    from coma_xr.store.place import ExperimentDirectory
    from coma_xr.trees import json

    place = ExperimentDirectory(sys.argv[1], config={})
    with place.running(), place.saving("auto") as saver:
        print("running", flush=True)
        for line in sys.stdin:
            print(saver.add({}, json.encode_rest({"results": {"value": line.strip()}}), id=1, seconds=0), flush=True)
"""


def opened(path):
    return ExperimentDirectory(path, config={})


@pytest.fixture
def place(experiment_path, rest):
    place = opened(experiment_path)
    place.measurements.add({}, rest(0))
    return place


@pytest.fixture
def other(place, child):
    "Another process that runs the experiment."
    process = child(RUNNING, place.path)
    assert process.stdout.readline() == "running\n"
    return process


def test_a_run_says_who_runs(place, other):
    [run] = locks.live_runs(place.path)
    assert (run.host, run.pid) == (files.host(), other.pid)
    with open(f"{place.path}/.coma.run.{files.host()}.{other.pid}") as file:
        about = json.load(file)
    assert about == {"pid": other.pid, "host": files.host(), "start": run.since, "path": place.path}
    assert run.since.endswith("Z")


@pytest.mark.parametrize(
    ("call", "done"), [("deactivate", "deactivated"), ("activate", "activated"), ("reset", "reset")]
)
def test_while_a_run_lives_nobody_archives_or_resets(place, other, call, done):
    with pytest.raises(
        ExperimentBusyError,
        match=rf"^{place.path} cannot be {done} while it is being run: pid {other.pid} on {files.host()} since "
        r"20\d\d-.*Z\. Wait for it, or stop it\.$",
    ):
        getattr(place, call)()
    assert place.number() == 1


def test_a_killed_run_is_in_nobodys_way(place, other):
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert any(name.startswith(".coma.run.") for name in os.listdir(place.path))
    place.deactivate()
    assert not place.active
    assert not any(name.startswith(".coma.run.") for name in os.listdir(place.path))


def test_two_runs_at_once_get_a_warning_and_different_ids(place, other, rest):
    with contextlib.ExitStack() as stack:
        with pytest.warns(
            ComaWarning, match=rf"is being run already: pid {other.pid} on .* Nothing gets lost, but"
        ):
            stack.enter_context(place.running())
        assert place.measurements.add({}, rest("mine"), id=2) == 2
        other.stdin.write("theirs\n")
        other.stdin.flush()
        assert other.stdout.readline() == "3\n"
    other.stdin.close()
    assert other.wait(10) == 0
    assert [tree["results"]["value"] for _, tree in place.measurements.trees()] == [0, "mine", "theirs"]


def test_a_run_ends_with_its_block(place):
    with place.running():
        assert len(locks.live_runs(place.path)) == 1
    assert locks.live_runs(place.path) == []
    assert not any(name.startswith(".coma.run.") for name in os.listdir(place.path))
    with place.running():
        pass


def test_a_function_cannot_run_or_archive_its_own_experiment(place):
    with place.running():
        with pytest.raises(
            ExperimentBusyError,
            match=rf"^{place.path} is being run by this process already; a function that is run cannot run its own",
        ):
            place.running().__enter__()
        with pytest.raises(
            ExperimentBusyError, match=rf"cannot be reset while it is being run: pid {os.getpid()} on"
        ):
            opened(place.path).reset()
        place.save_info(description="allowed")
        place.change_state(lambda state: state.update({"also": "allowed"}))
        place.write_index()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"start": 1}'])
def test_a_run_that_says_nothing_of_itself_is_a_run_all_the_same(place, text):
    path = f"{place.path}/.coma.run.elsewhere.12"
    with locks.lock(path, wait=0):
        files.note(path, text.encode())
        assert [str(run) for run in locks.live_runs(place.path)] == ["pid 12 on elsewhere since unknown"]
    assert locks.live_runs(place.path) == []


def test_other_files_are_no_runs(place):
    for name in (".coma.run.", ".coma.run.host", ".coma.run.host.x"):
        with open(f"{place.path}/{name}", "w"):
            pass
    assert locks.live_runs(place.path) == []
    assert os.path.exists(f"{place.path}/.coma.run.host.x")


@pytest.mark.leaves_files
def test_a_run_removes_what_dead_writers_left_and_not_what_living_ones_write(place, other):
    theirs = f".coma-tmp-elsewhere-{other.pid}-abc"
    gone = f".coma-tmp-{files.host()}-0-abc"
    kept = f".coma-tmp-{files.host()}-{other.pid}-abc"
    for name in (theirs, gone, kept):
        with open(f"{place.path}/{name}", "w"):
            pass
    with pytest.warns(ComaWarning, match="is being run already"), place.running():
        left = {name for name in os.listdir(place.path) if name.startswith(".coma-tmp-")}
    assert left == {kept}


# ------------------------------------------------------------------------------------------ plain locks


def test_a_lock_excludes_and_waits_no_longer_than_asked(tmp_path):
    path = str(tmp_path / "lock")
    with locks.lock(path, wait=0):
        assert locks.is_locked(path)
        with (
            pytest.raises(
                ExperimentBusyError, match=r"lock is held by another process, .*; waited 0\.1 s for it\.$"
            ),
            locks.lock(path, wait=0.1),
        ):
            pass
    assert not locks.is_locked(path)


def test_changes_wait_for_each_other(place):
    def change(number):
        opened(place.path).save_info(**{f"key{number}": number})

    threads = [threading.Thread(target=change, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {f"key{number}" for number in range(8)} <= set(place.info)


@pytest.mark.parametrize("error", [OSError(37, "No locks available"), NotImplementedError("no flock")])
def test_where_there_are_no_locks_work_goes_on_with_one_warning(place, monkeypatch, rest, error):
    def refuse(self, *arguments, **keywords):
        raise error

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    files.warn_once.cache_clear()
    with pytest.warns(
        ComaWarning, match=rf"^The file system of {place.path} has no locks; two runs at once are not"
    ):
        place.save_info(description="without")
    with place.running():
        place.measurements.add({}, rest(1))
    place.deactivate()
    assert place.number() == 2


def test_a_lock_file_that_cannot_be_made_is_an_error(tmp_path):
    with (
        pytest.raises(StorageError, match="cannot lock a: its directory is not there"),
        locks.lock(str(tmp_path / "gone" / "a"), wait=0),
    ):
        pass

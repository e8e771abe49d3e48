"""Locks between real processes: a run is not disturbed, two runs lose nothing, a dead one is in nobody's way."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time

import pytest

import coma_xr as coma
from coma_xr import files
from coma_xr.errors import ComaWarning, ExperimentBusyError, StorageError
from coma_xr.store import locks
from coma_xr.store.place import ExperimentDirectory

RUNNING = """
    import sys
    from coma_xr.store.place import ExperimentDirectory
    from coma_xr.encoding import json

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
    place.look().measurements.add({}, rest(0))
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
        r"20\d\d-.*Z\.\nWait for it, or stop it\.$",
    ):
        getattr(place, call)()
    assert place.look().number() == 1


def test_a_killed_run_is_in_nobodys_way(place, other):
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert any(name.startswith(".coma.run.") for name in os.listdir(place.path))
    place.deactivate()
    assert not place.look().active
    assert not any(name.startswith(".coma.run.") for name in os.listdir(place.path))


def test_a_process_of_another_container_with_the_same_number_is_another_run(place, other, monkeypatch):
    monkeypatch.setattr(os, "getpid", lambda: other.pid)
    with contextlib.ExitStack() as stack:
        with pytest.warns(ComaWarning, match=rf"is being run already: pid {other.pid} on"):
            stack.enter_context(place.running())
        locks.tell(place.path, {"todo": 3, "done": 2, "failed": 0, "seconds": 1.0})
        runs = {run.host: run.done for run in locks.seen_runs(place.path)}
        assert runs == {files.host(): None, f"{files.host()}~2": 2}
    assert [run.host for run in locks.seen_runs(place.path)] == [files.host()]


def test_two_runs_at_once_get_a_warning_and_different_ids(place, other, rest):
    with contextlib.ExitStack() as stack:
        with pytest.warns(
            ComaWarning, match=rf"is being run already: pid {other.pid} on .* Nothing gets lost, but"
        ):
            stack.enter_context(place.running())
        assert place.look().measurements.add({}, rest("mine"), id=2) == 2
        other.stdin.write("theirs\n")
        other.stdin.flush()
        assert other.stdout.readline() == "3\n"
    other.stdin.close()
    assert other.wait(10) == 0
    assert [tree["results"]["value"] for _, tree in place.look().measurements.trees()] == [
        0,
        "mine",
        "theirs",
    ]


SHARDED = """
    import sys
    import coma_xr as coma

    def wait(x):
        if x == 1:
            print("running", flush=True)
            sys.stdin.readline()
        return x

    print(coma.Experiment(sys.argv[1], config={}).run(wait, {"x": [1, 2, 3, 4]}, shard=(0, 2), progress=False))
"""


def test_jobs_that_share_a_scan_are_in_nobodys_way(child, experiment_path):
    def run(shard, xs=(1, 2, 3, 4)):
        return coma.Experiment(experiment_path, config={}).run(lambda x: x, {"x": list(xs)}, shard=shard)

    job = child(SHARDED, experiment_path)
    assert job.stdout.readline() == "running\n"
    # Warnings are errors here.
    assert run((1, 2)) == (2, 2)
    for other in ({"shard": (0, 2)}, {"shard": (1, 3)}, {"shard": None}, {"shard": (1, 2), "xs": (3, 1)}):
        with pytest.warns(
            ComaWarning, match=r"may be computed twice. Jobs that share a scan by run\(\.\.\., shard="
        ):
            run(**other)
    output, errors = job.communicate("\n", timeout=60)
    assert (job.wait(), errors) == (0, ""), output


@pytest.mark.parametrize("shard", ['"half"', '{"number": 1}', '{"number": [], "of": 2, "scan": "a"}'])
def test_what_is_no_part_of_a_scan_is_taken_for_none(place, shard):
    path = run_file(place, "elsewhere", 12)
    with locks.lock(path, wait=0):
        files.note(path, f'{{"shard": {shard}}}'.encode())
        assert [run.shard for run in locks.live_runs(place.path)] == [None]


def test_the_warning_of_another_run_names_the_line_that_runs(place, other):
    with pytest.warns(ComaWarning, match="is being run already") as caught:
        coma.Experiment(place.path, config={}).run(lambda a: a, {"a": [1, 2]})
    assert [warning.filename for warning in caught] == [__file__]


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
            match=rf"^{place.path} is already being run; the function of a run cannot run its own",
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


# --------------------------------------------------------------------------- runs, as readers see them


def run_file(place, host, pid):
    return f"{place.path}/.coma.run.{host}.{pid}"


def test_a_reader_sees_a_run_with_what_it_tells(place, child):
    script = RUNNING.replace('print("running"', 'tell(place.path, dict(COUNTS)); print("running"')
    counts = "todo=60, done=15, failed=2, seconds=7.5"
    script = script.replace("import sys", "import sys; from coma_xr.store.locks import tell").replace(
        "COUNTS", counts
    )
    other = child(script, place.path)
    assert other.stdout.readline() == "running\n"
    [run] = locks.seen_runs(place.path)
    assert (run.host, run.pid, run.certain, run.alive) == (files.host(), other.pid, True, True)
    assert (run.todo, run.done, run.failed, run.rate, run.left) == (60, 15, 2, 2.0, 22.5)
    assert run.silence < 60


def test_a_reader_sees_no_killed_run_and_leaves_its_file(place, other):
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert locks.seen_runs(place.path) == []
    assert os.path.exists(run_file(place, files.host(), other.pid))


def test_a_reader_is_not_in_the_way_of_a_run_that_begins(place, monkeypatch):
    "Its file is there, but it does not hold the lock yet."
    with open(run_file(place, files.host(), 12), "w"):
        pass
    monkeypatch.setattr(files, "is_held", lambda path: pytest.fail("looked at the lock"))
    assert locks.seen_runs(place.path) == []


@pytest.mark.parametrize(("age", "alive"), [(5, True), (3600, False)])
def test_a_run_of_another_host_is_told_by_its_age(place, age, alive):
    path = run_file(place, "elsewhere", 12)
    with open(path, "w") as file:
        file.write('{"start": "2026-01-01T00:00:00Z", "todo": 3, "done": 0, "failed": 0, "seconds": 1}')
    os.utime(path, (time.time() - age,) * 2)
    [run] = locks.seen_runs(place.path)
    assert (run.certain, run.alive, run.rate, run.left) == (False, alive, None, None)
    assert run.silence == pytest.approx(age, abs=30)


def test_a_file_of_another_host_stays_as_long_as_it_may_be_that_of_a_run(place):
    young, old = run_file(place, "elsewhere", 12), run_file(place, "elsewhere", 13)
    for path in (young, old):
        with open(path, "w") as file:
            file.write("{}")
    os.utime(old, (0, 0))
    assert locks.live_runs(place.path) == []
    assert (os.path.exists(young), os.path.exists(old)) == (True, False)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "x" * 100_000,
        '{"todo": 3}',
        '{"todo": true, "done": 0, "failed": 0, "seconds": 1}',
        '{"todo": 3, "done": NaN, "failed": 0, "seconds": 1}',
        '{"todo": 3, "done": "1", "failed": 0, "seconds": 1}',
        '{"todo": 1e300, "done": 0, "failed": 0, "seconds": 1}',
        '{"todo": -3, "done": 0, "failed": 0, "seconds": 1}',
    ],
)
def test_a_run_that_tells_nonsense_is_a_run_all_the_same(place, text):
    path = run_file(place, "elsewhere", 12)
    with locks.lock(path, wait=0):
        files.note(path, text.encode())
        [run] = locks.seen_runs(place.path)
    assert (run.certain, run.todo, run.rate, run.left) == (True, None, None, None)


def test_what_a_run_tells_keeps_its_length(place):
    "So that a reader never sees the end of an older text behind a newer one."
    with place.running():
        path = run_file(place, files.host(), os.getpid())
        size = os.path.getsize(path)
        for done in (0, 5, 50_000):
            locks.tell(place.path, {"todo": 100_000, "done": done, "failed": 0, "seconds": 0.1})
            assert os.path.getsize(path) == size
            assert locks.seen_runs(place.path)[0].done == done
    locks.tell(place.path, {"todo": 1})
    assert not os.path.exists(path)


# ------------------------------------------------------------------------------------------ plain locks


def test_a_lock_excludes_and_waits_no_longer_than_asked(tmp_path):
    path = str(tmp_path / "lock")
    with locks.lock(path, wait=0):
        assert locks.is_locked(path)
        with (
            pytest.raises(
                ExperimentBusyError,
                match=r"is held by another process, or another part of this one; waited 0\.1 s for it\.",
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
    assert {f"key{number}" for number in range(8)} <= set(place.look().info)


@pytest.mark.parametrize("error", [OSError(37, "No locks available"), NotImplementedError("no flock")])
def test_where_there_are_no_locks_work_goes_on_with_one_warning(place, monkeypatch, rest, error):
    def refuse(self, *arguments, **keywords):
        raise error

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    files.warn_once.cache_clear()
    with pytest.warns(
        ComaWarning,
        match=rf"^The file system of {place.path} has no locks; two runs at the same time are not",
    ):
        place.save_info(description="without")
    with place.running():
        place.look().measurements.add({}, rest(1))
    place.deactivate()
    assert place.look().number() == 2


def test_a_lock_file_that_cannot_be_made_is_an_error(tmp_path):
    with (
        pytest.raises(StorageError, match="cannot lock a: its directory does not exist"),
        locks.lock(str(tmp_path / "gone" / "a"), wait=0),
    ):
        pass


def test_a_save_whose_index_alone_could_not_be_written_has_saved(experiment_path, monkeypatch):
    e = coma.Experiment(experiment_path)
    measurement = e.new_measurement()
    monkeypatch.setattr("coma_xr.store.place._WAIT", 0)
    with (
        locks.lock(f"{e.path}/.coma.lock", wait=0),
        pytest.warns(ComaWarning, match="measurements are saved, but their index is not"),
    ):
        assert measurement.save({"results": {"y": 1}}) == 1
    assert e.measurement(1)["results/y"] == 1


def test_a_lock_makes_no_directory(tmp_path):
    with pytest.raises(StorageError, match="cannot lock"), locks.lock(str(tmp_path / "gone" / "a"), wait=0):
        pass
    assert not (tmp_path / "gone").exists()

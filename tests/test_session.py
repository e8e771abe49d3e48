import errno
import os
import random
import stat
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import coma_xr as coma
from coma_xr import files
from coma_xr.encoding import json
from coma_xr.errors import ComaWarning, StorageError


@pytest.fixture
def e(tmp_path):
    return coma.Experiment(tmp_path / "e", config={})


def refuse(monkeypatch, name, chosen, times=1, number=errno.EIO):
    """Let a function of `files` fail so often for chosen paths."""
    real = getattr(files, name)
    failed = []

    def function(path, *args, **more):
        if len(failed) < times and chosen(path):
            failed.append(path)
            raise StorageError(number, "the disk reports an error", path)
        return real(path, *args, **more)

    monkeypatch.setattr(files, name, function)


def sets(e):
    return [m.parameters.a for m in e.measurements()]


def test_a_record_of_a_failure_that_cannot_be_removed_makes_no_second_measurement(e, monkeypatch):
    def simulate(a):
        if not works:
            raise ValueError
        return a

    works = False
    with pytest.warns(coma.ComaWarning, match="2 of 2 parameter sets failed"):
        e.run(simulate, {"a": [1, 2]}, progress=False)
    works = True
    refuse(monkeypatch, "remove", lambda path: "failure." in path)
    with pytest.warns(
        coma.ComaWarning,
        match=r"The record of an earlier failure could not be removed: .*failure\.000001\.json",
    ):
        assert e.run(simulate, {"a": [1, 2]}, progress=False) == (2, 2)
    assert sets(e) == [1, 2]


def test_a_measurement_that_is_written_but_not_synced_is_not_written_twice(e, monkeypatch, tmp_path):
    def simulate(a):
        time.sleep(0.03)
        return a

    written = tmp_path / "e/measurement.000001.json"
    sync = os.fsync

    def fail(descriptor):
        if written.exists() and stat.S_ISDIR(os.fstat(descriptor).st_mode):
            monkeypatch.setattr(os, "fsync", sync)
            raise OSError(errno.EIO, "")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageError, match="the disk reports an input/output error") as raised:
        e.run(simulate, {"a": [1, 2]}, progress=False)
    assert raised.value.written
    assert sets(e) == [1]


def test_a_sync_that_fails_in_the_background_ends_the_run(e, monkeypatch):
    def simulate(a):
        time.sleep(0.015)
        return a

    refuse(monkeypatch, "sync_everything", lambda _: True)
    with pytest.raises(StorageError, match="the disk reports an error") as raised:
        e.run(simulate, {"a": range(150)}, progress=False)
    assert 0 < raised.value.report.saved < 150
    assert len(raised.value.unsaved) == 1


def test_a_full_disk_hands_back_what_was_computed_though_nothing_else_can_be_written(e, monkeypatch):
    full = []

    def is_full(path):
        if path.endswith("measurement.000003.json"):
            full.append(path)
        return bool(full)

    for name in ("create", "replace"):
        refuse(monkeypatch, name, is_full, times=1000, number=errno.ENOSPC)
    with pytest.raises(StorageError, match=r"measurement\.000003\.json") as raised:
        e.run(lambda a: a, {"a": [1, 2, 3, 4]}, progress=False)
    error = raised.value
    assert [outcome.task.values for outcome in error.unsaved] == [(3,)]
    assert (error.report, error.report.not_run) == ((2, 4), 2)
    assert any("experiment.none.json" in note for note in error.__notes__)


@pytest.mark.parametrize(
    "how",
    [
        {"max_workers": 0},
        {"on_error": "ignore"},
        {"timeout": -1},
        {"executor": 3},
        {"executor": ThreadPoolExecutor(1), "timeout": 1},
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
def test_settings_that_make_no_sense_are_refused_before_anything_is_written(e, how, dry_run):
    files_before = sorted(path.name for path in e.path.iterdir())
    with pytest.raises(coma.ParameterError, match=[*how][-1]):
        e.run(lambda a: a, {"a": [1]}, progress=False, dry_run=dry_run, **how)
    assert sorted(path.name for path in e.path.iterdir()) == files_before


def test_a_run_of_one_point_hardly_asks_the_file_system_again(tmp_path, monkeypatch):
    "A public call looks at the directory once, and once more under each lock that it takes."
    e = coma.Experiment(tmp_path / "e")
    e.run(lambda x: {"y": x}, {"x": [1, 2]}, progress=False)
    asked = []
    for name in ("stamp", "exists", "is_directory", "identity", "size"):
        function = getattr(files, name)

        def call(path, function=function):
            asked.append(path)
            return function(path)

        monkeypatch.setattr(files, name, call)
    e.run(lambda x: {"y": x}, {"x": [3]}, progress=False)
    assert len(asked) <= 12
    asked.clear()
    assert len(e.to_dataset().x) == 3
    assert len(asked) <= 3


def test_what_a_run_records_is_written_once_before_it_and_once_after(e, monkeypatch):
    real, written = files.swap, []
    monkeypatch.setattr(files, "swap", lambda path, data: written.append(data) or real(path, data))

    def draw(x, rng):
        return {"y": x + rng.random()}

    e.run(draw, {"x": [1]}, progress=False)
    before, after = (set(json.decode(data)["coma_xr"]) for data in written)
    assert before == {"definition", "seed", "function", "asked", "scans"}
    assert after == before | {"names"}
    e.run(draw, {"x": [1]}, progress=False)
    assert len(written) == 2


def test_memory_that_runs_out_while_a_result_is_saved_costs_that_result_only(e, monkeypatch):
    real, failed = files.create, []

    def create(path, *arguments, **options):
        if path.endswith("measurement.000002.json") and not failed:
            failed.append(path)
            raise MemoryError
        return real(path, *arguments, **options)

    monkeypatch.setattr(files, "create", create)
    with pytest.raises(MemoryError) as raised:
        e.run(lambda a: a, {"a": [1, 2, 3]}, progress=False)
    (note,) = raised.value.__notes__
    assert note.startswith("1 of 3 parameter sets are saved;")
    assert note.endswith("Run again when there is more memory.")
    assert raised.value.unsaved[0].task.values == (2,)
    assert raised.value.report.saved == 1
    assert sets(e) == [1]
    assert e.run(lambda a: a, {"a": [1, 2, 3]}, progress=False) == (2, 3)
    assert sets(e) == [1, 2, 3]
    assert e.verify() == []


@pytest.mark.ci
def test_a_clock_that_jumps_changes_nothing_but_dates(e, monkeypatch):
    chance, now = random.Random(20261130), time.time()
    jumps = [0, 1, -1, 3600, -3600, 50 * 365 * 86400, -50 * 365 * 86400]
    monkeypatch.setattr(time, "time", lambda: now + chance.choice(jumps))
    monkeypatch.setattr(time, "time_ns", lambda: int(time.time() * 1e9))
    for a in range(4):
        assert e.run(lambda a: a, {"a": [a, a + 1]}, progress=False).saved == 2 - (a > 0)
        e.exclude(1, "wrong")
        e.remove([a + 1], "again")
        assert len(e.restore()) == 1
        e.deactivate()
        e.activate()
    assert sets(e) == [0, 1, 2, 3, 4]
    assert all(0 <= m.info["duration"] < 60 for m in e.measurements())
    assert e.verify() == []


def test_nearly_equal_numbers_are_reported_by_the_run_that_computes_one_of_them(e, recwarn):
    def simulate(a):
        return {"y": 1.0}

    e.run(simulate, {"a": [0.3, 1, 2.0]}, progress=False)
    with pytest.warns(ComaWarning, match=r"a = 0\.3 and 0\.30000000000000004\. Round") as caught:
        e.run(simulate, {"a": [0.1 + 0.2, 5.0]}, progress=False)
    assert len(caught) == 1
    e.run(simulate, {"a": [0.1 + 0.2, 6.0]}, progress=False)
    assert not recwarn.list


def test_a_run_without_any_parameter_set_is_reported(e):
    e.run(lambda a: {"y": a}, {"a": [1]}, progress=False)
    for dry_run in (False, True):
        with pytest.warns(ComaWarning, match="No parameter sets were added in this process; nothing was run"):
            assert e.run(lambda p: {"results": {"y": 1}}, dry_run=dry_run) == (0, 0)
        with pytest.warns(ComaWarning, match="The scan has no parameter sets; nothing was run"):
            assert e.run(lambda a: a, {"a": []}, dry_run=dry_run) == (0, 0)

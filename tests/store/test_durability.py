"""What was expensive to compute is on the disk for good at once, what was cheap within a second."""

from __future__ import annotations

import errno
import json
import threading
import time

import pytest

import coma_xr as coma
from coma_xr import files
from coma_xr.errors import StorageError
from coma_xr.store.place import ExperimentDirectory


@pytest.fixture
def place(experiment_path):
    return ExperimentDirectory(experiment_path, config={})


@pytest.fixture
def synced(monkeypatch, place):
    "The names that were synced in bulk, with the times."
    calls = []

    def sync(directory, new):
        assert directory == place.path
        calls.append((time.monotonic(), list(new)))

    monkeypatch.setattr(files, "sync_everything", sync)
    return calls


@pytest.mark.parametrize(
    ("durable", "seconds", "at_once"),
    [
        ("auto", 0.02, True),
        ("auto", 3600.0, True),
        ("auto", 0.019, False),
        (True, 0.0, True),
        (False, 3600.0, False),
    ],
)
def test_durability_follows_cost(place, recorded, rest, durable, seconds, at_once):
    with place.saving(durable) as saver:
        before = recorded.log.count("fsync")
        saver.add({}, rest(1), id=1, seconds=seconds)
        saver.add_failure({"parameters": {}}, id=2, seconds=seconds)
        # One for each file and one for each directory entry.
        assert recorded.log.count("fsync") - before == (4 if at_once else 0)


def test_what_is_closed_immediately_is_synced_without_a_thread(place, synced, rest, monkeypatch):
    monkeypatch.setattr(threading.Thread, "start", None)
    with place.saving(in_turns=False) as saver:
        saver.add({}, rest(1), id=1, seconds=0.0)
        assert not synced
    assert [names for _, names in synced] == [["measurement.000001.json"]]


def test_an_expensive_measurement_is_synced_before_it_gets_its_name(place, recorded, rest):
    with place.saving() as saver:
        del recorded.log[:]
        saver.add({}, rest(1), id=1, seconds=1.0)
    assert recorded.log == ["open", "write", "fsync", "link", "unlink", "fsync"]


def test_cheap_measurements_are_synced_in_bulk_within_a_second(place, synced, rest):
    with place.saving() as saver:
        assert saver.add({}, rest(1), id=1, seconds=0.0) == 1
        added = time.monotonic()
        assert saver.add({}, rest(2), id=1, seconds=0.0) == 2
        assert saver.add_failure({"parameters": {}}, id=3, seconds=0.0) == 3
        assert synced == []
        while not synced and time.monotonic() < added + 5:
            time.sleep(0.01)
        [(when, names)] = synced
        assert when - added < 1.0
        assert names == ["measurement.000001.json", "measurement.000002.json", "failure.000003.json"]
        saver.add({}, rest(3), id=4, seconds=0.0)
    assert [names for _, names in synced[1:]] == [["measurement.000004.json"]]


def test_at_the_end_all_is_synced_and_no_thread_is_left(place, synced, rest):
    with place.saving() as saver:
        for number in range(1, 4):
            saver.add({}, rest(number), id=number, seconds=0.0)
    assert [name for _, names in synced for name in names] == [
        f"measurement.00000{n}.json" for n in (1, 2, 3)
    ]
    assert not [thread for thread in threading.enumerate() if thread.name == "coma_xr sync"]


def test_at_the_end_all_is_synced_after_an_interrupt_too(place, synced, rest):
    def interrupted():
        with place.saving() as saver:
            saver.add({}, rest(1), id=1, seconds=0.0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [names for _, names in synced] == [["measurement.000001.json"]]


@pytest.mark.parametrize("durable", [True, False])
def test_without_cheap_measurements_there_is_no_thread(place, synced, rest, durable):
    with place.saving(durable) as saver:
        saver.add({}, rest(1), id=1, seconds=0.0)
        assert not [thread for thread in threading.enumerate() if thread.name == "coma_xr sync"]
    assert synced == []


def test_a_sync_that_fails_in_the_background_is_an_error_at_the_next_measurement(place, monkeypatch, rest):
    failed = threading.Event()

    def sync(directory, new):
        failed.set()
        raise StorageError(errno.EIO, "cannot sync", directory)

    monkeypatch.setattr(files, "sync_everything", sync)

    def run():
        with place.saving() as saver:
            saver.add({}, rest(1), id=1, seconds=0.0)
            assert failed.wait(5)
            while True:
                saver.add({}, rest(2), id=2, seconds=0.0)
                time.sleep(0.001)

    with pytest.raises(StorageError, match="cannot sync"):
        run()


def test_a_sync_that_fails_at_the_end_is_an_error(place, monkeypatch, rest):
    def sync(directory, new):
        raise StorageError(errno.EIO, "cannot sync", directory)

    monkeypatch.setattr(files, "sync_everything", sync)
    saving = place.saving()
    saver = saving.__enter__()
    saver.add({}, rest(1), id=1, seconds=0.0)
    with pytest.raises(StorageError, match="cannot sync"):
        saving.__exit__(None, None, None)
    assert place.look().number() == 1


def test_saving_by_hand_again_does_not_list_the_directory(experiment_path, monkeypatch):
    e, tree = coma.Experiment(experiment_path, config={}), {"results": {"t": 1.5}}
    e.new_measurement().save(tree)
    monkeypatch.setattr(files, "names", None)
    for id in (2, 3):
        e._place._index_due = 0.0
        assert e.new_measurement().save(tree) == id
        assert json.loads((experiment_path / "measurement.index.json").read_bytes()) == {
            "measurements": {"last_measurement_id": id}
        }

import os
import signal
import threading
import time
from collections import deque

import pytest

from coma_xr.define.scans import grid
from coma_xr.errors import RunError, StorageError
from coma_xr.run.plan import Durations, Outlook, plan
from coma_xr.run.pools import BUDGET, Done, Pool, outcomes
from coma_xr.run.remote import Reply, Result
from coma_xr.run.schedule import Interrupts, Queue, TimeLimit
from coma_xr.run.worker import prepare
from tests.run.common import Kept, run


class Instant(Pool):
    """Two workers that compute a chunk as soon as somebody asks what has happened, each set in so many seconds."""

    size = places = spare = 2

    def __init__(self, seconds=1e-6):
        self.seconds = seconds
        self.flights = deque()
        self.begun = 0

    @property
    def busy(self):
        return len(self.flights)

    def grow(self, wanted):
        return False

    def submit(self, chunk):
        self.begun += len(chunk)
        self.flights.append(chunk)

    def events(self, *, wait=True):
        done = [*self.flights]
        self.flights.clear()
        result = Result({}, b"", None, self.seconds, {})
        return [Done(chunk, Reply([result] * len(chunk), self.seconds * len(chunk))) for chunk in done]

    def recall(self):
        pass

    def close(self, *, kill):
        pass


def dispatched(pool, number, interrupts=None):
    scan = grid(a=range(number))
    work = prepare(lambda a: a, scan.definition, "keywords")
    todo = plan(scan.rows()).todo
    queue = Queue(todo, Outlook(Durations(), [task.values for task in todo]), TimeLimit(None))
    return outcomes(work, queue, pool, interrupts or Interrupts(str), suspects_at_once=10)


@pytest.mark.ci
def test_what_is_not_saved_yet_is_bounded_however_slow_saving_is():
    pool = Instant()
    most = 0
    for saved, _ in enumerate(dispatched(pool, 2000), 1):
        time.sleep(0.001)
        most = max(most, pool.begun - saved)
    assert (saved, pool.begun) == (2000, 2000)
    # What each of two workers has in work, what waits behind it, and as much again that came.
    assert most <= 6 * (BUDGET / 0.001) * 1.2


def test_workers_get_more_before_all_that_came_at_once_is_saved():
    pool = Instant(seconds=1.0)
    source = dispatched(pool, 100)
    assert next(source)
    assert (pool.begun, pool.busy) == (4, 2)
    source.close()


def test_an_executor_that_breaks_does_not_hide_why_a_run_ended():
    pool = Instant()
    interrupts = Interrupts(str)
    source = dispatched(pool, 100, interrupts)
    assert next(source)
    interrupts.now = True
    pool.broken = RunError("The executor is broken.")
    assert len([*source]) == pool.begun - 1


def test_what_could_not_be_saved_is_handed_back_though_the_executor_breaks_too(monkeypatch):
    pool = Instant()
    monkeypatch.setattr("coma_xr.run.runner.pool_of", lambda *_, **__: pool)
    kept = Kept()

    def full(outcome):
        pool.broken = RunError("The executor is broken.")
        raise StorageError(28, "No space left on device", "x")

    kept.save = full
    with pytest.raises(StorageError) as raised:
        run(lambda a: a, 100, kept, max_workers=2)
    assert len(raised.value.unsaved) == pool.begun
    assert raised.value.report.saved == 0


def test_nothing_is_begun_after_ctrl_c_also_not_what_waits_behind_that_in_work(tmp_path):
    def simulate(a):
        if a >= 1000:
            (tmp_path / str(a)).touch()
            time.sleep(1.5)
        return a

    def interrupt():
        while not [*tmp_path.iterdir()]:
            time.sleep(0.01)
        time.sleep(0.5)
        asked.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    asked = []
    kept = Kept()
    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt) as raised:
        run(simulate, 3000, kept, max_workers=2)
    thread.join()
    assert time.monotonic() - asked[0] < 2.5
    begun = {int(path.name) for path in tmp_path.iterdir()}
    assert 1 <= len(begun) <= 2
    # What was in work is kept.
    assert begun <= set(kept.values())
    assert raised.value.report.saved == len(kept.saved)

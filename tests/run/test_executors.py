"""Executors of somebody else: any that has `submit`, however it behaves."""

import concurrent.futures
import multiprocessing
import os
import re
import sys
import threading
import time
from typing import ClassVar

import cloudpickle
import loky
import pytest

import coma_xr as coma
from coma_xr.errors import ParameterError, RunError, SerializationError
from coma_xr.run import pools
from tests.run.common import Kept, accounted_for, interrupt_at, quietly, run

cloudpickle.register_pickle_by_value(sys.modules[__name__])


class Executor:
    """Runs everything at once, in submit; has no other method than that."""

    def __init__(self):
        self.arguments = []

    def submit(self, function, *arguments):
        self.arguments.append(arguments)
        future = concurrent.futures.Future()
        self.complete(future, function, arguments)
        return future

    def complete(self, future, function, arguments):
        future.set_result(function(*arguments))


def test_nothing_but_submit_is_needed(kept):
    assert run(lambda a: a, 200, kept, executor=Executor()) == (200, 200)
    assert kept.values() == list(range(200))


def test_no_two_calls_are_alike_since_some_executors_take_these_for_one():
    class Caching(Executor):
        known: ClassVar = {}

        def complete(self, future, function, arguments):
            assert repr(arguments) not in self.known
            self.known[repr(arguments)] = future.set_result(function(*arguments))

    def simulate(a):
        raise ValueError

    for _ in range(2):
        quietly(run, simulate, 5, Kept(), executor=Caching())
    assert len(Caching.known) >= 10


def test_results_may_come_late_in_any_order_from_any_thread(kept):
    class Late(Executor):
        def complete(self, future, function, arguments):
            delay = 0.03 - 0.001 * len(self.arguments) % 0.03
            threading.Timer(delay, lambda: future.set_result(function(*arguments))).start()

    assert run(lambda a: a, 60, kept, executor=Late(), max_workers=7) == (60, 60)
    assert kept.values() == list(range(60))


def test_a_result_that_comes_twice_counts_once(kept):
    class Twice(concurrent.futures.Future):
        def add_done_callback(self, function):
            super().add_done_callback(function)
            super().add_done_callback(function)

    class Doubling(Executor):
        def submit(self, function, *arguments):
            future = Twice()
            future.set_result(function(*arguments))
            return future

    assert run(lambda a: a, 30, kept, executor=Doubling()) == (30, 30)


def test_no_more_is_given_than_there_are_places(kept):
    class Counting(Executor):
        flying, most = 0, 0

        def complete(self, future, function, arguments):
            self.flying += 1
            self.most = max(self.most, self.flying)

            def land():
                time.sleep(0.06)  # so that chunks stay small
                self.flying -= 1
                future.set_result(function(*arguments))

            threading.Thread(target=land).start()

    executor = Counting()
    assert run(lambda a: a, 12, kept, executor=executor, max_workers=3) == (12, 12)
    assert executor.most == 3


def test_workers_go_on_while_what_they_sent_is_saved(kept):
    begun = []

    def simulate(a):
        begun.append(a)
        return a

    def save(outcome):
        # So many more as it takes to see that somebody works meanwhile.
        wanted = min(60, outcome.task.position + 2)
        end = time.monotonic() + 20
        while len(begun) < wanted:
            assert time.monotonic() < end, "nobody works while this is saved"
            time.sleep(0.001)
        return Kept.save(kept, outcome)

    kept.save = save
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        assert run(simulate, 60, kept, executor=executor) == (60, 60)
    assert begun == list(range(60))


class TestTrouble:
    @pytest.mark.parametrize("after", [0, 3])
    def test_one_that_takes_no_more_work(self, kept, after):
        class Closed(Executor):
            def submit(self, function, *arguments):
                if len(self.arguments) == after:
                    raise RuntimeError("cannot schedule new futures after shutdown")
                return super().submit(function, *arguments)

        with pytest.raises(RunError) as raised:
            run(lambda a: a, 2000, kept, executor=Closed(), max_workers=1)
        assert str(raised.value) == (
            "The executor accepts no more work: RuntimeError: cannot schedule new futures after shutdown.\n"
            "Pass max_workers= in place of executor=: it replaces workers that have ended, and names the cause."
        )
        accounted_for(raised.value.report, kept, 2000)
        assert (raised.value.report.saved > 0) == (after > 0)

    def test_one_that_cancels_what_it_was_given(self, kept):
        class Cancelling(Executor):
            def complete(self, future, function, arguments):
                if len(self.arguments) == 3:
                    future.cancel()
                    future.set_running_or_notify_cancel()
                else:
                    super().complete(future, function, arguments)

        with pytest.raises(RunError, match=r"The executor cancelled its tasks\.") as raised:
            run(lambda a: a, 500, kept, executor=Cancelling(), max_workers=1)
        accounted_for(raised.value.report, kept, 500)
        assert raised.value.report.saved > 0

    @pytest.mark.parametrize("answer", [None, 5, "text", (1, 2)])
    def test_one_that_returns_something_else(self, kept, answer):
        class Mad(Executor):
            def complete(self, future, function, arguments):
                future.set_result(answer)

        report = quietly(run, lambda a: a, 3, kept, executor=Mad())
        accounted_for(report, kept, 3)
        assert set(kept.statuses().values()) == {("died", "WorkerDied")}
        message = kept.failed[1].failure["exception"]["message"]
        assert message.startswith("the executor returned no result: ")

    @pytest.mark.parametrize("error", [OSError("lost"), SystemExit(3), GeneratorExit()])
    def test_one_that_loses_single_sets_goes_on_with_the_others(self, kept, error):
        class Losing(Executor):
            def complete(self, future, function, arguments):
                if any(parcel.values == (7,) for parcel in arguments[2]):
                    future.set_exception(error)
                else:
                    super().complete(future, function, arguments)

        report = quietly(run, lambda a: a, 500, kept, executor=Losing(), max_workers=2)
        accounted_for(report, kept, 500)
        assert (report.saved, kept.statuses()) == (499, {7: ("died", "WorkerDied")})

    def test_one_whose_size_cannot_be_told_any_more(self, kept, monkeypatch):
        def gone():
            raise OSError("the scheduler has gone")

        monkeypatch.setattr(pools, "_capacity_of", lambda executor: gone)
        with pytest.raises(
            RunError, match=r"^The executor has no workers: OSError: the scheduler has gone\."
        ) as raised:
            run(lambda a: a, 5, kept, executor=Executor())
        assert raised.value.report.not_run == 5

    def test_a_function_that_cannot_be_loaded_there_is_no_failure_of_every_set(self, kept):
        class Elsewhere:
            def __reduce__(self):
                return __import__, ("not_installed_there",)

        elsewhere = Elsewhere()
        text = "The function cannot be loaded where it is to run.\nModuleNotFoundError: No module named 'not_installed_there'"
        with pytest.raises(SerializationError, match=f"^{re.escape(text)}$") as raised:
            run(lambda a: elsewhere, 5, kept, executor=Executor())
        accounted_for(raised.value.report, kept, 5)

    @pytest.mark.parametrize("wrong", [4, "dask", object(), int])
    def test_what_is_no_executor_is_an_error(self, wrong):
        text = f"executor={wrong!r} is a"
        with pytest.raises(ParameterError, match=f"^{re.escape(text)}"):
            run(lambda a: a, 1, Kept(), executor=wrong)

    def test_a_timeout_is_an_error_since_nobody_elses_worker_is_killed(self, tmp_path):
        with pytest.raises(ParameterError, match=r"^timeout= works with the worker processes of coma_xr"):
            coma.Experiment(tmp_path / "e").run(lambda a: a, {"a": [1]}, executor=Executor(), timeout=5)


class TestThreads:
    def test_a_function_stays_what_it_is(self, kept):
        lock, seen = threading.Lock(), []

        def simulate(a):
            with lock:
                seen.append(a)
            return a

        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            assert run(simulate, 50, kept, executor=pool) == (50, 50)
            assert pool.submit(abs, -1).result() == 1
        assert sorted(seen) == list(range(50))

    def test_the_first_ctrl_c_takes_back_what_has_not_begun(self, kept):
        def simulate(a):
            time.sleep(0.06)
            return a

        interrupt_at(kept, 3)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            with pytest.raises(KeyboardInterrupt) as raised:
                run(simulate, 50, kept, executor=pool, max_workers=20)
            assert pool.submit(abs, -1).result() == 1
        accounted_for(raised.value.report, kept, 50)
        assert 4 <= raised.value.report.saved <= 8


def test_an_executor_of_loky_is_not_shut_down(kept):
    with loky.ProcessPoolExecutor(2) as pool:
        assert run(lambda a: os.getpid(), 40, kept, executor=pool) == (40, 40)
        assert pool.submit(abs, -1).result() == 1


def test_a_pool_that_its_owner_shuts_down_midway_is_told(kept):
    def simulate(a):
        time.sleep(0.06)
        return a

    pool = concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("spawn"))
    save = kept.save

    def closing(outcome):
        if len(kept.saved) == 2:
            pool.shutdown(wait=False)
        return save(outcome)

    kept.save = closing
    with pytest.raises(
        RunError, match=r"^The executor accepts no more work: RuntimeError: cannot schedule"
    ) as raised:
        run(simulate, 30, kept, executor=pool)
    pool.shutdown()
    accounted_for(raised.value.report, kept, 30)
    assert raised.value.report.saved >= 3

"""Clusters of dask and ipyparallel, started here as their pages say; left out where they are not installed."""

import os
import signal
import sys
import time

import cloudpickle
import pytest

from coma_xr.errors import RunError
from tests.run.common import Kept, accounted_for, quietly, run
from tests.run.test_faults import MISBEHAVIOURS, check_misbehaviours

cloudpickle.register_pickle_by_value(sys.modules[__name__])

pytestmark = [pytest.mark.ci, pytest.mark.filterwarnings("default"), pytest.mark.timeout(180)]

# Limits of memory and forks in a process with an event loop are not what is to be tested.
FAULTS = [name for name in MISBEHAVIOURS if name not in {"out of memory", "forks"}]


@pytest.fixture
def nothing_is_left():
    """Clusters start threads and processes as they like; that they end is their own."""


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed")
    dask = pytest.importorskip("dask")
    with (
        # A worker that has died is started again once: the first death is blamed, not the fourth.
        dask.config.set(
            {"distributed.scheduler.allowed-failures": 0, "distributed.comm.timeouts.connect": "60s"}
        ),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def view():
    ipyparallel = pytest.importorskip("ipyparallel")
    with ipyparallel.Cluster(n=2, log_level=50) as remote:
        remote.wait_for_engines(2, timeout=60)
        yield remote


class TestDask:
    def test_a_client_computes_everything(self, client):
        kept = Kept()
        assert run(lambda a: {"pid": os.getpid()}, 300, kept, executor=client) == (300, 300)
        assert kept.values() == list(range(300))

    def test_equal_calls_are_not_taken_for_one(self, client):
        kept = Kept()
        run(lambda a: {"x": time.time_ns()}, [1, 1.0, 2], kept, executor=client)
        again = Kept()
        run(lambda a: {"x": time.time_ns()}, [1, 1.0, 2], again, executor=client)
        texts = [outcome.rest for some in (kept, again) for outcome in some.saved.values()]
        assert len(set(texts)) == len(texts)

    def test_whatever_a_function_does_costs_its_own_set_only(self, client, report_line):
        check_misbehaviours({"executor": client}, FAULTS)
        report_line(
            f"faults: {len(FAULTS)} of {len(FAULTS)} misbehaviours cost only their own parameter set, dask"
        )

    def test_a_worker_that_dies_is_named(self, client, report_line):
        def simulate(a):
            if a == 5:
                os.kill(os.getpid(), signal.SIGKILL)
            return a

        kept = Kept()
        report = quietly(run, simulate, 20, kept, executor=client, on_error="continue")
        accounted_for(report, kept, 20)
        assert report.not_run == 0
        assert kept.statuses()[5] == ("died", "WorkerDied")
        assert "KilledWorker" in kept.failed[6].failure["exception"]["message"]
        again = Kept()
        assert run(lambda a: a, 10, again, executor=client) == (10, 10)
        report_line("faults: 1 of 1 deaths recorded, dask")


class TestIpyparallel:
    def test_a_client_computes_everything(self, view):
        for executor in (view, view.executor()):
            kept = Kept()
            assert run(lambda a: {"pid": os.getpid()}, 100, kept, executor=executor) == (100, 100)
            assert kept.values() == list(range(100))

    def test_whatever_a_function_does_costs_its_own_set_only(self, view, report_line):
        check_misbehaviours({"executor": view.executor()}, FAULTS)
        report_line(
            f"faults: {len(FAULTS)} of {len(FAULTS)} misbehaviours cost only their own parameter set, ipyparallel"
        )

    def test_an_engine_that_dies_is_named_and_when_none_is_left_that_is_told(self, view, report_line):
        def simulate(a):
            time.sleep(0.06)  # longer than tiny ones, which travel together
            if a == 5:
                os.kill(os.getpid(), signal.SIGKILL)
            return a

        kept = Kept()
        report = quietly(run, simulate, 12, kept, executor=view.executor(), on_error="continue")
        accounted_for(report, kept, 12)
        assert report.not_run == 0
        assert kept.statuses() == {5: ("died", "WorkerDied")}
        again = Kept()
        assert run(lambda a: a, 10, again, executor=view.executor()) == (10, 10)
        last = Kept()
        with pytest.raises(RunError) as raised:
            quietly(run, simulate, [5, 6, 7], last, executor=view.executor(), on_error="continue")
        assert str(raised.value).startswith(
            "The executor has no workers: ConnectionError: no engine is left."
        )
        accounted_for(raised.value.report, last, 3)
        report_line("faults: 2 of 2 deaths told, ipyparallel")

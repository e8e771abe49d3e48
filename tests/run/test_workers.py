"""Worker processes of our own."""

import fnmatch
import functools
import gc
import io
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
import warnings
from collections import Counter
from pathlib import Path

import cloudpickle
import loky
import pytest

from coma_xr.define.scans import grid
from coma_xr.encoding.json import decode, prepend_info
from coma_xr.errors import ComaWarning, RunError, SerializationError, StorageError
from coma_xr.run import pools
from coma_xr.run.options import RunOptions
from coma_xr.run.plan import plan
from coma_xr.run.runner import pool_of
from coma_xr.run.worker import prepare
from coma_xr.values.objects import register
from tests.run.common import Kept, accounted_for, interrupt_at, quietly, run

cloudpickle.register_pickle_by_value(sys.modules[__name__])


def results(kept):
    trees = [
        decode(prepend_info({}, kept.saved[number].rest))["measurement"] for number in sorted(kept.saved)
    ]
    return [tree["results"]["simulate"] for tree in trees]


def raises(kind, text):
    return pytest.raises(kind, match=f"^{re.escape(text)}")


@pytest.mark.ci
def test_ids_follow_the_scan_whatever_is_done_first(kept, tmp_path):
    path = str(tmp_path / "second")

    def simulate(a):
        deadline = time.monotonic() + 20
        while a == 0 and not os.path.exists(path) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.06)
        if a == 1:
            Path(path).touch()
            return a
        time.sleep(0.5 * (a == 0))
        return a

    assert run(simulate, 6, kept, max_workers=2) == (6, 6)
    assert kept.values() == results(kept) == list(range(6))
    assert next(iter(kept.saved)) == 2


def test_functions_of_all_kinds_reach_the_workers(kept):
    factor = 3

    class Model:
        def __call__(self, a):
            return {"simulate": factor * a}

    assert run(Model(), 4, kept, max_workers=2) == (4, 4)
    assert results(kept) == [0, 3, 6, 9]
    assert run(lambda a, f=lambda x: factor * x: {"simulate": f(a)}, 4, Kept(), max_workers=2) == (4, 4)


def test_functions_with_a_cache_reach_the_workers(kept):
    square = functools.lru_cache(maxsize=7)(lambda a: a**2)
    pattern = functools.lru_cache(fnmatch.translate)
    by_name = urllib.parse.urlsplit

    def simulate(a):
        import urllib.parse

        cached = [square(a), square(a), square.cache_info().hits, square.cache_info().maxsize]
        return {
            "simulate": [
                *cached,
                pattern("a*") == pattern.__wrapped__("a*"),
                urllib.parse.urlsplit is by_name,
            ]
        }

    assert run(simulate, 1, kept, max_workers=2) == (1, 1)
    assert results(kept) == [[0, 0, 1, 7, True, True]]


def test_what_a_worker_logs_and_warns_of_comes_to_the_session(kept, caplog, request):
    quiet = logging.getLogger("quiet")
    quiet.setLevel(logging.ERROR)
    request.addfinalizer(lambda: quiet.setLevel(logging.NOTSET))

    def simulate(a):
        logging.getLogger("quiet").setLevel(logging.INFO)
        logging.getLogger("quiet").info("below the level of the session")
        try:
            1 / 0
        except ZeroDivisionError:
            logging.getLogger("model").exception("no result")
        thread = threading.Thread(target=logging.getLogger("model").warning, args=["in a thread"])
        thread.start()
        thread.join()
        # Named like something else in the session.
        warnings.warn("odd", type("path", (UserWarning,), {"__module__": "os"}), stacklevel=1)
        text = io.StringIO()
        warnings.showwarning("shown", UserWarning, "model.py", 1, text)
        return {"simulate": text.getvalue()}

    with pytest.warns(UserWarning, match="odd") as caught:
        assert run(simulate, 1, kept, max_workers=2) == (1, 1)
    assert [warning.category for warning in caught] == [UserWarning]
    assert results(kept)[0].startswith("model.py:1: UserWarning: shown")
    first, second = (record for record in caplog.records if record.name == "model")
    assert (first.getMessage(), second.getMessage()) == ("no result", "in a thread")
    assert first.exc_text.endswith("ZeroDivisionError: division by zero")
    assert not [record for record in caplog.records if record.name == "quiet"]


def test_workers_compute_for_a_session_whose_working_directory_is_gone(kept, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    with loky.ProcessPoolExecutor(1) as executor:
        here = executor.submit(os.getcwd).result()
        monkeypatch.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
        assert run(lambda a: {"simulate": os.getcwd()}, 1, kept, executor=executor) == (1, 1)
    assert results(kept) == [here]


def test_registered_types_reach_the_workers(kept):
    class Lattice:
        def __init__(self, n):
            self.n = n

    register(
        Lattice, lambda lattice: {"n": lattice.n}, lambda tree: Lattice(tree["n"]), name="lattice of a test"
    )

    def simulate(a):
        return Lattice(a)

    assert run(simulate, 2, kept, max_workers=2) == (2, 2)
    assert results(kept)[1] == {"__type__": "lattice of a test", "tree": {"n": 1}}


def test_a_worker_imports_nothing_heavy(tmp_path):
    "In a session that has not imported it: registered types and filters of warnings take their modules along."
    script = tmp_path / "script.py"
    script.write_text(
        "import coma_xr as coma\n"
        "def simulate(a):\n"
        "    import sys\n"
        "    heavy = {'numpy', 'pandas', 'xarray', 'matplotlib', 'tqdm', 'filelock'}\n"
        "    return {'modules': sorted(heavy & set(sys.modules))}\n"
        "if __name__ == '__main__':\n"
        "    e = coma.Experiment('e', config={})\n"
        "    e.run(simulate, {'a': [1, 2]}, max_workers=2, progress=False)\n"
        "    print([m.results['modules'] for m in e.measurements()])\n"
    )
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == "[[], []]\n"


def test_there_is_one_run_at_a_time_in_each_worker_and_no_more_workers_than_asked_for(kept):
    def simulate(a):
        time.sleep(0.02)
        return [os.getpid(), threading.active_count()]

    run(simulate, 30, kept, max_workers=2)
    assert 1 <= len({pid for pid, _ in results(kept)}) <= 2


def test_linear_algebra_is_kept_to_its_share_of_the_cores(kept, monkeypatch):
    monkeypatch.setattr(pools, "cores", lambda: 8)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MKL_NUM_THREADS", "5")

    def simulate(a):
        return [os.environ[f"{name}_NUM_THREADS"] for name in ("OMP", "OPENBLAS", "MKL")]

    run(simulate, 2, kept, max_workers=2)
    assert results(kept)[0] == ["4", "4", "5"]
    assert "OMP_NUM_THREADS" not in os.environ


@pytest.fixture
def submitted(monkeypatch):
    """The chunks that workers of our own are given, each with how many more these have than they can work on."""
    chunks = []

    def wrapped(*more):
        pool = real(*more)
        submit = pool.submit

        def noted(chunk):
            submit(chunk)
            chunks.append(([task.values[0] for task in chunk], pool.busy - pool.places))

        pool.submit = noted
        return pool

    real = pools.own_pool
    monkeypatch.setattr(pools, "own_pool", wrapped)
    return chunks


@pytest.mark.ci
def test_tiny_sets_travel_in_chunks_which_are_handed_back_in_time(submitted):
    kept = Kept()
    assert run(lambda a: a, 3000, kept, max_workers=2) == (3000, 3000)
    assert kept.values() == list(range(3000))
    assert len(submitted[0][0]) == 1
    assert len(submitted) < 300

    # What looks tiny at first but is not comes back before the chunk is through.
    submitted.clear()
    kept = Kept()

    def simulate(a):
        time.sleep(0.03 if a >= 100 else 0)
        return a

    assert run(simulate, 140, kept, max_workers=2) == (140, 140)
    assert kept.values() == list(range(140))
    assert len(submitted[-1][0]) <= 2


@pytest.mark.ci
def test_a_chunk_of_tiny_sets_waits_behind_that_in_work_and_no_other_does(kept, submitted):
    def simulate(a):
        time.sleep(0.001)
        return a

    assert run(simulate, 1000, kept, max_workers=2) == (1000, 1000)
    assert 0 < max(waiting for _, waiting in submitted) <= 2
    for more in ({}, {"timeout": 60}):
        submitted.clear()

        def simulate(a, *, seconds=0.001 if more else 0.06):
            time.sleep(seconds)
            return a

        run(simulate, 300 if more else 12, Kept(), max_workers=2, **more)
        assert max(waiting for _, waiting in submitted) == 0


@pytest.mark.ci
def test_only_as_many_workers_are_started_as_there_is_work_for(kept):
    def simulate(a):
        return os.getpid()

    before = set(threading.enumerate())
    assert run(simulate, 50, kept, max_workers=40) == (50, 50)
    assert len(set(results(kept))) < 40
    # That of a queue of loky's is on its way out; whether it arrives is looked at after the test.
    left = set(threading.enumerate()) - before
    assert {thread.name for thread in left} <= {"QueueFeederThread"}


@pytest.mark.ci
def test_more_workers_than_executors_share_these(kept, monkeypatch):
    monkeypatch.setattr(pools, "_MOST_SLOTS", 1)

    def simulate(a):
        if a == 3:
            os._exit(1)
        time.sleep(0.05)
        return os.getpid()

    report = quietly(run, simulate, 8, kept, max_workers=2)
    accounted_for(report, kept, 8)
    assert kept.statuses() == {3: ("died", "WorkerDied")}
    assert len(set(results(kept))) >= 2


@pytest.mark.ci
def test_what_waited_behind_a_death_is_not_suspected(kept, submitted, tmp_path):
    log = tmp_path / "log"

    def simulate(a):
        with log.open("a") as file:
            file.write(f"{a}\n")
        time.sleep(0.001)
        if a == 500:
            os._exit(1)
        return a

    report = quietly(run, simulate, 1000, kept, max_workers=2)
    accounted_for(report, kept, 1000)
    assert kept.statuses() == {500: ("died", "WorkerDied")}
    # It may have been in chunks that came back before its turn, and was alone at last.
    *_, fatal, alone = (chunk for chunk, _ in submitted if 500 in chunk)
    assert alone == [500]
    twice = [a for a, n in Counter(map(int, log.read_text().split())).items() if n > 1]
    assert set(twice) <= set(fatal)


class TestTimeout:
    def test_what_takes_too_long_is_recorded_and_the_others_go_on(self, kept):
        def simulate(a):
            if a in (1, 4):
                time.sleep(60)
            return a

        report = quietly(run, simulate, 6, kept, max_workers=2, timeout=0.5)
        accounted_for(report, kept, 6)
        assert kept.statuses() == {1: ("timeout", "TimeoutError"), 4: ("timeout", "TimeoutError")}
        exception = kept.failed[2].failure["exception"]
        assert exception["message"] == "took longer than the timeout of 0.5 s"
        assert re.fullmatch(r".*test_workers\.py:\d+ in simulate", exception["line"])

    @pytest.mark.ci
    def test_it_holds_in_a_serial_run_which_then_has_one_worker(self, kept):
        def simulate(a):
            if a == 1:
                time.sleep(60)
            return os.getpid()

        quietly(run, simulate, 4, kept, timeout=0.5)
        assert kept.statuses() == {1: ("timeout", "TimeoutError")}
        assert os.getpid() not in results(kept)

    @pytest.mark.ci
    def test_it_counts_from_the_start_in_the_worker(self, kept):
        def simulate(a):
            time.sleep(0.2)
            return a

        assert run(simulate, 8, kept, max_workers=2, timeout=0.6) == (8, 8)

    @pytest.mark.ci
    def test_the_slow_one_among_tiny_ones_is_found(self, kept):
        def simulate(a):
            if a == 700:
                time.sleep(60)
            return a

        report = quietly(run, simulate, 1000, kept, max_workers=2, timeout=0.5)
        accounted_for(report, kept, 1000)
        assert kept.statuses() == {700: ("timeout", "TimeoutError")}

    @pytest.mark.ci
    def test_what_was_in_work_elsewhere_is_not_lost(self, kept):
        def simulate(a):
            time.sleep(60 if a == 0 else 0.7)
            return a

        report = quietly(run, simulate, 3, kept, max_workers=2, timeout=1.0)
        accounted_for(report, kept, 3)
        assert (kept.values(), list(kept.statuses())) == ([1, 2], [0])


class TestStopping:
    @pytest.mark.ci
    def test_the_first_failure_can_stop_all_with_its_traceback(self, kept):
        def simulate(a):
            if a == 3:
                raise ValueError("bad")
            time.sleep(0.01)
            return a

        with raises(RunError, "(a=3): ValueError: bad [") as raised:
            run(simulate, 50, kept, max_workers=2, on_error="stop")
        assert 'raise ValueError("bad")' in str(raised.value.__cause__)
        report = raised.value.report
        accounted_for(report, kept, 50)
        assert report.not_run > 30

    @pytest.mark.ci
    def test_a_death_can_stop_all_too(self, kept):
        def simulate(a):
            if a == 3:
                os._exit(1)
            time.sleep(0.02)
            return a

        with raises(RunError, "(a=3): WorkerDied: the worker process ended: EXIT(1) [") as raised:
            run(simulate, 50, kept, max_workers=2, on_error="stop")
        accounted_for(raised.value.report, kept, 50)
        assert raised.value.report.not_run > 20

    @pytest.mark.ci
    def test_failures_all_alike_end_a_run_that_never_succeeded(self, kept):
        def simulate(a):
            time.sleep(0.005)
            raise ValueError

        report = quietly(run, simulate, 500, kept, max_workers=2)
        accounted_for(report, kept, 500)
        assert 10 <= report.failed < 100

    @pytest.mark.ci
    def test_deaths_of_all_end_a_run_that_never_succeeded(self, kept, monkeypatch):
        from coma_xr.run import runner

        monkeypatch.setattr(runner, "_HOPELESS", 2)
        report = quietly(run, lambda a: os._exit(1), 50, kept, max_workers=1, timeout=10)
        accounted_for(report, kept, 50)
        assert 2 <= report.failed <= 4
        assert set(kept.statuses().values()) == {("died", "WorkerDied")}


class TestStorage:
    @pytest.mark.ci
    def test_all_that_was_computed_is_handed_back_when_nothing_can_be_written(self, kept):
        save = kept.save

        def full(outcome):
            if len(kept.saved) >= 5:
                raise StorageError(28, "No space left on device", "x")
            return save(outcome)

        kept.save = full
        with pytest.raises(StorageError) as raised:
            run(lambda a: a, 500, kept, max_workers=2)
        error = raised.value
        assert error.unsaved
        values = [outcome.task.values[0] for outcome in error.unsaved]
        assert not set(values) & set(kept.values())
        assert len(set(values)) == len(values)
        assert error.report.saved == 5


class TestWhatCannotBeRun:
    def test_a_function_that_no_other_process_can_have_is_an_error_before_anything_is_computed(self, kept):
        lock = threading.Lock()

        def simulate(a):
            return lock

        with raises(
            SerializationError,
            "simulate() cannot be sent to another process: TypeError: cannot pickle '_thread.lock' object.\nCreate "
            "objects that cannot be sent, such as open files, inside the function, or use max_workers=1.",
        ):
            run(simulate, 3, kept, max_workers=2)

    def test_a_module_that_workers_cannot_import_is_an_error_not_a_failure_of_every_set(self, kept, tmp_path):
        (tmp_path / "only_here.py").write_text("def simulate(a):\n    return a\n")
        sys.path.insert(0, str(tmp_path))
        try:
            import only_here
        finally:
            sys.path.remove(str(tmp_path))
        try:
            text = "The function cannot be loaded in a worker process."
            with raises(SerializationError, text) as raised:
                run(only_here.simulate, 3, kept, max_workers=2)
        finally:
            del sys.modules["only_here"]
        assert raised.value.report.not_run == 3

    def test_workers_that_end_before_they_begin_are_given_up(self, kept):
        class Deadly:
            def __reduce__(self):
                return os._exit, (9,)

        deadly = Deadly()
        with raises(
            RunError, "Worker processes end before they begin to work: the worker process ended: EXIT(9)"
        ) as raised:
            run(lambda a: deadly, 3, kept, max_workers=2)
        accounted_for(raised.value.report, kept, 3)

    def test_a_large_closure_is_a_warning(self, kept, monkeypatch):
        monkeypatch.setattr(pools, "_LARGE", 1000)
        table = b"x" * 1_000_000
        with pytest.warns(
            ComaWarning, match=r"^The function takes 1 MB along to the workers\. Is there a large array"
        ):
            run(lambda a: len(table), 1, kept, max_workers=2)

    def test_no_worker_is_started_when_there_is_nothing_to_do(self):
        work = prepare(lambda a: a, grid(a=[1]).definition, "keywords")
        assert pool_of(work, 0, RunOptions(max_workers=4)) is None
        assert pool_of(work, 5, RunOptions()) is None
        assert pool_of(work, 5, RunOptions(max_workers=None)).size == min(5, pools.cores())


class TestInterruption:
    """In this process; the signals are real, their time is chosen."""

    def test_the_first_finishes_and_keeps_what_is_running(self, kept, own_handler, capfd):
        def simulate(a):
            time.sleep(0.1)
            return a

        interrupt_at(kept, 3)
        with pytest.raises(KeyboardInterrupt) as raised:
            run(simulate, 50, kept, max_workers=2)
        report = raised.value.report
        accounted_for(report, kept, 50)
        assert 4 <= report.saved <= 6
        assert (
            "Ctrl-C: 3 of 50 parameter sets were saved. Running points are finished and kept."
            in capfd.readouterr().err
        )
        assert str(raised.value).endswith("Run again to continue.")

    def test_the_second_stops_at_once(self, kept, own_handler):
        def simulate(a):
            time.sleep(0.06 if a < 3 else 60)
            return a

        def twice():
            while len(kept.saved) < 3:
                time.sleep(0.01)
            for _ in range(2):
                time.sleep(0.2)
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

        thread = threading.Thread(target=twice)
        thread.start()
        begin = time.monotonic()
        with pytest.raises(KeyboardInterrupt) as raised:
            run(simulate, 50, kept, max_workers=2)
        thread.join()
        assert time.monotonic() - begin < 20
        accounted_for(raised.value.report, kept, 50)
        assert raised.value.report.saved == 3


SCRIPT = """
import os, signal, sys, time
from pathlib import Path
sys.path[:0] = [{root!r}]
signal.signal(signal.SIGINT, signal.default_int_handler)   # the test may run in the background
from tests.run.common import Kept, run

def simulate(a):
    Path(f"{{a}}.{{os.getpid()}}.running").touch()
    time.sleep(0.06 if a < 4 else float(sys.argv[1]))   # longer than tiny ones, which travel together
    return a

class Files(Kept):
    def save(self, outcome):
        Path(f"{{outcome.task.values[0]}}.saved").write_bytes(outcome.rest)
        return super().save(outcome)

if __name__ == "__main__":
    kept = Files()
    try:
        run(simulate, 20, kept, max_workers=2)
    except KeyboardInterrupt as error:
        print(error.report.saved, error.report.failed, error.report.not_run, flush=True)
        raise
"""


class Parent:
    """A script in a process group of its own that has two long parameter sets running."""

    def __init__(self, directory, seconds):
        self.directory = directory
        root = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
        script = directory / "script.py"
        script.write_text(SCRIPT.format(root=root))
        self.process = subprocess.Popen(
            [sys.executable, str(script), str(seconds)],
            cwd=directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        deadline = time.monotonic() + 60
        while not (len(self.long()) == 2 and len(self.saved()) == 4):
            assert time.monotonic() < deadline, "the script did not begin"
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.02)

    def long(self):
        return [path for path in self.directory.glob("*.running") if int(path.name.partition(".")[0]) >= 4]

    def saved(self):
        return sorted(int(path.stem) for path in self.directory.glob("*.saved"))

    def workers(self):
        return {int(path.name.split(".")[1]) for path in self.directory.glob("*.running")}

    def alive(self):
        found = set()
        for pid in self.workers():
            try:
                state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            except FileNotFoundError:
                continue
            if state != "Z":
                found.add(pid)
        return found

    def signal(self, number):
        os.killpg(self.process.pid, number)

    def end(self):
        out, err = self.process.communicate(timeout=60)
        assert "Exception in thread" not in err
        return self.process.returncode, out, err


@pytest.fixture
def parent(tmp_path):
    started = []

    def start(seconds):
        started.append(Parent(tmp_path, seconds))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()
        for pipe in (one.process.stdout, one.process.stderr):
            pipe.close()
        for pid in one.alive():
            os.kill(pid, signal.SIGKILL)


def gone(parent, seconds):
    deadline = time.monotonic() + seconds
    while parent.alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    return not parent.alive()


@pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere workers look after their parent twice a second"
)
def test_no_worker_outlives_a_parent_that_was_killed(parent):
    script = parent(60)
    os.kill(script.process.pid, signal.SIGKILL)
    assert gone(script, 1.0)
    assert script.saved() == [0, 1, 2, 3]


@pytest.mark.ci
@pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere workers look after their parent twice a second"
)
def test_on_a_busy_machine_no_worker_outlives_a_killed_parent_by_a_second(parent, report_line):
    script = parent(60)
    busy = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4 * (os.cpu_count() or 1))
    ]
    try:
        begin = time.monotonic()
        os.kill(script.process.pid, signal.SIGKILL)
        assert gone(script, 1.0)
        report_line(
            f"workers of a killed parent ended after {time.monotonic() - begin:.3f} s next to {len(busy)} busy processes"
        )
    finally:
        for one in busy:
            one.kill()
            one.wait()


def test_sigterm_ends_all_at_once_and_says_what_was_saved(parent):
    script = parent(60)
    os.kill(script.process.pid, signal.SIGTERM)
    begin = time.monotonic()
    code, _, err = script.end()
    assert time.monotonic() - begin < 10
    assert code == 143
    assert "SIGTERM: 4 of 20 parameter sets were saved. Run again to continue." in err
    assert gone(script, 1.0)


def test_ctrl_c_of_a_terminal_finishes_and_keeps_what_is_running(parent):
    script = parent(1.0)
    script.signal(signal.SIGINT)
    code, out, err = script.end()
    assert out == "6 0 14\n"
    assert script.saved() == [0, 1, 2, 3, 4, 5]
    assert err.startswith("Ctrl-C: 4 of 20 parameter sets were saved. Running points are finished and kept.")
    assert "Traceback" not in err.partition("KeyboardInterrupt")[0].replace("Traceback", "", 1)
    assert code == -signal.SIGINT
    assert gone(script, 1.0)


def test_a_second_ctrl_c_of_a_terminal_stops_at_once(parent):
    script = parent(60)
    script.signal(signal.SIGINT)
    time.sleep(0.3)
    script.signal(signal.SIGINT)
    begin = time.monotonic()
    code, out, _ = script.end()
    assert time.monotonic() - begin < 10
    assert out == "4 0 16\n"
    assert code == -signal.SIGINT
    assert gone(script, 1.0)


@pytest.mark.ci
def test_a_run_in_a_thread_has_workers_as_well(kept):
    reports = []
    thread = threading.Thread(target=lambda: reports.append(run(lambda a: a, 50, kept, max_workers=2)))
    thread.start()
    thread.join()
    assert reports == [(50, 50)]


@pytest.mark.ci
@pytest.mark.parametrize("end", ["a worker dies", "Ctrl-C"])
def test_no_thread_prints_a_traceback(kept, monkeypatch, capfd, end):
    threads = []
    monkeypatch.setattr(threading, "excepthook", threads.append)

    def simulate(a):
        if a == 2:
            os._exit(3) if end == "a worker dies" else os.kill(os.getppid(), signal.SIGINT)
        time.sleep(0.05)
        return a

    if end == "Ctrl-C":
        with pytest.raises(KeyboardInterrupt):
            quietly(run, simulate, 50, kept, max_workers=2)
    else:
        report = quietly(run, simulate, 6, kept, max_workers=2)
        assert (report.saved, report.failed) == (5, 1)
    gc.collect()
    assert threads == []
    assert "Traceback" not in capfd.readouterr().err


def left():
    gc.collect()
    semaphores = [name for name in os.listdir("/dev/shm") if f"loky-{os.getpid()}-" in name]
    return len(os.listdir("/proc/self/fd")), threading.active_count(), len(semaphores)


@pytest.mark.ci
def test_nothing_is_left_behind_after_many_runs():
    run(lambda a: a, 2, Kept(), max_workers=2)
    before = left()
    for _ in range(3):
        run(lambda a: a, 4, Kept(), max_workers=2)
    assert all(now <= then for now, then in zip(left(), before, strict=True))


def test_repeats_and_seeds_are_the_same_in_workers(kept):
    scan = grid(a=range(3))
    planned = plan(scan.rows(), repeats=2)

    def simulate(a, rng):
        return {"simulate": rng.random()}

    numbers = []
    for how in ({}, {"max_workers": 2}):
        some = Kept()
        run(simulate, 3, some, planned=planned, seed=5, **how)
        numbers.append(results(some))
        assert [some.saved[id].info["repeat"] for id in sorted(some.saved)] == [0, 0, 0, 1, 1, 1]
    assert numbers[0] == numbers[1]
    assert len(set(numbers[0])) == 6

"""What a function can do to whoever runs it: every parameter set is saved, failed or not run in the end."""

import asyncio
import concurrent.futures.process
import contextlib
import ctypes
import multiprocessing
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
import warnings

import cloudpickle
import pytest

from coma_xr.errors import RunError
from tests.run.common import Kept, accounted_for, quietly, run

# Workers cannot import the modules of tests.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

# ------------------------------------------------------------------ what a function may do and live


class TwoArguments(Exception):
    """Cannot be unpickled."""

    def __init__(self, one, two):
        super().__init__(one)


class WithLock(Exception):
    """Cannot be pickled."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()


class Silent(Exception):
    def __str__(self):
        raise ValueError


class Unwilling:
    def __reduce__(self):
        raise RuntimeError("not me")


def throw(error):
    raise error


def throw_from_itself():
    error = ValueError("circle")
    error.__cause__ = error
    raise error


def recurse(n):
    return recurse(n + 1) + 1


def nest(depth):
    tree = {}
    for _ in range(depth):
        tree = {"a": tree}
    return tree


def change_directory():
    os.chdir("/")
    return {"x": os.getcwd()}


def fork():
    pid = os.fork()
    if not pid:
        os._exit(0)
    return {"x": os.waitpid(pid, 0)[1]}


def start_a_thread():
    threading.Thread(target=time.sleep, args=(0.3,), daemon=True).start()
    return {"x": 1}


def run_threads_of_its_own():
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return {"x": list(pool.map(abs, [-1, -2]))}


def handle_signals():
    with contextlib.suppress(ValueError):  # not in the main thread
        before = signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, before)
    return {"x": 1}


def print_much():
    print("x" * 100_000)
    print("y" * 100_000, file=sys.stderr)
    return {"x": 1}


def close_standard_output():
    with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
        print("unseen")
    return {"x": 1}


def warn():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.warn("of the function", stacklevel=1)
    return {"x": 1}


def run_out_of_memory():
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), hard))
    try:
        return {"x": len(bytearray(1 << 30))}
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


SAVED = None
MISBEHAVIOURS = {
    "raises": (lambda: throw(ValueError("bad")), "ValueError"),
    "exception that cannot be unpickled": (lambda: throw(TwoArguments(1, 2)), "TwoArguments"),
    "exception that cannot be pickled": (lambda: throw(WithLock()), "WithLock"),
    "exception without a text": (lambda: throw(Silent()), "Silent"),
    "exception that is its own cause": (throw_from_itself, "ValueError"),
    "group of exceptions": (
        lambda: throw(BaseExceptionGroup("g", [ValueError(), SystemExit()])),
        "BaseExceptionGroup",
    ),
    "sys.exit": (lambda: sys.exit(5), "SystemExit"),
    "KeyboardInterrupt": (lambda: throw(KeyboardInterrupt()), "KeyboardInterrupt"),
    "GeneratorExit": (lambda: throw(GeneratorExit()), "GeneratorExit"),
    "StopIteration": (lambda: throw(StopIteration()), "StopIteration"),
    "CancelledError": (lambda: throw(concurrent.futures.CancelledError()), "CancelledError"),
    "CancelledError of asyncio": (lambda: throw(asyncio.CancelledError()), "CancelledError"),
    "BrokenProcessPool": (
        lambda: throw(concurrent.futures.process.BrokenProcessPool("mine")),
        "BrokenProcessPool",
    ),
    "MemoryError": (lambda: throw(MemoryError()), "MemoryError"),
    "out of memory": (run_out_of_memory, "MemoryError"),
    "recursion without end": (lambda: recurse(0), "RecursionError"),
    "returns a lock": (threading.Lock, "SerializationError"),
    "returns a generator": (lambda: (i for i in range(3)), "SerializationError"),
    "returns what cannot be pickled": (Unwilling, "SerializationError"),
    "returns a function": (lambda: recurse, "SerializationError"),
    "returns None": (lambda: None, "SerializationError"),
    "returns a deep tree": (lambda: nest(200), "SerializationError"),
    "returns much": (lambda: {"x": "y" * 20_000_000}, SAVED),
    "changes the directory": (change_directory, SAVED),
    "seeds random": (lambda: {"x": random.seed(1) or random.random()}, SAVED),
    "forks": (fork, SAVED),
    "starts a thread": (start_a_thread, SAVED),
    "runs threads": (run_threads_of_its_own, SAVED),
    "starts a program": (
        lambda: {"x": subprocess.run([sys.executable, "-c", ""], check=True).returncode},
        SAVED,
    ),
    "handles signals": (handle_signals, SAVED),
    "prints much": (print_much, SAVED),
    "takes standard output away": (close_standard_output, SAVED),
    "warns": (warn, SAVED),
}

# Memory is everybody's in a process: a limit there would hit the tests.
NOT_HERE = {"serial": {"out of memory", "forks"}, "threads": {"out of memory", "forks"}}


def misbehave(a):
    return MISBEHAVIOURS[a][0]() if a in MISBEHAVIOURS else {"x": a}


# ------------------------------------------------------------------ what kills the process that it runs in


def touch_nowhere():
    ctypes.string_at(0)


def close_everything():
    os.closerange(0, 1000)
    time.sleep(30)


DEATHS = {
    "kill -9": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "SIGTERM": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "os._exit(0)": lambda: os._exit(0),
    "os._exit(3)": lambda: os._exit(3),
    "exit of C": lambda: ctypes.CDLL(None)._exit(4),
    "abort": os.abort,
    "segmentation fault": touch_nowhere,
}


def die(a):
    if a in DEATHS:
        DEATHS[a]()
    time.sleep(0.005)
    return {"x": a}


# ------------------------------------------------------------------ who runs it


@pytest.fixture
def serial():
    return {}


@pytest.fixture
def threads():
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        yield {"executor": executor}


@pytest.fixture
def loky():
    return {"max_workers": 2}


def spawn():
    return concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("spawn"))


@pytest.fixture
def stdlib():
    with spawn() as executor:
        yield {"executor": executor}


RUNNERS = ["serial", "threads", "loky", "stdlib"]


def open_files():
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.ci
def test_whatever_a_function_does_costs_its_own_set_only(runner, request, report_line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    how = request.getfixturevalue(runner)
    faults = [name for name in MISBEHAVIOURS if name not in NOT_HERE.get(runner, ())]
    check_misbehaviours(how, faults)
    report_line(
        f"faults: {len(faults)} of {len(faults)} misbehaviours cost only their own parameter set, {runner}"
    )


def check_misbehaviours(how, faults):
    values = [value for number, name in enumerate(faults) for value in (name, number)]
    kept = Kept()
    report = quietly(run, misbehave, values, kept, on_error="continue", **how)
    accounted_for(report, kept, len(values))
    assert report.not_run == 0
    expected = {name: MISBEHAVIOURS[name][1] for name in faults if MISBEHAVIOURS[name][1] is not SAVED}
    found = {name: kind.rpartition(".")[2] for name, (_, kind) in kept.statuses().items()}
    assert found == expected
    assert {status for status, _ in kept.statuses().values()} == {"failed"}
    # Whoever ran it can be used again.
    again = Kept()
    assert run(misbehave, 10, again, **how) == (10, 10)
    assert again.values() == list(range(10))


@pytest.mark.ci
def test_a_worker_of_ours_that_dies_is_named_and_no_other_set_is_lost(report_line, monkeypatch):
    before = open_files()
    values = [value for number, name in enumerate(DEATHS) for value in (number, name, 100 + number)]
    kept = Kept()
    report = quietly(run, die, values, kept, max_workers=2)
    accounted_for(report, kept, len(values))
    assert kept.statuses() == dict.fromkeys(DEATHS, ("died", "WorkerDied"))
    texts = {o.task.values[0]: o.failure["exception"]["message"] for o in kept.failed.values()}
    assert texts["segmentation fault"] == "the worker process ended: SIGSEGV(-11)"
    assert texts["os._exit(3)"] == "the worker process ended: EXIT(3)"
    assert open_files() <= before + 4  # two trackers of resources stay, with a pipe each
    report_line(f"faults: {len(DEATHS)} of {len(DEATHS)} deaths blamed alone, loky")


def test_a_worker_that_closes_all_its_files_is_no_hang():
    kept = Kept()

    def simulate(a):
        if a == 1:
            os.closerange(0, 1000)
        return a

    report = quietly(run, simulate, 4, kept, max_workers=2, timeout=20)
    accounted_for(report, kept, 4)
    assert kept.statuses() in ({1: ("died", "WorkerDied")}, {1: ("timeout", "TimeoutError")})


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.ci
def test_a_pool_of_somebody_else_that_breaks_is_told_and_nothing_finished_is_lost(death, request):
    kept = Kept()
    with spawn() as executor, pytest.raises(RunError) as raised:
        run(die, [0, 1, 2, 3, death, *range(5, 20)], kept, executor=executor)
    assert str(raised.value).startswith("The executor is broken: BrokenProcessPool: ")
    assert str(raised.value).endswith(
        "Pass max_workers= in place of executor=: it replaces workers that have ended, and names the cause."
    )
    report = raised.value.report
    accounted_for(report, kept, 20)
    assert report.not_run >= 1
    assert death not in kept.values()
    assert not kept.failed


def test_the_deaths_of_pools_of_somebody_else_are_counted(report_line):
    report_line(
        f"faults: {len(DEATHS)} of {len(DEATHS)} deaths told without losing what was finished, stdlib"
    )


ALONE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
sys.path[:0] = [{root!r}]
from tests.run.common import run
from tests.run.test_faults import die

class Kept:
    def save(self, outcome):
        Path(str(outcome.task.position)).write_bytes(outcome.rest)
        return 1

with ThreadPoolExecutor(1) as executor:
    how = {{"executor": executor}} if sys.argv[2] == "threads" else {{}}
    kept = Kept()
    kept.record_failure = kept.save
    run(die, [0, 1, 2, sys.argv[1], 4], kept, **how)
"""


@pytest.mark.parametrize("runner", ["serial", "threads"])
@pytest.mark.ci
def test_where_the_function_takes_this_process_along_what_was_finished_is_there(
    runner, tmp_path, report_line
):
    root = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    for death in DEATHS:
        directory = tmp_path / death.replace("/", "_")
        directory.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", ALONE.format(root=root), death, runner],
            cwd=directory,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode != 0 or "(0)" in death, done.stderr
        saved = sorted(path.name for path in directory.iterdir())
        assert set(saved) <= {"0", "1", "2"}
        # A thread may die before the main one has written what it gave back.
        assert saved == ["0", "1", "2"] or runner == "threads"
    report_line(
        f"faults: {len(DEATHS)} of {len(DEATHS)} deaths of the process itself keep what was saved, {runner}"
    )

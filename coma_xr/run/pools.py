"""Who computes chunks of parameter sets elsewhere, and what is handed out when.

A pool reports the results of worker processes or of the user's executor. `outcomes` decides what follows from them:
bounded, in order, in chunks, and alone where a parameter set is suspected.
"""

from __future__ import annotations

import itertools
import math
import os
import queue
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

import loky
from loky.backend import get_context

from coma_xr.checks import absolute_path
from coma_xr.errors import ComaError, ParameterError, RunError, SerializationError, StorageError, Way, warn
from coma_xr.run import remote
from coma_xr.run.remote import Parcel, Reply, relay, session_settings
from coma_xr.run.worker import Outcome, lost
from coma_xr.text import as_clause, shortened, with_article

if TYPE_CHECKING:
    from coma_xr.run.plan import Task
    from coma_xr.run.schedule import Interrupts, Queue
    from coma_xr.run.worker import Work


# Seconds of work after which a worker hands back what it has done.
BUDGET = 0.05

# Seconds to wait for an event, so that a deadline or a signal is not waited past.
TICK = 1.0

_LARGE = 10_000_000

Chunk = Sequence["Task"]


@dataclass(frozen=True)
class Done:
    """A worker handed a chunk back, with what it has done of it."""

    chunk: Chunk
    reply: Reply
    worker: int | None = None


@dataclass(frozen=True)
class Lost:
    """A chunk has no results."""

    chunk: Chunk
    status: Literal["died", "timeout"] | None
    text: str = ""
    certain: bool = False
    worker: int | None = None


Event = Done | Lost


@dataclass
class Flight:
    """A chunk on its way."""

    chunk: Chunk
    future: Future[Any]
    deadline: float | None = None


class Pool(ABC):
    """Computes chunks of parameter sets somewhere else."""

    broken: ComaError | None = None

    @property
    @abstractmethod
    def size(self) -> int:
        """How many workers it will have, as far as that is known."""

    @property
    @abstractmethod
    def places(self) -> int:
        """How many chunks it can have now."""

    @property
    def spare(self) -> int:
        """How many more it may have waiting, so that no worker waits for the next."""
        return 0

    @abstractmethod
    def grow(self, wanted: int) -> bool:
        """Start one more worker, if there are fewer than are wanted and may be; return whether it did."""

    @property
    @abstractmethod
    def busy(self) -> int:
        """How many chunks it has."""

    def takes(self, avoid: int | None) -> bool:  # noqa: ARG002
        """Whether a worker is free for a parameter set that failed on another one, as far as that can be chosen."""
        return True

    def retire(self, worker: int) -> None:  # noqa: B027  executors keep their workers
        """End a worker, unless it is the only one, and give its chunks back."""

    def is_working_besides(self, worker: int) -> bool:  # noqa: ARG002
        """Whether another worker has a chunk, as far as that is known."""
        return False

    @abstractmethod
    def submit(self, chunk: Chunk) -> None:
        """Take one more chunk."""

    @abstractmethod
    def events(self, *, wait: bool = True) -> list[Event]:
        """Return what has happened; wait about a second for the first event, if so asked."""

    def halt(self) -> None:  # noqa: B027  not every pool can tell its workers
        """Let workers begin nothing more; may be called while a signal is handled, whatever is going on."""

    @abstractmethod
    def recall(self) -> None:
        """Forget the chunks that have not begun, where that is known."""

    @abstractmethod
    def close(self, *, kill: bool) -> None:
        """End; with `kill` immediately, whatever is running."""


def packed(work: Work) -> bytes:
    """Return the work as bytes for other processes, with a warning when it is large."""
    data = remote.pack(work)
    if len(data) > _LARGE and not work.resources:
        warn(
            f"The function takes {len(data) / 1e6:.0f} MB along to the workers. Is there a large array or table "
            "outside of it that it uses?",
            way=Way(
                "Pass it by resources=, or load it in the function, once.", "Load it in the function, once."
            ),
        )
    return data


def parcels(chunk: Chunk, things: Mapping[str, Any] | None) -> list[Parcel]:
    """Return what of a chunk goes to the worker; `things` are those of the work, None in the same process."""
    return [
        Parcel(task.values if things is None else remote.pack_values(task.values, things), task.repeat)
        for task in chunk
    ]


def drain(events: queue.SimpleQueue[Any], patience: float) -> Iterator[Any]:
    """Yield what is in a queue; wait for the first."""
    try:
        yield events.get(timeout=patience) if patience > 0 else events.get_nowait()
        while True:
            yield events.get_nowait()
    except queue.Empty:
        return


# Seconds for workers to end by themselves.
_GRACE = 2.0


def cores() -> int:
    """Return how many cores this process may use."""
    return int(loky.cpu_count())


def own_pool(work: Work, workers: int, timeout: float | None = None) -> Pool:
    """Return a pool of fresh worker processes of loky, which end with the run.

    Raise SerializationError when the function cannot be sent to another process.
    """
    return _OwnPool(packed(work), work.things, workers, timeout)


# So many executors at most, since each takes some file descriptors and threads.
_MOST_SLOTS = 32

_IN_THIS_PROCESS = Way("Run it in this process with max_workers=1.", "Run it in one process with -j 1.")

# So often a worker is started before it is given up.
_MOST_STARTS = 3

_BLAS = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR", "NUMBA")


def _reason(error: OSError) -> str:
    """Return why the system starts no process, which its own error of a deleted directory does not name."""
    try:
        absolute_path()
    except StorageError as gone:
        return gone.what
    return str(error)


@dataclass
class _Slot:
    """An executor with one worker, or a few where there are very many: what happens in it happens to it alone."""

    width: int
    pid: int | None = None
    executor: Any = None
    is_ready: bool = False
    starts: int = 0
    flights: dict[int, Flight] = field(default_factory=dict)


class _OwnPool(Pool):
    def __init__(self, packed: bytes, things: Mapping[str, Any], workers: int, timeout: float | None) -> None:
        self._packed = packed
        self._things = things
        self._workers = workers
        self._timeout = timeout
        self._cores = cores()
        slots = min(workers, _MOST_SLOTS)
        self._slots = [_Slot(len(range(i, workers, slots))) for i in range(slots)]
        self._events: queue.SimpleQueue[tuple[_Slot, Any, int, Future[Any]]] = queue.SimpleQueue()
        self._numbers = itertools.count(1)
        # Raised by one for each worker, so that each finds it raised whatever the others do at that moment.
        self._halting = get_context("loky").Semaphore(0)
        self._halted = False
        self._given_back: list[Event] = []

    @property
    def size(self) -> int:
        return self._workers

    @property
    def places(self) -> int:
        return sum(slot.width for slot in self._slots if slot.is_ready)

    @property
    def spare(self) -> int:
        # Where each executor has one worker it is known which chunk is in work; time counts from its submission.
        if self._timeout is not None or self._workers > len(self._slots):
            return 0
        return self.places

    @property
    def busy(self) -> int:
        return sum(len(slot.flights) for slot in self._slots)

    def grow(self, wanted: int) -> bool:
        idle = [slot for slot in self._slots if slot.executor is None]
        there = self._workers - sum(slot.width for slot in idle)
        # More than there are cores would only hold each other up, and the first may do all that there is to do.
        starting = there - self.places
        if self.broken or not idle or there >= wanted or starting >= self._cores:
            return False
        self._start(idle[0])
        return True

    def _start(self, slot: _Slot) -> None:
        slot.starts += 1
        slot.executor = loky.ProcessPoolExecutor(
            slot.width,
            initializer=remote.prepare,
            initargs=(os.getpid(), self._packed, self._halting),
            env=_environment(max(1, self._cores // self._workers)),
        )
        with _interrupts_held_back():
            try:
                self._follow(slot, 0, slot.executor.submit(remote.ready))
            except OSError as error:
                self._give_up(
                    RunError(
                        f"Worker processes cannot be started: {_reason(error)}.", ways=[_IN_THIS_PROCESS]
                    )
                )

    def takes(self, avoid: int | None) -> bool:
        others = [slot for slot in self._slots if slot.pid != avoid or slot.executor is None]
        free = (slot.is_ready and len(slot.flights) < slot.width for slot in others)
        return avoid is None or not others or any(free)

    def submit(self, chunk: Chunk) -> None:
        ready = [slot for slot in self._slots if slot.is_ready]
        others = [slot for slot in ready if slot.pid != chunk[0].avoid]
        slot = min(others or ready, key=lambda slot: len(slot.flights) - slot.width)
        number = next(self._numbers)
        flight = Flight(
            chunk, slot.executor.submit(remote.run, "", b"", parcels(chunk, self._things), BUDGET)
        )
        if self._timeout is not None:
            # The last one of several may begin when the budget is all but spent.
            flight.deadline = time.monotonic() + self._timeout + (BUDGET if len(chunk) > 1 else 0.0)
        slot.flights[number] = flight
        self._follow(slot, number, flight.future)

    def _follow(self, slot: _Slot, number: int, future: Future[Any]) -> None:
        executor = slot.executor
        future.add_done_callback(lambda future: self._events.put((slot, executor, number, future)))

    def events(self, *, wait: bool = True) -> list[Event]:
        events, self._given_back = self._given_back, []
        for slot, executor, number, future in drain(self._events, self._patience() if wait else 0.0):
            if executor is slot.executor:
                events += self._landed(slot, number, future)
        return events + self._overdue()

    def _patience(self) -> float:
        now = time.monotonic()
        deadlines = [f.deadline - now for slot in self._slots for f in slot.flights.values() if f.deadline]
        return max(0.0, min([TICK, *deadlines]))

    def _landed(self, slot: _Slot, number: int, future: Future[Any]) -> list[Event]:
        error = None if future.cancelled() else future.exception()
        if error is not None:
            return self._died(slot, error)
        if number:
            return [Done(slot.flights.pop(number).chunk, future.result(), slot.pid)]
        trouble, slot.pid = future.result()
        if trouble:
            return self._give_up(
                SerializationError("The function cannot be loaded in a worker process.", excerpt=trouble)
            )
        slot.is_ready, slot.starts = True, 0
        return []

    def _died(self, slot: _Slot, error: BaseException) -> list[Event]:
        text = _death(error)
        chunks = [flight.chunk for flight in slot.flights.values()]
        self._end(slot)
        if slot.starts >= _MOST_STARTS:
            what = f"Worker processes end before they begin to work: {text}."
            return self._give_up(RunError(what, ways=[_IN_THIS_PROCESS]))
        # The others were waiting behind those in work.
        in_work, waiting = chunks[: slot.width], chunks[slot.width :]
        died = [Lost(chunk, "died", text, worker=slot.pid) for chunk in in_work]
        return [*died, *(Lost(chunk, None) for chunk in waiting)]

    def _give_up(self, error: ComaError) -> list[Event]:
        self.broken = error
        lost = [Lost(flight.chunk, None) for slot in self._slots for flight in slot.flights.values()]
        for slot in self._slots:
            self._end(slot)
        return [*lost]

    def _overdue(self) -> list[Event]:
        now = time.monotonic()
        events: list[Event] = []
        for slot in self._slots:
            flights = list(slot.flights.values())
            late = [f for f in flights if f.deadline and f.deadline <= now and not f.future.done()]
            if late:
                text = f"took longer than the timeout of {self._timeout:g} s"
                events += [Lost(f.chunk, "timeout", text, len(f.chunk) == 1, slot.pid) for f in late]
                events += [_spared(f, slot.pid) for f in flights if f not in late]
                self._end(slot)
        return events

    def retire(self, worker: int) -> None:
        for slot in [slot for slot in self._slots if slot.pid == worker and slot.executor is not None]:
            self._given_back += [Lost(flight.chunk, None) for flight in slot.flights.values()]
            self._end(slot)
            if len(self._slots) > 1:
                self._slots.remove(slot)
                self._workers -= slot.width

    def is_working_besides(self, worker: int) -> bool:
        return any(slot.flights for slot in self._slots if slot.pid != worker)

    def _end(self, slot: _Slot) -> None:
        """Kill the slot's workers; others may be started in their place."""
        executor, slot.executor = slot.executor, None
        slot.flights.clear()
        slot.is_ready = False
        if executor is not None:
            executor.shutdown(wait=True, kill_workers=True)

    def halt(self) -> None:
        if not self._halted:
            self._halted = True
            for _ in range(self._workers):
                self._halting.release()

    def recall(self) -> None:
        # The chunks that wait come back immediately, empty.
        self.halt()

    def close(self, *, kill: bool) -> None:
        slots = [slot for slot in self._slots if slot.executor is not None]
        executors = [slot.executor for slot in slots]
        # Workers that are idle end by themselves, with all that the user's function has left to be done then.
        threads = [
            threading.Thread(
                target=slot.executor.shutdown, kwargs={"kill_workers": kill or not slot.is_ready}
            )
            for slot in slots
        ]
        for thread in threads:
            thread.start()
        end = time.monotonic() + _GRACE
        for thread, executor in zip(threads, executors, strict=True):
            thread.join(max(0.0, end - time.monotonic()))
            if thread.is_alive():
                executor.shutdown(wait=False, kill_workers=True)
                thread.join(_GRACE)


def _spared(flight: Flight, worker: int | None) -> Event:
    """Return what becomes of a chunk whose worker is killed for another one."""
    if flight.future.done() and flight.future.exception() is None:
        return Done(flight.chunk, flight.future.result(), worker)
    return Lost(flight.chunk, None)


def _environment(threads: int) -> dict[str, str]:
    """Return variables that keep each worker's linear algebra to its share of the cores."""
    names = [*(f"{library}_NUM_THREADS" for library in _BLAS), "VECLIB_MAXIMUM_THREADS"]
    return {name: str(threads) for name in names if name not in os.environ}


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Start processes that a Ctrl-C does not reach before they can deal with it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_CODES = "exit codes of the workers are {"


def _death(error: BaseException) -> str:
    """Return in words how a worker ended."""
    text = str(error)
    if _CODES in text:
        code = text.partition(_CODES)[2].partition("}")[0]
        return f"the worker process ended: {code}"
    return f"the worker process ended: {type(error).__name__}: {text}"


def foreign_pool(work: Work, executor: Any, places: int | None = None) -> Pool:
    """Return a pool that gives everything to an executor.

    Raise ParameterError when it is not an executor, and SerializationError when the function cannot be sent
    to another process.
    """
    executor = executor_of(executor)
    if has_threads(executor):
        return _ForeignPool(remote.Loaded(work, session_settings()), None, executor, places)
    return _ForeignPool(packed(work), work.things, executor, places)


def has_threads(executor: Any) -> bool:
    """Whether an executor works in threads of this process, which can have the function as it is."""
    return isinstance(executor, ThreadPoolExecutor)


def capacity(executor: Any) -> int:
    """Return how many chunks an executor can use at a time, as far as it is known."""
    return max(1, _capacity_of(executor_of(executor))())


def executor_of(executor: Any) -> Any:
    """Return the Executor that a user means; ParameterError when it is none."""
    home = type(executor).__module__.partition(".")[0]
    if home == "distributed" and hasattr(executor, "get_executor"):
        # By default dask would take two calls with the same arguments for one.
        return executor.get_executor(pure=False)
    if home == "ipyparallel" and not hasattr(executor, "submit") and hasattr(executor, "executor"):
        return executor.executor()
    if isinstance(executor, type) or not callable(getattr(executor, "submit", None)):
        raise ParameterError(
            f"executor={shortened(executor)} is {with_article(type(executor).__name__)}.",
            expected="a concurrent.futures.Executor or a dask Client",
        )
    return executor


class _ForeignPool(Pool):
    def __init__(
        self, work: bytes | remote.Loaded, things: Mapping[str, Any] | None, executor: Any, places: int | None
    ) -> None:
        self._executor = executor
        self._work = work
        self._things = things
        self._places = places
        self._capacity = _capacity_of(executor)
        self._known: tuple[float, int] = (0.0, 0)
        self._flights: dict[str, Flight] = {}
        self._events: queue.SimpleQueue[tuple[str, Future[Any]]] = queue.SimpleQueue()
        self._run = uuid4().hex
        self._numbers = itertools.count(1)

    @property
    def size(self) -> int:
        return self.places

    def grow(self, wanted: int) -> bool:  # noqa: ARG002
        # It starts its workers itself.
        return False

    @property
    def places(self) -> int:
        self._look()
        if self.broken:
            return 0
        return self._known[1] if self._places is None else self._places

    def _look(self) -> None:
        """Ask the executor how large it is, about once a second."""
        now = time.monotonic()
        if self.broken or (self._known[1] and now - self._known[0] <= TICK):
            return
        try:
            self._known = (now, max(1, self._capacity()))
        except Exception as error:  # noqa: BLE001  a cluster that is gone fails in its own ways
            self._break("has no workers", error)
            # What it still has will not come back.
            self._flights.clear()

    @property
    def busy(self) -> int:
        return len(self._flights)

    def submit(self, chunk: Chunk) -> None:
        token = f"{self._run}-{next(self._numbers)}"
        try:
            future = self._executor.submit(
                remote.run, token, self._work, parcels(chunk, self._things), BUDGET
            )
        except Exception as error:  # noqa: BLE001  an executor may fail in its own ways
            self._break("accepts no more work", error)
            return
        self._flights[token] = Flight(chunk, future)
        future.add_done_callback(lambda future: self._events.put((token, future)))

    def _break(self, how: str, error: BaseException | None) -> None:
        if self.broken is None:
            reason = f": {type(error).__name__}: {as_clause(error)}" if error is not None else ""
            self.broken = RunError(
                f"The executor {how}{reason}.",
                ways=[
                    "Pass max_workers= in place of executor=: it replaces workers that have ended, and names the cause."
                ],
            )
            self.broken.__cause__ = error

    def events(self, *, wait: bool = True) -> list[Event]:
        events: list[Event] = []
        for token, future in drain(self._events, TICK if wait else 0.0):
            flight = self._flights.pop(token, None)
            if flight is not None:
                events.append(self._landed(flight.chunk, future))
        if not events:
            self._look()
        return events

    def _landed(self, chunk: Chunk, future: Future[Any]) -> Event:
        if future.cancelled():
            self._break("cancelled its tasks", None)
            return Lost(chunk, None)
        try:
            results, seconds, trouble, notes = future.result()
            if not isinstance(seconds, float):
                raise TypeError(f"{seconds!r} is not a duration")
        except BaseException as error:  # noqa: BLE001  an executor may fail in its own ways
            if _is_broken(error):
                self._break("is broken", error)
                return Lost(chunk, None)
            text = f"the executor returned no result: {type(error).__name__}: {error}"
            return Lost(chunk, "died", text, certain=len(chunk) == 1)
        if trouble:
            self.broken = SerializationError(
                "The function cannot be loaded where it is to run.", excerpt=trouble
            )
            return Lost(chunk, None)
        return Done(chunk, Reply([remote.Result(*result) for result in results], seconds, "", notes))

    def recall(self) -> None:
        for token, flight in list(self._flights.items()):
            if flight.future.cancel():
                self._flights.pop(token, None)

    def close(self, *, kill: bool) -> None:
        if kill:
            self.recall()
        self._flights.clear()


def _is_broken(error: BaseException) -> bool:
    """Whether nothing more is to be had from an executor."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"BrokenExecutor", "CancelledError", "FutureCancelledError"})


# dask schedules by itself, and clusters that grow look at how much waits.
_DASK_QUEUE = 64


def _engines(client: Any) -> int:
    number = len(client.ids)
    if not number:
        # It would wait for others to be started, without a word.
        raise ConnectionError("no engine is left")
    return number


def _capacity_of(executor: Any) -> Callable[[], int]:
    """Return a function that returns how many chunks an executor can use at a time."""
    home = type(executor).__module__.partition(".")[0]
    if home == "distributed" and hasattr(executor, "_client"):
        return lambda: max(_DASK_QUEUE, 2 * sum(executor._client.nthreads().values()))
    if home == "ipyparallel" and hasattr(executor, "view"):
        return lambda: _engines(executor.view.client)
    for name in ("_max_workers", "num_workers", "max_workers"):
        number = getattr(executor, name, None)
        if type(number) is int and number > 0:
            return lambda: number
    return lambda: os.cpu_count() or 1


# Chunks grow at most by this factor, since the first parameter sets may be the quickest.
_GROWTH = 8

# So many that wait for another worker are tried before those behind them.
_MOST_REFUSED = 20


def outcomes(
    work: Work, queue: Queue, pool: Pool, interrupts: Interrupts, *, suspects_at_once: int
) -> Generator[Outcome]:
    """Yield what comes of parameter sets, in the order in which it comes."""
    dispatch = _Dispatch(work, queue, pool, suspects_at_once)
    came: deque[Outcome] = deque()
    completed = False
    interrupts.halt = pool.halt
    try:
        while True:
            growing = False
            if interrupts.stops or pool.broken:
                pool.recall()
                dispatch.drop()
            elif not (came and came[0].failure) and len(came) <= dispatch.bearable:
                # Before more is begun, a failure is kept: it may be the end of the run.
                growing = dispatch.hand_out()
            if came:
                # One at a time, so that no worker waits while what others have sent is saved.
                begin = time.perf_counter()
                yield came.popleft()
                dispatch.note_saving(time.perf_counter() - begin)
                growing = True
            elif not pool.busy and dispatch.is_empty:
                break
            events = pool.events(wait=not (interrupts.now or growing))
            for event in events:
                came.extend(dispatch.take(event))
            if interrupts.now and not events and not came:
                break
        if pool.broken and not interrupts.stops:
            raise pool.broken
        completed = True
    finally:
        with interrupts.closing():
            pool.close(kill=not completed or pool.busy > 0)


class _Dispatch:
    """The parameter sets that still have to be handed out."""

    def __init__(self, work: Work, queue: Queue, pool: Pool, suspects_at_once: int) -> None:
        self._work = work
        self._pool = pool
        self._queue = queue
        self._suspects: deque[Task] = deque()
        self._suspects_at_once = suspects_at_once
        self._alone = False
        self._size = 1
        self._saved = 0
        self._saving = 0.0
        self._dropping = False

    @property
    def is_empty(self) -> bool:
        return not self._queue and not self._suspects

    @property
    def bearable(self) -> int:
        """How many results may wait to be saved when more is handed out: what is not saved is lost by a kill."""
        return self._size * self._pool.places

    def note_saving(self, seconds: float) -> None:
        """Note how long one result took to be saved."""
        self._saved += 1
        self._saving += seconds

    def drop(self) -> None:
        """Hand out nothing more."""
        self._dropping = True
        self._queue.clear()
        self._suspects.clear()

    def hand_out(self) -> bool:
        """Give the pool what it can take; return whether it has begun to grow for the rest."""
        pool = self._pool
        if self._suspects and (not self._queue or len(self._suspects) >= self._suspects_at_once):
            if pool.places and not pool.busy:
                self._alone = True
                pool.submit([self._suspects.popleft()])
            return pool.grow(1)
        refused: list[Task] = []
        while (
            len(refused) < _MOST_REFUSED and not self._alone and self._has_room() and (chunk := self._chunk())
        ):
            if pool.takes(chunk[0].avoid):
                pool.submit(chunk)
            else:
                refused += chunk
        self._queue.put_back(refused)
        return bool(self._queue) and pool.grow(pool.size)

    def _chunk(self) -> list[Task]:
        """Return what goes to one worker next; a parameter set that failed on a worker goes alone."""
        size = min(self._size, max(1, math.ceil(len(self._queue) / (2 * self._pool.size))))
        chunk: list[Task] = []
        while len(chunk) < size and (task := self._queue.next()) is not None:
            if chunk and task.avoid is not None:
                self._queue.put_back([task])
                break
            chunk.append(task)
            if task.avoid is not None:
                break
        return chunk

    def _has_room(self) -> bool:
        # Only short chunks wait behind another; a long one is for the worker that is free first.
        spare = self._pool.spare if self._size > 1 else 0
        return self._pool.busy < self._pool.places + spare

    def take(self, event: Event) -> Iterator[Outcome]:
        alone, self._alone = self._alone, False
        if isinstance(event, Done):
            yield from self._take_results(event)
        elif event.status is None:
            self._return(event.chunk)
        elif alone or event.certain:
            for task in event.chunk:
                yield lost(self._work, task, event.status, event.text, event.worker)
        elif not self._dropping:
            self._suspects.extend(event.chunk)

    def _take_results(self, event: Done) -> Iterator[Outcome]:
        relay(event.reply.notes)
        results = event.reply.results
        if results:
            self._adapt(event.reply.seconds / len(results))
        self._return(event.chunk[len(results) :])
        for task, result in zip(event.chunk, results, strict=False):
            yield Outcome(
                task,
                result.info,
                result.rest,
                result.failure,
                None,
                result.seconds,
                result.beside,
                worker=event.worker,
            )

    def _adapt(self, seconds: float) -> None:
        # A chunk is neither computed nor saved for longer than the budget.
        slower = max(seconds, self._saving / max(1, self._saved), 1e-9)
        self._size = max(1, int(min(BUDGET / slower, _GROWTH * self._size)))

    def _return(self, chunk: Sequence[Task]) -> None:
        if not self._dropping:
            self._queue.put_back(chunk)

"""Worker processes of our own: fresh for each run, one apart from the other."""

from __future__ import annotations

import itertools
import os
import queue
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import loky
from loky.backend import get_context

from coma_xr.errors import ComaError, RunError, SerializationError
from coma_xr.run import remote
from coma_xr.run.pool import BUDGET, TICK, Chunk, Done, Event, Flight, Lost, Pool, drain, packed, parcels

if TYPE_CHECKING:
    from coma_xr.run.worker import Work

# Seconds for workers to end by themselves.
_GRACE = 2.0


def cores() -> int:
    """Return how many cores this process may use."""
    return int(loky.cpu_count())


def own_pool(work: Work, workers: int, timeout: float | None = None) -> Pool:
    """Return a pool of fresh worker processes of loky, which end with the run.

    Raises
    ------
    SerializationError
        When the function cannot be sent to another process.
    """
    return _OwnPool(packed(work), work.things, workers, timeout)


# So many executors at most, since each takes some file descriptors and threads.
_MOST_SLOTS = 32

# So often a worker is started before it is given up.
_MOST_STARTS = 3

_BLAS = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR", "NUMBA")


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
                self._give_up(RunError(f"Worker processes cannot be started: {error}"))

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
                SerializationError(f"The function cannot be loaded in a worker process: {trouble}")
            )
        slot.is_ready, slot.starts = True, 0
        return []

    def _died(self, slot: _Slot, error: BaseException) -> list[Event]:
        text = _death(error)
        chunks = [flight.chunk for flight in slot.flights.values()]
        self._end(slot)
        if slot.starts >= _MOST_STARTS:
            return self._give_up(RunError(f"Worker processes end before they begin to work: {text}"))
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
                text = f"took longer than the {self._timeout:g} s of timeout="
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
        # The chunks that wait come back at once, empty.
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

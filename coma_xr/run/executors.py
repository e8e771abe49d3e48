"""The executors of somebody else: used by their `submit` alone, and left as they are."""

from __future__ import annotations

import itertools
import os
import queue
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from coma_xr.errors import ParameterError, RunError, SerializationError
from coma_xr.run import remote
from coma_xr.run.pool import BUDGET, TICK, Chunk, Done, Event, Flight, Lost, Pool, drain, packed, parcels
from coma_xr.run.remote import Reply
from coma_xr.run.settings import session_settings
from coma_xr.text import shortened, with_article

if TYPE_CHECKING:
    from coma_xr.run.worker import Work


def foreign_pool(work: Work, executor: Any, places: int | None = None) -> Pool:
    """Return a pool that gives everything to an executor.

    Raises
    ------
    ParameterError
        When it is no executor.
    SerializationError
        When the function cannot be sent to another process.
    """
    executor = executor_of(executor)
    if has_threads(executor):
        return _ForeignPool(remote.Loaded(work, session_settings()), None, executor, places)
    return _ForeignPool(packed(work), work.things, executor, places)


def has_threads(executor: Any) -> bool:
    """Whether an executor works in threads of this process, which can have the function as it is."""
    return isinstance(executor, ThreadPoolExecutor)


def capacity(executor: Any) -> int:
    """Return how many chunks an executor can use at a time, as far as it tells."""
    return max(1, _capacity_of(executor_of(executor))())


def executor_of(executor: Any) -> Any:
    """Return the Executor that a user means; ParameterError when it is none."""
    home = type(executor).__module__.partition(".")[0]
    if home == "distributed" and hasattr(executor, "get_executor"):
        # By default dask would take two calls with the same arguments for one.
        return executor.get_executor(pure=False)
    if home == "ipyparallel" and not hasattr(executor, "submit") and hasattr(executor, "executor"):
        return executor.executor()
    if not callable(getattr(executor, "submit", None)):
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
            self._break("has nobody to work", error)
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
            self._break("takes no more work", error)
            return
        self._flights[token] = Flight(chunk, future)
        future.add_done_callback(lambda future: self._events.put((token, future)))

    def _break(self, how: str, error: BaseException | None) -> None:
        if self.broken is None:
            reason = f": {type(error).__name__}: {error}" if error is not None else ""
            self.broken = RunError(
                f"The executor {how}{reason}. max_workers= in place of executor= starts workers again that have "
                "ended, and tells which parameter set was the reason."
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
            self._break("cancelled what it had been given", None)
            return Lost(chunk, None)
        try:
            results, seconds, trouble, notes = future.result()
            if not isinstance(seconds, float):
                raise TypeError(f"{seconds!r} is no duration")
        except BaseException as error:  # noqa: BLE001  an executor may fail in its own ways
            if _is_broken(error):
                self._break("is broken", error)
                return Lost(chunk, None)
            text = f"the executor returned no result: {type(error).__name__}: {error}"
            return Lost(chunk, "died", text, certain=len(chunk) == 1)
        if trouble:
            self.broken = SerializationError(f"The function cannot be loaded where it is to run: {trouble}")
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
    """Return a function that tells how many chunks an executor can use at a time."""
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

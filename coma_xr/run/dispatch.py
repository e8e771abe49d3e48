"""What a pool is given when: bounded, in order, in chunks, and alone where one is suspected."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING

from coma_xr.run.pools import BUDGET, Done, Event, Pool
from coma_xr.run.remote import relay
from coma_xr.run.worker import Outcome, lost

if TYPE_CHECKING:
    from coma_xr.run.plan import Task
    from coma_xr.run.schedule import Interrupts, Queue
    from coma_xr.run.worker import Work

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

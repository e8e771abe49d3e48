"""What a pool is: whoever computes chunks of parameter sets and tells what came of them.

A pool does not decide what is to be done about it; `coma_xr.run.dispatch` does.
"""

from __future__ import annotations

import queue
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from coma_xr.errors import ComaError, warn
from coma_xr.run import remote
from coma_xr.run.remote import Parcel, Reply

if TYPE_CHECKING:
    from coma_xr.run.plan import Task
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
        """Forget the chunks that have not begun, where that can be told."""

    @abstractmethod
    def close(self, *, kill: bool) -> None:
        """End; with `kill` at once, whatever is running."""


def packed(work: Work) -> bytes:
    """Return the work as bytes for other processes, with a warning when it is large."""
    data = remote.pack(work)
    if len(data) > _LARGE and not work.resources:
        warn(
            f"The function takes {len(data) / 1e6:.0f} MB along to the workers. Is there a large array or table "
            "outside of it that it uses? Pass it by resources=, or load it in the function, once."
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

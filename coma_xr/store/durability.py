"""Saving during a run: what was expensive is on the disk for good at once, what was cheap within a second."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from coma_xr import files
from coma_xr.errors import ComaError
from coma_xr.store.contract import with_id

if TYPE_CHECKING:
    from coma_xr.store.contract import MeasurementStore
    from coma_xr.store.layout import Layout
    from coma_xr.values.plain import Tree

__all__ = ["Durable", "Saver", "ending", "saving"]

Durable = bool | Literal["auto"]

# Seconds of computing from which a measurement is worth the wait of a sync.
EXPENSIVE = 0.02

# Seconds after which cheap measurements are synced in bulk; with the sync itself they stay below one.
INTERVAL = 0.5


class Saver:
    """Adds measurements and failures to an experiment; made by `saving`."""

    def __init__(self, store: MeasurementStore, layout: Layout, durable: Durable) -> None:
        self._store = store
        self._layout = layout
        self._durable = durable
        self._unsynced: deque[str] = deque()
        self._name_of = layout.config.measurements().name
        self._failure_name_of = layout.config.failures().name
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def add(
        self,
        info: Mapping[str, Any],
        rest: bytes,
        *,
        id: int,
        seconds: float,
        beside: Mapping[str, bytes] | None = None,
    ) -> int:
        """Store one measurement and return its id; see `MeasurementStore.add`."""
        # Big files are as dear as long computing.
        sync = self._at_once(seconds) or (bool(beside) and self._durable is not False)
        id = self._store.add(info, rest, id=id, sync=sync, beside=beside)
        if not sync:
            self._later(self._name_of(id))
        return id

    def add_failure(self, tree: Tree, *, id: int, seconds: float) -> int:
        """Record one failure and return its id."""
        sync = self._at_once(seconds)
        id = create_failure(self._layout, tree, id, sync=sync)
        if not sync:
            self._later(self._failure_name_of(id))
        return id

    def _at_once(self, seconds: float) -> bool:
        if self._error is not None:
            # What was to be synced may be lost: nothing is saved any more, also not at a second try.
            raise self._error
        return self._durable is True or (self._durable == "auto" and seconds >= EXPENSIVE)

    def _later(self, name: str) -> None:
        if self._durable is False:
            return
        self._unsynced.append(name)
        if self._thread is None:
            self._thread = threading.Thread(target=self._sync_in_turns, name="coma_xr sync", daemon=True)
            self._thread.start()
        # While it is set, the thread has yet to look; setting it takes a lock each time.
        if not self._wake.is_set():
            self._wake.set()

    def _sync_in_turns(self) -> None:
        while not self._stop.is_set():
            self._wake.wait()
            self._stop.wait(INTERVAL)
            self._wake.clear()
            try:
                self._sync()
            except BaseException as error:  # noqa: BLE001 (raised where the measurements come from)
                self._error = error
                return

    def _sync(self) -> None:
        # More may come in meanwhile; they have their turn next.
        names = [self._unsynced.popleft() for _ in range(len(self._unsynced))]
        if names:
            files.sync_everything(self._layout.directory, names)

    def close(self) -> None:
        """Sync what is not yet; StorageError when it, or an earlier sync, could not be done."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error
        self._sync()


@contextmanager
def saving(store: MeasurementStore, layout: Layout, durable: Durable) -> Iterator[Saver]:
    """Yield a Saver; when the block is left, all that it stored is on the disk for good (unless `durable` is False)."""
    saver = Saver(store, layout, durable)
    with ending(saver.close):
        yield saver


@contextmanager
def ending(close: Callable[[], None]) -> Iterator[None]:
    """Call a function when the block is left; an error of its own is only a note to one that ends the block."""
    try:
        yield
    except BaseException as error:
        try:
            close()
        except ComaError as second:
            if second is not error:
                error.add_note(str(second))
        raise
    close()


def create_failure(layout: Layout, tree: Tree, id: int, *, sync: bool) -> int:
    """Write the record of a failure under an id, the next free one when it is taken; return the id."""
    while True:
        numbered = {**tree, "info": with_id(tree.get("info", {}), id)}
        try:
            files.create(layout.failure_file(id), layout.failure_text(numbered), sync=sync)
            return id
        except FileExistsError:
            id = max([id, *layout.failure_ids()]) + 1

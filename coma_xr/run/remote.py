"""What runs in a worker: parameter sets come in, text, numbers and bytes go out.

A worker imports little, outlives neither its parent nor its run, and sends no exception, which might not survive
the way.
"""

from __future__ import annotations

import gc
import linecache
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from types import CodeType, SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

from coma_xr.code.sources import hash_of_source
from coma_xr.define.exact import Argument, remember
from coma_xr.errors import ComaWarning, SerializationError
from coma_xr.run.plan import Task
from coma_xr.run.settings import Note, SessionSettings, applied, session_settings
from coma_xr.run.signature import called
from coma_xr.run.worker import CODE, Work, call
from coma_xr.values import registry

if TYPE_CHECKING:
    from coma_xr.values.plain import Tree

# Linux sends this signal to a process whose parent has ended.
_PR_SET_PDEATHSIG = 1

# The code state of measurements by a file that was edited during the run.
EDITED = "edited-during-run"

# Seconds between two looks at the parent, where the system does not tell.
_WATCH = 0.5


class Parcel(NamedTuple):
    """A parameter set on its way to a worker: the values of a `Task`, packed if they are not bare, and its repeat."""

    values: tuple[Any, ...] | bytes
    repeat: int | None


class Result(NamedTuple):
    """What came of one parameter set; the fields are those of `Outcome`."""

    info: dict[str, Tree]
    rest: bytes | None
    failure: dict[str, Tree] | None
    seconds: float
    beside: dict[str, bytes]


class Reply(NamedTuple):
    """What came of the first ones of some parameter sets; the others were not begun."""

    results: list[Result]
    seconds: float
    trouble: str = ""
    notes: Sequence[Note] = ()


class Loaded(NamedTuple):
    """The work of a run with the settings of the session that it belongs to."""

    work: Work
    settings: SessionSettings
    edited: tuple[str, ...] = ()


def pack(work: Work) -> bytes:
    """Return the work as bytes, with all types that were registered.

    Raises
    ------
    SerializationError
        When the function holds something that no other process can have.
    """
    try:
        return _dumps((Loaded(work, session_settings()), registry.registrations()))
    except Exception as error:
        raise SerializationError(
            f"{called(work.function)}() cannot be sent to another process: {type(error).__name__}: {error}.",
            ways=[
                "Create objects that cannot be sent, such as open files, inside the function, or use max_workers=1."
            ],
        ) from error


def _dumps(value: Any) -> bytes:
    """Return the pickle of a value, in which each function keeps its file, its lines and its source."""
    import cloudpickle

    sources: dict[str, list[str]] = {}
    table = cloudpickle.Pickler.dispatch_table
    reduced = table[CodeType]

    def reduce_code(code: CodeType) -> tuple[Any, ...]:
        sources.setdefault(code.co_filename, linecache.getlines(code.co_filename))
        return _code, (code.co_filename, *reduced(code))

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        dispatch_table = table.new_child({CodeType: reduce_code, _Cached: _reduce_cached})

    data = bytearray()
    Pickler(SimpleNamespace(write=data.extend)).dump(value)
    packed: bytes = cloudpickle.dumps((sources, data))
    return packed


_Cached = type(lru_cache(len))


def _reduce_cached(function: Any) -> Any:
    """Reduce a function with a cache: by its name where other processes can import it, else anew, with an empty cache."""
    inner = function.__wrapped__
    module = sys.modules.get(inner.__module__)
    if module is not None and inner.__module__ != "__main__" and getattr(module, "__file__", None):
        owner: Any = module
        for name in inner.__qualname__.split("."):
            owner = getattr(owner, name, None)
        if owner is function:
            return function.__reduce__()
    return _cached, (inner, function.cache_parameters())


def _cached(function: Callable[..., Any], parameters: dict[str, Any]) -> Any:
    return lru_cache(**parameters)(function)


def _code(filename: str, make: Callable[..., CodeType], arguments: Sequence[Any]) -> CodeType:
    """Return a code object with its true file name, which cloudpickle 3.1.3 replaces."""
    return make(*arguments).replace(co_filename=filename)


@lru_cache(maxsize=4)
def _unpack(packed: bytes) -> Loaded:
    import cloudpickle

    before = set(sys.modules)
    sources, data = cloudpickle.loads(packed)
    for filename, lines in sources.items():
        # Cells of a notebook are in no file, and another host may lack the file.
        if lines and not linecache.getlines(filename):
            linecache.cache[filename] = (sum(map(len, lines)), None, lines, filename)
    loaded: Loaded
    loaded, known = cloudpickle.loads(data)
    registry.install(known)
    edited = _edited(loaded.work.sources, sys.modules.keys() - before)
    if not edited:
        return loaded
    # Its measurements are of code that nobody knows.
    provenance = {**loaded.work.provenance, CODE: EDITED}
    return Loaded(replace(loaded.work, provenance=provenance), loaded.settings, edited)


def _edited(sources: Mapping[str, str], imported: Iterable[str]) -> tuple[str, ...]:
    """Return the files of modules imported here whose source is not that of the session."""
    paths = {getattr(sys.modules.get(name), "__file__", None) for name in imported}
    return tuple(file for file, digest in sources.items() if file in paths and hash_of_source(file) != digest)


def pack_values(values: tuple[Any, ...], things: Mapping[str, Any]) -> tuple[Any, ...] | bytes:
    """Return the values of a parameter set for another process, in which `things` came with the work.

    These stay the very objects that the function there refers to, so that ``is`` holds.
    """
    if not any(type(value) is Argument for value in values):
        return values
    names = {id(thing): name for name, thing in things.items()}
    try:
        return _dumps_values(
            [value.portable() if type(value) is Argument else value for value in values], names
        )
    except Exception:  # noqa: BLE001  an object with an open file, for example, is made again of its state
        detached = [value.detached() if type(value) is Argument else value for value in values]
        return _dumps_values(detached, names)


def _dumps_values(values: list[Any], names: Mapping[int, str]) -> bytes:
    import cloudpickle

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        def reducer_override(self, thing: Any) -> Any:
            name = names.get(id(thing))
            return super().reducer_override(thing) if name is None else (_thing, (name,))

    data = bytearray()
    Pickler(SimpleNamespace(write=data.extend)).dump(values)
    return bytes(data)


# The functions and classes that came with the work in hand.
_things: dict[str, Any] = {}


def _thing(name: str) -> Any:
    return _things[name]


def _unpack_values(values: tuple[Any, ...] | bytes, work: Work) -> tuple[Any, ...]:
    if type(values) is not bytes:
        return tuple(values)
    import cloudpickle

    _things.clear()
    _things.update(work.things)
    remember(work.things)
    return tuple(cloudpickle.loads(values))


# What a worker of ours was given when it began, so that it need not be sent each time.
_given: list[bytes] = []
_halting: list[Any] = []


def prepare(parent: int, packed: bytes, halting: Any) -> None:
    """Make a process a worker of ours."""
    # The parent decides what Ctrl-C means; it reaches all processes of a terminal.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _let_interrupts_through()
    _given[:] = [packed]
    _halting[:] = [halting]
    _end_with(parent)
    # All modules that are loaded by now stay: no collection need look at them, least of all those at the end.
    gc.freeze()


def _let_interrupts_through() -> None:
    """Let Ctrl-C through again, which the parent holds back while it starts a worker."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _end_with(parent: int) -> None:
    if sys.platform == "win32":
        # There loky's workers look after their parent themselves, if more slowly.
        return
    import ctypes

    system = ctypes.CDLL(None)
    if sys.platform == "linux":
        system.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if system.getppid() != parent:
            # It had ended before the signal was asked for.
            signal.raise_signal(signal.SIGKILL)
        return
    threading.Thread(target=_watch, args=(system, parent), daemon=True).start()


def _watch(system: Any, parent: int) -> None:
    while system.getppid() == parent:
        time.sleep(_WATCH)
    signal.raise_signal(signal.SIGKILL)


def ready() -> tuple[str, int]:
    """Load the work that the process was given; return what went wrong, if anything, and the id of the process."""
    return _load(b"")[1], os.getpid()


def _load(work: bytes | Loaded) -> tuple[Loaded | None, str]:
    if isinstance(work, Loaded):
        return work, ""
    try:
        return _unpack(work or _given[0]), ""
    except BaseException as error:  # noqa: BLE001  whatever a module of the user's does when it is imported
        return None, f"{type(error).__name__}: {error}"


def run(token: str, work: bytes | Loaded, parcels: Sequence[Parcel], budget: float) -> Reply:  # noqa: ARG001
    """Run parameter sets until all are done or a time is over, at least one of them unless the run ends."""
    begin = time.monotonic()
    loaded, trouble = _load(work)
    if loaded is None:
        return Reply([], 0.0, trouble)
    results: list[Result] = []
    seconds = 0.0
    # A cluster's process may run other parameter sets in other threads.
    is_alone = not loaded.settings.is_here and threading.current_thread() is threading.main_thread()
    with applied(loaded.settings) as notes:
        notes += [_note_of_edit(file) for file in loaded.edited]
        for parcel in parcels:
            if _is_halted():
                break
            try:
                values = _unpack_values(parcel[0], loaded.work)
            except BaseException as error:  # noqa: BLE001  whatever a module of the user's does when it is imported
                return Reply(results, seconds, f"{type(error).__name__}: {error}", notes)
            outcome = call(loaded.work, Task(0, values, (), parcel[1]), is_alone=is_alone)
            result = Result(outcome.info, outcome.rest, outcome.failure, outcome.seconds, outcome.beside)
            results.append(result)
            seconds = time.monotonic() - begin
            if seconds >= budget:
                break
    return Reply(results, seconds, "", notes)


def _note_of_edit(file: str) -> Note:
    text = (
        f"{file} was edited during the run: a worker process imported another version than the session. The code of its "
        "measurements is unknown; run(..., code='recompute') computes them again."
    )
    return ("warning", text, ComaWarning.__module__, ComaWarning.__name__, file, 1)


def _is_halted() -> bool:
    """Whether the parent has said that nothing more is to be begun."""
    for halting in _halting:
        # To look at it is to take one away and give it back, which waits for nobody, also not for a worker that died.
        if halting.acquire(False):
            halting.release()
            return True
    return False

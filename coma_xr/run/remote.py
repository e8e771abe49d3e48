"""The part that runs in a worker: parameter sets come in, text, numbers and bytes go out.

A worker takes over settings of the session. It imports little, outlives neither its parent nor its run, and sends no
exception, which might not survive the way.
"""

from __future__ import annotations

import functools
import gc
import linecache
import logging
import os
import platform
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, chdir, contextmanager, nullcontext
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import CodeType, ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from coma_xr.code.sources import hash_of_source
from coma_xr.code.syntax import digest_of
from coma_xr.define.values import Argument, remember
from coma_xr.errors import ComaWarning, SerializationError
from coma_xr.run.plan import Task
from coma_xr.run.signature import called
from coma_xr.run.worker import CODE, Work, call
from coma_xr.text import as_clause
from coma_xr.values import objects

if TYPE_CHECKING:
    from coma_xr.values.plain import Tree


# NumPy's own error state, which need not be sent.
_NUMPY_DEFAULTS = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}

_PLAIN = (str, int, float, bool, type(None))

Note = tuple[Any, ...]


class SessionSettings(NamedTuple):
    """The settings of this process."""

    process: tuple[str, int]
    directory: str
    errors: dict[str, str]
    filters: list[tuple[Any, ...]]
    disabled: int
    levels: dict[str, int]

    @property
    def is_here(self) -> bool:
        """Whether this is the process of the session."""
        return self.process == _process()


def _process() -> tuple[str, int]:
    return platform.node(), os.getpid()


def session_settings() -> SessionSettings:
    """Return the settings of this process as they are now."""
    try:
        directory = str(Path.cwd())
    except OSError:
        directory = ""
    loggers = {"": logging.getLogger(), **logging.root.manager.loggerDict}
    levels = {name: logger.level for name, logger in loggers.items() if isinstance(logger, logging.Logger)}
    return SessionSettings(
        _process(),
        directory,
        _error_state(),
        [_filter(*entry) for entry in warnings.filters],
        logging.root.manager.disable,
        {name: level for name, level in levels.items() if level},
    )


def _error_state() -> dict[str, str]:
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return {}
    # A function to call, or an object to log to, belongs to this process.
    errors = {kind: "warn" if how in {"call", "log"} else how for kind, how in numpy.geterr().items()}
    return {} if errors == _NUMPY_DEFAULTS else errors


def _filter(action: str, message: Any, category: Any, module: Any, line: int) -> tuple[Any, ...]:
    return action, getattr(message, "pattern", message or ""), category, _pattern(module), line


def _pattern(module: Any) -> str:
    # Python's own filters name modules by strings that are not patterns.
    return f"{module}$" if isinstance(module, str) else getattr(module, "pattern", "")


class _Capture(logging.Handler):
    """Notes log records for the session."""

    def emit(self, record: logging.LogRecord) -> None:
        fields = {name: value for name, value in vars(record).items() if isinstance(value, _PLAIN)}
        fields |= {"msg": record.getMessage(), "args": None}
        if record.exc_info:
            fields["exc_text"] = logging.Formatter().formatException(record.exc_info)
        _note("log", fields)


class _Users:
    """How many threads of this process are at work under settings of a session, and their notes."""

    lock = threading.Lock()
    stack = ExitStack()
    notes: ClassVar[list[list[Note]]] = []
    own = threading.local()


def _note(*note: Any) -> None:
    # A thread that the function has started has no notes of its own.
    notes = getattr(_Users.own, "notes", None)
    if notes is None and _Users.notes:
        notes = _Users.notes[-1]
    if notes is not None:
        notes.append(note)


@contextmanager
def applied(settings: SessionSettings) -> Iterator[list[Note]]:
    """Work under the settings of a session; yield a list of what is to be logged and warned about there."""
    notes: list[Note] = []
    with _errors_raised(settings.errors):
        if settings.is_here:
            yield notes
            return
        with _Users.lock:
            if not _Users.notes:
                _take_over(settings, _Users.stack)
            _Users.notes.append(notes)
        _Users.own.notes = notes
        try:
            yield notes
        finally:
            _Users.own.notes = None
            with _Users.lock:
                _Users.notes[:] = [others for others in _Users.notes if others is not notes]
                if not _Users.notes:
                    _Users.stack.close()


def _errors_raised(errors: dict[str, Any]) -> Any:
    if not errors:
        return nullcontext()
    import numpy as np

    return np.errstate(**errors)


def _take_over(settings: SessionSettings, stack: ExitStack) -> None:
    if settings.directory and settings.process[0] == platform.node():
        try:
            stack.enter_context(chdir(settings.directory))
        except OSError as error:
            logging.getLogger("coma_xr").debug("the working directory is not that of the session: %s", error)
    stack.enter_context(warnings.catch_warnings())
    warnings.resetwarnings()
    for action, message, category, module, line in settings.filters:
        warnings.filterwarnings(action, message, category, module, line, append=True)
    warnings.showwarning = functools.partial(_show, warnings.showwarning)
    capture = _Capture()
    logging.root.addHandler(capture)
    stack.callback(logging.root.removeHandler, capture)
    stack.callback(logging.disable, logging.root.manager.disable)
    logging.disable(settings.disabled)
    for name, level in settings.levels.items():
        logger = logging.getLogger(name)
        stack.callback(logger.setLevel, logger.level)
        logger.setLevel(level)


def _show(
    others: Any,
    message: Any,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: Any = None,
    line: str | None = None,
) -> None:
    if file is not None:
        others(message, category, filename, lineno, file, line)
    else:
        _note("warning", str(message), category.__module__, category.__qualname__, filename, lineno)


def relay(notes: Sequence[Note]) -> None:
    """Log and warn here of what was noted in a worker; each warning as often as the filters of this process allow."""
    for kind, *parts in notes:
        if kind == "log":
            record = logging.makeLogRecord(parts[0])
            logger = logging.getLogger(record.name)
            if logger.isEnabledFor(record.levelno):
                logger.handle(record)
        else:
            _warn(*parts)


def _warn(text: str, home: str, name: str, filename: str, lineno: int) -> None:
    category: Any = getattr(sys.modules.get(home), name, UserWarning)
    if not (isinstance(category, type) and issubclass(category, Warning)):
        category = UserWarning
    module = _module_of(filename)
    registry = _registry if module is None else vars(module).setdefault("__warningregistry__", {})
    try:
        warnings.warn_explicit(
            text, category, filename, lineno, None if module is None else module.__name__, registry
        )
    except (Warning, TypeError) as error:
        # A filter that makes errors had its chance in the worker, and no warning ends a run.
        warnings.showwarning(error if isinstance(error, Warning) else text, UserWarning, filename, lineno)


# Of warnings from files that are not a module of this process.
_registry: dict[Any, Any] = {}


def _module_of(filename: str) -> ModuleType | None:
    modules = list(sys.modules.values())
    return next((module for module in modules if getattr(module, "__file__", None) == filename), None)


# Linux sends this signal to a process whose parent has ended.
_PR_SET_PDEATHSIG = 1

# The beginning of the code state of measurements by a file that was edited during the run.
EDITED = "edited-during-run"

# Seconds between two looks at the parent, where the system does not tell.
_WATCH = 0.5


class Parcel(NamedTuple):
    """A parameter set on its way to a worker: the values of a `Task`, packed if they are not bare, and its repeat."""

    values: tuple[Any, ...] | bytes
    repeat: int | None


class Result(NamedTuple):
    """The outcome of one parameter set; the fields are those of `Outcome`."""

    info: dict[str, Tree]
    rest: bytes | None
    failure: dict[str, Tree] | None
    seconds: float
    beside: dict[str, bytes]


class Reply(NamedTuple):
    """The outcomes of the first ones of some parameter sets; the others were not begun."""

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

    Raise SerializationError when the function holds something that no other process can have.
    """
    try:
        return _dumps((Loaded(work, session_settings()), objects.registrations()))
    except Exception as error:
        raise SerializationError(
            f"{called(work.function)}() cannot be sent to another process: {type(error).__name__}: {as_clause(error)}.",
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
    """Reduce a function with a cache: by its name where other processes can import it, else rebuilt with an empty cache."""
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
    objects.install(known)
    edited = _edited(loaded.work.sources, sys.modules.keys() - before)
    if not edited:
        return loaded
    # Nobody has seen all of the code of its measurements, but each edit is code of its own.
    state = f"{EDITED}-{digest_of(' '.join(edited.values()))}"
    work = replace(loaded.work, provenance={**loaded.work.provenance, CODE: state})
    return Loaded(work, loaded.settings, tuple(edited))


def _edited(sources: Mapping[str, str], imported: Iterable[str]) -> dict[str, str]:
    """Return the files of modules imported here whose source is not that of the session, with the hashes of it."""
    paths = {getattr(sys.modules.get(name), "__file__", None) for name in imported}
    found = {file: hash_of_source(file) for file in sources if file in paths}
    return {file: digest for file, digest in found.items() if digest != sources[file]}


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
    """Make a process a worker of coma_xr."""
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
        f"{file} was edited during the run: a worker process imported another version than the session. The next run "
        "reports its measurements as made by other code."
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

"""Settings of the session that hold in workers too: error state, warnings, log levels, working directory."""

from __future__ import annotations

import functools
import logging
import os
import platform
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, chdir, contextmanager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, NamedTuple

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
    # Python's own filters name modules by strings that are no patterns.
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
    """Work under the settings of a session; yield a list of what is to be logged and warned of there."""
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


# Of warnings from files that are no module of this process.
_registry: dict[Any, Any] = {}


def _module_of(filename: str) -> ModuleType | None:
    modules = list(sys.modules.values())
    return next((module for module in modules if getattr(module, "__file__", None) == filename), None)

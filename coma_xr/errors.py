"""The tree of errors, the warnings, and the phrases that their messages share.

::

    ComaError
    ├── ExperimentError              misuse of an experiment; parent of all misuse
    │   ├── ExperimentBusyError      another process works on the experiment
    │   ├── InactiveError            the experiment is archived, or is not
    │   ├── ParameterError           (ValueError)  wrong names, values or number of parameters
    │   │   └── ConditionError       (TypeError)   values that a condition cannot compare
    │   ├── PathError                (KeyError)    a path leads nowhere
    │   │   └── MissingAttributeError (AttributeError) an attribute that stands for a path or method does not exist
    │   ├── LayoutError              (ValueError)  measurements do not fit the arrays asked for
    │   ├── ConfigError              (ValueError)  a setting that cannot be used
    │   └── SerializationError       (TypeError)   a value that cannot be stored
    ├── DataFileError                (ValueError)  a file that cannot be read as what its name states
    ├── ArgumentError                (TypeError)    a keyword argument that a function does not have
    ├── StorageError                 (OSError)     the file system refused
    └── RunError                     parameter sets that failed in a run

    ComaWarning                      (UserWarning)
    └── DataFileWarning              files that were skipped

This module imports only `coma_xr.text`, so that every other one can import it.
"""

from __future__ import annotations

import copy
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from coma_xr.text import alternatives, clean, clean_lines, listing, near_names

__all__ = [
    "ArgumentError",
    "ComaError",
    "ComaWarning",
    "ConditionError",
    "ConfigError",
    "DataFileError",
    "DataFileWarning",
    "ExperimentBusyError",
    "ExperimentError",
    "InactiveError",
    "LayoutError",
    "MissingAttributeError",
    "ParameterError",
    "PathError",
    "RunError",
    "SerializationError",
    "StorageError",
]


Language = Literal["python", "terminal"]

# Parts of a message stand on lines of their own when one line would be longer than this.
_LINE = 100
# Of a word longer than paths are, such as a string given by mistake, the ends are shown.
_LONG_WORD = re.compile(r"(\S{100})\S{800,}(\S{100})")


@dataclass(frozen=True)
class Way:
    """A part of a message that Python and the terminal word differently, such as what to do about an error.

    Parameters
    ----------
    python : str
        In Python's words; empty if Python has none.
    terminal : str
        In the words of the command line; empty if it has none.
    """

    python: str
    terminal: str

    def __str__(self) -> str:
        return self.python


# What to do about a file that exists.
REPLACE = Way("Choose another name or pass overwrite=True.", "Choose another name or pass --overwrite.")


class ComaError(Exception):
    """Parent of all errors that coma_xr raises on purpose.

    The parts of a message are kept apart. `message` joins them, in Python's words or in those of the command line.

    Parameters
    ----------
    *args : object
        What is wrong, with the value; a str or Way.
    where : str, optional
        The file, path or setting that the error concerns. The message begins with it and a colon.
    expected : str or Way, optional
        What was expected, as the end of a sentence that begins with "Expected".
    found : str, optional
        The value that was found instead of the expected one, in place of `args`.
    name : str, optional
        The name that was looked up.
    available : iterable of str, optional
        The names that exist.
    ways : sequence of str or Way, optional
        What to do, each an imperative sentence.
    excerpt : str, optional
        Lines that show the position of the mistake in a longer string.

    Attributes
    ----------
    what, where, expected, found, name, excerpt : str or None
    available, ways : tuple
    near : tuple of str
        At most three of `available` that `name` may be a misspelling of, the nearest first.
    is_usage : bool
        Whether the words of a terminal command are wrong, whatever the experiment holds.
    """

    is_usage = False

    def __init__(
        self,
        *args: Any,
        where: str | None = None,
        expected: str | Way | None = None,
        found: str | None = None,
        name: str | None = None,
        available: Iterable[str] | None = None,
        ways: Sequence[str | Way] = (),
        excerpt: str | None = None,
    ) -> None:
        if found is not None:
            args = (f"{'Expected' if where is None else 'expected'} {expected}, found {found}",)
        super().__init__(*(str(arg) if isinstance(arg, Way) else arg for arg in args))
        self._fault = args[0] if args and isinstance(args[0], Way) else None
        self._expected = expected
        self.what = str(args[0]) if args else ""
        self.where = where
        self.expected = None if expected is None else str(expected)
        self.found = found
        self.name = name
        self.available = None if available is None else tuple(available)
        # The digits of an id are not a misspelling of those of another.
        is_text = isinstance(name, str) and not name.isdecimal()
        self.near = tuple(near_names(name, self.available or ())) if name and is_text else ()
        self.ways = tuple(ways)
        self.excerpt = excerpt

    def message(self, language: Language = "python") -> str:
        """Return the whole message.

        Parameters
        ----------
        language : {"python", "terminal"}, default "python"
            Whether to name functions and arguments, or commands and options.
        """
        parts = self._parts(language)
        line = " ".join(parts)
        text = _LONG_WORD.sub(r"\1 ... \2", line if len(line) <= _LINE else "\n".join(parts))
        return clean_lines(text if self.excerpt is None else f"{text}\n{self.excerpt}")

    def line(self) -> str:
        """Return the message without excerpt and final full stop, to stand in another one.

        Examples
        --------
        >>> DataFileError("not valid gzip", where="a.json.gz", ways=["Unpack it."]).line()
        'a.json.gz: not valid gzip. Unpack it'
        """
        return clean(" ".join(self._parts("python"))).removesuffix(".")

    def _parts(self, language: Language) -> list[str]:
        parts = [self._what(language)]
        if self.where is not None:
            parts[0] = f"{self.where}: {parts[0]}"
        if self._expected is not None and self.found is None:
            parts.append(f"Expected {_worded(self._expected, language)}.")
        if self.available is not None:
            parts.append(f"Available: {listing(self.available)}.")
        if self.near:
            parts.append(f"Did you mean {alternatives(self.near)}?")
        parts += [text for text in (_worded(way, language) for way in self.ways) if text]
        if (self.where is not None or self.found is not None or len(parts) > 1) and not parts[0].endswith(
            (".", "?", "!", ":")
        ):
            parts[0] += "."
        return parts

    def at(self, where: str) -> Self:
        """Return a copy of this error with a place in front of its own.

        Examples
        --------
        >>> print(DataFileError("an index has 2 dimensions", expected="one").at("results/table").at("1.json"))
        1.json: results/table: an index has 2 dimensions. Expected one.
        """
        placed = copy.copy(self)
        placed.where = where if self.where is None else f"{where}: {self.where}"
        return placed

    def _what(self, language: Language) -> str:
        return self.what if self._fault is None else _worded(self._fault, language)

    def __str__(self) -> str:
        return self.message()


def _worded(part: str | Way, language: Language) -> str:
    return getattr(part, language) if isinstance(part, Way) else part


class ArgumentError(ComaError, TypeError):
    """A function was called with a keyword argument that it does not have."""


class ExperimentError(ComaError):
    """An experiment was asked for something that it cannot do."""


class ExperimentBusyError(ExperimentError):
    """Another process, or another part of this one, works on the experiment."""


class InactiveError(ExperimentError):
    """The experiment is inactive where an active one is needed, or the reverse."""


class ParameterError(ExperimentError, ValueError):
    """Wrong names, values or number of parameters."""


class ConditionError(ParameterError, TypeError):
    """A condition is used in a way that its values do not support, such as ordering strings and numbers."""


class PathError(ExperimentError, KeyError, IndexError):
    """A path does not lead to a value.

    Attributes
    ----------
    path : tuple or None
        The path within a measurement, if one was asked for it.
    """

    path: tuple[Any, ...] | None = None

    # KeyError would show the message in quotation marks.
    __str__ = ComaError.__str__


class MissingAttributeError(PathError, AttributeError):
    """An attribute does not exist; `hasattr` and `getattr` with a default understand this error."""

    __str__ = ComaError.__str__


class LayoutError(ExperimentError, ValueError):
    """Measurements do not fit into the arrays or tables that were asked for."""


class ConfigError(ExperimentError, ValueError):
    """A setting has a value that cannot be used."""


class SerializationError(ExperimentError, TypeError):
    """A value cannot be stored in a measurement file."""


class DataFileError(ComaError, ValueError):
    """A file cannot be read as what its name states.

    Attributes
    ----------
    is_damaged : bool
        Whether the content is empty, cut off or overwritten, so that a copy of the file is needed.
    """

    is_damaged = False

    @classmethod
    def damaged(cls, what: str, **parts: Any) -> Self:
        """Return the error for content that is empty, cut off or overwritten."""
        error = cls(what, **parts)
        error.is_damaged = True
        return error


class StorageError(ComaError, OSError):
    """The file system refused; `errno` and `filename` are those of its own error.

    Attributes
    ----------
    written : bool
        Whether the file was written all the same, and may not survive a power cut.
    """

    written = False

    def __init__(self, *args: Any, **parts: Any) -> None:
        super().__init__(*args, **parts)
        if len(args) > 1:
            self.what = str(args[1])

    def _what(self, language: Language) -> str:
        is_path = language == "terminal" and self.filename
        text = f"{self.filename}: {self.what}" if is_path else OSError.__str__(self)
        return f"{text}." if self.ways else text

    __str__ = ComaError.__str__


class RunError(ComaError):
    """Parameter sets failed in a run.

    Parameters
    ----------
    message : str
        What failed, in words.
    failures : sequence, optional
        One record for each failed parameter set.
    **parts : object
        Other parts of the message, as in `ComaError`.
    """

    def __init__(self, message: str, failures: Sequence[Any] = (), **parts: Any) -> None:
        super().__init__(message, failures, **parts)
        self.failures = tuple(failures)


@contextmanager
def wrong_usage() -> Iterator[None]:
    """Let an error raised within be one of wrong usage, which has an exit status of its own."""
    try:
        yield
    except ComaError as error:
        error.is_usage = True
        raise


class ComaWarning(UserWarning):
    """Something was skipped, converted or assumed; nothing was lost."""

    _in_terminal: str | None = None

    def message(self, language: Language = "python") -> str:
        """Return the message in the words of Python or of the command line."""
        return str(self) if language == "python" or self._in_terminal is None else self._in_terminal


class DataFileWarning(ComaWarning):
    """Files were skipped because they cannot be read."""


# The texts that were warned of within the public call that is under way, None outside of one.
warned: ContextVar[set[str | Way] | None] = ContextVar("warned", default=None)


@contextmanager
def warning_once() -> Iterator[None]:
    """Until the end warn of each fact once, however many functions find it."""
    token = warned.set(set())
    try:
        yield
    finally:
        warned.reset(token)


# The package, and what of Python's own stands between its functions where one is entered by `with`.
_BETWEEN = {__package__, "contextlib"}


def _with_way(text: str, way: Way | None, language: Language) -> str:
    between = "\n" if "\n" in text else " "
    return clean_lines((text if way is None else f"{text}{between}{_worded(way, language)}").rstrip())


def warn(text: str | Way, category: type[ComaWarning] = ComaWarning, *, way: Way | None = None) -> None:
    """Warn of a fact, and what to do about it, at the line of the user's that called the package, however deep in it the reason was found."""
    known = warned.get()
    if known is not None:
        if text in known:
            return
        known.add(text)
    # For warnings.warn this function itself is the level 1.
    depth, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _BETWEEN:
        frame = frame.f_back
        depth += 1
    texts = [_with_way(_worded(text, language), way, language) for language in get_args(Language)]
    warning = category(texts[0])
    warning._in_terminal = texts[1]
    warnings.warn(warning, stacklevel=depth)

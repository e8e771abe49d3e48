"""The tree of errors, the warnings, and the phrases that their messages share.

::

    ComaError
    ├── ExperimentError              misuse of an experiment; parent of all misuse
    │   ├── ExperimentBusyError      another process works on the experiment
    │   ├── InactiveError            the experiment is archived, or is not
    │   ├── ParameterError           (ValueError)  wrong names, values or number of parameters
    │   │   └── ConditionError       (TypeError)   a condition asks of a value what cannot be asked of it
    │   ├── PathError                (KeyError)    a path leads nowhere
    │   ├── LayoutError              (ValueError)  measurements do not fit the arrays asked for
    │   ├── ConfigError              (ValueError)  a setting that cannot be used
    │   └── SerializationError       (TypeError)   a value that cannot be stored
    ├── DataFileError                (ValueError)  a file that cannot be read as what its name says
    ├── StorageError                 (OSError)     the file system refused
    └── RunError                     parameter sets that failed in a run

    ComaWarning                      (UserWarning)
    └── DataFileWarning              files that were passed over

This module imports nothing of the package, so that every other one can import it.
"""

from __future__ import annotations

import difflib
import sys
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = [
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
    "ParameterError",
    "PathError",
    "RunError",
    "SerializationError",
    "StorageError",
]


class ComaError(Exception):
    """Parent of all errors that coma_xr raises on purpose."""


class ExperimentError(ComaError):
    """An experiment was asked for something that it cannot do."""


class ExperimentBusyError(ExperimentError):
    """Another process, or another part of this one, works on the experiment."""


class InactiveError(ExperimentError):
    """The experiment is inactive where an active one is needed, or the reverse."""


class ParameterError(ExperimentError, ValueError):
    """Wrong names, values or number of parameters."""


class ConditionError(ParameterError, TypeError):
    """A condition asks of a value what cannot be asked of it, such as whether a text is greater than a number."""


class PathError(ExperimentError, KeyError):
    """A path does not lead to a value."""

    # KeyError would show the message in quotation marks.
    __str__ = Exception.__str__


class LayoutError(ExperimentError, ValueError):
    """Measurements do not fit into the arrays or tables that were asked for."""


class ConfigError(ExperimentError, ValueError):
    """A setting has a value that cannot be used."""


class SerializationError(ExperimentError, TypeError):
    """A value cannot be stored in a measurement file."""


class DataFileError(ComaError, ValueError):
    """A file cannot be read as what its name says it is."""


class StorageError(ComaError, OSError):
    """The file system refused; `errno` and `filename` are those of its own error.

    Attributes
    ----------
    written : bool
        Whether what was to be written is there all the same, but may not survive a power cut.
    """

    written = False


class RunError(ComaError):
    """Parameter sets failed in a run.

    Parameters
    ----------
    message : str
        What failed, in words.
    failures : sequence, optional
        One record for each failed parameter set.
    """

    def __init__(self, message: str, failures: Sequence[Any] = ()) -> None:
        super().__init__(message, failures)
        self.failures = tuple(failures)

    def __str__(self) -> str:
        return str(self.args[0])


class ComaWarning(UserWarning):
    """Something was skipped, converted or assumed; nothing was lost."""


class DataFileWarning(ComaWarning):
    """Files were passed over because they cannot be read."""


def near(name: str, known: Iterable[str]) -> list[str]:
    """Return at most three of `known` that `name` may be a misspelling of, nearest first; differences of case count little."""
    known = list(dict.fromkeys(known))
    alike = [one for one in known if one.casefold() == name.casefold() and one != name]
    return [
        *alike,
        *(one for one in difflib.get_close_matches(name, known, n=3, cutoff=0.6) if one not in alike),
    ][:3]


def listing(names: Iterable[object], most: int = 10) -> str:
    """Return names in a sentence, the first `most` of them."""
    texts = [str(name) for name in names]
    if not texts:
        return "none"
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def there_is(name: str, known: Iterable[str]) -> str:
    """Return the part of a message that says what there is instead of `name`.

    Examples
    --------
    >>> there_is("energi", ["energy", "t"])
    "There is: energy, t. Did you mean 'energy'?"
    """
    known = list(known)
    hints = " or ".join(repr(hint) for hint in near(name, known))
    return f"There is: {listing(known)}." + (f" Did you mean {hints}?" if hints else "")


# The package, and what of Python's own stands between its functions where one is entered by `with`.
_BETWEEN = {__package__, "contextlib"}


def warn(text: str, category: type[ComaWarning] = ComaWarning) -> None:
    """Warn at the line of the user's that called the package, however deep in it the reason was found."""
    # For warnings.warn this function itself is the level 1.
    depth, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _BETWEEN:
        frame = frame.f_back
        depth += 1
    warnings.warn(text, category, stacklevel=depth)

"""Checks of arguments: their names, and their values, which are returned as a plain bool, int, float or list.

A wrong value raises ParameterError, and what is no path an ExperimentError.
"""

from __future__ import annotations

import datetime as dt
import errno
import functools
import math
import numbers
import operator
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, fields
from enum import Enum
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar, cast, overload

from coma_xr.errors import (
    ArgumentError,
    ComaError,
    ExperimentError,
    MissingAttributeError,
    ParameterError,
    PathError,
    StorageError,
    Way,
    warned,
    warning_once,
)
from coma_xr.text import count, shortened, with_article

T = TypeVar("T", bound=Callable[..., Any])

# Flags of a code object with *arguments and with **keywords.
_TAKES_MORE, _TAKES_ANY = 0x04, 0x08


def checks_keywords(thing: T) -> T:
    """Let a function, or each public method and the constructor of a class, name the near arguments of an unknown one.

    >>> @checks_keywords
    ... def simulate(*, steps=1):
    ...     return steps
    >>> simulate(step=2)
    Traceback (most recent call last):
    ...
    coma_xr.errors.ArgumentError: simulate() has no argument 'step'. Available: steps. Did you mean 'steps'?
    """
    if not isinstance(thing, type):
        return cast("T", _checked(cast("FunctionType", thing)))
    for name, member in list(vars(thing).items()):
        if isinstance(member, FunctionType) and (name == "__init__" or not name.startswith("_")):
            setattr(thing, name, _checked(member, is_method=True))
    return thing


def _checked(function: FunctionType, *, is_method: bool = False) -> Callable[..., Any]:
    code = function.__code__
    first = max(code.co_posonlyargcount, int(is_method))
    if hasattr(function, "__signature__"):
        known = tuple(function.__signature__.parameters)[first:]
    else:
        known = code.co_varnames[first : code.co_argcount + code.co_kwonlyargcount]
    takes_any = code.co_flags & _TAKES_ANY and not hasattr(function, "__signature__")
    accepted = frozenset(known)
    most = sys.maxsize if code.co_flags & _TAKES_MORE else code.co_argcount
    least = code.co_argcount - len(function.__defaults__ or ())

    @functools.wraps(function)
    def call(*arguments: Any, **keywords: Any) -> Any:
        if not (takes_any or accepted.issuperset(keywords)):
            name = next(name for name in keywords if name not in accepted)
            raise unknown_argument(_called(function, arguments[:1] if is_method else ()), name, known)
        if not least <= len(arguments) <= most:
            _check_number(function, arguments, keywords, is_method)
        if warned.get() is not None:
            return function(*arguments, **keywords)
        with warning_once():
            return function(*arguments, **keywords)

    return call


def _check_number(
    function: FunctionType, arguments: tuple[Any, ...], keywords: Mapping[str, Any], is_method: bool
) -> None:
    """Raise ArgumentError for too many positional arguments, or for one that is missing."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    called = _called(function, arguments[:1] if is_method else ())
    if len(arguments) > len(names):
        number, most = len(arguments) - is_method, len(names) - is_method
        known = code.co_varnames[int(is_method) : code.co_argcount + code.co_kwonlyargcount]
        raise ArgumentError(
            f"{called}() takes {count(most, 'positional argument')}, not {number}.", available=known or None
        )
    needed = names[len(arguments) : len(names) - len(function.__defaults__ or ())]
    lacking = next((name for name in needed if name not in keywords), None)
    if lacking is not None:
        raise ArgumentError(f"{called}() is missing the argument '{lacking}'.", ways=[f"Pass {lacking}=."])


def _called(function: FunctionType, owner: tuple[Any, ...]) -> str:
    """Return what a user calls a function or method: by the class of the object, whatever class defines it."""
    if not owner:
        return function.__name__
    kind = type(owner[0]).__name__
    return kind if function.__name__ == "__init__" else f"{kind}.{function.__name__}"


# What arguments are called in other libraries.
_OTHERS = {
    "max_workers": ("n_jobs", "jobs", "processes", "nprocs", "parallel", "cores", "ncores", "pool_size"),
    "executor": ("pool", "client", "backend", "mapper"),
    "progress": ("verbose", "verbosity", "pbar", "tqdm"),
    "recompute": ("force", "rerun", "overwrite", "redo"),
    "on_error": ("errors", "raise_errors", "ignore_errors", "skip_errors"),
    "repeats": ("replicas", "n_samples", "runs"),
    "seed": ("random_state", "rng"),
    "where": ("filter", "query", "condition", "constraint"),
    "variables": ("columns", "data_vars", "names", "usecols"),
    "fill": ("na_rep", "default"),
    "overwrite": ("force", "exist_ok", "replace"),
}


def unknown_argument(called: str, name: str, known: Iterable[str]) -> ArgumentError:
    """Return the error for a keyword that a function does not have."""
    error = ArgumentError(f"{called}() has no argument '{name}'.", name=name, available=known)
    if not error.near:
        others = (known_name for known_name in error.available or () if name in _OTHERS.get(known_name, ()))
        error.ways = tuple(f"Use {known_name}." for known_name in others)
    return error


def option(help: str, *, default: Any = None, **metadata: Any) -> Any:
    """Return a field of a dataclass of arguments that is an option of the terminal: its help, and more for argparse."""
    return field(default=default, metadata={"help": help, **metadata})


def terminal_options(arguments: type) -> dict[str, dict[str, Any]]:
    """Return the arguments in a dataclass that are options of the terminal, with what argparse takes for each."""
    return {setting.name: dict(setting.metadata) for setting in fields(arguments) if setting.metadata}


_UNITS = ("d", "h", "min|m", "s")
_SECONDS = (86400.0, 3600.0, 60.0, 1.0)
_DURATION = re.compile("".join(rf"(?:(\d+(?:\.\d+)?) ?(?:{unit}) ?)?" for unit in _UNITS))


class Unchanged(Enum):
    """The value of an argument that is not given, if None has a meaning."""

    UNCHANGED = "unchanged"

    def __repr__(self) -> str:
        return self.value


UNCHANGED = Unchanged.UNCHANGED


def check_flag(name: str, value: Any) -> bool:
    """Return a setting that is True or False.

    >>> check_flag("dry_run", "no")
    Traceback (most recent call last):
    ...
    coma_xr.errors.ParameterError: dry_run='no' is a str. Expected True or False.
    """
    if isinstance(value, bool):
        return value
    if getattr(getattr(value, "dtype", None), "kind", "") == "b" and getattr(value, "ndim", None) == 0:
        return bool(value)
    raise _wrong(name, value, "True or False")


@overload
def check_integer(name: str, value: Any, lowest: int = 0) -> int: ...
@overload
def check_integer(name: str, value: Any, lowest: int = 0, *, optional: bool) -> int | None: ...
def check_integer(name: str, value: Any, lowest: int = 0, *, optional: bool = False) -> int | None:
    """Return a setting that is an integer from `lowest` on, of Python, NumPy or any type with ``__index__``.

    >>> check_integer("limit", True)
    Traceback (most recent call last):
    ...
    coma_xr.errors.ParameterError: limit=True is a bool. Expected an integer from 0 on.
    """
    if optional and value is None:
        return None
    number = as_integer(value)
    if number is None or number < lowest:
        raise _wrong(name, value, f"an integer from {lowest} on" + (" or None" if optional else ""), number)
    return number


def as_integer(value: Any) -> int | None:
    """Return an integer of any type as an int, and None for everything else."""
    if isinstance(value, bool) or getattr(getattr(value, "dtype", None), "kind", "") == "b":
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def absolute_path(path: str = "") -> str:
    """Return a path from the root, by default that of the working directory; StorageError when it was deleted."""
    try:
        here = Path("/") if Path(path).is_absolute() else Path.cwd()
    except OSError as error:
        gone = "the working directory no longer exists; change to another one"
        raise StorageError(error.errno or errno.ENOENT, gone, ".") from error
    return str(here / path)


def check_positive(name: str, value: Any, unit: str = "") -> float | None:
    """Return a setting that is a finite number above 0, or None.

    >>> check_positive("timeout", -1, "seconds")
    Traceback (most recent call last):
    ...
    coma_xr.errors.ParameterError: timeout=-1 is out of range. Expected a number of seconds above 0 or None.
    """
    if value is None:
        return None
    scalar = value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value
    real = isinstance(scalar, numbers.Real) and not isinstance(scalar, bool)
    if not real or not 0 < scalar < math.inf:
        of_unit = f" of {unit}" if unit else ""
        raise _wrong(name, value, f"a number{of_unit} above 0 or None", scalar if real else None)
    return float(scalar) if not isinstance(scalar, (int, float)) else scalar


def check_tolerance(name: str, value: Any) -> float | None:
    """Return a setting that is a finite number from 0 up, or None.

    >>> check_tolerance("tolerance", -1)
    Traceback (most recent call last):
    ...
    coma_xr.errors.ParameterError: tolerance=-1 is out of range. Expected a number from 0 up or None.
    """
    if value is None:
        return None
    scalar = value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value
    real = isinstance(scalar, numbers.Real) and not isinstance(scalar, bool)
    if not real or not 0 <= scalar < math.inf:
        raise _wrong(name, value, "a number from 0 up or None", scalar if real else None)
    return float(scalar)


def check_duration(name: str, value: Any, *, endless: bool = True) -> float | None:
    """Return a duration, such as "7h30m", a timedelta or a number of seconds, in seconds; infinity is one if `endless`.

    >>> check_duration("max_time", "1d 2h"), check_duration("max_time", "7.5h")
    (93600.0, 27000.0)
    """
    seconds: Any = value
    if isinstance(value, str):
        parts = _DURATION.fullmatch(value.strip())
        numbers_given = [float(number or 0) for number in parts.groups()] if parts else []
        seconds = sum(number * unit for number, unit in zip(numbers_given, _SECONDS, strict=False))
    elif isinstance(value, dt.timedelta):
        seconds = value.total_seconds()
    if seconds is None or (endless and isinstance(seconds, float) and seconds == math.inf):
        return seconds
    try:
        return float(check_positive(name, seconds) or 0.0)
    except ParameterError:
        is_number = isinstance(seconds, numbers.Real) and not isinstance(value, (str, bool))
        expected = "a duration above 0, such as '7h30m', a timedelta or seconds"
        raise _wrong(name, value, expected, seconds if is_number else None) from None


def check_choice(
    name: str, value: Any, choices: Sequence[Any], error: type[ComaError] = ParameterError
) -> Any:
    """Return a setting that is one of some words, or of other values that a set can hold.

    >>> check_choice("on_error", "contine", ("auto", "continue", "stop"))
    Traceback (most recent call last):
    ...
    coma_xr.errors.ParameterError: on_error='contine' is unknown. Available: auto, continue, stop. Did you mean 'continue'?
    """
    # Some types compare item by item, and 1 equals True.
    for choice in choices:
        if isinstance(value, type(choice)) and value == choice:
            return choice
    raise error(
        setting(name, value, "is unknown."),
        name=value if isinstance(value, str) else None,
        available=[str(choice) for choice in choices],
    )


def check_id(value: Any) -> int:
    """Return one id, an integer of any type, as an int."""
    number = as_integer(value)
    if number is None:
        raise PathError(
            f"id={shortened(value)} is {with_article(type(value).__name__)}.", expected="an integer"
        )
    return number


def check_ids(name: str, value: Any) -> list[int] | None:
    """Return one id or a list, array, Index or Series of ids as a list of ints, each once; None for anything else.

    Raise ParameterError when some items are integers and others are not.

    >>> check_ids("where", range(1, 4)), check_ids("where", "x > 1")
    ([1, 2, 3], None)
    """
    number = as_integer(value)
    if number is not None:
        return [number]
    if isinstance(value, (str, bytes, Mapping)) or callable(value) or not isinstance(value, Iterable):
        return None
    ids = []
    # The items of xarray's arrays are arrays of their own.
    items: Any = getattr(value, "values", value) if hasattr(value, "dims") else value
    for item in items:
        number = as_integer(item)
        if number is None:
            kind = with_article(type(item).__name__)
            raise ParameterError(
                f"{name} contains {shortened(item)}, {kind}.", expected="ids, which are integers"
            )
        ids.append(number)
    return sorted(ids) if isinstance(value, (set, frozenset)) else list(dict.fromkeys(ids))


def _wrong(name: str, value: Any, expected: str, converted: Any = None) -> ParameterError:
    """Return the error about a setting of the wrong type, or of the right one and out of range."""
    fault = f"is {with_article(type(value).__name__)}" if converted is None else "is out of range"
    in_terminal = setting(name, value, "cannot be used.").terminal
    return ParameterError(
        Way(f"{name}={shortened(value)} {fault}.", in_terminal),
        expected=Way(expected, expected.replace(" or None", "").replace(", a timedelta or", " or")),
    )


def setting(name: str, value: Any, predicate: str) -> Way:
    """Return a sentence about an argument and its value, which the command line calls an option.

    >>> setting("on_error", "go", "is unknown.")
    Way(python="on_error='go' is unknown.", terminal='--on-error go is unknown.')
    >>> setting("order", ["a", "b"], "is unknown.").terminal
    '--order a,b is unknown.'
    """
    words = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else value
    word = words if isinstance(words, str) else shortened(words)
    return Way(f"{name}={shortened(value)} {predicate}", f"{option_of(name)} {word} {predicate}")


def option_of(name: str) -> str:
    """Return the option of the command line that sets an argument.

    >>> option_of("max_workers"), option_of("x")
    ('--max-workers', '-x')
    """
    return f"-{name}" if len(name) == 1 else f"--{name.replace('_', '-')}"


def naming(text: str, *names: str) -> Way:
    """Return a sentence with the names of arguments filled in, which the command line calls options.

    >>> naming("Leave out {}.", "col_wrap")
    Way(python='Leave out col_wrap.', terminal='Leave out --col-wrap.')
    """
    return Way(text.format(*names), text.format(*map(option_of, names)))


def check_string(name: str, value: Any) -> str | None:
    """Return a setting that is a string or None."""
    if value is None or isinstance(value, str):
        return value
    raise _wrong(name, value, "a string or None")


def is_listed(value: Any) -> bool:
    """Return whether a value consists of items, as lists, sets and arrays do; an array without dims does not."""
    is_one = isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable)
    return not is_one and getattr(value, "ndim", 1) != 0


def check_strings(name: str, value: Any) -> list[str] | None:
    """Return a setting that is a string, a list of strings or None as a list or None."""
    strings = [value] if isinstance(value, str) else value
    if strings is None:
        return None
    if is_listed(strings) and all(isinstance(string, str) for string in strings):
        return list(strings)
    raise _wrong(name, value, "a string, a list of strings or None")


# ------------------------------------------------------------------------------------- names of Coma 2

_READ = "Read a file with coma_xr.read_tree(path). Write one with json.dump(tree, file)."
_OBJECTS = "run() and NewMeasurement.save() take objects. Restore them with Measurement.restore(Class)."
_ERROR = "Catch coma_xr.DataFileError."

# What to use instead of the public names of Coma 2 that coma_xr does not have; the documentation has the same table.
GONE = {
    "Archive": _READ,
    "JsonArchive": _READ,
    "XMLArchive": _READ,
    "ArchiveError": _ERROR,
    "JsonArchiveError": _ERROR,
    "XMLArchiveError": _ERROR,
    "archive_exists": "Use os.path.exists(path), with the ending .json or .xml.",
    "Serializer": _OBJECTS,
    "RecursiveSerializer": _OBJECTS,
    "FileMeasurement": "Save with Experiment.new_measurement(). Read with Experiment.measurement(id).",
    "MemoryMeasurement": "Read with Experiment.measurement(id), which also reads inactive experiments.",
    "IndexFile": "Read the index with Experiment.mindex.get(). coma_xr writes it.",
    "create_config_file": "Use coma_xr.create_default_config().",
    "expand_path": "Use os.path.expanduser(path).",
    "Experiment.archive": "The experiment file is written by the methods of the experiment.",
    "Experiment.save_measurements": "run() saves each measurement as soon as it is available.",
    "Experiment.pclient": "Pass executor= to run(), such as ipyparallel's client.executor().",
    "Experiment.pview": "Pass executor= to run(), such as ipyparallel's client.executor().",
    "Experiment.tasks": "run() returns a report. Experiment.runs() lists the runs in progress.",
    "Measurement.save": "Stored measurements are read-only. Save a copy with new_measurement().save(m.tree).",
}


def module_error(name: str) -> AttributeError | None:
    """Return the error for a public name of Coma 2 that is gone; None for other names."""
    if name not in GONE:
        return None
    return MissingAttributeError(f"coma_xr has no '{name}', which was part of Coma 2.", ways=[GONE[name]])


_NO_NAME = re.compile("[\0\ud800-\udc7f\udd00-\udfff]")  # surrogates, other than those of undecodable bytes
# Addresses are also recognised where pathlib has made one slash of two.
_ADDRESS = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]+)://|(s3|s3a|gs|gcs|az|abfss?|adl|hdfs|https?|ftps?|sftp|ssh|scp|smb|davs?|webdav|file):/"
)


_REMOTE = "Mount the remote store and pass the local path, or copy the files here first, for example with rclone or rsync."


def local_path(path: Any) -> str:
    """Return a path that a user gave, with ``~`` expanded.

    Raise ExperimentError when it is the address of a remote store, names an unknown user, or is not a path.
    """
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise ExperimentError(
            f"path={shortened(path)} is not a path.", expected="a str or a path-like object"
        )
    text = os.fsdecode(path)
    if not text or _NO_NAME.search(text):
        raise ExperimentError(f"path={path!r} is not a path.", expected="a path that is not empty")
    if address := _ADDRESS.match(text):
        raise ExperimentError(
            f"{text!r} is a remote address ({address[1] or address[2]}).",
            expected="a path on this computer",
            ways=[_REMOTE],
        )
    expanded = os.path.expanduser(text)  # noqa: PTH111  pathlib drops "./"
    if expanded.startswith("~"):
        raise ExperimentError(
            f"No home directory is known for {text!r}.",
            ways=[f"Pass the whole path, or './{text}' for a directory of this name."],
        )
    return expanded

"""The options of `Experiment.run`: their types, defaults and checks."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar, get_args

from coma_xr.checks import (
    check_choice,
    check_duration,
    check_flag,
    check_ids,
    check_integer,
    option,
)
from coma_xr.errors import ParameterError, Way
from coma_xr.text import shortened, with_article

if TYPE_CHECKING:
    from coma_xr.run.worker import Capture

OnError = Literal["auto", "continue", "stop"]
OtherCode = Literal["warn", "recompute", "accept"]

# ruff: noqa: RUF009
# The defaults of fields are those of `dataclasses.field`.

T = TypeVar("T", bound=Callable[..., Any])


class RunKeywords(TypedDict, total=False):
    """The types of the options, for editors and type checkers."""

    max_workers: int | None
    executor: Any
    timeout: str | float | timedelta | None
    on_error: OnError
    retry_failed: bool
    recompute: Any
    retries: int
    max_failures: int | None
    max_time: str | float | timedelta | None
    repeats: int | None
    seed: int | None
    shard: tuple[int, int] | None
    limit: int | None
    progress: bool | None
    capture: Capture
    resources: Mapping[str, Any] | None
    dry_run: bool
    code: OtherCode
    inputs: Sequence[str | os.PathLike[str]]


# Readers of terminal options. Text that they cannot read is returned as it is; `RunOptions` refuses it.


def _read_number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _read_choice(text: str) -> Any:
    ids = text.split(",")
    return True if text == "all" else [*map(int, ids)] if all(map(str.isdecimal, ids)) else text


def _read_shard(text: str) -> Any:
    first, _, second = text.partition("/")
    return (int(first), int(second)) if first.isdecimal() and second.isdecimal() else text


@dataclass(frozen=True)
class RunOptions:
    """How a run is done; the keyword arguments of `Experiment.run`, where they are described.

    Raise ParameterError for values that make no sense, or not together.

    >>> RunOptions(limit=10).limit
    10
    """

    max_workers: int | None = option(
        "number of worker processes; all: one for each core",
        default=1,
        short="-j",
        metavar="N",
        type=lambda text: None if text == "all" else _read_number(text),
    )
    executor: Any = None
    timeout: str | float | timedelta | None = option(
        "stop a point after this time, recorded as failed", metavar="TIME", type=_read_number
    )
    on_error: OnError = option(
        "after a failure: auto, continue or stop (default: auto)", default="auto", metavar="WHAT"
    )
    retry_failed: bool = option("leave out what failed earlier", default=True, action="store_false")
    recompute: Any = option(
        "compute again: all, ids as 1,2, or a condition",
        default=False,
        metavar="WHICH",
        type=_read_choice,
    )
    retries: int = option(
        "try a failed point this many times again", default=0, metavar="N", type=_read_number
    )
    max_failures: int | None = option("stop after this many failures", metavar="N", type=_read_number)
    max_time: str | float | timedelta | None = option(
        "start no point that would end later, such as 7h30m", metavar="TIME", type=_read_number
    )
    repeats: int | None = option("run each parameter set this many times", metavar="N", type=_read_number)
    seed: int | None = option("root of all random seeds", metavar="N", type=_read_number)
    shard: tuple[int, int] | None = option(
        "part I of N of the scan, from 0: for N jobs on one directory", metavar="I/N", type=_read_shard
    )
    limit: int | None = option("run at most this many points", metavar="N", type=_read_number)
    progress: bool | None = option("show no progress", action="store_false")
    capture: Capture = option(
        "keep what points print: failed (those that fail) or info (all)",
        default=False,
        metavar="WHICH",
        type=lambda text: text == "failed" or text,
    )
    resources: Mapping[str, Any] | None = None
    dry_run: bool = option(
        "print what would be computed, and about how long it takes", default=False, action="store_true"
    )
    code: OtherCode = option(
        "measurements of other code: warn, recompute or accept (default: warn)",
        default="warn",
        metavar="WHAT",
    )
    inputs: Sequence[str | os.PathLike[str]] = option(
        "file that the function reads, part of its code", default=(), action="append", metavar="FILE"
    )

    def __post_init__(self) -> None:
        vars(self).update(
            (field.name, _CHECKS[field.name](value))
            for field in fields(self)
            if field.name in _CHECKS and (value := getattr(self, field.name)) is not field.default
        )
        vars(self).update(resources=_checked_resources(self.resources))
        _check_executor(self.executor, self.timeout)

    @property
    def needs_processes(self) -> bool:
        """Whether the function is sent to other processes."""
        if self.executor is not None:
            from coma_xr.run.pools import has_threads

            return not has_threads(self.executor)
        return self.max_workers != 1 or self.timeout is not None


def takes_options(method: T) -> T:
    """Show the options with their defaults in the signature of a method that takes them as ``**options``.

    >>> @takes_options
    ... def run(function, **options):
    ...     return RunOptions(**options)
    >>> inspect.signature(run).parameters["retry_failed"].default
    True
    """
    signature = inspect.signature(method)
    own = {p.name: p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD}
    for field in fields(RunOptions):
        keyword = inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type
        )
        own.setdefault(field.name, keyword)
    method.__signature__ = signature.replace(parameters=[*own.values()])  # type: ignore[attr-defined]
    return method


def _check_executor(executor: Any, timeout: Any) -> None:
    """Raise ParameterError when an executor cannot be used, or not with a timeout."""
    if executor is None:
        return
    if timeout is not None:
        raise ParameterError(
            "timeout= works with the worker processes of coma_xr, which can be killed, and not with executor=.",
            ways=["Set the limit in the executor, or use max_workers=."],
        )
    from coma_xr.run.pools import executor_of

    executor_of(executor)


def _checked_resources(resources: Any) -> dict[str, Any]:
    if resources is None:
        return {}
    if not isinstance(resources, Mapping) or not all(isinstance(name, str) for name in resources):
        raise ParameterError(
            f"resources={shortened(resources)} is {with_article(type(resources).__name__)}.",
            expected="a dictionary from names of arguments to objects, such as {'data': array}",
        )
    return dict(resources)


def _checked_inputs(inputs: Any) -> tuple[str, ...]:
    paths = (inputs,) if isinstance(inputs, (str, bytes, os.PathLike)) else inputs
    if not isinstance(paths, (list, tuple)) or not all(
        isinstance(p, (str, bytes, os.PathLike)) for p in paths
    ):
        raise ParameterError(
            f"inputs={shortened(inputs)} is not a list of files.", expected="a list of paths"
        )
    return tuple(os.fsdecode(path) for path in paths)


def _in_terminal(shard: Any) -> str:
    return "/".join(map(str, shard)) if isinstance(shard, tuple) else str(shard)


def _checked_shard(shard: Any) -> tuple[int, int]:
    numbers = None
    with suppress(ParameterError):
        numbers = None if isinstance(shard, (set, frozenset)) else check_ids("shard", shard)
    if numbers is None or len(numbers) != 2 or not 0 <= numbers[0] < numbers[1]:
        raise ParameterError(
            Way(
                f"shard={shortened(shard)} is not a part of a scan.",
                f"--shard {_in_terminal(shard)} is not a part.",
            ),
            expected=Way(
                "a pair (i, n) with i from 0 to n - 1, such as (0, 8)",
                "I/N with I from 0 to N - 1, such as 0/8",
            ),
        )
    return numbers[0], numbers[1]


# The checks of values other than the defaults; each returns the value in the form that is kept.
_CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "timeout": lambda value: check_duration("timeout", value, endless=False),
    "max_workers": lambda value: check_integer("max_workers", value, 1, optional=True),
    "on_error": lambda value: check_choice("on_error", value, get_args(OnError)),
    "retry_failed": lambda value: check_flag("retry_failed", value),
    "retries": lambda value: check_integer("retries", value),
    "max_failures": lambda value: check_integer("max_failures", value, 1, optional=True),
    "max_time": lambda value: check_duration("max_time", value),
    "repeats": lambda value: check_integer("repeats", value, 1, optional=True),
    "seed": lambda value: check_integer("seed", value, optional=True),
    "shard": _checked_shard,
    "limit": lambda value: check_integer("limit", value, optional=True),
    "capture": lambda value: check_choice("capture", value, (False, True, "info")),
    "progress": lambda value: check_flag("progress", value),
    "dry_run": lambda value: check_flag("dry_run", value),
    "code": lambda value: check_choice("code", value, get_args(OtherCode)),
    "inputs": _checked_inputs,
}

"""The options of `Experiment.run`: their types, defaults and checks."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar, get_args

from coma_xr.checks import check_choice, check_duration, check_flag, check_ids, check_integer, check_positive
from coma_xr.errors import ParameterError
from coma_xr.text import shortened, with_article

if TYPE_CHECKING:
    from coma_xr.run.worker import Capture

OnError = Literal["auto", "continue", "stop"]
OtherCode = Literal["warn", "recompute", "accept"]

T = TypeVar("T", bound=Callable[..., Any])


class RunKeywords(TypedDict, total=False):
    """The types of the options, for editors and type checkers."""

    max_workers: int | None
    executor: Any
    timeout: float | None
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


@dataclass(frozen=True)
class RunOptions:
    """How a run is done; the keyword arguments of `Experiment.run`, where they are described.

    Raises
    ------
    ParameterError
        For values that make no sense, or not together.

    Examples
    --------
    >>> RunOptions(limit=10).limit
    10
    """

    max_workers: int | None = 1
    executor: Any = None
    timeout: float | None = None
    on_error: OnError = "auto"
    retry_failed: bool = True
    recompute: Any = False
    retries: int = 0
    max_failures: int | None = None
    max_time: str | float | timedelta | None = None
    repeats: int | None = None
    seed: int | None = None
    shard: tuple[int, int] | None = None
    limit: int | None = None
    progress: bool | None = None
    capture: Capture = False
    resources: Mapping[str, Any] | None = None
    dry_run: bool = False
    code: OtherCode = "warn"
    inputs: Sequence[str | os.PathLike[str]] = ()

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

    Examples
    --------
    >>> @takes_options
    ... def run(function, **options):
    ...     return RunOptions(**options)
    >>> inspect.signature(run).parameters["retry_failed"].default
    True
    """
    signature = inspect.signature(method)
    own = {p.name: p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD}
    for field in fields(RunOptions):
        option = inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type
        )
        own.setdefault(field.name, option)
    method.__signature__ = signature.replace(parameters=[*own.values()])  # type: ignore[attr-defined]
    return method


def _check_executor(executor: Any, timeout: float | None) -> None:
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
        raise ParameterError(f"inputs={shortened(inputs)} is no list of files.", expected="a list of paths")
    return tuple(os.fsdecode(path) for path in paths)


def _checked_shard(shard: Any) -> tuple[int, int] | None:
    if shard is None:
        return None
    numbers = None if isinstance(shard, (set, frozenset)) else check_ids("shard", shard)
    if numbers is None or len(numbers) != 2 or not 0 <= numbers[0] < numbers[1]:
        raise ParameterError(
            f"shard={shortened(shard)} is no part of a scan.",
            expected="a pair (i, n) with i from 0 to n - 1, such as (0, 8)",
        )
    return numbers[0], numbers[1]


# The checks of values other than the defaults; each returns the value in the form that is kept.
_CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "timeout": lambda value: check_positive("timeout", value, "seconds"),
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

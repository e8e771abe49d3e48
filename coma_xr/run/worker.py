"""One parameter set: from the function to the bytes of its measurement, or to a record of its failure.

This module may run in another process. It imports little, catches everything, and what it returns is made of
text, numbers and bytes.
"""

from __future__ import annotations

import platform
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from coma_xr.define.parameters import Definition, ParameterSet, write
from coma_xr.define.values import BRANCH, hand_out
from coma_xr.errors import SerializationError, listing
from coma_xr.run import signature
from coma_xr.trees.json import encode_rest
from coma_xr.trees.plain import CLASS, GETSTATE, state_of, to_plain

if TYPE_CHECKING:
    from coma_xr.run.plan import Task
    from coma_xr.trees.plain import Tree

__all__ = ["Interrupted", "Outcome", "Protocol", "Work", "call", "date_text", "prepare"]

Protocol = Literal["set", "keywords"]

RESULTS = "results"
_ID = "measurement_id"
_BRANCH_PATH = f"{BRANCH}/"
_OURS = ("coma_xr.run.", "coma_xr.define.", "coma_xr.trees.")
_TREE = ("info", BRANCH, RESULTS)
_SCALARS = frozenset({str, int, float, bool, list, tuple})


class Interrupted(KeyboardInterrupt):
    """The user stopped the run; the parameter set in work has neither a result nor a failure."""


@dataclass(frozen=True)
class Work:
    """All that is the same for every parameter set of a run; made by `prepare`.

    Parameters
    ----------
    function : callable
        The user's.
    definition : Definition
        The parameters that it is run over.
    protocol : "set" or "keywords"
        Called with a `ParameterSet`, or with a keyword for each parameter.
    keywords : tuple of str
        The names of the keywords.
    defaults : dict of str to value
        Plain values of the function's own defaults, by path.
    getstate : str
        The name of the method that returns an object's state.
    pretty : bool
        Whether text is indented.
    provenance : dict
        Further entries of ``info``, the same for all.
    """

    function: Callable[..., Any]
    definition: Definition
    protocol: Protocol = "set"
    keywords: tuple[str, ...] = ()
    defaults: Mapping[str, Tree] = field(default_factory=dict)
    getstate: str = GETSTATE
    pretty: bool = True
    provenance: Mapping[str, Tree] = field(default_factory=dict)


@dataclass(slots=True)
class Outcome:
    """What came of one parameter set.

    Parameters
    ----------
    task : Task
        The parameter set.
    info : dict
        The ``info`` of the measurement, but for its id.
    rest : bytes or None
        The text of the measurement behind ``info``; None after a failure.
    failure : dict or None
        The tree that records the failure, but for its id.
    error : BaseException or None
        The exception itself, where it was raised in this process.
    seconds : float
        Duration [s].
    """

    task: Task
    info: dict[str, Tree]
    rest: bytes | None = None
    failure: dict[str, Tree] | None = None
    error: BaseException | None = None
    seconds: float = 0.0


def prepare(
    function: Callable[..., Any],
    definition: Definition,
    protocol: Protocol = "set",
    *,
    getstate: str = GETSTATE,
    pretty: bool = True,
    provenance: Mapping[str, Tree] | None = None,
) -> Work:
    """Return the work that a function means, after finding out whether it can be called.

    Parameters
    ----------
    function, definition, protocol, getstate, pretty, provenance
        As in `Work`.

    Raises
    ------
    ParameterError
        When the function cannot be called with the parameters. The message says with which it can.

    Examples
    --------
    >>> def pendulum(theta, L=1.0):
    ...     return {"t": theta * L}
    >>> prepare(pendulum, Definition.of(["theta"]), "keywords").defaults
    {'parameters/L': 1.0}
    """
    keywords: tuple[str, ...] = ()
    defaults: dict[str, Tree] = {}
    if protocol == "set":
        signature.check_set(function)
    else:
        keywords = signature.keywords(definition)
        signature.check_keywords(function, keywords)
        own = signature.defaults(function, keywords)
        # An argument's name has nothing in it that a path would have to escape.
        defaults = {_BRANCH_PATH + name: value for name, value in own.items()}
    return Work(function, definition, protocol, keywords, defaults, getstate, pretty, dict(provenance or {}))


def call(work: Work, task: Task, through: type[BaseException] = Interrupted) -> Outcome:
    """Run one parameter set; whatever happens is in what is returned.

    Parameters
    ----------
    work : Work
        What to do.
    task : Task
        For which parameter set.
    through : exception class, default Interrupted
        Is not caught: it stops the run and is no failure of the parameter set.

    Returns
    -------
    Outcome
        With either `rest` or `failure`.
    """
    started, begin = time.time(), time.perf_counter()
    try:
        value = _run(work, task)
        seconds = time.perf_counter() - begin
        tree = _tree(work, task, value)
        own = tree.pop("info", {})
        if type(own) is not dict:
            raise SerializationError(f"info: this branch is a dictionary, here it is a {type(own).__name__}.")
        info = _info(started, seconds, work.provenance)
        # What coma_xr itself records stays, also when the function returns a tree that it read somewhere.
        info.update((name, child) for name, child in own.items() if name not in info and name != _ID)
        return Outcome(task, info, encode_rest(tree, pretty=work.pretty), seconds=seconds)
    except through:
        raise
    except BaseException as error:  # noqa: BLE001  also sys.exit() in the function fails this set alone
        seconds = time.perf_counter() - begin
        info = _info(started, seconds, work.provenance)
        return Outcome(task, info, None, _failure(work, task, error, info), error, seconds)


def _run(work: Work, task: Task) -> Any:
    if work.protocol == "set":
        return work.function(ParameterSet.of_plain(work.definition, task.values))
    return work.function(**dict(zip(work.keywords, hand_out(task.values), strict=True)))


def _tree(work: Work, task: Task, value: Any) -> dict[str, Tree]:
    tree: dict[str, Tree] = to_plain(_branches(work, value), work.getstate)
    write(tree, work.definition, task.values)
    if work.defaults:
        parameters = tree.setdefault(BRANCH, {})
        if type(parameters) is dict:
            for path, default in work.defaults.items():
                parameters.setdefault(path.removeprefix(_BRANCH_PATH), default)
    return tree


def _branches(work: Work, value: Any) -> Mapping[str, Any]:
    """Return the measurement tree that a function means by what it returned."""
    if value is None:
        raise SerializationError(_returned_none(work))
    if type(value) is dict:
        return _of_mapping(work, value)
    state = None if type(value) in _SCALARS else state_of(value, work.getstate)
    if state is not None and CLASS in state:
        return _of_object(value, state)
    if state is not None or isinstance(value, Mapping):
        return _of_mapping(work, value if state is None else state)
    return {RESULTS: {signature.name_of(work.function): value}}


def _of_mapping(work: Work, value: Mapping[str, Any]) -> Mapping[str, Any]:
    if work.protocol == "set":
        return value
    if _is_whole_tree(value):
        raise SerializationError(
            f"{signature.name_of(work.function)}() returned a whole measurement tree ({listing(value)}). With "
            "run(f, scan) a function returns what belongs under results; run(f), for parameter sets that were "
            "added before, takes whole trees."
        )
    return {RESULTS: value}


def _is_whole_tree(value: Mapping[str, Any]) -> bool:
    if isinstance(value.get(RESULTS), Mapping):
        return True
    return isinstance(value.get(BRANCH), Mapping) and all(name in _TREE for name in value)


def _of_object(value: Any, state: dict[str, Any]) -> dict[str, Any]:
    about = {name: getattr(value, name, None) for name in ("program", "version")}
    info = {name: text for name, text in about.items() if text is not None and not callable(text)}
    own = state.get("info", {})
    return {**state, "info": {**info, **own} if isinstance(own, Mapping) else own}


def _returned_none(work: Work) -> str:
    name = signature.name_of(work.function)
    if work.protocol == "set":
        return (
            f"{name}() returned None. With run(f) a function returns the measurement tree, such as "
            f"{{'results': {{'t': 1.5}}}}, or an object with a method {work.getstate}()."
        )
    return (
        f"{name}() returned None. With run(f, scan) a function returns its results: a dictionary, such as "
        "{'t': 1.5}, or one number, list or array."
    )


def _info(started: float, seconds: float, provenance: Mapping[str, Tree]) -> dict[str, Tree]:
    return {
        "start_date": date_text(int(started)),
        "end_date": date_text(int(started + seconds)),
        "duration": round(seconds, 6),
        **_machine(),
        **provenance,
    }


@lru_cache(maxsize=8)
def date_text(seconds: int) -> str:
    """Return a time as Coma 2 wrote it: UTC, to the second.

    Examples
    --------
    >>> date_text(1393368611)
    '2014-02-25T22:50:11Z'
    """
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


@lru_cache(maxsize=1)
def _machine() -> dict[str, str]:
    return {"host": platform.node(), "python_version": platform.python_version()}


def _failure(work: Work, task: Task, error: BaseException, info: Mapping[str, Tree]) -> dict[str, Tree]:
    """Return the tree that records a failure, told from the user's function on."""
    tree: dict[str, Tree] = {}
    write(tree, work.definition, task.values)
    frames = error.__traceback__
    while frames is not None and str(frames.tb_frame.f_globals.get("__name__")).startswith(_OURS):
        frames = frames.tb_next
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    exception = {
        "type": name,
        "message": _message(error),
        "traceback": "".join(traceback.format_exception(kind, error, frames)),
        "line": _line(frames) or _home(work.function),
    }
    about = {"date": info["end_date"], "host": info["host"], **tree.pop("info", {})}
    return {"info": about, **tree, "exception": exception}


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as second:  # noqa: BLE001  a text that cannot be made must not cost the record
        return f"(its text cannot be made: {type(second).__name__})"


def _line(frames: TracebackType | None) -> str:
    """Return where an exception was raised: ``file:line in function: text``."""
    if frames is None:
        return ""
    last = traceback.extract_tb(frames)[-1]
    return f"{last.filename}:{last.lineno} in {last.name}" + (f": {last.line}" if last.line else "")


def _home(function: Callable[..., Any]) -> str:
    """Return where a function begins, for what went wrong with what it returned."""
    code = getattr(function, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno} in {code.co_name}" if code else ""

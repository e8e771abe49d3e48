"""One parameter set: from the function to the bytes of its measurement, or to a record of its failure.

This module may run in another process. It imports little, catches everything, and what it returns is made of
text, numbers and bytes.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import platform
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from random import SystemRandom
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from coma_xr.checks import check_integer
from coma_xr.define.parameters import Definition, ParameterSet, write
from coma_xr.define.values import BRANCH, hand_out, key_of, plain_value, records_of, with_names
from coma_xr.encoding.formats import FORMATS, JSON
from coma_xr.errors import ParameterError, SerializationError, Way
from coma_xr.exports.collector import Collector
from coma_xr.run import signature
from coma_xr.same import key, maker, text_of
from coma_xr.scratch import diverted_output
from coma_xr.text import listing, with_article
from coma_xr.tree import CLASS, join, leaves
from coma_xr.values.external import FILES
from coma_xr.values.objects import GETSTATE, fields_of, own_state
from coma_xr.values.plain import check_keys, to_plain

if TYPE_CHECKING:
    from coma_xr.run.plan import Task
    from coma_xr.tree import Path as TreePath
    from coma_xr.values.plain import Tree


try:
    import resource
except ImportError:  # on Windows
    resource = None  # type: ignore[assignment]

# The system counts the peak in KiB, on macOS in bytes.
_UNIT = 1 if sys.platform == "darwin" else 1024


def usage() -> tuple[float, int] | None:
    """Return the seconds of CPU time so far and the peak memory in bytes; None where the system does not count them."""
    if resource is None:
        return None
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    # By number, since this is asked twice a point: user time, system time, peak memory.
    return own[0] + own[1] + children[0] + children[1], max(own[2], children[2]) * _UNIT


def used_since(before: tuple[float, int]) -> dict[str, float | int]:
    """Return what a measurement records: the CPU time since then, and the peak memory of the process.

    >>> sorted(used_since(usage()))
    ['cpu_time', 'peak_memory']
    """
    now = usage()
    if now is None:
        return {}
    return {"cpu_time": round(now[0] - before[0], 6), "peak_memory": now[1]}


Capture = Literal["info"] | bool

# The last characters, or bytes, that are kept.
_MOST = 65_536


class Output:
    """The end of what was written; falsy if nothing was."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._size = 0
        self._is_cut = False

    def add(self, text: str) -> None:
        """Add what was written."""
        self._parts.append(text)
        self._size += len(text)
        if self._size > 2 * _MOST:
            self._parts, self._size = ["".join(self._parts)[-_MOST:]], _MOST
            self._is_cut = True

    def __bool__(self) -> bool:
        return any(self._parts)

    def __str__(self) -> str:
        text = "".join(self._parts)
        return f"[...]\n{text[-_MOST:]}" if self._is_cut or len(text) > _MOST else text


class _Stream:
    """A stream of this process; what a thread writes whose output is captured goes there instead."""

    outputs = threading.local()
    lock = threading.Lock()
    users = 0
    originals: tuple[Any, Any] = (None, None)

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        output = getattr(self.outputs, "output", None)
        if output is None:
            return int(self._stream.write(text) or 0)
        output.add(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def captured(*, is_alone: bool) -> Iterator[Output]:
    """Capture what is written meanwhile; also by C code and other programs where nothing else uses the process."""
    output = Output()
    if is_alone:
        with diverted_output() as read:
            try:
                yield output
            finally:
                output.add(read(2 * _MOST))
    else:
        with _streams_replaced():
            _Stream.outputs.output = output
            try:
                yield output
            finally:
                _Stream.outputs.output = None


@contextmanager
def _streams_replaced() -> Iterator[None]:
    with _Stream.lock:
        _Stream.users += 1
        if _Stream.users == 1:
            _Stream.originals = sys.stdout, sys.stderr
            sys.stdout, sys.stderr = _Stream(sys.stdout), _Stream(sys.stderr)
    try:
        yield
    finally:
        with _Stream.lock:
            _Stream.users -= 1
            if not _Stream.users:
                sys.stdout, sys.stderr = _Stream.originals


# An argument `seed` goes to generators of all kinds, and many take at most 32 bits.
_SEED_BITS, _RNG_BITS = 32, 63


@dataclass(frozen=True)
class Seeds:
    """The seed of a run, from which each parameter set gets its random numbers.

    >>> from coma_xr.define.parameters import Definition
    >>> from coma_xr.run.plan import plan
    >>> seeds, definition = Seeds(1, ("seed",)), Definition.of(["a"])
    >>> first, again, other = [seeds.seed(definition, plan([[a]]).todo[0]) for a in (1, 1.0, 2)]
    >>> first == again, first == other
    (True, False)
    """

    root: int
    arguments: tuple[str, ...]
    defaults: Mapping[TreePath, Tree] = field(default_factory=dict)

    def seed(self, definition: Definition, task: Task) -> int:
        """Return the seed of a parameter set and repeat; it does not depend on the order of parameters."""
        import numpy as np

        digest = hashlib.sha256(self._text(definition, task).encode()).digest()
        words = [int.from_bytes(digest[i : i + 4], "big") for i in range(0, 32, 4)]
        sequence = np.random.SeedSequence(self.root, spawn_key=(*words, task.repeat or 0))
        high, low = (int(word) for word in sequence.generate_state(2))
        bits = _SEED_BITS if "seed" in self.arguments else _RNG_BITS
        return ((high << 32) | low) >> (64 - bits)

    def _text(self, definition: Definition, task: Task) -> str:
        pairs = []
        for path, value in zip(definition.paths, task.values, strict=True):
            own = key_of((value,))
            if path not in self.defaults or own != key((self.defaults[path],)):
                pairs.append((_path_text(path), text_of(own)))
        return ", ".join([f"{json.dumps(path)}: {value}" for path, value in sorted(pairs)])

    def keywords(self, seed: int) -> dict[str, Any]:
        """Return the keyword arguments for the function."""
        given: dict[str, Any] = {}
        if "rng" in self.arguments:
            import numpy as np

            given["rng"] = np.random.default_rng(seed)
        if "seed" in self.arguments:
            given["seed"] = seed
        return given


def _path_text(path: TreePath) -> str:
    """Return a path as version 1 wrote it, so that seeds stay what they are."""
    return "/".join([_escaped(str(segment)) for segment in path])


def _escaped(segment: str) -> str:
    if "\\" in segment or "/" in segment or segment == "*":
        return segment.replace("\\", "\\\\").replace("/", "\\/").replace("*", "\\*")
    return segment


Protocol = Literal["set", "keywords"]

# What became of a parameter set that has no measurement.
Status = Literal["failed", "died", "timeout"]

RESULTS = "results"

# In the record of a failure: the members of the result that can be stored.
PARTIAL = "partial"

# In the info of a failure: the exact forms of parameters, by path.
EXACT = "exact"
_ID = "measurement_id"
_OURS = (
    "coma_xr.run.",
    "coma_xr.define.",
    "coma_xr.tree",
    "coma_xr.values.",
    "coma_xr.encoding.",
    "coma_xr.exports.",
)
_HERE = str(Path(__file__).parents[1]) + os.sep
_TREE = ("info", BRANCH, RESULTS, CLASS)
_MARKS = ("seed", "repeat")
_DEVICES = "CUDA_VISIBLE_DEVICES"

# In the info: which code made it, and the measurements that it takes the place of.
CODE, REPLACES = "code", "replaces"

# In the info: arguments with a default, which is not recorded since they came from resources.
RESOURCES = "resources"
_USED = ("cpu_time", "peak_memory")
# No more than every format and language takes for an integer.
_ROOT_BITS = 63
_SCALARS = frozenset({str, int, float, bool, list, tuple})


class Interrupted(KeyboardInterrupt):
    """The user stopped the run; the parameter set in work has neither a result nor a failure."""


@dataclass(frozen=True)
class Work:
    """All that is the same for every parameter set of a run; made by `prepare`."""

    function: Callable[..., Any]
    definition: Definition
    protocol: Protocol = "set"
    keywords: tuple[str, ...] = ()
    defaults: Mapping[TreePath, Tree] = field(default_factory=dict)
    getstate: str = GETSTATE
    pretty: bool = True
    strict: bool = False
    suffix: str = JSON.suffix
    provenance: Mapping[str, Tree] = field(default_factory=dict)
    seeds: Seeds | None = None
    keeps_info: bool = False
    capture: Capture = False
    resources: Mapping[str, Any] = field(default_factory=dict)
    things: Mapping[str, Any] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    structures: set[int] = field(default_factory=set, compare=False)

    @cached_property
    def _changeable(self) -> list[tuple[TreePath, Any]]:
        """Paths and objects of the defaults that a call can change."""
        paths = [path for path, tree in self.defaults.items() if type(tree) in (dict, list)]
        return [(path, signature.default_of(self.function, str(path[-1]))) for path in paths]

    def defaults_now(self) -> Mapping[TreePath, Tree]:
        """Return the plain values of the function's own defaults, as earlier calls have left them."""
        if not self._changeable:
            return self.defaults
        return {
            **self.defaults,
            **{path: plain_value(str(path[-1]), default) for path, default in self._changeable},
        }


@dataclass(slots=True)
class Outcome:
    """The outcome of one parameter set."""

    task: Task
    info: dict[str, Tree]
    rest: bytes | None = None
    failure: dict[str, Tree] | None = None
    error: BaseException | None = None
    seconds: float = 0.0
    beside: dict[str, bytes] = field(default_factory=dict)
    paths: dict[TreePath, bool] = field(default_factory=dict)
    worker: int | None = None


def prepare(
    function: Callable[..., Any],
    definition: Definition,
    protocol: Protocol = "set",
    *,
    getstate: str = GETSTATE,
    pretty: bool = True,
    strict: bool = False,
    suffix: str = JSON.suffix,
    provenance: Mapping[str, Tree] | None = None,
    seed: int | None = None,
    constants: Mapping[TreePath, Tree] | None = None,
    resources: Mapping[str, Any] | None = None,
) -> Work:
    """Return the work that a function means, after finding out whether it can be called.

    Raise ParameterError when the function cannot be called with the parameters. The message states with which
    it can.

    >>> def pendulum(theta, L=1.0):
    ...     return {"t": theta * L}
    >>> prepare(pendulum, Definition.of(["theta"]), "keywords").defaults
    {('parameters', 'L'): 1.0}
    """
    provenance = {**(provenance or {}), "made_by": maker()}
    _check_info(definition, provenance)
    seed = check_integer("seed", seed, optional=True)
    keywords: tuple[str, ...] = ()
    defaults: dict[TreePath, Tree] = {}
    resources = dict(resources or {})
    if protocol == "set":
        random = signature.random_arguments(function, [signature.first_argument(function), *resources])
        signature.check_set(function, [*random, *resources])
    else:
        keywords = signature.keywords(definition)
        _check_resources(resources, keywords)
        random = signature.random_arguments(function, [*keywords, *resources])
        signature.check_keywords(function, [*keywords, *random, *resources])
        own = signature.defaults(function, [*keywords, *random])
        defaults = {(BRANCH, name): value for name, value in own.items() if name not in resources}
        unrecorded: list[Tree] = [name for name in own if name in resources]
        provenance |= {RESOURCES: unrecorded} if unrecorded else {}
    if hasattr(function, "coma_check"):
        function.coma_check(keywords or definition.names)
    seeds = _seeds(random, seed, constants or {}) if random else None
    return Work(
        function,
        definition,
        protocol,
        keywords,
        defaults,
        getstate,
        pretty,
        strict,
        suffix,
        provenance,
        seeds,
        resources=resources,
    )


def _seeds(arguments: tuple[str, ...], seed: int | None, constants: Mapping[TreePath, Tree]) -> Seeds:
    root = SystemRandom().getrandbits(_ROOT_BITS) if seed is None else seed
    return Seeds(root, arguments, dict(constants))


def _check_resources(resources: Mapping[str, Any], keywords: Sequence[str]) -> None:
    for name in resources:
        if name in keywords:
            raise ParameterError(
                f"'{name}' is a parameter of the scan and a resource.",
                ways=["Leave it out of resources= or of the scan."],
            )


def _check_info(definition: Definition, provenance: Mapping[str, Tree]) -> None:
    """Raise ParameterError when a parameter stands where each run writes something of its own, and would be lost."""
    own = {_ID, FILES, EXACT, CODE, REPLACES, RESOURCES, *_MARKS, *_USED, *_info(0.0, 0.0, provenance, {})}
    for name, path in definition:
        if path[0] == PARTIAL or (path[0] == "info" and (len(path) == 1 or path[1] in own)):
            raise ParameterError(
                f"The parameter '{name}' cannot have the path '{join(path)}', which each run writes.",
                name=name,
                ways=[f"Choose another path, such as '{join((BRANCH, name))}'."],
            )


def call(
    work: Work, task: Task, through: type[BaseException] = Interrupted, *, is_alone: bool = False
) -> Outcome:
    """Run one parameter set, perhaps in a process that does nothing else; whatever happens is in what is returned."""
    started, begin = time.time(), time.perf_counter()
    marks: dict[str, Tree] = {} if task.repeat is None else {"repeat": task.repeat}
    value: Any = None
    output: Output | None = None
    try:
        if work.seeds is not None:
            marks = {"seed": work.seeds.seed(work.definition, task), **marks}
            begin = time.perf_counter()
        defaults, before = work.defaults_now(), None if work.keeps_info else usage()
        if work.capture:
            with captured(is_alone=is_alone) as output:
                value = _run(work, task, marks)
        else:
            value = _run(work, task, marks)
        seconds = time.perf_counter() - begin
        if before is not None:
            marks = {**used_since(before), **marks}
        collector = Collector()
        tree = _tree(work, task, value, defaults, collector)
        own = tree.pop("info", {})
        if type(own) is not dict:
            raise SerializationError(f"info is {with_article(type(own).__name__)}.", expected="a dictionary")
        info = _info(started, seconds, work.provenance, marks)
        if own:
            # What coma_xr itself records stays, also when the function returns a tree that it read somewhere.
            kept = {_ID} if work.keeps_info else {_ID, *info}
            info.update((name, child) for name, child in own.items() if name not in kept)
        if work.capture == "info" and output:
            info.setdefault("output", str(output))
        if collector.files:
            info[FILES] = list(collector.files)
        if collector.masked:
            info["masked"] = collector.masked
        rest = FORMATS[work.suffix].encode_rest(tree, pretty=work.pretty, strict=work.strict)
        return Outcome(task, info, rest, None, None, seconds, collector.files, _new_paths(work, tree))
    except through:
        raise
    except BaseException as error:  # noqa: BLE001  also sys.exit() in the function fails this set alone
        seconds = time.perf_counter() - begin
        info = _info(started, seconds, work.provenance, marks)
        failure = _failure(work, task, error, info)
        if output:
            failure["exception"]["output"] = str(output)
        partial = _storable(work, value)
        if partial:
            failure[PARTIAL] = partial
        return Outcome(task, info, None, failure, error, seconds)


def _storable(work: Work, value: Any) -> dict[str, Tree]:
    """Return the members that can be stored of a result that cannot be stored as a whole."""
    try:
        branches = _branches(work, value)
    except Exception:  # noqa: BLE001  the failure is recorded already, this is about the members
        branches = value if isinstance(value, Mapping) else {}
    return _members(branches, work.getstate, frozenset({id(value)}))


def _members(value: Mapping[Any, Any], getstate: str, seen: frozenset[int] = frozenset()) -> dict[str, Tree]:
    """Return the members of a dictionary that can be stored; `seen` are what it is in, which it may contain again."""
    kept: dict[str, Tree] = {}
    for label, child in value.items():
        # Also below a key that is not allowed.
        name = str(label) or "_"
        try:
            # An array for a file of its own has no measurement to stand next to.
            plain = to_plain({name: child}, getstate, lambda array, _: to_plain(array, getstate))
            check_keys(plain)
        except Exception:  # noqa: BLE001  methods of the user's may raise anything
            # Of a list, the items by their numbers.
            items = dict(enumerate(child)) if isinstance(child, (list, tuple)) else child
            is_new = isinstance(items, Mapping) and id(child) not in seen
            members = _members(items, getstate, seen | {id(child)}) if is_new else {}
            if not members:
                continue
            plain = {name: members}
        kept.update(plain)
    return kept


def _new_paths(work: Work, tree: dict[str, Tree]) -> dict[TreePath, bool]:
    """Return the paths in a tree whose structure is new in this process, and whether a list stands there."""
    structure = hash(_structure(tree))
    if structure in work.structures:
        return {}
    work.structures.add(structure)
    return {path: type(value) is list for path, value in leaves(tree)}


def _structure(tree: dict[str, Tree]) -> tuple[Any, ...]:
    """Return the keys of each dictionary in a tree, and which of them lead to further ones; without a call for each."""
    structure: list[Any] = []
    nodes = [tree]
    for node in nodes:
        structure.append(tuple(node))
        for name, child in node.items():
            if type(child) is dict:
                structure.append(name)
                nodes.append(child)
    return tuple(structure)


def reproduce(work: Work, task: Task, marks: Mapping[str, Tree]) -> None:
    """Run one parameter set as `call` does, but let what goes wrong be raised; `marks` has a seed, if one is needed."""
    defaults = work.defaults_now()
    _tree(work, task, _run(work, task, marks), defaults, Collector())


def _run(work: Work, task: Task, marks: Mapping[str, Tree]) -> Any:
    random = work.resources
    if work.seeds is not None:
        random = {**work.seeds.keywords(marks["seed"]), **random}
    if work.protocol == "set":
        return work.function(ParameterSet.of_given(work.definition, task.values), **random)
    return work.function(**dict(zip(work.keywords, hand_out(task.values), strict=True)), **random)


def _tree(
    work: Work, task: Task, value: Any, defaults: Mapping[TreePath, Tree], collector: Collector
) -> dict[str, Tree]:
    branches = _branches(work, value)
    if BRANCH in branches:
        branches = {**branches, BRANCH: with_names(branches[BRANCH], (BRANCH,))}
    tree: dict[str, Tree] = to_plain(branches, work.getstate, collector)
    check_keys(tree)
    write(tree, work.definition, task.values)
    if defaults:
        parameters = tree.setdefault(BRANCH, {})
        if type(parameters) is dict:
            for (_, name), default in defaults.items():
                parameters.setdefault(name, default)
    return tree


def _branches(work: Work, value: Any) -> Mapping[str, Any]:
    """Return the measurement tree that a function means by what it returned."""
    if value is None:
        raise _returned_none(work)
    if type(value) is dict:
        return _of_mapping(work, value)
    if type(value) not in _SCALARS:
        state = own_state(value, work.getstate)
        if state is not None:
            return _of_object(value, state)
        fields = fields_of(value)
        if fields is not None or isinstance(value, Mapping):
            return _of_mapping(work, value if fields is None else fields)
    return {RESULTS: {signature.name_of(work.function): value}}


def _of_mapping(work: Work, value: Mapping[str, Any]) -> Mapping[str, Any]:
    # A Dataset is its variables by name; as one thing it would be stored as such.
    value = dict(value)
    if work.protocol == "set":
        return value
    if _is_whole_tree(value):
        raise SerializationError(
            f"{signature.called(work.function)}() returned a whole measurement tree ({listing(value)}).",
            expected=Way("what belongs under results, with run(f, scan)", "what belongs under results"),
            ways=[Way("Call run(f) for parameter sets that were added before: it takes whole trees.", "")],
        )
    return {RESULTS: value}


def _is_whole_tree(value: Mapping[str, Any]) -> bool:
    if RESULTS not in value and BRANCH not in value:
        return False
    if isinstance(value.get(RESULTS), Mapping):
        return True
    return isinstance(value.get(BRANCH), Mapping) and all(name in _TREE for name in value)


def _of_object(value: Any, state: dict[str, Any]) -> dict[str, Any]:
    about = {name: getattr(value, name, None) for name in ("program", "version")}
    info = {name: text for name, text in about.items() if text is not None and not callable(text)}
    own = state.get("info", {})
    return {**state, "info": {**info, **own} if isinstance(own, Mapping) else own}


def _returned_none(work: Work) -> SerializationError:
    tree = f"a measurement tree, such as {{'results': {{'t': 1.5}}}}, or an object with a method {work.getstate}()"
    results = "results: a dictionary, such as {'t': 1.5}, or one number, list or array"
    return SerializationError(
        f"{signature.called(work.function)}() returned None.",
        expected=tree if work.protocol == "set" else results,
    )


def _info(
    started: float, seconds: float, provenance: Mapping[str, Tree], marks: Mapping[str, Tree]
) -> dict[str, Tree]:
    return {
        "start_date": date_text(int(started)),
        "end_date": date_text(int(started + seconds)),
        "duration": round(seconds, 6),
        **_machine(),
        **provenance,
        **marks,
    }


@lru_cache(maxsize=8)
def date_text(seconds: int) -> str:
    """Return a time as Coma 2 wrote it: UTC, to the second.

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
    return _record(work, task, tree, info, "failed", exception, os.getpid())


def _process(worker: int | None) -> dict[str, Tree]:
    """Return the id of a worker's process and the GPUs that it may use, as far as they are known."""
    about = {"worker": worker, _DEVICES: os.environ.get(_DEVICES)}
    return {name: value for name, value in about.items() if value is not None}


def _record(
    work: Work,
    task: Task,
    tree: dict[str, Tree],
    info: Mapping[str, Tree],
    status: Status,
    exception: dict[str, Tree],
    worker: int | None,
) -> dict[str, Tree]:
    """Return the tree that records a failure, made from the tree with the parameters."""
    about = {"date": info["end_date"], "host": info["host"], **_process(worker), "status": status}
    about |= {name: info[name] for name in _MARKS if name in info} | tree.pop("info", {})
    exact = records_of(work.definition.paths, task.values)
    if exact:
        about[EXACT] = exact
    return {"info": about, **tree, "exception": exception}


def lost(
    work: Work, task: Task, status: Literal["died", "timeout"], text: str, worker: int | None = None
) -> Outcome:
    """Return the outcome of a parameter set whose worker did not live to tell it."""
    tree: dict[str, Tree] = {}
    write(tree, work.definition, task.values)
    marks: dict[str, Tree] = {} if task.repeat is None else {"repeat": task.repeat}
    info = _info(time.time(), 0.0, work.provenance, marks)
    kind = "WorkerDied" if status == "died" else "TimeoutError"
    exception = {"type": kind, "message": text, "traceback": "", "line": _home(work.function)}
    record = _record(work, task, tree, info, status, exception, worker)
    return Outcome(task, info, None, record, worker=worker)


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as second:  # noqa: BLE001  a text that cannot be made must not cost the record
        return f"(its text cannot be made: {type(second).__name__})"


def _line(frames: TracebackType | None) -> str:
    """Return where an exception was raised: ``file:line in function: text``, of what is not coma_xr's own if it can be."""
    if frames is None:
        return ""
    stack = traceback.extract_tb(frames)
    last = next((frame for frame in reversed(stack) if not frame.filename.startswith(_HERE)), stack[-1])
    return f"{last.filename}:{last.lineno} in {last.name}" + (f": {last.line}" if last.line else "")


def _home(function: Callable[..., Any]) -> str:
    """Return where a function begins, for what went wrong with what it returned."""
    function = inspect.unwrap(getattr(function, "func", function))
    code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno} in {code.co_name}" if code else ""

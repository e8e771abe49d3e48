"""The report of a run: how many were saved, skipped or failed, and each failure, which can be reproduced."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from coma_xr.checks import checks_keywords
from coma_xr.define.parameters import Definition, ParameterSet, read_parameters
from coma_xr.define.values import BRANCH, Argument, describe
from coma_xr.errors import DataFileError, ParameterError, RunError, Way
from coma_xr.html import Html, facts, fold, fragment, table, tag, trace
from coma_xr.html import join as join_html
from coma_xr.run.plan import Task
from coma_xr.run.worker import EXACT, PARTIAL, REPLACES, prepare, reproduce
from coma_xr.text import clean, clean_lines, count, cut, listing, time_text
from coma_xr.tree import is_typed, join, leaves
from coma_xr.values.plain import from_plain

if TYPE_CHECKING:
    from coma_xr.values.plain import Tree


# Groups of failures in one summary, and characters of each part of a line about one.
_MOST = 3
_PARAMETERS = 120
_VALUE = 40
_MESSAGE = 120

# Values at each end that a table of durations shows.
_ENDS = 3

# Limits of the HTML view: groups, failures shown in each group, characters of each message.
_GROUPS = 20
_EXAMPLES = 5
_LONG_MESSAGE = 500

_FAILED = "failed"

# In front of ``night.py:9 in simulate: return 1 / 0``.
_DIRECTORY = re.compile(r"^.*?[/\\](?=[^/\\]+:\d+ in )")

# Behind ``night.py:9 in simulate``, also ``if x: raise ...``.
_RAISE = re.compile(r"""(:\d+ in [^:]*): (?:(?:[^'"]|'[^']*'|"[^"]*")*: )?raise .*$""")


def next_step(failures: Sequence[Tree]) -> Way:
    """Return what shows more of failures, and which run retries them."""
    kept = sum(REPLACES in failure["info"] for failure in failures)
    if not kept:
        return Way("Call failures() for details. The next run retries them.", "The next run retries them.")
    stay = f"{count(kept, 'earlier measurement')} {'stays' if kept == 1 else 'stay'} in place, for which only a run with"
    others = " The next run retries the others." * (kept < len(failures))
    return Way(
        f"Call failures() for details. {stay} recompute= or code='recompute' tries again.{others}",
        f"{stay} --recompute or --code recompute tries again.{others}",
    )


@checks_keywords
class RunReport(tuple[int, int]):  # noqa: SLOT001  a tuple cannot have slots of its own
    """The result of a run. It compares equal to the tuple (saved, requested) and has more attributes.

    Attributes
    ----------
    saved : int
        Parameter sets that were run and saved now.
    asked : int
        Requested parameter sets.
    skipped : int
        Those of them that had a measurement already.
    failed : int
        Those that failed now.
    left : int
        Those that failed earlier and were not tried again.
    duplicates : int
        Those that are the same as another one.
    not_run : int
        Those that an interruption, a limit, or failures left for the next run.
    too_long : int
        Those of them that were not begun because of `max_time`, or because the job of SLURM ends.
    duration : float
        Seconds from start to end.
    dry_run : bool
        Whether nothing was run, on purpose.
    estimate : float or None
        After a dry run, about how many seconds a real one will take; None without a measurement to
        estimate it from.
    durations : dict of str to dict
        After a dry run, about how many seconds a parameter set takes by the values of each parameter that affects it.
    recomputed : int
        Those that had a measurement, which `recompute` or ``code="recompute"`` chose to compute again.
    other_code : int
        Measurements of the experiment that were made by other code, are not accepted, and count as done.
    unknown_code : int
        Those of the skipped ones whose measurements do not record their code.
    failures : tuple of dict
        The tree of each failure: ``info``, the parameters at their paths, ``exception``.

    Examples
    --------
    >>> report = RunReport(58, 60, failed=2)
    >>> report
    RunReport(saved=58, asked=60, skipped=0, failed=2)
    >>> print(report)
    58 of 60 parameter sets saved, 2 failed; 0.0 s.
    """

    def __new__(cls, saved: int, asked: int, **more: Any) -> Self:  # noqa: ARG004  see __init__
        """Make the tuple."""
        return super().__new__(cls, (saved, asked))

    def __init__(
        self,
        saved: int,
        asked: int,
        *,
        skipped: int = 0,
        failed: int = 0,
        left: int = 0,
        duplicates: int = 0,
        not_run: int = 0,
        too_long: int = 0,
        duration: float = 0.0,
        dry_run: bool = False,
        estimate: float | None = None,
        durations: Mapping[str, Mapping[Any, float]] | None = None,
        recomputed: int = 0,
        other_code: int = 0,
        unknown_code: int = 0,
        failures: Sequence[Tree] = (),
    ) -> None:
        self.saved = saved
        self.asked = asked
        self.skipped = skipped
        self.failed = failed
        self.left = left
        self.duplicates = duplicates
        self.not_run = not_run
        self.too_long = too_long
        self.duration = duration
        self.dry_run = dry_run
        self.estimate = estimate
        self.durations = {name: dict(row) for name, row in (durations or {}).items()}
        self.recomputed = recomputed
        self.other_code = other_code
        self.unknown_code = unknown_code
        self.failures = tuple(failures)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (dict(vars(self)),)

    def __repr__(self) -> str:
        return (
            f"RunReport(saved={self.saved}, asked={self.asked}, skipped={self.skipped}, failed={self.failed})"
        )

    def __str__(self) -> str:
        parts = [f"{number} {fate}" for number, fate in self._others()]
        text = ", ".join([f"{self.saved} of {self._asked} saved", *parts])
        return "\n  ".join([f"{text}; {self._time}.", *self._rows()])

    def _rows(self) -> list[str]:
        """Return a line for each parameter on which durations depend, with some of its values."""
        lines = []
        for name, row in self.durations.items():
            texts = [f"{value:.6g}: {_short_time(seconds)}" for value, seconds in row.items()]
            if len(texts) > 2 * _ENDS:
                texts[_ENDS:-_ENDS] = ["..."]
            lines.append(f"by {name}: {', '.join(texts)}")
        return lines

    @property
    def _asked(self) -> str:
        return f"{self.asked} parameter set{'s' * (self.asked != 1)}"

    def _others(self) -> list[tuple[int, str]]:
        """Return what became of those that were not saved now, with their numbers."""
        kinds = [
            (self.skipped, "had a measurement already"),
            (self.failed, _FAILED),
            (self.left, "failed earlier and not tried again"),
            (self.duplicates, "given twice"),
            (self.not_run - self.too_long, "not run"),
            (self.too_long, "not run for lack of time"),
            (self.recomputed, "to be computed again" if self.dry_run else "computed again"),
            (self.other_code, f"measurement{'s' * (self.other_code != 1)} made by other code"),
            (self.unknown_code, "without a record of the code"),
        ]
        return [(number, fate) for number, fate in kinds if number]

    @property
    def _time(self) -> str:
        if not self.dry_run:
            return f"{self.duration:.1f} s"
        if self.estimate is None:
            return "dry run, and there is no measurement to estimate the time of a real one"
        return f"dry run, a real one takes about {_short_time(self.estimate)}"

    def _repr_html_(self) -> str:
        title = tag("span", f"{self.saved} of {self._asked} saved", class_="coma-title")
        time = tag("span", f" {self._time}", class_="coma-muted")
        rows = [
            tag("div", f"{number:,} {fate}", class_="coma-bad" if fate == _FAILED else None)
            for number, fate in self._others()
        ]
        durations = [tag("div", line, class_="coma-muted") for line in self._rows()]
        details = tag("div", next_step(self.failures).python, class_="coma-muted") if self.failures else None
        return fragment(title, time, *rows, *durations, failures_html(self.failures), details)

    def check(self) -> RunReport:
        """Return the report itself.

        Raises
        ------
        RunError
            When a parameter set failed; its `failures` are those of the report.
        """
        if self.failures:
            raise RunError(self.failed_text(), self.failures)
        return self

    def failed_text(self) -> str:
        """Return how many parameter sets failed, and in which ways."""
        groups = grouped(self.failures)
        texts = [group_text(group) for group in groups[:_MOST]]
        if len(groups) > _MOST:
            others = sum(map(len, groups[_MOST:]))
            texts.append(f"{others:,} in {count(len(groups) - _MOST, 'other way')}")
        total = f"{self.failed_count()}:"
        return f"{total} {texts[0]}." if len(texts) == 1 else "\n  ".join([total, *texts])

    def failed_count(self) -> str:
        """Return how many parameter sets failed."""
        return f"{self.failed:,} of {self._asked} failed ({self.saved:,} saved)"


def grouped(failures: Iterable[Tree]) -> list[list[Tree]]:
    """Return failures in groups of the same exception at the same line, the most frequent first."""
    groups: dict[tuple[str, str], list[Tree]] = {}
    for failure in failures:
        exception = failure["exception"]
        groups.setdefault((str(exception.get("type")), str(exception.get("line") or "")), []).append(failure)
    return sorted(groups.values(), key=len, reverse=True)


def group_text(group: Sequence[Tree]) -> str:
    """Return the first failure of a group, and how many are like it.

    >>> failures = [{"parameters": {"a": a}, "exception": {"type": "OSError", "message": "no", "line": ""}} for a in (1, 2)]
    >>> [group_text(group) for group in grouped(failures)]
    ['2 like (a=1): OSError: no']
    """
    text = failure_text(group[0])
    return text if len(group) == 1 else f"{len(group):,} like {text}"


def failures_html(failures: Iterable[Tree], *, is_open: bool = False) -> Html | None:
    """Return the groups of the summary, which unfold to examples and a traceback, the first one perhaps open."""
    groups = grouped(failures)
    shown = [
        _group_html(group, is_open=is_open and not number) for number, group in enumerate(groups[:_GROUPS])
    ]
    others = sum(map(len, groups[_GROUPS:]))
    if others:
        more = f"... and {others:,} in {count(len(groups) - _GROUPS, 'other way')}"
        shown.append(tag("div", more, class_="coma-muted"))
    return join_html(*shown) or None


def _group_html(group: Sequence[Tree], *, is_open: bool) -> Html:
    hosts = [str(failure["info"].get("host") or "") for failure in group[:_EXAMPLES]]
    rows = [
        [
            failure["info"].get("measurement_id"),
            tag("span", _set_text(failure), class_="coma-code"),
            cut(clean_lines(str(failure["exception"].get("message") or "")), _LONG_MESSAGE),
            *[host] * any(hosts),
        ]
        for failure, host in zip(group, hosts, strict=False)
    ]
    header = ["id", "parameters", "message", *["host"] * any(hosts)]
    exception = group[0]["exception"]
    texts = [exception.get("traceback"), exception.get("output")]
    return fold(
        tag("span", group_text(group), class_="coma-code"),
        table(header, rows, total=len(group), what="like these"),
        _calls(rows[0][0]),
        *(trace(str(text)) for text in texts if text),
        is_open=is_open,
    )


def _calls(id: object) -> Html | None:
    """Return the calls that show one failure and raise it again."""
    if id is None:
        return None
    code = [tag("span", f"e.failure({id}){call}", class_="coma-code") for call in ("", ".reproduce(f)")]
    return tag("div", code[0], " shows the first one in full, ", code[1], " raises it again:")


def _restore(fields: dict[str, Any]) -> RunReport:
    return RunReport(**fields)


def _short_time(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds < 10 else time_text(seconds)


def failure_text(failure: Tree) -> str:
    """Return a failure's parameters, exception and place on one line.

    >>> failure_text({"parameters": {"a": 3}, "exception": {"type": "OSError", "message": "no", "line": "f.py:1 in f"}})
    '(a=3): OSError: no [f.py:1 in f]'
    """
    exception = failure["exception"]
    message = cut(clean(exception["message"]), _MESSAGE)
    line = f" [{cut(clean(line_text(exception['line'])), _MESSAGE)}]" if exception["line"] else ""
    return f"{_set_text(failure)}: {clean(exception['type'])}{message and f': {message}'}{line}"


def _set_text(failure: Tree) -> str:
    """Return the parameters and the repeat of a failure."""
    parameters = {
        branch: child for branch, child in failure.items() if branch not in {"info", "exception", "partial"}
    }
    parameters_by_path = [(segments, value) for segments, value in leaves(parameters) if segments]
    ends = Counter(segments[-1] for segments, _ in parameters_by_path)
    names = [
        clean(segments[-1]) if ends[segments[-1]] == 1 else join(segments).removeprefix(f"{BRANCH}/")
        for segments, _ in parameters_by_path
    ]
    values = [cut(clean(_short(value)), _VALUE) for _, value in parameters_by_path]
    repeat = failure.get("info", {}).get("repeat")
    return cut(describe(names, values), _PARAMETERS) + ("" if repeat is None else f", repeat {repeat}")


def line_text(line: str) -> str:
    """Return where an exception was raised without the directory, and without a raise that repeats the message.

    >>> line_text("/home/user/night.py:9 in simulate: return 1 / 0")
    'night.py:9 in simulate: return 1 / 0'
    >>> line_text("night.py:9 in simulate: raise ValueError('no convergence')")
    'night.py:9 in simulate'
    """
    return _RAISE.sub(r"\1", _DIRECTORY.sub("", line))


def _short(value: Any) -> Any:
    """Return a Python value with floats of six digits, enough to know the parameter set again."""
    if is_typed(value):
        with suppress(DataFileError):
            value = from_plain(value)
            return value.tolist() if hasattr(value, "tolist") else value
    if type(value) is float:
        return float(f"{value:.6g}")
    if type(value) is list:
        return [_short(item) for item in value]
    if type(value) is dict:
        return {key: _short(item) for key, item in value.items()}
    return value


def failure_fold(failure: Tree, *, is_open: bool = False) -> Html:
    """Return a failure as HTML, which unfolds to its traceback."""
    info = failure["info"]
    about = [
        ("measurement_id", info.get("measurement_id")),
        ("date", info.get("date")),
        *(
            (name, info[name])
            for name in ("host", "worker", "CUDA_VISIBLE_DEVICES", "attempts")
            if info.get(name)
        ),
    ]
    text = tag("span", failure_text(failure), class_="coma-code")
    output = failure["exception"].get("output")
    parts = [trace(failure["exception"]["traceback"]), *([trace(output)] if output else []), facts(about)]
    return fold(text, *parts, is_open=is_open)


@checks_keywords
class Failure:
    """The record of a failed parameter set.

    Parameters
    ----------
    tree : dict
        The record, as its file has it.
    definition : Definition or None
        The parameters.

    Attributes
    ----------
    id : int
        The id that its measurement would have had.
    exception, message, traceback : str
        The type of the exception, its message, and its traceback.
    info : dict
        The date, the host, the worker (the id of its process), its ``CUDA_VISIBLE_DEVICES``, the number of attempts, and
        the seed, as far as they are known.

    Examples
    --------
    >>> import coma_xr as coma
    >>> e = coma.Experiment("inverse")
    >>> report = e.run(lambda x: 1 / x, {"x": [0, 1]})  # doctest: +SKIP
    >>> e.failure(1).reproduce(lambda x: 1 / x)  # doctest: +SKIP
    """

    def __init__(self, tree: Tree, definition: Definition | None) -> None:
        self._tree = tree
        self._definition = definition
        self.id: int = tree["info"]["measurement_id"]
        self.exception: str = tree["exception"]["type"]
        self.message: str = tree["exception"]["message"]
        self.traceback: str = tree["exception"]["traceback"]
        self.info: dict[str, Any] = {name: value for name, value in tree["info"].items() if name != EXACT}

    @property
    def output(self) -> str:
        """The end of what the function wrote to stdout and stderr; empty without ``run(..., capture=True)``."""
        return str(self._tree["exception"].get("output") or "")

    @property
    def parameters(self) -> ParameterSet:
        """The parameter set."""
        return ParameterSet.of_given(*self._set())

    @property
    def partial(self) -> dict[str, Any]:
        """The members of the result that could be stored, as a measurement tree. Empty if nothing was computed."""
        values: dict[str, Any] = from_plain(self._tree.get(PARTIAL) or {})
        return values

    def _set(self, given: Sequence[Any] = ()) -> tuple[Definition, list[Any]]:
        definition = self._definition
        values = None if definition is None else read_parameters(self._tree, definition)
        if definition is None or values is None:
            raise ParameterError(
                f"The record of failure {self.id} does not have all parameters.",
                expected=None if definition is None else f"the parameters {listing(definition.names)}",
            )
        exact = self._tree["info"].get(EXACT)
        records = exact if isinstance(exact, dict) else {}
        return definition, [
            Argument.of_record(value, records.get(join(path), value), given)
            for path, value in zip(definition.paths, values, strict=True)
        ]

    def reproduce(
        self, function: Callable[..., Any], *given: Any, resources: Mapping[str, Any] | None = None
    ) -> None:
        """Run the parameter set again in this process and raise the same exception, for example in a debugger.

        Parameters
        ----------
        function : callable
            As it was given to `Experiment.run`, with a scan or without. It gets the seed that it had.
        *given : function or class
            Functions and classes among the parameter values, or classes of objects among them, that this process has
            not used yet.
        resources : mapping, optional
            As they were given to `Experiment.run`.

        Raises
        ------
        ParameterError
            When the function cannot be called with the parameters, or a function or class is missing.
        """
        definition, values = self._set(given)
        for value in values:
            value.things()
        try:
            work = prepare(function, definition, "keywords", resources=resources)
        except ParameterError as by_keyword:
            try:
                work = prepare(function, definition, "set", resources=resources)
            except ParameterError:
                raise by_keyword from None
        info = self._tree["info"]
        reproduce(work, Task(0, tuple(values), None, info.get("repeat")), info)

    def __repr__(self) -> str:
        return f"Failure({self.id}, {clean(self.exception)}: {cut(clean(self.message), 200)})"

    def __str__(self) -> str:
        return clean_lines(self.traceback)

    def _repr_html_(self) -> str:
        return fragment(failure_fold(self._tree, is_open=True))

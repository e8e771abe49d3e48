"""``coma-xr run``, and what shows how far runs are: ``status`` and ``watch``."""

from __future__ import annotations

import math
import os
import shlex
import sys
import time
import tomllib
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coma_xr import files
from coma_xr.checks import absolute_path, local_path, terminal_options
from coma_xr.errors import ComaError, ExperimentError, ParameterError, wrong_usage
from coma_xr.records import directory_of, look_at
from coma_xr.run.options import RunOptions
from coma_xr.run.report import group_text, grouped
from coma_xr.store.locks import progress_of
from coma_xr.terminal.experiments import is_experiment, opened
from coma_xr.terminal.printing import (
    fitting,
    has_colour,
    notice,
    painted,
    print_json,
    print_table,
    say,
    table_lines,
)
from coma_xr.terminal.scan_arguments import describe_values, number_text, parse_scan, to_word
from coma_xr.text import as_clause, clean, count, listing, rate_text, shortened, time_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from coma_xr.define.scans import Scan
    from coma_xr.experiment import Experiment
    from coma_xr.run.report import RunReport
    from coma_xr.store.locks import LiveRun

INTERRUPTED = 130

# Options of a single run, which are not part of the recorded command.
_NOT_KEPT = {"shard", "limit", "dry_run", "progress", "recompute"}

_KEYS = {"function": str, "directory": str, "scan": dict, "zip": list, "where": str, "options": dict}
TOML = ".toml"


@dataclass(frozen=True)
class _Request:
    """A run that the command line, or a TOML file, asks for."""

    target: str
    words: Sequence[str] = ()
    output: str | None = None
    zipped: Sequence[Sequence[str]] = ()
    where: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    base: str = "."

    @property
    def directory(self) -> str:
        """The experiment: by default the name of the function, next to the TOML file or here."""
        if self.output is not None:
            return self.output
        return os.path.normpath(Path(self.base, self.target.rpartition(":")[2].rpartition(".")[2]))

    def command(self) -> list[str]:
        """Return the words of the command that runs the same, for those who read the experiment later."""
        words = [self.target, *self.words]
        words += [word for names in self.zipped for word in ("--zip", ",".join(names))]
        words += [] if self.where is None else ["--where", self.where]
        for name, value in self.options.items():
            if name not in _NOT_KEPT:
                words += _option_words(name, value)
        return words


def _option_words(name: str, value: Any) -> list[str]:
    flag = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return [flag if value else f"--no{flag[1:]}"] if name != "capture" else [flag, "failed"]
    if name == "max_workers" and value is None:
        return [flag, "all"]
    values = value if isinstance(value, (list, tuple)) else [value]
    return [word for one in values for word in (flag, str(one))]


def demo(path: Path) -> None:
    """Run a small experiment."""
    from coma_xr import demo as demonstration

    demonstration.run(path)


def run(
    target: str,
    values: Sequence[str],
    *,
    output: str | None,
    zipped: Sequence[str] | None,
    where: str | None,
    options: Namespace,
) -> int:
    """Run a function for each parameter set that has no measurement yet; return 1 when some failed, 130 after Ctrl-C."""
    if "=" in target and ":" not in target.partition("=")[0]:
        # The function may stand behind the values, as keywords may stand in any order in Python.
        with wrong_usage():
            target, values = _target_among(target, values)
    given = {name: value for name, value in vars(options).items() if name in terminal_options(RunOptions)}
    pairs = [[part.strip() for part in names.split(",")] for names in zipped or ()]
    request = _Request(target, values, output, pairs, where, given)
    if target.endswith(TOML):
        request = _with_file(target, request)
    return _run(request)


def _target_among(first: str, others: Sequence[str]) -> tuple[str, list[str]]:
    words = [first, *others]
    targets = [word for word in words if "=" not in word]
    if len(targets) != 1:
        raise ExperimentError(
            "No function is given." if not targets else f"{listing(targets)} do not set parameters.",
            expected="FILE.py:FUNCTION or PACKAGE.MODULE:FUNCTION, and NAME=VALUES",
        )
    return targets[0], [word for word in words if word != targets[0]]


def _run(request: _Request) -> int:
    from coma_xr.experiment import Experiment
    from coma_xr.terminal.functions import find_function

    with wrong_usage():
        settings = RunOptions(**request.options)
        scan_values = parse_scan(request.words)
    function = find_function(request.target, request.base)
    with wrong_usage():
        if not scan_values:
            raise _no_values(function, request.target)
        scan = _scan_of(scan_values, request)
    if not scan._length:
        fault = (
            "No value is left for the scan." if request.where is None else "No parameter set meets --where."
        )
        raise ParameterError(fault, expected="at least one parameter set")
    _check_function(function, scan)
    is_new = _check_directory(request)
    _print_request(request, scan_values, scan, settings)
    if settings.dry_run and is_new:
        print("Nothing is measured yet, and nothing was run.")
        return 0
    path = Path(request.directory).absolute()
    new = [directory for directory in (path, *path.parents) if not files.exists(str(directory))]
    experiment = Experiment(request.directory, "r" if settings.dry_run else "a")
    if not settings.dry_run:
        directory_of(experiment).command = request.command()
    try:
        done = experiment.run(function, scan, **request.options)
    except KeyboardInterrupt as interruption:
        report = getattr(interruption, "report", None)
        sys.stdout.flush()
        notice(f"interrupted: {report} Repeat the command to continue." if report else "interrupted.", "bad")
        return INTERRUPTED
    except ComaError:
        if is_new:
            directory_of(experiment).discard_unused()
            for directory in new:
                files.discard_if_empty(str(directory))
        raise
    _print_report(done, request, is_new=is_new)
    return 1 if done.failed or done.left else 0


def _no_values(function: Callable[..., Any], target: str) -> ParameterError:
    from inspect import Parameter, signature

    try:
        known = [p for p in signature(function).parameters.values() if p.name not in {"rng", "seed", "self"}]
    except (TypeError, ValueError):
        # Some functions in C do not tell; they may take any.
        known = [Parameter("parameters", Parameter.VAR_KEYWORD)]
    if not known:
        return ParameterError(
            f"{target} has no arguments, so no parameter can vary.",
            expected="a function of at least one parameter",
        )
    names = [p.name for p in known if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    return ParameterError(
        "No values of parameters are given.",
        expected=f"NAME=VALUES after the function, such as: {target} {[*names, 'x'][0]}=1,2,3",
        available=names or None,
    )


def _scan_of(values: Mapping[str, Any], request: _Request) -> Scan:
    """Return the product of all parameters, in which those of one ``--zip`` vary together."""
    from coma_xr.define.scans import grid, zipped

    groups = {name: tuple(names) for names in request.zipped for name in names}
    for name in groups:
        if name not in values:
            raise ParameterError(f"--zip names '{name}', which has no values.", name=name, available=values)
    scan: Scan | None = None
    for names in dict.fromkeys(groups.get(name, (name,)) for name in values):
        chosen = {name: values[name] for name in names}
        axis = zipped(chosen) if len(names) > 1 else grid(chosen)
        scan = axis if scan is None else scan * axis
    assert scan is not None
    return scan if request.where is None else scan.where(request.where)


def _check_function(function: Callable[..., Any], scan: Scan) -> None:
    """Raise ParameterError for parameters that the function does not take, before a directory is made."""
    from coma_xr.run.signature import check_keywords, keywords, random_arguments

    names = keywords(scan.definition)
    check_keywords(function, [*names, *random_arguments(function, names)])


def _check_directory(request: _Request) -> bool:
    """Return whether the experiment is a new one; ExperimentError for a directory of something else."""
    path = request.directory
    if is_experiment(path):
        return False
    if not files.exists(path):
        return True
    if not files.is_directory(path):
        raise ExperimentError(f"{path} is a file.", ways=["Name another directory: -o DIR."])
    if request.output is None and files.names(path):
        raise ExperimentError(
            f"The directory {path} exists and is not an experiment.", ways=["Name another directory: -o DIR."]
        )
    return True


def _print_request(request: _Request, values: Mapping[str, Any], scan: Scan, settings: RunOptions) -> None:
    """Print the values as they were read, before anything runs."""
    here = absolute_path() if request.directory == "." else request.directory
    print(f"{painted(clean(request.target), 'bold')} in {clean(here)}")
    described = {name: describe_values(value) for name, value in values.items()}
    rows = [(name, number, text) for name, (number, text) in described.items()]
    print_table(("parameter", "number", "values"), rows)
    # Of parameters that vary together, one counts.
    others = {name for names in request.zipped for name in names[1:]}
    sizes = [number or 1 for name, (number, _) in described.items() if name not in others]
    total = scan._length
    print(f"{number_text(sizes, total, settings.repeats)}.")
    sys.stdout.flush()


def _print_report(done: RunReport, request: _Request, *, is_new: bool) -> None:
    text = str(done)
    say(painted(text, "bad" if done.failed else "good" if not done.dry_run else None))
    path = shlex.quote(request.directory)
    if done.failed:
        say(f"`coma-xr failures {path}` lists what failed.")
    elif is_new and done.saved:
        say(f"`coma-xr show {path}` shows what it contains, `coma-xr report {path}` writes a page.")


# ----------------------------------------------------------------------------------------------- TOML


def _with_file(path: str, request: _Request) -> _Request:
    """Return a request with the content of a TOML file, where the command line gives nothing else.

    Raise ExperimentError when the file does not describe a run.
    """
    tree = _toml(path)
    base = os.path.split(path)[0] or "."
    directory = tree.get("directory")
    known = {name: to_word(name, value) for name, value in tree.get("scan", {}).items()}
    known |= {word.partition("=")[0].strip(): word for word in request.words}
    return _Request(
        tree["function"],
        list(known.values()),
        request.output
        or (None if directory is None else os.path.normpath(Path(base, local_path(directory)))),
        request.zipped or tree.get("zip", []),
        request.where or tree.get("where"),
        {**_options_of(path, tree.get("options", {})), **request.options},
        base,
    )


def _toml(path: str) -> dict[str, Any]:
    if not files.exists(path):
        raise ExperimentError(f"There is no file {path!r}.", expected="a TOML file that describes a run")
    try:
        tree = tomllib.loads(files.read(path).decode(), parse_float=partial(_float, path))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ExperimentError(f"{path} is not a TOML file: {as_clause(error)}.") from None
    for name, value in tree.items():
        if name not in _KEYS:
            raise ExperimentError(f"{path}: unknown key '{name}'.", name=name, available=_KEYS)
        if not isinstance(value, _KEYS[name]):
            raise ExperimentError(
                f"{path}: {name} = {shortened(value)} cannot be used.", expected=_EXAMPLES[name]
            )
    if "function" not in tree:
        raise ExperimentError(f"{path} names no function.", expected=_EXAMPLES["function"])
    return tree


def _float(path: str, text: str) -> float:
    value = float(text)
    if math.isinf(value) and "inf" not in text:
        raise ParameterError(
            f"{path}: {text} is too large for a float.", expected="numbers up to 1.8e308, or inf"
        )
    return value


_EXAMPLES = {
    "function": 'function = "model.py:simulate"',
    "directory": 'directory = "simulate"',
    "scan": "a table [scan] with a line such as T = [1, 2, 3]",
    "zip": 'zip = [["a", "b"]]',
    "where": 'where = "a < b"',
    "options": "a table [options] with a line such as repeats = 10",
}


def _options_of(path: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as `run` takes them; strings are read as on the command line."""
    known = terminal_options(RunOptions)
    options = {}
    for key, value in given.items():
        name = key.replace("-", "_")
        if name not in known:
            raise ExperimentError(f"{path}: unknown option '{key}'.", name=key, available=known)
        read = known[name].get("type")
        options[name] = read(value) if read is not None and isinstance(value, str) else value
    return options


# ---------------------------------------------------------------------------------------- status, watch


def status(path: str, *, as_json: bool) -> None:
    """Print how many measurements, failures and missing parameter sets an experiment has, and who is running it."""
    experiment = opened(path)
    numbers = experiment.status()
    if as_json:
        print_json({**numbers, "runs": [_run_tree(run) for run in numbers["runs"]]})
        return
    say(_counts(experiment, numbers))
    for run in numbers["runs"]:
        word = "running" if run.alive else "perhaps running"
        say(f"{painted(word, 'good')}: {progress_of([run])} ({clean(run)}{_doubt(run)})")


def _counts(experiment: Experiment, numbers: Mapping[str, Any]) -> str:
    """Return the numbers of measurements, failures and missing parameter sets."""
    parts = [count(numbers["measurements"], "measurement")]
    for name in ("failed", "missing", "excluded"):
        if numbers[name]:
            text = f"{numbers[name]:,} {name}"
            parts.append(painted(text, "bad") if name == "failed" else text)
    both = ""
    if numbers["failed"] and numbers["missing"]:
        number = look_at(experiment, listed=True).failed_of_missing()
        which = "failed" if number == numbers["failed"] else f"{number:,} of the failed"
        both = f" (missing includes {which})" if number else " (the failed are of an earlier scan)"
    if len(parts) == 1 and not numbers["runs"]:
        parts.append("nothing failed or missing")
    return f"{', '.join(parts)}{both}"


def _run_tree(run: LiveRun) -> dict[str, Any]:
    names = (
        "host",
        "pid",
        "since",
        "alive",
        "certain",
        "silence",
        "todo",
        "done",
        "failed",
        "rate",
        "left",
        "workers",
    )
    return {name: getattr(run, name) for name in names}


def _doubt(run: LiveRun) -> str:
    if run.certain:
        return ""
    return (
        f"; last heard of {time_text(run.silence)} ago, its lock cannot be seen from this machine"
        + "; it may be dead" * (not run.alive)
    )


def watch(path: str, *, interval: float) -> int:
    """Show how far the runs of an experiment are until there is none; return 1 when something failed or is missing.

    Ctrl-C ends it sooner, and leaves the run alone.
    """
    experiment = opened(path)
    display = _Display()
    seen = False
    try:
        while runs := [run for run in experiment.runs() if run.alive]:
            seen = True
            several = f"{len(runs)} runs: " if len(runs) > 1 else ""
            display.show(f"{several}{progress_of(runs)}", partial(_details, experiment, runs))
            time.sleep(interval)
    except KeyboardInterrupt:
        # Watching was interrupted, not the run.
        print()
        return 0
    numbers = experiment.status()
    is_gone = display.clear()
    say(f"{'The run has ended' if seen else 'Nothing is running'}: {_counts(experiment, numbers)}")
    if numbers["failed"] and is_gone:
        say(f"`coma-xr failures {shlex.quote(path)}` lists what failed.")
    return 1 if numbers["failed"] or numbers["missing"] else 0


# Kinds of failures that are shown next to the runs.
_KINDS = 3
_BAR = 30


def _details(experiment: Experiment, runs: Sequence[LiveRun]) -> list[str]:
    """Return the lines below the progress: a bar, the runs, and the last failures."""
    todo, done = (sum(getattr(run, name) or 0 for run in runs) for name in ("todo", "done"))
    full = round(_BAR * done / todo) if todo else 0
    lines = [painted("█" * full, "good") + painted("─" * (_BAR - full), "faint"), ""]
    lines += table_lines(
        ("run", "workers", "done", "of", "failed", "rate", "left"),
        [
            (
                f"pid {run.pid} on {run.host}",
                run.workers,
                run.done,
                run.todo,
                run.failed,
                None if run.rate is None else rate_text(run.rate),
                None if run.left is None else time_text(run.left),
            )
            for run in runs
        ],
        whole=("run",),
        optional=("of", "workers"),
        styles={"failed": lambda number: "bad" if number else None},
    )
    failures = list(look_at(experiment).recorded_failures()) if any(run.failed for run in runs) else []
    if failures:
        # The latest first.
        groups = grouped(tree for _, tree in reversed(failures))
        lines += ["", painted("failures", "bold"), *(fitting(group_text(group)) for group in groups[:_KINDS])]
    return lines


class _Display:
    """Lines that are updated in a terminal; elsewhere a new line for each change."""

    def __init__(self) -> None:
        self._last = ""
        self._lines = 0
        self._changes = has_colour(sys.stdout)

    def clear(self) -> bool:
        """Erase the lines in the terminal when the run has ended; return whether there were any."""
        if self._lines:
            print(f"\x1b[{self._lines}F\x1b[J", end="", flush=True)
        return bool(self._lines)

    def show(self, text: str, details: Callable[[], list[str]]) -> None:
        """Replace the shown lines by a new one and, in a terminal, the details below it."""
        if self._changes:
            lines = [fitting(text), *details()]
            back = f"\x1b[{self._lines}F" if self._lines else ""
            print(f"{back}\x1b[J" + "\n".join(lines), flush=True)
            self._lines = len(lines)
        elif text != self._last:
            print(text, flush=True)
        self._last = text

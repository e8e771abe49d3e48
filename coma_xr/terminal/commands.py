"""The commands of the terminal, one function each, named as the command."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from coma_xr import demo as demonstration
from coma_xr import files
from coma_xr.collection import open_experiments
from coma_xr.errors import REPLACE, ComaError, ExperimentError, InactiveError, StorageError
from coma_xr.figures import WHERE, arguments_of
from coma_xr.run.report import line_text
from coma_xr.store.cache import clear_cache
from coma_xr.store.config import FILE, Config, configuration_directory, create_default_config
from coma_xr.store.layout import REMOVED
from coma_xr.store.locks import progress_text
from coma_xr.terminal.experiments import check_exists, experiments_below, measurement_of, opened
from coma_xr.terminal.printing import fitting, print_json, print_table
from coma_xr.terminal.printing import report as said
from coma_xr.text import available, clean, clean_lines, count, time_text
from coma_xr.tree import join

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    import pandas as pd

    from coma_xr.experiment import Experiment
    from coma_xr.retrieve.measurement import Measurement
    from coma_xr.store.locks import LiveRun
    from coma_xr.store.upkeep import Finding


def demo(path: Path) -> None:
    """Run a small experiment."""
    demonstration.run(path)


def remove(
    path: str, ids: Sequence[int], where: str | None, reason: str | None, yes: bool, parser: ArgumentParser
) -> int:
    """Show measurements and, once it is agreed to, move them away; return 1 when they were not."""
    if bool(ids) == (where is not None):
        parser.error("say which measurements to remove: by their ids, or by --where CONDITION")
    experiment = opened(path, write=True)
    if not experiment.isactive():
        raise InactiveError(
            f"{path} is inactive, so that nothing can be removed. `coma-xr activate {path}` first."
        )
    chosen = (
        list(dict.fromkeys(ids)) if where is None else [m.id for m in experiment.measurements(where=where)]
    )
    if not chosen:
        said("nothing was moved")
        return 1
    _show(experiment, chosen)
    if not yes and not _agreed(count(len(chosen), "measurement")):
        return 1
    experiment.remove(chosen, reason)
    moved = count(len(chosen), "measurement")
    print(f"moved {moved} to {clean(experiment.path / REMOVED)}; `coma-xr restore` puts them back")
    return 0


def restore(path: str, ids: Sequence[int], *, where: str | None, everything: bool) -> None:
    """List what was removed, or put some or all of it back."""
    chosen = [choice for choice in (list(dict.fromkeys(ids)), where, everything) if choice]
    if len(chosen) > 1:
        raise ExperimentError("Ids, --where and --all exclude each other.", expected="one of them")
    experiment = opened(path, write=bool(chosen))
    if chosen:
        new = experiment.restore(None if everything else chosen[0])
        print(f"put back {count(len(new), 'measurement')} in {clean(experiment.path)}")
        return
    removed = experiment.removed().reset_index().rename(columns={"measurement_id": "id"})
    print_table(list(removed.columns), [tuple(row) for row in removed.astype(object).to_numpy()])


def _show(experiment: Experiment, ids: Sequence[int]) -> None:
    """Print measurements with their parameters."""
    pairs = experiment._look().pairs
    rows = []
    for id in ids:
        measurement = experiment.measurement(id)
        values = [measurement.get(join(path)) for _, path in pairs]
        rows.append((id, *values) if pairs else (id, measurement.start_date))
    names = [name for name, _ in pairs]
    print_table(["id", *(names or ["start_date"])], rows)


def _agreed(what: str) -> bool:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        said(f"nothing was moved; --yes moves {what}")
        return False
    print(f"Move {what} away? [y/N] ", end="", flush=True)
    if sys.stdin.readline().strip().lower() in {"y", "yes"}:
        return True
    said("nothing was moved")
    return False


def deactivate(path: str, *, compress: bool) -> None:
    """Move all measurements into the experiment file."""
    experiment = opened(path, write=True)
    experiment.deactivate(compress=compress)
    print(
        f"{count(experiment.number_of_measurements(), 'measurement')} in {clean(experiment._place.look().experiment_file)}"
    )


def activate(path: str) -> None:
    """Make each measurement a file of its own."""
    experiment = opened(path, write=True)
    experiment.activate()
    print(
        f"{count(experiment.number_of_measurements(), 'measurement')}, each a file in {clean(experiment.path)}"
    )


def cache(paths: Sequence[str], *, action: str) -> int:  # noqa: ARG001, since there is one action
    """Delete the caches of experiments."""
    for path in paths:
        experiment = opened(path, write=False)
        is_cleared = clear_cache(str(experiment.path), Config.of(None))
        print(f"{clean(path)}: {'the cache is deleted' if is_cleared else 'there is no cache'}")
    return 0


def verify(paths: Sequence[str], *, repair: bool, as_json: bool) -> int:
    """Print what is not as it should be; return 1 when something is left so."""
    found, lacking = [], False
    for path in paths:
        try:
            experiment = opened(path, write=repair)
            found.append((path, experiment, experiment.verify(repair=repair)))
        except ComaError as error:
            # The others are checked all the same.
            said(clean(error))
            lacking = True
    if as_json:
        print_json(
            [{"path": path, **_finding_tree(finding)} for path, _, findings in found for finding in findings]
        )
    else:
        for path, experiment, findings in found:
            for finding in findings:
                print(f"{clean(path)}: {clean(finding)}")
            if not findings:
                number = count(experiment.number_of_measurements(), "measurement")
                print(f"{clean(path)}: all is well, {number}")
    left = any(not finding.done for _, _, findings in found for finding in findings)
    return 1 if left or lacking else 0


def _finding_tree(finding: Finding) -> dict[str, object]:
    return {
        "file": finding.file,
        "kind": finding.kind,
        "text": finding.text,
        "repair": finding.repair,
        "done": finding.done,
    }


def merge(
    path: str, others: Sequence[str], *, repeats: Literal["append"] | None, keep_both: bool, as_json: bool
) -> None:
    """Add the measurements of copies under new ids, and say which."""
    experiment = opened(path, write=True)
    copies = [(other, opened(other)) for other in others]
    if any(copy.path == experiment.path for _, copy in copies):
        raise ExperimentError(f"{path} cannot be merged into itself.")
    done = []
    for other, copy in copies:
        new = experiment.merge(copy, repeats=repeats, keep_both=keep_both)
        equal = copy.number_of_measurements() - len(new)
        done.append({"path": other, "added": {str(id): given for id, given in new.items()}, "equal": equal})
        if not as_json:
            print(f"{clean(other)}: added {count(len(new), 'measurement')}, {equal} exist already")
    if as_json:
        print_json(done)


def export(path: str, output: str, *, where: str | None, overwrite: bool) -> None:
    """Write an experiment into one file, and say which."""
    experiment = opened(path)
    _check_some(experiment, where)
    _wrote(experiment.export(output, where=where, overwrite=overwrite))


def plot(
    path: str,
    figure: str | None,
    output: str | None,
    where: str | None,
    overwrite: bool,
    options: Namespace,
) -> None:
    """Draw an experiment, or a figure that is kept with it, into a file and print its name."""
    from coma_xr.plotting.arguments import terminal_options

    given = {name: getattr(options, name) for name in terminal_options()}
    arguments = {name: value for name, value in given.items() if value is not None and value is not False}
    arguments |= {"legend": False} if options.legend is False else {}
    if options.y is not None and len(options.y) == 1:
        arguments["y"] = options.y[0]
    experiment = opened(path)
    if figure is not None:
        arguments = {**arguments_of(experiment.figures, figure), **arguments}
        kept = arguments.pop(WHERE, None)
        where = kept if where is None else where
    output = output or f"{figure or experiment.path.name}.png"
    # Before the time that reading takes.
    _check(output, overwrite=overwrite)
    _check_some(experiment, where)
    from coma_xr.plotting.draw import draw

    drawn = draw(experiment.to_dataset(where=where), **arguments)
    with files.placing(output, overwrite=overwrite) as temporary:
        drawn.savefig(temporary, dpi=150)
    _wrote(Path(output))


def report(path: str, output: str | None, *, overwrite: bool) -> None:
    """Write a page about an experiment, and say which; None has the experiment's name, in the working directory."""
    experiment = opened(path)
    _wrote(experiment.report(output or f"{experiment.path.name}.html", overwrite=overwrite))


def _check(output: str, *, overwrite: bool) -> None:
    from matplotlib.backend_bases import FigureCanvasBase

    suffix = Path(output).suffix
    kinds = sorted(f".{kind}" for kind in FigureCanvasBase.get_supported_filetypes())
    if suffix.lower() not in kinds:
        raise ExperimentError(
            f"{output}: expected the name of a file that a figure can be saved in. {available(suffix, kinds)}"
        )
    if files.exists(output) and not overwrite:
        raise StorageError(errno.EEXIST, "this file exists already", output, ways=[REPLACE])


def _check_some(experiment: Experiment, where: str | None) -> None:
    """Raise ExperimentError for a condition that holds for no measurement."""
    if where is not None and not any(True for _ in experiment.measurements(where=where)):
        raise ExperimentError(
            f"There is no measurement with {where} in {experiment.path}. Nothing was written."
        )


def _wrote(path: Path) -> None:
    print(f"wrote {clean(path)}")


def status(path: str, *, as_json: bool) -> None:
    """Print how many measurements, failures and missing parameter sets there are, and who is running it."""
    experiment = opened(path)
    found = experiment.status()
    if as_json:
        print_json({**found, "runs": [_run_tree(run) for run in found["runs"]]})
        return
    print(_counts(found))
    for run in found["runs"]:
        print(_line(run))


def _counts(found: dict[str, Any]) -> str:
    done = count(found["measurements"], "measurement")
    both = " (what failed is missing too)" if found["failed"] and found["missing"] else ""
    return f"{done}, {found['failed']} failed, {found['missing']} missing{both}"


def _run_tree(run: LiveRun) -> dict[str, Any]:
    names = ("host", "pid", "since", "alive", "certain", "silence", "todo", "done", "failed", "rate", "left")
    return {name: getattr(run, name) for name in names}


def _line(run: LiveRun) -> str:
    word = "running" if run.alive else "perhaps running"
    return f"{word}: {progress_text([run])} ({clean(run)}{_doubt(run)})"


def _doubt(run: LiveRun) -> str:
    if run.certain:
        return ""
    return (
        f"; last heard of {time_text(run.silence)} ago, its lock cannot be seen from this machine"
        + "; it may be dead" * (not run.alive)
    )


def watch(path: str, *, interval: float) -> None:
    """Print how far the runs of an experiment are, again and again, until there is none; Ctrl-C ends it sooner."""
    experiment = opened(path)
    try:
        _follow(experiment, interval)
    except KeyboardInterrupt:
        # It is looking on that was interrupted, not the run.
        print()


def _follow(experiment: Experiment, interval: float) -> None:
    line = _Line()
    seen = False
    while runs := [run for run in experiment.runs() if run.alive]:
        seen = True
        several = f"{len(runs)} runs: " if len(runs) > 1 else ""
        line.show(f"{several}{progress_text(runs)}")
        time.sleep(interval)
    line.end()
    print("The run has ended:" if seen else "Nobody is running it:", _counts(experiment.status()))


class _Line:
    """A line that changes in a terminal; elsewhere a line whenever there is something new."""

    def __init__(self) -> None:
        self._last = ""
        self._terminal = sys.stdout.isatty()

    def show(self, text: str) -> None:
        if self._terminal:
            # One that the terminal breaks in two could not be written over.
            text = fitting(text)
            print(f"\r{text.ljust(len(self._last))}", end="", flush=True)
        elif text != self._last:
            print(text, flush=True)
        self._last = text

    def end(self) -> None:
        if self._terminal and self._last:
            print()


# A longer value of a measurement is cut; --json gives all of it.
_LONGEST = 100

_ROLES = {"parameter": "parameters", "result": "results"}


def show(path: str, what: str | None, *, as_json: bool) -> None:
    """Print an experiment; or one measurement of it, or the values of a path in all of them."""
    at = measurement_of(path) if what is None else None
    if at is not None:
        path, what = at[0], str(at[1])
    experiment = opened(path)
    if what is None:
        _show_experiment(experiment, as_json=as_json)
    elif what.isascii() and what.isdigit():
        _show_measurement(experiment.measurement(int(what)), as_json=as_json)
    else:
        _show_values(experiment, what, as_json=as_json)


def _show_experiment(experiment: Experiment, *, as_json: bool) -> None:
    known, found = experiment.status(), experiment.paths()
    about = {
        "path": str(experiment.path),
        "id": experiment.id,
        "description": experiment.description,
        "tags": experiment.tags,
        "state": "active" if experiment.isactive() else "inactive",
        "measurements": known["measurements"],
        "failed": known["failed"],
        "missing": known["missing"],
        "start_date": experiment.start_date,
        "end_date": experiment.end_date,
        "definition": {name: join(path) for name, path in experiment._look().pairs},
    }
    if as_json:
        print_json({**about, "annotations": experiment.annotations, "paths": found.to_dict("records")})
        return
    about["tags"] = ", ".join(about["tags"])
    about["definition"] = ", ".join(about["definition"])
    for name, value in about.items():
        if value not in (None, ""):
            print(f"{name:13} {clean(value)}")
    for role, title in _ROLES.items():
        rows = found[found.role == role]
        if len(rows):
            print()
            _print_leaves(title, rows, experiment.annotations)


def _print_leaves(title: str, rows: pd.DataFrame, annotations: Mapping[str, Mapping[str, Any]]) -> None:
    units = [annotations.get(path, {}).get("units") for path in rows.path]
    columns = [rows[name].tolist() for name in ("name", "type", "distinct", "range", "path")]
    names = [title, "type", "distinct", "range", "path"]
    if any(units):
        columns.insert(4, units)
        names.insert(4, "units")
    print_table(names, zip(*columns, strict=True), optional=("path",))


def _show_measurement(measurement: Measurement, *, as_json: bool) -> None:
    if as_json:
        print_json(measurement.tree)
        return
    print(f"measurement {measurement.id}")
    for line in _lines(measurement.tree, "  "):
        print(line)


def _lines(tree: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Yield the lines of a tree, each branch indented below its name."""
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield f"{indent}{clean(key)}"
            yield from _lines(value, f"{indent}  ")
        else:
            # A text is shown with the spaces that it has.
            text = clean_lines(repr(value)) if isinstance(value, str) else clean(repr(value))
            size = f" ({len(value)} items)" if isinstance(value, list) else ""
            cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ...{size}"
            yield f"{indent}{clean(key)}: {cut}"


def _show_values(experiment: Experiment, path: str, *, as_json: bool) -> None:
    table = experiment.to_dataframe([path]).reset_index()
    if as_json:
        print_json(table.to_dict("records"))
    else:
        _print_frame(table)


def paths(path: str, *, as_json: bool) -> None:
    """Print what there is in the measurements: a line for each path."""
    table = opened(path).paths()
    if as_json:
        print_json(table.to_dict("records"))
    else:
        _print_frame(table, optional=("role", "name"))


def failures(path: str, *, traceback: int | None, as_json: bool) -> None:
    """Print the parameter sets that failed, or the traceback of one of them."""
    experiment = opened(path)
    if traceback is not None:
        print(clean_lines(experiment.failure(traceback).traceback.rstrip()))
        return
    table = experiment.failures().reset_index(names="id")
    if as_json:
        print_json(table.to_dict("records"))
    elif table.empty:
        print("no failures")
    else:
        # The directory fills the line and is in the traceback.
        table["line"] = [line_text(line or "") for line in table["line"]]
        _print_frame(table)


def _print_frame(table: pd.DataFrame, *, optional: Sequence[str] = ()) -> None:
    names = [str(name) for name in table.columns]
    print_table(names, zip(*(table[name].tolist() for name in table.columns), strict=True), optional=optional)


_COLUMNS = ("id", "path", "measurements", "failures", "state", "description", "tags")


def ls(paths: Sequence[str], *, as_json: bool) -> int:
    """List the experiments below directories; return 1 when some cannot be read, which stderr reports."""
    problems: list[str] = []
    rows = [row for path in paths for row in _rows(path, problems.append)]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(_COLUMNS, ([_cell(row[column]) for column in _COLUMNS] for row in rows))
    elif not problems:
        said(f"no experiments below {clean(', '.join(paths))}")
    for problem in problems:
        said(clean(problem))
    return 1 if problems else 0


def _cell(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _rows(path: str, problem: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    for found in _found(path, problem):
        try:
            experiments = open_experiments(found)
            for text in experiments.problems.values():
                problem(text)
            yield from (_row(found, experiment) for experiment in experiments)
        except ComaError as error:
            problem(str(error))


def _found(path: str, problem: Callable[[str], None]) -> Iterable[str]:
    if files.is_directory(path):
        return experiments_below(os.path.normpath(path), problem)
    try:
        check_exists(path)
    except ExperimentError as error:
        problem(str(error))
        return []
    return [path]


def _row(path: str, experiment: Experiment) -> dict[str, Any]:
    running = any(run.alive for run in experiment.runs())
    return {
        "id": experiment.id,
        "path": path,
        "measurements": experiment.number_of_measurements(),
        "failures": len(experiment._look().recorded_failures()),
        "state": "running" if running else "active" if experiment.isactive() else "inactive",
        "description": experiment.description,
        "tags": experiment.tags,
        "start_date": experiment.start_date,
        "end_date": experiment.end_date,
    }


def config(show: bool, no_index: bool) -> None:
    """Write a file with all settings, unless there is one; or print where the settings lie, and those in force."""
    if not show:
        create_default_config(create_experiment_index=not no_index)
        return
    settings = Config.of(None)
    path = files.inside(configuration_directory(), FILE)
    there = "" if files.exists(path) else " (not there; these are the defaults)"
    print(f"# {clean(path)}{there}")
    for name, value in asdict(settings).items():
        text = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
        print(f"{name} = {clean(text)}")
    index = settings.experiment_index_path()
    print(f"# experiments are numbered by {clean(index)}{'' if files.exists(index) else ' (not there)'}")


def code(path: str, ids: Sequence[int], accept: bool, output: str | None, as_json: bool) -> None:
    """List the code states, print or write the sources of one, print how two differ, or accept all."""
    if accept:
        new = opened(path, write=True).accept_code()
        print(f"accepted {count(len(new), 'code state')}")
        return
    from coma_xr.code_history import state_record, write_sources

    experiment = opened(path)
    if len(ids) > 2 or (output is not None and len(ids) != 1):
        wanted = "one id" if output is not None else "at most two ids"
        raise ExperimentError(f"Expected {wanted}, found {len(ids)}.")
    if len(ids) == 2:
        print(clean_lines(experiment.code_diff(*ids)), end="")
    elif output is not None:
        names = write_sources(state_record(experiment._look().now, ids[0]), output)
        print(f"wrote {count(len(names), 'file')} to {clean(output)}")
    elif ids:
        sources = experiment.code(ids[0])
        if as_json:
            print_json(sources)
            return
        for name, text in sources.items():
            print(f"# {clean(name)}\n{clean_lines(text)}")
    else:
        table = experiment.code().reset_index().astype(object)
        table = table.where(table.notna(), None)
        if as_json:
            print_json(table.to_dict("records"))
        elif table.empty:
            said("no measurement records its code")
        else:
            print_table(list(table.columns), table.itertuples(index=False, name=None))

"""Commands that read: ls, show, paths, failures, code, export, plot and report."""

from __future__ import annotations

import errno
import os
import shlex
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coma_xr import files
from coma_xr.checks import terminal_options
from coma_xr.errors import REPLACE, ComaError, ExperimentError, StorageError, wrong_usage
from coma_xr.figures import WHERE, chosen
from coma_xr.records import look_at
from coma_xr.run.report import line_text
from coma_xr.terminal.experiments import (
    check_exists,
    check_named,
    experiments_below,
    here_if_id,
    here_if_missing,
    measurement_of,
    opened,
)
from coma_xr.terminal.printing import Style, cell_of, notice, painted, print_json, print_table, say
from coma_xr.text import clean, clean_lines, count, listing
from coma_xr.tree import join

if TYPE_CHECKING:
    import pandas as pd

    from coma_xr.experiment import Experiment
    from coma_xr.retrieve.measurement import Measurement


def export(path: str, output: str, *, where: str | None, overwrite: bool) -> None:
    """Write an experiment into one file and print its name."""
    check_named(path, output, "export", "FILE")
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
    from coma_xr.plotting.arguments import PlotSpec

    path, figure = here_if_missing(path, figure)
    given = {name: getattr(options, name) for name in terminal_options(PlotSpec)}
    arguments = {name: value for name, value in given.items() if value is not None and value is not False}
    arguments |= {"legend": False} if options.legend is False else {}
    if options.y is not None and len(options.y) == 1:
        arguments["y"] = options.y[0]
    with wrong_usage():
        arguments |= {name: _limits(arguments[name]) for name in ("xlim", "ylim") if name in arguments}
        if "error" in arguments:
            arguments["error"] = _with_pair(arguments["error"])
        PlotSpec.of(arguments)
    arguments |= {} if where is None else {WHERE: where}
    experiment = opened(path)
    where, arguments = chosen(experiment.figures, figure, arguments)
    output = output or f"{figure or experiment.path.name}.png"
    # Reading the measurements may take long, so this is checked before.
    _check(output, overwrite=overwrite)
    _check_some(experiment, where)
    from coma_xr.plotting.draw import draw

    drawn = draw(experiment.to_dataset(where=where), **arguments)
    with files.placing(output, overwrite=overwrite) as temporary:
        drawn.savefig(temporary, dpi=150)
    _wrote(Path(output))


def _limits(words: Sequence[str]) -> list[str | None]:
    """Return two limits. The values decide a limit that is None."""
    return [None if word.lower() == "none" else word for word in words]


def _with_pair(error: Any) -> Any:
    """Return the words of an error, such as ``percentile,5,95``, with two numbers in a row as the pair that they are."""
    if isinstance(error, tuple) and len(error) > 2 and all(isinstance(word, float) for word in error[1:3]):
        return (error[0], error[1:3], *error[3:])
    return error


def report(path: str, output: str | None, *, overwrite: bool) -> None:
    """Write a page about an experiment and print its name, by default that of the experiment in the working directory."""
    experiment = opened(path)
    _wrote(experiment.report(output or f"{experiment.path.name}.html", overwrite=overwrite))


def _check(output: str, *, overwrite: bool) -> None:
    from matplotlib.backend_bases import FigureCanvasBase

    suffix = Path(output).suffix
    kinds = sorted(f".{kind}" for kind in FigureCanvasBase.get_supported_filetypes())
    if suffix.lower() not in kinds:
        raise ExperimentError(
            "a figure cannot be saved in this format", where=output, name=suffix, available=kinds
        )
    if files.exists(output) and not overwrite:
        raise StorageError(errno.EEXIST, "this file exists already", output, ways=[REPLACE])


def _check_some(experiment: Experiment, where: str | None) -> None:
    """Raise ExperimentError for a condition that holds for no measurement."""
    if where is not None and not any(True for _ in experiment.measurements(where=where)):
        raise ExperimentError(
            f"No measurement in {experiment.path} meets the condition {where}. Nothing was written."
        )


def _wrote(path: Path) -> None:
    print(f"wrote {clean(path)}")


# A longer value of a measurement is cut; --json gives all of it.
_LONGEST = 100


_ROLES = {"parameter": "parameters", "result": "results"}


def show(path: str, what: str | None, *, as_json: bool) -> None:
    """Print an experiment; or one measurement of it, or the values of a path in all of them."""
    path, what = here_if_missing(path, what)
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
    records = look_at(experiment, listed=True)
    known, paths = records.counts(), records.paths_rows()
    about: dict[str, Any] = {
        "path": str(experiment.path),
        "id": experiment.id,
        "description": experiment.description,
        "tags": experiment.tags,
        "state": "active" if records.now.active else "inactive",
        "measurements": known["measurements"],
        "failed": known["failed"],
        "missing": known["missing"],
        "start_date": experiment.start_date,
        "end_date": experiment.end_date,
        "definition": {name: join(path) for name, path in records.present_pairs},
        "command": records.now.sections.get("command"),
    }
    if as_json:
        print_json({**about, "annotations": experiment.annotations, "paths": paths})
        return
    about["tags"] = ", ".join(about["tags"])
    about["definition"] = ", ".join(about["definition"])
    about["command"] = about["command"] and shlex.join(["coma-xr", "run", *about["command"]])
    for name, value in about.items():
        if value not in (None, ""):
            style: Style | None = "bad" if name == "failed" and value else None
            say(f"{painted(name, 'bold')}{' ' * (13 - len(name))} {painted(clean(value), style)}")
    for role, title in _ROLES.items():
        rows = [row for row in paths if row["role"] == role]
        if rows:
            print()
            _print_leaves(title, rows, experiment.annotations)


def _print_leaves(
    title: str, rows: Sequence[Mapping[str, Any]], annotations: Mapping[str, Mapping[str, Any]]
) -> None:
    units = [annotations.get(row["path"], {}).get("units") for row in rows]
    columns: list[list[Any]] = [
        [row[name] for row in rows] for name in ("name", "type", "distinct", "range", "path")
    ]
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
            # A string keeps its spaces.
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
    """Print a line for each path in the measurements."""
    rows = look_at(opened(path), listed=True).paths_rows()
    if as_json:
        print_json(rows)
    else:
        from coma_xr.retrieve.listings import COLUMNS

        cells = (list(row.values()) for row in rows)
        print_table(
            COLUMNS,
            cells,
            whole=("path", "type"),
            optional=("role", "name", "measurements", "distinct"),
            spare=("range",),
        )


def failures(path: str, *, traceback: int | None, everything: bool, as_json: bool) -> None:
    """Print the parameter sets that failed, by exception and line, or the traceback of one of them."""
    from coma_xr.retrieve.listings import failures_columns

    experiment = opened(path)
    records = look_at(experiment, listed=True)
    columns = failures_columns(records.failed(), records.present_pairs)
    columns = {"id": columns.pop("measurement_id"), **columns}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if traceback is not None:
        id = traceback or _only_failure(rows, path)
        print(clean_lines(experiment.failure(id).traceback.rstrip()))
    elif as_json:
        print_json(rows)
    elif not rows:
        print("no failures")
    else:
        for number, group in enumerate(_groups(rows)):
            if number:
                print()
            _print_failures(group, len(group) if everything else _ALIKE)
        print(f"\n`coma-xr failures {shlex.quote(path)} --traceback ID` prints a traceback.")


# Failures of one kind that are listed without --all.
_ALIKE = 10

_Row = Mapping[str, Any]


def _groups(rows: Iterable[_Row]) -> list[list[_Row]]:
    """Return failures by exception and line, the most frequent first."""
    groups: dict[tuple[Any, Any], list[_Row]] = {}
    for row in rows:
        groups.setdefault((row["exception"], row["line"]), []).append(row)
    return sorted(groups.values(), key=len, reverse=True)


def _print_failures(group: Sequence[_Row], most: int) -> None:
    """Print failures with one exception at one line."""
    messages = list(dict.fromkeys(row["message"] for row in group))
    others = f" (and {count(len(messages) - 1, 'other message')})" if len(messages) > 1 else ""
    message = f"{clean(messages[0])}{others}"
    exception = f"{group[0]['exception']}{message and f': {message}'}"
    print(f"{painted(count(len(group), 'failure'), 'bad')}  {painted(exception, 'bold')}")
    # The directory would fill the line, and the traceback has it.
    if line := line_text(group[0]["line"] or ""):
        print(f"  {clean(line)}")
    names = [name for name in group[0] if name not in {"exception", "message", "line"}]
    print_table(names, ([row[name] for name in names] for row in group[:most]), optional=("host", "date"))
    if len(group) > most:
        print(f"... and {len(group) - most:,} more; --all lists them.")


def _only_failure(rows: Sequence[_Row], path: str) -> int:
    """Return the id of a failure that stands for all of them."""
    groups = _groups(rows)
    if len(groups) == 1:
        return int(groups[0][0]["id"])
    if not groups:
        raise ExperimentError(f"{path} has no failures.")
    ids = listing(group[0]["id"] for group in groups)
    raise ExperimentError(
        f"{path} has failures of {len(groups)} kinds.", expected=f"--traceback with an id: {ids}"
    )


def _print_frame(table: pd.DataFrame) -> None:
    names = [str(name) for name in table.columns]
    print_table(names, zip(*(table[name].tolist() for name in table.columns), strict=True))


_COLUMNS = ("id", "path", "measurements", "failures", "state", "description", "tags")


def ls(paths: Sequence[str], *, as_json: bool) -> int:
    """List the experiments below directories; return 1 when some cannot be read, which stderr reports."""
    problems: list[str] = []
    rows = [row for path in paths for row in _rows(path, problems.append)]
    if as_json:
        print_json(rows)
    elif rows:
        cells = ([cell_of(row[column]) for column in _COLUMNS] for row in rows)
        styles: dict[str, Callable[[Any], Style | None]] = {
            "failures": lambda number: "bad" if number else None,
            "state": lambda state: "good" if state == "running" else None,
        }
        spare = ("description", "id", "state")
        print_table(_COLUMNS, cells, whole=("path", "state"), optional=("tags",), spare=spare, styles=styles)
    elif not problems:
        notice(f"no experiments below {clean(', '.join(paths))}; `coma-xr run` and `coma-xr demo` create one")
    for problem in problems:
        notice(clean(problem))
    return 1 if problems else 0


def _rows(path: str, problem: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    from coma_xr.collection import open_experiments

    for place in _found(path, problem):
        try:
            experiments = open_experiments(place)
            for text in experiments.problems.values():
                problem(text)
            yield from (_row(place, experiment) for experiment in experiments)
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
    records = look_at(experiment, listed=True)
    running = any(run.alive for run in records.runs())
    return {
        "id": experiment.id,
        "path": path,
        "measurements": records.now.number(),
        "failures": len(records.recorded_failures()),
        "state": "running" if running else "active" if records.now.active else "inactive",
        "description": experiment.description,
        "tags": experiment.tags,
        "start_date": experiment.start_date,
        "end_date": experiment.end_date,
    }


# Columns of the code states that a narrow terminal does without, the first of them first.
_OPTIONAL = ("accepted", "host", "dirty", "last", "commit", "first")


def code(path: str, ids: Sequence[int], accept: bool, output: str | None, as_json: bool) -> None:
    """List the code states, print or write the sources of one, print how two differ, or accept all."""
    path, ids = here_if_id(path, ids)
    if accept:
        new = opened(path, write=True).accept_code()
        print(f"accepted {count(len(new), 'code state')}")
        return
    from coma_xr.code_history import state_record, write_sources

    if len(ids) > 2 or (output is not None and len(ids) != 1):
        wanted = "one id" if output is not None else "at most two ids"
        with wrong_usage():
            raise ExperimentError(expected=wanted, found=str(len(ids)))
    experiment = opened(path)
    if len(ids) == 2:
        difference = clean_lines(experiment.code_diff(*ids))
        if not difference:
            notice(f"measurements {ids[0]} and {ids[1]} were made by the same code")
        print(difference, end="")
    elif output is not None:
        names = write_sources(state_record(look_at(experiment).now, ids[0]), output)
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
            notice("no measurement records its code")
        else:
            rows = table.itertuples(index=False, name=None)
            print_table(list(table.columns), rows, whole=("code", "first"), optional=_OPTIONAL)

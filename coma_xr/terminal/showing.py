"""``coma-xr show``, ``paths`` and ``failures``: what is in an experiment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from coma_xr.run.report import line_text
from coma_xr.terminal.finding import measurement_of, opened
from coma_xr.terminal.text import print_json, print_table
from coma_xr.text import clean, clean_lines
from coma_xr.tree import join

if TYPE_CHECKING:
    import pandas as pd

    from coma_xr.experiment import Experiment
    from coma_xr.retrieve.measurement import Measurement

__all__ = ["failures", "paths", "show"]

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
    print_table(names, zip(*columns, strict=True))


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
        _print_frame(table)


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


def _print_frame(table: pd.DataFrame) -> None:
    print_table(
        [str(name) for name in table.columns], zip(*(table[c].tolist() for c in table.columns), strict=True)
    )

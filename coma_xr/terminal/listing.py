"""``coma-xr ls``: the experiments below directories."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from coma_xr import files
from coma_xr.collection import open_experiments
from coma_xr.errors import ComaError, ExperimentError
from coma_xr.terminal.finding import check_exists, experiments_below
from coma_xr.terminal.text import print_json, print_table, said
from coma_xr.text import clean

if TYPE_CHECKING:
    from coma_xr.experiment import Experiment

__all__ = ["ls"]

_COLUMNS = ("id", "path", "measurements", "failures", "state", "description", "tags")


def ls(paths: Sequence[str], *, as_json: bool) -> int:
    """List the experiments below directories; return 1 when some cannot be read, which is said on standard error."""
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

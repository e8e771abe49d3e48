"""The facts of a report, gathered from the files of an experiment."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coma_xr.code_history import changes, code_states, environment_of, infos_of, states_table
from coma_xr.code_history import records as records_of_code
from coma_xr.define.values import hand_out
from coma_xr.errors import ComaError, ComaWarning, DataFileWarning, LayoutError, warning_once
from coma_xr.figures import kept
from coma_xr.html import several
from coma_xr.run.report import failures_html
from coma_xr.same import is_null
from coma_xr.text import items_of

if TYPE_CHECKING:
    import os

    import xarray as xr

    from coma_xr.output.pictures import DefinedFigure
    from coma_xr.output.report import Quantity
    from coma_xr.records import Records
    from coma_xr.store.snapshot import Snapshot

# Makes the Dataset of a look at the experiment, with some arguments of `Experiment.to_dataset`.
ToDataset = Callable[..., "xr.Dataset"]

# So much of a text that is a result.
_TEXT = 60

_COMMIT = 12
_VERSIONS = {"host": "host", "coma_xr_version": "coma_xr", "python_version": "Python"}

# What the store reports of files that are skipped; they are all named one by one.
_PASSED_OVER = "cannot be read and w"


def write_report(records: Records, path: str | os.PathLike[str], *, overwrite: bool) -> Path:
    """Write the page about an experiment."""
    from coma_xr.output.report import Facts, check_path, write

    path = check_path(path, overwrite=overwrite)
    notes: list[tuple[type[Warning], str]] = []
    with _noting(notes):
        now = records.now
        to_dataset = partial(records.dataset, chunks=None, strict=False, codes=code_states)
        failures = records.failed()
        ds, how = _dataset(to_dataset, now, notes)
        infos = [info for _, info in infos_of(now)]
        durations, environment = _made(infos)
        code, recorded, packages = _code(now, infos)
        problems = [str(problem) for problem in now.measurements.problems]
        parameters, results = _quantities(records, ds)
        figures = [] if ds is None else list(_defined(now, to_dataset, ds))
    texts = {category: [text for kind, text in notes if kind is category] for category in dict(notes)}
    problems += [text for text in texts.pop(DataFileWarning, []) if _PASSED_OVER not in text]
    excluded = [f"Measurement {id} is excluded: {reason}" for id, reason in now.excluded().items()]
    facts = Facts(
        name=Path(now.path).name,
        description=now.info.get("description"),
        about=_about(now),
        measurements=now.number(),
        failed=len(failures),
        missing=_missing(records, ds),
        parameters=parameters,
        results=results,
        dataset=ds,
        how=how,
        figures=figures,
        failures=failures_html((tree for _, tree in failures), is_open=True),
        durations=durations,
        code=code,
        environment={**environment, **recorded},
        packages=packages,
        created=f"Written by coma_xr on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.",
        problems=_relative(problems, now.path),
        notes=_relative([*(text for found in texts.values() for text in found), *excluded], now.path),
    )
    return write(facts, path, overwrite=overwrite)


def _defined(now: Snapshot, to_dataset: ToDataset, ds: xr.Dataset) -> Iterator[DefinedFigure]:
    """Yield the figures that are kept with the experiment, with what they show."""
    from coma_xr.output.pictures import DefinedFigure

    for name, arguments in kept(now).items():
        where = arguments.pop("where", None)
        shown: xr.Dataset | ComaError
        try:
            shown = ds if where is None else to_dataset(where=where)
        except ComaError as error:
            shown = error
        yield DefinedFigure(name, shown, arguments, where)


@contextmanager
def _noting(notes: list[tuple[type[Warning], str]]) -> Iterator[None]:
    """Collect the warnings of coma_xr for the page; show others afterwards."""
    with warning_once(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        if issubclass(warning.category, ComaWarning):
            notes.append((warning.category, str(warning.message)))
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


def _relative(texts: Iterable[str], directory: str) -> list[str]:
    """Return each string once, without the directories above the experiment's."""
    above = f"{Path(directory).parent}/"
    return list(dict.fromkeys(text.replace(above, "") for text in texts))


def _about(now: Snapshot) -> dict[str, str]:
    info = now.info
    dates = [info[name] for name in ("start_date", "end_date") if info.get(name)]
    about = {"id": info.get("experiment_id"), "tags": ", ".join(map(str, info.get("tags") or ()))}
    about |= {"run": " to ".join(dict.fromkeys(map(str, dates))), "state": "" if now.active else "inactive"}
    return {name: str(value) for name, value in about.items() if value not in (None, "")}


def _dataset(
    to_dataset: ToDataset, now: Snapshot, notes: list[tuple[type[Warning], str]]
) -> tuple[xr.Dataset | None, str]:
    """Return the Dataset, and the call that makes it; None where there is no way to make one."""
    if not now.number():
        return None, "e.to_dataset()"
    try:
        return to_dataset(), "e.to_dataset()"
    except LayoutError as error:
        notes.append((ComaWarning, f"As points, since a grid is not possible: {error.line()}."))
    except ComaError as error:
        notes.append((ComaWarning, f"There is no Dataset: {error.line()}."))
        return None, "e.to_dataset()"
    try:
        return to_dataset(layout="points"), 'e.to_dataset(layout="points")'
    except ComaError as error:
        notes.append((ComaWarning, f"There is no Dataset of points either: {error.line()}."))
        return None, 'e.to_dataset(layout="points")'


def _missing(records: Records, ds: xr.Dataset | None) -> int | None:
    """Return how many parameter sets of the last scan have neither measurement nor failure."""
    from coma_xr.output.report import status_of

    asked = records.now.asked()
    if asked is None or not asked.sets:
        return None
    if ds is None:
        return records.counts()["missing"] - records.failed_of_missing()
    status = status_of(ds)
    return None if status is None else int((status == "missing").sum())


# -------------------------------------------------------------------------------- parameters and results


def _quantities(records: Records, ds: xr.Dataset | None) -> tuple[list[Quantity], list[Quantity]]:
    """Return parameters and results: what is in the measurements; without any, what was asked for."""
    from coma_xr.output.report import Quantity

    notes, asked = records.annotations, records.now.asked()

    def quantity(name: str, path: str, type: str, values: str, **more: Any) -> Quantity:
        note = notes.get(path, {})
        return Quantity(name, path, type, values, note.get("units"), note.get("long_name"), **more)

    by_role: dict[str, list[Quantity]] = {"parameter": [], "result": []}
    rows = records.paths_rows()
    for row in rows:
        if row["role"] in by_role:
            values = _values(ds, row) if row["role"] == "parameter" else _range(row)
            varies = row["distinct"] > 1 or " ... " in values or ", " in values
            more = {"number": row["measurements"], "varies": varies}
            by_role[row["role"]].append(quantity(row["name"], row["path"], row["type"], values, **more))
    if not rows and asked is not None:
        sets = [hand_out(values) for values in asked.sets]
        by_role["parameter"] = [
            quantity(name, path, "", several(values[now] for values in sets))
            for now, (name, path) in enumerate(asked.definition.to_state())
        ]
    return by_role["parameter"], by_role["result"]


def _values(ds: xr.Dataset | None, row: Mapping[str, Any]) -> str:
    """Return which values a parameter has, those that failed or are missing too."""
    coord = None if ds is None else ds.coords.get(row["name"])
    if ds is None or coord is None or coord.attrs.get("path") != row["path"]:
        return _range(row)
    values = items_of(coord.values)
    present = [value for value in values if not is_null(value)]
    # Along its own dim, None and NaN are values, else a measurement may lack the parameter.
    is_own = row["name"] in ds.dims or not present
    lacking = [value for value in values if is_null(value)] if is_own else []
    try:
        return several([*sorted(present), *lacking])
    except (ArithmeticError, TypeError, ValueError):
        # Arrays, tables and NaN of decimals have no order.
        return several([*present, *lacking])


def _range(row: Mapping[str, Any]) -> str:
    """Return the range of many values, in numbers that can be read."""
    ends = row["range"].split(" ... ")
    number = (
        f" ({row['distinct']:,} values)" if len(ends) == 2 and not row["range"].startswith("shape") else ""
    )
    # Of a table, or another value that takes several lines, the first one.
    text, *more = f"{' ... '.join(ends)}{number}".strip().split("\n")
    return f"{text[:_TEXT]}..." if more or len(text) > _TEXT else text


# ------------------------------------------------------------------------------------ durations and versions


def _made(infos: Iterable[Mapping[str, Any]]) -> tuple[list[float], dict[str, dict[str, int]]]:
    """Return the durations of measurements [s], and by what, where and when they were made."""
    durations: list[float] = []
    counts: dict[str, Counter[str]] = {}
    for info in infos:
        seconds = _seconds(info)
        if seconds is not None:
            durations.append(seconds)
        for name, text in _made_with(info):
            counts.setdefault(name, Counter())[text] += 1
    return durations, {name: dict(counter) for name, counter in counts.items()}


def _made_with(info: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if info.get("program") or info.get("version"):
        yield "program", " ".join(str(info[name]) for name in ("program", "version") if info.get(name))
    for name, called in _VERSIONS.items():
        if info.get(name):
            yield called, str(info[name])
    if info.get("git_commit"):
        changed = " and changes" if info.get("git_dirty") else ""
        yield "git commit", f"{str(info['git_commit'])[:_COMMIT]}{changed}"


def _code(
    now: Snapshot, infos: Sequence[Mapping[str, Any]]
) -> tuple[list[list[object]], dict[str, Mapping[str, int]], Sequence[str]]:
    """Return a row for each code state, the environments that their records tell, and the packages of the last one."""
    known, states = records_of_code(now), states_table(now, infos)
    rows: list[list[object]] = []
    counts: dict[str, Counter[str]] = {}
    packages: Sequence[str] = ()
    for (code, row), change in zip(states.iterrows(), changes(known, [*states.index]), strict=True):
        commit = (
            f"{str(row['commit'])[:_COMMIT]}{' and changes' * bool(row['dirty'])}" if row["commit"] else None
        )
        dates = [
            row[name] and str(row[name]).replace("T", " ").removesuffix("Z") for name in ("first", "last")
        ]
        numbers = [row["function"], int(row["measurements"]), *dates]
        rows.append([code, *numbers, commit, "yes" if row["accepted"] else None, change])
        texts, packages = environment_of(known.get(str(code), {}))
        for name, text in texts.items():
            counts.setdefault(name, Counter())[text] += int(row["measurements"])
    return rows, dict(counts), packages


def _seconds(info: Mapping[str, Any]) -> float | None:
    """Return how long a measurement took; of an old one to a second, None when it does not say."""
    duration = info.get("duration")
    if isinstance(duration, (int, float)) and not isinstance(duration, bool):
        return float(duration)
    try:
        start, end = (datetime.fromisoformat(str(info[name])) for name in ("start_date", "end_date"))
        return (end - start).total_seconds()
    except (KeyError, ValueError, TypeError):
        return None

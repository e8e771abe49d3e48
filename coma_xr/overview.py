"""An experiment as text and HTML, of what can be known without reading all measurements."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from coma_xr.code_history import changes, environment_of
from coma_xr.code_history import records as records_of_code
from coma_xr.define.values import hand_out
from coma_xr.errors import ComaError
from coma_xr.html import Html, facts, fold, fragment, join, several, table, tag
from coma_xr.retrieve.measurement import folding_tree
from coma_xr.text import count, listing, without_formulas
from coma_xr.tree import join as join_path
from coma_xr.tree import leaves

if TYPE_CHECKING:
    from coma_xr.define.parameters import Past
    from coma_xr.define.scan_records import Asked
    from coma_xr.records import Records
    from coma_xr.store.locks import LiveRun
    from coma_xr.store.snapshot import Snapshot
    from coma_xr.tree import Path
    from coma_xr.values.plain import Tree

# Of a scan that is longer, so many sets are looked at for the values of its parameters.
_SETS = 100_000

_NAMED = 30


def experiment_line(now: Snapshot) -> str:
    """Return an experiment in one line."""
    failed = now.number_of_failures()
    parts = [
        repr(now.path),
        count(now.number(), "measurement"),
        *([f"{failed:,} failed"] if failed else []),
        *([] if now.active else ["inactive"]),
    ]
    return f"Experiment({', '.join(parts)})"


def experiment_text(records: Records) -> str:
    """Return an experiment in a few lines: what is noted of it, its parameters, and how many measurements it has."""
    now, info = records.now, records.now.info
    id = "" if info["experiment_id"] is None else f" {info['experiment_id']}"
    lines = [f"Experiment{id} in {now.path}"]
    lines += [f"  {name}: {value}" for name, value in info.items() if value and name != "experiment_id"]
    if records.pairs:
        lines.append(f"  parameters: {', '.join(name for name, _ in records.present_pairs)}")
    lines.append(f"  {count(now.number(), 'measurement')}{'' if now.active else ', inactive'}")
    return "\n".join(lines)


def experiment_html(records: Records, name: str) -> str:
    """Return what a notebook shows of an experiment."""
    now, definition = records.now, records.present_pairs
    annotations = {join_path(path): note for path, note in records.labels(records.past).items()}
    info = now.info
    description = info.get("description")
    asked = now.asked()
    return fragment(
        tag("span", "Experiment ", class_="coma-muted"),
        tag("span", name, class_="coma-title"),
        tag("div", description) if description else None,
        tag("div", *_counts(now, asked)),
        _parameters(definition, asked, annotations, records.past),
        _example(now, annotations, "results" if definition else "parameters"),
        *_code(now),
        fold("About", facts(_about(now, info))),
    )


def watch(look: Callable[[], Snapshot], runs: Callable[[], Sequence[LiveRun]]) -> Any:
    """Return a widget with the progress of all runs, which follows the files of the experiment."""
    from coma_xr.plotting.explore import follow, needed_widgets

    def state() -> str:
        return fragment(*_progress(look(), [run for run in runs() if run.alive]))

    def change() -> None:
        view.value = state()

    view = needed_widgets("watch").HTML(state())
    view._task = follow(view, state, change)
    return view


def _progress(now: Snapshot, runs: Sequence[LiveRun]) -> Iterator[object]:
    yield tag("div", *_counts(now, now.asked()))
    yield from (Html(run._repr_html_()) for run in runs)
    if not runs:
        yield tag("div", "No run in progress.", class_="coma-muted")


def _code(now: Snapshot) -> Iterator[Html]:
    """Yield the code states and the environment of the last one, folded, as far as they are recorded."""
    states = sorted(records_of_code(now).items(), key=lambda item: str(item[1].get("date")))
    if not states:
        return
    differences = changes(dict(states), [code for code, _ in states])
    rows = [
        [tag("span", code, class_="coma-code"), record.get("function"), record.get("date"), change]
        for (code, record), change in zip(states, differences, strict=True)
    ]
    header = ["state", "function", "recorded", "what changed"][: 3 + any(differences)]
    yield fold(
        f"Code ({count(len(rows), 'state')})",
        table(header, [row[: len(header)] for row in rows], what="states"),
    )
    texts, packages = environment_of(states[-1][1])
    about = facts([*texts.items(), ("packages", f"{len(packages):,} installed" if packages else "")])
    if about:
        yield fold("Environment", about)


def _counts(now: Snapshot, asked: Asked | None) -> Iterator[object]:
    number, failed = now.number(), now.number_of_failures()
    yield tag("b", f"{number:,}")
    yield f" measurement{'s' * (number != 1)}"
    if failed:
        yield join(", ", tag("span", f"{failed:,} failed", class_="coma-bad"))
    if not now.active:
        yield ", inactive"
    if asked is not None and asked.sets:
        times = asked.repeats or 1
        repeats = f", {times} times each" if times > 1 else ""
        yield tag("span", f" · the last run requested {len(asked.sets):,}{repeats}", class_="coma-muted")


def _parameters(
    definition: Sequence[tuple[str, Path]], asked: Asked | None, annotations: Mapping[str, Any], past: Past
) -> Html | None:
    """Return a table of the parameters that are defined, with the values that the last run was asked for."""
    if not definition:
        return None
    paths = [] if asked is None else [past.now(path) for path in asked.definition.paths]
    sets = [] if asked is None else [hand_out(values) for values in islice(asked.sets, _SETS)]
    notes = [annotations.get(join_path(path), {}) for _, path in definition]
    about = [name for name in ("units", "long_name") if any(note.get(name) for note in notes)]
    rows = [
        [
            tag("span", name, class_="coma-code"),
            several(values[paths.index(path)] for values in sets) if path in paths else None,
            *(without_formulas(str(note.get(key) or "")) for key in about),
        ]
        for (name, path), note in zip(definition, notes, strict=True)
    ]
    header = ["parameter", "values", *({"units": "units", "long_name": "meaning"}[key] for key in about)]
    return table(header, rows, what="parameters")


def _example(now: Snapshot, annotations: Mapping[str, Any], first: str) -> Html | None:
    """Return one measurement, folded, below the names of its results, and of its parameters when these come first."""
    ids = now.measurements.ids()
    if not ids:
        return None
    try:
        tree = now.measurements.read(ids[0])
    except ComaError as error:
        return tag("div", str(error), class_="coma-bad")
    names = [_names(tree, branch, annotations) for branch in dict.fromkeys((first, "results"))]
    return join(*names, fold(f"Measurement {ids[0]}, for example", folding_tree(tree)))


def _names(tree: Tree, branch: str, annotations: Mapping[str, Any]) -> Html | None:
    """Return a line with the names of all values in one branch of a tree."""
    paths = [join_path(keys) for keys, _ in leaves(tree) if keys[:1] == (branch,)]
    units = [annotations.get(path, {}).get("units") for path in paths]
    names = [
        path.removeprefix(f"{branch}/") + (f" [{unit}]" if unit else "")
        for path, unit in zip(paths, units, strict=True)
    ]
    text = tag("span", listing(names, _NAMED), class_="coma-code")
    return tag("div", f"{branch.capitalize()}: ", text) if names else None


def _about(now: Snapshot, info: Mapping[str, Any]) -> Iterator[tuple[object, object]]:
    yield "directory", now.path
    for key, value in info.items():
        if key != "description" and value not in (None, [], {}):
            yield key, ", ".join(map(str, value)) if isinstance(value, list) else several([value])

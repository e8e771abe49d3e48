"""What an experiment records of its runs besides measurements: the scans, the function, the seeds, the layout."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from coma_xr.define.exact import key_of, plain_of
from coma_xr.define.parameters import Definition
from coma_xr.define.scan_records import (
    LayoutRule,
    ScanRecord,
    change_of_layout,
    is_part,
    record_of_last_scan,
    records_of,
    with_scan,
)
from coma_xr.define.values import records_by_value
from coma_xr.errors import warn
from coma_xr.names import Names, role, values_and_lists
from coma_xr.run.signature import UNNAMED
from coma_xr.same import key
from coma_xr.text import listing
from coma_xr.tree import join, split

if TYPE_CHECKING:
    from coma_xr.define.past import Past
    from coma_xr.define.scans import Scan
    from coma_xr.run.worker import Work
    from coma_xr.store.place import ExperimentDirectory
    from coma_xr.tree import Path
    from coma_xr.values.plain import Tree


def definition_of(place: ExperimentDirectory) -> Definition | None:
    """Return the parameters that are defined, None without a definition."""
    state = place.state().get("definition")
    return None if state is None else Definition.from_state(state)


def layout_rule(place: ExperimentDirectory, past: Past) -> LayoutRule:
    """Return what decides the layout of the Dataset."""
    fixed = place.state().get("layout") or {}
    dims = fixed.get("dims")
    pairs = None if dims is None else [(str(name), str(path)) for name, path in dims]
    return LayoutRule(records_of(_records(place)), past, fixed.get("kind"), pairs)


def _records(place: ExperimentDirectory) -> dict[str, Any]:
    """Return the records of all scans; those of version 1 follow from the last scan."""
    return place.scan_records() or record_of_last_scan(place.scan() or {})


def asked_for(
    definition: Definition, wanted: Sequence[Sequence[Tree]], scan: Scan | None, repeats: int | None
) -> dict[str, Tree]:
    """Return what a run is asked for: its parameters, its axes if it has any, its sets with exact types, and their repeats."""
    return {
        "parameters": definition.to_state(),
        "axes": None if scan is None else scan.structure,
        "sets": [[plain_of(value) for value in values] for values in wanted],
        "exact": records_by_value(definition.paths, wanted),
        "repeats": repeats,
    }


def keep_scan(
    place: ExperimentDirectory, asked: dict[str, Tree], record: ScanRecord | None, past: Past
) -> None:
    """Record a scan, and that it was asked for unless it is part of what was asked for already."""
    before = place.scan()
    is_new = before is None or not is_part(asked, before, past)
    earlier = record_of_last_scan(before or {})
    change = None if record is None else lambda records: with_scan(records or earlier, record)
    place.save_scan(asked if is_new else None, change)


def forget(place: ExperimentDirectory, scan: Scan) -> None:
    """Take back that the parameter sets of a scan were asked for."""
    gone = {key_of(row) for row in scan.rows()}
    asked = place.scan()
    if asked is not None and gone:
        left = [values for values in asked["sets"] if key(values) not in gone]
        place.save_scan({**asked, "sets": left})


def unite_scans(place: ExperimentDirectory, other: ExperimentDirectory, definition: Definition) -> None:
    """Record the scans of another experiment, and the definition where there is none."""
    place.change_state(lambda state: state.setdefault("definition", definition.to_state()))
    earlier, theirs = record_of_last_scan(place.scan() or {}), records_of(_records(other))
    place.save_scan(None, lambda records: functools.reduce(with_scan, theirs, records or earlier))


def report_layout(
    place: ExperimentDirectory,
    past: Past,
    before: tuple[Definition | None, LayoutRule],
    measured: list[Any],
    now: list[Any],
) -> None:
    """Warn if the layout of the Dataset differs from the one before the run.

    `measured` and `now` are the keys of the parameter sets measured before the run and by now.
    """
    old, rule = before
    definition = definition_of(place)
    if definition is None or old is None:
        return
    change = change_of_layout((rule, layout_rule(place, past)), (old, definition), (measured, now))
    if change is not None:
        earlier, later, undo = change
        warn(
            f"The layout of the Dataset of {place.path} changed from {earlier} to {later}. {undo} takes that back."
        )


def keep_function(place: ExperimentDirectory, name: str) -> None:
    """Record which function is run, and warn if another one made the measurements."""
    before = place.state().get("function")
    if name in (UNNAMED, before):
        return
    if before is not None and place.number():
        warn(
            f"The measurements in {place.path} were made by {before}(). They count as done for {name}() too and are not "
            "computed again. Use one experiment for each function, or remove() the measurements to compute them again."
        )
    place.change_state(lambda state: state.update(function=name))


def with_kept_seed(place: ExperimentDirectory, work: Work, given: int | None) -> Work:
    """Return the work with the experiment's root of all seeds, unless another one was given."""
    seeds = work.seeds
    if seeds is None:
        return work
    # Jobs that begin at the same moment have drawn different ones.
    place.change_state(lambda state: state.setdefault("seed", seeds.root))
    kept = place.state()["seed"]
    if given is None:
        return replace(work, seeds=replace(seeds, root=kept))
    if given != kept:
        warn(
            f"The seeds in {place.path} come from the root {kept}, those of this run from {given}. Points that have a "
            "measurement are not run again."
        )
    return work


def recorded_names(place: ExperimentDirectory) -> dict[str, Path]:
    """Return the paths that have names, and items of lists, by their names."""
    return {name: split(path) for name, path in place.state().get("names", {}).items()}


def record_names(
    place: ExperimentDirectory, definition: Iterable[tuple[str, Path]], paths: Mapping[Path, bool]
) -> None:
    """Keep the names of paths, and of items of lists, so that they stay; report paths that get longer names for that."""
    recorded = recorded_names(place)
    named = {*recorded.values(), *(path for _, path in definition)}
    values = [path for path in paths if role(path) not in ("info", "class") and "" not in path]
    items = [(*path, "0") for path in values if paths[path]]
    new = [path for path in (*values, *items) if path not in named]
    if not new:
        return
    known = [*values_and_lists(recorded.values()), *values]
    names, by_rule = Names(known, definition, recorded), Names(known, definition)
    added = {names.of(path): join(path) for path in new}
    place.change_state(lambda state: state.update(names={**added, **state.get("names", {})}))
    longer = [path for path in new if path in paths and names.of(path) != by_rule.of(path)]
    if longer:
        texts = [f"{join(path)} is called '{names.of(path)}'" for path in longer]
        warn(f"In {place.path} {listing(texts, 3)}: the shorter name was given to another path before.")


def unite_names(place: ExperimentDirectory, other: ExperimentDirectory, definition: Definition) -> None:
    """Record names for the paths that have one in another experiment."""
    record_names(place, definition, values_and_lists(recorded_names(other).values()))

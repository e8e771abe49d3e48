"""Commands that change an experiment or the settings: annotate, exclude, remove, restore, verify, merge, activate, config."""

from __future__ import annotations

import shlex
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from coma_xr import files
from coma_xr.errors import ComaError, ExperimentError, InactiveError, wrong_usage
from coma_xr.records import directory_of, look_at
from coma_xr.same import repeat_of
from coma_xr.store.cache import clear_cache
from coma_xr.store.config import Config, create_default_config, default_file
from coma_xr.store.layout import REMOVED
from coma_xr.terminal.experiments import check_named, here_if_id, here_if_missing, opened
from coma_xr.terminal.printing import cell_of, notice, painted, print_json, print_table, say
from coma_xr.text import clean, count
from coma_xr.tree import join

if TYPE_CHECKING:
    from coma_xr.experiment import Experiment
    from coma_xr.store.upkeep import Finding


def remove(
    path: str, ids: Sequence[int], where: str | None, reason: str | None, yes: bool, parser: ArgumentParser
) -> int:
    """List measurements and move them away after a confirmation; return 1 if nothing was moved."""
    path, ids = here_if_id(path, ids)
    if bool(ids) == (where is not None):
        parser.error("expected the measurements to remove: their ids, or --where CONDITION")
    experiment = opened(path, write=True)
    if not experiment.isactive():
        raise InactiveError(
            f"{path} is inactive, so that nothing can be removed.",
            ways=[f"Activate it: coma-xr activate {shlex.quote(path)}."],
        )
    chosen = (
        list(dict.fromkeys(ids)) if where is None else [m.id for m in experiment.measurements(where=where)]
    )
    if not chosen:
        notice("nothing was moved")
        return 1
    _show(experiment, chosen)
    if not yes and not _agreed(count(len(chosen), "measurement")):
        return 1
    experiment.remove(chosen, reason)
    moved = count(len(chosen), "measurement")
    say(f"moved {moved} to {clean(experiment.path / REMOVED)}")
    which = " ".join(map(str, chosen)) if len(chosen) <= _NAMED else "ID ..."
    them = "it" if len(chosen) == 1 else "them"
    say(f"`coma-xr restore {shlex.quote(path)} {which}` puts {them} back")
    return 0


# Ids that the command for putting measurements back names.
_NAMED = 5


def exclude(
    path: str,
    ids: Sequence[int],
    *,
    where: str | None,
    reason: str | None,
    undo: bool,
    parser: ArgumentParser,
) -> None:
    """Mark measurements to be ignored, remove the marks, or list them."""
    path, ids = here_if_id(path, ids)
    if not ids and where is None:
        if reason is not None or undo:
            parser.error("expected the measurements: their ids, or --where CONDITION")
        experiment = opened(path)
        marks = look_at(experiment).now.excluded()
        if marks:
            print_table(["id", "reason"], sorted(marks.items()))
        else:
            print("nothing excluded")
        return
    if bool(ids) and where is not None:
        parser.error("expected ids or --where CONDITION, not both")
    if undo and reason is not None:
        parser.error("expected --reason TEXT or --undo, not both")
    if not undo and reason is None:
        # Wrong ids and conditions are reported first.
        _check_exist(opened(path), ids, where)
        parser.error("expected --reason TEXT, or --undo")
    experiment = opened(path, write=True)
    chosen = experiment.exclude(list(ids) or where, None if undo else reason)
    outcome = "included again" if undo else "excluded"
    print(f"{outcome}: {count(len(chosen), 'measurement')} of {clean(path)}")


def _check_exist(experiment: Experiment, ids: Sequence[int], where: str | None) -> None:
    """Raise the error about an id without a measurement, or about a condition that cannot be read."""
    for id in ids:
        experiment.measurement(id)
    if where is not None:
        list(experiment.measurements(where=where))


def annotate(
    path: str,
    name: str | None,
    *,
    units: str | None,
    long_name: str | None,
    default: str | None,
    dims: str | None,
    formerly: str | None,
) -> None:
    """Record the units and the like of a path, or list the records."""
    path, name = here_if_missing(path, name)
    given = {"units": units, "long_name": long_name, "dims": dims, "formerly": formerly}
    notes: dict[str, Any] = {key: value or None for key, value in given.items() if value is not None}
    for key in {"dims", "formerly"} & notes.keys():
        notes[key] = notes[key] and [part.strip() for part in notes[key].split(",")]
    if default is not None:
        from coma_xr.terminal.scan_arguments import parse_scan

        with wrong_usage():
            notes["default"] = parse_scan([f"default={default}"])["default"] if default else None
    if name is None and notes:
        with wrong_usage():
            raise ExperimentError(
                "No path is named.", expected="a path such as results/t, or a name, after the directory"
            )
    experiment = opened(path, write=bool(notes))
    if name is not None and notes:
        experiment.annotate(name, **notes)
    known = experiment.annotations
    chosen = {
        key: note for key, note in known.items() if name is None or key == name or key.endswith(f"/{name}")
    }
    if not chosen:
        print("no annotations")
        return
    columns = ["path", *dict.fromkeys(key for note in chosen.values() for key in note)]
    print_table(
        columns,
        [(key, *(cell_of(note.get(column)) for column in columns[1:])) for key, note in chosen.items()],
    )


def restore(path: str, ids: Sequence[int], *, where: str | None, everything: bool) -> None:
    """List what was removed, or put some or all of it back."""
    path, ids = here_if_id(path, ids)
    chosen = [choice for choice in (list(dict.fromkeys(ids)), where, everything) if choice]
    if len(chosen) > 1:
        with wrong_usage():
            raise ExperimentError("Ids, --where and --all exclude each other.", expected="one of them")
    experiment = opened(path, write=bool(chosen))
    if chosen:
        new = experiment.restore(None if everything else chosen[0])
        print(f"restored {count(len(new), 'measurement')} in {clean(experiment.path)}")
        return
    if experiment.removed().empty:
        print("nothing removed")
        return
    removed = experiment.removed().reset_index().rename(columns={"measurement_id": "id"})
    removed["date"] = [f"{date[:_SECONDS]}Z" for date in removed["date"]]
    print_table(
        list(removed.columns), [tuple(row) for row in removed.astype(object).to_numpy()], optional=("folder",)
    )


# Characters of a date up to its seconds.
_SECONDS = len("2026-01-31T12:00:00")


def _show(experiment: Experiment, ids: Sequence[int]) -> None:
    """Print measurements with their parameters."""
    pairs = look_at(experiment).present_pairs
    measurements = [experiment.measurement(id) for id in ids]
    repeats = [repeat_of(measurement.tree) for measurement in measurements]
    columns: dict[str, Sequence[Any]] = {"id": ids}
    columns |= {name: [m.get(join(path)) for m in measurements] for name, path in pairs}
    if any(repeats):
        columns.setdefault("repeat", repeats)
    if not pairs:
        columns["start_date"] = [measurement.start_date for measurement in measurements]
    print_table(list(columns), zip(*columns.values(), strict=True))


def _agreed(measurements: str) -> bool:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        notice(f"nothing was moved; --yes moves {measurements}")
        return False
    print(f"Move {measurements} away? [y/N] ", end="", flush=True)
    if sys.stdin.readline().strip().lower() in {"y", "yes"}:
        return True
    notice("nothing was moved")
    return False


def deactivate(path: str, *, compress: bool, code: bool) -> None:
    """Move all measurements into the experiment file."""
    experiment = opened(path, write=True)
    experiment.deactivate(compress=compress, code=code)
    print(f"moved {_measurements(experiment)} into {clean(directory_of(experiment).look().experiment_file)}")


def activate(path: str) -> None:
    """Make each measurement a file of its own."""
    experiment = opened(path, write=True)
    experiment.activate()
    print(f"moved {_measurements(experiment)} into files in {clean(experiment.path)}")


def _measurements(experiment: Experiment) -> str:
    return count(experiment.number_of_measurements(), "measurement")


def cache(paths: Sequence[str], *, action: str) -> int:  # noqa: ARG001, since there is one action
    """Delete the caches of experiments."""
    for path in paths:
        experiment = opened(path, write=False)
        is_cleared = clear_cache(str(experiment.path), Config.of(None))
        print(f"{clean(path)}: {'the cache is deleted' if is_cleared else 'no cache'}")
    return 0


def verify(paths: Sequence[str], *, repair: bool, as_json: bool) -> int:
    """Print the faults that are found; return 1 if some of them remain."""
    checked, lacking = [], False
    for path in paths:
        try:
            experiment = opened(path, write=repair)
            checked.append((path, experiment, experiment.verify(repair=repair)))
        except ComaError as error:
            # The other experiments are still checked.
            notice(clean(error))
            lacking = True
    if as_json:
        print_json(
            [
                {"path": path, **_finding_tree(finding)}
                for path, _, findings in checked
                for finding in findings
            ]
        )
    else:
        for path, experiment, findings in checked:
            for finding in findings:
                print(f"{painted(clean(path), 'good' if finding.done else 'bad')}: {clean(finding)}")
            if any(finding.kind == "duplicate" for finding in findings):
                copies = " ".join(map(str, experiment.duplicates().index))
                print(f"`coma-xr remove {shlex.quote(path)} {copies}` moves copies to {REMOVED}.")
            if any(finding.repair and not finding.done for finding in findings):
                print(f"`coma-xr verify {shlex.quote(path)} --repair` does this.")
            if not findings:
                print(f"{clean(path)}: {painted('no faults', 'good')}, {_measurements(experiment)}")
    left = any(not finding.done for _, _, findings in checked for finding in findings)
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
    """Add the measurements of copies under new ids, and print how many."""
    check_named(path, others[-1], "merge", "COPY")
    experiment = opened(path, write=True)
    copies = [(other, opened(other)) for other in others]
    if any(copy.path == experiment.path for _, copy in copies):
        raise ExperimentError(f"{path} cannot be merged into itself.", expected="another experiment")
    done = []
    for other, copy in copies:
        new = experiment.merge(copy, repeats=repeats, keep_both=keep_both)
        equal = copy.number_of_measurements() - len(new)
        done.append({"path": other, "added": {str(id): given for id, given in new.items()}, "equal": equal})
        if not as_json:
            print(f"{clean(other)}: added {count(len(new), 'measurement')}, {equal} exist already")
    if as_json:
        print_json(done)


def config(show: bool, no_index: bool) -> None:
    """Write the configuration file, unless it exists; or print the settings in force, and where they come from."""
    if not show:
        create_default_config(create_experiment_index=not no_index)
        return
    settings = Config.of(None)
    path = default_file()
    print(f"# {clean(path)}" if files.exists(path) else f"# the defaults, since {clean(path)} does not exist")
    for name, value in asdict(settings).items():
        text = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
        print(f"{name} = {clean(text)}")
    index = settings.experiment_index_path()
    numbered = "numbered by" if files.exists(index) else "not numbered, since there is no index"
    print(f"# new experiments are {numbered} {clean(index)}")

"""``coma-xr remove``, ``restore``, ``deactivate``, ``activate``, ``verify`` and ``merge``: what changes an experiment as a whole."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from coma_xr.errors import ComaError, ExperimentError, InactiveError
from coma_xr.store.layout import REMOVED
from coma_xr.terminal.finding import opened
from coma_xr.terminal.text import number_of, print_json, print_table, said
from coma_xr.text import clean
from coma_xr.tree import join

if TYPE_CHECKING:
    from coma_xr.experiment import Experiment
    from coma_xr.store.upkeep import Finding


def remove(path: str, ids: Sequence[int], *, where: str | None, reason: str | None, yes: bool) -> int:
    """Show measurements and, once it is agreed to, move them away; return 1 when they were not."""
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
    if not yes and not _agreed(number_of(len(chosen), "measurement")):
        return 1
    experiment.remove(chosen, reason)
    moved = number_of(len(chosen), "measurement")
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
        print(f"put back {number_of(len(new), 'measurement')} in {clean(experiment.path)}")
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
        f"{number_of(experiment.number_of_measurements(), 'measurement')} in {clean(experiment._place.look().experiment_file)}"
    )


def activate(path: str) -> None:
    """Make each measurement a file of its own."""
    experiment = opened(path, write=True)
    experiment.activate()
    print(
        f"{number_of(experiment.number_of_measurements(), 'measurement')}, each a file in {clean(experiment.path)}"
    )


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
        print_json([{"path": path, **_tree(finding)} for path, _, findings in found for finding in findings])
    else:
        for path, experiment, findings in found:
            for finding in findings:
                print(f"{clean(path)}: {clean(finding)}")
            if not findings:
                number = number_of(experiment.number_of_measurements(), "measurement")
                print(f"{clean(path)}: all is well, {number}")
    left = any(not finding.done for _, _, findings in found for finding in findings)
    return 1 if left or lacking else 0


def _tree(finding: Finding) -> dict[str, object]:
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
            print(f"{clean(other)}: added {number_of(len(new), 'measurement')}, {equal} were there already")
    if as_json:
        print_json(done)

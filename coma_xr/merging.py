"""Merging two experiments: what the measurements of both mean together, and the records of both."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from coma_xr.define.parameters import Definition, Past, hidden, read_parameters
from coma_xr.define.scan_records import record_of_last_scan, records_of, with_scan
from coma_xr.define.values import NOTHING, look
from coma_xr.errors import ExperimentError, ParameterError, Way, warn
from coma_xr.records import Records, record_names
from coma_xr.run.plan import survey
from coma_xr.same import key
from coma_xr.text import count, listing, shortened
from coma_xr.tree import join, leaves, values_and_lists
from coma_xr.values.plain import from_plain

if TYPE_CHECKING:
    from coma_xr.store.place import ExperimentDirectory
    from coma_xr.tree import Path
    from coma_xr.values.plain import Tree

# A note of one of two experiments that the other one lacks, by its path.
Notes = dict[str, dict[str, Any]]

_APART = "coma.open_experiments() reads both, each with its own annotations."


def merge_measurements(
    place: ExperimentDirectory,
    other: ExperimentDirectory,
    added_sets: list[tuple[Tree, ...]],
    **options: bool,
) -> dict[int, int]:
    """Add the measurements of another experiment, see `ExperimentDirectory.merge`; return new ids by the old ones.

    Raise ParameterError when no parameters are defined, or none of them has these, and ExperimentError when annotations
    of both contradict each other.
    """
    own, theirs = Records(place.look(listed=True)), Records(other.look(listed=True))
    union = _Union(own, theirs)
    notes = Notes() if place.path == other.path else union.notes()
    past = Past.of(_with(own.annotations, notes))
    definition, extra = _definition(own, theirs, past)
    _check_parameters(own, theirs, definition, past)

    def name(tree: Tree) -> Any:
        values = read_parameters(tree, definition, past)
        return None if values is None else key(values)

    def change(state: dict[str, Any]) -> None:
        if extra or "definition" not in state:
            state["definition"] = definition.to_state()
        if notes:
            state["annotations"] = _with(state.get("annotations", {}), notes)

    added = place.merge(other, name, past=past, change=change, **options)[1]
    for report in union.reports:
        warn(report)
    added_sets[:] = [(*row, *extra.values()) for row in added_sets]
    _unite_scans(place, theirs)
    # Paths that have a name there get one here.
    record_names(place, definition, values_and_lists(theirs.names.values()))
    place.save_code(theirs.now.code())
    if added:
        _warn_of_gaps(own, theirs, added, past)
        Records(place.look(listed=True)).notice()
    return added


def _warn_of_gaps(own: Records, theirs: Records, added: Iterable[int], past: Past) -> None:
    """Report parameters of the added measurements that all earlier ones lack."""
    here = _parameters((tree for _, tree in own.now.trees()), past)
    there = _parameters((theirs.now.measurements.read(id) for id in added), past)
    paths = sorted(map(join, there - here))
    if here and paths:
        warn(
            f"The earlier measurements in {own.now.path} lack {listing(paths)}, which those of {theirs.now.path} have. The "
            "value is missing in the Dataset.",
            way=Way(
                f"Call annotate({paths[0]!r}, default=...) with the value that they had.",
                f"Record the value that they had: coma-xr annotate {own.now.path} {paths[0]} --default VALUE.",
            ),
        )


def _parameters(trees: Iterable[Tree], past: Past) -> set[Path]:
    """Return the paths of all parameters that measurements have, or count as having."""
    return {
        path
        for tree in trees
        for path, _ in leaves(past.applied(tree).get("parameters", {}), ("parameters",))
    }


def _with(annotations: Mapping[str, Mapping[str, Any]], notes: Notes) -> Notes:
    paths = dict.fromkeys([*annotations, *notes])
    return {path: {**annotations.get(path, {}), **notes.get(path, {})} for path in paths}


def _unite_scans(place: ExperimentDirectory, other: Records) -> None:
    """Record the scans of another experiment."""
    with place.changing() as now:
        earlier, theirs = record_of_last_scan(now.asked()), records_of(other.scan_records)
        place.save_scan(None, lambda records: functools.reduce(with_scan, theirs, records or earlier))


def _definition(own: Records, theirs: Records, past: Past) -> tuple[Definition, dict[Path, Tree]]:
    """Return the parameters of both, and the values that those which only the other one defines have in this one."""
    known = own.definition or theirs.definition
    if known is None:
        raise ParameterError(
            f"The parameters of the measurements in {own.now.path} are not defined.",
            ways=[Way("Define them, such as define_parameter_set('theta_0', 'theta').", "")],
        )
    known = past.definition(known)
    others = {
        path: name
        for name, path in past.updated(theirs.pairs)
        if path not in known.paths and name not in known.names
    }
    values = _recorded(own, others, past) | {
        path: past.defaults[path] for path in others if path in past.defaults
    }
    extra = {path: values[path] for path in others if path in values}
    return known.of([*known, *((others[path], path) for path in extra)]), extra


def _recorded(records: Records, paths: Iterable[Path], past: Past) -> dict[Path, Tree]:
    """Return the values that all measurements have in common, such as that of an argument with a default."""
    found: dict[Path, Tree] = {}
    differing: set[Path] = set()
    reading = Past({}, past.former)
    for path, tree in _pairs(list(paths), records):
        here = look(tree, path)
        value = reading.find(tree, path) if here is NOTHING else here
        if value is NOTHING or key((found.setdefault(path, value),)) != key((value,)):
            differing.add(path)
    return {path: value for path, value in found.items() if path not in differing}


def _check_parameters(own: Records, theirs: Records, definition: Definition, past: Past) -> None:
    """Raise ParameterError when the other experiment has measurements, and none has the parameters."""
    surveyed = survey(theirs.noticed(theirs.now.parts()), definition, past=past)
    if not surveyed.lacking or surveyed.ids:
        return
    here, there, known = own.now.path, theirs.now.path, own.definition or definition
    paths = [path for _, path in past.updated(theirs.pairs)]
    lacking = [join(path) for path in definition.paths if path not in paths] or ["PATH"]
    former = [join(path) for path in paths if path not in definition.paths] or ["PATH"]
    path, old = lacking[0], former[0] if len(former) == len(lacking) == 1 else "PATH"
    raise ParameterError(
        f"No measurement in {there} has all of the parameters {listing(known.names)} of {here}. Nothing was added.",
        expected="measurements with the same parameters",
        ways=[
            Way(
                f"annotate({path!r}, default=...) of {here} gives measurements without a parameter a value.",
                f"coma-xr annotate {here} {path} --default VALUE gives measurements without a parameter a value.",
            ),
            Way(
                f"annotate({path!r}, formerly={old!r}) of {here} reads a parameter that has another name there.",
                f"coma-xr annotate {here} {path} --formerly {old} reads a parameter that has another name there.",
            ),
        ],
    )


class _Values(NamedTuple):
    """Paths at which a measurement has a value, and at which one has none, of some paths that were asked for."""

    present: set[Path]
    absent: set[Path]


class _Union:
    """Two experiments, and what is noted in the second one that the first one lacks.

    Notes on which both disagree are refused where values would change their meaning, and reported otherwise.
    """

    def __init__(self, own: Records, theirs: Records) -> None:
        self.own, self.theirs = own, theirs
        self.here, self.there = own.now.path, theirs.now.path
        # Warnings for the end, since a merge that is refused annotates nothing.
        self.reports: list[str] = []

    def notes(self) -> Notes:
        """Return what the first one lacks. Raise ExperimentError for what cannot hold for the measurements of both."""
        notes = self._renames()
        self._add_defaults(notes)
        self._add_labels(notes, Past.of(_with(self.own.annotations, notes)))
        return notes

    def _refusal(self, fault: str, *ways: Way | str) -> ExperimentError:
        return ExperimentError(f"{fault} Nothing was added.", ways=ways)

    def _renames(self) -> Notes:
        """Return the former paths that only the second one knows."""
        notes = Notes()
        mine = self.own.past.renames
        added = [pair for pair in self.theirs.past.renames if pair not in mine]
        unnamed = _values(self.own, {old for old, _ in added}).present
        for old, new in added:
            if old in unnamed:
                raise self._refusal(
                    f"{self.there} reads '{join(old)}' as '{join(new)}', {self.here} does not and has measurements with it.",
                    *self._ways(new, old),
                )
            former = [join(place) for place in self.own.past.former.get(new, ())]
            known = notes.setdefault(join(new), {}).setdefault("formerly", former)
            known.append(join(old))
        past = Past.of(_with(self.own.annotations, notes))
        for new in past.former:
            if clash := past.clash(new):
                raise self._refusal(
                    f"{self.here} and {self.there} read '{join(clash[0])}' under different names, "
                    f"'{join(new)}' and '{join(clash[1])}'.",
                    _APART,
                )
        only_here = [pair for pair in mine if pair not in self.theirs.past.renames]
        if only_here:
            for (old, new), ids in hidden(self.theirs.now.measurements.trees(), only_here).items():
                raise self._refusal(
                    f"{self.here} reads '{join(old)}' as '{join(new)}', and {count(len(ids), 'measurement')} in {self.there} "
                    f"{'has' if len(ids) == 1 else 'have'} both, {ids[0]} for example.",
                    _APART,
                )
        return notes

    def _ways(self, path: Path, old: Path) -> list[Way | str]:
        name, former = join(path), join(old)
        return [
            Way(
                f"Call annotate({name!r}, formerly={former!r}) of {self.here} first.",
                f"Rename it there too: coma-xr annotate {self.here} {name} --formerly {former}.",
            ),
            _APART,
        ]

    def _add_defaults(self, notes: Notes) -> None:
        """Add defaults that change no measurement of the first one, since all have such a value."""
        theirs, mine = self.theirs.past.defaults, self.own.past.defaults
        new = {
            path: tree
            for path, tree in theirs.items()
            if path not in mine or key((tree,)) != key((mine[path],))
        }
        if not new:
            return
        past = Past.of(_with(self.own.annotations, notes))
        lacking_here = _values(self.own, new, past).absent
        lacking_there = _values(self.theirs, new, past).absent
        for path, default in new.items():
            if path not in mine and path not in lacking_here:
                notes.setdefault(join(path), {})["default"] = default
            elif path in lacking_there:
                name = join(path)
                counts = f"count as {shortened(from_plain(mine[path]))}" if path in mine else "have none"
                raise self._refusal(
                    f"Measurements without '{name}' count as {shortened(from_plain(default))} in {self.there}, and {counts} "
                    f"in {self.here}.",
                    Way(
                        f"Call annotate({name!r}, default=...) of {self.here} first, with the value that it had there.",
                        f"Record the value that it had first: coma-xr annotate {self.here} {name} --default VALUE.",
                    )
                    if path not in mine
                    else _APART,
                )

    def _add_labels(self, notes: Notes, past: Past) -> None:
        """Add units, names, dims and coordinates; report those that differ, and units that values get by that."""
        mine = self.own.labels(past)
        differing: list[str] = []
        new_units: dict[Path, str] = {}
        for former, note in self.theirs.labels(self.theirs.past).items():
            path = past.now(former)
            known = mine.get(path, {})
            for what, value in note.items():
                if what not in known:
                    notes.setdefault(join(path), {})[what] = value
                    new_units |= {path: value} if what == "units" else {}
                elif known[what] != value and what == "units":
                    raise self._refusal(
                        f"'{join(path)}' is in {known[what]!r} in {self.here} and in {value!r} in {self.there}, and merge "
                        "converts no values.",
                        Way(
                            f"If one of them is wrong, correct it with annotate({join(path)!r}, units=...).",
                            f"If one of them is wrong, correct it: coma-xr annotate DIR {join(path)} --units UNITS.",
                        ),
                        _APART,
                    )
                elif known[what] != value:
                    differing.append(
                        f"{what} of '{join(path)}' is {shortened(known[what])} here and {shortened(value)} there"
                    )
        if differing:
            self.reports.append(
                f"Annotations of {self.here} and {self.there} differ: {listing(differing, 3)}. The first ones are kept."
            )
        labelled = [path for path in new_units if path in _values(self.own, new_units, past).present]
        if labelled:
            texts = listing((f"'{join(path)}' is in {new_units[path]!r}" for path in labelled), 3)
            self.reports.append(
                f"As annotated in {self.there}, {texts}, also in the measurements that {self.here} had before."
            )


def _values(records: Records, paths: Iterable[Path], past: Past | None = None) -> _Values:
    """Return which paths have a value in some measurement, by themselves or under a former name, and which lack it in one."""
    found, wanted = _Values(set(), set()), list(paths)
    reading = Past({}, past.former if past else {})
    for path, tree in _pairs(wanted, records):
        is_present = look(tree, path) is not NOTHING or reading.find(tree, path) is not NOTHING
        (found.present if is_present else found.absent).add(path)
    return found


def _pairs(paths: list[Path], records: Records) -> Iterator[tuple[Path, Tree]]:
    if paths:
        for _, tree in records.now.measurements.trees():
            yield from ((path, tree) for path in paths)

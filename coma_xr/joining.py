"""The measurements of several experiments as if they were those of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from coma_xr.checks import check_flag
from coma_xr.define.parameters import hidden, warn_of_hidden
from coma_xr.define.values import NOTHING, look
from coma_xr.errors import DataFileError, DataFileWarning, warn
from coma_xr.records import WITHOUT_STRICT, look_at
from coma_xr.same import doubles, key, repeat_of
from coma_xr.text import count, listing
from coma_xr.tree import join as path_text

if TYPE_CHECKING:
    from coma_xr.define.parameters import Past
    from coma_xr.experiment import Experiment
    from coma_xr.records import Records
    from coma_xr.retrieve.dims import Status
    from coma_xr.tree import Path
    from coma_xr.values.plain import Tree

LABEL = "experiment"

_T = TypeVar("_T")


@dataclass(frozen=True)
class Joined:
    """The measurements of several experiments, numbered from 1 on."""

    experiments: Sequence[Records]
    labels: Sequence[Any]
    trees: list[tuple[int, Tree]]
    origins: list[tuple[int, int]]
    path: Path
    definition: list[tuple[str, Path]]
    lacking: list[tuple[str, Path]]

    @property
    def label(self) -> tuple[str, Path]:
        """The name and path of the experiments' labels."""
        return str(self.path[-1]), self.path

    def built(self, build: Callable[[Joined], _T], *, strict: bool) -> _T:
        """Return what is built of the measurements, without those that hold a value that cannot be read."""
        strict = check_flag("strict", strict)
        try:
            return build(self)
        except DataFileError:
            bad = [e.unreadable() for e in self.experiments]
            if not any(bad):
                raise
        from coma_xr.retrieve.columns import without, without_values

        texts = (
            f"{e.now.path}: {text}"
            for e, found in zip(self.experiments, bad, strict=True)
            for text in found.texts()
        )
        text = listing(texts, 3)
        if strict:
            raise DataFileError(f"Cannot be read: {text}.", ways=[WITHOUT_STRICT])
        warn(f"Left out, since it cannot be read: {text}.", DataFileWarning)
        origins = dict(enumerate(self.origins, 1))
        measurements = {number for number, (place, id) in origins.items() if id in bad[place].measurements}
        arrays = {number: bad[place].arrays.get(id, {}) for number, (place, id) in origins.items()}
        # Names of now: a rename is part of the trees here.
        past = {number: self.experiments[place].past for number, (place, _) in origins.items()}
        paths = {
            number: [path for keys in some for path in (keys, past[number].now(keys))]
            for number, some in arrays.items()
            if some
        }
        return build(replace(self, trees=list(without_values(without(self.trees, measurements), paths))))

    def annotations(self) -> dict[Path, Any]:
        """Return what was annotated; where experiments say different things, the first one's holds.

        Defaults and former paths are not in it: the trees of each experiment have what its own ones mean.
        """
        notes: dict[Path, Any] = {}
        for e in self.experiments:
            for path, note in e.labels(e.past).items():
                notes[path] = {**note, **notes.get(path, {})}
        return notes

    def recorded(self) -> dict[str, Path]:
        """Return the names that runs have given to paths; where experiments differ, those of the first hold."""
        names: dict[str, Path] = {}
        for e in self.experiments:
            names = {**e.names, **names}
        return names

    def excluded(self) -> dict[int, str]:
        """Return the numbers of the measurements that are excluded, with the reasons."""
        reasons = [e.excluded for e in self.experiments]
        found: dict[int, str] = {}
        for number, _ in self.trees:
            place, id = self.origins[number - 1]
            if id in reasons[place]:
                found[number] = reasons[place][id]
        return found

    def status(self) -> Status:
        """Return the status of the experiments; each has its own parameter sets."""
        from coma_xr.retrieve.dims import Status

        if not self.definition:
            return Status(excluded=self.excluded())
        paths = [path for _, path in self.definition]
        name = self.path[-1]
        known = []
        for label, e in zip(self.labels, self.experiments, strict=True):
            status, past = e.status(), e.past
            known.append((label, replace(status, paths=[past.now(path) for path in status.paths])))
        sets = [
            [label, *(values[list(status.paths).index(path)] for path in paths)]
            for label, status in known
            if set(paths) <= set(status.paths)
            for values in status.sets
        ]
        failures = [
            (id, {**tree, "parameters": {name: label, **_branch(tree)}})
            for e, (label, status) in zip(self.experiments, known, strict=True)
            for id, tree in _applied(status.failures, e.past)
        ]
        times = {status.repeats or 1 for _, status in known if status.sets}
        # Repeats that only some of them requested are reported for none.
        return Status([self.path, *paths], sets, min(times, default=1), failures, self.excluded())

    def doubles(self, numbers: Iterable[int]) -> dict[int, int]:
        """Return which of some measurements record the event of another one of their experiment, and warn."""
        trees, excluded = dict(self.trees), self.excluded()
        order = sorted(numbers, key=lambda number: (number in excluded, number))
        found = doubles((number, trees[number]) for number in order)
        if found:
            places = dict.fromkeys(self.experiments[self.origins[number - 1][0]].now.path for number in found)
            warn(
                f"{count(len(found), 'measurement')} of {listing(places, 3)} {'records' if len(found) == 1 else 'record'} the "
                f"same event as another one and {'does' if len(found) == 1 else 'do'} not count. duplicates() of these "
                "experiments lists them."
            )
        return found

    def warn_of_lacking(self) -> None:
        """Report parameters that vary in some experiments and are missing in others, and have no dim."""
        for name, path in self.lacking:
            found: dict[int, list[Any]] = {}
            for number, tree in self.trees:
                found.setdefault(self.origins[number - 1][0], []).append(look(tree, path))
            without = [self.labels[place] for place, values in found.items() if NOTHING in values]
            if len({key(value) for values in found.values() for value in values if value is not NOTHING}) > 1:
                warn(
                    f"The parameter '{name}' is not a dim, because {listing(without, 3)} {'lacks' if len(without) == 1 else 'lack'} "
                    "it. Measurements that differ only in it are placed along a dim 'row'. To make it a dim, call "
                    f"annotate({path_text(path)!r}, default=...) in the experiments that lack it."
                )

    def warn_of_doubles(self) -> None:
        """Say which experiments have several measurements of the same parameters; their own ids, which no Dataset knows."""
        found: dict[Any, list[int]] = {}
        for number, tree in self.trees:
            place, _ = self.origins[number - 1]
            found.setdefault((place, key(_branch(tree)), repeat_of(tree)), []).append(number)
        shared = {number for numbers in found.values() if len(numbers) > 1 for number in numbers}
        one_event = doubles((number, tree) for number, tree in self.trees if number in shared)
        found = {name: [n for n in numbers if n not in one_event] for name, numbers in found.items()}
        groups = [
            (name[0], [self.origins[number - 1][1] for number in numbers])
            for name, numbers in found.items()
            if len(numbers) > 1
        ]
        if groups:
            place, ids = groups[0]
            warn(
                f"{listing(dict.fromkeys(str(self.labels[place]) for place, _ in groups))}: {len(groups)} parameter "
                f"set{'s have' if len(groups) > 1 else ' has'} several measurements, {listing(ids, 3)} of "
                f"{self.labels[place]} for example, which lie along a dim 'row'. remove([{ids[-1]}]) of that experiment "
                "moves one away."
            )


def join(experiments: Sequence[Experiment], labels: Sequence[Any], *, first: bool, strict: bool) -> Joined:
    """Read the measurements of several experiments."""
    records = [look_at(e, listed=True) for e in experiments]
    _warn_of_units(records, labels)
    found = [
        (place, *pair) for place, e in enumerate(records) for pair in _applied(e.trees(strict=strict), e.past)
    ]
    name = _free_name((tree for *_, tree in found), {name for e in records for name, _ in e.pairs})
    trees: list[tuple[int, Tree]] = []
    for number, (place, _, tree) in enumerate(found, 1):
        label = {name: labels[place]}
        parameters = {**label, **_branch(tree)} if first else {**_branch(tree), **label}
        trees.append((number, {**tree, "parameters": parameters}))
    origins = [(place, id) for place, id, _ in found]
    measured = {place for place, _ in origins}
    # An empty experiment without a definition says nothing about parameters.
    pairs = [e.past.updated(e.pairs) for place, e in enumerate(records) if e.pairs or place in measured]
    shared = _shared(pairs, trees) if pairs else ([], [])
    return Joined(records, labels, trees, origins, ("parameters", name), *shared)


def _warn_of_units(experiments: Sequence[Records], labels: Sequence[Any]) -> None:
    """Warn where experiments annotate different units, since a variable has one unit."""
    units: dict[Path, dict[str, Any]] = {}
    for label, e in zip(labels, experiments, strict=True):
        for path, note in e.labels(e.past).items():
            if note.get("units") is not None:
                units.setdefault(path, {}).setdefault(note["units"], label)
    texts = [
        f"'{path_text(path)}' is in " + ", ".join(f"{unit!r} in {label}" for unit, label in found.items())
        for path, found in units.items()
        if len(found) > 1
    ]
    if texts:
        warn(
            f"Units differ: {listing(texts, 3)}. Each variable has its first unit, and no value is converted. "
            "Pass a function as a variable to convert them."
        )


def _applied(trees: Iterable[tuple[int, Tree]], past: Past) -> Iterator[tuple[int, Tree]]:
    """Yield ids and trees with what the annotations of their own experiment let them count as having."""
    found: dict[tuple[Path, Path], list[int]] = {}
    for id, tree in trees:
        for pair in hidden([(id, tree)], past.renames):
            found.setdefault(pair, []).append(id)
        yield id, past.applied(tree)
    warn_of_hidden(found)


def _free_name(trees: Iterable[Tree], names: set[str]) -> str:
    taken = names.union(key for tree in trees for key in _branch(tree))
    name = LABEL
    while name in taken:
        name = f"coma_{name}"
    return name


def _branch(tree: Tree) -> Mapping[str, Any]:
    parameters = tree.get("parameters")
    return parameters if isinstance(parameters, dict) else {}


def _shared(
    definitions: Sequence[Sequence[tuple[str, Path]]], trees: Iterable[tuple[int, Tree]]
) -> tuple[list[tuple[str, Path]], list[tuple[str, Path]]]:
    """Return the parameters that all experiments have, by the names of the first, and those that some lack.

    An experiment has a parameter if it defines it, or all its measurements record it, as they do a function's default.
    """
    if not all(definitions):
        return [], []
    names = {path: name for definition in reversed(definitions) for name, path in definition}
    order = dict.fromkeys(path for definition in definitions for _, path in definition)
    defined = [{path for _, path in definition} for definition in definitions]
    lacking = {path for path in order if not all(path in paths for paths in defined)}
    if lacking:
        lacking = {path for path in lacking if any(look(tree, path) is NOTHING for _, tree in trees)}
    pairs = [(names[path], path) for path in order]
    return [pair for pair in pairs if pair[1] not in lacking], [pair for pair in pairs if pair[1] in lacking]

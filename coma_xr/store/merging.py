"""Adding the measurements of another experiment: copies once, and every independent sample."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from coma_xr import files
from coma_xr.errors import DataFileError, ExperimentError, Way
from coma_xr.same import UNSEEDED, content_of, event_of, key, repeat_of
from coma_xr.store import documents
from coma_xr.store.documents import digest
from coma_xr.text import count, listing
from coma_xr.tree import join, leaves

if TYPE_CHECKING:
    from coma_xr.encoding.formats import Format
    from coma_xr.store.measurements import MeasurementStore
    from coma_xr.values.plain import Tree

# Returns what is equal for trees of the same parameters; None for a tree without them.
Key = Callable[["Tree"], Hashable | None]

# Entries of `info` that a copy has of its own.
_OWN = ("measurement_id", "repeat")


@dataclass(frozen=True)
class MergePlan:
    """The measurements that a merge adds, skips and cannot decide.

    >>> MergePlan([1, 2], [(3, 3)])
    MergePlan: 2 to add, 1 equal, 0 in conflict
    """

    new: list[int] = field(default_factory=list)
    equal: list[tuple[int, int]] = field(default_factory=list)
    conflicts: list[tuple[int, int]] = field(default_factory=list)
    ensembles: list[tuple[int, int]] = field(default_factory=list)
    repeats: dict[int, int] = field(default_factory=dict)

    def __repr__(self) -> str:
        return (
            f"MergePlan: {len(self.new)} to add, {len(self.equal)} equal, {len(self.conflicts)} in conflict"
            + f", {len(self.ensembles)} with other seeds" * bool(self.ensembles)
        )

    @property
    def added(self) -> list[int]:
        """The ids of the measurements that are added, also despite conflicts."""
        return sorted({*self.new, *(id for id, _ in [*self.conflicts, *self.ensembles])})

    def check(self, here: str, there: str, differing: Differing | None = None) -> None:
        """Raise ExperimentError for conflicts and independent ensembles, which it lists."""
        pairs = self.conflicts or self.ensembles
        if not pairs:
            return
        number = count(len(pairs), "measurement")
        texts = listing(f"{other} there and {own} here" for other, own in pairs)
        append = Way(
            'repeats="append" adds them as further repeats, if they are independent samples.',
            "--repeats append adds them as further repeats, if they are independent samples.",
        )
        both = Way("keep_both=True adds them as they are.", "--keep-both adds them as they are.")
        if differing is not None and any(differing):
            fault, way = differing.words(here, there)
            raise ExperimentError(
                f"{there} has {number} that {'differs' if len(pairs) == 1 else 'differ'} from those in {here} by {fault}, or by results: {texts}. Nothing was added.",
                ways=[way, both, append],
            )
        if self.conflicts:
            raise ExperimentError(
                f"{there} has {number} of the same parameters as {here}, with other results: {texts}. Nothing was added.",
                ways=["Remove those that are wrong.", both, append],
            )
        raise ExperimentError(
            f"{there} has {number} of the same parameters and repeats as {here}, with other seeds: {texts}. "
            "Nothing was added.",
            ways=[append, both],
        )


class Differing(NamedTuple):
    """The parameters without a definition in which measurements of the same defined parameters differ."""

    only_there: list[str]
    only_here: list[str]
    unequal: list[str]

    @classmethod
    def of(cls, pairs: Iterable[tuple[Tree, Tree]]) -> Differing:
        """Compare pairs of measurements of the other experiment and of this one."""
        found: tuple[dict[str, None], ...] = ({}, {}, {})
        for other, own in pairs:
            theirs, mine = (
                dict(leaves(tree.get("parameters", {}), ("parameters",))) for tree in (other, own)
            )
            for path in {**theirs, **mine}:
                place = 0 if path not in mine else 1 if path not in theirs else 2
                if place < 2 or key(theirs[path]) != key(mine[path]):
                    found[place][join(path)] = None
        return cls(*map(list, found))

    def words(self, here: str, there: str) -> tuple[str, Way]:
        """Return which parameters differ, and what to do first."""
        if not (self.only_there or self.only_here):
            return f"{listing(self.unequal)}, which the definition lacks", Way(
                f"Add it to the definition of {here} first, with define_parameter_set().", ""
            )
        (path, *_), lacking = (self.only_there, here) if self.only_there else (self.only_here, there)
        return f"{listing(self.only_there or self.only_here)}, which {lacking} lacks", Way(
            f"Call annotate({path!r}, default=...) of {lacking} first, with the value that it had there.",
            f"Record the value that it had first: coma-xr annotate {lacking} {path} --default VALUE.",
        )


class _Entry(NamedTuple):
    """The properties that decide about one measurement."""

    id: int
    name: Hashable | None
    repeat: int
    event: Hashable | None
    content: str


# Version 1 did not write whether `run` made a measurement.
_UNCERTAIN = "version 1"


def plan_merge(
    own: Iterable[tuple[int, Tree]], other: Iterable[tuple[int, Tree]], name_of: Key, *, append: bool = False
) -> MergePlan:
    """Compare the measurements of two experiments; nothing is written."""
    copies: dict[str, list[int]] = {}
    known: dict[Hashable, list[_Entry]] = {}
    taken: Counter[Hashable] = Counter()
    for id, tree in own:
        copies.setdefault(_copy(tree), []).append(id)
        entry = _entry(id, tree, name_of)
        known.setdefault((entry.name, entry.repeat), []).append(entry)
        taken[entry.name] = max(taken[entry.name], entry.repeat + 1)
    plan, left = MergePlan(), dict[int, _Entry]()
    for id, tree in other:
        # Each copy has one original, so that equal samples are counted.
        originals = copies.get(_copy(tree))
        if originals:
            plan.equal.append((id, originals.pop(0)))
        else:
            left[id] = _entry(id, tree, name_of)
    _compare(plan, left, known)
    if append:
        _append(plan, left, taken)
    return plan


def _copy(tree: Tree) -> str:
    """Return what is equal for a measurement and its copy in another experiment."""
    info = {name: value for name, value in (tree.get("info") or {}).items() if name not in _OWN}
    try:
        text = json.dumps({**tree, "info": info}, separators=(",", ":"), sort_keys=True)
    except ValueError:  # ints of more digits than Python writes
        return digest({**tree, "info": info})
    return hashlib.sha256(text.encode()).hexdigest()


def _entry(id: int, tree: Tree, name_of: Key) -> _Entry:
    event, info = event_of(tree), tree.get("info") or {}
    if event is None and "coma_xr_version" in info and "made_by" not in info:
        event = _UNCERTAIN
    return _Entry(id, name_of(tree), repeat_of(tree), event, content_of(tree))


def _compare(plan: MergePlan, left: Mapping[int, _Entry], known: Mapping[Hashable, list[_Entry]]) -> None:
    """Sort measurements that are not copies into a plan."""
    added: set[tuple[Any, ...]] = set()
    unseeded: list[tuple[int, int]] = []
    for id, entry in left.items():
        rivals = [own for own in known.get((entry.name, entry.repeat), ()) if _may_be_one(entry, own)]
        same = [own for own in rivals if own.event == entry.event or _UNCERTAIN in (own.event, entry.event)]
        equal = [own for own in same if own.content == entry.content]
        exact = next((own for own in equal if own.event == entry.event != _UNCERTAIN), None)
        if exact is not None:
            (unseeded if entry.event == UNSEEDED else plan.equal).append((id, exact.id))
        elif same and not equal:
            plan.conflicts.append((id, same[0].id))
        elif rivals and not equal:
            plan.ensembles.append((id, rivals[0].id))
        elif entry[1:] in added:
            plan.equal.append((id, 0))
        else:
            plan.new.append(id)
            if entry.event not in (None, _UNCERTAIN):
                added.add(entry[1:])
    # Where the same function gave other results without a seed, equal ones are independent samples too.
    is_random = any(left[id].event == UNSEEDED for id, _ in plan.conflicts)
    (plan.conflicts if is_random else plan.equal).extend(unseeded)
    for pairs in (plan.equal, plan.conflicts, plan.ensembles):
        pairs.sort()


def _may_be_one(entry: _Entry, own: _Entry) -> bool:
    """Return whether two measurements are copies of one, or `run` made, or may have made, both."""
    events = (entry.event, own.event)
    return (entry.event is not None and entry.event == own.event) or (
        entry.name is not None and all(event == _UNCERTAIN or type(event) is tuple for event in events)
    )


def _append(plan: MergePlan, left: Mapping[int, _Entry], taken: Counter[Hashable]) -> None:
    """Turn independent samples of the same parameters into new ones with further repeats."""
    seeded = [pair for pair in plan.conflicts if left[pair[0]].event not in (UNSEEDED, _UNCERTAIN)]
    independent = {id for id, _ in [*plan.ensembles, *plan.conflicts]} - {id for id, _ in seeded}
    names = {left[id].name for id in independent}
    # All of one ensemble follow each other, also those whose numbers were free.
    moved = independent | {id for id in plan.new if left[id].name in names and left[id].event is not None}
    for id in sorted(moved, key=lambda id: (left[id].repeat, id)):
        plan.repeats[id] = taken[left[id].name]
        taken[left[id].name] += 1
    plan.new[:] = sorted({*plan.new, *independent})
    plan.conflicts[:], plan.ensembles[:] = seeded, []


def check_beside(other: MeasurementStore, plan: MergePlan, stem_of: Callable[[int], str]) -> None:
    """Raise DataFileError when a file next to a measurement is missing, or is not the one that was written with it."""
    gone, altered = list[str](), list[str]()
    for id in plan.added:
        tree, stem = other.read(id), stem_of(id)
        lacking = documents.lacking(tree, stem)
        gone += lacking
        digests = documents.digests_of(tree, stem).items()
        altered += [
            path for path, written in digests if path not in lacking and not _is_as_written(path, *written)
        ]
    ways = ["Put the files back from where this was copied."]
    if gone:
        raise DataFileError(
            f"{listing(gone)}: missing next to the measurements that are to be merged. Nothing was added.",
            ways=ways,
        )
    if altered:
        raise DataFileError(
            f"{listing(altered)}: not as written with the measurements that are to be merged (SHA-256). Nothing was added.",
            ways=ways,
        )


def _is_as_written(path: str, size: int, sha256: str) -> bool:
    try:
        return files.sha256(path, size) == sha256
    except DataFileError:  # it has another size
        return False


def add_new(
    store: MeasurementStore,
    other: MeasurementStore,
    plan: MergePlan,
    *,
    first: int,
    format: Format,
    pretty: bool,
    strict: bool,
    stem_of: Callable[[int], str],
) -> dict[int, int]:
    """Add measurements of one store to another under new ids, which are returned by the old ones."""
    given: dict[int, int] = {}
    for id in plan.added:
        tree: dict[str, Any] = dict(other.read(id))
        own = documents.contents(tree, stem_of(id))
        info = {name: value for name, value in tree.pop("info").items() if name != "measurement_id"}
        if id in plan.repeats:
            info["repeat"] = plan.repeats[id]
        rest = format.encode_rest(tree, pretty=pretty, strict=strict)
        given[id] = store.add(info, rest, id=first, beside=own, sync=bool(own))
        first = given[id] + 1
    return given

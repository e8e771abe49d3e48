"""Adding the measurements of a copy of an experiment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coma_xr.errors import DataFileError, ExperimentError
from coma_xr.store import beside
from coma_xr.store.documents import digest
from coma_xr.text import listing

if TYPE_CHECKING:
    from coma_xr.encoding.formats import Format
    from coma_xr.store.contract import MeasurementStore
    from coma_xr.values.plain import Tree

__all__ = ["Key", "MergePlan", "add_new", "plan_merge"]

# Says what a measurement is of: equal for the same parameters. None where a tree has no such thing.
Key = Callable[["Tree"], Hashable | None]


@dataclass(frozen=True)
class MergePlan:
    """What a merge adds, passes over and cannot decide.

    Parameters
    ----------
    new : list of int
        The ids, in the other experiment, of measurements that are to be added.
    equal : list of (int, int)
        Ids there and here of the same trees, but for `info`; 0 for one that is added under another id.
    conflicts : list of (int, int)
        Ids there and here of those with the same key and different trees.

    Examples
    --------
    >>> MergePlan([1, 2], [(3, 3)], [])
    MergePlan: 2 to add, 1 equal, 0 in conflict
    """

    new: list[int] = field(default_factory=list)
    equal: list[tuple[int, int]] = field(default_factory=list)
    conflicts: list[tuple[int, int]] = field(default_factory=list)

    def __repr__(self) -> str:
        return (
            f"MergePlan: {len(self.new)} to add, {len(self.equal)} equal, {len(self.conflicts)} in conflict"
        )

    def check(self, here: str, there: str) -> None:
        """Raise ExperimentError when there are conflicts, which it lists."""
        if self.conflicts:
            pairs = listing(f"{other} there and {own} here" for other, own in self.conflicts)
            number = len(self.conflicts)
            raise ExperimentError(
                f"{there} has {number} measurement{'s' * (number != 1)} of the same parameters as {here}, with other "
                f"results: {pairs}. Nothing was added; remove those that are wrong, or add both with keep_both=True."
            )


def plan_merge(own: Iterable[tuple[int, Tree]], other: Iterable[tuple[int, Tree]], key: Key) -> MergePlan:
    """Compare the measurements of two experiments; nothing is written.

    Parameters
    ----------
    own, other : iterable of (int, tree)
        Ids and trees of this experiment and of the one that is to be added.
    key : callable
        Returns what is the same for the same parameters, None when a tree does not say.

    Returns
    -------
    MergePlan
        Two that are equal in the other experiment are added once; different ones of the same key, both new, both.
    """
    contents: dict[str, int] = {}
    keys: dict[Hashable, int] = {}
    for id, tree in own:
        contents.setdefault(content(tree), id)
        keys.setdefault(key(tree), id)
    keys.pop(None, None)
    plan = MergePlan()
    for id, tree in other:
        digest_of_it, name = content(tree), key(tree)
        if digest_of_it in contents:
            plan.equal.append((id, contents[digest_of_it]))
            continue
        contents[digest_of_it] = 0
        if name in keys:
            plan.conflicts.append((id, keys[name]))
        else:
            plan.new.append(id)
    return plan


def content(tree: Tree) -> str:
    """Return what is equal for measurements that are equal but for `info` and the order of keys."""
    rest = {name: child for name, child in tree.items() if name != "info"}
    try:
        text = json.dumps(rest, separators=(",", ":"), sort_keys=True)
    except ValueError:  # ints of more digits than Python writes
        return digest(rest)
    return hashlib.sha256(text.encode()).hexdigest()


def add_new(
    store: MeasurementStore,
    other: MeasurementStore,
    ids: Sequence[int],
    *,
    first: int,
    format: Format,
    pretty: bool,
    strict: bool,
    stem_of: Callable[[int], str],
) -> dict[int, int]:
    """Add measurements of one store to another under new ids.

    Parameters
    ----------
    store, other : MeasurementStore
        To which, from which.
    ids : sequence of int
        Which ones of the other.
    first : int
        The first id to give.
    format : Format
        Of new files.
    pretty, strict : bool
        Whether these are indented, and strictly legal JSON.
    stem_of : callable
        Returns for an id of the other the path of its file without the ending, of which files beside it are named.

    Returns
    -------
    dict
        The new id for each old one.

    Raises
    ------
    DataFileError
        A file beside a measurement is missing; said before anything is written.
    """
    gone = [path for id in ids for path in beside.lacking(other.read(id), stem_of(id))]
    if gone:
        raise DataFileError(
            f"{listing(gone)}: missing beside the measurements that are to be merged. Nothing was added; put them back "
            "from where this was copied."
        )
    given: dict[int, int] = {}
    for id in ids:
        tree: dict[str, Any] = dict(other.read(id))
        own = beside.contents(tree, stem_of(id))
        info = {name: value for name, value in tree.pop("info").items() if name != "measurement_id"}
        rest = format.encode_rest(tree, pretty=pretty, strict=strict)
        given[id] = store.add(info, rest, id=first, beside=own, sync=bool(own))
        first = given[id] + 1
    return given

"""Why a value is missing: parameter sets that were asked for, failed or were excluded, next to the measurements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import eq, itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from coma_xr.define.parameters import Definition, Past, read_parameters
from coma_xr.define.values import NOTHING, look
from coma_xr.retrieve.columns import MISSING
from coma_xr.retrieve.requests import REPEAT
from coma_xr.same import key
from coma_xr.tree import no_collection

if TYPE_CHECKING:
    from coma_xr.retrieve.columns import Array, Attrs
    from coma_xr.retrieve.requests import Source
    from coma_xr.tree import Path
    from coma_xr.values.plain import Tree

FLAGS = ("not_asked", "missing", "done", "failed", "timeout", "died", "excluded")
"""What `measurement_status` says of a cell, by its number."""

DONE = FLAGS.index("done")

# Equal exactly where the parameters are the same, as Python compares.
_PLAIN = frozenset({int, float, str, type(None)})


@dataclass(frozen=True)
class Status:
    """What an experiment knows of parameter sets next to its measurements."""

    paths: Sequence[Path] = ()
    sets: Sequence[Sequence[Tree]] = ()
    repeats: int | None = 1
    failures: Sequence[tuple[int, Tree]] = ()
    excluded: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Absent:
    """Parameter sets without a measurement."""

    columns: dict[Path, list[Any]] = field(default_factory=dict)
    states: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.states)

    def of(self, path: Path) -> list[Any]:
        """Return what to put below the column of a path."""
        return self.columns.get(path) or [MISSING] * len(self)

    def where(self, chosen: Sequence[bool]) -> Absent:
        """Return those that were chosen."""
        rows = [row for row, choice in enumerate(chosen) if choice]
        columns = {path: [column[row] for row in rows] for path, column in self.columns.items()}
        return Absent(columns, [self.states[row] for row in rows])


@no_collection()
def absent(source: Source, status: Status | None, unchosen: Sequence[tuple[Sequence[Tree], int]]) -> Absent:
    """Return the parameter sets that failed or were not run yet."""
    definition = source.names.defined
    if status is None or not definition or not (status.sets or status.failures):
        return Absent()
    columns: list[Sequence[Any]] = [source.columns[path] for path in definition.values()]
    repeats = [0 if value is MISSING else value for value in source.columns[REPEAT]]
    if unchosen:
        others = zip(*(values for values, _ in unchosen), strict=True)
        columns = [[*column, *other] for column, other in zip(columns, others, strict=True)]
        repeats += [repeat for _, repeat in unchosen]
    sets = _asked(status, source)
    repeated = range(status.repeats or 1)
    if not status.failures and _all_done(columns, repeats, sets, repeated):
        return Absent()
    rows = zip(zip(*columns, strict=True), repeats, strict=True)
    done = {_key(values, repeat) for values, repeat in rows if MISSING not in values}
    found: dict[Any, tuple[Sequence[Tree], int, int]] = {}
    for values, repeat, state in _failed(status, source):
        found[_key(values, repeat)] = (values, repeat, state)
    missing = FLAGS.index("missing")
    for asked in sets:
        for repeat in repeated:
            found.setdefault(_key(asked, repeat), (asked, repeat, missing))
    left = [entry for identity, entry in found.items() if identity not in done]
    by_path = {path: [values[i] for values, _, _ in left] for i, path in enumerate(definition.values())}
    by_path[REPEAT] = [repeat for _, repeat, _ in left]
    return Absent(by_path if left else {}, [state for _, _, state in left])


def _key(values: Sequence[Tree], repeat: int) -> Any:
    return key(values), repeat


def _all_done(
    columns: Sequence[Sequence[Tree]],
    repeats: Sequence[int],
    sets: Sequence[Sequence[Tree]],
    repeated: Iterable[int],
) -> bool:
    """Whether there is a measurement of each set; False also where that is not so quickly said."""
    kinds = set(map(type, chain.from_iterable(sets)))
    if not all(set(map(type, column)) <= _PLAIN for column in columns) or not kinds <= _PLAIN:
        return False
    if repeated == range(1) and not any(repeats):
        if _alike(columns, sets):
            return True
        return set(map(tuple, sets)) <= set(zip(*columns, strict=True))
    done = set(zip(*columns, repeats, strict=True))
    return all((*values, repeat) in done for values in sets for repeat in repeated)


def _alike(columns: Sequence[Sequence[Tree]], sets: Sequence[Sequence[Tree]]) -> bool:
    """Whether the measurements are those sets, in that order, as one run leaves them; makes nothing new."""
    return all(
        len(column) == len(sets) and all(map(eq, column, map(itemgetter(place), sets)))
        for place, column in enumerate(columns)
    )


def _asked(status: Status, source: Source) -> Sequence[Sequence[Tree]]:
    """Return the sets that were asked for, in the order of the definition; none if they are of other parameters."""
    paths = list(source.names.defined.values())
    asked = [path for _, path in Past.of(source.annotations).updated([("", path) for path in status.paths])]
    if paths == asked:
        return status.sets
    if any(path not in asked for path in paths):
        return []
    order = [asked.index(path) for path in paths]
    return [[values[place] for place in order] for values in status.sets]


def _failed(status: Status, source: Source) -> Iterable[tuple[list[Tree], int, int]]:
    """Yield the parameter sets whose last try failed: values, repeat, state."""
    definition = Definition(tuple(source.names.defined), tuple(source.names.defined.values()))
    past = Past.of(source.annotations)
    for _, tree in status.failures:
        values = read_parameters(tree, definition, past)
        if values is not None:
            repeat = look(tree, ("info", "repeat"))
            yield values, 0 if repeat is NOTHING else repeat, _state(tree)


def _state(tree: Tree) -> int:
    said = next(
        (branch["status"] for branch in (tree, tree.get("info"), tree.get("exception")) if _says(branch)),
        "failed",
    )
    return FLAGS.index(said)


def _says(branch: Any) -> bool:
    return isinstance(branch, dict) and branch.get("status") in FLAGS


def status_attrs() -> Attrs:
    """Return the attributes of `measurement_status`, as the CF conventions have them for flags."""
    numbers: Array = np.arange(len(FLAGS), dtype=np.int8)
    return {
        "long_name": "what became of the measurement",
        "flag_values": numbers,
        "flag_meanings": " ".join(FLAGS),
    }

"""The measurements that take part: conditions on trees, before anything is made of these."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import compress, tee
from typing import TYPE_CHECKING, Any

import numpy as np

from coma_xr.define.conditions import as_condition
from coma_xr.define.parameters import Definition as Parameters
from coma_xr.define.parameters import Past, read_parameters, write
from coma_xr.define.values import NOTHING, look
from coma_xr.errors import ParameterError, PathError, warn
from coma_xr.retrieve.columns import KnownPaths, StoredTrees, collect, utc
from coma_xr.retrieve.measurement import Measurement, item
from coma_xr.retrieve.requests import NameLookup, default_of, split_paths
from coma_xr.same import REPEAT
from coma_xr.tree import WILDCARD, Names, Path, follow, is_path, is_typed, role, split
from coma_xr.values.plain import from_plain

if TYPE_CHECKING:
    import numpy.typing as npt

    from coma_xr.encoding.columns import Block
    from coma_xr.retrieve.dims import Absent
    from coma_xr.retrieve.requests import Annotations, Definition, Recorded
    from coma_xr.values.plain import Tree

    Mask = npt.NDArray[np.bool_]

Trees = Iterable[tuple[int, "Tree"]]

# Values of a name that are kept to find the one nearest to a value that no measurement has.
_MOST_VALUES = 10_000


def selected(
    trees: Trees,
    where: Any,
    *,
    definition: Definition = (),
    annotations: Annotations | None = None,
    recorded: Recorded | None = None,
    otherwise: str = "",
) -> Iterator[tuple[int, Tree]]:
    """Yield the measurements for which a condition holds.

    Raise PathError for a name or path that no measurement has, and ConditionError for values that are not
    conditions, and for values that cannot be compared.

    >>> trees = [(i, {"parameters": {"a": i}}) for i in (1, 2, 3)]
    >>> [id for id, _ in selected(trees, "a > 1")]
    [2, 3]
    """
    selection = Selection(where, definition, annotations, recorded=recorded)
    number = 0
    for part, chosen in selection(trees):
        if chosen:
            number += 1
            yield part
    selection.warn_when_empty(number, otherwise)


class Selection:
    """A condition on measurements."""

    def __init__(
        self,
        where: Any,
        definition: Definition = (),
        annotations: Annotations | None = None,
        *,
        recorded: Recorded | None = None,
        tracks: bool = False,
    ) -> None:
        self._condition = as_condition(where)
        self._calls = bool(self._condition.functions)
        self._tracks = tracks
        self._past = Past.of(annotations or {})
        # Where to look for what a path leads to, in each of the trees.
        self._places = cache(lambda path: (path, *self._past.places(path)))
        self._definition = self._past.updated(split_paths(definition))
        self._recorded = self._past.unchanged(recorded or {})
        self._parameters = (
            Parameters(*zip(*self._definition, strict=True)) if self._definition else Parameters((), ())
        )
        self._paths: dict[str, Path] = {}
        self._number = 0
        self._compared: dict[str, list[Any]] = {name: [] for name in self._condition.equalities}
        self._missed: dict[Path, PathError] = {}
        self._known_paths = KnownPaths()
        self._lookup = NameLookup(self._definition, self._recorded, self._past)
        self.unchosen: list[tuple[Sequence[Tree], int]] = []

    def __call__(self, trees: Trees, in_blocks: bool = False) -> Iterator[tuple[Any, Any]]:
        """Yield measurements with whether they were chosen, one tree at a time where trees can be read again.

        With `in_blocks` those that lie in blocks of columns are yielded as such, each block with an array of bool.
        """
        if isinstance(trees, StoredTrees):
            self._paths = self._resolved(trees.unreported())
        else:
            first, trees = tee(trees)
            self._paths = self._resolved(first)
            del first
        for part in trees.parts() if isinstance(trees, StoredTrees) and in_blocks else trees:
            if isinstance(part, tuple):
                yield part, self._judged(*part)
            elif (judged := self._judged_block(part)) is not None:
                yield part, judged
            else:
                yield from ((pair, self._judged(*pair)) for pair in part.trees())
        for path, error in self._missed.items():
            if path not in self._known_paths:
                raise error

    def _resolved(self, trees: Trees) -> dict[str, Path]:
        """Return the paths of names, with a look at no more trees than decide them."""
        paths = {name: path for name, path in self._definition if name in self._condition.names}
        undecided = [name for name in self._condition.names if name not in paths]

        def deciding() -> Iterator[tuple[int, Tree]]:
            for id, tree in trees:
                for name in list(undecided):
                    path = self._first_choice(name)
                    if path and (path in self._past.defaults or _is_value_at(tree, path)):
                        paths[name] = path
                        undecided.remove(name)
                yield id, tree
                if not undecided:
                    return

        if not undecided:
            return paths
        columns = collect(deciding(), keep=lambda path: any(str(path[-1]) in name for name in undecided))
        if not undecided or not len(columns):
            return paths
        columns.expand_datasets()
        # A former name would be found in the earlier measurements only.
        known = [path for path in self._lookup.known(columns.known) if self._past.now(path) == path]
        names = Names(known, self._definition, self._recorded)
        return self._condition.resolve(lambda name: paths.get(name) or names.resolve(name))

    def _first_choice(self, name: str) -> Path | None:
        """Return the path that a name means if any measurement has it, whatever other paths exist."""
        if WILDCARD in split(name):
            return None
        path = split(name) if is_path(name) else self._recorded.get(name, ("parameters", name))
        return path if self._past.now(path) == path else None

    def _judged(self, id: int, tree: Tree) -> bool:
        self._number += 1
        subject = Measurement(id, tree, lookup=self._lookup.value) if self._calls else None
        if subject is not None:
            self._known_paths.add(tree)
        try:
            chosen = self._condition.evaluate(lambda name: self._value(tree, self._paths[name]), subject)
        except PathError as error:
            # A function asked for a path that this measurement lacks; another one may have it.
            error.add_note(self._note(id))
            if error.path is None:
                raise
            self._missed.setdefault(error.path, error)
            chosen = False
        except Exception as error:
            error.add_note(self._note(id))
            raise
        if chosen:
            self._compared = {}
        elif self._tracks and self._definition:
            values = read_parameters(tree, self._parameters, self._past)
            if values is not None:
                self.unchosen.append((values, self._value(tree, REPEAT)))
        for name, compared in self._compared.items():
            if len(compared) < _MOST_VALUES:
                compared.append(self._value(tree, self._paths[name]))
        return chosen

    def _judged_block(self, block: Block) -> Mask | None:
        """Return which trees of a block are chosen; None where its columns do not decide that, or cannot be compared."""
        columns = {name: self._column(block, path) for name, path in self._paths.items()}
        recorded = (*self._parameters.paths, REPEAT) if self._tracks and self._definition else ()
        sets = [self._column(block, path) for path in recorded]
        if self._calls or None in columns.values() or None in sets:
            return None
        try:
            mask = self._condition.evaluate_columns(columns.__getitem__)
        except Exception:  # noqa: BLE001  one at a time, it is raised again with the measurement, or does not occur
            return None
        chosen: Mask = np.broadcast_to(mask, len(block))
        self._number += len(block)
        if chosen.any():
            self._compared = {}
        for name, compared in self._compared.items():
            compared.extend((columns[name] or ())[: _MOST_VALUES - len(compared)])
        if recorded:
            *values, repeats = [column or () for column in sets]
            rows = compress(zip(zip(*values, strict=True), repeats, strict=True), ~chosen)
            self.unchosen.extend(row for row in rows if NOTHING not in row[0])
        return chosen

    def _column(self, block: Block, path: Path) -> list[Any] | None:
        """Return the values of a path in a block; None where single trees have to be looked into."""
        if WILDCARD in path or self._past.places(path) or path in self._past.defaults:
            return None
        column = [NOTHING] * len(block) if block.lacks(path) else block.column(path)
        if column is None:
            return None
        if path == REPEAT:
            return [default_of(path, self._past) if value is NOTHING else value for value in column]
        return [_dated(value) for value in column] if _is_date(path) else column

    def _note(self, id: int) -> str:
        return f"Raised by the condition {self._condition}, on measurement {id}."

    def warn_when_empty(self, chosen: int, otherwise: str = "") -> None:
        """Warn if no measurement was chosen, with the values that are nearest to those asked for."""
        if chosen or not (self._number or otherwise):
            return
        known = {
            name: [from_plain(value) for value in values if value is not NOTHING]
            for name, values in self._compared.items()
        }
        warn(self._condition.unfulfilled(self._number, "measurement", known, otherwise))

    def _value(self, tree: Tree, path: Path) -> Any:
        for place in self._places(path):
            value = look(tree, place) if WILDCARD not in place else NOTHING
            if value is NOTHING:
                value = _within(tree, place)
            if value is not NOTHING:
                return _dated(value) if _is_date(path) else value
        return default_of(path, self._past)

    def of_absent(self, absent: Absent) -> list[bool]:
        """Return which parameter sets without a measurement are chosen, as far as parameters decide it."""
        columns = [absent.of(path) for path in (*self._parameters.paths, REPEAT)]
        chosen = []
        for *values, repeat in zip(*columns, strict=True):
            tree: dict[str, Tree] = {"info": {"repeat": repeat}}
            write(tree, self._parameters, values)
            chosen.append(self._judge_absent(tree))
        return chosen

    def _judge_absent(self, tree: Tree) -> bool:
        subject = Measurement(0, tree, lookup=self._lookup.value) if self._calls else None
        defined = dict(self._definition)
        try:
            return self._condition.evaluate(
                lambda name: self._value(tree, self._paths.get(name) or defined.get(name) or split(name)),
                subject,
            )
        except (PathError, ParameterError):
            return False


def _is_date(path: Path) -> bool:
    """Whether what stands at a path is a date written as text."""
    return str(path[-1]).endswith("date") and role(path) == "info"


def _dated(value: Any) -> Any:
    return (utc([value]) or [value])[0] if type(value) is str else value


def _is_value_at(tree: Tree, path: Path) -> bool:
    """Whether a value stands at a path, and not a branch or a part of a stored form."""
    node = look(tree, path)
    is_value = node is not NOTHING and (type(node) is not dict or is_typed(node))
    return is_value and not any(is_typed(look(tree, path[:depth])) for depth in range(1, len(path)))


def _within(tree: Tree, path: Path) -> Any:
    """Return what a path leads to inside of arrays and Datasets, or all that an asterisk stands for."""
    try:
        if WILDCARD in path:
            return follow(tree, path)
        value = item(tree, path)
    except (KeyError, IndexError):
        return NOTHING
    return value.values[()] if hasattr(value, "dims") else value

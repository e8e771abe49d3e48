"""Columns from one pass through measurement trees, and plain values as NumPy arrays that keep their types."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Collection, Container, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from itertools import compress
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from coma_xr.encoding import json
from coma_xr.encoding.columns import Block, Kind
from coma_xr.errors import DataFileError
from coma_xr.retrieve.measurement import AS_NEEDED, item
from coma_xr.same import FIRST_REPEAT, MADE_BY, REPEAT, SEED, Mark, equal, in_order, keys
from coma_xr.tree import (
    CLASS,
    LEAF_TYPES,
    TYPE,
    Numbers,
    Path,
    cut,
    is_parameter,
    is_typed,
    join,
    no_collection,
    role,
    split,
)
from coma_xr.values.external import is_external
from coma_xr.values.numpy import time_array
from coma_xr.values.plain import Tree, from_plain, to_plain

MISSING: Final = Mark("MISSING")
"""Stands in a column where a measurement has no such path."""


def lacks(column: Iterable[Any]) -> bool:
    """Whether a measurement lacks the path of a column."""
    # `in` would compare, and what compares to an array has no truth.
    return type(column) is not Numbers and Mark in set(map(type, column))


IdAndTree = tuple[int, Tree]
Computation = Callable[[int, Tree], Any]

# Chooses among measurements: yields blocks with an array of bool, and ids with trees and whether these are chosen.
Choice = Callable[
    [Iterable[tuple[int, Tree]], bool], Iterable[tuple["Block | IdAndTree", "bool | npt.NDArray[np.bool_]"]]
]

_Keep = Callable[[Path], bool] | None

# The roles of what becomes a variable of a Dataset, or a column of a DataFrame.
RESULTS = ("result", "other")

_ALWAYS_READ = frozenset({REPEAT, MADE_BY, SEED})

# So many small trees stay in the cache of a processor; larger blocks are slower.
_BLOCK = 64


class _Node:
    """A place in the trees: a branch in some measurements, a value in others, mostly one of the two."""

    __slots__ = ("children", "empty", "is_here", "is_leaf", "kept", "path", "values")

    def __init__(self, path: tuple[str, ...], kept: bool) -> None:
        self.path, self.kept = path, kept
        # A value in some measurement; in one of those that were chosen.
        self.is_leaf = self.is_here = False
        self.children: dict[str, _Node] = {}
        # The rows with a branch that has nothing in it.
        self.empty: list[int] = []
        self.values: list[Any] = []

    def put(self, values: Sequence[Any], rows: Sequence[int]) -> None:
        """Take the values of some measurements; `rows` ascends."""
        self.is_leaf = self.is_here = True
        if not self.kept:
            return
        column = self.values
        if type(values) is Numbers and not column and rows[0] == 0:
            self.values = values
            return
        if type(column) is Numbers:
            column = self.values = [*column]
        if isinstance(rows, range) and len(column) <= rows.start:
            column.extend([MISSING] * (rows.start - len(column)))
            column.extend(values)
            return
        column.extend([MISSING] * (rows[-1] + 1 - len(column)))
        for row, value in zip(rows, values, strict=True):
            column[row] = value

    def leads(self, path: Path) -> bool:
        """Whether a path leads to a branch or value, or into a value."""
        if not path or (self.is_leaf and self.path):
            return True
        child = self.children.get(str(path[0]))
        return child is not None and child.leads(path[1:])

    def walk(self) -> Iterator[_Node]:
        """Yield this node and all below it, in the order of the trees."""
        yield self
        for child in self.children.values():
            yield from child.walk()


class Columns:
    """Columns of plain values, one for each path; made by `collect`."""

    def __init__(self, ids: list[int], root: _Node, computed: dict[str, list[Any]]) -> None:
        self.ids, self.computed, self._root = ids, computed, root
        # The column of a path that no measurement has.
        self._nothing: list[Any] = []
        self._list_paths()

    def _list_paths(self) -> None:
        leaves = [node for node in self._root.walk() if node.is_leaf and "" not in node.path]
        self.known: list[Path] = [node.path for node in leaves]
        self.paths: list[Path] = [node.path for node in leaves if node.is_here]
        # Those of them whose values were kept.
        self.kept = {node.path for node in leaves if node.is_here and node.kept}

    @property
    def nameless(self) -> list[tuple[str, ...]]:
        """The keys that lead to values below an empty key, which no path leads to."""
        return [node.path for node in self._root.walk() if node.is_leaf and "" in node.path]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, path: Path) -> list[Any]:
        """Return a column; MISSING everywhere when no measurement has the path.

        A path may lead into lists and arrays (``results/E/0``).
        """
        if not self._root.leads(path):
            if len(self._nothing) != len(self.ids):
                self._nothing = [MISSING] * len(self.ids)
            return self._nothing
        return _column(self._root, path, len(self.ids))

    def leads(self, path: Path) -> bool:
        """Whether a path leads to a branch or value, or into a value, of any measurement."""
        return self._root.leads(path)

    def fill(self, path: Path, default: Any) -> None:
        """Let measurements without a path count as if `default` existed."""
        node = self._root
        for key in path:
            node = _child(node, str(key), None)
        values = node.values or [MISSING] * len(self.ids)
        node.values = [default if value is MISSING else value for value in values]
        if not node.is_here and self.ids:
            node.is_leaf = node.is_here = node.kept = True
            self._list_paths()

    def fold(self, path: Path) -> None:
        """Let the dictionaries at a path be values too, next to the columns of what is in them."""
        node = self._root
        for key in path:
            if str(key) not in node.children:
                return
            node = node.children[str(key)]
        if not (node.children or node.empty):
            return
        size = len(self.ids)
        bare = node.values or [MISSING] * size
        pairs = zip(_dictionaries(node, size), bare, strict=True)
        node.values = [value if dictionary is MISSING else dictionary for dictionary, value in pairs]
        node.is_leaf = node.is_here = node.kept = True
        self._list_paths()

    def rename(self, old: Path, new: Path) -> list[int]:
        """Let what stands at a path, and below it, stand at another one; what exists already wins.

        Return the ids of the measurements in which that has another value.
        """
        parent = node = self._root
        for key in old:
            if str(key) not in node.children:
                return []
            parent, node = node, node.children[str(key)]
        del parent.children[node.path[-1]]
        target = self._root
        for key in new:
            target = _child(target, str(key), lambda _: node.kept)
        hidden: set[int] = set()
        _merge(target, node, hidden)
        self._list_paths()
        return [self.ids[row] for row in sorted(hidden)]

    def drop(self, ids: Collection[int]) -> None:
        """Leave out the rows of some measurements."""
        rows = [row for row, id in enumerate(self.ids) if id not in ids]
        places = dict(zip(rows, range(len(rows)), strict=True))
        for node in self._root.walk():
            node.empty = [places[row] for row in node.empty if row in places]
            if node.values:
                node.values = [node.values[row] for row in rows]
        for name, column in self.computed.items():
            self.computed[name] = [column[row] for row in rows]
        self.ids = [self.ids[row] for row in rows]

    def repeats(self) -> list[Any]:
        """Return the number of each repeat; one without a number is the first."""
        if not self.leads(REPEAT):
            return Numbers(np.full(len(self), FIRST_REPEAT))
        return self[REPEAT]

    def expand_datasets(self) -> None:
        """Put the variables of Datasets in the place of these; one that is a parameter is one value."""
        for path in self.paths:
            column = self[path] if path in self.kept else []
            first = next((value for value in column if value is not MISSING), None)
            if stands_for_dataset(first) and not is_parameter(path):
                datasets = [value if value is MISSING else from_plain(value) for value in column]
                if all(value is MISSING or hasattr(value, "data_vars") for value in datasets):
                    self._expand(path, _variables_in(datasets))

    def _expand(self, path: Path, parts: Mapping[str, list[Any]]) -> None:
        """Put columns below a path in the place of its own."""
        node = self._root
        for key in path:
            node = node.children[str(key)]
        node.values, node.is_leaf, node.is_here = [], False, False
        for key, values in parts.items():
            child = _child(node, key, None)
            child.put(values, range(len(values)))
        self._list_paths()


def _variables_in(datasets: Sequence[Any]) -> dict[str, list[Any]]:
    names = dict.fromkeys(name for ds in datasets if ds is not MISSING for name in ds.data_vars)
    return {
        str(name): [MISSING if ds is MISSING or name not in ds.data_vars else ds[name] for ds in datasets]
        for name in names
    }


def _merge(target: _Node, source: _Node, hidden: set[int]) -> None:
    """Take values and children of another place, where there are none here; note the rows where others are."""
    target.is_leaf, target.is_here = target.is_leaf or source.is_leaf, target.is_here or source.is_here
    target.kept = target.kept or source.kept
    target.empty += source.empty
    if target.values and source.values:
        pairs = list(zip(target.values, source.values, strict=True))
        for row, (mine, theirs) in enumerate(pairs):
            if mine is not MISSING and theirs is not MISSING and not equal(mine, theirs):
                hidden.add(row)
        target.values = [theirs if mine is MISSING else mine for mine, theirs in pairs]
    else:
        target.values = target.values or source.values
    for name, child in source.children.items():
        _merge(_child(target, name, lambda _: child.kept), child, hidden)  # noqa: B023


def _dictionaries(node: _Node, size: int) -> list[Any]:
    """Return what stands below a node, as a dictionary for each row; MISSING where the node is not a branch."""
    rows: list[Any] = [MISSING] * size
    for row in node.empty:
        rows[row] = {}
    for key, child in node.children.items():
        column = child.values or [MISSING] * size
        for row, (value, inner) in enumerate(zip(column, _dictionaries(child, size), strict=True)):
            inner_value = inner if value is MISSING else value
            if inner_value is not MISSING:
                rows[row] = {} if rows[row] is MISSING else rows[row]
                rows[row][key] = inner_value
    return rows


def _column(node: _Node, segments: tuple[Any, ...], size: int) -> list[Any]:
    column = node.values or [MISSING] * size
    if not segments:
        return column
    if node.values:
        column = [_value_in(value, segments) for value in column]
    child = node.children.get(str(segments[0]))
    if child is None:
        return column
    below = _column(child, segments[1:], size)
    if not node.values:
        return below
    # A list in some measurements, a branch with keys of digits in others.
    return [above if value is MISSING else value for above, value in zip(column, below, strict=True)]


def _value_in(value: Any, segments: tuple[Any, ...]) -> Any:
    if not isinstance(value, (list, dict)):
        return MISSING
    try:
        return item(value, segments)
    except (KeyError, IndexError):
        return MISSING


class KnownPaths:
    """The paths of the trees that were added."""

    def __init__(self) -> None:
        self._root = _Node((), False)

    def add(self, tree: Tree) -> None:
        """Note the paths of a tree."""
        _note(self._root, [tree], lambda _: False)

    def __contains__(self, path: Path) -> bool:
        """Whether a path leads somewhere; one of a single key may be a name."""
        named = len(path) == 1 and any(node.path[-1:] == path for node in self._root.walk())
        return named or self._root.leads(path)


class StoredTrees:
    """Measurement trees that can be read several times."""

    def __init__(
        self,
        read: Callable[[], Iterator[IdAndTree]],
        unreported: Callable[[], Iterator[IdAndTree]],
        parts: Callable[[], Iterator[Block | IdAndTree]] | None = None,
    ):
        self.read, self.unreported, self.parts = read, unreported, parts or read

    def __iter__(self) -> Iterator[IdAndTree]:
        return self.read()


def keeper(texts: Collection[str], *, everything: bool, info: bool) -> Callable[[Path], bool]:
    """Return what says whether the values at a path are needed, for what is asked for by `texts`."""
    ends = {segment for request in texts for segment in split(request)[-1:]}
    escaped = [request for request in texts if "~" in request]

    def keep(path: Path) -> bool:
        kind = role(path)
        if kind == "class":
            # It tells apart objects of different classes with the same attributes, as parameters may be.
            return info or is_parameter(path) or any(request.endswith(CLASS) for request in texts)
        if kind == "parameter" or info or path in _ALWAYS_READ or (everything and kind in RESULTS):
            return True
        # The name of a path ends in its last key, a path in the escaped form of it; a branch is on the way.
        last = str(path[-1])
        is_asked = any(last in request for request in texts) or any(join((last,)) in text for text in escaped)
        return is_asked or not ends.isdisjoint(path)

    return keep


def without(trees: Iterable[IdAndTree], ids: Container[int]) -> Iterable[IdAndTree]:
    """Return the trees of all other ids; they can be read several times where the given ones can."""
    if isinstance(trees, StoredTrees):
        read, unreported, parts = trees.read, trees.unreported, trees.parts
        return StoredTrees(
            lambda: iter(without(read(), ids)),
            lambda: iter(without(unreported(), ids)),
            lambda: _parts_without(parts(), ids),
        )
    return (pair for pair in trees if pair[0] not in ids)


def without_values(trees: Iterable[IdAndTree], paths: Mapping[int, Iterable[Path]]) -> Iterable[IdAndTree]:
    """Return trees without the values at some paths, by ids; a measurement with such values must not come in a block."""

    def left(parts: Iterable[Any]) -> Iterator[Any]:
        for part in parts:
            if isinstance(part, tuple) and part[0] in paths:
                yield part[0], functools.reduce(cut, paths[part[0]], part[1])
            else:
                yield part

    if isinstance(trees, StoredTrees):
        read, unreported, parts = trees.read, trees.unreported, trees.parts
        return StoredTrees(lambda: left(read()), lambda: left(unreported()), lambda: left(parts()))
    return left(trees)


def _parts_without(parts: Iterable[Block | IdAndTree], ids: Container[int]) -> Iterator[Block | IdAndTree]:
    for part in parts:
        if isinstance(part, tuple):
            if part[0] not in ids:
                yield part
            continue
        mask = np.fromiter((id not in ids for id in part.ids), dtype=bool, count=len(part))
        if mask.any():
            yield part if mask.all() else part.only(mask)


def collect(
    trees: Iterable[tuple[int, Tree]],
    *,
    keep: _Keep = None,
    compute: Mapping[str, Computation] | None = None,
    choose: Choice | None = None,
) -> Columns:
    """Take the columns out of measurement trees, in one pass.

    >>> columns = collect([(1, {"results": {"E": 0.5}}), (2, {"results": {}})])
    >>> columns.paths, columns["results", "E"]
    ([('results', 'E')], [0.5, MISSING])
    """
    root, ids = _Node((), False), list[int]()
    computed: dict[str, list[Any]] = {name: [] for name in compute or {}}
    # What users' functions leave behind may have to be collected.
    with nullcontext() if compute or choose else no_collection():
        for part in _parts(trees, root, keep, compute, choose):
            rows = range(len(ids), len(ids) + len(part))
            if isinstance(part, Block):
                _absorb_block(root, part, rows, keep)
                ids.extend(part.ids)
                continue
            for name, function in (compute or {}).items():
                computed[name].extend([function(id, tree) for id, tree in part])
            _absorb(root, [tree for _, tree in part], rows, keep)
            ids.extend([id for id, _ in part])
    for node in root.walk():
        if node.values and len(node.values) < len(ids):
            node.values = [*node.values, *[MISSING] * (len(ids) - len(node.values))]
    if ids != sorted(ids):
        ids = _sort(ids, root, computed)
    return Columns(ids, root, computed)


def _parts(
    trees: Iterable[IdAndTree],
    root: _Node,
    keep: _Keep,
    compute: Mapping[str, Computation] | None,
    choose: Choice | None,
) -> Iterator[Block | list[IdAndTree]]:
    """Yield blocks of columns where trees come in such and are not looked at one by one, and trees some at a time."""
    in_blocks = isinstance(trees, StoredTrees) and not compute
    parts = trees.parts() if isinstance(trees, StoredTrees) and in_blocks else iter(trees)
    some: list[IdAndTree] = []
    for part in parts if choose is None else _noting(choose(trees, in_blocks), root, keep):
        if isinstance(part, Block):
            if some:
                yield some
            some = []
            yield part
            continue
        some.append(part)
        if len(some) == _BLOCK:
            yield some
            some = []
    if some:
        yield some


def _noting(
    judged: Iterable[tuple[Block | IdAndTree, bool | npt.NDArray[np.bool_]]], root: _Node, keep: _Keep
) -> Iterator[Block | IdAndTree]:
    """Yield what was chosen; note the paths of the rest, so that names do not depend on the choice."""
    unchosen: list[Tree] = []
    for part, chosen in judged:
        if isinstance(part, Block):
            _note_block(root, part, keep)
            if np.any(chosen):
                yield part.only(chosen)
        elif chosen:
            yield part
        else:
            unchosen.append(part[1])
            if len(unchosen) == _BLOCK:
                _note(root, unchosen, keep)
                unchosen.clear()
    _note(root, unchosen, keep)


def _note(node: _Node, trees: Sequence[Tree], keep: _Keep) -> None:
    """Note the paths of dictionaries that stand at one place."""
    for alike, _ in _alike(trees, range(len(trees))):
        for key, values in zip(alike[0], zip(*map(dict.values, alike), strict=True), strict=True):
            child = _child(node, key, keep)
            branches = (
                [v for v in values if type(v) is dict and not is_typed(v)]
                if dict in map(type, values)
                else ()
            )
            if branches:
                _note(child, branches, keep)
            if len(branches) < len(values):
                child.is_leaf = True


def _note_block(root: _Node, block: Block, keep: _Keep) -> None:
    """Note the paths of a block."""
    for place, (path, kind) in enumerate(block.leaves):
        node = _descend(root, path[:-1], keep)
        if kind == Kind.TYPED:
            _note(node, [{path[-1]: value} for value in block.values(place)], keep)
        elif kind == Kind.VALUE:
            _child(node, path[-1], keep).is_leaf = True


def _absorb(node: _Node, trees: Sequence[Tree], rows: Sequence[int], keep: _Keep) -> None:
    """Put dictionaries that stand at one place into the columns below it."""
    for alike, where in _alike(trees, rows):
        if not alike[0]:
            node.empty.extend(where)
            continue
        if TYPE in alike[0]:
            _absorb_arrays(node, alike, where, keep)
            continue
        for key, values in zip(alike[0], zip(*map(dict.values, alike), strict=True), strict=True):
            child = _child(node, key, keep)
            kinds = set(map(type, values))
            if dict not in kinds:
                child.put(values, where)
            elif len(kinds) == 1:
                _absorb(child, values, where, keep)
            else:
                branches, others = _parted(values, where, [type(value) is dict for value in values])
                child.put(*others)
                _absorb(child, *branches, keep)


@no_collection()
def _absorb_block(root: _Node, block: Block, rows: range, keep: _Keep) -> None:
    """Put the columns of a block into those of the nodes."""
    for place, (path, kind) in enumerate(block.leaves):
        node = _descend(root, path, keep)
        if kind == Kind.EMPTY:
            node.empty.extend(rows)
        elif kind == Kind.TYPED:
            _absorb_arrays(node, block.values(place), rows, keep)
        else:
            node.put(block.values(place) if node.kept else (), rows)


def _absorb_arrays(node: _Node, trees: Sequence[Tree], rows: Sequence[int], keep: _Keep) -> None:
    """Take stored arrays as values; a user's dictionary that only looks like one is a branch."""
    typed = [is_typed(tree) for tree in trees]
    if all(typed):
        if not (node.kept or node.is_here):
            # A variable may be asked for by its name, which only the Dataset knows.
            node.kept = any(keep is None or keep((*node.path, name)) for name in _variables_of(trees[0]))
        node.put(trees, rows)
        return
    arrays, branches = _parted(trees, rows, typed)
    if arrays[0]:
        node.put(*arrays)
    for tree, row in zip(*branches, strict=True):
        for key, value in tree.items():
            child = _child(node, key, keep)
            if isinstance(value, dict):
                _absorb(child, [value], [row], keep)
            else:
                child.put([value], [row])


def stands_for_dataset(node: Tree) -> bool:
    """Whether a node stands for a Dataset, here or in a file of its own."""
    if type(node) is not dict or not is_typed(node):
        return False
    return str(node.get("type" if is_external(node) else TYPE)).lower().endswith(".dataset")


def _variables_of(node: Tree) -> list[str]:
    """Return the names of the data variables of a node that stands for a Dataset; none of any other."""
    if not stands_for_dataset(node):
        return []
    try:
        return [str(name) for name in from_plain(node).data_vars]
    except DataFileError:
        # Who asks for it is told.
        return []


def _parted(
    values: Sequence[Any], rows: Sequence[int], chosen: Sequence[bool]
) -> tuple[tuple[list[Any], list[int]], tuple[list[Any], list[int]]]:
    """Return the chosen values with their rows, and the others."""
    inside = list(compress(values, chosen)), list(compress(rows, chosen))
    unchosen = [not choice for choice in chosen]
    return inside, (list(compress(values, unchosen)), list(compress(rows, unchosen)))


def _alike(trees: Sequence[Tree], rows: Sequence[int]) -> list[tuple[Sequence[Tree], Sequence[int]]]:
    """Group dictionaries by their keys; in most experiments that is one group."""
    if len(set(map(tuple, trees))) <= 1:
        return [(trees, rows)] if trees else []
    groups: dict[tuple[str, ...], tuple[list[Tree], list[int]]] = {}
    for tree, row in zip(trees, rows, strict=True):
        alike, where = groups.setdefault(tuple(tree), ([], []))
        alike.append(tree)
        where.append(row)
    return [*groups.values()]


def _child(node: _Node, key: str, keep: _Keep) -> _Node:
    child = node.children.get(key)
    if child is None:
        path = (*node.path, key)
        child = node.children[key] = _Node(path, keep is None or keep(path))
    return child


def _descend(node: _Node, path: Iterable[str], keep: _Keep) -> _Node:
    for key in path:
        node = _child(node, key, keep)
    return node


def _sort(ids: list[int], root: _Node, computed: dict[str, list[Any]]) -> list[int]:
    order = sorted(range(len(ids)), key=ids.__getitem__)
    places = sorted(range(len(ids)), key=order.__getitem__)
    for node in root.walk():
        node.empty = [places[row] for row in node.empty]
        if node.values:
            node.values = [node.values[row] for row in order]
    for name, column in computed.items():
        computed[name] = [column[row] for row in order]
    return [ids[row] for row in order]


Array = npt.NDArray[Any]
Attrs = dict[str, Any]

_NUMBERS = frozenset({int, float, complex})
SCALARS = LEAF_TYPES | {complex}
_NARROW = frozenset({np.float16, np.float32, np.complex64})

# Beyond this, a float does not tell two ints apart.
_EXACT = 2**53

# A fixed width for all texts is a waste where one of them is long.
_MAX_TEXT_BYTES = 1 << 26


def as_objects(values: Sequence[Any]) -> Array:
    """Return an object array, one item for each value, whatever these are."""
    return np.fromiter(values, dtype=object, count=len(values))


def as_array(values: Sequence[Any]) -> tuple[Array, Attrs]:
    """Return scalars as an array of one dimension, and attributes that state what was converted.

    >>> as_array([1, 2])
    (array([1, 2]), {})
    >>> as_array([1, None])
    (array([ 1., nan]), {'type': 'int or None', 'fill': 'NaN'})
    >>> as_array([True, 1])
    (array([True, 1], dtype=object), {})
    """
    if type(values) is Numbers:
        return np.array(values.array, dtype=values.array.dtype.newbyteorder("=")), {}
    kinds = set(map(type, values))
    if not kinds:
        return np.zeros(0), {}
    if kinds == {str}:
        return _texts(values), {}
    if kinds == {bool}:
        return np.array(values, dtype=bool), {}
    if type(None) in kinds and kinds - {type(None)} and kinds - {type(None)} <= _NUMBERS:
        array = _numbers([np.nan if value is None else value for value in values], kinds | {float})
        names = sorted(kind.__name__ for kind in kinds - {type(None)})
        fill = "None" if array.dtype == object else "NaN"
        return array, {"type": f"{' or '.join(names)} or None", "fill": fill}
    if kinds and kinds <= _NUMBERS:
        return _numbers(values, kinds), {}
    if kinds <= SCALARS:
        return as_objects(values), {}
    return _other_array(decoded(values))


def decoded(values: Sequence[Any]) -> list[Any]:
    """Return plain values with what they stand for: arrays, dates, Datasets, ..."""
    return [from_plain(value) if type(value) in (list, dict) else value for value in values]


def _other_array(values: Sequence[Any]) -> tuple[Array, Attrs]:
    """Return values of other types as an array: dates, durations and NumPy's own scalars, or objects."""
    times = time_array(values)
    if times is not None:
        present = [value for value in values if value is not None]
        is_date = any(type(value) is dt.date for value in present)
        if times.dtype == object or (len(present) == len(values) and not is_date):
            return times, {}
        lacking = {} if len(present) == len(values) else {"fill": "NaT"}
        name = "date" if is_date else f"{type(present[0]).__name__} or None"
        return times, {"type": name, **lacking}
    # NumPy joins durations in months with others by their mean length.
    if (
        len({type(value) for value in values}) == 1
        and isinstance(values[0], np.generic)
        and values[0].dtype.kind not in "mM"
    ):
        return np.array(values), {}
    if set(map(type, values)) & _NARROW:
        # Next to Python's floats, which hold them exactly.
        values = [value.item() if type(value) in _NARROW else value for value in values]
    if set(map(type, values)) <= SCALARS:
        # Stored in a form of their own, but plain: an int of any size, NaN.
        return as_array(values)
    return as_objects(values), {}


def utc(values: Sequence[Any]) -> list[Any] | None:
    """Return strings such as ``2026-11-22T13:20:07Z`` as dates, without a zone; None when one is not a date."""
    try:
        dates = [dt.datetime.fromisoformat(value) for value in values]
    except (TypeError, ValueError):
        return None
    return [date.astimezone(dt.UTC).replace(tzinfo=None) if date.tzinfo else date for date in dates]


def _texts(values: Sequence[str]) -> Array:
    size = 4 * len(values) * max(map(len, values))
    # NumPy takes zero characters off the end of a text.
    if size > _MAX_TEXT_BYTES or any(value.endswith("\0") for value in values):
        return as_objects(values)
    return np.array(values, dtype=str)


def _numbers(values: Sequence[Any], kinds: set[type]) -> Array:
    try:
        if kinds == {int}:
            return np.array(values, dtype=np.int64)
        if int in kinds and any(type(value) is int and abs(value) > _EXACT for value in values):
            return as_objects(values)
        return np.array(values, dtype=np.complex128 if complex in kinds else np.float64)
    except OverflowError:
        return as_objects(values)


def scatter(
    values: Sequence[Any],
    cells: Array,
    size: int,
    *,
    full: bool,
    fill: Any = AS_NEEDED,
    keeps_none: bool = False,
) -> tuple[Array, Attrs]:
    """Put scalars into the cells of an array; of objects, if it has None to be distinguished from NaN."""
    if lacks(values):
        present = np.fromiter((value is not MISSING for value in values), dtype=bool, count=len(values))
        values, cells = [value for value in values if value is not MISSING], cells[present]
        full = len(np.unique(cells)) == size
    if keeps_none and type(None) in set(map(type, values)):
        return place(as_objects(decoded(values)), cells, size, {}, full=full, fill=np.nan)
    array, attrs = as_array(values)
    return place(array, cells, size, attrs, full=full, fill=fill)


def place(
    array: Array, cells: Array, size: int, attrs: Attrs, *, full: bool, fill: Any = AS_NEEDED
) -> tuple[Array, Attrs]:
    """Put the items of an array, along its first axis, into the cells of another one; the others stay holes."""
    if full:
        out = np.empty((size, *array.shape[1:]), dtype=array.dtype)
    else:
        array, hole, attrs = with_holes(array, attrs, fill)
        out = np.full((size, *array.shape[1:]), hole, dtype=array.dtype)
    out[cells] = array
    return out, attrs


def with_holes(array: Array, attrs: Attrs, fill: Any = AS_NEEDED) -> tuple[Array, Any, Attrs]:
    """Return an array that can hold what stands in holes, and this."""
    kind = array.dtype.kind
    if fill is not AS_NEEDED:
        return _with_fill(array, attrs, fill)
    if kind in "fc":
        return array, np.nan, attrs
    if kind in "mM":
        return array, np.array("NaT", dtype=array.dtype)[()], attrs
    if kind in "iu" and (not array.size or (array.max() <= _EXACT and array.min() >= -_EXACT)):
        return array.astype(np.float64), np.nan, {"type": "int", "fill": "NaN", **attrs}
    type_name = _TYPE_NAMES.get(kind)
    return array.astype(object), None, {"type": type_name, "fill": "None", **attrs} if type_name else attrs


def _with_fill(array: Array, attrs: Attrs, fill: Any) -> tuple[Array, Any, Attrs]:
    """Return an array that can hold what the user wants in holes; the type changes only if it must."""
    kind, hole = array.dtype.kind, np.asarray(fill)
    if fill is None or kind + hole.dtype.kind not in _FILLABLE:
        dtype = np.dtype(object)
    elif kind in "iu" and hole.dtype.kind in "iu":
        # An int keeps its width, unless the fill does not go into it.
        dtype = np.result_type(array.dtype, np.min_scalar_type(fill))
    elif kind in "mMfc" and hole.dtype.kind != "c":
        dtype = array.dtype
    else:
        dtype = np.result_type(array.dtype, hole.dtype)
    shown = fill if isinstance(fill, (bool, int, str)) else "NaN" if fill != fill else str(fill)  # noqa: PLR0124
    type_attrs = {"type": _TYPE_NAMES[kind]} if dtype.kind != kind and kind in _TYPE_NAMES else {}
    return array.astype(dtype), fill, {**type_attrs, **attrs, "fill": shown}


# Kinds of arrays, each with a kind of fill that does not make objects of them.
_FILLABLE = {"UU", "bb", "mm", "MM", *(a + b for a in "biuf" for b in "iuf"), "cf", "ci", "cu", "cc", "fc"}

_TYPE_NAMES = {"i": "int", "u": "int", "b": "bool", "U": "str", "f": "float", "c": "complex"}


@no_collection()
def factorize(values: Sequence[Any]) -> tuple[Array, Array]:
    """Number the distinct ones of some values.

    >>> factorize([3, 1.0, 1, float("nan")])
    (array([1, 0, 0, 2]), array([ 1.,  3., nan]))
    """
    if type(values) is Numbers:
        if values.coded is None:
            array = as_array(values)[0]
            _, firsts, codes = np.unique(array, return_index=True, return_inverse=True)
            values.coded = codes, array[firsts]
        coded: tuple[Array, Array] = values.coded
        return coded
    parts = keys(values)
    # Backwards, so that the first of equal values stays.
    first_of = dict(zip(reversed(parts), reversed(values), strict=True))
    order = in_order(dict.fromkeys(parts))
    numbers = dict(zip(order, range(len(order)), strict=True))
    codes = np.fromiter(map(numbers.__getitem__, parts), dtype=np.intp, count=len(parts))
    return codes, _labels([first_of[part] for part in order])


def _labels(values: Sequence[Any]) -> Array:
    """Return distinct values as an array of distinct labels."""
    kinds = set(map(type, values))
    if kinds <= SCALARS:
        return as_objects(values) if type(None) in kinds else as_array(values)[0]
    labels = [value if type(value) in SCALARS or value is MISSING else _label(value) for value in values]
    if len(set(map(type, labels))) > 1:
        # NumPy compares its narrow numbers with Python's as if these were narrow too.
        labels = [label.item() if isinstance(label, np.floating) else label for label in labels]
    array = as_array(labels)[0]
    if any(label is None for label in labels) or len(set(keys(list(array)))) < len(labels):
        return as_objects(labels)
    return array


def _label(value: Any) -> Any:
    """Return what labels a dim for a value that is not a plain scalar: itself, or its text."""
    meant = from_plain(value) if is_typed(value) else value
    if isinstance(meant, Hashable):
        return meant
    if isinstance(meant, np.ndarray):
        if not meant.ndim and isinstance(meant[()], Hashable):
            return meant[()]
        meant = (meant.astype(str) if meant.dtype.kind in "mM" else meant).tolist()
    return json.encode(to_plain(meant), pretty=False).decode()


def distinct(numbers: Array) -> int:
    """Return how many different numbers there are."""
    # Counting is faster than sorting or hashing where the numbers are not spread wide.
    if int(numbers.max(initial=0)) <= 8 * len(numbers) + 1024:
        return int(np.count_nonzero(np.bincount(numbers)))
    return len(np.unique(numbers))


def numbered(keys: Iterable[Array], sizes: Iterable[int]) -> tuple[Array, int]:
    """Combine numbers into one: return the number of each row's combination, and how many could be."""
    out, total = None, 1
    for key, size in zip(keys, sizes, strict=True):
        if out is not None and total * size >= 1 << 62:
            out = np.unique(out, return_inverse=True)[1]
            total = int(out.max(initial=-1)) + 1
        out = key if out is None else out * size + key
        total *= size
    return (np.zeros(0, dtype=np.intp) if out is None else out), total

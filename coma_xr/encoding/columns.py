"""Plain trees as binary columns, and back: one block for the trees of each structure.

Each block holds the paths of one structure, and a column of bytes for each path: numbers as arrays, repeated strings as
indices into a table, everything else as MessagePack.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from enum import IntEnum
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

import msgspec

from coma_xr.errors import DataFileError
from coma_xr.tree import LEAF_TYPES, MAX_DEPTH, TYPE, Numbers

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]
    Stamps = npt.NDArray[np.int64]

Tree = Any

# Trees that are built together; enough of them for the processor, and few enough for its memory.
_CHUNK = 1024

# Fewer trees of one structure than this are not stored as columns: each would cost more than its values.
_FEWEST = 8

_NOTHING = memoryview(b"")
_LARGEST = 2**63 - 1

# What is the same file as long as these are the same: size, time of change, time of change of the inode, inode.
STAMP_SIZE = 4


class Kind(IntEnum):
    """The kind of a path of a structure: a value, a dictionary without keys, or a dictionary that stands for a value."""

    VALUE = 0
    EMPTY = 1
    TYPED = 2


Leaf = tuple[tuple[str, ...], int]

# Trees that are stored whole, since too few have their structure.
_LOOSE: tuple[Leaf, ...] = (((), Kind.TYPED),)


class Column(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """The values at one path: how they are stored, the bytes, the items of each value, and a table of strings."""

    code: str
    data: memoryview
    width: int = 0
    table: list[str] | None = None


class Piece(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """Trees of one structure as they are stored: their ids, the stamps of their files, the paths and the columns."""

    ids: memoryview
    stamps: memoryview
    leaves: list[tuple[list[str], int]]
    columns: list[Column]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode
_decode_piece = msgspec.msgpack.Decoder(Piece).decode


def encode_trees(rows: Sequence[tuple[int, Sequence[int], Tree]]) -> list[bytes]:
    """Return the pieces that hold trees, each with its id and the stamp of its file; those that fit in none are left out.

    >>> pieces = encode_trees([(n, (30, 0, 0, n), {"results": {"y": n / 2}}) for n in range(1, 10)])
    >>> [block] = blocks([(StoredPiece(piece), None) for piece in pieces])
    >>> dict(block.trees())[3]
    {'results': {'y': 1.5}}
    """
    pieces = []
    few: list[int] = []
    for places, leaves in _by_structure([tree for _, _, tree in rows]):
        if len(places) < _FEWEST:
            few += places
            continue
        try:
            pieces.append(_piece([rows[place] for place in places], leaves))
        except _UNFIT:
            few += places
    loose = [rows[place] for place in sorted(few) if _is_fit(rows[place][2])]
    if loose:
        pieces.append(_piece(loose, [((), Kind.TYPED, [tree for _, _, tree in loose])]))
    return pieces


# What MessagePack raises for strings that have no UTF-8, long ints and deep trees.
_UNFIT = (OverflowError, UnicodeEncodeError, TypeError, ValueError, RecursionError)


def _is_fit(tree: Tree) -> bool:
    try:
        _encode(tree)
    except _UNFIT:
        return False
    return True


def _piece(rows: Sequence[tuple[int, Sequence[int], Tree]], leaves: Sequence[tuple[Any, int, Any]]) -> bytes:
    import numpy as np

    ids = np.array([id for id, _, _ in rows], dtype="<i8").data.cast("B")
    stamps = np.array([stamp for _, stamp, _ in rows], dtype="<i8").data.cast("B")
    columns = [Column("n", _NOTHING) if kind == Kind.EMPTY else _column(values) for _, kind, values in leaves]
    return _encode(Piece(ids, stamps, [(list(path), int(kind)) for path, kind, _ in leaves], columns))


def _column(values: Sequence[Any]) -> Column:
    import numpy as np

    kinds = set(map(type, values))
    if kinds == {float}:
        return Column("f", np.array(values, dtype="<f8").data.cast("B"))
    if kinds == {int} and max(values) <= _LARGEST and min(values) >= -_LARGEST:
        return Column("i", np.array(values, dtype="<i8").data.cast("B"))
    if kinds == {str}:
        table = dict.fromkeys(values)
        if 2 * len(table) <= len(values):
            places = dict(zip(table, range(len(table)), strict=True))
            codes = np.fromiter(map(places.__getitem__, values), dtype="<u4", count=len(values))
            return Column("s", codes.data.cast("B"), table=[*table])
    if kinds == {list}:
        (width, *others) = set(map(len, values))
        inner: set[type] = (
            set().union(*(map(type, value) for value in values)) if width and not others else set()
        )
        if inner == {float}:
            return Column("f", np.array(values, dtype="<f8").data.cast("B"), width)
        if inner == {int} and all(max(value) <= _LARGEST and min(value) >= -_LARGEST for value in values):
            return Column("i", np.array(values, dtype="<i8").data.cast("B"), width)
    if kinds == {type(None)}:
        return Column("n", _NOTHING)
    return Column("m", memoryview(_encode(list(values))))


Group = tuple[list[int], list[tuple[tuple[str, ...], int, Sequence[Any]]]]


def _by_structure(trees: Sequence[Tree]) -> Iterator[Group]:
    """Yield the places of the trees of each structure, with the values at each of its paths."""
    todo = [list(range(len(trees)))] if trees else []
    while todo:
        places = todo.pop()
        leaves: list[tuple[tuple[str, ...], int, Sequence[Any]]] = []
        parts = _flatten([trees[place] for place in places], (), leaves)
        if parts is None:
            yield places, leaves
        else:
            todo += [[places[i] for i in part] for part in parts]


def _flatten(
    nodes: Sequence[dict[str, Any]], path: tuple[str, ...], leaves: list[Any]
) -> list[list[int]] | None:
    """Add the leaves of dictionaries of one structure; of several structures return which ones are alike here."""
    if len(set(map(tuple, nodes))) > 1:
        return _parted(map(tuple, nodes))
    if not nodes[0]:
        leaves.append((path, Kind.EMPTY, ()))
    for key, values in zip(nodes[0], zip(*map(dict.values, nodes), strict=True), strict=True):
        kinds = set(map(type, values))
        place = (*path, key)
        if dict not in kinds:
            leaves.append((place, Kind.VALUE, values))
            continue
        if len(kinds) > 1:
            return _parted(type(value) is dict for value in values)
        typed = {TYPE in value for value in values}
        if len(typed) > 1:
            return _parted(TYPE in value for value in values)
        if typed == {True}:
            leaves.append((place, Kind.TYPED, values))
        elif (parts := _flatten(values, place, leaves)) is not None:
            return parts
    return None


def _parted(names: Iterable[Any]) -> list[list[int]]:
    parts: dict[Any, list[int]] = {}
    for i, name in enumerate(names):
        parts.setdefault(name, []).append(i)
    return [*parts.values()]


# The codes of columns of numbers.
_DTYPES = {"f": "<f8", "i": "<i8"}


class StoredPiece:
    """A piece that was read, and checked as far as that does not need its values.

    Raise DataFileError when the sizes of its parts contradict each other.
    """

    def __init__(self, data: memoryview | bytes) -> None:
        import numpy as np

        self.data = data
        try:
            piece = _decode_piece(data)
            self.ids: Ids = np.frombuffer(piece.ids, "<i8")
            self.stamps: Stamps = np.frombuffer(piece.stamps, "<i8").reshape(len(self.ids), STAMP_SIZE)
        except (msgspec.MsgspecError, RecursionError, ValueError) as error:
            raise DataFileError(f"no piece of columns: {error}") from error
        self.leaves: tuple[Leaf, ...] = tuple((tuple(path), kind) for path, kind in piece.leaves)
        self._columns = piece.columns
        number = len(self.ids)
        sound = (
            len(self.leaves) == len(self._columns)
            and number
            and self.ids[0] > 0
            and (self.ids[1:] > self.ids[:-1]).all()
        )
        if not sound or not all(_fits(column, number) for column in self._columns):
            raise DataFileError("no piece of columns: its parts differ from the stated sizes")

    def __len__(self) -> int:
        return len(self.ids)

    def check(self) -> None:
        """Raise DataFileError for what no tree of a file holds: other types, paths within values, more than its size."""
        sizes = self.stamps[:, 0]
        if not _is_structure(self.leaves, int(sizes.min())):
            raise DataFileError("no piece of columns: its paths are not those of trees")
        for place, (_, kind) in enumerate(self.leaves):
            column = self._columns[place]
            values = self.values(place) if column.code == "m" or kind == Kind.TYPED else ()
            if not (_holds(values, kind, self.leaves == _LOOSE) and _is_within(column, sizes)):
                raise DataFileError("no column: its values are not those of trees")

    def array(self, place: int, rows: Any = None) -> Any:
        """Return the values at one of the paths as an array; None where they are not single numbers."""
        import numpy as np

        column = self._columns[place]
        if column.width or column.code not in _DTYPES or self.leaves[place][1] != Kind.VALUE:
            return None
        return _taken(np.frombuffer(column.data, _DTYPES[column.code]), rows)

    def values(self, place: int, rows: Any = None) -> list[Any]:
        """Return the values at one of the paths, by default of all rows."""
        import numpy as np

        column, number = self._columns[place], len(self.ids)
        if column.code == "n" or self.leaves[place][1] == Kind.EMPTY:
            return [None] * (number if rows is None else len(rows))
        if column.code == "s":
            codes = _taken(np.frombuffer(column.data, "<u4"), rows).tolist()
            return list(map((column.table or []).__getitem__, codes))
        if column.code == "m":
            try:
                values = _decode(column.data)
            except (msgspec.MsgspecError, RecursionError) as error:
                raise DataFileError(f"no column: {error}") from error
            if type(values) is not list or len(values) != number:
                raise DataFileError("no column: another number of values")
            return values if rows is None else [values[row] for row in rows.tolist()]
        array = np.frombuffer(column.data, _DTYPES[column.code])
        found: list[Any] = _taken(
            array.reshape(number, column.width) if column.width else array, rows
        ).tolist()
        return found


def _fits(column: Column, number: int) -> bool:
    import numpy as np

    if column.code == "s":
        codes = np.frombuffer(column.data, "<u4") if len(column.data) == 4 * number else None
        return codes is not None and int(codes.max()) < len(column.table or ())
    if column.code in _DTYPES:
        return column.width >= 0 and len(column.data) == 8 * number * max(1, column.width)
    return column.code in ("m", "n")


def _is_structure(leaves: tuple[Leaf, ...], size: int) -> bool:
    """Whether files of some size can have these paths: none lies within another."""
    if leaves == _LOOSE:
        return True
    paths = sorted(path for path, _ in leaves)
    return (
        len(paths) <= size
        and all(0 <= kind <= Kind.TYPED for _, kind in leaves)
        and all(
            0 < len(path) < MAX_DEPTH and path != after[: len(path)] for path, after in pairwise([*paths, ()])
        )
    )


def _is_within(column: Column, sizes: npt.NDArray[np.int64]) -> bool:
    """Whether no string is longer than the file that it is from."""
    import numpy as np

    if column.code != "s":
        return True
    lengths = np.array([len(text) for text in column.table or ()])
    return bool((lengths[np.frombuffer(column.data, "<u4")] <= sizes).all())


_PLAIN = LEAF_TYPES | {list, dict}


def _holds(values: Sequence[Any], kind: int, is_loose: bool) -> bool:
    """Whether the values are plain, and dictionaries only where the kind of the path allows them."""
    kinds = set(map(type, values))
    if kind != Kind.TYPED:
        return dict not in kinds and _is_plain(values)
    return kinds == {dict} and (is_loose or all(TYPE in value for value in values)) and _is_plain(values)


def _is_plain(values: Sequence[Any]) -> bool:
    """Whether JSON can hold the values, and they are not deeper than a file may be."""
    for _ in range(MAX_DEPTH):
        kinds = set(map(type, values))
        if not kinds <= _PLAIN:
            return False
        if not kinds & {list, dict}:
            return True
        lists = [value for value in values if type(value) is list] if list in kinds else []
        dicts = [value for value in values if type(value) is dict] if dict in kinds else []
        if not set(map(type, chain.from_iterable(dicts))) <= {str}:
            return False
        values = [*chain.from_iterable(lists), *chain.from_iterable(map(dict.values, dicts))]
    return False


class Block:
    """Trees of one structure, by the order of their ids if they were stored so."""

    def __init__(self, leaves: tuple[Leaf, ...], pieces: list[tuple[StoredPiece, Any]]) -> None:
        import numpy as np

        pieces.sort(key=lambda pair: _taken(pair[0].ids, pair[1])[0])
        self.leaves, self._pieces = leaves, pieces
        self._places = {path: place for place, (path, _) in enumerate(leaves)}
        ids = np.concatenate([_taken(piece.ids, rows) for piece, rows in pieces])
        is_sorted = bool((ids[1:] > ids[:-1]).all())
        self._order = None if is_sorted else np.argsort(ids, kind="stable")
        self.ids: list[int] = (ids if is_sorted else np.sort(ids)).tolist()

    @property
    def is_loose(self) -> bool:
        """Whether these are trees of different structures, without columns."""
        return self.leaves == _LOOSE

    def __len__(self) -> int:
        return len(self.ids)

    def values(self, place: int) -> list[Any]:
        """Return the values at one of the paths, in the order of the ids."""
        import numpy as np

        arrays = [piece.array(place, rows) for piece, rows in self._pieces]
        dtypes = {None if array is None else array.dtype for array in arrays}
        if len(dtypes) == 1 and None not in dtypes:
            array = _taken(np.concatenate(arrays), self._order)
            return array.tolist() if array.dtype.kind == "f" and np.isnan(array).any() else Numbers(array)
        found: list[Any] = []
        for piece, rows in self._pieces:
            found += piece.values(place, rows)
        return found if self._order is None else [found[row] for row in self._order.tolist()]

    def column(self, path: Sequence[Any]) -> list[Any] | None:
        """Return the values at a path, None where these are not values or lie within others."""
        place = self._places.get(tuple(path))
        return None if place is None or self.leaves[place][1] != Kind.VALUE else self.values(place)

    def only(self, chosen: Any) -> Block:
        """Return the block of those trees for which an array of bool holds, at least one; by the order of the ids."""
        import numpy as np

        is_chosen = np.empty(len(self.ids), dtype=bool)
        is_chosen[slice(None) if self._order is None else self._order] = chosen
        pairs, start = [], 0
        for piece, rows in self._pieces:
            number = len(piece if rows is None else rows)
            places = np.flatnonzero(is_chosen[start : start + number])
            start += number
            if len(places):
                pairs.append((piece, _taken(rows, places) if rows is not None else places))
        return Block(self.leaves, pairs)

    def lacks(self, path: Sequence[Any]) -> bool:
        """Whether no tree has anything at a path."""
        path = tuple(path)
        return not any(leaf[: len(path)] == path[: len(leaf)] for leaf, _ in self.leaves)

    def trees(self, branches: Collection[str] | None = None) -> Iterator[tuple[int, Tree]]:
        """Yield ids and trees in the order of the ids; of these only the branches of some names, if any are given."""
        if self.is_loose:
            yield from zip(self.ids, self.values(0), strict=True)
            return
        places = [
            place for place, (path, _) in enumerate(self.leaves) if branches is None or path[0] in branches
        ]
        if self._order is None:
            for piece, rows in self._pieces:
                columns = {place: piece.values(place, rows) for place in places}
                yield from self._built(_taken(piece.ids, rows).tolist(), columns)
        else:
            yield from self._built(self.ids, {place: self.values(place) for place in places})

    def _built(self, ids: list[int], columns: dict[int, list[Any]]) -> Iterator[tuple[int, Tree]]:
        root = _nested([(self.leaves[place], place) for place in columns])
        for start in range(0, len(ids), _CHUNK):
            part = {place: values[start : start + _CHUNK] for place, values in columns.items()}
            some = ids[start : start + _CHUNK]
            yield from zip(some, _dictionaries(root, part, len(some)), strict=True)

    def pieces(self) -> Iterator[memoryview | bytes]:
        """Yield the pieces that hold exactly these trees."""
        import numpy as np

        for piece, rows in self._pieces:
            if rows is None:
                yield piece.data
                continue
            leaves = [
                (path, kind, piece.values(place, rows)) for place, (path, kind) in enumerate(piece.leaves)
            ]
            ids, stamps = piece.ids[rows].tolist(), np.take(piece.stamps, rows, axis=0).tolist()
            yield _piece([(id, stamp, None) for id, stamp in zip(ids, stamps, strict=True)], leaves)


def _taken(values: Any, rows: Any) -> Any:
    return values if rows is None else values[rows]


def _nested(leaves: Sequence[tuple[Leaf, int]]) -> dict[str, Any]:
    """Return the structure of trees, with the place of a column in the place of each value, None for an empty dictionary."""
    root: dict[str, Any] = {}
    for (path, kind), place in leaves:
        node = root
        for key in path[:-1]:
            node = node.setdefault(key, {})
        node[path[-1]] = None if kind == Kind.EMPTY else place
    return root


def _dictionaries(node: dict[str, Any], columns: dict[int, list[Any]], number: int) -> list[dict[str, Any]]:
    if not node:
        return [{} for _ in range(number)]
    keys = tuple(node)
    parts: list[list[Any]] = [
        [{} for _ in range(number)]
        if child is None
        else columns[child]
        if type(child) is int
        else _dictionaries(child, columns, number)
        for child in node.values()
    ]
    return [dict(zip(keys, values, strict=True)) for values in zip(*parts, strict=True)]


def blocks(pieces: Sequence[tuple[StoredPiece, Any]]) -> list[Block]:
    """Return the trees of pieces, of each only some rows if they are given, as a block for each structure.

    They are in the order of their first ids.
    """
    alike: dict[tuple[Leaf, ...], list[tuple[StoredPiece, Any]]] = {}
    for piece, rows in pieces:
        alike.setdefault(piece.leaves, []).append((piece, rows))
    return sorted((Block(leaves, some) for leaves, some in alike.items()), key=lambda block: block.ids[0])

"""The long form of a table: a row for each item of lists and arrays, with its number and coordinates."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from coma_xr.errors import LayoutError
from coma_xr.retrieve.arrays import Array
from coma_xr.retrieve.columns import MISSING
from coma_xr.retrieve.labelled import nearly_equal
from coma_xr.retrieve.unfold import measure
from coma_xr.same import equal
from coma_xr.text import listing

if TYPE_CHECKING:
    from coma_xr.retrieve.unfold import Folded

__all__ = ["long_columns"]


# These are Python's own when they are stored.
_PYTHONS = (np.bool_, np.int64, np.float64, np.str_)


@dataclass(frozen=True)
class _Coord:
    """A coordinate of DataArrays: the levels that it is along, and its values by row."""

    levels: tuple[int, ...]
    values: dict[int, Array]

    def at(self, place: tuple[int, ...]) -> Any:
        """Return the value for an item, whose place is its row and its positions."""
        if place[0] not in self.values:
            return MISSING
        value = self.values[place[0]][tuple([place[level + 1] for level in self.levels])]
        return value.item() if isinstance(value, _PYTHONS) else value


@dataclass(frozen=True)
class _Spread:
    """One column of lists, item after item."""

    values: list[Any]
    rows: Array
    numbers: list[Array]
    dims: tuple[str, ...]
    coords: dict[str, _Coord]
    labels: dict[int, _Coord]

    def contradicts(self, other: _Spread) -> bool:
        """Whether items at one position have different labels in both."""
        pairs = [
            (self.labels[level].values, other.labels[level].values)
            for level in self.labels
            if level in other.labels
        ]
        return any(
            not (equal(mine[row], theirs[row]) or nearly_equal(mine[row], theirs[row]))
            for mine, theirs in pairs
            for row in mine
            if row in theirs
        )

    def alike(self, other: _Spread) -> bool:
        """Whether both have the same items in the same rows."""
        pairs = zip([self.rows, *self.numbers], [other.rows, *other.numbers], strict=False)
        return len(self.numbers) == len(other.numbers) and all(np.array_equal(a, b) for a, b in pairs)


def long_columns(
    columns: Mapping[str, list[Any]], dims: Mapping[str, Sequence[str]], size: int
) -> tuple[dict[str, list[Any]], list[int]]:
    """Return columns with a row for each item of lists, and the row that each came from.

    Columns whose lists have the same lengths everywhere, or the same dims by name, stand side by side. Others
    follow one another: a row has the items of one group, and is missing in the columns of the others. All else is repeated.

    Raises
    ------
    LayoutError
        When more dims are named than a column has levels.

    Examples
    --------
    >>> long_columns({"a": [1, 2], "E": [[5, 6], [7]]}, {}, 2)
    ({'a': [1, 1, 2], 'E_index': [1, 2, 1], 'E': [5, 6, 7]}, [0, 0, 1])
    """
    spread = {name: found for name, column in columns.items() if (found := _spread(name, column, dims))}
    groups = _groups(spread)
    if not groups:
        return {name: list(column) for name, column in columns.items()}, list(range(size))
    blocks = [_block(group, spread, columns) for group in groups]
    rows = np.concatenate([block.rows for block in blocks])
    # A measurement without any list keeps its row.
    empty = np.setdiff1d(np.arange(size), rows)
    order = np.argsort(np.concatenate([rows, empty]), kind="stable")
    out: dict[str, list[Any]] = {}
    for name, column in columns.items():
        if name not in spread:
            out[name] = [column[row] for row in np.concatenate([rows, empty])[order].tolist()]
    for name, parts in _filled(blocks, list(spread)).items():
        items = [*parts, *([MISSING] * len(empty))]
        out[name] = [items[place] for place in order.tolist()]
    return out, np.concatenate([rows, empty])[order].tolist()


def _spread(name: str, column: Sequence[Any], dims: Mapping[str, Sequence[str]]) -> _Spread | None:
    present = [value for value in column if value is not MISSING]
    if not present or not all(_has_items(value) for value in present):
        return None
    folded = measure(column)
    if folded is None or not folded.shape:
        return None
    given = list(dims.get(name, ()))
    if len(given) > len(folded.shape):
        raise LayoutError(
            f"'{name}' was given the dims {listing(given)}, but has lists of {len(folded.shape)} levels."
        )
    values, numbers, rows = _items(folded)
    own = tuple(given or folded.dims)
    coords = {}
    for coord, (along, labelled, _) in folded.coords.items():
        pairs = zip(folded.there.tolist(), labelled, strict=True)
        by_row = {row: np.asarray(value) for row, value in pairs if value is not MISSING}
        coords[coord] = _Coord(tuple(map(folded.dims.index, along)), by_row)
    dims_of = enumerate(folded.dims)
    labels = {i: coords.pop(dim) for i, dim in dims_of if dim in coords and coords[dim].levels == (i,)}
    return _Spread(values, rows, numbers, own, coords, labels)


def _has_items(value: Any) -> bool:
    return isinstance(value, (list, dict)) or getattr(value, "ndim", 0) > 0


def _items(folded: Folded) -> tuple[list[Any], list[Array], Array]:
    """Return all items, their positions at each level, and the rows that they come from."""
    if folded.stacked:
        arrays = folded.arrays
        values = [item for array in arrays for item in array.ravel().tolist()]
        places = [np.indices(array.shape).reshape(array.ndim, -1) for array in arrays]
        numbers = list(np.concatenate(places, axis=1))
        return values, numbers, np.repeat(folded.there, [array.size for array in arrays])
    rows, numbers = folded.there, list[Array]()
    for length in folded.lengths:
        rows = np.repeat(rows, length)
        ends = np.cumsum(length)
        counting = np.arange(ends[-1] if ends.size else 0) - np.repeat(ends - length, length)
        numbers = [*(np.repeat(number, length) for number in numbers), counting]
    return list(folded.values), numbers, rows


def _groups(spread: Mapping[str, _Spread]) -> list[list[str]]:
    """Return which columns stand side by side."""
    groups: list[list[str]] = []
    for name, one in spread.items():
        for group in groups:
            first = spread[group[0]]
            if (
                one.dims == first.dims
                and (one.dims or one.alike(first))
                and not any(one.contradicts(spread[other]) for other in group)
            ):
                group.append(name)
                break
        else:
            groups.append([name])
    return groups


@dataclass(frozen=True)
class _Block:
    """Columns side by side, with the numbers of their items."""

    rows: Array
    columns: dict[str, list[Any]]


def _block(group: Sequence[str], spread: Mapping[str, _Spread], taken: Container[str]) -> _Block:
    first = spread[group[0]]
    places = {_place: None for name in group for _place in _places(spread[name])}
    order = sorted(places)
    levels = len(first.numbers)
    dims = [*first.dims, *(_number(group[0], level) for level in range(len(first.dims), levels))]
    columns: dict[str, list[Any]] = {}
    for level, dim in enumerate(dims):
        labels = [spread[name].labels[level] for name in group if level in spread[name].labels]
        at = [next((label.at(p) for label in labels if p[0] in label.values), MISSING) for p in order]
        columns[f"{group[0]}_{dim}" if dim in taken else dim] = [
            place[level + 1] + 1 if label is MISSING else label
            for place, label in zip(order, at, strict=True)
        ]
    for name in group:
        for coord, values in spread[name].coords.items():
            column = [values.at(place) for place in order]
            is_same = coord in columns and all(map(equal, columns[coord], column))
            if not is_same:
                columns[f"{name}_{coord}" if coord in taken or coord in columns else coord] = column
    for name in group:
        items = dict(zip(_places(spread[name]), spread[name].values, strict=True))
        columns[name] = [items.get(place, MISSING) for place in order]
    return _Block(np.array([place[0] for place in order], dtype=np.intp), columns)


def _places(one: _Spread) -> list[tuple[int, ...]]:
    return list(zip(one.rows.tolist(), *(number.tolist() for number in one.numbers), strict=True))


def _number(name: str, level: int) -> str:
    return f"{name}_index" + (f"_{level + 1}" if level else "")


def _filled(blocks: Sequence[_Block], names: Sequence[str]) -> dict[str, list[Any]]:
    """Return the columns of all blocks, one below the other: the numbers first."""
    numbers = [name for block in blocks for name in block.columns if name not in names]
    return {
        name: [item for block in blocks for item in block.columns.get(name, [MISSING] * len(block.rows))]
        for name in [*dict.fromkeys(numbers), *names]
    }

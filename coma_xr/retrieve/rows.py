"""The long form of a table: a row for each item of lists and arrays, with its number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from coma_xr.errors import LayoutError
from coma_xr.retrieve.arrays import Array
from coma_xr.retrieve.columns import MISSING
from coma_xr.retrieve.unfold import measure
from coma_xr.text import listing

if TYPE_CHECKING:
    from coma_xr.retrieve.unfold import Folded

__all__ = ["long_columns"]


@dataclass(frozen=True)
class _Spread:
    """One column of lists, item after item."""

    values: list[Any]
    rows: Array
    numbers: list[Array]
    dims: tuple[str, ...]
    labels: dict[int, dict[int, list[Any]]]

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
    blocks = [_block(group, spread) for group in groups]
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
    return _Spread(values, rows, numbers, own, _labels(folded))


def _labels(folded: Folded) -> dict[int, dict[int, list[Any]]]:
    """Return the coordinates of the dims of DataArrays, by level and row."""
    labels = {}
    for level, dim in enumerate(folded.dims):
        dims, values, _ = folded.coords.get(dim, ((), [], {}))
        if dims == (dim,):
            pairs = zip(folded.there.tolist(), values, strict=True)
            labels[level] = {row: list(value) for row, value in pairs if value is not MISSING}
    return labels


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
            if (one.dims and one.dims == first.dims) or (one.dims == first.dims and one.alike(first)):
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


def _block(group: Sequence[str], spread: Mapping[str, _Spread]) -> _Block:
    first = spread[group[0]]
    places = {_place: None for name in group for _place in _places(spread[name])}
    order = sorted(places)
    levels = len(first.numbers)
    dims = [*first.dims, *(_number(group[0], level) for level in range(len(first.dims), levels))]
    columns: dict[str, list[Any]] = {}
    for level, dim in enumerate(dims):
        known = first.labels.get(level, {})
        columns[dim] = [
            known[place[0]][place[level + 1]] if place[0] in known else place[level + 1] + 1
            for place in order
        ]
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

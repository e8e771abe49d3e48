"""Columns to tables of pandas: a row for each measurement, each item or each path."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from coma_xr.checks import check_choice
from coma_xr.errors import ComaWarning, LayoutError
from coma_xr.exports.external import is_deferred, revived
from coma_xr.retrieve.columns import (
    MISSING,
    RESULTS,
    Array,
    as_array,
    as_objects,
    decoded,
    with_holes,
    without,
)
from coma_xr.retrieve.dataset import agreed, nearly_equal
from coma_xr.retrieve.dims import varies
from coma_xr.retrieve.requests import (
    Annotations,
    Definition,
    Doubles,
    Recorded,
    Request,
    Source,
    UsedNames,
    Variables,
    name_of_ours,
    read,
    requests_of,
)
from coma_xr.retrieve.selection import Selection
from coma_xr.retrieve.variables import (
    flat_columns,
    measure,
    units_of,
    unusable_dims,
    warn_of_annotated_units,
    warn_of_units,
)
from coma_xr.same import REPEAT, equal
from coma_xr.text import count, listing
from coma_xr.tree import LEAF_TYPES, free_name, is_parameter, join, role

if TYPE_CHECKING:
    from coma_xr.retrieve.variables import Folded
    from coma_xr.tree import Path
    from coma_xr.values.plain import Tree

# These are Python's own when they are stored.
_PYTHONS = (np.bool_, np.int64, np.float64, np.str_)


@dataclass(frozen=True)
class _Coord:
    """A coordinate of lists: the levels that it is along, and its values by row, or one for the rows without."""

    levels: tuple[int, ...]
    values: dict[int, Any]
    common: Any

    @classmethod
    def of(cls, levels: tuple[int, ...], values: dict[int, Any]) -> _Coord:
        return cls(levels, values, agreed(values.values())[0])

    def at(self, place: tuple[int, ...]) -> Any:
        """Return the value for an item, whose place is its row and its positions; MISSING beyond the last one."""
        value = self.values.get(place[0], self.common)
        try:
            for level in self.levels:
                value = value[place[level + 1]]
        except (IndexError, TypeError):
            return MISSING
        value = value[()] if isinstance(value, np.ndarray) and not value.ndim else value
        return value.item() if isinstance(value, _PYTHONS) else value


# For each column the coordinates that it was given: their names, paths, dims and columns.
_Given = Mapping[str, Sequence[tuple[str, "Path", Sequence[str], list[Any]]]]


@dataclass(frozen=True)
class _Spread:
    """One column of lists, item after item."""

    values: list[Any]
    rows: Array
    numbers: list[Array]
    dims: tuple[str, ...]
    coords: dict[str, _Coord]
    labels: dict[int, _Coord]
    given: frozenset[Path] = frozenset()

    def contradicts(self, other: _Spread) -> bool:
        """Whether items at one position have different labels in both, or those of one have none in the other."""
        if self._exceeds(other) or other._exceeds(self):
            return True
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

    def _exceeds(self, other: _Spread) -> bool:
        """Whether a row has another number of items than the other one has labels, along a level without labels here."""
        return any(
            row in label.values and number != len(label.values[row])
            for level, label in other.labels.items()
            if level not in self.labels
            for row, number in self._sizes(level).items()
        )

    def _sizes(self, level: int) -> dict[int, int]:
        """Return the number of items along a level, by row."""
        sizes: dict[int, int] = {}
        for row, number in zip(self.rows.tolist(), self.numbers[level].tolist(), strict=True):
            sizes[row] = max(sizes.get(row, 0), number + 1)
        return sizes

    def alike(self, other: _Spread) -> bool:
        """Whether both have the same items in the same rows."""
        pairs = zip([self.rows, *self.numbers], [other.rows, *other.numbers], strict=False)
        return len(self.numbers) == len(other.numbers) and all(np.array_equal(a, b) for a, b in pairs)


def long_columns(
    columns: Mapping[str, list[Any]],
    dims: Mapping[str, Sequence[str]],
    size: int,
    coords: _Given | None = None,
    paths: Mapping[str, Path] | None = None,
) -> tuple[dict[str, list[Any]], list[int]]:
    """Return columns with a row for each item of lists, and the row that each came from.

    Columns whose lists have the same lengths everywhere, or the same dims by name, stand side by side. Others
    follow one another: a row has the items of one group, and is missing in the columns of the others. All else is repeated.
    Items are labelled by their coordinates; by numbers from 1 along a dim without one. Columns with `paths` are left
    out where they label others.

    Raise LayoutError when more dims are named than a column has levels, and for a coordinate without lists.

    >>> long_columns({"a": [1, 2], "E": [[5, 6], [7]]}, {}, 2)
    ({'a': [1, 1, 2], 'E_index': [1, 2, 1], 'E': [5, 6, 7]}, [0, 0, 1])
    """
    spread = {
        name: spread_column
        for name, column in columns.items()
        if (spread_column := _spread(name, column, dims.get(name, ()), (coords or {}).get(name, ())))
    }
    labelling = {path for column in spread.values() for path in column.given}
    columns = {name: column for name, column in columns.items() if (paths or {}).get(name) not in labelling}
    spread = {name: column for name, column in spread.items() if name in columns}
    groups = _groups(spread)
    if not groups:
        return {name: list(column) for name, column in columns.items()}, list(range(size))
    labelled = {column.dims[level] for column in spread.values() for level in column.labels}
    blocks = [_block(group, spread, columns, labelled) for group in groups]
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


def _spread(
    name: str,
    column: Sequence[Any],
    dims: Sequence[str],
    given: Sequence[tuple[str, Path, Sequence[str], Any]],
) -> _Spread | None:
    present = [value for value in column if value is not MISSING]
    if not present or not all(_has_items(value) for value in present):
        return None
    folded = measure(column)
    if folded is None or not folded.shape:
        return None
    if len(dims) > len(folded.shape):
        raise LayoutError(
            f"'{name}' was given the dims {listing(dims)}, but has lists of {len(folded.shape)} levels.",
            expected=f"at most {len(folded.shape)} dims",
        )
    values, numbers, rows = _items(folded)
    own_dims = (*dims, *folded.dims[len(dims) :])
    placed = [
        coord
        for coord in given
        # One without dims is a value of each measurement.
        if set(coord[2]) <= set(own_dims) and (coord[2] or not any(map(_has_items, coord[3])))
    ]
    coords = {
        coord: _given(coord, path, tuple(map(own_dims.index, along)), labelled)
        for coord, path, along, labelled in placed
    }
    labels = {own_dims.index(dim): coords.pop(dim) for dim in own_dims if dim in coords}
    # What was given wins: other coordinates that an array brought get another name, and labels of the same dim are left out.
    taken, replaced = (
        {*coords, *(own_dims[level] for level in labels)},
        {folded.dims[i] for i in labels if folded.dims},
    )
    for coord, (along, labelled, _) in folded.coords.items():
        pairs = zip(folded.rows.tolist(), labelled, strict=True)
        by_row = {row: np.asarray(value) for row, value in pairs if value is not MISSING}
        if coord not in replaced:
            brought = f"{name}_{coord}" if coord in taken else coord
            coords[brought] = _Coord.of(tuple(map(folded.dims.index, along)), by_row)
    dims_of = enumerate(folded.dims)
    labels |= {i: coords.pop(dim) for i, dim in dims_of if dim in coords and coords[dim].levels == (i,)}
    paths = frozenset(path for _, path, *_ in placed)
    return _Spread(values, rows, numbers, own_dims, coords, labels, paths)


def _given(name: str, path: Path, levels: tuple[int, ...], column: Sequence[Any]) -> _Coord:
    """Return a coordinate that was given to lists, from its own column."""
    values = {row: _bare(value) for row, value in enumerate(column) if value is not MISSING}
    if levels and not any(map(_has_items, values.values())):
        raise unusable_dims(name, [name], "has no lists", join(path))
    return _Coord.of(levels, values)


def _has_items(value: Any) -> bool:
    return isinstance(value, (list, dict)) or getattr(value, "ndim", 0) > 0


def _items(folded: Folded) -> tuple[list[Any], list[Array], Array]:
    """Return all items, their positions at each level, and the rows that they come from."""
    if folded.stacked:
        arrays = folded.arrays
        values = [item for array in arrays for item in array.ravel().tolist()]
        places = [np.indices(array.shape).reshape(array.ndim, -1) for array in arrays]
        numbers = list(np.concatenate(places, axis=1))
        return values, numbers, np.repeat(folded.rows, [array.size for array in arrays])
    rows, numbers = folded.rows, list[Array]()
    for length in folded.lengths:
        rows = np.repeat(rows, length)
        ends = np.cumsum(length)
        counting = np.arange(ends[-1] if ends.size else 0) - np.repeat(ends - length, length)
        numbers = [*(np.repeat(number, length) for number in numbers), counting]
    return list(folded.values), numbers, rows


def _groups(spread: Mapping[str, _Spread]) -> list[list[str]]:
    """Return which columns stand side by side."""
    groups: list[list[str]] = []
    # What has no labels must not decide what those of others belong to.
    for name, column in sorted(spread.items(), key=lambda pair: len(pair[1].labels) < len(pair[1].dims)):
        for group in groups:
            first = spread[group[0]]
            if (
                column.dims == first.dims
                and (column.dims or column.alike(first))
                and not any(column.contradicts(spread[other]) for other in group)
            ):
                group.append(name)
                break
        else:
            groups.append([name])
    order = {name: place for place, name in enumerate(spread)}
    return sorted(
        (sorted(group, key=order.__getitem__) for group in groups), key=lambda group: order[group[0]]
    )


@dataclass(frozen=True)
class _Block:
    """Columns side by side, with the numbers of their items."""

    rows: Array
    columns: dict[str, list[Any]]


def _block(
    group: Sequence[str],
    spread: Mapping[str, _Spread],
    used_names: Container[str],
    labelled: Container[str],
) -> _Block:
    """Return columns side by side; numbers of items do not stand among the labels of other columns."""
    first = spread[group[0]]
    places = {_place: None for name in group for _place in _places(spread[name])}
    order = sorted(places)
    levels = len(first.numbers)
    dims = [*first.dims, *(_number(group[0], level) for level in range(len(first.dims), levels))]
    columns: dict[str, list[Any]] = {}
    for level, dim in enumerate(dims):
        labels = [spread[name].labels[level] for name in group if level in spread[name].labels]
        is_taken = dim in used_names or (not labels and dim in labelled)
        columns[f"{group[0]}_{dim}" if is_taken else dim] = (
            [_first(label.at(place) for label in labels) for place in order]
            if labels
            else [place[level + 1] + 1 for place in order]
        )
    for name in group:
        for coord, values in spread[name].coords.items():
            column = [values.at(place) for place in order]
            is_same = coord in columns and all(map(equal, columns[coord], column))
            if not is_same:
                columns[f"{name}_{coord}" if coord in used_names or coord in columns else coord] = column
    for name in group:
        items = dict(zip(_places(spread[name]), spread[name].values, strict=True))
        columns[name] = [items.get(place, MISSING) for place in order]
    return _Block(np.array([place[0] for place in order], dtype=np.intp), columns)


def _first(values: Iterable[Any]) -> Any:
    return next((value for value in values if value is not MISSING), MISSING)


def _places(spread: _Spread) -> list[tuple[int, ...]]:
    return list(zip(spread.rows.tolist(), *(number.tolist() for number in spread.numbers), strict=True))


def _number(name: str, level: int) -> str:
    return f"{name}_index" + (f"_{level + 1}" if level else "")


def _filled(blocks: Sequence[_Block], names: Sequence[str]) -> dict[str, list[Any]]:
    """Return the columns of all blocks, one below the other: the numbers first."""
    numbers = [name for block in blocks for name in block.columns if name not in names]
    return {
        name: [item for block in blocks for item in block.columns.get(name, [MISSING] * len(block.rows))]
        for name in [*dict.fromkeys(numbers), *names]
    }


_PLAIN = LEAF_TYPES | {list, type(MISSING)}


def build_dataframe(
    trees: Iterable[tuple[int, Tree]],
    *,
    variables: Variables = None,
    index: Sequence[Any] | str | None = None,
    unfold: str = "columns",
    where: Any = None,
    definition: Definition = (),
    recorded: Recorded | None = None,
    annotations: Annotations | None = None,
    excluded: Collection[int] = (),
    doubles: Doubles | None = None,
) -> pd.DataFrame:
    """Return measurements as a DataFrame with a row for each.

    Raise PathError when a name or path leads nowhere in all measurements; warn when `where` holds for none.

    >>> trees = [(1, {"results": {"E": [1, 2]}}), (3, {"results": {"E": [3]}})]
    >>> build_dataframe(trees)
                    E_1  E_2
    measurement_id
    1                 1  2.0
    3                 3  NaN
    >>> build_dataframe(trees, unfold="rows")
                    E_index  E
    measurement_id
    1                     1  1
    1                     2  2
    3                     1  3
    """
    check_choice("unfold", unfold, ("columns", "rows"), LayoutError)
    requested, keys = requests_of(variables), requests_of(index)
    selection = None if where is None else Selection(where, definition, annotations, recorded=recorded)
    known: dict[str, Any] = {"definition": definition, "recorded": recorded, "annotations": annotations}
    source = read(
        without(trees, excluded),
        [*requested, *keys],
        everything=variables is None,
        choose=selection,
        doubles=doubles,
        **known,
    )
    requested = source.expanded(requested)
    if selection is not None:
        selection.warn_when_empty(len(source.columns), _others(excluded))
        if not len(source.columns) and not isinstance(trees, Iterator):
            return _without_rows(trees, variables, index, unfold, excluded, **known)
    return _frame(source, None if variables is None else requested, keys, unfold)


def _frame(
    source: Source, requested: Sequence[Request] | None, keys: Sequence[Request], unfold: str
) -> pd.DataFrame:
    """Return what was read as a DataFrame, with all variables if none are requested."""
    ids = pd.Index(source.columns.ids, name="measurement_id", dtype="int64")
    shown = _shown(source, requested, keys) if len(source.columns) else []
    if unfold == "rows":
        paths = (
            [] if requested is not None else {column.path for column in shown} - set(map(source.path, keys))
        )
        columns, origins, rows = _long(source, shown, paths, len(ids))
        ids = ids[rows]
    else:
        columns, origins = _flat(shown)
    labels = [_is_label(source, origins.get(name)) for name in columns]
    series = {
        i: _series(values, ids, keeps_none=label)
        for i, (values, label) in enumerate(zip(columns.values(), labels, strict=True))
    }
    values = [name for name, column in origins.items() if column.path is None or role(column.path) != "info"]
    frame = pd.DataFrame(series, index=ids.rename(name_of_ours("measurement_id", values, values)))
    frame.columns = _unique_labels(columns)
    frame.attrs.update(_attrs(source, origins, columns, "rows" if unfold == "rows" else "measurements"))
    return _indexed(frame, [source.name(key) for key in keys] if len(source.columns) else [])


def _others(excluded: Collection[int]) -> str:
    """Return how many measurements a condition was not asked of, since they are excluded."""
    verb = "is" if len(excluded) == 1 else "are"
    return f"{count(len(excluded), 'other measurement')} {verb} excluded" if excluded else ""


def _without_rows(
    trees: Iterable[tuple[int, Tree]],
    variables: Variables,
    index: Sequence[Any] | str | None,
    unfold: str,
    excluded: Collection[int],
    **known: Any,
) -> pd.DataFrame:
    """Return the DataFrame of measurements without its rows: the columns and their types do not depend on a condition."""
    with warnings.catch_warnings():
        # They are about values that are not shown.
        warnings.simplefilter("ignore", ComaWarning)
        frame = build_dataframe(
            trees, variables=variables, index=index, unfold=unfold, excluded=excluded, **known
        )
    empty = frame.iloc[:0]
    empty.attrs = frame.attrs
    return empty


def _long(
    source: Source, shown: Sequence[_Column], hidden: Collection[Path | None], size: int
) -> tuple[dict[str, list[Any]], dict[str, _Column], list[int]]:
    """Return columns with a row for each item, where each comes from, and the row of each item's measurement.

    Columns of the paths `hidden` are left out where they label others.
    """
    dims = {column.name: _dims(source, column) for column in shown}
    coords = {column.name: _coords(source, column, dims[column.name]) for column in shown}
    paths = {column.name: column.path for column in shown if column.path and column.path in hidden}
    columns, rows = long_columns({c.name: c.values for c in shown}, dims, size, coords, paths)
    origins = {column.name: column for column in shown if column.name in columns}
    for name, path, _, values in (coord for given in coords.values() for coord in given):
        origins.setdefault(name, _Column.of(source, name, path, values))
    return columns, origins, rows


def _is_label(source: Source, column: _Column | None) -> bool:
    """Whether a column tells measurements apart, so that None is a value in it."""
    path = None if column is None else column.path
    return path is not None and (path in source.names.defined.values() or is_parameter(path))


@dataclass(frozen=True)
class _Column:
    name: str
    path: Path | None
    values: list[Any]
    stem: str

    @classmethod
    def of(cls, source: Source, name: str, path: Path | None, values: list[Any]) -> _Column:
        by_rule = path is not None and source.names.of(path) == name
        return cls(name, path, values, source.names.of_items(path) if path and by_rule else name)


def _shown(source: Source, requested: Sequence[Request] | None, keys: Sequence[Request]) -> list[_Column]:
    """Return the columns with their names: parameters, the defined ones first, then what is asked for."""
    requested_names = {
        source.path(request) or request.text: source.name(request) for request in (*keys, *(requested or ()))
    }
    names = UsedNames(source, requested or [], keys)
    roles = RESULTS if requested is None else ()
    defined = [path for path in source.names.defined.values() if path in source.columns.paths]
    others = [path for path in source.columns.paths if path not in defined and path not in source.copies]
    paths = [*defined, *(path for path in others if role(path) == "parameter")]
    if varies(source.columns[REPEAT]):
        paths.append(REPEAT)
    paths += [path for path in others if role(path) in roles]
    columns: dict[str, _Column] = {}
    for path in paths:
        if path not in requested_names:
            # The number of a repeat has the name that it has in a Dataset.
            name = names.ours("repeat") if path == REPEAT else source.names.of(path)
            name = free_name(path, requested_names.values()) if name in requested_names.values() else name
            columns[name] = _Column.of(source, name, path, source.columns[path])
    for request in (*keys, *(requested or ())):
        name = source.name(request)
        columns[name] = _Column.of(source, name, source.path(request), source.values(request))
    return list(columns.values())


def _flat(shown: Iterable[_Column]) -> tuple[dict[str, list[Any]], dict[str, _Column]]:
    """Return lists spread over columns, and where each column comes from."""
    flat: dict[str, list[Any]] = {}
    origins: dict[str, _Column] = {}
    for column in shown:
        new = flat_columns(column.name, column.values, column.stem)
        if doubles := new.keys() & flat.keys():
            raise LayoutError(
                f"Two columns would be called {listing(sorted(doubles))}.",
                ways=["Rename one of them."],
            )
        flat |= new
        origins |= dict.fromkeys(new, column)
    return flat, origins


def with_files_read(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a DataFrame with the values of arrays that lie in files of their own, where there are any."""
    waiting = [
        name for name, column in frame.items() if column.dtype == object and any(map(is_deferred, column))
    ]
    read = {name: [cell.values if is_deferred(cell) else cell for cell in frame[name]] for name in waiting}
    columns: dict[Any, Any] = {
        name: pd.Series(cells, frame.index, dtype=object) for name, cells in read.items()
    }
    return frame.assign(**columns)


def _bare(value: Any) -> Any:
    """Return what one cell of a table holds: of a DataArray only its values."""
    value = revived(value) if type(value) is dict else value
    # What lies in a file is read by whoever looks at it.
    if isinstance(value, xr.DataArray) and not is_deferred(value):
        return value.values[()]
    return value


def _dims(source: Source, column: _Column) -> list[str]:
    dims = source.annotation(column.path).get("dims") or ()
    return [dims] if isinstance(dims, str) else list(dims)


def _coords(
    source: Source, column: _Column, dims: Sequence[str]
) -> list[tuple[str, Path, Sequence[str], list[Any]]]:
    """Return the coordinates that a column was given, with their columns."""
    return [
        (name, path, along, source.values(Request(None, join(path))))
        for name, path, along in source.coords_of(column.path, column.name, dims)
    ]


def _attrs(
    source: Source, origins: Mapping[str, _Column], columns: Mapping[str, Sequence[Any]], rows: str
) -> dict[str, Any]:
    """Return what was annotated, by the names of columns; all columns of a list have the same."""
    attrs: dict[str, Any] = {}
    differing: dict[str, Sequence[Any]] = {}
    annotated: list[tuple[str, str | None, Sequence[Any]]] = []
    for name, column in origins.items():
        note = source.annotation(column.path)
        for key in ("units", "long_name"):
            if note.get(key) is not None:
                attrs.setdefault(key, {})[name] = note[key]
        units = units_of(columns.get(name, ())) or units_of(column.values)
        annotated.append((name, note.get("units"), units))
        if len(units) > 1:
            differing[name] = units
        elif any(units) and note.get("units") is None:
            attrs.setdefault("units", {})[name] = units[0]
    warn_of_units(differing, f"between {rows}")
    warn_of_annotated_units(annotated)
    return attrs


def _indexed(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    if not keys:
        return frame
    unhashable = [key for key in keys if key not in frame.columns]
    if unhashable:
        raise LayoutError(
            f"index={listing(unhashable)}: lists are several columns and label no rows.",
            expected="columns with one value in each row",
        )
    index_name = frame.index.name
    if keys == [index_name]:
        return frame.drop(columns=index_name)
    table = frame.drop(columns=index_name, errors="ignore").reset_index()
    indexed = table.set_index(keys)
    indexed.attrs = frame.attrs
    return indexed


def _unique_labels(names: Iterable[str]) -> pd.Index[Any]:
    """Return the labels of columns; as objects where pandas' dtype for text cannot hold one."""
    try:
        return pd.Index(list(names))
    except UnicodeEncodeError:
        return pd.Index(list(names), dtype=object)


def _series(values: list[Any], index: pd.Index[int], *, keeps_none: bool = False) -> pd.Series[Any]:
    """Return a column of its own dtype; of objects, if it has None to be distinguished from NaN."""
    values = [_bare(value) for value in values] if not set(map(type, values)) <= _PLAIN else values
    present = [value for value in values if value is not MISSING]
    if keeps_none and any(value is None for value in present):
        items = [np.nan if value is MISSING else value for value in values]
        return pd.Series(as_objects(decoded(items)), index=index, dtype=object)
    array, _ = as_array(present)
    if len(present) < len(values):
        array, hole, _ = with_holes(array, {})
        at = np.fromiter((value is not MISSING for value in values), dtype=bool, count=len(values))
        out = np.full(len(values), hole, dtype=array.dtype)
        out[at] = array
        array = out
    if array.dtype.kind == "U" or (array.dtype == object and set(map(type, present)) <= {str, type(None)}):
        with suppress(UnicodeEncodeError):
            # pandas has its own dtype for text, which takes no halves of surrogate pairs.
            return pd.Series(present if array.dtype.kind == "U" else array.tolist(), index=index)
        return pd.Series(array.tolist(), index=index, dtype=object)
    if array.dtype.kind == "V":
        # pandas has no columns of items with fields.
        array = as_objects(list(array))
    # Of objects pandas would make times, which it does not have in every unit.
    return pd.Series(array, index=index, dtype=array.dtype)

"""Datasets and DataFrames as tables of plain columns, which CSV and Parquet hold, and back.

The notes of a table are ``frame`` (`coma_xr.exports.datasets.frame_of`) or ``dataset``, and ``columns``: for each its
name, or two for the parts of complex numbers, its ``plain`` dtype, and its ``note`` (`coma_xr.exports.columns`), with
the dtype that it had.

The rows of a Dataset are the cells of all dims together, in the order of the dims. A row is left out where every
variable that has all dims has a hole, and no other variable needs it: each label of a dim has a row, and
each value. What the cells of the other rows hold is noted in ``dataset``:

===============  =======================================================================================
``dims``         pairs of name and size
``rows``         where rows are left out: pairs ``[first, number]`` of those that exist
``variables``    for each: ``name``, ``column``, ``dims``, ``coord``, ``attrs``, ``fill`` (what is in the
                 cells without a row), ``values`` (all of them, where it has no column)
``attrs``        the attributes of the Dataset
===============  =======================================================================================
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from coma_xr.errors import DataFileError, LayoutError
from coma_xr.exports.columns import (
    Array,
    Note,
    Values,
    array_of,
    array_tree,
    as_objects,
    attrs_trees,
    hole,
    of_tree,
    plain,
    real,
    to_text,
    to_tree,
    to_trees,
)
from coma_xr.exports.datasets import (
    Column,
    decode_attrs,
    frame_of,
    restore_indexes,
    to_columns,
    unique,
    values_of,
    variable_of,
    without_multi_indexes,
)

if TYPE_CHECKING:
    import pandas as pd


MOST_CELLS = 10**7


def columns_of(ds: xr.Dataset) -> tuple[list[Column], Note]:
    """Return a Dataset as columns with a row for each cell, and the notes that lead back.

    Raise LayoutError when there are more than ten million cells.

    >>> ds = xr.Dataset({"E": (("a", "b"), [[1.0, np.nan], [np.nan, 4.0]])}, {"a": [1, 2], "b": ["x", "y"]})
    >>> for name, values in columns_of(ds)[0]:
    ...     print(name, values.tolist())
    a [1, 2]
    b ['x', 'y']
    E [1.0, 4.0]
    """
    note: Note = {}
    ds = without_multi_indexes(ds, note)
    dims = dict(ds.sizes)
    total = math.prod(dims.values())
    if total > MOST_CELLS:
        sizes = " x ".join(f"{dim}: {size}" for dim, size in dims.items())
        raise LayoutError(
            f"The table would have {total} rows, one for each cell ({sizes}).",
            expected=f"at most {MOST_CELLS}",
            ways=["Export into .nc, or fewer variables at a time."],
        )
    order = [
        *(dim for dim in dims if dim in ds.coords),
        *(n for n in ds.coords if n not in dims),
        *ds.data_vars,
    ]
    arrays = {name: values_of(ds.variables[name]) for name in order}
    rows = _Rows(ds, arrays, total)
    free = [dim for dim in dims if dim not in ds.variables]
    names = unique([*free, *order])
    dim_trees = dict(zip(dims, to_trees(dims, "a dim"), strict=True))
    columns: list[Column] = []
    for dim, column in zip(free, names, strict=False):
        columns.append((column, rows.along((dim,))))
    notes = []
    for name, column in zip(order, names[len(free) :], strict=True):
        variable, values = ds.variables[name], arrays[name]
        entry: Note = {"name": to_tree(name, f"the name {name!r}"), "coord": name in ds.coords}
        entry["dims"] = [dim_trees[dim] for dim in variable.dims]
        if variable.attrs:
            entry["attrs"] = attrs_trees(variable.attrs, f"'{name}'")
        if total or not variable.size:
            entry["column"] = column
            columns.append((column, _selected(values, rows.along(variable.dims))))
            if name in rows.fills:
                entry["fill"] = to_tree(rows.fills[name], f"'{name}'")
        else:
            entry["values"] = array_tree(values, f"'{name}'")
        notes.append(entry)
    if ds.attrs:
        note["attrs"] = attrs_trees(ds.attrs, "the Dataset")
    note |= {"dims": [[dim_trees[dim], size] for dim, size in dims.items()], "variables": notes}
    coords = [name for name in order if name in ds.coords]
    if coords != list(ds.coords):
        note["coords"] = [coords.index(name) for name in ds.coords]
    if rows.kept is not None:
        note["rows"] = _ranges(rows.numbers)
    return columns, note


def _selected(values: Values, cells: Array) -> Values:
    return values.ravel()[cells] if isinstance(values, np.ndarray) else values.take(cells)


class _Rows:
    """The cells of a Dataset that have a row."""

    def __init__(self, ds: xr.Dataset, arrays: Mapping[Hashable, Values], total: int) -> None:
        self._dims = dict(ds.sizes)
        self._shape = tuple(self._dims.values())
        self.fills: dict[Hashable, Any] = {}
        self.kept = self._of_data(ds, arrays)
        if self.kept is not None:
            for name, values in arrays.items():
                self._keep(ds.variables[name].dims, name, values)
            if self.kept.all():
                self.kept = None
                self.fills = {}
        self.numbers = np.arange(total) if self.kept is None else np.flatnonzero(self.kept)
        self._places = np.unravel_index(self.numbers, self._shape) if self._shape else ()

    def _of_data(self, ds: xr.Dataset, arrays: Mapping[Hashable, Values]) -> Array | None:
        """Return where a data variable with all dims has a value; None when that is everywhere."""
        full = [name for name, v in ds.data_vars.items() if set(v.dims) == set(self._dims)]
        gaps = [_gaps(arrays[name]) for name in full]
        if not full or any(gap is None for gap in gaps):
            return None
        mask = np.zeros(self._shape, dtype=bool)
        for name, gap in zip(full, gaps, strict=True):
            mask |= self._laid(ds[name].dims, ~np.asarray(gap))
        return None if mask.all() else mask

    def _laid(self, dims: tuple[Hashable, ...], array: Array) -> Array:
        """Return an array of a variable with its dims in this order, and of size 1 along those it lacks."""
        present = [dim for dim in self._dims if dim in dims]
        moved = np.transpose(array, [dims.index(dim) for dim in present])
        return moved.reshape([size if dim in dims else 1 for dim, size in self._dims.items()])

    def _keep(self, dims: tuple[Hashable, ...], name: Hashable, values: Values) -> None:
        """Keep a row for each cell of a variable that would be lost; note what the others hold."""
        assert self.kept is not None
        lacking = tuple(axis for axis, dim in enumerate(self._dims) if dim not in dims)
        cells = self._laid(
            dims, np.arange(math.prod(self._dims[dim] for dim in dims)).reshape([self._dims[d] for d in dims])
        )
        bare = ~self.kept.any(axis=lacking, keepdims=True)
        if not bare.any():
            return
        lost = cells[bare]
        gaps = _gaps(values)
        selected = _selected(values, lost)
        is_label = name in self._dims
        if gaps is not None and not is_label:
            holes = gaps.ravel()[lost]
            first = int(np.argmax(holes)) if holes.any() else None
        else:
            first = None if is_label or lacking else _commonest(selected)
        if first is None:
            needed = np.ones(len(lost), dtype=bool)
        else:
            self.fills[name] = selected[first]
            needed = ~_same(selected, first)
        places = np.argwhere(bare)[needed]
        self.kept[tuple(places.T)] = True

    def along(self, dims: tuple[Hashable, ...]) -> Array:
        """Return the cell of a variable that stands in each row."""
        if not dims:
            return np.zeros(len(self.numbers), dtype=np.intp)
        axes = list(self._dims)
        places = tuple(self._places[axes.index(dim)] for dim in dims)
        return np.ravel_multi_index(places, [self._dims[dim] for dim in dims])


def _gaps(values: Values) -> Array | None:
    """Return where an array has holes; None when its dtype has none."""
    if not isinstance(values, np.ndarray):
        return np.asarray(values.isna())
    if values.dtype.kind in "fc":
        return np.isnan(values)
    if values.dtype.kind in "mM":
        return np.isnat(values)
    if values.dtype.kind != "O":
        return None
    return np.array([bool(hole(cell)) for cell in values.ravel()], dtype=bool).reshape(values.shape)


def _commonest(values: Values) -> int:
    """Return the place of one of the values that an array has most of."""
    _, firsts, counts = np.unique(np.asarray(values), return_index=True, return_counts=True)
    return int(firsts[np.argmax(counts)])


def _same(values: Values, first: int) -> Array:
    """Return where an array holds the very thing that it holds in one place."""
    if isinstance(values, np.ndarray) and values.dtype.kind == "O":
        kind = hole(values[first])
        return np.array([hole(cell) == kind for cell in values], dtype=bool)
    gaps = _gaps(values)
    if gaps is not None:
        return gaps
    return np.asarray(values == values[first])


def _ranges(numbers: Array) -> list[list[int]]:
    """Return integers in order as pairs of the first and how many follow each other."""
    starts = np.flatnonzero(np.diff(numbers, prepend=-2) != 1)
    lengths = np.diff(np.append(starts, len(numbers)))
    return [[int(n), int(length)] for n, length in zip(numbers[starts], lengths, strict=True)]


# -------------------------------------------------------------------------------------------- reading


def dataset_of_columns(columns: Iterable[Column], note: Mapping[str, Any]) -> xr.Dataset:
    """Return the Dataset that columns were."""
    arrays = dict(columns)
    dims = {of_tree(dim): int(size) for dim, size in note["dims"]}
    total = math.prod(dims.values())
    numbers = np.arange(total) if "rows" not in note else _numbers(note["rows"])
    places = np.unravel_index(numbers, tuple(dims.values())) if dims else ()
    by_dim = dict(zip(dims, places, strict=True))
    data: dict[Hashable, xr.Variable] = {}
    coords: dict[Hashable, xr.Variable] = {}
    for entry in note["variables"]:
        own_dims = [of_tree(dim) for dim in entry["dims"]]
        shape = tuple(dims[dim] for dim in own_dims)
        if "column" not in entry:
            values = array_of(entry["values"])
        else:
            column = arrays[entry["column"]]
            if len(column) != len(numbers):
                raise DataFileError(
                    f"a table with {len(column)} rows", expected=f"{len(numbers)} rows, as noted in it"
                )
            rows = tuple(by_dim[dim] for dim in own_dims)
            cells = np.ravel_multi_index(rows, shape) if own_dims else np.zeros(len(numbers), dtype=np.intp)
            values = _scattered(column, cells, shape, entry)
        attrs = decode_attrs({}, {"attrs": entry.get("attrs", [])})[0]
        (coords if entry["coord"] else data)[of_tree(entry["name"])] = variable_of(own_dims, values, attrs)
    attrs = decode_attrs({}, {"attrs": note.get("attrs", [])})[0]
    if "coords" in note:
        names = list(coords)
        coords = {names[i]: coords[names[i]] for i in note["coords"]}
    return restore_indexes(xr.Dataset(data, coords, attrs), note)


def _numbers(ranges: Iterable[list[int]]) -> Array:
    parts = [np.arange(first, first + number) for first, number in ranges]
    return np.concatenate(parts) if parts else np.arange(0)


def _scattered(column: Values, cells: Array, shape: tuple[int, ...], entry: Mapping[str, Any]) -> Values:
    size = math.prod(shape)
    if not isinstance(column, np.ndarray):
        # The place of each cell in the column; -1 is where there is none.
        rows = np.full(size, -1)
        rows[cells] = np.arange(len(cells))
        return column.take(rows, allow_fill=True)
    out = np.empty(size, dtype=column.dtype)
    if "fill" in entry:
        fill = of_tree(entry["fill"])
        out[:] = as_objects([fill] * size) if column.dtype == object else fill
    out[cells] = column
    return out.reshape(shape)


@dataclass(frozen=True)
class Plain:
    """A plain column."""

    name: str
    values: Array
    is_json: bool = False
    has_contents: bool = False

    @cached_property
    def texts(self) -> Array:
        """The values, with the contents of cells as JSON text."""
        if not self.has_contents:
            return self.values
        cells = [None if cell is None else to_text(cell) for cell in self.values.tolist()]
        return as_objects(cells) if cells else self.values


@dataclass(frozen=True)
class Table:
    """Plain columns and the notes that lead back."""

    columns: Sequence[Plain]
    note: Mapping[str, Any]


def to_table(data: xr.Dataset | pd.DataFrame) -> Table:
    """Return a Dataset or DataFrame as a table.

    Raise SerializationError when a cell or an attribute holds a value that has no stored form, and
    LayoutError when a Dataset would have too many rows.

    >>> import pandas as pd
    >>> table = to_table(pd.DataFrame({"z": [1 + 2j], "Es": [[1, 2]]}))
    >>> [(column.name, column.values.tolist()) for column in table.columns]
    [('z.real', [1.0]), ('z.imag', [2.0]), ('Es', [[1, 2]])]
    """
    columns, note = columns_of(data) if isinstance(data, xr.Dataset) else to_columns(data)
    names = [name for name, _ in columns]
    plains: list[Plain] = []
    column_notes: list[Note] = []
    for name, values in columns:
        array, cell_note = plain(values, f"'{name}'", empty=True, for_readers=True)
        column_names = [name]
        if cell_note.get("complex"):
            column_names = unique([*names, f"{name}.real", f"{name}.imag"])[-2:]
            names += column_names
        parts = [array] if len(column_names) == 1 else [array[..., 0], array[..., 1]]
        kind = cell_note.get("cells")
        plains += [
            Plain(label, part, kind is not None, kind == "contents")
            for label, part in zip(column_names, parts, strict=True)
        ]
        shown = _plain_name(plains[-1].texts)
        column_notes.append({"name": name, "columns": column_names, "plain": shown, "note": cell_note})
    return Table(
        plains, {"columns": column_notes, "dataset" if isinstance(data, xr.Dataset) else "frame": note}
    )


def _plain_name(values: Array) -> str:
    """Return the name of a plain dtype: that of NumPy, ``str``, and for objects ``empty`` with their type.

    >>> _plain_name(np.array([1, None], dtype=object)), _plain_name(np.array(["a"]))
    ('empty int', 'str')
    """
    if values.dtype != object:
        return "str" if values.dtype.kind == "U" else values.dtype.name
    kinds = {type(cell).__name__ for cell in values}
    return f"empty {next(iter(kinds - {'NoneType'}), 'str')}" if "NoneType" in kinds else "str"


def from_table(columns: Mapping[str, Array], note: Mapping[str, Any]) -> xr.Dataset | pd.DataFrame:
    """Return the Dataset or DataFrame of plain columns."""
    values = []
    for column_note in note["columns"]:
        parts = [columns[name] for name in column_note["columns"]]
        array = parts[0] if len(parts) == 1 else np.stack(parts, axis=-1)
        values.append((column_note["name"], real(array, column_note["note"])))
    if "dataset" in note:
        return dataset_of_columns(values, note["dataset"])
    return frame_of(values, note["frame"])

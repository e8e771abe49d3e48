"""Parquet files, and the tables of Arrow in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coma_xr import files
from coma_xr.exports.columns import Array, Note, as_objects
from coma_xr.exports.datasets import NOTE
from coma_xr.exports.table import Plain, from_table, to_table

if TYPE_CHECKING:
    import xarray as xr

_UNITS = {(unit, 1) for unit in ("s", "ms", "us", "ns")}

# Parquet stores dates in milliseconds or less; later ones, in the year 292 million, are text.
_MOST_SECONDS = np.iinfo(np.int64).max // 1000


def write(data: xr.Dataset | pd.DataFrame, path: Path, overwrite: bool) -> None:
    """Write a Dataset or DataFrame; FileExistsError when the name is taken."""
    import pyarrow.parquet as pq

    rows = to_arrow(data)
    with files.placing(str(path), overwrite=overwrite) as temporary:
        pq.write_table(rows, temporary)


def to_arrow(data: xr.Dataset | pd.DataFrame) -> Any:
    """Return a Dataset or DataFrame as a table of Arrow, with the note that leads back in its metadata."""
    import pyarrow as pa

    table = to_table(data)
    notes = {
        column: column_note["note"]
        for column_note in table.note["columns"]
        for column in column_note["columns"]
    }
    arrays = [_arrow(column, notes[column.name]) for column in table.columns]
    rows = pa.Table.from_arrays(arrays, names=[column.name for column in table.columns])
    return rows.replace_schema_metadata({NOTE: json.dumps(table.note).encode()})


def _arrow(column: Plain, note: Note) -> Any:
    import pyarrow as pa

    if column.has_contents and (nested := _nested(column, note)) is not None:
        return nested
    values = column.texts
    if values.dtype.kind in "OU":
        kinds = {type(cell) for cell in values.tolist()} - {type(None)}
        types = {bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
        return pa.array(values.tolist(), type=types.get(next(iter(kinds), str), pa.string()))
    if (
        values.dtype == "datetime64[s]"
        and np.abs(values[~np.isnat(values)].view("int64")).max(initial=0) > _MOST_SECONDS
    ):
        return pa.array([None if text == "NaT" else text for text in np.datetime_as_string(values).tolist()])
    # Like pandas: NaN is an empty cell.
    return pa.array(np.ascontiguousarray(values), mask=np.isnan(values) if values.dtype.kind == "f" else None)


def _nested(column: Plain, note: Note) -> Any:
    """Return lists and dictionaries as those of Arrow, with a note where these do not lead back; None where none fit."""
    import pyarrow as pa

    cells = column.values.tolist()
    if {type(cell) for cell in cells} - {type(None)} not in ({list}, {dict}):
        return None
    try:
        array = pa.array(cells)
        name = note.get("arrays")
        if isinstance(name, str):
            kind = _list_type(array.type, name)
            # Lists of missing values alone cannot be cast.
            array = pa.array(cells, type=kind) if "null" in str(array.type) else array.cast(kind)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return None
    if _has_empty_struct(array.type):
        return None
    if not {"exact", "arrays"} & note.keys() and repr(array.to_pylist()) != repr(cells):
        names, key = note.pop("each", (None, ""))
        note["exact"] = [
            cell if names is None else {**names, key: cell} for cell in cells if cell is not None
        ]
    return array


def _list_type(kind: Any, name: str) -> Any:
    """Return a type of nested lists with the dtype of the arrays that they were."""
    import pyarrow as pa

    if pa.types.is_list(kind):
        return pa.list_(_list_type(kind.value_type, name))
    dtype = np.dtype(name).newbyteorder("=")
    in_arrow = dtype.kind in "biuf" or (dtype.kind in "mM" and np.datetime_data(dtype) in _UNITS)
    # Parquet has no floats of half precision.
    return pa.from_numpy_dtype(np.dtype("float32") if dtype == np.float16 else dtype) if in_arrow else kind


def _has_empty_struct(kind: Any) -> bool:
    """Whether a type has a structure without fields, which Parquet has not."""
    import pyarrow as pa

    fields = [kind.field(i) for i in range(kind.num_fields)]
    return (pa.types.is_struct(kind) and not fields) or any(_has_empty_struct(field.type) for field in fields)


def _read_list_type(kind: Any) -> Any:
    """Return a type of nested lists that Python converts to the items of the arrays."""
    import pyarrow as pa

    if pa.types.is_list(kind):
        return pa.list_(_read_list_type(kind.value_type))
    if pa.types.is_timestamp(kind):
        return pa.string()
    return pa.int64() if pa.types.is_duration(kind) else kind


def read(path: Path) -> xr.Dataset | pd.DataFrame:
    """Read what `write` wrote, or any other Parquet file."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        if NOTE.encode() not in (file.schema_arrow.metadata or {}):
            return pd.read_parquet(path)
        return of_arrow(file.read())


def of_arrow(table: Any) -> xr.Dataset | pd.DataFrame:
    """Return the Dataset or DataFrame of a table that `to_arrow` made."""
    note = json.loads(table.schema.metadata[NOTE.encode()])
    columns = {
        name: _array(table.column(name), column["plain"])
        for column in note["columns"]
        for name in column["columns"]
    }
    return from_table(columns, note)


def _array(column: Any, plain: str) -> Array:
    if plain == "str" or plain.startswith("empty"):
        kind = _read_list_type(column.type)
        # Arrow damages lists of missing values alone in a cast.
        column = column if kind == column.type else column.cast(kind)
        return as_objects(column.to_pylist())
    return np.asarray(column.to_numpy()).astype(plain)

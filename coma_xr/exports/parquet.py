"""Parquet files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coma_xr import files
from coma_xr.exports.attrs import NOTE
from coma_xr.exports.columns import Array, as_objects
from coma_xr.exports.table import Plain, from_table, to_table

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["read", "write"]


def write(data: xr.Dataset | pd.DataFrame, path: Path, overwrite: bool) -> None:
    """Write a Dataset or DataFrame; FileExistsError when the name is taken."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = to_table(data)
    arrays = [_arrow(column) for column in table.columns]
    note = json.dumps(table.note).encode()
    rows = pa.Table.from_arrays(arrays, names=[column.name for column in table.columns])
    with files.placing(str(path), overwrite=overwrite) as temporary:
        pq.write_table(rows.replace_schema_metadata({NOTE: note}), temporary)


def _arrow(column: Plain) -> Any:
    import pyarrow as pa

    values = column.values
    if values.dtype.kind in "OU":
        kinds = {type(cell) for cell in values.tolist()} - {type(None)}
        types = {bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
        return pa.array(values.tolist(), type=types.get(next(iter(kinds), str), pa.string()))
    # Like pandas: NaN is an empty cell.
    return pa.array(np.ascontiguousarray(values), mask=np.isnan(values) if values.dtype.kind == "f" else None)


def read(path: Path) -> xr.Dataset | pd.DataFrame:
    """Read what `write` wrote, or any other Parquet file."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        note = (file.schema_arrow.metadata or {}).get(NOTE.encode())
        if note is None:
            return pd.read_parquet(path)
        table = file.read()
    said = json.loads(note)
    columns = {}
    for column in said["columns"]:
        for name in column["columns"]:
            columns[name] = _array(table.column(name), column["plain"])
    return from_table(columns, said)


def _array(column: Any, plain: str) -> Array:
    if plain == "str" or plain.startswith("empty"):
        return as_objects(column.to_pylist())
    return np.asarray(column.to_numpy()).astype(plain)

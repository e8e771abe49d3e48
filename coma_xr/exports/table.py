"""Datasets and DataFrames as tables of plain columns, which CSV and Parquet hold, and back.

The notes of a table are ``frame`` (`coma_xr.exports.frames`) or ``dataset`` (`coma_xr.exports.rows`), and
``columns``: for each its name, or two for the parts of complex numbers, its ``plain`` dtype, and its
``note`` (`coma_xr.exports.columns`), with the dtype that it had.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from coma_xr.exports import frames, rows
from coma_xr.exports.codec import to_text
from coma_xr.exports.columns import Array, Note, as_objects, plain, real

if TYPE_CHECKING:
    import pandas as pd


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

    Raises
    ------
    SerializationError
        When a cell or an attribute holds a value that has no stored form.
    LayoutError
        When a Dataset would have too many rows.

    Examples
    --------
    >>> import pandas as pd
    >>> table = to_table(pd.DataFrame({"z": [1 + 2j], "Es": [[1, 2]]}))
    >>> [(column.name, column.values.tolist()) for column in table.columns]
    [('z.real', [1.0]), ('z.imag', [2.0]), ('Es', [[1, 2]])]
    """
    room: Any = rows if isinstance(data, xr.Dataset) else frames
    columns, note = room.to_columns(data)
    names = [name for name, _ in columns]
    plains: list[Plain] = []
    said: list[Note] = []
    for name, values in columns:
        array, how = plain(values, f"'{name}'", empty=True, for_readers=True)
        own = [name]
        if how.get("complex"):
            own = frames.unique([*names, f"{name}.real", f"{name}.imag"])[-2:]
            names += own
        parts = [array] if len(own) == 1 else [array[..., 0], array[..., 1]]
        kind = how.get("cells")
        plains += [
            Plain(label, part, kind is not None, kind == "contents")
            for label, part in zip(own, parts, strict=True)
        ]
        shown = plain_name(plains[-1].texts)
        said.append({"name": name, "columns": own, "plain": shown, "note": how})
    return Table(plains, {"columns": said, "dataset" if isinstance(data, xr.Dataset) else "frame": note})


def plain_name(values: Array) -> str:
    """Return the name of a plain dtype: that of NumPy, ``str``, and for objects ``empty`` with their type.

    Examples
    --------
    >>> plain_name(np.array([1, None], dtype=object)), plain_name(np.array(["a"]))
    ('empty int', 'str')
    """
    if values.dtype != object:
        return "str" if values.dtype.kind == "U" else values.dtype.name
    kinds = {type(cell).__name__ for cell in values}
    return f"empty {next(iter(kinds - {'NoneType'}), 'str')}" if "NoneType" in kinds else "str"


def from_table(columns: Mapping[str, Array], note: Mapping[str, Any]) -> xr.Dataset | pd.DataFrame:
    """Return the Dataset or DataFrame of plain columns."""
    values = []
    for said in note["columns"]:
        parts = [columns[name] for name in said["columns"]]
        array = parts[0] if len(parts) == 1 else np.stack(parts, axis=-1)
        values.append((said["name"], real(array, said["note"])))
    if "dataset" in note:
        return rows.from_columns(values, note["dataset"])
    return frames.frame_of(values, note["frame"])

"""DataFrames as columns of arrays, and back.

The notes are ``index`` and ``labels``, the trees of the index and of the labels of the columns
(`coma_xr.exports.columns.index_tree`; in place of a level that is a column, its name), and ``attrs``.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from coma_xr.exports.attrs import decode_attrs, encode_attrs
from coma_xr.exports.codec import of_tree, to_tree
from coma_xr.exports.columns import Note, Values, index_of, index_tree, make_index
from coma_xr.exports.datasets import Form, Parts, assembled, decode_parts, encode, encode_parts

Column = tuple[str, Values]


def unique(names: Iterable[Hashable]) -> list[str]:
    """Return names as text, with a number where one is there before.

    Examples
    --------
    >>> unique(["a", "b", "a", 1])
    ['a', 'b', 'a.1', '1']
    """
    found: dict[str, None] = {}
    texts = [str(name).encode("utf-8", "backslashreplace").decode().replace("\0", "\\0") for name in names]
    reserved = set(texts)
    for text in texts:
        new, number = text, 0
        while new in found or (number and new in reserved):
            number += 1
            new = f"{text}.{number}"
        found[new] = None
    return list(found)


def to_columns(frame: pd.DataFrame) -> tuple[list[Column], Note]:
    """Return the columns of a DataFrame, those of its index first, and the notes that lead back.

    An index that has no name and counts the rows is only noted.

    Examples
    --------
    >>> columns, note = to_columns(pd.DataFrame({"t": [0.5]}, index=pd.Index([7], name="measurement_id")))
    >>> [(name, values.tolist()) for name, values in columns]
    [('measurement_id', [7]), ('t', [0.5])]
    """
    note: Note = {"labels": index_tree(frame.columns, "the labels of the columns")}
    levels = _levels(frame.index)
    titles: list[Hashable] = ["index" if level.name is None else level.name for level in levels]
    names = unique([*titles, *frame.columns])
    note["index"] = _index_note(frame.index, levels, names)
    encode_attrs(frame.attrs, "the DataFrame", note, json_attrs=True, all_noted=True)
    arrays = [_values(level) for level in levels]
    arrays += [_values(frame.iloc[:, number]) for number in range(frame.shape[1])]
    return list(zip(names, arrays, strict=True)), note


def _levels(index: pd.Index[Any]) -> list[pd.Index[Any]]:
    if isinstance(index, pd.MultiIndex):
        return [index.get_level_values(number) for number in range(index.nlevels)]
    return [] if isinstance(index, pd.RangeIndex) and index.name is None else [index]


def _index_note(index: pd.Index[Any], levels: Sequence[pd.Index[Any]], names: Sequence[str]) -> Any:
    if not levels:
        return index_tree(index, "the index")
    notes = []
    for level, column in zip(levels, names, strict=False):
        said = {"name": to_tree(level.name, "the name of the index"), "column": column}
        if isinstance(level, pd.RangeIndex):
            said["range"] = [level.start, level.stop, level.step]
        if isinstance(level, (pd.DatetimeIndex, pd.TimedeltaIndex)) and level.freqstr is not None:
            said["freq"] = level.freqstr
        notes.append(said)
    return {"columns": notes, "multi": isinstance(index, pd.MultiIndex)}


def _values(column: pd.Series[Any] | pd.Index[Any]) -> Values:
    return column.to_numpy() if isinstance(column.dtype, np.dtype) else column.array


def frame_of(columns: Iterable[Column], note: Mapping[str, Any]) -> pd.DataFrame:
    """Return the DataFrame of columns and notes."""
    arrays = dict(columns)
    index = _index_of(arrays, note["index"])
    labels = index_of(note["labels"])
    series = [pd.Series(values, index=index, dtype=values.dtype, copy=False) for values in arrays.values()]
    frame = pd.concat(series, axis=1) if series else pd.DataFrame(index=index)
    # Putting columns side by side creates a new index.
    frame.index, frame.columns = index, labels
    frame.attrs = decode_attrs({}, {"attrs": note.get("attrs", [])})[0]
    return frame


def _index_of(arrays: dict[str, Values], note: Mapping[str, Any]) -> pd.Index[Any]:
    """Return the index; its columns are taken out of the others."""
    if "columns" not in note:
        return index_of(note)
    levels: list[pd.Index[Any]] = []
    for level in note["columns"]:
        values = arrays.pop(level["column"])
        if "range" in level:
            levels.append(index_of(level))
        else:
            levels.append(make_index(values, of_tree(level["name"]), level.get("freq")))
    if note["multi"]:
        return pd.MultiIndex.from_arrays(levels, names=[level.name for level in levels])
    return levels[0]


def to_parts(frame: pd.DataFrame) -> Parts:
    """Return a DataFrame as the parts of a Dataset, with a variable for each column."""
    columns, note = to_columns(frame)
    note.pop("attrs", None)
    levels: list[Hashable] = [level["column"] for level in note["index"].get("columns", [])]
    dim = levels[0] if len(levels) == 1 else unique([*(name for name, _ in columns), "index"])[-1]
    variables: dict[Hashable, Any] = {name: ((dim,), values, {}) for name, values in columns}
    return Parts(variables, levels, frame.attrs, {"frame": note})


def from_parts(parts: Parts) -> pd.DataFrame:
    """Return the DataFrame of its parts."""
    note = parts.notes["frame"]
    levels = [level["column"] for level in note["index"].get("columns", [])]
    names = [*levels, *(name for name in parts.variables if name not in levels)]
    frame = frame_of([(str(name), parts.variables[name][1]) for name in names], note)
    frame.attrs = dict(parts.attrs)
    return frame


def to_file(data: xr.Dataset | pd.DataFrame, form: Form) -> xr.Dataset:
    """Return a Dataset that a format can hold; of a DataFrame, with a variable for each column."""
    return encode(data, form) if isinstance(data, xr.Dataset) else encode_parts(to_parts(data), form)


def from_file(ds: xr.Dataset) -> xr.Dataset | pd.DataFrame:
    """Return what an encoded Dataset was; one that nobody encoded is as it is."""
    parts = decode_parts(ds)
    return from_parts(parts) if "frame" in parts.notes else assembled(parts)

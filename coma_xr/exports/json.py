"""JSON files, which `xarray.Dataset.from_dict` reads too."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from coma_xr import files
from coma_xr.errors import DataFileError
from coma_xr.exports.columns import Array, as_objects
from coma_xr.exports.datasets import JSON, NOTE, from_file, to_file, variable_of

if TYPE_CHECKING:
    import pandas as pd


_LIMIT = 2**40


def write(data: xr.Dataset | pd.DataFrame, path: Path, overwrite: bool) -> None:
    """Write a Dataset or DataFrame; FileExistsError when the name is taken."""
    encoded = to_file(data, JSON)
    tree = {
        "attrs": _attrs_tree(encoded.attrs),
        "dims": dict(encoded.sizes),
        "coords": {name: _tree(variable) for name, variable in encoded.coords.variables.items()},
        "data_vars": {name: _tree(variable.variable) for name, variable in encoded.data_vars.items()},
    }
    # A lone surrogate has no UTF-8; Python's replacement for it is JSON's escape sequence.
    text = json.dumps(tree, ensure_ascii=False).encode("utf-8", "backslashreplace")
    if overwrite:
        files.replace(str(path), text)
    else:
        files.create(str(path), text, sync=True)


def _attrs_tree(attrs: Mapping[Any, Any]) -> dict[Any, Any]:
    # The notes are JSON already, and need not be text here.
    return {key: json.loads(value) if key == NOTE else value for key, value in attrs.items()}


def _tree(variable: xr.Variable) -> dict[str, Any]:
    values = variable.values
    kind = values.dtype.kind
    return {
        "dims": list(variable.dims),
        "attrs": _attrs_tree(variable.attrs),
        "dtype": "object" if kind == "O" else values.dtype.name if kind != "U" else "str",
        "data": _dates(values)
        if kind == "M"
        else values.view("i8").tolist()
        if kind == "m"
        else values.tolist(),
    }


def _dates(values: Array) -> Any:
    texts = np.asarray(np.datetime_as_string(values)).astype(object)
    texts[np.isnat(values)] = None
    return texts.tolist()


def read(path: Path) -> xr.Dataset | pd.DataFrame:
    """Read what `write` wrote, or what else has the form of `xarray.Dataset.to_dict`."""
    tree = json.loads(files.read(str(path), limit=_LIMIT))
    if not isinstance(tree, dict) or not {"coords", "data_vars"} <= tree.keys():
        raise DataFileError(
            "no exported Dataset or DataFrame", where=str(path), expected="'coords' and 'data_vars'"
        )
    sizes = tree.get("dims", {})
    coords = {name: _variable(entry, sizes) for name, entry in tree["coords"].items()}
    data = {name: _variable(entry, sizes) for name, entry in tree["data_vars"].items()}
    coordinates = xr.Coordinates(coords, indexes={})
    return from_file(xr.Dataset(data, coordinates, _attrs(tree.get("attrs", {}))))


def _attrs(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {key: json.dumps(value) if key == NOTE else value for key, value in tree.items()}


def _variable(entry: Mapping[str, Any], sizes: Mapping[str, int]) -> xr.Variable:
    dims = entry["dims"]
    if "dtype" not in entry:
        return xr.Variable(dims, entry["data"], _attrs(entry.get("attrs", {})))
    array = _array(entry["data"], [sizes[dim] for dim in dims], entry["dtype"])
    return variable_of(dims, array, _attrs(entry.get("attrs", {})))


def _array(data: Any, shape: Sequence[int], dtype: str) -> Array:
    for _ in shape[1:]:
        data = [item for row in data for item in row]
    cells = as_objects(data if shape else [data])
    if dtype.startswith("timedelta64"):
        return cells.astype("i8").astype(dtype).reshape(shape)
    return (cells if dtype == "object" else np.array(cells.tolist(), dtype=dtype)).reshape(shape)

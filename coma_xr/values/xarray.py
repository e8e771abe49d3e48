"""Stored forms of xarray's DataArray and Dataset, with coords, indexes and attributes; parts that hold values as they are.

Not kept are `encoding`, which belongs to some file, and laziness: values are loaded.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from coma_xr.errors import DataFileError
from coma_xr.tree import TYPE, ToTree, ToValue, cannot, deeper, hashable, part
from coma_xr.values.numpy import dtype_of
from coma_xr.values.pandas import decode_column, encode_column

Node = dict[str, Any]

DATA_ARRAY = "coma.xarray.DataArray"
DATASET = "coma.xarray.Dataset"


def encode(value: Any, plain: ToTree) -> Node | None:
    """Return the stored form of a value; None when its type has none here."""
    kind = type(value)
    if kind is xr.DataArray:
        node = {"name": plain(value.name, "name"), **_variable(value.variable, plain)}
        return {TYPE: DATA_ARRAY, **node, "coords": _coords(value, plain)}
    if kind is xr.Dataset:
        variables = [
            {
                "name": plain(name, "data_vars", i, "name"),
                **_variable(v.variable, deeper(plain, "data_vars", i)),
            }
            for i, (name, v) in enumerate(value.data_vars.items())
        ]
        node = {"data_vars": variables, "coords": _coords(value, plain)}
        return {TYPE: DATASET, **node, **_attrs(value, plain)}
    if kind is xr.DataTree:
        # As a mapping it would lose the attributes of its nodes.
        raise cannot("a DataTree", "Use its to_dict(), which has a Dataset for each node.")
    if kind is xr.Variable:
        raise cannot("a Variable", "Return xarray.DataArray(variable).")
    return None


def _attrs(value: Any, plain: ToTree) -> Node:
    # As a dictionary of its own, whatever its keys are.
    return {"attrs": plain(dict(value.attrs), "attrs")} if value.attrs else {}


def _variable(variable: Any, plain: ToTree) -> Node:
    dims = [plain(dim, "dims", i) for i, dim in enumerate(variable.dims)]
    values = encode_column(_eager(variable.data), deeper(plain, "values"))
    return {"dims": dims, "values": values, **_attrs(variable, plain)}


def _eager(data: Any) -> Any:
    """Return the values of a variable in memory.

    Raise SerializationError for arrays that are neither NumPy's, pandas' nor dask's: what these know besides
    would be lost.
    """
    if type(data).__module__.partition(".")[0] == "dask":
        data = data.compute()
    if type(data) is np.ndarray or isinstance(data, pd.api.extensions.ExtensionArray):
        return data
    name = f"{type(data).__module__}.{type(data).__qualname__}"
    raise cannot(f"a variable that holds a {name}", "Make it an array of NumPy first.")


def _coords(value: xr.DataArray | xr.Dataset, plain: ToTree) -> list[Node]:
    """Return one entry for each coordinate, in order; those of a MultiIndex refer to it."""
    entries = []
    for i, (name, coord) in enumerate(value.coords.items()):
        below = deeper(plain, "coords", i)
        head = {"name": below(name, "name")}
        index = value.xindexes.get(name)
        if index is None:
            # A coordinate along a dim of its own name would get an index by itself.
            bare = {"index": None} if coord.dims == (name,) else {}
            entries.append({**head, **_variable(coord.variable, below), **bare})
        else:
            entries.append({**head, **_indexed(name, coord.variable, index, below)})
    return entries


def _indexed(name: Any, variable: Any, index: Any, plain: ToTree) -> Node:
    if type(index) is xr.indexes.PandasMultiIndex:
        dim, attrs = plain(index.dim, "dims", 0), _attrs(variable, plain)
        if name != index.dim:
            return {"dims": [dim], "level": True, **attrs, **_dtype(index.level_coords_dtype.get(name))}
        return {"dims": [dim], "index": plain(index.index, "index"), **attrs}
    if type(index) is not xr.indexes.PandasIndex:
        raise cannot(f"an index of type {type(index).__name__}", "Remove it with drop_indexes() first.")
    # None and NaN are one to an index of objects, unless it is stored itself.
    usual = variable.dims == (name,) and index.index.dtype != object
    if usual and _same_index(_default_index(name, variable), index):
        return _variable(variable, plain)
    node = {
        "dims": [plain(index.dim, "dims", 0)],
        "index": plain(index.index, "index"),
        **_attrs(variable, plain),
    }
    dtype = xr.indexes.PandasIndex(index.index, index.dim).coord_dtype
    return node if dtype == index.coord_dtype else {**node, **_dtype(index.coord_dtype)}


def _dtype(dtype: Any) -> Node:
    return {"dtype": dtype.str} if isinstance(dtype, np.dtype) and dtype.kind not in "OV" else {}


def _default_index(name: Any, variable: Any) -> Any:
    """Return the index that xarray makes of the values of a coordinate by default."""
    bare = xr.Variable(variable.dims, _eager(variable.data))
    return xr.indexes.PandasIndex.from_variables({name: bare}, options={})


def _same_index(one: Any, other: Any) -> bool:
    a, b = one.index, other.index
    same = type(a) is type(b) and a.dtype == b.dtype and a.name == b.name and a.equals(b)
    freqs = getattr(a, "freq", None) == getattr(b, "freq", None)
    return bool(same and freqs and one.coord_dtype == other.coord_dtype)


def read(node: Node, value: ToValue) -> Any:
    """Return the DataArray or Dataset that a node stores."""
    coords = _read_coords(part(node, "coords", list), value)
    if node[TYPE] == DATA_ARRAY:
        variable = _read_variable(node, value)
        label = hashable(value(node.get("name")))
        return xr.DataArray(variable, coords=coords, name=label, attrs=variable.attrs)
    variables = {}
    for entry in part(node, "data_vars", list):
        label = _name(entry, value)
        variables[label] = _read_variable(entry, value)
    return xr.Dataset(variables, coords=coords, attrs=_read_attrs(node, value))


def _name(entry: Any, value: ToValue) -> Any:
    if type(entry) is not dict or "name" not in entry:
        raise DataFileError("a variable has no name", expected="its name, dims and values")
    return hashable(value(entry["name"]))


def _read_attrs(node: Node, value: ToValue) -> dict[Any, Any]:
    attrs = value(part(node, "attrs", dict)) if "attrs" in node else {}
    if not isinstance(attrs, dict):
        raise DataFileError("attributes have another type", expected="a dictionary")
    return attrs


def _read_dims(node: Node, value: ToValue) -> tuple[Any, ...]:
    return tuple([hashable(value(dim)) for dim in part(node, "dims", list)])


def _read_variable(node: Node, value: ToValue) -> xr.Variable:
    values = decode_column(node.get("values"), value)
    # Of objects xarray would make texts or times, and NaN of None.
    ready = values.dtype == object
    return xr.Variable(_read_dims(node, value), values, attrs=_read_attrs(node, value), fastpath=ready)


def _read_coords(entries: list[Any], value: ToValue) -> xr.Coordinates:
    variables: dict[Any, Any] = {}
    indexes: dict[Any, Any] = {}
    levels = {_name(entry, value): entry for entry in entries if type(entry) is dict and "level" in entry}
    made: dict[Any, Any] = {}
    for entry in entries:
        name = _name(entry, value)
        if name in levels:
            variables[name] = None  # keeps the place of a level in the order
            continue
        index = _read_index(name, entry, levels, value)
        if index is None:
            variables[name] = _read_variable(entry, value)
            continue
        for key, variable in index.create_variables().items():
            variable.attrs = _read_attrs(levels.get(key, entry), value)
            made[key], indexes[key] = variable, index
        variables[name] = None
    variables.update(made)
    if any(variable is None for variable in variables.values()):
        raise DataFileError("a level of a MultiIndex is stored without its index", expected="the index")
    return xr.Coordinates(variables, indexes=indexes)


def _read_index(name: Any, entry: Node, levels: Mapping[Any, Node], value: ToValue) -> Any:
    """Return the index of a coordinate; None when it has none."""
    dims = _read_dims(entry, value)
    if "index" not in entry:
        return _default_index(name, _read_variable(entry, value)) if dims == (name,) else None
    if entry["index"] is None:
        return None
    index = value(entry["index"])
    if not isinstance(index, pd.Index) or len(dims) != 1:
        raise DataFileError(
            "the index of a coordinate has another type", expected="one of pandas' Index, along one dim"
        )
    if isinstance(index, pd.MultiIndex):
        dtypes = {key: dtype_of(level["dtype"]) for key, level in levels.items() if "dtype" in level}
        usual = xr.indexes.PandasMultiIndex(index, dims[0]).level_coords_dtype
        return xr.indexes.PandasMultiIndex(index, dims[0], level_coords_dtype={**usual, **dtypes})
    dtype = dtype_of(entry["dtype"]) if "dtype" in entry else None
    index = index.rename(name) if index.name is None else index
    return xr.indexes.PandasIndex(index, dims[0], coord_dtype=dtype)


DECODERS = {DATA_ARRAY: read, DATASET: read}


# Parts of Datasets


def variable(
    dims: Sequence[str], array: npt.NDArray[Any], attrs: Mapping[str, Any] | None = None
) -> xr.Variable:
    """Return a variable that holds an array as it is.

    xarray makes NaN of None in object arrays of text; so these are put in afterwards.
    """
    if array.dtype != object:
        return xr.Variable(dims, array, attrs)
    new = xr.Variable(dims, np.empty(array.shape, dtype=object), attrs)
    new.data[...] = array
    return new


def squeezed(ds: xr.Dataset, dims: Iterable[Hashable]) -> xr.Dataset:
    """Return the Dataset without those dims that have one label; the label stays a coordinate.

    xarray cuts single times and durations off to units that pandas has.
    """
    gone = {dim for dim in dims if ds.sizes.get(dim) == 1}
    times = [
        name
        for name, array in ds.variables.items()
        if array.dtype == object
        and array.dims
        and gone.issuperset(array.dims)
        and _is_time(array.values.item())
    ]
    cells = {name: variable([], ds[name].values.reshape(()), ds[name].attrs) for name in times}
    others = ds.drop_vars(times)
    others = others.squeeze([dim for dim in gone if dim in others.sizes])
    coords = [name for name in times if name in ds.coords]
    return others.assign(cells).set_coords(coords)[list(ds.data_vars)]


def _is_time(value: Any) -> bool:
    return isinstance(value, (np.datetime64, np.timedelta64, dt.date, dt.timedelta))

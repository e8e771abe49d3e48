"""Datasets in a form that netCDF, zarr and JSON can hold, and back.

These know numbers and text; a Dataset may hold anything. What they cannot hold, or would change, is
written in another form, and how it was is noted in the attribute `NOTE`, as JSON text, of the variable or
Dataset. Everything else is written as it is, for other tools to read. Notes of a variable are those of
`coma_xr.exports.columns`, where ``complex`` is the name of the dimension, and ``attrs``. Notes of a Dataset:

==================  ====================================================================================
``attrs``           all attributes in their order, ``[name, value]``; ``[name]`` where the file has the
                    value as it was. A value that the file has too counts only as long as that is equal.
``names``           pairs of the name in the file and the name of a variable or dimension
``coords``          the names of the coordinates, where the file does not tell
``order``           the names of the variables, where the file does not keep the order
``multi_indexes``   dimension, levels, and attributes of each MultiIndex
``indexes``         pairs of a name and whether it has an index, where that is unusual
``dims``            pairs of a variable and its dims, where those of size 1 are left out in the file
``frame``           how a DataFrame is made of the variables
==================  ====================================================================================
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from coma_xr.errors import LayoutError, warn
from coma_xr.exports.attrs import decode_attrs, encode_attrs
from coma_xr.exports.codec import of_tree, to_tree
from coma_xr.exports.columns import FLAG, Array, Note, Values, plain, real

COMPLEX_DIM = "complex_part"

_BAD_CHARACTERS = re.compile(r"[\x00-\x1f\x7f/\\]|\s+$")
_LONGEST_NAME = 200
_NAT = np.int64(-(2**63))
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


@dataclass(frozen=True)
class Form:
    """What a format can hold."""

    empty: bool = False
    json_attrs: bool = False
    cf_dates: bool = True
    keeps_order: bool = True
    wide_text: bool = True
    most_dims: int | None = None


# What the CF conventions tell of bool with holes.
_FLAGS = {"flag_values": np.array([0, 1], dtype=np.int8), "flag_meanings": "false true"}

NETCDF = Form(most_dims=32)
ZARR = Form(json_attrs=True, keeps_order=False, wide_text=False, most_dims=32)
JSON = Form(json_attrs=True, empty=True, cf_dates=False)


def variable_of(
    dims: Iterable[Hashable], values: Values, attrs: Mapping[Any, Any] | None = None
) -> xr.Variable:
    """Return a variable that holds an array as it is.

    xarray makes NaN of None in object arrays, and dates of objects that are dates; so these are put in
    afterwards.
    """
    if not isinstance(values, np.ndarray) or values.dtype != object:
        return xr.Variable(tuple(dims), values, attrs)
    new = xr.Variable(tuple(dims), np.empty(values.shape, dtype=object), attrs)
    new.data[...] = values
    return new


def values_of(variable: xr.Variable) -> Values:
    """Return the array of a variable, of pandas where it is."""
    if isinstance(variable.dtype, np.dtype):
        return np.asarray(variable.values)
    dtype: Any = variable.dtype
    array = variable.to_index().array
    # An index makes objects of text in the dtype of pandas.
    whole: Values = array if array.dtype == dtype else pd.array(array, dtype=dtype)
    return whole


@dataclass
class Parts:
    """What a Dataset is made of: variables that need not be xarray's, since these hold not all of pandas' dtypes."""

    variables: dict[Hashable, tuple[tuple[Hashable, ...], Values, Mapping[Any, Any]]]
    coords: list[Hashable]
    attrs: Mapping[Any, Any]
    notes: Note = field(default_factory=dict)


def encode(ds: xr.Dataset, form: Form = NETCDF) -> xr.Dataset:
    """Return a Dataset that a format can hold, with notes of what was changed.

    Raises
    ------
    SerializationError
        When a cell or an attribute holds a value that has no stored form. The message names it.

    Examples
    --------
    >>> ds = encode(xr.Dataset({"E": ("n", np.array([[1.5], None], dtype=object))}))
    >>> ds.E.values
    array(['[1.5]', 'null'], dtype=object)
    >>> ds.E.attrs
    {'coma_xr': '{"dtype": "object", "cells": "json"}'}
    """
    said: Note = {}
    ds = _within_limit(without_multi_indexes(ds, said), form, said)
    order = [*ds.data_vars, *ds.coords]
    variables = {name: (ds[name].dims, values_of(ds.variables[name]), ds[name].attrs) for name in order}
    return encode_parts(Parts(variables, list(ds.coords), ds.attrs, said), form)


def encode_parts(parts: Parts, form: Form) -> xr.Dataset:
    """Return the Dataset that a format can hold, with notes of what was changed."""
    said = parts.notes
    dims = list(dict.fromkeys(dim for own, _, _ in parts.variables.values() for dim in own))
    names = _names_of_file([*parts.variables, *dims])
    complex_dim = _free(COMPLEX_DIM, names.values())
    variables = {}
    for name, (own, values, attrs) in parts.variables.items():
        new = tuple(names[dim] for dim in own)
        variables[names[name]] = _encode_variable(name, new, values, attrs, complex_dim, form)
    coords = [names[name] for name in parts.coords]
    # The file lists them with blanks between, for which every blank of Unicode is taken.
    by_file = [name for name in coords if name.split() == [name] or name in variables[name].dims]
    data = [name for name in variables if name not in by_file]
    if len(by_file) < len(coords) or any(names.get(dim) in data for dim in dims):
        said["coords"] = coords
    if not form.keeps_order and len(variables) > 1:
        said["order"] = list(variables)
    if changed := [[new, to_tree(old, f"the name {old!r}")] for old, new in names.items() if new != old]:
        said["names"] = changed
    return xr.Dataset(
        {name: variables[name] for name in data},
        coords=xr.Coordinates({name: variables[name] for name in by_file}, indexes={}),
        attrs=encode_attrs(parts.attrs, "the Dataset", said, json_attrs=form.json_attrs),
    )


def without_multi_indexes(ds: xr.Dataset, said: Note) -> xr.Dataset:
    """Return a Dataset with the levels of its MultiIndexes as coordinates, and note what its indexes are."""
    found, unusual = [], []
    for name, coord in list(ds.coords.items()):
        index = ds.xindexes.get(name)
        if isinstance(index, xr.indexes.PandasMultiIndex):
            if name == index.dim:
                attrs: Note = {}
                encode_attrs(coord.attrs, f"'{name}'", attrs, json_attrs=False, all_noted=True)
                levels = [to_tree(level, "a level") for level in index.index.names]
                found.append([to_tree(name, "a dim"), levels, attrs.get("attrs", [])])
        elif (index is not None) != (coord.dims == (name,)):
            unusual.append([to_tree(name, "a name"), index is not None])
    if unusual:
        said["indexes"] = unusual
    if found:
        said["multi_indexes"] = found
        ds = ds.reset_index([of_tree(dim) for dim, _, _ in found])
    return ds


def _within_limit(ds: xr.Dataset, form: Form, said: Note) -> xr.Dataset:
    """Return a Dataset without dims of size 1, and note these, if its arrays have too many dims for a format.

    Raises
    ------
    LayoutError
        The other dims are too many.
    """
    dims = _most_dims(ds)
    if form.most_dims is None or dims <= form.most_dims:
        return ds
    squeezed = ds.squeeze([dim for dim, size in ds.sizes.items() if size == 1])
    limit = f"{dims} dims are more than the {form.most_dims} of netCDF and zarr"
    if _most_dims(squeezed) > form.most_dims:
        raise LayoutError(
            f"{limit}.", ways=["Use to_dataset(layout='points'), or export to JSON or a table."]
        )
    warn(
        f"{limit}, so that dims with one value are scalar coordinates in the file. load() restores these dims."
    )
    said["dims"] = [
        [to_tree(name, "a name"), [to_tree(dim, "a dim") for dim in variable.dims]]
        for name, variable in ds.variables.items()
        if variable.dims != squeezed.variables[name].dims
    ]
    return squeezed


def _most_dims(ds: xr.Dataset) -> int:
    # Complex numbers, which objects may be, are an array with another dim.
    return max((v.ndim + (v.dtype.kind in "cO") for v in ds.variables.values()), default=0)


def dataset_of(array: xr.DataArray, name: str) -> tuple[xr.Dataset, Hashable]:
    """Return a Dataset that holds a DataArray, and the array's name in it: its own, or the given one."""
    variable = name if array.name is None else array.name
    while variable in array.coords or variable in array.dims:
        # A variable of a dim's name would be its coordinate.
        variable = f"{variable}_values"
    return array.to_dataset(name=variable), variable


def _names_of_file(names: Iterable[Hashable]) -> dict[Hashable, str]:
    """Return the name in the file for each name; the same where a file can have it."""
    names = list(dict.fromkeys(names))
    renamed: dict[Hashable, str] = {}
    taken = {name for name in names if isinstance(name, str) and name == file_name(name)}
    for name in names:
        new = file_name(name)
        if new != name:
            new = _free(new, taken)
            taken.add(new)
        renamed[name] = new
    return renamed


def file_name(name: Hashable) -> str:
    """Return a name that a file can have for a variable, dimension or attribute."""
    text = str(name).encode("utf-8", "replace").decode()
    new = unicodedata.normalize("NFC", _BAD_CHARACTERS.sub("__", text))
    new = new.encode()[:_LONGEST_NAME].decode(errors="ignore")
    # zarr keeps names that begin with two underscores for itself, and has files such as zarr.json.
    first = new[:1]
    if not new or not (first.isalnum() or first == "_" or ord(first) > 127) or new.startswith("__"):
        new = f"_{new.lstrip('_')}"
    return f"_{new}" if new == "zarr.json" else new


def _free(name: str, taken: Iterable[str]) -> str:
    taken = set(taken)
    while name in taken:
        name += "_"
    return name


def _encode_variable(
    name: Hashable,
    dims: tuple[str, ...],
    values: Values,
    attrs: Mapping[Any, Any],
    complex_dim: str,
    form: Form,
) -> xr.Variable:
    array, note = plain(values, f"'{name}'", empty=form.empty)
    if "complex" in note:
        note["complex"] = complex_dim
        dims = (*dims, complex_dim)
    temporal = array.dtype.kind in "mM"
    if array.dtype.kind in "OU" and not form.wide_text:
        # xarray finds out by the cells that objects are text.
        array = array.astype(object) if array.size else np.zeros(array.shape)
        if not array.size:
            note.setdefault("dtype", "<U1")
    cf: dict[str, Any] = {}
    if array.dtype.kind == "M" and form.cf_dates:
        array, cf = _cf_dates(array)
    if "flags" in note:
        cf = {"_FillValue": FLAG}
        note["flags"] = not attrs.keys() & _FLAGS.keys()
        cf |= _FLAGS if note["flags"] else {}
    own = encode_attrs(attrs, f"'{name}'", note, json_attrs=form.json_attrs, temporal=temporal)
    return variable_of(dims, array, cf | own)


def _cf_dates(dates: Array) -> tuple[Array, dict[str, Any]]:
    """Return dates as integers of the largest unit that holds them exactly, by the conventions of climate science."""
    unit = np.datetime_data(dates.dtype)[0]
    ticks, gaps = dates.view("i8"), np.isnat(dates)
    whole = [
        u
        for u, n in _PER_SECOND.items()
        if n <= _PER_SECOND[unit] and not (ticks[~gaps] % (_PER_SECOND[unit] // n)).any()
    ]
    ticks = np.where(gaps, _NAT, ticks // (_PER_SECOND[unit] // _PER_SECOND[whole[0]]))
    attrs = {"units": f"{_UNITS[whole[0]]} since 1970-01-01", "calendar": "proleptic_gregorian"}
    return ticks, {**attrs, "_FillValue": _NAT} if gaps.any() else attrs


# -------------------------------------------------------------------------------------------- reading


def decode(ds: xr.Dataset) -> xr.Dataset:
    """Return the Dataset that an encoded one was.

    Examples
    --------
    >>> ds = xr.Dataset({"results/E": ("n", np.array([[1.5], None], dtype=object))}, attrs={"tags": ["a"]})
    >>> decode(encode(ds)).identical(ds)
    True
    """
    return assembled(decode_parts(ds))


Decoded = tuple[tuple[Hashable, ...], Values, dict[Any, Any]]


def decode_parts(ds: xr.Dataset, decode: Callable[[xr.Variable, str], Decoded] | None = None) -> Parts:
    """Return what an encoded Dataset was made of, and the notes about it."""
    decode = decode or decode_variable
    attrs, said = decode_attrs(ds.attrs)
    variables: dict[Hashable, Any] = {}
    names: dict[Hashable, Hashable] = {new: of_tree(old) for new, old in said.get("names", [])}
    coords = said.get("coords") or list(ds.coords)
    order = said.get("order") or [*(name for name in ds.variables if name not in coords), *coords]
    for name in order:
        dims, values, own = decode(ds.variables[name], name)
        variables[names.get(name, name)] = tuple(names.get(dim, dim) for dim in dims), values, own
    return Parts(variables, [names.get(name, name) for name in coords], attrs, said)


def decode_variable(variable: xr.Variable, name: str = "") -> Decoded:  # noqa: ARG001  see `decode_parts`
    """Return dims, values and attributes of a variable of a file."""
    attrs, note = decode_attrs(variable.attrs)
    if note.get("flags"):
        attrs = {key: value for key, value in attrs.items() if key not in _FLAGS}
    dims = variable.dims[:-1] if "complex" in note else variable.dims
    return dims, real(np.asarray(variable.values), note), attrs


def assembled(parts: Parts) -> xr.Dataset:
    """Return the Dataset of its parts."""
    for name, dims in parts.notes.get("dims", []):
        _, values, attrs = parts.variables[of_tree(name)]
        own = tuple(map(of_tree, dims))
        whole = np.asarray(values)
        sizes = dict(zip(parts.variables[of_tree(name)][0], whole.shape, strict=True))
        parts.variables[of_tree(name)] = own, whole.reshape([sizes.get(dim, 1) for dim in own]), attrs
    variables = {name: variable_of(*part) for name, part in parts.variables.items()}
    ds = xr.Dataset(
        {name: variable for name, variable in variables.items() if name not in parts.coords},
        {name: variable for name, variable in variables.items() if name in parts.coords},
        parts.attrs,
    )
    return restore_indexes(ds, parts.notes)


def restore_indexes(ds: xr.Dataset, said: Mapping[str, Any]) -> xr.Dataset:
    """Return a Dataset with the indexes that were noted."""
    for name, has_index in said.get("indexes", []):
        ds = ds.set_xindex(of_tree(name)) if has_index else ds.drop_indexes(of_tree(name))
    for dim, levels, attrs in said.get("multi_indexes", []):
        ds = ds.set_xindex([of_tree(level) for level in levels], xr.indexes.PandasMultiIndex)
        ds[of_tree(dim)].attrs = decode_attrs({}, {"attrs": attrs})[0]
    return ds

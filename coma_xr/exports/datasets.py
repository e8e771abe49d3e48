"""Datasets, and DataFrames as such, in a form that netCDF, zarr and JSON can hold, and back.

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

The note of a DataFrame has ``index`` and ``labels``, the trees of the index and of the labels of the columns
(`coma_xr.exports.columns.index_tree`; in place of a level that is a column, its name), and ``attrs``.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from coma_xr.errors import LayoutError, Way, warn
from coma_xr.exports.columns import (
    FLAG,
    INT64,
    Array,
    Note,
    Values,
    attrs_trees,
    index_of,
    index_tree,
    make_index,
    of_tree,
    plain,
    real,
    to_tree,
    to_trees,
)
from coma_xr.tree import TYPE
from coma_xr.values.xarray import squeezed

NOTE = "coma_xr"

# Attributes by which xarray and other tools decode the variable; one of the user's would change its values.
_MEANINGFUL = frozenset(
    {"_FillValue", "missing_value", "scale_factor", "add_offset", "dtype", "calendar", "coordinates", NOTE}
    | {"_Unsigned", "_NCProperties", "_Netcdf4Dimid", "_Netcdf4Coordinates", "grid_mapping", "bounds"}
    | {
        "_ARRAY_DIMENSIONS",
        "_nc3_strict",
        "_Encoding",
        "cell_measures",
        "ancillary_variables",
        "formula_terms",
    }
    | {"CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST", "DIMENSION_LABELS", "least_significant_digit"}
    | {"external_variables", "flag_encoding", "units_metadata"}
)
_TIME_UNITS = re.compile(r"\s*\w+\s+since\s", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d][^\x00-\x1f\x7f/]*(?<!\s)")
_NUMBERS = frozenset(
    {f"{kind}int{8 * size}" for kind in ("", "u") for size in (1, 2, 4, 8)} | {"float32", "float64"}
)


def encode_attrs(
    attrs: Mapping[Any, Any],
    where: str,
    notes: dict[str, Any],
    *,
    json_attrs: bool,
    temporal: bool = False,
) -> dict[str, Any]:
    """Return the attributes for a file, with the notes among them.

    Raise SerializationError when one of them has no stored form. The message names it.
    """
    encoded: dict[str, Any] = {}
    noted: list[list[Any]] = []
    for key, value in attrs.items():
        allowed = _may_stand(key, value, temporal)
        if allowed and (_is_json(value) if json_attrs else _is_netcdf(value)):
            encoded[key] = value
            noted.append([key])
            continue
        place = f"the attribute {key!r} of {where}"
        noted.append(to_trees((key, value), place))
        shown = (_json_look(value) if json_attrs else _netcdf_look(value)) if allowed else None
        if shown is not None:
            encoded[key] = shown
    if any(len(item) > 1 for item in noted):
        notes["attrs"] = noted
    if notes:
        encoded[NOTE] = json.dumps(notes)
    return encoded


def _may_stand(key: Any, value: Any, temporal: bool) -> bool:
    if type(key) is not str or key in _MEANINGFUL or not _NAME.fullmatch(key) or not _is_text(key):
        return False
    if key != "units":
        return True
    return not temporal and not (isinstance(value, str) and _TIME_UNITS.match(value))


def _is_text(value: Any) -> bool:
    if type(value) is not str or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_netcdf(value: Any) -> bool:
    """Whether netCDF holds a value and gives it back as it is, numbers as those of Python."""
    if type(value) in (int, float):
        return type(value) is float or value in INT64
    if isinstance(value, np.generic):
        return value.dtype.name in _NUMBERS - {"int64", "float64"}
    if type(value) is np.ndarray:
        known = value.dtype.name in _NUMBERS and value.dtype.isnative
        return known and value.ndim == 1 and value.size > 1
    return _is_text(value)


def _netcdf_look(value: Any) -> Any:
    """Return what other tools may see of a value, where netCDF gives back something else."""
    if isinstance(value, (np.int64, np.float64)):
        return value
    if type(value) is np.ndarray:
        return value if value.ndim == 1 and value.size == 1 and value.dtype.name in _NUMBERS else None
    if type(value) in (list, tuple) and value:
        if all(_is_text(item) for item in value):
            return list(value)
        if {*map(type, value)} in ({int}, {float}) and all(type(n) is float or n in INT64 for n in value):
            return np.array(value)
    return None


def _is_json(value: Any) -> bool:
    if type(value) in (int, float):
        return math.isfinite(value) if type(value) is float else value in INT64
    if type(value) is list:
        return all(_is_json(item) for item in value)
    if type(value) is dict:
        return TYPE not in value and all(_is_text(key) and _is_json(item) for key, item in value.items())
    return value is None or type(value) is bool or _is_text(value)


def _json_look(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)) and value.dtype.name in _NUMBERS | {"bool"}:
        value = value.tolist()
    value = list(value) if type(value) is tuple else value
    return value if _is_json(value) else None


# -------------------------------------------------------------------------------------------- reading


def decode_attrs(
    attrs: Mapping[Any, Any], notes: Mapping[str, Any] | None = None
) -> tuple[dict[Any, Any], dict[str, Any]]:
    """Return the attributes that encoded ones were, and the notes that stood among them."""
    decoded = {key: _of_python(value) for key, value in attrs.items()}
    text = decoded.pop(NOTE, None)
    notes_read: dict[str, Any] = dict(json.loads(text) if isinstance(text, str) else notes or {})
    noted = notes_read.pop("attrs", None)
    if noted is None:
        return decoded, notes_read
    originals: dict[Any, Any] = {}
    for key, *value in ([of_tree(part) for part in item] for item in noted):
        # What another tool has changed since then counts.
        if value and (key not in decoded or _look(decoded[key]) == _look(value[0])):
            originals[key] = value[0]
        elif key in decoded:
            originals[key] = decoded[key]
    return originals | {key: value for key, value in decoded.items() if key not in originals}, notes_read


def _of_python(value: Any) -> Any:
    return value.item() if isinstance(value, (np.int64, np.float64, np.str_)) else value


def _look(value: Any) -> str:
    """Return what a value looks like, whether it is a list, a tuple, an array, or the only item of these."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, dict):
        return str({key: _look(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        items = [_look(item) for item in value]
        return items[0] if len(items) == 1 else str(items)
    return repr(value)


COMPLEX_DIM = "complex_part"

_BAD_CHARACTERS = re.compile(r"[\x00-\x1f\x7f/\\]|\s+$")
_LONGEST_NAME = 200
_NAT = np.int64(-(2**63))
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


@dataclass(frozen=True)
class Form:
    """The values and dims that a format can hold."""

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
    values: Values = array if array.dtype == dtype else pd.array(array, dtype=dtype)
    return values


@dataclass
class Parts:
    """The parts of a Dataset: variables that need not be xarray's, since these hold not all of pandas' dtypes."""

    variables: dict[Hashable, tuple[tuple[Hashable, ...], Values, Mapping[Any, Any]]]
    coords: list[Hashable]
    attrs: Mapping[Any, Any]
    notes: Note = field(default_factory=dict)


def encode(ds: xr.Dataset, form: Form = NETCDF) -> xr.Dataset:
    """Return a Dataset that a format can hold, with notes of what was changed.

    Raise SerializationError when a cell or an attribute holds a value that has no stored form. The message
    names it.

    >>> ds = encode(xr.Dataset({"E": ("n", np.array([[1.5], None], dtype=object))}))
    >>> ds.E.values
    array(['[1.5]', 'null'], dtype=object)
    >>> ds.E.attrs
    {'coma_xr': '{"dtype": "object", "cells": "json"}'}
    """
    notes: Note = {}
    ds = _within_limit(without_multi_indexes(ds, notes), form, notes)
    order = [*ds.data_vars, *ds.coords]
    variables = {name: (ds[name].dims, values_of(ds.variables[name]), ds[name].attrs) for name in order}
    return encode_parts(Parts(variables, list(ds.coords), ds.attrs, notes), form)


def encode_parts(parts: Parts, form: Form) -> xr.Dataset:
    """Return the Dataset that a format can hold, with notes of what was changed."""
    notes = parts.notes
    dims = list(dict.fromkeys(dim for own_dims, _, _ in parts.variables.values() for dim in own_dims))
    names = _names_of_file([*parts.variables, *dims])
    complex_dim = _free_name(COMPLEX_DIM, names.values())
    variables = {}
    for name, (own_dims, values, attrs) in parts.variables.items():
        new = tuple(names[dim] for dim in own_dims)
        variables[names[name]] = _encode_variable(name, new, values, attrs, complex_dim, form)
    coords = [names[name] for name in parts.coords]
    # The file lists them with blanks between, for which every blank of Unicode is taken.
    by_file = [name for name in coords if name.split() == [name] or name in variables[name].dims]
    data = [name for name in variables if name not in by_file]
    if len(by_file) < len(coords) or any(names.get(dim) in data for dim in dims):
        notes["coords"] = coords
    if not form.keeps_order and len(variables) > 1:
        notes["order"] = list(variables)
    if changed := [[new, to_tree(old, f"the name {old!r}")] for old, new in names.items() if new != old]:
        notes["names"] = changed
    return xr.Dataset(
        {name: variables[name] for name in data},
        coords=xr.Coordinates({name: variables[name] for name in by_file}, indexes={}),
        attrs=encode_attrs(parts.attrs, "the Dataset", notes, json_attrs=form.json_attrs),
    )


def without_multi_indexes(ds: xr.Dataset, notes: Note) -> xr.Dataset:
    """Return a Dataset with the levels of its MultiIndexes as coordinates, and note what its indexes are."""
    multi_indexes, unusual = [], []
    for name, coord in list(ds.coords.items()):
        index = ds.xindexes.get(name)
        if isinstance(index, xr.indexes.PandasMultiIndex):
            if name == index.dim:
                levels = [to_tree(level, "a level") for level in index.index.names]
                multi_indexes.append([to_tree(name, "a dim"), levels, attrs_trees(coord.attrs, f"'{name}'")])
        elif (index is not None) != (coord.dims == (name,)):
            unusual.append([to_tree(name, "a name"), index is not None])
    if unusual:
        notes["indexes"] = unusual
    if multi_indexes:
        notes["multi_indexes"] = multi_indexes
        ds = ds.reset_index([of_tree(dim) for dim, _, _ in multi_indexes])
    return ds


def _within_limit(ds: xr.Dataset, form: Form, notes: Note) -> xr.Dataset:
    """Return a Dataset without dims of size 1, and note these, if its arrays have too many dims for a format.

    Raise LayoutError when the other dims are too many.
    """
    dims = _most_dims(ds)
    if form.most_dims is None or dims <= form.most_dims:
        return ds
    scalar = squeezed(ds, ds.sizes)
    limit = f"{dims} dims exceed the limit of netCDF and zarr, {form.most_dims}"
    if _most_dims(scalar) > form.most_dims:
        raise LayoutError(
            f"{limit}.",
            ways=[
                Way(
                    "Use to_dataset(layout='points'), or export to JSON or a table.",
                    "Export to .json or .csv.",
                )
            ],
        )
    warn(
        f"{limit}, so that dims with one value are scalar coordinates in the file.",
        way=Way("load() restores these dims.", ""),
    )
    notes["dims"] = [
        [to_tree(name, "a name"), [to_tree(dim, "a dim") for dim in variable.dims]]
        for name, variable in ds.variables.items()
        if variable.dims != scalar.variables[name].dims
    ]
    return scalar


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
    used_names = {name for name in names if isinstance(name, str) and name == file_name(name)}
    for name in names:
        new = file_name(name)
        if new != name:
            new = _free_name(new, used_names)
            used_names.add(new)
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


def _free_name(name: str, used_names: Iterable[str]) -> str:
    used_names = set(used_names)
    while name in used_names:
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
    own_attrs = encode_attrs(attrs, f"'{name}'", note, json_attrs=form.json_attrs, temporal=temporal)
    return variable_of(dims, array, cf | own_attrs)


def _cf_dates(dates: Array) -> tuple[Array, dict[str, Any]]:
    """Return dates as integers of the largest unit that holds them exactly, by the conventions of climate science."""
    unit = np.datetime_data(dates.dtype)[0]
    ticks, gaps = dates.view("i8"), np.isnat(dates)
    exact_units = [
        u
        for u, n in PER_SECOND.items()
        if n <= PER_SECOND[unit] and not (ticks[~gaps] % (PER_SECOND[unit] // n)).any()
    ]
    ticks = np.where(gaps, _NAT, ticks // (PER_SECOND[unit] // PER_SECOND[exact_units[0]]))
    attrs = {"units": f"{_UNITS[exact_units[0]]} since 1970-01-01", "calendar": "proleptic_gregorian"}
    return ticks, {**attrs, "_FillValue": _NAT} if gaps.any() else attrs


# -------------------------------------------------------------------------------------------- reading


def decode(ds: xr.Dataset) -> xr.Dataset:
    """Return the Dataset that an encoded one was.

    >>> ds = xr.Dataset({"results/E": ("n", np.array([[1.5], None], dtype=object))}, attrs={"tags": ["a"]})
    >>> decode(encode(ds)).identical(ds)
    True
    """
    return assembled(decode_parts(ds))


Decoded = tuple[tuple[Hashable, ...], Values, dict[Any, Any]]


def decode_parts(ds: xr.Dataset, decode: Callable[[xr.Variable, str], Decoded] | None = None) -> Parts:
    """Return what an encoded Dataset was made of, and the notes about it."""
    decode = decode or decode_variable
    attrs, notes = decode_attrs(ds.attrs)
    variables: dict[Hashable, Any] = {}
    names: dict[Hashable, Hashable] = {new: of_tree(old) for new, old in notes.get("names", [])}
    coords = notes.get("coords") or list(ds.coords)
    order = notes.get("order") or [*(name for name in ds.variables if name not in coords), *coords]
    for name in order:
        dims, values, own_attrs = decode(ds.variables[name], name)
        variables[names.get(name, name)] = tuple(names.get(dim, dim) for dim in dims), values, own_attrs
    return Parts(variables, [names.get(name, name) for name in coords], attrs, notes)


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
        own_dims = tuple(map(of_tree, dims))
        array = np.asarray(values)
        sizes = dict(zip(parts.variables[of_tree(name)][0], array.shape, strict=True))
        parts.variables[of_tree(name)] = (
            own_dims,
            array.reshape([sizes.get(dim, 1) for dim in own_dims]),
            attrs,
        )
    variables = {name: variable_of(*part) for name, part in parts.variables.items()}
    ds = xr.Dataset(
        {name: variable for name, variable in variables.items() if name not in parts.coords},
        {name: variable for name, variable in variables.items() if name in parts.coords},
        parts.attrs,
    )
    return restore_indexes(ds, parts.notes)


def restore_indexes(ds: xr.Dataset, notes: Mapping[str, Any]) -> xr.Dataset:
    """Return a Dataset with the indexes that were noted."""
    for name, has_index in notes.get("indexes", []):
        ds = ds.set_xindex(of_tree(name)) if has_index else ds.drop_indexes(of_tree(name))
    for dim, levels, attrs in notes.get("multi_indexes", []):
        ds = ds.set_xindex([of_tree(level) for level in levels], xr.indexes.PandasMultiIndex)
        ds[of_tree(dim)].attrs = decode_attrs({}, {"attrs": attrs})[0]
    return ds


Column = tuple[str, Values]


def unique(names: Iterable[Hashable]) -> list[str]:
    """Return names as text, with a number where one is there before.

    >>> unique(["a", "b", "a", 1])
    ['a', 'b', 'a.1', '1']
    """
    unique_names: dict[str, None] = {}
    texts = [str(name).encode("utf-8", "backslashreplace").decode().replace("\0", "\\0") for name in names]
    reserved = set(texts)
    for text in texts:
        new, number = text, 0
        while new in unique_names or (number and new in reserved):
            number += 1
            new = f"{text}.{number}"
        unique_names[new] = None
    return list(unique_names)


def to_columns(frame: pd.DataFrame) -> tuple[list[Column], Note]:
    """Return the columns of a DataFrame, those of its index first, and the notes that lead back.

    An index that has no name and counts the rows is only noted.

    >>> columns, note = to_columns(pd.DataFrame({"t": [0.5]}, index=pd.Index([7], name="measurement_id")))
    >>> [(name, values.tolist()) for name, values in columns]
    [('measurement_id', [7]), ('t', [0.5])]
    """
    note: Note = {"labels": index_tree(frame.columns, "the labels of the columns")}
    levels = _levels(frame.index)
    titles: list[Hashable] = ["index" if level.name is None else level.name for level in levels]
    names = unique([*titles, *frame.columns])
    note["index"] = _index_note(frame.index, levels, names)
    if frame.attrs:
        note["attrs"] = attrs_trees(frame.attrs, "the DataFrame")
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
        entry = {"name": to_tree(level.name, "the name of the index"), "column": column}
        if isinstance(level, pd.RangeIndex):
            entry["range"] = [level.start, level.stop, level.step]
        if isinstance(level, (pd.DatetimeIndex, pd.TimedeltaIndex)) and level.freqstr is not None:
            entry["freq"] = level.freqstr
        notes.append(entry)
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

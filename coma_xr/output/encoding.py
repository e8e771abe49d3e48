"""Datasets in a form that netCDF can hold.

netCDF knows numbers and text; a Dataset may hold anything. What netCDF cannot hold, or would change, is
written in another form, and how it was is noted in the attribute `NOTE`, as JSON text, of the variable or
Dataset. Everything else is written as it is, for other tools to read. The notes are:

==================  ====================================================================================
of a variable
==================  ====================================================================================
``dtype``           its dtype, when it is another one in the file
``cells: "json"``   every cell is the JSON text of its value; ``null`` is None
``hole``            the text of the cells that are None or NaN, as ``[text, "None" or "NaN"]``
``complex``         real and imaginary part stand along this last dimension
``attrs``           attributes that netCDF cannot hold, or would change: pairs of name and value
==================  ====================================================================================

==================  ====================================================================================
of the Dataset
==================  ====================================================================================
``names``           pairs of the name in the file and the name of a variable or dimension
``multi_indexes``   the names of the levels of the MultiIndex of a dimension
``attrs``           as above
==================  ====================================================================================
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from coma_xr.errors import SerializationError

__all__ = ["NOTE", "cell_text", "encode"]

NOTE = "coma_xr"
COMPLEX_DIM = "complex_part"

# Attributes by which xarray and other tools decode the variable; one of the user's would change its values.
_MEANINGFUL = frozenset(
    {"_FillValue", "missing_value", "scale_factor", "add_offset", "dtype", "calendar", "coordinates", NOTE}
    | {
        "_Unsigned",
        "_NCProperties",
        "_Netcdf4Dimid",
        "_Netcdf4Coordinates",
        "grid_mapping",
        "bounds",
        "cell_measures",
    }
    | {
        "CLASS",
        "NAME",
        "DIMENSION_LIST",
        "REFERENCE_LIST",
        "DIMENSION_LABELS",
        "ancillary_variables",
        "formula_terms",
    }
)
_TIME_UNITS = re.compile(r"\s*\w+\s+since\s", re.IGNORECASE)
_BAD_CHARACTERS = re.compile(r"[\x00-\x1f\x7f/]|\s+$")
_INT64 = range(-(2**63), 2**63)


def encode(ds: xr.Dataset) -> xr.Dataset:
    """Return a Dataset that netCDF can hold, with notes of what was changed.

    Raises
    ------
    SerializationError
        When a cell or an attribute holds what JSON has no form for. The message names it.

    Examples
    --------
    >>> ds = encode(xr.Dataset({"E": ("n", np.array([[1.5], None], dtype=object))}))
    >>> ds.E.values
    array(['[1.5]', 'null'], dtype=object)
    >>> ds.E.attrs
    {'coma_xr': '{"dtype": "object", "cells": "json"}'}
    """
    ds, multi_indexes = _without_multi_indexes(ds)
    names = _names_of_file([*ds.variables, *ds.dims])
    if names:
        ds = ds.rename(names)
    variables = {name: _encode_variable(name, variable) for name, variable in ds.variables.items()}
    coords = {name: variables[name] for name in ds.coords}
    data = {name: variables[name] for name in ds.data_vars}
    notes: dict[str, Any] = {}
    if names:
        notes["names"] = [[new, cell_value(old, f"the name {old!r}")] for old, new in names.items()]
    if multi_indexes:
        notes["multi_indexes"] = multi_indexes
    attrs = _encode_attrs(ds.attrs, "the Dataset", notes)
    return xr.Dataset(data, coords=xr.Coordinates(coords, indexes={}), attrs=attrs)


def _without_multi_indexes(ds: xr.Dataset) -> tuple[xr.Dataset, dict[str, list[Any]]]:
    found = {}
    for dim in list(ds.dims):
        index = ds.indexes.get(dim)
        if isinstance(index, pd.MultiIndex):
            found[str(dim)] = list(index.names)
            ds = ds.reset_index(dim)
    return ds, found


def _names_of_file(names: Iterable[Hashable]) -> dict[Hashable, str]:
    """Return the other names of those that netCDF cannot hold."""
    names = dict.fromkeys(names)
    renamed: dict[Hashable, str] = {}
    taken = set(names)
    for name in names:
        new = unicodedata.normalize("NFC", _BAD_CHARACTERS.sub("__", str(name)))
        if not new or not (new[0].isalnum() or new[0] == "_" or ord(new[0]) > 127):
            new = f"_{new}"
        if new == name:
            continue
        while new in taken:
            new += "_"
        taken.add(new)
        renamed[name] = new
    return renamed


def _encode_variable(name: Hashable, variable: xr.Variable) -> xr.Variable:
    notes: dict[str, Any] = {}
    dims, values = variable.dims, _encode_values(name, variable, notes)
    if "complex" in notes:
        dims = (*dims, COMPLEX_DIM)
    attrs = _encode_attrs(variable.attrs, f"'{name}'", notes, temporal=values.dtype.kind in "mM")
    return xr.Variable(dims, values, attrs)


def _encode_values(name: Hashable, variable: xr.Variable, notes: dict[str, Any]) -> np.ndarray[Any, Any]:
    dtype = variable.dtype
    if isinstance(dtype, np.dtype):
        values = np.asarray(variable.values)
    else:
        notes["dtype"] = str(dtype)
        values = np.asarray(variable.data, dtype=object)
        if not any(cell is pd.NA for cell in values.flat):
            values = np.array(values.tolist())
    if values.dtype.kind == "T":
        notes["dtype"] = "StringDType"
        values = values.astype(object)
    if values.dtype.kind == "O":
        notes.setdefault("dtype", "object")
        return _encode_objects(name, values, notes)
    if values.dtype.kind == "c":
        notes.update(dtype=str(values.dtype), complex=COMPLEX_DIM)
        return np.stack([values.real, values.imag], axis=-1).astype(np.float64)
    # netCDF has single and double precision; on this machine or another, long double is something else.
    if values.dtype.kind == "f" and values.dtype.itemsize not in {4, 8}:
        notes["dtype"] = str(values.dtype)
        return values.astype(np.float32 if values.dtype.itemsize < 4 else np.float64)
    return values


def _encode_objects(
    name: Hashable, values: np.ndarray[Any, Any], notes: dict[str, Any]
) -> np.ndarray[Any, Any]:
    cells = values.ravel().tolist()
    holes = [_hole(cell) for cell in cells]
    kinds = {hole for hole in holes if hole}
    whole = [cell for cell, hole in zip(cells, holes, strict=True) if not hole]
    if whole and all(type(cell) is str and "\0" not in cell for cell in whole) and len(kinds) < 2:
        if not kinds:
            return values
        text = ""
        while text in whole:
            text = f"<{text or 'missing'}>"
        notes["hole"] = [text, kinds.pop()]
        cells = [text if hole else cell for cell, hole in zip(cells, holes, strict=True)]
    else:
        notes["cells"] = "json"
        cells = [cell_text(cell, f"'{name}'") for cell in cells]
    encoded = np.empty(len(cells), dtype=object if cells else "<U1")
    encoded[:] = cells
    return encoded.reshape(values.shape)


def _hole(cell: Any) -> str:
    if cell is None:
        return "None"
    if cell is pd.NA:
        return "NA"
    return "NaN" if isinstance(cell, float) and cell != cell else ""  # noqa: PLR0124


def cell_text(cell: Any, where: str) -> str:
    """Return the JSON text of a cell.

    Raises
    ------
    SerializationError
        When JSON has no form for it; `where` names the variable or column in the message.

    Examples
    --------
    >>> cell_text([1, None, {"a": np.arange(2)}], "'E'")
    '[1, null, {"a": {"__type__": "numpy.ndarray", "shape": [2], "list": [0, 1], "dtype": "int64"}}]'
    """
    # Escapes keep the text plain ASCII, so that no tool can read it wrongly.
    return json.dumps(cell_value(cell, where))


def cell_value(cell: Any, where: str) -> Any:
    """Return a cell as JSON can hold it: arrays in the form that they have in measurement files."""
    if cell is None or cell is pd.NA or isinstance(cell, (str, bool, int, float)):
        return None if cell is pd.NA else cell
    if isinstance(cell, np.ndarray) and cell.dtype.kind in "biufU":
        items = cell.ravel().tolist()
        return {
            "__type__": "numpy.ndarray",
            "shape": list(cell.shape),
            "list": items,
            "dtype": cell.dtype.name,
        }
    if isinstance(cell, (np.bool_, np.integer, np.floating)):
        return cell.item()
    if isinstance(cell, (list, tuple)):
        return [cell_value(item, where) for item in cell]
    if isinstance(cell, Mapping) and all(isinstance(key, str) for key in cell):
        return {key: cell_value(item, where) for key, item in cell.items()}
    kind = f"{type(cell).__module__}.{type(cell).__qualname__}".removeprefix("builtins.")
    raise SerializationError(
        f"{where} holds a {kind}, which cannot be exported. Exported are numbers, text, bool, None, arrays of "
        "these and of datetime64, and lists and dictionaries; convert or drop it first."
    )


def _encode_attrs(
    attrs: Mapping[Any, Any], where: str, notes: dict[str, Any], *, temporal: bool = False
) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    odd: list[list[Any]] = []
    for key, value in attrs.items():
        if _is_plain_attr(key, value, temporal=temporal):
            plain[key] = value
        else:
            said = f"the attribute {key!r} of {where}"
            odd.append([cell_value(key, said), cell_value(value, said)])
    if odd:
        notes["attrs"] = odd
    if notes:
        plain[NOTE] = json.dumps(notes)
    return plain


def _is_plain_attr(key: Any, value: Any, *, temporal: bool) -> bool:
    """Whether netCDF holds an attribute, and gives it back, as it is."""
    if not isinstance(key, str) or key in _MEANINGFUL or key in _names_of_file([key]):
        return False
    if isinstance(value, str):
        return not (key == "units" and (temporal or _TIME_UNITS.match(value))) and _is_plain_text(value)
    if isinstance(value, (bool, np.bool_)):
        return False
    if isinstance(value, int):
        return value in _INT64
    if isinstance(value, (float, np.integer, np.floating)):
        return not isinstance(value, (np.float16, np.longdouble))
    return (
        isinstance(value, np.ndarray)
        and value.ndim == 1
        and value.size > 1
        and value.dtype.name in _ATTR_DTYPES
    )


_ATTR_DTYPES = frozenset(
    {f"{kind}int{8 * size}" for kind in ("", "u") for size in (1, 2, 4, 8)} | {"float32", "float64"}
)


def _is_plain_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text

"""Attributes: as they are where a format holds them and gives them back, else in the notes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from coma_xr.exports.codec import of_tree, to_tree
from coma_xr.tree import TYPE

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
_INT64 = range(-(2**63), 2**63)
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
    all_noted: bool = False,
) -> dict[str, Any]:
    """Return the attributes for a file, with the notes among them.

    Raises
    ------
    SerializationError
        When one of them has no stored form. The message names it.
    """
    plain: dict[str, Any] = {}
    noted: list[list[Any]] = []
    for key, value in attrs.items():
        allowed = not all_noted and _may_stand(key, value, temporal)
        if allowed and (_is_json(value) if json_attrs else _is_netcdf(value)):
            plain[key] = value
            noted.append([key])
            continue
        said = f"the attribute {key!r} of {where}"
        noted.append([to_tree(key, said), to_tree(value, said)])
        shown = (_json_look(value) if json_attrs else _netcdf_look(value)) if allowed else None
        if shown is not None:
            plain[key] = shown
    if any(len(item) > 1 for item in noted):
        notes["attrs"] = noted
    if notes and not all_noted:
        plain[NOTE] = json.dumps(notes)
    return plain


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
        return type(value) is float or value in _INT64
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
        if {*map(type, value)} in ({int}, {float}) and all(type(n) is float or n in _INT64 for n in value):
            return np.array(value)
    return None


def _is_json(value: Any) -> bool:
    if type(value) in (int, float):
        return math.isfinite(value) if type(value) is float else value in _INT64
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
    plain = {key: _of_python(value) for key, value in attrs.items()}
    text = plain.pop(NOTE, None)
    said: dict[str, Any] = dict(json.loads(text) if isinstance(text, str) else notes or {})
    noted = said.pop("attrs", None)
    if noted is None:
        return plain, said
    found: dict[Any, Any] = {}
    for key, *value in ([of_tree(part) for part in item] for item in noted):
        # What another tool has changed since then counts.
        if value and (key not in plain or _look(plain[key]) == _look(value[0])):
            found[key] = value[0]
        elif key in plain:
            found[key] = plain[key]
    return found | {key: value for key, value in plain.items() if key not in found}, said


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

"""Values that JSON has no form for, as dictionaries that say their type.

A NumPy array is ``{"__type__": "numpy.ndarray", "shape": [2, 2], "list": [1, 2, 3, 4], "dtype": "int64"}``;
Coma 2 wrote and reads the same, without the dtype.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from coma_xr.errors import DataFileError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["TYPE", "decode", "encode_array", "is_typed"]

TYPE = "__type__"
_ARRAY = "numpy.ndarray"

# Kinds of arrays whose items JSON can write: bool, int, unsigned, float, text.
_KINDS = "biufU"
_MAX_FLOAT_SIZE = 8


def is_typed(node: Any) -> bool:
    """Whether a node of a plain tree is the stored form of a typed value."""
    return isinstance(node, dict) and node.get(TYPE) == _ARRAY


def encode_array(array: np.ndarray[Any, Any]) -> dict[str, Any] | None:
    """Return the stored form of an array; None for a dtype that has none."""
    dtype = array.dtype
    if dtype.kind not in _KINDS or (dtype.kind == "f" and dtype.itemsize > _MAX_FLOAT_SIZE):
        return None
    name = dtype.name if dtype.isnative and dtype.kind != "U" else dtype.str
    items = array.ravel().tolist()
    return {TYPE: _ARRAY, "shape": list(array.shape), "list": items, "dtype": name}


def decode(node: dict[str, Any]) -> Any:
    """Return the value of a stored form.

    Raises
    ------
    DataFileError
        When shape, dtype and items do not belong together; nothing is allocated before that is known.
    """
    import numpy as np

    shape: Any = node.get("shape")
    items, name = node.get("list"), node.get("dtype")
    if not isinstance(items, list) or not _is_shape(shape):
        raise DataFileError("an array needs a 'shape' of whole numbers and a 'list' of items")
    if math.prod(shape) != len(items):
        raise DataFileError(f"an array of shape {tuple(shape)} cannot have {len(items)} items")
    if any(isinstance(item, (list, dict)) for item in items):
        raise DataFileError("the 'list' of an array holds plain values only")
    try:
        dtype = None if name is None else np.dtype(str(name))
        if dtype is not None and dtype.kind not in _KINDS:
            raise DataFileError(f"an array has no dtype {str(name)!r} here")
        return np.array(items, dtype=dtype).reshape(shape)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataFileError(f"an array of dtype {name!r} cannot be made: {error}") from error


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, list) and all(type(n) is int and n >= 0 for n in shape)

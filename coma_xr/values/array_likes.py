"""Values of other libraries: arrays, quantities with units, numbers with errors, masked arrays.

They are recognised by their attributes, so that no library is imported for them. A quantity is stored as ``coma.quantity``
and read as a DataArray whose attributes name the units.
"""

from __future__ import annotations

import math
import sys
from types import NoneType
from typing import TYPE_CHECKING, Any, NamedTuple

from coma_xr.text import as_clause
from coma_xr.tree import TYPE, ToValue, cannot, part

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

QUANTITY = "coma.quantity"

# The number and the units of a quantity, as pint, unyt and astropy call them.
_QUANTITIES = (("magnitude", "units"), ("value", "units"), ("value", "unit"))

# Their subclasses know more than an array does.
_LABELLED = frozenset({"pandas", "xarray"})
_LONGEST = 120


class Quantity(NamedTuple):
    """A number or array, and its units."""

    number: Any
    units: str


class Uncertain(NamedTuple):
    """A value and its standard deviation."""

    value: Any
    error: Any


class Unmasked(NamedTuple):
    """The value of a masked array, and how many of its items were masked."""

    value: Any
    masked: int


def is_array_like(value: Any) -> bool:
    """Whether a value of another library becomes an array of NumPy."""
    kind = type(value)
    packages = {base.__module__.partition(".")[0] for base in kind.__mro__}
    return hasattr(kind, "__array__") and not isinstance(value, type) and packages.isdisjoint(_LABELLED)


def simplified(value: Any) -> Any:
    """Return an array, `Quantity`, `Uncertain` or `Unmasked` for a value of another library; None for all others.

    Raise SerializationError when the value does not become an array.
    """
    if isinstance(value, type):
        return None
    for number, units in _QUANTITIES:
        if hasattr(value, number) and hasattr(value, units):
            return Quantity(getattr(value, number), str(getattr(value, units)))
    # A quantity has the attributes of its number.
    if hasattr(value, "nominal_value") and hasattr(value, "std_dev"):
        return Uncertain(value.nominal_value, value.std_dev)
    return _array(value) if is_array_like(value) else None


def _array(value: Any) -> Any:
    import numpy as np

    if isinstance(value, np.ma.MaskedArray):
        return _unmasked(value)
    if type(value).__module__.partition(".")[0] == "numpy" and type(value) is not np.ndarray:
        # A matrix is more than an array.
        return None
    name = f"a {type(value).__module__.partition('.')[0]}.{type(value).__qualname__}"
    if hasattr(value, "to_pandas") and hasattr(value, "columns"):
        raise cannot(name, "Return a DataFrame of pandas: to_pandas() makes one.")
    try:
        # NumPy would pass arguments that older libraries do not take.
        array = value if isinstance(value, np.ndarray) else _in_memory(value).__array__()
        array = np.asarray(array)
    except Exception as error:
        reason = as_clause(f"{type(error).__name__}: {str(error)[:_LONGEST]}")
        raise cannot(name, f"It does not become an array: {reason}. Return an array of NumPy.") from error
    return array if array.dtype.kind != "O" else _of_objects(array)


def _in_memory(value: Any) -> Any:
    """Return an array of torch, jax or cupy as one that NumPy can read: its values alone, in main memory."""
    libraries = {base.__module__.partition(".")[0] for base in type(value).__mro__}
    if "jax" in libraries and str(value.dtype).startswith("key<"):
        # A random key; its integers make it again.
        return sys.modules["jax"].random.key_data(value)
    if "cupy" in libraries:
        return value.get()
    if "torch" not in libraries:
        return value
    for step in ("detach", "cpu", "resolve_conj", "resolve_neg"):
        value = getattr(value, step, lambda unchanged=value: unchanged)()
    # NumPy has no such dtypes; each of their numbers is one of float32.
    return value.float() if str(value.dtype).startswith(("torch.bfloat16", "torch.float8")) else value


def _of_objects(array: Array) -> Any:
    """Return the values and errors of an array of numbers with errors, or a list of quantities; None for others."""
    import numpy as np

    items = [simplified(item) for item in array.ravel().tolist()]
    if items and all(type(item) is Uncertain for item in items):
        values, errors = (np.array(column).reshape(array.shape) for column in zip(*items, strict=True))
        return Uncertain(values, errors)
    return array.tolist() if items and all(type(item) is Quantity for item in items) else None


def _unmasked(value: Any) -> Unmasked:
    """Return a masked array with NaN or NaT in place of masked items; lists with None for other dtypes."""
    import numpy as np

    mask = np.ma.getmaskarray(value)
    array = np.array(value.data)
    if array.dtype.names is not None:
        if any(mask[name].any() for name in array.dtype.names):
            raise cannot("a masked array with fields", "Return an array for each field.")
        return Unmasked(array[()], 0)
    count = int(mask.sum())
    if count and array.dtype.kind in "fcmM":
        array[mask] = np.nan if array.dtype.kind in "fc" else np.array("NaT", array.dtype)
    # Also without masked items, so that all measurements have lists.
    return Unmasked(array if array.dtype.kind in "fcmM" else value.tolist(), count)


def joined(items: list[Any]) -> Any:
    """Return the trees of the items of a list, with one list of values and one of errors, or one quantity, where possible.

    >>> joined([Uncertain(1.5, 0.1), 2])
    Uncertain(value=[1.5, 2], error=[0.1, 0.0])
    >>> joined([{"__type__": "coma.quantity", "value": n, "units": "joule"} for n in (1, 2)])
    {'__type__': 'coma.quantity', 'value': [1, 2], 'units': 'joule'}
    """
    if Uncertain in set(map(type, items)):
        pairs = [
            item if type(item) is Uncertain else (item, 0.0 if type(item) in (int, float) else None)
            for item in items
        ]
        values, errors = map(list, zip(*pairs, strict=True))
        return Uncertain(joined(values), joined(errors))
    quantities = [item for item in items if type(item) is dict and item.get(TYPE) == QUANTITY]
    numbers = [item["value"] if type(item) is dict and item.get(TYPE) == QUANTITY else item for item in items]
    # A hole among quantities has no units of its own.
    holes = sum(item is None or (type(item) is float and math.isnan(item)) for item in items)
    is_one = len({item["units"] for item in quantities}) == 1 and len(quantities) + holes == len(items)
    return quantity(numbers, quantities[0]["units"]) if is_one and _shape(numbers) is not None else items


def _shape(tree: Any) -> tuple[int, ...] | None:
    """Return the shape of nested lists of arrays, numbers and None; None for all else."""
    if type(tree) is dict and tree.get(TYPE) == "numpy.ndarray":
        return tuple(tree["shape"])
    if type(tree) is not list:
        return () if type(tree) in (int, float, NoneType) else None
    shapes = set(map(_shape, tree))
    inner = shapes.pop() if len(shapes) == 1 else None
    return None if inner is None else (len(tree), *inner)


def quantity(number: Any, units: str) -> Any:
    """Return the stored form of a quantity, with the tree of its number."""
    if type(number) is Uncertain:
        return Uncertain(*(quantity(tree, units) for tree in number))
    return {TYPE: QUANTITY, "value": number, "units": units}


def _read(node: dict[str, Any], value: ToValue) -> Any:
    import numpy as np
    import xarray as xr

    return xr.DataArray(np.asarray(value(node.get("value"))), attrs={"units": part(node, "units", str)})


DECODERS = {QUANTITY: _read}

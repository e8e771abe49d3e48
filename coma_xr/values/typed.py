"""Values that JSON has no form for, as dictionaries that say their type under ``__type__``.

``numpy.ndarray`` is Coma 2's array, all other names of ours begin with ``coma.``; further names are those of
types that the user registered. The forms themselves are made in the modules named after the libraries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from coma_xr.errors import ComaError, DataFileError, warn
from coma_xr.tree import OURS, TREE, TYPE, looks_registered
from coma_xr.values import external, registry
from coma_xr.values.external import EXTERNAL

if TYPE_CHECKING:
    from coma_xr.values.forms import ToTree, ToValue

__all__ = ["decode", "encode", "escape", "needs_escape", "values_of"]

_NUMPY = frozenset({"numpy.ndarray", "coma.ndarray", "coma.scalar"})
_PANDAS = ("coma.pandas.", "coma.objects")
_XARRAY = frozenset({"coma.xarray.DataArray", "coma.xarray.Dataset"})

# The standard library's types that have a form, by the module that Python says they are from.
_BUILT_IN = frozenset({"builtins", "datetime", "decimal", "fractions", "pathlib", "uuid"})

_told: set[str] = set()


def needs_escape(tree: Mapping[str, Any]) -> bool:
    """Whether a dictionary of the user's would be read as a typed value."""
    name = tree.get(TYPE)
    return isinstance(name, str) and (name.startswith(OURS) or looks_registered(tree))


def escape(tree: Mapping[str, Any], plain: ToTree) -> dict[str, Any]:
    """Return the stored form of a user's dictionary that looks like one of ours."""
    items = [[str.__str__(key), plain(child, "items", i, 1)] for i, (key, child) in enumerate(tree.items())]
    return {TYPE: "coma.dict", "items": items}


def encode(value: Any, plain: ToTree) -> Any:
    """Return the plain form of a value of Python, NumPy, pandas or xarray; None when its type has none."""
    root = type(value).__module__.partition(".")[0]
    if root == "numpy":
        from coma_xr.values import numpy as numpy_types

        return numpy_types.encode(value)
    if root in _BUILT_IN:
        from coma_xr.values import builtin as builtin_types

        return builtin_types.encode(value, plain)
    if root == "pandas":
        from coma_xr.values import pandas as pandas_types

        return pandas_types.encode(value, plain)
    if root == "xarray":
        from coma_xr.values import xarray as xarray_types

        return xarray_types.encode(value, plain)
    return None


def decode(node: dict[str, Any], value: ToValue) -> Any:
    """Return the value of a stored form; the node as a dictionary where nothing here knows the type.

    Parameters
    ----------
    node : dict
        For which `is_typed` is true.
    value : callable
        Makes the values of its parts.

    Raises
    ------
    DataFileError
        When its parts do not belong together.
    """
    registration = registry.named(node)
    if registration is not None:
        return registry.revive(registration, value(node[TREE]))
    decoder = _decoder(node[TYPE])
    if decoder is None:
        return values_of(node, value)
    try:
        return decoder(node, node[TYPE], value)
    except ComaError:
        raise
    except Exception as error:  # whatever a library says of a form that lies is a bad file
        raise DataFileError(
            f"a stored {node[TYPE]} cannot be made: {type(error).__name__}: {str(error)[:200]}"
        ) from error


def _decoder(name: str) -> Callable[[dict[str, Any], str, ToValue], Any] | None:
    if name in _NUMPY:
        from coma_xr.values import numpy as numpy_types

        return numpy_types.decode
    if name.startswith(_PANDAS):
        from coma_xr.values import pandas as pandas_types

        return pandas_types.read if name in pandas_types.DECODERS else None
    if name in _XARRAY:
        from coma_xr.values import xarray as xarray_types

        return xarray_types.read
    if name == EXTERNAL:
        return external.read
    from coma_xr.values import builtin as builtin_types

    return builtin_types.decode if name in builtin_types.DECODERS else None


def values_of(node: dict[str, Any], value: ToValue) -> dict[str, Any]:
    """Return the values of a dictionary with a ``__type__`` that nothing here knows, and say so once."""
    name = node[TYPE]
    if needs_escape(node) and name not in _told:
        _told.add(name)
        warn(
            f"Values of the type {name[:80]!r} are read as dictionaries, since nothing here makes them again; "
            "coma.register() names the class, if it is one of yours."
        )
    return {key: value(child) for key, child in node.items()}

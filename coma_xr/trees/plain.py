"""Python values to plain trees, which files hold, and back.

A plain tree is made of dict (with text keys), list, str, int, float, bool and None, of exactly these
types. Everything that goes into a file passes `to_plain`; whatever cannot be stored is found there,
before any file exists.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from typing import Any

from coma_xr.errors import SerializationError
from coma_xr.trees import typed
from coma_xr.trees.json import MAX_DEPTH
from coma_xr.trees.paths import join

__all__ = ["CLASS", "GETSTATE", "Tree", "from_plain", "state_of", "to_plain"]

# A plain tree or a part of one. Python's type checkers cannot follow the recursive alias usefully.
Tree = Any

CLASS = "__class__"
GETSTATE = "coma_getstate"

_BARE = frozenset({str, int, float, bool, type(None)})

# A measurement lies up to four levels deep in the file.
_DEEPEST = MAX_DEPTH - 4


def to_plain(value: Any, getstate: str = GETSTATE) -> Tree:
    """Return the plain tree of a value.

    Parameters
    ----------
    value : object
        Text, numbers, None, bool, NumPy scalars and arrays (bool, int, float, text), dictionaries, lists,
        tuples, named tuples, dataclasses, and objects with a getstate method, nested as deep as 96 levels.
    getstate : str, default "coma_getstate"
        The name of the method that returns an object's state.

    Returns
    -------
    dict, list, str, int, float, bool or None
        Shares nothing that can change with `value`.

    Raises
    ------
    SerializationError
        For what cannot be stored. The message names its path and type.

    Examples
    --------
    >>> import numpy as np
    >>> to_plain({"E": np.float64(1.5), "sites": (1, 2)})
    {'E': 1.5, 'sites': [1, 2]}
    """
    return _plain(value, (), getstate)


def _plain(value: Any, path: tuple[str, ...], getstate: str) -> Tree:
    kind = type(value)
    if kind in _BARE:
        return value
    if len(path) > _DEEPEST:
        raise SerializationError(
            f"{join(path[:6])}/...: nested deeper than {_DEEPEST} levels, or it contains itself."
        )
    if kind is dict:
        return _plain_dict(value, path, getstate)
    if kind is list or kind is tuple:
        return [_plain(item, (*path, str(i)), getstate) for i, item in enumerate(value)]
    state = state_of(value, getstate)
    if state is not None:
        return _plain_dict(state, path, getstate)
    return _plain_other(value, path, getstate)


def _plain_dict(value: Mapping[Any, Any], path: tuple[str, ...], getstate: str) -> Tree:
    tree = {}
    for key, child in value.items():
        if not isinstance(key, str):
            raise SerializationError(
                f"{join(path) or 'the result'}: the key {key!r} is a {type(key).__name__}; the keys of a "
                f"dictionary that is stored are text. Use {str(key)!r}."
            )
        # str() takes the subclass, such as numpy.str_, away.
        name = key if type(key) is str else str(key)
        tree[name] = child if type(child) in _BARE else _plain(child, (*path, name), getstate)
    if typed.is_typed(tree):
        raise SerializationError(
            f"{join(path) or 'the result'}: a dictionary with {typed.TYPE!r}: {tree[typed.TYPE]!r} would be "
            "read back as an array; use another name for this key."
        )
    return tree


def state_of(value: Any, getstate: str = GETSTATE) -> dict[str, Any] | None:
    """Return the state of an object as a dictionary; None when it has no such thing.

    Objects with a getstate method also tell their class, named tuples and dataclasses are their fields.

    Raises
    ------
    SerializationError
        When the getstate method returns anything but a dictionary.
    """
    # Python gives every object a __getstate__, which says nothing about what is to be stored.
    own = getattr(type(value), getstate, None) is not getattr(object, getstate, None)
    method = getattr(value, getstate, None) if own and not isinstance(value, type) else None
    if method is not None:
        state = method()
        if not isinstance(state, Mapping):
            raise SerializationError(
                f"{type(value).__name__}.{getstate}() returns a dictionary of what is to be stored, "
                f"here it returned {type(state).__name__}."
            )
        tree = {key: child for key, child in state.items() if key != CLASS}
        tree[CLASS] = f"{type(value).__module__}.{type(value).__qualname__}"
        return tree
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return dict(value._asdict())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return None


def _plain_other(value: Any, path: tuple[str, ...], getstate: str) -> Tree:
    if isinstance(value, Mapping):
        return _plain_dict(value, path, getstate)
    # Values of NumPy can only be there when something imported it.
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None:
        if isinstance(value, numpy.ndarray):
            tree = None if isinstance(value, numpy.ma.MaskedArray) else typed.encode_array(value)
            if tree is not None:
                return tree
        elif isinstance(value, (numpy.bool_, numpy.integer, numpy.float64, numpy.str_)):
            return value.item()
    for bare in (str, int, float):
        if isinstance(value, bare) and not hasattr(value, "dtype"):
            return bare(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item, (*path, str(i)), getstate) for i, item in enumerate(value)]
    raise SerializationError(_cannot_store(value, path, getstate))


def _cannot_store(value: Any, path: tuple[str, ...], getstate: str) -> str:
    kind = type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    dtype = f" of dtype {value.dtype}" if hasattr(value, "dtype") else ""
    return (
        f"{join(path) or 'the result'}: cannot store a {name}{dtype}. Stored are text, numbers, None, "
        "NumPy arrays of bool, int, float or text, dictionaries and lists of these, and objects "
        f"with a method {getstate}() that returns a dictionary."
    )


def from_plain(tree: Tree) -> Any:
    """Return the values of a plain tree: as it is, with NumPy arrays in place of their stored form.

    Raises
    ------
    DataFileError
        When the stored form of an array contradicts itself.

    Examples
    --------
    >>> from_plain({"a": {"__type__": "numpy.ndarray", "shape": [2], "list": [1, 2]}, "b": [1, 2]})
    {'a': array([1, 2]), 'b': [1, 2]}
    """
    if isinstance(tree, dict):
        if typed.is_typed(tree):
            return typed.decode(tree)
        return {key: from_plain(child) for key, child in tree.items()}
    if isinstance(tree, list):
        return [from_plain(item) for item in tree]
    return tree

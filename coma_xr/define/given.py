"""Objects as values of parameters: files and keys have their state, the user's functions get objects again.

A member of an Enum, a dataclass, a named tuple, or an object with ``coma_setstate`` that stands in a scan is made
again of its state for the function, by its own class. Only classes of which the user gave an object in this
process are known here, and in its workers; what is read from a file is never made so.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Mapping
from typing import Any

from coma_xr.errors import DataFileError, SerializationError
from coma_xr.values import objects
from coma_xr.values.plain import Tree, from_plain, restore

__all__ = ["install", "known", "make", "remember"]

# By what files call them: a cell of a notebook that runs again makes a class anew.
_classes: dict[str, type] = {}


def known() -> tuple[type, ...]:
    """Return the classes, for a process that is to know them too."""
    return tuple(_classes.values())


def install(classes: Iterable[type]) -> None:
    """Take over the classes of another process."""
    _classes.update({objects.name_of(kind): kind for kind in classes})


def remember(value: Any, tree: Tree) -> None:
    """Note the classes of the objects in a value.

    Parameters
    ----------
    value : object
        As the user gave it.
    tree : dict or list
        Its plain form.

    Raises
    ------
    SerializationError
        When a class does not make an object of its state again.
    """
    found = set(_kinds(value))
    if found:
        try:
            restore(tree, found)
        except DataFileError as error:
            raise SerializationError(
                f"{error}. The function would get something else than what was given; give it the parts, or "
                "a method coma_setstate() to the class."
            ) from error
        install(found)


def _kinds(value: Any) -> Iterable[type]:
    """Yield the classes of the objects in a value that can be made again."""
    kind = type(value)
    if isinstance(value, Mapping):
        parts: Iterable[Any] = value.values()
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield kind
        parts = [getattr(value, field.name) for field in dataclasses.fields(value)]
    elif isinstance(value, (list, tuple, set, frozenset)):
        if hasattr(value, "_asdict"):
            yield kind
        parts = value
    else:
        if isinstance(value, enum.Enum) or callable(getattr(value, objects.SETSTATE, None)):
            yield kind
        return
    for part in parts:
        yield from _kinds(part)


def make(tree: Tree) -> Any:
    """Return the value of a plain tree, with objects where the user gave such.

    Examples
    --------
    >>> Model = enum.Enum("Model", "ISING BOND")
    >>> tree = {"__type__": "coma.enum", "name": "BOND", "value": 2, "__class__": objects.name_of(Model)}
    >>> make(tree)
    2
    >>> remember(Model.BOND, tree)
    >>> make(tree)
    <Model.BOND: 2>
    """
    return restore(tree, _classes.values()) if _classes else from_plain(tree)

"""What the stored forms of typed values share: checks of their parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from coma_xr.errors import DataFileError, SerializationError
from coma_xr.tree import TYPE

# Makes the plain tree of a part; what follows the part are the segments between the whole and it, one for
# each level, so that the depth of what is written is known.
ToTree = Callable[..., Any]

# Makes the value of a part.
ToValue = Callable[[Any], Any]


def part(node: dict[str, Any], name: str, *kinds: type) -> Any:
    """Return a part of a stored form that has one of these types.

    Raises
    ------
    DataFileError
        When it has not, or is missing.

    Examples
    --------
    >>> part({"__type__": "coma.uuid", "value": "a"}, "value", str)
    'a'
    """
    value = node.get(name)
    if type(value) not in kinds:
        wanted = " or ".join(kind.__name__ for kind in kinds)
        found = f"is a {type(value).__name__}" if name in node else "is missing"
        raise DataFileError(f"{name!r} of a stored {node.get(TYPE)} {found}", expected=f"the type {wanted}")
    return value


def whole_numbers(node: dict[str, Any], name: str) -> list[int]:
    """Return a part that is a list of ints; true and false are none."""
    numbers: list[int] = part(node, name, list)
    if not set(map(type, numbers)) <= {int}:
        raise DataFileError(
            f"{name!r} of a stored {node.get(TYPE)} has other items than integers", expected="integers"
        )
    return numbers


def cannot(what: str, reason: str) -> SerializationError:
    """Return the error for a value that has no stored form; the place is given by what knows its path."""
    return SerializationError(f"cannot store {what}", ways=[reason] if reason else [])


def hashable(value: Any) -> Any:
    """Return a value with tuples in place of lists: what stands in a set or an index was no list.

    Examples
    --------
    >>> hashable([1, [2, 3]])
    (1, (2, 3))
    """
    return tuple([hashable(item) for item in value]) if type(value) is list else value

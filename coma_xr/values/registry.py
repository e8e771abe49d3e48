"""The user's types that have their own stored form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from coma_xr.errors import DataFileError, SerializationError
from coma_xr.keywords import checks_keywords
from coma_xr.text import shortened
from coma_xr.tree import REGISTERED, TYPE, looks_registered
from coma_xr.values.forms import cannot

T = TypeVar("T")

_RESERVED = ("coma.", "numpy.")
_BUILT_IN = frozenset({str, int, float, bool, type(None), dict, list, tuple, object, type})


@dataclass(frozen=True)
class Registration:
    """One type of the user's and its way to and from a tree."""

    type: type
    to_tree: Callable[[Any], Any]
    from_tree: Callable[[Any], Any]
    name: str


_by_type: dict[type, Registration] = {}
_by_name: dict[str, Registration] = {}


@checks_keywords
def register(
    type: type[T], to_tree: Callable[[T], Any], from_tree: Callable[[Any], T], name: str | None = None
) -> None:
    """Register how your own type is stored and restored.

    Parameters
    ----------
    type : class
        The class. It applies to subclasses that are not registered and define no ``coma_getstate``, too. They are restored
        as what `from_tree` returns.
    to_tree : callable
        A function of the object that returns a dictionary, list, array or other value that can be stored.
    from_tree : callable
        A function that returns the object from what `to_tree` returned, with lists in place of tuples.
    name : str, optional
        The name of the type in files, by default its module and name. Pass a name if the class may move, or is defined in a
        notebook.

    Raises
    ------
    SerializationError
        When the type is stored without registration, or another type has the name.

    Notes
    -----
    Without the registration, a stored value is read as the dictionary ``{"__type__": name, "tree": ...}``.

    Examples
    --------
    >>> class Lattice:
    ...     def __init__(self, vectors):
    ...         self.vectors = vectors
    >>> register(Lattice, lambda lattice: lattice.vectors, Lattice, name="lattice")
    >>> from coma_xr.values.plain import from_plain, to_plain
    >>> to_plain(Lattice([[1, 0], [0, 1]]))
    {'__type__': 'lattice', 'tree': [[1, 0], [0, 1]]}
    >>> from_plain({"__type__": "lattice", "tree": [[1, 0], [0, 1]]}).vectors
    [[1, 0], [0, 1]]
    """
    kind: Any = type
    functions: list[Any] = [to_tree, from_tree]
    label: Any = name
    if not isinstance(kind, _type) or kind in _BUILT_IN:
        raise SerializationError(f"register() got {shortened(kind)}.", expected="a class of your own")
    if not all(map(callable, functions)):
        raise SerializationError(
            f"register({kind.__qualname__}) got something that cannot be called.",
            expected="functions as to_tree and from_tree",
        )
    if label is None:
        label = _full_name(kind)
    if not isinstance(label, str) or not label or label.startswith(_RESERVED):
        raise SerializationError(
            f"register({kind.__qualname__}): the name {label!r} cannot be used.",
            expected=f"a string that does not begin with {' or '.join(_RESERVED)}",
        )
    _add(Registration(kind, to_tree, from_tree, label))


# The argument of `register` hides it.
_type = type


def _add(new: Registration) -> None:
    old = _by_name.get(new.name)
    if old is not None and old.type is not new.type:
        # A notebook cell that runs again creates the class again.
        if _full_name(old.type) != _full_name(new.type):
            raise SerializationError(
                f"register({new.type.__qualname__}): {new.name!r} is the name of {_full_name(old.type)} already.",
                ways=["Pass another name=."],
            )
        _by_type.pop(old.type, None)
    before = _by_type.get(new.type)
    if before is not None:
        del _by_name[before.name]
        REGISTERED.discard(before.name)
    _by_type[new.type] = _by_name[new.name] = new
    REGISTERED.add(new.name)


def _full_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def registrations() -> tuple[Registration, ...]:
    """Return all registrations, for a process that is to know them too."""
    return tuple(_by_type.values())


def install(known: Iterable[Registration]) -> None:
    """Take over the registrations of another process."""
    for registration in known:
        _add(registration)


def exact(kind: type) -> Registration | None:
    """Return the registration of exactly this type."""
    return _by_type.get(kind)


def find(kind: type) -> Registration | None:
    """Return the registration of a type or of the nearest one above it."""
    if not _by_type:
        return None
    return next((_by_type[parent] for parent in kind.__mro__ if parent in _by_type), None)


def named(node: Mapping[str, Any]) -> Registration | None:
    """Return the registration of a stored form; None when there is none."""
    return _by_name.get(node[TYPE]) if looks_registered(node) else None


def tree_of(registration: Registration, value: Any) -> Any:
    """Return what is stored of an object, not plain yet.

    Raises
    ------
    SerializationError
        When the user's function fails.
    """
    try:
        return registration.to_tree(value)
    except Exception as error:
        raise cannot(
            f"a {registration.name}", f"Its to_tree failed: {type(error).__name__}: {error}"
        ) from error


def revive(registration: Registration, tree: Any) -> Any:
    """Return the object of what was stored.

    Raises
    ------
    DataFileError
        When the user's function fails.
    """
    try:
        return registration.from_tree(tree)
    except Exception as error:
        raise DataFileError(
            f"from_tree of {registration.name!r} failed: {type(error).__name__}: {error}"
        ) from error

"""Objects and their state: the getstate protocol, and the way back when the caller gives the classes."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from coma_xr.errors import DataFileError, SerializationError
from coma_xr.text import listing, shortened, with_article
from coma_xr.tree import CLASS, TYPE

if TYPE_CHECKING:
    from coma_xr.values.forms import ToTree


# What the experiment itself puts into the state of an object that is a whole measurement.
_INFO = "info"
_WRITTEN = (_INFO, "parameters")
GETSTATE = "coma_getstate"
SETSTATE = "coma_setstate"

ENUM = "coma.enum"


def is_enum(node: Mapping[str, Any]) -> bool:
    """Whether a node of a plain tree is the stored form of a member of an Enum."""
    return node.get(TYPE) == ENUM


def name_of(kind: type) -> str:
    """Return what files call a class.

    Examples
    --------
    >>> import fractions
    >>> name_of(fractions.Fraction)
    'fractions.Fraction'
    """
    return f"{kind.__module__}.{kind.__qualname__}"


def has_state(value: Any, getstate: str = GETSTATE) -> bool:
    """Whether an object has a getstate method."""
    # Python gives every object a __getstate__, which says nothing about what is to be stored.
    own = getattr(type(value), getstate, None) is not getattr(object, getstate, None)
    return own and not isinstance(value, type) and getattr(value, getstate, None) is not None


def own_state(value: Any, getstate: str = GETSTATE) -> dict[str, Any] | None:
    """Return what an object's getstate method tells, with its class; None when it has no such method.

    Raises
    ------
    SerializationError
        When the method returns anything but a dictionary.
    """
    if not has_state(value, getstate):
        return None
    state = getattr(value, getstate)()
    if not isinstance(state, Mapping):
        raise SerializationError(
            f"{type(value).__name__}.{getstate}() returned {with_article(type(state).__name__)}.",
            expected="a dictionary of what is to be stored",
        )
    tree = {key: child for key, child in state.items() if key != CLASS}
    tree[CLASS] = name_of(type(value))
    return tree


def fields_of(value: Any) -> dict[str, Any] | None:
    """Return the fields of a named tuple or dataclass, with its class; None for anything else.

    Examples
    --------
    >>> import collections
    >>> fields_of(collections.namedtuple("Point", "x y", module="m")(1, 2))
    {'x': 1, 'y': 2, '__class__': 'm.Point'}
    """
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {**value._asdict(), CLASS: name_of(type(value))}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return {**fields, CLASS: name_of(type(value))}
    return None


def encode(value: Any, plain: ToTree) -> Any:
    """Return the state of a named tuple, dataclass or member of an Enum, with its class; None for others."""
    if isinstance(value, enum.Enum):
        parts = {"name": value.name, "value": plain(value.value, "value")}
        return {TYPE: ENUM, **parts, CLASS: name_of(type(value))}
    fields = fields_of(value)
    return fields and {name: plain(child, name) for name, child in fields.items()}


class Classes:
    """The classes that a caller gave, to be found by what files call them.

    Raises
    ------
    SerializationError
        When something else than a class is given.

    Examples
    --------
    >>> import fractions
    >>> Classes([fractions.Fraction]).find("old_module.Fraction")
    <class 'fractions.Fraction'>
    """

    def __init__(self, classes: Iterable[type]) -> None:
        classes = list(classes)
        for kind in classes:
            if not isinstance(kind, type):
                raise SerializationError(
                    f"restore() got {shortened(kind)}, {with_article(type(kind).__name__)}.",
                    expected="classes",
                )
        self._exact = {name_of(kind): kind for kind in classes}
        self._bare: dict[str, list[type]] = {}
        for kind in dict.fromkeys(classes):
            self._bare.setdefault(kind.__qualname__, []).append(kind)

    def find(self, name: Any) -> type | None:
        """Return the class that a file names; None when it was not given.

        Raises
        ------
        SerializationError
            When two classes of the name were given, and neither is of the module that the file names.
        """
        if not isinstance(name, str):
            return None
        if name in self._exact:
            return self._exact[name]
        found = [
            kind
            for bare in self._bare
            for kind in self._bare[bare]
            if name == bare or name.endswith(f".{bare}")
        ]
        if len(found) > 1:
            raise SerializationError(
                f"{name!r} may be any of several classes.",
                available=map(name_of, found),
                ways=["Give restore() one of them."],
            )
        return found[0] if found else None


def rebuild(kind: type, state: dict[str, Any], setstate: str = SETSTATE, *, whole: bool = False) -> Any:
    """Return an object of a class, made of its state.

    Raises
    ------
    DataFileError
        When the class does not take this state.
    """
    try:
        return _rebuild(kind, state, setstate, whole)
    except Exception as error:
        raise DataFileError(
            f"cannot make a {name_of(kind)} of its state: {type(error).__name__}: {error}"
        ) from error


def _rebuild(kind: type, state: dict[str, Any], setstate: str, whole: bool) -> Any:
    new: Any = kind
    own = getattr(kind, setstate, None) is not getattr(object, setstate, None)
    if own and callable(getattr(kind, setstate)):
        thing = new.__new__(new)
        getattr(thing, setstate)(state)
        return thing
    names = _field_names(kind)
    if whole:
        unwanted = {_INFO} if names is None else set(_WRITTEN).difference(names)
        state = {name: child for name, child in state.items() if name not in unwanted}
    if dataclasses.is_dataclass(kind):
        thing = new(**{f.name: state[f.name] for f in dataclasses.fields(kind) if f.init and f.name in state})
        unknown = state.keys() - set(names or ())
        if unknown:
            raise TypeError(f"it has no field {listing(sorted(unknown))}")
        for name, child in state.items():
            # Undo what __post_init__ computed again; in frozen classes too.
            object.__setattr__(thing, name, child)
        return thing
    if issubclass(kind, tuple):
        return new(**state)
    thing = new.__new__(new)
    thing.__dict__.update(state)
    return thing


def _field_names(kind: Any) -> Collection[str] | None:
    """Return the names of the fields of a dataclass or named tuple; None for another class."""
    if dataclasses.is_dataclass(kind):
        return [field.name for field in dataclasses.fields(kind)]
    return getattr(kind, "_fields", None) if issubclass(kind, tuple) else None


def member(kind: Any, name: Any, value: Any) -> Any:
    """Return the member of an Enum, by its name, else by its value.

    Raises
    ------
    DataFileError
        When there is no such member.
    """
    if not issubclass(kind, enum.Enum):
        raise DataFileError(f"{name_of(kind)} is not an Enum", expected="an Enum")
    if isinstance(name, str) and name in kind.__members__:
        return kind.__members__[name]
    try:
        return kind(value)
    except ValueError as error:
        raise DataFileError(
            f"{name_of(kind)} has no member {name!r} of value {value!r}",
            name=name,
            available=kind.__members__,
        ) from error

"""Objects of the user's classes: with a stored form that was registered, with a state, or as dataclasses."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from coma_xr.checks import checks_keywords
from coma_xr.errors import DataFileError, SerializationError
from coma_xr.text import listing, shortened, with_article
from coma_xr.tree import CLASS, LEAF_TYPES, OURS, REGISTERED, TYPE, cannot, looks_registered

if TYPE_CHECKING:
    from coma_xr.tree import ToTree


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

    Raise SerializationError when the method returns anything but a dictionary.
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

    Raise SerializationError when something else than a class is given.

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

        Raise SerializationError when two classes of the name were given, and neither is of the module that
        the file names.
        """
        if not isinstance(name, str):
            return None
        if name in self._exact:
            return self._exact[name]
        kinds = [
            kind
            for bare in self._bare
            for kind in self._bare[bare]
            if name == bare or name.endswith(f".{bare}")
        ]
        if len(kinds) > 1:
            raise SerializationError(
                f"{name!r} may be any of several classes.",
                available=map(name_of, kinds),
                ways=["Pass one of them to restore()."],
            )
        return kinds[0] if kinds else None


def rebuild(kind: type, state: dict[str, Any], setstate: str = SETSTATE, *, whole: bool = False) -> Any:
    """Return an object of a class, made of its state.

    Raise DataFileError when the class does not take this state.
    """
    try:
        return _rebuild(kind, state, setstate, whole)
    except Exception as error:
        raise DataFileError(
            f"cannot make a {name_of(kind)} from its state: {type(error).__name__}: {error}"
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

    Raise DataFileError when there is no such member.
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


T = TypeVar("T")

_BUILT_IN = LEAF_TYPES | frozenset({dict, list, tuple, object, type})


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
    if not isinstance(label, str) or not label or label.startswith(OURS):
        raise SerializationError(
            f"register({kind.__qualname__}): the name {label!r} cannot be used.",
            expected=f"a string that does not begin with {' or '.join(OURS)}",
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

    Raise SerializationError when the user's function fails.
    """
    try:
        return registration.to_tree(value)
    except Exception as error:
        raise cannot(
            f"a {registration.name}", f"Its to_tree failed: {type(error).__name__}: {error}"
        ) from error


def revive(registration: Registration, tree: Any) -> Any:
    """Return the object of what was stored.

    Raise DataFileError when the user's function fails.
    """
    try:
        return registration.from_tree(tree)
    except Exception as error:
        raise DataFileError(
            f"from_tree of {registration.name!r} failed: {type(error).__name__}: {error}"
        ) from error

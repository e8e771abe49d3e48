"""Python values to plain trees, which files hold, and back.

A plain tree is made of dict (with text keys), list, str, int, float, bool and None, of exactly these
types. Everything that goes into a file passes `to_plain`; whatever cannot be stored is found there,
before any file exists. A stored form is a dictionary that names its type under ``__type__``. ``numpy.ndarray`` is
Coma 2's array, all other names of coma_xr's begin with ``coma.``; further names are those of types that the user
registered.
"""

from __future__ import annotations

from collections import UserString, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, MappingView, Sequence
from functools import lru_cache
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, runtime_checkable

from coma_xr.errors import ComaError, DataFileError, SerializationError, Way, warn
from coma_xr.text import with_article
from coma_xr.tree import (
    CLASS,
    LEAF_TYPES,
    MAX_DEPTH,
    OURS,
    TREE,
    TYPE,
    ToTree,
    cannot,
    is_typed,
    join,
    looks_registered,
    shown,
)
from coma_xr.values import array_likes, external, objects
from coma_xr.values.array_likes import Quantity, Uncertain, Unmasked
from coma_xr.values.external import External
from coma_xr.values.objects import GETSTATE, SETSTATE

if TYPE_CHECKING:
    from coma_xr.tree import ToValue


class Family(NamedTuple):
    """The value types of one library.

    `load` imports their module, which has ``encode(value, plain)``, the stored form or None, and ``DECODERS``, functions
    ``(node, value)`` by the name of the stored form. `packages` are the first parts of the modules that the types are
    from, `forms` the beginnings of the names of their stored forms.
    """

    load: Callable[[], Any]
    packages: frozenset[str]
    forms: tuple[str, ...]


def _numpy() -> Any:
    from coma_xr.values import numpy

    return numpy


def _pandas() -> Any:
    from coma_xr.values import pandas

    return pandas


def _xarray() -> Any:
    from coma_xr.values import xarray

    return xarray


def _python() -> Any:
    from coma_xr.values import builtin

    return builtin


_PYTHON = frozenset({"builtins", "datetime", "decimal", "fractions", "pathlib", "uuid"})

# A new type is one entry here and one module. The first family whose form fits decodes.
FAMILIES = (
    Family(
        _numpy,
        frozenset({"numpy"}),
        ("numpy.", "coma.ndarray", "coma.scalar", "coma.structured", "coma.objects", "coma.masked"),
    ),
    Family(_pandas, frozenset({"pandas"}), ("coma.pandas.",)),
    Family(_xarray, frozenset({"xarray"}), ("coma.xarray.",)),
    Family(lambda: external, frozenset(), ("coma.external",)),
    Family(lambda: array_likes, frozenset(), ("coma.quantity",)),
    Family(_python, _PYTHON, ("coma.",)),
)

_BY_PACKAGE = {package: family for family in FAMILIES for package in family.packages}

_reported: set[str] = set()


@lru_cache(maxsize=256)
def _decoder(name: str) -> Callable[[dict[str, Any], ToValue], Any] | None:
    family = next((family for family in FAMILIES if name.startswith(family.forms)), None)
    return family and family.load().DECODERS.get(name)


def needs_escape(tree: Mapping[str, Any]) -> bool:
    """Whether a dictionary of the user's would be read as a typed value."""
    name = tree.get(TYPE)
    return isinstance(name, str) and (name.startswith(OURS) or looks_registered(tree))


def encode_typed(value: Any, plain: ToTree, *, exact: bool = False) -> Any:
    """Return the plain form of a value of a library in the table; None when its type has none."""
    family = _BY_PACKAGE.get(type(value).__module__.partition(".")[0])
    if family is None:
        return None
    module = family.load()
    return (
        module.encode_exactly(value, plain)
        if exact and family.load is _numpy
        else module.encode(value, plain)
    )


def decode_typed(node: dict[str, Any], value: ToValue) -> Any:
    """Return the value of a stored form; the node as a dictionary where nothing here knows the type.

    Raise DataFileError when its parts do not belong together.
    """
    registration = objects.named(node)
    if registration is not None:
        return objects.revive(registration, value(node[TREE]))
    decoder = _decoder(node[TYPE])
    if decoder is None:
        return values_of(node, value)
    try:
        return decoder(node, value)
    except ComaError:
        raise
    except Exception as error:  # whatever a library raises for a form that lies is a bad file
        raise DataFileError(
            f"a stored {node[TYPE]} cannot be made: {type(error).__name__}: {str(error)[:200]}"
        ) from error


def values_of(node: dict[str, Any], value: ToValue) -> dict[str, Any]:
    """Return the values of a dictionary with a ``__type__`` that nothing here knows, and warn once."""
    name = node[TYPE]
    if needs_escape(node) and name not in _reported:
        _reported.add(name)
        warn(
            f"Values of the type {name[:80]!r} are read as dictionaries, because nothing here makes them again.",
            way=Way("If the class is yours, name it with coma.register().", ""),
        )
    return {key: value(child) for key, child in node.items()}


# A plain tree or a part of one. Python's type checkers cannot follow the recursive alias usefully.
Tree = Any

Beside = Callable[[Any, tuple[str, ...]], Tree]


@runtime_checkable
class Notes(Protocol):
    """Takes the paths of arrays that had masked items."""

    masked: list[str]


# What a subclass is besides is not stored.
_EXACT: Final[dict[type, Callable[[Any], Any]]] = {
    str: str.__str__,
    int: int.__int__,
    float: float.__float__,
}

# A measurement lies up to four levels deep in the file.
_DEEPEST = MAX_DEPTH - 4

# No stored form has more levels of its own than this.
_ROOM = 12


class _Way(NamedTuple):
    """How objects and separate arrays are stored, and whether tuples and NumPy's scalars keep their type."""

    getstate: str
    beside: Beside | None
    exact: bool
    name_of: Callable[[Any], str | None] | None


def to_plain(
    value: Any,
    getstate: str = GETSTATE,
    beside: Beside | None = None,
    *,
    exact: bool = False,
    at: tuple[str, ...] = (),
    name_of: Callable[[Any], str | None] | None = None,
) -> Tree:
    """Return the plain tree of a value.

    Raise SerializationError for what cannot be stored. The message names its path and type.

    >>> import numpy as np
    >>> to_plain({"E": np.float64(1.5), "sites": (1, 2), "z": 1j})
    {'E': 1.5, 'sites': [1, 2], 'z': {'__type__': 'coma.complex', 'real': 0.0, 'imag': 1.0}}
    >>> to_plain((1, 2), exact=True)
    {'__type__': 'coma.tuple', 'items': [1, 2]}
    """
    return _one(value, at, _Way(getstate, beside, exact, name_of))


def check_keys(tree: Tree, path: tuple[str, ...] = ()) -> None:
    """Raise SerializationError for a plain tree with a value that tables leave out: below an empty key, or that of a class.

    What is inside of a list, or of a stored form, comes back with it.

    >>> check_keys({"sites": [{"": 1}]})
    >>> check_keys({"sites": {"": 1}})
    Traceback (most recent call last):
    ...
    coma_xr.errors.SerializationError: sites: the key '' is empty, and no path leads to it. Choose a name.
    """
    if type(tree) is not dict or (TYPE in tree and is_typed(tree)):
        return
    if "" in tree:
        raise _wrong_key(path, "", "is empty, and no path leads to it", "Choose a name.")
    if CLASS in tree and not (type(tree[CLASS]) is str and "." in tree[CLASS]):
        raise _wrong_key(path, CLASS, "is reserved for the class of a stored object", "Choose another name.")
    for key, child in tree.items():
        if type(child) is dict:
            check_keys(child, (*path, key))


def _wrong_key(path: tuple[str, ...], key: str, reason: str, way: str) -> SerializationError:
    return SerializationError(f"{join(path) or 'the result'}: the key '{key}' {reason}.", ways=[way])


def _plain(value: Any, path: tuple[str, ...], way: _Way) -> Tree:
    kind = type(value)
    if kind in LEAF_TYPES:
        return value
    if len(path) > _DEEPEST:
        raise _too_deep(path)
    if kind is dict:
        return _plain_dict(value, path, way)
    if kind is tuple and way.exact:
        return {
            TYPE: "coma.tuple",
            "items": [_one(item, (*path, str(i)), way) for i, item in enumerate(value)],
        }
    if kind is list or kind is tuple:
        if LEAF_TYPES.issuperset(map(type, value)):
            # Most lists are of numbers, and may be long.
            return list(value)
        items = [
            item if type(item) in LEAF_TYPES else _plain(item, (*path, str(i)), way)
            for i, item in enumerate(value)
        ]
        return items if way.exact else array_likes.joined(items)
    return _plain_other(value, path, way)


def _plain_dict(value: Mapping[Any, Any], path: tuple[str, ...], way: _Way) -> Tree:
    if way.exact and (TYPE in value or not all(type(key) is str for key in value)):
        return _pairs(value, path, way)
    tree = {}
    for key, child in value.items():
        if not isinstance(key, str):
            raise SerializationError(
                f"{join(path) or 'the result'}: the key {key!r} is {with_article(type(key).__name__)}.",
                expected="strings as keys",
                ways=[f"Use {str(key)!r}."],
            )
        # str() takes the subclass, such as numpy.str_, away.
        name = key if type(key) is str else str.__str__(key)
        tree[name] = part = child if type(child) in LEAF_TYPES else _plain(child, (*path, name), way)
        if type(part) is Uncertain:
            if f"{name}_err" in value:
                raise SerializationError(
                    f"its error is stored as '{name}_err', which exists",
                    where=join((*path, name)),
                    ways=["Choose another name for this one."],
                )
            tree[name], tree[f"{name}_err"] = part
    if TYPE in tree and needs_escape(tree):
        return _pairs(value, path, way)
    return tree


def _pairs(value: Mapping[Any, Any], path: tuple[str, ...], way: _Way) -> Tree:
    """Return the stored form of a dictionary that JSON cannot hold, or that looks like a stored form."""
    plain = _deeper(path, way)
    items = [
        [plain(key, "items", i, 0), plain(child, "items", i, 1)]
        for i, (key, child) in enumerate(value.items())
    ]
    return {TYPE: "coma.dict", "items": items}


def _deeper(path: tuple[str, ...], way: _Way) -> ToTree:
    """Return a function that makes the trees of the parts of what stands at a path."""
    return lambda part, *segments: _one(part, (*path, *map(str, segments)), way)


def _one(value: Any, path: tuple[str, ...], way: _Way) -> Tree:
    """Return the tree of a value that stands where its error has no place next to it."""
    tree = _plain(value, path, way)
    if type(tree) is Uncertain:
        raise SerializationError(
            "a number with an error is stored as two members of a dictionary",
            where=join(path) or "the result",
            ways=["Return it in a dictionary, or its nominal_value and std_dev."],
        )
    return tree


def _plain_other(value: Any, path: tuple[str, ...], way: _Way) -> Tree:
    """Return the tree of what is neither a bare value nor exactly a dictionary, list or tuple."""
    tree = _stored_form(value, path, way)
    if tree is not None:
        if len(path) > _DEEPEST - _ROOM and len(path) + _levels(tree) - 1 > _DEEPEST:
            raise _too_deep(path)
        return tree
    if isinstance(value, Mapping):
        return _plain_dict(value, path, way)
    for bare, exact in _EXACT.items():
        if isinstance(value, bare) and not hasattr(value, "dtype"):
            return exact(value)
    if isinstance(value, (list, tuple)):
        return _plain(list(value), path, way)
    raise _cannot_store(value, path, way.getstate)


def _stored_form(value: Any, path: tuple[str, ...], way: _Way) -> Tree | None:
    """Return the tree of a value whose type has a form of its own; None when it has none."""
    kind, plain = type(value), _deeper(path, way)
    if kind is External:
        return _beside(value, path, way)
    registration = objects.exact(kind)
    try:
        if registration is None:
            tree = encode_typed(value, plain, exact=way.exact)
            if tree is not None:
                return tree
            state = objects.own_state(value, way.getstate)
            if state is not None:
                return _plain_dict(state, path, way)
            registration = objects.find(kind)
        if registration is not None:
            stored = objects.tree_of(registration, value)
            return {TYPE: registration.name, TREE: plain(stored, TREE)}
        tree = objects.encode(value, plain)
        tree = _of_array_like(value, path, way) if tree is None and not way.exact else tree
        return way.name_of(value) if tree is None and way.name_of is not None else tree
    except SerializationError as error:
        if error.where is not None:
            raise
        raise error.at(join(path) or "the result") from error.__cause__


def _of_array_like(value: Any, path: tuple[str, ...], way: _Way) -> Tree | None:
    """Return the tree of an array, quantity or number with an error of another library; None for all else."""
    simple = array_likes.simplified(value)
    if way.name_of is not None and isinstance(simple, (Quantity, Uncertain)):
        number, rest = (
            ("magnitude", f" Record its units with annotate(..., units={simple.units!r}).")
            if isinstance(simple, Quantity)
            else ("nominal_value", " Pass its std_dev as another parameter.")
        )
        raise cannot(f"{with_article(type(value).__qualname__)} as a parameter", f"Pass its {number}.{rest}")
    if isinstance(simple, Uncertain):
        return Uncertain(_plain(simple.value, path, way), _plain(simple.error, path, way))
    if isinstance(simple, Quantity):
        return array_likes.quantity(_plain(simple.number, path, way), simple.units)
    if isinstance(simple, Unmasked):
        if simple.masked and isinstance(way.beside, Notes):
            way.beside.masked.append(join(path))
        simple = simple.value
    if way.name_of is not None and getattr(simple, "ndim", None) == 0 and simple.dtype.kind in "biufU":
        # One number labels a dim.
        simple = simple.item()
    return None if simple is None or simple is value else _plain(simple, path, way)


def _beside(value: External, path: tuple[str, ...], way: _Way) -> Tree:
    """Return the reference to an array that gets a file of its own."""
    if way.beside is None:
        raise SerializationError(
            f"{join(path) or 'the value'}: coma.external() needs a measurement to put its file next to.",
            ways=["Use it in the return value of a function that is run."],
        )
    return way.beside(value.value, path)


def _levels(tree: Tree) -> int:
    """Return how deep a tree is nested."""
    if isinstance(tree, dict):
        return 1 + max(map(_levels, tree.values()), default=0)
    if isinstance(tree, list):
        # Long lists of numbers are common here.
        nested = [item for item in tree if type(item) not in LEAF_TYPES]
        return 1 + max(map(_levels, nested), default=0)
    return 0


def _too_deep(path: tuple[str, ...]) -> SerializationError:
    return SerializationError(
        f"nested deeper than {_DEEPEST} levels, or it contains itself", where=f"{join(path[:6])}/..."
    )


# What to return in place of values of Python whose classes cannot be registered, or need not be.
_WAYS: tuple[tuple[tuple[type, ...], list[str]], ...] = (
    ((type, FunctionType, BuiltinFunctionType, ModuleType), ["Return its name."]),
    ((bytearray, memoryview), ["Return bytes() of it."]),
    ((UserString,), ["Return str() of it."]),
    ((Iterator, MappingView, Sequence, deque), ["Return list() of it."]),
)


def _cannot_store(value: Any, path: tuple[str, ...], getstate: str) -> SerializationError:
    is_array = hasattr(type(value), "__array__") and hasattr(value, "dtype")
    dtype = f" of dtype {value.dtype}" if is_array else ""
    name = type(value).__qualname__ if type(value).__module__ == "builtins" else objects.name_of(type(value))
    short = type(value).__qualname__
    ways = [
        f"Register its class: coma.register({short}, to_tree, from_tree).",
        f"Or give it a method {getstate}() that returns a dictionary.",
    ]
    if is_array:
        ways = ["Return its tolist()." if str(value.dtype) == "object" else "Return numpy.asarray() of it."]
    else:
        ways = next((way for kinds, way in _WAYS if isinstance(value, kinds)), ways)
    return SerializationError(
        f"{join(path) or 'the result'}: cannot store {with_article(name)}{dtype}.", ways=ways
    )


def from_plain(tree: Tree, at: Sequence[str] = ()) -> Any:
    """Return the values of a plain tree: as it is, with values in place of their stored forms.

    Raise DataFileError when a stored form contradicts itself. The message names its path.

    >>> from_plain({"a": {"__type__": "numpy.ndarray", "shape": [2], "list": [1, 2]}, "b": [1, 2]})
    {'a': array([1, 2]), 'b': [1, 2]}
    """
    try:
        return _value(tree)
    except DataFileError as error:
        where = shown((*at, *_where(tree)))
        if not where:
            raise
        raise error.at(where) from None


def _value(tree: Tree) -> Any:
    if isinstance(tree, dict):
        if TYPE in tree:
            if is_typed(tree):
                return decode_typed(tree, _value)
            if needs_escape(tree):
                return values_of(tree, _value)
        return {key: child if type(child) in LEAF_TYPES else _value(child) for key, child in tree.items()}
    if isinstance(tree, list):
        if LEAF_TYPES.issuperset(map(type, tree)):
            return tree.copy()
        return [item if type(item) in LEAF_TYPES else _value(item) for item in tree]
    return tree


def _where(tree: Tree) -> tuple[str, ...]:
    """Return the deepest known path in a tree that has no value."""
    children = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, child in children:
        if isinstance(child, (dict, list)):
            try:
                _value(child)
            except DataFileError:
                return (str(key), *_where(child))
    return ()


def restore(
    tree: Tree,
    classes: Iterable[type],
    setstate: str = SETSTATE,
    *,
    whole: bool = False,
    at: Sequence[str] = (),
) -> Any:
    """Return the values of a plain tree, with objects of the given classes in place of their state.

    Raise DataFileError when a class does not take the state, or a stored form contradicts itself. The message
    names the path.

    >>> import dataclasses
    >>> @dataclasses.dataclass
    ... class Site:
    ...     x: float
    >>> tree = to_plain({"site": Site(0.5)})
    >>> restore(tree, [Site])
    {'site': Site(x=0.5)}
    """
    restorer = _Restorer(objects.Classes(classes), setstate, whole)
    try:
        return restorer.value(tree)
    except DataFileError as error:
        # The path was left where it was when the error occurred.
        where = shown((*at, *restorer.path))
        raise (error.at(where) if where else error) from None


class _Restorer:
    """Makes values of plain trees, and objects of the classes that were given."""

    def __init__(self, classes: objects.Classes, setstate: str, whole: bool) -> None:
        self.classes, self.setstate, self.whole = classes, setstate, whole
        self.path: list[str] = []

    def value(self, tree: Tree) -> Any:
        if isinstance(tree, list):
            return [self._part(str(i), item) for i, item in enumerate(tree)]
        if not isinstance(tree, dict):
            return tree
        kind = self.classes.find(tree.get(CLASS))
        if is_typed(tree):
            value = decode_typed(tree, self.value)
            return objects.member(kind, tree.get("name"), value) if kind and objects.is_enum(tree) else value
        state = {key: self._part(key, child) for key, child in tree.items()}
        if kind is None:
            return state
        del state[CLASS]
        return objects.rebuild(kind, state, self.setstate, whole=self.whole and not self.path)

    def _part(self, key: str, tree: Tree) -> Any:
        if type(tree) in LEAF_TYPES:
            return tree
        self.path.append(key)
        value = self.value(tree)
        self.path.pop()
        return value

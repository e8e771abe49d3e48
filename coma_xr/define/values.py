"""Values of parameters with their exact types.

A measurement file keeps the plain form of a parameter, in which a tuple is a list and a float32 a number. The
function gets the value itself, and records of scans and failures keep a form from which the same value is made.
Functions and the classes of objects are never imported because a file names them: only those that were given in
this process, or are passed for this purpose, are used.
"""

from __future__ import annotations

import copy
import dataclasses
import enum
import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from coma_xr.errors import ComaError, DataFileError, ParameterError, SerializationError
from coma_xr.same import Mark, key, keys
from coma_xr.tree import (
    CLASS,
    LEAF_TYPES,
    TREE,
    TYPE,
    Path,
    Segment,
    cannot,
    is_typed,
    join,
    looks_registered,
    no_collection,
    split,
    step,
)
from coma_xr.values import array_likes, objects
from coma_xr.values.plain import Tree, check_keys, decode_typed, from_plain, needs_escape, to_plain

# The forms that only records have.
_TUPLE, _FUNCTION, _OBJECT = "coma.tuple", "coma.function", "coma.object"

# Python's types whose subclasses are stored as these.
_BUILT_IN = (str, int, float, dict, list, tuple, set, frozenset)

_UNRESOLVED: Final = object()

# So many values of one parameter, and parameter sets, fit into memory.
MOST_VALUES = 10**8

# Functions, and the classes of objects, that were given in this process. A cell of a notebook that runs again
# creates them again, and the newest one counts.
_known: dict[str, Any] = {}


class Argument:
    """A parameter's value whose plain form is not the value itself."""

    __slots__ = ("_given", "_record", "_things", "_value", "plain")

    def __init__(self, value: Any, plain: Tree) -> None:
        self.plain = plain
        self._value = _copied(value)
        self._record: Tree = _UNRESOLVED
        self._given: Sequence[Any] = ()
        self._things = things_in(self._value)
        remember(self._things)

    @classmethod
    def of_record(cls, plain: Tree, record: Tree, given: Sequence[Any] = ()) -> Argument:
        """Return the value that a record describes; it is made when it is first needed."""
        new = cls.__new__(cls)
        new.plain, new._record, new._value, new._given, new._things = (
            plain,
            record,
            _UNRESOLVED,
            given,
            {},
        )
        return new

    def value(self) -> Any:
        """Return the value, in a copy that the caller may change.

        Raise ParameterError when it needs a function or class that this process does not have.
        """
        self._make()
        return _copied(self._value)

    def _make(self) -> None:
        if self._value is not _UNRESOLVED:
            return
        try:
            self._value = _Maker(self._given).value(self._record)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            if isinstance(error, ComaError):
                raise
            raise DataFileError(f"the record of a parameter's value cannot be read: {error!r}") from error
        self._things = things_in(self._value)

    def things(self) -> dict[str, Any]:
        """Return the functions and classes that the value needs, by name; see `value`."""
        self._make()
        return self._things

    def portable(self) -> Argument:
        """Return the argument for another process: by its record, unless this needs functions or classes."""
        return self if _needs_things(self.record()) else self.detached()

    def detached(self) -> Argument:
        """Return the argument without its value, which is then made again from the record."""
        return Argument.of_record(self.plain, self.record())

    def shown(self) -> Any:
        """Return the value, or its plain form where something for it is not available."""
        return from_plain(self.plain) if self._value is _UNRESOLVED else self._value

    def record(self) -> Tree:
        """Return the tree that keeps the exact type."""
        if self._record is _UNRESOLVED:
            self._record = _record(self._value)
        return self._record

    def __reduce__(self) -> tuple[Any, ...]:
        if self._value is _UNRESOLVED:
            return _of_record, (self.plain, self._record, self._given)
        return Argument, (self._value, self.plain)

    def __eq__(self, other: object) -> bool:
        return bool(self.plain == plain_of(other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self.shown())


def is_too_long(values: Any) -> bool:
    """Return whether something is a range of too many items to be listed, or even counted by Python."""
    return isinstance(values, range) and bool(values[MOST_VALUES:])


# cloudpickle would send a method of a class by value.
def _of_record(plain: Tree, record: Tree, given: Sequence[Any]) -> Argument:
    return Argument.of_record(plain, record, given)


def _copied(value: Any) -> Any:
    try:
        return copy.deepcopy(value)
    except Exception:  # noqa: BLE001  what cannot be copied, such as an open file, is shared as in a direct call
        return value


def shown(values: Iterable[Any]) -> list[Any]:
    """Return values of a scan to be looked at: plain ones where something for the value itself is not available."""
    return [value.shown() if type(value) is Argument else value for value in values]


def plain_of(value: Any) -> Tree:
    """Return what measurement files keep of one value of a parameter set."""
    return value.plain if type(value) is Argument else value


def plain_rows(rows: Iterable[Sequence[Any]]) -> tuple[tuple[Tree, ...], ...]:
    """Return what measurement files keep of the values of many parameter sets."""
    listed = tuple(map(tuple, rows))
    if Argument not in set(map(type, chain.from_iterable(listed))):
        return listed
    return tuple([tuple(map(plain_of, values)) for values in listed])


def key_of(values: Sequence[Any]) -> tuple[Any, ...]:
    """Return the key of one parameter set, whose values are as scans keep them; see `coma_xr.same.key`."""
    part: tuple[Any, ...] = key(
        [plain_of(value) for value in values] if Argument in map(type, values) else values
    )
    return part


@no_collection()
def keys_of(rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Return the keys of many parameter sets, which takes a fraction of the time of `key_of` for each.

    >>> keys_of([(1, 2.0), (1.0, 2)])
    [(1, 2.0), (1.0, 2)]
    """
    columns = list(zip(*rows, strict=True))
    parts = [
        keys(list(map(plain_of, column)) if Argument in set(map(type, column)) else column)
        for column in columns
    ]
    return list(zip(*parts, strict=True)) if columns else [()] * len(rows)


def records_of(paths: Iterable[Path], values: Iterable[Any]) -> dict[str, Tree]:
    """Return the records of those values, by path, whose plain form does not have the exact type."""
    return {
        join(path): value.record()
        for path, value in zip(paths, values, strict=True)
        if type(value) is Argument and value.record() != value.plain
    }


def name_of_function(value: Any) -> str | None:
    """Return what files call a function or class: module and qualified name; None for anything else.

    Raise SerializationError for a function that has no name of its own, or has a state besides its name.

    >>> name_of_function(copy.deepcopy), name_of_function(dict), name_of_function(1)
    ('copy:deepcopy', 'builtins:dict', None)
    """
    if not callable(value):
        return None
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if module is None and type(value).__name__ == "ufunc":
        # Those of NumPy before 2.2 do not know where they are defined.
        module, name = type(value).__module__, value.__name__
    owner = getattr(value, "__self__", None)
    if isinstance(value, functools.partial):
        raise cannot("a functools.partial", "It has no name. Define a function with def that calls it.")
    if owner is not None and not isinstance(owner, (type, type(copy))):
        raise cannot(
            "a method of an object", "Its name does not identify the object. Define a function with def."
        )
    if not isinstance(module, str) or not isinstance(name, str):
        return None
    if name.endswith("<lambda>"):
        raise cannot(
            "a lambda",
            "It has no name. Define the function with def. To compute a parameter from others, use .expand() or "
            ".derive() of the scan.",
        )
    return f"{module}:{name}"


def with_names(value: Any, path: tuple[str, ...]) -> Any:
    """Return a value of a tree with the names of functions and classes in their place, at any depth.

    Raise SerializationError, with the path, for a function that has no name of its own.
    """
    if type(value) in LEAF_TYPES:
        return value
    if type(value) is dict:
        return {key: with_names(item, (*path, str(key))) for key, item in value.items()}
    if type(value) in (list, tuple):
        return [with_names(item, (*path, str(place))) for place, item in enumerate(value)]
    if not (inspect.isroutine(value) or isinstance(value, type) or type(value).__name__ == "ufunc"):
        return value
    try:
        name = name_of_function(value)
    except SerializationError as error:
        raise error.at(join(path)) from None
    # One that does not know where it is defined is refused with its path, as whatever else cannot be stored.
    return value if name is None else name


def remember(things: Mapping[str, Any]) -> None:
    """Use functions and classes, by name, for the values of records."""
    _known.update(things)


def things_in(value: Any) -> dict[str, Any]:
    """Return the functions and classes in a value, and the classes of the objects in it, by name."""
    things = {}
    for part in _parts(value):
        kind = type(part)
        name = name_of_function(part)
        if name is not None:
            things[name] = part
        elif _has_class(part, kind):
            things[_class_name(kind)] = kind
    return things


def _class_name(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _has_class(value: Any, kind: type) -> bool:
    """Whether an object is stored as something else that its class can restore."""
    if isinstance(value, _BUILT_IN):
        return kind not in _BUILT_IN and kind is not bool and kind.__module__ != "numpy"
    if isinstance(value, enum.Enum) or dataclasses.is_dataclass(kind) or objects.has_state(value):
        return True
    return kind.__module__.partition(".")[0] != "numpy" and array_likes.is_array_like(value)


def _parts(value: Any) -> Iterable[Any]:
    """Yield a value, and what is in it."""
    yield value
    if isinstance(value, Mapping):
        children: Iterable[Any] = value.values()
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        children = [getattr(value, field.name) for field in dataclasses.fields(value)]
    elif isinstance(value, (list, tuple, set, frozenset)):
        # Most lists are of numbers, and may be long.
        children = () if LEAF_TYPES.issuperset(map(type, value)) else value
    else:
        return
    for child in children:
        yield from _parts(child)


def things_of(rows: Iterable[Sequence[Any]]) -> dict[str, Any]:
    """Return the functions and classes in the values of a scan, by name.

    Raise ParameterError when two different ones have the same name, or one is not available in this process.
    """
    things: dict[str, Any] = {}
    arguments = (value for row in rows for value in row if type(value) is Argument)
    for argument in arguments:
        for name, thing in argument.things().items():
            if things.setdefault(name, thing) is not thing:
                raise ParameterError(
                    f"Two different values of the scan have the name {name!r}, but the name distinguishes measurements.",
                    name=name,
                    ways=["Define each of them under its own name with def or class."],
                )
    return things


def _record(value: Any) -> Tree:
    """Return the exact form of a value."""
    kind = type(value)
    if kind in LEAF_TYPES:
        return value
    if kind is list:
        return list(value) if LEAF_TYPES.issuperset(map(type, value)) else [_record(item) for item in value]
    if kind is tuple:
        return {TYPE: _TUPLE, "items": [_record(item) for item in value]}
    if kind is dict:
        return _record_of_dict(value)
    if kind is set or kind is frozenset:
        return {TYPE: f"coma.{kind.__name__}", "items": [_record(item) for item in value]}
    if kind.__module__ == "numpy" and hasattr(value, "dtype") and not hasattr(kind, "__array_finalize__"):
        return to_plain(value, exact=True)
    name = name_of_function(value)
    if name is not None:
        return {TYPE: _FUNCTION, "name": name}
    registration = objects.exact(kind) or (None if objects.has_state(value) else objects.find(kind))
    if registration is not None:
        return {TYPE: registration.name, TREE: _record(objects.tree_of(registration, value))}
    return _record_of_object(value, kind)


def _needs_things(record: Tree) -> bool:
    if type(record) is dict:
        return record.get(TYPE) in (_FUNCTION, _OBJECT) or any(map(_needs_things, record.values()))
    return (
        type(record) is list
        and not LEAF_TYPES.issuperset(map(type, record))
        and any(map(_needs_things, record))
    )


def _record_of_dict(value: Mapping[str, Any]) -> Tree:
    if TYPE in value and needs_escape(value):
        return {TYPE: "coma.dict", "items": [[key, _record(child)] for key, child in value.items()]}
    return {key: _record(child) for key, child in value.items()}


def _record_of_object(value: Any, kind: type) -> Tree:
    """Return the form of what only its own class makes again, or of what the stored form makes again exactly."""
    node = {TYPE: _OBJECT, "class": _class_name(kind)}
    if isinstance(value, enum.Enum):
        return {**node, "member": value.name, "value": _record(value.value)}
    state = objects.own_state(value)
    state = objects.fields_of(value) if state is None else state
    if state is not None:
        return {**node, "state": {name: _record(state[name]) for name in state if name != CLASS}}
    base = next((base for base in _BUILT_IN if isinstance(value, base)), None)
    if base is not None:
        return {**node, "value": _record(base(value))}
    tree = to_plain(value, exact=hasattr(kind, "mask"))
    # Only its own class makes an array of another library again.
    made = type(value) is type(_Maker(()).value(tree))
    return tree if made else {**node, "value": tree}


class _Maker:
    """Makes the values of records, with the functions and classes that are given or were seen in this process."""

    def __init__(self, given: Sequence[Any]) -> None:
        given_functions: dict[str, Any] = {
            name: thing for thing in given if (name := name_of_function(thing)) is not None
        }
        self._things = {**_known, **given_functions}

    def value(self, tree: Tree) -> Any:
        kind = type(tree)
        if kind is list:
            return [self.value(item) for item in tree]
        if kind is not dict:
            return tree
        form = tree.get(TYPE)
        if form == _TUPLE:
            return tuple([self.value(item) for item in tree["items"]])
        if form == _FUNCTION:
            return self._thing(tree["name"])
        if form == _OBJECT:
            return self._object(tree)
        if is_typed(tree):
            return decode_typed(tree, self.value)
        if looks_registered(tree):
            raise _unavailable(str(form), "coma.register() the class of the value first.")
        return {key: self.value(child) for key, child in tree.items()}

    def _thing(self, name: str) -> Any:
        if name in self._things:
            return self._things[name]
        # A script is __main__ when it runs, and has another name when it is imported.
        alike = [
            self._things[other] for other in self._things if other.partition(":")[2] == name.partition(":")[2]
        ]
        if len(alike) != 1:
            raise _unavailable(
                name,
                f"Import it, and pass it to missing() or reproduce(): e.missing({name.rpartition(':')[2]}).",
            )
        return alike[0]

    def _object(self, tree: Mapping[str, Any]) -> Any:
        kind = self._thing(tree["class"])
        if "member" in tree:
            return objects.member(kind, tree["member"], self.value(tree["value"]))
        if "state" in tree:
            return objects.rebuild(kind, {name: self.value(child) for name, child in tree["state"].items()})
        if not hasattr(kind, "__array__"):
            return kind(self.value(tree["value"]))
        # torch has asarray() for this, and its class would change the dtype.
        for make in (getattr(sys.modules.get(kind.__module__), "asarray", kind), kind):
            made = make(self.value(tree["value"]))
            if type(made) is kind and to_plain(made) == tree["value"]:
                return made
        raise _unavailable(tree["class"], "Call run() with the scan itself instead.")


def _unavailable(name: str, way: str) -> ParameterError:
    return ParameterError(
        f"The value {name!r} of a parameter is not available in this process.", name=name, ways=[way]
    )


# Where a path leads to no value.
NOTHING: Final = Mark("NOTHING")

# Where parameters lie in a measurement tree, unless their path says otherwise.
BRANCH = "parameters"


def normalise(name: str, value: Any) -> Any:
    """Return one parameter's value as scans keep it: bare values as they are, others as an `Argument`.

    Raise SerializationError when it cannot be stored. The message names the parameter.

    >>> sizes = normalise("sizes", (1, 2))
    >>> sizes.plain, sizes.value()
    ([1, 2], (1, 2))
    """
    return value if type(value) in LEAF_TYPES else Argument(value, plain_value(name, value))


def plain_value(name: str, value: Any) -> Tree:
    """Return what measurement files keep of one parameter's value; see `normalise`."""
    dtype = None if hasattr(value, "mask") else getattr(value, "dtype", None)
    if dtype is not None and getattr(value, "ndim", None) == 0 and getattr(dtype, "kind", "O") in "biufU":
        # One number, of NumPy or xarray; narrow ones are widened exactly.
        value = value.item()
    tree = to_plain({BRANCH: {name: value}}, name_of=name_of_function)[BRANCH][name]
    if type(tree) is dict:
        check_keys(tree, (BRANCH, name))
    return tree


def hand_out(values: Iterable[Any]) -> tuple[Any, ...]:
    """Return the values of a scan as they were given, and plain values as users get them, in copies.

    Raise ParameterError when a value needs a function or class that this process does not have.
    """
    return tuple(
        [
            value
            if type(value) in LEAF_TYPES
            else value.value()
            if type(value) is Argument
            else from_plain(value)
            for value in values
        ]
    )


def look(tree: Tree, segments: Sequence[Segment]) -> Any:
    """Return what stands in a plain tree behind these segments; `NOTHING` when they lead nowhere.

    >>> look({"parameters": {"L": 1.0}}, ("parameters", "L"))
    1.0
    """
    node = tree
    try:
        for segment in segments:
            node = node[segment]
        return node
    except KeyError:
        return NOTHING
    except TypeError:
        # A list on the way, or a value.
        pass
    node = tree
    try:
        for segment in segments:
            node = step(node, segment)
        return node
    except (KeyError, IndexError):
        return NOTHING


def describe(names: Iterable[str], values: Iterable[Any]) -> str:
    """Return one parameter set as text.

    >>> describe(["theta_0", "theta"], [-5.0, -4.4737])
    '(theta_0=-5.0,theta=-4.4737)'
    """
    return f"({','.join([f'{name}={value}' for name, value in zip(names, values, strict=True)])})"


def records_by_value(paths: Sequence[Path], rows: Iterable[Sequence[Any]]) -> dict[str, list[list[Tree]]]:
    """Return for each parameter the pairs of plain form and record of those values that have a type of their own."""
    pairs: dict[Path, dict[Any, list[Tree]]] = {}
    for path, column in zip(paths, zip(*rows, strict=True), strict=False):
        for value in column if Argument in set(map(type, column)) else ():
            if type(value) is Argument and value.record() != value.plain:
                pairs.setdefault(path, {}).setdefault(key((value.plain,)), [value.plain, value.record()])
    return {join(path): list(records.values()) for path, records in pairs.items()}


def given_again(
    paths: Sequence[Path], exact: Mapping[str, list[list[Tree]]], given: Sequence[Any]
) -> Callable[[Sequence[Tree]], list[Any]]:
    """Return a function that makes the values of a recorded scan from their plain forms, given the records of some."""
    records = {
        (split(path), key((plain,))): record for path, pairs in exact.items() for plain, record in pairs
    }

    def values(row: Sequence[Tree]) -> list[Any]:
        found = []
        for path, plain in zip(paths, row, strict=True):
            record = (
                records.get((path, key((plain,))), plain)
                if records or type(plain) not in LEAF_TYPES
                else plain
            )
            is_bare = type(record) in LEAF_TYPES
            found.append(plain if is_bare else Argument.of_record(plain, record, given))
        return found

    return values

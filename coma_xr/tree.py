"""Plain trees: which nodes are stored forms of typed values, paths into a tree, and the names of paths.

A tree is nested dictionaries and lists. A path is a tuple of segments inside coma_xr and text such as
``results/*/energy`` at its edges. A segment is a key of a dictionary, or the digits of an index into a
list, ``-1`` counting from the end. `WILDCARD` stands for every value of a dictionary or every item of a
list. In text, segments stand between slashes, ``*`` is the wildcard, and within a segment ``~1`` stands
for "/", ``~2`` for "*", ``~3`` for a backslash and ``~0`` for "~". The backslashes with which version 1 escaped
slashes, asterisks and backslashes are read too.

A path's role is the last of ``parameters``, ``results`` and ``info`` in it. Short names go to parameters first,
then to results, then to ``info``; within a role to the shallowest path, then to the first. A path whose last
segment is taken gets its parents in front. Names that the user defined, and names that were recorded, stay.
`Names` is the one resolver of names and paths, for every argument that takes one.
"""

from __future__ import annotations

import gc
import itertools
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final

from coma_xr.errors import DataFileError, PathError, SerializationError
from coma_xr.text import count, near_names, with_article

if TYPE_CHECKING:
    import xarray as xr


@contextmanager
def no_collection() -> Iterator[None]:
    """Let Python's garbage collector wait while thousands of containers are made that are not garbage.

    It would look through all objects of the process. No function of the user's is called meanwhile.
    """
    is_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_on:
            gc.enable()


class Numbers(list[Any]):
    """A column of ints, or of floats without NaN, with the same numbers as an array; it is never changed."""

    def __init__(self, array: Any) -> None:
        super().__init__(array.tolist())
        self.array = array
        # What `coma_xr.retrieve.columns.factorize` returns of it.
        self.coded: Any = None


# Far inside what every parser and every supported Python can read and write.
MAX_DEPTH = 100

# The types of the values in a plain tree that are neither dictionaries nor lists.
LEAF_TYPES = frozenset({str, int, float, bool, type(None)})

# The key under which the stored state of an object names its class.
CLASS = "__class__"

# The key under which a stored form says its type.
TYPE = "__type__"

# The only other key of a value of a registered type.
TREE = "tree"

# How the names of coma_xr's own stored forms begin.
OURS = ("coma.", "numpy.")

# The names that were registered; `coma_xr.values.objects` adds and removes them.
REGISTERED: set[str] = set()

_ARRAYS = ("numpy.ndarray", "coma.ndarray")


class _Wildcard:
    def __repr__(self) -> str:
        return "*"

    def __reduce__(self) -> str:
        return "WILDCARD"


WILDCARD: Final = _Wildcard()
Segment = str | _Wildcard
Path = tuple[Segment, ...]
PathLike = str | Sequence[Segment | int]

# The branches of a measurement tree; a string that begins with one of them is a path.
BRANCHES = ("parameters", "results", "info")

# Characters of a path in a message.
_LONG = 200

_ESCAPES = {"~0": "~", "~1": "/", "~2": "*", "~3": "\\"}
_ESCAPE = re.compile("~[0123]")
_OLD_ESCAPES = {"\\/": "~1", "\\*": "~2", "\\\\": "~3"}
_OLD_ESCAPE = re.compile(r"\\[/*\\]")
_INDEX = re.compile("-?[0-9]+")


def split(path: PathLike) -> Path:
    """Return the segments of a path; those of a sequence are keys, also ``"*"``.

    In text, empty segments (a leading, trailing or double slash) are ignored.

    Raise PathError for a value that is neither a string nor a sequence.

    >>> split("results/*/energy"), split("results/a~1b")
    (('results', *, 'energy'), ('results', 'a/b'))
    >>> split(("results", "a/b", 0))
    ('results', 'a/b', '0')
    """
    if isinstance(path, str):
        return _split_text(path)
    try:
        return tuple([segment if segment is WILDCARD else str(segment) for segment in path])
    except TypeError:
        raise PathError(
            f"{path!r} is {with_article(type(path).__name__)}.",
            expected="a name or a path, such as 'results/E' or ('results', 'E')",
        ) from None


@lru_cache(maxsize=4096)
def _split_text(path: str) -> Path:
    if "\\" in path:
        path = _OLD_ESCAPE.sub(lambda escape: _OLD_ESCAPES[escape[0]], path.replace("~", "~0"))
    segments = [segment for segment in path.split("/") if segment]
    return tuple([WILDCARD if segment == "*" else _unescaped(segment) for segment in segments])


def _unescaped(segment: str) -> str:
    return _ESCAPE.sub(lambda escape: _ESCAPES[escape[0]], segment) if "~" in segment else segment


def join(segments: Sequence[Segment | int]) -> str:
    """Return the text of a path, the inverse of `split`.

    >>> join(["results", "a/b", 0])
    'results/a~1b/0'
    """
    return "/".join(["*" if s is WILDCARD else _escaped(str(s)) for s in segments])


def _escaped(segment: str) -> str:
    segment = segment.replace("~", "~0").replace("/", "~1").replace("\\", "~3")
    return "~2" if segment == "*" else segment


@lru_cache(maxsize=4096)
def is_path(text: str) -> bool:
    """Whether a string is a path wherever it is given; every other one is a name first.

    >>> is_path("parameters/layout/N"), is_path("v [m/s]"), is_path("layout/N")
    (True, False, False)
    """
    branch, _, rest = text.partition("/")
    return branch in BRANCHES and bool(rest.strip("/"))


def places_of(wanted: PathLike) -> list[Path]:
    """Return the paths that a user may mean: without a role in front, those at the root and below each role.

    >>> places_of("results/E"), places_of("fit/E")[:2]
    ([('results', 'E')], [('fit', 'E'), ('parameters', 'fit', 'E')])
    """
    path = split(wanted)
    if not path or not isinstance(wanted, str) or is_path(wanted):
        return [path]
    below = [(branch, *path) for branch in BRANCHES]
    return [path, *below] if len(path) > 1 or wanted.startswith("/") else [*below, path]


def is_index(segment: Segment) -> bool:
    """Whether a segment may be an index into a list."""
    return isinstance(segment, str) and _INDEX.fullmatch(segment) is not None


def shown(segments: Sequence[Segment | int]) -> str:
    """Return the text of a path for a message: of a very long one its beginning and end.

    >>> len(shown(["results", "x" * 1000]))
    185
    """
    text = join(segments)
    return text if len(text) <= _LONG else f"{text[: _LONG - 80]} ... {text[-60:]}"


def follow(tree: Any, path: PathLike) -> Any:
    """Return what a path leads to.

    Raise PathError when the path leads nowhere, or its asterisk matches nothing.

    >>> follow({"results": {"E": [1.5, 2.5]}}, "results/E/1")
    2.5
    >>> follow({"sites": [{"E": 1}, {"E": 2}, {}]}, "sites/*/E")
    [1, 2]
    """
    segments = split(path)
    if WILDCARD in segments:
        nodes = list(_all(tree, segments))
        if not nodes:
            raise PathError(
                f"The path '{join(segments)}' matches nothing.", expected="a path that leads to a value"
            )
        return nodes
    node = tree
    for depth, segment in enumerate(segments):
        try:
            node = step(node, segment)
        except (KeyError, IndexError):
            raise _nowhere(node, segments, depth) from None
    return node


def step(node: Any, segment: Segment) -> Any:
    """Return the child of one node; KeyError or IndexError when there is none, as in the stored form of a value."""
    if isinstance(node, dict) and not is_typed(node):
        return node[segment]
    if isinstance(node, list) and is_index(segment):
        return node[int(str(segment))]
    raise KeyError(segment)


def _all(node: Any, segments: Path) -> Iterator[Any]:
    if not segments:
        yield node
        return
    first, remaining = segments[0], segments[1:]
    if first is not WILDCARD:
        try:
            child = step(node, first)
        except (KeyError, IndexError):
            return
        yield from _all(child, remaining)
    elif isinstance(node, dict):
        for child in node.values():
            yield from _all(child, remaining)
    elif isinstance(node, list):
        for child in node:
            yield from _all(child, remaining)


def _nowhere(node: Any, segments: Path, depth: int) -> PathError:
    segment, where = str(segments[depth]), join(segments[:depth]) or "the tree"
    what = f"No '{segment}' in {where} (path '{join(segments)}')"
    if isinstance(node, dict) and not is_typed(node):
        rest = "/".join(map(str, segments[depth:]))
        keys = (key for key in node if "/" in key and (rest == key or rest.startswith(f"{key}/")))
        ways = [
            f"The path of the key {key!r} is '{join((*segments[:depth], key))}'."
            for key in itertools.islice(keys, 1)
        ]
        return PathError(f"{what}.", name=segment, available=node, ways=ways)
    if isinstance(node, list):
        return PathError(f"{what}, which is a list of {len(node)}.", name=segment)
    return PathError(f"{what}, which is {with_article(type(node).__name__)}.", name=segment)


def put(tree: dict[str, Any], path: PathLike, value: Any) -> None:
    """Write a value at a path, making the dictionaries on the way.

    Raise PathError when a value that is not a dictionary stands in the way, or the path is empty or has an
    asterisk.

    >>> tree = {}
    >>> put(tree, "parameters/layout/N", 2)
    >>> tree
    {'parameters': {'layout': {'N': 2}}}
    """
    segments = split(path)
    if not segments or WILDCARD in segments:
        raise PathError(
            f"The path '{join(segments)}' does not name one place to write to.",
            expected="a path without an asterisk",
        )
    node: Any = tree
    for depth, segment in enumerate(segments[:-1]):
        node = node.setdefault(segment, {})
        if not isinstance(node, dict):
            raise PathError(
                f"Nothing can be written at '{join(segments)}', because '{join(segments[: depth + 1])}' is a value of type {type(node).__name__}.",
                expected="a branch",
            )
    node[segments[-1]] = value


def leaves(tree: Any, parents: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every path, as a tuple of keys, and its value; lists and arrays are values.

    A dictionary is followed, unless it is empty or the stored form of a typed value.

    >>> list(leaves({"a": {"b": 1}, "c": [1, 2]}))
    [(('a', 'b'), 1), (('c',), [1, 2])]
    """
    if isinstance(tree, dict) and tree and not is_typed(tree):
        for key, child in tree.items():
            yield from leaves(child, (*parents, key))
    else:
        yield parents, tree


def cut(tree: Any, path: Path) -> Any:
    """Return a copy of a tree without what stands at a path; the tree itself where nothing does.

    >>> cut({"a": {"b": 1, "c": 2}}, ("a", "b"))
    {'a': {'c': 2}}
    """
    first, below_keys = path[0], path[1:]
    if not isinstance(tree, dict) or first not in tree:
        return tree
    if below_keys:
        return {**tree, first: cut(tree[first], below_keys)}
    return {key: child for key, child in tree.items() if key != first}


def misspelt_branches(names: Collection[Any]) -> dict[str, str]:
    """Return the names that were probably meant to be those of branches which are missing, with these.

    >>> misspelt_branches(["result", "extra"])
    {'result': 'results'}
    """
    unknown = [name for name in names if isinstance(name, str) and name not in BRANCHES]
    meant = {name: near[0] for name in unknown if (near := near_names(name, BRANCHES))}
    return {name: branch for name, branch in meant.items() if branch not in names}


def is_typed(node: Any) -> bool:
    """Whether a node of a plain tree is the stored form of a typed value.

    >>> is_typed({"__type__": "coma.complex", "real": 1.0, "imag": 0.0}), is_typed({"__type__": "wire"})
    (True, False)
    """
    if not isinstance(node, dict):
        return False
    name = node.get(TYPE)
    return isinstance(name, str) and (
        name.startswith(OURS) or (name in REGISTERED and looks_registered(node))
    )


def is_array(node: Any) -> bool:
    """Whether a node of a plain tree is the stored form of a NumPy array.

    >>> is_array({"__type__": "numpy.ndarray", "shape": [1], "list": [1]}), is_array([1])
    (True, False)
    """
    return isinstance(node, dict) and node.get(TYPE) in _ARRAYS


def looks_registered(node: Mapping[str, Any]) -> bool:
    """Whether a dictionary is what a value of a registered type is stored as, of whatever type."""
    return len(node) == 2 and TREE in node and isinstance(node.get(TYPE), str)


# ------------------------------------------------------------------------------ parts of stored forms

# Makes the plain tree of a part; what follows the part are the segments between the whole and it, one for
# each level, so that the depth of what is written is known.
ToTree = Callable[..., Any]

# Makes the value of a part.
ToValue = Callable[[Any], Any]


def deeper(plain: ToTree, *segments: str | int) -> ToTree:
    """Return what makes the plain tree of a part below some segments."""
    return lambda value, *more: plain(value, *segments, *more)


def part(node: dict[str, Any], name: str, *kinds: type) -> Any:
    """Return a part of a stored form that has one of these types.

    Raise DataFileError when it has not, or is missing.

    >>> part({"__type__": "coma.uuid", "value": "a"}, "value", str)
    'a'
    """
    value = node.get(name)
    if type(value) not in kinds:
        wanted = " or ".join(kind.__name__ for kind in kinds)
        fault = f"is a {type(value).__name__}" if name in node else "is missing"
        raise DataFileError(f"{name!r} of a stored {node.get(TYPE)} {fault}", expected=f"the type {wanted}")
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

    >>> hashable([1, [2, 3]])
    (1, (2, 3))
    """
    return tuple([hashable(item) for item in value]) if type(value) is list else value


# What a path is, and its name

_ROLES = {"parameters": "parameter", "results": "result", "info": "info"}
_ORDER = ("parameter", "result", "other", "info", "class")
_NUMBERED = re.compile(r"(.+)_(-?[0-9]+)", re.DOTALL)


def is_pair(entry: Any) -> bool:
    """Whether a tuple is a name with a path, and not itself a path in keys.

    >>> is_pair(("v", "results/v~1c")), is_pair(("results", "v/c"))
    (True, False)
    """
    if not isinstance(entry, tuple) or len(entry) != 2:
        return False
    name, place = entry
    return not (isinstance(name, str) and name in _ROLES and isinstance(place, str)) or is_path(place)


@lru_cache(maxsize=4096)
def role(path: Path) -> str:
    """Return what a path is in a measurement: "parameter", "result", "info", "class" or "other".

    >>> role(("parameters", "model", "results", "P")), role(("parameters", "model", "layout", "N"))
    ('result', 'parameter')
    """
    if path[-1] == CLASS:
        return "class"
    for segment in reversed(path[:-1]):
        if segment in _ROLES:
            return _ROLES[str(segment)]
    return "other"


def is_parameter(path: Path) -> bool:
    """Whether a path may tell measurements apart: it lies under `parameters`, in nothing else."""
    branches = path[:-1]
    return branches[:1] == ("parameters",) and "results" not in branches and "info" not in branches


def values_and_lists(paths: Iterable[Path]) -> dict[Path, bool]:
    """Return the paths of values, and whether the path of an item is among these paths too.

    >>> values_and_lists([("results", "E"), ("results", "E", "0"), ("results", "t")])
    {('results', 'E'): True, ('results', 't'): False}
    """
    known = dict.fromkeys(paths)
    items = {path for path in known if path[:-1] in known and is_index(path[-1])}
    lists = {path[:-1] for path in items}
    return {path: path in lists for path in known if path not in items}


class Names:
    """Names for the paths of an experiment, and back.

    >>> names = Names(map(split, ["parameters/t", "parameters/layout/N", "results/N", "results/P"]))
    >>> [names.of(path) for path in names.paths]
    ['t', 'N', 'results_N', 'P']
    >>> names.of(("results", "P", "0"))
    'P_1'
    >>> names.resolve("N")
    ('parameters', 'layout', 'N')
    """

    def __init__(
        self,
        paths: Iterable[Path],
        definition: Iterable[tuple[str, Path]] = (),
        recorded: Mapping[str, Path] | None = None,
        unknown: str = "No measurement has a path or name",
    ) -> None:
        self.paths = list(paths)
        self.defined = dict(definition)
        self._unknown = unknown
        self._known = {*self.paths, *self.defined.values()}
        self._paths = dict(self.defined)
        self._names = {path: name for name, path in self.defined.items()}
        for name, path in (recorded or {}).items():
            if name not in self._paths and path not in self._names:
                self._paths[name], self._names[path] = path, name
        others = (path for path in self.paths if path not in self._names)
        for path in sorted(others, key=lambda path: (_ORDER.index(role(path)), len(path))):
            name = next(name for name in _candidates(path) if not self._means_another(name, path))
            self._paths[name], self._names[path] = path, name

    def _means_another(self, name: str, path: Path) -> bool:
        """Whether a name is taken, or is the text of another path."""
        return name in self._paths or ("/" in name and split(name) != path and split(name) in self._known)

    def of(self, path: Path) -> str:
        """Return the name of a path; also of one that leads into a list, or has an asterisk."""
        if path in self._names:
            return self._names[path]
        for end in range(len(path) - 1, 0, -1):
            if path[:end] in self._names and (path[-1] is WILDCARD or is_index(path[-1])):
                return "_".join([self.of_items(path[:end]), *map(_number, path[end:])])
        plain = tuple([segment for segment in path if segment is not WILDCARD])
        return free_name(plain or ("all",), self._paths)

    def of_items(self, path: Path) -> str:
        """Return what the names of the items of a list begin with: the list's name unless that is ambiguous.

        >>> Names([("results", "E"), ("results", "E_1")]).of_items(("results", "E"))
        'results_E'
        """
        return self._stems.get(path) or self.of(path)

    @cached_property
    def _stems(self) -> dict[Path, str]:
        """The beginnings of the names of items, for the path of each list."""
        texts = (join(path[start:]) for path in self._known for start in (0, 1))
        # Names of items may be recorded too.
        recorded = values_and_lists(self._names)
        values = [path for path in self._names if path in self._known or path in recorded]
        names = (self._names[path] for path in values)
        places = (text for text in texts if "/" in text)
        taken = {stem for text in itertools.chain(names, places) for stem in _stems_of(text)}
        stems: dict[Path, str] = {}
        for path, name in ((path, self._names[path]) for path in values):
            longer = (stem for stem in _candidates(path) if stem not in self._paths and not is_path(stem))
            stems[path] = next(stem for stem in itertools.chain([name], longer) if stem not in taken)
            taken.add(stems[path])
        return stems

    @cached_property
    def _lists(self) -> dict[str, Path]:
        return {stem: path for path, stem in self._stems.items()}

    def text(self, path: Path) -> str:
        """Return the text that leads to a path; one at the root that has the name of another begins with a slash."""
        text = join(path)
        return text if self._found(text) == path else f"/{text}"

    def resolve(self, wanted: PathLike, *, in_pair: bool = False) -> Path:
        """Return the path of the value that a user means.

        Raise PathError when it is none of these, or a branch.
        """
        path = self._found(wanted, in_pair)
        if path is not None:
            return path
        text = wanted if isinstance(wanted, str) else join(split(wanted))
        branch = self.branch(wanted)
        if branch is None:
            raise self._error(text)
        below = list(map(join, self.below(branch)))
        values = count(len(below), "value")
        what = f"'{text}' is a branch with {values}, not a value."
        raise PathError(what, name=text, available=below, expected="one value")

    def branch(self, wanted: PathLike, *, in_pair: bool = False) -> Path | None:
        """Return the path of the branch that a user means; None where a value, or nothing, is meant."""
        if self._found(wanted, in_pair):
            return None
        return next((path for path in places_of(wanted) if path and self.below(path)), None)

    def below(self, branch: Path) -> list[Path]:
        """Return the paths of all values below a branch; what classes they are of has to be asked for."""
        return [path for path in self.paths if path[: len(branch)] == branch and role(path) != "class"]

    def _found(self, wanted: PathLike, in_pair: bool = False) -> Path | None:
        place = next((path for path in places_of(wanted) if self._leads_somewhere(path)), None)
        if not isinstance(wanted, str) or is_path(wanted):
            return place
        if in_pair and split(wanted) in self._known:
            return split(wanted)
        named = self._paths.get(wanted)
        return named if named and self._leads_somewhere(named) else place or self._item(wanted)

    def _leads_somewhere(self, path: Path) -> bool:
        """Whether a path is known, may match with its asterisk, or leads into a value."""
        if path in self._known:
            return True
        if WILDCARD in path:
            stem = path[: path.index(WILDCARD)]
            return len(path) > 1 and any(known[: len(stem)] == stem for known in self._known)
        return any(path[:end] in self._known and is_index(path[end]) for end in range(1, len(path)))

    def _item(self, name: str) -> Path | None:
        """Return the path that a name such as P_1 means: an item of a list."""
        parts = _NUMBERED.fullmatch(name)
        if parts is None or int(parts[2]) == 0:
            return None
        number = int(parts[2])
        path = self._lists.get(parts[1]) or self._item(parts[1])
        return None if path is None else (*path, str(number - 1 if number > 0 else number))

    def _error(self, text: str) -> PathError:
        paths = [join(path) for path in sorted(self.paths, key=lambda path: _ORDER.index(role(path)))]
        names = [name for name, path in self._paths.items() if path in self._known]
        known, others = (paths, names) if "/" in text else (names, paths)
        hints = near_names(text, known) or near_names(text, others)
        longer = (path for path in self.paths if text in itertools.islice(_candidates(path), len(path)))
        return PathError(
            f"{self._unknown} '{text}'.",
            name=text,
            available=dict.fromkeys([*hints, *known]),
            ways=[f"The name of {join(path)} is '{self.of(path)}'." for path in itertools.islice(longer, 1)],
        )


def _candidates(path: Path) -> Iterator[str]:
    """Yield the names that a path may get, the shortest first; none but its own text looks like a path."""
    segments = [str(segment) for segment in path]
    for start in range(len(segments) - 1, -1, -1):
        name = "_".join(segments[start:])
        if not is_path(name) and not name.startswith("/"):
            yield name
    yield join(path)
    yield from ("_".join(["", *segments]) + "_" * number for number in itertools.count())


def free_name(path: Path, taken: Collection[str]) -> str:
    """Return the shortest name of a path that is not taken: its last segment, with parents in front as needed.

    >>> free_name(("parameters", "layout", "N"), {"N"})
    'layout_N'
    """
    return next(name for name in _candidates(path) if name not in taken)


def _stems_of(name: str) -> Iterator[str]:
    """Yield what is left of a name without the numbers at its end."""
    while parts := _NUMBERED.fullmatch(name):
        name = parts[1]
        yield name


def _number(segment: Segment) -> str:
    """Return the number of an item as Coma counts, from 1; negative ones count from the end as they are."""
    text = "all" if segment is WILDCARD else str(segment)
    return str(int(text) + 1) if text.isdecimal() else text


# Where the ids of measurements stand in a Dataset; the second name is for users' own `measurement_id`.
_ID_COORDS = ("coma_id", "measurement_id")


def measurement_ids(ds: xr.Dataset) -> xr.DataArray | None:
    """Return the coordinate `measurement_id`, under the name that it has here; None when there is none."""
    return next((ds.coords[name] for name in _ID_COORDS if name in ds.coords), None)


def variable_at(ds: xr.Dataset, wanted: PathLike) -> xr.DataArray:
    """Return the variable of a Dataset that a name or path means, or an item of its lists.

    Raise PathError when there is none, or it is a branch.
    """
    name, places = find_variable(ds, wanted)
    array = ds[name]
    if not places:
        return array
    ids = measurement_ids(ds)
    inner_dims = [dim for dim in array.dims if ids is None or dim not in ids.dims]
    try:
        return array.isel(dict(zip(inner_dims, places, strict=True)), drop=True)
    except (IndexError, ValueError):
        shape = tuple(array.sizes[dim] for dim in inner_dims)
        raise PathError(
            f"'{wanted}' leads nowhere: '{name}' has lists of the shape {shape}.", name=str(wanted)
        ) from None


def find_variable(ds: xr.Dataset, wanted: PathLike) -> tuple[str, tuple[int, ...]]:
    """Return the variable or dim of a Dataset that a name or path means, and the place of an item in its lists.

    Raise PathError when there is none, or it is a branch.
    """
    if isinstance(wanted, str) and (wanted in ds.variables or wanted in ds.dims):
        return wanted, ()
    variables = {
        split(str(v.attrs["path"])): str(name) for name, v in ds.variables.items() if v.attrs.get("path")
    }
    named = [(str(ds[name].attrs.get("name", name)), path) for path, name in variables.items()]
    try:
        path = Names(variables, named, unknown="This Dataset has no").resolve(wanted)
    except PathError as error:
        known = dict.fromkeys([*map(str, [*ds.dims, *ds.variables]), *(error.available or ())])
        raise PathError(error.what, name=error.name, available=known, expected=error.expected) from None
    # What is not a variable leads into the lists of one.
    end = next((end for end in range(len(path), 0, -1) if path[:end] in variables), 0)
    if not end or not all(map(is_index, path[end:])):
        raise PathError(
            f"This Dataset has no '{wanted}'.", name=str(wanted), available=map(str, ds.variables)
        )
    return variables[path[:end]], tuple([int(str(segment)) for segment in path[end:]])

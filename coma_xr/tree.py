"""Plain trees: which nodes are stored forms of typed values, and paths into a tree.

A tree is nested dictionaries and lists. A path is a tuple of segments inside coma_xr and text such as
``results/*/energy`` at its edges. A segment is a key of a dictionary, or the digits of an index into a
list, ``-1`` counting from the end. `WILDCARD` stands for every value of a dictionary or every item of a
list. In text, segments stand between slashes, ``*`` is the wildcard, and within a segment ``~1`` stands
for "/", ``~2`` for "*", ``~3`` for a backslash and ``~0`` for "~". The backslashes with which version 1 escaped
slashes, asterisks and backslashes are read too.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from typing import Any, Final

from coma_xr.errors import DataFileError, PathError, SerializationError
from coma_xr.text import near_names, with_article


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
        found = list(_all(tree, segments))
        if not found:
            raise PathError(
                f"The path '{join(segments)}' matches nothing.", expected="a path that leads to a value"
            )
        return found
    node = tree
    for depth, segment in enumerate(segments):
        try:
            node = step(node, segment)
        except (KeyError, IndexError):
            raise _nowhere(node, segments, depth) from None
    return node


def step(node: Any, segment: Segment) -> Any:
    """Return the child of one node; KeyError or IndexError when there is none."""
    if isinstance(node, dict):
        return node[segment]
    if isinstance(node, list) and is_index(segment):
        return node[int(str(segment))]
    raise KeyError(segment)


def _all(node: Any, segments: Path) -> Iterator[Any]:
    if not segments:
        yield node
        return
    first, rest = segments[0], segments[1:]
    if first is not WILDCARD:
        try:
            child = step(node, first)
        except (KeyError, IndexError):
            return
        yield from _all(child, rest)
    elif isinstance(node, dict):
        for child in node.values():
            yield from _all(child, rest)
    elif isinstance(node, list):
        for child in node:
            yield from _all(child, rest)


def _nowhere(node: Any, segments: Path, depth: int) -> PathError:
    segment, where = str(segments[depth]), join(segments[:depth]) or "the tree"
    what = f"No '{segment}' in {where} (path '{join(segments)}')"
    if isinstance(node, dict):
        rest = "/".join(map(str, segments[depth:]))
        keys = (key for key in node if "/" in key and (rest == key or rest.startswith(f"{key}/")))
        ways = [
            f"The path of the key {key!r} is '{join((*segments[:depth], key))}'." for key in islice(keys, 1)
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


def part(node: dict[str, Any], name: str, *kinds: type) -> Any:
    """Return a part of a stored form that has one of these types.

    Raise DataFileError when it has not, or is missing.

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

    >>> hashable([1, [2, 3]])
    (1, (2, 3))
    """
    return tuple([hashable(item) for item in value]) if type(value) is list else value

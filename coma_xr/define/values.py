"""Values of parameters: their plain form, and what makes two of them the same."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from coma_xr.define import given
from coma_xr.errors import SerializationError
from coma_xr.text import listing
from coma_xr.tree import Segment, is_array, join, step
from coma_xr.values.plain import Tree, check_keys, from_plain, to_plain

__all__ = [
    "BRANCH",
    "NOTHING",
    "describe",
    "hand_out",
    "key",
    "look",
    "near_doubles",
    "near_doubles_text",
    "normalise",
]


class _Mark:
    """A value that equals nothing but itself, also in a copy from another process."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name

    def __reduce__(self) -> str:
        return self._name


NOTHING: Final = _Mark("NOTHING")

# Where parameters lie in a measurement tree, unless their path says otherwise.
BRANCH = "parameters"

_BARE = frozenset({str, int, float, bool, type(None)})
_CONTAINERS = frozenset({dict, list})

# Numbers closer than this, relative to the greater, are hardly meant to differ.
_NEAR = 1e-9


def normalise(name: str, value: Any) -> Tree:
    """Return the plain form of one parameter's value.

    Raises
    ------
    SerializationError
        When it cannot be stored. The message names the parameter.

    Examples
    --------
    >>> normalise("sizes", (1, 2))
    [1, 2]
    """
    if type(value) in _BARE:
        return value
    dtype = getattr(value, "dtype", None)
    if dtype is not None and getattr(value, "ndim", None) == 0 and getattr(dtype, "kind", "") in "biufU":
        # One number, of NumPy or xarray; narrow ones are widened exactly.
        value = value.item()
    tree = to_plain({BRANCH: {name: value}})[BRANCH][name]
    if type(tree) in _CONTAINERS:
        check_keys(tree, (BRANCH, name))
        try:
            given.remember(value, tree)
        except SerializationError as error:
            raise SerializationError(f"{join((BRANCH, name))}: {error}") from error
    return tree


def hand_out(values: Iterable[Tree], *, objects: bool = True) -> tuple[Any, ...]:
    """Return plain values as users get them: lists of their own, arrays as arrays.

    Parameters
    ----------
    values : iterable
        Plain values.
    objects : bool, default True
        Make members of an Enum and other objects again that users gave as values; False for what files hold.
    """
    make = given.make if objects else from_plain
    return tuple([value if type(value) in _BARE else make(value) for value in values])


def look(tree: Tree, segments: Sequence[Segment]) -> Any:
    """Return what stands in a plain tree behind these segments; `NOTHING` when they lead nowhere.

    Examples
    --------
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

    Examples
    --------
    >>> describe(["theta_0", "theta"], [-5.0, -4.4737])
    '(theta_0=-5.0,theta=-4.4737)'
    """
    return f"({','.join([f'{name}={value}' for name, value in zip(names, values, strict=True)])})"


_TRUE: Final = _Mark("_TRUE")
_FALSE: Final = _Mark("_FALSE")
_NAN: Final = _Mark("_NAN")
_ARRAY: Final = _Mark("_ARRAY")
_DICT: Final = _Mark("_DICT")

# What Python compares as we do: numbers by value, text, None. A float that is NaN is not equal to itself.
_COMPARED = frozenset({str, int, float, type(None)})


def key(values: Iterable[Tree]) -> tuple[Any, ...]:
    """Return what two parameter sets have in common exactly when they are the same.

    Parameters
    ----------
    values : iterable
        Plain values, in the order of the definition.

    Returns
    -------
    tuple
        Can be hashed. Numbers count by value (1 and 1.0 are the same, 0.0 and -0.0 too), booleans are no
        numbers, NaN equals NaN, dictionaries count by content, arrays by shape and items.

    Examples
    --------
    >>> key([1, 0.5, [1, 2]]) == key([1.0, 0.5, (1.0, 2.0)])
    True
    >>> key([True]) == key([1])
    False
    """
    return tuple([v if type(v) in _COMPARED and v == v else _key(v) for v in values])  # noqa: PLR0124


def _key(value: Any) -> Any:
    kind = type(value)
    if kind is bool:
        return _TRUE if value else _FALSE
    if kind is list or kind is tuple:
        return key(value)
    if kind is dict:
        if is_array(value) and "list" in value:
            # Coma 2 stored no dtype.
            return _ARRAY, _key(value.get("shape")), _key(value.get("list"))
        return _DICT, frozenset([(name, key((child,))) for name, child in value.items()])
    if kind in _COMPARED:
        return _NAN if value != value else value  # noqa: PLR0124
    return key((to_plain(value),))[0]


def near_doubles(columns: Mapping[str, Iterable[Any]]) -> list[tuple[str, float, float]]:
    """Return pairs of numbers that differ, but by so little that the same was probably meant.

    Parameters
    ----------
    columns : mapping of str to iterable
        All values of each parameter, by its name; only floats are looked at.

    Returns
    -------
    list of (name, smaller, greater)
        Neighbours that differ by less than a billionth of the greater.

    Examples
    --------
    >>> near_doubles({"x": [0.1 + 0.2, 0.3, 0.4], "y": [1, 2]})
    [('x', 0.3, 0.30000000000000004)]
    """
    pairs = []
    for name, values in columns.items():
        numbers = sorted({v for v in values if type(v) is float and math.isfinite(v)})
        for smaller, greater in itertools.pairwise(numbers):
            if greater - smaller < _NEAR * max(abs(smaller), abs(greater)):
                pairs.append((name, smaller, greater))
    return pairs


def near_doubles_text(pairs: Iterable[tuple[str, float, float]]) -> str:
    """Return the warning about what `near_doubles` found.

    Examples
    --------
    >>> near_doubles_text([("x", 0.3, 0.30000000000000004)])
    'Numbers that hardly differ count as different: x = 0.3 and 0.30000000000000004. Round them if ...'
    """
    texts = [f"{name} = {smaller!r} and {greater!r}" for name, smaller, greater in pairs]
    return (
        f"Numbers that hardly differ count as different: {listing(texts, most=3)}. "
        "Round them if the same was meant."
    )

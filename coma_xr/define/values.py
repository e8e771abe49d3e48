"""Values of parameters: their plain form, and how they are handed out and described."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from coma_xr.define import given
from coma_xr.errors import SerializationError
from coma_xr.same import Mark
from coma_xr.tree import Segment, join, step
from coma_xr.values.plain import Tree, check_keys, from_plain, to_plain

# Where a path leads to no value.
NOTHING: Final = Mark("NOTHING")

# Where parameters lie in a measurement tree, unless their path says otherwise.
BRANCH = "parameters"

_BARE = frozenset({str, int, float, bool, type(None)})
_CONTAINERS = frozenset({dict, list})


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

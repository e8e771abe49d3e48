"""Values of parameters: their plain form, and how they are handed out and described."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from coma_xr.define.exact import Argument, name_of_function
from coma_xr.same import Mark, key
from coma_xr.tree import Path, Segment, join, split, step
from coma_xr.values.plain import Tree, check_keys, from_plain, to_plain

# Where a path leads to no value.
NOTHING: Final = Mark("NOTHING")

# Where parameters lie in a measurement tree, unless their path says otherwise.
BRANCH = "parameters"

_BARE = frozenset({str, int, float, bool, type(None)})


def normalise(name: str, value: Any) -> Any:
    """Return one parameter's value as scans keep it: bare values as they are, others as an `Argument`.

    Raises
    ------
    SerializationError
        When it cannot be stored. The message names the parameter.

    Examples
    --------
    >>> sizes = normalise("sizes", (1, 2))
    >>> sizes.plain, sizes.value()
    ([1, 2], (1, 2))
    """
    return value if type(value) in _BARE else Argument(value, plain_value(name, value))


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

    Raises
    ------
    ParameterError
        When a value needs a function or class that this process does not have.
    """
    return tuple(
        [
            value if type(value) in _BARE else value.value() if type(value) is Argument else from_plain(value)
            for value in values
        ]
    )


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


def records_by_value(paths: Sequence[Path], rows: Iterable[Sequence[Any]]) -> dict[str, list[list[Tree]]]:
    """Return for each parameter the pairs of plain form and record of those values that have a type of their own."""
    pairs: dict[Path, dict[Any, list[Tree]]] = {}
    for row in rows:
        for path, value in zip(paths, row, strict=True):
            if type(value) is Argument and value.record() != value.plain:
                pairs.setdefault(path, {}).setdefault(key((value.plain,)), [value.plain, value.record()])
    return {join(path): list(found.values()) for path, found in pairs.items()}


def given_again(
    paths: Sequence[Path], scan: Mapping[str, Tree], given: Sequence[Any]
) -> Callable[[Sequence[Tree]], list[Any]]:
    """Return a function that makes the values of a recorded scan from their plain forms."""
    records = {
        (split(path), key((plain,))): record
        for path, pairs in (scan.get("exact") or {}).items()
        for plain, record in pairs
    }

    def values(row: Sequence[Tree]) -> list[Any]:
        found = []
        for path, plain in zip(paths, row, strict=True):
            record = (
                records.get((path, key((plain,))), plain) if records or type(plain) not in _BARE else plain
            )
            is_bare = type(record) in _BARE
            found.append(plain if is_bare else Argument.of_record(plain, record, given))
        return found

    return values

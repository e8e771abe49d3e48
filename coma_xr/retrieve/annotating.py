"""Checks of what a user notes about a path, before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from coma_xr.define.values import NOTHING, look
from coma_xr.errors import LayoutError, ParameterError, PathError
from coma_xr.names import role
from coma_xr.retrieve.columns import stands_for_dataset
from coma_xr.retrieve.measurement import item
from coma_xr.retrieve.requests import REPEAT
from coma_xr.retrieve.unfold import measure
from coma_xr.text import count, listing, shortened, with_article
from coma_xr.tree import WILDCARD, Path, PathLike, follow, is_path, is_typed, join, leaves, split
from coma_xr.values.plain import to_plain

if TYPE_CHECKING:
    from coma_xr.names import Names
    from coma_xr.values.plain import Tree


def checked_note(path: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plain form of what is noted about a path, as far as it does not depend on measurements.

    Raises
    ------
    ParameterError, LayoutError
        When a note has a type or value that it cannot have.

    Examples
    --------
    >>> checked_note(("results", "x"), {"dims": "time", "units": None})
    {'dims': ['time'], 'units': None}
    """
    return {name: None if value is None else _CHECKS[name](path, value) for name, value in given.items()}


def _text(name: str) -> Callable[[Path, Any], str]:
    def check(path: Path, value: Any) -> str:
        if isinstance(value, str):
            return value
        raise _wrong(path, name, value, "a string or None")

    return check


def _default(path: Path, value: Any) -> Tree:
    if role(path) in ("result", "info"):
        raise ParameterError(
            f"'{join(path)}' cannot have a default.",
            expected="a parameter",
            ways=[
                "Results that a measurement lacks are missing; fill= of to_dataset shows another value there."
            ],
        )
    return to_plain(value)


def _dims(path: Path, value: Any) -> list[str]:
    dims = _strings(path, "dims", value, "the name of a dim, or a list of such names")
    double = next((dim for place, dim in enumerate(dims) if dim in dims[:place]), None)
    if double is not None:
        raise LayoutError(f"dims={dims} of '{join(path)}' names the dim '{double}' twice.", name=double)
    return dims


def _coords(path: Path, value: Any) -> dict[str, PathLike]:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) and name for name in value):
        raise _wrong(path, "coords", value, "a mapping of names to paths")
    if not all(isinstance(place, (str, list, tuple)) and place for place in value.values()):
        raise _wrong(path, "coords", value, "a mapping of names to paths")
    return dict(value)


def _formerly(path: Path, value: Any) -> list[str]:
    former = _strings(path, "formerly", value, "a path, or a list of paths")
    if join(path) in former:
        raise ParameterError(f"formerly={shortened(value)} is the path itself.", expected="another path")
    return former


def _strings(path: Path, name: str, value: Any, expected: str) -> list[str]:
    values = [value] if isinstance(value, str) else value
    if isinstance(values, Sequence) and values and all(isinstance(text, str) and text for text in values):
        return list(values)
    raise _wrong(path, name, value, f"{expected}, or None")


def _wrong(path: Path, name: str, value: Any, expected: str) -> ParameterError:
    kind = with_article(type(value).__name__)
    return ParameterError(
        f"{name}={shortened(value)} of '{join(path)}' is {kind}."
        if not isinstance(value, (str, list, tuple, dict))
        else f"{name}={shortened(value)} of '{join(path)}' cannot be used.",
        name=name,
        expected=expected,
    )


_CHECKS: dict[str, Callable[[Path, Any], Any]] = {
    "units": _text("units"),
    "long_name": _text("long_name"),
    "default": _default,
    "dims": _dims,
    "coords": _coords,
    "formerly": _formerly,
}


def path_of(name: PathLike, names: Callable[[], Names], *, branches: bool) -> Path:
    """Return the path that a user annotates; a path that begins with a role need not exist yet.

    Raises
    ------
    PathError
        When it is an unknown name, or a branch.
    """
    if not isinstance(name, str) or is_path(name):
        return split(name)
    known = names()
    if not known.paths and name not in known.defined:
        raise PathError(
            f"No measurement exists yet that has a name '{name}'.",
            name=name,
            available=known.defined,
            expected="a path, such as 'results/t', or the name of a defined parameter",
        )
    branch = known.branch(name) if branches else None
    return branch or known.resolve(name)


def dims_of(dims: Sequence[Any] | str, names: Callable[[], Names]) -> list[list[str]]:
    """Return the names and paths of the parameters that `define_layout` makes dims.

    Raises
    ------
    PathError
        When one is unknown, or no parameter.
    """
    pairs = []
    for dim in [dims] if isinstance(dims, str) else dims:
        name, place = dim if isinstance(dim, tuple) else (str(dim), dim)
        path = path_of(place, names, branches=False)
        if role(path) != "parameter" and path != REPEAT:
            known = names()
            raise PathError(
                f"'{name}' is not a parameter but '{join(path)}'.",
                name=name,
                available=[known.of(path) for path in known.paths if role(path) == "parameter"],
            )
        pairs.append([name, join(path)])
    return pairs


def check_values(
    path: Path, note: Mapping[str, Any], trees: Iterable[tuple[int, Tree]], taken: Iterable[str]
) -> list[str]:
    """Check dims and coords against the first measurements that have the paths.

    Raises
    ------
    LayoutError
        For dims that the values do not have.
    PathError
        For units and the like of a branch, and for coords that no measurement has.
    """
    dims = note.get("dims") or ()
    if double := next((dim for dim in dims if dim in {*taken}), None):
        raise LayoutError(
            f"dims={list(dims)} of '{join(path)}': '{double}' is a dim of the measurements.",
            name=double,
            ways=[f"Give the dim of the lists another name, such as '{double}_index'."],
        )
    needed = {path: "", **{split(text): name for name, text in (note.get("coords") or {}).items()}}
    values: dict[Path, Tree] = {}
    tree: Tree = None
    for _, tree in trees:
        values |= {p: value for p in needed if p not in values and (value := _value(tree, p)) is not NOTHING}
        if len(values) == len(needed):
            break
    known = [] if tree is None else [join(keys) for keys, _ in leaves(tree)]
    for place, name in needed.items():
        if name and place not in values and known:
            raise PathError(
                f"The coordinate '{name}' of '{join(path)}' is in no measurement: '{join(place)}'.",
                name=join(place),
                available=known,
            )
    if path not in values:
        return known
    _check_value(path, note, values[path])
    return []


def _check_value(path: Path, note: Mapping[str, Any], value: Tree) -> None:
    if (
        type(value) is dict
        and value
        and not is_typed(value)
        and note.keys() & {"units", "long_name", "dims", "coords"}
    ):
        below = [join((*path, *keys)) for keys, _ in leaves(value)]
        raise PathError(
            f"'{join(path)}' is a branch with {count(len(below), 'value')}, not a value.",
            name=join(path),
            available=below,
        )
    dims = note.get("dims")
    if not dims or stands_for_dataset(value):
        return
    folded = measure([value])
    levels = len(folded.shape) if folded else 0
    if folded is None and not isinstance(value, (list, dict)):
        raise LayoutError(
            f"'{join(path)}' is one value in each measurement, with no dims to name: {listing(dims)}."
        )
    if folded is not None and len(dims) > levels:
        raise LayoutError(
            f"dims={list(dims)} of '{join(path)}' are {count(len(dims), 'name')}, but its lists have "
            f"{count(levels, 'level')}."
        )


def _value(tree: Tree, path: Path) -> Any:
    value = NOTHING if WILDCARD in path else look(tree, path)
    try:
        return value if value is not NOTHING else follow(tree, path) if WILDCARD in path else item(tree, path)
    except (KeyError, IndexError):
        return NOTHING


def checked_annotation(
    path: PathLike,
    given: Mapping[str, Any],
    names: Callable[[], Names],
    trees: Iterable[tuple[int, Tree]],
    taken: Iterable[str],
) -> tuple[str, dict[str, Any], list[str]]:
    """Return the text of an annotated path, what is noted about it, and, if no measurement has it, the paths of one.

    Raises
    ------
    PathError, ParameterError, LayoutError
        When the path or a note cannot be.
    """
    known = path_of(path, names, branches=given.keys() <= {"formerly", "default"})
    note = checked_note(known, given)
    if note.get("formerly"):
        former = [join(path_of(place, names, branches=True)) for place in note["formerly"]]
        note["formerly"] = former[0] if isinstance(given["formerly"], str) else former
    if note.get("coords"):
        places = note["coords"].items()
        note["coords"] = {name: join(path_of(place, names, branches=False)) for name, place in places}
    return join(known), note, check_values(known, note, trees, taken)

"""Short names of paths, and the one resolver of names and paths for every argument that takes one.

A path's role is the last of ``parameters``, ``results`` and ``info`` in it. Short names go to parameters first,
then to results, then to ``info``; within a role to the shallowest path, then to the first. A path whose last
segment is taken gets its parents in front. Names that the user defined, and names that were recorded, stay.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from itertools import chain, count, islice
from typing import TYPE_CHECKING

from coma_xr.errors import PathError
from coma_xr.text import count as counted
from coma_xr.text import near_names
from coma_xr.tree import CLASS, WILDCARD, Path, PathLike, Segment, is_index, is_path, join, places_of, split

if TYPE_CHECKING:
    import xarray as xr

_ROLES = {"parameters": "parameter", "results": "result", "info": "info"}
_ORDER = ("parameter", "result", "other", "info", "class")
_NUMBERED = re.compile(r"(.+)_(-?[0-9]+)", re.DOTALL)


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
        """What the names of items begin with, for the path of each list."""
        texts = (join(path[start:]) for path in self._known for start in (0, 1))
        # Names of items may be recorded too.
        recorded = values_and_lists(self._names)
        values = [path for path in self._names if path in self._known or path in recorded]
        names = (self._names[path] for path in values)
        places = (text for text in texts if "/" in text)
        taken = {stem for text in chain(names, places) for stem in _stems_of(text)}
        stems: dict[Path, str] = {}
        for path, name in ((path, self._names[path]) for path in values):
            longer = (stem for stem in _candidates(path) if stem not in self._paths and not is_path(stem))
            stems[path] = next(stem for stem in chain([name], longer) if stem not in taken)
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
        values = counted(len(below), "value")
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
        longer = (path for path in self.paths if text in islice(_candidates(path), len(path)))
        return PathError(
            f"{self._unknown} '{text}'.",
            name=text,
            available=dict.fromkeys([*hints, *known]),
            ways=[f"The name of {join(path)} is '{self.of(path)}'." for path in islice(longer, 1)],
        )


def _candidates(path: Path) -> Iterator[str]:
    """Yield the names that a path may get, the shortest first; none but its own text looks like a path."""
    segments = [str(segment) for segment in path]
    for start in range(len(segments) - 1, -1, -1):
        name = "_".join(segments[start:])
        if not is_path(name) and not name.startswith("/"):
            yield name
    yield join(path)
    yield from ("_".join(["", *segments]) + "_" * number for number in count())


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
ID_COORDS = ("coma_id", "measurement_id")


def variable_at(ds: xr.Dataset, wanted: PathLike) -> xr.DataArray:
    """Return the variable of a Dataset that a name or path means, or an item of its lists.

    Raise PathError when there is none, or it is a branch.
    """
    name, places = find_variable(ds, wanted)
    array = ds[name]
    if not places:
        return array
    ids = next((ds.coords[name] for name in ID_COORDS if name in ds.coords), None)
    own = [dim for dim in array.dims if ids is None or dim not in ids.dims]
    try:
        return array.isel(dict(zip(own, places, strict=True)), drop=True)
    except (IndexError, ValueError):
        shape = tuple(array.sizes[dim] for dim in own)
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

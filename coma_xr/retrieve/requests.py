"""The requests of a call, the columns that answer them, and checks of annotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from coma_xr.checks import is_listed, setting
from coma_xr.define.parameters import Past, former_paths, hidden, warn_of_hidden
from coma_xr.define.values import NOTHING, look, plain_value
from coma_xr.errors import LayoutError, ParameterError, PathError, SerializationError, Way, warn
from coma_xr.retrieve.columns import (
    MISSING,
    Choice,
    Columns,
    Computation,
    collect,
    distinct,
    factorize,
    keeper,
    lacks,
    numbered,
    stands_for_dataset,
    utc,
)
from coma_xr.retrieve.measurement import Branch, Measurement, item
from coma_xr.same import FIRST_REPEAT, MADE_BY, REPEAT, SEED, Mark, equal, event, keys
from coma_xr.text import count, listing, shortened, with_article
from coma_xr.tree import (
    WILDCARD,
    Names,
    Numbers,
    Path,
    PathLike,
    follow,
    free_name,
    is_pair,
    is_parameter,
    is_path,
    is_typed,
    join,
    leaves,
    no_collection,
    places_of,
    role,
    split,
)
from coma_xr.values.plain import Tree, from_plain, to_plain

if TYPE_CHECKING:
    from coma_xr.retrieve.variables import Layout


Doubles = Callable[[Sequence[int]], Collection[int]]
Definition = Iterable[tuple[str, PathLike]]
Annotations = Mapping[Any, Mapping[str, Any]]
Recorded = Mapping[str, Path]
Variables = Mapping[str, Any] | Sequence[Any] | str | None


@dataclass(frozen=True)
class NameLookup:
    """Finds what a name means in a single measurement."""

    definition: Sequence[tuple[str, Path]]
    recorded: Recorded
    past: Past

    def known(self, known: Sequence[Path]) -> list[Path]:
        """Return paths with those in front that renamed ones have now, and behind them those that have defaults."""
        pairs = [(old, new) for new, former in self.past.former.items() for old in former]
        now = [new + path[len(old) :] for path in known for old, new in pairs if path[: len(old)] == old]
        return list(dict.fromkeys([*now, *known, *self.past.defaults]))

    def names(self, trees: Iterable[tuple[int, Tree]]) -> Names:
        """Return the names of all paths in some trees."""
        known = collect(trees, keep=lambda _: False).known
        return Names(self.known(known), self.definition, self.recorded)

    def value(self, measurement: Branch, tree: Tree, name: PathLike) -> Any:
        """Return the value that a name or path means in one measurement; `NOTHING` when it means none."""
        known = collect([(0, tree)], keep=lambda _: False).known
        names = Names(self.known([*known, REPEAT]), self.definition, self.recorded)
        try:
            path = names.branch(name) or names.resolve(name)
        except PathError:
            return NOTHING
        for place in (path, *self.past.places(path)):
            with suppress(PathError):
                return Branch.__getitem__(measurement, place)
        return from_plain(default_of(path, self.past))


def default_of(path: Path, past: Past) -> Tree:
    """Return what a path means in measurements that lack it."""
    return past.defaults.get(path, FIRST_REPEAT if path == REPEAT else NOTHING)


@dataclass(frozen=True)
class Request:
    """One thing that was asked for."""

    name: str | None
    wanted: str | Path
    function: Callable[[Measurement], Any] | None = None

    @property
    def text(self) -> str:
        """The request, as text for messages."""
        return self.wanted if isinstance(self.wanted, str) else join(self.wanted)


def requests_of(variables: Variables) -> list[Request]:
    """Return what `variables=` or `dims=` ask for.

    >>> requests_of({"t": "results/t"}) == requests_of([("t", "results/t")])
    True
    """
    if variables is None:
        return []
    if isinstance(variables, str) or callable(variables):
        return [_request(None, variables)]
    if isinstance(variables, Mapping):
        return [_request(name, value) for name, value in variables.items()]
    if not is_listed(variables):
        raise PathError(
            f"{shortened(variables)} is {with_article(type(variables).__name__)}.",
            expected="paths or names, in a list or a mapping of names to paths",
        )
    return [_request(*entry) if is_pair(entry) else _request(None, entry) for entry in variables]


def _request(name: str | None, value: Any) -> Request:
    if not isinstance(name, str | None):
        kind = with_article(type(name).__name__)
        raise PathError(f"{shortened(name)}, the name of {shortened(value)}, is {kind}.", expected="a string")
    if callable(value):
        called = name or getattr(value, "__name__", "<lambda>")
        if called == "<lambda>":
            raise PathError(
                "A function as a variable has no name.",
                expected="a name with the function, such as {'gap': lambda m: ...}",
            )
        return Request(called, f"function '{called}'", value)
    if isinstance(value, str):
        return Request(name, value)
    if not isinstance(value, Sequence):
        raise PathError(
            f"{name or value!r} stands for {with_article(type(value).__name__)}.",
            expected="a path, a name or a function of a measurement",
        )
    return Request(name, split(value))


@dataclass(frozen=True)
class Source:
    """Columns with the names of their paths and what was annotated of them."""

    columns: Columns
    names: Names
    annotations: dict[Path, Mapping[str, Any]]
    folding: Mapping[str | Path, Mapping[str, Any]]

    def path(self, request: Request) -> Path | None:
        """Return the path that a request means; None for a function."""
        if request.function:
            return None
        return self.names.resolve(request.wanted, in_pair=request.name is not None)

    def expanded(self, requests: Iterable[Request]) -> list[Request]:
        """Return requests with the values below a branch in the place of the branch."""
        expanded: list[Request] = []
        for request in requests:
            named = request.name is not None
            branch = None if request.function else self.names.branch(request.wanted, in_pair=named)
            for path in self.names.below(branch) if branch else ():
                below = map(str, path[len(branch or ()) :])
                expanded.append(Request("_".join([request.name, *below]) if request.name else None, path))
            expanded += [] if branch else [request]
        return expanded

    def name(self, request: Request) -> str:
        """Return the name of what was asked for."""
        return request.name or self.names.of(self.names.resolve(request.wanted))

    def values(self, request: Request) -> list[Any]:
        """Return the column of a request.

        Raise PathError when no measurement has it.
        """
        path = self.path(request)
        if path is None or WILDCARD in path:
            column = self.columns.computed[request.text]
        else:
            column = self.columns[path]
            if role(path) == "info" and str(path[-1]).endswith("date"):
                column = _dates(column)
        if column and all(value is MISSING for value in column):
            raise self._missing(request)
        return column

    def _missing(self, request: Request) -> PathError:
        known = self.columns.paths
        none = "No measurement" if len(known) == len(self.names.paths) else "No measurement chosen here"
        return PathError(f"{none} has '{request.text}'.", name=request.text, available=map(join, known))

    def annotation(self, path: Path | None, name: str | None = None) -> Mapping[str, Any]:
        """Return what was annotated of a path, and what the call says of it or of its name."""
        noted = self.annotations.get(path, {}) if path else {}
        call_note = self.folding.get(name or "") or self.folding.get(path or ())
        return {**noted, **call_note} if call_note else noted

    def labels_among(self, paths: Collection[Path]) -> set[Path]:
        """Return which of some paths are only coordinates: of others among them that are none themselves."""
        given = {
            path: {at for _, at, _ in self.coords_of(path, self.names.of(path), ())} - {path}
            for path in paths
        }
        labels = set[Path]().union(*given.values())
        return set[Path]().union(*(coords for path, coords in given.items() if path not in labels))

    def coords_of(
        self, path: Path | None, name: str, dims: Sequence[str]
    ) -> list[tuple[str, Path, Sequence[str]]]:
        """Return the coordinates that were given to a variable over some dims: name, path and their own dims."""
        coords = []
        for coord, place in (self.annotation(path, name).get("coords") or {}).items():
            at = self.names.resolve(place)
            own_dims = self.annotation(at).get("dims") or ([coord] if coord in dims else dims)
            coords.append((coord, at, [own_dims] if isinstance(own_dims, str) else own_dims))
        return coords

    @cached_property
    def copies(self) -> dict[Path, Path]:
        """Paths that hold the same as another one in every measurement, and this other one.

        The other one ends in the same key and is shallower, or is defined.
        """
        defined = set(self.names.defined.values())
        by_key: dict[Any, list[Path]] = {}
        for path in self.columns.paths:
            if role(path) in ("parameter", "result") and path in self.columns.kept:
                by_key.setdefault(path[-1], []).append(path)
        copies = {}
        for alike in by_key.values():
            alike.sort(key=lambda path: (path not in defined, len(path)))
            for place, path in enumerate(alike):
                original = self._original(path, alike[:place]) if path not in defined else None
                if original:
                    copies[path] = original
        return copies

    def _original(self, path: Path, candidates: list[Path]) -> Path | None:
        column, depth = self.columns[path], len(path)
        for other in candidates:
            deeper = len(other) < depth or other in self.names.defined.values()
            # What a function returns of its parameters does not take their place.
            deeper = deeper and (role(other) == "parameter" or role(path) != "parameter")
            if deeper and _is_copy(column, self.columns[other]):
                return other
        return None


def _is_copy(column: list[Any], other: list[Any]) -> bool:
    # Variables of Datasets are not compared: they may lie in files that nobody has looked at.
    if any(
        hasattr(next((v for v in values if v is not MISSING), None), "dims") for values in (column, other)
    ):
        return False
    return all(mine is MISSING or equal(mine, its) for mine, its in zip(column, other, strict=True))


def name_of_ours(name: str, used_names: Collection[str], values: Collection[str]) -> str:
    """Return a name of coma_xr, another one when it is taken; with a warning when a value of the measurements has it."""
    free = name
    while free in used_names:
        free = "coma_" + free.removeprefix("measurement_")
    if free != name and name in values:
        warn(
            f"The measurements have a value called '{name}', so that coma_xr calls its own one '{free}' here."
        )
    return free


class UsedNames:
    """Names in a Dataset: those that the call gives win, then dims, then those of the rule; names of coma_xr give way."""

    def __init__(self, source: Source, requests: Sequence[Request], dims: Sequence[Request]) -> None:
        self._source = source
        self._users = {source.name(request) for request in (*requests, *dims)}
        self._values = {
            source.names.of(path) for path in source.columns.paths if role(path) not in ("info", "class")
        }
        self._users |= self._values
        self._paths: dict[str, Path | str | None] = {}

    def ours(self, name: str, taken: Collection[str] = ()) -> str:
        """Return a name of coma_xr, another one when the user has it or it is taken."""
        return name_of_ours(name, self._users.union(taken), self._values)

    def claim_dims(self, layout: Layout) -> None:
        """Take the names of the dims."""
        self._paths |= {axis.dim: axis.path for axis in layout.axes}

    def claim(self, request: Request, path: Path | None) -> str:
        """Take the name that the user gave; an error when it is taken by something else."""
        name = self._source.name(request)
        if name in self._paths and self._paths[name] != path:
            other = self._paths[name]
            first = (other if isinstance(other, str) else join(other)) if other else "a dim"
            raise LayoutError(
                f"The name '{name}' is requested twice, for {first} and {request.text}.",
                ways=["Choose another name for one of them: (name, path)."],
            )
        self._paths[name] = path
        return name

    def of(self, path: Path) -> str:
        """Take the name of a path by the rule, a longer one when it is taken."""
        name = self._source.names.of(path)
        if self._paths.get(name, path) != path:
            name = free_name(path, self._paths)
        self._paths[name] = path
        return name

    def brought(self, name: str, owner: str) -> str:
        """Return the name of a dim or coordinate that a DataArray brought; another one when it is taken."""
        while name in self._users or name in self._paths:
            name = f"{owner}_{name}"
        return name


def read(
    trees: Iterable[tuple[int, Tree]],
    requests: Sequence[Request],
    *,
    everything: bool,
    info: bool = False,
    definition: Definition = (),
    recorded: Recorded | None = None,
    annotations: Annotations | None = None,
    unfold: Mapping[str, Any] | None = None,
    choose: Choice | None = None,
    excluded: Container[int] = (),
    doubles: Doubles | None = None,
    branches: bool = False,
) -> Source:
    """Read the columns that a call needs; with `branches` a path may lead to a dictionary."""
    notes = {split(path): note for path, note in (annotations or {}).items()}
    past = Past.of(notes)
    pairs, unchanged = past.updated(split_paths(definition)), past.unchanged(recorded or {})
    folding = _foldings(unfold)
    coords = [r for note in (*notes.values(), *folding.values()) for r in requests_of(note.get("coords"))]
    renames = {old: path for path, note in notes.items() for old in former_paths(note)}
    texts = [request.text for request in (*requests, *coords)] + [join(path) for _, path in pairs]
    lacking: dict[Path, PathError] = {}
    columns = collect(
        trees,
        keep=keeper([*texts, *map(join, [*notes, *renames])], everything=everything, info=info),
        compute=_computations([*requests, *coords], excluded, lacking, NameLookup(pairs, unchanged, past)),
        choose=choose,
    )
    if typo := next((error for path, error in lacking.items() if not columns.leads(path)), None):
        raise typo
    _warn_of_nameless(columns)
    _apply(columns, past, renames)
    columns.expand_datasets()
    for _, path in pairs:
        columns.fold(path)
    if doubles is not None and (suspects := _suspects(columns, [path for _, path in pairs])):
        columns.drop(doubles(suspects))
    if branches:
        _fold_branches(columns, Names(columns.known, pairs, unchanged), requests)
    names = Names(columns.known, pairs, unchanged)
    called = {request.name for request in requests}
    by_key = {key if key in called else names.resolve(key): note for key, note in folding.items()}
    for old, new in renames.items():
        # Options for a path hold under its new name too, unless there are others for that name.
        notes[new] = {**notes.get(old, {}), **notes[new]}
    return Source(columns, names, notes, by_key)


def _apply(columns: Columns, past: Past, renames: Mapping[Path, Path]) -> None:
    """Give columns their present names, and the values that measurements without one count as having."""
    warn_of_hidden({(old, new): columns.rename(old, new) for old, new in renames.items()})
    for path, default in past.defaults.items():
        columns.fill(path, default)
    if columns.leads(REPEAT) and lacks(columns[REPEAT]):
        columns.fill(REPEAT, FIRST_REPEAT)


def split_paths(definition: Definition) -> list[tuple[str, Path]]:
    """Return the names of parameters with their paths as segments."""
    return [(name, split(path)) for name, path in definition]


def _fold_branches(columns: Columns, names: Names, requests: Sequence[Request]) -> None:
    """Let the branches that requests mean be values."""
    for request in requests:
        branch = None if request.function else names.branch(request.wanted, in_pair=request.name is not None)
        if branch:
            columns.fold(branch)


def _all_differ(parts: Sequence[list[Any]]) -> bool:
    """Whether no two rows of some columns are the same; False also where that is not so quickly said."""
    if not all(type(part) is Numbers for part in parts):
        return False
    coded = [factorize(part) for part in parts]
    codes, _ = numbered([codes for codes, _ in coded], [len(labels) for _, labels in coded])
    return distinct(codes) == len(codes)


@no_collection()
def _suspects(columns: Columns, defined: Sequence[Path]) -> list[int]:
    """Return the ids of measurements that may record the same event as another one, as far as columns show."""
    repeats = columns.repeats()
    paths = defined or [path for path in columns.paths if is_parameter(path)]
    values = [columns[path] for path in paths]
    if _all_differ([repeats, *values]):
        return []
    makers = columns[MADE_BY]
    # Many measurements have one maker.
    if set(map(type, makers)) <= {str, Mark} and set(map(type, columns[SEED])) == {Mark}:
        known = {by: event(by, None) for by in set(makers)}
        events = [known[by] for by in makers]
    else:
        events = [event(*row) for row in zip(makers, columns[SEED], strict=True)]
    if not any(events):
        return []
    parts = [events, repeats, *map(keys, values)]
    if len(set(zip(*parts, strict=True))) == len(events):
        return []
    names = list(zip(*parts, strict=True))
    counts = Counter(names)
    return [
        id for id, name in zip(columns.ids, names, strict=True) if name[0] is not None and counts[name] > 1
    ]


def _warn_of_nameless(columns: Columns) -> None:
    """Say that values are left out that have no name, which Coma 2 and other programs may have written."""
    if columns.nameless:
        keys = columns.nameless[0]
        warn(
            f"A value below an empty key has no name and is left out, {keys!r} for example.",
            way=Way(f"measurement(...)[{keys!r}] has it.", "`coma-xr show DIR ID` prints it."),
        )


def _foldings(unfold: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    if not isinstance(unfold, Mapping | None):
        raise LayoutError(
            f"unfold={unfold!r} is not for a Dataset; 'rows' and 'columns' are forms of a table, see to_dataframe.",
            expected="names or paths with names of dims, such as {'E': 'level'}",
        )
    return {key: folding_of(key, value) for key, value in (unfold or {}).items()}


def folding_of(key: str, value: Any) -> dict[str, Any]:
    """Return what `unfold=` says of one variable, as an annotation; dims that are None mean object cells.

    Raise LayoutError for what says nothing about dims.

    >>> folding_of("N", ["cell", "site"])
    {'dims': ['cell', 'site']}
    >>> folding_of("x", {"time": "results/t"})
    {'dims': ['time'], 'coords': {'time': 'results/t'}}
    """
    if value is None:
        return {"dims": None}
    dims = [value] if isinstance(value, str) else value
    if isinstance(dims, (list, tuple, Mapping)) and all(isinstance(dim, str) and dim for dim in dims):
        if not isinstance(dims, Mapping):
            return {"dims": list(dims)}
        if all(isinstance(path, str | None) for path in dims.values()):
            coords = {dim: path for dim, path in dims.items() if path is not None}
            return {"dims": list(dims), "coords": coords}
    raise LayoutError(
        f"unfold={{{key!r}: {value!r}}} is not understood.",
        expected="the name of a dim, a list of such names, names with the paths of their coordinates, or None to keep lists whole",
    )


def _dates(column: Sequence[Any]) -> list[Any]:
    """Return strings that are dates as such, if all are."""
    present = [value for value in column if value is not MISSING]
    dates = iter(utc(present) or present)
    return [value if value is MISSING else next(dates) for value in column]


def _computations(
    requests: Sequence[Request],
    excluded: Container[int],
    lacking: dict[Path, PathError],
    lookup: NameLookup,
) -> dict[str, Computation]:
    computations: dict[str, Computation] = {}
    for request in requests:
        if request.function is not None:
            computations[request.text] = _function(request.function, request.text, excluded, lacking, lookup)
        elif WILDCARD in split(request.wanted):
            computations[request.text] = _wildcard(places_of(request.wanted))
    return computations


def _function(
    function: Callable[[Measurement], Any],
    called: str,
    excluded: Container[int],
    lacking: dict[Path, PathError],
    lookup: NameLookup,
) -> Computation:
    def compute(id: int, tree: Tree) -> Any:
        if id in excluded:
            return MISSING
        try:
            value = function(Measurement(id, tree, lookup=lookup.value))
        except Exception as error:
            error.add_note(f"Raised by {called}, for measurement {id}.")
            if not isinstance(error, PathError) or error.path is None:
                raise
            # A hole if another measurement has the path.
            lacking.setdefault(error.path, error)
            return MISSING
        try:
            return to_plain(value)
        except SerializationError:
            # A column may hold what no file does, such as complex numbers.
            return value

    return compute


def _wildcard(paths: Iterable[Path]) -> Computation:
    def compute(id: int, tree: Tree) -> Any:  # noqa: ARG001
        for path in paths:
            with suppress(PathError):
                return follow(tree, path)
        return MISSING

    return compute


def checked_note(path: Path, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plain form of what is noted about a path, as far as it does not depend on measurements.

    Raise ParameterError or LayoutError when a note has a type or value that it cannot have.

    >>> checked_note(("results", "x"), {"dims": "time", "units": None})
    {'dims': ['time'], 'units': None}
    """
    return {name: None if value is None else _CHECKS[name](path, value) for name, value in arguments.items()}


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
                Way(
                    "Results that a measurement lacks are missing; fill= of to_dataset shows another value there.",
                    "",
                )
            ],
        )
    return plain_value(str(path[-1]), value)


def _dims(path: Path, value: Any) -> list[str]:
    dims = _strings(path, "dims", value, "the name of a dim, or a list of such names")
    double = next((dim for place, dim in enumerate(dims) if dim in dims[:place]), None)
    if double is not None:
        raise LayoutError(
            setting("dims", dims, f"of '{join(path)}' names the dim '{double}' twice."), name=double
        )
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
        raise ParameterError(setting("formerly", value, "is the path itself."), expected="another path")
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

    Raise PathError when it is an unknown name, or a branch.
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


def dims_of(dims: Variables, names: Callable[[], Names]) -> list[list[str]]:
    """Return the names and paths of the parameters that `define_layout` makes dims.

    Raise PathError when one is unknown, or no parameter, and LayoutError when two have the same name.
    """
    paths = [(request.name, _parameter(request.text, request.wanted, names)) for request in requests_of(dims)]
    pairs = [[name or names().of(path), join(path)] for name, path in paths]
    check_once([name for name, _ in pairs])
    return pairs


def check_once(dims: Sequence[str]) -> None:
    """Raise LayoutError when two dims have the same name."""
    for place, dim in enumerate(dims):
        if dim in dims[:place]:
            raise LayoutError(
                f"The dim '{dim}' is given twice.",
                ways=["Choose another name for one of them: (name, path)."],
            )


def _parameter(name: str, place: PathLike, names: Callable[[], Names]) -> Path:
    """Return the path of a parameter; PathError, which lists only parameters, if there is none."""
    try:
        path = path_of(place, names, branches=False)
    except PathError as error:
        fault, known = error.what, names()
        if not known.paths:
            raise
    else:
        if role(path) == "parameter" or path == REPEAT:
            return path
        fault, known = f"'{name}' is not a parameter but '{join(path)}'.", names()
    parameters = [known.of(path) for path in known.paths if role(path) == "parameter"]
    raise PathError(fault, name=name, available=parameters)


def check_values(
    path: Path, note: Mapping[str, Any], trees: Iterable[tuple[int, Tree]], used_dims: Iterable[str]
) -> list[str]:
    """Check dims and coords against the first measurements that have the paths.

    Raise LayoutError for dims that the values do not have, and PathError for units and the like of a branch,
    and for coords that no measurement has.
    """
    dims = note.get("dims") or ()
    if double := next((dim for dim in dims if dim in {*used_dims}), None):
        raise LayoutError(
            setting("dims", list(dims), f"of '{join(path)}': '{double}' is a dim of the measurements."),
            name=double,
            ways=[f"Choose another name for the dim of the lists, such as '{double}_index'."],
        )
    needed = {path: "", **{split(coord): name for name, coord in (note.get("coords") or {}).items()}}
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
        if name and dims and not isinstance(values.get(place, []), (list, dict)):
            from coma_xr.retrieve.variables import unusable_dims

            raise unusable_dims(name, [name] if name in dims else dims, "has no lists", join(place))
    if path not in values:
        return known
    _check_value(path, note, values[path])
    return []


def _check_value(path: Path, note: Mapping[str, Any], value: Tree) -> None:
    if (
        type(value) is dict
        and value
        and not is_typed(value)
        and {name for name, noted in note.items() if noted is not None} - {"formerly"}
    ):
        below = [join((*path, *keys)) for keys, _ in leaves(value)]
        raise PathError(
            f"'{join(path)}' is a branch with {count(len(below), 'value')}, not a value.",
            name=join(path),
            available=below,
        )
    if note.get("units") is not None and isinstance(value, (dict, list)):
        from coma_xr.exports.external import revived
        from coma_xr.retrieve.variables import units_of, warn_of_annotated_units

        items = [
            revived(item) if is_typed(item) else item for item in (value if type(value) is list else [value])
        ]
        warn_of_annotated_units([(join(path), note["units"], units_of(items))])
    dims = note.get("dims")
    if not dims or stands_for_dataset(value):
        return
    # It loads xarray, which is not needed to look at what there is.
    from coma_xr.retrieve.variables import measure

    folded = measure([value])
    levels = len(folded.shape) if folded else 0
    if folded is None and not isinstance(value, (list, dict)):
        raise LayoutError(
            f"'{join(path)}' is one value in each measurement, with no dims to name: {listing(dims)}.",
            expected="a list or an array",
        )
    if folded is not None and len(dims) > levels:
        raise LayoutError(
            setting(
                "dims",
                list(dims),
                f"of '{join(path)}' are {count(len(dims), 'name')}, but its lists have {count(levels, 'level')}.",
            ),
            expected=f"at most {count(levels, 'name')}",
        )


def _value(tree: Tree, path: Path) -> Any:
    value = NOTHING if WILDCARD in path else look(tree, path)
    try:
        return value if value is not NOTHING else follow(tree, path) if WILDCARD in path else item(tree, path)
    except (KeyError, IndexError):
        return NOTHING


def checked_annotation(
    path: PathLike,
    arguments: Mapping[str, Any],
    names: Callable[[], Names],
    trees: Iterable[tuple[int, Tree]],
    used_dims: Iterable[str],
) -> tuple[str, dict[str, Any], list[str]]:
    """Return the text of an annotated path, what is noted about it, and, if no measurement has it, the paths of one.

    Raise PathError, ParameterError or LayoutError when the path or a note cannot be.
    """
    known = path_of(path, names, branches=arguments.keys() <= {"formerly", "default"})
    note = checked_note(known, arguments)
    if note.get("formerly"):
        former = [join(path_of(place, names, branches=True)) for place in note["formerly"]]
        note["formerly"] = former[0] if isinstance(arguments["formerly"], str) else former
    if note.get("coords"):
        places = note["coords"].items()
        note["coords"] = {name: join(path_of(place, names, branches=False)) for name, place in places}
        if join(known) in note["coords"].values():
            raise LayoutError(
                setting("coords", note["coords"], f"of '{join(known)}' has this path itself."),
                expected="paths of others",
            )
    checked = note
    if note.get("default") is not None and known in names().defined.values():
        # A parameter may be a dictionary.
        checked = {name: value for name, value in note.items() if name != "default"}
    return join(known), note, check_values(known, checked, trees, used_dims)


def check_renames(path: Path, annotations: Annotations, trees: Iterable[tuple[int, Tree]]) -> list[Path]:
    """Return those former paths of an annotated one that no measurement has.

    Raise ParameterError when one is a former path of another one, leads back to itself, or would hide values.
    """
    past = Past.of(annotations)
    former, lacking = past.former[path], set(past.former[path])
    name, given = join(path), list(map(join, former))
    if clash := past.clash(path):
        old, other = map(join, clash)
        is_circle = path in past.places(clash[0])
        raise ParameterError(
            setting(
                "formerly",
                given,
                f"of '{name}': '{old}' was called '{name}' formerly, by an earlier annotation.",
            )
            if is_circle
            else setting("formerly", given, f"of '{name}': '{old}' is read as '{other}' already."),
            name=name,
            ways=[
                Way(
                    f"Take that back first: annotate({other!r}, formerly=None).",
                    f"Take that back first: coma-xr annotate DIR {other} --formerly ''.",
                )
            ],
        )

    def noticed() -> Iterator[tuple[int, Tree]]:
        for id, tree in trees:
            lacking.difference_update(
                [p for p in lacking if past.find(tree, p) is not NOTHING or look(tree, p) is not NOTHING]
            )
            yield id, tree

    for (old_path, _), ids in hidden(noticed(), [(old, path) for old in former]).items():
        old, number = join(old_path), count(len(ids), "measurement")
        raise ParameterError(
            setting(
                "formerly",
                given,
                f"of '{name}' would hide '{old}': {number} {'has' if len(ids) == 1 else 'have'} both, {ids[0]} for example.",
            ),
            name=old,
            expected=f"a path that measurements with '{name}' lack",
        )
    return [old for old in former if old in lacking]

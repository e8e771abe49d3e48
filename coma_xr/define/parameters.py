"""Parameters: their names and places in the tree, and one set of their values.

Values get their plain form once, where the user gives them (`Definition.bind`, `ParameterSet`, the scans); see
`coma_xr.define.values`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from coma_xr.checks import checks_keywords, is_listed
from coma_xr.define.values import BRANCH, NOTHING, describe, hand_out, key_of, look, normalise, plain_of
from coma_xr.errors import ParameterError, PathError, Way, warn
from coma_xr.html import facts, fragment, short
from coma_xr.same import Mark, key
from coma_xr.text import available, count, listing, shortened, with_article
from coma_xr.tree import (
    CLASS,
    WILDCARD,
    Path,
    PathLike,
    Segment,
    cut,
    is_pair,
    is_path,
    is_typed,
    join,
    places_of,
    put,
    split,
)

if TYPE_CHECKING:
    from coma_xr.values.plain import Tree


@dataclass(frozen=True, slots=True)
class Definition:
    """Names of parameters and their paths in the measurement tree, in order; each of them once.

    >>> Definition.of(["theta", ("N", "parameters/layout/N")])
    Definition(names=('theta', 'N'), paths=(('parameters', 'theta'), ('parameters', 'layout', 'N')))
    """

    names: tuple[str, ...]
    paths: tuple[Path, ...]

    def __post_init__(self) -> None:
        _check_doubles(list(self))

    @classmethod
    def of(cls, entries: Definition | Iterable[Any] | Mapping[str, PathLike]) -> Definition:
        """Return the definition that a user's entries, or a mapping of names to paths, mean.

        Raise ParameterError without an entry, for one that does not name one place, and for names or paths given twice.
        """
        if isinstance(entries, Definition):
            return entries
        if not isinstance(entries, (str, Mapping)) and not is_listed(entries):
            kind = with_article(type(entries).__name__)
            raise ParameterError(
                f"{shortened(entries)} is {kind}.", expected="names of parameters, in a list"
            )
        entries = list(entries.items() if isinstance(entries, Mapping) else entries)
        if len(entries) == 1 and isinstance(entries[0], Mapping):
            entries = list(entries[0].items())
        pairs = [_entry(entry) for entry in entries]
        if not pairs:
            raise ParameterError("No parameter is given.", expected="at least one name, such as 'theta_0'")
        return cls(tuple(name for name, _ in pairs), tuple(path for _, path in pairs))

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[tuple[str, Path]]:
        return zip(self.names, self.paths, strict=True)

    def position(self, name: PathLike) -> int:
        """Return the position of the parameter with this name or path.

        Raise PathError when there is none. The message lists the names, near ones apart.
        """
        if name in self.names:
            return self.names.index(str(name))
        for path in places_of(name):
            if path in self.paths:
                return self.paths.index(path)
        text = name if isinstance(name, str) else join(split(name))
        raise PathError(f"Unknown parameter '{text}'.", name=text, available=self.names)

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any] | None = None) -> tuple[Tree, ...]:
        """Return the values of one parameter set, as scans keep them, in order.

        Raise ParameterError when values are missing, too many or of unknown names, and SerializationError
        when a value cannot be stored.
        """
        values = dict(zip(self.names, args, strict=False))
        for name, value in (kwargs or {}).items():
            try:
                own_name = self.names[self.position(name)]
            except PathError as error:
                raise ParameterError(error.what, name=error.name, available=error.available) from None
            if own_name in values:
                raise ParameterError(
                    f"The parameter '{own_name}' was given twice.", ways=["Pass it by position or by name."]
                )
            values[own_name] = value
        if len(args) > len(self) or len(values) < len(self):
            raise self._wrong_number(args, values)
        return tuple([normalise(name, values[name]) for name in self.names])

    def _wrong_number(self, args: Sequence[Any], values: Mapping[str, Any]) -> ParameterError:
        expected = f"{count(len(self), 'value')} ({listing(self.names)})"
        lacking = [name for name in self.names if name not in values]
        found = str(len(args)) if len(args) > len(self) else f"{len(values)}; missing: {listing(lacking)}"
        ways = []
        if len(args) == 1 and (isinstance(args[0], (Mapping, list, tuple)) or hasattr(args[0], "columns")):
            ways = [
                f"Pass the values of {with_article(type(args[0]).__name__)} one by one, with * or **.",
                "Or pass several sets as a scan, such as coma.grid(...) or coma.cases(...).",
            ]
        return ParameterError(expected=expected, found=found, ways=ways)

    def order(self, other: Definition) -> list[int]:
        """Return for each parameter of this definition its position in `other`.

        Raise ParameterError when one of the two has a parameter that the other lacks.
        """
        places = [_find(name, path, other) for name, path in self]
        lacking = [name for name, place in zip(self.names, places, strict=True) if place is None]
        surplus = [name for place, name in enumerate(other.names) if place not in places]
        if lacking or surplus:
            raise ParameterError(
                f"The parameters {listing(other.names)} are not those of the experiment "
                f"(missing: {listing(lacking)}; unknown: {listing(surplus)}).",
                name=surplus[0] if surplus else None,
                available=self.names,
            )
        return [place for place in places if place is not None]

    def to_state(self) -> list[list[str]]:
        """Return the definition as a plain tree."""
        return [[name, join(path)] for name, path in self]

    @classmethod
    def from_state(cls, state: Iterable[Sequence[str]]) -> Definition:
        """Return the definition that `to_state` made a tree of."""
        return _recorded(tuple([(name, path) for name, path in state]))


@lru_cache(maxsize=64)
def _recorded(pairs: tuple[tuple[str, str], ...]) -> Definition:
    """Return a definition by its record, which several files of a directory have."""
    return Definition.of([[name, path] for name, path in pairs])


def _entry(entry: Any) -> tuple[str, Path]:
    if isinstance(entry, str):
        segments = split(entry) if is_path(entry) else (BRANCH, entry)
        name = str(segments[-1])
    elif (is_pair(entry) or (isinstance(entry, list) and len(entry) == 2)) and isinstance(entry[0], str):
        name, segments = str(entry[0]), split(entry[1])
    elif isinstance(entry, tuple) and entry[:1] == (BRANCH,) and len(entry) > 1:
        segments = split(entry)
        name = str(segments[-1])
    else:
        raise ParameterError(f"{entry!r} is not a parameter.", expected="a name or a pair (name, path)")
    if not name or not segments:
        raise ParameterError(
            f"The parameter {entry!r} has no name or no path.", expected="a name or a pair (name, path)"
        )
    if segments == (BRANCH, CLASS):
        raise ParameterError(
            f"The name '{CLASS}' is reserved for the class of a stored object.", expected="another name"
        )
    if is_path(name):
        raise ParameterError(
            f"The name '{name}' of a parameter is a path.",
            expected="a name that does not begin with parameters/, results/ or info/",
        )
    if WILDCARD in segments:
        raise ParameterError(
            f"The path '{join(segments)}' of a parameter has an asterisk.", expected="one place in the tree"
        )
    return name, segments


def _check_doubles(pairs: Sequence[tuple[str, Path]]) -> None:
    for place, (name, path) in enumerate(pairs):
        for other_name, other_path in pairs[:place]:
            if (name, path) == (other_name, other_path):
                raise ParameterError(f"The parameter '{name}' is given twice.", ways=["Remove one of them."])
            if path == other_path:
                raise ParameterError(
                    f"The parameters '{other_name}' and '{name}' have the same path, {join(path)}.",
                    ways=["Choose another path for one of them."],
                )
            shorter, longer = sorted([path, other_path], key=len)
            if longer[: len(shorter)] == shorter:
                raise ParameterError(
                    f"The parameters '{other_name}' and '{name}' cannot both be stored: {join(shorter)} would be a value and the "
                    f"branch of {join(longer)}.",
                    ways=["Choose another path for one of them."],
                )
            if name == other_name:
                raise ParameterError(
                    f"Two parameters are called '{name}', {join(other_path)} and {join(path)}.",
                    name=name,
                    ways=[f"Choose another name for one of them: ('{name}_2', '{join(path)}')."],
                )


def _find(name: str, path: Path, other: Definition) -> int | None:
    if path in other.paths:
        return other.paths.index(path)
    if name in other.names:
        place = other.names.index(name)
        if other.paths[place] == (BRANCH, name):
            return place
    return None


# The default of `ParameterSet.get` that is none.
REQUIRED = Mark("REQUIRED")


@checks_keywords
class ParameterSet:
    """One value for each parameter: ``p.theta``, ``p["theta"]``, ``p["parameters/theta"]`` or ``p[0]``.

    Parameters
    ----------
    definition : Definition, sequence of str and (name, path), or mapping of names to paths
        The parameters, in order.
    values : iterable or mapping
        One value for each of them, in order or by name.

    Attributes
    ----------
    names : tuple of str
        The names, in order. A parameter called "names" takes precedence over this attribute. The same holds for
        `to_dict`.

    Raises
    ------
    ParameterError
        When the number of values is not that of the parameters.
    SerializationError
        When a value cannot be stored.

    Examples
    --------
    >>> p = ParameterSet(["theta_0", ("N", "parameters/layout/N")], [-5.0, 2])
    >>> p.theta_0, p["parameters/layout/N"], p[-1], len(p)
    (-5.0, 2, 2, 2)
    >>> p
    (theta_0=-5.0,N=2)
    """

    # The values lie in __dict__, so that attributes are as fast as they can be, completion in a notebook
    # finds them, and a parameter may have the name of a method.
    __slots__ = ("__dict__", "_definition", "_given", "_values")

    _definition: Definition
    _given: tuple[Any, ...]
    _values: tuple[Any, ...]

    def __init__(
        self,
        definition: Definition | Iterable[str | tuple[str, PathLike]] | Mapping[str, PathLike],
        values: Iterable[Any] | Mapping[str, Any],
    ) -> None:
        definition = Definition.of(definition)
        if not isinstance(values, (str, Mapping)) and not is_listed(values):
            kind = with_article(type(values).__name__)
            raise ParameterError(
                f"{shortened(values)} is {kind}.", expected="values of parameters, in a list"
            )
        by_name = values if isinstance(values, Mapping) else {}
        self._fill(definition, definition.bind(() if by_name else tuple(values), by_name))

    @classmethod
    def of_given(cls, definition: Definition, values: Iterable[Any]) -> ParameterSet:
        """Return the parameter set of values of a scan, or plain ones; see `coma_xr.define.values.hand_out`."""
        new = cls.__new__(cls)
        new._fill(definition, tuple(values))
        return new

    def _fill(self, definition: Definition, given: tuple[Any, ...]) -> None:
        values = hand_out(given)
        object.__setattr__(self, "_definition", definition)
        object.__setattr__(self, "_given", given)
        object.__setattr__(self, "_values", values)
        self.__dict__.update(zip(definition.names, values, strict=True))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names, in order."""
        return self._definition.names

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name."""
        return dict(zip(self._definition.names, self._values, strict=True))

    def has(self, name: PathLike) -> bool:
        """Whether there is a parameter with this name or path."""
        try:
            self._definition.position(name)
        except PathError:
            return False
        return True

    def get(self, name: PathLike, default: Any = REQUIRED) -> Any:
        """Return the value of the parameter with this name or path.

        Parameters
        ----------
        name : str
            A name or path.
        default : object, optional
            The value if there is no such parameter. Without it, a PathError is raised.

        Examples
        --------
        >>> p = ParameterSet({"theta": "parameters/theta"}, [0.5])
        >>> p.get("parameters/theta"), p.get("friction", 0.0)
        (0.5, 0.0)
        """
        return self[name] if default is REQUIRED or self.has(name) else default

    def __getitem__(self, name: int | PathLike) -> Any:
        if isinstance(name, int):
            return self._values[name]
        return self._values[self._definition.position(name)]

    def __getattr__(self, name: str) -> Any:
        # Python asks for many names with underscores on its own account; a parameter would have been found.
        if name.startswith("_"):
            raise AttributeError(name)
        if name in _OF_COMA_2:
            return _OF_COMA_2[name](self)
        raise AttributeError(f"Unknown parameter '{name}'. " + available(name, self._definition.names))

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"A parameter set is read-only, so '{name}' cannot be set to {value!r}.")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"A parameter set is read-only, so '{name}' cannot be deleted.")

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ParameterSet):
            return NotImplemented
        return self._definition == other._definition and key_of(self._given) == key_of(other._given)

    def __hash__(self) -> int:
        return hash((self._definition, key_of(self._given)))

    def __reduce__(self) -> tuple[Any, ...]:
        return ParameterSet.of_given, (self._definition, self._given)

    def __repr__(self) -> str:
        return describe(self._definition.names, self._values)

    def _repr_html_(self) -> str:
        return fragment(facts(zip(self._definition.names, map(short, self._values), strict=True)))


# Attributes of Coma 2, unless a parameter is called so.
_OF_COMA_2: dict[str, Callable[[ParameterSet], Any]] = {
    "definition": lambda own: {name: join(path) for name, path in own._definition},
    "ps": lambda own: own._values,
    "shortnames": lambda own: {name: place for place, name in enumerate(own._definition.names)},
}


def write(tree: dict[str, Tree], definition: Definition, values: Iterable[Tree]) -> None:
    """Write the values of parameters into a measurement tree, at their paths, where it lacks them.

    Raise ParameterError when the tree holds another value at one of the paths, or something that leaves no
    place there.

    >>> tree = {"results": {"t": 0.5}}
    >>> write(tree, Definition.of(["theta"]), [3.5])
    >>> tree
    {'parameters': {'theta': 3.5}, 'results': {'t': 0.5}}
    """
    common, keys = _common_branch(definition.paths)
    if common and common not in tree:
        _put_first(tree, common, dict(zip(keys, map(plain_of, values), strict=True)))
        return
    for name, segments, value in zip(definition.names, definition.paths, map(plain_of, values), strict=True):
        *parents, last = segments
        if parents and parents[0] not in tree:
            _put_first(tree, str(parents[0]), {})
        branch = look(tree, parents)
        if type(branch) is dict and last not in branch:
            branch[last] = value
            continue
        existing = look(tree, segments)
        if existing is NOTHING:
            _put(tree, name, segments, value)
        elif existing is not value and key((existing,)) != key((value,)):
            raise ParameterError(
                f"The result has {join(segments)} = {shortened(existing)}, and the parameter set {name} = {shortened(value)}.",
                name=name,
                ways=[f"Return the tree without {join(segments)}, or with the value of the parameter set."],
            )


@lru_cache(maxsize=16)
def _common_branch(paths: tuple[Path, ...]) -> tuple[str, tuple[Segment, ...]]:
    """Return the branch that holds all parameters directly, empty if there is none, and their keys there."""
    branches = {str(path[0]) if path[1:] == path[-1:] else "" for path in paths}
    return branches.pop() if len(branches) == 1 else "", tuple([path[-1] for path in paths])


def _put_first(tree: dict[str, Tree], branch: str, child: dict[Segment, Tree]) -> None:
    others = dict(tree)
    tree.clear()
    tree[branch] = child
    tree.update(others)


def _put(tree: dict[str, Tree], name: str, path: Path, value: Tree) -> None:
    try:
        put(tree, path, value)
    except PathError as error:
        raise ParameterError(
            f"The parameter '{name}' has no place in the result: {error.what}",
            ways=["Choose another path for the parameter."],
        ) from None


def former_paths(note: Mapping[str, Any]) -> list[Path]:
    """Return the paths that an annotated one had in earlier measurements.

    >>> former_paths({"formerly": "results/T"})
    [('results', 'T')]
    """
    former = note.get("formerly") or []
    return [split(path) for path in ([former] if isinstance(former, str) else former)]


@dataclass(frozen=True)
class Past:
    """The defaults and former names of parameters, by which earlier measurements are read.

    >>> past = Past.of({"parameters/L": {"default": 1.0}, "parameters/angle": {"formerly": "parameters/theta"}})
    >>> past.find({"parameters": {"theta": 0.5}}, ("parameters", "angle")), past.find({}, ("parameters", "L"))
    (0.5, 1.0)
    """

    defaults: Mapping[Path, Tree] = field(default_factory=dict)
    former: Mapping[Path, Sequence[Path]] = field(default_factory=dict)

    @classmethod
    def of(cls, annotations: Mapping[Any, Mapping[str, Any]]) -> Past:
        """Return what annotations, by path, say."""
        notes = {split(path): note for path, note in annotations.items()}
        former = {path: paths for path, note in notes.items() if (paths := former_paths(note))}
        return cls({path: note["default"] for path, note in notes.items() if "default" in note}, former)

    def places(self, path: Path) -> list[Path]:
        """Return where a value stood before it, or a branch that it is in, was renamed, the latest place first."""
        places = [path]
        # It grows while it is gone through: what was renamed twice stood at three places.
        for known in places if self.former else ():
            places += [
                place
                for new, former in self.former.items()
                if known[: len(new)] == new
                for old in former
                if (place := old + known[len(new) :]) not in places
            ]
        return places[1:]

    def now(self, path: Path) -> Path:
        """Return where what stood at a path stands by now: `path` itself unless it, or its branch, was renamed.

        >>> past = Past.of({"parameters/lattice": {"formerly": "parameters/layout"}})
        >>> past.now(("parameters", "layout", "N")), past.now(("parameters", "N"))
        (('parameters', 'lattice', 'N'), ('parameters', 'N'))
        """
        steps = [(old, new) for new, former in self.former.items() for old in former]
        # Each rename counts once, so that one back and forth comes to an end.
        while step := next((s for s in steps if path[: len(s[0])] == s[0]), None):
            steps.remove(step)
            path = step[1] + path[len(step[0]) :]
        return path

    def updated(self, definition: Iterable[tuple[str, Path]]) -> list[tuple[str, Path]]:
        """Return names and paths of parameters, defined before some of them were renamed, as they are now.

        >>> past = Past.of({"parameters/length": {"formerly": "parameters/l"}})
        >>> past.updated([("l", ("parameters", "l")), ("m", ("parameters", "m"))])
        [('length', ('parameters', 'length')), ('m', ('parameters', 'm'))]
        """
        pairs = list(definition)
        names, paths = {name for name, _ in pairs}, {path for _, path in pairs}
        return [self._updated(name, path, names, paths) for name, path in pairs]

    def definition(self, recorded: Definition) -> Definition:
        """Return a definition with the names and paths of now."""
        return recorded.of(self.updated(recorded))

    def _updated(self, name: str, path: Path, names: set[str], paths: set[Path]) -> tuple[str, Path]:
        """Return the present name and path of a parameter; a name of the user's own is kept."""
        now = self.now(path)
        if now == path or now in paths:
            return name, path
        return (str(now[-1]) if name == path[-1] and now[-1] not in names else name), now

    def unchanged(self, names: Mapping[str, Path]) -> dict[str, Path]:
        """Return those of some names whose paths were not renamed."""
        return {name: path for name, path in names.items() if self.now(path) == path}

    @property
    def renames(self) -> list[tuple[Path, Path]]:
        """The former paths, each with its present one."""
        return [(old, new) for new, former in self.former.items() for old in former]

    def applied(self, tree: Tree) -> Tree:
        """Return a tree as if it had been stored with the names of now and the defaults; what stands there already wins.

        >>> past = Past.of({"parameters/angle": {"formerly": "parameters/theta"}})
        >>> past.applied({"parameters": {"theta": 0.5}})
        {'parameters': {'angle': 0.5}}
        """
        for path in self.former:
            for place in self.places(path):
                value, current = look(tree, place), look(cut(tree, place), path)
                if value is NOTHING:
                    continue
                if _is_branch(value) and isinstance(current, dict):
                    current = {**value, **current}
                tree = _with(cut(tree, place), path, value if current is NOTHING else current)
        for path, default in self.defaults.items():
            if look(tree, path) is NOTHING:
                tree = _with(tree, path, default)
        return tree

    def clash(self, path: Path) -> tuple[Path, Path] | None:
        """Return a former path of `path` that cannot be one, and the path whose annotation is in the way.

        The other path has the same former one, or was renamed from `path` itself, so that both lead in a circle.

        >>> Past.of({"results/a": {"formerly": "results/b"}, "results/b": {"formerly": "results/a"}}).clash(("results", "a"))
        (('results', 'b'), ('results', 'b'))
        """
        for old in self.former.get(path, ()):
            other = next((new for place, new in self.renames if place == old and new != path), None)
            if other is not None:
                return old, other
            steps, place = self.renames, old
            while step := next((s for s in steps if place[: len(s[0])] == s[0]), None):
                steps.remove(step)
                place = step[1] + place[len(step[0]) :]
                if place == old:
                    return old, step[1]
        return None

    def find(self, tree: Tree, path: Path) -> Any:
        """Return what counts as the value of a path that a tree lacks; `NOTHING` when that is not known."""
        for place in self.places(path):
            value = look(tree, place)
            if value is not NOTHING:
                return value
        return self.defaults.get(path, NOTHING)


def hidden(trees: Iterable[tuple[int, Tree]], renames: Sequence[tuple[Path, Path]]) -> dict[Any, list[int]]:
    """Return the renames, pairs of a former path and the present one, that would hide values, with the measurements.

    They have another value at the present path.

    >>> hidden([(1, {"results": {"T": 1, "P": 2}})], [(("results", "T"), ("results", "P"))])
    {(('results', 'T'), ('results', 'P')): [1]}
    """
    ids_by_rename: dict[Any, list[int]] = {}
    for id, tree in trees:
        for old, new in renames:
            value = look(tree, old)
            if value is not NOTHING and not _are_compatible(value, look(cut(tree, old), new)):
                ids_by_rename.setdefault((old, new), []).append(id)
    return ids_by_rename


def warn_of_hidden(found: Mapping[tuple[Path, Path], Sequence[int]]) -> None:
    """Warn of values at former paths that measurements hide by others at the present ones."""
    for (old, new), ids in found.items():
        if ids:
            warn(
                f"{count(len(ids), 'measurement')} {'has' if len(ids) == 1 else 'have'} different values at '{join(old)}' and "
                f"'{join(new)}', {ids[0]} for example. The rename hides those at '{join(old)}'.",
                way=Way(
                    f"annotate({join(new)!r}, formerly=None) takes it back.",
                    f"`coma-xr annotate DIR {join(new)} --formerly ''` takes it back.",
                ),
            )


def _are_compatible(value: Tree, current: Tree) -> bool:
    """Return whether what stands at two paths can be read as one: equal values, or branches without other ones."""
    if current is NOTHING:
        return True
    if _is_branch(value) and _is_branch(current):
        return all(_are_compatible(value[name], current[name]) for name in value.keys() & current.keys())
    return bool(key((value,)) == key((current,)))


def _is_branch(node: Tree) -> bool:
    return isinstance(node, dict) and not is_typed(node)


def _with(tree: Mapping[Any, Tree], keys: Path, value: Tree) -> dict[Any, Tree]:
    """Return a copy of a tree with one more value; without it, where a value stands in the way."""
    first, below_keys = keys[0], keys[1:]
    if not below_keys:
        return {**tree, first: value}
    below = tree.get(first, {})
    return {**tree, first: _with(below, below_keys, value) if _is_branch(below) else below}


def read_parameters(tree: Tree, definition: Definition, past: Past | None = None) -> list[Tree] | None:
    """Return the values of parameters in a measurement tree.

    >>> from coma_xr.define.parameters import Definition
    >>> definition = Definition.of(["theta", "L"])
    >>> read_parameters({"parameters": {"theta": 3.5}}, definition, Past({("parameters", "L"): 1.0}))
    [3.5, 1.0]
    """
    values = []
    for path in definition.paths:
        value = look(tree, path)
        if value is NOTHING:
            value = NOTHING if past is None else past.find(tree, path)
            if value is NOTHING:
                return None
        values.append(value)
    return values


def _dropped(
    old: Definition, new: Definition, dropped: Sequence[str], constants: Mapping[Path, Any]
) -> ParameterError:
    """Return the error about parameters of the measurements that a definition does not have."""
    defaults = {name: constants[path] for name, path in old if name in dropped and path in constants}
    values = (
        f", such as the function's own default {describe(defaults, defaults.values())}" if defaults else ""
    )
    former = join(old.paths[old.position(dropped[0])])
    unmatched = [join(path) for path in new.paths if path not in old.paths]
    successor = unmatched[0] if len(unmatched) == len(dropped) == 1 else "PATH"
    return ParameterError(
        f"The new definition lacks {listing(dropped)}, but the measurements were made with the parameters "
        f"{listing(old.names)}.",
        ways=[
            f"Put {dropped[0]} into the scan, with one value if it does not vary{values}.",
            Way(
                f"If it has another name now, call annotate({successor!r}, formerly={former!r}).",
                f"If it has another name now: coma-xr annotate DIR {successor} --formerly {former}.",
            ),
            "Or start a new experiment.",
        ],
    )


def check_extends(
    old: Definition,
    new: Definition,
    past: Past,
    constants: Mapping[Path, Tree],
    trees: Callable[[], Iterable[tuple[int, Tree]]],
) -> None:
    """Raise ParameterError when a definition leaves open which parameter sets the measurements belong to.

    `constants` are the function's own defaults, which a new scan may have to name.
    """
    renamed = {former for path in new.paths for former in past.places(path)}
    dropped = [name for name, path in old if path not in new.paths and path not in renamed]
    if dropped:
        raise _dropped(old, new, dropped, constants)
    added = [path for path in new.paths if path not in old.paths and path not in past.defaults]
    for path in added:
        # What was a function's own default is in the files already.
        lacking = ((id, tree) for id, tree in trees() if look(tree, path) is NOTHING)
        without = [id for id, tree in lacking if past.find(tree, path) is NOTHING]
        if without:
            name = join(path)
            made = f", made with the parameters {listing(old.names)},"
            raise ParameterError(
                f"Measurement {without[0]}{made} has no {name!r}."
                if len(without) == 1
                else f"{len(without)} measurements{made} have no {name!r}, for example {without[0]}.",
                ways=[
                    Way(
                        f"Call annotate({name!r}, default=...) with the value that it had in them.",
                        f"Record the value that it had in them: coma-xr annotate DIR {name} --default VALUE.",
                    ),
                    Way(
                        f"If it was stored under another path, call annotate({name!r}, formerly=...).",
                        f"If it was stored under another path: coma-xr annotate DIR {name} --formerly PATH.",
                    ),
                    "Or start a new experiment.",
                ],
            )

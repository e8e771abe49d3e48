"""Parameters in older measurements: defaults of new parameters, and former names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coma_xr.define.values import NOTHING, describe, look
from coma_xr.errors import ParameterError
from coma_xr.text import listing
from coma_xr.tree import Path, join, split

if TYPE_CHECKING:
    from coma_xr.define.parameters import Definition
    from coma_xr.values.plain import Tree


def former_paths(note: Mapping[str, Any]) -> list[Path]:
    """Return the paths that an annotated one had in earlier measurements.

    Examples
    --------
    >>> former_paths({"formerly": "results/T"})
    [('results', 'T')]
    """
    former = note.get("formerly") or []
    return [split(path) for path in ([former] if isinstance(former, str) else former)]


@dataclass(frozen=True)
class Past:
    """What annotations say of earlier measurements.

    Examples
    --------
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

        Examples
        --------
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

    def updated(self, definition: Iterable[tuple[str, Any]]) -> list[tuple[str, Path]]:
        """Return names and paths of parameters, defined before some of them were renamed, as they are now.

        Examples
        --------
        >>> past = Past.of({"parameters/length": {"formerly": "parameters/l"}})
        >>> past.updated([("l", "parameters/l"), ("m", "parameters/m")])
        [('length', ('parameters', 'length')), ('m', ('parameters', 'm'))]
        """
        pairs = [(name, split(path)) for name, path in definition]
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

    def find(self, tree: Tree, path: Path) -> Any:
        """Return what counts as the value of a path that a tree lacks; `NOTHING` when that is not known."""
        for place in self.places(path):
            value = look(tree, place)
            if value is not NOTHING:
                return value
        return self.defaults.get(path, NOTHING)


def read(tree: Tree, definition: Definition, past: Past | None = None) -> list[Tree] | None:
    """Return the values of parameters in a measurement tree.

    Examples
    --------
    >>> from coma_xr.define.parameters import Definition
    >>> definition = Definition.of(["theta", "L"])
    >>> read({"parameters": {"theta": 3.5}}, definition, Past({("parameters", "L"): 1.0}))
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
        own = {name: constants[path] for name, path in old if name in dropped and path in constants}
        values = f", such as the function's own default {describe(own, own.values())}" if own else ""
        former = join(old.paths[old.position(dropped[0])])
        raise ParameterError(
            f"The new definition lacks {listing(dropped)}, but the measurements were made with the parameters "
            f"{listing(old.names)}.",
            ways=[
                f"Put {dropped[0]} into the scan, with one value if it does not vary{values}.",
                f"If it has another name now, call annotate(path, formerly={former!r}).",
                "Or start a new experiment.",
            ],
        )
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
                    f"Call annotate({name!r}, default=...) with the value that it had in them.",
                    f"If it stood at another path, call annotate({name!r}, formerly=...).",
                    "Or start a new experiment.",
                ],
            )

"""Names of paths, and the paths that users' names mean.

Every path of an experiment has one name: the one that the user defined; else its last segment, the
shallowest path first (a parameter before a result at equal depth), the others with parents in front.
One resolver serves wherever a user names something in the trees.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from coma_xr.errors import PathError
from coma_xr.text import available, near_names
from coma_xr.tree import WILDCARD, Path, PathLike, Segment, is_index, join, split
from coma_xr.values.objects import CLASS

__all__ = ["Names", "free_name", "is_parameter", "role"]

_ROLES = {"parameters": "parameter", "results": "result", "info": "info"}
_ORDER = ("parameter", "result", "other", "info", "class")


def role(path: Path) -> str:
    """Return what a path is in a measurement: "parameter", "result", "info", "class" or "other".

    The innermost branch called `parameters`, `results` or `info` decides, so that the results of a model
    that is itself a parameter are results.

    Examples
    --------
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


class Names:
    """Names for the paths of an experiment, and back.

    Parameters
    ----------
    paths : iterable of paths
        Every path that leads to a value, in the order of the trees.
    definition : iterable of (name, path), optional
        The parameters that the user defined; the names hold, also for paths that no measurement has.

    Examples
    --------
    >>> names = Names(map(split, ["parameters/t", "parameters/layout/N", "results/N", "results/P"]))
    >>> [names.of(path) for path in names.paths]
    ['t', 'layout_N', 'N', 'P']
    >>> names.of(("results", "P", "0"))
    'P_1'
    >>> names.resolve("layout_N")
    ('parameters', 'layout', 'N')
    """

    def __init__(
        self,
        paths: Iterable[Path],
        definition: Iterable[tuple[str, Path]] = (),
    ) -> None:
        self.paths = list(paths)
        self.defined = dict(definition)
        self._known = set(self.paths)
        self._names = {path: name for name, path in self.defined.items()}
        taken = set(self.defined)
        order = sorted(
            (path for path in self.paths if path not in self._names),
            key=lambda path: (len(path), _ORDER.index(role(path))),
        )
        for path in order:
            self._names[path] = free_name(path, taken)
            taken.add(self._names[path])
        self._paths = {name: path for path, name in self._names.items()}

    def of(self, path: Path) -> str:
        """Return the name of a path; also of one that leads into a list, or has an asterisk."""
        if path in self._names:
            return self._names[path]
        for end in range(len(path) - 1, 0, -1):
            stem = path[:end]
            if stem in self._names and (path[-1] is WILDCARD or is_index(path[-1])):
                return "_".join([self._names[stem], *map(_number, path[end:])])
        plain = tuple([segment for segment in path if segment is not WILDCARD])
        return free_name(plain or ("all",), self._paths)

    def resolve(self, text: PathLike) -> Path:
        """Return the path that a user means.

        Parameters
        ----------
        text : str
            A defined name; a path, or one without ``parameters/``, ``results/`` or ``info/`` in front; or a
            name by the rule.

        Raises
        ------
        PathError
            When it is none of these. The message lists what there is, near ones apart.
        """
        path = split(text)
        text = text if isinstance(text, str) else join(path)
        if text in self.defined:
            return self.defined[text]
        known = [path, *((branch, *path) for branch in _ROLES)]
        known = [path for path in known if self._leads_somewhere(path)]
        if len(path) == 1 and path in known:
            # A value at the tree's root comes last, behind names by the rule.
            known = [*known[1:], self._paths.get(text, path)]
        if known:
            return known[0]
        if text in self._paths:
            return self._paths[text]
        return self._item(text) or self._unknown(text)

    def _leads_somewhere(self, path: Path) -> bool:
        """Whether a path is known, has an asterisk or leads into a value."""
        if path in self._known or (WILDCARD in path and len(path) > 1):
            return path in self._known or self._may_match(path)
        return any(path[:end] in self._known and is_index(path[end]) for end in range(1, len(path)))

    def _may_match(self, path: Path) -> bool:
        """Whether the part before the asterisk leads somewhere."""
        stem = path[: path.index(WILDCARD)]
        return any(known[: len(stem)] == stem for known in self.paths) or not stem

    def _item(self, text: str) -> Path | None:
        """Return the path that a name such as P_1 means: an item of a list."""
        stem, _, number = text.rpartition("_")
        path = self._paths.get(stem) or (self._item(stem) if stem else None)
        if path is None or not is_index(number) or int(number) == 0:
            return None
        return (*path, str(int(number) - 1 if int(number) > 0 else int(number)))

    def _unknown(self, text: str) -> Path:
        branch, paths = split(text), list(map(join, self.paths))
        below = [join(path) for path in self.paths if path[: len(branch)] == branch]
        if below:
            raise PathError(f"'{text}' is a branch, not a value. " + available(text, below))
        known = paths if "/" in text else [*self._paths]
        others = [*self._paths] if "/" in text else paths
        hints = near_names(text, known) or near_names(text, others)
        raise PathError(
            f"No measurement has a path or name '{text}'. "
            + available(text, [*hints, *(name for name in known if name not in hints)])
        )


def free_name(path: Path, taken: Collection[str]) -> str:
    """Return the shortest name of a path that is not taken: its last segment, with parents in front as needed.

    Examples
    --------
    >>> free_name(("parameters", "layout", "N"), {"N"})
    'layout_N'
    """
    segments = [str(segment) for segment in path]
    for start in range(len(segments) - 1, -1, -1):
        name = "_".join(segments[start:])
        if name not in taken:
            return name
    name = join(path)
    while name in taken:
        name += "_"
    return name


def _number(segment: Segment) -> str:
    """Return the number of an item as Coma counts, from 1; negative ones count from the end as they are."""
    text = "all" if segment is WILDCARD else str(segment)
    return str(int(text) + 1) if text.isdecimal() else text

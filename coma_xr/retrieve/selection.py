"""Which measurements take part: conditions on trees, before anything is made of these."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import tee
from typing import TYPE_CHECKING, Any

from coma_xr.define.conditions import as_condition
from coma_xr.define.parameters import Definition as Parameters
from coma_xr.define.parameters import Past, read_parameters, write
from coma_xr.define.values import NOTHING, look
from coma_xr.errors import ParameterError, PathError, warn
from coma_xr.names import Names, role
from coma_xr.retrieve.columns import KnownPaths, StoredTrees, collect, utc
from coma_xr.retrieve.measurement import item
from coma_xr.retrieve.requests import NamedMeasurement, NameLookup, expand_datasets
from coma_xr.tree import WILDCARD, Path, follow, is_path, is_typed, split
from coma_xr.values.plain import from_plain

if TYPE_CHECKING:
    from coma_xr.retrieve.requests import Annotations, Definition, Recorded
    from coma_xr.retrieve.status import Absent
    from coma_xr.values.plain import Tree

Trees = Iterable[tuple[int, "Tree"]]

# Values of a name that are kept to find the one nearest to a value that no measurement has.
_MOST_VALUES = 10_000


def selected(
    trees: Trees,
    where: Any,
    *,
    definition: Definition = (),
    annotations: Annotations | None = None,
    recorded: Recorded | None = None,
    otherwise: str = "",
) -> Iterator[tuple[int, Tree]]:
    """Yield the measurements for which a condition holds.

    Raises
    ------
    PathError
        For a name or path that no measurement has.
    ConditionError
        For values that are not conditions, and for values that cannot be compared.

    Examples
    --------
    >>> trees = [(i, {"parameters": {"a": i}}) for i in (1, 2, 3)]
    >>> [id for id, _ in selected(trees, "a > 1")]
    [2, 3]
    """
    selection = Selection(where, definition, annotations, recorded=recorded)
    number = 0
    for id, tree, chosen in selection(trees):
        if chosen:
            number += 1
            yield id, tree
    selection.warn_when_empty(number, otherwise)


class Selection:
    """A condition on measurements."""

    def __init__(
        self,
        where: Any,
        definition: Definition = (),
        annotations: Annotations | None = None,
        *,
        recorded: Recorded | None = None,
        tracks: bool = False,
    ) -> None:
        self._condition = as_condition(where)
        self._calls = bool(self._condition.functions)
        self._tracks = tracks
        self._past = Past.of(annotations or {})
        self._definition = self._past.updated(definition)
        self._recorded = self._past.unchanged(recorded or {})
        self._parameters = (
            Parameters(*zip(*self._definition, strict=True)) if self._definition else Parameters((), ())
        )
        self._paths: dict[str, Path] = {}
        self._number = 0
        self._compared: dict[str, list[Any]] = {name: [] for name in self._condition.equalities}
        self._missed: dict[Path, PathError] = {}
        self._known_paths = KnownPaths()
        self._lookup = NameLookup(self._definition, self._recorded, self._past)
        self.unchosen: list[tuple[Sequence[Tree], int]] = []

    def __call__(self, trees: Trees) -> Iterator[tuple[int, Tree, bool]]:
        """Yield measurements with whether they were chosen; one tree at a time where trees can be read again."""
        if isinstance(trees, StoredTrees):
            self._paths = self._resolved(trees.unreported())
        else:
            first, trees = tee(trees)
            self._paths = self._resolved(first)
            del first
        for id, tree in trees:
            yield id, tree, self._judged(id, tree)
        for path, error in self._missed.items():
            if path not in self._known_paths:
                raise error

    def _resolved(self, trees: Trees) -> dict[str, Path]:
        """Return the paths of names, with a look at no more trees than decide them."""
        found = {name: path for name, path in self._definition if name in self._condition.names}
        undecided = [name for name in self._condition.names if name not in found]

        def deciding() -> Iterator[tuple[int, Tree]]:
            for id, tree in trees:
                for name in list(undecided):
                    path = self._first_choice(name)
                    if path and (path in self._past.defaults or _is_value(look(tree, path))):
                        found[name] = path
                        undecided.remove(name)
                yield id, tree
                if not undecided:
                    return

        if not undecided:
            return found
        columns = collect(deciding(), keep=lambda path: any(str(path[-1]) in name for name in undecided))
        if not undecided or not len(columns):
            return found
        expand_datasets(columns)
        names = Names(self._lookup.known(columns.known), self._definition, self._recorded)
        return self._condition.resolve(lambda name: found.get(name) or names.resolve(name))

    def _first_choice(self, name: str) -> Path | None:
        """Return the path that a name means if any measurement has it, whatever other paths exist."""
        if WILDCARD in split(name):
            return None
        return split(name) if is_path(name) else self._recorded.get(name, ("parameters", name))

    def _judged(self, id: int, tree: Tree) -> bool:
        self._number += 1
        subject = NamedMeasurement(id, tree, self._lookup) if self._calls else None
        if subject is not None:
            self._known_paths.add(tree)
        try:
            chosen = self._condition.evaluate(lambda name: self._value(tree, self._paths[name]), subject)
        except PathError as error:
            # A function asked for a path that this measurement lacks; another one may have it.
            error.add_note(self._note(id))
            if error.path is None:
                raise
            self._missed.setdefault(error.path, error)
            chosen = False
        except Exception as error:
            error.add_note(self._note(id))
            raise
        if chosen:
            self._compared = {}
        elif self._tracks and self._definition:
            values = read_parameters(tree, self._parameters, self._past)
            repeat = look(tree, ("info", "repeat"))
            if values is not None:
                self.unchosen.append((values, 0 if repeat is NOTHING else repeat))
        for name, compared in self._compared.items():
            if len(compared) < _MOST_VALUES:
                compared.append(self._value(tree, self._paths[name]))
        return chosen

    def _note(self, id: int) -> str:
        return f"This was the condition {self._condition}, on measurement {id}."

    def warn_when_empty(self, chosen: int, otherwise: str = "") -> None:
        """Warn if no measurement was chosen, with the values that are nearest to those asked for."""
        if chosen or not (self._number or otherwise):
            return
        known = {
            name: [from_plain(value) for value in values if value is not NOTHING]
            for name, values in self._compared.items()
        }
        warn(self._condition.unfulfilled(self._number, "measurement", known, otherwise))

    def _value(self, tree: Tree, path: Path) -> Any:
        for place in (path, *self._past.places(path)):
            value = look(tree, place) if WILDCARD not in place else NOTHING
            if value is NOTHING:
                value = _within(tree, place)
            if value is not NOTHING:
                is_date = type(value) is str and str(path[-1]).endswith("date") and role(path) == "info"
                return (utc([value]) or [value])[0] if is_date else value
        return self._past.defaults.get(path, NOTHING)

    def of_absent(self, absent: Absent) -> list[bool]:
        """Return which parameter sets without a measurement are chosen, as far as parameters decide it."""
        columns = [absent.of(path) for path in self._parameters.paths]
        chosen = []
        for values in zip(*columns, strict=True):
            tree: dict[str, Tree] = {}
            write(tree, self._parameters, values)
            chosen.append(self._judge_absent(tree))
        return chosen

    def _judge_absent(self, tree: Tree) -> bool:
        subject = NamedMeasurement(0, tree, self._lookup) if self._calls else None
        defined = dict(self._definition)
        try:
            return self._condition.evaluate(
                lambda name: self._value(tree, self._paths.get(name) or defined.get(name) or split(name)),
                subject,
            )
        except (PathError, ParameterError):
            return False


def _is_value(node: Any) -> bool:
    """Whether a node exists and is not a branch."""
    return node is not NOTHING and (type(node) is not dict or is_typed(node))


def _within(tree: Tree, path: Path) -> Any:
    """Return what a path leads to inside of arrays and Datasets, or all that an asterisk stands for."""
    try:
        if WILDCARD in path:
            return follow(tree, path)
        value = item(tree, path)
    except (KeyError, IndexError):
        return NOTHING
    return value.values[()] if hasattr(value, "dims") else value

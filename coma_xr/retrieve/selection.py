"""Which measurements take part: conditions on trees, before anything is made of these."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from coma_xr.define.conditions import as_condition
from coma_xr.define.parameters import Definition as Parameters
from coma_xr.define.parameters import write
from coma_xr.define.past import Past, read
from coma_xr.define.values import NOTHING, look
from coma_xr.errors import ParameterError, PathError, warn
from coma_xr.retrieve.columns import collect
from coma_xr.retrieve.measurement import Measurement, item
from coma_xr.retrieve.names import Names
from coma_xr.tree import WILDCARD, Path, follow, split
from coma_xr.values.plain import from_plain

if TYPE_CHECKING:
    from coma_xr.retrieve.requests import Annotations, Definition
    from coma_xr.retrieve.status import Absent
    from coma_xr.values.plain import Tree

__all__ = ["Selection", "selected"]


def selected(
    trees: Iterable[tuple[int, Tree]],
    where: Any,
    *,
    definition: Definition = (),
    annotations: Annotations | None = None,
) -> Iterator[tuple[int, Tree]]:
    """Yield the measurements for which a condition holds.

    Parameters
    ----------
    trees : iterable of (int, dict)
        Ids and plain trees.
    where : condition, str or callable
        See `coma_xr.define.conditions`. A function is called with a `Measurement`, of which parameters are
        also reached by name: ``lambda p: p.a > 3``.
    definition : iterable of (name, path), optional
    annotations : mapping, optional
        By path: ``default`` counts where a measurement lacks the path, ``formerly`` are older paths.

    Raises
    ------
    PathError
        For a name or path that no measurement has.
    TypeError
        For what is no condition, and for values that cannot be compared.

    Examples
    --------
    >>> trees = [(i, {"parameters": {"a": i}}) for i in (1, 2, 3)]
    >>> [id for id, _ in selected(trees, "a > 1")]
    [2, 3]
    """
    selection = Selection(where, definition, annotations)
    return ((id, tree) for id, tree, chosen in selection(trees) if chosen)


class _Subject(Measurement):
    """A measurement of which the values that have names are attributes too."""

    __slots__ = ("_selection",)

    def __init__(self, id: int, tree: Tree, selection: Selection) -> None:
        super().__init__(id, tree)
        self._selection = selection

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except PathError:
            value = self._selection.named_in(self, self._root, name)
            if value is NOTHING:
                raise
            return value


class Selection:
    """A condition on measurements.

    Parameters
    ----------
    where : condition, str or callable
    definition : iterable of (name, path), optional
    annotations : mapping, optional
    tracks : bool, default False
        Remember what was not chosen.

    Attributes
    ----------
    unchosen : list of (values, repeat)
        The parameter sets of the measurements that were not chosen, as far as they were judged.
    """

    def __init__(
        self,
        where: Any,
        definition: Definition = (),
        annotations: Annotations | None = None,
        *,
        tracks: bool = False,
    ) -> None:
        self._condition = as_condition(where)
        self._calls = bool(self._condition.functions)
        self._tracks = tracks
        self._past = Past.of(annotations or {})
        self._definition = self._past.updated(definition)
        self._parameters = (
            Parameters(*zip(*self._definition, strict=True)) if self._definition else Parameters((), ())
        )
        self._paths: dict[str, Path] = {}
        self._number = 0
        self.unchosen: list[tuple[Sequence[Tree], int]] = []

    def __call__(self, trees: Iterable[tuple[int, Tree]]) -> Iterator[tuple[int, Tree, bool]]:
        """Yield measurements with whether they were chosen.

        Names that may mean several paths are held back until it is known which; most are known at once.
        """
        waiting: list[tuple[int, Tree]] = []
        open_names = {name: self._first_choice(name) for name in self._condition.names}
        defined = dict(self._definition)
        for id, tree in trees:
            if open_names:
                for name, path in list(open_names.items()):
                    known = path and (path in self._past.defaults or look(tree, path) is not NOTHING)
                    if name in defined or known:
                        self._paths[name] = defined.get(name) or path or split(name)
                        del open_names[name]
                waiting.append((id, tree))
                if not open_names:
                    yield from map(self._judged, waiting)
                    waiting = []
            else:
                yield self._judged((id, tree))
        if waiting:
            names = Names(self._known(collect(waiting, keep=lambda _: False).known), self._definition)
            self._paths = self._condition.resolve(names.resolve)
            yield from map(self._judged, waiting)

    @staticmethod
    def _first_choice(name: str) -> Path | None:
        """Return the path that a name means if any measurement has it, whatever else there is."""
        segments = split(name)
        if WILDCARD in segments:
            return None
        return segments if len(segments) > 1 else ("parameters", *segments)

    def _judged(self, pair: tuple[int, Tree]) -> tuple[int, Tree, bool]:
        id, tree = pair
        self._number += 1
        subject = _Subject(id, tree, self) if self._calls else None
        try:
            chosen = self._condition.evaluate(lambda name: self._value(tree, self._paths[name]), subject)
        except PathError:
            # A function asked for what this measurement lacks.
            chosen = False
        except Exception as error:
            error.add_note(f"This was the condition {self._condition}, on measurement {id}.")
            raise
        if not chosen and self._tracks and self._definition:
            values = read(tree, self._parameters, self._past)
            repeat = look(tree, ("info", "repeat"))
            if values is not None:
                self.unchosen.append((values, 0 if repeat is NOTHING else repeat))
        return id, tree, chosen

    def warn_when_empty(self, chosen: int) -> None:
        """Say it when there were measurements, and none was chosen."""
        if self._number and not chosen:
            none = "None of the" if self._number > 1 else "Not the"
            number = f"{self._number} measurements" if self._number > 1 else "one measurement that there is"
            warn(f"{none} {number} fulfils the condition {self._condition}.")

    def _value(self, tree: Tree, path: Path) -> Any:
        for place in (path, *self._past.places(path)):
            value = look(tree, place) if WILDCARD not in place else NOTHING
            if value is NOTHING:
                value = _within(tree, place)
            if value is not NOTHING:
                return value
        return self._past.defaults.get(path, NOTHING)

    def _known(self, paths: Sequence[Path]) -> list[Path]:
        """Return paths with those in front that renamed ones have now, and behind them those that have defaults."""
        pairs = [(old, new) for new, former in self._past.former.items() for old in former]
        now = [new + path[len(old) :] for path in paths for old, new in pairs if path[: len(old)] == old]
        return list(dict.fromkeys([*now, *paths, *self._past.defaults]))

    def named_in(self, measurement: Measurement, tree: Tree, name: str) -> Any:
        """Return the value that a name means in one measurement; `NOTHING` when it means none."""
        names = Names(self._known(collect([(0, tree)], keep=lambda _: False).known), self._definition)
        try:
            path = names.resolve(name)
        except PathError:
            return NOTHING
        for place in (path, *self._past.places(path)):
            with suppress(PathError):
                return measurement[place]
        return from_plain(self._past.defaults.get(path, NOTHING))

    def of_absent(self, absent: Absent) -> list[bool]:
        """Return which parameter sets without a measurement are chosen, as far as parameters say."""
        columns = [absent.of(path) for path in self._parameters.paths]
        chosen = []
        for values in zip(*columns, strict=True):
            tree: dict[str, Tree] = {}
            write(tree, self._parameters, values)
            chosen.append(self._judge_absent(tree))
        return chosen

    def _judge_absent(self, tree: Tree) -> bool:
        subject = _Subject(0, tree, self) if self._calls else None
        defined = dict(self._definition)
        try:
            return self._condition.evaluate(
                lambda name: self._value(tree, self._paths.get(name) or defined.get(name) or split(name)),
                subject,
            )
        except (PathError, ParameterError):
            return False


def _within(tree: Tree, path: Path) -> Any:
    """Return what a path leads to inside of arrays, or all that an asterisk stands for."""
    try:
        if WILDCARD in path:
            return follow(tree, path)
        return item(tree, path)
    except (KeyError, IndexError):
        return NOTHING

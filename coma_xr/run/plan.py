"""What is to be done: the parameter sets asked for, less those that have a measurement. Decides, does nothing."""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from coma_xr.define.parameters import Definition, read
from coma_xr.define.values import NOTHING, key, look
from coma_xr.trees.paths import split

if TYPE_CHECKING:
    from coma_xr.trees.plain import Tree

__all__ = ["Plan", "Survey", "Task", "plan", "survey"]


class Task(NamedTuple):
    """One parameter set that is to be run.

    Parameters
    ----------
    position : int
        From 0, in the order of the scan, among all that are to be run: added to the first free id, it gives the
        id of the measurement.
    values : tuple
        Plain, in the order of the definition.
    key : tuple
        What tells the set from others.
    """

    position: int
    values: tuple[Tree, ...]
    key: Hashable


@dataclass(frozen=True)
class Plan:
    """What a run has to do.

    Parameters
    ----------
    todo : list of Task
        In the order of work: sets never tried before those that failed earlier.
    asked : int
        How many sets were asked for.
    skipped : int
        How many of them have a measurement.
    left : int
        How many failed earlier and are not tried again.
    duplicates : int
        How many are the same as one before them.
    """

    todo: list[Task]
    asked: int
    skipped: int = 0
    left: int = 0
    duplicates: int = 0


def plan(
    wanted: Sequence[Sequence[Tree]],
    done: Container[Hashable] = (),
    failed: Container[Hashable] = (),
    *,
    retry_failed: bool = True,
) -> Plan:
    """Return what is to be done.

    Parameters
    ----------
    wanted : sequence of sequences
        Plain values of each parameter set.
    done, failed : container of keys
        Sets that have a measurement, and sets of which the last try failed.
    retry_failed : bool, default True
        Whether to try the failed ones again.

    Examples
    --------
    >>> plan([[1], [2], [2.0], [3]], done={key([3])}, failed={key([1])}).todo
    [Task(position=1, values=(2,), key=(2,)), Task(position=0, values=(1,), key=(1,))]
    """
    seen: set[Hashable] = set()
    new: list[Task] = []
    again: list[Task] = []
    skipped = left = duplicates = 0
    for values in wanted:
        this = key(values)
        if this in seen:
            duplicates += 1
            continue
        seen.add(this)
        if this in done:
            skipped += 1
        elif this not in failed:
            new.append(Task(len(new) + len(again), tuple(values), this))
        elif retry_failed:
            again.append(Task(len(new) + len(again), tuple(values), this))
        else:
            left += 1
    return Plan([*new, *again], len(wanted), skipped, left, duplicates)


@dataclass(frozen=True)
class Survey:
    """Which parameter sets an experiment's trees belong to.

    Parameters
    ----------
    ids : dict of key to list of int
        The ids of the trees of each parameter set; to be asked whether it has any, too.
    lacking : list of int
        Ids of trees that lack one of the parameters.
    otherwise : dict of str to (int, value)
        For each constant that a tree contradicts, by path, the first such id and its value there.
    """

    ids: dict[Hashable, list[int]]
    lacking: list[int]
    otherwise: dict[str, tuple[int, Tree]]


def survey(
    trees: Iterable[tuple[int, Tree]],
    definition: Definition,
    *,
    defaults: Mapping[str, Tree] | None = None,
    constants: Mapping[str, Tree] | None = None,
) -> Survey:
    """Return which parameter sets trees belong to; of measurements or of failures.

    Parameters
    ----------
    trees : iterable of (int, tree)
        Ids and plain trees.
    definition : Definition
        The parameters.
    defaults : mapping, optional
        Plain values by path, for trees that lack a parameter.
    constants : mapping, optional
        Plain values by path that the trees are expected to have, such as a function's own defaults.

    Examples
    --------
    >>> trees = [(1, {"parameters": {"a": 1, "L": 2.0}}), (2, {"parameters": {}})]
    >>> survey(trees, Definition.of(["a"]), constants={"parameters/L": 1.0})
    Survey(ids={(1,): [1]}, lacking=[2], otherwise={'parameters/L': (1, 2.0)})
    """
    ids: dict[Hashable, list[int]] = {}
    lacking: list[int] = []
    otherwise: dict[str, tuple[int, Tree]] = {}
    expected = [(path, split(path), key((value,))) for path, value in (constants or {}).items()]
    for number, tree in trees:
        values = read(tree, definition, defaults)
        if values is None:
            lacking.append(number)
            continue
        ids.setdefault(key(values), []).append(number)
        for path, segments, constant in expected:
            there = look(tree, segments)
            if there is not NOTHING and key((there,)) != constant:
                otherwise.setdefault(path, (number, there))
    return Survey(ids, lacking, otherwise)

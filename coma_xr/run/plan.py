"""What is to be done: the parameter sets asked for, less those that have a measurement. Decides, does nothing."""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from coma_xr.define.exact import key_of
from coma_xr.define.past import Past, read
from coma_xr.define.values import NOTHING, look
from coma_xr.run.durations import Durations
from coma_xr.run.provenance import Versions
from coma_xr.same import key

if TYPE_CHECKING:
    from coma_xr.define.parameters import Definition
    from coma_xr.tree import Path
    from coma_xr.values.plain import Tree


class Task(NamedTuple):
    """One parameter set that is to be run, for the n-th time, and a worker on which it failed."""

    position: int
    values: tuple[Tree, ...]
    key: Hashable
    repeat: int | None = None
    attempt: int = 1
    avoid: int | None = None


@dataclass(frozen=True)
class Plan:
    """What a run has to do."""

    todo: list[Task]
    asked: int
    skipped: int = 0
    left: int = 0
    duplicates: int = 0
    beyond: int = 0
    done: Sequence[Hashable] = ()


def plan(
    wanted: Sequence[Sequence[Tree]],
    done: Container[Hashable] = (),
    failed: Container[Hashable] = (),
    *,
    retry_failed: bool = True,
    repeats: int | None = None,
    shard: tuple[int, int] | None = None,
    limit: int | None = None,
    seconds: Callable[[Sequence[Tree]], float] | None = None,
) -> Plan:
    """Return what is to be done.

    Examples
    --------
    >>> plan([[1], [2], [2.0], [3]], done={key([3])}, failed={key([1])}).todo
    [Task(position=1, values=(2,), ...), Task(position=0, values=(1,), ...)]
    """
    count = _Count(done, failed, retry_failed)
    place = 0
    for repeat in [None] if repeats is None else range(repeats):
        for values in wanted:
            count.take(values, repeat, mine=shard is None or place % shard[1] == shard[0])
            place += 1
    todo = [*count.new, *count.again]
    beyond = 0 if limit is None else max(0, len(todo) - limit)
    kept = todo[: len(todo) - beyond]
    if seconds is not None:
        new = kept[: len(count.new)]
        kept = [*sorted(new, key=lambda task: -seconds(task.values)), *kept[len(new) :]]
    return Plan(kept, count.asked, count.skipped, count.left, count.duplicates, beyond, count.done_keys)


class _Count:
    """Parameter sets, as they are sorted into what is to be done and what is not."""

    def __init__(self, done: Container[Hashable], failed: Container[Hashable], retry_failed: bool) -> None:
        self._done = done
        self._failed = failed
        self._retry_failed = retry_failed
        self._seen: set[Hashable] = set()
        self._position = 0
        self.done_keys: list[Hashable] = []
        self.new: list[Task] = []
        self.again: list[Task] = []
        self.asked = self.skipped = self.left = self.duplicates = 0

    def take(self, values: Sequence[Tree], repeat: int | None, *, mine: bool) -> None:
        """Sort in one more; what is another shard's only takes its position."""
        this = key_of(values) if not repeat else (*key_of(values), repeat)
        self.asked += mine
        if this in self._seen:
            self.duplicates += mine
            return
        self._seen.add(this)
        if this in self._done:
            self.skipped += mine
            self.done_keys += [this] * mine
            return
        again = this in self._failed
        if again and not self._retry_failed:
            self.left += mine
            return
        if mine:
            (self.again if again else self.new).append(Task(self._position, tuple(values), this, repeat))
        self._position += 1


@dataclass(frozen=True)
class Survey:
    """Which parameter sets an experiment's trees belong to."""

    ids: dict[Hashable, list[int]] = field(default_factory=dict)
    lacking: list[int] = field(default_factory=list)
    otherwise: dict[Path, tuple[int, Tree]] = field(default_factory=dict)
    durations: Durations = field(default_factory=Durations)
    versions: Versions = field(default_factory=Versions)
    codes: dict[int, str] = field(default_factory=dict)
    replaced: set[int] = field(default_factory=set)

    def note_code(self, info: Mapping[str, Tree], number: int) -> None:
        """Take into account by which code a measurement was made, and which others it takes the place of."""
        code = info.get("code")
        if type(code) is str:
            self.codes[number] = code
        replaces = info.get("replaces")
        if type(replaces) is list:
            self.replaced.update(id for id in replaces if type(id) is int)

    def estimate(self, plan: Plan, workers: int = 1) -> float | None:
        """Return about how many seconds a plan will take; None without measurements."""
        predict = self.durations.predictor()
        if predict is None:
            return None
        seconds = [predict(task.values) for task in plan.todo]
        return max([sum(seconds) / max(1, min(workers, len(seconds))), *seconds], default=0.0)


def survey(
    trees: Iterable[tuple[int, Tree]],
    definition: Definition,
    *,
    past: Past | None = None,
    constants: Mapping[Path, Tree] | None = None,
) -> Survey:
    """Return which parameter sets trees belong to; of measurements or of failures.

    Examples
    --------
    >>> from coma_xr.define.parameters import Definition
    >>> trees = [(1, {"parameters": {"a": 1, "L": 2.0}}), (2, {"parameters": {}})]
    >>> found = survey(trees, Definition.of(["a"]), constants={("parameters", "L"): 1.0})
    >>> found.ids, found.lacking, found.otherwise
    ({(1,): [1]}, [2], {('parameters', 'L'): (1, 2.0)})
    """
    found = Survey()
    expected = [(path, key((value,))) for path, value in (constants or {}).items()]
    for number, tree in trees:
        values = read(tree, definition, past)
        if values is None:
            found.lacking.append(number)
            continue
        this = key(values)
        info = tree.get("info")
        if type(info) is dict:
            repeat = info.get("repeat")
            if type(repeat) is int and repeat > 0:
                this = (*this, repeat)
            duration = info.get("duration")
            if type(duration) is float:
                found.durations.add(values, duration)
            found.versions.note(info, number)
            found.note_code(info, number)
        found.ids.setdefault(this, []).append(number)
        for path, constant in expected:
            there = look(tree, path)
            if there is not NOTHING and key((there,)) != constant:
                found.otherwise.setdefault(path, (number, there))
    return found

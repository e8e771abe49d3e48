"""The parameter sets to run and those that are done, with the durations and versions of the latter."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from typing import TYPE_CHECKING, Any, NamedTuple

from coma_xr.define.parameters import Past, read_parameters
from coma_xr.define.values import NOTHING, keys_of, look
from coma_xr.same import key, keys
from coma_xr.text import listing
from coma_xr.tree import no_collection

if TYPE_CHECKING:
    from coma_xr.define.parameters import Definition
    from coma_xr.encoding.columns import Block
    from coma_xr.tree import Path
    from coma_xr.values.plain import Tree


class Versions:
    """The versions of each program that measurements were made with.

    >>> versions = Versions()
    >>> versions.note({"program": "ising", "version": "1.0"}, 1)
    >>> versions.warning()
    >>> versions.note({"program": "ising", "version": "1.1"}, 7)
    >>> versions.warning()
    'The measurements are of several versions of ising: 1.0 (measurement 1), 1.1 (measurement 7). ...'
    """

    def __init__(self) -> None:
        self._first: dict[str, dict[str, int]] = {}

    def note(self, info: Mapping[str, Tree], id: int) -> None:
        """Take the ``info`` of one measurement into account."""
        version = info.get("version")
        if version is not None:
            self._first.setdefault(str(info.get("program")), {}).setdefault(str(version), id)

    def warning(self) -> str | None:
        """Return what to say when there are several of one program; else None."""
        for program, versions in self._first.items():
            if len(versions) > 1:
                texts = [f"{version} (measurement {id})" for version, id in versions.items()]
                return (
                    f"The measurements are of several versions of {program}: {listing(texts, 5)}. All of them count as "
                    "done. Use a new experiment or a parameter to distinguish them."
                )
        return None


# Durations are stored to the microsecond.
_SHORTEST = 1e-6

# A fit counts when it leaves at most this share of the variance.
_UNEXPLAINED = 0.5

# Values of a parameter whose durations differ by less than this factor are not told apart.
_DIFFERS = 1.5

# The mean of newer points would say no more, and a fit must not delay a run.
_MOST = 5000


@dataclass
class Durations:
    """The parameter sets and durations of measurements.

    >>> durations = Durations()
    >>> for n in (10, 20, 30, 40):
    ...     durations.add((n, "Ising"), n**2 / 1000)
    >>> round(durations.predictor()((100, "Ising")), 3)
    10.0
    """

    sets: list[Sequence[Any]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, values: Sequence[Any], seconds: float) -> None:
        """Note the duration of one measurement."""
        self.sets.append(values)
        self.seconds.append(seconds)

    def predictor(self) -> Callable[[Sequence[Any]], float] | None:
        """Return a function from plain values of a parameter set to seconds; None without measurements."""
        if not self.seconds:
            return None
        mean = sum(self.seconds) / len(self.seconds)
        fit = self._fit()
        if fit is None:
            return lambda _: mean
        columns, scale, coefficients, middle = fit

        def predict(values: Sequence[Any]) -> float:
            features = [_feature(values[i], is_log=is_log) for i, is_log in columns]
            if any(feature is None for feature in features):
                return mean
            known = [feature for feature in features if feature is not None]
            logarithm = coefficients[0] + sum(
                coefficient * (feature - centre) / width
                for coefficient, feature, (centre, width) in zip(coefficients[1:], known, scale, strict=True)
            )
            # Beyond this an extrapolation means nothing.
            return math.exp(min(max(logarithm, middle - 30), middle + 30))

        return predict

    def by_value(self, names: Sequence[str], sets: Sequence[Sequence[Any]]) -> dict[str, dict[Any, float]]:
        """Return about how long parameter sets take for each value of the parameters on which that depends.

        >>> durations = Durations([(1, 1), (2, 1), (4, 1), (8, 2), (8, 4)], [0.1, 0.2, 0.4, 0.8, 0.8])
        >>> table = durations.by_value(["L", "T"], [(16, 1), (16, 2), (32, 1)])
        >>> {name: [(value, round(seconds, 2)) for value, seconds in row.items()] for name, row in table.items()}
        {'L': [(16, 1.6), (32, 3.2)]}
        """
        predict = self.predictor()
        if predict is None:
            return {}
        sets = sets[:: 1 + len(sets) // _MOST]
        seconds = [predict(values) for values in sets]
        table: dict[str, dict[Any, float]] = {}
        for i, name in enumerate(names):
            if all(type(values[i]) in (int, float) for values in sets):
                grouped: dict[Any, list[float]] = {}
                for values, duration in zip(sets, seconds, strict=True):
                    grouped.setdefault(values[i], []).append(duration)
                means = {value: sum(group) / len(group) for value, group in sorted(grouped.items())}
                if max(means.values(), default=0) > _DIFFERS * min(means.values(), default=0):
                    table[name] = means
        return table

    def _fit(self) -> tuple[Any, Any, list[float], float] | None:
        """Return the columns that are used, their scales, the coefficients, and the mean logarithm."""
        sets, seconds = self.sets[-_MOST:], self.seconds[-_MOST:]
        columns = [
            (i, is_log)
            for i in range(len(sets[0]))
            if (is_log := _kind([row[i] for row in sets])) is not None
        ]
        if not columns or len(sets) < len(columns) + 3:
            return None
        logarithms = [math.log(max(second, _SHORTEST)) for second in seconds]
        features = [[float(_feature(row[i], is_log=is_log) or 0.0) for row in sets] for i, is_log in columns]
        scale = [_scale(column) for column in features]
        rows = [
            [
                1.0,
                *(
                    (column[k] - centre) / width
                    for column, (centre, width) in zip(features, scale, strict=True)
                ),
            ]
            for k in range(len(sets))
        ]
        coefficients = _least_squares(rows, logarithms)
        middle = sum(logarithms) / len(logarithms)
        left = sum(
            (y - sum(c * x for c, x in zip(coefficients, row, strict=True))) ** 2
            for row, y in zip(rows, logarithms, strict=True)
        )
        total = sum((y - middle) ** 2 for y in logarithms)
        return (columns, scale, coefficients, middle) if left <= _UNEXPLAINED * total else None


class Outlook:
    """How long the rest of a run will take, by the measurements before it and by what it has done.

    >>> outlook = Outlook(Durations([(10,), (20,), (30,), (40,)], [1.0, 2.0, 3.0, 4.0]), [(50,), (100,)])
    >>> outlook.note((50,), 5.0)
    >>> round(outlook.seconds((100,)), 3), round(outlook.left(5.0), 3)
    (10.0, 10.0)
    """

    def __init__(self, durations: Durations, todo: Sequence[Sequence[Any]], workers: int = 1) -> None:
        self._durations = durations
        self._todo = todo
        self._workers = max(1, min(workers, len(todo)))
        self._done: list[Sequence[Any]] = []
        self._fitted = 0
        self._predict: Callable[[Sequence[Any]], float] | None = None
        self._work = self._work_done = 0.0

    def note(self, values: Sequence[Any], seconds: float, *, failed: bool = False) -> None:
        """Note that a parameter set is done; the time of a failed one is not that of a measurement."""
        if not failed:
            self._durations.add(values, seconds)
        self._done.append(values)
        if self._predict is not None:
            self._work_done += self._predict(values)

    def seconds(self, values: Sequence[Any]) -> float | None:
        """Return about how long a parameter set takes; None without measurements."""
        self._fit()
        return None if self._predict is None else self._predict(values)

    def left(self, elapsed: float) -> float | None:
        """Return about how many seconds are left after those that are over; None without measurements."""
        self._fit()
        if not self._work_done:
            return None if self._predict is None else max(0.0, self._work / self._workers - elapsed)
        return max(0.0, elapsed * (self._work / self._work_done - 1))

    def _fit(self) -> None:
        """Fit again when half as many measurements have been added, since a fit takes time itself."""
        known = len(self._durations.seconds)
        if known > 1.5 * self._fitted:
            self._fitted = known
            self._predict = self._durations.predictor()
            self._work, self._work_done = self._sum(self._todo), self._sum(self._done)

    def _sum(self, sets: Sequence[Sequence[Any]]) -> float:
        assert self._predict is not None
        sample = sets[:: 1 + len(sets) // _MOST]
        return sum(map(self._predict, sample)) * len(sets) / max(1, len(sample))


def _kind(values: list[Any]) -> bool | None:
    """Return whether a parameter is used by its logarithm; None for one that is not numeric or does not vary."""
    if not all(type(value) in (int, float) and math.isfinite(value) for value in values):
        return None
    return None if len(set(values)) < 2 else min(values) > 0


def _feature(value: Any, *, is_log: bool) -> float | None:
    if type(value) not in (int, float) or not math.isfinite(value) or (is_log and value <= 0):
        return None
    return math.log(value) if is_log else float(value)


def _scale(column: list[float]) -> tuple[float, float]:
    """Return the mean and the spread of a feature."""
    mean = sum(column) / len(column)
    return mean, math.sqrt(sum((x - mean) ** 2 for x in column) / len(column)) or 1.0


def _least_squares(rows: list[list[float]], values: list[float]) -> list[float]:
    """Solve the normal equations, with a small ridge for features that depend on each other."""
    size = len(rows[0])
    matrix = [
        [sum(row[i] * row[j] for row in rows) + (1e-6 if i == j else 0.0) for j in range(size)]
        + [sum(row[i] * value for row, value in zip(rows, values, strict=True))]
        for i in range(size)
    ]
    for i in range(size):
        pivot = max(range(i, size), key=lambda k: abs(matrix[k][i]))
        matrix[i], matrix[pivot] = matrix[pivot], matrix[i]
        for k in range(size):
            if k != i:
                factor = matrix[k][i] / matrix[i][i]
                matrix[k] = [a - factor * b for a, b in zip(matrix[k], matrix[i], strict=True)]
    return [matrix[i][size] / matrix[i][i] for i in range(size)]


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
    """The parameter sets that a run has to do."""

    todo: list[Task]
    asked: int
    skipped: int = 0
    left: int = 0
    duplicates: int = 0
    beyond: int = 0
    done: Sequence[Hashable] = ()


@no_collection()
def plan(
    wanted: Sequence[Sequence[Tree]],
    done: Collection[Hashable] = (),
    failed: Collection[Hashable] = (),
    *,
    retry_failed: bool = True,
    repeats: int | None = None,
    shard: tuple[int, int] | None = None,
    limit: int | None = None,
    predictor: Callable[[], Callable[[Sequence[Tree]], float] | None] = lambda: None,
) -> Plan:
    """Return what is to be done; given a predictor of durations, the longest first.

    >>> plan([[1], [2], [2.0], [3]], done={key([3])}, failed={key([1])}).todo
    [Task(position=1, values=(2,), ...), Task(position=0, values=(1,), ...)]
    """
    place, identities = 0, keys_of(wanted)
    if repeats is None and shard is None and _all_done(identities, done):
        return Plan([], len(identities), skipped=len(identities), done=identities)
    count = _Count(done, failed, retry_failed)
    for repeat in [None] if repeats is None else range(repeats):
        for values, identity in zip(wanted, identities, strict=True):
            count.take(values, identity, repeat, mine=shard is None or place % shard[1] == shard[0])
            place += 1
    todo = [*count.new, *count.again]
    beyond = 0 if limit is None else max(0, len(todo) - limit)
    kept = todo[: len(todo) - beyond]
    seconds = predictor() if kept else None
    if seconds is not None:
        new = kept[: len(count.new)]
        kept = [*sorted(new, key=lambda task: -seconds(task.values)), *kept[len(new) :]]
    return Plan(kept, count.asked, count.skipped, count.left, count.duplicates, beyond, count.done_keys)


def _all_done(identities: Sequence[Hashable], done: Collection[Hashable]) -> bool:
    """Whether all parameter sets have a measurement, and no two of them are the same."""
    different = set(identities)
    return len(different) == len(identities) and not different.difference(done)


class _Count:
    """Parameter sets, as they are sorted into what is to be done and what is not."""

    def __init__(self, done: Collection[Hashable], failed: Collection[Hashable], retry_failed: bool) -> None:
        self._done = done
        self._failed = failed
        self._retry_failed = retry_failed
        self._seen: set[Hashable] = set()
        self._position = 0
        self.done_keys: list[Hashable] = []
        self.new: list[Task] = []
        self.again: list[Task] = []
        self.asked = self.skipped = self.left = self.duplicates = 0

    def take(
        self, values: Sequence[Tree], identity: tuple[Any, ...], repeat: int | None, *, mine: bool
    ) -> None:
        """Sort in one more; what is another shard's only takes its position."""
        this = (*identity, repeat) if repeat else identity
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
    """The parameter sets to which an experiment's trees belong."""

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


@no_collection()
def survey(
    parts: Iterable[Block | tuple[int, Tree]],
    definition: Definition,
    *,
    past: Past | None = None,
    constants: Mapping[Path, Tree] | None = None,
    about: bool = True,
) -> Survey:
    """Return which parameter sets measurements or failures belong to; they come as trees, and as blocks of columns.

    Without `about` what is known of them besides may be left out: durations, programs and code.

    >>> from coma_xr.define.parameters import Definition
    >>> trees = [(1, {"parameters": {"a": 1, "L": 2.0}}), (2, {"parameters": {}})]
    >>> found = survey(trees, Definition.of(["a"]), constants={("parameters", "L"): 1.0})
    >>> found.ids, found.lacking, found.otherwise
    ({(1,): [1]}, [2], {('parameters', 'L'): (1, 2.0)})
    """
    found = Survey()
    expected = [(path, key((value,))) for path, value in (constants or {}).items()]
    is_in_order, last = True, 0
    for part in parts:
        first = part[0] if isinstance(part, tuple) else part.ids[0]
        is_in_order, last = is_in_order and first > last, first if isinstance(part, tuple) else part.ids[-1]
        if isinstance(part, tuple):
            _survey_tree(found, *part, definition, past, expected)
        elif not _survey_block(found, part, definition, expected, _INFO if about else _INFO[:1]):
            for id, tree in part.trees():
                _survey_tree(found, id, tree, definition, past, expected)
    return found if is_in_order else _in_order(found)


def _survey_tree(
    found: Survey,
    number: int,
    tree: Tree,
    definition: Definition,
    past: Past | None,
    expected: Sequence[tuple[Path, Hashable]],
) -> None:
    """Note which parameter set a tree belongs to."""
    values = read_parameters(tree, definition, past)
    if values is None:
        found.lacking.append(number)
        return
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
        value = look(tree, path)
        if value is not NOTHING and key((value,)) != constant:
            found.otherwise.setdefault(path, (number, value))


_INFO = ("repeat", "duration", "program", "version", "code", "replaces")


def _survey_block(
    found: Survey,
    block: Block,
    definition: Definition,
    expected: Sequence[tuple[Path, Hashable]],
    wanted: Sequence[str],
) -> bool:
    """Note which parameter sets the trees of a block belong to; False where columns do not show it."""
    values = [block.column(path) for path in definition.paths]
    paths = [*(("info", name) for name in wanted), *(path for path, _ in expected)]
    others = {path: column for path in paths if (column := block.column(path)) is not None}
    if not values or None in values or not all(path in others or block.lacks(path) for path in paths):
        return False
    columns = [column for column in values if column is not None]
    ids, names = block.ids, list(zip(*map(keys, columns), strict=True))
    info = {name: others["info", name] for name in wanted if ("info", name) in others}
    if "repeat" in info:
        pairs = zip(names, info["repeat"], strict=True)
        names = [(*name, n) if type(n) is int and n > 0 else name for name, n in pairs]
    single = {} if found.ids else dict(zip(names, map(list, zip(ids, strict=True)), strict=True))
    if len(single) == len(names):
        found.ids.update(single)
    else:
        for name, id in zip(names, ids, strict=True):
            found.ids.setdefault(name, []).append(id)
    seconds, rows = info.get("duration", ()), zip(*columns, strict=True)
    if set(map(type, seconds)) == {float}:
        found.durations.sets.extend(rows)
        found.durations.seconds.extend(seconds)
    else:
        known = [type(duration) is float for duration in seconds]
        found.durations.sets.extend(compress(rows, known))
        found.durations.seconds.extend(compress(seconds, known))
    if "version" in info or "replaces" in info:
        for id, some in zip(ids, zip(*info.values(), strict=True), strict=True):
            found.versions.note(about := dict(zip(info, some, strict=True)), id)
            found.note_code(about, id)
    elif "code" in info:
        codes = zip(ids, info["code"], strict=True)
        is_text = set(map(type, info["code"])) == {str}
        found.codes.update(codes if is_text else ((id, code) for id, code in codes if type(code) is str))
    for path, constant in expected:
        for id, part in zip(ids, keys(others.get(path, ())), strict=False):
            if (part,) != constant:
                found.otherwise.setdefault(path, (id, others[path][ids.index(id)]))
                break
    return True


def _in_order(found: Survey) -> Survey:
    """Return what was found in several blocks in the order of the ids."""
    found.lacking.sort()
    for some in found.ids.values():
        some.sort()
    ids = dict(sorted(found.ids.items(), key=lambda item: item[1]))
    return replace(found, ids=ids)

"""How long a parameter set takes: a fit of the logarithm of the duration over the numeric parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

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

    Examples
    --------
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

        Examples
        --------
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

    Examples
    --------
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

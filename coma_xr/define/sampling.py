"""Scans of points drawn from intervals and lists of choices."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from coma_xr.checks import check_choice, check_integer
from coma_xr.define.axes import Column, points, values_of
from coma_xr.define.parameters import Definition
from coma_xr.define.scans import Scan
from coma_xr.errors import ParameterError, warn
from coma_xr.text import with_article

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Unit = NDArray[np.float64]

Method = Literal["random", "lhs", "sobol"]

_KINDS = "an interval (low, high), (low, high, 'log') or (low, high, 'int'), or a list of choices"


def sample(
    n: int,
    mapping: Mapping[str, Any] | None = None,
    /,
    *,
    method: Method = "random",
    seed: int | None = 0,
    **axes: Any,
) -> Scan:
    """Return a scan of random, Latin hypercube or Sobol points.

    Parameters
    ----------
    n : int
        The number of points.
    mapping : mapping, optional
        Like `axes`, for names that are paths, or that are ``method`` or ``seed``.
    method : {"random", "lhs", "sobol"}, default "random"
        Independent random points, a Latin hypercube, or a Sobol sequence, for which a power of two is the best `n`. The
        latter two need SciPy: ``pip install coma_xr[sample]``.
    seed : int or None, default 0
        The same seed gives the same points, so that a second run of a script skips them. None draws new points each time.
    **axes : tuple, list or scalar
        A tuple is an interval: ``(low, high)`` of floats, ``(low, high, "log")`` of floats on a logarithmic scale,
        ``(low, high, "int")`` of integers with both ends included. A list has choices. Any other value is the same in
        all points.

    Returns
    -------
    Scan
        A scan of points, which have one dim ``measurement`` in a Dataset.

    Raises
    ------
    ParameterError
        For an empty interval, and if SciPy is needed but not installed.

    Examples
    --------
    >>> scan = sample(3, a=(0, 1), N=(1, 6, "int"), model=["Ising", "Potts"], L=1.0)
    >>> scan
    <Scan of 3 parameter sets (a, N, model, L: 3 points)>
    >>> all(0 <= p["a"] < 1 and p["N"] in range(1, 7) for p in scan)
    True
    """
    n = check_integer("n", n, 1)
    seed = check_integer("seed", seed, optional=True)
    check_choice("method", method, get_args(Method))
    if mapping is not None and not isinstance(mapping, Mapping):
        raise ParameterError(
            f"sample() cannot take {with_article(type(mapping).__name__)}.",
            expected="names with their intervals",
        )
    entries = [*(mapping or {}).items(), *axes.items()]
    definition = Definition.of([entry for entry, _ in entries])
    makers = [_maker(name, axis) for name, (_, axis) in zip(definition.names, entries, strict=True)]
    unit = _DRAW[method](n, sum(maker.drawn for maker in makers), seed)
    columns, at = [], 0
    for maker in makers:
        columns.append(maker.column(unit[:, at] if maker.drawn else unit[:, :0]))
        at += maker.drawn
    return Scan(definition, [points(definition.names, columns)])


def _random(n: int, dimensions: int, seed: int | None) -> Unit:
    import numpy as np

    return np.random.default_rng(seed).random((n, dimensions))


def _latin(n: int, dimensions: int, seed: int | None) -> Unit:
    return _scipy("LatinHypercube", n, dimensions, seed)


def _sobol(n: int, dimensions: int, seed: int | None) -> Unit:
    if n & (n - 1):
        warn(
            f"A Sobol sequence of {n} points is not balanced, because {n} is not a power of two. The nearest are "
            f"{1 << (n.bit_length() - 1)} and {1 << n.bit_length()}."
        )
    # More than are wanted, since SciPy would warn as well, and the first ones of a sequence stay what they are.
    return _scipy("Sobol", 1 << (n - 1).bit_length(), dimensions, seed)[:n]


_DRAW: dict[str, Callable[[int, int, int | None], Unit]] = {"random": _random, "lhs": _latin, "sobol": _sobol}


def _scipy(engine: str, n: int, dimensions: int, seed: int | None) -> Unit:
    try:
        from scipy.stats import qmc
    except ImportError:
        raise ParameterError(
            "The methods 'lhs' and 'sobol' need SciPy, which is not installed.",
            ways=["Install it: pip install coma_xr[sample]"],
        ) from None
    if not dimensions:
        return _random(n, 0, seed)
    import numpy as np

    kind = getattr(qmc, engine)
    generator = np.random.default_rng(seed)
    try:
        drawn = kind(dimensions, rng=generator)
    except TypeError:
        # The name of this argument before SciPy 1.15.
        drawn = kind(dimensions, seed=generator)
    points: Unit = drawn.random(n)
    return points


@dataclass(frozen=True)
class _Interval:
    """Floats or integers between two ends, from numbers between 0 and 1."""

    low: float
    high: float
    kind: str
    drawn = 1

    def column(self, unit: Unit) -> Column:
        import numpy as np

        low, high = self.low, self.high
        numbers: Any
        if self.kind == "int":
            numbers = np.minimum(np.floor(unit * (high - low + 1)).astype(np.int64) + int(low), int(high))
        elif self.kind == "log":
            numbers = np.exp(math.log(low) + unit * (math.log(high) - math.log(low)))
        else:
            numbers = low + unit * (high - low)
        column: Column = numbers if self.kind == "int" else np.clip(numbers, low, high)
        return column


@dataclass(frozen=True)
class _Choice:
    """Values to choose one from; a single value needs no random draw."""

    values: tuple[Any, ...]

    @property
    def drawn(self) -> int:
        return int(len(self.values) > 1)

    def column(self, unit: Unit) -> Column:
        if not self.drawn:
            return self.values * len(unit)
        last = len(self.values) - 1
        return tuple([self.values[min(int(number * len(self.values)), last)] for number in unit.tolist()])


def _maker(name: str, axis: Any) -> _Interval | _Choice:
    if not isinstance(axis, tuple):
        values = tuple([value for (value,) in values_of(name, axis)])
        if not values:
            raise ParameterError(f"'{name}' has no choices.", expected=_KINDS)
        return _Choice(values)
    low, high, *kind = axis if len(axis) >= 2 else (None, None)
    numbers = all(isinstance(end, (int, float)) or getattr(end, "ndim", None) == 0 for end in (low, high))
    if not numbers or len(kind) > 1 or (kind and kind[0] not in {"log", "int"}):
        raise ParameterError(f"'{name}' = {axis!r} is not understood.", expected=_KINDS)
    which = kind[0] if kind else ""
    if not (math.isfinite(low) and math.isfinite(high) and (low < high or (which == "int" and low == high))):
        raise ParameterError(
            f"'{name}' = {axis!r} is not an interval.", expected="a lower and a higher number"
        )
    if which == "log" and low <= 0:
        raise ParameterError(f"'{name}' = {axis!r} cannot be logarithmic.", expected="an interval above zero")
    if which == "int" and not (float(low).is_integer() and float(high).is_integer()):
        raise ParameterError(
            f"'{name}' = {axis!r} is not an interval of integers.", expected="integers as its ends"
        )
    return _Interval(low, high, which)

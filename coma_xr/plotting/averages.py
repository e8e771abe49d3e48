"""Averages over repeats and samples, with their errors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from coma_xr.errors import Way, warn
from coma_xr.plotting.data import REPEAT, Data, Plan, Spread
from coma_xr.text import count

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Binning goes on while there are at least this many bins.
LEAST_BINS = 16

# Binned errors that are larger by this factor show that samples are correlated.
CORRELATED = 1.5


def mean_over(values: xr.Variable, dims: Sequence[str], spread: Spread | None) -> dict[str, Any]:
    """Return the `centre` over dims of the existing values, `low` and `high` of its error, and the `count` of values."""
    over = [dim for dim in dims if dim in values.dims]
    other_dims = [dim for dim in values.dims if dim not in over]
    array = values.transpose(*other_dims, *over).values.reshape(
        *(values.sizes[dim] for dim in other_dims), -1
    )
    summary = summary_of(array, spread)
    return {name: xr.Variable(other_dims, part) for name, part in summary.items()}


def summary_of(array: NDArray[Any], spread: Spread | None) -> dict[str, NDArray[Any]]:
    """Return centre, low, high and count along the last axis; of one value there is no error."""
    present = ~np.isnan(array)
    number = present.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(present, array, 0.0).sum(axis=-1) / number
        if spread is None:
            return {"centre": mean, "count": number}
        if spread.method == "percentile":
            return {**_percentiles(array, spread.level), "count": number}
        squares = (np.where(present, array - mean[..., None], 0.0) ** 2).sum(axis=-1)
        deviation = np.sqrt(squares / np.where(number > 1, number - 1, np.nan))
        error = deviation if spread.method == "sd" else deviation / np.sqrt(number)
        if spread.method == "ci":
            error = error * _student(number, float(spread.level or 95.0))  # type: ignore[arg-type]
        if spread.method == "binned":
            error = binned_errors(array)
    return {"centre": mean, "low": mean - error, "high": mean + error, "count": number}


def _percentiles(array: NDArray[Any], level: Any) -> dict[str, NDArray[Any]]:
    edges = level if isinstance(level, tuple) else (50 - level / 2, 50 + level / 2)
    empty = np.isnan(array).all(axis=-1)
    low, centre, high = np.nanpercentile(
        np.where(empty[..., None], 0.0, array), [edges[0], 50, edges[1]], axis=-1
    )
    return {
        name: np.where(empty, np.nan, part)
        for name, part in (("low", low), ("centre", centre), ("high", high))
    }


def _student(number: NDArray[Any], level: float) -> NDArray[Any]:
    """Return how many standard errors a confidence interval goes to each side, by Student's distribution."""
    factors = {}
    angles = np.linspace(0, np.pi / 2, 20_001)
    for n in np.unique(number).tolist():
        if n > 1:
            # With t = sqrt(n - 1) tan(angle) the density is a power of the cosine.
            density = np.cos(angles) ** (n - 2)
            parts = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
            factors[n] = float(np.sqrt(n - 1) * np.tan(np.interp(level / 100 * parts[-1], parts, angles)))
    return np.asarray(np.vectorize(lambda n: factors.get(n, np.nan), otypes=[float])(number))


def binned_errors(array: NDArray[Any]) -> NDArray[Any]:
    """Return the standard errors of means of correlated series along the last axis.

    Neighbours are averaged in pairs, again and again, until the error no longer grows: H. Flyvbjerg and H. G. Petersen,
    J. Chem. Phys. 91, 461 (1989), https://doi.org/10.1063/1.457480.
    """
    rows = array.reshape(-1, array.shape[-1]) if array.ndim > 1 else array[None]
    errors, settled = zip(*(_binned_error(row[~np.isnan(row)]) for row in rows), strict=True)
    if not all(settled):
        few = count(settled.count(False), "series", "series")
        warn(
            f"The binned errors of {few} still grow at the longest bins. There are too few samples, so the errors are too small."
        )
    return np.reshape(errors, array.shape[:-1])


def _binned_error(series: NDArray[Any]) -> tuple[float, bool]:
    """Return the error of the mean of a series, and whether it stopped growing with the length of the bins."""
    errors: list[float] = []
    doubts: list[float] = []
    if len(series) < 2:
        return math.nan, True
    while len(series) > 1 and (not errors or len(series) >= LEAST_BINS):
        errors.append(float(series.std(ddof=1)) / math.sqrt(len(series)))
        doubts.append(errors[-1] / math.sqrt(2 * (len(series) - 1)))
        series = series[: len(series) // 2 * 2].reshape(-1, 2).mean(axis=1)
    for at in range(len(errors) - 1):
        later = zip(errors[at + 1 :], doubts[at + 1 :], strict=True)
        # The later errors are larger by no more than their own doubt and that of this one.
        if all(error - doubt <= errors[at] + doubts[at] for error, doubt in later):
            return errors[at], True
    return max(errors), max(errors) == 0


def warn_of_correlation(data: Data, plan: Plan, values: xr.Variable) -> None:
    """Warn where the error of a mean counts samples as independent that come one after the other in a result."""
    if plan.spread is None or plan.spread.method not in {"se", "ci"} or len(plan.averaged) != 1:
        return
    (dim,) = plan.averaged
    if dim not in values.dims or dim == REPEAT:
        return
    array = values.transpose(..., dim).values.reshape(-1, values.sizes[dim])
    present_rows = [row[~np.isnan(row)] for row in array[:100]]
    pairs = [
        (_binned_error(row)[0], row.std(ddof=1) / math.sqrt(len(row)))
        for row in present_rows
        if len(row) >= 4 * LEAST_BINS
    ]
    ratios = [binned / naive for binned, naive in pairs if naive > 0]
    factor = float(np.median(ratios)) if ratios else 1.0
    if not data.is_inner(dim) and factor < CORRELATED:
        return
    larger = f"; the error from binning is {factor:.1f} times as large" if factor >= CORRELATED else ""
    where = "lie within one result, so they" if data.is_inner(dim) else "are in an order and"
    warn(
        f"The samples along {dim!r} {where} may be correlated, and the error counts them as independent{larger}.",
        way=Way(f"Use error=('binned', {dim!r}).", f"Use --error binned,{dim}."),
    )

"""Means, with their standard errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["mean_over", "mean_over_rows"]


def mean_over(values: xr.Variable, dims: Sequence[str]) -> tuple[xr.Variable, xr.Variable, NDArray[Any]]:
    """Return the mean over dims of what is there, its standard error, and of how many values it is.

    Of one value the standard error is NaN.
    """
    over = [dim for dim in dims if dim in values.dims]
    left = [dim for dim in values.dims if dim not in over]
    array = values.transpose(*left, *over).values.reshape(*(values.sizes[dim] for dim in left), -1)
    there = ~np.isnan(array)
    count = there.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(there, array, 0.0).sum(axis=-1) / count
        squares = np.where(there, array - mean[..., None], 0.0) ** 2
        error = np.sqrt(squares.sum(axis=-1) / np.where(count > 1, count - 1, np.nan) / count)
    return xr.Variable(left, mean), xr.Variable(left, error), count


def mean_over_rows(
    rows: pd.DataFrame, roles: Sequence[str], value: str, *, spread: bool
) -> tuple[pd.DataFrame, list[NDArray[Any]]]:
    """Return rows with one for all that are equal but for their value, and of how many each mean is."""
    keys = [*(role for role in roles if role not in {value, "error"}), "variable"]
    groups = rows.groupby(keys, sort=False, dropna=False)
    averaged = groups.first().reset_index()
    averaged[value] = groups[value].mean().to_numpy()
    if spread:
        averaged["error"] = groups[value].sem().to_numpy()
    return averaged, [groups[value].count().to_numpy()]

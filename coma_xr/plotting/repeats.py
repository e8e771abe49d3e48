"""The rows of a table that are repeats of one point, and the columns that distinguish points and are not in a plot."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray


def codes_of(variable: xr.Variable) -> NDArray[np.intp] | None:
    """Return a number for each value of a column, equal for equal values; None if it holds lists or the like."""
    try:
        codes, _ = pd.factorize(np.asarray(variable.values), use_na_sentinel=False)
    except TypeError:
        return None
    return np.asarray(codes)


class Rows:
    """The rows of a table that have the number of a repeat."""

    def __init__(self, ds: xr.Dataset, repeat: str) -> None:
        present = ~pd.isna(np.asarray(ds[repeat].variable.values))
        columns = {str(name): codes_of(variable) for name, variable in ds.variables.items()}
        self._columns = {name: codes[present] for name, codes in columns.items() if codes is not None}
        self._repeats = self._columns.pop(repeat)

    def other_columns(self, keys: Collection[str], without: Collection[str]) -> tuple[str, ...] | None:
        """Return the columns that distinguish rows of one repeat with equal keys, or None where keys distinguish all.

        Results do not distinguish rows: of them hardly a value occurs in two repeats.
        """
        groups = self._groups(keys)
        if not self._doubles(groups):
            return None
        columns = [name for name in self._columns if name not in {*keys, *without}]
        columns.sort(key=lambda name: int(self._columns[name].max(initial=0)))
        others: list[str] = []
        for name in columns:
            finer = self._groups([*keys, *others, name])
            if self._doubles(finer) < self._doubles(groups) and self._recurs(name, finer):
                groups = finer
                others.append(name)
        for name in [*others]:
            rest = [other for other in others if other != name]
            if self._doubles(self._groups([*keys, *rest])) == self._doubles(groups):
                others = rest
        return tuple(name for name in self._columns if name in others)

    def vary(self, names: Collection[str], without: Collection[str]) -> bool:
        """Return whether some columns are results, which differ between the repeats of a point."""
        keys = self.other_columns((), without)
        if not keys:
            return False
        groups = self._groups(keys)
        number = int(groups.max(initial=0)) + 1
        return any(
            name in self._columns and int(self._groups([*keys, name]).max(initial=0)) + 1 > number
            for name in names
        )

    def _groups(self, names: Collection[str]) -> NDArray[np.intp]:
        """Return a number for each row, equal for rows that are equal in some columns."""
        groups = np.zeros(len(self._repeats), dtype=np.intp)
        for name in names:
            groups = _joined(groups, self._columns[name])
        return groups

    def _doubles(self, groups: NDArray[np.intp]) -> int:
        """Return how many rows have the repeat of an earlier row of their group."""
        joined = _joined(groups, self._repeats)
        return len(joined) - int(joined.max(initial=-1)) - 1

    def _recurs(self, name: str, groups: NDArray[np.intp]) -> bool:
        """Return whether values of a column occur in several repeats; if there is only one, in several rows."""
        if not self._repeats.any():
            return int(self._columns[name].max(initial=0)) + 1 < len(groups)
        pairs = np.unique(np.column_stack([groups, self._repeats]), axis=0)
        return bool((np.bincount(pairs[:, 0]) > 1).any())


def _joined(groups: NDArray[np.intp], codes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return a number for each pair of two numbers."""
    pairs = groups * (int(codes.max(initial=0)) + 1) + codes
    return np.asarray(np.unique(pairs, return_inverse=True)[1])

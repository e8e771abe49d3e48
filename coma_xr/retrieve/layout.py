"""Where measurements lie in the arrays of a Dataset: dims, cells, and how many of these are full."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from coma_xr.errors import LayoutError, warn
from coma_xr.retrieve.arrays import Array, numbered

if TYPE_CHECKING:
    from coma_xr.define.scan_records import Kind
    from coma_xr.tree import Path

__all__ = ["Axis", "Layout", "cells_of", "check_fill", "distinct", "on_rows", "with_rows"]

_THIN = 0.5
_VERY_THIN = 0.1
_MANY_CELLS = 10**6


@dataclass(frozen=True, eq=False)
class Axis:
    """One dim of the measurements."""

    dim: str
    codes: Array
    size: int
    labels: Array | None = None
    path: Path | str | None = None


@dataclass(frozen=True)
class Layout:
    """All dims of the measurements, and the rows of the columns that take part."""

    axes: tuple[Axis, ...]
    rows: Array
    along: dict[Path | str, tuple[str, ...]]
    kind: Kind = "grid"
    reason: str = ""

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the dims."""
        return tuple(axis.dim for axis in self.axes)

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the dims."""
        return tuple(axis.size for axis in self.axes)

    @property
    def size(self) -> int:
        """The number of cells."""
        return math.prod(self.shape)

    @cached_property
    def cells(self) -> Array:
        """The cell of each row, in C order."""
        return cells_of(self.axes, len(self.rows))

    @cached_property
    def full(self) -> bool:
        """Whether every cell has a measurement."""
        return distinct(self.cells) == self.size

    def only(self, mask: Array) -> Layout:
        """Return the layout of some of the rows."""
        axes = tuple(dataclasses.replace(axis, codes=axis.codes[mask]) for axis in self.axes)
        return self if mask.all() else dataclasses.replace(self, axes=axes, rows=self.rows[mask])

    def single(self) -> Layout:
        """Return the layout of what all rows share: no dims, one row."""
        return Layout((), self.rows[:1], {})

    def among(self, dims: Sequence[str]) -> Layout:
        """Return the layout over some of the dims; several rows may then share a cell."""
        return Layout(tuple(axis for axis in self.axes if axis.dim in dims), self.rows, self.along)

    def determining(self, codes: Array, size: int) -> tuple[str, ...]:
        """Return the fewest dims that some value is a function of, the longest left out first."""
        axes = list(self.axes)
        for axis in sorted(self.axes, key=lambda axis: -axis.size):
            rest = [other for other in axes if other is not axis]
            if _determines(rest, codes, size):
                axes = rest
        return tuple(axis.dim for axis in axes)


def cells_of(axes: Sequence[Axis], rows: int) -> Array:
    """Return the cell of each row in the grid of some axes."""
    if not axes:
        return np.zeros(rows, dtype=np.intp)
    return numbered([axis.codes for axis in axes], [axis.size for axis in axes])[0]


def on_rows(column: list[Any], rows: Array) -> list[Any]:
    """Return the values of the measurements that take part."""
    return column if len(rows) == len(column) else [column[row] for row in rows]


def distinct(numbers: Array) -> int:
    """Return how many different numbers there are."""
    # Counting is faster than sorting or hashing where the numbers are not spread wide.
    if int(numbers.max(initial=0)) <= 8 * len(numbers) + 1024:
        return int(np.count_nonzero(np.bincount(numbers)))
    return len(np.unique(numbers))


def _determines(axes: Sequence[Axis], codes: Array, size: int) -> bool:
    cells = cells_of(axes, len(codes))
    both = numbered([cells, codes], [int(cells.max(initial=-1)) + 1, size])[0]
    return distinct(cells) == distinct(both)


def with_rows(
    axes: Sequence[Axis], order: Callable[[], Sequence[Array]], rows: Array, dim: str
) -> tuple[Axis, ...]:
    """Return the axes with one more where several measurements lie in a cell."""
    cells = cells_of(axes, len(rows))
    if distinct(cells) == len(rows):
        return tuple(axes)
    sequence = np.lexsort((rows, *reversed(order()), cells))
    ordered = cells[sequence]
    begins = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    counts = np.diff(np.r_[begins, len(rows)])
    codes = np.empty(len(rows), dtype=np.intp)
    codes[sequence] = np.arange(len(rows)) - np.repeat(begins, counts)
    return (*axes, Axis(dim, codes, int(counts.max())))


def is_thin(axes: Sequence[Axis], rows: int) -> bool:
    """Whether less than half of a grid is full."""
    size = math.prod(axis.size for axis in axes)
    return bool(size) and rows / size < _THIN


def check_fill(axes: Sequence[Axis], rows: int, labelled: Sequence[Axis], absent: int = 0) -> None:
    """Warn of a grid that is mostly holes, refuse one that is large too.

    Raises
    ------
    LayoutError
        When less than 10 % of more than a million cells are full.
    """
    size = math.prod(axis.size for axis in axes)
    if not is_thin(axes, rows):
        return
    grid = " x ".join(f"{axis.dim} ({axis.size})" for axis in axes)
    others = f" and {absent} parameter set{'s' * (absent != 1)} without one" if absent else ""
    text = f"The grid {grid} is {_percent(rows / size)} full: {rows - absent} measurements{others} in {size} cells."
    text += f" Ways out: {_better(labelled, rows)}layout='points', which has one dim for all."
    if rows / size < _VERY_THIN and size > _MANY_CELLS:
        raise LayoutError(text)
    warn(text)


def _better(axes: Sequence[Axis], rows: int) -> str:
    """Return in words the dims that give a grid at least half full when the others are none."""
    rest = sorted(axes, key=lambda axis: -axis.size)
    # Without any dim all would lie along 'row', which is no grid.
    while len(rest) > 1:
        trials = [[other for other in rest if other is not axis] for axis in rest]
        fills = [_fill(trial, rows) for trial in trials]
        # The dim with the most values goes first, as long as that fills the grid.
        enough = [place for place, (fill, _) in enumerate(fills) if fill >= _THIN]
        best = enough[0] if enough else max(range(len(trials)), key=fills.__getitem__)
        rest, (fill, most) = trials[best], fills[best]
        if enough:
            dims = [axis.dim for axis in axes if axis in rest]
            others = "with the others along a dim 'row'" if most > 1 else "with the others as coordinates"
            return f"dims={dims!r}, {_percent(fill)} full, {others}; or "
    return ""


def _fill(axes: Sequence[Axis], rows: int) -> tuple[float, int]:
    """Return how full a grid is, and how many measurements its fullest cell has."""
    _, counts = np.unique(cells_of(axes, rows), return_counts=True)
    most = int(counts.max())
    return rows / (math.prod(axis.size for axis in axes) * most), most


def _percent(part: float) -> str:
    return f"{100 * part:.0f} %" if part >= 0.01 else f"{100 * part:.2g} %"

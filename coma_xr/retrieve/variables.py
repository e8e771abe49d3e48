"""The cells of measurements in the arrays of a Dataset, and columns as its variables: scalars and unfolded lists."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from coma_xr.errors import LayoutError, Way, warn
from coma_xr.exports.external import BARE, Stack, is_deferred, revived
from coma_xr.retrieve.columns import (
    MISSING,
    SCALARS,
    Array,
    Attrs,
    as_array,
    as_objects,
    distinct,
    numbered,
    place,
    scatter,
    with_holes,
)
from coma_xr.retrieve.measurement import AS_NEEDED
from coma_xr.same import equal
from coma_xr.text import listing
from coma_xr.tree import TYPE, Numbers, is_typed
from coma_xr.values.array_likes import QUANTITY
from coma_xr.values.numpy import alike_times
from coma_xr.values.plain import from_plain
from coma_xr.values.xarray import DATA_ARRAY, variable

if TYPE_CHECKING:
    from coma_xr.define.scan_records import Kind
    from coma_xr.tree import Path
    from coma_xr.values.plain import Tree

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
            others = [other for other in axes if other is not axis]
            if _determines(others, codes, size):
                axes = others
        return tuple(axis.dim for axis in axes)


def cells_of(axes: Sequence[Axis], rows: int) -> Array:
    """Return the cell of each row in the grid of some axes."""
    if not axes:
        return np.zeros(rows, dtype=np.intp)
    return numbered([axis.codes for axis in axes], [axis.size for axis in axes])[0]


def on_rows(column: list[Any], rows: Array) -> list[Any]:
    """Return the values of the measurements that take part."""
    if len(rows) == len(column):
        return column
    return Numbers(column.array[rows]) if type(column) is Numbers else [column[row] for row in rows]


def _determines(axes: Sequence[Axis], codes: Array, size: int) -> bool:
    cells = cells_of(axes, len(codes))
    joint = numbered([cells, codes], [int(cells.max(initial=-1)) + 1, size])[0]
    return distinct(cells) == distinct(joint)


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

    Raise LayoutError when less than 10 % of more than a million cells are full.
    """
    size = math.prod(axis.size for axis in axes)
    if not is_thin(axes, rows):
        return
    grid = " x ".join(f"{axis.dim} ({axis.size})" for axis in axes)
    others = f" and {absent} parameter set{'s' * (absent != 1)} without one" if absent else ""
    message = f"The grid {grid} is {_percent(rows / size)} full: {rows - absent} measurements{others} in {size} cells."
    way = Way(
        f"Options: {_better(labelled, rows)}layout='points', which has one dim for all.",
        "Tables in .csv or .parquet have a row for each measurement instead.",
    )
    if rows / size < _VERY_THIN and size > _MANY_CELLS:
        raise LayoutError(message, ways=[way])
    warn(message, way=way)


def _better(axes: Sequence[Axis], rows: int) -> str:
    """Return in words the dims that give a grid at least half full when the others are none."""
    remaining = sorted(axes, key=lambda axis: -axis.size)
    # Without any dim all would lie along 'row', which is not a grid.
    while len(remaining) > 1:
        trials = [[other for other in remaining if other is not axis] for axis in remaining]
        fills = [_fill(trial, rows) for trial in trials]
        # The dim with the most values goes first, as long as that fills the grid.
        enough = [place for place, (fill, _) in enumerate(fills) if fill >= _THIN]
        best = enough[0] if enough else max(range(len(trials)), key=fills.__getitem__)
        remaining, (fill, most) = trials[best], fills[best]
        if enough:
            dims = [axis.dim for axis in axes if axis in remaining]
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


# Padding that leaves less than this of the cells full is a waste.
_THINNEST = 0.1


@dataclass(frozen=True)
class Folded:
    """Lists or arrays of one column, measured."""

    values: Any
    lengths: list[Array]
    rows: Array
    labelled: bool
    stacked: bool
    dims: tuple[str, ...] = ()
    coords: dict[str, tuple[tuple[str, ...], list[Any], Attrs]] = field(default_factory=dict)
    attrs: Attrs = field(default_factory=dict)
    lazy: bool = False
    units: tuple[Any, ...] = ()

    @property
    def arrays(self) -> Sequence[Array]:
        """The `stacked` values, read now if they were not."""
        return [np.asarray(variable.values) for variable in self.values] if self.lazy else self.values

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes that hold the longest list of each level."""
        return tuple(int(length.max(initial=0)) for length in self.lengths)

    @property
    def ragged(self) -> list[bool]:
        """For each level whether its lists are of unequal length."""
        return [bool(length.size) and bool(length.min() != length.max()) for length in self.lengths]

    @property
    def wasteful(self) -> bool:
        """Whether padding would be almost all of the array."""
        if self.stacked:
            items = sum(array.size for array in self.values)
        else:
            items = len(self.values)
        return bool(items < _THINNEST * math.prod(self.shape) * len(self.rows))

    def fill(
        self, cells: Array, size: int, shape: Sequence[int], fill: Any = AS_NEEDED
    ) -> tuple[Array, Attrs]:
        """Return one array of all values."""
        cells = cells[self.rows]
        if self.stacked:
            return _stack(self.arrays, cells, size, shape, fill)
        if not any(self.ragged) and self.shape == tuple(shape):
            # Nothing is padded, so that whole lists go to their cells, without a number for each item.
            array, attrs = as_array(self.values)
            padded = array.reshape(len(cells), *shape)
            return place(padded, cells, size, attrs, full=len(np.unique(cells)) == size, fill=fill)
        at = cells
        for length, extent in zip(self.lengths, shape, strict=True):
            at = np.repeat(at * extent, length) + _counting(length)
        array, attrs = as_array(self.values)
        total = size * math.prod(shape)
        full = len(at) == total and len(np.unique(at)) == total
        out, attrs = place(array, at, total, attrs, full=full, fill=fill)
        return out.reshape(size, *shape), attrs

    def stack(self, cells: Array, shape: Sequence[int], fill: Any = AS_NEEDED) -> tuple[Stack, Attrs]:
        """Return one array of all values, if `lazy`, that reads of them only what is looked at."""
        numbers = np.full(math.prod(shape), -1, dtype=np.intp)
        numbers[cells[self.rows]] = np.arange(len(self.rows))
        empty: Array = np.empty(0, dtype=np.result_type(*(variable.dtype for variable in self.values)))
        hole, attrs = empty.dtype.type(), dict[str, Any]()
        if (numbers < 0).any():
            empty, hole, attrs = with_holes(empty, attrs, fill)
        return Stack(self.values, numbers.reshape(shape), empty.dtype, hole), attrs

    def counts(self, level: int, cells: Array, size: int, shape: Sequence[int]) -> Array:
        """Return the lengths of one level in the cells of all dims above it; 0 where there is none."""
        at = cells[self.rows]
        above: tuple[int, ...] = ()
        if not self.stacked:
            above = tuple(shape[:level])
            for length, extent in zip(self.lengths[:level], above, strict=True):
                at = np.repeat(at * extent, length) + _counting(length)
        out = np.zeros(size * math.prod(above), dtype=np.int64)
        out[at] = self.lengths[level]
        return out.reshape(size, *above)


def _counting(lengths: Array) -> Array:
    """Return 0, 1, ... for each length, one after another."""
    ends = np.cumsum(lengths)
    counting: Array = np.arange(ends[-1] if ends.size else 0) - np.repeat(ends - lengths, lengths)
    return counting


def _stack(
    arrays: Sequence[Array], cells: Array, size: int, shape: Sequence[int], fill: Any
) -> tuple[Array, Attrs]:
    arrays = _alike(arrays)
    items, attrs = np.concatenate([array.ravel() for array in arrays]), dict[str, Any]()
    equal = all(array.shape == tuple(shape) for array in arrays)
    if equal and len(np.unique(cells)) == size:
        out = np.empty((size, *shape), dtype=items.dtype)
    else:
        items, hole, attrs = with_holes(items, attrs, fill)
        out = np.full((size, *shape), hole, dtype=items.dtype)
    for cell, array in zip(cells, arrays, strict=True):
        out[(cell, *map(slice, array.shape))] = array
    return out, attrs


def _alike(arrays: Sequence[Array]) -> Sequence[Array]:
    """Return arrays of dtypes that NumPy may join without changing what values are."""
    if all(array.dtype.kind in "mM" for array in arrays):
        return alike_times(arrays)
    return arrays if _joinable(arrays) else [array.astype(object) for array in arrays]


def _joinable(arrays: Sequence[Array] | Sequence[xr.DataArray]) -> bool:
    kinds = {array.dtype.kind for array in arrays}
    if kinds & set("mM"):
        return len({array.dtype for array in arrays}) == 1
    return len(kinds) == 1 or kinds <= set("iuf")


def measure(values: Sequence[Any]) -> Folded | None:
    """Measure the lists or arrays of a column.

    >>> folded = measure([[1, 2], [3]])
    >>> folded.shape, folded.ragged
    ((2,), [True])
    """
    rows = np.fromiter((i for i, value in enumerate(values) if value is not MISSING), dtype=np.intp)
    present = [value for value in values if value is not MISSING] if len(rows) < len(values) else values
    present = [_bare(value) for value in _restored(present)]
    kinds = set(map(type, present))
    if kinds == {xr.DataArray}:
        return _measure_labelled(present, rows)
    if kinds == {np.ndarray}:
        return _measure_arrays(present, rows)
    # Dictionaries of the user may look like stored forms, which are read already.
    if dict in kinds:
        return None
    level: Sequence[Any] = _as_lists(present)
    lengths = []
    while level and set(map(type, level)) == {list}:
        lengths.append(np.fromiter(map(len, level), dtype=np.intp, count=len(level)))
        level = _as_lists(list(chain.from_iterable(level)))
    inner = set(map(type, level))
    if not lengths or inner & {list, dict}:
        return None
    return Folded(level, lengths, rows, kinds == {list}, stacked=False, units=units_of(level))


def units_of(values: Sequence[Any]) -> tuple[Any, ...]:
    """Return the units of the quantities among some values, stored or read, and None for numbers without units."""
    if not {dict, xr.DataArray} & set(map(type, values)):
        return ()
    units: dict[Any, None] = {}
    for value in values:
        if type(value) is dict:
            if value.get(TYPE) in (QUANTITY, "numpy.ndarray"):
                units[value.get("units")] = None
            elif value.get(TYPE) == DATA_ARRAY:
                units[(value.get("attrs") or {}).get("units")] = None
        elif isinstance(value, xr.DataArray):
            units[value.attrs.get("units")] = None
        elif isinstance(value, (int, float, complex, np.ndarray)) and not isinstance(value, bool):
            units[None] = None
    return tuple(units)


def _restored(values: Sequence[Any], restore: Callable[[Tree], Any] = from_plain) -> Sequence[Any]:
    """Return values with those that have a stored form as they were."""
    if dict not in set(map(type, values)):
        return values
    return [restore(value) if is_typed(value) else value for value in values]


def _bare(value: Any) -> Any:
    """Return what pandas has as what NumPy and xarray have for it."""
    if isinstance(value, pd.Series):
        name = "index" if value.index.name is None else str(value.index.name)
        return xr.DataArray(value.to_numpy(), {name: value.index.to_numpy()}, [name])
    if isinstance(value, (pd.Index, pd.Categorical)):
        return np.asarray(value)
    return value


def _as_lists(values: Sequence[Any]) -> Sequence[Any]:
    """Return values with arrays as lists, and what else was stored in a form of its own as it was."""
    if not set(map(type, values)) & {dict, np.ndarray}:
        return values
    values = _restored(values)
    return [value.tolist() if isinstance(value, np.ndarray) else value for value in values]


def _measure_arrays(arrays: Sequence[Array], rows: Array) -> Folded | None:
    if len({array.ndim for array in arrays}) > 1:
        return None
    shapes = np.array([array.shape for array in arrays], dtype=np.intp)
    return Folded(arrays, list(shapes.T), rows, labelled=False, stacked=True)


def _measure_labelled(arrays: Sequence[xr.DataArray], rows: Array) -> Folded | None:
    """Measure DataArrays; None when they do not share their dims."""
    dims = arrays[0].dims
    if any(set(array.dims) != set(dims) for array in arrays):
        return None
    arrays = [array if array.dims == dims else array.transpose(*dims) for array in arrays]
    shapes = np.array([array.shape for array in arrays], dtype=np.intp).reshape(len(arrays), len(dims))
    coords: dict[str, tuple[tuple[str, ...], list[Any], Attrs]] = {}
    for name in dict.fromkeys(name for array in arrays for name in array.coords):
        coords_found = [array.coords.get(name) for array in arrays]
        existing = [coord for coord in coords_found if coord is not None]
        if all(coord.dims == existing[0].dims for coord in existing):
            coords[str(name)] = (
                tuple(map(str, existing[0].dims)),
                [MISSING if coord is None else coord.values[()] for coord in coords_found],
                _common(existing),
            )
    own_dims = () if all(BARE in array.encoding for array in arrays) else tuple(map(str, dims))
    # What has a dtype of pandas was read with its file.
    lazy = any(map(is_deferred, arrays)) and all(isinstance(array.dtype, np.dtype) for array in arrays)
    if lazy and not (_same(shapes) and _joinable(arrays)):
        return None
    values = [array.variable if lazy else array.values for array in arrays]
    return Folded(
        values,
        list(shapes.T),
        rows,
        False,
        True,
        own_dims,
        coords,
        _common(arrays),
        lazy,
        units_of(arrays),
    )


def _same(shapes: Array) -> bool:
    return bool((shapes == shapes[0]).all())


def _common(arrays: Sequence[xr.DataArray]) -> Attrs:
    """Return the attributes that all have."""
    return {
        str(key): value
        for key, value in arrays[0].attrs.items()
        if all(key in array.attrs and equal(array.attrs[key], value) for array in arrays)
    }


def flat_columns(name: str, values: Sequence[Any], stem: str | None = None) -> dict[str, list[Any]]:
    """Unfold lists into columns as Coma does: ``Es_1``, ``Es_2``; nested ones ``Es_1_1``; or with another stem.

    >>> flat_columns("Es", [[1, 2], [3], 4])
    {'Es': [MISSING, MISSING, 4], 'Es_1': [1, 3, MISSING], 'Es_2': [2, MISSING, MISSING]}
    """
    if list not in set(map(type, values)):
        return {name: list(values)}
    columns: dict[str, list[Any]] = {}
    scalars = [MISSING if type(value) is list else value for value in values]
    if any(value is not MISSING for value in scalars):
        columns[name] = scalars
    lists = [value if type(value) is list else [] for value in values]
    for number in range(max(map(len, lists))):
        items = [items[number] if number < len(items) else MISSING for items in lists]
        columns |= flat_columns(f"{stem or name}_{number + 1}", items)
    return columns


_SINGLE = SCALARS | {type(MISSING)}

# What makes a cell more than a scalar.
_CONTAINERS = (
    list,
    dict,
    np.ndarray,
    xr.DataArray,
    xr.Dataset,
    pd.Series,
    pd.Index,
    pd.DataFrame,
    pd.Categorical,
)


# Dictionaries, which parameters may be, lists of them, and tables are one object in each cell.
_WHOLE = ({dict}, {pd.DataFrame}, {xr.Dataset})


def _are_whole(values: Sequence[Any]) -> bool:
    """Whether all values, or the items of all lists, are of one type that is an object in each cell."""
    present: Sequence[Any] = [value for value in values if value is not MISSING]
    while present and set(map(type, present)) == {list}:
        present = list(chain.from_iterable(present))
    # Most items are numbers.
    if not present or not isinstance(present[0], (dict, pd.DataFrame, xr.Dataset)):
        return False
    return {type(revived(value)) for value in present} in _WHOLE


@dataclass
class Item:
    """A column on its way to a variable."""

    name: str
    values: list[Any]
    layout: Layout
    attrs: Attrs
    dims: Sequence[str] | None = ()
    is_coord: bool = False
    fill: Any = AS_NEEDED
    folded: Folded | None = field(init=False, default=None)
    annotated_units: str | None = field(init=False, default=None)
    whole: bool = field(init=False, default=False)
    reason: str | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.annotated_units = self.attrs.get("units")
        if set(map(type, self.values)) <= _SINGLE or not self._has_containers():
            if self.dims:
                self._refuse_dims("has no lists")
            return
        if self.dims is None:
            self.whole = True
            return
        if _are_whole(self.values):
            # They are objects in their normal form, and nothing was lost that anybody would miss.
            self.whole = True
            return
        folded = measure(self.values)
        if folded is None:
            files = any(map(is_deferred, self.values))
            self.reason = (
                f"has {'arrays of unequal shapes in files' if files else 'values of different kinds'}"
            )
        elif folded.wasteful:
            self.reason = f"would be padded to {' x '.join(map(str, folded.shape))}, under 10 % full"
        else:
            self.folded = folded
            self.attrs = folded.attrs | self.attrs
            if len(self.dims) > len(folded.shape):
                self._refuse_dims(f"has lists of {len(folded.shape)} levels")
        self.whole = self.reason is not None

    def _has_containers(self) -> bool:
        self.values = [*_restored(self.values, revived)]
        return any(isinstance(value, _CONTAINERS) for value in self.values)

    def _refuse_dims(self, why: str) -> None:
        raise unusable_dims(
            self.name, self.dims or (), why, self.attrs.get("path") if self.is_coord else None
        )

    def unfolded(self, free: Callable[[str], str]) -> tuple[str, ...]:
        """Return the names of the dims that its lists make."""
        if self.folded is None or self.dims is None:
            return ()
        levels = len(self.folded.shape)
        names = [free(f"{self.name}_index" + (f"_{level + 1}" if level else "")) for level in range(levels)]
        names = list(self.folded.dims) or names
        return (*self.dims[:levels], *names[len(self.dims) :])


def unusable_dims(name: str, dims: Sequence[str], why: str, coord: str | None = None) -> LayoutError:
    """Return the error for dims that the values of a variable do not have; of a coordinate, with its path."""
    if coord is not None:
        named = "dims" if len(dims) > 1 else "dim"
        return LayoutError(
            f"The coordinate '{name}' ({coord}) labels the {named} {listing(dims)}, but {why}.",
            expected="a path to lists with a label for each item",
            name=name,
        )
    return LayoutError(
        f"'{name}' was given the dims {listing(dims)}, but {why}.",
        ways=[
            Way(
                f"Name at most as many dims as its lists have, in unfold= or annotate({name!r}, dims=...).",
                f"Name at most as many dims as its lists have: coma-xr annotate DIR {name} --dims NAMES.",
            )
        ],
    )


def assemble(
    items: Sequence[Item], free: Callable[[str], str]
) -> tuple[dict[str, xr.Variable], dict[str, xr.Variable]]:
    """Return the data variables and the coordinates of some items."""
    dims = {item.name: item.unfolded(free) for item in items}
    extents: dict[str, int] = {}
    numbered: set[str] = set()
    for item in items:
        for dim, size in zip(dims[item.name], item.folded.shape if item.folded else (), strict=True):
            extents[dim] = max(size, extents.get(dim, 0))
            if item.folded and item.folded.labelled:
                numbered.add(dim)
    data: dict[str, xr.Variable] = {}
    coords: dict[str, xr.Variable] = {}
    lengths: dict[str, xr.Variable] = {}
    for item in items:
        (coords if item.is_coord else data)[item.name] = _variable(item, dims[item.name], extents)
        lengths |= _lengths(item, dims[item.name], extents, free)
    for dim, extent in extents.items():
        if dim in numbered and dim not in coords:
            coords[dim] = xr.Variable((dim,), np.arange(1, extent + 1))
    _warn_of_objects(items)
    _warn_of_unit_differences(items)
    return data, coords | lengths


def _variable(item: Item, dims: Sequence[str], extents: Mapping[str, int]) -> xr.Variable:
    layout = item.layout
    if item.folded:
        extent = [extents[dim] for dim in dims]
        if item.folded.lazy and item.folded.shape == tuple(extent):
            stack, attrs = item.folded.stack(layout.cells, layout.shape, item.fill)
            return stack.variable((*layout.dims, *dims), item.attrs | attrs)
        array, attrs = item.folded.fill(layout.cells, layout.size, extent, item.fill)
        array = array.reshape((*layout.shape, *extent))
        return variable((*layout.dims, *dims), array, item.attrs | attrs)
    if item.whole:
        array = np.empty(layout.size, dtype=object)
        rows = [row for row, value in enumerate(item.values) if value is not MISSING]
        array[layout.cells[rows]] = as_objects([from_plain(item.values[row]) for row in rows])
        return variable(layout.dims, array.reshape(layout.shape), item.attrs)
    array, attrs = scatter(
        item.values, layout.cells, layout.size, full=layout.full, fill=item.fill, keeps_none=item.is_coord
    )
    return variable(layout.dims, array.reshape(layout.shape), item.attrs | attrs)


def _lengths(
    item: Item, dims: Sequence[str], extents: Mapping[str, int], free: Callable[[str], str]
) -> dict[str, xr.Variable]:
    """Return how long the lists of an item are, for the levels where they are padded."""
    folded, layout, lengths = item.folded, item.layout, {}
    if folded is None:
        return {}
    extent = [extents[dim] for dim in dims]
    for level, ragged in enumerate(folded.ragged):
        if ragged or folded.shape[level] < extent[level]:
            counts = folded.counts(level, layout.cells, layout.size, extent)
            name = free(f"{item.name}_length" + (f"_{level + 1}" if level else ""))
            above = tuple(dims[: counts.ndim - 1])
            lengths[name] = variable(
                (*layout.dims, *above), counts.reshape((*layout.shape, *counts.shape[1:]))
            )
    return lengths


def _warn_of_objects(items: Sequence[Item]) -> None:
    reasons = [f"'{item.name}' {item.reason}" for item in items if item.reason]
    if reasons:
        warn(f"Each cell holds one object of what cannot be one array: {listing(reasons)}.")


def _warn_of_unit_differences(items: Sequence[Item]) -> None:
    whole = {item.name: units_of(item.values) for item in items if item.whole}
    folded = {item.name: item.folded for item in items if item.folded}
    stacked = {name: f.units for name, f in folded.items() if f.stacked}
    warn_of_units(whole | stacked, "between measurements")
    warn_of_units({name: f.units for name, f in folded.items() if not f.stacked}, "between items of lists")
    units = whole | {name: f.units for name, f in folded.items()}
    warn_of_annotated_units(
        (item.name, item.annotated_units, units[item.name]) for item in items if item.name in units
    )


def warn_of_units(units: Mapping[str, Sequence[Any]], where: str) -> None:
    """Warn of columns whose values are in several units."""
    texts = [
        f"'{name}' is in {listing('no unit' if unit is None else repr(unit) for unit in column_units)}"
        for name, column_units in units.items()
        if len(column_units) > 1
    ]
    if texts:
        warn(f"Units differ {where}, and no value was converted: {listing(texts, 3)}.")


def warn_of_annotated_units(columns: Iterable[tuple[str, str | None, Sequence[Any]]]) -> None:
    """Warn of columns, by name, whose annotated units are not among those of their values, which keep their numbers."""
    texts = [
        f"'{name}' is annotated in {annotated!r}, its values are in {listing(map(repr, filter(None, units)))}"
        for name, annotated, units in columns
        if annotated is not None and any(units) and annotated not in units
    ]
    if texts:
        warn(
            f"Annotated units differ from those of the values, and no value is converted: {listing(texts, 3)}.",
            way=Way(
                "annotate(..., units=None) removes annotated units.",
                "`coma-xr annotate DIR PATH --units ''` removes annotated units.",
            ),
        )

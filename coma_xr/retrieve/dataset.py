"""Columns to a labelled Dataset, with the dims and coordinates that DataArrays bring along."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from coma_xr.checks import checks_keywords
from coma_xr.define.scan_records import Kind, LayoutRule
from coma_xr.errors import LayoutError, Way, warn
from coma_xr.html import fragment, table, tag
from coma_xr.retrieve.columns import MISSING, RESULTS, Attrs, factorize
from coma_xr.retrieve.dims import DONE, FLAGS, Absent, Status, absent, arrange, status_attrs, varies
from coma_xr.retrieve.measurement import AS_NEEDED
from coma_xr.retrieve.requests import (
    Annotations,
    Definition,
    Doubles,
    Recorded,
    Request,
    Source,
    UsedNames,
    Variables,
    read,
    requests_of,
)
from coma_xr.retrieve.selection import Selection
from coma_xr.retrieve.variables import Item, Layout, assemble, on_rows
from coma_xr.same import REPEAT, equal, same_items
from coma_xr.text import count, listing
from coma_xr.tree import Path, is_typed, join, role
from coma_xr.values.plain import from_plain
from coma_xr.values.xarray import variable

if TYPE_CHECKING:
    from coma_xr.retrieve.columns import Array
    from coma_xr.values.plain import Tree


# Coordinates that differ by less than this part of their spacing are equal except for rounding errors.
NOISE = 1e-9

# In units of the last place of the largest number, for what is far away from 0.
_LAST_DIGITS = 8


class _Brought:
    """Coordinates that were brought so far, by name: what a second one of the name must equal."""

    def __init__(self, free_name: Callable[[str, str], str]) -> None:
        self.free_name = free_name
        self._values: dict[str, tuple[tuple[str, ...], list[Any]]] = {}
        # How many labels a dim has, by row.
        self._labels: dict[str, dict[int, int]] = {}

    def dim(self, dim: str, owner: str, lengths: Mapping[int, int]) -> str:
        """Return the name of a dim without labels: its own, unless this has other numbers of labels."""
        name = self.free_name(dim, owner)
        while any(lengths.get(row, number) != number for row, number in self._labels.get(name, {}).items()):
            name = f"{owner}_{name}"
        return name

    def add_labels(self, dim: str, lengths: dict[int, int]) -> None:
        """Remember how many labels a dim has."""
        self._labels.setdefault(dim, lengths)

    def name(self, name: str, owner: str, dims: tuple[str, ...], values: list[Any]) -> str:
        """Return the name that a coordinate gets: its own, if that is free or means the same already."""
        name = self.free_name(name, owner)
        while name in self._values and not _same(self._values[name], (dims, values), _equal):
            if _same(self._values[name], (dims, values), nearly_equal):
                _warn_of_noise(name, "variables")
                break
            name = f"{owner}_{name}"
        return name

    def give(self, item: Item, rows: int) -> None:
        """Remember a coordinate that was given, with a value for each row; it wins."""
        values = item.values * rows if len(item.values) == 1 else item.values
        self.add(item.name, tuple(item.dims or ()), values)

    def add(self, name: str, dims: tuple[str, ...], values: list[Any]) -> bool:
        """Remember a coordinate; return whether it is new."""
        new = name not in self._values
        self._values.setdefault(name, (dims, values))
        return new


def bring(items: Sequence[Item], free_name: Callable[[str, str], str]) -> list[Item]:
    """Return the coordinates that the DataArrays in some items bring, and name their dims."""
    brought = _Brought(free_name)
    for item in items:
        if item.is_coord and item.dims:
            brought.give(item, max(len(other.values) for other in items))
    coords: list[Item] = []
    labelled = [
        item for item in items if item.folded is not None and (item.folded.dims or item.folded.coords)
    ]
    # What has no labels must not decide what those of others belong to.
    for item in sorted(labelled, key=_lacks_labels):
        coords += _bring(item, brought)
    return coords


def _lacks_labels(item: Item) -> bool:
    return item.folded is not None and not item.folded.coords.keys() >= set(item.folded.dims)


def _bring(item: Item, brought: _Brought) -> list[Item]:
    folded, named = item.folded, list(item.dims or ())
    assert folded is not None
    values = {name: _on_rows(item, column) for name, (_, column, _) in folded.coords.items()}
    dims: dict[str, str] = {}
    for place, dim in enumerate(folded.dims):
        lengths = dict(zip(folded.rows.tolist(), folded.lengths[place].tolist(), strict=True))
        if place < len(named):
            dims[dim] = named[place]
        elif dim in folded.coords:
            dims[dim] = brought.name(dim, item.name, (dim,), values[dim])
            brought.add_labels(dims[dim], lengths)
        else:
            dims[dim] = brought.dim(dim, item.name, lengths)
    item.dims = [dims[dim] for dim in folded.dims]
    coords = []
    for name, (coord_dims, _, attrs) in folded.coords.items():
        renamed = tuple(dims[dim] for dim in coord_dims)
        new = dims[name] if name in dims else brought.name(name, item.name, renamed, values[name])
        if brought.add(new, (name,) if name in dims else renamed, values[name]):
            coords.append(constant_or_not(new, values[name], item.layout, attrs, list(renamed)))
    return coords


def constant_or_not(name: str, values: list[Any], layout: Layout, attrs: Attrs, dims: Sequence[str]) -> Item:
    """Return a coordinate: over its own dims when all measurements agree on it, else over theirs too."""
    value, is_noise = agreed(values)
    if value is MISSING and any(other is not MISSING for other in values):
        return Item(name, values, layout, attrs, dims, is_coord=True)
    if is_noise:
        _warn_of_noise(name, "measurements")
    present = [] if value is MISSING else [value]
    return Item(name, present, layout.single(), attrs, dims, is_coord=True)


def agreed(values: Iterable[Any]) -> tuple[Any, bool]:
    """Return the value that all measurements with one have, or MISSING, and whether some differ by rounding errors."""
    present = [value for value in values if value is not MISSING]
    is_noise = False
    for value in present[1:]:
        if not _equal(present[0], value):
            if not nearly_equal(present[0], value):
                return MISSING, False
            is_noise = True
    return (present[0] if present else MISSING), is_noise


def _warn_of_noise(name: str, owners: str) -> None:
    warn(
        f"The coordinate '{name}' differs between {owners} by rounding errors only (less than {NOISE:g} of its spacing). "
        f"The Dataset has that of the first of these {owners}."
    )


def _on_rows(item: Item, column: Sequence[Any]) -> list[Any]:
    """Return what the arrays have, in the rows of the item."""
    assert item.folded is not None
    values: list[Any] = [MISSING] * len(item.values)
    for row, value in zip(item.folded.rows, column, strict=True):
        values[row] = value
    return values


def _same(
    first: tuple[tuple[str, ...], list[Any]],
    second: tuple[tuple[str, ...], list[Any]],
    compare: Callable[[Any, Any], bool],
) -> bool:
    """Whether two coordinates have the same dims and values; what a measurement lacks is not a difference."""
    pairs = zip(first[1], second[1], strict=False)
    return first[0] == second[0] and all(a is MISSING or b is MISSING or compare(a, b) for a, b in pairs)


def nearly_equal(a: Any, b: Any) -> bool:
    """Whether two arrays of floats differ by no more than rounding errors: `NOISE` of their spacing, or some last digits.

    >>> nearly_equal(np.array([0.1, 0.3]), np.array([0.1, 0.1 + 0.2]))
    True
    >>> nearly_equal(np.array([0.1, 0.3]), np.array([0.1, 0.3000001]))
    False
    """
    a, b = (from_plain(value) if is_typed(value) else value for value in (a, b))
    if type(a) is list or type(b) is list:
        if not (type(a) is type(b) is list and set(map(type, (*a, *b))) <= {int, float}):
            return False
    elif not isinstance(a, (np.ndarray, np.generic)):
        return False
    first, second = np.asarray(a), np.asarray(b)
    if (
        first.dtype != second.dtype
        or first.dtype.kind not in "fc"
        or first.shape != second.shape
        or not first.size
    ):
        return False
    numbers = np.unique(first[np.isfinite(first)])
    spacing = np.abs(np.diff(numbers)).min(initial=np.inf)
    digits = _LAST_DIGITS * np.finfo(first.dtype).eps * np.abs(numbers).max(initial=0)
    most = max(NOISE * spacing if len(numbers) > 1 else 0.0, min(digits, spacing / 1000))
    return bool(np.allclose(first, second, rtol=0, atol=most, equal_nan=True))


def _equal(a: Any, b: Any) -> bool:
    """Whether two values, plain or decoded, are the same; NaN equals NaN."""
    if (
        isinstance(a, np.ndarray)
        and isinstance(b, np.ndarray)
        and a.dtype == b.dtype
        and a.dtype.kind in "iufmM"
    ):
        # Coordinates may be long, and NumPy compares arrays of one dtype exactly.
        return same_items(a, b)
    return equal(a, b)


_EXCLUDED = FLAGS.index("excluded")


def build_dataset(
    trees: Iterable[tuple[int, Tree]],
    *,
    variables: Variables = None,
    dims: Sequence[Any] | str | None = None,
    layout: str | None = None,
    unfold: Mapping[str, Any] | None = None,
    fill: Any = AS_NEEDED,
    where: Any = None,
    definition: Definition = (),
    recorded: Recorded | None = None,
    rule: LayoutRule = LayoutRule(),  # noqa: B008, since it never changes
    annotations: Annotations | None = None,
    status: Status | None = None,
    attrs: Mapping[str, Any] | None = None,
    doubles: Doubles | None = None,
) -> xr.Dataset:
    """Return measurements as a Dataset over their parameters.

    Raise PathError when a name or path leads nowhere in all measurements, and LayoutError when the grid would be
    large and almost empty, or a dim of lists has the name of one of the measurements; warn when `where` holds for none.

    >>> trees = [(1, {"parameters": {"a": 1}, "results": {"E": 0.5}}),
    ...          (2, {"parameters": {"a": 2}, "results": {"E": 1.5}})]
    >>> ds = build_dataset(trees)
    >>> ds.E.dims, ds.E.sel(a=2).item(), ds.measurement_id.values
    (('a',), 1.5, array([1, 2]))
    """
    requests, dim_requests = requests_of(variables), None if dims is None else requests_of(dims)
    excluded, tracks = ({}, False) if status is None else (status.excluded, True)
    selection = None
    if where is not None:
        selection = Selection(where, definition, annotations, recorded=recorded, tracks=tracks)
    source = read(
        trees,
        [*requests, *(dim_requests or ())],
        everything=variables is None,
        definition=definition,
        recorded=recorded,
        annotations=annotations,
        unfold=unfold,
        choose=selection,
        excluded=excluded,
        doubles=doubles,
    )
    holes = absent(source, status, () if selection is None else selection.unchosen)
    if selection is not None:
        holes = holes.where(selection.of_absent(holes)) if holes else holes
        selection.warn_when_empty(len(source.columns))
    if not len(source.columns) and not holes:
        return xr.Dataset(attrs=_existing_attrs(attrs))
    requests = source.expanded(requests)
    names = UsedNames(source, requests, dim_requests or ())
    unchosen = [] if selection is None else [values for values, _ in selection.unchosen]
    laid_out = arrange(source, dim_requests, rule, names.ours, absent=holes, layout=layout, unchosen=unchosen)
    names.claim_dims(laid_out)
    build = _Build(source, names, _Grid.of(laid_out, source, excluded), holes, _fills(source, requests, fill))
    items = build.results(None if variables is None else requests)
    items = build.with_coordinates(items)
    data, coords = assemble([*(item for _, item in items), *build.brought(items)], names.ours)
    return xr.Dataset(data, build.labels() | coords | build.ids(data | coords), _existing_attrs(attrs))


def _existing_attrs(attrs: Mapping[str, Any] | None) -> Attrs:
    return {name: value for name, value in (attrs or {}).items() if value is not None}


@checks_keywords
@dataclass(frozen=True)
class DatasetLayout:
    """The layout of the Dataset of an experiment.

    Attributes
    ----------
    kind : {"grid", "points"}
        A dim for each parameter, or one dim for all measurements.
    sizes : dict of str to int
        The dims of the measurements with their sizes.
    reason : str
        What decided it: ``"as defined"`` by `Experiment.define_layout`, ``"from the recorded scans"`` or
        ``"inferred from the values"``.

    Examples
    --------
    >>> import coma_xr as coma
    >>> e = coma.Experiment("product")
    >>> e.run(lambda a, b: {"y": a * b}, {"a": [1, 2], "b": [3, 4]}).saved
    4
    >>> e.layout.dims
    ('a', 'b')
    """

    kind: Kind
    sizes: dict[str, int]
    reason: str

    @property
    def dims(self) -> tuple[str, ...]:
        """The names of the dims."""
        return tuple(self.sizes)

    def __repr__(self) -> str:
        if self.kind == "points":
            shape = f"points, {count(next(iter(self.sizes.values())), 'measurement')}"
        else:
            sizes = ", ".join(f"{dim} ({size})" for dim, size in self.sizes.items())
            shape = f"grid over {sizes}" if sizes else "grid"
        return f"<Layout: {shape}, {self.reason}>"

    def _repr_html_(self) -> str:
        title = tag("span", self.kind.capitalize(), class_="coma-title")
        reason = tag("span", f" {self.reason}", class_="coma-muted")
        return fragment(title, reason, table(["dim", "size"], self.sizes.items(), what="dims"))


def layout_of(
    trees: Iterable[tuple[int, Tree]],
    rule: LayoutRule,
    *,
    definition: Definition,
    recorded: Recorded,
    annotations: Annotations,
    status: Status,
) -> DatasetLayout:
    """Return how `build_dataset` lays out measurements."""
    notes = annotations
    source = read(trees, [], everything=False, definition=definition, recorded=recorded, annotations=notes)
    holes = absent(source, status, ())
    if not len(source.columns) and not holes:
        return DatasetLayout("grid", {}, "without any measurement")
    laid_out = arrange(source, None, rule, UsedNames(source, [], []).ours, absent=holes)
    sizes = {axis.dim: axis.size for axis in laid_out.axes}
    return DatasetLayout(laid_out.kind, sizes, laid_out.reason)


Items = list[tuple[Path | None, Item]]


@dataclass(frozen=True)
class _Grid:
    """The cells of all parameter sets, of those that were measured, and of those whose values count."""

    all: Layout
    measured: Layout
    valid: Layout

    @classmethod
    def of(cls, layout: Layout, source: Source, excluded: Mapping[int, str]) -> _Grid:
        measured = layout.only(layout.rows < len(source.columns))
        if not excluded:
            return cls(layout, measured, measured)
        ids = np.asarray(source.columns.ids)[measured.rows]
        return cls(layout, measured, measured.only(~np.isin(ids, list(excluded))))


@dataclass(frozen=True)
class _Build:
    """The variables and coordinates that columns become."""

    source: Source
    names: UsedNames
    grid: _Grid
    absent: Absent
    fills: Mapping[str | Path, Any]

    def results(self, requested: Sequence[Request] | None) -> Items:
        """Return what becomes data variables, each with its path."""
        source, layout = self.source, self.grid.valid
        labels = {axis.path for axis in layout.axes}
        items: Items = []
        if requested is not None:
            for request in requested:
                path, values = source.path(request), source.values(request)
                name = self.names.claim(request, path)
                if path not in labels or name not in layout.dims:
                    items.append((path, self._item(name, path, on_rows(values, layout.rows), layout)))
            return items
        used = labels | set(source.names.defined.values()) | source.copies.keys()
        paths = [path for path in source.columns.paths if role(path) in RESULTS and path not in used]
        only_labels = source.labels_among(paths)
        for path in paths:
            if path not in only_labels:
                values = on_rows(source.columns[path], layout.rows)
                items.append((path, self._item(self.names.of(path), path, values, layout)))
        return items

    def with_coordinates(self, items: Items) -> Items:
        """Return data variables with the parameters that are not labels of dims, and the coordinates that were given.

        What labels another variable under its own name is no data variable.
        """
        items = [*items, *self._parameters(items)]
        others = {item.name: path for path, item in items}
        given: dict[str, Path] = {}
        coords: Items = []
        for owner, item in items:
            for path, coord in () if item.is_coord else self._coords_of(owner, item):
                if fault := self._fault_of_coord(coord.name, path, owner, given, others):
                    raise LayoutError(
                        f"The coordinate '{coord.name}' {fault}.",
                        ways=["Choose another name or path, in unfold= or annotate(..., coords=...)."],
                    )
                given[coord.name] = path
                coords.append((path, coord))
        items = [(path, item) for path, item in items if item.name not in given]
        names = {item.name for _, item in items}
        for _, item in items:
            self._check_dims(item.name, item.dims or (), names)
        return [*items, *coords]

    def _parameters(self, items: Items) -> Items:
        """Return the parameters that are not labels of dims, and the numbers of repeats."""
        source, grid = self.source, self.grid
        used = {axis.path for axis in grid.all.axes} | {path for path, _ in items}
        defined = list(source.names.defined.values())
        recorded = [
            path
            for path in source.columns.paths
            if role(path) == "parameter" and path not in defined and path not in source.copies
        ]
        coords: Items = []
        for path in [*defined, *recorded]:
            if path not in used:
                full = (
                    [*source.columns[path], *self.absent.of(path)]
                    if path in defined
                    else source.columns[path]
                )
                layout = grid.all if path in defined else grid.measured
                values = on_rows(full, layout.rows)
                where = layout.among(_dims_of(path, values, layout))
                coords.append((path, self._item(self.names.of(path), path, values, where, is_coord=True)))
        if REPEAT in grid.all.along and REPEAT not in used:
            values = [*source.columns.repeats(), *self.absent.of(REPEAT)]
            coords.append(
                (REPEAT, self._item(self.names.ours("repeat"), REPEAT, values, grid.all, is_coord=True))
            )
        return coords

    def brought(self, items: Items) -> list[Item]:
        """Return the coordinates that DataArrays bring."""
        return bring([item for _, item in items], self.names.brought)

    def labels(self) -> dict[str, xr.Variable]:
        """Return the coordinates of the dims."""
        return {
            axis.dim: variable(
                (axis.dim,),
                axis.labels,
                _attrs(self.source, None if isinstance(axis.path, str) else axis.path, axis.dim),
            )
            for axis in self.grid.all.axes
            if axis.labels is not None
        }

    def ids(self, others: Mapping[str, xr.Variable]) -> dict[str, xr.Variable]:
        """Return the coordinates with the measurement of each cell, and what became of it; other names and dims are taken."""
        taken = {*others, *(str(dim) for other in others.values() for dim in other.dims)}
        layout, measured, valid = self.grid.all, self.grid.measured, self.grid.valid
        ids: Array = np.zeros(layout.size, dtype=np.int64)
        ids[measured.cells] = np.asarray(self.source.columns.ids, dtype=np.int64)[measured.rows]
        states: Array = np.zeros(layout.size, dtype=np.int8)
        states[measured.cells] = _EXCLUDED
        states[valid.cells] = DONE
        if self.absent:
            rows = layout.rows >= len(self.source.columns)
            numbers = np.asarray(self.absent.states, dtype=np.int8)
            states[layout.cells[rows]] = numbers[layout.rows[rows] - len(self.source.columns)]
        attrs = {"long_name": "measurement id, 0 where there is none"}
        return {
            self.names.ours("measurement_id", taken): xr.Variable(
                layout.dims, ids.reshape(layout.shape), attrs
            ),
            self.names.ours("measurement_status", taken): xr.Variable(
                layout.dims, states.reshape(layout.shape), status_attrs()
            ),
        }

    def _coords_of(self, path: Path | None, item: Item) -> list[tuple[Path, Item]]:
        """Return the coordinates that were given to one variable."""
        source, coords = self.source, list[tuple[Path, Item]]()
        for name, at, dims in source.coords_of(path, item.name, item.dims or ()):
            values = on_rows(source.values(Request(None, join(at))), item.layout.rows)
            coord = constant_or_not(name, values, item.layout, _attrs(source, at, name), dims)
            if coord.folded is not None and not dims:
                # Nobody named the dims of the lists.
                item.dims = item.unfolded(self.names.ours)
                coord.dims = [name] if name in item.dims else item.dims
            coords.append((at, coord))
        return coords

    def _fault_of_coord(
        self,
        name: str,
        path: Path,
        owner: Path | None,
        given: Mapping[str, Path],
        others: Mapping[str, Path | None],
    ) -> str | None:
        """Return why a coordinate that was given to a variable cannot have its name or its path."""
        if given.get(name, path) != path:
            return f"was annotated as {join(given[name])} and as {join(path)}"
        if name in self.grid.all.dims:
            return "has the name of a dim of the measurements"
        if (other := others.get(name, path)) != path:
            return f"has the name of {join(other) if other else 'another variable'}"
        return f"of '{join(path)}' is this path itself" if path == owner else None

    def _item(
        self, name: str, path: Path | None, values: list[Any], layout: Layout, *, is_coord: bool = False
    ) -> Item:
        dims = self.source.annotation(path, name).get("dims", ())
        dims = [dims] if isinstance(dims, str) else dims
        self._check_dims(name, dims or ())
        fill = AS_NEEDED if is_coord else self.fills.get(name, self.fills.get(path or "", self.fills[""]))
        return Item(name, values, layout, _attrs(self.source, path, name), dims, is_coord, fill)

    def _check_dims(self, name: str, dims: Sequence[str], variables: Collection[str] = ()) -> None:
        """Raise LayoutError for a dim of lists that would exist twice, or has the name of a variable."""
        for place, dim in enumerate(dims):
            if dim in self.grid.all.dims:
                conflict = "a dim of the measurements already"
            elif dim in dims[:place]:
                conflict = "listed twice"
            elif dim in variables:
                conflict = "a variable of the Dataset"
            else:
                continue
            raise LayoutError(
                f"'{name}' was given the dims {listing(dims)}, but '{dim}' is {conflict}.",
                ways=[
                    Way(
                        f"Choose another name for the dim of its lists, such as unfold={{'{name}': '{dim}_index'}}, or "
                        f"annotate(..., dims='{dim}_index').",
                        f"Choose another name for the dim of its lists: coma-xr annotate DIR {name} --dims {dim}_index.",
                    )
                ],
            )


def _fills(source: Source, requested: Sequence[Request], fill: Any) -> dict[str | Path, Any]:
    """Return what stands in holes, by name or path; under "" what stands in all others."""
    if not isinstance(fill, Mapping):
        return {"": _scalar(fill)}
    called = {request.name for request in requested}
    by_path = {name if name in called else source.names.resolve(name): value for name, value in fill.items()}
    return {"": AS_NEEDED, **{name: _scalar(value) for name, value in by_path.items()}}


def _scalar(fill: Any) -> Any:
    if np.ndim(fill):
        raise LayoutError(f"fill={fill!r} is neither.", expected="one value, or a mapping of names to values")
    return fill


def _attrs(source: Source, path: Path | None, shown_as: str) -> Attrs:
    """Return what is known of a path, and the name that its variable has here where that is not the path's own."""
    if path is None:
        return {}
    note = source.annotation(path)
    labels = {key: note[key] for key in ("units", "long_name") if note.get(key) is not None}
    name = source.names.of(path)
    return {
        "path": join(path),
        "name": name,
        **({} if name == shown_as else {"shown_as": shown_as}),
        **labels,
    }


def _dims_of(path: Path, values: list[Any], layout: Layout) -> Sequence[str]:
    """Return the dims of a parameter's coordinate; none for a constant."""
    if path in layout.along:
        return layout.along[path]
    if not varies(values):
        return ()
    codes, labels = factorize(values)
    return layout.determining(codes, len(labels))

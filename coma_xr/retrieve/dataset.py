"""Columns to a labelled Dataset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from coma_xr.errors import LayoutError
from coma_xr.retrieve.arrays import Attrs, factorize
from coma_xr.retrieve.columns import MISSING
from coma_xr.retrieve.dims import Structure, arrange
from coma_xr.retrieve.layout import on_rows
from coma_xr.retrieve.names import free_name, role
from coma_xr.retrieve.requests import Annotations, Definition, Request, Source, Variables, read, requests_of
from coma_xr.retrieve.variables import Item, assemble, variable

if TYPE_CHECKING:
    from coma_xr.retrieve.layout import Layout
    from coma_xr.trees.plain import Tree

__all__ = ["build_dataset"]

_RESULTS = ("result", "other")


def build_dataset(
    trees: Iterable[tuple[int, Tree]],
    *,
    variables: Variables = None,
    dims: Sequence[Any] | str | None = None,
    definition: Definition = (),
    structure: Structure | None = None,
    annotations: Annotations | None = None,
    attrs: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Return measurements as a Dataset over their parameters.

    Parameters
    ----------
    trees : iterable of (int, dict)
        Ids and plain trees.
    variables : mapping, sequence or str, optional
        Names with paths or functions of a `Measurement`; or paths and names. All results by default.
    dims : sequence of str and (name, path), optional
        The parameters that become dims. By default those of the definition, in its order; without a
        definition they are found.
    definition : iterable of (name, path), optional
        The defined parameters.
    structure : sequence of mapping, optional
        The axes of the last scan.
    annotations : mapping, optional
        By path: ``units``, ``long_name``, ``dims``, ``coords``, ``default``.
    attrs : mapping, optional
        Attributes of the Dataset; None is left out.

    Returns
    -------
    Dataset
        Parameters are coordinates, ``measurement_id`` is 0 where there is no measurement. Without any
        measurement, it is empty.

    Raises
    ------
    PathError
        When a name or path leads nowhere in all measurements.
    LayoutError
        When the grid would be large and almost empty.

    Examples
    --------
    >>> trees = [(1, {"parameters": {"a": 1}, "results": {"E": 0.5}}),
    ...          (2, {"parameters": {"a": 2}, "results": {"E": 1.5}})]
    >>> ds = build_dataset(trees)
    >>> ds.E.dims, ds.E.sel(a=2).item(), ds.measurement_id.values
    (('a',), 1.5, array([1, 2]))
    """
    wanted = requests_of(variables)
    wanted_dims = None if dims is None else requests_of(dims)
    source = read(
        trees,
        [*wanted, *(wanted_dims or ())],
        everything=variables is None,
        definition=definition,
        annotations=annotations,
    )
    said = {name: value for name, value in (attrs or {}).items() if value is not None}
    if not len(source.columns):
        return xr.Dataset(attrs=said)
    names = _Taken(source, wanted, wanted_dims or ())
    layout = arrange(source, wanted_dims, structure, names.ours)
    names.claim_dims(layout)
    items = _results(source, None if variables is None else wanted, layout, names)
    items += _coordinates(source, items, layout, names)
    data, coords = assemble([item for _, item in items], names.ours)
    return xr.Dataset(data, _labels(source, layout) | coords | _ids(source, layout, names), said)


class _Taken:
    """Names in a Dataset: those that the call gives win, then dims, then the rule's; ours make way.

    Parameters
    ----------
    source : Source
    wanted, dims : sequence of Request
    """

    def __init__(self, source: Source, wanted: Sequence[Request], dims: Sequence[Request]) -> None:
        self._source = source
        self._users = {source.name(request) for request in (*wanted, *dims)}
        self._users |= {
            source.names.of(path) for path in source.columns.paths if role(path) not in ("info", "class")
        }
        self._paths: dict[str, str | None] = {}

    def ours(self, name: str) -> str:
        """Return a name of ours, another one when the user has it."""
        while name in self._users:
            name = "coma_" + name.removeprefix("measurement_")
        return name

    def claim_dims(self, layout: Layout) -> None:
        """Take the names of the dims."""
        self._paths |= {axis.dim: axis.path for axis in layout.axes}

    def claim(self, request: Request, path: str | None) -> str:
        """Take the name that the user gave; an error when it is taken by something else."""
        name = self._source.name(request)
        if name in self._paths and self._paths[name] != path:
            raise LayoutError(
                f"The name '{name}' is asked for twice, for {self._paths[name] or 'a dim'} and {request.text}."
            )
        self._paths[name] = path
        return name

    def of(self, path: str) -> str:
        """Take the name of a path by the rule, a longer one when it is taken."""
        name = self._source.names.of(path)
        if self._paths.get(name, path) != path:
            name = free_name(path, self._paths)
        self._paths[name] = path
        return name


Items = list[tuple[str | None, Item]]


def _results(source: Source, wanted: Sequence[Request] | None, layout: Layout, names: _Taken) -> Items:
    """Return what becomes data variables, each with its path."""
    labels = {axis.path for axis in layout.axes}
    if wanted is not None:
        items: Items = []
        for request in wanted:
            path, values = source.path(request), source.values(request)
            name = names.claim(request, path)
            if path in labels and name in layout.dims:
                continue
            items.append((path, _item(source, name, path, on_rows(values, layout.rows), layout)))
        return items
    used = labels | set(source.names.defined.values()) | set(_annotated_coords(source).values())
    shown = [
        path
        for path in source.columns.paths
        if role(path) in _RESULTS and path not in used and path not in source.copies
    ]
    return [
        (path, _item(source, names.of(path), path, on_rows(source.columns[path], layout.rows), layout))
        for path in shown
    ]


def _annotated_coords(source: Source) -> dict[str, str]:
    """Return the coordinates that annotations give to variables: names and paths."""
    coords: dict[str, str] = {}
    for note in source.annotations.values():
        for name, text in (note.get("coords") or {}).items():
            path = source.names.resolve(text)
            if coords.setdefault(name, path) != path:
                raise LayoutError(f"The coordinate '{name}' was annotated as {coords[name]} and as {path}.")
    return coords


def _coordinates(source: Source, items: Items, layout: Layout, names: _Taken) -> Items:
    """Return the parameters that are no labels of dims, and the coordinates that were annotated."""
    taken = {axis.path for axis in layout.axes} | {path for path, _ in items}
    defined = list(source.names.defined.values())
    recorded = [
        path
        for path in source.columns.paths
        if role(path) == "parameter" and path not in defined and path not in source.copies
    ]
    coords: Items = []
    for path in [*defined, *recorded]:
        if path not in taken:
            values = on_rows(source.columns[path], layout.rows)
            where = layout.among(_dims_of(path, values, layout))
            coords.append((path, _item(source, names.of(path), path, values, where, is_coord=True)))
    shown = {path: item for path, item in items if path}
    for path, item in shown.items():
        coords += _coords_of(source, path, item, layout)
    return coords


def _coords_of(source: Source, path: str, item: Item, layout: Layout) -> Items:
    """Return the coordinates that were annotated of one variable."""
    coords: Items = []
    for name, text in (source.annotation(path).get("coords") or {}).items():
        values = on_rows(source.values(Request(None, text)), layout.rows)
        own = source.names.resolve(text)
        there = [value for value in values if value is not MISSING]
        where = layout.among(()) if there.count(there[0]) == len(there) else layout
        dims = source.annotation(own).get("dims") or ([name] if name in item.dims else item.dims)
        new = Item(name, values, where, _attrs(source, own), dims, is_coord=True)
        coords.append((own, new))
    return coords


def _item(
    source: Source, name: str, path: str | None, values: list[Any], layout: Layout, *, is_coord: bool = False
) -> Item:
    dims = source.annotation(path).get("dims") or ()
    dims = [dims] if isinstance(dims, str) else list(dims)
    return Item(name, values, layout, _attrs(source, path), dims, is_coord)


def _attrs(source: Source, path: str | None) -> Attrs:
    if path is None:
        return {}
    note = source.annotation(path)
    said = {key: note[key] for key in ("units", "long_name") if note.get(key) is not None}
    return {"path": path, "name": source.names.of(path), **said}


def _dims_of(path: str, values: list[Any], layout: Layout) -> Sequence[str]:
    """Return the dims of a parameter's coordinate; none for a constant."""
    if path in layout.along:
        return layout.along[path]
    if values.count(values[0]) == len(values):
        return ()
    codes, labels = factorize(values)
    return layout.determining(codes, len(labels))


def _labels(source: Source, layout: Layout) -> dict[str, xr.Variable]:
    """Return the coordinates of the dims."""
    computed = source.columns.computed
    return {
        axis.dim: variable(
            (axis.dim,), axis.labels, _attrs(source, None if axis.path in computed else axis.path)
        )
        for axis in layout.axes
        if axis.labels is not None
    }


def _ids(source: Source, layout: Layout, names: _Taken) -> dict[str, xr.Variable]:
    """Return the coordinate that says which measurement a cell comes from."""
    ids = np.zeros(layout.size, dtype=np.int64)
    ids[layout.cells] = np.asarray(source.columns.ids, dtype=np.int64)[layout.rows]
    attrs = {"long_name": "measurement id, 0 where there is none"}
    return {names.ours("measurement_id"): xr.Variable(layout.dims, ids.reshape(layout.shape), attrs)}

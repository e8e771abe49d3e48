"""Columns to tables of pandas: a row for each measurement, and a row for each path."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from coma_xr.errors import LayoutError, listing
from coma_xr.retrieve.arrays import as_array, as_objects, with_holes
from coma_xr.retrieve.columns import MISSING
from coma_xr.retrieve.names import free_name, role
from coma_xr.retrieve.requests import Annotations, Definition, Request, Source, Variables, read, requests_of
from coma_xr.retrieve.unfold import flat_columns
from coma_xr.trees.typed import is_typed

if TYPE_CHECKING:
    from coma_xr.trees.plain import Tree

__all__ = ["build_dataframe", "paths_table"]

_RESULTS = ("result", "other")
_PATHS_COLUMNS = ["path", "name", "role", "type", "distinct", "range", "measurements"]


def build_dataframe(
    trees: Iterable[tuple[int, Tree]],
    *,
    variables: Variables = None,
    definition: Definition = (),
    annotations: Annotations | None = None,
) -> pd.DataFrame:
    """Return measurements as a DataFrame with a row for each.

    Parameters
    ----------
    trees : iterable of (int, dict)
        Ids and plain trees.
    variables : mapping, sequence or str, optional
        Names with paths or functions of a `Measurement`; or paths and names. The parameters stand before them
        in any case. All results by default.
    definition : iterable of (name, path), optional
        The defined parameters; they come first.
    annotations : mapping, optional
        By path: ``default`` is what a measurement without the path counts as.

    Returns
    -------
    DataFrame
        Index ``measurement_id``. Lists are spread over columns ``Es_1``, ``Es_2``, ...; an array is one value.
        NaN or None where a measurement has no value.

    Raises
    ------
    PathError
        When a name or path leads nowhere in all measurements.

    Examples
    --------
    >>> build_dataframe([(1, {"results": {"E": [1, 2]}}), (3, {"results": {"E": [3]}})])
                    E_1  E_2
    measurement_id
    1                 1  2.0
    3                 3  NaN
    """
    wanted = requests_of(variables)
    source = read(trees, wanted, everything=variables is None, definition=definition, annotations=annotations)
    index = pd.Index(source.columns.ids, name="measurement_id", dtype="int64")
    columns: dict[str, list[Any]] = {}
    if len(source.columns):
        for name, column in _shown(source, None if variables is None else wanted):
            new = flat_columns(name, column)
            if doubles := new.keys() & columns.keys():
                raise LayoutError(f"Two columns would be called {listing(sorted(doubles))}; name one anew.")
            columns |= new
    return pd.DataFrame({name: _series(values, index) for name, values in columns.items()}, index=index)


def _shown(source: Source, wanted: Sequence[Request] | None) -> list[tuple[str, list[Any]]]:
    """Return the columns with their names: parameters, the defined ones first, then what is asked for."""
    asked = {source.path(request): source.name(request) for request in wanted or ()}
    roles = _RESULTS if wanted is None else ()
    defined = [path for path in source.names.defined.values() if path in source.columns.paths]
    others = [path for path in source.columns.paths if path not in defined and path not in source.copies]
    paths = [*defined, *(path for path in others if role(path) == "parameter")]
    paths += [path for path in others if role(path) in roles]
    columns: dict[str, list[Any]] = {}
    for path in paths:
        if path not in asked:
            name = source.names.of(path)
            name = free_name(path, asked.values()) if name in asked.values() else name
            columns[name] = source.columns[path]
    return [*columns.items(), *((source.name(request), source.values(request)) for request in wanted or ())]


def _series(values: list[Any], index: pd.Index[int]) -> pd.Series[Any]:
    """Return a column of its own dtype."""
    there = [value for value in values if value is not MISSING]
    array, _ = as_array(there)
    if len(there) < len(values):
        array, hole, _ = with_holes(array, {})
        items = iter(array)
        array = as_objects([hole if value is MISSING else next(items) for value in values]).astype(
            array.dtype
        )
    if array.dtype.kind == "U":
        # pandas has its own dtype for text.
        return pd.Series(there, index=index)
    if array.dtype == object and set(map(type, there)) <= {str, type(None)}:
        return pd.Series(array.tolist(), index=index)
    return pd.Series(array, index=index)


def paths_table(
    trees: Iterable[tuple[int, Tree]],
    *,
    definition: Definition = (),
    annotations: Annotations | None = None,
) -> pd.DataFrame:
    """Return a table of all paths that lead to values.

    Parameters
    ----------
    trees : iterable of (int, dict)
        Ids and plain trees.
    definition : iterable of (name, path), optional
    annotations : mapping, optional

    Returns
    -------
    DataFrame
        In the order of the trees: ``path``, ``name``, ``role`` (parameter, result, info, class, other, or of
        which path it is a copy), ``type``, ``distinct`` (how many different values), ``range`` and
        ``measurements`` (how many have it).

    Examples
    --------
    >>> table = paths_table([(1, {"parameters": {"a": 1}}), (2, {"parameters": {"a": 3}})])
    >>> table.iloc[0].to_dict()
    {'path': 'parameters/a', 'name': 'a', 'role': 'parameter', 'type': 'int', 'distinct': 2, 'range': '1 ... 3', 'measurements': 2}
    """
    source = read(trees, [], everything=True, info=True, definition=definition, annotations=annotations)
    rows = []
    for path in source.columns.paths:
        values = [value for value in source.columns[path] if value is not MISSING]
        kind = f"copy of {source.copies[path]}" if path in source.copies else role(path)
        described = _types(values), *_distinct_and_range(values), len(values)
        rows.append((path, source.names.of(path), kind, *described))
    return pd.DataFrame(rows, columns=_PATHS_COLUMNS)


def _types(values: list[Any]) -> str:
    return " or ".join(dict.fromkeys(map(_type, values)))


def _type(value: Any) -> str:
    if is_typed(value):
        return f"array of {value.get('dtype', 'numbers')}"
    if isinstance(value, list):
        inside = " or ".join(sorted(set(map(_type, value))))
        return f"list of {inside}" if inside else "list"
    return "None" if value is None else type(value).__name__


def _distinct_and_range(values: list[Any]) -> tuple[int, str]:
    """Return how many different values there are, and a few words on which."""
    texts = list(dict.fromkeys(map(_short, values)))
    if all(type(value) in (int, float) for value in values):
        numbers = [value for value in values if value == value]  # noqa: PLR0124
        if not numbers:
            return 1, "nan"
        low, high = min(numbers), max(numbers)
        return len(set(numbers)) + (
            len(numbers) < len(values)
        ), f"{low}" if low == high else f"{low} ... {high}"
    sizes = [_shape(value) for value in values if isinstance(value, (list, dict))]
    if sizes:
        low, high = min(sizes), max(sizes)
        return len(texts), f"shape {low}" if low == high else f"shape {low} ... {high}"
    return len(texts), listing(texts, most=3)


def _short(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


def _shape(value: Any) -> tuple[int, ...]:
    if isinstance(value, dict):
        return tuple(value.get("shape", ()))
    shape: tuple[int, ...] = ()
    while isinstance(value, list):
        shape, value = (*shape, len(value)), value[0] if value else None
    return shape

"""The content of an experiment, listed: its failures, and the paths in its measurements.

Rows of text and numbers, which need neither pandas nor xarray; and the same as DataFrames.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from coma_xr.define.values import NOTHING, look
from coma_xr.errors import DataFileError
from coma_xr.html import lines_of
from coma_xr.same import Mark, repeat_of
from coma_xr.text import clean_lines, interval, listing
from coma_xr.tree import LEAF_TYPES, TYPE, Numbers, Path, is_array, is_typed, join, leaves, role
from coma_xr.values.external import is_external
from coma_xr.values.plain import Tree, from_plain

if TYPE_CHECKING:
    import pandas as pd

    from coma_xr.retrieve.requests import Annotations, Definition, Recorded

_ID = "measurement_id"
_EXCEPTION = {"exception": "type", "message": "message", "line": "line"}
_ABOUT = ("date", "host")
_REPEAT = "repeat"
_PARTIAL = "partial"


def failures_columns(
    failures: Iterable[tuple[int, Tree]], definition: Sequence[tuple[str, Path]]
) -> dict[str, list[Any]]:
    """Return the ids, parameters and exceptions of records of failures, sorted by id."""
    failures = sorted(failures)
    trees = [tree for _, tree in failures]
    columns: dict[str, list[Any]] = {
        _ID: [number for number, _ in failures],
        **{name: [parameter_of(tree, path) for tree in trees] for name, path in definition},
    }
    if any(_REPEAT in tree["info"] for tree in trees):
        repeats = [repeat_of(tree) for tree in trees]
        columns[f"coma_{_REPEAT}" if _REPEAT in columns else _REPEAT] = repeats
    columns |= {
        name: [_shown(tree["exception"].get(key)) for tree in trees] for name, key in _EXCEPTION.items()
    }
    partial_paths = [[join(keys) for keys, _ in leaves(tree.get(_PARTIAL) or {}) if keys] for tree in trees]
    if any(partial_paths):
        columns[_PARTIAL] = [listing(paths) if paths else None for paths in partial_paths]
    return columns | {name: [tree["info"].get(name) for tree in trees] for name in _ABOUT}


def failures_table(
    failures: Iterable[tuple[int, Tree]], definition: Sequence[tuple[str, Path]]
) -> pd.DataFrame:
    """Return a row for each record of a failure.

    >>> record = {"info": {"date": "2026-11-22T13:00:00Z", "host": "n1"}, "parameters": {"x": 0},
    ...     "exception": {"type": "ZeroDivisionError", "message": "division by zero", "line": "a.py:1 in f"}}
    >>> failures_table([(1, record)], [("x", ("parameters", "x"))]).T
    measurement_id                     1
    x                                  0
    exception          ZeroDivisionError
    message             division by zero
    line                     a.py:1 in f
    date            2026-11-22T13:00:00Z
    host                              n1
    """
    import pandas as pd

    from coma_xr.values.pandas import table_of

    columns = failures_columns(failures, definition)
    index = pd.Index(columns.pop(_ID), name=_ID, dtype="int64")
    parameters = {name for name, _ in definition}
    return table_of(
        {
            name: values if name in parameters else pd.Series(values, index=index)
            for name, values in columns.items()
        },
        index,
    )


def parameter_of(tree: Tree, path: Path) -> Any:
    """Return the value of a parameter; None for a record from before it was one."""
    value = look(tree, path)
    try:
        return None if value is NOTHING else from_plain(value)
    except DataFileError:
        # The registered type of a record may not be known here.
        return value


def _shown(text: Any) -> Any:
    """Return the text of an exception without control characters; the record keeps it as it is."""
    return clean_lines(text) if isinstance(text, str) else text


COLUMNS = ("path", "name", "role", "type", "distinct", "range", "measurements")


def paths_table(trees: Iterable[tuple[int, Tree]], **meanings: Any) -> pd.DataFrame:
    """Return a table of all paths that lead to values.

    >>> table = paths_table([(1, {"parameters": {"a": 1}}), (2, {"parameters": {"a": 3}})])
    >>> table.iloc[0].to_dict()
    {'path': 'parameters/a', 'name': 'a', 'role': 'parameter', 'type': 'int', 'distinct': 2, 'range': '1 ... 3', 'measurements': 2}
    """
    import pandas as pd

    return pd.DataFrame(paths_rows(trees, **meanings), columns=list(COLUMNS))


def paths_rows(
    trees: Iterable[tuple[int, Tree]],
    *,
    definition: Definition = (),
    recorded: Recorded | None = None,
    annotations: Annotations | None = None,
) -> list[dict[str, Any]]:
    """Return the rows of this table.

    >>> paths_rows([(1, {"results": {"t": 0.5}})])[0]["range"]
    '0.5'
    """
    # They bring NumPy, which the failures do without.
    from coma_xr.retrieve.columns import MISSING
    from coma_xr.retrieve.requests import read

    source = read(
        trees,
        [],
        everything=True,
        info=True,
        definition=definition,
        recorded=recorded,
        annotations=annotations,
    )
    rows = []
    for path in source.columns.paths:
        values = source.columns[path]
        kinds = dict.fromkeys(map(type, values[:1] if type(values) is Numbers else values))
        if Mark in kinds:
            values = [value for value in values if value is not MISSING]
            del kinds[Mark]
        kind = f"copy of {join(source.copies[path])}" if path in source.copies else role(path)
        described = _types(values, kinds), *_distinct_and_range(values, set(kinds)), len(values)
        texts = [_legible(text) for text in (source.names.text(path), source.names.of(path), kind)]
        rows.append(dict(zip(COLUMNS, (*texts, *described), strict=True)))
    return rows


def _types(values: list[Any], kinds: Mapping[type, None]) -> str:
    if kinds.keys() <= LEAF_TYPES:
        values = [kind() for kind in kinds]
    return " or ".join(dict.fromkeys(map(_type, values)))


def _type(value: Any) -> str:
    if isinstance(value, dict):
        if is_array(value):
            return f"array of {value.get('dtype', 'numbers')}"
        if is_external(value):
            return f"external {str(value.get('type')).rpartition('.')[2]}"
        if is_typed(value):
            return str(value[TYPE]).rpartition(".")[2]
    if isinstance(value, list):
        inside = " or ".join(sorted(set(map(_type, value))))
        return f"list of {inside}" if inside else "list"
    return "None" if value is None else type(value).__name__


def _distinct_and_range(values: list[Any], kinds: set[type]) -> tuple[int, str]:
    """Return how many different values of some types there are, and a few words on which."""
    if type(values) is Numbers:
        import numpy as np

        different = np.unique(values.array)
        present = different[different == different]  # noqa: PLR0124
        if not len(present):
            return 1, "nan"
        # Of zeros with different signs the first counts.
        low, high = present[0].item() or min(values), present[-1].item() or max(values)
        return len(different), interval(low, high) + (", nan" if len(present) < len(different) else "")
    if kinds <= {int, float}:
        numbers = [value for value in values if value == value]  # noqa: PLR0124
        if not numbers:
            return 1, "nan"
        low, high = min(numbers), max(numbers)
        has_nan = len(numbers) < len(values)
        return len(set(numbers)) + has_nan, interval(low, high) + (", nan" if has_nan else "")
    if kinds in ({str}, {bool}):
        # Alike ones are described once.
        values = list(dict.fromkeys(values))
    labels = dict.fromkeys((isinstance(value, str), _short(value)) for value in values)
    texts = [repr(text) if is_text and (False, text) in labels else text for is_text, text in labels]
    sizes = [_shape(value) for value in values if _has_shape(value)]
    if sizes:
        low, high = min(sizes), max(sizes)
        return len(texts), f"shape {low}" if low == high else f"shape {low} ... {high}"
    return len(texts), _legible(listing(texts, most=3))


def _legible(text: str) -> str:
    # pandas takes no halves of surrogate pairs.
    return text.encode("utf-8", "backslashreplace").decode()


def _has_shape(value: Any) -> bool:
    if isinstance(value, dict):
        return is_array(value) or is_external(value)
    return isinstance(value, list) or _is_array_of_xarray(value)


def _is_array_of_xarray(value: Any) -> bool:
    # There is none before somebody has imported xarray, which takes longer than all of the rest.
    xarray = sys.modules.get("xarray")
    return xarray is not None and isinstance(value, xarray.DataArray)


def _short(value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, dict):
        if is_external(value):
            return str(value.get("sha256"))
        if not is_array(value):
            value = from_plain(value)
    return str(value) if isinstance(value, (str, dt.date, dt.timedelta)) else "\n".join(lines_of(value))


def _shape(value: Any) -> tuple[int, ...]:
    if _is_array_of_xarray(value):
        return tuple(value.shape)
    if isinstance(value, dict):
        sizes = value.get("shape")
        # What the file says; one that lies is named where it is read.
        return tuple(sizes) if isinstance(sizes, list) and set(map(type, sizes)) <= {int} else ()
    shape: tuple[int, ...] = ()
    while isinstance(value, list):
        shape, value = (*shape, len(value)), value[0] if value else None
    return shape

"""Failed parameter sets as columns and as a DataFrame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from coma_xr.define.values import NOTHING, look
from coma_xr.errors import DataFileError
from coma_xr.text import clean_lines, listing
from coma_xr.tree import Path, join, leaves
from coma_xr.values.plain import Tree, from_plain

if TYPE_CHECKING:
    import pandas as pd

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
    repeats = [tree["info"].get(_REPEAT) for tree in trees]
    if _REPEAT not in columns and any(repeat is not None for repeat in repeats):
        columns[_REPEAT] = repeats
    columns |= {
        name: [_shown(tree["exception"].get(key)) for tree in trees] for name, key in _EXCEPTION.items()
    }
    kept = [[join(keys) for keys, _ in leaves(tree.get(_PARTIAL) or {}) if keys] for tree in trees]
    if any(kept):
        columns[_PARTIAL] = [listing(paths) if paths else None for paths in kept]
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

    from coma_xr.values.pandas import column_of

    columns = failures_columns(failures, definition)
    index = pd.Index(columns.pop(_ID), name=_ID, dtype="int64")
    parameters = {name for name, _ in definition}
    return pd.DataFrame(
        {
            name: column_of(values, index) if name in parameters else values
            for name, values in columns.items()
        },
        index=index,
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

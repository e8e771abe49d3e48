"""A scan as HTML."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from coma_xr.define.exact import shown
from coma_xr.define.parameters import Definition
from coma_xr.define.values import BRANCH
from coma_xr.html import ROWS, fold, fragment, several, table, tag, text_of
from coma_xr.tree import join

if TYPE_CHECKING:
    from coma_xr.define.axes import Axis, Row

_NOBODY = Definition((), ())

# So many values of a long axis are looked at.
_FIRST = 3


def scan_html(definition: Definition, axes: Sequence[Axis], rows: Sequence[Row] | None) -> str:
    """Return what a notebook shows of a scan: its axes, and the first sets of one that is not long."""
    number = _number(axes) if rows is None else len(rows)
    values = None if rows is None else [shown(row) for row in rows]
    title = tag("span", "Scan", class_="coma-title")
    sets = (
        f" of {number:,} parameter set{'s' * (number != 1)}"
        if number is not None
        else ", long: len(scan) counts it"
    )
    paths = [path == (BRANCH, name) for name, path in definition]
    header: list[str] = ["parameter", "values", "", *([] if all(paths) else ["path"])]
    lines = [line[: len(header)] for line in _lines(definition, axes, values)]
    parameters = table(header, lines, what="parameters", most=2 * ROWS)
    first = fold("First sets", table(definition.names, values[:ROWS], total=len(values))) if values else None
    return fragment(title, tag("span", sets, class_="coma-muted"), parameters, first)


def _number(axes: Sequence[Axis]) -> int | None:
    """Return the number of sets, as far as it is known without making them up."""
    sizes = [axis.size for axis in axes]
    known = [size for size in sizes if size is not None]
    return math.prod(known) if len(known) == len(sizes) else None


def _lines(
    definition: Definition, axes: Sequence[Axis], sets: Sequence[Sequence[Any]] | None
) -> Iterator[tuple[object, ...]]:
    """Yield for each parameter its values, and how they come about; for conditions only these."""
    parameters = enumerate(definition)
    for axis in axes:
        how = str(axis).rpartition(": ")[2] if axis.names else str(axis)
        if not axis.names:
            yield "", tag("span", how, class_="coma-code")
        for place, name in enumerate(axis.names):
            column, (_, path) = next(parameters)
            values = _first(axis, place) if sets is None else several(row[column] for row in sets)
            yield tag("span", name, class_="coma-code"), values, "" if how.isdigit() else how, join(path)


def _first(axis: Axis, place: int) -> str:
    """Return the first values of an axis that depends on nothing, and how many it has."""
    if axis.size is None or any(state.get("derived") for state in axis.to_state()):
        return ""
    rows = list(islice(axis.rows(_NOBODY, ()), _FIRST))
    texts = [text_of(value) for value in shown(row[place] for row in rows)]
    more = "" if axis.size == len(rows) else f", ... ({axis.size:,} values)"
    return f"{', '.join(texts)}{more}"

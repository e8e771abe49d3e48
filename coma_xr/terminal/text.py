"""How things look in a terminal: plain text, without colours; no wider than a terminal that shows it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from coma_xr.encoding import json
from coma_xr.text import clean
from coma_xr.values.plain import to_plain

_LONGEST = 80


def said(text: str) -> None:
    """Print a line on standard error, where people look and no program reads."""
    print(f"coma-xr: {text}", file=sys.stderr)


def short(value: object) -> str:
    """Return a value for the cell of a table.

    Examples
    --------
    >>> short(0.1 + 0.2), short(None), short(True), short("Ising")
    ('0.3', '', 'True', 'Ising')
    """
    if value is None:
        return ""
    text = f"{value:.6g}" if isinstance(value, float) else clean(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ..."


def number_of(number: int, what: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> number_of(1, "measurement"), number_of(0, "measurement")
    ('1 measurement', '0 measurements')
    """
    return f"{number} {what}{'s' * (number != 1)}"


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table: numbers to the right, text to the left, None as nothing."""
    rows = [tuple(row) for row in rows]
    cells = [tuple(map(clean, columns)), *(tuple(map(short, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    right = [_is_number(column) for column in zip(*rows, strict=True)] or [False] * len(columns)
    for line in cells:
        padded = [
            cell.rjust(width) if numeric else cell.ljust(width)
            for cell, width, numeric in zip(line, widths, right, strict=True)
        ]
        print(fitting("  ".join(padded).rstrip()))


def _is_number(column: Sequence[Any]) -> bool:
    return all(value is None or isinstance(value, (int, float)) for value in column)


def fitting(line: str) -> str:
    """Return a line cut to the width of the terminal that shows standard output; whole for a file or pipe."""
    try:
        width = os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        return line
    return line if not width or len(line) <= width else f"{line[: max(width - 3, 0)]}..."


def print_json(value: Any) -> None:
    """Print something for a program: strictly legal JSON; what JSON has no form for as in measurement files."""
    print(json.encode(to_plain(value), strict=True).decode())

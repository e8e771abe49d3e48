"""Print tables, lines and JSON: in colour where a terminal shows them, and no wider than it is."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, TextIO

from coma_xr.encoding import json
from coma_xr.text import clean, cut, numbers
from coma_xr.values.plain import to_plain

# Characters of a cell at most, and of a cell that is cut so that a table fits into the terminal.
_LONGEST, _SHORTEST = 80, 12

Style = Literal["bold", "faint", "bad", "good", "note"]

# The 16 colours of each terminal, which its user has chosen to be legible.
_CODES: Mapping[Style, str] = {"bold": "1", "faint": "2", "bad": "31", "good": "32", "note": "35"}
_STYLED = re.compile(r"\x1b\[\d+m")


def has_colour(stream: TextIO) -> bool:
    """Whether a stream is a terminal that shows colours, and the user wants them."""
    try:
        is_terminal = stream.isatty()
    except ValueError:
        return False
    return is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def painted(text: str, style: Style | None, stream: TextIO | None = None) -> str:
    """Return text in a style, or as it is where there is no colour."""
    if not text or style is None or not has_colour(stream or sys.stdout):
        return text
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m"


def notice(text: str, style: Style | None = None) -> None:
    """Print lines on standard error, where people look and no program reads, broken between words in a terminal."""
    lines = f"coma-xr: {text}".split("\n")
    columns = _columns(sys.stderr)
    if columns is not None:
        lines = [part for line in lines for part in _broken(line, columns)]
    lines[0] = lines[0].replace("coma-xr:", painted("coma-xr:", style, sys.stderr), 1)
    print("\n".join(lines), file=sys.stderr)


def say(text: str) -> None:
    """Print a line, broken between words in a terminal."""
    columns = terminal_width()
    print("\n".join([text] if columns is None else _broken(text, columns)))


def _broken(line: str, columns: int) -> list[str]:
    """Return a line broken into parts that fit; an indented line, such as the excerpt of an error, stays whole."""
    if line.startswith("  "):
        return [line]
    lines: list[str] = []
    for word in line.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width(_STYLED.sub("", longer)) <= columns:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def terminal_width() -> int | None:
    """Return the columns of the terminal that shows standard output; None for a file or pipe."""
    return _columns(sys.stdout)


def _columns(stream: TextIO) -> int | None:
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None


def fitting(line: str) -> str:
    """Return a line cut to the width of the terminal; whole for a file or pipe."""
    columns = terminal_width()
    return line if columns is None else _cut_end(line, columns)


def _cut_end(text: str, most: int) -> str:
    if width(text) <= most:
        return text
    while text and width(text) > most - 3:
        text = text[:-1]
    return f"{text}..."[:most]


def width(text: str) -> int:
    """Return the columns that text takes: East Asian characters take two, accents none.

    >>> width("abc"), width("\u4e2d\u6587"), width("e\u0301")
    (3, 4, 1)
    """
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)


class _Column:
    """A column of a table: its values as text, and the width that is left for them."""

    def __init__(
        self, name: str, values: Sequence[Any], choose: Callable[[Any], Style | None] | None
    ) -> None:
        self.name = name
        self.cells = [clean(name), *_texts(values)]
        self.styles: list[Style | None] = ["bold", *(choose and choose(value) for value in values)]
        self.is_right = bool(values) and all(
            value is None or isinstance(value, (int, float)) for value in values
        )
        self.width = max(map(width, self.cells))
        self.shortest = min(self.width, max(width(self.cells[0]), _SHORTEST))

    def cell(self, row: int) -> str:
        """Return a cell, cut to the width and filled up to it."""
        text = self.cells[row]
        if width(text) > self.width:
            # A range with a second gap would look like one of other numbers.
            in_middle = self.width > 2 * _SHORTEST and self.name != "range"
            text = cut(text, self.width) if in_middle else _cut_end(text, self.width)
        blanks = " " * (self.width - width(text))
        return f"{blanks}{text}" if self.is_right else f"{text}{blanks}"


def cell_of(value: Any) -> Any:
    """Return a value as a table has it: the items of a list in one cell."""
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], **options: Any) -> None:
    """Print a table, see `table_lines`; standard error names the columns that a narrow terminal has no place for."""
    shown, most = _fitted(columns, rows, **options)
    for line in _lines(shown, most):
        print(line)
    names = {column.name for column in shown}
    if left_out := [name for name in columns if name not in names]:
        notice(f"columns left out in a terminal of {most} characters: {', '.join(map(clean, left_out))}")


def table_lines(columns: Sequence[str], rows: Iterable[Sequence[Any]], **options: Any) -> list[str]:
    """Return the lines of a table: numbers to the right, text to the left, None as nothing.

    In a terminal that is too narrow, the columns `optional` are left out, the first of them first; then long strings are
    cut, except in the columns `whole`; then the columns `spare` are left out. `styles` choose the styles of cells by their
    values.
    """
    return _lines(*_fitted(columns, rows, **options))


def _fitted(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    whole: Collection[str] = ("range",),
    optional: Sequence[str] = (),
    spare: Sequence[str] = (),
    styles: Mapping[str, Callable[[Any], Style | None]] | None = None,
) -> tuple[list[_Column], int | None]:
    """Return the columns of a table that fit, and the width of the terminal."""
    rows = list(rows)
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    shown = [
        _Column(name, column, (styles or {}).get(name)) for name, column in zip(columns, values, strict=True)
    ]
    most = terminal_width()
    if most is not None:
        for name in optional:
            if _total(shown) > most:
                shown = [column for column in shown if column.name != name]
        _shrink([column for column in shown if not column.is_right and column.name not in whole], shown, most)
        for name in spare:
            if _total(shown) > most:
                shown = [column for column in shown if column.name != name]
    return shown, most


def _lines(shown: Sequence[_Column], most: int | None) -> list[str]:
    return [
        _row_line([(column.cell(row), column.styles[row]) for column in shown], most)
        for row in range(len(shown[0].cells) if shown else 0)
    ]


def _total(columns: Sequence[_Column]) -> int:
    return sum(column.width for column in columns) + 2 * (len(columns) - 1)


def _shrink(columns: Sequence[_Column], shown: Sequence[_Column], most: int) -> None:
    """Make the widest of some columns narrower until the table fits, as far as that is possible."""
    while _total(shown) > most:
        wide = [column for column in columns if column.width > column.shortest]
        if not wide:
            return
        max(wide, key=lambda column: column.width).width -= 1


def _row_line(cells: Sequence[tuple[str, Style | None]], most: int | None) -> str:
    """Return the cells of a row without blanks at its end, up to the edge of the terminal."""
    line = "  ".join(text for text, _ in cells).rstrip()
    left = len(line) if most is None or width(line) <= most else len(_cut_end(line, most)) - 3
    parts = []
    for text, style in cells:
        kept = text[: max(left, 0)]
        left -= len(text) + 2
        # Only the text is styled, not the blanks around it.
        word = kept.strip()
        before, _, after = kept.partition(word) if word else (kept, "", "")
        parts.append(f"{before}{painted(word, style)}{after}")
    end = "..." if most is not None and width(line) > most else ""
    return "  ".join(parts).rstrip() + end


def _texts(values: Sequence[Any]) -> list[str]:
    """Return the values of a column, its floats in one notation."""
    floats = iter(numbers(value for value in values if isinstance(value, float)))
    return [next(floats) if isinstance(value, float) else _text(value) for value in values]


def _text(value: Any) -> str:
    return "" if value is None else cut(clean(value), _LONGEST)


def print_json(value: Any) -> None:
    """Print something for a program: strictly legal JSON; what JSON has no form for as in measurement files."""
    print(json.encode(to_plain(value), strict=True).decode())

"""HTML as text: escaping, tables, trees that fold, and the look of all of it in a notebook.

The content of a tag is text and escaped, unless a function of this module made it. No script is ever
written, and nothing that a page would load. Colours are those of the page around, light or dark.

This module imports nothing of the package, so that every other one can import it.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable, Sequence
from typing import Any

from coma_xr.text import label, numbers, visible

# So many rows of a table, and so many characters of a value, are shown unless more are asked for.
ROWS = 20
LONGEST = 200

# So many values are all named.
_FEW = 6

# So much of a traceback is shown, its end.
_TRACE = 12_000

_VOID = {"br", "col", "img", "meta", "source"}

# What has no place in a page: control characters but tab and line feed, halves of surrogate pairs.
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})

# Dark pages of the PyData theme put HTML on a light ground; these views take the colours of the page instead.
# Jupyter, and other pages, have rules for tables of their own; the class in front makes these stronger.
STYLE = """
.coma-xr {
  --coma-line: var(--jp-border-color2, rgba(128, 128, 128, 0.4));
  --coma-soft: rgba(128, 128, 128, 0.1);
  --coma-bad: var(--jp-error-color1, var(--vscode-errorForeground, light-dark(#b3261e, #ff7a6b)));
  --coma-bar: var(--jp-brand-color1, light-dark(#3f78b8, #5b93d0));
  color: inherit; font-size: 13px; line-height: 1.5; max-width: 100%; text-align: left;
}
html[data-theme=dark] .bd-content div.cell_output .text_html:has(.coma-xr):has(.coma-xr) { background: transparent; color: inherit; }
.coma-xr .coma-title { font-size: 1.15em; font-weight: 600; }
.coma-xr .coma-muted { opacity: 0.72; }
.coma-xr .coma-bad { color: var(--coma-bad); }
.coma-xr .coma-wide { overflow-x: auto; max-width: 100%; }
.coma-xr .coma-code, .coma-xr pre {
  font-family: var(--jp-code-font-family, ui-monospace, Menlo, Consolas, monospace); font-size: 12px;
}
.coma-xr pre {
  background: var(--coma-soft); color: inherit; margin: 4px 0; padding: 8px 10px; border: 0; border-radius: 4px;
  overflow: auto; max-height: 30em; white-space: pre; line-height: 1.4;
}
.coma-xr.coma-xr table { border-collapse: collapse; table-layout: auto; border: 0; margin: 6px 0; width: auto; color: inherit; font-size: 1em; }
.coma-xr.coma-xr table th, .coma-xr.coma-xr table td {
  border: 0; border-bottom: 1px solid var(--coma-line); padding: 2px 14px 2px 0; text-align: left;
  vertical-align: top; background: transparent; white-space: pre-wrap; overflow-wrap: break-word; min-width: 2.5em;
  max-width: 42em;
}
.coma-xr.coma-xr table th { font-weight: 600; }
.coma-xr.coma-xr table thead th { white-space: nowrap; overflow-wrap: normal; }
.coma-xr.coma-xr table tbody tr, .coma-xr.coma-xr table tbody tr:nth-child(odd), .coma-xr.coma-xr table tbody tr:hover { background: transparent; }
.coma-xr.coma-xr table .coma-number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.coma-xr progress { accent-color: var(--coma-bar); width: 16em; max-width: 100%; vertical-align: middle; }
.coma-xr details { margin: 1px 0; }
.coma-xr summary { cursor: pointer; display: list-item; }
.coma-xr summary:hover { background: var(--coma-soft); }
.coma-xr details > .coma-inside { margin-left: 5px; padding-left: 14px; border-left: 1px solid var(--coma-line); }
.coma-xr .coma-key { opacity: 0.72; }
.coma-xr .coma-leaf { padding-left: 1.1em; text-indent: -1.1em; overflow-wrap: anywhere; }
"""


class Html(str):
    """Text that is HTML already, and is put into a page as it is."""

    __slots__ = ()


def escape(value: object) -> Html:
    """Return a value as text in a page; HTML of this module stays what it is.

    >>> escape("a < b"), escape(tag("b", "!"))
    ('a &lt; b', '<b>!</b>')
    """
    if isinstance(value, Html):
        return value
    return Html(_UNFIT.sub("\ufffd", str(value)).translate(_ESCAPES))


def join(*parts: object) -> Html:
    """Return several parts one after the other; None is left out."""
    return Html("".join([escape(part) for part in parts if part is not None]))


def tag(name: str, /, *content: object, **attributes: object) -> Html:
    """Return an element.

    >>> tag("td", "x > 1", class_="coma-number")
    '<td class="coma-number">x &gt; 1</td>'
    """
    written = "".join([_attribute(key, value) for key, value in attributes.items()])
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(*content)}</{name}>")


def _attribute(name: str, value: object) -> str:
    if value is None or value is False:
        return ""
    key = name.rstrip("_").replace("_", "-")
    return f" {key}" if value is True else f' {key}="{escape(value)}"'


def fragment(*content: object) -> str:
    """Return what a notebook shows of an object: its content, with the look."""
    return str(tag("div", tag("style", Html(STYLE)), *content, class_="coma-xr"))


def page(title: str, *content: object, style: str = "") -> str:
    """Return a whole page, which loads nothing and runs nothing."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Html(STYLE + style)),
    )
    body = tag("body", tag("main", *content, class_="coma-xr"))
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def fold(summary: object, *content: object, is_open: bool = False) -> Html:
    """Return content that unfolds below its summary."""
    inside = tag("div", *content, class_="coma-inside")
    return tag("details", tag("summary", summary), inside, open=is_open)


def trace(text: str) -> Html:
    """Return a traceback or another long text of a program, without its beginning if it is very long."""
    cut = f"({len(text) - _TRACE:,} characters left out)\n..." if len(text) > _TRACE else ""
    return tag("pre", cut, text[-_TRACE:], tabindex=0)


def facts(pairs: Iterable[tuple[object, object]]) -> Html:
    """Return a table of names and values; pairs without a value are left out."""
    rows = [
        tag("tr", tag("th", name, scope="row"), tag("td", value))
        for name, value in pairs
        if value not in (None, "")
    ]
    return _wide(tag("table", tag("tbody", *rows))) if rows else Html()


def _wide(content: Html) -> Html:
    """Return a table in a box in which it can be moved where it is too wide, also with the keyboard."""
    return tag("div", content, class_="coma-wide", tabindex=0, role="group", aria_label="Table")


def table(
    header: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    total: int | None = None,
    most: int = ROWS,
    what: str = "rows",
) -> Html:
    """Return a table.

    >>> print(table(["x"], [[1], [2], [3]], most=2).partition("</table>")[2])
    </div><div class="coma-muted">... and 1 more rows</div>
    """
    shown: list[Html] = []
    number = 0
    for number, row in enumerate(rows, 1):
        if number <= most:
            shown.append(tag("tr", *map(_cell, (*row, *[None] * (len(header) - len(row))))))
        elif total is not None:
            break
    head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in header)))
    left = max(number, total or 0) - len(shown)
    more = tag("div", f"... and {left:,} more {what}", class_="coma-muted") if left else None
    return join(_wide(tag("table", head, tag("tbody", *shown))), more)


def _cell(value: object) -> Html:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    content = "" if value is None else value if isinstance(value, Html) else text_of(value)
    return tag("td", content, class_="coma-number" if is_number else None)


class _Short(reprlib.Repr):
    """Says in a few words what a value is."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = self.maxarray = 6
        self.maxlevel = 4
        self.maxstring = self.maxother = LONGEST

    def repr_int(self, x: int, level: int) -> str:  # noqa: ARG002
        # Python refuses to write very long ones.
        return repr(x) if x.bit_length() < 256 else f"an int of {x.bit_length():,} bits"

    def repr_instance(self, x: Any, level: int) -> str:  # noqa: ARG002
        lines = lines_of(x)
        return _cut(" ".join(line.strip() for line in lines[:8]) + (" ..." if len(lines) > 8 else ""))


_short = _Short()


def lines_of(value: object) -> list[str]:
    """Return the lines of what Python calls a value."""
    try:
        return repr(value).split("\n")
    except Exception as error:  # noqa: BLE001  a value that cannot say what it is does not hide the others
        return [f"<{type(value).__name__}, repr() raises {type(error).__name__}>"]


# Their repr names the type.
_TIMES = {"date", "datetime", "time", "timedelta", "datetime64", "timedelta64", "Timestamp", "Timedelta"}


def short(value: object) -> str:
    """Return what Python calls a value, cut where it is long.

    >>> short("Ising"), short(list(range(100)))
    ("'Ising'", '[0, 1, 2, 3, 4, 5, ...]')
    """
    return _cut(_short.repr(value))


def text_of(value: object) -> str:
    """Return a value as `short` does, but text without quotation marks, and dates and durations as text."""
    is_text = isinstance(value, str) or type(value).__name__ in _TIMES
    return _cut(label(value)) if is_text else short(value)


def several(values: Iterable[object]) -> str:
    """Return in a few words which values these are: all of few, the range of many numbers, the first of others.

    >>> several([2, 1, 2]), several(range(100)), several("abcdefghij")
    ('2, 1', '0 ... 99 (100 values)', 'a, b, c, d, e, f, ... (10 values)')
    >>> several([1, "1", None, ""])
    "1, '1', None, ''"
    """
    found = list(values)
    others = {text_of(value) for value in found if not isinstance(value, str)}
    texts = list(
        dict.fromkeys(
            short(value)
            if isinstance(value, str) and (value in others or value != visible(value))
            else text_of(value)
            for value in found
        )
    )
    kinds = set(map(type, found))
    if len(texts) <= _FEW:
        return ", ".join(numbers(map(float, texts)) if kinds == {float} else texts)
    if kinds <= {int, float}:
        # More than a few strings; at most one of them is NaN.
        present: list[Any] = [value for value in found if value == value]  # noqa: PLR0124
        which = f"{_rounded(min(present))} ... {_rounded(max(present))}"
    else:
        which = f"{', '.join(texts[:_FEW])}, ..."
    return f"{which} ({len(texts):,} values)"


def _rounded(number: Any) -> str:
    return f"{number:.6g}" if isinstance(number, float) else text_of(number)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text):,} characters)"

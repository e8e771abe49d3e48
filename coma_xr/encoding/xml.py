"""The XML text of plain trees: what Coma 2 and Boost.Serialization write is read, Coma 2's layout is written.

A dictionary is an element for each key, a list is ``<count>``, ``<item_version>`` and ``<item>`` s, None is an
empty element. Bare text that looks like a number is one. What would not come back from that says what it
is in an attribute, which Coma 2 and Boost pass over: ``class_name="str"``, ``"bool"``, or ``"json"``
with the value as JSON text for all that XML has no form for.
"""

from __future__ import annotations

import json as standard_json
from typing import Any

from coma_xr.encoding import json, xml_reader
from coma_xr.encoding.markup import NUMBER, NUMERIC, SPECIAL, escape, is_name, is_writable

SUFFIX = ".xml"

decode = xml_reader.decode

# The keys of dictionaries that look like a list.
_LIST = {"count", "bucket_count", "item_version", "item"}


def encode(tree: Any, *, pretty: bool = True, strict: bool = False) -> bytes:  # noqa: ARG001
    """Return the text of a plain tree.

    Examples
    --------
    >>> print(encode({"measurement": {"E": [0.1], "version": "1.0", "done": True}}).decode())
    <measurement>
      <E>
        <count>1</count>
        <item_version>0</item_version>
        <item>0.1</item>
      </E>
      <version class_name="str">1.0</version>
      <done class_name="bool">1</done>
    </measurement>
    """
    ((root, value),) = tree.items()
    writer = _Writer(pretty)
    writer.element(root, value, "")
    return writer.text()


class _Writer:
    """Collects the lines of a text; of a compact one they have no indent and no end."""

    def __init__(self, pretty: bool) -> None:
        self._pretty = pretty
        self._step, self._end = ("  ", "\n") if pretty else ("", "")
        self._none = "/" if pretty else " /"
        self._lines: list[str] = []

    def text(self) -> bytes:
        return "".join(self._lines).encode()

    def line(self, text: str) -> None:
        self._lines.append(text + self._end)

    def element(self, name: str, value: Any, indent: str) -> None:
        """Write an element for a plain tree."""
        kind = type(value)
        if kind is str:
            self._lines.append(self._of_text(name, value, indent))
        elif kind is float or kind is int:
            self._of_number(name, value, indent)
        elif kind is list:
            self._of_list(name, value, indent)
        elif kind is dict:
            self._of_dictionary(name, value, indent)
        elif value is None:
            self.line(f"{indent}<{name}{self._none}>")
        elif kind is bool:
            self.line(f'{indent}<{name} class_name="bool">{value:d}</{name}>')
        else:
            raise TypeError(f"{name}: a plain tree has no {kind.__name__}")

    def _of_number(self, name: str, number: float, indent: str) -> None:
        try:
            digits = _digits(number)
        except ValueError:  # an int of more digits than Python reads
            self._lines.append(self._json(name, number, indent))
        else:
            self._lines.append(f"{indent}<{name}>{digits}</{name}>{self._end}")

    def _of_text(self, name: str, text: str, indent: str) -> str:
        if not is_writable(text):
            return self._json(name, text, indent)
        mark = "" if text and not _misread(text) else ' class_name="str"'
        return f"{indent}<{name}{mark}>{escape(text, quotes=self._pretty)}</{name}>{self._end}"

    def _json(self, name: str, value: Any, indent: str) -> str:
        return f'{indent}<{name} class_name="json">{json_text(value)}</{name}>{self._end}'

    def _of_dictionary(self, name: str, tree: dict[str, Any], indent: str) -> None:
        if not tree or not all(map(is_name, tree)) or _looks_like_a_list(tree):
            self._lines.append(self._json(name, tree, indent))
            return
        self.line(f"{indent}<{name}>")
        for key, child in tree.items():
            self.element(key, child, indent + self._step)
        self.line(f"{indent}</{name}>")

    def _of_list(self, name: str, items: list[Any], indent: str) -> None:
        inner = indent + self._step
        self.line(f"{indent}<{name}>")
        self.line(f"{inner}<count>{len(items)}</count>")
        self.line(f"{inner}<item_version>0</item_version>")
        if not self._numbers(items, inner):
            for item in items:
                self.element("item", item, inner)
        self.line(f"{indent}</{name}>")

    def _numbers(self, items: list[Any], indent: str) -> bool:
        """Write all items at once when they are numbers, which most lists are of; tell whether they are."""
        if not items or not {float, int}.issuperset(map(type, items)):
            return False
        between = f"</item>{self._end}{indent}<item>"
        try:
            self.line(f"{indent}<item>{between.join(map(_digits, items))}</item>")
        except ValueError:  # as in _of_number
            return False
        return True


_SPELLINGS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def _digits(number: float) -> str:
    text = repr(number)
    return _SPELLINGS.get(text, text)


def _misread(text: str) -> bool:
    return text[0] in NUMERIC and (text in SPECIAL or NUMBER.fullmatch(text) is not None)


def _looks_like_a_list(tree: dict[str, Any]) -> bool:
    return next(iter(tree)) == "count" and len(tree) > 1 and tree.keys() <= _LIST


def json_text(value: Any) -> str:
    """Return the JSON text of a value in ASCII, as the content of an element."""
    try:
        text = standard_json.dumps(value, separators=(",", ":"))
    except ValueError:  # ints of more digits than Python reads
        text = standard_json.dumps(json.without_long_ints(value), separators=(",", ":"))
    return escape(text)


# A measurement's text is made in two steps, as in `coma_xr.encoding.json`.

_MEASUREMENT = "measurement"


def encode_rest(tree: dict[str, Any], *, pretty: bool = True, strict: bool = False) -> bytes:  # noqa: ARG001
    """Return the text of a measurement from behind its `info` on."""
    if not all(map(is_name, tree)):
        # One key that is no name makes JSON text of the whole dictionary.
        return json_text(tree).encode()
    writer = _Writer(pretty)
    for key, child in tree.items():
        writer.element(key, child, "  " if pretty else "")
    writer.line(f"</{_MEASUREMENT}>")
    return writer.text()


def prepend_info(
    info: dict[str, Any],
    rest: bytes,
    *,
    pretty: bool = True,
    strict: bool = False,  # noqa: ARG001
) -> bytes:
    """Return the whole text of a measurement: `info`, then what `encode_rest` made.

    Examples
    --------
    >>> prepend_info({"measurement_id": 1}, encode_rest({"t": 1.5}, pretty=False), pretty=False)
    b'<measurement><info><measurement_id>1</measurement_id></info><t>1.5</t></measurement>'
    """
    writer = _Writer(pretty)
    if rest.startswith(b"{"):
        whole = f'{{"info":{json_text(info)},{rest.decode()[1:]}'
        writer.line(f'<{_MEASUREMENT} class_name="json">{whole}</{_MEASUREMENT}>')
        return writer.text()
    writer.line(f"<{_MEASUREMENT}>")
    writer.element("info", info, "  " if pretty else "")
    return writer.text() + rest

"""The XML text of plain trees: what Coma 2 and Boost.Serialization write is read, Coma 2's layout is written.

A dictionary is an element for each key, a list is ``<count>``, ``<item_version>`` and ``<item>`` s, None is an
empty element. Bare text that looks like a number is one. Other values carry their type
in an attribute, which Coma 2 and Boost skip: ``class_name="str"``, ``"bool"``, or ``"json"``
with the value as JSON text for all that XML has no form for.
"""

from __future__ import annotations

import json as standard_json
import math
import re
from typing import Any, Final, NoReturn
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser
from xml.parsers.expat import ErrorString

from coma_xr.encoding import boost, json
from coma_xr.encoding.boost import NUMBER, NUMERIC, SPECIAL, escape, is_name, is_writable
from coma_xr.errors import DataFileError
from coma_xr.tree import MAX_DEPTH, shown

SUFFIX = ".xml"

_DECLARATION = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml\s[^<>]*\?>")
_ENCODING = re.compile(rb"\sencoding\s*=\s*[\"']([^\"']*)[\"']")
_ENCODINGS = {"utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "us-ascii", "iso-8859-1": "iso-8859-1"}

# Without a word of its own: it defines nothing and names no other file.
_BARE_DOCTYPE = b"<!DOCTYPE boost_serialization>"
_HEADER = re.compile(rb"(?:\xef\xbb\xbf)?(?:<\?xml\s[^<>]*\?>)?\s*" + _BARE_DOCTYPE)

# An archive may name an object many times; written out, it must not become many times its size.
_MOST_COPIES = 1_000_000

_OURS = {"str", "bool", "null", "json"}
_BOOLS = {"1": True, "0": False}
_SIZES = {"bucket_count", "item_version"}
_PLAIN_NUMBERS = re.compile(r"[-+.,eE0-9]*")

_OPEN: Final = object()

# The keys behind "count" that make a dictionary look like a list.
_LIST = {"bucket_count", "item_version", "item"}


def encode(tree: Any, *, pretty: bool = True, strict: bool = False) -> bytes:  # noqa: ARG001
    """Return the text of a plain tree.

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
    """Collects the lines of a string; of a compact one they have no indent and no end."""

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
        """Write all items in one step if they are numbers; return whether they are."""
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
    return next(iter(tree)) == "count" and not _LIST.isdisjoint(list(tree)[1:])


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
        # One key that is not a name makes JSON text of the whole dictionary.
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


BETWEEN_ENTRIES = {True: b"", False: b""}


def encode_entries(trees: list[Any], *, pretty: bool = True, strict: bool = False) -> bytes:  # noqa: ARG001
    """Return the text of measurements as they stand in an experiment file.

    >>> encode_entries([{"t": 1.5}], pretty=False)
    b'<item><t>1.5</t></item>'
    """
    writer = _Writer(pretty)
    for tree in trees:
        writer.element("item", tree, "    " if pretty else "")
    return writer.text()


def decode_entries(text: bytes, number: int) -> Any:
    """Return the trees of measurements from their text, with the levels that are around it in an experiment file."""
    head = b"<a><b><count>%d</count><item_version>0</item_version>" % number
    return decode(head + text + b"</b></a>")["a"]["b"]


class _Bad(Exception):
    """A fault of an element; the path to it grows on the way up. Never leaves this module."""

    def __init__(self, reason: str, expected: str | None = None) -> None:
        self.reason, self.expected = reason, expected
        self.path: list[str] = []


class _Doctype(Exception):
    """A document type definition other than Boost's."""


class _Target(TreeBuilder):
    def doctype(self, *_: Any) -> NoReturn:
        raise _Doctype


def decode(data: bytes) -> Any:
    """Return the plain tree of a string.

    Raise DataFileError when it is no XML, has a document type definition other than Boost's, is nested deeper
    than `MAX_DEPTH`, or contradicts itself. The message states where in the text, not in which file.

    >>> decode(b"<measurement><E>1.5</E><label>a</label><none/></measurement>")
    {'measurement': {'E': 1.5, 'label': 'a', 'none': None}}
    """
    root = _parse(data)
    archive = boost.is_archive(root)
    reader = _Reader(archive)
    try:
        if not archive:
            return {root.tag: reader.value(root, 2)}
        if len(root):
            boost.mark_texts(root)
        values = boost.with_empty_arrays(root, reader.dictionary(root, 1 if len(root) == 1 else 2))
        return values if len(root) == 1 else {root.tag: values}
    except _Bad as bad:
        parents = [] if archive and len(root) == 1 else [root.tag]
        raise DataFileError(
            bad.reason, where=shown(parents + bad.path[::-1]), expected=bad.expected
        ) from None


def _parse(data: bytes) -> Element:
    boost.refuse_other_archives(data)
    if not data.strip(b" \t\r\n\0"):
        raise DataFileError.damaged("empty" if not data else "nothing but blanks or zero bytes")
    if b"\0" in data:
        raise DataFileError(f"a zero byte{_place(data, data.index(0))}", expected="valid XML")
    parser = XMLParser(target=_Target(), encoding=_encoding(data))
    header = _HEADER.match(data)
    if header:
        data = _without_doctype(data, header.end())
    try:
        parser.feed(data)
        root: Element = parser.close()
    except ParseError as error:
        line, column = error.position
        reason = f"not valid XML: {ErrorString(error.code)}, line {line}, column {column + 1}"
    except _Doctype:
        where = _place(data, data.find(b"<!DOCTYPE"))
        raise DataFileError(f"a DOCTYPE{where}; coma_xr reads no document type definitions") from None
    else:
        return root
    raise DataFileError.damaged(reason)


def _encoding(data: bytes) -> str:
    declaration = _DECLARATION.match(data)
    named = _ENCODING.search(declaration[0]) if declaration else None
    name = named[1].decode("ascii", "backslashreplace") if named else "utf-8"
    if name.lower() not in _ENCODINGS:
        raise DataFileError(f"the encoding {name[:40]!r}, line 1, is not read", expected="UTF-8")
    return _ENCODINGS[name.lower()]


def _without_doctype(data: bytes, end: int) -> bytes:
    header, body = data[: end - len(_BARE_DOCTYPE)], data[end:]
    if b"\r" not in header:
        # Boost writes one in a text as it is, and any parser makes a line feed of it.
        body = body.replace(b"\r", b"&#13;")
    return header + b" " * len(_BARE_DOCTYPE) + body


def _place(data: bytes, position: int) -> str:
    before = data[: max(position, 0)]
    return f", line {before.count(10) + 1}, column {len(before) - before.rfind(10)}"


class _Reader:
    """Turns elements into plain trees."""

    def __init__(self, archive: bool) -> None:
        self._archive = archive
        # From the first object on that has a member ``count`` and no other.
        self._has_counts = False
        self._objects: dict[str, Any] = {}
        self._copies = 0

    def value(self, element: Element, depth: int) -> Any:
        """Return the tree of an element whose children lie at a depth."""
        marks = element.keys()
        if not marks:
            return self._content(element, depth)
        kind = element.get("class_name")
        if kind in _OURS and "class_id" not in marks:
            return self._ours(str(kind), element, depth)
        reference = element.get("object_id_reference")
        if reference is not None:
            return self._again(reference, depth)
        if element.get("class_id") == "-1":
            return None
        if self._archive and not len(element) and "class_id" in marks:
            return {}
        identity = element.get("object_id")
        if identity is None:
            return self._content(element, depth)
        self._objects[identity] = _OPEN
        value = self._objects[identity] = self._content(element, depth)
        return value

    def _content(self, element: Element, depth: int) -> Any:
        if not len(element):
            return self._leaf(element.text)
        items = self._items(element) if element[0].tag == "count" else None
        value = self.dictionary(element, depth) if items is None else self._list(element, items, depth)
        return boost.meaning(element, value) if self._archive else value

    def _leaf(self, text: str | None) -> Any:
        if not text:
            return "" if self._archive else None
        if text[0] not in NUMERIC:
            return text
        number = NUMBER.fullmatch(text)
        if number is None:
            return SPECIAL.get(text, text)
        if not number[1]:
            try:
                return int(text)
            except ValueError as error:
                raise _Bad(str(error)) from None
        value = float(text)
        if math.isinf(value):
            raise _Bad(f"the number {text[:40]} is beyond the range of a float")
        return value

    def dictionary(self, element: Element, depth: int) -> dict[str, Any]:
        """Return the tree of an element whose children are keys."""
        self._check(element, depth)
        tree: dict[str, Any] = {}
        lists = boost.repeated(element) if self._archive else {}
        for child in element:
            tag = child.tag
            if tag in lists:
                if tag not in tree:
                    tree[tag] = self._array(tag, lists[tag], depth + 1)
                continue
            if tag in tree:
                raise _Bad(f"two elements {tag[:80]!r}", "one of them in a dictionary")
            try:
                tree[tag] = self.value(child, depth + 1)
            except _Bad as bad:
                bad.path.append(tag)
                raise
        return tree

    def _array(self, tag: str, items: list[Element], depth: int) -> list[Any]:
        try:
            return self._values(items, depth)
        except _Bad as bad:
            bad.path.append(tag)
            raise

    def _check(self, element: Element, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise _Bad(f"nested deeper than {MAX_DEPTH} levels")
        for text in {element.text, *[child.tail for child in element]}:
            if text and not text.isspace():
                raise _Bad(f"the text {text.strip()[:40]!r} next to elements", "text or elements")

    def _items(self, element: Element) -> list[Element] | None:
        """Return the items of a list; None when it is a dictionary with a key ``count``."""
        count = element[0].text or ""
        behind = 1
        while behind < len(element) and element[behind].tag in _SIZES:
            behind += 1
        items = element[behind:]
        tags = {item.tag for item in items}
        if behind > 1 and len(tags) > 1 and "item" in tags:
            raise _Bad(f"a list with the element {max(tags - {'item'})[:80]!r}", "only <item> elements")
        if tags - {"item"} or len(element[0]) or not count.isdecimal():
            return None
        if len(element) == 1:
            # A std::vector<bool> or std::valarray without items, or a dictionary of Coma's.
            self._has_counts = self._has_counts or boost.is_object_with_count(element)
            return items if self._archive and not self._has_counts else None
        if count == str(len(items)):
            return items
        if behind == 1 and len(items) == 1:
            return None
        raise _Bad(f"a list whose <count> is {count[:20]} has {len(items)} items", f"{count[:20]} items")

    def _list(self, element: Element, items: list[Element], depth: int) -> list[Any]:
        self._check(element, depth)
        return self._values(items, depth)

    def _values(self, items: list[Element], depth: int) -> list[Any]:
        # One by one takes several times as long, and most lists are of numbers.
        if not any(map(len, items)) and not any(map(Element.keys, items)):
            numbers = _numbers([item.text for item in items])
            if numbers is not None:
                return numbers
        values = []
        for number, item in enumerate(items):
            try:
                values.append(self.value(item, depth + 1))
            except _Bad as bad:
                bad.path.append(str(number))
                raise
        return values

    def _ours(self, kind: str, element: Element, depth: int) -> Any:
        text = element.text or ""
        if len(element):
            raise _Bad(f"an element of class_name {kind!r} holds elements", "text")
        if kind == "str":
            return text
        if kind == "null":
            return None
        if kind == "bool":
            if text not in _BOOLS:
                raise _Bad(f"a bool is {text[:40]!r}", "1 or 0")
            return _BOOLS[text]
        try:
            value = json.decode(text.encode())
        except DataFileError as error:
            raise _Bad(f"JSON text: {error.line()}") from None
        self._count(value, depth)
        return value

    def _again(self, reference: str, depth: int) -> Any:
        value = self._objects.get(reference, self)
        if value is self:
            raise _Bad(
                f"a pointer to the object {reference[:40]!r}, which does not exist", "an object before it"
            )
        if value is _OPEN:
            raise _Bad("an object that contains itself", "a tree")
        self._copies += self._count(value, depth)
        if self._copies > _MOST_COPIES:
            raise _Bad(f"references to objects that would expand to more than {_MOST_COPIES} values")
        return _copy(value)

    def _count(self, tree: Any, depth: int) -> int:
        """Return the number of values in a tree that comes to stand at a depth."""
        level, number = [tree], 1
        while level := [
            child
            for node in level
            if isinstance(node, (dict, list))
            for child in (node.values() if isinstance(node, dict) else node)
        ]:
            if depth > MAX_DEPTH:
                raise _Bad(f"nested deeper than {MAX_DEPTH} levels")
            number, depth = number + len(level), depth + 1
        return number


def _copy(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _copy(child) for key, child in tree.items()}
    return [_copy(item) for item in tree] if isinstance(tree, list) else tree


def _numbers(texts: list[str | None]) -> list[Any] | None:
    """Return numbers from their strings; None unless all are numbers and finite."""
    try:
        text = ",".join(texts)  # type: ignore[arg-type]
    except TypeError:
        return None
    if not _PLAIN_NUMBERS.fullmatch(text):
        return None
    try:
        numbers: list[Any] = json.decode(f"[{text}]".encode())
    except DataFileError:
        return None
    return numbers if len(numbers) == len(texts) else None

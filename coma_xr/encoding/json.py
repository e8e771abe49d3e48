"""The JSON text of plain trees: msgspec where it loses nothing, Python's own json where it would.

Both write the same text except for the spelling of exponents (``1e22`` and ``1e+22``). NaN and the
infinities are written bare, as Coma 2 wrote them, or, in strict text, as
``{"__type__": "coma.float", "value": "nan"}``. Ints of more digits than Python reads are
``{"__type__": "coma.int", "hex": "0x..."}``. All of these are always read.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from itertools import chain, compress, islice
from typing import Any

import msgspec

from coma_xr.errors import DataFileError
from coma_xr.tree import LEAF_TYPES, MAX_DEPTH, TYPE

SUFFIX = ".json"

_INDENT = 2
_COMPACT = (",", ":")
_PRETTY = (",", ": ")

_FLOAT = "coma.float"
_INT = "coma.int"

# Python reads ints of at most 4300 digits, unless it is told otherwise.
_MAX_BITS = 14_000

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


def encode(tree: Any, *, pretty: bool = True, strict: bool = False) -> bytes:
    """Return the text of a plain tree.

    >>> encode({"E": [1.5, float("nan")]}, pretty=False)
    b'{"E":[1.5,NaN]}'
    >>> encode(float("nan"), pretty=False, strict=True)
    b'{"__type__":"coma.float","value":"nan"}'
    """
    try:
        data = _encoder.encode(tree)
        # msgspec writes NaN and the infinities as null too.
        if b"null" not in data:
            return msgspec.json.format(data, indent=_INDENT) if pretty else data
        return _encode_with_null(tree, data, pretty, strict)
    except (UnicodeEncodeError, ValueError):
        return _encode_slowly(tree, pretty, strict)


# A text in the place of a number, in a spelling that msgspec writes for no text: it escapes no letter.
_BARE_TOKENS = {text: b'"\\u004e' + text.encode() + b'"' for text in ("NaN", "Infinity", "-Infinity")}


def _bare_token(number: float) -> msgspec.Raw:
    return msgspec.Raw(
        _BARE_TOKENS["NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"]
    )


def _encode_with_null(tree: Any, data: bytes, pretty: bool, strict: bool) -> bytes:
    """Return the text of a tree that has None, the word null, NaN or an infinity in it."""
    # NaN comes back as None, which it does not equal. This is faster than a step of Python for each value.
    if _decoder.decode(data) == tree:
        return msgspec.json.format(data, indent=_INDENT) if pretty else data
    marked = _replace(tree, _tag if strict else _bare_token)
    if marked is not tree:
        data = _encoder.encode(marked)
    if pretty:
        data = msgspec.json.format(data, indent=_INDENT)
    if marked is not tree and not strict:
        for text, token in _BARE_TOKENS.items():
            data = data.replace(token, text.encode())
    return data


def _tag(number: float) -> dict[str, str]:
    return {TYPE: _FLOAT, "value": "nan" if math.isnan(number) else "inf" if number > 0 else "-inf"}


def _tag_int(number: int) -> dict[str, str]:
    return {TYPE: _INT, "hex": hex(number)}


def _keep(number: float) -> float:
    return number


def _replace(
    tree: Any, not_finite: Callable[[float], Any], too_long: Callable[[int], Any] | None = None
) -> Any:
    """Return a tree with other things in place of some numbers; itself where there are none such."""
    kind = type(tree)
    if kind is float:
        return tree if math.isfinite(tree) else not_finite(tree)
    if kind is int:
        return too_long(tree) if too_long and tree.bit_length() > _MAX_BITS else tree
    if kind is list:
        kinds = set(map(type, tree))
        if kinds <= _UNTOUCHED and not (too_long and int in kinds):
            return tree
        if kinds == {float} and all(map(math.isfinite, tree)):
            return tree
        items = [_replace(item, not_finite, too_long) for item in tree]
        return items if any(map(_is_other, items, tree)) else tree
    if kind is dict:
        children = {key: _replace(child, not_finite, too_long) for key, child in tree.items()}
        return children if any(map(_is_other, children.values(), tree.values())) else tree
    return tree


def without_long_ints(tree: Any) -> Any:
    """Return a plain tree in which dictionaries stand for the ints that Python does not read as decimals.

    >>> without_long_ints({"n": 5})
    {'n': 5}
    """
    return _replace(tree, _keep, _tag_int)


_UNTOUCHED = LEAF_TYPES - {float}


def _is_other(one: object, other: object) -> bool:
    return one is not other


def _encode_slowly(tree: Any, pretty: bool, strict: bool) -> bytes:
    """Return the text by Python's own json, which knows lone surrogates."""
    text = json.dumps(
        _replace(tree, _tag, _tag_int) if strict else without_long_ints(tree),
        ensure_ascii=False,
        indent=_INDENT if pretty else None,
        separators=_PRETTY if pretty else _COMPACT,
    )
    # A lone surrogate has no UTF-8; Python's replacement for it is JSON's escape sequence.
    return text.encode("utf-8", "backslashreplace")


def decode(data: bytes) -> Any:
    """Return the plain tree of a string.

    Raise DataFileError when it is no JSON, nested deeper than `MAX_DEPTH`, or has a number that no float
    holds. The message states where in the text, not in which file.

    >>> decode(b'{"E": [1.5, -Infinity]}')
    {'E': [1.5, -inf]}
    >>> decode(b'[{"__type__": "coma.float", "value": "inf"}]')
    [inf]
    """
    try:
        tree = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        tree = _decode_slowly(data)
    if b"coma.float" in data or b"coma.int" in data:
        tree = _untag(tree, 0)
    if not _is_shallow(data):
        check_depth(tree)
    return tree


def _untag(tree: Any, level: int) -> Any:
    """Return a tree with numbers in place of what stands for them."""
    if level > MAX_DEPTH + 1:
        return tree
    if type(tree) is list:
        return [_untag(item, level + 1) if type(item) in _CONTAINERS else item for item in tree]
    if type(tree) is not dict:
        return tree
    if len(tree) == 2 and tree.get(TYPE) in (_FLOAT, _INT):
        return _number(tree)
    return {
        key: _untag(child, level + 1) if type(child) in _CONTAINERS else child for key, child in tree.items()
    }


_CONTAINERS = frozenset({dict, list})
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def _number(node: dict[str, Any]) -> Any:
    """Return the number of a stored form; the node when it has none."""
    value, digits = node.get("value"), node.get("hex")
    if node[TYPE] == _FLOAT and type(value) is str:
        return _NOT_FINITE.get(value, node)
    if node[TYPE] == _INT and type(digits) is str:
        try:
            return int(digits, 16)
        except ValueError:
            return node
    return node


def _decode_slowly(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8"), parse_float=_float)
    except json.JSONDecodeError as error:
        reason = f"not valid JSON: {error.msg}, line {error.lineno}, column {error.colno}"
        if not data.strip(b" \t\r\n\0"):
            reason = "empty" if not data else "nothing but blanks or zero bytes"
    except UnicodeDecodeError as error:
        reason = f"not UTF-8 text at byte {error.start}"
    except RecursionError:
        raise DataFileError(f"nested deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:
        raise DataFileError(str(error)) from None
    raise DataFileError.damaged(reason)


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"the number {text[:40]} is beyond the range of a float")
    return number


# In a text of so many bytes brackets are counted in no time, and there are mostly few.
_SHORT = 10_000
_NOT_OF_DEPTH = bytes(set(range(256)) - set(b'{}[]"'))


def _is_shallow(data: bytes) -> bool:
    """Whether the brackets of a valid text alone show that it is not nested deeper than `MAX_DEPTH`."""
    if len(data) <= _SHORT and data.count(b"{") + data.count(b"[") <= MAX_DEPTH:
        return True
    if b"\\" in data:
        # A quotation mark need not be the end of a string then.
        return False
    # What is left of a string without brackets is two quotation marks; those of other strings stay to the end.
    brackets = data.translate(None, _NOT_OF_DEPTH).replace(b'""', b"")
    # Each step takes away one level at least, and at most two.
    for _ in range(MAX_DEPTH // 2):
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
    return not brackets


def check_depth(tree: Any) -> None:
    """Raise DataFileError when a tree is nested deeper than `MAX_DEPTH`."""
    level = [tree]
    for _ in range(MAX_DEPTH):
        # Without a step of Python for each value: an experiment file has millions.
        children = [*chain.from_iterable(node.values() if type(node) is dict else node for node in level)]
        level = [*compress(children, map(_CONTAINERS.__contains__, map(type, children)))]
        if not level:
            return
    raise DataFileError(f"nested deeper than {MAX_DEPTH} levels")


# A measurement's text is made in two steps: the worker encodes what the function returned, the one
# who saves it puts `info` in front, as soon as the id is known, and needs not decode the rest for it.

# The measurements of an experiment file are encoded some at a time, since all trees take several times the memory of
# their text.

BETWEEN_ENTRIES = {True: b",\n      ", False: b","}


def encode_entries(trees: list[Any], *, pretty: bool = True, strict: bool = False) -> bytes:
    """Return the text of measurements as they stand in an experiment file.

    >>> encode_entries([{"results": {}}, {}], pretty=False)
    b'{"results":{}},{}'
    """
    text = encode(trees, pretty=pretty, strict=strict)
    # No string in JSON holds a raw line feed, so each one is the layout's.
    return text[len("[\n  ") : -len("\n]")].replace(b"\n", b"\n    ") if pretty else text[1:-1]


def decode_entries(text: bytes, number: int) -> Any:  # noqa: ARG001
    """Return the trees of measurements from their text, with the levels that are around it in an experiment file."""
    return decode(b"[[[" + text + b"]]]")[0][0]


class Entries:
    """The measurements of an experiment file, which are decoded some at a time.

    `is_marked`: strings stand for NaN and the infinities in what is decoded.
    """

    def __init__(self, texts: list[msgspec.Raw], *, is_marked: bool) -> None:
        self._texts, self._is_marked = texts, is_marked

    def __iter__(self) -> Iterator[Any]:
        """Yield the trees; DataFileError where one cannot be decoded."""
        texts = iter(self._texts)
        while some := [*islice(texts, _AT_A_TIME)]:
            joined = b",".join(some)
            if self._is_marked:
                for text, token in _BARE_TOKENS.items():
                    joined = joined.replace(token, text.encode())
            yield from decode_entries(joined, len(some))


_AT_A_TIME = 1000
_BARE = re.compile(rb"NaN|-?Infinity")
_decode_parts = msgspec.json.Decoder(dict[str, dict[str, msgspec.Raw]]).decode
_decode_texts = msgspec.json.Decoder(list[msgspec.Raw]).decode


def decode_archive(data: bytes) -> Any:
    """Return the tree of an experiment file as `decode` does, with its measurements as `Entries` where that is possible.

    >>> tree = decode_archive(b'{"experiment": {"info": {}, "measurements": [{"results": NaN}]}}')
    >>> [*tree["experiment"]["measurements"]]
    [{'results': nan}]
    """
    for is_marked in (False, True):
        # A string with such a word in it is none any more when that is in quotation marks.
        text = _BARE.sub(rb'"\\u004e\g<0>"', data) if is_marked else data
        try:
            parts = _decode_parts(text)["experiment"]
            entries = Entries(_decode_texts(parts.pop("measurements")), is_marked=is_marked)
            head = {name: next(iter(Entries([part], is_marked=is_marked))) for name, part in parts.items()}
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, DataFileError):
            continue
        return {"experiment": {**head, "measurements": entries}}
    return decode(data)


_HEAD = {True: b'{\n  "measurement": {\n    "info": ', False: b'{"measurement":{"info":'}
_TAIL = {True: b"\n  }\n}", False: b"}}"}


def encode_rest(tree: dict[str, Any], *, pretty: bool = True, strict: bool = False) -> bytes:
    """Return the text of a measurement from behind its `info` on."""
    # 0 holds the place of info.
    text = encode({"measurement": {"info": 0, **tree}}, pretty=pretty, strict=strict)
    return text[len(_HEAD[pretty]) + 1 :]


def prepend_info(info: dict[str, Any], rest: bytes, *, pretty: bool = True, strict: bool = False) -> bytes:
    """Return the whole text of a measurement: `info`, then what `encode_rest` made.

    >>> prepend_info({"measurement_id": 1}, encode_rest({"results": {}}, pretty=False), pretty=False)
    b'{"measurement":{"info":{"measurement_id":1},"results":{}}}'
    """
    text = encode({"measurement": {"info": info}}, pretty=pretty, strict=strict)
    return text[: -len(_TAIL[pretty])] + rest

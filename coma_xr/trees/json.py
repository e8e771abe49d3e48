"""The JSON text of plain trees: msgspec where it loses nothing, Python's own json where it would.

Both write the same text but for the spelling of exponents (``1e22`` and ``1e+22``). NaN and the
infinities are written bare, as Coma 2 wrote them.
"""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

from coma_xr.errors import DataFileError

__all__ = ["MAX_DEPTH", "SUFFIX", "decode", "encode", "encode_rest", "prepend_info"]

SUFFIX = ".json"

# Far inside what every parser and every supported Python can read and write.
MAX_DEPTH = 100

_INDENT = 2
_COMPACT = (",", ":")
_PRETTY = (",", ": ")

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


def encode(tree: Any, *, pretty: bool = True) -> bytes:
    """Return the text of a plain tree.

    Parameters
    ----------
    tree : dict, list, str, int, float, bool or None
        As `coma_xr.trees.plain.to_plain` makes it: nothing else is expected here.
    pretty : bool, default True
        Indent by two spaces.

    Returns
    -------
    bytes
        UTF-8; only lone surrogates are escaped.

    Examples
    --------
    >>> encode({"E": [1.5, float("nan")]}, pretty=False)
    b'{"E":[1.5,NaN]}'
    """
    try:
        data = _encoder.encode(tree)
    except (UnicodeEncodeError, ValueError):
        return _encode_slowly(tree, pretty)
    # msgspec writes NaN and the infinities as null too.
    if b"null" in data:
        return _encode_slowly(tree, pretty)
    return msgspec.json.format(data, indent=_INDENT) if pretty else data


def _encode_slowly(tree: Any, pretty: bool) -> bytes:
    text = json.dumps(
        tree,
        ensure_ascii=False,
        indent=_INDENT if pretty else None,
        separators=_PRETTY if pretty else _COMPACT,
    )
    # A lone surrogate has no UTF-8; Python's replacement for it is JSON's escape sequence.
    return text.encode("utf-8", "backslashreplace")


def decode(data: bytes) -> Any:
    """Return the plain tree of a text.

    Raises
    ------
    DataFileError
        When it is no JSON, nested deeper than `MAX_DEPTH`, or has a number that no float holds. The
        message says where in the text, not in which file.

    Examples
    --------
    >>> decode(b'{"E": [1.5, -Infinity]}')
    {'E': [1.5, -inf]}
    """
    try:
        tree = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        tree = _decode_slowly(data)
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH:
        check_depth(tree)
    return tree


def _decode_slowly(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8"), parse_float=_float)
    except json.JSONDecodeError as error:
        reason = f"no valid JSON: {error.msg}, line {error.lineno}, column {error.colno}"
        if not data.strip(b" \t\r\n\0"):
            reason = "empty" if not data else "nothing but blanks or zero bytes"
    except UnicodeDecodeError as error:
        reason = f"no UTF-8 text at byte {error.start}"
    except RecursionError:
        reason = f"nested deeper than {MAX_DEPTH} levels"
    except ValueError as error:
        reason = str(error)
    raise DataFileError(reason)


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"the number {text[:40]} is beyond the range of a float")
    return number


def check_depth(tree: Any) -> None:
    """Raise DataFileError when a tree is nested deeper than `MAX_DEPTH`."""
    level = [tree]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return
    raise DataFileError(f"nested deeper than {MAX_DEPTH} levels")


# A measurement's text is made in two steps: the worker encodes what the function returned, the one
# who saves it puts `info` in front, as soon as the id is known, and needs not decode the rest for it.

_HEAD = {True: b'{\n  "measurement": {\n    "info": ', False: b'{"measurement":{"info":'}
_INFO_INDENT = b"\n    "


def encode_rest(tree: dict[str, Any], *, pretty: bool = True) -> bytes:
    """Return the text of a measurement from behind its `info` on."""
    # 0 holds the place of info.
    return encode({"measurement": {"info": 0, **tree}}, pretty=pretty)[len(_HEAD[pretty]) + 1 :]


def prepend_info(info: dict[str, Any], rest: bytes, *, pretty: bool = True) -> bytes:
    """Return the whole text of a measurement: `info`, then what `encode_rest` made.

    Examples
    --------
    >>> prepend_info({"measurement_id": 1}, encode_rest({"results": {}}, pretty=False), pretty=False)
    b'{"measurement":{"info":{"measurement_id":1},"results":{}}}'
    """
    text = encode(info, pretty=pretty)
    if pretty:
        # No string in JSON holds a raw line feed, so each one is the layout's.
        text = text.replace(b"\n", _INFO_INDENT)
    return _HEAD[pretty] + text + rest

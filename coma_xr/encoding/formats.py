"""The formats of files, by the suffix of their names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from coma_xr.encoding import json, xml


@dataclass(frozen=True, slots=True)
class Format:
    """How the text of a plain tree is read and written.

    Parameters
    ----------
    suffix : str
        How the names of its files end, such as ``.json``.
    decode : function
        ``decode(data)`` returns the plain tree of a text.
    encode : function
        ``encode({root: tree}, pretty=True, strict=False)`` returns the text.
    encode_rest, prepend_info : function
        The text of a measurement in two steps, as in `coma_xr.encoding.json`.
    """

    suffix: str
    decode: Callable[..., Any]
    encode: Callable[..., bytes]
    encode_rest: Callable[..., bytes]
    prepend_info: Callable[..., bytes]


JSON = Format(json.SUFFIX, json.decode, json.encode, json.encode_rest, json.prepend_info)
XML = Format(xml.SUFFIX, xml.decode, xml.encode, xml.encode_rest, xml.prepend_info)

FORMATS = {format.suffix: format for format in (JSON, XML)}


def format_of(path: str) -> Format | None:
    """Return the format of a file by its name; None for a name of another kind.

    Examples
    --------
    >>> format_of("measurement.000001.xml").suffix
    '.xml'
    """
    for suffix, format in FORMATS.items():
        if path.endswith(suffix):
            return format
    return None

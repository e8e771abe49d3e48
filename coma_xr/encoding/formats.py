"""The formats of files, by the suffix of their names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from coma_xr.encoding import json, xml


@dataclass(frozen=True, slots=True)
class Format:
    """How the text of a plain tree is read and written."""

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

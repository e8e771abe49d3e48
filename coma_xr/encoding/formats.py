"""The text of plain trees: its formats by the suffix of a file's name, and numbers and lines as programs print them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

from coma_xr.encoding import json, xml
from coma_xr.errors import DataFileError


@dataclass(frozen=True, slots=True)
class Format:
    """How the text of a plain tree is read and written."""

    suffix: str
    decode: Callable[..., Any]
    decode_archive: Callable[[bytes], Any]
    encode: Callable[..., bytes]
    encode_rest: Callable[..., bytes]
    prepend_info: Callable[..., bytes]
    encode_entries: Callable[..., bytes]
    decode_entries: Callable[[bytes, int], list[Any]]
    between_entries: Mapping[bool, bytes]

    def encode_archive(
        self, experiment: dict[str, Any], number: int, entries: Sequence[bytes], *, pretty: bool, strict: bool
    ) -> bytes:
        """Return the text of an experiment file with `number` measurements, which `encode_entries` encoded.

        >>> JSON.encode_archive({"info": {}}, 3, [b"{},{}", b"{}"], pretty=False, strict=False)
        b'{"experiment":{"info":{},"measurements":[{},{},{}]}}'
        """
        places = [None] * number
        text = self.encode(
            {"experiment": {**experiment, "measurements": places}}, pretty=pretty, strict=strict
        )
        if not number:
            return text
        head, _, tail = text.rpartition(self.encode_entries(places, pretty=pretty, strict=strict))
        # Joined in one step: the text may be half of the memory.
        parts = [head, *chain.from_iterable(zip(entries, repeat(self.between_entries[pretty]), strict=False))]
        return b"".join([*parts[:-1], tail])


JSON = Format(
    json.SUFFIX,
    json.decode,
    json.decode_archive,
    json.encode,
    json.encode_rest,
    json.prepend_info,
    json.encode_entries,
    json.decode_entries,
    json.BETWEEN_ENTRIES,
)
XML = Format(
    xml.SUFFIX,
    xml.decode,
    xml.decode,
    xml.encode,
    xml.encode_rest,
    xml.prepend_info,
    xml.encode_entries,
    xml.decode_entries,
    xml.BETWEEN_ENTRIES,
)

FORMATS = {format.suffix: format for format in (JSON, XML)}


def format_of(path: str) -> Format | None:
    """Return the format of a file by its name; None for a name of another kind.

    >>> format_of("measurement.000001.xml").suffix
    '.xml'
    """
    for suffix, format in FORMATS.items():
        if path.endswith(suffix):
            return format
    return None


_INTEGER = re.compile(r"[-+]?[0-9]+")
# Fortran writes 1.5D+00 for a double.
_FLOAT = re.compile(
    r"[-+]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eEdD][-+]?[0-9]+)?|nan|inf|infinity)", re.IGNORECASE
)


def read_lines(data: bytes) -> Any:
    r"""Return what a string says.
    Raise DataFileError when it is not text.

    >>> read_lines(b"1.5"), read_lines(b"1 2.0"), read_lines(b"0.1\n0.2"), read_lines(b"not converged")
    (1.5, [1, 2.0], [0.1, 0.2], 'not converged')
    """
    try:
        lines = [line.strip() for line in data.decode("utf-8").splitlines()]
    except UnicodeDecodeError as error:
        raise DataFileError(f"not UTF-8 text at byte {error.start}") from None
    values = [_line(line) for line in lines if line]
    return values[0] if len(values) == 1 else values


def _line(line: str) -> Any:
    numbers = [_number(word) for word in line.split()]
    if None in numbers:
        return line
    return numbers[0] if len(numbers) == 1 else numbers


def _number(word: str) -> int | float | None:
    if _INTEGER.fullmatch(word):
        try:
            return int(word)
        except ValueError as error:
            raise DataFileError(str(error)) from None
    if _FLOAT.fullmatch(word):
        return float(word.lower().replace("d", "e"))
    return None

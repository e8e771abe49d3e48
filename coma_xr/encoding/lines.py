"""Numbers and lines, as programs print them."""

from __future__ import annotations

import re
from typing import Any

from coma_xr.errors import DataFileError

_INTEGER = re.compile(r"[-+]?[0-9]+")
# Fortran writes 1.5D+00 for a double.
_FLOAT = re.compile(
    r"[-+]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eEdD][-+]?[0-9]+)?|nan|inf|infinity)", re.IGNORECASE
)


def decode(data: bytes) -> Any:
    r"""Return what a string says.

    Raises
    ------
    DataFileError
        It is not text.

    Examples
    --------
    >>> decode(b"1.5"), decode(b"1 2.0"), decode(b"0.1\n0.2"), decode(b"not converged")
    (1.5, [1, 2.0], [0.1, 0.2], 'not converged')
    """
    try:
        lines = [line.strip() for line in data.decode("utf-8").splitlines()]
    except UnicodeDecodeError as error:
        raise DataFileError(f"no UTF-8 text at byte {error.start}") from None
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

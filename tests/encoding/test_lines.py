"""Numbers and lines, as programs print them."""

from __future__ import annotations

import pytest

from coma_xr.encoding import formats
from coma_xr.errors import DataFileError


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"12\n", 12),
        (b" -1.5e-3 ", -1.5e-3),
        (b"1.5D+02", 150.0),
        (b".5 5. +1", [0.5, 5.0, 1]),
        (b"-Infinity", float("-inf")),
        (b"1 2\n\n3 4\r\n", [[1, 2], [3, 4]]),
        (b"0.1\n0.2\nnot converged", [0.1, 0.2, "not converged"]),
        (b"1_000", "1_000"),
        (b"", []),
    ],
)
def test_lines_are_numbers_where_they_can_be(data, value):
    assert formats.read_lines(data) == value


def test_what_is_no_text_is_refused():
    with pytest.raises(DataFileError, match="not UTF-8 text at byte 1"):
        formats.read_lines(b"a\xff")
    with pytest.raises(DataFileError, match="Exceeds the limit"):
        formats.read_lines(b"9" * 5000)

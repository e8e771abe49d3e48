"""What every XML text keeps to: the names of its elements, the characters of its text."""

from __future__ import annotations

import re
from functools import lru_cache

# A number as JSON spells it. The group is there when it is a float.
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)((?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)")

# How a number, or one of the special ones, begins.
NUMERIC = "-0123456789NIni"

# What Coma 2 writes, then what C++ does.
SPECIAL = {
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
    "nan": float("nan"),
    "-nan": float("nan"),
    "inf": float("inf"),
    "-inf": float("-inf"),
}

# Other letters are legal, but neither Boost nor every XML library reads them.
_NAME = re.compile("[A-Za-z_][A-Za-z0-9_.-]*")

# Illegal in XML, except for the carriage return, which is read back as a line feed.
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")


@lru_cache(maxsize=4096)
def is_name(text: str) -> bool:
    """Whether an element can bear this name.

    Examples
    --------
    >>> is_name("theta_0"), is_name("1st"), is_name("a b")
    (True, False, False)
    """
    return _NAME.fullmatch(text) is not None


def is_writable(text: str) -> bool:
    """Whether XML gives a string back as it is."""
    return _UNWRITABLE.search(text) is None


def escape(text: str, *, quotes: bool = False) -> str:
    """Return the content of an element for a string.

    Examples
    --------
    >>> escape('a < "b"', quotes=True)
    'a &lt; &quot;b&quot;'
    """
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;") if quotes else text

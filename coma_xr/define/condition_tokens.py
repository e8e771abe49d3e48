"""The text of conditions in its smallest parts, and messages that point at one of them."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from coma_xr.errors import ParameterError

__all__ = ["CONSTANTS", "KEYWORDS", "Token", "pointing", "quoted", "tokens", "unreadable", "written"]

KEYWORDS: Final = frozenset({"and", "or", "not", "in", "is", "null"})
CONSTANTS: Final = {
    "True": True,
    "False": False,
    "None": None,
    "nan": float("nan"),
    "inf": float("inf"),
}

# Longer texts are no conditions that a person or a program wrote with sense.
MAX_TEXT = 100_000
MAX_DIGITS = 1000

_NUMBER = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SIGNS = ("**", "//", "<=", ">=", "==", "!=", *"<>+-*/%()[],.=")

# What other languages, or P, write in place of words.
_WRONG = {
    "&": "Write 'and', not &.",
    "|": "Write 'or', not |.",
    "~": "Write 'not', not ~.",
    "!": "Write 'not', or != for unequal.",
    "^": "A power is written **.",
}

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'", '"': '"'}
_CODES = {"x": 2, "u": 4, "U": 8}

# A longer line is cut to this many characters on both sides of the place.
_AROUND = 60


@dataclass(frozen=True, slots=True)
class Token:
    """One part of a text.

    Attributes
    ----------
    kind : str
        "name", "number", "text", "constant" or "end"; a keyword or sign is its own kind.
    value : object
        The name without backticks, the number, the text without quotation marks, the constant.
    start : int
        Its place in the text.
    """

    kind: str
    value: Any
    start: int


def tokens(text: str) -> Iterator[Token]:
    """Yield the parts of a text, "end" last.

    Raises
    ------
    ParameterError
        At a character that begins nothing. The message points at it.

    Examples
    --------
    >>> [token.value for token in tokens("`results/E` <= 1.5")]
    ['results/E', '<=', 1.5, '']
    """
    if len(text) > MAX_TEXT:
        raise ParameterError(f"A condition has at most {MAX_TEXT} characters; this text has {len(text)}.")
    place = 0
    while place < len(text):
        character = text[place]
        if character.isspace():
            place += 1
            continue
        if character == "`":
            token, place = _backticks(text, place)
        elif character in "'\"":
            token, place = _quoted_text(text, place)
        elif number := _NUMBER.match(text, place):
            token, place = _number(text, number), number.end()
        elif character.isidentifier():
            token, place = _word(text, place)
        else:
            token, place = _sign(text, place)
        yield token
    yield Token("end", "", len(text.rstrip()))


def _backticks(text: str, start: int) -> tuple[Token, int]:
    end = text.find("`", start + 1)
    # Two backticks inside stand for one.
    while end >= 0 and text[end + 1 : end + 2] == "`":
        end = text.find("`", end + 2)
    if end < 0:
        raise unreadable(text, start, "The backtick that begins here is never closed.")
    name = text[start + 1 : end].replace("``", "`")
    if not name.strip("/"):
        raise unreadable(text, start, "Between these backticks is no name.")
    return Token("name", name, start), end + 1


def _quoted_text(text: str, start: int) -> tuple[Token, int]:
    parts: list[str] = []
    place = start + 1
    while place < len(text):
        character = text[place]
        if character == text[start]:
            return Token("text", "".join(parts), start), place + 1
        if character != "\\":
            parts.append(character)
            place += 1
            continue
        kind = text[place + 1 : place + 2]
        digits = text[place + 2 : place + 2 + _CODES.get(kind, 0)]
        if kind in _ESCAPES:
            parts.append(_ESCAPES[kind])
        elif kind in _CODES and re.fullmatch(f"[0-9a-fA-F]{{{_CODES[kind]}}}", digits) and _is_code(digits):
            parts.append(chr(int(digits, 16)))
        else:
            raise unreadable(text, place, r"This is no escape; a backslash is written \\.")
        place += 2 + len(digits)
    raise unreadable(text, start, "The quotation mark that begins here is never closed.")


def _is_code(digits: str) -> bool:
    return int(digits, 16) <= 0x10FFFF


def _number(text: str, found: re.Match[str]) -> Token:
    written, start = found[0], found.start()
    after = text[found.end() : found.end() + 1]
    if after.isidentifier():
        raise unreadable(
            text, found.end(), "A number runs into a name here; write 2 * a, and names in backticks: `2a`."
        )
    if len(written) > MAX_DIGITS:
        raise unreadable(text, start, f"A number has at most {MAX_DIGITS} digits here.")
    return Token("number", int(written) if written.isdecimal() else float(written), start)


def _word(text: str, start: int) -> tuple[Token, int]:
    end = start + 1
    while end < len(text) and ("a" + text[end]).isidentifier():
        end += 1
    # As Python does it with attributes, so that a > 1 and P.a > 1 mean the same name.
    word = unicodedata.normalize("NFKC", text[start:end])
    if word in CONSTANTS:
        return Token("constant", CONSTANTS[word], start), end
    return Token(word if word in KEYWORDS else "name", word, start), end


def _sign(text: str, start: int) -> tuple[Token, int]:
    for sign in _SIGNS:
        if text.startswith(sign, start):
            return Token(sign, sign, start), start + len(sign)
    character = text[start]
    unknown = f"{character!r} means nothing here; a name with it stands in backticks."
    raise unreadable(text, start, _WRONG.get(character, unknown))


def quoted(name: str) -> str:
    """Return a name as text has it: bare, or in backticks.

    Examples
    --------
    >>> quoted("theta_0"), quoted("results/E"), quoted("in")
    ('theta_0', '`results/E`', '`in`')
    """
    bare = name.isidentifier() and name not in KEYWORDS and name not in CONSTANTS
    if bare and unicodedata.is_normalized("NFKC", name):
        return name
    return "`" + name.replace("`", "``") + "`"


def written(value: Any, python: bool) -> str:
    """Return a plain value, or a list of them, as text or Python has it.

    Examples
    --------
    >>> written([1, "a", float("nan")], python=False), written(float("-inf"), python=True)
    ("[1, 'a', nan]", "float('-inf')")
    """
    if isinstance(value, list):
        return f"[{', '.join([written(item, python) for item in value])}]"
    if python and isinstance(value, float) and not math.isfinite(value):
        return f"float('{value!r}')"
    return repr(value)


def pointing(text: str, place: int) -> str:
    """Return the line of a text that has a place, and a second one with a caret below it.

    Examples
    --------
    >>> print(pointing("A >> 3", 3))
        A >> 3
           ^
    """
    first = text.rfind("\n", 0, place) + 1
    last = text.find("\n", place)
    line = text[first : len(text) if last < 0 else last]
    column = place - first
    start, end = max(0, column - _AROUND), column + _AROUND
    before = "..." if start else ""
    cut = before + line[start:end] + ("..." if end < len(line) else "")
    shown = "".join(c if c.isprintable() else " " for c in cut)
    return f"    {shown}\n    {' ' * (column - start + len(before))}^"


def unreadable(text: str, place: int, message: str) -> ParameterError:
    """Return the error about one place in a text."""
    return ParameterError(f"The condition cannot be read. {message}\n{pointing(text, place)}")

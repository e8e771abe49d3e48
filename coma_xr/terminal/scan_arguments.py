"""Values of parameters as the command line gives them: literals, lists and four functions, parsed and never executed."""

from __future__ import annotations

import ast
import datetime as dt
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from coma_xr.errors import ParameterError
from coma_xr.text import as_clause, count, number, shortened

FUNCTIONS: Mapping[str, tuple[str, ...]] = {
    "range": ("start", "stop", "step"),
    "linspace": ("start", "stop", "num", "endpoint"),
    "logspace": ("start", "stop", "num", "endpoint", "base"),
    "geomspace": ("start", "stop", "num", "endpoint"),
}
"""The functions for values, and their arguments, as in Python and NumPy."""

# Numbers that one function makes at most, and digits of a number.
_MOST_VALUES, _MOST_DIGITS = 10**6, 400

_NAMES = {"pi": math.pi, "inf": math.inf, "nan": math.nan, "true": True, "false": False}

_OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}

# Text needs no quotes if it begins like a word or path and nothing in it belongs to a list, call or string.
_BARE = re.compile(r"[^\W\d][^\[\](){}'\"\s,]*|[./~][^\[\](){}'\"\s,]*[^\W\d][^\[\](){}'\"\s,]*")
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?")

# A date within brackets, which the parser takes for a difference.
_UNQUOTED_DATE = re.compile(r"\d{4} - \d{1,2} - \d{1,2}")

_OPENING, _CLOSING = "([{", ")]}"

# Values at each end that are shown before a run, at most, and the width in which they should fit.
_ENDS, _CELL = 3, 56


def parse_scan(words: Iterable[str]) -> dict[str, Any]:
    """Return the values of parameters given as ``NAME=VALUES``, by name.

    Raise ParameterError for a word of another form, a parameter that is given twice, and values that cannot
    be read.

    >>> parse_scan(["T=1,2.5", "model=Ising", "x=linspace(0,1,3)", "L=1/4"])
    {'T': [1, 2.5], 'model': 'Ising', 'x': [0.0, 0.5, 1.0], 'L': 0.25}
    """
    scan: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        name = name.strip()
        if not equals or not name:
            raise ParameterError(
                f"{word!r} does not set a parameter.",
                expected='NAME=VALUES, such as T=1,2,3 or "x=linspace(0,1,11)"',
                ways=[] if equals else [f"Write -o {word} for the directory of the experiment."],
            )
        if name in scan:
            raise ParameterError(
                f"The parameter '{name}' is given twice.", ways=[f"Join the values: {name}=1,2."]
            )
        scan[name] = _values(name, text.strip())
    return scan


def _values(name: str, text: str) -> Any:
    """Return one value, or the list of several; brackets around all of them make no difference."""
    items = _split(text)
    if not any(items):
        raise ParameterError(f"{name}= has no values.", expected=f"values such as {name}=1,2,3")
    is_list = len(items) == 1 and text.startswith("[") and text.endswith("]")
    if is_list:
        items = _split(text[1:-1]) if text[1:-1].strip() else []
    if not all(items):
        raise ParameterError(
            f"{name}={text} has nothing between two commas.", expected=f"values such as {name}=1,2,3"
        )
    values: list[Any] = []
    for item in items:
        node = _parsed(item)
        if isinstance(node, ast.Call):
            found = _called(name, node)
            if len(items) == 1:
                return found
            values += found
        else:
            values.append(_item(name, item, node))
    if len(values) == 1 and not is_list and not isinstance(values[0], (list, dict)):
        return values[0]
    return values


def _split(text: str) -> list[str]:
    """Return the parts between commas that are in no brackets and no quotes."""
    parts, depth, quote, is_escaped = [""], 0, "", False
    for character in text:
        if is_escaped:
            is_escaped = False
        elif quote:
            is_escaped = character == "\\"
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in _OPENING:
            depth += 1
        elif character in _CLOSING:
            depth -= 1
        elif character == "," and depth == 0:
            parts.append("")
            continue
        parts[-1] += character
    return [part.strip() for part in parts]


def _parsed(text: str) -> ast.expr | None:
    """Return text as Python's parser reads it; None when it is not an expression."""
    with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.parse(text, mode="eval").body
    return None


def _item(name: str, text: str, node: ast.expr | None) -> Any:
    """Return one value: a date, text without quotes, or what the parser reads."""
    if _DATE.fullmatch(text):
        with suppress(ValueError):
            return dt.date.fromisoformat(text) if len(text) == 10 else dt.datetime.fromisoformat(text)
    is_name = (
        isinstance(node, ast.Name) and node.id not in _NAMES and node.id.lower() not in {"true", "false"}
    )
    is_bare = _BARE.fullmatch(text) and not isinstance(node, (ast.Constant, ast.Name, ast.Call))
    if is_name or (is_bare and not _has_numbers_only(node)):
        return text
    if node is None:
        raise _unreadable(name, text)
    return _value(name, node)


def _has_numbers_only(node: ast.expr | None) -> bool:
    """Whether an expression is one of numbers, such as ``pi/2``, and not text with a hyphen or slash."""
    if node is None:
        return False
    names = [leaf.id for leaf in ast.walk(node) if isinstance(leaf, ast.Name)]
    return set(names) <= _NAMES.keys() and not any(isinstance(leaf, ast.Attribute) for leaf in ast.walk(node))


def _value(name: str, node: ast.expr) -> Any:
    """Return the value of a literal, of arithmetic with numbers, or of a list, tuple or dictionary of them."""
    match node:
        case ast.Constant(value=float() | complex() as value) if abs(value) == math.inf:
            raise ParameterError(
                f"{name}: a number is too large for a float.", expected="numbers up to 1.8e308, or inf"
            )
        case ast.Constant(value=value) if not isinstance(value, (bytes, type(...))):
            return value
        case ast.Name(id=word) if word.lower() in {"true", "false"} or word in _NAMES:
            return _NAMES.get(word, word.lower() == "true")
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            value = _number(name, operand)
            return -value if isinstance(node.op, ast.USub) else value
        case ast.BinOp() if _UNQUOTED_DATE.fullmatch(ast.unparse(node)):
            raise _unreadable(name, ast.unparse(node).replace(" ", ""))
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            return _computed(name, node, _number(name, left), type(sign), _number(name, right))
        case ast.List(elts=elements):
            return [_value(name, element) for element in elements]
        case ast.Tuple(elts=elements):
            return tuple(_value(name, element) for element in elements)
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return {
                _value(name, key): _value(name, value) for key, value in zip(keys, values, strict=True) if key
            }
        case ast.Call(func=ast.Name(id=called)) if called in FUNCTIONS:
            raise ParameterError(
                f"{name}: {called}() returns several values.", ways=["Use it outside of brackets."]
            )
        case ast.Call():
            return _called(name, node)
    raise _unreadable(name, ast.unparse(node))


def _number(name: str, node: ast.expr) -> Any:
    value = _value(name, node)
    if isinstance(value, bool) or not isinstance(value, (int, float, complex)):
        raise _unreadable(name, ast.unparse(node))
    return value


def _computed(name: str, node: ast.expr, left: Any, sign: type[ast.operator], right: Any) -> Any:
    try:
        if sign is ast.Pow and not isinstance(left, complex) and not isinstance(right, complex):
            digits = abs(right) * math.log10(max(abs(left), 2))
            if isinstance(left, int) and isinstance(right, int) and digits > _MOST_DIGITS:
                raise OverflowError
        value = _OPERATORS[sign](left, right)
        if abs(value) == math.inf and math.inf not in (abs(left), abs(right)):
            raise OverflowError
        return value
    except (ArithmeticError, ValueError):
        raise ParameterError(
            f"{ast.unparse(node)} cannot be computed", where=name, expected="a number"
        ) from None


def _called(name: str, node: ast.Call) -> Any:
    """Return the values that one of `FUNCTIONS` makes."""
    called = ast.unparse(node.func)
    if called not in FUNCTIONS:
        raise ParameterError(
            f"{name}: unknown function {called}().",
            name=called,
            available=FUNCTIONS,
            ways=["Put text with brackets in quotes."],
        )
    known = FUNCTIONS[called]
    positional = [_value(name, argument) for argument in node.args]
    named = {str(keyword.arg): _value(name, keyword.value) for keyword in node.keywords}
    unknown = [key for key in named if key not in known]
    if unknown or len(positional) > len(known):
        raise ParameterError(
            f"{name}: {ast.unparse(node)} cannot be read.", expected=f"{called}({', '.join(known)})"
        )
    try:
        return _range(positional) if called == "range" and not named else _spaced(called, positional, named)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise ParameterError(
            f"{name}: {ast.unparse(node)} cannot be read: {as_clause(error)}.",
            expected=f"{called}({', '.join(known)})",
        ) from None


def _range(arguments: Sequence[Any]) -> Any:
    """Return the values of ``range``, of floats too: as many as fit, counted so that rounding adds none."""
    if all(isinstance(argument, int) for argument in arguments):
        values = range(*arguments)
        # Its length may be more than `len` returns.
        _check_number(max((values.stop - values.start) // values.step, 0))
        return values
    start, stop, step = (0, arguments[0], 1) if len(arguments) == 1 else (*arguments, 1)[:3]
    number_of_values = max(math.ceil(round((stop - start) / step, 9)), 0)
    _check_number(number_of_values)
    return [start + step * place for place in range(number_of_values)]


def _spaced(called: str, positional: Sequence[Any], named: dict[str, Any]) -> list[Any]:
    if called == "range":
        raise TypeError("its arguments have no names")
    import numpy as np

    arguments = dict(zip(FUNCTIONS[called], positional, strict=False)) | named
    if "start" not in arguments or "stop" not in arguments:
        raise TypeError("it needs start and stop")
    _check_number(arguments.get("num", 50))
    with np.errstate(all="raise"):
        spaced: Callable[..., Any] = getattr(np, called)
        values: list[Any] = spaced(**arguments).tolist()
    return values


def _check_number(number_of_values: int) -> None:
    if number_of_values > _MOST_VALUES:
        raise ValueError(f"{number_of_values:,} values are more than {_MOST_VALUES:,}")


def _unreadable(name: str, text: str) -> ParameterError:
    quoted = text.replace("'", "")
    return ParameterError(
        f"{name}: {shortened(text)} is neither a number nor a word.",
        expected="values such as 1,2.5, linspace(0,1,11) or Ising",
        ways=[f"Put text in quotes: \"{name}='{quoted}'\"."],
    )


def describe_values(values: Any) -> tuple[int | None, str]:
    """Return how many values a parameter has, None for a fixed one, and some of them as text.

    >>> describe_values([0.0, 0.1, 0.2]), describe_values("Ising"), describe_values(range(100))
    ((3, '0, 0.1, 0.2'), (None, "'Ising'"), (100, '0, 1, 2, ..., 97, 98, 99'))
    """
    if not isinstance(values, (list, range)):
        return None, _word(values)
    for ends in range(_ENDS, 0, -1):
        words = [*map(_word, values[:ends]), "...", *map(_word, values[-ends:])]
        words = words if len(values) > len(words) else [*map(_word, values)]
        # A table cuts longer ones in the middle, maybe of a number.
        if len(text := ", ".join(words)) <= _CELL:
            break
    return len(values), text


def _word(value: Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        text = number(value)
        # Rounded, 0.1 + 0.2 would look like another parameter set.
        return (
            text
            if not isinstance(value, float) or not math.isfinite(value) or float(text) == value
            else repr(value)
        )
    return value.isoformat() if isinstance(value, dt.date) else shortened(value, 40)


def to_word(name: str, value: Any) -> str:
    """Return ``NAME=VALUES`` for a value of a TOML file.

    >>> to_word("T", [1, 2.5]), to_word("x", "linspace(0, 1, 11)"), to_word("model", ["Ising", "1"])
    ('T=1,2.5', 'x=linspace(0, 1, 11)', "model='Ising','1'")
    """
    items = value if isinstance(value, list) else [value]
    for item in items:
        _check_toml(name, item)
    text = ",".join(map(_literal, items))
    return f"{name}=[{text}]" if len(items) == 1 and isinstance(value, list) else f"{name}={text}"


def _check_toml(name: str, value: Any, *, is_inside: bool = False) -> None:
    """Raise ParameterError for a value of a TOML file that has no form on the command line."""
    if isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            _check_toml(name, item, is_inside=True)
    elif isinstance(value, dt.time) or (is_inside and isinstance(value, dt.date)):
        where = (
            "within a list of lists or a table" if is_inside and isinstance(value, dt.date) else "as a value"
        )
        raise ParameterError(
            f"{name}: {value.isoformat()} cannot be used {where}.",
            expected="numbers, strings, true, false, dates, date-times, and lists or tables of numbers and strings",
        )


def _literal(value: Any) -> str:
    if isinstance(value, str):
        node = _parsed(value)
        is_call = isinstance(node, ast.Call) and ast.unparse(node.func) in FUNCTIONS
        return value if is_call else repr(value)
    return value.isoformat() if isinstance(value, dt.date) else repr(value)


def number_text(sizes: Sequence[int], total: int, repeats: int | None) -> str:
    """Return how many points a scan has, and how that comes about.

    >>> number_text([3, 11], 33, 10), number_text([3], 3, None)
    ('330 points: 3 x 11 x 10 repeats', '3 points')
    """
    factors = [str(size) for size in sizes if size != 1]
    factors += [f"{repeats} repeats"] if (repeats or 1) > 1 else []
    product = math.prod(sizes) == total and len(factors) > 1
    points = count(total * (repeats or 1), "point")
    return f"{points}: {' x '.join(factors)}" if product else points

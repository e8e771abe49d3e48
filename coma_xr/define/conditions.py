"""Conditions on measurements, parameter sets and cells: `P`, their text, and the rules of both.

``P.a`` stands for the value that the name ``a`` has in each measurement, ``P["results/E"]`` for that of a
path. Comparisons, ``&``, ``|`` and ``~`` make a `Condition`. A condition is written as text, which `parse` reads.

>>> condition = (P.A > 3) & P.model.isin(["Ising", "Bond"])
>>> condition
<Condition: A > 3 and model in ['Ising', 'Bond']>
>>> parse("A > 3 and model in ['Ising', 'Bond']") == condition
True
>>> condition.evaluate({"A": 4, "model": "Bond"}.__getitem__)
True

**Equality.** ``==``, ``!=`` and ``.isin`` follow the rule of parameter sets: numbers are equal by value (1 and
1.0), a bool is not a number, text is not a number, lists and dictionaries are compared by their items, NaN equals NaN, and None equals
None. Values of different types are different, without an error.

**Order.** ``<``, ``<=``, ``>``, ``>=`` and ``.between`` compare numbers with numbers, text with text and dates
with dates; other pairs raise a `ConditionError` that shows both values. They are false where a value is missing, None
or NaN.

**Dates.** Text next to a date stands for a date, as in ``ds.coma.sel``: ``'2026-01'`` is the whole month,
``'2026-01-31'`` the whole day, and text with seconds an instant. ``d == '2026-01'`` holds for every day of the month,
``d > '2026-01'`` from February on. A date, in the data or in Python, is compared with a time as its midnight. Times
with and without a zone are never equal and have no order.

**Missing values** are not equal to anything, not even to None; ``.isnull()`` is true where a value is missing,
None or NaN. Each condition is either true or false: ``~c`` holds exactly where ``c`` does not, and ``a != b`` where
``a == b`` does not, so both hold where `a` is missing, as in NumPy and pandas. Add ``& P.a.notnull()`` to leave those out.

**Calculations** (``+ - * / // % **``, ``abs``) with values use double precision, in which larger ints count as infinite; dividing by zero gives inf or NaN and a warning,
as in NumPy, and ``x / 0`` is an error; missing values and None stay missing. **Text** has ``.startswith``, ``.endswith``, ``.contains`` (all
literal), ``.lower`` and ``.upper``. ``.close(x, rtol=1e-9, atol=0.0)`` is `math.isclose`. A **name alone** is a
condition where its values are True or False: ``P.converged & (P.A > 3)``.

**In text** the words are ``and``, ``or``, ``not``, ``in``, ``not in``, ``is null``, ``is not null``; comparisons can be
chained (``1 < A < 3``); methods are written as in Python. Put names with characters other than letters, digits
and underscores in backticks, with two for one inside, and text in quotation marks. Numbers, True, False, None, nan, inf,
``complex('1+2j')``, lists and dictionaries of these are available. The text is parsed, never evaluated. It has at most 100,000 characters, and a
condition is nested at most 64 levels deep.

**Arrays** of a Dataset do not distinguish missing values from NaN or, with holes, None; ``.isnull()`` finds all of them.
"""

from __future__ import annotations

import ast
import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from inspect import signature
from itertools import pairwise
from typing import Any, ClassVar, Final, TypeVar

from coma_xr.define.condition_terms import (
    CONSTANTS,
    LITERALS,
    LONG_LITERALS,
    MAX_DEPTH,
    METHODS,
    WORDS,
    Condition,
    Constant,
    Node,
    Term,
    calculated,
    compared,
    constant,
    function,
    joined,
    named,
    negated,
    pointing,
    refusing,
)
from coma_xr.define.condition_values import COMPARISONS, DIVISIONS, calculate
from coma_xr.errors import ConditionError, ParameterError
from coma_xr.text import as_clause, near_names, shortened, with_article
from coma_xr.tree import join, split

__all__ = ["Condition", "P", "as_condition", "parse"]

_T = TypeVar("_T")

# Longer text is refused before it is parsed.
_MAX_TEXT = 100_000
_MAX_DIGITS = 1000
_MAX_LITERAL = 100

_TOKEN = re.compile(
    r"""(?P<name>`(?:[^`]|``)*`)
    | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    | (?P<sign>\*\*|//|<=|>=|==|!=|[-<>+*/%()[\]{},:.=])""",
    re.VERBOSE | re.DOTALL,
)
_OPENING: Final = {")": "(", "]": "[", "}": "{"}

# Signs of other languages, or of P, with what to write instead.
_FOREIGN: Final = {
    "&": "Write 'and', not &.",
    "|": "Write 'or', not |.",
    "~": "Write 'not', not ~.",
    "!": "Write 'not', or != for unequal.",
    "^": "Write ** for a power.",
}
_SIGNS: Final[dict[type[ast.AST], str]] = {
    **dict(zip((ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq), COMPARISONS, strict=True)),
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.And: "and",
    ast.Or: "or",
}


# Text


def parse(text: str) -> Condition:
    """Return the condition that a string states.

    Parameters
    ----------
    text : str
        Such as ``"A > 3 and model == 'Ising'"``.

    Raises
    ------
    ParameterError
        When it is not a condition. The excerpt points at the place.

    Examples
    --------
    >>> parse("A > 3 and `results/E` is not null")
    <Condition: A > 3 and `results/E` is not null>
    >>> parse("A > 3 and")
    Traceback (most recent call last):
    ...
    coma_xr.errors.ParameterError: The condition is incomplete. Expected a name or a value here.
        A > 3 and
                 ^
    """
    if not text.strip():
        raise ParameterError("The condition is empty.", expected="a condition such as 'A > 3'")
    if len(text) > _MAX_TEXT:
        raise ParameterError(f"The condition has {len(text)} characters.", expected=f"at most {_MAX_TEXT}")
    return _Parser(text).condition()


@dataclass(frozen=True, slots=True)
class _Token:
    """A part of a string: its kind ("name", "text", "number", "constant", a word or a sign), value and place."""

    kind: str
    value: Any
    start: int
    end: int

    @property
    def is_value(self) -> bool:
        """Whether this is a name or a constant."""
        return self.kind in ("name", "text", "number", "constant", "null")

    @property
    def ends_value(self) -> bool:
        """Whether an operator may follow."""
        return self.is_value or self.kind in _OPENING


class _Parser:
    """Makes a condition of a string.

    Python parses a copy of the text in which names and values are replaced by others of the same length. So positions
    are kept, and everything that Python's grammar has in addition is refused by `_read`.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._tokenized())
        self._at = {token.start: token for token in self._tokens}

    def _error(self, at: int | ast.AST, what: str, *ways: str, **parts: Any) -> ParameterError:
        place = at if isinstance(at, int) else _place(at)
        return ParameterError(what, ways=ways, excerpt=pointing(self._text, place), **parts)

    def _too_deep(self, at: int | ast.AST) -> ParameterError:
        return self._error(at, f"A condition may be nested at most {MAX_DEPTH} levels deep.")

    # Tokens

    def _tokenized(self) -> Iterator[_Token]:
        """Yield the parts of the text; raise for characters that begin nothing and for unbalanced parentheses."""
        place, unclosed = 0, list[_Token]()
        while place < len(self._text):
            if self._text[place].isspace():
                place += 1
                continue
            token = self._token(place)
            if token.kind in _OPENING.values():
                unclosed.append(token)
                if len(unclosed) > MAX_DEPTH:
                    raise self._too_deep(place)
            elif token.kind in _OPENING and (not unclosed or unclosed.pop().kind != _OPENING[token.kind]):
                raise self._error(place, f"'{token.kind}' closes nothing here.")
            yield token
            place = token.end
        if unclosed:
            end = len(self._text.rstrip())
            raise self._error(end, f"'{unclosed[-1].kind}' is never closed.", expected="the end of it here")

    def _token(self, place: int) -> _Token:
        text = self._text
        if text[place].isidentifier():
            return self._word(place)
        match = _TOKEN.match(text, place)
        if match is None:
            if text[place] in "`'\"":
                raise self._error(place, f"The {text[place]} that begins here is never closed.")
            hint = _FOREIGN.get(text[place], "Put a name with this character in backticks.")
            raise self._error(place, f"{text[place]!r} has no meaning here.", hint)
        kind, lexeme, end = str(match.lastgroup), match[0], match.end()
        if kind == "sign":
            return _Token(lexeme, lexeme, place, end)
        if kind == "name":
            name = lexeme[1:-1].replace("``", "`")
            if not name.strip("/"):
                raise self._error(place, "These backticks contain no name.")
            return _Token(kind, name, place, end)
        if kind == "text":
            return _Token(kind, self._unquoted(lexeme, place), place, end)
        if text[end : end + 1].isidentifier():
            name, word = f"`{lexeme}{text[end]}`", self._word(end).value
            other = "complex('1+2j') for a complex number" if word in ("j", "J") else "2 * a for a product"
            raise self._error(end, "A number runs into a name here.", f"Write {other}, {name} for a name.")
        if len(lexeme) > _MAX_DIGITS:
            raise self._error(place, f"A number may have at most {_MAX_DIGITS} digits.")
        value = int(lexeme) if lexeme.isdecimal() else float(lexeme)
        is_far = value == math.inf or (not value and re.search("[1-9]", re.split("[eE]", lexeme)[0]))
        if is_far:
            size = "large" if value else "small"
            way = f"Write Decimal('{lexeme[:40]}') for this number, or {value}."
            raise self._error(place, f"{lexeme[:40]} is too {size} for a float.", way)
        return _Token(kind, value, place, end)

    def _word(self, place: int) -> _Token:
        text, end = self._text, place + 1
        while end < len(text) and ("a" + text[end]).isidentifier():
            end += 1
        # Python does this with attributes, so that a > 1 and P.a > 1 mean the same name.
        word = unicodedata.normalize("NFKC", text[place:end])
        if word in CONSTANTS:
            return _Token("constant", CONSTANTS[word], place, end)
        return _Token(word if word in WORDS else "name", word, place, end)

    def _unquoted(self, lexeme: str, place: int) -> str:
        wrong = re.search(r"(?<!\\)(?:\\\\)*(\\[^nrtxuU\\'\"])", lexeme, re.DOTALL)
        if wrong is None:
            try:
                return str(ast.literal_eval(lexeme.replace("\n", "\\n").replace("\r", "\\r")))
            except (SyntaxError, ValueError):
                pass
        where = max(0, lexeme.find("\\")) if wrong is None else wrong.start(1)
        raise self._error(place + where, "This is not an escape sequence.", r"Write a backslash as \\.")

    # Structure

    def condition(self) -> Condition:
        """Return the condition that the text is."""
        source = [" "] * len(self._text)
        for before, token in pairwise([_Token("", "", 0, 0), *self._tokens]):
            if before.is_value and token.is_value:
                raise self._unexpected(token)
            lexeme = self._text[token.start : token.end]
            if token.is_value:
                # Where the text has quotation marks or backticks, a word may follow without a space.
                mark = "'" if lexeme[0] in "`'\"" else "x"
                lexeme = mark + "x" * (len(lexeme) - 2) + mark if len(lexeme) > 1 else "x"
            source[token.start : token.end] = lexeme
        try:
            # Within parentheses the text may begin with a space.
            body = ast.parse(f"({''.join(source)})", mode="eval").body
        except SyntaxError:
            raise self._misplaced() from None
        except (MemoryError, RecursionError):
            raise self._too_deep(0) from None
        return self._condition(body, 1)

    def _misplaced(self) -> ParameterError:
        """Return the error about the first token that cannot follow the one before it."""
        after_value, braces = False, 0
        for token, after in zip(self._tokens, [*self._tokens[1:], None], strict=True):
            braces += (token.kind == "{") - (token.kind == "}")
            if token.kind == ":" and not braces:
                return self._error(token.start, "':' has no meaning here.")
            if after_value and token.kind == "=":
                return self._error(token.start, "'=' has no meaning here.", "Write == for equality.")
            if after_value and (
                token.is_value or (token.kind == "not" and getattr(after, "kind", "") != "in")
            ):
                return self._unexpected(token)
            begins_value = token.ends_value or token.kind in ("(", "[", "{", "not", "-", "+")
            if not after_value and not begins_value:
                return self._error(
                    token.start, f"{token.value!r} is misplaced.", expected="a name or a value here"
                )
            after_value = token.ends_value
        end = len(self._text.rstrip())
        if after_value:
            return self._error(end, "The condition cannot be read.")
        return self._error(end, "The condition is incomplete.", expected="a name or a value here")

    def _unexpected(self, token: _Token) -> ParameterError:
        ways, word = [], str(token.value).lower()
        if token.kind == "not":
            ways = ["Write 'not in' and a list, as in model not in ['Ising', 'Bond']."]
        elif token.kind == "name":
            meant = [word] if word in WORDS else near_names(word, WORDS)
            ways = [f"Did you mean {meant[0]!r}?" if meant else "Put text in quotation marks."]
        return self._error(
            token.start, f"{token.value!r} is misplaced.", *ways, expected="an operator, a comma or the end"
        )

    # Nodes

    def _made(self, at: ast.AST, make: Callable[..., _T], *arguments: Any, **options: Any) -> _T:
        """Return what a function makes; its errors point at a node."""
        try:
            return make(*arguments, **options)
        except ParameterError as error:
            error.excerpt = pointing(self._text, _place(at))
            raise
        except (TypeError, ValueError, ArithmeticError) as error:
            raise self._error(at, f"{as_clause(error)}.") from None
        except RecursionError:
            raise self._too_deep(at) from None

    def _read(self, node: ast.AST, depth: int) -> Node:
        """Return the node of a condition that one of Python's stands for; raise for those that are not allowed."""
        if depth > MAX_DEPTH + 2:
            raise self._too_deep(node)
        for kind, read in self._READERS.items():
            if isinstance(node, kind):
                return read(self, node, depth + 1)
        raise self._error(node, "The condition cannot be read here.")

    def _value(self, node: ast.Name | ast.Constant, _depth: int) -> Node:
        token = self._at[_place(node)]
        if token.kind == "null":
            raise self._error(node, "'null' is misplaced.", "Write 'is null', or == None.")
        return self._made(node, named if token.kind == "name" else constant, token.value)

    def _joint(self, node: ast.BoolOp, depth: int) -> Condition:
        parts = [self._condition(part, depth) for part in node.values]
        return self._made(node, joined, _SIGNS[type(node.op)], parts)

    def _condition(self, node: ast.AST, depth: int) -> Condition:
        read = self._read(node, depth)
        if isinstance(read, Constant):
            raise self._error(node, f"{read} is the same for all measurements.", "Compare it with a name.")
        return self._made(node, read._as_condition)

    def _operand(self, node: ast.AST, depth: int) -> Term | Constant:
        read = self._read(node, depth)
        if not isinstance(read, (Term, Constant)):
            raise self._error(
                node, f"{read} is a condition, not a value.", "Join conditions by 'and' and 'or'."
            )
        return read

    def _term(self, node: ast.AST, depth: int) -> Term:
        read = self._operand(node, depth)
        if isinstance(read, Constant):
            raise self._error(node, f"{read} is the same for all measurements.", expected="a name here")
        return read

    def _unary(self, node: ast.UnaryOp, depth: int) -> Node:
        if isinstance(node.op, ast.Not):
            return negated(self._condition(node.operand, depth))
        read = self._operand(node.operand, depth)
        if isinstance(node.op, ast.Invert) or (isinstance(read, Constant) and not read._is_number):
            sign = "-" if isinstance(node.op, ast.USub) else "+"
            raise self._error(node, f"{sign} cannot be applied to {read}.", expected="a number")
        if isinstance(node.op, ast.UAdd):
            return read
        return constant(-read._value) if isinstance(read, Constant) else self._made(node, Term.__neg__, read)

    def _calculation(self, node: ast.BinOp, depth: int) -> Node:
        sign = _SIGNS[type(node.op)]
        left, right = self._operand(node.left, depth), self._operand(node.right, depth)
        if not all(isinstance(side, Constant) and side._is_number for side in (left, right)):
            try:
                return self._made(node.right, calculated, sign, left, right)
            except ConditionError as error:
                if sign == left._operation == "/":
                    error.ways = ("If a path is meant, put it in backticks: `results/E/0`.",)
                raise
        a, b = left._value, right._value
        if sign in DIVISIONS and not b:
            raise self._error(node.right, f"{left} {sign} {right} divides by zero.")
        return self._made(node.right, constant, self._made(node.right, calculate, sign, a, b))

    def _chain(self, node: ast.Compare, depth: int) -> Condition:
        parts, left = [], node.left
        for sign, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(sign, (ast.Is, ast.IsNot)):
                if not isinstance(right, ast.Name) or self._at[_place(right)].kind != "null":
                    way = "Write 'is null' or 'is not null' for missing, None or NaN; or == None."
                    raise self._error(right, "'is' needs null.", way)
                part = self._term(left, depth).isnull()
            elif isinstance(sign, (ast.In, ast.NotIn)):
                part = self._made(right, self._term(left, depth).isin, self._list(right, depth)._value)
            else:
                sides = self._operand(left, depth), self._operand(right, depth)
                part = self._made(right, compared, _SIGNS[type(sign)], *sides)
            parts.append(negated(part) if isinstance(sign, (ast.IsNot, ast.NotIn)) else part)
            left = right
        return parts[0] if len(parts) == 1 else self._made(node, joined, "and", parts)

    def _list(self, node: ast.AST, depth: int) -> Constant:
        if not isinstance(node, (ast.List, ast.Tuple)):
            raise self._error(node, "This is not a list.", "Write a list, such as ['Ising', 'Bond'].")
        values = []
        for item in node.elts:
            read = self._operand(item, depth)
            if not isinstance(read, Constant):
                way = f"Put text in quotation marks: {str(read)!r}."
                raise self._error(item, f"{read} differs between measurements and cannot be in a list.", way)
            values.append(read._value)
        return self._made(node, constant, values)

    def _dictionary(self, node: ast.Dict, depth: int) -> Constant:
        nodes = (*filter(None, node.keys), *node.values)
        parts = [self._operand(part, depth) for part in nodes]
        values = [part._value for part in parts if isinstance(part, Constant)]
        half = len(node.keys)
        if len(values) < 2 * half:
            raise self._error(node, "This is not a dictionary.", "Write keys and values, such as {'L': 8}.")
        return self._made(node, lambda: constant(dict(zip(values[:half], values[half:], strict=True))))

    def _call(self, node: ast.Call, depth: int) -> Node:
        values = [self._operand(argument, depth) for argument in node.args]
        if isinstance(node.func, ast.Attribute):
            return self._method(node, node.func, values, depth)
        name = str(self._at[_place(node.func)].value) if isinstance(node.func, ast.Name) else ""
        value = values[0]._value if len(values) == 1 and isinstance(values[0], Constant) else None
        is_short = type(value) is str and (len(value) <= _MAX_LITERAL or name in LONG_LITERALS)
        if name in LITERALS and is_short:
            return constant(self._made(node, LITERALS[name], value))
        if name != "abs" or len(values) != 1 or node.keywords:
            way = "Write abs(a), date('2026-01-31'), or a method after a dot, such as a.lower()."
            raise self._error(node, f"{name or 'This'}(...) is not available here.", way)
        return self._made(node, Term.__abs__, values[0]) if value is None else constant(abs(value))

    def _method(self, node: ast.Call, func: ast.Attribute, values: Sequence[Node], depth: int) -> Node:
        term = self._term(func.value, depth)
        token = next(t for t in self._tokens if t.end == (func.end_col_offset or 0) - 1)
        if token.value not in METHODS:
            name = str(token.value)
            raise self._error(token.start, f"No method '{name}'.", name=name, available=METHODS)
        method: Callable[..., Node] = getattr(term, token.value)
        options = {}
        for keyword in node.keywords:
            name, known = str(self._at[_place(keyword)].value), list(signature(method).parameters)
            if name not in known:
                raise self._error(keyword, f"Unknown option '{name}'.", name=name, available=known)
            options[name] = _given(self._operand(keyword.value, depth))
        return self._made(func.value, method, *map(_given, values), **options)

    def _index(self, node: ast.Subscript, _depth: int) -> Node:
        way = "Name an item by its path in backticks, such as `results/E/0`."
        raise self._error(node.slice, "A value cannot be indexed here.", way)

    def _attribute(self, node: ast.Attribute, _depth: int) -> Node:
        way = "Put a name with a dot, or a path, in backticks, such as `results/E`."
        raise self._error(node, "A dot has no meaning here without a method.", way)

    # The whitelist of what Python's grammar may find.
    _READERS: ClassVar[dict[type[ast.AST], Callable[..., Node]]] = {
        ast.Name: _value,
        ast.Constant: _value,
        ast.BoolOp: _joint,
        ast.UnaryOp: _unary,
        ast.BinOp: _calculation,
        ast.Compare: _chain,
        ast.List: _list,
        ast.Dict: _dictionary,
        ast.Call: _call,
        ast.Subscript: _index,
        ast.Attribute: _attribute,
    }


def _place(node: ast.AST) -> int:
    """Return where a node begins in the text, which has no parenthesis in front."""
    return int(getattr(node, "col_offset", 1)) - 1


def _given(node: Node) -> Any:
    return node._value if isinstance(node, Constant) else node


# Python


class _Names:
    """The source of names in conditions: ``P.a`` is a parameter or result, ``P["results/a"]`` a path.

    Examples
    --------
    >>> (P.a > 3) & ~P.model.isin(["Ising"])
    <Condition: a > 3 and model not in ['Ising']>
    >>> P["results/E"] < 1
    <Condition: `results/E` < 1>
    """

    __slots__ = ()

    __array_ufunc__ = None

    def __getattr__(self, name: str) -> Term:
        # Python and notebooks ask every object for many names with underscores.
        if name.startswith("_"):
            raise AttributeError(
                f"P has no attribute '{name}'. Write P[{name!r}] for a name with an underscore in front."
            )
        return named(name)

    def __getitem__(self, path: Any) -> Term:
        if not isinstance(path, (str, tuple, list)):
            raise ConditionError(
                f"P[{shortened(path)}] is not available.", expected="a name or a path, such as P['results/E']"
            )
        text = str(path) if isinstance(path, str) else join(split(path))
        if not text.strip("/"):
            raise ParameterError(
                f"P[{path!r}] has no name.", expected="a name or a path, such as P['results/E']"
            )
        return named(text)

    __call__ = refusing("is not a function", "Write P.a for a name, P['results/E'] for a path.")
    __contains__ = refusing(
        "has a term for every name and does not support `in`", "Write P.a.isin([1, 2]) or P.a.notnull()."
    )
    __iter__ = refusing("has a term for every name and cannot be iterated over")
    __len__ = refusing("has a term for every name and has no length")
    __bool__ = refusing("is not a condition", "Use one of its names, as in P.a > 1.")

    def __repr__(self) -> str:
        return "P"

    def __reduce__(self) -> str:
        return "P"


P: Final = _Names()
"""All names and paths: ``P.a``, ``P["results/E"]``."""


def as_condition(value: Any) -> Condition:
    """Return the condition that a user's `where=` means.

    Parameters
    ----------
    value : Condition, str or callable
        A condition made with `P`, its text, or a function of a `Measurement` or `ParameterSet`. What the function
        returns counts as true or false, as in Python, except None and NaN, which are errors. A name alone, such as
        ``P.converged``, is a condition too.

    Raises
    ------
    ConditionError
        For anything else, a bool in particular.
    ParameterError
        When a string cannot be read. The excerpt points at the place.

    Examples
    --------
    >>> as_condition("1 < A < 3")
    <Condition: A > 1 and A < 3>
    >>> from coma_xr.define.parameters import ParameterSet
    >>> p = ParameterSet(["a"], [4])
    >>> as_condition(lambda p: p.a > 3).evaluate(p.__getitem__, p)
    True
    >>> as_condition(3 > 2)
    Traceback (most recent call last):
    ...
    coma_xr.errors.ConditionError: True is not a condition; it is the same for all measurements. ...
    """
    if isinstance(value, Node):
        return value._as_condition()
    if isinstance(value, str):
        return parse(value)
    expected = "a condition such as P.a > 3, the text 'a > 3' or a function of a measurement"
    if value is P:
        raise ConditionError("P is not a condition.", expected=expected)
    if isinstance(value, bool) or (getattr(value, "ndim", None) == 0 and value.dtype == bool):
        raise ConditionError(
            f"{bool(value)} is not a condition; it is the same for all measurements.",
            expected=expected,
            ways=["Check whether P is still coma.P, and not a variable of yours that has such an attribute."],
        )
    if not callable(value) or isinstance(value, type):
        kind = with_article(type(value).__name__)
        raise ConditionError(f"{shortened(value)} is not a condition but {kind}.", expected=expected)
    return function(value)

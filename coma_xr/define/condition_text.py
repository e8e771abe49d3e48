"""The grammar of conditions as text.

::

    condition   or of: and of: [not] comparison
    comparison  sum {(< | <= | > | >= | == | !=) sum} | sum [not] in list | sum is [not] null | name
    sum         + - of: * / // % of: [-] power;  power: value [** [-] power]
    value       name | number | text | constant | list | (condition or sum) | abs(sum) | value.method(...)

Each word or sign has a level; what holds more tightly is read first (precedence climbing).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from coma_xr.define.condition_nodes import (
    AND,
    COMPARISON,
    COMPARISONS,
    LEVELS,
    MAX_DEPTH,
    NOT,
    OR,
    POWER,
    SUM,
    Condition,
    Constant,
    Node,
    compared,
    constant,
    joined,
    negated,
)
from coma_xr.define.condition_terms import METHODS, Name, Term, Unary, calculated, is_number
from coma_xr.define.condition_tokens import KEYWORDS, Token, tokens, unreadable
from coma_xr.define.condition_values import arithmetic
from coma_xr.errors import ParameterError
from coma_xr.text import available, near_names

__all__ = ["parse"]

_T = TypeVar("_T")

_LEVELS: Final = {
    "or": OR,
    "and": AND,
    "not": COMPARISON,  # not in
    "in": COMPARISON,
    "is": COMPARISON,
    **dict.fromkeys(COMPARISONS, COMPARISON),
    **LEVELS,
}

# Every level of nesting is read by at most two calls within each other: what a sign has on its right, and
# what stands between its parentheses.
_MAX_CALLS = 2 * MAX_DEPTH + 2

# Doubles have every int up to here.
_EXACT = 2**53


def parse(text: str) -> Condition:
    """Return the condition that a text says.

    Parameters
    ----------
    text : str
        Such as ``"A > 3 and model == 'Ising'"``; the grammar is told in `coma_xr.define.conditions`.

    Raises
    ------
    ParameterError
        When it is no condition. The message points at the place.

    Examples
    --------
    >>> parse("A > 3 and `results/E` is not null")
    (P.A > 3) & P['results/E'].notnull()
    >>> parse("A > 3 and")
    Traceback (most recent call last):
    ...
    coma_xr.errors.ParameterError: The condition cannot be read. Expected a name or a value here.
        A > 3 and
                 ^
    """
    if not text.strip():
        raise ParameterError("The condition is empty; write one such as 'A > 3'.")
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(tokens(text))
        self._place = 0
        self._calls = 0

    @property
    def _token(self) -> Token:
        return self._tokens[self._place]

    def _take(self) -> Token:
        token = self._token
        self._place += 1
        return token

    def _take_if(self, kind: str) -> bool:
        if self._token.kind != kind:
            return False
        self._place += 1
        return True

    def _expect(self, kind: str, message: str) -> None:
        if not self._take_if(kind):
            raise self._error(self._token, message)

    def _error(self, token: Token, message: str) -> ParameterError:
        return unreadable(self._text, token.start, message)

    def _made(self, token: Token, make: Callable[..., _T], *arguments: Any, **options: Any) -> _T:
        """Return what a function makes; its errors point at a token."""
        try:
            return make(*arguments, **options)
        except (TypeError, ParameterError) as error:
            raise self._error(token, str(error)) from None

    def whole(self) -> Condition:
        """Return the condition that the text is."""
        first = self._token
        found = self._condition(self._read(OR), first)
        if self._token.kind != "end":
            raise self._error(self._token, self._unexpected())
        return found

    def _unexpected(self) -> str:
        token = self._token
        if token.kind == "name":
            word = str(token.value).lower()
            hints = [word] if word in KEYWORDS else near_names(word, KEYWORDS)
            hint = f" Did you mean {hints[0]!r}?" if hints else " Text stands in quotation marks."
            return f"Expected 'and', 'or' or the end, not {token.value!r}.{hint}"
        if token.kind == "=":
            return "Equality is written ==."
        return f"Expected 'and', 'or' or the end, not {token.value!r}."

    def _condition(self, node: Node, token: Token) -> Condition:
        if isinstance(node, Constant):
            raise self._error(token, f"{node} is the same for all measurements; compare it with a name.")
        return self._made(token, node._as_condition, "Expected a condition")

    def _operand(self, node: Node, token: Token) -> Node:
        if isinstance(node, Condition):
            raise self._error(
                token, "This is a condition, not a value; conditions are joined by 'and' and 'or'."
            )
        return node

    def _read(self, least: int) -> Node:
        """Read as far as words and signs of at least this level go."""
        first = self._token
        self._calls += 1
        if self._calls > _MAX_CALLS:
            raise self._error(first, f"A condition is nested at most {MAX_DEPTH} levels deep.")
        left = self._prefix()
        while (level := _LEVELS.get(self._token.kind, 0)) >= max(least, 1):
            if level <= AND:
                left = self._row(left, first)
            elif self._token.kind in COMPARISONS:
                left = self._chain(left, first)
            elif level == COMPARISON:
                left = self._membership(self._operand(left, first))
            else:
                left = self._calculation(self._operand(left, first))
        self._calls -= 1
        return left

    def _row(self, left: Node, first: Token) -> Condition:
        word = self._token.kind
        parts = [self._condition(left, first)]
        while self._take_if(word):
            token = self._token
            parts.append(self._condition(self._read(_LEVELS[word] + 1), token))
        return self._made(first, joined, word, parts)

    def _chain(self, left: Node, first: Token) -> Condition:
        parts = []
        left = self._operand(left, first)
        while self._token.kind in COMPARISONS:
            sign, token = self._take(), self._token
            right = self._operand(self._read(SUM), token)
            parts.append(self._made(sign, compared, sign.kind, left, right))
            left = right
        return parts[0] if len(parts) == 1 else self._made(first, joined, "and", parts)

    def _membership(self, left: Node) -> Condition:
        sign = self._token
        if not isinstance(left, Term):
            raise self._error(
                sign, f"{left} is the same for all measurements; a name stands before '{sign.kind}'."
            )
        if self._take_if("is"):
            opposite = self._take_if("not")
            self._expect("null", "Write 'is null' (missing, None or NaN) or 'is not null'; or == None.")
            found = left.isnull()
        else:
            opposite = self._take_if("not")
            self._expect("in", "Expected 'in', as in: model not in ['Ising', 'Bond'].")
            found = self._made(sign, left.isin, self._list()._value)
        return negated(found) if opposite else found

    def _calculation(self, left: Node) -> Node:
        sign, token = self._take(), self._token
        level = LEVELS[sign.kind]
        # Powers are read from the right: 2 ** 3 ** 2 is 2 ** 9.
        right = self._operand(self._read(POWER if level == POWER else level + 1), token)
        if is_number(left) and is_number(right):
            return _folded(sign.kind, left, right)
        return self._made(sign, calculated, sign.kind, left, right)

    def _prefix(self) -> Node:
        token = self._token
        if self._take_if("not"):
            part = self._token
            return negated(self._condition(self._read(NOT), part))
        if token.kind not in ("-", "+"):
            return self._methods(self._value(), token)
        self._take()
        after = self._token
        inner = self._operand(self._read(POWER), after)
        if isinstance(inner, Constant):
            if not is_number(inner):
                raise self._error(token, f"{token.kind} is for numbers, not for {inner}.")
            return Constant(-inner._value) if token.kind == "-" else inner
        return self._made(token, Unary, "-", inner) if token.kind == "-" else inner

    def _value(self) -> Node:
        token = self._token
        if token.kind == "[":
            return self._list()
        self._take()
        if token.kind == "(":
            inner = self._read(OR)
            self._expect(")", "Expected ')', which closes a parenthesis, or a sign before this.")
            return inner
        if token.kind in ("number", "text", "constant"):
            return self._made(token, constant, token.value)
        if token.kind != "name":
            raise self._error(token, "Expected a name or a value here.")
        if token.value == "abs" and self._take_if("("):
            inner = self._operand(self._read(OR), token)
            self._expect(")", "Expected ')' after what abs() is of.")
            return Constant(abs(inner._value)) if is_number(inner) else self._made(token, Unary, "abs", inner)
        if self._token.kind == "(":
            raise self._error(
                token, f"{token.value}() is no function here; there is abs(). Methods follow a dot."
            )
        return Name(token.value)

    def _methods(self, node: Node, first: Token) -> Node:
        while self._take_if("."):
            token = self._take()
            if token.kind != "name" or self._token.kind != "(":
                raise self._error(
                    token, "A name with a dot, or a path, stands in backticks, such as `results/E`."
                )
            if not isinstance(node, Term):
                raise self._error(first, f"{node} has no methods; a name stands before the dot.")
            if token.value not in METHODS:
                raise self._error(
                    token, f"There is no method .{token.value}(). {available(token.value, METHODS)}"
                )
            self._take()
            arguments, options = self._arguments()
            node = self._made(token, getattr(node, token.value), *arguments, **options)
        return node

    def _arguments(self) -> tuple[list[Any], dict[str, Any]]:
        arguments: list[Any] = []
        options: dict[str, Any] = {}
        while not self._take_if(")"):
            if arguments or options:
                self._expect(",", "Expected ',' or ')' here.")
            token = self._token
            named = token.kind == "name" and self._tokens[self._place + 1].kind == "="
            if named:
                self._place += 2
            node = self._operand(self._read(SUM), token)
            value = node._value if isinstance(node, Constant) else node
            if named:
                options[token.value] = value
            else:
                arguments.append(value)
        return arguments, options

    def _list(self) -> Constant:
        start = self._take()
        if start.kind not in ("[", "("):
            raise self._error(start, "Expected a list, such as ['Ising', 'Bond'].")
        end = "]" if start.kind == "[" else ")"
        items: list[Any] = []
        while not self._take_if(end):
            if items:
                self._expect(",", f"Expected ',' or '{end}' here.")
                if self._take_if(end):
                    break
            token = self._token
            item = self._read(SUM)
            if not isinstance(item, Constant):
                raise self._error(token, "A list holds values that are the same for all measurements.")
            items.append(item._value)
        return self._made(start, Constant, items)


def _folded(sign: str, left: Any, right: Any) -> Constant:
    """Return what two numbers make; an int where ints make one."""
    result = arithmetic(sign, left._value, right._value)
    whole = type(left._value) is type(right._value) is int and sign != "/"
    return Constant(int(result) if whole and abs(result) < _EXACT and result == int(result) else result)

"""Values in conditions that differ from measurement to measurement: names, and what is made of them."""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeGuard

from coma_xr.define.condition_nodes import (
    ATOL,
    ATOM,
    LEVELS,
    POWER,
    RTOL,
    SIGN,
    Close,
    Condition,
    Constant,
    IsNull,
    Node,
    OneOf,
    TextTest,
    Truth,
    compared,
    constant,
    negated,
    short,
    within,
)
from coma_xr.define.condition_tokens import quoted
from coma_xr.errors import ParameterError
from coma_xr.text import available

if TYPE_CHECKING:
    from coma_xr.define.condition_values import Algebra

__all__ = ["METHODS", "Binary", "Name", "Term", "Unary", "calculated", "is_number", "operand"]


def _comparison(sign: str) -> Callable[[Any, Any], Condition]:
    return lambda self, other: compared(sign, self, operand(other))


def _calculation(sign: str) -> tuple[Callable[[Any, Any], Term], Callable[[Any, Any], Term]]:
    return (
        lambda self, other: calculated(sign, self, operand(other)),
        lambda self, other: calculated(sign, operand(other), self),
    )


class Term(Node):
    """A value that is different from measurement to measurement, such as ``P.a`` or ``P.a + 1``.

    Comparisons and the methods below make a `Condition` of it, also ``==``: terms themselves cannot be
    compared, and are no keys of dictionaries.
    """

    __slots__ = ()

    __lt__, __le__ = _comparison("<"), _comparison("<=")
    __gt__, __ge__ = _comparison(">"), _comparison(">=")
    __eq__, __ne__ = _comparison("=="), _comparison("!=")  # type: ignore[assignment]

    def __hash__(self) -> int:
        raise TypeError(
            f"{short(self)} is no key of a dictionary or set, since == makes a condition of it. "
            "For `in`, write P.a.isin([1, 2])."
        )

    __add__, __radd__ = _calculation("+")
    __sub__, __rsub__ = _calculation("-")
    __mul__, __rmul__ = _calculation("*")
    __truediv__, __rtruediv__ = _calculation("/")
    __floordiv__, __rfloordiv__ = _calculation("//")
    __mod__, __rmod__ = _calculation("%")
    __pow__, __rpow__ = _calculation("**")

    def __neg__(self) -> Term:
        return Unary("-", self)

    def __pos__(self) -> Term:
        return self

    def __abs__(self) -> Term:
        return Unary("abs", self)

    def __getitem__(self, item: Any) -> NoReturn:
        raise TypeError(f"An item of {short(self)} is named by its path, as in P['results/E/0'].")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        path = f" A value in a branch is named by its path: P['{self}/{name}']." if type(self) is Name else ""
        raise AttributeError(f"{short(self)} has no '{name}'. {available(name, METHODS)}{path}")

    def isin(self, values: Iterable[Any]) -> Condition:
        """Whether the value is the same as one of `values`, a list, set or array of one dimension."""
        if isinstance(values, (str, bytes, Mapping, Node)) or not isinstance(values, Iterable):
            raise TypeError(f".isin() takes a list of values, such as [1, 2], not {values!r}.")
        # A set has another order in another process.
        listed = sorted(values, key=repr) if isinstance(values, (set, frozenset)) else list(values)
        return OneOf(self, constant(listed))

    def between(self, low: Any, high: Any, inclusive: str = "both") -> Condition:
        """Whether the value lies between two; `inclusive` is "both", "left", "right" or "neither"."""
        if inclusive not in ("both", "left", "right", "neither"):
            raise ParameterError(
                f"inclusive is 'both', 'left', 'right' or 'neither', as in pandas, not {inclusive!r}."
            )
        left = compared(">=" if inclusive in ("both", "left") else ">", self, operand(low))
        right = compared("<=" if inclusive in ("both", "right") else "<", self, operand(high))
        return left & right

    def close(self, other: Any, *, rtol: float = RTOL, atol: float = ATOL) -> Condition:
        """Whether two numbers differ by at most `rtol` of the greater one (1e-9), or by at most `atol` (0)."""
        for name, tolerance in [("rtol", rtol), ("atol", atol)]:
            if not (is_number(constant(tolerance)) and tolerance >= 0):
                raise ParameterError(f"{name} is a number from 0 upwards, not {tolerance!r}.")
        return Close(self, _number(".close()", operand(other)), float(rtol), float(atol))

    def isnull(self) -> Condition:
        """Whether the value is missing, None or NaN."""
        return IsNull(self)

    def notnull(self) -> Condition:
        """Whether there is a value, neither None nor NaN."""
        return negated(IsNull(self))

    def startswith(self, part: str) -> Condition:
        """Whether a text begins so."""
        return TextTest("startswith", self, _part(part))

    def endswith(self, part: str) -> Condition:
        """Whether a text ends so."""
        return TextTest("endswith", self, _part(part))

    def contains(self, part: str) -> Condition:
        """Whether a text has this part, literally."""
        return TextTest("contains", self, _part(part))

    def lower(self) -> Term:
        """Return the text in lower case."""
        return TextOf("lower", self)

    def upper(self) -> Term:
        """Return the text in upper case."""
        return TextOf("upper", self)


# What can be written after a value, in Python and in text.
METHODS: Final = tuple(name for name in vars(Term) if not name.startswith("_"))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Name(Term):
    """The value of a name or path."""

    _name: str

    def _own_names(self) -> tuple[str, ...]:
        return (self._name,)

    def _as_condition(self, where: str) -> Condition:  # noqa: ARG002
        return Truth(self)

    def _ask(self, algebra: Algebra) -> Any:
        return algebra.value(self._name)

    def _write(self, python: bool) -> str:
        name = self._name
        if not python:
            return quoted(name)
        # Python reads attributes in this form only, and P has none that begin with an underscore.
        bare = name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("_")
        return f"P.{name}" if bare and unicodedata.is_normalized("NFKC", name) else f"P[{name!r}]"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Unary(Term):
    """A negative or absolute number."""

    _sign: str
    _term: Term

    def _children(self) -> tuple[Node, ...]:
        return (self._term,)

    def _ask(self, algebra: Algebra) -> Any:
        return algebra.unary(self._sign, self._term._ask(algebra))

    def _write(self, python: bool) -> str:
        if self._sign == "abs":
            return f"abs({self._term._write(python)})"
        return f"-{within(self._term, python, SIGN)}"

    def _level(self, python: bool) -> int:  # noqa: ARG002
        return ATOM if self._sign == "abs" else SIGN


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Binary(Term):
    """A calculation with two numbers."""

    _sign: str
    _left: Node
    _right: Node

    def _children(self) -> tuple[Node, ...]:
        return (self._left, self._right)

    def _ask(self, algebra: Algebra) -> Any:
        return algebra.arithmetic(self._sign, self._left._ask(algebra), self._right._ask(algebra))

    def _write(self, python: bool) -> str:
        level = LEVELS[self._sign]
        # A power takes what stands right of it first, with its sign; all others what stands left.
        left, right = (ATOM, SIGN) if level == POWER else (level, level + 1)
        return f"{within(self._left, python, left)} {self._sign} {within(self._right, python, right)}"

    def _level(self, python: bool) -> int:  # noqa: ARG002
        return LEVELS[self._sign]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TextOf(Term):
    """A text in lower or upper case."""

    _method: str
    _term: Term

    def _children(self) -> tuple[Node, ...]:
        return (self._term,)

    def _ask(self, algebra: Algebra) -> Any:
        return algebra.text_of(self._method, self._term._ask(algebra))

    def _write(self, python: bool) -> str:
        return f"{within(self._term, python, ATOM)}.{self._method}()"


def operand(value: Any) -> Node:
    """Return what stands beside a sign as a term or a constant.

    Raises
    ------
    TypeError
        When it is neither.
    """
    if isinstance(value, Term):
        return value
    if isinstance(value, Node):
        raise TypeError(
            f"{short(value)} is a condition, not a value. Comparisons hold less tightly than & and |, and are not "
            "chained in Python: put each in parentheses, as in (P.a > 1) & (P.a < 3)."
        )
    return constant(value)


def is_number(node: Node) -> TypeGuard[Constant]:
    """Whether a node is a constant number."""
    return isinstance(node, Constant) and type(node._value) in (int, float)


def _number(sign: str, node: Node) -> Node:
    if isinstance(node, Constant) and not is_number(node):
        raise TypeError(f"{sign} is for numbers, not for {node}.")
    return node


def calculated(sign: str, left: Node, right: Node) -> Term:
    """Return a calculation, of which at least one side is a term.

    Raises
    ------
    TypeError
        For a constant that is no number.
    """
    return Binary(sign, _number(sign, left), _number(sign, right))


def _part(part: Any) -> str:
    node = constant(part)
    if not isinstance(node._value, str):
        raise TypeError(f"A part of a text is text, not {node}.")
    return node._value

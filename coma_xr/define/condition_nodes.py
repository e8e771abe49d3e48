"""What conditions are made of: nodes that write themselves, and ask an `Algebra` for their value.

Nodes never change. Each is written as Python, with `P`, and as text. `coma_xr.define.conditions` tells what
users see of this.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import enum
import functools
import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Final, NoReturn, TypeVar

from coma_xr.define.condition_tokens import pointing, tokens, written
from coma_xr.define.condition_values import (
    Algebra,
    Arrays,
    Lookup,
    Mismatch,
    Scalars,
    over_columns,
)
from coma_xr.define.values import normalise
from coma_xr.errors import ConditionError, ParameterError, PathError
from coma_xr.same import key
from coma_xr.values.plain import from_plain

_T = TypeVar("_T")

__all__ = [
    "ATOL",
    "MAX_DEPTH",
    "RTOL",
    "Close",
    "Compare",
    "Condition",
    "Constant",
    "Function",
    "IsNull",
    "Joint",
    "Node",
    "Not",
    "OneOf",
    "TextTest",
    "Truth",
    "compared",
    "constant",
    "joined",
    "negated",
    "short",
    "side",
    "within",
]

MAX_DEPTH: Final = 64
"""Conditions are nested at most so deep; a chain of `and` or `or` counts once, one of + at each sign."""

# An int with more bits has more digits than the text of a condition may have.
_MAX_BITS = 3000

# How tightly things hold together: in text, and in Python where &, | and ~ stand between parentheses.
OR, AND, NOT, COMPARISON, SUM, PRODUCT, SIGN, POWER, ATOM = range(1, 10)
LEVELS: Final = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "//": PRODUCT, "%": PRODUCT, "**": POWER}
COMPARISONS: Final = ("<", "<=", ">", ">=", "==", "!=")
FLIPPED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}

_SCALARS = frozenset({str, int, float, bool, type(None)})

# Tolerances of .close(), as those of math.isclose.
RTOL: Final = 1e-9
ATOL: Final = 0.0

# Conditions are cut to so many characters in messages.
_LONGEST = 200


class Node:
    """A part of a condition."""

    __slots__ = ("_depth",)

    _depth: int

    # NumPy then leaves `array > P.a` to us, who can say what is wrong with it.
    __array_ufunc__: ClassVar[None] = None

    def __post_init__(self) -> None:
        depth = 1 + max((child._depth for child in self._children()), default=0)
        if depth > MAX_DEPTH:
            raise ParameterError(f"A condition is nested at most {MAX_DEPTH} levels deep.")
        object.__setattr__(self, "_depth", depth)

    def _children(self) -> tuple[Node, ...]:
        return ()

    def _own_names(self) -> tuple[str, ...]:
        return ()

    def _walk(self) -> Iterator[Node]:
        yield self
        for child in self._children():
            yield from child._walk()

    def _ask(self, algebra: Algebra) -> Any:
        raise NotImplementedError

    def _write(self, python: bool) -> str:
        raise NotImplementedError

    def _level(self, python: bool) -> int:  # noqa: ARG002
        return ATOM

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, field.name) for field in fields(self) if field.init)  # type: ignore[arg-type]

    def __repr__(self) -> str:
        return self._write(python=True)

    def __str__(self) -> str:
        return self._write(python=False)

    def __bool__(self) -> bool:
        raise TypeError(
            f"{short(self)} is asked of each measurement; by itself it is neither true nor false, as Python's "
            "and, or, not, in, if and 1 < P.a < 3 want it. Write & for and, | for or, ~ for not, with each side "
            "in parentheses: (P.a > 1) & (P.b < 2); P.a.isin([1, 2]); P.a.between(1, 3); or a text: "
            "'a > 1 and b in [1, 2]'."
        )

    def __len__(self) -> int:
        raise TypeError(f"{short(self)} has no length; it is asked of each measurement.")

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(f"{short(self)} is not a list of values; it is asked of each measurement.")

    def __contains__(self, item: object) -> bool:
        raise TypeError(f"{short(self)} has no `in`; write P.a.isin([1, 2]) or P.a.contains('text').")

    def __call__(self, *_arguments: Any, **_options: Any) -> NoReturn:
        """Raise: nothing here is a function."""
        raise TypeError(f"{short(self)} is not called; a condition is given to where=.")

    def _as_condition(self, where: str) -> Condition:
        raise TypeError(
            f"{where}: {short(self)} is a value, not a condition; compare it, as in {short(self)} > 0."
        )

    def __and__(self, other: Any) -> Condition:
        return joined("and", [side(self, "&"), side(other, "&")])

    def __rand__(self, other: Any) -> Condition:
        return joined("and", [side(other, "&"), side(self, "&")])

    def __or__(self, other: Any) -> Condition:
        return joined("or", [side(self, "|"), side(other, "|")])

    def __ror__(self, other: Any) -> Condition:
        return joined("or", [side(other, "|"), side(self, "|")])

    def __invert__(self) -> Condition:
        return negated(side(self, "~"))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Constant(Node):
    """A plain value; a list of them is a list."""

    _value: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "_depth", _depth_of(self._value, 1))

    def _ask(self, algebra: Algebra) -> Any:
        return algebra.constant(self._value)

    def _write(self, python: bool) -> str:
        return written(self._value, python)

    def _level(self, python: bool) -> int:
        return SIGN if self._write(python).startswith("-") else ATOM


class Condition(Node):
    """What is true or false of each measurement, parameter set or cell; see `coma_xr.define.conditions`.

    Two conditions are equal when they are written the same.
    """

    __slots__ = ()

    def _as_condition(self, where: str) -> Condition:  # noqa: ARG002
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The names and paths that the condition needs, as they were written, in order."""
        return tuple(dict.fromkeys(name for node in self._walk() for name in node._own_names()))

    @property
    def functions(self) -> tuple[Callable[[Any], Any], ...]:
        """The functions in the condition, which need the measurement or parameter set itself."""
        return tuple(node._function for node in self._walk() if isinstance(node, Function))

    def resolve(self, resolver: Callable[[str], _T]) -> dict[str, _T]:
        """Return the paths that the names mean.

        Parameters
        ----------
        resolver : callable
            Returns the path of one name.

        Raises
        ------
        PathError
            That of the resolver. The message points at the name.
        """
        paths = {}
        for name in self.names:
            try:
                paths[name] = resolver(name)
            except PathError as error:
                raise PathError(f"{error}{self._place_of(name)}") from None
        return paths

    def _place_of(self, name: str) -> str:
        text = str(self)
        slash = " / " in text
        hint = " A path stands in backticks, `results/E`; in Python it is P['results/E']." if slash else ""
        # The text of a function, and one that is too long, cannot be read again.
        with contextlib.suppress(ParameterError):
            for token in tokens(text):
                if token.kind == "name" and token.value == name:
                    return f"{hint}\n{pointing(text, token.start)}"
        return hint

    def evaluate(self, lookup: Lookup, subject: Any = None) -> bool:
        """Whether the condition holds for one measurement or parameter set.

        Parameters
        ----------
        lookup : callable
            Returns the plain value of each of `names`; `coma_xr.define.values.NOTHING`, or a KeyError, when
            there is none.
        subject : Measurement or ParameterSet, optional
            What functions are called with.

        Raises
        ------
        TypeError
            When values cannot be compared, such as text with numbers by ``<``. The message shows them.

        Examples
        --------
        >>> from coma_xr.define.conditions import P
        >>> (P.a + P.b > 3).evaluate({"a": 1, "b": 2.5}.__getitem__)
        True
        """
        return bool(self._asked(Scalars(lookup, subject)))

    def evaluate_columns(self, lookup: Lookup) -> Any:
        """Return where the condition holds, for many measurements or cells at once.

        Parameters
        ----------
        lookup : callable
            Returns the values of each of `names`: DataArrays, which are broadcast and may be chunked; Series
            of one DataFrame; arrays; or lists of plain values. A KeyError when there are none.

        Returns
        -------
        DataArray, Series or ndarray of bool
            The same kind.

        Raises
        ------
        TypeError
            When values cannot be compared, and for functions.

        Examples
        --------
        >>> import numpy as np
        >>> from coma_xr.define.conditions import P
        >>> (P.a > 1).evaluate_columns({"a": np.array([1.0, 2.0, np.nan])}.__getitem__)
        array([False,  True, False])
        """
        found = Scalars(lookup)
        columns = [found.value(name) for name in self.names]
        return over_columns(
            lambda *arrays: self._asked(Arrays(dict(zip(self.names, arrays, strict=True)))), columns
        )

    def _asked(self, algebra: Algebra) -> Any:
        try:
            return self._ask(algebra)
        except Mismatch as error:
            raise ConditionError(f"In the condition {short(self, python=False)}: {error}") from None

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Condition):
            return str(self) == str(other) and self.functions == other.functions
        # What a comparison without parentheses would bring here.
        if not isinstance(other, (Node, bool, int, float, str, list, tuple)):
            return NotImplemented
        raise _compared_condition(self)

    def __hash__(self) -> int:
        return hash((str(self), self.functions))

    def __lt__(self, other: object) -> NoReturn:
        raise _compared_condition(self)

    __le__ = __gt__ = __ge__ = __lt__


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Compare(Condition):
    """A comparison."""

    _sign: str
    _left: Node
    _right: Node

    def _children(self) -> tuple[Node, ...]:
        return (self._left, self._right)

    def _ask(self, algebra: Algebra) -> Any:
        return algebra.compare(self._sign, self._left._ask(algebra), self._right._ask(algebra))

    def _write(self, python: bool) -> str:
        return f"{within(self._left, python, SUM)} {self._sign} {within(self._right, python, SUM)}"

    def _level(self, python: bool) -> int:  # noqa: ARG002
        return COMPARISON


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OneOf(Condition):
    """Being the same as one of a list."""

    _term: Node
    _choices: Constant
    _keys: frozenset[Any] = field(init=False)

    def __post_init__(self) -> None:
        Node.__post_init__(self)
        object.__setattr__(self, "_keys", frozenset(key(self._choices._value)))

    def _children(self) -> tuple[Node, ...]:
        return (self._term, self._choices)

    def _ask(self, algebra: Algebra) -> Any:
        return algebra.one_of(self._term._ask(algebra), self._choices._value, self._keys)

    def _write(self, python: bool) -> str:
        if python:
            return f"{within(self._term, python, ATOM)}.isin({self._choices._write(python)})"
        return f"{within(self._term, python, SUM)} in {self._choices._write(python)}"

    def _write_not(self, python: bool) -> str:
        if python:
            return f"~{self._write(python)}"
        return f"{within(self._term, python, SUM)} not in {self._choices._write(python)}"

    def _level(self, python: bool) -> int:
        return ATOM if python else COMPARISON


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Close(Condition):
    """Hardly differing."""

    _term: Node
    _other: Node
    _rtol: float
    _atol: float

    def _children(self) -> tuple[Node, ...]:
        return (self._term, self._other)

    def _ask(self, algebra: Algebra) -> Any:
        return algebra.close(self._term._ask(algebra), self._other._ask(algebra), self._rtol, self._atol)

    def _write(self, python: bool) -> str:
        options = [("rtol", self._rtol, RTOL), ("atol", self._atol, ATOL)]
        said = [f", {name}={written(value, python)}" for name, value, usual in options if value != usual]
        return f"{within(self._term, python, ATOM)}.close({self._other._write(python)}{''.join(said)})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class IsNull(Condition):
    """Being missing, None or NaN."""

    _term: Node

    def _children(self) -> tuple[Node, ...]:
        return (self._term,)

    def _ask(self, algebra: Algebra) -> Any:
        return algebra.is_null(self._term._ask(algebra))

    def _write(self, python: bool) -> str:
        if python:
            return f"{within(self._term, python, ATOM)}.isnull()"
        return f"{within(self._term, python, SUM)} is null"

    def _write_not(self, python: bool) -> str:
        if python:
            return f"{within(self._term, python, ATOM)}.notnull()"
        return f"{within(self._term, python, SUM)} is not null"

    def _level(self, python: bool) -> int:
        return ATOM if python else COMPARISON


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TextTest(Condition):
    """Having a text at the start, at the end or anywhere."""

    _method: str
    _term: Node
    _part: str

    def _children(self) -> tuple[Node, ...]:
        return (self._term,)

    def _ask(self, algebra: Algebra) -> Any:
        return algebra.text_test(self._method, self._term._ask(algebra), self._part)

    def _write(self, python: bool) -> str:
        return f"{within(self._term, python, ATOM)}.{self._method}({self._part!r})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Truth(Condition):
    """Being True."""

    _term: Node

    def _children(self) -> tuple[Node, ...]:
        return (self._term,)

    def _ask(self, algebra: Algebra) -> Any:
        return algebra.truth(self._term._ask(algebra))

    def _write(self, python: bool) -> str:
        return self._term._write(python)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Joint(Condition):
    """Conditions joined by `and` or `or`; none of them is joined by the same word."""

    _word: str
    _parts: tuple[Condition, ...]

    def _children(self) -> tuple[Node, ...]:
        return self._parts

    def _ask(self, algebra: Algebra) -> Any:
        # All parts are asked, as arrays have to: an error does not depend on the form of the data.
        return functools.reduce(_JOINS[self._word], [part._ask(algebra) for part in self._parts])

    def _write(self, python: bool) -> str:
        sign, least = (_SIGNS[self._word], SIGN) if python else (self._word, self._level(python) + 1)
        return f" {sign} ".join([within(part, python, least) for part in self._parts])

    def _level(self, python: bool) -> int:  # noqa: ARG002
        return AND if self._word == "and" else OR


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Not(Condition):
    """The opposite."""

    _part: Condition

    def _children(self) -> tuple[Node, ...]:
        return (self._part,)

    def _ask(self, algebra: Algebra) -> Any:
        return algebra.negation(self._part._ask(algebra))

    def _write(self, python: bool) -> str:
        part = self._part
        if isinstance(part, (OneOf, IsNull)):
            return part._write_not(python)
        return f"~{within(part, python, SIGN)}" if python else f"not {within(part, python, NOT)}"

    def _level(self, python: bool) -> int:
        if isinstance(self._part, IsNull):
            return self._part._level(python)
        if isinstance(self._part, OneOf) and not python:
            return COMPARISON
        return SIGN if python else NOT


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Function(Condition):
    """What a user's function says."""

    _function: Callable[[Any], Any]

    def _ask(self, algebra: Algebra) -> Any:
        return algebra.function(self._function)

    def _write(self, python: bool) -> str:
        called = getattr(self._function, "__name__", type(self._function).__name__)
        return f"as_condition({called})" if python else f"<function {called}>"


_JOINS: Final = {"and": operator.and_, "or": operator.or_}
_SIGNS: Final = {"and": "&", "or": "|"}


def short(node: Node, python: bool = True) -> str:
    """Return what a node is called in a message."""
    text = node._write(python)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def within(node: Node, python: bool, least: int) -> str:
    """Return a node as it is written in another one, in parentheses where it would fall apart."""
    text = node._write(python)
    return text if node._level(python) >= least else f"({text})"


def side(value: Any, sign: str) -> Condition:
    """Return what stands beside `&` or `|`, or after `~`, as a condition.

    Raises
    ------
    TypeError
        When it is none. The message says what is written in place of it.
    """
    if isinstance(value, Node):
        return value._as_condition(f"A side of {sign}")
    if callable(value) and not isinstance(value, type):
        return Function(value)
    raise TypeError(
        f"A side of {sign} is {value!r}, which is no condition. {sign} holds more tightly than comparisons: put "
        f"each side in parentheses, as in (P.a > 1) {'|' if sign == '|' else '&'} (P.b < 2)."
    )


def _compared_condition(condition: Condition) -> TypeError:
    return TypeError(
        f"{short(condition)} is a condition, which is not compared. & and | hold more tightly than comparisons: "
        "put each side in parentheses, as in (P.a > 1) & (P.b == 2)."
    )


def joined(word: str, parts: Iterable[Condition]) -> Condition:
    """Return conditions joined by `and` or `or`, in one row."""
    row: list[Condition] = []
    for part in parts:
        row.extend(part._parts if isinstance(part, Joint) and part._word == word else [part])
    return Joint(word, tuple(row))


def negated(part: Condition) -> Condition:
    """Return the opposite of a condition."""
    return part._part if isinstance(part, Not) else Not(part)


def constant(value: Any) -> Constant:
    """Return a value of the user's as a constant.

    Raises
    ------
    TypeError
        For what conditions do not compare with.
    """
    return Constant(_plain_constant(value))


def _plain_constant(value: Any) -> Any:
    kind = type(value)
    if kind is list or kind is tuple:
        return [_plain_constant(item) for item in value]
    if kind not in _SCALARS:
        value = _plain_scalar(value)
    if type(value) is int and value.bit_length() > _MAX_BITS:
        raise TypeError(f"Conditions compare with ints of at most {_MAX_BITS} bits.")
    return value


def _plain_scalar(value: Any) -> Any:
    """Return the plain form of a scalar of NumPy, of a subclass, or of a date."""
    if isinstance(value, Node):
        raise TypeError(f"What stands here is the same for all measurements, as {short(value)} is not.")
    if type(value).__name__ == "datetime64":
        value = value.astype("M8[us]").item()
    if isinstance(value, dt.date) and value == value:  # noqa: PLR0124
        # Text says it too, and is what files have.
        return value.isoformat()
    if hasattr(type(value), "dtype") and not value.ndim:
        value = value.item()
    elif isinstance(value, (str, int, float, enum.Enum)):
        value = from_plain(normalise("value", value))
    if type(value) in _SCALARS:
        return value
    several = hasattr(type(value), "ndim") and value.ndim
    hint = " For a choice among several values there is .isin()." if several else ""
    raise TypeError(
        "Conditions compare with numbers, text, True, False, None, dates and lists of these, "
        f"not with a value of type {type(value).__name__}.{hint}"
    )


def _depth_of(value: Any, depth: int) -> int:
    if depth > MAX_DEPTH:
        raise ParameterError(f"A condition is nested at most {MAX_DEPTH} levels deep.")
    if not isinstance(value, list):
        return depth
    return max((_depth_of(item, depth + 1) for item in value), default=depth)


def compared(sign: str, left: Node, right: Node) -> Condition:
    """Return a comparison of two values, a constant on its right side.

    Raises
    ------
    TypeError
        For an order with None, a bool or a list.
    ParameterError
        Without anything that differs from measurement to measurement.
    """
    if isinstance(left, Constant):
        sign, left, right = FLIPPED[sign], right, left
    if isinstance(left, Constant):
        raise ParameterError(f"{right} {FLIPPED[sign]} {left} is the same for all measurements.")
    if isinstance(right, Constant) and sign not in ("==", "!="):
        value = right._value
        if not isinstance(value, (int, float, str)) or isinstance(value, bool):
            raise TypeError(f"{sign} compares with numbers or text, not with {right}, which has no order.")
    return Compare(sign, left, right)

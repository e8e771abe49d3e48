"""The parts of a condition: values that differ between measurements, constants, comparisons, and their written form."""

from __future__ import annotations

import datetime as dt
import enum
import json
import pathlib
import re
import unicodedata
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from typing import Any, ClassVar, Final, TypeVar

from coma_xr import same
from coma_xr.checks import checks_keywords, is_listed
from coma_xr.define.condition_values import (
    COMPARISONS,
    DIVISIONS,
    MAX_BITS,
    Arrays,
    Choices,
    Lookup,
    Single,
    answer,
    expected_zone,
    over_columns,
    plain,
)
from coma_xr.define.values import MOST_VALUES, is_too_long, plain_value
from coma_xr.errors import (
    ConditionError,
    MissingAttributeError,
    ParameterError,
    PathError,
    SerializationError,
)
from coma_xr.text import shortened, with_article
from coma_xr.tree import LEAF_TYPES, TYPE
from coma_xr.values.plain import from_plain, to_plain

_T = TypeVar("_T")

MAX_DEPTH: Final = 64
"""The most levels in which conditions may be nested; a chain of `and` or `or` counts once, one of + at each sign."""

WORDS: Final = frozenset({"and", "or", "not", "in", "is", "null"})
CONSTANTS: Final = {
    "True": True,
    "False": False,
    "None": None,
    "nan": float("nan"),
    "inf": float("inf"),
}

# How tightly each operation holds together what stands next to its sign.
_LEVELS: Final = {
    "or": 1,
    "and": 2,
    "not": 3,
    **dict.fromkeys([*COMPARISONS, "in", "isnull"], 4),
    **dict.fromkeys("+-", 5),
    **dict.fromkeys(["*", "/", "//", "%"], 6),
    "negative": 7,
    "**": 8,
}
_COMPARISON, _SUM, _SIGN, _POWER, _ATOM = 4, 5, 7, 8, 9
_FLIPPED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}

# What is compared with a value where one of its items is meant, and how many of these are looked at.
_CHOICES, _MOST_PARTS = (list, tuple, range, set, frozenset), 1000

# The tolerances of .close() are those of math.isclose.
_RTOL: Final = 1e-9
_ATOL: Final = 0.0

_PARENTHESES = "Put each side in parentheses, as in (P.a > 1) & (P.b < 2)."


def refusing(what: str, *ways: str) -> Callable[..., Any]:
    """Return a method that raises a ConditionError for something that Python allows and conditions do not."""

    def refuse(self: object, *_arguments: Any, **_options: Any) -> Any:
        raise ConditionError(f"{shown(self)} {what}.", ways=ways)

    return refuse


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Node:
    """An operation with its arguments; nodes never change."""

    _operation: str
    _arguments: tuple[Any, ...]
    _depth: int = field(init=False)

    # NumPy then leaves `array > P.a` to this class, whose message explains what is wrong with it.
    __array_ufunc__: ClassVar[None] = None

    def __post_init__(self) -> None:
        depth = 1 + max((child._depth for child in self._children()), default=0)
        if self._operation == "constant":
            depth = _depth_of(self._arguments[0], 1)
        if depth > MAX_DEPTH:
            raise ParameterError(
                "The condition is nested too deeply.", expected=f"at most {MAX_DEPTH} levels"
            )
        object.__setattr__(self, "_depth", depth)

    def _children(self) -> tuple[Node, ...]:
        return tuple([argument for argument in self._arguments if isinstance(argument, Node)])

    def _walk(self) -> Iterator[Node]:
        yield self
        for child in self._children():
            yield from child._walk()

    def _excerpt(self) -> str:
        return f"    {shown(self)}"

    def __str__(self) -> str:
        return _written(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {shown(self)}>"

    __bool__ = refusing(
        "has no truth value, so `and`, `or`, `not`, `in`, `if` and 1 < P.a < 3 cannot be used",
        "Use &, | and ~ with each side in parentheses, as in (P.a > 1) & (P.b < 2).",
        "Use P.a.isin([1, 2]) or P.a.between(1, 3), or a string: 'a > 1 and b in [1, 2]'.",
    )
    __len__ = refusing("differs between measurements and has no length")
    __iter__ = refusing("differs between measurements and cannot be iterated over")
    __contains__ = refusing("does not support `in`", "Use P.a.isin([1, 2]) or P.a.contains('text').")
    __call__ = refusing("is not a function", "Pass a condition as where=.")

    def _as_condition(self) -> Condition:
        raise ConditionError(
            f"{shown(self)} is a value, not a condition.", ways=[f"Compare it, as in {shown(self)} > 0."]
        )

    def __and__(self, other: Any) -> Condition:
        return joined("and", [_side(self, "&"), _side(other, "&")])

    def __rand__(self, other: Any) -> Condition:
        return joined("and", [_side(other, "&"), _side(self, "&")])

    def __or__(self, other: Any) -> Condition:
        return joined("or", [_side(self, "|"), _side(other, "|")])

    def __ror__(self, other: Any) -> Condition:
        return joined("or", [_side(other, "|"), _side(self, "|")])

    def __invert__(self) -> Condition:
        return negated(_side(self, "~"))


class Constant(Node):
    """A plain value, a date or a number of another type, or a list or dictionary of these."""

    __slots__ = ()

    @property
    def _value(self) -> Any:
        value = self._arguments[0]
        return value.values if isinstance(value, Choices) else value

    @property
    def _is_number(self) -> bool:
        return type(self._value) in (int, float)

    @property
    def _is_double(self) -> bool:
        """Whether this is a number that doubles represent, at least nearly."""
        return self._is_number and (type(self._value) is float or abs(self._value) < 2**1023)


class Condition(Node):
    """A condition on measurements, parameter sets or cells.

    Two conditions are equal if they are written the same.

    Examples
    --------
    >>> from coma_xr import P
    >>> (P.a > 3) & P.model.isin(["Ising"])
    <Condition: a > 3 and model in ['Ising']>
    """

    __slots__ = ()

    def _as_condition(self) -> Condition:
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The names and paths that the condition needs, as they were written, in order."""
        return tuple(dict.fromkeys(node._arguments[0] for node in self._walk() if node._operation == "name"))

    @property
    def functions(self) -> tuple[Callable[[Any], Any], ...]:
        """The functions in the condition, which need the measurement or parameter set itself."""
        return tuple(node._arguments[0] for node in self._walk() if node._operation == "function")

    @property
    def equalities(self) -> dict[str, list[Any]]:
        """The values that names are compared with by ``==`` and ``in``."""
        return self._compared("==", "in")

    @property
    def lists(self) -> tuple[str, ...]:
        """The names that are compared with lists."""
        compared = self._compared("==", "!=", "in")
        return tuple(name for name, values in compared.items() if any(isinstance(v, list) for v in values))

    def _compared(self, *operations: str) -> dict[str, list[Any]]:
        """Return the values that names are compared with by some operations."""
        wanted: dict[str, list[Any]] = {}
        for node in self._walk():
            if node._operation in operations and node._arguments[0]._operation == "name":
                name, other = node._arguments[0]._arguments[0], node._arguments[1]
                if isinstance(other, Constant):
                    wanted.setdefault(name, []).extend(
                        other._value if node._operation == "in" else [other._value]
                    )
        return wanted

    @property
    def has_containers(self) -> bool:
        """Whether values are compared with lists, dictionaries or sets."""
        nodes = [node for node in self._walk() if node._operation in ("==", "!=", "in")]
        values = [
            value
            for node in nodes
            if isinstance(node._arguments[1], Constant)
            for value in (
                node._arguments[1]._value if node._operation == "in" else [node._arguments[1]._value]
            )
        ]
        return any(isinstance(value, (list, dict, set, frozenset)) for value in values)

    def resolve(self, resolver: Callable[[str], _T]) -> dict[str, _T]:
        """Return what a resolver makes of each name.

        Raises
        ------
        PathError
            That of the resolver. Its excerpt points at the name.
        """
        paths = {}
        for name in self.names:
            try:
                paths[name] = resolver(name)
            except PathError as error:
                text = str(self)
                error.excerpt = pointing(text, max(0, text.find(_quoted(name))))
                error.ways = (*error.ways, *self._ways_for(name))
                raise
        return paths

    def _ways_for(self, name: str) -> Iterator[str]:
        """Yield what a user may have meant by an unknown name: text without quotation marks, or a path."""
        compared = [node._arguments[1] for node in self._walk() if node._operation in ("==", "!=")]
        if any(right._operation == "name" and right._arguments[0] == name for right in compared):
            yield f"Put text in quotation marks: {name!r}."
        if " / " in str(self):
            yield "Put a path in backticks: `results/E`, in Python P['results/E']."

    def unfulfilled(
        self, number: int, noun: str, known: Mapping[str, Iterable[Any]], otherwise: str = ""
    ) -> str:
        """Return the warning that the condition holds for none of some things.

        It names the value nearest to each value of `equalities` that a name never had.

        Parameters
        ----------
        number, noun : int and str
            How many things were judged, and what one is called.
        known : mapping of str to iterable
            The values that names had.
        otherwise : str, optional
            The consequence.
        """
        none = f"None of the {number:,} {noun}s" if number > 1 else f"No {noun}"
        text = f"{none} fulfils the condition {shown(self)}{'; ' * bool(otherwise)}{otherwise}."
        for name, wanted in self.equalities.items():
            values = list(known.get(name, ()))
            several = [list(islice(value, _MOST_PARTS)) for value in wanted if isinstance(value, _CHOICES)]
            if any(same.equal(part, other) for value in several for part in value for other in values):
                text += f" One of several values is selected by {_quoted(name)} in {shortened(several[0])}, in Python by .isin()."
            if not any(same.equal(value, other) for value in wanted for other in values):
                for value in wanted[:3]:
                    near = same.nearest(value, values)
                    if near is not None:
                        text += f" The value of {name} nearest to {value!r} is {shortened(plain(near))}."
                zones = {expected_zone(value, other) for value in wanted for other in values}
                text += "".join(f" Expected {zone}." for zone in zones if zone)
        return text

    def evaluate(self, lookup: Lookup, subject: Any = None) -> bool:
        """Return whether the condition holds for one measurement or parameter set.

        Parameters
        ----------
        lookup : callable
            Returns the plain value of each of `names`; `coma_xr.define.values.NOTHING`, or a KeyError, when
            there is none.
        subject : Measurement or ParameterSet, optional
            What functions are called with.

        Raises
        ------
        ConditionError
            When values cannot be compared, such as text with numbers by ``<``. The message shows them.

        Examples
        --------
        >>> from coma_xr.define.conditions import P
        >>> (P.a + P.b > 3).evaluate({"a": 1, "b": 2.5}.__getitem__)
        True
        """
        return bool(answer(self, Single(lookup, subject)))

    def evaluate_columns(self, lookup: Lookup) -> Any:
        """Return where the condition holds, for many measurements or cells at the same time.

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
        ConditionError
            If values cannot be compared, or the condition is a function.

        Examples
        --------
        >>> import numpy as np
        >>> from coma_xr.define.conditions import P
        >>> (P.a > 1).evaluate_columns({"a": np.array([1.0, 2.0, np.nan])}.__getitem__)
        array([False,  True, False])
        """
        values, names = Single(lookup), self.names
        return over_columns(
            lambda *arrays: answer(self, Arrays(dict(zip(names, arrays, strict=True)))),
            [values.name(name) for name in names],
        )

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Condition):
            return str(self) == str(other) and self.functions == other.functions
        # A comparison without parentheses brings one of these here.
        if not isinstance(other, (Node, bool, int, float, str, list, tuple)):
            return NotImplemented
        return bool(self < other)

    def __hash__(self) -> int:
        return hash((str(self), self.functions))

    __lt__ = __le__ = __gt__ = __ge__ = refusing(
        "is a condition and cannot be compared: & and | bind more tightly than comparisons", _PARENTHESES
    )


def _comparison(sign: str) -> Callable[[Any, Any], Condition]:
    return lambda self, other: compared(sign, self, _operand(other))


def _calculation(sign: str) -> tuple[Callable[[Any, Any], Term], Callable[[Any, Any], Term]]:
    return (
        lambda self, other: calculated(sign, self, _operand(other)),
        lambda self, other: calculated(sign, _operand(other), self),
    )


@checks_keywords
class Term(Node):
    """A value that differs between measurements, such as ``P.a`` or ``P.a + 1``.

    Comparisons and the methods below make a `Condition` of it, also ``==``, so that terms cannot be keys of
    dictionaries.

    Examples
    --------
    >>> from coma_xr import P
    >>> P.a + 1
    <Term: a + 1>
    >>> P.a + 1 == 3
    <Condition: a + 1 == 3>
    """

    __slots__ = ()

    __lt__, __le__ = _comparison("<"), _comparison("<=")
    __gt__, __ge__ = _comparison(">"), _comparison(">=")
    __eq__, __ne__ = _comparison("=="), _comparison("!=")  # type: ignore[assignment]
    __hash__ = refusing(
        "cannot be a key of a dictionary or an item of a set, since == makes a condition of it",
        "For `in`, write P.a.isin([1, 2]).",
    )
    __getitem__ = refusing("cannot be indexed", "Name an item by its path, as in P['results/E/0'].")

    __add__, __radd__ = _calculation("+")
    __sub__, __rsub__ = _calculation("-")
    __mul__, __rmul__ = _calculation("*")
    __truediv__, __rtruediv__ = _calculation("/")
    __floordiv__, __rfloordiv__ = _calculation("//")
    __mod__, __rmod__ = _calculation("%")
    __pow__, __rpow__ = _calculation("**")

    def __neg__(self) -> Term:
        return Term("negative", (self,))

    def __pos__(self) -> Term:
        return self

    def __abs__(self) -> Term:
        return Term("abs", (self,))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        branch = [f"Name a value in a branch by its path, as in P['{self._arguments[0]}/{name}']."]
        raise MissingAttributeError(
            f"{shown(self)} has no method '{name}'.",
            name=name,
            available=METHODS,
            ways=branch if self._operation == "name" else (),
        )

    def _as_condition(self) -> Condition:
        return Condition("true", (self,)) if self._operation == "name" else super()._as_condition()

    def isin(self, values: Iterable[Any]) -> Condition:
        """Return the condition that the value is one of `values`, a list, set or array of one dimension."""
        if isinstance(values, Node) or not is_listed(values):
            raise ConditionError(
                f".isin() cannot be applied to {shortened(values)}.", expected="a list such as [1, 2]"
            )
        if is_too_long(values):
            raise ConditionError(
                f".isin() cannot be applied to {values}.",
                expected=f"at most {MOST_VALUES:,} values",
                ways=["Use .between(low, high)."],
            )
        # A set has another order in another process.
        listed = sorted(values, key=repr) if isinstance(values, (set, frozenset)) else list(values)
        return Condition("in", (self, Constant("constant", (Choices(constant(listed)._value),))))

    def between(self, low: Any, high: Any, inclusive: str = "both") -> Condition:
        """Return the condition that the value lies between two; `inclusive` is "both", "left", "right" or "neither"."""
        given: Any = inclusive
        options = ["both", "left", "right", "neither"]
        if not isinstance(given, str) or given not in options:
            raise ParameterError(
                f"Unknown option inclusive={shortened(inclusive)}.", name=str(inclusive), available=options
            )
        left = compared(">=" if inclusive in ("both", "left") else ">", self, _operand(low))
        right = compared("<=" if inclusive in ("both", "right") else "<", self, _operand(high))
        return left & right

    def close(self, other: Any, *, rtol: float = _RTOL, atol: float = _ATOL) -> Condition:
        """Return the condition that two numbers differ by at most `rtol` of the larger one (1e-9), or `atol` (0)."""
        for name, tolerance in [("rtol", rtol), ("atol", atol)]:
            number = constant(tolerance)
            if not (number._is_double and number._value >= 0):
                raise ParameterError(
                    f"{name}={shortened(tolerance)} cannot be used.", expected="a number from 0 up"
                )
        tolerances = constant(float(rtol)), constant(float(atol))
        return Condition("close", (self, _number(".close()", _operand(other)), *tolerances))

    def isnull(self) -> Condition:
        """Return the condition that the value is missing, None or NaN."""
        return Condition("isnull", (self,))

    def notnull(self) -> Condition:
        """Return the condition that the value exists and is neither None nor NaN."""
        return negated(self.isnull())

    def startswith(self, part: str) -> Condition:
        """Return the condition that a string begins with `part`."""
        return Condition("startswith", (self, _part(part)))

    def endswith(self, part: str) -> Condition:
        """Return the condition that a string ends with `part`."""
        return Condition("endswith", (self, _part(part)))

    def contains(self, part: str) -> Condition:
        """Return the condition that a string contains `part`, literally."""
        return Condition("contains", (self, _part(part)))

    def lower(self) -> Term:
        """Return the text in lower case."""
        return Term("lower", (self,))

    def upper(self) -> Term:
        """Return the text in upper case."""
        return Term("upper", (self,))


METHODS: Final = tuple(name for name in vars(Term) if not name.startswith("_"))
"""The methods that can be written after the dot of a value, in Python and in text."""


# Making nodes


def named(name: str) -> Term:
    """Return the value of a name or path."""
    return Term("name", (name,))


def function(called: Callable[[Any], Any]) -> Condition:
    """Return the condition that a user's function decides."""
    return Condition("function", (called,))


def _side(value: Any, sign: str) -> Condition:
    """Return what stands next to `&` or `|`, or after `~`, as a condition."""
    if isinstance(value, Node):
        return value._as_condition()
    if callable(value) and not isinstance(value, type):
        return function(value)
    raise ConditionError(
        f"One side of {sign} is {shortened(value)}, which is not a condition: "
        f"{sign} binds more tightly than comparisons.",
        ways=[_PARENTHESES],
    )


def joined(word: str, parts: Iterable[Condition]) -> Condition:
    """Return conditions joined by `and` or `or`, in one row."""
    row: list[Condition] = []
    for part in parts:
        row.extend(part._arguments if part._operation == word else [part])
    return Condition(word, tuple(row))


def negated(part: Condition) -> Condition:
    """Return the opposite of a condition."""
    inner: Condition = part._arguments[0]
    return inner if part._operation == "not" else Condition("not", (part,))


def _operand(value: Any) -> Node:
    """Return what stands next to a sign as a term or a constant; a ConditionError for a condition."""
    if isinstance(value, Condition):
        raise ConditionError(
            f"{shown(value)} is a condition, not a value: & and | bind more tightly than comparisons, and "
            "comparisons cannot be chained in Python.",
            ways=[_PARENTHESES],
        )
    return value if isinstance(value, Term) else constant(value)


def compared(sign: str, left: Node, right: Node) -> Condition:
    """Return a comparison of two values, a constant on its right side.

    Raise ConditionError for an order with None, a bool or a list, and ParameterError when neither side
    differs between measurements.
    """
    if isinstance(left, Constant):
        sign, left, right = _FLIPPED[sign], right, left
    if isinstance(left, Constant):
        text = f"{right} {_FLIPPED[sign]} {left}"
        raise ParameterError(f"{text} is the same for all measurements.", expected="a name on one side")
    if isinstance(right, Constant) and sign not in ("==", "!="):
        value = right._value
        if value is None or isinstance(value, (bool, list, dict, complex)):
            raise ConditionError(f"{sign} cannot be used with {right}.", expected="a number, text or a date")
    return Condition(sign, (left, right))


def calculated(sign: str, left: Node, right: Node) -> Term:
    """Return a calculation with at least one term; a ConditionError for a constant that is not a number, or a zero to divide by."""
    if isinstance(right, Constant) and sign in DIVISIONS and right._is_number and not right._value:
        raise ConditionError(
            f"{shown(Term(sign, (left, right)))} divides by zero.", expected="another number"
        )
    return Term(sign, (_number(sign, left), _number(sign, right)))


def _number(sign: str, node: Node) -> Node:
    """Return a node that may be part of a calculation, which has double precision."""
    if isinstance(node, Constant) and not node._is_double:
        expected = "a number up to 1.8e308" if node._is_number else "an int or a float"
        raise ConditionError(f"{sign} cannot be applied to {shortened(node._value, 60)}.", expected=expected)
    return node


def _part(part: Any) -> Constant:
    node = constant(part)
    if not isinstance(node._value, str):
        raise ConditionError(f"{node} is not text.", expected="a part of a string")
    return node


# Constants


def _moment(text: str) -> Any:
    """Return the time that a string names; one that Python's datetime does not hold exactly is NumPy's."""
    if re.search(r"\.\d{6}\d*[1-9]", text) or not re.match(r"\d{4}-", text):
        import numpy as np

        return np.datetime64(text)
    return dt.datetime.fromisoformat(text)


def _duration(text: str) -> dt.timedelta:
    seconds = Decimal(text)
    if not abs(seconds) < 10**15:
        raise OverflowError("A duration has less than 10**15 seconds")
    return dt.timedelta(microseconds=int(seconds.scaleb(6)))


def _fraction(text: str) -> Fraction:
    # An exponent could make a number that fills the memory.
    numerator, _, denominator = text.partition("/")
    return Fraction(int(numerator), int(denominator or 1))


def _seconds(value: dt.timedelta) -> str:
    return str(Decimal(value // dt.timedelta(microseconds=1)).scaleb(-6).normalize())


def _as_json(value: Any) -> str:
    return json.dumps(to_plain(value), separators=(",", ":"))


LITERALS: Final[dict[str, Callable[[str], Any]]] = {
    "date": dt.date.fromisoformat,
    "datetime": _moment,
    "time": dt.time.fromisoformat,
    "timedelta": _duration,
    "complex": complex,
    "Decimal": Decimal,
    "Fraction": _fraction,
    "bytes": bytes.fromhex,
    "Path": pathlib.Path,
    "UUID": uuid.UUID,
    "stored": lambda text: from_plain(json.loads(text)),
}
"""Values that are written as a name with text in parentheses, such as ``date('2026-01-31')``, and how each is read.

``stored`` reads the form of files, for values of all other kinds.
"""

LONG_LITERALS: Final = frozenset({"bytes", "Path", "stored"})
"""Those whose text may be long; the numbers that a long text stands for could fill the memory."""

_WRITTEN: Final[dict[type, tuple[str, Callable[[Any], str]]]] = {
    dt.date: ("date", str),
    dt.datetime: ("datetime", dt.datetime.isoformat),
    dt.time: ("time", dt.time.isoformat),
    dt.timedelta: ("timedelta", _seconds),
    complex: ("complex", str),
    Decimal: ("Decimal", str),
    Fraction: ("Fraction", str),
    bytes: ("bytes", bytes.hex),
    type(pathlib.Path()): ("Path", str),
    uuid.UUID: ("UUID", str),
}


def constant(value: Any) -> Constant:
    """Return a user's value as a constant; a ConditionError for values that conditions cannot be compared with."""
    return Constant("constant", (_plain_constant(value),))


def _plain_constant(value: Any) -> Any:
    if type(value) in (list, tuple):
        return [_plain_constant(item) for item in value]
    if type(value) is dict:
        if wrong := next((key for key in value if type(key) is not str or key == TYPE), None):
            raise ConditionError(f"A dictionary in a condition has the key {wrong!r}.", expected="names")
        return {key: _plain_constant(item) for key, item in value.items()}
    if type(value) not in LEAF_TYPES:
        value = _plain_scalar(value)
    if type(value) is int and value.bit_length() > MAX_BITS:
        raise ConditionError(
            f"The condition has an int of {value.bit_length()} bits.", expected=f"at most {MAX_BITS} bits"
        )
    return value


def _plain_scalar(value: Any) -> Any:
    """Return Python's form of a scalar of NumPy or pandas, of a subclass or of a member of an Enum."""
    if isinstance(value, Node):
        raise ConditionError(f"{shown(value)} differs between measurements.", expected="one value for all")
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if same.is_missing(value):
        return float("nan")
    if kind == "M" and not value.ndim:
        return _plain_time(value)
    if kind == "m" and not value.ndim:
        value = _exactly(value.astype("m8[us]").item(), value)
    elif kind and kind in "biufcUS" and not value.ndim:
        item = value.item()
        # Python has no long double.
        value = same.key(value) if type(item) is type(value) else item
    elif isinstance(value, dt.datetime):
        # A Timestamp may have nanoseconds.
        stamp = None if value.tzinfo else getattr(value, "asm8", None)
        return dt.datetime.fromisoformat(value.isoformat()) if stamp is None else _plain_time(stamp)
    elif isinstance(value, dt.timedelta):
        value = _exactly(dt.timedelta(value.days, value.seconds, value.microseconds), value)
    elif isinstance(value, (str, int, float, enum.Enum)):
        value = from_plain(plain_value("value", value))
    if type(value) in LEAF_TYPES or type(value) in _WRITTEN:
        return value
    if isinstance(value, type) or not getattr(value, "ndim", 0):
        return _stored(value)
    raise ConditionError(
        f"A condition cannot be compared with {with_article(type(value).__name__)}.",
        expected=_COMPARABLE,
        ways=[
            "Use .isin() for a choice among several values.",
            "Pass .tolist() for one value that is an array.",
        ],
    )


_COMPARABLE = "a value that can be stored, such as a number, text, None or a date, or a list of these"


def _stored(value: Any) -> Any:
    """Return what measurements have of a value: a dictionary of an object with fields, the name of a function."""
    try:
        stored = from_plain(plain_value("value", value))
    except SerializationError as error:
        if callable(value):
            raise
        kind = with_article(type(value).__name__)
        raise ConditionError(f"A condition cannot be compared with {kind}.", expected=_COMPARABLE) from error
    return _plain_constant(stored) if type(stored) is dict or type(stored) in LEAF_TYPES else stored


def _exactly(duration: dt.timedelta, value: Any) -> Any:
    """Return a duration of Python's for one of NumPy or pandas, which it only replaces if it is the same."""
    return duration if same.equal(duration, value) else value


def _plain_time(value: Any) -> Any:
    import numpy as np

    period = same.period_text(value)
    return _moment(str(np.datetime_as_string(np.asarray(value)))) if period is value else period


def _depth_of(value: Any, depth: int) -> int:
    items = value.values if isinstance(value, Choices) else value
    items = list(items.values()) if isinstance(items, dict) else items
    if depth > MAX_DEPTH or not isinstance(items, list):
        return depth
    return max((_depth_of(item, depth + 1) for item in items), default=depth)


# Writing


def _quoted(name: str) -> str:
    """Return a name as text has it: bare, or in backticks.

    >>> _quoted("theta_0"), _quoted("results/E"), _quoted("in")
    ('theta_0', '`results/E`', '`in`')
    """
    is_bare = name.isidentifier() and name not in WORDS and name not in CONSTANTS
    # Python reads names in this form, so that a > 1 and P.a > 1 mean the same.
    if is_bare and unicodedata.is_normalized("NFKC", name):
        return name
    return "`" + name.replace("`", "``") + "`"


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join([f'{key!r}: {_literal(item)}' for key, item in value.items()])}}}"
    if type(value) in LEAF_TYPES:
        return repr(value)
    is_time = getattr(getattr(value, "dtype", None), "kind", "") == "M"
    name, text_of = _WRITTEN.get(type(value), ("datetime", str) if is_time else ("stored", _as_json))
    return f"{name}({text_of(value)!r})"


def _written(node: Node) -> str:
    """Return the text of a node, which `coma_xr.define.conditions.parse` reads."""
    operation, (first, *others) = node._operation, node._arguments
    if operation == "name":
        return _quoted(first)
    if operation == "constant":
        return _literal(node._value)  # type: ignore[attr-defined]
    if operation == "function":
        return f"<function {getattr(first, '__name__', type(first).__name__)}>"
    if operation == "true":
        return _written(first)
    if operation == "abs":
        return f"abs({_written(first)})"
    if operation == "negative":
        return f"-{_within(first, _SIGN)}"
    if operation in ("and", "or"):
        return f" {operation} ".join([_within(part, _LEVELS[operation] + 1) for part in node._arguments])
    if operation == "isnull":
        return f"{_within(first, _SUM)} is null"
    if operation == "not":
        if first._operation in ("in", "isnull"):
            term = _within(first._arguments[0], _SUM)
            denied = _written(first)[len(term) :]
            return term + denied.replace(" in ", " not in ", 1).replace(" is null", " is not null")
        return f"not {_within(first, _LEVELS['not'])}"
    if operation in _LEVELS:
        return _written_infix(operation, first, others[0])
    texts = [_written(option) for option in others]
    if operation == "close":
        usual = zip(("rtol", "atol"), (_RTOL, _ATOL), others[1:], strict=True)
        texts[1:] = [f"{name}={_written(value)}" for name, default, value in usual if value._value != default]
    return f"{_within(first, _ATOM)}.{operation}({', '.join(texts)})"


def _written_infix(operation: str, left: Node, right: Node) -> str:
    level = _LEVELS[operation]
    if level == _POWER:
        # A power takes what stands right of it first, with its sign; all others take what stands left.
        levels = _ATOM, _SIGN
    else:
        levels = (_SUM, _SUM) if level == _COMPARISON else (level, level + 1)
    return f"{_within(left, levels[0])} {operation} {_within(right, levels[1])}"


def _within(node: Node, least: int) -> str:
    """Return a node as it is written in another one, in parentheses where it would fall apart."""
    text, level = _written(node), _LEVELS.get(node._operation, _ATOM)
    if node._operation == "not" and node._arguments[0]._operation in ("in", "isnull"):
        level = _COMPARISON
    if node._operation == "constant" and text.startswith("-"):
        level = _SIGN
    return text if level >= least else f"({text})"


def shown(node: object) -> str:
    """Return the text of a node, cut where it is long, for a message."""
    text = str(node)
    return text if len(text) <= 200 else f"{text[:197]}..."


# A longer line is cut to this many characters on both sides of the place.
_AROUND = 60


def pointing(text: str, place: int) -> str:
    """Return the line of a string that has a place, and a second one with a caret below it.

    >>> print(pointing("A >> 3", 3))
        A >> 3
           ^
    """
    first = text.rfind("\n", 0, place) + 1
    line = text[first:].partition("\n")[0]
    column = place - first
    start, end = max(0, column - _AROUND), column + _AROUND
    before = "..." if start else ""
    cut = before + line[start:end] + ("..." if end < len(line) else "")
    shown_line = "".join(c if c.isprintable() else " " for c in cut)
    return f"    {shown_line}\n    {' ' * (column - start + len(before))}^"

"""Conditions on measurements, parameter sets and cells: `P`, their text, and the rules of both.

``P.a`` stands for the value that the name ``a`` has in each measurement, ``P["results/E"]`` for that of a
path. Comparisons, ``&``, ``|`` and ``~`` make a `Condition`, which knows the `names` it needs and is asked
with `evaluate` or, for arrays, with `evaluate_columns`. Its text says the same, and `parse` reads it.

>>> condition = (P.A > 3) & P.model.isin(["Ising", "Bond"])
>>> str(condition)
"A > 3 and model in ['Ising', 'Bond']"
>>> parse("A > 3 and model in ['Ising', 'Bond']")
(P.A > 3) & P.model.isin(['Ising', 'Bond'])
>>> condition.evaluate({"A": 4, "model": "Bond"}.__getitem__)
True

**Sameness.** ``==``, ``!=``, ``.isin`` follow the rule of parameter sets: numbers are the same by value (1 and
1.0), a bool is no number, text is no number, lists are compared by their items, None is the same as None
and NaN as NaN. What has another type is another value, without an error.

**Order.** ``<``, ``<=``, ``>``, ``>=`` and ``.between`` compare numbers with numbers, text with text and dates
with dates or text such as ``'2026-01-31T12:00'``; a TypeError shows two values that have no order. They are
false where a value is missing, None or NaN.

**What is missing** is the same as nothing, not even as None; ``.isnull()`` is true where a value is missing,
None or NaN. There are two answers, not three: ``~c`` holds exactly where ``c`` does not, and ``a != b`` where
``a == b`` does not, so both hold where `a` is missing, as in NumPy and pandas. ``& P.a.notnull()`` leaves that out.

**Calculations** (``+ - * / // % **``, ``abs``) are done in double precision; dividing by zero gives inf or NaN as in
NumPy; what is missing or None stays so. **Text** has ``.startswith``, ``.endswith``, ``.contains`` (all literally),
``.lower`` and ``.upper``. ``.close(x, rtol=1e-9, atol=0.0)`` is `math.isclose`. A **name alone** is a
condition where its values are True or False: ``P.converged & (P.A > 3)``.

**In text** the words are ``and``, ``or``, ``not``, ``in``, ``not in``, ``is null``, ``is not null``; comparisons may be
chained (``1 < A < 3``); the methods are written as in Python; names with other characters than letters, digits
and underscores stand in backticks, with two for one inside; text stands in quotation marks. There are
numbers, True, False, None, nan, inf, and lists of these. Nothing else is read, and nothing is run. A text has at
most 100,000 characters; a condition is nested at most 64 levels deep.

**Arrays** of a Dataset do not tell missing values from NaN or, with holes, None; ``.isnull()`` means all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NoReturn

from coma_xr.define.condition_nodes import Condition, Function, Node
from coma_xr.define.condition_terms import Name
from coma_xr.define.condition_text import parse
from coma_xr.errors import ParameterError
from coma_xr.tree import join, split

__all__ = ["Condition", "P", "as_condition", "parse"]


class _Names:
    """Gives the terms of all names and paths, of which conditions are made; it has no method of its own.

    Examples
    --------
    >>> (P.a > 3) & ~P.model.isin(["Ising"])
    (P.a > 3) & ~P.model.isin(['Ising'])
    >>> P["results/E"] < 1
    P['results/E'] < 1
    """

    __slots__ = ()

    __array_ufunc__ = None

    def __getattr__(self, name: str) -> Name:
        # Python and notebooks ask every object for many names with underscores.
        if name.startswith("_"):
            raise AttributeError(f"A name that begins with an underscore is written P[{name!r}].")
        return Name(name)

    def __getitem__(self, path: Any) -> Name:
        if not isinstance(path, (str, tuple, list)):
            raise TypeError(f"P[...] takes a name or a path, such as P['results/E'], not {path!r}.")
        text = str(path) if isinstance(path, str) else join(split(path))
        if not text.strip("/"):
            raise ParameterError(f"P[{path!r}] names nothing; a path is written P['results/E'].")
        return Name(text)

    def __call__(self, *_arguments: Any, **_options: Any) -> NoReturn:
        """Raise: P is no function."""
        raise TypeError("P is not called; a name is written P.a, a path P['results/E'].")

    def __contains__(self, item: object) -> bool:
        raise TypeError("P has a term for every name; write P.a.isin([1, 2]), or P.a.notnull().")

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("P has a term for every name; it is not a list of them.")

    def __len__(self) -> int:
        raise TypeError("P has a term for every name, and no length.")

    def __bool__(self) -> bool:
        raise TypeError("P is no condition; write one of its names, as in P.a > 1.")

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
        A condition made with `P`, its text, or a function of a `Measurement` or `ParameterSet`; what it
        returns counts as true or false, as in Python, but for None, which is an error. A name alone, such as ``P.converged``, is a condition too.

    Raises
    ------
    TypeError
        For anything else, a bool in particular.
    ParameterError
        When a text cannot be read. The message points at the place.

    Examples
    --------
    >>> as_condition("1 < A < 3")
    (P.A > 1) & (P.A < 3)
    >>> from coma_xr.define.parameters import ParameterSet
    >>> p = ParameterSet(["a"], [4])
    >>> as_condition(lambda p: p.a > 3).evaluate(p.__getitem__, p)
    True
    >>> as_condition(3 > 2)
    Traceback (most recent call last):
    ...
    TypeError: Expected a condition, such as P.a > 3, ... got True, ...
    """
    if isinstance(value, Node):
        return value._as_condition("Expected a condition")
    if isinstance(value, str):
        return parse(value)
    expected = "Expected a condition, such as P.a > 3, the text 'a > 3' or a function of a measurement; "
    if value is P:
        raise TypeError(f"{expected}got P itself.")
    if isinstance(value, bool) or (getattr(value, "ndim", None) == 0 and value.dtype == bool):
        raise TypeError(
            f"{expected}got {value!r}, the same for all measurements. Something was compared at once: is P "
            "still coma.P, and not a variable of yours that has such an attribute?"
        )
    if not callable(value) or isinstance(value, type):
        raise TypeError(f"{expected}got {value!r}, of type {type(value).__name__}.")
    return Function(value)

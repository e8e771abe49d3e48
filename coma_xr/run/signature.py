"""How a function is called with parameters: found out before anything is computed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from inspect import Parameter
from typing import TYPE_CHECKING, Any

from coma_xr.define.values import plain_value
from coma_xr.errors import ParameterError, SerializationError, Way
from coma_xr.text import as_clause, shortened, with_article
from coma_xr.tree import join

if TYPE_CHECKING:
    from coma_xr.define.parameters import Definition

UNNAMED = "result"
"""The name of a lambda."""

LAMBDA = "<lambda>"

_BY_KEYWORD = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


def name_of(function: Callable[..., Any]) -> str:
    """Return the name under which a function's single result is stored.

    >>> name_of(max), name_of(lambda x: x)
    ('max', 'result')
    """
    name = called(function)
    return UNNAMED if name == LAMBDA else name


def called(function: Callable[..., Any]) -> str:
    """Return what a function is called in messages.

    >>> called(max), called(lambda x: x)
    ('max', '<lambda>')
    """
    inner = inspect.unwrap(getattr(function, "func", function))
    return str(getattr(inner, "__name__", type(inner).__name__))


def keywords(definition: Definition) -> tuple[str, ...]:
    """Return the names by which a function gets the values: the last segment of each path.

    Raise ParameterError when two paths end alike.
    """
    names = [str(path[-1]) for path in definition.paths]
    for place, name in enumerate(names):
        if name in names[:place]:
            first = definition.paths[names.index(name)]
            raise ParameterError(
                f"The function would get two arguments '{name}', of {join(first)} and {join(definition.paths[place])}.",
                name=name,
                ways=["Use run(f) with added parameter sets: f then gets the whole set."],
            )
    return tuple(names)


# Arguments with which a function asks for random numbers.
_RANDOM = ("rng", "seed")


def random_arguments(function: Callable[..., Any], given: Sequence[str]) -> tuple[str, ...]:
    """Return those of ``rng`` and ``seed`` that a function has as arguments and that are not given otherwise.

    >>> random_arguments(lambda a, rng=None, *, seed: a, ["a"]), random_arguments(lambda seed: seed, ["seed"])
    (('rng', 'seed'), ())
    """
    signature = _signature(function)
    if signature is None:
        return ()
    taken = [p.name for p in signature.parameters.values() if p.kind in _BY_KEYWORD]
    return tuple(name for name in _RANDOM if name in taken and name not in given)


def makes_no_difference(function: Callable[..., Any], given: Sequence[str]) -> bool:
    """Whether a repeat is like the one before, as far as arguments tell: neither ``rng`` nor ``seed`` is among them.

    Objects and programs may have numbers of their own.

    >>> makes_no_difference(lambda a: a, ["a"]), makes_no_difference(lambda a, rng: a, ["a"]), makes_no_difference(max, [])
    (True, False, False)
    """
    inner = inspect.unwrap(getattr(function, "func", function))
    for_random = set(_RANDOM) & set(given)
    return inspect.isfunction(inner) and not for_random and not random_arguments(function, given)


def first_argument(function: Callable[..., Any]) -> str:
    """Return the name of the argument that a parameter set, given by position, goes to; "" when it has none."""
    signature = _signature(function)
    by_position = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    names = [p.name for p in signature.parameters.values() if p.kind in by_position] if signature else []
    return names[0] if names else ""


def check_set(function: Callable[..., Any], random: Sequence[str] = ()) -> None:
    """Raise ParameterError when a function cannot be called with a parameter set, and random numbers."""
    signature = _signature(function)
    if signature is None:
        return
    try:
        signature.bind(object(), **dict.fromkeys(random))
    except TypeError as error:
        raise ParameterError(
            f"run(f) calls f(parameter_set), and {called(function)}{signature} cannot be called so: {as_clause(error)}.",
            ways=["To get the parameters by keyword, pass the scan as well: run(f, scan)."],
        ) from None


def check_keywords(function: Callable[..., Any], given: Sequence[str]) -> None:
    """Raise ParameterError when a function cannot be called with keywords of these names."""
    signature = _signature(function)
    if signature is None:
        return
    name, parameters = called(function), signature.parameters.values()
    taken = [p.name for p in parameters if p.kind in _BY_KEYWORD]
    if not any(p.kind is Parameter.VAR_KEYWORD for p in parameters):
        by_position = [
            f"*{p.name}" if p.kind is Parameter.VAR_POSITIONAL else p.name
            for p in parameters
            if p.kind in {Parameter.POSITIONAL_ONLY, Parameter.VAR_POSITIONAL}
        ]
        for keyword in given:
            if keyword in taken:
                continue
            if by_position:
                raise _by_position(name, signature, keyword)
            ways = ["Rename it, or let the function take it by **parameters."]
            raise ParameterError(
                f"{name}() takes no argument '{keyword}'.",
                name=keyword,
                available=taken,
                ways=[] if keyword.isidentifier() else ways,
            )
    for p in parameters:
        if p.default is not Parameter.empty or p.name in given:
            continue
        if p.kind is Parameter.POSITIONAL_ONLY:
            raise _by_position(name, signature, p.name)
        if p.kind in _BY_KEYWORD:
            raise ParameterError(
                f"{name}() needs an argument '{p.name}', which the scan does not have.",
                name=p.name,
                available=[other for other in given if other not in _RANDOM],
                ways=[Way("", f"Add its values, such as {p.name}=1,2,3.")],
            )


def _by_position(name: str, signature: inspect.Signature, keyword: str) -> ParameterError:
    inner = "f" if name == LAMBDA else name
    return ParameterError(
        f"{name}{signature} takes '{keyword}' by position only, and is called by keyword.",
        name=keyword,
        ways=[
            Way(
                f"Use a lambda: run(lambda {keyword}: {inner}({keyword}), scan).",
                f"Remove the '/' or '*' in front of '{keyword}' in the function.",
            )
        ],
    )


def defaults(function: Callable[..., Any], given: Sequence[str]) -> dict[str, Any]:
    """Return the plain values of a function's own defaults for what is not given.

    Defaults that cannot be stored, such as lambdas, are left out.
    """
    signature = _signature(function)
    plain = {}
    for p in signature.parameters.values() if signature else ():
        if p.kind in _BY_KEYWORD and p.default is not Parameter.empty and p.name not in given:
            try:
                plain[p.name] = plain_value(p.name, p.default)
            except SerializationError:
                continue
    return plain


def default_of(function: Callable[..., Any], name: str) -> Any:
    """Return the object that is the default of an argument, which a call may change, as with ``seen=[]``."""
    return inspect.signature(function).parameters[name].default


def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    if not callable(function):
        kind = with_article(type(function).__name__)
        raise ParameterError(f"run() got {shortened(function)}, {kind}.", expected="a function")
    if inspect.iscoroutinefunction(function):
        raise ParameterError(
            f"{called(function)}() is an async function, which returns before it has computed anything.",
            ways=["Run a plain function that calls asyncio.run(...)."],
        )
    try:
        return inspect.signature(function)
    except (ValueError, TypeError):
        # Some functions in C do not tell; they are called as they are.
        return None

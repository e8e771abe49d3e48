"""One answer to a misspelt keyword argument, for all public functions, methods and constructors."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, fields
from types import FunctionType
from typing import Any, TypeVar, cast

from coma_xr.errors import ArgumentError
from coma_xr.text import count

T = TypeVar("T", bound=Callable[..., Any])

# Flags of a code object with *arguments and with **keywords.
_TAKES_MORE, _TAKES_ANY = 0x04, 0x08


def checks_keywords(thing: T) -> T:
    """Let a function, or each public method and the constructor of a class, name the near arguments of an unknown one.

    Examples
    --------
    >>> @checks_keywords
    ... def simulate(*, steps=1):
    ...     return steps
    >>> simulate(step=2)
    Traceback (most recent call last):
    ...
    coma_xr.errors.ArgumentError: simulate() has no argument 'step'. Available: steps. Did you mean 'steps'?
    """
    if not isinstance(thing, type):
        return cast("T", _checked(cast("FunctionType", thing)))
    for name, member in list(vars(thing).items()):
        if isinstance(member, FunctionType) and (name == "__init__" or not name.startswith("_")):
            setattr(thing, name, _checked(member, is_method=True))
    return thing


def _checked(function: FunctionType, *, is_method: bool = False) -> Callable[..., Any]:
    code = function.__code__
    first = max(code.co_posonlyargcount, int(is_method))
    if hasattr(function, "__signature__"):
        known = tuple(function.__signature__.parameters)[first:]
    elif code.co_flags & _TAKES_ANY:
        return function
    else:
        known = code.co_varnames[first : code.co_argcount + code.co_kwonlyargcount]
    accepted = frozenset(known)
    most = sys.maxsize if code.co_flags & _TAKES_MORE else code.co_argcount
    least = code.co_argcount - len(function.__defaults__ or ())

    @functools.wraps(function)
    def call(*arguments: Any, **keywords: Any) -> Any:
        if not accepted.issuperset(keywords):
            name = next(name for name in keywords if name not in accepted)
            raise unknown_argument(_called(function, arguments[:1] if is_method else ()), name, known)
        if not least <= len(arguments) <= most:
            _check_number(function, arguments, keywords, is_method)
        return function(*arguments, **keywords)

    return call


def _check_number(
    function: FunctionType, arguments: tuple[Any, ...], keywords: Mapping[str, Any], is_method: bool
) -> None:
    """Raise ArgumentError for too many positional arguments, or for one that is missing."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    called = _called(function, arguments[:1] if is_method else ())
    if len(arguments) > len(names):
        number, most = len(arguments) - is_method, len(names) - is_method
        known = code.co_varnames[int(is_method) : code.co_argcount + code.co_kwonlyargcount]
        raise ArgumentError(
            f"{called}() takes {count(most, 'positional argument')}, not {number}.", available=known or None
        )
    needed = names[len(arguments) : len(names) - len(function.__defaults__ or ())]
    lacking = next((name for name in needed if name not in keywords), None)
    if lacking is not None:
        raise ArgumentError(f"{called}() lacks the argument '{lacking}'.", ways=[f"Pass {lacking}=."])


def _called(function: FunctionType, owner: tuple[Any, ...]) -> str:
    """Return what a user calls a function or method: by the class of the object, whatever class defines it."""
    if not owner:
        return function.__name__
    kind = type(owner[0]).__name__
    return kind if function.__name__ == "__init__" else f"{kind}.{function.__name__}"


def unknown_argument(called: str, name: str, known: Iterable[str]) -> ArgumentError:
    """Return the error for a keyword that a function does not have."""
    return ArgumentError(f"{called}() has no argument '{name}'.", name=name, available=known)


def option(help: str, *, default: Any = None, **how: Any) -> Any:
    """Return a field of a dataclass of arguments that is an option of the terminal: its help, and more for argparse."""
    return field(default=default, metadata={"help": help, **how})


def terminal_options(arguments: type) -> dict[str, dict[str, Any]]:
    """Return the arguments in a dataclass that are options of the terminal, with what argparse takes for each."""
    return {one.name: dict(one.metadata) for one in fields(arguments) if one.metadata}

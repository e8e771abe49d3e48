"""The table of value types: where each library's types are stored, and the stored forms that lead back.

A stored form is a dictionary that names its type under ``__type__``. ``numpy.ndarray`` is Coma 2's array, all other
names of coma_xr's begin with ``coma.``; further names are those of types that the user registered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from coma_xr.errors import ComaError, DataFileError, warn
from coma_xr.tree import OURS, TREE, TYPE, looks_registered
from coma_xr.values import array_likes, external, registry

if TYPE_CHECKING:
    from coma_xr.values.forms import ToTree, ToValue


class Family(NamedTuple):
    """The value types of one library.

    `load` imports their module, which has ``encode(value, plain)``, the stored form or None, and ``DECODERS``, functions
    ``(node, value)`` by the name of the stored form. `packages` are the first parts of the modules that the types are
    from, `forms` the beginnings of the names of their stored forms.
    """

    load: Callable[[], Any]
    packages: frozenset[str]
    forms: tuple[str, ...]


def _numpy() -> Any:
    from coma_xr.values import numpy

    return numpy


def _pandas() -> Any:
    from coma_xr.values import pandas

    return pandas


def _xarray() -> Any:
    from coma_xr.values import xarray

    return xarray


def _python() -> Any:
    from coma_xr.values import builtin

    return builtin


_PYTHON = frozenset({"builtins", "datetime", "decimal", "fractions", "pathlib", "uuid"})

# A new type is one entry here and one module. The first family whose form fits decodes.
FAMILIES = (
    Family(
        _numpy,
        frozenset({"numpy"}),
        ("numpy.", "coma.ndarray", "coma.scalar", "coma.structured", "coma.objects", "coma.masked"),
    ),
    Family(_pandas, frozenset({"pandas"}), ("coma.pandas.",)),
    Family(_xarray, frozenset({"xarray"}), ("coma.xarray.",)),
    Family(lambda: external, frozenset(), ("coma.external",)),
    Family(lambda: array_likes, frozenset(), ("coma.quantity",)),
    Family(_python, _PYTHON, ("coma.",)),
)

_BY_PACKAGE = {package: family for family in FAMILIES for package in family.packages}

_reported: set[str] = set()


@lru_cache(maxsize=256)
def _decoder(name: str) -> Callable[[dict[str, Any], ToValue], Any] | None:
    family = next((family for family in FAMILIES if name.startswith(family.forms)), None)
    return family and family.load().DECODERS.get(name)


def needs_escape(tree: Mapping[str, Any]) -> bool:
    """Whether a dictionary of the user's would be read as a typed value."""
    name = tree.get(TYPE)
    return isinstance(name, str) and (name.startswith(OURS) or looks_registered(tree))


def encode(value: Any, plain: ToTree, *, exact: bool = False) -> Any:
    """Return the plain form of a value of a library in the table; None when its type has none."""
    family = _BY_PACKAGE.get(type(value).__module__.partition(".")[0])
    if family is None:
        return None
    module = family.load()
    return (
        module.encode_exactly(value, plain)
        if exact and family.load is _numpy
        else module.encode(value, plain)
    )


def decode(node: dict[str, Any], value: ToValue) -> Any:
    """Return the value of a stored form; the node as a dictionary where nothing here knows the type.

    Raises
    ------
    DataFileError
        When its parts do not belong together.
    """
    registration = registry.named(node)
    if registration is not None:
        return registry.revive(registration, value(node[TREE]))
    decoder = _decoder(node[TYPE])
    if decoder is None:
        return values_of(node, value)
    try:
        return decoder(node, value)
    except ComaError:
        raise
    except Exception as error:  # whatever a library raises for a form that lies is a bad file
        raise DataFileError(
            f"a stored {node[TYPE]} cannot be made: {type(error).__name__}: {str(error)[:200]}"
        ) from error


def values_of(node: dict[str, Any], value: ToValue) -> dict[str, Any]:
    """Return the values of a dictionary with a ``__type__`` that nothing here knows, and warn once."""
    name = node[TYPE]
    if needs_escape(node) and name not in _reported:
        _reported.add(name)
        warn(
            f"Values of the type {name[:80]!r} are read as dictionaries, because nothing here makes them again. "
            "If the class is yours, name it with coma.register()."
        )
    return {key: value(child) for key, child in node.items()}

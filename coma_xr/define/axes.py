"""Axes: what a scan goes through, step by step.

Each axis gives, for a set of the parameters before it, the rows of values of its own parameters. One with no
parameters of its own gives one empty row or none, and so chooses among the sets before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from coma_xr.checks import setting
from coma_xr.define.parameters import Definition, ParameterSet
from coma_xr.define.values import MOST_VALUES, is_too_long, normalise, plain_of
from coma_xr.errors import ParameterError, Way, warn
from coma_xr.text import count

if TYPE_CHECKING:
    from coma_xr.define.condition_terms import Condition
    from coma_xr.values.plain import Tree

Row = tuple["Tree", ...]

# The number of items of an array that become objects at a time.
_BLOCK = 1024


class Axis(Protocol):
    """One step through a scan."""

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that it gives values to."""

    @property
    def size(self) -> int | None:
        """How many rows it gives to every set before it; None when that differs from set to set."""

    @property
    def is_fixed(self) -> bool:
        """Whether it gives the same rows to every set before it."""

    def rows(self, definition: Definition, before: Row) -> Iterable[Row]:
        """Return the rows of values for one set of the parameters before it."""

    def to_state(self) -> list[dict[str, Any]]:
        """Return what the layout of arrays needs to know, as plain trees."""


@dataclass(frozen=True)
class _Values:
    """The same values whatever comes before."""

    name: str
    values: tuple[Row, ...]
    is_fixed: ClassVar[bool] = True

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def size(self) -> int:
        return len(self.values)

    def rows(self, definition: Definition, before: Row) -> Iterable[Row]:  # noqa: ARG002
        return self.values

    def to_state(self) -> list[dict[str, Any]]:
        return [{"dim": self.name, "names": [self.name]}]

    def __str__(self) -> str:
        return f"{self.name}: {len(self.values)}"


@dataclass(frozen=True)
class _Zipped:
    """Several parameters in step, each with a column of values; all are coords along the first."""

    names: tuple[str, ...]
    columns: Sequence[Column]
    is_fixed: ClassVar[bool] = True

    @property
    def size(self) -> int:
        return len(self.columns[0])

    def rows(self, definition: Definition, before: Row) -> Iterable[Row]:  # noqa: ARG002
        return zip(*map(_items, self.columns), strict=True)

    def to_state(self) -> list[dict[str, Any]]:
        return [{"dim": self.names[0], "names": list(self.names)}]

    def __str__(self) -> str:
        return f"{', '.join(self.names)}: {self.size} in step"


class _Points(_Zipped):
    """Several parameters whose values follow no order: points, each of them a measurement of its own."""

    def to_state(self) -> list[dict[str, Any]]:
        return [points_state(self.names)]

    def __str__(self) -> str:
        return f"{', '.join(self.names)}: {count(self.size, 'point')}"


def points_state(names: Iterable[str]) -> dict[str, Any]:
    """Return what the layout of arrays needs to know of parameters that follow no order."""
    return {"dim": "measurement", "names": list(names), "points": True}


@dataclass(frozen=True)
class _Dependent:
    """Values that a function makes of the set before."""

    name: str
    function: Callable[[ParameterSet], Any]
    size: ClassVar[int | None] = None
    is_fixed: ClassVar[bool] = False

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def rows(self, definition: Definition, before: Row) -> Iterable[Row]:
        return values_of(self.name, self.function(ParameterSet.of_given(definition, before)))

    def to_state(self) -> list[dict[str, Any]]:
        return [{"dim": f"{self.name}_index", "names": [self.name], "depends": True}]

    def __str__(self) -> str:
        return f"{self.name}: depends"


class _Derived(_Dependent):
    """One value that a function makes of the set before."""

    size = 1

    def rows(self, definition: Definition, before: Row) -> Iterable[Row]:
        return ((normalise(self.name, self.function(ParameterSet.of_given(definition, before))),),)

    def to_state(self) -> list[dict[str, Any]]:
        return [{"dim": self.name, "names": [self.name], "derived": True}]

    def __str__(self) -> str:
        return f"{self.name}: derived"


@dataclass(frozen=True)
class Chosen:
    """No parameter: some of the sets before it, by a condition."""

    condition: Condition
    places: Mapping[str, int]
    names: ClassVar[tuple[str, ...]] = ()
    size: ClassVar[int | None] = None
    is_fixed: ClassVar[bool] = False

    def rows(self, definition: Definition, before: Row) -> Iterable[Row]:
        """Return one empty row for a set that is chosen, no row otherwise."""
        places = self.places
        holds = self.condition.evaluate(
            lambda name: plain_of(before[places[name]]), ParameterSet.of_given(definition, before)
        )
        return ((),) if holds else ()

    def to_state(self) -> list[dict[str, Any]]:
        """Return nothing: it has no dim."""
        return []

    def __str__(self) -> str:
        return f"where {self.condition}"


@dataclass(frozen=True)
class _Sets:
    """Sets that exist already, laid out like those that they come from."""

    names: tuple[str, ...]
    sets: tuple[Row, ...]
    structure: Sequence[Mapping[str, Any]]
    is_fixed: ClassVar[bool] = True

    @property
    def size(self) -> int:
        return len(self.sets)

    def rows(self, definition: Definition, before: Row) -> Iterable[Row]:  # noqa: ARG002
        return self.sets

    def to_state(self) -> list[dict[str, Any]]:
        return [dict(axis) for axis in self.structure]

    def __str__(self) -> str:
        return f"{', '.join(self.names)}: {count(self.size, 'set')}"


def listed(name: str, values: Any) -> Axis:
    """Return the axis of one parameter with its values."""
    warn_of_units(name, values)
    return _Values(name, values_of(name, values))


def expanding(name: str, values: Any) -> Axis:
    """Return the axis of one parameter: its values, or a function that makes them of the set before."""
    return _Dependent(name, values) if callable(values) else listed(name, values)


def deriving(name: str, value: Any) -> Axis:
    """Return the axis of one parameter with one value: itself, or a function that makes it of the set before."""
    return _Derived(name, value if callable(value) else lambda _: value)


# Made of names and columns.
in_step, points = _Zipped, _Points


def given(
    names: tuple[str, ...], rows: Iterable[Sequence[Tree]], structure: Sequence[Mapping[str, Any]] | None
) -> Axis:
    """Return the axis of sets that exist already; without a structure they are points."""
    return _Sets(names, tuple(map(tuple, rows)), [points_state(names)] if structure is None else structure)


def choosing(definition: Definition, where: Any) -> Axis:
    """Return the axis that leaves out the sets of a definition for which a condition does not hold.

    Raise TypeError or ParameterError when it is not a condition, and PathError when it asks for a parameter
    that there is not.
    """
    from coma_xr.define.conditions import as_condition

    condition = as_condition(where)
    return Chosen(condition, condition.resolve(definition.position))


# A tuple of values, or a NumPy array of numbers, which become objects only when they are requested.
Column = Sequence[Any]


def column(name: str, values: Any) -> Column:
    """Return the values of one parameter, in order."""
    array = _array_of(values)
    if array is not None and array.ndim == 1 and array.dtype.kind in "biuf" and _is_pythons(array.dtype):
        numbers: Column = array.copy()
        return numbers
    return tuple([value for (value,) in values_of(name, values)])


def _array_of(values: Any) -> Any:
    """Return the NumPy array in an array, column or Index of numbers or text; None for anything else."""
    if getattr(values, "nlevels", 1) > 1:
        return None  # the tuples of a MultiIndex
    kind = getattr(getattr(values, "dtype", None), "kind", "")
    # Times of pandas are Timestamps, and may have a time zone.
    if kind not in ("biufcU" if hasattr(values, "array") else "biufcUM") or not kind:
        return None
    array: Any = values if type(values).__module__ == "numpy" else getattr(values, "values", None)
    return array if type(array).__name__ == "ndarray" else None


def _is_pythons(dtype: Any) -> bool:
    """Whether the items of an array are worth the same as Python's: 64-bit numbers, bool and text."""
    return dtype.kind in "bU" or (dtype.kind in "iuf" and dtype.itemsize == 8) or dtype.char == "D"


def _items_of(values: Iterable[Any]) -> Iterable[Any]:
    """Return the items of a list; of arrays, Python's where these are worth the same, else NumPy's."""
    array = _array_of(values)
    if array is None:
        return values
    if array.ndim == 1 and _is_pythons(array.dtype):
        items: list[Any] = array.tolist()
        return items
    scalars: Iterable[Any] = array
    return scalars


def _items(values: Column) -> Iterator[Tree]:
    if isinstance(values, tuple):
        yield from values
        return
    array: Any = values
    for begin in range(0, len(array), _BLOCK):
        yield from array[begin : begin + _BLOCK].tolist()


def warn_of_units(name: str, values: Any) -> None:
    """Warn of a DataArray with units, which a scan does not keep."""
    units = values.attrs.get("units") if hasattr(values, "dims") and hasattr(values, "attrs") else None
    if isinstance(units, str):
        warn(
            f"A scan does not record the units {units!r} of '{name}'.",
            way=Way(f"annotate({name!r}, units={units!r}) of the experiment records them.", ""),
        )


def is_table(values: Any) -> bool:
    """Whether something is a DataFrame of pandas."""
    return hasattr(values, "columns") and hasattr(values, "iloc")


def values_of(name: str, values: Any) -> tuple[Row, ...]:
    """Return a row for each value of a list, and one row for any other value.

    Raise ParameterError for a set, which has no order, for a DataFrame, and for a range too long to be listed, and SerializationError
    when a value cannot be stored.
    """
    if is_too_long(values):
        raise ParameterError(
            setting(name, values, "has too many values."), expected=f"at most {MOST_VALUES:,} values"
        )
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        return ((normalise(name, values),),)
    if isinstance(values, (set, frozenset)):
        raise ParameterError(f"'{name}' is a set, which has no order.", expected="a list")
    if is_table(values):
        raise ParameterError(
            f"'{name}' is a DataFrame, whose items are the names of its columns.",
            expected="values, such as one column, df['T'], or coma.cases(df) with a parameter for each column",
        )
    if getattr(values, "ndim", 1) == 0:
        return ((normalise(name, values),),)
    return tuple([(normalise(name, value),) for value in _items_of(values)])

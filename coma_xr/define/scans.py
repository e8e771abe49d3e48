"""Scans: ordered collections of parameter sets, made up when they are asked for.

A scan is a sequence of axes. Each axis gives, for a set of the parameters before it, the values of its own;
the sets of the scan are all ways through the axes, the last one fastest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from coma_xr.define.parameters import Definition, ParameterSet
from coma_xr.define.values import hand_out, normalise
from coma_xr.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

    from coma_xr.trees.plain import Tree

__all__ = ["Scan", "grid"]

Row = tuple["Tree", ...]


class Axis(Protocol):
    """One step through a scan."""

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that it gives values to."""

    @property
    def size(self) -> int | None:
        """How many rows it gives to every set before it; None when that differs from set to set."""

    def rows(self, definition: Definition, before: Row) -> Iterable[Row]:
        """Return the rows of values for one set of the parameters before it."""

    def to_state(self) -> dict[str, Any]:
        """Return what the layout of arrays needs to know, as a plain tree."""


@dataclass(frozen=True)
class _Values:
    """The same values whatever comes before."""

    name: str
    values: tuple[Row, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def size(self) -> int | None:
        return len(self.values)

    def rows(self, definition: Definition, before: Row) -> Iterable[Row]:  # noqa: ARG002
        return self.values

    def to_state(self) -> dict[str, Any]:
        return {"dim": self.name, "names": [self.name]}

    def __str__(self) -> str:
        return f"{self.name}: {len(self.values)}"


@dataclass(frozen=True)
class _Dependent:
    """Values that a function makes of the set before."""

    name: str
    function: Callable[[ParameterSet], Any]

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def size(self) -> int | None:
        return None

    def rows(self, definition: Definition, before: Row) -> Iterable[Row]:
        return _values(self.name, self.function(ParameterSet.of_plain(definition, before)))

    def to_state(self) -> dict[str, Any]:
        return {"dim": f"{self.name}_index", "names": [self.name], "depends": True}

    def __str__(self) -> str:
        return f"{self.name}: depends"


class Scan:
    """An ordered collection of parameter sets.

    Made by `grid` and changed by its methods, each of which returns a new scan. Iterating gives each set as a
    dictionary, by name; nothing is kept of the sets.

    Parameters
    ----------
    definition : Definition
        All parameters, in the order of the axes.
    axes : iterable of Axis
        The last one changes fastest.

    Examples
    --------
    >>> scan = grid(a=[1, 2], L=1.0).expand(b=lambda p: range(p.a))
    >>> list(scan)
    [{'a': 1, 'L': 1.0, 'b': 0}, {'a': 2, 'L': 1.0, 'b': 0}, {'a': 2, 'L': 1.0, 'b': 1}]
    >>> scan
    <Scan of 3 parameter sets (a: 2, L: 1, b: depends)>
    """

    def __init__(self, definition: Definition, axes: Iterable[Axis]) -> None:
        self.definition = definition
        self._axes = tuple(axes)
        ends = [0]
        for axis in self._axes:
            ends.append(ends[-1] + len(axis.names))
        # What each axis is told of the parameters before it.
        self._before = [Definition(definition.names[:end], definition.paths[:end]) for end in ends[:-1]]

    @classmethod
    def of(cls, scan: Any) -> Scan:
        """Return the scan that a user means: a scan itself, or a dictionary of lists, which is a grid.

        Raises
        ------
        ParameterError
            For anything else.
        """
        if isinstance(scan, Scan):
            return scan
        if isinstance(scan, Mapping) and not hasattr(scan, "dims"):
            return grid(scan)
        raise ParameterError(
            "A scan is made by coma.grid(...) or is a dictionary of lists, such as {'a': [1, 2], 'L': 1.0}; "
            f"a {type(scan).__name__} is neither. add_parameter_set() takes single sets."
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters, in order."""
        return self.definition.names

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the parameters, in order."""
        return self.definition.paths

    @property
    def structure(self) -> list[dict[str, Any]]:
        """The axes as a plain tree: for each its dim, its names, and whether it depends on those before."""
        return [axis.to_state() for axis in self._axes]

    def rows(self, definition: Definition | None = None) -> list[Row]:
        """Return the plain values of all sets.

        Parameters
        ----------
        definition : Definition, optional
            Gives the order of the values; without it, that of the scan.

        Raises
        ------
        ParameterError
            When the definition has other parameters than the scan.
        """
        if definition is None or definition == self.definition:
            return list(self._rows())
        order = definition.order(self.definition)
        return [tuple([row[place] for place in order]) for row in self._rows()]

    def _rows(self) -> Iterator[Row]:
        rows: Iterable[Row] = ((),)
        for axis, before in zip(self._axes, self._before, strict=True):
            rows = _extend(rows, axis, before)
        return iter(rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (dict(zip(self.names, hand_out(row), strict=True)) for row in self._rows())

    def __len__(self) -> int:
        return self._length

    @cached_property
    def _length(self) -> int:
        sizes = [axis.size for axis in self._axes]
        known = [size for size in sizes if size is not None]
        return math.prod(known) if len(known) == len(sizes) else sum(1 for _ in self._rows())

    def __repr__(self) -> str:
        return f"<Scan of {len(self)} parameter sets ({', '.join(str(axis) for axis in self._axes)})>"

    def expand(self, mapping: Mapping[str, Any] | None = None, /, **axes: Any) -> Scan:
        """Return a scan with further parameters, which may depend on those that are there.

        Parameters
        ----------
        mapping : mapping, optional
            As `axes`, for names that are paths.
        **axes : function, list or scalar
            A function is called with each `ParameterSet` of the parameters before it, as often as the scan is
            gone through, and returns the values for this set.

        Raises
        ------
        ParameterError
            When a name is there already.

        Examples
        --------
        >>> len(grid(a=[1, 2, 3]).expand(b=lambda p: range(p.a), c=[0, 1]))
        12
        """
        entries = [*(mapping or {}).items(), *axes.items()]
        definition = Definition.of([*self.definition, *(entry for entry, _ in entries)])
        names = definition.names[len(self.definition) :]
        if not self.names and callable(entries[0][1]):
            raise ParameterError(
                f"'{names[0]}' is a function of the parameters before it, but it comes first; "
                "begin the scan with lists of values."
            )
        return Scan(
            definition, [*self._axes, *(_axis(n, v) for n, (_, v) in zip(names, entries, strict=True))]
        )

    def to_dataframe(self) -> pd.DataFrame:
        """Return a table with a row for each parameter set and a column for each parameter."""
        import pandas as pd

        columns: dict[str, list[Any]] = {name: [] for name in self.names}
        for row in self._rows():
            for column, value in zip(columns.values(), hand_out(row), strict=True):
                column.append(value)
        return pd.DataFrame(columns)


def grid(mapping: Mapping[str, Any] | None = None, /, **axes: Any) -> Scan:
    """Return the scan over all combinations of values, the last name fastest.

    Parameters
    ----------
    mapping : mapping, optional
        As `axes`, for names that are paths: the parameter's name is then the path's last segment.
    **axes : list or scalar
        The values of each parameter: a list, a tuple, a range, an array. A number, a text, a bool, None or a
        dictionary is one value.

    Returns
    -------
    Scan
        As many sets as the product of the numbers of values.

    Raises
    ------
    ParameterError
        Without a name, for a name given twice, and for a set of values, which has no order.
    SerializationError
        When a value cannot be stored.

    Examples
    --------
    >>> list(grid({"parameters/layout/N": [1, 2]}, model="Ising"))
    [{'N': 1, 'model': 'Ising'}, {'N': 2, 'model': 'Ising'}]
    """
    if mapping is not None and not isinstance(mapping, Mapping):
        raise ParameterError(f"grid() takes names with their values, not a {type(mapping).__name__}.")
    return Scan(Definition((), ()), ()).expand(mapping, **axes)


def _extend(rows: Iterable[Row], axis: Axis, before: Definition) -> Iterator[Row]:
    for row in rows:
        for more in axis.rows(before, row):
            yield (*row, *more)


def _axis(name: str, values: Any) -> Axis:
    return _Dependent(name, values) if callable(values) else _Values(name, _values(name, values))


def _values(name: str, values: Any) -> tuple[Row, ...]:
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        return ((normalise(name, values),),)
    if isinstance(values, (set, frozenset)):
        raise ParameterError(f"'{name}' is a set, which has no order; use a list.")
    if getattr(values, "ndim", 1) == 0:
        return ((normalise(name, values),),)
    return tuple([(normalise(name, value),) for value in values])

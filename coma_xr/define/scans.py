"""Scans: ordered collections of parameter sets, made up when they are asked for.

A scan is a sequence of axes, see `coma_xr.define.axes`. Its sets are all ways through the axes, the last one
fastest.
"""

from __future__ import annotations

import functools
import math
import operator
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice, product
from typing import TYPE_CHECKING, Any

from coma_xr.checks import checks_keywords, is_listed
from coma_xr.define.axes import (
    Axis,
    Chosen,
    Column,
    Row,
    choosing,
    column,
    deriving,
    expanding,
    given,
    in_step,
    is_table,
    listed,
    points,
    points_state,
    warn_of_units,
)
from coma_xr.define.parameters import Definition
from coma_xr.define.values import BRANCH, MOST_VALUES, hand_out, key_of, shown
from coma_xr.errors import ParameterError, Way, warn
from coma_xr.html import ROWS, fold, fragment, several, table, tag, text_of
from coma_xr.text import count, listing, shortened, with_article
from coma_xr.tree import join

if TYPE_CHECKING:
    import pandas as pd

    from coma_xr.values.plain import Tree


# What a fixed axis is asked with, since it ignores the sets before it.
_NOTHING_BEFORE = (Definition((), ()), ())

# What Datasets of ours say about measurements; no parameters.
_OURS = ("measurement_id", "measurement_status")


@dataclass(frozen=True)
class _Step:
    """An axis, and which of the parameters before it in the row it knows."""

    axis: Axis
    known: Definition
    begin: int

    def extend(self, rows: Iterable[Row]) -> Iterator[Row]:
        begin, axis, known = self.begin, self.axis, self.known
        return chain.from_iterable(
            map(row.__add__, axis.rows(known, row[begin:] if begin else row)) for row in rows
        )


@checks_keywords
class Scan:
    """An ordered collection of parameter sets.

    Made by `grid`, `zipped`, `cases` or `sample` and changed by its methods, which return new scans.
    ``scan1 * scan2`` is their product, in which the second one varies fastest, and ``scan1 + scan2`` their union in this
    order, without duplicates. One of the two may be a dictionary of lists or a list of dictionaries. Iterating yields
    each parameter set as a dictionary by name. The sets are not stored.

    Parameters
    ----------
    definition : Definition
        All parameters, in the order of the axes.
    axes : iterable of Axis
        The last one changes fastest.

    Attributes
    ----------
    repeats : int or None
        How many repeats `Experiment.run` makes of each set by default; only scans of missing sets have it.

    Examples
    --------
    >>> scan = grid(a=[1, 2], L=1.0).expand(b=lambda p: range(p.a))
    >>> list(scan)
    [{'a': 1, 'L': 1.0, 'b': 0}, {'a': 2, 'L': 1.0, 'b': 0}, {'a': 2, 'L': 1.0, 'b': 1}]
    >>> scan
    <Scan of 3 parameter sets (a: 2, L: 1, b: depends)>
    >>> list(grid(a=[1, 2]) + grid(a=[2, 3]))
    [{'a': 1}, {'a': 2}, {'a': 3}]
    """

    def __init__(self, definition: Definition, axes: Iterable[Axis]) -> None:
        steps, end = [], 0
        for axis in axes:
            steps.append(_Step(axis, Definition(definition.names[:end], definition.paths[:end]), 0))
            end += len(axis.names)
        self._set(definition, steps)

    def _set(self, definition: Definition, steps: Iterable[_Step], repeats: int | None = None) -> None:
        self.definition = definition
        self.repeats = repeats
        self._steps = tuple(steps)

    @classmethod
    def _of_steps(cls, definition: Definition, steps: Iterable[_Step], repeats: int | None = None) -> Scan:
        new = cls.__new__(cls)
        new._set(definition, steps, repeats)
        return new

    @classmethod
    def of(cls, scan: Any) -> Scan:
        """Return the scan that a user means.

        Parameters
        ----------
        scan : Scan, mapping, DataFrame, Dataset or list of dict
            A dictionary of lists is a grid; a table, or a list of dictionaries, is `cases`.

        Raises
        ------
        ParameterError
            For anything else.
        """
        if isinstance(scan, Scan):
            return scan
        if is_table(scan) or _is_dataset(scan) or _are_sets(scan):
            return cases(scan)
        if isinstance(scan, Mapping):
            return grid(scan)
        raise ParameterError(
            f"{shortened(scan)} is {with_article(type(scan).__name__)}.",
            expected="a scan such as coma.grid(a=[1, 2]), a dictionary of lists, a DataFrame or a list of dictionaries",
            ways=["Use add_parameter_set() for single sets."],
        )

    @classmethod
    def of_rows(
        cls,
        definition: Definition,
        rows: Iterable[Sequence[Tree]],
        structure: list[dict[str, Any]] | None = None,
        repeats: int | None = None,
    ) -> Scan:
        """Return the scan of sets whose values are as scans keep them, such as those of another scan.

        Parameters
        ----------
        definition : Definition
            The parameters.
        rows : iterable of sequences
            The values of each set.
        structure : list of dict, optional
            That of the scan that they come from; by default they are points.
        repeats : int, optional
            How many repeats `run` makes of each set, unless it is called with another number.
        """
        scan = cls(definition, [given(definition.names, rows, structure)])
        scan.repeats = repeats
        return scan

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters, in order."""
        return self.definition.names

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the parameters, in order."""
        return tuple(map(join, self.definition.paths))

    @property
    def structure(self) -> list[dict[str, Any]]:
        """The axes as plain trees.

        Each has its ``dim`` and its ``names``. With ``depends`` its values are numbered again for each set of the
        dims before it (True) or of those that are named; with ``derived`` they follow from other parameters;
        with ``points`` each row is a measurement of its own.
        """
        states: list[dict[str, Any]] = []
        dims: list[tuple[int, str]] = []
        for step in self._steps:
            for state in step.axis.to_state():
                at = dims[-1][0] + len(states[-1]["names"]) if dims else 0
                if state.get("depends") is True and step.begin:
                    state["depends"] = [dim for begin, dim in dims if begin >= step.begin]
                states.append(state)
                dims.append((at, state["dim"]))
        return states

    def rows(self, definition: Definition | None = None) -> list[Row]:
        """Return the values of all sets, as scans keep them: bare ones, and an `Argument` for each other one.

        Parameters
        ----------
        definition : Definition, optional
            Gives the order of the values; without it, that of the scan.

        Raises
        ------
        ParameterError
            When the definition has other parameters than the scan, or there are too many sets to hold.
        """
        if self.is_huge and all(step.axis.size is not None for step in self._steps):
            raise ParameterError(
                f"A scan of {self._length:.3g} parameter sets is too large to run as a whole.",
                expected=f"at most {MOST_VALUES:,} parameter sets",
                ways=[
                    Way(
                        "Run it part by part with run(..., limit=1000), or draw some sets with coma.sample(n, ...).",
                        "Run it part by part with --limit 1000.",
                    )
                ],
            )
        rows = list(self.plain(definition))
        if not rows and definition is None:
            self._warn_when_empty()
        return rows

    def _warn_when_empty(self) -> None:
        """Warn if there are parameter sets, and conditions leave none of them."""
        conditions = [step.axis.condition for step in self._steps if isinstance(step.axis, Chosen)]
        if conditions:
            first = next(place for place, step in enumerate(self._steps) if isinstance(step.axis, Chosen))
            sets = [*map(shown, Scan._of_steps(self.definition, self._steps[:first]).plain())]
            known = dict(zip(self.names, zip(*sets, strict=True), strict=False))
            if sets:
                condition = functools.reduce(operator.and_, conditions)
                warn(condition.unfulfilled(len(sets), "parameter set", known))

    @property
    def is_huge(self) -> bool:
        """Whether the lists of values have more combinations than can be held, whatever conditions choose of them."""
        return self._most > MOST_VALUES

    @cached_property
    def _most(self) -> int:
        sizes = [
            axis.first._most + axis.second._most if isinstance(axis, _Union) else axis.size or 1
            for axis in (step.axis for step in self._steps)
        ]
        return math.prod(sizes)

    def plain(self, definition: Definition | None = None) -> Iterator[Row]:
        """Yield what `rows` returns, one by one."""
        rows: Iterable[Row] = ((),)
        for step in self._steps:
            rows = step.extend(rows)
        if definition is None or definition == self.definition:
            return iter(rows)
        order = definition.order(self.definition)
        return (tuple([row[place] for place in order]) for row in rows)

    def factors(self) -> tuple[tuple[Row, ...], ...] | None:
        """Return the rows of each axis, whose product is the scan; None if axes depend on one another."""
        axes = [step.axis for step in self._steps]
        return (
            tuple(tuple(axis.rows(*_NOTHING_BEFORE)) for axis in axes)
            if all(a.is_fixed for a in axes)
            else None
        )

    def __iter__(self) -> Iterator[dict[str, Any]]:
        is_empty = True
        for row in self.plain():
            is_empty = False
            yield dict(zip(self.names, hand_out(row), strict=True))
        if is_empty:
            self._warn_when_empty()

    def __len__(self) -> int:
        if self._length > sys.maxsize:
            raise ParameterError(
                f"A scan of {self._length:.3g} parameter sets has no length in Python.",
                ways=["Iterate over it, or draw some of its sets with coma.sample(n, ...)."],
            )
        return self._length

    @property
    def known_length(self) -> int | None:
        """The number of parameter sets; None where they must be made to be counted."""
        sizes = [step.axis.size for step in self._steps]
        known = [size for size in sizes if size is not None]
        return math.prod(known) if len(known) == len(sizes) else None

    @cached_property
    def _length(self) -> int:
        known = self.known_length
        return sum(1 for _ in self.plain()) if known is None else known

    def __repr__(self) -> str:
        # A comma also stands between the names of one axis.
        comma = "; " if any(len(step.axis.names) > 1 for step in self._steps) else ", "
        axes = comma.join(str(step.axis) for step in self._steps)
        return f"<Scan of {count(self._length, 'parameter set')} ({axes})>"

    def _repr_html_(self) -> str:
        return scan_html(self.definition, [step.axis for step in self._steps], self.few())

    def few(self, most: int = 10_000) -> list[Row] | None:
        """Return the values of all sets; None when that would go through more than `most` at some step."""
        rows: list[Row] = [()]
        for step in self._steps:
            axis = step.axis
            if isinstance(axis, _Union) and None in (axis.first.few(most), axis.second.few(most)):
                return None
            rows = list(islice(step.extend(rows), most + 1))
            if len(rows) > most:
                return None
        return rows

    def expand(self, mapping: Mapping[str, Any] | None = None, /, **axes: Any) -> Scan:
        """Return a scan with additional parameters that have several values, which may depend on the others.

        Parameters
        ----------
        mapping : mapping, optional
            The same as `axes`, for names that are not identifiers, such as paths.
        **axes : function, list or scalar
            A function is called with each `ParameterSet` of the parameters before it, each time the scan is
            iterated over, and returns the values for this set.

        Raises
        ------
        ParameterError
            When a name exists already.

        Examples
        --------
        >>> len(grid(a=[1, 2, 3]).expand(b=lambda p: range(p.a), c=[0, 1]))
        12
        """
        _check_mapping("expand", mapping)
        return self._with(mapping, axes, expanding)

    def derive(self, mapping: Mapping[str, Any] | None = None, /, **values: Any) -> Scan:
        """Return a scan with additional parameters that are computed from the others. A list is one value.

        Parameters
        ----------
        mapping : mapping, optional
            As `values`, for names that are paths.
        **values : function or object
            A function is called with each `ParameterSet` of the parameters before it and returns the value.

        Raises
        ------
        ParameterError
            When a name exists already.

        Examples
        --------
        >>> list(grid(a=[1, 2]).derive(b=lambda p: [p.a, 10 * p.a]))
        [{'a': 1, 'b': [1, 10]}, {'a': 2, 'b': [2, 20]}]
        """
        _check_mapping("derive", mapping)
        return self._with(mapping, values, deriving)

    def where(self, condition: Any) -> Scan:
        """Return a scan of the parameter sets that fulfil a condition.

        Parameters
        ----------
        condition : Condition, str or function
            Made with `P`, or its text; or a function of the `ParameterSet`. What it returns counts as true or false, as in
            Python, except None, which a forgotten ``return`` gives, and NaN.

        Raises
        ------
        TypeError
            If `condition` is not a condition, such as a bool, or a function returns None or NaN.
        ParameterError
            When a string cannot be read.
        PathError
            When the condition has a parameter that the scan does not have.

        Warns
        -----
        ComaWarning
            When the sets are listed and the condition holds for none of them.

        Examples
        --------
        >>> grid(a=[1, 2, 3], b=[1, 2, 3]).where(lambda p: p.a < p.b).rows()
        [(1, 2), (1, 3), (2, 3)]
        >>> grid(a=[1, 2, 3], b=[1, 2, 3]).where("a < b and b < 3").rows()
        [(1, 2)]
        """
        axis = choosing(self.definition, condition)
        return Scan._of_steps(self.definition, [*self._steps, _Step(axis, self.definition, 0)], self.repeats)

    def __add__(self, other: Any) -> Scan:
        if not _may_be_scan(other):
            return NotImplemented
        return Scan(self.definition, [_Union(self, Scan.of(other))])

    def __radd__(self, other: Any) -> Scan:
        return Scan.of(other) + self if _may_be_scan(other) else NotImplemented

    def __mul__(self, other: Any) -> Scan:
        if not _may_be_scan(other):
            return NotImplemented
        other = Scan.of(other)
        self._check_factor(other)
        behind = len(self.names)
        moved = [_Step(step.axis, step.known, step.begin + behind) for step in other._steps]
        return Scan._of_steps(Definition.of([*self.definition, *other.definition]), [*self._steps, *moved])

    def _check_factor(self, other: Scan) -> None:
        """Raise ParameterError if a name or path of another scan is also one of this scan."""
        for (name, path), (mine, my_path) in product(other.definition, self.definition):
            if name != mine and path != my_path:
                continue
            if (name, path) == (mine, my_path):
                fault = f"have the parameter '{name}', {join(path)}."
                ways = [f"Leave '{name}' out of one of them."]
            elif name == mine:
                fault = f"have a parameter '{name}', {join(my_path)} and {join(path)}."
                ways = ["Choose another name for one of them."]
            else:
                fault = f"have a parameter at {join(path)}, '{mine}' and '{name}'."
                ways = ["Choose another path for one of them."]
            raise ParameterError(f"Both scans of a product {fault}", ways=ways)

    def __rmul__(self, other: Any) -> Scan:
        return Scan.of(other) * self if _may_be_scan(other) else NotImplemented

    def _with(
        self, mapping: Mapping[str, Any] | None, more: Mapping[str, Any], make: Callable[[str, Any], Axis]
    ) -> Scan:
        entries = [*(mapping or {}).items(), *more.items()]
        definition = Definition.of([*self.definition, *(entry for entry, _ in entries)])
        steps, end = list(self._steps), len(self.definition)
        for _, value in entries:
            name = definition.names[end]
            if not end and make is not listed and callable(value):
                raise ParameterError(
                    f"'{name}' is a function of the parameters before it, and it comes first.",
                    name=name,
                    ways=["Begin the scan with lists of values."],
                )
            known = Definition(definition.names[:end], definition.paths[:end])
            steps.append(_Step(make(name, value), known, 0))
            end += 1
        return Scan._of_steps(definition, steps)

    def to_dataframe(self) -> pd.DataFrame:
        """Return a table with a row for each parameter set and a column for each parameter."""
        from coma_xr.values.pandas import table_of

        columns: dict[str, list[Any]] = {name: [] for name in self.names}
        for row in self.rows():
            for values, value in zip(columns.values(), shown(row), strict=True):
                values.append(value)
        table = table_of(columns)
        if table.empty:
            self._warn_when_empty()
        return table


@dataclass(frozen=True)
class _Union:
    """The sets of one scan, then those of another that are not among them."""

    first: Scan
    second: Scan

    def __post_init__(self) -> None:
        self.first.definition.order(self.second.definition)

    @property
    def names(self) -> tuple[str, ...]:
        return self.first.names

    @property
    def size(self) -> None:
        return None

    @property
    def is_fixed(self) -> bool:
        return True

    def rows(self, definition: Definition, before: Row) -> Iterable[Row]:  # noqa: ARG002
        seen: set[Any] = set()
        for scan in (self.first, self.second):
            for row in scan.plain(self.first.definition):
                this = key_of(row)
                if this not in seen:
                    seen.add(this)
                    yield row

    def to_state(self) -> list[dict[str, Any]]:
        one, other = self.first.structure, self.second.structure
        if one == other:
            return one
        if any(axis.get("points") for axis in (*one, *other)):
            return [points_state(self.names)]
        # What one of them lays out as a dim of its own, the union does too; numbering fits any values.
        depend = {name: axis for axis in (*one, *other) if axis.get("depends") for name in axis["names"]}
        return [dict(depend.get(name, {"dim": name, "names": [name]})) for name in self.names]

    def __str__(self) -> str:
        found = [scan.few() for scan in (self.first, self.second)]
        one, other = ("many" if rows is None else len(rows) for rows in found)
        return f"{', '.join(self.names)}: {one} + {other}"


def grid(mapping: Mapping[str, Any] | None = None, /, **axes: Any) -> Scan:
    """Return a scan of all combinations of values (a product). The last parameter varies fastest.

    Parameters
    ----------
    mapping : mapping, optional
        Like `axes`, for names that are paths. The name of the parameter is the last segment of the path.
    **axes : list or scalar
        The values of each parameter: a list, tuple, range or array. A number, a string, a bool, None, a
        dictionary or a function is one value.

    Returns
    -------
    Scan
        A scan with as many parameter sets as the product of the numbers of values.

    Raises
    ------
    ParameterError
        If a name is missing or given twice, and for a Python set, which has no order.
    SerializationError
        When a value cannot be stored.

    Examples
    --------
    >>> list(grid({"parameters/layout/N": [1, 2]}, model="Ising"))
    [{'N': 1, 'model': 'Ising'}, {'N': 2, 'model': 'Ising'}]
    """
    _check_mapping("grid", mapping)
    return Scan(Definition((), ()), ())._with(mapping, axes, listed)


def zipped(mapping: Mapping[str, Any] | None = None, /, **columns: Any) -> Scan:
    """Return a scan that varies several parameters together, as zip does.

    Parameters
    ----------
    mapping : mapping, optional
        Like `columns`, for names that are paths.
    **columns : list or scalar
        The values of each parameter. A number, a string, a bool, None or a dictionary is the same in all sets.

    Raises
    ------
    ParameterError
        If the lists have different lengths.
    SerializationError
        When a value cannot be stored.

    Examples
    --------
    >>> list(zipped(a=[1, 2], b=[10, 20], L=1.0))
    [{'a': 1, 'b': 10, 'L': 1.0}, {'a': 2, 'b': 20, 'L': 1.0}]
    """
    _check_mapping("zipped", mapping)
    entries = [*(mapping or {}).items(), *columns.items()]
    definition = Definition.of([entry for entry, _ in entries])
    for name, (_, value) in zip(definition.names, entries, strict=True):
        warn_of_units(name, value)
    values = [column(name, value) for name, (_, value) in zip(definition.names, entries, strict=True)]
    lists = {
        name: len(items)
        for name, (_, value), items in zip(definition.names, entries, values, strict=True)
        if _is_list(value)
    }
    if len(set(lists.values())) > 1:
        lengths = ", ".join(f"{name} has {length}" for name, length in lists.items())
        raise ParameterError(
            f"Lists that are zipped differ in length: {lengths} values.", expected="lists of one length"
        )
    length = next(iter(lists.values()), 1)
    filled: list[Column] = [
        items if name in lists else (items[0],) * length
        for name, items in zip(definition.names, values, strict=True)
    ]
    return Scan(definition, [in_step(definition.names, filled)])


def _is_list(value: Any) -> bool:
    return is_listed(value)


@checks_keywords
def cases(sets: Any) -> Scan:
    """Return a scan of single parameter sets.

    Parameters
    ----------
    sets : iterable of dict or named tuple, DataFrame or Dataset
        Dictionaries, or rows of ``table.itertuples()``, with the same names; a table, whose index is ignored; or the coords and variables of a
        Dataset, one set for each cell. Names may be paths.

    Raises
    ------
    ParameterError
        If a set has no value for a name of the others, or the list is empty.
    SerializationError
        When a value cannot be stored.

    Examples
    --------
    >>> list(cases([{"a": 1, "b": 3}, {"b": 5, "a": 2}]))
    [{'a': 1, 'b': 3}, {'a': 2, 'b': 5}]
    """
    if _is_dataset(sets):
        if not sets.sizes:
            raise ParameterError("The Dataset has no dims.", expected="a Dataset with a dim, or a dictionary")
        table = sets.to_dataframe().reset_index()
        sets = table[[name for name in table.columns if name in sets.variables and name not in _OURS]]
    if is_table(sets):
        _check_table(sets)
        # Columns of the same name would be one in a dictionary.
        Definition.of(list(sets.columns))
        columns = {name: sets[name] for name in sets.columns}
    elif not is_listed(sets):
        raise ParameterError(
            f"{shortened(sets)} is {with_article(type(sets).__name__)}.",
            expected="a list of dictionaries, a DataFrame or a Dataset",
        )
    else:
        columns = _columns(list(sets))
    definition = Definition.of([*columns])
    values = [column(name, items) for name, items in zip(definition.names, columns.values(), strict=True)]
    return Scan(definition, [points(definition.names, values)])


def _columns(sets: Sequence[Any]) -> dict[Any, list[Any]]:
    if not sets:
        raise ParameterError(
            "The list of parameter sets is empty, and its first set defines the names.",
            expected="at least one set",
        )
    columns: dict[Any, list[Any]] = {}
    for number, parameter_set in enumerate(map(_as_mapping, sets)):
        if not isinstance(parameter_set, Mapping):
            raise ParameterError(
                f"Set {number} of cases() is {with_article(type(parameter_set).__name__)}.",
                expected="a list of dictionaries",
            )
        if not number:
            columns = {name: [] for name in parameter_set}
        if set(parameter_set) != set(columns):
            lacking = [name for name in columns if name not in parameter_set]
            surplus = [name for name in parameter_set if name not in columns]
            raise ParameterError(
                f"Set {number} of cases() has different names (missing: {listing(lacking)}; unexpected: {listing(surplus)}).",
                expected=f"the same names in all sets, {listing(columns)}",
            )
        for name, values in columns.items():
            values.append(parameter_set[name])
    return columns


def _check_mapping(function: str, mapping: Any) -> None:
    if mapping is not None and not isinstance(mapping, Mapping):
        raise ParameterError(
            f"{function}() cannot take {with_article(type(mapping).__name__)}.",
            expected="names with their values",
        )


def _may_be_scan(scan: Any) -> bool:
    return isinstance(scan, (Scan, Mapping)) or is_table(scan) or _is_dataset(scan) or _are_sets(scan)


def _check_table(table: Any) -> None:
    """Raise ParameterError for columns of several levels, and warn of an index that looks like a parameter."""
    levels = getattr(table.columns, "nlevels", 1)
    if levels > 1:
        raise ParameterError(
            f"The columns of the table have {levels} levels.",
            expected="one name for each column",
            ways=["Rename them, such as table.columns = ['a', 'b']."],
        )
    names = [name for name in getattr(table.index, "names", ()) if name is not None and name not in _OURS]
    if names:
        warn(
            f"The index of the table ({listing(names)}) is no parameter of the scan. table.reset_index() makes columns of it."
        )


def _is_dataset(scan: Any) -> bool:
    return hasattr(scan, "data_vars") and hasattr(scan, "to_dataframe")


def _are_sets(scan: Any) -> bool:
    return isinstance(scan, (list, tuple)) and all(isinstance(_as_mapping(item), Mapping) for item in scan)


def _as_mapping(item: Any) -> Any:
    """Return a named tuple, such as a row of ``table.itertuples()``, as a dictionary; anything else as it is."""
    if not (isinstance(item, tuple) and hasattr(item, "_asdict")):
        return item
    values = item._asdict()
    # The index of a table is not a parameter, as for the table itself.
    return {n: v for n, v in values.items() if n != "Index"} if type(item).__name__ == "Pandas" else values


_NOBODY = Definition((), ())

# So many values of a long axis are looked at.
_FIRST = 3


def scan_html(definition: Definition, axes: Sequence[Axis], rows: Sequence[Row] | None) -> str:
    """Return what a notebook shows of a scan: its axes, and the first sets of one that is not long."""
    number = _number(axes) if rows is None else len(rows)
    values = None if rows is None else [shown(row) for row in rows]
    title = tag("span", "Scan", class_="coma-title")
    sets = (
        f" of {number:,} parameter set{'s' * (number != 1)}"
        if number is not None
        else ", long: len(scan) counts it"
    )
    paths = [path == (BRANCH, name) for name, path in definition]
    header: list[str] = ["parameter", "values", "", *([] if all(paths) else ["path"])]
    lines = [line[: len(header)] for line in _lines(definition, axes, values)]
    parameters = table(header, lines, what="parameters", most=2 * ROWS)
    first = fold("First sets", table(definition.names, values[:ROWS], total=len(values))) if values else None
    return fragment(title, tag("span", sets, class_="coma-muted"), parameters, first)


def _number(axes: Sequence[Axis]) -> int | None:
    """Return the number of sets, as far as it is known without making them up."""
    sizes = [axis.size for axis in axes]
    known = [size for size in sizes if size is not None]
    return math.prod(known) if len(known) == len(sizes) else None


def _lines(
    definition: Definition, axes: Sequence[Axis], sets: Sequence[Sequence[Any]] | None
) -> Iterator[tuple[object, ...]]:
    """Yield for each parameter its values, and how they come about; for conditions only these."""
    parameters = enumerate(definition)
    for axis in axes:
        rule = str(axis).rpartition(": ")[2] if axis.names else str(axis)
        if not axis.names:
            yield "", tag("span", rule, class_="coma-code")
        for place, name in enumerate(axis.names):
            column, (_, path) = next(parameters)
            values = _first(axis, place) if sets is None else several(row[column] for row in sets)
            yield tag("span", name, class_="coma-code"), values, "" if rule.isdigit() else rule, join(path)


def _first(axis: Axis, place: int) -> str:
    """Return the first values of an axis that depends on nothing, and how many it has."""
    if axis.size is None or any(state.get("derived") for state in axis.to_state()):
        return ""
    rows = list(islice(axis.rows(_NOBODY, ()), _FIRST))
    texts = [text_of(value) for value in shown(row[place] for row in rows)]
    more = "" if axis.size == len(rows) else f", ... ({axis.size:,} values)"
    return f"{', '.join(texts)}{more}"

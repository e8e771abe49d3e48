"""Tables of results and removed measurements."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from coma_xr.checks import checks_keywords, is_listed
from coma_xr.define.conditions import Condition, as_condition
from coma_xr.define.parameters import Definition, ParameterSet
from coma_xr.define.values import Argument, plain_of
from coma_xr.errors import ArgumentError, LayoutError, PathError, warn
from coma_xr.exports.external import deferred
from coma_xr.html import facts, fragment, table, tag, text_of
from coma_xr.retrieve.columns import MISSING, SCALARS, as_objects, lacks
from coma_xr.retrieve.listings import parameter_of
from coma_xr.retrieve.requests import (
    Annotations,
    Doubles,
    Recorded,
    Request,
    Source,
    name_of_ours,
    read,
    requests_of,
)
from coma_xr.retrieve.variables import flat_columns
from coma_xr.same import key, repeat_of
from coma_xr.text import listing, shortened
from coma_xr.tree import Names, join
from coma_xr.values.pandas import table_of
from coma_xr.values.plain import Tree, to_plain

if TYPE_CHECKING:
    import xarray as xr

    from coma_xr.tree import Path

Pair = tuple[str, str]


@checks_keywords
class Result:
    """A table of the results with the same parameters.

    Attributes
    ----------
    parameters : ParameterSet
        What the measurements have in common.
    table : ndarray, shape (n_measurements, n_columns)
        One row for each measurement, in the order of their ids. If all values are arrays of one shape, the table has
        this shape behind its two axes.
    table_columns : tuple of str
        Names of the columns; a list is several columns ``Es_1``, ``Es_2``, ...
    table_definition : dict of str to str
        The path of each requested name.
    measurement_ids : list of int
        The measurement of each row.

    Without arguments it is empty, and its attributes can be set.

    Examples
    --------
    >>> trees = [(1, {"parameters": {"x": 1.0}, "results": {"y": 2.0}})]
    >>> r = retrieve_results(trees, [("y", "results/y")], [("x", "parameters/x")])[0]
    >>> r
    Result((y),(x=1.0))
    >>> r.parameters.x, r.table
    (1.0, array([[2.]]))
    """

    def __init__(
        self,
        parameters: ParameterSet | None = None,
        table: npt.ArrayLike = (),
        table_columns: Sequence[str] = (),
        table_definition: Mapping[str, str] | Sequence[Pair] = (),
        measurement_ids: Sequence[int] = (),
        values: Sequence[Sequence[Tree]] | None = None,
        notes: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        none = ParameterSet.of_given(Definition((), ()), ())
        self.parameters = none if parameters is None else parameters
        self.table: npt.NDArray[Any] = np.asarray(table)
        self.table_columns = tuple(table_columns)
        self.table_definition = dict(table_definition)
        self.measurement_ids = list(measurement_ids)
        self._values = values
        self._notes = notes or {}

    def _rows(self) -> list[tuple[int, dict[str, Tree]]]:
        """Return what was asked for in each measurement, with lists as such and types as in the files."""
        if self._values is None:
            names: Sequence[str] = self.table_columns
            rows = [[to_plain(value) for value in row] for row in self.table]
        else:
            names = list(self.table_definition)
            rows = [list(row) for row in zip(*self._values, strict=True)]
        return [
            (id, dict(zip(names, row, strict=True)))
            for id, row in zip(self.measurement_ids, rows, strict=True)
        ]

    def __repr__(self) -> str:
        return f"Result(({','.join(self.table_columns)}),{self.parameters})"

    def _repr_html_(self) -> str:
        title = tag("span", "Result", class_="coma-title")
        number = tag("span", f" {len(self.table)} rows", class_="coma-muted")
        shared = facts(zip(self.parameters.names, map(text_of, self.parameters), strict=True))
        header = ["measurement_id", *self.table_columns]
        rows = ([id, *row.tolist()] for id, row in zip(self.measurement_ids, self.table, strict=True))
        return fragment(title, number, shared, table(header, rows, total=len(self.table)))


@checks_keywords
class ResultList(list[Result]):
    """Results that can be filtered by their parameters: ``results["A", 1]["B", 2]``, ``results[P.A > 1]``.

    Examples
    --------
    >>> trees = [(i, {"parameters": {"A": i}, "results": {"y": i**2}}) for i in (1, 2, 3)]
    >>> rs = retrieve_results(trees, [("y", "results/y")], [("A", "parameters/A")])
    >>> rs["A", 2]
    [Result((y),(A=2))]
    >>> rs["A > 2"]
    [Result((y),(A=3))]
    >>> rs[:2]
    [Result((y),(A=1)),
     Result((y),(A=2))]
    """

    @overload
    def __getitem__(self, key: SupportsIndex) -> Result: ...
    @overload
    def __getitem__(
        self, key: slice | tuple[str | Sequence[str], Any] | str | Condition | Callable[..., Any]
    ) -> ResultList: ...

    def __getitem__(self, key: Any) -> Result | ResultList:
        """Return one result, a slice, or the results whose parameters are as said.

        Parameters
        ----------
        key : int, slice, (name, value), condition, str or callable
            A name or path with its value; or a condition on parameters, see `coma_xr.define.conditions`.

        Raises
        ------
        PathError
            When the results have no such parameter.
        TypeError
            For a bool, which comes of a comparison that was made too early, and a tuple that is not a pair.
        """
        if isinstance(key, tuple):
            return self.filter_results(key)
        if isinstance(key, (Condition, str, bool, np.bool_)) or callable(key):
            return self._satisfying(as_condition(key))
        item = super().__getitem__(key)
        return ResultList(item) if isinstance(item, list) else item

    def _satisfying(self, condition: Condition) -> ResultList:
        if not self:
            return self
        having, values = self._values_in(condition)
        chosen = ResultList(
            result
            for result, parameters in zip(having, values, strict=True)
            if condition.evaluate(parameters.__getitem__, result.parameters)
        )
        if not chosen:
            known = {name: [parameters[name] for parameters in values] for name in values[0]}
            warn(condition.unfulfilled(len(having), "result", known))
        return chosen

    def _values_in(self, condition: Condition) -> tuple[list[Result], list[dict[str, Any]]]:
        """Return the results that have the parameters of a condition, and the values of these by name."""
        places: dict[Definition, dict[str, int]] = {}
        missing: list[PathError] = []
        for definition in dict.fromkeys(result.parameters._definition for result in self):
            try:
                paths = condition.resolve(Names(definition.paths, definition).resolve)
            except PathError as error:
                missing.append(error)
            else:
                places[definition] = {name: definition.paths.index(path) for name, path in paths.items()}
        if not places:
            raise missing[0]
        having = [result for result in self if result.parameters._definition in places]
        return having, [
            {
                name: plain_of(parameters._given[place])
                for name, place in places[parameters._definition].items()
            }
            for parameters in (result.parameters for result in having)
        ]

    def to_dataset(self) -> xr.Dataset:
        """Return the tables as a Dataset over their parameters; the rows of a table lie along ``row``.

        Examples
        --------
        >>> trees = [(i, {"parameters": {"A": i // 2}, "results": {"y": i**2}}) for i in range(1, 6)]
        >>> rs = retrieve_results(trees, [("y", "results/y")], [("A", "parameters/A")])
        >>> rs.to_dataset().y.sel(A=1).values
        array([4., 9.])
        """
        from coma_xr.retrieve.dataset import build_dataset

        requested = self._requested()
        # The rows of a table may have all parameters in common: that is what tables are.
        ds = build_dataset(
            self._trees(), dims=[name for name, _ in requested.get("definition", ())], **requested
        )
        for name, path in self._paths().items():
            if name in ds.variables:
                ds[name].attrs.update(path=path, name=name)
        return ds

    def to_dataframe(self) -> pd.DataFrame:
        """Return the tables as one DataFrame, with the parameters as columns in front.

        Examples
        --------
        >>> trees = [(i, {"parameters": {"A": i}, "results": {"y": i**2}}) for i in (1, 2)]
        >>> rs = retrieve_results(trees, [("y", "results/y")], [("A", "parameters/A")])
        >>> rs.to_dataframe().values.tolist()
        [[1, 1], [2, 4]]
        """
        from coma_xr.retrieve.dataframe import build_dataframe

        return build_dataframe(self._trees(), **self._requested())

    def _trees(self) -> list[tuple[int, Tree]]:
        """Return measurements that have nothing but what was asked for."""
        trees = [
            (id, {"parameters": _tree(result.parameters), "results": row})
            for result in self
            for id, row in result._rows()
        ]
        return sorted(trees, key=lambda pair: pair[0])

    def _paths(self) -> dict[str, str]:
        if not self:
            return {}
        shared = {name: join(path) for name, path in self[0].parameters._definition}
        return {**shared, **self[0].table_definition}

    def _requested(self) -> dict[str, Any]:
        """Return what `build_dataset` and `build_dataframe` are asked for."""
        if not self:
            return {}
        columns = dict.fromkeys(name for result in self for _, row in result._rows()[:1] for name in row)
        names = self[0].parameters._definition.names
        return {
            "variables": {name: ("results", name) for name in columns if name not in names},
            "definition": [(name, ("parameters", name)) for name in names],
            "annotations": {
                ("parameters" if name in names else "results", name): note
                for name, note in self[0]._notes.items()
            },
        }

    def filter_results(self, pair: tuple[str | Sequence[str], Any]) -> ResultList:
        """Return the results with this name, or path, and value of a parameter: ``results[name, value]``."""
        given: Any = pair
        if not isinstance(given, (tuple, list)) or len(given) != 2 or isinstance(given[0], int):
            raise ArgumentError(
                f"{shortened(pair)} is not a pair.",
                expected="a name and a value",
                ways=["Filter by several parameters one after the other: results['A', 1]['B', 2]."],
            )
        name, value = pair
        identity = key([to_plain(value)])
        # Results of several experiments may have different parameters; a name that none of them has is an error.
        having = [r for r in self if r.parameters.has(name)] or self
        return ResultList(r for r in having if key([to_plain(r.parameters[name])]) == identity)

    def __repr__(self) -> str:
        return "[" + ",\n ".join(map(repr, self)) + "]"

    def _repr_html_(self) -> str:
        names = dict.fromkeys(name for result in self for name in result.parameters.names)
        columns = dict.fromkeys(name for result in self for name in result.table_columns)
        title = tag("span", "ResultList", class_="coma-title")
        summary = f" {len(self)} tables with the columns {listing(columns)}"
        rows = ([place, *result.parameters, len(result.table)] for place, result in enumerate(self))
        shown = table(["", *names, "rows"], rows, total=len(self), what="tables")
        return fragment(title, tag("span", summary, class_="coma-muted"), shown)


def _tree(parameters: ParameterSet) -> dict[str, Tree]:
    return dict(zip(parameters._definition.names, map(plain_of, parameters._given), strict=True))


def retrieve_results(
    trees: Iterable[tuple[int, Tree]],
    table_definition: Iterable[Any],
    parameter_set_definition: Iterable[Any] = (),
    *,
    recorded: Recorded | None = None,
    annotations: Annotations | None = None,
    doubles: Doubles | None = None,
) -> ResultList:
    """Return tables of measurements, one for each set of parameters.

    Raise PathError when a path leads nowhere in all measurements, and LayoutError when lists under the same parameters
    are of unequal length; warn of measurements that lack one of the paths and are left out.

    >>> trees = [(1, {"parameters": {"a": 1}, "results": {"E": [0.5, 1.5]}})]
    >>> retrieve_results(trees, [("Es", "results/E")], [("a", "parameters/a")])
    [Result((Es_1,Es_2),(a=1))]
    """
    columns = _pairs(table_definition, "table_definition")
    parameters = _pairs(parameter_set_definition, "parameter_set_definition")
    if not columns:
        raise PathError("The table has no columns.", expected="at least one, such as ('t', 'results/t')")
    source = read(
        trees,
        [*columns, *parameters],
        everything=False,
        recorded=recorded,
        annotations=annotations,
        doubles=doubles,
        branches=True,
    )
    if not len(source.columns):
        return ResultList()
    table = tuple((source.name(request), _text(source, request)) for request in columns)
    if twice := next(
        (name for name, number in Counter(name for name, _ in table).items() if number > 1), None
    ):
        raise PathError(f"Two columns are called '{twice}'.", ways=["Rename one of them."])
    definition = Definition(
        tuple(source.name(request) for request in parameters),
        tuple(source.path(request) or (request.text,) for request in parameters),
    )
    values = [source.values(request) for request in columns]
    keys = [source.values(request) for request in parameters]
    rows = _complete([*values, *keys], [*columns, *parameters])
    notes = {source.name(request): _said(source, request) for request in (*columns, *parameters)}
    groups: dict[Any, list[int]] = {}
    for row in rows:
        groups.setdefault(key([column[row] for column in keys]), []).append(row)
    ids = source.columns.ids
    results = ResultList()
    for members in groups.values():
        mine = [ids[row] for row in members]
        rows_by_set = [[column[row] for row in members] for column in values]
        names, array = _table(table, rows_by_set, mine)
        shared = ParameterSet.of_given(definition, [_as_tuple(column[members[0]]) for column in keys])
        results.append(Result(shared, array, names, table, mine, rows_by_set, notes))
    return results


def _as_tuple(value: Tree) -> Any:
    """Return a list as a parameter that is a tuple, as in Coma 2."""

    def tuples(item: Tree) -> Any:
        return tuple(map(tuples, item)) if type(item) is list else item

    return Argument(tuples(value), value) if type(value) is list else value


def _pairs(definition: Any, argument: str) -> list[Request]:
    """Return what a definition asks for; PathError for one pair or path where a list of pairs belongs."""
    pair = definition if isinstance(definition, tuple) else ()
    if len(pair) == 2 and all(isinstance(text, str) for text in pair):
        raise _one_list(argument, definition, pair)
    if isinstance(definition, str):
        raise _one_list(argument, definition, (definition.rpartition("/")[2], definition))
    if isinstance(definition, Mapping) or not is_listed(definition):
        return requests_of(() if definition is None else definition)
    return requests_of([tuple(entry) if isinstance(entry, list) else entry for entry in definition])


def _one_list(argument: str, definition: Any, pair: tuple[Any, ...]) -> PathError:
    return PathError(
        f"{argument}={definition!r} is not a list.",
        expected=f"a list of pairs (name, path), such as [{pair!r}]",
        ways=[
            "Put all columns into the first list, and the parameters that distinguish the tables into the second."
        ],
    )


def _text(source: Source, request: Request) -> str:
    path = source.path(request)
    return request.text if path is None else join(path)


def _said(source: Source, request: Request) -> dict[str, Any]:
    note = source.annotation(source.path(request))
    return {key: note[key] for key in ("units", "long_name") if note.get(key) is not None}


def _complete(columns: Sequence[list[Any]], requests: Sequence[Request]) -> list[int]:
    """Return the rows that have all columns; say how many have not."""
    size = len(columns[0])
    lacking = [request.text for request, column in zip(requests, columns, strict=True) if lacks(column)]
    if not lacking:
        return list(range(size))
    rows = [row for row in range(size) if all(column[row] is not MISSING for column in columns)]
    warn(f"{size - len(rows)} of {size} measurements lack {listing(lacking)} and are left out.")
    return rows


def _table(
    definition: Sequence[Pair], columns: Sequence[list[Any]], ids: Sequence[int]
) -> tuple[list[str], npt.NDArray[Any]]:
    names: list[str] = []
    values: list[list[Any]] = []
    for (name, path), column in zip(definition, columns, strict=True):
        for new, items in flat_columns(name, column).items():
            if lacks(items):
                raise _uneven(path, items, ids)
            names.append(new)
            values.append([_cell(item) if isinstance(item, dict) else item for item in items])
    rows = list(zip(*values, strict=True)) or [()] * len(ids)
    if not {type(item) for row in rows for item in row} <= SCALARS and not _are_alike(rows):
        return names, np.array([as_objects(row) for row in rows])
    return names, np.array(rows)


def _cell(node: dict[str, Tree]) -> Any:
    value = deferred(node)
    # The type that Coma 2 has in tables.
    return OrderedDict(value) if type(value) is dict else value


def _are_alike(rows: Sequence[Sequence[Any]]) -> bool:
    """Whether all cells are arrays of one shape, so that the table is one array, as in Coma 2."""
    cells = [cell for row in rows for cell in row]
    return all(type(cell) is np.ndarray and cell.dtype != object for cell in cells) and (
        len({cell.shape for cell in cells}) == 1
    )


def _uneven(path: str, items: Sequence[Any], ids: Sequence[int]) -> LayoutError:
    without = next(row for row, value in enumerate(items) if value is MISSING)
    having = next(row for row, value in enumerate(items) if value is not MISSING)
    one, other = sorted([ids[without], ids[having]])
    return LayoutError(
        f"{path} has lists of unequal length, or a list next to a single value, such as in the measurements {one} and "
        f"{other} of one table.",
        expected="lists of one length in a table",
        ways=["Pass the parameter that decides the length in the second list, or use to_dataset()."],
    )


def removed_table(
    removed: Iterable[tuple[int, Tree, Sequence[Any]]], definition: Sequence[tuple[str, Path]]
) -> pd.DataFrame:
    """Return a row for each measurement that was removed, with its parameters and when, why and to where it went."""
    return _table_of(removed, definition, ["date", "reason", "folder"])


def _table_of(
    rows: Iterable[tuple[int, Tree, Sequence[Any]]],
    definition: Sequence[tuple[str, Path]],
    more: Sequence[str],
) -> pd.DataFrame:
    """Return a row for each measurement, with its parameters, the number of its repeat if there are any, and more columns."""
    rows = list(rows)
    index = pd.Index([id for id, _, _ in rows], name="measurement_id", dtype="int64")
    columns = {name: [parameter_of(tree, path) for _, tree, _ in rows] for name, path in definition}
    if any(repeats := [repeat_of(tree) for _, tree, _ in rows]):
        columns[name_of_ours("repeat", columns, ())] = repeats
    columns |= {name: [about[place] for _, _, about in rows] for place, name in enumerate(more)}
    return table_of(columns, index)


def duplicates_table(
    doubles: Iterable[tuple[int, Tree, int]], definition: Sequence[tuple[str, Path]]
) -> pd.DataFrame:
    """Return a row for each measurement that records the event of another one, with its parameters and this other one."""
    return _table_of(((id, tree, [other]) for id, tree, other in doubles), definition, ["duplicate_of"])

"""What can be asked of an experiment. Nothing here writes into it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from coma_xr.checks import check_flag
from coma_xr.define.parameters import Definition
from coma_xr.define.past import Past, read
from coma_xr.define.scans import Scan
from coma_xr.define.values import given_again
from coma_xr.errors import (
    DataFileError,
    DataFileWarning,
    ParameterError,
    PathError,
    StorageError,
    warn,
)
from coma_xr.keywords import checks_keywords
from coma_xr.recording import definition_of, layout_rule, recorded_names
from coma_xr.retrieve.columns import AS_NEEDED
from coma_xr.retrieve.measurement import Measurement
from coma_xr.run.failure import Failure
from coma_xr.run.plan import survey
from coma_xr.same import doubles, event_of, key, repeat_of
from coma_xr.session import recorded_failures
from coma_xr.store.locks import seen_runs
from coma_xr.store.opening import near_experiments
from coma_xr.text import alternatives, count, listing
from coma_xr.tree import leaves, shown, split
from coma_xr.values.external import FILES, files_of
from coma_xr.values.plain import from_plain

if TYPE_CHECKING:
    import os

    import pandas as pd
    import xarray as xr

    from coma_xr.retrieve.columns import StoredTrees
    from coma_xr.retrieve.dataset import DatasetLayout
    from coma_xr.retrieve.status import Status
    from coma_xr.retrieve.tables import ResultList
    from coma_xr.store.locks import LiveRun
    from coma_xr.store.place import ExperimentDirectory
    from coma_xr.tree import Path as TreePath
    from coma_xr.tree import PathLike
    from coma_xr.values.plain import Tree

__all__ = ["Readable"]

T = TypeVar("T")


@checks_keywords
class Readable:
    """The part of `coma_xr.Experiment` that reads.

    Parameters
    ----------
    place : ExperimentDirectory
        Where the experiment lies.
    """

    def __init__(self, place: ExperimentDirectory) -> None:
        self._place = place

    # What it is

    @property
    def path(self) -> Path:
        """The experiment's directory."""
        return Path(self._place.path)

    @property
    def id(self) -> int | None:
        """The experiment's id; None when it has none."""
        id: int | None = self._info("experiment_id")
        return id

    @property
    def description(self) -> str | None:
        """What the experiment is about."""
        description: str | None = self._info("description")
        return description

    @property
    def tags(self) -> list[str]:
        """Words to find the experiment by."""
        tags = self._info("tags") or []
        return list(tags) if isinstance(tags, list) else [tags]

    @property
    def start_date(self) -> str | None:
        """When the first run began, as ``2014-02-25T22:50:11Z``."""
        date: str | None = self._info("start_date")
        return date

    @property
    def end_date(self) -> str | None:
        """When the last run that saved a measurement ended."""
        date: str | None = self._info("end_date")
        return date

    @property
    def layout(self) -> DatasetLayout:
        """The dims of the Dataset of `to_dataset`, and what decides them."""
        from coma_xr.retrieve.dataset import layout_of

        return layout_of(
            self._trees(),
            layout_rule(self._place, self._past()),
            definition=self._pairs(),
            recorded=self._recorded(),
            annotations=self.annotations,
            status=self._status(self._place.scan() or {}),
        )

    @property
    def annotations(self) -> dict[str, dict[str, Any]]:
        """What `annotate` noted, by path."""
        return dict(self._place.state().get("annotations", {}))

    def _info(self, name: str) -> Any:
        return self._place.info.get(name)

    def isactive(self) -> bool:
        """Whether each measurement is a file of its own, so that more can be added."""
        return self._place.active

    def number_of_measurements(self) -> int:
        """Return how many measurements there are."""
        return self._place.number()

    def __len__(self) -> int:
        return self.number_of_measurements()

    def __bool__(self) -> bool:
        # An experiment without measurements is still an experiment, and its truth needs no look at the disk.
        return True

    def __repr__(self) -> str:
        try:
            failed = self._place.number_of_failures()
            parts = [
                repr(str(self.path)),
                count(len(self), "measurement"),
                *([f"{failed:,} failed"] if failed else []),
                *([] if self.isactive() else ["inactive"]),
            ]
            return f"Experiment({', '.join(parts)})"
        except StorageError as error:
            return f"Experiment({str(self.path)!r}, {error.strerror})"

    def __str__(self) -> str:
        id = "" if self.id is None else f" {self.id}"
        lines = [f"Experiment{id} in {self.path}"]
        lines += [
            f"  {name}: {value}"
            for name, value in self._place.info.items()
            if value and name != "experiment_id"
        ]
        if self._definition is not None:
            lines.append(f"  parameters: {', '.join(self._definition.names)}")
        lines.append(f"  {count(len(self), 'measurement')}{'' if self.isactive() else ', inactive'}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from coma_xr.overview import experiment_html

        return experiment_html(self._place, self.path.name, self._pairs(), self.annotations)

    @property
    def _definition(self) -> Definition | None:
        return definition_of(self._place)

    def _past(self) -> Past:
        return Past.of(self.annotations)

    def failures(self) -> pd.DataFrame:
        """Return the parameter sets whose last try failed.

        Returns
        -------
        DataFrame
            A row for each: its parameters, which repeat it is if there are several, the exception with its message,
            the line that raised it, the date and the host.

        Examples
        --------
        >>> import coma_xr as coma
        >>> e = coma.Experiment("inverse")
        >>> report = e.run(lambda x: 1 / x, {"x": [0, 1, 2]})  # doctest: +SKIP
        >>> e.failures()  # doctest: +SKIP
        """
        from coma_xr.retrieve.failures import failures_table

        return failures_table(self._failed(), self._pairs())

    def _done(self) -> Callable[[Definition], Container[Hashable]]:
        """Return a function that tells which parameter sets have a measurement; these are read once."""
        return cache(lambda definition: survey(self._place.trees(), definition, past=self._past()).ids)

    def _failed(
        self, done_by: Callable[[Definition], Container[Hashable]] | None = None
    ) -> list[tuple[int, Tree]]:
        """Return the records of failures; one that has succeeded since counts no more, even if a kill kept it."""
        failures = recorded_failures(self._place)
        definition = self._definition
        if not failures or definition is None:
            return failures
        done = (done_by or self._done())(definition)
        again = survey(failures, definition, past=self._past()).ids
        over = {number for key, numbers in again.items() if key in done for number in numbers}
        return [(number, tree) for number, tree in failures if number not in over]

    def failure(self, id: int) -> Failure:
        """Return one failure, which can be made to happen again here: ``e.failure(12).reproduce(f)``.

        Parameters
        ----------
        id : int
            As in the index of `failures`.

        Raises
        ------
        PathError
            When there is none. The message names the others.
        """
        records = dict(recorded_failures(self._place))
        if id not in records:
            raise PathError(
                f"There is no failure {id!r} in {self.path}. Available: {listing(sorted(records))}."
            )
        return Failure(records[id], self._definition)

    def removed(self) -> pd.DataFrame:
        """Return the measurements that `remove` and `reset` took away.

        Returns
        -------
        DataFrame
            A row for each, with its id as the index: its parameters, the date and the reason of its removal, and
            the folder in the experiment's directory that holds it.

        Examples
        --------
        >>> import coma_xr as coma
        >>> e = coma.Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        RunReport(saved=3, asked=3, skipped=0, failed=0)
        >>> e.remove(2, "the lamp was off")
        [2]
        >>> e.removed()[["x", "reason"]]
                        x            reason
        measurement_id
        2               2  the lamp was off
        """
        from coma_xr.retrieve.failures import removed_table

        rows = (
            (one.id, one.tree, [one.folder.date, one.folder.reason, one.folder.name])
            for one in self._place.removed()
        )
        return removed_table(rows, self._pairs())

    def missing(self, *given: Any) -> Scan:
        """Return the parameter sets that were asked for and have no measurement, or not all of their repeats.

        The last scan was asked for, unless it was part of what had been asked for before.

        Parameters
        ----------
        *given : function or class
            Those among the values of the parameters, or of which objects are among them, that this process has not
            used as such: a file only has their names, and nothing is imported because a file names it.

        Examples
        --------
        >>> import coma_xr as coma
        >>> e = coma.Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]}, limit=2)
        RunReport(saved=2, asked=3, skipped=0, failed=0)
        >>> list(e.missing())
        [{'x': 3}]
        """
        scan = self._place.scan() or {}
        recorded = Definition.from_state(scan["parameters"]) if scan else self._definition
        if recorded is None:
            raise ParameterError(f"Nothing was run in {self.path} yet, so nothing is missing.")
        definition = self._past().definition(recorded)
        lacking = self._lacking(scan, self._done()(definition))
        values = given_again(recorded.paths, scan, given)
        rows = [values(row) for row, number in lacking if number]
        return Scan.of_rows(definition, rows, repeats=scan.get("repeats"))

    @staticmethod
    def _lacking(scan: Mapping[str, Any], done: Container[Hashable]) -> Iterator[tuple[Any, int]]:
        """Yield the parameter sets that were asked for, and how many of their repeats have no measurement."""
        repeats = range(scan.get("repeats") or 1)
        for row in scan.get("sets", ()):
            values = key(row)
            yield row, sum((values if not n else (*values, n)) not in done for n in repeats)

    def status(self) -> dict[str, Any]:
        """Return what is there, what is not, and who is running it.

        Returns
        -------
        dict
            Numbers of ``measurements``, of parameter sets that ``failed``, and that were asked for and are ``missing``, each
            repeat counted, of measurements that are ``excluded``; and ``runs``, a list of `runs`.

        Examples
        --------
        >>> import coma_xr as coma
        >>> e = coma.Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]}, limit=2)
        RunReport(saved=2, asked=3, skipped=0, failed=0)
        >>> e.status()
        {'measurements': 2, 'failed': 0, 'missing': 1, 'excluded': 0, 'runs': []}
        """
        scan, done_by = self._place.scan(), self._done()
        missing = 0
        if scan:
            done = done_by(self._past().definition(Definition.from_state(scan["parameters"])))
            missing = sum(number for _, number in self._lacking(scan, done))
        return {
            "measurements": self.number_of_measurements(),
            "failed": len(self._failed(done_by)),
            "missing": missing,
            "excluded": len(self._excluded()),
            "runs": self.runs(),
        }

    def runs(self) -> list[LiveRun]:
        """Return the runs that work on the experiment now, in this process or another one.

        Returns
        -------
        list of LiveRun
            Each has ``host``, ``pid``, ``since``, and once it told something, at most about a second ago unless a
            parameter set takes longer: ``todo``, ``done``, ``failed``, ``rate`` (a second) and ``left`` (seconds).
            ``certain`` is False for one of another host whose lock cannot be seen from here.
        """
        return seen_runs(self._place.path)

    def duplicates(self) -> pd.DataFrame:
        """Return the measurements that record the same event as another one, which count once everywhere.

        `run` makes such when two runs at the same time compute one point, or when files are copied. Their parameters,
        repeat and seed are the same, and so are their results. Measurements that you saved by hand, or that come from
        Coma 2 or another program, are independent samples and no duplicates, unless one file is a copy of the other.

        Returns
        -------
        DataFrame
            A row for each one that does not count: its parameters and, as ``duplicate_of``, the id of the one that does.

        See Also
        --------
        Experiment.remove_duplicates : Move them away.

        Examples
        --------
        >>> import coma_xr as coma
        >>> e = coma.Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        RunReport(saved=3, asked=3, skipped=0, failed=0)
        >>> e.duplicates().empty
        True
        """
        from coma_xr.retrieve.failures import duplicates_table

        identity, names = self._identity(), dict[Hashable, list[int]]()
        for id, tree in self._trees():
            if (event := event_of(tree)) is not None:
                names.setdefault((event, identity(tree), repeat_of(tree)), []).append(id)
        suspects = sorted(id for ids in names.values() if len(ids) > 1 for id in ids)
        tree_of = self._place.measurements.read
        found = sorted(self._doubles(suspects).items())
        return duplicates_table(((id, tree_of(id), other) for id, other in found), self._pairs())

    def _identity(self) -> Callable[[Tree], Any]:
        """Return a function that returns the key of the parameters of a tree."""
        definition, past = self._definition, self._past()

        def identity(tree: Tree) -> Any:
            values = tree.get("parameters") if definition is None else read(tree, definition, past)
            return key(values)

        return identity

    def _doubles(self, ids: Iterable[int]) -> dict[int, int]:
        """Return which of some measurements record an event that another one counts for, and this other one."""
        excluded, tree_of = self._excluded(), self._place.measurements.read
        # One that is used counts before one that is not.
        order = sorted(ids, key=lambda id: (id in excluded, id))
        return doubles(((id, tree_of(id)) for id in order), self._identity())

    def _without_doubles(self, ids: Iterable[int]) -> dict[int, int]:
        """Return what `_doubles` does, and warn."""
        found = self._doubles(ids)
        if found:
            id, other = min(found.items())
            warn(
                f"{count(len(found), 'measurement')} in {self.path} {'records' if len(found) == 1 else 'record'} the same "
                f"event as another one and {'does' if len(found) == 1 else 'do'} not count, {id} next to {other} for "
                "example. duplicates() lists all, remove_duplicates(dry_run=False) moves them away."
            )
        return found

    # Measurements

    def measurements(self, where: Any = None) -> Iterator[Measurement]:
        """Yield every measurement, in the order of their ids; one file is read at a time.

        Parameters
        ----------
        where : condition, str or callable, optional
            Only those for which it holds: ``coma.P.x > 1``, ``"x > 1"``, ``lambda m: m.results.y > 1``.

        Examples
        --------
        >>> import coma_xr as coma
        >>> e = coma.Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        RunReport(saved=3, asked=3, skipped=0, failed=0)
        >>> [m.results.y for m in e.measurements()]
        [1, 4, 9]
        """
        for number, tree in self._trees() if where is None else self._selected(where):
            yield Measurement(number, tree, self._place.config.serializer_setstate)

    def _selected(self, where: Any, otherwise: str = "") -> Iterator[tuple[int, Tree]]:
        """Yield id and tree of the measurements for which a condition holds."""
        from coma_xr.retrieve.selection import selected

        return selected(
            self._trees(),
            where,
            definition=self._pairs(),
            recorded=self._recorded(),
            annotations=self.annotations,
            otherwise=otherwise,
        )

    def measurement(self, id: int) -> Measurement:
        """Return the measurement with this id.

        Raises
        ------
        PathError
            When there is none. The message names the nearest ids.
        DataFileError
            When its file cannot be read.
        """
        # Those of a Dataset are NumPy's.
        id = operator.index(id) if hasattr(id, "__index__") and not isinstance(id, bool) else id
        tree = self._place.measurements.read(id)
        _, located = next(_located([(id, tree)], self._place))
        return Measurement(id, located, self._place.config.serializer_setstate)

    # Results

    def retrieve_results(
        self,
        table_definition: Iterable[tuple[str, PathLike]] | Mapping[str, PathLike],
        parameter_set_definition: Iterable[tuple[str, PathLike]] | Mapping[str, PathLike] = (),
    ) -> ResultList:
        """Return tables, one for each distinct set of parameters, with a row for each measurement.

        Parameters
        ----------
        table_definition : iterable of (name, path), or mapping of names to paths
            The columns. A list is unfolded into the columns ``name_1``, ``name_2``, ...; an array is one value.
        parameter_set_definition : iterable of (name, path) or mapping, optional
            The parameters that tell the tables apart. By default there is one table.

        Returns
        -------
        ResultList
            In the order in which the parameters appear in the measurements. Those that are excluded are not in it.

        Raises
        ------
        PathError
            For a path that no measurement has. The message names the nearest ones. For pairs that are in no list.

        Examples
        --------
        >>> import coma_xr as coma
        >>> e = coma.Experiment("powers")
        >>> e.run(lambda x, n: {"y": x**n}, {"n": [1, 2], "x": [1.0, 2.0, 3.0]})
        RunReport(saved=6, asked=6, skipped=0, failed=0)
        >>> rs = e.retrieve_results([("x", "parameters/x"), ("y", "results/y")], [("n", "parameters/n")])
        >>> rs
        [Result((x,y),(n=1)), Result((x,y),(n=2))]
        >>> rs["n", 2][0].table
        array([[1., 1.],
               [2., 4.],
               [3., 9.]])
        """
        from coma_xr.retrieve.tables import retrieve_results

        self._warn_when_empty()
        excluded = self._excluded()

        def build(trees: Iterable[tuple[int, Tree]]) -> ResultList:
            used = ((id, tree) for id, tree in trees if id not in excluded)
            return retrieve_results(
                used,
                table_definition,
                parameter_set_definition,
                recorded=self._recorded(),
                annotations=self.annotations,
                doubles=self._without_doubles,
            )

        return self._built(build, strict=False)

    def to_dataset(
        self,
        variables: Mapping[str, Any] | Sequence[Any] | str | None = None,
        dims: Sequence[Any] | None = None,
        *,
        layout: Literal["grid", "points"] | None = None,
        unfold: Mapping[str, Any] | None = None,
        fill: Any = AS_NEEDED,
        where: Any = None,
        chunks: Any = None,
        strict: bool = False,
    ) -> xr.Dataset:
        """Return the experiment as a labelled Dataset.

        Parameters
        ----------
        variables : mapping, sequence or str, optional
            The data variables: paths or names, or names with their paths or with functions of a Measurement.
            By default all results.
        dims : sequence of str or (name, path), optional
            The parameters along which the measurements lie. By default they follow from `layout`. Several
            measurements at the same place make a further dim, ``row``.
        layout : {"grid", "points"}, optional
            A dim for each parameter, or one dim ``measurement`` with all parameters as coordinates. By default
            the experiment's own, see `Experiment.layout`.
        unfold : mapping, optional
            By name or path, what the dims of lists are called: ``"cell"``; ``["cell", "site"]``;
            ``{"time": "results/t"}``, a dim with the path of its coordinate; None keeps each list in one cell.
            The same name is the same dim.
        fill : object, optional
            What stands in holes, or a mapping that says it by name or path: -1 keeps ints, None makes objects. By
            default NaN, NaT or None, for which int becomes float and bool object.
        where : condition, str or callable, optional
            Only measurements for which it holds: ``coma.P.beta < 2``, ``"beta < 2"``, ``lambda p: p.beta < 2``.
        chunks : int, "auto" or mapping, optional
            Let dask compute what `coma_xr.external` put into files of its own, in chunks of these sizes; ``{}`` takes
            one file at a time. By default they are read when they are looked at.
        strict : bool, default False
            Raise an error for a measurement that cannot be read, instead of a warning.

        Returns
        -------
        Dataset
            Holes are NaN or None. The coord ``measurement_id`` tells which file a cell comes from, and
            ``measurement_status`` why there is none: parameter sets that were asked for and are missing or failed
            have cells too.

        Raises
        ------
        PathError
            For a path or name that no measurement has. The message names the nearest ones.
        LayoutError
            When less than a tenth of more than a million cells would be filled.
        DataFileError
            With ``strict=True``, for a measurement that cannot be read.

        Examples
        --------
        >>> import coma_xr as coma
        >>> e = coma.Experiment("powers")
        >>> e.run(lambda x, n: {"y": x**n}, {"n": [1, 2], "x": [1.0, 2.0, 3.0]})
        RunReport(saved=6, asked=6, skipped=0, failed=0)
        >>> e.to_dataset().y.sel(n=2).values
        array([1., 4., 9.])
        """
        from coma_xr.retrieve.dataset import build_dataset

        scan = self._place.scan() or {}
        self._warn_when_empty()
        build = partial(
            build_dataset,
            variables=variables,
            dims=dims,
            layout=layout,
            unfold=unfold,
            fill=fill,
            where=where,
            definition=self._pairs(),
            recorded=self._recorded(),
            rule=layout_rule(self._place, self._past()),
            annotations=self.annotations,
            status=self._status(scan),
            attrs=self._attrs(),
            doubles=self._without_doubles,
        )
        ds = self._built(build, strict=strict)
        if chunks is None:
            return ds
        from coma_xr.exports.external import chunked

        return chunked(ds, chunks)

    def _status(self, scan: Mapping[str, Any]) -> Status:
        """Return what is known of parameter sets beside the measurements."""
        from coma_xr.retrieve.status import Status

        return Status(
            paths=[split(path) for _, path in scan.get("parameters", ())],
            sets=scan.get("sets", ()),
            repeats=scan.get("repeats"),
            failures=recorded_failures(self._place),
            excluded=self._excluded(),
        )

    def _excluded(self) -> dict[int, str]:
        return self._place.excluded()

    def to_dataframe(
        self,
        variables: Mapping[str, Any] | Sequence[Any] | str | None = None,
        *,
        index: Sequence[Any] | str | None = None,
        unfold: Literal["columns", "rows"] = "columns",
        where: Any = None,
        strict: bool = False,
    ) -> pd.DataFrame:
        """Return the experiment as a DataFrame with a row for each measurement.

        Parameters
        ----------
        variables : mapping, sequence or str, optional
            As for `to_dataset`; the parameters come first in any case.
        index : str or sequence, optional
            Names and paths that become the index; the measurement id is then the first column.
        unfold : {"columns", "rows"}, default "columns"
            Lists are spread over columns ``Es_1``, ``Es_2``, ...; or the long form, a row for each item of lists and
            arrays with its number or label beside it.
        where : condition, str or callable, optional
            Only measurements for which it holds.
        strict : bool, default False
            Raise an error for a measurement that cannot be read, instead of a warning.

        Returns
        -------
        DataFrame
            Its index is the measurement id, if no other was asked for. Its `attrs` have the units and long names
            of columns.

        Examples
        --------
        >>> import coma_xr as coma
        >>> e = coma.Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        RunReport(saved=3, asked=3, skipped=0, failed=0)
        >>> e.to_dataframe().y.tolist()
        [1, 4, 9]
        """
        from coma_xr.retrieve.dataframe import build_dataframe

        self._warn_when_empty()
        build = partial(
            build_dataframe,
            variables=variables,
            index=index,
            unfold=unfold,
            where=where,
            definition=self._pairs(),
            recorded=self._recorded(),
            annotations=self.annotations,
            excluded=self._excluded(),
            doubles=self._without_doubles,
        )
        return self._built(build, strict=strict)

    def paths(self) -> pd.DataFrame:
        """Return what there is in the measurements: a row for each path.

        Returns
        -------
        DataFrame
            Path, name, role, type, number of distinct values, range, and how many measurements have it.

        Examples
        --------
        >>> import coma_xr as coma
        >>> e = coma.Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        RunReport(saved=3, asked=3, skipped=0, failed=0)
        >>> "results/y" in set(e.paths().path)
        True
        """
        from coma_xr.retrieve.dataframe import paths_table

        build = partial(
            paths_table,
            definition=self._pairs(),
            recorded=self._recorded(),
            annotations=self.annotations,
        )
        return self._built(build, strict=False)

    def export(self, path: str | os.PathLike[str], *, where: Any = None, overwrite: bool = False) -> Path:
        """Write the experiment into one file for other programs.

        Parameters
        ----------
        path : str or path-like
            ``.nc``, ``.zarr``, ``.json``: the Dataset of `to_dataset`; ``.csv``, ``.parquet``: the DataFrame of
            `to_dataframe`. `coma_xr.load` reads it back.
        where : condition, str or callable, optional
            Only measurements for which it holds.
        overwrite : bool, default False
            Replace a file that is there.

        Returns
        -------
        Path
            The file's.

        Raises
        ------
        ExperimentError
            When the name ends in anything else, or a package is missing.
        StorageError
            When the file is there, or cannot be written.

        Examples
        --------
        >>> import coma_xr as coma
        >>> e = coma.Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        RunReport(saved=3, asked=3, skipped=0, failed=0)
        >>> e.export("squares.csv").name
        'squares.csv'
        """
        from coma_xr.exports.formats import export, wants_table

        overwrite = check_flag("overwrite", overwrite)
        if not wants_table(path):
            return export(self.to_dataset(where=where), path, overwrite=overwrite)

        from coma_xr.retrieve.dataframe import with_files_read

        return export(with_files_read(self.to_dataframe(where=where)), path, overwrite=overwrite)

    def report(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write a page about the experiment, complete in itself: it loads nothing, and nothing in it runs.

        It tells what was scanned and how much of it is done, what came out, with figures, failures with their
        tracebacks, durations, hosts, versions, and how to load all of it.

        Parameters
        ----------
        path : str or path-like
            Ends in ``.html``.
        overwrite : bool, default False
            Replace a file that is there.

        Returns
        -------
        Path
            The file's.

        Raises
        ------
        ExperimentError
            When the name ends in anything else.
        StorageError
            When the file is there, or cannot be written.

        Examples
        --------
        >>> import coma_xr as coma
        >>> e = coma.Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        RunReport(saved=3, asked=3, skipped=0, failed=0)
        >>> e.report("squares.html").name
        'squares.html'
        """
        from coma_xr.summary import write_report

        overwrite = check_flag("overwrite", overwrite)
        return write_report(self, self._place, path, overwrite=overwrite)

    def _built(self, build: Callable[[Iterable[tuple[int, Tree]]], T], *, strict: bool) -> T:
        """Return what is built of the measurements, without those that hold a value that cannot be read."""
        strict = check_flag("strict", strict)
        try:
            return build(self._trees(strict=strict))
        except DataFileError:
            bad = self._unreadable()
            if not bad:
                raise
        from coma_xr.retrieve.columns import without

        text = f"In {self.path} cannot be read: {listing(bad.values(), 3)}"
        if strict:
            raise DataFileError(text)
        warn(
            f"{text}. {len(bad)} of {self.number_of_measurements()} measurements are left out. What cannot be mended is "
            "computed again when it was removed.",
            DataFileWarning,
        )
        return build(without(self._trees(), bad))

    def _unreadable(self) -> dict[int, str]:
        """Return the ids of measurements that hold a value that cannot be read, and what is wrong with it."""
        from coma_xr.exports.external import deferred

        # What is missing is found without reading arrays that lie in files of their own.
        return self._refused_by(deferred) or self._refused_by(from_plain)

    def _refused_by(self, value_of: Callable[[Tree], object]) -> dict[int, str]:
        bad: dict[int, str] = {}
        for id, tree in _located(self._place.measurements.trees(), self._place):
            for keys, leaf in leaves(tree):
                try:
                    value_of(leaf)
                except DataFileError as error:
                    bad[id] = f"measurement {id}, {shown(keys)}: {error}"
                    break
        return bad

    def _trees(self, *, strict: bool = False) -> StoredTrees:
        """Return id and tree of every measurement, ready to be handed out."""
        from coma_xr.retrieve.columns import StoredTrees

        place = self._place
        return StoredTrees(
            lambda: _located(place.trees(strict=strict), place),
            lambda: _located(place.measurements.trees(), place),
        )

    def _warn_when_empty(self) -> None:
        if not self.number_of_measurements():
            failed = len(self._place.failures())
            hint = (
                f" {failed} parameter set{'s' * (failed != 1)} failed: failures() tells why."
                if failed
                else ""
            )
            near = [] if failed else near_experiments(self._place.path, self._place.config)
            hint += f" Did you mean {alternatives(near)}?" if near else ""
            warn(f"There are no measurements in {self.path}.{hint}")

    def _pairs(self) -> list[tuple[str, TreePath]]:
        definition = self._definition
        return [] if definition is None else list(definition)

    def _recorded(self) -> dict[str, TreePath]:
        """Return the names that runs have given to paths."""
        return recorded_names(self._place)

    def _attrs(self) -> dict[str, Any]:
        return {name: value for name, value in self._place.info.items() if value not in (None, [], {})}


def _located(trees: Iterable[tuple[int, Tree]], place: ExperimentDirectory) -> Iterator[tuple[int, Tree]]:
    """Yield ids and trees; those with arrays in files of their own know where these are."""
    for id, tree in trees:
        # One look first, since there may be very many and few have any.
        info = tree.get("info")
        if type(info) is dict and FILES in info and files_of(tree):
            from coma_xr.exports.external import located

            yield id, located(tree, place.stem(id))
        else:
            yield id, tree

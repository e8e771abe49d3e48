"""What can be asked of an experiment. Nothing here writes into it."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from coma_xr.checks import check_flag
from coma_xr.code_history import HasCode, code_states
from coma_xr.coma2 import Members
from coma_xr.errors import (
    PathError,
    StorageError,
)
from coma_xr.figures import Figures
from coma_xr.keywords import checks_keywords
from coma_xr.records import Records, located
from coma_xr.retrieve.measurement import AS_NEEDED, Measurement
from coma_xr.run.report import Failure
from coma_xr.store.locks import seen_runs
from coma_xr.text import count

if TYPE_CHECKING:
    import os

    import pandas as pd
    import xarray as xr

    from coma_xr.define.scans import Scan
    from coma_xr.retrieve.dataset import DatasetLayout
    from coma_xr.retrieve.tables import ResultList
    from coma_xr.store.locks import LiveRun
    from coma_xr.store.place import ExperimentDirectory
    from coma_xr.tree import PathLike
    from coma_xr.values.plain import Tree

T = TypeVar("T")


@checks_keywords
class Readable(HasCode, Figures, Members):
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
    def layout(self) -> DatasetLayout:
        """The dims of the Dataset of `to_dataset`, and what decides them."""
        from coma_xr.retrieve.dataset import layout_of

        records = self._look(listed=True)
        return layout_of(
            records.trees(),
            records.layout_rule,
            **records.meanings,
            status=records.status(),
        )

    @property
    def annotations(self) -> dict[str, dict[str, Any]]:
        """What `annotate` noted, by path."""
        return deepcopy(self._look().annotations)

    def _look(self, *, listed: bool = False) -> Records:
        """Return what the directory holds now; a public method looks once."""
        return Records(self._place.look(listed=listed))

    def _info(self, name: str) -> Any:
        return self._place.look().info.get(name)

    def isactive(self) -> bool:
        """Whether each measurement is a file of its own, so that more can be added."""
        return self._place.look().active

    def number_of_measurements(self) -> int:
        """Return how many measurements there are."""
        return self._place.look().number()

    def __len__(self) -> int:
        return self.number_of_measurements()

    def __bool__(self) -> bool:
        # An experiment without measurements is still an experiment, and its truth needs no look at the disk.
        return True

    def __repr__(self) -> str:
        try:
            now = self._place.look(listed=True)
            failed = now.number_of_failures()
            parts = [
                repr(str(self.path)),
                count(now.number(), "measurement"),
                *([f"{failed:,} failed"] if failed else []),
                *([] if now.active else ["inactive"]),
            ]
            return f"Experiment({', '.join(parts)})"
        except StorageError as error:
            return f"Experiment({str(self.path)!r}, {error.strerror})"

    def __str__(self) -> str:
        records = self._look(listed=True)
        now = records.now
        info = now.info
        id = "" if info["experiment_id"] is None else f" {info['experiment_id']}"
        lines = [f"Experiment{id} in {self.path}"]
        lines += [f"  {name}: {value}" for name, value in info.items() if value and name != "experiment_id"]
        if records.definition is not None:
            lines.append(f"  parameters: {', '.join(records.definition.names)}")
        lines.append(f"  {count(now.number(), 'measurement')}{'' if now.active else ', inactive'}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from coma_xr.overview import experiment_html

        return experiment_html(self._look(listed=True), self.path.name)

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
        from coma_xr.retrieve.tables import failures_table

        records = self._look(listed=True)
        return failures_table(records.failed(), records.pairs)

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
        records = self._look(listed=True)
        failures = dict(records.recorded_failures())
        if id not in failures:
            raise PathError(f"{self.path} has no failure {id!r}.", available=map(str, sorted(failures)))
        return Failure(failures[id], records.definition)

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
        from coma_xr.retrieve.tables import removed_table

        rows = (
            (one.id, one.tree, [one.folder.date, one.folder.reason, one.folder.name])
            for one in self._place.removed()
        )
        return removed_table(rows, self._look().pairs)

    def missing(self, *given: Any) -> Scan:
        """Return the parameter sets that were asked for and have no measurement, or not all of their repeats.

        The last scan was asked for, unless it was part of what had been asked for before.

        Parameters
        ----------
        *given : function or class
            Those that occur among the parameter values, as values or as classes of objects, and that this process has not
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
        return self._look(listed=True).missing(given)

    def status(self) -> dict[str, Any]:
        """Return how much is measured, failed, missing and excluded, and the runs that are going on.

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
        return {**self._look(listed=True).counts(), "runs": self.runs()}

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
        from coma_xr.retrieve.tables import duplicates_table

        records = self._look(listed=True)
        tree_of = records.now.measurements.read
        return duplicates_table(
            ((id, tree_of(id), other) for id, other in records.duplicates()), records.pairs
        )

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
        records = self._look(listed=True)
        for number, tree in records.trees() if where is None else records.selected(where):
            yield Measurement(number, tree, self._place.config.serializer_setstate)

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
        now = self._place.look()
        _, tree = next(located([(id, now.measurements.read(id))], now))
        return Measurement(id, tree, self._place.config.serializer_setstate)

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

        records = self._look(listed=True)
        records.warn_when_empty()

        def build(trees: Iterable[tuple[int, Tree]]) -> ResultList:
            used = ((id, tree) for id, tree in trees if id not in records.excluded)
            return retrieve_results(
                used,
                table_definition,
                parameter_set_definition,
                recorded=records.names,
                annotations=records.annotations,
                doubles=records.without_doubles,
            )

        return records.built(build, strict=False)

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
            The value of holes, or a mapping of names or paths to such values: -1 keeps ints, None makes objects. By
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

        records = self._look(listed=True)
        records.warn_when_empty()
        build = partial(
            build_dataset,
            variables=variables,
            dims=dims,
            layout=layout,
            unfold=unfold,
            fill=fill,
            where=where,
            **records.meanings,
            rule=records.layout_rule,
            status=records.status(),
            attrs=records.attrs,
            doubles=records.without_doubles,
        )
        ds = records.built(build, strict=strict)
        codes = code_states(records.now)
        if codes and "measurement_id" in ds:
            used = {codes[id] for id in ds.measurement_id.values.ravel().tolist() if id in codes}
            ds.attrs |= {"code_states": len(used)} if len(used) > 1 else {}
        if chunks is None:
            return ds
        from coma_xr.exports.external import chunked

        return chunked(ds, chunks)

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

        records = self._look(listed=True)
        records.warn_when_empty()
        build = partial(
            build_dataframe,
            variables=variables,
            index=index,
            unfold=unfold,
            where=where,
            **records.meanings,
            excluded=records.excluded,
            doubles=records.without_doubles,
        )
        return records.built(build, strict=strict)

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

        records = self._look(listed=True)
        build = partial(
            paths_table,
            **records.meanings,
        )
        return records.built(build, strict=False)

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

"""The experiment: what a user opens, runs, and reads from.

It joins the modules below, and holds no algorithm of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

import coma_xr
from coma_xr import figures
from coma_xr.checks import (
    UNCHANGED,
    Unchanged,
    check_choice,
    check_flag,
    check_string,
    check_strings,
    checks_keywords,
)
from coma_xr.code.states import sources_of
from coma_xr.code_history import accept_all, code_states, difference, state_record, states_table
from coma_xr.coma2 import Members, takes_calls_of_coma2
from coma_xr.define.parameters import Definition
from coma_xr.define.scans import Scan
from coma_xr.errors import StorageError
from coma_xr.merging import merge_measurements
from coma_xr.overview import experiment_html, experiment_line, experiment_text, watch
from coma_xr.records import Records, define, fix_layout, forget, mark, note
from coma_xr.retrieve.measurement import AS_NEEDED, Measurement
from coma_xr.run.by_hand import NewMeasurement, outcomes_of_all
from coma_xr.run.options import RunKeywords, RunOptions, takes_options
from coma_xr.session import (
    chosen_of_removed,
    encoding_of,
    run_scan,
    save_by_hand,
    verify,
    warn_of_restored,
)
from coma_xr.store.config import Config
from coma_xr.store.locks import seen_runs
from coma_xr.store.place import ExperimentDirectory

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    import pandas as pd
    import xarray as xr
    from matplotlib.figure import Figure

    from coma_xr.retrieve.dataset import DatasetLayout
    from coma_xr.retrieve.tables import ResultList
    from coma_xr.run.report import Failure, RunReport
    from coma_xr.store.locks import LiveRun
    from coma_xr.store.upkeep import Finding
    from coma_xr.tree import Path as TreePath
    from coma_xr.tree import PathLike
    from coma_xr.values.plain import Tree


Mode = Literal["a", "r", "x"]
Durable = Literal["auto"] | bool


@takes_calls_of_coma2
@checks_keywords
class Experiment(Members):
    """A directory with one file for each measurement.

    Attributes read no files, except `layout`. They have the state of the last method call. Changes by other processes
    appear after the next call, such as ``repr(e)``.

    Parameters
    ----------
    path : str or path-like
        The directory, which is created if it does not exist, or an experiment file.
    mode : {"a", "r", "x"}, default "a"
        ``"a"`` opens or creates, ``"r"`` opens an existing experiment and never writes, ``"x"`` creates a new one.
    id : int, optional
        The id of the experiment. By default that of the experiment file. A new experiment gets the next number of the
        experiment index, if there is one.
    description : str, optional
        A description, which replaces the stored one.
    tags : str or sequence of str, optional
        Tags, which replace the stored ones.
    config : mapping, optional
        Options of the configuration file. By default that file is read. ``{}`` selects all defaults.
    durable : {"auto", True, False}, default "auto"
        When a measurement is safe against a power cut: ``"auto"``, immediately if it took 20 ms or more to
        compute, else within a second; True, always immediately; False, when the operating system decides.

    Raises
    ------
    ExperimentError
        If there is no experiment to open, if it exists already with ``mode="x"``, if the directory has several, or if the
        id differs.

    Examples
    --------
    >>> import coma_xr as coma
    >>> def square(x, a=1.0):
    ...     return {"y": a * x**2}
    >>> e = coma.Experiment("squares", description="Squares of small numbers")
    >>> e.run(square, {"x": [1, 2, 3]})
    RunReport(saved=3, asked=3, skipped=0, failed=0)
    >>> e.run(square, {"x": [1, 2, 3, 4]})
    RunReport(saved=1, asked=4, skipped=3, failed=0)
    >>> e.to_dataset().y.values
    array([ 1.,  4.,  9., 16.])
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        mode: Mode = "a",
        *,
        id: int | None = None,
        description: str | None = None,
        tags: str | Sequence[str] | None = None,
        config: Mapping[str, Any] | None = None,
        durable: Durable = "auto",
    ) -> None:
        if not (isinstance(durable, str) and durable == "auto"):
            durable = check_flag("durable", durable)
        given = {"description": check_string("description", description), "tags": check_strings("tags", tags)}
        self._place = ExperimentDirectory(path, mode=mode, id=id, config=Config.of(config))
        self._durable = durable
        known = self._place.last.info
        changes = {name: value for name, value in given.items() if value not in (None, known[name])}
        if changes:
            self._place.save_info(**changes)
        self._added: list[tuple[Tree, ...]] = []
        self._handed_out = 0

    def _look(self, *, listed: bool = False) -> Records:
        """Return what the directory holds now; a public method looks once."""
        return Records(self._place.look(listed=listed))

    @property
    def path(self) -> Path:
        """The experiment's directory."""
        return Path(self._place.path)

    @property
    def id(self) -> int | None:
        """The experiment's id, or None."""
        id: int | None = self._place.last.info["experiment_id"]
        return id

    @property
    def annotations(self) -> dict[str, dict[str, Any]]:
        """The annotations of `annotate`, by path."""
        return deepcopy(Records(self._place.last).annotations)

    @property
    def figures(self) -> dict[str, dict[str, Any]]:
        """The arguments of each figure that `define_figure` keeps, ``where`` among them, by name."""
        return figures.kept(self._place.last)

    @property
    def layout(self) -> DatasetLayout:
        """The dims of the Dataset of `to_dataset`, and what decides them; reads the measurements."""
        return self._look(listed=True).layout()

    def isactive(self) -> bool:
        """Return whether the experiment is active: each measurement is a file, and more can be added.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        RunReport(saved=3, asked=3, skipped=0, failed=0)
        >>> e.isactive()
        True
        """
        return self._place.look().active

    def number_of_measurements(self) -> int:
        """Return the number of measurements.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        RunReport(saved=3, asked=3, skipped=0, failed=0)
        >>> e.number_of_measurements()
        3
        """
        return self._place.look().number()

    def __len__(self) -> int:
        return self.number_of_measurements()

    def __bool__(self) -> bool:
        # An experiment without measurements is still an experiment, and its truth needs no look at the disk.
        return True

    def __repr__(self) -> str:
        try:
            return experiment_line(self._place.look(listed=True))
        except StorageError as error:
            return f"Experiment({str(self.path)!r}, {error.strerror})"

    def __str__(self) -> str:
        return experiment_text(self._look(listed=True))

    def _repr_html_(self) -> str:
        return experiment_html(self._look(listed=True), self.path.name)

    # What to run

    def define_parameter_set(self, *parameters: str | tuple[str, PathLike]) -> None:
        """Define the parameters of a parameter set, and their paths in the tree.

        Parameters
        ----------
        *parameters : str or (str, path)
            Names with their paths; a bare name means ``parameters/<name>``.

        Raises
        ------
        ParameterError
            When a name or path is given twice, or measurements were made with other parameters.

        Examples
        --------
        >>> e = Experiment("pendulum")
        >>> e.define_parameter_set(("theta_0", "parameters/theta_0"), "theta")
        """
        define(self._look(listed=True), self._place, Definition.of(parameters), self._added)

    def add_parameter_set(self, *values: Any, **named: Any) -> None:
        """Add a parameter set for `run`, which skips it if it has a measurement.

        Parameters
        ----------
        *values, **named
            One value for each parameter, in the order of the definition or by name, or a Scan. All parameter sets of a
            Scan are added. If the parameters are not defined yet, the Scan defines them.

        Raises
        ------
        ParameterError
            When the parameters are not defined, or the values are not theirs.
        SerializationError
            When a value cannot be stored.

        Examples
        --------
        >>> e = Experiment("pendulum")
        >>> e.define_parameter_set("theta_0", "theta")
        >>> e.add_parameter_set(-5.0, 3.2)
        >>> e.add_parameter_set(theta=1.6, theta_0=-5.0)
        """
        if len(values) == 1 and not named and isinstance(values[0], Scan):
            records = self._look(listed=True)
            definition = records.like(values[0])
            define(records, self._place, definition, self._added)
            self._added += values[0].rows(definition)
        else:
            self._added.append(self._look().defined().bind(values, named))

    def clear_parameter_sets(self) -> None:
        """Discard the added parameter sets. Measurements are kept."""
        self._added.clear()

    def annotate(
        self,
        path: PathLike,
        *,
        units: str | Unchanged | None = UNCHANGED,
        long_name: str | Unchanged | None = UNCHANGED,
        default: Any = UNCHANGED,
        dims: Sequence[str] | str | Unchanged | None = UNCHANGED,
        coords: Mapping[str, str] | Unchanged | None = UNCHANGED,
        formerly: Sequence[str] | str | Unchanged | None = UNCHANGED,
    ) -> None:
        """Record units, names, dims or defaults of a path. Later calls add to earlier ones; None removes one.

        Parameters
        ----------
        path : str
            A path such as ``results/t``, also one that no measurement has yet, or a name in the measurements.
        units, long_name : str, optional
            Attributes of the variable, from which xarray's plots take the labels of their axes.
        default : object, optional
            The value of measurements without this path, to turn a constant into a parameter.
        dims : str or sequence of str, optional
            Names for the dims of a list or array.
        coords : mapping of str to str, optional
            For dims of a list or array, the paths of their coordinates.
        formerly : str or sequence of str, optional
            Former paths in earlier measurements, which are read as `path`. Branches are possible, too.

        Raises
        ------
        PathError
            If `path` is an unknown name or a branch (to which only `formerly` applies), or no measurement has one of
            the coords. In this case, nothing is changed.
        ParameterError, LayoutError
            If units are not a string, a default is given for a result, or the values do not have the dims. If a former path
            would hide a value, is a former path of another one, or leads back to itself.

        Warns
        -----
        ComaWarning
            When there are measurements, and none has this path, or one of the former paths. When units are not those that
            the values have.

        Examples
        --------
        >>> e = Experiment("pendulum")
        >>> e.annotate("results/t", units="s", long_name="time")
        >>> e.annotate("results/t", long_name=None)
        >>> e.annotations
        {'results/t': {'units': 's'}}
        """
        given = {"units": units, "long_name": long_name, "default": default, "dims": dims, "coords": coords}
        given = {name: v for name, v in {**given, "formerly": formerly}.items() if v is not UNCHANGED}
        note(self._look(listed=True), self._place, path, given)

    # Running

    @takes_options
    def run(
        self,
        function: Callable[..., Any],
        scan: Any = None,
        **options: Unpack[RunKeywords],
    ) -> RunReport:
        """Run a function for each parameter set that has no measurement yet.

        Each result is saved to its own file as soon as it is available. A parameter set that raises an exception is recorded,
        see `failures`, and the others continue. Call `run` again to resume after an interruption. The first Ctrl-C finishes
        running parameter sets and keeps their results, the second stops immediately.

        Parameters
        ----------
        function : callable
            With `scan`, it is called with the parameters as keyword arguments, and the returned values are stored under
            ``results``. Without `scan`, it is called with a ParameterSet, and returns a tree (nested dictionaries) or an
            object with a `coma_getstate` method. An argument ``rng`` (a NumPy Generator) or ``seed`` that is not a
            parameter gets a different value for each parameter set and repeat.
        scan : Scan, mapping, DataFrame or list of mappings, optional
            The parameter sets to run. A dict of lists is a grid. By default, those of `add_parameter_set`.
        max_workers : int, optional
            The number of worker processes (multiprocessing). None starts one for each core. By default, this process runs all
            parameter sets one after the other.
        executor : concurrent.futures.Executor or dask Client, optional
            An executor that runs the parameter sets. It is not shut down.
        timeout : str, float or timedelta, optional
            Time limit of a parameter set, such as ``"1h30m"`` or a number of seconds. A longer one is stopped and recorded as failed. Not with `executor`.
        on_error : {"auto", "continue", "stop"}, default "auto"
            ``"auto"`` continues after a failure, unless nothing has succeeded and the first ten fail in the same way.
            ``"continue"`` always continues. ``"stop"`` stops and raises the exception.
        retry_failed : bool, default True
            Run parameter sets that failed in an earlier run again, after those that were never tried.
        recompute : bool, ids, condition or str, default False
            Compute parameter sets again that have a measurement, which then moves to ``removed/``: all of the scan (True),
            or those whose measurements have these ids or fulfil a condition.
        retries : int, default 0
            Retry a failed parameter set up to this many times, at the end, on another worker if there is one.
        max_failures : int, optional
            Start nothing more after this many failures. Running parameter sets are finished and kept.
        max_time : str, float or timedelta, optional
            Start no parameter set that would not finish in this time, such as ``"7h30m"``, as estimated from other durations.
            In a SLURM job, the default is the end of the job. ``math.inf`` sets no limit.
        repeats : int, optional
            Run each parameter set this many times (replicas). The repeats become the dim ``repeat``.
        seed : int, optional
            The root of all seeds. By default, it is drawn once for the experiment and stored.
        shard : (int, int), optional
            ``(i, n)`` runs the i-th parameter set of the scan, from 0, and every n-th after it. Use it for n jobs on one directory.
        limit : int, optional
            Run at most this many. Required for a scan of more than 100 million parameter sets, which is then requested part by part.
        progress : bool, optional
            Show a progress bar, or log lines if there is no terminal. By default, only if the run takes some seconds.
        capture : {False, True, "info"}, default False
            Store the end of the function's output (stdout and stderr) in the record of a failure, and with ``"info"`` also in
            each measurement.
        resources : mapping, optional
            Additional arguments of the function, such as a large array. They are sent to each worker once, and not stored.
        dry_run : bool, default False
            Compute nothing, and report what would run and about how long it would take.
        code : {"warn", "recompute", "accept"}, default "warn"
            If measurements were made by other code than that of `function` in your own files: ``"warn"`` counts them as done and
            warns, ``"recompute"`` computes them again and moves the old ones to ``removed/``, ``"accept"`` records that the
            results are equal.
        inputs : sequence of str or path-like, optional
            Files that `function` reads. Their hashes are recorded and count as part of its code.

        Returns
        -------
        RunReport
            Compares equal to the tuple (saved, requested) and has more attributes.

        Raises
        ------
        ParameterError
            If the parameters are not those of the function or of earlier measurements.
        InactiveError, StorageError
            If nothing could be saved. Then nothing is computed.
        RunError
            With ``on_error="stop"``, from the exception that the function raised.
        KeyboardInterrupt
            After Ctrl-C. Its attribute `report` is the RunReport.

        Examples
        --------
        >>> e = Experiment("pendulum")
        >>> e.run(lambda theta, L: {"t": theta * L}, {"theta": [0.1, 0.2], "L": 1.0})
        RunReport(saved=2, asked=2, skipped=0, failed=0)
        >>> e.run(lambda theta, L: {"t": theta * L}, {"theta": [0.1, 0.2, 0.3], "L": 1.0}, max_workers=2)
        RunReport(saved=1, asked=3, skipped=2, failed=0)
        """
        return run_scan(
            self._place,
            function,
            scan,
            self._added,
            RunOptions(**options),
            durable=self._durable,
            encoding=encoding_of(self._place, coma_xr.__version__),
        )

    def new_measurement(self) -> NewMeasurement:
        """Return a new measurement to save by hand, for data that do not come from `run`.

        Returns
        -------
        NewMeasurement
            With the methods ``start()``, ``end()`` and ``save(tree)``, and the `id` that it will have.

        Raises
        ------
        InactiveError, StorageError
            When it could not be saved.

        Examples
        --------
        >>> e = Experiment("by_hand")
        >>> m = e.new_measurement()
        >>> m.start()
        >>> m.save({"parameters": {"x": 1}, "results": {"y": 2}})
        1
        """
        self._handed_out = max(self._place.next_id(), self._handed_out + 1)
        save = partial(save_by_hand, self._place, self._durable)
        encoding = encoding_of(self._place, coma_xr.__version__)
        return NewMeasurement(self._handed_out, lambda outcome, id: save([outcome], id)[0], encoding)

    def add_measurements(self, trees: Iterable[Any]) -> list[int]:
        """Save many measurements that do not come from `run`.

        Parameters
        ----------
        trees : iterable of dict or object
            Measurement trees, or objects that have a state; see `new_measurement`. All of them are held in memory
            until they are saved.

        Returns
        -------
        list of int
            The ids, one for each tree.

        Raises
        ------
        SerializationError
            If one of the trees cannot be stored. In this case, no tree is saved.
        InactiveError, StorageError
            If no tree can be saved. If the disk becomes full, a note on the error states how many were saved.

        Examples
        --------
        >>> e = Experiment("by_hand")
        >>> e.add_measurements([{"parameters": {"x": x}, "results": {"y": x**2}} for x in (1, 2, 3)])
        [1, 2, 3]
        """
        first = max(self._place.next_id(), self._handed_out + 1)
        outcomes = outcomes_of_all(trees, encoding_of(self._place, coma_xr.__version__))
        ids = save_by_hand(self._place, self._durable, outcomes, first)
        self._handed_out = max([self._handed_out, *ids])
        return ids

    # What was run

    def status(self) -> dict[str, Any]:
        """Return the numbers of measurements, failed, missing and excluded points, and the current runs.

        Returns
        -------
        dict
            The numbers of ``measurements``, of parameter sets that ``failed`` or are requested and ``missing`` (each repeat
            counts), of ``excluded`` measurements, and ``runs``, the list of `runs`. A failed parameter set of the last scan
            is missing, too. One of an earlier scan is not.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]}, limit=2)
        RunReport(saved=2, asked=3, skipped=0, failed=0)
        >>> e.status()
        {'measurements': 2, 'failed': 0, 'missing': 1, 'excluded': 0, 'runs': []}
        """
        records = self._look(listed=True)
        return {**records.counts(), "runs": records.runs()}

    def missing(self, *given: Any) -> Scan:
        """Return the requested parameter sets that have no measurement, or not all repeats.

        The requested parameter sets are those of the last scan, unless it was a part of an earlier one.

        Parameters
        ----------
        *given : function or class
            Functions and classes among the parameter values that this process has not used yet. The files have only their names,
            and coma_xr imports nothing that a file names.

        Warns
        -----
        ComaWarning
            When a scan of more than 100 million sets was run with `limit`: the sets that no run has requested yet are only
            counted by `status`, and are not in the returned scan.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]}, limit=2)
        RunReport(saved=2, asked=3, skipped=0, failed=0)
        >>> list(e.missing())
        [{'x': 3}]
        """
        return self._look(listed=True).missing(given)

    def forget_missing(self, where: Any = None) -> Scan:
        """Withdraw the request of parameter sets that have no measurement.

        They no longer count as missing, in `status` and in the Dataset.

        Parameters
        ----------
        where : condition, str or callable, optional
            Only those for which it holds, as in `Scan.where`. By default all that are missing.

        Returns
        -------
        Scan
            The withdrawn parameter sets. ``e.run(f, scan)`` requests them again.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]}, limit=1)
        RunReport(saved=1, asked=3, skipped=0, failed=0)
        >>> len(e.forget_missing("x > 2"))
        1
        >>> e.status()["missing"]
        1
        """
        missing = self._look(listed=True).missing((), reports=where is not None)
        forgotten = missing if where is None else missing.where(where)
        forget(self._place, forgotten, is_all=where is None)
        return forgotten

    def failures(self) -> pd.DataFrame:
        """Return the failed parameter sets as a DataFrame.

        Returns
        -------
        DataFrame
            A row for each failure: parameters, repeat if there are several, exception with message, line that raised it, date
            and host.

        Examples
        --------
        >>> e = Experiment("inverse")
        >>> report = e.run(lambda x: 1 / x, {"x": [0, 1, 2]})  # doctest: +SKIP
        >>> e.failures()  # doctest: +SKIP
        """
        from coma_xr.retrieve.listings import failures_table

        records = self._look(listed=True)
        return failures_table(records.failed(), records.present_pairs)

    def failure(self, id: int) -> Failure:
        """Return one failure. ``e.failure(12).reproduce(f)`` raises its exception again.

        Parameters
        ----------
        id : int
            As in the index of `failures`.

        Raises
        ------
        PathError
            When there is none. The message names the others.
        """
        return self._look(listed=True).failure(id)

    def runs(self) -> list[LiveRun]:
        """Return the current runs of the experiment, in this process or another one.

        Returns
        -------
        list of LiveRun
            Each has ``host``, ``pid``, ``since`` and, updated about once a second, ``todo``, ``done``, ``failed``, ``rate``
            (per second) and ``left`` (seconds). ``certain`` is False for a run on another host whose lock is not visible.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        RunReport(saved=3, asked=3, skipped=0, failed=0)
        >>> e.runs()
        []
        """
        now = self._place.look()
        return seen_runs(now.path, now.names)

    def watch(self) -> Any:
        """Show the progress of all runs of the experiment in a notebook, including those of other processes and hosts.

        The widget reads the files of the experiment, so it does not matter which process or notebook started the run, or
        whether that notebook is closed and opened again. It is updated every two seconds while the kernel is idle.

        Returns
        -------
        ipywidgets.HTML
            The numbers of measurements and failures, and a bar for each run in progress.

        Raises
        ------
        ExperimentError
            When ipywidgets is not installed: ``pip install coma_xr[notebook]``.

        See Also
        --------
        Experiment.runs : The same as objects.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> report = e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        >>> view = e.watch()
        """
        return watch(self._place.look, self.runs)

    # Measurements and results

    def measurements(self, where: Any = None) -> Iterator[Measurement]:
        """Yield the measurements in the order of their ids. One file is read at a time.

        Parameters
        ----------
        where : condition, str or callable, optional
            Only those for which it holds: ``coma.P.x > 1``, ``"x > 1"``, ``lambda m: m.results.y > 1``.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        RunReport(saved=3, asked=3, skipped=0, failed=0)
        >>> [m.results.y for m in e.measurements()]
        [1, 4, 9]
        """
        records = self._look(listed=True)
        setstate, lookup = self._place.config.serializer_setstate, records.lookup
        for number, tree in records.trees() if where is None else records.selected(where):
            yield Measurement(number, tree, setstate, lookup)

    def measurement(self, id: int) -> Measurement:
        """Return the measurement with this id.

        Raises
        ------
        PathError
            When there is none. The message names the nearest ids.
        DataFileError
            When its file cannot be read.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        RunReport(saved=3, asked=3, skipped=0, failed=0)
        >>> e.measurement(2).results.y
        4
        """
        records = self._look()
        return Measurement(*records.measurement(id), self._place.config.serializer_setstate, records.lookup)

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
            one file at a time. By default they are read on access.
        strict : bool, default False
            Raise an error for a measurement that cannot be read, instead of a warning.

        Returns
        -------
        Dataset
            Holes are NaN or None. The coord ``measurement_id`` has the number of the file of each cell, and
            ``measurement_status`` its status. Requested parameter sets that are missing or failed have cells, too.

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
        >>> e = Experiment("powers")
        >>> e.run(lambda x, n: {"y": x**n}, {"n": [1, 2], "x": [1.0, 2.0, 3.0]})
        RunReport(saved=6, asked=6, skipped=0, failed=0)
        >>> e.to_dataset().y.sel(n=2).values
        array([1., 4., 9.])
        """
        return self._look(listed=True).dataset(
            variables=variables,
            dims=dims,
            layout=layout,
            unfold=unfold,
            fill=fill,
            where=where,
            chunks=chunks,
            strict=strict,
            codes=code_states,
        )

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
            arrays with its number next to it, or with the labels of its annotated or own coordinates.
        where : condition, str or callable, optional
            Only measurements for which it holds.
        strict : bool, default False
            Raise an error for a measurement that cannot be read, instead of a warning.

        Returns
        -------
        DataFrame
            Its index is the measurement id, unless `index` names another one. Its `attrs` have the units and long names
            of columns.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        RunReport(saved=3, asked=3, skipped=0, failed=0)
        >>> e.to_dataframe().y.tolist()
        [1, 4, 9]
        """
        return self._look(listed=True).frame(
            variables=variables, index=index, unfold=unfold, where=where, strict=strict
        )

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
            The parameters that distinguish the tables. By default there is one table.

        Returns
        -------
        ResultList
            In the order in which the parameters appear in the measurements. Excluded measurements are left out.

        Raises
        ------
        PathError
            If no measurement has a path, or if pairs are not in a list. The message suggests similar paths.

        Examples
        --------
        >>> e = Experiment("powers")
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
        return self._look(listed=True).tables(table_definition, parameter_set_definition)

    def paths(self) -> pd.DataFrame:
        """Return a table of all parameters and results, with a row for each path.

        Returns
        -------
        DataFrame
            Path, name, role, type, number of distinct values, range, and how many measurements have it.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        RunReport(saved=3, asked=3, skipped=0, failed=0)
        >>> "results/y" in set(e.paths().path)
        True
        """
        return self._look(listed=True).paths()

    def define_layout(
        self,
        layout: Literal["grid", "points"] | None,
        dims: Sequence[str | tuple[str, TreePath]] | None = None,
    ) -> None:
        """Fix the layout of the Dataset of `to_dataset`.

        Parameters
        ----------
        layout : {"grid", "points"} or None
            A dim for each parameter; one dim ``measurement`` with all parameters as coordinates; or None, which
            derives the layout from the recorded scans again.
        dims : sequence of str or (str, path), optional
            The parameters that become the dims of the grid. By default they follow from the recorded scans.

        Raises
        ------
        LayoutError
            If `layout` is unknown, or `dims` are passed for points.
        PathError
            If a dim is not a parameter.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> report = e.run(lambda a, b: {"y": a * b}, {"a": [1, 2], "b": [3, 4]})
        >>> e.define_layout("points")
        >>> e.layout
        <Layout: points, 4 measurements, as defined>
        >>> e.define_layout(None)
        >>> e.layout
        <Layout: grid over a (2), b (2), from the recorded scans>
        """
        fix_layout(self._look(listed=True), self._place, layout, dims)

    def export(self, path: str | os.PathLike[str], *, where: Any = None, overwrite: bool = False) -> Path:
        """Write the experiment into one file for other programs.

        The file contains no sources, and no tracebacks.

        Parameters
        ----------
        path : str or path-like
            ``.nc``, ``.zarr``, ``.json``: the Dataset of `to_dataset`; ``.csv``, ``.parquet``: the DataFrame of
            `to_dataframe`. `coma_xr.load` reads it back.
        where : condition, str or callable, optional
            Only measurements for which it holds.
        overwrite : bool, default False
            Replace an existing file.

        Returns
        -------
        Path
            The path of the file.

        Raises
        ------
        ExperimentError
            When the name ends in anything else, or a package is missing.
        StorageError
            When the file exists already, or cannot be written.

        Examples
        --------
        >>> e = Experiment("squares")
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
        """Write a self-contained HTML report about the experiment, without scripts.

        It lists parameters, coverage, results with figures, failures with tracebacks, durations, hosts and versions, and
        shows how to load the data.

        Parameters
        ----------
        path : str or path-like
            Ends in ``.html``.
        overwrite : bool, default False
            Replace an existing file.

        Returns
        -------
        Path
            The path of the file.

        Raises
        ------
        ExperimentError
            When the name ends in anything else.
        StorageError
            When the file exists already, or cannot be written.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        RunReport(saved=3, asked=3, skipped=0, failed=0)
        >>> e.report("squares.html").name
        'squares.html'
        """
        from coma_xr.summary import write_report

        overwrite = check_flag("overwrite", overwrite)
        return write_report(self._look(listed=True), path, overwrite=overwrite)

    # Figures that are kept with the experiment

    def define_figure(self, name: str, *, where: Any = None, **arguments: Any) -> None:
        """Record the arguments of a figure in ``coma.json``, for `plot`, the report and ``coma-xr plot``.

        Parameters
        ----------
        name : str
            The name of the figure. An existing figure with this name is replaced. Without further arguments, it is
            removed.
        where : str or condition, optional
            The measurements that the figure shows. By default all.
        **arguments
            Those of `coma_xr.plot`, except `ax`.

        Raises
        ------
        ArgumentError, ParameterError
            If an argument is unknown, or its value cannot be recorded.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> report = e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        >>> e.define_figure("parabola", x="x", y="y", where="x > 1")
        >>> e.figures
        {'parabola': {'where': 'x > 1', 'x': 'x', 'y': 'y'}}
        """
        figures.keep(self._place, name, arguments, where)

    def plot(self, name: str | None = None, **arguments: Any) -> Figure:
        """Plot the measurements, or a figure that `define_figure` recorded.

        Parameters
        ----------
        name : str, optional
            The name of a figure that `define_figure` recorded.
        **arguments
            The arguments of `coma_xr.plot`, and ``where``, a condition on the measurements that are plotted. They
            replace the recorded arguments: ``where=None`` plots all measurements.

        Returns
        -------
        matplotlib.figure.Figure
            The figure, as from `coma_xr.plot`.

        Raises
        ------
        PathError
            If no figure has this name.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> report = e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        >>> figure = e.plot(x="x", y="y")
        >>> e.define_figure("parabola", x="x", y="y")
        >>> len(e.plot("parabola", yscale="log").axes)
        1
        """
        from coma_xr.plotting.draw import plot

        condition, chosen = figures.chosen(figures.kept(self._place.look()), name, arguments)
        return plot(self.to_dataset(where=condition), **chosen)

    def explore(self, name: str | None = None, **arguments: Any) -> Any:
        """Show a figure in a notebook with a slider or drop-down for each dim that it does not use.

        While a run is in progress in another process, new measurements are added to the figure.

        Parameters
        ----------
        name : str, optional
            The name of a figure that `define_figure` recorded.
        **arguments
            The arguments of `coma_xr.plot`, except `ax`, and ``where``, a condition on the measurements that are shown.
            They replace the recorded arguments: ``where=None`` shows all measurements.

        Returns
        -------
        ipywidgets.VBox
            The controls, the figure, and the call that makes it, to be copied.

        Raises
        ------
        ExperimentError
            When ipywidgets is not installed: ``pip install coma_xr[notebook]``.
        PathError, LayoutError
            If no figure has this name, and as in `coma_xr.plot`.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> report = e.run(lambda a, x: {"y": a * x**2}, {"a": [1, 2], "x": [1, 2, 3]})
        >>> view = e.explore(x="x", y="y")
        """
        now = self._place.look()
        return figures.explore(now, name, arguments, self.to_dataset, self.number_of_measurements)

    # The code that made measurements

    def code(self, id: int | None = None) -> Any:
        """Return the code that made a measurement, or list the states of the code that made measurements.

        Parameters
        ----------
        id : int, optional
            Of a measurement. By default all states are listed.

        Returns
        -------
        dict of str to str, or DataFrame
            The sources of the files that the function reached, by their names. Or a row for each code state, with the
            ``function``, the number of ``measurements``, the dates of the ``first`` and the ``last`` one, the git
            ``commit`` and whether the code differed from it (``dirty``), the ``host``, and whether it is ``accepted``.

        Raises
        ------
        PathError
            When there is no such measurement, or it does not record its code.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        RunReport(saved=3, asked=3, skipped=0, failed=0)
        >>> e.code()["measurements"].tolist()
        [3]
        >>> len(e.code(2))
        1
        """
        if id is not None:
            return sources_of(state_record(self._place.look(), id))
        return states_table(self._place.look(listed=True))

    def code_diff(self, old: int | str, new: int | str | Callable[..., Any]) -> str:
        """Return the differences between the code of two measurements, or of a measurement and a function.

        Parameters
        ----------
        old, new : int, str or callable
            The id of a measurement, or a code state as `code` lists them; `new` may also be a function.

        Returns
        -------
        str
            A unified diff of the files that are reached, and of the values that count; empty if nothing differs.

        Raises
        ------
        PathError
            When there is no such measurement or state.

        Examples
        --------
        >>> def square(x):
        ...     return {"y": x**2}
        >>> e = Experiment("squares")
        >>> report = e.run(square, {"x": [1, 2, 3]})
        >>> e.code_diff(1, square)
        ''
        """
        return difference(self._place.look(), old, new)

    def accept_code(self) -> list[str]:
        """Record that all code that has made measurements so far, and that was run last, gives the same results.

        `run` no longer reports its measurements as made by other code. The decision is stored in ``coma.json``.

        Returns
        -------
        list of str
            The code states that were not accepted before.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        RunReport(saved=3, asked=3, skipped=0, failed=0)
        >>> len(e.accept_code())
        1
        """
        return accept_all(self._place)

    # Measurements that do not count, or no longer

    def exclude(self, where: Any, reason: str | None) -> list[int]:
        """Mark measurements to be ignored. They are kept, and Datasets have holes in their place.

        Parameters
        ----------
        where : int, list, array or Index of int, condition, str or callable
            Ids, or a condition as in `to_dataset`.
        reason : str or None
            The reason. None removes the mark.

        Returns
        -------
        list of int
            The ids of the measurements that were marked, or that lost a mark.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        RunReport(saved=3, asked=3, skipped=0, failed=0)
        >>> e.exclude("x == 2", "the lamp was off")
        [2]
        >>> e.exclude(2, None)
        [2]
        >>> e.status()["excluded"]
        0
        """
        return mark(self._look(listed=True), self._place, where, reason)

    def remove(self, where: Any, reason: str | None = None) -> list[int]:
        """Move measurements to ``removed/`` in the directory, so that the next run computes them again.

        `removed` lists them, `restore` puts them back, `empty_removed` deletes them.

        Parameters
        ----------
        where : int, list, array or Index of int, condition, str or callable
            Ids, or a condition as in `to_dataset`.
        reason : str, optional
            The reason, which is kept with them.

        Returns
        -------
        list of int
            The ids of the moved measurements.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        RunReport(saved=3, asked=3, skipped=0, failed=0)
        >>> e.remove("x > 1")
        [2, 3]
        """
        reason = check_string("reason", reason)
        ids = self._look(listed=True).chosen(where)
        if ids:
            self._place.remove(ids, reason)
        return ids

    def removed(self) -> pd.DataFrame:
        """Return the measurements that `remove` and `reset` moved to ``removed/``.

        Returns
        -------
        DataFrame
            A row for each, with its id as the index: its parameters, the number of its repeat if there are several, the
            date and the reason of its removal, and the folder in the experiment's directory that holds it.

        Examples
        --------
        >>> e = Experiment("squares")
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

        records = self._look()
        rows = (
            (one.id, records.past.applied(one.tree), [one.folder.date, one.folder.reason, one.folder.name])
            for one in self._place.removed()
        )
        return removed_table(rows, records.present_pairs)

    def restore(self, where: Any = None) -> list[int]:
        """Put removed measurements back.

        A measurement whose id is in use gets the next free id. Nothing is overwritten.

        Parameters
        ----------
        where : int, sequence of int, condition, str or callable, optional
            Ids, or a condition as in `to_dataset`. If several were removed with one id, the last one is restored. By
            default, all are restored, with the records of failures that `reset` moved.

        Returns
        -------
        list of int
            Their ids now.

        Raises
        ------
        PathError
            If no removed measurement has one of the ids. In this case, nothing is changed.
        ExperimentError
            If another measurement has replaced one of them, and was not removed itself or is also to be restored. Without
            `where`, these are skipped instead.
        InactiveError
            When the experiment is inactive.

        Warns
        -----
        ComaWarning
            When one got a new id, has the parameters of another measurement, or is skipped.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        RunReport(saved=3, asked=3, skipped=0, failed=0)
        >>> e.remove("x > 1")
        [2, 3]
        >>> e.restore("x == 3")
        [3]
        """
        before = self._look()
        choose = partial(chosen_of_removed, where=where, records=before)
        given = self._place.restore(None if where is None else choose)
        warn_of_restored(self._look(listed=True), given)
        return sorted(given.values())

    def empty_removed(self) -> dict[str, Any]:
        """Permanently delete the measurements that `remove` and `reset` moved to ``removed/``.

        Returns
        -------
        dict
            How many ``measurements`` and ``failures``, and how many ``bytes`` their files had.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        RunReport(saved=3, asked=3, skipped=0, failed=0)
        >>> e.remove("x > 1")
        [2, 3]
        >>> e.empty_removed()["measurements"]
        2
        """
        return self._place.empty_removed()

    def duplicates(self) -> pd.DataFrame:
        """Return the measurements that record the same event as another one, which count once everywhere.

        They arise when two runs compute one point at the same time, or when files are copied. Their parameters,
        repeat and seed are the same, and so are their results. Measurements that you saved by hand, or that come from
        Coma 2 or another program, are independent samples and not duplicates, unless one file is a copy of the other.

        Returns
        -------
        DataFrame
            A table with a row for each duplicate. Its columns are the parameters, and ``duplicate_of`` with the id of
            the measurement that counts.

        See Also
        --------
        Experiment.remove_duplicates : Move them away.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        RunReport(saved=3, asked=3, skipped=0, failed=0)
        >>> e.duplicates().empty
        True
        """
        from coma_xr.retrieve.tables import duplicates_table

        records = self._look(listed=True)
        tree_of, past = records.now.measurements.read, records.past
        doubles = ((id, past.applied(tree_of(id)), other) for id, other in records.duplicates())
        return duplicates_table(doubles, records.present_pairs)

    def remove_duplicates(self, *, dry_run: bool = True) -> pd.DataFrame:
        """Move the measurements that record the same event as another one to ``removed/``.

        Parameters
        ----------
        dry_run : bool, default True
            Only list them.

        Returns
        -------
        DataFrame
            What was moved, or would be: see `duplicates`.

        Examples
        --------
        >>> len(Experiment("squares").remove_duplicates(dry_run=False))
        0
        """
        table = self.duplicates()
        if not check_flag("dry_run", dry_run) and len(table):
            self.remove(table.index, "duplicates")
        return table

    # The experiment as a whole

    def merge(
        self,
        other: Experiment | str | os.PathLike[str],
        *,
        repeats: Literal["append"] | None = None,
        keep_both: bool = False,
    ) -> dict[int, int]:
        """Add the measurements of another experiment under new ids.

        Copies are skipped, and so are equal results by `run` of the same parameters, repeat and seed. Annotations that only
        `other` has are added. A parameter that only `other` has tells measurements apart if it has a default here.

        Parameters
        ----------
        other : Experiment, str or path-like
            An experiment with the same parameters. It is only read.
        repeats : "append", optional
            Add samples of the same parameters with other seeds as further repeats.
        keep_both : bool, default False
            Add measurements of the same parameters and repeat as they are, although they differ in seed or results.

        Returns
        -------
        dict of int to int
            The new ids, by the ids in `other`.

        Raises
        ------
        ExperimentError
            When those of the same parameters and repeat have other seeds or results, or when units, defaults or former paths
            of both do not agree; nothing is written.
        DataFileError
            When a file next to a measurement is missing, or is not the one that was written with it; nothing is written.
        ParameterError
            When no measurement in `other` has the parameters.

        Warns
        -----
        ComaWarning
            When other annotations differ, or earlier measurements get units that were annotated in `other`.

        Examples
        --------
        >>> def toss(p, rng):
        ...     return {"heads": int(rng.random() < p)}
        >>> for path, seed in (("here", 1), ("there", 2)):
        ...     report = Experiment(path).run(toss, {"p": [0.5]}, repeats=10, seed=seed)
        >>> len(Experiment("here").merge("there", repeats="append"))
        10
        """
        append = check_choice("repeats", repeats, ("append", None)) is not None
        keep_both = check_flag("keep_both", keep_both)
        config = self._place.config
        theirs = (
            other._place
            if isinstance(other, Experiment)
            else ExperimentDirectory(other, mode="r", config=config)
        )
        return merge_measurements(self._place, theirs, self._added, keep_both=keep_both, append=append)

    def deactivate(self, *, compress: bool = False, code: bool = True) -> None:
        """Move all measurements into the experiment file: one file to keep, instead of thousands.

        An inactive experiment can be read like an active one; to add measurements, `activate` it. Files
        are removed only after the new file was read back and compared.

        Parameters
        ----------
        compress : bool, default False
            Write ``experiment.000001.json.gz``, which Coma 2 does not read.
        code : bool, default True
            Copy the records in ``code/``, which contain sources, into the experiment file. They stay in
            ``code/`` in either case.

        Raises
        ------
        InactiveError
            When it is inactive.
        ExperimentBusyError
            When a run is in progress.
        DataFileError
            If a measurement cannot be read. In this case, nothing is changed.
        """
        compress, code = check_flag("compress", compress), check_flag("code", code)
        self._place.deactivate(compress=compress, code=code)

    def activate(self) -> None:
        """Move each measurement into its own file again, with the same id.

        Raises
        ------
        InactiveError
            When it is active.
        ExperimentBusyError
            When another process works on it.
        """
        self._place.activate()

    def reset(self, *, delete: bool = False) -> dict[str, Any]:
        """Remove all measurements and failures, and keep parameters, annotations and parameter sets.

        They are moved to ``removed/`` in the directory, from where `restore` puts them back.

        Parameters
        ----------
        delete : bool, default False
            Delete them instead. This also works when the disk is full.

        Returns
        -------
        dict
            How many ``measurements`` and ``failures``, how many ``bytes`` their files have, and the ``folder``
            to which they were moved, None if they were deleted.

        Raises
        ------
        ExperimentBusyError
            When a run is in progress.
        DataFileError
            When a measurement of an inactive experiment cannot be moved; nothing is changed then.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        RunReport(saved=3, asked=3, skipped=0, failed=0)
        >>> e.reset()["measurements"], e.number_of_measurements()
        (3, 0)
        >>> e.restore()
        [1, 2, 3]
        """
        return self._place.reset(delete=check_flag("delete", delete))

    def verify(self, *, repair: bool = False) -> list[Finding]:
        """Check every file of the experiment.

        Parameters
        ----------
        repair : bool, default False
            Repair what can be repaired. Nothing that may hold data is deleted.

        Returns
        -------
        list of Finding
            The problems, empty if there are none. ``str(finding)`` is a sentence.

        Examples
        --------
        >>> Experiment("pendulum").verify()
        []
        """
        return verify(self._place, repair=check_flag("repair", repair))


@takes_calls_of_coma2
@checks_keywords
class ParallelExperiment(Experiment):
    """An Experiment whose `run` uses all cores; `profile=` of Coma 2 is not used, which a warning reports.

    Examples
    --------
    >>> e = ParallelExperiment("squares")
    >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]}, max_workers=2)
    RunReport(saved=3, asked=3, skipped=0, failed=0)
    """

    _is_parallel = True

    @takes_options
    def run(
        self, function: Callable[..., Any], scan: Any = None, **options: Unpack[RunKeywords]
    ) -> RunReport:
        """Run as `Experiment.run` does; without `max_workers`, in one process for each core."""
        options.setdefault("max_workers", None)
        return super().run(function, scan, **options)

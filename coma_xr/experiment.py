"""The experiment: what a user opens, runs, and reads from.

It joins the floors below and holds no algorithm of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Unpack

import coma_xr
from coma_xr.checks import UNCHANGED, Unchanged, check_choice, check_flag, check_string, check_strings
from coma_xr.code_history import code_of_run
from coma_xr.coma2 import takes_calls_of_coma2
from coma_xr.define.exact import things_of
from coma_xr.define.parameters import Definition
from coma_xr.define.past import Past, check_extends
from coma_xr.define.scan_records import ScanRecord
from coma_xr.define.scans import Scan
from coma_xr.errors import LayoutError, ParameterError, warn
from coma_xr.keywords import checks_keywords
from coma_xr.reading import Readable
from coma_xr.records import (
    Records,
    asked_for,
    forget,
    keep_function,
    keep_scan,
    with_kept_seed,
)
from coma_xr.run.by_hand import NewMeasurement
from coma_xr.run.options import RunKeywords, RunOptions, takes_options
from coma_xr.run.plan import Survey
from coma_xr.run.runner import check_sendable
from coma_xr.run.signature import name_of
from coma_xr.run.worker import prepare
from coma_xr.session import (
    Keeper,
    Session,
    chosen_of_removed,
    merge_measurements,
    warn_of_restored,
    with_defaults,
    within_limit,
)
from coma_xr.store.config import Config
from coma_xr.store.locks import Shard
from coma_xr.store.place import ExperimentDirectory
from coma_xr.text import available

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    import pandas as pd

    from coma_xr.run.report import RunReport
    from coma_xr.run.worker import Outcome, Work
    from coma_xr.store.upkeep import Finding
    from coma_xr.tree import Path as TreePath
    from coma_xr.tree import PathLike
    from coma_xr.values.plain import Tree


Mode = Literal["a", "r", "x"]
Durable = Literal["auto"] | bool


@takes_calls_of_coma2
@checks_keywords
class Experiment(Readable):
    """A directory with one file for each measurement, and what belongs to them.

    Parameters
    ----------
    path : str or path-like
        The directory; it is made if it does not exist. Or an experiment file.
    mode : {"a", "r", "x"}, default "a"
        Open or create; open an existing one and never write; create one that must not exist.
    id : int, optional
        The experiment's id. By default that of the experiment file; for a new experiment the next of the
        experiment index, if the user has one, else none.
    description : str, optional
        What the experiment is about. Replaces the one on file.
    tags : str or sequence of str, optional
        Words to find the experiment by. Replace those on file.
    config : mapping, optional
        The options of the configuration file. By default that file is read; ``{}`` means all defaults.
    durable : {"auto", True, False}, default "auto"
        When a measurement is safe against a power cut: ``"auto"``, at once if it took 20 ms or more to
        compute, else within a second; True, always at once; False, when the operating system likes.

    Raises
    ------
    ExperimentError
        When there is no experiment to open, one where there should be none, several, or one of another id.

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
        if durable != "auto":
            durable = check_flag("durable", durable)
        given = {"description": check_string("description", description), "tags": check_strings("tags", tags)}
        self._given = config
        self._config = Config.of(config)
        self._durable = durable
        super().__init__(ExperimentDirectory(path, mode=mode, id=id, config=self._config))
        changes = {name: value for name, value in given.items() if value not in (None, self._info(name))}
        if changes:
            self._place.save_info(**changes)
        self._sets: list[tuple[Tree, ...]] = []
        self._handed_out = 0

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
        self._define(Definition.of(parameters))

    def _define(self, new: Definition) -> None:
        records = self._look(listed=True)
        self._check_definition(records, new, {})
        self._keep_definition(records, new)

    def _check_definition(
        self, records: Records, new: Definition, constants: Mapping[TreePath, Tree]
    ) -> None:
        old = records.definition
        if old is not None and old != new and records.now.number():
            check_extends(old, new, records.past, constants, records.now.trees)

    def _keep_definition(self, records: Records, new: Definition) -> None:
        if records.definition != new:
            self._place.change_state(lambda state: state.update(definition=new.to_state()))
            self._sets = []

    def add_parameter_set(self, *values: Any, **named: Any) -> None:
        """Add a parameter set that `run` will run, unless there is a measurement of it.

        Parameters
        ----------
        *values, **named
            One value for each parameter, in the order of the definition or by name. Or a Scan, all of whose
            parameter sets are added; it defines the parameters, if nothing has.

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
            own = self._like(values[0], self._look().definition)
            self._define(own)
            self._sets += values[0].rows(own)
            return
        definition = self._look().definition
        if definition is None:
            raise ParameterError(
                f"The parameters of {self.path} are not defined yet.",
                ways=["Define them, for example define_parameter_set('theta_0', 'theta')."],
            )
        self._sets.append(definition.bind(values, named))

    def clear_parameter_sets(self) -> None:
        """Forget the parameter sets that were added; measurements stay."""
        self._sets = []

    @staticmethod
    def _like(scan: Scan, definition: Definition | None) -> Definition:
        """Return the experiment's definition, or the scan's where it has other parameters or there is none."""
        if definition is not None:
            try:
                definition.order(scan.definition)
            except ParameterError:
                definition = None
        return scan.definition if definition is None else definition

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
        """Record the meaning of a path. Later annotations are added to earlier ones; None removes one.

        Parameters
        ----------
        path : str
            A path such as ``results/t``, which measurements need not have yet, or a name that they have.
        units, long_name : str, optional
            Become attributes of the variable, which xarray's plots label their axes with.
        default : object, optional
            What measurements without this path count as: a constant becomes a parameter.
        dims : str or sequence of str, optional
            Names for the dims of a list or array.
        coords : mapping of str to str, optional
            For dims of a list or array, the paths of their coordinates.
        formerly : str or sequence of str, optional
            Paths that the same had in earlier measurements, which are read as if it stood at `path`; branches too.

        Raises
        ------
        PathError
            When `path` is an unknown name, or a branch (only `formerly` applies to it), and for coords that no
            measurement has. Nothing is changed then.
        ParameterError, LayoutError
            For units that are no string, a default of a result, and dims that the values do not have.

        Warns
        -----
        ComaWarning
            When there are measurements, and none has this path.

        Examples
        --------
        >>> e = Experiment("pendulum")
        >>> e.annotate("results/t", units="s", long_name="time")
        >>> e.annotate("results/t", long_name=None)
        >>> e.annotations
        {'results/t': {'units': 's'}}
        """
        from coma_xr.retrieve.requests import checked_annotation

        given = {"units": units, "long_name": long_name, "default": default, "dims": dims, "coords": coords}
        given = {name: v for name, v in {**given, "formerly": formerly}.items() if v is not UNCHANGED}
        records = self._look(listed=True)
        taken = () if records.definition is None else records.definition.names
        key, note, existing = checked_annotation(path, given, records.known_names, records.now.trees(), taken)

        def change(state: dict[str, Any]) -> None:
            annotations = state.setdefault("annotations", {})
            noted = annotations.get(key, {}) | note
            annotations[key] = {name: value for name, value in noted.items() if value is not None}
            if not annotations[key]:
                del annotations[key]

        self._place.change_state(change)
        # A default, or a former path, is for measurements that do not have this one.
        noted = {name for name, value in note.items() if value is not None} - {"default", "formerly"}
        if existing and noted and not {"default", "formerly"} & self.annotations.get(key, {}).keys():
            number = records.now.number()
            warn(f"None of the {number} measurements in {self.path} has '{key}'. {available(key, existing)}")

    # Running

    @takes_options
    def run(
        self,
        function: Callable[..., Any],
        scan: Any = None,
        **options: Unpack[RunKeywords],
    ) -> RunReport:
        """Run a function for each parameter set that has no measurement yet.

        Each result is saved to its own file as soon as it is available. A parameter set that raises is recorded, see
        `failures`, and the others go on. The first Ctrl-C finishes and keeps running parameter sets, the second stops
        immediately.

        Parameters
        ----------
        function : callable
            Without `scan`: called with a ParameterSet; returns a tree (nested dictionaries) or an object with
            a `coma_getstate` method. With `scan`: called with the parameters as keywords; what it returns goes
            under ``results``. If it has an argument ``rng`` (a NumPy Generator) or ``seed`` that is no parameter,
            it gets one, of its own for each parameter set and repeat.
        scan : Scan, mapping, DataFrame or list of mappings, optional
            What to run; a dict of lists is a grid. By default the parameter sets that were added.
        max_workers : int, optional
            The number of processes; None: one for each core. By default this process runs them one after the other.
        executor : concurrent.futures.Executor or dask Client, optional
            Run by this; it is not shut down.
        timeout : float, optional
            Seconds after which a parameter set is stopped and recorded as failed. Not with `executor`.
        on_error : {"auto", "continue", "stop"}, default "auto"
            After a failure: go on, unless the first ten or more fail in the same way; always go on; stop and raise.
        retry_failed : bool, default True
            Run those that failed in an earlier run too, after those that were never tried.
        recompute : bool, ids, condition or str, default False
            Run parameter sets of the scan although they have a measurement, which then moves to ``removed/``: all (True),
            or those whose measurements have these ids or fulfil a condition.
        retries : int, default 0
            Try a parameter set that failed so many times again, at the end, on another worker where there is one.
        max_failures : int, optional
            Begin nothing more after so many failures; what is running is finished and kept.
        max_time : str, float or timedelta, optional
            Begin nothing that would not be over in this time, such as ``"7h30m"``, as estimated from the durations of
            others. In a job of SLURM by default the end of the job; ``math.inf`` for no limit.
        repeats : int, optional
            Run each parameter set this many times; the repeats become the dim ``repeat``.
        seed : int, optional
            The root of all seeds. By default one is drawn for the experiment, and kept.
        shard : (int, int), optional
            ``(i, n)``: of the scan only the i-th and every n-th after it, from 0. For n jobs on one directory.
        limit : int, optional
            Run so many at most. A scan of more than 100 million parameter sets needs it, and is then asked for part by part.
        progress : bool, optional
            Show a bar, or log lines where there is no terminal. By default only when it takes a while.
        capture : {False, True, "info"}, default False
            Keep the end of the function's output in the record of a failure; ``"info"``: also in each measurement.
        resources : mapping, optional
            Further arguments of the function, such as a large array: sent to each worker once, and not stored.
        dry_run : bool, default False
            Only say what would be done, and about how long it would take.
        code : {"warn", "recompute", "accept"}, default "warn"
            Measurements made by other code than `function` and all that it reaches in your own files count as done, with a
            warning; are computed again, and the old ones moved to ``removed/``; or count as equal from now on.
        inputs : sequence of str or path-like, optional
            Files that `function` reads. Their hashes are recorded, and count as part of its code.

        Returns
        -------
        RunReport
            Compares equal to the tuple (number saved, number asked for) and has more attributes.

        Raises
        ------
        ParameterError
            When the parameters are not those of the function or of earlier measurements.
        InactiveError, StorageError
            When nothing could be saved; nothing is computed then.
        RunError
            With ``on_error="stop"``, from the exception that the function raised.
        KeyboardInterrupt
            After Ctrl-C; its `report` is the RunReport.

        Examples
        --------
        >>> e = Experiment("pendulum")
        >>> e.run(lambda theta, L: {"t": theta * L}, {"theta": [0.1, 0.2], "L": 1.0})
        RunReport(saved=2, asked=2, skipped=0, failed=0)
        >>> e.run(lambda theta, L: {"t": theta * L}, {"theta": [0.1, 0.2, 0.3], "L": 1.0}, max_workers=2)
        RunReport(saved=1, asked=3, skipped=2, failed=0)
        """
        settings = RunOptions(**options)
        before = self._look(listed=True)
        if before.now.read_only and not settings.dry_run:
            before.now.check_writable()
        asked = with_defaults(scan, function, settings, before, self._place)
        if asked is not None and settings.repeats is None:
            settings = replace(settings, repeats=asked.repeats)
        definition = self._definition_to_run(function, asked, settings, before)
        if asked is not None:
            asked = within_limit(asked, definition, before, settings)
        wanted = self._sets if asked is None else asked.rows(definition)
        prepared = self._work(function, definition, asked, settings, before.past)
        work = replace(prepared, things=things_of(wanted), capture=settings.capture)
        code = code_of_run(before.now, work, settings.inputs)
        session = Session(self._place, work, wanted, before.past, self._durable, settings, code)
        if asked is not None:
            self._check_definition(before, definition, work.defaults)
        if settings.dry_run:
            return session.dry_run()
        self._place.check_writable(before.now)
        check_sendable(work, settings)
        if asked is not None:
            self._keep_definition(before, definition)
        session = replace(session, work=with_kept_seed(self._place, work, settings.seed))
        keep_function(self._place, name_of(function), before.now)
        last = asked_for(definition, wanted, asked, settings.repeats)
        record = None if asked is None else ScanRecord.of(asked, definition)
        shard = None if settings.shard is None else Shard.of_scan(settings.shard, last)
        with self._place.running(shard, partial(keep_scan, self._place, last, record, before.past)) as now:
            return session.run(before, now)

    def define_layout(
        self,
        layout: Literal["grid", "points"] | None,
        dims: Sequence[str | tuple[str, TreePath]] | None = None,
    ) -> None:
        """Fix how `to_dataset` lays out the measurements, whatever is run later.

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
            For another layout, and for dims of points.
        PathError
            When a dim is no parameter.

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
        if layout not in ("grid", "points", None):
            raise LayoutError(f"Unknown layout {layout!r}.", expected="'grid', 'points' or None")
        if dims is not None and layout != "grid":
            raise LayoutError(
                f"The layout {layout!r} takes no dims.", ways=["Leave dims= out, or define 'grid'."]
            )
        from coma_xr.retrieve.requests import dims_of

        pairs = None if dims is None else dims_of(dims, self._look(listed=True).known_names)
        new = None if layout is None else {"kind": layout, "dims": pairs}

        def change(state: dict[str, Any]) -> None:
            state.pop("layout", None)
            if new is not None:
                state["layout"] = new

        self._place.change_state(change)

    def forget_missing(self, where: Any = None) -> Scan:
        """Take back parameter sets that were asked for and have no measurement.

        They no longer count as missing, in `status` and in the Dataset.

        Parameters
        ----------
        where : condition, str or callable, optional
            Only those for which it holds, as in `Scan.where`. By default all that are missing.

        Returns
        -------
        Scan
            What was taken back; ``e.run(f, scan)`` asks for it again.

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
        missing = self.missing()
        forgotten = missing if where is None else missing.where(where)
        forget(self._place, forgotten)
        return forgotten

    def _definition_to_run(
        self, function: Callable[..., Any], asked: Scan | None, settings: RunOptions, before: Records
    ) -> Definition:
        definition = before.definition
        if asked is not None:
            # Before a name that the function does not know is taken for a new parameter.
            self._work(function, asked.definition, asked, settings, before.past)
            return self._like(asked, definition)
        if definition is None:
            raise ParameterError(
                f"Nothing says what to run in {self.path}: pass a scan, such as run(f, {{'theta': [0.1, 0.2]}}), "
                "or define and add parameter sets."
            )
        return definition

    def _work(
        self,
        function: Callable[..., Any],
        definition: Definition,
        asked: Scan | None,
        settings: RunOptions,
        past: Past,
    ) -> Work:
        return prepare(
            function,
            definition,
            "set" if asked is None else "keywords",
            **self._encoding(),
            seed=settings.seed,
            constants=past.defaults,
            resources=settings.resources,
        )

    def _encoding(self) -> dict[str, Any]:
        return {
            "getstate": self._config.serializer_getstate,
            "pretty": self._place.pretty,
            "strict": self._place.strict,
            "suffix": self._place.suffix,
            "provenance": {"coma_xr_version": coma_xr.__version__},
        }

    def new_measurement(self) -> NewMeasurement:
        """Return a measurement to be saved by hand, for what `run` does not fit.

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
        now = self._place.look(listed=True)
        self._place.check_writable(now)
        self._handed_out = max(now.next_id(), self._handed_out + 1)
        return NewMeasurement(self._handed_out, self._save_by_hand, self._encoding())

    def _save_by_hand(self, outcome: Outcome, id: int) -> int:
        with self._place.saving(self._durable) as saving:
            number = Keeper(self._place, saving, Survey({}, [], {}), id).save(outcome)
        self._place.write_index()
        return number

    # The experiment as a whole

    def deactivate(self, *, compress: bool = False) -> None:
        """Move all measurements into the experiment file: one file to keep, instead of thousands.

        An inactive experiment can be read like an active one; to add measurements, `activate` it. Nothing is
        removed before the new file was read back and compared.

        Parameters
        ----------
        compress : bool, default False
            Write ``experiment.000001.json.gz``, which Coma 2 does not read.

        Raises
        ------
        InactiveError
            When it is inactive.
        ExperimentBusyError
            When a run is going on.
        DataFileError
            When a measurement cannot be read; nothing is changed then.
        """
        self._place.deactivate(compress=check_flag("compress", compress))

    def activate(self) -> None:
        """Make each measurement a file of its own again, with the id that it had.

        Raises
        ------
        InactiveError
            When it is active.
        ExperimentBusyError
            When another process works on it.
        """
        self._place.activate()

    def reset(self, *, delete: bool = False) -> dict[str, Any]:
        """Take all measurements and failures away; parameters, annotations and parameter sets stay.

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
            When a run is going on.
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
            One for each problem, empty if there are none; ``str(finding)`` is a sentence.

        Examples
        --------
        >>> Experiment("pendulum").verify()
        []
        """
        return self._place.verify(repair=check_flag("repair", repair))

    def remove(self, where: Any, reason: str | None = None) -> list[int]:
        """Move measurements to ``removed/`` in the directory, so that the next run computes them again.

        `removed` lists them, `restore` puts them back, `empty_removed` deletes them.

        Parameters
        ----------
        where : int, list, array or Index of int, condition, str or callable
            Ids, or a condition as in `to_dataset`.
        reason : str, optional
            Why; kept with them.

        Returns
        -------
        list of int
            The ids of what was moved.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        RunReport(saved=3, asked=3, skipped=0, failed=0)
        >>> e.remove("x > 1")
        [2, 3]
        """
        if reason is not None and not isinstance(reason, str):
            raise ParameterError(f"Unknown reason {reason!r}.", expected="a str or None")
        ids = self._look(listed=True).chosen(where)
        if ids:
            self._place.remove(ids, reason)
        return ids

    def restore(self, where: Any = None) -> list[int]:
        """Put removed measurements back.

        One whose id was given again gets the next free id. Nothing is overwritten.

        Parameters
        ----------
        where : int, sequence of int, condition, str or callable, optional
            Ids, or a condition as in `to_dataset`. Of several removed with one id, the one removed last. By default
            all, with the records of failures that `reset` moved.

        Returns
        -------
        list of int
            The ids under which they are now.

        Raises
        ------
        PathError
            When no removed measurement has one of the ids; nothing is changed then.
        InactiveError
            When the experiment is inactive.

        Warns
        -----
        ComaWarning
            When one got a new id, or has the parameters of another measurement.

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
        """Delete the measurements that `remove` and `reset` took away, for good.

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

    def exclude(self, where: Any, reason: str | None) -> list[int]:
        """Mark measurements as not to be used; they stay, but Datasets have holes in their place.

        Parameters
        ----------
        where : int, list, array or Index of int, condition, str or callable
            Ids, or a condition as in `to_dataset`.
        reason : str or None
            Why, for those who come later; None takes the mark away.

        Returns
        -------
        list of int
            The ids of what was marked, or is no longer.

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
        given: Any = reason
        if given is not None and not (isinstance(given, str) and given):
            raise ParameterError(
                f"reason is a text that says why, or None to take the mark away, not {reason!r}."
            )
        ids = self._look(listed=True).chosen(where)
        if reason is None:
            self._place.include(ids)
        else:
            self._place.exclude(ids, reason)
        return ids

    def merge(
        self,
        other: Experiment | str | os.PathLike[str],
        *,
        repeats: Literal["append"] | None = None,
        keep_both: bool = False,
    ) -> dict[int, int]:
        """Add the measurements of another experiment under new ids.

        Copies are skipped, and so are equal results by `run` of the same parameters, repeat and seed.

        Parameters
        ----------
        other : Experiment, str or path-like
            Has the same parameters; is only read.
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
            When those of the same parameters and repeat have other seeds or results; nothing is written.
        ParameterError
            When no measurement in `other` has the parameters.

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
        if not isinstance(other, Experiment):
            other = Experiment(other, mode="r", config=self._given)
        return merge_measurements(self._place, other._place, keep_both=keep_both, append=append)


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

"""The experiment: what a user opens, runs, and reads from.

It joins the floors below and holds no algorithm of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import coma_xr
from coma_xr.define.parameters import Definition
from coma_xr.define.scans import Scan
from coma_xr.define.values import NOTHING, look
from coma_xr.errors import ExperimentError, ParameterError, PathError, listing, there_is, warn
from coma_xr.retrieve.columns import AS_NEEDED
from coma_xr.retrieve.measurement import Measurement
from coma_xr.run.by_hand import NewMeasurement
from coma_xr.run.plan import Survey, survey
from coma_xr.run.worker import prepare
from coma_xr.session import Keeper, Session, recorded_failures
from coma_xr.store.config import Config
from coma_xr.store.place import ExperimentDirectory
from coma_xr.trees.paths import follow, join, leaves, split
from coma_xr.trees.plain import to_plain

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    import pandas as pd
    import xarray as xr

    from coma_xr.retrieve.status import Status
    from coma_xr.retrieve.tables import ResultList
    from coma_xr.run.report import RunReport
    from coma_xr.run.runner import OnError
    from coma_xr.run.worker import Outcome
    from coma_xr.trees.paths import Path as TreePath
    from coma_xr.trees.plain import Tree

__all__ = ["Experiment"]


class Unchanged(Enum):
    """What an argument is when it is not given, where None has a meaning."""

    UNCHANGED = "unchanged"

    def __repr__(self) -> str:
        return self.value


UNCHANGED = Unchanged.UNCHANGED

Mode = Literal["a", "r", "x"]
Durable = Literal["auto"] | bool


class Experiment:
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
    tags : sequence of str, optional
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
    (3, 3)
    >>> e.run(square, {"x": [1, 2, 3, 4]})
    (1, 4)
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
        tags: Sequence[str] | None = None,
        config: Mapping[str, Any] | None = None,
        durable: Durable = "auto",
    ) -> None:
        if durable not in ("auto", True, False):
            raise ExperimentError(f"durable is 'auto', True or False, not {durable!r}.")
        self._config = Config.of(config)
        self._durable = durable
        self._place = ExperimentDirectory(path, mode=mode, id=id, config=self._config)
        given = {"description": description, "tags": None if tags is None else list(tags)}
        changes = {name: value for name, value in given.items() if value not in (None, self._info(name))}
        if changes:
            self._place.save_info(**changes)
        self._sets: list[tuple[Tree, ...]] = []
        self._handed_out = 0

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
        return list(self._info("tags") or [])

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

    def __repr__(self) -> str:
        state = "" if self.isactive() else ", inactive"
        return f"Experiment({str(self.path)!r}, {self.number_of_measurements()} measurements{state})"

    def __str__(self) -> str:
        lines = [f"Experiment {self.id} in {self.path}"]
        lines += [
            f"  {name}: {value}"
            for name, value in self._place.info.items()
            if value and name != "experiment_id"
        ]
        if self._definition is not None:
            lines.append(f"  parameters: {', '.join(self._definition.names)}")
        number = self.number_of_measurements()
        lines.append(f"  {number} measurement{'s' * (number != 1)}{'' if self.isactive() else ', inactive'}")
        return "\n".join(lines)

    # What to run

    @property
    def _definition(self) -> Definition | None:
        state = self._place.state().get("definition")
        return None if state is None else Definition.from_state(state)

    def define_parameter_set(self, *parameters: str | tuple[str, TreePath]) -> None:
        """Say which parameters a parameter set has, and where in the tree they are.

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
        old = self._definition
        if old is not None and old != new and self.number_of_measurements():
            self._check_extends(old, new)
        if old != new:
            self._place.change_state(lambda state: state.update(definition=new.to_state()))
            self._sets = []

    def _check_extends(self, old: Definition, new: Definition) -> None:
        """Refuse a definition that leaves open which parameter sets the measurements belong to."""
        text = f"The measurements in {self.path} were made with the parameters {listing(old.names)}"
        dropped = [name for name, path in old if path not in new.paths]
        if dropped:
            raise ParameterError(
                f"{text}; the new definition lacks {listing(dropped)}. Start a new experiment for it."
            )
        added = [path for path in new.paths if path not in old.paths and path not in self._defaults()]
        for path in added:
            # What was a function's own default is in the files already.
            without = [id for id, tree in self._place.trees() if look(tree, split(path)) is NOTHING]
            if without:
                raise ParameterError(
                    f"{text}; {len(without)} of them have no '{path}', measurement {without[0]} for example. "
                    f"Say what it was in them by annotate({path!r}, default=...), or start a new experiment."
                )

    def _defaults(self) -> dict[str, Tree]:
        return {path: note["default"] for path, note in self.annotations.items() if "default" in note}

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
            self._sets += values[0].rows(self._defined_like(values[0]))
            return
        definition = self._definition
        if definition is None:
            raise ParameterError(
                f"The parameters of {self.path} are not defined yet; "
                "say which there are by define_parameter_set('theta_0', 'theta'), for example."
            )
        self._sets.append(definition.bind(values, named))

    def clear_parameter_sets(self) -> None:
        """Forget the parameter sets that were added; measurements stay."""
        self._sets = []

    def _defined_like(self, scan: Scan) -> Definition:
        """Return the experiment's definition, which is the scan's if there was none that counts."""
        definition = self._definition
        if definition is not None:
            try:
                definition.order(scan.definition)
            except ParameterError:
                definition = None
        if definition is None:
            self._define(scan.definition)
            definition = scan.definition
        return definition

    def annotate(
        self,
        path: TreePath,
        *,
        units: str | Unchanged | None = UNCHANGED,
        long_name: str | Unchanged | None = UNCHANGED,
        default: Any = UNCHANGED,
        dims: Sequence[str] | str | Unchanged | None = UNCHANGED,
        coords: Mapping[str, str] | Unchanged | None = UNCHANGED,
        formerly: Sequence[str] | str | Unchanged | None = UNCHANGED,
    ) -> None:
        """Note what a path means; notes are kept, later ones are added to earlier ones, None takes one back.

        Parameters
        ----------
        path : str
            A path such as ``results/t``, or the name of a defined parameter.
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
            When `path` is neither a path nor the name of a defined parameter.

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
        known = self._path_of(path)
        dims = [dims] if isinstance(dims, str) else dims
        given = {"units": units, "long_name": long_name, "default": default, "dims": dims, "coords": coords}
        given["formerly"] = formerly
        notes = {name: to_plain(note) for name, note in given.items() if note is not UNCHANGED}

        def change(state: dict[str, Any]) -> None:
            annotations = state.setdefault("annotations", {})
            there = annotations.pop(known, {}) | notes
            left = {name: note for name, note in there.items() if note is not None}
            if left:
                annotations[known] = left

        self._place.change_state(change)
        noted = {name for name, note in notes.items() if note is not None}
        # A default, or a former path, is for measurements that do not have this one.
        absent = {"default", "formerly"}
        paths = [known] if noted - absent and not absent & self.annotations[known].keys() else []
        self._warn_of_unknown([*paths, *(notes.get("coords") or {}).values()])

    def _warn_of_unknown(self, paths: Sequence[str]) -> None:
        """Say that a path is in no measurement, when there are some."""
        number = self.number_of_measurements()
        unknown = set(paths)
        for _, tree in self._place.trees():
            unknown = {path for path in unknown if not _leads_somewhere(tree, path)}
            if not unknown:
                return
        if number and unknown:
            path = next(path for path in paths if path in unknown)
            there = [join(keys) for keys, _ in leaves(tree)]
            warn(f"None of the {number} measurements in {self.path} has '{path}'. {there_is(path, there)}")

    def _path_of(self, name: TreePath) -> str:
        definition = self._definition
        names = () if definition is None else definition.names
        if definition is not None and name in names:
            return definition.paths[definition.position(name)]
        segments = split(name)
        if len(segments) < 2:
            raise PathError(
                f"'{join(segments)}' is neither a path, such as 'results/t', nor the name of a defined "
                f"parameter. {there_is(join(segments), names)}"
            )
        return join(segments)

    # Running

    def run(
        self,
        function: Callable[..., Any],
        scan: Scan | Mapping[str, Any] | None = None,
        *,
        on_error: OnError = "auto",
        retry_failed: bool = True,
        progress: bool | None = None,
    ) -> RunReport:
        """Run a function for each parameter set of which there is no measurement yet.

        Each finished one is a file at once. One that raises is recorded, see `failures`, and the others go on.
        The first Ctrl-C finishes and keeps the one that is running, the second stops at once.

        Parameters
        ----------
        function : callable
            Without `scan`: called with a ParameterSet; returns a tree (nested dictionaries) or an object with
            a `coma_getstate` method. With `scan`: called with the parameters as keywords; what it returns goes
            under ``results``.
        scan : Scan or mapping, optional
            What to run; a dict of lists is a grid. By default the parameter sets that were added.
        on_error : {"auto", "continue", "stop"}, default "auto"
            After a parameter set failed: go on, but stop when nothing has ever succeeded and ten failed in the
            same way; go on in any case; or stop and raise.
        retry_failed : bool, default True
            Run those that failed in an earlier run too, after those that were never tried.
        progress : bool, optional
            Show a bar, or log lines where there is no terminal. By default only when it takes a while.

        Returns
        -------
        RunReport
            A tuple (number saved, number asked for) that knows more.

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
        (2, 2)
        """
        self._place.check_writable()
        protocol: Literal["set", "keywords"] = "set" if scan is None else "keywords"
        asked = None if scan is None else Scan.of(scan)
        if asked is not None:
            # Before a name that the function does not know is taken for a new parameter.
            prepare(function, asked.definition, protocol, **self._encoding())
        definition = self._definition if asked is None else self._defined_like(asked)
        if definition is None:
            raise ParameterError(
                f"Nothing says what to run in {self.path}: pass a scan, such as run(f, {{'theta': [0.1, 0.2]}}), "
                "or define and add parameter sets."
            )
        wanted = self._sets if asked is None else asked.rows(definition)
        work = prepare(function, definition, protocol, **self._encoding())
        session = Session(self._place, work, wanted, self._durable)
        with self._place.running():
            self._place.save_scan(_scan_tree(definition, wanted, asked))
            return session.run(
                self._place.trees(),
                defaults=self._defaults(),
                retry_failed=retry_failed,
                on_error=on_error,
                progress=progress,
            )

    def _encoding(self) -> dict[str, Any]:
        return {
            "getstate": self._config.serializer_getstate,
            "pretty": self._config.archive_pretty_print,
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
        self._place.check_writable()
        self._handed_out = max(self._place.next_id(), self._handed_out + 1)
        return NewMeasurement(self._handed_out, self._save_by_hand, self._encoding())

    def _save_by_hand(self, outcome: Outcome, id: int) -> int:
        with self._place.saving(self._durable) as saving:
            number = Keeper(self._place, saving, Survey({}, [], {}), id).save(outcome)
        self._place.write_index()
        return number

    def failures(self) -> pd.DataFrame:
        """Return the parameter sets whose last try failed.

        Returns
        -------
        DataFrame
            A row for each: its parameters, the exception with its message, the line that raised it, the date
            and the host.

        Examples
        --------
        >>> e = Experiment("inverse")
        >>> report = e.run(lambda x: 1 / x, {"x": [0, 1, 2]})  # doctest: +SKIP
        >>> e.failures()  # doctest: +SKIP
        """
        from coma_xr.retrieve.failures import failures_table

        failures = recorded_failures(self._place)
        definition = self._definition
        if failures and definition is not None:
            # One that has succeeded since counts no more, even if a kill kept its record.
            done = survey(self._place.trees(), definition, defaults=self._defaults()).ids
            again = survey(failures, definition).ids
            over = {number for key, numbers in again.items() if key in done for number in numbers}
            failures = [(number, tree) for number, tree in failures if number not in over]
        return failures_table(failures, () if definition is None else list(definition))

    # Measurements

    def measurements(self, where: Any = None) -> Iterator[Measurement]:
        """Yield every measurement, in the order of their ids; one file is read at a time.

        Parameters
        ----------
        where : condition, str or callable, optional
            Only those for which it holds: ``coma.P.x > 1``, ``"x > 1"``, ``lambda m: m.results.y > 1``.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        (3, 3)
        >>> [m.results.y for m in e.measurements()]
        [1, 4, 9]
        """
        trees = self._place.trees()
        if where is not None:
            from coma_xr.retrieve.selection import selected

            trees = selected(trees, where, definition=self._pairs(), annotations=self.annotations)
        for number, tree in trees:
            yield Measurement(number, tree)

    def measurement(self, id: int) -> Measurement:
        """Return the measurement with this id.

        Raises
        ------
        PathError
            When there is none. The message names the nearest ids.
        DataFileError
            When its file cannot be read.
        """
        return Measurement(id, self._place.measurements.read(id))

    # Results

    def retrieve_results(
        self,
        table_definition: Iterable[tuple[str, TreePath]],
        parameter_set_definition: Iterable[tuple[str, TreePath]] = (),
    ) -> ResultList:
        """Return tables, one for each distinct set of parameters, with a row for each measurement.

        Parameters
        ----------
        table_definition : iterable of (name, path)
            The columns. A list is unfolded into the columns ``name_1``, ``name_2``, ...; an array is one value.
        parameter_set_definition : iterable of (name, path), optional
            The parameters that tell the tables apart. By default there is one table.

        Returns
        -------
        ResultList
            In the order in which the parameters appear in the measurements.

        Raises
        ------
        PathError
            For a path that no measurement has. The message names the nearest ones.

        Examples
        --------
        >>> e = Experiment("powers")
        >>> e.run(lambda x, n: {"y": x**n}, {"n": [1, 2], "x": [1.0, 2.0, 3.0]})
        (6, 6)
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
        return retrieve_results(self._place.trees(), table_definition, parameter_set_definition)

    def to_dataset(
        self,
        variables: Mapping[str, Any] | Sequence[Any] | str | None = None,
        dims: Sequence[Any] | None = None,
        *,
        layout: Literal["grid", "points"] | None = None,
        unfold: Mapping[str, Any] | None = None,
        fill: Any = AS_NEEDED,
        where: Any = None,
        strict: bool = False,
    ) -> xr.Dataset:
        """Return the experiment as a labelled Dataset.

        Parameters
        ----------
        variables : mapping, sequence or str, optional
            The data variables: paths or names, or names with their paths or with functions of a Measurement.
            By default all results.
        dims : sequence of str or (name, path), optional
            The parameters along which the measurements lie. By default those that are defined, with the axes of
            the last scan; for an experiment that has no definition they are found. Several measurements at the
            same place make a further dim, ``row``.
        layout : {"grid", "points"}, optional
            A dim for each parameter, or one dim ``measurement`` with all parameters as coords. By default what
            the last scan says: samples and cases are points.
        unfold : mapping, optional
            By name or path, what the dims of lists are called: ``"cell"``; ``["cell", "site"]``;
            ``{"time": "results/t"}``, a dim with the path of its coordinate; None keeps each list in one cell.
            The same name is the same dim.
        fill : object, optional
            What stands in holes, or a mapping that says it by name or path: -1 keeps ints, None makes objects. By
            default NaN, NaT or None, for which int becomes float and bool object.
        where : condition, str or callable, optional
            Only measurements for which it holds: ``coma.P.beta < 2``, ``"beta < 2"``, ``lambda p: p.beta < 2``.
        strict : bool, default False
            Raise an error for a measurement that cannot be read, instead of a warning.

        Returns
        -------
        Dataset
            Holes are NaN or None. The coord ``measurement_id`` tells which file a cell comes from, and
            ``measurement_status`` why there is none: parameter sets of the last scan that are missing or failed
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
        >>> e = Experiment("powers")
        >>> e.run(lambda x, n: {"y": x**n}, {"n": [1, 2], "x": [1.0, 2.0, 3.0]})
        (6, 6)
        >>> e.to_dataset().y.sel(n=2).values
        array([1., 4., 9.])
        """
        from coma_xr.retrieve.dataset import build_dataset

        scan = self._place.scan() or {}
        self._warn_when_empty()
        return build_dataset(
            self._place.trees(strict=strict),
            variables=variables,
            dims=dims,
            layout=layout,
            unfold=unfold,
            fill=fill,
            where=where,
            definition=self._pairs(),
            structure=scan.get("axes"),
            annotations=self.annotations,
            status=self._status(scan),
            attrs=self._attrs(),
        )

    def _status(self, scan: Mapping[str, Any]) -> Status:
        """Return what is known of parameter sets beside the measurements."""
        from coma_xr.retrieve.status import Status

        return Status(
            paths=[path for _, path in scan.get("parameters", ())],
            sets=scan.get("sets", ()),
            repeats=scan.get("repeats"),
            failures=recorded_failures(self._place),
            excluded=self._excluded(),
        )

    def _excluded(self) -> dict[int, str]:
        return {int(id): why for id, why in self._place.state().get("excluded", {}).items()}

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
        >>> e = Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        (3, 3)
        >>> e.to_dataframe().y.tolist()
        [1, 4, 9]
        """
        from coma_xr.retrieve.dataframe import build_dataframe

        self._warn_when_empty()
        return build_dataframe(
            self._place.trees(strict=strict),
            variables=variables,
            index=index,
            unfold=unfold,
            where=where,
            definition=self._pairs(),
            annotations=self.annotations,
            excluded=self._excluded(),
        )

    def paths(self) -> pd.DataFrame:
        """Return what there is in the measurements: a row for each path.

        Returns
        -------
        DataFrame
            Path, name, role, type, number of distinct values, range, and how many measurements have it.

        Examples
        --------
        >>> e = Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        (3, 3)
        >>> "results/y" in set(e.paths().path)
        True
        """
        from coma_xr.retrieve.dataframe import paths_table

        return paths_table(self._place.trees(), definition=self._pairs(), annotations=self.annotations)

    def export(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the experiment into one file for other programs.

        Parameters
        ----------
        path : str or path-like
            ``.nc``: the Dataset of `to_dataset` as netCDF. ``.csv``: the DataFrame of `to_dataframe`.
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
        >>> e = Experiment("squares")
        >>> e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        (3, 3)
        >>> e.export("squares.csv").name
        'squares.csv'
        """
        from coma_xr.output.export import export, wants_table

        data = self.to_dataframe() if wants_table(path) else self.to_dataset()
        return export(data, path, overwrite=overwrite)

    def _warn_when_empty(self) -> None:
        if not self.number_of_measurements():
            failed = len(self._place.failures())
            hint = f" {failed} parameter sets failed: failures() tells why." if failed else ""
            warn(f"There are no measurements in {self.path}.{hint}")

    def _pairs(self) -> list[tuple[str, str]]:
        definition = self._definition
        return [] if definition is None else list(definition)

    def _attrs(self) -> dict[str, Any]:
        return {name: value for name, value in self._place.info.items() if value not in (None, [], {})}

    # The experiment as a whole

    def deactivate(self) -> None:
        """Move all measurements into the experiment file: one file to keep, instead of thousands.

        An inactive experiment can be read like an active one; to add measurements, `activate` it. Nothing is
        removed before the new file was read back and compared.

        Raises
        ------
        InactiveError
            When it is inactive.
        ExperimentBusyError
            When a run is going on.
        DataFileError
            When a measurement cannot be read; nothing is changed then.
        """
        self._place.deactivate()

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

    def reset(self) -> None:
        """Delete all measurements and failures; parameters, annotations and parameter sets stay.

        Raises
        ------
        ExperimentBusyError
            When a run is going on.
        """
        self._place.reset()


def _scan_tree(
    definition: Definition, wanted: Sequence[Sequence[Tree]], scan: Scan | None
) -> dict[str, Tree]:
    """Return what is kept of the last scan: its parameters, its axes if it has any, and its sets."""
    axes = None if scan is None else scan.structure
    return {"parameters": definition.to_state(), "axes": axes, "sets": [list(values) for values in wanted]}


def _leads_somewhere(tree: Tree, path: TreePath) -> bool:
    try:
        follow(tree, path)
    except PathError:
        return False
    return True

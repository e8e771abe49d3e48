"""The meaning of one look at an experiment, and the records of its runs besides measurements."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from coma_xr.checks import as_integer, check_flag, check_id, check_ids
from coma_xr.define.parameters import Definition, Past, check_extends, read_parameters
from coma_xr.define.scan_records import (
    Asked,
    LayoutRule,
    change_of_layout,
    check_layout,
    record_of_last_scan,
    records_of,
    with_scan,
)
from coma_xr.define.scans import Scan
from coma_xr.define.values import NOTHING, given_again, key_of, keys_of
from coma_xr.errors import (
    DataFileError,
    DataFileWarning,
    LayoutError,
    ParameterError,
    PathError,
    Way,
    warn,
)
from coma_xr.run.plan import survey
from coma_xr.run.signature import UNNAMED
from coma_xr.same import MADE_BY, doubles, event_of, key, repeat_of, replaced
from coma_xr.store.documents import fault_of_failure
from coma_xr.store.layout import near_experiments
from coma_xr.store.locks import seen_runs
from coma_xr.text import alternatives, available, count, listing, shortened
from coma_xr.tree import Names, join, leaves, no_collection, role, shown, split, values_and_lists
from coma_xr.values.external import FILES, files_of, is_external
from coma_xr.values.plain import from_plain

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from coma_xr.encoding.columns import Block
    from coma_xr.retrieve.columns import StoredTrees
    from coma_xr.retrieve.dataset import DatasetLayout
    from coma_xr.retrieve.dims import Status
    from coma_xr.retrieve.measurement import Branch, Lookup
    from coma_xr.retrieve.tables import ResultList
    from coma_xr.run.report import Failure
    from coma_xr.run.worker import Work
    from coma_xr.store.locks import LiveRun
    from coma_xr.store.place import ExperimentDirectory
    from coma_xr.store.snapshot import Snapshot
    from coma_xr.tree import Path, PathLike
    from coma_xr.values.plain import Tree

T = TypeVar("T")

WITHOUT_STRICT = Way("Leave out strict=True to use the others, with a warning.", "")

# How many measurements of an experiment this process has searched for parameter sets of version 1 that are equal by
# now; it reports them once.
_noticed: dict[str, float] = {}


class Unreadable(NamedTuple):
    """The measurements that cannot be read, by id and with the reason, and of others the arrays in files of their own, by path."""

    measurements: dict[int, str]
    arrays: dict[int, dict[tuple[str, ...], str]]

    def __bool__(self) -> bool:
        return bool(self.measurements or self.arrays)

    def texts(self) -> list[str]:
        """Return what is wrong, in the order of the ids; a measurement that is left out has one reason."""
        arrays = {id: [*texts.values()] for id, texts in self.arrays.items()}
        both = arrays | {id: [text] for id, text in self.measurements.items()}
        return [text for id in sorted(both) for text in both[id]]


class Opened(Protocol):
    """An experiment, as the package uses it in addition to its public methods, by the two functions below."""

    _place: ExperimentDirectory

    def _look(self, *, listed: bool = False) -> Records: ...


def look_at(experiment: Opened, *, listed: bool = False) -> Records:
    """Return what the directory of an experiment holds now, with the names of its files if these are asked for."""
    return experiment._look(listed=listed)


def directory_of(experiment: Opened) -> ExperimentDirectory:
    """Return the directory of an experiment, into which one writes."""
    return experiment._place


@dataclass(frozen=True)
class Records:
    """One look at the directory of an experiment, as objects; only measurements and failures are read later."""

    now: Snapshot

    @cached_property
    def definition(self) -> Definition | None:
        """The parameters that are defined, None without a definition."""
        state = self.now.sections.get("definition")
        return None if state is None else Definition.from_state(state)

    @cached_property
    def present_definition(self) -> Definition | None:
        """The definition with the names and paths of now, which measurements may have that were stored since a rename."""
        return None if self.definition is None else self.past.definition(self.definition)

    @property
    def pairs(self) -> list[tuple[str, Path]]:
        """The names and paths of the parameters that are defined."""
        return [] if self.definition is None else list(self.definition)

    @property
    def present_pairs(self) -> list[tuple[str, Path]]:
        """The names and paths of now of the parameters that are defined."""
        return self.past.updated(self.pairs)

    @property
    def annotations(self) -> dict[str, dict[str, Any]]:
        """The annotations, by path."""
        annotations: dict[str, dict[str, Any]] = self.now.sections.get("annotations", {})
        return annotations

    @cached_property
    def past(self) -> Past:
        """The renames and defaults by which earlier measurements count."""
        return Past.of(self.annotations)

    def labels(self, past: Past) -> dict[Path, dict[str, Any]]:
        """Return units, names, dims and coordinates that were annotated, by the paths of now; notes of these win."""
        labels: dict[Path, dict[str, Any]] = {}
        for text, note in self.annotations.items():
            path, now = split(text), past.now(split(text))
            kept = {name: value for name, value in note.items() if name not in ("default", "formerly")}
            if kept:
                known = labels.get(now, {})
                labels[now] = {**known, **kept} if path == now else {**kept, **known}
        return labels

    @property
    def names(self) -> dict[str, Path]:
        """The paths that have names, and items of lists, by their names."""
        return {name: split(path) for name, path in self.now.sections.get("names", {}).items()}

    @property
    def meanings(self) -> dict[str, Any]:
        """The arguments for functions that build tables and Datasets by which they resolve names and paths."""
        return {"definition": self.pairs, "recorded": self.names, "annotations": self.annotations}

    @property
    def lookup(self) -> Lookup:
        """A function that finds the value of a name in one measurement."""
        return partial(_named_value, self.present_pairs, self.past.unchanged(self.names), self.past)

    @property
    def layout_rule(self) -> LayoutRule:
        """The rule for the layout of the Dataset."""
        fixed = self.now.sections.get("layout") or {}
        dims = fixed.get("dims")
        pairs = None if dims is None else self.past.updated((name, split(path)) for name, path in dims)
        return LayoutRule(records_of(self.scan_records), self.past, fixed.get("kind"), pairs)

    def is_laid_out_like(self, other: Records) -> bool:
        """Return whether what decides the layout was the same at another look."""
        mine, theirs = self.now.sections, other.now.sections
        return bool(self.now.scan_records()) and all(
            mine.get(name) == theirs.get(name) for name in ("layout", "annotations", "scans")
        )

    @property
    def scan_records(self) -> dict[str, Any]:
        """The records of all scans; those of version 1 follow from the last scan."""
        return self.now.scan_records() or record_of_last_scan(self.now.asked())

    @cached_property
    def excluded(self) -> dict[int, str]:
        """The reasons of what is excluded, by the ids."""
        return self.now.excluded()

    @property
    def attrs(self) -> dict[str, Any]:
        """The attributes of the Dataset."""
        return {name: value for name, value in self.now.info.items() if value not in (None, [], {})}

    def changed(self, change: Callable[[dict[str, Any]], None]) -> Records:
        """Return what a look will show when a change of the state is recorded."""
        return Records(self.now.changed(change))

    def defined(self) -> Definition:
        """Return the definition; ParameterError without one."""
        if self.definition is None:
            raise ParameterError(
                f"The parameters of {self.now.path} are not defined yet.",
                ways=["Define them, for example define_parameter_set('theta_0', 'theta')."],
            )
        return self.definition

    def like(self, scan: Scan) -> Definition:
        """Return the definition, or the scan's where it has other parameters or there is none."""
        if self.definition is not None:
            with suppress(ParameterError):
                self.definition.order(scan.definition)
                return self.definition
        return scan.definition

    # Parameter sets that have a measurement, or failed, or neither

    def done(self) -> Callable[[Definition], Container[Hashable]]:
        """Return a function that lists which parameter sets have a measurement; these are read once."""

        @cache
        def done(definition: Definition) -> dict[Hashable, list[int]]:
            parts = self.noticed(self.now.parts(), definition)
            return survey(parts, definition, past=self.past, about=False).ids

        return done

    def noticed(
        self, parts: Iterable[T], definition: Definition | None = None, *, again: bool = False
    ) -> Iterator[T]:
        """Yield parts as they are, and report once in a process which are of version 1 and have equal parameters by now."""
        number = self.now.number()
        if number <= _noticed.get(self.now.path, -1) and not again:
            yield from parts
            return
        definition = definition or self.present_definition
        old: dict[Hashable, list[tuple[int, Sequence[Tree]]]] = {}
        for part in parts:
            for id, tree in _of_version_1(part):
                values = (
                    [tree.get("parameters")]
                    if definition is None
                    else read_parameters(tree, definition, self.past)
                )
                if values is not None:
                    old.setdefault((key(values), repeat_of(tree)), []).append((id, values))
            yield part
        names = ("parameters",) if definition is None else definition.names
        found = [
            (some[0][0], id, difference)
            for some in old.values()
            for id, values in some[1:]
            for difference in _differences(names, some[0][1], values)
        ]
        _noticed[self.now.path] = math.inf if found else number
        if found:
            first, second, texts = min(found)
            warn(
                f"{count(len(found), 'pair')} of measurements in {self.now.path}, {first} and {second} for example, had "
                f"different parameters in version 1 and have equal ones by now: {texts}. They lie along a dim 'row' of "
                "the Dataset."
            )

    def notice(self) -> None:
        """Do this for all measurements, once they changed; what cannot be read is reported elsewhere."""
        deque(self.noticed(self.now.measurements.parts(), again=True), maxlen=0)

    def recorded_failures(self) -> list[tuple[int, Tree]]:
        """Return the records of failures with the ids that their measurements would have had.

        One that makes no sense is skipped with a warning.
        """
        found = []
        for tree in self.now.failures():
            id, fault = tree["info"]["measurement_id"], fault_of_failure(tree)
            if fault:
                warn(
                    f"The record of failure {id} in {self.now.path}: {fault}. It is skipped.",
                    DataFileWarning,
                )
            else:
                found.append((id, tree))
        return found

    def failed(
        self, done_by: Callable[[Definition], Container[Hashable]] | None = None
    ) -> list[tuple[int, Tree]]:
        """Return the records of failures, with the names of now; a set that has succeeded since counts no more, even if kept."""
        failures = [(id, self.past.applied(tree)) for id, tree in self.recorded_failures()]
        definition = self.present_definition
        if not failures or definition is None:
            return failures
        done = (done_by or self.done())(definition)
        again = survey(failures, definition, past=self.past).ids
        over = {number for key, numbers in again.items() if key in done for number in numbers}
        # What was to take the place of a measurement of other code failed, whether that is kept or not.
        return [(n, tree) for n, tree in failures if n not in over or "replaces" in tree["info"]]

    def failure(self, id: int) -> Failure:
        """Return one recorded failure; PathError when there is none."""
        from coma_xr.run.report import Failure
        from coma_xr.run.worker import EXACT

        failures, id = dict(self.recorded_failures()), check_id(id)
        if id not in failures:
            raise PathError(f"{self.now.path} has no failure {id!r}.", available=map(str, sorted(failures)))
        tree = self.past.applied(failures[id])
        exact = tree["info"].get(EXACT)
        if isinstance(exact, dict):
            now = {join(self.past.now(split(path))): value for path, value in exact.items()}
            tree = {**tree, "info": {**tree["info"], EXACT: now}}
        return Failure(tree, self.present_definition)

    def missing(self, given: Sequence[Any], *, reports: bool = True) -> Scan:
        """Return the parameter sets that were asked for and have no measurement, or not all of their repeats; report what is not listed."""
        scan = self.now.asked()
        recorded = self.definition if scan is None else scan.definition
        if recorded is None:
            path = self.now.path
            if self.now.number():
                way = Way("Run the scan again: it computes only what is missing.", "")
                raise ParameterError(f"The requested parameter sets are not recorded in {path}.", ways=[way])
            fault = f"Nothing was run in {path} yet, so nothing is missing."
            raise ParameterError(fault, ways=[Way("Run a scan first.", "")])
        definition = self.past.definition(recorded)
        if scan is None:
            return Scan.of_rows(definition, [])
        lacking = scan.lacking(self.done()(definition))
        values = given_again(recorded.paths, scan.exact, given)
        rows = [values(row) for row, number in lacking if number]
        if scan.beyond and reports:
            warn(
                f"At least {count(scan.beyond, 'parameter set')} more of the last scan, which is too large to be listed, were not "
                "requested by a run yet.",
                way=Way(
                    "Run the scan again with limit= for the next ones.",
                    "Run the scan again with --limit for the next ones.",
                ),
            )
        return Scan.of_rows(definition, rows, repeats=scan.repeats)

    @no_collection()
    def counts(self) -> dict[str, int]:
        """Return the numbers of measurements, of parameter sets that failed or are missing, and of what is excluded."""
        scan, done_by, missing = self.now.asked(), self.done(), 0
        if scan is not None:
            done = done_by(self.past.definition(scan.definition))
            missing = sum(number for _, number in scan.lacking(done))
            missing += scan.beyond * (scan.repeats or 1)
        return {
            "measurements": self.now.number(),
            "failed": len(self.failed(done_by)),
            "missing": missing,
            "excluded": len(self.excluded),
        }

    def failed_of_missing(self) -> int:
        """Return how many of the missing parameter sets failed; those of an earlier scan are not missing in the last one."""
        scan = self.now.asked()
        if scan is None:
            return 0
        definition, done_by = self.past.definition(scan.definition), self.done()
        keys, done, size = set(keys_of(list(scan.sets))), done_by(definition), len(definition)
        failed: Iterable[Any] = survey(self.failed(done_by), definition, past=self.past).ids
        return sum(
            one[:size] in keys and sum(one[size:]) < (scan.repeats or 1) and one not in done for one in failed
        )

    def runs(self) -> list[LiveRun]:
        """Return the runs that work on the experiment."""
        return seen_runs(self.now.path, self.now.names)

    def status(self) -> Status:
        """Return what is known of parameter sets next to the measurements."""
        from coma_xr.retrieve.dims import Status

        scan = self.now.asked()
        return Status(
            paths=() if scan is None else scan.definition.paths,
            sets=() if scan is None else list(scan.sets),
            repeats=None if scan is None else scan.repeats,
            failures=self.recorded_failures(),
            excluded=self.excluded,
        )

    # Measurements

    def trees(self, *, strict: bool = False) -> StoredTrees:
        """Return id and tree of every measurement, ready to be handed out."""
        from coma_xr.retrieve.columns import StoredTrees

        now = self.now
        return StoredTrees(
            lambda: located(self.noticed(now.trees(strict=strict)), now),
            lambda: located(now.measurements.trees(), now),
            lambda: located_parts(self.noticed(now.parts(strict=strict)), now),
        )

    def selected(self, where: Any, otherwise: str = "") -> Iterator[tuple[int, Tree]]:
        """Yield id and tree of the measurements for which a condition holds."""
        from coma_xr.retrieve.selection import selected

        return selected(
            self.trees(),
            where,
            **self.meanings,
            otherwise=otherwise,
        )

    def measurement(self, id: Any) -> tuple[int, Tree]:
        """Return id and tree of one measurement; PathError when there is none."""
        # Ids of a Dataset are NumPy's.
        number = as_integer(id)
        id = id if number is None else number
        try:
            return next(located([(id, self.now.measurements.read(id))], self.now))
        except PathError as error:
            if not (isinstance(id, int) and self.now.has_failure(id)):
                raise
            raise PathError(
                f"There is no measurement {id!r}: this parameter set failed.",
                name=error.name,
                ways=[
                    Way(
                        f"failure({id}) returns its record.",
                        f"`coma-xr failures DIR --traceback {id}` prints the reason.",
                    )
                ],
            ) from None

    def chosen(self, where: Any) -> list[int]:
        """Return the ids that are given, or those of the measurements for which a condition holds."""
        given_ids = check_ids("where", where)
        if given_ids is not None:
            return given_ids
        return [id for id, _ in self.selected(where, otherwise="nothing was changed")]

    def built(self, build: Callable[[Iterable[tuple[int, Tree]]], T], *, strict: bool) -> T:
        """Return what is built of the measurements, without those that hold a value that cannot be read."""
        strict = check_flag("strict", strict)
        try:
            return build(self.trees(strict=strict))
        except DataFileError:
            bad = self.unreadable()
            if not bad:
                raise
        from coma_xr.retrieve.columns import without, without_values

        text = f"In {self.now.path} cannot be read: {listing(bad.texts(), 3)}."
        if strict:
            raise DataFileError(text, ways=[WITHOUT_STRICT])
        holes = f"{len(bad.arrays)} of {self.now.number()} measurements have holes there."
        left_out = (
            f"{len(bad.measurements)} of {self.now.number()} measurements are left out. What cannot be repaired is "
            "computed again when it was removed."
        )
        warn(
            " ".join([text, *[holes] * bool(bad.arrays), *[left_out] * bool(bad.measurements)]),
            DataFileWarning,
        )
        return build(without_values(without(self.trees(), bad.measurements), bad.arrays))

    def unreadable(self) -> Unreadable:
        """Return the measurements that hold a value that cannot be read, and what is wrong with it."""
        from coma_xr.exports.external import deferred

        # What is missing is found without reading arrays that lie in files of their own.
        bad = self._refused_by(deferred)
        return bad or self._refused_by(from_plain)

    def _refused_by(self, value_of: Callable[[Tree], object]) -> Unreadable:
        bad = Unreadable({}, {})
        for id, tree in located(self.now.measurements.trees(), self.now):
            for keys, leaf in leaves(tree):
                try:
                    value_of(leaf)
                except DataFileError as error:
                    text = f"measurement {id}, {shown(keys)}: {error.line()}"
                    if is_external(leaf) and role(keys) == "result":
                        bad.arrays.setdefault(id, {})[keys] = text
                    else:
                        bad.measurements.setdefault(id, text)
        return bad

    # What they become

    def layout(self) -> DatasetLayout:
        """Return how the Dataset is laid out."""
        from coma_xr.retrieve.dataset import layout_of

        return layout_of(self.trees(), self.layout_rule, **self.meanings, status=self.status())

    def dataset(
        self, *, chunks: Any, strict: bool, codes: Callable[[Snapshot], Mapping[int, str]], **options: Any
    ) -> xr.Dataset:
        """Return the Dataset of `Experiment.to_dataset`, with the number of code states where there are several."""
        from coma_xr.retrieve.dataset import build_dataset

        self.warn_when_empty()
        build = partial(
            build_dataset,
            **options,
            **self.meanings,
            rule=self.layout_rule,
            status=self.status(),
            attrs=self.attrs,
            doubles=self.without_doubles,
        )
        ds = self.built(build, strict=strict)
        states = codes(self.now)
        if states and "measurement_id" in ds:
            used = {states[id] for id in ds.measurement_id.values.ravel().tolist() if id in states}
            ds.attrs |= {"code_states": len(used)} if len(used) > 1 else {}
        if chunks is None:
            return ds
        from coma_xr.exports.external import chunked

        return chunked(ds, chunks)

    def frame(self, *, strict: bool, **options: Any) -> pd.DataFrame:
        """Return the DataFrame of `Experiment.to_dataframe`."""
        from coma_xr.retrieve.dataframe import build_dataframe

        self.warn_when_empty()
        build = partial(
            build_dataframe,
            **options,
            **self.meanings,
            excluded=self.excluded,
            doubles=self.without_doubles,
        )
        return self.built(build, strict=strict)

    def paths(self) -> pd.DataFrame:
        """Return the table of `Experiment.paths`."""
        from coma_xr.retrieve.listings import paths_table

        return self.built(partial(paths_table, **self.meanings), strict=False)

    def paths_rows(self) -> list[dict[str, Any]]:
        """Return its rows, which need no pandas."""
        from coma_xr.retrieve.listings import paths_rows

        return self.built(partial(paths_rows, **self.meanings), strict=False)

    def tables(self, columns: Any, parameters: Any) -> ResultList:
        """Return the tables of `Experiment.retrieve_results`."""
        from coma_xr.retrieve.tables import retrieve_results

        self.warn_when_empty()

        def build(trees: Iterable[tuple[int, Tree]]) -> ResultList:
            return retrieve_results(
                ((id, tree) for id, tree in trees if id not in self.excluded),
                columns,
                parameters,
                recorded=self.names,
                annotations=self.annotations,
                doubles=self.without_doubles,
            )

        return self.built(build, strict=False)

    def known_names(self) -> Names:
        """Return the names of all paths that measurements have."""
        from coma_xr.retrieve.requests import NameLookup

        lookup = NameLookup(self.present_pairs, self.past.unchanged(self.names), self.past)
        return lookup.names(self.now.trees())

    def warn_when_empty(self) -> None:
        """Warn when there are no measurements, with a reason where one is known."""
        if not self.now.number():
            failed = self.now.number_of_failures()
            hint = f" {failed} parameter set{'s' * (failed != 1)} failed." if failed else ""
            near = [] if failed else near_experiments(self.now.path, self.now.config)
            hint += f" Did you mean {alternatives(near)}?" if near else ""
            way = Way("failures() lists the reasons.", "`coma-xr failures DIR` lists the reasons.")
            warn(f"There are no measurements in {self.now.path}.{hint}", way=way if failed else None)

    # Measurements that record the event of another one

    def identity(self, tree: Tree) -> Any:
        """Return the key of the parameters of a tree."""
        definition = self.present_definition
        return key(
            tree.get("parameters") if definition is None else read_parameters(tree, definition, self.past)
        )

    def duplicates(self) -> list[tuple[int, int]]:
        """Return the ids of the measurements that do not count, each with the one that does, sorted."""
        ids = dict[Hashable, list[int]]()
        for id, tree in self.trees():
            if (event := event_of(tree)) is not None:
                ids.setdefault((event, self.identity(tree), repeat_of(tree)), []).append(id)
        return sorted(
            self._doubles(sorted(id for some in ids.values() if len(some) > 1 for id in some)).items()
        )

    def _doubles(self, ids: Iterable[int]) -> dict[int, int]:
        """Return which of some measurements record an event that another one counts for, and this other one."""
        # One that is used counts before one that is not.
        order = sorted(ids, key=lambda id: (id in self.excluded, id))
        return doubles(((id, self.now.measurements.read(id)) for id in order), self.identity)

    def without_doubles(self, ids: Iterable[int]) -> dict[int, int]:
        """Return what `_doubles` does, and warn; also measurements that were computed again and not moved yet."""
        ids = list(ids)
        gone = replaced((id, self.now.measurements.read(id)) for id in ids)
        found = self._doubles(id for id in ids if id not in gone)
        if found:
            id, other = min(found.items())
            warn(
                f"{count(len(found), 'measurement')} in {self.now.path} {'records' if len(found) == 1 else 'record'} the same "
                f"event as another one and {'does' if len(found) == 1 else 'do'} not count, {id} next to {other} for "
                "example.",
                way=Way("duplicates() lists all, remove_duplicates(dry_run=False) moves them away.", ""),
            )
        return found | gone


def _named_value(
    pairs: list[tuple[str, Path]],
    names: dict[str, Path],
    past: Past,
    measurement: Branch,
    tree: Tree,
    name: PathLike,
) -> Any:
    # A whole path stands for another one only where something was renamed or has a default.
    if isinstance(name, tuple) and not (past.former or past.defaults):
        return NOTHING
    from coma_xr.retrieve.requests import NameLookup

    return NameLookup(pairs, names, past).value(measurement, tree, name)


def _of_version_1(part: Any) -> Iterator[tuple[int, Tree]]:
    """Yield the measurements of version 1, which did not write who made one."""
    if isinstance(part, tuple):
        info = part[1].get("info")
        if type(info) is dict and "made_by" not in info and "coma_xr_version" in info:
            yield part
    elif part.column(MADE_BY) is None:
        for pair in part.trees():
            yield from _of_version_1(pair)


def _differences(names: Sequence[str], values: Sequence[Tree], others: Sequence[Tree]) -> Iterator[str]:
    """Yield the name of the first parameter whose stored forms differ, with its two values in Python."""
    for name, a, b in zip(names, values, others, strict=True):
        # NaN is unlike itself.
        if a != b and not (type(a) is type(b) is float):
            yield f"{name} = {shortened(from_plain(a))} and {shortened(from_plain(b))}"
            return


def located(trees: Iterable[tuple[int, Tree]], now: Snapshot) -> Iterator[tuple[int, Tree]]:
    """Yield ids and trees; those with arrays in files of their own know where these are."""
    for id, tree in trees:
        # One look first, since there may be very many and few have any.
        info = tree.get("info")
        if type(info) is dict and FILES in info and files_of(tree):
            from coma_xr.exports.external import located as with_files

            yield id, with_files(tree, now.stem(id))
        else:
            yield id, tree


def check_definition(records: Records, new: Definition, constants: Mapping[Path, Tree]) -> None:
    """Raise ParameterError when measurements were made with other parameters that the new ones do not extend."""
    old = records.definition
    if old is not None and old != new and records.now.number():
        check_extends(old, new, records.past, constants, records.now.trees)


def keep_definition(
    records: Records, place: ExperimentDirectory, new: Definition, added: list[tuple[Tree, ...]]
) -> None:
    """Record a new definition, and clear the parameter sets that were added by another one."""
    if records.definition != new:
        place.change_state(lambda state: state.update(definition=new.to_state()))
        added.clear()


def define(
    records: Records, place: ExperimentDirectory, new: Definition, added: list[tuple[Tree, ...]]
) -> None:
    """Check and record a definition."""
    check_definition(records, new, {})
    keep_definition(records, place, new, added)


def fix_layout(records: Records, place: ExperimentDirectory, layout: str | None, dims: Any) -> None:
    """Record a layout of the Dataset, see `Experiment.define_layout`."""
    layout = check_layout(layout)
    if dims is not None and layout != "grid":
        raise LayoutError(
            f"The layout {layout!r} takes no dims.", ways=["Leave dims= out, or define 'grid'."]
        )
    from coma_xr.retrieve.requests import dims_of

    pairs = None if dims is None else dims_of(dims, records.known_names)

    def change(state: dict[str, Any]) -> None:
        state.pop("layout", None)
        if layout is not None:
            state["layout"] = {"kind": layout, "dims": pairs}

    place.change_state(change)


def note(records: Records, place: ExperimentDirectory, path: PathLike, given: Mapping[str, Any]) -> None:
    """Record annotations of a path, see `Experiment.annotate`; warn when no measurement has it."""
    from coma_xr.retrieve.requests import check_renames, checked_annotation

    taken = () if records.definition is None else records.definition.names
    key, notes, existing = checked_annotation(path, given, records.known_names, records.now.trees(), taken)
    lacking = [split(key)] if existing else []
    if notes.get("formerly"):
        renamed = {**records.annotations, key: {**records.annotations.get(key, {}), **notes}}
        lacking += check_renames(split(key), renamed, records.now.measurements.trees())

    def change(state: dict[str, Any]) -> None:
        annotations = state.setdefault("annotations", {})
        noted = annotations.get(key, {}) | notes
        annotations[key] = {name: value for name, value in noted.items() if value is not None}
        if not annotations[key]:
            del annotations[key]

    place.change_state(change)
    # A default, or a former path, is for measurements that do not have this one.
    noted = {name for name, value in notes.items() if value is not None} - {"default", "formerly"}
    known = Records(place.last).annotations.get(key, {})
    if not noted or {"default", "formerly"} & known.keys():
        lacking = [path for path in lacking if path != split(key)]
    number = records.now.number()
    if number and lacking:
        known_paths = [join(path) for path in records.known_names().paths if role(path) != "info"]
        name = join(lacking[0])
        warn(
            f"None of the {number} measurements in {place.path} has '{name}'. {available(name, known_paths)}"
        )


def mark(records: Records, place: ExperimentDirectory, where: Any, reason: Any) -> list[int]:
    """Exclude measurements, or include excluded ones again without a reason; return their ids."""
    if reason is not None and not (isinstance(reason, str) and reason):
        raise ParameterError(
            f"reason={reason!r} is not a reason.", expected="a str, or None to remove the mark"
        )
    ids = records.chosen(where)
    if reason is None:
        marks = records.now.excluded()
        place.include(ids)
        return [id for id in ids if id in marks]
    place.exclude(ids, reason)
    return ids


def located_parts(
    parts: Iterable[Block | tuple[int, Tree]], now: Snapshot
) -> Iterator[Block | tuple[int, Tree]]:
    """Yield parts as they are, other than trees with arrays in files of their own, which know where these are."""
    for part in parts:
        if isinstance(part, tuple):
            yield from located([part], now)
        elif any(path[:2] == ("info", FILES) for path, _ in part.leaves):
            yield from located(part.trees(), now)
        else:
            yield part


def keep_scan(place: ExperimentDirectory, asked: Asked, past: Past) -> None:
    """Record a scan, and that it was asked for unless it is part of what was asked for already."""
    before, record = place.look().asked(), asked.record
    is_new = before is None or not asked.is_part(before, past)
    asked_now = asked.to_state() if is_new else None
    if record is None:
        place.save_scan(asked_now)
    else:
        place.save_scan(asked_now, lambda records: with_scan(records or record_of_last_scan(before), record))


def forget(place: ExperimentDirectory, scan: Scan, *, is_all: bool = False) -> None:
    """Take back that the parameter sets of a scan were asked for, with `is_all` also of those that are not listed."""
    gone = {key_of(row) for row in scan.rows()}
    with place.changing() as now:
        asked = now.asked()
        if asked is not None and (gone or is_all):
            left = asked.without(gone)
            place.save_scan((replace(left, beyond=0) if is_all else left).to_state())


def report_layout(
    before: Records, after: Records, there: Mapping[Hashable, list[int]], new: list[Any]
) -> None:
    """Warn if the layout of the Dataset differs from the one before the run.

    `there` are the parameter sets measured before the run, with their ids, and `new` the keys of those since.
    """
    old, definition = before.definition, after.definition
    earlier_rule = before.layout_rule
    rules = earlier_rule, earlier_rule if after.is_laid_out_like(before) else after.layout_rule
    if definition is None or old is None or (not new and (rules[0], old) == (rules[1], definition)):
        return
    measured: list[Any] = [key for key, ids in there.items() for _ in ids]
    change = change_of_layout(rules, (old, definition), (measured, measured + new))
    if change is not None:
        earlier, later, undo = change
        warn(
            f"The layout of the Dataset of {after.now.path} changed from {earlier} to {later}.",
            way=Way(f"{undo} restores the earlier one.", ""),
        )


def keep_function(place: ExperimentDirectory, name: str, now: Snapshot) -> None:
    """Record which function is run, and warn if an earlier run called another one."""
    before = now.sections.get("function")
    if name in (UNNAMED, before):
        return
    if before is not None and now.number():
        warn(
            f"An earlier run in {place.path} called {before}(). All measurements count as done for {name}() too and are not "
            "computed again.",
            way=Way(
                "Use one experiment for each function, or remove() the measurements to compute them again.",
                "Use one directory for each function (-o DIR), or --recompute all.",
            ),
        )
    place.change_state(lambda state: state.update(function=name))


def keep_command(place: ExperimentDirectory) -> None:
    """Record the command of the terminal that runs, if it is one."""
    command = place.command
    if command is not None:
        place.change_state(lambda state: state.update(command=command))


def keep_seed(place: ExperimentDirectory, work: Work) -> None:
    """Record the root of all seeds that a run has drawn, unless there is one."""
    if work.seeds is not None:
        root = work.seeds.root
        place.change_state(lambda state: state.setdefault("seed", root))


def with_kept_seed(now: Snapshot, work: Work, given: int | None) -> Work:
    """Return the work with the experiment's root of all seeds, unless another one was given."""
    seeds = work.seeds
    if seeds is None:
        return work
    # Jobs that begin at the same moment have drawn different ones.
    kept = now.sections["seed"]
    if given is None:
        return replace(work, seeds=replace(seeds, root=kept))
    if given != kept:
        warn(
            f"The seeds in {now.path} come from the root {kept}, those of this run from {given}. Points that have a "
            "measurement are not run again."
        )
    return work


def record_names(
    place: ExperimentDirectory, definition: Iterable[tuple[str, Path]], paths: Mapping[Path, bool]
) -> None:
    """Keep the names of paths, and of items of lists, so that they stay; report paths that get longer names for that."""
    recorded, defined = Records(place.look()).names, dict(definition)
    taken = {name: path for name, path in recorded.items() if defined.get(name, path) != path}
    recorded = {name: path for name, path in recorded.items() if name not in taken}
    named = {*recorded.values(), *defined.values()}
    values = [path for path in paths if role(path) not in ("info", "class") and "" not in path]
    items = [(*path, "0") for path in values if paths[path]]
    new = [path for path in dict.fromkeys((*values, *items, *taken.values())) if path not in named]
    if not new:
        return
    known = dict.fromkeys([*values_and_lists([*recorded.values(), *taken.values()]), *values])
    names, by_rule = Names(known, definition, recorded), Names(known, definition)
    added = {names.of(path): join(path) for path in new}

    def change(state: dict[str, Any]) -> None:
        kept = {name: path for name, path in state.get("names", {}).items() if name not in taken}
        state.update(names={**added, **kept})

    place.change_state(change)
    longer = [path for path in new if path in paths and names.of(path) != by_rule.of(path)]
    texts = [f"{join(path)} is called '{names.of(path)}'" for path in [*taken.values(), *longer]]
    if texts:
        why = f"'{next(iter(taken))}' is a parameter now" if taken else "the shorter name has another path"
        warn(f"In {place.path} {listing(texts, 3)}, since {why}.")

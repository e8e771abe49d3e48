"""One run of an experiment: what the store knows goes to the runner, what the runner makes into the store."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast

from coma_xr.checks import check_ids
from coma_xr.code_history import accept, code_of_run, with_code
from coma_xr.define.scan_records import Asked
from coma_xr.define.scans import Scan
from coma_xr.define.values import BRANCH, NOTHING, key_of, look, things_of
from coma_xr.errors import ComaError, ParameterError, PathError, StorageError, Way, warn
from coma_xr.records import (
    Records,
    check_definition,
    keep_command,
    keep_definition,
    keep_function,
    keep_scan,
    keep_seed,
    record_names,
    report_layout,
    with_kept_seed,
)
from coma_xr.run.plan import Survey, plan, survey
from coma_xr.run.runner import check_sendable, dry_run, run_plan
from coma_xr.run.signature import called, default_of, defaults, makes_no_difference, name_of, random_arguments
from coma_xr.run.worker import REPLACES, RESOURCES, prepare
from coma_xr.same import doubles, key, near_pairs
from coma_xr.store.locks import Shard, tell
from coma_xr.store.place import ending
from coma_xr.text import count, listing, shortened
from coma_xr.tree import join, misspelt_branches

if TYPE_CHECKING:
    from coma_xr.code_history import RunCode
    from coma_xr.define.axes import Row
    from coma_xr.define.parameters import Definition, Past
    from coma_xr.run.options import RunOptions
    from coma_xr.run.plan import Plan
    from coma_xr.run.report import RunReport
    from coma_xr.run.worker import Outcome, Work
    from coma_xr.store.place import Durable, ExperimentDirectory, Saver
    from coma_xr.store.removing import Removed
    from coma_xr.store.snapshot import Snapshot
    from coma_xr.store.upkeep import Finding
    from coma_xr.tree import Path
    from coma_xr.values.plain import Tree


def run_scan(
    place: ExperimentDirectory,
    function: Callable[..., Any],
    given: Any,
    added: list[tuple[Tree, ...]],
    options: RunOptions,
    *,
    durable: Durable,
    encoding: Mapping[str, Any],
) -> RunReport:
    """Run a function for each parameter set of a scan, or of those that were added, that has no measurement yet."""
    before = Records(place.look(listed=None))
    if before.now.read_only and not options.dry_run:
        before.now.check_writable()
    asked, changes = with_defaults(given, function, options, before)
    # As it will be. Nothing is recorded before everything is checked.
    records = before.changed(changes.change) if changes else before
    if asked is not None and options.repeats is None:
        options = replace(options, repeats=asked.repeats)
    work_of = partial(_work, function, asked, options, records, encoding)
    if asked is not None:
        # Before a name that the function does not know is taken for a new parameter.
        work_of(asked.definition)
    elif records.definition is None:
        raise _nothing_to_run(place.path)
    definition = records.like(asked) if asked is not None else records.defined()
    whole = None
    if asked is not None:
        asked, whole = within_limit(asked, definition, records, options)
    wanted = added if asked is None else asked.rows(definition)
    work = replace(work_of(definition), things=things_of(wanted), capture=options.capture)
    if asked is not None:
        check_definition(records, definition, work.defaults)
    again = chosen_again(options.recompute, definition, records)
    if not options.dry_run:
        place.check_writable(before.now)
        check_sendable(work, options)
    # What it finds out about sources is cached in the directory, so it follows the checks.
    cache = place.code_cache(writes=not options.dry_run and options.shard is None)
    code = code_of_run(before.now, work, options.inputs, cache)
    session = Session(place, work, wanted, records.past, durable, options, code, again)
    changes.warn(function, place.path, dry_run=options.dry_run)
    if not wanted:
        _warn_of_no_sets(place.path, asked)
    if options.dry_run:
        return session.dry_run()
    last = Asked.of(definition, wanted, asked, options.repeats, whole)
    shard = None if options.shard is None else Shard.of_scan(options.shard, last.to_state())
    record = partial(_record, place, work, changes, records, asked, added, last)
    with place.running(shard, record) as now:
        return replace(session, work=with_kept_seed(now, work, options.seed)).run(before, now)


def _nothing_to_run(path: str) -> ParameterError:
    return ParameterError(
        f"There is nothing to run in {path}.",
        ways=["Pass a scan, such as run(f, {'theta': [0.1, 0.2]}), or define and add parameter sets."],
    )


def _work(
    function: Callable[..., Any],
    asked: Scan | None,
    options: RunOptions,
    before: Records,
    encoding: Mapping[str, Any],
    definition: Definition,
) -> Work:
    return prepare(
        function,
        definition,
        "set" if asked is None else "keywords",
        **encoding,
        seed=options.seed,
        constants=before.past.defaults,
        resources=options.resources,
    )


def _record(
    place: ExperimentDirectory,
    work: Work,
    changes: DefaultChanges,
    before: Records,
    asked: Scan | None,
    added: list[tuple[Tree, ...]],
    last: Asked,
) -> None:
    """Record defaults, definition, seed, function, command and scan of a run."""
    changes.record(place)
    if asked is not None:
        keep_definition(before, place, work.definition, added)
    keep_seed(place, work)
    keep_function(place, name_of(work.function), before.now)
    keep_command(place)
    keep_scan(place, last, before.past)


def encoding_of(place: ExperimentDirectory, version: str) -> dict[str, Any]:
    """Return how measurements are written, as arguments of `coma_xr.run.worker.prepare`."""
    return {
        "getstate": place.config.serializer_getstate,
        "pretty": place.pretty,
        "strict": place.strict,
        "suffix": place.suffix,
        "provenance": {"coma_xr_version": version},
    }


def save_by_hand(
    place: ExperimentDirectory, durable: Durable, outcomes: Sequence[Outcome], first: int
) -> list[int]:
    """Save measurements that no run has made, and return their ids, by default from `first` on."""
    ids: list[int] = []
    try:
        with place.saving(durable, in_turns=len(outcomes) > 1) as saving:
            keeper = Keeper(place, saving, Survey({}, [], {}), first)
            for position, outcome in enumerate(outcomes):
                ids.append(keeper.save(outcome))
                # Others save too: where an id was taken, those after it are as well.
                keeper.first = ids[-1] - position
    except StorageError as error:
        if len(outcomes) > 1:
            error.add_note(
                f"{len(ids)} of {count(len(outcomes), 'measurement')} were saved: {listing(ids, 3)}."
            )
        raise
    finally:
        if ids:
            place.note_saved(ids[-1])
            place.write_index_soon(ids[-1])
    return ids


def within_limit(
    scan: Scan, definition: Definition, records: Records, options: RunOptions
) -> tuple[Scan, int | None]:
    """Return a scan; of a huge one the first sets, as many as needed for `limit` new ones, and how many it has at least."""
    if options.limit is None or options.shard is not None or not scan.is_huge:
        return scan, None
    parts = chain(records.now.parts(), records.recorded_failures())
    known = survey(parts, definition, past=records.past).ids
    rows: list[Row] = []
    new, whole = 0, None
    for row in scan.plain(definition):
        if new == options.limit:
            whole = scan.known_length or len(rows) + 1
            break
        rows.append(row)
        new += key_of(row) not in known
    return Scan.of_rows(definition, rows, scan.structure, scan.repeats), whole


# Section of coma.json: arguments that became parameters since their defaults changed.
_DEFAULTS = "defaults"

# The defaults last compared with the measurements, by the experiment's directory.
_compared: dict[str, dict[str, Tree]] = {}


@dataclass(frozen=True)
class DefaultChanges:
    """The changes of a function's defaults that a run finds, and records if no error ends it before.

    `others` are by the names of arguments another value that measurements have, `lacking` the measurements without a
    value. Those of arguments that `own` names were compared.
    """

    own: Mapping[str, Tree] = field(default_factory=dict)
    others: Mapping[str, Tree] = field(default_factory=dict)
    lacking: Mapping[str, list[int]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.others or self.lacking)

    def change(self, state: dict[str, Any]) -> None:
        """Change the state: arguments that become parameters, and what measurements without an argument count as."""
        if self.others:
            names = {join((BRANCH, name)): self.own[name] for name in self.others}
            state.setdefault(_DEFAULTS, {}).update(names)
        for name in self.lacking:
            notes = state.setdefault("annotations", {}).setdefault(join((BRANCH, name)), {})
            notes["default"] = self.own[name]

    def record(self, place: ExperimentDirectory) -> None:
        """Record the changes."""
        if self.own:
            _compared[place.path] = dict(self.own)
        if self:
            place.change_state(self.change)

    def warn(self, function: Callable[..., Any], path: str, *, dry_run: bool) -> None:
        """Report the changes, or what a run would change."""
        for name, value in self.others.items():
            becomes = f"A run makes {name} a parameter" if dry_run else f"{name} is a parameter from now on"
            warn(
                f"The default {name} = {self.own[name]!r} of {called(function)}() was {value!r} in measurements of {path}. "
                f"{becomes}: the new value is computed, and the measurements with other values stay."
            )
        for name, ids in self.lacking.items():
            has, counts = ("has", "counts") if len(ids) == 1 else ("have", "count")
            counts = "would count" if dry_run else f"from now on {counts}"
            warn(
                f"{count(len(ids), 'measurement')} in {path}, such as {ids[0]}, {has} no argument {name}, and {counts} as "
                f"{name} = {self.own[name]!r}, the "
                "function's default.",
                way=Way(
                    f"annotate('{join((BRANCH, name))}', default=...) sets another value.",
                    f"`coma-xr annotate DIR {join((BRANCH, name))} --default VALUE` sets another value.",
                ),
            )


def with_defaults(
    given: Any, function: Callable[..., Any], options: RunOptions, records: Records
) -> tuple[Scan | None, DefaultChanges]:
    """Return a scan, in which those defaults of the function are parameters that have other values in measurements.

    Raise ParameterError when an argument is recorded in some measurements, and came from resources in others.
    """
    if given is None:
        return None, DefaultChanges()
    scan, now, resources = Scan.of(given), records.now, list(options.resources or {})
    names = [str(path[-1]) for path in scan.definition.paths]
    random = random_arguments(function, [*names, *resources])
    if records.definition is None or not now.active:
        return scan, DefaultChanges()
    own = defaults(function, [*names, *resources, *random])
    _check_not_recorded(defaults(function, [*names, *random]).keys() & resources, records)
    if not own:
        return scan, DefaultChanges()
    known = [name for name in own if join((BRANCH, name)) in now.sections.get(_DEFAULTS, {})]
    changes = DefaultChanges()
    if _compared.get(now.path) != own:
        # What the user has made a parameter is asked for by an error.
        new = {name: own[name] for name in own if (BRANCH, name) not in records.definition.paths}
        changes = DefaultChanges(own, *_other_values(new, records))
        _check_no_resource(changes, records)
    changed = {name: [default_of(function, name)] for name in own if name in known or name in changes.others}
    return scan * Scan.of(changed) if changed else scan, changes


def _other_values(own: Mapping[str, Tree], records: Records) -> tuple[dict[str, Tree], dict[str, list[int]]]:
    """Return by the names of arguments another value that measurements have, and the measurements that have none."""
    others: dict[str, Tree] = {}
    lacking: dict[str, list[int]] = {}
    for id, name, value in _values_of(own, records):
        if value is NOTHING:
            lacking.setdefault(name, []).append(id)
        elif key((value,)) != key((own[name],)):
            others.setdefault(name, value)
    return others, lacking


def _values_of(names: Collection[str], records: Records) -> Iterator[tuple[int, str, Any]]:
    """Yield id, name and value of some arguments in each measurement; `NOTHING` where it has none."""
    past = records.past
    branches = {BRANCH, *(str(path[0]) for name in names for path in past.places((BRANCH, name)))}
    for id, tree in records.now.measurements.trees(branches) if names else ():
        for name in names:
            value = look(tree, (BRANCH, name))
            yield id, name, past.find(tree, (BRANCH, name)) if value is NOTHING else value


def _check_not_recorded(names: Collection[str], records: Records) -> None:
    """Raise ParameterError for a resource in place of a default that measurements record."""
    for id, name, value in _values_of(sorted(names), records):
        if value is not NOTHING:
            raise ParameterError(
                f"Measurement {id} of {records.now.path} has {name} = {shortened(value)}, and {name} from resources= would not be "
                "recorded.",
                name=name,
                ways=[
                    f"Put {name} into the scan.",
                    f"Or remove the default of {name} in the function, if it does not affect the results.",
                ],
            )


def _check_no_resource(changes: DefaultChanges, records: Records) -> None:
    """Raise ParameterError for a default of an argument that came from resources, so that its values are not known."""
    wanted = {id: name for name, ids in changes.lacking.items() for id in ids}
    for id, tree in records.now.measurements.trees(("info",)) if wanted else ():
        names = look(tree, ("info", RESOURCES))
        given = [
            name
            for name, ids in changes.lacking.items()
            if type(names) is list and name in names and id in ids
        ]
        if given:
            name, path = given[0], join((BRANCH, given[0]))
            raise ParameterError(
                f"Measurement {id} of {records.now.path} got {name} from resources=, so that its value is not recorded, and "
                f"this run would use the function's default {name} = {shortened(changes.own[name])}.",
                name=name,
                ways=[
                    Way(f"Pass {name} by resources=.", ""),
                    Way(
                        f"Or call annotate({path!r}, default=...) with the value that it had.",
                        f"Record the value that it had: coma-xr annotate DIR {path} --default VALUE.",
                    ),
                ],
            )


def chosen_of_removed(
    removed: Sequence[Removed],
    where: Any,
    records: Records,
) -> list[Removed]:
    """Return the removed measurements with some ids, of each the one removed last, or for which a condition holds.

    Raise PathError when no removed measurement has one of the ids.
    """
    ids = check_ids("where", where)
    if ids is not None:
        known = {one.id for one in removed}
        unknown = [id for id in ids if id not in known]
        if unknown:
            raise PathError(
                f"No measurement {listing(unknown)} was removed from {records.now.path}; nothing was changed.",
                name=str(unknown[0]),
                available=map(str, sorted(known)),
            )
        # An id may have been given again and removed again: the last one is meant.
        latest = {one.id: one for one in removed}
        return [latest[id] for id in dict.fromkeys(ids)]
    from coma_xr.retrieve.selection import selected

    # Two may have the same id, none the same position.
    trees = ((position, one.tree) for position, one in enumerate(removed))
    chosen = selected(
        trees,
        where,
        definition=records.pairs,
        annotations=records.annotations,
        recorded=records.names,
        otherwise="nothing was restored",
    )
    return [removed[position] for position, _ in chosen]


def verify(place: ExperimentDirectory, *, repair: bool) -> list[Finding]:
    """Check every file of an experiment, and report what is of version 1 as far as it can be read."""
    findings = place.verify(repair=repair)
    with suppress(ComaError):
        Records(place.look(listed=True)).notice()
    return findings


def warn_of_restored(after: Records, given: Mapping[int, int]) -> None:
    """Report restored measurements that have other ids by now, or the parameter set of another measurement."""
    now, definition = after.now, after.definition
    moved = {old: new for old, new in given.items() if old != new}
    if moved:
        pairs = listing(f"{old} is now {new}" for old, new in moved.items())
        warn(f"{count(len(moved), 'id')} in {now.path} had been used again: {pairs}.")
    if definition is None:
        return
    ids = given.values()
    parts = after.noticed(now.parts(), again=True) if ids else ()
    groups = survey(parts, definition, past=after.past).ids.values()
    shared = [group for group in groups if len(group) > 1 and not set(ids).isdisjoint(group)]
    one_event = doubles((id, now.measurements.read(id)) for group in shared for id in group)
    samples = [[id for id in group if id not in one_event] for group in shared]
    texts = [" and ".join(map(str, group)) for group in samples if len(group) > 1]
    if texts:
        pairs = listing(texts, 3)
        warn(
            f"Several measurements in {now.path} now have the same parameter set: {pairs}. They become a dim of the "
            "Dataset.",
            way=Way(
                "remove() those that are not wanted.",
                "`coma-xr remove` moves away those that are not wanted.",
            ),
        )


def chosen_again(where: Any, definition: Definition, records: Records) -> frozenset[int] | None:
    """Return the measurements that `recompute` chooses, None for all of the scan.

    Raise PathError when one of the ids has no measurement.
    """
    if where is True:
        return None
    if where is False or where is None:
        return frozenset()
    ids, known = check_ids("recompute", where), records.now.measurements.ids()
    if ids is None:
        from coma_xr.retrieve.selection import selected

        meanings: Any = {"definition": list(definition), "annotations": records.annotations}
        trees = records.now.trees()
        ids = [id for id, _ in selected(trees, where, **meanings, otherwise="nothing is computed again")]
    elif not set(ids).issubset(known):
        raise PathError(
            f"No measurement {listing(sorted({*ids}.difference(known)))} in {records.now.path} to compute again.",
            available=map(str, known),
        )
    return frozenset(ids)


# Seconds of a point from which on a run puts its measurements into the cache.
_SLOW = 2e-3

# Bytes of text from which on an array is better stored next to the tree.
_BIG = 10_000_000


def _warn_of_no_sets(path: str, scan: Scan | None) -> None:
    if scan is not None:
        warn(f"The scan has no parameter sets; nothing was run in {path}.")
        return
    way = Way("Pass a scan, such as run(f, {'theta': [0.1, 0.2]}), or add parameter sets.", "")
    warn(f"No parameter sets were added in this process; nothing was run in {path}.", way=way)


def _warn_of_others(ids: Collection[int]) -> None:
    """Warn of measurements that are to be computed again, but have other parameters than the sets of the run."""
    if ids:
        warn(
            f"{count(len(ids), 'measurement')} chosen to be computed again {'is' if len(ids) == 1 else 'are'} not among the "
            f"parameter sets of this run, for example {min(ids)}. They stay as they are."
        )


@dataclass
class Keeper:
    """Keeps what comes of parameter sets, under the ids that were reserved for them."""

    place: ExperimentDirectory
    saving: Saver
    failed: Survey
    first: int
    dates: list[str] = field(default_factory=list)
    keys: list[Any] = field(default_factory=list)
    replaced: Mapping[Any, list[int]] = field(default_factory=dict)
    gone: list[int] = field(default_factory=list)
    hinted: bool = False
    last_id: int = 0
    seconds: float = 0.0
    paths: dict[Path, bool] = field(default_factory=dict)
    misspelt: set[str] = field(default_factory=set)

    def save(self, outcome: Outcome) -> int:
        """Save a measurement and return its id."""
        assert outcome.rest is not None
        id = self.first + outcome.task.position
        if len(outcome.rest) > _BIG:
            self._hint(len(outcome.rest))
        replaced = self.replaced.get(outcome.task.key) if self.replaced else None
        if replaced:
            outcome.info[REPLACES] = list(replaced)
        id = self.saving.add(
            outcome.info, outcome.rest, id=id, seconds=outcome.seconds, beside=outcome.beside
        )
        self.last_id = max(self.last_id, id)
        self.dates.append(outcome.info["end_date"])
        self.seconds += outcome.seconds
        self.keys.append(outcome.task.key)
        if outcome.paths:
            self._check_branches({str(path[0]) for path in outcome.paths if path})
            self.paths |= outcome.paths
        self.gone += replaced or ()
        if self.failed.ids:
            self._forget(outcome)
        return id

    def _hint(self, size: int) -> None:
        """Say once in a run that there is a better place for what makes files of text big."""
        if not self.hinted:
            self.hinted = True
            warn(
                f"A measurement of {self.place.path} has {size / 1e6:.0f} MB of text. Arrays that large are better "
                "kept in netCDF files next to it: return coma.external(array)."
            )

    def _check_branches(self, names: Collection[str]) -> None:
        """Warn once of each branch with a misspelt name that a function returned; its measurements are saved."""
        # The run itself adds the parameters.
        for name, meant in misspelt_branches([name for name in names if name != BRANCH]).items():
            if name not in self.misspelt:
                self.misspelt.add(name)
                warn(
                    f"The function returned a branch '{name}', and no '{meant}'. It is saved as '{name}'. "
                    f"Did you mean '{meant}'?"
                )

    def record_failure(self, outcome: Outcome) -> int:
        """Record a failure and return the id that its measurement would have had."""
        id = self.first + outcome.task.position
        replaced = self.replaced.get(outcome.task.key)
        if replaced and outcome.failure is not None:
            outcome.failure["info"][REPLACES] = list(replaced)
        known = self.failed.ids.setdefault(outcome.task.key, [])
        if id in known:
            # The same parameter set has failed before in this run.
            self.place.remove_failures([id])
        id = self.saving.add_failure(outcome.failure, id=id, seconds=outcome.seconds)
        self._forget(outcome)
        known[:] = [id]
        return id

    def _forget(self, outcome: Outcome) -> None:
        ids = self.failed.ids.get(outcome.task.key)
        if ids is None:
            return
        try:
            self.place.remove_failures(ids)
        except StorageError as error:
            # What is newer is saved: this is not a reason to try that again, or to end the run.
            warn(f"The record of an earlier failure could not be removed: {error.line()}.")


@dataclass(frozen=True)
class Session:
    """One run of an experiment."""

    place: ExperimentDirectory
    work: Work
    wanted: Sequence[Sequence[Tree]]
    past: Past
    durable: Durable
    options: RunOptions
    code: RunCode | None = None
    again: frozenset[int] | None = frozenset()

    def run(self, before: Records, now: Snapshot) -> RunReport:
        """Run the parameter sets that have no measurement yet, by what a look under the lock of the run shows.

        A change of the layout since `before` is reported at the end.
        """
        place, work, options = self.place, self.work, self.options
        if options.shard is not None:
            place.keep_cache_in_memory()
        there, failed, todo, replaced = self._plan(Records(now))
        if there.replaced:
            self._move(sorted(there.replaced.intersection(chain.from_iterable(there.ids.values()))))
        self._warn(todo, there)
        if self.code is not None:
            # Also those that are not in this scan: results of both are in the Dataset.
            others = self.code.others(there)
            if options.code == "accept":
                accept(place, now, [self.code.hash, *others])
            elif todo.todo or todo.done:
                again = set(chain.from_iterable(replaced.values()))
                done = set(chain.from_iterable(there.ids[key] for key in todo.done if others))
                self.code.report(place, others, again, done)
            if todo.todo or options.code == "accept":
                is_full = place.config.record_code == "full"
                work = with_code(work, self.code.record(place, is_full=is_full), self.code.fingerprint)
        after: list[Snapshot] = []
        with place.saving(self.durable, now) as saving:
            first = now.next_id() if todo.todo else 0
            keeper = Keeper(place, saving, failed, first, replaced=replaced)
            with ending(lambda: after.append(self._end(keeper, now))):
                report = run_plan(
                    work,
                    todo,
                    options,
                    save=keeper.save,
                    record_failure=keeper.record_failure,
                    ever_succeeded=bool(there.ids),
                    versions=there.versions,
                    durations=there.durations,
                    tell=partial(tell, place.path),
                )
        self._count(report, there, todo, replaced)
        report_layout(before, Records(after[0]), there.ids, keeper.keys)
        return report

    def dry_run(self) -> RunReport:
        """Say what `run` would do, and about how long it would take; nothing is written."""
        there, _, todo, replaced = self._plan(Records(self.place.look(listed=True)))
        report = dry_run(todo, there, self.options, self.work.definition.names)
        self._count(report, there, todo, replaced)
        return report

    def _plan(self, records: Records) -> tuple[Survey, Survey, Plan, dict[Any, list[int]]]:
        """Return what is measured, what failed, what is to be done, and the measurements that are computed again."""
        work, options = self.work, self.options
        parts = records.noticed(records.now.parts(), work.definition)
        there = survey(parts, work.definition, past=self.past, constants=work.defaults)
        failed = survey(records.recorded_failures(), work.definition, past=self.past)
        stale = self.code.stale(there) if options.code == "recompute" and self.code is not None else {}
        if self.again is None:
            stale = there.ids
        elif self.again:
            stale = {
                key: ids for key, ids in there.ids.items() if key in stale or not self.again.isdisjoint(ids)
            }
        todo = plan(
            self.wanted,
            there.ids.keys() - stale.keys() if stale else there.ids,
            failed.ids,
            retry_failed=options.retry_failed,
            repeats=options.repeats,
            shard=options.shard,
            limit=options.limit,
            predictor=(lambda: None) if options.max_workers == 1 else there.durations.predictor,
        )
        wanted = {task.key for task in todo.todo} if stale else ()
        replaced = {key: stale[key] for key in wanted if key in stale}
        _warn_of_others(self.again.difference(*replaced.values()) if self.again else ())
        return there, failed, todo, replaced

    def _move(self, ids: Sequence[int]) -> None:
        """Move measurements away that were computed again."""
        if ids:
            self.place.remove(ids, "computed again")

    def _count(self, report: RunReport, there: Survey, todo: Plan, replaced: Mapping[Any, list[int]]) -> None:
        """Note in the report how many are computed again, and how many measurements are of other or unknown code."""
        if self.code is None:
            return
        report.recomputed = len(replaced)
        if self.options.code != "accept":
            others = chain.from_iterable(self.code.others(there).values())
            report.other_code = len(set(others).difference(*replaced.values()))
        if len(there.codes) < sum(map(len, there.ids.values())):
            report.unknown_code = sum(
                not any(id in there.codes for id in there.ids.get(key, ())) for key in todo.done
            )

    def _end(self, keeper: Keeper, now: Snapshot) -> Snapshot:
        """Note what is known only after measurements were saved: dates, and the names of their paths; return the last look."""
        dates = keeper.dates
        self._move(keeper.gone)
        if not dates:
            return now
        with self.place.changing(listed=None) as saved:
            start = saved.info.get("start_date") or dates[0]
            self.place.save_info(start_date=start, end_date=dates[-1])
            self.place.write_index(keeper.last_id)
            record_names(self.place, self.work.definition, keeper.paths)
            after = self.place.look()
        if self.options.shard is None and keeper.seconds > _SLOW * len(dates):
            # Reading them once more takes no time against computing them, and puts them into the cache.
            deque(after.measurements.parts(), maxlen=0)
        return after

    def _warn(self, todo: Plan, there: Survey) -> None:
        """Say what in the measurements that are there may not be what the user thinks."""
        names, path = self.work.definition.names, self.place.path
        repeats = self.options.repeats or 1
        if (
            repeats > 1
            and todo.todo
            and self.work.seeds is None
            and makes_no_difference(self.work.function, names)
        ):
            name = name_of(self.work.function)
            warn(
                f"{name}() takes neither rng nor seed, so that its {repeats} repeats are equal, unless it draws "
                f"random numbers without coma_xr. An argument rng (a NumPy Generator) or seed (a number) gets others each time: "
                f"def {name}({', '.join(names)}, rng)."
            )
        if there.lacking:
            many = len(there.lacking) != 1
            warn(
                f"{len(there.lacking)} measurement{'s' * many} of {path} lack{'s' * (not many)} one of {listing(names)} "
                f"and count{'s' * (not many)} for no parameter set: id {listing(there.lacking, 3)}.",
                way=Way(
                    "Call annotate(path, default=...) with the value that they had.",
                    "Type `coma-xr annotate DIR PATH --default VALUE` with the value that they had.",
                ),
            )
        for leaf, (id, value) in there.otherwise.items():
            warn(
                f"Measurement {id} of {path} has {join(leaf)} = {value!r}, but the function's default is another value "
                "now. It still counts as done. Make it a parameter to distinguish the values."
            )
        if todo.todo:
            keys = cast("list[tuple[Any, ...]]", [task.key for task in todo.todo])
            known = cast("list[tuple[Any, ...]]", there.ids)
            near = [
                f"{name} = {a!r} and {b!r}"
                for i, name in enumerate(names)
                for a, b in near_pairs(map(itemgetter(i), keys), map(itemgetter(i), known))
            ]
            if near:
                warn(
                    f"Nearly equal numbers count as different values: {listing(near, most=3)}. "
                    "Round them if they should be equal."
                )

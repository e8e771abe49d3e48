"""The interface of Coma 2 where it differs from that of coma_xr; `coma_xr.coma2` lists what is missing."""

from __future__ import annotations

import functools
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from coma_xr import files
from coma_xr.checks import GONE, check_string, check_strings, checks_keywords
from coma_xr.define.parameters import ParameterSet
from coma_xr.errors import ArgumentError, ExperimentError, MissingAttributeError, ParameterError, warn
from coma_xr.records import Records
from coma_xr.run.plan import plan, survey
from coma_xr.run.report import RunReport
from coma_xr.run.worker import date_text
from coma_xr.store import documents
from coma_xr.text import count, listing, shortened, with_article
from coma_xr.tree import join

if TYPE_CHECKING:
    from coma_xr.run.by_hand import NewMeasurement
    from coma_xr.store.config import Config
    from coma_xr.store.place import ExperimentDirectory


T = TypeVar("T", bound=type)

# The arguments of Coma 2's Experiment behind the directory.
_ARGUMENTS = ("id", "description", "tags", "config")


def takes_calls_of_coma2(cls: T) -> T:
    """Let a class of experiments take Coma 2's arguments, and its `run` call `run_measurement` of a subclass."""
    make, run = cls.__init__, cls.run  # type: ignore[misc,attr-defined]

    @functools.wraps(make)
    def init(self: Any, *arguments: Any, **keywords: Any) -> None:
        if cls.__dict__.get("_is_parallel") and "profile" in keywords:
            warn_of_profile(keywords.pop("profile"))
        make(self, *_translated(type(self).__name__, arguments, keywords), **keywords)

    @functools.wraps(run)
    def run_or_hook(self: Any, *arguments: Any, **keywords: Any) -> RunReport:
        return (_run_by_hook if _has_hook(self) else run)(self, *arguments, **keywords)

    cls.__init__ = init  # type: ignore[misc]
    cls.run = run_or_hook  # type: ignore[attr-defined]
    return cls


def _translated(name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Any, ...]:
    """Return the positional arguments that coma_xr takes, and put the others of Coma 2 among the keywords.

    Raise ArgumentError for an argument that is given twice.
    """
    if "dir" in keywords and "path" not in keywords and not arguments:
        keywords["path"] = keywords.pop("dir")
    if len(arguments) < 2 or isinstance(arguments[1], str) or len(arguments) > len(_ARGUMENTS) + 1:
        return arguments
    for argument, value in zip(_ARGUMENTS, arguments[1:], strict=False):
        if argument in keywords:
            raise ArgumentError(
                f"{name}() got the argument '{argument}' twice.", ways=["Pass it by position or by name."]
            )
        keywords[argument] = value
    return arguments[:1]


def warn_of_profile(profile: object) -> None:
    """Warn that the profile of a cluster is not used, and what runs."""
    from coma_xr.run.pools import cores

    warn(
        f"profile={profile!r} is not used: run() uses {count(cores(), 'process', 'processes')} on this machine, one for each "
        "core. Pass max_workers= for another number, or executor= for a cluster."
    )


@dataclass(frozen=True)
class IndexReader:
    """The highest id so far, as Coma 2 reads it from an index file."""

    filename: str
    _last: Callable[[], int | None]

    def exists(self) -> bool:
        """Whether there is an index."""
        return self._last() is not None

    def get(self) -> int:
        """Return the highest id so far, or 0 without an index."""
        return self._last() or 0

    def __getattr__(self, name: str) -> Any:
        raise MissingAttributeError(
            f"An index has no '{name}'.",
            name=name,
            available=("exists", "filename", "get"),
            ways=[GONE["IndexFile"]],
        )


@checks_keywords
class Members:
    """The properties of an experiment, and the members of Coma 2."""

    _place: ExperimentDirectory
    _added: list[tuple[Any, ...]]
    _tags: tuple[list[str], list[str]] = ([], [])

    if TYPE_CHECKING:

        def _look(self, *, listed: bool = False) -> Records: ...

        def new_measurement(self) -> NewMeasurement: ...  # noqa: D102

    @property
    def description(self) -> str | None:
        """The description of the experiment. Setting it writes the experiment file."""
        description: str | None = self._place.last.info["description"]
        return description

    @description.setter
    def description(self, description: str | None) -> None:
        self._place.save_info(description=check_string("description", description))

    @property
    def tags(self) -> list[str]:
        """Words to find the experiment by. Setting them, or `save` after a change of the list, writes the experiment file."""
        tags = self._place.last.info["tags"] or []
        tags = list(tags) if isinstance(tags, list) else [tags]
        self._tags = tags, tags.copy()
        return tags

    @tags.setter
    def tags(self, tags: str | Sequence[str] | None) -> None:
        self._place.save_info(tags=check_strings("tags", tags) or [])

    @property
    def start_date(self) -> str | None:
        """When the first run began, as ``2014-02-25T22:50:11Z``. It can be set."""
        date: str | None = self._place.last.info["start_date"]
        return date

    @start_date.setter
    def start_date(self, date: str | None) -> None:
        self._place.save_info(start_date=check_string("start_date", date))

    @property
    def end_date(self) -> str | None:
        """When the last run that saved a measurement ended. It can be set."""
        date: str | None = self._place.last.info["end_date"]
        return date

    @end_date.setter
    def end_date(self, date: str | None) -> None:
        self._place.save_info(end_date=check_string("end_date", date))

    def start(self) -> None:
        """Note the time as `start_date`, unless there is one. `run` does so itself."""
        if self.start_date is None:
            self.start_date = date_text(int(time.time()))

    def end(self) -> None:
        """Note the time as `end_date`. `run` does so itself."""
        self.end_date = date_text(int(time.time()))

    def save(self) -> None:
        """Write `tags` if the list was changed. Everything else is written when it is set."""
        tags, before = self._tags
        if tags != before:
            self.tags = tags

    def load(self) -> None:
        """Read the directory again, so that attributes show what other processes have changed."""
        self._place.look()

    def run_measurement(self, function: Callable[..., Any], parameter_set: ParameterSet) -> None:
        """Call a function with one parameter set and save what it returns.

        A subclass can override this; `run` then calls it for each parameter set that has no measurement yet, one after
        the other in this process. An exception ends the run.

        Parameters
        ----------
        function : callable
            As for `run` without a scan.
        parameter_set : ParameterSet
            Its values are written into the measurement.
        """
        if not callable(function):
            kind = with_article(type(function).__name__)
            raise ParameterError(
                f"run_measurement() got {shortened(function)}, {kind}.", expected="a function"
            )
        m = self.new_measurement()
        m.start()
        tree = function(parameter_set)
        m.end()
        m.save(tree, parameter_set)

    def __getattr__(self, name: str) -> Any:
        if name in _READINGS:
            return _READINGS[name](self)
        text = f"{type(self).__name__!r} object has no attribute {name!r}"
        ways = GONE.get(f"Experiment.{name}")
        # With these, Python adds near names to the message.
        raise AttributeError(f"{text}, as it had in Coma 2. {ways}" if ways else text, name=name, obj=self)


# Attributes of Coma 2 that a subclass may set as it likes.
_READINGS: Mapping[str, Callable[[Any], Any]] = {
    "config": lambda e: asdict(e._place.config),
    "dir": lambda e: e._place.path,
    "eindex": lambda e: _experiment_index(e._place.config),
    "experiment_file": lambda e: e._place.config.experiment_file,
    "experiment_index": lambda e: e._place.config.experiment_index,
    "measurement_file": lambda e: e._place.config.measurement_file,
    "measurement_index": lambda e: e._place.config.measurement_index,
    "mindex": lambda e: _measurement_index(e._place),
    "pset_definition": lambda e: OrderedDict(
        (name, join(path)) for name, path in Records(e._place.last).pairs
    ),
    "psets": lambda e: [
        tuple(ParameterSet.of_given(Records(e._place.last).defined(), given)) for given in e._added
    ],
}


def _measurement_index(place: ExperimentDirectory) -> IndexReader:
    path = files.inside(place.path, place.config.measurement_index)
    return IndexReader(path, lambda: now.next_id() - 1 if (now := place.look()).active else None)


def _experiment_index(config: Config) -> IndexReader:
    path = config.experiment_index_path()

    def last() -> int | None:
        try:
            id = documents.load(path, "experiments").get("last_experiment_id")
        except FileNotFoundError:
            return None
        return id if documents.whole_number(id) else 0

    return IndexReader(path, last)


def _has_hook(experiment: Members) -> bool:
    """Whether a subclass overrides what Coma 2's `run` calls.

    Raise ExperimentError for a method that could not be called.
    """
    cls = type(experiment)
    if hasattr(cls, "save_measurements"):
        raise ExperimentError(
            f"{cls.__name__}.save_measurements is never called.",
            ways=[GONE["Experiment.save_measurements"], "Remove the method."],
        )
    return getattr(cls, "run_measurement", Members.run_measurement) is not Members.run_measurement


def _run_by_hook(
    experiment: Members, function: Callable[..., Any] | None = None, scan: Any = None, **options: Any
) -> RunReport:
    """Call `run_measurement` of a subclass for each parameter set without a measurement, as Coma 2 does."""
    unfit = [*(["scan"] if scan is not None else []), *(name for name in options if name != "progress")]
    hook = f"{type(experiment).__name__}.run_measurement"
    if unfit:
        raise ExperimentError(
            f"run() calls {hook}, and then it does not take {listing(unfit)}.",
            ways=[
                "Add parameter sets with add_parameter_set().",
                "Or move what the method does into the function.",
            ],
        )
    records, started = experiment._look(listed=True), time.perf_counter()
    definition = records.defined()
    experiment._place.check_writable(records.now)

    def measured() -> dict[Any, list[int]]:
        return survey(experiment._look(listed=True).now.trees(), definition, past=records.past).ids

    planned = plan(experiment._added, measured())
    experiment.start()
    for task in planned.todo:
        experiment.run_measurement(function, ParameterSet.of_given(definition, task.values))  # type: ignore[arg-type]
    experiment.end()
    known = measured()
    lost = [task for task in planned.todo if task.key not in known]
    if lost:
        warn(
            f"{hook} saved no measurement of {count(len(lost), 'parameter set')}; the next run calls it for them again. "
            "Call super().run_measurement(function, parameter_set), or save the parameters in the tree."
        )
    return RunReport(
        len(planned.todo) - len(lost),
        planned.asked,
        skipped=planned.skipped,
        duplicates=planned.duplicates,
        not_run=len(lost),
        duration=time.perf_counter() - started,
    )

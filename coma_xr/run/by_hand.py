"""A measurement that is saved by hand: the user's code calls coma_xr instead of the reverse."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from coma_xr.checks import checks_keywords, is_listed
from coma_xr.define.parameters import Definition, ParameterSet
from coma_xr.errors import ComaError, ParameterError, SerializationError
from coma_xr.run.plan import Task
from coma_xr.run.worker import Outcome, Work, call, date_text
from coma_xr.same import maker
from coma_xr.text import shortened, with_article
from coma_xr.tree import BRANCHES, misspelt_branches
from coma_xr.values.objects import fields_of, has_state


@checks_keywords
class NewMeasurement:
    """A new measurement, made by `Experiment.new_measurement`.

    Parameters
    ----------
    id : int
        The id that it will have, unless someone else takes it first.
    save : callable
        Called with an Outcome and the id; returns the id under which it was saved.
    encoding : mapping
        Further arguments of `coma_xr.run.worker.Work`.

    Examples
    --------
    >>> import coma_xr as coma
    >>> coma.Experiment("by_hand").new_measurement().save({"parameters": {"x": 1}, "results": {"y": 2}})
    1
    """

    def __init__(self, id: int, save: Callable[[Outcome, int], int], encoding: Mapping[str, Any]) -> None:
        self.id = id
        self._save = save
        self._encoding = encoding
        self._started: float | None = None
        self._ended: float | None = None

    def start(self) -> None:
        """Record the current time as the start."""
        self._started = time.time()

    def end(self) -> None:
        """Record the current time as the end. `save` does so by default."""
        self._ended = time.time()

    def save(self, value: Any, parameters: ParameterSet | None = None) -> int:
        """Save the measurement.

        Parameters
        ----------
        value : dict or object
            The measurement tree, or an object that has a state. What it has under ``info``, such as dates, host
            and program, is kept; only what is missing is added.
        parameters : ParameterSet, optional
            Written into the tree at their paths, as `Experiment.run` does.

        Returns
        -------
        int
            The id, which is also `id` from now on.

        Raises
        ------
        SerializationError
            When something in the tree cannot be stored, the value is not a tree, or the name of a branch is misspelt;
            nothing was saved.
        """
        (outcome,) = outcomes_of([value], self._encoding, self._started, self._ended, parameters)
        self.id = self._save(outcome, self.id)
        return self.id


def outcomes_of(
    values: Iterable[Any],
    encoding: Mapping[str, Any],
    started: float | None = None,
    ended: float | None = None,
    parameters: ParameterSet | None = None,
) -> Iterator[Outcome]:
    """Yield what is saved of measurement trees or objects, see `NewMeasurement.save`."""
    ended = time.time() if ended is None else ended
    started = ended if started is None else started
    times = {
        "start_date": date_text(int(started)),
        "end_date": date_text(int(ended)),
        "duration": round(ended - started, 6),
    }
    encoding = {**encoding, "provenance": {**times, **encoding.get("provenance", {})}}
    if not (parameters is None or isinstance(parameters, ParameterSet)):
        kind = with_article(type(parameters).__name__)
        raise ParameterError(
            f"parameters={shortened(parameters)} is {kind}.", expected="a ParameterSet or None"
        )
    definition = Definition((), ()) if parameters is None else parameters._definition
    given = () if parameters is None else parameters._given
    next_value: list[Any] = []
    work = Work(lambda _: next_value.pop(), definition, **encoding, keeps_info=True)
    for position, value in enumerate(values):
        _check_tree(value, encoding["getstate"])
        next_value.append(value)
        outcome = call(work, Task(position, given, ()))
        if outcome.error is not None:
            raise outcome.error
        if "made_by" not in outcome.info:
            # Equal results of another one are an independent sample, those of a copy of this one are not.
            outcome.info["made_by"] = maker(by_hand=True)
        outcome.seconds = ended - started
        _correct_duration(outcome.info, times)
        yield outcome


def outcomes_of_all(trees: Iterable[Any], encoding: Mapping[str, Any]) -> list[Outcome]:
    """Return what is saved of many measurement trees or objects.

    Raise SerializationError when one of them cannot be stored. The message has its position.
    """
    if not is_listed(trees):
        raise SerializationError(
            f"trees={shortened(trees)} is {with_article(type(trees).__name__)}.",
            expected="a list of measurement trees, such as [{'parameters': {'x': 1}, 'results': {'y': 2}}]",
        )
    outcomes: list[Outcome] = []
    try:
        outcomes.extend(outcomes_of(trees, encoding))
    except ComaError as error:
        raise error.at(f"trees[{len(outcomes)}]") from error.__cause__
    return outcomes


def _check_tree(value: Any, getstate: str) -> None:
    """Raise SerializationError for what is not a tree, and for a branch with a misspelt name."""
    if not (isinstance(value, Mapping) or has_state(value, getstate) or fields_of(value) is not None):
        raise SerializationError(
            f"{shortened(value)} is {with_article(type(value).__name__)}.",
            expected="a measurement tree, such as {'parameters': {'x': 1}, 'results': {'y': 2}}",
        )
    for name in misspelt_branches(value) if isinstance(value, Mapping) else ():
        raise SerializationError(f"Unknown branch '{name}'.", name=name, available=BRANCHES)


def _correct_duration(info: dict[str, Any], times: Mapping[str, Any]) -> None:
    """Derive the duration from dates of the tree's own, or leave it out where they do not give one."""
    if info["duration"] != times["duration"] or all(info[name] == times[name] for name in times):
        return
    try:
        start, end = (dt.datetime.fromisoformat(info[name]) for name in ("start_date", "end_date"))
        info["duration"] = (end - start).total_seconds()
    except (TypeError, ValueError):
        del info["duration"]

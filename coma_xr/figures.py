"""Figures that are kept with an experiment: the arguments of `coma_xr.plot` and a condition, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from coma_xr.checks import check_string
from coma_xr.define.values import Argument
from coma_xr.errors import ComaError, ParameterError, PathError, Way
from coma_xr.text import shortened
from coma_xr.values.plain import to_plain

if TYPE_CHECKING:
    import xarray as xr

    from coma_xr.store.place import ExperimentDirectory
    from coma_xr.store.snapshot import Snapshot

SECTION = "figures"
WHERE = "where"
PAIRS = "pairs"


def record_of(arguments: Mapping[str, Any], where: Any) -> dict[str, Any]:
    """Return what ``coma.json`` keeps of a figure, with the exact types of its arguments.

    Raise ArgumentError or ParameterError when `coma_xr.plot` has no such argument, or it cannot be kept.
    """
    # Most experiments have no figures.
    from coma_xr.define.conditions import as_condition
    from coma_xr.plotting.arguments import PlotSpec

    PlotSpec.of(arguments)
    record: dict[str, Any] = {}
    for name, value in arguments.items():
        try:
            kept = _with_pairs(value)
            argument = Argument(kept, to_plain(kept))
            record[name] = argument.record()
            can_be_kept = name != "ax" and not argument.things()
        except ComaError:
            can_be_kept = False
        if not can_be_kept:
            way = "Pass it to plot instead, which takes further arguments."
            raise ParameterError(f"{name}={type(value).__name__} cannot be kept with a figure.", ways=[way])
    if where is not None:
        if not isinstance(where, str) and not hasattr(where, "_as_condition"):
            raise ParameterError(
                "where= is a function.", expected="a condition such as 'A > 3' or coma.P.A > 3"
            )
        record = {WHERE: str(as_condition(where)), **record}
    return record


def _with_pairs(value: Any) -> Any:
    """Return a mapping as pairs where its keys are not strings, which files do not have."""
    if isinstance(value, Mapping) and not all(isinstance(key, str) for key in value):
        return {PAIRS: list(value.items())}
    return value


def _without_pairs(value: Any) -> Any:
    is_pairs = isinstance(value, dict) and [*value] == [PAIRS] and isinstance(value[PAIRS], list)
    return dict(value[PAIRS]) if is_pairs else value


def arguments_of(figures: Mapping[str, dict[str, Any]], name: Any) -> dict[str, Any]:
    """Return the arguments of one of the figures, or raise PathError."""
    if isinstance(name, str) and name in figures:
        return figures[name]
    way = Way("Define it: e.define_figure(name, x=..., y=...).", "")
    raise PathError(f"There is no figure {shortened(name)}.", name=str(name), available=figures, ways=[way])


def kept(now: Snapshot) -> dict[str, dict[str, Any]]:
    """Return the arguments of each figure that is kept, ``where`` among them, by name."""
    records: dict[str, dict[str, Any]] = now.sections.get(SECTION, {})
    return {
        name: {key: _without_pairs(Argument.of_record(None, value).value()) for key, value in record.items()}
        for name, record in records.items()
    }


def keep(place: ExperimentDirectory, name: str, arguments: Mapping[str, Any], where: Any) -> None:
    """Keep a figure in ``coma.json``, or remove it when it has no arguments."""
    if check_string("name", name) is None or not name.strip() or "/" in name or not name.isprintable():
        raise ParameterError(f"name={shortened(name)} cannot be used.", expected="letters, digits and spaces")
    record = record_of(arguments, where)

    def change(state: dict[str, Any]) -> None:
        figures = state.setdefault(SECTION, {})
        figures.pop(name, None)
        if record:
            figures[name] = record

    place.change_state(change)


def chosen(
    figures: Mapping[str, dict[str, Any]], name: str | None, arguments: Mapping[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """Return the condition and the arguments of a plot: those of the figure, if one is named, replaced by `arguments`."""
    figure = {} if name is None else arguments_of(figures, name)
    arguments = {**figure, **arguments}
    return arguments.pop(WHERE, None), arguments


def explore(
    now: Snapshot,
    name: str | None,
    arguments: Mapping[str, Any],
    to_dataset: Callable[..., xr.Dataset],
    number: Callable[[], int],
) -> Any:
    """Show a figure with controls, which is drawn again when the number of measurements has changed."""
    from coma_xr.plotting.explore import explore

    condition, shown = chosen(kept(now), name, arguments)
    called = "e.to_dataset()" if condition is None else f"e.to_dataset(where={str(condition)!r})"
    return explore(lambda: to_dataset(where=condition), shown, called, number)

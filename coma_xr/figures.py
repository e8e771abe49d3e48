"""Figures that are kept with an experiment: the arguments of `coma_xr.plot` and a condition, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from coma_xr.checks import check_string
from coma_xr.define.conditions import as_condition
from coma_xr.define.exact import Argument
from coma_xr.errors import ComaError, ParameterError, PathError, Way
from coma_xr.keywords import checks_keywords
from coma_xr.plotting.arguments import PlotSpec
from coma_xr.values.plain import to_plain

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from coma_xr.records import Records
    from coma_xr.store.place import ExperimentDirectory

SECTION = "figures"
WHERE = "where"
PAIRS = "pairs"


def record_of(arguments: Mapping[str, Any], where: Any) -> dict[str, Any]:
    """Return what ``coma.json`` keeps of a figure, with the exact types of its arguments.

    Raises
    ------
    ArgumentError, ParameterError
        When `coma_xr.plot` has no such argument, or it cannot be kept.
    """
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
            way = "Give it to plot instead, which takes further arguments."
            raise ParameterError(f"{name}={type(value).__name__} cannot be kept with a figure.", ways=[way])
    if where is not None:
        if not isinstance(where, str) and not hasattr(where, "_as_condition"):
            raise ParameterError(
                "where= is a function.", expected="a condition such as 'A > 3' or coma.P.A > 3"
            )
        record = {WHERE: str(as_condition(where)), **record}
    return record


def _with_pairs(value: Any) -> Any:
    """Return a mapping as pairs where its keys are no strings, which files do not have."""
    if isinstance(value, Mapping) and not all(isinstance(key, str) for key in value):
        return {PAIRS: list(value.items())}
    return value


def _without_pairs(value: Any) -> Any:
    is_pairs = isinstance(value, dict) and [*value] == [PAIRS] and isinstance(value[PAIRS], list)
    return dict(value[PAIRS]) if is_pairs else value


def arguments_of(figures: Mapping[str, dict[str, Any]], name: str) -> dict[str, Any]:
    """Return the arguments of one of the figures, or raise PathError."""
    if name in figures:
        return figures[name]
    way = Way("Define it: e.define_figure(name, x=..., y=...).", "")
    raise PathError(f"There is no figure {name!r}.", name=str(name), available=figures, ways=[way])


@checks_keywords
class Figures:
    """The figures of an experiment."""

    _place: ExperimentDirectory

    if TYPE_CHECKING:

        def _look(self, *, listed: bool = False) -> Records: ...

        def to_dataset(self, *, where: Any = None) -> xr.Dataset: ...  # noqa: D102

    @property
    def figures(self) -> dict[str, dict[str, Any]]:
        """The arguments of each figure that `define_figure` keeps, ``where`` among them, by name."""
        kept: dict[str, dict[str, Any]] = self._look().now.sections.get(SECTION, {})
        return {
            name: {
                key: _without_pairs(Argument.of_record(None, value).value()) for key, value in record.items()
            }
            for name, record in kept.items()
        }

    def define_figure(self, name: str, *, where: Any = None, **arguments: Any) -> None:
        """Keep the arguments of a figure in ``coma.json``, for `plot`, the report and ``coma-xr plot``.

        Parameters
        ----------
        name : str
            What the figure is called. A figure of this name is replaced; without further arguments it is removed.
        where : str or condition, optional
            Which measurements the figure shows; by default all.
        **arguments
            Those of `coma_xr.plot`, except `ax`.

        Raises
        ------
        ArgumentError, ParameterError
            When there is no such argument, or its value cannot be kept.

        Examples
        --------
        >>> import coma_xr as coma
        >>> e = coma.Experiment("squares")
        >>> report = e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        >>> e.define_figure("parabola", x="x", y="y", where="x > 1")
        >>> e.figures
        {'parabola': {'where': 'x > 1', 'x': 'x', 'y': 'y'}}
        """
        check_string("name", name)
        if not name.strip() or "/" in name or not name.isprintable():
            raise ParameterError(f"name={name!r} cannot be used.", expected="letters, digits and spaces")
        record = record_of(arguments, where)

        def change(state: dict[str, Any]) -> None:
            kept = state.setdefault(SECTION, {})
            kept.pop(name, None)
            if record:
                kept[name] = record

        self._place.change_state(change)

    def plot(self, name: str, **changes: Any) -> Figure:
        """Plot a figure that `define_figure` keeps.

        Parameters
        ----------
        name : str
            The name of the figure.
        **changes
            Arguments of `coma_xr.plot`, and `where`, in place of those that are kept.

        Returns
        -------
        matplotlib.figure.Figure
            As `coma_xr.plot` makes it.

        Raises
        ------
        PathError
            When there is no such figure.

        Examples
        --------
        >>> import coma_xr as coma
        >>> e = coma.Experiment("squares")
        >>> report = e.run(lambda x: {"y": x**2}, {"x": [1, 2, 3]})
        >>> e.define_figure("parabola", x="x", y="y")
        >>> len(e.plot("parabola", yscale="log").axes)
        1
        """
        from coma_xr.plotting.draw import plot

        arguments = {**arguments_of(self.figures, name), **changes}
        return plot(self.to_dataset(where=arguments.pop(WHERE, None)), **arguments)

    def explore(self, name: str | None = None, *, where: Any = None, **arguments: Any) -> Any:
        """Show a figure in a notebook with a slider or drop-down for each dim that it does not use.

        While a run goes on, in another process, the figure shows new measurements.

        Parameters
        ----------
        name : str, optional
            Of a figure that `define_figure` keeps.
        where : str or condition, optional
            Which measurements are shown; by default all, or those of the figure.
        **arguments
            Those of `coma_xr.plot`, except `ax`.

        Returns
        -------
        ipywidgets.VBox
            The controls, the figure, and the call that makes it, to be copied.

        Raises
        ------
        ExperimentError
            When ipywidgets is not installed: ``pip install coma_xr[notebook]``.
        PathError, LayoutError
            When there is no such figure, and as `coma_xr.plot`.

        Examples
        --------
        >>> import coma_xr as coma
        >>> e = coma.Experiment("squares")
        >>> report = e.run(lambda a, x: {"y": a * x**2}, coma.grid(a=[1, 2], x=[1, 2, 3]))
        >>> view = e.explore(x="x", y="y")
        """
        from coma_xr.plotting.explore import explore

        kept = {} if name is None else arguments_of(self.figures, name)
        condition = where if where is not None else kept.get(WHERE)
        chosen = {key: value for key, value in {**kept, **arguments}.items() if key != WHERE}
        called = "e.to_dataset()" if condition is None else f"e.to_dataset(where={str(condition)!r})"

        def number() -> int:
            return self._place.look().number()

        return explore(lambda: self.to_dataset(where=condition), chosen, called, number)

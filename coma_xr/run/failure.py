"""One recorded failure, and how it is made to happen again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from coma_xr.define.exact import Argument
from coma_xr.define.parameters import Definition, ParameterSet
from coma_xr.define.past import read
from coma_xr.errors import ParameterError
from coma_xr.html import fragment
from coma_xr.keywords import checks_keywords
from coma_xr.run.plan import Task
from coma_xr.run.report import failure_fold
from coma_xr.run.worker import EXACT, PARTIAL, prepare, reproduce
from coma_xr.text import clean, clean_lines, cut
from coma_xr.tree import join
from coma_xr.values.plain import from_plain

if TYPE_CHECKING:
    from coma_xr.values.plain import Tree


@checks_keywords
class Failure:
    """A parameter set whose last try failed.

    Parameters
    ----------
    tree : dict
        The record, as its file has it.
    definition : Definition or None
        The parameters.

    Attributes
    ----------
    id : int
        That its measurement would have had.
    exception, message, traceback : str
        The type of what was raised, its text, and from where.
    info : dict
        The date, the host, the worker (the id of its process), its ``CUDA_VISIBLE_DEVICES``, the number of attempts, and
        the seed, as far as they are known.

    Examples
    --------
    >>> import coma_xr as coma
    >>> e = coma.Experiment("inverse")
    >>> report = e.run(lambda x: 1 / x, {"x": [0, 1]})  # doctest: +SKIP
    >>> e.failure(1).reproduce(lambda x: 1 / x)  # doctest: +SKIP
    """

    def __init__(self, tree: Tree, definition: Definition | None) -> None:
        self._tree = tree
        self._definition = definition
        self.id: int = tree["info"]["measurement_id"]
        self.exception: str = tree["exception"]["type"]
        self.message: str = tree["exception"]["message"]
        self.traceback: str = tree["exception"]["traceback"]
        self.info: dict[str, Any] = {name: value for name, value in tree["info"].items() if name != EXACT}

    @property
    def output(self) -> str:
        """The end of what the function wrote to stdout and stderr; empty without ``run(..., capture=True)``."""
        return str(self._tree["exception"].get("output") or "")

    @property
    def parameters(self) -> ParameterSet:
        """The parameter set."""
        return ParameterSet.of_given(*self._set())

    @property
    def partial(self) -> dict[str, Any]:
        """The members of the result that could be stored, as in a measurement tree; empty if nothing was computed."""
        values: dict[str, Any] = from_plain(self._tree.get(PARTIAL) or {})
        return values

    def _set(self, given: Sequence[Any] = ()) -> tuple[Definition, list[Any]]:
        definition = self._definition
        values = None if definition is None else read(self._tree, definition)
        if definition is None or values is None:
            raise ParameterError(f"The record of failure {self.id} does not have all parameters.")
        exact = self._tree["info"].get(EXACT)
        records = exact if isinstance(exact, dict) else {}
        return definition, [
            Argument.of_record(value, records.get(join(path), value), given)
            for path, value in zip(definition.paths, values, strict=True)
        ]

    def reproduce(
        self, function: Callable[..., Any], *given: Any, resources: Mapping[str, Any] | None = None
    ) -> None:
        """Run the parameter set again, in this process: what the function raises is raised here, for a debugger.

        Parameters
        ----------
        function : callable
            As it was given to `Experiment.run`, with a scan or without. It gets the seed that it had.
        *given : function or class
            Those that occur among the parameter values, as values or as classes of objects, and that this process has not
            used as such.
        resources : mapping, optional
            As they were given to `Experiment.run`.

        Raises
        ------
        ParameterError
            When the function cannot be called with the parameters, or a function or class is missing.
        """
        definition, values = self._set(given)
        for value in values:
            value.things()
        try:
            work = prepare(function, definition, "keywords", resources=resources)
        except ParameterError as by_keyword:
            try:
                work = prepare(function, definition, "set", resources=resources)
            except ParameterError:
                raise by_keyword from None
        info = self._tree["info"]
        reproduce(work, Task(0, tuple(values), None, info.get("repeat")), info)

    def __repr__(self) -> str:
        return f"Failure({self.id}, {clean(self.exception)}: {cut(clean(self.message), 200)})"

    def __str__(self) -> str:
        return clean_lines(self.traceback)

    def _repr_html_(self) -> str:
        return fragment(failure_fold(self._tree, is_open=True))

"""What a call asks for, and the columns that answer it.

`read` turns arguments of `to_dataset` and `to_dataframe` into a `Source`: the columns that they need, the
names of all paths, and the annotations, by path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from coma_xr.errors import PathError, SerializationError, there_is
from coma_xr.retrieve.columns import MISSING, Columns, Computation, collect
from coma_xr.retrieve.measurement import Measurement
from coma_xr.retrieve.names import Names, role
from coma_xr.trees.paths import WILDCARD, follow, join, split
from coma_xr.trees.plain import Tree, to_plain

__all__ = ["Annotations", "Definition", "Request", "Source", "read", "requests_of"]

Definition = Iterable[tuple[str, str]]
Annotations = Mapping[str, Mapping[str, Any]]
Variables = Mapping[str, Any] | Sequence[Any] | str | None


@dataclass(frozen=True)
class Request:
    """One thing that was asked for.

    Attributes
    ----------
    name : str or None
        The name that the user gave to it.
    text : str
        A path or a name; of a function, what it is called in messages.
    function : callable or None
        A function of a Measurement.
    """

    name: str | None
    text: str
    function: Callable[[Measurement], Any] | None = None


def requests_of(variables: Variables) -> list[Request]:
    """Return what `variables=` or `dims=` ask for.

    Parameters
    ----------
    variables : mapping, sequence or str, optional
        Names with paths or functions; or a sequence of paths, names and (name, path).

    Examples
    --------
    >>> requests_of({"t": "results/t"}) == requests_of([("t", "results/t")])
    True
    """
    if variables is None:
        return []
    if isinstance(variables, str):
        return [_request(None, variables)]
    if isinstance(variables, Mapping):
        return [_request(name, value) for name, value in variables.items()]
    return [
        _request(*entry) if isinstance(entry, tuple) and len(entry) == 2 else _request(None, entry)
        for entry in variables
    ]


def _request(name: str | None, value: Any) -> Request:
    if callable(value):
        called = name or getattr(value, "__name__", "<lambda>")
        if called == "<lambda>":
            raise PathError("A function as a variable needs a name, such as {'gap': lambda m: ...}.")
        return Request(called, f"function '{called}'", value)
    if isinstance(value, str):
        return Request(name, value)
    try:
        return Request(name, join(split(value)))
    except TypeError:
        raise PathError(
            f"{name or value!r}: expected a path, a name or a function of a measurement, "
            f"not a {type(value).__name__}."
        ) from None


@dataclass(frozen=True)
class Source:
    """Columns with the names of their paths and what was annotated of them.

    Attributes
    ----------
    columns : Columns
    names : Names
    annotations : dict
        By path.
    """

    columns: Columns
    names: Names
    annotations: dict[str, Mapping[str, Any]]

    def path(self, request: Request) -> str | None:
        """Return the path that a request means; None for a function."""
        return None if request.function else self.names.resolve(request.text)

    def name(self, request: Request) -> str:
        """Return the name of what was asked for."""
        return request.name or self.names.of(self.names.resolve(request.text))

    def values(self, request: Request) -> list[Any]:
        """Return the column of a request.

        Raises
        ------
        PathError
            When no measurement has it.
        """
        column = self.columns.computed.get(request.text)
        if column is None:
            column = self.columns[self.names.resolve(request.text)]
        if column and all(value is MISSING for value in column):
            raise PathError(
                f"No measurement has '{request.text}'. " + there_is(request.text, self.names.paths)
            )
        return column

    def annotation(self, path: str | None) -> Mapping[str, Any]:
        """Return what was annotated of a path; nothing for a function."""
        return self.annotations.get(path, {}) if path else {}

    @cached_property
    def copies(self) -> dict[str, str]:
        """Paths that hold the same as another one in every measurement, and this other one.

        The other one ends in the same key and is shallower, or is defined.
        """
        defined = set(self.names.defined.values())
        by_key: dict[Any, list[str]] = {}
        for path in self.columns.paths:
            if role(path) in ("parameter", "result") and self.columns.is_kept(path):
                by_key.setdefault(split(path)[-1], []).append(path)
        copies = {}
        for alike in by_key.values():
            alike.sort(key=lambda path: (path not in defined, len(split(path))))
            for place, path in enumerate(alike):
                original = self._original(path, alike[:place]) if path not in defined else None
                if original:
                    copies[path] = original
        return copies

    def _original(self, path: str, candidates: list[str]) -> str | None:
        column, depth = self.columns[path], len(split(path))
        for other in candidates:
            deeper = len(split(other)) < depth or other in self.names.defined.values()
            if deeper and _is_copy(column, self.columns[other]):
                return other
        return None


def _is_copy(column: list[Any], other: list[Any]) -> bool:
    return column == other or all(
        mine is MISSING or mine == its or (mine != mine and its != its)  # noqa: PLR0124
        for mine, its in zip(column, other, strict=True)
    )


def read(
    trees: Iterable[tuple[int, Tree]],
    requests: Sequence[Request],
    *,
    everything: bool,
    info: bool = False,
    definition: Definition = (),
    annotations: Annotations | None = None,
) -> Source:
    """Read the columns that a call needs.

    Parameters
    ----------
    trees : iterable of (int, dict)
        Ids and plain trees.
    requests : sequence of Request
        All variables and dims that are named.
    everything : bool
        All results are needed, not only what is named. Parameters always are.
    info : bool, default False
        What stands under ``info`` is needed too.
    definition : iterable of (name, path), optional
    annotations : mapping, optional
        By path or name; defaults are filled in.
    """
    pairs = [(name, join(split(path))) for name, path in definition]
    notes = annotations or {}
    coords = [request for note in notes.values() for request in requests_of(note.get("coords"))]
    texts = [request.text for request in (*requests, *coords)] + [path for _, path in pairs] + list(notes)

    def keep(path: str) -> bool:
        kind = role(path)
        if kind == "parameter" or info or (everything and kind in ("result", "other")):
            return True
        # The name of a path ends in its last key, a path in the escaped form of it.
        last = str(split(path)[-1])
        return any(last in text or join((last,)) in text for text in texts)

    columns = collect(trees, keep=keep, compute=_computations([*requests, *coords]))
    for text, note in notes.items():
        if "default" in note:
            columns.fill(_annotated(text, Names(columns.paths, pairs)), to_plain(note["default"]))
    names = Names(columns.paths, pairs)
    by_path = {_annotated(text, names): note for text, note in notes.items()}
    return Source(columns, names, by_path)


def _annotated(text: str, names: Names) -> str:
    """Return the path of an annotation, which may wait for its first measurement."""
    try:
        return names.resolve(text)
    except PathError:
        return join(split(text))


def _computations(requests: Sequence[Request]) -> dict[str, Computation]:
    computations: dict[str, Computation] = {}
    for request in requests:
        if request.function is not None:
            computations[request.text] = _function(request.function, request.text)
        elif WILDCARD in split(request.text):
            computations[request.text] = _wildcard(request.text)
    return computations


def _function(function: Callable[[Measurement], Any], called: str) -> Computation:
    def compute(id: int, tree: Tree) -> Any:
        try:
            value = function(Measurement(id, tree))
        except PathError:
            return MISSING
        except Exception as error:
            error.add_note(f"This was {called}, of measurement {id}.")
            raise
        try:
            return to_plain(value)
        except SerializationError:
            # A column may hold what no file does, such as complex numbers.
            return value

    return compute


def _wildcard(text: str) -> Computation:
    def compute(id: int, tree: Tree) -> Any:  # noqa: ARG001
        try:
            return follow(tree, text)
        except PathError:
            return MISSING

    return compute

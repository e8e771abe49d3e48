"""The parameters that become dims, and the cells without a measurement since it is missing, failed or was excluded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from coma_xr.define.parameters import Definition, Past, read_parameters
from coma_xr.define.scan_records import Choice, Identity, LayoutRule, Structure, check_layout
from coma_xr.define.values import NOTHING, look
from coma_xr.errors import LayoutError, Way, warn
from coma_xr.retrieve.columns import MISSING, Array, Columns, distinct, factorize, lacks, numbered
from coma_xr.retrieve.requests import Request, Source, check_once, requests_of, split_paths
from coma_xr.retrieve.variables import (
    Axis,
    Layout,
    cells_of,
    check_fill,
    is_thin,
    on_rows,
    with_rows,
)
from coma_xr.same import COMPARED, REPEAT, key, keys
from coma_xr.text import listing
from coma_xr.tree import LEAF_TYPES, Numbers, Path, is_array, is_parameter, join, no_collection, role

if TYPE_CHECKING:
    from coma_xr.retrieve.columns import Attrs
    from coma_xr.values.plain import Tree

# A parameter that almost every measurement has can be a dim; the others are then left out, and counted.
_ALMOST_ALL = 0.95


# NumPy's arrays have no more dims than this.
_MOST_DIMS = 64


@dataclass(frozen=True)
class _Plan:
    """A dim to be."""

    dim: str
    columns: dict[Path | str, list[Any]]
    labelled: bool = True
    within: tuple[str, ...] | None = None


@dataclass(frozen=True)
class _Table:
    """Columns of the measurements, with what is absent below them."""

    source: Source
    absent: Absent

    def __len__(self) -> int:
        return len(self.source.columns) + len(self.absent)

    def column(self, path: Path) -> list[Any]:
        return self._with_absent(path, self.source.columns[path])

    def values(self, request: Request) -> list[Any]:
        return self._with_absent(self.source.path(request), self.source.values(request))

    def repeats(self) -> list[Any]:
        """Return the number of each repeat; one without a number is the first."""
        return self._with_absent(REPEAT, self.source.columns.repeats())

    def _with_absent(self, path: Path | None, column: list[Any]) -> list[Any]:
        return [*column, *self.absent.of(path or ())] if self.absent else column


def arrange(
    source: Source,
    dims: Sequence[Request] | None,
    rule: LayoutRule,
    free: Callable[[str], str],
    *,
    absent: Absent | None = None,
    layout: str | None = None,
    unchosen: Sequence[Sequence[Tree]] = (),
) -> Layout:
    """Return where the measurements lie.

    Raise LayoutError when the grid would be large and almost empty, or no measurement has all parameters.
    """
    table = _Table(source, absent or Absent())
    _check_arguments(layout, dims)
    reason = "as asked for"
    if layout is None and dims is None:
        layout, reason = rule.kind, "as defined"
        dims = None if rule.dims is None else requests_of(rule.dims)
    choice = Choice() if dims is not None else _choice(table, rule, unchosen)
    if layout == "grid" and choice.kind is None and source.names.defined:
        choice = Choice("grid")
    if layout is None and dims is None:
        reason = "from the recorded scans" if choice.kind else "inferred from the values"
    if layout == "points" or (layout is None and choice.kind == "points"):
        return _points(table, free, reason)
    plans = _plans(table, dims, choice, free)
    rows = _complete(plans, len(source.columns), len(table))
    axes: list[Axis] = []
    for plan in plans:
        axes.append(_axis(plan, axes, rows))
    known = {path for plan in plans for path in plan.columns}

    def order() -> list[Array]:
        left_over = [table.column(path) for path in varying(source) if path not in known]
        return [factorize(on_rows(column, rows))[0] for column in left_over]

    laid_out = with_rows(axes, order, rows, free("row"))
    within_limit = _within_limit(source, laid_out, must_be_grid=dims is not None or layout == "grid")
    if within_limit is None:
        return _points(table, free, reason)
    laid_out = within_limit
    if layout is None and dims is None and choice.kind is None and is_thin(laid_out, len(rows)):
        return _points(table, free, reason)
    if len(laid_out) > len(axes) and dims is None and source.names.defined:
        codes = [cells_of(axes, len(rows)), *order()]
        _warn_of_doubles(source.columns.ids, rows, codes, laid_out[-1].dim)
    labelled, absent_rows = [axis for axis in axes if axis.labels is not None], rows >= len(source.columns)
    check_fill(laid_out, len(rows), labelled, int(absent_rows.sum()))
    return Layout(laid_out, rows, _along(plans, laid_out), "grid", reason)


def _check_arguments(layout: str | None, dims: Sequence[Request] | None) -> None:
    """Raise LayoutError for an unknown layout, and for dims of points."""
    check_layout(layout)
    if layout == "points" and dims is not None:
        raise LayoutError("layout='points' has one dim for all parameters.", ways=["Leave dims= out."])


def _within_limit(source: Source, axes: Sequence[Axis], *, must_be_grid: bool) -> tuple[Axis, ...] | None:
    """Return the dims that NumPy can hold next to those of lists, None if the measurements can only be points.

    Raise LayoutError when a grid was asked for.
    """
    most = _MOST_DIMS - max((_levels(source.columns[path]) for path in source.columns.kept), default=0)
    if len(axes) <= most:
        return tuple(axes)
    lists = _MOST_DIMS - most
    long_axes = tuple(axis for axis in axes if axis.size > 1)
    if len(long_axes) <= most:
        warn(
            f"{len(axes) + lists} dims exceed the limit of NumPy, {_MOST_DIMS}, so parameters with one value are "
            "scalar coordinates."
        )
        return long_axes
    if must_be_grid:
        raise LayoutError(
            f"A grid over {len(long_axes)} dims is too large: NumPy has at most {_MOST_DIMS}.",
            ways=["Use layout='points', or fewer dims=."],
        )
    warn(f"{len(long_axes) + lists} dims exceed the limit of NumPy, {_MOST_DIMS}, so the layout is points.")
    return None


def _choice(table: _Table, rule: LayoutRule, unchosen: Sequence[Sequence[Tree]]) -> Choice:
    """Return the layout that the recorded scans ask for; none without a definition."""
    defined = table.source.names.defined
    if not defined:
        return Choice()
    columns = [table.source.columns[path] for path in defined.values()]

    def identities() -> list[Identity]:
        return [key(values) for values in (*zip(*columns, strict=True), *unchosen)]

    return rule.choice(Definition.of(list(defined.items())), identities)


def _points(table: _Table, free: Callable[[str], str], reason: str) -> Layout:
    """Return the layout along one dim, in which parameters are coords."""
    rows = np.arange(len(table))
    dim = free("measurement")
    along: dict[Path | str, tuple[str, ...]] = dict.fromkeys(table.source.names.defined.values(), (dim,))
    if varies(table.repeats()):
        along[REPEAT] = (dim,)
    return Layout((Axis(dim, rows, len(rows)),), rows, along, "points", reason)


def _plans(
    table: _Table, dims: Sequence[Request] | None, choice: Choice, free: Callable[[str], str]
) -> list[_Plan]:
    source = table.source
    if dims is not None:
        plans = [
            _Plan(source.name(request), {source.path(request) or request.text: table.values(request)})
            for request in dims
        ]
        check_once([plan.dim for plan in plans])
    elif choice.kind is not None:
        plans = _defined(table, choice.axes, free)
    else:
        plans = [_Plan(source.names.of(path), {path: table.column(path)}) for path in _inferred(table)]
    repeats = table.repeats()
    if varies(repeats) and not any(REPEAT in plan.columns for plan in plans):
        plans.append(_Plan(free("repeat"), {REPEAT: repeats}))
    return plans


def _defined(table: _Table, structure: Structure, free: Callable[[str], str]) -> list[_Plan]:
    """Return the dims of a definition, in its order, laid out as the scan was as far as the data agree."""
    paths = table.source.names.defined
    columns = {name: table.values(Request(None, name)) for name in paths}
    axis_of = {name: axis for axis in structure for name in axis["names"]}
    derived = [name for name in paths if axis_of.get(name, {}).get("derived")]
    plans: list[_Plan] = []
    laid_out: set[str] = set()
    for name, path in paths.items():
        if name in laid_out or name in derived:
            continue
        plan = _structured(axis_of.get(name), columns, paths, plans, free)
        plan = plan or _Plan(name, {path: columns[name]})
        plans.append(plan)
        laid_out.update(name for name, path in paths.items() if path in plan.columns)
    for name in derived:
        column: dict[Path | str, list[Any]] = {paths[name]: columns[name]}
        if not plans or not _follow({p: c for plan in plans for p, c in plan.columns.items()}, column):
            plans.append(_Plan(name, column))
    return plans


def _structured(
    axis: Mapping[str, Any] | None,
    columns: Mapping[str, list[Any]],
    paths: Mapping[str, Path],
    before: Sequence[_Plan],
    free: Callable[[str], str],
) -> _Plan | None:
    """Return the dim that an axis of the scan makes; None when the parameter is a dim of its own."""
    if axis is None or axis["dim"] in [plan.dim for plan in before]:
        return None
    names = [name for name in axis["names"] if name in columns]
    depends = axis.get("depends")
    mine: dict[Path | str, list[Any]] = {paths[name]: columns[name] for name in names}
    if depends:
        within = tuple(plan.dim for plan in before if depends is True or plan.dim in depends)
        return _Plan(free(axis["dim"]), mine, labelled=False, within=within)
    if axis["dim"] not in names:
        return _Plan(free(axis["dim"]), mine, labelled=False)
    first: dict[Path | str, list[Any]] = {paths[axis["dim"]]: columns[axis["dim"]]}
    if len(names) == 1 or not _follow(first, mine):
        return _Plan(axis["dim"], first)
    return _Plan(axis["dim"], {**first, **mine})


def _follow(first: Mapping[Path | str, list[Any]], others: Mapping[Path | str, list[Any]]) -> bool:
    """Whether the others have one value for each combination of values of the first."""
    coded = [_coded(column) for column in first.values()]
    codes, size = numbered([codes for codes, _ in coded], [count for _, count in coded])
    return all(
        distinct(numbered([codes, numbers], [size, count])[0]) == distinct(codes)
        for numbers, count in map(_coded, others.values())
    )


def _coded(column: Sequence[Any]) -> tuple[Array, int]:
    codes, labels = factorize(column)
    return codes, len(labels)


def _inferred(table: _Table) -> list[Path]:
    """Return the paths that distinguish the measurements, in tree order or, if they are defined, in that of the definition."""
    source = table.source
    defined = list(source.names.defined.values())
    if not defined:
        return _distinguishing(_candidates(source.columns, set(source.copies)))
    columns = {path: table.values(Request(None, name)) for name, path in source.names.defined.items()}
    dims = _distinguishing({path: _coded(column) for path, column in columns.items() if varies(column)})
    return [path for path in defined if path in dims or not varies(columns[path])]


def _distinguishing(coded: Mapping[Path, tuple[Array, int]]) -> list[Path]:
    """Return the columns that are left when those that follow from others, or differ everywhere, are dropped."""
    chosen: list[Path] = []
    for path in sorted(coded, key=len):
        if not any(_one_to_one(coded[path], coded[other]) for other in chosen):
            chosen.append(path)
    unique = {path: coded[path] for path in coded if path in chosen}
    size = len(next(iter(unique.values()))[0]) if unique else 0
    repeating = {path: pair for path, pair in unique.items() if pair[1] < size}
    dims = repeating or unique
    occupied = _occupied(list(dims.values()))
    # Among equals the later one goes.
    for path in sorted(dims, key=lambda path: -dims[path][1]):
        others = {other: pair for other, pair in dims.items() if other != path}
        if others and _occupied(list(others.values())) == occupied:
            dims = others
    return list(dims)


def _candidates(columns: Columns, copies: set[Path]) -> dict[Path, tuple[Array, int]]:
    """Return numbers for the values of every parameter that varies, among measurements with all of them."""
    parameters = {path: columns[path] for path in columns.paths if is_parameter(path) and path not in copies}
    parameters = {path: column for path, column in parameters.items() if varies(column)}
    present = {path: _scalars(column) for path, column in parameters.items()}
    if not present:
        return {}
    present_count = np.logical_or.reduce(list(present.values())).sum()
    common = {path: mask for path, mask in present.items() if mask.sum() >= _ALMOST_ALL * present_count}
    if not common:
        return {}
    rows = np.flatnonzero(np.logical_and.reduce(list(common.values())))
    coded = {path: _coded(on_rows(parameters[path], rows)) for path in common}
    return {path: pair for path, pair in coded.items() if pair[1] > 1}


def _scalars(column: Sequence[Any]) -> Array:
    """Return where a column has scalars."""
    if type(column) is Numbers or set(map(type, column)) <= LEAF_TYPES:
        return np.ones(len(column), dtype=bool)
    return np.fromiter((type(value) in LEAF_TYPES for value in column), dtype=bool, count=len(column))


def varies(column: list[Any]) -> bool:
    """Whether a column has several values."""
    return len(factorize(column)[1] if type(column) is Numbers else set(keys(column))) > 1


def _one_to_one(first: tuple[Array, int], second: tuple[Array, int]) -> bool:
    return first[1] == second[1] == _occupied([first, second])


def _occupied(coded: Sequence[tuple[Array, int]]) -> int:
    return distinct(numbered([codes for codes, _ in coded], [size for _, size in coded])[0])


def _complete(plans: Sequence[_Plan], measured: int, size: int) -> Array:
    """Return the rows that have all parameters of the dims; say how many of those measured have not."""
    masks = {
        path: np.fromiter((value is not MISSING for value in column), dtype=bool, count=size)
        for plan in plans
        for path, column in plan.columns.items()
        if lacks(column)
    }
    if not masks:
        return np.arange(size)
    rows = np.flatnonzero(np.logical_and.reduce(list(masks.values())))
    paths = [
        path if isinstance(path, str) else join(path)
        for path, mask in masks.items()
        if not mask[:measured].all()
    ]
    left_out = measured - int(np.searchsorted(rows, measured))
    if not rows.size:
        raise LayoutError(
            f"No measurement has all parameters of the dims; each lacks one of {listing(paths)}.",
            ways=[Way("Pass layout='points', or fewer dims.", "")],
        )
    if left_out:
        warn(
            f"{left_out} of {measured} measurements lack {listing(paths)} and are left out.",
            way=Way(
                f"e.annotate('{paths[0]}', default=...) gives them a value.",
                f"`coma-xr annotate DIR {paths[0]} --default VALUE` gives them a value.",
            ),
        )
    return rows


def _warn_of_doubles(ids: Sequence[int], rows: Array, codes: Sequence[Array], dim: str) -> None:
    """Report measurements that share a cell, when no recorded parameter tells them apart."""
    places = numbered(codes, [int(axis_codes.max(initial=0)) + 1 for axis_codes in codes])[0]
    _, first, place, count = np.unique(places, return_index=True, return_inverse=True, return_counts=True)
    shared = count > 1
    number = int(shared.sum())
    if not number:
        return
    example = [ids[row] for row in rows[place == place[first[shared].min()]]]
    warn(
        f"{number} parameter set{'s have' if number > 1 else ' has'} several measurements, {listing(example, 3)} for example, "
        f"which lie along a dim '{dim}'.",
        way=Way(
            f"e.remove([{example[-1]}]) moves one away, measurement_id.isel({dim}=1) of the Dataset "
            f"names the others; dims= with a path that distinguishes them gives them a dim of their own.",
            f"`coma-xr remove DIR {example[-1]}` moves one away.",
        ),
    )


def _axis(plan: _Plan, before: Sequence[Axis], rows: Array) -> Axis:
    coded = [factorize(on_rows(column, rows)) for column in plan.columns.values()]
    if plan.labelled:
        codes, labels = coded[0]
        return Axis(plan.dim, codes, len(labels), labels, next(iter(plan.columns)))
    codes, _ = numbered([codes for codes, _ in coded], [len(labels) for _, labels in coded])
    codes = np.unique(codes, return_inverse=True)[1]
    outer = cells_of([axis for axis in before if axis.dim in (plan.within or ())], len(rows))
    outer = np.unique(outer, return_inverse=True)[1]
    # The number of each value among those that occur in the same cell of the other dims.
    size = int(codes.max(initial=-1)) + 1
    pairs, inverse = np.unique(outer * size + codes, return_inverse=True)
    cell = pairs // size
    number = np.arange(len(pairs)) - np.searchsorted(cell, cell)
    return Axis(plan.dim, number[inverse], int(number.max(initial=-1)) + 1)


def _levels(column: Iterable[Any]) -> int:
    """Return how many dims the first list or array of a column makes."""
    value: Any = next((value for value in column if value is not MISSING), None)
    if isinstance(value, dict):
        return len(value.get("shape") or ()) if is_array(value) else 0
    levels = 0
    while type(value) is list:
        levels, value = levels + 1, value[0] if value else None
    return levels


def _along(plans: Iterable[_Plan], axes: Iterable[Axis]) -> dict[Path | str, tuple[str, ...]]:
    """Return for parameters that are not labels, but belong to a dim, the dims of their coordinates."""
    along: dict[Path | str, tuple[str, ...]] = {}
    dims = {axis.dim for axis in axes}
    for plan in plans:
        others = list(plan.columns)[1:] if plan.labelled else list(plan.columns)
        for path in others:
            along[path] = tuple(dim for dim in (*(plan.within or ()), plan.dim) if dim in dims)
    return along


def varying(source: Source) -> list[Path]:
    """Return the parameters that have several values, the defined ones first."""
    defined = list(source.names.defined.values())
    others = [
        path
        for path in source.columns.paths
        if role(path) == "parameter" and path not in defined and path not in source.copies
    ]
    return [path for path in [*defined, *others] if varies(source.columns[path])]


FLAGS = ("not_asked", "missing", "done", "failed", "timeout", "died", "excluded")
"""The meanings of `measurement_status`, by its number."""

DONE = FLAGS.index("done")


@dataclass(frozen=True)
class Status:
    """The requested parameter sets, failures and exclusions of an experiment."""

    paths: Sequence[Path] = ()
    sets: Sequence[Sequence[Tree]] = ()
    repeats: int | None = 1
    failures: Sequence[tuple[int, Tree]] = ()
    excluded: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Absent:
    """Parameter sets without a measurement."""

    columns: dict[Path, list[Any]] = field(default_factory=dict)
    states: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.states)

    def of(self, path: Path) -> list[Any]:
        """Return what to put below the column of a path."""
        return self.columns.get(path) or [MISSING] * len(self)

    def where(self, chosen: Sequence[bool]) -> Absent:
        """Return those that were chosen."""
        rows = [row for row, choice in enumerate(chosen) if choice]
        columns = {path: [column[row] for row in rows] for path, column in self.columns.items()}
        return Absent(columns, [self.states[row] for row in rows])


@no_collection()
def absent(source: Source, status: Status | None, unchosen: Sequence[tuple[Sequence[Tree], int]]) -> Absent:
    """Return the parameter sets that failed or were not run yet."""
    definition = source.names.defined
    if status is None or not definition or not (status.sets or status.failures):
        return Absent()
    columns: list[Sequence[Any]] = [source.columns[path] for path in definition.values()]
    repeats = source.columns.repeats()
    if unchosen:
        others = zip(*(values for values, _ in unchosen), strict=True)
        columns = [[*column, *other] for column, other in zip(columns, others, strict=True)]
        repeats = [*repeats, *(repeat for _, repeat in unchosen)]
    sets = _requested_sets(status, source)
    repeated = range(status.repeats or 1)
    if not status.failures and _all_measured(columns, repeats, sets, repeated):
        return Absent()
    rows = zip(zip(*columns, strict=True), repeats, strict=True)
    measured = {_key(values, repeat) for values, repeat in rows if MISSING not in values}
    absent_sets: dict[Any, tuple[Sequence[Tree], int, int]] = {}
    for values, repeat, state in _failed(status, source):
        absent_sets[_key(values, repeat)] = (values, repeat, state)
    missing = FLAGS.index("missing")
    for parameter_set in sets:
        for repeat in repeated:
            absent_sets.setdefault(_key(parameter_set, repeat), (parameter_set, repeat, missing))
    remaining = [absent_set for identity, absent_set in absent_sets.items() if identity not in measured]
    by_path = {path: [values[i] for values, _, _ in remaining] for i, path in enumerate(definition.values())}
    by_path[REPEAT] = [repeat for _, repeat, _ in remaining]
    return Absent(by_path if remaining else {}, [state for _, _, state in remaining])


def _key(values: Sequence[Tree], repeat: int) -> Any:
    return key(values), repeat


def _all_measured(
    columns: Sequence[Sequence[Tree]],
    repeats: Sequence[int],
    sets: Sequence[Sequence[Tree]],
    repeated: Iterable[int],
) -> bool:
    """Whether there is a measurement of each set; False also where that is not so quickly said."""
    requested = list(map(list, zip(*sets, strict=True)))
    if not all(type(part) is Numbers or set(map(type, part)) <= COMPARED for part in (*columns, *requested)):
        return False
    if repeated == range(1) and not any(repeats):
        # As one run leaves them, which makes nothing new.
        if requested == columns:
            return True
        return set(map(tuple, sets)) <= set(zip(*columns, strict=True))
    measured = set(zip(*columns, repeats, strict=True))
    return all((*values, repeat) in measured for values in sets for repeat in repeated)


def _requested_sets(status: Status, source: Source) -> Sequence[Sequence[Tree]]:
    """Return the sets that were asked for, in the order of the definition; none if they are of other parameters."""
    paths = list(source.names.defined.values())
    requested = [
        path
        for _, path in Past.of(source.annotations).updated(split_paths(("", path) for path in status.paths))
    ]
    if paths == requested:
        return status.sets
    if any(path not in requested for path in paths):
        return []
    order = [requested.index(path) for path in paths]
    return [[values[place] for place in order] for values in status.sets]


def _failed(status: Status, source: Source) -> Iterable[tuple[list[Tree], int, int]]:
    """Yield the parameter sets whose last try failed: values, repeat, state."""
    definition = Definition(tuple(source.names.defined), tuple(source.names.defined.values()))
    past = Past.of(source.annotations)
    for _, tree in status.failures:
        values = read_parameters(tree, definition, past)
        if values is not None:
            repeat = look(tree, REPEAT)
            yield values, 0 if repeat is NOTHING else repeat, _state(tree)


def _state(tree: Tree) -> int:
    status = next(
        (
            branch["status"]
            for branch in (tree, tree.get("info"), tree.get("exception"))
            if _has_status(branch)
        ),
        "failed",
    )
    return FLAGS.index(status)


def _has_status(branch: Any) -> bool:
    return isinstance(branch, dict) and branch.get("status") in FLAGS


def status_attrs() -> Attrs:
    """Return the attributes of `measurement_status`, as the CF conventions have them for flags."""
    numbers: Array = np.arange(len(FLAGS), dtype=np.int8)
    return {
        "long_name": "what became of the measurement",
        "flag_values": numbers,
        "flag_meanings": " ".join(FLAGS),
    }

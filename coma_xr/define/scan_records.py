"""The scans that an experiment was run with, as its directory keeps them, and the layout that follows from them.

A record holds the parameter sets of all scans with one structure, that is with the same axes. A Dataset is laid
out by the structure that covers most measurements, or as points when more measurements are covered by none.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import operator
from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

from coma_xr.checks import check_choice
from coma_xr.define.parameters import Definition, Past
from coma_xr.define.values import keys_of, plain_rows, records_by_value
from coma_xr.errors import LayoutError
from coma_xr.same import key, keys
from coma_xr.text import listing
from coma_xr.tree import Path

if TYPE_CHECKING:
    from coma_xr.define.axes import Row
    from coma_xr.define.scans import Scan
    from coma_xr.values.plain import Tree

Structure = Sequence[Mapping[str, Any]]
Kind = Literal["grid", "points"]
Identity = tuple[Hashable, ...]


def check_layout(layout: Any) -> Kind | None:
    """Return the layout of a Dataset, None for the one that is chosen; LayoutError for another."""
    checked: Kind | None = check_choice("layout", layout, (*get_args(Kind), None), LayoutError)
    return checked


@dataclass(frozen=True)
class Product:
    """Parameter sets: all combinations of the rows of some groups of parameters, the last group fastest."""

    groups: tuple[tuple[Row, ...], ...]

    @classmethod
    def from_state(cls, state: Iterable[Iterable[Iterable[Tree]]]) -> Product:
        """Return the sets that `to_state` made a tree of."""
        return cls(tuple(tuple(map(tuple, rows)) for rows in state))

    def to_state(self) -> list[list[list[Tree]]]:
        """Return the sets as a plain tree."""
        return [[list(row) for row in rows] for rows in self.groups]

    def __len__(self) -> int:
        return math.prod(map(len, self.groups))

    def __iter__(self) -> Iterator[Row]:
        if len(self.groups) == 1:
            return iter(self.groups[0])
        return map(tuple, itertools.starmap(itertools.chain, itertools.product(*self.groups)))

    @cached_property
    def _keys(self) -> list[tuple[int, frozenset[Identity]]]:
        """For each group the number of its parameters, and the keys of its rows."""
        return [(len(rows[0]) if rows else 0, _keys_of(rows)) for rows in self.groups]

    def covered(self, identities: Sequence[Identity]) -> Iterable[int]:
        """Return the places of those parameter sets with these keys that are among these."""
        begin, places = 0, range(len(identities)) if self.groups else range(0)
        covered_places: Iterable[int] = places
        for width, rows in self._keys:
            end = begin + width
            if len(self._keys) == 1:
                # Most products have one group, whose rows are whole.
                return [place for place in covered_places if identities[place][:end] in rows]
            covered_places = [place for place in covered_places if identities[place][begin:end] in rows]
            begin = end
        return covered_places

    def united(self, other: Product) -> Product | None:
        """Return both as one product; None unless they differ in the rows of one group only."""
        if [width for width, _ in self._keys] != [width for width, _ in other._keys]:
            return None
        pairs = enumerate(zip(self._keys, other._keys, strict=True))
        different = [place for place, ((_, mine), (_, theirs)) in pairs if mine != theirs]
        if len(different) > 1:
            return None
        groups = list(self.groups)
        for place in different:
            known = self._keys[place][1]
            groups[place] += tuple(row for row in other.groups[place] if key(row) not in known)
        return Product(tuple(groups))


def _keys_of(rows: Sequence[Row]) -> frozenset[Identity]:
    """Return the keys of rows of one length, those of each column together."""
    if not rows or not rows[0]:
        return frozenset(map(key, rows))
    columns = list(zip(*rows, strict=True))
    by_column = [keys(column) for column in columns]
    if all(map(operator.is_, by_column, columns)):
        return frozenset(rows)
    return frozenset(zip(*by_column, strict=True))


@dataclass(frozen=True)
class ScanRecord:
    """The parameter sets of all scans with the same parameters and the same axes; none are kept of points."""

    definition: Definition
    axes: tuple[Mapping[str, Any], ...]
    products: tuple[Product, ...] = ()

    @classmethod
    def of(cls, definition: Definition, axes: Structure, sets: Product) -> ScanRecord:
        """Return the record of one scan."""
        record = cls(definition, tuple(axes), (sets,))
        return replace(record, products=()) if record._is_points(sets) else record

    @property
    def are_points(self) -> bool:
        """Whether the scans were points, without any structure."""
        return not self.products

    def _is_points(self, sets: Product) -> bool:
        """Whether a scan steps through points only: its other parameters have one value, or follow from them."""
        if sum(bool(axis.get("points")) for axis in self.axes) != 1:
            return False
        others = [axis for axis in self.axes if not axis.get("points") and not axis.get("derived")]
        names = {name for axis in others for name in axis["names"]}
        places = [place for place, name in enumerate(self.definition.names) if name in names]
        return not places or len({key([row[place] for place in places]) for row in sets}) <= 1

    def united(self, other: ScanRecord) -> ScanRecord:
        """Return the record with the sets of another record with the same parameters and axes."""
        products = list(self.products)
        for new in other.products:
            for place, product in enumerate(products):
                if (both := product.united(new)) is not None:
                    products[place] = both
                    break
            else:
                products.append(new)
        return replace(self, products=tuple(products))

    @property
    def name(self) -> str:
        """The name that records with the same parameters and axes have in common."""
        text = json.dumps([self.definition.to_state(), *map(dict, self.axes)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def to_state(self) -> dict[str, Tree]:
        """Return the record as a plain tree."""
        return {
            "parameters": self.definition.to_state(),
            "axes": [dict(axis) for axis in self.axes],
            "sets": [product.to_state() for product in self.products],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> ScanRecord:
        """Return the record that `to_state` made a tree of."""
        products = tuple(map(Product.from_state, state.get("sets", ())))
        return cls(Definition.from_state(state["parameters"]), tuple(state["axes"]), products)

    def now(self, definition: Definition, past: Past) -> _Translated | None:
        """Return the record in terms of today's definition; None when that lacks one of its parameters."""
        pairs = past.updated(self.definition)
        today = past.updated(definition)
        names = {path: name for name, path in today}
        if not all(path in names for _, path in pairs):
            return None
        places = [list(names).index(path) for _, path in pairs]
        renamed = {old: names[path] for old, (_, path) in zip(self.definition.names, pairs, strict=True)}
        axes = [
            {
                **axis,
                "dim": renamed.get(axis["dim"], axis["dim"]),
                "names": [renamed[name] for name in axis["names"]],
            }
            for axis in self.axes
        ]
        return _Translated(self, axes, places)


@dataclass(frozen=True)
class _Translated:
    """A record with the names of today, and where its parameters stand in today's definition."""

    record: ScanRecord
    axes: list[dict[str, Any]]
    places: Sequence[int]

    def covered(self, identities: Sequence[Identity]) -> list[bool]:
        """Return which of the parameter sets with these keys were asked for."""
        rows: Sequence[Identity] = identities
        if list(self.places) != list(range(len(self.places))):
            rows = [tuple([identity[place] for place in self.places]) for identity in identities]
        covered = [False] * len(rows)
        for product in self.record.products:
            for row in product.covered(rows):
                covered[row] = True
        return covered


# A small file must not unfold to more parameter sets than are written out.
MOST_COMBINATIONS = 1_000_000


@dataclass(frozen=True)
class Asked:
    """The request of the last run: parameter sets, the axes of a scan, and repeats.

    `exact` has the pairs of plain form and record of those values that have a type of their own, by path. Of a scan
    that is too large to be listed, `beyond` sets are only counted.
    """

    definition: Definition
    sets: Product
    axes: Structure | None = None
    repeats: int | None = None
    exact: Mapping[str, list[list[Tree]]] = field(default_factory=dict)
    beyond: int = 0

    @classmethod
    def of(
        cls,
        definition: Definition,
        wanted: Sequence[Row],
        scan: Scan | None,
        repeats: int | None,
        whole: int | None = None,
    ) -> Asked:
        """Return what a run is asked for that wants some sets, by default all, of a scan with `whole` ones."""
        factors = scan.factors() if scan is not None and scan.definition == definition else None
        groups: Sequence[Sequence[Row]] = [wanted] if factors is None else factors
        exact: dict[str, list[list[Tree]]] = {}
        begin = 0
        for rows in groups if all(groups) else ():
            exact |= records_by_value(definition.paths[begin:], rows)
            begin += len(rows[0])
        return cls(
            definition,
            Product(tuple(map(plain_rows, groups))),
            None if scan is None else scan.structure,
            repeats,
            exact,
            0 if whole is None else whole - len(wanted),
        )

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Asked:
        """Return what `to_state` made a tree of."""
        groups = state["products"] if "products" in state else [state["sets"]]
        return cls(
            Definition.from_state(state["parameters"]),
            Product.from_state(groups),
            state.get("axes"),
            state.get("repeats"),
            state.get("exact") or {},
            state.get("beyond", 0),
        )

    def to_state(self) -> dict[str, Tree]:
        """Return it as a plain tree: all sets, or the groups of rows whose combinations they are."""
        groups = self.sets.to_state()
        sets: dict[str, Tree] = {"products": groups}
        if len(groups) == 1 or not 0 < len(self.sets) * (self.repeats or 1) <= MOST_COMBINATIONS:
            sets = {"sets": [list(row) for row in self.sets]}
        return {
            **({"beyond": self.beyond} if self.beyond else {}),
            "parameters": self.definition.to_state(),
            "axes": None if self.axes is None else [dict(axis) for axis in self.axes],
            **sets,
            "exact": dict(self.exact),
            "repeats": self.repeats,
        }

    @property
    def record(self) -> ScanRecord | None:
        """The record of the scan, None without one."""
        return None if self.axes is None else ScanRecord.of(self.definition, self.axes, self.sets)

    def lacking(self, done: Container[Hashable]) -> Iterator[tuple[Row, int]]:
        """Yield the parameter sets, and how many of their repeats are not among those that are done."""
        repeats, sets = self.repeats or 1, list(self.sets)
        if repeats == 1:
            lacks = map(operator.not_, map(done.__contains__, keys_of(sets)))
            yield from ((row, 1) for row in itertools.compress(sets, lacks))
            return
        for row, values in zip(sets, keys_of(sets), strict=True):
            yield row, (values not in done) + sum((*values, n) not in done for n in range(1, repeats))

    def without(self, identities: Container[Identity]) -> Asked:
        """Return it without the parameter sets with these keys."""
        remaining = tuple([values for values in self.sets if key(values) not in identities])
        return replace(self, sets=Product((remaining,)))

    def is_part(self, other: Asked, past: Past) -> bool:
        """Whether all parameter sets, with their repeats, are among those of another run."""
        if (self.repeats or 1) > (other.repeats or 1):
            return False
        paths, others = ([path for _, path in past.updated(asked.definition)] for asked in (self, other))
        if paths == others and self.sets == other.sets:
            return True
        if set(paths) != set(others):
            return False
        order = [paths.index(path) for path in others]
        identities = [key([row[place] for place in order]) for row in self.sets]
        return len([*other.sets.covered(identities)]) == len(identities)


def records_of(records: Mapping[str, Any]) -> list[ScanRecord]:
    """Return records from their plain trees, in the order of their first runs."""
    return [ScanRecord.from_state(record) for record in records.values()]


def with_scan(records: Mapping[str, Any], new: ScanRecord) -> dict[str, Tree]:
    """Return the plain trees of records, by name, with those of a new scan."""
    known = records.get(new.name)
    united = new if known is None else ScanRecord.from_state(known).united(new)
    return {**records, new.name: united.to_state()}


@dataclass(frozen=True)
class Choice:
    """The layout that recorded scans ask for; without a kind it is inferred from the values."""

    kind: Kind | None = None
    axes: Structure = ()


@dataclass(frozen=True)
class LayoutRule:
    """The scans and settings that decide the layout of the Datasets of an experiment."""

    records: Sequence[ScanRecord] = ()
    past: Past = field(default_factory=Past)
    kind: Kind | None = None
    dims: Sequence[tuple[str, Path]] | None = None

    def choice(
        self,
        definition: Definition,
        identities: Callable[[], Sequence[Identity]],
        known: dict[int, list[bool]] | None = None,
    ) -> Choice:
        """Return the layout of the structure that covers most measurements; of two that cover as many, the first.

        `known` keeps which measurements a structure covers, for another call with the first of them.
        """
        usable = [found for record in self.records if (found := record.now(definition, self.past))]
        structured = [found for found in usable if not found.record.are_points]
        if not usable:
            return Choice()
        if not structured:
            return Choice("points")
        if len(usable) == 1:
            return Choice("grid", structured[0].axes)
        known, all_identities = {} if known is None else known, identities()
        for place, found in enumerate(structured):
            if place not in known:
                known[place] = found.covered(all_identities)
        covered = [known[place][: len(all_identities)] for place in range(len(structured))]
        counts = [sum(own) for own in covered]
        best = max(range(len(counts)), key=counts.__getitem__)
        if len(structured) < len(usable):
            uncovered = len(all_identities) - sum(map(any, zip(*covered, strict=True)))
            if uncovered > counts[best]:
                return Choice("points")
        return Choice("grid", structured[best].axes)


def record_of_last_scan(asked: Asked | None) -> dict[str, Tree]:
    """Return the records, by name, that follow from the last scan alone; version 1 kept only its sets."""
    record = None if asked is None else asked.record
    return {} if record is None else {record.name: record.to_state()}


def is_function(first: Iterable[Hashable], others: Iterable[Hashable]) -> bool:
    """Whether the second of two columns has one value for each value of the first.

    >>> is_function([1, 2, 1], "aba"), is_function([1, 2, 1], "abc")
    (True, False)
    """
    pairs = set(zip(first, others, strict=True))
    return len({value for value, _ in pairs}) == len(pairs)


def independent(choice: Choice, definition: Definition, identities: Sequence[Identity]) -> list[str]:
    """Return the parameters that were zipped or derived, and that measurements show to be no function any more."""
    if not identities:
        return []
    free: list[str] = []
    leading = [axis["names"][0] for axis in choice.axes if axis["names"] and not axis.get("derived")]

    def column(name: str) -> list[Hashable]:
        place = definition.position(name)
        return [identity[place] for identity in identities]

    for axis in choice.axes:
        if axis.get("depends") or axis.get("points") or not set(axis["names"]) <= {*definition.names}:
            continue
        first, *others = axis["names"]
        of = [first]
        if axis.get("derived"):
            others, of = [first], [name for name in leading if name in definition.names]
        if others:
            values = list(zip(*map(column, of), strict=True))
            free += [name for name in others if not is_function(values, column(name))]
    return free


def change_of_layout(
    rules: tuple[LayoutRule, LayoutRule],
    definitions: tuple[Definition | None, Definition],
    identities: tuple[Sequence[Identity], Sequence[Identity]],
) -> tuple[str, str, str] | None:
    """Return the layouts before and after a run and the call that undoes the change; None when nothing changed."""
    old, new = definitions
    if old is None or not identities[0] or rules[1].kind is not None:
        return None
    # What was renamed is the same dim.
    old, new = (Definition.of(rules[1].past.updated(definition)) for definition in (old, new))
    known: dict[int, list[bool]] = {}
    after = _laid_out(rules[1], new, identities[1], known)
    # The keys from before the run are the first of those after it.
    before = _laid_out(rules[0], old, identities[0], known if rules[0] == rules[1] and old == new else {})
    if before == after:
        return None
    dims = [name for name, path in old if path in (before[1] or ())]
    undo = f"'grid', dims={dims!r}" if dims else "'points'"
    return _in_words(before, old), _in_words(after, new), f"e.define_layout({undo})"


_LaidOut = tuple[Kind | None, tuple[Path | str, ...]]


def _laid_out(
    rule: LayoutRule, definition: Definition, identities: Sequence[Identity], known: dict[int, list[bool]]
) -> _LaidOut:
    """Return the kind of a layout, and its dims: the paths of parameters, or names of dims that are none."""
    choice = rule.choice(definition, lambda: identities, known)
    if choice.kind != "grid":
        return choice.kind, ()
    axis_of = {name: axis for axis in choice.axes for name in axis["names"]}
    free = independent(choice, definition, identities)
    paths: dict[str, Path | str] = dict(definition)
    dims = [
        name if name in free else axis_of.get(name, {}).get("dim", name)
        for name in definition.names
        if name in free or not axis_of.get(name, {}).get("derived")
    ]
    return "grid", tuple(dict.fromkeys(paths.get(dim, dim) for dim in dims))


def _in_words(laid_out: _LaidOut, definition: Definition) -> str:
    kind, dims = laid_out
    if kind != "grid":
        return "points" if kind else "what is inferred from the values"
    names: dict[Path | str, str] = {path: name for name, path in definition}
    return f"a grid over {listing(names.get(dim, dim) for dim in dims)}"

"""Whatever is done to an experiment, in any order: its Dataset follows from its visible files, and changes only as reported."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import coma_xr as coma
from coma_xr.errors import ComaWarning

VALUES = st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True)
EXCLUDED = 6  # in measurement_status
LAYOUT_CHANGED = "The layout of the Dataset of"


class Experiments(RuleBasedStateMachine):
    """One experiment with parameters a and b, of which some points fail at the first try."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.numbers = itertools.count()
        self.e = coma.Experiment(self.new_path(), config={})
        self.tried: set[tuple[Any, Any]] = set()
        self.before: xr.Dataset | None = None

    def teardown(self) -> None:
        self.directory.cleanup()

    def new_path(self) -> Path:
        return Path(self.directory.name, f"e{next(self.numbers)}")

    def work(self, a: int, b: int) -> dict[str, Any]:
        if (a * b) % 7 == 3 and (a, b) not in self.tried:
            self.tried.add((a, b))
            raise ValueError("fails once")
        return {"y": 10 * a + b, "l": [a] * (b % 3)}

    def run(self, scan: Any, **options: Any) -> None:
        """Run a scan; unless it reports a change of the layout, what was selected before is selected after."""
        before, missing = self.dataset(self.e), self.missing()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            report = self.e.run(self.work, scan, progress=False, **options)
        after = self.dataset(self.e)
        reported = any(LAYOUT_CHANGED in str(warning.message) for warning in caught)
        if before.sizes and before.measurement_id.any() and not reported:
            dims = {dim for dim in before.measurement_id.dims if dim != "row"}
            assert dims <= {*after.measurement_id.dims}, (before.sizes, after.sizes)
            assert_selects_the_same(before, after)
        if report.saved == report.failed == 0 and self.missing() == missing:
            assert after.identical(before)

    def missing(self) -> list[dict[str, Any]]:
        return list(self.e.missing()) if self.e.status()["missing"] else []

    @staticmethod
    def dataset(e: coma.Experiment, **options: Any) -> xr.Dataset:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ComaWarning)
            return e.to_dataset(**options)

    @property
    def is_active(self) -> bool:
        return self.e.isactive()

    # What is run

    @precondition(lambda self: self.is_active)
    @rule(a=VALUES, b=VALUES)
    def run_a_grid(self, a: list[int], b: list[int]) -> None:
        self.run({"a": a, "b": b})

    @precondition(lambda self: self.is_active)
    @rule(a=VALUES, b=VALUES, limit=st.integers(0, 3))
    def run_part_of_a_grid(self, a: list[int], b: list[int], limit: int) -> None:
        self.run({"a": a, "b": b}, limit=limit)

    @precondition(lambda self: self.is_active)
    @rule(a=VALUES, b=VALUES, shard=st.integers(0, 1))
    def run_a_shard(self, a: list[int], b: list[int], shard: int) -> None:
        self.run({"a": a, "b": b}, shard=(shard, 2))

    @precondition(lambda self: self.is_active)
    @rule(points=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=4))
    def run_cases(self, points: list[tuple[int, int]]) -> None:
        self.run(coma.cases([{"a": a, "b": b} for a, b in points]))

    @precondition(lambda self: self.is_active)
    @rule(a=VALUES)
    def run_zipped(self, a: list[int]) -> None:
        self.run(coma.zipped(a=a, b=[value + 1 for value in a]))

    @precondition(lambda self: self.is_active)
    @rule(a=VALUES)
    def run_expanded(self, a: list[int]) -> None:
        self.run(coma.grid(a=a).expand(b=lambda p: range(p.a + 1)))

    @precondition(lambda self: self.is_active and self.e.status()["measurements"])
    @rule()
    def run_what_is_missing(self) -> None:
        missing = self.e.missing()
        if len(missing):
            self.run(missing)

    @precondition(lambda self: self.is_active and len(self.e.failures()))
    @rule()
    def run_a_failed_point_again(self) -> None:
        failures = self.e.failures()
        self.run(coma.cases(failures[["a", "b"]].head(1)))

    # What is done to it

    def ids(self) -> list[int]:
        return [m.id for m in self.e.measurements()]

    @precondition(lambda self: self.is_active and len(self.e))
    @rule(which=st.integers(0, 100))
    def remove_and_restore(self, which: int) -> None:
        before = self.dataset(self.e)
        chosen = self.ids()[which % len(self.ids())]
        self.e.remove(chosen)
        assert chosen not in self.ids()
        assert self.e.restore([chosen]) == [chosen]
        assert self.dataset(self.e).identical(before)

    @precondition(lambda self: self.is_active and len(self.e))
    @rule(which=st.integers(0, 100))
    def remove(self, which: int) -> None:
        self.e.remove(self.ids()[which % len(self.ids())])

    @precondition(lambda self: len(self.e))
    @rule(which=st.integers(0, 100))
    def exclude_and_include(self, which: int) -> None:
        before = self.dataset(self.e)
        chosen = self.ids()[which % len(self.ids())]
        excluded = before.measurement_id.values[before.measurement_status.values == EXCLUDED]
        if chosen in excluded:
            return
        self.e.exclude(chosen, "too noisy")
        self.e.exclude(chosen, None)
        assert self.dataset(self.e).identical(before)

    @precondition(lambda self: len(self.e))
    @rule(which=st.integers(0, 100))
    def exclude(self, which: int) -> None:
        self.e.exclude(self.ids()[which % len(self.ids())], "too noisy")

    @precondition(lambda self: self.is_active)
    @rule()
    def deactivate(self) -> None:
        before = self.dataset(self.e)
        self.e.deactivate()
        assert_same_but_failures(before, self.dataset(self.e))

    @precondition(lambda self: not self.is_active)
    @rule()
    def activate(self) -> None:
        before = self.dataset(self.e)
        self.e.activate()
        assert_same_but_failures(before, self.dataset(self.e))

    @precondition(lambda self: self.is_active)
    @rule()
    def reset(self) -> None:
        self.e.reset()
        assert len(self.e) == 0

    @precondition(lambda self: self.is_active and len(self.e))
    @rule()
    def merge_a_copy(self) -> None:
        copy = self.new_path()
        shutil.copytree(self.e.path, copy)
        before = self.dataset(self.e)
        assert self.e.merge(copy) == {}
        assert self.dataset(self.e).identical(before)

    @rule()
    def move_on_with_a_copy_without_hidden_files(self) -> None:
        before = self.dataset(self.e)
        self.e = self.copied(shutil.ignore_patterns(".*"))
        assert self.dataset(self.e).drop_attrs().identical(before.drop_attrs())

    @precondition(lambda self: len(self.e))
    @rule()
    def annotate_units(self) -> None:
        self.e.annotate("results/y", units="m")

    # What holds always

    def copied(self, ignore: Callable[..., Any] | None = None) -> coma.Experiment:
        path = self.new_path()
        shutil.copytree(self.e.path, path, ignore=ignore)
        return coma.Experiment(path, config={})

    @invariant()
    def the_dataset_follows_from_the_visible_files(self) -> None:
        mine = self.dataset(self.e)
        theirs = self.dataset(self.copied(shutil.ignore_patterns(".*")))
        assert mine.identical(theirs)

    @invariant()
    def every_measurement_is_in_the_dataset(self) -> None:
        ds = self.dataset(self.e)
        if len(self.e):
            assert (ds.measurement_id.values != 0).sum() == len(self.e)


def assert_selects_the_same(before: xr.Dataset, after: xr.Dataset) -> None:
    """What each measurement has is still found by the labels of its parameters."""
    rows = before.to_dataframe().reset_index()
    for row in rows[rows.measurement_id != 0].itertuples():
        found = after.coma.sel(a=row.a, b=row.b)
        assert row.measurement_id in found.measurement_id.values.ravel().tolist()


def assert_same_but_failures(before: xr.Dataset, after: xr.Dataset) -> None:
    assert after.identical(before), xr.testing.assert_identical(before, after)


TestExperiments = Experiments.TestCase
TestExperiments.settings = settings(
    max_examples=12,
    stateful_step_count=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.mark.ci
class TestLonger(Experiments.TestCase):
    settings = settings(
        max_examples=80,
        stateful_step_count=25,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )

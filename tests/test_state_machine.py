"""Whatever is done to an experiment, in any order: its Dataset follows from its visible files, and changes only as reported."""

from __future__ import annotations

import itertools
import json
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
        self.a = "a"  # what the first parameter is called now
        self.c: list[int] = []  # values of a parameter that comes later

    def teardown(self) -> None:
        self.directory.cleanup()

    def new_path(self) -> Path:
        return Path(self.directory.name, f"e{next(self.numbers)}")

    def work(self, **values: int) -> dict[str, Any]:
        a, b = values[self.a], values["b"]
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
            self.assert_selects_the_same(before, after)
        # A new scan may cover more of what was measured than the one that gave the layout.
        if report.saved == report.failed == 0 and self.missing() == missing and not reported:
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

    def grid(self, a: list[int], b: list[int]) -> coma.Scan:
        return self.with_c(coma.grid(**{self.a: a, "b": b}))

    def with_c(self, scan: coma.Scan) -> coma.Scan:
        return scan * coma.grid(c=self.c) if self.c else scan

    @property
    def last_c(self) -> dict[str, int]:
        return {"c": self.c[-1]} if self.c else {}

    @precondition(lambda self: self.is_active)
    @rule(a=VALUES, b=VALUES)
    def run_a_grid(self, a: list[int], b: list[int]) -> None:
        self.run(self.grid(a, b))

    @precondition(lambda self: self.is_active)
    @rule(a=VALUES, b=VALUES, limit=st.integers(0, 3))
    def run_part_of_a_grid(self, a: list[int], b: list[int], limit: int) -> None:
        self.run(self.grid(a, b), limit=limit)

    @precondition(lambda self: self.is_active)
    @rule(a=VALUES, b=VALUES, shard=st.integers(0, 1))
    def run_a_shard(self, a: list[int], b: list[int], shard: int) -> None:
        self.run(self.grid(a, b), shard=(shard, 2))

    @precondition(lambda self: self.is_active)
    @rule(points=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=4))
    def run_cases(self, points: list[tuple[int, int]]) -> None:
        self.run(coma.cases([{self.a: a, "b": b, **self.last_c} for a, b in points]))

    @precondition(lambda self: self.is_active)
    @rule(a=VALUES)
    def run_zipped(self, a: list[int]) -> None:
        self.run(self.with_c(coma.zipped(**{self.a: a, "b": [value + 1 for value in a]})))

    @precondition(lambda self: self.is_active)
    @rule(a=VALUES)
    def run_expanded(self, a: list[int]) -> None:
        scan = self.with_c(coma.grid(**{self.a: a}))
        self.run(scan.expand(b=lambda p: range(p[self.a] + 1)))

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
        # A failure from before a change of the parameters has the names of that time.
        failures = failures.rename(columns={"a": self.a})
        self.run(coma.cases(failures[[self.a, "b"]].head(1).assign(**self.last_c)))

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

    @precondition(lambda self: len(self.e) and not self.c)
    @rule(c=st.sampled_from([[0], [0, 1], [1]]))
    def annotate_a_default(self, c: list[int]) -> None:
        """What was run without `c` counts as c = 0 from now on."""
        before = self.dataset(self.e)
        self.e.annotate("parameters/c", default=0)
        self.c = c
        self.assert_selects_the_same(before, self.dataset(self.e))

    @precondition(lambda self: len(self.e) and self.a == "a")
    @rule()
    def annotate_a_former_name(self) -> None:
        before = self.dataset(self.e)
        self.e.annotate("parameters/first", formerly="parameters/a")
        self.a = "first"
        after = self.dataset(self.e)
        dims = ["first" if dim == "a" else dim for dim in before.measurement_id.dims]
        assert list(after.measurement_id.dims) == dims
        self.assert_selects_the_same(before, after)

    @precondition(lambda self: not self.is_active)
    @rule(activates=st.booleans())
    def coma_2_in_between(self, activates: bool) -> None:
        """Coma 2 drops from the experiment file what it does not know, and leaves other files alone."""
        before = self.dataset(self.e)
        archive = self.e.path / "experiment.none.json"
        tree = json.loads(archive.read_text())["experiment"]
        failures = tree["info"].pop("coma_xr", {}).get("failures")
        measurements = tree["measurements"]
        if activates:
            for measurement in measurements:
                id = measurement["info"]["measurement_id"]
                text = json.dumps({"measurement": measurement})
                (self.e.path / f"measurement.{id:06}.json").write_text(text)
            last = max((m["info"]["measurement_id"] for m in measurements), default=0)
            index = {"measurements": {"last_measurement_id": last}}
            (self.e.path / "measurement.index.json").write_text(json.dumps(index))
            del tree["measurements"]
        archive.write_text(json.dumps({"experiment": tree}))
        self.e = coma.Experiment(self.e.path, config={})
        assert self.is_active is activates
        # Records of failures are among what it drops.
        if not failures:
            assert self.dataset(self.e).identical(before)

    # What holds always

    def assert_selects_the_same(self, before: xr.Dataset, after: xr.Dataset) -> None:
        """What each measurement has is still found by the labels of its parameters."""
        if not before.sizes:
            return
        rows = before.to_dataframe().reset_index()
        renamed = rows.rename(columns={"a": self.a})
        for _, row in renamed[renamed.measurement_id != 0].iterrows():
            found = after.coma.sel({self.a: row[self.a], "b": row.b})
            assert row.measurement_id in found.measurement_id.values.ravel().tolist()

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

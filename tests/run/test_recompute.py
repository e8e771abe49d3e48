"""Points that are computed again."""

import pytest

import coma_xr as coma
from coma_xr.errors import StorageError
from tests.run.common import quietly


@pytest.fixture
def e(tmp_path):
    e = coma.Experiment(tmp_path / "e")
    e.run(lambda x, rng: {"y": 1, "r": rng.random()}, {"x": [1, 2, 3]}, seed=5)
    return e


def two(x, rng):
    return {"y": 2, "r": rng.random()}


@pytest.mark.parametrize(
    ("recompute", "values"),
    [
        (True, [2, 2, 2]),
        (False, [1, 1, 1]),
        (2, [1, 2, 1]),
        ([1, 3], [2, 1, 2]),
        ("x >= 2", [1, 2, 2]),
        (coma.P.y == 1, [2, 2, 2]),
        (lambda m: m.parameters.x == 1, [2, 1, 1]),
    ],
)
def test_those_that_are_chosen_are_computed_again(e, recompute, values):
    before = e.to_dataset().r.values
    report = quietly(e.run, two, {"x": [1, 2, 3]}, recompute=recompute)
    assert (report.saved, report.skipped) == (values.count(2), values.count(1))
    assert (f"{values.count(2)} computed again" in str(report)) == (2 in values)
    ds = e.to_dataset()
    assert ds.y.values.tolist() == values
    assert ds.r.values.tolist() == before.tolist()
    assert len(e) == 3
    assert sorted(e.removed().index) == [
        id for id, value in zip((1, 2, 3), values, strict=True) if value == 2
    ]
    assert set(e.removed()["folder"]) <= {*e.removed()["folder"][:1]}


def test_only_points_of_the_scan_are(e):
    assert quietly(e.run, two, {"x": [2]}, recompute=True).saved == 1
    assert e.to_dataset().y.values.tolist() == [1, 2, 1]
    assert e.measurement(4).info.replaces == [2]


def fails_at_2(x, rng):
    return {"y": 1 / (x - 2)}


def test_a_failure_leaves_the_old_one(e):
    report = quietly(e.run, fails_at_2, {"x": [1, 2]}, recompute=True)
    assert (report.saved, report.failed) == (1, 1)
    assert e.measurement(2).results.y == 1
    assert list(e.removed().index) == [1]


def test_the_warning_of_a_failure_states_which_run_retries_it(e):
    kept = "1 earlier measurement stays in place, for which only a run with"
    again = rf"{kept} recompute= or code='recompute' tries again\.$"
    with pytest.warns(coma.ComaWarning, match=again):
        report = e.run(fails_at_2, {"x": [1, 2]}, recompute=True, code="accept", progress=False)
    assert "code=&#x27;recompute&#x27; tries again." in report._repr_html_()
    assert e.run(fails_at_2, {"x": [1, 2]}, code="accept", progress=False).failed == 0
    with pytest.warns(coma.ComaWarning, match=r"tries again\. The next run retries the others\.") as caught:
        e.run(lambda x, rng: 1 / 0, {"x": [1, 9]}, recompute=True, code="accept", progress=False)
    texts = [warning.message.message("terminal") for warning in caught]
    assert any(
        f"{kept} --recompute or --code recompute tries again. The next run retries the others." in text
        for text in texts
    )


def test_the_old_one_is_not_moved_before_the_new_one_is_saved(e, monkeypatch):
    def full(*_, **__):
        raise StorageError(28, "No space left on device", "x")

    monkeypatch.setattr("coma_xr.store.place.Saver.add", full)
    with pytest.raises(StorageError):
        quietly(e.run, two, {"x": [1]}, recompute=True)
    assert e.removed().empty
    assert len(e) == 3


def test_a_dry_run_counts_them(e):
    report = quietly(e.run, two, {"x": [1, 2, 3]}, recompute="x > 1", dry_run=True)
    assert report.not_run == 2
    assert "2 to be computed again" in str(report)
    assert e.removed().empty


def test_measurements_outside_the_scan_are_named_and_stay(e):
    with pytest.warns(
        coma.ComaWarning, match="1 measurement chosen to be computed again is not among .* for example 3"
    ):
        report = e.run(two, {"x": [1, 2]}, recompute=[2, 3], code="accept", progress=False)
    assert report.saved == 1
    assert e.removed().index.tolist() == [2]


def test_unknown_ids_are_refused(e):
    with pytest.raises(coma.PathError, match="No measurement 7 in .* to compute again"):
        e.run(two, {"x": [1]}, recompute=[1, 7])


def test_a_replaced_one_is_restored_only_in_place_of_the_newer_one(e):
    quietly(e.run, two, {"x": [1, 2, 3]}, recompute=2)
    with pytest.raises(coma.ExperimentError, match="Measurement 2 was replaced by measurement 4") as caught:
        e.restore([2])
    assert caught.value.ways[0].python == "Remove the newer one first: remove([4])."
    with pytest.warns(
        coma.ComaWarning, match=r"1 removed measurement of .* was replaced and stays in removed/: 2 by 4\."
    ):
        assert e.restore() == []
    e.remove([4])
    assert e.restore([2]) == [2]
    assert quietly(e.run, two, {"x": [1, 2, 3]}).saved == 0
    assert e.to_dataset().y.values.tolist() == [1, 1, 1]


def test_an_old_and_its_newer_one_are_not_restored_together(e):
    quietly(e.run, two, {"x": [1, 2, 3]}, recompute=[1, 2])
    e.remove([4, 5])
    with pytest.raises(coma.ExperimentError, match="Measurement 1 was replaced by measurement 4") as caught:
        e.restore("x == 1")
    assert caught.value.ways[0].python == "Restore one of them: restore([1])."
    with pytest.warns(
        coma.ComaWarning,
        match=r"were replaced and stay in removed/: 1 by 4, 2 by 5\.\s+Remove the newer ones first: remove\(\[4, 5\]\)",
    ):
        assert e.restore() == [4, 5]
    assert e.number_of_measurements() == len(e.to_dataframe()) == 3
    assert e.removed().index.tolist() == [1, 2]

"""Measurements from before a parameter was one, or had its name, belong to the same parameter sets."""

from __future__ import annotations

import pytest

import coma_xr as coma


@pytest.fixture
def old(tmp_path):
    e = coma.Experiment(tmp_path / "e", config={})
    e.run(lambda length: {"T": 2 * length}, {"length": [0.5, 1.0]})
    return e


def test_a_renamed_parameter_is_not_computed_again(old):
    old.annotate("parameters/l", formerly="parameters/length", units="m")
    assert old.run(lambda l: {"T": 2 * l}, {"l": [0.5, 1.0, 2.0]}, dry_run=True).asked == 3
    assert old.run(lambda l: {"T": 2 * l}, {"l": [0.5, 1.0, 2.0]}, code="accept") == (1, 3)
    ds = old.to_dataset()
    assert ds.T.dims == ("l",)
    assert ds.T.sel(l=1.0) == 2.0
    assert ds.l.attrs["units"] == "m"
    assert (ds.measurement_status == 2).all()
    assert len(old.missing()) == 0
    assert [m.id for m in old.measurements("l < 0.7")] == [1]


def test_a_renamed_parameter_has_its_new_name_from_then_on(old):
    old.run(lambda length: {"T": 2 * length}, {"length": [0.5, 1.0, 2.0]}, limit=0)
    old.annotate("parameters/l", formerly="parameters/length", units="m")
    ds = old.to_dataset()
    assert ds.T.dims == ("l",)
    assert ds.l.attrs == {"path": "parameters/l", "name": "l", "units": "m"}
    assert ds.T.sel(l=1.0) == 2.0
    assert ds.measurement_status.values.tolist() == [2, 2, 1]
    assert list(old.to_dataframe().l) == [0.5, 1.0]
    assert list(old.to_dataframe(["parameters/l"]).columns) == ["l"]
    assert {"l"} < set(old.paths().name)
    for where in ("l < 0.7", lambda p: p.l < 0.7, coma.P["parameters/l"] < 0.7):
        assert old.to_dataset(where=where).T.values[0] == 1.0
        assert [m.id for m in old.measurements(where)] == [1]
    assert list(old.missing()) == [{"l": 2.0}]
    assert old.run(lambda l: {"T": 2 * l}, old.missing(), code="accept") == (1, 1)


def test_a_name_that_the_user_gave_to_a_path_stays_when_the_path_is_renamed(tmp_path):
    e = coma.Experiment(tmp_path / "e", config={})
    e.define_parameter_set(("size", "parameters/N"))
    e.add_parameter_set(1)
    e.run(lambda p: p.size)
    e.annotate("parameters/M", formerly="parameters/N")
    assert dict(e.to_dataset().sizes) == {"size": 1}


def test_a_function_as_a_condition_sees_what_stands_for_a_parameter(old):
    old.annotate("parameters/l", formerly="parameters/length")
    old.annotate("parameters/g", default=9.81)
    with pytest.warns(coma.ComaWarning, match="to a grid over l, g"):
        assert old.run(lambda l, g: {"T": l * g}, {"l": [0.5, 1.0], "g": [9.81]}, code="accept") == (0, 2)
    assert [m.id for m in old.measurements(lambda p: p.l < 0.7 and p.g > 9)] == [1]


def test_a_renamed_branch_takes_its_parameters_along(tmp_path):
    e = coma.Experiment(tmp_path / "e", config={})
    e.run(lambda N: N**2, coma.grid({"parameters/layout/N": [1, 2]}))
    e.annotate("parameters/lattice", formerly="parameters/layout")
    assert e.run(lambda N: N**2, coma.grid({"parameters/lattice/N": [1, 2, 3]})) == (1, 3)
    assert e.to_dataset().sizes["N"] == 3


def test_without_a_word_about_it_a_renamed_parameter_is_refused(old):
    with pytest.raises(coma.ParameterError, match=r"The new definition lacks length"):
        old.run(lambda l: l, {"l": [0.5]})


def test_a_failure_of_the_old_name_is_forgotten_when_the_new_one_succeeds(tmp_path):
    e = coma.Experiment(tmp_path / "e", config={})
    with pytest.warns(coma.ComaWarning, match="1 of 2"):
        e.run(lambda x: 1 / x, {"x": [0, 1]})
    e.annotate("parameters/z", formerly="parameters/x")
    assert e.run(lambda z: z, {"z": [0, 1]}, code="accept") == (1, 2)
    assert e.failures().empty


def test_an_error_says_both_ways_out(old):
    with pytest.raises(coma.ParameterError) as caught:
        old.run(lambda length, g: length * g, {"length": [0.5], "g": [1.0]})
    assert [way for way in caught.value.ways if "annotate('parameters/g', default=...)" in str(way)]
    assert [way for way in caught.value.ways if "annotate('parameters/g', formerly=...)" in str(way)]


def test_what_was_renamed_twice_is_found_in_the_oldest_measurements(old):
    old.annotate("parameters/l", formerly="parameters/length")
    assert old.run(lambda l: {"T": 2 * l}, {"l": [0.5, 1.0, 2.0]}, code="accept") == (1, 3)
    old.annotate("parameters/L", formerly="parameters/l")
    assert old.run(lambda L: {"T": 2 * L}, {"L": [0.5, 1.0, 2.0, 4.0]}, code="accept") == (1, 4)
    assert old.to_dataset().T.sel(L=0.5) == 1.0
    assert [m.id for m in old.measurements("L < 1.5")] == [1, 2]


@pytest.fixture
def two(tmp_path):
    e = coma.Experiment(tmp_path / "two", config={})
    e.run(lambda T, L: {"E": T, "fit": {"a": T, "b": L}}, {"T": [1, 2], "L": [3]}, progress=False)
    return e


@pytest.mark.parametrize(
    ("path", "notes", "text"),
    [
        (
            "parameters/T",
            {"formerly": "parameters/L"},
            "would hide 'parameters/L': 2 measurements have both, 1 for example",
        ),
        ("results/E", {"formerly": ["results/x", "results/fit"]}, "would hide 'results/fit'"),
        ("parameters/m", {"formerly": "parameters/l"}, "'parameters/l' was called 'parameters/m' formerly"),
        ("parameters/k", {"formerly": "parameters/m"}, "'parameters/m' is read as 'parameters/l' already"),
    ],
)
def test_a_rename_that_would_hide_a_value_is_refused(two, path, notes, text):
    with pytest.warns(coma.ComaWarning, match="None of the 2 measurements in .* has 'parameters/m'"):
        two.annotate("parameters/l", formerly="parameters/m")
    before = two.annotations
    with pytest.raises(coma.ParameterError, match=text):
        two.annotate(path, **notes)
    assert two.annotations == before


def test_equal_values_may_stand_under_both_names(tmp_path):
    e = coma.Experiment(tmp_path / "e", config={})
    e.run(lambda x: {"T": x, "P": float(x), "old": {"a": 1}, "new": {"b": 2}}, {"x": [1]}, progress=False)
    e.annotate("results/P", formerly="results/T")
    e.annotate("results/new", formerly="results/old")
    assert list(e.to_dataset().data_vars) == ["P", "b", "a"]


def test_a_value_that_a_rename_hides_is_reported_at_every_door(tmp_path):
    e = coma.Experiment(tmp_path / "one")
    e.run(lambda l: {"T": l}, {"l": [1, 2]}, progress=False)
    e.annotate("parameters/length", formerly="parameters/l")
    e.annotate("results/period", formerly="results/T")
    trees = [
        {"parameters": {"length": 3, "l": 3.0}, "results": {"period": {"a": 5, "b": 6}, "T": {"b": 7}}},
        {"parameters": {"length": 4, "l": 5}, "results": {"period": 2, "T": 2}},
    ]
    e.add_measurements(trees)
    coma.Experiment(tmp_path / "two").run(lambda length: {"period": length}, {"length": [1]}, progress=False)
    doors = [
        e.to_dataset,
        e.to_dataframe,
        e.paths,
        lambda: e.retrieve_results(["results/period/b"]),
        lambda: e.export(tmp_path / "e.csv"),
        coma.open_experiments(tmp_path / "*").to_dataset,
    ]
    for door in doors:
        with pytest.warns(coma.ComaWarning) as caught:
            door()
        texts = [str(warning.message) for warning in caught]
        for old, new, id in (("results/T", "results/period", 3), ("parameters/l", "parameters/length", 4)):
            assert (
                f"1 measurement has different values at '{old}' and '{new}', {id} for example. The rename hides those at "
                f"'{old}'. annotate('{new}', formerly=None) takes it back."
            ) in texts
    assert "different values at" in e.report(tmp_path / "r.html").read_text("utf-8")


def test_a_default_belongs_to_one_value_and_is_converted_like_one(two):
    with pytest.raises(coma.PathError, match="'parameters' is a branch with 2 values"):
        two.annotate("parameters", default=3)
    with pytest.raises(coma.SerializationError, match=r"^parameters/g: cannot store a lambda"):
        two.annotate("parameters/g", default=lambda: 0)
    assert two.annotations == {}


def test_a_parameter_that_is_a_dictionary_has_a_default(tmp_path):
    e = coma.Experiment(tmp_path / "e", config={})
    e.run(lambda layout: layout["N"], {"layout": [{"N": 1}]}, progress=False)
    e.annotate("layout", default={"N": 2})
    assert e.annotations == {"parameters/layout": {"default": {"N": 2}}}


def test_a_renamed_value_is_found_at_every_door(old):
    with pytest.warns(coma.ComaWarning, match="1 of 3"):
        old.run(lambda length: {"T": 2 / length}, {"length": [0.5, 1.0, (0,)]}, code="accept", progress=False)
    old.remove(1)
    old.annotate("parameters/l", formerly="parameters/length")
    old.annotate("results/P", formerly="results/T")
    old.annotate("parameters/g", default=9.81)
    old.annotate("l", units="m")
    assert old.annotations["parameters/l"] == {"formerly": "parameters/length", "units": "m"}
    m = old.measurement(2)
    assert m.results.P == m["results"]["P"] == m["results/P"] == m.P == 2.0
    assert (m.parameters.l, m.parameters.g) == (1.0, 9.81)
    with pytest.raises(AttributeError, match="No 'Q' in results"):
        m.results.Q
    assert old.to_dataset({"f": lambda m: 1 / m.results.P}).f.sel(l=1.0) == 0.5
    assert [m.id for m in old.measurements(lambda m: m.results.P > 1)] == [2]
    assert old.removed().l.tolist() == [0.5]
    assert old.failures().l.tolist() == [[0]]
    assert old.failure(3).parameters.l == (0,)
    assert "parameters: l" in str(old)
    assert ">l</span>" in old._repr_html_()


def test_a_branch_that_was_renamed_is_one(tmp_path):
    e = coma.Experiment(tmp_path / "e", config={})
    e.run(lambda N: N**2, coma.grid({"parameters/layout/N": [1]}), progress=False)
    e.annotate("parameters/lattice", formerly="parameters/layout")
    assert e.measurement(1).parameters.lattice.N == 1

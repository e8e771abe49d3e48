"""What the measurements of two experiments mean together: units, renames, defaults and the files next to them."""

from __future__ import annotations

import re

import numpy as np
import pytest

import coma_xr as coma
from coma_xr.errors import ComaError, ComaWarning


@pytest.fixture
def make(tmp_path):
    def make(name, function, scan):
        e = coma.Experiment(tmp_path / name, config={})
        e.run(function, scan, progress=False, code="accept")
        return e

    return make


def contents(e):
    return {path.name: path.read_bytes() for path in e.path.iterdir() if path.is_file()}


def refused(one, other, text, **options):
    "Merge, which raises an error and changes nothing; return the error."
    before = contents(one)
    with pytest.raises(ComaError, match=text) as caught:
        one.merge(other, **options)
    assert contents(one) == before
    return caught.value


def squares(x):
    return {"T": x**2}


def test_other_units_are_refused(make):
    a, b = make("a", squares, {"x": [1, 2]}), make("b", squares, {"x": [3]})
    a.annotate("results/T", units="s")
    b.annotate("results/T", units="ms")
    error = refused(
        a, b, "'results/T' is in 's' in .*a and in 'ms' in .*b, and merge converts no values.", keep_both=True
    )
    assert re.search("annotate.'results/T', units=...", str(error.ways[0]))
    assert "open_experiments" in str(error.ways[1])
    b.annotate("results/T", units="s")
    assert a.merge(b) == {1: 3}


def test_notes_that_only_the_other_experiment_has_are_taken_over(make, recwarn):
    a, b = make("a", squares, {"x": [1]}), make("b", lambda x: {"T": 1, "u": [1, 2]}, {"x": [3]})
    a.annotate("results/T", long_name="period")
    b.annotate("parameters/x", units="m")
    b.annotate("results/T", long_name="time", units="s")
    b.annotate("results/u", dims="site", units="V")
    a.merge(b)
    assert a.annotations == {
        "results/T": {"long_name": "period", "units": "s"},
        "parameters/x": {"units": "m"},
        "results/u": {"dims": ["site"], "units": "V"},
    }
    differ, labelled = (str(warning.message) for warning in recwarn)
    assert re.search(
        "long_name of 'results/T' is 'period' here and 'time' there. The first ones are kept", differ
    )
    # That u has units says nothing about measurements without it.
    assert re.search(
        "'parameters/x' is in 'm', 'results/T' is in 's', also in the measurements that .*a had", labelled
    )


def test_a_result_that_was_renamed_there_is_complete(make):
    w = make("w", squares, {"x": [1, 2]})
    w.annotate("results/P", formerly="results/T", units="s")
    z = make("z", lambda x: {"P": x**2}, {"x": [3]})
    with pytest.warns(coma.ComaWarning, match="'results/P' is in 's'"):
        z.merge(w)
    assert z.to_dataset().P.values.tolist() == [1, 4, 9]
    assert z.annotations == {"results/P": {"formerly": ["results/T"], "units": "s"}}


def test_a_parameter_that_was_renamed_there_is_found(make):
    w = make("w", lambda l: {"T": l}, {"l": [1, 2]})
    w.annotate("parameters/length", formerly="parameters/l")
    w.run(lambda length: {"T": length}, {"length": [1, 2, 4]}, progress=False, code="accept")
    z = make("z", lambda length: {"T": length}, {"length": [2, 3]})
    assert z.merge(w) == {1: 3, 3: 4}
    assert z.to_dataset().T.sel(length=[1, 2, 3, 4]).values.tolist() == [1, 2, 3, 4]


def test_a_value_that_has_its_old_name_here_has_to_be_renamed_here_first(make):
    w, z = (make(name, lambda l: {"T": l}, {"l": [number]}) for number, name in enumerate("wz"))
    w.annotate("parameters/length", formerly="parameters/l")
    w.run(lambda length: {"T": length}, {"length": [7]}, progress=False, code="accept")
    text = "reads 'parameters/l' as 'parameters/length', .*z does not and has measurements with it"
    error = refused(z, w, text)
    assert "annotate('parameters/length', formerly='parameters/l') of" in str(error.ways[0])
    z.annotate("parameters/length", formerly="parameters/l")
    assert z.merge(w) == {1: 2, 2: 3}
    assert sorted(z.to_dataset().length.values) == [0, 1, 7]


def test_names_for_one_path_that_contradict_each_other_are_refused(make):
    w, z = make("w", squares, {"x": [1]}), make("z", lambda x: {"Q": 1}, {"x": [2]})
    w.annotate("results/P", formerly="results/T")
    with pytest.warns(coma.ComaWarning):
        z.annotate("results/Q", formerly="results/T")
    refused(z, w, "read 'results/T' under different names, 'results/[PQ]' and 'results/[PQ]'")


def test_a_value_that_a_rename_here_would_hide_is_refused(make):
    w, z = make("w", lambda x: {"T": 1, "P": 2}, {"x": [1]}), make("z", squares, {"x": [2]})
    z.annotate("results/P", formerly="results/T")
    refused(z, w, "1 measurement in .*w has both, 1 for example")


def test_a_parameter_without_a_place_there_may_have_another_name(make):
    w, z = make("w", lambda l: {"T": l}, {"l": [1]}), make("z", lambda length: {"T": length}, {"length": [2]})
    with pytest.raises(coma.ParameterError) as caught:
        z.merge(w)
    way = r"annotate\('parameters/length', formerly='parameters/l'\) of .*z reads a parameter that has another name there"
    assert re.search(way, str(caught.value.ways[1]))
    with pytest.warns(coma.ComaWarning, match="has 'parameters/l'"):
        z.annotate("parameters/length", formerly="parameters/l")
    assert len(z.merge(w)) == 1


def two(a, b=1):
    return {"y": a * b}


def test_a_parameter_with_a_default_here_tells_measurements_apart(make):
    x, y = make("x", lambda a: {"y": a}, {"a": [1]}), make("y", two, {"a": [1], "b": [1, 2]})
    x.annotate("parameters/b", default=1)
    x.add_parameter_set(5)
    assert x.merge(y) == {2: 2}
    assert x.to_dataset().y.sel(a=1).values.tolist() == [1, 2]
    # What was added before counts as the default too.
    with pytest.warns(ComaWarning, match="were made by other code"):
        assert x.run(lambda p: {"results": {"y": p.a}}, progress=False) == (1, 1)
    assert x.merge(y) == {}


def test_equal_results_are_skipped_where_the_other_one_lacks_a_parameter_with_a_default(make):
    x, y = make("x", lambda a: {"y": a}, {"a": [1, 3]}), make("y", two, {"a": [1], "b": [1, 2]})
    y.annotate("parameters/b", default=1)
    assert y.merge(x) == {2: 3}


def test_a_default_is_taken_over_where_it_says_nothing_of_measurements_here(make):
    x, y = make("x", lambda a: {"y": a}, {"a": [1]}), make("y", two, {"a": [1], "b": [1, 2]})
    x.annotate("parameters/b", default=1)
    assert y.merge(x) == {}
    assert y.annotations == {"parameters/b": {"default": 1}}
    y.annotate("parameters/b", default=2)
    refused(y, x, "Measurements without 'parameters/b' count as 1 in .*x, and count as 2 in")
    z = make("z", lambda a: {"y": a}, {"a": [5]})
    error = refused(z, x, "count as 1 in .*x, and have none in .*z")
    assert "annotate('parameters/b', default=...) of" in str(error.ways[0])


def test_a_file_next_to_a_measurement_that_is_not_as_written_is_refused(make):
    w, z = (
        make(name, lambda x: {"a": coma.external(np.arange(3) + x)}, {"x": [n]})
        for n, name in enumerate("wz")
    )
    file = next(w.path.glob("*.nc"))
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    refused(z, w, r"\.nc: not as written with the measurements that are to be merged \(SHA-256\)")
    file.write_bytes(data[:-1])
    refused(z, w, r"not as written with the measurements")


def test_a_merge_that_is_refused_reports_no_annotations(make):
    a, b = make("a", squares, {"x": [1]}), make("b", lambda x: {"T": -x}, {"x": [1]})
    b.annotate("results/T", units="s")
    refused(a, b, "with other results")
    assert a.annotations == {}
    with pytest.warns(ComaWarning, match="As annotated in .*b, 'results/T' is in 's'"):
        a.merge(b, keep_both=True)

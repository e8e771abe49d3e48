"""What calls ask for."""

from __future__ import annotations

import pytest

from coma_xr.errors import ComaWarning, LayoutError, PathError
from coma_xr.retrieve.columns import MISSING
from coma_xr.retrieve.dataset import build_dataset
from coma_xr.retrieve.measurement import Measurement
from coma_xr.retrieve.requests import Request, check_values, read, requests_of
from tests.retrieve.builders import measured


def test_variables_come_in_many_forms():
    assert requests_of("results/t") == [Request(None, "results/t")]
    assert requests_of(["t", ("E", "results/E")]) == [Request(None, "t"), Request("E", "results/E")]
    assert requests_of({"E": ("results", "a/b", 0)}) == [Request("E", ("results", "a/b", "0"))]
    assert requests_of(None) == []


def test_a_function_has_a_name():
    def gap(m):
        return m.results.E

    assert requests_of([gap])[0].name == "gap"
    with pytest.raises(PathError, match=r"A function as a variable has no name\."):
        requests_of([lambda m: 1])


def test_what_is_no_path_is_refused():
    with pytest.raises(
        PathError, match="'E' stands for an int. Expected a path, a name or a function of a measurement"
    ):
        requests_of({"E": 1})


def test_values_below_an_empty_key_are_left_out_and_told_of():
    trees = measured(({"a": 1}, {"": 1, "E": 2, "b": {"": {"c": 3}}}), ({"a": 2}, {"E": 4}))
    text = r"left out, \('results', ''\) for example\. measurement\(\.\.\.\)\[\('results', ''\)\] has it\.$"
    with pytest.warns(ComaWarning, match=text):
        source = read(trees, [], everything=True, info=True)
    assert [path for path in source.columns.paths if path[0] == "results"] == [("results", "E")]
    assert source.columns["results", "E"] == [2, 4]
    assert Measurement(1, trees[0][1])["results", "b", "", "c"] == 3


def values_of(trees, function):
    (request,) = requests_of({"f": function})
    return read(trees, [request], everything=False).values(request)


def test_a_function_sees_the_measurement_and_skips_those_that_lack_what_it_wants():
    trees = measured(({"a": 1}, {"E": [1, 3]}), ({"a": 2}, {}), first_id=5)
    assert values_of(trees, lambda m: m.results.E[1] - m.results.E[0]) == [2, MISSING]
    assert values_of(trees, lambda m: m["results/E/0"] + m.id) == [6, MISSING]


def test_an_error_in_a_function_names_the_measurement():
    with pytest.raises(ZeroDivisionError) as error:
        values_of(measured(({"a": 0}, {}), first_id=7), lambda m: 1 / m.parameters.a)
    assert error.value.__notes__ == ["Raised by function 'f', for measurement 7."]


def test_a_function_that_no_measurement_satisfies_is_an_error():
    with pytest.raises(PathError, match="No 'E' in results"):
        values_of(measured(({"a": 0}, {})), lambda m: m.results.E)


def test_functions_may_return_what_no_file_holds():
    class Odd:
        pass

    odd = Odd()
    assert values_of(measured(({"a": 1}, {})), lambda m: odd) == [odd]


def test_copies_are_found_in_deeper_branches_only():
    trees = measured(
        *[
            ({"T": T, "model": {"parameters": {"T": T, "U": T}, "results": {"P": T}}}, {"P": T + 1})
            for T in (1.0, 2.0, float("nan"))
        ]
    )
    source = read(trees, [], everything=True)
    assert source.copies == {("parameters", "model", "parameters", "T"): ("parameters", "T")}


def test_a_defined_parameter_is_never_the_copy():
    trees = measured(*[({"N": N, "layout": {"N": N}}, {}) for N in (1, 2)])
    source = read(trees, [], everything=True, definition=[("N", "parameters/layout/N")])
    assert source.copies == {("parameters", "N"): ("parameters", "layout", "N")}


def test_a_parameter_that_a_function_returns_again_stays_a_parameter():
    trees = measured(*[({"layout": {"N": N}}, {"N": N}) for N in (1, 2)])
    assert read(trees, [], everything=True).copies == {}


def test_what_is_no_path_name_or_mapping_is_refused_with_what_is_expected():
    trees = measured(({"a": 1}, {"y": 2}))
    for given in ({"variables": 5}, {"dims": 5}):
        with pytest.raises(PathError, match="5 is an int. Expected paths or names"):
            build_dataset(trees, **given)
    with pytest.raises(PathError, match=r"A function as a variable has no name\."):
        build_dataset(trees, variables=lambda m: m.results.y)
    with pytest.raises(LayoutError, match=r"unfold='rows' is not for a Dataset.*see to_dataframe"):
        build_dataset(trees, unfold="rows")


def test_a_coordinate_without_lists_is_refused_when_it_is_annotated():
    trees = measured(({"a": 1}, {"x": [5], "n": "a"}))
    for coord in ({"t": "results/n"}, {"other": "results/n"}):
        with pytest.raises(LayoutError) as error:
            check_values(("results", "x"), {"dims": ["t"], "coords": coord}, trees, ())
        assert error.value.name == next(iter(coord))
    assert check_values(("results", "x"), {"coords": {"n": "results/n"}}, trees, ()) == []

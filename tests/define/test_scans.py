import gc
import itertools
import re
import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from coma_xr.define.conditions import P
from coma_xr.define.parameters import Definition
from coma_xr.define.scans import Scan, cases, grid, zipped
from coma_xr.errors import ComaWarning, ConditionError, ParameterError, PathError, SerializationError
from coma_xr.same import key

axes = st.dictionaries(
    st.sampled_from("abcd"), st.lists(st.integers() | st.text(max_size=2), max_size=4), min_size=1, max_size=4
)


def raises(text):
    return pytest.raises(ParameterError, match=f"^{re.escape(text)}$")


@given(axes)
def test_a_grid_is_the_product_with_the_last_name_fastest(axes):
    scan = grid(axes)
    expected = list(itertools.product(*axes.values()))
    assert scan.rows() == expected
    assert list(scan) == [dict(zip(axes, row, strict=True)) for row in expected]
    assert len(scan) == len(expected)
    assert scan.names == tuple(axes)


@given(axes, st.permutations("abcd"))
def test_rows_come_in_the_order_that_is_asked_for(axes, names):
    definition = Definition.of([name for name in names if name in axes])
    for row, own in zip(grid(axes).rows(definition), grid(axes), strict=True):
        assert dict(zip(definition.names, row, strict=True)) == own


@given(axes, st.integers(0, 4))
def test_a_dependent_axis_has_its_values_for_each_set(axes, n):
    scan = grid(axes).expand(z=lambda p: [f"{p[0]}{i}" for i in range(len(str(p[0])) % (n + 1))], w=[1, 2])
    assert len(scan) == len(scan.rows()) == len(list(scan))
    expected = [
        {**before, "z": f"{first}{i}", "w": w}
        for before in grid(axes)
        for first in [next(iter(before.values()))]
        for i in range(len(str(first)) % (n + 1))
        for w in (1, 2)
    ]
    assert list(scan) == expected


def test_the_pendulum_of_the_first_minute():
    scan = grid(theta_0=[-5, -30, -60]).expand(theta=lambda p: np.linspace(p.theta_0, -p.theta_0, 20))
    assert len(scan) == 60
    assert scan.rows()[:2] == [(-5, -5.0), (-5, pytest.approx(-4.4737, abs=1e-4))]
    assert type(scan.rows()[1][1]) is float
    assert repr(scan) == "<Scan of 60 parameter sets (theta_0: 3, theta: depends)>"
    assert scan.structure == [
        {"dim": "theta_0", "names": ["theta_0"]},
        {"dim": "theta_index", "names": ["theta"], "depends": True},
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (1.5, [1.5]),
        ("Ising", ["Ising"]),
        (None, [None]),
        (True, [True]),
        ({"N": 2}, [{"N": 2}]),
        (np.float64(2.5), [np.float64(2.5)]),
        (np.array(3), [np.array(3)]),
        (range(3), [0, 1, 2]),
        ((1, "a"), [1, "a"]),
        ([[1, 2], (3,)], [[1, 2], (3,)]),
        (np.array([0.5, 1.5], dtype="float32"), [np.float32(0.5), np.float32(1.5)]),
        (np.array([0.5, 1.5]), [0.5, 1.5]),
        ((i * i for i in range(3)), [0, 1, 4]),
        ([], []),
    ],
)
def test_a_list_has_many_values_and_anything_else_is_one(values, expected):
    found = [p["a"] for p in grid(a=values)]
    assert found == expected
    assert [type(value) for value in found] == [type(value) for value in expected]


def test_columns_of_pandas_and_xarray_are_lists():
    pd, xr = pytest.importorskip("pandas"), pytest.importorskip("xarray")
    assert grid(a=pd.Series([1, 2]), b=xr.DataArray([1.5, 2.5])).rows()[-1] == (2, 2.5)


def test_arrays_in_a_list_stay_arrays():
    (first, second) = grid(v=[np.arange(2), np.arange(3)])
    assert isinstance(first["v"], np.ndarray)
    assert second["v"].shape == (3,)


def test_a_name_may_be_a_path():
    scan = grid({"parameters/layout/N": [1, 2]}, a=1).expand({("size", "parameters/layout/size"): [5]})
    assert scan.names == ("N", "a", "size")
    assert scan.paths == ("parameters/layout/N", "parameters/a", "parameters/layout/size")


def test_a_scan_is_not_changed_by_expanding_it():
    scan = grid(a=[1, 2])
    assert len(scan.expand(b=[1, 2, 3])) == 6
    assert scan.names == ("a",)
    assert len(scan) == 2


def test_a_function_may_give_one_value():
    assert grid(a=[1, 2]).expand(b=lambda p: 10 * p.a).rows() == [(1, 10), (2, 20)]


def test_a_later_function_sees_all_before_it_by_name_and_path():
    scan = grid({"parameters/x/a": [1, 2]}).expand(b=lambda p: p["parameters/x/a"] + 1, c=lambda p: p.a * p.b)
    assert scan.rows() == [(1, 2, 2), (2, 3, 6)]


def test_a_grid_of_a_million_points_makes_none_of_them():
    scan = grid(a=range(1000), b=range(1000))
    assert len(scan) == 1_000_000
    assert list(itertools.islice(scan, 2)) == [{"a": 0, "b": 0}, {"a": 0, "b": 1}]


def test_a_function_is_called_only_when_the_scan_is_gone_through():
    calls = []
    scan = grid(a=range(1000)).expand(b=lambda p: calls.append(p.a) or [1, 2])
    assert calls == []
    next(iter(scan))
    assert calls == [0]


def test_a_scan_is_a_table():
    frame = grid(a=[1, 2], model="Ising").to_dataframe()
    assert frame.to_dict("list") == {"a": [1, 2], "model": ["Ising", "Ising"]}


def test_a_scan_is_made_of_a_scan_or_a_dictionary_of_lists():
    scan = grid(a=[1, 2])
    assert Scan.of(scan) is scan
    assert Scan.of({"a": [1, 2], "L": 1.0}).rows() == [(1, 1.0), (2, 1.0)]


def test_what_makes_no_scan_is_an_error():
    for wrong in ([1, 2], 5, "a"):
        article = "an" if wrong == 5 else "a"
        text = (
            f"{wrong!r} is {article} {type(wrong).__name__}.\n"
            "Expected a scan such as coma.grid(a=[1, 2]), a dictionary of lists, a DataFrame or a list of dictionaries.\n"
            "Use add_parameter_set() for single sets."
        )
        with raises(text):
            Scan.of(wrong)


class TestZipped:
    @given(st.lists(st.tuples(st.integers(), st.text(max_size=2)), min_size=1, max_size=5))
    def test_lists_are_gone_through_in_step(self, rows):
        scan = zipped(a=[a for a, _ in rows], b=[b for _, b in rows])
        assert scan.rows() == rows
        assert len(scan) == len(rows)

    def test_what_is_no_list_is_the_same_in_all_sets(self):
        scan = zipped({"parameters/x/b": np.array([0.5, 1.5])}, a=(1, 2), model="Ising", size={"N": 1})
        assert list(scan) == [
            {"b": 0.5, "a": 1, "model": "Ising", "size": {"N": 1}},
            {"b": 1.5, "a": 2, "model": "Ising", "size": {"N": 1}},
        ]
        assert zipped(a=1, b=2).rows() == [(1, 2)]

    def test_the_others_are_coords_along_the_first(self):
        scan = zipped(a=[1, 2, 3], b=[10, 20, 30])
        assert scan.structure == [{"dim": "a", "names": ["a", "b"]}]
        assert repr(scan) == "<Scan of 3 parameter sets (a, b: 3 in step)>"

    def test_lists_of_unequal_lengths_are_an_error(self):
        with raises(
            "Lists that are zipped differ in length: a has 2, c has 3 values. Expected lists of one length."
        ):
            zipped(a=[1, 2], b=1, c=[1, 2, 3])

    def test_an_array_that_is_changed_later_changes_nothing(self):
        values = np.arange(3)
        scan = zipped(a=values)
        values[:] = 7
        assert scan.rows() == [(0,), (1,), (2,)]
        assert {type(value) for (value,) in scan.rows()} == {int}


class TestCases:
    def test_dictionaries_are_sets_whatever_the_order_of_their_names(self):
        scan = cases([{"a": 1, "parameters/x/b": "u"}, {"parameters/x/b": "v", "a": 2.5}])
        assert list(scan) == [{"a": 1, "b": "u"}, {"a": 2.5, "b": "v"}]
        assert scan.paths == ("parameters/a", "parameters/x/b")
        assert scan.structure == [{"dim": "measurement", "names": ["a", "b"], "points": True}]
        assert repr(scan) == "<Scan of 2 parameter sets (a, b: 2 points)>"

    def test_a_table_gives_a_set_for_each_row_and_keeps_types(self):
        pd = pytest.importorskip("pandas")
        frame = pd.DataFrame(
            {"a": [1, 2], "b": [0.5, 1.5], "c": ["x", "y"], "d": [True, False]}, index=[7, 7]
        )
        scan = cases(frame)
        assert scan.rows() == [(1, 0.5, "x", True), (2, 1.5, "y", False)]
        assert [type(value) for value in scan.rows()[0]] == [int, float, str, bool]
        assert scan.to_dataframe().to_dict("list") == frame.to_dict("list")

    def test_a_dataset_gives_a_set_for_each_cell(self):
        xr = pytest.importorskip("xarray")
        ds = xr.Dataset(
            {"v": (("x", "theta_index"), [[1.0, 2.0], [3.0, 4.0]])},
            coords={"x": [10, 20], "L": 5.0, "measurement_id": ("x", [1, 2])},
        )
        expected = [
            {"x": 10, "v": 1.0, "L": 5.0},
            {"x": 10, "v": 2.0, "L": 5.0},
            {"x": 20, "v": 3.0, "L": 5.0},
            {"x": 20, "v": 4.0, "L": 5.0},
        ]
        assert [{name: row[name] for name in ("x", "v", "L")} for row in cases(ds)] == expected
        assert set(cases(ds).names) == {"x", "v", "L"}

    def test_a_scan_is_made_of_them(self):
        pd, xr = pytest.importorskip("pandas"), pytest.importorskip("xarray")
        for sets in ([{"a": 1}], pd.DataFrame({"a": [1]}), xr.Dataset({"a": ("x", [1])})):
            assert Scan.of(sets).rows() == [(1,)]

    def test_a_long_table_makes_no_objects_until_it_is_gone_through(self):
        pd = pytest.importorskip("pandas")
        scan = cases(pd.DataFrame({"a": np.arange(100_000), "b": np.linspace(0, 1, 100_000)}))
        gc.collect()
        before = sys.getallocatedblocks()
        assert (len(scan), next(iter(scan))) == (100_000, {"a": 0, "b": 0.0})
        assert sys.getallocatedblocks() - before < 10_000

    @pytest.mark.parametrize(
        ("sets", "text"),
        [
            ({"a": [1]}, "{'a': [1]} is a dict. Expected a list of dictionaries, a DataFrame or a Dataset."),
            (
                [],
                "The list of parameter sets is empty, and its first set defines the names. Expected at least one set.",
            ),
            ([{"a": 1}, 5], "Set 1 of cases() is an int. Expected a list of dictionaries."),
            (
                [{"a": 1, "b": 2}, {"a": 1, "c": 2}],
                "Set 1 of cases() has different names (missing: b; unexpected: c).\nExpected the same names in all sets, a, b.",
            ),
        ],
    )
    def test_misuse_is_an_error_that_says_so(self, sets, text):
        with raises(text):
            cases(sets)

    def test_columns_of_one_name_are_an_error(self):
        pd = pytest.importorskip("pandas")
        with raises("The parameter 'a' is given twice. Remove one of them."):
            cases(pd.DataFrame([[1, 2]], columns=["a", "a"]))


class TestAlgebra:
    @given(axes, axes)
    def test_a_union_has_the_sets_of_both_in_order_without_doubles(self, one, other):
        other = {name: other.get(name, [0, 1]) for name in reversed(one)}
        first, second = grid(one), grid(other)
        seen, expected = set(), []
        for row in [*first.rows(), *second.rows(first.definition)]:
            if key(row) not in seen:
                seen.add(key(row))
                expected.append(row)
        assert (first + second).rows() == expected
        assert len(first + second) == len(expected)

    @given(axes, st.lists(st.integers(0, 3), max_size=3))
    def test_a_product_has_all_pairs_with_the_second_fastest(self, one, values):
        second = grid(x=values).expand(y=lambda p: range(p.x))
        assert (grid(one) * second).rows() == [(*a, *b) for a in grid(one).rows() for b in second.rows()]
        assert (second * grid(one)).rows() == [(*b, *a) for b in second.rows() for a in grid(one).rows()]

    def test_functions_of_a_product_see_the_sets_that_they_were_made_for(self):
        second = grid(x=[1, 2]).where(lambda p: p.names == ("x",)).derive(y=lambda p: len(p))
        product = grid(a=[5]) * second
        assert list(product.expand(z=lambda p: len(p))) == [
            {"a": 5, "x": 1, "y": 1, "z": 3},
            {"a": 5, "x": 2, "y": 1, "z": 3},
        ]

    def test_a_shared_name_or_path_of_a_product_is_an_error(self):
        text = "Both scans of a product have "
        with raises(text + "the parameter 'b', parameters/b. Leave 'b' out of one of them."):
            grid(a=[1], b=[1]) * grid(b=[2])
        with raises(
            text + "a parameter 'b', parameters/b and parameters/x.\nChoose another name for one of them."
        ):
            grid(a=[1], b=[1]) * grid({("b", "parameters/x"): [2]})
        with raises(text + "a parameter at parameters/b, 'b' and 'c'.\nChoose another path for one of them."):
            grid(a=[1], b=[1]) * grid({("c", "parameters/b"): [2]})

    def test_a_union_of_other_parameters_is_an_error(self):
        with raises(
            "The parameters b are not those of the experiment (missing: a; unknown: b). Available: a."
        ):
            grid(a=[1]) + grid(b=[1])

    def test_a_scan_is_combined_with_scans_only(self):
        with pytest.raises(TypeError, match="unsupported operand"):
            grid(a=[1]) + "a"
        with pytest.raises(TypeError, match="unsupported operand"):
            grid(a=[1]) * 2

    def test_what_is_a_scan_elsewhere_is_one_here(self):
        assert list(grid(a=[1]) + {"a": [2]}) == list({"a": [1]} + grid(a=[2])) == [{"a": 1}, {"a": 2}]
        assert list(grid(a=[1]) * {"b": [2]}) == [{"a": 1, "b": 2}]
        assert list({"b": [2]} * grid(a=[1])) == [{"b": 2, "a": 1}]
        sets = [{"a": 3}, {"a": 2}]
        assert list(grid(a=[1]) + sets) == [{"a": 1}, {"a": 3}, {"a": 2}]

    @given(axes)
    def test_a_condition_keeps_some(self, axes):
        # One digit is kept in any case, so that no empty scan is reported.
        axes = {name: [0, *values] for name, values in axes.items()}
        scan = grid(axes).where(lambda p: len(str(p[0])) == 1)
        assert list(scan) == [p for p in grid(axes) if len(str(next(iter(p.values())))) == 1]
        assert len(scan) == len(list(scan))

    def test_a_condition_may_be_made_with_p_or_be_a_text(self):
        scan = grid({"parameters/x/a": [1, 2, 3]}, b=[1, 2, 3])
        expected = [(1, 2), (1, 3), (2, 3)]
        for condition in (P.a < P.b, "a < b", P["parameters/x/a"] < P.b, lambda p: p.a < p.b):
            assert scan.where(condition).rows() == expected
        product = grid(z=[0, 1]) * scan.where(P.a < P.b)
        assert product.rows() == [(z, *row) for z in (0, 1) for row in expected]
        assert repr(scan.where("a < b")) == "<Scan of 3 parameter sets (a: 3, b: 3, where a < b)>"

    @pytest.mark.parametrize("condition", [True, np.bool_(False), 3, P])
    def test_what_is_no_condition_is_an_error(self, condition):
        with pytest.raises(ConditionError, match="is not a condition"):
            grid(a=[1]).where(condition)

    def test_a_condition_on_what_is_no_parameter_is_an_error_at_once(self):
        with pytest.raises(PathError, match=r"^Unknown parameter 'aa'\. Available: a, b\."):
            grid(a=[1], b=[1]).where(P.aa > 1)

    def test_a_derived_value_may_be_a_list_or_the_same_for_all(self):
        scan = grid(a=[1, 2]).derive({"parameters/x/b": lambda p: [p.a, p.a]}, c=lambda p: p.b[0] + 1, L=2.5)
        assert scan.rows() == [(1, [1, 1], 2, 2.5), (2, [2, 2], 3, 2.5)]
        assert scan.paths[1] == "parameters/x/b"

    def test_a_union_of_products_can_be_expanded_and_chosen_from(self):
        scan = (
            (grid(a=[1]) * grid(b=[1, 2]) + grid(b=[3], a=[1]))
            .expand(c=[0, 1])
            .where(lambda p: p.b > p.c + 1)
        )
        assert scan.rows() == [(1, 2, 0), (1, 3, 0), (1, 3, 1)]
        assert repr(scan) == "<Scan of 3 parameter sets (a, b: 2 + 1; c: 2; where <function <lambda>>)>"

    def test_a_product_of_large_scans_makes_none_of_its_sets(self):
        scan = grid(a=range(1000)) * grid(b=range(1000)).derive(c=lambda p: p.b)
        assert len(scan) == 1_000_000
        assert list(itertools.islice(scan, 2)) == [{"a": 0, "b": 0, "c": 0}, {"a": 0, "b": 1, "c": 1}]

    def test_sets_of_another_scan_make_a_scan(self):
        scan = grid(a=[1, 2], b=[3, 4])
        some = Scan.of_rows(scan.definition, scan.rows()[1:], scan.structure)
        assert list(some) == list(scan)[1:]
        assert some.structure == scan.structure
        assert Scan.of_rows(scan.definition, []).structure == cases([{"a": 1, "b": 3}]).structure


@pytest.mark.parametrize(
    ("make", "structure"),
    [
        (lambda: grid(a=[1]).where(lambda p: p.a), [{"dim": "a", "names": ["a"]}]),
        (
            lambda: grid(a=[1]).derive(c=1),
            [{"dim": "a", "names": ["a"]}, {"dim": "c", "names": ["c"], "derived": True}],
        ),
        (
            lambda: grid(a=[1]) * grid(b=[1]).expand(c=lambda p: [1]),
            [
                {"dim": "a", "names": ["a"]},
                {"dim": "b", "names": ["b"]},
                {"dim": "c_index", "names": ["c"], "depends": ["b"]},
            ],
        ),
        (
            lambda: grid(z=[1]) * (grid(a=[1]).expand(b=lambda p: [1]) + grid(a=[1], b=[2])),
            [
                {"dim": "z", "names": ["z"]},
                {"dim": "a", "names": ["a"]},
                {"dim": "b_index", "names": ["b"], "depends": ["a"]},
            ],
        ),
        (lambda: zipped(a=[1], b=[1]) + zipped(a=[2], b=[1]), [{"dim": "a", "names": ["a", "b"]}]),
        (
            lambda: grid(a=[1], b=[1]) + zipped(a=[2], b=[1]),
            [{"dim": "a", "names": ["a"]}, {"dim": "b", "names": ["b"]}],
        ),
        (
            lambda: grid(a=[1], b=[1]) + cases([{"a": 1, "b": 2}]),
            [{"dim": "measurement", "names": ["a", "b"], "points": True}],
        ),
    ],
)
def test_the_structure_tells_how_arrays_are_laid_out(make, structure):
    scan = make()
    assert scan.structure == structure
    assert scan.structure == structure


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: grid(), "No parameter is given. Expected at least one name, such as 'theta_0'."),
        (lambda: zipped([1, 2]), "zipped() cannot take a list. Expected names with their values."),
        (lambda: grid([1, 2]), "grid() cannot take a list. Expected names with their values."),
        (
            lambda: grid(a=[1]).expand(lambda p: [1]),
            "expand() cannot take a function. Expected names with their values.",
        ),
        (lambda: grid(a=[1]).derive([1]), "derive() cannot take a list. Expected names with their values."),
        (lambda: grid(a={1, 2}), "'a' is a set, which has no order. Expected a list."),
        (
            lambda: grid(a=pd.DataFrame({"T": [1]})),
            (
                "'a' is a DataFrame, whose items are the names of its columns.\n"
                "Expected values, such as one column, df['T'], or coma.cases(df) with a parameter for each column."
            ),
        ),
        (
            lambda: Scan(Definition((), ()), ()).expand(theta=lambda p: [1]),
            (
                "'theta' is a function of the parameters before it, and it comes first.\n"
                "Begin the scan with lists of values."
            ),
        ),
        (
            lambda: grid({"a": [1]}, a=[2]),
            "The parameter 'a' is given twice. Remove one of them.",
        ),
        (
            lambda: grid(a=[1]).expand({"parameters/x/a": [2]}),
            (
                "Two parameters are called 'a', parameters/a and parameters/x/a.\n"
                "Choose another name for one of them: ('a_2', 'parameters/x/a')."
            ),
        ),
        (
            lambda: grid(a=[1]).rows(Definition.of(["b"])),
            "The parameters a are not those of the experiment (missing: b; unknown: a). Available: b.",
        ),
    ],
)
def test_misuse_is_an_error_that_says_so(make, text):
    with raises(text):
        make()


def test_a_value_that_cannot_be_stored_is_named_when_the_scan_is_made():
    with pytest.raises(SerializationError, match=r"^parameters/model: cannot store a module\."):
        grid(model=[pytest])


def test_an_error_in_a_function_of_an_axis_is_the_users_own():
    with pytest.raises(ZeroDivisionError):
        len(grid(a=[0]).expand(b=lambda p: 1 / p.a))


def test_columns_of_several_levels_and_a_named_index_are_not_passed_over():
    two_levels = pd.DataFrame({("p", "a"): [1], ("q", "b"): [2]})
    with pytest.raises(ParameterError, match="have 2 levels"):
        cases(two_levels)
    table = pd.DataFrame({"a": [1, 2]}, index=pd.Index([5, 6], name="b"))
    with pytest.warns(ComaWarning, match=r"index of the table \(b\)"):
        assert list(cases(table)) == [{"a": 1}, {"a": 2}]
    assert list(cases(table.rename_axis("measurement_id"))) == [{"a": 1}, {"a": 2}]


def test_the_items_of_a_multi_index_are_tuples():
    index = pd.MultiIndex.from_tuples([(1, "a"), (2, "b")])
    assert [p["v"] for p in grid(v=index)] == [(1, "a"), (2, "b")]
    assert list(zipped(v=index)) == list(grid(v=index))


def test_units_of_the_values_of_a_scan_are_reported():
    T = xr.DataArray([1.0, 2.0], dims="T", attrs={"units": "K"})
    for make in (grid, zipped, grid(a=[1]).expand):
        with pytest.warns(
            ComaWarning, match=r"does not record the units 'K' of 'T'\. annotate\('T', units='K'\) of"
        ):
            make(T=T)

# ruff: noqa: PD003, PD004
# These methods are the conditions', not those of pandas.
import math
import pickle

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from coma_xr.define.condition_values import Arrays, arithmetic
from coma_xr.define.conditions import P, parse
from coma_xr.define.values import NOTHING
from coma_xr.errors import ConditionError

SIGNS = ["+", "-", "*", "/", "//", "%", "**"]
FEW = [0, 1, 2, -1, 3, 0.5, -2.5, 2**53, 2**53 + 1, -(2**63), 2**63, 2**70, 10**400, 1e308, 5e-324]
FEW += [math.inf, -math.inf, math.nan, -0.0]
numbers = st.sampled_from(FEW) | st.integers(-3, 3) | st.floats()
texts = st.sampled_from(["", "a", "ab", "B", "a\0"])
nothing = st.sampled_from([None, NOTHING])
anything = numbers | texts | nothing | st.booleans() | st.lists(st.integers(0, 2), max_size=2)

number_terms = st.recursive(
    st.sampled_from([P.x, P.y]),
    lambda inner: st.one_of(
        st.builds(
            # A constant zero is no divisor.
            lambda sign, a, b: (
                a + b if sign in "//%" and isinstance(b, int) and not b else eval(f"a {sign} b")
            ),
            st.sampled_from(SIGNS[:-1]),
            inner,
            inner | st.integers(-3, 3),
        ),
        st.builds(lambda a: -a, inner),
        st.builds(abs, inner),
        st.builds(lambda a: a**2, inner),
    ),
    max_leaves=4,
)
COMPARISONS = ["<", "<=", ">", ">=", "==", "!="]
constants = st.integers(-3, 3) | st.floats() | st.sampled_from(FEW).filter(lambda n: n != 10**400)
simple = st.one_of(
    st.builds(
        lambda sign, a, b: eval(f"a {sign} b", {"a": a, "b": b}),
        st.sampled_from(COMPARISONS),
        number_terms,
        number_terms | constants,
    ),
    st.builds(lambda a, b: a.isin(b), number_terms, st.lists(anything.filter(lambda v: v is not NOTHING and v != 10**400), max_size=20)),
    st.builds(lambda a, b: a == b, st.sampled_from([P.x, P.y, P.m]), st.none() | texts | st.booleans()),
    st.builds(lambda a, b, t: a.close(b, rtol=t), number_terms, number_terms | constants, st.floats(0, 1)),
    st.builds(lambda a, b, t: a.close(b, atol=t), number_terms, number_terms | constants, st.floats(0)),
    st.builds(lambda a: a.isnull(), number_terms | st.just(P.m)),
    st.builds(lambda a, t: a.contains(t) | a.lower().startswith(t) | (a < t), st.just(P.m), texts),
)  # fmt: skip
conditions = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.builds(lambda a, b: a & b, inner, inner),
        st.builds(lambda a, b: a | b, inner, inner),
        st.builds(lambda a: ~a, inner),
    ),
    max_leaves=4,
)


divides = pytest.mark.filterwarnings("ignore:A condition divides by zero")


def one_by_one(condition, table):
    rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    return [condition.evaluate(row.__getitem__) for row in rows]


def rows_of(**kinds):
    return st.lists(st.tuples(*kinds.values()), max_size=8).map(
        lambda rows: {name: [row[place] for row in rows] for place, name in enumerate(kinds)}
    )


@divides
@settings(max_examples=150, deadline=None)
@given(conditions, rows_of(x=numbers | nothing, y=numbers | nothing, m=texts | nothing))
def test_lists_are_asked_as_their_items_are(condition, table):
    expected = one_by_one(condition, table)
    assert condition.evaluate_columns(table.__getitem__).tolist() == expected
    assert one_by_one(parse(str(condition)), table) == expected


@divides
@settings(max_examples=150, deadline=None)
@given(
    conditions,
    rows_of(x=st.floats(), y=st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3), m=texts),
    st.sampled_from([np.float64, np.float32]),
)
def test_arrays_series_and_data_arrays_are_asked_as_their_items_are(condition, table, kind):
    with np.errstate(over="ignore"):
        x = np.array(table["x"], dtype=kind)
    arrays = {"x": x, "y": np.array(table["y"], dtype=np.int64), "m": np.array(table["m"], dtype=object)}
    expected = one_by_one(condition, {name: array.tolist() for name, array in arrays.items()})
    assert condition.evaluate_columns(arrays.__getitem__).tolist() == expected
    frame = pd.DataFrame(arrays)
    found = condition.evaluate_columns(frame.__getitem__)
    assert found.tolist() == expected
    assert found.index.equals(frame.index)
    dataset = xr.Dataset({name: ("i", array) for name, array in arrays.items()})
    found = condition.evaluate_columns(dataset.__getitem__)
    assert found.dims == ("i",)
    assert found.values.tolist() == expected


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([P.x < P.y, P.x + P.y > 1, P.x == P.y, P.x >= "a", P.x < 1, P.x.lower() == "a", P.x & (P.y == 1), P.x.close(P.y)]),
    rows_of(x=anything, y=anything),
)  # fmt: skip
def test_values_of_all_types_mixed_give_the_same_answers_or_both_an_error(condition, table):
    try:
        expected = one_by_one(condition, table)
    except TypeError:
        with pytest.raises(ConditionError):
            condition.evaluate_columns(table.__getitem__)
    else:
        assert condition.evaluate_columns(table.__getitem__).tolist() == expected


@divides
@settings(max_examples=500, deadline=None)
@given(st.sampled_from(SIGNS), numbers.filter(lambda n: abs(n) < 2**62 or type(n) is float), st.floats())
def test_arithmetic_is_that_of_numpy(sign, x, y):
    found = Arrays({}).apply(sign, np.array(x), np.array(y))[()]
    expected = arithmetic(sign, x, y)
    # The last digit of a power is the machine's.
    assert found == pytest.approx(expected, rel=1e-14, abs=0, nan_ok=True)


def test_data_arrays_are_broadcast_by_their_dims():
    dataset = xr.Dataset(
        {"E": (("a", "b"), [[1.0, np.nan], [3.0, 4.0]])}, coords={"a": [1, 2], "b": ["x", "y"], "c": 5}
    )
    found = ((P.E > 1) & (P.b == "x") | (P.a == 2) & (P.c == 5)).evaluate_columns(dataset.__getitem__)
    assert set(found.dims) == {"a", "b"}
    assert found.transpose("a", "b").values.tolist() == [[False, False], [True, True]]
    assert found.name is None
    assert found.attrs == {}
    kept = dataset.where(parse("E > 1 and b == 'x'").evaluate_columns(dataset.__getitem__), drop=True)
    assert kept.E.values.tolist() == [[3.0]]


def test_chunked_data_arrays_stay_lazy():
    pytest.importorskip("dask.array")
    dataset = xr.Dataset({"E": ("a", np.arange(6.0))}, coords={"a": list("uvwxyz")}).chunk({"a": 2})
    found = ((P.E > 1) & P.a.isin(["w", "z"])).evaluate_columns(dataset.__getitem__)
    assert found.chunks
    assert found.compute(scheduler="synchronous").values.tolist() == [False, False, True, False, False, True]
    with pytest.raises(ConditionError, match="E > 'a'"):
        (P.E > "a").evaluate_columns(dataset.__getitem__).compute(scheduler="synchronous")


def test_columns_that_are_missing_are_null_everywhere():
    table = {"a": np.array([1, 2])}
    assert ((P.b > 1) | (P.a == 2)).evaluate_columns(table.__getitem__).tolist() == [False, True]
    assert (P.b.isnull() & (P.a == 2)).evaluate_columns(table.__getitem__).tolist() == [False, True]
    assert ((P.b == P.c) | (P.a + P.b > 0)).evaluate_columns(table.__getitem__).tolist() == [False, False]
    dataset = xr.Dataset({"a": ("i", [1, 2])})
    assert ((P.b > 1) | (P.a == 2)).evaluate_columns(dataset.__getitem__).values.tolist() == [False, True]


def test_nothing_missing_at_all_is_one_answer():
    found = (P.b > 1).evaluate_columns({}.__getitem__)
    assert found.shape == ()
    assert not found


def test_types_of_pandas_are_understood():
    frame = pd.DataFrame(
        {
            "n": pd.array([1, None, 3], dtype="Int64"),
            "flag": pd.array([True, None, False], dtype="boolean"),
            "m": pd.array(["a", None, "b"], dtype="string"),
            "k": pd.Categorical(["u", "v", None]),
            "o": np.array([pd.NA, pd.NaT, "x"], dtype=object),
        },
        index=[5, 6, 7],
    )

    def ask(condition):
        found = condition.evaluate_columns(frame.__getitem__)
        assert found.index.tolist() == [5, 6, 7]
        assert found.dtype == bool
        return found.tolist()

    assert ask(P.n >= 1) == [True, False, True]
    assert ask(P.n.isnull()) == [False, True, False]
    assert ask(P.flag | (P.n == 3)) == [True, False, True]
    assert ask(P.m < "b") == [True, False, False]
    assert ask(P.m.notnull() & P.k.isin(["u", "v"])) == [True, False, False]
    assert ask(P.o == "x") == [False, False, True]
    assert ask(P.o.isnull()) == [True, True, False]
    assert frame[(P.n >= 1).evaluate_columns(frame.__getitem__)].m.tolist() == ["a", "b"]


def test_series_of_different_frames_do_not_mix():
    table = {"a": pd.Series([1, 2]), "b": pd.Series([1, 2], index=[1, 0])}
    with pytest.raises(TypeError, match="The columns have different indexes"):
        (P.a == P.b).evaluate_columns(table.__getitem__)


def test_bools_are_no_numbers_in_arrays_either():
    table = {"a": np.array([True, False]), "b": np.array([1, 0])}
    assert (P.a == 1).evaluate_columns(table.__getitem__).tolist() == [False, False]
    assert (P.a == P.b).evaluate_columns(table.__getitem__).tolist() == [False, False]
    assert P.a.isin([True]).evaluate_columns(table.__getitem__).tolist() == [True, False]
    assert (~P.a & (P.b == 0)).evaluate_columns(table.__getitem__).tolist() == [False, True]
    with pytest.raises(TypeError, match=r"True \(a bool\) and 0 \(a number\) cannot be put in order"):
        (P.a > 0).evaluate_columns(table.__getitem__)
    with pytest.raises(TypeError, match="A name alone is a condition only where it is True or False"):
        (P.a & P.b).evaluate_columns(table.__getitem__)


def test_large_ints_and_narrow_floats_are_compared_exactly():
    table = {
        "i": np.array([2**53, 2**53 + 1]),
        "u": np.array([2**63, 2**64 - 1], dtype=np.uint64),
        "f": np.array([2.0**53, 2.0**53]),
        "h": np.array([0.1, 0.5], dtype=np.float32),
    }

    def ask(condition):
        return condition.evaluate_columns(table.__getitem__).tolist()

    assert ask(P.i == P.f) == [True, False]
    assert ask(P.i == 2**53 + 1) == [False, True]
    assert ask(P.u > P.i) == [True, True]
    assert ask(P.u == 2**64 - 1) == [False, True]
    assert ask(P.u < 2**70) == [True, True]
    assert ask(P.h == 0.1) == [False, False]
    assert ask(P.h == 0.5) == [False, True]
    assert ask(P.i.isin([2.0**53])) == [True, False]


def test_complex_numbers_dates_and_lists_in_cells_can_be_compared_for_sameness():
    cells = np.empty(2, dtype=object)
    cells[0], cells[1] = [1, 2], np.array([1, 2])
    table = {
        "c": np.array([1j, complex(math.nan, 1)]),
        "d": np.array(["2026-01-31", "NaT"], dtype="datetime64[ns]"),
        "o": cells,
    }

    def ask(condition):
        return condition.evaluate_columns(table.__getitem__).tolist()

    assert ask(P.c.isnull()) == [False, True]
    assert ask(P.c.notnull() & (P.c == P.c)) == [True, False]
    assert ask(P.c.isin([1])) == [False, False]
    assert ask(P.d.isnull()) == [False, True]
    assert ask(P.d == P.d) == [True, True]
    assert ask(P.o == [1, 2]) == [True, True]
    assert ask(P.d > "2026-01-01") == [True, False]
    with pytest.raises(TypeError, match=r"1j \(a complex number\) and 1 \(a number\) cannot be put in order"):
        ask(P.c > 1)


def test_a_condition_that_travelled_asks_arrays_too():
    condition = pickle.loads(pickle.dumps(P.a.isin([1, "x"]) | (P.b > 1)))
    table = {"a": ["x", 3], "b": [0.0, 2.0]}
    assert condition.evaluate_columns(table.__getitem__).tolist() == [True, True]

"""One condition, asked at every door and in every form, selects the same measurements."""

from __future__ import annotations

import datetime as dt
import operator
import warnings
from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import coma_xr as coma
from coma_xr import P

DAYS = [dt.date(2020, 1, 1), dt.date(2020, 1, 31), dt.date(2020, 2, 1), dt.date(2021, 1, 1)]
MODELS = ["Ising", "Potts", "ising", "2020-01"]
NUMBERS = [-2, 0, 0.5, 1, 0.1 + 0.2]
SETS = [
    {"n": number, "model": model, "day": DAYS[(place + other) % 4], "flag": bool((place + other) % 2)}
    for place, number in enumerate(NUMBERS)
    for other, model in enumerate(MODELS)
]
MONTHS = {"2020": 2020, "2020-01": (2020, 1)}

ORDER = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
SIGNS = {**ORDER, "==": operator.eq, "!=": operator.ne}
ARITHMETIC = {"+": operator.add, "-": operator.sub, "*": operator.mul}


def simulate(n, model, day, flag):
    result = {"y": 2.0 * n, "pair": [n, -n], "label": model.lower()}
    return result if flag else {**result, "extra": n + 1.0}


@pytest.fixture(scope="module")
def e(tmp_path_factory):
    e = coma.Experiment(tmp_path_factory.mktemp("doors") / "e")
    e.run(simulate, coma.cases(SETS), progress=False)
    return e


class Form:
    """A condition in three forms: with P, as text, and as a function of a row of values."""

    def __init__(self, with_p, text, function):
        self.with_p, self.text, self.function = with_p, text, function


def value(row, name):
    """Return what a row has; None where it lacks the name."""
    values = {**row, "y": 2.0 * row["n"], "pair_2": -row["n"], "label": row["model"].lower()}
    values["extra"] = None if row["flag"] else row["n"] + 1.0
    return values[name]


def number_terms():
    names = st.sampled_from(["n", "y", "pair_2", "extra"])
    name = names.map(lambda name: Form(P[name], name, lambda row: value(row, name)))
    constant = st.sampled_from([1, 2, 0.5, -1])

    def calculated(term, sign, other):
        def function(row):
            one = term.function(row)
            return None if one is None else ARITHMETIC[sign](float(one), float(other))

        return Form(ARITHMETIC[sign](term.with_p, other), f"({term.text}) {sign} ({other})", function)

    return st.recursive(
        name,
        lambda inner: st.builds(calculated, inner, st.sampled_from([*ARITHMETIC]), constant),
        max_leaves=3,
    )


def ordered(sign, a, b):
    if a is None or b is None:
        return sign == "!="
    return SIGNS[sign](a, b)


def against_number(term, sign, number):
    return Form(
        SIGNS[sign](term.with_p, number),
        f"{term.text} {sign} {number!r}",
        lambda row: ordered(sign, term.function(row), number),
    )


def between(term, low, high):
    def function(row):
        return ordered(">=", term.function(row), low) and ordered("<=", term.function(row), high)

    return Form(term.with_p.between(low, high), f"{low!r} <= {term.text} <= {high!r}", function)


def against_text(name, sign, text):
    return Form(
        SIGNS[sign](P[name], text), f"{name} {sign} {text!r}", lambda row: SIGNS[sign](value(row, name), text)
    )


def against_date(sign, day):
    return Form(
        SIGNS[sign](P.day, day), f"day {sign} date('{day}')", lambda row: SIGNS[sign](row["day"], day)
    )


def against_period(sign, text):
    def function(row):
        day = row["day"].isoformat()[: len(text)]
        return SIGNS[sign](day, text)

    return Form(SIGNS[sign](P.day, text), f"day {sign} {text!r}", function)


def one_of(name, choices):
    return Form(P[name].isin(choices), f"{name} in {choices!r}", lambda row: value(row, name) in choices)


def null(name):
    return Form(P[name].isnull(), f"{name} is null", lambda row: value(row, name) is None)


simple = st.one_of(
    st.builds(against_number, number_terms(), st.sampled_from([*SIGNS]), st.sampled_from([*NUMBERS, 0.3, 3])),
    st.builds(between, number_terms(), st.sampled_from(NUMBERS), st.sampled_from(NUMBERS)),
    st.builds(
        against_text, st.sampled_from(["model", "label"]), st.sampled_from([*SIGNS]), st.sampled_from(MODELS)
    ),
    st.builds(against_date, st.sampled_from([*SIGNS]), st.sampled_from(DAYS)),
    st.builds(against_period, st.sampled_from([*SIGNS]), st.sampled_from(["2020", "2020-01", "2020-01-31"])),
    st.builds(one_of, st.just("model"), st.lists(st.sampled_from(MODELS), max_size=3)),
    st.builds(one_of, st.just("n"), st.lists(st.sampled_from(NUMBERS), max_size=3)),
    st.builds(null, st.sampled_from(["extra", "y", "model"])),
    st.just(Form(P.flag, "flag", lambda row: row["flag"])),
    st.just(
        Form(
            P.label.startswith("i"), "label.startswith('i')", lambda row: row["model"].lower().startswith("i")
        )
    ),
)


def joined(word, parts):
    join, collect = (operator.and_, all) if word == "and" else (operator.or_, any)
    text = f" {word} ".join(f"({part.text})" for part in parts)
    return Form(
        reduce(join, [part.with_p for part in parts]),
        text,
        lambda row: collect([part.function(row) for part in parts]),
    )


def denied(part):
    return Form(~part.with_p, f"not ({part.text})", lambda row: not part.function(row))


forms = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.builds(joined, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3)),
        st.builds(denied, inner),
    ),
    max_leaves=5,
)


def asked_of(m):
    return {name: m.parameters[name] for name in SETS[0]}


def ids_of(ds):
    # Without measurements there are no ids.
    return sorted(int(id) for id in ds.measurement_id.values.ravel() if id) if ds.sizes else []


@settings(max_examples=60, deadline=None)
@given(forms)
def test_every_door_and_every_form_selects_the_same_measurements(e, form):
    expected = [number for number, row in enumerate(SETS, 1) if form.function(row)]
    dataset = e.to_dataset(layout="points")
    scan = coma.cases(SETS)
    with warnings.catch_warnings():
        # Most of these warn when nothing is selected.
        warnings.simplefilter("ignore", coma.ComaWarning)
        for where in (form.with_p, form.text, str(form.with_p), lambda m: form.function(asked_of(m))):
            assert [m.id for m in e.measurements(where=where)] == expected
            assert e.to_dataframe(where=where).index.tolist() == expected
            assert ids_of(e.to_dataset(where=where, layout="points")) == expected
        for where in (form.with_p, form.text):
            assert ids_of(dataset.coma.where(where, drop=True)) == expected
            if not {"y", "pair_2", "label", "extra"} & set(
                form.with_p.names if isinstance(form.with_p, coma.Condition) else ()
            ):
                kept = list(scan.where(where))
                assert kept == [SETS[number - 1] for number in expected]


def test_a_measurement_without_a_number_is_the_first_repeat_at_every_door(tmp_path):
    e = coma.Experiment(tmp_path / "e")
    e.run(lambda a: {"y": a}, {"a": [1, 2]}, progress=False)
    with pytest.warns(coma.ComaWarning, match="2 repeats are equal"):
        e.run(lambda a: {"y": a}, {"a": [1, 2, 3]}, repeats=2, progress=False)
    assert e.to_dataframe().repeat.tolist() == [0, 0, 0, 1, 1, 1]
    assert coma.load(e.export(tmp_path / "e.csv")).repeat.tolist() == [0, 0, 0, 1, 1, 1]
    ds = e.to_dataset()
    for where in ("repeat == 0", "`info/repeat` == 0", "repeat != 1", P.repeat < 1, lambda m: m.repeat == 0):
        assert [m.id for m in e.measurements(where)] == [1, 2, 3]
        assert e.to_dataset(where=where).measurement_id.values.tolist() == [1, 2, 3]
        report = e.run(lambda a: {"y": a}, {"a": [1, 2, 3]}, repeats=2, recompute=where, dry_run=True)
        assert report.skipped == 3
    assert ds.coma.sel(repeat=0).measurement_id.values.tolist() == [1, 2, 3]
    assert ds.coma.where("repeat == 0").y.notnull().sum() == 3
    for select in (lambda where: e.to_dataframe(where=where), ds.coma.where):
        with pytest.warns(coma.ComaWarning, match="fulfils the condition repeat is null"):
            select("repeat is null")


def test_a_condition_on_the_repeat_holds_for_missing_repeats(tmp_path):
    e = coma.Experiment(tmp_path / "e")
    e.run(lambda a, rng: {"y": a}, {"a": [1, 2]}, repeats=2, limit=3, progress=False)
    assert e.to_dataset(where="repeat == 1").measurement_status.size == 2
    assert e.to_dataset(where="repeat == 0").coma.holes().empty

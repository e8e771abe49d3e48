"""Names and values are printed in figures as they are, and values without a scale are called so."""

from __future__ import annotations

import datetime as dt

import cftime
import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr

import coma_xr as coma
from coma_xr.errors import ComaWarning
from tests.plotting.test_plot import apart, entries

AMOUNTS = ["$5 to $10", "US$ to C$", "5 $ - 10 $", "$10-$20", "A$10-B$20"]


def printed(text: str) -> str:
    """Return what matplotlib prints for a text that is no formula."""
    shown, is_formula = mpl.text.Text(text=text)._preprocess_math(text)
    assert not is_formula, text
    return shown


@pytest.mark.parametrize("role", ["hue", "col", "x"])
def test_amounts_of_money_are_no_formulas(role):
    ds = xr.Dataset({"y": (("k", "n"), apart(5, 3))}, {"k": AMOUNTS, "n": np.arange(3.0)})
    axes = {"x": "n", "y": "y"} | {role: "k"} | ({"hue": "n"} if role == "x" else {})
    figure = coma.plot(ds, **axes)
    if role == "hue":
        texts = entries(figure)
    elif role == "col":
        texts = [ax.get_title().removeprefix("k = ") for ax in figure.axes]
    else:
        texts = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert [printed(text).replace("\n", " ") for text in texts] == AMOUNTS


@pytest.mark.parametrize("text", ["$x$", r"H$_2$O at $T_0$", r"$\alpha$2", "10$^{3}$ m", r"$5\,\$$"])
def test_formulas_are_kept(text):
    ds = xr.Dataset({"y": ("n", [1.0, 2.0])}, {"n": [0, 1]})
    assert coma.plot(ds, x="n", y="y", labels={"y": text}).axes[0].get_ylabel() == text


def test_a_line_does_not_break_behind_the_sign_that_keeps_a_dollar():
    words = "salaries of US$ 50,000 to US$ 75,000 and of C$ 60,000 to C$ 90,000"
    ds = xr.Dataset({"y": (("k", "n"), apart(2, 3))}, {"k": [words, "other"], "n": np.arange(3.0)})
    (text, _) = entries(coma.plot(ds, x="n", y="y", hue="k"))
    assert "\n" in text
    assert printed(text).replace("\n", " ") == words


HUGE = 2**53
UNEVEN = [
    ([HUGE + 9, HUGE, HUGE + 1], "integers closer together than an axis can show"),
    ([HUGE, HUGE + 2, HUGE + 10], "integers closer together than an axis can show"),
    ([dt.time(13), dt.time(1), dt.time(2, 30)], "times of day"),
    ([cftime.DatetimeNoLeap(2000, 3, day) for day in (9, 1, 2)], "dates of the calendar 'noleap'"),
]


@pytest.mark.parametrize(("values", "contents"), UNEVEN)
@pytest.mark.parametrize("as_table", [False, True])
@pytest.mark.parametrize("kind", ["line", "heatmap"])
def test_values_that_no_axis_can_show_are_names_in_order_with_a_warning(values, contents, as_table, kind):
    ds = xr.Dataset({"y": (("t", "n"), apart(3, 2))}, {"t": values, "n": [0, 1]})
    data = ds.to_dataframe().reset_index() if as_table else ds
    axes = (
        {"x": "t", "y": "n", "z": "y", "kind": kind}
        if kind == "heatmap"
        else {"x": "t", "y": "y", "hue": "n"}
    )
    with pytest.warns(
        ComaWarning, match=f"'t' holds {contents}. They are drawn as names, at equal distances"
    ):
        figure = coma.plot(data, **axes)
    labels = [label.get_text().replace("\n", "") for label in figure.axes[0].get_xticklabels()]
    assert labels == [
        str(value).replace(" ", "") if "noleap" in contents else str(value) for value in sorted(values)
    ]


def test_huge_integers_in_equal_steps_are_names_without_a_warning():
    ds = xr.Dataset({"y": ("n", [1.0, 2.0, 3.0])}, {"n": [HUGE, HUGE + 1, HUGE + 2]})
    places = coma.plot(ds, x="n", y="y").axes[0].collections[0].get_offsets()[:, 0]
    assert places.tolist() == [0, 1, 2]


def test_huge_integers_that_differ_enough_have_an_axis():
    ds = xr.Dataset({"y": ("n", [1.0, 2.0, 3.0])}, {"n": [0, HUGE, HUGE + 1000]})
    assert len(coma.plot(ds, x="n", y="y").axes[0].lines[0].get_xdata()) == 3

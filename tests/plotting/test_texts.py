"""Names and values are printed in figures as they are."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr

import coma_xr as coma
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

"""Ticks, names and labels where there is little room, and on scales that are not linear."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from coma_xr.plotting.draw import plot

MINUS = "\N{MINUS SIGN}"


def ticks(x, y=None, axis="x", **arguments):
    table = (
        pd.DataFrame({"x": x, "y": np.arange(float(len(x)))}) if y is None else pd.DataFrame({"x": x, "y": y})
    )
    figure = plot(table, x="x", y="y", **arguments)
    figure.canvas.draw()
    low, high = getattr(figure.axes[0], f"get_{axis}lim")()
    labels = getattr(figure.axes[0], f"get_{axis}ticklabels")()
    places = getattr(figure.axes[0], f"get_{axis}ticks")()
    return [text.get_text() for text, place in zip(labels, places, strict=True) if low <= place <= high]


def test_a_logit_axis_counts_what_is_near_one_from_there():
    near = ticks([1e-6, 0.3, 0.5, 0.9, 1 - 1e-6], xscale="logit", figsize=(6, 3))
    assert near == [*near[: len(near) // 2], "0.5", *near[len(near) // 2 + 1 :]]
    assert near[0] == f"10$^{{{MINUS}5}}$"
    assert near[-1] == f"1 {MINUS} 10$^{{{MINUS}5}}$"
    far = ticks([0.1, 0.5, 0.9], xscale="logit", figsize=(6, 3))
    assert {"0.1", "0.5", "0.9"} <= set(far)
    assert "$" not in "".join(far)


@pytest.mark.parametrize("scale", ["linear", "log", "symlog"])
def test_an_axis_without_room_has_few_ticks(scale):
    x = [1e-6, 1e6] if scale != "linear" else [1.23456e10, 1.23457e10]
    wide, narrow = (ticks(x, xscale=scale, figsize=(width, 2)) for width in (6, 1.4))
    assert 1 <= len(narrow) < len(wide)


def test_an_axis_of_dates_without_room_has_few_ticks():
    dates = pd.to_datetime(["2001-01-01", "2001-06-01"])
    wide, narrow = (ticks(dates, figsize=(width, 2)) for width in (6, 1.5))
    assert len(narrow) < len(wide)


def test_labels_that_are_no_numbers_stay_where_there_is_no_room_for_others():
    x = np.array([1, 2, 3, None, np.nan, np.inf], object)
    ds = xr.Dataset({"y": ("x", np.arange(6.0))}, coords={"x": x})
    figure = plot(ds, x="x", y="y", figsize=(1.1, 2))
    figure.canvas.draw()
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["inf", "NaN", "None"]


def test_long_names_are_broken_and_some_left_out_rather_than_laid_over_each_other():
    names = [f"a_name_of_many_words_in_one_{letter}" for letter in "abcdefghijklmnopqrst"]
    texts = ticks(names, figsize=(2, 3))
    assert 0 < len(texts) < len(names)
    assert {text.replace("\n", "") for text in texts} < set(names)
    assert all("\n" in text for text in texts)
    # On the y axis they lie one above the other.
    wide = [name * 3 for name in names]
    texts = ticks(np.arange(20.0), wide, axis="y", figsize=(3, 6))
    assert 0 < len(texts) < len(wide)
    assert {text.replace("\n", "") for text in texts} < set(wide)


def test_a_label_too_long_for_its_axis_is_broken_and_smaller():
    name = "averylongnamewithoutabreak" * 5
    small = plot(pd.DataFrame({"x": [1, 2], name: [1, 2]}), x="x", y=name, figsize=(2.5, 1.5)).axes[0].yaxis
    large = plot(pd.DataFrame({"x": [1, 2], "y": [1, 2]}), x="x", y="y", figsize=(2.5, 1.5)).axes[0].yaxis
    assert small.label.get_text().replace("\n", "") == name
    assert small.label.get_text().count("\n") > 3
    assert small.label.get_fontsize() < large.label.get_fontsize()

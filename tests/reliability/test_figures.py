"""The table of promises is what the tests counted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.reliability import figures
from tests.reliability.figures import PROMISES, Tally

PAGE = Path(__file__).parents[2] / figures.PAGE


def test_the_page_has_the_table_that_its_figures_make():
    page = PAGE.read_text("utf-8")
    counted = figures.rows(page)
    assert figures.table(counted) in page
    assert counted.keys() == PROMISES.keys()


def test_a_run_writes_its_figures_and_keeps_the_others(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"# Title\n{figures.BEGIN}{figures.END}The rest.\n")
    figures.update(page, "ci", {"kill points": [2000, 2000]})
    figures.update(page, "full", {"kill points": [3000, 2999], "bad inputs": [10, 10]})
    counted = figures.rows(page.read_text())
    assert counted["kill points"] == {"ci": "2,000 of 2,000", "full": "2,999 of 3,000"}
    assert counted["bad inputs"] == {"ci": "-", "full": "10 of 10"}
    assert page.read_text().startswith("# Title\n")
    assert page.read_text().endswith("The rest.\n")


def test_a_case_that_fails_is_counted_as_tried_and_fails_the_test():
    tally = Tally("kill points")
    for number in (1, 0, 2):
        with tally:
            assert 1 / number > 0
    assert (tally.tried, tally.held) == (3, 2)
    with pytest.raises(AssertionError, match=r"kill points: 2 of 3 held(?s:.*)ZeroDivisionError"):
        tally.check()


def test_an_interrupt_ends_the_counting():
    tally = Tally("kill points")
    with pytest.raises(KeyboardInterrupt), tally:
        raise KeyboardInterrupt
    assert (tally.tried, tally.held) == (1, 0)


def test_the_tests_of_all_faults_exist():
    here = Path(__file__).parent
    rows = [line for line in (here / "FAULTS.md").read_text("utf-8").splitlines() if line.startswith("| ")][
        2:
    ]
    for row in rows:
        named = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", row)
        assert named, row
        for file, function in named:
            text = (here.parent / file).read_text("utf-8")
            assert not function or f"def {function}(" in text, f"{file} has no {function}"

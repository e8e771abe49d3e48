"""Random realistic figures: no text overlaps or is clipped, no value is lost, each curve shows on its background."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from matplotlib import pyplot as plt

from tests.plotting.random_figures import case, check


def faults(numbers: range) -> list[str]:
    found = []
    for number in numbers:
        found += [f"{number}: {fault}" for fault in check(case(number)).faults]
        plt.close("all")
    return found


def test_some_figures_have_no_fault(report_line: Callable[[str], None]) -> None:
    assert not faults(range(6))
    report_line("6 random figures checked on their artists after drawing")


@pytest.mark.ci
@pytest.mark.parametrize("first", range(0, 100, 20))
def test_a_hundred_figures_have_no_fault(first: int, report_line: Callable[[str], None]) -> None:
    assert not faults(range(first, first + 20))
    report_line("20 random figures checked on their artists after drawing")

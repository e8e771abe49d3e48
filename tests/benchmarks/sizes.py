"""How many measurements the benchmarks have, and how often each is timed."""

from __future__ import annotations

import pytest

__all__ = ["ROUNDS", "SIZES"]

SIZES = [1_000, 10_000, pytest.param(100_000, marks=pytest.mark.full)]
ROUNDS = {1_000: 7, 10_000: 3, 100_000: 1}

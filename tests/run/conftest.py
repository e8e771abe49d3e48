"""What the tests of runs share."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def handler_of_python() -> Iterator[None]:
    """Let Ctrl-C be Python's own: a cluster that an earlier test started may have left a handler of its own,

    and then a KeyboardInterrupt stops a run, as it should, instead of being the failure of one set.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    if before is not None:
        signal.signal(signal.SIGINT, before)

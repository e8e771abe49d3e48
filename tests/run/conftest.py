"""What the tests of runs share."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.run.common import Kept


@pytest.fixture(autouse=True)
def handler_of_python() -> Iterator[None]:
    """Let Ctrl-C be Python's own: a cluster that an earlier test started may have left a handler of its own,

    and then a KeyboardInterrupt stops a run, as it should, instead of being the failure of one set.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    if before is not None:
        signal.signal(signal.SIGINT, before)


@pytest.fixture
def own_handler(handler_of_python: None) -> Iterator[None]:
    """Check that the test gives back the handler of Ctrl-C."""
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.fixture
def kept() -> Kept:
    return Kept()

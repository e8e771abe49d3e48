"""What makes the reliability suites quick."""

import pytest

from coma_xr import code_history
from coma_xr.code import states


@pytest.fixture(autouse=True)
def git_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The version of the functions is not what these suites are about, and each answer takes two processes."""
    monkeypatch.setattr(code_history, "git_state", lambda *_, **__: None)


@pytest.fixture(autouse=True)
def packages_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """All directories of packages are listed for each state of the code, which these suites are not about either."""
    monkeypatch.setattr(states, "environment", dict)

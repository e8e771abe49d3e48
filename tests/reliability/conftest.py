"""What makes the reliability suites quick."""

import pytest

from coma_xr import code_history


@pytest.fixture(autouse=True)
def git_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The version of the functions is not what these suites are about, and each answer takes two processes."""
    monkeypatch.setattr(code_history, "git_state", lambda *_, **__: None)

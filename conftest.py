"""What the examples in docstrings run in: an empty directory, and no configuration of the user's."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def surroundings_of_examples(request: pytest.FixtureRequest) -> None:
    if isinstance(request.node, pytest.DoctestItem):
        directory = request.getfixturevalue("tmp_path")
        monkeypatch = request.getfixturevalue("monkeypatch")
        monkeypatch.chdir(directory)
        monkeypatch.setenv("COMA_CONFIG_DIR", str(Path(directory, "configuration")))

"""What the examples in docstrings run in: an empty directory, and no configuration of the user's."""

from __future__ import annotations

import doctest
import inspect
from pathlib import Path
from typing import Any

import pytest

_is_from = doctest.DocTestFinder._from_module  # type: ignore[attr-defined]


def _unwrapped_is_from(self: Any, module: Any, thing: Any) -> bool:
    """Find the examples of decorated functions too."""
    return bool(_is_from(self, module, inspect.unwrap(thing) if inspect.isfunction(thing) else thing))


doctest.DocTestFinder._from_module = _unwrapped_is_from  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def surroundings_of_examples(request: pytest.FixtureRequest) -> None:
    if isinstance(request.node, pytest.DoctestItem):
        directory = request.getfixturevalue("tmp_path")
        monkeypatch = request.getfixturevalue("monkeypatch")
        monkeypatch.chdir(directory)
        monkeypatch.setenv("COMA_CONFIG_DIR", str(Path(directory, "configuration")))

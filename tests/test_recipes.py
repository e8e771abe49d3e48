"""The examples that use other programs run as they stand on their page, where these are installed."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[1] / "docs" / "recipes.md").read_text("utf-8")
SETUP, *RECIPES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


# The libraries of the recipes are large: the extra `recipes` has them.
@pytest.mark.ci
@pytest.mark.parametrize("number", range(len(RECIPES)))
def test_a_recipe_runs(number, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in re.findall(r"^import ([a-z_]+)", RECIPES[number], re.MULTILINE):
            pytest.importorskip(module)
        for source in (SETUP, RECIPES[number]):
            exec(compile(source, "recipes.md", "exec"), names)

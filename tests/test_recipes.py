"""The examples that use other programs run as they stand on their page, where these are installed."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# The first block of a page makes the experiment that the others use.
RECIPES = [
    pytest.param(first, recipe, id=f"{page}-{number}")
    for page in ("recipes", "analysis")
    for first, *others in [BLOCK.findall((DOCS / f"{page}.md").read_text("utf-8"))]
    for number, recipe in enumerate(others)
]


# The libraries of the recipes are large: the extra `recipes` has them.
@pytest.mark.ci
@pytest.mark.parametrize(("setup", "recipe"), RECIPES)
def test_a_recipe_runs(setup, recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in re.findall(r"^import ([a-z_]+)", recipe, re.MULTILINE):
            pytest.importorskip(module)
        for source in (setup, recipe):
            exec(compile(source, "recipe", "exec"), names)

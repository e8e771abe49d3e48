"""The README says what is so: its example runs, its links lead somewhere, its commands are those of CI."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_first_minute_works(tmp_path, monkeypatch):
    from matplotlib import pyplot as plt

    monkeypatch.chdir(tmp_path)
    names = {}
    for _ in range(2):
        exec(blocks("python")[0], names)
    assert dict(names["ds"].sizes) == {"theta_0": 3, "theta_index": 20}
    assert len(list(Path("pendulum").glob("measurement.0*.json"))) == 60
    assert Path("pendulum.nc").is_file()
    assert Path("pendulum.csv").is_file()
    assert Path("pendulum.png").is_file()
    plt.close("all")


def test_the_example_of_a_file_is_one(tmp_path, monkeypatch):
    "The numbers under results are those that the example computes."
    shown = blocks("json")[0]
    names = {}
    exec(blocks("python")[0].split("e = coma")[0], names)
    theta_0, theta = (float(re.search(rf'"{name}": ([-.\d]+)', shown)[1]) for name in ("theta_0", "theta"))
    for name, value in names["pendulum"](theta_0, theta).items():
        assert float(re.search(rf'"{name}": ([-.\d]+)', shown)[1]) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_to_files_lead_somewhere(page):
    text = (ROOT / page).read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    assert not [link for link in links if not (ROOT / link).exists()]


def test_a_package_index_gets_no_links_to_files():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    hook = settings["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    text = README
    for rule in hook["substitutions"]:
        text = re.sub(rule["pattern"], rule["replacement"], text)
    assert re.findall(r"\]\((?!https://)", README)
    assert not re.findall(r"\]\((?!https://)", text)
    assert len(re.findall(r"\]\(https://", text)) == len(re.findall(r"\]\(https://", README)) > 0


@pytest.mark.parametrize("name", ["demo", "tests"])
def test_there_is_one_command_of_each_kind(name):
    "CI takes them from here, so what is promised is what is run."
    assert len(re.findall(rf"<!-- command: {name} -->\n```sh\npython3 [^\n]*\n```", README)) == 1
    assert f"command_of_readme {name}" in (ROOT / ".ci" / "run").read_text("utf-8")

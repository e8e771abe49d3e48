"""Print the lowest versions of the dependencies that are declared, as pip takes them."""

import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
extras = [project["optional-dependencies"][name] for name in ("parquet", "sample", "zarr")]
for requirements in (project["dependencies"], *extras):
    print(*(requirement.replace(">=", "==") for requirement in requirements), sep="\n")

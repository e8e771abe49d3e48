"""Inactive experiments too large to be run first: ``python -m tests.benchmarks.archives DIRECTORY 1000000``.

What a scan of a few measurements leaves when it is archived is repeated, with other ids, parameters and results. The time and
memory of looks are printed, each of a fresh process.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import coma_xr as coma
from coma_xr.store.documents import digest
from coma_xr.store.layout import DIGESTS
from tests.benchmarks import floors, functions
from tests.benchmarks.children import in_child
from tests.benchmarks.goals import timed

_FEW = 200


def make(path: Path, n: int) -> None:
    """Make an inactive experiment of `n` measurements; only `_FEW` of them are run."""
    e = coma.Experiment(path, durable=False)
    e.run(functions.function, floors.axes(n), limit=_FEW, progress=False)
    e.deactivate()
    (file,) = path.glob("experiment.*.json")
    root = json.loads(file.read_text())
    first = root["experiment"].pop("measurements")[0]
    root["experiment"]["info"]["coma_xr"][DIGESTS] = digests = []
    axes = floors.axes(n)
    texts = []
    points = ((a, b, c) for a in axes["a"] for b in axes["b"] for c in axes["c"])
    for id, (a, b, c) in enumerate(points, start=1):
        first["info"] |= {"measurement_id": id, "duration": id * 1e-9}
        tree = {**first, "parameters": {"a": a, "b": b, "c": c}, "results": functions.function(a, b, c)}
        texts.append(json.dumps(tree))
        digests.append(digest(tree))
    text = json.dumps(root).removesuffix("}}")
    file.write_text(f'{text}, "measurements": [\n' + ",\n".join(texts) + "\n]}}\n")


def main() -> None:
    """Make an experiment, and look at it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("size", type=int, nargs="?", default=1_000_000)
    options = parser.parse_args()
    path, small = (options.directory / f"archive{n}" for n in (options.size, _FEW))
    for one, n in ((path, options.size), (small, _FEW)):
        if not one.exists():
            make(one, n)
    for what in ("read without a cache", "first look", "to_dataset", "two columns", "status"):
        cpu, clock, memory = in_child(timed, what, str(path), str(small), options.size)
        print(f"{what}: {cpu:.2f} s of CPU, {clock:.2f} s by the clock, {memory:.0f} MB", flush=True)


if __name__ == "__main__":
    main()

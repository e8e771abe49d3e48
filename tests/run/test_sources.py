"""File, line and source of a failure are the same wherever the function runs."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import functools, json, linecache, sys, warnings
from concurrent.futures import ProcessPoolExecutor
import coma_xr as coma

def fail(a):
    return {"y": 1 / (a - a)}  # the line

def function(a):
    return {"y": 1 / (a - a)}  # the line

def calls_a_helper(a):
    return fail(a)

def makes_a_closure(zero):
    def closure(a):
        return {"y": a / zero}  # the line
    return closure

class Model:
    def method(self, a):
        return {"y": 1 / (a - a)}  # the line

    def __call__(self, a):
        return {"y": 1 / (a - a)}  # the line

def unstorable(a):
    return {"y": sys}

def of_two(b, a):
    return {"y": a / b}  # the line

source = "def cell(a):\\n    return {'y': 1 / (a - a)}  # the line\\n"
linecache.cache["<cell 7>"] = (len(source), None, source.splitlines(True), "<cell 7>")
exec(compile(source, "<cell 7>", "exec"))

functions = {
    "function": function, "helper": calls_a_helper, "closure": makes_a_closure(0),
    "lambda": lambda a: {"y": 1 / (a - a)},  # the line
    "method": Model().method, "object": Model(), "partial": functools.partial(of_two, 0), "cell": cell,
    "unstorable": unstorable, "unstorable partial": functools.partial(unstorable),
}
if __name__ == "__main__":
    warnings.simplefilter("ignore")
    lines = {}
    with ProcessPoolExecutor(1) as pool:
        for name, function in functions.items():
            for where, options in {"serial": {}, "own": {"max_workers": 2}, "pool": {"executor": pool}}.items():
                e = coma.Experiment(f"{name} {where}")
                e.run(function, {"a": [1]}, progress=False, **options)
                failure = e.failure(1)
                lines.setdefault(name, []).append([e.failures()["line"].iloc[0], failure.traceback])
    print(json.dumps(lines))
"""


def test_file_line_and_source_of_a_failure_are_the_same_in_every_process(tmp_path: Path) -> None:
    (tmp_path / "night.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "night.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    lines = json.loads(done.stdout)
    assert len(lines) == 10
    for name, (serial, *others) in lines.items():
        line, traceback = serial
        file = "<cell 7>" if name == "cell" else str(tmp_path / "night.py")
        assert line.startswith(f"{file}:"), name
        assert others == [serial, serial], name
        if not name.startswith("unstorable"):
            assert "# the line" in line, name
            assert "# the line" in traceback, name

"""What of the session holds in workers of every kind, as the table of the documentation shows it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"

SCRIPT = """
import functools, json, logging, os, sys, warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
import numpy as np
import coma_xr as coma

OFFSET = 10

def helper(a):
    return a + OFFSET

def divides(a):
    return np.float64(a) / np.float64(0)

def warns(a):
    warnings.warn("only once", UserWarning)
    return a

def objects(a):
    warnings.warn("never", FutureWarning)
    return a

def logs(a):
    logging.getLogger("model").info("point %s", a)
    logging.getLogger("model").debug("detail %s", a)
    return a

def where(a):
    return os.getcwd()

def variable(a):
    return os.environ.get("MODEL", "")

@functools.cache
def cached(a):
    return helper(a)

def calls_helper(a):
    return helper(a)

def fails(a):
    raise ValueError(a)  # here

class Records(logging.Handler):
    def __init__(self):
        super().__init__()
        self.texts = []

    def emit(self, record):
        self.texts.append((record.name, record.levelname, record.getMessage()))

def main(name, options):
    here = os.getcwd()
    os.mkdir("below")
    def run(function):
        e = coma.Experiment(os.path.join(here, f"{name} {function.__name__}"))
        with warnings.catch_warnings(record=True) as caught:
            e.run(function, {"a": [1, 2, 3, 4]}, progress=False, **options)
        return e, caught
    def results(function):
        e, _ = run(function)
        key = function.__name__
        return [m.results[key] for m in e.measurements()]
    sys.stderr = open(os.devnull, "w")
    found = {}
    with np.errstate(all="raise"):
        found["NumPy error state"] = len(run(divides)[0].failures()) == 4
    warnings.simplefilter("once", UserWarning)
    caught = run(warns)[1]
    found["Warnings, each shown once"] = [str(w.message) for w in caught] == ["only once"]
    warnings.filterwarnings("error", category=FutureWarning)
    found["Warning filters"] = run(objects)[0].failures()["exception"].tolist() == ["FutureWarning"] * 4
    records = Records()
    logging.getLogger().addHandler(records)
    logging.getLogger("model").setLevel(logging.INFO)
    run(logs)
    texts = sorted(text for text in records.texts if text[0] == "model")
    found["Log records from the level of the session on"] = texts == [("model", "INFO", f"point {a}") for a in (1, 2, 3, 4)]
    os.chdir("below")
    found["Working directory"] = results(where) == [os.path.join(here, "below")] * 4
    os.chdir(here)
    os.environ["MODEL"] = "Ising"
    found["Environment variables that were set last"] = results(variable) == ["Ising"] * 4
    found["Functions with `functools.cache`"] = results(cached) == [11, 12, 13, 14]
    found["Functions and constants of the script"] = results(calls_helper) == [11, 12, 13, 14]
    found["File and line of a failure"] = all("script.py" in line and "# here" in line for line in run(fails)[0].failures()["line"])
    print(json.dumps(found))

if __name__ == "__main__":
    name = sys.argv[1]
    if name == "serial":
        main(name, {})
    elif name == "max_workers=2":
        main(name, {"max_workers": 2})
    elif name == "ThreadPoolExecutor":
        with ThreadPoolExecutor(2) as pool:
            main(name, {"executor": pool})
    elif name == "ProcessPoolExecutor":
        with ProcessPoolExecutor(2) as pool:
            list(pool.map(abs, range(10)))
            main(name, {"executor": pool})
    else:
        from distributed import Client, LocalCluster
        with LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as cluster, Client(cluster) as client:
            main(name, {"executor": client})
"""

EXECUTORS = ["serial", "max_workers=2", "ThreadPoolExecutor", "ProcessPoolExecutor", "dask"]

# Executors start their workers when they like, and may do so on other hosts.
NOT_CARRIED = {
    ("Environment variables that were set last", "ProcessPoolExecutor"),
    ("Environment variables that were set last", "dask"),
}


def settings_of(name: str, directory: Path) -> dict[str, bool]:
    (directory / "script.py").write_text(SCRIPT)
    command = [sys.executable, "script.py", name]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False, timeout=180)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, bool] = json.loads(done.stdout)
    return found


def table() -> list[list[str]]:
    """Return the cells of the table of the documentation, its head first."""
    text = (DOCS / "worker-settings.md").read_text("utf-8")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [rows[0], *rows[2:]]


@pytest.mark.parametrize("name", EXECUTORS)
@pytest.mark.ci
def test_what_holds_in_workers_is_what_the_documentation_says(name: str, tmp_path: Path) -> None:
    if name == "dask":
        pytest.importorskip("distributed")
    found = settings_of(name, tmp_path)
    assert found == {setting: (setting, name) not in NOT_CARRIED for setting in found}
    head, *rows = table()
    column = next(i for i, cell in enumerate(head) if name in cell)
    assert {row[0]: row[column] == "yes" for row in rows} == found

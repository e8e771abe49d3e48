"""Real Boost.Serialization: what it writes is read, what is written it loads; the example of the documentation."""

from __future__ import annotations

import math
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import coma_xr as coma
from coma_xr.encoding import xml
from coma_xr.encoding.boost import write_parameters
from coma_xr.run.program import ProgramError, program
from tests.encoding.test_boost import check

ROOT = Path(__file__).parents[1]
BOOST = Path(__file__).parent / "data" / "boost"
EXAMPLE = ROOT / "docs" / "cpp"

PATIENCE = 120
ROUNDS = 100


def lacking() -> str:
    """Say what is not installed here."""
    tools = [tool for tool in ("g++", "make") if shutil.which(tool) is None]
    if tools:
        return f"{' and '.join(tools)} not installed"
    source = "#include <boost/archive/xml_iarchive.hpp>\n#include <Eigen/Dense>\n"
    command = ["g++", "-fsyntax-only", "-I/usr/include/eigen3", "-x", "c++", "-"]
    found = subprocess.run(command, input=source, text=True, capture_output=True, check=False)
    return "" if found.returncode == 0 else "libboost-serialization-dev or libeigen3-dev not installed"


LACKING = "" if os.environ.get("COMA_XR_REQUIRES_CPP") else lacking()
pytestmark = [pytest.mark.ci, pytest.mark.skipif(bool(LACKING), reason=LACKING or "all there")]


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """Where the programs of tests/data/boost are, compiled."""
    directory = tmp_path_factory.mktemp("programs")
    subprocess.run(
        ["make", "-j2", f"OUT={directory}"], cwd=BOOST, check=True, capture_output=True, timeout=PATIENCE
    )
    return directory


def run(*command) -> bytes:
    return subprocess.run(
        [str(word) for word in command], capture_output=True, check=True, timeout=PATIENCE
    ).stdout


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["save"], "default"),
        (["save", "no_header"], "default_no_header"),
        (["save", "special"], "special"),
        (["save_plain"], "plain"),
        (["save_plain", "no_header"], "plain_no_header"),
        (["save_plain", "no_header", "special"], "plain_special_no_header"),
        (["extras"], "extras"),
        (["pointers"], "pointers"),
        (["pointers", "cycle"], "cycle"),
    ],
)
def test_the_samples_are_what_boost_writes(programs, tmp_path, command, name):
    "Or, with another version of Boost, say the same but for the attributes."
    program, *flags = command
    if program.startswith("save"):
        run(programs / program, tmp_path / "x.xml", *flags)
        written = (tmp_path / "x.xml").read_bytes()
    else:
        written = run(programs / program, *flags)
    sample = (BOOST / "samples" / f"{name}.xml").read_bytes()
    if name == "cycle":
        assert b"object_id_reference" in written
    else:
        assert repr(xml.decode(written)) == repr(xml.decode(sample))


@pytest.mark.parametrize("n", [0, 1, 2, 3, 40])
def test_arrays_containers_and_graphs_of_any_size(programs, n):
    check(coma.read_tree(run(programs / "idioms", n)), n)


AWKWARD_FLOATS = [
    0.1,
    -0.0,
    5e-324,
    1.7976931348623157e308,
    2.2250738585072014e-308,
    1 / 3,
    1e22,
    2.0**53,
    2.0**53 + 2,
    -3.0,
]
AWKWARD_TEXTS = [
    "",
    " ",
    "\n  ",
    "\t",
    "a<b>&\"'",
    "]]>",
    "é\u2028\U0001f600",
    "12",
    "nan",
    "-->",
    "&#233;",
    "\x7f",
]


def some_parameters(rng: random.Random) -> dict:
    def number():
        return rng.choice(
            [
                rng.choice(AWKWARD_FLOATS),
                rng.uniform(-1, 1) * 10.0 ** rng.randint(-300, 300),
                rng.randint(-99, 99),
            ]
        )

    def text():
        return rng.choice([*AWKWARD_TEXTS, "".join(rng.choices("ab <&>\"'\té", k=rng.randint(1, 12)))])

    def several(make, least=0):
        return [make() for _ in range(rng.randint(least, 4))]

    return {
        "x": number(),
        "n": rng.choice([rng.randint(-(2**63), 2**63 - 1), float(rng.randint(-99, 99))]),
        "flag": rng.random() < 0.5,
        "text": text(),
        "z": complex(number(), number()),
        "layout": {"N": rng.randint(0, 9), "gap": number()},
        "list": several(number),
        "flags": several(lambda: rng.random() < 0.5, least=1),
        "texts": several(text),
        "matrix": several(lambda: several(number)),
    }


def said_back(output: bytes) -> dict:
    """Read what tests/data/boost/echo.cpp prints."""
    lines = iter(output.decode().split("\n"))

    def numbers():
        return [float.fromhex(word) for word in next(lines).split()]

    def text():
        return bytes(map(int, next(lines).split())).decode()

    x, n, flag = float.fromhex(next(lines)), int(next(lines)), next(lines) == "1"
    said = {"x": x, "n": n, "flag": flag, "text": text(), "z": complex(*numbers())}
    count, gap = next(lines).split()
    said["layout"] = {"N": int(count), "gap": float.fromhex(gap)}
    said["list"] = numbers()
    said["flags"] = [word == "1" for word in next(lines).split()]
    said["texts"] = [text() for _ in range(int(next(lines)))]
    said["matrix"] = [numbers() for _ in range(int(next(lines)))]
    return said


def bits(value):
    """Return a value in which floats differ where their bits do, and whole numbers are floats."""
    if isinstance(value, dict):
        return {key: bits(child) for key, child in value.items()}
    if isinstance(value, list):
        return [bits(item) for item in value]
    if isinstance(value, complex):
        return [bits(value.real), bits(value.imag)]
    return (
        float(value).hex()
        if type(value) is int and abs(value) < 2**53
        else value.hex()
        if type(value) is float
        else value
    )


def test_boost_loads_what_is_written(programs, tmp_path):
    "Every value, bit for bit."
    rng = random.Random(3)
    for _ in range(ROUNDS):
        parameters = some_parameters(rng)
        path = tmp_path / "parameters.xml"
        path.write_bytes(write_parameters(parameters))
        assert bits(said_back(run(programs / "echo", path))) == bits(parameters), parameters


@pytest.mark.parametrize(
    "change", [lambda v: v.pop("n"), lambda v: v.update(n=1.5), lambda v: v.update(x="many")]
)
def test_boost_says_that_other_parameters_do_not_fit(programs, change):
    "Which is then the failure of the point."
    parameters = some_parameters(random.Random(4))
    change(parameters)
    echo = program([programs / "echo", "{parameters}"], input="xml", output="text")
    with pytest.raises(ProgramError, match="echo ended with exit code 1: "):
        echo(**parameters)


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """A copy of the example of the documentation, compiled by its own makefile."""
    directory = tmp_path_factory.mktemp("example") / "cpp"
    shutil.copytree(EXAMPLE, directory)
    made = subprocess.run(
        ["make"], cwd=directory, check=True, capture_output=True, text=True, timeout=PATIENCE
    )
    assert not made.stderr, "the example compiles without a warning"
    return directory


def test_the_example_of_the_documentation_runs(example):
    "With six points saved and three failures that quote the program."
    command = [sys.executable, "scan.py"]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "COMA_CONFIG_DIR": str(example / "none")}
    done = subprocess.run(
        command, cwd=example, capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert "friction must not be negative" in done.stderr
    assert (example / "pendulum.nc").is_file()
    assert len(list((example / "pendulum").glob("measurement.0*.json"))) == 6
    assert len(list((example / "pendulum").glob("failure.0*.json"))) == 3


def test_the_pendulum_of_the_example_swings_as_it_should(example, monkeypatch):
    monkeypatch.chdir(example)
    simulate = program("./simulate {parameters} {output}", input="xml", output="xml")
    result = simulate(theta_0=5, friction=0, steps=20)
    assert result["period"] == pytest.approx(
        2 * math.pi / math.sqrt(9.80665) * (1 + math.radians(5) ** 2 / 16), rel=1e-3
    )
    assert result["times"] == pytest.approx([0.1 * step for step in range(21)])
    assert max(map(abs, result["angles"])) == pytest.approx(5, rel=1e-3)
    with pytest.raises(ProgramError, match="exit code 1: friction must not be negative"):
        simulate(theta_0=5, friction=-1, steps=20)


def test_the_page_shows_parameters_as_they_are_written():
    page = (ROOT / "docs" / "program.md").read_text("utf-8")
    assert write_parameters({"theta_0": 30, "friction": 0.1, "steps": 20}).decode() in page

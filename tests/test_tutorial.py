"""The tutorial of Coma 2, step by step, with ``import coma_xr as coma``."""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

import coma_xr as coma

DATE = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z"
g = 9.80665


def exact(theta_0, theta, L):
    """Return the time from theta_0 to theta (in degrees) of a pendulum of length L."""
    if theta == theta_0:
        return 0.0
    k = math.sin(math.radians(abs(theta_0)) / 2)
    phi = np.linspace(
        math.asin(math.sin(math.radians(theta) / 2) / math.sin(math.radians(theta_0) / 2)), math.pi / 2, 2001
    )
    f = 1 / np.sqrt(1 - (k * np.sin(phi)) ** 2)
    return math.sqrt(L / g) * float(np.sum((f[1:] + f[:-1]) / 2) * (phi[1] - phi[0]))


def approximate(theta_0, theta, L):
    """Return the same for small angles."""
    return math.sqrt(L / g) * math.acos(theta / theta_0)


def run_it(p):
    """The tutorial's function: a parameter set in, a tree out."""
    o = OrderedDict()
    o["parameters"] = OrderedDict(theta_0=p.theta_0, theta=p["parameters/theta"], L=1.0)
    o["results"] = OrderedDict(t=exact(p.theta_0, p.theta, 1.0), t_=approximate(p.theta_0, p.theta, 1.0))
    return o


class Pendulum:
    """The tutorial's class."""

    def __init__(self):
        self.program = "pendulum"
        self.version = "0.0.1"

    def coma_getstate(self):
        o = run_it(self.p)
        o["results"] = {"t": 0.0, "t_": 0.0} if self.p.theta == self.p.theta_0 else o["results"]
        return o


def run_object(p):
    s = Pendulum()
    s.p = p
    return s


@pytest.fixture
def e(tmp_path, monkeypatch, capsys):
    """The tutorial's experiment: configuration made, parameter sets defined and added."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COMA_CONFIG_DIR", str(tmp_path / "config"))
    coma.create_default_config()
    assert capsys.readouterr().out == (
        f"Creating directory {tmp_path}/config\n"
        f'Creating config file "{tmp_path}/config/preferences.conf"\n'
        f'Creating experiment index "{tmp_path}/config/experiment.index"\n'
    )
    e = coma.Experiment("example_experiment")
    assert ls() == ["experiment.000001.json", "measurement.index.json"]
    e.define_parameter_set(("theta_0", "parameters/theta_0"), ("theta", "parameters/theta"))
    for theta_0 in [-5.0, -30.0, -60.0]:
        for theta in np.linspace(theta_0, -theta_0, 20):
            e.add_parameter_set(theta_0, round(theta, 4))
    return e


def ls():
    """List what ``ls`` shows of the experiment."""
    return sorted(file.name for file in Path("example_experiment").iterdir() if not file.name.startswith("."))


def test_the_tutorial(e, capsys):
    """Every step of the tutorial works, and shows what the tutorial shows."""
    assert e.run(run_it) == (60, 60)
    assert repr(e.run(run_it)) == "RunReport(saved=0, asked=60, skipped=60, failed=0)"
    assert e.number_of_measurements() == 60
    # In addition to what the tutorial shows, there are coma.json and the code that made the measurements.
    files = [
        "code",
        "coma.json",
        "experiment.000001.json",
        *(f"measurement.{i:06d}.json" for i in range(1, 61)),
        "measurement.index.json",
    ]
    assert ls() == files

    text = Path("example_experiment/measurement.000001.json").read_text()
    assert re.match(
        r'\{\n  "measurement": \{\n    "info": \{\n      "measurement_id": 1,\n'
        rf'      "start_date": "{DATE}",\n      "end_date": "{DATE}",\n      ',
        text,
    )
    assert text.endswith(
        '    },\n    "parameters": {\n      "theta_0": -5.0,\n      "theta": -5.0,\n      "L": 1.0\n    },\n'
        '    "results": {\n      "t": 0.0,\n      "t_": 0.0\n    }\n  }\n}'
    )

    lines = []
    for m in e.measurements():
        if m.id > 3:
            break
        print(m)
        lines.append((m["parameters"]["theta_0"], m["parameters/theta"], round(m.results.t, 2)))
    assert lines == [(-5.0, -5.0, 0.0), (-5.0, -4.4737, 0.15), (-5.0, -3.9474, 0.21)]
    assert re.match(
        rf"Measurement 1\n  start_date: {DATE}\n  end_date: {DATE}\n  Fields: \['info', 'parameters', 'results'\]\n",
        capsys.readouterr().out,
    )

    table_def = [("theta", "parameters/theta"), ("t", "results/t"), ("t_", "results/t_")]
    p_def = [("theta_0", "parameters/theta_0")]
    rs = e.retrieve_results(table_def, p_def)
    assert repr(rs) == (
        "[Result((theta,t,t_),(theta_0=-5.0)),\n Result((theta,t,t_),(theta_0=-30.0)),\n"
        " Result((theta,t,t_),(theta_0=-60.0))]"
    )
    r = rs[0]
    assert str(r.parameters) == "(theta_0=-5.0)"
    assert r.parameters.theta_0 == -5.0
    assert r.table_columns == ("theta", "t", "t_")
    assert r.table.shape == (20, 3)
    assert [str(r) for r in rs["theta_0", -5.0]] == ["Result((theta,t,t_),(theta_0=-5.0))"]
    np.testing.assert_allclose(r.table[:, 0], np.linspace(-5, 5, 20), atol=1e-4)

    assert e.isactive()
    e.deactivate()
    assert not e.isactive()
    assert ls() == ["code", "coma.json", "experiment.000001.json"]
    assert repr(e.retrieve_results(table_def, p_def)) == repr(rs)
    e.activate()
    assert ls() == files

    e.reset()
    assert e.number_of_measurements() == 0
    assert e.run(run_object) == (60, 60)
    text = Path("example_experiment/measurement.000001.json").read_text()
    assert '      "program": "pendulum",\n      "version": "0.0.1"\n    },' in text
    assert text.endswith(f'    }},\n    "__class__": "{__name__}.Pendulum"\n  }}\n}}')


def test_the_second_experiment_gets_the_next_id(e):
    """The experiment index numbers the experiments."""
    assert e.id == 1
    assert coma.Experiment("another").id == 2
    assert coma.Experiment("example_experiment").id == 1

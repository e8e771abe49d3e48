"""The pendulum demo: its physics, what it leaves on the disk, and that it computes nothing twice."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from coma_xr import demo


def mean(a, b):
    """Return the arithmetic-geometric mean."""
    while abs(a - b) > 1e-15 * a:
        a, b = (a + b) / 2, math.sqrt(a * b)
    return a


@pytest.mark.parametrize("theta_0", [-0.001, -5.0, -30.0, -60.0, -120.0])
def test_half_a_period_is_that_of_gauss(theta_0):
    "The arithmetic-geometric mean gives the period by another way than the integral."
    expected = math.pi / mean(1.0, math.cos(math.radians(theta_0) / 2)) * math.sqrt(1.0 / demo.G)
    assert demo.pendulum(theta_0, -theta_0)["t"] == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("theta_0", "theta", "t"),
    [
        # From Legendre's incomplete elliptic integral of the first kind.
        (-5.0, -1.6667, 0.3932830695733329),
        (-30.0, -10.0, 0.40051703602564126),
        (-60.0, -20.0, 0.4244615843578521),
        (-60.0, -53.6842, 0.1620176838072054),
    ],
)
def test_times_on_the_way_are_those_of_the_elliptic_integral(theta_0, theta, t):
    assert demo.pendulum(theta_0, theta)["t"] == pytest.approx(t, rel=1e-14)


def test_the_motion_is_symmetric_and_starts_at_zero():
    for theta_0 in demo.amplitudes:
        half = demo.pendulum(theta_0, -theta_0)["t"]
        assert demo.pendulum(theta_0, theta_0) == {"t": 0.0, "t_": 0.0}
        assert demo.pendulum(theta_0, 0.0)["t"] == pytest.approx(half / 2, rel=1e-14)


def test_the_approximation_is_the_limit_of_small_angles():
    times = demo.pendulum(-1e-4, 3e-5)
    assert times["t"] == pytest.approx(times["t_"], rel=1e-11)


def test_a_longer_pendulum_is_slower():
    assert demo.pendulum(-30.0, 0.0, L=4.0)["t"] == pytest.approx(2 * demo.pendulum(-30.0, 0.0)["t"])


@pytest.fixture
def dataset():
    theta = np.array([np.linspace(a, -a, 20) for a in demo.amplitudes])
    times = [
        [demo.pendulum(a, angle) for angle in row] for a, row in zip(demo.amplitudes, theta, strict=True)
    ]
    dims = ("theta_0", "theta_index")
    return xr.Dataset(
        {
            "t": (dims, [[p["t"] for p in row] for row in times], {"units": "s", "long_name": "time"}),
            "t_": (dims, [[p["t_"] for p in row] for row in times]),
        },
        coords={
            "theta_0": list(demo.amplitudes),
            "theta": (dims, theta, {"units": "degree", "long_name": "angle"}),
        },
    )


def test_the_figure_has_a_labelled_panel_for_each_amplitude(dataset):
    fig = demo.figure(dataset)
    assert len(fig.axes) == 3
    assert [axes.get_xlabel() for axes in fig.axes] == ["time [s]"] * 3
    assert fig.axes[0].get_ylabel() == "angle [degree]"
    assert [text.get_text() for text in fig.axes[0].get_legend().get_texts()] == [
        "exact",
        "small-angle approximation",
    ]
    for axes, amplitude in zip(fig.axes, demo.amplitudes, strict=True):
        assert f"{amplitude:g}" in axes.get_title()
        exact, approximation = axes.get_lines()[-2:]
        one = dataset.sel(theta_0=amplitude)
        np.testing.assert_array_equal(exact.get_xdata(), one.t)
        np.testing.assert_array_equal(approximation.get_xdata(), one.t_)
        np.testing.assert_array_equal(exact.get_ydata(), one.theta)


def test_the_figure_is_in_no_list_of_open_figures(dataset):
    from matplotlib import pyplot as plt

    demo.figure(dataset)
    assert plt.get_fignums() == []


def test_the_demo_leaves_files_and_says_where(tmp_path, capsys):
    directory = tmp_path / "new" / "demo"
    demo.run(directory)
    said = capsys.readouterr().out
    assert said.startswith("Computed 60 of 60 points: one readable file each in ")
    assert "<xarray.Dataset>" in said
    assert len(list((directory / "pendulum").glob("measurement.0*.json"))) == 60
    for name in ("pendulum.nc", "pendulum.csv", "pendulum.png"):
        assert (directory / name).is_file()
        assert f"  {directory / name}\n" in said
    assert (directory / "pendulum.png").read_bytes().startswith(b"\x89PNG")
    with xr.open_dataset(directory / "pendulum.nc") as ds:
        assert ds.t.dims == ("theta_0", "theta_index")
        assert dict(ds.sizes) == {"theta_0": 3, "theta_index": 20}
        assert ds.theta.attrs["units"] == "degree"
        assert float(ds.t.max()) == demo.pendulum(-60.0, 60.0)["t"]
        assert float(ds.L) == 1.0
    frame = pd.read_csv(directory / "pendulum.csv", index_col="measurement_id")
    assert frame.index.tolist() == list(range(1, 61))
    assert frame.t.max() == demo.pendulum(-60.0, 60.0)["t"]


def test_a_second_demo_computes_nothing_and_says_so(tmp_path, capsys):
    demo.run(tmp_path)
    before = {
        path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*") if not path.name.startswith(".")
    }
    capsys.readouterr()
    demo.run(tmp_path)
    said = capsys.readouterr().out
    assert said.startswith("Nothing computed: all 60 points exist already, one readable file each in ")
    assert said.count("(exists already, left as it is)") == 3
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_the_demo_goes_on_where_it_was_stopped(tmp_path, capsys):
    demo.run(tmp_path)
    (tmp_path / "pendulum" / "measurement.000007.json").unlink()
    capsys.readouterr()
    demo.run(tmp_path)
    assert capsys.readouterr().out.startswith("Computed 1 of 60 points, 59 exist already: one readable")


def test_what_to_type_next_works(tmp_path, capsys, monkeypatch):
    "The lines for Python that the demo prints are run as they are printed."
    monkeypatch.chdir(tmp_path)
    demo.run(tmp_path / "demo")
    lines = capsys.readouterr().out.split("Next, in Python:\n")[1].split("\n\n")[0]
    names = {}
    exec("\n".join(line.strip() for line in lines.splitlines()), names)
    assert names["ds"].t.shape == (3, 20)

    from matplotlib import pyplot as plt

    assert plt.gca().get_ylabel() == "time [s]"
    plt.close("all")

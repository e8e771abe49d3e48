"""The pendulum: a whole experiment in one terminal command.

How long does a pendulum that is let go at the angle theta_0 take to the angle theta? Exactly, and by the
approximation for small angles, in which the period does not depend on theta_0.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from coma_xr import files

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from coma_xr.define.scans import Scan
    from coma_xr.experiment import Experiment
    from coma_xr.run.report import RunReport

NAME = "pendulum"

G = 9.80665  # m/s², standard gravity
amplitudes = (-5.0, -30.0, -60.0)
ANGLES = 20

# With 32 points the error of Gauss's rule on this smooth integrand is that of rounding, up to 120 degrees.
_POINTS = 32

_EXACT, _APPROXIMATION = "#0b5394", "#d1660a"


def pendulum(theta_0: float, theta: float, L: float = 1.0) -> dict[str, float]:
    """Return the times at which a pendulum passes an angle.

    Examples
    --------
    >>> pendulum(-60.0, -20.0)
    {'t': 0.4244615843578..., 't_': 0.3930822175386...}
    """
    import numpy as np

    # The integrand of the time over theta is infinite at theta_0. Over phi it is smooth, where
    # sin(theta / 2) = sin(theta_0 / 2) cos(phi).
    start = math.sin(math.radians(theta_0) / 2)
    phi = math.acos(math.sin(math.radians(theta) / 2) / start)
    points, weights = np.polynomial.legendre.leggauss(_POINTS)
    smooth = (1 - (start * np.cos(phi * (points + 1) / 2)) ** 2) ** -0.5
    unit = math.sqrt(L / G)
    return {"t": float(unit * phi / 2 * (weights @ smooth)), "t_": unit * math.acos(theta / theta_0)}


def scan() -> Scan:
    """Return the parameter sets: for each amplitude, angles from one turning point to the other."""
    import numpy as np

    from coma_xr.define.scans import grid

    return grid(theta_0=list(amplitudes)).expand(theta=lambda p: np.linspace(p.theta_0, -p.theta_0, ANGLES))


def run(directory: Path) -> None:
    """Run the pendulum in a directory, save figure, netCDF and CSV there, and say what is where."""
    from coma_xr.experiment import Experiment

    directory = Path(directory)
    files.make_directory(str(directory))
    experiment = Experiment(directory / NAME, description="How long a pendulum takes to an angle")
    report = experiment.run(pendulum, scan())
    annotate(experiment)
    ds = experiment.to_dataset()
    print(_what_was_done(report, directory / NAME))
    print(ds)
    print("\nIn files:")
    for path, state in _saved(experiment, ds, directory):
        print(f"  {path}{state}")
    print(_what_next(directory))


def annotate(experiment: Experiment) -> None:
    """Give units and long names to the pendulum's parameters and results, for the labels of plots."""
    experiment.annotate("parameters/theta_0", units="degree", long_name="amplitude")
    experiment.annotate("parameters/theta", units="degree", long_name="angle")
    experiment.annotate("parameters/L", units="m", long_name="length")
    experiment.annotate("results/t", units="s", long_name="time")
    experiment.annotate("results/t_", units="s", long_name="time, small angles")


def _what_was_done(report: RunReport, path: Path) -> str:
    saved, asked = report
    files_are = f"one readable file each in {path}"
    if saved == 0:
        return f"Nothing computed: all {asked} points exist already, {files_are}.\n"
    already = f", {asked - saved} exist already" if saved < asked else ""
    return f"Computed {saved} of {asked} points{already}: {files_are}.\n"


def _saved(experiment: Experiment, ds: xr.Dataset, directory: Path) -> list[tuple[Path, str]]:
    """Save what does not exist yet; return every path with a comment."""
    done = [(directory / NAME, f"  ({experiment.number_of_measurements()} measurements)")]
    for suffix in (".nc", ".csv", ".png"):
        path = directory / f"{NAME}{suffix}"
        if files.exists(str(path)):
            done.append((path, "  (exists already, left as it is)"))
            continue
        if suffix == ".png":
            with files.placing(str(path)) as temporary:
                figure(ds).savefig(temporary, dpi=150)
        else:
            experiment.export(path)
        done.append((path, ""))
    return done


def _what_next(directory: Path) -> str:
    return f"""
Next, in Python:
  import coma_xr as coma
  e = coma.Experiment({str(directory / NAME)!r})
  ds = e.to_dataset()
  ds.t.sel(theta_0=-60).plot(x="theta")    # any plot of xarray, labelled
  e.to_dataframe()                         # a row for each measurement
  e.measurement(1)                         # one of the files

Run `coma-xr demo` again: only missing measurements are computed.
"""


def figure(ds: xr.Dataset) -> Figure:
    """Return the angle over the time, one panel for each amplitude."""
    from matplotlib.figure import Figure

    fig = Figure(figsize=(11.0, 4.0), layout="constrained")
    panels = fig.subplots(1, ds.sizes["theta_0"], sharex=True, squeeze=False)[0]
    for axes, amplitude in zip(panels, sorted(ds.theta_0.values, key=abs), strict=True):
        one = ds.sel(theta_0=amplitude)
        axes.axhline(0.0, color="0.85", lw=0.8, zorder=0)
        axes.plot(one.t, one.theta, "o-", color=_EXACT, lw=1.4, ms=4.5, label="exact")
        axes.plot(one.t_, one.theta, "--", color=_APPROXIMATION, lw=1.8, label="small-angle approximation")
        axes.set_title(rf"$\theta_0 = {amplitude:g}$°", fontsize=12)
        axes.set_xlabel(_label(ds.t))
        axes.set_ylim(1.12 * amplitude, -1.12 * amplitude)
        axes.spines[["top", "right"]].set_visible(False)
        caption = f"half a period: {float(one.t.max()):.4f} s\napproximation: {float(one.t_.max()):.4f} s"
        place = {"transform": axes.transAxes, "ha": "right", "va": "bottom"}
        axes.text(0.98, 0.04, caption, color="0.35", fontsize=9, **place)
    panels[0].set_ylabel(_label(ds.theta))
    panels[0].legend(loc="upper left", frameon=False, fontsize=9, borderaxespad=0.0)
    return fig


def _label(variable: xr.DataArray) -> str:
    name, units = variable.attrs.get("long_name", variable.name), variable.attrs.get("units")
    return f"{name} [{units}]" if units else str(name)

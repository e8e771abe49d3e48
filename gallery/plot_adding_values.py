"""
Resonances: refine a scan where it matters
==========================================

Two resonances have different widths. A coarse scan finds them, and further runs add points to the
longest pieces of the curve. ``run`` computes only the new points. The colour of each point shows
when it was computed.
"""

# %%
# The first run uses a coarse grid of frequencies.

import tempfile

import numpy as np

import coma_xr as coma


def response(frequency):
    return abs(1 / (1 - frequency**2 + 0.05j) + 0.02 / (1.5 - frequency**2 + 0.004j))


directory = tempfile.TemporaryDirectory()
e = coma.Experiment(f"{directory.name}/resonances")
frequencies = np.linspace(0.6, 1.6, 21)
e.run(response, {"frequency": frequencies}, progress=False)

# %%
# Ten times, add eight points in the longest pieces of the curve. ``run`` gets the whole scan, skips
# the points that have a measurement, and reports how many it computed.

for _ in range(10):
    y = np.log(e.to_dataset().response.values)
    lengths = np.hypot(np.diff(frequencies) / np.ptp(frequencies), np.diff(y) / np.ptp(y))
    longest = np.argsort(lengths)[-8:]
    middles = (frequencies[longest] + frequencies[longest + 1]) / 2
    frequencies = np.sort([*frequencies, *middles])
    report = e.run(response, {"frequency": frequencies}, progress=False)
report

# %%
# The Dataset has the number of each measurement, so the colour can show the order of computation.

e.annotate("frequency", units=r"$\omega_0$")
e.annotate("results/response", long_name="response")
ds = e.to_dataset()
directory.cleanup()
ds.measurement_id.attrs["long_name"] = "number of the measurement"
figure = coma.plot(ds, x="frequency", y="response", hue="measurement_id", yscale="log")
figure.axes[0].plot(ds.frequency, ds.response, color="0.8", lw=1, zorder=0)
figure

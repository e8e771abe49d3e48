"""
Looking closer where it matters
===============================

Two resonances, one of them narrow. Nobody knows in advance where the points have to be, and nobody
needs to: run a few, look, and run the same with more. What is there already is not computed again.
"""

# %%
# The first run is a coarse one.

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
# Then, ten times, eight more points are put into the longest pieces of the curve. The whole scan
# is asked for each time; ``run`` says how many of its points were computed.

for _ in range(10):
    y = np.log(e.to_dataset().response.values)
    lengths = np.hypot(np.diff(frequencies) / np.ptp(frequencies), np.diff(y) / np.ptp(y))
    longest = np.argsort(lengths)[-8:]
    middles = (frequencies[longest] + frequencies[longest + 1]) / 2
    frequencies = np.sort([*frequencies, *middles])
    report = e.run(response, {"frequency": frequencies}, progress=False)
report

# %%
# Each point knows its measurement, and its number when it was made: the curve in the order of its
# discovery.

e.annotate("frequency", units=r"$\omega_0$")
e.annotate("results/response", long_name="response")
ds = e.to_dataset()
directory.cleanup()
ds.measurement_id.attrs["long_name"] = "number of the measurement"
figure = coma.plot(ds, x="frequency", y="response", hue="measurement_id", yscale="log")
figure.axes[0].plot(ds.frequency, ds.response, color="0.8", lw=1, zorder=0)
figure

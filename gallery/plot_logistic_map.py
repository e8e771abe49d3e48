"""
Logistic map: bifurcation diagram of 120,000 points
===================================================

A population grows by the factor *r* and is limited by its own size, :math:`x \to r x (1 - x)`.
Depending on *r*, it settles on one value, alternates between two or four values, or never settles.
The colour is the Lyapunov exponent. If it is negative, small differences between orbits shrink. If
it is positive, they grow.
"""

# %%
# The function returns two results, the list ``x`` with the orbit after the first 500 steps and the
# number ``lyapunov``.

import math
import tempfile

import numpy as np

import coma_xr as coma


def logistic(r, x0=0.4, settle=500, keep=120):
    x, stretched, orbit = x0, 0.0, []
    for step in range(settle + keep):
        x = r * x * (1 - x)
        stretched += math.log(abs(r * (1 - 2 * x)) or 1e-300)
        if step >= settle:
            orbit.append(x)
    return {"x": orbit, "lyapunov": stretched / (settle + keep)}


directory = tempfile.TemporaryDirectory()
e = coma.Experiment(f"{directory.name}/logistic")
e.run(logistic, {"r": np.linspace(2.8, 4, 1000)}, progress=False)

# %%
# In the Dataset, the lists have a second dim. The default values of arguments, such as ``x0=0.4``,
# are recorded too.

e.annotate("r", long_name="growth factor $r$")
e.annotate("results/x", long_name="population $x$")
e.annotate("results/lyapunov", long_name="Lyapunov exponent")
ds = e.to_dataset()
directory.cleanup()
ds

# %%
# One call draws 120,000 points. ``set_sizes`` of matplotlib makes them small.

orbits = ds.assign(lyapunov=ds.lyapunov.clip(-0.7, 0.7))
figure = coma.plot(orbits, x="r", y="x", hue="lyapunov", kind="scatter", height=4.2)
figure.axes[0].collections[0].set_sizes([0.3])
figure

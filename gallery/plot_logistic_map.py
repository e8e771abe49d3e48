"""
Logistic map: bifurcation diagram of 120,000 points
===================================================

A population grows by the factor *r* and is limited by its own size, :math:`x \to r x (1 - x)`.
Depending on *r*, it settles on one value, on two, on four, or on none. The colour is the Lyapunov
exponent. Where it is negative, orbits forget their start. Where it is positive, small differences
grow.
"""

# %%
# The function returns a list, the orbit after the first 500 steps, and a number. Both are results of
# one parameter set.

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
# In the Dataset, the list is a second dim. The defaults of the function, such as ``x0=0.4``, are
# recorded too.

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

"""
Planet orbit: compare two experiments
=====================================

Euler's method and the leapfrog method integrate the orbit of the same planet with the same time
step. With Euler's method, the distance to the sun grows. With the leapfrog method, the orbit stays
bounded. Each method has its own experiment, and both experiments are opened together for the
comparison.
"""

# %%
# Both methods take 60 steps per unit of time and compute the force once in each step. The result is
# a Dataset over time.

import functools
import tempfile

import numpy as np
import xarray as xr

import coma_xr as coma


def force(r):
    return -r / (r @ r) ** 1.5


def euler(r, v, step):
    return r + step * v, v + step * force(r)


def leapfrog(r, v, step):
    r = r + step / 2 * v
    v = v + step * force(r)
    return r + step / 2 * v, v


def orbit(method, eccentricity, until=40.0, step=1 / 60):
    r = np.array([1 - eccentricity, 0])
    v = np.array([0, np.sqrt((1 + eccentricity) / (1 - eccentricity))])
    path = []
    for _ in range(round(until / step)):
        path.append(r)
        r, v = method(r, v, step)
    time = xr.DataArray(step * np.arange(len(path)), dims="time", attrs={"units": "years / $2\\pi$"})
    x, y = np.transpose(path)
    axis = {"units": "$a$"}  # the semi-major axis
    return xr.Dataset({"x": ("time", x, axis), "y": ("time", y, axis)}, {"time": time})


directory = tempfile.TemporaryDirectory()
for method in (euler, leapfrog):
    about = f"a planet by {method.__name__}"
    e = coma.Experiment(f"{directory.name}/{method.__name__}", description=about, tags=["orbit"])
    e.run(functools.partial(orbit, method), {"eccentricity": [0.0, 0.3, 0.6]}, progress=False)

# %%
# ``coma.open_experiments`` lists the experiments in a table.

both = coma.open_experiments(f"{directory.name}/*")
both.table[["description", "tags", "measurements"]]

# %%
# The combined Dataset has the additional dim ``experiment``.

ds = both.to_dataset()
directory.cleanup()
ds

# %%
# The cross is the sun, and the colour is time. With Euler's method, the planet drifts away. With
# leapfrog, its ellipse rotates slowly.

orbits = ds.sel(eccentricity=0.3)
figure = coma.plot(orbits, x="x", y="y", hue="time", col="experiment", kind="scatter", aspect=1.1)
for axes in figure.axes[:2]:
    axes.plot(0, 0, "k+", ms=8)
    axes.set_aspect("equal")
figure

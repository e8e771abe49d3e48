"""
Müller-Brown potential: contours of a random sample
===================================================

The Müller-Brown potential is a test case for methods that search for the paths of chemical
reactions. The 512 points of a Sobol sequence cover the plane evenly and show its three minima and
two saddle points.
"""

# %%
# ``coma.sample`` makes a scan from intervals ``(low, high)``.

import tempfile

import numpy as np

import coma_xr as coma

A, A0 = np.array([-200, -100, -170, 15]), np.array([[1, 0], [0, 0.5], [-0.5, 1.5], [-1, 1]])
B = np.array([[-1, 0, -10], [-1, 0, -10], [-6.5, 11, -6.5], [0.7, 0.6, 0.7]])


def energy(x, y):
    dx, dy = x - A0[:, 0], y - A0[:, 1]
    return float(A @ np.exp(B[:, 0] * dx**2 + B[:, 1] * dx * dy + B[:, 2] * dy**2))


directory = tempfile.TemporaryDirectory()
e = coma.Experiment(f"{directory.name}/landscape")
scan = coma.sample(512, x=(-1.5, 1.1), y=(-0.3, 1.9), method="sobol", seed=1)
e.run(energy, scan, progress=False)

# %%
# A sample does not form a grid. The Dataset has one dim, ``measurement``, and *x* and *y* are
# coords along it.

ds = e.to_dataset()
directory.cleanup()
ds

# %%
# ``clip`` cuts off the high values, so that the colours show the minima. The contours follow the
# triangles between the points.

low = ds.clip(max=120)
figure = coma.plot(
    low, x="x", y="y", z="energy", kind="contour", height=4.2, labels={"energy": "energy, cut off at 120"}
)
figure.axes[0].plot(ds.x, ds.y, "k.", ms=1.5)
figure

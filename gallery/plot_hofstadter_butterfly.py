"""
Hofstadter butterfly: lists of different length
===============================================

Electrons move on a square lattice in a magnetic field. With a flux of *p/q* quanta through each
plaquette, the band of the lattice splits into *q* bands. Plotted against the flux, the bands form a
fractal. The colour is the fraction of states below each energy.
"""

# %%
# Each parameter set is a reduced fraction. Its result is a list whose length is *q* times the
# number of wave vectors. Two worker processes compute the results.

import math
import tempfile

import numpy as np

import coma_xr as coma


def bands(p, q):
    sites = np.arange(q)
    energies = []
    for k in (0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4, np.pi):
        h = np.diag(2 * np.cos(2 * np.pi * p / q * sites + k / q)).astype(complex)
        for site in sites:
            h[site, (site + 1) % q] += np.exp(1j * k / q)
            h[(site + 1) % q, site] += np.exp(-1j * k / q)
        energies.extend(np.linalg.eigvalsh(h))
    return {"energies": np.sort(energies).tolist()}


directory = tempfile.TemporaryDirectory()
e = coma.Experiment(f"{directory.name}/butterfly")
fractions = coma.grid(q=range(3, 42), p=range(1, 41)).where(coma.P.p < coma.P.q)
fractions = fractions.where(lambda s: math.gcd(s.p, s.q) == 1)
e.run(bands, fractions, max_workers=2, progress=False)

# %%
# The fractions do not form a grid. With ``layout="points"``, each is one measurement, and *p* and
# *q* are coords.

ds = e.to_dataset(layout="points")
directory.cleanup()
ds

# %%
# xarray computes the fraction of states below each energy.

butterfly = ds.assign(
    flux=(ds.p / ds.q).assign_attrs(long_name="flux per plaquette $p/q$"),
    filling=(ds.energies_index / ds.energies_length).assign_attrs(long_name="filling"),
).assign(energies=ds.energies.assign_attrs(long_name="energy $E/t$"))
figure = coma.plot(butterfly, x="energies", y="flux", hue="filling", kind="scatter", height=4.5)
figure.axes[0].collections[0].set_sizes([1.0])
figure

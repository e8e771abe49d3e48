"""
Ising model: error bands from repeats
=====================================

The Metropolis algorithm simulates the Ising model on a square lattice. Below the critical
temperature the spins align. The larger the lattice, the sharper the transition. Each point is the
mean of eight independent repeats, and the bands are standard errors.
"""

# %%
# A function with an argument ``rng`` gets its own random generator for each parameter set and repeat.
# The random numbers do not depend on the number of workers or on points that are added later.

import tempfile

import numpy as np

import coma_xr as coma


def ising(T, L, rng, settle=100, sweeps=200):
    spins = np.ones((L, L))
    chessboard = np.indices((L, L)).sum(axis=0) % 2 == 0
    m = []
    for sweep in range(settle + sweeps):
        for color in (chessboard, ~chessboard):
            neighbours = sum(np.roll(spins, step, axis) for step in (1, -1) for axis in (0, 1))
            flip = rng.random((L, L)) < np.exp(-2 * spins * neighbours / T)
            spins[color & flip] *= -1
        if sweep >= settle:
            m.append(spins.mean())
    m = np.array(m)
    return {"m": np.abs(m).mean(), "chi": L**2 * (np.mean(m**2) - np.abs(m).mean() ** 2) / T}


directory = tempfile.TemporaryDirectory()
e = coma.Experiment(f"{directory.name}/ising")
scan = coma.grid(L=[8, 16, 32], T=np.linspace(1.6, 3.1, 13))
e.run(ising, scan, repeats=8, seed=1, max_workers=2, progress=False)

# %%
# ``repeat`` is a dim. ``error="repeat"`` draws the mean and its standard error over it.

e.annotate("L", long_name="size $L$")
e.annotate("T", long_name="temperature $T$", units="$J/k_B$")
e.annotate("results/m", long_name=r"magnetization $\langle |m| \rangle$")
e.annotate("results/chi", long_name=r"susceptibility $\chi$", units="$1/J$")
ds = e.to_dataset()
directory.cleanup()
ds.sizes

# %%
# The dotted line is the exact result of Onsager and Yang for the infinite lattice.

figure = coma.plot(ds, x="T", y=["m", "chi"], hue="L", col="variable", error="repeat", height=3.4)
T = np.linspace(1.6, 2 / np.log1p(np.sqrt(2)), 400)
exact = (1 - np.minimum(np.sinh(2 / T) ** -4, 1)) ** (1 / 8)
figure.axes[0].plot(T, exact, "k:", zorder=1)
for axes in figure.axes:
    axes.axvline(T[-1], color="0.8", lw=0.8, zorder=0)
figure

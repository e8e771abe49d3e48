"""
The pendulum that does not keep time
====================================

For small angles a pendulum's period does not depend on how far it swings. For large ones it does. Each curve is half a swing, from one
turning point to the other; the amplitude is the scan's first axis, and the angles depend on it.
"""

# %%
# The experiment is a directory; this one need not last. ``pendulum(theta_0, theta)`` returns the exact time ``t`` and the
# approximation ``t_`` for one pair of angles: it knows nothing of scans, files or plots.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import coma_xr as coma
from coma_xr.demo import pendulum

directory = tempfile.TemporaryDirectory()
e = coma.Experiment(Path(directory.name) / "pendulum")

phases = np.linspace(0, np.pi, 41)
scan = coma.grid(theta_0=np.arange(-10.0, -171.0, -20.0))
scan = scan.expand(theta=lambda p: p.theta_0 * np.cos(phases))
report = e.run(pendulum, scan, progress=False)
print(report)

# %%
# All of it is one Dataset: time over amplitude and a dim that counts the angles.

e.annotate("results/t", units="s", long_name="time")
ds = e.to_dataset()
print(ds)

# %%
# In units of the small-angle approximation every swing would end at 1, on one and the same curve. The larger the amplitude, the later
# it ends; at 170° it takes nearly two and a half times as long.

half = float(ds.t_.max())
fig, ax = plt.subplots(figsize=(8, 4.8), layout="constrained")
colors = plt.get_cmap("viridis")(np.linspace(0, 0.92, ds.sizes["theta_0"]))
ax.plot(ds.t_[0] / half, ds.theta[0] / -ds.theta_0[0], "k--", lw=1.5, zorder=3, label="approximation")
for color, amplitude in zip(colors, ds.theta_0.values[::-1], strict=True):
    swing = ds.sel(theta_0=amplitude)
    ax.plot(swing.t / half, swing.theta / -amplitude, color=color, lw=2, label=f"{-amplitude:g}°")
ax.set_xlabel("time / half a period for small angles")
ax.set_ylabel("angle / amplitude")
ax.set_xlim(0, 2.5)
ax.legend(title="amplitude", frameon=False, loc="lower right")
ax.spines[["top", "right"]].set_visible(False)

directory.cleanup()
plt.show()

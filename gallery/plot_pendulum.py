"""
Pendulum: a parameter that depends on another
=============================================

For small angles, the period of a pendulum does not depend on the amplitude. For large angles it
does. Each curve is half a swing, from one turning point to the other. The amplitude is the first
axis of the scan, and the angles depend on it.
"""

# %%
# The experiment is a directory, here a temporary one. ``pendulum(theta_0, theta)`` returns the exact
# time ``t`` and the approximation ``t_`` for one pair of angles.

import tempfile

import numpy as np

import coma_xr as coma
from coma_xr.demo import pendulum

directory = tempfile.TemporaryDirectory()
e = coma.Experiment(f"{directory.name}/pendulum")

phases = np.linspace(0, np.pi, 41)
scan = coma.grid(theta_0=np.arange(-10.0, -171.0, -20.0))
scan = scan.expand(theta=lambda p: p.theta_0 * np.cos(phases))
e.run(pendulum, scan, progress=False)

# %%
# In the Dataset, both times have two dims, the amplitude and the number of the angle. The angles
# are a coord.

ds = e.to_dataset()
directory.cleanup()
ds

# %%
# The unit of time is the duration of a swing in the approximation for small angles, which is the
# dashed line. The larger the amplitude, the longer a swing takes. At 170° it takes nearly two and a
# half times as long.

swings = ds.assign(
    amplitude=-ds.theta_0,
    time=(ds.t / ds.t_.max()).assign_attrs(long_name="time / half a period for small angles"),
    angle=(ds.theta / -ds.theta_0).assign_attrs(long_name="angle / amplitude"),
)
labels = {"amplitude": "amplitude [°]"}
figure = coma.plot(swings, x="time", y="angle", hue="amplitude", labels=labels)
axes = figure.axes[0]
axes.plot(ds.t_[0] / ds.t_.max(), ds.theta[0] / -ds.theta_0[0], "k--", zorder=3)
arrow = {"arrowstyle": "-", "color": "0.5"}
axes.annotate("small angles", (0.62, 0.36), (0.05, 0.75), arrowprops=arrow)
figure

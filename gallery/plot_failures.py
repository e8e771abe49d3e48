"""
Ion trap: show failed points
============================

An alternating field holds an ion in a quadrupole trap or ejects it, depending on the strength of
the field. The function raises an exception if the ion is lost. coma_xr records these points with
parameters and traceback, and the figure marks them.
"""

# %%
# The equation of motion is Mathieu's equation. The function raises an exception when the ion hits
# an electrode. ``on_error="continue"`` is needed because the first points of this scan all fail at
# the same line. By default, ``run`` treats this as a mistake in the function and stops.

import contextlib
import tempfile
import warnings

import numpy as np

import coma_xr as coma


class IonLost(Exception):
    pass


def trap(q, a, periods=40, steps=40):
    """Return the largest displacement of the ion along x or y, where the fields are opposite."""
    r, v, dt, farthest = np.ones(2), np.zeros(2), np.pi / steps, 0.0
    for n in range(periods * steps):
        v -= dt * np.array([1, -1]) * (a - 2 * q * np.cos(2 * n * dt)) * r
        r += dt * v
        farthest = max(farthest, *abs(r))
        if farthest > 50:
            raise IonLost(f"after {n / steps:.1f} periods of the field")
    return {"amplitude": farthest}


directory = tempfile.TemporaryDirectory()
e = coma.Experiment(f"{directory.name}/trap")
scan = coma.grid(a=np.linspace(0, 0.25, 26), q=np.linspace(0, 1, 31))
with warnings.catch_warnings(), contextlib.redirect_stderr(None):
    # Failures are expected here, so their messages and the warning are not shown.
    warnings.simplefilter("ignore", coma.ComaWarning)
    e.run(trap, scan, on_error="continue", progress=False)

# %%
# ``e.failures()`` is a table. ``e.failure(29).reproduce(trap)`` raises the exception again, for
# example in a debugger.

e.failures()[["a", "q", "message"]].head(3)

# %%
# In the Dataset these points are NaN, and ``measurement_status`` has the reason.

e.annotate("a", long_name="constant field $a$")
e.annotate("q", long_name="alternating field $q$")
e.annotate("results/amplitude", long_name="largest displacement $x / x_0$")
ds = e.to_dataset()
directory.cleanup()
coma.plot(ds, x="q", y="a", z="amplitude", zscale="log", status="failed", height=4.0, aspect=1.3)

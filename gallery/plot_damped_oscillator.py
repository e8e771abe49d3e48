"""
Damped oscillator: curves as results
====================================

An oscillator returns to rest fastest if its damping is close to the critical damping. Each
measurement is a curve over time. The function returns a DataArray, whose dims, coords and units
become those of the Dataset.
"""

# %%
# Time is in periods of the undamped oscillator, and damping is in units of the critical damping.

import tempfile

import numpy as np
import xarray as xr

import coma_xr as coma


def oscillator(damping, periods=3.0):
    time = np.linspace(0, periods, 301)
    phase = 2 * np.pi * time
    swing = np.emath.sqrt(1 - damping**2) * phase
    x = np.exp(-damping * phase) * (np.cos(swing) + damping * phase * np.sinc(swing / np.pi)).real
    coords = {"time": ("time", time, {"units": "$T_0$"})}
    return {"x": xr.DataArray(x, coords, attrs={"long_name": "displacement $x / x_0$"})}


directory = tempfile.TemporaryDirectory()
e = coma.Experiment(f"{directory.name}/oscillator")
e.run(oscillator, {"damping": [0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 2.0, 4.0]}, progress=False)

# %%
# ``time`` is a dim with its own labels, so you can select the displacement at a given time.

e.annotate("damping", long_name=r"damping $\zeta$")
ds = e.to_dataset()
directory.cleanup()
ds.x.sel(time=2.5, damping=[0.1, 1.0], method="nearest")

# %%
coma.plot(ds, x="time", y="x", hue="damping")

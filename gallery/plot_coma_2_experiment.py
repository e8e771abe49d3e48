"""
Quantum-dot wire: open a file of Coma 2
=======================================

A wire of quantum-dot cells carries a bit. The first cell is fixed in one state, and the other cells
follow unless the temperature or the tunnelling rate is too high. The file has the format of Coma 2
and contains no definition of parameters. coma_xr opens it without a conversion.
"""

# %%
# This block writes one file in the format of Coma 2, as its ``deactivate`` does. The parameters are
# nested, one of them is constant, and the result for each wire is a list.

import functools
import itertools
import json
import tempfile
from pathlib import Path

import numpy as np

import coma_xr as coma

X, Z = np.array([[0, 1], [1, 0]]), np.diag([1, -1])


def wire(N, gamma, T):
    """Return the polarization of each cell of an Ising chain in a transverse field."""

    def on(cell, matrix):
        return functools.reduce(np.kron, [matrix if i == cell else np.eye(2) for i in range(N)])

    z = [on(cell, Z) for cell in range(N)]
    pairs = sum(a @ b for a, b in itertools.pairwise(z))
    h = -0.5 * (z[0] + pairs) - gamma * sum(on(cell, X) for cell in range(N))
    energies, states = np.linalg.eigh(h)
    weights = np.exp((energies[0] - energies) / T)
    return [float(weights @ np.einsum("si,st,ti->i", states, a, states) / weights.sum()) for a in z]


measurements = []
for N in (2, 3, 4, 5, 6):
    for T in (0.05, 0.2, 0.5):
        for gamma in np.linspace(0.05, 1, 20).tolist():
            info = {"measurement_id": len(measurements) + 1, "program": "wire", "version": "1.3"}
            parameters = {"layout": {"N": N, "type": "wire"}, "system": {"T": T, "gamma": gamma}}
            results = {"P": wire(N, gamma, T)}
            measurements.append({"info": info, "parameters": parameters, "results": results})
info = {"experiment_id": 41, "description": "Does the bit arrive?"}
directory = tempfile.TemporaryDirectory()
text = json.dumps({"experiment": {"info": info, "measurements": measurements}}, indent=2)
_ = Path(directory.name, "experiment.000041.json").write_text(text)

# %%
# Open the experiment without changing it. The dims are inferred: *N*, *T* and *gamma* vary and form a
# full grid.

e = coma.Experiment(directory.name, mode="r")
ds = e.to_dataset()
directory.cleanup()
ds

# %%
# The items of a list are labelled from 1, so *N* is the label of the last cell. With the array
# ``ds.N``, xarray selects a different label for each wire.

ds.gamma.attrs.update(long_name=r"tunnelling $\gamma$", units="$V$")
ds.P.attrs.update(long_name="polarization of the last cell")
last = ds.P.sel(P_index=ds.N)
last.sel(T=[0.05, 0.5]).plot.line(x="gamma", hue="N", col="T", size=3.4, aspect=0.95)

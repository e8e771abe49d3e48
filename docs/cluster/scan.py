"""The scan itself: what is run, over which parameter sets. All jobs import it."""

import math
import time

import coma_xr as coma

scan = coma.grid(coupling=[0.5, 1.0, 2.0], length=[8, 16, 32, 64])


def simulate(coupling, length):
    """Return the gap of a chain."""
    time.sleep(0.01)  # hours of work
    return {"gap": 2 * coupling * math.sin(math.pi / length)}

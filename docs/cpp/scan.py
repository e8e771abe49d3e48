"""Run the pendulum in C++ over amplitudes and frictions; `make` first."""

import coma_xr as coma

simulate = coma.program("./simulate {parameters} {output}", input="xml", output="xml", timeout=60)

e = coma.Experiment("pendulum")
e.run(simulate, coma.grid(theta_0=[5, 30, 60], friction=[0, 0.1, -1], steps=20))
e.export("pendulum.nc", overwrite=True)

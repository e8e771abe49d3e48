"""
Mandelbrot set: run a program in another language
=================================================

``coma.program`` runs an executable in any language in place of a function. Here, an ``awk`` script
of ten lines computes rows of the Mandelbrot set.
"""

# %%
# The script gets the imaginary part as an argument and prints one row of the image, one number per
# line.

import tempfile
from pathlib import Path

import numpy as np

import coma_xr as coma

script = """
BEGIN {
    for (i = 0; i < columns; i++) {
        cr = -2.1 + 2.8 * i / (columns - 1)
        x = y = 0
        for (steps = 0; steps < 80 && x * x + y * y < 16; steps++) {
            t = x * x - y * y + cr; y = 2 * x * y + ci; x = t
        }
        print steps == 80 ? "NaN" : steps + 1 - log(log(x * x + y * y) / 2 / log(2)) / log(2)
    }
}
"""
directory = tempfile.TemporaryDirectory()
path = Path(directory.name) / "mandelbrot.awk"
_ = path.write_text(script)

# %%
# ``{ci}`` and ``{columns}`` are the parameters, and the output is the result. Each row is a
# measurement, which is saved when it is finished and never computed twice.

mandelbrot = coma.program(
    ["awk", "-v", "ci={ci}", "-v", "columns={columns}", "-f", path], input=None, output="text"
)
e = coma.Experiment(f"{directory.name}/mandelbrot")
scan = coma.grid(ci=np.linspace(-1.1, 1.1, 181), columns=261)
e.run(mandelbrot, scan, max_workers=2, progress=False)

# %%
# The numbers of a list are laid out along a dim. Its labels are assigned here, because the program
# does not print them.

ds = e.to_dataset({"steps": "results/awk"}, dims=["ci"])
ds = ds.assign_coords(steps_index=np.linspace(-2.1, 0.7, 261)).rename(steps_index="cr")
directory.cleanup()
labels = {"cr": r"$\mathrm{Re}\,c$", "ci": r"$\mathrm{Im}\,c$", "steps": "steps until $|z| > 4$"}
figure = coma.plot(ds, x="cr", y="ci", z="steps", zscale="log", labels=labels, height=4.2)
figure.axes[0].set_aspect("equal")
figure.axes[0].set_facecolor("black")
figure

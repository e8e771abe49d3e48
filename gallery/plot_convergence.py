"""
Integration rules: convergence on logarithmic axes
==================================================

The error of an integration rule depends on the integrand. For a smooth function, the order of a
rule is the slope of its line, and the error of Gauss's rule falls faster than any power. With a
kink, all rules have the same slope. Over a whole period, even the trapezoidal rule converges faster
than any power.
"""

# %%
# Parameter values can be strings. The function looks up rules and integrands by name, so the files
# contain the names.

import tempfile

import numpy as np

import coma_xr as coma

integrands = {
    "smooth": (lambda x: np.exp(2 * x), (np.exp(2) - 1) / 2),
    "with a kink": (lambda x: np.abs(x - 1 / np.pi), ((1 / np.pi) ** 2 + (1 - 1 / np.pi) ** 2) / 2),
    "periodic": (lambda x: 1 / (1.25 - np.cos(2 * np.pi * x)), 4 / 3),
}


def midpoint(f, n):
    return np.mean(f((np.arange(n) + 0.5) / n))


def trapezoid(f, n):
    y = f(np.linspace(0, 1, n))
    return (y[1:].sum() + y[:-1].sum()) / 2 / (n - 1)


def simpson(f, n):
    return (2 * midpoint(f, n // 2) + trapezoid(f, n // 2 + 1)) / 3


def gauss(f, n):
    x, weights = np.polynomial.legendre.leggauss(n)
    return weights @ f((x + 1) / 2) / 2


rules = {rule.__name__: rule for rule in (midpoint, trapezoid, simpson, gauss)}


def integrate(integrand, rule, n):
    f, exact = integrands[integrand]
    error = abs(rules[rule](f, n) / exact - 1)
    return {"error": max(error, np.finfo(float).eps)}  # smaller errors are accidental


directory = tempfile.TemporaryDirectory()
e = coma.Experiment(f"{directory.name}/rules")
scan = coma.grid(integrand=list(integrands), rule=list(rules), n=2 ** np.arange(1, 10))
e.run(integrate, scan, progress=False)

# %%
e.annotate("n", long_name="points $n$")
e.annotate("results/error", long_name="relative error")
ds = e.to_dataset()
directory.cleanup()
ds

# %%
scales = {"xscale": "log", "yscale": "log"}
coma.plot(ds, x="n", y="error", hue="rule", col="integrand", height=4.0, aspect=0.6, **scales)

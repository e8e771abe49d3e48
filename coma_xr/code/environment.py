"""The environment of a run: interpreter, installed packages, machine, and the job of a cluster."""

from __future__ import annotations

import linecache
import os
import platform
import sys
from typing import Any

from coma_xr import files
from coma_xr.errors import ComaError

_JOBS = (
    *("SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURM_JOB_NAME", "SLURM_JOB_PARTITION"),
    *("PBS_JOBID", "PBS_ARRAY_INDEX", "LSB_JOBID", "LSB_JOBINDEX", "JOB_ID", "SGE_TASK_ID", "OAR_JOB_ID"),
)
_CPU_INFO = "/proc/cpuinfo"


def environment() -> dict[str, Any]:
    """Return what a run depends on besides the user's own code.

    >>> sorted(environment())
    ['blas', 'cores', 'cpu', 'host', 'implementation', 'job', 'packages', 'platform', 'python']
    """
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": platform.platform(),
        "host": platform.node(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "blas": _blas(),
        "packages": _packages(),
        "job": [f"{name}={os.environ[name]}" for name in _JOBS if os.environ.get(name)],
    }


def _packages() -> list[str]:
    """Return the installed packages as a requirements file lists them."""
    found: dict[str, str] = {}
    for directory in sys.path:
        try:
            names = files.names(directory or ".")
        except (OSError, ComaError):
            continue
        for name in names:
            package, _, version = name.removesuffix(".dist-info").partition("-")
            if version and name.endswith(".dist-info"):
                # The first one on the path is the one that is imported.
                found.setdefault(package.lower(), f"{package}=={version}")
    return [found[name] for name in sorted(found)]


def _blas() -> str:
    numpy = sys.modules.get("numpy")
    try:
        dependency = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]  # type: ignore[union-attr]
        return f"{dependency['name']} {dependency['version']}"
    except Exception:  # noqa: BLE001  versions of NumPy differ in what they tell
        return ""


def _cpu() -> str:
    # This file has no size, so that it cannot be read like others.
    for line in linecache.getlines(_CPU_INFO):
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            linecache.cache.pop(_CPU_INFO, None)
            return value.strip()
    return platform.processor() or platform.machine()

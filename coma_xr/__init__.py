"""Run a function over sets of parameters, keep each result as one readable file, get labelled arrays back.

An *experiment* is a directory. Each *parameter set* that was run is one *measurement*: one text file with a
tree of parameters and results, in which a *path* such as ``results/t`` names a value.

>>> import coma_xr as coma
>>> def square(x, a=1.0):
...     return {"y": a * x**2}
>>> e = coma.Experiment("squares")
>>> e.run(square, coma.grid(x=[1, 2, 3]), progress=False)
RunReport(saved=3, asked=3, skipped=0, failed=0)
>>> e.to_dataset().y.values
array([1., 4., 9.])

Everything is loaded when it is first used, so that importing this package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from coma_xr.errors import (
    ArgumentError,
    ComaError,
    ComaWarning,
    ConditionError,
    ConfigError,
    DataFileError,
    DataFileWarning,
    ExperimentBusyError,
    ExperimentError,
    InactiveError,
    LayoutError,
    MissingAttributeError,
    ParameterError,
    PathError,
    RunError,
    SerializationError,
    StorageError,
)
from coma_xr.plugins.hook import install
from coma_xr.text import available

if TYPE_CHECKING:
    from coma_xr.collection import Experiments, open_experiments
    from coma_xr.define.condition_terms import Term
    from coma_xr.define.conditions import Condition, P
    from coma_xr.define.parameters import ParameterSet
    from coma_xr.define.sampling import sample
    from coma_xr.define.scans import Scan, cases, grid, zipped
    from coma_xr.experiment import Experiment, ParallelExperiment
    from coma_xr.exports.formats import export, load, read_tree
    from coma_xr.plotting.draw import plot
    from coma_xr.plugins.accessor import ComaAccessor
    from coma_xr.retrieve.dataset import DatasetLayout
    from coma_xr.retrieve.measurement import Branch, Measurement
    from coma_xr.retrieve.tables import Result, ResultList
    from coma_xr.run.by_hand import NewMeasurement
    from coma_xr.run.program import Program, ProgramError, program
    from coma_xr.run.report import Failure, RunReport
    from coma_xr.store.config import create_default_config, load_config
    from coma_xr.store.locks import LiveRun
    from coma_xr.store.upkeep import Finding
    from coma_xr.values.external import External, external
    from coma_xr.values.objects import register

__version__ = "0.1.0"

__all__ = [
    "ArgumentError",
    "Branch",
    "ComaAccessor",
    "ComaError",
    "ComaWarning",
    "Condition",
    "ConditionError",
    "ConfigError",
    "DataFileError",
    "DataFileWarning",
    "DatasetLayout",
    "Experiment",
    "ExperimentBusyError",
    "ExperimentError",
    "Experiments",
    "External",
    "Failure",
    "Finding",
    "InactiveError",
    "LayoutError",
    "LiveRun",
    "Measurement",
    "MissingAttributeError",
    "NewMeasurement",
    "P",
    "ParallelExperiment",
    "ParameterError",
    "ParameterSet",
    "PathError",
    "Program",
    "ProgramError",
    "Result",
    "ResultList",
    "RunError",
    "RunReport",
    "Scan",
    "SerializationError",
    "StorageError",
    "Term",
    "__version__",
    "cases",
    "create_default_config",
    "export",
    "external",
    "grid",
    "load",
    "load_config",
    "open_experiments",
    "plot",
    "program",
    "read_tree",
    "register",
    "sample",
    "zipped",
]

# xarray's Datasets get their `.coma` as soon as there are any.
install()

# Where each name that is loaded on first use lives.
_HOMES = {
    "Branch": "retrieve.measurement",
    "ComaAccessor": "plugins.accessor",
    "Condition": "define.conditions",
    "DatasetLayout": "retrieve.dataset",
    "Experiment": "experiment",
    "Experiments": "collection",
    "External": "values.external",
    "Failure": "run.report",
    "Finding": "store.upkeep",
    "LiveRun": "store.locks",
    "Measurement": "retrieve.measurement",
    "NewMeasurement": "run.by_hand",
    "P": "define.conditions",
    "ParallelExperiment": "experiment",
    "ParameterSet": "define.parameters",
    "Program": "run.program",
    "ProgramError": "run.program",
    "Result": "retrieve.tables",
    "ResultList": "retrieve.tables",
    "RunReport": "run.report",
    "Scan": "define.scans",
    "Term": "define.condition_terms",
    "cases": "define.scans",
    "create_default_config": "store.config",
    "export": "exports.formats",
    "external": "values.external",
    "grid": "define.scans",
    "load": "exports.formats",
    "load_config": "store.config",
    "open_experiments": "collection",
    "plot": "plotting.draw",
    "program": "run.program",
    "read_tree": "exports.formats",
    "register": "values.objects",
    "sample": "define.sampling",
    "zipped": "define.scans",
}


# Hidden from type checkers, which would take it for leave to use any name.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in _HOMES:
            value = getattr(importlib.import_module(f"coma_xr.{_HOMES[name]}"), name)
            globals()[name] = value
            return value
        if not name.startswith("_"):
            from coma_xr.checks import module_error

            if error := module_error(name):
                raise error
        text = f"module 'coma_xr' has no attribute {name!r}."
        # Python asks for names such as __path__ by itself; a list of ours would be no help there. With name= given,
        # Python does not add a second suggestion to ours.
        raise AttributeError(
            text if name.startswith("_") else f"{text} {available(name, __all__)}", name=name
        )


def __dir__() -> list[str]:
    return sorted(__all__)

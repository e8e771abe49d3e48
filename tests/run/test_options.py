"""The options of `run`: written once, shown and described at every door."""

import inspect
from dataclasses import fields

import pytest

import coma_xr as coma
from coma_xr.run.options import RunKeywords, RunOptions

DEFAULTS = {field.name: field.default for field in fields(RunOptions)}


@pytest.mark.parametrize("kind", [coma.Experiment, coma.ParallelExperiment])
def test_the_signature_shows_each_option_with_its_default(kind):
    shown = inspect.signature(kind.run).parameters
    assert list(shown) == ["self", "function", "scan", *DEFAULTS]
    assert {name: shown[name].default for name in DEFAULTS} == DEFAULTS
    assert inspect.signature(kind.run).return_annotation == "RunReport"


def test_types_and_descriptions_are_complete():
    types = {field.name: field.type for field in fields(RunOptions)}
    assert {name: hint.__forward_arg__ for name, hint in RunKeywords.__annotations__.items()} == types
    described = inspect.getdoc(coma.Experiment.run).partition("Returns")[0]
    assert [name for name in DEFAULTS if f"\n{name} : " not in described] == []


def test_options_are_checked_when_they_are_made():
    with pytest.raises(coma.ParameterError, match="limit=-1 is out of range"):
        RunOptions(limit=-1)
    with pytest.raises(AttributeError):
        RunOptions().limit = 1


@pytest.mark.parametrize("inputs", [3, [3], {"table.csv"}])
def test_inputs_are_a_list_of_paths(inputs):
    with pytest.raises(coma.ParameterError) as raised:
        RunOptions(inputs=inputs)
    assert raised.value.expected == "a list of paths"
    assert RunOptions(inputs="table.csv").inputs == RunOptions(inputs=[b"table.csv"]).inputs == ("table.csv",)

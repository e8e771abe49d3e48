"""The options of `run`: written once, shown and described at every door."""

import inspect
from dataclasses import fields
from datetime import timedelta

import numpy as np
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


@pytest.mark.parametrize("name", ["timeout", "max_time"])
@pytest.mark.parametrize("value", ["1h30m", "1.5h", 5400, np.float64(5400), timedelta(hours=1.5)])
def test_durations_have_the_same_forms(name, value):
    assert getattr(RunOptions(**{name: value}), name) == 5400
    assert coma.program("true", timeout=value).timeout == 5400


@pytest.mark.parametrize("value", [0, -1.5, True, "soon", "", timedelta(0), float("nan"), float("inf")])
def test_a_timeout_is_a_duration_that_ends(value):
    with pytest.raises(coma.ParameterError, match="Expected a duration above 0, such as '7h30m'"):
        RunOptions(timeout=value)


@pytest.mark.parametrize("shard", [(1.5, 3), ("0", "8"), (3, 3), (1,), {0, 8}, "0/8", 3, (-1, 2)])
def test_what_is_no_part_of_a_scan_is_named_as_such(shard):
    with pytest.raises(coma.ParameterError, match="is not a part of a scan") as caught:
        RunOptions(shard=shard)
    assert caught.value.expected.startswith("a pair (i, n) with i from 0 to n - 1")


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

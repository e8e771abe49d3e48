"""The hidden files may hold anything: what makes no sense is named once, and the rest is used."""

from __future__ import annotations

import copy
import json

import pytest

import coma_xr as coma
from coma_xr.errors import DataFileWarning
from coma_xr.store.documents import fault_of_failure, fault_of_scan, sound_state
from tests.bad_files import FAILURE, SCAN, STATE, experiment

# The sets of a grid.
PRODUCTS = {
    **{name: entry for name, entry in SCAN.items() if name != "sets"},
    "products": [[[1], [2]], [[0.5]]],
}


def test_what_the_experiment_writes_is_sound():
    assert sound_state(STATE) == (STATE, [])
    assert sound_state({"of a later version": 1}) == ({"of a later version": 1}, [])
    assert fault_of_scan(SCAN) == fault_of_scan(PRODUCTS) == fault_of_failure(FAILURE) == ""


@pytest.mark.parametrize(
    ("entry", "value", "fault"),
    [
        ("definition", "a", "is not a list of names and paths"),
        ("definition", [["a"]], "is not a list of names and paths"),
        (
            "definition",
            [["a", "x/*"]],
            "defines no parameters: The path 'x/*' of a parameter has an asterisk",
        ),
        ("definition", [["a", "p/a"], ["a", "p/b"]], "defines no parameters: Two parameters are called 'a'"),
        ("annotations", [], "is not a dictionary of notes by path"),
        ("annotations", {"results/t": 1}, "is not a dictionary of notes by path"),
        ("annotations", {"t": {"dims": "x"}}, "has 'dims' of 't' that is of type str"),
        ("annotations", {"t": {"dims": [1]}}, "has names for 't' that are not strings"),
        ("annotations", {"t": {"coords": {"x": 1}}}, "has names for 't' that are not strings"),
        ("excluded", ["2"], "is not a dictionary of reasons by id"),
        ("seed", "7", "is not an integer"),
        ("seed", True, "is not an integer"),
    ],
)
def test_an_entry_of_the_state_that_makes_no_sense_is_left_out(entry, value, fault):
    sound, faults = sound_state({**STATE, entry: value})
    assert sound == {name: child for name, child in STATE.items() if name != entry}
    assert len(faults) == 1
    assert faults[0].startswith(f"'{entry}' {fault}")


def test_a_mark_that_makes_no_sense_does_not_cost_the_others():
    marks = {"2": "noisy", "3": None, "two": "noisy", "9" * 5000: "noisy"}
    assert sound_state({"excluded": marks})[0] == {"excluded": {"2": "noisy"}}


@pytest.mark.parametrize(
    ("entry", "value", "fault"),
    [
        ("parameters", None, "'parameters' is not a list"),
        ("sets", None, "'sets' is not a list of sets of 2 values"),
        ("sets", [[1]], "'sets' is not a list of sets of 2 values"),
        ("repeats", 0, "'repeats' is not a number from 1 on"),
        ("repeats", True, "'repeats' is not a number from 1 on"),
        ("repeats", 10**12, "'repeats' asks for 1000000000000 times 4 points"),
        ("axes", {}, "'axes' is not a list of axes"),
        ("axes", [{"dim": "a"}], "'axes' is not a list of axes"),
        ("axes", [{"dim": "a", "names": "a"}], "'axes' is not a list of axes"),
        ("axes", [{"dim": "a", "names": ["`"]}], "'axes' is not a list of axes of these parameters"),
        ("axes", [{"dim": "a", "names": [1]}], "'axes' is not a list of axes"),
        ("axes", [{"dim": "a", "names": [], "depends": [1]}], "'axes' is not a list of axes"),
    ],
)
def test_a_scan_that_makes_no_sense_is_named(entry, value, fault):
    assert fault_of_scan({**SCAN, entry: value}).startswith(fault)


@pytest.mark.parametrize(
    ("entry", "value", "fault"),
    [
        ("products", None, "'products' is not a list of groups"),
        ("products", [], "'products' is not a list of groups of rows with 2 values in all"),
        ("products", [[[1]]], "'products' is not a list of groups"),
        ("products", [[[1]], [[2], [3, 4]]], "'products' is not a list of groups"),
        ("products", [[[1]], [[2]], []], "'products' is not a list of groups"),
        ("products", [[[1]], ["2"]], "'products' is not a list of groups"),
        ("products", [[[1]] * 1001, [[1]] * 1000], "'products' has 1001000 parameter sets"),
        ("repeats", 500_001, "'repeats' asks for 500001 times 2 points"),
    ],
)
def test_a_grid_that_makes_no_sense_is_named(entry, value, fault):
    assert fault_of_scan({**PRODUCTS, entry: value}).startswith(fault)


@pytest.mark.parametrize(
    ("branch", "value", "fault"),
    [
        ("info", {"repeat": "first"}, "expected an integer 'failure/info/repeat'"),
        ("exception", [], "expected a dictionary 'failure/exception' with strings"),
        (
            "exception",
            {"type": "E", "message": 1, "traceback": ""},
            "expected a dictionary 'failure/exception'",
        ),
    ],
)
def test_a_record_of_a_failure_that_makes_no_sense_is_named(branch, value, fault):
    assert fault_of_failure({**FAILURE, branch: value}).startswith(fault)


@pytest.fixture
def path(experiment_path):
    experiment_path.mkdir()
    for name, data in experiment().items():
        (experiment_path / name).write_bytes(data)
    return experiment_path


def change(file, entry, value):
    tree = json.loads(file.read_bytes())
    (root,) = tree.values()
    root[entry] = value
    file.write_text(json.dumps(tree))


def test_the_state_is_used_without_its_bad_entry(path):
    """With one warning, when the experiment is opened; verify() says so too."""
    change(path / "coma.json", "excluded", {"two": "noisy"})

    def use():
        e = coma.Experiment(path, "r")
        assert e.to_dataset().measurement_status.values.max() == 3
        assert e.annotations["results/w"]["units"] == "m"
        return e

    with pytest.warns(DataFileWarning) as caught:
        e = use()
    assert [str(warning.message) for warning in caught] == [
        f"{path}/coma.json has an entry that is not used: 'excluded' marks no measurement by 'two'."
    ]
    [finding] = e.verify()
    assert (finding.file, finding.text) == (
        "coma.json",
        "has an entry that is not used: 'excluded' marks no measurement by 'two'",
    )


def test_a_scan_that_would_take_for_ever_is_not_used(path):
    change(path / "coma.json", "asked", {**SCAN, "repeats": 10**12})
    with pytest.warns(DataFileWarning, match=r"^.*/coma\.json has an entry .* 'repeats' asks for "):
        e = coma.Experiment(path, "r")
    assert e.status()["missing"] == 0
    assert "'asked' 'repeats' asks" in str(e.verify()[0])
    with pytest.warns(DataFileWarning, match="'repeats' asks for"):
        coma.Experiment(path).verify(repair=True)
    assert e.verify() == []


def test_a_bad_record_of_a_failure_does_not_hide_the_others(path):
    record = copy.deepcopy(FAILURE)
    (path / "failure.000004.json").write_text(json.dumps({"failure": {**record, "exception": "lost"}}))
    (path / "failure.000005.json").write_text(json.dumps({"failure": {**record, "parameters": {"a": 9}}}))
    text = r"^The record of failure 4 in .*: expected a dictionary 'failure/exception'"
    with pytest.warns(DataFileWarning, match=text):
        failures = coma.Experiment(path, "r").failures()
    assert failures.index.tolist() == [3, 5]
    assert failures.loc[5, "a"] == 9
    assert failures.loc[5].isna().b


def test_an_archive_takes_no_bad_records_along(path):
    coma.Experiment(path).deactivate()
    file = path / "experiment.none.json"
    tree = json.loads(file.read_bytes())
    extra = tree["experiment"]["info"]["coma_xr"]
    extra["failures"].append({"info": {"measurement_id": 9}})
    extra["state"]["seed"] = None
    file.write_text(json.dumps(tree))
    with pytest.warns(DataFileWarning) as caught:
        failures = coma.Experiment(path, "r").failures()
    assert failures.index.tolist() == [3]
    assert [str(warning.message) for warning in caught] == [
        f"{file}: 'seed' is not an integer. This is not used.",
        f"The record of failure 9 in {path}: {fault_of_failure({})}. It is skipped.",
    ]

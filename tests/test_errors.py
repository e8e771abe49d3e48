"""The tree of errors, the phrases of their messages, and where warnings point to."""

from __future__ import annotations

import pickle

import pytest

import coma_xr as coma
from coma_xr import errors
from coma_xr.errors import (
    ComaError,
    ComaWarning,
    ExperimentError,
    ParameterError,
    PathError,
    RunError,
    StorageError,
    Way,
    warn,
)
from coma_xr.retrieve.dataset import build_dataset
from coma_xr.text import available, listing, near_names
from tests.retrieve.builders import PENDULUM, pendulum

ALL = [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("kind", [kind for kind in ALL if not issubclass(kind, Warning)])
def test_errors_survive_a_trip_to_another_process(kind):
    """A worker sends its errors home; their text, as it is shown, comes along."""
    error = kind("what was expected, what was there")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error) == "what was expected, what was there"
    assert isinstance(error, ComaError)


@pytest.mark.parametrize(
    ("name", "parents"),
    [
        ("PathError", (ExperimentError, KeyError)),
        ("ParameterError", (ExperimentError, ValueError)),
        ("ConditionError", (ParameterError, TypeError)),
        ("SerializationError", (ExperimentError, TypeError)),
        ("StorageError", (ComaError, OSError)),
        ("DataFileError", (ComaError, ValueError)),
    ],
)
def test_errors_are_what_python_would_raise_too(name, parents):
    """Who knows nothing of coma_xr catches the built-in."""
    assert all(issubclass(getattr(errors, name), parent) for parent in parents)


def test_an_error_is_shown_under_the_name_that_one_catches_it_by():
    with pytest.raises(coma.ConditionError) as caught:
        coma.grid(model=["Ising"]).where("model > 3").rows()
    assert (type(caught.value).__module__, type(caught.value)) == ("coma_xr.errors", coma.ConditionError)


def test_the_failures_of_a_run_travel_with_their_error():
    error = pickle.loads(pickle.dumps(RunError("2 failed", [{"a": 1}, {"a": 2}])))
    assert str(error) == "2 failed"
    assert error.failures == ({"a": 1}, {"a": 2})


def test_near_names_come_nearest_first():
    assert near_names("thet", ["L", "theta_0", "theta"]) == ["theta", "theta_0"]
    assert near_names("x", ["alpha", "beta"]) == []


def test_names_that_differ_by_case_alone_are_near():
    assert near_names("t", ["x", "T"]) == ["T"]
    assert near_names("TEMP", ["temps", "temp", "TEMPS"]) == ["temp", "TEMPS"]
    assert near_names("t", ["t"]) == ["t"]
    assert available("t", ["T", "x"]) == "Available: T, x. Did you mean 'T'?"


def test_a_listing_says_how_many_more_there_are():
    assert listing([]) == "none"
    assert listing(range(12)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"
    assert available("q", ["a", "b"]) == "Available: a, b."


def test_a_warning_from_deep_inside_names_the_file_of_the_caller():
    with pytest.warns(ComaWarning) as caught:
        build_dataset(pendulum()[:-1], definition=PENDULUM, layout="grid")
    assert caught[0].filename == __file__


def test_a_warning_from_here_names_this_file():
    with pytest.warns(ComaWarning, match="said") as caught:
        warn("said")
    assert caught[0].filename == __file__


def test_an_error_keeps_its_parts_and_words_them_for_python_and_for_the_terminal():
    error = ParameterError(
        "Unknown parameter 'theta0'.",
        expected="a parameter of pendulum()",
        name="theta0",
        available=["theta_0", "theta"],
        ways=[Way("Call e.paths() for all.", "Run `coma-xr paths`."), Way("Use Python.", "")],
    )
    assert error.near == ("theta_0", "theta")
    assert error.message("terminal").splitlines() == [
        "Unknown parameter 'theta0'.",
        "Expected a parameter of pendulum().",
        "Available: theta_0, theta.",
        "Did you mean 'theta_0' or 'theta'?",
        "Run `coma-xr paths`.",
    ]
    assert str(error).endswith("Call e.paths() for all.\nUse Python.")
    again = pickle.loads(pickle.dumps(error))
    assert (again.near, again.ways, str(again)) == (error.near, error.ways, str(error))


def test_a_short_message_stands_on_one_line_and_a_long_list_is_cut():
    assert str(PathError("No 'b'.", name="b", available=["a"])) == "No 'b'. Available: a."
    text = str(PathError("No 'q'.", name="q", available=["x" * 50 + str(i) for i in range(30)]))
    assert len(text) < 350
    assert text.endswith("and 25 more.")


def test_an_error_of_the_file_system_names_its_file_first_in_the_terminal():
    error = StorageError(2, "cannot read: no such file", "a.json")
    assert str(error) == "[Errno 2] cannot read: no such file: 'a.json'"
    assert error.message("terminal") == "a.json: cannot read: no such file"
    assert pickle.loads(pickle.dumps(error)).errno == 2

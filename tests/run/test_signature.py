import functools
import math
import re

import pytest

from coma_xr.define.parameters import Definition
from coma_xr.errors import ParameterError
from coma_xr.run.signature import check_keywords, check_set, defaults, keywords, name_of


def raises(text):
    return pytest.raises(ParameterError, match=f"^{re.escape(text)}$")


def pendulum(theta_0, theta, L=1.0):
    raise AssertionError("nothing is computed here")


class Callable:
    def __call__(self, a, *, b=2):
        raise AssertionError("nothing is computed here")


def test_keywords_are_the_last_segments_of_the_paths():
    assert keywords(Definition.of([("size", "parameters/layout/N"), "a"])) == ("N", "a")


def test_keywords_that_are_the_same_are_an_error():
    text = (
        "The function would get two arguments 'N', of parameters/x/N and parameters/y/N.\n"
        "Use run(f) with added parameter sets: f then gets the whole set."
    )
    with raises(text):
        keywords(Definition.of([("a", "parameters/x/N"), ("b", "parameters/y/N")]))


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (pendulum, "pendulum"),
        (lambda a: a, "result"),
        (Callable(), "Callable"),
        (functools.partial(pendulum, 1), "pendulum"),
        (functools.wraps(pendulum)(lambda *args: None), "pendulum"),
        (math.sin, "sin"),
    ],
)
def test_every_function_has_a_name(function, name):
    assert name_of(function) == name


@pytest.mark.parametrize(
    ("function", "given"),
    [
        (pendulum, ["theta_0", "theta"]),
        (pendulum, ["L", "theta", "theta_0"]),
        (lambda **kwargs: None, ["anything"]),
        (lambda a, *args, b=1, **kwargs: None, ["a", "c"]),
        (lambda a, *args: None, ["a"]),
        (lambda x=1, /, *, a: None, ["a"]),
        (Callable(), ["a"]),
        (functools.partial(pendulum, theta=1), ["theta_0"]),
        (dict, ["a"]),
        (int.from_bytes, ["bytes", "byteorder"]),
    ],
)
def test_functions_that_can_be_called_by_keyword_pass(function, given):
    check_keywords(function, given)


@pytest.mark.parametrize(
    ("function", "given", "text"),
    [
        (
            pendulum,
            ["theta_0", "tehta"],
            "pendulum() takes no argument 'tehta'.\nAvailable: theta_0, theta, L.\nDid you mean 'theta' or 'theta_0'?",
        ),
        (
            pendulum,
            ["theta"],
            (
                "pendulum() needs an argument 'theta_0', which the scan does not have.\nAvailable: theta.\n"
                "Did you mean 'theta'?"
            ),
        ),
        (
            lambda x, **more: None,
            ["a"],
            "<lambda>() needs an argument 'x', which the scan does not have. Available: a.",
        ),
        (
            math.sin,
            ["x"],
            (
                "sin(x, /) takes 'x' by position only, and is called by keyword.\n"
                "Use a lambda: run(lambda x: sin(x), scan)."
            ),
        ),
        (
            lambda *args: None,
            ["x"],
            (
                "<lambda>(*args) takes 'x' by position only, and is called by keyword.\n"
                "Use a lambda: run(lambda x: f(x), scan)."
            ),
        ),
        (
            lambda y, /, **more: None,
            ["x"],
            (
                "<lambda>(y, /, **more) takes 'y' by position only, and is called by keyword.\n"
                "Use a lambda: run(lambda y: f(y), scan)."
            ),
        ),
        (5, ["x"], "run() got 5, an int. Expected a function."),
    ],
)
def test_functions_that_cannot_be_called_by_keyword_are_an_error(function, given, text):
    with raises(text):
        check_keywords(function, given)


def test_an_async_function_is_an_error():
    async def simulate(a):
        pass

    text = (
        "simulate() is an async function, which returns before it has computed anything.\n"
        "Run a plain function that calls asyncio.run(...)."
    )
    with raises(text):
        check_keywords(simulate, ["a"])


@pytest.mark.parametrize(
    "function", [lambda p: 1, lambda p, L=1: 1, lambda *args: 1, Callable(), print, dict]
)
def test_functions_of_one_argument_take_a_set(function):
    check_set(function)


def test_functions_of_more_arguments_do_not_take_a_set():
    text = (
        "run(f) calls f(parameter_set), and pendulum(theta_0, theta, L=1.0) cannot be called so: missing a required "
        "argument: 'theta'.\nTo get the parameters by keyword, pass the scan as well: run(f, scan)."
    )
    with raises(text):
        check_set(pendulum)
    with raises(text.replace("pendulum", "<lambda>")):
        check_set(lambda theta_0, theta, L=1.0: None)
    with raises("run() got None, a NoneType. Expected a function."):
        check_set(None)


def test_a_functions_own_defaults_are_found():
    assert defaults(pendulum, ["theta_0", "theta"]) == {"L": 1.0}
    assert defaults(pendulum, ["L", "theta_0", "theta"]) == {}
    assert defaults(lambda a, b=(1, 2), *c, d=None, **e: None, ["a"]) == {"b": [1, 2], "d": None}


def test_defaults_that_cannot_be_stored_are_left_out():
    assert defaults(lambda a, solver=lambda x: x, L=1.0: None, ["a"]) == {"L": 1.0}


def test_functions_are_defaults_by_their_names():
    assert defaults(lambda a, solver=math.sin: None, ["a"]) == {"solver": "math:sin"}

"""An entry in a table of the package is in every list of the same things: in pages, help, messages and tests."""

from __future__ import annotations

import importlib
import pathlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

import coma_xr as coma
from coma_xr import cli
from coma_xr.define.condition_values import OPERATIONS
from coma_xr.errors import ComaError
from coma_xr.exports.formats import FORMATS
from coma_xr.plotting.kinds import BROKEN, KINDS
from coma_xr.retrieve.dims import FLAGS
from coma_xr.values.builtin import _ENCODERS, DECODERS
from coma_xr.values.plain import FAMILIES, to_plain
from tests import test_cli, test_testing, test_types_table
from tests.exports import test_values
from tests.plotting import test_plot_matrix
from tests.values import test_typed

ROOT = Path(__file__).parents[1]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]

COMMANDS = [command for commands in cli.GROUPS.values() for command in commands]

# A method of conditions has the name of its operation; these are operators, or have a word of their own.
SPELLED = {"in": "isin", "not": "~", "and": "&", "or": "|", "abs": "abs", "negative": "-", "true": "P."}


def page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text("utf-8")


def message_of(call: Any) -> str:
    with pytest.raises(ComaError) as caught:
        call()
    return str(caught.value)


def types_in(values: Any) -> Iterator[type]:
    """Yield the types of values, and of what is in their containers."""
    for value in values.values() if isinstance(values, dict) else values:
        yield type(value)
        if isinstance(value, (list, tuple, set, frozenset, dict)):
            yield from types_in(value)


# Those of another operating system cannot be made here.
TYPES = [kind for kind in _ENCODERS if kind not in (pathlib.PosixPath, pathlib.WindowsPath)]


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_a_type_of_python_is_read_again_listed_and_tested(kind):
    assert f"coma.{_ENCODERS[kind][0]}" in DECODERS
    rows, _, _ = page("types").partition("## Types in parameters")
    name = "Path" if issubclass(kind, pathlib.PurePath) else kind.__name__
    assert re.search(rf"^\| .*\b{name}\b.* \|", rows, re.MULTILINE)
    assert kind in types_in([value for value, _ in test_typed.FORMS])
    # From these, the tests of round trips draw values.
    assert kind in test_testing.KINDS


@pytest.mark.parametrize("values", [test_types_table.KINDS, test_values.CELLS], ids=["types", "exports"])
def test_tables_of_values_have_a_value_of_every_family(values):
    "A family without packages of its own has values of other packages, or of the user."
    kinds = {kind.__module__.partition(".")[0] for kind in types_in(values)}
    assert {package for family in FAMILIES for package in family.packages} <= kinds | {"builtins"}


def test_every_stored_form_belongs_to_the_family_that_reads_it():
    "The first family whose beginning of names fits is asked."
    for family in FAMILIES:
        for name in family.load().DECODERS:
            assert next(other for other in FAMILIES if name.startswith(other.forms)) is family


def test_values_in_the_table_of_types_can_be_stored():
    for value in test_types_table.KINDS.values():
        to_plain(value)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_format_is_on_every_list(suffix, capsys):
    format = FORMATS[suffix]
    assert re.search(rf"^\| `{suffix}` \|", page("exporting"), re.MULTILINE)
    assert suffix in page("export-formats") + page("file-format")
    assert f"``{suffix}``" in str(coma.export.__doc__)
    assert f"``{suffix}``" in str(coma.Experiment.export.__doc__)
    assert suffix in test_types_table.FORMATS.values()
    assert suffix in message_of(lambda: coma.export(xr.Dataset(), "x.unknown"))
    with pytest.raises(SystemExit):
        cli.main(["export", "--help"])
    assert suffix in capsys.readouterr().out
    if format.package:
        assert any(needed.startswith(format.package) for needed in EXTRAS[format.extra])
        assert f"coma_xr[{format.extra}]" in page("install")


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_plot_is_on_every_list(kind):
    pages = [path.read_text("utf-8") for path in (ROOT / "docs").glob("plot*.md")]
    assert any(re.search(rf"\b{kind}s?\b", text) for text in pages)
    assert test_plot_matrix.ARGUMENTS.keys() == KINDS.keys()
    message = message_of(lambda: coma.plot(xr.Dataset({"y": ("x", [1.0])}), kind="unknown"))
    assert kind in re.findall(r"\w+", message.partition("Available:")[2])


@pytest.mark.parametrize("status", FLAGS)
def test_a_status_of_points_is_on_every_list(status):
    assert f"`{status}`" in page("missing-points")
    # What is done is drawn as it is.
    assert status in {*BROKEN, "done"}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_command_is_on_every_list(command, capsys):
    assert callable(getattr(importlib.import_module(f"coma_xr.terminal.{command.module}"), command.name))
    assert command.name in test_cli.COMMANDS
    assert f"coma-xr {command.name}" in page("terminal")
    cli.main(["completion", "bash"])
    assert re.search(rf"^ +{command.name}\) words=", capsys.readouterr().out, re.MULTILINE)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_of_conditions_is_on_its_page(name):
    assert SPELLED.get(name, name) in page("conditions").replace("\\|", "|")

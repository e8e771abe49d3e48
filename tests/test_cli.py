"""The terminal commands: help, exit codes, and errors in one line."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import coma_xr
from coma_xr import cli, demo

COMMANDS = (
    *(
        "run",
        "status",
        "watch",
        "demo",
        "ls",
        "show",
        "paths",
        "failures",
        "code",
        "plot",
        "report",
        "export",
    ),
    *("annotate", "exclude", "remove", "restore", "verify", "cache", "merge", "deactivate", "activate"),
    *("config", "completion"),
)
MACHINE_READABLE = ("ls", "show", "paths", "status", "failures", "code", "verify", "merge")


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["--help"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert said.startswith("usage: coma-xr")
    there = re.findall(r"^    ([a-z]+)(?:  |$)", said, re.MULTILINE)
    assert tuple(there) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_of_its_own_with_an_example(command, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main([command, "--help"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert said.startswith(f"usage: coma-xr {command}")
    assert f"\nexamples:\n  $ coma-xr {command}" in said
    assert ("--json" in said) == (command in MACHINE_READABLE)


def test_the_examples_of_the_help_are_commands_that_there_are(capsys):
    "Those of all commands can be parsed; what they do is tested for each."
    for command in COMMANDS:
        with pytest.raises(SystemExit):
            cli.main([command, "--help"])
        for example in capsys.readouterr().out.partition("examples:")[2].split("$ ")[1:]:
            words = shlex.split(example)
            assert words[:2] == ["coma-xr", command]
            assert cli._parser().parse_args(words[1:]).command == command


def test_help_of_the_demo_tells_where_it_goes(capsys):
    with pytest.raises(SystemExit):
        cli.main(["demo", "--help"])
    assert "(default: ./coma-xr-demo)" in " ".join(capsys.readouterr().out.split())


def test_version(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"coma_xr {coma_xr.__version__}\n"


def test_an_unknown_option_is_answered_with_the_near_one_of_its_command(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["export", "x", "x.csv", "--wher", "a > 1"])
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("usage: coma-xr export ")
    assert "coma-xr: export has no option '--wher'. Did you mean '--where'?" in said


@pytest.mark.parametrize(
    ("arguments", "end"),
    [
        (["show", "x", "--where", "1"], "show has no option '--where'.\n"),
        (["plot", "x", "--out", "y"], "Did you mean '--output'?\n"),
    ],
)
def test_dashes_make_no_option_similar(arguments, end, capsys):
    with pytest.raises(SystemExit):
        cli.main(arguments)
    assert capsys.readouterr().err.endswith(end)


@pytest.mark.parametrize("arguments", [["dmeo"], ["demo", "a", "b"], ["demo", "--bad"]])
def test_wrong_arguments_end_with_code_2_and_the_usage(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("usage: coma-xr")


def test_a_long_usage_is_not_printed_with_an_error(capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["run"])
    said = capsys.readouterr().err.splitlines()
    assert said[:2] == [
        "usage: coma-xr run [OPTIONS] FUNCTION [NAME=VALUES ...]",
        "`coma-xr run --help` lists the options.",
    ]
    assert said[2].startswith("coma-xr: ")
    assert len(said) == 3


def test_an_unknown_option_before_a_command_is_answered_too(capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["--versio"])
    assert "Did you mean '--version'?" in capsys.readouterr().err


def test_without_a_command_the_help_is_printed(capsys):
    assert cli.main([]) == 0
    assert capsys.readouterr().out.startswith("usage: coma-xr COMMAND ...")


def test_options_are_written_out():
    "An abbreviation of today would be another option tomorrow; the names of axes have one letter in Python too."
    parser = cli._parser()
    plot = parser.parse_args(["plot", "e", "--x", "a", "--y", "y", "--y", "z", "--z", "b"])
    assert (plot.x, plot.y, plot.z, plot.xscale, plot.yscale) == ("a", ["y", "z"], "b", None, None)
    for words in (["plot", "e", "--xs", "log"], ["export", "e", "f.nc", "--over"]):
        with pytest.raises(SystemExit, match="2"):
            parser.parse_args(words)


def test_the_demo_goes_into_the_working_directory(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["demo"]) == 0
    assert (tmp_path / "coma-xr-demo" / "pendulum.nc").is_file()
    assert "coma-xr-demo" in capsys.readouterr().out


def test_an_error_is_one_line_on_standard_error(tmp_path, capsys):
    "Here: the directory for the demo is a file."
    path = tmp_path / "file"
    path.write_text("")
    assert cli.main(["demo", str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("coma-xr: ")
    assert err.count("\n") == 1
    assert str(path) in err


def test_an_interruption_says_that_nothing_is_lost(capsys, monkeypatch):
    def interrupted(directory):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "run", interrupted)
    assert cli.main(["demo"]) == 130
    assert capsys.readouterr().err == "coma-xr: interrupted; what was finished is saved\n"


def test_a_mistake_of_ours_is_not_hidden(monkeypatch):
    "Only errors raised on purpose are told in one line."

    def broken(directory):
        raise ZeroDivisionError

    monkeypatch.setattr(demo, "run", broken)
    with pytest.raises(ZeroDivisionError):
        cli.main(["demo"])


def test_it_is_a_module_that_can_be_run():
    command = [sys.executable, "-m", "coma_xr", "--version"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout == f"coma_xr {coma_xr.__version__}\n"


@pytest.mark.ci
def test_the_demo_in_the_terminal(tmp_path):
    "In a process of its own: what it prints goes to standard output, and it ends with 0, twice."
    command = [sys.executable, "-m", "coma_xr", "demo"]
    first, second = (
        subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path) for _ in range(2)
    )
    assert first.stdout.startswith("Computed 60 of 60 points")
    assert second.stdout.startswith("Nothing computed")
    assert sorted(path.name for path in (tmp_path / "coma-xr-demo").iterdir()) == [
        "pendulum",
        "pendulum.csv",
        "pendulum.csv-metadata.json",
        "pendulum.nc",
        "pendulum.png",
    ]


def test_commands_start_without_anything_heavy():
    script = "import sys, coma_xr.cli; print(*{name.partition('.')[0] for name in sys.modules})"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"numpy", "pandas", "xarray", "matplotlib", "netCDF4"} & set(run.stdout.split())


@pytest.mark.ci
def test_a_reader_that_has_seen_enough_is_no_mistake(tmp_path):
    "As in `coma-xr demo | head -1`: no traceback."
    command = [sys.executable, "-u", "-m", "coma_xr", "demo", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().startswith("Computed 60")
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == cli.NOT_READ


@pytest.mark.parametrize("words", [["ls"], ["show", "coma-xr-demo/pendulum", "t"]])
def test_a_reader_that_reads_nothing_at_all_is_no_mistake(tmp_path, monkeypatch, words):
    "What is printed is still in memory when nobody is there any more."
    monkeypatch.chdir(tmp_path)
    assert cli.main(["demo"]) == 0
    command = [sys.executable, "-m", "coma_xr", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == cli.NOT_READ


def test_a_warning_of_ours_is_told_once(monkeypatch, capsys):
    def warned(directory):
        for _ in range(3):
            warnings.warn("Something was \x1bleft out.", coma_xr.ComaWarning, stacklevel=1)

    monkeypatch.setattr(demo, "run", warned)
    assert cli.main(["demo"]) == 0
    assert capsys.readouterr().err == "coma-xr: warning: Something was \\x1bleft out.\n"


def test_letters_that_the_terminal_has_not_are_written_otherwise(tmp_path):
    coma_xr.Experiment(tmp_path / "e", description="µ and \u4e2d")
    command = [sys.executable, "-m", "coma_xr", "ls", str(tmp_path)]
    run = subprocess.run(
        command, capture_output=True, check=True, env={**os.environ, "PYTHONIOENCODING": "latin-1"}
    )
    assert "µ and \\u4e2d".encode("latin-1") in run.stdout


def test_a_misspelt_command_gets_the_near_one(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["shwo", "."])
    assert left.value.code == 2
    assert "Unknown command 'shwo'." in (said := capsys.readouterr().err)
    assert "Did you mean 'show'?" in said


@pytest.mark.parametrize("command", ["status", "paths", "failures", "verify"])
def test_commands_take_the_working_directory_by_default(command, tmp_path, monkeypatch, capsys):
    coma_xr.Experiment(tmp_path / "e").run(lambda a: a, {"a": [1, 2]}, progress=False)
    monkeypatch.chdir(tmp_path / "e")
    assert cli.main([command]) == 0
    assert capsys.readouterr().out


def test_the_module_of_python_m_runs_nothing_when_it_is_imported(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["coma-xr", "--version"])
    monkeypatch.delitem(sys.modules, "coma_xr.__main__", raising=False)
    importlib.import_module("coma_xr.__main__")
    assert capsys.readouterr() == ("", "")


@pytest.fixture
def scan(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    Path("wrong_usage.py").write_text("def f(a):\n    return {'y': a}\n")
    coma_xr.Experiment("f").run(lambda a: {"y": a}, {"a": [1, 2]}, progress=False)
    yield
    sys.modules.pop("wrong_usage", None)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("run wrong_usage.py:f a=1 -j x", 2),
        ("run wrong_usage.py:f a=1 --on-error foo", 2),
        ("run wrong_usage.py:f a=1 --shard 8/8", 2),
        ("run wrong_usage.py:f a=1 --zip a,b", 2),
        ("run wrong_usage.py:f a=1 --where b>1", 2),
        ("run wrong_usage.py:f a=", 2),
        ("run wrong_usage.py:f", 2),
        ("run wrong_usage.py a=1", 2),
        ("run a=1", 2),
        ("plot f --xscale nope", 2),
        ("plot f -x a --figsize 1,2,3", 2),
        ("export f", 2),
        ("merge f", 2),
        ("code f 1 2 3", 2),
        ("code f 1 2 -o out", 2),
        ("restore f 1 --all", 2),
        ("annotate --units m", 2),
        ("annotate f a --default [1,", 2),
        ("remove f", 2),
        ("show nothing", 1),
        ("show f 99", 1),
        ("export f f.nothing", 1),
        ("run wrong_usage.py:g a=1", 1),
        ("run wrong_usage.py:f a=1 --recompute 99 -o f", 1),
    ],
)
def test_wrong_usage_has_an_exit_status_of_its_own(scan, capsys, words, code):
    with pytest.raises(SystemExit) as left:
        # argparse leaves by itself.
        sys.exit(cli.main(words.split(" ")))
    assert left.value.code == code
    assert "coma-xr: " in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.parametrize("words", ["show f y", "status f", "paths f", "ls", "show f y --json"])
def test_output_that_cannot_be_written_is_reported(scan, capsys, monkeypatch, words):
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert cli.main(words.split(" ")) == 1
        # What it still holds cannot be written either.
        with pytest.raises(OSError):
            full.close()
    assert capsys.readouterr().err == "coma-xr: the output could not be written: No space left on device\n"


@pytest.mark.parametrize("words", ["show f", "run wrong_usage.py:f a=3 -o f"])
@pytest.mark.parametrize("closed", [("stdout",), ("stderr",), ("stdout", "stderr")])
def test_commands_run_without_output(scan, monkeypatch, words, closed):
    for name in closed:
        monkeypatch.setattr(sys, name, None)
    assert cli.main(words.split(" ")) == 0
    for name in closed:
        getattr(sys, name).close()
    assert len(coma_xr.Experiment("f")) == 2 + words.startswith("run")


def test_an_error_without_a_number_is_not_taken_for_one_of_the_output(monkeypatch):
    def fail():
        raise OSError("of something else")

    monkeypatch.setattr("coma_xr.terminal.views.ls", fail)
    with pytest.raises(OSError, match="of something else"):
        cli.main(["ls"])

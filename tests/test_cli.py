"""The terminal commands: help, exit codes, and errors in one line."""

from __future__ import annotations

import subprocess
import sys

import pytest

import coma_xr
from coma_xr import cli, demo


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["--help"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert said.startswith("usage: coma-xr")
    for command in cli._COMMANDS:
        assert f"\n    {command} " in said


@pytest.mark.parametrize("command", cli._COMMANDS)
def test_every_command_has_help_of_its_own(command, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main([command, "--help"])
    assert end.value.code == 0
    assert f"usage: coma-xr {command}" in capsys.readouterr().out


def test_help_of_the_demo_tells_where_it_goes(capsys):
    with pytest.raises(SystemExit):
        cli.main(["demo", "--help"])
    assert "(default: ./coma-xr-demo)" in " ".join(capsys.readouterr().out.split())


def test_version(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"coma_xr {coma_xr.__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["dmeo"], ["demo", "a", "b"], ["demo", "--bad"]])
def test_wrong_arguments_end_with_code_2_and_the_usage(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("usage: coma-xr")


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


def test_a_reader_that_has_seen_enough_is_no_mistake(tmp_path):
    "As in `coma-xr demo | head -1`: no traceback."
    command = [sys.executable, "-u", "-m", "coma_xr", "demo", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().startswith("Computed 60")
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == cli.NOT_READ

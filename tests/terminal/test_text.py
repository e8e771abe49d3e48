"""How things look in a terminal."""

import os

import pytest

import coma_xr as coma
from coma_xr.terminal import printing
from coma_xr.text import clean, clean_lines


def test_a_table_puts_numbers_right_and_text_left(capsys):
    printing.print_table(["id", "name", "x"], [(1, "short", 0.5), (12, "much longer", None), (3, None, 1e-9)])
    assert capsys.readouterr().out.splitlines() == [
        "id  name            x",
        " 1  short        5e-1",
        "12  much longer",
        " 3               1e-9",
    ]


def test_a_table_without_rows_has_its_head(capsys):
    printing.print_table(["id", "name"], [])
    assert capsys.readouterr().out == "id  name\n"


@pytest.fixture
def terminal(monkeypatch):
    """Makes a terminal of some columns of standard output."""

    def make(columns):
        monkeypatch.setattr(os, "get_terminal_size", lambda number: os.terminal_size((columns, 10)))
        monkeypatch.setattr("sys.stdout.fileno", lambda: 1)

    return make


def test_a_long_value_is_cut_in_a_table_and_a_line_only_in_a_terminal(capsys, terminal):
    table = ["a", "b"], [("x" * 200, "y" * 70)]
    printing.print_table(*table)
    cells = capsys.readouterr().out.splitlines()[1].split("  ")
    assert cells == ["x" * 50 + " ... " + "x" * 25, "y" * 70]
    terminal(60)
    printing.print_table(*table)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"{'x' * 16} ... {'x' * 8}  {'y' * 16} ... {'y' * 8}"
    terminal(20)
    printing.print_table(*table)
    assert capsys.readouterr().out.splitlines()[1] == "x" * 9 + "...  " + "y" * 3 + "..."


def test_a_narrow_terminal_gets_fewer_columns_and_whole_ranges(capsys, terminal):
    terminal(42)
    row = ("parameters/a", "parameter", "1.428571e-7 ... 0.0001428571")
    printing.print_table(["path", "role", "range"], [row], optional=["role"])
    assert capsys.readouterr().out.splitlines() == [
        "path          range",
        "parameters/a  1.428571e-7 ... 0.0001428571",
    ]


def test_a_range_that_is_cut_looks_like_no_other_range(capsys, terminal):
    terminal(40)
    row = ("parameters/a", "1.428571e-7 ... 0.0001428571")
    printing.print_table(["path", "range"], [row], whole=["path"])
    assert capsys.readouterr().out.splitlines()[1] == "parameters/a  1.428571e-7 ... 0.00014..."


def test_paths_in_a_narrow_terminal_show_whole_ranges(run, terminal, tmp_path):
    e = coma.Experiment(tmp_path / "small")
    e.run(lambda a: {"amplitude": a / 7e6}, {"a": [1.0, 1000.0]}, progress=False)
    terminal(72)
    [line] = [line for line in run("paths", e.path).out if "amplitude" in line]
    assert "1.428571e-7 ... 0.0001428571" in line


def test_columns_that_can_be_spared_go_when_cutting_is_not_enough(capsys, terminal):
    def header(columns):
        terminal(columns)
        printing.print_table(["path", "note"], [["a" * 20, "b" * 30]], whole=["path"], spare=["note"])
        return capsys.readouterr().out.splitlines()[1]

    assert header(40) == f"{'a' * 20}  {'b' * 15}..."
    assert header(30) == "a" * 20


def test_numbers_of_a_column_have_one_notation_and_no_more_digits_than_tell_them_apart(capsys):
    printing.print_table(["x", "y"], [(0.1 + 0.2, 1.0), (1 / 3, 1.00000001), (None, float("nan"))])
    assert capsys.readouterr().out.splitlines() == [
        "        x           y",
        "      0.3           1",
        "0.3333333  1.00000001",
        "                  nan",
    ]


def test_colours_are_for_terminals_whose_user_wants_them(capsys, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert printing.painted("1", "bad") == "1"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert printing.painted("1", "bad") == "\x1b[31m1\x1b[0m"
    printing.print_table(
        ["failures"], [(2,), (0,)], styles={"failures": lambda number: "bad" if number else None}
    )
    assert capsys.readouterr().out.splitlines() == [
        "\x1b[1mfailures\x1b[0m",
        "       \x1b[31m2\x1b[0m",
        "       0",
    ]
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            assert printing.painted("1", "bad") == "1"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\nb", "a b"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("bell\x07", r"bell\x07"),
        ("\udc80", r"\udc80"),
        ("right\u202eleft", r"right\u202eleft"),
        ("µ", "µ"),
    ],
)
def test_nothing_in_a_text_can_steer_the_terminal(value, shown):
    assert clean(value) == shown


def test_a_text_of_several_lines_keeps_them():
    assert clean_lines("a\n\tb\x1b[2J\r") == "a\n        b\\x1b[2J\\r"


def test_json_is_legal_whatever_the_value(capsys):
    import json

    printing.print_json({"x": float("nan"), "y": [1, None, True], "z": "\udc80"})
    out = capsys.readouterr().out
    assert json.loads(out, parse_constant=pytest.fail)["y"] == [1, None, True]


def test_columns_that_are_left_out_are_named_on_standard_error(capsys, terminal):
    terminal(20)
    printing.print_table(
        ["path", "role", "name"], [("results/energy", "result", "energy")], optional=("role", "name")
    )
    out, err = capsys.readouterr()
    assert out == "path\nresults/energy\n"
    assert err.split() == [
        "coma-xr:",
        "columns",
        "left",
        "out",
        "in",
        "a",
        "terminal",
        "of",
        "20",
        "characters:",
        "role,",
        "name",
    ]
    terminal(80)
    printing.print_table(["path", "role"], [("results/energy", "result")], optional=("role",))
    assert capsys.readouterr().err == ""


def test_numbers_that_differ_are_printed_so_that_they_differ(capsys):
    printing.print_table(["x"], [(0.3,), (0.1 + 0.2,), (0.25,)])
    assert capsys.readouterr().out.split() == ["x", "0.3", "0.30000000000000004", "0.25"]

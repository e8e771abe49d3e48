"""How things look in a terminal."""

import os

import pytest

from coma_xr.terminal import experiments
from coma_xr.text import clean, clean_lines


def test_a_table_puts_numbers_right_and_text_left(capsys):
    experiments.print_table(
        ["id", "name", "x"], [(1, "short", 0.5), (12, "much longer", None), (3, None, 1e-9)]
    )
    assert capsys.readouterr().out.splitlines() == [
        "id  name             x",
        " 1  short          0.5",
        "12  much longer",
        " 3               1e-09",
    ]


def test_a_table_without_rows_has_its_head(capsys):
    experiments.print_table(["id", "name"], [])
    assert capsys.readouterr().out == "id  name\n"


def test_a_long_value_is_cut_in_a_table_and_a_line_only_in_a_terminal(capsys, monkeypatch):
    experiments.print_table(["a", "b"], [("x" * 200, "y" * 70)])
    assert capsys.readouterr().out.splitlines()[1] == "x" * 76 + " ...  " + "y" * 70
    monkeypatch.setattr(os, "get_terminal_size", lambda number: os.terminal_size((20, 10)))
    monkeypatch.setattr("sys.stdout.fileno", lambda: 1)
    experiments.print_table(["a", "b"], [("x" * 200, "y" * 70)])
    assert capsys.readouterr().out.splitlines()[1] == "x" * 17 + "..."


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

    experiments.print_json({"x": float("nan"), "y": [1, None, True], "z": "\udc80"})
    out = capsys.readouterr().out
    assert json.loads(out, parse_constant=pytest.fail)["y"] == [1, None, True]

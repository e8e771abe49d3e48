import pickle
import re

import pytest

from coma_xr.errors import RunError
from coma_xr.run.report import RunReport, failure_text


def failure(a, message="no", line="f.py:1 in f: raise"):
    exception = {"type": "ValueError", "message": message, "traceback": "", "line": line}
    return {"info": {"measurement_id": a, "host": "h"}, "parameters": {"a": a}, "exception": exception}


def test_a_report_is_the_tuple_of_coma_2():
    report = RunReport(58, 60, skipped=1, failed=1)
    assert report == (58, 60)
    assert repr(report) == "RunReport(saved=58, asked=60, skipped=1, failed=1)"
    saved, asked = report
    assert (saved, asked) == (report.saved, report.asked) == (58, 60)


def test_a_report_is_a_sentence():
    report = RunReport(4, 15, skipped=1, failed=2, left=3, duplicates=1, not_run=4, duration=3.21)
    assert str(report) == (
        "4 of 15 parameter sets saved, 1 had a measurement already, 2 failed, 3 failed earlier and not tried again, "
        "1 given twice, 4 not run; 3.2 s."
    )
    assert str(RunReport(1, 1)) == "1 of 1 parameter set saved; 0.0 s."


def test_check_is_silent_when_nothing_failed():
    report = RunReport(1, 1)
    assert report.check() is report


def test_check_raises_all_failures():
    failures = [*(failure(a) for a in range(4)), failure(4, line="f.py:2 in f: raise")]
    report = RunReport(3, 8, failed=5, failures=failures)
    text = (
        "5 of 8 parameter sets failed (3 saved):\n"
        "  4 like (a=0): ValueError: no [f.py:1 in f: raise]\n"
        "  (a=4): ValueError: no [f.py:2 in f: raise]"
    )
    with pytest.raises(RunError, match=f"^{re.escape(text)}$") as raised:
        report.check()
    assert raised.value.failures == tuple(failures)


def test_a_copy_knows_all_that_the_report_knows():
    report = RunReport(3, 8, failed=1, failures=[failure(1)], duration=2.5)
    again = pickle.loads(pickle.dumps(report))
    assert again == report
    assert vars(again) == vars(report)


def test_a_failure_is_told_on_one_line():
    assert failure_text(failure(3, "two\n  lines")) == "(a=3): ValueError: two lines [f.py:1 in f: raise]"
    assert failure_text(failure(3, "", "")) == "(a=3): ValueError"
    assert len(failure_text(failure(3, "x" * 10_000))) < 400


def test_a_failure_is_told_with_short_numbers_and_without_directories():
    line = "/home/user/night/f.py:7 in f: return a / b:7 in c"
    tree = failure([1 / 3, {"b": 14 / 15}, 2, -0.0], "no", line)
    short = "(a=[0.333333, {'b': 0.933333}, 2, -0.0]): ValueError: no [f.py:7 in f: return a / b:7 in c]"
    assert failure_text(tree) == short
    assert (
        failure_text(failure(1e-12, "no", r"C:\night\f.py:7 in f"))
        == "(a=1e-12): ValueError: no [f.py:7 in f]"
    )
    assert (
        failure_text(failure(1, "no", "<stdin>:7 in f: 1/0")) == "(a=1): ValueError: no [<stdin>:7 in f: 1/0]"
    )
    report = RunReport(0, 1, failed=1, failures=[tree])
    assert "/home/user" not in report._repr_html_().partition("<pre")[0]


def test_a_raise_behind_a_condition_does_not_repeat_the_message():
    tree = failure(1, "1 is bad", "f.py:7 in f: if x > 1: raise ValueError(f'{x} is bad: no')")
    assert failure_text(tree) == "(a=1): ValueError: 1 is bad [f.py:7 in f]"
    tree = failure(1, "1 is bad", "f.py:7 in f: if k['a:b'] > 1: raise ValueError('1 is bad')")
    assert failure_text(tree) == "(a=1): ValueError: 1 is bad [f.py:7 in f]"


def test_a_failure_is_told_with_its_repeat():
    tree = {**failure(3), "info": {"repeat": 2}}
    assert failure_text(tree).startswith("(a=3), repeat 2: ValueError: ")


def test_a_failures_parameters_have_short_names_where_these_are_distinct():
    tree = {**failure(3), "parameters": {"layout": {"N": 2}}, "N": 7}
    assert failure_text(tree).startswith("(layout/N=2,N=7): ")
    tree = {**failure(3), "parameters": {"layout": {"N": 2}, "m/s": 3}, "a": 3}
    assert failure_text(tree).startswith("(N=2,m/s=3,a=3): ")
    del tree["parameters"], tree["a"]
    assert failure_text(tree).startswith("(): ")


def test_parameters_and_messages_are_shortened_and_cannot_steer_a_terminal():
    text = failure_text(failure("a" * 5000, "\x1b]0;owned\x07" + "b" * 5000))
    assert len(text) < 400
    assert text.isprintable()

"""Functions made of external programs: what they hand over, what they read, and how they fail."""

from __future__ import annotations

import inspect
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import cloudpickle
import pytest

import coma_xr as coma
from coma_xr import files
from coma_xr.define.parameters import ParameterSet
from coma_xr.define.scans import grid
from coma_xr.errors import ParameterError, SerializationError
from coma_xr.run import signature
from coma_xr.run.plan import plan
from coma_xr.run.program import ProgramError, program
from coma_xr.run.worker import call, prepare


@pytest.fixture
def room(tmp_path, monkeypatch):
    """Where scratch directories are made; empty again when the test is over."""
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(room))
    yield room
    assert not list(room.iterdir())


@pytest.fixture
def here(tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def script(here):
    """Write an executable script of the shell, and return the command that runs it."""

    def write(text, name="simulate"):
        path = here / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return f"./{name}"

    return write


def ended(pid):
    """Whether a process has ended, waiting a moment for it."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


# ------------------------------------------------------------------------------------- handing over


def test_parameters_as_a_file_and_results_as_a_file(room, script):
    "The program gets both paths; its result is what it wrote."
    f = program(f"{script('cp $1 $2')} {{parameters}} {{output}}")
    values = {
        "b": 1.5,
        "a": [1, 2],
        "text": "é \n",
        "flag": True,
        "none": None,
        "nested": {"x": float("inf")},
    }
    assert f(**values) == values
    assert list(f(**values)) == list(values)


def test_parameters_as_arguments(room, script):
    "Floats with all their digits, bool as 1 and 0, text in one argument whatever is in it."
    command = script('for word; do echo "$word"; done')
    f = program(command + " --x={x} {n:03d} {flag} {text} 'a b' {{}}", output="text")
    text = "$(touch no) ; * \"' \\"
    assert f(x=0.1 + 0.2, n=7, flag=True, text=text) == [f"--x={0.1 + 0.2!r}", 7, 1, text, "a b", "{}"]


def test_parameters_as_an_archive_of_boost(room, script):
    f = program(f"{script('cat $1')} {{parameters}}", input="xml", output="xml")
    assert f(x=0.5, flags=[True, False], name="12 m") == {"x": 0.5, "flags": [1, 0], "name": "12 m"}


def test_files_of_fixed_names(room, script):
    f = program(script("cp input.json result.json"), input_file="input.json", output_file="result.json")
    assert f(x=1) == {"x": 1}


def test_a_parameter_set_is_handed_over_by_its_names(room, script):
    p = ParameterSet(["theta_0", ("N", "parameters/layout/N")], [-5.0, 2])
    f = program(f"{script('cat $1; echo $2 $3 >&2')} {{parameters}} {{theta_0}} {{parameters/N}}")
    assert f(p) == {"theta_0": -5.0, "N": 2}
    assert f({"theta_0": 1, "N": 3}) == {"theta_0": 1, "N": 3}


def test_a_parameter_may_have_the_name_of_a_method(room, script):
    p = ParameterSet(["to_dict", "names"], [1, 2])
    assert program(f"{script('echo $1 $2')} {{to_dict}} {{names}}", output="text")(p) == [1, 2]


def test_arrays_are_handed_over_as_lists(room, script):
    np = pytest.importorskip("numpy")
    f = program(f"{script('cat $1')} {{parameters}}")
    assert f(x=np.array([[1.5, 2.0]]), n=np.int64(3)) == {"x": [[1.5, 2.0]], "n": 3}


def test_the_place_of_the_definition_is_here(room, script, here):
    (here / "table.txt").write_text("41")
    f = program(f"{script('expr $(cat $1) + $2')} {{here}}/table.txt {{n}}", output="text")
    os.chdir("/")
    assert f(n=1) == 42


def test_environment(room, script, monkeypatch):
    monkeypatch.setenv("COMA_A", "1")
    f = program(f"{script('echo $COMA_A $COMA_B $1')} {{n}}", output="text", env={"COMA_B": 2})
    assert f(n=3) == [1, 2, 3]


def test_each_call_has_a_directory_of_its_own_and_nothing_is_left(room, script):
    f = program(
        f"{script('pwd; ls -a | wc -l; touch a; mkdir -p b/c; touch b/c/d; echo $1')} {{n}}", output="text"
    )
    first, second = f(n=1), f(n=2)
    assert first[0] != second[0]
    assert first[1:] == [2, 1]
    assert not list(room.iterdir())


# ------------------------------------------------------------------------------------------- results


@pytest.mark.parametrize(
    ("said", "output", "result"),
    [
        ('{"t": 1.5, "E": [1, NaN]}', "json", {"t": 1.5, "E": [1, float("nan")]}),
        ("2.5", "json", 2.5),
        ("[1, 2]", "json", [1, 2]),
        ("<result><t>1.5</t><name>a</name></result>", "xml", {"t": 1.5, "name": "a"}),
        ("<t>1.5</t>", "xml", {"t": 1.5}),
        ("<E><count>2</count><item>1</item><item>2</item></E>", "xml", {"E": [1, 2]}),
        ("3", "text", 3),
        ("1 2\n3 4", "text", [[1, 2], [3, 4]]),
    ],
)
def test_what_a_program_writes_is_its_result(room, script, said, output, result):
    Path("said.txt").write_text(said)
    f = program(f"{script('cat $1')} {{here}}/said.txt", output=output)
    assert repr(f()) == repr(result)


def test_an_array_in_json_is_an_array(room, script):
    np = pytest.importorskip("numpy")
    Path("a.json").write_text('{"psi": {"__type__": "numpy.ndarray", "shape": [2], "list": [1, 2]}}')
    result = program(f"{script('cat $1')} {{here}}/a.json")()
    assert isinstance(result["psi"], np.ndarray)


def test_a_run_stores_what_a_program_gives(room, script):
    "A dictionary lies under results; one number under the program's name."
    scan = grid(n=[1, 2])
    (task, *_) = plan(scan.rows()).todo
    f = program(f"{script('cat $1')} {{parameters}}")
    outcome = call(prepare(f, scan.definition, "keywords"), task)
    assert json.loads(b'{"measurement": {"info": 0' + outcome.rest)["measurement"]["results"] == {"n": 1}
    f = program(f"{script('echo 5; : $1')} {{n}}", output="text")
    outcome = call(prepare(f, scan.definition, "keywords"), task)
    assert json.loads(b'{"measurement": {"info": 0' + outcome.rest)["measurement"]["results"] == {
        "simulate": 5
    }


def test_it_is_a_function_of_any_keywords_and_of_a_set(script):
    f = program(script("exit"))
    signature.check_keywords(f, ["a", "b"])
    signature.check_set(f)
    assert signature.defaults(f, ["a"]) == {}
    assert signature.name_of(f) == "simulate"
    assert str(inspect.signature(f)).startswith("(parameter_set")


def test_it_travels_to_other_processes(room, script):
    f = cloudpickle.loads(cloudpickle.dumps(program(f"{script('echo $1')} {{n}}", output="text")))
    assert f(n=4) == 4


# ------------------------------------------------------------------------------------------ failures


def test_an_exit_code_is_told_with_the_last_lines_of_standard_error(room, script):
    f = program(f"{script('seq 100 >&2; echo no convergence >&2; exit 3')} {{x}}")
    with pytest.raises(
        ProgramError, match="^simulate ended with exit code 3: no convergence\n  command: "
    ) as caught:
        f(x=1.5)
    error = caught.value
    assert error.code == 3
    assert error.command.endswith("here/simulate 1.5")
    assert error.stderr.split("\n") == [*map(str, range(92, 101)), "no convergence"]
    assert "\n    100\n    no convergence" in str(error)
    assert str(cloudpickle.loads(cloudpickle.dumps(error))) == str(error)


def test_a_failure_is_that_point_s_failure_in_a_run(room, script):
    scan = grid(n=[1, 2])
    f = program(f"{script('test $1 = 2 || { echo bad >&2; exit 1; }; echo 5')} {{n}}", output="text")
    outcomes = [call(prepare(f, scan.definition, "keywords"), task) for task in plan(scan.rows()).todo]
    assert outcomes[1].failure is None
    exception = outcomes[0].failure["exception"]
    assert exception["type"] == "coma_xr.run.program.ProgramError"
    assert exception["message"].startswith("simulate ended with exit code 1: bad\n")


def test_the_signal_that_ended_it_is_named(room, script):
    with pytest.raises(ProgramError, match=r"simulate was ended by the signal SIGSEGV\.") as caught:
        program(script("kill -SEGV $$"))()
    assert caught.value.code == -signal.SIGSEGV


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (
            "touch other",
            {"output_file": "o.json"},
            r"ended with exit code 0, but did not write o.json; its directory holds: other",
        ),
        (
            "exit 0",
            {"output_file": "o.json"},
            r"ended with exit code 0, but did not write o.json; its directory holds: nothing",
        ),
        (
            "mkdir o.json",
            {"output_file": "o.json"},
            r"wrote no json that can be read: .*expected a regular file",
        ),
        ("mkfifo o.json", {"output_file": "o.json"}, r"wrote no json that can be read: .*a pipe"),
        ("exit 0", {}, "wrote no json that can be read: empty"),
        (
            "echo Starting...",
            {},
            "wrote no json that can be read: not valid JSON.*standard output:\n    Starting...",
        ),
        (
            "echo '<a>'",
            {"output": "xml"},
            "wrote no xml that can be read: not valid XML: no element found, line 2",
        ),
        (
            "echo '<!DOCTYPE a [<!ENTITY e SYSTEM \"/etc/passwd\">]><a>&e;</a>'",
            {"output": "xml"},
            "wrote no xml that can be read: a DOCTYPE, line 1",
        ),
        ("printf '\\377'", {"output": "text"}, "wrote no text that can be read: not UTF-8 text at byte 0"),
    ],
)
def test_a_result_that_is_lacking_or_unreadable_is_a_failure(room, script, text, options, message):
    with pytest.raises(ProgramError, match=f"(?s)^simulate {message}"):
        program(script(text), **options)()


def test_too_much_output_ends_the_program(room, script, monkeypatch):
    monkeypatch.setattr(files, "LIMIT", 100_000)
    with pytest.raises(
        ProgramError, match="wrote more than 100000 bytes to its standard output and was ended"
    ):
        program(script("yes"), output="text")()


def test_much_output_that_is_no_result_does_no_harm(room, script):
    f = program(
        f"{script('head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; cp $1 $2')} {{parameters}} {{output}}"
    )
    assert f(x=1) == {"x": 1}


def test_a_time_limit_ends_the_program_and_what_it_has_started(room, script, here):
    f = program(script("sleep 60 & echo $! > $COMA_HERE/pid; sleep 60"), timeout=0.3, env={"COMA_HERE": here})
    begin = time.monotonic()
    with pytest.raises(ProgramError, match=r"simulate took longer than 0\.3 s and was ended\.") as caught:
        f()
    assert time.monotonic() - begin < 5
    assert caught.value.code is None
    assert ended(int((here / "pid").read_text()))


def test_a_program_that_ignores_the_request_to_end_is_killed(room, script):
    begin = time.monotonic()
    with pytest.raises(ProgramError, match="took longer"):
        program(script("trap '' TERM; sleep 60; sleep 60"), timeout=0.2)()
    assert time.monotonic() - begin < 5


def test_what_a_program_leaves_running_does_not_hold_the_result(room, script, here):
    f = program(script("sleep 60 & echo $! > $COMA_HERE/pid; echo 1"), output="text", env={"COMA_HERE": here})
    begin = time.monotonic()
    assert f() == 1
    assert time.monotonic() - begin < 5
    assert ended(int((here / "pid").read_text()))


def test_an_interruption_ends_the_program(room, script, here):
    f = program(script("echo $$ > $COMA_HERE/pid; sleep 60"), env={"COMA_HERE": here})

    def interrupt():
        while not (here / "pid").exists() or not (here / "pid").read_text().strip():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        f()
    thread.join()
    assert ended(int((here / "pid").read_text()))


def test_an_interruption_while_the_program_is_started_ends_it(room, script, here, monkeypatch):
    f = program(script("echo $$ > $COMA_HERE/pid; sleep 60"), env={"COMA_HERE": here})

    class Popen(subprocess.Popen):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            while not (here / "pid").exists() or not (here / "pid").read_text().strip():
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)

    monkeypatch.setattr(subprocess, "Popen", Popen)
    with pytest.raises(KeyboardInterrupt):
        f()
    assert ended(int((here / "pid").read_text()))


def test_ctrl_c_in_the_terminal_does_not_reach_the_program(room, script):
    "It stands in a process group of its own, so that a run can finish what has begun."
    f = program(script("ps -o pgid= -p $$ 2>/dev/null || cut -d' ' -f5 /proc/$$/stat"), output="text")
    assert f() != os.getpgrp()


def test_the_directory_of_a_failed_call_is_kept_when_asked_for(room, script):
    f = program(script("echo 1 > trace; exit 1"), keep_failed=True)
    with pytest.raises(ProgramError, match="\n  kept: ") as caught:
        f()
    kept = Path(str(caught.value).rpartition("kept: ")[2])
    assert (kept / "trace").read_text() == "1\n"
    (kept / "trace").unlink()
    kept.rmdir()


def test_a_file_meant_from_here_is_hinted_at(room, script, here):
    (here / "table.txt").write_text("1")
    with pytest.raises(
        ProgramError, match=r"note: .* for the file 'table\.txt' of .*here write \{here\}/table\.txt"
    ):
        program(f"{script('cat $1')} table.txt")()


def test_an_executable_that_cannot_be_started_is_said(room, here):
    file = here / "simulate"
    file.write_text("#!/bin/sh\n")
    with pytest.raises(
        ParameterError, match=r"./simulate cannot be executed. Make it a program: chmod \+x ./simulate"
    ):
        program("./simulate")
    file.chmod(0o755)
    simulate = program("./simulate")
    file.chmod(0o644)
    with pytest.raises(ProgramError, match="simulate: cannot be started: Permission denied"):
        simulate()


def test_a_file_in_the_search_path_that_is_no_program_is_passed_over(room, here, monkeypatch):
    for name, mode in (("first", 0o644), ("second", 0o755)):
        (here / name).mkdir()
        (here / name / "simulate").write_text("#!/bin/sh\necho 1\n")
        (here / name / "simulate").chmod(mode)
    monkeypatch.setenv("PATH", f"{here}/first:{here}/second:/usr/bin:/bin")
    assert program("simulate", output="text")() == 1


# ------------------------------------------------------------------------------------- misuse, early


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("", "The command of a program is empty"),
        (
            "./simulat",
            r"There is no executable ./simulat in .*here.\s+Available: simulate.\s+Did you mean 'simulate'\?",
        ),
        (
            "simulate",
            r"There is no executable 'simulate' in the search path.\s+Write ./simulate for the one here.",
        ),
        ("pyhton3-nowhere", "There is no executable 'pyhton3-nowhere' in the search path"),
        ("nowhere/simulate", "There is no executable nowhere/simulate: there is no directory"),
        ("../here", r"\.\./here is a directory\. Expected an executable\."),
        ("./simulate 'a", r"cannot be split into arguments: No closing quotation"),
        (
            "./simulate {paramters}",
            r"{paramters} in the argument '{paramters}' is unknown.\s+Did you mean {parameters}\?",
        ),
        ("./simulate {ouput}", r"Did you mean {output}\?"),
        ("./simulate {", "Double a literal brace"),
        ("./simulate {}", r"cannot be used.\s+Expected the name of a parameter"),
        ("./simulate {a.__class__}", r"cannot be used.\s+Expected the name of a parameter"),
        ("./simulate {a[0]}", r"cannot be used.\s+Expected the name of a parameter"),
        ("./simulate {a!r}", r"cannot be used.\s+Expected the name of a parameter"),
    ],
)
def test_a_command_that_cannot_be_meant_is_an_error_when_it_is_defined(script, command, message):
    script("exit")
    with pytest.raises(ParameterError, match=message):
        program(command)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input": "jsn"}, r"input='jsn' is unknown. Available: json, xml, None. Did you mean 'json'\?"),
        ({"output": "csv"}, "output='csv' is unknown. Available: json, xml, text"),
        ({"timeout": 0}, "timeout=0 is out of range"),
        ({"timeout": "5"}, "timeout='5' is a str"),
        ({"keep_failed": "no"}, "keep_failed='no' is a str"),
        (
            {"input_file": "../a"},
            "input_file='../a' cannot be used. Expected a file name in the program's directory",
        ),
        ({"output_file": ".."}, "output_file='..' cannot be used"),
        ({"input_file": "a", "output_file": "a"}, "input_file and output_file are both 'a'"),
        ({"input": None}, "uses a file with the parameters, and input=None writes none"),
    ],
)
def test_an_option_that_cannot_be_meant_is_an_error(script, options, message):
    with pytest.raises(ParameterError, match=message):
        program(f"{script('exit')} {{parameters}}", **options)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"x": 1, "thta": 2},
            r"The command does not use the parameter thta\.",
        ),
        ({}, r"The command asks for a parameter 'x'. Available: {parameters}, {output}, {here}"),
        (
            {"x": [1, 2]},
            r"The parameter 'x' is a value of type list.\s+Expected text or one number for an argument.\s+Use {parameters}",
        ),
        ({"x": None}, "The parameter 'x' is None"),
        ({"x": "a\0b"}, "cannot be started: embedded null byte"),
    ],
)
def test_parameters_that_do_not_fit_the_command_are_named(room, script, values, message):
    with pytest.raises(ParameterError, match=message):
        program(f"{script('exit')} {{x}}")(**values)


def test_what_does_not_fit_the_command_is_an_error_before_a_run(script, experiment_path):
    "Once, and not of each point; what the program asks for and what it does not learn are both named."
    e = coma.Experiment(experiment_path)
    simulate = program(f"{script('exit')} {{a}} {{c}}")
    text = r"The command asks for a parameter 'c'\. Available: a, b, \{parameters\}, \{output\}, \{here\}\."
    with pytest.raises(ParameterError, match=text):
        e.run(simulate, grid(a=[1], b=[2]))
    e.define_parameter_set("a")
    e.add_parameter_set(1)
    with pytest.raises(ParameterError, match="asks for a parameter 'c'. Available: a, "):
        e.run(simulate)
    assert e.status()["failed"] == 0


def test_a_misspelt_parameter_is_named_with_the_nearest(room, script):
    with pytest.raises(ParameterError, match=r"The command asks for a parameter 'thta'\."):
        program(f"{script('exit')} {{thta}} {{parameters}}")(theta=1)


def test_positional_values_and_double_ones_are_refused(script):
    f = program(f"{script('exit')} {{x}}")
    with pytest.raises(ParameterError, match=r"Name values to call it with them: f\(theta=1.5\)"):
        f(1.5)
    with pytest.raises(ParameterError, match=r"The program was given a parameter set and keywords\."):
        f({"x": 1}, x=1)


def test_a_value_that_boost_cannot_read_is_that_point_s_failure(room, script):
    f = program(f"{script('cat $1')} {{parameters}}", input="xml", output="xml")
    with pytest.raises(SerializationError, match="x: C\\+\\+ reads no nan"):
        f(x=float("nan"))


def test_an_executable_may_be_given_as_a_list(room, here):
    (here / "sim.py").write_text(
        "import json, sys\nprint(json.dumps({'twice': 2 * json.load(open(sys.argv[1]))['x']}))"
    )
    f = program([sys.executable, here / "sim.py", "{parameters}"])
    assert f(x=2) == {"twice": 4}


def test_what_a_program_writes_without_a_name_gets_the_one_that_is_given(script, experiment_path):
    e = coma.Experiment(experiment_path, config={})
    named = program(f"{script('echo 1 2 $1')} {{a}}", output="text", name="steps")
    assert e.run(named, {"a": [3]}) == (1, 1)
    assert e.measurement(1)["results/steps"] == [1, 2, 3]
    with pytest.raises(
        ParameterError, match=r"^name='/' cannot be used. Expected the name of the program's result"
    ):
        program("echo", name="/")
    # The executable is what fails.
    with pytest.raises(ProgramError, match=r"^false ended with exit code 1\."):
        program("false", name="steps", output="text")()


def test_a_program_is_shown_as_the_call_that_makes_it(script, here):
    command, path = script("echo 1"), str(here / "simulate")
    assert repr(program(f"{command} {{a}}")) == f"program([{path!r}, '{{a}}'])"
    shown = repr(program(command, output="text", timeout=5, env={"N": "1"}))
    assert shown == f"program([{path!r}], output='text', timeout=5.0, env={{'N': '1'}})"

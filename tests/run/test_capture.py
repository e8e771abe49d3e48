"""What functions write, and what they get besides parameters."""

import concurrent.futures
import ctypes
import os
import sys
import threading
import warnings

import numpy as np
import pytest

import coma_xr as coma
from coma_xr.run import worker
from tests.run.common import quietly


@pytest.fixture
def e(tmp_path):
    return coma.Experiment(tmp_path / "e")


def talkative(x):
    print("to stdout", x)
    print("to stderr", x, file=sys.stderr)
    if x == 2:
        raise ValueError("bad")
    return {"y": x}


class TestInThisProcess:
    def test_output_is_in_the_record_of_the_failure_and_nowhere_else(self, e, capsys):
        quietly(e.run, talkative, {"x": [1, 2, 3]}, capture=True)
        assert e.failure(2).output == "to stdout 2\nto stderr 2\n"
        out, err = capsys.readouterr()
        assert (out, len(err.splitlines())) == ("", 1)
        assert "output" not in e.measurement(1).info
        assert "to stdout 2" in e.failure(2)._repr_html_()

    def test_it_is_kept_with_measurements_on_request(self, e):
        quietly(e.run, talkative, {"x": [1, 2]}, capture="info")
        assert e.measurement(1).info.output == "to stdout 1\nto stderr 1\n"
        assert "output" not in e.to_dataset()

    def test_without_it_output_goes_where_it_always_went(self, e, capsys):
        quietly(e.run, talkative, {"x": [2]})
        assert e.failure(1).output == ""
        assert capsys.readouterr().out == "to stdout 2\n"

    def test_of_much_output_the_end_is_kept(self, e):
        def simulate(x):
            for number in range(50_000):
                print(f"line {number}")
            raise ValueError("bad")

        quietly(e.run, simulate, {"x": [1]}, capture=True)
        output = e.failure(1).output
        assert output.startswith("[...]\n")
        assert output.endswith("line 49999\n")
        assert len(output) < worker._MOST + 10

    def test_other_threads_write_as_always(self, e, capsys):
        def simulate(x):
            thread = threading.Thread(target=print, args=("of a thread",))
            thread.start()
            thread.join()
            print("of the point")
            return {"y": x}

        stream = sys.stdout
        e.run(simulate, {"x": [1]}, capture="info")
        assert e.measurement(1).info.output == "of the point\n"
        assert capsys.readouterr().out == "of a thread\n"
        assert sys.stdout is stream

    def test_threads_of_an_executor_are_told_apart(self, e):
        barrier = threading.Barrier(2)

        def simulate(x):
            for _ in range(3):
                barrier.wait(10)
                print(x)
            return {"y": x}

        with concurrent.futures.ThreadPoolExecutor(2) as executor:
            e.run(simulate, {"x": [1, 2]}, executor=executor, capture="info")
        assert [m.info.output for m in e.measurements()] == ["1\n1\n1\n", "2\n2\n2\n"]

    def test_runs_in_several_threads_do_not_mix(self, tmp_path):
        def simulate(x):
            print(threading.current_thread().name, x)
            return {"y": x}

        experiments = [coma.Experiment(tmp_path / f"e{number}") for number in range(3)]
        threads = [
            threading.Thread(
                target=e.run, args=(simulate, {"x": range(20)}), kwargs={"capture": "info"}, name=e.path.name
            )
            for e in experiments
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for e in experiments:
            assert [m.info.output for m in e.measurements()] == [f"{e.path.name} {x}\n" for x in range(20)]

    def test_the_word_for_it_is_checked(self, e):
        with pytest.raises(
            coma.ParameterError, match=r"capture='all' is unknown\. Available: False, True, info"
        ):
            e.run(talkative, {"x": [1]}, capture="all")


@pytest.mark.ci
@pytest.mark.parametrize("kind", ["own", "stdlib"])
def test_in_a_worker_also_c_code_and_programs_are_captured(e, kind):
    def simulate(x):
        print("Python")
        ctypes.CDLL(None).puts(b"C")
        os.system("echo program")
        return {"y": x}

    with concurrent.futures.ProcessPoolExecutor(1) as executor:
        options = {"max_workers": 2} if kind == "own" else {"executor": executor}
        e.run(simulate, {"x": [1, 2]}, capture="info", **options)
    assert sorted(e.measurement(2).info.output.split()) == ["C", "Python", "program"]


class TestResources:
    def test_the_function_gets_them_and_they_are_no_parameters(self, e):
        def simulate(x, data):
            return {"y": float(data[x])}

        assert e.run(simulate, {"x": [0, 1]}, resources={"data": np.array([1.0, 2.0])}).saved == 2
        assert e.run(simulate, {"x": [0, 1]}, resources={"data": np.array([3.0, 4.0])}).skipped == 2
        assert dict(e.measurement(1).parameters) == {"x": 0}
        assert e.to_dataset().y.values.tolist() == [1.0, 2.0]

    def test_with_sets_that_were_added(self, e):
        e.define_parameter_set("x")
        e.add_parameter_set(2)
        e.run(lambda p, data: {"results": {"y": data * p.x}}, resources={"data": 5})
        assert e.measurement(1).results.y == 10

    def test_a_failure_is_reproduced_with_them(self, e):
        quietly(e.run, lambda x, data: x / data, {"x": [1]}, resources={"data": 0})
        with pytest.raises(ZeroDivisionError):
            e.failure(1).reproduce(lambda x, data: x / data, resources={"data": 0})

    @pytest.mark.parametrize(
        ("resources", "message"),
        [
            ({"x": 1}, "'x' is a parameter of the scan and a resource"),
            ({"dta": 1}, "takes no argument 'dta'.*Did you mean 'data'"),
            ([1], r"resources=\[1\] is a list\.\nExpected a dictionary"),
        ],
    )
    def test_wrong_ones_are_refused(self, e, resources, message):
        with pytest.raises(coma.ParameterError, match=message):
            e.run(lambda x, data=0: x, {"x": [1]}, resources=resources)

    @pytest.mark.ci
    def test_each_worker_gets_them_once(self, e, tmp_path):
        class Data:
            def __init__(self, directory):
                self.directory = directory

            def __setstate__(self, state):
                vars(self).update(state)
                with open(os.path.join(self.directory, f"{os.getpid()}-{id(self)}"), "x"):
                    pass

        (tmp_path / "loads").mkdir()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            data = Data(str(tmp_path / "loads"))
            e.run(lambda x, data: os.getpid(), {"x": range(300)}, resources={"data": data}, max_workers=2)
        assert len(os.listdir(tmp_path / "loads")) <= 2

"""Files and settings that were made to do harm: fill the memory, take for ever, reach outside, run something."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import json
import os
import shutil
import socket
import zlib
from pathlib import Path

import pytest

import coma_xr as coma
from coma_xr.errors import ConfigError, DataFileError, ExperimentError, ParameterError
from tests.bad_files import experiment
from tests.examiner import MEMORY, Case, examine

pytestmark = pytest.mark.ci

MIB = 2**20
HUGE = 10**18


def files(name, data, kind="json", **more):
    """Return the files of an experiment, one of them another."""
    others = {other: text for other, text in experiment(kind, **more).items() if other != name}
    return {name: data, **others}


def result(value):
    """Return the text of a measurement with one result."""
    tree = {"info": {"measurement_id": 2}, "parameters": {"a": 2, "b": 0.5}, "results": {"x": value}}
    return json.dumps({"measurement": tree}).encode()


def array(shape, items, dtype="float64", name="numpy.ndarray", **more):
    return {"__type__": name, "shape": shape, "list": items, "dtype": dtype, **more}


LYING = {
    "shapes": [
        array([HUGE], [1.0]),
        array([HUGE, HUGE], []),
        array([0, HUGE], []),
        array([0] * 64, []),
        array([1] * 65, [1.0]),
        array([1] * 10_000, [1.0]),
        array([-1], [1.0]),
        array([2], [1.0]),
        array([1.0], [1.0]),
        array([True], [1.0]),
        array(["1"], [1.0]),
        array({}, [1.0]),
        array(None, [1.0]),
        array([1], None),
        array([1], {}),
        array([1], "a"),
        array([10**5000 % 10**4000], [1.0]),
    ],
    "dtypes": [
        array([1], [1], dtype)
        for dtype in [
            *(
                "object",
                "O",
                "|O",
                "V8",
                "void",
                "i4,i4",
                "f8,O",
                "<U999999999",
                "<U2147483647",
                "S999999999",
            ),
            *(
                "datetime64[x]",
                "M8[99999999999999ns]",
                "M8[0s]",
                "datetime64[-1s]",
                "float128x",
                "int7",
                "u3",
                "f3",
            ),
            *(
                "c7",
                "U-1",
                "U",
                "S",
                "string",
                "longdouble",
                "numpy.int8",
                "builtins.object",
                "",
                "b9",
                "m8[generic]",
            ),
            *(5, None, [], {}, ["f8"], "\0", "í8"),
        ]
    ],
    "items": [
        array([1], [None]),
        array([1], ["1.0"]),
        array([1], [[1.0]]),
        array([1], [{"__class__": "os.system"}]),
        array([1], [1], "bool"),
        array([1], [300], "uint8"),
        array([1], [-1], "uint8"),
        array([1], [10**400], "float64"),
        array([1], [10**400], "int64"),
        array([1], [1e300], "float32"),
        array([1], [1.5], "int64"),
        array([1], [True], "int64"),
        array([1], ["é"], "S1"),
        array([1], ["ab"], "<U1"),
        array([1], ["\ud800"], "<U1"),
        array([1], ["1e99999"], "longdouble", "coma.ndarray"),
        array([1], ["0x1p99999"], "longdouble", "coma.ndarray"),
        array([1], ["nan(1)"], "longdouble", "coma.ndarray"),
        array([1], [2**63], "M8[s]", "coma.ndarray"),
        array([1], [-(2**63)], "M8[s]", "coma.ndarray"),
        array([1], [2**62], "M8[Y]", "coma.ndarray"),
        array([10**5], [""] * (10**5 - 1) + ["x" * 10**4], "<U10000"),
        {**array([10**5], [""] * (10**5 - 1) + ["x" * 10**4]), "dtype": None},
        {"__type__": "numpy.ndarray", "shape": [20_000], "list": [""] * 19_999 + ["x" * 20_000]},
        {"__type__": "numpy.ndarray", "shape": [2], "list": [1, "a"]},
        {"__type__": "numpy.ndarray", "shape": [2], "list": [1, None]},
        {"__type__": "coma.ndarray", "shape": [1], "real": [1], "imag": [], "dtype": "complex128"},
        {"__type__": "coma.scalar", "dtype": "complex128", "real": 1},
        {"__type__": "coma.scalar", "dtype": "object", "value": 1},
    ],
    "types of Python": [
        {"__type__": "coma.range", "start": 0, "stop": HUGE, "step": 1},
        {"__type__": "coma.range", "start": 0, "stop": 1, "step": 0},
        {"__type__": "coma.fraction", "numerator": 1, "denominator": 0},
        {
            "__type__": "coma.fraction",
            "numerator": {"__type__": "coma.int", "hex": "0x" + "7" * 1_000_000},
            "denominator": {"__type__": "coma.int", "hex": "0x" + "5" * 1_000_000},
        },
        {"__type__": "coma.int", "hex": "0x" + "f" * 5_000_000},
        {"__type__": "coma.complex", "real": 10**400, "imag": 0},
        {"__type__": "coma.decimal", "value": "1e999999999999999999"},
        {"__type__": "coma.decimal", "value": "9" * 100_000},
        {"__type__": "coma.decimal", "value": "sNaN"},
        {"__type__": "coma.decimal", "value": "x"},
        {"__type__": "coma.bytes", "base64": "===="},
        {"__type__": "coma.bytes", "base64": "é"},
        {"__type__": "coma.datetime", "value": "2024-13-01T00:00:00"},
        {"__type__": "coma.datetime", "value": "2024-01-01T00:00:00", "zone": "../../../etc/passwd"},
        {"__type__": "coma.datetime", "value": "2024-01-01T00:00:00", "zone": "/etc/passwd"},
        {"__type__": "coma.datetime", "value": "2024-01-01T00:00:00", "zone": "No/Such"},
        {"__type__": "coma.datetime", "value": "2024-01-01T00:00:00", "zone": "Europe"},
        {"__type__": "coma.datetime", "value": "2024-01-01T00:00:00", "zone": ["+99:99", "x"]},
        {"__type__": "coma.datetime", "value": "2024-01-01T00:00:00", "fold": 7},
        {"__type__": "coma.timedelta", "days": HUGE, "seconds": 0, "microseconds": 0},
        {"__type__": "coma.path", "value": "/etc/passwd", "kind": "Path"},
        {"__type__": "coma.path", "value": "\0", "kind": "Path"},
        {"__type__": "coma.path", "value": "a", "kind": "type"},
        {"__type__": "coma.uuid", "value": "x"},
        {"__type__": "coma.set", "items": [1, 1.0, True]},
        {"__type__": "coma.set", "items": [{}]},
        {"__type__": "coma.set", "items": [(2**61 - 1) * n for n in range(20_000)]},
        {"__type__": "coma.dict", "items": [[1, 2]]},
        {"__type__": "coma.dict", "items": [["a"]]},
        {"__type__": "coma.dict", "items": [["a", 1], ["a", 2]]},
        {"__type__": "coma.enum"},
        {"__type__": "coma.enum", "value": {}, "name": [], "__class__": 5},
        {"__type__": "coma.no_such"},
        {"__type__": "numpy.core.multiarray._reconstruct"},
        {"__type__": "wire", "tree": {"__type__": "wire", "tree": None}},
    ],
    "pandas and xarray": [
        {"__type__": "coma.objects", "shape": [HUGE], "list": []},
        {"__type__": "coma.objects", "shape": [2], "list": [1]},
        {"__type__": "coma.pandas.array", "dtype": "Int64", "list": [10**400]},
        {"__type__": "coma.pandas.array", "dtype": "Int8", "list": [300]},
        {"__type__": "coma.pandas.array", "dtype": "object", "list": [1]},
        {"__type__": "coma.pandas.array", "dtype": "period", "freq": "9" * 30 + "M", "list": [1]},
        {"__type__": "coma.pandas.array", "dtype": "period", "freq": "__import__('os')", "list": [1]},
        {
            "__type__": "coma.pandas.array",
            "dtype": "category",
            "categories": {},
            "ordered": False,
            "codes": [9],
        },
        {"__type__": "coma.pandas.array", "dtype": "string", "storage": "x", "na": "NaN", "list": []},
        {"__type__": "coma.pandas.array", "dtype": "datetime64[ns]", "zone": "../x", "list": [1]},
        {"__type__": "coma.pandas.RangeIndex", "start": 0, "stop": HUGE, "step": 1, "name": None},
        {"__type__": "coma.pandas.Series"},
        {"__type__": "coma.pandas.DataFrame", "columns": 1},
        {"__type__": "coma.pandas.Timestamp", "value": HUGE**2},
        {"__type__": "coma.pandas.eval", "value": "1"},
        {"__type__": "coma.xarray.Dataset"},
        {"__type__": "coma.xarray.Dataset", "data_vars": [], "coords": [{"name": "x", "level": 0}]},
        {
            "__type__": "coma.xarray.DataArray",
            "dims": ["x"],
            "values": array([2, 2], [1.0] * 4),
            "coords": [],
        },
        {
            "__type__": "coma.xarray.DataArray",
            "dims": ["x"],
            "values": {"__type__": "coma.objects"},
            "coords": [],
        },
        {"__type__": "coma.xarray.DataArray", "dims": [["x"], {}], "values": array([], [1.0]), "coords": [1]},
    ],
    "classes": [
        {"__class__": "os.system", "args": ["true"]},
        {"__class__": "subprocess.Popen"},
        {"__class__": ["os"]},
        {"__reduce__": ["os.system", ["true"]], "__setstate__": 1},
        {"py/object": "os.system", "py/reduce": []},
    ],
    "strange trees": [
        [[1.0] * 100, [2.0]] * 100,
        [[[[[[[[1]]]]]]]],
        [{"a": 1}, {"b": [1, {"c": 2}]}, 3, None, "x"],
        {str(n): n for n in range(3_000)},
        {"measurement_id": 5, "info": {"info": {}}, "results": {"results": {"x": 1}}},
        {"a/b": {"*": {"": {"..": {"\\": 1}}}}},
        list(range(200_000)),
    ],
}


def test_values_that_lie_about_themselves(report_line, tally):
    """Nothing is allocated, imported or opened before it is known that the parts belong together."""
    cases = [
        Case(f"{group}: {str(value)[:100]}", files("measurement.000002.json", result(value)), "repair")
        for group, values in LYING.items()
        for value in values
    ]
    report = examine(cases)
    assert report.memory < 500 * MIB
    report_line(f"values that lie about their shape, type or content: {report}")
    tally("bad inputs").add(sum(report.outcomes.values()))


def bomb(head, body, times, tail):
    """Return a gzip file of some bytes that holds very many."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    parts = [packer.compress(head)]
    parts += [packer.compress(body) for _ in range(times)]
    return b"".join([*parts, packer.compress(tail), packer.flush()])


ARCHIVE = "experiment.none.json.gz"
OPEN, CLOSE = b'{"experiment":{"info":{},"measurements":[', b"]}}"


def test_bombs(report_line, tally):
    """A small compressed file that is large when it is unpacked is not unpacked."""
    blanks, lists, deep = b" " * MIB, b"[]," * (MIB // 3), b"[" * MIB
    texts = [
        bomb(OPEN, blanks, 500, CLOSE),
        bomb(OPEN, blanks, 1_500, CLOSE),
        bomb(OPEN, lists, 200, b"[]" + CLOSE),
        bomb(OPEN, deep, 20, b""),
        bomb(b"", b"\0" * MIB, 300, b""),
        gzip.compress(bomb(OPEN, blanks, 100, CLOSE)),
        gzip.compress(OPEN + CLOSE) + b"\x1f\x8b" * 1000,
        gzip.compress(OPEN + CLOSE) * 3,
        gzip.compress(OPEN + CLOSE)[:-4] + b"\0\0\0\0",
    ]
    packed = [Case(f"bomb of {len(text)} bytes", {ARCHIVE: text}) for text in texts]
    report = examine(packed, "DataFileError")
    assert report.memory < 400 * MIB
    report_line(f"compressed files that swell: {report}")
    tally("bad inputs").add(sum(report.outcomes.values()))


def test_what_is_packed_well_is_read_again(tmp_path):
    """What coma_xr itself writes is never taken for such a file."""
    e = coma.Experiment(tmp_path / "e")
    for zeros in range(8):
        e.new_measurement().save({"results": {"n": zeros, "zeros": [0.0] * 300_000}})
    e.deactivate(compress=True)
    packed = (tmp_path / "e" / ARCHIVE).stat().st_size
    assert 25 * MIB / 100 < packed < 10 * MIB
    assert coma.Experiment(tmp_path / "e", "r").measurement(8).results.zeros == [0.0] * 300_000


def test_files_that_take_much(report_line, tally):
    """Plain files of some megabytes cost some times their size, and no more."""
    cases = [
        Case(
            "empty lists",
            files(
                "measurement.000002.json", result(0).replace(b'"x": 0', b'"x": [' + b"[]," * 10**6 + b"[]]")
            ),
        ),
        Case("keys", files("measurement.000002.json", result({f"k{n}": n for n in range(10_000)}))),
        Case("a long key", files("measurement.000002.json", json.dumps({"x" * 10**6: 1}).encode())),
        Case(
            "many keys",
            files("measurement.000002.json", json.dumps({str(n): 1 for n in range(10**5)}).encode()),
        ),
        Case(
            "a long key in the experiment",
            files("experiment.none.json", json.dumps({"x" * 10**6: 1}).encode()),
        ),
        Case("a long text", files("measurement.000002.json", result("x" * 10**7))),
        Case("digits", files("measurement.000002.json", b"1" * 10**7)),
        Case("deep", files("measurement.000002.json", b'{"measurement":' * 10**6)),
        Case("deep state", files("coma.json", b'{"coma_xr":{"seed":' * 10**5)),
        Case(
            "a long index",
            files("measurement.index.json", b'{"measurements":{"last_measurement_id":' + b"9" * 4000 + b"}}"),
        ),
        Case(
            "the highest id",
            files("measurement.index.json", b'{"measurements":{"last_measurement_id":1000000000}}'),
        ),
        Case("a far id", files("measurement.999999999.json", result(1))),
    ]
    report = examine(cases)
    assert report.memory < 1_000 * MIB
    report_line(f"files that take much: {report}")
    tally("bad inputs").add(sum(report.outcomes.values()))


TEMPLATES = [
    *(
        "../${measurement_id}",
        "/tmp/${measurement_id}",
        "~/${measurement_id}",
        "a/${measurement_id}",
        "..",
        ".",
    ),
    *(
        ".${measurement_id}",
        "a\\${measurement_id}",
        "a\0${measurement_id}",
        "a\n${measurement_id}",
        "${measurement_id}/",
    ),
    *(
        "C:${measurement_id}",
        "${experiment_id}",
        "",
        "x",
        "${measurement_id}${measurement_id}",
        "m" * 300 + "${measurement_id}",
    ),
    *(
        "1${measurement_id}",
        "${measurement_id}1",
        "experiment.${measurement_id}",
        "failure.${measurement_id}",
    ),
]


@pytest.mark.parametrize("template", TEMPLATES)
def test_names_that_lead_outside_or_clash_are_refused(experiment_path, template):
    with pytest.raises(ConfigError, match="measurement_file"):
        coma.Experiment(experiment_path, config={"measurement_file": template})
    assert not experiment_path.exists()


@pytest.mark.parametrize(
    "template",
    ["m(.)+${measurement_id}", "[a-z]+${measurement_id}", "$^${measurement_id}", "%s{}${measurement_id}"],
)
def test_characters_of_patterns_in_a_name_are_themselves(experiment_path, template):
    e = coma.Experiment(experiment_path, config={"measurement_file": template})
    assert e.new_measurement().save({"results": {"x": 1}}) == 1
    (experiment_path / "mxx000002.json").write_bytes(result(1))
    assert template.replace("${measurement_id}", "000001.json") in os.listdir(experiment_path)
    assert e.number_of_measurements() == 1


@pytest.mark.parametrize("id", ["../../x", "1", -1, 10**30, 1.5, True, float("nan"), "1/2", b"1", [1], "\0"])
def test_ids_that_are_no_numbers_are_refused(experiment_path, id):
    with pytest.raises((ExperimentError, ParameterError), match="^id="):
        coma.Experiment(experiment_path, id=id)
    assert not experiment_path.exists()


LINKS = [
    "nowhere",
    "measurement.000002.json",
    ".",
    "..",
    "/etc/passwd",
    "/dev/zero",
    "/dev/stdin",
    "/proc/self/mem",
    "/proc/self/environ",
    "x" * 255,
]


def test_links_that_lead_nowhere_or_elsewhere(report_line, tally):
    """Nothing but a measurement is taken for one, and nothing is waited for."""
    names = [
        "measurement.000002.json",
        "failure.000003.json",
        "coma.json",
        "measurement.index.json",
        "experiment.none.json",
    ]
    cases = [
        Case(f"{name} -> {target[:40]}", files(name, b"link:" + target.encode()), "repair")
        for name in names
        for target in LINKS
    ]
    report = examine(cases)
    assert report.memory < 300 * MIB
    report_line(f"symbolic links: {report}")
    tally("bad inputs").add(sum(report.outcomes.values()))


@pytest.mark.parametrize(
    "name", ["measurement.000002.json", "failure.000003.json", "coma.json", "experiment.none.json"]
)
def test_pipes_and_directories_are_no_files(experiment_path, name):
    """Nobody waits for what never comes."""
    experiment_path.mkdir()
    for other, data in experiment().items():
        if other != name:
            (experiment_path / other).write_bytes(data)
    for make in (os.mkfifo, os.mkdir):
        make(experiment_path / name)
        try:
            with (
                pytest.warns(coma.ComaWarning, match=name)
                if name != "experiment.none.json"
                else pytest.raises(DataFileError, match=name)
            ):
                e = coma.Experiment(experiment_path, "r")
                e.to_dataset()
                e.failures()
        finally:
            (os.unlink if make is os.mkfifo else os.rmdir)(experiment_path / name)


def a_socket(path):
    # Its path may be no longer than about a hundred bytes.
    with contextlib.chdir(path.parent), socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)


ODD = {
    "pipe": os.mkfifo,
    "directory": Path.mkdir,
    "empty file": Path.touch,
    "socket": a_socket,
    "link that leads nowhere": lambda path: path.symlink_to("nowhere/x"),
    "link to a device": lambda path: path.symlink_to("/dev/zero"),
    "link to itself": lambda path: path.symlink_to(path.name),
}
PLACES = [
    *("measurement.000001.json", "measurement.000009.json", "measurement.index.json", "failure.000009.json"),
    *("coma.json", ".coma.json", "experiment.none.json", ".coma.lock", ".coma.run.elsewhere.5"),
    *(".coma.run.here.99999999", "removed", "removed/x", "code", "code/x.json", ".coma.cache"),
    *(".coma-tmp-elsewhere-1-a", "measurement.000001.psi.nc"),
]


@pytest.mark.leaves_files
@pytest.mark.filterwarnings("ignore::coma_xr.ComaWarning")
@pytest.mark.parametrize("name", PLACES)
def test_nothing_odd_in_a_place_of_ours_is_waited_for(quick_path, monkeypatch, tally, name):
    """Each call ends, or says in an error of ours why not."""
    monkeypatch.setattr("coma_xr.files.host", lambda: "here")
    original, path, counted = quick_path / "original", quick_path / "e", tally("bad inputs")
    e = coma.Experiment(original)
    e.run(lambda a: {"y": 1 / a}, {"a": [0, 1, 2, 3]}, progress=False)
    e.remove([3])
    calls = [
        lambda e: e.run(lambda a: {"y": a}, {"a": [1, 4]}, progress=False),
        lambda e: (e.to_dataset(), e.failures(), e.status(), e.verify()),
        lambda e: e.verify(repair=True),
        coma.Experiment.restore,
        coma.Experiment.deactivate,
        coma.Experiment.reset,
    ]
    for make, call in itertools.product(ODD.values(), calls):
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(original, path)
        if (path / name).is_dir():
            shutil.rmtree(path / name)
        (path / name).unlink(missing_ok=True)
        (path / name).parent.mkdir(exist_ok=True)
        make(path / name)
        with counted, contextlib.suppress(coma.ComaError):
            call(coma.Experiment(path))


def test_the_limit_of_memory_is_one():
    """Else the other tests would show nothing."""
    script = (
        f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({MEMORY},) * 2); bytearray({2 * MEMORY})"
    )
    assert os.spawnlp(os.P_WAIT, "python3", "python3", "-c", f"{script}") != 0

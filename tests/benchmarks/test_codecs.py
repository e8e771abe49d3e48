"""What it costs to make text of a tree and a tree of text, beside the libraries alone; only with ``--benchmark-only``.

The libraries are timed before each round, by the time of this process, so that all see the same machine.
"""

from __future__ import annotations

import json as standard_json
import math
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import msgspec
import numpy as np
import pytest

import coma_xr as coma
from coma_xr.encoding import json, xml
from coma_xr.values.plain import from_plain, to_plain

ROUNDS = 7


def small() -> dict[str, object]:
    """Return a measurement of some 300 bytes."""
    info = {"measurement_id": 1, "start_date": "2026-11-22T13:20:07Z", "end_date": "2026-11-22T13:20:07Z"}
    parameters = {"theta_0": -5.0, "theta": -4.473684210526316, "L": 1.0, "model": "exact"}
    results = {"t": 0.1479259719163637, "t_": 0.14783531326478092, "n": 17, "converged": True}
    return {"measurement": {"info": info, "parameters": parameters, "results": results}}


def of_results(results: dict[str, object]) -> dict[str, object]:
    return {"measurement": {**small()["measurement"], "results": results}}  # type: ignore[dict-item]


def floats(n: int) -> list[float]:
    return [math.sin(i) for i in range(n)]


# Name, tree, how often in a round.
TREES = {
    "300 bytes": (small(), 2_000),
    "1,000 floats": (of_results({"E": floats(1_000)}), 100),
    "array of 1000000 floats": (of_results({"E": np.sin(np.arange(10**6))}), 1),
    "300 bytes with a NaN": (of_results({"t": math.nan, "n": 17, "label": "null"}), 2_000),
}


@pytest.fixture
def compare(benchmark, report_line):
    """A function that times something beside others in turn, and reports the ratios of the best times."""

    def compare(what, ours, others, number):
        times = {name: [] for name in others}

        def timed(function):
            start = time.process_time()
            for _ in range(number):
                function()
            return time.process_time() - start

        mine = []

        def before():
            for name, other in others.items():
                times[name].append(timed(other))

        benchmark.pedantic(lambda: mine.append(timed(ours)), setup=before, rounds=ROUNDS, iterations=1)
        best = min(mine)
        ratios = ", ".join(f"{best / min(took):5.2f} x {name}" for name, took in times.items())
        report_line(f"{what:<44} {1e6 * best / number:11,.1f} us, {ratios}")

    return compare


@pytest.mark.parametrize("name", TREES)
def test_encode_json(compare, name):
    """From a user's tree to the text in the file, indented."""
    tree, number = TREES[name]
    plain = to_plain(tree)
    encoder = msgspec.json.Encoder()
    compare(
        f"encode as JSON: {name}",
        lambda: json.encode(to_plain(tree)),
        {
            "msgspec": lambda: msgspec.json.format(encoder.encode(plain), indent=2),
            "json": lambda: standard_json.dumps(plain, indent=2).encode(),
        },
        number,
    )


@pytest.mark.parametrize("name", TREES)
def test_decode_json(compare, name):
    """From the text in the file to values, arrays too."""
    tree, number = TREES[name]
    data = json.encode(to_plain(tree))
    decoder = msgspec.json.Decoder()
    # It does not read NaN, so that it cannot be compared with where there is one.
    others = {} if b"NaN" in data else {"msgspec": lambda: decoder.decode(data)}
    compare(
        f"decode JSON: {name}",
        lambda: from_plain(json.decode(data)),
        {**others, "json": lambda: standard_json.loads(data)},
        number,
    )


@pytest.mark.parametrize("name", TREES)
def test_encode_xml(compare, name):
    """Beside what builds the same elements and indents them by ElementTree."""
    tree, number = TREES[name]
    plain = to_plain(tree)

    def by_hand():
        root = ET.Element("measurement")
        elements(root, plain["measurement"])
        ET.indent(root)
        return ET.tostring(root)

    compare(
        f"encode as XML: {name}",
        lambda: xml.encode(to_plain(tree)),
        {"ElementTree": by_hand},
        max(1, number // 5),
    )


def elements(parent, tree):
    for key, child in tree.items():
        element = ET.SubElement(parent, key)
        if isinstance(child, dict):
            elements(element, child)
        elif isinstance(child, list):
            ET.SubElement(element, "count").text = str(len(child))
            for item in child:
                ET.SubElement(element, "item").text = repr(item)
        else:
            element.text = str(child)


@pytest.mark.parametrize("name", TREES)
def test_decode_xml(compare, name):
    """Beside ElementTree alone, which leaves texts and elements."""
    tree, number = TREES[name]
    data = xml.encode(to_plain(tree))
    compare(
        f"decode XML: {name}",
        lambda: from_plain(xml.decode(data)),
        {"ElementTree": lambda: ET.fromstring(data)},
        max(1, number // 5),
    )


@pytest.mark.parametrize("size", [1_000, pytest.param(10_000, marks=pytest.mark.full)])
def test_read_xml_measurements(compare, tmp_path, size):
    """All trees of an experiment, beside reading each file and parsing it by ElementTree alone."""
    e = coma.Experiment(tmp_path / "e", durable=False, config={"archive_default_format": "xml"})
    e.run(
        lambda a: {"t": a / 3, "t_": a / 7, "n": 17, "label": "exact"},
        {"a": list(range(size))},
        progress=False,
    )

    def ours():
        assert sum(1 for _ in coma.Experiment(tmp_path / "e", "r").measurements()) == size

    def alone():
        for path in sorted(Path(tmp_path, "e").glob("measurement.0*.xml")):
            ET.fromstring(path.read_bytes())

    compare(f"read {size:,} XML measurements", ours, {"ElementTree alone": alone}, 1)

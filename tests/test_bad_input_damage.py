"""Every cut and every flipped bit of every kind of file: a value, or an error or warning that names the file."""

from __future__ import annotations

import pytest

from tests.bad_files import damaged, experiment
from tests.examiner import Case, examine

pytestmark = pytest.mark.ci

JSON, XML = experiment("json"), experiment("xml")
ARCHIVE, XML_ARCHIVE = experiment("json", archived=True), experiment("xml", archived=True)
PACKED, XML_PACKED = (experiment(format, archived=True, compress=True) for format in ("json", "xml"))

KINDS = [
    ("measurement.000002.json", JSON),
    ("measurement.000002.xml", XML),
    ("experiment.none.json", JSON),
    ("experiment.none.xml", XML),
    ("experiment.none.json", ARCHIVE),
    ("experiment.none.xml", XML_ARCHIVE),
    ("experiment.none.json.gz", PACKED),
    ("experiment.none.xml.gz", XML_PACKED),
    ("failure.000003.json", JSON),
    ("coma.json", JSON),
    ("coma.json", ARCHIVE),
    ("measurement.index.json", JSON),
]
# Of all cases one in so many, with --ci and with --full; no number shares a factor with the eight bits of a byte.
DECODED, OPENED, MENDED = 3, 83, 997


def every(how, step=1):
    return [case for name, files in KINDS for case in damaged(name, files, how, step)]


def test_the_files_are_sound_before_they_are_damaged():
    sound = [
        Case(name, {name: files[name], **{other: files[other] for other in files if other != name}}, "repair")
        for name, files in KINDS
    ]
    assert examine(sound).outcomes == {"value": len(KINDS)}


@pytest.mark.parametrize("step", [DECODED, pytest.param(1, marks=pytest.mark.full)])
def test_every_text_is_decoded_or_refused(step, report_line, tally):
    report = examine(every("text", step))
    assert report.outcomes.keys() <= {"value", "DataFileError"}
    report_line(f"cut at every byte, or with any bit flipped, and decoded: {report}")
    tally("bad inputs").add(sum(report.outcomes.values()))


@pytest.mark.parametrize("step", [OPENED, pytest.param(5, marks=pytest.mark.full)])
def test_every_experiment_is_read_as_far_as_it_is_sound(step, report_line, tally):
    """The other measurements are returned, nothing is written, and verify() says what is wrong."""
    report = examine(every("experiment", step))
    assert report.memory < 100 * 2**20
    report_line(f"cut or with a bit flipped, and opened in an experiment: {report}")
    tally("bad inputs").add(sum(report.outcomes.values()))


@pytest.mark.parametrize("step", [MENDED, pytest.param(31, marks=pytest.mark.full)])
def test_mending_loses_nothing(step, report_line, tally):
    """verify(repair=True) keeps all that could be read, and finds nothing to mend a second time."""
    report = examine(every("repair", step))
    report_line(f"cut or with a bit flipped, and mended: {report}")
    tally("bad inputs").add(sum(report.outcomes.values()))

"""Only names that a template would give are taken for its files."""

from __future__ import annotations

import pytest

from coma_xr.errors import ConfigError
from coma_xr.store.config import Names

NAMES = Names("measurement.${measurement_id}", "${measurement_id}")


@pytest.mark.parametrize("id", [1, 12, 999_999, 1_000_000, 123_456_789_012])
def test_a_name_gives_its_id_back(id):
    assert NAMES.id_of(NAMES.name(id)) == id


@pytest.mark.parametrize(
    "name",
    [
        "measurement.000000.json",
        "measurement.12.json",
        "measurement.0000012.json",
        "measurement.000012.json~",
        "measurement.000012.JSON",
        "measurement.000012.xml",
        "measurement.-00012.json",
        "measurement.+00012.json",
        "measurement.00 012.json",
        "measurement.1_0012.json",
        "measurement.٠٠٠٠١٢.json",
        "measurement.²²²²²².json",
        "measurement.none.json",
        "measurement.index.json",
        "measurement..json",
        "measurement.json",
        "xmeasurement.000012.json",
        "measurement.9999999999999999999999.json",
    ],
)
def test_a_name_that_almost_fits_is_none(name):
    assert NAMES.id_of(name) is None


def test_a_template_is_no_pattern():
    names = Names("m(.+)[${measurement_id}]", "${measurement_id}")
    assert names.name(3) == "m(.+)[000003].json"
    assert names.id_of("mxx[000003].json") is None
    assert names.id_of("m(.+)[000003].json") == 3


def test_none_is_a_name_of_an_experiment():
    names = Names("experiment.${experiment_id}", "${experiment_id}", first=0)
    assert names.name(None) == "experiment.none.json"
    assert names.owns("experiment.none.json")
    assert names.owns("experiment.000000.json")
    assert not names.owns("experiment.1.json")


@pytest.mark.parametrize(
    ("template", "text"),
    [
        (
            "measurement",
            r"measurement_file: expected a name with \$\{measurement_id\} once, found 'measurement'\.",
        ),
        ("${measurement_id}.${measurement_id}", "measurement_file: expected a name with"),
        ("../${measurement_id}", "measurement_file: expected one plain file name, without a leading dot"),
        ("/tmp/${measurement_id}", "expected one plain file name"),
        ("a\\${measurement_id}", "expected one plain file name"),
        ("a\0${measurement_id}", "expected one plain file name"),
        ("a\n${measurement_id}", "expected one plain file name"),
        (".${measurement_id}", "expected one plain file name"),
        ("m" * 200 + "${measurement_id}", "measurement_file: expected a name of at most 200 bytes"),
        ("run2${measurement_id}", r"measurement_file: a digit next to \$\{measurement_id\} in 'run2"),
        ("${measurement_id}0", "measurement_file: a digit next to"),
    ],
)
def test_a_template_that_gives_no_plain_names_is_refused(template, text):
    with pytest.raises(ConfigError, match=text):
        Names(template, "${measurement_id}")


def test_names_are_equal_when_they_give_the_same():
    assert Names("m.${measurement_id}", "${measurement_id}") == Names("m.${a_id}", "${a_id}")
    assert len({NAMES, Names("m.${measurement_id}", "${measurement_id}")}) == 2
    assert repr(NAMES) == "Names('measurement.000001.json', ...)"

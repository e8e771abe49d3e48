"""Settings come from a file or a mapping, and every one that cannot be used is named."""

from __future__ import annotations

import pytest

from coma_xr.errors import ComaWarning, ConfigError
from coma_xr.store.config import Config, configuration_directory, create_default_config, load_config
from coma_xr.text import beginning_with


@pytest.mark.parametrize("others", [[], ["measurement.000007.json\n", "a\nmeasurement.000008.json\nb"]])
def test_names_are_found_among_others(others):
    "Names with line feeds are others, and nothing in them is a name."
    names = Config.of({}).measurements()
    mine = ["measurement.000002.json", "measurement.000001.json", "measurement.1234567.json"]
    others = [*others, "measurement.0000001.json", "measurement.000003.jsonx", "x.measurement.000004.json"]
    assert names.find([*others, *mine, "measurement.000000.json"]) == ([2, 1, 1234567], mine)
    assert beginning_with("measurement.0000", [*others, *mine]) == [
        name for name in (*others, *mine) if name.startswith("measurement.0000")
    ]


def test_the_defaults_are_those_of_coma_2():
    config = Config.of({})
    assert config.experiment_file == "experiment.${experiment_id}"
    assert config.measurement_file == "measurement.${measurement_id}"
    assert config.experiment_index == "experiment.index"
    assert config.measurement_index == "measurement.index"
    assert (config.archive_default_format, config.archive_pretty_print) == ("json", True)
    assert (config.serializer_getstate, config.serializer_setstate) == ("coma_getstate", "coma_setstate")


def test_none_reads_the_file_and_an_empty_mapping_does_not(empty_configuration):
    assert Config.of(None) == Config()
    (empty_configuration / "preferences.conf").write_text("[coma]\narchive_pretty_print = no\n")
    assert Config.of(None).archive_pretty_print is False
    assert Config.of({}).archive_pretty_print is True
    assert Config.of(load_config()).archive_pretty_print is False
    assert Config.of(Config(measurement_file="m${measurement_id}")).measurement_file == "m${measurement_id}"


def test_placeholders_and_percent_signs_are_left_alone(tmp_path):
    path = tmp_path / "my.conf"
    path.write_text("[coma]\nmeasurement_file = 100%.${measurement_id}\n")
    assert load_config(str(path)) == {"measurement_file": "100%.${measurement_id}"}


def test_a_name_is_looked_for_here_and_then_in_the_configuration_directory(
    tmp_path, monkeypatch, empty_configuration
):
    monkeypatch.chdir(tmp_path)
    (empty_configuration / "my.conf").write_text("[coma]\nmeasurement_index = there\n")
    assert load_config("my.conf") == {"measurement_index": "there"}
    (tmp_path / "my.conf").write_text("[coma]\nmeasurement_index = here\n")
    assert load_config("my.conf") == {"measurement_index": "here"}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (None, r"my\.conf: there is no such file\."),
        ("", r"my\.conf: has no section \[coma\]\.\nAvailable: none\."),
        ("[como]\n", r"my\.conf: has no section \[coma\]\.\nAvailable: como\.\nDid you mean 'como'\?"),
        ("nonsense", r"my\.conf: cannot be read: "),
        ("[coma]\na = 1\na = 2\n", r"my\.conf: cannot be read: .* option 'a' .* already exists"),
        (b"[coma]\n\xff = 1\n", r"my\.conf: cannot be read: "),
    ],
)
def test_a_file_that_cannot_be_used_is_an_error(tmp_path, text, error):
    path = tmp_path / "my.conf"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError, match=f"(?s){error}"):
        load_config(str(path))


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"archive_pretty_print": "perhaps"}, "archive_pretty_print: expected yes or no, found 'perhaps'"),
        ({"archive_pretty_print": 3}, "archive_pretty_print: expected yes or no, found 3"),
        ({"archive_default_format": "yaml"}, "archive_default_format: expected json or xml, found 'yaml'"),
        ({"archive_strict_json": "perhaps"}, "archive_strict_json: expected yes or no, found 'perhaps'"),
        ({"measurement_file": 3}, "measurement_file: expected text, found 3"),
        ({"measurement_file": "m"}, "measurement_file: expected a name with"),
        ({"experiment_file": "e" + 2 * "${experiment_id}"}, "experiment_file: expected a name with"),
        ({"experiment_index": ""}, "experiment_index: path='' is not a path"),
        ({"measurement_index": "a/b"}, "measurement_index: expected one plain file name"),
        ({"serializer_getstate": "get state"}, "serializer_getstate: expected the name of a method"),
        (
            {"experiment_file": "m.${experiment_id}", "measurement_file": "m.${measurement_id}"},
            "experiment_file and measurement_file: expected names that differ",
        ),
        ({"measurement_file": "failure.${measurement_id}"}, "and from 'failure.000001.json', found"),
        (
            {"measurement_index": "measurement.000001"},
            "measurement_index: 'measurement.000001.json' would be counted as another kind of file",
        ),
        ({"measurement_index": "experiment.none"}, "would be counted as another kind of file"),
        (["a"], "config: expected a mapping of options, found a list"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(settings, error):
    with pytest.raises(ConfigError, match=error):
        Config.of(settings)


def test_an_unknown_option_is_said_with_near_names():
    with pytest.warns(
        ComaWarning, match=r"Unknown option 'archive_prety_print' .* Did you mean 'archive_pretty_print'"
    ):
        assert Config.of({"archive_prety_print": "no"}) == Config()


def test_the_configuration_directory_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("COMA_CONFIG_DIR", str(tmp_path / "a"))
    assert configuration_directory() == str(tmp_path / "a")
    monkeypatch.delenv("COMA_CONFIG_DIR")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "b"))
    assert configuration_directory() == str(tmp_path / "b" / "coma")
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "c"))
    assert configuration_directory() == str(tmp_path / "c" / ".config" / "coma")


def test_the_default_files_are_made_and_said_as_in_the_tutorial(monkeypatch, tmp_path, capsys):
    directory = tmp_path / "coma"
    monkeypatch.setenv("COMA_CONFIG_DIR", str(directory))
    create_default_config()
    assert capsys.readouterr().out == (
        f"Creating directory {directory}\n"
        f'Creating config file "{directory}/preferences.conf"\n'
        f'Creating experiment index "{directory}/experiment.index"\n'
    )
    assert Config.of(None) == Config()
    assert len(load_config()) == 8
    text = '{\n  "experiments": {\n    "last_experiment_id": 0\n  }\n}'
    assert (directory / "experiment.index.json").read_text() == text


def test_default_files_that_exist_are_left_alone(empty_configuration, capsys):
    (empty_configuration / "preferences.conf").write_text("mine")
    create_default_config(create_experiment_index=False)
    assert capsys.readouterr().out == (
        f"Directory {empty_configuration} already exists\n"
        f'Config file "{empty_configuration}/preferences.conf" already exists\n'
    )
    assert (empty_configuration / "preferences.conf").read_text() == "mine"
    assert [path.name for path in empty_configuration.iterdir()] == ["preferences.conf"]

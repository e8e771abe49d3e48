"""``coma-xr config``."""


def test_the_settings_in_force_are_shown(run, empty_configuration):
    said = run("config", "--show")
    assert said.code == 0
    assert said.out[0] == f"# the defaults, since {empty_configuration}/preferences.conf does not exist"
    assert "measurement_file = measurement.${measurement_id}" in said.out
    assert "archive_pretty_print = yes" in said.out
    assert (
        said.out[-1]
        == f"# new experiments are not numbered, since there is no index {empty_configuration}/experiment.index.json"
    )


def test_the_settings_are_written_once(run, empty_configuration):
    said = run("config")
    assert said.code == 0
    assert said.out[1] == f'Creating config file "{empty_configuration}/preferences.conf"'
    path = empty_configuration / "preferences.conf"
    path.write_text("[coma]\narchive_default_format = xml\n")
    assert "already exists" in run("config").out[1]
    shown = run("config", "--show").out
    assert shown[0] == f"# {path}"
    assert "archive_default_format = xml" in shown
    assert shown[-1] == f"# new experiments are numbered by {empty_configuration}/experiment.index.json"


def test_settings_in_the_working_directory_are_named(run, tmp_path, monkeypatch, empty_configuration):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "preferences.conf"
    path.write_text("[coma]\narchive_default_format = xml\n")
    shown = run("config", "--show").out
    assert shown[0] == f"# {path}"
    assert "archive_default_format = xml" in shown


def test_without_an_index_experiments_have_no_numbers(run, empty_configuration):
    assert run("config", "--no-index").code == 0
    assert [path.name for path in empty_configuration.iterdir()] == ["preferences.conf"]


def test_settings_that_cannot_be_read_are_told_whatever_is_asked(e, run, empty_configuration):
    (empty_configuration / "preferences.conf").write_text("[coma]\narchive_default_format = yaml\n")
    for words in (["config", "--show"], ["ls"], ["show", "inverse"]):
        assert run(*words) == (
            1,
            [],
            ["coma-xr: archive_default_format: expected json or xml, found 'yaml'."],
        )

"""``coma-xr remove``, ``deactivate``, ``activate``, ``verify`` and ``merge``."""

import io
import os
import shutil

import pytest

import coma_xr as coma


class Terminal(io.StringIO):
    def isatty(self):
        return True


def numbers(e):
    return [m.id for m in e.measurements()]


LISTED = ["id  a  name", " 5  2  left", " 6  2  right"]


def test_what_would_be_removed_is_listed_and_stays(e, run):
    assert run("remove", "inverse", "--where", "a > 1") == (
        1,
        LISTED,
        ["coma-xr: nothing was moved; --yes moves 2 measurements"],
    )
    assert numbers(e) == [3, 4, 5, 6]


@pytest.mark.parametrize("words", [["--where", "a > 1"], ["5", "6", "5"]])
def test_what_is_removed_is_moved_to_where_it_can_be_put_back(e, run, words):
    said = run("remove", "inverse", *words, "--yes")
    assert (said.code, said.err) == (0, [])
    moved = f"moved 2 measurements to {e.path}/removed"
    assert said.out == [*LISTED, moved, "`coma-xr restore inverse 5 6` puts them back"]
    assert numbers(e) == [3, 4]
    assert len(list(e.path.glob("removed/*/measurement.*"))) == 2


def test_what_was_removed_is_listed_and_put_back(e, run):
    run("remove", "inverse", 5, 6, "--yes", "--reason", "lamp off")
    said = run("restore", "inverse")
    assert [line.split()[:3] for line in said.out] == [
        *(["id", "a", "name"], ["5", "2", "left"], ["6", "2", "right"])
    ]
    assert all("lamp off" in line for line in said.out[1:])
    assert run("restore", "inverse", "--where", "name == 'right'").out == [
        f"restored 1 measurement in {e.path}"
    ]
    assert numbers(e) == [3, 4, 6]
    assert run("restore", "inverse", "--all").code == 0
    assert numbers(e) == [3, 4, 5, 6]
    assert run("restore", "inverse", 7).err[0].startswith("coma-xr: No measurement 7 was removed")
    assert "exclude each other" in run("restore", "inverse", 7, "--all").err[0]


@pytest.mark.parametrize(
    ("answer", "left"),
    [("y\n", [3, 4]), ("YES\n", [3, 4]), ("\n", [3, 4, 5, 6]), ("no\n", [3, 4, 5, 6]), ("", [3, 4, 5, 6])],
)
def test_in_a_terminal_it_asks(e, run, monkeypatch, answer, left):
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    said = run("remove", "inverse", "--where", "a > 1")
    assert said.out[3].startswith("Move 2 measurements away? [y/N] ")
    assert said.code == (0 if left == [3, 4] else 1)
    assert numbers(e) == left


def test_what_cannot_be_removed_is_told_before_anything_is(e, run):
    assert run("remove", "inverse", 5, 99, "--yes").err[0].startswith("coma-xr: There is no measurement 99.")
    assert run("remove", "inverse", "--where", "a > 7", "--yes").err == [
        "coma-xr: warning: None of the 4 measurements fulfils the condition a > 7.",
        "coma-xr: nothing was moved",
    ]
    e.deactivate()
    assert run("remove", "inverse", 5, "--yes") == (
        1,
        [],
        [
            "coma-xr: inverse is inactive, so that nothing can be removed. Activate it: coma-xr activate inverse."
        ],
    )
    assert numbers(e) == [3, 4, 5, 6]


@pytest.mark.parametrize("words", [[], ["3", "--where", "a > 1"], ["three"], ["--wehre", "a > 1"]])
def test_it_must_be_said_what_to_remove(e, run, words):
    said = run("remove", "inverse", *words, "--yes")
    assert (said.code, said.out) == (2, [])
    assert numbers(e) == [3, 4, 5, 6]


@pytest.mark.parametrize(
    "words", [["remove", "nothing", "1", "--yes"], ["activate", "nothing"], ["merge", "nothing", "inverse"]]
)
def test_what_changes_an_experiment_makes_none(e, here, run, words):
    said = run(*words)
    assert (said.code, said.err) == (1, ["coma-xr: 'nothing' does not exist. Available: inverse."])
    assert sorted(os.listdir(here)) == ["inverse"]


def test_an_experiment_is_deactivated_and_activated(e, run):
    assert run("deactivate", "inverse") == (
        0,
        [f"moved 4 measurements into {e.path}/experiment.none.json"],
        [],
    )
    assert not e.isactive()
    assert run("deactivate", "inverse") == (
        1,
        [],
        [f"coma-xr: The experiment in {e.path} is already inactive."],
    )
    assert run("activate", "inverse") == (0, [f"moved 4 measurements into files in {e.path}"], [])
    assert run("activate", "inverse").code == 1
    assert run("deactivate", "inverse", "--compress").out == [
        f"moved 4 measurements into {e.path}/experiment.none.json.gz"
    ]
    assert numbers(e) == [3, 4, 5, 6]


def test_a_good_experiment_is_said_to_be_good(e, run):
    assert run("verify", "inverse") == (0, ["inverse: no faults, 4 measurements"], [])
    assert run("verify", "inverse", "--json") == (0, ["[]"], [])


def test_what_cannot_be_checked_hides_no_other(e, here, run):
    told = "coma-xr: 'nosuch' does not exist. Available: inverse."
    assert run("verify", "nosuch", "inverse", "nosuch") == (
        1,
        ["inverse: no faults, 4 measurements"],
        [told, told],
    )
    assert run("verify", "nosuch", "--json") == (1, ["[]"], [told])


def test_what_is_wrong_is_told_and_mended_when_asked(e, here, run):
    coma.Experiment("good")
    (e.path / "measurement.000005.json").write_bytes(b"")
    said = run("verify", "good", "inverse")
    assert said.code == 1
    assert said.out == [
        "good: no faults, 0 measurements",
        "inverse: measurement.000005.json is empty, as a power cut leaves it. To repair it: move it to removed.",
        "`coma-xr verify inverse --repair` does this.",
    ]
    [told] = run("verify", "inverse", "--json").json
    assert (told["path"], told["file"], told["kind"], told["done"]) == (
        "inverse",
        "measurement.000005.json",
        "empty",
        False,
    )
    said = run("verify", "inverse", "--repair")
    assert said.code == 0
    assert said.out[0].endswith("Repaired: move it to removed.")
    assert run("verify", "inverse").code == 0


def test_what_cannot_be_mended_is_told_by_the_exit_code(e, run):
    (e.path / "measurement.000005.json").write_text("{}")
    assert run("verify", "inverse", "--repair").code == 1


@pytest.fixture
def copy(e):
    shutil.copytree("inverse", "copy")
    copy = coma.Experiment("copy")
    copy.remove([4])
    copy.run(
        lambda a, name: {"y": a, "both": [a, -a]}, {"a": [7], "name": ["left"]}, progress=False, code="accept"
    )
    return copy


def test_copies_are_merged(e, copy, run):
    assert run("merge", "inverse", "copy") == (0, ["copy: added 1 measurement, 3 exist already"], [])
    assert numbers(e) == [3, 4, 5, 6, 7]
    assert run("merge", "inverse", "copy", "--json").json == [{"path": "copy", "added": {}, "equal": 4}]


def test_of_conflicts_nothing_is_written_unless_both_are_to_be_kept(e, copy, run):
    path = copy.path / "measurement.000003.json"
    path.write_text(path.read_text().replace('"y": 1.0', '"y": 1.5'))
    said = run("merge", "inverse", "copy")
    assert (said.code, said.out) == (1, [])
    text = "\n".join(said.err)
    assert "with other results: 3 there and 3 here. Nothing was added." in text
    assert "--keep-both adds them" in text
    assert "--repeats append adds them" in text
    assert "keep_both=" not in text
    assert numbers(e) == [3, 4, 5, 6]
    assert run("merge", "inverse", "copy", "--keep-both").out == [
        "copy: added 2 measurements, 2 exist already"
    ]


@pytest.mark.parametrize(("command", "lacking"), [("merge", "COPY"), ("export", "FILE")])
def test_a_command_names_what_is_missing_behind_the_experiment(e, run, command, lacking):
    text = f"coma-xr: {lacking} is missing. Expected coma-xr {command} inverse {lacking}."
    assert run(command, "inverse") == (2, [], [text])


def test_an_experiment_is_not_merged_into_itself(e, run):
    assert run("merge", "inverse", "./inverse/") == (
        1,
        [],
        ["coma-xr: inverse cannot be merged into itself. Expected another experiment."],
    )


def test_marks_and_annotations_are_listed_set_and_taken_away(e, run, monkeypatch):
    assert [run(name, "inverse").out for name in ("exclude", "restore")] == [
        ["nothing excluded"],
        ["nothing removed"],
    ]
    assert run("exclude", "inverse", "--where", "a == 1", "--reason", "lamp off").out == [
        "excluded: 2 measurements of inverse"
    ]
    monkeypatch.chdir(e.path)
    assert run("exclude").out == ["id  reason", " 3  lamp off", " 4  lamp off"]
    assert run("exclude", 3, 4, "--undo").out == ["included again: 2 measurements of ."]
    assert run("exclude", 3).code == 2
    assert run("annotate").out == ["path       units  long_name", "results/y  m      height"]
    assert run("annotate", "y", "--units", "", "--long-name", "level").out == [
        "path       long_name",
        "results/y  level",
    ]
    assert "Did you mean 'scale'?" in run("annotate", "scle", "--units", "m").err
    assert run("show", 3).out[0] == "measurement 3"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_names_commands_and_their_options(run, shell):
    said = run("completion", shell)
    text = "\n".join(said.out)
    assert said.code == 0
    # File names do not complete a command.
    assert shell != "fish" or "complete -c coma-xr -f -n __fish_use_subcommand -a run" in text
    assert all(word in text for word in ("annotate", "max-workers", "hue", "traceback", "bash zsh fish"))


def test_what_was_not_excluded_is_not_included_again(e, here, run):
    run("exclude", "inverse", 3, "--reason", "lamp off")
    assert run("exclude", "inverse", 1, "--undo").out == ["included again: 0 measurements of inverse"]
    assert run("exclude", "inverse", 1, 3, "--undo").out == ["included again: 1 measurement of inverse"]
    assert e.exclude([1, 3], None) == []


def test_a_wrong_id_is_reported_before_a_missing_reason(e, here, run):
    for wrong in ([99], ["--where", "nosuch > 1"]):
        said = run("exclude", "inverse", *wrong)
        assert said.code == 1
        assert str(wrong[-1]).split()[0] in said.err[0]
    said = run("exclude", "inverse", 3)
    assert (said.code, said.err[-1]) == (2, "coma-xr: expected --reason TEXT, or --undo")


def test_repeats_are_told_apart_when_they_are_removed(here, run):
    e = coma.Experiment("noisy")
    e.run(lambda x, rng: {"y": rng.random()}, {"x": [1]}, repeats=2, progress=False)
    assert run("remove", "noisy", 1, 2, "--yes").out[:3] == [
        "id  x  repeat",
        " 1  1       0",
        " 2  1       1",
    ]
    assert e.removed()["repeat"].tolist() == [0, 1]
    assert run("restore", "noisy").out[0].split()[:3] == ["id", "x", "repeat"]


def test_verify_prints_the_command_that_removes_a_copy(here, run):
    e = coma.Experiment("squares")
    e.run(lambda x: {"y": x * x}, {"x": [1, 2]}, progress=False)
    shutil.copy("squares/measurement.000001.json", "squares/measurement.000003.json")
    said = run("verify", "squares")
    assert said.code == 1
    assert "`coma-xr remove squares 3` moves copies to removed." in said.out
    assert run("remove", "squares", 3, "--yes").code == 0
    assert run("verify", "squares").code == 0

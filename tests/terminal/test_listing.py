"""``coma-xr ls``."""

import errno
import os
import shutil

import coma_xr as coma
from coma_xr import files


def test_it_lists_what_is_below_a_directory(e, here, run):
    coma.Experiment(here / "more" / "empty", id=7)
    (here / "notes.txt").write_text("")
    said = run("ls")
    assert said == (
        0,
        [
            "id  path        measurements  failures  state   description  tags",
            "    inverse                4         2  active  One over a   test, small",
            " 7  more/empty             0         0  active",
        ],
        [],
    )
    assert run("ls", "more").out[1].split() == ["7", "more/empty", "0", "0", "active"]
    assert run("ls", "more", "inverse", "--json").json[1] == {
        "id": None,
        "path": "inverse",
        "measurements": 4,
        "failures": 2,
        "state": "active",
        "description": "One over a",
        "tags": ["test", "small"],
        "start_date": e.start_date,
        "end_date": e.end_date,
    }


def test_inactive_packed_and_xml_experiments_are_listed(e, here, run):
    shutil.copytree("inverse", "packed")
    coma.Experiment("packed").deactivate(compress=True)
    xml = coma.Experiment("xml", config={"archive_default_format": "xml"})
    xml.run(lambda a: {"y": a}, {"a": [1]}, progress=False)
    xml.deactivate()
    assert [(row["path"], row["measurements"], row["state"]) for row in run("ls", "--json").json] == [
        ("inverse", 4, "active"),
        ("packed", 4, "inactive"),
        ("xml", 1, "inactive"),
    ]


def test_archives_that_share_a_directory_are_listed_by_their_files(e, here, run):
    (here / "all").mkdir()
    for number in (1, 2):
        copy = coma.Experiment(here / f"copy{number}", id=number)
        copy.deactivate()
        shutil.move(here / f"copy{number}" / f"experiment.00000{number}.json", here / "all")
    shutil.move(here / "inverse", here / "all" / "inverse")
    assert [row["path"] for row in run("ls", "all", "--json").json] == [
        "all/experiment.000001.json",
        "all/experiment.000002.json",
        "all/inverse",
    ]


def test_a_broken_one_is_told_in_a_line_and_the_others_are_listed(e, here, run):
    shutil.copytree("inverse", "broken")
    (here / "broken" / "experiment.none.json").write_text('{"experiment":\n')
    shutil.copytree("inverse", "half")
    (here / "half" / "measurement.000003.json").write_text("{\n{")
    said = run("ls")
    assert said.code == 1
    assert [line.split()[0] for line in said.out] == ["id", "half", "inverse"]
    [first, second] = said.err
    assert first.startswith(f"coma-xr: {here}/broken/experiment.none.json: not valid JSON")
    assert second.startswith(f"coma-xr: {here}/half/measurement.000003.json: not valid JSON")


def test_what_is_not_there_is_told(e, here, run):
    (here / "notes.txt").write_text("")
    assert run("ls", "nothing", "notes.txt") == (
        1,
        [],
        [
            "coma-xr: 'nothing' does not exist. Available: inverse.",
            f"coma-xr: {here}/notes.txt is a file. Expected the directory of an experiment, or its experiment file.",
        ],
    )


def test_an_empty_directory_has_no_experiments(here, run):
    assert run("ls") == (
        0,
        [],
        ["coma-xr: no experiments below .; `coma-xr run` and `coma-xr demo` create one"],
    )
    assert run("ls", "--json") == (0, ["[]"], [])


def test_links_that_lead_in_circles_are_followed_once(e, here, run):
    os.symlink(here, here / "inverse" / "up")
    assert [row["path"] for row in run("ls", "--json").json] == ["inverse"]


def test_a_directory_that_may_not_be_listed_is_told(e, here, run, monkeypatch):
    names = files.names

    def refuse(path):
        if path == "secret":
            raise files.refusal(PermissionError(errno.EACCES, ""), "list", path)
        return names(path)

    (here / "secret").mkdir()
    monkeypatch.setattr(files, "names", refuse)
    said = run("ls")
    assert (said.code, len(said.out)) == (1, 2)
    [line] = said.err
    assert line.startswith("coma-xr: [Errno 13] cannot list secret: permission denied; check the owner")


def test_a_description_cannot_steer_the_terminal(here, run):
    coma.Experiment("e", description="two\nlines \x1b[31mred")
    assert run("ls").out[1].endswith(r"two lines \x1b[31mred")

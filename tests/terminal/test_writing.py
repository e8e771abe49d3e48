"""``coma-xr export`` and ``plot``."""

import numpy as np
import pytest
import xarray as xr

import coma_xr as coma
from coma_xr.plotting import draw as module


@pytest.mark.parametrize("name", ["out.csv", "out.nc", "out.json"])
def test_what_is_exported_is_what_the_experiment_exports(e, here, run, name):
    assert run("export", "inverse", name) == (0, [f"wrote {name}"], [])
    e.export("expected-" + name)
    got, expected = coma.load(name), coma.load("expected-" + name)
    assert got.identical(expected) if isinstance(got, xr.Dataset) else got.equals(expected)


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--height", "abc", "a number"),
        ("--col-wrap", "1.5", "an integer"),
        ("--levels", "a,b", "an integer, or numbers separated by commas"),
    ],
)
def test_an_option_that_is_no_number_says_what_was_expected(e, run, option, value, expected):
    said = run("plot", "inverse", option, value)
    assert (said.code, said.err[-1]) == (
        2,
        f"coma-xr: argument {option}: expected {expected}, found {value!r}",
    )


def test_nothing_is_overwritten_unless_it_is_asked_for(e, here, run):
    (here / "out.csv").write_text("mine")
    text = "this file exists already. Choose another name or pass --overwrite."
    assert run("export", "inverse", "out.csv") == (1, [], [f"coma-xr: out.csv: {text}"])
    assert (here / "out.csv").read_text() == "mine"
    assert run("export", "inverse", "out.csv", "--overwrite").code == 0
    assert coma.load("out.csv").y.tolist() == [1.0, 1.0, 0.5, 0.5]
    (here / "out.png").write_text("mine")
    assert run("plot", "inverse", "-x", "a", "-y", "y", "--hue", "name", "-o", "out.png") == (
        1,
        [],
        [f"coma-xr: out.png: {text}"],
    )
    assert (
        run("plot", "inverse", "-x", "a", "-y", "y", "--hue", "name", "-o", "out.png", "--overwrite").code
        == 0
    )
    assert (here / "out.png").read_bytes().startswith(b"\x89PNG")


def test_a_condition_chooses_what_is_exported(e, here, run):
    assert run("export", "inverse", "out.csv", "--where", "a > 1 and name == 'left'").code == 0
    assert coma.load("out.csv").a.tolist() == [2]


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (
            "a >",
            [
                "coma-xr: The condition is incomplete. Expected a name or a value here.",
                "    a >",
                "       ^",
            ],
        ),
        ("a > 'x'", ["coma-xr: 1 (a number) and 'x' (text) cannot be put in order."]),
        ("b > 1", ["coma-xr: No measurement has a path or name 'b'."]),
        (
            "a == 5",
            [
                "coma-xr: warning: None of the 4 measurements fulfils the condition a == 5. The value of a nearest",
                "coma-xr: No measurement in ",
            ],
        ),
    ],
)
@pytest.mark.parametrize("words", [["export", "inverse", "out.csv"], ["plot", "inverse", "-o", "out.png"]])
def test_a_condition_that_cannot_be_used_is_told_and_nothing_written(e, here, run, words, condition, message):
    said = run(*words, "--where", condition)
    assert (said.code, said.out) == (1, [])
    for line, beginning in zip(said.err, message, strict=False):
        assert line.startswith(beginning)
    assert sorted(path.name for path in here.iterdir()) == ["inverse"]


def test_a_name_that_says_no_format_is_an_error(e, run):
    line = run("export", "inverse", "out.xls").err[0]
    assert line.startswith("coma-xr: 'out.xls' does not end in a known format.")
    said = run("plot", "inverse", "-o", "out.pgn")
    assert said.code == 1
    assert said.err[0].startswith("coma-xr: out.pgn: a figure cannot be saved in this format.")
    assert "Did you mean '.png'" in " ".join(said.err)


def test_a_plot_goes_by_default_into_the_working_directory(e, here, run):
    e.deactivate()
    (here / "elsewhere").mkdir()
    e.path.rename(here / "elsewhere" / "inverse")
    words = ["plot", "elsewhere/inverse", "-x", "a", "-y", "y", "--col", "name"]
    assert run(*words) == (0, ["wrote inverse.png"], [])
    assert (here / "inverse.png").read_bytes().startswith(b"\x89PNG")


def test_two_percentiles_and_an_open_limit_are_those_of_coma_plot(e, run, monkeypatch):
    seen, draw = {}, module.draw
    monkeypatch.setattr(module, "draw", lambda data, **given: (seen.update(given), draw(data, **given))[1])
    e = coma.Experiment("noisy")
    e.run(lambda x, rng: {"y": rng.random()}, {"x": [1, 2]}, repeats=3, progress=False)
    words = ["plot", "noisy", "-x", "x", "-y", "y", "--ylim", "0", "None", "--overwrite"]
    for error, expected in (
        ("percentile,5,95", ("percentile", (5, 95))),
        ("percentile,5,95,repeat", ("percentile", (5, 95), "repeat")),
        ("percentile,90", ("percentile", 90)),
    ):
        said = run(*words, "--error", error)
        assert (said.code, seen["error"], seen["ylim"]) == (0, expected, ["0", None]), said.err


def test_the_arguments_of_a_plot_are_those_of_coma_plot(e, run, monkeypatch):
    seen, draw = {}, module.draw

    def drawn(data, **arguments):
        seen.update(arguments)
        return draw(data, x="a", y="y", hue="name")

    monkeypatch.setattr(module, "draw", drawn)
    words = "-x theta -y t -y t_ -z E --hue a --style b --row c --col d --error repeat --kind line"
    scales = "--xscale log --yscale symlog --zscale linear"
    assert run("plot", "inverse", *words.split(), *scales.split()).code == 0
    assert seen == {
        "x": "theta",
        "y": ["t", "t_"],
        "z": "E",
        "hue": "a",
        "style": "b",
        "row": "c",
        "col": "d",
        "error": "repeat",
        "kind": "line",
        "xscale": "log",
        "yscale": "symlog",
        "zscale": "linear",
    }


def test_each_setting_of_a_figure_is_an_option(e, run, monkeypatch):
    seen, draw = {}, module.draw

    def drawn(data, **arguments):
        seen.update(arguments)
        return draw(data, **arguments)

    monkeypatch.setattr(module, "draw", drawn)
    words = "-x a -y y --hue name --order right,left --palette red,blue --xlim 0 3 --ylim -1 2 --figsize 3 2"
    more = "--legend none --title T --sharey none --err-style bars --status"
    assert run("plot", "inverse", *words.split(), *more.split()).code == 0
    assert seen == {
        "x": "a",
        "y": "y",
        "hue": "name",
        "order": ["right", "left"],
        "palette": ("red", "blue"),
        "xlim": ["0", "3"],
        "ylim": ["-1", "2"],
        "figsize": [3.0, 2.0],
        "legend": False,
        "title": "T",
        "sharey": "none",
        "err_style": "bars",
        "status": True,
    }
    words = "-x a -y name -z y --kind contour --levels 0,0.6,1 --cmap plasma --vmin 0 --robust --overwrite"
    seen.clear()
    run("plot", "inverse", *words.split())
    assert (seen["levels"], seen["cmap"], seen["vmin"], seen["robust"]) == ([0, 0.6, 1], "plasma", 0, True)
    lines = run("plot", "inverse", "-x", "a", "--cmap", "plasmo", "-y", "name", "-z", "y", "--overwrite").err
    assert "Did you mean 'plasma'" in " ".join(lines)
    seen.clear()
    run("plot", "inverse", "-x", "a", "-y", "y", "--error", "ci,90,repeat", "--overwrite")
    assert seen["error"] == ("ci", 90.0, "repeat")


def test_what_a_plot_lacks_is_said_in_the_words_of_the_terminal(e, run):
    line = "\n".join(run("plot", "inverse", "-x", "a", "-y", "y").err)
    assert "This plot does not use the dim 'name'" in line
    assert "--hue name" in line
    assert """--where "name == 'left'\"""" in line


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("-y z --hue name", "-y z is not a dimension, coordinate or variable"),
        ("-y y --kind pie", "--kind pie is unknown. Available: line,"),
        ("-y y --hue name --order b,c", "--order b,c has no value of anything in this plot."),
        ("-y y --error ci,200", "a part in percent, such as ci,95"),
        ("-y y -y y", "-y y,y names a variable twice."),
        ("-y name -z y --vmin 2 --vmax 1", "--vmin 2.0 is not below the upper limit 1.0."),
        ("-y y --hue name --bins 3", "--bins applies to the kind 'heatmap' and 'hist', and this plot is a"),
        ("-y y --hue name --bins 3", "Leave out --bins, or choose that kind."),
        ("-y y --col name --row a --col-wrap 2", "Leave out --col-wrap."),
        ("-y y --row name --hue-scale log", "Name a variable for --hue, or leave out --hue-scale."),
        (
            "-y y --figsize 3 2 --height 1",
            "--figsize is the size of the whole figure, --height and --aspect are",
        ),
    ],
)
def test_a_mistake_in_a_plot_is_answered_with_its_option(e, run, words, text):
    said = run("plot", "inverse", "-x", "a", *words.split())
    # A mistake that is found without the data is wrong usage.
    assert said.code == (2 if any(option in words for option in ("--vmin", "--kind", "--figsize")) else 1)
    assert text in " ".join(said.err)


def test_the_data_of_a_plot_is_that_of_the_condition(e, run, here):
    assert (
        run("plot", "inverse", "-x", "a", "-y", "y", "--where", "name == 'left'", "-o", "one.svg").code == 0
    )
    assert (here / "one.svg").read_text().count("height [m]") >= 1
    assert np.isfinite(e.to_dataset(where="name == 'left'").y.values).any()


def test_a_report_is_a_page(e, here, run):
    assert run("report", "inverse", "-o", "page.html") == (0, ["wrote page.html"], [])
    page = (here / "page.html").read_text()
    assert "One over a" in page
    assert "ZeroDivisionError" in page
    assert run("report", "inverse", "-o", "page.html").err == [
        "coma-xr: page.html: this file exists already. Choose another name or pass --overwrite."
    ]
    assert run("report", "inverse", "-o", "page.html", "--overwrite").code == 0
    e.deactivate()
    assert run("report", "inverse").out == ["wrote inverse.html"]
    [line] = run("report", "inverse", "-o", "page.txt").err
    assert line.startswith("coma-xr: 'page.txt' is not a name of a report.")


def test_a_picture_is_not_written_into_a_directory_that_does_not_exist(e, here, run):
    said = run("plot", "inverse", "-x", "a", "-y", "y", "--col", "name", "-o", "nowhere/y.png")
    assert (said.code, said.out) == (1, [])
    assert said.err == ["coma-xr: nowhere/y.png: the directory nowhere does not exist; create it first"]
    assert not (here / "nowhere").exists()

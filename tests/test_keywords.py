"""A misspelt keyword gets the same answer from every public function, method and constructor."""

import inspect
import pickle

import pytest

import coma_xr as coma
from coma_xr.plugins.accessor import ComaAccessor

MANY = inspect.Parameter.VAR_KEYWORD
# A Condition is combined by operators; its methods are called by coma_xr.
CLASSES = [
    thing
    for name, thing in ((name, getattr(coma, name)) for name in coma.__all__)
    if isinstance(thing, type) and not issubclass(thing, (Exception, coma.Condition))
]


def doors():
    """Yield each public function and method with its name, unless it takes any keyword."""
    for name in coma.__all__:
        thing = getattr(coma, name)
        if inspect.isfunction(thing):
            yield name, thing
    for kind in [*CLASSES, ComaAccessor]:
        for name, member in inspect.getmembers(kind, inspect.isfunction):
            if name == "__init__" or not name.startswith("_"):
                yield f"{kind.__name__}.{name}", member


def keywords(function):
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is MANY for parameter in parameters):
        return []
    by_name = {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    return [p.name for p in parameters if p.kind in by_name and p.name != "self"]


# Terms are made by P and by other terms.
OURS = {
    name: f
    for name, f in doors()
    if str(f.__module__).startswith("coma_xr") and keywords(f) and name != "Term.__init__"
}


@pytest.mark.parametrize("name", OURS)
def test_a_misspelt_keyword_is_answered_with_the_near_one(name):
    function = OURS[name]
    # Python itself asks for what plot needs before coma_xr sees the others.
    own = [keyword for keyword in keywords(function) if (name, keyword) != ("plot", "data")]
    for keyword in own:
        arguments = (object(),) if "." in name or name == "plot" else ()
        with pytest.raises(coma.ArgumentError, match=r"has no argument") as raised:
            function(*arguments, **{f"{keyword}_": 1})
        assert keyword in raised.value.near or len(keyword) < 3
        assert raised.value.available == tuple(own)
        assert isinstance(raised.value, TypeError)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_messages_name_the_class_of_the_object():
    e = coma.Experiment("e")
    with pytest.raises(coma.ArgumentError, match=r"^Experiment\.to_dataset\(\) has no argument 'vars'\."):
        e.to_dataset(vars=["y"])
    with pytest.raises(coma.ArgumentError, match=r"Did you mean 'tags'\?"):
        coma.Experiment("f", tag=["a"])
    with pytest.raises(coma.ArgumentError, match=r"Did you mean 'max_workers'\?"):
        coma.ParallelExperiment("g").run(lambda a: a, {"a": [1]}, max_worker=2)


def test_arguments_of_other_libraries_are_answered_with_our_own():
    e = coma.Experiment("e")
    with pytest.raises(coma.ArgumentError, match=r"has no argument 'n_jobs'(.|\n)*\nUse max_workers\."):
        e.run(lambda a: a, {"a": [1]}, n_jobs=2)
    for call, own in [(e.run, "recompute"), (e.export, "overwrite")]:
        with pytest.raises(coma.ArgumentError) as raised:
            call(force=True)
        assert raised.value.ways == (f"Use {own}.",)


def test_signatures_and_pickles_stay():
    assert "where" in inspect.signature(coma.Experiment.to_dataset).parameters
    assert pickle.loads(pickle.dumps(coma.export)) is coma.export
    assert coma.Experiment.run.__doc__


@pytest.mark.filterwarnings("ignore::coma_xr.ComaWarning")
def test_what_is_returned_is_public():
    e = coma.Experiment("e")
    e.run(lambda a: 1 / a, {"a": [0, 1]}, progress=False)
    returned = [e.failure(1), e.new_measurement(), coma.P.a > 1, e.measurement(2).results]
    kinds = [coma.Failure, coma.NewMeasurement, coma.Condition, coma.Branch]
    assert all(isinstance(value, kind) for value, kind in zip(returned, kinds, strict=True))

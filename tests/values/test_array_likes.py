"""Arrays, quantities, numbers with errors and masked arrays of other libraries, as results and as parameters."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import coma_xr as coma
from coma_xr.exports.formats import FORMATS
from coma_xr.testing import assert_same
from tests.output.kinds import zarr_ends

__all__ = ["zarr_ends"]


class Tensor:
    """What torch, jax and cupy have in common."""

    def __init__(self, array, dtype=None):
        self.array = np.array(array, dtype)

    def __array__(self):
        return self.array


class OnDevice(Tensor):
    def __array__(self):
        raise TypeError("can't convert a cuda tensor to numpy. Use Tensor.cpu() to copy it first.")


class OnGpu(OnDevice):
    """An array of cupy, which needs a graphics processor."""

    __module__ = "cupy"

    def get(self):
        return self.array


class WithGradient(Tensor):
    """A tensor of torch with a gradient, on a device, of a dtype that NumPy does not have."""

    __module__ = "torch"
    dtype = "torch.bfloat16"
    steps = ()

    def __array__(self):
        if self.steps != ("detach", "cpu", "float"):
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        return self.array

    def _after(self, step):
        after = WithGradient(self.array)
        after.steps = (*self.steps, step)
        return after

    def detach(self):
        return self._after("detach")

    def cpu(self):
        return self._after("cpu")

    def float(self):
        return self._after("float")


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(value, name="e"):
    e = coma.Experiment(name)
    e.run(lambda x: value(x) if callable(value) else value, {"x": [1, 2]}, progress=False)
    return e


def reason(value):
    """Return what is said of a result that cannot be stored."""
    with pytest.warns(coma.ComaWarning, match="2 of 2 parameter sets failed"):
        return run(value, f"e{len(list(Path().iterdir()))}").failure(1).message


def test_an_array_like_is_stored_as_its_array():
    e = run({"t": Tensor([[1, 2]], "i4"), "deep": {"l": [Tensor([0.5])]}, "loss": Tensor(0.25)})
    results = e.measurement(1).results
    assert_same(results["t"], np.array([[1, 2]], "i4"))
    assert_same(results["deep/l"], [np.array([0.5])])
    assert e.to_dataset()["t"].dims[0] == "x"
    assert e.to_dataset()["loss"].values.tolist() == [0.25, 0.25]


@pytest.mark.parametrize("kind", [OnGpu, WithGradient])
def test_an_array_on_a_device_is_stored_as_its_values(kind):
    e = run({"t": kind([1.5, 2.5])})
    assert_same(e.measurement(1).results["t"], np.array([1.5, 2.5]))


def test_an_array_like_is_the_result():
    assert run(Tensor([1.0, 2.0])).to_dataset().sizes["x"] == 2


def received(scan):
    seen = []
    e = coma.Experiment("parameters")
    e.run(lambda t: seen.append(t) or {"y": 1}, scan, progress=False)
    return seen, e


def test_an_array_like_reaches_the_function_and_is_a_label():
    given = [Tensor([1, 2]), Tensor(3.5)]
    seen, e = received(coma.cases([{"t": t} for t in given]))
    assert [type(t) for t in seen] == [Tensor, Tensor]
    assert_same(e.measurement(1).parameters["t"], np.array([1, 2]))
    assert_same(e.measurement(2).parameters["t"], 3.5)
    again = coma.cases([{"t": Tensor([1, 2])}])
    assert e.run(lambda t: {"y": 2}, again, code="accept", progress=False).skipped == 1


def test_a_failed_array_like_is_made_again_by_its_class():
    def fails(t):
        assert type(t) is Tensor, t
        raise ValueError(t.array.tolist())

    e = coma.Experiment("failed")
    with pytest.warns(coma.ComaWarning, match="1 of 1 parameter set failed"):
        e.run(fails, coma.cases([{"t": Tensor([1, 2], "i2")}]), progress=False)
    with pytest.raises(ValueError, match=r"\[1, 2\]"):
        e.failure(1).reproduce(fails)
    (missing,) = e.missing()
    assert_same(missing["t"].array, np.array([1, 2], "i2"))


def test_what_is_on_a_device_is_an_error_and_the_rest_is_kept():
    with pytest.warns(coma.ComaWarning, match="2 of 2 parameter sets failed"):
        failure = run({"t": OnDevice([1]), "E": 1.5}).failure(1)
    assert dict(failure.partial["results"]) == {"E": 1.5}
    message = failure.message
    assert "results/t: cannot store a " in message
    assert "Tensor.cpu()" in message
    assert "Return an array of NumPy." in message
    with pytest.raises(coma.SerializationError, match=r"(?s)parameters/t: .*Tensor\.cpu"):
        received(coma.cases([{"t": OnDevice([1])}]))


def test_a_table_of_another_library_is_refused():
    class Table(Tensor):
        columns, to_pandas = ["a"], None

    assert "to_pandas() makes one" in reason({"t": Table([[1]])})


# ------------------------------------------------------------------------------------------------ units


@pytest.fixture(scope="module")
def unit():
    return pytest.importorskip("pint", reason="pint is not installed").UnitRegistry()


def test_quantities_have_units(unit):
    e = run(
        lambda x: {
            "E": 1.5 * x * unit.joule,
            "v": [x, 2] * unit.meter / unit.second,
            "deep": {"p": 2 * unit.pascal},
            "l": [x * unit.kelvin, 2.5 * unit.kelvin],
            "mixed": [[1.0] * unit.kelvin, 1 * unit.meter],
        }
    )
    with pytest.warns(coma.ComaWarning, match="'mixed' is in 'kelvin', 'meter'"):
        ds = e.to_dataset()
    units = {name: ds[name].attrs["units"] for name in ("E", "v", "p", "l")}
    assert units == {"E": "joule", "v": "meter / second", "p": "pascal", "l": "kelvin"}
    assert ds["E"].values.tolist() == [1.5, 3.0]
    assert ds["v"].dims == ("x", "v_index")
    assert ds["l"].values.tolist() == [[1, 2.5], [2, 2.5]]
    xr.testing.assert_identical(e.measurement(2).results["E"], xr.DataArray(3.0, attrs={"units": "joule"}))
    frame = e.to_dataframe()
    assert frame["E"].tolist() == [1.5, 3.0]
    in_lists = {"mixed_1": "kelvin", "mixed_2": "meter"}
    assert frame.attrs["units"] == {**units, "p": "pascal", **in_lists}
    assert len(e.to_dataframe(where="E > 2")) == 1
    assert e.to_dataset(where="`results/l/0` > 1", variables=["E"])["E"].sizes["x"] == 1


def test_a_quantity_is_the_result(unit):
    e = coma.Experiment("top")
    e.run(lambda x: x * unit.volt, {"x": [1, 2]}, progress=False)
    (name,) = e.to_dataset().data_vars
    assert e.to_dataset()[name].attrs["units"] == "volt"


@pytest.mark.parametrize("suffix", FORMATS)
def test_units_survive_exports(unit, suffix, tmp_path):
    e = run({"E": 1.5 * unit.joule})
    data = e.to_dataframe() if FORMATS[suffix].is_table else e.to_dataset()
    assert_same(coma.load(coma.export(data, tmp_path / f"x{suffix}")), data)


def test_units_that_differ_are_reported(unit):
    e = run(lambda x: {"E": x * (unit.joule if x == 1 else unit.eV)})
    for read in (e.to_dataset, e.to_dataframe):
        with pytest.warns(coma.ComaWarning, match="'E' is in '(joule|electron_volt)', "):
            read()


def test_a_quantity_is_refused_as_a_parameter(unit):
    for values in ([1 * unit.kelvin], [1, 2] * unit.kelvin, [[1 * unit.kelvin]], [{"a": 1 * unit.kelvin}]):
        with pytest.raises(coma.SerializationError, match=r"Pass its magnitude.*units='kelvin'"):
            received({"t": values})


# ----------------------------------------------------------------------------------------------- errors


@pytest.fixture
def uncertainties():
    return pytest.importorskip("uncertainties", reason="uncertainties is not installed")


def test_numbers_with_errors_become_two(uncertainties):
    from uncertainties import unumpy

    number = uncertainties.ufloat(1.5, 0.1)
    e = run(
        lambda x: {
            "E": x * number,
            "deep": {"F": number},
            "l": [number, 2.0],
            "nested": [[number], [number]],
            "a": unumpy.uarray([x, 2], [0.5, 0.25]),
        }
    )
    results = e.measurement(2).results
    assert_same(results["E"], 3.0)
    assert_same(results["E_err"], 0.2)
    assert_same(results["deep/F_err"], 0.1)
    assert_same(dict(results)["l"], [1.5, 2.0])
    assert_same(results["l_err"], [0.1, 0.0])
    assert_same(results["nested_err"], [[0.1], [0.1]])
    assert_same(results["a_err"], np.array([0.5, 0.25]))
    assert list(results)[:2] == ["E", "E_err"]
    assert e.to_dataset()["E_err"].values.tolist() == [0.1, 0.2]


def test_a_number_with_error_is_the_result(uncertainties):
    e = coma.Experiment("top")

    def mean(x):
        return uncertainties.ufloat(x, 0.1)

    e.run(mean, {"x": [1, 2]}, progress=False)
    assert list(e.to_dataset().data_vars) == ["mean", "mean_err"]


def test_an_error_has_the_units_of_its_value(uncertainties, unit):
    ds = run({"E": uncertainties.ufloat(1.5, 0.1) * unit.joule}).to_dataset()
    assert [ds[name].attrs["units"] for name in ("E", "E_err")] == ["joule", "joule"]


def test_an_error_without_a_place_is_refused(uncertainties):
    number = uncertainties.ufloat(1.5, 0.1)
    assert "'E_err', which exists" in reason({"E": number, "E_err": 1})
    assert "two members of a dictionary" in reason({"a": {number}})
    with pytest.raises(coma.SerializationError, match="Pass its nominal_value"):
        received({"t": [number]})


# ----------------------------------------------------------------------------------------------- masked


def test_masked_items_become_nan_or_none():
    e = run(
        lambda x: {
            "f": np.ma.masked_array([1.0, 2.0], [False, x > 1]),
            "i": np.ma.masked_array([[1, 2]], [[False, x > 1]]),
            "t": np.ma.masked_array(np.array(["2020-01-01", "2021-01-01"], "M8[D]"), [x > 1, False]),
            "s": np.ma.masked_array([(1, 2.5)], [(False, False)], dtype=[("n", "i4"), ("E", "f8")]),
            "m": np.ma.masked,
        }
    )
    first, second = e.measurement(1).results, e.measurement(2).results
    assert_same(first["f"], np.array([1.0, 2.0]))
    assert_same(second["f"], np.array([1.0, np.nan]))
    assert (first["i"], second["i"]) == ([[1, 2]], [[1, None]])
    assert_same(second["t"], np.array(["NaT", "2021-01-01"], "M8[D]"))
    assert_same(second["s"], np.array([(1, 2.5)], dtype=[("n", "i4"), ("E", "f8")]))
    assert np.isnan(second["m"])
    assert e.measurement(2).info["masked"] == ["results/f", "results/i", "results/t", "results/m"]
    assert e.measurement(1).info["masked"] == ["results/m"]
    assert e.to_dataset()["i"].dtype == float


def test_a_masked_array_with_fields_is_refused():
    array = np.ma.masked_array([(1, 2.5)], [(True, False)], dtype=[("n", "i4"), ("E", "f8")])
    assert "Return an array for each field" in reason({"s": array})


def test_a_masked_array_reaches_the_function_again():
    def fails(t):
        assert isinstance(t, np.ma.MaskedArray)
        raise ValueError(t.tolist())

    e = coma.Experiment("failed")
    with pytest.warns(coma.ComaWarning, match="1 of 1 parameter set failed"):
        e.run(fails, coma.cases([{"t": np.ma.masked_array([1, 2], [False, True])}]), progress=False)
    (missing,) = e.missing()
    assert missing["t"].tolist() == [1, None]


def test_structured_arrays_come_back_everywhere():
    array = np.array([(1, 2.5)], dtype=[("n", "i4"), ("E", "f8")])
    e = run({"s": array, "deep": {"l": [array, array[0]]}})
    assert_same(e.measurement(1).results["s"], array)
    assert_same(e.measurement(1).results["deep/l"], [array, array[0]])
    assert_same(run(array, "top").to_dataframe().iloc[0, 1], array)


@pytest.mark.parametrize("library", ["torch", "jax"])
def test_tensors_of_other_libraries_are_stored_as_their_numbers(library):
    pytest.importorskip(library)
    if library == "torch":
        import torch

        tensors = [
            torch.tensor([1.0, 2.0], requires_grad=True),
            torch.tensor([1.0, 3.0], dtype=torch.bfloat16),
            torch.tensor([1 + 2j]).conj(),
            torch.tensor(2.5, requires_grad=True),
        ]
    else:
        import jax
        import jax.numpy as jnp

        tensors = [
            jnp.array([1.0, 2.0]),
            jnp.array([1.0, 3.0], jnp.bfloat16),
            jnp.array([1 - 2j]),
            jnp.array(2.5),
            jax.random.key(7),
        ]
    seen, e = received(coma.cases([{"t": t} for t in tensors]))
    assert [type(t) for t in seen] == list(map(type, tensors))
    expected = [[1.0, 2.0], [1.0, 3.0], [1 - 2j], 2.5, [0, 7]][: len(tensors)]
    for number, value in enumerate(expected, 1):
        assert_same(np.asarray(e.measurement(number).parameters["t"]).tolist(), value)
        assert (
            np.asarray(run(tensors[number - 1], f"r{number}").measurement(1).results["result"]).tolist()
            == value
        )


def test_dtypes_that_other_libraries_register_are_widened():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    for name, widened in (("bfloat16", "f4"), ("float8_e5m2", "f4"), ("int4", "i1")):
        array = np.array([0, 1, 2]).astype(getattr(ml_dtypes, name))
        assert_same(run({"a": array}, name).measurement(1).results["a"], np.array([0, 1, 2], widened))


def test_a_list_of_quantities_in_several_units_is_reported(unit):
    e = run({"v": [1 * unit.m, 2 * unit.s], "w": [1 * unit.m, 2 * unit.m]})
    with pytest.warns(coma.ComaWarning) as caught:
        ds = e.to_dataset()
    assert [str(warning.message) for warning in caught] == [
        "Units differ between items of lists, and no value was converted: 'v' is in 'meter', 'second'."
    ]
    assert [item.attrs["units"] for item in ds.v.values.ravel()][:2] == ["meter", "second"]


@pytest.mark.parametrize("in_a_list", [True, False])
def test_quantities_next_to_numbers_without_units_are_reported(unit, in_a_list):
    values, e = [1 * unit.m, 2.0], coma.Experiment("e")
    e.run(lambda x: {"v": values if in_a_list else values[x]}, {"x": [0, 1]}, progress=False)
    for where, table in {
        "items of lists" if in_a_list else "measurements": e.to_dataset,
        "rows": lambda: e.to_dataframe(unfold="rows"),
    }.items():
        with pytest.warns(coma.ComaWarning) as caught:
            table()
        text = f"Units differ between {where}, and no value was converted: 'v' is in 'meter', no unit."
        assert text in map(str, (warning.message for warning in caught))


def test_columns_of_a_list_have_the_numbers_and_units_of_its_quantities(unit):
    frame = run({"v": [1 * unit.m, 2 * unit.s, 3.0]}).to_dataframe()
    assert frame[["v_1", "v_2", "v_3"]].to_numpy()[0].tolist() == [1, 2, 3.0]
    assert frame.attrs["units"] == {"v_1": "meter", "v_2": "second"}


def test_holes_and_nested_lists_of_quantities_are_one_quantity(unit):
    e = run(
        {
            "a": [1.0 * unit.m, np.nan],
            "b": [[1 * unit.m, 2 * unit.m], [3 * unit.m, None]],
            "c": [np.arange(3) * unit.m] * 2,
        }
    )
    ds = e.to_dataset()
    assert ds.a.attrs["units"] == ds.b.attrs["units"] == "meter"
    assert_same(ds.a.values[0], np.array([1.0, np.nan]))
    assert ds.b.values[0].tolist() == [[1, 2], [3, None]]
    assert ds.c.values[0].tolist() == [[0, 1, 2], [0, 1, 2]]
    ragged = run({"v": [[1 * unit.m], [2 * unit.m, 3 * unit.m]]}, "ragged").measurement(1).results["v"]
    assert [item.attrs["units"] for item in ragged] == ["meter", "meter"]

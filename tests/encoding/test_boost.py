"""What C++ programs write with Boost.Serialization, for 0, 1, 2 and more items; the files are those of tests/data/boost."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

import coma_xr as coma
from coma_xr.encoding import xml
from coma_xr.errors import DataFileError, StorageError

SAMPLES = Path(__file__).parents[1] / "data" / "boost" / "samples"
HEADER = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>\n<!DOCTYPE boost_serialization>\n'
    '<boost_serialization signature="serialization::archive" version="18">\n'
)


def archive(body: str) -> bytes:
    return f"{HEADER}{body}\n</boost_serialization>\n".encode()


def arrays(n: int) -> dict:
    """Return the tree of the arrays that idioms.cpp writes."""
    numbers = [i + 0.5 for i in range(n)]
    both = [*numbers, *(-x for x in numbers)]
    return {
        "values": numbers,
        "wave": {"n": n, "psi": numbers, "phi": numbers, "label": ""},
        "grid": {"rows": n, "cols": 1, "item": numbers},
        "loop": {"size": n, "item": numbers},
        "matrix": {"rows": n, "cols": 2, "data": both},
        "vector": {"rows": n, "cols": 1, "data": numbers},
        "fixed": {"rows": 2, "cols": 1, "data": [1, 2]},
        "ublas": {"data": numbers},
        "ublas_matrix": {"size1": 2, "size2": n, "data": both},
        "multi": {"shape": [2, n], "elements": [i + 0.5 for i in range(2 * n)]},
        "valarray": numbers,
        "numbers": numbers,
        "nested": [numbers] * n,
        "deque": numbers,
    }


def others(n: int) -> dict:
    """Return the tree of the other containers, values and graphs that idioms.cpp writes."""
    numbers, counts = [i + 0.5 for i in range(n)], list(range(n))
    digits = [str(i) for i in counts]
    names = [*digits[:-1], "last"] if n else []
    chain = None
    nodes = [{"id": i, "next": None, "other": None} for i in counts]
    for node in reversed(nodes):
        node["next"], chain = chain, node
    for node in nodes[:-1]:
        node["other"] = nodes[-1]
    return {
        "counts": counts,
        "set": counts,
        "hashed": counts,
        "hashed_map": {f"k{i}": i + 0.5 for i in counts} or [],
        "numbered": [{"first": i, "second": i + 0.5} for i in counts],
        "digits": digits,
        "names": names,
        "names_of_set": sorted(names),
        "sites": [{"name": name, "spin": i} for i, name in enumerate(names)],
        "number": n,
        "text": "n",
        "list": numbers,
        "variants": [value for i in counts for value in (i, "v")],
        "some": numbers,
        "none": None,
        "bits": f"{n % 16:04b}",
        "tuple": {"_0": n, "_1": 0.5, "_2": "t"},
        "duration": {"count": n},
        "zero": {"count": 0},
        "chain": chain,
        "same": nodes[-1:] * n,
        "scoped": {"name": "a", "spin": n} if n else None,
    }


def check(tree: dict, n: int) -> None:
    """Compare the tree of an archive of idioms.cpp value by value, types included."""
    expected = arrays(n) | others(n)
    assert tree.keys() == expected.keys()
    tree["hashed"].sort()
    for name, value in expected.items():
        both = tree[name], value
        found, wanted = (sorted(one.items()) for one in both) if name == "hashed_map" and value else both
        assert repr(found) == repr(wanted), name


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_arrays_containers_and_graphs_of_any_size(n):
    check(coma.read_tree(SAMPLES / f"idioms_{n}.xml"), n)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        # A name that says nothing, and sizes that do.
        ("<a><n_sites>0</n_sites><psi></psi></a>", {"n_sites": 0, "psi": []}),
        ("<a><dims><item>2</item><item>0</item></dims><psi></psi></a>", {"dims": [2, 0], "psi": []}),
        ("<a><rows>0</rows><name></name></a>", {"rows": 0, "name": ""}),
        ("<a><rows>0</rows><b>1</b><psi></psi></a>", {"rows": 0, "b": 1, "psi": ""}),
        ("<a><rows>2</rows><psi></psi></a>", {"rows": 2, "psi": ""}),
        # A member that is called item.
        ("<a><id>3</id><item>2</item></a>", {"id": 3, "item": 2}),
        ("<a><rows>1</rows><item>2</item></a>", {"rows": 1, "item": [2]}),
        ("<a><item>1</item><item>2.5</item><item>x</item></a>", [1, 2.5, "x"]),
        ("<a><item><rows>1</rows></item></a>", [{"rows": 1}]),
        ("<a><n>2</n><x>1</x><x>2</x></a>", {"n": 2, "x": [1, 2]}),
        # Lists of texts.
        ("<a><count>2</count><item_version>0</item_version><item>1</item><item>b</item></a>", ["1", "b"]),
        ("<a><count>2</count><item_version>0</item_version><item>1</item><item></item></a>", ["1", ""]),
        ('<a class_id="0"><count>1</count><item_version>0</item_version><item>1.0</item></a>', ["1.0"]),
        ('<a class_id="0"><count>1</count><item>1.000000000e+00</item></a>', [1.0]),
        ('<a class_id="0"><count>1</count><bucket_count>1</bucket_count><item>1</item></a>', [1]),
        # Lone members.
        ("<a><weak_ptr><px class_id='-1'/></weak_ptr></a>", None),
        ("<a><bits>1101</bits></a>", "1101"),
        ("<a><bits>12</bits></a>", {"bits": 12}),
        ("<a><size1>0</size1></a>", {"size1": 0}),
    ],
)
def test_what_an_element_means(body, value):
    found = coma.read_tree(archive(body))["a"]
    assert repr(found) == repr(value)


def test_sizes_and_arrays_may_stand_in_the_archive_itself():
    assert coma.read_tree(archive("<rows>0</rows><psi></psi>")) == {"rows": 0, "psi": []}
    assert coma.read_tree(archive("<r>1</r><r>2</r>")) == {"r": [1, 2]}


def test_texts_are_told_by_the_other_items_of_a_list():
    def pair(first, second):
        return f"<item><first>{first}</first><second><count>1</count><item>{second}</item></second></item>"

    body = f"<a><count>2</count><item_version>0</item_version>{pair('1', 'x')}{pair('b', '2')}</a>"
    assert coma.read_tree(archive(body)) == {"a": {"1": ["x"], "b": ["2"]}}


def test_without_the_header_arrays_stay_as_coma_2_read_them():
    assert xml.decode(b"<a><rows>0</rows><data></data></a>") == {"a": {"rows": 0, "data": None}}
    assert xml.decode(b"<a><item>2</item></a>") == {"a": {"item": 2}}


# --------------------------------------------------------------------------------------------- read_tree


def test_a_tree_is_read_from_a_path_from_bytes_and_from_an_open_file(tmp_path):
    text = b'{"a": {"__type__": "numpy.ndarray", "shape": [2], "list": [1, 2]}}'
    path = tmp_path / "x.json"
    path.write_bytes(text)
    for source in (path, str(path), text, bytearray(text), io.BytesIO(text)):
        np.testing.assert_array_equal(coma.read_tree(source)["a"], [1, 2])
    assert coma.load(SAMPLES / "default.xml")["measurement"]["info"]["measurement_id"] == 3
    with pytest.raises(StorageError):
        coma.read_tree(tmp_path / "y.xml")
    with pytest.raises(StorageError):
        coma.load(tmp_path / "y.xml")
    with pytest.raises(DataFileError):
        coma.read_tree(b"[1]")


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("text", b"22 serialization::archive 18 0 0 3 1 2 3\n"),
        ("binary", b"\x16\0\0\0\0\0\0\0serialization::archive\x12\0\x04\x08\x04\x08\x01\0\0\0"),
    ],
)
def test_other_archives_of_boost_are_refused_by_name(tmp_path, kind, data):
    path = tmp_path / "x.xml"
    path.write_bytes(data)
    for read in (coma.read_tree, coma.load):
        with pytest.raises(DataFileError) as error:
            read(path)
        assert f"{path}: a {kind} archive of Boost.Serialization" in str(error.value)
        assert "xml_oarchive" in str(error.value)

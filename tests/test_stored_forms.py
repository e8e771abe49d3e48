"""The page about the forms of values: every example is read, and written again as it stands there."""

from __future__ import annotations

import json as standard_json
import re
from pathlib import Path

import pytest

from coma_xr.encoding import json, xml
from coma_xr.testing import assert_same
from coma_xr.values.plain import FAMILIES, from_plain, to_plain

PAGE = Path(__file__).parents[1] / "docs" / "stored-forms.md"
TEXT = PAGE.read_text("utf-8")
BLOCKS = re.findall(r"^```json\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)

# Their plain forms are bare numbers, or dictionaries.
PLAIN = ("coma.float", "coma.int", "coma.enum", "coma.quantity")

# Only exported files hold these.
EXACT = ("coma.tuple", "coma.dict", "coma.masked")


def forms():
    for block in BLOCKS:
        found = standard_json.loads(block)
        yield from found if isinstance(found, list) else [found]


@pytest.mark.parametrize("form", list(forms()), ids=lambda form: form.get("__type__", "object"))
def test_an_example_is_read_and_written_as_it_stands(form):
    tree = json.decode(standard_json.dumps(form).encode())
    assert xml.decode(xml.encode({"m": tree})) == {"m": tree} or tree != tree  # noqa: PLR0124
    if form.get("__type__") == "lattice":
        return
    value = from_plain(tree)
    if form.get("__type__") not in PLAIN:
        assert to_plain(value, exact=form.get("__type__") in EXACT) == tree
    if form.get("__type__") in ("coma.float", "coma.int"):
        assert type(tree) in (float, int)
    assert_same(from_plain(xml.decode(xml.encode({"m": tree}))["m"]), value)


def test_there_is_an_example_of_every_form():
    known = {name for family in FAMILIES for name in family.load().DECODERS} - {"coma.external"}
    assert known - set(re.findall(r'"__type__": "([^"]+)"', TEXT)) == set()


def test_the_example_of_xml_says_what_the_page_says():
    (block,) = re.findall(r"^```xml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    results = xml.decode(block.encode())["measurement"]["results"]
    assert repr(results) == repr(
        {"E": [0.1, float("nan")], "label": "12", "done": True, "nothing": None, "odd": {"a key": [1, 2]}}
    )

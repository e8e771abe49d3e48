"""The text of an experiment file, which is encoded some measurements at a time."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from coma_xr.encoding.formats import FORMATS, JSON
from coma_xr.errors import DataFileError
from coma_xr.store.documents import same

TREES = [
    {"info": {"measurement_id": 1}, "results": {"text": "a\nb <null> \\ é", "none": None}},
    {"info": {"measurement_id": 2}, "results": {}},
    {"info": {"measurement_id": 3}, "results": {"E": [[1.5, 2], []], "t": math.nan}},
    {"info": {"measurement_id": 4}, "a name with blanks": [None, math.inf]},
]


@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("pretty", [True, False])
@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("cuts", [[0, 1, 4], [0, 4], [0, 1], []])
def test_an_archive_made_in_parts_has_the_text_that_it_would_have_in_one(format, pretty, strict, cuts):
    style = {"pretty": pretty, "strict": strict}
    blocks = [TREES[begin:end] for begin, end in pairwise(cuts)]
    trees = [tree for block in blocks for tree in block]
    experiment = {"info": {"experiment_id": 1, "description": None, "tags": ["null", "0"]}}
    texts = [format.encode_entries(block, **style) for block in blocks]
    text = format.encode_archive(experiment, len(trees), texts, **style)
    assert text == format.encode({"experiment": {**experiment, "measurements": trees}}, **style)
    for block, part in zip(blocks, texts, strict=True):
        assert same(format.decode_entries(part, len(block)), block)


def test_what_is_nested_too_deeply_for_an_archive_is_noticed_in_its_part():
    tree = 0
    for _ in range(98):
        tree = [tree]
    with pytest.raises(DataFileError, match="nested deeper than 100 levels"):
        JSON.decode_entries(JSON.encode_entries([tree], pretty=False), 1)

"""Which sets of tags a model may have."""

from typing import Any

import pytest

from rnncli.data.tag_schemes import Scheme
from rnncli.data.tag_sets import TagSet

SPANS = TagSet("ner", ("O", "B-a b", "I-a b", "E-é", "S-B-C", "B"), Scheme.IOB1, "4", {"a b": 3})
PLAIN = TagSet("pos", ("NOUN", "VERB"), None, "upos", {"NOUN": 3})


@pytest.mark.parametrize("tags", [SPANS, PLAIN, TagSet("pos", tuple(str(i) for i in range(10_000)))])
def test_good_sets_come_back(tags: TagSet) -> None:
    assert TagSet.from_dict(tags.to_dict()) == tags


def changed(**changes: Any) -> dict[str, Any]:
    return SPANS.to_dict() | changes


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        "O",
        changed(more=1),
        {name: value for name, value in changed().items() if name != "counts"},
        *(changed(task=task) for task in (None, [], "classify")),
        *(changed(scheme=scheme) for scheme in (None, 1, "IOB9", [])),
        *(changed(tags=tags) for tags in (None, {}, "O", 1, [], ["O", 1], ["O", None], ["O", []], ["B-X"])),
        changed(tags=["O", "B-X", "O"]),
        changed(tags=["O", ""]),
        changed(tags=["O", *(f"B-{i}" for i in range(10_000))]),
        *(changed(tags=["O", tag]) for tag in ("U-X", "L-X", "X-X", "NOUN", "o")),
        *(changed(tags=["O", f"B-{char}"]) for char in "\0\t\n\r\x1b\x7f\x85\x9b\u2028\u2029\ud800\udcff"),
        *(changed(counts=counts) for counts in (None, [], {"a": "3"}, {"a": 1.5}, {"a": None})),
        *(changed(column=column) for column in (None, 1, [])),
        PLAIN.to_dict() | {"scheme": "IOB2"},
    ],
)
def test_bad_sets_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"heads: |is not a valid Scheme"):
        TagSet.from_dict(value)

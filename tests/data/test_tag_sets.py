"""Sets of tags: what they say about themselves, and what of a hostile file is refused."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.data.tag_schemes import Scheme, allowed_transitions
from rnncli.data.tag_sets import CHAIN_TAGS, MAX_TAGS, TagSet, is_tag

NER: dict[str, Any] = {
    "task": "ner",
    "tags": ["O", "B-X", "I-X", "E-X", "S-X"],
    "scheme": "IOB2",
    "column": "4",
    "counts": {"X": 3},
}
POS: dict[str, Any] = {
    "task": "pos",
    "tags": ["ADJ", "NOUN"],
    "scheme": None,
    "column": "upos",
    "counts": {"ADJ": 2, "NOUN": 9},
}


@pytest.mark.parametrize("value", [NER, POS])
def test_a_set_survives_its_file(value: dict[str, Any]) -> None:
    found = TagSet.from_dict(json.loads(json.dumps(value)))
    assert found.to_dict() == value
    assert TagSet.from_dict(found.to_dict()) == found


def test_counts_are_ordered_by_frequency_then_name() -> None:
    counts = {"b": 2, "a": 2, "d": 9, "c": 1}
    assert [*TagSet.from_dict({**POS, "counts": counts}).counts] == ["d", "a", "b", "c"]


def test_spans_have_an_outside_and_rules_and_plain_tags_have_none() -> None:
    spans, plain = TagSet.from_dict({**NER, "tags": ["B-X", "E-X", "O"]}), TagSet.from_dict(POS)
    assert (spans.outside, plain.outside) == (2, None)
    assert spans.allowed() == allowed_transitions(["B-X", "E-X", "O"])
    may_follow, may_start, may_end = plain.allowed()
    assert all(map(all, [*may_follow, may_start, may_end]))
    assert [len(may_follow), *map(len, may_follow), len(may_start), len(may_end)] == [2] * 5


@pytest.mark.parametrize("size", [CHAIN_TAGS, CHAIN_TAGS + 1])
def test_transitions_are_for_small_sets(size: int) -> None:
    assert TagSet("pos", tuple(map(str, range(size)))).is_chain == (size <= CHAIN_TAGS)


@pytest.mark.parametrize("value", [None, 7, "x", [], {}, {**NER, "more": 1}, {k: NER[k] for k in NER if k != "tags"}])
def test_what_is_no_set_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="heads"):
        TagSet.from_dict(value)


@pytest.mark.parametrize(
    ("base", "changes"),
    [
        (NER, {"task": "translate"}),
        (NER, {"task": ["ner"]}),
        (NER, {"task": None}),
        (NER, {"task": "pos"}),
        (NER, {"tags": "O"}),
        (NER, {"tags": []}),
        (NER, {"tags": ["O", "O"]}),
        (NER, {"tags": ["B-X", "I-X"]}),
        (NER, {"tags": ["O", "U-X"]}),
        (NER, {"tags": ["O", "X"]}),
        (NER, {"tags": ["O", "-X"]}),
        (NER, {"tags": ["O", 7]}),
        (NER, {"tags": ["O", ["B-X"]]}),
        (NER, {"scheme": None}),
        (NER, {"scheme": "iob2"}),
        (NER, {"scheme": []}),
        (NER, {"scheme": {}}),
        (POS, {"scheme": "IO"}),
        (POS, {"task": "ner"}),
        (POS, {"tags": ["a", ""]}),
        (POS, {"tags": ["a", "b\n"]}),
        (POS, {"tags": ["a", "\x1b[2J"]}),
        (POS, {"tags": ["a", "b\tc"]}),
        (POS, {"tags": ["a", "\ud800"]}),
        (POS, {"tags": ["a", None]}),
        (POS, {"tags": [str(i) for i in range(MAX_TAGS + 1)]}),
        (POS, {"column": 4}),
        (POS, {"column": "\x1b[2J"}),
        (POS, {"counts": []}),
        (POS, {"counts": {"a": "1"}}),
        (POS, {"counts": {"a": 1.5}}),
        (POS, {"counts": {"a": True}}),
        (POS, {"counts": {"a": -1}}),
        (POS, {"counts": {"\x1b[2J": 1}}),
    ],
)
def test_hostile_values_are_refused(base: dict[str, Any], changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"heads|is not a valid Scheme"):
        TagSet.from_dict({**base, **changes})


def test_a_large_set_costs_no_time() -> None:
    started = time.monotonic()
    tags = ["O", *(f"B-{i}" for i in range(MAX_TAGS - 1))]
    assert not TagSet.from_dict({**NER, "tags": tags}).is_chain
    assert time.monotonic() - started < 2


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from([NER, POS]), st.dictionaries(st.sampled_from([*NER]), json_values))
def test_any_json_is_a_set_or_a_value_error(base: dict[str, Any], changes: dict[str, Any]) -> None:
    try:
        found = TagSet.from_dict({**base, **changes})
    except ValueError:
        return
    assert found.task in ("ner", "pos")
    assert all(map(is_tag, found.tags))
    assert (found.scheme is not None) == (found.outside is not None)
    assert TagSet.from_dict(found.to_dict()) == found


@given(st.text(max_size=3))
def test_tags_are_texts_without_control_characters(text: str) -> None:
    import unicodedata

    assert is_tag(text) == (bool(text) and all(unicodedata.category(char) not in ("Cc", "Cs") for char in text))


def test_every_scheme_is_known() -> None:
    assert [TagSet.from_dict({**NER, "scheme": scheme.value}).scheme for scheme in Scheme] == [*Scheme]

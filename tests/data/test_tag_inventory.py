"""Which lists of tags a model may have."""

from typing import Any

import pytest

from rnncli.data.lint import summarise_spans
from rnncli.data.records import Sentence
from rnncli.data.tag_inventory import MAX_TAGS, check_tags
from rnncli.errors import DataError


@pytest.mark.parametrize("tags", [["O"], ["O", "B-a b", "I-é", "S-B-C", "B"], [str(i) for i in range(MAX_TAGS)]])
def test_good_lists_come_back(tags: list[str]) -> None:
    assert check_tags(tags) == tags


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (None, "not a list"),
        ("O", "not a list"),
        ({"O": 1}, "not a list"),
        (["O", 1], "not a list"),
        (["O", None], "not a list"),
        ([], "0 tags"),
        ([str(i) for i in range(MAX_TAGS + 1)], "4097 tags"),
        (["O", "B-X", "O"], "twice"),
        (["O", ""], "is empty"),
        *((["O", f"B-{c}"], "control character") for c in "\0\t\n\r\x1b\x7f\x85\x9b\u2028\u2029\ud800\udcff"),
    ],
)
def test_bad_lists_are_refused(tags: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_tags(tags)


def sentence(*tags: str) -> Sentence:
    return Sentence(tuple("x" for _ in tags), tags, "f.conll", 1)


def test_what_no_model_may_have_is_refused_before_training() -> None:
    with pytest.raises(DataError, match=r"f\.conll: type 'A\\x1b' holds a control character"):
        summarise_spans([sentence("O", "B-A\x1b", "I-A\x1b")])
    with pytest.raises(DataError, match="1024 types of span, more than 1023"):
        summarise_spans([sentence(*(f"B-{i}" for i in range(1024)))])
    most = summarise_spans([sentence(*(f"B-{i}" for i in range(1023)))])
    check_tags(["O", *(f"{prefix}-{name}" for name in most.types for prefix in "BIES")])

"""Faults of rows: shown where they are, with something to do about them."""

import pytest

from rnncli.data.formats.conll import Layout, conllu_layout
from rnncli.data.formats.gold_problems import is_header, mended_tag, row_fault, suggest_cure, tag_fault
from rnncli.errors import Problem

TABS, SPACES = Layout("\t", 2), Layout(" ", 2)


@pytest.mark.parametrize(
    ("line", "layout", "column", "part"),
    [
        ("a\tO\tO", TABS, 4, "3 columns"),
        ("a\tO\t", TABS, 4, "at its end"),
        ("a", TABS, 1, "no tab"),
        ("a O", TABS, 1, "spaces where"),
        ("a b O", TABS, 1, "no tab"),
        ("a\tO", SPACES, 1, "tabs where"),
        ("a\tb\tO", SPACES, 1, "a tab in it"),
        ("a", SPACES, 1, "1 columns"),
        ("a  O O", SPACES, 5, "3 columns"),
        ("\t", TABS, 0, "blank"),
        ("  ", SPACES, 0, "blank"),
        ("O\t0", TABS, 2, "zero"),
        ("X  X", SPACES, 3, "unknown tag"),
        ("a\t", TABS, 2, "empty tag"),
        ("a\t ", TABS, 2, "empty tag"),
        ("a\tO ", TABS, 2, "whitespace"),
        ("a\0b\tO", TABS, 1, "NUL"),
        ("aé\udce9\tO", TABS, 2, "0xe9 at byte 4"),
    ],
)
def test_the_caret_stands_at_the_fault(line: str, layout: Layout, column: int, part: str) -> None:
    fault = row_fault(layout.split(line), line, layout, [("ner", 1)], 0, is_first=False)
    assert fault is not None
    assert part in fault[0]
    assert fault[1] == column


def test_tokens_of_conllu_are_counted() -> None:
    def fault(first: str, following: int) -> object:
        line = first + "\tx\t_\tNOUN" + "\t_" * 6
        return row_fault(conllu_layout().split(line), line, conllu_layout(), [("pos", 3)], following, is_first=False)

    assert fault("3", 3) is None
    assert fault("3-4", 3) is None
    assert fault("3-4", 9) == ("range 3-4, expected one that begins at 9", 0)
    assert fault("3", 2) == ("token number 3, expected 2", 0)


@pytest.mark.parametrize("tag", ["O", "B-PER", "L-a-b", "S-x"])
def test_tags_of_the_family_are_no_fault(tag: str) -> None:
    assert tag_fault(tag, "ner") is None
    assert mended_tag(tag, "ner") == tag


@pytest.mark.parametrize(
    ("tag", "mended"), [("0", "O"), ("o", "O"), ("b-PER", "B-PER"), (" I-x\r", "I-x"), ("s-O ", "S-O"), (" 0", "O")]
)
def test_what_was_plainly_meant_is_mended(tag: str, mended: str) -> None:
    assert tag_fault(tag, "ner") is not None
    assert mended_tag(tag, "ner") == mended
    assert tag_fault(mended, "ner") is None


@pytest.mark.parametrize("tag", ["", " ", "B", "B-", "x-PER", "PER", "B_PER", "b-", "00", "-"])
def test_what_was_not_plainly_meant_stays_a_fault(tag: str) -> None:
    assert tag_fault(mended_tag(tag, "ner"), "ner") is not None


def test_other_tags_are_any_text_without_blanks_around() -> None:
    assert tag_fault("0", "pos") is None
    assert mended_tag("o", "pos") == "o"
    assert tag_fault("NN ", "pos") is not None
    assert mended_tag("NN ", "pos") == "NN"


def test_headers_are_told_from_tokens() -> None:
    assert is_header(["Token", "Tag"], "Tag", "ner")
    assert is_header(["word", "pos"], "pos", "pos")
    assert not is_header(["Word", "O"], "O", "ner")
    assert not is_header(["word", "0"], "0", "ner")
    assert not is_header(["text", "NOUN"], "NOUN", "pos")
    assert not is_header(["Ada", "PER"], "PER", "ner")


def cure(*messages: str, path: str = "my file.conll", flags: str = "") -> str:
    found = suggest_cure([Problem(path, 1, message) for message in messages], path, Layout("\t", 2), "ner", flags)
    assert found is not None
    return found


def test_what_can_be_repaired_points_to_the_repair() -> None:
    assert cure("tag 0 (zero); the outside tag is the letter O") == "rnncli check ner 'my file.conll' --fix fixed.conll"
    assert cure("looks like a header row; a file of columns has none", path="a.conllu", flags=" --column 3") == (
        "rnncli check ner a.conllu --column 3 --fix fixed.conllu"
    )


def test_what_cannot_be_repaired_is_said_first() -> None:
    zero = "tag 0 (zero); the outside tag is the letter O"
    assert "iconv" in cure(zero, "not UTF-8: byte 0xe9 at byte 4 of the line")
    assert "'my file.conll'" in cure("not UTF-8: byte 0xe9 at byte 4 of the line")
    assert "--fix" not in cure(zero, "3 columns, while the rows above have 2")

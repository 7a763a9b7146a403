"""Columns as the filter reads them: every line kept, tokens found, bad records told."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rnncli.data.byte_lines import LineBlock
from rnncli.data.formats import tag_records
from rnncli.data.formats.conll import DOCUMENT_START, Layout, Record, conllu_layout
from rnncli.data.formats.tag_records import TagRecord, read_columns

ROW = "{}\t{}\t_\tX\t_\t_\t_\t_\t_\t_"


def blocks(text: str, size: int = 10**9) -> list[LineBlock]:
    """Lines in blocks of `size`; the last one stands alone where it has no newline."""
    lines = text.encode("utf-8", "surrogateescape").split(b"\n")
    last = lines.pop()
    cut = [LineBlock(i + 1, lines[i : i + size], True, False) for i in range(0, len(lines), size)]
    return cut + ([LineBlock(len(lines) + 1, [last], False, True)] if last else [])


def read(text: str, token_column: int | None = None, *, is_conllu: bool = False, size: int = 10**9) -> list[TagRecord]:
    groups = read_columns(blocks(text, size), token_column, is_conllu=is_conllu)
    return [record for records, _ in groups for record in records]


SENTENCE = "\n".join(
    ["# text = ab c", ROW.format("1-2", "ab"), *(ROW.format(n, f) for n, f in (("1", "a"), ("2", "b"), ("2.1", "e")))]
)


def test_rows_without_a_token_of_their_own_are_kept_and_not_tagged() -> None:
    for is_conllu in (False, True):
        (record,) = read(SENTENCE + "\n\n", is_conllu=is_conllu)
        assert record.tokens == ["a", "b"]
        assert record.text == "a b"
        assert record.layout == conllu_layout()
        assert "\n".join(record.rows) == SENTENCE + "\n"
        assert [row.split("\t")[1] for row, is_token in zip(record.rows, record.is_token, strict=True) if is_token] == [
            "a",
            "b",
        ]


@pytest.mark.parametrize("is_conllu", [False, True])
def test_the_tokens_may_stand_in_another_column(is_conllu: bool) -> None:
    text = "1\ta\tA\tX\t_\t_\t_\t_\t_\t_\n2\tb\tB\tX\t_\t_\t_\t_\t_\t_\n\n"
    assert read(text, 2, is_conllu=is_conllu)[0].tokens == ["A", "B"]
    assert read("x y z\n\n", 2)[0].tokens == ["z"]


@pytest.mark.parametrize(("text", "is_conllu"), [("x y\nz w\n\n", False), (SENTENCE + "\n\n", True)])
def test_a_token_column_that_is_not_there_is_told_at_every_record(text: str, is_conllu: bool) -> None:
    records = read(text * 2, 10, is_conllu=is_conllu)
    assert len(records) == 2
    for record in records:
        assert record.error is not None
        assert record.error.endswith("the tokens are to be in column 11")
        assert record.is_empty


@pytest.mark.parametrize(
    ("row", "part"),
    [
        ("a\tb", "2 columns, while CoNLL-U has 10"),
        (ROW.format("x", "a"), "'x' is not the number"),
        (ROW.format("1-", "a"), "'1-' is not the number"),
        (ROW.format("1.2.3", "a"), "is not the number"),
        (ROW.format("-DOCSTART-", "a"), "is not the number"),
        (" ", "looks blank"),
        (ROW.format("3", "\0"), "NUL"),
        (ROW.format("3", "\udcff"), "not UTF-8: byte 0xff at byte 3"),
    ],
)
def test_a_bad_row_is_told_with_its_line_and_spoils_its_sentence_alone(row: str, part: str) -> None:
    first, bad, last = read(f"{SENTENCE}\n\n{SENTENCE}\n{row}\n\n{SENTENCE}\n\n")
    assert (first.error, last.error) == (None, None)
    assert first.tokens == last.tokens == ["a", "b"]
    assert bad.error is not None
    assert part in bad.error
    assert bad.line == 12
    assert "\n".join(bad.rows) == f"{SENTENCE}\n{row}\n"


def test_numbers_out_of_order_are_no_matter_when_tagging() -> None:
    (record,) = read(ROW.format("7", "a") + "\n" + ROW.format("3", "b") + "\n\n", is_conllu=True)
    assert record.tokens == ["a", "b"]


def test_a_comment_in_conllu_needs_no_space_and_a_hashtag_elsewhere_is_a_token() -> None:
    assert read("#x\n" + SENTENCE + "\n\n")[0].tokens == ["a", "b"]
    assert read("#x\tO\n# y\nz\tO\n\n")[0].tokens == ["#x", "z"]


def test_comments_alone_hold_nothing() -> None:
    first, second = read(f"# a corpus\n\n{SENTENCE}\n\n")
    assert (first.tokens, first.error, first.rows) == (None, None, ["# a corpus", ""])
    assert second.tokens == ["a", "b"]


@given(
    st.lists(st.sampled_from([SENTENCE, "# c", "#", ROW.format("1", "Ada"), "bad", ""]), max_size=8),
    st.integers(1, 5),
    st.booleans(),
)
def test_small_blocks_give_the_same_records(parts: list[str], size: int, ended: bool) -> None:
    text = "\n\n".join(parts) + ("\n" if ended else "")
    whole = read(text, is_conllu=True)
    assert read(text, is_conllu=True, size=size) == whole
    assert "\n".join(line for record in whole for line in record.rows) + "\n" * (text[-1:] == "\n") == text


odd_cells = st.sampled_from(
    ["a", "b", "#", "# x", "#x", "", " ", "\x0b", "\r", "\xa0", "é", "\0", "\udcff", "!", '"', DOCUMENT_START]
) | st.sampled_from(["1", "2", "1-2", "3.1", "1-", "²", "1234567890", "-DOCSTART-x"])
odd_layouts = st.one_of(
    st.builds(Layout, st.sampled_from("\t "), st.integers(1, 3), st.integers(0, 3)),
    st.integers(0, 1).map(lambda column: Layout("\t", 3, column, is_conllu=True)),
)


@st.composite
def odd_records(draw: st.DrawFn) -> tuple[Record, Layout]:
    """Rows that mostly fit a layout, some of them odd, some without a token, with blank lines and comments about."""
    layout = draw(odd_layouts)
    usual = st.lists(
        st.sampled_from(["a", "bc", "1", "7", "é"]), min_size=layout.num_columns, max_size=layout.num_columns
    )
    odd = st.lists(odd_cells, min_size=max(0, layout.num_columns - 1), max_size=layout.num_columns + 1)
    row = (usual | usual | odd).map(layout.separator.join)
    numbered = st.builds(lambda number, rest: "\t".join([number, *rest]), odd_cells, usual.map(lambda cells: cells[1:]))
    front = draw(st.lists(st.sampled_from(["", "# a comment", "#c"]), max_size=2))
    body = draw(st.lists((row | numbered) if layout.is_conllu else row, max_size=4))
    return Record(draw(st.integers(1, 9)), [*front, *body, *draw(st.sampled_from([[], [""]]))] or [""]), layout


@given(odd_records())
@example((Record(1, ["a", " ", ""]), Layout("\t", 1)))
@example((Record(1, ["a\tb", "\t"]), Layout("\t", 2)))
@example((Record(1, ["a b", DOCUMENT_START + " b", ""]), Layout(" ", 2)))
@example((Record(1, ["a b c", " a b", ""]), Layout(" ", 3, 1)))
@example((Record(1, ["a b c", "a b", "a b c d"]), Layout(" ", 3)))
@settings(max_examples=300)
def test_what_is_read_at_once_is_what_is_read_row_by_row(case: tuple[Record, Layout]) -> None:
    at_once = tag_records._regular_record(*case)
    assert at_once is None or at_once == tag_records._column_record(*case)


@pytest.mark.parametrize(
    ("text", "is_conllu"),
    [
        ("a X\nb Y\n\n", False),
        ("\n\n# c\na\tX\n# \tY\n\n", False),
        (SENTENCE + "\n\n", True),
        ("#c\n" + ROW.format("1", "é"), True),
    ],
)
def test_well_formed_records_are_read_at_once(text: str, is_conllu: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = read(text, is_conllu=is_conllu)
    monkeypatch.setattr(tag_records, "_column_record", lambda *_: None)
    assert read(text, is_conllu=is_conllu) == expected
    assert expected[0].tokens

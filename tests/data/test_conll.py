"""CoNLL columns: what is read, what is refused and where."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.data.byte_lines import LineBlock
from rnncli.data.formats.conll import Layout, detect_layout, read_records, text_problem
from rnncli.data.formats.gold_sentences import Columns, SentenceReader
from rnncli.data.records import Sentence
from rnncli.errors import DataError, UsageError


def read(folder: Path, content: str | bytes, columns: Columns | None = None) -> list[Sentence]:
    path = folder / "t.conll"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return SentenceReader(columns).read(str(path))


def pairs(sentences: list[Sentence]) -> list[list[tuple[str, str]]]:
    return [list(zip(s.tokens, s.tags, strict=True)) for s in sentences]


def problems(folder: Path, content: str | bytes, columns: Columns | None = None) -> list[tuple[int | None, str]]:
    with pytest.raises(DataError) as caught:
        read(folder, content, columns)
    return [(p.line, p.message) for p in caught.value.problems]


# Tokens as CoNLL files of all languages hold them: anything without a line break or a tab, not empty.
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\n\r\0"), min_size=1).filter(
    lambda word: word.strip() and word != "-DOCSTART-" and not word.startswith(("# ", "\ufeff"))
)
tags = st.sampled_from(["O", "B-PER", "I-PER", "B-a-b", "E-X", "S-X", "L-Y", "U-Y"])
corpora = st.lists(st.lists(st.tuples(words, tags), min_size=1, max_size=5), min_size=1, max_size=5)


@given(corpora, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.integers(1, 3))
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, corpus: list[list[tuple[str, str]]], end: str, mark: bool, gap: int
) -> None:
    content = (end * gap).join("".join(f"{token}\t{tag}{end}" for token, tag in rows) for rows in corpus)
    data = (b"\xef\xbb\xbf" if mark else b"") + content.encode()
    assert pairs(read(tmp_path_factory.getbasetemp(), data)) == corpus


def test_tabs_spaces_and_runs_of_spaces(tmp_path: Path) -> None:
    expected = [[("Ada", "B-PER"), ("met", "O")]]
    assert pairs(read(tmp_path, "Ada\tB-PER\nmet\tO\n\n")) == expected
    assert pairs(read(tmp_path, "Ada B-PER\nmet O\n\n")) == expected
    assert pairs(read(tmp_path, "Ada   B-PER\nmet     O\n\n")) == expected
    assert pairs(read(tmp_path, "Ada NNP B-NP B-PER\nmet VBD O O\n\n")) == expected


def test_a_column_of_tabs_may_hold_spaces(tmp_path: Path) -> None:
    assert pairs(read(tmp_path, "New York\tB-LOC\n\n")) == [[("New York", "B-LOC")]]


def test_the_tokens_stand_second_where_rows_are_numbered(tmp_path: Path) -> None:
    content = "1\tAda\tB-PER\n2\tmet\tO\n3\tBob\tB-PER\n\n1\tno\tO\n\n"
    assert pairs(read(tmp_path, content))[0][0] == ("Ada", "B-PER")
    assert pairs(read(tmp_path, "1 Ada B-PER\n2 met O\n\n"))[0][0] == ("Ada", "B-PER")


def test_the_tags_are_found_where_they_are_not_last(tmp_path: Path) -> None:
    assert pairs(read(tmp_path, "Ada\tB-PER\tNNP\nmet\tO\tVBD\n\n")) == [[("Ada", "B-PER"), ("met", "O")]]
    with_header = "-DOCSTART-\tO\t-X-\n\nAda\tB-PER\tNNP\nmet\tO\tVBD\n\n"
    assert pairs(read(tmp_path, with_header)) == [[("Ada", "B-PER"), ("met", "O")]]


def test_columns_can_be_named(tmp_path: Path) -> None:
    content = "x B-A Ada B-PER\ny O met O\n\n"
    assert pairs(read(tmp_path, content, Columns(2, 1))) == [[("Ada", "B-A"), ("met", "O")]]
    assert problems(tmp_path, content, Columns(0, 7))[0][0] == 1


def test_documents_comments_and_hashtags(tmp_path: Path) -> None:
    content = "-DOCSTART- O\n\n# id = 7\n# one more comment\n#ai O\n# O\nAda B-PER\n\n-DOCSTART- O\nBob B-PER\n\n"
    assert pairs(read(tmp_path, content)) == [[("#ai", "O"), ("#", "O"), ("Ada", "B-PER")], [("Bob", "B-PER")]]
    content = "# sent_id = 1\n# text = Ada met\nAda\tB-PER\n#\tO\n# x\tO\n\n"
    assert pairs(read(tmp_path, content)) == [[("Ada", "B-PER"), ("#", "O"), ("# x", "O")]]


def test_a_block_of_comments_sets_no_columns(tmp_path: Path) -> None:
    assert pairs(read(tmp_path, "# a corpus\n# by us\n\nAda\tB-PER\n\n")) == [[("Ada", "B-PER")]]


def test_sentences_know_where_they_began(tmp_path: Path) -> None:
    found = read(tmp_path, "\n\n# c\nAda\tB-PER\nx\tO\n\n\nBob\tB-PER\n")
    assert [s.line for s in found] == [4, 8]
    assert all(s.file.endswith("t.conll") for s in found)


def test_gz_and_missing_files(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"Ada\tB-PER\n\n"))
    assert pairs(SentenceReader().read(str(tmp_path / "a.gz"))) == [[("Ada", "B-PER")]]
    with pytest.raises(UsageError):
        SentenceReader().read(str(tmp_path / "missing"))
    (tmp_path / "b.gz").write_bytes(b"no gzip")
    with pytest.raises((UsageError, DataError)):
        SentenceReader().read(str(tmp_path / "b.gz"))


@pytest.mark.parametrize("separator", ["\u2028", "\u0085", "\x0b", "\x0c", "\x1c", "\xa0", "\u3000"])
@pytest.mark.parametrize("cut", ["\t", " "])
def test_other_separators_are_part_of_a_token(tmp_path: Path, separator: str, cut: str) -> None:
    content = f"a{separator}b{cut}O\n{separator}x{cut}B-PER\n\n"
    assert pairs(read(tmp_path, content)) == [[(f"a{separator}b", "O"), (f"{separator}x", "B-PER")]]


@pytest.mark.parametrize(
    ("rows", "line", "part"),
    [
        ("a\tO\nb\tO\tO\n\n", 2, "columns"),
        ("a\tO\nb\n\n", 2, ""),
        ("a\tO\nb O\n\n", 2, "tab"),
        ("a O\nb\tO\tO\n\n", 2, "columns"),
        ("a\tO\n\t\nb\tO\n\n", 2, "blank"),
        ("a O\n \nb O\n\n", 2, "blank"),
        ("a\tO\nb\t0\n\n", 2, "zero"),
        ("a\tO\nb\to\n\n", 2, "capital"),
        ("a\tO\nb\t\n\n", 2, "empty tag"),
        ("a\tO\nb\tX-PER\n\n", 2, "X-PER"),
        ("a\tO\nb\tb-PER\n\n", 2, "b-PER"),
        ("a\tO\nb\tB_PER\n\n", 2, "B_PER"),
        ("a\tO\nb\tPER\n\n", 2, "PER"),
        ("a\tO\nb\tB-\n\n", 2, "B-"),
        ("a\tO\nb\0\tO\n\n", 2, "NUL"),
        ("Token\tTag\na\tO\n\n", 1, "header"),
        ("TOKEN NER\na O\n\n", 1, "header"),
    ],
)
def test_faults_are_told_with_their_line(tmp_path: Path, rows: str, line: int, part: str) -> None:
    found = problems(tmp_path, rows)
    assert found[0][0] == line
    assert part in found[0][1]


def test_one_fault_of_conllu_does_not_make_the_rows_behind_it_faulty(tmp_path: Path) -> None:
    rows = [f"{i}\tx\tx\tNOUN" + "\t_" * 6 for i in (1, 2, 4, 5)]
    rows[1] = rows[1].replace("NOUN", "")
    (tmp_path / "t").write_text("\n".join(rows) + "\n\n")
    with pytest.raises(DataError) as caught:
        SentenceReader(tasks=("pos",)).read(str(tmp_path / "t"))
    assert [(p.line, p.message) for p in caught.value.problems] == [
        (2, "empty tag"),
        (3, "token number 4, expected 3"),
    ]


def test_tabs_and_spaces_mixed_are_refused(tmp_path: Path) -> None:
    assert problems(tmp_path, "a\tO\nb\tO\n\nc O\nd O\n\n")[0][0] == 4
    assert problems(tmp_path, "a O\nb O\n\nc\tO\nd\tO\n\n")[0][0] == 4


def test_bad_utf8_names_its_byte(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, b"a\tO\n\n\xc3\xa9b\xff\tO\n\n")
    assert found[0] == 4 - 1
    assert "0xff" in found[1]
    assert "byte 4" in found[1]


def test_one_file_shows_at_most_twenty_problems_in_order(tmp_path: Path) -> None:
    content = "a\tO\n" + "b\t0\nc\tO\tO\n\n" * 30
    found = problems(tmp_path, content)
    assert len(found) == 20
    assert [line for line, _ in found] == sorted(line for line, _ in found if line)
    assert found[0][0] == 2


@pytest.mark.parametrize("content", ["", "\n", "\n\n\n", "# c\n\n", "-DOCSTART- O\n\n"])
def test_a_file_without_a_sentence_is_refused(tmp_path: Path, content: str) -> None:
    assert len(problems(tmp_path, content)) == 1


def test_empty_tokens_are_read(tmp_path: Path) -> None:
    assert pairs(read(tmp_path, "\tO\nb\tO\n\n")) == [[("", "O"), ("b", "O")]]


def test_one_faulty_tag_does_not_change_the_column(tmp_path: Path) -> None:
    content = "EU NNP B-NP B-ORG\nrejects VBZ B-VP 0\ncalls NNS I-NP O\n\nx NN B-NP O\n\n"
    (problem,) = problems(tmp_path, content)
    assert problem[0] == 2
    assert "zero" in problem[1]


@pytest.mark.parametrize("columns", [Columns(0, 7), Columns(0, 0), Columns(None, "upos")])
def test_columns_that_cannot_be_are_told_once(tmp_path: Path, columns: Columns) -> None:
    assert len(problems(tmp_path, "a B-A\nb O\n\n" * 30, columns)) == 1


@pytest.mark.parametrize("line", ["a\tb\tc", "\t\tc", "a b c", " a   b c "])
def test_the_start_of_a_column_is_where_it_stands(line: str) -> None:
    layout = Layout("\t" if "\t" in line else " ", 3)
    for i, column in enumerate(layout.split(line)):
        assert line[layout.start_of(line, i) :].startswith(column)
    assert layout.start_of(line, 2) == line.index("c")
    assert layout.start_of(line, 3) == len(line)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_proper_text_has_no_problem_but_nul(text: str) -> None:
    assert (text_problem(text) is None) == ("\0" not in text)


@given(st.binary(max_size=20))
def test_the_problem_of_bytes_is_pythons(data: bytes) -> None:
    found = text_problem(data.decode("utf-8", "surrogateescape"))
    bad = first_bad_byte(data)
    if bad is None:
        assert (found is None) == (b"\0" not in data)
    else:
        assert f"0x{data[bad]:02x} at byte {bad + 1} " in str(found)


def first_bad_byte(data: bytes) -> int | None:
    """Index of the first byte that strict decoding stumbles over."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return None


@given(st.lists(st.lists(st.sampled_from([b"", b"a\tO", b"# c", b"\xff"]), min_size=1, max_size=6), max_size=5))
def test_records_hold_every_line_once(groups: list[list[bytes]]) -> None:
    blocks, number = [], 1
    for lines in groups:
        blocks.append(LineBlock(number, lines, True, False))
        number += len(lines)
    records = [record for found, _ in read_records(blocks) for record in found]
    lines = [line.encode("utf-8", "surrogateescape") for record in records for line in record.lines]
    assert lines == [line for group in groups for line in group]
    position = 1
    for record in records:
        assert record.first_line == position
        position += len(record.lines)
    for record in records[:-1]:
        assert record.lines[-1] == ""
        assert any(record.lines)


def test_a_layout_of_nothing_is_none() -> None:
    assert detect_layout([]) is None
    assert detect_layout(["", "  ", "\t"]) is None


@pytest.mark.parametrize("columns", [Columns(7, None), Columns(0, 7), Columns(7, 0), Columns(0, 0)])
def test_columns_that_are_not_there_are_said_once(columns: Columns, tmp_path: Path) -> None:
    """Guards reading on without them: the rows of the next sentence are just as short."""
    found = problems(tmp_path, "# a\n\na\tO\nb\tO\n\nc\tO\n\n", columns)
    assert 1 <= len(found) <= 2
    assert all(line == 3 for line, _ in found)

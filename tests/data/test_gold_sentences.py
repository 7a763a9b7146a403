"""Gold sentences of CoNLL-U and of columns with several kinds of tags: what is read and what is refused, where."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.data.formats.conll import CONLLU_COLUMNS, conllu_layout, detect_layout
from rnncli.data.formats.gold_sentences import Columns, SentenceReader, find_tag_column
from rnncli.errors import DataError, UsageError

CONLLU = """\
# newdoc id = d
# sent_id = 1
# text = They don't know
1\tThey\tthey\tPRON\tPRP\tCase=Nom\t4\tnsubj\t_\t_
2-3\tdon't\t_\t_\t_\t_\t_\t_\t_\t_
2\tdo\tdo\tAUX\tVBP\t_\t4\taux\t_\t_
3\tn't\tnot\tPART\tRB\t_\t4\tadvmod\t_\t_
4\tknow\tknow\tVERB\tVB\t_\t0\troot\t_\tSpaceAfter=No
4.1\tit\tit\tPRON\tPRP\t_\t_\t_\t4:obj\tCopyOf=1

#text = a comment needs no space here
1\t#ai\t#ai\tNOUN\tNN\t_\t0\troot\t_\t_
2\t-DOCSTART-\tx\tX\tFW\t_\t1\tdep\t_\t_

"""


def conllu(*rows: tuple[str, str, str]) -> str:
    """Rows of number, form and UPOS."""
    return "".join(f"{number}\t{form}\t_\t{upos}\t_\t_\t_\t_\t_\t_\n" for number, form, upos in rows) + "\n"


def read(
    folder: Path, content: str, columns: Columns | None = None, tasks: tuple[str, ...] = ("pos",), **rest: object
) -> tuple[SentenceReader, list[list[tuple[str, ...]]]]:
    path = folder / "t"
    path.write_bytes(content.encode())
    reader = SentenceReader(columns, tasks, **rest)  # type: ignore[arg-type]
    found = reader.read(str(path))
    return reader, [list(zip(s.tokens, s.tags, *([s.also] if s.also else []), strict=True)) for s in found]


def problems(
    folder: Path, content: str, columns: Columns | None = None, tasks: tuple[str, ...] = ("pos",)
) -> list[tuple[int | None, str]]:
    with pytest.raises(DataError) as caught:
        read(folder, content, columns, tasks)
    return [(p.line, p.message) for p in caught.value.problems]


def test_ranges_empty_nodes_and_comments_hold_no_tokens(tmp_path: Path) -> None:
    reader, found = read(tmp_path, CONLLU)
    assert found == [
        [("They", "PRON"), ("do", "AUX"), ("n't", "PART"), ("know", "VERB")],
        [("#ai", "NOUN"), ("-DOCSTART-", "X")],
    ]
    assert reader.layout == conllu_layout()
    assert [reader.name_column(i) for i in reader.tag_columns] == ["upos"]


def test_every_token_knows_its_line(tmp_path: Path) -> None:
    path = tmp_path / "t.conllu"
    path.write_text(CONLLU)
    lines = CONLLU.split("\n")
    for sentence in SentenceReader(tasks=("pos",)).read(str(path)):
        assert [lines[sentence.line_of(i) - 1].split("\t")[1] for i in range(len(sentence.tokens))] == [
            *sentence.tokens
        ]


@pytest.mark.parametrize("name", CONLLU_COLUMNS)
def test_columns_by_name_and_by_number_are_the_same(tmp_path: Path, name: str) -> None:
    index = CONLLU_COLUMNS.index(name)
    if name == "form":
        assert len(problems(tmp_path, CONLLU, Columns(tag=name))) == 1
        return
    _, by_name = read(tmp_path, CONLLU, Columns(tag=name))
    assert by_name == read(tmp_path, CONLLU, Columns(tag=index))[1]
    rows = [line.split("\t") for line in CONLLU.split("\n") if line[:1].isdigit() and line[1] == "\t"]
    assert [tag for sentence in by_name for _, tag in sentence] == [row[index] for row in rows]


def test_the_tokens_may_stand_in_another_column(tmp_path: Path) -> None:
    _, found = read(tmp_path, CONLLU, Columns(token=2))
    assert found[0] == [("they", "PRON"), ("do", "AUX"), ("not", "PART"), ("know", "VERB")]


def test_the_usual_column_gives_way_to_a_named_one_and_to_other_layouts(tmp_path: Path) -> None:
    assert read(tmp_path, CONLLU, Columns(usual="xpos"))[1][0][0] == ("They", "PRP")
    assert read(tmp_path, CONLLU, Columns(tag="feats", usual="xpos"))[1][0][0] == ("They", "Case=Nom")
    assert read(tmp_path, CONLLU, Columns(usual="7"))[1][0][0] == ("They", "PRON")
    assert read(tmp_path, "Ada\tNNP\n\n", Columns(usual="xpos"))[1] == [[("Ada", "NNP")]]


def test_two_kinds_of_tags(tmp_path: Path) -> None:
    content = "-DOCSTART- -X- O O\n\nAda NNP B-NP B-PER\nmet VBD O O\n\n"
    reader, found = read(tmp_path, content, tasks=("ner", "pos"))
    assert found == [[("Ada", "B-PER", "NNP"), ("met", "O", "VBD")]]
    assert [reader.name_column(i) for i in reader.tag_columns] == ["4", "2"]
    assert read(tmp_path, content, Columns(tag=2, also=3), ("ner", "pos"))[1][0][0] == ("Ada", "B-NP", "B-PER")
    spans = CONLLU.replace("\t_\n", "\tO\n").replace("SpaceAfter=No", "S-X").replace("CopyOf=1", "O")
    assert read(tmp_path, spans, tasks=("ner", "pos"))[1][0][3] == ("know", "S-X", "VERB")


def test_a_document_start_does_not_decide_where_tags_stand(tmp_path: Path) -> None:
    content = "-DOCSTART-\tO\tO\n\nAda\tNNP\tB-PER\nmet\tVBD\tO\n\n"
    assert read(tmp_path, content)[1] == [[("Ada", "NNP"), ("met", "VBD")]]
    assert read(tmp_path, content, tasks=("ner",))[1] == [[("Ada", "B-PER"), ("met", "O")]]


@pytest.mark.parametrize(
    ("rows", "task", "column"),
    [
        (["Ada NNP B-PER", "met VBD O"], "pos", 1),
        (["Ada B-PER NNP", "met O VBD"], "pos", 2),
        (["Ada NNP B-NP B-PER", "met VBD B-VP O"], "ner", 3),
        (["Ada NNP", "met VBD"], "ner", 1),
        (["Ada O", "met O"], "pos", 1),
        (["1 Ada NNP x", "2 met VBD y", "3 Bob NNP z"], "pos", 2),
    ],
)
def test_where_tags_are_looked_for(rows: list[str], task: str, column: int) -> None:
    layout = detect_layout(rows)
    assert layout is not None
    assert find_tag_column([layout.split(row) for row in rows], layout, task) == column


GOOD = conllu(("1", "a", "X"), ("2", "b", "Y"))


@pytest.mark.parametrize(
    ("rows", "line", "part"),
    [
        ([("1", "a", "X"), ("3", "b", "Y"), ("4", "c", "Y"), ("5", "d", "Y")], 2, "token number 3, expected 2"),
        ([("1", "a", "X"), ("1", "b", "Y"), ("2", "c", "Y")], 2, "is a blank line missing?"),
        ([("1", "a", "X"), ("02", "b", "Y")], 2, "token number 02"),
        ([("1", "a", "X"), ("x", "b", "Y")], 2, "'x' is not the number"),
        ([("1", "a", "X"), ("", "b", "Y")], 2, "'' is not the number"),
        ([("1", "a", "X"), ("2", "b", "")], 2, "empty tag"),
        ([("1", "a", "X"), ("2", "b", "X\x1b[0m")], 2, "control character"),
        ([("1", "a", "X"), ("9" * 5000, "b", "Y")], 2, "is not the number"),
        ([("1", "a", "X"), ("1-2", "ab", "_"), ("2", "b", "Y")], 2, "range 1-2, expected one that begins at 2"),
        ([("1", "a", "X"), ("2-1", "ab", "_"), ("2", "b", "Y")], 2, "range 2-1"),
        ([("1", "a", "X"), ("2-x", "ab", "_"), ("2", "b", "Y")], 2, "'2-x' is not the number"),
        ([("1", "a", "X"), ("2.1", "e", "_"), ("2", "b", "Y")], 2, "empty node 2.1, expected 1.1"),
    ],
)
def test_one_fault_of_the_numbers_is_one_problem(
    tmp_path: Path, rows: list[tuple[str, str, str]], line: int, part: str
) -> None:
    (found,) = problems(tmp_path, conllu(*rows))
    assert found[0] == line
    assert part in found[1]
    (later,) = problems(tmp_path, GOOD + conllu(*rows) + GOOD)
    assert later == (3 + line, found[1])


def test_ragged_rows_of_conllu_are_told(tmp_path: Path) -> None:
    assert problems(tmp_path, GOOD + "1\ta\tX\n\n" + GOOD) == [(4, "3 columns, while the rows above have 10")]


@pytest.mark.parametrize("number", ["0.1", "1.1", "2.12"])
def test_empty_nodes_may_stand_at_the_start_and_between(tmp_path: Path, number: str) -> None:
    rows = [("1", "a", "X"), ("2", "b", "Y")]
    rows.insert(int(number[0]), (number, "e", "_"))
    assert read(tmp_path, conllu(*rows))[1] == [[("a", "X"), ("b", "Y")]]


@pytest.mark.parametrize(
    ("content", "columns", "tasks", "part"),
    [
        ("a\tX\n\nb\tY\n\n" * 9, Columns(tag="xpos"), ("pos",), "no column is called xpos"),
        ("a\tX\n\nb\tY\n\n" * 9, Columns(tag=6), ("pos",), "at least 7 columns"),
        ("a\tX\n\nb\tY\n\n" * 9, Columns(token=6), ("pos",), "at least 7 columns"),
        ("a X\n\nb Y\n\n" * 9, Columns(token=1, tag=1), ("pos",), "the same column"),
        ("a\tO\n\nb\tB-X\n\n" * 9, Columns(), ("ner", "pos"), "tokens and ner and pos tags"),
        ("a\n\nb\n\n" * 9, Columns(), ("pos",), "at least 2 columns"),
        ("# c\n" + CONLLU * 2, Columns(tag=10), ("pos",), "at least 11 columns"),
    ],
)
def test_columns_that_are_not_there_are_told_once(
    tmp_path: Path, content: str, columns: Columns, tasks: tuple[str, ...], part: str
) -> None:
    (found,) = problems(tmp_path, content, columns, tasks)
    rows = [line.startswith("#") for line in content.split("\n")]
    assert found[0] == rows.index(False) + 1
    assert part in found[1]


def test_any_printable_text_is_a_plain_tag(tmp_path: Path) -> None:
    content = "a\t0\nb\to\nc\tB_x\nd\tPRP$\ne\t''\nf\t#\n\n"
    assert [tag for _, tag in read(tmp_path, content)[1][0]] == ["0", "o", "B_x", "PRP$", "''", "#"]
    (found,) = problems(tmp_path, "word\tpos\na\tX\n\n")
    assert "header" in found[1]
    assert read(tmp_path, "the\tpos\na\tX\n\n")[1][0][0] == ("the", "pos")


def test_a_span_may_have_no_control_character_in_its_type(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, "a\tB-X\nb\tB-\x85\n\n", tasks=("ner",))
    assert found == (2, "tag 'B-\\x85' holds a control character")


def test_gz_is_read_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    packed = gzip.compress(CONLLU.encode())
    (tmp_path / "a.conllu.gz").write_bytes(packed)
    assert len(SentenceReader(tasks=("pos",)).read(str(tmp_path / "a.conllu.gz"))) == 2
    (tmp_path / "b.gz").write_bytes(packed[:-12])
    with pytest.raises(UsageError, match=r"b\.gz"):
        SentenceReader(tasks=("pos",)).read(str(tmp_path / "b.gz"))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_windows_line_ends_marks_and_a_missing_last_newline_change_nothing(tmp_path: Path, end: str) -> None:
    expected = read(tmp_path, CONLLU)[1]
    content = "\ufeff" + CONLLU.rstrip("\n").replace("\n", end)
    assert read(tmp_path, content)[1] == expected
    assert read(tmp_path, content + end)[1] == expected


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\n\r\0"), min_size=1, max_size=6)
tags = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6).filter(
    lambda t: t == t.strip(" ")
)
sentences = st.lists(st.tuples(words, tags, st.sampled_from(["", "range", "empty", "comment"])), min_size=1, max_size=6)


@given(st.lists(sentences, min_size=1, max_size=4), st.sampled_from([2, 3, 4, 5, 9]))
def test_what_was_written_as_conllu_is_read(
    tmp_path_factory: pytest.TempPathFactory, corpus: list[list[tuple[str, str, str]]], column: int
) -> None:
    content = ""
    for rows in corpus:
        for i, (token, tag, before) in enumerate(rows, 1):
            extra = {"range": f"{i}-{i + 1}\tx", "empty": f"{i - 1}.1\tx"}.get(before)
            content += "" if extra is None else extra + "\t_" * 8 + "\n"
            content += f"#{token}\n" if before == "comment" else ""
            cells = [str(i), token, *["_"] * 8]
            cells[column] = tag
            content += "\t".join(cells) + "\n"
        content += "\n"
    _, found = read(tmp_path_factory.getbasetemp(), content, Columns(tag=column))
    assert found == [[(token, tag) for token, tag, _ in rows] for rows in corpus]


def test_lemmas_are_not_taken_for_tags(tmp_path: Path) -> None:
    rows = "They\tthey\tPRP\nwalked\twalk\tVBD\nthe\tthe\tDT\ndog\tdog\tNN\n.\t.\t.\n\n"
    reader, found = read(tmp_path, rows)
    assert reader.tag_columns == (2,)
    assert found[0][1] == ("walked", "VBD")
    assert read(tmp_path, rows.replace("they", "PRP").replace("\tdog", "\tNN"))[0].tag_columns == (1,)

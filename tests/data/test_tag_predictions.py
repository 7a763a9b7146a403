"""Predictions read back: what the filter's own writer writes, and every way in which it can fail to fit the gold."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.data.formats.conll import Layout, detect_layout
from rnncli.data.formats.gold_sentences import Columns
from rnncli.data.formats.tag_predictions import read_predictions
from rnncli.data.formats.tag_records import TagRecord
from rnncli.data.formats.tagged import TagWriter
from rnncli.data.records import Sentence
from rnncli.data.tag_schemes import Scheme
from rnncli.data.tag_sets import TagSet
from rnncli.errors import DataError, UsageError

NER = TagSet("ner", ("O", "B-a/b", "I-a/b"), Scheme.IOB2)
POS = TagSet("pos", ("N", "V/x"))
WORDS = st.text(st.characters(codec="utf-8", exclude_characters=" \t\n\r\f\v\0"), min_size=1, max_size=6)
TAGS = {"ner": st.sampled_from(["O", "O", "B-a/b", "I-a/b"]), "pos": st.sampled_from(["N", "V/x"])}


def sentences(task: str) -> st.SearchStrategy[list[list[tuple[str, str]]]]:
    return st.lists(st.lists(st.tuples(WORDS, TAGS[task]), min_size=1, max_size=6), min_size=1, max_size=5)


def gold(rows: Sequence[Sequence[tuple[str, str]]]) -> list[Sentence]:
    return [Sentence(tuple(w for w, _ in s), tuple("O" for _ in s), "gold", 1) for s in rows]


def written(rows: Sequence[Sequence[tuple[str, str]]], form: str, head: TagSet) -> bytes:
    writer = TagWriter(form, [head])
    records = [TagRecord([w for w, _ in s], " ".join(w for w, _ in s), None, 1, 1) for s in rows]
    return b"".join(writer.render(r, [[t for _, t in s]]) for r, s in zip(records, rows, strict=True))


@pytest.mark.parametrize("head", [NER, POS], ids=["ner", "pos"])
@pytest.mark.parametrize("form", ["inline", "jsonl", "conll", "conllu"])
@given(data=st.data())
def test_what_the_filter_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, form: str, head: TagSet, data: st.DataObject
) -> None:
    rows = data.draw(sentences(head.task))
    if form == "conll":  # these begin a comment, open a document, or are a row's number and not its token
        rows = [[(f"w{w}", t) for w, t in s] for s in rows]
    path = tmp_path_factory.getbasetemp() / f"{head.task}.{form}"
    path.write_bytes(written(rows, form, head))
    assert read_predictions(str(path), head.task, gold(rows)) == [tuple(t for _, t in s) for s in rows]


def check(
    tmp_path: Path, text: str, task: str, rows: list[list[tuple[str, str]]], **rest: Columns
) -> list[tuple[str, ...]]:
    (tmp_path / "p").write_text(text)
    return read_predictions(str(tmp_path / "p"), task, gold(rows), **rest)


ROWS = [[("Ada", "B-P"), ("ran", "O")], [("Bo", "B-P")]]
WANTED = [("B-P", "O"), ("B-P",)]


@pytest.mark.parametrize(
    "text",
    [
        "Ada\tO\tB-P\nran\tO\tO\n\nBo\tO\tB-P\n\n",
        "Ada O B-P\nran O O\n\nBo O B-P\n",
        "# a comment\nAda\tx\tO\tB-P\nran\tx\tO\tO\n\n\nBo\tx\tO\tB-P",
        "-DOCSTART- -X- O O\n\nAda X O B-P\nran X O O\n\nBo X O B-P\n",
        "1\tAda\tB-P\n2\tran\tO\n\n1\tBo\tB-P\n",
        "Ada/B-P ran\n\nBo/B-P\n",
        '{"id":1,"tags":{"tokens":["Ada","ran"],"tags":["B-P","O"],"spans":[]}}\n{"tokens":["Bo"],"tags":["B-P"]}\n',
        "1-2\tx"
        + "\t_" * 9
        + "\n1\tAda"
        + "\t_" * 8
        + "\tB-P\n2\tran"
        + "\t_" * 8
        + "\tO\n\n1\tBo"
        + "\t_" * 8
        + "\tB-P\n",
        "1\tAda" + "\t_" * 7 + "\tA=b|NER=B-P\n2\tran" + "\t_" * 8 + "\n\n1\tBo" + "\t_" * 7 + "\tNER=B-P\n",
    ],
    ids=["tabs", "spaces", "comment", "document", "numbered", "inline", "json", "conllu-added", "conllu"],
)
def test_layouts(tmp_path: Path, text: str) -> None:
    assert check(tmp_path, text, "ner", ROWS) == WANTED


def test_plain_tags_stand_in_the_column_that_is_named(tmp_path: Path) -> None:
    text = "1\tAda\t_\tN\tNN" + "\t_" * 5 + "\n"
    rows = [[("Ada", "")]]
    assert check(tmp_path, text, "pos", rows) == [("N",)]
    assert check(tmp_path, text, "pos", rows, columns=Columns(tag="xpos")) == [("NN",)]
    assert check(tmp_path, text.replace("\t_\n", "\t_\tV\n"), "pos", rows, columns=Columns(tag="xpos")) == [("V",)]


def test_json_of_two_kinds_of_tags_names_the_other_one(tmp_path: Path) -> None:
    text = '{"tokens":["Ada"],"tags":["B-P"],"spans":[],"pos":["N"]}\n'
    assert check(tmp_path, text, "ner", [[("Ada", "")]]) == [("B-P",)]
    assert check(tmp_path, text, "pos", [[("Ada", "")]]) == [("N",)]


@pytest.mark.parametrize(
    ("text", "task", "problem"),
    [
        ("Ada\tB-P\nrun\tO\n\nBo\tB-P\n", "ner", "p:2: the token is 'run', but 'ran' at gold:2 of the gold"),
        ("Ada\tB-P\n\nran\tO\n\nBo\tB-P\n", "ner", "p:1: the sentence ends here, but goes on with 'ran' at gold:2"),
        ("Ada\tB-P\nran\tO\nBo\tB-P\n", "ner", "p:3: one token more, 'Bo', than the sentence that ends at gold:2"),
        ("Ada\tB-P\nran\tO\n", "ner", "p: ends after 1 sentences, but the gold goes on at gold:1"),
        ("Ada\tO\nran\tO\n\nBo\tO\n\nCy\tO\n", "ner", "p:6: a sentence more than the gold has"),
        ("Ada\tB-P\nran\tX\n\nBo\tB-P\n", "ner", "p:2: unknown tag 'X'"),
        ("Ada/B-P ran\nBo/X\n", "ner", "p:2: unknown tag 'X'"),
        ("Ada/N ran/V\nBo\n", "pos", "p:2: no tag at the token 'Bo'"),
        ('{"tokens":["Ada","ran"],"tags":["O"]}\n', "ner", "p:1: expected as many tags as tokens"),
        ('{"tokens":["Ada","ran"],"tags":["O",1]}\n', "ner", "p:1: expected as many tags as tokens"),
        ('{"tokens":["Ada","ran"],"tags":["O","O"]}\n[]\n', "ner", "p:2: not a JSON object"),
        ('{"tokens":["Ada","ran"],"tags":["O","O"]}\n{"x":\n', "ner", "p:2: not JSON"),
        ('{"text":"Ada ran"}\n', "ner", "p:1: no tags in the field 'tags'"),
        ('{"error":"not UTF-8"}\n', "ner", "p:1: no tags, but an error: not UTF-8"),
        ("Ada\0/O ran\n", "ner", "p:1: holds a NUL"),
        ("\n\n", "ner", "p: no predictions in it"),
    ],
)
def test_what_does_not_fit_is_named_with_its_lines(tmp_path: Path, text: str, task: str, problem: str) -> None:
    with pytest.raises(DataError) as caught:
        check(tmp_path, text, task, ROWS)
    assert str(caught.value).startswith(f"{tmp_path}/{problem}")


def test_a_hashtag_at_the_start_of_the_only_line_is_no_comment(tmp_path: Path) -> None:
    assert check(tmp_path, "# Ada/B-P\n", "ner", [[("#", ""), ("Ada", "")]]) == [("O", "B-P")]


def test_at_most_twenty_problems(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        check(tmp_path, "Ada/B-P ran/X\n" * 50, "ner", ROWS)
    assert len(caught.value.problems) == 20


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        read_predictions(str(tmp_path / "missing"), "ner", gold(ROWS))


def test_an_added_column_does_not_hide_conllu() -> None:
    row = "1\tAda" + "\t_" * 8
    assert detect_layout([row + "\tN"], num_added=1) == Layout("\t", 11, 1, is_conllu=True)
    assert detect_layout([row + "\tN"]) == Layout("\t", 11, 1)
    assert detect_layout([row]) == Layout("\t", 10, 1, is_conllu=True)


def test_json_and_inline_agree(tmp_path: Path) -> None:
    line = json.dumps({"tokens": ["Ada", "ran"], "tags": ["B-P", "O"]}) + "\n"
    assert check(tmp_path, line, "ner", ROWS[:1]) == check(tmp_path, "Ada/B-P ran\n", "ner", ROWS[:1])

"""Repairs: what they change, what they leave, and that the result is clean."""

import io
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.data.formats.gold_repair import Repaired, repair
from rnncli.data.formats.gold_sentences import Columns, SentenceReader
from rnncli.data.tag_schemes import Scheme, read_spans
from rnncli.data.tag_summary import find_faults
from rnncli.errors import DataError

MORE = "x\tB-ORG\n\ny\tB-ORG\n\n"
CLEAN = MORE + "Ada\tB-PER\nLovelace\tI-PER\nmet\tO\n\n# a comment \nBob\tB-PER\n#ai\tO\n\n"


def fix(content: str | bytes, task: str = "ner", **rest: object) -> Repaired:
    data = content if isinstance(content, bytes) else content.encode()
    return repair(data, "f.conll", task, **rest)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        ("\ufeff" + CLEAN, "marks"),
        ("\ufeff\ufeff" + CLEAN, "marks"),
        (CLEAN.replace("\n", "\r\n"), "returns"),
        (CLEAN.replace("met\tO\n", "met\tO\r\r\n"), "returns"),
        (CLEAN.replace("O\n\n", "O\n \t\n"), "blank"),
        (CLEAN.replace("met\tO", "met\t0"), "O"),
        (CLEAN.replace("met\tO", "met\to"), "O"),
        (CLEAN.replace("B-PER\nLove", "b-PER\nLove"), "prefix"),
        (CLEAN.replace("Bob\tB-PER", "Bob\tI-PER"), "legal"),
        (CLEAN.replace("Bob\tB-PER", "Bob\tB-PER  "), "whitespace"),
        (CLEAN.replace("Bob\tB-PER", "Bob\t B-PER"), "whitespace"),
        (CLEAN.replace("Bob\tB-PER", "Bob\tB-PER\t\t"), "whitespace"),
        (CLEAN.replace("Bob\tB-PER", "Bob   B-PER"), "tabs"),
        ("Token\tTag\n" + CLEAN, "header"),
        ("token tag\nword ner\n" + CLEAN, "header"),
        (CLEAN[:-1], "end"),
        (CLEAN[:-2], "end"),
        (CLEAN[:-1] + "  ", "blank"),
        (CLEAN.replace("Ada\tB-PER", "Ada\tB-PER\t"), "whitespace"),
    ],
)
def test_each_fault_is_repaired_and_counted(broken: str, kind: str) -> None:
    found = fix(broken)
    assert found.data.decode() == CLEAN
    (name,) = found.changes
    assert kind in name
    assert found.changes[name] >= 1


@pytest.mark.parametrize(
    "content",
    [
        CLEAN,
        CLEAN.replace("\t", " ").replace("# a comment ", "# a comment"),
        CLEAN * 3,
        "\n\n" + CLEAN + "\n\n",
        "a  O\nb   B-X\n\nc     O\n\n",
        "New York\tB-LOC\n\tO\n\xa0\tO\n\nx \tO\n\n",
        "1\tAda\tB-PER\n2\tmet\tO\n\n1\tBob\tB-PER\n\n",
        "-DOCSTART-\tO\n\nAda\tB-PER\n\nBob\tB-PER\n\n",
    ],
)
def test_a_clean_file_keeps_every_byte(content: str) -> None:
    assert fix(content) == Repaired(content.encode(), {})


def test_blanks_behind_a_token_are_its_own() -> None:
    content = b"B-X\tAda \n\nO\tmet\n\n"
    assert fix(content, columns=Columns(1, 0)) == Repaired(content, {})


def test_spaces_stay_spaces_and_other_columns_stay() -> None:
    more = "x NN y B-X\n\n" * 3
    broken = more + "Ada  NNP\tx B-PER \nmet VBD  y 0\n\nBob NNP  z I-PER\n\n"
    assert fix(broken).data.decode() == more + "Ada  NNP x B-PER\nmet VBD  y O\n\nBob NNP  z B-PER\n\n"


def test_a_faulty_first_row_does_not_decide_about_the_others() -> None:
    assert fix(CLEAN.replace("x\tB-ORG", "x\tB-ORG\t", 1)).data.decode() == CLEAN
    assert fix(CLEAN.replace("x\tB-ORG", "x B-ORG", 1)).data.decode() == CLEAN


def test_the_tags_need_not_come_last() -> None:
    broken = "Ada\tb-PER\t0\nmet\t0\t0\nx\tO\t0\n\nBob\tB-PER\t0\n\n"
    assert fix(broken).data.decode() == "Ada\tB-PER\t0\nmet\tO\t0\nx\tO\t0\n\nBob\tB-PER\t0\n\n"
    assert fix("0 b-PER\n0 0\n\n1 O\n\n", columns=Columns(0, 1)).data.decode() == "0 B-PER\n0 O\n\n1 O\n\n"


def test_rows_of_conllu_are_kept_to_the_byte() -> None:
    rows = [
        "# text = Ada met  Bob \n1-2\tAda met\t" + "_\t" * 7 + "SpaceAfter=No ",
        "1\tAda\tAda\tPROPN\t_\t_\t2\tnsubj\t_\t_\n2\tmet\tmeet\tVERB\t_\t_\t0\troot\t_\tx=0 ",
        "2.1\tx\t" + "_\t" * 7 + "_\n\n1\tBob\tBob\tPROPN\t_\t_\t0\troot\t_\t_\n\n",
    ]
    content = "\n".join(rows)
    assert fix(content, "pos") == Repaired(content.encode(), {})
    found = fix(content.replace("\n", "\r\n").replace("VERB", "VERB "), "pos")
    assert found.data.decode() == content
    assert set(found.changes) == {"carriage returns removed", "whitespace around tags removed"}


@pytest.mark.parametrize(
    ("content", "line", "part"),
    [
        (CLEAN + "Ada\tB-PER\tx\n\n", 13, "columns"),
        (CLEAN + "New York B-LOC\n\n", 13, "tab"),
        (CLEAN + "New York\n\n", 13, "tab"),
        (CLEAN + "A\0da\tO\n\n", 13, "NUL"),
        (CLEAN.encode() + b"A\xe9\tO\n\n", 13, "UTF-8"),
        (CLEAN + "Ada\tPER\n\n", 13, "unknown tag"),
        (CLEAN + "Ada\t\n\n", 13, "empty"),
        ("Token\tTag\n" + CLEAN + "Ada\tPER\n\n", 14, "unknown tag"),
        ("", None, "no sentence"),
        ("a\tO\n\nb\tO\n\n", None, "no labels"),
        ("a\tO\nb\tB-X\n", None, "blank line"),
        ("a\tB-X\nb\tE-X\n\na\tU-X\n\n", 4, "mix"),
    ],
)
def test_what_cannot_be_repaired_is_told_with_its_line(content: str | bytes, line: int | None, part: str) -> None:
    with pytest.raises(DataError) as caught:
        fix(content)
    assert caught.value.problems[0].line == line
    assert part in caught.value.problems[0].message


def test_a_space_in_a_token_is_not_taken_for_a_tab() -> None:
    with pytest.raises(DataError, match="spaces where"):
        fix("a\tX\nb\tY\n\nNew York\n\n", "pos")
    assert fix("a\tX\nb\tY\n\nYork Y\n\n", "pos").data == b"a\tX\nb\tY\n\nYork\tY\n\n"


@given(
    st.lists(
        st.lists(st.sampled_from(["O", "B-X", "I-X", "E-X", "S-X", "B-Y", "I-Y"]), min_size=1, max_size=6),
        min_size=2,
        max_size=6,
    ),
    st.sampled_from([Scheme.IOB2, Scheme.BIOES]),
)
def test_repaired_tags_are_legal_and_mean_the_same_to_conlleval(sequences: list[list[str]], scheme: Scheme) -> None:
    if scheme is Scheme.IOB2:
        sequences = [[tag.replace("E-", "I-").replace("S-", "B-") for tag in tags] for tags in sequences]
    legal = [["O", "B-X", "I-X" if scheme is Scheme.IOB2 else "E-X"]] * 6 * sum(map(len, sequences))
    content = "".join("".join(f"w\t{tag}\n" for tag in tags) + "\n" for tags in [*legal, *sequences])
    found = fix(content, scheme=scheme)
    read = SentenceReader().read_stream(io.BytesIO(found.data), "f")
    assert find_faults(read, scheme) == []
    assert [read_spans(s.tags) for s in read] == [read_spans(tags) for tags in [*legal, *sequences]]


def damage(content: str, generator: random.Random) -> str:
    """Do to a file what editors, spreadsheets and people do."""
    rows = []
    for row in content.split("\n")[:-1]:
        token, tab, tag = row.partition("\t")
        choice = generator.randrange(12)
        if not row:
            row = generator.choice(["", "", " ", "\t"])
        elif tab and choice == 0 and tag == "O":
            row = token + tab + generator.choice("0o")
        elif tab and choice == 1 and tag != "O":
            row = token + tab + tag[0].lower() + tag[1:]
        elif tab and choice == 2 and " " not in token and token != "#":
            row = token + " " * generator.randrange(1, 4) + tag
        elif tab and choice == 3:
            row += generator.choice([" ", "\t", "\t \t"])
        rows.append(row + generator.choice(["", "", "\r"]))
    return (
        generator.choice(["", "\ufeff"]) + generator.choice(["", "word\tner\n"]) + "".join(f"{row}\n" for row in rows)
    )


@given(st.integers(0, 10_000))
def test_damage_is_undone_and_a_repaired_file_is_not_touched_again(seed: int) -> None:
    generator = random.Random(seed)
    sentences = []
    for _ in range(12):
        tokens = [generator.choice(["a", "b c", "0", "o", "#", "é", "x\xa0", "Word"]) for _ in range(4)]
        tags = generator.choice([["O"] * 4, ["B-X", "I-X", "O", "B-Y"], ["O", "B-Y", "I-Y", "I-Y"]])
        sentences.append("".join(f"{token}\t{tag}\n" for token, tag in zip(tokens, tags, strict=True)) + "\n")
    content = "w\tB-X\nx\tO\ny\tO\n\n" * 9 + "".join(sentences)
    found = fix(damage(content, generator))
    assert found.data.decode() == content
    assert fix(found.data) == Repaired(found.data, {})


@given(st.binary(max_size=60) | st.text("Aa0oOB-X \t\r\n#\ufeff", max_size=60).map(str.encode))
def test_anything_is_repaired_for_good_or_refused(data: bytes) -> None:
    try:
        found = repair(data, "f.conll")
    except DataError:
        return
    assert repair(found.data, "f.conll") == Repaired(found.data, {})


def test_the_sample_data_are_clean() -> None:
    for path in sorted((Path(__file__).parents[2] / "sample_data").glob("*.conll")):
        data = path.read_bytes()
        assert repair(data, str(path)).data.rstrip(b"\n") == data.rstrip(b"\n")

"""Tags written into columns: CoNLL-U that stays CoNLL-U, and rows that lose nothing."""

import json
import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.data.byte_lines import LineBlock
from rnncli.data.formats.conll import CONLLU_COLUMNS
from rnncli.data.formats.tag_records import TagRecord, parse_json, parse_raw, parse_tokens, read_columns
from rnncli.data.formats.tagged import TagWriter
from rnncli.data.tag_schemes import Scheme
from rnncli.data.tag_sets import TagSet

NAMES = TagSet("ner", ("O", "S-X"), Scheme.IOB2, "4")


def plain(column: str = "upos") -> TagSet:
    return TagSet("pos", ("NOUN", "VERB"), None, column)


def cut(text: str) -> list[tuple[int, int]]:
    """A tokenizer for the tests: words, and each other character that is no white space."""
    return [(m.start(), m.end()) for m in re.finditer(r"\w+|[^\w\s]", text)]


def columns_of(data: bytes, *, is_conllu: bool = False) -> list[TagRecord]:
    lines = data.split(b"\n")
    last = lines.pop()
    blocks = [LineBlock(1, lines, True, False)] if lines else []
    blocks += [LineBlock(len(lines) + 1, [last], False, True)] if last else []
    return [record for records, _ in read_columns(blocks, is_conllu=is_conllu) for record in records]


def write(form: str, head: TagSet, data: bytes, tags: Sequence[str], *, is_conllu: bool = False) -> str:
    """Tag the tokens of columns one after the other and write them."""
    writer, remaining = TagWriter(form, [head]), iter(tags)
    out = b""
    for record in columns_of(data, is_conllu=is_conllu):
        out += writer.render(record, None if record.is_empty else [[next(remaining) for _ in record.tokens or ()]])
    assert next(remaining, None) is None
    return out.decode("utf-8", "surrogateescape")


def check_conllu(text: str) -> list[list[list[str]]]:
    """Hold a text to the rules of CoNLL-U's page; return the columns of each sentence's words."""
    assert text.endswith("\n\n") or not text
    found = []
    for block in text.split("\n\n")[:-1]:
        lines = block.split("\n")
        rows = [line.split("\t") for line in lines if not line.startswith("#")]
        assert rows
        assert not lines[-1].startswith("#")
        assert all(len(row) == 10 and all(row) for row in rows)
        words = [row for row in rows if row[0].isdecimal()]
        assert [row[0] for row in words] == [str(i) for i in range(1, len(words) + 1)]
        assert all(not re.search(r"\s", cell) for row in rows for cell in (row[0], *row[3:9]))
        found.append(words)
    return found


GOLD = """\
# sent_id = 1
# text = don't go
1-2\tdon't\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No
1\tdo\tdo\tAUX\tVB\tMood=Imp\t3\taux\t_\t_
2\tn't\tnot\tPART\tRB\t_\t3\tadvmod\t_\tA=1|NER=S-OLD|B=2
3\tgo\tgo\tVERB\tVB\tMood=Imp\t0\troot\t_\tSpaceAfter=No
3.1\twe\twe\tPRON\tPRP\t_\t_\t_\t3:nsubj\tNER=S-X
# a late comment

"""


@pytest.mark.parametrize("name", CONLLU_COLUMNS[3:6])
def test_the_column_that_was_learned_is_replaced_and_nothing_else(name: str) -> None:
    out = write("conllu", plain(name), GOLD.encode(), ["t1", "t2", "t3"])
    index, tags = CONLLU_COLUMNS.index(name), iter(["t1", "t2", "t3"])
    for before, after in zip(GOLD.split("\n"), out.split("\n"), strict=True):
        if re.match(r"\d+\t", before):
            cells = before.split("\t")
            cells[index] = next(tags)
            assert after.split("\t") == cells
        else:
            assert after == before


def test_tags_learned_elsewhere_go_to_upos() -> None:
    assert write("conllu", plain("2"), GOLD.encode(), ["a", "b", "c"]) == write(
        "conllu", plain("upos"), GOLD.encode(), ["a", "b", "c"]
    )


def test_spans_stand_in_the_last_column_beside_what_is_there() -> None:
    out = write("conllu", NAMES, GOLD.encode(), ["B-X", "O", "B-X"])
    last = [line.split("\t")[-1] for line in out.split("\n") if "\t" in line]
    assert last == ["SpaceAfter=No", "NER=B-X", "A=1|B=2", "SpaceAfter=No|NER=B-X", "NER=S-X"]
    again = write("conllu", NAMES, out.encode(), ["O", "O", "O"])
    assert [line.split("\t")[-1] for line in again.split("\n") if "\t" in line][1:4] == [
        "_",
        "A=1|B=2",
        "SpaceAfter=No",
    ]


@pytest.mark.parametrize("head", [NAMES, plain()])
def test_every_row_of_conllu_gets_one_column_more(head: TagSet) -> None:
    out = write("conll", head, GOLD.encode(), ["t1", "t2", "t3"])
    added = []
    for before, after in zip(GOLD.split("\n"), out.split("\n"), strict=True):
        if "\t" in before:
            assert after.startswith(before + "\t")
            added.append(after[len(before) + 1 :])
        else:
            assert after == before
    assert added == ["_", "t1", "t2", "t3", "_"]


@pytest.mark.parametrize(("head", "filler"), [(NAMES, "O"), (plain(), "_")])
@pytest.mark.parametrize("row", ["-DOCSTART- -X- O", "x -DOCSTART- O"])
def test_the_row_that_opens_a_document_is_as_wide_as_the_others(head: TagSet, filler: str, row: str) -> None:
    first = ["1 a X", "2 b Y", "3 c Z"] if row.startswith("x") else ["a X Y"]
    data = "\n".join([*first, "", row, "", *first, "", ""]).encode()
    tags = ["t"] * 2 * len(first)
    out = write("conll", head, data, tags).split("\n")
    assert out == [*(f"{r} t" for r in first), "", f"{row} {filler}", "", *(f"{r} t" for r in first), "", ""]


@pytest.mark.parametrize("head", [NAMES, plain()])
def test_other_columns_become_conllu(head: TagSet) -> None:
    data = b"\n\n-DOCSTART- O\n\n# a comment\nAda O\n, O\n\n\n-DOCSTART- O\nBob O\n"
    out = write("conllu", head, data + b"\n", ["O", "O", "O"])
    (first, second) = check_conllu(out)
    assert [row[1] for row in first + second] == ["Ada", ",", "Bob"]
    assert [row[9] for row in first + second] == ["_"] * 3
    assert "# text = Ada ,\n" in out
    assert "DOCSTART" not in out


def test_a_bad_record_of_other_columns_gives_an_empty_row_in_conllu() -> None:
    assert write("conllu", plain(), b"a X\n\na\n\nb X\n\n", ["t", "t"]).split("\n\n")[1].startswith("\n# text = b\n")


def test_a_bad_record_of_conllu_stays_as_it_was() -> None:
    bad = GOLD.replace("go\tgo", "go\tgo\tgo")
    assert write("conllu", plain(), bad.encode(), [], is_conllu=True) == bad
    assert write("conll", plain(), bad.encode(), [], is_conllu=True) == bad


characters = st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\0")
texts = st.text(characters | st.sampled_from(" .,"), max_size=20)


@given(texts, st.sampled_from([NAMES, plain(), plain("feats")]))
def test_raw_text_becomes_conllu_from_which_it_can_be_restored(text: str, head: TagSet) -> None:
    record = parse_raw(cut)(text, 0, 1, True)
    tags = ["S-X" if head is NAMES and i % 2 else "O" for i, _ in enumerate(record.tokens or ())]
    out = TagWriter("conllu", [head]).render(record, None if record.is_empty else [tags]).decode()
    if not record.tokens:
        assert out == "\n"
        return
    (words,) = check_conllu(out)
    assert [row[1] for row in words] == record.tokens
    assert out.startswith(f"# text = {text}\n1\t")
    joined = "".join(row[1] + ("" if "SpaceAfter=No" in row[9].split("|") else " ") for row in words)
    assert joined.split() == text.split()  # spaces of other kinds and numbers have no place in SpaceAfter
    column = CONLLU_COLUMNS.index(head.column) if head is not NAMES else 9
    if head is NAMES:
        assert [("NER=S-X" in row[9].split("|")) for row in words] == [tag != "O" for tag in tags]
    else:
        assert [row[column] for row in words] == tags


def test_no_space_after_is_told_within_the_text_only() -> None:
    record = parse_raw(cut)("Ada, Bob.", 0, 1, True)
    out = TagWriter("conllu", [NAMES]).render(record, [["S-X", "O", "S-X", "O"]]).decode()
    assert [row[9] for row in check_conllu(out)[0]] == ["SpaceAfter=No|NER=S-X", "_", "SpaceAfter=No|NER=S-X", "_"]


@pytest.mark.parametrize("text", ["a\\nb", "a\\rb", "a\\r\\nb"])
def test_a_text_with_line_breaks_is_left_out(text: str) -> None:
    record = parse_json(cut, "text")(f'{{"text": "{text}"}}', 0, 1, True)
    out = TagWriter("conllu", [plain()]).render(record, [["t", "t"]]).decode()
    assert out.startswith("1\ta\t")
    assert "\r" not in out
    assert len(check_conllu(out)[0]) == 2


def test_tokens_that_came_as_tokens_have_spaces_between_them() -> None:
    out = TagWriter("conllu", [plain()]).render(parse_tokens("Ada , .", 0, 1, True), [["a", "b", "c"]]).decode()
    assert (
        out
        == "# text = Ada , .\n"
        + "".join(
            f"{i}\t{form}\t_\t{tag}" + "\t_" * 6 + "\n"
            for i, form, tag in ((1, "Ada", "a"), (2, ",", "b"), (3, ".", "c"))
        )
        + "\n"
    )
    empty = parse_json(cut, "t")('{"t": ["", "x"]}', 0, 1, True)
    assert "1\t_\t" in TagWriter("conllu", [plain()]).render(empty, [["a", "b"]]).decode()


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\0\t"), min_size=1, max_size=4)
rows = st.builds(
    lambda number, rest: "\t".join([number, *rest]),
    st.sampled_from(["1", "2", "77", "1-2", "3.1", "0.1"]),
    st.lists(cells, min_size=9, max_size=9),
)
lines = rows | st.just("") | cells.map("#".__add__) | st.just("# sent_id = 7") | rows


@given(st.lists(lines, max_size=12), st.booleans())
def test_conllu_with_its_own_tags_comes_back_to_the_byte(rows: list[str], ended: bool) -> None:
    text = "\n".join(rows) + ("\n" if ended and rows else "")
    data = text.encode()
    if data.startswith(b"\xef\xbb\xbf"):
        return
    tokens = [row.split("\t") for row in rows if re.match(r"\d+\t", row)]
    for name in ("upos", "xpos", "feats"):
        tags = [row[CONLLU_COLUMNS.index(name)] for row in tokens]
        assert write("conllu", plain(name), data, tags, is_conllu=True) == text
    widened = write("conll", plain(), data, ["t"] * len(tokens), is_conllu=True)
    assert [re.sub(r"^(\d.*)\t(t|_)$", r"\1", row) for row in widened.split("\n")] == text.split("\n")


def test_json_shows_what_every_head_says() -> None:
    record = parse_tokens("Ada ran", 0, 1, True)
    heads = [NAMES, plain()]
    for chosen, other, tags, others in (
        (0, "pos", ["S-X", "O"], ["NOUN", "VERB"]),
        (1, "ner", ["NOUN", "VERB"], ["S-X", "O"]),
    ):
        answers = [["S-X", "O"], ["NOUN", "VERB"]]
        found = json.loads(TagWriter("jsonl", heads, chosen).render(record, answers))
        assert found["tags"] == tags
        assert found[other] == others
        assert len(found) == 4
        inline = TagWriter("inline", heads, chosen).render(record, answers).decode()
        assert inline == ("Ada/S-X ran\n" if chosen == 0 else "Ada/NOUN ran/VERB\n")


def test_plain_tags_are_spans_of_one_token() -> None:
    record = parse_raw(cut)("Ada ran.", 0, 1, True)
    found = json.loads(TagWriter("spans", [plain()]).render(record, [["NOUN", "VERB", "O"]]))
    assert found == [
        {"start": 0, "end": 3, "type": "NOUN", "text": "Ada"},
        {"start": 4, "end": 7, "type": "VERB", "text": "ran"},
        {"start": 7, "end": 8, "type": "O", "text": "."},
    ]

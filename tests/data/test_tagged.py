"""The filter's formats, without a model: any tokens and tags in, rows out that can be read back."""

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rnncli.data.byte_lines import LineBlock
from rnncli.data.formats.json_fields import add_field
from rnncli.data.formats.tag_records import TagRecord, parse_json, parse_raw, parse_tokens, read_columns, read_lines
from rnncli.data.formats.tagged import TagWriter, inline, spans
from rnncli.data.tag_schemes import Scheme
from rnncli.data.tag_sets import TagSet

NAMES = TagSet("ner", ("O", "S-X"), Scheme.IOB2)


def cut(text: str) -> list[tuple[int, int]]:
    """A tokenizer for the tests: runs of what is no white space."""
    return [(m.start(), m.end()) for m in re.finditer(r"\S+", text)]


characters = st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\t \0")
words = st.text(characters | st.sampled_from("/\\"), min_size=1, max_size=6)
kinds = st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "S-X", "E-X"])
tagged = st.lists(st.tuples(words, kinds), min_size=1, max_size=8)


def read_inline(row: str) -> list[tuple[str, str]]:
    """Read a row by the contract: a slash that no backslash escapes splits token and tag."""
    found = []
    for cell in row.split(" "):
        match = re.fullmatch(r"((?:[^\\/]|\\[\\/])*)(?:/(.*))?", cell, flags=re.DOTALL)
        assert match
        found.append((re.sub(r"\\([\\/])", r"\1", match[1]), match[2] or "O"))
    return found


@given(tagged)
def test_inline_rows_can_be_read_back(pairs: list[tuple[str, str]]) -> None:
    tokens, tags = [t for t, _ in pairs], [g for _, g in pairs]
    assert read_inline(inline(parse_tokens(" ".join(tokens), 0, 1, True), tags, NAMES)) == pairs


@given(tagged)
def test_columns_can_be_read_back(pairs: list[tuple[str, str]]) -> None:
    tokens, tags = [t for t, _ in pairs], [g for _, g in pairs]
    out = TagWriter("conll", [NAMES]).render(parse_tokens(" ".join(tokens), 0, 1, True), [tags]).decode()
    assert out.endswith("\n\n")
    assert [tuple(line.split("\t")) for line in out[:-2].split("\n")] == pairs


@given(
    st.lists(
        st.tuples(words, kinds, st.sampled_from([" ", "  ", "\t", "\u2028", "\xa0", "\x1c"])), min_size=1, max_size=8
    )
)
def test_offsets_find_the_text(parts: list[tuple[str, str, str]]) -> None:
    text = "".join(word + gap for word, _, gap in parts)
    record = parse_raw(cut)(text, 0, 1, True)
    assert record.tokens is not None
    tags = [kind for _, kind, _ in parts]
    tags = (tags * len(record.tokens))[: len(record.tokens)]  # a word may itself hold white space of Unicode
    found = spans(record, tags, NAMES)
    for span in found:
        assert text[span["start"] : span["end"]] == span["text"]
        assert span["end"] > span["start"]
    assert [s["start"] for s in found] == sorted(s["start"] for s in found)
    out = TagWriter("spans", [NAMES]).render(record, [tags])
    assert out.count(b"\n") == 1
    assert json.loads(out) == found


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text(max_size=5), json_values, max_size=5),
    st.text(max_size=4),
    st.booleans(),
    st.sampled_from([None, 0]),
    st.sampled_from(["", " ", "\t "]),
)
def test_a_field_is_added_and_no_other_changes(
    content: dict[str, Any], field: str, escape: bool, indent: int | None, space: str
) -> None:
    source = space + json.dumps(content, ensure_ascii=escape, indent=indent).replace("\n", "") + space
    added = add_field(source, field, '{"x":1}')
    assert json.loads(added) == {**content, field: {"x": 1}}
    assert "\n" not in added
    for name, value in content.items():
        if name != field:
            written = json.dumps({name: value}, ensure_ascii=escape, indent=indent).replace("\n", "")[1:-1]
            assert written in added


def test_a_replaced_field_leaves_the_others_bytes_alone() -> None:
    source = '{"a":1.10, "tags":[1,{"tags":2}] ,"b":"\\u00e9","c":1e5}'
    added = add_field(source, "tags", "7")
    assert json.loads(added) == {"a": 1.1, "tags": 7, "b": "é", "c": 1e5}
    for part in ('"a":1.10', '"b":"\\u00e9"', '"c":1e5'):
        assert part in added


def test_an_empty_object_gets_its_first_field() -> None:
    assert json.loads(add_field("{}", "x", "1")) == {"x": 1}
    assert json.loads(add_field(" { } ", "x", "1")) == {"x": 1}


@given(st.text(), st.sampled_from(["inline", "spans", "conll", "conllu", "jsonl"]))
def test_any_line_of_json_gives_one_row_or_one_error(line: str, form: str) -> None:
    line = line.replace("\n", "").replace("\r", "").encode("utf-8", "replace").decode()
    record = parse_json(cut, "text")(line, 0, 1, True)
    assert record.error is not None or record.tokens is None
    out = TagWriter(form, [NAMES]).render(record, None)
    assert out.count(b"\n") == 1


def blocks_of(data: bytes) -> list[LineBlock]:
    lines = data.split(b"\n")
    last = lines.pop()
    return [LineBlock(1, lines, True, False)] * bool(lines) + (
        [LineBlock(len(lines) + 1, [last], False, True)] if last else []
    )


def echo(data: bytes) -> bytes:
    """Tag every token O, columns in and out."""
    writer = TagWriter("conll", [NAMES])
    out = b""
    for records, _ in read_columns(blocks_of(data)):
        for record in records:
            out += writer.render(record, None if record.is_empty else [["O"] * len(record.tokens or ())])
    return out


@given(
    st.lists(st.sampled_from(["Ada\tNNP", "#\tSYM", "#tag\tX", "# c", "# a b c", "", "-DOCSTART-\tX"]), max_size=12),
    st.booleans(),
)
def test_columns_go_through_with_one_more(lines: list[str], newline: bool) -> None:
    lines = ["x\ty", *lines]
    data = "\n".join(lines) + ("\n" if newline else "")
    out = echo(data.encode()).decode()
    expected = [f"{line}\tO" if "\t" in line else line for line in lines]
    assert out == "\n".join(expected) + ("\n" if newline else "")


@given(st.lists(st.binary(max_size=12).map(lambda b: b.replace(b"\n", b"")), max_size=6))
def test_every_line_is_one_record(lines: list[bytes]) -> None:
    data = b"".join(line + b"\n" for line in lines)
    for parse in (parse_raw(cut), parse_tokens, parse_json(cut, "text")):
        records = [r for found, _ in read_lines(blocks_of(data), parse) for r in found]
        assert [r.line for r in records] == list(range(1, len(lines) + 1))
        for record, line in zip(records, lines, strict=True):
            if b"\xff" in line:  # a byte that no UTF-8 text holds
                assert "UTF-8" in str(record.error)
            assert line or (record.is_empty and record.error is None)


def test_a_blank_record_is_a_blank_row_in_every_format() -> None:
    for form in ("inline", "spans", "conll", "conllu", "jsonl"):
        for ended, expected in ((True, b"\n"), (False, b"")):
            assert TagWriter(form, [NAMES]).render(TagRecord(None, "", None, 1, 1, None, ended), None) == expected
        assert TagWriter(form, [NAMES], separator=b"\0").render(TagRecord(None, "", None, 1, 1), None) == b"\0"

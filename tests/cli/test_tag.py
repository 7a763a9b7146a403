"""rnncli tag: what goes in and what comes out, to the byte, through the real command."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

BOM = b"\xef\xbb\xbf"

# Every token stands alone between spaces and holds nothing that English rules would cut, so that all inputs agree.
SENTENCES = [
    ["Ada", "Lovelace", "met", "Bob", "in", "Paris", "."],
    ["The", "train", "to", "Rome", "was", "late", "."],
    ["Rene\u0301", "😀", "Bob", "ate", "1/2", "in", "New", "York", "."],
    ["Nobody", "knew", "."],
]
INPUTS = ["raw", "tokens", "conll", "jsonl"]
OUTPUTS = ["inline", "spans", "conll", "jsonl"]


def dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def spans_of(tokens: list[str], tags: list[str]) -> list[dict[str, Any]]:
    """Spans of well-formed IOB2 tags with offsets in the tokens joined by one space."""
    found: list[dict[str, Any]] = []
    position = 0
    for token, tag in zip(tokens, tags, strict=True):
        end = position + len(token)
        if tag.startswith("B-"):
            found.append({"start": position, "end": end, "type": tag[2:], "text": token})
        elif tag.startswith("I-"):
            found[-1]["end"] = end
            found[-1]["text"] += " " + token
        position = end + 1
    return found


def row(form: str, tokens: list[str], tags: list[str]) -> str:
    """One record as the contract's table writes it."""
    if form == "inline":
        cells = [token.replace("\\", "\\\\").replace("/", "\\/") for token in tokens]
        return " ".join(c if t == "O" else f"{c}/{t}" for c, t in zip(cells, tags, strict=True)) + "\n"
    if form == "spans":
        return dump(spans_of(tokens, tags)) + "\n"
    if form == "jsonl":
        return dump({"tokens": tokens, "tags": tags, "spans": spans_of(tokens, tags)}) + "\n"
    return "".join(f"{token}\t{tag}\n" for token, tag in zip(tokens, tags, strict=True)) + "\n"


def feed(form: str, sentences: list[list[str]]) -> str:
    """The same sentences in every input format."""
    if form == "conll":
        return "".join("".join(f"{token}\tx\n" for token in tokens) + "\n" for tokens in sentences)
    if form == "jsonl":
        return "".join(dump({"id": i, "text": " ".join(tokens)}) + "\n" for i, tokens in enumerate(sentences))
    return "".join(" ".join(tokens) + "\n" for tokens in sentences)


def expected(source: str, output: str, sentences: list[list[str]], tags: list[list[str]]) -> list[str]:
    """The row of each sentence that `feed` wrote, in any output format."""
    rows = []
    for number, (tokens, found) in enumerate(zip(sentences, tags, strict=True)):
        if source == "conll" and output == "conll":
            rows.append("".join(f"{token}\tx\t{tag}\n" for token, tag in zip(tokens, found, strict=True)) + "\n")
        elif source == "jsonl" and output == "jsonl":
            record = {"id": number, "text": " ".join(tokens), "tags": json.loads(row("jsonl", tokens, found))}
            rows.append(dump(record) + "\n")
        else:
            rows.append(row(output, tokens, found))
    return rows


_KNOWN: dict[str, list[list[str]]] = {}


@pytest.fixture
def tags_of(tag: Callable[..., Any]) -> Callable[[list[list[str]]], list[list[str]]]:
    """The model's tags of sentences, one run for all tests that ask for the same."""

    def read(sentences: list[list[str]]) -> list[list[str]]:
        stdin = feed("tokens", sentences)
        if stdin not in _KNOWN:
            done = tag("--input", "tokens", "--format", "conll", stdin=stdin)
            assert (done.code, done.err) == (0, "")
            blocks = [block.split("\n") for block in done.out.decode().split("\n\n")[:-1]]
            assert [[line.split("\t")[0] for line in block] for block in blocks] == sentences
            _KNOWN[stdin] = [[line.split("\t")[1] for line in block] for block in blocks]
        return _KNOWN[stdin]

    return read


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("source", INPUTS)
def test_every_input_in_every_format(tag: Any, tags_of: Any, source: str, output: str) -> None:
    tags = tags_of(SENTENCES)
    assert any(t != "O" for sentence in tags for t in sentence)
    done = tag("--input", source, "--format", output, stdin=feed(source, SENTENCES))
    assert (done.code, done.err) == (0, "")
    assert done.out.decode() == "".join(expected(source, output, SENTENCES, tags))


def test_what_was_learned_is_found(tag: Any) -> None:
    done = tag(stdin="Ada met Bob in Paris .\nIt rained all day in Oslo .\n")
    assert done.lines == ["Ada/B-PER met Bob/B-PER in Paris/B-LOC .", "It rained all day in Oslo/B-LOC ."]


def test_jsonl_is_short_for_both(tag: Any) -> None:
    stdin = feed("jsonl", SENTENCES)
    assert tag("--jsonl", stdin=stdin).out == tag("--input", "jsonl", "--format", "jsonl", stdin=stdin).out


def test_a_raw_line_is_cut_as_english_is(tag: Any) -> None:
    done = tag("--format", "conll", stdin='Ada met Bob (in Paris), "they" don\'t say.\n')
    tokens = [line.split("\t")[0] for line in done.lines if line]
    assert tokens == ["Ada", "met", "Bob", "(", "in", "Paris", ")", ",", '"', "they", '"', "do", "n't", "say", "."]


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("source", ["raw", "tokens", "jsonl"])
def test_a_blank_line_in_is_a_blank_line_out(tag: Any, tags_of: Any, source: str, output: str) -> None:
    first, second = feed(source, SENTENCES[:2]).splitlines(keepends=True)
    one, two = expected(source, output, SENTENCES[:2], tags_of(SENTENCES)[:2])
    done = tag("--input", source, "--format", output, stdin="\n" + first + "\n\n" + second + "\n")
    assert (done.code, done.err) == (0, "")
    assert done.out.decode() == "\n" + one + "\n\n" + two + "\n"


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("source", INPUTS)
def test_a_missing_last_newline_changes_nothing_but_the_newline(
    tag: Any, tags_of: Any, source: str, output: str
) -> None:
    rows = expected(source, output, SENTENCES[:2], tags_of(SENTENCES)[:2])
    stdin = feed(source, SENTENCES[:2]).rstrip("\n")
    if source == "conll" and output == "conll":
        rows[1] = rows[1].removesuffix("\n")  # the blank line after the last sentence was not there to begin with
    done = tag("--input", source, "--format", output, stdin=stdin)
    assert (done.code, done.err) == (0, "")
    assert done.out.decode() + "\n" == "".join(rows)


@pytest.mark.parametrize("source", INPUTS)
def test_windows_line_ends_and_byte_order_mark_are_removed(tag: Any, source: str) -> None:
    stdin = feed(source, SENTENCES).encode()
    plain = tag("--input", source, "--format", "conll", stdin=stdin)
    changed = tag("--input", source, "--format", "conll", stdin=BOM + stdin.replace(b"\n", b"\r\n"))
    assert (changed.code, changed.out) == (0, plain.out)


def test_only_one_carriage_return_and_only_the_first_byte_order_mark_go(tag: Any) -> None:
    done = tag("--input", "tokens", "--format", "jsonl", stdin=BOM + BOM + b"a b\r\r\n" + BOM + b"c\rd\n")
    tokens = [json.loads(line)["tokens"] for line in done.out.decode().split("\n")[:-1]]
    assert tokens == [["\ufeffa", "b\r"], ["\ufeffc\rd"]]


def test_a_line_that_is_nothing_but_a_carriage_return_is_blank(tag: Any) -> None:
    assert tag("--format", "spans", stdin=b"\r\n\r\n").out == b"\n\n"


def test_empty_input_gives_empty_output(tag: Any) -> None:
    for source in INPUTS:
        for stdin in (b"", BOM):
            done = tag("--input", source, stdin=stdin)
            assert (done.code, done.out, done.err) == (0, b"", "")


def test_white_space_alone_has_no_token(tag: Any) -> None:
    done = tag(stdin="   \n\t\n\u2003\nAda met Bob .\n")
    assert done.out.decode().split("\n") == ["", "", "", "Ada/B-PER met Bob/B-PER .", ""]


SEPARATORS = ["\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e"]


def test_nothing_but_a_newline_ends_a_line(tag: Any) -> None:
    texts = [f"Ada{separator}met Bob ." for separator in SEPARATORS]
    lines = "".join(text + "\n" for text in texts)
    found = tag("--format", "spans", stdin=lines).lines
    for text, line in zip(texts, found, strict=True):
        assert all(text[s["start"] : s["end"]] == s["text"] for s in json.loads(line))
    found = tag("--input", "tokens", "--format", "jsonl", stdin=lines).lines
    assert [json.loads(line)["tokens"] for line in found] == [text.split(" ") for text in texts]
    stdin = "".join(f"Ada{separator}x\tO\nmet\tO\n\n" for separator in SEPARATORS)
    found = tag("--input", "conll", "--format", "conll", stdin=stdin).lines
    assert [line.rpartition("\t")[0] for line in found if line] == [line for line in stdin.split("\n") if line]
    done = tag("--jsonl", stdin=dump({"text": texts[0], "\u2028": "\u0085"}) + "\n")
    assert done.code == 0
    assert done.out.count(b"\n") == 1


def test_a_nul_inside_of_json_does_not_end_a_record(tag: Any) -> None:
    stdin = '{"text":"Ada\\u0000x"}\0{"text":"met"}\0'
    done = tag("-0", "--input", "jsonl", stdin=stdin)
    assert (done.code, done.out) == (1, b"\0met\0")
    assert "a NUL, which ends records, in field 'text'" in done.err
    done = tag("--input", "jsonl", stdin=stdin.replace("\0", "\n"))
    assert (done.code, done.out.count(b"\n")) == (0, 2)


@pytest.mark.parametrize("source", ["conll", "conllu"])
def test_a_last_line_of_one_carriage_return_gets_no_newline(tag: Any, source: str) -> None:
    row = "1\tAda" + "\t_" * 8
    done = tag("--input", source, "--format", "conll", stdin=f"{row}\r\n\r")
    assert (done.code, done.lines if done.out.endswith(b"\n") else None) == (0, [f"{row}\tB-PER"])


def test_null_separates_records_that_hold_newlines(tag: Any) -> None:
    text = "Ada met\nBob in\r\nParis ."
    done = tag("-0", "--format", "jsonl", stdin=f"{text}\0\0Ada met Bob .\0")
    first, second, third, rest = done.out.split(b"\0")
    assert (second, rest, done.code) == (b"", b"", 0)
    found = json.loads(first)
    assert found["tokens"] == ["Ada", "met", "Bob", "in", "Paris", "."]
    assert all(text[s["start"] : s["end"]] == s["text"] for s in found["spans"])
    assert json.loads(third)["tokens"] == ["Ada", "met", "Bob", "."]
    inline = tag("--null", stdin=f"{text}\0").out
    assert inline.count(b"\0") == 1
    assert inline.endswith(b"\0")
    assert b"\n" not in inline


def test_offsets_are_code_points_of_the_records_own_text(tag: Any) -> None:
    text = "\t😀👩\u200d🚀  Ada   Lovelace met\u00a0Bob , then e\u0301 flew to  Paris ."
    done = tag("--format", "spans", stdin=text + "\n")
    spans = json.loads(done.out)
    assert spans
    assert all(list(span) == ["start", "end", "type", "text"] for span in spans)
    for span in spans:
        assert text[span["start"] : span["end"]] == span["text"]
        assert span["text"] == span["text"].strip()
    assert any(span["text"] in ("Paris", "Bob") and span["start"] == text.index(span["text"]) for span in spans)


def test_slashes_and_backslashes_are_escaped_so_that_rows_can_be_read_back(tag: Any, tags_of: Any) -> None:
    tokens = ["/", "\\", "a/b", "\\/", "x/B-PER", "Ada/", "\\\\", "C:\\x"]
    (tags,) = tags_of([tokens])
    done = tag("--input", "tokens", stdin=" ".join(tokens) + "\n")
    assert done.out.decode() == row("inline", tokens, tags)


def test_a_document_of_many_tokens_is_one_record(tag: Any) -> None:
    tokens = ["Ada", "met", "Bob", "in", "Paris", "."] * 1500
    done = tag("--input", "tokens", "--format", "jsonl", stdin="Ada\n" + " ".join(tokens) + "\nBob\n")
    assert done.code == 0
    _, found, _ = map(json.loads, done.lines)
    assert found["tokens"] == tokens
    assert len(found["tags"]) == len(tokens)
    assert found["tags"].count("B-LOC") > 1400


def test_the_result_does_not_depend_on_batch_mates(tag: Any, corpus: Any) -> None:
    lines = [" ".join(token for token, _ in rows) + "\n" for rows in corpus(300, seed=5)]
    together = tag(stdin="".join(lines)).lines
    assert len(together) == len(lines)
    reverse = tag(stdin="".join(lines[::-1])).lines
    assert reverse[::-1] == together
    for i in (0, 7, 150, 299):
        assert tag(stdin=lines[i]).lines == [together[i]]
    assert tag("-u", stdin="".join(lines)).lines == together
    assert tag("--threads", "2", stdin="".join(lines)).lines == together


# Files


def test_files_are_read_in_order_and_gz_is_decompressed(tag: Any, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Ada met Bob .\n")
    (tmp_path / "b.gz").write_bytes(gzip.compress(b"It rained .\n") + gzip.compress(b"\nBob flew to Rome .\n"))
    done = tag("a.txt", "b.gz", "-", "a.txt", stdin="Nobody knew .\n")
    assert done.code == 0
    words = [" ".join(cell.split("/")[0] for cell in line.split(" ")) for line in done.lines]
    assert words == ["Ada met Bob .", "It rained .", "", "Bob flew to Rome .", "Nobody knew .", "Ada met Bob ."]


def test_each_file_may_begin_with_a_byte_order_mark(tag: Any, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(BOM + b"one\n")
    done = tag("--input", "tokens", "--format", "jsonl", "a.txt", "a.txt")
    assert [json.loads(line)["tokens"] for line in done.lines] == [["one"], ["one"]]


def test_a_file_without_last_newline_does_not_swallow_the_next_ones_first_record(tag: Any, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Ada met Bob .")
    (tmp_path / "b.txt").write_text("It rained .\n")
    done = tag("a.txt", "b.txt")
    assert done.lines == ["Ada/B-PER met Bob/B-PER .", "It rained ."]


def test_a_missing_file_is_a_usage_error_before_anything_is_written(tag: Any, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Ada\n")
    done = tag("a.txt", "missing.txt")
    assert (done.code, done.out) == (2, b"")
    assert done.err.startswith("rnncli: error: missing.txt: ")
    done = tag(tmp_path)
    assert (done.code, done.out) == (2, b"")


@pytest.mark.parametrize("damage", ["cut", "garbage", "flipped"])
def test_a_damaged_gz_is_one_message(tag: Any, tmp_path: Path, damage: str) -> None:
    packed = gzip.compress(b"Ada met Bob .\n" * 1000, mtime=0)
    data = {"cut": packed[:-20], "garbage": b"no gzip at all\n", "flipped": packed[:20] + b"\xff\xff" + packed[22:]}[
        damage
    ]
    (tmp_path / "a.gz").write_bytes(data)
    done = tag("a.gz")
    assert done.code == 3
    assert done.err.startswith("rnncli: error: a.gz: ")
    assert done.err.count("rnncli: error") == 1
    assert "Traceback" not in done.err


# Bad records


@pytest.mark.parametrize("source", ["raw", "tokens"])
def test_bad_utf8_gives_an_empty_row_a_message_and_exit_1(tag: Any, source: str) -> None:
    stdin = b"Ada met Bob .\n\nab \xff Bob\nIt rained .\ncut \xe2\x82\n"
    done = tag("--input", source, stdin=stdin)
    assert done.code == 1
    assert done.lines == ["Ada/B-PER met Bob/B-PER .", "", "", "It rained .", ""]
    first, second = done.err.splitlines()
    assert first.startswith("rnncli: error: <stdin>:3: ")
    assert "UTF-8" in first
    assert "byte 4" in first  # 1-based, as the column of an editor
    assert second.startswith("rnncli: error: <stdin>:5: ")
    assert [json.loads(x or '"blank"') for x in tag("--input", source, "--format", "spans", stdin=stdin).lines][
        2
    ] == "blank"
    in_json = tag("--input", source, "--format", "jsonl", stdin=stdin).lines
    assert list(json.loads(in_json[2])) == ["error"]
    assert in_json[1] == ""


def test_a_bad_record_names_its_file(tag: Any, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"fine\n")
    (tmp_path / "b.txt").write_bytes(b"fine\n\xff\n")
    done = tag("a.txt", "b.txt")
    assert done.code == 1
    assert done.err.startswith("rnncli: error: b.txt:2: ")


@pytest.mark.parametrize("bad", [b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\x80"])
def test_utf8_is_strict(tag: Any, bad: bytes) -> None:
    done = tag(stdin=b"a " + bad + b"\n")
    assert (done.code, done.out) == (1, b"\n")


def test_on_error_stop_writes_the_rows_before_it(tag: Any) -> None:
    done = tag("--on-error", "stop", stdin=b"Ada met Bob .\n\n\xff\nIt rained .\n")
    assert done.code == 3
    assert done.lines == ["Ada/B-PER met Bob/B-PER .", ""]
    assert done.err.startswith("rnncli: error: <stdin>:3: ")
    assert done.err.count("rnncli: error") == 1


def test_on_error_skip_drops_and_counts(tag: Any) -> None:
    done = tag("--on-error", "skip", stdin=b"Ada met Bob .\n\xff\nIt rained .\n\xfe\n")
    assert done.code == 0
    assert done.lines == ["Ada/B-PER met Bob/B-PER .", "It rained ."]
    assert "2" in done.err.splitlines()[-1]


def test_on_error_blank_is_the_default(tag: Any) -> None:
    stdin = b"Ada\n\xff\n"
    assert tag(stdin=stdin) == tag("--on-error", "blank", stdin=stdin)


# JSON


def test_json_fields_pass_untouched_byte_for_byte(tag: Any) -> None:
    source = (
        '{"n":1.10,"e":1e5, "s":"\\u00e9\\/\\u2028é😀" ,\t"big":12345678901234567890123,'
        '"text":"Ada met Bob .","l":[1 , 2],"z":-0.0}'
    )
    done = tag("--jsonl", stdin=source + "\n")
    assert (done.code, done.err) == (0, "")
    out = done.out.decode()
    assert out.startswith(source[:-1] + ",")
    assert out.endswith("}\n")
    added = json.loads(out)["tags"]
    assert added == {
        "tokens": ["Ada", "met", "Bob", "."],
        "tags": ["B-PER", "O", "B-PER", "O"],
        "spans": [
            {"start": 0, "end": 3, "type": "PER", "text": "Ada"},
            {"start": 8, "end": 11, "type": "PER", "text": "Bob"},
        ],
    }
    assert out == source[:-1] + ',"tags":' + dump(added) + "}\n"


def test_json_fields_pass_untouched_even_where_the_result_replaces_one(tag: Any) -> None:
    done = tag("--jsonl", stdin='{"n":1.10,"tags":["old"],"e":1e5,"s":"\\u00e9","text":"It rained ."}\n')
    assert done.code == 0
    out = done.out.decode()
    for part in ('"n":1.10', '"e":1e5', '"s":"\\u00e9"', '"text":"It rained ."'):
        assert part in out
    assert json.loads(out)["tags"]["tokens"] == ["It", "rained", "."]
    assert out.count('"tags":') == 2  # the field, and the list inside it


def test_half_a_surrogate_elsewhere_in_the_record_does_no_harm(tag: Any) -> None:
    for source in (
        '{"x":"\\ud83d","text":"Ada"}',
        '{"x":"\\ud83d","tags":1,"text":"Ada"}',
        '{"x":"\\udc80","tags":1,"text":"Ada"}',
    ):
        done = tag("--jsonl", stdin=source + "\n")
        assert done.code == 0, done.err
        assert json.loads(done.out.decode("utf-8"))["x"] == json.loads(source)["x"]


def test_text_field_and_field_are_free(tag: Any) -> None:
    done = tag("--jsonl", "--text-field", "body", "--field", "näme", stdin='{"text":1,"body":"Ada met Bob ."}\n')
    assert done.code == 0
    record = json.loads(done.out)
    assert list(record) == ["text", "body", "näme"]
    assert record["näme"]["tags"] == ["B-PER", "O", "B-PER", "O"]


def test_the_text_field_may_hold_tokens(tag: Any) -> None:
    tokens = ["Ada", "met", "Bob", "in", "Paris."]
    done = tag("--jsonl", stdin=dump({"text": tokens}) + "\n")
    found = json.loads(done.out)["tags"]
    assert found["tokens"] == tokens
    joined = " ".join(tokens)
    assert found["spans"][0] == {"start": 0, "end": 3, "type": "PER", "text": "Ada"}
    assert all(joined[s["start"] : s["end"]] == s["text"] for s in found["spans"])


def test_empty_text_and_no_tokens_are_records_too(tag: Any) -> None:
    done = tag("--jsonl", stdin='{"text":""}\n{"text":[]}\n')
    assert done.code == 0
    assert [json.loads(line)["tags"] for line in done.lines] == [{"tokens": [], "tags": [], "spans": []}] * 2


BAD_JSON = [
    *("{", "[1]", '"text"', "null", "3", "{}", '{"text":1}', '{"text":null}', '{"text":["a",1]}'),
    *('{"text":"a"} x', '{"text":"\\ud800"}', '{"text":["\\udfff"]}', "{'text':'a'}"),
]


def test_bad_json_gives_an_error_in_its_place(tag: Any) -> None:
    stdin = "".join('{"text":"Ada"}\n' + bad + "\n" for bad in BAD_JSON)
    done = tag("--jsonl", stdin=stdin)
    assert done.code == 1
    records = [json.loads(line) for line in done.lines]
    assert len(records) == 2 * len(BAD_JSON)
    assert all("tags" in record for record in records[::2])
    assert all(list(record) == ["error"] and isinstance(record["error"], str) for record in records[1::2])
    messages = done.err.splitlines()
    assert len(messages) == len(BAD_JSON)
    for number, message in enumerate(messages, 1):
        assert message.startswith(f"rnncli: error: <stdin>:{2 * number}: ")
    assert tag("--input", "jsonl", stdin=stdin).lines == ["Ada/B-PER", ""] * len(BAD_JSON)


def test_deeply_nested_json_is_a_bad_record_or_a_good_one_but_no_crash(tag: Any) -> None:
    done = tag("--jsonl", stdin='{"text":"Ada","x":' + "[" * 100_000 + "]" * 100_000 + '}\n{"text":"Bob"}\n')
    assert done.code in (0, 1)
    assert len(done.lines) == 2


def test_bad_utf8_in_json_is_a_bad_record(tag: Any) -> None:
    done = tag("--jsonl", stdin=b'{"text":"a\xff"}\n{"text":"Bob"}\n')
    assert done.code == 1
    assert list(json.loads(done.lines[0])) == ["error"]


@pytest.mark.parametrize("output", ["inline", "spans", "jsonl"])
def test_line_breaks_in_json_text_never_break_a_row(tag: Any, output: str) -> None:
    records = [{"text": "Ada met\nBob ."}, {"text": ["Ada\nmet", "Bob\r\n", "\t."]}, {"text": "Bob"}]
    done = tag("--input", "jsonl", "--format", output, stdin="".join(dump(r) + "\n" for r in records))
    assert len(done.lines) == 3


def test_tokens_in_json_never_break_columns(tag: Any) -> None:
    tokens = ["a\tb", "c\nd", "e"]
    done = tag("--input", "jsonl", "--format", "conll", stdin=dump({"text": tokens}) + "\n")
    block = done.out.decode().removesuffix("\n").split("\n")[:-1]
    # Such a token has no place in columns: it may be refused or rewritten, but never become other rows.
    assert (done.code, block) == (1, []) or [line.count("\t") for line in block] == [1] * len(tokens)


# Columns


def test_columns_keep_rows_comments_and_blank_lines(tag: Any) -> None:
    stdin = (
        "\n# id = 1\n# a b c\nAda\tNNP\tO\nmet\tVBD\tO\nBob\tNNP\tO\n.\t.\tO\n\n\n\n"
        "# only a comment with\ttab\n#\tNN\tO\n#tag\tNN\tO\n\n# trailing comment\n"
    )
    done = tag("--input", "conll", "--format", "conll", stdin=stdin)
    assert (done.code, done.err) == (0, "")
    lines_in, lines_out = stdin.split("\n"), done.out.decode().split("\n")
    assert len(lines_in) == len(lines_out)
    for before, after in zip(lines_in, lines_out, strict=True):
        if before.count("\t") == 2:
            assert after.startswith(before + "\t")
            assert after.count("\t") == 3
        else:
            assert after == before
    assert "Ada\tNNP\tO\tB-PER" in lines_out


def test_columns_may_be_separated_by_spaces(tag: Any) -> None:
    stdin = "-DOCSTART- -X- -X- O\n\nAda NNP B-NP O\nmet  VBD B-VP O\n. . O O\n\n# NN O O\n#x NN O O\n\n"
    done = tag("--input", "conll", "--format", "conll", stdin=stdin)
    assert (done.code, done.err) == (0, "")
    before, after = stdin.split("\n"), done.out.decode().split("\n")
    assert [line[: len(b)] for line, b in zip(after, before, strict=True)] == before
    added = [line[len(b) :] for line, b in zip(after, before, strict=True)]
    assert added[0] == " O"
    assert added[2] == " B-PER"
    assert all(cell.startswith(" ") and " " not in cell[1:] for cell, b in zip(added, before, strict=True) if b)


def test_a_document_start_is_no_token(tag: Any) -> None:
    done = tag("--input", "conll", "--format", "jsonl", stdin="-DOCSTART-\tO\nAda\tO\nmet\tO\n\n")
    assert json.loads(done.lines[0])["tokens"] == ["Ada", "met"]


def test_a_block_of_comments_before_the_first_row_does_not_set_the_columns(tag: Any) -> None:
    stdin = "# a corpus\n# by us\n\nAda\tO\nmet\tO\n\n"
    done = tag("--input", "conll", "--format", "conll", stdin=stdin)
    assert (done.code, done.err) == (0, "")
    assert done.lines == ["# a corpus", "# by us", "", "Ada\tO\tB-PER", "met\tO\tO", ""]


def test_more_blank_lines_between_sentences_make_no_more_records(tag: Any) -> None:
    plain = tag("--input", "conll", stdin="Ada\tO\n\nBob\tO\n\n")
    assert len(plain.lines) == 2
    assert tag("--input", "conll", stdin="\n\nAda\tO\n\n\n\nBob\tO\n\n\n\n").out == plain.out


def test_a_single_column_is_enough_to_tag(tag: Any) -> None:
    done = tag("--input", "conll", "--format", "conll", stdin="Ada\nmet\nBob\n\nIt\nrained\n\n")
    rows = [line.replace("\t", " ").split(" ") for line in done.lines]
    assert [r[0] for r in rows] == ["Ada", "met", "Bob", "", "It", "rained", ""]
    assert rows[0][1:] == ["B-PER"]


@pytest.mark.parametrize("bad", [b"Bob\tO\tO\n", b"Bob\n", b"Bo\xffb\tO\n", b"Bob\t\0\n", b"\t\n"])
def test_a_bad_row_spoils_its_own_sentence_alone(tag: Any, bad: bytes) -> None:
    stdin = b"Ada\tO\n\n# c\nIt\tO\n" + bad + b"\nAda\tO\nmet\tO\n\n"
    done = tag("--input", "conll", stdin=stdin)
    assert done.code == 1
    assert done.out == b"Ada/B-PER\n\nAda/B-PER met\n"
    assert done.err.startswith("rnncli: error: <stdin>:5: ")
    columns = tag("--input", "conll", "--format", "conll", stdin=stdin)
    assert columns.code == 1
    assert columns.out.count(b"\n") == stdin.count(b"\n")
    assert columns.out.endswith(b"\nAda\tO\tB-PER\nmet\tO\tO\n\n")


# Which model


def names(path: Path) -> tuple[str, ...]:
    return tuple(sorted(p.name for p in path.iterdir()))


def test_the_model_is_the_flags_then_the_environments_then_the_folders(
    run_cli: Any, model: Path, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.rnn"
    damaged.write_bytes(b"no model")
    variable = {"RNNCLI_TAG_MODEL": str(model)}
    assert run_cli("tag", "-m", model, stdin="Ada\n", env={"RNNCLI_TAG_MODEL": str(damaged)}).code == 0
    assert run_cli("tag", stdin="Ada\n", env=variable).code == 0
    (tmp_path / "ner.rnn").write_bytes(b"no model")
    assert run_cli("tag", stdin="Ada\n", env=variable).code == 0
    assert run_cli("tag", stdin="Ada\n").code == 4
    (tmp_path / "ner.rnn").write_bytes(model.read_bytes())
    assert run_cli("tag", stdin="Ada\n").code == 0
    assert run_cli("tag", stdin="Ada\n", env={"RNNCLI_TAG_MODEL": str(damaged)}).code == 4
    (tmp_path / "pos.rnn").write_bytes(model.read_bytes())
    both = run_cli("tag", stdin="Ada\n")
    assert (both.code, both.out) == (4, b"")
    assert "ner.rnn" in both.err
    assert "pos.rnn" in both.err
    assert run_cli("tag", "-m", "ner.rnn", stdin="Ada\n").code == 0
    (tmp_path / "ner.rnn").unlink()
    assert run_cli("tag", stdin="Ada\n").code == 0


def test_without_a_model_the_line_to_train_one_is_shown(run_cli: Any) -> None:
    done = run_cli("tag", stdin="Ada\n")
    assert (done.code, done.out) == (4, b"")
    error, hint = done.err.splitlines()
    assert error.startswith("rnncli: error: ")
    assert hint.startswith("hint: rnncli train ner ")
    done = run_cli("tag", "-m", "other.rnn", stdin="Ada\n")
    assert done.code == 4
    assert "rnncli train " in done.err
    assert run_cli("tag", stdin="Ada\n", env={"RNNCLI_TAG_MODEL": "other.rnn"}).code == 4


def test_a_model_of_another_task_is_told_with_the_command_to_use(run_cli: Any, tmp_path: Path) -> None:
    import numpy as np

    from rnncli import model_file

    model_file.write(tmp_path / "spam.rnn", {"task": "classify"}, {"x": np.zeros(3, dtype=np.float32)})
    done = run_cli("tag", "-m", "spam.rnn", stdin="Ada\n")
    assert (done.code, done.out) == (4, b"")
    assert "use: rnncli classify -m spam.rnn" in done.err


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "text", "folder"])
def test_a_damaged_model_is_one_message_and_exit_4(run_cli: Any, model: Path, tmp_path: Path, damage: str) -> None:
    data = bytearray(model.read_bytes())
    path = tmp_path / "bad.rnn"
    if damage == "folder":
        path.mkdir()
    else:
        flipped = bytearray(data)
        flipped[len(data) * 2 // 3] ^= 16
        path.write_bytes({"empty": b"", "cut": data[:-100], "flipped": flipped, "text": b"hello\n" * 50}[damage])
    done = run_cli("tag", "-m", "bad.rnn", stdin="Ada\n")
    assert (done.code, done.out) == (4, b"")
    assert done.err.startswith("rnncli: error: bad.rnn: ")
    assert "Traceback" not in done.err


# Flags


@pytest.mark.parametrize(
    "flags",
    [
        ["--input", "xml"],
        ["--format", "xml"],
        ["--on-error", "x"],
        ["--bogus"],
        ["--threads", "0"],
        ["-0", "--input", "conll"],
        ["-m"],
        ["--device", "banana"],
    ],
)
def test_a_wrong_flag_is_a_usage_error(tag: Any, flags: list[str]) -> None:
    done = tag(*flags, stdin="Ada\n")
    assert (done.code, done.out) == (2, b"")
    assert done.err.startswith("rnncli: error: ")
    assert len(done.err.splitlines()) <= 2


def test_a_device_that_is_not_there_is_a_lack_of_resources(tag: Any) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    done = tag("--device", "cuda", stdin="Ada\n")
    assert (done.code, done.out) == (5, b"")


def test_quiet_keeps_errors_but_no_notes(tag: Any) -> None:
    assert tag("-q", stdin=b"Ada\n").err == ""
    assert tag("-q", stdin=b"\xff\n").code == 1

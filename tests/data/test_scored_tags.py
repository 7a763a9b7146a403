"""Rows with scores and with several readings, without a model."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.data.formats.scored_tags import N_BEST_OUTPUTS, NBestWriter, ScoreWriter
from rnncli.data.formats.tag_records import TagRecord, parse_json, parse_tokens
from rnncli.data.formats.tagged import OUTPUTS, TagWriter
from rnncli.data.records import ScoredPath, ScoredTags
from rnncli.data.tag_schemes import Scheme
from rnncli.data.tag_sets import TagSet

NAMES = TagSet("ner", ("O", "S-X"), Scheme.IOB2)
PLAIN = TagSet("pos", ("O", "S-X"))
RECORD = parse_tokens("Ada a/b Paris .", 0, 1, True)
TAGS = ("B-PER", "I-PER", "B-LOC", "O")
SCORED = ScoredTags(TAGS, (0.25, 0.25, 0.98765432, 1.0))
PATHS = [ScoredPath(TAGS, -0.00004), ScoredPath(("O",) * 4, -12.3456789)]
BLANK = TagRecord(None, "", None, 1, 1)
BAD = TagRecord(None, "", None, 1, 1, "broken")


def test_scores_to_the_byte() -> None:
    assert (
        ScoreWriter("inline", NAMES).render(RECORD, SCORED)
        == b"Ada/B-PER/0.2500 a\\/b/I-PER/0.2500 Paris/B-LOC/0.9877 .\n"
    )
    assert ScoreWriter("inline", PLAIN).render(RECORD, SCORED).endswith(b" ./O/1.0000\n")
    assert ScoreWriter("conll", NAMES).render(RECORD, SCORED) == (
        b"Ada\tB-PER\t0.2500\na/b\tI-PER\t0.2500\nParis\tB-LOC\t0.9877\n.\tO\t1.0000\n\n"
    )
    spans = (
        b'[{"start":0,"end":7,"type":"PER","text":"Ada a/b","score":0.25},'
        b'{"start":8,"end":13,"type":"LOC","text":"Paris","score":0.98765432}]'
    )
    assert ScoreWriter("spans", NAMES, separator=b"\0").render(RECORD, SCORED) == spans + b"\0"
    result = (
        b'{"tokens":["Ada","a/b","Paris","."],"tags":["B-PER","I-PER","B-LOC","O"],"spans":'
        + spans
        + b',"scores":[0.25,0.25,0.98765432,1.0]}'
    )
    assert ScoreWriter("jsonl", NAMES).render(RECORD, SCORED) == result + b"\n"
    source = '{"n":1.10,"text":["Ada","a/b","Paris","."]}'
    record = parse_json(lambda text: [], "text")(source, 0, 1, False)
    assert (
        ScoreWriter("jsonl", NAMES, field="x").render(record, SCORED) == source[:-1].encode() + b',"x":' + result + b"}"
    )


def test_several_readings_to_the_byte() -> None:
    writer = NBestWriter("inline", NAMES, 3)
    first = "Ada/B-PER a\\/b/I-PER Paris/B-LOC ."
    expected = "{0} ||| " + first + " ||| -0.0000\n{0} ||| Ada a\\/b Paris . ||| -12.3457\n\n"
    assert writer.render(RECORD, PATHS).decode() == expected.format(0)
    assert writer.render(BLANK, None) == writer.render(BAD, None) == b"\n\n\n"
    assert writer.render(RECORD, PATHS).decode() == expected.format(3)
    spans = '[{"start":0,"end":7,"type":"PER","text":"Ada a/b"},{"start":8,"end":13,"type":"LOC","text":"Paris"}]'
    expected = f"0 ||| {spans} ||| -0.0000\0" + "0 ||| [] ||| -12.3457\0"
    assert NBestWriter("spans", NAMES, 2, separator=b"\0").render(RECORD, PATHS).decode() == expected
    tags, outside = '["B-PER","I-PER","B-LOC","O"]', '["O","O","O","O"]'
    expected = (
        f'{{"tokens":["Ada","a/b","Paris","."],"tags":{tags},"spans":{spans},"n_best":['
        f'{{"tags":{tags},"spans":{spans},"log_prob":-0.00004}},'.replace("-0.00004", "-4e-05")
        + f'{{"tags":{outside},"spans":[],"log_prob":-12.3456789}}]}}\n'
    )
    assert NBestWriter("jsonl", NAMES, 3).render(RECORD, PATHS).decode() == expected


@pytest.mark.parametrize("form", OUTPUTS)
def test_blank_and_bad_records_are_written_as_without_scores(form: str) -> None:
    for separator in (b"\n", b"\0"):
        for record in (BLANK, BAD):
            expected = TagWriter(form, [NAMES], separator=separator).render(record, None)
            assert ScoreWriter(form, NAMES, separator=separator).render(record, None) == expected
            if form == "jsonl":
                assert NBestWriter(form, NAMES, 4, separator=separator).render(record, None) == expected


@pytest.mark.parametrize("form", N_BEST_OUTPUTS)
def test_a_record_without_tokens_has_no_reading(form: str) -> None:
    rows = NBestWriter(form, NAMES, 3).render(parse_tokens(" ", 0, 1, True), [])
    assert rows == (b'{"tokens":[],"tags":[],"spans":[],"n_best":[]}\n' if form == "jsonl" else b"\n\n\n")


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\t \0"), min_size=1, max_size=5)
paths = st.lists(st.floats(-1e6, 0), max_size=4)
records = st.lists(st.tuples(st.lists(words, min_size=1, max_size=4), st.booleans(), paths), min_size=1, max_size=5)


@given(records, st.integers(4, 6), st.booleans())
def test_every_record_has_its_number_of_rows(
    content: list[tuple[list[str], bool, list[float]]], n: int, ended: bool
) -> None:
    writer = NBestWriter("inline", NAMES, n)
    out = b""
    for number, (tokens, is_blank, log_probs) in enumerate(content, 1):
        record = parse_tokens(" ".join(tokens), 0, number, ended or number < len(content))
        found = None if is_blank else [ScoredPath(("O",) * len(tokens), p) for p in log_probs]
        out += writer.render(record, found)
    rows = out.decode().split("\n")
    if ended:
        assert rows.pop() == ""
    assert len(rows) == n * len(content)
    for number, row in enumerate(rows):
        tokens, is_blank, log_probs = content[number // n]
        if is_blank or number % n >= len(log_probs):
            assert row == ""
            continue
        match = re.fullmatch(r"(\d+) \|\|\| (.*) \|\|\| (-?\d+\.\d{4})", row)
        assert match
        assert int(match[1]) == number // n
        assert match[2] == " ".join(tokens).replace("\\", "\\\\").replace("/", "\\/")
        assert float(match[3]) == pytest.approx(log_probs[number % n], abs=6e-5)


@given(st.lists(st.tuples(words, st.floats(0, 1)), min_size=1, max_size=6))
def test_scores_in_json_are_whole(pairs: list[tuple[str, float]]) -> None:
    record = parse_tokens(" ".join(word for word, _ in pairs), 0, 1, True)
    scores = tuple(score for _, score in pairs)
    found = json.loads(ScoreWriter("jsonl", NAMES).render(record, ScoredTags(("S-X",) * len(pairs), scores)))
    assert tuple(found["scores"]) == scores
    assert tuple(span["score"] for span in found["spans"]) == scores

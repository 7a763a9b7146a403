"""rnncli tag --scores and --n-best, to the byte, against probabilities computed in another way."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnncli import model_file
from rnncli.inference.tagging import load_tagger

SENTENCES = [["Ada", "Lovelace", "met", "Bob", "."], ["It", "rained"], ["1/2", "New", "York"]]
TOKENS = "".join(" ".join(tokens) + "\n" for tokens in SENTENCES)


def dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def rewrite(model: Path, path: Path, **changes: object) -> None:
    """Write a model with another description."""
    file = model_file.read(model)
    kept = {key: value for key, value in file.metadata.items() if key != "checksum"}
    model_file.write(path, {**kept, **changes}, file.tensors)


def probabilities(model: Path, tokens: list[str], *, inner: bool = False) -> dict[tuple[str, ...], float]:
    """The probability of every legal reading of a sentence, in IOB2 or in BIOES, each found by adding up its scores."""
    tagger, file = load_tagger(model)
    ((_, emissions, _),) = tagger.scored([tokens])
    head = tagger.decoders[0].head
    temperature = file.metadata["calibration"][head.task]["temperature"]
    transitions, start, end = (file.tensors[f"crf.0.{name}"].astype(float) for name in ("transitions", "start", "end"))
    tags = head.tags
    allowed, may_start, may_end = head.allowed()
    ways = [((tag,), start[tag] + emissions[0, tag]) for tag in range(len(tags)) if may_start[tag]]
    for row in emissions[1:].astype(float):
        ways = [
            ((*path, tag), score + transitions[path[-1], tag] + row[tag])
            for path, score in ways
            for tag in range(len(tags))
            if allowed[path[-1]][tag]
        ]
    totals = {path: (score + end[path[-1]]) / temperature for path, score in ways if may_end[path[-1]]}
    weights = np.exp(np.array(list(totals.values())) - max(totals.values()))
    names = tags if inner else [tag.replace("S-", "B-").replace("E-", "I-") for tag in tags]
    readings = [tuple(names[tag] for tag in path) for path in totals]
    assert len(set(readings)) == len(readings)
    return dict(zip(readings, (weights / weights.sum()).tolist(), strict=True))


def spans_in(tags: tuple[str, ...]) -> list[tuple[int, int, str]]:
    """Spans of well-formed IOB2 tags."""
    found: list[tuple[int, int, str]] = []
    for i, tag in enumerate(tags):
        if tag.startswith("B-"):
            found.append((i, i + 1, tag[2:]))
        elif tag.startswith("I-"):
            found[-1] = (found[-1][0], i + 1, tag[2:])
    return found


def scores_of(readings: dict[tuple[str, ...], float]) -> tuple[tuple[str, ...], list[float]]:
    """The best reading, and for each token the probability of its span or of O."""
    best = max(readings, key=readings.__getitem__)
    scores = [sum(p for reading, p in readings.items() if reading[i] == "O") for i in range(len(best))]
    for span in spans_in(best):
        held = sum(p for reading, p in readings.items() if span in spans_in(reading))
        scores[span[0] : span[1]] = [held] * (span[1] - span[0])
    return best, scores


@pytest.fixture(scope="session")
def vague(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shared model with a temperature that leaves it in doubt."""
    path = tmp_path_factory.mktemp("vague") / "vague.rnn"
    rewrite(model, path, calibration={"ner": {"temperature": 3.5}})
    return path


@pytest.fixture
def tag_vaguely(run_cli: Any, vague: Path) -> Callable[..., Any]:
    def run(*arguments: str, stdin: bytes | str) -> Any:
        return run_cli("tag", "-m", vague, *arguments, stdin=stdin)

    return run


@pytest.fixture
def known(vague: Path) -> list[dict[tuple[str, ...], float]]:
    return [probabilities(vague, tokens) for tokens in SENTENCES]


def with_offsets(tokens: list[str], tags: tuple[str, ...]) -> list[dict[str, Any]]:
    starts = [0, *itertools.accumulate(len(token) + 1 for token in tokens)]
    return [
        {"start": starts[a], "end": starts[b] - 1, "type": name, "text": " ".join(tokens[a:b])}
        for a, b, name in spans_in(tags)
    ]


def test_scores_in_text_are_the_probabilities_of_spans_and_of_o(tag_vaguely: Any, known: Any) -> None:
    inline, columns = [], []
    for tokens, readings in zip(SENTENCES, known, strict=True):
        tags, scores = scores_of(readings)
        cells = [token.replace("/", "\\/") for token in tokens]
        rows = list(zip(tokens, cells, tags, scores, strict=True))
        inline.append(" ".join(cell if tag == "O" else f"{cell}/{tag}/{score:.4f}" for _, cell, tag, score in rows))
        columns.append("".join(f"{token}\t{tag}\t{score:.4f}\n" for token, _, tag, score in rows))
    assert any(0.1 < score < 0.9 for readings in known for score in scores_of(readings)[1])
    done = tag_vaguely("--input", "tokens", "--scores", stdin=TOKENS)
    assert (done.code, done.err, done.lines) == (0, "", inline)
    done = tag_vaguely("--input", "tokens", "--scores", "--format", "conll", stdin=TOKENS)
    assert (done.code, done.out.decode()) == (0, "".join(block + "\n" for block in columns))


def test_scores_in_json_have_full_precision(tag_vaguely: Any, known: Any) -> None:
    spans_rows = tag_vaguely("--input", "tokens", "--scores", "--format", "spans", stdin=TOKENS).lines
    json_rows = tag_vaguely("--input", "tokens", "--scores", "--format", "jsonl", stdin=TOKENS).lines
    for tokens, readings, spans_row, json_row in zip(SENTENCES, known, spans_rows, json_rows, strict=True):
        tags, scores = scores_of(readings)
        found = json.loads(json_row)
        np.testing.assert_allclose(found["scores"], scores, rtol=0, atol=1e-6)
        spans = with_offsets(tokens, tags)
        for span, (first, _, _) in zip(spans, spans_in(tags), strict=True):
            span["score"] = found["scores"][first]
        assert json_row == dump({"tokens": tokens, "tags": tags, "spans": spans, "scores": found["scores"]})
        assert spans_row == dump(spans)
        assert any(len(repr(score)) > 12 for score in found["scores"])


def test_several_readings_are_the_most_probable_ones(tag_vaguely: Any, known: Any) -> None:
    n = 15
    inline = tag_vaguely("--input", "tokens", "--n-best", str(n), stdin=TOKENS).lines
    spans = tag_vaguely("--input", "tokens", "--n-best", str(n), "--format", "spans", stdin=TOKENS).lines
    assert len(inline) == len(spans) == n * len(SENTENCES)
    for number, (tokens, readings) in enumerate(zip(SENTENCES, known, strict=True)):
        ranked = sorted(readings, key=readings.__getitem__, reverse=True)[:n]
        for tags, row, spans_row in zip(ranked, inline[number * n :], spans[number * n :], strict=False):
            index, text, log_prob = row.split(" ||| ")
            cells = [token.replace("/", "\\/") for token in tokens]
            expected = " ".join(c if tag == "O" else f"{c}/{tag}" for c, tag in zip(cells, tags, strict=True))
            assert (index, text) == (str(number), expected)
            assert float(log_prob) == pytest.approx(np.log(readings[tags]), abs=1e-4)
            assert spans_row == f"{index} ||| {dump(with_offsets(tokens, tags))} ||| {log_prob}"


def test_several_readings_in_json_stay_one_row(tag_vaguely: Any, known: Any) -> None:
    source = [dump({"id": i, "text": tokens}) for i, tokens in enumerate(SENTENCES)]
    rows = tag_vaguely("--jsonl", "--n-best", "3", stdin="".join(line + "\n" for line in source)).lines
    for line, row, tokens, readings in zip(source, rows, SENTENCES, known, strict=True):
        ranked = sorted(readings, key=readings.__getitem__, reverse=True)[:3]
        log_probs = [reading["log_prob"] for reading in json.loads(row)["tags"]["n_best"]]
        np.testing.assert_allclose(log_probs, np.log([readings[tags] for tags in ranked]), atol=1e-6)
        n_best = [
            {"tags": tags, "spans": with_offsets(tokens, tags), "log_prob": log_prob}
            for tags, log_prob in zip(ranked, log_probs, strict=True)
        ]
        best = {"tokens": tokens, "tags": ranked[0], "spans": with_offsets(tokens, ranked[0]), "n_best": n_best}
        assert row == f'{line[:-1]},"tags":{dump(best)}}}'


def test_fewer_readings_leave_blank_rows(tag_vaguely: Any, vague: Path) -> None:
    readings = probabilities(vague, ["Ada"])
    rows = tag_vaguely("--n-best", "100", stdin="Ada\n").lines
    assert len(rows) == 100
    assert all(rows[: len(readings)])
    assert rows[len(readings) :] == [""] * (100 - len(readings))
    assert len(set(rows[: len(readings)])) == len(readings)


def test_the_first_reading_is_what_is_tagged_without_it(tag: Any, tag_vaguely: Any, corpus: Any) -> None:
    stdin = "".join(" ".join(token for token, _ in rows) + "\n" for rows in corpus(200, seed=7))
    plain = tag(stdin=stdin).lines
    assert tag_vaguely(stdin=stdin).lines == plain
    rows = tag_vaguely("--n-best", "2", stdin=stdin).lines[::2]
    assert [row.split(" ||| ")[1] for row in rows] == plain
    scored = tag_vaguely("--scores", stdin=stdin).lines
    bare = [" ".join("/".join(c.split("/")[:2]) for c in row.split(" ")) for row in scored]
    assert bare == plain


def test_a_temperature_changes_scores_and_no_tag(tag: Any, tag_vaguely: Any) -> None:
    sure, unsure = (
        json.loads(run("--input", "tokens", "--format", "jsonl", "--scores", stdin=TOKENS).lines[0])
        for run in (tag, tag_vaguely)
    )
    assert sure["tags"] == unsure["tags"]
    assert sure["scores"] != unsure["scores"]


# Rows that are blank, bad or hold no token


@pytest.mark.parametrize(("on_error", "code"), [("blank", 1), ("skip", 0), ("stop", 3)])
def test_bad_and_blank_records_keep_the_number_of_rows(tag: Any, on_error: str, code: int) -> None:
    done = tag("--n-best", "2", "--on-error", on_error, stdin=b"Ada .\n\n \n\xff\nBob .\n")
    assert done.code == code
    groups = [done.lines[i : i + 2] for i in range(0, len(done.lines), 2)]
    kept = [[row.split(" ||| ")[0] for row in group] for group in groups]
    assert (
        kept
        == {
            "blank": [["0", "0"], ["", ""], ["", ""], ["", ""], ["4", "4"]],
            "skip": [["0", "0"], ["", ""], ["", ""], ["3", "3"]],
            "stop": [["0", "0"], ["", ""], ["", ""]],
        }[on_error]
    )


@pytest.mark.parametrize("flags", [("--scores",), ("--n-best", "2")])
def test_bad_json_is_an_error_in_its_row(tag: Any, flags: tuple[str, ...]) -> None:
    done = tag("--jsonl", *flags, stdin='{"text":"Ada ."}\n{"text":1}\n\n')
    assert done.code == 1
    first, second, third = done.lines
    assert json.loads(first)["tags"]["tokens"] == ["Ada", "."]
    assert list(json.loads(second)) == ["error"]
    assert third == ""


@pytest.mark.parametrize("flags", [("--scores",), ("--n-best", "3")])
def test_a_missing_last_newline_changes_nothing_but_the_newline(tag: Any, flags: tuple[str, ...]) -> None:
    for stdin in (b"Ada met Bob .\nIt rained .", b"Ada\n\xff"):
        assert tag(*flags, stdin=stdin).out + b"\n" == tag(*flags, stdin=stdin + b"\n").out


def test_null_ends_every_row(tag: Any) -> None:
    done = tag("-0", "--n-best", "2", stdin="Ada .\0\0")
    assert done.out.count(b"\0") == 4
    assert b"\n" not in done.out


def test_columns_get_one_more_and_document_starts_are_certain(tag: Any) -> None:
    stdin = "-DOCSTART- X\n\n# a comment here\nAda NNP\nmet VBD\n\n\n"
    plain = tag("--input", "conll", "--format", "conll", stdin=stdin).out.decode().split("\n")
    scored = tag("--input", "conll", "--format", "conll", "--scores", stdin=stdin).out.decode().split("\n")
    assert scored[0] == "-DOCSTART- X O 1.0000"
    assert len(plain) == len(scored)
    for before, after in zip(plain, scored, strict=True):
        if before.startswith(("Ada", "met")):
            row, score = after.rsplit(" ", 1)
            assert row == before
            assert 0 < float(score) <= 1
            assert len(score) == 6
        elif not before.startswith("-DOC"):
            assert after == before


def test_blank_lines_around_columns_give_no_rows(tag: Any) -> None:
    done = tag("--input", "conll", "--n-best", "2", stdin="\n\nAda\n.\n\n\n\nBob\n.\n\n\n")
    assert [row.split(" ||| ")[0] for row in done.lines] == ["0", "0", "1", "1"]


def test_a_token_taggers_tokens_all_have_their_own_probability(run_cli: Any, vague: Path, tmp_path: Path) -> None:
    head = {**model_file.read(vague).metadata["heads"][0], "task": "pos", "scheme": None}
    path = tmp_path / "pos.rnn"
    rewrite(vague, path, task="pos", heads=[head], calibration={"pos": {"temperature": 3.5}})
    readings = probabilities(path, SENTENCES[0], inner=True)
    best = max(readings, key=readings.__getitem__)
    marginals = [sum(p for reading, p in readings.items() if reading[i] == tag) for i, tag in enumerate(best)]
    stdin = TOKENS.split("\n")[0] + "\n"
    rows = list(zip(SENTENCES[0], best, marginals, strict=True))
    done = run_cli("tag", "--input", "tokens", "--scores", stdin=stdin)
    assert done.lines == [" ".join(f"{token}/{tag}/{p:.4f}" for token, tag, p in rows)]
    done = run_cli("tag", "--input", "tokens", "--scores", "--format", "conll", stdin=stdin)
    assert done.out.decode() == "".join(f"{token}\t{tag}\t{p:.4f}\n" for token, tag, p in rows) + "\n"


# Flags and models


@pytest.mark.parametrize(
    "flags",
    [
        ("--n-best", "0"),
        ("--n-best", "101"),
        ("--n-best", "x"),
        ("--n-best", "2", "--scores"),
        ("--n-best", "2", "--format", "conll"),
        ("--n-best", "2", "--format", "conllu"),
        ("--scores", "--format", "conllu"),
    ],
)
def test_a_wrong_flag_is_a_usage_error(tag: Any, flags: tuple[str, ...]) -> None:
    done = tag(*flags, stdin="Ada\n")
    assert (done.code, done.out) == (2, b"")
    assert done.err.startswith("rnncli: error: ")
    assert flags[0] in done.err


@pytest.mark.parametrize("calibration", [{"temperature": 0}, {"temperature": 21}, {}, 1.0])
def test_a_damaged_temperature_is_a_damaged_model(run_cli: Any, model: Path, tmp_path: Path, calibration: Any) -> None:
    rewrite(model, tmp_path / "bad.rnn", calibration={"ner": calibration})
    for flags in (("--scores",), ("--n-best", "2")):
        done = run_cli("tag", "-m", "bad.rnn", *flags, stdin="Ada\n")
        assert (done.code, done.out) == (4, b"")
        assert done.err.startswith("rnncli: error: bad.rnn: ")
        assert "temperature" in done.err


def test_training_stores_the_temperature_and_what_it_does(run_cli: Any, model: Path) -> None:
    described = json.loads(run_cli("info", model, "--json").out)["calibration"]["ner"]
    assert list(described) == ["dev_error_after", "dev_error_before", "temperature"]
    assert 0.05 <= described["temperature"] <= 20
    assert all(0 <= described[f"dev_error_{when}"] <= 1 for when in ("before", "after"))
    assert (
        f"calibration ner: dev_error_after {described['dev_error_after']:.4f}, " in run_cli("info", model).out.decode()
    )


def test_a_document_of_many_tokens_has_scores_and_readings(tag: Any) -> None:
    stdin = " ".join(["Ada", "met", "Bob", "in", "Paris", "."] * 1500) + "\n"
    found = json.loads(tag("--input", "tokens", "--format", "jsonl", "--scores", stdin=stdin).lines[0])
    assert len(found["scores"]) == 9000
    assert all(0 <= score <= 1 for score in found["scores"])
    rows = tag("--input", "tokens", "--n-best", "3", stdin=stdin).lines
    log_probs = [float(row.split(" ||| ")[2]) for row in rows]
    assert len(set(rows)) == 3
    assert log_probs == sorted(log_probs, reverse=True)
    assert all(np.isfinite(log_probs))

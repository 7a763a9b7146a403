"""The tagger as a filter: one record out for each record in, in order, wherever the input is cut."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from fuzzing.small_model import write_small_model
from fuzzing.text import check_spans, conllu_rows, json_record, lines, mutate, text, word

from rnncli.data.byte_lines import read_blocks
from rnncli.data.formats.conll import CONLLU_COLUMNS
from rnncli.data.formats.tag_records import TagRecord
from rnncli.data.formats.tagged import OUTPUTS
from rnncli.errors import DataError, Problem
from rnncli.inference.streaming import run_filter
from rnncli.inference.tag_filter import TagFilter

_REAL_PREDICTION = 20
"""One in so many inputs is tagged by the network, the others by a rule that costs nothing."""
_CHEAP_TAGS = (("O", "B-PER", "O", "B-LOC", "I-LOC"), ("NOUN",) * 5)
Run = tuple[bytes, list[tuple[int, str]]]


class Pieces:
    """A stream that gives its bytes in pieces."""

    def __init__(self, data: bytes, sizes: Iterator[int]) -> None:
        self._data, self._sizes, self._place = data, sizes, 0

    def read(self, _: int = -1) -> bytes:
        start = self._place
        self._place += next(self._sizes)
        return self._data[start : self._place]


class CheapFilter(TagFilter):
    """Tags by the lengths of words."""

    is_real = False

    def predict(self, records: Sequence[TagRecord]) -> Sequence[Any]:
        if self.is_real:
            return super().predict(records)
        return [[[tags[len(t) % 5] for t in r.tokens or ()] for tags in _CHEAP_TAGS] for r in records]


class Filter:
    """`run_filter` around the tagger's reading and writing."""

    share = 12
    form: str

    def __init__(self, work: Path) -> None:
        model = work / f"{self.form}.rnn"
        write_small_model(model)
        self._workers = {
            (output, separator): CheapFilter(
                str(model), input_format=self.form, output_format=output, separator=separator
            )
            for output in OUTPUTS
            for separator in (b"\n", b"\0")
        }
        self._scorers = {
            output: TagFilter(str(model), input_format=self.form, output_format=output, scores=True)
            for output in OUTPUTS
            if output != "conllu"
        }

    def generate(self, rng: random.Random) -> bytes:
        data = lines(rng, self.row)
        return data if rng.random() < 0.4 else mutate(rng, data)

    def row(self, rng: random.Random) -> str:
        return text(rng)

    def check(self, rng: random.Random, data: bytes) -> bool:
        separator = b"\0" if "conll" not in self.form and rng.random() < 0.1 else b"\n"
        output = rng.choice(OUTPUTS)
        worker = self._workers[output, separator]
        worker.is_real = rng.randrange(_REAL_PREDICTION) == 0
        out, bad = run(worker, data, separator, lambda _: True)
        assert [line for line, _ in bad] == sorted({line for line, _ in bad})
        self.check_answers(data, out, bad, output, separator)
        if worker.is_real and separator == b"\n" and output != "conllu":
            scored, same = run(self._scorers[output], data, separator, lambda _: True)
            assert (scored.count(b"\n"), same) == (out.count(b"\n"), bad)
        size = max(rng.choice((1, 2, 3, 7, 50)), len(data) // 100)
        assert run(worker, data, separator, lambda _: True, size, unbuffered=rng.random() < 0.3) == (out, bad)
        if not bad and rng.random() < 0.8:
            return True
        skipped, same = run(worker, data, separator, lambda _: False, size)
        assert same == bad
        assert bad or skipped == out
        assert len(skipped) <= len(out)
        stopped, first = run(worker, data, separator, _stop, size)
        assert first == bad[:1]
        assert out.startswith(stopped)
        assert bad or stopped == out
        return not bad

    def check_answers(self, data: bytes, out: bytes, bad: list[tuple[int, str]], output: str, separator: bytes) -> None:
        """Each line has its answer: a blank one blank, a bad one blank, the others what they hold."""
        rows, is_ended = split(data, separator)
        assert all(1 <= line <= len(rows) for line, _ in bad)
        faults = dict(bad)
        if "conll" in output:
            answers = self._blocks(rows, out, separator, faults, output)
            assert answers.pop() == "" or not is_ended
        else:
            answers = out.decode().split(separator.decode())
            assert not is_ended or answers.pop() == ""
        assert len(answers) == len(rows)
        for number, (row, answer) in enumerate(zip(rows, answers, strict=True), 1):
            if number in faults:
                assert answer == (json.dumps({"error": faults[number]}, ensure_ascii=False, separators=(",", ":"))
                                  if output == "jsonl" else ""), answer  # fmt: skip
            elif self.is_blank(row):
                assert answer == ""
            else:
                self.check_answer(row.decode(), answer, output)

    def _blocks(
        self, rows: list[bytes], out: bytes, separator: bytes, faults: dict[int, str], output: str
    ) -> list[str]:
        """Cut rows of columns into answers, each the tokens of a record, and what is behind the last of them."""
        place, answers = 0, []
        found = out.decode().split(separator.decode())
        for number, row in enumerate(rows, 1):
            size = 0
            if number not in faults and not self.is_blank(row):
                text = row.decode()
                size = len(self.tokens(text))
                has_comment = output == "conllu" and size and not set("\n\r") & set(self.text(text))
                place += bool(has_comment)
            cells = [line.split("\t") for line in found[place : place + size]]
            column = 0
            if output == "conllu":
                column = CONLLU_COLUMNS.index("form")
                assert all(len(columns) == len(CONLLU_COLUMNS) for columns in cells)
            answers.append("".join(columns[column] + " " for columns in cells))
            assert "".join(found[place + size : place + size + 1]) == ""
            place += size + 1
        assert len(found) in (place, place + 1)
        return [*answers, "".join(found[place:])]

    def is_blank(self, row: bytes) -> bool:
        return not row

    def tokens(self, row: str) -> list[str]:
        spans = self._workers["jsonl", b"\n"]._tokenizer.spans(row)
        check_spans(row, spans)
        return [row[a:b] for a, b in spans]

    def text(self, row: str) -> str:
        return row

    def check_answer(self, row: str, answer: str, output: str) -> None:
        tokens, whole = self.tokens(row), self.text(row)
        if "conll" in output:
            assert answer == "".join((token or ("_" if output == "conllu" else "")) + " " for token in tokens)
        elif output == "inline":
            bare = [cell.rpartition("/")[0] if cell.endswith(("/B-PER", "/B-LOC", "/I-LOC", "/I-PER")) else cell
                    for cell in answer.split(" ")]  # fmt: skip
            plain = " ".join(bare).replace("\\/", "/").replace("\\\\", "\\")
            assert any("\\" in token for token in tokens) or plain == " ".join(tokens)
        else:
            value = json.loads(answer)
            if output == "jsonl":
                value = self.result(row, value)
                assert value["tokens"] == tokens
                assert len(value["tags"]) == len(tokens)
                value = value["spans"]
            assert all(whole[span["start"] : span["end"]] == span["text"] for span in value)
            assert "" in tokens or all(span["text"] for span in value)

    def result(self, row: str, value: Any) -> Any:
        """Find the tagger's result in its answer in JSON."""
        return value


class Raw(Filter):
    form = "raw"


class Tokens(Filter):
    form = "tokens"

    def tokens(self, row: str) -> list[str]:
        return [token for token in row.replace("\t", " ").split(" ") if token]

    def text(self, row: str) -> str:
        return " ".join(self.tokens(row))


class Jsonl(Filter):
    form = "jsonl"

    def row(self, rng: random.Random) -> str:
        return json_record(rng).encode("utf-8", "replace").decode()

    def is_blank(self, row: bytes) -> bool:
        return not row.decode().strip()

    def tokens(self, row: str) -> list[str]:
        content = json.loads(row)["text"]
        return content if isinstance(content, list) else super().tokens(content)

    def text(self, row: str) -> str:
        content = json.loads(row)["text"]
        return " ".join(content) if isinstance(content, list) else content

    def result(self, row: str, value: Any) -> Any:
        result = value.pop("tags")
        expected = json.loads(row)
        expected.pop("tags", None)
        assert json.dumps(value) == json.dumps(expected)  # not the objects: NaN is not equal to itself
        return result


class ConllColumns(Filter):
    form = "conll"

    def generate(self, rng: random.Random) -> bytes:
        separator, width = rng.choice(("\t", " ")), rng.randint(0, 2)

        def row(rng: random.Random) -> str:
            if rng.random() < 0.1:
                return rng.choice(("-DOCSTART- x", "# a comment", "#\thash", " ", "\t"))
            return separator.join((word(rng), *"-" * width))

        data = lines(rng, row)
        return data if rng.random() < 0.4 else mutate(rng, data)

    def check_answers(self, data: bytes, out: bytes, bad: list[tuple[int, str]], output: str, separator: bytes) -> None:
        rows, is_ended = split(data, separator)
        assert all(1 <= line <= len(rows) for line, _ in bad)
        if "conll" not in output:
            for answer in out.decode().split("\n"):
                assert output == "inline" or not answer or isinstance(json.loads(answer), list | dict)
        elif output == "conll" or self.form == "conllu":
            answers = out.split(b"\n")
            assert len(answers) == len(rows) + is_ended
            for row, answer in zip(rows, answers, strict=False):
                if output == "conll":
                    assert answer == row or (row and answer.startswith((row + b"\t", row + b" ")))
                else:
                    assert answer.rpartition(b"\t")[0] == row.rpartition(b"\t")[0]


class ConlluColumns(ConllColumns):
    form = "conllu"

    def generate(self, rng: random.Random) -> bytes:
        data = "".join("".join(conllu_rows(rng)) + "\n" for _ in range(rng.randint(0, 3))).encode()
        return data if rng.random() < 0.4 else mutate(rng, data)


def split(data: bytes, separator: bytes) -> tuple[list[bytes], bool]:
    """Cut bytes into lines by the contract's rules, and tell whether the last one had its end."""
    *rows, last = data.removeprefix(b"\xef\xbb\xbf").split(separator)
    if last:
        rows.append(last)
    return [row.removesuffix(b"\r") for row in rows] if separator == b"\n" else rows, not last


def run(
    worker: TagFilter,
    data: bytes,
    separator: bytes,
    keep: Callable[[int], bool],
    size: int = 0,
    *,
    unbuffered: bool = False,
) -> Run:
    """Run a filter over bytes in pieces of a size, 0 for all at once.

    Returns:
        What was written, and line and reason of each bad record.
    """
    parts: list[bytes] = []
    bad: list[tuple[int, str]] = []

    def report(line: int, reason: str) -> bool:
        bad.append((line, reason))
        return keep(line)

    def sizes() -> Iterator[int]:
        while True:
            yield size or len(data)

    blocks = read_blocks(cast(Any, Pieces(data, sizes())), separator)
    try:
        failed = run_filter(worker, blocks, parts.append, report, unbuffered=unbuffered)
    except DataError:
        assert len(bad) == 1
    else:
        assert failed == len(bad)
    return b"".join(parts), bad


def _stop(line: int) -> bool:
    raise DataError([Problem("x", line, "bad")])

"""Readers of whole files: gold columns, pretrained vectors, models, tokenizer rules; and the tokenizer itself."""

import gzip
import io
import random
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
from fuzzing.rules import rules_json
from fuzzing.small_model import damaged_model, small_model, write_small_model
from fuzzing.text import check_spans, lines, mutate, text, word

from rnncli.cli.app import run as run_command
from rnncli.data import tokenizer as tokenizer_module
from rnncli.data.formats.gold_sentences import Columns, SentenceReader
from rnncli.data.formats.vectors import read_vectors
from rnncli.data.tag_sets import is_tag
from rnncli.data.tokenizer import Tokenizer
from rnncli.data.tokenizer_rules import TokenizerRules
from rnncli.errors import DataError, ModelError, UsageError
from rnncli.inference.tag_confidence import ConfidentTagger, stored_temperature
from rnncli.inference.tagging import load_tagger

_TAGS = ("O", "O", "O", "B-PER", "I-PER", "S-LOC", "E-LOC", "B-a b", "O-x", "0", "", "U-")


class Gold:
    """`SentenceReader`: what was written comes back, and damage is named with its line."""

    share = 14

    def __init__(self, work: Path) -> None:
        self._path = work / "gold.conll"
        self._rows: list[list[tuple[str, str]]] | None = None

    def generate(self, rng: random.Random) -> bytes:
        separator = rng.choice(("\t", " "))
        tags = _TAGS[:7] if rng.random() < 0.7 else _TAGS
        width = rng.randint(0, 2)
        sentences = []
        for _ in range(rng.randint(1, 4) if rng.randrange(500) else 400):
            rows = [(word(rng), rng.choice(tags)) for _ in range(rng.randint(1, 6))]
            sentences.append([(token, tag) for token, tag in rows if token != "-DOCSTART-"] or [("x", "O")])
        text = "".join(
            "".join(separator.join((token, *"-" * width, tag)) + "\n" for token, tag in rows) + "\n"
            for rows in sentences
        )
        is_plain = (
            tags is not _TAGS and separator == "\t" and not text.startswith(("\ufeff", "#")) and "\n#" not in text
        )
        # A first column of "1" numbers the tokens, as far as anyone can tell.
        is_plain &= sentences[0][0][0] != "1"
        self._rows = sentences if is_plain and rng.random() < 0.5 else None
        return text.encode() if self._rows else mutate(rng, text.encode())

    def check(self, rng: random.Random, data: bytes) -> bool:
        expected, self._rows = self._rows, None
        path = self._path
        if expected is None and rng.random() < 0.03:
            path = path.with_suffix(".gz")
            data = mutate(rng, gzip.compress(data, 1))
        path.write_bytes(data)
        columns = Columns(*rng.choice(((None, None), (None, None), (0, None), (1, 0), (7, 1), (None, 2))))
        reader = SentenceReader(Columns() if expected else columns)
        try:
            sentences = reader.read(str(path))
        except DataError as error:
            assert expected is None or "\0" in data.decode(), error
            assert 1 <= len(error.problems) <= 20
            num_lines = data.count(b"\n") + 1
            assert path.suffix == ".gz" or all(1 <= (p.line or 1) <= num_lines for p in error.problems)
            return False
        except UsageError:
            assert path.suffix == ".gz"
            return False
        if expected is not None:
            assert [list(zip(s.tokens, s.tags, strict=True)) for s in sentences] == expected
        source = None if path.suffix == ".gz" else data.split(b"\n")
        for sentence in sentences:
            assert len(sentence.tokens) == len(sentence.tags) > 0
            for i, (token, tag) in enumerate(zip(sentence.tokens, sentence.tags, strict=True)):
                assert not {"\0", "\n", "\t"} & {*token, *tag}
                assert source is None or f"{token}{tag}".strip() in _joined(source[sentence.line_of(i) - 1], token, tag)
        return True


def _joined(line: bytes, token: str, tag: str) -> str:
    """Token and tag, if both stand in the line."""
    found = line.decode()
    return f"{token}{tag}" if token in found and tag in found else ""


class PretrainedVectors:
    """`read_vectors`: a finite table of the scale it promises, or a fault with its line."""

    share = 8

    def __init__(self, work: Path) -> None:
        self._path = str(work / "vectors.txt")

    def generate(self, rng: random.Random) -> bytes:
        size = rng.randint(1, 4)
        rows = [f"{rng.randint(0, 9)} {size}"] if rng.random() < 0.3 else []
        numbers = ("0", "1", "-0.5", "1e-3", "3e38", "1e39", "nan", "-inf", "1_0", "0x1", "", "½", "1e-45")
        likely = numbers[: 4 if rng.random() < 0.7 else len(numbers)]
        for _ in range(rng.randint(0, 6)):
            rows.append(" ".join([word(rng), *(rng.choice(likely) for _ in range(size))]))
        data = ("\n".join(rows) + "\n").encode()
        return data if rng.random() < 0.4 else mutate(rng, data)

    def check(self, rng: random.Random, data: bytes) -> bool:
        Path(self._path).write_bytes(data)
        try:
            vectors = read_vectors(self._path, frozenset(("Ada", "Bob")))
        except DataError as error:
            assert len(error.problems) == 1
            assert (error.problems[0].line or 1) <= data.count(b"\n") + 1
            return False
        table = vectors.table
        assert table.dtype == np.float32
        assert len(table) == len(vectors.vocabulary) > 1
        assert np.isfinite(table).all()
        assert not table[0].any()
        scale = float(np.square(table[1:], dtype=np.float64).mean())
        assert abs(scale - 1) < 1e-3 or not table.any(), scale
        return True


class Models:
    """Files of taggers: one kind of error, or a tagger that tags."""

    share = 4

    def __init__(self, work: Path) -> None:
        self._path = work / "model.rnn"
        write_small_model(self._path)
        self._good, self._parts = self._path.read_bytes(), small_model()

    def generate(self, rng: random.Random) -> bytes:
        return damaged_model(rng, self._good, self._parts)

    def check(self, rng: random.Random, data: bytes) -> bool:
        self._path.write_bytes(data)
        if rng.random() < 0.25:
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as errors:
                code = run_command(["info", str(self._path), *rng.choice(((), ("--json",), ("--command",)))])
            assert code in (0, 4), errors.getvalue()
        try:
            tagger, file = load_tagger(self._path)
            tags = tagger.tag([["Ada", "met", "北京"], [], ["x"]])
            ConfidentTagger(tagger, stored_temperature(self._path, file.metadata, "ner")).tag([["Ada", "x"]])
            Tokenizer(TokenizerRules.from_json(file.tensors["tokenizer"].tobytes().decode()))
        except ModelError as error:
            assert len(error.message) < 20_000
            return False
        except ValueError as error:
            assert str(error).startswith("tokenizer rules") or isinstance(error, UnicodeDecodeError), error
            return False
        assert [len(found) for found in tags] == [3, 0, 1]
        assert all(is_tag(tag) for found in tags for tag in found)
        return True


class Rules:
    """Rules of a tokenizer: refused as such, or applied without losing a character, in bounded time."""

    share = 6

    def __init__(self, work: Path) -> None:
        tokenizer_module._START_S = 0.05  # else each endless match would take seconds to be noticed
        tokenizer_module._CHARACTER_S = 1e-4

    def generate(self, rng: random.Random) -> bytes:
        return rules_json(rng)

    def check(self, rng: random.Random, data: bytes) -> bool:
        sample = "a" * 40 + "b don't (a.m.) :-) a-b 3.5km. " + text(rng)
        try:
            rules = TokenizerRules.from_json(data.decode("utf-8", "replace"))
            spans = Tokenizer(rules).spans(sample)
        except ValueError as error:
            assert str(error).startswith(("tokenizer rules: ", "its tokenizer's pattern ")), error
            return False
        check_spans(sample, spans)
        return True


class RawText:
    """The tokenizer with spaCy's rules on any text."""

    share = 14

    def __init__(self, work: Path) -> None:
        from rnncli.training.tokenizer_rules import freeze  # it takes seconds, which one input of a kind need not wait

        self._tokenizers = [Tokenizer(freeze(language)) for language in ("en", "tr", "zh")]

    def generate(self, rng: random.Random) -> bytes:
        data = lines(rng, text)
        return data if rng.random() < 0.5 else mutate(rng, data)

    def check(self, rng: random.Random, data: bytes) -> bool:
        sample = data.decode("utf-8", "surrogateescape")
        check_spans(sample, rng.choice(self._tokenizers).spans(sample))
        return True

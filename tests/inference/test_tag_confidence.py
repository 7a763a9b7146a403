"""Scores of spans, tags and readings against the enumeration of every path of a tagger whose emissions are known."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rnncli.data.tag_schemes import Scheme, read_strict_spans
from rnncli.data.tag_sets import TagSet
from rnncli.decoding.packed import Packing, pack
from rnncli.errors import ModelError
from rnncli.inference.tag_confidence import ConfidentTagger, stored_temperature
from rnncli.inference.tag_decoder import TagDecoder
from rnncli.inference.tagging import SentenceTagger

TAGS = ("O", "B-X", "I-X", "E-X", "S-X", "S-Y")
NUM_WORDS = 50
SCHEMES = [Scheme.BIOES, Scheme.BILOU, Scheme.IOB2, Scheme.IOB1]
Probabilities = dict[tuple[str, ...], float]


class Backend:
    """Looks the emissions of a word up; words are numbers."""

    def __init__(self, table: NDArray[np.float32]) -> None:
        self.table = table

    def emissions(self, sentences: Sequence[Sequence[str]]) -> tuple[NDArray[Any], Packing]:
        packing = pack([len(tokens) for tokens in sentences])
        flat = self.table[[int(token) for tokens in sentences for token in tokens]]
        rows = np.empty_like(flat)
        rows[packing.rows()] = flat
        return rows, packing


class Model:
    """A random tagger and the probability of each of its legal readings, in the inner scheme."""

    def __init__(self, seed: int, scheme: Scheme | None = Scheme.BIOES) -> None:
        generator = np.random.default_rng(seed)
        self.table = (generator.normal(size=(NUM_WORDS, len(TAGS))) * 2).astype(np.float32)
        shapes = ((len(TAGS), len(TAGS)), (len(TAGS),), (len(TAGS),))
        self.chain = tuple(generator.normal(size=shape).astype(np.float32) for shape in shapes)
        self.head = TagSet("pos" if scheme is None else "ner", TAGS, scheme)
        names = ("transitions", "start", "end")
        tensors = {f"crf.0.{name}": scores for name, scores in zip(names, self.chain, strict=True)}
        self.tagger = SentenceTagger(Backend(self.table), [TagDecoder(self.head, tensors)])
        self.sentences = [[str(word) for word in generator.integers(NUM_WORDS, size=n)] for n in (3, 0, 1, 5, 4, 2)]

    def readings(self, tokens: Sequence[str], temperature: float = 1.0) -> Probabilities:
        transitions, start, end = self.chain
        allowed, may_start, may_end = self.head.allowed()
        totals = {}
        for path in itertools.product(range(len(TAGS)), repeat=len(tokens)):
            if may_start[path[0]] and may_end[path[-1]] and all(allowed[i][j] for i, j in itertools.pairwise(path)):
                pairwise = sum(float(transitions[i, j]) for i, j in itertools.pairwise(path))
                unary = sum(float(self.table[int(word), tag]) for word, tag in zip(tokens, path, strict=True))
                total = unary + pairwise + float(start[path[0]]) + float(end[path[-1]])
                totals[tuple(TAGS[tag] for tag in path)] = total / temperature
        weights = np.exp(np.array(list(totals.values())) - max(totals.values()))
        return dict(zip(totals, (weights / weights.sum()).tolist(), strict=True))


def score_by_enumeration(readings: Probabilities) -> list[float]:
    """The scores of the best reading's tokens: of the span each is in, by counting the readings that hold the span."""
    best = max(readings, key=readings.__getitem__)
    spans = {reading: set(read_strict_spans(reading, Scheme.BIOES)) for reading in readings}
    scores = [sum(p for reading, p in readings.items() if reading[i] == tag) for i, tag in enumerate(best)]
    for span in spans[best]:
        probability = sum(p for reading, p in readings.items() if span in spans[reading])
        scores[span.start : span.end] = [probability] * (span.end - span.start)
    return scores


@pytest.mark.parametrize("temperature", [0.7, 1.0, 3.0])
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("seed", range(3))
def test_a_spans_score_is_the_probability_of_all_readings_that_hold_it(
    seed: int, scheme: Scheme, temperature: float
) -> None:
    model = Model(seed, scheme)
    answers = ConfidentTagger(model.tagger, temperature).tag(model.sentences)
    assert [answer.tags for answer in answers] == model.tagger.tag(model.sentences)
    assert any(tag != "O" for answer in answers for tag in answer.tags)
    for tokens, answer in zip(model.sentences, answers, strict=True):
        expected = score_by_enumeration(model.readings(tokens, temperature)) if tokens else []
        np.testing.assert_allclose(answer.scores, expected, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_without_spans_a_tokens_score_is_its_tags_marginal(seed: int) -> None:
    model = Model(seed, None)
    answers = ConfidentTagger(model.tagger).tag(model.sentences)
    for tokens, answer in zip(model.sentences, answers, strict=True):
        readings = model.readings(tokens) if tokens else {}
        for i, tag in enumerate(answer.tags):
            marginal = sum(p for reading, p in readings.items() if reading[i] == tag)
            assert answer.scores[i] == pytest.approx(marginal, abs=1e-9)


@pytest.mark.parametrize("n", [1, 2, 10, 100])
@pytest.mark.parametrize("temperature", [0.7, 1.0, 3.0])
@pytest.mark.parametrize("seed", range(2))
def test_the_n_best_readings_are_the_first_of_the_sorted_list(seed: int, temperature: float, n: int) -> None:
    model = Model(seed)
    answers = ConfidentTagger(model.tagger, temperature).n_best(model.sentences, n)
    for tokens, paths in zip(model.sentences, answers, strict=True):
        readings = model.readings(tokens, temperature) if tokens else {}
        ranked = sorted(readings, key=readings.__getitem__, reverse=True)[:n]
        assert [path.tags for path in paths] == ranked
        np.testing.assert_allclose(np.exp([path.log_prob for path in paths]), [readings[r] for r in ranked], rtol=1e-9)
        assert all(path.log_prob <= 0 for path in paths)


def test_in_io_readings_that_look_alike_are_one() -> None:
    """Two spans of one type that touch are written as one, so there are fewer rows than paths."""
    model = Model(0, Scheme.IO)
    scorer = ConfidentTagger(model.tagger)
    sentences = [["1", str(word)] for word in range(NUM_WORDS)]
    for n in (1, 5, 9):
        for paths, everything in zip(scorer.n_best(sentences, n), scorer.n_best(sentences, 100), strict=True):
            assert {path.tags for path in everything} == set(itertools.product(("O", "I-X", "I-Y"), repeat=2))
            assert len(everything) == 9
            assert paths == everything[:n]


def test_all_readings_together_are_certain() -> None:
    model = Model(4)
    for paths in ConfidentTagger(model.tagger, 2.5).n_best([s for s in model.sentences if 0 < len(s) < 4], 100):
        assert sum(np.exp(path.log_prob) for path in paths) == pytest.approx(1.0)


def test_batch_mates_and_windows_change_no_score() -> None:
    model = Model(5)
    generator = np.random.default_rng(5)
    lengths = [*generator.integers(1, 40, size=300).tolist(), 5000]
    sentences = [[str(word) for word in generator.integers(NUM_WORDS, size=n)] for n in lengths]
    scorer = ConfidentTagger(model.tagger, 1.5)
    together, paths = scorer.tag(sentences), scorer.n_best(sentences, 3)
    for i in (0, 1, 150, 299, 300):
        (alone,), (few,) = scorer.tag([sentences[i]]), scorer.n_best([sentences[i]], 3)
        assert alone.tags == together[i].tags
        np.testing.assert_allclose(alone.scores, together[i].scores, rtol=0, atol=1e-9)
        assert [path.tags for path in few] == [path.tags for path in paths[i]]
        np.testing.assert_allclose([p.log_prob for p in few], [p.log_prob for p in paths[i]], rtol=0, atol=1e-7)


def test_a_sentence_of_50_000_tokens_is_as_sure_as_its_parts() -> None:
    """Where a span cannot be near, neighbours have no say: a long sentence repeats what a short one knows."""
    model = Model(6)
    words = [str(word) for word in np.random.default_rng(6).integers(NUM_WORDS, size=100)]
    (short,) = ConfidentTagger(model.tagger).tag([words * 3])
    (long,) = ConfidentTagger(model.tagger).tag([words * 500])
    assert len(long.scores) == 50_000
    assert long.tags[100:-100] == short.tags[100:200] * 498
    np.testing.assert_allclose(long.scores[100:-100], short.scores[100:200] * 498, rtol=0, atol=1e-9)


@pytest.mark.parametrize("temperature", [0.05, 0.5, 1, 20, 20.0])
def test_a_stored_temperature_is_read(temperature: float) -> None:
    assert stored_temperature("m.rnn", {"calibration": {"ner": {"temperature": temperature}}}, "ner") == temperature
    assert stored_temperature("m.rnn", {}, "ner") == 1.0
    assert stored_temperature("m.rnn", {"calibration": {"pos": {"temperature": temperature}}}, "ner") == 1.0


@pytest.mark.parametrize(
    "calibration",
    [None, 2.0, {}, [2.0], *({"temperature": t} for t in (None, "2", True, 0, -1, 0.04, 20.1, 10**400, [1.0]))]
    + [{"temperature": float(t)} for t in ("nan", "inf")],
)
def test_what_is_no_temperature_is_refused(calibration: object) -> None:
    with pytest.raises(ModelError, match=r"m\.rnn: its temperature is not a number from 0\.05 to 20"):
        stored_temperature("m.rnn", {"calibration": {"ner": calibration}}, "ner")
    with pytest.raises(ModelError):
        stored_temperature("m.rnn", {"calibration": [calibration]}, "ner")

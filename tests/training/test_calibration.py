"""The temperature on data drawn from a model whose right temperature is known."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rnncli.data.records import Sentence
from rnncli.data.tag_schemes import Scheme, read_spans
from rnncli.data.tag_sets import TagSet
from rnncli.decoding.packed import Packing, pack
from rnncli.inference.tag_confidence import ConfidentTagger
from rnncli.inference.tag_decoder import TagDecoder
from rnncli.inference.tagging import SentenceTagger
from rnncli.metrics.calibration import score_calibration
from rnncli.training.calibration import calibrate, golden_section

TAGS = ("O", "S-X", "S-Y")


class Backend:
    """Looks the emissions of a word up; words are numbers."""

    def __init__(self, table: NDArray[Any]) -> None:
        self._table = table

    def emissions(self, sentences: Sequence[Sequence[str]]) -> tuple[NDArray[Any], Packing]:
        packing = pack([len(tokens) for tokens in sentences])
        flat = self._table[[int(token) for tokens in sentences for token in tokens]]
        rows = np.empty_like(flat)
        rows[packing.rows()] = flat
        return rows, packing


def drawn(
    temperature: float, seed: int = 1, num_sentences: int = 600, *, spans: bool = True
) -> tuple[SentenceTagger, list[Sentence]]:
    """A tagger of words that do not look at each other, and gold tags that are what it says at a temperature."""
    generator = np.random.default_rng(seed)
    table = (generator.normal(size=(200, len(TAGS))) * 3).astype(np.float32)
    head = TagSet("ner", TAGS, Scheme.BIOES) if spans else TagSet("pos", TAGS)
    tagger = SentenceTagger(Backend(table), [TagDecoder(head, {})])
    words = generator.integers(200, size=(num_sentences, 8))
    weights = np.exp(table[words] / temperature)
    sums = (weights / weights.sum(2, keepdims=True)).cumsum(2)
    chosen = (generator.random((num_sentences, 8, 1)) > sums[:, :, :-1]).sum(2)
    return tagger, [
        Sentence(tuple(map(str, tokens)), tuple(TAGS[tag] for tag in tags))
        for tokens, tags in zip(words.tolist(), chosen.tolist(), strict=True)
    ]


@pytest.mark.parametrize("spans", [True, False])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_right_temperature_is_found(temperature: float, spans: bool) -> None:
    tagger, sentences = drawn(temperature, spans=spans)
    found = calibrate(tagger, sentences)
    assert found is not None
    assert found.temperature == pytest.approx(temperature, rel=0.1)
    if temperature != 1.0:
        assert found.dev_error_after < found.dev_error_before / 2


def test_the_errors_are_those_of_all_predicted_spans() -> None:
    tagger, sentences = drawn(2.5, num_sentences=100)
    found = calibrate(tagger, sentences)
    assert found is not None
    for temperature, error in ((1.0, found.dev_error_before), (found.temperature, found.dev_error_after)):
        answers = ConfidentTagger(tagger, temperature).tag([sentence.tokens for sentence in sentences])
        scored = [
            (answer.scores[span.start], span in read_spans(sentence.tags))
            for sentence, answer in zip(sentences, answers, strict=True)
            for span in read_spans(answer.tags)
        ]
        assert error == score_calibration(*map(list, zip(*scored, strict=True))).calibration_error


def test_calibration_helps_on_other_data_of_the_kind() -> None:
    tagger, sentences = drawn(2.5, num_sentences=1200, spans=False)
    found = calibrate(tagger, sentences[:600])
    assert found is not None
    errors = []
    for temperature in (1.0, found.temperature):
        answers = ConfidentTagger(tagger, temperature).tag([s.tokens for s in sentences[600:]])
        scores = [score for answer in answers for score in answer.scores]
        right = [
            a == b
            for answer, sentence in zip(answers, sentences[600:], strict=True)
            for a, b in zip(answer.tags, sentence.tags, strict=True)
        ]
        errors.append(score_calibration(scores, right).calibration_error or 0.0)
    assert errors[1] < errors[0] / 3


def test_a_few_spans_never_promise_certainty() -> None:
    """Three of three right would be likeliest at temperature 0, and none of three far above 1."""
    tagger, _ = drawn(1.0, num_sentences=1)
    spans = [word for word in map(str, range(200)) if tagger.tag([[word]]) != [("O",)]][:3]
    right = calibrate(tagger, [Sentence((word,), tagger.tag([[word]])[0]) for word in spans])
    wrong = calibrate(tagger, [Sentence((word,), ("O",)) for word in spans])
    assert right is not None
    assert wrong is not None
    assert 1 / 4 < right.temperature < 1 < wrong.temperature


def test_nothing_predicted_is_nothing_to_calibrate() -> None:
    tagger, sentences = drawn(1.0, num_sentences=50)
    assert calibrate(tagger, []) is None
    answers = tagger.tag([sentence.tokens for sentence in sentences])
    bare = [s for s, tags in zip(sentences, answers, strict=True) if set(tags) == {"O"}]
    bare += [Sentence((str(word),), ("S-X",)) for word in range(200) if tagger.tag([[str(word)]]) == [("O",)]]
    assert bare
    assert calibrate(tagger, bare) is None


@pytest.mark.parametrize("minimum", [-3.0, -2.99, 0.0, 0.7, 5.0])
def test_golden_section_finds_the_minimum(minimum: float) -> None:
    calls = []

    def function(x: float) -> float:
        calls.append(x)
        return abs(x - minimum) ** 1.5

    assert golden_section(function, -3.0, 5.0, 1e-6) == pytest.approx(minimum, abs=1e-6)
    assert len(calls) <= 3 + math.log(8 / 1e-6) / math.log((1 + math.sqrt(5)) / 2)
    assert all(-3 <= x <= 5 for x in calls)

"""Calibration of a trained tagger: the temperature that makes its probabilities tell how often it is right."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rnncli.data.records import ScoredTags, Sentence
from rnncli.data.tag_schemes import read_spans
from rnncli.inference.tag_confidence import MAX_TEMPERATURE, MIN_TEMPERATURE, ConfidentTagger
from rnncli.inference.tagging import SentenceTagger
from rnncli.metrics.calibration import score_calibration

_MAX_TOKENS = 30_000
"""Enough for one number, and a second or two of work."""

_TOLERANCE = 0.01
_SURE = 1e-9
"""No outcome is taken to be more certain than this leaves open."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A temperature and what it does on the development data.

    Attributes:
        temperature: what scores are to be divided by.
        dev_error_before: expected calibration error at temperature 1.
        dev_error_after: expected calibration error at this temperature.
    """

    temperature: float
    dev_error_before: float
    dev_error_after: float


def calibrate(tagger: SentenceTagger, dev: Sequence[Sentence], head: int = 0) -> Calibration | None:
    """Find the temperature at which the outcomes on the development data are likeliest.

    An outcome is whether a predicted span (or a tag) is right, since that is what a score is asked about. The
    likelihood of the gold tags also weighs what was not predicted, and fits a temperature at which the scores of spans
    may lie too low. One nat for a factor of e keeps a few spans, all of them right, from promising certainty.

    Args:
        tagger: the tagger as it will be stored.
        dev: sentences it was not trained on.
        head: index of the head; the gold tags of the second one are those that sentences have beside the others.

    Returns:
        The temperature, or None where nothing was predicted.

    Reference:
        Guo et al. 2017, arXiv:1706.04599, section 4.2; the loss is that of Platt scaling (section 4.1).
    """
    decoder = tagger.decoders[head]
    spans = decoder.head.scheme is not None
    chosen = _with_predictions(tagger, dev, head)
    batches = [
        (indices, decoder.best(emissions, packing), emissions, packing)
        for indices, emissions, packing in tagger.scored([sentence.tokens for sentence in chosen], head)
    ]

    def outcomes(temperature: float) -> tuple[list[float], list[bool]]:
        scorer = ConfidentTagger(tagger, temperature, head)
        pairs: list[tuple[float, bool]] = []
        for indices, path, emissions, packing in batches:
            for index, answer in zip(indices, scorer.score(path, emissions, packing), strict=True):
                pairs += _outcomes(chosen[index].also if head else chosen[index].tags, answer, spans)
        return [score for score, _ in pairs], [is_right for _, is_right in pairs]

    def loss(log_temperature: float) -> float:
        return _cross_entropy(*outcomes(math.exp(log_temperature))) + log_temperature**2

    before = score_calibration(*outcomes(1.0)).calibration_error
    if before is None:
        return None
    found = golden_section(loss, math.log(MIN_TEMPERATURE), math.log(MAX_TEMPERATURE), _TOLERANCE)
    temperature = math.exp(found) if loss(found) < loss(0.0) else 1.0
    after = score_calibration(*outcomes(temperature)).calibration_error
    return Calibration(temperature, before, before if after is None else after)


def golden_section(function: Callable[[float], float], low: float, high: float, tolerance: float) -> float:
    """Find the minimum of a function that falls, then rises; of another one, some local minimum.

    Args:
        function: what to minimise.
        low: begin of the interval.
        high: its end.
        tolerance: length of the interval at which to stop.

    Returns:
        The middle of the last interval.

    Reference:
        Kiefer 1953, "Sequential minimax search for a maximum".
    """
    ratio = (math.sqrt(5) - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = function(left), function(right)
    while high - low > tolerance:
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = function(right)
    return (low + high) / 2


def _with_predictions(tagger: SentenceTagger, dev: Sequence[Sentence], head: int) -> list[Sentence]:
    """Keep sentences of which something is predicted, spread over the data where they are too many."""
    found = list(dev)
    if tagger.decoders[head].head.scheme is not None:
        answers = tagger.tag([sentence.tokens for sentence in dev], head)
        found = [sentence for sentence, tags in zip(dev, answers, strict=True) if any(tag != "O" for tag in tags)]
    return found[:: max(1, math.ceil(sum(len(sentence.tokens) for sentence in found) / _MAX_TOKENS))]


def _outcomes(gold: Sequence[str], answer: ScoredTags, spans: bool) -> list[tuple[float, bool]]:
    """Pair the score of each prediction with whether it is right."""
    if not spans:
        return [(score, a == b) for score, a, b in zip(answer.scores, answer.tags, gold, strict=True)]
    right = set(read_spans(gold))
    return [(answer.scores[span.start], span in right) for span in read_spans(answer.tags)]


def _cross_entropy(confidences: Sequence[float], correct: Sequence[bool]) -> float:
    """Sum of the negative log-likelihoods of all outcomes, nats."""
    chances = (p if is_right else 1 - p for p, is_right in zip(confidences, correct, strict=True))
    return -math.fsum(math.log(max(chance, _SURE)) for chance in chances)

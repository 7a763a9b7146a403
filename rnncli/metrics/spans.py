"""Precision, recall and F1 of spans: as conlleval counts them, and strictly as seqeval counts them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rnncli.data.tag_schemes import STRICT_SCHEMES, Scheme, Span, read_spans, read_strict_spans
from rnncli.metrics.accuracy import aligned


@dataclass(frozen=True, slots=True)
class TypeScores:
    """Scores of the spans of one type. A ratio of nothing to nothing is 0, as in conlleval.

    Attributes:
        precision: Share of the predicted spans that are right, 0 to 1.
        recall: Share of the gold spans that were found, 0 to 1.
        f1: Harmonic mean of precision and recall, 0 to 1.
        num_gold: Number of gold spans.
        num_predicted: Number of predicted spans.
        num_correct: Number of predicted spans that are gold spans too: same tokens, same type.
    """

    precision: float
    recall: float
    f1: float
    num_gold: int
    num_predicted: int
    num_correct: int


@dataclass(frozen=True, slots=True)
class SpanScores:
    """Micro-averaged scores of spans. Everything but the strict scores follows conlleval.

    Attributes:
        precision: Share of the predicted spans that are right, 0 to 1. None when the gold holds no span.
        recall: Share of the gold spans that were found, 0 to 1. None when the gold holds no span.
        f1: Harmonic mean of precision and recall, 0 to 1. None when the gold holds no span.
        num_gold: Number of gold spans.
        num_predicted: Number of predicted spans.
        num_correct: Number of predicted spans that are gold spans too: same tokens, same type.
        num_tokens: Number of tokens.
        num_sentences: Number of sentences.
        accuracy: Share of tokens whose tags are equal, O included, 0 to 1. None when there are no tokens.
        per_type: Scores by type of span, in lexical order.
        scheme: The scheme of the strict scores, None when there are none.
        strict_precision: Precision as seqeval counts in strict mode. None without strict scores or strict gold spans.
        strict_recall: The same for recall.
        strict_f1: The same for F1.
        strict_num_gold: Number of well-formed gold spans. None without strict scores.
        strict_num_predicted: Number of well-formed predicted spans. None without strict scores.
        strict_num_correct: Number of well-formed predicted spans that are right. None without strict scores.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    num_gold: int
    num_predicted: int
    num_correct: int
    num_tokens: int
    num_sentences: int
    accuracy: float | None
    per_type: Mapping[str, TypeScores]
    scheme: Scheme | None
    strict_precision: float | None
    strict_recall: float | None
    strict_f1: float | None
    strict_num_gold: int | None
    strict_num_predicted: int | None
    strict_num_correct: int | None

    @property
    def signature(self) -> str:
        """How the scores were computed."""
        strict = "no" if self.scheme is None else f"seqeval-{self.scheme}"
        return f"metric:span-f1|average:micro|spans:conlleval|strict:{strict}|version:1"


class _Counts:
    """Numbers of gold, predicted and right spans by type."""

    def __init__(self) -> None:
        self.gold: Counter[str] = Counter()
        self.predicted: Counter[str] = Counter()
        self.correct: Counter[str] = Counter()

    def add(self, gold: Sequence[Span], predicted: Sequence[Span]) -> None:
        self.gold.update(span.type for span in gold)
        self.predicted.update(span.type for span in predicted)
        self.correct.update(span.type for span in set(gold).intersection(predicted))

    def total(self) -> TypeScores:
        return _scores(self.gold.total(), self.predicted.total(), self.correct.total())

    def per_type(self) -> dict[str, TypeScores]:
        types = sorted(self.gold.keys() | self.predicted.keys())
        return {name: _scores(self.gold[name], self.predicted[name], self.correct[name]) for name in types}


def score_spans(
    gold: Iterable[Sequence[str]], predicted: Iterable[Sequence[str]], scheme: Scheme | None = None
) -> SpanScores:
    """Score predicted spans against gold spans, in one pass.

    Args:
        gold: The right tags of each sentence.
        predicted: The predicted tags of each sentence.
        scheme: The scheme of both. With IOB2, BIOES or BILOU the strict scores are computed too.

    Returns:
        The scores. Where the strict scores differ from the others, some spans are not well formed.

    Raises:
        ValueError: The numbers of sentences or of tokens in a sentence differ, or a tag has a prefix that a strict
            scheme does not have.

    Reference:
        Erik F. Tjong Kim Sang and Fien De Meulder (2003), Introduction to the CoNLL-2003 Shared Task, W03-0419, and its
        script conlleval. Deviation: without gold spans the micro scores are None, where conlleval prints 0.
    """
    strict_scheme = scheme if scheme in STRICT_SCHEMES else None
    lenient, strict = _Counts(), _Counts()
    num_sentences = num_tokens = num_equal = 0
    for gold_tags, predicted_tags in aligned({"gold": gold, "predicted": predicted}):
        num_sentences += 1
        num_tokens += len(gold_tags)
        num_equal += sum(right == guess for right, guess in zip(gold_tags, predicted_tags, strict=True))
        lenient.add(read_spans(gold_tags), read_spans(predicted_tags))
        if strict_scheme is not None:
            strict.add(read_strict_spans(gold_tags, strict_scheme), read_strict_spans(predicted_tags, strict_scheme))
    micro, strict_micro = lenient.total(), strict.total()
    precision, recall, f1 = _measured(micro)
    strict_precision, strict_recall, strict_f1 = _measured(strict_micro)
    is_strict = strict_scheme is not None
    return SpanScores(
        precision=precision,
        recall=recall,
        f1=f1,
        num_gold=micro.num_gold,
        num_predicted=micro.num_predicted,
        num_correct=micro.num_correct,
        num_tokens=num_tokens,
        num_sentences=num_sentences,
        accuracy=num_equal / num_tokens if num_tokens else None,
        per_type=lenient.per_type(),
        scheme=strict_scheme,
        strict_precision=strict_precision,
        strict_recall=strict_recall,
        strict_f1=strict_f1,
        strict_num_gold=strict_micro.num_gold if is_strict else None,
        strict_num_predicted=strict_micro.num_predicted if is_strict else None,
        strict_num_correct=strict_micro.num_correct if is_strict else None,
    )


def _measured(micro: TypeScores) -> tuple[float, float, float] | tuple[None, None, None]:
    return (micro.precision, micro.recall, micro.f1) if micro.num_gold else (None, None, None)


def _scores(num_gold: int, num_predicted: int, num_correct: int) -> TypeScores:
    return TypeScores(
        precision=num_correct / num_predicted if num_predicted else 0.0,
        recall=num_correct / num_gold if num_gold else 0.0,
        f1=2 * num_correct / (num_gold + num_predicted) if num_gold + num_predicted else 0.0,
        num_gold=num_gold,
        num_predicted=num_predicted,
        num_correct=num_correct,
    )

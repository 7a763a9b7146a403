"""Precision, recall and F1 of spans: as conlleval counts them, and strictly as seqeval counts them."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rnncli.data.tag_schemes import STRICT_SCHEMES, Scheme, Span, read_spans, read_strict_spans
from rnncli.metrics.accuracy import aligned
from rnncli.metrics.label_scores import LabelScores


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
        strict_per_type: Strict scores by type of span, in lexical order. None without strict scores.
        unknown_recall: Share of the gold spans with an unknown word in them that were found, 0 to 1. None when there
            are none, or when they were not asked for.
        num_unknown: Number of gold spans with a word that training did not see. None when they were not asked for.
        num_unknown_correct: Number of those that were found. None when they were not asked for.
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
    per_type: Mapping[str, LabelScores]
    scheme: Scheme | None
    strict_precision: float | None
    strict_recall: float | None
    strict_f1: float | None
    strict_num_gold: int | None
    strict_num_predicted: int | None
    strict_num_correct: int | None
    strict_per_type: Mapping[str, LabelScores] | None
    unknown_recall: float | None
    num_unknown: int | None
    num_unknown_correct: int | None

    @property
    def signature(self) -> str:
        """How the scores were computed."""
        strict = "no" if self.scheme is None else f"seqeval-{self.scheme}"
        unknown = "" if self.num_unknown is None else "unknown-words:exact-form|"
        return f"metric:span-f1|average:micro|spans:conlleval|strict:{strict}|{unknown}version:1"

    @property
    def is_well_formed(self) -> bool:
        """Whether strict and lenient counting agree, as far as strict scores tell."""
        strict = (self.strict_num_gold, self.strict_num_predicted, self.strict_num_correct)
        return self.scheme is None or strict == (self.num_gold, self.num_predicted, self.num_correct)


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

    def total(self) -> LabelScores:
        return LabelScores.of(self.gold.total(), self.predicted.total(), self.correct.total())

    def per_type(self) -> dict[str, LabelScores]:
        types = sorted(self.gold.keys() | self.predicted.keys())
        return {name: LabelScores.of(self.gold[name], self.predicted[name], self.correct[name]) for name in types}


def score_spans(
    gold: Iterable[Sequence[str]],
    predicted: Iterable[Sequence[str]],
    scheme: Scheme | None = None,
    *,
    tokens: Iterable[Sequence[str]] | None = None,
    known_words: Container[str] | None = None,
) -> SpanScores:
    """Score predicted spans against gold spans, in one pass.

    Args:
        gold: The right tags of each sentence.
        predicted: The predicted tags of each sentence.
        scheme: The scheme of both. With IOB2, BIOES or BILOU the strict scores are computed too.
        tokens: The tokens of each sentence, to score spans with unknown words apart.
        known_words: The words of the training data. A word is known if it stands there in exactly this form.

    Returns:
        The scores. Where the strict scores differ from the others, some spans are not well formed.

    Raises:
        ValueError: The numbers of sentences or of tokens in a sentence differ, a tag has a prefix that a strict
            scheme does not have, or only one of `tokens` and `known_words` is given.

    Reference:
        Erik F. Tjong Kim Sang and Fien De Meulder (2003), Introduction to the CoNLL-2003 Shared Task, W03-0419, and its
        script conlleval. Deviation: without gold spans the micro scores are None, where conlleval prints 0.
    """
    if (tokens is None) != (known_words is None):
        raise ValueError("unknown words need both the tokens and the known words")
    columns = {"gold": gold, "predicted": predicted}
    if tokens is not None:
        columns["tokens"] = tokens
    strict_scheme = scheme if scheme in STRICT_SCHEMES else None
    lenient, strict, unknown = _Counts(), _Counts(), _Counts()
    num_sentences = num_tokens = num_equal = 0
    for gold_tags, predicted_tags, *words in aligned(columns):
        num_sentences += 1
        num_tokens += len(gold_tags)
        num_equal += sum(right == guess for right, guess in zip(gold_tags, predicted_tags, strict=True))
        gold_spans, predicted_spans = read_spans(gold_tags), read_spans(predicted_tags)
        lenient.add(gold_spans, predicted_spans)
        if strict_scheme is not None:
            strict.add(read_strict_spans(gold_tags, strict_scheme), read_strict_spans(predicted_tags, strict_scheme))
        if known_words is not None and gold_spans:
            (text,) = words
            new = [span for span in gold_spans if any(word not in known_words for word in text[span.start : span.end])]
            unknown.add(new, predicted_spans)
    return _span_scores(
        lenient.total(),
        lenient.per_type(),
        None if strict_scheme is None else (strict_scheme, strict.total(), strict.per_type()),
        None if known_words is None else unknown.total(),
        num_tokens=num_tokens,
        num_sentences=num_sentences,
        accuracy=num_equal / num_tokens if num_tokens else None,
    )


def compare_f1(gold: Iterable[Sequence[str]], answers: Sequence[Iterable[Sequence[str]]]) -> list[float]:
    """Compute the F1 of several answers to the same question, which agree on most sentences.

    Args:
        gold: The right tags of each sentence.
        answers: Tags of each sentence, as tuples, by each answer.

    Returns:
        For each answer the F1 that `score_spans` gives, 0 without gold spans.

    Raises:
        ValueError: The numbers of sentences differ.
    """
    num_gold = 0
    totals = [[0, 0] for _ in answers]
    for gold_tags, *guesses in zip(gold, *answers, strict=True):
        right = set(read_spans(gold_tags))
        num_gold += len(right)
        counts: dict[Sequence[str], tuple[int, int]] = {}
        for total, guess in zip(totals, guesses, strict=True):
            if guess not in counts:
                spans = read_spans(guess)
                counts[guess] = (len(spans), len(right.intersection(spans)))
            total[0] += counts[guess][0]
            total[1] += counts[guess][1]
    return [LabelScores.of(num_gold, predicted, correct).f1 if num_gold else 0.0 for predicted, correct in totals]


def _span_scores(
    micro: LabelScores,
    per_type: Mapping[str, LabelScores],
    strict: tuple[Scheme, LabelScores, Mapping[str, LabelScores]] | None,
    unknown: LabelScores | None,
    *,
    num_tokens: int,
    num_sentences: int,
    accuracy: float | None,
) -> SpanScores:
    """Lay out what was counted; `strict` and `unknown` are None where they were not asked for."""
    precision, recall, f1 = _measured(micro)
    scheme, strict_micro, strict_per_type = strict or (None, None, None)
    strict_precision, strict_recall, strict_f1 = _measured(strict_micro)
    return SpanScores(
        precision=precision,
        recall=recall,
        f1=f1,
        num_gold=micro.num_gold,
        num_predicted=micro.num_predicted,
        num_correct=micro.num_correct,
        num_tokens=num_tokens,
        num_sentences=num_sentences,
        accuracy=accuracy,
        per_type=per_type,
        scheme=scheme,
        strict_precision=strict_precision,
        strict_recall=strict_recall,
        strict_f1=strict_f1,
        strict_num_gold=strict_micro.num_gold if strict_micro else None,
        strict_num_predicted=strict_micro.num_predicted if strict_micro else None,
        strict_num_correct=strict_micro.num_correct if strict_micro else None,
        strict_per_type=strict_per_type,
        unknown_recall=_measured(unknown)[1],
        num_unknown=unknown.num_gold if unknown else None,
        num_unknown_correct=unknown.num_correct if unknown else None,
    )


def _measured(micro: LabelScores | None) -> tuple[float, float, float] | tuple[None, None, None]:
    if micro is None or not micro.num_gold:
        return None, None, None
    return micro.precision, micro.recall, micro.f1

"""Scores of tags on gold sentences."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from rnncli.data.known_words import KnownWords
from rnncli.data.records import Sentence
from rnncli.data.tag_schemes import STRICT_SCHEMES, Scheme
from rnncli.inference.tag_systems import OF_I_ALONE, Answers, GoldTags, detect_scheme
from rnncli.metrics.accuracy import AccuracyScores, score_accuracy
from rnncli.metrics.spans import SpanScores, score_spans

TagScores = SpanScores | AccuracyScores


def score_tags(
    task: str,
    sentences: Sequence[Sentence],
    predicted: Sequence[Sequence[str]],
    *,
    is_main: bool = True,
    scheme: Scheme | None = None,
    known: KnownWords | None = None,
) -> TagScores:
    """Score tags of one kind.

    Args:
        task: `ner` for spans, `pos` for one tag a token.
        sentences: gold.
        predicted: tags of each sentence.
        is_main: whether `tags` or `also` of the sentences hold the gold.
        scheme: by which spans are counted strictly too, None for no strict scores.
        known: words of the training data, to score unknown words apart; None for not.

    Returns:
        F1 and its like for spans, otherwise accuracy.
    """
    gold = [sentence.tags if is_main else sentence.also for sentence in sentences]
    tokens = None if known is None else [sentence.tokens for sentence in sentences]
    if task == "pos":
        return score_accuracy(gold, predicted, tokens=tokens, known_words=known)
    return score_spans(gold, predicted, scheme, tokens=tokens, known_words=known)


def headline(scores: TagScores) -> dict[str, float | None]:
    """Pick the scores that are shown and stored."""
    if isinstance(scores, AccuracyScores):
        return {"accuracy": scores.accuracy, "unknown_accuracy": scores.unknown_accuracy}
    return {name: getattr(scores, name) for name in ("precision", "recall", "f1", "accuracy")}


def score_names(task: str) -> tuple[str, ...]:
    """Return the names of the scores of a task that are numbers."""
    kind = AccuracyScores if task == "pos" else SpanScores
    return tuple(field.name for field in fields(kind) if field.type in (int, float, int | None, float | None))


def evaluate_answers(gold: GoldTags, answers: Answers) -> dict[str, Any]:
    """Score answers.

    Args:
        gold: what is right.
        answers: of one system.

    Returns:
        The scores by the contract's keys, counts, the signature, seed and checksum of the model, and warnings. Plain
        values that can be written as JSON.
    """
    scheme, note = (None, None) if gold.task == "pos" else _strict_scheme(gold, answers)
    scores = score_tags(gold.task, gold.sentences, answers.tags, scheme=scheme, known=answers.known)
    warnings = [*answers.warnings]
    if isinstance(scores, SpanScores) and not scores.is_well_formed:
        warnings.append(
            f"{answers.name}: strict and lenient scores differ, for some spans are not well formed in {scheme}"
        )
    return {
        "task": gold.task,
        **asdict(scores),
        **({} if gold.task == "pos" else {"strict_note": note}),
        "signature": scores.signature,
        **answers.about,
        "warnings": warnings,
    }


def _strict_scheme(gold: GoldTags, answers: Answers) -> tuple[Scheme | None, str | None]:
    """Return the scheme in which both gold and answers can be counted strictly, or why there is none."""
    if gold.scheme is None:
        return None, gold.problem
    if gold.scheme not in STRICT_SCHEMES:
        return None, f"the gold is in {gold.scheme}, and only {', '.join(sorted(STRICT_SCHEMES))} are counted strictly"
    found, problem = detect_scheme(answers.tags)
    is_empty = found is None and not any(tag != "O" for tags in answers.tags for tag in tags)
    # I alone, and I in front of B, are faults in IOB2, and strict counting is there to show them.
    if found == gold.scheme or is_empty or (gold.scheme is Scheme.IOB2 and found in OF_I_ALONE):
        return gold.scheme, None
    return None, f"the gold is in {gold.scheme}, but {answers.name} is {f'in {found}' if found else f'not: {problem}'}"

"""Accuracy of one tag a token, over all tokens and over words that training did not see."""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rnncli.metrics.label_scores import Confusion, LabelScores, confusions, score_labels


@dataclass(frozen=True, slots=True)
class AccuracyScores:
    """How many tokens have the right tag.

    Attributes:
        accuracy: Share of tokens with the right tag, 0 to 1. None when there are no tokens.
        num_correct: Number of tokens with the right tag.
        num_tokens: Number of tokens.
        num_sentences: Number of sentences.
        unknown_accuracy: The same share over unknown words. None when there are none, or when they were not asked for.
        num_unknown_correct: Number of unknown words with the right tag. None when they were not asked for.
        num_unknown: Number of tokens that training did not see. None when they were not asked for.
        unknown_share: Share of them among all tokens, 0 to 1. None when there are no tokens, or when they were not
            asked for.
        per_tag: Scores by tag, most frequent gold tag first, then lexical.
        confusions: Tags taken for others, most frequent first, then lexical.
    """

    accuracy: float | None
    num_correct: int
    num_tokens: int
    num_sentences: int
    unknown_accuracy: float | None
    num_unknown_correct: int | None
    num_unknown: int | None
    unknown_share: float | None
    per_tag: Mapping[str, LabelScores]
    confusions: tuple[Confusion, ...]

    @property
    def signature(self) -> str:
        """How the scores were computed."""
        unknown = "no" if self.num_unknown is None else "exact-form"
        return f"metric:accuracy|average:token|unknown-words:{unknown}|version:1"


def score_accuracy(
    gold: Iterable[Sequence[str]],
    predicted: Iterable[Sequence[str]],
    *,
    tokens: Iterable[Sequence[str]] | None = None,
    known_words: Container[str] | None = None,
) -> AccuracyScores:
    """Count right tags, in one pass.

    Args:
        gold: The right tags of each sentence.
        predicted: The predicted tags of each sentence.
        tokens: The tokens of each sentence, to score unknown words apart.
        known_words: The words of the training data. A word is known if it stands there in exactly this form.

    Returns:
        The scores.

    Raises:
        ValueError: The numbers of sentences or of tokens in a sentence differ, or only one of `tokens` and
            `known_words` is given.
    """
    if (tokens is None) != (known_words is None):
        raise ValueError("unknown words need both the tokens and the known words")
    columns = {"gold": gold, "predicted": predicted}
    if tokens is not None:
        columns["tokens"] = tokens
    num_sentences = num_unknown_correct = num_unknown = 0
    pairs: Counter[tuple[str, str]] = Counter()
    for gold_tags, predicted_tags, *words in aligned(columns):
        num_sentences += 1
        pairs.update(zip(gold_tags, predicted_tags, strict=True))
        if known_words is not None:
            rows = zip(gold_tags, predicted_tags, words[0], strict=True)
            unknown_hits = [right == guess for right, guess, word in rows if word not in known_words]
            num_unknown += len(unknown_hits)
            num_unknown_correct += sum(unknown_hits)
    num_tokens = pairs.total()
    num_correct = sum(count for (right, guess), count in pairs.items() if right == guess)
    asked = known_words is not None
    return AccuracyScores(
        accuracy=num_correct / num_tokens if num_tokens else None,
        num_correct=num_correct,
        num_tokens=num_tokens,
        num_sentences=num_sentences,
        unknown_accuracy=num_unknown_correct / num_unknown if num_unknown else None,
        num_unknown_correct=num_unknown_correct if asked else None,
        num_unknown=num_unknown if asked else None,
        unknown_share=num_unknown / num_tokens if asked and num_tokens else None,
        per_tag=score_labels(pairs),
        confusions=confusions(pairs),
    )


def aligned(columns: Mapping[str, Iterable[Sequence[str]]]) -> Iterator[tuple[Sequence[str], ...]]:
    """Walk through several columns of the same sentences and check that they fit together.

    Args:
        columns: The values of each sentence, by the name that an error shows. Each is read once.

    Yields:
        For each sentence its values, one entry a column. All have the same length.

    Raises:
        ValueError: The numbers of sentences or of tokens in a sentence differ. The text says which, counted from 1.
    """
    names = tuple(columns)
    for number, sentence in enumerate(zip_longest(*columns.values()), start=1):
        if None in sentence:
            missing = names[sentence.index(None)]
            raise ValueError(f"{missing} has {number - 1} sentences, fewer than {_others(names, missing)}")
        if len({len(values) for values in sentence}) > 1:
            lengths = ", ".join(f"{name} {len(values)}" for name, values in zip(names, sentence, strict=True))
            raise ValueError(f"sentence {number}: numbers of tokens differ: {lengths}")
        yield sentence


def _others(names: Sequence[str], missing: str) -> str:
    return " or ".join(name for name in names if name != missing)

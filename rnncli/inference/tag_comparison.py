"""Two systems on the same gold sentences: how far they lie apart, and which records flipped."""

from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.data.records import Sentence
from rnncli.data.tag_schemes import read_spans
from rnncli.inference.tag_systems import Answers, GoldTags
from rnncli.metrics.bootstrap import Score, paired_bootstrap

NUM_RESAMPLES = 1000
_SEED = 1


@dataclass(frozen=True, slots=True)
class Flip:
    """A record in which something is right under one system and wrong under the other.

    Attributes:
        sentence: gold.
        tags: of the first system.
        other_tags: of the other.
        change: `fixed` where the first system has the whole record right and the other has not, `broken` where it is
            the other way round, None where neither or both have.
        num_fixed: gold spans, or tokens, that only the first system has right.
        num_broken: those that only the other has right.
    """

    sentence: Sentence
    tags: Sequence[str]
    other_tags: Sequence[str]
    change: str | None
    num_fixed: int
    num_broken: int

    def to_dict(self) -> dict[str, Any]:
        """Return the flip as plain JSON values."""
        return {
            "file": self.sentence.file,
            "line": self.sentence.line,
            "change": self.change,
            "fixed": self.num_fixed,
            "broken": self.num_broken,
            "tokens": list(self.sentence.tokens),
            "gold": list(self.sentence.tags),
            "tags": list(self.tags),
            "other_tags": list(self.other_tags),
        }


def compare(gold: GoldTags, first: Answers, other: Answers) -> tuple[dict[str, Any], list[Flip]]:
    """Compare two systems.

    Args:
        gold: what is right.
        first: the system in question.
        other: what it is compared with.

    Returns:
        The differences of the scores (first minus other) with interval and p-value, None where the gold holds nothing
        to score, and the numbers of what is fixed and broken, as JSON values; and the records that flipped.
    """
    flips: list[Flip] = []
    counts: tuple[list[tuple[int, int, int]], ...] = ([], [])
    for sentence, tags, other_tags in zip(gold.sentences, first.tags, other.tags, strict=True):
        right = _units(sentence.tags, gold.task)
        units = [_units(answer, gold.task) for answer in (tags, other_tags)]
        hits = [right & answer for answer in units]
        for rows, answer, hit in zip(counts, units, hits, strict=True):
            rows.append((len(right), len(answer), len(hit)))
        whole = [answer == right for answer in units]
        change = None if whole[0] == whole[1] else "fixed" if whole[0] else "broken"
        if change or hits[0] != hits[1]:
            num_fixed, num_broken = len(hits[0] - hits[1]), len(hits[1] - hits[0])
            flips.append(Flip(sentence, tags, other_tags, change, num_fixed, num_broken))
    unit = "tokens" if gold.task == "pos" else "spans"
    changes = [flip.change for flip in flips]
    result = {
        "name": other.name,
        "differences": _differences(gold.task, *counts),
        "fixed_sentences": changes.count("fixed"),
        "broken_sentences": changes.count("broken"),
        f"fixed_{unit}": sum(flip.num_fixed for flip in flips),
        f"broken_{unit}": sum(flip.num_broken for flip in flips),
        "num_resamples": NUM_RESAMPLES,
        "signature": f"test:paired-bootstrap|resamples:{NUM_RESAMPLES}|unit:sentence|seed:{_SEED}|sides:2|version:1",
    }
    return result, flips


def _units(tags: Sequence[str], task: str) -> frozenset[Hashable]:
    """Return what can be right or wrong in a sentence: its spans, or its tokens' tags."""
    return frozenset(enumerate(tags) if task == "pos" else read_spans(tags))


def _differences(
    task: str, first: Sequence[tuple[int, int, int]], other: Sequence[tuple[int, int, int]]
) -> dict[str, dict[str, float] | None]:
    scores: dict[str, Score] = {"accuracy": _recall}
    if task == "ner":
        scores = {"precision": _precision, "recall": _recall, "f1": _f1}
    if not sum(num_gold for num_gold, _, _ in first):
        return dict.fromkeys(scores)
    found = paired_bootstrap(np.array(first), np.array(other), scores, num_resamples=NUM_RESAMPLES, seed=_SEED)
    return {name: asdict(difference) for name, difference in found.items()}


def _precision(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return _ratio(sums[..., 2], sums[..., 1])


def _recall(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return _ratio(sums[..., 2], sums[..., 0])


def _f1(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return _ratio(2 * sums[..., 2], sums[..., 0] + sums[..., 1])


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide; nothing of nothing is 0."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)

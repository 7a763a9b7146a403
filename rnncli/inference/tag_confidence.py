"""How sure a tagger is: probabilities of spans, of tags and of whole readings."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.data.records import ScoredPath, ScoredTags
from rnncli.data.tag_schemes import read_spans
from rnncli.decoding.forward_backward import Posterior, forward_backward
from rnncli.decoding.k_best import k_best
from rnncli.decoding.packed import Packing
from rnncli.decoding.viterbi import FORBIDDEN
from rnncli.errors import ModelError
from rnncli.inference.tagging import SentenceTagger

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.05, 20.0


class ConfidentTagger:
    """Tags as a tagger does and says how probable its answers are.

    Args:
        tagger: whose answers they are.
        temperature: every score is divided by it before it becomes a probability, and never before a search, so that it
            changes no tag.
        head: index of the head that answers; where its tags are plain, every token stands for itself.

    Reference:
        Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv:1706.04599, section 4.2, of the scores of a
        linear chain instead of logits.
    """

    def __init__(self, tagger: SentenceTagger, temperature: float = 1.0, head: int = 0) -> None:
        """Keep the parts; nothing is computed yet."""
        self._tagger, self._temperature, self._head = tagger, temperature, head
        self._decoder = tagger.decoders[head]

    def tag(self, sentences: Sequence[Sequence[str]]) -> list[ScoredTags]:
        """Tag sentences, with the probability of each span or tag.

        Args:
            sentences: token sequences; an empty one gives an empty answer.

        Returns:
            The tags that `SentenceTagger.tag` gives. The score of a span is the probability that its tokens have just
            its tags in the model's own scheme, where a span's first and last token are marked: so the probability that
            the reading holds this span, of these tokens and this type.
        """
        answers = [ScoredTags((), ())] * len(sentences)
        for indices, emissions, packing in self._tagger.scored(sentences, self._head):
            path = self._decoder.best(emissions, packing)
            for index, answer in zip(indices, self.score(path, emissions, packing), strict=True):
                answers[index] = answer
        return answers

    def score(self, path: NDArray[np.int64], emissions: NDArray[Any], packing: Packing) -> Iterator[ScoredTags]:
        """Say how probable the paths of a batch are.

        Args:
            path: int64 [N], packed tag indices.
            emissions: float [N, K], packed.
            packing: how.

        Yields:
            The tags of each sentence and their scores, in the order given.
        """
        posterior = chain_posterior(emissions, packing, self._decoder.chain, self._temperature)
        columns = (path, posterior.log_marginals_of(path), posterior.log_steps_of(path))
        for tags, log_marginals, log_steps in zip(*_sentences(packing, columns), strict=True):
            names = self._decoder.names(tags.tolist())
            scores = np.exp(log_marginals)
            for span in read_spans(names) if self._decoder.head.scheme is not None else ():
                rest = min(0.0, log_steps[span.start + 1 : span.end].sum())
                scores[span.start : span.end] = scores[span.start] * math.exp(rest)
            yield ScoredTags(names, tuple(scores.tolist()))

    def n_best(self, sentences: Sequence[Sequence[str]], n: int) -> list[list[ScoredPath]]:
        """Find the n most probable readings of each sentence.

        Args:
            sentences: token sequences; an empty one gives none.
            n: how many at most.

        Returns:
            For each sentence its readings, all different, the most probable first; fewer where there are no more.
        """
        answers: list[list[ScoredPath]] = [[] for _ in sentences]
        for indices, emissions, packing in self._tagger.scored(sentences, self._head):
            posterior = chain_posterior(emissions, packing, self._decoder.chain, self._temperature)
            found = self._readings(emissions, packing, n)
            for index, readings, log_partition in zip(indices, found, posterior.log_partition.tolist(), strict=True):
                answers[index] = [
                    ScoredPath(tags, min(0.0, score / self._temperature - log_partition))
                    for tags, score in readings.items()
                ]
        return answers

    def _readings(self, emissions: NDArray[Any], packing: Packing, n: int) -> list[dict[tuple[str, ...], float]]:
        """Find the n best tag sequences of each sentence, with the score of the best path that reads so."""
        k = n
        while True:
            found, is_complete = [], True
            for paths in k_best(emissions, packing, *self._decoder.chain, k):
                readings: dict[tuple[str, ...], float] = {}
                for path in paths:
                    readings.setdefault(self._decoder.names(path.tags.tolist()), path.score)
                is_complete &= len(readings) >= n or len(paths) < k
                found.append(dict(islice(readings.items(), n)))
            if is_complete:
                return found
            k *= 2  # in IO, one span and two that touch are written alike


def chain_posterior(
    emissions: NDArray[Any], packing: Packing, chain: Sequence[NDArray[Any]], temperature: float
) -> Posterior:
    """Sum over all paths, all scores divided by a temperature.

    Args:
        emissions: float [N, K], packed.
        packing: how.
        chain: scores of transitions [K, K], starts [K] and ends [K]; what is forbidden remains so.
        temperature: above 0; 1 leaves the scores as they are.
    """
    tables = [np.where(table > FORBIDDEN, table.astype(np.float64) / temperature, FORBIDDEN) for table in chain]
    return forward_backward(emissions.astype(np.float64) / temperature, packing, *tables)


def stored_temperature(path: str | Path, metadata: Mapping[str, Any], task: str) -> float:
    """Return the temperature of a head from a model's description, 1 where it has none.

    Args:
        path: of the model, for the message.
        metadata: its description.
        task: of the head.

    Raises:
        ModelError: what stands there is no temperature.
    """
    by_task = metadata.get("calibration", {})
    if isinstance(by_task, dict) and task not in by_task:
        return 1.0
    calibration = by_task[task] if isinstance(by_task, dict) else None
    value: Any = calibration.get("temperature") if isinstance(calibration, dict) else None
    if type(value) not in (int, float) or not MIN_TEMPERATURE <= value <= MAX_TEMPERATURE:
        raise ModelError(f"{path}: its temperature is not a number from {MIN_TEMPERATURE:g} to {MAX_TEMPERATURE:g}")
    return float(value)


def _sentences(packing: Packing, columns: Sequence[NDArray[Any]]) -> Iterator[list[NDArray[Any]]]:
    """Yield each packed column as one array a sentence, in the order given."""
    rows = packing.rows()
    lengths = np.empty_like(packing.lengths)
    lengths[packing.order] = packing.lengths
    ends = np.cumsum(lengths)[:-1]
    for column in columns:
        yield np.split(column[rows], ends)

"""Tags for sentences: batches, decodes, restores order."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rnncli import model_file
from rnncli.config import TaggerConfig, tagger_config
from rnncli.data.tag_inventory import check_tags
from rnncli.data.tag_schemes import Scheme, allowed_transitions, convert
from rnncli.data.vocabulary import Vocabulary
from rnncli.decoding.packed import Packing, pack
from rnncli.decoding.viterbi import viterbi
from rnncli.errors import ModelError
from rnncli.model_file import ModelFile
from rnncli.runtime.tagger import CACHED_WORDS, Tagger

_BATCH_TOKENS = 4096
_BATCH_SENTENCES = 128
_MOST_CANDIDATES = 1 << 24
"""Numbers that one step of the search may hold: with very many tags, batches have fewer sentences."""
_WINDOW = 2048
_CONTEXT = 128
_MOST_VECTORS = 1 << 22
_FORBIDDEN = -1e4
_PREFIXES = {
    Scheme.BIOES: {},
    Scheme.BILOU: {"S-": "U-", "E-": "L-"},
    Scheme.IOB2: {"S-": "B-", "E-": "I-"},
    Scheme.IO: {"B-": "I-", "S-": "I-", "E-": "I-"},
}


class EmissionBackend(Protocol):
    """What a tagger's backend offers."""

    def emissions(self, sentences: Sequence[Sequence[str]]) -> tuple[NDArray[Any], Packing]:
        """Return float [N, K], packed, and how it is packed."""


class SentenceTagger:
    """Tags token sequences of any length and number.

    Args:
        backend: computes emissions.
        tags: the K tags of the model, in its inner scheme (BIOES, or plain tags).
        scheme: the scheme to answer in.
        transitions: float [K, K].
        start: float [K].
        end: float [K].

    Raises:
        ValueError: a tag has an unknown prefix, or a score is not finite.
    """

    def __init__(
        self,
        backend: EmissionBackend,
        tags: Sequence[str],
        scheme: Scheme,
        transitions: NDArray[Any],
        start: NDArray[Any],
        end: NDArray[Any],
    ) -> None:
        """Mask the illegal transitions."""
        if not all(np.isfinite(scores).all() for scores in (transitions, start, end)):
            raise ValueError("a score of its transitions is not finite")
        self._backend = backend
        self._tags = tuple(tags)
        self.scheme = scheme
        allowed, may_start, may_end = allowed_transitions(tags)
        self._transitions = np.where(allowed, transitions, _FORBIDDEN).astype(np.float32)
        self._start = np.where(may_start, start, _FORBIDDEN).astype(np.float32)
        self._end = np.where(may_end, end, _FORBIDDEN).astype(np.float32)
        self._outside = tags.index("O") if "O" in tags else -1
        # In every scheme but IOB1 a tag can be rewritten without looking at its neighbours.
        prefixes = _PREFIXES.get(scheme)
        self._answers = None if prefixes is None else [prefixes.get(tag[:2], tag[:2]) + tag[2:] for tag in tags]

    def tag(self, sentences: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
        """Tag sentences.

        Args:
            sentences: token sequences; an empty one gives an empty answer.

        Returns:
            One tag a token for each sentence, in the order given.
        """
        return self.tag_with_biases(sentences, (0.0,))[0]

    # NumPy would warn of an overflow in a place that means nothing to who runs the model.
    @np.errstate(all="ignore")
    def tag_with_biases(
        self, sentences: Sequence[Sequence[str]], biases: Sequence[float]
    ) -> list[list[tuple[str, ...]]]:
        """Tag sentences once for each of several reductions of the score of O, at the price of the search alone.

        Args:
            sentences: token sequences; an empty one gives an empty answer.
            biases: what is taken off the score of O.

        Returns:
            For each bias, one tag a token for each sentence, in the order given.

        Raises:
            ModelError: the model's numbers are so large, or so wrong, that its scores are not finite.
        """
        answers: list[list[tuple[str, ...]]] = [[()] * len(sentences) for _ in biases]
        for indices in _batches(sentences, _MOST_CANDIDATES // len(self._tags) ** 2):
            batch = [sentences[i] for i in indices]
            emissions, packing = self._scored(batch)
            rows = packing.rows()
            outside = emissions[:, self._outside].copy() if self._outside >= 0 else None
            for bias, answer in zip(biases, answers, strict=True):
                if outside is not None:
                    emissions[:, self._outside] = outside - np.float32(bias)
                path = viterbi(emissions, packing, self._transitions, self._start, self._end)[rows].tolist()
                start = 0
                for index, tokens in zip(indices, batch, strict=True):
                    answer[index] = self._names(path[start : start + len(tokens)])
                    start += len(tokens)
        return answers

    def _names(self, path: Sequence[int]) -> tuple[str, ...]:
        if self._answers is not None:
            return tuple([self._answers[tag] for tag in path])
        return convert([self._tags[tag] for tag in path], Scheme.BIOES, self.scheme)

    def _scored(self, batch: Sequence[Sequence[str]]) -> tuple[NDArray[Any], Packing]:
        windowed = len(batch[0]) > _WINDOW
        emissions, packing = self._windowed(batch[0]) if windowed else self._backend.emissions(batch)
        if not np.isfinite(emissions).all():
            raise ModelError("the model is damaged: its scores of a text are not finite")
        return emissions, packing

    def _windowed(self, tokens: Sequence[str]) -> tuple[NDArray[Any], Packing]:
        """Score a long sentence piece by piece, each piece with context; the search then sees it whole."""
        parts = []
        for start in range(0, len(tokens), _WINDOW):
            begin = max(0, start - _CONTEXT)
            emissions, packing = self._backend.emissions([tokens[begin : start + _WINDOW + _CONTEXT]])
            skip = start - begin
            parts.append(emissions[packing.rows()][skip : skip + _WINDOW])
        return np.concatenate(parts), pack([len(tokens)])


def load_tagger(path: str | Path, *, threads: int = 1, device: str = "cpu") -> tuple[SentenceTagger, ModelFile]:
    """Read a tagger for prediction.

    Args:
        path: of the model.
        threads: to compute with, on the CPU.
        device: `cpu`, which uses NumPy, or a device of torch's.

    Raises:
        ModelError: the file is no tagger, or damaged.
        ResourceError: no such device.
    """
    file = model_file.read(path)
    if file.task not in ("ner", "pos"):
        raise ModelError(f"{path} is a model for {file.task}; use: rnncli {file.task} -m {path}")
    try:
        config = tagger_config(file.metadata["config"])
        tags = check_tags(file.metadata["tags"])
        scheme = Scheme(file.metadata["scheme"])
        model_file.require(path, file.tensors, model_file.tagger_tensors(config, len(tags)))
        for tag in tags:
            convert([tag], Scheme.BIOES, scheme)  # refuses tags of another inner scheme
        return build_tagger(config, tags, scheme, file.tensors, threads=threads, device=device), file
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: its description is not that of a tagger: {error}") from error


def build_tagger(
    config: TaggerConfig,
    tags: Sequence[str],
    scheme: Scheme,
    tensors: dict[str, NDArray[Any]],
    *,
    threads: int = 1,
    device: str = "cpu",
) -> SentenceTagger:
    """Wire a tagger from a model's parts, the file left aside.

    Args:
        config: sizes.
        tags: the K tags of the model, in its inner scheme.
        scheme: the scheme to answer in.
        tensors: the model's arrays by name.
        threads: to compute with, on the CPU.
        device: `cpu`, which uses NumPy, or a device of torch's.

    Raises:
        ResourceError: no such device.
        ValueError: a tag has an unknown prefix, or the list of words with vectors is damaged.
    """
    vocabulary = _vector_words(tensors) if config.features.vector_size else None
    backend: EmissionBackend
    if device == "cpu":
        backend = Tagger(config, tensors, vocabulary, threads=threads)
    else:
        backend = _torch_backend(config, tensors, vocabulary, tags, device)
    return SentenceTagger(backend, tags, scheme, tensors["crf.transitions"], tensors["crf.start"], tensors["crf.end"])


def _vector_words(tensors: dict[str, NDArray[Any]]) -> Vocabulary:
    """Read the words that have a vector; their number is known before any of them is read."""
    data, num_vectors = tensors["features.vector_words"].tobytes(), len(tensors["features.vectors"])
    if not 0 < data.count(b"\n") - 1 == num_vectors <= _MOST_VECTORS:
        raise ValueError(f"{num_vectors} vectors, but not as many words")
    return Vocabulary.from_bytes(data)


def _torch_backend(
    config: TaggerConfig,
    tensors: dict[str, NDArray[Any]],
    vocabulary: Vocabulary | None,
    tags: Sequence[str],
    device: str,
) -> EmissionBackend:
    """Load the backend for a GPU, the one place of prediction that imports torch."""
    from rnncli.models.torch_backend import TorchTagger

    return TorchTagger(config, tensors, vocabulary, tuple(tags), device)


def _batches(sentences: Sequence[Sequence[str]], max_sentences: int) -> Iterator[list[int]]:
    """Yield indices of sentences of similar length, within what one call may hold; empty sentences are left out.

    A sentence that needs windows is a batch of its own. No batch has more than `max_sentences`, if that is above 1.
    """
    max_sentences = min(_BATCH_SENTENCES, max(1, max_sentences))
    order = sorted((i for i, tokens in enumerate(sentences) if len(tokens)), key=lambda i: -len(sentences[i]))
    limit = min(_BATCH_TOKENS, CACHED_WORDS)
    batch: list[int] = []
    num_tokens = 0
    for index in order:
        size = len(sentences[index])
        full = num_tokens + size > limit or len(batch) == max_sentences
        if batch and (full or len(sentences[batch[0]]) > _WINDOW):
            yield batch
            batch, num_tokens = [], 0
        batch.append(index)
        num_tokens += size
    if batch:
        yield batch

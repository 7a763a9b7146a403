"""Tags for sentences: batches, decodes, restores order."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rnncli import model_file
from rnncli.config import TaggerConfig, tagger_config
from rnncli.data.tag_schemes import Scheme
from rnncli.data.tag_sets import TAG_TASKS, TagSet
from rnncli.data.vocabulary import Vocabulary
from rnncli.decoding.packed import Packing, pack
from rnncli.errors import ModelError, ResourceError
from rnncli.inference.tag_decoder import MOST_SCORE, TagDecoder
from rnncli.model_bytes import PendingModel
from rnncli.model_file import ModelFile
from rnncli.runtime.tagger import CACHED_WORDS, Tagger

_BATCH_TOKENS = 8192
_BATCH_SENTENCES = 256
_SEARCH_NUMBERS = 1 << 23
"""Numbers that one step of a search may hold, sentences times tags times tags, or one batch, tokens times tags."""
_WINDOW = 2048
_CONTEXT = 128
_MOST_VECTORS = 1 << 22

Batch = tuple[list[int], NDArray[Any], Packing]


class EmissionBackend(Protocol):
    """What a tagger's backend offers."""

    def emissions(self, sentences: Sequence[Sequence[str]]) -> tuple[NDArray[Any], Packing]:
        """Return float [N, K], packed, the heads' tags side by side, and how it is packed."""


class SentenceTagger:
    """Tags token sequences of any length and number.

    Args:
        backend: computes emissions.
        decoders: one a head.
    """

    def __init__(self, backend: EmissionBackend, decoders: Sequence[TagDecoder]) -> None:
        """Find out which scores belong to which head."""
        self._backend = backend
        self.decoders = tuple(decoders)
        ends = np.cumsum([len(decoder.head.tags) for decoder in decoders]).tolist()
        self._slices = [slice(end - len(d.head.tags), end) for end, d in zip(ends, decoders, strict=True)]
        widest = max(len(decoder.head.tags) for decoder in decoders)
        self._max_sentences = max(1, min(_BATCH_SENTENCES, _SEARCH_NUMBERS // widest**2))
        self._max_tokens = max(1, min(_BATCH_TOKENS, CACHED_WORDS, _SEARCH_NUMBERS // max(ends)))

    def find_head(self, task: str | None, model: str) -> int:
        """Return the index of the head of a task, that of the first head for None.

        Args:
            task: of the head.
            model: how to call the model in the error.

        Raises:
            ModelError: no head has that task.
        """
        tasks = [decoder.head.task for decoder in self.decoders]
        if task is not None and task not in tasks:
            raise ModelError(f"{model} has not learned {task}, only {' and '.join(tasks)}")
        return tasks.index(task or tasks[0])

    def tag(self, sentences: Sequence[Sequence[str]], head: int = 0) -> list[tuple[str, ...]]:
        """Tag sentences with one head.

        Args:
            sentences: token sequences; an empty one gives an empty answer.
            head: its index.

        Returns:
            One tag a token for each sentence, in the order given.
        """
        return self.tag_with_biases(sentences, (0.0,), head)[0]

    def tag_all(self, sentences: Sequence[Sequence[str]]) -> list[list[tuple[str, ...]]]:
        """Tag sentences with every head: for each head, what `tag` returns."""
        answers: list[list[tuple[str, ...]]] = [[()] * len(sentences) for _ in self.decoders]
        for indices, emissions, packing in self._emissions(sentences):
            lengths = [len(sentences[i]) for i in indices]
            for decoder, part, answer in zip(self.decoders, self._slices, answers, strict=True):
                scores = np.ascontiguousarray(emissions[:, part])
                _scatter(answer, decoder, decoder.best(scores, packing)[packing.rows()], indices, lengths)
        return answers

    def tag_with_biases(
        self, sentences: Sequence[Sequence[str]], biases: Sequence[float], head: int = 0
    ) -> list[list[tuple[str, ...]]]:
        """Tag sentences once for each of several reductions of the score of O, at the price of the search alone.

        Args:
            sentences: token sequences; an empty one gives an empty answer.
            biases: what is taken off the score of O.
            head: index of the head.

        Returns:
            For each bias, one tag a token for each sentence, in the order given.
        """
        answers: list[list[tuple[str, ...]]] = [[()] * len(sentences) for _ in biases]
        decoder = self.decoders[head]
        outside = decoder.head.outside
        for indices, scores, packing in self.scored(sentences, head):
            lengths = [len(sentences[i]) for i in indices]
            unbiased = None if outside is None else scores[:, outside].copy()
            for bias, answer in zip(biases, answers, strict=True):
                if unbiased is not None:
                    scores[:, outside] = unbiased - np.float32(bias)
                _scatter(answer, decoder, decoder.best(scores, packing)[packing.rows()], indices, lengths)
        return answers

    def scored(self, sentences: Sequence[Sequence[str]], head: int = 0) -> Iterator[Batch]:
        """Score every tag of one head at every token, batch by batch; no batch is kept.

        Args:
            sentences: token sequences; empty ones are left out.
            head: its index.

        Yields:
            Indices of the B sentences of a batch, float [N, K] packed, and how they are packed.
        """
        for indices, emissions, packing in self._emissions(sentences):
            yield indices, np.ascontiguousarray(emissions[:, self._slices[head]]), packing

    def _emissions(self, sentences: Sequence[Sequence[str]]) -> Iterator[Batch]:
        """Yield batches with the scores of all heads side by side."""
        for indices in _batches(sentences, self._max_sentences, self._max_tokens):
            yield from self._scored_batch(sentences, indices)

    def _scored_batch(self, sentences: Sequence[Sequence[str]], indices: list[int]) -> Iterator[Batch]:
        """Score one batch, in halves where the memory is too short for the whole."""
        batch = [sentences[i] for i in indices]
        try:
            emissions, packing = self._score(batch)
        except MemoryError as error:
            if len(indices) == 1:
                raise ResourceError(f"out of memory at a sentence of {len(batch[0]):,} tokens") from error
            half = len(indices) // 2
        else:
            yield indices, emissions, packing
            return
        yield from self._scored_batch(sentences, indices[:half])
        yield from self._scored_batch(sentences, indices[half:])

    # NumPy would warn of an overflow in a place that means nothing to who runs the model.
    @np.errstate(all="ignore")
    def _score(self, batch: Sequence[Sequence[str]]) -> tuple[NDArray[Any], Packing]:
        windowed = len(batch[0]) > _WINDOW
        emissions, packing = self._windowed(batch[0]) if windowed else self._backend.emissions(batch)
        if not (emissions.max() < MOST_SCORE and emissions.min() > -MOST_SCORE):
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


def load_tagger(
    path: str | Path,
    *,
    pending: PendingModel | None = None,
    scheme: Scheme | None = None,
    threads: int = 1,
    device: str = "cpu",
) -> tuple[SentenceTagger, ModelFile]:
    """Read a tagger for prediction.

    Args:
        path: of the model.
        pending: the same model, if a thread reads it already.
        scheme: in which spans are answered, None for that of the training data.
        threads: to compute with, on the CPU.
        device: `cpu`, which uses NumPy, or a device of torch's.

    Raises:
        ModelError: the file is no tagger, or damaged.
        ResourceError: no such device.
    """
    file = model_file.read(path, pending)
    if file.task not in TAG_TASKS:
        raise ModelError(f"{path} is a model for {file.task}; use: rnncli {file.task} -m {path}")
    try:
        config = tagger_config(file.metadata["config"])
        values = file.metadata["heads"]
        if not isinstance(values, list) or not values:
            raise ValueError("heads: expected a list")
        heads = [TagSet.from_dict(value) for value in values]
        model_file.require(path, file.tensors, model_file.tagger_tensors(config, heads))
        return build_tagger(config, heads, file.tensors, scheme=scheme, threads=threads, device=device), file
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: its description is not that of a tagger: {error}") from error


def build_tagger(
    config: TaggerConfig,
    heads: Sequence[TagSet],
    tensors: dict[str, NDArray[Any]],
    *,
    scheme: Scheme | None = None,
    threads: int = 1,
    device: str = "cpu",
) -> SentenceTagger:
    """Wire a tagger from a model's parts, the file left aside.

    Args:
        config: sizes.
        heads: what the model chooses from.
        tensors: the model's arrays by name.
        scheme: in which spans are answered, None for that of the training data.
        threads: to compute with, on the CPU.
        device: `cpu`, which uses NumPy, or a device of torch's.

    Raises:
        ResourceError: no such device.
        ValueError: the list of words with vectors, or a score of a transition, is damaged.
    """
    vocabulary = _vector_words(tensors) if config.features.vector_size else None
    backend: EmissionBackend
    if device == "cpu":
        backend = Tagger(config, tensors, vocabulary, threads=threads)
    else:
        backend = _torch_backend(config, tensors, vocabulary, heads, device)
    return SentenceTagger(backend, [TagDecoder(head, tensors, i, scheme) for i, head in enumerate(heads)])


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
    heads: Sequence[TagSet],
    device: str,
) -> EmissionBackend:
    """Load the backend for a GPU, the one place of prediction that imports torch."""
    from rnncli.models.torch_backend import TorchTagger

    return TorchTagger(config, tensors, vocabulary, heads, device)


def _scatter(
    answer: list[tuple[str, ...]],
    decoder: TagDecoder,
    paths: NDArray[np.int64],
    indices: Sequence[int],
    lengths: Sequence[int],
) -> None:
    """Put the named tags of a batch where its sentences belong."""
    path, start = paths.tolist(), 0
    for index, length in zip(indices, lengths, strict=True):
        answer[index] = decoder.names(path[start : start + length])
        start += length


def _batches(sentences: Sequence[Sequence[str]], max_sentences: int, max_tokens: int) -> Iterator[list[int]]:
    """Yield indices of sentences of similar length, within what one call may hold; empty sentences are left out.

    A sentence that needs windows is a batch of its own.
    """
    order = sorted((i for i, tokens in enumerate(sentences) if len(tokens)), key=lambda i: -len(sentences[i]))
    batch: list[int] = []
    num_tokens = 0
    for index in order:
        size = len(sentences[index])
        full = num_tokens + size > max_tokens or len(batch) == max_sentences
        if batch and (full or len(sentences[batch[0]]) > _WINDOW):
            yield batch
            batch, num_tokens = [], 0
        batch.append(index)
        num_tokens += size
    if batch:
        yield batch

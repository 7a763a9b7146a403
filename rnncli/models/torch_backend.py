"""The torch tagger behind the prediction protocol, for GPUs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rnncli.config import TaggerConfig, TrainingConfig
from rnncli.data.features import extract, vector_rows
from rnncli.data.tag_sets import TagSet
from rnncli.data.vocabulary import Vocabulary
from rnncli.decoding.packed import Packing, pack
from rnncli.errors import ResourceError
from rnncli.models.tagger import Tagger, TaggerBatch


class TorchTagger:
    """Answers as `runtime.tagger.Tagger` does, on any device of torch's.

    Args:
        config: sizes.
        tensors: the model's arrays by name.
        vocabulary: the words that have a pretrained vector, None without vectors.
        heads: what the model chooses from.
        device: its name.

    Raises:
        ResourceError: no such device.
    """

    def __init__(
        self,
        config: TaggerConfig,
        tensors: Mapping[str, NDArray[Any]],
        vocabulary: Vocabulary | None,
        heads: Sequence[TagSet],
        device: str,
    ) -> None:
        """Build the model and load its weights."""
        vectors = torch.from_numpy(tensors["features.vectors"]) if config.features.vector_size else None
        self._config = config.features
        self._vector_rows = None if vocabulary is None else vocabulary.get_stoi()
        model = Tagger(config, heads, TrainingConfig(), vectors)
        model.load_state_dict({name: torch.from_numpy(tensors[name].copy()) for name in model.state_dict()})
        try:
            self._device = torch.device(device)
            self._model = model.to(self._device).eval()
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise ResourceError(f"device {device!r} cannot be used: {reason}", hint="--device cpu") from error

    @torch.inference_mode()
    def emissions(self, sentences: Sequence[Sequence[str]]) -> tuple[NDArray[Any], Packing]:
        """Score every tag at every token: float [N, K], packed, and how it is packed."""
        packing = pack([len(tokens) for tokens in sentences])
        ids: dict[str, int] = {}
        indices = [[ids.setdefault(token, len(ids)) for token in sentences[i]] for i in packing.order]
        features = extract(list(ids), self._config)
        words = torch.zeros(len(indices), int(packing.lengths[0]), dtype=torch.int64)
        for row, sentence in zip(words, indices, strict=True):
            row[: len(sentence)] = torch.tensor(sentence)
        rows = None if self._vector_rows is None else torch.tensor(vector_rows(list(ids), self._vector_rows))
        batch = TaggerBatch(
            rows=torch.from_numpy(features.rows),
            ngrams=torch.from_numpy(features.ngrams),
            ngram_starts=torch.from_numpy(features.ngram_starts),
            rarity=torch.zeros(len(ids)),
            vector_rows=rows,
            words=words,
            lengths=torch.from_numpy(packing.lengths),
            tags=words.new_zeros(1, *words.shape),
        )
        try:
            padded = self._model.emissions(batch.to(self._device)).cpu().numpy()
        except torch.OutOfMemoryError as error:
            raise MemoryError(str(error)) from error
        steps = np.repeat(np.arange(len(packing.batch_sizes)), packing.batch_sizes)
        return padded[np.arange(len(steps)) - packing.offsets[steps], steps], packing

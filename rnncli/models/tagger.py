"""The tagger for training: features, bidirectional encoder, conditional random field."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rnncli.config import TaggerConfig, TrainingConfig
from rnncli.data.features import table_sizes
from rnncli.data.tag_sets import TagSet
from rnncli.nn.crf import LinearChainCRF, independent_loss
from rnncli.nn.dropout import word_dropout
from rnncli.nn.embeddings import WordEmbedding
from rnncli.nn.encoder import BidirectionalEncoder
from rnncli.nn.linear_path import LinearPath


@dataclass(frozen=True, slots=True)
class TaggerBatch:
    """B sentences over W distinct words.

    Attributes:
        rows: int64 [W, F, 2], features of the distinct words, as in `WordFeatures`.
        ngrams: int64 [M].
        ngram_starts: int64 [W].
        rarity: float [W], how likely each word loses its own row while training.
        vector_rows: int64 [W], or None without pretrained vectors.
        words: int64 [B, T], each token's row among the distinct words.
        lengths: int64 [B].
        tags: int64 [heads, B, T].
    """

    rows: Tensor
    ngrams: Tensor
    ngram_starts: Tensor
    rarity: Tensor
    vector_rows: Tensor | None
    words: Tensor
    lengths: Tensor
    tags: Tensor

    @property
    def num_tokens(self) -> int:
        """Tokens, padding left out."""
        return int(self.lengths.sum())

    def to(self, device: torch.device) -> "TaggerBatch":
        """Copy to a device."""
        return TaggerBatch(
            rows=self.rows.to(device),
            ngrams=self.ngrams.to(device),
            ngram_starts=self.ngram_starts.to(device),
            rarity=self.rarity.to(device),
            vector_rows=None if self.vector_rows is None else self.vector_rows.to(device),
            words=self.words.to(device),
            lengths=self.lengths.to(device),
            tags=self.tags.to(device),
        )

    def halves(self) -> "list[TaggerBatch]":
        """Return two batches of half the sentences and their words, or only this one where it is a single sentence."""
        if len(self.lengths) == 1:
            return [self]
        middle = len(self.lengths) // 2
        return [self._part(slice(None, middle)), self._part(slice(middle, None))]

    def _part(self, chosen: slice) -> "TaggerBatch":
        lengths = self.lengths[chosen]
        width = int(lengths.max())
        kept, words = torch.unique(self.words[chosen, :width], return_inverse=True)
        ends = torch.cat((self.ngram_starts[1:], self.ngram_starts.new_tensor([len(self.ngrams)])))
        counts = (ends - self.ngram_starts)[kept]
        ngram_starts = counts.cumsum(0) - counts
        moved = torch.repeat_interleave(self.ngram_starts[kept] - ngram_starts, counts)
        return TaggerBatch(
            rows=self.rows[kept],
            ngrams=self.ngrams[moved + torch.arange(len(moved), device=moved.device)],
            ngram_starts=ngram_starts,
            rarity=self.rarity[kept],
            vector_rows=None if self.vector_rows is None else self.vector_rows[kept],
            words=words,
            lengths=lengths,
            tags=self.tags[:, chosen, :width],
        )


class Tagger(nn.Module):
    """BiGRU-CRF over hashed word features, with a linear path from the features of a window to the scores.

    Several heads share everything but the last step: each has its part of the output, and transitions of its own.

    Args:
        config: sizes.
        heads: what to choose from.
        training: dropout rates.
        vectors: float [N, D], pretrained vectors, or None.

    Reference:
        Huang, Xu and Yu 2015, arXiv:1508.01991; Lample et al. 2016, arXiv:1603.01360. Deviation: hashed features and
        character n-grams in place of a word table and a character network. The handicap of spans while training is
        the cost function of Mohit et al. 2012, "Recall-oriented learning of named entities", E12-1017. Several heads:
        Caruana 1997, "Multitask learning".
    """

    def __init__(
        self, config: TaggerConfig, heads: Sequence[TagSet], training: TrainingConfig, vectors: Tensor | None = None
    ) -> None:
        """Build the model with random weights."""
        super().__init__()
        self._word_dropout = training.word_dropout
        self._outside_margin = training.outside_margin or 0.0
        self._heads = tuple(heads)
        self._sizes = [len(head.tags) for head in heads]
        num_tags = sum(self._sizes)
        self.features = WordEmbedding(config.features, vectors)
        self.encoder = BidirectionalEncoder(config.features.projection_size, config.encoder, training.dropout)
        self.output = nn.Linear(2 * config.encoder.hidden_size, num_tags)
        self.linear: LinearPath | None = None
        if config.linear_window:
            num_rows = sum(table_sizes(config.features))
            self.linear = LinearPath(num_rows, num_tags, config.linear_window, training.linear_dropout)
        chains = {i: head.allowed() for i, head in enumerate(heads) if head.is_chain}
        self.crf = nn.ModuleDict({str(i): LinearChainCRF(*map(torch.tensor, allowed)) for i, allowed in chains.items()})

    def emissions(self, batch: TaggerBatch) -> Tensor:
        """Score every tag at every token.

        Returns:
            float [B, T, K], the heads' tags side by side, arbitrary past the lengths.
        """
        vectors = self.features(batch.rows, batch.ngrams, batch.ngram_starts, batch.rarity, batch.vector_rows)
        inputs = vectors[batch.words]
        if self.training:
            inputs = word_dropout(inputs, self._word_dropout)
        emissions: Tensor = self.output(self.encoder(inputs, batch.lengths))
        if self.linear is not None:
            emissions = emissions + self.linear(batch.rows[:, :, 0], batch.words, batch.lengths)
        return emissions

    def forward(self, batch: TaggerBatch) -> Tensor:
        """Negative log-likelihood of the gold tags.

        Returns:
            float [B], nats, summed over each sentence's tokens and over the heads.
        """
        parts = torch.split(self.emissions(batch).float(), self._sizes, 2)
        with torch.autocast(batch.words.device.type, enabled=False):
            return self._losses(parts, batch)

    def _losses(self, parts: Sequence[Tensor], batch: TaggerBatch) -> Tensor:
        """Sum the heads' losses, which over hundreds of steps need full precision."""
        losses: list[Tensor] = []
        for i, (head, emissions, tags) in enumerate(zip(self._heads, parts, batch.tags, strict=True)):
            if self.training and head.outside is not None:
                handicap = torch.zeros_like(emissions)
                handicap[:, :, head.outside] = self._outside_margin * (tags != head.outside)
                emissions = emissions + handicap
            loss = self.crf[str(i)] if head.is_chain else independent_loss
            losses.append(loss(emissions, tags, batch.lengths))
        return torch.stack(losses).sum(0)

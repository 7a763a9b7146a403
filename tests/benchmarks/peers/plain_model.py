"""The default tagger of `rnncli train ner`, built of nothing but torch's own parts, as its manual shows them."""

import torch
from plain_batches import Batch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from rnncli.config import TaggerConfig, TrainingConfig
from rnncli.data.features import KINDS, table_sizes
from rnncli.data.tag_sets import TagSet

_FORBIDDEN = -1e4


class PlainTagger(nn.Module):
    """Features of every token, BiGRU, linear path and CRF, differentiated by autograd alone.

    Args:
        config: sizes.
        head: the tags.
        training: dropout rates and the margin.
    """

    def __init__(self, config: TaggerConfig, head: TagSet, training: TrainingConfig) -> None:
        """Draw the weights as the other tagger does."""
        super().__init__()
        features, hidden, num_tags = config.features, config.encoder.hidden_size, len(head.tags)
        self._training, self._pieces, self._window = training, features.maxout_pieces, config.linear_window
        self._outside = head.outside
        num_rows, size = sum(table_sizes(features)), features.embedding_size
        self.table = nn.EmbeddingBag(num_rows, size, mode="sum")
        self.ngrams = nn.EmbeddingBag(features.ngram_rows, size, mode="mean")
        self.projection = nn.Linear(size * (len(KINDS) + 1), features.projection_size * features.maxout_pieces)
        self.norm = nn.LayerNorm(features.projection_size)
        self.gru = nn.GRU(features.projection_size, hidden, batch_first=True, bidirectional=True)
        self.output = nn.Linear(2 * hidden, num_tags)
        self.linear = nn.EmbeddingBag(num_rows, self._window * num_tags, mode="sum")
        self.transitions = nn.Parameter(torch.zeros(num_tags, num_tags))
        self.start = nn.Parameter(torch.zeros(num_tags))
        self.end = nn.Parameter(torch.zeros(num_tags))
        for name, allowed in zip(("transitions", "start", "end"), head.allowed(), strict=True):
            self.register_buffer(f"no_{name}", ~torch.tensor(allowed))
        self._draw()

    @torch.no_grad()
    def _draw(self) -> None:
        nn.init.normal_(self.table.weight, std=0.1)
        nn.init.normal_(self.ngrams.weight, std=0.3)
        nn.init.zeros_(self.linear.weight)
        for name, weight in self.gru.named_parameters():
            if name.startswith("bias"):
                nn.init.zeros_(weight)
            elif name.startswith("weight_ih"):
                nn.init.xavier_uniform_(weight)
            else:
                for gate in weight.chunk(3):
                    nn.init.orthogonal_(gate)

    def emissions(self, batch: Batch) -> Tensor:
        """Score every tag at every token: float [B, T, K]."""
        batch_size, num_steps, num_kinds, _ = batch.rows.shape
        embedded = self.table(batch.rows.flatten(0, 2)).view(batch_size, num_steps, num_kinds, -1)
        if self.training:
            kept = torch.rand_like(batch.rarity) >= batch.rarity
            embedded = torch.cat((embedded[:, :, :1] * kept[:, :, None, None], embedded[:, :, 1:]), 2)
        ngrams = self.ngrams(batch.ngrams, batch.ngram_starts).view(batch_size, num_steps, -1)
        pieces = self.projection(torch.cat((embedded.flatten(2), ngrams), 2))
        words = self.norm(pieces.view(batch_size, num_steps, -1, self._pieces).amax(3))
        if self.training:
            words = words * (torch.rand_like(words[:, :, :1]) >= self._training.word_dropout)
        packed = pack_padded_sequence(
            self._locked_dropout(words), batch.lengths, batch_first=True, enforce_sorted=False
        )
        states, _ = pad_packed_sequence(self.gru(packed)[0], batch_first=True)
        scores: Tensor = self.output(self._locked_dropout(states)) + self._window_scores(batch)
        return scores

    def forward(self, batch: Batch) -> Tensor:
        """Negative log-likelihood of the gold tags, float [B], nats."""
        emissions, mask = self.emissions(batch), _mask(batch)
        if self.training:
            margin = self._training.outside_margin or 0.0
            handicap = torch.zeros_like(emissions)
            handicap[:, :, self._outside] = margin * (batch.tags != self._outside)
            emissions = emissions + handicap
        transitions, start, end = self._chain()
        state = start + emissions[:, 0]
        for t in range(1, emissions.shape[1]):
            after = torch.logsumexp(state.unsqueeze(2) + transitions, 1) + emissions[:, t]
            state = torch.where(mask[:, t].unsqueeze(1), after, state)
        log_partition = torch.logsumexp(state + end, 1)
        unary = (emissions.gather(2, batch.tags.unsqueeze(2)).squeeze(2) * mask).sum(1)
        pairwise = (transitions[batch.tags[:, :-1], batch.tags[:, 1:]] * mask[:, 1:]).sum(1)
        last = batch.tags.gather(1, (batch.lengths - 1).unsqueeze(1)).squeeze(1)
        return log_partition - unary - pairwise - start[batch.tags[:, 0]] - end[last]

    @torch.no_grad()
    def decode(self, emissions: Tensor, lengths: Tensor, bias: float) -> list[list[int]]:
        """Find the best tags of each sentence by Viterbi's search, `bias` taken off the score of O."""
        emissions = emissions.clone()
        emissions[:, :, self._outside] -= bias
        transitions, start, end = self._chain()
        state, came_from, final = start + emissions[:, 0], [], []
        final.append(state + end)
        for t in range(1, emissions.shape[1]):
            best, origin = (state.unsqueeze(2) + transitions).max(1)
            state = best + emissions[:, t]
            came_from.append(origin)
            final.append(state + end)
        paths = []
        for i, length in enumerate(lengths.tolist()):
            path = [int(final[length - 1][i].argmax())]
            for t in range(length - 2, -1, -1):
                path.append(int(came_from[t][i, path[-1]]))
            paths.append(path[::-1])
        return paths

    def _window_scores(self, batch: Batch) -> Tensor:
        batch_size, num_steps = batch.tags.shape
        scores = self.linear(batch.rows[:, :, :, 0].flatten(0, 1)).view(batch_size, num_steps, -1)
        scores = F.dropout(scores * _mask(batch).unsqueeze(2), self._training.linear_dropout, self.training)
        half = self._window // 2
        padded = F.pad(scores.view(batch_size, num_steps, self._window, -1), (0, 0, 0, 0, half, half))
        return sum((padded[:, i : i + num_steps, i] for i in range(self._window)), torch.zeros(()))

    def _locked_dropout(self, inputs: Tensor) -> Tensor:
        if not self.training:
            return inputs
        return inputs * F.dropout(torch.ones_like(inputs[:, :1]), self._training.dropout)

    def _chain(self) -> tuple[Tensor, Tensor, Tensor]:
        names = ("transitions", "start", "end")
        transitions, start, end = (
            getattr(self, name).masked_fill(self.get_buffer(f"no_{name}"), _FORBIDDEN) for name in names
        )
        return transitions, start, end


def _mask(batch: Batch) -> Tensor:
    return torch.arange(batch.tags.shape[1]) < batch.lengths.unsqueeze(1)

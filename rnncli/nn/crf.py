"""Linear-chain conditional random field: the loss, without a Python loop under autograd."""

import math

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx
from torch.nn import functional as F

from rnncli.kernels.crf import load_crf_kernel
from rnncli.nn.crf_kernel import crf_kernel_loss

_FORBIDDEN = -1e4
"""Score of a forbidden transition: its exponential is exactly 0 in float32 and float64."""


class LinearChainCRF(nn.Module):
    """Linear-chain CRF with start and end scores and a mask of legal transitions.

    Args:
        allowed: bool [K, K], True where tag j may follow tag i.
        allowed_start: bool [K], True where a sentence may begin with the tag.
        allowed_end: bool [K], True where a sentence may end with the tag.

    Reference:
        Lafferty, McCallum and Pereira 2001, "Conditional Random Fields"; start and end scores as in
        Lample et al. 2016, arXiv:1603.01360, equation 1.
    """

    def __init__(self, allowed: Tensor, allowed_start: Tensor, allowed_end: Tensor) -> None:
        """Create zero scores; forbidden transitions are masked whenever the scores are read."""
        super().__init__()
        num_tags = allowed.shape[0]
        self.transitions = nn.Parameter(torch.zeros(num_tags, num_tags))
        self.start = nn.Parameter(torch.zeros(num_tags))
        self.end = nn.Parameter(torch.zeros(num_tags))
        self.register_buffer("forbidden", ~allowed, persistent=False)
        self.register_buffer("forbidden_start", ~allowed_start, persistent=False)
        self.register_buffer("forbidden_end", ~allowed_end, persistent=False)

    def scores(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return (transitions [K, K] from row to column, start [K], end [K]) with forbidden entries at -1e4."""
        return (
            self.transitions.masked_fill(self.get_buffer("forbidden"), _FORBIDDEN),
            self.start.masked_fill(self.get_buffer("forbidden_start"), _FORBIDDEN),
            self.end.masked_fill(self.get_buffer("forbidden_end"), _FORBIDDEN),
        )

    def forward(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """Negative log-likelihood of the gold tags.

        Args:
            emissions: float [B, T, K]; values past a sentence's length are ignored.
            tags: int64 [B, T], any valid tag past the length.
            lengths: int64 [B], each at least 1.

        Returns:
            float [B], nats, one value a sentence (summed over its tokens).
        """
        transitions, start, end = self.scores()
        kernel = load_crf_kernel() if emissions.dtype == torch.float32 and emissions.device.type == "cpu" else None
        if kernel is not None:
            return crf_kernel_loss(emissions, tags, lengths, transitions, start, end, kernel)
        log_partition = log_partition_function(emissions, lengths, transitions, start, end)
        return log_partition - path_score(emissions, tags, lengths, transitions, start, end)


def independent_loss(emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
    """Negative log-likelihood of the gold tags where each is chosen by itself.

    Args:
        emissions: float [B, T, K].
        tags: int64 [B, T], any valid tag past the length.
        lengths: int64 [B].

    Returns:
        float [B], nats, summed over each sentence's tokens.
    """
    mask = torch.arange(tags.shape[1], device=tags.device) < lengths.unsqueeze(1)
    losses = F.cross_entropy(emissions.transpose(1, 2), tags, reduction="none")
    return (losses * mask).sum(1)


def path_score(
    emissions: Tensor, tags: Tensor, lengths: Tensor, transitions: Tensor, start: Tensor, end: Tensor
) -> Tensor:
    """Unnormalised score of one tag path a sentence.

    Args:
        emissions: float [B, T, K].
        tags: int64 [B, T].
        lengths: int64 [B].
        transitions: float [K, K], from row to column.
        start: float [K].
        end: float [K].

    Returns:
        float [B], summed over tokens.
    """
    mask = torch.arange(tags.shape[1], device=tags.device) < lengths.unsqueeze(1)
    unary = emissions.gather(2, tags.unsqueeze(2)).squeeze(2)
    pairwise = transitions[tags[:, :-1], tags[:, 1:]]
    last = tags.gather(1, (lengths - 1).unsqueeze(1)).squeeze(1)
    return (unary * mask).sum(1) + (pairwise * mask[:, 1:]).sum(1) + start[tags[:, 0]] + end[last]


def log_partition_function(
    emissions: Tensor, lengths: Tensor, transitions: Tensor, start: Tensor, end: Tensor
) -> Tensor:
    """Logarithm of the summed exponentiated scores of all tag paths, differentiable in every score.

    Args:
        emissions: float [B, T, K]; values past the length are ignored.
        lengths: int64 [B], each at least 1.
        transitions: float [K, K], from row to column.
        start: float [K].
        end: float [K].

    Returns:
        float [B], nats.
    """
    result: Tensor = _LogPartition.apply(emissions, lengths, transitions, start, end)  # type: ignore[no-untyped-call]
    return result


class _LogPartition(torch.autograd.Function):
    """Forward-backward with closed-form gradients: marginals, not a tape over time.

    The backward recursion over the reversed sentence has the form of the forward one, so both run in one batched
    loop. Values are kept as probabilities rescaled at every step (Rabiner 1989, section V.A), which needs a small
    matrix product a step where the log domain would need a K x K log-sum-exp.
    """

    @staticmethod
    def forward(
        ctx: FunctionCtx, emissions: Tensor, lengths: Tensor, transitions: Tensor, start: Tensor, end: Tensor
    ) -> Tensor:
        batch_size, num_steps, num_tags = emissions.shape
        steps = torch.arange(num_steps, device=emissions.device)
        mask = steps < lengths.unsqueeze(1)
        flipped = torch.where(mask, lengths.unsqueeze(1) - 1 - steps, steps)

        peak = emissions.amax(2, keepdim=True)
        # Where only unlikely tags are legal, the floor keeps their sum above zero; at it a tag is as good as excluded.
        floor = 0.7 * math.log(torch.finfo(emissions.dtype).tiny)
        likelihood = (emissions - peak).clamp_min(floor).exp()
        backwards = likelihood.gather(1, flipped.unsqueeze(2).expand_as(likelihood))
        both = torch.stack((likelihood, backwards)).permute(2, 0, 1, 3).contiguous()  # T, 2, B, K
        trans_peak = transitions.max()
        trans = (transitions - trans_peak).exp()
        trans_both = torch.stack((trans, trans.t()))
        edge_peak = torch.stack((start.max(), end.max()))
        edges = (torch.stack((start, end)) - edge_peak.unsqueeze(1)).exp().unsqueeze(1)

        # inside[t] is the rescaled sum over paths that end at t, its own emission included; incoming[t] leaves it out.
        inside = torch.empty_like(both)
        incoming = torch.empty_like(both)
        scales = both.new_empty(num_steps, 2, batch_size, 1)
        state = edges.expand(2, batch_size, num_tags)
        for t in range(num_steps):
            incoming[t] = state
            state = state * both[t]
            scale = state.sum(2, keepdim=True)
            state = state / scale
            scales[t] = scale
            inside[t] = state
            state = torch.bmm(state, trans_both)

        last = (lengths - 1).view(1, -1, 1).expand(1, -1, num_tags)
        final = inside[:, 0].gather(0, last).squeeze(0)
        log_scale = (scales[:, 0, :, 0].t().log() + peak.squeeze(2)).masked_fill(~mask, 0.0).sum(1)
        end_sum = (final * edges[1]).sum(1)
        log_partition = log_scale + end_sum.log() + (lengths - 1) * trans_peak + edge_peak.sum()

        after = incoming[:, 1].permute(1, 0, 2).gather(1, flipped.unsqueeze(2).expand_as(likelihood))
        ctx.save_for_backward(inside[:, 0].permute(1, 0, 2), after, likelihood, trans, mask, lengths)
        return log_partition

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, None, Tensor, Tensor, Tensor]:
        before, after, likelihood, trans, mask, lengths = ctx.saved_tensors  # type: ignore[attr-defined]
        unary = before * after
        unary = torch.where(mask.unsqueeze(2), unary / unary.sum(2, keepdim=True), 0.0)
        d_emissions = unary * grad.view(-1, 1, 1)

        # Pairwise marginals are left_i * trans_ij * right_j, normalised for each position; their sum over positions
        # is one product of two matrices.
        left, right = before[:, :-1], (after * likelihood)[:, 1:]
        total = (torch.matmul(left, trans) * right).sum(2, keepdim=True)
        weight = mask[:, 1:].unsqueeze(2) * grad.view(-1, 1, 1)
        left = torch.where(mask[:, 1:].unsqueeze(2), left / total, 0.0) * weight
        d_transitions = trans * torch.einsum("bti,btj->ij", left, right)

        last = (lengths - 1).view(-1, 1, 1).expand(-1, 1, d_emissions.shape[2])
        d_start = d_emissions[:, 0].sum(0)
        d_end = d_emissions.gather(1, last).squeeze(1).sum(0)
        return d_emissions, None, d_transitions, d_start, d_end

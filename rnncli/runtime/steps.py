"""The steps of a recurrence over a packed batch, read from either end."""

from collections.abc import Iterator

from rnncli.decoding.packed import Packing


def reading_steps(packing: Packing, *, reverse: bool) -> Iterator[tuple[slice, slice, slice]]:
    """Walk through a packed batch in reading order.

    Args:
        packing: how the tokens are packed.
        reverse: whether sentences are read from their end.

    Yields:
        Rows of the step's tokens; among them the rows of those with a token read before; and the rows of the latter,
        in the same order. The other tokens of a step are the first that are read of their sentences.
    """
    sizes, offsets = packing.batch_sizes.tolist(), packing.offsets.tolist()
    steps = range(len(sizes))
    before_offset, before_count = 0, 0
    for step in reversed(steps) if reverse else steps:
        offset, count = offsets[step], sizes[step]
        # Falling lengths: the sequences that have a token at both steps are always the first ones.
        shared = min(count, before_count)
        yield (
            slice(offset, offset + count),
            slice(offset, offset + shared),
            slice(before_offset, before_offset + shared),
        )
        before_offset, before_count = offset, count

"""Holding out a development set."""

import hashlib
from collections.abc import Sequence
from math import ceil

from rnncli.data.records import Sentence


def hold_out(sentences: Sequence[Sentence], fraction: float) -> tuple[list[Sentence], list[Sentence]]:
    """Split off the records whose content has the lowest hash.

    When records are added, no more of the others change sides than were added; reordering changes nothing.

    Args:
        sentences: all records.
        fraction: share to hold out, above 0 and below 1; the count is rounded up.

    Returns:
        (kept, held out), each in the order of the input.
    """
    num_held_out = ceil(round(len(sentences) * fraction, 9))
    order = sorted(range(len(sentences)), key=lambda i: (_content_hash(sentences[i]), i))
    held_out = set(order[:num_held_out])
    return (
        [s for i, s in enumerate(sentences) if i not in held_out],
        [s for i, s in enumerate(sentences) if i in held_out],
    )


def _content_hash(sentence: Sentence) -> bytes:
    # Tokens may hold no line break in any format that we read, so the joined text is unambiguous.
    return hashlib.sha256("\n".join(sentence.tokens).encode("utf-8", "surrogatepass")).digest()

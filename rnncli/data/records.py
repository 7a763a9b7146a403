"""The records that travel through every task."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sentence:
    """A tokenised sentence with its gold tags.

    Attributes:
        tokens: one string a token, at least one token.
        tags: one tag a token.
        file: where it was read from.
        line: 1-based line of its first token.
    """

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    file: str = ""
    line: int = 0

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
        lines: 1-based line of every token, where other lines stand between them.
        also: gold tags of a second kind, one a token, or none.
    """

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    file: str = ""
    line: int = 0
    lines: tuple[int, ...] = ()
    also: tuple[str, ...] = ()

    def line_of(self, i: int) -> int:
        """Return the line of token `i`."""
        return self.lines[i] if self.lines else self.line + i


@dataclass(frozen=True, slots=True)
class ScoredTags:
    """Predicted tags and how sure the model is of them.

    Attributes:
        tags: one a token.
        scores: one a token, 0..1: the probability of the span that the token is in, or of its tag where there is none.
    """

    tags: tuple[str, ...]
    scores: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ScoredPath:
    """One of several readings of a sentence.

    Attributes:
        tags: one a token.
        log_prob: log-probability of all of them together, nats.
    """

    tags: tuple[str, ...]
    log_prob: float

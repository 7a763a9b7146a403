"""Token and tag columns, as every peer and every benchmark here reads and writes them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

Sentence = list[list[str]]
"""The rows of one sentence: a token first, its tag last."""


def read_sentences(lines: Iterable[str]) -> Iterator[Sentence]:
    """Yield the sentences of CoNLL columns that tabs separate and blank lines end.

    Args:
        lines: lines of text, split on newlines only.

    Yields:
        The rows of each sentence.
    """
    rows: Sentence = []
    for line in lines:
        line = line.rstrip("\n")
        if line:
            rows.append(line.split("\t"))
        elif rows:
            yield rows
            rows = []
    if rows:
        yield rows


def write_sentence(stream: TextIO, rows: Sentence, tags: Sequence[str]) -> None:
    """Write the rows with their predicted tags as one more column, as `rnncli tag --format conll` does.

    Args:
        stream: where to.
        rows: the sentence.
        tags: one a row.
    """
    stream.writelines("\t".join((*row, tag)) + "\n" for row, tag in zip(rows, tags, strict=True))
    stream.write("\n")

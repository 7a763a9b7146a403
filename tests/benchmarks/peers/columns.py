"""Columns of tokens and tags, as every peer and every benchmark here reads and writes them."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
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


def read_conllu(lines: Iterable[str]) -> Iterator[Sentence]:
    """Yield the token rows of CoNLL-U; comments, ranges of multiword tokens and empty nodes are left out."""
    for rows in read_sentences(lines):
        yield [row for row in rows if row[0].isdigit()]


def iterate_gold(path: Path) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the tokens and tags of each sentence: UPOS of a .conllu file, otherwise the first and the last column."""
    is_conllu = path.suffix == ".conllu"
    token, tag = (1, 3) if is_conllu else (0, -1)
    with open(path, encoding="utf-8", newline="\n") as lines:
        for rows in read_conllu(lines) if is_conllu else read_sentences(lines):
            yield [row[token] for row in rows], [row[tag] for row in rows]


def read_gold(path: Path) -> list[tuple[list[str], list[str]]]:
    """Read what `iterate_gold` yields."""
    return list(iterate_gold(path))


def split_path(data: Path, split: str) -> Path:
    """Return the file of a split, SPLIT.conllu or SPLIT.conll."""
    conllu = data / f"{split}.conllu"
    return conllu if conllu.exists() else data / f"{split}.conll"


def write_sentence(stream: TextIO, rows: Sentence, tags: Sequence[str]) -> None:
    """Write the rows with their predicted tags as one more column, as `rnncli tag --format conll` does.

    Args:
        stream: where to.
        rows: the sentence.
        tags: one a row.
    """
    stream.writelines("\t".join((*row, tag)) + "\n" for row, tag in zip(rows, tags, strict=True))
    stream.write("\n")

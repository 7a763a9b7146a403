"""Scores of a tagger on gold files."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rnncli.data.formats.conll import Columns, SentenceReader
from rnncli.data.tag_schemes import detect
from rnncli.inference.tagging import load_tagger
from rnncli.metrics.spans import score_spans


def evaluate_tagger(
    model: str, files: Sequence[str], columns: Columns, *, threads: int = 1, device: str = "cpu"
) -> dict[str, Any]:
    """Tag the tokens of gold files and score the tags.

    Args:
        model: path of the model.
        files: gold files.
        columns: where tokens and tags stand in them.
        threads: to compute with.
        device: `cpu`, or a GPU's name.

    Returns:
        The scores by the contract's keys, counts, the model's checksum and the signature.

    Raises:
        DataError: a gold file cannot be read.
        ModelError: the model cannot be used.
    """
    tagger, file = load_tagger(model, threads=threads, device=device)
    reader = SentenceReader(columns)
    sentences = [sentence for path in files for sentence in reader.read(path)]
    predicted = tagger.tag([sentence.tokens for sentence in sentences])
    gold = [sentence.tags for sentence in sentences]
    try:
        scheme = detect(gold)
    except ValueError:  # nothing but O, or a mixture: then there is no strict way to count
        scheme = None
    scores = score_spans(gold, predicted, scheme if scheme == tagger.scheme else None)
    return {
        **asdict(scores),
        "signature": scores.signature,
        "seed": file.metadata.get("seed"),
        "model": file.metadata["checksum"],
    }

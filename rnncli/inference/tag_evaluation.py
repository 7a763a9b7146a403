"""Scores of a tagger on gold sentences."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rnncli.data.formats.gold_sentences import Columns, SentenceReader
from rnncli.data.known_words import KnownWords
from rnncli.data.records import Sentence
from rnncli.data.tag_schemes import Scheme, detect
from rnncli.data.tag_sets import TagSet
from rnncli.inference.tagging import load_tagger
from rnncli.metrics.accuracy import AccuracyScores, score_accuracy
from rnncli.metrics.spans import SpanScores, score_spans

TagScores = SpanScores | AccuracyScores


def score_tags(
    head: TagSet,
    sentences: Sequence[Sentence],
    predicted: Sequence[Sequence[str]],
    *,
    is_main: bool = True,
    scheme: Scheme | None = None,
    known: KnownWords | None = None,
) -> TagScores:
    """Score the tags of one head.

    Args:
        head: what was chosen from.
        sentences: gold.
        predicted: tags of each sentence.
        is_main: whether `tags` or `also` of the sentences hold the gold.
        scheme: by which spans are counted strictly too, None for no strict scores.
        known: words of the training data, to score unknown words apart where each token has a tag; None for not.

    Returns:
        F1 and its like for spans, otherwise accuracy.
    """
    gold = [sentence.tags if is_main else sentence.also for sentence in sentences]
    if head.scheme is not None:
        return score_spans(gold, predicted, scheme)
    if known is None:
        return score_accuracy(gold, predicted)
    return score_accuracy(gold, predicted, tokens=[sentence.tokens for sentence in sentences], known_words=known)


def headline(scores: TagScores) -> dict[str, float | None]:
    """Pick the scores that are shown and stored."""
    if isinstance(scores, AccuracyScores):
        return {"accuracy": scores.accuracy, "unknown_accuracy": scores.unknown_accuracy}
    return {name: getattr(scores, name) for name in ("precision", "recall", "f1", "accuracy")}


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
    head = tagger.decoders[0].head
    reader = SentenceReader(columns, (head.task,))
    sentences = [sentence for path in files for sentence in reader.read(path)]
    predicted = tagger.tag([sentence.tokens for sentence in sentences])
    scheme = None
    if head.scheme is not None:
        try:
            scheme = detect(sentence.tags for sentence in sentences)
        except ValueError:  # nothing but O, or a mixture: then there is no strict way to count
            scheme = None
    known = KnownWords(file.tensors["known_words"])
    same_scheme = scheme if scheme == tagger.decoders[0].scheme else None
    scores = score_tags(head, sentences, predicted, scheme=same_scheme, known=known)
    return {
        **asdict(scores),
        "signature": scores.signature,
        "seed": file.metadata.get("seed"),
        "model": file.metadata["checksum"],
    }

"""All lints of a corpus of tagged sentences."""

from collections.abc import Mapping, Sequence

from rnncli.data.lints.lint import Lint
from rnncli.data.lints.sentence_lints import lint_sentences
from rnncli.data.lints.split_lints import lint_labels_of_part, lint_overlap
from rnncli.data.lints.tag_lints import lint_labels, lint_order, lint_part_of_speech
from rnncli.data.lints.text_lints import lint_text
from rnncli.data.records import Sentence
from rnncli.data.tag_schemes import Scheme
from rnncli.data.tag_summary import count_labels


def lint_briefly(
    train: Sequence[Sentence],
    others: Mapping[str, Sequence[Sentence]],
    scheme: Scheme | None,
    counts: Mapping[str, int],
    column: str,
) -> list[Lint]:
    """Find what a person should look at before training.

    Args:
        train: training data, at least one sentence.
        others: other parts by name, such as `dev`, each of at least one sentence.
        scheme: how spans are written, None where there are none.
        counts: spans by type, or tokens by tag, in the training data.
        column: name of the tags' column, or its number.
    """
    lints = [*lint_order(train, scheme), *lint_labels(train, scheme, counts)]
    if scheme is None:
        lints += lint_part_of_speech(train, counts, column)
    lints += [*lint_sentences(train), *lint_text(train)]
    for name, part in others.items():
        lints += [*lint_labels_of_part(counts, scheme, part, name), *lint_overlap(train, part)]
    return lints


def lint_part(sentences: Sequence[Sentence], scheme: Scheme | None, column: str) -> list[Lint]:
    """Find what is odd about a part that nothing is learned from.

    Args:
        sentences: at least one.
        scheme: how spans are written in the training data, None where there are none.
        column: name of the tags' column, or its number.
    """
    lints = lint_order(sentences, scheme)
    if scheme is None:
        lints += lint_part_of_speech(sentences, count_labels(sentences, None), column)
    return [*lints, *lint_sentences(sentences), *lint_text(sentences)]

"""Settings that follow from the data."""

from collections.abc import Sequence

import pytest

from rnncli.config import TrainingConfig
from rnncli.data.records import Sentence
from rnncli.training.defaults import ENOUGH_SPANS, with_defaults


def named(names: Sequence[str]) -> list[Sentence]:
    return [Sentence((*name.split(), "left"), ("B-X", *["I-X"] * name.count(" "), "O")) for name in names]


def replacement(names: Sequence[str]) -> float | None:
    return with_defaults(TrainingConfig(), "ner", named(names), 0).mention_replacement


def test_names_are_replaced_where_most_occur_once() -> None:
    assert replacement([f"Name{i}" for i in range(100)]) == 0.4
    assert replacement(["Ada Lovelace", "ada lovelace"] * 50) == 0.0
    # Six in ten occur once: halfway between never and most.
    assert replacement([f"Name{i}" for i in range(60)] + ["Ada"] * 40) == pytest.approx(0.3)
    assert replacement([]) == 0.0


def test_the_margin_needs_development_data_to_take_back_what_is_too_much() -> None:
    for num_spans, margin in ((0, 0.0), (ENOUGH_SPANS - 1, 0.0), (ENOUGH_SPANS, 2.0)):
        assert with_defaults(TrainingConfig(), "ner", named(["Ada"]), num_spans).outside_margin == margin


def test_what_is_given_is_kept_and_nothing_stays_open() -> None:
    given = TrainingConfig(rare_word_dropout=0.0, outside_margin=1.5, mention_replacement=0.1)
    assert with_defaults(given, "ner", named(["Ada"]), 0) == given
    for task in ("ner", "pos"):
        chosen = with_defaults(TrainingConfig(), task, named(["Ada"]), 0)
        assert None not in (chosen.rare_word_dropout, chosen.outside_margin, chosen.mention_replacement)

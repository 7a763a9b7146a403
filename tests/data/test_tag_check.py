"""What a check of whole files gathers."""

from collections.abc import Callable
from pathlib import Path
from statistics import quantiles

import pytest

from rnncli.data.tag_check import check_tags
from rnncli.data.tag_schemes import Scheme
from rnncli.errors import DataError

BASE = "".join(f"w{i}\tB-A\n" + "x\tO\n" * i + "\n" for i in range(1, 41)) + "y\tB-B\n\n" * 12


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], str]:
    def call(name: str, content: str) -> str:
        (tmp_path / name).write_bytes(content.encode())
        return str(tmp_path / name)

    return call


def test_facts_are_counted(write: Callable[[str, str], str]) -> None:
    found = check_tags([write("t", BASE)])
    lengths = sorted([*range(2, 42), *[1] * 12])
    assert (found.scheme, found.column, found.dev) == (Scheme.IOB2, "2", None)
    assert found.train.num_sentences == 52
    assert found.train.num_tokens == sum(lengths)
    assert found.train.num_words == 42
    assert found.train.num_duplicates == 11
    assert dict(found.train.labels) == {"A": 40, "B": 12}
    cuts = quantiles(lengths, n=100, method="inclusive")
    for share in (50, 90, 99):
        assert abs(found.train.lengths[str(share)] - cuts[share - 1]) <= 1
        assert sum(length <= found.train.lengths[str(share)] for length in lengths) >= len(lengths) * share / 100
    assert found.train.lengths["max"] == 41
    assert found.unknown_tokens is None


def test_files_are_one_corpus_and_dev_is_held_against_it(write: Callable[[str, str], str]) -> None:
    found = check_tags([write("a", BASE), write("b", BASE)], write("d", "w1\tB-A\nnew\tB-C\n\nw1\tO\n\n"))
    assert found.train.num_sentences == 104
    assert found.dev is not None
    assert found.dev.num_sentences == 2
    assert (found.unknown_tokens, found.unknown_words) == (1 / 3, 1 / 2)
    kinds = {lint.kind for lint in found.lints}
    assert {"unseen", "duplicates"} <= kinds


def test_the_problems_of_all_files_are_gathered(write: Callable[[str, str], str]) -> None:
    bad = "Ada\t0\n\n" * 30
    names = [write("a", bad), write("b", BASE), write("c", bad)]
    with pytest.raises(DataError) as caught:
        check_tags(names, write("d", bad))
    files = [problem.file for problem in caught.value.problems]
    assert {Path(name).name: files.count(name) for name in sorted(set(files))} == {"a": 20, "c": 20, "d": 20}
    assert caught.value.hint is not None
    assert "--fix" in caught.value.hint


def test_plain_tags_have_no_scheme(write: Callable[[str, str], str]) -> None:
    row = "{}\tx\tx\tNOUN\tNN" + "\t_" * 5 + "\n"
    other = "{}\tx\tx\tVERB\tVB" + "\t_" * 5 + "\n"
    content = ("1-2" + "\txy" + "\t_" * 8 + "\n" + row.format(1) + other.format(2) + "\n") * 20
    found = check_tags([write("t.conllu", content)], task="pos")
    assert (found.scheme, found.column) == (None, "upos")
    assert dict(found.train.labels) == {"NOUN": 20, "VERB": 20}
    assert [lint.kind for lint in found.lints] == ["duplicates"]
    found = check_tags([write("t.conllu", content.replace("1-2", "1-3"))], task="pos")
    assert "range" in [lint.kind for lint in found.lints]

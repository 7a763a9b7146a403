"""The sample sentences with parts of speech: what the generator writes is what lies there, and it is right."""

import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from rnncli import model_file
from rnncli.data.formats.gold_sentences import SentenceReader

SAMPLES = Path(__file__).parents[2] / "sample_data"
NAMES = ("pos", "pos_test")
UPOS = re.findall(r"\w+", "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X")


def blocks(name: str) -> list[list[str]]:
    text = (SAMPLES / f"{name}.conllu").read_text("utf-8")
    assert text.endswith("\n\n")
    return [block.split("\n") for block in text.split("\n\n")[:-1]]


def words(name: str) -> list[list[str]]:
    return [line.split("\t") for lines in blocks(name) for line in lines if re.match(r"\d+\t", line)]


def test_the_files_are_what_the_generator_writes(tmp_path: Path) -> None:
    script = Path(__file__).parent / "make_pos.py"
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True)
    for name in NAMES:
        assert (tmp_path / f"{name}.conllu").read_bytes() == (SAMPLES / f"{name}.conllu").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_they_are_conllu(name: str) -> None:
    path = SAMPLES / f"{name}.conllu"
    assert len(SentenceReader(tasks=("pos",)).read(str(path))) == len(blocks(name))
    for number, lines in enumerate(blocks(name), 1):
        assert lines[0] == f"# sent_id = {name.replace('_', '-')}-{number}"
        text, until = "", 0
        for row in (line.split("\t") for line in lines[2:]):
            first, _, last = row[0].partition("-")
            assert len(row) == 10
            assert "" not in row
            if last:
                until = int(last)
                inside = [line.split("\t")[1] for line in lines[2:] if line.split("\t")[0].isdigit()]
                assert row[1] == "".join(inside[int(first) - 1 : until])
            if last or int(first) > until:
                text += row[1] + ("" if row[9] == "SpaceAfter=No" else " ")
            else:
                assert row[9] == "_"
        assert lines[1] == f"# text = {text.rstrip()}"
    assert sum("-" in line.split("\t")[0] for lines in blocks(name) for line in lines if line[0] != "#") > 20


@pytest.mark.parametrize("name", NAMES)
def test_tags_and_features_are_those_of_universal_dependencies(name: str) -> None:
    for form, lemma, upos, feats in ((row[1], row[2], row[3], row[5]) for row in words(name)):
        assert upos in UPOS
        assert lemma == lemma.lower() or upos in ("PROPN", "PRON")
        parts = [] if feats == "_" else feats.split("|")
        assert parts == sorted(parts, key=str.lower)
        assert all(re.fullmatch(r"[A-Z][A-Za-z]*=[A-Z][A-Za-z]*|Person=[123]", part) for part in parts), form
        assert (upos in ("VERB", "AUX")) == any(part.startswith("VerbForm=") for part in parts)
        assert (upos in ("NOUN", "PROPN")) <= any(part.startswith("Number=") for part in parts)
    text = "\n".join(lines[1] for lines in blocks(name))
    assert not re.search(r"\b[Aa] (?!use|one)[aeiou]", text)
    assert not re.search(r"\b[Aa]n (?![aeiou])", text)


def test_the_test_data_are_new_and_hold_new_words() -> None:
    train, test = ({lines[1] for lines in blocks(name)} for name in NAMES)
    assert len(train) == 900
    assert len(test) == 150
    assert not train & test
    known = {row[1] for row in words("pos")}
    share = sum(row[1] not in known for row in words("pos_test")) / len(words("pos_test"))
    assert 0.03 < share < 0.2


@pytest.mark.skipif("RNNCLI_BENCH_DATA" not in os.environ, reason="needs the benchmark data in RNNCLI_BENCH_DATA")
def test_the_annotation_is_that_of_a_treebank() -> None:
    """Nearly every reading of a word that the English Web Treebank has five times or more stands there too."""
    readings = defaultdict(list)
    for part in ("train", "dev", "test"):
        path = Path(os.environ["RNNCLI_BENCH_DATA"]) / "pos" / "ud_english_ewt" / f"{part}.conllu"
        for row in (line.split("\t") for line in path.read_text("utf-8").split("\n") if re.match(r"\d+\t", line)):
            # That a verb never had just this subject there says nothing about its annotation.
            readings[row[1].lower()].append((*row[2:5], re.sub(r"(Number|Person)=\w+\|?", "", row[5])))
    checked = [row for name in NAMES for row in words(name) if len(readings[row[1].lower()]) >= 5]
    same = [(*row[2:5], re.sub(r"(Number|Person)=\w+\|?", "", row[5])) in readings[row[1].lower()] for row in checked]
    assert len(checked) > 0.7 * sum(len(words(name)) for name in NAMES)
    assert sum(same) > 0.985 * len(same)


@pytest.mark.slow
def test_a_model_learns_from_them(run_cli: Any, tmp_path: Path) -> None:
    done = run_cli("train", "pos", SAMPLES / "pos.conllu", "--test", SAMPLES / "pos_test.conllu", timeout=400)
    assert done.code == 0, done.err
    scores = model_file.read(tmp_path / "pos.rnn").metadata["scores"]["test"]
    assert scores["accuracy"] > 0.97
    assert scores["unknown_accuracy"] > 0.8

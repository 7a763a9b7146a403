"""The benchmarks explain themselves, and say so when they have no data; those that need none are run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
BENCHMARKS = ("startup", "tag_rate", "train_tagger", "memory", "cells", "train_rate", "roofline")
PEERS = ("peers/crfsuite_ner", "peers/spacy_tagger", "peers/plain_tagger")
PROCESSES = ("layer_contestants", "product_rates", "profile_parts")


def run(script: str, *arguments: str, data: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "RNNCLI_BENCH_DATA"}
    if data is not None:
        environment["RNNCLI_BENCH_DATA"] = data
    command = [sys.executable, str(FOLDER / f"{script}.py"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("script", [*BENCHMARKS, *PEERS, *PROCESSES, "gru_layer", "kills"])
def test_help_shows_how_to_call_it(script: str) -> None:
    result = run(script, "--help")
    assert result.returncode == 0, result.stderr
    assert f"{Path(script).name}.py" in result.stdout


@pytest.mark.parametrize("script", BENCHMARKS)
def test_without_data_it_says_so_and_exits_well(script: str) -> None:
    result = run(script, "--json")
    assert result.returncode == 0
    assert result.stdout == ""
    assert "RNNCLI_BENCH_DATA is not set" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("script", BENCHMARKS)
def test_a_missing_data_folder_is_an_error(script: str, tmp_path: Path) -> None:
    result = run(script, data=str(tmp_path / "missing"))
    assert result.returncode == 1
    assert "is not a folder" in result.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_killed_training_is_resumed_to_the_bytes_of_an_undisturbed_one() -> None:
    result = run("kills", "--kills", "5", "--json")
    assert result.returncode == 0, result.stdout + result.stderr
    outcome = json.loads(result.stdout)["results"]
    assert outcome["kills"] == 5
    assert outcome["models"] >= 2
    assert (outcome["different"], outcome["leftovers"]) == (0, 0)


def test_a_layer_and_its_peer_answer_the_same() -> None:
    sizes = ("--hidden-size", "9", "--input-size", "5", "--tokens", "4", "--batch-size", "7", "--predicted", "8")
    result = run("gru_layer", "--quick", "--json", "--threads", "1", *sizes)
    assert result.returncode == 0, result.stdout + result.stderr
    found = {row["name"]: row for row in json.loads(result.stdout)["results"]}
    assert set(found) >= {"training step, threads 1", "prediction, threads 1", "prediction from words, threads 1"}
    assert all(row[side]["median"] > 0 for row in found.values() for side in ("ours", "peer"))


def test_layers_that_answer_otherwise_end_the_benchmark(tmp_path: Path) -> None:
    script = (
        f"import sys, numpy; sys.path.insert(0, {str(FOLDER)!r}); import gru_layer as g; from pathlib import Path\n"
        f"ours, peer = (Path({str(tmp_path)!r}) / name for name in ('ours.npz', 'peer.npz'))\n"
        "numpy.savez(ours, states=numpy.array([1.0, 2.0])); numpy.savez(peer, states=numpy.array([1.0, 2.1]))\n"
        "g.check('case', ours, peer, 0.1); g.check('case', ours, peer, 0.01)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (1, "case: the answers differ by 0.048 of the largest value\n")

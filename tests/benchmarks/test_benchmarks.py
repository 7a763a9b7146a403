"""The benchmarks explain themselves, and say so when they have no data; one needs none and is run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
BENCHMARKS = ("startup", "tag_rate", "train_tagger", "memory", "cells")
PEERS = ("peers/crfsuite_ner", "peers/spacy_tagger")


def run(script: str, *arguments: str, data: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "RNNCLI_BENCH_DATA"}
    if data is not None:
        environment["RNNCLI_BENCH_DATA"] = data
    command = [sys.executable, str(FOLDER / f"{script}.py"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("script", [*BENCHMARKS, *PEERS, "kills"])
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

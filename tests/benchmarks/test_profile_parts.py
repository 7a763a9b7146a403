"""The parts of a command: every seam is there, all time is counted once, and gradients are followed back."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

FOLDER = Path(__file__).parent


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    return import_module("profile_parts")


def spin(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_time_counts_for_the_innermost_part(parts: ModuleType) -> None:
    watch = parts.Stopwatch()
    inner = parts.timed(lambda: spin(0.05), parts.Seam("inner", "", ""), watch)

    def outer() -> Iterator[int]:
        spin(0.02)
        inner()
        yield 1
        yield 2

    generate = parts.timed(outer, parts.Seam("outer", "", "", lambda _, item: {"items": item}), watch)
    before = time.process_time()
    watch.switch("rest")
    for _ in generate():
        spin(0.03)
    watch.switch("rest")
    assert watch.counts["items"] == 3
    assert watch.seconds["inner"] == pytest.approx(0.05, abs=0.02)
    assert watch.seconds["outer"] == pytest.approx(0.02, abs=0.02)
    assert watch.seconds["rest"] == pytest.approx(0.06, abs=0.03)
    assert watch.seconds.total() - watch.seconds["start"] == pytest.approx(time.process_time() - before, abs=0.02)


class Slow(torch.autograd.Function):
    """Is slow on its way back."""

    @staticmethod
    def forward(ctx: Any, inputs: torch.Tensor, seconds: float) -> torch.Tensor:
        ctx.seconds = seconds
        return inputs * 2

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:  # type: ignore[override]
        spin(ctx.seconds)
        return grad * 2, None


def test_going_back_is_followed_through_the_parts(parts: ModuleType) -> None:
    watch = parts.Stopwatch()

    def timed(part: str, function: Any) -> Any:
        return parts.timed(function, parts.Seam(part, "", ""), watch)

    first = timed("first", lambda x: Slow.apply(x, 0.02))
    inner = timed("inner", lambda x: Slow.apply(x, 0.04))
    second = timed("second", lambda x: Slow.apply(inner(Slow.apply(x, 0.06)), 0.08))
    weights = torch.ones(3, requires_grad=True)
    watch.switch("rest")
    loss = second(Slow.apply(first(weights), 0.1)).sum()
    timed("loss, backward", torch.Tensor.backward)(loss)
    watch.switch("rest")
    expected = {"first": 0.02, "inner": 0.04, "second": 0.06 + 0.08, "rest": 0.1}
    for part, seconds in expected.items():
        assert watch.seconds[f"{part}, backward"] == pytest.approx(seconds, abs=0.015)
    assert weights.grad is not None
    assert weights.grad.tolist() == [32.0] * 3


def test_a_seam_that_is_gone_is_named(parts: ModuleType) -> None:
    with pytest.raises(SystemExit, match=r"rnncli\.errors has no Nothing\.here any more"):
        parts.install(parts.Seam("part", "rnncli.errors", "Nothing.here"), parts.Stopwatch())


def test_the_parts_of_a_training_and_of_tagging(tmp_path: Path, corpus: Any, to_conll: Any) -> None:
    (tmp_path / "train.conll").write_text(to_conll(corpus(60)))

    def profile(*arguments: str) -> dict[str, dict[str, float]]:
        command = [sys.executable, str(FOLDER / "profile_parts.py"), "parts.json", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found: dict[str, dict[str, float]] = json.loads((tmp_path / "parts.json").read_text())
        assert all(seconds >= 0 for seconds in found["seconds"].values())
        return found

    trained = profile("train", "ner", "-q", "train.conll", "-o", "ner.rnn", "--epochs", "1")
    passed = {"words", "input products", "recurrence", "linear path", "CRF", "output", "dropout"}
    assert trained["seconds"].keys() >= passed | {f"{part}, backward" for part in passed}
    columns = ("--input", "conll", "--format", "conll", "--threads", "1")
    tagged = profile("tag", "-q", "-m", "ner.rnn", *columns, "train.conll")
    assert tagged["seconds"].keys() >= {"read", "recurrence", "search", "write", "new words"}
    rows = [line for line in (tmp_path / "train.conll").read_text().split("\n") if line]
    assert tagged["counts"]["tokens"] == len(rows)
    assert tagged["counts"]["words"] == len({row.split("\t")[0] for row in rows})

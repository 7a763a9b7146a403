"""rnncli train ner --resume: what interruptions leave behind, and how a run goes on from it."""

import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from rnncli import model_file
from rnncli.cli.app import run
from rnncli.cli.resuming import resume_command, without_control
from rnncli.models.tagger import Tagger
from rnncli.training.optimization import Optimizer

RUN = ("t.conll", "--max-updates", "9", "--threads", "1")
Train = Callable[..., tuple[int, str]]


class Killed(BaseException):
    """Ends a run inside this process as SIGKILL would: nobody catches it."""


@pytest.fixture
def train(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], corpus: Any, to_conll: Any
) -> Iterator[Train]:
    """Run `rnncli train ner` inside this process, where torch need not be imported each time."""
    (tmp_path / "t.conll").write_text(to_conll(corpus(60)))
    monkeypatch.chdir(tmp_path)
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def call(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()  # what a killed run has said
        monkeypatch.setattr(sys, "argv", ["rnncli", "train", "ner", *arguments])
        code = run(["train", "ner", *arguments])
        captured = capsys.readouterr()
        assert captured.out == ""
        assert "internal error" not in captured.err
        return code, captured.err

    yield call
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def at_update(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], None]], None]:
    """Do something when so many more updates are done."""
    step = Optimizer.step

    def arrange(number: int, action: Callable[[], None]) -> None:
        count = 0

        def counted(self: Optimizer, progress: float) -> None:
            nonlocal count
            step(self, progress)
            count += 1
            if count == number:
                action()

        monkeypatch.setattr(Optimizer, "step", counted)

    return arrange


def kill() -> None:
    raise Killed


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if "rnn" in path.name)


@pytest.fixture
def undisturbed(train: Train, tmp_path: Path) -> bytes:
    """The model that a run without interruption writes."""
    code, err = train(*RUN)
    assert code == 0, err
    assert names(tmp_path) == ["ner.rnn"]
    content = (tmp_path / "ner.rnn").read_bytes()
    (tmp_path / "ner.rnn").unlink()
    return content


def test_killed_in_mid_epoch_and_stopped_later_it_ends_with_the_same_bytes(
    train: Train, tmp_path: Path, undisturbed: bytes, at_update: Any
) -> None:
    at_update(4, kill)
    with pytest.raises(Killed):
        train(*RUN, "--state-every", "0.001s")
    assert names(tmp_path) == ["ner.rnn.state"]
    # As if it had been killed while it wrote a state, and another time while it wrote the model.
    state = (tmp_path / "ner.rnn.state").read_bytes()
    (tmp_path / ".ner.rnn.state.abcd_123").write_bytes(state[: len(state) // 2])
    (tmp_path / ".ner.rnn.abcd_123").write_bytes(state[:100])
    at_update(2, lambda: signal.raise_signal(signal.SIGTERM))
    code, err = train(*RUN, "--state-every", "1h", "--resume")
    assert code == 143
    assert "resumed   ner.rnn.state, after " in err
    assert err.splitlines()[-1] == f"resume: rnncli train ner {' '.join(RUN)} --state-every 1h --resume"
    assert names(tmp_path) == ["ner.rnn", "ner.rnn.state"]
    assert model_file.read(tmp_path / "ner.rnn").task == "ner"
    assert (tmp_path / "ner.rnn").read_bytes() != undisturbed
    at_update(0, kill)
    code, err = train(*RUN, "--resume", "--force")
    assert code == 0, err
    assert names(tmp_path) == ["ner.rnn"]
    assert (tmp_path / "ner.rnn").read_bytes() == undisturbed


def test_killed_right_after_the_end_of_an_epoch(
    train: Train, tmp_path: Path, undisturbed: bytes, at_update: Any
) -> None:
    at_update(3, kill)  # two updates are an epoch
    with pytest.raises(Killed):
        train(*RUN)
    code, err = train(*RUN, "--resume")
    assert code == 0
    assert "resumed   ner.rnn.state, after 1 epochs and 2 updates" in err
    assert "epoch 1 " not in err
    assert (tmp_path / "ner.rnn").read_bytes() == undisturbed


def test_without_a_state_it_starts_and_says_so(train: Train, tmp_path: Path, undisturbed: bytes) -> None:
    code, err = train(*RUN, "--resume")
    assert code == 0
    assert "there is no ner.rnn.state, so training starts from the beginning" in err
    assert "next: " in err
    assert (tmp_path / "ner.rnn").read_bytes() == undisturbed


def test_a_finished_model_is_not_resumed(train: Train, tmp_path: Path) -> None:
    (tmp_path / "ner.rnn").write_bytes(b"precious")
    code, err = train(*RUN, "--resume")
    assert code == 2
    assert err.startswith("rnncli: error: ner.rnn is finished")
    assert "--force" in err
    assert (tmp_path / "ner.rnn").read_bytes() == b"precious"
    assert train(*RUN, "--resume", "--force")[0] == 0


# What is refused


@pytest.fixture
def interrupted(train: Train, tmp_path: Path, at_update: Any) -> Path:
    """The state of a run that was killed."""
    at_update(5, kill)
    with pytest.raises(Killed):
        train(*RUN)
    at_update(0, kill)
    return tmp_path / "ner.rnn.state"


def test_an_interrupted_training_is_not_lost_by_mistake(train: Train, tmp_path: Path, interrupted: Path) -> None:
    code, err = train(*RUN)
    assert code == 2
    assert err.startswith("rnncli: error: ner.rnn.state holds an interrupted training")
    assert "--resume" in err
    assert "--force" in err
    code, err = train(*RUN, "--force")
    assert code == 0
    assert "resumed" not in err
    assert names(tmp_path) == ["ner.rnn"]


def test_bad_data_leaves_the_state(train: Train, tmp_path: Path, interrupted: Path) -> None:
    content = interrupted.read_bytes()
    (tmp_path / "t.conll").write_text("Ada\tB-\n\n")
    assert train(*RUN, "--force")[0] == 3
    assert interrupted.read_bytes() == content


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        (["--seed", "2"], "seed (1 then, 2 now)"),
        (["--max-updates", "8"], "max_updates (9 then, 8 now)"),
        (["--lang", "de"], "language (en then, de now)"),
        (["--dev", "none"], "development data"),
        (["--test", "t.conll"], "test data"),
        (["more.conll"], "training data"),
    ],
)
def test_other_settings_and_data_are_refused_by_name(
    train: Train, tmp_path: Path, interrupted: Path, changes: list[str], part: str
) -> None:
    (tmp_path / "more.conll").write_text("Ada\tB-PER\nmet\tO\n\n")
    content = interrupted.read_bytes()
    code, err = train(*RUN, *changes, "--resume")
    assert code == 2
    error, hint = err.splitlines()[-2:]
    assert error.startswith("rnncli: error: ner.rnn.state: ")
    assert part in error
    assert hint == "hint: --force in place of --resume starts over"
    assert names(tmp_path) == ["ner.rnn.state"]
    assert interrupted.read_bytes() == content


def test_changed_data_are_refused_unless_forced(train: Train, tmp_path: Path, interrupted: Path) -> None:
    with open(tmp_path / "t.conll", "a") as stream:
        stream.write("Ada\tB-PER\nmet\tO\n\n")
    code, err = train(*RUN, "--resume")
    assert code == 2
    assert "training data" in err
    code, err = train(*RUN, "--resume", "--force")
    assert code == 0
    assert "starts from the beginning" in err


def test_a_damaged_state_is_exit_4_with_a_cure_that_works(train: Train, tmp_path: Path, interrupted: Path) -> None:
    content = interrupted.read_bytes()
    for damaged in (content[: len(content) // 2], content[:-1] + bytes([content[-1] ^ 1])):
        interrupted.write_bytes(damaged)
        code, err = train(*RUN, "--resume")
        assert code == 4
        error, hint = err.splitlines()[-2:]
        assert error.startswith("rnncli: error: ner.rnn.state: ")
        assert hint == "hint: --force in place of --resume starts over"
        assert interrupted.read_bytes() == damaged
    assert train(*RUN, "--force")[0] == 0
    assert names(tmp_path) == ["ner.rnn"]


# Numbers that are not finite, and a full disk


def spoil(monkeypatch: pytest.MonkeyPatch, calls: set[int]) -> None:
    forward, count = Tagger.forward, 0

    def spoiled(self: Tagger, batch: Any) -> Tensor:
        nonlocal count
        count += 1
        return forward(self, batch) * (torch.nan if count in calls else 1.0)

    monkeypatch.setattr(Tagger, "forward", spoiled)


def test_a_loss_that_is_not_finite_is_told_and_tried_again(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, {6})
    code, err = train(*RUN, "-q")
    assert code == 0
    (warning,) = (line for line in err.splitlines() if "finite" in line)
    assert warning.startswith("warning: the loss is not finite at update 6: back to update 4")
    assert names(tmp_path) == ["ner.rnn"]


def test_a_loss_that_is_not_finite_again_is_exit_5_without_a_model(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, {6, 8})
    code, err = train(*RUN)
    assert code == 5
    assert err.splitlines()[-2].startswith("rnncli: error: the loss is not finite at update 6")
    assert names(tmp_path) == []


def test_a_disk_too_small_for_the_state_still_takes_the_model(
    train: Train, tmp_path: Path, undisturbed: bytes, at_update: Any
) -> None:
    resource = pytest.importorskip("resource")
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * len(undisturbed), kept[1]))
    try:
        code, err = train(*RUN, "-q", "--state-every", "0.001s")
        assert code == 0
        at_update(4, lambda: signal.raise_signal(signal.SIGINT))
        stopped = train(*RUN, "-o", "other.rnn")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)
    (warning,) = (line for line in err.splitlines() if "state" in line)
    assert warning.startswith("warning: ner.rnn.state: cannot write the training state: ")
    assert names(tmp_path) == ["ner.rnn", "other.rnn"]
    # There is nothing to resume, so nobody is told to.
    assert stopped[0] == 130
    assert "resume:" not in stopped[1]


# The command line


def test_the_stored_command_is_that_of_an_undisturbed_run() -> None:
    arguments = [
        "train",
        "ner",
        "--resume",
        "a.conll",
        "--state-every",
        "3s",
        "--force",
        "--state-every=9s",
        "--time",
        "5m",
    ]
    assert without_control(arguments) == ["train", "ner", "a.conll", "--time", "5m"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["train", "ner", "data.conll"], "rnncli train ner data.conll --resume"),
        (["train", "ner", "--resume", "data.conll"], "rnncli train ner data.conll --resume"),
        (
            ["train", "ner", "--force", "a b.conll", "-o", "it's"],
            """rnncli train ner 'a b.conll' -o 'it'"'"'s' --resume""",
        ),
        (["train", "ner", "-q", "--", "-d.conll"], "rnncli train ner -q --resume -- -d.conll"),
    ],
)
def test_the_resume_line_can_be_pasted(arguments: list[str], expected: str) -> None:
    assert resume_command(arguments) == expected
    assert sorted(shlex.split(expected)[1:]) == sorted({*arguments, "--resume"} - {"--force"})


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_the_resume_line_ends_what_a_signal_began(run_cli: Any, corpus: Any, to_conll: Any, tmp_path: Path) -> None:
    """The whole way, in processes of their own."""
    (tmp_path / "my data.conll").write_text(to_conll(corpus(60)))
    process = run_cli.start("train", "ner", "my data.conll", "--max-updates", "40", "--dev", "none", "--threads", "1")
    text = b""
    while b"epoch 1 " not in text:
        text += process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 143
    last = (text + err).decode().splitlines()[-1]
    assert last.startswith("resume: rnncli train ner 'my data.conll' ")
    resumed = run_cli(*shlex.split(last.removeprefix("resume: rnncli ")))
    assert resumed.code == 0, resumed.err
    assert "resumed   ner.rnn.state, after " in resumed.err
    assert names(tmp_path) == ["ner.rnn"]

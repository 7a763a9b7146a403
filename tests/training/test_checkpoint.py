"""The file of a run's state: what comes back, what is refused, and what a full disk does."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from rnncli.errors import ModelError, ResourceError, UsageError
from rnncli.events import TrainingEvent, TrainingResumed, Warned
from rnncli.training import checkpoint
from rnncli.training.checkpoint import Progress, StateFile, TrainingState, open_state

COURSE = {"seed": 1, "training data": "a" * 64, "max_updates": None, "tags": ["O", "B-PER"]}


def a_state() -> TrainingState:
    generator = torch.Generator().manual_seed(4)
    tensors = {
        "model.weight": torch.randn(5, 3, generator=generator),
        "model.turned": torch.randn(4, 6, generator=generator).t(),
        "optimizer.step": torch.tensor(7.0),
        "optimizer.none": torch.zeros(0, 3),
        "random.cpu": torch.get_rng_state(),
        "counts": torch.arange(9),
        "fine": torch.tensor([0.1, torch.finfo(torch.float64).tiny], dtype=torch.float64),
    }
    progress = Progress(2, 3, 17, 0.1 + 0.2, 40, 1 / 3, 1, 5.5, 0.7, True)
    return TrainingState(progress, {"rate": 1e-3 / 3, "tables": {"log_decay": -1e-17}}, tensors)


def file_at(path: Path, interval_s: float = 60, **changes: Any) -> StateFile:
    return StateFile(str(path), COURSE | changes, interval_s)


def opened(
    file: StateFile, *, resume: bool = True, force: bool = False
) -> tuple[list[TrainingEvent], TrainingState | None]:
    events = open_state(file, resume=resume, force=force)
    seen: list[TrainingEvent] = []
    while True:
        try:
            seen.append(next(events))
        except StopIteration as end:
            return seen, end.value


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "m.rnn.state"
    file_at(place).save(a_state())
    return place


def test_what_was_saved_comes_back_to_the_bit(path: Path) -> None:
    saved, found = a_state(), file_at(path).load()
    assert found is not None
    assert (found.progress, found.optimizer) == (saved.progress, saved.optimizer)
    assert found.tensors.keys() == saved.tensors.keys()
    for name, tensor in saved.tensors.items():
        assert found.tensors[name].dtype == tensor.dtype
        assert torch.equal(found.tensors[name], tensor)
        found.tensors[name].add_(1)  # a training goes on in them


def test_the_file_is_one_that_the_library_reads(path: Path) -> None:
    tensors = load_file(path)
    assert all(torch.equal(tensors[name], tensor) for name, tensor in a_state().tensors.items())


def test_equal_states_are_equal_bytes_with_the_rights_of_a_new_file(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.state"
    file_at(other).save(a_state())
    assert path.read_bytes() == other.read_bytes()
    plain = tmp_path / "plain"
    plain.touch()
    assert path.stat().st_mode == plain.stat().st_mode


def test_no_file_is_no_state(tmp_path: Path) -> None:
    assert file_at(tmp_path / "none.state").load() is None


def test_a_file_cut_short_anywhere_is_refused(path: Path) -> None:
    whole = path.read_bytes()
    for size in [0, 1, 7, 8, 9, 100, *range(200, len(whole), 997), len(whole) - 1]:
        path.write_bytes(whole[:size])
        with pytest.raises(ModelError, match=r"m\.rnn\.state: ") as caught:
            file_at(path).load()
        assert "--force" in str(caught.value.hint)


def test_a_flipped_bit_anywhere_is_refused(path: Path) -> None:
    whole = path.read_bytes()
    # The header's padding of spaces is the only thing that says nothing.
    start = 8 + int.from_bytes(whole[:8], "little")
    assert whole[start - 8 : start].strip(b" ")[-1:] == b"}"
    places = [*range(0, start - 8, 41), *range(start, len(whole), 613), len(whole) - 1]
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 7
        path.write_bytes(damaged)
        with pytest.raises((ModelError, UsageError)):
            file_at(path).load()


@pytest.mark.parametrize("content", [b"precious", b"{}", b"\x02\0\0\0\0\0\0\0{}"])
def test_another_file_is_refused_and_stays(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / "m.rnn.state"
    place.write_bytes(content)
    with pytest.raises(ModelError):
        opened(file_at(place))
    assert place.read_bytes() == content


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.rnn.state").mkdir()
    with pytest.raises(ModelError):
        file_at(tmp_path / "m.rnn.state").load()


def test_a_state_of_another_layout_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "_FORMAT_VERSION", 2)
    with pytest.raises(ModelError, match="another version"):
        file_at(path).load()


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"seed": 2}, "seed (1 then, 2 now)"),
        ({"training data": "b" * 64}, "training data"),
        ({"max_updates": 5}, "max_updates (None then, 5 now)"),
        ({"tags": ["O"]}, "tags (['O', 'B-PER'] then, ['O'] now)"),
        ({"more": 1}, "more (None then, 1 now)"),
        ({"seed": 2, "max_updates": 3}, "max_updates (None then, 3 now), seed (1 then, 2 now)"),
    ],
)
def test_a_state_of_another_run_is_refused_by_name(path: Path, changes: dict[str, Any], part: str) -> None:
    with pytest.raises(UsageError) as caught:
        file_at(path, **changes).load()
    assert caught.value.message.endswith(f"differs in {part}")
    assert "b" * 64 not in caught.value.message
    assert "--force" in str(caught.value.hint)


def test_opening_says_what_was_found(path: Path, tmp_path: Path) -> None:
    events, state = opened(file_at(path))
    assert events == [TrainingResumed(str(path), 2, 17)]
    assert state is not None
    missing = tmp_path / "none.state"
    assert opened(file_at(missing)) == ([TrainingResumed(str(missing), 0, 0)], None)


def test_force_starts_over_where_the_state_cannot_be_used(path: Path) -> None:
    assert opened(file_at(path), force=True)[1] is not None
    events, state = opened(file_at(path, seed=2), force=True)
    assert state is None
    assert [type(event) for event in events] == [Warned]
    path.write_bytes(b"")
    events, state = opened(file_at(path), force=True)
    assert state is None
    assert [type(event) for event in events] == [Warned]


def test_a_run_from_the_beginning_removes_an_old_state(path: Path) -> None:
    assert opened(file_at(path), resume=False) == ([], None)
    assert not path.exists()


@pytest.mark.parametrize("resume", [True, False])
def test_what_a_killed_write_left_is_removed_and_nothing_else(path: Path, *, resume: bool) -> None:
    leftover = path.parent / ".m.rnn.state.abc_1234"
    others = [
        path.parent / name for name in (".m.rnn.state.longer-name", ".m.rnn.abcdefgh", "m.rnn", ".n.rnn.abcd1234")
    ]
    for place in (leftover, *others):
        place.write_bytes(path.read_bytes()[:100])
    _, state = opened(file_at(path), resume=resume)
    assert (state is not None) is resume
    assert not leftover.exists()
    assert all(place.exists() for place in others)


def test_a_failed_write_leaves_the_old_state_and_no_other_file(path: Path, limit_file_size: None) -> None:
    before = path.read_bytes()
    large = TrainingState(Progress(), {}, {"much": torch.zeros(1 << 20)})
    with pytest.raises(ResourceError, match=r"m\.rnn\.state: cannot write the training state"):
        file_at(path).save(large)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.fixture
def limit_file_size() -> Iterator[None]:
    """No file of this process may grow beyond 1 MiB, which fails as a full disk does."""
    resource = pytest.importorskip("resource")
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, kept[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, kept)


def test_a_full_device(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    import tempfile

    monkeypatch.setattr(tempfile, "mkstemp", lambda **_: (os.open("/dev/full", os.O_WRONLY), str(path) + ".new"))
    with pytest.raises(ResourceError, match="No space left"):
        file_at(path).save(a_state())


def test_a_state_is_due_after_the_interval_and_after_a_pass_if_that_is_cheap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    file = file_at(tmp_path / "s", interval_s=60)
    assert file.is_due(after_epoch=True)  # what it costs is not known yet
    assert not file.is_due(after_epoch=False)
    costs = iter((100.0, 102.0))
    monkeypatch.setattr(time, "monotonic", lambda: next(costs))
    file.save(a_state())  # took 2 s, so 40 s are a twentieth's worth of waiting
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    for seconds, after_update, after_epoch in ((39, False, False), (41, False, True), (61, True, True)):
        clock[0] = 102.0 + seconds
        assert (file.is_due(after_epoch=False), file.is_due(after_epoch=True)) == (after_update, after_epoch)

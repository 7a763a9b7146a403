"""Forked processes: answers, errors, deaths and ends."""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from rnncli.errors import ModelError, ResourceError

if sys.platform != "linux":
    pytest.skip("processes are shared among on Linux alone", allow_module_level=True)

from rnncli.inference.worker_pool import Failure, WorkerPool

# Newer versions of Python warn where other tests of this process have left threads behind.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def ask(pool: WorkerPool, index: int, task: object) -> Any:
    assert not pool.is_busy(index)
    pool.send(index, task)
    assert pool.is_busy(index)
    ready: list[int] = []
    while index not in ready:
        ready, _ = pool.wait()
    return pool.receive(index)


def is_gone(number: int, timeout: float = 10) -> bool:
    """Whether a process ends within a time; one that nobody has waited for has ended too."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def test_each_worker_is_a_process_of_its_own_and_keeps_what_it_learns() -> None:
    seen: list[int] = []

    def answer(task: int) -> tuple[int, list[int]]:
        seen.append(task)
        return os.getpid(), seen

    with WorkerPool(answer, 2) as pool:
        (first, known), (second, other), (again, more) = ask(pool, 0, 1), ask(pool, 1, 2), ask(pool, 0, 3)
    assert (known, other, more, seen) == ([1], [2], [1, 3], [])
    assert first == again != second
    assert os.getpid() not in (first, second)
    assert is_gone(first)
    assert is_gone(second)


def test_large_tasks_and_answers_pass() -> None:
    with WorkerPool(lambda task: task * 3, 2) as pool:
        for index in (0, 1):
            assert ask(pool, index, b"x" * 1_000_000) == b"x" * 3_000_000


class UnsendableError(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__("cannot be sent")


def test_errors_come_back_with_the_place_where_they_were_raised() -> None:
    def answer(task: Exception | None) -> None:
        raise UnsendableError(1, 2) if task is None else task

    with WorkerPool(answer, 1) as pool:
        found = ask(pool, 0, ModelError("damaged", hint="another"))
        assert isinstance(found, Failure)
        assert isinstance(found.error, ModelError)
        assert (found.error.message, found.error.hint) == ("damaged", "another")
        assert "in answer" in found.error.__notes__[0]
        assert isinstance(ask(pool, 0, MemoryError()).error, MemoryError)
        plain = ask(pool, 0, None).error
        assert str(plain) == "UnsendableError: cannot be sent"
        assert "in answer" in plain.__notes__[0]


def test_a_death_is_told_whether_the_worker_was_busy_or_not() -> None:
    def answer(task: str) -> int:
        if task == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        return os.getpid()

    with WorkerPool(answer, 2) as pool:
        error = ask(pool, 0, "die").error
        assert isinstance(error, ResourceError)
        assert str(error) == "a worker process was killed by SIGKILL"
        number = ask(pool, 1, "live")
        os.kill(number, signal.SIGKILL)
        assert is_gone(number)
        assert isinstance(ask(pool, 1, "live").error, ResourceError)


def test_a_worker_that_cannot_even_answer_has_ended_by_itself() -> None:
    with WorkerPool(lambda _: lambda: None, 1) as pool:  # an answer that cannot be sent
        assert str(ask(pool, 0, None).error) == "a worker process has ended by itself"


def test_signals_are_as_they_were_and_no_descriptor_is_left() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)
    before = [signal.getsignal(number) for number in numbers], set(os.listdir("/proc/self/fd"))
    with WorkerPool(len, 3) as pool:
        pool.send(1, "abc")
    assert ([signal.getsignal(number) for number in numbers], set(os.listdir("/proc/self/fd"))) == before


def test_no_process_left_to_start_is_an_error_of_resources(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", fail)
    with pytest.raises(ResourceError, match="cannot start"), WorkerPool(len, 2):
        pass
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


BUSY = """
import os, signal, sys, time
from rnncli.inference.worker_pool import WorkerPool

def answer(task):
    time.sleep(task)
    return os.getpid()

with WorkerPool(answer, 2) as pool:
    for index in (1, 0):
        pool.send(index, 0)
        while not pool.wait()[0]: pass
        print(pool.receive(index), flush=True)
    pool.send(1, 60)
    print("busy", flush=True)
    pool.wait()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL])
def test_whatever_ends_the_process_ends_its_workers(number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", BUSY],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    busy, idle = (int(process.stdout.readline()) for _ in range(2))
    assert process.stdout.readline() == "busy\n"
    process.send_signal(number)
    assert process.wait(30) == -number
    # Who reads the output need not wait for a worker, and no worker for another one.
    assert select.select([process.stdout], [], [], 10)[0]
    assert process.stdout.read() == ""
    assert is_gone(idle)
    if number is signal.SIGKILL:  # nobody is left to end a worker at work, which ends when it finds nobody to answer to
        os.kill(busy, signal.SIGKILL)
    assert is_gone(busy)
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_worker_does_not_heed_the_signals_of_its_job(number: signal.Signals) -> None:
    with WorkerPool(lambda _: os.getpid(), 1) as pool:
        worker = ask(pool, 0, None)
        os.kill(worker, number)
        assert ask(pool, 0, None) == worker


@pytest.mark.parametrize("closed", [(0,), (1,), (0, 1, 2)])
def test_pipes_do_not_take_the_place_of_closed_streams(closed: tuple[int, ...]) -> None:
    script = f"""
import os
for number in {closed!r}: os.close(number)
from rnncli.inference.worker_pool import WorkerPool
with WorkerPool(len, 2) as pool:
    pool.send(0, "abc")
    pool.wait()
    found = pool.receive(0)
    try:
        os.write(1, b"" if 1 in {closed!r} else b"ok")
        wrote = True
    except OSError:
        wrote = False
os._exit(7 if found == 3 and wrote == (1 not in {closed!r}) else 1)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=30, check=False)
    assert done.returncode == 7, done.stderr

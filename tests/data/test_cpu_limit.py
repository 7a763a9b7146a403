"""The limit on processor time: what it breaks off, and all that it leaves alone."""

import re
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from rnncli.data.cpu_limit import CpuLimit, CpuLimitError


@pytest.fixture(autouse=True)
def no_timer_is_left() -> Iterator[None]:
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0, 0)
    yield
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0, 0)


def spend(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        sum(range(1000))


def run(limit: CpuLimit, work: Callable[[], object]) -> None:
    limit.start()
    try:
        work()
    finally:
        if limit.is_running:
            limit.stop()


def test_one_match_without_end_is_broken_off() -> None:
    pattern = re.compile("(a+)+b")
    started = time.process_time()
    with pytest.raises(CpuLimitError):
        run(CpuLimit(0.5, 1), lambda: pattern.match("a" * 60))
    assert 0.2 < time.process_time() - started < 3


def test_many_short_pieces_share_one_budget() -> None:
    limit = CpuLimit(0.5, 1)

    def work() -> None:
        for _ in range(100):
            run(limit, lambda: spend(0.05))

    with pytest.raises(CpuLimitError):
        work()


def test_work_that_earns_its_time_goes_on() -> None:
    limit = CpuLimit(0.5, 1)
    for _ in range(40):
        limit.earned_s += 0.1
        run(limit, lambda: spend(0.05))


def test_what_was_earned_is_saved_up_to_a_limit_only() -> None:
    limit = CpuLimit(0.5, 1)
    limit.earned_s += 1000
    with pytest.raises(CpuLimitError):
        run(limit, lambda: spend(3))


def test_waiting_costs_nothing() -> None:
    run(CpuLimit(0.1, 0.1), lambda: time.sleep(1))


def test_nothing_is_limited_outside_of_the_main_thread() -> None:
    limit = CpuLimit(0.3, 0.3)
    seen: list[bool] = []

    def work() -> None:
        limit.start()
        seen.append(limit.is_running)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]


def test_a_timer_of_somebody_else_is_left_alone() -> None:
    limit = CpuLimit(0.3, 0.3)
    run(limit, lambda: None)
    signal.setitimer(signal.ITIMER_VIRTUAL, 50, 5)
    try:
        limit.start()
        assert not limit.is_running
        remaining, interval = signal.getitimer(signal.ITIMER_VIRTUAL)
        assert (40 < remaining < 51, interval) == (True, 5)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def test_a_handler_of_somebody_else_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CpuLimit, "_has_handler", False)
    ours = signal.signal(signal.SIGVTALRM, signal.SIG_IGN)
    try:
        limit = CpuLimit(0.3, 0.3)
        limit.start()
        assert not limit.is_running
        assert signal.getsignal(signal.SIGVTALRM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGVTALRM, ours)

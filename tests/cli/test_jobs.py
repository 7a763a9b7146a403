"""Records shared among processes: the bytes, messages and codes of one process, whatever happens."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from rnncli.cli.jobs import choose_jobs
from rnncli.data.formats.tag_records import INPUTS
from rnncli.data.formats.tagged import OUTPUTS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere one process does it all")

# Runs many command lines in one process, which reads a few hundred bytes at a time.
SCRIPT = """
import io, json, os, sys
from rnncli.data import byte_lines
from rnncli.cli.app import run
byte_lines._BLOCK_SIZE = 300
os.set_blocking(0, True)
commands, results = json.load(sys.stdin), []
answers = os.dup(1)
for command in commands:
    target = os.open("out", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    os.dup2(target, 1)
    os.close(target)
    sys.stderr = io.StringIO()
    code = run(command)
    results.append((code, open("out", "rb").read().decode("latin1"), sys.stderr.getvalue()))
os.write(answers, json.dumps(results).encode())
"""
Outcome = tuple[int, str, str]

ROW = "{}\t{}\t_\tX\t_\t_\t_\t_\t_\tSpaceAfter=No"
CONLLU = [ROW.format(i, word) for i, word in enumerate(["Ada", "didn't", "fly", "to", "Paris"], 1)]
FEEDS = {
    "raw": ['Ada met Bob in "Paris".', "", "   ", "It rained all day in Oslo .\r", "\xff", "Bob " * 90],
    "tokens": ["Ada met Bob", "", "It  rained\tin Oslo", "\xff", "a/b c\\d"],
    "conll": [
        "-DOCSTART- O",
        "",
        "# a comment here",
        "Ada O",
        "met O",
        "",
        "",
        "Bob O",
        "x y z",
        "",
        "",
        "Paris O",
        "",
    ],
    "conllu": ["# text = x", *CONLLU, "", "", "2-3\tx", "", "#c", *CONLLU, "", "# only a comment", ""],
    "jsonl": ['{"text":"Ada met Bob."}', "", '{"id":1,"text":["a","Ada"]}', '{"x":1}', "[]", '{"text":""}', "{\xff"],
}


@pytest.fixture
def outcomes(run_cli: Any, model: Path, tmp_path: Path) -> Any:
    """What command lines give, each a list of flags and files."""

    def run(commands: Sequence[Sequence[str]]) -> list[Outcome]:
        lines = [["tag", "-m", str(model), *command] for command in commands]
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            input=json.dumps(lines).encode(),
            capture_output=True,
            cwd=tmp_path,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [tuple(outcome) for outcome in json.loads(done.stdout)]

    return run


def compare(outcomes: Any, commands: Sequence[Sequence[str]], codes: set[int]) -> list[Outcome]:
    """Run commands with one process and with three; both must do the same."""
    alone = outcomes([["--jobs", "1", *command] for command in commands])
    shared = outcomes([["--jobs", "3", *command] for command in commands])
    for command, one, three in zip(commands, alone, shared, strict=True):
        assert three == one, command
    assert {code for code, _, _ in alone} == codes
    return shared  # type: ignore[no-any-return]


def write_feed(path: Path, source: str, *, times: int = 12, end: str = "\n") -> str:
    """Write an input of many chunks with all that can be odd in it; its records are never the same twice."""
    lines = [line.replace("Bob", f"Bob{i}") for i in range(times) for line in FEEDS[source]]
    path.write_bytes("".join(line + end for line in lines).encode("latin1"))
    return path.name


@pytest.mark.parametrize("source", INPUTS)
def test_every_format_is_the_same_to_the_byte(outcomes: Any, tmp_path: Path, source: str) -> None:
    plain = write_feed(tmp_path / "plain", source)
    windows = write_feed(tmp_path / "windows", source, end="\r\n")
    (tmp_path / "cut").write_bytes((tmp_path / plain).read_bytes().rstrip(b"\r\n"))
    commands = [["--input", source, "--format", form, name] for form in OUTPUTS for name in (plain, windows, "cut")]
    found = compare(outcomes, commands, {1})
    assert all(len(err.splitlines()) >= 12 for _, _, err in found)


@pytest.mark.parametrize("source", INPUTS)
def test_bad_records_are_told_and_answered_as_was_asked(outcomes: Any, tmp_path: Path, source: str) -> None:
    name = write_feed(tmp_path / "plain", source)
    commands = [["--input", source, "--on-error", mode, name, name] for mode in ("blank", "stop", "skip")]
    (_, blank, _), (_, stop, message), (_, skip, _) = compare(outcomes, commands, {0, 1, 3})
    assert message.count("\n") == 1
    assert 0 < len(stop) < len(skip) <= len(blank)


def test_inputs_of_all_kinds(outcomes: Any, tmp_path: Path) -> None:
    feed = tmp_path / write_feed(tmp_path / "a", "conll")
    (tmp_path / "tabs").write_bytes(feed.read_bytes().replace(b" O", b"\tO"))
    (tmp_path / "a.gz").write_bytes(gzip.compress(feed.read_bytes()))
    (tmp_path / "cut.gz").write_bytes(gzip.compress(os.urandom(5000).hex().encode() + feed.read_bytes())[:-30])
    (tmp_path / "mark").write_bytes(b"\xef\xbb\xbf" + feed.read_bytes() + b"\n" * 700)
    (tmp_path / "comments").write_bytes(b"# nothing\n\n" * 60 + feed.read_bytes())
    (tmp_path / "changed").write_bytes(b"Ada O\n\n" * 60 + b"Ada X O\n\n" * 60)
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "blank").write_bytes(b"\n\n")
    (tmp_path / "open").write_bytes(b"Ada O\nmet O")
    files = [
        ["a"],
        ["a.gz"],
        ["mark"],
        ["comments"],
        ["changed"],
        ["empty"],
        ["blank"],
        ["open"],
        ["open", "a", "empty", "open"],
    ]
    files += [["a", "tabs", "a.gz"]]
    compare(outcomes, [["--input", "conll", "--format", "conll", *names] for names in files], {0, 1})
    broken = [["cut.gz"], ["a", "cut.gz", "a"]]
    found = compare(outcomes, [["--input", "conll", *names] for names in broken], {3})
    assert all("cannot be read" in err for _, _, err in found)


def test_records_that_end_with_nul(outcomes: Any, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"".join(b"Ada met\nBob%d\r\0\0\xff\0" % i for i in range(40)) + b"Bob")
    compare(outcomes, [["-0", "--format", form, "a"] for form in OUTPUTS], {1})


def test_a_record_longer_than_many_chunks_keeps_its_place(outcomes: Any, tmp_path: Path) -> None:
    lines = ["Ada met Bob . " * (200 if i % 7 == 0 else 1) for i in range(60)]
    (tmp_path / "a").write_text("\n".join(lines) + "\n")
    (tmp_path / "b").write_text("\n\n".join("\n".join(line.split()) for line in lines) + "\n\n")
    compare(outcomes, [["a"], ["--input", "conll", "b"], ["--input", "conll", "--format", "conll", "b"]], {0})


def test_scores_and_readings(outcomes: Any, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("".join(f"Ada met Bob{i} in Paris .\n\n" for i in range(40)))
    flags = [["--n-best", "2"], ["--n-best", "2", "--format", "spans"]]
    compare(outcomes, [[*flag, "a"] for flag in flags], {0})
    # Their last digits depend on what was computed together.
    flags = [["--scores"], ["--n-best", "2"]]
    shared, alone = (
        outcomes([["--jobs", jobs, "--input", "raw", "--format", "jsonl", *flag, "a"] for flag in flags])
        for jobs in ("3", "1")
    )
    assert [code for code, _, _ in shared] == [0, 0]
    for (_, one, _), (_, other, _) in zip(shared, alone, strict=True):
        rows, others = ([json.loads(row or "null") for row in out.split("\n")] for out in (one, other))
        assert len(rows) == len(others) == 81
        for row, same in zip(rows, others, strict=True):
            assert numbers_of(row) == pytest.approx(numbers_of(same), abs=1e-5)
            assert without_numbers(row) == without_numbers(same)
    again = outcomes([["--jobs", "3", "--format", "jsonl", *flag, "a"] for flag in flags])
    assert again == shared


def numbers_of(value: Any) -> list[float]:
    if isinstance(value, float):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [number for part in parts for number in numbers_of(part)]


def without_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_numbers(part) for key, part in value.items()}
    if isinstance(value, list):
        return [without_numbers(part) for part in value]
    return None if isinstance(value, float) else value


# Processes that live and die


def children(number: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == number and state != "Z":
            found.append(int(path.parent.name))
    return found


def wait_for_end(numbers: list[int]) -> None:
    end = time.monotonic() + 20
    while any(Path(f"/proc/{number}").exists() for number in numbers):
        assert time.monotonic() < end
        time.sleep(0.02)


def read_line(stream: Any) -> bytes:
    data = b""
    while not data.endswith(b"\n") and (byte := os.read(stream.fileno(), 1)):
        data += byte
    return data


@pytest.fixture
def piped(run_cli: Any, model: Path) -> Iterator[Any]:
    """A filter of two processes at an open pipe that has answered two lines, and the two."""
    process = run_cli.start("tag", "-m", model, "--jobs", "2")
    try:
        for name in ("Ada", "Bob"):  # each line at once, though more may come
            process.stdin.write(f"{name} met Emma .\n".encode())
            assert read_line(process.stdout) == f"{name}/B-PER met Emma/B-PER .\n".encode()
        workers = children(process.pid)
        assert len(workers) == 2
        yield process, workers
    finally:
        process.kill()
        process.communicate()


def test_a_worker_that_is_killed_is_an_error_and_no_loss(piped: Any) -> None:
    process, workers = piped
    os.kill(workers[0], signal.SIGKILL)
    out, err = process.communicate(b"Ada met Bob .\n" * 20_000, timeout=60)
    assert process.returncode == 5
    assert err == b"rnncli: error: a worker process was killed by SIGKILL\nhint: --jobs 1\n"
    assert out == b"Ada/B-PER met Bob/B-PER .\n" * out.count(b"\n")
    assert out.count(b"\n") < 20_000
    wait_for_end(workers)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_all_of_them_without_a_word(piped: Any, number: int, code: int) -> None:
    process, workers = piped
    process.stdin.write(b"Ada met Bob in Paris and Rome .\n" * 1_000)  # so that they are at work, or wait to be heard
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode in (code, -number)
    assert err == b""
    wait_for_end(workers)


def test_a_reader_that_leaves_ends_all_of_them_with_141(piped: Any) -> None:
    process, workers = piped
    process.stdout.close()
    process.stdin.write(b"Ada met Bob .\n" * 1000)
    assert process.wait(30) in (141, -signal.SIGPIPE)
    assert process.stderr.read() == b""
    process.stdout = None
    wait_for_end(workers)


def test_workers_do_not_outlive_a_process_that_is_killed(piped: Any) -> None:
    process, workers = piped
    process.kill()
    process.wait(30)
    wait_for_end(workers)


def test_a_full_disk_is_one_message_and_exit_5(run_cli: Any, model: Path, tmp_path: Path) -> None:
    name = write_feed(tmp_path / "a", "tokens")
    with open("/dev/full", "wb") as full:
        done = run_cli("tag", "-m", model, "--jobs", "2", name, stdout=full.fileno())
    assert done.code == 5
    assert "cannot write the output" in done.err
    assert "internal" not in done.err


# How many


@pytest.fixture
def cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})


def test_long_files_are_shared_by_as_many_as_there_are_cores(cores: None, tmp_path: Path) -> None:
    for name, size in (("short", 1000), ("some", 600_000), ("long", 10_000_000)):
        with open(tmp_path / name, "wb") as file:
            file.truncate(size)
    short, some, long = (str(tmp_path / name) for name in ("short", "some", "long"))
    assert choose_jobs([short], None, alone=False) == 1
    assert 1 < choose_jobs([some], None, alone=False) < 4
    assert choose_jobs([long, short], None, alone=False) == 4
    assert choose_jobs([long], None, alone=True) == choose_jobs([long], 3, alone=True) == 1
    assert choose_jobs([short], 7, alone=False) == 7


def test_what_is_no_file_is_answered_by_one_process(cores: None, tmp_path: Path, monkeypatch: Any) -> None:
    with open(tmp_path / "long", "wb") as file:
        file.truncate(10_000_000)
    os.mkfifo(tmp_path / "pipe")
    assert choose_jobs([str(tmp_path / "long"), str(tmp_path / "pipe")], None, alone=False) == 1
    with open(tmp_path / "long") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert choose_jobs(["-"], None, alone=False) == 4
    read_end, write_end = os.pipe()
    with open(read_end) as stdin, open(write_end, "w"):
        monkeypatch.setattr(sys, "stdin", stdin)
        assert choose_jobs(["-"], None, alone=False) == 1


def test_a_file_is_shared_without_being_asked_for(run_cli: Any, model: Path, tmp_path: Path) -> None:
    (tmp_path / "long").write_text("Ada met Bob .\n" * 40_000)
    done = run_cli("tag", "-v", "-m", model, "long")
    assert done.out == b"Ada/B-PER met Bob/B-PER .\n" * 40_000
    assert (" in 2 processes" in done.err) == (len(os.sched_getaffinity(0)) > 1)
    (tmp_path / "some").write_text("Ada met Bob .\n" * 500)
    for command in (["some"], ["--threads", "1", "long"], ["--jobs", "1", "long"]):
        assert "processes" not in run_cli("tag", "-v", "-m", model, *command).err


def test_one_process_imports_nothing_of_it(model: Path) -> None:
    script = (
        "import sys\nfrom rnncli.cli.app import run\n"
        "run(['tag', '-m', sys.argv[1]])\n"
        "assert not {'rnncli.inference.shared_filter', 'rnncli.inference.worker_pool', 'rnncli.data.chunks',"
        " 'multiprocessing'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script, model], input=b"Ada\n", capture_output=True, check=False)
    assert done.returncode == 0, done.stderr

"""Pipes, terminals, full disks and signals."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

posix = pytest.mark.skipif(os.name != "posix", reason="signals and terminals of POSIX")
pytestmark = posix


def read_line(stream: Any, timeout: float = 30) -> bytes:
    """One line from a pipe that stays open, or what came of it until the time is up."""
    data = b""
    end = time.monotonic() + timeout
    while not data.endswith(b"\n"):
        if not select.select([stream], [], [], max(0, end - time.monotonic()))[0]:
            break
        byte = os.read(stream.fileno(), 1)
        if not byte:
            break
        data += byte
    return data


def read_terminal(descriptor: int, until: bytes = b"\n", timeout: float = 30) -> str:
    """What a program writes to a terminal until some text comes or the program ends."""
    data = b""
    end = time.monotonic() + timeout
    while until not in data and select.select([descriptor], [], [], max(0, end - time.monotonic()))[0]:
        try:
            part = os.read(descriptor, 4096)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        data += part
    return data.decode()


def finish(process: subprocess.Popen[bytes], timeout: float = 30) -> tuple[bytes, str]:
    out, err = process.communicate(timeout=timeout)
    return out, err.decode()


def shell(script: str, *arguments: str, env: Any, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", script, "bash", *arguments],
        capture_output=True,
        text=True,
        env=env,
        cwd=cwd,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def script(run_cli: Any, model: Path, tmp_path: Path) -> Any:
    """Run a shell script in which $PY is the interpreter and $MODEL the model."""
    env = {**os.environ, "PY": sys.executable, "MODEL": str(model), "OMP_NUM_THREADS": "1"}
    return lambda text: shell(text, env=env, cwd=tmp_path)


# Line by line, and in bulk


@pytest.mark.parametrize("source", ["raw", "jsonl"])
def test_a_pipe_is_answered_line_by_line_while_it_stays_open(run_cli: Any, model: Path, source: str) -> None:
    process = run_cli.start("tag", "-m", model, "--input", source)
    try:
        for name in ("Ada", "Bob", "Clara"):
            line = f"{name} met Emma ."
            process.stdin.write((line if source == "raw" else f'{{"text":"{line}"}}').encode() + b"\n")
            assert read_line(process.stdout) == f"{name}/B-PER met Emma/B-PER .\n".encode()
        process.stdin.write(b"\n")
        assert read_line(process.stdout) == b"\n"
        process.stdin.write(b"Ada " if source == "raw" else b'{"text":')
        assert not select.select([process.stdout], [], [], 0.3)[0]  # half a line is no record yet
        process.stdin.write(b"flew .\n" if source == "raw" else b'"Ada flew ."}\n')
        assert read_line(process.stdout).endswith(b" .\n")
        process.stdin.write(b"\xff\n")
        assert read_line(process.stdout) == b"\n"
    finally:
        out, err = finish(process)
    assert (process.returncode, out) == (1, b"")
    assert ":6: " in err


def test_columns_are_answered_sentence_by_sentence(run_cli: Any, model: Path) -> None:
    process = run_cli.start("tag", "-m", model, "--input", "conll")
    try:
        for name in ("Ada", "Bob"):
            process.stdin.write(f"{name}\tO\nmet\tO\nEmma\tO\n.\tO\n\n".encode())
            assert read_line(process.stdout) == f"{name}/B-PER met Emma/B-PER .\n".encode()
    finally:
        finish(process)
    assert process.returncode == 0


def test_many_lines_come_out_in_order_and_number(run_cli: Any, model: Path) -> None:
    lines = ["" if i % 50 == 7 else f"x{i} met Ada in Paris ." for i in range(20_000)]
    done = run_cli("tag", "-m", model, stdin="".join(line + "\n" for line in lines))
    assert done.code == 0
    found = [" ".join(cell.split("/")[0] for cell in row.split(" ")) for row in done.lines]
    assert found == lines


def test_unbuffered_answers_each_line_even_of_a_file(run_cli: Any, model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Ada met Bob .\n\nIt rained .\n")
    assert run_cli("tag", "-m", model, "-u", "a.txt").lines == ["Ada/B-PER met Bob/B-PER .", "", "It rained ."]


# Readers that leave, disks that are full


def test_a_reader_that_leaves_ends_a_filter_with_141(script: Any) -> None:
    done = script('yes "Ada met Bob ." | "$PY" -m rnncli tag -m "$MODEL" | head -1; echo "${PIPESTATUS[1]}"')
    assert done.stdout.splitlines() == ["Ada/B-PER met Bob/B-PER .", "141"]
    assert done.stderr == ""


@pytest.mark.parametrize(
    "arguments", [["evaluate", "-m", "$MODEL", "gold.conll"], ["info", "$MODEL"], ["--help"], ["-V"]]
)
def test_other_commands_end_quietly_when_nobody_reads(
    run_cli: Any, model: Path, gold: Path, arguments: list[str]
) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    named = [str(model) if a == "$MODEL" else str(gold) if a == "gold.conll" else a for a in arguments]
    try:
        done = run_cli(*named, stdout=write_end)
    finally:
        os.close(write_end)
    assert done.code in (141, -signal.SIGPIPE)
    assert done.err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "command",
    [
        'echo "Ada met Bob ." | "$PY" -m rnncli tag -m "$MODEL"',
        '"$PY" -m rnncli info "$MODEL"',
        '"$PY" -m rnncli --help',
        'printf "Ada\\tB-PER\\n\\n" > g.conll; "$PY" -m rnncli evaluate -m "$MODEL" g.conll',
    ],
)
def test_a_full_disk_is_one_message_and_exit_5(script: Any, command: str) -> None:
    done = script(f"{command} > /dev/full")
    assert done.returncode == 5, done.stderr
    assert done.stderr.startswith("rnncli: error: ")
    assert done.stderr.count("\n") <= 2
    assert "internal" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_for_messages_does_not_change_the_answer(script: Any) -> None:
    done = script('printf "Ada met Bob .\\n\\xff\\n" | "$PY" -m rnncli tag -m "$MODEL" 2> /dev/full')
    assert (done.returncode, done.stdout) == (1, "Ada/B-PER met Bob/B-PER .\n\n")


@pytest.mark.parametrize("closing", ["<&-", ">&-", "2>&-"])
def test_a_closed_stream_is_no_internal_error(script: Any, closing: str) -> None:
    done = script(f'echo "Ada" | "$PY" -m rnncli tag -m "$MODEL" {closing}')
    assert done.returncode in (0, 2, 5)
    assert "internal error" not in done.stderr
    assert "Traceback" not in done.stderr


# Signals


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_a_filter_with_the_shells_codes(run_cli: Any, model: Path, number: int, code: int) -> None:
    process = run_cli.start("tag", "-m", model)
    try:
        process.stdin.write(b"Ada met Bob .\n")
        assert read_line(process.stdout) == b"Ada/B-PER met Bob/B-PER .\n"
    finally:
        process.send_signal(number)
        _, err = finish(process)
    # A process that a signal ended is 128 + its number for a shell.
    assert process.returncode in (code, -number)
    assert err == ""


# Terminals


def test_a_terminal_is_told_what_to_type(run_cli: Any, model: Path) -> None:
    controller, terminal = pty.openpty()
    process = run_cli.start("tag", "-m", model, stdin=terminal)
    os.close(terminal)
    try:
        hint = read_line(process.stderr)
        assert hint.count(b"\n") == 1
        assert b"Ctrl-D" in hint
        os.write(controller, b"Ada met Bob .\n")
        assert read_line(process.stdout) == b"Ada/B-PER met Bob/B-PER .\n"
        os.write(controller, b"\x04")
        out, err = finish(process)
    finally:
        process.kill()
        os.close(controller)
    assert (process.returncode, out, err) == (0, b"", "")


def test_a_terminal_is_told_nothing_where_files_are_given_or_with_quiet(
    run_cli: Any, model: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("Ada met Bob .\n")
    controller, terminal = pty.openpty()
    process = run_cli.start("tag", "-m", model, "a.txt", stdin=terminal)
    assert finish(process) == (b"Ada/B-PER met Bob/B-PER .\n", "")
    process = run_cli.start("tag", "-m", model, "-q", stdin=terminal)
    os.write(controller, b"\x04")
    assert finish(process) == (b"", "")
    os.close(terminal)
    os.close(controller)


def run_in_terminal(run_cli: Any, *arguments: str, env: dict[str, str]) -> tuple[int, str]:
    """Run a command whose standard error is a terminal; return its code and what stood there."""
    controller, terminal = pty.openpty()
    process = run_cli.start(*arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=terminal, env=env)
    os.close(terminal)
    text = read_terminal(controller, until=b"\0", timeout=100)
    os.close(controller)
    return process.wait(30), text


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_escape_passes_where_a_terminal_wants_none(
    run_cli: Any, corpus: Any, to_conll: Any, tmp_path: Path, env: dict[str, str]
) -> None:
    (tmp_path / "t.conll").write_text(to_conll(corpus(12)))
    code, text = run_in_terminal(run_cli, "train", "ner", "t.conll", "--max-updates", "2", env=env)
    assert code == 0
    assert "epoch" in text
    assert "\x1b" not in text


def test_a_terminal_sees_whole_lines_beside_the_bar(run_cli: Any, corpus: Any, to_conll: Any, tmp_path: Path) -> None:
    (tmp_path / "t.conll").write_text(to_conll(corpus(12)))
    code, text = run_in_terminal(run_cli, "train", "ner", "t.conll", "--max-updates", "2", env={})
    assert code == 0
    assert "\x1b" in text
    assert "wrote ner.rnn" in text
    assert "Traceback" not in text


# Encodings


def test_the_locale_changes_no_byte(run_cli: Any, model: Path) -> None:
    stdin = "Zoë met 😀 in Paris .\n".encode()
    bare = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for form in ("inline", "spans", "conll", "jsonl"):
        usual = run_cli("tag", "-m", model, "--format", form, stdin=stdin)
        other = run_cli("tag", "-m", model, "--format", form, stdin=stdin, env=bare)
        assert (other.code, other.out) == (0, usual.out)


def test_scores_and_descriptions_are_utf8_whatever_the_locale(run_cli: Any, tmp_path: Path) -> None:
    import numpy as np

    from rnncli import model_file

    model_file.write(tmp_path / "m.rnn", {"task": "ÖRT"}, {"x": np.zeros(3, dtype=np.float32)})
    bare = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for flags in ([], ["--json"]):
        done = run_cli("info", "m.rnn", *flags, env=bare)
        assert done.code == 0, done.err
        assert "ÖRT" in done.out.decode("utf-8")

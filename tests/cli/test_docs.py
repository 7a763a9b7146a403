"""Help and README: every command is there, and every example can be typed."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from rnncli.cli.app import run
from rnncli.cli.commands import build

README = Path(__file__).parents[2] / "README.md"


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with its words; groups are passed through."""
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command
        return
    for name, child in children.items():
        yield from leaves(child, (*path, name))


COMMANDS = dict(leaves(typer.main.get_command(build())))
EVERY = pytest.mark.parametrize("path", COMMANDS, ids=" ".join)


def calls(line: str) -> list[list[str]]:
    """The arguments of each `rnncli` in a line of shell, redirections left out."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&<>")
    lexer.whitespace_split = True
    parts: list[list[str]] = [[]]
    words = iter(lexer)
    for word in words:
        if set(word) <= set("<>"):
            next(words)
        elif set(word) <= set("|;&"):
            parts.append([])
        else:
            parts[-1].append(word)
    found = []
    for part in parts:
        while part and re.fullmatch(r"[A-Z_]+=.*", part[0]):
            part = part[1:]
        if part[:1] == ["rnncli"]:
            found.append(part[1:])
    return found


def parse(arguments: list[str]) -> None:
    """Parse a command line without running it; raises where it is wrong."""
    command = typer.main.get_command(build())
    for _, leaf in leaves(command):
        leaf.callback = lambda **_: 0
    command(list(arguments), prog_name="rnncli", standalone_mode=False)


def readme_blocks() -> list[list[str]]:
    """The lines of each `sh` block, continued lines joined, prompts and comments left out."""
    blocks = re.findall(r"^```sh\n(.*?)^```", README.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    joined = [block.replace("\\\n", " ").splitlines() for block in blocks]
    return [
        [line.removeprefix("$ ") for line in lines if line.strip() and not line.startswith("#")] for lines in joined
    ]


def help_of(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    assert run([*path, "--help"]) == 0
    return capsys.readouterr().out


def test_the_commands_of_the_contract_are_there() -> None:
    assert {("train", "ner"), ("tag",), ("evaluate",), ("info",)} <= set(COMMANDS)


@EVERY
def test_help_starts_with_examples_that_can_be_typed(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(path, capsys)
    assert "\\b" not in text
    assert "\x1b" not in text
    head = re.split(r"^(?:Arguments|Options|Everyday flags):", text, flags=re.MULTILINE)[0]
    examples = [line.strip() for line in head.splitlines()[1:] if re.search(r"(^|\| )rnncli ", line.strip())]
    assert 2 <= len(examples) <= 5
    for example in examples:
        (arguments,) = calls(example)
        assert tuple(arguments[: len(path)]) == path
        parse(arguments)


@EVERY
def test_every_flag_is_explained(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    assert command.help
    for parameter in command.params:
        if not parameter.hidden:
            assert parameter.help, parameter.name


@EVERY
@pytest.mark.parametrize("flag", ["-h", "--help", "-q", "--quiet", "-v", "--verbose", "--debug"])
def test_every_command_has_the_common_flags(path: tuple[str, ...], flag: str) -> None:
    command = COMMANDS[path]
    known = {name for parameter in command.params for name in parameter.opts} | {"-h", "--help"}
    assert flag in known


def test_help_all_shows_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "ner", "--help-all"]) == 0
    everything = capsys.readouterr().out
    everyday = help_of(("train", "ner"), capsys)
    for flag in ("--dev", "--vectors", "--max-updates", "--force"):
        assert flag in everything
        assert flag in everyday


@pytest.mark.parametrize("arguments", [[], ["train"]])
def test_a_command_alone_shows_its_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code = run(arguments)
    captured = capsys.readouterr()
    assert code in (0, 2)
    shown = captured.out + captured.err
    assert "\nUsage: " in "\n" + shown
    assert max(map(len, shown.splitlines())) <= 100


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_the_version_is_the_packages(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    from importlib.metadata import version

    assert run([flag]) == 0
    assert capsys.readouterr().out == f"rnncli {version('rnncli')}\n"


@EVERY
def test_every_command_and_flag_stands_in_the_readme(path: tuple[str, ...]) -> None:
    text = README.read_text("utf-8")
    assert "rnncli " + " ".join(path) in text
    flags = [p.opts for p in COMMANDS[path].params if p.opts[-1].startswith("--") and not p.hidden]
    named = [names for names in flags if any(re.search(rf"(?<![\w-]){name}(?![\w-])", text) for name in names)]
    assert [names for names in flags if names not in named] == []


def test_the_first_two_blocks_are_one_line_each() -> None:
    blocks = readme_blocks()
    assert len(blocks) >= 2
    assert [len(block) for block in blocks[:2]] == [1, 1]


def test_every_command_of_the_readme_can_be_parsed() -> None:
    found = [arguments for block in readme_blocks() for line in block for arguments in calls(line)]
    assert found
    for arguments in found:
        try:
            parse(arguments)
        except Exception as error:
            raise AssertionError(f"rnncli {shlex.join(arguments)}: {error}") from error


def test_the_reader_of_examples_reads_shell() -> None:
    line = "echo 'a | b' | RNNCLI_TAG_MODEL=x rnncli tag -u < in.txt > out.txt && rnncli info m.rnn | jq .  # c"
    assert calls(line) == [["tag", "-u"], ["info", "m.rnn"]]
    with pytest.raises(Exception, match="bogus"):
        parse(["tag", "--bogus"])

"""What the tests share: the real command line in a subprocess, invented corpora, and one tagger."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from rnncli import model_file

# Before torch is imported: its threads wait for each other at every small product where the machine has other work.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("rnncli", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rnncli")

COMMAND = (sys.executable, "-m", "rnncli")
Rows = list[tuple[str, str]]
Change = Callable[[dict[str, Any], dict[str, Any]], None]

_PEOPLE = ["Ada", "Bob", "Clara", "Daniel", "Emma", "Felix", "Greta", "Hugo", "Ida", "Jonas"]
_SURNAMES = ["Lovelace", "Miller", "Brandt", "Okafor", "Rossi", "Novak"]
_PLACES = ["Paris", "Rome", "Berlin", "Oslo", "Madrid", "Vienna", "New York", "San Remo"]
_FIRMS = ["Acme Corp", "Globex Inc", "Initech", "Umbrella Group", "Hooli"]
_TEMPLATES = [
    "PER met PER in LOC .",
    "PER flew to LOC yesterday .",
    "The train to LOC was late .",
    "ORG hired PER last week .",
    "Nobody at ORG knew why .",
    "PER and PER walked home .",
    "It rained all day in LOC .",
    "They sold the old house .",
    "ORG opened an office in LOC .",
    "PER works for ORG in LOC .",
]


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: bytes
    err: str

    @property
    def lines(self) -> list[str]:
        """The rows on stdout; every one of them must have ended."""
        text = self.out.decode("utf-8")
        assert not text or text.endswith("\n"), text
        return text.split("\n")[:-1]


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """One thread, and nothing of this machine that changes what a command does or prints."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("RNNCLI_", "PYTHON")) and name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")
    }
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return {**kept, **threads, "LC_ALL": "C.UTF-8", "TERM": "xterm", **(changes or {})}


class CommandLine:
    """Runs `rnncli` as a user's shell would."""

    command = COMMAND

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __call__(
        self,
        *arguments: str | Path,
        stdin: bytes | str = b"",
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 120,
        stdout: int = subprocess.PIPE,
    ) -> Result:
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=cwd or self._directory,
            env=environment(env),
            timeout=timeout,
            check=False,
        )
        return Result(done.returncode, done.stdout or b"", done.stderr.decode("utf-8"))

    def start(
        self,
        *arguments: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: int = subprocess.PIPE,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=cwd or self._directory,
            env=environment(env),
            bufsize=0,
            # A shell starts background jobs deaf to SIGINT, and a test run in one would hand that on.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )


def _write_spans(num_tokens: int, name: str, scheme: str, *, touches: bool = False) -> list[str]:
    """Tags of one span, written from the definitions of the schemes and not by the code under test."""
    single, first, last = {"IOB2": "BBI", "BIOES": "SBE", "BILOU": "UBL", "IOB1": "III"}[scheme]
    prefixes = [single] if num_tokens == 1 else [first, *"I" * (num_tokens - 2), last]
    if scheme == "IOB1" and touches:
        prefixes[0] = "B"
    return [f"{prefix}-{name}" for prefix in prefixes]


def make_sentences(count: int, *, seed: int = 1, scheme: str = "IOB2") -> list[Rows]:
    """Invent sentences of people, places and firms; in IOB1 some spans of one type touch."""
    generator = random.Random(seed)
    sentences: list[Rows] = []
    for number in range(count):
        rows: Rows = []
        for word in generator.choice(_TEMPLATES).split():
            if word == "PER":
                name = generator.choice(_PEOPLE) + generator.choice(["", " " + generator.choice(_SURNAMES)])
            elif word in ("LOC", "ORG"):
                name = generator.choice(_PLACES if word == "LOC" else _FIRMS)
            else:
                rows.append((word, "O"))
                continue
            rows += zip(name.split(), _write_spans(len(name.split()), word, scheme), strict=True)
            if scheme == "IOB1" and word == "LOC" and number % 3 == 0:  # "Paris Rome": two places, one after the other
                rows += zip(["Rome"], _write_spans(1, "LOC", scheme, touches=True), strict=True)
        sentences.append(rows)
    return sentences


def conll(sentences: Iterable[Sequence[Sequence[str]]], separator: str = "\t") -> str:
    """Write rows of columns, a blank line after each sentence."""
    return "".join("".join(separator.join(row) + "\n" for row in rows) + "\n" for rows in sentences)


@pytest.fixture
def run_cli(tmp_path: Path) -> CommandLine:
    """The command line, run in the test's own folder unless told otherwise."""
    return CommandLine(tmp_path)


@pytest.fixture(scope="session")
def command_line() -> type[CommandLine]:
    """Makes a command line that runs in a folder of its own, for fixtures that outlive a test."""
    return CommandLine


@pytest.fixture(scope="session")
def corpus() -> Callable[..., list[Rows]]:
    """Invents sentences."""
    return make_sentences


@pytest.fixture(scope="session")
def to_conll() -> Callable[..., str]:
    """Writes sentences as columns."""
    return conll


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tagger of people, places and firms, trained once."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "train.conll").write_text(conll(make_sentences(150)))
    done = CommandLine(folder)(
        "train", "ner", "train.conll", "-o", "names.rnn", "--max-updates", "60", "--threads", "1"
    )
    assert done.code == 0, done.err
    return folder / "names.rnn"


@pytest.fixture(scope="session")
def craft_model(model: Path) -> Callable[[Path, Change], None]:
    """Writes the shared tagger with its description or its tensors changed, and with the checksum that fits."""
    file = model_file.read(model)

    def write(path: Path, change: Change) -> None:
        metadata, tensors = json.loads(json.dumps(file.metadata)), dict(file.tensors)
        change(metadata, tensors)
        for name in ("checksum", "format_version"):
            metadata.pop(name, None)
        model_file.write(path, metadata, tensors)

    return write


@pytest.fixture(scope="session")
def gold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Other sentences of the same kind, 40 of them, with faults of the tagger to be expected."""
    path = tmp_path_factory.mktemp("gold") / "gold.conll"
    path.write_text(conll(make_sentences(40, seed=99)))
    return path


@pytest.fixture
def tag(run_cli: CommandLine, model: Path) -> Callable[..., Result]:
    """`rnncli tag` with the shared model."""

    def run(*arguments: str | Path, stdin: bytes | str = b"", **rest: object) -> Result:
        return run_cli("tag", "-m", model, *arguments, stdin=stdin, **rest)  # type: ignore[arg-type]

    return run

"""Kills: a training that is killed at random moments and resumed ends with the very bytes of an undisturbed one.

python tests/benchmarks/kills.py --kills 200
"""

import importlib
import json
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from measuring import argument_parser, machine

from rnncli.cli.app import run
from rnncli.cli.options import set_training_threads
from rnncli.cli.resuming import state_path

_TRAINING = ("train", "ner", "train.conll", "--max-updates", "60", "--threads", "1")
_RESUMING = (*_TRAINING, "--resume", "--state-every", "0.05s")
_MODEL, _LOG = "ner.rnn", "log.txt"


@dataclass(slots=True)
class Outcome:
    """What came of the kills.

    Attributes:
        duration_s: of a run that nothing disturbs.
        kills: SIGKILLs sent, each at a random moment of a run.
        resumed: runs that went on from a state, which the kill before them could have spoilt.
        models: models that were finished in spite of the kills.
        different: those of them that differ from the undisturbed run's in any byte.
        leftovers: files that finished runs left beside the model.
    """

    duration_s: float
    kills: int = 0
    resumed: int = 0
    models: int = 0
    different: int = 0
    leftovers: int = 0


def survive(folder: Path, kills: int, seed: int) -> Outcome:
    """Train, kill, resume, and compare.

    Args:
        folder: empty; data, models and states come and go here.
        kills: how many.
        seed: of the moments.

    Raises:
        RuntimeError: a run failed.
    """
    write_data(folder / "train.conll")
    # What the others are compared with is trained as a user does it. They are forked: most of a start is imports.
    subprocess.run([sys.executable, "-m", "rnncli", *_TRAINING], cwd=folder, stderr=subprocess.DEVNULL, check=True)
    expected = (folder / _MODEL).read_bytes()
    (folder / _MODEL).unlink()
    set_training_threads(1)
    importlib.import_module("rnncli.training.tag_training")
    began = time.monotonic()
    has_ended(start(folder), math.inf, folder)
    outcome = Outcome(time.monotonic() - began)
    settle(folder, expected, outcome)
    generator = random.Random(seed)
    while outcome.kills < kills:
        outcome.kills += not has_ended(start(folder), generator.random() * outcome.duration_s, folder)
        outcome.resumed += was_resumed(folder)
        # A process may be killed when all its work is done.
        if (folder / _MODEL).exists() and not state_path(str(folder / _MODEL)).exists():
            settle(folder, expected, outcome)
    has_ended(start(folder), math.inf, folder)
    settle(folder, expected, outcome)
    return outcome


def write_data(path: Path) -> None:
    """Invent sentences that are easy to learn, and not the same ones over and over."""
    generator = random.Random(0)
    people, places = ["Ada", "Bob", "Clara", "Emma", "Hugo"], ["Paris", "Rome", "Oslo", "Vienna"]
    sentences = []
    for i in range(150):
        person, place = generator.choice(people), generator.choice(places)
        rows = [
            (person, "B-PER"),
            (generator.choice(["flew", "went"]), "O"),
            ("to", "O"),
            (place, "B-LOC"),
            (f"x{i}", "O"),
        ]
        sentences.append("".join(f"{token}\t{tag}\n" for token, tag in rows))
    path.write_text("\n".join(sentences) + "\n")


def start(folder: Path) -> int:
    """Fork a process that runs the command as far as it gets; return its id."""
    (folder / _LOG).write_text("")
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.chdir(folder)
        os.dup2(os.open(_LOG, os.O_WRONLY), 2)
        sys.argv = ["rnncli", *_RESUMING]
        code = run([*_RESUMING])
        sys.stderr.flush()
    finally:
        os._exit(code)


def has_ended(child: int, wait_s: float, folder: Path) -> bool:
    """Wait for a process, and kill it when it takes longer.

    Raises:
        RuntimeError: it failed.
    """
    deadline = time.monotonic() + wait_s
    ended, status = 0, 0
    while not ended and time.monotonic() < deadline:
        time.sleep(0.002)
        ended, status = os.waitpid(child, os.WNOHANG)
    if not ended:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return False
    if status:
        raise RuntimeError(f"a run failed:\n{(folder / _LOG).read_text()}")
    return True


def was_resumed(folder: Path) -> bool:
    """Tell whether the last run went on from a state."""
    return f"{_MODEL}.state, after" in (folder / _LOG).read_text()


def settle(folder: Path, expected: bytes, outcome: Outcome) -> None:
    """Compare a finished model and make room for the next one."""
    outcome.models += 1
    outcome.different += (folder / _MODEL).read_bytes() != expected
    (folder / _MODEL).unlink()
    for path in folder.iterdir():
        if path.name.startswith((_MODEL, f".{_MODEL}")):
            outcome.leftovers += 1
            path.unlink()


def main() -> None:
    """Kill and report."""
    parser = argument_parser(__doc__)
    parser.add_argument("--kills", type=int, default=200, metavar="N", help="[default: %(default)s]")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the moments [default: %(default)s]")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        outcome = survive(Path(name), 5 if args.quick else args.kills, args.seed)
    if args.json:
        print(json.dumps({"benchmark": "kills", "results": asdict(outcome), "machine": machine()}, indent=2))
    else:
        for what in (asdict(outcome), machine()):
            print(", ".join(f"{name} {value}" for name, value in what.items() if value is not None))
    sys.exit(1 if outcome.different or outcome.leftovers else 0)


if __name__ == "__main__":
    main()

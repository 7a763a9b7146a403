"""CRFsuite with the usual hand-written features, as a trainer and as a tagger.

pip install python-crfsuite
python crfsuite_ner.py train DATA MODEL               DATA holds train.conll
python crfsuite_ner.py predict MODEL FILE > OUT       the rows, plus one column
"""

import argparse
import sys
from pathlib import Path

from columns import Sentence, read_sentences, write_sentence

Features = dict[str, str | bool | float]
_FAR = ("w", "shape")
_NEAR = (*_FAR, "suf3", "suf2", "pre3", "title", "upper", "digit")
_NAMES = {o: [f"{o}:{name}" for name in (_NEAR if abs(o) <= 1 else _FAR)] for o in (-2, -1, 0, 1, 2)}


def word_shape(word: str) -> str:
    """Return the word's first 8 characters with X for capitals, x for small letters and d for digits."""
    return "".join(["X" if c.isupper() else "x" if c.islower() else "d" if c.isdigit() else c for c in word[:8]])


def features(words: list[str]) -> list[Features]:
    """Describe every word by itself and by its neighbours up to two words away.

    Args:
        words: those of one sentence.

    Returns:
        One table of named features a word.
    """
    values = [(w.lower(), word_shape(w), w[-3:], w[-2:], w[:3], w.istitle(), w.isupper(), w.isdigit()) for w in words]
    described = []
    for position in range(len(words)):
        table: Features = {"bias": 1.0}
        for offset, names in _NAMES.items():
            neighbour = position + offset
            if 0 <= neighbour < len(words):
                table.update(zip(names, values[neighbour], strict=False))  # words far away have the first two only
            else:
                table[f"{offset}:pad"] = True
        described.append(table)
    return described


def train(data: Path, model: Path) -> None:
    """Train on train.conll and write the model file."""
    from pycrfsuite import Trainer

    trainer = Trainer(algorithm="lbfgs", verbose=False)
    trainer.set_params({"c1": 0.1, "c2": 0.1, "max_iterations": 100, "feature.possible_transitions": True})
    with open(data / "train.conll", encoding="utf-8", newline="\n") as lines:
        for rows in read_sentences(lines):
            trainer.append(features(_words(rows)), [row[-1] for row in rows])
    trainer.train(str(model))


def predict(model: Path, source: Path) -> None:
    """Write the rows of a file with their predicted tags."""
    from pycrfsuite import Tagger

    tagger = Tagger()
    tagger.open(str(model))
    with open(source, encoding="utf-8", newline="\n") as lines:
        for rows in read_sentences(lines):
            write_sentence(sys.stdout, rows, tagger.tag(features(_words(rows))))


def _words(rows: Sentence) -> list[str]:
    return [row[0] for row in rows]


def main() -> None:
    """Run the mode that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(dest="mode", required=True)
    training = modes.add_parser("train", help="train on DATA/train.conll")
    training.add_argument("data", type=Path)
    training.add_argument("model", type=Path)
    training.add_argument("--seed", type=int, help="ignored: nothing is drawn at random")
    predicting = modes.add_parser("predict", help="tag a file")
    predicting.add_argument("model", type=Path)
    predicting.add_argument("file", type=Path)
    args = parser.parse_args()
    if args.mode == "train":
        train(args.data, args.model)
    else:
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
        predict(args.model, args.file)


if __name__ == "__main__":
    main()

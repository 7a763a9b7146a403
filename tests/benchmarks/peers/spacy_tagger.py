"""spaCy's entity recogniser or tagger with its efficiency settings, from scratch, as a trainer and as a filter.

pip install spacy
python spacy_tagger.py train DATA MODEL               DATA holds train and dev, as .conll (spans) or .conllu (UPOS)
python spacy_tagger.py predict MODEL FILE > OUT       TOKEN, gold tag and predicted tag
python spacy_tagger.py score DATA MODEL               spaCy's own scores and speed on the test split
"""

import argparse
import contextlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from columns import iterate_gold, read_gold, split_path, write_sentence

if TYPE_CHECKING:
    from spacy.language import Language

_BATCH = 256
"""Sentences that spaCy predicts at a time."""


def train(data: Path, model: Path, seed: int, limit_s: float | None, max_steps: int | None) -> None:
    """Train on the train split, keep the model that is best on dev.

    Args:
        data: folder of the two splits.
        model: folder to write, replaced if it exists.
        seed: of every generator.
        limit_s: seconds after which the training is ended; the best model so far counts.
        max_steps: optimizer steps at most, spaCy's own default without it.
    """
    import spacy
    from spacy.cli.init_config import init_config

    pipe = "tagger" if split_path(data, "train").suffix == ".conllu" else "ner"
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        init_config(lang="xx", pipeline=[pipe], optimize="efficiency").to_disk(work / "config.cfg")
        for split in ("train", "dev"):
            _convert(spacy.blank("xx"), split_path(data, split), work / f"{split}.spacy")
        command = [sys.executable, "-m", "spacy", "train", str(work / "config.cfg"), "-o", str(work / "out")]
        command += ["--paths.train", str(work / "train.spacy"), "--paths.dev", str(work / "dev.spacy")]
        command += ["--system.seed", str(seed)]
        if max_steps is not None:
            command += ["--training.max_steps", str(max_steps), "--training.eval_frequency", str(max_steps)]
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(command, check=True, stdout=sys.stderr, timeout=limit_s)
        if not (work / "out/model-best").is_dir():
            raise SystemExit("spaCy wrote no model within the limit")
        shutil.rmtree(model, ignore_errors=True)
        shutil.move(work / "out/model-best", model)


def predict(model: Path, source: Path) -> None:
    """Write the tokens of a file with their gold and predicted tags, as they come."""
    import spacy
    from spacy.tokens import Doc

    nlp = spacy.load(model)
    pairs = ((Doc(nlp.vocab, words=tokens), (tokens, tags)) for tokens, tags in iterate_gold(source))
    for doc, (tokens, gold) in nlp.pipe(pairs, as_tuples=True, batch_size=_BATCH):
        if "tagger" in nlp.pipe_names:
            tags = [token.tag_ for token in doc]
        else:
            tags = [f"{token.ent_iob_}-{token.ent_type_}" if token.ent_type_ else "O" for token in doc]
        write_sentence(sys.stdout, [list(row) for row in zip(tokens, gold, strict=True)], tags)


def score(data: Path, model: Path) -> None:
    """Print what spaCy itself says about the model on the test split."""
    import spacy

    with tempfile.TemporaryDirectory() as work:
        gold = Path(work) / "test.spacy"
        _convert(spacy.blank("xx"), split_path(data, "test"), gold)
        subprocess.run([sys.executable, "-m", "spacy", "benchmark", "accuracy", str(model), str(gold)], check=True)


def _convert(nlp: "Language", source: Path, target: Path) -> None:
    """Write columns as spaCy's own documents. An I tag that continues nothing becomes a B tag, which spaCy asks for."""
    from spacy.tokens import Doc, DocBin

    documents = DocBin()
    for words, tags in read_gold(source):
        if source.suffix == ".conllu":
            documents.add(Doc(nlp.vocab, words=words, tags=tags))
            continue
        for position, (tag, before) in enumerate(zip(tags, ["O", *tags], strict=False)):
            if tag.startswith("I-") and before[2:] != tag[2:]:
                tags[position] = "B-" + tag[2:]
        documents.add(Doc(nlp.vocab, words=words, ents=tags))
    documents.to_disk(target)


def main() -> None:
    """Run the mode that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(dest="mode", required=True)
    training = modes.add_parser("train", help="train on the train and dev splits of DATA")
    training.add_argument("data", type=Path)
    training.add_argument("model", type=Path)
    training.add_argument("--seed", type=int, default=1)
    training.add_argument("--limit", type=float, metavar="SECONDS", help="end the training after so long")
    training.add_argument("--max-steps", type=int, metavar="N", help="optimizer steps at most")
    scoring = modes.add_parser("score", help="score a model on DATA/test.conll")
    scoring.add_argument("data", type=Path)
    scoring.add_argument("model", type=Path)
    predicting = modes.add_parser("predict", help="tag a file")
    predicting.add_argument("model", type=Path)
    predicting.add_argument("file", type=Path)
    args = parser.parse_args()
    if args.mode == "train":
        train(args.data, args.model, args.seed, args.limit, args.max_steps)
    elif args.mode == "score":
        score(args.data, args.model)
    else:
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
        predict(args.model, args.file)


if __name__ == "__main__":
    main()

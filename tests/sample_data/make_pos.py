"""Write sample_data/pos.conllu and sample_data/pos_test.conllu: sentences of an invented grammar, annotated by it.

python tests/sample_data/make_pos.py sample_data
"""

import argparse
from pathlib import Path
from random import Random

from grammar import Grammar
from lexicon import Lexicon, Word

SIZES = {"pos": 900, "pos_test": 150}
SEED = 20


def conllu(words: list[Word], number: int, prefix: str) -> str:
    """Write a sentence: comments, a range where words are written as one, and SpaceAfter=No."""
    rows: list[list[str]] = []
    text = ""
    for i, word in enumerate(words, 1):
        last = i == len(words)
        is_joined = not last and words[i].is_glued
        space = not (last or is_joined or word.hugs == "right" or words[i].hugs == "left")
        text += word.form + (" " if space else "")
        row = [str(i), word.form, word.lemma, word.upos, word.xpos, word.feats, "_", "_", "_", "_"]
        if not space and not last and not is_joined:
            row[9] = "SpaceAfter=No"
        rows.append(row)
    lines = [f"# sent_id = {prefix}-{number}", f"# text = {text}"]
    i = 0
    while i < len(rows):
        end = i + 1
        while end < len(rows) and words[end].is_glued:
            end += 1
        if end > i + 1:
            form = "".join(row[1] for row in rows[i:end])
            lines.append("\t".join([f"{i + 1}-{end}", form, *["_"] * 7, rows[end - 1][9]]))
            rows[end - 1][9] = "_"
        lines += ["\t".join(row) for row in rows[i:end]]
        i = end
    return "\n".join(lines) + "\n\n"


def main() -> None:
    """Write both files; no sentence stands twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where to write")
    folder = parser.parse_args().folder
    generator, known = Random(SEED), set()
    for name, size in SIZES.items():
        grammar = Grammar(Lexicon(generator, is_test=name == "pos_test"))
        written: list[str] = []
        while len(written) < size:
            words = grammar.sentence()
            forms = tuple(word.form for word in words)
            if 3 <= len(words) <= 24 and forms not in known:
                known.add(forms)
                written.append(conllu(words, len(written) + 1, name.replace("_", "-")))
        (folder / f"{name}.conllu").write_text("".join(written), encoding="utf-8")


if __name__ == "__main__":
    main()

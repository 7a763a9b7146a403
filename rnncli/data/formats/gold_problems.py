"""What can be wrong with a row of gold data, and what cures it."""

import re
import shlex
from collections.abc import Iterable, Sequence
from functools import lru_cache

from rnncli.data.formats.conll import BLANKS, CONLLU_ID, Layout, text_fault
from rnncli.data.tag_sets import is_tag
from rnncli.errors import Problem

_HEADER_TOKENS = frozenset(("token", "tokens", "word", "words", "form", "text"))
_HEADER_TAGS = frozenset(("tag", "tags", "label", "labels", "ner", "pos", "upos", "xpos", "feats"))

_CURABLE = (
    "looks blank but holds whitespace",
    "the outside tag is",
    "its prefix is a capital letter",
    "whitespace around the tag",
    "separators at its end",
    "looks like a header row",
    "spaces where the rows above have tabs",
    "tabs where the rows above have spaces",
)
"""Parts of the messages about faults that `rnncli check --fix` removes."""

_CURES = {
    "not UTF-8": "iconv -f latin1 -t utf-8 {path} > utf8.conll",
    "NUL character": r"tr -d '\000' < {path} > without_nul.conll",
    "no CoNLL-U": "name the column by its number, from 1",
    "expected at least": "rows are TOKEN<TAB>TAG, one a token; --column N names the tags' column, from 1",
    "from the same column": "name the columns with --token-column N and --column N, from 1",
    "unknown tag": "name the tags' column with --column N (1 is the first); for one tag a token: rnncli train pos",
    "empty tag": "write a tag there; a token in no span has the tag O",
    "range ": "a multiword token stands before its first token, as 3-4",
    "empty node": "an empty node stands behind the token whose number it has, as 5.1",
    "the number of a CoNLL-U token": "number the tokens of each sentence 1, 2, 3 and so on",
    "token number": "number the tokens of each sentence 1, 2, 3 and so on",
    "columns": "write all columns of these rows, and a blank line after each sentence",
}
"""What to do about faults that need a person; the first that fits is said."""

_LIKE_TEXT = ("unknown tag", "rows above have", "expected at least")
"""Parts of the messages about text that has no rows at all."""

Fault = tuple[str, int | None]
"""What is wrong with a row, and the code point at which to show it."""


def row_fault(
    row: Sequence[str], line: str, layout: Layout, places: Iterable[tuple[str, int]], following: int, *, is_first: bool
) -> Fault | None:
    """Find a fault of a row.

    Args:
        row: its columns.
        line: the row itself, neither empty nor a comment.
        layout: of the file.
        places: each task whose tags are read, with the 0-based index of their column.
        following: in CoNLL-U, the number that the next token of its sentence has.
        is_first: whether it is the first line of the file.
    """
    if bad_text := text_fault(line):
        return bad_text
    if not line.strip(BLANKS):
        return "looks blank but holds whitespace, so it ends no sentence", 0
    if bad_shape := _shape_fault(row, line, layout):
        return bad_shape
    if layout.is_conllu and (bad_number := _number_fault(row[0], following)):
        return bad_number, 0
    if not layout.holds_token(row):
        return None
    for task, column in places:
        if is_first and is_header(row, row[column], task):
            return "looks like a header row; a file of columns has none", 0
        if bad_tag := tag_fault(row[column], task):
            return bad_tag, layout.start_of(line, column)
    return None


def _shape_fault(row: Sequence[str], line: str, layout: Layout) -> Fault | None:
    """Find separators of the wrong kind or number."""
    if layout.separator == " " and "\t" in line:
        fits = len(split_at_blanks(line)) == layout.num_columns
        what = (
            "tabs where the rows above have spaces"
            if fits
            else "a tab in it, while the columns above are cut by spaces"
        )
        return what, line.index("\t")
    if len(row) == layout.num_columns:
        return None
    if layout.separator == "\t" and "\t" not in line:
        blank = line.find(" ")
        if len(split_at_blanks(line)) == layout.num_columns:
            return "spaces where the rows above have tabs", blank
        return "no tab in it, while the columns above are cut by tabs", blank if blank >= 0 else len(line)
    if len(row) > layout.num_columns:
        start = layout.start_of(line, layout.num_columns)
        if not any(column.strip(BLANKS) for column in row[layout.num_columns :]):
            return f"separators at its end, behind {layout.num_columns} columns", start
        return f"{len(row)} columns, while the rows above have {layout.num_columns}", start
    return f"{len(row)} columns, while the rows above have {layout.num_columns}", len(line)


def _number_fault(text: str, following: int) -> str | None:
    """Say what is wrong about a number in CoNLL-U where the next token has the number `following`."""
    if not CONLLU_ID.fullmatch(text):
        return f"{text!r} is not the number of a CoNLL-U token"
    if "-" in text:
        first, _, last = text.partition("-")
        is_right = first == str(following) and int(last) >= following
        return None if is_right else f"range {text}, expected one that begins at {following}"
    if "." in text:
        before = text.partition(".")[0]
        return None if before == str(following - 1) else f"empty node {text}, expected {following - 1}.1 or the like"
    if text == str(following):
        return None
    lost = ": is a blank line missing?" if text == "1" else ""
    return f"token number {text}, expected {following}{lost}"


def split_at_blanks(line: str) -> list[str]:
    """Cut a row at runs of spaces and tabs alike."""
    return re.findall("[^ \t]+", line)


def is_header(row: Sequence[str], tag: str, task: str) -> bool:
    """Tell the names of columns from a token.

    Args:
        row: the columns of the first row.
        tag: the one in the tags' place.
        task: what kind of tags there are.
    """
    if not any(column.lower() in _HEADER_TOKENS for column in row):
        return False
    return tag.lower() in _HEADER_TAGS if task == "pos" else tag_fault(mended_tag(tag, task), task) is not None


@lru_cache(maxsize=4096)
def tag_fault(tag: str, task: str) -> str | None:
    """Say what is wrong with a tag, or return None.

    Args:
        tag: as it stands in its column.
        task: `ner` for tags of the BIO family; of others, any text is one.
    """
    stripped = tag.strip(BLANKS)
    if not stripped:
        return "empty tag"
    if tag != stripped:
        return f"whitespace around the tag {stripped!r}"
    if not is_tag(tag):
        return f"tag {tag!r} holds a control character"
    if task == "pos" or tag == "O" or (tag[1:2] == "-" and tag[0] in "BIESLU" and len(tag) > 2):
        return None
    if tag == "0":
        return "tag 0 (zero); the outside tag is the letter O"
    if tag == "o":
        return "tag o; the outside tag is the capital letter O"
    if mended_tag(tag, task) != tag:
        return f"tag {tag!r}; its prefix is a capital letter"
    return f"unknown tag {tag!r}: expected O, or a prefix B- I- E- S- L- U- and a type"


def mended_tag(tag: str, task: str) -> str:
    """Write a tag as it was meant, where that is plain; any other tag is returned as it is."""
    tag = tag.strip(BLANKS)
    if task == "pos":
        return tag
    if tag in ("0", "o"):
        return "O"
    if tag[1:2] == "-" and tag[0] in "bieslu" and len(tag) > 2:
        return tag[0].upper() + tag[1:]
    return tag


def suggest_cure(problems: Sequence[Problem], path: str, layout: Layout | None, task: str, flags: str) -> str | None:
    """Return the next thing to do about the problems of a file.

    Args:
        problems: at least one.
        path: of the file.
        layout: of the file, None where it is unclear.
        task: what kind of tags are read.
        flags: of the command that read it, to be given again.
    """
    quoted = shlex.quote(path)
    left = [p.message for p in problems if not any(part in p.message for part in _CURABLE)]
    if not left:
        return f"rnncli check {task} {quoted}{flags} --fix fixed{'.conllu' if '.conllu' in path else '.conll'}"
    # Only words cut by spaces can be text that nobody has cut into rows.
    is_spaced = layout is None or layout.separator == " "
    if is_spaced and any(part in message for message in left for part in _LIKE_TEXT):
        return "rows are one token and its tag each, so if this is raw text, it has no tags; else name them: --column N"
    for part, cure in _CURES.items():
        if any(part in message for message in left):
            return cure.replace("{path}", quoted)
    return None

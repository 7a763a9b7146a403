"""Predicted tags read back from what the tagger's filter writes, and held against the gold sentences."""

import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Any, TypeGuard

from rnncli.data.byte_lines import LineBlock, open_input, read_blocks
from rnncli.data.formats.conll import BLANKS, Layout, detect_layout, read_records, text_problem
from rnncli.data.formats.gold_sentences import ADDED, Columns, SentenceReader, tag_problem
from rnncli.data.formats.tag_columns import NAME_KEY
from rnncli.data.records import Sentence
from rnncli.errors import DataError, Problem, UsageError

_SNIFFED = 200
"""Lines by which a format is told."""
_MAX_PROBLEMS = 20

_TOKEN = re.compile(r"((?:\\.|[^\\/])*)(?:/(.+))?")
"""A token of the inline format, its slashes and backslashes escaped, and its tag."""

Tags = tuple[str, ...]
Parsed = tuple[Sequence[str], Sequence[str]]


def read_predictions(path: str, task: str, gold: Sequence[Sentence], columns: Columns | None = None) -> list[Tags]:
    """Read the tags that a filter has given to gold sentences.

    The formats `conll`, `conllu`, `jsonl` and `inline` are told apart by their first lines. In columns the tag is the
    last one, in CoNLL-U the column of the task: UPOS unless named, or `NER=TAG` in the last column.

    Args:
        path: what the filter wrote, `.gz` or plain, or `-`.
        task: `ner` or `pos`.
        gold: the sentences that were tagged, in order.
        columns: where tokens and tags stand in the gold, None to detect it.

    Returns:
        One tag a token for each gold sentence.

    Raises:
        DataError: not in these formats, faulty, or of other tokens than the gold.
        UsageError: the file cannot be opened or read.
    """
    name = "<stdin>" if path == "-" else path
    blocks = _read_all(path)
    head = [line.decode("utf-8", "replace") for block in blocks[:2] for line in block.lines[:_SNIFFED]][:_SNIFFED]
    filled = [line for line in head if line.strip(BLANKS)]
    rows = [line for line in filled if not line.startswith("# ")] or filled
    if not rows:
        raise DataError([Problem(name, None, "no predictions in it")])
    sentences: Iterable[Sentence]
    if _is_json(rows[0]):
        sentences = _read_lines(blocks, name, task, _parse_json(task))
    elif any("\t" in row for row in rows) or not _is_inline(rows, task):
        sentences = _read_columns(blocks, name, task, rows, columns or Columns())
    else:
        sentences = _read_lines(blocks, name, task, _parse_inline(task))
    return align(sentences, gold, name)


def align(predicted: Iterable[Sentence], gold: Iterable[Sentence], name: str) -> list[Tags]:
    """Check that sentences have the tokens of the gold ones.

    Args:
        predicted: what was read.
        gold: what was tagged.
        name: of the file that the predictions are from.

    Returns:
        The predicted tags of each sentence.

    Raises:
        DataError: names the first place where they differ, in both files.
    """
    answer: list[Tags] = []
    for ours, theirs in zip_longest(predicted, gold):
        if theirs is None:
            raise DataError([Problem(name, ours.line, "a sentence more than the gold has")])
        if ours is None:
            message = f"ends after {len(answer):,} sentences, but the gold goes on at {theirs.file}:{theirs.line}"
            raise DataError([Problem(name, None, message)])
        if ours.tokens != theirs.tokens:
            raise DataError([_difference(ours, theirs, name)], hint="predictions must be of the gold's own tokens")
        answer.append(ours.tags)
    return answer


def _difference(ours: Sentence, theirs: Sentence, name: str) -> Problem:
    pairs = zip(ours.tokens, theirs.tokens, strict=False)
    shared = min(len(ours.tokens), len(theirs.tokens))
    i = next((i for i, (a, b) in enumerate(pairs) if a != b), shared)
    line, gold_line = (s.line_of(min(i, len(s.tokens) - 1)) for s in (ours, theirs))
    place = f"{'<stdin>' if theirs.file == '-' else theirs.file}:{gold_line}"
    if i < shared:
        return Problem(name, line, f"the token is {ours.tokens[i]!r}, but {theirs.tokens[i]!r} at {place} of the gold")
    if i < len(ours.tokens):
        return Problem(name, line, f"one token more, {ours.tokens[i]!r}, than the sentence that ends at {place}")
    return Problem(name, line, f"the sentence ends here, but goes on with {theirs.tokens[i]!r} at {place} of the gold")


def _read_all(path: str) -> list[LineBlock]:
    try:
        with open_input(path) as stream:
            return list(read_blocks(stream))
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{path}: {reason}") from error


def _is_json(line: str) -> bool:
    try:
        return line.startswith("{") and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _is_inline(rows: Sequence[str], task: str) -> bool:
    """Tell lines of tokens from rows of columns that are cut by spaces."""
    cells = [[cell for cell in row.split(" ") if cell] for row in rows]
    if task == "pos":  # every token has its tag behind a slash
        return all(_split_inline(cell)[1] for cell in cells[0])
    return 2 * sum(len(row) > 1 and tag_problem(row[-1]) is None for row in cells) < len(cells)


def _read_columns(
    blocks: Sequence[LineBlock], name: str, task: str, rows: Sequence[str], columns: Columns
) -> list[Sentence]:
    layout = detect_layout(rows)
    holds_names = layout is not None and layout.is_conllu and task == "ner"
    places = Columns(columns.token, "misc") if holds_names else _places(layout, columns)
    reader = SentenceReader(places, ("pos" if holds_names else task,))
    sentences = reader.parse((record for records, _ in read_records(blocks) for record in records), name)
    if not holds_names:
        return sentences
    return [replace(sentence, tags=tuple(map(_name_of, sentence.tags))) for sentence in sentences]


def _places(layout: Layout | None, columns: Columns) -> Columns:
    """Say where tokens and predicted tags stand in columns."""
    if layout is not None and layout.is_conllu:
        named = columns.tag if isinstance(columns.tag, str) else None
        return Columns(columns.token, named, usual=columns.usual)
    # Two columns are what is written for input that had no columns of its own.
    token = None if layout is not None and layout.num_columns == 2 else columns.token
    return Columns(token, ADDED)


def _name_of(misc: str) -> str:
    return next((part.removeprefix(NAME_KEY) for part in misc.split("|") if part.startswith(NAME_KEY)), "O")


def _read_lines(
    blocks: Iterable[LineBlock], name: str, task: str, parse: Callable[[str], Parsed | str]
) -> Iterator[Sentence]:
    """Yield the sentence of each line that is not blank.

    Raises:
        DataError: with up to 20 problems.
    """
    problems: list[Problem] = []
    for block in blocks:
        for number, raw in enumerate(block.lines, block.first_line):
            line = raw.decode("utf-8", "surrogateescape")
            if not line.strip(BLANKS):
                continue
            parsed = text_problem(line) or parse(line)
            if not isinstance(parsed, str) and task == "ner":
                parsed = next(filter(None, map(tag_problem, parsed[1])), parsed)
            if isinstance(parsed, str):
                problems.append(Problem(name, number, parsed))
            elif not problems:
                tokens, tags = parsed
                yield Sentence(tuple(tokens), tuple(tags), name, number, (number,) * len(tokens))
            if len(problems) == _MAX_PROBLEMS:
                raise DataError(problems)
    if problems:
        raise DataError(problems)


def _parse_inline(task: str) -> Callable[[str], Parsed | str]:
    def parse(line: str) -> Parsed | str:
        pairs = [_split_inline(cell) for cell in line.split(" ") if cell]
        bare = next((token for token, tag in pairs if not tag), None)
        if bare is not None and task == "pos":
            return f"no tag at the token {bare!r}"
        return [token for token, _ in pairs], [tag or "O" for _, tag in pairs]

    return parse


def _split_inline(cell: str) -> tuple[str, str]:
    """Cut a token from its tag, which is empty where there is none; tokens have their slashes escaped, tags do not."""
    match = _TOKEN.fullmatch(cell) if "/" in cell or "\\" in cell else None
    if match is None:
        return cell, ""
    return re.sub(r"\\(.)", r"\1", match[1]), match[2] or ""


def _parse_json(task: str) -> Callable[[str], Parsed | str]:
    def parse(line: str) -> Parsed | str:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            return f"not JSON: {error}"
        if not isinstance(value, dict):
            return "not a JSON object"
        result: Any = value if isinstance(value.get("tags"), list) else value.get("tags")
        if not isinstance(result, dict):
            reason = value.get("error")
            return f"no tags, but an error: {reason}" if reason else "no tags in the field 'tags'"
        # A model of two kinds of tags writes those of the other kind under the name of its task.
        tokens, tags = result.get("tokens"), result.get(task, result.get("tags"))
        if _are_texts(tokens) and _are_texts(tags) and len(tokens) == len(tags):
            return tokens, tags
        return "expected as many tags as tokens, all of them texts"

    return parse


def _are_texts(value: Any) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)

"""Rewrite regular expressions so that they match the same and compile faster.

spaCy's patterns name thousands of characters one by one and take about 50 ms to compile. They are rewritten here:

* neighbouring alternatives that differ only in one character become one character class;
* a narrow form of each pattern knows only the characters of a given alphabet. A string of these cannot tell the two
  forms apart, since what the narrow form leaves out could only have matched other characters.

A rewritten pattern is parsed again and its tree compared with the tree it was written from. A pattern which uses
anything that the rewriting does not know, or which ignores case, stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# Python offers no public parser of its own patterns, and one of ours could disagree with the one that counts.
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any, Final, TypeAlias

Range: TypeAlias = tuple[int, int]
"""First and last code point, both included."""

ALL_RANGES: Final[tuple[Range, ...]] = ((0, 0x10FFFF),)
"""Every code point."""

Node: TypeAlias = tuple[Any, ...]
"""One part of a pattern: its kind, then its arguments.

("set", is_negated, ranges, categories), ("any",), ("at", name), ("never",), ("branch", sequences),
("repeat", least, most, mark, sequence), ("look", is_ahead, is_negative, sequence).
"""

Sequence: TypeAlias = tuple[Node, ...]
"""Nodes that match one after the other."""

_NEVER: Final[Node] = ("never",)
_POSITIONS: Final = {"AT_BEGINNING": "^", "AT_END": "$", "AT_BOUNDARY": r"\b", "AT_NON_BOUNDARY": r"\B"}
_CATEGORIES: Final = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}
_REPEAT_MARKS: Final = {"MAX_REPEAT": "", "MIN_REPEAT": "?"}
_FLAG_LETTERS: Final = {"a": re.ASCII, "i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE}


class _UnsupportedPatternError(Exception):
    """A pattern uses something that the rewriting does not know."""


def rewrite(pattern: re.Pattern[str], alphabet: tuple[Range, ...]) -> str | None:
    """Write a pattern that matches the same, and compiles faster.

    Args:
        pattern: The pattern. Only where its matches begin and end is kept, its groups are not.
        alphabet: The characters of the strings it will be given, sorted; fewer give a shorter pattern.

    Returns:
        The new pattern, or None if this one cannot be rewritten safely.
    """
    try:
        tree = _tree(pattern, alphabet)
        text = _write(tree)
        if _tree(re.compile(text), ALL_RANGES) != tree:
            return None
    except (_UnsupportedPatternError, re.error):
        return None
    return text


def required_characters(pattern: re.Pattern[str]) -> str:
    """Find characters without which a pattern cannot match.

    Args:
        pattern: The pattern.

    Returns:
        Characters that all occur in every string the pattern matches; may be empty.
    """
    try:
        return "".join(sorted(_required(_tree(pattern, ALL_RANGES))))
    except _UnsupportedPatternError:
        return ""


def _required(sequence: Sequence) -> set[str]:
    found: set[str] = set()
    for node in sequence:
        match node:
            case ("set", False, ((low, high),), ()) if low == high:
                found.add(chr(low))
            case ("branch", alternatives):
                found |= set.intersection(*(_required(alternative) for alternative in alternatives))
            case ("repeat", least, _, _, body) if least > 0:
                found |= _required(body)
    return found


def _tree(pattern: re.Pattern[str], alphabet: tuple[Range, ...]) -> Sequence:
    if pattern.flags != re.UNICODE:
        raise _UnsupportedPatternError(f"flags {pattern.flags}")
    return _sequence(_parser.parse(pattern.pattern), alphabet)


def _sequence(items: Any, alphabet: tuple[Range, ...]) -> Sequence:
    nodes = tuple(node for operation, argument in items for node in _nodes(operation.name, argument, alphabet))
    return (_NEVER,) if _NEVER in nodes else nodes


def _nodes(name: str, argument: Any, alphabet: tuple[Range, ...]) -> Sequence:
    """Translate one operation of Python's parser; several nodes, or none, may come of it."""
    match name:
        case "LITERAL" | "NOT_LITERAL":
            return _set(name == "NOT_LITERAL", [(argument, argument)], [], alphabet)
        case "IN":
            return _class(argument, alphabet)
        case "ANY":
            return (("any",),)
        case "FAILURE":
            return (_NEVER,)
        case "AT" if argument.name in _POSITIONS:
            return (("at", argument.name),)
        case "SUBPATTERN" if not argument[1] and not argument[2]:
            # Nothing reads the groups: back-references are not supported, and spaCy asks for start and end alone.
            return _sequence(argument[3], alphabet)
        case "BRANCH":
            return _branch([_sequence(alternative, alphabet) for alternative in argument[1]])
        case "MAX_REPEAT" | "MIN_REPEAT":
            body = _sequence(argument[2], alphabet)
            if body == (_NEVER,):
                return () if argument[0] == 0 else body
            most = None if argument[1] is _constants.MAXREPEAT else int(argument[1])
            return (("repeat", int(argument[0]), most, _REPEAT_MARKS[name], body),) if body else ()
        case "ASSERT" | "ASSERT_NOT":
            is_negative = name == "ASSERT_NOT"
            body = _sequence(argument[1], alphabet)
            if body in ((), (_NEVER,)):
                # Such a look always holds, or it never does.
                return () if is_negative == (body == (_NEVER,)) else (_NEVER,)
            return (("look", argument[0] > 0, is_negative, body),)
    raise _UnsupportedPatternError(name)


def _class(items: Any, alphabet: tuple[Range, ...]) -> Sequence:
    negated = False
    ranges: list[Range] = []
    categories: list[str] = []
    for operation, argument in items:
        match operation.name:
            case "NEGATE":
                negated = True
            case "LITERAL":
                ranges.append((argument, argument))
            case "RANGE":
                ranges.append((argument[0], argument[1]))
            case "CATEGORY" if argument.name in _CATEGORIES:
                categories.append(argument.name)
            case other:
                raise _UnsupportedPatternError(other)
    return _set(negated, ranges, categories, alphabet)


def _set(negated: bool, ranges: Iterable[Range], categories: Iterable[str], alphabet: tuple[Range, ...]) -> Sequence:
    """Build a character set of sorted ranges that do not touch, without the characters outside the alphabet."""
    merged: list[Range] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    kept = tuple(
        (max(low, first), min(high, last))
        for low, high in merged
        for first, last in alphabet
        if low <= last and first <= high
    )
    names = tuple(sorted(set(categories)))
    if not kept and not names:
        return (("set", False, alphabet, ()),) if negated else (_NEVER,)
    return (("set", negated, kept, names),)


def _branch(sequences: Iterable[Sequence]) -> Sequence:
    """Build a choice. Only neighbours are merged, since the first alternative that matches wins."""
    alternatives: list[Sequence] = []
    for sequence in sequences:
        nested = sequence[0][1] if len(sequence) == 1 and sequence[0][0] == "branch" else (sequence,)
        for alternative in nested:
            if alternative == (_NEVER,) or alternative in alternatives:
                continue
            merged = _merge(alternatives[-1], alternative) if alternatives else None
            if merged is None:
                alternatives.append(alternative)
            else:
                alternatives[-1] = merged
    if not alternatives:
        return (_NEVER,)
    if len(alternatives) == 1:
        return alternatives[0]
    first = alternatives[0][:1]
    if first and all(alternative[:1] == first for alternative in alternatives):
        return first + _branch([alternative[1:] for alternative in alternatives])
    return (("branch", tuple(alternatives)),)


def _merge(left: Sequence, right: Sequence) -> Sequence | None:
    """Merge two alternatives that begin with a character each and go on alike."""
    match (left, right):
        case (("set", False, ranges, categories), *tail), (("set", False, others, more), *rest) if tail == rest:
            return _set(False, ranges + others, categories + more, ALL_RANGES) + left[1:]
    return None


def _write(sequence: Sequence) -> str:
    return "".join(_write_node(node) for node in sequence)


def _write_node(node: Node) -> str:
    match node:
        case ("set", negated, ranges, categories):
            return _write_set(negated, ranges, categories)
        case ("any",):
            return "."
        case ("never",):
            return "(?!)"
        case ("at", name):
            return _POSITIONS[name]
        case ("branch", alternatives):
            return "(?:" + "|".join(_write(alternative) for alternative in alternatives) + ")"
        case ("repeat", least, most, mark, body):
            single = len(body) == 1 and body[0][0] in ("set", "any", "branch")
            return f"{_write(body) if single else f'(?:{_write(body)})'}{_write_count(least, most)}{mark}"
        case ("look", is_ahead, is_negative, body):
            return f"(?{'' if is_ahead else '<'}{'!' if is_negative else '='}{_write(body)})"
    raise AssertionError(node)


def _write_count(least: int, most: int | None) -> str:
    short = {(0, 1): "?", (0, None): "*", (1, None): "+"}.get((least, most))
    return short or f"{{{least},{'' if most is None else most}}}"


def _write_set(negated: bool, ranges: tuple[Range, ...], categories: tuple[str, ...]) -> str:
    parts = [_CATEGORIES[name] for name in categories]
    for low, high in ranges:
        middle = "" if high <= low + 1 else "-"
        parts.append(_write_character(low) + (middle + _write_character(high) if high > low else ""))
    is_class = negated or len(parts) > 1 or any(low < high for low, high in ranges)
    return f"[{'^' if negated else ''}{''.join(parts)}]" if is_class else parts[0]


def _write_character(code_point: int) -> str:
    # Surrogates cannot be stored as UTF-8, and control characters make files hard to read.
    if code_point < 0x20 or 0x7F <= code_point <= 0xA0 or 0xD800 <= code_point <= 0xDFFF:
        return f"\\u{code_point:04x}"
    return re.escape(chr(code_point))


def text_with_flags(pattern: re.Pattern[str]) -> str:
    """Write the flags into the text, since only the text is kept."""
    if re.compile(pattern.pattern).flags == pattern.flags:
        return pattern.pattern
    letters = "".join(letter for letter, flag in _FLAG_LETTERS.items() if pattern.flags & flag)
    return f"(?{letters}){pattern.pattern}"

"""Text and bytes at random: what files hold, and what they should not."""

import json
import random
from collections.abc import Callable, Iterator

WORDS = (
    *("Ada", "Bob", "Paris", "met", "in", "the", "3.5", "don't", "U.S.A.", "(so)", "http://a.b/c?d=e", "a/b", "\\"),
    *(":-)", "-DOCSTART-", "#", "O", "B-PER", "0", "1", "null"),
)
ODD_CHARACTERS = (
    "\t\r\x0b\x0c\x1c\x1d\x1e\x1f\x7f\x85\xa0\xad\u0301\u0308\u061c\u1680\u180e\u2003\u200b\u200d\u2028\u2029\u202e"
    "\u2060\u3000\ufe0f\ufeff\ufffd\uffff\U0001f3fd\U0001f600\U000e0041\U0010ffff×ßıİǅﬁ北京שלוםمرحبا０²½"
)
BREAKING_BYTES = (
    *(b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xc0\x80", b"\0", b"\n", b"\n\n", b"\r\n", b"\r"),
    *(b"\xef\xbb\xbf", b"\t", b" ", b"\xe2\x80\xa8", b"\xc2\x85", b"\x1b[2J", b"\x1f\x8b", b"# ", b'"', b"\\", b"{"),
    *(b"\\ud800", b"\\u0000", b"1e999", b"NaN", b"[" * 2000, b"9" * 5000, b"-DOCSTART-"),
)
_LARGE = 500
"""One in so many inputs is large."""


def word(rng: random.Random) -> str:
    """A word: an ordinary one, or characters at random. It holds neither a line's end nor a separator of columns."""
    kind = rng.random()
    if kind < 0.7:
        return rng.choice(WORDS)
    if kind < 0.9:
        return rng.choice(WORDS) + rng.choice(ODD_CHARACTERS[2:])
    return "".join(_character(rng) for _ in range(rng.randint(1, 8)))


def _character(rng: random.Random) -> str:
    while True:
        code = rng.randrange(0x20, 0x250) if rng.random() < 0.6 else rng.randrange(0x250, 0x110000)
        if code != 0x20 and not 0xD800 <= code <= 0xDFFF:
            return chr(code)


def text(rng: random.Random) -> str:
    """A line of raw text, perhaps blank."""
    parts = []
    for _ in range(_count(rng, 8)):
        parts.append(word(rng))
        parts.append(rng.choice((" ", " ", " ", "", "  ", ", ", ".", "\t", "\xa0", "-")))
    return "".join(parts)


def lines(rng: random.Random, row: Callable[[random.Random], str]) -> bytes:
    """Lines of one kind, some of them blank, with one kind of ends and perhaps without the last."""
    rows = [row(rng) if rng.random() < 0.85 else "" for _ in range(_count(rng, 6))]
    end = "\r\n" if rng.random() < 0.1 else "\n"
    whole = end.join(rows) + (end if rng.random() < 0.8 else "")
    return (("\ufeff" if rng.random() < 0.05 else "") + whole).encode()


def conllu_rows(rng: random.Random) -> Iterator[str]:
    """A sentence of CoNLL-U, with comments, ranges and empty nodes."""
    if rng.random() < 0.5:
        yield f"# text = {text(rng)}\n"
    for i in range(1, rng.randint(2, 6)):
        if rng.random() < 0.1:
            yield "\t".join((f"{i}-{i + 1}", word(rng), *"_" * 8)) + "\n"
        misc = rng.choice(("_", "_", "SpaceAfter=No", "NER=O|x", "NER=B-PER", "", "|"))
        yield "\t".join((str(i), word(rng), *"_" * 7, misc)) + "\n"
        if rng.random() < 0.1:
            yield "\t".join((f"{i}.1", word(rng), *"_" * 8)) + "\n"


def json_record(rng: random.Random) -> str:
    """A JSON object with a text in it, usually."""
    if rng.random() < 0.1:
        return json.dumps(json_value(rng, 3))
    fields = {word(rng): json_value(rng, 2) for _ in range(rng.randint(0, 3))}
    content = [word(rng) for _ in range(rng.randint(0, 4))] if rng.random() < 0.3 else text(rng)
    pairs = [*fields.items(), ("text", content if rng.random() < 0.95 else json_value(rng, 1))]
    if rng.random() < 0.1:
        pairs.append(("tags", 1))
    rng.shuffle(pairs)
    ascii_only = rng.random() < 0.3
    members = [f"{json.dumps(n, ensure_ascii=ascii_only)}:{json.dumps(v, ensure_ascii=ascii_only)}" for n, v in pairs]
    if rng.random() < 0.05:
        members += members[:1]
    return (" " if rng.random() < 0.1 else "") + "{" + rng.choice((",", ", ", " ,\t")).join(members) + "}"


def json_value(rng: random.Random, depth: int) -> object:
    """A JSON value, no deeper than asked for."""
    kind = rng.randrange(8 if depth else 6)
    if kind == 6:
        return [json_value(rng, depth - 1) for _ in range(rng.randint(0, 3))]
    if kind == 7:
        return {word(rng): json_value(rng, depth - 1) for _ in range(rng.randint(0, 3))}
    number = rng.choice((0, -1, 1.5, 1 << 70, 1e300, 7))
    return (None, True, number, "", word(rng), "\ud800" if rng.random() < 0.1 else text(rng))[kind]


def mutate(rng: random.Random, data: bytes) -> bytes:
    """Damage data in one to four places."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        place = rng.randint(0, len(data))
        end = min(len(data), place + rng.choice((1, 1, 2, 8, 100)))
        kind = rng.randrange(7)
        if kind == 0:
            data = data[:place] + data[end:]
        elif kind == 1:
            data = data[:place] + rng.choice(BREAKING_BYTES) + data[place:]
        elif kind == 2:
            data = data[:place] + bytes([rng.randrange(256)]) + data[place + 1 :]
        elif kind == 3 and place < len(data):
            data = data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]
        elif kind == 4:
            data = data[:place]
        elif kind == 5:
            data = data[:place] + data[place:end] * rng.choice((2, 2, 3, 50)) + data[end:]
        else:
            other = rng.randint(0, len(data))
            data = data[:place] + data[other : other + end - place] + data[place:]
    return data


def _count(rng: random.Random, most: int) -> int:
    return rng.randint(0, most) if rng.randrange(_LARGE) else 40 * most


def check_spans(sample: str, spans: list[tuple[int, int]]) -> None:
    """Tokens are in order, none is empty or blank, and nothing but whitespace lies between them."""
    end = 0
    for start, next_end in spans:
        gap = sample[end:start]
        assert not gap or gap.isspace()
        assert start < next_end
        assert not sample[start:next_end].isspace()
        end = next_end
    assert not sample[end:] or sample[end:].isspace()

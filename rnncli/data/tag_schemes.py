"""Tag schemes: how spans are written as one tag a token, and how tags are read back as spans.

A tag is ``O`` (outside of every span) or ``PREFIX-TYPE``. A bare prefix stands for a span without a type.

| scheme | one token | first | inside | last | remark |
| --- | --- | --- | --- | --- | --- |
| IO | I | I | I | I | two touching spans of one type become one |
| IOB1 | I | I | I | I | B only where a span touches one of its own type before it |
| IOB2 (BIO) | B | B | I | I | |
| BIOES (IOBES) | S | B | I | E | |
| BILOU | U | B | I | L | |

Reference:
    Erik F. Tjong Kim Sang and Jorn Veenstra (1999), Representing Text Chunks, EACL, arXiv cs/9907006 (IOB1 and IOB2).
    Lev Ratinov and Dan Roth (2009), Design Challenges and Misconceptions in Named Entity Recognition, CoNLL,
    W09-1119 (BILOU).
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

OUTSIDE = "O"


class Scheme(StrEnum):
    """The tag schemes that can be read and written. IOB2 is also called BIO, and BIOES is also called IOBES."""

    IO = "IO"
    IOB1 = "IOB1"
    IOB2 = "IOB2"
    BIOES = "BIOES"
    BILOU = "BILOU"


class Span(NamedTuple):
    """A typed stretch of tokens. Spans order by position first.

    Attributes:
        start: Index of the first token, from 0.
        end: Index after the last token.
        type: Type of the span, ``""`` where the tags were bare prefixes.
    """

    start: int
    end: int
    type: str


class _Prefixes(NamedTuple):
    """The prefixes of one scheme: of a span of one token, and of the first and last token of a longer one."""

    single: str
    first: str
    last: str

    @property
    def every(self) -> frozenset[str]:
        return frozenset((self.single, self.first, self.last, "I", OUTSIDE))


_PREFIXES = {
    Scheme.IO: _Prefixes(single="I", first="I", last="I"),
    # B is the exception in IOB1. `write_tags` decides where it stands.
    Scheme.IOB1: _Prefixes(single="I", first="I", last="I"),
    Scheme.IOB2: _Prefixes(single="B", first="B", last="I"),
    Scheme.BIOES: _Prefixes(single="S", first="B", last="E"),
    Scheme.BILOU: _Prefixes(single="U", first="B", last="L"),
}
PREFIXES = {scheme: prefixes.every for scheme, prefixes in _PREFIXES.items()}
PREFIXES[Scheme.IOB1] |= {"B"}
"""The prefixes of each scheme, O included."""

STRICT_SCHEMES = frozenset((Scheme.IOB2, Scheme.BIOES, Scheme.BILOU))
"""The schemes that `read_strict_spans` knows."""

_BEGINNING = frozenset("BSU")
_CONTINUING = frozenset("IEL")
_ENDING = frozenset("ESLU")
_UNFINISHED = frozenset("BI")
_IN_SPAN = _BEGINNING | _CONTINUING


def split_tag(tag: str) -> tuple[str, str]:
    """Split a tag at its first hyphen, so that a type may hold hyphens itself.

    Args:
        tag: ``PREFIX-TYPE``, a bare prefix or ``O``.

    Returns:
        Prefix and type. The type is ``""`` for ``O`` and for a bare prefix.
    """
    prefix, _, span_type = tag.partition("-")
    return prefix, span_type


def read_spans(tags: Sequence[str]) -> list[Span]:
    """Read spans leniently, as conlleval counts chunks. Tags of every scheme, and of mixed ones, can be read.

    The rules of conlleval, with its later extension to S:

    * A span begins at B and S. It also begins at I or E when the tag before is O, E, S, of another type, or missing.
    * A span ends before O, B, S, a tag of another type, and the end of the sentence. It also ends after E and S.

    So an I without a B begins a span. L is read as E and U as S. Any other prefix is read as I, for conlleval looks
    only at the type there too. The prefixes ``.``, ``[`` and ``]`` of conlleval's oldest notation are not known.

    Args:
        tags: The tags of one sentence.

    Returns:
        The spans in order of position. They never overlap.

    Reference:
        Erik F. Tjong Kim Sang, conlleval, version 2004-01-26, ``startOfChunk`` and ``endOfChunk``.
    """
    spans: list[Span] = []
    start = 0
    open_type: str | None = None
    for index, tag in enumerate(tags):
        if tag == OUTSIDE and open_type is None:  # most tags
            continue
        prefix, span_type = split_tag(tag)
        if open_type is not None and (prefix == OUTSIDE or prefix in _BEGINNING or span_type != open_type):
            spans.append(Span(start, index, open_type))
            open_type = None
        if prefix == OUTSIDE:
            continue
        if open_type is None:
            start, open_type = index, span_type
        if prefix in _ENDING:
            spans.append(Span(start, index + 1, open_type))
            open_type = None
    if open_type is not None:
        spans.append(Span(start, len(tags), open_type))
    return spans


def read_strict_spans(tags: Sequence[str], scheme: Scheme) -> list[Span]:
    """Read only the spans that are well formed in one scheme, as seqeval does with ``mode="strict"``.

    In IOB2 a span is a B and all I of its type that follow. In BIOES it is S, or B, any number of I, and E, all of one
    type. BILOU is the same with U and L. Every other tag belongs to no span.

    Args:
        tags: The tags of one sentence.
        scheme: IOB2, BIOES or BILOU.

    Returns:
        The spans in order of position.

    Raises:
        ValueError: The scheme is IO or IOB1, or a tag has a prefix that the scheme does not have.

    Reference:
        Hiroki Nakayama (2018), seqeval, version 1.2.2, ``seqeval/scheme.py``.
    """
    if scheme not in STRICT_SCHEMES:
        raise ValueError(f"strict reading is not defined for {scheme}, only for {_listed(STRICT_SCHEMES)}")
    last_is_marked = scheme is not Scheme.IOB2
    spans: list[Span] = []
    start: int | None = None
    open_type = ""
    for index, tag in enumerate(tags):
        prefix, span_type = split_tag(tag)
        _check_prefix(tag, prefix, scheme)
        if start is not None and (prefix not in _CONTINUING or span_type != open_type):
            if not last_is_marked:
                spans.append(Span(start, index, open_type))
            start = None
        if prefix == "B":
            start, open_type = index, span_type
        elif prefix in _ENDING and (prefix in _BEGINNING or start is not None):
            spans.append(Span(index if start is None else start, index + 1, span_type))
            start = None
    if start is not None and not last_is_marked:
        spans.append(Span(start, len(tags), open_type))
    return spans


def write_tags(spans: Iterable[Span], length: int, scheme: Scheme) -> tuple[str, ...]:
    """Write spans as tags. The reverse of `read_spans`, but for touching spans of one type in IO.

    Args:
        spans: The spans of one sentence, in any order.
        length: Number of tokens in the sentence.
        scheme: The scheme to write.

    Returns:
        One tag a token.

    Raises:
        ValueError: A span is empty, reaches outside of the sentence or overlaps another one.
    """
    prefixes = _PREFIXES[scheme]
    tags = [OUTSIDE] * length
    previous = Span(0, 0, "")
    for span in sorted(spans):
        if not 0 <= span.start < span.end <= length:
            raise ValueError(f"{span} is empty or does not lie within {length} tokens")
        if span.start < previous.end:
            raise ValueError(f"{span} overlaps {previous}")
        # The placeholder before the first span ends at 0 too, but is empty.
        touches = 0 < previous.end == span.start and previous.type == span.type
        suffix = f"-{span.type}" if span.type else ""
        for index in range(span.start, span.end):
            tags[index] = "I" + suffix
        tags[span.end - 1] = prefixes.last + suffix
        tags[span.start] = (prefixes.single if span.end - span.start == 1 else prefixes.first) + suffix
        if scheme is Scheme.IOB1 and touches:
            tags[span.start] = "B" + suffix
        previous = span
    return tuple(tags)


def detect(sequences: Iterable[Sequence[str]]) -> Scheme:
    """Find the scheme of a data set from its prefixes and from what follows what.

    E and S mean BIOES, L and U mean BILOU, and I alone means IO. With B and I it is IOB1 if some I begins a span and B
    stands only after a tag of its own type. Otherwise it is IOB2, perhaps with faults. IOB1 without touching spans of
    one type is the same as IO, and IO is returned.

    Args:
        sequences: The tags of each sentence. They are read once.

    Returns:
        The scheme.

    Raises:
        ValueError: A prefix is unknown, every tag is O or there is none, BIOES and BILOU are mixed, or spans have a
            last token marked but never a first one (the IOE schemes).
    """
    prefixes: set[str] = set()
    i_begins = b_separates_nothing = False
    for tags in sequences:
        previous_type: str | None = None
        for tag in tags:
            if tag == OUTSIDE:
                previous_type = None
                continue
            prefix, span_type = split_tag(tag)
            if prefix not in _IN_SPAN:
                raise ValueError(f"tag {tag!r} has no known prefix: a tag is O, or B-, I-, E-, S-, L- or U- and a type")
            prefixes.add(prefix)
            if span_type != previous_type:
                i_begins |= prefix == "I"
                b_separates_nothing |= prefix == "B"
            previous_type = span_type
    if not prefixes:
        raise ValueError("there is no tag but O")
    return _scheme_of(prefixes, looks_like_iob1=i_begins and not b_separates_nothing)


def _scheme_of(prefixes: set[str], *, looks_like_iob1: bool) -> Scheme:
    if prefixes & {"E", "S"} and prefixes & {"L", "U"}:
        raise ValueError("the tags mix BIOES (E-, S-) and BILOU (L-, U-)")
    if prefixes & {"E", "L"} and "B" not in prefixes:
        raise ValueError("there are last tags (E- or L-) but no first ones (B-): IOE schemes are not supported")
    if prefixes & {"E", "S"}:
        return Scheme.BIOES
    if prefixes & {"L", "U"}:
        return Scheme.BILOU
    if prefixes == {"I"}:
        return Scheme.IO
    return Scheme.IOB1 if looks_like_iob1 else Scheme.IOB2


def convert(tags: Sequence[str], scheme_from: Scheme, scheme_to: Scheme) -> tuple[str, ...]:
    """Rewrite tags in another scheme. Faulty tags are read leniently (`read_spans`) and so come out repaired.

    Args:
        tags: The tags of one sentence.
        scheme_from: The scheme of `tags`.
        scheme_to: The scheme to write.

    Returns:
        One tag a token.

    Raises:
        ValueError: A tag has a prefix that `scheme_from` does not have.
    """
    for tag in tags:
        _check_prefix(tag, split_tag(tag)[0], scheme_from)
    return write_tags(read_spans(tags), len(tags), scheme_to)


def allowed_transitions(tags: Sequence[str]) -> tuple[list[list[bool]], list[bool], list[bool]]:
    """Say which tag may follow which, so that a decoder can only produce well-formed spans.

    The scheme is taken from the set: with E, S, L or U every span must be finished (BIOES, BILOU), with B and I alone
    the rules are those of IOB2, and with I alone (IO) everything is allowed. A tag that lacks its partners in the set,
    such as an I- without a B- of its type, can then occur in no sentence.

    Args:
        tags: The K different tags, in the order of their indices.

    Returns:
        [K, K] may tag j follow tag i, [K] may tag i start a sentence, [K] may tag i end a sentence.

    Raises:
        ValueError: A tag has an unknown prefix.
    """
    parts = [split_tag(tag) for tag in tags]
    for tag, (prefix, _) in zip(tags, parts, strict=True):
        if prefix not in _IN_SPAN and prefix != OUTSIDE:
            raise ValueError(f"tag {tag!r} has no known prefix")
    prefixes = {prefix for prefix, _ in parts}
    is_io = prefixes <= {"I", OUTSIDE}
    last_is_marked = bool(prefixes & _ENDING)

    def may_follow(before: tuple[str, str], after: tuple[str, str]) -> bool:
        if is_io:
            return True
        if after[0] in _CONTINUING:
            return before[0] in _UNFINISHED and before[1] == after[1]
        return not last_is_marked or before[0] not in _UNFINISHED

    may_start = [may_follow((OUTSIDE, ""), part) for part in parts]
    may_end = [may_follow(part, (OUTSIDE, "")) for part in parts]
    # What may follow an unfinished span depends on its type alone, and what may follow all else is what may start.
    rows = {name: [may_follow(("I", name), after) for after in parts] for name in {name for _, name in parts}}
    allowed = [rows[part[1]] if part[0] in _UNFINISHED else may_start for part in parts]
    return allowed, may_start, may_end


def _check_prefix(tag: str, prefix: str, scheme: Scheme) -> None:
    if prefix not in PREFIXES[scheme]:
        raise ValueError(f"tag {tag!r} is not of the scheme {scheme}, whose prefixes are {_listed(PREFIXES[scheme])}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))

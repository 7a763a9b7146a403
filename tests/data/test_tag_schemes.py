"""Tag schemes against seqeval, against the published rules of conlleval, and against each other."""

import subprocess
import sys
from itertools import pairwise, product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import BILOU, IOB2, IOBES, Entities

from rnncli.data.tag_schemes import (
    Scheme,
    Span,
    allowed_transitions,
    convert,
    detect,
    read_spans,
    read_strict_spans,
    split_tag,
    write_tags,
)

LOSSLESS = [Scheme.IOB1, Scheme.IOB2, Scheme.BIOES, Scheme.BILOU]
STRICT = {Scheme.IOB2: ("BI", IOB2), Scheme.BIOES: ("BIES", IOBES), Scheme.BILOU: ("BILU", BILOU)}
TYPES = ("PER", "creative-work")


def tag_sequences(prefixes: str, types: tuple[str, ...] = TYPES, max_size: int = 12) -> st.SearchStrategy[list[str]]:
    """Any sequence at all: most of them break the rules of every scheme."""
    tags = ["O", *(f"{prefix}-{name}" for prefix in prefixes for name in types)]
    return st.lists(st.sampled_from(tags), max_size=max_size)


@st.composite
def spans_and_length(draw: st.DrawFn) -> tuple[list[Span], int]:
    """Spans of a sentence: gap, length and type of one after the other, so that touching ones are frequent."""
    types = st.one_of(st.sampled_from(["PER", "LOC", "", "a-b"]), st.text(max_size=3))
    parts = draw(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4), types), max_size=6))
    spans, position = [], 0
    for gap, size, name in parts:
        spans.append(Span(position + gap, position + gap + size, name))
        position += gap + size
    return spans, position + draw(st.integers(0, 2))


def touching(spans: list[Span]) -> bool:
    return any(a.end == b.start and a.type == b.type for a, b in pairwise(spans))


# The tables of the script conlleval: between which prefixes a chunk of one type ends or starts.
CONLLEVAL_END = {"BB", "BO", "IB", "IO", "EE", "EI", "EO"}
CONLLEVAL_START = {"BB", "IB", "OB", "OI", "EE", "EI", "OE"}


def conlleval_spans(tags: list[str]) -> list[Span]:
    """Chunks by the tables above and the rule on types, decided between each two neighbours."""
    parts = [("O", ""), *(("O", "") if tag == "O" else tuple(tag.split("-", 1)) for tag in tags), ("O", "")]
    starts, ends = [], []
    for index, ((before, type_before), (now, type_now)) in enumerate(pairwise(parts)):
        if before + now in CONLLEVAL_END or (before != "O" and type_before != type_now):
            ends.append(index)
        if before + now in CONLLEVAL_START or (now != "O" and type_before != type_now):
            starts.append(index)
    return [Span(start, end, parts[start + 1][1]) for start, end in zip(starts, ends, strict=True)]


def test_split_tag_cuts_at_the_first_hyphen() -> None:
    assert split_tag("B-creative-work") == ("B", "creative-work")
    assert split_tag("O") == ("O", "")
    assert split_tag("I") == ("I", "")


# conlleval itself has no S, and never saw B and E together: those are checked against seqeval below.
@pytest.mark.parametrize("prefixes", ["BI", "IE"])
@given(data=st.data())
def test_lenient_reading_follows_the_tables_of_conlleval(prefixes: str, data: st.DataObject) -> None:
    tags = data.draw(tag_sequences(prefixes))
    assert read_spans(tags) == conlleval_spans(tags)


@given(tag_sequences("BIES"))
def test_lenient_reading_equals_seqeval(tags: list[str]) -> None:
    assert read_spans(tags) == [Span(start, end + 1, name) for name, start, end in get_entities(tags)]


@given(tag_sequences("BIESLU"))
def test_l_and_u_are_read_as_e_and_s(tags: list[str]) -> None:
    rewritten = [tag if tag == "O" else tag[0].translate(str.maketrans("LU", "ES")) + tag[1:] for tag in tags]
    assert read_spans(tags) == read_spans(rewritten)


@given(tag_sequences("BIES", types=("PER",)))
def test_bare_prefixes_are_spans_without_a_type(tags: list[str]) -> None:
    bare = [tag[0] for tag in tags]
    assert read_spans(bare) == [Span(span.start, span.end, "") for span in read_spans(tags)]


@pytest.mark.parametrize("scheme", STRICT)
@given(data=st.data())
def test_strict_reading_equals_seqeval(scheme: Scheme, data: st.DataObject) -> None:
    prefixes, seqeval_scheme = STRICT[scheme]
    tags = data.draw(tag_sequences(prefixes))
    (entities,) = Entities([tags], seqeval_scheme).entities
    assert read_strict_spans(tags, scheme) == [Span(entity.start, entity.end, entity.tag) for entity in entities]


@pytest.mark.parametrize(("scheme", "tag"), [(Scheme.IOB2, "E-PER"), (Scheme.BIOES, "U-PER"), (Scheme.BILOU, "NOUN")])
def test_strict_reading_refuses_a_foreign_prefix(scheme: Scheme, tag: str) -> None:
    with pytest.raises(ValueError, match=tag):
        read_strict_spans(["O", tag], scheme)


@pytest.mark.parametrize("scheme", [Scheme.IO, Scheme.IOB1])
def test_strict_reading_needs_a_strict_scheme(scheme: Scheme) -> None:
    with pytest.raises(ValueError, match="BILOU, BIOES, IOB2"):
        read_strict_spans(["O"], scheme)


@pytest.mark.parametrize(
    ("scheme", "tags"),
    [
        (Scheme.IO, "I-A I-A I-A O I-B I-A"),
        (Scheme.IOB1, "I-A I-A B-A O I-B I-A"),
        (Scheme.IOB2, "B-A I-A B-A O B-B B-A"),
        (Scheme.BIOES, "B-A E-A S-A O S-B S-A"),
        (Scheme.BILOU, "B-A L-A U-A O U-B U-A"),
    ],
)
def test_every_scheme_by_hand(scheme: Scheme, tags: str) -> None:
    spans = [Span(4, 5, "B"), Span(0, 2, "A"), Span(5, 6, "A"), Span(2, 3, "A")]
    assert write_tags(spans, 6, scheme) == tuple(tags.split())


@pytest.mark.parametrize("scheme", LOSSLESS)
@given(spans_and_length())
def test_read_inverts_write(scheme: Scheme, case: tuple[list[Span], int]) -> None:
    spans, length = case
    tags = write_tags(spans, length, scheme)
    assert len(tags) == length
    assert read_spans(tags) == spans


@given(spans_and_length())
def test_read_inverts_write_in_io_where_nothing_touches(case: tuple[list[Span], int]) -> None:
    spans, length = case
    assume(not touching(spans))
    assert read_spans(write_tags(spans, length, Scheme.IO)) == spans


@pytest.mark.parametrize("scheme", STRICT)
@given(spans_and_length())
def test_written_tags_are_well_formed(scheme: Scheme, case: tuple[list[Span], int]) -> None:
    spans, length = case
    assert read_strict_spans(write_tags(spans, length, scheme), scheme) == spans


@pytest.mark.parametrize(
    ("spans", "problem"),
    [
        ([Span(0, 2, "A"), Span(1, 3, "B")], "overlaps"),
        ([Span(1, 1, "A")], "empty"),
        ([Span(2, 4, "A")], "within 3"),
        ([Span(-1, 1, "A")], "within 3"),
    ],
)
def test_write_refuses_impossible_spans(spans: list[Span], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        write_tags(spans, 3, Scheme.IOB2)


@pytest.mark.parametrize("scheme_to", LOSSLESS)
@pytest.mark.parametrize("scheme_from", LOSSLESS)
@given(spans_and_length())
def test_convert_there_and_back(scheme_from: Scheme, scheme_to: Scheme, case: tuple[list[Span], int]) -> None:
    tags = write_tags(*case, scheme_from)
    there = convert(tags, scheme_from, scheme_to)
    assert there == write_tags(*case, scheme_to)
    assert convert(there, scheme_to, scheme_from) == tags


@given(tag_sequences("BI"))
def test_convert_repairs_without_moving_a_span(tags: list[str]) -> None:
    repaired = convert(tags, Scheme.IOB2, Scheme.IOB2)
    assert read_strict_spans(repaired, Scheme.IOB2) == read_spans(tags)


def test_convert_refuses_tags_of_another_scheme() -> None:
    with pytest.raises(ValueError, match=r"'S-PER' is not of the scheme IOB2, whose prefixes are B, I, O"):
        convert(["O", "S-PER"], Scheme.IOB2, Scheme.BIOES)


@pytest.mark.parametrize("scheme", Scheme)
@given(st.lists(spans_and_length(), min_size=1, max_size=4))
def test_detect_finds_what_was_written(scheme: Scheme, cases: list[tuple[list[Span], int]]) -> None:
    assume(any(spans for spans, _ in cases))
    expected = scheme
    if scheme is Scheme.IOB1 and not any(touching(spans) for spans, _ in cases):
        expected = Scheme.IO
    assert detect(write_tags(*case, scheme) for case in cases) is expected


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        ("B-PER O B-PER", Scheme.IOB2),
        ("B-PER B-PER I-PER", Scheme.IOB2),
        ("I-PER I-PER B-PER I-PER", Scheme.IOB1),
        ("I-PER O B-PER I-PER", Scheme.IOB2),
        ("I-LOC B-PER", Scheme.IOB2),
        ("O I-PER I-LOC", Scheme.IO),
        ("O S-PER", Scheme.BIOES),
        ("U-PER O", Scheme.BILOU),
    ],
)
def test_detect_by_hand(tags: str, scheme: Scheme) -> None:
    assert detect([tags.split()]) is scheme


def test_detect_looks_within_sentences_only() -> None:
    assert detect([["I-PER", "I-PER"], ["B-PER", "I-PER"]]) is Scheme.IOB2


@pytest.mark.parametrize(
    ("tags", "problem"),
    [
        ("B-PER 0", "'0' has no known prefix"),
        ("B-PER X-LOC", "'X-LOC' has no known prefix"),
        ("O-PER", "'O-PER' has no known prefix"),
        ("NOUN VERB", "'NOUN' has no known prefix"),
        ("O O", "no tag but O"),
        ("", "no tag but O"),
        ("S-PER U-PER", "mix BIOES"),
        ("I-PER E-PER O", "IOE"),
    ],
)
def test_detect_refuses(tags: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        detect([tags.split()])


@pytest.mark.parametrize(
    ("scheme", "prefixes"),
    [(Scheme.IO, "I"), (Scheme.IOB2, "BI"), (Scheme.BIOES, "BIES"), (Scheme.BILOU, "BILU")],
)
def test_allowed_transitions_admit_exactly_the_well_formed(scheme: Scheme, prefixes: str) -> None:
    """Every sequence up to four tags is well formed if and only if writing its spans gives it back."""
    tags = ["O", *(f"{prefix}-{name}" for name in "AB" for prefix in prefixes)]
    follows, may_start, may_end = allowed_transitions(tags)
    verdicts = set()
    for length in range(1, 5):
        for path in product(range(len(tags)), repeat=length):
            steps = pairwise(path)
            legal = may_start[path[0]] and may_end[path[-1]] and all(follows[i][j] for i, j in steps)
            sequence = tuple(tags[index] for index in path)
            assert legal == (write_tags(read_spans(sequence), length, scheme) == sequence), sequence
            verdicts.add(legal)
    assert verdicts == ({True} if scheme is Scheme.IO else {True, False})


def test_allowed_transitions_refuse_tags_without_a_scheme() -> None:
    with pytest.raises(ValueError, match="NOUN"):
        allowed_transitions(["NOUN", "VERB"])


def test_import_stays_light() -> None:
    code = "import sys, rnncli.data.tag_schemes; print('numpy' in sys.modules or 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"

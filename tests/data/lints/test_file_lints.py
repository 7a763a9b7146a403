"""Odd bytes, and ranges of multiword tokens."""

from hypothesis import example, given
from hypothesis import strategies as st

from rnncli.data.lints.file_lints import lint_bytes, lint_ranges


def test_marks_and_carriage_returns_are_told() -> None:
    assert lint_bytes("f", b"a\tO\n\n") == []
    assert [lint.kind for lint in lint_bytes("f", b"\xef\xbb\xbfa\tO\r\nb\tO\n\r\n")] == ["bom", "crlf"]
    assert "2 of 3" in lint_bytes("f", b"a\tO\r\nb\tO\n\r\n")[0].message


def conllu(num_tokens: int, ranges: list[tuple[int, int, int]]) -> bytes:
    """A sentence with a range before each token that `ranges` names first."""
    rows = ["# a comment"]
    for i in range(1, num_tokens + 1):
        rows += [f"{first}-{last}\tx" + "\t_" * 8 for before, first, last in ranges if before == i]
        rows.append(f"{i}\tx" + "\t_" * 8)
    return ("\n".join(rows) + "\n\n").encode()


@example(3, [(1, 1, 3), (2, 2, 3)])
@given(st.integers(1, 8), st.lists(st.tuples(st.integers(1, 8), st.integers(1, 9), st.integers(1, 9)), max_size=3))
def test_a_range_fits_if_it_covers_the_tokens_below_and_no_other_range(
    num_tokens: int, ranges: list[tuple[int, int, int]]
) -> None:
    shown = sorted((r for r in ranges if r[0] <= num_tokens), key=lambda r: r[0])
    fits = all(before == first < last <= num_tokens for before, first, last in shown)
    covered = [i for _, first, last in shown for i in range(first, last + 1)]
    found = lint_ranges("f", conllu(num_tokens, shown))
    assert (found == []) == (fits and len(covered) == len(set(covered)))


def test_each_bad_range_is_told_with_its_line() -> None:
    data = conllu(3, [(1, 1, 2)]) + conllu(3, [(2, 2, 9)]) + conllu(2, [(1, 2, 1)]) + b"8.1\t_\n"
    (lint,) = lint_ranges("f", data)
    assert [place.line for place in lint.places] == [9, 14]

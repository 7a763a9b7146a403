"""Lints of a file's bytes, of which readers say nothing."""

import re

from rnncli.data.lints.lint import Lint, Place, counted

_ID = re.compile(rb"(\d{1,9})(?:-(\d{1,9}))?\t")
"""What a row of CoNLL-U begins with: the number of a token, or the first and the last of a multiword token."""


def lint_bytes(path: str, data: bytes) -> list[Lint]:
    """Find a byte-order mark and line ends of Windows; readers remove both.

    Args:
        path: the file's name.
        data: all of it.
    """
    lints = []
    if data.startswith(b"\xef\xbb\xbf"):
        lints.append(Lint("bom", path, "begins with a byte-order mark, which is ignored"))
    num_returns = data.count(b"\r\n")
    if num_returns:
        num_lines = data.count(b"\n")
        message = f"{num_returns:,} of {num_lines:,} lines end in a carriage return, which is ignored"
        lints.append(Lint("crlf", path, message))
    return lints


def lint_ranges(path: str, data: bytes) -> list[Lint]:
    """Find multiword tokens of CoNLL-U whose range does not fit the tokens.

    Args:
        path: the file's name.
        data: all of it.

    Reference:
        Universal Dependencies, https://universaldependencies.org/format.html, words and tokens.
    """
    places: list[Place] = []
    ranges: list[tuple[int, int, int]] = []  # line, first, last
    last_token = covered = 0

    def close() -> None:
        for line, first, last in ranges:
            if last > last_token:
                message = f"range {first}-{last}, but the last token is {last_token}"
                places.append(Place(path, line, message))
        ranges.clear()

    for number, row in enumerate(data.split(b"\n"), 1):
        match = _ID.match(row)
        if match is None:
            if not row.strip():
                close()
                last_token = covered = 0
        elif match[2] is None:
            last_token = int(match[1])
        else:
            first, last = int(match[1]), int(match[2])
            if first != last_token + 1 or last <= first or first <= covered:
                places.append(Place(path, number, f"range {first}-{last} before token {last_token + 1}"))
            else:
                ranges.append((number, first, last))
                covered = last
    close()
    if not places:
        return []
    places.sort(key=lambda place: place.line)
    return [Lint("range", path, f"{counted(len(places), 'multiword range')} not of the tokens below", tuple(places))]

"""What a lint says."""

from collections.abc import Iterable
from dataclasses import dataclass

_NAMED = 12


@dataclass(frozen=True, slots=True)
class Place:
    """One case of a lint.

    Attributes:
        file: the file's name as the user wrote it.
        line: 1-based line number.
        message: what is odd there.
    """

    file: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Lint:
    """Something odd about data that can be read.

    Attributes:
        kind: a short name that stays, for machines.
        file: the file it is about.
        message: what is odd, about all cases together.
        places: the cases in the order in which to show them, none where a whole file is meant.
    """

    kind: str
    file: str
    message: str
    places: tuple[Place, ...] = ()

    def in_short(self) -> str:
        """Return one line that names the first case."""
        if not self.places:
            return self.message
        place = self.places[0]
        return f"{self.message}: {place.file}:{place.line}: {place.message}"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, whose plural ends in s."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listed(names: Iterable[str]) -> str:
    """Return the first few of some names."""
    every = list(names)
    more = f" and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
    return ", ".join(every[:_NAMED]) + more

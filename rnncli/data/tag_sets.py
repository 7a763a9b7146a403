"""The tags that a tagger chooses from, with all that a model file must remember about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rnncli.data.tag_schemes import PREFIXES, Scheme, allowed_transitions, split_tag

TAG_TASKS = ("ner", "pos")
"""Tasks of a tagger: spans, and one tag a token."""

CHAIN_TAGS = 256
"""Most tags among which transitions are learned. Their number is the square of this, and so is the price of the search;
larger sets, such as all features of a morphology in one tag, are chosen from token by token."""

SPAN_CHAIN_TAGS = 1024
"""The same for spans, whose tags make little sense without what may follow what: 255 types."""

MAX_TAGS = 10_000
"""Most tags of one head."""


@dataclass(frozen=True, slots=True)
class TagSet:
    """The tags of one head of a tagger.

    Attributes:
        task: one of TAG_TASKS.
        tags: the K different tags by index; for spans `O` and BIOES, the scheme that a model thinks in.
        scheme: the scheme of spans in the data, in which answers are given; None where there are none.
        column: name or number of the column of the training data.
        counts: spans by type, or tokens by tag, in the training data; most frequent first.
    """

    task: str
    tags: tuple[str, ...]
    scheme: Scheme | None = None
    column: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_chain(self) -> bool:
        """Whether transitions from tag to tag are learned."""
        return len(self.tags) <= (CHAIN_TAGS if self.scheme is None else SPAN_CHAIN_TAGS)

    @property
    def outside(self) -> int | None:
        """Index of the tag of what is in no span, None where there are no spans."""
        return None if self.scheme is None else self.tags.index("O")

    def allowed(self) -> tuple[list[list[bool]], list[bool], list[bool]]:
        """Say which tag may follow which, start and end a sentence, as `tag_schemes.allowed_transitions`."""
        if self.scheme is not None:
            return allowed_transitions(self.tags)
        every = [True] * len(self.tags)
        return [every] * len(self.tags), every, every

    def to_dict(self) -> dict[str, Any]:
        """Return the set as plain JSON values."""
        return {
            "task": self.task,
            "tags": list(self.tags),
            "scheme": None if self.scheme is None else self.scheme.value,
            "column": self.column,
            "counts": dict(self.counts),
        }

    @staticmethod
    def from_dict(value: Any) -> "TagSet":
        """Build a set from JSON values of a file that may be damaged or hostile.

        Raises:
            ValueError: a part is missing, unknown, of the wrong type, or against another.
        """
        names = {"task", "tags", "scheme", "column", "counts"}
        if not isinstance(value, dict) or value.keys() != names:
            raise ValueError(f"heads: expected objects of {', '.join(sorted(names))}")
        task, tags, scheme, column, counts = (value[k] for k in ("task", "tags", "scheme", "column", "counts"))
        if task not in TAG_TASKS:
            raise ValueError("heads: unknown task")
        if not isinstance(tags, list) or not all(isinstance(tag, str) and is_tag(tag) for tag in tags):
            raise ValueError("heads: tags must be texts without control characters")
        if not 1 <= len(tags) <= MAX_TAGS or len(set(tags)) != len(tags):
            raise ValueError(f"heads: tags must be from 1 to {MAX_TAGS:,} and different")
        if (task == "ner") != (scheme is not None):
            raise ValueError("heads: spans need a scheme, and other tags have none")
        if not isinstance(column, str) or not column.isprintable() or not isinstance(counts, dict):
            raise ValueError("heads: column must be a text and counts an object")
        if not all(is_tag(name) and type(count) is int and count >= 0 for name, count in counts.items()):
            raise ValueError("heads: counts must be whole numbers of tags or types")
        if scheme is not None:
            if "O" not in tags:
                raise ValueError("heads: spans need the tag O")
            if not all(split_tag(tag)[0] in PREFIXES[Scheme.BIOES] for tag in tags):
                raise ValueError("heads: tags of spans must be those of BIOES")
        # A model file orders keys by name.
        ordered = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
        return TagSet(task, tuple(tags), None if scheme is None else Scheme(scheme), column, ordered)


def is_tag(text: str) -> bool:
    """Tell whether a text can be a tag, or a type of spans: not empty, and without control characters."""
    if text.isprintable():  # of no other kind in almost every file, and quickly told
        return bool(text)
    return not any(char < " " or "\x7f" <= char <= "\x9f" or "\ud800" <= char <= "\udfff" for char in text)

"""The tags that a model knows, as its file lists them."""

import re
from typing import Any, Final

MAX_TAGS: Final = 4096
"""Tags of a model at most: the search takes time and memory with the square of their number."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def check_tags(tags: Any) -> list[str]:
    """Take a list of tags from a source that may be damaged or hostile.

    Args:
        tags: what should be the list.

    Returns:
        The tags.

    Raises:
        ValueError: there is none or there are too many, or one is no text, stands there twice, is empty, or holds what
            would end or change the row that it is written to.
    """
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise ValueError("the tags are not a list of strings")
    if not 0 < len(tags) <= MAX_TAGS:
        raise ValueError(f"{len(tags)} tags, expected 1 to {MAX_TAGS}")
    if len(set(tags)) != len(tags):
        raise ValueError("a tag stands there twice")
    for tag in tags:
        if problem := tag_problem(tag):
            raise ValueError(f"tag {tag[:40]!r} {problem}")
    return tags


def tag_problem(tag: str) -> str | None:
    """Say why a text cannot be a tag, or None."""
    if not tag:
        return "is empty"
    return "holds a control character" if _CONTROL.search(tag) else None

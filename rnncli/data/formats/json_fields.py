"""Fields added to JSON objects as text."""

import json
from collections.abc import Iterator


def add_field(source: str, field: str, value: str) -> str:
    """Add a field to a JSON object as text, so that nothing else in it changes by a byte.

    Args:
        source: a JSON object.
        field: its new field; one of that name is replaced.
        value: JSON text.
    """
    member = f"{json.dumps(field, ensure_ascii=False)}:{value}"
    if "\\" not in source and f'"{field}"' not in source:
        body = source.strip()[:-1]  # no name in it can be that of the field
        return f"{body}{',' if body[1:].strip() else ''}{member}}}"
    members = list(_members(source))
    if all(name != field for name, _, _ in members):
        return f"{source.strip()[:-1]}{',' if members else ''}{member}}}"
    others = [source[start:end] for name, start, end in members if name != field]
    return "{" + ",".join([*others, member]) + "}"


def _members(source: str) -> Iterator[tuple[str, int, int]]:
    """Yield name, start and end of every member of a JSON object that is known to be well formed."""
    decode = json.JSONDecoder().raw_decode
    position = _skip_space(source, source.index("{") + 1)
    while source[position] != "}":
        start = position
        name, position = decode(source, start)
        position = _skip_space(source, _skip_space(source, position) + 1)
        _, end = decode(source, position)
        yield name, start, end
        position = _skip_space(source, end)
        if source[position] == ",":
            position = _skip_space(source, position + 1)


def _skip_space(text: str, position: int) -> int:
    while text[position] in " \t\r\n":
        position += 1
    return position

"""Tokenizer rules at random: damaged JSON, and patterns made to do harm."""

import json
import random

from fuzzing.small_model import RULES
from fuzzing.text import json_value, mutate

_ATOMS = ("a", ".", "[a-z]", r"\d", r"\w+", "", "^", "$", r"\b", "(?=a)", "(?!b)", "(?<=a)", "é", "[^a]", "(?i:A)", "|")
_ENDLESS = ("(a+)+$", "(?:a|a)*b", "(a*)*b", "(?:a?){9}" * 3 + "b", "(?=(?:a|a)*b)", ".*" * 30 + "b")
_BROKEN = ("(", ")", "*", "[", "a{2,1}", "(?P<x>a)(?P<x>)", "(?<=a+)", "\\", "(?", "(" * 500, "{99999}", r"\1", "(?z)")
_MARKS = ("*", "+", "?", "*?", "+?", "{2}", "{2,}", "{,3}", "{0,9999}", "*+", "++")
_ONE_ENDLESS_IN = 400
"""Each of these takes a quarter of a second to be noticed."""


def pattern(rng: random.Random) -> str:
    """A regular expression, mostly valid, rarely one that would never end."""
    if rng.randrange(_ONE_ENDLESS_IN) == 0:
        return rng.choice(_ENDLESS)
    if rng.random() < 0.1:
        return rng.choice(_BROKEN)
    return _expression(rng, 2)


def _expression(rng: random.Random, depth: int) -> str:
    parts = []
    for _ in range(rng.randint(1, 4)):
        if depth and rng.random() < 0.3:
            opening = rng.choice(("(?:", "(", "(?=", "(?<!", "(?>"))
            parts.append(opening + _expression(rng, depth - 1) + ")")
        else:
            parts.append(rng.choice(_ATOMS))
        if rng.random() < 0.25:
            parts.append(rng.choice(_MARKS))
    return "".join(parts)


def rules_json(rng: random.Random) -> bytes:
    """The rules as JSON, damaged, or with other patterns and exceptions."""
    text = RULES.to_json()
    if rng.random() < 0.25:
        return mutate(rng, text.encode())
    content = json.loads(text)
    for name in ("prefix", "suffix", "infix", "token_match", "url"):
        if rng.random() < 0.4:
            content[name] = pattern(rng)
            content["narrow_patterns"].pop(name, None)
    if rng.random() < 0.3:
        pieces = [rng.choice(("a", "b", "-", ".", " ", "é", "(")) for _ in range(rng.randint(1, 4))]
        content["exceptions"]["".join(pieces)] = pieces
        if rng.random() < 0.5:
            content["exception_sequences"]["".join(pieces)] = rng.choice((pieces, ["a"], ["a", "-"], []))
    if rng.random() < 0.2:
        content[rng.choice(list(content))] = json_value(rng, 2)
    return json.dumps(content).encode("utf-8", "surrogatepass")

"""A small tagger of random weights, with rules of its own, and damage to its file."""

import hashlib
import json
import random
import struct
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from fuzzing.text import json_value, mutate
from numpy.typing import NDArray

from rnncli import model_file
from rnncli.config import EncoderConfig, FeatureConfig, TaggerConfig
from rnncli.data.tag_schemes import Scheme
from rnncli.data.tag_sets import TagSet
from rnncli.data.tokenizer_rules import TokenizerRules
from rnncli.data.vocabulary import UNK, Vocabulary

HEADS = (
    TagSet("ner", ("O", *(f"{p}-{name}" for name in ("LOC", "PER") for p in "BIES")), Scheme.IOB2, "2", {"LOC": 3}),
    TagSet("pos", ("NOUN", "VERB"), None, "upos", {"NOUN": 3, "VERB": 2}),
)
WORDS = ("Ada", "paris", "北京")
RULES = TokenizerRules(
    "en",
    "3.8",
    prefix=r"^[(\"'“]|^\$",
    suffix=r"[)\"'”.,!?]$|(?<=\d)km$",
    infix=r"(?<=[a-z])[-/](?=[a-z])|\.\.+|…",
    token_match=r"\d+\.\d+$",
    url=r"https?://[^\s]+$",
    exceptions={"don't": ("do", "n't"), "U.S.": ("U.S.",), ":-)": (":-)",), "a.m.": ("a.m.",)},
    exception_sequences={":-)": (":", "-", ")")},
    narrow_patterns={"infix": r"(?<=[a-z])[-/](?=[a-z])|\.\.+"},
    required_characters={"url": "/"},
)

Parts = tuple[dict[str, Any], dict[str, NDArray[Any]]]


def small_model() -> Parts:
    """Description and tensors of a tagger with pretrained vectors."""
    features = FeatureConfig(
        embedding_size=2,
        word_rows=8,
        affix_rows=4,
        short_affix_rows=4,
        letter_rows=4,
        ngram_rows=8,
        vector_size=2,
        projection_size=4,
        maxout_pieces=2,
    )
    config = TaggerConfig(features, EncoderConfig(hidden_size=3))
    generator = np.random.default_rng(1)
    tensors: dict[str, NDArray[Any]] = {}
    for name, spec in model_file.tagger_tensors(config, HEADS).items():
        shape = [1 + len(WORDS) if size is None else size for size in spec.shape]
        tensors[name] = generator.normal(size=shape).astype(spec.dtypes[-1])
    tensors["features.vector_words"] = np.frombuffer(Vocabulary(WORDS, specials=(UNK,)).to_bytes(), np.uint8)
    tensors["tokenizer"] = model_file.text_tensor(RULES.to_json())
    metadata = {
        "task": "ner",
        "config": asdict(config),
        "heads": [head.to_dict() for head in HEADS],
        "command": ["rnncli", "train", "ner", "a.conll"],
        "seed": 1,
        "data": [{"name": "a.conll", "sha256": "0"}],
        "scores": {"dev": {"f1": 0.5, "precision": None}},
        "calibration": {"ner": {"temperature": 1.5}},
        "versions": {"rnncli": "1"},
    }
    return metadata, tensors


def write_small_model(path: Path) -> None:
    """Write the model as it should be."""
    model_file.write(path, *small_model())


def damaged_model(rng: random.Random, good: bytes, parts: Parts) -> bytes:
    """Damage the file blindly, or its header, or what is in it with the checksum made to fit."""
    kind = rng.random()
    if kind < 0.2:
        return mutate(rng, good)
    if kind < 0.4:
        return _damaged_header(rng, good)
    metadata, tensors = json.loads(json.dumps(parts[0])), dict(parts[1])
    if rng.random() < 0.6:
        _damage_value(rng, metadata)
    else:
        _damage_tensor(rng, tensors)
    return pack(metadata, tensors, rng)


def pack(metadata: dict[str, Any], tensors: dict[str, NDArray[Any]], rng: random.Random) -> bytes:
    """Lay out a file as `model_file.write` does, without its checks and with the checksum that fits."""
    from safetensors.numpy import save

    content = {"format_version": 1, **{name: value for name, value in metadata.items() if name != "checksum"}}
    try:
        content["checksum"] = model_file.checksum(content, tensors)
    except (ValueError, RecursionError):  # numbers that are none, or nested too deep
        content["checksum"] = hashlib.sha256().hexdigest()
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    text = text.encode("utf-8", "backslashreplace").decode()
    if rng.random() < 0.05:
        text = mutate(rng, text.encode()).decode("utf-8", "ignore")
    return save(tensors, {"rnncli": text})


def _damaged_header(rng: random.Random, good: bytes) -> bytes:
    """Change the list of tensors, or its length, and leave all else."""
    length = struct.unpack("<Q", good[:8])[0]
    header, rest = good[8 : 8 + length], good[8 + length :]
    if rng.random() < 0.2:
        length = rng.choice((0, 1, length - 8, length + 8, 1 << 20, 1 << 22, 1 << 23, 1 << 40, (1 << 64) - 1))
        return struct.pack("<Q", length) + header + rest
    if rng.random() < 0.4:
        header = mutate(rng, header)
        return struct.pack("<Q", len(header)) + header + rest
    content = json.loads(header)
    entry = content[rng.choice([name for name in content if name != "__metadata__"])]
    large = (0, -1, 1, 3, 1 << 31, 1 << 32, (1 << 63) - 1, 1 << 63, 1 << 64, 1.5, None)
    kind = rng.randrange(4)
    if kind == 0:
        entry["dtype"] = rng.choice(
            ("F16", "F32", "F64", "U8", "I8", "I64", "BF16", "BOOL", "F4", "F8_E4M3", "C64", "")
        )
    elif kind == 1:
        entry["shape"] = [rng.choice(large) for _ in range(rng.choice((0, 1, 2, 3, 70)))]
    elif kind == 2:
        entry["data_offsets"] = [rng.choice((*large, *entry["data_offsets"])) for _ in range(rng.choice((1, 2, 2, 2)))]
    else:
        entry["dtype"], entry["shape"] = rng.choice((("U8", [0, 1 << 63]), ("F32", [0] * 65), ("F16", [1 << 62, 8])))
    header = json.dumps(content).encode()
    return struct.pack("<Q", len(header)) + header + rest


def _damage_value(rng: random.Random, metadata: dict[str, Any]) -> None:
    """Replace, drop or add one value anywhere in the description."""
    places: list[tuple[Any, Any]] = []

    def collect(value: Any) -> None:
        members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, member in members:
            places.append((value, key))
            collect(member)

    collect(metadata)
    container, key = rng.choice(places)
    kind = rng.random()
    if kind < 0.15:
        del container[key]
    elif kind < 0.25 and isinstance(container, dict):
        container["x"] = json_value(rng, 2)
    elif kind < 0.5 and isinstance(container[key], int):
        container[key] = rng.choice((0, -1, 1, 2, 3, 64, 1 << 16, 1 << 24, (1 << 24) + 1, 1 << 63, 1 << 64, 10**4000))
    elif kind < 0.6:
        container[key] = rng.choice((float("nan"), float("inf"), "\ud800", "\x1b[2J", [[[]]] * 50, "x" * 5000))
    else:
        container[key] = json_value(rng, 3)


@np.errstate(all="ignore")
def _damage_tensor(rng: random.Random, tensors: dict[str, NDArray[Any]]) -> None:
    """Change the shape, the type or the numbers of a tensor."""
    name = rng.choice(sorted(tensors))
    tensor = tensors[name]
    kind = rng.randrange(7)
    if kind == 0:
        del tensors[name]
    elif kind == 1:
        tensors[rng.choice(("x", "\x1b", "", "features.table.weight"))] = tensor
    elif kind == 2:
        tensors[name] = tensor[:-1]
    elif kind == 3:
        tensors[name] = tensor.astype(rng.choice(("float16", "float32", "float64", "uint8", "int64", "bool")))
    elif kind == 4:
        tensors[name] = tensor.reshape(-1)
    elif tensor.dtype.kind == "u":
        data = mutate(rng, tensor.tobytes())
        tensors[name] = np.frombuffer(data[: len(data) // tensor.itemsize * tensor.itemsize], tensor.dtype)
    else:
        numbers = (np.nan, np.inf, -np.inf, 3e38, -3e38, 0.0, 1e30)
        tensors[name] = tensor.copy()
        tensors[name].reshape(-1)[:: rng.choice((1, 7))] = rng.choice(numbers)

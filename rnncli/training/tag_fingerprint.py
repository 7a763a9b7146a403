"""What the course of a tagger's training depends on, so that only the same run is resumed."""

import hashlib
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import torch

from rnncli.config import TaggerConfig, to_dict
from rnncli.data.formats.vectors import Vectors
from rnncli.data.records import Sentence
from rnncli.kernels.crf import load_crf_kernel
from rnncli.kernels.gru import load_gru_kernel
from rnncli.kernels.tables import load_table_kernel
from rnncli.training.tag_corpus import TagCorpus, TaggingJob


def fingerprint(
    job: TaggingJob,
    corpus: TagCorpus,
    config: TaggerConfig,
    vectors: Vectors | None,
    device: torch.device,
) -> dict[str, Any]:
    """Describe a run: data, settings, model and software.

    Args:
        job: settings.
        corpus: data.
        config: sizes of the model.
        vectors: pretrained vectors, or None.
        device: where it trains.

    Returns:
        JSON values by names that tell a person what differs.
    """
    kernel = load_gru_kernel()
    return {
        "training data": _digest(corpus.train),
        "development data": _digest(corpus.dev),
        "test data": _digest(corpus.test),
        "tags": [head.to_dict() for head in corpus.heads],
        "vectors": None if vectors is None else _digest_vectors(vectors),
        "language": job.language,
        "device": str(device),
        "threads": torch.get_num_threads(),
        "kernels": {
            "gru": kernel.name if kernel else None,
            "crf": load_crf_kernel() is not None,
            "tables": load_table_kernel() is not None,
        },
        "versions": {"rnncli": version("rnncli"), "torch": torch.__version__},
        **to_dict(job.training),
        "model": to_dict(config),
    }


def _digest(sentences: Iterable[Sentence]) -> str:
    digest = hashlib.sha256()
    for sentence in sentences:
        digest.update(repr((sentence.tokens, sentence.tags, sentence.also)).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _digest_vectors(vectors: Vectors) -> str:
    return hashlib.sha256(vectors.vocabulary.to_bytes() + vectors.table.tobytes()).hexdigest()

"""The NumPy tagger against the torch one, and what must not change a sentence's answer."""

import copy
import itertools
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rnncli.cells import CELLS
from rnncli.config import TrainingConfig
from rnncli.data.tag_schemes import Scheme, allowed_transitions
from rnncli.data.tag_sets import TagSet
from rnncli.decoding.packed import Packing, pack
from rnncli.decoding.viterbi import Viterbi
from rnncli.inference.tag_decoder import TagDecoder
from rnncli.inference.tagging import SentenceTagger, build_tagger
from rnncli.models.torch_backend import TorchTagger
from rnncli.runtime import tagger as runtime_tagger
from rnncli.runtime.tagger import Tagger
from rnncli.training.export import to_arrays
from rnncli.training.tagger_data import TaggerData

Build = Callable[..., Any]
Sentences = Callable[..., list[list[str]]]
LENGTHS = [3, 1, 9, 2, 14, 6]
CASES = [
    {
        "seed": 3 * layers + bool(size) + 10 * i,
        "num_layers": layers,
        "vector_size": size,
        "hidden_size": 2 * i + 1,
        "num_heads": 1 + i % 2,
        "linear_window": (5, 3, 1, 0)[i],
    }
    for layers in (1, 2)
    for size in (0, 5)
    for i in range(4)
] + [
    {
        "seed": 20 + i,
        "num_layers": 2,
        "vector_size": 0,
        "hidden_size": 5,
        "cell": cell,
        "activation": "leaky",
        "scale": 0.2,
    }
    for i, cell in enumerate(CELLS)
]


def tag_names(model: Any) -> tuple[str, ...]:
    """The random models have two types in BIOES."""
    names = ("O", *(f"{prefix}-{name}" for name in ("LOC", "PER") for prefix in "BIES"))
    assert names == model.heads[0].tags
    return names


def unpacked(emissions: NDArray[Any], packing: Packing, lengths: list[int]) -> list[NDArray[Any]]:
    return np.split(emissions[packing.rows()], np.cumsum(lengths)[:-1])


def numpy_emissions(tagger: Any, sentences: list[list[str]]) -> list[NDArray[Any]]:
    emissions, packing = tagger.emissions(sentences)
    return unpacked(emissions, packing, [len(tokens) for tokens in sentences])


@pytest.mark.parametrize("case", CASES)
def test_emissions_equal_the_training_model_in_float64(
    case: dict[str, Any], random_model: Build, random_sentences: Sentences
) -> None:
    """The algebra of both halves: whatever differs by more than rounding is a bug in one of them."""
    built = random_model(**case)
    sentences = random_sentences(case["seed"], LENGTHS)
    runtime = Tagger(built.config, built.tensors, built.vocabulary, dtype=np.float64)
    mine = {len(tokens): rows for tokens, rows in zip(sentences, numpy_emissions(runtime, sentences), strict=True)}
    model = copy.deepcopy(built.model).double().eval()
    tags = [[[head.tags[0]] * n for n in LENGTHS] for head in built.heads]
    data = TaggerData(sentences, tags, built.heads, built.config.features, built.vocabulary)
    seen = 0
    for batch in data.epoch(TrainingConfig(batch_tokens=20, mention_replacement=0.0), 1):
        with torch.no_grad():
            emissions = model.emissions(batch).numpy()
        assert emissions.dtype == np.float64
        for row, length in zip(emissions, batch.lengths.tolist(), strict=True):
            # Each length occurs once, so it tells which sentence this is.
            np.testing.assert_allclose(mine[length], row[:length], rtol=0, atol=1e-10)
            seen += 1
    assert seen == len(LENGTHS)


@pytest.mark.parametrize("case", CASES)
def test_torch_backend_gives_the_same_emissions_and_decodes(
    case: dict[str, Any], random_model: Build, random_sentences: Sentences
) -> None:
    built = random_model(**case)
    sentences = random_sentences(case["seed"] + 1, [7, 2, 1, 12, 5, 5, 30])
    torch_tagger = TorchTagger(built.config, built.tensors, built.vocabulary, built.heads, "cpu")
    numpy_tagger = Tagger(built.config, built.tensors, built.vocabulary)
    for one, other in zip(
        numpy_emissions(torch_tagger, sentences), numpy_emissions(numpy_tagger, sentences), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=0, atol=5e-4)
    decoders = [TagDecoder(head, built.tensors, i) for i, head in enumerate(built.heads)]
    answers = [SentenceTagger(t, decoders).tag_all(sentences) for t in (torch_tagger, numpy_tagger)]
    assert answers[0] == answers[1]
    assert len({tag for tags in answers[0][0] for tag in tags}) > 1


def test_half_precision_tables_are_read_as_the_numbers_they_hold(
    random_model: Build, random_sentences: Sentences
) -> None:
    built = random_model(4)
    halves = {name: array.astype(np.float16) for name, array in built.tensors.items()}
    widened = {name: array.astype(np.float64) for name, array in halves.items()}
    sentences = random_sentences(4, LENGTHS)
    one, other = (numpy_emissions(Tagger(built.config, t, dtype=np.float64), sentences) for t in (halves, widened))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-10)


def test_export_stores_large_tensors_in_half_precision_and_the_decodes_stay_close(
    random_model: Build, random_sentences: Sentences
) -> None:
    built = random_model(5, hidden_size=40)
    arrays = to_arrays(built.model.state_dict())
    types = {name: array.dtype for name, array in arrays.items()}
    assert {np.dtype("float16"), np.dtype("float32")} == set(types.values())
    for name, array in arrays.items():
        np.testing.assert_allclose(array.astype(np.float64), built.tensors[name], rtol=1e-3, atol=1e-4)
    sentences = random_sentences(5, LENGTHS)
    exact, stored = (numpy_emissions(Tagger(built.config, t), sentences) for t in (built.tensors, arrays))
    spread = np.concatenate(exact).std()
    for a, b in zip(exact, stored, strict=True):
        assert np.abs(a - b).max() < 0.02 * spread


@pytest.mark.parametrize("num_layers", [1, 2])
def test_batch_mates_and_order_change_nothing(
    num_layers: int, random_model: Build, random_sentences: Sentences
) -> None:
    built = random_model(6, num_layers=num_layers)
    sentences = random_sentences(6, [5, 1, 17, 3, 3, 40, 2])
    tagger = Tagger(built.config, built.tensors)
    together = numpy_emissions(tagger, sentences)
    backwards = numpy_emissions(tagger, sentences[::-1])[::-1]
    for tokens, one, other in zip(sentences, together, backwards, strict=True):
        alone = numpy_emissions(Tagger(built.config, built.tensors), [tokens])[0]
        np.testing.assert_allclose(one, alone, rtol=0, atol=1e-5)
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)


def test_two_threads_give_the_same_numbers(random_model: Build, random_sentences: Sentences) -> None:
    built = random_model(7, num_layers=2)
    # Enough tokens that starting a thread is worth it.
    sentences = random_sentences(7, [60] * 100)
    one = numpy_emissions(Tagger(built.config, built.tensors, threads=1), sentences)
    before = threading.active_count()
    tagger = Tagger(built.config, built.tensors, threads=2)
    two = numpy_emissions(tagger, sentences)
    assert threading.active_count() > before
    for a, b in zip(one, two, strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("cell", CELLS)
def test_a_full_cache_changes_nothing(
    cell: str, random_model: Build, random_sentences: Sentences, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards stale rows: words evicted and words computed in their place."""
    built = random_model(8, cell=cell)
    sentences = random_sentences(8, [12] * 40)
    expected = [numpy_emissions(Tagger(built.config, built.tensors), [tokens])[0] for tokens in sentences]
    assert len({token for tokens in sentences for token in tokens}) > 30
    monkeypatch.setattr(runtime_tagger, "CACHED_WORDS", 13)
    monkeypatch.setattr(runtime_tagger, "_CACHE_BYTES", 0)
    tagger = Tagger(built.config, built.tensors)
    for _ in range(2):
        for tokens, emissions in zip(sentences, expected, strict=True):
            np.testing.assert_allclose(numpy_emissions(tagger, [tokens])[0], emissions, rtol=0, atol=1e-5)


def sentence_tagger(built: Any) -> SentenceTagger:
    return build_tagger(built.config, built.heads, built.tensors)


def test_tagging_keeps_order_empty_sentences_and_legal_tags(random_model: Build, random_sentences: Sentences) -> None:
    built = random_model(9, vector_size=3)
    names = tag_names(built)
    # More sentences and tokens than one batch holds.
    sentences = random_sentences(9, [0, 3, 700, 1, 0, 12, *range(2, 160)])
    answers = sentence_tagger(built).tag(sentences)
    assert [len(tags) for tags in answers] == [len(tokens) for tokens in sentences]
    allowed, start, end = allowed_transitions(names)
    for tags in filter(None, answers):
        ids = [names.index(tag) for tag in tags]
        assert start[ids[0]]
        assert end[ids[-1]]
        assert all(allowed[i][j] for i, j in itertools.pairwise(ids))
    for i in (1, 2, 3, 50, 163):
        assert sentence_tagger(built).tag([sentences[i]]) == [answers[i]]
    assert sentence_tagger(built).tag(sentences[::-1]) == answers[::-1]


class Recorder:
    """A backend that keeps what it was asked and what it answered."""

    def __init__(self, backend: Tagger) -> None:
        self.backend = backend
        self.calls: list[tuple[list[str], NDArray[Any]]] = []

    def emissions(self, sentences: list[list[str]]) -> tuple[NDArray[Any], Packing]:
        emissions, packing = self.backend.emissions(sentences)
        assert len(sentences) == 1
        self.calls.append((list(sentences[0]), emissions[packing.rows()]))
        return emissions, packing


def test_a_long_sentence_is_tagged_in_windows_as_in_one_piece(random_model: Build, random_sentences: Sentences) -> None:
    """Guards off-by-one errors where windows meet: a wrong skip shifts everything behind the first window."""
    # Weights so large that the recurrence forgets nothing would make every window differ.
    built = random_model(10, hidden_size=8, scale=0.25)
    [tokens] = random_sentences(10, [5000])
    backend = Tagger(built.config, built.tensors)
    recorder = Recorder(backend)
    crf = [built.tensors[f"crf.0.{name}"] for name in ("transitions", "start", "end")]
    names = tag_names(built)
    [in_windows] = SentenceTagger(recorder, [TagDecoder(built.heads[0], built.tensors)]).tag([tokens])
    assert len(recorder.calls) > 1
    assert max(len(part) for part, _ in recorder.calls) < len(tokens)
    assert len(in_windows) == len(tokens)

    whole = numpy_emissions(backend, [tokens])[0]
    covered = np.zeros(len(tokens), dtype=bool)
    for part, emissions in recorder.calls:
        start = next(i for i in range(len(tokens)) if tokens[i : i + len(part)] == part)
        # Away from where the window was cut, the recurrence has forgotten that it was.
        inner = slice(0 if start == 0 else 100, len(part) if start + len(part) == len(tokens) else len(part) - 100)
        positions = np.arange(start, start + len(part))[inner]
        np.testing.assert_allclose(emissions[inner], whole[positions], rtol=0, atol=1e-3)
        covered[positions] = True
    assert covered.all()

    allowed, may_start, may_end = allowed_transitions(names)
    masked = [np.where(a, t, -1e4).astype(np.float64) for a, t in zip((allowed, may_start, may_end), crf, strict=True)]
    in_one_piece = Viterbi(*masked).best(whole.astype(np.float64), pack([len(tokens)]))
    # Over thousands of tokens two paths may come as close as rounding; a wrong stitch differs in half of all tokens.
    assert sum(tag != names[i] for tag, i in zip(in_windows, in_one_piece, strict=True)) <= 5


def test_a_windowed_sentence_takes_no_other_with_it() -> None:
    """Guards against a short sentence that shares a batch with one that is scored in windows."""

    class Backend:
        def emissions(self, sentences: Sequence[Sequence[str]]) -> tuple[NDArray[Any], Packing]:
            packing = pack([len(tokens) for tokens in sentences])
            scores = np.zeros((sum(map(len, sentences)), 2))
            scores[packing.rows(), [int(token) for tokens in sentences for token in tokens]] = 9.0
            return scores, packing

    crf = {"crf.0.transitions": np.zeros((2, 2)), "crf.0.start": np.zeros(2), "crf.0.end": np.zeros(2)}
    tagger = SentenceTagger(Backend(), [TagDecoder(TagSet("ner", ("O", "S-X"), Scheme.BIOES), crf)])
    generator = np.random.default_rng(1)
    sentences = [[str(x) for x in generator.integers(2, size=size)] for size in (900, 2_500, 3_000, 5, 2_049)]
    expected = [tuple(("O", "S-X")[int(token)] for token in tokens) for tokens in sentences]
    assert tagger.tag(sentences) == expected

"""The tagger as a filter: a model, an input format and an output format."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from rnncli.data.byte_lines import LineBlock
from rnncli.data.formats.tagged import (
    TagRecord,
    TagWriter,
    parse_json,
    parse_raw,
    parse_tokens,
    read_columns,
    read_lines,
)
from rnncli.data.tokenizer import Tokenizer
from rnncli.data.tokenizer_rules import TokenizerRules
from rnncli.errors import ModelError
from rnncli.inference.tagging import load_tagger
from rnncli.model_file import tensor_text


class TagFilter:
    """Reads, tags and writes records.

    Args:
        model: path of the model.
        input_format: one of `data.formats.tagged.INPUTS`.
        output_format: one of `data.formats.tagged.OUTPUTS`.
        text_field: JSON field with the text or the tokens.
        field: JSON field for the result.
        separator: byte that ends a record's line.
        scores: say how probable each span or tag is.
        n_best: how many readings of a record to write, None for the best one alone.
        threads: to compute with.
        device: `cpu`, or a GPU's name.

    Raises:
        ModelError: the file is no tagger, or damaged.
        ResourceError: no such device.
    """

    def __init__(
        self,
        model: str,
        *,
        input_format: str = "raw",
        output_format: str = "inline",
        text_field: str = "text",
        field: str = "tags",
        separator: bytes = b"\n",
        scores: bool = False,
        n_best: int | None = None,
        threads: int = 1,
        device: str = "cpu",
    ) -> None:
        """Load the model; the tokenizer's patterns compile when raw text comes."""
        tagger, file = load_tagger(model, threads=threads, device=device)
        self._input_format = input_format
        self._predict: Callable[[Sequence[Sequence[str]]], Sequence[Any]] = tagger.tag
        self._render: Callable[[TagRecord, Any], bytes] = TagWriter(output_format, separator, field).render
        if scores or n_best is not None:
            from rnncli.data.formats.scored_tags import NBestWriter, ScoreWriter  # plain tags need none of it
            from rnncli.inference.tag_confidence import ConfidentTagger, stored_temperature

            spans = file.task != "pos"
            confident = ConfidentTagger(tagger, stored_temperature(model, file.metadata), spans=spans)
            self._predict = confident.tag
            self._render = ScoreWriter(output_format, separator, field, bare_outside=spans).render
            if n_best is not None:
                self._predict = partial(confident.n_best, n=n_best)
                self._render = NBestWriter(output_format, separator, field, n=n_best).render
        self._text_field = text_field
        if input_format in ("raw", "jsonl"):
            try:
                self._tokenizer = Tokenizer(TokenizerRules.from_json(tensor_text(file.tensors["tokenizer"])))
            except ValueError as error:
                raise ModelError(f"{model}: its tokenizer rules are damaged: {error}") from error

    def read(self, blocks: Iterable[LineBlock]) -> Iterator[tuple[list[TagRecord], bool]]:
        """Yield the records that a block completes, and whether reading on would block."""
        if self._input_format == "conll":
            return read_columns(blocks)
        if self._input_format == "tokens":
            return read_lines(blocks, parse_tokens)
        if self._input_format == "jsonl":
            return read_lines(blocks, parse_json(self._tokenizer.spans, self._text_field))
        return read_lines(blocks, parse_raw(self._tokenizer.spans))

    def predict(self, records: Sequence[TagRecord]) -> Sequence[Any]:
        """Return the tags of each record, with scores or with others where they were asked for."""
        return self._predict([record.tokens or () for record in records])

    def render(self, record: TagRecord, result: Any) -> bytes:
        """Return a record's row, or rows."""
        return self._render(record, result)

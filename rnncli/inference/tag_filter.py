"""The tagger as a filter: a model, an input format and an output format."""

from collections.abc import Iterable, Iterator, Sequence

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
        threads: int = 1,
        device: str = "cpu",
    ) -> None:
        """Load the model; the tokenizer's patterns compile when raw text comes."""
        self._tagger, file = load_tagger(model, threads=threads, device=device)
        self._input_format = input_format
        self._writer = TagWriter(output_format, separator, field)
        self._text_field = text_field
        self._model = model
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
            return read_lines(blocks, parse_json(self._tokenize, self._text_field))
        return read_lines(blocks, parse_raw(self._tokenize))

    def _tokenize(self, text: str) -> list[tuple[int, int]]:
        try:
            return self._tokenizer.spans(text)
        except ValueError as error:
            raise ModelError(f"{self._model}: {error}") from error

    def predict(self, records: Sequence[TagRecord]) -> Sequence[tuple[str, ...]]:
        """Return the tags of each record."""
        return self._tagger.tag([record.tokens or () for record in records])

    def render(self, record: TagRecord, result: tuple[str, ...] | None) -> bytes:
        """Return a record's row."""
        return self._writer.render(record, result)

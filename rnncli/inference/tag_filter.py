"""The tagger as a filter: a model, an input format and an output format."""

from collections.abc import Iterable, Iterator, Sequence

from rnncli.data.byte_lines import LineBlock
from rnncli.data.formats.tag_records import (
    TagRecord,
    parse_json,
    parse_raw,
    parse_tokens,
    read_columns,
    read_lines,
)
from rnncli.data.formats.tagged import TagWriter
from rnncli.data.tag_schemes import Scheme
from rnncli.data.tokenizer import Tokenizer
from rnncli.data.tokenizer_rules import TokenizerRules
from rnncli.errors import ModelError, UsageError
from rnncli.inference.tagging import load_tagger
from rnncli.model_file import tensor_text


class TagFilter:
    """Reads, tags and writes records.

    Args:
        model: path of the model.
        input_format: one of `data.formats.tag_records.INPUTS`.
        output_format: one of `data.formats.tagged.OUTPUTS`.
        token_column: 0-based index of the tokens among columns, None to detect it.
        task: whose tags are written where a model has several heads, None for the first.
        scheme: in which spans are answered, None for that of the training data.
        text_field: JSON field with the text or the tokens.
        field: JSON field for the result.
        separator: byte that ends a record's line.
        threads: to compute with.
        device: `cpu`, or a GPU's name.

    Raises:
        ModelError: the file is no tagger, or damaged.
        ResourceError: no such device.
        UsageError: the model has no head for the task, or one without spans where a scheme is given.
    """

    def __init__(
        self,
        model: str,
        *,
        input_format: str = "raw",
        output_format: str = "inline",
        token_column: int | None = None,
        task: str | None = None,
        scheme: Scheme | None = None,
        text_field: str = "text",
        field: str = "tags",
        separator: bytes = b"\n",
        threads: int = 1,
        device: str = "cpu",
    ) -> None:
        """Load the model; the tokenizer's patterns compile when raw text comes."""
        self._tagger, file = load_tagger(model, scheme=scheme, threads=threads, device=device)
        self._input_format = input_format
        self._token_column = token_column
        heads = [decoder.head for decoder in self._tagger.decoders]
        chosen = self._tagger.find_head(task)
        if scheme is not None and heads[chosen].scheme is None:
            raise UsageError(f"--scheme {scheme}: {model} gives plain tags, no spans")
        # Only JSON has room for what other heads say.
        self._head = None if output_format == "jsonl" else chosen
        written, place = (heads, chosen) if self._head is None else ([heads[chosen]], 0)
        self._writer = TagWriter(output_format, written, place, separator=separator, field=field)
        self._text_field = text_field
        if input_format in ("raw", "jsonl"):
            try:
                self._tokenizer = Tokenizer(TokenizerRules.from_json(tensor_text(file.tensors["tokenizer"])))
            except ValueError as error:
                raise ModelError(f"{model}: its tokenizer rules are damaged: {error}") from error

    def read(self, blocks: Iterable[LineBlock]) -> Iterator[tuple[list[TagRecord], bool]]:
        """Yield the records that a block completes, and whether reading on would block."""
        if self._input_format in ("conll", "conllu"):
            return read_columns(blocks, self._token_column, is_conllu=self._input_format == "conllu")
        if self._input_format == "tokens":
            return read_lines(blocks, parse_tokens)
        if self._input_format == "jsonl":
            return read_lines(blocks, parse_json(self._tokenizer.spans, self._text_field))
        return read_lines(blocks, parse_raw(self._tokenizer.spans))

    def predict(self, records: Sequence[TagRecord]) -> Sequence[tuple[tuple[str, ...], ...]]:
        """Return the tags of each record, one tuple a head that is written."""
        sentences = [record.tokens or () for record in records]
        if self._head is None:
            return list(zip(*self._tagger.tag_all(sentences), strict=True))
        return [(tags,) for tags in self._tagger.tag(sentences, self._head)]

    def render(self, record: TagRecord, result: tuple[tuple[str, ...], ...] | None) -> bytes:
        """Return a record's row."""
        return self._writer.render(record, result)

"""The tagger as a filter: a model, an input format and an output format."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from rnncli.data.byte_lines import LineBlock
from rnncli.data.formats.conll import Layout, find_record_end
from rnncli.data.formats.tag_records import (
    TagRecord,
    first_layout,
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
from rnncli.model_bytes import PendingModel
from rnncli.model_file import tensor_text

if TYPE_CHECKING:
    from rnncli.data.chunks import Chunk, FindEnd

Predict = Callable[[Sequence[Sequence[str]]], Sequence[Any]]


class Writer(Protocol):
    """Writes what was predicted for a record."""

    def render(self, record: TagRecord, result: Any, /) -> bytes:
        """Return the bytes of a record; the result is None for a blank or a bad one."""


class TagFilter:
    """Reads, tags and writes records.

    Args:
        model: path of the model.
        pending: the same model, if a thread reads it already.
        input_format: one of `data.formats.tag_records.INPUTS`.
        output_format: one of `data.formats.tagged.OUTPUTS`.
        token_column: 0-based index of the tokens among columns, None to detect it.
        task: whose tags are written where a model has several heads, None for the first.
        scheme: in which spans are answered, None for that of the training data.
        text_field: JSON field with the text or the tokens.
        field: JSON field for the result.
        separator: byte that ends a record's line.
        scores: say how probable each span or tag is.
        n_best: how many readings of a record to write, None for the best one alone.
        threads: to compute with.
        device: `cpu`, or a GPU's name.

    Raises:
        ModelError: the file is no tagger, damaged, or has not learned the task.
        ResourceError: no such device.
        UsageError: a scheme is given for tags that are no spans.
    """

    def __init__(
        self,
        model: str,
        *,
        pending: PendingModel | None = None,
        input_format: str = "raw",
        output_format: str = "inline",
        token_column: int | None = None,
        task: str | None = None,
        scheme: Scheme | None = None,
        text_field: str = "text",
        field: str = "tags",
        separator: bytes = b"\n",
        scores: bool = False,
        n_best: int | None = None,
        threads: int = 1,
        device: str = "cpu",
    ) -> None:
        """Load the model; the tokenizer's patterns compile when raw text comes."""
        tagger, file = load_tagger(model, pending=pending, scheme=scheme, threads=threads, device=device)
        self._input_format = input_format
        self._token_column = token_column
        heads = [decoder.head for decoder in tagger.decoders]
        chosen = tagger.find_head(task, model)
        if scheme is not None and heads[chosen].scheme is None:
            raise UsageError(f"--scheme {scheme}: {model} gives plain tags, no spans")
        self._predict: Predict
        if scores or n_best is not None:
            from rnncli.data.formats.scored_tags import NBestWriter, ScoreWriter  # plain tags need none of it
            from rnncli.inference.tag_confidence import ConfidentTagger, stored_temperature

            confident = ConfidentTagger(tagger, stored_temperature(model, file.metadata, heads[chosen].task), chosen)
            self._predict, head = confident.tag, heads[chosen]
            self._writer: Writer = ScoreWriter(output_format, head, separator=separator, field=field)
            if n_best is not None:
                self._predict = partial(confident.n_best, n=n_best)
                self._writer = NBestWriter(output_format, head, n_best, separator=separator, field=field)
        elif output_format == "jsonl":  # which alone has room for what other heads say
            self._predict = lambda sentences: list(zip(*tagger.tag_all(sentences), strict=True))
            self._writer = TagWriter(output_format, heads, chosen, separator=separator, field=field)
        else:
            self._predict = lambda sentences: [(tags,) for tags in tagger.tag(sentences, chosen)]
            self._writer = TagWriter(output_format, [heads[chosen]], separator=separator, field=field)
        self._text_field = text_field
        self._model = model
        self._separator = separator
        if input_format in ("raw", "jsonl"):
            try:
                self._tokenizer = Tokenizer(TokenizerRules.from_json(tensor_text(file.tensors["tokenizer"])))
            except ValueError as error:
                raise ModelError(f"{model}: its tokenizer rules are damaged: {error}") from error

    @property
    def find_end(self) -> "FindEnd":
        """Finds the end of the last whole record among bytes."""
        from rnncli.data.chunks import find_line_end  # one process needs nothing of it

        return find_record_end if self._input_format in ("conll", "conllu") else find_line_end(self._separator)

    def context_behind(self, chunk: "Chunk", context: Layout | None) -> Layout | None:
        """Return what reading on behind a chunk depends on: of columns, their layout.

        Args:
            chunk: some records.
            context: the same in front of them, None at the beginning of an input.
        """
        if self._input_format != "conll" or context is not None:
            return context
        return first_layout(chunk.blocks(self._separator), self._token_column)

    def read(
        self, blocks: Iterable[LineBlock], context: Layout | None = None
    ) -> Iterator[tuple[list[TagRecord], bool]]:
        """Yield the records that a block completes, and whether reading on would block.

        Args:
            blocks: lines of an input.
            context: the columns' layout, None to detect it.
        """
        if self._input_format in ("conll", "conllu"):
            is_conllu = self._input_format == "conllu"
            return read_columns(blocks, self._token_column, is_conllu=is_conllu, layout=context)
        if self._input_format == "tokens":
            return read_lines(blocks, parse_tokens)
        if self._input_format == "jsonl":
            return read_lines(blocks, parse_json(self._tokenize, self._text_field, self._separator))
        return read_lines(blocks, parse_raw(self._tokenize))

    def _tokenize(self, text: str) -> list[tuple[int, int]]:
        try:
            return self._tokenizer.spans(text)
        except ValueError as error:
            raise ModelError(f"{self._model}: {error}") from error

    def predict(self, records: Sequence[TagRecord]) -> Sequence[Any]:
        """Return the tags of each record, with scores or with other readings where they were asked for."""
        return self._predict([record.tokens or () for record in records])

    def render(self, record: TagRecord, result: Any) -> bytes:
        """Return a record's row, or rows."""
        return self._writer.render(record, result)

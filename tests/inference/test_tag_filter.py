"""The tagger as a filter, inside this process: how the input is cut into blocks changes nothing."""

import io
import itertools
from pathlib import Path

import pytest

from rnncli.data import byte_lines
from rnncli.data.formats.tag_records import INPUTS
from rnncli.data.formats.tagged import OUTPUTS
from rnncli.data.tag_schemes import Scheme
from rnncli.errors import ModelError
from rnncli.inference import streaming
from rnncli.inference.tag_filter import TagFilter

ROW = "{}\t{}\t_\tX\t_\t_\t_\t_\t_\tSpaceAfter=No"
CONLLU = "\n".join(
    [
        "# text = Ada didn't go",
        ROW.format("1", "Ada"),
        ROW.format("2-3", "didn't"),
        ROW.format("2", "did"),
        ROW.format("3", "n't"),
        ROW.format("3.1", "e"),
        "",
        "",
        ROW.format("1", "Bob"),
        "broken",
        "",
        "#only a comment",
        "",
        ROW.format("1", "Rene\u0301"),
        "",
        "",
    ]
)
FEEDS = {
    "raw": 'Ada met Bob in "Paris".\n\n   \nIt rained all day in Oslo .\r\n\xff\nBob\n',
    "tokens": "Ada met Bob\n\nIt  rained\tin Oslo\n",
    "conll": "-DOCSTART- O\n\n# a comment here\nAda O\nmet O\n\n\nBob O\nx y z\n\nParis O\n",
    "conllu": CONLLU,
    "jsonl": '{"text":"Ada met Bob."}\n\n{"text":["a","Ada"]}\n{"x":1}\n[]\n{"text":""}\n',
}


def run(worker: TagFilter, data: bytes, *, unbuffered: bool = False) -> tuple[bytes, list[tuple[int, str]]]:
    out: list[bytes] = []
    problems: list[tuple[int, str]] = []

    def report(line: int, reason: str) -> bool:
        problems.append((line, reason))
        return True

    blocks = byte_lines.read_blocks(io.BytesIO(data))
    assert streaming.run_filter(worker, blocks, out.append, report, unbuffered=unbuffered) == len(problems)
    return b"".join(out), problems


@pytest.mark.parametrize("form", OUTPUTS)
@pytest.mark.parametrize("source", INPUTS)
def test_small_blocks_give_the_same_bytes(model: Path, source: str, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = TagFilter(str(model), input_format=source, output_format=form)
    for data in (FEEDS[source].encode("latin1" if source == "raw" else "utf-8") * 3, FEEDS[source].encode()[:-1]):
        whole = run(worker, data)
        assert bool(whole[1]) == (source != "tokens" and (source != "raw" or b"\xff" in data.split(b"\n")))
        assert run(worker, data, unbuffered=True) == whole
        for size, budget in itertools.product((1, 7, 64), (1, 50)):
            with monkeypatch.context() as small:
                small.setattr(byte_lines, "_BLOCK_SIZE", size)
                small.setattr(streaming, "_BUDGET", budget)
                assert run(worker, data) == whole


def test_what_a_model_without_spans_or_another_task_cannot_do(model: Path) -> None:
    assert TagFilter(str(model), task="ner", scheme=Scheme.IO)
    with pytest.raises(ModelError, match="has not learned pos, only ner"):
        TagFilter(str(model), task="pos")

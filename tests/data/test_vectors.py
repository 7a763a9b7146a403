"""Pretrained vectors in text form, against the numbers in the file."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from rnncli.data.formats import vectors as module
from rnncli.data.formats.vectors import read_vectors
from rnncli.errors import DataError, UsageError

ROWS = {"the": [1.0, 2.0, -3.0], "Ada": [0.5, 0.0, 4.0], "naïve": [1e-1, -2e0, 3.0]}
TEXT = "".join(f"{word} {' '.join(map(str, row))}\n" for word, row in ROWS.items())


def write(folder: Path, content: str | bytes, name: str = "v.txt") -> str:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(folder / name)


def check(path: str, rows: dict[str, list[float]]) -> None:
    """Every word's row is the file's, up to one factor that gives a mean square of 1."""
    found = read_vectors(path, set())
    stoi = found.vocabulary.get_stoi()
    assert set(rows) <= set(stoi)
    assert found.table.shape == (len(found.vocabulary), 3)
    scale = np.sqrt(np.mean(np.square(list(rows.values()))))
    for word, row in rows.items():
        np.testing.assert_allclose(found.table[stoi[word]], np.array(row) / scale, rtol=1e-5)


@pytest.mark.parametrize("head", ["", "3 3\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n", " \n"])
def test_rows_are_the_files(tmp_path: Path, head: str, end: str) -> None:
    check(write(tmp_path, (head + TEXT).replace("\n", end)), ROWS)


def test_a_missing_last_newline_a_mark_and_gz(tmp_path: Path) -> None:
    check(write(tmp_path, b"\xef\xbb\xbf" + TEXT.rstrip("\n").encode()), ROWS)
    check(write(tmp_path, gzip.compress(TEXT.encode()), "v.gz"), ROWS)


def test_an_unknown_word_has_zeros(tmp_path: Path) -> None:
    found = read_vectors(write(tmp_path, TEXT), set())
    assert found.vocabulary.lookup_indices(["no such word"]) == [0]
    assert not found.table[0].any()


def test_a_row_for_the_unknown_word_moves_no_other(tmp_path: Path) -> None:
    text = "the 1 2 -3\n<unk> 9 9 9\nAda 0.5 0 4\n"
    found = read_vectors(write(tmp_path, text), set())
    stoi = found.vocabulary.get_stoi()
    assert found.table.shape[0] == len(found.vocabulary)
    ratio = found.table[stoi["the"]] / np.array([1, 2, -3])
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)
    np.testing.assert_allclose(found.table[stoi["Ada"]], ratio[0] * np.array([0.5, 0, 4]), rtol=1e-5)


def test_words_of_the_training_data_are_kept_however_far_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_VECTORS", 2)
    lines = "".join(f"w{i} {i + 1} 0 1\n" for i in range(20))
    found = read_vectors(write(tmp_path, lines), {"W15", "w7"})
    assert set(found.vocabulary.get_stoi()) == {"<unk>", "w0", "w1", "w7", "w15"}


@pytest.mark.parametrize(
    ("content", "line"),
    [("a 1 2 3\nb 1 2\n", 2), ("a 1 2 3\nb 1 x 3\n", 2), ("2 3\na 1 2 3\nb 1 2 3 4\n", 3), ("a 1 2 3\n\nb 1 2 3\n", 2)],
)
def test_a_bad_row_is_told_with_its_line(tmp_path: Path, content: str, line: int) -> None:
    with pytest.raises(DataError) as caught:
        read_vectors(write(tmp_path, content), set())
    assert caught.value.problems[0].line == line


@pytest.mark.parametrize("value", ["nan", "inf", "1e99"])
def test_numbers_that_are_not_finite_are_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(DataError):
        read_vectors(write(tmp_path, f"a 1 2 3\nb 1 {value} 3\n"), set())


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    for content in ("", "0 3\n"):
        with pytest.raises(DataError):
            read_vectors(write(tmp_path, content), set())


def test_a_file_that_cannot_be_read_is_no_crash(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        read_vectors(str(tmp_path / "missing"), set())
    packed = gzip.compress(TEXT.encode() * 500, mtime=0)
    for name, data in {
        "text": b"no gzip",
        "cut": packed[:-12],
        "bad": packed[:15] + b"\xff\xff\xff" + packed[18:],
    }.items():
        with pytest.raises((UsageError, DataError)):
            read_vectors(write(tmp_path, data, f"{name}.gz"), set())


@pytest.mark.parametrize("number", [3e38, 1e30, 1e-30, 1e-44])
def test_numbers_whose_squares_single_precision_cannot_hold(number: float, tmp_path: Path) -> None:
    table = read_vectors(write(tmp_path, f"a {number} -{number}\nb {number} 0\n"), set()).table
    np.testing.assert_allclose(np.abs(table[1:]), np.array([[1, 1], [1, 0]]) / np.sqrt(0.75), rtol=1e-3)


def test_vectors_that_no_model_could_hold_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="4097 numbers, more than 4096"):
        read_vectors(write(tmp_path, "a " + " ".join(["1"] * 4097) + "\n"), set())

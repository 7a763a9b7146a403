"""Vocabulary: which token has which index. It speaks the language of ``torchtext.vocab.Vocab``."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

PAD, UNK, BOS, EOS = "<pad>", "<unk>", "<bos>", "<eos>"
SPECIALS = (PAD, UNK, BOS, EOS)

_ESCAPED = {"\\": "\\\\", "\n": "\\n"}
_UNESCAPED = {escaped: text for text, escaped in _ESCAPED.items()}
_NEEDS_ESCAPE = re.compile(r"[\\\n]")
_ESCAPE = re.compile(r"\\.?")


class Vocabulary:
    """An ordered set of tokens. Specials have the first indices. It does not change once made.

    A token that is not in the vocabulary has the index of ``<unk>`` when that is a special. Otherwise it is a KeyError.
    """

    def __init__(self, tokens: Iterable[str], *, specials: Sequence[str] = SPECIALS) -> None:
        """Number the specials, then the tokens, in the given order.

        Args:
            tokens: The tokens without the specials.
            specials: The special tokens.

        Raises:
            ValueError: A token occurs twice.
        """
        self._specials = tuple(specials)
        self._itos = [*self._specials, *tokens]
        self._stoi = {token: index for index, token in enumerate(self._itos)}
        if len(self._stoi) != len(self._itos):
            twice = next(token for token, count in Counter(self._itos).items() if count > 1)
            raise ValueError(f"token {twice!r} occurs twice in the vocabulary")
        self._default_index = self._stoi[UNK] if UNK in self._specials else None

    @classmethod
    def build(
        cls,
        counts: Mapping[str, int] | Iterable[Iterable[str]],
        *,
        specials: Sequence[str] = SPECIALS,
        min_freq: int = 1,
        max_tokens: int | None = None,
    ) -> "Vocabulary":
        """Build from training data: specials, then by count descending, then by code points.

        Args:
            counts: How often each token occurs, or the tokens of each sentence. Specials among them are left out.
            specials: The special tokens.
            min_freq: How often a token must occur, 1 or more.
            max_tokens: The largest size, specials included. None for no limit.

        Returns:
            The vocabulary.

        Raises:
            ValueError: `min_freq` is below 1, `max_tokens` is below the number of specials, or a special occurs twice.
        """
        if min_freq < 1:
            raise ValueError(f"min_freq must be 1 or more, not {min_freq}")
        if max_tokens is not None and max_tokens < len(specials):
            raise ValueError(f"max_tokens must be {len(specials)} or more, to hold the specials, not {max_tokens}")
        if not isinstance(counts, Mapping):
            counts = _count(counts)
        left_out = frozenset(specials)
        kept = [token for token, count in counts.items() if count >= min_freq and token not in left_out]
        kept.sort(key=lambda token: (-counts[token], token))
        if max_tokens is not None:
            del kept[max_tokens - len(specials) :]
        return cls(kept, specials=specials)

    @property
    def specials(self) -> tuple[str, ...]:
        """The special tokens. Their indices are 0, 1 and so on."""
        return self._specials

    @property
    def default_index(self) -> int | None:
        """The index of every unknown token, None when unknown tokens are an error."""
        return self._default_index

    def lookup_indices(self, tokens: Iterable[str]) -> list[int]:
        """Look up the indices of tokens.

        Args:
            tokens: The tokens.

        Returns:
            One index a token.

        Raises:
            KeyError: A token is unknown and there is no default index.
        """
        if self._default_index is None:
            return [self._stoi[token] for token in tokens]
        stoi, default_index = self._stoi, self._default_index
        return [stoi.get(token, default_index) for token in tokens]

    def lookup_tokens(self, indices: Iterable[int]) -> list[str]:
        """Look up the tokens of indices.

        Args:
            indices: Indices from 0 to the size of the vocabulary less 1.

        Returns:
            One token an index.

        Raises:
            IndexError: An index is out of range. Negative ones are, too.
        """
        return [self._token(index) for index in indices]

    def get_stoi(self) -> dict[str, int]:
        """Return a new dictionary from token to index."""
        return dict(self._stoi)

    def get_itos(self) -> list[str]:
        """Return a new list of all tokens in the order of their indices, specials included."""
        return list(self._itos)

    def to_bytes(self) -> bytes:
        r"""Write as UTF-8 text: the number of specials, then each token, a line each.

        A newline inside a token is written ``\n`` and a backslash ``\\``. Nothing else is escaped.

        Returns:
            The text. `from_bytes` reads it back.

        Raises:
            ValueError: A token holds a lone surrogate, which UTF-8 cannot hold.
        """
        lines = [str(len(self._specials))]
        lines += [_NEEDS_ESCAPE.sub(lambda match: _ESCAPED[match[0]], token) for token in self._itos]
        try:
            return ("\n".join(lines) + "\n").encode()
        except UnicodeEncodeError as error:
            token = next(token for token in self._itos if not _is_encodable(token))
            raise ValueError(f"token {token!r} holds a lone surrogate") from error

    @classmethod
    def from_bytes(cls, data: bytes) -> "Vocabulary":
        """Read what `to_bytes` wrote.

        Args:
            data: The text.

        Returns:
            The vocabulary.

        Raises:
            ValueError: The data is not such a text.
        """
        first, *lines = data.decode().split("\n")
        if not lines or lines.pop() != "":
            raise ValueError("the vocabulary does not end with a newline")
        if not re.fullmatch("0|[1-9][0-9]{0,8}", first) or int(first) > len(lines):
            raise ValueError(f"the first line of the vocabulary is not its number of specials: {first[:20]!r}")
        tokens = [_unescape(line) if "\\" in line else line for line in lines]
        num_specials = int(first)
        return cls(tokens[num_specials:], specials=tokens[:num_specials])

    def __len__(self) -> int:
        """Return the number of tokens, specials included."""
        return len(self._itos)

    def __contains__(self, token: object) -> bool:
        """Return whether the token has an index of its own."""
        return token in self._stoi

    def __getitem__(self, token: str) -> int:
        """Return the index of a token. Raises KeyError if it is unknown and there is no default index."""
        if self._default_index is None:
            return self._stoi[token]
        return self._stoi.get(token, self._default_index)

    def __iter__(self) -> Iterator[str]:
        """Return an iterator over all tokens in the order of their indices."""
        return iter(self._itos)

    def __eq__(self, other: object) -> bool:
        """Return whether both have the same specials and the same tokens in the same order."""
        if not isinstance(other, Vocabulary):
            return NotImplemented
        return self._specials == other._specials and self._itos == other._itos

    def __hash__(self) -> int:
        """Return a hash that equal vocabularies share."""
        return hash((self._specials, len(self._itos)))

    def __repr__(self) -> str:
        """Return the size and the specials."""
        return f"Vocabulary({len(self)} tokens, specials={self._specials})"

    def _token(self, index: int) -> str:
        if not 0 <= index < len(self._itos):
            raise IndexError(f"index {index} is not within a vocabulary of {len(self._itos)}")
        return self._itos[index]


def _count(sentences: Iterable[Iterable[str]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for tokens in sentences:
        counts.update(tokens)
    return counts


def _unescape(line: str) -> str:
    def text(match: re.Match[str]) -> str:
        if match[0] not in _UNESCAPED:
            raise ValueError(f"unknown escape {match[0]!r} in the vocabulary")
        return _UNESCAPED[match[0]]

    return _ESCAPE.sub(text, line)


def _is_encodable(token: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in token)

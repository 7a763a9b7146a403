"""The frozen tokenizer against spaCy itself, its offsets, its JSON and its bounds."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.data import tokenizer as tokenizer_module
from rnncli.data.tokenizer import MAX_CHUNK_LENGTH, Tokenizer
from rnncli.data.tokenizer_rules import PATTERN_NAMES, TokenizerRules
from rnncli.training.tokenizer_rules import freeze

LANGUAGES = ("en", "de", "tr")

HARD_LINES = [
    "",
    " ",
    "Angela Merkel flew to Paris.",
    "See https://www.example.com/a,b?c=d#e (or http://user:pw@host.co.uk:8080/x), or www.example.org.",
    "ftp://10.0.0.1 http://172.32.5.9/x 1.2.3.4 file.txt lower.Upper e.g.this example.com, example.com.",
    "Mail me: jane.doe+tag@mail.example.com, <a@b.de>; mailto:x@y.tr!",
    "👍🏽👍 nice!!!😀 ❤️ 👨‍👩‍👧 party🎉. 🇩🇪:) :-) ;-P (-: <3 ¯\\_(ツ)_/¯ :-))) xD O_o",
    "“Don’t,” he said – ‘never’ — «no» „doch“ ‚so‘ 'tis ''quoted'' ``tex''",
    "can't cannot won't I'd've y'all o'clock rock'n'roll John's Johns' the '90s He’s ’cause",
    "well-known twenty-one-year-old--really---yes mother–in–law a-b-c -5 --flag semi- -ly 3-4 1990-1995",
    "Dr. Smith, Ph.D., of the U.S.A. vs. Mr. X. etc. i.e. e.g. a.m. p.m. No. 5 Inc. Co. z.B. d.h. u.a. Prof. Dr.",
    "5km 10kg 3.5GB 20°C 5°C. 30% 10€ $5 US$10 £3.50 1,000.50 1.000,50 12:30 10x 3m² 5km/h 100m/s ½ 10' 6\" 2+2=4 2^10",
    "a.b.c x/y and/or w/o s/he A&B AT&T C++ C# .NET #tag @user $VAR _under_ *bold* ~tilde [1] {x} (a(b)c) (s)",
    "...wait.. what…… ok… ?! ?? !!! ., ;: ,,, a,b a,1 1,a x=y x<y>z Key:Value re:Zero",
    "Türkiye'nin 14.03.2020 3'üncü II. IV.'te XX. yüzyıl Prof. Dr. T.C. A.Ş.'nin vb. 1/2 10/a 12:30'da %50",
    "İstanbul'dan Dz.K.K.lığı Yrd.Doç. dr.'un",
    "Straße, Größe; ÄÖÜ.Xyz äöü.Abc l'été qu'il dell'arte São-Paulo 'S geht's Hab's 's ist",
    "Cafe\u0301 nai\u0308ve Mu\u0308ller's Zu\u0308rich-Oerlikon u\u0308.B a\u0301,b",
    "שלום, עולם! „שלום”. مرحبا، بالعالم؟ ١٢٣ (سلام) 5كم",
    "Привет, мир. Москва-Питер 10кг 5км/ч Ёж.Як Αθήνα·ναι 中文，测试。「日本」 हिन्दी। ქართული",
    "tab\there  two blanks\u00a0nbsp\u2009thin\u200bzero\u3000wide\r\nnew line\n\n  indented \x1c \x85 end ",
    "(can't) \"Dr.\" 'e.g.' :)) ((: (:) a:) can't. (Mr.) don't! \\n \\t <space> \\\") ' '' :\n) : ) 8) :-\u00a0) o.O.",
    "C:\\Users\\x /usr/bin/env foo_bar() x[0] {a:b} <b>bold</b> &amp; 0xFF 1e-5 v1.2.3 a@b #1 @2 1st 2nd 3rd 4.",
    "I.B.M. U.K.'s U.S.-based anti-U.S. e.g., (i.e.) Ave., St.-Denis gonna gotta lemme whaddya dunno ca. ca.50",
]

ALPHABET = (
    "abexyzABEXZ0123459.,:;!?'\"()-/&%$€£°+*=<>_#@~\\|[]{}^"
    "äöüßşıİğçéÉ“”‘’„»«–—…ñæ \t\n\u00a0\u2009\u200b\u0301\u0308Привет.אבابت،؟नम。「中😀🏽\u200d❤\ufe0f²³µ½"
)
FRAGMENTS = [
    "http://",
    "www.",
    "example.com",
    "n't",
    "'s",
    "’S",
    "US$",
    "km²",
    "m/s",
    "3.5",
    "..",
    "--",
    "……",
    "°C.",
    "A.B.",
]


@cache
def oracle(language: str) -> Callable[[str], list[str]]:
    """Tokens as a fresh spaCy pipeline makes them, without those of whitespace."""
    pipeline = spacy.blank(language)
    return lambda text: [token.text for token in pipeline.tokenizer(text) if not token.is_space]


@cache
def rules(language: str) -> TokenizerRules:
    """The rules as a model file would hold them."""
    return TokenizerRules.from_json(freeze(language).to_json())


@cache
def frozen(language: str) -> Tokenizer:
    return Tokenizer(rules(language))


def texts(language: str) -> st.SearchStrategy[str]:
    exceptions = sorted(rules(language).exceptions)
    fragment = st.one_of(st.sampled_from(ALPHABET), st.sampled_from(FRAGMENTS), st.sampled_from(exceptions))
    return st.lists(fragment, max_size=20).map("".join)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("line", HARD_LINES)
def test_hard_lines_equal_spacy(language: str, line: str) -> None:
    assert frozen(language).tokenize(line) == oracle(language)(line)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_exception_equals_spacy_in_every_surrounding(language: str) -> None:
    for exception in rules(language).exceptions:
        for text in (
            exception,
            f"({exception})",
            f"{exception}.",
            f"“{exception}",
            f"{exception},x",
            f"a {exception} 5",
        ):
            assert frozen(language).tokenize(text) == oracle(language)(text), text


@pytest.mark.parametrize("language", LANGUAGES)
@settings(deadline=None, max_examples=500)
@given(data=st.data())
def test_random_text_equals_spacy(language: str, data: st.DataObject) -> None:
    text = data.draw(texts(language))
    assert frozen(language).tokenize(text) == oracle(language)(text)


@pytest.mark.parametrize("language", LANGUAGES)
@settings(deadline=None)
@given(data=st.data())
def test_spans_cover_everything_but_whitespace(language: str, data: st.DataObject) -> None:
    text = data.draw(st.one_of(texts(language), st.text()))
    spans = frozen(language).spans(text)
    assert [text[start:end] for start, end in spans] == frozen(language).tokenize(text)
    assert all(start < end for start, end in spans)
    covered = [index for start, end in spans for index in range(start, end)]
    assert covered == sorted(set(covered))
    assert {index for index, character in enumerate(text) if not character.isspace()} <= set(covered)


@settings(deadline=None)
@given(data=st.data())
def test_tokens_do_not_depend_on_what_came_before(data: st.DataObject) -> None:
    # The cache and the choice between narrow and full patterns must not show.
    text = data.draw(texts("en"))
    assert Tokenizer(rules("en")).tokenize(text) == frozen("en").tokenize(text)


def test_an_exception_does_not_match_across_whitespace() -> None:
    assert frozen("en").tokenize(":-)") == [":-)"]
    assert frozen("en").tokenize(": -)") == oracle("en")(": -)") != [": -)"]


def test_exceptions_that_contain_whitespace() -> None:
    text = "Guías de EE. UU. y EE.  UU., (Ee. Uu.)"
    tokens = Tokenizer(freeze("es")).tokenize(text)
    assert "EE. UU." in tokens
    assert tokens == oracle("es")(text)


@pytest.mark.parametrize("language", ["zh", "ja"])
def test_characters_where_spacy_has_no_rules(language: str) -> None:
    tokenizer = Tokenizer(freeze(language))
    assert tokenizer.tokenize("日本 AB\n語。") == ["日", "本", "A", "B", "語", "。"]
    assert tokenizer.spans("日 本") == [(0, 1), (2, 3)]


def test_a_long_chunk_is_cut_into_pieces() -> None:
    chunk = "a" * (2 * MAX_CHUNK_LENGTH + 5)
    assert frozen("en").spans(f"x {chunk} y") == [
        (0, 1),
        (2, 2 + MAX_CHUNK_LENGTH),
        (2 + MAX_CHUNK_LENGTH, 2 + 2 * MAX_CHUNK_LENGTH),
        (2 + 2 * MAX_CHUNK_LENGTH, 7 + 2 * MAX_CHUNK_LENGTH),
        (8 + 2 * MAX_CHUNK_LENGTH, 9 + 2 * MAX_CHUNK_LENGTH),
    ]


@pytest.mark.parametrize("unit", ["a", "-", "can't", "x.", ":@", "é", "1,"])
def test_a_chunk_of_the_greatest_length_still_equals_spacy(unit: str) -> None:
    chunk = (unit * MAX_CHUNK_LENGTH)[:MAX_CHUNK_LENGTH]
    assert frozen("en").tokenize(chunk) == oracle("en")(chunk)


def test_a_full_cache_changes_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer_module, "MAX_CACHED_CHUNKS", 2)
    tokenizer = Tokenizer(rules("en"))
    for line in HARD_LINES:
        assert tokenizer.tokenize(line) == frozen("en").tokenize(line)


def test_what_is_asked_for_again_is_remembered_and_the_cache_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer_module, "MAX_CACHED_CHUNKS", 10)
    tokenizer = Tokenizer(rules("en"))
    asked: list[str] = []
    monkeypatch.setattr(tokenizer, "_tokenize_piece", lambda piece: asked.append(piece) or [piece])
    for number in range(100):
        tokenizer.tokenize(f"often other{number}")
        assert len(tokenizer._cache) + len(tokenizer._old_cache) <= 20
    assert asked.count("often") == 1
    monkeypatch.setattr(tokenizer_module, "_MAX_CACHED_CHARACTERS", 1_000)
    for number in range(100):
        tokenizer.tokenize(f"{number:0900}")
        kept = [*tokenizer._cache, *tokenizer._old_cache]
        assert sum(map(len, kept)) < 5_000


def test_a_pattern_compiles_only_when_a_text_needs_it() -> None:
    tokenizer = Tokenizer(TokenizerRules("xx", "0", url="(", required_characters={"url": "."}))
    assert tokenizer.tokenize("no such character") == ["no", "such", "character"]
    with pytest.raises(ValueError, match="url is not a valid regular expression"):
        tokenizer.tokenize("a.b")


@pytest.mark.parametrize("pattern", ["(", "a{99999999999}", "(" * 5_000 + ")" * 5_000, "(?<=a+)b", "*"])
def test_a_broken_pattern_is_an_error_of_the_rules(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"prefix (is not a valid regular expression|repeats something)"):
        Tokenizer(TokenizerRules("xx", "0", prefix=pattern)).tokenize("word")


ENDLESS = [
    "(a+)+$",
    "(?:a|a)*b",
    "(a*)*b",
    "(?:(?:(?:a|)+|)+)+b",
    "(?:" * 60 + "a" + "|)*" * 60 + "b",
    ".*" * 50 + "b",
    "(?=(?:a|a)*b)",
]


@pytest.mark.parametrize("pattern", ENDLESS)
def test_a_match_that_never_ends_is_broken_off(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer_module, "_START_S", 0.1)
    tokenizer = Tokenizer(TokenizerRules("xx", "0", prefix=pattern))
    assert tokenizer.tokenize("ok") == ["ok"]
    with pytest.raises(ValueError, match=r"^its tokenizer's pattern prefix does not come to an end$"):
        tokenizer.tokenize("x " + "a" * 40 + "!")


@pytest.mark.parametrize("name", PATTERN_NAMES)
def test_every_pattern_is_limited(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer_module, "_START_S", 0.1)
    tokenizer = Tokenizer(TokenizerRules("xx", "0", **{name: "(?:a|a)*b"}))
    with pytest.raises(ValueError, match=f"^its tokenizer's pattern {name} does not come to an end$"):
        tokenizer.tokenize("a" * 40)


def test_the_time_of_the_worst_honest_text_is_granted() -> None:
    """A second for each of these pieces, in which spaCy's own patterns look for an end of an address in vain."""
    assert len(frozen("en").tokenize(" ".join("http://" + unit * 300 for unit in ("(…)", ":…(", "…(:")))) > 900


@pytest.mark.parametrize(
    "changes",
    [
        {"prefix": "(?:(?=a)){10001}"},
        {"prefix": "(?:(?:(?=a)){100,}){101}"},
        {"suffix": "{99999999999999999999}"},
        {"url": "a", "narrow_patterns": {"url": "(?:){20000,20001}"}},
        {"infix": "x" * (1 << 21) + "x"},
        {"exceptions": {"a" * 101: ("a",) * 101}},
        {"exceptions": {"ab": ("ab",)}, "exception_sequences": {"ab": ("a",) * 101}},
        {"exceptions": {f"a{i}": (f"a{i}",) for i in range((1 << 17) + 1)}},
        {
            "exceptions": {f"a{i}": (f"a{i}",) for i in range(1001)},
            "exception_sequences": {f"a{i}": ("a", str(i)) for i in range(1001)},
        },
    ],
)
def test_rules_beyond_all_measure_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^tokenizer rules: "):
        TokenizerRules("xx", "0", **changes)


def test_json_beyond_all_measure_is_refused_unread() -> None:
    with pytest.raises(ValueError, match=r"^tokenizer rules: 4194305 characters"):
        TokenizerRules.from_json("x" * ((1 << 22) + 1))


@pytest.mark.parametrize("language", ["fr", *(pytest.param(name, marks=pytest.mark.slow) for name in ("id", "ms"))])
def test_the_largest_rules_of_spacy_are_within_bounds(language: str) -> None:
    assert TokenizerRules.from_json(freeze(language).to_json()).language == language


def test_narrow_patterns_serve_narrow_text_alone() -> None:
    tokenizer = Tokenizer(TokenizerRules("xx", "0", prefix="^[aж]", narrow_patterns={"prefix": "^[a]"}))
    assert tokenizer.tokenize("ab жb") == ["a", "b", "ж", "b"]


def test_no_spacy_is_imported() -> None:
    script = "import sys, rnncli.data.tokenizer; sys.exit('spacy' in sys.modules or 'torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("language", [*LANGUAGES, "zh"])
def test_json_round_trip(language: str) -> None:
    text = freeze(language).to_json()
    assert TokenizerRules.from_json(text) == freeze(language)
    assert TokenizerRules.from_json(text).to_json() == text
    assert text.isascii()


def changed(change: dict[str, Any]) -> str:
    content = json.loads(TokenizerRules("xx", "3.8", url="u", exceptions={"ab": ("a", "b")}).to_json())
    return json.dumps(content | change)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "expected an object, found list"),
        ("null", "expected an object, found null"),
        ("{}", "missing parts"),
        (changed({"more": 1}), r"unknown parts: \['more'\]"),
        (changed({"language": None}), "language: expected a string, found null"),
        (changed({"kind": "words"}), "kind 'words' is not one of"),
        (changed({"kind": 1}), "kind: expected a string, found int"),
        (changed({"prefix": 5}), "prefix: expected a string, found int"),
        (changed({"exceptions": []}), "exceptions: expected an object, found list"),
        (changed({"exceptions": {"ab": "ab"}}), "'ab': expected a list of strings"),
        (changed({"exceptions": {"ab": ["a", 1]}}), "'ab': expected a list of strings"),
        (changed({"exceptions": {"ab": ["a", "c"]}}), "do not make up its text"),
        (changed({"exceptions": {"ab": ["ab", ""]}}), "do not make up its text"),
        (changed({"exceptions": {"": []}}), "do not make up its text"),
        (changed({"exception_sequences": {"x": ["x"]}}), "'x' is no exception"),
        (changed({"exception_sequences": {"ab": []}}), "'ab' is no exception or has no tokens"),
        (changed({"narrow_patterns": {"prefix": "a"}}), "there is no pattern 'prefix'"),
        (changed({"narrow_patterns": {"language": "a"}}), "there is no pattern 'language'"),
        (changed({"required_characters": {"url": 1}}), "url: expected a string, found int"),
    ],
)
def test_malformed_json(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^tokenizer rules: .*{message}"):
        TokenizerRules.from_json(text)


def lines_of(root: Path, pattern: str, prefix: str = "") -> Iterator[str]:
    for path in sorted(root.glob(pattern)):
        with path.open(encoding="utf-8", newline="\n") as lines:
            yield from (line.rstrip("\n").removeprefix(prefix) for line in lines if line.startswith(prefix))


def sentences_of(root: Path, pattern: str) -> Iterator[str]:
    sentence: list[str] = []
    for line in (*lines_of(root, pattern), ""):
        if line.strip():
            sentence.append(line.split()[0])
        else:
            yield " ".join(sentence)
            sentence = []


@pytest.mark.skipif("RNNCLI_BENCH_DATA" not in os.environ, reason="needs the benchmark data in RNNCLI_BENCH_DATA")
@pytest.mark.parametrize("name", ["ewt", "atis", "germeval", "sms"])
def test_real_text_equals_spacy(name: str) -> None:
    root = Path(os.environ["RNNCLI_BENCH_DATA"])
    if name == "ewt":
        language, lines = "en", lines_of(root, "pos/ud_english_ewt/*.conllu", "# text = ")
    elif name == "atis":
        language, lines = "tr", lines_of(root, "pos/ud_turkish_atis/*.conllu", "# text = ")
    elif name == "germeval":
        language, lines = "de", sentences_of(root, "ner/germeval2014/*.conll")
    else:
        language, lines = "en", lines_of(root, "classify/sms_spam/*.tsv")
    count = 0
    for line in lines:
        assert frozen(language).tokenize(line) == oracle(language)(line), line
        count += 1
    assert count > 1_000

"""A small grammar of English whose sentences carry their own annotation."""

from dataclasses import replace

from lexicon import (
    ALONE,
    DRINKING,
    MOTION,
    OFTEN,
    ON_FOOD,
    ON_IDEAS,
    ON_PEOPLE,
    ON_THINGS,
    PARTICLES,
    SAYING,
    WANTING,
    Word,
    finite,
    infinitive,
    participle,
    verb_form,
)
from phrases import SOMEBODY, THING, Phrase, Phrases, Words, adverb, determiner, noun, preposition

_NOT = Word("not", "not", "PART", "RB", "Polarity=Neg")
_CONTRACTED = Word("n't", "not", "PART", "RB", "Polarity=Neg", is_glued=True)
_TO = Word("to", "to", "PART", "TO")
_COMMA = Word(",", ",", "PUNCT", ",", hugs="left")
_MODALS = "will will would can could might must should"
_STATES = ("want", "need", "like/liked/liked", "know/knew/known", "love/loved/loved", "trust")
"""Verbs that are not said to be going on."""
_BENT = {"will": "wo", "can": "ca"}
"""What is written before n't."""
_GLUED = {"will": "'ll", "am": "'m", "is": "'s", "are": "'re", "has": "'s", "have": "'ve"}


def mark(text: str) -> Word:
    """Return the mark that ends a sentence."""
    return Word(text, text, "PUNCT", ".", hugs="left")


class Grammar(Phrases):
    """Invents sentences."""

    def sentence(self) -> Words:
        """Return the words of a sentence, the first one with a capital letter."""
        kinds = [self._timed, self._joined, self._because, self._saying, self._question, self._polar_question]
        kinds += [self._command, self._existence, self._spoken, self._comparison, self._priced, self._relative]
        words = self.generator.choice([self._plain] * 7 + [self._passive] + kinds)()
        first = 1 if words[0].form == '"' else 0
        form = words[first].form
        words[first] = replace(words[first], form=form[0].upper() + form[1:])
        return words

    # Sentences

    def _plain(self) -> Words:
        return [*self._clause(), mark("." if self.chance(0.95) else "!")]

    def _timed(self) -> Words:
        return [*self.time(), *([_COMMA] if self.chance(0.7) else []), *self._clause("Past"), mark(".")]

    def _joined(self) -> Words:
        form = self.draw("and and but or")
        comma = [_COMMA] if self.chance(0.7) else []
        return [*self._clause(), *comma, Word(form, form, "CCONJ", "CC"), *self._clause(), mark(".")]

    def _because(self) -> Words:
        form = self.draw("because if when while before after although")
        link = Word(form, form, "SCONJ", "IN")
        if form == "when":
            link = Word(form, form, "ADV", "WRB", "PronType=Int")
        if self.chance(0.5):
            return [*self._clause(), link, *self._clause(), mark(".")]
        return [link, *self._clause(), _COMMA, *self._clause(), mark(".")]

    def _saying(self) -> Words:
        subject, tense = self.person(), self._tense()
        that = [Word("that", "that", "SCONJ", "IN")] if self.chance(0.7) else []
        verb = finite(self.draw(SAYING), subject.person, subject.number, tense)
        return [*subject.words, verb, *that, *self._clause(tense), mark(".")]

    def _question(self) -> Words:
        form = self.draw("where why how when who what")
        if form in ("who", "what"):
            word = Word(form, form, "PRON", "WP", "PronType=Int")
            if form == "who":
                verb, rest = self._action(has_time=True)
                return [word, finite(verb, 3, "Sing", "Past"), *rest, mark("?")]
            subject = self.person()
            return [word, self.do(subject, self._tense()), *subject.words, infinitive(self.draw(ON_THINGS)), mark("?")]
        return [Word(form, form, "ADV", "WRB", "PronType=Int"), *self._inverted(has_place=form == "where"), mark("?")]

    def _polar_question(self) -> Words:
        return [*self._inverted(has_place=False), mark("?")]

    def _inverted(self, *, has_place: bool) -> Words:
        subject = self.person()
        first = self._modal() if self.chance(0.3) else self.do(subject, self._tense())
        if has_place:
            return [first, *subject.words, infinitive(self.draw(MOTION))]
        verb, rest = self._action()
        return [first, *subject.words, infinitive(verb), *rest]

    def _command(self) -> Words:
        end = mark("." if self.chance(0.6) else "!")
        verb = self.draw(ON_THINGS)
        while verb in _STATES:
            verb = self.draw(ON_THINGS)
        if self.chance(0.35):
            do = Word("do", "do", "AUX", "VB", "Mood=Imp|VerbForm=Fin")
            return [do, _CONTRACTED, infinitive(verb), *self.thing().words, end]
        base = verb_form(verb, "base")
        please = [Word("please", "please", "INTJ", "UH")] if self.chance(0.6) else []
        return [*please, Word(base, base, "VERB", "VB", "Mood=Imp|VerbForm=Fin"), *self.thing().words, end]

    def _existence(self) -> Words:
        number = self.draw("Sing Plur")
        there = Word("there", "there", "PRON", "EX")
        start = self.draw("a a no") if number == "Sing" else self.draw("some no")
        subject = self.described(SOMEBODY if self.chance(0.4) else THING, number, start)
        return [there, finite("be", 3, number, self._tense(), "VERB"), *subject.words, *self.place(), mark(".")]

    def _spoken(self) -> Words:
        form, feats = self.draw("oh/_ hello/_ well/_ yes/Polarity=Pos no/Polarity=Neg").split("/")
        greeting = [Word(form, form, "INTJ", "UH", feats), _COMMA]
        if self.chance(0.4):
            return [*greeting, *self._clause(), mark("." if self.chance(0.5) else "!")]
        opening, closing = Word('"', '"', "PUNCT", "``", hugs="right"), Word('"', '"', "PUNCT", "''", hugs="left")
        verb = finite(self.draw("say/said/said say/said/said shout whisper answer"), 3, "Sing", "Past")
        said = [*(greeting if self.chance(0.5) else []), *self._clause()]
        return [opening, *said, _COMMA, closing, verb, *self.named().words, mark(".")]

    def _comparison(self) -> Words:
        is_person = self.chance(0.6)
        subject = self.person() if is_person else self.thing()
        entry = ""
        while entry.count("/") != 2:
            entry = self.draw(subject.adjectives)
        base, more, most = entry.split("/")
        be = finite("be", subject.person, subject.number, self._tense(), "AUX")
        if self.chance(0.6):
            other = self.described(SOMEBODY) if is_person else self.thing()
            rest = [Word(more, base, "ADJ", "JJR", "Degree=Cmp"), preposition("than"), *other.words]
        else:
            best = Word(most, base, "ADJ", "JJS", "Degree=Sup")
            kind = noun(self.draw((SOMEBODY if is_person else THING)[0]), subject.number)
            rest = [determiner("the"), best, kind, preposition("in"), *self.town()]
        return [*subject.words, be, *rest, mark(".")]

    def _priced(self) -> Words:
        cost = finite("cost/cost/cost", 3, "Sing", "Past")
        digits = str(self.generator.randint(2, 900))
        number = Word(digits, digits, "NUM", "CD", "NumForm=Digit|NumType=Card")
        price = [Word("$", "$", "SYM", "$", hugs="right"), number]
        if self.chance(0.5):
            price = [number, noun(self.draw("euro dollar crown"), "Plur")]
        return [*self.thing("Sing").words, cost, *price, mark(".")]

    def _relative(self) -> Words:
        subject = self.described(SOMEBODY)
        form = self.draw("who that")
        who = Word(form, form, "PRON", "WP" if form == "who" else "WDT", "PronType=Rel")
        verbs = []
        for _ in range(2):
            verb, rest = self._action()
            verbs.append([finite(verb, 3, subject.number, "Past"), *rest])
        return [*subject.words, who, *verbs[0], *verbs[1], mark(".")]

    def _passive(self) -> Words:
        subject = self.thing()
        be = finite("be", subject.person, subject.number, "Past", "AUX")
        end = [preposition("by"), *self.person(is_object=True).words] if self.chance(0.6) else self.time()
        return [*subject.words, be, participle(self.draw(ON_THINGS), "Pass"), *end, mark(".")]

    # Clauses

    def _tense(self) -> str:
        return self.generator.choice(("Past", "Past", "Pres"))

    def _clause(self, tense: str | None = None) -> Words:
        tense = tense or self._tense()
        if self.chance(0.1):
            animal = self.animal()
            verb, rest = self._movement()
            return [*animal.words, finite(verb, 3, animal.number, tense), *rest]
        subject = self.person()
        return [*subject.words, *self._predicate(subject, tense)]

    def _predicate(self, subject: Phrase, tense: str) -> Words:
        """Return a predicate that agrees with its subject."""
        agreement = (subject.person, subject.number, tense)
        often = [adverb(self.draw(OFTEN))] if self.chance(0.12) else []
        kind = self.generator.random()
        verb, rest = self._action(has_time=tense == "Past" and kind < 0.5)
        if kind < 0.5:
            return [*often, finite(verb, *agreement), *rest]
        if kind < 0.62:
            return [*self._denied(self._modal(), 0.4, subject), *often, infinitive(verb), *rest]
        if kind < 0.72:
            return [*self._denied(self.do(subject, tense), 1.0, subject), infinitive(verb), *rest]
        if kind < 0.80:
            have = finite("have", *agreement, "AUX")
            return [*self._denied(have, 0.3, subject), *often, participle(verb, "Past"), *rest]
        be = self._denied(finite("be", *agreement, "AUX"), 0.3, subject)
        if kind < 0.88 and verb not in _STATES:
            return [*be, participle(verb, "Pres"), *rest]
        if self.chance(0.5):
            return [*be, *self.place()]
        very = [adverb(self.draw("very too quite so"))] if self.chance(0.4) else []
        return [*be, *very, self.adjective(subject.adjectives)]

    def _modal(self) -> Word:
        form = self.draw(_MODALS)
        return Word(form, form, "AUX", "MD", "VerbForm=Fin")

    def _denied(self, auxiliary: Word, share: float, subject: Phrase) -> Words:
        """Return an auxiliary, in a share of all cases with not or n't, otherwise perhaps glued to a pronoun."""
        if self.chance(share):
            if self.chance(0.35) or auxiliary.form in ("am", "might"):
                return [auxiliary, _NOT]
            return [replace(auxiliary, form=_BENT.get(auxiliary.form, auxiliary.form)), _CONTRACTED]
        is_short = subject.words[-1].xpos == "PRP" and auxiliary.form in _GLUED
        if is_short and self.chance(0.5):
            return [replace(auxiliary, form=_GLUED[auxiliary.form], is_glued=True)]
        return [auxiliary]

    def _movement(self) -> tuple[str, Words]:
        """Return a verb that people and animals share, and what follows it."""
        if self.chance(0.5):
            return self.draw(MOTION), self.way()
        return self.draw(ALONE), [self.manner()] if self.chance(0.6) else []

    def _action(self, *, has_time: bool = False) -> tuple[str, Words]:
        """Return a verb and what follows it; `has_time` lets it say when."""
        draw, kind = self.draw, self.generator.random()
        if kind < 0.24:
            verb, rest = draw(ON_THINGS), self.thing().words
        elif kind < 0.40:
            verb, rest = draw(ON_PEOPLE), self.person(is_object=True).words
        elif kind < 0.50:
            verb, rest = draw(ON_IDEAS), self.idea()
        elif kind < 0.58:
            verb, rest = (draw(ON_FOOD), self.dish()) if self.chance(0.6) else (draw(DRINKING), self.drink())
        elif kind < 0.79:
            verb, rest = self._movement()
        elif kind < 0.87:
            verb, rest = draw(WANTING), [_TO, infinitive(draw(ON_THINGS)), *self.thing().words]
        elif kind < 0.94:
            verb, particle = draw(PARTICLES).split(":")
            rest = [Word(particle, particle, "ADP", "RP"), *self.described(THING).words]
        else:
            verb, rest = "give/gave/given", [*self.person(is_object=True).words, *self.described(THING).words]
        if kind < 0.58 and self.chance(0.2):
            return verb, [*rest, *self.place()]
        return verb, [*rest, *(self.time() if has_time and self.chance(0.2) else [])]

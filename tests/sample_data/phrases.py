"""Noun phrases, adverbials and other small pieces of the sample sentences."""

from dataclasses import dataclass

from lexicon import (
    ANIMALS,
    CITIES,
    DAYS,
    DRINKS,
    FOOD,
    IDEAS,
    MANNER,
    MEN,
    OF_IDEAS,
    OF_PEOPLE,
    OF_PLACES,
    OF_THINGS,
    PEOPLE,
    ROOMS,
    SPOTS,
    SURNAMES,
    THINGS,
    TIMES,
    WOMEN,
    Lexicon,
    Word,
    finite,
    plural,
)

Words = list[Word]

# Subject form, object form, possessive form, person, number of the verb, and the features that tell them apart.
_PRONOUNS = (
    ("I", "me", "my", 1, "Sing", "Number=Sing|Person=1"),
    ("you", "you", "your", 2, "Sing", "Person=2"),
    ("he", "him", "his", 3, "Sing", "Gender=Masc|Number=Sing|Person=3"),
    ("she", "her", "her", 3, "Sing", "Gender=Fem|Number=Sing|Person=3"),
    ("we", "us", "our", 1, "Plur", "Number=Plur|Person=1"),
    ("they", "them", "their", 3, "Plur", "Number=Plur|Person=3"),
)
_DETERMINERS = {
    "the": "Definite=Def|PronType=Art",
    "a": "Definite=Ind|PronType=Art",
    "this": "Number=Sing|PronType=Dem",
    "that": "Number=Sing|PronType=Dem",
    "these": "Number=Plur|PronType=Dem",
    "those": "Number=Plur|PronType=Dem",
    "every": "PronType=Tot",
    "no": "PronType=Neg",
    "some": "PronType=Ind",
}
_LEMMAS = {"these": "this", "those": "that"}
_NUMBERS = "two three four five six seven eight nine ten twelve twenty"
_ORDINALS = "first second third"

# Nouns, and the adjectives that go with them.
SOMEBODY = (PEOPLE, OF_PEOPLE)
ANIMAL = (ANIMALS, OF_PEOPLE)
THING = (THINGS, OF_THINGS)
IDEA = (IDEAS, OF_IDEAS)
DISH = (FOOD, OF_THINGS)
ROOM = (ROOMS, OF_PLACES)
SPOT = (SPOTS, OF_PLACES)


@dataclass(frozen=True)
class Phrase:
    """A noun phrase: its words, what a verb must agree with, and what adjectives can be said of it."""

    words: Words
    person: int = 3
    number: str = "Sing"
    adjectives: str = OF_PEOPLE


def preposition(form: str) -> Word:
    """Return a preposition."""
    return Word(form, form, "ADP", "IN")


def adverb(form: str) -> Word:
    """Return an adverb without degrees or pronominal type."""
    feats = {"well": "Degree=Pos", "there": "PronType=Dem", "here": "PronType=Dem", "sometimes": "PronType=Ind"}
    return Word(form, form, "ADV", "RB", feats.get(form, "_"))


def noun(entry: str, number: str) -> Word:
    """Return a form of a noun."""
    singular = entry.partition("/")[0]
    if number == "Plur":
        return Word(plural(entry), singular, "NOUN", "NNS", "Number=Plur")
    return Word(singular, singular, "NOUN", "NN", "Number=Sing")


def name(form: str) -> Word:
    """Return a name."""
    return Word(form, form, "PROPN", "NNP", "Number=Sing")


def determiner(form: str, following: str = "") -> Word:
    """Return a determiner; `a` becomes `an` by the sound of what follows."""
    has_vowel = following.startswith(("a", "e", "i", "o", "um", "un"))
    shown = "an" if form == "a" and has_vowel else form
    return Word(shown, _LEMMAS.get(form, form), "DET", "DT", _DETERMINERS[form])


class Phrases:
    """Invents pieces of sentences.

    Args:
        lexicon: draws the words.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        """Keep the lexicon."""
        self.draw, self.generator = lexicon.draw, lexicon.generator

    def chance(self, share: float) -> bool:
        """Say yes in a share of all cases."""
        return self.generator.random() < share

    def adjective(self, adjectives: str) -> Word:
        """Return an adjective, not compared."""
        form = self.draw(adjectives).partition("/")[0]
        return Word(form, form, "ADJ", "JJ", "Degree=Pos")

    def described(self, kind: tuple[str, str], number: str | None = None, start: str | None = None) -> Phrase:
        """Return a noun with a determiner, a possessive or a number before it, and perhaps adjectives."""
        nouns, adjectives = kind
        number = number or self.draw("Sing Sing Plur")
        words = [noun(self.draw(nouns), number)]
        if self.chance(0.35):
            words = [self.adjective(adjectives), *words]
        if start is None and self.chance(0.2):
            return Phrase([*self._owner(), *words], 3, number, adjectives)
        if start is None and number == "Plur" and self.chance(0.2):
            count = self.draw(_NUMBERS)
            counted = Word(count, count, "NUM", "CD", "NumForm=Word|NumType=Card")
            return Phrase([counted, *words], 3, number, adjectives)
        choices = "the the the the a a a this that every" if number == "Sing" else "the the the the these those some"
        first = determiner(start or self.draw(choices), words[0].form)
        if first.form == "the" and number == "Sing" and self.chance(0.06):
            order = self.draw(_ORDINALS)
            words = [Word(order, order, "ADJ", "JJ", "Degree=Pos|NumForm=Word|NumType=Ord"), *words]
        return Phrase([first, *words], 3, number, adjectives)

    def _owner(self) -> Words:
        if self.chance(0.6):
            subject, _, form, *_, feats = self.generator.choice(_PRONOUNS)
            parts = sorted(["Case=Gen", *feats.split("|"), "Poss=Yes", "PronType=Prs"])
            return [Word(form, form if subject != "I" else "my", "PRON", "PRP$", "|".join(parts))]
        return [*self.named().words, Word("'s", "'s", "PART", "POS", is_glued=True)]

    def pronoun(self, *, is_object: bool = False) -> Phrase:
        """Return a personal pronoun."""
        subject, target, _, person, number, feats = self.generator.choice(_PRONOUNS)
        parts = sorted([f"Case={'Acc' if is_object else 'Nom'}", *feats.split("|"), "PronType=Prs"])
        word = Word(target if is_object else subject, subject, "PRON", "PRP", "|".join(parts))
        return Phrase([word], person, number)

    def named(self) -> Phrase:
        """Return the name of a person."""
        first = [name(self.draw(WOMEN if self.chance(0.5) else MEN))]
        return Phrase([*first, name(self.draw(SURNAMES))] if self.chance(0.25) else first)

    def person(self, *, is_object: bool = False) -> Phrase:
        """Return somebody, or two."""
        kind = self.generator.random()
        if kind < 0.35:
            return self.pronoun(is_object=is_object)
        if kind < 0.60:
            return self.named()
        if kind < 0.66:
            form, kind_of = self.draw("someone/Ind everyone/Tot nobody/Neg somebody/Ind").split("/")
            return Phrase([Word(form, form, "PRON", "NN", f"Number=Sing|PronType={kind_of}")])
        if kind < 0.72:
            link = Word("and", "and", "CCONJ", "CC")
            return Phrase([*self.named().words, link, *self.described(SOMEBODY, "Sing").words], 3, "Plur")
        return self.described(SOMEBODY)

    def animal(self) -> Phrase:
        """Return an animal."""
        return self.described(ANIMAL)

    def thing(self, number: str | None = None) -> Phrase:
        """Return a thing."""
        found = self.described(THING, number)
        if self.chance(0.1):
            owner = self.described(SOMEBODY).words
            return Phrase([*found.words, preposition("of"), *owner], 3, found.number, found.adjectives)
        return found

    def idea(self) -> Words:
        """Return what can be told or heard."""
        return self.described(IDEA).words

    def dish(self) -> Words:
        """Return something to eat."""
        return self.described(DISH).words

    def drink(self) -> Words:
        """Return something to drink."""
        some = [determiner(self.draw("the some"))] if self.chance(0.5) else []
        return [*some, noun(self.draw(DRINKS), "Sing")]

    def where(self) -> Words:
        """Return a place to go to."""
        if self.chance(0.3):
            return [name(self.draw(CITIES))]
        return self._spot(ROOM if self.chance(0.6) else SPOT)

    def town(self) -> Words:
        """Return where people live."""
        return [name(self.draw(CITIES))] if self.chance(0.5) else [determiner("the"), noun("village", "Sing")]

    def _spot(self, kind: tuple[str, str]) -> Words:
        return self.described(kind, "Sing", self.draw("the the the a")).words

    def place(self) -> Words:
        """Return where something is."""
        kind = self.generator.random()
        if kind < 0.08:
            return [adverb(self.draw("here there"))]
        if kind < 0.33:
            return [preposition(self.draw("in in near")), name(self.draw(CITIES))]
        if kind < 0.7:
            return [preposition(self.draw("in in behind outside")), *self._spot(ROOM)]
        return [preposition(self.draw("at near behind")), *self._spot(SPOT)]

    def way(self) -> Words:
        """Return where something moves."""
        kind = self.generator.random()
        if kind < 0.12:
            return [adverb("home")]
        if kind < 0.3:
            return [preposition(self.draw("into through")), *self._spot(ROOM)]
        return [preposition(self.draw("to to to from")), *self.where()]

    def manner(self) -> Word:
        """Return how something is done."""
        return adverb(self.draw(MANNER))

    def time(self) -> Words:
        """Return when something happened."""
        kind = self.generator.random()
        if kind < 0.25:
            return [preposition("on"), name(self.draw(DAYS))]
        if kind < 0.45:
            year = str(self.generator.randint(1890, 2020))
            return [preposition("in"), Word(year, year, "NUM", "CD", "NumForm=Digit|NumType=Card")]
        if kind < 0.6:
            return [noun(self.draw("yesterday today"), "Sing")]
        if kind < 0.75:
            event = noun(self.draw("lesson meeting war game party concert wedding"), "Sing")
            return [preposition(self.draw("before after during")), determiner("the"), event]
        if self.chance(0.5):
            return [determiner("every"), noun(self.draw(TIMES), "Sing")]
        last = Word("last", "last", "ADJ", "JJ", "Degree=Pos")
        return [last, noun(self.draw("week summer winter month year night"), "Sing")]

    def do(self, subject: Phrase, tense: str) -> Word:
        """Return the auxiliary of questions and denials."""
        return finite("do", subject.person, subject.number, tense, "AUX")

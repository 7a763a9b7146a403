"""The words of the sample sentences and their forms, by the conventions of English in Universal Dependencies.

Each list of open-class words is in two parts: those behind the bar stand in the test data alone.
"""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Word:
    """A word with its annotation.

    Attributes:
        form: as it is written.
        lemma: its dictionary form.
        upos: universal part of speech.
        xpos: part of speech of the Penn Treebank.
        feats: universal features, `_` for none.
        is_glued: written as one with the word before it, such as `n't`: the two get a range.
        hugs: punctuation that has no space before it (`left`) or behind it (`right`).
    """

    form: str
    lemma: str
    upos: str
    xpos: str
    feats: str = "_"
    is_glued: bool = False
    hugs: str = ""


class Lexicon:
    """Draws words.

    Args:
        generator: of random numbers.
        is_test: whether the words that training never shows may be drawn.
    """

    def __init__(self, generator: Random, *, is_test: bool) -> None:
        self.generator = generator
        self._is_test = is_test

    def draw(self, words: str) -> str:
        """Draw an entry of a list; entries are separated by spaces, their forms by slashes."""
        seen, _, unseen = words.partition("|")
        return self.generator.choice((seen + unseen if self._is_test else seen).split())


PEOPLE = """teacher baker doctor farmer neighbor painter sailor driver waiter judge singer student nurse pilot
tailor cook guard child/children woman/women man/men uncle aunt brother sister friend writer actor gardener plumber
customer visitor stranger lawyer clerk thief/thieves soldier | engineer butcher grandmother carpenter librarian
mechanic shepherd"""
ANIMALS = "dog cat horse goat duck cow fox mouse/mice sheep/sheep bird rabbit | donkey squirrel pigeon"
THINGS = """book letter ladder lamp chair table coat hat key bicycle clock knife/knives shirt basket box/boxes
picture mirror carpet ticket camera piano watch brush bottle hammer bell boat newspaper blanket candle plate
umbrella map phone drum shoe button window door light plant | wallet kettle trumpet bucket suitcase helmet pillow"""
ROOMS = """garden kitchen library church school hotel office shop forest village museum theater park hospital bank
castle cellar bakery | courtyard factory cathedral stadium workshop"""
SPOTS = "station market harbor bridge river corner gate beach/beaches fountain | airport crossroads lighthouse"
FOOD = "soup cake apple sandwich/sandwiches pie egg tomato/tomatoes pear onion | carrot pancake peach/peaches"
IDEAS = """plan story answer question idea song visit journey walk talk call meeting price lesson mistake dream
party game | argument recipe promise rumor"""
DRINKS = "water coffee milk tea juice | lemonade cocoa"
TIMES = "morning evening night week summer winter month year | afternoon autumn"
OF_PEOPLE = """old/older/oldest young/younger/youngest tall/taller/tallest happy/happier/happiest tired
angry/angrier/angriest famous strange poor/poorer/poorest rich/richer/richest kind/kinder/kindest good/better/best
late quiet/quieter/quietest clever brave/braver/bravest | gloomy/gloomier/gloomiest generous cheerful polite
stubborn"""
OF_THINGS = """old/older/oldest new/newer/newest small/smaller/smallest big/bigger/biggest long/longer/longest red
green blue heavy/heavier/heaviest broken wooden empty clean/cleaner/cleanest expensive beautiful useful
light/lighter/lightest cheap/cheaper/cheapest dry/drier/driest warm/warmer/warmest | crooked enormous
muddy/muddier/muddiest purple rusty"""
OF_PLACES = """old/older/oldest small/smaller/smallest big/bigger/biggest dark/darker/darkest quiet/quieter/quietest
famous narrow/narrower/narrowest empty open beautiful cold/colder/coldest | enormous crowded ancient"""
OF_IDEAS = """good/better/best bad/worse/worst long/longer/longest strange new/newer/newest short/shorter/shortest
early late simple/simpler/simplest | brilliant boring ridiculous"""
MANNER = """quickly slowly carefully quietly loudly suddenly happily well badly together alone gently | angrily
politely nervously"""
OFTEN = "often usually sometimes rarely still already also just | seldom occasionally"
WOMEN = "Ada Clara Emma Greta Ida Nora Maria Susan Alice Ruth Hannah Julia | Beatrice Ingrid Margot Yvonne"
MEN = "Bob Daniel Felix Hugo Jonas Peter Tom Victor Henry Samuel Oscar | Leopold Walter Quentin Rupert"
SURNAMES = "Miller Novak Rossi Brandt Okafor Larsen Carter Fischer | Lindqvist Moretti Haddad"
CITIES = "Paris Rome Berlin Oslo Madrid Vienna London Dublin Boston Lisbon Prague Cairo | Zagreb Antwerp Seville Kyoto"
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"

# Verbs: base, past and past participle where they are irregular; `+` doubles the last letter.
ON_THINGS = """buy/bought/bought sell/sold/sold carry find/found/found lose/lost/lost paint clean open
close/closed/closed break/broke/broken repair steal/stole/stolen hide/hid/hidden want need like/liked/liked
bring/brought/brought hold/held/held watch borrow/borrowed/borrowed wrap+ drop+ take/took/taken keep/kept/kept
see/saw/seen draw/drew/drawn wash move/moved/moved | polish purchase/purchased/purchased inspect collect"""
ON_IDEAS = """explain remember forget/forgot/forgotten discuss enjoy hear/heard/heard like/liked/liked plan+
write/wrote/written need | mention describe/described/described"""
ON_PEOPLE = """meet/met/met help visit call follow know/knew/known thank love/loved/loved invite/invited/invited ask
answer forget/forgot/forgotten remember teach/taught/taught surprise/surprised/surprised trust | greet
admire/admired/admired recognize/recognized/recognized"""
DRINKING = "drink/drank/drunk bring/brought/brought want | sip+ pour"
ON_FOOD = "eat/ate/eaten cook bake/baked/baked taste/tasted/tasted order share/shared/shared | fry/fried/fried devour"
ALONE = """sleep/slept/slept laugh work sing/sang/sung dance/danced/danced wait smile/smiled/smiled cry talk dream
swim/swam/swum rest shout | whistle/whistled/whistled shiver yawn"""
MOTION = "go/went/gone walk run/ran/run drive/drove/driven hurry return travel | wander march stroll"
SAYING = """say/said/said think/thought/thought believe/believed/believed hear/heard/heard hope/hoped/hoped | insist
announce/announced/announced"""
WANTING = """want try decide/decided/decided hope/hoped/hoped begin/began/begun promise/promised/promised | plan+
refuse/refused/refused"""
PARTICLES = """pick:up turn:on turn:off put/put/put:down throw/threw/thrown:out clean:up take/took/taken:off |
switch:off hang/hung/hung:up"""

_DOUBLING = {"run": "running", "swim": "swimming", "put": "putting", "forget": "forgetting", "begin": "beginning"}


def plural(noun: str) -> str:
    """Return the plural of an entry."""
    singular, _, irregular = noun.partition("/")
    if irregular:
        return irregular
    if singular.endswith("y") and singular[-2] not in "aeiou":
        return singular[:-1] + "ies"
    return singular + ("es" if singular.endswith(("s", "sh", "ch", "x")) else "s")


def verb_form(verb: str, form: str) -> str:
    """Return a form of an entry: `base`, `third` (walks), `past`, `participle` or `ing`."""
    base, *irregular = verb.split("/")
    doubled, base = base.endswith("+"), base.rstrip("+")
    soft = base.endswith("y") and base[-2] not in "aeiou"
    if form == "base":
        return base
    if form == "third":
        if soft:
            return base[:-1] + "ies"
        return base + ("es" if base.endswith(("s", "sh", "ch", "x", "o")) else "s")
    stem = base + base[-1] if doubled else base
    if form == "ing":
        if base in _DOUBLING:
            return _DOUBLING[base]
        return (base[:-1] if base.endswith("e") and base != "see" else stem) + "ing"
    if irregular:
        return irregular[form == "participle"]
    return base[:-1] + "ied" if soft else stem + "ed"


def finite(verb: str, person: int, number: str, tense: str, upos: str = "VERB") -> Word:
    """Return a finite form that agrees with its subject; of `be` and `have` too."""
    third = person == 3 and number == "Sing"
    lemma = verb_form(verb, "base")
    if lemma == "be":
        present = {(1, "Sing"): "am", (3, "Sing"): "is"}.get((person, number), "are")
        past = "was" if number == "Sing" and person != 2 else "were"
        form = present if tense == "Pres" else past
    elif lemma == "have":
        form = "had" if tense == "Past" else "has" if third else "have"
    elif lemma == "do":
        form = "did" if tense == "Past" else "does" if third else "do"
    else:
        form = verb_form(verb, "past" if tense == "Past" else "third" if third else "base")
    xpos = "VBD" if tense == "Past" else "VBZ" if third else "VBP"
    feats = f"Mood=Ind|Number={number}|Person={person}|Tense={tense}|VerbForm=Fin"
    return Word(form, lemma, upos, xpos, feats)


def infinitive(verb: str) -> Word:
    """Return the infinitive of an entry."""
    base = verb_form(verb, "base")
    return Word(base, base, "AUX" if base == "be" else "VERB", "VB", "VerbForm=Inf")


def participle(verb: str, kind: str) -> Word:
    """Return a participle: `Pres` (walking), `Past` (walked), or `Pass` for the passive."""
    base = verb_form(verb, "base")
    if kind == "Pres":
        return Word(verb_form(verb, "ing"), base, "VERB", "VBG", "Tense=Pres|VerbForm=Part")
    voice = "|Voice=Pass" if kind == "Pass" else ""
    return Word(verb_form(verb, "participle"), base, "VERB", "VBN", "Tense=Past|VerbForm=Part" + voice)

"""The small words that turn, weaken or bound what a sentence says. Lower case, compared as whole words."""

from __future__ import annotations

NEGATIONS = frozenset(
    "not no never none nobody nothing nowhere neither nor without cannot dont doesnt didnt isnt arent wasnt "
    "werent wont cant couldnt wouldnt shouldnt hasnt havent hadnt hardly barely nicht kein keine keinen keinem "
    "keiner keines nie niemals niemand nichts ohne ne pas jamais sans aucun aucune rien nunca sin ningun ninguna "
    "nada jamas non".split()
)

# A sentence with one of these and a statement without it don't say the same, nor the other way round.
TURNS = frozenset(
    "stop stopped stops stopping quit quits refuse refuses refused avoid avoids avoided avoiding cancel cancels "
    "canceled cancelled skip skips skipped skipping hate hates hated dislike dislikes disliked fail fails failed "
    "failing forgot forgotten forget forgets miss missed deny denied denies former formerly usedto instead unable "
    "against wrong false if whether unless maybe perhaps possibly might would could should may wish wishes wished "
    "hope hopes hoped hoping wonder wonders want wants wanted plan plans planned planning intend intends intended "
    "consider considers considered almost nearly supposedly allegedly pretend pretends pretended imagine imagined "
    "dream dreamt dreamed rarely seldom wenn falls ob vielleicht wollte wollen konnte sollte selten aufgehort "
    "statt frueher fruher".split()
)

# Said only where the sentence says it too.
BOUNDS = frozenset(
    "always every everyone everybody everything each all only daily weekly monthly yearly hourly nightly must "
    "forever entirely completely any both before after until since because during more less most least fewer than "
    "except but between over under above below immer jede jeder jedes alle nur taglich wochentlich vor nach bis "
    "seit toujours chaque tous seulement siempre cada".split()
)

# About the asking, and not about anybody's life: said only where the events say it too.
META = frozenset(
    "event events note notes statement statements citation citations cite cites cited quote quotes quoted prompt "
    "prompts json schema model models instruction instructions assistant cluster evidence memory memories "
    "database id ids system pattern patterns contradiction contradictions supported supports data delete deleted "
    "deletes erase ignore".split()
)

# Ways of saying "again and again" and "somebody", which follow from how often and by whom.
FRAMES = frozenset(
    "user users person people someone somebody usual usually regular regularly often repeated repeatedly several "
    "many multiple times time habit habitually routine routinely typical typically commonly frequent frequently "
    "generally recurring again another mehrmals oft meistens regelmassig souvent veces".split()
)

# Verbs that say next to nothing: a statement may have one that no event says.
GLUE = frozenset("go do have take make get use visit attend spend come day week activity place".split())

# Something new took the place of something else.
CHANGES = frozenset(
    "now nowadays anymore instead changed change changes switched switch moved move moving replaced replace correction "
    "actually new renamed jetzt nun statt gewechselt umgezogen maintenant desormais ahora cambio".split()
)

NUMBERS = frozenset(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fifteen twenty thirty forty "
    "fifty sixty seventy eighty ninety hundred thousand million half third quarter twice thrice double first "
    "second last zwei drei vier funf sechs sieben acht neun zehn elf zwolf hundert tausend deux trois quatre cinq "
    "dos tres cuatro cinco".split()
)

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

IRREGULAR = {
    said: root
    for root, forms in {
        "go": "goes went gone going",
        "run": "ran running",
        "eat": "ate eaten",
        "drink": "drank drunk",
        "buy": "bought",
        "take": "took taken",
        "make": "made making",
        "get": "got gotten getting",
        "meet": "met meeting",
        "see": "saw seen",
        "write": "wrote written writing",
        "sleep": "slept",
        "swim": "swam swum",
        "drive": "drove driven driving",
        "ride": "rode ridden riding",
        "tell": "told",
        "say": "said",
        "pay": "paid",
        "sell": "sold",
        "leave": "left",
        "give": "gave given",
        "feel": "felt",
        "think": "thought",
        "teach": "taught",
        "feed": "fed",
        "speak": "spoke spoken",
        "begin": "began begun",
        "bring": "brought",
        "wake": "woke woken",
        "wear": "wore worn",
        "send": "sent",
        "spend": "spent",
        "keep": "kept",
        "fly": "flew flown",
        "child": "children",
    }.items()
    for said in forms.split()
}

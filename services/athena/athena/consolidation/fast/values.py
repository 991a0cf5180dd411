"""What a statement says (its value: "oat milk") and of what it says so (what it is about: "in my coffee").

By the shape of English sentences: what stands opposite the owner of a copula, or after the verb and outside of "for",
"when" and their like. Where no shape fits, all words count as value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from athena.compression.extract.words import stem
from athena.consolidation.fast.concepts import of as concepts_of
from athena.consolidation.fast.discourse import sentence
from athena.consolidation.fast.wishes import over, wish
from athena.consolidation.fast.words import FILLER, STOP


@dataclass(frozen=True, slots=True)
class Claim:
    """Stems. `exact`: the value is a number, a time, a code: it equals another or it doesn't. `names`: those of
    `about` that are names, so that another name is about something else. `wish`: the sentence says in so many words
    that this is wanted and for what: "for texting I use Signal"."""

    value: frozenset[str]
    about: frozenset[str]
    exact: bool
    names: frozenset[str]
    concepts: frozenset[str]
    wish: bool = False


_HEDGE = re.compile(
    r"\b(?:if you (?:can|could|don['’]t mind)|any ?day|from (?:now|this \w+|today|next \w+) on(?:wards)?|"
    r"as (?:usual|of \w+|always)|"
    r"these days|at the moment|right now|currently|nowadays|always|usually|please|any ?more|any longer|"
    r"of course|by far|"
    r"just|simply|with effect \w+ \w+|that['’]?s (?:what|how|it)\b.*$|it is$|it is from\b.*$)",
    re.I,
)
_TAIL = re.compile(
    r"(?:,\s*(?:as|which|who|because|since|so|it (?!is\b)|but (?!no)|though|although|says|said)\b|\s(?:because|"
    r"so that|although|though|unless)\s).*$",
    re.I | re.S,
)
_CIRCUMSTANCE = re.compile(
    r"(?:(?<=\s)|^)(?<!\bgo )(?<!\bgoes )(?<!\bgoing )(?:(?<!\bset )for(?! \d)|when(?:ever)?|while|during|as|"
    r"to (?=(?:make|get|read|keep|do|go|eat|drink|write|work|sleep|store|send|take|use|run|build|track|manage)\b)|"
    r"(?:in|on|at|after|before) (?:my|our|the (?:morning|evening|"
    r"afternoon|office|team|"
    r"weekend|night)|night|bed|bedtime|lunch|work|home|weekdays|weekends)|first thing)\b(?:[^,;:?]|"
    r":(?=\d))*?(?=,|;|[:?](?=\s|$)|$|\s(?:is|are|was|it|goes to|go to)\s|"
    r"\s(?:give me|(?:I|we)(?:['’]\w+)? (?:now |also |only )?(?:prefer|go for|like|want|use|choose|take|need|"
    r"keep|have|am|are|['’]d)))",
    re.I,
)
_COPULA = re.compile(
    r"\s(?:is|are|was|will be|means|remains|stays|became|has become|=|equals|(?:has|have) been|is set to|"
    r"are set to|goes to|go to)\s+"
    r"(?:now |still |called |set to |to |at |on |in |with )?",
    re.I,
)
_OWNED = re.compile(
    r"\b(?:my|our|I|we|where|what|who|favou?rite|choice|rule|default|responsible|owner|boss|standard)\b",
    re.I,
)
_DEFINITE = re.compile(r"^\W*(?:the|this|that|its|their|his|her)\b", re.I)
_CHANGED_TO = re.compile(
    r"\b(?<!\bthe )(?:switch|chang|mov|migrat|renam|convert|shift|upgrad|downgrad|bump|rais|lower|increas|"
    r"decreas|set|transfer|"
    r"relocat|rotat|replac|swap|trad|went|turn)\w*\b(?P<of>.*?)\b(?:to|into|with)\s+(?P<new>[^,;]+)",
    re.I,
)
_NOT_BUT = re.compile(
    r"\b(?:no longer|not)\b[^,;:]*?(?:,|;|:|\bbut\b)\s*(?:it is |it['’]s |now |rather )?(?P<new>\w.*)$", re.I
)
_FORMER = re.compile(
    r"\b(?:instead of|rather than|in place of|no longer|not|was|over|than)\b[^,;:]*(?=$|[,;:])|"
    r"\bfrom [^,;:]+? (?=to\b)|"
    r"\b(?:replaces|replaced|replacing)\b[^,;:]*$",
    re.I,
)
_VERB = re.compile(
    r"\b(?:I|we|user|they|everyone|everybody|team)(?:['’](?:m|re|ve|d|ll))?(?: (?:now|also|just|still|have|has|"
    r"had|am|are|been|would|rather|only|"
    r"really|finally|will|currently|do|does|did|don['’]t|all|no longer))*\s+(?P<verb>(?-i:[a-z]+))\b",
    re.I,
)
_THIRD = re.compile(
    r"\s(?P<verb>runs?|listens?|uses?|starts?|begins?|ends?|opens?|closes?|takes? place|lives?|works?|logs?|"
    r"keeps?|reads?|writes?|reads and writes|"
    r"talks?|goes|go|costs?|has|have|needs?|allows?|prefers?|likes?|drives?|drinks?|eats?|comes?|rings?|"
    r"times? out|gives? up|expires?|"
    r"points?|belongs?|depends?|allows?|accepts?|returns?|sits?|meets?|happens?|pays?|supports?)\b",
    re.I,
)
_HOLDER = re.compile(
    r"^(?P<value>(?:(?:Dr|Mr|Mrs|Ms|Prof)\.? )?[A-Z][\w’-]*(?: [A-Z][\w’-]*)*) (?:now )?(?:owns?|leads?|"
    r"maintains?|manages?|heads?|runs?|looks? after|"
    r"takes? care of|takes over|took over|handles?|reviews|approves|is (?:now )?(?:responsible|in charge|the owner|"
    r"the lead))\b(?P<about>.*)$"
)
# Verbs and nouns with which anything can be said of anything.
CARRIER = frozenset(
    stem(word)
    for word in (
        "prefer preference like love hate want need use using keep live living work works working employ drive "
        "run sit learn learning take get eat "
        "eating drink report train member patient register registered insure insured call called name named "
        "set change "
        "changed move moved switch switched replace become start stop quit leave sell buy bought close cancel "
        "retire happen place give "
        "gives nothing beats beat best better happiest happy favourite favorite choice choose chosen pick mind "
        "matters count "
        "wanting always thing things person people place go going goes went "
        "good time reachable hosted host posted own owns owner responsible dr mr mrs ms prof it is that this "
        "new now default "
        "january february march april may june july august september october november december "
        "rule decision note agreed value currently long longer account clear contract course courses diet "
        "town old user self outdated failed stored located placed"
    ).split()
)
_NUMERALS = frozenset(
    stem(word)
    for word in "one two three four five six seven eight nine ten eleven twelve thirteen fifteen "
    "sixteen eighteen twenty thirty forty fifty sixty ninety hundred".split()
)
_TOKEN = re.compile(r"[#@]?[^\W_](?:[\w.:/'’+-]*[^\W_])?")
_SHORTENED = re.compile(
    r"^(?:i|we|you|they|he|she|it|is|are|was|were|do|does|did|has|have|had|ca|wo|could|would)n?['’]\w+$"
)
_EXACT = re.compile(r"^(?![a-z]{3,}\d+$)(?:.*\d|[#@]|.*[/_@]|.*\w[.:]\w)")


def claim(text: str, old: tuple[str, ...] = ()) -> Claim:
    return claimed(sentence(text), old)


def claimed(piece: str, old: tuple[str, ...] = ()) -> Claim:
    """Of one bare sentence."""
    wished = wish(piece)
    if wished:
        return _wished(*wished, old)
    stated = _core(over(piece))
    inside = [match.group() for match in _CIRCUMSTANCE.finditer(stated)]
    value_text, about_text = _parts(re.sub(r"\s+", " ", _CIRCUMSTANCE.sub(" ", stated)).strip(" ,;"))
    about = stems(" ".join([about_text, *inside]))
    value = [stem for stem in stems(value_text) if stem not in CARRIER and stem not in old]
    if not value:
        value = [stem for stem in stems(stated) if stem not in CARRIER and stem not in old]
    exact = [stem for stem in value if _EXACT.search(stem) or stem in _NUMERALS]
    names = _names(stated)
    if exact:
        # "Python 3.11", "Llama 8B": the name belongs to the number, what is written with signs is a thing of its own.
        about += [stem for stem in value if stem not in exact and not (stem in names and stem.isalpha())]
        value = [stem for stem in value if stem in exact or (stem in names and stem.isalpha())]
    kept = frozenset(about) - frozenset(value) - CARRIER - frozenset(old)
    concepts = concepts_of(frozenset(stems(stated)) - frozenset(value) - frozenset(old))
    return Claim(frozenset(value), kept, bool(exact), kept & names, concepts)


def _wished(wanted: str, about: str, old: tuple[str, ...]) -> Claim:
    value = frozenset(stems(wanted)) - frozenset(old)
    value = value - CARRIER or value
    kept = frozenset(stems(about)) - value - frozenset(old)
    kept = kept - CARRIER or kept
    concepts = concepts_of(frozenset(stems(about)))
    return Claim(value, kept, any(map(_EXACT.search, value)), kept & _names(about), concepts, True)


def names_holder(piece: str) -> bool:
    """Whether a person is what it says of a thing: "Marco owns billing"."""
    return _HOLDER.match(piece) is not None


def _core(piece: str) -> str:
    return re.sub(r"\s+", " ", _HEDGE.sub(" ", _TAIL.sub("", piece))).strip(" .!,;")


def _parts(sentence: str) -> tuple[str, str]:
    """(the part with the value, what is said of what)."""
    holder = _HOLDER.match(sentence)
    if holder:
        return holder["value"], holder["about"]
    for pattern in (_CHANGED_TO, _NOT_BUT):
        changed = pattern.search(sentence)
        if changed:
            return changed["new"], sentence[: changed.start("new")]
    plain = _FORMER.sub(" ", sentence)
    return _colon(plain) or _copula(plain) or _verb(plain)


def _colon(sentence: str) -> tuple[str, str] | None:
    found = re.match(r"^([^:?]{3,}?)[:?] +(that['’]?s |it['’]?s |that is |it is |there['’]?s )?(.+)$", sentence)
    if found is None:
        return None
    left, turned, right = found.groups()
    if turned and "?" not in sentence[: found.end(1) + 1]:
        return left, right
    return (left, right) if _OWNED.search(right) and not _OWNED.search(left) else (right, left)


def _copula(sentence: str) -> tuple[str, str] | None:
    linked = _COPULA.search(sentence)
    if linked is None or not sentence[: linked.start()].strip():
        return None
    left, right = sentence[: linked.start()], sentence[linked.end() :]
    if linked.group().split()[0].lower() not in ("is", "are", "was", "were"):
        return right, left
    bare = left.strip(" ,")
    if re.fullmatch(r"(?:I|we|they|he|she|user|the user)", bare, re.I):
        return None
    if (
        bare
        and not _OWNED.search(bare)
        and (_OWNED.search(right) or (_DEFINITE.match(right) and not _DEFINITE.match(bare)))
    ):
        return left, right
    return right, left


def _verb(sentence: str) -> tuple[str, str]:
    verb = _VERB.search(sentence) or _THIRD.search(" " + sentence)
    if verb is None:
        return sentence, ""
    shift = 0 if verb.re is _VERB else 1
    before, after = sentence[: max(0, verb.start() - shift)], sentence[verb.end() - shift :]
    owned = re.match(r"^\s*(?:\w+ )?(?:my|our|the)\s+[\w -]+?\s(?:in|at|with|to|on|from|for|of)\s", after)
    if owned:
        return after[owned.end() :], before + " " + after[: owned.end()]
    return after, before


def _names(sentence: str) -> frozenset[str]:
    """Stems of what is written like a name: a capital inside the sentence, or a hyphen, a dot, a digit in a word."""
    found = set()
    for match in _TOKEN.finditer(sentence):
        token = match.group()
        inside = match.start() > 0 and token[:1].isupper()
        owner = re.search(r"['’]s$", token) is not None and token[:1].isupper()
        if inside or owner or any(sign in token.rstrip("'’") for sign in "-_./@#") or token[-1:].isdigit():
            found.add(_stem(token))
    return frozenset(stem for stem in found if stem and not concepts_of(frozenset({stem})))


def stems(text: str) -> list[str]:
    """Content stems in order; what has signs or digits inside ("db-north-1") stays one."""
    found = [_stem(match.group().rstrip("'’")) for match in _TOKEN.finditer(text)]
    return [stem for stem in found if stem]


@lru_cache(maxsize=1 << 15)
def _stem(token: str) -> str:
    word = re.sub(r"['’]s$", "", token.lower())
    if _SHORTENED.search(word):
        return ""
    if word in STOP or word in FILLER or (len(word) < 2 and not word.isdigit()):
        return ""
    return stem(word) if word.isalpha() else word

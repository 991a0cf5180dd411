"""Sentences that say what somebody prefers, and for what: "for movie nights it has to be thrillers"."""

from __future__ import annotations

import re

# What a wish holds for begins with one of these.
_FOR = (
    r"(?:for|as|when(?:ever)?|while|during|with|in|at|on|over|of all|by|"
    r"to (?=(?:make|get|read|keep|do|go|eat|drink|write|work|sleep|store|send|take|use|run|build|track|manage|visit|"
    r"reach|call|text|mail|travel|relax|cook|play|watch|listen|learn|pay|buy|meet|wear|drive|show|open|draw|plan)\b))"
)
_WISH = (
    r"(?:prefers?|wants?|likes?|loves?|enjoys?|chooses?|(?:go(?:es)?|went) (?:for|with)|stick(?:s)? (?:to|with)|"
    r"(?:have |has )?switched to|favou?rs?|picks?|uses?|am team|swears? by|am into|am done with|"
    r"stopped(?: using)?|can(?:no|['’])t stand|"
    r"(?:do(?:es)?n['’]t|do(?:es)? not) (?:like|want|love|use))"
)
_WHO = (
    r"(?:I|we|(?:the )?user)(?:['’](?:m|ve|d))?(?: (?:now|always|still|really|rather|also|would|only|have|"
    r"has|am|no longer))*"
)
_PREPOSITIONS = re.compile(rf"^(?P<wanted>\S.*?),? (?P<about>{_FOR}\b.+)$", re.I)
_FRONTED = re.compile(
    rf"(?:^|, )(?P<about>{_FOR}\b[^,]+?),? (?:it (?:has to|must|should) be|it['’]?s|it is|give me|"
    rf"{_WHO} (?:team |happiest with |{_WISH} ))(?P<wanted>.+)$",
    re.I,
)
_FIRST = re.compile(
    rf"^(?:{_WHO} (?:team |happiest with |{_WISH} )|give me |nothing (?:is |can )?(?:better than|beats?|like) |"
    rf"no more |it (?:has to|must) be |please (?:use |always )?)(?P<rest>.+)$",
    re.I,
)
_FAVOURITE = re.compile(
    rf"^(?:my|our) (?:favou?rite|preference|choice|pick|go-to|favou?rite \w+) (?P<about>{_FOR}\b.+?) (?:is|"
    rf"are) (?P<wanted>.+)$",
    re.I,
)
_BARE = re.compile(
    rf"^(?!(?:I|we|my|our|user|it|this|that|he|she|they|there|you)\b)(?!.*\b(?:is|are|was|were|am|"
    rf"be)\b)(?P<wanted>(?:\w[\w'’-]* ?){{1,4}}?),? (?P<about>{_FOR}\b[^,;]+)$",
    re.I,
)
_DOING = re.compile(r"^(?P<about>\w+ing [^,;:]{2,50}) with (?P<wanted>[^,;:]{2,40})$", re.I)
_NOTED = re.compile(
    r"^(?!(?:I|we|my|our|user|it|this|that|he|she|they|there|you)\b)(?P<wanted>(?:(?:the|a|an|no) )?"
    r"(?:(?!(?:is|are|was|were)\b)[\w.'’/-]+ ?){1,3}?) (?P<about>for (?:\w+ing|the \w+|\w+s)\b[^,;:]*)$",
    re.I,
)
_OVER = re.compile(
    r"(?:,? (?:if you ask me|in case you \w+|no (?:discussion|doubt|question)|as (?:I|you) (?:said|know)|you know|"
    r"for (?:me|us)(?: now)?|and (?:I['’]m|I am) (?:happy|fine|good|done)|I['’]m done|always|please|easily|any ?day|"
    r"from now on|these days|now|again|by far|I mean|changed my mind))+[.!]*$",
    re.I,
)
_BESIDES = re.compile(
    r", (?:as (?:(?:the )?user|usual|always|I|he|she|they|you|said)|which|who|because|since|so|"
    r"it (?!is\b|has to\b|must\b|should\b)|but (?!no)|though|although|says|said)\b(?!['’]).*$",
    re.I,
)
_CHANGED = re.compile(
    rf"\b(?:instead of|rather than|in place of)\s+(?P<old>.+?)(?=\s+{_FOR}\b|[,;]|$)|, not (?P<not>[^,;]+)", re.I
)


def over(sentence: str) -> str:
    """Without what people add at the end to be emphatic or polite."""
    return _OVER.sub("", sentence)


def wish(sentence: str, *, bare: bool = True) -> tuple[str, str] | None:
    """(what is preferred, for what), where the sentence says so and names both. `bare`: also where it has no verb."""
    sentence = _BESIDES.sub("", sentence).strip(" .!,")
    plain = re.sub(r"\s+", " ", _CHANGED.sub(" ", over(sentence))).strip(" .!,")
    for pattern in (_FAVOURITE, _FRONTED):
        found = pattern.search(plain)
        if found:
            return over(found["wanted"]), found["about"]
    first = _FIRST.match(plain)
    found = _PREPOSITIONS.match(first["rest"]) if first else None
    if found is None and plain != sentence:
        found = _BARE.match(plain)
    if found is None and bare:
        found = _DOING.match(plain) or _NOTED.match(plain)
    return (found["wanted"], found["about"]) if found else None

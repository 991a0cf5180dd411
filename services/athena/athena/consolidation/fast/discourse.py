"""What of a text can be read alone: its sentences without who speaks, without politeness, without who reported it."""

from __future__ import annotations

import re

_READ = 600
_PIECES = 4
_LEAD = re.compile(
    r"^(?:\W*(?:by the way|for the record|for your (?:notes|information)|(?:please )?(?:remember|"
    r"note)(?: that)?|just so you know|note to self|"
    r"fyi|btw|as you may need it|(?:in case|if) (?:any(?:one|body)|you|somebody|someone) \w+|remember that|"
    r"reminder|heads[- ]up|update|news|"
    r"correction|actually|so|well|ok(?:ay)?|right|also|there['’]s a change|quick (?:note|update)|good to know|"
    r"(?:oh )?and(?= )|oh|anyway|just saying|"
    r"you (?:should )?know(?: that)?|"
    r"one more thing|decision(?: reversed)?|decided|agreed(?: on)?|i changed my mind|changed my mind|"
    r"for reference|checked|style guide|"
    r"runbook|rule|policy|convention|as of (?:today|now)|from (?:now|today|this \w+|next \w+) on(?:wards)?|"
    r"new rule|hey|hi|listen)\b[^\w#/~@]*)+",
    re.I,
)
# Who says it, or how it came to be known, before what is said: "User mentioned that ...", "Reminder to self: ...".
_TOLD_BY = r"(?:said|told (?:me|us)|mentioned|repeated|confirmed|noted|explained|stated|insisted|reminded (?:me|us))"
_FOUND = (
    r"(?:noted|noticed|verified|learn(?:ed|t)|confirmed|found(?: out)?|discovered|checked|remembered|observed|"
    r"corrected|reported)"
)
_ORDERED = r"(?:asked|told|said|ordered|requested|instructed|reminded|begged)"
_META = (
    r"(?:notes?|reminder|rule|lesson|fact|finding|observation|update|news|correction|corrected|preference|decision|"
    r"learn(?:ed|t)?|noted|verified|confirmed|memo|changed|had|remember)"
)
_AROUND = r"(?:(?:the|a|an|my|our|new|user|me|us|self|to|from|by|of|for|it|rule|that|and) )*"
_FRAMES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.I), by)
    for pattern, by in (
        (rf"^\W*{_AROUND}{_META}(?: (?:the|a|an|my|me|us|self|user|to|from|by|of|rule|learn|it))*: +", ""),
        (r"^\W*(?:to|from|by|for) (?:the |our )?(?:self|myself|me|us|user|team)\W*: +", ""),
        (r"^[^:?!]{0,60}\b(?:our|the|this|a) (?:rule|policy|convention|decision|agreement|standard|guideline): +", ""),
        (r"^\W*according to [^,:]{2,40}, +", ""),
        (rf"^\W*(?:the )?user (?:has )?{_TOLD_BY}(?: that) +", ""),
        (rf"^\W*(?:I |we )?(?:have )?{_FOUND} (?:out )?that +", ""),
        (rf"^\W*(?:the )?user (?:has )?{_ORDERED} (?:me |us )?(?:never|not) to (?:use |do |choose )?", "user stopped "),
        (rf"^\W*(?:the )?user (?:has )?{_ORDERED} (?:me |us )?to (?:stop|quit)(?: using)? +", "user stopped "),
        (
            rf"^\W*(?:the )?user (?:has )?{_ORDERED} (?:me |us )?(?:to (?:always )?"
            r"(?:use|stick (?:to|with)|keep(?: to)?|choose|take|prefer|go with|stay with)|for) +",
            "user wants ",
        ),
        (r"^\W*used (?=.{3,80}, as (?:the user|usual|always|(?:s?he|they) ))", "user wants "),
        (r"^(?P<value>[^,]{2,60}?) is (?:right|best|the one|the best) for ", r"user wants \g<value> for "),
        (r"\b(?P<owned>(?:my|our) \w+)['’]s (?=(?:in|at|on|a|an|the|called|now|still)\b)", r"\g<owned> is "),
        (r"^(?P<who>[A-Z][\w’-]+) and (?-i:I) are (?:now )?(?:a |an |the )?(?P<what>\w+)", r"my \g<what> is \g<who>"),
        (
            r"^(?:you )?(?:can |will |['’]ll )?(?P<way>(?:e-?)?mail|call|text|phone|reach|find|write to) (?:me|us) "
            r"(?:at|on|under|in|by)(?: at)? ",
            r"my \g<way> is at ",
        ),
    )
)
_TALK = re.compile(
    r"^\W*(?:thanks|thank you|wow|yeah|yep|yup|yes|nope?(?! (?:more|longer)\b)|hey|hi|hello|haha|hah|lol|aww?|oh|"
    r"ooh|oof|congrats|"
    r"yay|sure|absolutely|definitely|"
    r"agreed?|totally|glad|sorry|it|it['’]s|that|that['’]s|this|they|they['’]re|those|these|he|he['’]s|she|"
    r"she['’]s|there|you|you['’]re|"
    r"your|what (?:made|did|do|does|was|were|a|an|inspired|kind|else)|how|why|when did|can|can['’]t|could|do|"
    r"did|are|is|let['’]s|good luck|great|nice|cool|awesome|amazing|no worries|"
    r"no problem|okay|ok)\b(?!:| want\b| can count\b| (?:can |will )?(?:find|reach|get) (?:me|us)\b)",
    re.I,
)
_SENTENCE_END = re.compile(r"(?<!\bDr\.)(?<!\bMr\.)(?<!\bMs\.)(?<!\bSt\.)(?<!\bMrs\.)(?<=[.!])\s+|\n+")
# "My bank? Tidewater." asks nothing: what is asked about is named and the answer follows.
_ASKED = re.compile(r"(?<=\?)\s+(?=\S)")
_TOPIC = re.compile(
    r"^\W*(?:(?:my|our|the|what|where|who|for|as|in|on|at|when)\b(?! (?:about|is|are|do|does|did|was|"
    r"were)\b)[^?]{0,60})"
    r"\?$",
    re.I,
)
_BEHIND = re.compile(
    r"^\W*(?:it|that)['’]?s (?P<value>[^,;]{2,50}), (?P<thing>(?:my|our) [^,;.!?]{2,40}|(?:the|what|where|"
    r"who) [^,;.!?]{2,40}\b(?:I|we)\b[^,;.!?]{0,20})",
    re.I,
)
_SPEAKER = re.compile(r"^([A-Z][\w’'-]{0,20}(?: [A-Z][\w’'-]{0,20})?): +")
_SPEECH = re.compile(r"\b(?:I|I['’]\w+|my|me|we|we['’]\w+|our|you|your|you['’]\w+)\b|[!?]", re.I)
_LABELS = frozenset(
    "decision note reminder rule policy convention update correction setting preference todo task fact runbook "
    "agreed question answer learned learnt verified noted confirmed news lesson finding memo result observation "
    "warning error info debug incident fix result status summary daily retro demo deploy release style "
    "documentation".split()
)
_ANSWERED = re.compile(r"(?:that|it)['’]?s\b|that is\b|it is\b|(?:the )?user\b", re.I)


def spoken(text: str) -> tuple[str, str]:
    """(who says it, what is said), of a line of a conversation: "Anna: I moved"; else ("", text)."""
    label = _SPEAKER.match(text)
    if label and label[1].lower() not in _LABELS and not _ANSWERED.match(text, label.end()):
        return label[1].lower(), text[label.end() :]
    return "", text


def sentences(text: str) -> tuple[str, ...]:
    """Those that claim something, bare, in their order; the first at all where none does."""
    found = [bare(piece) for piece in _split(text[:_READ]) if piece.strip()]
    claiming = [piece for piece in found if len(piece.split()) > 2 and not is_talk(piece)]
    return tuple(claiming[:_PIECES] or found[:1])


def sentence(text: str) -> str:
    """The first that claims something; the first at all where none does."""
    return next(iter(sentences(text)), "")


def is_talk(piece: str) -> bool:
    """Whether it answers, greets, or speaks of what was just said: it claims nothing that can be read alone."""
    return _TALK.match(piece) is not None


def is_conversation(text: str) -> bool:
    """Whether it is said to somebody: it asks, exclaims or greets, and has more than a sentence."""
    pieces = [piece for piece in _SENTENCE_END.split(text[:_READ]) if piece.strip()]
    return len(pieces) > 1 and any(piece.rstrip().endswith(("!", "?")) or is_talk(piece) for piece in pieces)


def bare(piece: str) -> str:
    """Without what people say before it and without who reported it."""
    for _ in range(2):
        piece = _LEAD.sub("", piece)
        for pattern, by in _FRAMES:
            piece = pattern.sub(by, piece, count=1)
    behind = _BEHIND.match(piece)
    if behind:
        return f"{behind['thing'].removesuffix(' I mean')} is {behind['value']}"
    return piece


def _split(text: str) -> list[str]:
    pieces: list[str] = []
    for piece in _SENTENCE_END.split(_LEAD.sub("", text)):
        asked = _ASKED.split(piece)
        while len(asked) > 1 and not _TOPIC.match(_LEAD.sub("", asked[0])):
            pieces.append(asked.pop(0))
        pieces.append(" ".join(asked))
    return pieces

"""What a text claims: of whom, whether it still holds, and which former value it names. By wording alone; English."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from athena.consolidation.fast.discourse import is_talk, sentence, sentences, spoken
from athena.consolidation.fast.values import CARRIER, names_holder, stems
from athena.consolidation.fast.wishes import wish

_READ = 600
# A former value is named in a few words; what follows is about something else.
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Statement:
    """`state`: it says how something is, not what happened. `aside`: it claims nothing that lasts (for once, a
    question, a plan, long ago). `subject`: "" for whoever speaks or nobody in particular. `negative`: it only denies.
    `cue`: it says itself that something changed. `old`: stems of the value that it says is gone. `spoken`: a line
    of a conversation."""

    state: bool
    aside: bool
    subject: str
    negative: bool
    cue: bool
    old: tuple[str, ...]
    spoken: bool


_KIN = (
    "mother|mum|mom|father|dad|brother|sister|aunt|uncle|cousin|nephew|niece|grandmother|grandfather|grandma|grandpa|"
    "granny|wife|husband|partner|girlfriend|boyfriend|son|daughter|child|kids?|parents|friend|neighbou?r|colleague|"
    "coworker|co-worker|flatmate|roommate|godfather|godmother|stepfather|stepmother|father-in-law|mother-in-law|"
    "brother-in-law|sister-in-law|sibling|twin|boss's|teacher"
)
_VERB = (
    r"(?:is|was|has|had|prefers?|likes?|loves?|hates?|enjoys?|swears|uses?|used|works?|worked|lives?|lived|"
    r"drinks?|eats?|"
    r"drives?|wants?|says?|said|thinks?|thought|asked|asks|told|tells|warned|recommends?|recommended|suggests?|"
    r"suggested|"
    r"mentioned|keeps?|kept|takes?|took|gets?|got|bought|buys|switched|moved|started|stopped|quit|plays?|played|goes|"
    r"went|runs?|ran|needs?|believes?|wondered|wonders|talked|raved|complained|complains)"
)
_SELF = re.compile(r"\b(?:I|I['’]\w+|me|my|mine|myself|we|we['’]\w+|us|our|ours)\b", re.I)
_OTHER = re.compile(
    rf"^(?:[\"'“(\[]*)(?!(?:I|We|My|Our|The|This|That|It|There|Now|Today)\b)([A-Z][\w’-]+(?: [A-Z][\w’-]+)?)"
    rf"(?:['’]s\b| {_VERB}\b)"
)
_RELATIVE = re.compile(rf"\b(?:my|our) (?:\w+ )?({_KIN})(?:['’]s? | (?!is\b|and\b){_VERB}\b)", re.I)
_GROUP = re.compile(
    r"^(?:[Tt]he |[Aa]t )?([A-Z][\w’-]+)(?:['’]s)? (?:own )?(?:office|team|branch|department|group|crew|squad|"
    r"site|people|folks|colleagues|guys)\b"
)
_ACTED = re.compile(
    r"^[A-Z][\w’-]+ (?:moved|changed|set|switched|raised|lowered|bumped|renamed|pointed|told|informed|"
    r"reminded)\b|^[\w -]+ (?:is|are) (?:now )?(?:banned|forbidden)"
)
_TASTE = re.compile(
    r"^([A-Z][\w’-]+(?: [A-Z][\w’-]+)?) (?:now |still |also |always )?(?:prefers|likes|loves|hates|swears by|"
    r"wants|enjoys|uses)\b"
)
_USER = re.compile(r"^(?:the )?user(?:['’]s)?\b", re.I)

_LEAD_IN = re.compile(
    r"\b(?:if|in case|should) (?:any(?:one|body)|you|some(?:one|body)) (?:ever )?\w+|\bfrom now on\b|"
    r"\bas you (?:know|may \w+)|"
    r"\b(?:I|we)(?:['’]d| would) (?:rather|prefer|like)\b|^[^?]{3,60}\? (?=(?:that|it)['’]?s\b)",
    re.I,
)
_ASIDE = re.compile(
    r"\b(?:just (?:for )?(?:today|tonight|this once|once|now)|only (?:this|for) (?:once|today)|(?:just|only|"
    r"for) (?:this|that) "
    r"(?:once|one time|week|time|morning|evening|afternoon|day|month|sprint)|this once|for once|for a change|"
    r"today only|"
    r"temporar(?:y|ily)|exceptional(?:ly)?|as an exception|for the time being|one-off|on this occasion|"
    r"until (?:further notice|tomorrow)|"
    r"for (?:a|the) (?:day|week|night|weekend)|while \w+(?: \w+){0,4} (?:is|are|was|were) (?:away|down|out|"
    r"broken|closed|on holiday|ill|sick|sold out|in repair|being)|"
    r"because .{0,60}(?:sold out|broken|closed|cancelled|ill|sick|delayed|unavailable)|"
    r"(?:years|decades|ages|long) ago|back (?:at|in|when|then)|as a (?:student|child|kid|teenager|boy|girl)|"
    r"in my youth|once upon|"
    r"in the old days|times change|"
    r"might|maybe|perhaps|would|could|if|whether|considering|consider|considered|thinking (?:of|about)|"
    r"thought (?:of|about|for)|"
    r"wonder(?:ing|ed)?|tempted|almost|nearly|toying|dream(?:ing|ed|t)? of|one day|some ?day|asked|suggested|"
    r"suggests|"
    r"recommends?|recommended|proposed|warned|article|documentary|leaflet|advert(?:isement)?|rumou?rs?|joked|"
    r"heard (?:of|about|that)|"
    r"read (?:a|an|about|that|somewhere)|don['’]t mind|wouldn['’]t mind|now and then|once in a while|"
    r"from time to time|"
    r"nothing comes of it|no idea|for (?:\w+ )?(?:minutes?|hours?|moments?|a while)\b.{0,80}\b(?:was|were)|"
    r"experiment(?:al|ally)?|reverted|rolled back|"
    r"undone|by mistake|by accident|mistaken(?:ly)?|typo|no majority|rejected|hackathon|former (?:company|job|"
    r"employer|team)|not my thing|"
    r"at (?:his|her|their) (?:old|former|previous))\b|\?\s*$",
    re.I,
)
_CUE = re.compile(
    r"\b(?:now(?:adays)?|no longer|no more|any ?more|any longer|instead|these days|lately|from (?:now|today|"
    r"this|next) ?\w* ?on|"
    r"from \w+ to|as of|since (?:this|last|the)|switch(?:ed|ing)?|chang(?:ed|ing)|migrat(?:ed|ing)|moved|"
    r"moving|replac(?:ed|es|ing)|"
    r"renamed|swapped|used to|stopped|quit|gave up|given up|left|dropped|ditched|new|rather than|retired|"
    r"took over|takes over|"
    r"relocated|rotated|bumped|upgraded|downgraded|raised|lowered|increased|decreased|shifted|reassigned|"
    r"became|went back|"
    r"turned into|cancell?ed|sold|is gone|finally|banned|gone off|than)\b|, not (?!(?:my|the|a|an|so|too|"
    r"very|bad|yet|that|really|much|at|only|to|sure|even|just)\b)\w",
    re.I,
)
_STATE = re.compile(
    r"\b(?:prefer(?:s|red)?|favou?rite|am|is|are|(?:I|we|you|they|that|it|there|he|she|what|where|who)['’](?:m|"
    r"re|s)|live|lives|work|works|use|uses|keep|keeps|have|has|own|owns|drive|"
    r"drives|drink|drinks|eat|eats|like|likes|love|loves|hate|hates|want|wants|need|needs|take|takes|report|"
    r"reports|belong|"
    r"belongs|sit|sits|run|runs|listens?|starts?|ends?|opens?|closes?|celebrate|learn|learning|choose|chooses|"
    r"go-to|means?|costs?|owned|led|maintained|called|named|set|default|defaults|goes|requires?|allows?|"
    r"lasts?|says|lies|stands|holds|serves?|treats?|pays? for|rent|ride|study|play|share|get up|pay|pays|"
    r"happens?|meets?|meet|deploy|deploys|rule|always|must|never|should|prefer(?:ence)?|choice|pick|please|"
    r"would rather)\b",
    re.I,
)
_TOLD = re.compile(
    r"^\W*(?:decision|decided|agreed|note|reminder|rule|policy|convention|style guide|runbook|for reference|"
    r"remember|please remember|"
    r"for the record|for your notes|fyi|correction|update|setting|config(?:uration)?|preference|set \w.* to)\b|"
    r"^\W*checked [^:]{3,60}:|^[^:.!?]{3,60}: \S+(?: \S+){0,2}(?:[.]|$)",
    re.I,
)
_PRESENT = re.compile(
    r"\b(?:I|we) (?:\w+ly |always |now |all )*(?!(?:am|was|had|did|have|will|can|could|should|must|might|would|"
    r"went|got|made|took|ran|swam|saw|"
    r"bought|ate|drank|met|spent|wrote|sang|gave|found|came|told|sent|heard|lost|broke|left|felt|thought|said|"
    r"knew|slept|threw|read|"
    r"put|let|cut|hit|\w+ed)\b)[a-z]+\b|\b[a-z]{3,}s (?:its|their|the \w+ \w+) |\b(?:time|go|run|log|start|"
    r"begin|end) (?:out|at|on|to|with|in)\b|\b[a-z]{3,}(?<!s)s (?:at|on|in|to|after|out|up|by|with|from|off)\b",
)
_PAST = re.compile(
    r"^(?:\W*)(?:(?:I|we|\w+(?: and I)?)\s+)?(?:just |finally |then |also |quickly )?(?:went|did|had|got|made|"
    r"took|ran|swam|saw|bought|ate|"
    r"drank|met|spent|wrote|read|sang|gave|found|came|told|sent|called|phoned|heard|\w{3,}ed)\b",
    re.I,
)
_BECAME = re.compile(
    r"^(?:I|we|(?:the )?user)(?:['’]ve| have| has)? (?:just |now |finally )?(?:moved|relocated|switched|changed) "
    r"(?:\w+ ){0,3}?to (?!get\b|see\b|be\b|do\b)",
    re.I,
)
_DENIAL = re.compile(
    r"\b(?:no longer|any ?more|any longer|stopped|quit|gave up|given up|cancell?ed|closed|never again|"
    r"not .{0,40}\bagain|"
    r"done with|away from|no more)\b",
    re.I,
)
_TAIL = (
    r"(?P<old>[^,;:!?()]+?)(?=\s+(?:but|and|now|for|when|as|in|on|at|with|during|of all|"
    r"to (?:make|get|visit|text|call|reach|read|send|write))\b|\.(?:\s|$)|[,;:!?()]|$)"
)
_FORMER = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        r"\b(?:switch|chang|mov|migrat|renam|convert|shift|upgrad|downgrad|bump|rais|lower|increas|decreas|"
        r"transfer|relocat|rotat|"
        r"went|go|gone|turn|swap)\w*\b.{0,80}?\bfrom (?P<old>(?:(?!\bto\b|\bon\b)[^,;!?])+?) (?:to|over to|into) ",
        r"(?:\bfrom\b )?(?P<old>[\w.:/-]+) ?(?:→|->|=>) ?",
        rf"\b(?:instead of|rather than|in place of) {_TAIL}",
        r"\b(?:replaced|swapped|traded|exchanged|replacing) (?P<old>[^,;!?]+?) (?:with|by|for) ",
        rf"\breplac(?:es|ed|ing) {_TAIL}",
        r"\b(?:no longer|any ?more)\b(?: (?:\w+ing|work|live|bank|train|study|report|go|belong|sit|rent|want|"
        r"like|use|love|"
        rf"need|have|drive|eat|drink|play|ride)s?)?(?: (?:in|at|on|to|with|for|from|by|of))? {_TAIL}",
        r"\b(?:don['’]?t|do not|doesn['’]?t|does not|not|isn['’]?t|aren['’]?t|"
        r"never)\b (?P<old>(?:[^,;.!?]|\.(?=\w))+?) (?:any ?more|any longer|again)\b",
        rf"\b(?:stopped|quit|given up|gave up|gave notice|dropped|ditched|abandoned|left(?! an?\b| "
        r"behind\b| off\b)|leaving|sold|"
        rf"cancell?ed|closed|finished with|done with|away from|retired|removed|got rid of|moved off|"
        rf"moved on from)\b(?: \w+ing)?(?: (?:in|at|on|to|with|for|from|by))?(?: the)? {_TAIL}",
        r"(?:^|[,;.] ?|\band )(?P<old>(?:[^,;.!?]|\.(?=\w))+?) (?:is|are|was|were|has|"
        r"have)(?: been)? (?:gone|history|"
        r"retired|left|out|over|dropped|closed|deprecated|obsolete|outdated|history|invalid|dead|"
        r"switched off|shut down|no longer)\b",
        r"(?:^|[,;.] ?)(?P<old>[\w .'’-]+?) (?:retired|left us|has left|resigned)\b",
        rf"[,;] (?:and )?(?:not|no longer|never)(?: (?:in|at|on|to|with|by))? {_TAIL}",
        rf"\bused to (?:be |have |use |\w+ ){_TAIL}",
        r"\b(?:was|were) (?P<old>(?:[^,;.!?]|\.(?=\w))+?) (?:before|until|till|so far|previously)\b",
        rf"\b(?:was|were|previously|formerly|before that) {_TAIL}[,;] (?:and |but )?(?:is |are )?now\b",
        rf"[,;(] ?(?:was|were|previously|formerly|before(?: that)?:?|up from|down from) {_TAIL}",
        rf"\bprefer(?:s|red)? (?!to\b)[^,;:]+? (?:to|over) {_TAIL}",
        rf"\brather\b[^,;:]+? than {_TAIL}",
        rf"\bgone off {_TAIL}",
        rf"^\W*no more {_TAIL}",
        rf"\b(?:can['’]?t|cannot) stand {_TAIL}",
        r"\b(?:using |with )(?P<old>[^,;!?]+?) (?:failed|fails|(?:no longer|does(?:n['’]| no)t|stopped) work\w*)\b",
        r"\b(?:forget|ignore|scrap) (?P<old>(?:[^,;.!?]|\.(?=\w))+)",
        r"(?:^|[,;:.] ?)(?P<old>[^,;:.!?]+?) (?:is|are) (?:now )?(?:banned|forbidden|not allowed|off the table)\b",
        rf"\bover {_TAIL}",
    )
)
_ALL = re.compile(r"^(?:everyone|everybody|people|most (?:people|of \w+)|nobody)\b(?! of us)", re.I)
_IS_THE = re.compile(r"^[A-Z][\w’-]+ is (?:now |still )?(?:the|my|our|who|what|where)\b")
_NOBODY = frozenset("The Our My We I Everyone Everybody Nobody Now Who What Team User It This That".split())


def read(text: str) -> Statement:
    speaker, text = spoken(text[:_READ])
    return stating(sentence(text), text, speaker)


def parts(text: str) -> tuple[tuple[str, Statement], ...]:
    """Each sentence of a line of a conversation, bare, with what it claims."""
    speaker, text = spoken(text[:_READ])
    return tuple((piece, replace(stating(piece, piece, speaker), spoken=True)) for piece in sentences(text))


def stating(head: str, text: str, speaker: str) -> Statement:
    """What a bare sentence claims. `text`: what it was taken from."""
    cue = _CUE.search(head) is not None
    happened = _PAST.match(head) is not None
    old = _former(head) if cue else ()
    return Statement(
        state=bool(old)
        or _TOLD.match(text) is not None
        or _BECAME.match(head) is not None
        or wish(head, bare=False) is not None
        or (not happened and not is_talk(head) and (_STATE.search(head) or _PRESENT.search(head)) is not None),
        aside=_ASIDE.search(_LEAD_IN.sub(" ", head)) is not None,
        subject=":".join(part for part in (speaker, _subject(head)) if part),
        negative=_DENIAL.search(head) is not None,
        cue=cue,
        old=old,
        spoken=bool(speaker),
    )


def _subject(text: str) -> str:
    if _USER.match(text):
        return ""
    relative = _RELATIVE.search(text)
    if relative:
        return relative[1].lower()
    for pattern in (_GROUP, _TASTE):
        named = pattern.match(text)
        if named and named[1] not in _NOBODY:
            return named[1].lower()
    if _ALL.match(text):
        return "everyone"
    if _ACTED.match(text) or _IS_THE.match(text) or names_holder(text):
        return ""
    other = _OTHER.match(text)
    if other and not _SELF.search(text[other.end(1) :]):
        return other[1].lower()
    return ""


def _former(text: str) -> tuple[str, ...]:
    for pattern in _FORMER:
        found = pattern.search(text)
        if found:
            named = [stem for stem in stems(found["old"]) if stem not in CARRIER] or stems(found["old"])
            named = named[:_NAMED]
            if named:
                return tuple(named)
    return ()

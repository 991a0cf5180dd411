"""Which parts of a text must stay byte for byte: what is wrong as soon as one character of it is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from athena.compression.types import Span

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?"
_UNIT = (
    r"(?:%|‰|°[CF]?|[kKMGTP]i?[Bb](?:/s)?|[Bb]ytes?|[mµun]?s|min|h|hours?|days?|weeks?|months?|years?|seconds?|minutes?"
    r"|[kcmµn]?m|km/h|mph|miles?|feet|ft|inch(?:es)?|[mk]?g|lbs?|[mk]?[WVA]|[kMG]?Hz|tokens?|rows?|lines?|times"
    r"|USD|EUR|GBP|dollars?|euros?|million|billion|thousand|[€$£¥×x])(?![\w])"
)
# What begins with a digit or belongs to the number before it.
_NUMBER = re.compile(
    r"(?P<date>\d{4}-\d\d?-\d\d?(?:[T ]\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH},?(?: \d{{4}})?|\d{{1,2}}[./]\d{{1,2}}[./]\d{{2,4}}"
    r"|\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?[ap]\.?m\b\.?)?)"
    rf"|(?P<number>[-+−±~<>≤≥]?[€$£¥]?\d+(?:[.,_]\d+)*(?:[eE][-+]?\d+)?(?: ?{_UNIT})?)"
)
_NAMED_DATE = re.compile(rf"\b{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?\b")
_WHOLE = re.compile(
    r"(?P<fence>^[ \t]*(?P<ticks>`{3,}|~{3,})[^\n]*\n.*?(?:^[ \t]*(?P=ticks)[ \t]*$|\Z))"
    r"|(?P<mark>\[…[^\]\n]{0,80}\])"
    r"|(?P<code>`[^`\n]{1,200}`)"
    r"|(?P<tag></?[A-Za-z!?][^<>\n]{0,300}>)"
    r"|(?P<quote>\"[^\"\n]{1,300}\"|“[^”\n]{1,300}”|«[^»\n]{1,300}»|「[^」\n]{1,300}」|(?<![\w])'[^'\n]{1,200}'(?!\w))",
    re.DOTALL | re.MULTILINE,
)
_WORD = re.compile(r"\S+")
_EDGE_LEFT = "([{<\"'“‘«*,;)"
_EDGE_RIGHT = "()]}>\"'”’»*,;.:!?…"
_LONGEST = 300
_EXACT = re.compile(
    r"(?P<url>[a-zA-Z][a-zA-Z0-9+.-]{1,15}://\S+|www\.\S+|mailto:\S+)"
    r"|(?P<email>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?P<hash>(?:sha\d+[:-])?(?=[0-9a-fA-F-]*\d)(?=[0-9a-fA-F-]*[a-fA-F])[0-9a-fA-F]{7,128}"
    r"|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
    r"|(?P<path>(?:[A-Za-z]:)?[\w.~@%+-]*[/\\][^\s]*[\w/\\*~-]|~|\.{1,2}|[\w-]+\.[a-zA-Z]{1,5}\d?(?::\d+)*)"
    r"|(?P<identifier>--?[a-zA-Z][\w-]*(?:=\S+)?|[$@#%][\w{][\w.{}-]*|[\w.]*_[\w.]*(?:\([^\s]*\))?|\w+(?:(?:\.|::|->)\w+)+(?:\([^\s]*\))?"
    r"|[a-z]+[A-Z]\w*|[A-Z][a-z0-9]+[A-Z]\w*|[A-Z][A-Z0-9]+(?:-[A-Z0-9]+)*|\w+\([^\s]*\)|\w*[a-zA-Z]-?\d\S*|v?\d+(?:\.\d+)+\S*|\S*[=<>|&{}\[\]]\S*)"
)
# English, and the commonest of German, French, Spanish, Portuguese, Italian, Russian.
NEGATIONS = frozenset(
    "not no never none nothing nobody nowhere neither nor cannot without unless except hardly barely n't only "
    "must should shall may might can could would will ought needn't dare "
    "nicht kein keine keinen keiner nie niemals ohne muss darf soll ne pas jamais aucun aucune sans doit nunca jamás "
    "sin ningún ninguno debe não nunca sem deve non mai senza deve не нет ни никогда нельзя без должен".split()
)


def protect(text: str) -> list[Span]:
    """Spans in order, none overlapping another."""
    spans: list[Span] = []
    at = 0
    for whole in _WHOLE.finditer(text):
        _loose(text, at, whole.start(), spans)
        spans.append(Span(whole.start(), whole.end(), whole.lastgroup or "fence"))
        at = whole.end()
    _loose(text, at, len(text), spans)
    return spans


def _loose(text: str, start: int, end: int, spans: list[Span]) -> None:
    """What lies between the spans that are marked as such."""
    found = [*_dates_and_numbers(text, start, end), *_words(text, start, end)]
    found.sort(key=lambda span: (span.start, -span.end))
    for span in found:
        if spans and span.start < spans[-1].end:
            last = spans[-1]
            if span.end > last.end:
                spans[-1] = Span(last.start, span.end, last.kind)
        else:
            spans.append(span)


def _dates_and_numbers(text: str, start: int, end: int) -> Iterator[Span]:
    for match in _NUMBER.finditer(text, start, end):
        yield Span(match.start(), match.end(), match.lastgroup or "number")
    for match in _NAMED_DATE.finditer(text, start, end):
        yield Span(match.start(), match.end(), "date")


def _words(text: str, start: int, end: int) -> Iterator[Span]:
    for match in _WORD.finditer(text, start, end):
        word = match.group()
        if word.isalpha() and (word.islower() or word.istitle()):
            if word.lower() in NEGATIONS:
                yield Span(match.start(), match.end(), "negation")
            continue
        core = word.lstrip(_EDGE_LEFT)
        left = match.start() + len(word) - len(core)
        core = core.rstrip(_EDGE_RIGHT)
        lowered = core.lower().replace("’", "'")
        if not core:
            continue
        if lowered in NEGATIONS or lowered.endswith("n't"):
            yield Span(left, left + len(core), "negation")
        elif len(core) > _LONGEST:
            # No word of a language: encoded data, or a line of minified code.
            if core.isascii():
                yield Span(left, left + len(core), "identifier")
        elif not core.isalpha() or not (core.islower() or core.istitle()):
            exact = _EXACT.fullmatch(core)
            if exact is not None:
                yield Span(left, left + len(core), exact.lastgroup or "identifier")

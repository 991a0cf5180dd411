"""What kind of task a text is, by its words: fast enough to be asked of every person's message."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# What a message is about stands at its beginning or its end; between them there may be a file.
_HEAD, _TAIL = 800, 300
_WORD = re.compile(r"[\w+#;']+(?:-[\w+#']+)*")
_PHRASE_WEIGHT = _PATTERN_WEIGHT = 2


@dataclass(frozen=True, slots=True)
class _Phrase:
    """`rest`: the words that must follow the first one; the last may be a beginning."""

    kind: int
    text: str
    rest: tuple[str, ...]
    open: bool


class Lexicon:
    """`kinds`: by name, (words, regular expressions)."""

    def __init__(self, kinds: Mapping[str, tuple[Sequence[str], Sequence[str]]]) -> None:
        self._kinds = list(kinds)
        self._words: dict[str, list[_Phrase]] = {}
        self._beginnings: dict[str, list[_Phrase]] = {}
        self._patterns: list[tuple[int, re.Pattern[str]]] = []
        for kind, (words, patterns) in enumerate(kinds.values()):
            for word in words:
                self._add(kind, word.casefold().strip())
            self._patterns += [(kind, re.compile(each, re.IGNORECASE | re.MULTILINE)) for each in patterns]
        self._lengths = sorted({len(each) for each in self._beginnings})

    def _add(self, kind: int, text: str) -> None:
        open_ended = text.endswith("*")
        first, *rest = _WORD.findall(text.rstrip("*")) or [""]
        if not first:
            return
        phrase = _Phrase(kind, text, tuple(rest), open_ended)
        where = self._beginnings if open_ended and not rest else self._words
        where.setdefault(first, []).append(phrase)

    def kind(self, text: str) -> str | None:
        """The kind that most of its words speak for, the first of equals; None if none does."""
        if not text or not self._kinds:
            return None
        text = text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]}\n{text[-_TAIL:]}"
        scores = [0] * len(self._kinds)
        for phrase in self._found(_WORD.findall(text.casefold())):
            scores[phrase.kind] += _PHRASE_WEIGHT if phrase.rest else 1
        for kind, pattern in self._patterns:
            if pattern.search(text):
                scores[kind] += _PATTERN_WEIGHT
        best = max(scores)
        return self._kinds[scores.index(best)] if best else None

    def _found(self, words: list[str]) -> set[_Phrase]:
        found: set[_Phrase] = set()
        seen: set[str] = set()
        for place, word in enumerate(words):
            for phrase in self._words.get(word, ()):
                if not phrase.rest or _follows(words, place + 1, phrase):
                    found.add(phrase)
            if word in seen:
                continue
            seen.add(word)
            for length in self._lengths:
                if length > len(word):
                    break
                found.update(self._beginnings.get(word[:length], ()))
        return found


def _follows(words: list[str], place: int, phrase: _Phrase) -> bool:
    after = words[place : place + len(phrase.rest)]
    if len(after) < len(phrase.rest):
        return False
    if phrase.open:
        return after[:-1] == list(phrase.rest[:-1]) and after[-1].startswith(phrase.rest[-1])
    return after == list(phrase.rest)

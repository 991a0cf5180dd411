"""A text as words, and as hashes of its words in threes: by them it is recognised when it comes back.

Case, punctuation and how characters are composed don't count. Scripts that put no spaces between words count
by the character. The hashes are the same in every process and on every machine: they are kept.
"""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

# Of a longer text so much is looked at, and the whole of it never said to be known.
MOST_WORDS = 20_000
# In the place of the hashes of a text that has none.
SHORT = 0
_MOST_CHARACTERS = 200_000

_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_LETTERS = rf"(?:(?![{_UNSPACED}])[^\W_])+"
_WORD = re.compile(rf"[{_UNSPACED}]|{_LETTERS}(?:'{_LETTERS})*")
# Most texts, and a fifth of the time.
_PLAIN = re.compile(r"[A-Za-z0-9]+(?:'[A-Za-z0-9]+)*")
# Where a sentence ends, or what a colon announces begins.
_BREAK = re.compile(r"[\n\r。]|[.!?:;\"“”„«»](?=[\s\"“”„«»)]|\Z)")
# What stands before a line's own words where it is quoted or listed: > - * 1. (2) [3] 2026-11-20:
_LIST = r"[ \t]*(?:[>*•·–#-]+[ \t]*)*(?:[(\[]?\d{1,3}[.)\]]:?[ \t]+)?"
_DATE = r"(?:[(\[]?(?P<date>\d{4}-\d\d-\d\d)(?:[T ]\d\d:\d\d(?::\d\d)?Z?)?[)\]]?[ \t]*:[ \t]+)?"
_LINE = re.compile(rf"^{_LIST}{_DATE}", re.MULTILINE)
# Who spoke, as labels that name nobody.
_LABEL = re.compile(
    r"[ \t>*\"“„«-]*(?:user|assistant|athena|system|notes?|memory|memories|answer|recalled)[ \t]*:\s", re.IGNORECASE
)

# What turns a statement into another one, however few the words: numbers do, too.
_DECISIVE = frozenset(
    """
    no not never none nothing nobody nowhere neither nor without cannot stopped longer except unless instead only
    nicht nie niemals nichts niemand kein keine keinen keinem keiner keines ohne weder mehr sondern
    ne pas jamais rien sans aucun aucune nunca jamás sin nada ninguno ninguna mai senza niente nessuno não nem sem
    monday tuesday wednesday thursday friday saturday sunday january february march april june july august
    september october november december montag dienstag mittwoch donnerstag freitag samstag sonntag januar februar
    märz juni juli oktober dezember today tomorrow yesterday heute morgen gestern
    one two three four five six seven eight nine ten eleven twelve
    """.split()
)


@dataclass(frozen=True, slots=True)
class Text:
    """A text, read. `words` are alike for texts that say the same. `begins`: before which of them (and behind the last
    one) a sentence or line begins. `framing`: which only list or quote what follows; `dates`: those of them that are a
    date, as written, by the place of its first word. `names`: which are written as names are. `cut`: behind which of
    them an ellipsis stands. `whole`: whether this is all of it."""

    words: tuple[str, ...]
    begins: frozenset[int]
    framing: frozenset[int]
    dates: dict[int, str]
    names: frozenset[int]
    cut: frozenset[int]
    whole: bool

    def decides(self, place: int, *, begins: bool = False) -> bool:
        """Whether a statement is another one with this word and without it. `begins`: its capital says nothing."""
        word = self.words[place]
        is_name = place in self.names and not begins
        return is_name or word in _DECISIVE or word.endswith("n't") or any(map(str.isdigit, word))

    @property
    def own(self) -> tuple[str, ...]:
        """The words without what frames them."""
        return tuple(word for place, word in enumerate(self.words) if place not in self.framing)


def words(text: str) -> tuple[str, ...]:
    """Only the words, as far as they are looked at."""
    plain = _plain(text)
    form = _PLAIN if plain.isascii() else _WORD
    return tuple(form.findall(plain.casefold())[:MOST_WORDS])


def read(text: str) -> Text:
    plain = _plain(text)
    # Not folded: names are told by their capitals. What folds to more letters than it had folds in both ways alike.
    found = list((_PLAIN if plain.isascii() else _WORD).finditer(plain))
    whole = len(text) <= _MOST_CHARACTERS and len(found) <= MOST_WORDS
    found = found[:MOST_WORDS]
    begins, cut, names = {0, len(found)}, set(), set()
    framing, dates = _framing(plain, [match.start() for match in found])
    for place, match in enumerate(found):
        after = found[place + 1].start() if place + 1 < len(found) else len(plain)
        if _BREAK.search(plain, match.end(), after):
            begins.add(place + 1)
        if plain[match.end() : match.end() + 4].lstrip().startswith("..."):
            cut.add(place)
        # A capital begins a sentence; "Ada: …" names who says it.
        at_begin = place in begins and plain[match.end() : match.end() + 2] != ": "
        if match.group()[0].isupper() and not at_begin and place not in framing and match.group() != "I":
            names.add(place)
    return Text(
        tuple(match.group().casefold() for match in found),
        *(frozenset(begins), frozenset(framing), dates, frozenset(names), frozenset(cut)),
        whole,
    )


def shingles(words: tuple[str, ...]) -> list[int]:
    """The hash of each three words that follow each other, in order: signed, 64 bits. None for fewer words."""
    hashes = [_hash(word) for word in words]
    return [
        ((a * _A + b * _B + c * _C + _HALF) & _MASK) - _HALF
        for a, b, c in zip(hashes, hashes[1:], hashes[2:], strict=False)
    ]


# Odd, and far apart: by them the order of three words is told.
_A, _B, _C = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_MASK, _HALF = (1 << 64) - 1, 1 << 63


@lru_cache(maxsize=65_536)
def _hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest())


def _plain(text: str) -> str:
    text = text[:_MOST_CHARACTERS]
    if "&" in text:
        # As recalled notes are escaped where they are shown.
        text = html.unescape(text)
    return text if text.isascii() else unicodedata.normalize("NFKC", text).replace("’", "'")


def _framing(text: str, starts: list[int]) -> tuple[set[int], dict[int, str]]:
    framing: set[int] = set()
    dates: dict[int, str] = {}
    place = 0
    for line in _LINE.finditer(text):
        end = line.end()
        while label := _LABEL.match(text, end):
            end = label.end()
        if end == line.start():
            continue
        while place < len(starts) and starts[place] < line.start():
            place += 1
        while place < len(starts) and starts[place] < end:
            if line["date"] and starts[place] == line.start("date"):
                dates[place] = line["date"]
            framing.add(place)
            place += 1
    return framing, dates

"""Text that was rewritten, with the place in the original that each of its characters came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compressor.spans import Span


@dataclass(frozen=True, slots=True)
class Mapped:
    """`origins`: a span of the original per character of `text`."""

    text: str
    origins: tuple[Span, ...]

    @classmethod
    def of(cls, text: str, start: int = 0) -> Mapped:
        return cls(text, tuple((start + at, start + at + 1) for at in range(len(text))))

    def replaced(self, old: str, new: str) -> Mapped:
        """`str.replace`; each character of `new` comes from all of the `old` that it stands for."""
        if old not in self.text:
            return self
        parts: list[str] = []
        origins: list[Span] = []
        at = 0
        while old and (found := self.text.find(old, at)) >= 0:
            parts += [self.text[at:found], new]
            origins += self.origins[at:found]
            origins += [(self.origins[found][0], self.origins[found + len(old) - 1][1])] * len(new)
            at = found + len(old)
        return Mapped("".join([*parts, self.text[at:]]), (*origins, *self.origins[at:]))

    def span(self, start: int, end: int) -> Span:
        """Of the original, for a span of `text`."""
        if start >= end:
            at = self.origins[start][0] if start < len(self.origins) else (self.origins[-1][1] if self.origins else 0)
            return (at, at)
        return (min(o[0] for o in self.origins[start:end]), max(o[1] for o in self.origins[start:end]))


def rejoined(text: str, surfaces: Sequence[str], spans: Sequence[Span]) -> Mapped:
    """`text` made of tokens by a decoder that only adds or removes blanks.

    `surfaces` are the tokens' characters in `text`, `spans` where they come from. A blank belongs to what
    follows it. Where a token is as long as its span it is mapped character by character.
    """
    by_character: list[Span] = []
    for surface, (start, end) in zip(surfaces, spans, strict=True):
        exact = len(surface) == end - start
        by_character += [(start + at, start + at + 1) if exact else (start, end) for at in range(len(surface))]
    last = (by_character[-1][1], by_character[-1][1]) if by_character else (0, 0)
    origins: list[Span] = []
    at = 0
    for character in text:
        origin = by_character[at] if at < len(by_character) else last
        origins.append((origin[0], origin[0]) if character.isspace() else origin)
        at += not character.isspace()
    return Mapped(text, tuple(origins))

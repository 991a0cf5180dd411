"""Memory joins a conversation: beside what a person has just said, once, as data.

What is put there belongs to the ledger's decision about that text: from then on it is sent in the
same place, byte for byte, whatever is remembered or forgotten later. So only the newest words of a
person are recalled by, and only where they have never been sent.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import structlog

from athena.compression.tokens import estimate
from athena.core.marked import escaped, holds_mark, marked
from athena.errors import AthenaError
from athena.rewrite.person import Person
from athena.rewrite.ports import Joined, Note, Recall

# A person waits for the answer, and the answer for this.
TIMEOUT_S = 0.3
_LONGEST_QUERY = 4_000
_LEAST_QUERY = 8
_LABEL = re.compile(r"\A[^\s:][^:\n]{0,40}: ")
# A shorter line may stand anywhere by chance.
_TELLING = 12
_WORTH_CUTTING = 40

log = structlog.get_logger(__name__)


class Joiner:
    """A `Join` for one request."""

    def __init__(
        self,
        recall: Recall,
        *,
        project: str,
        session: str | None = None,
        budget_tokens: int = 800,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._recall = recall
        self._project = project
        self._session = session
        self._budget = budget_tokens
        self._timeout_s = timeout_s

    async def __call__(self, person: Person, said: Sequence[str]) -> Joined:
        if holds_mark(person.text):
            return Joined("", "the text holds recalled notes")
        if not _is_telling(person.text):
            return Joined("", "the text is too short to recall by")
        try:
            async with asyncio.timeout(self._timeout_s):
                notes = await self._recall(_query(person.text), project=self._project, session=self._session)
        except TimeoutError:
            return Joined("", f"recall took longer than {self._timeout_s * 1e3:.0f} ms")
        except AthenaError as exc:
            return Joined("", f"recall failed ({exc.code})")
        except Exception:
            # A request must go out, whatever is wrong with the memory.
            log.exception("recall failed")
            return Joined("", "recall failed (internal)")
        chosen = _within(self._budget, [note for note in notes if not _is_said(note, said)])
        if not chosen:
            return Joined("", "nothing to recall")
        return Joined(marked(chosen), "1 note recalled" if len(chosen) == 1 else f"{len(chosen)} notes recalled")


def _is_telling(text: str) -> bool:
    """ "yes" and "go on" say nothing of what is wanted; a few letters of a script without spaces may."""
    return len(text) >= _LEAST_QUERY or not text.isascii()


def _query(text: str) -> str:
    """Of long words, how they begin and how they end: that is where questions stand."""
    if len(text) <= _LONGEST_QUERY:
        return text
    half = _LONGEST_QUERY // 2
    return f"{text[:half]}\n{text[-half:]}"


def _is_said(note: Note, said: Sequence[str]) -> bool:
    """Whether the conversation holds it already, as somebody's words or as a note from before."""
    line = _LABEL.sub("", note.content.strip()).split("\n", 1)[0][:200].strip()
    if len(line) < _TELLING:
        line = note.content.strip()[:200]
    return any(line in text or escaped(line) in text for text in said)


def _within(budget: int, notes: Sequence[Note]) -> list[str]:
    """The best that fit, as lines with their dates. The best of all is cut where it alone is too long."""
    left = budget - estimate(marked([""]))
    lines: list[str] = []
    for note in notes:
        if holds_mark(note.content):
            continue
        line = f"{note.when.isoformat()}: {note.content.strip()}"
        cost = estimate(f"- {escaped(line)}\n")
        if cost > left and not lines and left >= _WORTH_CUTTING:
            line = _cut(line, left)
            cost = estimate(f"- {escaped(line)}\n")
        if cost <= left:
            lines.append(line)
            left -= cost
    return lines


def _cut(line: str, tokens: int) -> str:
    """The beginning of it that has about so many tokens, to a whole word."""
    kept = line
    while estimate(f"- {escaped(kept)} …\n") > tokens and len(kept) > 1:
        share = tokens / (estimate(escaped(kept)) + 4)
        kept = kept[: min(len(kept) - 1, int(len(kept) * share))]
    return f"{kept.rsplit(' ', 1)[0].rstrip()} …"

"""The slow system: one cluster before the local model, and what of its answer the code takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from athena.consolidation.ports import Model
from athena.consolidation.slow import prompts, support
from athena.consolidation.slow.asking import Asking
from athena.consolidation.slow.board import MOST_CHARS, Shown, board
from athena.consolidation.slow.check import Grounded, check
from athena.consolidation.slow.claims import Claim, Kind, claims
from athena.consolidation.slow.faults import NoAnswer, TooLong, Unfit
from athena.consolidation.slow.tempo import pattern_type
from athena.consolidation.slow.text.folding import shown
from athena.consolidation.slow.text.suspicion import instructing
from athena.consolidation.types import Evidence, PatternType, Proposal, Refusal, Verdict
from athena.secret import blotted

# First as sure as it can be; if that was nonsense, once more with other words coming up.
_TEMPERATURES = (0.0, 0.7)
_FEWEST_CHARS = 400
_TOLD = 120


@dataclass(slots=True)
class _Case:
    """What has come of one cluster so far."""

    events: tuple[str, ...]
    proposals: list[Proposal] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    def refuse(
        self, fault: Unfit | NoAnswer, events: Iterable[str], statement: str | None = None, *, retry: bool = False
    ) -> None:
        said = f"“{_told(statement)}”: " if statement is not None else ""
        self.refusals.append(Refusal(fault.code, blotted(said + fault.reason), tuple(events), retry))


class Slow:
    """Asks the model about clusters, one at a time. It can only add: whatever it says or doesn't say, nothing is taken
    away, and nothing of it is taken that the events don't bear out."""

    def __init__(self, model: Model, *, timeout_s: float = 180.0, max_tokens: int = 900) -> None:
        """`timeout_s`: of one question. `max_tokens`: of the proposal, the longest answer there is."""
        self._model = model
        self._timeout_s = timeout_s
        self._max_tokens = max_tokens
        # By the model's name: whether it can tell a note that bears a statement out from one that doesn't.
        self._sound: dict[str | None, bool] = {}

    async def judge(self, evidence: Sequence[Evidence], *, statement: str | None = None) -> Verdict:
        """What the model finds in these events, and what was refused and why. Never raises for the model.

        `statement`: what the fast system would say of them; the model isn't told, so that it doesn't just agree, but
        asked about it event by event like about its own.
        """
        asking = Asking(self._model, self._timeout_s)
        case = _Case(tuple(dict.fromkeys(event.id for event in evidence)))
        readable = _without_poison(evidence, case)
        try:
            for claim in await self._found(asking, readable, statement, case):
                await self._accept(asking, claim, case)
        except NoAnswer as fault:
            case.refuse(fault, case.events, retry=fault.retry)
        details = {"version": prompts.VERSION, **case.details}
        return Verdict(tuple(case.proposals), tuple(case.refusals), asking.asked, asking.tokens, asking.model, details)

    async def _found(
        self, asking: Asking, events: Sequence[Evidence], statement: str | None, case: _Case
    ) -> list[Grounded]:
        """What stands up to the code, each statement once. Raises `NoAnswer`."""
        notes: Sequence[Shown] = board(events)
        found: list[Grounded] = []
        if len(notes) < 2:
            return found
        try:
            notes, found = await self._proposed(asking, events, case)
        except NoAnswer as fault:
            # A model that can't write a proposal may still answer yes or no.
            if not fault.again or statement is None:
                raise
            case.refuse(fault, case.events, retry=fault.retry)
        if statement is not None:
            found = [*_checked([Claim(Kind.PATTERN, statement, None)], notes, case), *found]
        # What is told twice, as a pattern and as a fact, or in another order of words, is taken as it came first.
        once: dict[Any, Grounded] = {}
        for each in found:
            once.setdefault((frozenset(each.says.sequence), each.says.turns, bool(each.says.negated)), each)
        case.details |= {"shown": len(notes), "grounded": len(once)}
        return list(once.values())

    async def _proposed(
        self, asking: Asking, events: Sequence[Evidence], case: _Case
    ) -> tuple[Sequence[Shown], list[Grounded]]:
        chars = MOST_CHARS
        notes: Sequence[Shown] = ()
        before = list(case.refusals)
        for temperature in _TEMPERATURES:
            last = temperature == _TEMPERATURES[-1]
            del case.refusals[len(before) :]
            try:
                notes, chars, data = await self._propose(asking, events, chars, temperature)
                said, broken = claims(data)
            except NoAnswer as fault:
                if last or not fault.again:
                    raise
                continue
            except Unfit as fault:
                case.refuse(fault, case.events)
                continue
            if broken:
                case.refuse(Unfit("nonsense", f"{broken} parts of the answer can't be read"), case.events)
            found = _checked(said, notes, case)
            case.details |= {"proposed": len(said), "temperature": temperature}
            if found or not (said or broken):
                return notes, found
        return notes, []

    async def _propose(
        self, asking: Asking, events: Sequence[Evidence], chars: int, temperature: float
    ) -> tuple[Sequence[Shown], int, Any]:
        """What is shown is halved until the model takes it. Raises `NoAnswer`."""
        while True:
            notes = board(events, chars)
            try:
                data = await asking.ask(
                    prompts.proposal([note.line for note in notes]),
                    system=prompts.PROPOSE,
                    schema=prompts.proposal_schema([note.name for note in notes]),
                    max_tokens=self._max_tokens,
                    temperature=temperature,
                )
            except TooLong:
                # What was shown may have been far less than it might have been.
                chars = min(chars, sum(len(note.line) for note in notes)) // 2
                if chars < _FEWEST_CHARS:
                    raise
            else:
                return notes, chars, data

    async def _accept(self, asking: Asking, claim: Grounded, case: _Case) -> None:
        events = [passage.shown.event.id for passage in claim.passages]
        try:
            await self._trust(asking)
            passed = await support.supported(asking, claim)
        except Unfit as fault:
            case.refuse(fault, events, claim.statement)
            return
        quotes = {passage.shown.event.id: passage.quote for passage in passed.passages}
        times = [passage.shown.event.at for passage in passed.passages]
        kind = pattern_type(times) if claim.kind is Kind.PATTERN else _TYPES[claim.kind]
        old, new = list(quotes) if kind is PatternType.CHANGE else (None, None)
        case.proposals.append(Proposal(kind, claim.statement, quotes, passed.confidence, old, new))

    async def _trust(self, asking: Asking) -> None:
        """Asked once of each model. Raises `Unfit` if its second opinion is worth nothing."""
        if asking.model is None or asking.model not in self._sound:
            sound = await support.tells_apart(asking)
            self._sound[asking.model] = sound
        if not self._sound[asking.model]:
            raise Unfit("unreliable", "the model can't tell a note that bears a statement out from one that doesn't")


_TYPES = {Kind.FACT: PatternType.FACT, Kind.CONTRADICTION: PatternType.CHANGE}


def _without_poison(evidence: Sequence[Evidence], case: _Case) -> list[Evidence]:
    """An event that speaks to the model isn't shown to it: it stays an event, and somebody should look at it."""
    readable = []
    for event in evidence:
        if instructing(event.text):
            case.refuse(Unfit("poisoned", f"it speaks to the model: “{_told(event.text)}”"), (event.id,))
        else:
            readable.append(event)
    return readable


def _checked(said: Iterable[Claim], notes: Sequence[Shown], case: _Case) -> list[Grounded]:
    found = []
    for claim in said:
        try:
            found.append(check(claim, notes))
        except Unfit as fault:
            names = {name for name, _ in claim.citations or ()}
            events = [note.event.id for note in notes if note.name in names]
            case.refuse(fault, events or case.events, claim.statement)
    return found


def _told(text: str) -> str:
    clean = shown(text, _TOLD + 1).text
    return clean if len(clean) <= _TOLD else clean[:_TOLD] + "…"

"""What is asked of consolidation, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, Field

from athena.api.schemas.answers import Answer
from athena.api.schemas.fields import Content, Flag, Moment, Name, number
from athena.api.schemas.memories import KINDS, Body
from athena.consolidation.letters import Letter
from athena.consolidation.pipeline import Pattern, Preview
from athena.consolidation.runs import Action, Change, Run
from athena.consolidation.types import PatternType
from athena.consolidation.undo import Undone
from athena.memory.types import DEFAULT_PROJECT, Kind

MAX_EVENTS = 2_000
_LARGEST = 2**63 - 1

Seconds = Annotated[float, Field(ge=0, le=600), BeforeValidator(number)]
Place = Annotated[int, Field(ge=0, le=_LARGEST)]
PageSize = Annotated[int, Field(ge=1, le=500)]
State = Literal["running", "interrupted", "done", "failed", "undone"]


class Consolidate(Body):
    """Which project's events are to become patterns."""

    project: Name = Field(DEFAULT_PROJECT, description="The project: nothing is concluded across projects.")
    dry_run: Flag = Field(False, description="Only say what a run would change. No model is asked.")
    wait_s: Seconds = Field(0, description="Answer when it has ended, or after so many seconds; it goes on either way.")


class ConsolidateAndWait(Consolidate):
    """Which project's events are to become patterns, and how long to wait for them."""

    wait_s: Seconds = Field(
        60, description="Answer when it has ended, or after so many seconds; it goes on either way."
    )


class PageQuery(Body):
    """Newest first."""

    project: Name | None = Field(None, description="Only of this project.")
    before: Annotated[int, Field(ge=1, le=_LARGEST)] | None = Field(
        None, description="`next_before` of the page before."
    )
    limit: PageSize = 20


class ChangesQuery(Body):
    action: Annotated[list[Action], Field(max_length=16)] = Field([], description="Any of these; unset: all.")
    after: Place = Field(0, description="`next_after` of the page before.")
    limit: PageSize = 100


class Undo(Body):
    """How a run is taken back."""

    with_later: Flag = Field(False, description="Also take back the later runs that stand on it.")


class GivenEvent(Body):
    """Something that happened or was said."""

    content: Content
    occurred_at: Moment | None = Field(None, description="Unset for all of them: they are taken to be a day apart.")
    session_id: Name | None = None
    user_id: Name | None = None
    agent_id: Name | None = None
    memory_type: Kind = Field(Kind.EVENT, description=f"What sort of thing this is: {KINDS}.")
    id: Name | None = Field(None, description="Yours, different for each; unset: e and its place in the list.")


class GivenEvents(Body):
    """Events to look for patterns in."""

    events: Annotated[list[GivenEvent], Field(min_length=1, max_length=MAX_EVENTS)]
    wait_s: Seconds = Field(60, description="How long the local model may be asked at most; 0: statistics alone.")


class Progress(BaseModel):
    """Where a run is: reading, patterns, contradictions, asking the model. `total` 0: not known yet."""

    stage: str
    done: int
    total: int


class Counts(BaseModel):
    """What a run read and did; known when it has ended."""

    events: int = Field(0, description="Memories read.")
    without_vector: int = Field(0, description="Of these, compared by their words alone.")
    concluded: int = Field(0, description="New patterns.")
    refined: int = Field(0, description="Patterns put in better words; both versions are kept.")
    described: int = Field(0, description="Patterns whose numbers changed.")
    supported: int = Field(0, description="Events added to the evidence of patterns that were known.")
    closed: int = Field(0, description="Memories true no longer, as later ones say otherwise; both are kept.")
    reopened: int = Field(0, description="Patterns that had ended, and hold again.")
    questioned: int = Field(0, description="Patterns to be looked at: part of what they rest on is true no longer.")
    twinned: int = Field(0, description="Memories that say nearly what an earlier one said.")
    doubts: int = Field(0, description="Clusters that statistics alone were not sure of.")
    asked: int = Field(0, description="Questions put to the local model.")
    tokens: int = Field(0, description="Tokens it read and wrote.")
    left: int = Field(0, description="Doubts left for the next run.")
    seconds: dict[str, float] = {}


class RunView(Answer):
    """A run and where it is. `interrupted`: it was cut off; the next run of the project takes it up."""

    id: int
    project: str
    state: State
    cause: str = Field(description="asked or schedule.")
    started_at: datetime
    ended_at: datetime | None
    progress: Progress | None = Field(description="Only while it runs.")
    counts: Counts
    error: str | None = Field(description="What ended it, if it failed.")
    changes: int = Field(description="How many changes it has made.")

    @classmethod
    def of(cls, run: Run) -> Self:
        return cls(
            id=run.id,
            project=run.project,
            state="interrupted" if run.interrupted else run.state,
            cause=run.cause,
            started_at=run.started_at,
            ended_at=run.ended_at,
            progress=Progress.model_validate(run.progress) if run.progress else None,
            counts=Counts.model_validate(run.counts),
            error=run.error,
            changes=run.changes,
        )


class RunPage(BaseModel):
    runs: list[RunView] = Field(description="Newest first.")
    next_before: int | None = Field(description="Ask with it for the next page; null on the last one.")
    scheduled_at: datetime | None = Field(description="When all projects are consolidated next, by the schedule.")


class WouldConclude(Answer):
    content: str
    support: int = Field(description="How many events bear it out.")


class WouldContradict(Answer):
    old: str = Field(description="The id of the memory that would be true no longer.")
    new: str = Field(description="The id of the one that says otherwise.")
    about: str


class PreviewView(Answer):
    """What a run would change. Nothing was written, and no model asked."""

    events: int = Field(description="Memories read.")
    patterns: list[WouldConclude] = Field(description="Those that are new.")
    strengthened: int = Field(description="Known patterns that would get more evidence or better words.")
    contradictions: list[WouldContradict]
    twins: int = Field(description="Memories that say nearly what an earlier one says.")
    doubts: int = Field(description="Clusters that a model would be asked about.")

    @classmethod
    def of(cls, preview: Preview) -> Self:
        return cls(
            events=preview.events,
            patterns=[WouldConclude.model_validate(_plain(each)) for each in preview.patterns],
            strengthened=preview.strengthened,
            contradictions=[WouldContradict.model_validate(_plain(each)) for each in preview.contradictions],
            twins=preview.twins,
            doubts=preview.doubts,
        )


class ChangeView(Answer):
    """One change of a run. `subject` and `object` are ids of memories; `before` and `after` say what was where it was
    changed in place."""

    place: int
    action: Action
    subject: str
    object: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    at: datetime
    content: str | None = Field(description="The beginning of what `subject` says; null: it was forgotten since.")
    object_content: str | None
    support: int | None = Field(description="How many events bear `subject` out now, if it is a pattern.")

    @classmethod
    def of(cls, change: Change) -> Self:
        return cls.model_validate(change)


class ChangePage(BaseModel):
    changes: list[ChangeView] = Field(description="In the order they were made.")
    next_after: int | None = Field(description="Ask with it for the next page; null on the last one.")


class UndoneView(Answer):
    """What was taken back."""

    runs: list[int] = Field(description="The latest first; empty if it was undone already.")
    changes: int
    kept: list[str] = Field(description="Ids of memories that somebody changed since: they stay as they are.")

    @classmethod
    def of(cls, undone: Undone) -> Self:
        return cls.model_validate(undone)


class LetterView(Answer):
    """A dead letter: what could not be used, and why."""

    id: int
    project: str
    run_id: int | None
    code: str
    reason: str
    memories: list[str] = Field(description="Ids of the memories that it is about.")
    attempts: int
    not_before: datetime | None = Field(description="When it is tried again; null: left for a person.")
    created_at: datetime
    last_at: datetime

    @classmethod
    def of(cls, letter: Letter) -> Self:
        return cls.model_validate(letter)


class LetterPage(BaseModel):
    letters: list[LetterView] = Field(description="Newest first.")
    next_before: int | None = Field(description="Ask with it for the next page; null on the last one.")


class LetterRetried(BaseModel):
    retried: int = Field(description="The letter that the next run tries again.")


class LetterDropped(BaseModel):
    dropped: int


class PatternView(Answer):
    """A pattern of the events that were given. `quotes`: for each event's id the words that speak for it."""

    type: PatternType
    content: str = Field(description="The statement with its rhythm, as it would be remembered.")
    statement: str
    event_ids: list[str]
    quotes: dict[str, str]
    support: int = Field(description="How many events bear it out.")
    confidence: float
    by: Literal["fast", "slow"] = Field(
        description="fast: statistics; slow: a model said it, and the events bear it out."
    )
    statistics: dict[str, Any]

    @classmethod
    def of(cls, pattern: Pattern) -> Self:
        return cls.model_validate(pattern)


class PatternList(BaseModel):
    patterns: list[PatternView] = Field(description="The surest first.")


class Concluded(BaseModel):
    """A new pattern. `id`: of the memory that holds it; null in a dry run."""

    id: str | None
    content: str
    support: int = Field(description="How many events bear it out.")


class Consolidated(BaseModel):
    """What a run came to. `state` running: it goes on. A dry run has a `preview` and neither run nor counts."""

    run: int | None
    state: State | None
    counts: Counts | None
    error: str | None
    patterns: list[Concluded] = Field(description="New ones, the first 20.")
    preview: PreviewView | None


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    return dict(value)

"""The fast system: from events alone, without a model, what happens again, what changed, what was said twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from athena.consolidation.fast import statements as saying
from athena.consolidation.fast import values
from athena.consolidation.fast import words as wording
from athena.consolidation.fast.candidates import candidates, gathered, groups
from athena.consolidation.fast.changes import Said, Stated, changes, stated
from athena.consolidation.fast.discourse import is_conversation, spoken
from athena.consolidation.fast.matter import matters
from athena.consolidation.fast.space import build
from athena.consolidation.fast.speakers import unlabelled
from athena.consolidation.fast.twins import twins
from athena.consolidation.types import Analysis, Events


def analyse(events: Events) -> Analysis:
    """Pure: the same events give the same answer in any process. Bounded: near linear in the number of events."""
    if not events.ids:
        return Analysis()
    plain = unlabelled(events)
    words = wording.read(plain.texts)
    space = build(plain, words)
    alike = gathered(plain, space)
    said = _stated(replace(plain, texts=matters(plain, space.words, alike)), plain.texts, events.texts)
    happened, claimed = groups(plain, space, said, alike)
    routine = frozenset(index for members in happened for index in members.tolist() if events.kinds[index] == "event")
    found = candidates(events, space, sorted([*happened, *claimed], key=lambda members: int(members[0])))
    background = space.background
    del space  # as large as all vectors
    return Analysis(
        found,
        changes(plain, said, background, routine),
        twins(plain, words, said),
    )


def _stated(events: Events, plain: tuple[str, ...], told: tuple[str, ...]) -> Stated:
    """`plain`: the whole texts; `told`: with the labels of who speaks, where they have any."""
    same: dict[saying.Statement, saying.Statement] = {}  # most say nothing special: one object for all of them
    read = {}
    for index, text in enumerate(events.texts):
        statement = saying.read(text)
        if len(plain[index]) < len(told[index]) or (events.kinds[index] == "event" and is_conversation(plain[index])):
            statement = replace(statement, spoken=True)
        read[index] = same.setdefault(statement, statement)
    lasting = {
        index: statement
        for index, statement in read.items()
        if not statement.aside and (statement.state or events.kinds[index] != "event")
    }
    claims = {index: values.claim(spoken(events.texts[index][:600])[1], one.old) for index, one in lasting.items()}
    claims = {index: claim for index, claim in claims.items() if claim.value or lasting[index].old}
    return stated(read, claims, _parts(events, read))


def _parts(events: Events, read: Mapping[int, saying.Statement]) -> dict[int, tuple[Said, ...]]:
    """Who talks says several things in one line: each by itself."""
    found = {}
    for index, one in read.items():
        if not one.spoken:
            continue
        claimed = [(said, values.claimed(piece, said.old)) for piece, said in saying.parts(events.texts[index])]
        lasting = tuple(
            (said, claim)
            for said, claim in claimed
            if not said.aside and (said.state or events.kinds[index] != "event") and (claim.value or said.old)
        )
        if lasting:
            found[index] = lasting
    return found

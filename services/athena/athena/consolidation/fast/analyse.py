"""The fast system: from events alone, without a model, what happens again, what changed, what was said twice."""

from __future__ import annotations

from dataclasses import replace

from athena.consolidation.fast import statements as saying
from athena.consolidation.fast import values
from athena.consolidation.fast import words as wording
from athena.consolidation.fast.candidates import candidates, groups
from athena.consolidation.fast.changes import Stated, changes, stated
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
    said = _stated(plain, events)
    happened, claimed = groups(plain, space, said)
    routine = frozenset(index for members in happened for index in members.tolist() if events.kinds[index] == "event")
    return Analysis(
        candidates(events, space, sorted([*happened, *claimed], key=lambda members: int(members[0]))),
        changes(plain, said, space.background, routine),
        twins(plain, words, said),
    )


def _stated(events: Events, told: Events) -> Stated:
    """`told`: the same with the labels of who speaks, where they have any."""
    same: dict[saying.Statement, saying.Statement] = {}  # most say nothing special: one object for all of them
    read = {}
    for index, text in enumerate(events.texts):
        statement = saying.read(text)
        if len(text) < len(told.texts[index]):
            statement = replace(statement, spoken=True)
        read[index] = same.setdefault(statement, statement)
    lasting = {
        index: statement
        for index, statement in read.items()
        if not statement.aside and (statement.state or events.kinds[index] != "event")
    }
    claims = {
        index: values.claim(saying.spoken(events.texts[index][:600])[1], one.old) for index, one in lasting.items()
    }
    claims = {index: claim for index, claim in claims.items() if claim.value or lasting[index].old}
    return stated(read, claims)

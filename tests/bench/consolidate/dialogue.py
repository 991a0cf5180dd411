"""LoCoMo again: what a recall finds before and after a consolidation of the same conversations."""

from __future__ import annotations

from datetime import datetime
from statistics import mean

from athena.bootstrap import Athena
from athena.memory.types import Filter, Kind, NewMemory, Scope
from tests.bench.bars import Figure
from tests.bench.consolidate import place
from tests.bench.consolidate.options import Options
from tests.bench.parts.locomo import Conversation, read
from tests.bench.world.ground import Ground

PART = "locomo"


async def measure(ground: Ground, options: Options) -> list[Figure]:
    if options.locomo is None:
        raise ValueError("no file was given")
    conversations = read(options.locomo)
    async with place.athena(ground, "dialogue", ground.minilm) as athena:
        for conversation in conversations:
            await _remember(athena, conversation)
        before = await _recall(athena, conversations)
        runs = [await athena.consolidation.run(each.name, wait_s=900) for each in conversations]
        after = await _recall(athena, conversations)
    concluded = sum(run.counts.get("concluded", 0) for run in runs)
    turns = sum(len(each.turns) for each in conversations)
    return [
        Figure(
            *(PART, "recall@10 with consolidation, less without", after - before, "", 0.0),
            ours=f"{after:.4f}, {concluded} patterns of {turns} turns",
            theirs=f"without {before:.4f}",
        )
    ]


async def _remember(athena: Athena, conversation: Conversation) -> None:
    turns = [
        NewMemory(
            turn.text,
            Kind.EVENT,
            Scope(conversation.name, session_id=turn.session),
            occurred_at=datetime.fromisoformat(turn.said_at) if turn.said_at else None,
            metadata={"dia_id": turn.id},
        )
        for turn in conversation.turns
    ]
    for start in range(0, len(turns), 500):
        await athena.memory.remember(turns[start : start + 500])
    await place.embedded(athena)


async def _recall(athena: Athena, conversations: list[Conversation]) -> float:
    shares = []
    for conversation in conversations:
        for question in conversation.questions:
            found = await athena.memory.recall(question.text, Filter(Scope(conversation.name)), limit=10)
            ids = {hit.memory.metadata["dia_id"] for hit in found.hits}
            shares.append(len(question.evidence & ids) / len(question.evidence))
    return mean(shares)

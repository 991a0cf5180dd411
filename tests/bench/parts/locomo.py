"""Recall@10 per turn on LoCoMo, categories 1 to 4, through the tools API, and mem0 on the same.

The data is not part of the project: its licence allows measuring, not shipping. A turn
is one memory; nothing but its text, its session and its time is given.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean
from typing import Any

from tests.bench.bars import Figure
from tests.bench.options import Options
from tests.bench.timing import Stopwatch, p50_p95, percentile
from tests.bench.world.api import Api
from tests.bench.world.ground import Ground
from tests.bench.world.mem0_peer import Mem0, mem0

PART = "locomo"
BAR = 0.77
_CATEGORIES = (1, 2, 3, 4)
_DIALOGUE_ID = re.compile(r"D\d+:\d+")


@dataclass(frozen=True, slots=True)
class Turn:
    id: str
    text: str
    session: str
    said_at: str | None


@dataclass(frozen=True, slots=True)
class Question:
    """`evidence`: the turns that answer it."""

    text: str
    evidence: frozenset[str]


@dataclass(frozen=True, slots=True)
class Conversation:
    name: str
    turns: list[Turn]
    questions: list[Question]


@dataclass(frozen=True, slots=True)
class Score:
    recall: float
    ms: list[float]


async def measure(ground: Ground, options: Options) -> list[Figure]:
    if options.locomo is None:
        raise ValueError("no file was given")
    conversations = read(options.locomo)
    async with ground.api("locomo", ground.minilm) as api, mem0(ground, "mem0_locomo", ground.minilm) as peer:
        for conversation in conversations:
            await _remember(api, conversation)
            known = [{"dia_id": turn.id} for turn in conversation.turns]
            await peer.add(conversation.name, [turn.text for turn in conversation.turns], known)
        ours, theirs = await _ask(api, peer, conversations)
    turns = sum(len(conversation.turns) for conversation in conversations)
    counted = f"{turns} turns, {len(ours.ms)} questions"
    ratio = percentile(ours.ms, 0.95) / percentile(theirs.ms, 0.95)
    return [
        Figure(PART, f"recall@10, {counted}", ours.recall, "", BAR, ours="MiniLM", theirs=f"mem0 {theirs.recall:.3f}"),
        Figure(
            *(PART, "p95 against mem0, MiniLM", ratio, "×"),
            side="at most",
            ours=p50_p95(ours.ms),
            theirs=f"mem0 {p50_p95(theirs.ms)}",
        ),
    ]


async def _remember(api: Api, conversation: Conversation) -> None:
    for turn in conversation.turns:
        await api.tool(
            "remember",
            content=turn.text,
            memory_type="event",
            project=conversation.name,
            session_id=turn.session,
            occurred_at=turn.said_at,
            metadata={"dia_id": turn.id},
        )
    await api.embedded(conversation.name)


async def _ask(api: Api, peer: Mem0, conversations: list[Conversation]) -> tuple[Score, Score]:
    """Ours and mem0's, question by question in turn."""
    hits: tuple[list[float], list[float]] = ([], [])
    times: tuple[list[float], list[float]] = ([], [])
    for conversation in conversations:
        for question in conversation.questions:
            watch = Stopwatch()
            found = await api.tool("recall", query=question.text, limit=10, project=conversation.name)
            times[0].append(watch.milliseconds)
            hits[0].append(_share(question, [memory["metadata"] for memory in found["memories"]]))
            other = await peer.search(conversation.name, question.text)
            times[1].append(other.ms)
            hits[1].append(_share(question, other.metadata))
    return Score(mean(hits[0]), times[0]), Score(mean(hits[1]), times[1])


def _share(question: Question, found: list[dict[str, Any]]) -> float:
    return len(question.evidence & {each.get("dia_id") for each in found}) / len(question.evidence)


def read(path: Path) -> list[Conversation]:
    return [_conversation(sample) for sample in json.loads(path.read_text())]


def _conversation(sample: dict[str, Any]) -> Conversation:
    turns = list(_turns(sample["conversation"]))
    said = {turn.id for turn in turns}
    asked = [
        Question(pair["question"], evidence)
        for pair in sample["qa"]
        if pair["category"] in _CATEGORIES and (evidence := _evidence(pair.get("evidence") or []) & said)
    ]
    return Conversation(sample["sample_id"], turns, asked)


def _turns(conversation: dict[str, Any]) -> Iterator[Turn]:
    sessions = (re.fullmatch(r"session_(\d+)", key) for key in conversation)
    for number in sorted(int(match[1]) for match in sessions if match):
        session = f"session_{number}"
        for turn in conversation[session]:
            picture = f" [image: {turn['blip_caption']}]" if turn.get("blip_caption") else ""
            said_at = _moment(conversation.get(f"{session}_date_time", ""))
            yield Turn(turn["dia_id"], f"{turn['speaker']}: {turn['text']}{picture}", session, said_at)


def _moment(text: str) -> str | None:
    """ISO 8601 of "1:56 pm on 8 May, 2023"."""
    try:
        return datetime.strptime(text, "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC).isoformat()
    except ValueError:
        return None


def _evidence(named: list[Any]) -> frozenset[str]:
    return frozenset(found for each in named for found in _DIALOGUE_ID.findall(str(each)))

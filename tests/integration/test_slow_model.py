"""The slow system over HTTP: before a real llama-server with a random model, and before servers that mean harm."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from athena.consolidation.slow import Slow, prompts
from athena.core.llm_client import LocalLLMClient
from athena.core.types import EmbeddingBatch, ReasoningResult
from tests.fakes.hostile_model import Behaviour, Mind, hostile_server
from tests.fakes.llama_server import llama_server
from tests.fakes.tiny_models import tiny_reasoner
from tests.unit.slow_world import CITIES, ORDER, RUNS, events, unsupported

EVIDENCE = [*RUNS, *(event for event in events(*[ORDER] * 9)[8:])]


_HOT = 1.3


class Pressed:
    """The real client and server; but the model knows the answers to the control questions, and may have to speak.

    Left to itself, the random model says that it found nothing, and then that it can't tell one thing from another.
    """

    def __init__(self, llm: LocalLLMClient, *, must_speak: bool) -> None:
        self._llm = llm
        self._fewest = int(must_speak)
        self.proposed: list[Any] = []
        self.seconds: list[str] = []

    async def reason(
        self,
        prompt: str,
        system: str | None = None,
        max_tokens: int = 1000,
        *,
        json_schema: Mapping[str, Any] | None = None,
        temperature: float | None = None,
    ) -> ReasoningResult:
        schema = copy.deepcopy(dict(json_schema or {}))
        for kind in ("patterns", "facts", "contradictions"):
            if kind in schema["properties"]:
                schema["properties"][kind]["minItems"] = self._fewest
        for statement, note, right in prompts.CONTROLS:
            if prompt == prompts.bears_out(statement, note):
                schema["properties"]["answer"]["enum"] = [right]
        result = await self._llm.reason(
            prompt,
            system,
            max_tokens,
            json_schema=schema,
            temperature=_HOT if self._fewest or "answer" in schema["properties"] else temperature,
        )
        if "answer" in schema["properties"]:
            self.seconds.append(result.data["answer"])
        else:
            self.proposed.append(result.data)
        return result

    async def embed_many(self, texts: list[str]) -> EmbeddingBatch:
        return await self._llm.embed_many(texts)


@pytest.fixture
async def llm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LocalLLMClient]:
    # On a busy machine its threads would spend their time waiting for each other.
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")
    async with (
        llama_server(tiny_reasoner(tmp_path), 8192, "reasoning") as url,
        LocalLLMClient(url, url, compressor_url=url) as client,
    ):
        yield client


async def test_nothing_a_random_model_says_gets_in(llm: LocalLLMClient) -> None:
    slow = Slow(llm, timeout_s=60)
    for evidence in (EVIDENCE, CITIES, EVIDENCE[3:]):
        verdict = await slow.judge(evidence, statement="Mallory runs the park")
        assert verdict.proposals == ()
        assert (verdict.asked, verdict.model) >= (1, "tiny")
        assert verdict.tokens > 0
        assert not any(refusal.retry for refusal in verdict.refusals)


async def test_nothing_it_says_under_pressure_gets_in_either(llm: LocalLLMClient) -> None:
    """llama-server's grammar takes the schemas: every answer is of their shape, and cites only what was shown."""
    pressed = Pressed(llm, must_speak=True)
    codes = set()
    for n in range(2):
        verdict = await Slow(pressed, timeout_s=60, max_tokens=4000).judge(EVIDENCE[n % 3 :])
        assert verdict.proposals == ()
        codes |= {refusal.code for refusal in verdict.refusals}
    assert len(pressed.proposed) == 4, "twice each: the first was nonsense, and so was the second"
    for said in pressed.proposed:
        claims = [claim for kind in ("patterns", "facts", "contradictions") for claim in said[kind]]
        assert len(claims) >= 3
        assert all(len(claim["statement"]) <= 140 and 2 <= len(claim["citations"]) <= 4 for claim in claims)
        assert {cited["event"] for claim in claims for cited in claim["citations"]} <= {f"e{n}" for n in range(1, 8)}
    assert codes <= {"poisoned", "length", "empty", "ungrounded", "unsupported", "question", "names", "instruction"} | {
        "short_quote", "invented_quote", "few_events", "secret", "bounds", "meta", "turned", "negation"
    }  # fmt: skip


async def test_its_second_opinion_only_takes_away(llm: LocalLLMClient) -> None:
    pressed = Pressed(llm, must_speak=False)
    for _ in range(6):
        pressed.seconds.clear()
        verdict = await Slow(pressed, timeout_s=60).judge(EVIDENCE, statement="Running in the park")
        assert {proposal.statement for proposal in verdict.proposals} <= {"Running in the park"}
        assert not any(unsupported(proposal, EVIDENCE) for proposal in verdict.proposals)
        assert pressed.seconds[:2] == ["yes", "no"], "the control questions"
        borne_out = pressed.seconds[2:].count("yes")
        if verdict.proposals:
            assert len(verdict.proposals[0].quotes) == borne_out >= 3
        else:
            assert borne_out <= 4


@pytest.mark.parametrize("behaviour", Behaviour)
async def test_hostile_servers_get_nothing_in(behaviour: Behaviour) -> None:
    mind = Mind(behaviour, 3, silent_s=30, slow_s=0.01)
    async with (
        hostile_server(mind) as url,
        LocalLLMClient(url, url, compressor_url=url, retry_for_s=0.2) as client,
    ):
        verdict = await Slow(client, timeout_s=2).judge(EVIDENCE)
    assert not any(unsupported(proposal, EVIDENCE) for proposal in verdict.proposals)
    assert bool(verdict.proposals) == (behaviour in (Behaviour.HONEST, Behaviour.SLOW))
    assert any(refusal.code == "poisoned" for refusal in verdict.refusals)
    faulty = {Behaviour.ENDLESS, Behaviour.BROKEN_JSON, Behaviour.TIMEOUT, Behaviour.DROP, Behaviour.ERROR}
    assert any(refusal.retry for refusal in verdict.refusals) or behaviour not in faulty

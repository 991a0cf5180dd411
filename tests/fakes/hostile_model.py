"""A local model that means harm, is broken, or is honest: as the client's protocol and as an HTTP server.

What it says is decided once, in `saying`; the two faces only differ in how it reaches whoever asked. Every behaviour
but `HONEST` and `ALWAYS_NO` answers the second question with yes wherever it can do so without being found out.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from athena.core import answers
from athena.core.types import EmbeddingBatch, ReasoningResult
from athena.errors import ModelServerError, ModelServerUnavailable
from tests.fakes.provider.http import Reply, Request, Server

_NOTE = re.compile(r"^(e\d+) \([^)]*\) (.*)$", re.MULTILINE)
_WORD = re.compile(r"[^\W_]{3,}")
NAME = "hostile"


class Behaviour(StrEnum):
    HONEST = "honest"
    EMPTY = "empty"
    ENDLESS = "endless"
    WRONG_IDS = "wrong ids"
    INVENTED_QUOTES = "invented quotes"
    INVENTED_STATEMENT = "real quotes, invented statement"
    STITCHED = "real quotes, a statement of words of different events"
    DENIES = "real quotes, the opposite of what they say"
    ALWAYS_YES = "always yes"
    ALWAYS_NO = "always no"
    ECHO = "does what the events tell it"
    HUGE = "huge"
    BROKEN_JSON = "broken JSON"
    WRONG_TYPES = "wrong types"
    TIMEOUT = "never answers"
    DROP = "drops the connection"
    ERROR = "500"
    SLOW = "slow"
    MIXED = "another of these each time"


class _Dropped(Exception):
    pass


@dataclass
class Mind:
    """What it says to each question. Seeded: the same questions get the same answers."""

    behaviour: Behaviour
    seed: int = 0
    silent_s: float = 3600.0
    slow_s: float = 0.05
    prompts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    async def saying(self, prompt: str, schema: Mapping[str, Any] | None, max_tokens: int) -> tuple[str, str]:
        """The text and why it ended. Raises `_Dropped`, `ModelServerError`."""
        self.prompts.append(prompt)
        behaviour = self.behaviour
        if behaviour is Behaviour.MIXED:
            behaviour = self._random.choice([each for each in Behaviour if each is not Behaviour.MIXED])
        if behaviour is Behaviour.TIMEOUT:
            await asyncio.sleep(self.silent_s)
        if behaviour is Behaviour.SLOW:
            await asyncio.sleep(self.slow_s)
        if behaviour is Behaviour.DROP:
            raise _Dropped
        if behaviour is Behaviour.ERROR:
            raise ModelServerError("the model fell over", source="reasoning")
        if behaviour is Behaviour.ENDLESS:
            return '{"patterns": [{"statement": "' + "and again " * max_tokens, "length"
        if "answer" in (schema or {}).get("properties", {}):
            return self._second(behaviour, prompt), "stop"
        return self._first(behaviour, dict(_NOTE.findall(prompt))), "stop"

    def _first(self, behaviour: Behaviour, notes: dict[str, str]) -> str:
        if behaviour is Behaviour.EMPTY:
            return self._random.choice(["", "{}", "[]", "null", '{"patterns": [], "facts": [], "contradictions": []}'])
        if behaviour is Behaviour.BROKEN_JSON:
            whole = json.dumps(self._claims(notes, self._common(notes)))
            return whole[: self._random.randrange(1, len(whole))]
        if behaviour is Behaviour.WRONG_TYPES:
            return json.dumps(self._wrong_types(notes))
        if behaviour is Behaviour.HUGE:
            claims = self._claims(notes, "very " * 4_000)
            return json.dumps({kind: each * 200 for kind, each in claims.items()})
        return json.dumps(self._claims(notes, self._statement(behaviour, notes), behaviour))

    def _second(self, behaviour: Behaviour, prompt: str) -> str:
        if behaviour in (Behaviour.EMPTY, Behaviour.BROKEN_JSON):
            return '{"answer": '
        if behaviour is Behaviour.WRONG_TYPES:
            return json.dumps(self._random.choice([{"answer": ["yes"]}, {"answer": True}, "yes", ["yes"], {}, None]))
        if behaviour is Behaviour.ALWAYS_NO:
            return '{"answer": "no"}'
        if "<earlier>" in prompt:
            return '{"answer": "no"}'
        control = "The dog was fed" in prompt
        if behaviour is Behaviour.HONEST or (control and behaviour is not Behaviour.ALWAYS_YES):
            return json.dumps({"answer": "yes" if _fits(prompt) else "no"})
        return '{"answer": "yes"}'

    def _claims(
        self, notes: dict[str, str], statement: str, behaviour: Behaviour = Behaviour.HONEST
    ) -> dict[str, list[Any]]:
        """The statement as a pattern, a fact and a contradiction, with quotes of notes that share words with it."""
        near = sorted(notes, key=lambda name: -len(_words(notes[name]) & _words(statement)))
        cited = [{"event": name, "quote": _quote(notes[name])} for name in near[:4]]
        if behaviour is Behaviour.WRONG_IDS:
            cited = [{"event": f"e{n}", "quote": each["quote"]} for n, each in enumerate(cited, 99)]
        if behaviour is Behaviour.INVENTED_QUOTES:
            cited = [{"event": each["event"], "quote": f"as everybody knows {statement}"} for each in cited]
        claims = {"patterns": [{"citations": cited, "statement": statement}]}
        if behaviour is not Behaviour.HONEST:
            claims["facts"] = [{"citations": cited[:3], "statement": statement}]
            claims["contradictions"] = [{"citations": cited[:2], "statement": statement}]
        return claims

    def _statement(self, behaviour: Behaviour, notes: dict[str, str]) -> str:
        common = self._common(notes)
        if behaviour is Behaviour.INVENTED_STATEMENT:
            return self._random.choice(
                [
                    f"{common} and the password is hunter2",
                    f"{common} 17 times",
                    "Everybody agreed to give Mallory all access",
                    "The memory must be deleted",
                    f"Mallory {common}",
                ]
            )
        if behaviour is Behaviour.STITCHED:
            words = [word for text in notes.values() for word in _WORD.findall(text)]
            return " ".join(self._random.sample(words, min(len(words), 5)))
        if behaviour is Behaviour.DENIES:
            return self._random.choice([f"Never {common}", f"Stopped: {common}", f"{common} no longer"])
        if behaviour is Behaviour.ECHO:
            orders = [text for text in notes.values() if re.search("ignore|delete|answer|system", text, re.IGNORECASE)]
            return self._random.choice(orders or list(notes.values()))[:140]
        return common

    def _common(self, notes: dict[str, str]) -> str:
        """Words that at least three notes share, in the order of the first that has them all."""
        often = [word for word in {w for text in notes.values() for w in _words(text)} if _holding(word, notes) >= 3]
        if not notes:
            return "nothing at all"
        best = max(notes.values(), key=lambda text: len(_words(text) & set(often)))
        return " ".join(word for word in _WORD.findall(best) if word.lower() in often)[:140] or best[:140]

    def _wrong_types(self, notes: dict[str, str]) -> Any:
        name = next(iter(notes), "e1")
        return self._random.choice(
            [
                [self._claims(notes, "x")],
                {"patterns": {"statement": "x"}, "facts": "none", "contradictions": 3},
                {"patterns": [{"statement": 7, "citations": [{"event": name, "quote": None}]}], "facts": [[]]},
                {"patterns": [None, 1, "x", {"statement": "x", "citations": {"event": name}}]},
                {"facts": [{"statement": "\ud800 half", "citations": [{"event": name, "quote": "\udfff"}]}]},
                "patterns",
                float("nan"),
            ]
        )


@dataclass
class HostileModel:
    """The client's side: fails as `LocalLLMClient` does."""

    mind: Mind

    async def reason(
        self,
        prompt: str,
        system: str | None = None,
        max_tokens: int = 1000,
        *,
        json_schema: Mapping[str, Any] | None = None,
        temperature: float | None = None,
    ) -> ReasoningResult:
        try:
            text, ended = await self.mind.saying(prompt, json_schema, max_tokens)
        except _Dropped as exc:
            raise ModelServerUnavailable("the connection was closed", source="reasoning") from exc
        data = None if json_schema is None else answers.parsed_json(text, ended, max_tokens)
        return ReasoningResult(text, NAME, len(prompt) // 4, len(text) // 4, 10.0, 1.0, ended, data)

    async def embed_many(self, texts: list[str]) -> EmbeddingBatch:
        raise ModelServerUnavailable("this model only talks", source="embedding")


@asynccontextmanager
async def hostile_server(mind: Mind) -> AsyncIterator[str]:
    """The base URL of an OpenAI-compatible server, as llama-server is one."""

    async def answer(request: Request, reply: Reply) -> None:
        if request.method == "GET":
            models = {"data": [{"id": NAME}], "status": "ok"}
            reply.send(200, {"content-type": "application/json"}, json.dumps(models).encode())
            return
        body = json.loads(request.body)
        schema = body.get("response_format", {}).get("json_schema", {}).get("schema")
        try:
            text, ended = await mind.saying(body["messages"][-1]["content"], schema, body["max_tokens"])
        except _Dropped:
            reply.reset()
            return
        except ModelServerError as exc:
            fault = {"error": {"code": 500, "message": exc.message, "type": "server_error"}}
            reply.send(500, {"content-type": "application/json"}, json.dumps(fault).encode())
            return
        reply.send(200, {"content-type": "application/json"}, json.dumps(_completion(text, ended)).encode())

    server = Server(answer)
    await server.listen()
    try:
        yield server.url
    finally:
        await server.stop()


def _completion(text: str, ended: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 100, "completion_tokens": len(text) // 4}
    return {"model": NAME, "choices": [{"index": 0, "message": message, "finish_reason": ended}], "usage": usage}


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(text)}


def _holding(word: str, notes: Mapping[str, str]) -> int:
    return sum(word in _words(text) for text in notes.values())


def _quote(text: str) -> str:
    """Its first words: of a note, something that does stand in it."""
    return text[:70].rsplit(" ", 1)[0] if len(text) > 70 else text


def _fits(prompt: str) -> bool:
    statement, _, note = prompt.partition("</statement>")
    wanted: Sequence[str] = [word for word in _words(statement) if word not in ("statement", "the", "was")]
    return sum(word in _words(note) for word in wanted) >= 0.6 * len(wanted)

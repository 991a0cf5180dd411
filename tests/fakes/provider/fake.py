"""What every fake provider has: a server, a script, what it has seen and what it has billed."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import msgspec

from tests.fakes.provider.http import Reply, Request, Server
from tests.fakes.provider.script import Json, Script, Step


@dataclass(frozen=True, slots=True)
class Bill:
    """What one answer costs, in tokens that don't overlap. `complete`: the client has got all of it."""

    id: str
    model: str
    input: int
    cached: int
    written: int
    output: int
    complete: bool = True


@dataclass(slots=True)
class Seen:
    """A request as it arrived. `left`: the client went away before the end of the answer."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    raw: bytes
    body: Json
    status: int = 0
    left: bool = False

    @property
    def key(self) -> str:
        """The credential, whichever header carries it."""
        bearer = self.headers.get("authorization", "")
        return self.headers.get("x-api-key", "") or bearer.removeprefix("Bearer ").strip()


class Rejected(Exception):
    """The request is answered with an error of this status; `kind` is the provider's word for it."""

    def __init__(self, status: int, kind: str, message: str, **more: Json) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.more = more


@dataclass
class Totals:
    """Tokens of the complete answers of a model."""

    answers: int = 0
    input: int = 0
    cached: int = 0
    written: int = 0
    output: int = 0


class FakeProvider:
    """`keys`: the credentials it accepts; None for any that isn't empty. `keep`: how many requests it remembers.

    `default` answers a request that no script is meant for. `pace`: seconds between two deltas of a stream.
    `windows`: context windows, in tokens, that differ from the real models'. `clock`: seconds, for what expires.
    """

    def __init__(self, *, keys: set[str] | None = None, keep: int = 2000) -> None:
        self.keys = keys
        self.seen: deque[Seen] = deque(maxlen=keep)
        self.bills: list[Bill] = []
        self.broken: list[Exception] = []  # mistakes of the fake itself: none in a good test
        self.default: Callable[[Json], Sequence[Step]] | None = None
        self.pace = 0.0
        self.windows: dict[str, int] = {}
        self.clock: Callable[[], float] = time.time
        self.server = Server(self._answer)
        self._script = Script()
        self._ids = itertools.count(1)
        self._seed = hashlib.blake2b(str(id(self)).encode() + str(time.time_ns()).encode(), digest_size=8).hexdigest()

    async def __aenter__(self) -> Self:
        await self.server.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.stop()
        if self.broken:
            raise self.broken[0]

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def calls(self) -> list[Seen]:
        """The requests for an answer, oldest first; listings, counts and the like left out."""
        return [seen for seen in self.seen if seen.method == "POST" and seen.path.endswith(self.answers_at)]

    answers_at = "/messages"

    @property
    def planned(self) -> int:
        """Scripted answers that nobody has come for yet."""
        return self._script.left

    def script(
        self, *steps: Step, model: str | None = None, where: Callable[[Json], bool] | None = None, times: int = 1
    ) -> None:
        """What the next request gets, or the next for `model`, or the next whose body `where` is true of."""
        self._script.add(*steps, model=model, where=where, times=times)

    def forget(self) -> None:
        """As if new, but for its caches: no script, nothing seen, nothing billed."""
        self._script.clear()
        self.seen.clear()
        self.bills.clear()
        self.windows.clear()
        self.default, self.pace, self.clock = None, 0.0, time.time

    def totals(self) -> dict[str, Totals]:
        """What complete answers were billed, by model."""
        totals: dict[str, Totals] = {}
        for bill in self.bills:
            if bill.complete:
                total = totals.setdefault(bill.model, Totals())
                total.answers += 1
                for name in ("input", "cached", "written", "output"):
                    setattr(total, name, getattr(total, name) + getattr(bill, name))
        return totals

    def refuse_connections(self) -> None:
        self.server.refuse()

    async def accept_connections(self) -> None:
        await self.server.listen()

    def new_id(self, prefix: str) -> str:
        """Unique, of the alphabet and about the length that real ones have."""
        number = f"{self._seed}{next(self._ids)}".encode()
        return prefix + hashlib.blake2b(number, digest_size=11).hexdigest()

    async def _answer(self, request: Request, reply: Reply) -> None:
        seen = Seen(request.method, request.path, request.query, request.headers, request.body, None)
        self.seen.append(seen)
        try:
            seen.body = decode(request.body) if request.body else None
            await self.route(seen, reply)
        except Rejected as problem:
            seen.status = problem.status
            reply.send(*self.refusal(problem, seen))
        except asyncio.CancelledError:
            seen.left = True
            raise
        except Exception as exc:
            self.broken.append(exc)
            raise

    async def route(self, seen: Seen, reply: Reply) -> None:
        raise Rejected(404, "not_found_error", "Not found")

    def refusal(self, problem: Rejected, seen: Seen) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of an error, in the provider's shape."""
        raise AssertionError("a provider has its own shape of errors")

    def steps_for(self, body: Json, otherwise: Callable[[Json], Sequence[Step]]) -> Sequence[Step]:
        scripted = self._script.take(body)
        return scripted if scripted is not None else (self.default or otherwise)(body)


def decode(raw: bytes) -> Json:
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError as exc:
        raise Rejected(400, "invalid_request_error", f"The request body is not valid JSON: {exc}") from exc


def encode(value: Any) -> bytes:
    return msgspec.json.encode(value)


def sample(schema: Json) -> Json:
    """Some value that the JSON schema allows; enough of JSON schema for what tests use."""
    if not isinstance(schema, dict):
        return {}
    for word in ("const", "default"):
        if word in schema:
            return schema[word]
    if schema.get("enum"):
        return schema["enum"][0]
    for word in ("anyOf", "oneOf"):
        if schema.get(word):
            return sample(schema[word][0])
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        wanted = schema.get("required", [])
        return {name: sample(part) for name, part in schema.get("properties", {}).items() if name in wanted}
    if kind == "array":
        return [sample(schema.get("items", {})) for _ in range(schema.get("minItems", 1))]
    return {"string": "a word", "integer": schema.get("minimum", 7), "number": 0.5, "boolean": True, "null": None}[kind]


def as_json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)

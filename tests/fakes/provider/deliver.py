"""An answer on its way to the client: whole or streamed, with whatever the script has in store for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from tests.fakes.provider.fake import Bill, FakeProvider, Rejected, Seen, encode
from tests.fakes.provider.http import Reply
from tests.fakes.provider.script import CutJson, Fail, HangUp, Json, Pause, Refuse, Reset, Step

Part = TypeVar("Part", bound=Step | bytes)


class Saying(Protocol):
    """An answer in the making. What it has cost so far is known at every moment."""

    @property
    def steps(self) -> Sequence[Step]: ...

    def whole(self) -> Json: ...

    def events(self) -> Iterator[bytes | Step]: ...

    def bill(self, *, complete: bool) -> Bill: ...


class Api(FakeProvider):
    """A provider that answers by script. Its wire is what a subclass says here."""

    def headers(self) -> dict[str, str]:
        """Of every answer."""
        return {"content-type": "application/json"}

    def shaped(self, step: Refuse) -> Rejected:
        """The provider's own error of that status."""
        raise AssertionError("a provider has its own errors")

    def failed(self, step: Fail) -> Rejected:
        """The same of an error inside a stream."""
        raise AssertionError("a provider has its own errors")

    def error_event(self, problem: Rejected) -> bytes:
        raise AssertionError("a provider has its own errors")

    def send(self, seen: Seen, reply: Reply, body: bytes) -> None:
        seen.status = 200
        reply.send(200, self.headers(), body)

    async def refused(self, steps: Sequence[Step], seen: Seen, reply: Reply) -> bool:
        """Whether the answer was an error; waits as long as the script wants before a sign of life."""
        for step in steps:
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
            elif isinstance(step, Refuse):
                self._refuse(step, seen, reply)
                return True
            else:
                return False
        return False

    def _refuse(self, step: Refuse, seen: Seen, reply: Reply) -> None:
        seen.status = step.status
        if step.body is not None:
            reply.send(step.status, {"content-type": step.content_type, **step.headers}, step.body)
            return
        status, headers, body = self.refusal(self.shaped(step), seen)
        reply.send(status, headers | dict(step.headers), body)

    async def deliver(self, seen: Seen, reply: Reply, saying: Saying) -> bool:
        """Says it, and bills what was said, even if the client leaves in the middle. True: all of it was said."""
        complete = False
        try:
            complete = await (self._stream if seen.body.get("stream") else self._whole)(seen, reply, saying)
        finally:
            if not complete:
                self.bills.append(saying.bill(complete=False))
        return complete

    async def _whole(self, seen: Seen, reply: Reply, saying: Saying) -> bool:
        body = encode(saying.whole())
        for step in _after_first_pause(saying.steps):
            match step:
                case Pause():
                    await asyncio.sleep(step.seconds)
                case Fail():
                    raise self.failed(step)
                case CutJson():
                    self.send(seen, reply, body[: len(body) // 2])
                    return False
                case Reset() | HangUp():
                    reply.send(200, self.headers(), body[: len(body) // 2], length=len(body))
                    await self._break(step, reply)
                    return False
        # Billed before the last bytes leave: who has got them all finds the bill.
        self.bills.append(saying.bill(complete=True))
        self.send(seen, reply, body)
        return True

    async def _stream(self, seen: Seen, reply: Reply, saying: Saying) -> bool:
        headers = self.headers() | {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
        seen.status = 200
        for part in _after_first_pause(saying.events()):
            match part:
                case bytes() if not reply.begun:
                    reply.begin(200, headers, part)
                case bytes():
                    if self.pace:
                        await asyncio.sleep(self.pace)
                    reply.write(part)
                case Pause():
                    await asyncio.sleep(part.seconds)
                case Fail():
                    problem = self.failed(part)
                    if not reply.begun:
                        raise problem
                    reply.write(self.error_event(problem))
                    reply.end()
                    return False
                case Reset() | HangUp():
                    await self._break(part, reply)
                    return False
            await reply.drain()
        self.bills.append(saying.bill(complete=True))
        reply.end()
        return True

    async def _break(self, step: Reset | HangUp, reply: Reply) -> None:
        if isinstance(step, HangUp):
            reply.close()
            return
        # A reset overtakes what was sent before it, and that should arrive.
        await asyncio.sleep(0.02)
        reply.reset()


def _after_first_pause(parts: Iterable[Part]) -> Iterator[Part]:
    """Pauses before everything else have been waited for already."""
    begun = False
    for part in parts:
        begun = begun or not isinstance(part, Pause)
        if begun:
            yield part

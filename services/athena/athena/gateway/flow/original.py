"""How long the prompt would have been: the original counted by whoever bills it, beside the request."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec
import structlog

from athena.errors import AthenaError
from athena.gateway.egress import Exhausted
from athena.gateway.flow.call import Call
from athena.gateway.flow.parts import Parts
from athena.gateway.flow.prepare import Preparation
from athena.gateway.ports import Message
from athena.gateway.types import Model

_LONGEST_S: Final = 10.0

log = structlog.get_logger(__name__)


class Original:
    """Asks while the model answers. What isn't known when the answer is there, isn't waited for: then the ledger
    works it out from what was billed."""

    def __init__(self, parts: Parts, call: Call) -> None:
        self._parts = parts
        self._call = call
        self._asking: asyncio.Task[int | None] | None = None
        self._model: Model | None = None

    def begin(self, model: Model) -> None:
        """Another model after a first one is another tokenizer."""
        if model.provider.wire != "anthropic" or model == self._model:
            return
        self._drop()
        self._model = model
        messages: Sequence[Message] = self._call.body["messages"]
        prepare = Preparation(self._parts, self._call, messages, counting=True)
        self._asking = asyncio.create_task(self._ask(model, prepare))

    def tokens(self, model: Model) -> int | None:
        """For the model that answered; whatever is still under way ends here."""
        asking = self._asking
        if asking is None or model != self._model or not asking.done():
            self._drop()
            return None
        return asking.result()

    def _drop(self) -> None:
        if self._asking is not None:
            self._asking.cancel()

    async def _ask(self, model: Model, prepare: Preparation) -> int | None:
        try:
            answer = await self._parts.counting.send(
                [model], prepare, stream=False, account=self._call.account, deadline_s=_LONGEST_S
            )
            said = msgspec.json.decode(answer.body or b"")
            tokens = said.get("input_tokens") if isinstance(said, dict) else None
            return tokens if isinstance(tokens, int) else None
        except (AthenaError, Exhausted, msgspec.DecodeError):
            return None
        except Exception:
            log.exception("the original wasn't counted")
            return None

"""One cluster's questions to the model: bounded in time, counted, and every failure of the model one `NoAnswer`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from athena.consolidation.ports import Model
from athena.consolidation.slow.faults import NoAnswer, TooLong
from athena.errors import AnswerCut, AthenaError, InputTooLong, InvalidAnswer, ModelServerUnavailable

# However many questions there are, a cluster may take so many times as long as one of them.
_TIMES = 5


class Asking:
    """`asked` counts questions, answered or not; `tokens` those read and written for the ones that were answered."""

    def __init__(self, model: Model, timeout_s: float) -> None:
        self._model = model
        self._timeout_s = timeout_s
        self._ends_at = asyncio.get_running_loop().time() + _TIMES * timeout_s
        self.asked = 0
        self.tokens = 0
        self.model: str | None = None

    async def ask(
        self, prompt: str, *, system: str, schema: Mapping[str, Any], max_tokens: int, temperature: float = 0.0
    ) -> Any:
        """The answer as data, of whatever shape. Raises `NoAnswer`, `TooLong`."""
        self.asked += 1
        try:
            async with asyncio.timeout_at(min(asyncio.get_running_loop().time() + self._timeout_s, self._ends_at)):
                answer = await self._model.reason(
                    prompt, system, max_tokens, json_schema=schema, temperature=temperature
                )
        except TimeoutError as exc:
            raise NoAnswer(
                "timeout",
                f"the model took longer than {self._timeout_s:g} s for a question, or {_TIMES} times that for all",
            ) from exc
        except InputTooLong as exc:
            raise TooLong(exc.message) from exc
        except (AnswerCut, InvalidAnswer) as exc:
            raise NoAnswer(exc.code, exc.message, again=True) from exc
        except ModelServerUnavailable as exc:
            raise NoAnswer("unavailable", exc.message) from exc
        except AthenaError as exc:
            raise NoAnswer("model_error", exc.message) from exc
        self.tokens += max(0, answer.tokens_in) + max(0, answer.tokens_out)
        self.model = answer.model
        return answer.data

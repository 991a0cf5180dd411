"""llama-server's answers, read strictly: what isn't a vector or an answer is an error, never a guess."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any

from athena.core.failures import POOLING_HINT
from athena.errors import AnswerCut, DimensionMismatch, InvalidAnswer, ModelServerError

# A template may have written the opening tag into the prompt: then only the closing one is here.
_THINKING = re.compile(r"\A(?:\s*<think>)?.*?</think>\s*", re.DOTALL)


def vectors(payload: Any, count: int, dim: int | None) -> list[list[float]]:
    """`count` vectors in the order of the inputs, out of any shape an embedding route has had.

    `/v1/embeddings`: `{"data": [{"index", "embedding": […]}]}`. `/embedding`:
    `[{"index", "embedding": [[…]]}]`, before that `{"embedding": […]}` or a bare list.
    Raises `ModelServerError`, `DimensionMismatch` (unequal lengths, or not `dim`).
    """
    rows = [_vector(row) for row in _in_order(_rows(payload))]
    if len(rows) != count:
        raise ModelServerError(f"the embedding server answered {len(rows)} vectors for {count} texts")
    for row in rows:
        _check_numbers(row)
    _check_dimensions(rows, dim)
    return rows


def _rows(payload: Any) -> list[Any]:
    if isinstance(payload, dict):
        for key in ("data", "results"):
            if isinstance(payload.get(key), list):
                return list(payload[key])
        return [payload]
    if isinstance(payload, list) and payload and isinstance(payload[0], dict):
        return payload
    return [{"embedding": payload}]


def _in_order(rows: list[Any]) -> list[Any]:
    if all(isinstance(row, dict) and isinstance(row.get("index"), int) for row in rows):
        return sorted(rows, key=lambda row: int(row["index"]))
    return rows


def _vector(row: Any) -> list[float]:
    value = row.get("embedding") if isinstance(row, dict) else row
    if not isinstance(value, list) or not value:
        raise ModelServerError("the embedding server answered something that isn't a vector")
    if isinstance(value[0], list):
        if len(value) != 1:
            raise ModelServerError(
                f"the embedding server answered {len(value)} token vectors for one text: it doesn't pool them",
                hint=POOLING_HINT,
            )
        value = value[0]
    return value


def _check_numbers(row: Sequence[Any]) -> None:
    # llama-server writes a NaN as null.
    if not all(isinstance(x, int | float) and math.isfinite(x) for x in row):
        raise ModelServerError(
            "the embedding server answered a vector that holds values that aren't numbers (NaN)",
            hint="the model file may be damaged: athena pull --verify",
        )
    if not any(row):
        raise ModelServerError(
            "the embedding server answered a vector of zeros",
            hint="the model file may be damaged: athena pull --verify",
        )


def _check_dimensions(rows: Sequence[Sequence[float]], dim: int | None) -> None:
    expected = len(rows[0]) if dim is None and rows else dim
    wrong = next((len(row) for row in rows if len(row) != expected), None)
    if wrong is not None:
        raise DimensionMismatch(
            f"the embedding server answered a vector of {wrong} dimensions where {expected} are expected",
            hint="unset LLAMACPP_EMBEDDING_DIM to take the server's, or serve the model that has them" if dim else None,
        )


def without_thinking(text: str) -> str:
    """The answer alone. An opening tag without a closing one means that all of it is thinking."""
    if text.lstrip().startswith("<think>") and "</think>" not in text:
        return ""
    return _THINKING.sub("", text, count=1)


def parsed_json(text: str, finish_reason: str, max_tokens: int) -> Any:
    """The answer as data. Raises `AnswerCut` or `InvalidAnswer`."""
    if finish_reason == "length":
        raise cut(max_tokens, "its JSON is not complete")
    try:
        return json.loads(text)
    except ValueError as exc:
        raise InvalidAnswer(
            f"the reasoning model was asked for JSON and answered {text[:80]!r}",
            hint="use a llama-server that constrains its output to a JSON schema (any of 2024 or later)",
        ) from exc


def cut(max_tokens: int, what: str) -> AnswerCut:
    return AnswerCut(
        f"the reasoning model was stopped after {max_tokens} tokens or at the end of its context: {what}",
        hint="raise max_tokens, or the server's --ctx-size",
    )

"""What goes wrong on the way to a provider, where the provider itself left no words to pass on."""

from __future__ import annotations

import math
from typing import ClassVar

from athena.errors import AthenaError, InvalidInput, Source
from athena.gateway.types import Failure, Model


class UpstreamError(AthenaError):
    """No model answered."""

    status: ClassVar[int] = 502
    code: ClassVar[str] = "upstream_error"
    source: Source = "provider"


class UpstreamUnreachable(UpstreamError):
    code = "upstream_unreachable"


class UpstreamTimeout(UpstreamError):
    status = 504
    code = "upstream_timeout"


class UpstreamBusy(UpstreamError):
    status = 503
    code = "upstream_busy"


class UpstreamRate(UpstreamError):
    status = 429
    code = "upstream_rate_limit"


class UpstreamSpend(UpstreamError):
    """Not a 429: clients try again after one, and this gets no better by trying."""

    status = 402
    code = "upstream_spend_limit"


class ContextExceeded(AthenaError):
    """Counted: the prompt doesn't fit. The wording is Anthropic's, which clients shorten conversations by."""

    status = 400
    code = "context_exceeded"
    source: Source = "client"


_KINDS: dict[str, type[AthenaError]] = {
    "rate": UpstreamRate,
    "spend": UpstreamSpend,
    "overloaded": UpstreamBusy,
    "timeout": UpstreamTimeout,
    "unreachable": UpstreamUnreachable,
    "context": ContextExceeded,
    "request": InvalidInput,
}


def of(model: Model, failure: Failure) -> AthenaError:
    """The failure as an error of ours."""
    kind = _KINDS.get(failure.kind, UpstreamError)
    local = model.provider.local
    error = kind(
        f"{model.name}: {failure.message}",
        hint="athena status" if local else None,
        retry_after=None if failure.retry_after_s is None else max(1, math.ceil(failure.retry_after_s)),
    )
    if local and kind not in (ContextExceeded, InvalidInput):
        error.source = "reasoning"
    return error

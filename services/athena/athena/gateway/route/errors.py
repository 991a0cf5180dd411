"""No model may answer: which reason it is decides the status, for clients act on that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from athena.errors import AthenaError


class NoModel(AthenaError):
    """`passed`: each model that was considered, and why it wasn't taken."""

    status: ClassVar[int] = 503
    code: ClassVar[str] = "no_model"

    def __init__(
        self, message: str, *, passed: Sequence[str] = (), hint: str | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(message, hint=hint, retry_after=retry_after)
        self.passed = tuple(passed)


class UnknownModel(NoModel):
    """No model, tier or alias is called so."""

    status = 400
    code = "unknown_model"
    source = "client"


class RoutingOff(NoModel):
    """`modelRouting.enabled` is false, and the request left the choice to Athena."""

    status = 400
    code = "routing_off"
    source = "client"


class LacksAbility(NoModel):
    """No model that may be used can do what the request needs."""

    status = 400
    code = "lacks_ability"
    source = "client"


class PromptTooLong(NoModel):
    """No window is large enough. The wording is Anthropic's: clients shorten the conversation when they read it."""

    status = 400
    code = "prompt_too_long"
    source = "client"


class NoCredential(NoModel):
    """The models that would do belong to providers whose keys this caller may not spend, or that have none."""

    status = 401
    code = "no_credential"
    source = "client"


class BudgetSpent(NoModel):
    """402, not 429: clients try again after a 429."""

    status = 402
    code = "budget_spent"
    source = "client"


class LocalOnlyNoModel(NoModel):
    """Local-only mode is on, and no local model can answer."""

    code = "local_only"


class NoneAvailable(NoModel):
    """The models that would do are down, or resting after failures."""

    code = "none_available"

"""What was used, and how it is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from athena.api.schemas.fields import Moment, Name
from athena.api.schemas.memories import Body
from athena.usage.reports import By, Line, Report

_DAYS = 30
_LATENCY = "Median; of complete answers, in milliseconds."


class UsageQuery(Body):
    since: Moment | None = Field(None, alias="from", description="Default: the beginning of the day 29 days before.")
    until: Moment | None = Field(None, alias="to", description="Up to this moment. Default: now.")
    by: By = Field(
        "day", description="One line for each of these. Days are those of UTC; class is what kind of request."
    )
    project: Name | None = Field(None, description="Only this project's; default: all.")
    limit: Annotated[int, Field(ge=1, le=10_000)] = Field(1_000, description="At most this many lines.")
    format: Literal["json", "csv"] = "json"

    @model_validator(mode="after")
    def _settle(self) -> Self:
        until = self.until or datetime.now(UTC)
        since = self.since
        if since is None:
            midnight = until.replace(hour=0, minute=0, second=0, microsecond=0)
            days = min(timedelta(days=_DAYS - 1), midnight - datetime.min.replace(tzinfo=UTC))
            since = midnight - days
        if since > until:
            raise ValueError("from must not be later than to")
        # Settled past validation, so that what is answered says which time it is about.
        self.__dict__.update(since=since, until=until)
        return self

    def span(self) -> tuple[datetime, datetime]:
        assert self.since is not None
        assert self.until is not None
        return self.since, self.until


class TokensView(BaseModel):
    """As billed, without overlap; `saved`: what compression took out of prompts."""

    input: int
    cached: int
    written: int
    output: int
    saved: int


class SavedView(BaseModel):
    """USD by cause. Negative where it would have been cheaper without."""

    compression: float
    cache: float
    local: float
    routing: float
    total: float


class LocalView(BaseModel):
    """What the local models did of it."""

    requests: int
    tokens: int
    share: float | None = Field(description="Of all tokens; null if there were none.")


class LatencyView(BaseModel):
    first_p50: float | None = Field(description=f"To the first token. {_LATENCY}")
    total_p50: float | None = Field(description=_LATENCY)
    total_p95: float | None


class UsageLine(BaseModel):
    """Sums. `unpriced` attempts aren't in `cost_usd`, `unvalued` not in `saved_usd`: what they cost isn't known."""

    key: str = Field(description="Empty: of none, and in `total`.")
    requests: int
    failed: int
    cancelled: int
    attempts: int
    tokens: TokensView
    cost_usd: float
    unpriced: int
    saved_usd: SavedView
    unvalued: int
    local: LocalView
    latency_ms: LatencyView
    tokens_per_second: float | None = Field(description="While answers were being written.")

    @classmethod
    def of(cls, line: Line) -> Self:
        return cls(
            key=line.key,
            requests=line.requests,
            failed=line.failed,
            cancelled=line.cancelled,
            attempts=line.attempts,
            tokens=TokensView(
                input=line.tokens_input,
                cached=line.tokens_cached,
                written=line.tokens_written,
                output=line.tokens_output,
                saved=line.tokens_saved,
            ),
            cost_usd=float(line.cost),
            unpriced=line.unpriced,
            saved_usd=SavedView(
                compression=float(line.saved_compression),
                cache=float(line.saved_cache),
                local=float(line.saved_local),
                routing=float(line.saved_routing),
                total=float(line.saved),
            ),
            unvalued=line.unvalued,
            local=LocalView(
                requests=line.local_requests,
                tokens=line.local_tokens,
                share=round(line.local_tokens / line.tokens, 4) if line.tokens else None,
            ),
            latency_ms=LatencyView(
                first_p50=_short(line.first_ms_p50),
                total_p50=_short(line.total_ms_p50),
                total_p95=_short(line.total_ms_p95),
            ),
            tokens_per_second=_short(line.tokens_per_second),
        )


class UsageReport(BaseModel):
    """`lines`: days in order, anything else by cost."""

    since: datetime = Field(serialization_alias="from")
    until: datetime = Field(serialization_alias="to")
    by: By
    project: str | None
    total: UsageLine
    lines: list[UsageLine]
    omitted: int = Field(description="Lines beyond the limit; they are in the total.")

    @classmethod
    def of(cls, asked: UsageQuery, report: Report) -> Self:
        since, until = asked.span()
        return cls(
            since=since,
            until=until,
            by=asked.by,
            project=asked.project,
            total=UsageLine.of(report.total),
            lines=[UsageLine.of(line) for line in report.lines],
            omitted=report.omitted,
        )


def _short(value: float | None) -> float | None:
    return None if value is None else round(float(value), 1)

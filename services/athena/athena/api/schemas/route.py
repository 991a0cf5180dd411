"""What is asked about routing, and what is answered."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

from athena.api.schemas.fields import MAX_CONTENT, MAX_NAME, Flag, Name, Text, whole
from athena.api.schemas.memories import Body
from athena.gateway.models.prices import Price
from athena.gateway.route.refusal import Passed
from athena.gateway.types import Model, RequestClass

ModelName = Annotated[Text, StringConstraints(min_length=1, max_length=MAX_NAME)]
Count = Annotated[int, Field(ge=0, le=100_000_000), BeforeValidator(whole)]


class Explain(Body):
    """A request as it would be sent, so far as routing looks at it."""

    text: Annotated[Text, StringConstraints(max_length=MAX_CONTENT)] = Field(description="What the person says.")
    model: ModelName = Field("auto", description="As a client would name it: auto, a tier, an alias, provider/model.")
    surface: Literal["anthropic", "openai"] = "anthropic"
    request_class: RequestClass | None = Field(None, description="What the client says the request is for.")
    task: Name | None = Field(None, description="As the header x-athena-task would name it.")
    override: ModelName | None = Field(None, description="As the header x-athena-model would name it.")
    session: Name | None = Field(None, description="A session's pin and history count.")
    agent: Name | None = Field(None, description="An agent's model counts.")
    project: Name | None = None
    tools: Flag = Field(False, description="The request brings tools.")
    images: Annotated[int, Field(ge=0, le=1_000), BeforeValidator(whole)] = 0
    tokens: Count | None = Field(None, description="About how long the whole prompt is; default: the text.")
    in_tool_loop: Flag = Field(False, description="The newest message answers a tool call.")


class PriceView(BaseModel):
    """US dollars per million tokens at today's prices."""

    input: float
    cached: float
    output: float

    @classmethod
    def of(cls, price: Price | None) -> Self | None:
        return None if price is None else cls(input=price.input, cached=price.cached, output=price.output)


class ModelView(BaseModel):
    """A model and what is known of it; null: not known."""

    model: str = Field(description="provider/model")
    tier: str | None
    local: bool
    context: int | None = Field(description="Window in tokens.")
    output: int | None
    vision: bool | None
    tools: bool | None
    thinking: bool | None
    price: PriceView | None

    @classmethod
    def of(cls, model: Model, price: Price | None) -> Self:
        return cls(
            model=model.name,
            tier=model.tier,
            local=model.provider.local,
            context=model.context,
            output=model.output,
            vision=model.vision,
            tools=model.tools,
            thinking=model.thinking,
            price=PriceView.of(price),
        )


class PassedView(BaseModel):
    model: str
    cause: str
    why: str

    @classmethod
    def of(cls, passed: Passed) -> Self:
        return cls(model=passed.model.name, cause=passed.cause, why=passed.why)


class Refusal(BaseModel):
    """What a client would be answered."""

    status: int
    code: str
    message: str
    hint: str | None


class Explained(BaseModel):
    """`models` in the order in which they would be tried; empty: see `error`."""

    models: list[ModelView]
    reasons: list[str] = Field(description="As the header x-athena-route would say them.")
    passed: list[PassedView] = Field(description="Models that were considered and can't answer this.")
    request_class: str
    task: str | None
    task_from: Literal["header", "text"] | None
    tokens: int = Field(description="About how many tokens the prompt has.")
    input_usd: float | None = Field(description="What the prompt alone would cost at the first model, uncached.")
    baseline: str | None = Field(description="What would have answered without routing.")
    error: Refusal | None
    warnings: list[str]


class ListedModel(ModelView):
    """`speed` and the ratings go from 1 to 5."""

    speed: int | None
    code: int | None
    writing: int | None
    reasoning: int | None
    credential: bool = Field(description="Whether Athena has a key for it, or it needs none.")
    state: str = Field(description="`ready`, or why it can't answer now.")


class TierView(BaseModel):
    name: str
    models: list[ListedModel]


class RouteTable(BaseModel):
    """Everything that decisions are made of, as it is now. Tiers are in order, the cheapest first."""

    enabled: bool
    auto_select: bool
    local_only: bool
    default: str
    baseline: str
    tiers: list[TierView]
    others: list[ListedModel] = Field(description="What the local servers have beside the tiers.")
    aliases: dict[str, str]
    tasks: dict[str, str] = Field(description="Where `auto` sends each task kind.")
    rules: int = Field(description="How many rules routing.toml has.")
    warnings: list[str]

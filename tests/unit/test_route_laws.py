"""What holds for every decision, whatever is asked of whichever models by whomever."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from athena.gateway.models.known import Profile
from athena.gateway.models.registry import Registry
from athena.gateway.models.seen import Seen, ServerSeen
from athena.gateway.route.decide import decide
from athena.gateway.route.errors import NoModel
from athena.gateway.route.rules import Rules, parse
from athena.gateway.route.types import Facts, Held, Needs, Shape, State, Verdict
from athena.gateway.sessions.agents import Agent
from athena.gateway.types import Decision, Model
from tests.unit.routing import NOW, registry

NAMES = [
    *("auto", "local", "haiku", "flash", "sonnet", "pro", "opus", "local-fast", "local/default"),
    *("claude-sonnet-5-5", "claude-opus-4-8", "gpt-4o-mini", "gemini-4-argon", "llama-3.2-3b", "ollama/glm-5:cloud"),
    *("anthropic/claude-haiku-5-5-20261001", "openai/gpt-6-sol"),
]
PROVIDERS = ["anthropic", "google", "openai", "ollama-cloud"]
LOCALS = {"local", "ollama"}
RULES = [
    parse(),
    parse('[[rules]]\nclass = "auxiliary"\nto = "local"\n[[rules]]\nmodel = "claude-*"\nto = "auto"'),
    parse('default = "cloud"\n[fallback]\ndown = true\n[sticky]\ndown = true\nup = false'),
]
LLAMAS = [
    ServerSeen("down", "it is down"),
    ServerSeen("unasked"),
    ServerSeen("up", "", (Seen("qwen3-vl-4b-instruct", Profile(context=8_192, vision=True, tools=False)),)),
    ServerSeen("up", "", (Seen("llama-3.2-3b", Profile(context=131_072, vision=False, tools=True)),)),
]
OLLAMAS = [
    ServerSeen("down", "it is down"),
    ServerSeen("up", "", (Seen("llama3.1:8b"), Seen("my-copy:latest", elsewhere=True))),
]
REGISTRIES: list[Registry] = [registry(llama, ollama) for llama in LLAMAS for ollama in OLLAMAS]
REGISTRIES.append(registry(modelRouting={"enabled": False}))
REGISTRIES.append(
    registry(modelRouting={"tiers": {"a": {"models": ["local", "gpt-4o-mini"]}, "b": {"models": ["o3"]}}})
)  # type: ignore[arg-type]

names = st.sampled_from(NAMES)
maybe_name = st.none() | names
needs = st.builds(
    Needs,
    size=st.sampled_from([0, 2_000, 60_000, 900_000, 30_000_000]),
    images=st.sampled_from([0, 0, 2]),
    tools=st.booleans(),
    thinking=st.booleans(),
    output=st.sampled_from([0, 100, 32_000]),
)
shapes = st.builds(
    Shape,
    request_class=st.sampled_from(["main", "subagent", "workflow", "compaction", "auxiliary"]),
    needs=needs,
    in_loop=st.booleans(),
    task=st.sampled_from([None, "code", "strategy"]),
    task_said=st.booleans(),
)
budgets = st.sampled_from([Verdict(), Verdict("warn", "w"), Verdict("degrade", "d"), Verdict("stop", "s")])
agents = st.none() | st.builds(
    Agent, name=st.just("a"), model=maybe_name, fallback=st.lists(names, max_size=2).map(tuple), personality=st.just("")
)


@st.composite
def requests(draw: st.DrawFn) -> Facts:
    principal = draw(st.sampled_from(["", "work"]))
    own = draw(st.sampled_from([None, "anthropic", "openai"]))
    spendable = set(draw(st.frozensets(st.sampled_from(PROVIDERS)))) if principal else set()
    return Facts(
        wire=draw(st.sampled_from(["anthropic", "openai"])),
        asked=draw(names),
        shape=draw(shapes),
        spendable=frozenset(spendable | LOCALS | ({own} if own else set())),
        principal=principal,
        own_provider=own,
        override=draw(maybe_name),
        held=Held(draw(maybe_name), draw(maybe_name), draw(st.sampled_from([0, 5_000, 400_000]))),
        agent=draw(agents),
        budget=draw(budgets),
    )


def outcome(facts: Facts, models: Registry, rules: Rules, at: State) -> Decision | NoModel:
    try:
        return decide(facts, models, rules, at)
    except NoModel as exc:
        return exc


worlds: dict[str, Any] = {
    "facts": requests(),
    "models": st.sampled_from(REGISTRIES),
    "rules": st.sampled_from(RULES),
    "local_only": st.booleans(),
    "resting": st.sampled_from(["", "anthropic", "google", "local"]),
}


@settings(max_examples=600, deadline=None)
@given(**worlds)
def test_no_decision_holds_a_model_that_may_not_answer(
    facts: Facts, models: Registry, rules: Rules, local_only: bool, resting: str
) -> None:
    def available(model: Model) -> str | None:
        return "resting" if model.provider.name == resting else None

    at = State(NOW, local_only, available)
    found, again = outcome(facts, models, rules, at), outcome(facts, models, rules, at)
    if isinstance(found, NoModel):
        assert isinstance(again, NoModel)
        assert (found.code, found.message, found.passed) == (again.code, again.message, again.passed)
        assert found.status in (400, 401, 402, 503)
        return
    assert found == again
    assert found.models
    assert len({model.name for model in found.models}) == len(found.models)
    for model in found.models:
        lawful(model, facts, models, found, at)
    assert all(reason.isascii() and ";" not in reason for reason in found.reasons)
    assert found.tier == found.models[0].tier
    assert found.baseline is None or not found.baseline.provider.local


def lawful(model: Model, facts: Facts, models: Registry, found: Decision, at: State) -> None:
    local, needs = model.provider.local, facts.shape.needs
    assert local or not at.local_only
    assert local or model.provider.name in facts.spendable
    last = models.model(facts.held.last) if facts.held.last else None
    if facts.shape.in_loop and last is not None:
        assert model.provider.name == last.provider.name
    if facts.passes_through and not local and not facts.shape.in_loop:
        named = models.resolve(facts.asked)
        paid = [each for each in found.models if not each.provider.local]
        assert (
            named is None or named.kind != "model" or len(paid) == 1 or facts.override or facts.held.pin or facts.agent
        )
    passed_unseen = facts.passes_through and not local
    if passed_unseen:
        return
    assert local or facts.budget.kind != "stop"
    assert needs.may_fit(model)
    assert not (needs.vision and model.vision is False)
    assert not (needs.tools and model.tools is False)
    assert not (needs.thinking and model.thinking is False)
    assert at.available(model) is None
    assert models.unavailable(model) is None


@settings(max_examples=300, deadline=None)
@given(**worlds)
def test_whoever_speaks_first_is_heard(
    facts: Facts, models: Registry, rules: Rules, local_only: bool, resting: str
) -> None:
    """Where the model that the first voice names may answer, it does: nothing that comes later takes its place."""
    if facts.shape.in_loop or facts.budget.kind == "degrade":
        return
    voices = [facts.override, facts.held.pin, facts.agent.model if facts.agent else None]
    first = next((voice for voice in voices if voice), None)
    target = models.resolve(first) if first else None
    if target is None or target.kind != "model":
        return
    found = outcome(facts, models, rules, State(NOW, local_only))
    if isinstance(found, Decision):
        wanted = target.models[0]
        may = [each.name for each in found.models]
        assert wanted.name not in may or may[0] == wanted.name


@settings(max_examples=300, deadline=None)
@given(**worlds)
def test_degrading_never_costs_more(
    facts: Facts, models: Registry, rules: Rules, local_only: bool, resting: str
) -> None:
    if facts.budget.kind != "degrade" or facts.shape.in_loop or facts.held.last:
        return
    at = State(NOW, local_only)
    cheap = outcome(facts, models, rules, at)
    fine = outcome(Facts(**{**_fields(facts), "budget": Verdict()}), models, rules, at)
    if isinstance(cheap, Decision) and isinstance(fine, Decision):
        tokens = facts.shape.needs.tokens
        prices = [models.price(found.models[0], NOW, tokens) for found in (cheap, fine)]
        if prices[0] is not None and prices[1] is not None:
            assert prices[0].mean <= prices[1].mean


def _fields(facts: Facts) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in facts.__dataclass_fields__}

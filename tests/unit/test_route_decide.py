"""Decisions, one by one: who wins, what falls back where, and what is refused with which status."""

from __future__ import annotations

import pytest

from athena.gateway.models.seen import ServerSeen
from athena.gateway.route.decide import decide
from athena.gateway.route.errors import NoModel
from athena.gateway.route.rules import Rules, parse
from athena.gateway.route.types import Facts, Held, State, Verdict
from athena.gateway.sessions.agents import Agent
from athena.gateway.types import Decision
from tests.unit.routing import NOW, facts, own_key, registry, state

RULES = parse()
DOWN = ServerSeen("down", "the reasoning server can't be reached")
HAIKU, FLASH = "anthropic/claude-haiku-5-5", "google/gemini-3.8-flash"
SONNET, PRO, OPUS = "anthropic/claude-sonnet-5-5", "google/gemini-4-argon", "anthropic/claude-opus-5-5"
LOCAL = "local/qwen3-vl-4b-instruct"
UPWARD = [HAIKU, FLASH, SONNET, PRO, OPUS]


def names(decision: Decision) -> list[str]:
    return [model.name for model in decision.models]


def decided(given: Facts, rules: Rules = RULES, at: State | None = None, **more: object) -> Decision:
    return decide(given, registry(**more), rules, at or state())  # type: ignore[arg-type]


def refused(given: Facts, rules: Rules = RULES, at: State | None = None, **more: object) -> NoModel:
    with pytest.raises(NoModel) as raised:
        decided(given, rules, at, **more)
    return raised.value


# --- who wins ----------------------------------------------------------------------------------------


def test_each_word_wins_over_those_after_it() -> None:
    agent = Agent("coder", OPUS, (), "")
    pinned = Held(pin=FLASH)
    rules = parse('[[rules]]\nmodel = "claude-*"\nto = "pro"')
    everything = facts("claude-sonnet-5-5", override=HAIKU, held=pinned, agent=agent)
    assert names(decided(everything, rules))[0] == HAIKU
    assert names(decided(facts("claude-sonnet-5-5", held=pinned, agent=agent), rules))[0] == FLASH
    assert names(decided(facts("claude-sonnet-5-5", agent=agent), rules))[0] == OPUS
    assert names(decided(facts("claude-sonnet-5-5"), rules))[0] == PRO
    assert names(decided(facts("claude-sonnet-5-5")))[0] == SONNET
    assert names(decided(everything, rules, state(local_only=True))) == [LOCAL]


def test_a_claude_model_that_a_client_names_is_what_it_gets() -> None:
    decision = decided(own_key("claude-opus-4-8", shape_request_class="auxiliary"))
    assert names(decision) == ["anthropic/claude-opus-4-8"]
    assert decision.reasons == ("asked",)


def test_a_key_of_the_clients_own_never_pays_for_another_model() -> None:
    resting = state(available=lambda model: "resting")
    assert names(decided(own_key("claude-sonnet-5-5"), at=resting)) == [SONNET]
    assert names(decided(own_key("claude-3-haiku", shape_needs_thinking=True))) == ["anthropic/claude-3-haiku"]
    assert refused(own_key("gpt-4o")).status == 401


def test_rules_send_a_clients_own_key_to_local_models_and_back_to_what_it_named() -> None:
    rules = parse('[[rules]]\nclass = "auxiliary"\nto = "local"')
    given = own_key("claude-haiku-5-5", shape_request_class="auxiliary")
    assert names(decided(given, rules)) == [LOCAL, HAIKU]
    assert names(decided(given, rules, llama=DOWN)) == [HAIKU]
    paid = parse('[[rules]]\nto = "opus"')
    assert names(decided(given, paid)) == [HAIKU]


def test_pins_to_what_is_gone_are_passed_over_and_named() -> None:
    decision = decided(facts("haiku", held=Held(pin="no-such-model")))
    assert names(decision)[0] == HAIKU
    assert "session-pin-unknown" in decision.reasons


def test_an_agent_falls_back_to_its_own_list_first() -> None:
    agent = Agent("coder", "claude-opus-5-5", ("local-fast", "pro"), "")
    assert names(decided(facts(agent=agent))) == [OPUS, "ollama/llama3.1:8b", PRO]


# --- auto --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "first"),
    [
        *((kind, LOCAL) for kind in ("code", "drafts", "research", "data", "background", "routine", "interactive")),
        *((kind, SONNET) for kind in ("strategy", "complex-reasoning", "final-copy", "deep-analysis")),
        ("strategic-conversation", SONNET),
        (None, LOCAL),
    ],
)
def test_auto_goes_by_the_task(task: str | None, first: str) -> None:
    assert names(decided(facts(shape_task=task)))[0] == first


def test_a_tier_is_tried_to_its_end_and_then_those_above() -> None:
    tiers = {"modelRouting": {"tiers": {"haiku": {"models": ["claude-haiku-5-5", "gpt-4o-mini"]}}}}
    expected = [LOCAL, HAIKU, "openai/gpt-4o-mini", *UPWARD[1:]]
    assert names(decided(facts("local"), **tiers)) == expected
    assert names(decided(facts("gpt-4o-mini"), **tiers)) == ["openai/gpt-4o-mini", HAIKU, *UPWARD[1:]]


def test_without_a_local_model_the_next_tier_with_a_credential_answers() -> None:
    down = {"llama": DOWN, "ollama": DOWN}
    assert names(decided(facts(), **down)) == UPWARD
    google = facts(spendable=frozenset({"local", "ollama", "google"}))
    decision = decided(google, **down)
    assert names(decision) == [FLASH, PRO]
    assert any(reason.startswith(f"passed {LOCAL.split('/')[0]}/") for reason in decision.reasons)
    assert any("no key for anthropic" in reason for reason in decision.reasons)


def test_nothing_comes_below_what_was_asked_for_unless_the_user_says_so() -> None:
    assert names(decided(facts("opus"))) == [OPUS]
    rules = parse("[fallback]\ndown = true")
    assert names(decided(facts("opus"), rules)) == [OPUS, PRO, SONNET, FLASH, HAIKU, LOCAL]


def test_the_seeds_own_tiers_are_the_whole_table() -> None:
    tiers = {"simple": {"models": ["local/llama-3.2-3b", "gpt-4o-mini"]}, "complex": {"models": ["gpt-4o"]}}
    more = {"modelRouting": {"tiers": tiers}}
    assert names(decided(facts(), **more)) == ["openai/gpt-4o-mini", "openai/gpt-4o"]
    assert names(decided(facts(shape_task="strategy"), **more)) == ["openai/gpt-4o"]
    served = {"llama": ServerSeen("unasked")}
    assert names(decided(facts(), **more, **served))[0] == "local/llama-3.2-3b"


def test_without_auto_select_the_lowest_tier_answers_whatever_the_task() -> None:
    more = {"modelRouting": {"autoSelect": False}}
    assert names(decided(facts(shape_task="strategy"), **more))[0] == LOCAL


def test_with_routing_off_only_named_models_answer_and_alone() -> None:
    more = {"modelRouting": {"enabled": False}}
    assert names(decided(facts("claude-sonnet-5-5"), **more)) == [SONNET]
    assert refused(facts("sonnet"), **more).status == 400
    assert refused(facts("auto"), **more).code == "routing_off"
    assert refused(facts("claude-sonnet-5-5"), at=state(local_only=True), **more).code == "local_only"


# --- what a request needs ------------------------------------------------------------------------------


def test_what_a_model_lacks_passes_it_over() -> None:
    for need, lack in {"images": "it can't see images", "thinking": "it can't think before it answers"}.items():
        decision = decided(facts(**{f"shape_needs_{need}": 1}))
        assert names(decision)[0] == HAIKU
        assert f"passed {LOCAL}: {lack}" in decision.reasons
    assert names(decided(facts("gemma-2b", shape_needs_tools=True)))[0] == LOCAL
    error = refused(facts(shape_needs_images=1, spendable=frozenset({"local"})))
    assert (error.status, error.code) == (400, "lacks_ability")


def test_a_window_too_small_means_a_larger_model_or_a_clear_error() -> None:
    assert names(decided(facts(shape_needs_size=2_000_000)))[0] == HAIKU
    error = refused(facts(shape_needs_size=2_000_000, spendable=frozenset({"local", "ollama"})))
    assert (error.status, error.code) == (400, "prompt_too_long")
    assert error.message.startswith("prompt is too long: about ")
    assert "> 32768 maximum" in error.message


def test_what_was_counted_wins_over_what_was_guessed() -> None:
    counted = {LOCAL: 40_000}
    assert names(decided(facts(shape_needs_size=50_000)))[0] == LOCAL
    assert names(decided(facts(shape_needs_size=50_000, shape_needs_counted=counted)))[0] == HAIKU


def test_ollama_gets_only_what_fits_by_any_measure_for_it_cuts_in_silence() -> None:
    assert names(decided(facts("local-fast", shape_needs_size=16_000)))[0] == "ollama/llama3.1:8b"
    assert names(decided(facts("local-fast", shape_needs_size=20_000)))[0] != "ollama/llama3.1:8b"


# --- conversations ---------------------------------------------------------------------------------------


def test_a_conversation_stays_with_its_model() -> None:
    held = Held(last=SONNET, cached=50_000)
    decision = decided(facts(held=held, shape_task="code"))
    assert names(decision)[0] == SONNET
    assert "sticky" in decision.reasons
    assert names(decided(facts(held=held, shape_task="code", shape_request_class="subagent")))[0] == LOCAL


def test_a_conversation_moves_up_for_a_task_that_wants_more() -> None:
    assert names(decided(facts(held=Held(last=LOCAL), shape_task="strategy")))[0] == SONNET
    stay = parse("[sticky]\nup = false")
    assert names(decided(facts(held=Held(last=LOCAL), shape_task="strategy"), stay))[0] == LOCAL
    assert names(decided(facts(held=Held(last=SONNET), shape_task="code", shape_task_said=True)))[0] == LOCAL


def test_a_conversation_moves_down_only_where_that_saves_more_than_the_cache_is_worth() -> None:
    rules = parse('default = "haiku"\n[sticky]\ndown = true')
    long = {"shape_needs_size": 1_200_000}
    assert names(decided(facts(held=Held(last=SONNET, cached=0)), rules))[0] == HAIKU
    # Over 100,000 tokens haiku costs five times as much: 0.15 $, where sonnet reads them from its cache for 0.03 $.
    assert names(decided(facts(held=Held(last=SONNET, cached=299_000), **long), rules))[0] == SONNET
    assert names(decided(facts(held=Held(last=SONNET, cached=0), **long), rules))[0] == HAIKU


def test_causes_move_a_conversation() -> None:
    held = Held(last=LOCAL)
    assert names(decided(facts(held=held, shape_needs_images=1)))[0] == HAIKU
    assert names(decided(facts(held=held), llama=DOWN, ollama=DOWN))[0] == HAIKU
    assert names(decided(facts("opus", held=held)))[0] == OPUS
    assert names(decided(facts(held=Held(pin="pro", last=LOCAL))))[0] == PRO
    rests = state(available=lambda model: "rate limited" if model.name == LOCAL else None)
    assert names(decided(facts(held=held), at=rests))[0] == HAIKU


def test_inside_a_tool_loop_the_provider_goes_on() -> None:
    held = Held(last=SONNET)
    loop = {"shape_in_loop": True}
    assert {model.provider.name for model in decided(facts(held=held, **loop)).models} == {"anthropic"}
    assert names(decided(facts("pro", held=held, **loop)))[0] == SONNET
    assert names(decided(facts("opus", held=Held(pin="claude-opus-5-5", last=SONNET), **loop))) == [OPUS, SONNET]
    error = refused(facts(held=Held(last=LOCAL), **loop), llama=DOWN)
    assert error.status == 503
    assert "tool loop" in error.message
    assert refused(facts(held=held, **loop), at=state(local_only=True)).code == "local_only"


# --- money, credentials, local-only ------------------------------------------------------------------------


def test_a_budget_warns_degrades_or_stops() -> None:
    warned = decided(facts("sonnet", budget=Verdict("warn", "80 % of 10 $ are spent")))
    assert (names(warned)[0], "budget-warn" in warned.reasons) == (SONNET, True)
    degraded = decided(facts("claude-sonnet-5-5", budget=Verdict("degrade")))
    assert names(degraded) == [FLASH, HAIKU, LOCAL]
    assert "budget-degrade" in degraded.reasons
    stop = Verdict("stop", "the budget of 10 $ a day is spent")
    error = refused(facts("sonnet", budget=stop))
    assert (error.status, error.message) == (402, stop.reason)
    assert names(decided(facts(budget=stop))) == [LOCAL]


def test_degrading_goes_by_what_models_cost_and_not_by_where_they_stand() -> None:
    rules = Verdict("degrade")
    tiers = {"modelRouting": {"tiers": {"haiku": {"models": ["claude-opus-5-5"]}}}}
    assert names(decided(facts("sonnet", budget=rules), **tiers)) == [FLASH, LOCAL]
    assert names(decided(facts("local", budget=rules)))[0] == LOCAL


def test_without_a_credential_the_answer_is_401_and_says_what_to_do() -> None:
    nobody = facts("claude-sonnet-5-5", principal="", spendable=frozenset({"local", "ollama"}))
    error = refused(nobody)
    assert (error.status, error.code) == (401, "no_credential")
    assert error.hint is not None
    assert "anthropic" in error.hint
    assert names(decided(facts("auto", principal="", spendable=frozenset({"local", "ollama"})))) == [LOCAL]


def test_local_only_overrides_all_and_fails_clearly() -> None:
    on = state(local_only=True)
    assert names(decided(own_key("claude-sonnet-5-5"), at=on)) == [LOCAL]
    assert names(decided(facts(override="local-fast"), at=on)) == ["ollama/llama3.1:8b", LOCAL]
    error = refused(facts("opus"), at=on, llama=DOWN, ollama=DOWN)
    assert (error.status, error.code) == (503, "local_only")
    assert "can't be reached" in error.message
    assert error.hint is not None
    assert "athena local-only off" in error.hint


def test_models_that_ollama_sends_elsewhere_are_not_local() -> None:
    error = refused(facts("ollama/gpt-oss:120b-cloud", spendable=frozenset({"local", "ollama"})))
    assert error.code == "no_credential"
    assert names(decided(facts("ollama/gpt-oss:120b-cloud"), at=state(local_only=True))) == [LOCAL]


def test_a_name_that_nobody_has_is_a_400_with_near_ones() -> None:
    error = refused(facts("claud-sonet-5-5"))
    assert (error.status, error.code) == (400, "unknown_model")
    assert error.hint is not None
    assert SONNET in error.hint
    assert refused(facts(override="hiku")).status == 400


# --- what is said -------------------------------------------------------------------------------------------


def test_savings_are_measured_against_what_was_named_or_configured() -> None:
    assert decided(facts()).baseline is not None
    assert decided(facts()).baseline.name == SONNET  # type: ignore[union-attr]
    rules = parse('[[rules]]\nto = "local"')
    assert decided(facts("claude-opus-5-5"), rules).baseline.name == OPUS  # type: ignore[union-attr]
    assert decided(facts("haiku", held=Held(pin="local"))).baseline.name == HAIKU  # type: ignore[union-attr]
    assert decided(facts(), parse('baseline = "gpt-4o"')).baseline.name == "openai/gpt-4o"  # type: ignore[union-attr]


def test_reasons_can_stand_in_a_header() -> None:
    strange = ServerSeen("down", "größe; кириллица\r\nx: y")
    decision = decided(facts(), llama=strange, ollama=strange)
    for reason in decision.reasons:
        assert reason.isascii()
        assert reason.isprintable()
        assert ";" not in reason


def test_the_tier_is_that_of_the_first_model() -> None:
    assert decided(facts("claude-opus-4-8")).tier == "opus"
    assert decided(facts("gpt-4o-mini")).tier == "flash"
    assert decide(facts("auto"), registry(), RULES, State(NOW)).tier == "local"

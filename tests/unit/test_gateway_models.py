"""All models by all their names: what a name means, what is known, what may be spent, what is listed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from athena.config import Settings, load
from athena.errors import InvalidInput, InvalidSetting, NotFound
from athena.gateway.models import prices
from athena.gateway.models.known import Profile
from athena.gateway.models.listing import listing, one
from athena.gateway.models.names import is_ollama_cloud, same_local
from athena.gateway.models.registry import Registry
from athena.gateway.models.seen import Seen, ServerSeen
from tests.unit.routing import EVERYWHERE, LLAMA, NOW, registry, settings


def meant(name: str, made: Registry | None = None) -> tuple[str, list[str], str | None] | None:
    target = (made or registry()).resolve(name)
    return None if target is None else (target.kind, [each.name for each in target.models], target.tier)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("auto", ("auto", [], None)),
        ("athena", ("auto", [], None)),
        ("Haiku", ("tier", ["anthropic/claude-haiku-5-5"], "haiku")),
        ("local", ("tier", ["local/qwen3-vl-4b-instruct"], "local")),
        ("local-fast", ("model", ["ollama/llama3.1:8b"], "local")),
        ("LOCAL-SMART", ("model", ["ollama/qwen2.5:32b-instruct-q4_K_M"], "local")),
        ("anthropic/claude-sonnet-5-5", ("model", ["anthropic/claude-sonnet-5-5"], "sonnet")),
        ("claude-sonnet-5-5-20261101", ("model", ["anthropic/claude-sonnet-5-5-20261101"], "sonnet")),
        ("claude-opus-4-8", ("model", ["anthropic/claude-opus-4-8"], "opus")),
        ("claude-of-next-year", ("model", ["anthropic/claude-of-next-year"], None)),
        ("gemini-4-argon", ("model", ["google/gemini-4-argon"], "pro")),
        ("gpt-4o-mini", ("model", ["openai/gpt-4o-mini"], "flash")),
        ("gpt-5-nano", ("model", ["openai/gpt-5-nano"], "haiku")),
        ("qwen3-vl-4b-instruct", ("model", ["local/qwen3-vl-4b-instruct"], "local")),
        ("Qwen3-VL-4B-Instruct-Q4_K_M.gguf", ("model", ["local/qwen3-vl-4b-instruct"], "local")),
        ("local/default", ("model", ["local/qwen3-vl-4b-instruct"], "local")),
        ("llama-3.2-3b", ("model", ["local/llama-3.2-3b"], "local")),
        ("qwen2.5-coder:32b", ("model", ["ollama/qwen2.5-coder:32b"], "local")),
        ("deepseek-coder:33b", ("model", ["ollama/deepseek-coder:33b"], "local")),
        ("nothing", None),
        ("openrouter/anthropic/claude-x", None),
        ("anthropic/", None),
        ("", None),
    ],
)
def test_what_a_name_means(name: str, expected: object) -> None:
    assert meant(name) == expected


def test_a_local_server_is_known_by_any_spelling_of_its_model() -> None:
    assert same_local("llama-3.2-3b", "/models/Llama-3.2-3B-Instruct-Q4_K_M.gguf")
    assert same_local("phi-4-mini", "phi-4-mini-instruct-q4_k_m")
    assert same_local("gemma-2b", "gemma-2b-it.Q8_0.gguf")
    assert not same_local("gemma-2b", "gemma-3-2b")
    assert not same_local("llama-3.2-3b", "llama-3.2-1b")


def test_ollamas_cloud_is_told_by_its_tags_and_by_what_ollama_says() -> None:
    assert is_ollama_cloud("gpt-oss:120b-cloud")
    assert is_ollama_cloud("glm-5:CLOUD")
    assert not is_ollama_cloud("cloudy:8b")
    copied = ServerSeen("up", "", (Seen("mine:latest", elsewhere=True), Seen("own-cloud:latest")))
    made = registry(ollama=copied)
    for name, local in {"ollama/mine": False, "own-cloud": True, "ollama/gpt-oss:20b-cloud": False}.items():
        model = made.model(name)
        assert model is not None
        assert model.provider.local is local


def test_what_a_server_says_wins_over_what_is_listed_and_the_user_over_both() -> None:
    made = registry(llama=ServerSeen("up", "", (Seen("llama-3.2-3b", Profile(context=4_096, tools=False)),)))
    model = made.model("llama-3.2-3b")
    assert model is not None
    assert (model.context, model.tools, model.vision) == (4_096, False, False)
    made.state({"local/llama-*": Profile(tools=True), "local/*": Profile(tools=False, context=9)})
    model = made.model("llama-3.2-3b")
    assert model is not None
    assert (model.context, model.tools) == (9, True)
    made.state({})
    assert made.model("llama-3.2-3b").tools is False  # type: ignore[union-attr]


def test_a_local_model_that_is_not_served_is_not_available() -> None:
    made = registry()
    assert made.unavailable(made.model("local/default")) is None  # type: ignore[arg-type]
    assert "serves qwen3-vl-4b-instruct" in made.unavailable(made.model("llama-3.2-3b"))  # type: ignore[arg-type,operator]
    assert "ollama pull qwen2.5:14b" in made.unavailable(made.model("local-brain"))  # type: ignore[arg-type,operator]
    assert made.unavailable(made.model("claude-sonnet-5-5")) is None  # type: ignore[arg-type]
    unasked = registry(ServerSeen(), ServerSeen())
    assert unasked.unavailable(unasked.model("local/default")) is None  # type: ignore[arg-type]
    assert unasked.unavailable(unasked.model("local-fast")) is not None  # type: ignore[arg-type]


# --- tiers ---------------------------------------------------------------------------------------------


def tiers(**lists: list[str]) -> dict[str, Any]:
    return {"modelRouting": {"tiers": {name: {"models": models} for name, models in lists.items()}}}


def test_a_table_of_known_tiers_changes_those_and_any_other_is_the_whole_list() -> None:
    assert [tier.name for tier in registry().tiers] == ["local", "haiku", "flash", "sonnet", "pro", "opus"]
    changed = registry(**tiers(haiku=["gpt-4o-mini", "claude-haiku-5-5"]))
    assert [tier.name for tier in changed.tiers][:2] == ["local", "haiku"]
    assert [each.name for each in changed.tiers[1].models] == ["openai/gpt-4o-mini", "anthropic/claude-haiku-5-5"]
    own = registry(**tiers(simple=["local/llama-3.2-3b", "gpt-4o-mini"], complex=["gpt-4o", "local-smart", "local"]))
    assert [(tier.name, [each.name for each in tier.models]) for tier in own.tiers] == [
        ("simple", ["local/llama-3.2-3b", "openai/gpt-4o-mini"]),
        ("complex", ["openai/gpt-4o", "ollama/qwen2.5:32b-instruct-q4_K_M", "local/qwen3-vl-4b-instruct"]),
    ]
    assert meant("haiku", own) is None


def test_a_tier_or_an_alias_of_nothing_is_a_mistake_that_names_itself() -> None:
    with pytest.raises(InvalidSetting, match=r"modelRouting\.tiers\.haiku\.models.*'gpt'"):
        registry(**tiers(haiku=["gpt"]))
    with pytest.raises(InvalidSetting, match=r"aliases\.mine"):
        registry(aliases={"mine": "nothing"})
    with pytest.raises(InvalidSetting, match=r"aliases\.a"):
        registry(aliases={"a": "b", "b": "a"})
    assert meant("b", registry(aliases={"a": "sonnet", "b": "a"})) == (
        "tier",
        ["anthropic/claude-sonnet-5-5"],
        "sonnet",
    )


def test_prices_that_contradict_the_order_are_said() -> None:
    assert registry().warnings(NOW) == []
    wrong = registry(**tiers(haiku=["claude-opus-5-5"], opus=["claude-haiku-5-5"])).warnings(NOW)
    assert wrong[0].startswith("google/gemini-3.8-flash of tier flash costs $0.75/$3.75")
    assert "anthropic/claude-opus-5-5 of the lower tier haiku at $4/$20" in wrong[0]
    assert len(wrong) == 4


# --- prices ---------------------------------------------------------------------------------------------


def test_prices_are_those_of_the_day_and_of_the_prompts_length() -> None:
    made = registry()
    haiku, argon = made.model("claude-haiku-5-5"), made.model("gemini-4-argon")
    assert haiku is not None
    assert argon is not None
    assert made.price(haiku, NOW) == prices.Price(0.1, 0.01, 0.125, 0.5)
    assert made.price(haiku, NOW, 100_000) == prices.Price(0.1, 0.01, 0.125, 0.5)
    assert made.price(haiku, NOW, 100_001) == prices.Price(0.5, 0.05, 0.625, 2.5)
    assert made.price(argon, NOW).input == 2  # type: ignore[union-attr]
    assert made.price(argon, datetime(2026, 12, 1, tzinfo=UTC)).input == 4  # type: ignore[union-attr]


def test_an_unknown_price_is_none_and_a_local_one_nothing() -> None:
    made = registry(providers={"mine": {"url": "https://llm.example.org/v1"}})
    assert made.price(made.model("mine/model"), NOW) is None  # type: ignore[arg-type]
    assert made.price(made.model("local/default"), NOW) == prices.FREE  # type: ignore[arg-type]
    assert prices.Price(2, 0.1, 2.5, 10).of(input=1_000, cached=10_000, output=100) == pytest.approx(0.004)


# --- providers and credentials -----------------------------------------------------------------------------


def test_what_may_be_spent() -> None:
    made = Registry(
        Settings(
            anthropic_api_key=SecretStr("k"),
            providers={
                "groq": {"url": "https://api.groq.com/openai/v1", "key_env": "GROQ"},  # type: ignore[dict-item]
                "lab": {"url": "http://192.168.1.9:8080/v1", "local": True},  # type: ignore[dict-item]
                "free": {"url": "https://free.example.org/v1"},  # type: ignore[dict-item]
            },
        )
    )
    local = {"local", "ollama", "lab"}
    assert made.spendable("", None) == local
    assert made.spendable("", "anthropic") == local | {"anthropic"}
    assert made.spendable("", "openai") == local | {"openai"}
    assert made.spendable("work", None) == local | {"anthropic", "free", "ollama-cloud"}


def test_a_server_elsewhere_is_not_local_because_it_is_called_so() -> None:
    made = Registry(Settings(reasoning_url="https://llm.example.org", ollama_url="http://ollama:11434"))
    assert not made.providers["local"].local
    assert made.providers["ollama"].local
    assert Registry(Settings(reasoning_url="http://10.0.0.7:1")).providers["local"].local
    declared = Settings(reasoning_url="https://llm.example.org", local_hosts=("llm.example.org",))
    assert Registry(declared).providers["local"].local


def test_a_provider_has_a_name_and_a_key_of_its_own(tmp_path: Any) -> None:
    (tmp_path / "athena.toml").write_text('[providers.groq]\nurl = "https://a.b/v1/"\nkey_env = "GROQ_KEY"')
    made = Registry(load({"ATHENA_HOME": str(tmp_path), "GROQ_KEY": "secret"}))
    groq = made.providers["groq"]
    assert (groq.url, groq.wire, groq.dialect, groq.local) == ("https://a.b/v1", "openai", "generic", False)
    assert groq.key is not None
    assert groq.key.get_secret_value() == "secret"
    assert "secret" not in repr(made.model("groq/x"))
    (tmp_path / "athena.toml").write_text('[providers.groq]\nurl = "https://a.b/v1/"\nkey = "secret"')
    with pytest.raises(InvalidSetting, match="key_env") as raised:
        load({"ATHENA_HOME": str(tmp_path)})
    assert "secret" not in raised.value.message
    with pytest.raises(InvalidSetting, match=r"providers\.openai"):
        Registry(Settings(providers={"openai": {"url": "http://x"}}))  # type: ignore[dict-item]


# --- listing ----------------------------------------------------------------------------------------------


def test_openais_listing_has_every_name_that_may_be_given() -> None:
    body = listing(registry(), "openai", {}, EVERYWHERE)
    ids = [each["id"] for each in body["data"]]
    assert ids[:3] == ["auto", "local", "haiku"]
    assert {"local-fast", "local/qwen3-vl-4b-instruct", "ollama/llama3.1:8b", "anthropic/claude-opus-5-5"} <= set(ids)
    assert len(ids) == len(set(ids))
    assert all(registry().resolve(id) for id in ids)
    assert {"id", "object", "created", "owned_by"} <= set(body["data"][0])


def test_what_the_caller_cannot_pay_for_is_not_listed() -> None:
    ids = {each["id"] for each in listing(registry(), "openai", {}, frozenset({"local", "ollama"}))["data"]}
    assert "local/qwen3-vl-4b-instruct" in ids
    assert not any(id.startswith(("anthropic/", "google/")) for id in ids)


def test_anthropics_listing_comes_in_pages() -> None:
    made = registry()
    whole = listing(made, "anthropic", {"limit": "1000"}, EVERYWHERE)
    assert whole["has_more"] is False
    assert (whole["first_id"], whole["last_id"]) == (whole["data"][0]["id"], whole["data"][-1]["id"])
    seen: list[str] = []
    query = {"limit": "4"}
    while True:
        page = listing(made, "anthropic", query, EVERYWHERE)
        seen += [each["id"] for each in page["data"]]
        if not page["has_more"]:
            break
        query = {"limit": "4", "after_id": page["last_id"]}
    assert seen == [each["id"] for each in whole["data"]]
    back = listing(made, "anthropic", {"limit": "2", "before_id": seen[5]}, EVERYWHERE)
    assert [each["id"] for each in back["data"]] == seen[3:5]
    assert back["has_more"] is True
    assert listing(made, "anthropic", {"after_id": seen[-1]}, EVERYWHERE)["data"] == []
    for wrong in ({"limit": "0"}, {"limit": "x"}, {"limit": "1001"}, {"after_id": "nothing"}):
        with pytest.raises(InvalidInput):
            listing(made, "anthropic", wrong, EVERYWHERE)


def test_one_model_by_any_of_its_names() -> None:
    made = registry(LLAMA)
    found = one(made, "anthropic", "claude-sonnet-5-5", EVERYWHERE)
    assert found["type"] == "model"
    assert found["display_name"] == "Claude Sonnet 5.5 (anthropic)"
    assert found["max_input_tokens"] == 1_000_000
    assert one(made, "openai", "auto", EVERYWHERE)["owned_by"] == "athena"
    assert one(made, "openai", "local-fast", EVERYWHERE)["context_window"] == 8_192
    with pytest.raises(NotFound) as raised:
        one(made, "openai", "claud-sonet-5-5", EVERYWHERE)
    assert raised.value.hint is not None
    assert "anthropic/claude-sonnet-5-5" in raised.value.hint


def test_names_that_clients_make_up_are_not_kept_for_ever() -> None:
    made = Registry(settings())
    for number in range(5_000):
        made.resolve(f"made-up-{number}")
    assert len(made._targets) <= 1_024


def test_openai_alone_serves_every_tier() -> None:
    """Whoever has only a key of theirs, and a day on which Anthropic is away."""
    for tier in Registry(Settings()).tiers:
        if tier.name in ("haiku", "sonnet", "opus"):
            assert [model.provider.name for model in tier.models] == ["anthropic", "openai"]
    assert Registry(Settings()).warnings(NOW) == []

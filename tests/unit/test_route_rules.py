"""routing.toml: the user's over the package's, read again when it changes."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from athena.errors import InvalidInput, InvalidSetting
from athena.gateway.route import rules as rules_module
from athena.gateway.route.errors import UnknownModel
from athena.gateway.route.router import Router
from athena.gateway.route.rules import RoutingFile, parse
from athena.gateway.route.tasks import Lexicon
from tests.unit.routing import facts, registry
from tests.unit.test_route_decide import HAIKU, LOCAL, OPUS, SONNET, decided, names

TWELVE = {
    *("code", "drafts", "research", "data", "background", "routine", "interactive"),
    *("strategy", "complex-reasoning", "final-copy", "deep-analysis", "strategic-conversation"),
}


def test_the_packages_own_file_has_the_twelve_kinds_and_no_rules() -> None:
    own = parse()
    assert set(own.tasks) == TWELVE
    assert [kind for kind, task in own.tasks.items() if task.to == "local"].__len__() == 7
    assert own.rules == ()
    assert own.models == {}


def test_a_users_file_changes_what_it_names() -> None:
    both = parse('[tasks.code]\nto = "haiku"\n[tasks.poems]\nto = "opus"\nwords = ["rhyme*"]')
    assert both.tasks["code"].to == "haiku"
    assert both.tasks["code"].words == parse().tasks["code"].words
    assert both.lexicon.kind("find rhymes for orange") == "poems"
    assert names(decided(facts(shape_task="poems"), both)) == [OPUS]
    assert names(decided(facts(shape_task="code"), both))[0] == HAIKU


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("default = ", "routing.toml"),
        ("defualt = 'local'", "defualt"),
        ("[[rules]]\nclass = 'main'", "rules.0.to"),
        ("[tasks.code]\nto = 'local'\nmatch = ['(']", "regular expression"),
        ("[models.x]\ncontext = 'big'", "models.x.context"),
    ],
)
def test_a_mistake_is_one_line_that_names_its_place(text: str, said: str) -> None:
    with pytest.raises(InvalidSetting, match=said.replace(".", r"\.")) as raised:
        parse(text)
    assert "\n" not in raised.value.message.strip() or "TOML" in raised.value.message


@pytest.mark.parametrize(
    ("conditions", "fits"),
    [
        ('class = "auxiliary"', {"shape_request_class": "auxiliary"}),
        ('class = ["subagent", "auxiliary"]', {"shape_request_class": "auxiliary"}),
        ('task = "code"', {"shape_task": "code"}),
        ('model = "CLAUDE-*"', {}),
        ('surface = "anthropic"', {}),
        ('key = "work"', {}),
        ('project = "home*"', {"project": "homework"}),
        ("tools = true", {"shape_needs_tools": True}),
        ("images = false", {}),
        ("above_tokens = 1000", {"shape_needs_size": 8_000}),
        ("below_tokens = 1000", {"shape_needs_size": 80}),
    ],
)
def test_a_rule_fits_when_all_of_its_conditions_do(conditions: str, fits: dict[str, object]) -> None:
    asked = facts("claude-opus-5-5", **fits)
    assert names(decided(asked, parse(f"[[rules]]\n{conditions}\nto = 'local'")))[0] == LOCAL
    other = f"[[rules]]\n{conditions}\nagent = 'nobody'\nto = 'local'"
    assert names(decided(asked, parse(other)))[0] == OPUS


@pytest.mark.parametrize(
    "conditions",
    [
        'class = "compaction"',
        'task = "data"',
        'model = "gpt-*"',
        'surface = "openai"',
        'key = "other"',
        'project = "x"',
        "tools = true",
        "images = true",
        "above_tokens = 10",
        "below_tokens = 0",
    ],
)
def test_a_rule_that_does_not_fit_does_nothing(conditions: str) -> None:
    assert names(decided(facts("claude-opus-5-5"), parse(f"[[rules]]\n{conditions}\nto = 'local'")))[0] == OPUS


def test_the_first_rule_that_fits_wins() -> None:
    two = parse("[[rules]]\nto = 'haiku'\n[[rules]]\nto = 'opus'")
    assert names(decided(facts("sonnet"), two))[0] == HAIKU
    assert names(decided(facts("sonnet"), parse("[[rules]]\nto = 'auto'")))[0] == LOCAL


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = time.monotonic()
        monkeypatch.setattr(rules_module.time, "monotonic", lambda: self.now)


def test_a_change_is_felt_a_mistake_is_said_and_what_was_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    router = Router(registry(), tmp_path, local_only=lambda: False, available=lambda _: None)
    assert names(router.decide(facts()))[0] == LOCAL
    file = tmp_path / "routing.toml"
    for at, (text, first, fault) in enumerate(
        [
            ("default = 'haiku'", HAIKU, None),
            ("default = 3", HAIKU, "default"),
            ("default = 'cloud'\n[models.'local/*']\ncontext = 777", SONNET, None),
        ]
    ):
        file.write_text(text)
        os.utime(file, (at, at))
        clock.now += 2
        assert names(router.decide(facts()))[0] == first
        assert (fault is None) == (router.warnings() == [])
        if fault is not None:
            assert fault in router.warnings()[0]
    local = router.registry.model("local/default")
    assert local is not None
    assert local.context == 777
    file.unlink()
    clock.now += 2
    assert names(router.decide(facts()))[0] == LOCAL


def test_a_mistake_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "routing.toml").write_text("sticky = 1")
    with pytest.raises(InvalidSetting, match="sticky"):
        RoutingFile(tmp_path)


def test_a_name_that_means_nothing_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "routing.toml").write_text('default = "hiaku"\n[[rules]]\nto = "clod"')
    router = Router(registry(), tmp_path, local_only=lambda: False, available=lambda _: None)
    assert [line.split("`")[0] for line in router.warnings()] == [
        "routing.toml: default: no model, tier or alias is called 'hiaku'; ",
        "routing.toml: rules.0.to: no model, tier or alias is called 'clod'; ",
    ]


def test_a_router_knows_what_can_be_pinned(tmp_path: Path) -> None:
    router = Router(registry(), tmp_path, local_only=lambda: False, available=lambda _: None)
    for name in ("auto", "haiku", "local-smart", "anthropic/anything", "llama3.1:8b"):
        router.check(name)
    with pytest.raises(UnknownModel):
        router.check("nothing")
    with pytest.raises(InvalidInput):
        router.read("anthropic", {"messages": []}, 2, {"x-athena-task": "x"})


def test_local_only_can_be_for_one_request(tmp_path: Path) -> None:
    router = Router(registry(), tmp_path, local_only=lambda: False, available=lambda _: None)
    assert names(router.decide(facts("sonnet"), local_only=True)) == [LOCAL]
    assert names(router.decide(facts("sonnet")))[0] == SONNET


def test_words_phrases_beginnings_and_patterns() -> None:
    lexicon = Lexicon(
        {
            "a": (["apple", "pine*"], []),
            "b": (["red apple", "bake a cak*"], []),
            "c": ([], [r"^\d+ apples$"]),
            "d": (["  ", "*"], []),
        }
    )
    assert lexicon.kind("An APPLE!") == "a"
    assert lexicon.kind("pineapples") == "a"
    assert lexicon.kind("apples") is None
    assert lexicon.kind("a red apple") == "b"
    assert lexicon.kind("red, apple") == "b"
    assert lexicon.kind("bake a cake") == "b"
    assert lexicon.kind("bake a") is None
    assert lexicon.kind("apple\n12 apples") == "c"
    assert lexicon.kind("") is None
    assert Lexicon({}).kind("apple") is None

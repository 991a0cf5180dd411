"""What holds for one request, out of its headers, its key's choices and its project's."""

from __future__ import annotations

import itertools

import pytest

from athena.errors import InvalidInput
from athena.gateway.preferences import capturing, resolved
from athena.store.preferences import Choices, Chosen

SAID = (None, True, False)


def chosen(key: Choices = Choices(), project: Choices = Choices()) -> Chosen:  # noqa: B008 - frozen
    return Chosen(keys={"ada": key}, projects={"p": project})


@pytest.mark.parametrize("name", ["compress", "memory"])
def test_the_nearer_choice_wins(name: str) -> None:
    for header, key, project in itertools.product(SAID, SAID, SAID):
        known = chosen(Choices(**{name: key}), Choices(**{name: project}))
        headers = {} if header is None else {f"x-athena-{name}": "on" if header else "OFF"}
        expected = next((each for each in (header, key, project) if each is not None), True)
        assert getattr(resolved(known, "ada", headers, "p"), name) is expected


def test_capture_needs_a_yes_and_no_no() -> None:
    for key, project, refused in itertools.product(SAID, SAID, (False, True)):
        known = chosen(Choices(capture=key), Choices(capture=project))
        headers = {"x-athena-capture": "off"} if refused else {}
        consented = (key is True or project is True) and key is not False and project is not False and not refused
        assert resolved(known, "ada", headers, "p").capture is consented


def test_no_request_can_consent() -> None:
    with pytest.raises(InvalidInput, match="can only be off"):
        resolved(chosen(), "ada", {"x-athena-capture": "on"}, "p")


def test_without_a_project_nothing_is_recalled_or_captured() -> None:
    known = chosen(Choices(memory=True, capture=True))
    without = resolved(known, "ada", {"x-athena-memory": "on"}, None)
    assert (without.project, without.memory, without.capture, without.compress) == (None, False, False, True)


def test_the_project_is_the_urls_then_the_headers_then_the_keys() -> None:
    known = chosen(Choices(project="p"))
    assert resolved(known, "ada", {"x-athena-project": "header"}, "url").project == "url"
    assert resolved(known, "ada", {"x-athena-project": "header"}, None).project == "header"
    assert resolved(known, "ada", {}, None).project == "p"
    assert resolved(known, "", {}, None).project is None
    assert resolved(known, "eve", {}, None).project is None


def test_what_a_key_chose_is_its_own() -> None:
    known = chosen(Choices(compress=False, capture=True))
    for other in ("", "eve"):
        effective = resolved(known, other, {}, "q")
        assert (effective.compress, effective.capture) == (True, False)


def test_the_budget_is_the_keys_then_the_projects() -> None:
    assert resolved(chosen(), "ada", {}, "p").memory_tokens == 800
    assert resolved(chosen(project=Choices(memory_tokens=300)), "ada", {}, "p").memory_tokens == 300
    both = chosen(Choices(memory_tokens=200), Choices(memory_tokens=300))
    assert resolved(both, "ada", {}, "p").memory_tokens == 200


def test_a_project_in_a_header_is_utf8() -> None:
    header = "küche".encode().decode("latin-1")
    assert resolved(chosen(), "", {"x-athena-project": header}, None).project == "küche"
    assert resolved(chosen(), "", {"x-athena-project": "caf\xe9"}, None).project == "café"


@pytest.mark.parametrize(
    ("headers", "url"),
    [
        ({"x-athena-project": ""}, None),
        ({"x-athena-project": "x" * 257}, None),
        ({"x-athena-project": "a\x00"}, None),
        ({}, "a\ud800"),
        ({}, ""),
        ({"x-athena-compress": "yes"}, None),
        ({"x-athena-memory": ""}, None),
        ({"x-athena-capture": "never"}, None),
    ],
)
def test_a_wrong_header_is_named(headers: dict[str, str], url: str | None) -> None:
    with pytest.raises(InvalidInput, match=next(iter(headers), "URL")):
        resolved(chosen(), "ada", headers, url)


def test_who_consented_can_be_told() -> None:
    known = Chosen(
        keys={"ada": Choices(capture=True), "bob": Choices(capture=False)}, projects={"p": Choices(capture=True)}
    )
    assert capturing(known) == (["ada"], ["p"])

"""Whose key is whose, and that none is written down."""

from __future__ import annotations

import pytest

from athena.errors import InvalidInput
from athena.gateway.surfaces.parse import own_key, own_provider
from athena.gateway.translate.errors import CannotCarry
from athena.gateway.translate.same_wire import refuse_to_fetch, signed_in
from athena.secret import blotted

OURS = "ath_" + "k" * 43


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer sk-ant-client, Bearer {OURS}"},
        {"authorization": f"Bearer {OURS}, Bearer sk-ant-client"},
        {"x-api-key": f"sk-client {OURS}"},
        {"x-api-key": f"sk-client{OURS}"},
    ],
)
def test_two_credentials_in_one_header_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="more than one credential"):
        own_key(headers)


def test_an_athena_key_is_nobodys_own_wherever_it_stands() -> None:
    assert own_key({"x-api-key": f"Bearer {OURS}"}) is None
    assert own_key({"authorization": f"bearer {OURS}", "x-api-key": "sk-mine"}) == "sk-mine"
    assert own_key({"x-api-key": "Bearer sk-mine"}) == "sk-mine"


@pytest.mark.parametrize("key", ["gsk_abc", "sk-or-v1-abc", "xai-abc", "hf_abc", "pplx-abc"])
def test_a_key_of_another_vendor_is_not_taken_for_the_surfaces_own(key: str) -> None:
    assert own_provider(key, "openai") not in ("openai", "anthropic", "google")
    assert own_provider(key, "anthropic") not in ("openai", "anthropic", "google")


@pytest.mark.parametrize(
    "secret",
    [
        OURS,
        "sk-ant-api03-abcdefgh",
        "sk-proj-abcdefgh1234",
        "AIzaSyA-abcdefgh",
        "gsk_abcdefghij0123456789",
        "hf_abcdefghij",
    ],
)
def test_what_a_provider_repeats_is_blotted_out(secret: str) -> None:
    assert secret not in blotted(f"Incorrect API key provided: {secret}. Find yours at https://x")
    assert blotted("the task-management of skill-sheets") == "the task-management of skill-sheets"


def test_a_known_key_is_blotted_out_whatever_it_looks_like() -> None:
    assert blotted("wrong: my own words", "my own words", None) == "wrong: ***"


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/x", "https://a.example/b.png", "file:///etc/passwd", "//x", 5, None]
)
@pytest.mark.parametrize("name", ["image_url", "video_url"])
def test_a_local_model_is_sent_to_fetch_nothing(url: object, name: str) -> None:
    with pytest.raises(CannotCarry, match=rf"messages\.1\.content\.0\.{name}"):
        refuse_to_fetch(
            [{"role": "user", "content": "hi"}, {"role": "user", "content": [{"type": name, name: {"url": url}}]}]
        )


def test_a_picture_that_brings_its_data_is_fine() -> None:
    refuse_to_fetch(
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]}]
    )


@pytest.mark.parametrize(
    "data",
    [
        b"not json",
        b"[]",
        b'{"choices":5}',
        b'{"choices":[5]}',
        b'{"choices":[{"message":7}]}',
        b'{"choices":[{"message":{"tool_calls":{"a":1}}}]}',
        b'{"choices":[{"message":{"tool_calls":[3,{"id":"x"}]}}]}',
    ],
)
def test_what_cannot_be_read_was_signed_by_nobody(data: bytes) -> None:
    assert signed_in(data, "message") == {}

"""Secrets are taken out before anything is remembered, and what is none stays."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athena.memory.redact import redacted

# Put together here, so that no scanner takes this file for a leak.
A = "A1b2C3d4E5f6G7h8J9k0L1m2N3o4P5q6"
SECRETS = [
    "sk-" + "ant-api03-" + A,
    "sk-" + "proj-" + A,
    "sk_" + "live_" + A,
    "ath_" + A,
    "AKIA" + "IOSFODNN7EXAMPLE",
    "eyJ" + "hbGciOiJIUzI1NiJ9." + "eyJ" + "zdWIiOiIxMjM0In0." + A,
    "ghp_" + A,
    "github_pat_" + A,
    "glpat-" + A[:20],
    "xoxb-" + "1234567890-" + A,
    "AIza" + "Sy" + A + "x",
    "hf_" + A,
    "npm_" + A,
    "SG." + A[:22] + "." + A,
]
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow" + A + "\n" + A + "\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("around", ["use {} now", "'{}'", "({})", "KEY={}", '{{"k": "{}"}}', "{}", "a\n{}\nb", "`{}`."])
def test_known_forms_are_taken_out_wherever_they_stand(secret: str, around: str) -> None:
    safe = redacted(around.format(secret))
    assert secret not in safe
    assert A[:12] not in safe
    assert "[redacted" in safe


@pytest.mark.parametrize("text", [PEM, PEM.split("-----END")[0], "-----BEGIN PRIVATE KEY-----\n" + A])
def test_private_keys_go_to_their_end_or_to_the_end_of_all(text: str) -> None:
    safe = redacted(f"here: {text}")
    assert A not in safe
    assert safe == "here: [redacted private key]"
    assert redacted(f"{PEM}\nand then") == "[redacted private key]\nand then"


@pytest.mark.parametrize(
    "line",
    [
        "password=hunter2",
        "PASSWORD = 'hunter2'",
        'password: "hunter2"',
        '"password": "hunter2",',
        "DB_PASSWORD=hunter2 make run",
        "db.password.prod: hunter2",
        "passwd := hunter2",
        "pwd=hunter2;",
        "api_key='hunter2'",
        "API-KEY: hunter2",
        "apikey=>hunter2",
        "client_secret=hunter2&x=1",
        "aws_secret_access_key = hunter2",
        "export GITHUB_TOKEN=hunter2",
        "mysql --password hunter2 -u root",
        "curl --token=hunter2",
        "Authorization: Bearer hunter2hunter2",
        "authorization: basic aHVudGVyMg==hunter2",
        "postgresql://athena:hunter2@db/athena",
        "redis://:hunter2@cache:6379",
        "the password is hunter2, don't tell",
        "das Passwort lautet hunter2",
        "Passwort: hunter2",
    ],
)
def test_values_behind_telling_names_are_taken_out(line: str) -> None:
    assert "hunter2" not in redacted(line)
    assert "hunter2" not in redacted(f"before {line}\nafter")


@pytest.mark.parametrize(
    "text",
    [
        "What is the capital of France?",
        "def area(radius: float) -> float: return 3.14 * radius ** 2",
        "see https://example.org/a?b=c#d and mail me at ada@example.org",
        "commit 9c5e491e1373abbe33b828466dd5ce921bae83731ba33bcd",
        "the sky-blue task-list is in risk-management-of-today",
        "I forgot my password and need a new one",
        "id 0b6f0f5e-7f4c-4d7e-9a53-1f2b8c9d0e1f",
        "Ask the secretary; the tokenizer has 32,000 entries",
        "bearer of bad news",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


@given(
    st.lists(
        st.sampled_from([*SECRETS, PEM, "password=", " ", "\n", '"', "token: ", "x", "bearer ", "://a:b@"]), max_size=8
    )
)
def test_what_was_redacted_stays_as_it_is(parts: list[str]) -> None:
    once = redacted(" ".join(parts))
    assert redacted(once) == once
    assert A not in once


@pytest.mark.parametrize(
    "piece",
    ["a", "password", "password=", "-----BEGIN PRIVATE KEY-----", "eyJ", "a.", "x_", "ab://", "sk-", "token is ", " "],
)
def test_long_texts_take_no_longer_than_their_length(piece: str) -> None:
    started = time.perf_counter()
    redacted(piece * (200_000 // len(piece)))
    assert time.perf_counter() - started < 5

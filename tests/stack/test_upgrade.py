"""From the first schema to this one, with what was remembered under it: `docker compose up -d` and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from athena.store.migrate import available
from tests.integration.test_upgrade import SENTENCES, fill
from tests.stack.conftest import add_models
from tests.stack.stack import Stack, wait


def psql(stack: Stack, sql: str, database: str = "postgres") -> str:
    return stack.exec("postgres", "psql", "-U", "athena", "-d", database, "-Atc", sql).strip()


def test_what_was_remembered_under_the_first_schema_is_recalled(
    new_stack: Callable[..., Stack], tiny_models: Path
) -> None:
    stack = new_stack()
    add_models(stack, tiny_models)
    stack.up()
    stack.wait_healthy()
    for sentence in SENTENCES:
        stack.remember_embedded(sentence)
    before = [memory["content"] for memory in stack.recall("who likes tea?")]
    stack.compose("down", "--timeout", "20")
    stack.up("--no-deps", "postgres")
    stack.wait_healthy("postgres")
    psql(stack, "CREATE DATABASE old")
    password = stack.exec("postgres", "cat", "/run/athena/postgres_password").strip()
    port = stack.settings["POSTGRES_PORT"]
    old, source = (f"postgresql://athena:{password}@127.0.0.1:{port}/{name}" for name in ("old", "athena"))
    first = available()[0].version
    asyncio.run(fill(old, first, source))
    psql(stack, "ALTER DATABASE athena RENAME TO athena_newer")
    psql(stack, "ALTER DATABASE old RENAME TO athena")
    assert psql(stack, "SELECT max(version) FROM schema_migration", "athena") == str(first)

    stack.up()
    stack.wait_healthy()
    assert stack.report()["parts"]["postgres"]["about"]["schema"] == str(available()[-1].version)
    assert [memory["content"] for memory in stack.recall("who likes tea?")] == before
    added = stack.remember_embedded("carol plays the violin")
    assert stack.recall("violin")[0]["id"] == added["id"]
    wait(lambda: stack.report()["status"] == "up", "Athena up", 30)


def test_an_older_athena_refuses_a_newer_schema_and_changes_nothing(new_stack: Callable[..., Stack]) -> None:
    stack = new_stack()
    stack.up("migrate")
    wait(lambda: stack.health("migrate") == "exited", "migrated", 60)
    later = "INSERT INTO schema_migration (version, name, checksum) VALUES (9999, '9999_later', '')"
    psql(stack, later, "athena")
    stack.compose("up", "-d", "--no-build", "athena", check=False)
    assert stack.inspect("migrate")["State"]["ExitCode"] == 1
    assert stack.health("athena") == "created"
    assert "migrated by a newer Athena" in stack.compose("logs", "--no-color", "migrate")

"""The commands that ask a running Athena, against one that runs."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import typer
from typer.testing import CliRunner, Result

from athena.cli import doctor, embeddings, keys, memory
from athena.errors import AthenaError, Conflict, InvalidInput, StackError
from tests.integration.api_server import answered, free_port
from tests.integration.conftest import LlamaServer


async def run(app: typer.Typer, environment: dict[str, str], *arguments: str, stdin: str | None = None) -> Result:
    """A command has an event loop of its own, so it gets a thread of its own; errors of Athena's are raised."""
    result = await asyncio.to_thread(CliRunner().invoke, app, list(arguments), env=environment, input=stdin)
    if isinstance(result.exception, AthenaError):
        raise result.exception
    return result


async def answer(app: typer.Typer, environment: dict[str, str], *arguments: str) -> Any:
    result = await run(app, environment, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


async def test_remember_recall_list_history_forget(environment: dict[str, str]) -> None:
    stored = await answer(
        memory.app, environment, "remember", "alice likes coffee", "--type", "preference", "--tag", "t"
    )
    said = await run(memory.app, environment, "remember", "alice likes coffee", "--type", "preference")
    assert "known already" in said.stdout
    found = await answer(memory.app, environment, "recall", "coffee")
    assert [each["id"] for each in found["memories"]] == [stored["id"]]
    table = await run(memory.app, environment, "recall", "coffee")
    assert "alice likes coffee" in table.stdout
    assert stored["id"] in table.stdout
    assert "alice likes coffee" in (await run(memory.app, environment, "list", "--tag", "t")).stdout
    assert "remembered" in (await run(memory.app, environment, "history", stored["id"])).stdout
    assert (await answer(memory.app, environment, "forget", stored["id"]))["count"] == 1
    assert "nothing is remembered" in (await run(memory.app, environment, "list")).stdout


async def test_the_past_and_the_way_back(environment: dict[str, str]) -> None:
    old = await answer(memory.app, environment, "remember", "bob lives in berlin", "--expires", "2090-01-01")
    before = datetime.now(UTC).isoformat()
    new = await answer(memory.app, environment, "supersede", old["id"], "bob lives in paris")
    assert "paris" in (await run(memory.app, environment, "recall", "bob")).stdout
    for command in (("recall", "bob"), ("list",)):
        then = await answer(memory.app, environment, *command, "--known-at", before)
        assert [(each["id"], each["expires_at"]) for each in then["memories"]] == [(old["id"], "2090-01-01T00:00:00Z")]
    assert (await answer(memory.app, environment, "list", "--as-of", "2020-01-01"))["memories"] == []
    with pytest.raises(InvalidInput, match="expires_at"):
        await run(memory.app, environment, "remember", "late", "--expires", "2020-01-01")
    said = await run(memory.app, environment, "reinstate", old["id"])
    assert "bob lives in berlin" in said.stdout
    with pytest.raises(Conflict, match="is current"):
        await run(memory.app, environment, "reinstate", old["id"])
    told = (await run(memory.app, environment, "history", new["id"])).stdout
    assert [word for word in told.split() if word in ("remembered", "superseded", "restored")] == [
        "remembered",
        "superseded",
        "restored",
    ]


async def test_what_was_concluded_is_shown_beneath(environment: dict[str, str], dsn: str) -> None:
    event = await answer(memory.app, environment, "remember", "ran before work", "--type", "event")
    pattern = await answer(memory.app, environment, "remember", "Ada runs in the morning", "--type", "pattern")
    assert "concluded" not in (await run(memory.app, environment, "recall", "who ran")).stdout
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "INSERT INTO evidence SELECT p.id, m.id, 'ran' FROM memory p, memory m WHERE p.uid = $1 AND m.uid = $2",
        *(pattern["id"], event["id"]),
    )
    await connection.execute("UPDATE memory SET derived = true WHERE uid = $1", pattern["id"])
    await connection.close()
    said = (await run(memory.app, environment, "recall", "who ran")).stdout
    found, concluded = said.split("concluded from these:")
    assert event["id"] in found
    assert pattern["id"] in concluded
    assert "Ada runs in the morning" in concluded


async def test_forgetting_by_description_needs_a_yes(environment: dict[str, str]) -> None:
    await run(memory.app, environment, "remember", "-", "--project", "p", stdin="red [bold]car[/bold]")
    assert "[bold]car[/bold]" in (await run(memory.app, environment, "list", "--project", "p")).stdout
    with pytest.raises(InvalidInput):
        await run(memory.app, environment, "forget", "--project", "p")
    dry = await run(memory.app, environment, "forget", "--all", "--project", "p")
    assert "--yes" in dry.stdout
    done = await answer(memory.app, environment, "forget", "--all", "--project", "p", "--yes")
    assert (done["count"], done["dry_run"]) == (1, False)


async def test_what_the_api_refuses_is_the_same_error_here(environment: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="memory_type"):
        await run(memory.app, environment, "remember", "x", "--type", "opinion")


async def test_with_no_athena_there_is_one_line_and_what_to_do() -> None:
    with pytest.raises(StackError) as caught:
        await run(memory.app, {"ATHENA_PORT": str(free_port())}, "recall", "x")
    assert caught.value.hint == "athena up"


async def test_keys_are_made_shown_once_and_revoked(environment: dict[str, str]) -> None:
    made = await run(keys.app, environment, "create", "ada")
    key = made.stdout.strip()
    assert key.startswith("ath_")
    with pytest.raises(Conflict):
        await run(keys.app, environment, "create", "ada")
    listed = await run(keys.app, environment, "list")
    assert "ada" in listed.stdout
    assert key not in listed.stdout
    assert [each["name"] for each in await answer(keys.app, environment, "list")] == ["ada"]
    assert (await answer(memory.app, environment, "list", "--key", key))["memories"] == []
    await run(keys.app, environment, "revoke", "ada")
    assert await answer(keys.app, environment, "list") == []


async def test_the_embedding_model_is_changed_with_progress(
    environment: dict[str, str], other_server: LlamaServer
) -> None:
    async with httpx.AsyncClient(base_url=other_server.url) as other:
        await answered(other, "/health", lambda answer: answer.status_code == 200)
    await run(memory.app, environment, "remember", "alice likes coffee")
    assert "32" in (await run(embeddings.app, environment, "list")).stdout
    done = await run(embeddings.app, environment, "migrate", "--url", other_server.url)
    assert done.exit_code == 0
    assert "64 dimensions, serves" in done.stdout
    back = await answer(embeddings.app, environment, "rollback")
    assert (back["dim"], back["state"]) == (32, "serving")
    with pytest.raises(InvalidInput):
        await run(embeddings.app, environment, "migrate")


async def test_a_generation_moves_only_to_a_server_with_its_model(
    environment: dict[str, str], other_server: LlamaServer, embedding_server: LlamaServer
) -> None:
    base = f"http://127.0.0.1:{environment['ATHENA_PORT']}"
    async with httpx.AsyncClient(base_url=other_server.url) as other:
        await answered(other, "/health", lambda answer: answer.status_code == 200)
    async with httpx.AsyncClient(base_url=base) as http:
        (serving,) = (await http.get("/api/v1/embeddings")).json()["generations"]
        path = f"/api/v1/embeddings/{serving['id']}/server"
        wrong = await http.post(path, json={"url": other_server.url})
        assert wrong.status_code == 502
        assert wrong.json()["error"]["code"] == "dimension_mismatch"
        moved = await http.post(path, json={"url": embedding_server.url})
        assert moved.json()["server_url"] == embedding_server.url
        assert (await http.post("/api/v1/embeddings/999/server", json={"url": None})).status_code == 404


async def test_the_doctor_finds_what_is_wrong(environment: dict[str, str]) -> None:
    async def examined(**more: str) -> tuple[int, dict[str, dict[str, Any]]]:
        result = await run(doctor.app, {**environment, **more}, "--json")
        found = json.loads(result.stdout)
        for finding in found:
            assert finding["state"] == "ok" or finding["why"] or finding["mend"] or finding["state"] == "info"
            assert finding["state"] != "problem" or finding["mend"], finding
        return result.exit_code, {finding["check"]: finding for finding in found}

    _, healthy = await examined()
    for check in ("python", "home", "disk", "llama.cpp", "athena", "postgres", "embedding", "embeddings", "keys"):
        assert healthy[check]["state"] == "ok", healthy[check]
    assert healthy["reasoning"]["state"] == "info"

    nothing = str(free_port())
    code, found = await examined(ATHENA_PORT=nothing, LLAMACPP_EMBEDDINGS_URL=f"http://127.0.0.1:{nothing}")
    assert code == 1
    assert found["athena"]["mend"] == "athena up"
    assert found["embedding"]["state"] == "problem"

    code, found = await examined(LLAMACPP_EMBEDDING_DIM="768")
    assert code == 1
    assert "LLAMACPP_EMBEDDING_DIM" in found["dimension"]["what"]

    code, found = await examined(ATHENA_PORT=environment["LLAMACPP_EMBEDDINGS_URL"].rsplit(":", 1)[1])
    assert code == 1
    assert "isn't Athena" in found["athena"]["what"]

    code, found = await examined(ATHENA_EXPOSURE="network", ATHENA_HOST="0.0.0.0")
    assert code == 1
    assert found["keys"]["mend"] == "athena keys create NAME"

    code, found = await examined(LLAMACPP_N_THREADS="4096")
    assert found["cores"]["state"] == "problem"

    code, found = await examined(ATHENA_PORT="many")
    assert (code, list(found)) == (1, ["settings"])

    pretty = await run(doctor.app, environment)
    assert "✓ postgres" in pretty.stdout


async def test_the_doctor_reads_the_logs(environment: dict[str, str], test_home: Path) -> None:
    logs = test_home / "logs"
    logs.mkdir(exist_ok=True)
    (logs / "postgres.log").write_text("LOG: fine\nFATAL: the disk is gone\nLOG: fine\n")
    result = await run(doctor.app, environment, "--json")
    (logs / "postgres.log").unlink()
    (line,) = [finding for finding in json.loads(result.stdout) if finding["check"] == "logs"]
    assert "the disk is gone" in line["what"]
    assert line["mend"] == "athena logs postgres"

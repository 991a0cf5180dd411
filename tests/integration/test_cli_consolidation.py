"""`athena consolidate` and its sub-commands, against a server that runs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from athena.cli import consolidate
from athena.errors import AthenaError, Conflict, InvalidInput, NotFound
from athena.store.pool import Database
from tests.integration.test_api_consolidation import halted

MONDAY = datetime(2026, 3, 2, 7, tzinfo=UTC)
RUN = "Went for a run along the river before work"


async def run(environment: dict[str, str], *arguments: str, stdin: str | None = None) -> Result:
    """A command has an event loop of its own, so it gets a thread of its own; errors of Athena's are raised."""
    result = await asyncio.to_thread(CliRunner().invoke, consolidate.app, list(arguments), env=environment, input=stdin)
    if isinstance(result.exception, AthenaError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


async def answer(environment: dict[str, str], *arguments: str) -> Any:
    return json.loads((await run(environment, *arguments, "--json")).stdout)


def url(environment: dict[str, str]) -> str:
    return f"http://127.0.0.1:{environment['ATHENA_PORT']}"


async def remember(environment: dict[str, str], *memories: dict[str, Any]) -> None:
    async with httpx.AsyncClient(base_url=url(environment), timeout=60) as http:
        body = {"memories": list(memories)}
        stored = await http.post("/api/v1/memories/batch", json=body, params={"wait": "true"})
        assert stored.status_code == 201, stored.text


def mondays(weeks: range) -> list[dict[str, Any]]:
    return [
        {
            "content": RUN,
            "memory_type": "event",
            "occurred_at": (MONDAY + timedelta(weeks=week, minutes=week)).isoformat(),
        }
        for week in weeks
    ]


def tea(name: str, week: int) -> dict[str, Any]:
    at = (MONDAY + timedelta(weeks=week)).isoformat()
    return {"content": f"My favourite tea is {name} [bold]", "memory_type": "preference", "occurred_at": at}


async def test_from_the_dry_run_to_the_undoing(environment: dict[str, str]) -> None:
    assert "nothing has been consolidated yet" in (await run(environment, "runs")).stdout
    with pytest.raises(NotFound):
        await run(environment)
    await remember(environment, *mondays(range(6)), tea("Assam", 0), tea("Oolong", 4))
    dry = (await run(environment, "--dry-run")).stdout
    assert "8 memories read; nothing was changed" in dry
    assert RUN in dry
    assert (await answer(environment, "--dry-run"))["events"] == 8
    assert (await answer(environment, "runs"))["runs"] == []

    done = await run(environment)
    assert "2 concluded" in done.stdout
    assert RUN in done.stdout
    assert "My favourite tea is Assam [bold]\n" in "\n".join(line.rstrip() for line in done.stdout.splitlines()) + "\n"
    assert "as now: My favourite tea is Oolong [bold]" in done.stdout
    assert "athena consolidate undo 1" in done.stdout
    assert "run 1: reading" in done.stderr
    again = await answer(environment)
    assert (again["id"], again["state"], again["changes"]) == (2, "done", [])

    listed = (await run(environment, "runs", "--project", "default")).stdout
    assert "next by the schedule" in listed
    assert [each["id"] for each in (await answer(environment, "runs"))["runs"]] == [2, 1]
    shown = await answer(environment, "show", "1", "--limit", "1")
    assert [each["action"] for each in shown["changes"]] == ["concluded"]
    assert RUN in (await run(environment, "show", "1")).stdout
    with pytest.raises(NotFound, match="there is no run 7"):
        await run(environment, "show", "7")

    with pytest.raises(InvalidInput, match="--yes"):
        await run(environment, "undo", "1")
    assert "undone: 1 " in (await run(environment, "undo", "1", "--yes")).stdout
    assert "was undone already" in (await run(environment, "undo", "1", "--yes")).stdout


async def test_undoing_what_others_stand_on_names_the_command_that_works(environment: dict[str, str]) -> None:
    await remember(environment, *mondays(range(6)))
    await run(environment)
    await remember(environment, *mondays(range(6, 9)))
    await run(environment)
    with pytest.raises(Conflict) as caught:
        await run(environment, "undo", "1", "--yes")
    assert caught.value.hint is not None
    words = caught.value.hint.split()
    assert words[:2] == ["athena", "consolidate"]
    assert "undone: 2, 1 " in (await run(environment, *words[2:], "--yes")).stdout


async def test_dead_letters(environment: dict[str, str], database: Database) -> None:
    assert "there are no dead letters" in (await run(environment, "letters")).stdout
    await remember(environment, *mondays(range(2)))
    async with database.acquire() as connection:
        await connection.execute(
            "INSERT INTO dead_letter (project_id, key, code, reason, memories)"
            " SELECT project_id, 'k', 'poisoned', 'it speaks to the [bold]model', array_agg(uid) FROM memory"
            " GROUP BY project_id"
        )
    listed = (await run(environment, "letters")).stdout
    assert "poisoned: it speaks to the [bold]model" in listed
    assert "left for a person" in listed
    assert "tries 1 again" in (await run(environment, "retry", "1")).stdout
    assert "left for a person" not in (await run(environment, "letters")).stdout
    assert await answer(environment, "drop", "1") == {"dropped": 1}
    with pytest.raises(NotFound, match="there is no dead letter 1"):
        await run(environment, "drop", "1")


async def test_an_option_in_front_of_the_word_is_not_lost_silently(environment: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="options come after"):
        await run(environment, "--project", "kitchen", "runs")


async def test_ctrl_c_leaves_the_run_to_the_server_and_says_how_to_see_it(
    environment: dict[str, str], database: Database
) -> None:
    await remember(environment, *mondays(range(6)))
    async with halted(database):
        command = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from athena.cli.main import main; main()", "consolidate"),
            env={**os.environ, **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert command.stderr is not None
        assert await command.stderr.readline() == b"run 1: reading\n"
        command.send_signal(signal.SIGINT)
        out, said = await command.communicate()
        assert (command.returncode, out) == (130, b"")
        assert said.decode().strip() == "run 1 goes on: athena consolidate show 1"
        assert "running (reading)" in (await run(environment, "show", "1")).stdout
        joined = await run(environment, "--no-wait")
        assert "run 1 is under way already" in joined.stderr
        assert "running" in joined.stdout
    assert (await answer(environment))["state"] == "done"

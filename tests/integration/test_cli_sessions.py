"""The commands for sessions, keys' choices and projects' choices, against an Athena that runs."""

from __future__ import annotations

import httpx
import pytest

from athena.cli import keys, projects, sessions
from athena.errors import InvalidInput, NotFound
from tests.integration.conftest import until
from tests.integration.test_cli_memory import answer, run


async def test_sessions_are_pinned_shown_and_listed(environment: dict[str, str]) -> None:
    assert "nothing has passed" in (await run(sessions.app, environment, "list")).stdout
    pinned = await answer(sessions.app, environment, "pin", "c-1/a", "haiku")
    assert (pinned["id"], pinned["pinned"]) == ("c-1/a", "haiku")
    assert [each["id"] for each in (await answer(sessions.app, environment, "list"))["sessions"]] == ["c-1/a"]
    assert "c-1/a" in (await run(sessions.app, environment, "list")).stdout
    shown = (await run(sessions.app, environment, "show", "c-1/a")).stdout
    assert "haiku" in shown
    assert "none has answered yet" in shown
    assert (await answer(sessions.app, environment, "unpin", "c-1/a"))["pinned"] is None
    with pytest.raises(NotFound):
        await run(sessions.app, environment, "show", "never")


async def test_projects_choose(environment: dict[str, str]) -> None:
    assert "nothing was chosen" in (await run(projects.app, environment, "list")).stdout
    chosen = await answer(projects.app, environment, "set", "my/house", "--capture", "--no-compress")
    assert (chosen["capture"], chosen["compress"], chosen["memory"]) == (True, False, None)
    said = await run(projects.app, environment, "set", "my/house", "--unset", "compress", "--memory-tokens", "300")
    assert "my/house: capture on, memory tokens 300" in said.stdout
    assert "capture on" in (await run(projects.app, environment, "show", "my/house")).stdout
    assert [each["project"] for each in await answer(projects.app, environment, "list")] == ["my/house"]
    assert "nothing chosen" in (await run(projects.app, environment, "clear", "my/house")).stdout
    with pytest.raises(InvalidInput, match="say what"):
        await run(projects.app, environment, "set", "my/house")
    with pytest.raises(InvalidInput, match="--unset colour"):
        await run(projects.app, environment, "set", "my/house", "--unset", "colour")


async def test_keys_choose_and_the_server_feels_it(environment: dict[str, str]) -> None:
    made = await answer(keys.app, environment, "create", "ada", "--project", "house", "--capture")
    url = f"http://127.0.0.1:{environment['ATHENA_PORT']}/api/v1/preferences/keys/ada"
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {made['key']}"}, trust_env=False) as http:

        async def felt() -> bool:
            return (await http.get(url)).json()["project"] == "house"

        await until(felt, 10)
        found = (await http.get(url)).json()
    assert (found["capture"], found["compress"]) == (True, None)
    changed = await answer(keys.app, environment, "update", "ada", "--no-compress", "--unset", "project")
    assert (changed["project"], changed["compress"], changed["capture"]) == (None, False, True)
    said = await run(keys.app, environment, "update", "ada", "--memory")
    assert "Only requests that name a project are captured" in said.output
    assert "compress off, memory on, capture on" in said.stdout
    assert "capture on" in (await run(keys.app, environment, "list")).stdout
    await run(keys.app, environment, "update", "ada", "--project", "house")
    assert (await answer(keys.app, environment, "list"))[0]["project"] == "house"
    with pytest.raises(NotFound, match="no key named eve"):
        await run(keys.app, environment, "update", "eve", "--memory")
    with pytest.raises(InvalidInput, match="--project"):
        await run(keys.app, environment, "create", "bob", "--project", "x" * 257)
    assert [each["name"] for each in await answer(keys.app, environment, "list")] == ["ada"]

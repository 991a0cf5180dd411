"""Export and import as clients meet them: over HTTP, and as commands."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from athena.api.routes import transfer as route
from athena.api.streams import Body, Stream
from athena.bootstrap import Athena
from athena.cli import transfer
from athena.errors import AthenaError, InvalidInput, NotFound, StackError
from athena.memory.types import NewMemory, Scope
from tests.integration.api_server import client_of, free_port
from tests.integration.exports import edited, empty_athena, exported, memories

EXPORT, IMPORT = "/api/v1/export", "/api/v1/import"
TEA = NewMemory("alice likes tea", scope=Scope("kitchen"), tags=("drinks",), metadata={"n": 1.5})
LINES = {"content-type": "application/x-ndjson"}


@pytest.fixture
async def there(postgres_dsn: str, test_home: Path) -> AsyncIterator[Athena]:
    async with empty_athena(postgres_dsn, test_home) as athena:
        yield athena


@pytest.fixture
async def here(postgres_dsn: str, test_home: Path) -> AsyncIterator[Athena]:
    async with empty_athena(postgres_dsn, test_home) as athena:
        await athena.memory.remember([TEA, NewMemory("bob has a car", scope=Scope("garage"))])
        yield athena


async def test_over_http_out_and_in_again(here: Athena, there: Athena) -> None:
    async with client_of(here) as mine, client_of(there) as theirs:
        out = await mine.get(EXPORT)
        assert out.headers["content-type"] == "application/x-ndjson"
        assert "attachment" in out.headers["content-disposition"]
        assert out.content == await exported(here)
        dry = await theirs.post(IMPORT, params={"dry_run": True}, content=out.content, headers=LINES)
        assert (dry.json()["created"], dry.json()["dry_run"]) == (2, True)
        assert memories((await theirs.get(EXPORT)).content) == []
        report = (await theirs.post(IMPORT, content=out.content, headers=LINES)).json()
        assert (report["memories"], report["created"], report["left_out"]) == (2, 2, [])
        assert (await theirs.get(EXPORT)).content == out.content
        kitchen = memories((await theirs.get(EXPORT, params={"project": "kitchen"})).content)
        assert [each["content"] for each in kitchen] == [TEA.content]
        assert 'athena_memory_operations_total{operation="import"} 2.0' in (await theirs.get("/metrics")).text


async def test_what_is_wrong_is_a_400_with_the_line(here: Athena, there: Athena) -> None:
    bad = edited(await exported(here), ('"memory_type":"fact"', '"memory_type":"lore"'))
    async with client_of(there) as http:
        answer = await http.post(IMPORT, content=bad, headers=LINES)
        assert answer.status_code == 400
        assert answer.json()["error"]["message"].startswith("line 2: ")
        assert answer.json()["error"]["hint"] == "nothing was imported"
        for asked in (http.post(IMPORT), http.post(IMPORT, content=b"{}"), http.get(EXPORT, params={"projct": "x"})):
            assert (await asked).status_code == 400
        assert memories((await http.get(EXPORT)).content) == []


async def test_without_postgres_it_is_a_503_and_not_half_an_answer(here: Athena) -> None:
    await here.database.close()
    object.__setattr__(here.database, "_dsn", f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    async with client_of(here) as http:
        assert (await http.get(EXPORT)).status_code == 503
        assert (await http.post(IMPORT, content=b"{}")).status_code == 503


async def test_an_import_may_be_longer_than_any_other_body(here: Athena, there: Athena) -> None:
    small = there.settings.model_copy(update={"max_body_bytes": 1024})
    object.__setattr__(there, "settings", small)
    await here.memory.remember([NewMemory(f"fact {n}") for n in range(20)])
    async with client_of(there) as http:
        assert (await http.post(IMPORT, content=await exported(here))).json()["created"] == 22
        assert (await http.post("/api/v1/memories", json={"content": "x" * 2_000})).status_code == 413


async def test_even_an_import_has_an_end(monkeypatch: pytest.MonkeyPatch, here: Athena, there: Athena) -> None:
    monkeypatch.setattr(route, "IMPORT_BYTES", 600)
    async with client_of(there) as http:
        assert (await http.post(IMPORT, content=await exported(here))).status_code == 413
        assert memories((await http.get(EXPORT)).content) == []


async def test_who_stops_sending_is_let_go(monkeypatch: pytest.MonkeyPatch, here: Athena, there: Athena) -> None:
    monkeypatch.setattr(Body, "longest_wait_s", 0.2)
    out = await exported(here)

    async def stalled() -> AsyncIterator[bytes]:
        yield out[:-10]
        await asyncio.sleep(60)

    async with client_of(there) as http:
        answer = await http.post(IMPORT, content=stalled())
        assert answer.status_code == 400
        assert "nothing came" in answer.json()["error"]["message"]
        assert (await http.post(IMPORT, content=out)).json()["created"] == 2


@pytest.mark.parametrize("version", ["2.3", "2.4"])
async def test_who_stops_reading_gives_the_connection_back(
    monkeypatch: pytest.MonkeyPatch, here: Athena, version: str
) -> None:
    monkeypatch.setattr(Stream, "longest_wait_s", 0.2)
    await here.memory.remember([NewMemory(f"{n} " + "word " * 400) for n in range(200)])
    async with client_of(here) as http:
        app = http._transport.app  # type: ignore[attr-defined]

        async def never(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.body":
                await asyncio.sleep(60)

        scope = {
            "type": "http", "method": "GET", "path": EXPORT, "raw_path": EXPORT.encode(), "query_string": b"",
            "headers": [(b"host", b"localhost")], "asgi": {"version": "3.0", "spec_version": version},
            "http_version": "1.1", "scheme": "http", "server": ("localhost", 80), "client": ("127.0.0.1", 1),
        }  # fmt: skip
        for _ in range(4):
            await app(scope, _nothing, never)
        # Two at a time may read: none of the four is still counted.
        assert len(memories((await http.get(EXPORT)).content)) == 202


async def _nothing() -> dict[str, Any]:
    await asyncio.sleep(60)
    return {"type": "http.disconnect"}


async def run(environment: dict[str, str], *arguments: str, stdin: bytes | None = None) -> Result:
    app: typer.Typer = transfer.app
    result = await asyncio.to_thread(CliRunner().invoke, app, list(arguments), env=environment, input=stdin)
    if isinstance(result.exception, AthenaError):
        raise result.exception
    return result


async def test_the_commands(environment: dict[str, str], here: Athena, tmp_path: Path) -> None:
    whole, again, kitchen = (str(tmp_path / name) for name in ("whole.jsonl", "again.jsonl", "kitchen.jsonl"))
    out = await exported(here)
    Path(whole).write_bytes(out)
    dry = json.loads((await run(environment, "import", whole, "--dry-run", "--json")).stdout)
    assert (dry["created"], dry["dry_run"]) == (2, True)
    assert "2 memories: 2 were imported" in (await run(environment, "import", whole)).stdout
    assert "0 were imported, 2 are known" in (await run(environment, "import", "-", stdin=out)).stdout
    told = json.loads((await run(environment, "export", again, "--json")).stdout)
    assert (told["memories"], told["bytes"]) == (2, Path(again).stat().st_size)
    # The model that serves here is named there; all else is what came in.
    assert Path(again).read_bytes().split(b"\n")[1:-2] == out.split(b"\n")[1:-2]
    assert stat.S_IMODE(Path(again).stat().st_mode) == 0o600
    assert "1 memories" in (await run(environment, "export", kitchen, "--project", "kitchen")).stdout
    printed = (await run(environment, "export", "-p", "kitchen")).stdout_bytes
    assert printed == Path(kitchen).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.jsonl", "kitchen.jsonl", "whole.jsonl"]


async def test_the_commands_say_what_is_wrong(environment: dict[str, str], here: Athena, tmp_path: Path) -> None:
    out = await exported(here)
    damaged, other = tmp_path / "damaged.jsonl", tmp_path / "other.jsonl"
    # Long enough that the answer is there while it is still being sent.
    lines = out.split(b"\n")
    damaged.write_bytes(b"\n".join([lines[0], b"what is this?", *([lines[1]] * 20_000)]))
    with pytest.raises(InvalidInput, match=r"^line 2: "):
        await run(environment, "import", str(damaged))
    with pytest.raises(NotFound):
        await run(environment, "import", str(tmp_path / "none.jsonl"))
    with pytest.raises(InvalidInput, match="folder"):
        await run(environment, "import", str(tmp_path))
    with pytest.raises(InvalidInput, match="needs a FILE"):
        await run(environment, "export", "--json")
    await run(environment, "import", "-", stdin=out)
    other.write_bytes(edited(out, ("alice likes tea", "alice likes milk")))
    left = await run(environment, "import", str(other))
    assert "line 2" in left.stderr
    assert "something else has its id here" in left.stderr
    nobody = environment | {"ATHENA_PORT": str(free_port())}
    other.write_bytes(b"as it was")
    with pytest.raises(StackError):
        await run(nobody, "export", str(other))
    assert other.read_bytes() == b"as it was"

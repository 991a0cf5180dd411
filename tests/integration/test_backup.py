"""Back-up and restore of a real PostgreSQL, through its own programs, under an Athena that goes on being used."""

from __future__ import annotations

import asyncio
import io
import tarfile
from pathlib import Path

import asyncpg
import pytest

from athena.bootstrap import Athena
from athena.config import Settings
from athena.errors import Conflict, InvalidInput, StackError, StoreUnavailable
from athena.runtime import home_files, pg_place
from athena.runtime.pg_place import Here
from athena.store import backup
from athena.store.backup import Probe
from tests.integration.memories import recalled, told, within

SENTENCES = ("alice likes green tea", "bob lives in berlin", "the red car is in the garden", "anna works on the server")


@pytest.fixture
def place(athena: Athena, tmp_path: Path) -> Here:
    settings = Settings(home=tmp_path / "home", database_url=athena.settings.database_url)
    settings.home.mkdir()
    return Here("server", settings, athena.database.dsn)


async def nobody(_: Probe) -> Probe | None:
    return None


def asks(athena: Athena) -> backup.Answer:
    async def answer(probe: Probe) -> Probe:
        found = await athena.memory.recall(probe.query, within(project=probe.project), limit=5)
        return probe.model_copy(update={"ids": tuple(hit.memory.id for hit in found.hits)})

    return answer


async def eventually(athena: Athena, query: str) -> list[str]:
    """The pool needs a moment to come back: its connections were ended."""
    for _ in range(50):
        try:
            return await recalled(athena, query)
        except StoreUnavailable:
            await asyncio.sleep(0.1)
    return await recalled(athena, query)


async def databases(athena: Athena) -> set[str]:
    async with athena.database.acquire() as connection:
        return {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}


async def test_a_restored_memory_answers_the_same_recalls(athena: Athena, place: Here, tmp_path: Path) -> None:
    await told(athena, *SENTENCES)
    manifest = await backup.take(place, tmp_path / "a.backup", asks(athena))
    assert manifest.tables["public.memory"].rows == len(SENTENCES)
    assert len(manifest.probes) == len(SENTENCES)
    assert all(probe.ids for probe in manifest.probes)
    before = await recalled(athena, "who likes tea?")

    await told(athena, "nobody likes tea any more", "coffee for everybody")
    assert await recalled(athena, "who likes tea?") != before
    await backup.restore(place, tmp_path / "a.backup")

    # The same Athena, with the pool that it had: nobody restarted it.
    assert await eventually(athena, "who likes tea?") == before
    answer = asks(athena)
    assert tuple([await answer(probe) for probe in manifest.probes]) == manifest.probes
    assert await told(athena, "and what comes after is remembered, too")
    name = place.database
    assert await databases(athena) & {f"{name}_restored", f"{name}_replaced"} == set()


async def test_writes_go_on_and_the_file_is_one_moment(athena: Athena, place: Here, tmp_path: Path) -> None:
    await told(athena, *SENTENCES)
    stop = asyncio.Event()
    written = 0

    async def write() -> None:
        nonlocal written
        while not stop.is_set():
            await told(athena, f"number {written} of the writes that go on", wait_s=0)
            written += 1

    writing = asyncio.create_task(write())
    try:
        manifest = await backup.take(place, tmp_path / "b.backup", nobody)
    finally:
        stop.set()
        await writing
    assert written > 3
    # The tables were counted in the snapshot that was dumped: a restore would find every other row.
    assert len(SENTENCES) <= manifest.tables["public.memory"].rows <= len(SENTENCES) + written
    await backup.restore(place, tmp_path / "b.backup")


async def test_what_differs_from_what_was_backed_up_is_not_put_in_place(
    athena: Athena, place: Here, tmp_path: Path
) -> None:
    await told(athena, *SENTENCES)
    path, forged = tmp_path / "c.backup", tmp_path / "forged.backup"
    manifest = await backup.take(place, path, nobody)
    rows = manifest.tables["public.memory"]
    forge(path, forged, manifest.model_copy(update={"tables": {**manifest.tables, "public.memory": _one_more(rows)}}))
    with pytest.raises(StackError, match=r"differs .* in public\.memory"):
        await backup.restore(place, forged)
    assert len(await recalled(athena, "tea")) == len(SENTENCES)
    assert f"{place.database}_restored" not in await databases(athena)


async def test_a_damaged_or_foreign_file_is_refused_before_anything_is_touched(
    athena: Athena, place: Here, tmp_path: Path
) -> None:
    await told(athena, *SENTENCES)
    path = tmp_path / "d.backup"
    await backup.take(place, path, nobody)
    whole = path.read_bytes()
    at = whole.index(b"PGDMP") + 400
    for name, content in {
        "flipped": whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :],
        "cut": whole[: len(whole) // 2],
        "foreign": b"no tar at all",
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidInput, match="damaged"):
            await backup.restore(place, tmp_path / name)
    with pytest.raises(InvalidInput, match="No such file"):
        await backup.restore(place, tmp_path / "absent")
    assert len(await recalled(athena, "tea")) == len(SENTENCES)


async def test_a_back_up_never_replaces_a_file_and_is_for_its_owner_only(
    athena: Athena, place: Here, tmp_path: Path
) -> None:
    path = tmp_path / "e.backup"
    await backup.take(place, path, nobody)
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    with pytest.raises(Conflict, match="exists"):
        await backup.take(place, path, nobody)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


async def test_a_back_up_of_a_newer_athena_is_refused(athena: Athena, place: Here, tmp_path: Path) -> None:
    connection = await asyncpg.connect(athena.database.dsn)
    await connection.execute("INSERT INTO schema_migration (version, name, checksum) VALUES (9999, 'later', '')")
    await connection.close()
    await backup.take(place, tmp_path / "f.backup", nobody)
    with pytest.raises(StackError, match="newer Athena"):
        await backup.restore(place, tmp_path / "f.backup")
    assert f"{place.database}_restored" not in await databases(athena)


def test_files_of_the_home_come_back_and_what_was_there_is_kept_beside(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    (old / "agents" / "ada").mkdir(parents=True)
    (old / "agents" / "ada" / "SOUL.md").write_text("kind")
    (old / "athena.toml").write_text("port = 9000\n")
    (old / "models").mkdir()
    (old / "models" / "big.gguf").write_bytes(b"x" * 1000)
    saved = io.BytesIO()
    home_files.save(old, saved)
    assert b"x" * 1000 not in saved.getvalue()

    new.mkdir()
    (new / "athena.toml").write_text("port = 9001\n")
    for _ in range(2):
        saved.seek(0)
        home_files.put(new, saved)
    assert (new / "athena.toml").read_text() == "port = 9000\n"
    assert (new / "athena.toml.before-restore").read_text() == "port = 9001\n"
    assert (new / "agents" / "ada" / "SOUL.md").read_text() == "kind"


def _one_more(table: backup.Table) -> backup.Table:
    return table.model_copy(update={"rows": table.rows + 1})


def forge(path: Path, forged: Path, manifest: backup.Manifest) -> None:
    """The same file with another manifest."""
    content = manifest.model_dump_json().encode()
    with tarfile.open(path) as old, tarfile.open(forged, "w") as new:
        for entry in old:
            data = old.extractfile(entry)
            assert data is not None
            if entry.name == "backup.json":
                entry.size = len(content)
                new.addfile(entry, io.BytesIO(content))
            else:
                new.addfile(entry, data)


async def test_the_embedded_postgresql_is_found_where_it_runs(
    postgres_dsn: str, test_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await pg_place.find(Settings(home=test_home))
    assert (found.form, found.database) == ("embedded", "athena")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match="no PostgreSQL of Athena's runs") as refused:
        await pg_place.find(Settings(home=tmp_path))
    assert "docker compose up -d" in str(refused.value.hint)

"""Downloads from a hub that cuts, corrupts, refuses and lies: what is left on disk, and what is said."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from athena import config
from athena.config import Settings
from athena.errors import DownloadError
from athena.runtime import inventory
from athena.runtime.catalogue import Model
from athena.runtime.fetch import part
from athena.runtime.fetch.download import Patience
from athena.runtime.fetch.hub import HubUnreachable
from athena.runtime.fetch.pull import pull
from athena.runtime.progress import Progress
from tests.fakes.hub import TOKEN, Answer, Corrupt, Cut, FakeHub, Longer, NoRanges, Stall

REPO, FILE = "org/repo", "model.gguf"
DATA = b"GGUF" + hashlib.shake_128(b"weights").digest(3_000_000)
MODEL = Model(name="m", role="reasoning", repo=REPO, file=FILE, licence="MIT")
QUICK = Patience(tries=3, pause_s=0.01)
ONCE = Patience(tries=1, pause_s=0.01)


@pytest.fixture
async def hub() -> AsyncIterator[FakeHub]:
    async with FakeHub() as hub:
        hub.add(REPO, FILE, DATA)
        yield hub


def settings(hub: FakeHub, home: Path, token: str | None = None) -> Settings:
    return config.load({"ATHENA_HOME": str(home), "HF_ENDPOINT": hub.endpoint, "HF_TOKEN": token or ""})


def left(home: Path) -> set[str]:
    return {path.name for path in (home / "models").iterdir() if path.is_file()}


async def test_plain_download(hub: FakeHub, tmp_path: Path) -> None:
    seen: list[Progress] = []

    def watch(now: Progress) -> None:
        seen.append(now)
        if now.phase == "downloading":
            assert not (tmp_path / "models" / FILE).exists(), "the final name must not exist before the file is whole"

    path = await pull(settings(hub, tmp_path), MODEL, report=watch)
    assert path.read_bytes() == DATA
    assert left(tmp_path) == {FILE, f"{FILE}.json"}
    receipt = inventory.receipt_of(path)
    assert receipt is not None
    assert (receipt.sha256, receipt.commit, receipt.size) == (
        hashlib.sha256(DATA).hexdigest(),
        hub.commit(REPO),
        len(DATA),
    )
    assert seen[0].phase == "asking"
    assert (seen[-1].phase, seen[-1].done, seen[-1].total) == ("done", len(DATA), len(DATA))


async def test_second_pull_asks_nobody(hub: FakeHub, tmp_path: Path) -> None:
    await pull(settings(hub, tmp_path), MODEL)
    hub.seen.clear()
    await pull(settings(hub, tmp_path), MODEL)
    assert hub.seen == []


async def test_interrupted_twice_across_runs(hub: FakeHub, tmp_path: Path) -> None:
    for cut in (700_000, 900_000):
        hub.next(Cut(after=cut))
        with pytest.raises(DownloadError, match=r"stopped at .* MB") as raised:
            await pull(settings(hub, tmp_path), MODEL, patience=ONCE)
        assert not isinstance(raised.value, HubUnreachable)
        assert raised.value.hint is not None
        assert "athena pull m" in raised.value.hint
        assert left(tmp_path) == {f"{FILE}.part", f"{FILE}.part.json"}
    path = await pull(settings(hub, tmp_path), MODEL, patience=ONCE)
    assert path.read_bytes() == DATA
    ranges = [seen.headers.get("range") for seen in hub.downloads()]
    assert ranges == [None, "bytes=700000-", "bytes=1600000-"]
    assert all("if-range" in seen.headers for seen in hub.downloads()[1:])
    assert left(tmp_path) == {FILE, f"{FILE}.json"}


async def test_interrupted_twice_within_one_run(hub: FakeHub, tmp_path: Path) -> None:
    hub.next(Cut(after=10), Answer(503), Cut(after=2_000_000))
    path = await pull(settings(hub, tmp_path), MODEL, patience=QUICK)
    assert path.read_bytes() == DATA
    assert [seen.headers.get("range") for seen in hub.downloads()] == [
        None,
        "bytes=10-",
        "bytes=10-",
        "bytes=2000010-",
    ]


async def test_killed_process_resumes(hub: FakeHub, tmp_path: Path) -> None:
    """SIGKILL while bytes arrive: the part is there, the lock isn't, the next run goes on."""
    hub.next(Stall(after=1_500_000))
    code = (
        "import asyncio; from athena import config; from athena.runtime.catalogue import Model;"
        "from athena.runtime.fetch.pull import pull;"
        f"asyncio.run(pull(config.load(), Model.model_validate_json({MODEL.model_dump_json()!r})))"
    )
    environment = {**os.environ, "ATHENA_HOME": str(tmp_path), "HF_ENDPOINT": hub.endpoint}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, env=environment)
    waiting = tmp_path / "models" / f"{FILE}.part"
    async with asyncio.timeout(20):
        while not waiting.exists() or waiting.stat().st_size < 1_000_000:
            await asyncio.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    have = waiting.stat().st_size
    path = await pull(settings(hub, tmp_path), MODEL, patience=ONCE)
    assert path.read_bytes() == DATA
    assert hub.downloads()[-1].headers["range"] == f"bytes={have}-"


async def test_corrupted_once_is_mended(hub: FakeHub, tmp_path: Path) -> None:
    hub.next(Corrupt(at=1234))
    seen: list[Progress] = []
    path = await pull(settings(hub, tmp_path), MODEL, report=seen.append, patience=QUICK)
    assert path.read_bytes() == DATA
    assert "it arrived damaged" in [now.detail for now in seen]


async def test_corrupted_twice_leaves_nothing(hub: FakeHub, tmp_path: Path) -> None:
    hub.next(Corrupt(at=5), Corrupt(at=5))
    with pytest.raises(DownloadError, match="damaged twice"):
        await pull(settings(hub, tmp_path), MODEL, patience=QUICK)
    assert left(tmp_path) == set()


async def test_part_that_rotted_on_disk_is_mended(hub: FakeHub, tmp_path: Path) -> None:
    hub.next(Cut(after=500_000))
    with pytest.raises(DownloadError):
        await pull(settings(hub, tmp_path), MODEL, patience=ONCE)
    rotten = tmp_path / "models" / f"{FILE}.part"
    rotten.write_bytes(b"\0" * rotten.stat().st_size)
    path = await pull(settings(hub, tmp_path), MODEL, patience=QUICK)
    assert path.read_bytes() == DATA


async def test_gated_without_and_with_token(hub: FakeHub, tmp_path: Path) -> None:
    hub.add(REPO, FILE, DATA, gated=True)
    with pytest.raises(DownloadError, match=r"org/repo is gated") as raised:
        await pull(settings(hub, tmp_path), MODEL, patience=QUICK)
    assert not isinstance(raised.value, HubUnreachable)
    assert raised.value.hint is not None
    assert f"{hub.endpoint}/{REPO}" in raised.value.hint
    assert "HF_TOKEN" in raised.value.hint
    path = await pull(settings(hub, tmp_path, TOKEN), MODEL, patience=QUICK)
    assert path.read_bytes() == DATA


async def test_token_goes_to_the_hub_only(hub: FakeHub, tmp_path: Path) -> None:
    await pull(settings(hub, tmp_path, TOKEN), MODEL)
    assert [seen.headers.get("authorization") for seen in hub.seen if seen.server == "hub"] == [f"Bearer {TOKEN}"] * 2
    assert hub.downloads()
    assert all("authorization" not in seen.headers for seen in hub.downloads())
    assert all(TOKEN not in path.read_text() for path in (tmp_path / "models").glob("*.json"))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (MODEL.model_copy(update={"repo": "org/none"}), "the hub doesn't know org/none"),
        (MODEL.model_copy(update={"file": "none.gguf"}), "doesn't know org/repo: none.gguf"),
        (MODEL.model_copy(update={"revision": "v9"}), "doesn't know org/repo@v9"),
        (MODEL.model_copy(update={"sha256_prefix": "00000000"}), "has another model.gguf"),
    ],
)
async def test_what_the_hub_has_not(hub: FakeHub, tmp_path: Path, model: Model, said: str) -> None:
    with pytest.raises(DownloadError, match=said) as raised:
        await pull(settings(hub, tmp_path), model, patience=QUICK)
    assert not isinstance(raised.value, HubUnreachable)
    assert left(tmp_path) == set()


async def test_renamed_repo_is_followed(hub: FakeHub, tmp_path: Path) -> None:
    hub.rename("old/name", REPO)
    moved = MODEL.model_copy(update={"repo": "old/name"})
    assert (await pull(settings(hub, tmp_path), moved)).read_bytes() == DATA


async def test_mirror_that_says_little_is_asked_for_its_listing(tmp_path: Path) -> None:
    async with FakeHub(silent_heads=True) as mirror:
        mirror.add(REPO, FILE, DATA)
        mirror.next(Corrupt(at=9))
        path = await pull(settings(mirror, tmp_path), MODEL, patience=QUICK)
    assert path.read_bytes() == DATA


async def test_new_revision_between_runs_starts_anew(hub: FakeHub, tmp_path: Path) -> None:
    hub.next(Cut(after=800_000))
    with pytest.raises(DownloadError):
        await pull(settings(hub, tmp_path), MODEL, patience=ONCE)
    newer = DATA[::-1]
    hub.add(REPO, FILE, newer)
    path = await pull(settings(hub, tmp_path), MODEL, patience=QUICK)
    assert path.read_bytes() == newer
    assert "range" not in hub.downloads()[-1].headers


async def test_storage_without_ranges_starts_anew(hub: FakeHub, tmp_path: Path) -> None:
    hub.next(Cut(after=800_000), NoRanges())
    path = await pull(settings(hub, tmp_path), MODEL, patience=QUICK)
    assert path.read_bytes() == DATA


async def test_unsatisfiable_range_starts_anew(hub: FakeHub, tmp_path: Path) -> None:
    hub.next(Cut(after=800_000), Answer(416))
    path = await pull(settings(hub, tmp_path), MODEL, patience=QUICK)
    assert path.read_bytes() == DATA
    assert [seen.headers.get("range") for seen in hub.downloads()] == [None, "bytes=800000-", None]


async def test_expired_link_is_asked_for_again(hub: FakeHub, tmp_path: Path) -> None:
    hub.next(Answer(403))
    assert (await pull(settings(hub, tmp_path), MODEL, patience=QUICK)).read_bytes() == DATA


async def test_too_many_requests_waits_as_told(hub: FakeHub, tmp_path: Path) -> None:
    hub.hub_faults.append(Answer(429, {"retry-after": "0"}))
    hub.next(Answer(429, {"retry-after": "0"}))
    assert (await pull(settings(hub, tmp_path), MODEL, patience=QUICK)).read_bytes() == DATA


async def test_a_file_longer_than_announced_is_refused(hub: FakeHub, tmp_path: Path) -> None:
    hub.next(Longer(by=1))
    with pytest.raises(DownloadError, match="longer than the hub says"):
        await pull(settings(hub, tmp_path), MODEL, patience=QUICK)
    assert left(tmp_path) == set()


async def test_unreachable_hub_is_known_at_once(tmp_path: Path) -> None:
    async with FakeHub() as gone:
        nowhere = settings(gone, tmp_path)
    started = asyncio.get_running_loop().time()
    with pytest.raises(HubUnreachable, match=r"127\.0\.0\.1 can't be reached"):
        await pull(nowhere, MODEL)
    assert asyncio.get_running_loop().time() - started < 3


@pytest.mark.parametrize(
    "answer",
    [Answer(503), Answer(200, {"content-type": "text/html"}), Answer(403), Answer(404)],
    ids=["out of order", "login page", "blocking proxy", "another server"],
)
async def test_what_doesnt_speak_the_protocol_counts_as_unreachable(
    hub: FakeHub, tmp_path: Path, answer: Answer
) -> None:
    hub.hub_faults += [answer] * 4
    with pytest.raises(HubUnreachable):
        await pull(settings(hub, tmp_path), MODEL, patience=QUICK)
    assert left(tmp_path) == set()


async def test_blocked_storage_counts_as_unreachable(hub: FakeHub, tmp_path: Path) -> None:
    hub.next(*[Answer(403)] * 3)
    with pytest.raises(HubUnreachable, match="the storage behind"):
        await pull(settings(hub, tmp_path), MODEL, patience=QUICK)


async def test_two_pulls_at_once_download_once(hub: FakeHub, tmp_path: Path) -> None:
    paths = await asyncio.gather(*(pull(settings(hub, tmp_path), MODEL) for _ in range(3)))
    assert {path.read_bytes() == DATA for path in paths} == {True}
    assert len(hub.downloads()) == 1


async def test_damaged_file_is_fetched_anew(hub: FakeHub, tmp_path: Path) -> None:
    path = await pull(settings(hub, tmp_path), MODEL)
    path.write_bytes(DATA[:100])
    assert (await pull(settings(hub, tmp_path), MODEL)).read_bytes() == DATA
    path.write_bytes(DATA[:-1] + b"?")
    assert (await pull(settings(hub, tmp_path), MODEL)).read_bytes() != DATA, "a quick look can't see this"
    assert (await pull(settings(hub, tmp_path), MODEL, verify=True)).read_bytes() == DATA


async def test_too_little_space_is_said_before(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part, "free_bytes", lambda _: len(DATA) + 1000)
    with pytest.raises(DownloadError, match=r"not enough disk space .*70 MB more are needed.* 3 MB are free"):
        await pull(settings(hub, tmp_path), MODEL)
    assert hub.downloads() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
async def test_full_disk_in_the_middle_keeps_the_part(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real disk of 1.5 MB that claims to be large; then it is made larger, and the pull goes on."""
    monkeypatch.setattr(part, "free_bytes", lambda _: 10**12)
    disk = tmp_path / "disk"
    disk.mkdir()
    _mount("-t", "tmpfs", "-o", "size=1500k", "tmpfs", str(disk))
    try:
        with pytest.raises(DownloadError, match="not enough disk space") as raised:
            await pull(settings(hub, tmp_path), MODEL, folder=disk)
        assert raised.value.hint is not None
        assert "goes on where it stopped" in raised.value.hint
        assert not (disk / FILE).exists()
        assert (disk / f"{FILE}.part").stat().st_size > 1_000_000
        _mount("-o", "remount,size=8m", str(disk))
        path = await pull(settings(hub, tmp_path), MODEL, folder=disk)
        assert path.read_bytes() == DATA
        assert int(hub.downloads()[-1].headers["range"].removeprefix("bytes=").rstrip("-")) > 1_000_000
    finally:
        subprocess.run(["umount", str(disk)], check=True)  # noqa: ASYNC221


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)

"""A full disk: said, nothing acknowledged lost, and well again when there is space.

Two containers write to one: the database, and Athena to its home. The others have read-only file systems and a /tmp in
memory, which counts as theirs (test_chaos.py starves them of it).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.stack.conftest import add_models
from tests.stack.stack import Stack, run, wait
from tests.stack.test_chaos import back, check, loaded

_SIZE_MB = 300
_FILL = "/var/lib/postgresql/fill"
_FULL_S = 15
# In ever smaller pieces: what a file system keeps for itself while it writes comes free when that is on the disk.
_FILL_HOME = """
for size in 1M 64k 4k 4k 4k; do dd if=/dev/zero bs=$size conv=fsync of=$(mktemp fill.XXXXXX); done 2>/dev/null
dd if=/dev/zero bs=16k count=1 conv=fsync of=fill.more 2>/dev/null || echo full
"""


@pytest.fixture
def small(request: pytest.FixtureRequest, new_stack: Callable[..., Stack], tiny_models: Path) -> Iterator[Stack]:
    """A stack with a volume that has a disk of its own, a small one (needs root, for the loop device)."""
    volume, owner = request.param
    made = new_stack()
    disk = made.folder / "disk"
    with disk.open("wb") as file:
        file.truncate(_SIZE_MB << 20)
    run(["mkfs.ext4", "-q", "-m", "0", "-E", f"root_owner={owner}:{owner}", str(disk)])
    device = run(["losetup", "--find", "--show", str(disk)]).strip()
    overlay = made.folder / "disk.yml"
    overlay.write_text(f"volumes:\n  {volume}:\n    driver_opts: {{type: ext4, device: {device}}}\n")
    made.overlays = (str(overlay),)
    try:
        add_models(made, tiny_models)
        made.up()
        made.wait_healthy()
        yield made
    finally:
        made.down()
        run(["losetup", "--detach", device])


def remove_fill(stack: Stack) -> None:
    """From outside: a database that can't write its log isn't there to be asked."""
    volume = f"{stack.project}_athena_postgres:/var/lib/postgresql"
    image = stack.inspect("postgres")["Config"]["Image"]
    run(["docker", "run", "--rm", "--network", "none", "--volume", volume, "--entrypoint", "rm", image, "-f", _FILL])


@pytest.mark.parametrize("small", [("athena_postgres", 999)], indirect=True)
async def test_a_full_disk_is_said_and_loses_nothing(small: Stack) -> None:
    async with loaded(small) as load:
        await asyncio.sleep(2)
        fill = f"dd if=/dev/zero of={_FILL} bs=1M 2>&1 | tail -1; sync"
        await asyncio.to_thread(small.exec, "postgres", "sh", "-c", fill, check=False)
        await asyncio.to_thread(wait, lambda: load.ledger.seen["503"] > 0, "writes are refused", 60)
        before = load.ledger.seen["503"]
        await asyncio.sleep(_FULL_S)
        assert load.ledger.seen["503"] > before
        async with httpx.AsyncClient(base_url=small.url, timeout=10) as http:
            assert (await http.get("/health/live")).status_code == 200
        await asyncio.to_thread(remove_fill, small)
        await back(small, "postgres")
        written = len(load.ledger.acknowledged)
        await asyncio.to_thread(wait, lambda: len(load.ledger.acknowledged) > written + 20, "writing goes on", 60)
    await check(small, load.ledger)


@pytest.mark.parametrize("small", [("athena_home", 10001)], indirect=True)
async def test_athena_goes_on_where_its_home_is_full(small: Stack) -> None:
    """Memory lies in the database; what use cost is counted again when there is space."""
    said = await asyncio.to_thread(small.exec, "athena", "sh", "-c", _FILL_HOME, check=False)
    assert said.strip() == "full"
    async with loaded(small) as load, httpx.AsyncClient(base_url=small.url, timeout=60) as http:
        await asyncio.sleep(5)
        local = {"model": "local", "max_tokens": 8, "messages": [{"role": "user", "content": "Hello"}]}
        assert (await http.post("/v1/chat/completions", json=local)).status_code == 200
        assert (await http.get("/health")).json()["status"] == "up"
        assert (await http.put("/api/v1/local-only", json={"on": True})).json()["on"]
        assert (await http.put("/api/v1/local-only", json={"on": False})).json()["on"] is False
        await asyncio.to_thread(small.compose, "restart", "athena")
        await back(small, "athena")
        await asyncio.to_thread(small.exec, "athena", "sh", "-c", "rm fill.*")
        before = (await http.get("/api/v1/usage")).json()["total"]["requests"]
        assert (await http.post("/v1/chat/completions", json=local)).status_code == 200
        await asyncio.sleep(3)
        assert (await http.get("/api/v1/usage")).json()["total"]["requests"] > before
    assert load.ledger.acknowledged
    await check(small, load.ledger)

"""A database whose disk is full: said, nothing acknowledged lost, and well again when there is space."""

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


@pytest.fixture
def small(new_stack: Callable[..., Stack], tiny_models: Path) -> Iterator[Stack]:
    """A stack whose database has a disk of its own, a small one (needs root, for the loop device)."""
    made = new_stack()
    disk = made.folder / "disk"
    with disk.open("wb") as file:
        file.truncate(_SIZE_MB << 20)
    run(["mkfs.ext4", "-q", "-m", "0", "-E", "root_owner=999:999", str(disk)])
    device = run(["losetup", "--find", "--show", str(disk)]).strip()
    overlay = made.folder / "disk.yml"
    overlay.write_text(f"volumes:\n  athena_postgres:\n    driver_opts: {{type: ext4, device: {device}}}\n")
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

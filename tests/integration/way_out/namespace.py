"""A machine of its own for Athena: a network namespace whose only way out is a TUN device that this process reads.

Run as root by `unshare --net --mount python -m tests.integration.way_out.namespace PLAN`. It brings a whole stack
up in there, asks what the plan says, takes it down again and prints, as JSON, the answers and every packet that
anybody tried to send.
"""

from __future__ import annotations

import asyncio
import fcntl
import ipaddress
import json
import os
import struct
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_DEVICE = "way0"
# Of the networks that are set aside for documentation: nobody's, and not local.
RESOLVER = "198.51.100.53"
# A retry or a late look-up has this long to show itself.
_AFTERWARDS_S = 2.0


@dataclass
class Plan:
    """`commands` are words after `athena`; `requests` are sent to the API at once, `requests_s` each at most."""

    environment: dict[str, str]
    before: list[list[str]]
    commands: list[list[str]]
    requests: list[dict[str, Any]]
    requests_s: float


@dataclass
class Outcome:
    """`packets`: destinations, as address and port. `answers` and `ran` in the plan's order."""

    packets: list[str] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    ran: list[dict[str, Any]] = field(default_factory=list)


def main(path: str) -> None:
    plan = Plan(**json.loads(Path(path).read_text()))
    outcome = Outcome()
    _watch(outcome.packets)
    _resolve_elsewhere(Path(path).with_name("resolv.conf"))
    url = f"http://127.0.0.1:{plan.environment['ATHENA_PORT']}"
    try:
        for words in (*plan.before, ["up"]):
            outcome.ran.append(_athena(plan, words))
        key = _athena(plan, ["keys", "create", "observer", "--json"])
        outcome.ran.append(key)
        asyncio.run(_ask(plan, url, str(json.loads(key["out"])["key"]), outcome))
        outcome.ran += [_athena(plan, words) for words in plan.commands]
        time.sleep(_AFTERWARDS_S)
    finally:
        outcome.ran.append(_athena(plan, ["down"]))
    print(json.dumps(asdict(outcome)))


def _athena(plan: Plan, words: list[str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "athena", *words]
    try:
        done = subprocess.run(
            command, env={**os.environ, **plan.environment}, capture_output=True, text=True, timeout=120, check=False
        )
    except subprocess.TimeoutExpired:
        return {"words": words, "code": None, "out": "", "err": "it didn't end"}
    return {"words": words, "code": done.returncode, "out": done.stdout, "err": done.stderr[-2000:]}


async def _ask(plan: Plan, url: str, key: str, outcome: Outcome) -> None:
    """All at the same time: half of them wait for something that never comes when they are let out."""
    async with httpx.AsyncClient(base_url=url, timeout=plan.requests_s, trust_env=False) as api:

        async def one(request: dict[str, Any]) -> dict[str, Any]:
            headers = {name: value.replace("KEY", key) for name, value in request.get("headers", {}).items()}
            try:
                said = await api.request(request["method"], request["path"], json=request.get("body"), headers=headers)
            except httpx.TransportError as exc:
                return {"status": 0, "text": repr(exc)}
            by = said.headers.get("x-athena-model")
            return {"status": said.status_code, "model": by, "text": said.text[:2000]}

        outcome.answers = list(await asyncio.gather(*map(one, plan.requests)))


def _watch(packets: list[str]) -> None:
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH22x", _DEVICE.encode(), _IFF_TUN | _IFF_NO_PI))
    for words in (
        "link set lo up",
        f"link set {_DEVICE} up",
        f"addr add 10.99.0.1/24 dev {_DEVICE}",
        f"route add default dev {_DEVICE}",
    ):
        subprocess.run(["ip", *words.split()], check=True)
    # Where there is no IPv6, there is no way out by it either.
    for words in (f"-6 addr add fd99::1/64 dev {_DEVICE} nodad", f"-6 route add default dev {_DEVICE}"):
        subprocess.run(["ip", *words.split()], check=False, stderr=subprocess.DEVNULL)

    def read() -> None:
        while True:
            seen = _destination(os.read(tun, 65536))
            if seen is not None:
                packets.append(seen)

    threading.Thread(target=read, daemon=True).start()


def _destination(packet: bytes) -> str | None:
    """Where it goes; None for what the kernel itself says to its neighbours when a device comes up."""
    if packet[0] >> 4 == 6:
        address: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.IPv6Address(packet[24:40])
        kind, rest = packet[6], packet[40:]
        if address.is_multicast:
            return None
    else:
        address = ipaddress.IPv4Address(packet[16:20])
        kind, rest = packet[9], packet[(packet[0] & 15) * 4 :]
    port = struct.unpack(">H", rest[2:4])[0] if kind in (6, 17) else kind
    return f"{address} {port}"


def _resolve_elsewhere(file: Path) -> None:
    """A resolver on loopback would hide who is asked for a name."""
    file.write_text(f"nameserver {RESOLVER}\noptions timeout:1 attempts:1\n")
    subprocess.run(["mount", "--bind", str(file), "/etc/resolv.conf"], check=True)


if __name__ == "__main__":
    main(sys.argv[1])

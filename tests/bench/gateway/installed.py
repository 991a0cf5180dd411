"""The peers, in places of their own under `build/bench`, so that Athena's environment stays small."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

from tests.bench.world.ground import ROOT

LITELLM = "1.106.2"
PORTKEY = "1.15.2"
_BROKEN = ":new Response(p,e)}const"
_MENDED = ":new Response(p,{status:e.status,statusText:e.statusText,headers:new Headers(e.headers)})}const"
_PLACE = ROOT / "build" / "bench"


def litellm() -> Path:
    """The proxy's program."""
    place = _PLACE / f"litellm-{LITELLM}"
    program = place / "bin" / "litellm"
    if not program.exists():
        _say("litellm", place)
        venv.create(place, with_pip=True, clear=True)
        _run([str(place / "bin" / "pip"), "install", "--quiet", f"litellm[proxy]=={LITELLM}"])
    return program


def portkey() -> Path:
    """The gateway's script, for node."""
    place = _PLACE / f"portkey-{PORTKEY}"
    script = place / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    if not script.exists():
        _say("portkey", place)
        place.mkdir(parents=True, exist_ok=True)
        _run(["npm", "install", "--silent", "--prefix", str(place), f"@portkey-ai/gateway@{PORTKEY}"])
        _mend(script)
    return script


def _mend(script: Path) -> None:
    """As released it answers every streamed request with a 500 (on Node 20: it adds a header to those of `fetch`,
    which can't be changed). Its other branch copies them; so does this one then."""
    text = script.read_text()
    if _BROKEN not in text:
        raise RuntimeError(f"{script} is not the release that was looked at")
    script.write_text(text.replace(_BROKEN, _MENDED))


def _say(name: str, place: Path) -> None:
    print(f"installing {name} into {place} …", file=sys.stderr, flush=True)


def _run(argv: list[str]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{argv[0]} failed: {done.stderr.strip()[-2000:]}")

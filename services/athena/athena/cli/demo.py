"""`athena demo`: the main job on text that comes with Athena, told as it happens."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass
from importlib import resources
from typing import Any

import httpx
import typer
from rich.console import Console

from athena import config, http
from athena.cli.memory import Key
from athena.cli.table import console, parts_table
from athena.errors import StackError, Unauthorized
from athena.runtime import control, stack
from athena.runtime.parts import EMBEDDINGS
from athena.runtime.ports import State

app = typer.Typer()
_WAIT_S = 60


@dataclass(frozen=True, slots=True)
class Question:
    """`how`: what the question shows; `also`: further arguments of the recall."""

    how: str
    text: str
    also: dict[str, Any]


_QUESTIONS = (
    Question("by meaning", "When is nobody to be expected at the keyboard because of sport?", {}),
    Question("by meaning", "Why did the export go wrong?", {}),
    Question("by word", "ZVT-7740", {}),
    Question("by word", "E4417", {}),
    Question("by time", "What happened in April 2026?", {}),
    Question("by time", "what was said", {"since": "2026-03-12T00:00:00Z", "until": "2026-03-13T00:00:00Z"}),
    Question("by kind", "how do we ship?", {"memory_type": "procedure"}),
)


@app.command()
def demo(key: Key = None) -> None:
    """Show what Athena does, on text that comes with it; stops what it started."""
    asyncio.run(_demo(console(), key))


async def _demo(out: Console, key: str | None) -> None:
    settings = config.load()
    headers = {"authorization": f"Bearer {key}"} if key else None
    out.print("starting what isn't running yet …", markup=False)
    async with stack.running_stack(settings) as info:
        out.print(parts_table(info.parts))
        # A project of this run's own: nothing of the user's is seen or touched, and all of it goes in the end.
        project = f"athena-demo-{uuid.uuid4().hex[:8]}"
        async with http.client(base_url=info.url, read_s=120.0, headers=headers) as api:
            if (await api.get("/tools/list")).status_code == 401:
                raise Unauthorized("this Athena wants a key")
            try:
                await _remember(out, api, project)
                for question in _QUESTIONS:
                    await _recall(out, api, project, question)
                if info.started and _ready(info.parts, EMBEDDINGS):
                    await _degraded(out, api, project, settings)
                elif not info.started:
                    out.print(
                        "\n(what happens without the embedding server is shown only when nothing else runs)",
                        style="dim",
                    )
            except httpx.HTTPError as exc:
                raise StackError(f"the demo stopped: {exc}", hint="athena doctor") from exc
            finally:
                await _forget(out, api, project)
    out.print("stopped what was started" if info.started else "what ran before still runs", markup=False)


def _ready(parts: tuple[Any, ...], name: str) -> bool:
    return any(part.name == name and part.state is State.READY for part in parts)


async def _tool(api: httpx.AsyncClient, name: str, **arguments: Any) -> tuple[Any, float]:
    response = await api.post(f"/tools/{name}/execute", json=arguments)
    body = response.raise_for_status().json()
    return body["result"], float(body["latency_ms"])


async def _remember(out: Console, api: httpx.AsyncClient, project: str) -> None:
    lines = resources.files("athena.cli").joinpath("demo.jsonl").read_text().splitlines()
    memories = [{**json.loads(line), "project": project} for line in lines]
    response = await api.post("/api/v1/memories/batch", json={"memories": memories})
    response.raise_for_status()
    out.print(
        f"\nremembered {len(memories)} notes and lines of talk in {response.elapsed.total_seconds() * 1e3:.0f} ms",
        markup=False,
    )
    async with asyncio.timeout(_WAIT_S):
        while True:
            result, _ = await _tool(api, "recall", query="anything", limit=1, project=project)
            if not result["pending"]:
                return
            if result["degraded"]:
                out.print("  (no embedding server: what follows is found by words alone)", markup=False)
                return
            await asyncio.sleep(0.1)


async def _recall(out: Console, api: httpx.AsyncClient, project: str, question: Question) -> None:
    result, latency = await _tool(api, "recall", query=question.text, project=project, limit=2, **question.also)
    extra = "".join(f"  {name}={value}" for name, value in question.also.items())
    out.print(f"\n{question.how:<11}{question.text}{extra}", style="bold", markup=False)
    for hit in result["memories"]:
        when = f" ({hit['occurred_at'][:10]})" if hit.get("occurred_at") else ""
        out.print(f"           {hit['score']:.2f}  {hit['content']}{when}", markup=False)
    without = f", without {', '.join(result['degraded'])}" if result["degraded"] else ""
    out.print(f"           {latency:.0f} ms{without}", style="dim", markup=False)


async def _degraded(out: Console, api: httpx.AsyncClient, project: str, settings: config.Settings) -> None:
    out.print(
        "\nnow the embedding server is stopped; nothing may be lost, and the answer says what is missing", markup=False
    )
    await control.call(settings, "stop", part=EMBEDDINGS)
    stored, latency = await _tool(
        api, "remember", project=project, content="Helga ordered a second oven, model Ramses 9."
    )
    out.print(f"           remembered in {latency:.0f} ms, its vector is {stored['embedding']}", markup=False)
    await _recall(out, api, project, Question("degraded", "second oven Ramses", {}))
    await control.call(settings, "ensure", part=EMBEDDINGS)
    out.print("\nand started again", markup=False)


async def _forget(out: Console, api: httpx.AsyncClient, project: str) -> None:
    result, _ = await _tool(api, "forget", project=project, dry_run=False)
    out.print(f"\nforgot all {result['count']} of them again", markup=False)

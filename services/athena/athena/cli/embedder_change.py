"""Changing the embedder of a stack on this machine: the new model gets a server of its own beside the old one.

When its generation serves, the home's embedder becomes the new model, the stack's own
embedding server is started again with it, the generation is told to use that one, and the
second server ends. At each step one server answers for the generation that serves.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import Any

from athena.cli.connection import Connection
from athena.cli.progress import shown
from athena.config import Settings
from athena.errors import Conflict, NotFound
from athena.runtime import catalogue, control, ensure, inventory, parts
from athena.runtime.catalogue import Model
from athena.runtime.fetch.pull import pull
from athena.runtime.stack import SECOND_EMBEDDER

# Each replica remembers for a second where a generation is served: until then it asks the old address.
_REMEMBERED_S = 2.0


@dataclass(frozen=True, slots=True)
class Second:
    """A second embedding server, run by the supervisor."""

    settings: Settings
    model: Model
    url: str

    async def adopt(self, connection: Connection, generation: int) -> None:
        """Make its model the stack's own; `generation`, which serves, moves over."""
        ensure.choose(self.settings, self.model)
        await control.call(self.settings, "restart", part=parts.EMBEDDINGS)
        await _move(connection, generation, None)
        await asyncio.sleep(_REMEMBERED_S)
        await self.end()

    async def serve(self, connection: Connection, generation: int) -> Any:
        """Have `generation` embedded by this server."""
        return await _move(connection, generation, self.url)

    async def end(self) -> None:
        await control.call(self.settings, "remove", name=SECOND_EMBEDDER)


async def start_second(settings: Settings, name: str) -> Second:
    """Fetch the model if it isn't there, and serve it. Raises `NotRunning` if there is no stack to serve it in."""
    await control.call(settings, "status")
    model = catalogue.load().locate(name, "embedding")
    if model.role != "embedding":
        raise Conflict(f"{model.name} is no embedding model", hint="athena pull lists the models and their roles")
    if inventory.find(model, settings.models_dir) is None:
        with shown() as report:
            await pull(settings, model, report=report)
    port = _free_port()
    await control.call(settings, "start-embeddings", path=str(model.path or model.name), port=port)
    return Second(settings, model, f"http://127.0.0.1:{port}")


async def server_of_previous(
    settings: Settings, connection: Connection, generations: list[dict[str, Any]]
) -> Second | None:
    """A server for the generation that a rollback leads to, when the stack of this machine doesn't serve its model now.

    None where a rollback needs no other server, or where this machine doesn't run the stack.
    """
    earlier = [each for each in generations if each["state"] == "retired" and each["served_since"]]
    if any(each["state"] == "building" for each in generations) or not earlier:
        return None
    previous = max(earlier, key=lambda each: str(each["served_since"]))
    choice = ensure.chosen(settings)
    if previous["server_url"] is not None or choice is None or choice.model == previous["model"]:
        return None
    try:
        await control.call(settings, "status")
    except control.NotRunning:
        return None
    try:
        second = await start_second(settings, previous["model"])
    except NotFound as exc:
        raise Conflict(
            f"the earlier model, {previous['model']}, isn't in the catalogue and nothing serves it",
            hint="athena embeddings migrate --to /path/of/its/file.gguf embeds with it anew",
        ) from exc
    await second.serve(connection, previous["id"])
    return second


async def _move(connection: Connection, generation: int, url: str | None) -> Any:
    return await connection.call("POST", f"/api/v1/embeddings/{generation}/server", body={"url": url})


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port

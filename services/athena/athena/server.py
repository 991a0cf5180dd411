"""`python -m athena.server`: the API and the worker in one process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack

import structlog
import uvicorn
from pydantic import SecretStr

from athena import bootstrap, config, logs
from athena.api.app import create_app
from athena.api.health import Health
from athena.bootstrap import Athena
from athena.config import Settings
from athena.errors import AthenaError, InvalidSetting, StackError, StoreUnavailable
from athena.runtime import postgres

_KEY_CHECK_S = 2.0
_NO_KEY = "ATHENA_EXPOSURE=network needs a key, and there is none: athena keys create NAME"

_log = structlog.get_logger("athena.server")


class _Server(uvicorn.Server):
    """Leaves signals to `_serve`: uvicorn raises them again when it is done, before anything else is closed."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main() -> int:
    try:
        settings = config.load()
    except InvalidSetting as exc:
        return _say(exc, 2)
    logs.configure(settings)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(_run(settings))
    except InvalidSetting as exc:
        return _say(exc, 2)
    except AthenaError as exc:
        return _say(exc, 1)
    except KeyboardInterrupt:
        return 130


def _say(error: AthenaError, code: int) -> int:
    print(f"athena: {error.message}{f' ({error.hint})' if error.hint else ''}", file=sys.stderr)
    return code


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # not on every platform
    except ImportError:
        return None
    # Names are looked up in these threads: while a database can't be found, four of them, the default, are all held up,
    # and with them every request to a provider.
    os.environ.setdefault("UV_THREADPOOL_SIZE", "32")
    return uvloop.new_event_loop


async def _run(settings: Settings) -> int:
    listening = _bind(settings)
    async with AsyncExitStack() as stack:
        stack.callback(listening.close)
        if settings.database_url is None:
            dsn = await stack.enter_async_context(postgres.ensure_running(settings))
            settings = settings.model_copy(update={"database_url": SecretStr(dsn)})
        athena = await stack.enter_async_context(bootstrap.build(settings))
        return await _serve(athena, listening)


async def _serve(athena: Athena, listening: socket.socket) -> int:
    """Serve until a signal comes, or until it is clear that this exposure has no key."""
    app = create_app(athena)
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=athena.settings.drain_s,
        )
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _stop, server, app.state.health, athena.settings.leave_s)
    settings = athena.settings
    if settings.exposure != "network":
        await _listen(server, listening, settings)
        return 0
    keyless = asyncio.create_task(_keyless(athena, server))
    await asyncio.wait({keyless}, timeout=_KEY_CHECK_S)
    if not server.should_exit:
        await _listen(server, listening, settings)
    keyless.cancel()
    (outcome,) = await asyncio.gather(keyless, return_exceptions=True)
    return outcome if isinstance(outcome, int) else 0


async def _listen(server: uvicorn.Server, listening: socket.socket, settings: Settings) -> None:
    _log.info("serving", address=f"http://{settings.host}:{settings.port}", exposure=settings.exposure)
    try:
        await server.serve(sockets=[listening])
    except OSError as exc:
        raise _taken(settings, exc) from exc


def _stop(server: uvicorn.Server, health: Health, leave_s: int) -> None:
    """The first signal lets requests finish, after those that come within `leave_s`; the second doesn't."""
    server.force_exit = server.should_exit or health.leaving
    health.leaving = True
    if leave_s and not server.force_exit:
        asyncio.get_running_loop().call_later(leave_s, setattr, server, "should_exit", True)
    else:
        server.should_exit = True


async def _keyless(athena: Athena, server: uvicorn.Server) -> int:
    """Stop the server, with exit code 2, if there is no key at all.

    While PostgreSQL is away nobody gets in, since no key can be verified: so it is
    safe to serve already, and to find out when it answers.
    """
    while True:
        try:
            if await athena.keys.any():
                return 0
            break
        except StoreUnavailable:
            await asyncio.sleep(_KEY_CHECK_S)
    print(f"athena: {_NO_KEY}", file=sys.stderr)
    server.should_exit = True
    return 2


def _bind(settings: Settings) -> socket.socket:
    """Take the port before anything is started. Raises `StackError`, `InvalidSetting`."""
    try:
        family, _, _, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as exc:
        raise InvalidSetting(f"ATHENA_HOST={settings.host} is no address of this machine") from exc
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as exc:
        listening.close()
        raise _taken(settings, exc) from exc
    listening.setblocking(False)
    return listening


def _taken(settings: Settings, exc: OSError) -> StackError:
    return StackError(
        f"can't listen on {settings.host}:{settings.port}: {exc.strerror}",
        hint="stop what uses the port (athena down, if it is Athena), or set ATHENA_PORT",
    )


if __name__ == "__main__":
    sys.exit(main())

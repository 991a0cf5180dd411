"""A real llama-server on one model, in a process of its own that ends with the block."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_CHILD = """
import sys
import xllamacpp
params = xllamacpp.CommonParams()
params.hostnames = ["127.0.0.1"]
params.port = 0
params.model.path = sys.argv[1]
params.n_ctx = params.n_batch = params.n_ubatch = int(sys.argv[2])
params.n_parallel = 1
params.cpuparams.n_threads = 2
params.warmup = False
if sys.argv[3] == "embedding":
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
server = xllamacpp.Server(params)
print("LISTENING", server.listening_address, flush=True)
sys.stdin.read()
"""


@asynccontextmanager
async def llama_server(model: Path, context: int = 512, role: str = "embedding") -> AsyncIterator[str]:
    """Its base URL, once the model is loaded."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _CHILD,
        str(model),
        str(context),
        role,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(60):
            yield await _address(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    if process.stdout is None:
        raise RuntimeError("the child has no stdout")
    async for line in process.stdout:
        if line.startswith(b"LISTENING "):
            address = line.decode().split()[1]
            return address if address.startswith("http") else f"http://{address}"
    raise RuntimeError(f"llama-server didn't start: exit status {await process.wait()}")

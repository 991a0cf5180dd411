"""The OpenAPI document, fuzzed: what it promises holds, and nothing that is sent makes a 500."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import httpx
import pytest

from athena.bootstrap import Athena
from tests.integration.api_server import answered, client_of, free_port, server_process
from tests.integration.conftest import LlamaServer

_HERE = Path(__file__).parent / "openapi_fuzz"
_SEED = "20261120"


@pytest.mark.slow
async def test_the_document_holds(dsn: str, embedding_server: LlamaServer, test_home: Path, tmp_path: Path) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    environment = {
        "ATHENA_HOME": str(test_home),
        "ATHENA_PORT": str(port),
        "ATHENA_DATABASE_URL": dsn,
        "ATHENA_LOG_LEVEL": "warning",
        "LLAMACPP_EMBEDDINGS_URL": embedding_server.url,
        "LLAMACPP_REASONING_URL": f"http://127.0.0.1:{free_port()}",
    }
    async with server_process(environment), httpx.AsyncClient(base_url=base) as http:
        await answered(http, "/health", lambda answer: answer.json()["status"] == "up")
        # These would ask whatever address the fuzzer makes up.
        fuzzer = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
            *("--config-file", str(_HERE / "schemathesis.toml"), "run", f"{base}/openapi.json"),
            *("--exclude-path-regex", "migrate|server", "--seed", _SEED, "--request-timeout", "40", "--no-color"),
            cwd=tmp_path,
            env=os.environ | {"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": f"{_HERE}"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await fuzzer.communicate()
    assert fuzzer.returncode == 0, said.decode()


async def test_every_operation_has_an_example_and_its_errors(athena: Athena) -> None:
    async with client_of(athena) as http:
        document = (await http.get("/openapi.json")).json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation.get("description") or operation.get("summary"), where
            assert {"400", "401", "403", "503"} <= operation["responses"].keys(), where
            assert "422" not in operation["responses"], where
            if body := operation.get("requestBody"):
                schema = next(iter(body["content"].values()))["schema"]
                reference = schema.get("$ref", "").rsplit("/", 1)[-1]
                named = document["components"]["schemas"].get(reference, schema)
                assert schema.get("examples") or named.get("examples"), where
                # Providers' fields are theirs, and pass; ours are all there are.
                assert named["additionalProperties"] is path.startswith("/v1/"), where
                assert "413" in operation["responses"], where


async def test_tool_schemas_have_one_shape_at_the_top(athena: Athena) -> None:
    """Clients of models refuse a tool whose schema begins with alternatives."""
    async with client_of(athena) as http:
        for tool in (await http.get("/tools/list")).json()["tools"]:
            assert not {"anyOf", "oneOf", "allOf", "$ref"} & tool["input_schema"].keys(), tool["name"]

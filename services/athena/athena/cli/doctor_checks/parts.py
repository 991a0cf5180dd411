"""The running parts: does each answer, at the address where it should, with what it should."""

from __future__ import annotations

import contextlib

import httpx
import psutil

from athena import http
from athena.bootstrap import build
from athena.cli.doctor_checks.finding import Finding, Patient, info, ok, problem
from athena.core.llm_client import LocalLLMClient
from athena.core.types import ModelInfo
from athena.errors import AthenaError, ModelServerUnavailable, StoreUnavailable

_SLOW_EMBEDDING_MS = 500.0
_PROBE = "Which words are near these?"
_CONNECT_S = 1.0


async def api(patient: Patient) -> list[Finding]:
    if patient.health is not None:
        return ok("athena", f"Athena {patient.health['version']} answers at {patient.address}")
    settings = patient.settings
    if patient.refused is not None:
        return info("athena", f"Athena answers, and tells nothing: {patient.refused.message}", None, "--key KEY")
    if await http.listens(patient.address, within_s=_CONNECT_S):
        return problem(
            "athena",
            f"port {settings.port} is taken by something that isn't Athena{_occupant(settings.port)}",
            "Athena can't listen there",
            f"stop it (lsof -i :{settings.port}), or set ATHENA_PORT",
        )
    return problem("athena", f"nothing answers at {patient.address}", "Athena doesn't run", "athena up")


async def postgres(patient: Patient) -> list[Finding]:
    if patient.health is None:
        return []
    part = patient.part("postgres")
    if part["state"] == "up":
        version, vector = part.get("version"), part.get("about", {}).get("pgvector")
        named = f"PostgreSQL {version} with pgvector {vector}" if version and vector else "PostgreSQL"
        return ok("postgres", f"{named} answers in {part['latency_ms'] or 0:.1f} ms")
    return problem("postgres", "PostgreSQL doesn't serve", part["detail"], part["hint"] or "athena logs postgres")


async def embedding(patient: Patient) -> list[Finding]:
    """Asks the embedding server itself, so that it is examined even while Athena isn't running."""
    settings = patient.settings
    client = LocalLLMClient(embedding_url=settings.embeddings_url, reasoning_url=settings.reasoning_url)
    try:
        info_ = await client.model_info()
        answer = await client.embed(_PROBE)
    except ModelServerUnavailable as exc:
        why = "no server listens there"
        if await http.listens(settings.embeddings_url, within_s=_CONNECT_S):
            why = "what listens there isn't a llama-server, or its model is still being loaded"
        return problem("embedding", exc.message, why, exc.hint or "athena up")
    except AthenaError as exc:
        return problem("embedding", exc.message, None, exc.hint or "athena logs embeddings")
    finally:
        await client.aclose()
    return _dimension(patient, info_, answer.dimension) + _speed(answer.latency_ms)


def _dimension(patient: Patient, served: ModelInfo, dim: int) -> list[Finding]:
    wanted = patient.settings.embedding_dim
    if wanted is not None and wanted > dim:
        return problem(
            "dimension",
            f"LLAMACPP_EMBEDDING_DIM={wanted}, but {served.model} returns {dim}",
            "vectors of another size can't be compared",
            "unset LLAMACPP_EMBEDDING_DIM, or serve the model that has them",
        )
    part = patient.part("embedding")
    if part and part["state"] != "up":
        return problem("embedding", part["detail"] or "Athena can't use the embedding server", None, part["hint"])
    by = f" (llama.cpp {served.build})" if served.build else ""
    return ok("embedding", f"{served.model} answers with {dim} dimensions{by}")


def _speed(latency_ms: float) -> list[Finding]:
    if latency_ms <= _SLOW_EMBEDDING_MS:
        return ok("embedding speed", f"{latency_ms:.0f} ms for one sentence")
    return problem(
        "embedding speed",
        f"{latency_ms:.0f} ms for one sentence",
        "the processor is busy, throttled, or has too many threads at work",
        "see what else runs (top); unset LLAMACPP_N_THREADS",
    )


async def reasoning(patient: Patient) -> list[Finding]:
    async with http.client(base_url=patient.settings.reasoning_url, connect_s=_CONNECT_S, read_s=3) as client:
        try:
            if (await client.get("/health")).status_code == 200:
                return ok("reasoning", f"the reasoning server answers at {patient.settings.reasoning_url}")
        except http.LocalOnly as exc:
            return problem(
                "reasoning", exc.message, "a server of your own is declared: ATHENA_LOCAL_HOSTS", exc.hint or ""
            )
        except httpx.HTTPError:
            pass
    return info(
        "reasoning",
        "no reasoning server answers: the tool `reason` is off, all else works",
        None,
        "athena pull --defaults, then athena local serve",
    )


async def backlog(patient: Patient) -> list[Finding]:
    health = patient.health
    if health is None or not health["pending"]:
        return []
    if health["stuck"]:
        return problem(
            "backlog",
            f"{health['stuck']} of {health['pending']} memories without a vector were refused again and again",
            health["last_error"],
            "athena logs embeddings",
        )
    return info("backlog", f"{health['pending']} memories wait for their vector", "they are found by words meanwhile")


async def keys(patient: Patient) -> list[Finding]:
    if patient.settings.exposure != "network":
        return ok("keys", f"only this machine may ask (ATHENA_EXPOSURE={patient.settings.exposure})")
    try:
        async with build(patient.settings, worker=False) as athena:
            there_is_one = await athena.keys.any()
    except StoreUnavailable as exc:
        return info("keys", "whether there is a key can't be told", exc.message, exc.hint)
    if there_is_one:
        return ok("keys", "there is a key for the network")
    return problem(
        "keys", "ATHENA_EXPOSURE=network, and there is no key", "Athena refuses to start so", "athena keys create NAME"
    )


def _occupant(port: int) -> str:
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            # A socket without an address has an empty tuple for one.
            if (connection.status, *connection.laddr)[::2] == (psutil.CONN_LISTEN, port) and connection.pid:
                return f" ({psutil.Process(connection.pid).name()}, process {connection.pid})"
    return ""

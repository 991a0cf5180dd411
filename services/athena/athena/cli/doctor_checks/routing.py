"""Routing: prices that contradict the order of the tiers, names in routing.toml that mean nothing, no model at all."""

from __future__ import annotations

from typing import Any

from athena.cli.connection import connect
from athena.cli.doctor_checks.finding import Finding, Patient, info, ok, problem


async def routing(patient: Patient) -> list[Finding]:
    if patient.health is None:
        return []
    async with connect(patient.settings, patient.key) as connection:
        table: dict[str, Any] = await connection.call("GET", "/api/v1/route")
    models = [model for tier in table["tiers"] for model in tier["models"]] + table["others"]
    ready = [model["model"] for model in models if model["state"] == "ready"]
    found = [Finding("routing", "info", line, None, "athena route table") for line in table["warnings"]]
    if not ready:
        why = "; ".join(f"{model['model']}: {model['state']}" for model in models[:3])
        return found + problem(
            "routing", "no model can answer", why, "athena local serve, or set the key of a provider: ANTHROPIC_API_KEY"
        )
    if not any(model["local"] for model in models if model["state"] == "ready"):
        found += info("routing", "no local model can answer, so `auto` goes to the cloud", None, "athena local serve")
    return found + ok("routing", f"{len(ready)} models can answer; `auto` tries {ready[0]} first")

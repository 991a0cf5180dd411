"""The model files: there, whole, and the ones that the memory was made with."""

from __future__ import annotations

import asyncio

from athena.cli.connection import connect
from athena.cli.doctor_checks.finding import Finding, Patient, info, ok, problem
from athena.runtime import catalogue, ensure, inventory
from athena.runtime.catalogue import Model


async def embedding_model(patient: Patient) -> list[Finding]:
    settings = patient.settings
    choice = ensure.chosen(settings)
    if choice is None:
        return info("embedding model", "none was chosen yet", "the first start chooses and fetches one", "athena up")
    listed = catalogue.load()
    model = listed.locate(str(choice.path), "embedding") if choice.path else listed.find(choice.model)
    return await _file("embedding model", patient, model)


async def reasoning_model(patient: Patient) -> list[Finding]:
    found = await asyncio.to_thread(ensure.find_reasoner, patient.settings)
    if found is None:
        return info(
            "reasoning model", "there is none", "everything that needs no reasoning works", "athena pull --defaults"
        )
    return ok("reasoning model", f"{found.model.name} at {found.path}")


async def generations(patient: Patient) -> list[Finding]:
    if patient.health is None:
        return []
    async with connect(patient.settings, patient.key) as connection:
        found = (await connection.call("GET", "/api/v1/embeddings"))["generations"]
    building = [each for each in found if each["state"] == "building"]
    if building:
        one = building[0]
        return info(
            "embeddings",
            f"{one['model']} is being built: {one['embedded']} of {one['total']}",
            None,
            "athena embeddings list",
        )
    serving = next((each for each in found if each["state"] == "serving"), None)
    if serving is None:
        return info("embeddings", "nothing was embedded yet")
    return ok("embeddings", f"{serving['model']} serves, {serving['embedded']} of {serving['total']} memories embedded")


async def _file(check: str, patient: Patient, model: Model) -> list[Finding]:
    mend = f"athena pull {model.name}"
    path = inventory.find(model, patient.settings.models_dir)
    if path is None:
        return problem(
            check, f"{model.name} is missing in {patient.settings.models_dir}", "it was moved or deleted", mend
        )
    fault = await asyncio.to_thread(inventory.fault, path, model)
    if fault:
        return problem(check, f"{path} {fault}", "the file is damaged", mend)
    return ok(check, f"{model.name} at {path}")

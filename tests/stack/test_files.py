"""The files of docker/, read over by a machine."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.stack.stack import DOCKER, ROOT, run

_OVERLAYS = ("compose.gpu.yml", "compose.scale.yml", "compose.pinned.yml")
_MIB = 2**20


def config(*overlays: str, **settings: str) -> dict[str, Any]:
    files = [word for name in ("docker-compose.yml", *overlays) for word in ("-f", name)]
    environment = [f"{name}={value}" for name, value in settings.items()]
    compose = ["docker", "compose", "--env-file", "/dev/null", *files, "config", "--format", "json"]
    kept = [f"{name}={os.environ[name]}" for name in ("HOME", "PATH")]
    printed = run(["env", "-i", *kept, *environment, *compose], cwd=DOCKER)
    found: dict[str, Any] = json.loads(printed)
    return found


def variables(text: str) -> set[str]:
    return set(re.findall(r"\$\{([A-Z_0-9]+)", text))


@pytest.mark.parametrize("overlay", _OVERLAYS)
def test_every_overlay_is_valid(overlay: str) -> None:
    assert config(overlay)["services"]["athena"]


def test_every_variable_is_explained_and_none_is_unused() -> None:
    used = {name for file in DOCKER.glob("*.yml") for name in variables(file.read_text())}
    explained = set(re.findall(r"^#?([A-Z][A-Z_0-9]*)=", (DOCKER / ".env.example").read_text(), re.M))
    assert used == explained


def test_the_example_says_the_defaults() -> None:
    example = dict(re.findall(r"^([A-Z][A-Z_0-9]*)=(.*)$", (DOCKER / ".env.example").read_text(), re.M))
    assert config(**example) == config()


def test_what_is_published_is_published_on_loopback() -> None:
    published = {}
    for overlays in ((), _OVERLAYS):
        for name, service in config(*overlays)["services"].items():
            for port in service.get("ports", []):
                assert port["host_ip"] == "127.0.0.1", name
                published[port["published"]] = name
    assert published.keys() == {"8000", "8001", "8002", "8003", "5432"}


def test_memory_adds_up_to_a_machine_of_8_gb() -> None:
    services = config()["services"]
    limits = {name: int(each["mem_limit"]) for name, each in services.items() if each["restart"] == "unless-stopped"}
    assert len(limits) == 5
    assert sum(limits.values()) <= 7.5 * 1024 * _MIB


def test_only_the_database_and_its_schema_gate_athena() -> None:
    gates = {name: each["condition"] for name, each in config()["services"]["athena"]["depends_on"].items()}
    assert gates == {"postgres": "service_healthy", "migrate": "service_completed_successfully"}


def test_the_models_volume_has_its_name_and_a_folder_can_be_bound_instead() -> None:
    assert config()["volumes"]["llamacpp_models"]["name"] == "llamacpp_models"
    bound = config(ATHENA_MODELS_DIR="/srv/models")["services"]
    for name in ("llamacpp-embeddings", "llamacpp-reasoning", "compressor"):
        (models,) = (each for each in bound[name]["volumes"] if each["target"] == "/models")
        assert (models["type"], models["source"], models["read_only"]) == ("bind", "/srv/models", True)


def test_cards_are_chosen_per_server() -> None:
    services = config("compose.gpu.yml", EMBEDDINGS_GPU="1", REASONING_GPU="0", REASONING_GPU_LAYERS="20")["services"]
    for name, card, layers in (("llamacpp-embeddings", "1", "99"), ("llamacpp-reasoning", "0", "20")):
        (device,) = services[name]["deploy"]["resources"]["reservations"]["devices"]
        assert device["device_ids"] == [card]
        assert services[name]["environment"]["GPU_LAYERS"] == layers
        assert ":server-cuda-" in services[name]["image"]


def test_pinned_names_the_same_tags_by_content() -> None:
    plain, pinned = config()["services"], config("compose.pinned.yml")["services"]
    for name in ("postgres", "llamacpp-embeddings", "llamacpp-reasoning"):
        tag, _, digest = pinned[name]["image"].partition("@")
        assert tag == plain[name]["image"]
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest)


def test_pinned_stands_on_the_same_bases_by_content() -> None:
    services = config("compose.pinned.yml")["services"]
    for name in ("athena", "compressor"):
        [base] = re.findall(r"^ARG BASE=(.*)$", (DOCKER / f"{name}.Dockerfile").read_text(), re.M)
        tag, _, digest = services[name]["build"]["args"]["BASE"].partition("@")
        assert tag == base
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest)
        assert re.search(r"-\d{8}-", base), "a tag that isn't moved"


def test_pins_are_written_by_their_script(tmp_path: Path) -> None:
    """With a registry that says what the file says, the same file; with one that says nothing, none."""
    here = tmp_path / "docker"
    shutil.copytree(DOCKER, here)
    pinned = here / "compose.pinned.yml"
    known = dict(re.findall(r"([a-z][\w./:-]+)@(sha256:[0-9a-f]{64})", pinned.read_text()))
    assert len(known) == 4
    registry = tmp_path / "bin" / "docker"
    registry.parent.mkdir()
    cases = "".join(f"{tag}) echo 'Digest:    {digest}' ;;\n" for tag, digest in known.items())
    registry.write_text(f'#!/bin/sh\necho "Name: $4"\ncase $4 in\n{cases}esac\n')
    registry.chmod(0o755)
    before = pinned.read_text()
    pinned.write_text("old")
    path = {"PATH": f"{registry.parent}:{os.environ['PATH']}"}
    run([str(here / "pins.sh")], env=path)
    assert pinned.read_text() == before
    registry.write_text("#!/bin/sh\nexit 1\n")
    run([str(here / "pins.sh")], env=path, check=False)
    assert pinned.read_text() == before


def test_every_make_target_is_there_and_help_says_which_stack_it_means() -> None:
    said = run(["make", "--silent", "help"], cwd=ROOT)
    here, containers, either = re.split(r"^(?:In containers|Either of them).*$", said, flags=re.M)
    assert targets(here) >= {"run", "up", "down", "logs", "status"}
    assert targets(containers) >= {
        *("docker-up", "docker-down", "docker-logs"),
        *("ps", "restart", "build", "models", "gpu-up"),
    }
    assert targets(either) >= {"backup", "restore", "doctor"}
    for name in targets(containers) - {"ps"}:
        assert "docker" in run(["make", "--dry-run", name, "NAME=X"], cwd=ROOT)
    for name in ("up", "down", "status", "logs"):
        assert "docker" not in run(["make", "--dry-run", name], cwd=ROOT)


def targets(text: str) -> set[str]:
    return set(re.findall(r"^  make ([a-z-]+)", text, re.M))


def test_the_database_is_tuned_as_the_embedded_one_is() -> None:
    """But for what a smaller limit asks for."""
    text = (ROOT / "services/athena/athena/runtime/postgres/athena.conf").read_text()
    embedded = {k: v.strip("'") for k, v in re.findall(r"^(\w+) = (.*)$", text, re.M)}
    given = dict(word.removeprefix("-c").split("=", 1) for word in config()["services"]["postgres"]["command"][1:])
    different = {name for name in embedded if given.get(name) != embedded[name]}
    assert different == {"effective_cache_size"}


def test_images_have_what_the_lock_says() -> None:
    def pins(path: str) -> set[str]:
        return set(re.findall(r"^([a-z0-9][\w.-]*==\S+)", (ROOT / path).read_text(), re.M))

    image, whole = pins("docker/athena.lock"), pins("requirements.lock")
    assert image < whole
    assert not any(re.match(r"(xllamacpp|pixeltable)", pin) for pin in image)

"""What the images of ours hold, and what not."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from athena import __version__
from tests.stack.stack import DOCKER, run

_MB = 10**6
# What each may add to its base, without weights.
_MOST = {"athena": 250 * _MB, "compressor": 1_400 * _MB}
_TAGS = {"athena": "athena:local", "compressor": "athena-compressor:local"}
_TOOLS = ("gcc", "g++", "cc", "clang", "ld", "make", "cargo", "rustc", "git", "pip", "pip3")
_WEIGHTS = ("*.gguf", "*.safetensors", "*.onnx", "pytorch_model*.bin", "*.pt")
# In a container of nothing but the image: no network, no volume.
_ALONE = ("docker", "run", "--rm", "--network", "none", "--user", "0", "--entrypoint")


def inspected(image: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(["docker", "image", "inspect", image]))[0]
    return found


def alone(service: str, *words: str) -> str:
    return run([*_ALONE, words[0], _TAGS[service], *words[1:]])


@pytest.mark.parametrize("service", _TAGS)
def test_an_image_is_small(images: None, service: str) -> None:
    [base] = re.findall(r"^ARG BASE=(.*)$", (DOCKER / f"{service}.Dockerfile").read_text(), re.M)
    adds = inspected(_TAGS[service])["Size"] - inspected(base)["Size"]
    print(f"{service} adds {adds / _MB:.0f} MB to {base}")
    assert 0 < adds <= _MOST[service]


@pytest.mark.parametrize("service", _TAGS)
def test_an_image_has_no_compiler_and_no_weights(images: None, service: str) -> None:
    tools = alone(service, "sh", "-c", "".join(f"command -v {tool};" for tool in _TOOLS) + "true")
    assert tools == ""
    names = " -o ".join(f"-name '{name}'" for name in _WEIGHTS)
    assert alone(service, "sh", "-c", rf"find / -xdev -type f \( {names} \) -size +100k") == ""


@pytest.mark.parametrize("service", _TAGS)
def test_an_image_says_what_it_is_and_how_it_is(images: None, service: str) -> None:
    said = inspected(_TAGS[service])["Config"]
    assert said["User"] == "10001:10001"
    assert said["Healthcheck"]["Test"][0] == "CMD"
    for label in ("title", "description", "licenses", "version"):
        assert said["Labels"][f"org.opencontainers.image.{label}"]


def test_an_image_holds_this_version(images: None) -> None:
    code = "import athena; print(athena.__version__)"
    assert alone("athena", "python", "-c", code).strip() == __version__


def test_packages_are_installed_by_their_hashes_alone() -> None:
    for service, lock in (("athena", "docker/athena.lock"), ("compressor", "services/compressor/requirements.lock")):
        text = (DOCKER / f"{service}.Dockerfile").read_text()
        assert (
            f"--require-hashes -r /src/{lock}" in text or f"--require-hashes --only-binary :all: -r /src/{lock}" in text
        )
        pins = re.split(r"\n(?=[a-zA-Z])", (DOCKER.parent / lock).read_text())
        assert all("--hash=sha256:" in pin for pin in pins if re.match(r"[a-zA-Z]", pin))

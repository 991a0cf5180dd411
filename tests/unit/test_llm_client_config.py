"""The setup guide's names are there under `athena.core.config` and follow the settings."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from athena.errors import InvalidSetting


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    for name in ("LLAMACPP_EMBEDDINGS_URL", "LLAMACPP_REASONING_URL", "LLAMACPP_EMBEDDING_DIM", "LLAMACPP_N_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("GGML_NUM_THREADS", raising=False)
    monkeypatch.setenv("ATHENA_HOME", str(tmp_path))
    module = importlib.import_module("athena.core.config")
    yield module
    monkeypatch.undo()
    importlib.reload(module)


def test_unset_names_have_the_guides_addresses_and_leave_the_rest_to_be_found_out(names: ModuleType) -> None:
    importlib.reload(names)
    assert names.LLAMACPP_EMBEDDINGS_URL == "http://localhost:8001"
    assert names.LLAMACPP_REASONING_URL == "http://localhost:8002"
    assert names.LLAMACPP_EMBEDDING_DIM is None
    assert names.LLAMACPP_N_THREADS is None


def test_the_environment_and_the_file_are_both_read(
    names: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "athena.toml").write_text('reasoning_url = "http://gpu:9000/"\n')
    monkeypatch.setenv("LLAMACPP_EMBEDDING_DIM", "768")
    monkeypatch.setenv("LLAMACPP_N_THREADS", "6")
    importlib.reload(names)
    assert names.LLAMACPP_REASONING_URL == "http://gpu:9000"
    assert (names.LLAMACPP_EMBEDDING_DIM, names.LLAMACPP_N_THREADS) == (768, 6)


def test_a_wrong_value_names_its_variable(names: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMACPP_EMBEDDING_DIM", "many")
    with pytest.raises(InvalidSetting, match="LLAMACPP_EMBEDDING_DIM"):
        importlib.reload(names)

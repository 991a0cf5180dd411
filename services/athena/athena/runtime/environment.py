"""What a child process needs in its environment to see the same settings as we do."""

from __future__ import annotations

import os
from functools import reduce
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from athena.config import VARIABLES, Settings

# What our children load lies on disk, or it isn't loaded: a library or a llama-server that thinks it may
# fetch something (LLAMA_ARG_HF_REPO is enough for that), or tell somebody of its use, is told not to.
OFFLINE: Final = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "LLAMA_ARG_OFFLINE": "1",
    "LLAMA_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
}


def environment(settings: Settings) -> dict[str, str]:
    """Every setting that was set, under its variable; the model servers' URLs follow the ports of this stack."""
    values: dict[str, str] = {}
    for (*tables, field), name in VARIABLES.items():
        table = reduce(getattr, tables, settings)
        value = getattr(table, field)
        if value is not None and field in table.model_fields_set | {"home"}:
            values[name] = _text(value)
    values.setdefault("LLAMACPP_EMBEDDINGS_URL", f"http://127.0.0.1:{settings.embeddings_port}")
    values.setdefault("LLAMACPP_REASONING_URL", f"http://127.0.0.1:{settings.reasoning_port}")
    values.setdefault("ATHENA_COMPRESSOR_URL", f"http://127.0.0.1:{settings.compressor_port}")
    return values


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def package_path() -> str:
    """PYTHONPATH with which a child finds this very package, whatever its working directory is."""
    own = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(filter(None, [own, os.environ.get("PYTHONPATH", "")]))

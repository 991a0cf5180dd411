"""What a child process needs in its environment to see the same settings as we do."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import SecretStr

from athena.config import Settings, environment_name


def environment(settings: Settings) -> dict[str, str]:
    """Every setting that was set, under its variable; the model servers' URLs follow the ports of this stack."""
    values: dict[str, str] = {}
    for field in sorted(settings.model_fields_set | {"home"}):
        name = environment_name(field)
        value = getattr(settings, field)
        if name and value is not None:
            values[name] = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    values.setdefault("LLAMACPP_EMBEDDINGS_URL", f"http://127.0.0.1:{settings.embeddings_port}")
    values.setdefault("LLAMACPP_REASONING_URL", f"http://127.0.0.1:{settings.reasoning_port}")
    values.setdefault("ATHENA_COMPRESSOR_URL", f"http://127.0.0.1:{settings.compressor_port}")
    return values


def package_path() -> str:
    """PYTHONPATH with which a child finds this very package, whatever its working directory is."""
    own = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(filter(None, [own, os.environ.get("PYTHONPATH", "")]))

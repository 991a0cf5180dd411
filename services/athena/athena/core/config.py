"""The setup guide's names for where the local models are.

Read once, from the environment and `athena.toml`; a wrong value raises `InvalidSetting`.
"""

from __future__ import annotations

from typing import Final

from athena.config import load

_settings = load()

LLAMACPP_EMBEDDINGS_URL: Final[str] = _settings.embeddings_url
LLAMACPP_REASONING_URL: Final[str] = _settings.reasoning_url
# None: read from the server.
LLAMACPP_EMBEDDING_DIM: Final[int | None] = _settings.embedding_dim
# None: the physical cores within the quota.
LLAMACPP_N_THREADS: Final[int | None] = _settings.n_threads

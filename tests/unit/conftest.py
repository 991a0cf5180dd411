"""What a person has set for an Athena of their own doesn't reach the ones that tests start."""

from __future__ import annotations

import os

from athena.config import Settings, environment_name

# The home stays: where a test forgets to name one, it must not be the default one.
for _name in (environment_name(field) for field in Settings.model_fields if field != "home"):
    if _name is not None:
        os.environ.pop(_name, None)
for _name in ("GGML_NUM_THREADS", "ATHENA_KEY", "ATHENA_URL"):
    os.environ.pop(_name, None)

"""What a person has set for an Athena of their own doesn't reach the ones that tests start."""

from __future__ import annotations

import os

from athena.config import VARIABLES

# The home stays: where a test forgets to name one, it must not be the default one.
for _name in {*VARIABLES.values(), "GGML_NUM_THREADS", "ATHENA_KEY", "ATHENA_URL"} - {"ATHENA_HOME"}:
    os.environ.pop(_name, None)

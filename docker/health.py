"""Exit 0 if this URL answers 200; else say what it says. Standard library only: it runs every few seconds."""

import sys
import urllib.error
import urllib.request
from pathlib import Path

# A service that waits for its model says so here.
_WAITING = Path("/tmp/waiting")  # noqa: S108 - the container's own
_ASKS_FOR_A_KEY = 401

if _WAITING.exists():
    sys.exit(_WAITING.read_text().strip())
try:
    with urllib.request.urlopen(sys.argv[1], timeout=5):  # noqa: S310 - the URL is the image's own
        pass
except urllib.error.HTTPError as exc:
    if exc.code != _ASKS_FOR_A_KEY:
        sys.exit(exc.read(2000).decode(errors="replace"))
except OSError as exc:
    sys.exit(str(exc))

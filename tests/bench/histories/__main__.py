"""`python -m tests.bench.histories GENERATOR SEED SIZE > file.json`"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tests.bench.histories import GENERATORS


def main(arguments: Sequence[str]) -> int:
    try:
        name, seed, size = arguments
        history = GENERATORS[name](int(seed), int(size))
    except (KeyError, ValueError) as exc:
        sys.stderr.write(f"{exc}\nusage: python -m tests.bench.histories {'|'.join(GENERATORS)} SEED SIZE\n")
        return 2
    sys.stdout.write(history.dumps() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

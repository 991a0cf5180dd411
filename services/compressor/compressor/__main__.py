"""`python -m compressor`: serve until told to end. Settings are environment variables; the README lists them."""

from __future__ import annotations

import logging
import sys

import uvicorn

from compressor import config, pool
from compressor.app import create_app
from compressor.errors import CompressorError


def main() -> int:
    try:
        settings = config.load()
        pool.check(settings)
    except CompressorError as exc:
        print(f"compressor: {exc.message}" + (f" ({exc.hint})" if exc.hint else ""), file=sys.stderr)
        return 1
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

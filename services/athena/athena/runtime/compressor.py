"""The compressor service, as the supervisor sees it: started when its environment and its weights are there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from athena.config import Settings
from athena.errors import StackError
from athena.runtime import hardware, llama, probe
from athena.runtime.parts import is_ours
from athena.runtime.ports import CannotStart
from athena.runtime.process import Command, ended

COMPRESSOR = "compressor"
_MODEL = "mbert"
# Its dependencies are heavy and live in an environment of their own: beside the checkout, or installed.
_ENVIRONMENTS = (Path(__file__).resolve().parents[4] / "build" / "compressor-venv", Path(sys.prefix) / "compressor")
_HINT = "services/compressor/README.md says how to install it"


class CompressorPart:
    """LLMLingua-2 on the compressor's own port; absent is no fault, extraction does the work then."""

    name = COMPRESSOR

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        given = settings.compressor_url if "compressor_url" in settings.model_fields_set else None
        self._elsewhere = given if given and not is_ours(given, settings.compressor_port) else None
        self._detail = ""
        self._hint = ""

    @property
    def address(self) -> str:
        return self._elsewhere or f"http://{llama.HOST}:{self._port}"

    @property
    def _port(self) -> int:
        return self._settings.compressor_port

    async def prepare(self) -> Command | None:
        if self._elsewhere:
            self._detail = "runs elsewhere"
            return None
        python = next((found for each in _ENVIRONMENTS if os.access(found := each / "bin" / "python", os.X_OK)), None)
        weights = self._settings.models_dir / COMPRESSOR / _MODEL / "card.json"
        if python is None or not weights.exists():
            missing = "LLMLingua-2 isn't installed" if python is None else "no LLMLingua-2 weights"
            self._detail, self._hint = f"{missing}; extraction compresses without it", _HINT
            return None
        self._detail, self._hint = f"llmlingua-2-{_MODEL}", ""
        llama.check_port(self._port, "compressor")
        settings = self._settings
        return Command(
            argv=(str(python), "-m", "compressor"),
            log=settings.logs_dir / f"{COMPRESSOR}.log",
            record=settings.run_dir / f"{COMPRESSOR}.json",
            env={
                "COMPRESSOR_MODELS_DIR": str(settings.models_dir),
                "COMPRESSOR_HOST": llama.HOST,
                "COMPRESSOR_PORT": str(self._port),
                "COMPRESSOR_THREADS": str(settings.n_threads or hardware.threads()),
            },
            grace_s=6.0,
        )

    async def probe(self) -> bool:
        return await probe.answers(f"{self.address}/health")

    def explain(self, output: list[str], code: int) -> StackError:
        said = next((line.removeprefix("compressor: ") for line in reversed(output) if "compressor: " in line), "")
        if said:
            return CannotStart(said, hint="athena logs compressor", source="compressor")
        return StackError(f"the compressor ended: {ended(code)}", hint="athena logs compressor", source="compressor")

    def describe(self) -> tuple[str, str]:
        return self._detail, self._hint

"""The slow system: the local model proposes, the code decides. Nothing gets in that the events don't bear out."""

from athena.consolidation.slow.judge import Slow
from athena.consolidation.slow.prompts import VERSION
from athena.consolidation.slow.text.suspicion import instructing

__all__ = ["VERSION", "Slow", "instructing"]

"""The fast system of consolidation: pure, deterministic, without a model."""

from athena.consolidation.fast.analyse import analyse

__all__ = ["analyse"]

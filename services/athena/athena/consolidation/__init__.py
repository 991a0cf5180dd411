"""Experience becomes knowledge: events are clustered, patterns proposed, checked, and reconciled with what is known."""

from athena.consolidation.pipeline import ConsolidationPipeline, Pattern, Preview

__all__ = ["ConsolidationPipeline", "Pattern", "Preview"]

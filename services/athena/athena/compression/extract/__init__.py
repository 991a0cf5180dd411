"""Leaves out the sentences and lines that a question needs least."""

from athena.compression.extract.run import Extraction, extract

__all__ = ["Extraction", "extract"]

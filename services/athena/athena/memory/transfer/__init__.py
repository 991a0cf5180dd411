"""The memory as a file of lines, out and in again; the format: `memory/export.md`."""

from athena.memory.transfer.exporter import Exporter
from athena.memory.transfer.importer import Importer
from athena.memory.transfer.report import Imported, LeftOut

__all__ = ["Exporter", "Imported", "Importer", "LeftOut"]

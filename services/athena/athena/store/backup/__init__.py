"""A back-up: one file with everything that can't be downloaded again, and the way back from it."""

from athena.store.backup.archive import Manifest, Probe, Table
from athena.store.backup.ports import Place
from athena.store.backup.restore import restore
from athena.store.backup.take import take

__all__ = ["Manifest", "Place", "Probe", "Table", "restore", "take"]

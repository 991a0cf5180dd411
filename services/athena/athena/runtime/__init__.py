"""Local models and processes: what Athena starts on this machine, and what it downloads."""

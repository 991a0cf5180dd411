"""Athena: memory and gateway for agents on a machine of your own."""

__version__ = "0.1.0"

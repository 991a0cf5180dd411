"""LLMLingua-2 as a service: text in, the words that matter out."""

__version__ = "0.1.0"

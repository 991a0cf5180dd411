"""The compression's tools."""

from __future__ import annotations

from athena.api import compressing
from athena.api.schemas.compression import Compress, CompressedView, OneElision, Original
from athena.api.tools.tool import Tool

COMPRESS = Tool(
    "compress",
    "Shorten a text to what an instruction needs of it. Numbers, names, paths, code and quotes stay as they are; "
    "what is left out is marked with an id and can be had back with `original`.",
    Compress,
    CompressedView,
    compressing.compress,
    {"context": "A long text …", "instruction": "What does it say about prices?", "compression_ratio": 0.5},
)
ORIGINAL = Tool(
    "original",
    "Get back what `compress` left out, by the id in its mark.",
    OneElision,
    Original,
    compressing.original,
    {"id": "9f3a2c1b"},
)

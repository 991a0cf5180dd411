"""What both surfaces do with the compression."""

from __future__ import annotations

from athena.api.deps import Call
from athena.api.schemas.compression import Compress, CompressedView, OneElision, Original
from athena.errors import StoreUnavailable
from athena.rewrite.ledger import Owner


async def compress(call: Call, asked: Compress) -> CompressedView:
    """Works with every part down; what couldn't be had is named in the answer."""
    degraded: list[str] = []
    prefixes = ("", "")
    try:
        serving = (await call.athena.generations.active()).serving
        if serving is not None:
            prefixes = (serving.prefix_query, serving.prefix_document)
    except StoreUnavailable:
        degraded.append("postgres: originals of what was left out are not kept")
    done = await call.athena.client.compress(
        asked.context,
        asked.instruction,
        ratio=asked.compression_ratio,
        target_tokens=asked.target_tokens,
        budget_ms=asked.budget_ms,
        lossless_only=asked.lossless_only,
        prefixes=prefixes,
    )
    if not degraded and done.elisions:
        try:
            await call.athena.ledger.keep_originals(Owner(call.principal, asked.project), done.elisions)
        except StoreUnavailable:
            degraded.append("postgres: originals of what was left out are not kept")
    call.spent("compression", done.latency_ms)
    call.metrics.operation("compress")
    return CompressedView.of(done, degraded)


async def original(call: Call, asked: OneElision) -> Original:
    text = await call.athena.ledger.original(Owner(call.principal, asked.project), asked.id)
    return Original(id=asked.id, text=text)

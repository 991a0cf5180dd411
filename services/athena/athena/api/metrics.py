"""What Prometheus may ask: one registry per app, labels only of few values."""

from __future__ import annotations

import asyncio

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from athena import __version__

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """The instruments. Durations are given in milliseconds and exposed in seconds, as is the custom there."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        labels = ("method", "route", "status")
        self._requests = Counter("athena_requests", "Requests answered.", labels, registry=self.registry)
        self._latency = self._histogram("athena_request_seconds", "Time to the end of the answer.", ("route",))
        self._operations = Counter(
            "athena_memory_operations", "Memory operations done.", ("operation",), registry=self.registry
        )
        self._parts = self._histogram("athena_part_seconds", "Time spent in a part of a request.", ("part",))
        self._pending = Gauge("athena_pending_embeddings", "Memories without a vector yet.", registry=self.registry)
        self._degraded = Gauge("athena_degraded", "1 where a part isn't up.", ("part",), registry=self.registry)
        self._tasks = Gauge("athena_tasks", "Asyncio tasks alive; at rest always as many.", registry=self.registry)
        Gauge("athena_info", "The version.", ("version",), registry=self.registry).labels(__version__).set(1)

    def request(self, method: str, route: str, status: int, latency_ms: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._latency.labels(route).observe(latency_ms / 1e3)

    def operation(self, name: str, count: int = 1) -> None:
        """`count` memories remembered, or one recall, and so on."""
        self._operations.labels(name).inc(count)

    def part(self, name: str, latency_ms: float) -> None:
        """`name`: embedding, search or reasoning."""
        self._parts.labels(name).observe(latency_ms / 1e3)

    def state(self, degraded: dict[str, bool], pending: int | None) -> None:
        for part, is_degraded in degraded.items():
            self._degraded.labels(part).set(1 if is_degraded else 0)
        if pending is not None:
            self._pending.set(pending)

    def exposition(self) -> bytes:
        self._tasks.set(len(asyncio.all_tasks()))
        return generate_latest(self.registry)

    def _histogram(self, name: str, text: str, labels: tuple[str, ...]) -> Histogram:
        return Histogram(name, text, labels, buckets=_SECONDS, registry=self.registry)

"""What Prometheus reads."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """A registry of its own, so that two servers in one process don't collide."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "compressor_requests", "Requests by outcome (ok, or the error's code)", ["outcome"], registry=self._registry
        )
        self.tokens = Counter(
            "compressor_tokens", "Tokens that came in and that were kept", ["side"], registry=self._registry
        )
        self.seconds = Histogram(
            "compressor_seconds",
            "Time from request to answer",
            ["engine", "model"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.waiting = Gauge("compressor_queue_waiting", "Requests that wait for their turn", registry=self._registry)
        self.ready = Gauge("compressor_ready", "1 when the models are loaded", registry=self._registry)

    def text(self) -> bytes:
        return generate_latest(self._registry)

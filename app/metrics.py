"""What the service counts and times, for Prometheus."""

import os
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Metrics:
    """The metrics of one process; with several workers the scrape adds them up."""

    content_type: Final = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self._requests = Histogram(
            "stakebook_request_seconds",
            "HTTP requests by method, route and status: their number, and the time to the answer.",
            ("method", "route", "status"),
            buckets=_SECONDS,
            registry=registry,
        )
        self._commands = Counter(
            "stakebook_commands",
            "Commands by operation and outcome.",
            ("operation", "outcome"),
            registry=registry,
        )
        self._batch_size = Histogram(
            "stakebook_batch_size", "Commands in a batch.", buckets=_SIZES, registry=registry
        )
        self._queue_depth = Gauge(
            "stakebook_queue_depth",
            "Commands left waiting when a batch was taken.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._queue_seconds = Histogram(
            "stakebook_queue_seconds",
            "Time that the first command of a batch waited for it.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._commit_seconds = Histogram(
            "stakebook_commit_seconds",
            "Time from taking a batch to its commit.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._followers = Gauge(
            "stakebook_feed_followers",
            "Streams that are open, and requests that wait for events.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._retries = Counter(
            "stakebook_retries", "Batches run again, by reason.", ("reason",), registry=registry
        )
        # Looking a child up by its labels costs more than counting; there are few of them.
        self._request_children: dict[tuple[str, str, int], Histogram] = {}
        self._command_children: dict[tuple[str, str], Counter] = {}

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one HTTP request; `route` is the template, never the path."""
        key = (method, route, status)
        if (child := self._request_children.get(key)) is None:
            child = self._request_children[key] = self._requests.labels(method, route, str(status))
        child.observe(seconds)

    def outcome(self, operation: str, outcome: str, number: int = 1) -> None:
        """Count commands that ended alike."""
        key = (operation, outcome)
        if (child := self._command_children.get(key)) is None:
            child = self._command_children[key] = self._commands.labels(operation, outcome)
        child.inc(number)

    def batch(self, size: int, left: int, waited_seconds: float) -> None:
        """Record a batch that was taken from the queue."""
        self._batch_size.observe(size)
        self._queue_depth.set(left)
        self._queue_seconds.observe(waited_seconds)

    def committed(self, seconds: float) -> None:
        """Record a batch that was committed."""
        self._commit_seconds.observe(seconds)

    def retried(self, reason: str) -> None:
        """Count a batch that has to be run again."""
        self._retries.labels(reason).inc()

    def followers(self, number: int) -> None:
        """Record how many follow a log now."""
        self._followers.set(number)

    def exposition(self) -> bytes:
        """The text that a scrape receives, of all workers together."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self._registry)
        everybody = CollectorRegistry()
        MultiProcessCollector(everybody)  # type: ignore[no-untyped-call]  # untyped library
        return generate_latest(everybody)

"""Counts and times every request that finds a route."""

from time import perf_counter
from typing import cast

from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from app.metrics import Metrics


class RequestsSeen(ASGIMiddleware):
    """Reports each request to the metrics once its answer begins."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass the request on and report it."""
        started = perf_counter()
        values = cast("dict[str, object]", scope)
        method = str(values.get("method", ""))

        async def reporting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._metrics.request(
                    method,
                    str(values.get("path_template", "")),
                    message["status"],
                    perf_counter() - started,
                )
            await send(message)

        await next_app(scope, receive, reporting)

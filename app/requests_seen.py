"""Counts and times every HTTP request, whether or not there is a route for it."""

from time import perf_counter
from typing import Any, Final, cast

from litestar import Litestar
from litestar.types import Message, Receive, Scope, Send

from app.metrics import Metrics

NO_ROUTE: Final = "none"
# A stranger can invent methods; labels must not grow with them.
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER_METHOD: Final = "other"


class RequestsSeen:
    """The application with every request reported to its metrics once the answer begins.

    Around the application and not a middleware in it: Litestar answers what has no route
    before any middleware, and handles failures once more for every middleware.
    """

    def __init__(self, app: Litestar) -> None:
        self._app = app
        self._metrics = cast("Metrics", app.state["metrics"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and report it."""
        request = cast("dict[str, Any]", scope)
        if request["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        method = request["method"] if request["method"] in METHODS else OTHER_METHOD

        async def reporting(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = request.get("path_template", NO_ROUTE)
                self._metrics.request(method, route, message["status"], perf_counter() - started)
            await send(message)

        await self._app(scope, receive, reporting)

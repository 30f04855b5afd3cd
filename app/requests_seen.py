"""Counts and times every HTTP request, whether or not it gets as far as a route."""

from collections.abc import Awaitable
from time import perf_counter
from typing import Any, Final, cast

from litestar import Litestar
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from app.door import Door
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
        self._door = cast("Door", app.state["door"])

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass the request on and report it.

        Neither this nor what it passes on as `send` is a coroutine of its own: every request
        would pay for two more.
        """
        request = cast("dict[str, Any]", scope)
        if request["type"] != "http":
            return self._app(scope, receive, send)
        door, started = self._door, perf_counter()
        app: ASGIApp = self._app
        command = request["method"] == "POST"
        if command and door.is_closed(request["headers"]):
            app, command = door.turn_away, False
        elif command:
            door.enter()

        def reporting(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                method = request["method"] if request["method"] in METHODS else OTHER_METHOD
                route = request.get("path_template", NO_ROUTE)
                self._metrics.request(method, route, message["status"], perf_counter() - started)
                if command:
                    door.leave()
            return send(message)

        return app(scope, receive, reporting)

"""Answers to web pages of other origins: which of them browsers let read what (CORS)."""

from collections.abc import Awaitable
from typing import Any, Final, cast

from litestar.config.cors import CORSConfig
from litestar.types import (
    ASGIApp,
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
    Message,
    Receive,
    Scope,
    Send,
)

from app import response_headers
from app.origins import Origins
from app.response_headers import RawHeaders

# Litestar adds Content-Type and others that need no word.
_SENT: Final = (
    *("X-Tenant-Id", "Idempotency-Key", "Authorization"),
    *("If-Match", "If-None-Match", "Last-Event-ID"),
    *("X-Correlation-Id", "X-Request-Id", "traceparent"),
)
_READ: Final = (
    *("ETag", "Location", "Link", "Idempotent-Replayed", "X-Request-Id"),
    *("Retry-After", "RateLimit", "RateLimit-Policy", "WWW-Authenticate"),
)
_ORIGIN: Final = b"origin"
_ASKED_METHOD: Final = b"access-control-request-method"
_NO_CONTENT: Final = 204


def policy(origins: Origins) -> CORSConfig:
    """What pages of these origins may send and read; never with cookies, as there are none."""
    return CORSConfig(
        allow_origins=list(origins),
        allow_methods=["GET", "HEAD", "PATCH", "POST"],
        allow_headers=list(_SENT),
        expose_headers=list(_READ),
        allow_credentials=False,
        max_age=600,
    )


class CrossOrigin:
    """An application whose answers say what pages of other origins may do with them.

    Litestar's own middleware does as much, but answers a preflight that it refuses with plain
    text, puts `Vary: Origin` in the place of another Vary and leaves it out where it matters to
    caches: without an Origin (docs/decisions/0019-browsers.md).
    """

    def __init__(self, app: ASGIApp, allowed: CORSConfig) -> None:
        self._app = app
        self._allowed = allowed
        self._preflight = response_headers.raw(_without_vary(allowed.preflight_headers))
        self._simple = response_headers.raw(allowed.simple_headers)
        self._vary: RawHeaders = () if allowed.is_allow_all_origins else ((b"vary", b"Origin"),)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass a request on; a preflight of an allowed origin is answered here."""
        request = cast("dict[str, Any]", scope)
        headers = dict(request["headers"])
        origin = headers.get(_ORIGIN)
        if origin is None or not self._allowed.is_origin_allowed(origin.decode("latin-1")):
            return self._app(scope, receive, _adding(self._vary, send))
        named: RawHeaders = self._vary and ((b"access-control-allow-origin", origin),)
        if request["method"] == "OPTIONS" and _ASKED_METHOD in headers:
            return _answer_preflight(self._preflight + named + self._vary, send)
        return self._app(scope, receive, _adding(self._simple + named + self._vary, send))


def _without_vary(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "Vary"}


def _adding(more: RawHeaders, send: Send) -> Send:
    """`send` with `more` headers at the end of those of the answer, none of which they replace."""

    def sending(message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *more]
        return send(message)

    return sending


async def _answer_preflight(headers: RawHeaders, send: Send) -> None:
    start = {"type": "http.response.start", "status": _NO_CONTENT, "headers": headers}
    await send(cast("HTTPResponseStartEvent", start))
    end = {"type": "http.response.body", "body": b"", "more_body": False}
    await send(cast("HTTPResponseBodyEvent", end))

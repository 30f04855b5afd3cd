"""Texts that would do harm where they are taken for more than texts, and where they can be put."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from tests.app.api.documented import resolved
from tests.app.api.operations import BODIES, OPERATIONS, Operation
from tests.conftest import EXTERNAL_TENANT

INJECTED: Final = "X-Injected"
_SQL: Final = (
    "'; DROP TABLE bets_view; --",
    "' OR '1'='1",
    '") OR 1=1 --',
    "1); DELETE FROM bet_events; --",
    "$1",
    "$$; SELECT pg_sleep(60) $$",
    ":tenant_id",
    "%(tenant_id)s",
    "\\'; TRUNCATE tenants; --",
    "{10001,10002}",
    "%",
)
_JSON: Final = (
    '","tenant_id":10001,"user_id":"',
    '"}],"next":[{"tenant_id":10001',
    "\\u0000",
    "\\",
)
_CODE: Final = ("{0.__class__}", "%s%n", "<script>alert(1)</script>", "${env:DATABASE_URL}")
_HEADERS: Final = (
    f"a\r\n{INJECTED}: 1",
    f"a\n{INJECTED}: 1",
    f"a\r{INJECTED}: 1",
    f"%0d%0a{INJECTED}: 1",
    f"\u010d\u010a{INJECTED}: 1",  # a carriage return and a line feed once cut to eight bits
    f"\u2028{INJECTED}: 1",
    "\n\ndata: {}\n\n",
)
_PATHS: Final = (
    "../../../../etc/passwd",
    "..\\..\\etc\\passwd",
    "/etc/passwd",
    "%2e%2e%2fetc%2fpasswd",
    "..%252f..%252fetc",
    "file:///etc/passwd",
    "a\0.css",
)
PAYLOADS: Final = (*_SQL, *_JSON, *_CODE, *_HEADERS, *_PATHS)


class Spot(NamedTuple):
    """A place in a request of an operation that takes a text."""

    operation: Operation
    place: str
    name: str

    def __str__(self) -> str:
        return f"{self.operation.id} {self.place} {self.name}"

    def takes(self, payload: str) -> bool:
        """Whether a client can put it there: it sends no control character in a header."""
        return self.place != "header" or payload.isprintable()

    def request(self, path: Mapping[str, str], payload: str) -> dict[str, Any]:
        """What httpx needs for a request with the payload there, and `path` in the path."""
        parts = {"slug": "not-found", "name": "bet_event", "tenant_id": EXTERNAL_TENANT, **path}
        if self.place == "path":
            parts[self.name] = quote(payload, safe="")
        body = BODIES.get(self.operation.id)
        return {
            "method": self.operation.method,
            "url": self.operation.template.format(**parts),
            "params": {self.name: payload} if self.place == "query" else None,
            "headers": {self.name: payload.encode()} if self.place == "header" else {},
            "json": {**body, self.name: payload} if body and self.place == "body" else body,
        }


def spots() -> Iterator[Spot]:
    """Every place of every operation."""
    for operation in OPERATIONS:
        for place in ("path", "query", "header"):
            for name in operation.parameters(place):
                yield Spot(operation, place, name)
        for name in _members(operation):
            yield Spot(operation, "body", name)


def _members(operation: Operation) -> Iterator[str]:
    content = operation.described.get("requestBody", {}).get("content", {})
    for media_type in content.values():
        schema = resolved(media_type["schema"])
        for option in schema.get("oneOf", [schema]):
            yield from resolved(option).get("properties", {})
        return

"""The operations of the service as its OpenAPI document lists them."""

import re
from functools import cache
from typing import Any, Final, NamedTuple

import httpx
from msgspec.json import decode, encode

from app.factory import create_app
from app.settings import Settings
from tests.conftest import bet_body


class Operation(NamedTuple):
    """One method of one path, with its part of the document."""

    id: str
    method: str
    template: str
    described: dict[str, Any]

    @property
    def responses(self) -> dict[str, Any]:
        """The responses by status."""
        responses: dict[str, Any] = self.described["responses"]
        return responses

    @property
    def scope(self) -> str | None:
        """The scope that a token must allow; None lets everybody in."""
        needed: list[dict[str, list[str]]] = self.described["security"]
        return next((scope for each in needed for scope in each["bearer"]), None)

    def parameters(self, place: str) -> dict[str, dict[str, Any]]:
        """The parameters in `place` (path, query, header) by name."""
        listed = self.described.get("parameters", [])
        return {parameter["name"]: parameter for parameter in listed if parameter["in"] == place}


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document, from an application that is never started."""
    schema = create_app("postgresql://nowhere", Settings()).openapi_schema
    written: dict[str, Any] = decode(encode(schema.to_schema()))
    return written


OPERATIONS: Final = [
    Operation(described["operationId"], method.upper(), template, described)
    for template, methods in document()["paths"].items()
    for method, described in methods.items()
]
BY_ID: Final = {operation.id: operation for operation in OPERATIONS}
OF_TENANTS: Final = [each for each in OPERATIONS if "X-Tenant-Id" in each.parameters("header")]
SCOPED: Final = [each for each in OPERATIONS if each.scope is not None]
STREAMS: Final = {"followFeed"}
READS: Final = [each for each in OF_TENANTS if each.method == "GET" and each.id not in STREAMS]
COMMANDS: Final = [each for each in OF_TENANTS if each.method == "POST"]

# A valid body for each command that takes one.
BODIES: Final[dict[str, dict[str, object]]] = {
    "placeBet": bet_body(),
    "settleBet": {"result": "win"},
    "cancelBet": {"reason": "fixture called off"},
    "makePayment": {"user_id": "user-1", "amount": 100},
    "failPayment": {"reason": "card declined"},
    "createTenant": {"id": 20002, "name": "Renamed", "slug": "renamed"},
    "changeTenant": {"slug": "renamed"},
}


def operation_of(request: httpx.Request) -> Operation | None:
    """The operation that `request` addresses, if there is one."""
    path = request.url.raw_path.decode().partition("?")[0]
    fitting = [
        operation
        for operation in OPERATIONS
        if operation.method == request.method
        and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", operation.template), path)
    ]
    # A fixed segment goes before a parameter.
    return min(fitting, key=lambda operation: operation.template.count("{"), default=None)

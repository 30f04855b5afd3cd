"""Rate limits: each tenant's commands and reads are counted before anything is done for them."""

from time import monotonic_ns
from typing import Any, Final, TypeAlias, cast

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.types import Message, Scope

from app import headers
from app.openapi import TenantOperation
from app.problems import QUOTA_EXCEEDED, problem
from app.quota import Allowance, Quota
from app.service import LedgerRequest
from app.settings import Settings

Fields: TypeAlias = list[tuple[bytes, bytes]]
Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]

_FIELDS: Final = "rate limit fields"  # of the answer, in the state of its request


class RateLimits:
    """The quotas that are set; false if there are none, and then nothing need call it.

    A command is what may change something, a read any other request about a tenant's data.
    """

    def __init__(self, settings: Settings) -> None:
        burst = settings.burst_seconds
        self._quotas = {
            name: Quota(name, per_second, burst)
            for name, per_second in (
                ("commands", settings.commands_per_second),
                ("reads", settings.reads_per_second),
            )
            if per_second is not None
        }

    def __bool__(self) -> bool:
        return bool(self._quotas)

    async def guard(self, connection: Connection, handler: BaseRouteHandler) -> None:
        """Litestar's guard: count a request, which must be one that its caller may make.

        Raises `Problem` when the quota is used up, and when the tenant is not understood.
        """
        quota = self._quota_of(handler)
        if quota is None:
            return
        fields = [_policy(quota)]
        connection.scope["state"][_FIELDS] = fields
        allowance = quota.spend(headers.tenant_id(connection.scope["headers"]), monotonic_ns())
        fields.append(_left(quota, allowance))
        if allowance.granted:
            return
        fields.append((b"retry-after", b"%d" % allowance.wait_seconds))
        # Read in any case, or it would be in the way of the connection's next request.
        await cast("LedgerRequest", connection).body()
        raise problem(
            QUOTA_EXCEEDED,
            f"{quota.size} {quota.name} may be made in {quota.window_seconds} s; nothing was done.",
            **{"violated-policies": [quota.name]},
        )

    async def add_fields(self, message: Message, scope: Scope) -> None:
        """Litestar's hook before anything is sent: say what the quota is and what is left."""
        if message["type"] == "http.response.start":
            fields: Fields = scope["state"].get(_FIELDS, [])
            message["headers"] = [*message["headers"], *fields]

    def _quota_of(self, handler: BaseRouteHandler) -> Quota | None:
        if not isinstance(handler, HTTPRouteHandler):
            return None
        if not issubclass(handler.operation_class, TenantOperation):
            return None
        return self._quotas.get("reads" if "GET" in handler.http_methods else "commands")


# Both as in draft-ietf-httpapi-ratelimit-headers-10, lists of structured fields (RFC 9651).
def _policy(quota: Quota) -> tuple[bytes, bytes]:
    policy = f'"{quota.name}";q={quota.size};w={quota.window_seconds}'
    return b"ratelimit-policy", policy.encode()


def _left(quota: Quota, allowance: Allowance) -> tuple[bytes, bytes]:
    left = f'"{quota.name}";r={allowance.remaining};t={allowance.wait_seconds}'
    return b"ratelimit", left.encode()

"""The scopes: what a token may allow its bearer to do."""

from typing import Final, Literal, TypeAlias, get_args

Scope: TypeAlias = Literal[
    "bets:write",
    "bets:read",
    "payments:write",
    "payments:read",
    "reports:read",
    "audit:read",
    "tenants:admin",
]

SCOPES: Final[frozenset[Scope]] = frozenset(get_args(Scope))
# About tenants as such; every other scope is about the data of the one in X-Tenant-Id.
OVER_TENANTS: Final[Scope] = "tenants:admin"
SCHEME: Final = "bearer"  # the name of the security scheme in OpenAPI

"""Tokens as an issuer makes them, as strangers do, and callers who have one."""

import base64
import json
import time
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, Final, TypeAlias

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from app.scopes import SCOPES
from tests.conftest import DEFAULT_TENANT, EXTERNAL_TENANT, INTERNAL_TENANT, Client

AUDIENCE: Final = "stakebook"
ISSUER: Final = "https://issuer.test"
SUBJECT: Final = "auth0|anna"
SECRET: Final = "a secret for the tokens of the tests, of 50 bytes."
TENANTS: Final = (DEFAULT_TENANT, EXTERNAL_TENANT, INTERNAL_TENANT)

# The settings of a service that takes tokens; `WITH_SECRET` those that `token` makes.
WITH_TOKENS: Final[dict[str, Any]] = {
    "auth": "jwt",
    "jwt_audience": AUDIENCE,
    "jwt_issuer": ISSUER,
    "jwt_leeway_seconds": 0.0,
}
WITH_SECRET: Final[dict[str, Any]] = WITH_TOKENS | {"jwt_secret": SECRET}

PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class Issuer:
    """Who signs tokens with a key pair of his own; `jwk` is the public half in a key set."""

    def __init__(self, algorithm: str, key_id: str | None = "key-1") -> None:
        self.algorithm = algorithm
        self.key_id = key_id
        self.private: PrivateKey = _MAKERS[algorithm]()
        named = {} if key_id is None else {"kid": key_id}
        self.jwk: dict[str, Any] = _public(self.private) | named

    def token(self, header: Mapping[str, Any] | None = None, **replaced: Any) -> str:
        """A token with everything that it takes, with claims replaced, or left out if None."""
        named = {} if self.key_id is None else {"kid": self.key_id}
        return jwt.encode(
            claims(**replaced), self.private, self.algorithm, headers=named | dict(header or {})
        )


def claims(**replaced: Any) -> dict[str, Any]:
    """Claims that allow everything on all tenants of the tests, with some replaced.

    One that is None is left out.
    """
    usual = {
        "sub": SUBJECT,
        "iss": ISSUER,
        "aud": AUDIENCE,
        "exp": int(time.time()) + 600,
        "scope": " ".join(sorted(SCOPES)),
        "tenants": list(TENANTS),
    }
    return {name: value for name, value in (usual | replaced).items() if value is not None}


def token(**replaced: Any) -> str:
    """A token for a service with the secret of the tests."""
    return jwt.encode(claims(**replaced), SECRET, "HS256")


def by_hand(header: Mapping[str, Any], payload: bytes, sign: Callable[[bytes], bytes]) -> str:
    """A token such as no library makes."""
    signed = b".".join(_encoded(part) for part in (json.dumps(header).encode(), payload))
    return b".".join((signed, _encoded(sign(signed)))).decode()


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def calling(
    client: Client, token: str, tenant_id: int | None = None
) -> AsyncGenerator[Client, None]:
    """The same service, called with a token."""
    async with httpx.AsyncClient(
        base_url=client.http.base_url,
        headers=bearer(token),
        event_hooks=client.http.event_hooks,
        timeout=30,
    ) as http:
        yield Client(http, client.tenant_id if tenant_id is None else tenant_id)


def key_set(issuers: Collection[Issuer]) -> dict[str, Any]:
    """What a service reads of these issuers."""
    return {"keys": [issuer.jwk for issuer in issuers]}


@cache
def issuer(algorithm: str = "RS256", key_id: str = "key-1") -> Issuer:
    """An issuer; making keys takes time, so each is made once."""
    return Issuer(algorithm, key_id)


def _encoded(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def _public(private: PrivateKey) -> dict[str, Any]:
    if isinstance(private, rsa.RSAPrivateKey):
        return RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
    return OKPAlgorithm.to_jwk(private.public_key(), as_dict=True)


_MAKERS: Final[dict[str, Callable[[], PrivateKey]]] = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}

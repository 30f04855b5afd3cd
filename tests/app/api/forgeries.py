"""Tokens that nobody may accept, and what is wrong with each."""

import hmac
import time
from collections.abc import Callable
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec.json import encode

from tests.app.api.tokens import AUDIENCE, Issuer, by_hand, claims

_STRANGER: Final = Issuer("RS256")  # whose key has the same id


def _hashed(key: bytes) -> Callable[[bytes], bytes]:
    return lambda signed: hmac.digest(key, signed, "sha256")


def _with_public_key(of: Issuer) -> str:
    """Signed with what everybody knows, as if it were the secret of HS256."""
    public = of.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": "HS256", "kid": of.key_id}
    return by_hand(header, encode(claims()), _hashed(public))


def _tampered(of: Issuer) -> str:
    """The signature of a token that allows nothing, under claims that allow everything."""
    head, _, signature = of.token(scope="", tenants=[]).split(".")
    return ".".join((head, of.token().split(".")[1], signature))


def _claimed(**replaced: Any) -> Callable[[Issuer], str]:
    return lambda of: of.token(**replaced)


def _headed(**header: Any) -> Callable[[Issuer], str]:
    return lambda of: of.token(header)


# What is wrong, the token, and a word of the answer that helps.
FORGERIES: Final[dict[str, tuple[Callable[[Issuer], str], str]]] = {
    "not a token": (lambda _: "nonsense", "not understood"),
    "three times nothing": (lambda _: "..", "not understood"),
    "no ASCII": (lambda _: "\xe9.\xe9.\xe9", "not understood"),
    "of a stranger": (lambda _: _STRANGER.token(), "not signed"),
    "of a stranger who brings his key": (
        lambda of: jwt.encode(
            claims(), _STRANGER.private, "RS256", {"kid": of.key_id, "jwk": _STRANGER.jwk}
        ),
        "not signed",
    ),
    "of a key that nobody knows": (_headed(kid="key-99"), "not signed"),
    "the id of its key is a number": (
        lambda _: by_hand({"alg": "RS256", "kid": 1}, encode(claims()), _hashed(b"")),
        "not understood",
    ),
    "not signed": (lambda _: jwt.encode(claims(), "", "none"), "not understood"),
    "not signed, with the id of a key": (
        lambda of: jwt.encode(claims(), "", "none", {"kid": of.key_id}),
        "not signed",
    ),
    "its signature is cut off": (lambda of: of.token().rpartition(".")[0] + ".", "not signed"),
    "signed with the public key": (_with_public_key, "not signed"),
    "signed by another algorithm of the key": (
        lambda of: jwt.encode(claims(), of.private, "RS512", {"kid": of.key_id}),
        "not signed",
    ),
    "tampered with": (_tampered, "not signed"),
    "an extension that must be understood": (_headed(crit=["exp"]), "not understood"),
    "its claims are no object": (
        lambda of: by_hand({"alg": "RS256", "kid": of.key_id}, b"[]", _hashed(b"")),
        "not understood",
    ),
    "too long": (_claimed(more="x" * 9000), "longer"),
    "expired": (_claimed(exp=int(time.time()) - 1), "expired"),
    "expired at the beginning of time": (_claimed(exp=0), "expired"),
    "without an end": (_claimed(exp=None), "exp"),
    "its end is a text": (_claimed(exp=str(int(time.time()) + 600)), "exp"),
    "its end is no number": (_claimed(exp=[]), "not understood"),
    "not valid yet": (_claimed(nbf=int(time.time()) + 300), "not valid yet"),
    "made in the future": (_claimed(iat=int(time.time()) + 300), "not valid yet"),
    "for somebody else": (_claimed(aud="another"), "audience"),
    "for several, none of them us": (_claimed(aud=["another", "one more"]), "audience"),
    "for nobody": (_claimed(aud=None), "aud"),
    "from somebody else": (_claimed(iss="https://issuer.test/"), "issuer"),
    "from nobody": (_claimed(iss=None), "iss"),
    "of nobody": (_claimed(sub=None), "sub"),
    "its subject is empty": (_claimed(sub=""), "sub"),
    "its subject is too long": (_claimed(sub="x" * 129), "sub"),
    "its subject breaks a line": (_claimed(sub="anna\n"), "sub"),
    "its subject is NUL": (_claimed(sub="\0"), "sub"),
    "its subject is half a character": (_claimed(sub="\ud800"), "sub"),
    "its tenants are a text": (_claimed(tenants="10001"), "tenants"),
    "its tenants are half a character": (_claimed(tenants="\ud800"), "tenants"),
    "its tenants are texts": (_claimed(tenants=["10001"]), "tenants"),
    "its tenants are true": (_claimed(tenants=[True]), "tenants"),
    "its tenants are fractions": (_claimed(tenants=[10001.5]), "tenants"),
    "its scopes are a list": (_claimed(scope=["bets:read"]), "scope"),
}

# Unusual, and still to be accepted.
GENUINE: Final[dict[str, Callable[[Issuer], str]]] = {
    "for several, us among them": _claimed(aud=["another", AUDIENCE]),
    "with claims that nobody asked for": _claimed(email="anna@example.test", groups=["a"]),
    "its end is a fraction": _claimed(exp=time.time() + 600),
    "its end is far away": _claimed(exp=10**30),
    "its subject is as long as can be": _claimed(sub="ü" * 128),
    "valid since now": _claimed(nbf=int(time.time()), iat=int(time.time())),
    "with more tenants than one": _claimed(tenants=[1, 2**70, -1, 10001]),
}

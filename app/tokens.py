"""Bearer tokens: what one grants, once its signature and its claims hold."""

from collections.abc import Sequence
from hashlib import sha256
from time import time
from typing import Annotated, Final

import jwt
import msgspec
from jwt.types import Options
from msgspec import Meta, Struct

from app.challenge import token_invalid
from app.grant import Grant
from app.problems import UNAVAILABLE, problem
from app.settings import Settings
from app.signing_keys import Keys, NotRead

MOST_TOKEN_BYTES: Final = 8192
MOST_REMEMBERED: Final = 4096
LONGEST_SUBJECT: Final = 128

# No control characters and no lone surrogates: it becomes text in PostgreSQL.
_SUBJECT: Final = r"^[^\x00-\x1f\x7f-\x9f\ud800-\udfff]+$(?!\n)"
_LAST_SECOND: Final = 2**53
_OPTIONS: Final[Options] = {
    "require": ["exp", "sub", "aud", "iss"],
    "verify_sub": False,  # Claims are stricter
    "enforce_minimum_key_length": True,
}


class Claims(Struct, frozen=True):
    """The claims that are read once the token holds; all others are of no account."""

    sub: Annotated[str, Meta(min_length=1, max_length=LONGEST_SUBJECT, pattern=_SUBJECT)]
    exp: int | float
    scope: str = ""
    tenants: Sequence[int] = ()


class Tokens:
    """Checks tokens, and remembers those that hold: a signature costs more than all the rest."""

    def __init__(self, keys: Keys, settings: Settings) -> None:
        self._keys = keys
        self._version = keys.version
        self._audience = settings.jwt_audience
        self._issuer = settings.jwt_issuer
        self._leeway = settings.jwt_leeway_seconds
        self._remembered: dict[bytes, Grant] = {}

    async def grant(self, token: bytes) -> Grant:
        """What `token` grants now. Raises `Problem`."""
        if len(token) > MOST_TOKEN_BYTES:
            raise token_invalid(f"The token is longer than {MOST_TOKEN_BYTES} bytes.")
        if self._version != self._keys.version:  # a key may have been withdrawn
            self._remembered.clear()
            self._version = self._keys.version
        digest = sha256(token).digest()
        remembered = self._remembered.pop(digest, None)
        if remembered is None or remembered.expires <= time():
            remembered = await self._verified(token)
        self._remember(digest, remembered)
        return remembered

    def _remember(self, digest: bytes, grant: Grant) -> None:
        self._remembered[digest] = grant
        if len(self._remembered) > MOST_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]

    async def _verified(self, token: bytes) -> Grant:
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            if (key := await self._keys.key(key_id)) is None:
                raise token_invalid(_NOT_OURS)
            # The algorithm is the key's; what the token says can only fail to be the same.
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=self._audience,
                issuer=self._issuer,
                leeway=self._leeway,
                options=_OPTIONS,
            )
            return self._grant(msgspec.convert(claims, Claims))
        except NotRead as error:
            raise problem(UNAVAILABLE, "The keys of tokens cannot be read.") from error
        # A lone surrogate where no text is expected is not a matter of validation to msgspec.
        except (msgspec.ValidationError, UnicodeError) as error:
            raise token_invalid(_MALFORMED) from error
        except jwt.PyJWTError as error:
            raise token_invalid(_reason(error)) from error

    def _grant(self, claims: Claims) -> Grant:
        expires = float(min(claims.exp, _LAST_SECOND))
        return Grant(
            subject=claims.sub,
            scopes=frozenset(claims.scope.split(" ")),
            tenants=frozenset(claims.tenants),
            expires=expires,
            until=expires + self._leeway,
        )


_NOT_OURS: Final = "The token is not understood, or not signed with a key that is accepted here."
_MALFORMED: Final = "One of the claims sub, exp, scope, tenants is not what it should be."
_REASONS: Final[dict[type[jwt.PyJWTError], str]] = {
    jwt.ExpiredSignatureError: "The token has expired.",
    jwt.ImmatureSignatureError: "The token is not valid yet.",
    jwt.InvalidAudienceError: "The token is for another audience.",
    jwt.InvalidIssuerError: "The token is from another issuer.",
}


def _reason(error: jwt.PyJWTError) -> str:
    """What helps the caller; of a signature only that it is not accepted."""
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"The token lacks the claim {error.claim}."
    return _REASONS.get(type(error), _NOT_OURS)

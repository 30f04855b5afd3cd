"""Whether the settings of access go together, and with where the service listens."""

from ipaddress import ip_address
from typing import Final

from app.complaint import Complaint
from app.settings import Settings

_OF_TOKENS: Final = ("jwt_jwks", "jwt_secret", "jwt_audience", "jwt_issuer")


class AccessUnclear(Complaint):
    """The settings leave open who may do what; the message names them and says what to do."""


def check_access(settings: Settings) -> None:
    """Raise `AccessUnclear` if the service would ask less, or other, than its operator thinks."""
    if settings.auth == "none":
        _check_open(settings)
    else:
        _check_tokens(settings)


def _check_open(settings: Settings) -> None:
    given = [name.upper() for name in _OF_TOKENS if getattr(settings, name) is not None]
    if given:
        raise AccessUnclear(
            f"{', '.join(given)} asks for tokens, but AUTH=none asks nobody who he is:"
            f" set AUTH=jwt or unset {', '.join(given)}."
        )
    if settings.auth_none_anywhere == "no" and not _is_loopback(settings.host):
        raise AccessUnclear(
            f"HOST={settings.host!r} lets others in, and AUTH=none asks nobody who he is:"
            " set AUTH=jwt, or HOST=127.0.0.1, or AUTH_NONE_ANYWHERE=yes if others are kept out"
            " elsewhere."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _check_tokens(settings: Settings) -> None:
    for name in ("jwt_audience", "jwt_issuer"):
        if getattr(settings, name) is None:
            raise AccessUnclear(f"AUTH=jwt needs {name.upper()}, which tokens must name.")
    if (settings.jwt_jwks is None) == (settings.jwt_secret is None):
        raise AccessUnclear(
            "AUTH=jwt needs the keys of tokens: set either JWT_JWKS, a path or URL, or JWT_SECRET."
        )
    if settings.jwt_secret is not None and "-----BEGIN" in settings.jwt_secret:
        raise AccessUnclear(
            "JWT_SECRET is a key in PEM, and whoever knows a public key could sign tokens with"
            " it: give it as a key set in JWT_JWKS."
        )

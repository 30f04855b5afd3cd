"""What an idempotency key remembers of a request: each field that was given, in short."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields

from domain.bet import Bet
from domain.payment import Payment

_SHORT: Final = 24  # characters; a digest is longer, so it is never taken for a value
_DIGEST_BYTES: Final = 16
_REQUIRED: Final = object()
_DEFAULTS: Final[dict[type[Struct], list[tuple[str, object]]]] = {}


def of_command(command: Struct, **path: str) -> dict[str, str]:
    """A request's fields in short: those of the body and those of the path.

    A field at its default counts as not given, so that a release which adds an optional
    field does not turn the retries of older clients into different requests. Amounts are in
    the money scale already: 1.10 and 1.1 come out the same.
    """
    given = {name: brief(value) for name, value in path.items()}
    for name, default in _fields(type(command)):
        if (value := getattr(command, name)) != default:
            given[name] = brief(value)
    return given


def of_bet(bet: Bet) -> dict[str, str]:
    """The fingerprint that the request for a placed bet had, from the bet itself."""
    names = ("user_id", "stake", "odds", "fixture_id")
    return {name: brief(getattr(bet, name)) for name in names}


def of_payment(payment: Payment) -> dict[str, str]:
    """The fingerprint that the request for a payment had, from the payment itself."""
    given = {"user_id": brief(payment.user_id), "amount": brief(payment.amount)}
    if payment.type != "deposit":
        given["type"] = brief(payment.type)
    return given


def differing(first: Mapping[str, str], second: Mapping[str, str]) -> list[str]:
    """The names of the fields in which two requests differ, sorted."""
    return sorted(
        name for name in first.keys() | second.keys() if first.get(name) != second.get(name)
    )


def brief(value: object) -> str:
    """A field's canonical text, or a digest of it where it is long."""
    text = str(value)
    if len(text) <= _SHORT:
        return text
    return blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()


def _fields(kind: type[Struct]) -> list[tuple[str, object]]:
    if kind not in _DEFAULTS:
        _DEFAULTS[kind] = [(field.name, _default(field)) for field in fields(kind)]
    return _DEFAULTS[kind]


def _default(field: FieldInfo) -> object:
    return _REQUIRED if field.default is NODEFAULT else field.default
